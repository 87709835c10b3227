/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Integer division: by registers with the checks that wasm asks for, by powers of two with shifts,
 * by other constants with multiplications.
 */
#include "compile/baseline.h"

Gpr bl_set_up_division(Baseline *b, Val x, Val *y)
{
    CodeBuf *c = &b->code;
    if (y->kind == V_REG && y->reg == RDX) {
        Gpr t = bl_alloc_gpr(b);
        x64_rr(c, X64_MOV, SZ_64, t, RDX);
        y->reg = (u8)t;
        bl_free_gpr(b, RDX);
    }
    if (x.kind == V_REG && x.reg == RDX) {
        bl_load_gpr(b, &x, RAX);
        return bl_gpr(b, y);
    }
    bl_evict_gpr(b, RDX);
    b->gpr_busy |= 1u << RDX;
    Gpr r = bl_gpr(b, y);
    bl_load_gpr(b, &x, RAX);
    bl_release(b, x);
    return r;
}

/* The result is in `from`, RAX or RDX; RDX is taken. */
static void push_quotient(Baseline *b, u8 type, Gpr from)
{
    Gpr h = bl_hint_gpr(b);
    Gpr d = h != GPR_NONE ? h : RDX;
    if (d != from)
        x64_rr(&b->code, X64_MOV, bl_size(type), d, from);
    if (d != RDX)
        bl_free_gpr(b, RDX);
    bl_push_gpr(b, type, d);
}

typedef struct Division {
    u8 type;
    bool is_signed, rem;
} Division;

/* Unsigned by 2^k, and signed: x + (x >> 31 >>> (32 - k)) rounds towards zero. */
static void divide_by_power(Baseline *b, Division o, Val x, u32 k)
{
    CodeBuf *c = &b->code;
    X64Size sz = bl_size(o.type);
    u32 bits = sz == SZ_32 ? 32 : 64;
    Gpr d = bl_own_gpr(b, &x);
    if (!o.is_signed && !o.rem) {
        x64_shift_ri(c, X64_SHR, sz, d, (u8)k);
    } else if (!o.is_signed) {
        if (k < 31) {
            x64_ri(c, X64_AND, sz, d, (i32)((1u << k) - 1));
        } else {
            x64_shift_ri(c, X64_SHL, sz, d, (u8)(bits - k));
            x64_shift_ri(c, X64_SHR, sz, d, (u8)(bits - k));
        }
    } else {
        x64_rr(c, X64_MOV, sz, RAX, d);
        if (k > 1)
            x64_shift_ri(c, X64_SAR, sz, RAX, (u8)(bits - 1));
        x64_shift_ri(c, X64_SHR, sz, RAX, (u8)(bits - k));
        x64_rr(c, X64_ADD, sz, RAX, d);
        if (o.rem) {
            x64_shift_ri(c, X64_SAR, sz, RAX, (u8)k);
            x64_shift_ri(c, X64_SHL, sz, RAX, (u8)k);
            x64_rr(c, X64_SUB, sz, d, RAX);
        } else {
            x64_shift_ri(c, X64_SAR, sz, RAX, (u8)k);
            x64_rr(c, X64_MOV, sz, d, RAX);
        }
    }
    bl_push_gpr(b, o.type, d);
}

/*
 * u32 by a constant d > 1: the upper half of x * M, with M = (2^64 + e) / d for the e < d that
 * makes it whole. x * M / 2^64 exceeds x / d by x * e / (d * 2^64), which is less than 1 / d as x
 * and e have 32 bits.
 */
static Gpr multiply_unsigned(Baseline *b, Val *x, u32 d)
{
    CodeBuf *c = &b->code;
    Gpr r = bl_gpr(b, x);
    x64_mov_ri(c, SZ_64, RAX, (i64)(UINT64_MAX / d + 1));
    x64_r(c, X64_MUL, SZ_64, r);
    return RDX;
}

/*
 * i32 by a constant d, |d| > 1 and no power of two: x * M >> p, with p = 31 + ceil(log2 |d|) and
 * M = 2^p / |d| rounded up, which is at most 2^32; one more for negative x, negated for negative d
 * (Hacker's Delight, 10-1). The result is in RAX.
 */
