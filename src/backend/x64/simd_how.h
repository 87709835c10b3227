/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Private to simd*.c: the sequences that rows of simd.def name, how_<how>. */
#ifndef BACKEND_X64_SIMD_HOW_H
#define BACKEND_X64_SIMD_HOW_H

#include "backend/x64/simd.h"

/* Row of simd.def without its names. */
typedef struct SimdRow {
    void (*how)(CodeBuf *c, const struct SimdRow *r, const X64SimdOps *o);
    X64Sse row, row2;
    u8 operands, imm, nan;
} SimdRow;

/* Scratch of the sequences beside o->tmp. A sequence that keeps something in it must not ask
 * x64_xxx for a non-commutative operation whose destination is the second source. */
#define SCRATCH X64_XMM_SCRATCH

#define HOW(name) void how_##name(CodeBuf *c, const SimdRow *r, const X64SimdOps *o)

/* simd_int.c */
HOW(row);
HOW(swap);
HOW(unary);
HOW(unary_imm);
HOW(row_imm);
HOW(swap_imm);
HOW(not );
HOW(not_row);
HOW(row_eq_a);
HOW(row_ne_a);
HOW(neg);
HOW(bitselect);
HOW(laneselect);
HOW(popcnt);
HOW(swizzle);
HOW(q15mulr);
HOW(extadd_i8_s);
HOW(extadd_i8_u);
HOW(extadd_i16_s);
HOW(extadd_i16_u);
HOW(dot_add);
HOW(dot_signed);
HOW(dot_signed_add);
HOW(extend_high);
HOW(extmul_i8_low);
HOW(extmul_i8_high);
HOW(extmul_i16);
HOW(extmul_i32);
HOW(i64_gt);
HOW(i64_lt);
HOW(i64_le);
HOW(i64_ge);
HOW(i64_abs);
HOW(i64_mul);

/* simd_float.c */
HOW(f32_abs);
HOW(f32_neg);
HOW(f32_min);
HOW(f32_max);
HOW(f32_madd);
HOW(f32_nmadd);
HOW(f64_abs);
HOW(f64_neg);
HOW(f64_min);
HOW(f64_max);
HOW(f64_madd);
HOW(f64_nmadd);
HOW(convert_i32_u);
HOW(convert_low_i32_u);
HOW(trunc_f32_s);
HOW(trunc_f32_u);
HOW(trunc_f64_s);
HOW(trunc_f64_u);

static inline void simd_ones(CodeBuf *c, Xmm dst)
{
    x64_xx(c, X64_PCMPEQD, dst, dst);
}
/* A constant of four equal 32-bit lanes. */
static inline X64Mem simd_const_u32(CodeBuf *c, u32 v)
{
    u64 w = (u64)v << 32 | v;
    return x64_mem_label(code_const_u64x2(c, w, w));
}
static inline X64Mem simd_const_u64(CodeBuf *c, u64 v)
{
    return x64_mem_label(code_const_u64x2(c, v, v));
}

#endif
