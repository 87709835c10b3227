/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Vector sequences of floats and of conversions. */
#include "backend/x64/simd_how.h"

/* --- signs --- */

HOW(f32_abs)
{
    (void)r;
    x64_xxm(c, X64_ANDPS, o->dst, o->a, simd_const_u32(c, 0x7fffffff));
}

HOW(f32_neg)
{
    (void)r;
    x64_xxm(c, X64_XORPS, o->dst, o->a, simd_const_u32(c, 0x80000000));
}

HOW(f64_abs)
{
    (void)r;
    x64_xxm(c, X64_ANDPD, o->dst, o->a, simd_const_u64(c, INT64_MAX));
}

HOW(f64_neg)
{
    (void)r;
    x64_xxm(c, X64_XORPD, o->dst, o->a, simd_const_u64(c, 1ull << 63));
}

/* --- minimum and maximum --- */

/* The rows of one precision, and the bits of a NaN's payload below the highest. */
typedef struct Precision {
    X64Sse min, max, sub, mul, add, cmp, shift;
    X64Sse madd213, madd231, nmadd213, nmadd231;
    u8 payload_shift; /* sign, exponent and quiet bit */
} Precision;

#define PRECISION(s, shift_row, payload)                                                           \
    {                                                                                              \
        .min = X64_MIN##s, .max = X64_MAX##s, .sub = X64_SUB##s, .mul = X64_MUL##s,                \
        .add = X64_ADD##s, .cmp = X64_CMP##s, .shift = shift_row, .madd213 = X64_VFMADD213##s,     \
        .madd231 = X64_VFMADD231##s, .nmadd213 = X64_VFNMADD213##s, .nmadd231 = X64_VFNMADD231##s, \
        .payload_shift = payload                                                                   \
    }
static const Precision single = PRECISION(PS, X64_PSRLD_I, 10);
static const Precision twice = PRECISION(PD, X64_PSRLQ_I, 13);

enum { CMP_EQ, CMP_LT, CMP_LE, CMP_UNORDERED };

/* dst = value, with the payload of NaNs cleared but for the quiet bit; SCRATCH compares unordered
 * to value, or equal numbers. */
static void clear_payloads(CodeBuf *c, const Precision *p, Xmm dst, Xmm value)
{
    x64_xshift(c, p->shift, SCRATCH, SCRATCH, p->payload_shift);
    x64_xxx(c, X64_ANDNPS, dst, SCRATCH, value);
}

/* minps gives its second source for NaN and for two zeros: both orders joined have the negative
 * zero and are NaN where one source is. */
static void vector_min(CodeBuf *c, const Precision *p, const X64SimdOps *o)
{
    x64_xxx(c, p->min, o->tmp, o->a, o->b);
    x64_xxx(c, p->min, SCRATCH, o->b, o->a);
    x64_xx(c, X64_ORPS, o->tmp, SCRATCH);
    x64_xxxi(c, p->cmp, SCRATCH, SCRATCH, o->tmp, CMP_UNORDERED);
    x64_xx(c, X64_ORPS, o->tmp, SCRATCH);
    clear_payloads(c, p, o->dst, o->tmp);
}

/* As above; zeros of both signs differ in the sign, and -0 - -0 is +0. */
static void vector_max(CodeBuf *c, const Precision *p, const X64SimdOps *o)
{
    x64_xxx(c, p->max, o->tmp, o->a, o->b);
    x64_xxx(c, p->max, SCRATCH, o->b, o->a);
    x64_xx(c, X64_XORPS, SCRATCH, o->tmp);
    x64_xx(c, X64_ORPS, o->tmp, SCRATCH);
    x64_xx(c, p->sub, o->tmp, SCRATCH);
    x64_xxxi(c, p->cmp, SCRATCH, SCRATCH, o->tmp, CMP_UNORDERED);
    clear_payloads(c, p, o->dst, o->tmp);
}

HOW(f32_min)
{
    (void)r;
    vector_min(c, &single, o);
}

HOW(f64_min)
{
    (void)r;
    vector_min(c, &twice, o);
}

HOW(f32_max)
{
    (void)r;
    vector_max(c, &single, o);
}

HOW(f64_max)
{
    (void)r;
    vector_max(c, &twice, o);
}

void x64_simd_canonicalize(CodeBuf *c, u32 lane_bits, Xmm v, Xmm tmp)
{
    bool narrow = lane_bits == 32;
    x64_xxxi(c, narrow ? X64_CMPPS : X64_CMPPD, tmp, v, v, CMP_UNORDERED);
    x64_xxx(c, X64_ANDNPS, SCRATCH, tmp, v);
    x64_xm(c, X64_ANDPS, tmp,
           narrow ? simd_const_u32(c, 0x7fc00000) : simd_const_u64(c, 0x7ff8000000000000));
    x64_xxx(c, X64_ORPS, v, tmp, SCRATCH);
}

/* --- multiply and add --- */

/* dst = a * b + m by the form that has dst as the right operand. */
static void fused(CodeBuf *c, X64Sse form213, X64Sse form231, const X64SimdOps *o)
{
    if (o->dst == o->a) {
        x64_xxx(c, form213, o->dst, o->b, o->m);
    } else if (o->dst == o->b) {
        x64_xxx(c, form213, o->dst, o->a, o->m);
    } else {
        x64_mov_xx(c, o->dst, o->m);
        x64_xxx(c, form231, o->dst, o->a, o->b);
    }
}

