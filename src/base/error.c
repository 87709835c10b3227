/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Chains of error messages and their layout. */
#include "base/error.h"

PRINTF_LIKE(4, 0)
static Error *error_make(ErrorKind kind, int value, Error *cause, const char *fmt, va_list ap)
{
    Buf text = {0};
    buf_vprintf(&text, fmt, ap);
    Error *e = mem_alloc(sizeof *e);
    *e = (Error){.cause = cause, .message = buf_take_string(&text), .kind = kind, .value = value};
    return e;
}

Error *error_new(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    Error *e = error_make(ERROR_MESSAGE, 0, NULL, fmt, ap);
    va_end(ap);
    return e;
}

Error *error_new_kind(ErrorKind kind, int value, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    Error *e = error_make(kind, value, NULL, fmt, ap);
    va_end(ap);
    return e;
}

Error *error_wrap(Error *cause, const char *fmt, ...)
{
    if (!cause)
        return NULL;
    va_list ap;
    va_start(ap, fmt);
    Error *e = error_make(ERROR_MESSAGE, 0, cause, fmt, ap);
    va_end(ap);
    return e;
}

void error_free(Error *e)
{
    while (e) {
        Error *cause = e->cause;
        mem_free(e->message);
        mem_free(e);
        e = cause;
    }
}

const Error *error_find(const Error *e, ErrorKind kind)
{
    while (e && e->kind != kind)
        e = e->cause;
    return e;
}

void error_format(const Error *e, Buf *out)
{
    buf_printf(out, "Error: %s\n", e->message);
    const Error *cause = e->cause;
    if (!cause)
        return;
    buf_printf(out, "\nCaused by:\n");
    if (!cause->cause) {
        buf_printf(out, "    %s\n", cause->message);
        return;
    }
    for (int i = 0; cause; cause = cause->cause, i++)
        buf_printf(out, "%5d: %s\n", i, cause->message);
}
