/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Vectors. */
#include "compile/baseline.h"

bool bl_op_simd(Baseline *b, OpId op)
{
    (void)b;
    (void)op;
    return false;
}