static void madd(CodeBuf *c, const Precision *p, const X64SimdOps *o)
{
    if (X64_HAS(c->features, FMA)) {
        fused(c, p->madd213, p->madd231, o);
    } else {
        x64_xxx(c, p->mul, o->tmp, o->a, o->b);
        x64_xxx(c, p->add, o->dst, o->tmp, o->m);
    }
}

static void nmadd(CodeBuf *c, const Precision *p, const X64SimdOps *o)
{
    if (X64_HAS(c->features, FMA)) {
        fused(c, p->nmadd213, p->nmadd231, o);
    } else {
        x64_xxx(c, p->mul, o->tmp, o->a, o->b);
        x64_xxx(c, p->sub, o->dst, o->m, o->tmp);
    }
}

HOW(f32_madd)
{
    (void)r;
    madd(c, &single, o);
}

HOW(f64_madd)
{
    (void)r;
    madd(c, &twice, o);
}

HOW(f32_nmadd)
{
    (void)r;
    nmadd(c, &single, o);
}

HOW(f64_nmadd)
{
    (void)r;
    nmadd(c, &twice, o);
}

/* --- integers to floats --- */

/* The lower 16 bits and the rest are converted apart; only the sum rounds. The rest is halved to
 * be a positive signed number. */
HOW(convert_i32_u)
{
    (void)r;
    x64_xshift(c, X64_PSLLD_I, o->tmp, o->a, 16);
    x64_xshift(c, X64_PSRLD_I, o->tmp, o->tmp, 16);
    x64_xxx(c, X64_PSUBD, o->dst, o->a, o->tmp);
    x64_xshift(c, X64_PSRLD_I, o->dst, o->dst, 1);
    x64_xx(c, X64_CVTDQ2PS, o->dst, o->dst);
    x64_xx(c, X64_ADDPS, o->dst, o->dst);
    x64_xx(c, X64_CVTDQ2PS, o->tmp, o->tmp);
    x64_xx(c, X64_ADDPS, o->dst, o->tmp);
}

/* With an exponent put above it, the integer is the fraction of 2^52 + it. */
HOW(convert_low_i32_u)
{
    (void)r;
    x64_xxm(c, X64_UNPCKLPS, o->dst, o->a, simd_const_u32(c, 0x43300000));
    x64_xm(c, X64_SUBPD, o->dst, simd_const_u64(c, 0x4330000000000000));
}

/* --- floats to integers, saturating --- */

/* NaN becomes 0; results that are negative though the source was not are flipped to the
 * highest. */
HOW(trunc_f32_s)
{
    (void)r;
    x64_xxxi(c, X64_CMPPS, o->tmp, o->a, o->a, CMP_EQ);
    x64_xxx(c, X64_ANDPS, o->dst, o->a, o->tmp);
    x64_xx(c, X64_PXOR, o->tmp, o->dst);
    x64_xx(c, X64_CVTTPS2DQ, o->dst, o->dst);
    x64_xx(c, X64_PAND, o->tmp, o->dst);
    x64_xshift(c, X64_PSRAD_I, o->tmp, o->tmp, 31);
    x64_xx(c, X64_PXOR, o->dst, o->tmp);
}

/* What exceeds 2^31 is converted apart, limited to 0 and 2^31 - 1, and added to the 2^31 that the
 * conversion gives for all that is too large. */
HOW(trunc_f32_u)
{
    (void)r;
    x64_zero_x(c, o->tmp);
    x64_xxx(c, X64_MAXPS, o->dst, o->a, o->tmp);
    x64_xm(c, X64_MOVAPS, o->tmp, simd_const_u32(c, 0x4f000000));
    x64_xxx(c, X64_SUBPS, SCRATCH, o->dst, o->tmp);
    x64_xx(c, X64_CVTTPS2DQ, o->dst, o->dst);
    x64_xxxi(c, X64_CMPPS, o->tmp, o->tmp, SCRATCH, CMP_LE);
    x64_xx(c, X64_CVTTPS2DQ, SCRATCH, SCRATCH);
    x64_xx(c, X64_PXOR, SCRATCH, o->tmp);
    x64_zero_x(c, o->tmp);
    x64_xx(c, X64_PMAXSD, SCRATCH, o->tmp);
    x64_xx(c, X64_PADDD, o->dst, SCRATCH);
}

/* The limit is 0 where the source is NaN, which minpd replaces by its second source. */
HOW(trunc_f64_s)
{
    (void)r;
    x64_xxxi(c, X64_CMPPD, o->tmp, o->a, o->a, CMP_EQ);
    x64_xm(c, X64_ANDPD, o->tmp, simd_const_u64(c, 0x41dfffffffc00000)); /* 2147483647.0 */
    x64_xxx(c, X64_MINPD, o->dst, o->a, o->tmp);
    x64_xx(c, X64_CVTTPD2DQ, o->dst, o->dst);
}

/* The sum with 2^52 has the integer as its lowest bits. */
HOW(trunc_f64_u)
{
    (void)r;
    x64_zero_x(c, o->tmp);
    x64_xxx(c, X64_MAXPD, o->dst, o->a, o->tmp);
    x64_xm(c, X64_MINPD, o->dst, simd_const_u64(c, 0x41efffffffe00000)); /* 4294967295.0 */
    x64_xxi(c, X64_ROUNDPD, o->dst, o->dst, 11);
    x64_xm(c, X64_ADDPD, o->dst, simd_const_u64(c, 0x4330000000000000));
    x64_xxxi(c, X64_SHUFPS, o->dst, o->dst, o->tmp, 0x88);
}
