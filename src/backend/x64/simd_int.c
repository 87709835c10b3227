/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Vector sequences: bits, integers, and the shapes that floats share. */
#include "backend/x64/simd_how.h"

/* --- the shapes of one instruction --- */

HOW(row)
{
    x64_xxx(c, r->row, o->dst, o->a, o->b);
}

HOW(swap)
{
    x64_xxx(c, r->row, o->dst, o->b, o->a);
}

HOW(unary)
{
    x64_xx(c, r->row, o->dst, o->a);
}

HOW(unary_imm)
{
    x64_xxi(c, r->row, o->dst, o->a, r->imm);
}

HOW(row_imm)
{
    x64_xxxi(c, r->row, o->dst, o->a, o->b, r->imm);
}

HOW(swap_imm)
{
    x64_xxxi(c, r->row, o->dst, o->b, o->a, r->imm);
}

/* --- bits --- */

static void invert(CodeBuf *c, Xmm dst, Xmm src, Xmm tmp)
{
    simd_ones(c, tmp);
    x64_xxx(c, X64_PXOR, dst, src, tmp);
}

HOW(not )
{
    (void)r;
    invert(c, o->dst, o->a, o->tmp);
}

HOW(not_row)
{
    x64_xxx(c, r->row, o->dst, o->a, o->b);
    invert(c, o->dst, o->dst, o->tmp);
}

/* (a & m) | (b & ~m) as ((a ^ b) & m) ^ b */
HOW(bitselect)
{
    (void)r;
    x64_xxx(c, X64_PXOR, o->tmp, o->a, o->b);
    x64_xxx(c, X64_PAND, o->tmp, o->tmp, o->m);
    x64_xxx(c, X64_PXOR, o->dst, o->tmp, o->b);
}

/* By the highest bit of each lane where that is one instruction, by all bits otherwise. */
HOW(laneselect)
{
    if (X64_HAS(c->features, AVX))
        x64_blendv(c, r->row, o->dst, o->b, o->a, o->m);
    else
        how_bitselect(c, r, o);
}

/* --- comparisons: a <= b if min(a, b) = a --- */

HOW(row_eq_a)
{
    x64_xxx(c, r->row, o->tmp, o->a, o->b);
    x64_xxx(c, r->row2, o->dst, o->tmp, o->a);
}

HOW(row_ne_a)
{
    how_row_eq_a(c, r, o);
    invert(c, o->dst, o->dst, o->tmp);
}

/* --- arithmetic of bytes, words and double words --- */

HOW(neg)
{
    x64_zero_x(c, o->tmp);
    x64_xxx(c, r->row, o->dst, o->tmp, o->a);
}

/* Two look-ups of four bits each. */
HOW(popcnt)
{
    (void)r;
    CodeLabel counts = code_const_u64x2(c, 0x0302020102010100, 0x0403030203020201);
    X64Mem nibbles = simd_const_u32(c, 0x0f0f0f0f), table = x64_mem_label(counts);
    x64_xshift(c, X64_PSRLW_I, SCRATCH, o->a, 4);
    x64_xm(c, X64_PAND, SCRATCH, nibbles);
    x64_xxm(c, X64_PAND, o->tmp, o->a, nibbles);
    x64_xm(c, X64_MOVDQA, o->dst, table);
    x64_xx(c, X64_PSHUFB, o->dst, o->tmp);
    x64_xm(c, X64_MOVDQA, o->tmp, table);
    x64_xx(c, X64_PSHUFB, o->tmp, SCRATCH);
    x64_xx(c, X64_PADDB, o->dst, o->tmp);
}

/* Indexes from 16 on get their highest bit set, which makes a zero. */
HOW(swizzle)
{
    (void)r;
    x64_xxm(c, X64_PADDUSB, o->tmp, o->b, simd_const_u32(c, 0x70707070));
    x64_xxx(c, X64_PSHUFB, o->dst, o->a, o->tmp);
}

