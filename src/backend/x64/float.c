/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Scalar float operations. */
#include "backend/x64/float.h"

#define SIGN_32 0x80000000u
#define SIGN_64 0x8000000000000000u

/* The row of single or double precision. */
#define BY_SIZE(sz, name) ((sz) == SZ_64 ? X64_##name##SD : X64_##name##SS)
#define UCOMI(sz) ((sz) == SZ_64 ? X64_UCOMISD : X64_UCOMISS)

/* --- bits --- */

/* A mask in all lanes: packed operations read 16 bytes. */
static X64Mem mask_const(CodeBuf *c, X64Size sz, u64 mask64, u32 mask32)
{
    u64 v = sz == SZ_64 ? mask64 : (u64)mask32 << 32 | mask32;
    return x64_mem_label(code_const_u64x2(c, v, v));
}

static X64Mem sign_mask(CodeBuf *c, X64Size sz)
{
    return mask_const(c, sz, SIGN_64, SIGN_32);
}

static X64Mem magnitude_mask(CodeBuf *c, X64Size sz)
{
    return mask_const(c, sz, ~SIGN_64, ~SIGN_32);
}

void x64_float_abs(CodeBuf *c, X64Size sz, Xmm dst, Xmm a)
{
    x64_xxm(c, X64_ANDPS, dst, a, magnitude_mask(c, sz));
}

void x64_float_neg(CodeBuf *c, X64Size sz, Xmm dst, Xmm a)
{
    x64_xxm(c, X64_XORPS, dst, a, sign_mask(c, sz));
}

void x64_float_copysign(CodeBuf *c, X64Size sz, Xmm dst, Xmm a, Xmm b, Xmm tmp)
{
    x64_xxm(c, X64_ANDPS, tmp, b, sign_mask(c, sz));
    x64_xxm(c, X64_ANDPS, dst, a, magnitude_mask(c, sz));
    x64_xxx(c, X64_ORPS, dst, dst, tmp);
}

/* --- minimum and maximum --- */

/* minss is right for different numbers. Equal ones may be zeros of both signs, which `equal`
 * joins; a sum makes the quiet NaN. */
static void min_max(CodeBuf *c, X64Size sz, X64Sse differ, X64Sse equal, Xmm dst, Xmm a, Xmm b)
{
    CodeLabel differs = code_label(c), nan = code_label(c), done = code_label(c);
    if (dst == b)
        b = a;
    else
        x64_mov_xx(c, dst, a);
    x64_xx(c, UCOMI(sz), dst, b);
    x64_jcc_short(c, CC_NE, differs);
    x64_jcc_short(c, CC_P, nan);
    x64_xx(c, equal, dst, b);
    x64_jmp_short(c, done);
    code_bind(c, nan);
    x64_xx(c, BY_SIZE(sz, ADD), dst, b);
    x64_jmp_short(c, done);
    code_bind(c, differs);
    x64_xx(c, differ, dst, b);
    code_bind(c, done);
}

void x64_float_min(CodeBuf *c, X64Size sz, Xmm dst, Xmm a, Xmm b)
{
    min_max(c, sz, BY_SIZE(sz, MIN), X64_ORPS, dst, a, b);
}

void x64_float_max(CodeBuf *c, X64Size sz, Xmm dst, Xmm a, Xmm b)
{
    min_max(c, sz, BY_SIZE(sz, MAX), X64_ANDPS, dst, a, b);
}

/* --- one operand --- */

/* dst = op a. With AVX the upper lanes come from a, so that no old value of dst is waited for. */
static void scalar_unary(CodeBuf *c, X64Sse i, Xmm dst, Xmm a)
{
    if (X64_HAS(c->features, AVX))
        x64_xxx(c, i, dst, a, a);
    else
        x64_xx(c, i, dst, a);
}

void x64_float_sqrt(CodeBuf *c, X64Size sz, Xmm dst, Xmm a)
{
    scalar_unary(c, BY_SIZE(sz, SQRT), dst, a);
}

void x64_float_round(CodeBuf *c, X64Size sz, X64Round how, Xmm dst, Xmm a)
{
    x64_xxxi(c, BY_SIZE(sz, ROUND), dst, a, a, (u8)how);
}

