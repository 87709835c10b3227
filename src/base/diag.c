/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The sticky diagnostic. */
#include "base/diag.h"

#include <stdarg.h>
#include <stdio.h>

void diag_init(Diag *d)
{
    *d = (Diag){.func = DIAG_NO_FUNC};
}

void diag_set(Diag *d, DiagKind kind, u64 offset, const char *fmt, ...)
{
    if (!diag_ok(d))
        return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(d->msg, sizeof d->msg, fmt, ap);
    va_end(ap);
    d->kind = kind;
    d->offset = offset;
}
