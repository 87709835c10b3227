/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The end of the line for broken invariants. */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>

void base_bug(const char *file, int line, const char *what)
{
    fprintf(stderr, "internal error at %s:%d: %s\n", file, line, what);
    abort();
}