void x64_float_resize(CodeBuf *c, X64Size sz, Xmm dst, Xmm a)
{
    scalar_unary(c, sz == SZ_64 ? X64_CVTSS2SD : X64_CVTSD2SS, dst, a);
}

/* --- from integers --- */

/* The upper half of the range is halved, keeping the lowest bit for the rounding, and doubled. */
static void from_u64(CodeBuf *c, X64Size float_sz, Xmm dst, Gpr src)
{
    CodeLabel big = code_label(c), even = code_label(c), done = code_label(c);
    X64Sse convert = BY_SIZE(float_sz, CVTSI2);
    x64_zero_x(c, dst);
    x64_rr(c, X64_TEST, SZ_64, src, src);
    x64_jcc_short(c, CC_S, big);
    x64_xr(c, convert, SZ_64, dst, src);
    x64_jmp_short(c, done);
    code_bind(c, big);
    x64_rr(c, X64_MOV, SZ_64, RAX, src);
    x64_shift_ri(c, X64_SHR, SZ_64, RAX, 1);
    x64_jcc_short(c, CC_AE, even);
    x64_ri(c, X64_OR, SZ_64, RAX, 1);
    code_bind(c, even);
    x64_xr(c, convert, SZ_64, dst, RAX);
    x64_xx(c, BY_SIZE(float_sz, ADD), dst, dst);
    code_bind(c, done);
}

void x64_float_from_int(CodeBuf *c, X64Size float_sz, X64Size int_sz, bool sign, Xmm dst, Gpr src)
{
    if (!sign && int_sz == SZ_64) {
        from_u64(c, float_sz, dst, src);
        return;
    }
    x64_zero_x(c, dst);
    x64_xr(c, BY_SIZE(float_sz, CVTSI2), sign ? int_sz : SZ_64, dst, src);
}

/* --- to integers --- */

static X64Sse to_int_row(X64Size float_sz)
{
    return float_sz == SZ_64 ? X64_CVTTSD2SI : X64_CVTTSS2SI;
}

/* A float constant of that size in memory. */
static X64Mem float_const(CodeBuf *c, X64Size sz, double v)
{
    float f = (float)v;
    return x64_mem_label(sz == SZ_64 ? code_const(c, &v, 8) : code_const(c, &f, 4));
}

static void branch_if_nan(CodeBuf *c, X64Size float_sz, Xmm src, CodeLabel l)
{
    x64_xx(c, UCOMI(float_sz), src, src);
    x64_jcc(c, CC_P, l);
}

/* After a conversion whose result shows that src was out of range or not a number: 0 for that,
 * the lowest value (or 0, for unsigned) if negative, else the highest. dst holds the lowest value
 * of the signed type already. Ends at `done`. */
static void saturate(CodeBuf *c, X64Size int_sz, X64Size float_sz, bool sign, Gpr dst, Xmm src,
                     Xmm tmp, CodeLabel done)
{
    CodeLabel zero = code_label(c);
    x64_zero_x(c, tmp);
    x64_xx(c, UCOMI(float_sz), src, tmp);
    x64_jcc_short(c, sign ? CC_P : CC_B, zero); /* unordered is below, too */
    if (sign)
        x64_jcc_short(c, CC_B, done);
    i64 max = int_sz == SZ_64 ? INT64_MAX : INT32_MAX;
    x64_mov_ri(c, int_sz, dst, sign ? max : -1);
    x64_jmp_short(c, done);
    code_bind(c, zero);
    x64_zero(c, dst);
}

/* The lowest integer is what the conversion gives when it fails, and may be right: then src is
 * not below the lowest value that truncates to it, and negative. */
