/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What is wrong with an input and where. Readers are sticky: the first diagnostic is kept, later
 * ones are dropped, and after it a reader returns zeros and sits at its end, so parsing code needs
 * no error plumbing.
 */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include "base/base.h"

typedef enum DiagKind {
    DIAG_NONE,
    DIAG_MALFORMED,   /* the bytes or the text are not of the format */
    DIAG_INVALID,     /* well-formed, but against the validation rules */
    DIAG_UNSUPPORTED, /* needs a proposal that is switched off */
    DIAG_NOT_BUILT,   /* valid, but no compiler here can make code of it yet */
    DIAG_LIMIT,       /* over an implementation limit */
} DiagKind;

enum { DIAG_NO_FUNC = UINT32_MAX, DIAG_MSG_SIZE = 240 };

typedef struct Diag {
    DiagKind kind;
    u64 offset;          /* bytes from the start of the binary or of the text */
    u32 func;            /* function index, DIAG_NO_FUNC outside a body */
    const char *section; /* static text, NULL if unknown */
    char
        msg[DIAG_MSG_SIZE]; /* begins with the specification test suite's words where it has some */
} Diag;

void diag_init(Diag *d);
void diag_set(Diag *d, DiagKind kind, u64 offset, const char *fmt, ...)
    __attribute__((format(printf, 4, 5), cold, noinline));
static inline bool diag_ok(const Diag *d)
{
    return d->kind == DIAG_NONE;
}

#endif
