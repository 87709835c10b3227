/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Scalar numeric instructions of the reference interpreter; the rows are in num.def. */
#include "ref/floats.h"
#include "ref/interp_priv.h"

static u32 clz(u64 a, u32 bits)
{
    u32 n = 0;
    while (n < bits && !(a >> (bits - 1 - n) & 1))
        n++;
    return n;
}

static u32 ctz(u64 a, u32 bits)
{
    u32 n = 0;
    while (n < bits && !(a >> n & 1))
        n++;
    return n;
}

static u32 popcnt(u64 a)
{
    u32 n = 0;
    for (; a; a >>= 1)
        n += a & 1;
    return n;
}

/* n < bits */
static u64 rotl(u64 a, u64 n, u32 bits)
{
    return n == 0 ? a : a << n | a >> (bits - n);
}

static int div_trap(i64 divisor, bool overflow)
{
    if (divisor == 0)
        return TRAP_INTEGER_DIVISION_BY_ZERO;
    return overflow ? TRAP_INTEGER_OVERFLOW : REF_NO_TRAP;
}

/* Truncation is defined strictly between these. */
#define RANGE_I32 -0x1p31 - 1, 0x1p31
#define RANGE_U32 -1.0, 0x1p32
#define RANGE_I64 -0x1.0000000000001p63, 0x1p63
#define RANGE_U64 -1.0, 0x1p64

static int trunc_trap(f64 a, f64 low, f64 high)
{
    if (isnan(a))
        return TRAP_BAD_CONVERSION_TO_INTEGER;
    return a > low && a < high ? REF_NO_TRAP : TRAP_INTEGER_OVERFLOW;
}

#define FN(id) static int num_##id(const RefVal *v, RefVal *r, const Insn *in)
#define UN(id, R, T, value)                                                                        \
    FN(id)                                                                                         \
    {                                                                                              \
        (void)in;                                                                                  \
        T a = v[0].T##s[0];                                                                        \
        r->R##s[0] = (R)(value);                                                                   \
        return REF_NO_TRAP;                                                                        \
    }
#define BIN(id, R, T, value)                                                                       \
    FN(id)                                                                                         \
    {                                                                                              \
        (void)in;                                                                                  \
        T a = v[0].T##s[0], b = v[1].T##s[0];                                                      \
        r->R##s[0] = (R)(value);                                                                   \
        return REF_NO_TRAP;                                                                        \
    }
#define TRY1(id, R, T, trap, value)                                                                \
    FN(id)                                                                                         \
    {                                                                                              \
        (void)in;                                                                                  \
        T a = v[0].T##s[0];                                                                        \
        int t = trap;                                                                              \
        if (t == REF_NO_TRAP)                                                                      \
            r->R##s[0] = (R)(value);                                                               \
        return t;                                                                                  \
    }
#define TRY2(id, R, T, trap, value)                                                                \
    FN(id)                                                                                         \
    {                                                                                              \
        (void)in;                                                                                  \
        T a = v[0].T##s[0], b = v[1].T##s[0];                                                      \
        int t = trap;                                                                              \
        if (t == REF_NO_TRAP)                                                                      \
            r->R##s[0] = (R)(value);                                                               \
        return t;                                                                                  \
    }
#include "ref/num.def"
#undef UN
#undef BIN
#undef TRY1
#undef TRY2

/* 128 bits as pairs of words, low word first. */
FN(i64_add128)
{
    (void)in;
    r[0].u64s[0] = v[0].u64s[0] + v[2].u64s[0];
    u64 carry = r[0].u64s[0] < v[0].u64s[0];
    r[1].u64s[0] = v[1].u64s[0] + v[3].u64s[0] + carry;
    return REF_NO_TRAP;
}

FN(i64_sub128)
{
    (void)in;
    r[0].u64s[0] = v[0].u64s[0] - v[2].u64s[0];
    u64 borrow = v[0].u64s[0] < v[2].u64s[0];
    r[1].u64s[0] = v[1].u64s[0] - v[3].u64s[0] - borrow;
    return REF_NO_TRAP;
}

/* By 32-bit halves. */
FN(i64_mul_wide_u)
{
    (void)in;
    u64 a = v[0].u64s[0], b = v[1].u64s[0];
    u64 al = (u32)a, ah = a >> 32, bl = (u32)b, bh = b >> 32;
    u64 low = al * bl, mid1 = ah * bl, mid2 = al * bh;
    u64 mid = (low >> 32) + (u32)mid1 + (u32)mid2;
    r[0].u64s[0] = mid << 32 | (u32)low;
    r[1].u64s[0] = ah * bh + (mid1 >> 32) + (mid2 >> 32) + (mid >> 32);
    return REF_NO_TRAP;
}

/* The unsigned product, less 2^64 times the other factor for each negative one. */
FN(i64_mul_wide_s)
{
    num_i64_mul_wide_u(v, r, in);
    if (v[0].i64s[0] < 0)
        r[1].u64s[0] -= v[1].u64s[0];
    if (v[1].i64s[0] < 0)
        r[1].u64s[0] -= v[0].u64s[0];
    return REF_NO_TRAP;
}

static int num_const(const RefVal *v, RefVal *r, const Insn *in)
{
    (void)v;
    r->u64s[0] = in->value;
    return REF_NO_TRAP;
}

static int num_const32(const RefVal *v, RefVal *r, const Insn *in)
{
    (void)v;
    r->u32s[0] = (u32)in->value;
    return REF_NO_TRAP;
}

static int num_nop(const RefVal *v, RefVal *r, const Insn *in)
{
    (void)v, (void)r, (void)in;
    return REF_NO_TRAP;
}

static int num_unreachable(const RefVal *v, RefVal *r, const Insn *in)
{
    (void)v, (void)r, (void)in;
    return TRAP_UNREACHABLE;
}

#define UN(id, R, T, value) [OP_##id] = num_##id,
#define BIN(id, R, T, value) [OP_##id] = num_##id,
#define TRY1(id, R, T, trap, value) [OP_##id] = num_##id,
#define TRY2(id, R, T, trap, value) [OP_##id] = num_##id,
RefNumFn *const ref_num_fns[OP_COUNT] = {
#include "ref/num.def"
    [OP_unreachable] = num_unreachable,
    [OP_nop] = num_nop,
    [OP_atomic_fence] = num_nop,
    [OP_i32_const] = num_const32,
    [OP_i64_const] = num_const,
    [OP_f32_const] = num_const32,
    [OP_f64_const] = num_const,
    [OP_i64_add128] = num_i64_add128,
    [OP_i64_sub128] = num_i64_sub128,
    [OP_i64_mul_wide_s] = num_i64_mul_wide_s,
    [OP_i64_mul_wide_u] = num_i64_mul_wide_u,
};
