/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Errors that travel up to a caller: a chain of messages, outermost first. Functions that can fail
 * return `Error *` (own; NULL is success) and leave their ret_ parameters alone on failure. The
 * innermost error may carry what ended a guest: a trap code or an exit status.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/buf.h"

typedef enum ErrorKind {
    ERROR_MESSAGE, /* only a message */
    ERROR_TRAP,    /* value: a TrapCode of abi/trap.h; message: "wasm trap: ..." */
    ERROR_EXIT,    /* value: the guest's exit status */
    ERROR_USAGE,   /* wrong command line: exit code 2 */
} ErrorKind;

typedef struct Error {
    struct Error *cause; /* own */
    char *message;       /* own, may have several lines */
    ErrorKind kind;
    int value;
} Error;

Error *error_new(const char *fmt, ...) PRINTF_LIKE(1, 2) MUST_CHECK;
Error *error_new_kind(ErrorKind kind, int value, const char *fmt, ...) PRINTF_LIKE(3, 4) MUST_CHECK;
/* Puts a message in front; NULL stays NULL. Transfers `cause`. */
Error *error_wrap(Error *cause, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_CHECK;
void error_free(Error *e);
/* The first error of that kind in the chain, NULL if there is none. */
const Error *error_find(const Error *e, ErrorKind kind);
/* "Error: ..." with its causes, laid out as the wasmtime command does. */
void error_format(const Error *e, Buf *out);

#endif