/* Only -1 times -1 overflows: to 0x8000, which becomes 0x7fff. */
HOW(q15mulr)
{
    (void)r;
    x64_xxx(c, X64_PMULHRSW, o->dst, o->a, o->b);
    x64_xxm(c, X64_PCMPEQW, o->tmp, o->dst, simd_const_u32(c, 0x80008000));
    x64_xx(c, X64_PXOR, o->dst, o->tmp);
}

/* --- pairs --- */

/* pmaddubsw: the first source is unsigned, the second signed. */
HOW(extadd_i8_s)
{
    (void)r;
    x64_xm(c, X64_MOVDQA, o->tmp, simd_const_u32(c, 0x01010101));
    x64_xxx(c, X64_PMADDUBSW, o->dst, o->tmp, o->a);
}

HOW(extadd_i8_u)
{
    (void)r;
    x64_xxm(c, X64_PMADDUBSW, o->dst, o->a, simd_const_u32(c, 0x01010101));
}

HOW(extadd_i16_s)
{
    (void)r;
    x64_xxm(c, X64_PMADDWD, o->dst, o->a, simd_const_u32(c, 0x00010001));
}

HOW(extadd_i16_u)
{
    (void)r;
    x64_xshift(c, X64_PSRLD_I, o->tmp, o->a, 16);
    x64_xxm(c, X64_PAND, o->dst, o->a, simd_const_u32(c, 0x0000ffff));
    x64_xx(c, X64_PADDD, o->dst, o->tmp);
}

HOW(dot_add)
{
    (void)r;
    x64_xxx(c, X64_PMADDUBSW, o->tmp, o->b, o->a);
    x64_xm(c, X64_PMADDWD, o->tmp, simd_const_u32(c, 0x00010001));
    x64_xxx(c, X64_PADDD, o->dst, o->tmp, o->m);
}

/* tmp = sums of two products of signed bytes, wrapping around. The even bytes are sign-extended and
 * multiplied; the odd ones of a are multiplied by their magnitude, as pmaddubsw takes a for
 * unsigned, and get the sign of a's word, which is theirs. */
static void dot_bytes(CodeBuf *c, Xmm tmp, Xmm a, Xmm b)
{
    x64_xshift(c, X64_PSLLW_I, tmp, a, 8);
    x64_xshift(c, X64_PSRAW_I, tmp, tmp, 8);
    x64_xshift(c, X64_PSLLW_I, SCRATCH, b, 8);
    x64_xshift(c, X64_PSRAW_I, SCRATCH, SCRATCH, 8);
    x64_xx(c, X64_PMULLW, tmp, SCRATCH);
    x64_xx(c, X64_PABSB, SCRATCH, a);
    x64_xm(c, X64_PAND, SCRATCH, simd_const_u32(c, 0xff00ff00));
    x64_xx(c, X64_PMADDUBSW, SCRATCH, b);
    x64_xx(c, X64_PSIGNW, SCRATCH, a);
    x64_xx(c, X64_PADDW, tmp, SCRATCH);
}

HOW(dot_signed)
{
    (void)r;
    dot_bytes(c, o->tmp, o->a, o->b);
    x64_mov_xx(c, o->dst, o->tmp);
}

HOW(dot_signed_add)
{
    (void)r;
    dot_bytes(c, o->tmp, o->a, o->b);
    x64_xm(c, X64_PMADDWD, o->tmp, simd_const_u32(c, 0x00010001));
    x64_xxx(c, X64_PADDD, o->dst, o->tmp, o->m);
}

/* --- widening --- */

static void upper_half(CodeBuf *c, Xmm dst, Xmm src)
{
    x64_xxi(c, X64_PSHUFD, dst, src, 0xee);
}

HOW(extend_high)
{
    upper_half(c, o->tmp, o->a);
    x64_xx(c, r->row, o->dst, o->tmp);
}