static void check_lowest(CodeBuf *c, X64Size int_sz, X64Size float_sz, const X64TruncTraps *traps,
                         Xmm src)
{
    /* -2^31 - 1 is a double and out of range itself; no float lies between it and -2^31. */
    bool exclusive = int_sz == SZ_32 && float_sz == SZ_64;
    double lowest = exclusive ? -2147483649.0 : int_sz == SZ_32 ? -0x1p31 : -0x1p63;
    branch_if_nan(c, float_sz, src, traps->invalid);
    x64_xm(c, UCOMI(float_sz), src, float_const(c, float_sz, lowest));
    x64_jcc(c, exclusive ? CC_BE : CC_B, traps->overflow);
    x64_xm(c, UCOMI(float_sz), src, float_const(c, float_sz, 0));
    x64_jcc(c, CC_A, traps->overflow);
}

static void to_signed(CodeBuf *c, X64Size int_sz, X64Size float_sz, const X64TruncTraps *traps,
                      Gpr dst, Xmm src, Xmm tmp)
{
    CodeLabel done = code_label(c);
    x64_rx(c, to_int_row(float_sz), int_sz, dst, src);
    x64_ri(c, X64_CMP, int_sz, dst, 1); /* overflows for the lowest integer only */
    x64_jcc_short(c, CC_NO, done);
    if (traps)
        check_lowest(c, int_sz, float_sz, traps, src);
    else
        saturate(c, int_sz, float_sz, true, dst, src, tmp, done);
    code_bind(c, done);
}

/* By way of the signed 64-bit conversion: right if the upper half of its result is zero. */
static void to_u32(CodeBuf *c, X64Size float_sz, const X64TruncTraps *traps, Gpr dst, Xmm src,
                   Xmm tmp)
{
    CodeLabel done = code_label(c);
    x64_rx(c, to_int_row(float_sz), SZ_64, dst, src);
    x64_rr(c, X64_MOV, SZ_32, RAX, dst);
    x64_rr(c, X64_CMP, SZ_64, RAX, dst);
    x64_jcc_short(c, CC_E, done);
    if (traps) {
        branch_if_nan(c, float_sz, src, traps->invalid);
        x64_jmp(c, traps->overflow);
    } else {
        saturate(c, SZ_32, float_sz, false, dst, src, tmp, done);
    }
    code_bind(c, done);
}

/* From 2^63 on, 2^63 is taken off before and put back after the conversion. */
static void to_u64(CodeBuf *c, X64Size float_sz, const X64TruncTraps *traps, Gpr dst, Xmm src,
                   Xmm tmp)
{
    CodeLabel big = code_label(c), fail = code_label(c), done = code_label(c);
    x64_xm(c, BY_SIZE(float_sz, MOV), tmp, float_const(c, float_sz, 0x1p63));
    x64_xx(c, UCOMI(float_sz), src, tmp);
    x64_jcc_short(c, CC_AE, big);
    x64_rx(c, to_int_row(float_sz), SZ_64, dst, src);
    x64_rr(c, X64_TEST, SZ_64, dst, dst);
    x64_jcc_short(c, CC_NS, done);
    x64_jmp_short(c, fail);
    code_bind(c, big);
    x64_mov_xx(c, X64_XMM_SCRATCH, src);
    x64_xx(c, BY_SIZE(float_sz, SUB), X64_XMM_SCRATCH, tmp);
    x64_rx(c, to_int_row(float_sz), SZ_64, dst, X64_XMM_SCRATCH);
    x64_bit_ri(c, X64_BTC, SZ_64, dst, 63);
    x64_rr(c, X64_TEST, SZ_64, dst, dst);
    x64_jcc_short(c, CC_S, done);
    code_bind(c, fail);
    if (traps) {
        branch_if_nan(c, float_sz, src, traps->invalid);
        x64_jmp(c, traps->overflow);
    } else {
        saturate(c, SZ_64, float_sz, false, dst, src, tmp, done);
    }
    code_bind(c, done);
}

void x64_float_to_int(CodeBuf *c, X64Size int_sz, X64Size float_sz, bool sign,
                      const X64TruncTraps *traps, Gpr dst, Xmm src, Xmm tmp)
{
    if (sign)
        to_signed(c, int_sz, float_sz, traps, dst, src, tmp);
    else if (int_sz == SZ_32)
        to_u32(c, float_sz, traps, dst, src, tmp);
    else
        to_u64(c, float_sz, traps, dst, src, tmp);
}