static Gpr multiply_signed(Baseline *b, Val *x, i32 d)
{
    CodeBuf *c = &b->code;
    u32 abs = d < 0 ? 0 - (u32)d : (u32)d;
    u32 p = 31 + 32 - (u32)__builtin_clz(abs - 1);
    u64 m = ((u64)1 << p) / abs + 1;
    Gpr r = bl_gpr(b, x);
    x64_movsx_rr(c, SZ_32, SZ_64, RAX, r);
    x64_mov_ri(c, SZ_64, RDX, (i64)m);
    x64_rr(c, X64_IMUL, SZ_64, RAX, RDX);
    x64_shift_ri(c, X64_SAR, SZ_64, RAX, (u8)p);
    x64_rr(c, X64_MOV, SZ_32, RDX, r);
    x64_shift_ri(c, X64_SAR, SZ_32, RDX, 31);
    x64_rr(c, X64_SUB, SZ_32, RAX, RDX);
    if (d < 0)
        x64_r(c, X64_NEG, SZ_32, RAX);
    return RAX;
}

/*
 * u64 by a constant d that is no power of two, l = floor(log2 d): the upper half of x * M, shifted
 * by l, with M = 2^(64 + l) / d rounded up, if M exceeds the quotient by at most 2^l / d; else M
 * needs a 65th bit, which is added in two halves: ((x - t) / 2 + t) >> l, for t the upper half of x
 * * M of the next l (Granlund and Montgomery, figure 4.1). The result is in RDX.
 */
static Gpr multiply_unsigned_64(Baseline *b, Val *x, u64 d)
{
    CodeBuf *c = &b->code;
    u32 l = 63 - (u32)__builtin_clzll(d);
    unsigned __int128 power = (unsigned __int128)1 << (64 + l);
    u64 error = d - (u64)(power % d);
    bool fits = error < (u64)1 << l;
    u64 m = fits ? (u64)(power / d) + 1 : (u64)(power / d * 2) + (u64)(((power % d) * 2) / d) + 1;
    Gpr r = bl_gpr(b, x);
    x64_mov_ri(c, SZ_64, RAX, (i64)m);
    x64_r(c, X64_MUL, SZ_64, r);
    if (!fits) {
        x64_rr(c, X64_MOV, SZ_64, RAX, r);
        x64_rr(c, X64_SUB, SZ_64, RAX, RDX);
        x64_shift_ri(c, X64_SHR, SZ_64, RAX, 1);
        x64_rr(c, X64_ADD, SZ_64, RDX, RAX);
    }
    if (l)
        x64_shift_ri(c, X64_SHR, SZ_64, RDX, (u8)l);
    return RDX;
}

/*
 * i64 by a constant d, |d| > 1 and no power of two, l = floor(log2 |d|): x * M >> (64 + l), with M
 * = 2^(64 + l) / |d| rounded up, a number of 64 bits of which the highest is set: 2^64 less is what
 * the signed multiplication takes, so x is added. One more for negative x, negated for negative d
 * (Granlund and Montgomery, figure 5.2). The result is in RDX.
 */
static Gpr multiply_signed_64(Baseline *b, Val *x, i64 d)
{
    CodeBuf *c = &b->code;
    u64 abs = d < 0 ? 0 - (u64)d : (u64)d;
    u32 l = 63 - (u32)__builtin_clzll(abs);
    u64 m = (u64)(((unsigned __int128)1 << (64 + l)) / abs) + 1;
    Gpr r = bl_gpr(b, x);
    x64_mov_ri(c, SZ_64, RAX, (i64)m);
    x64_r(c, X64_IMUL1, SZ_64, r);
    x64_rr(c, X64_ADD, SZ_64, RDX, r);
    if (l)
        x64_shift_ri(c, X64_SAR, SZ_64, RDX, (u8)l);
    x64_rr(c, X64_MOV, SZ_64, RAX, r);
    x64_shift_ri(c, X64_SAR, SZ_64, RAX, 63);
    x64_rr(c, X64_SUB, SZ_64, RDX, RAX);
    if (d < 0)
        x64_r(c, X64_NEG, SZ_64, RDX);
    return RDX;
}