HOW(extmul_i8_low)
{
    x64_xx(c, r->row, o->tmp, o->a);
    x64_xx(c, r->row, SCRATCH, o->b);
    x64_xxx(c, X64_PMULLW, o->dst, o->tmp, SCRATCH);
}

HOW(extmul_i8_high)
{
    upper_half(c, o->tmp, o->a);
    upper_half(c, SCRATCH, o->b);
    x64_xx(c, r->row, o->tmp, o->tmp);
    x64_xx(c, r->row, SCRATCH, SCRATCH);
    x64_xxx(c, X64_PMULLW, o->dst, o->tmp, SCRATCH);
}

/* Low and high halves of the products, interleaved. */
HOW(extmul_i16)
{
    x64_xxx(c, r->row, o->tmp, o->a, o->b);
    x64_xxx(c, X64_PMULLW, o->dst, o->a, o->b);
    x64_xx(c, r->row2, o->dst, o->tmp);
}

/* The even lanes are multiplied: imm brings the wanted ones there. */
HOW(extmul_i32)
{
    x64_xxi(c, X64_PSHUFD, o->tmp, o->a, r->imm);
    x64_xxi(c, X64_PSHUFD, SCRATCH, o->b, r->imm);
    x64_xxx(c, r->row, o->dst, o->tmp, SCRATCH);
}

/* --- 64-bit lanes --- */

/* dst = a > b. Without SSE4.2: the upper halves decide, and where they are equal the borrow of
 * b - a does. */
static void i64_greater(CodeBuf *c, Xmm dst, Xmm a, Xmm b, Xmm tmp)
{
    if (X64_HAS(c->features, SSE42)) {
        x64_xxx(c, X64_PCMPGTQ, dst, a, b);
        return;
    }
    x64_xxx(c, X64_PCMPEQD, tmp, a, b);
    x64_xxx(c, X64_PSUBQ, SCRATCH, b, a);
    x64_xx(c, X64_PAND, tmp, SCRATCH);
    x64_xxx(c, X64_PCMPGTD, SCRATCH, a, b);
    x64_xx(c, X64_POR, tmp, SCRATCH);
    x64_xxi(c, X64_PSHUFD, dst, tmp, 0xf5);
}

HOW(i64_gt)
{
    (void)r;
    i64_greater(c, o->dst, o->a, o->b, o->tmp);
}

HOW(i64_lt)
{
    (void)r;
    i64_greater(c, o->dst, o->b, o->a, o->tmp);
}

HOW(i64_le)
{
    how_i64_gt(c, r, o);
    invert(c, o->dst, o->dst, o->tmp);
}

HOW(i64_ge)
{
    how_i64_lt(c, r, o);
    invert(c, o->dst, o->dst, o->tmp);
}

HOW(i64_abs)
{
    (void)r;
    x64_xshift(c, X64_PSRAD_I, o->tmp, o->a, 31);
    x64_xxi(c, X64_PSHUFD, o->tmp, o->tmp, 0xf5);
    x64_xxx(c, X64_PXOR, o->dst, o->a, o->tmp);
    x64_xx(c, X64_PSUBQ, o->dst, o->tmp);
}

/* The cross products, shifted up, and the product of the lower halves. */
HOW(i64_mul)
{
    (void)r;
    x64_xshift(c, X64_PSRLQ_I, o->tmp, o->a, 32);
    x64_xx(c, X64_PMULUDQ, o->tmp, o->b);
    x64_xshift(c, X64_PSRLQ_I, SCRATCH, o->b, 32);
    x64_xx(c, X64_PMULUDQ, SCRATCH, o->a);
    x64_xx(c, X64_PADDQ, o->tmp, SCRATCH);
    x64_xshift(c, X64_PSLLQ_I, o->tmp, o->tmp, 32);
    x64_xxx(c, X64_PMULUDQ, o->dst, o->a, o->b);
    x64_xx(c, X64_PADDQ, o->dst, o->tmp);
}
