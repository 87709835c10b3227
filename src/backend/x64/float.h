/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Wasm's scalar float instructions that are not one instruction of the CPU.
 *
 * Sizes: SZ_32 is f32 and i32, SZ_64 is f64 and i64. The destination may be any of the operands;
 * operands that are not the destination are kept. `tmp` is a vector register apart from the
 * operands and is clobbered. X64_XMM_SCRATCH and the flags are clobbered, RAX where said; none of
 * these may be an operand. Upper lanes of results are undefined. NaN results are those that wasm
 * allows (a payload of an operand, made quiet, or the default one).
 */
#ifndef BACKEND_X64_FLOAT_H
#define BACKEND_X64_FLOAT_H

#include "backend/x64/asm.h"

/* The immediate of round*: the wanted direction, without raising inexact. */
typedef enum X64Round {
    X64_ROUND_NEAREST = 8,
    X64_ROUND_FLOOR = 9,
    X64_ROUND_CEIL = 10,
    X64_ROUND_TRUNC = 11,
} X64Round;

void x64_float_min(CodeBuf *c, X64Size sz, Xmm dst, Xmm a, Xmm b);
void x64_float_max(CodeBuf *c, X64Size sz, Xmm dst, Xmm a, Xmm b);
void x64_float_copysign(CodeBuf *c, X64Size sz, Xmm dst, Xmm a, Xmm b, Xmm tmp);
void x64_float_abs(CodeBuf *c, X64Size sz, Xmm dst, Xmm a);
void x64_float_neg(CodeBuf *c, X64Size sz, Xmm dst, Xmm a);
void x64_float_sqrt(CodeBuf *c, X64Size sz, Xmm dst, Xmm a);
void x64_float_round(CodeBuf *c, X64Size sz, X64Round how, Xmm dst, Xmm a);
/* f32.demote_f64 and f64.promote_f32; sz is the result's. */
void x64_float_resize(CodeBuf *c, X64Size sz, Xmm dst, Xmm a);

/* Integer to float; the unsigned i32 must be zero-extended to 64 bits, and unsigned i64 clobbers
 * RAX, which may not be src. */
void x64_float_from_int(CodeBuf *c, X64Size float_sz, X64Size int_sz, bool sign, Xmm dst, Gpr src);

/* Where the trapping truncations go, out of line: not a number; out of range. */
typedef struct X64TruncTraps {
    CodeLabel invalid, overflow;
} X64TruncTraps;

/* Float to integer (i32 zero-extended): traps == NULL saturates instead. The unsigned ones clobber
 * RAX, which may not be dst. `tmp` is clobbered by the saturating and the unsigned 64-bit ones
 * only. */
void x64_float_to_int(CodeBuf *c, X64Size int_sz, X64Size float_sz, bool sign,
                      const X64TruncTraps *traps, Gpr dst, Xmm src, Xmm tmp);

#endif