/* RDX = x - q * d, by way of RAX. */
static void remainder_of(Baseline *b, X64Size sz, Gpr q, Gpr x, u64 d)
{
    CodeBuf *c = &b->code;
    if (sz == SZ_32 || bl_fits_i32(d)) {
        x64_imul_rri(c, sz, RAX, q, (i32)d);
    } else { /* only 64-bit quotients, which are in RDX */
        x64_mov_ri(c, SZ_64, RAX, (i64)d);
        x64_rr(c, X64_IMUL, SZ_64, RAX, q);
    }
    x64_rr(c, X64_MOV, sz, RDX, x);
    x64_rr(c, X64_SUB, sz, RDX, RAX);
}

/* By a constant that is no power of two. */
static void divide_by_const(Baseline *b, Division o, Val x, u64 d)
{
    CodeBuf *c = &b->code;
    X64Size sz = bl_size(o.type);
    if (x.kind == V_REG && x.reg == RDX) {
        Gpr t = bl_alloc_gpr(b);
        x64_rr(c, X64_MOV, sz, t, RDX);
        x.reg = (u8)t;
        bl_free_gpr(b, RDX);
    }
    bl_evict_gpr(b, RDX);
    b->gpr_busy |= 1u << RDX;
    Gpr q = RDX;
    if (sz == SZ_64)
        q = o.is_signed ? multiply_signed_64(b, &x, (i64)d) : multiply_unsigned_64(b, &x, d);
    else
        q = o.is_signed ? multiply_signed(b, &x, (i32)d) : multiply_unsigned(b, &x, (u32)d);
    if (o.rem) {
        remainder_of(b, sz, q, bl_gpr(b, &x), d);
        q = RDX;
    }
    bl_release(b, x);
    push_quotient(b, o.type, q);
}

/* True if the division is by a constant for which there is a multiplication. */
static bool by_multiplication(const Val *y, bool is_signed)
{
    if (y->kind != V_CONST)
        return false;
    bool is32 = y->type == KIND_I32;
    u64 k = is32 ? (u32)y->imm : y->imm;
    if (is_signed && (is32 ? (i32)k < 0 : (i64)k < 0))
        k = is32 ? 0 - (u32)k : 0 - k;
    return (k & (k - 1)) != 0;
}

void bl_op_div(Baseline *b, u8 type, bool is_signed, bool rem)
{
    CodeBuf *c = &b->code;
    X64Size sz = bl_size(type);
    Val y = bl_pop(b), x = bl_pop(b);
    u64 k = type == KIND_I32 ? (u32)y.imm : y.imm;
    u64 top = (u64)1 << (type == KIND_I32 ? 31 : 63);
    if (y.kind == V_CONST && k > 1 && (k & (k - 1)) == 0 && !(is_signed && k == top)) {
        divide_by_power(b, (Division){type, is_signed, rem}, x, (u32)__builtin_ctzll(k));
        return;
    }
    if (by_multiplication(&y, is_signed)) {
        divide_by_const(b, (Division){type, is_signed, rem}, x, k);
        return;
    }
    bool check_zero = y.kind != V_CONST || k == 0;
    bool check_minus_1 =
        is_signed && (y.kind != V_CONST || k == (type == KIND_I32 ? UINT32_MAX : UINT64_MAX));
    Gpr r = bl_set_up_division(b, x, &y);
    if (check_zero) {
        x64_rr(c, X64_TEST, sz, r, r);
        x64_jcc(c, CC_E, bl_trap_label(b, TRAP_INTEGER_DIVISION_BY_ZERO));
    }
    CodeLabel done = CODE_NO_LABEL;
    if (check_minus_1) {
        CodeLabel divide = code_label(c);
        x64_ri(c, X64_CMP, sz, r, -1);
        x64_jcc_short(c, CC_NE, divide);
        if (rem) {
            done = code_label(c);
            x64_mov_ri(c, SZ_32, RDX, 0);
            x64_jmp_short(c, done);
        } else {
            x64_ri(c, X64_CMP, sz, RAX, 1); /* overflows for the minimum only */
            x64_jcc(c, CC_O, bl_trap_label(b, TRAP_INTEGER_OVERFLOW));
        }
        code_bind(c, divide);
    }
    if (!is_signed)
        x64_zero(c, RDX);
    else if (sz == SZ_32)
        x64_cdq(c);
    else
        x64_cqo(c);
    x64_r(c, is_signed ? X64_IDIV : X64_DIV, sz, r);
    if (done != CODE_NO_LABEL)
        code_bind(c, done);
    bl_release(b, y);
    push_quotient(b, type, rem ? RDX : RAX);
}
