/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Reading numbers. A float becomes an exact value first, mantissa * 2^exponent with a sticky bit
 * for what lies below the mantissa, and is rounded once.
 *
 * Decimal: digits * 10^e as a quotient of two big integers. A double has at most 767 significant
 * digits in its shortest midpoint, so digits beyond DIGITS_MAX only matter as "not zero", and
 * numbers beyond 10^400 or below 10^-400 are decided without arithmetic. Work is bounded.
 */
#include "wasm/text/number.h"

enum {
    DIGITS_MAX = 800,
    LIMBS = 96, /* 3072 bits and more are needed for 10^(DIGITS_MAX + 400) and for 64 spare bits */
    EXP10_MAX = 400,
    EXP_CLAMP = 1 << 29,
};

typedef struct Big {
    u32 n; /* limbs in use */
    u32 limb[2 * LIMBS];
} Big;

/* A positive value: (mantissa with its top bit set) * 2^exp, plus less than one unit if sticky. */
typedef struct Exact {
    u64 mantissa; /* 0: zero */
    i64 exp;
    bool sticky;
} Exact;

typedef struct Format {
    u32 precision; /* bits with the implicit one */
    i32 min_exp;   /* of the unit in the last place of subnormals */
    i32 max_exp;   /* of the last place of the largest numbers */
} Format;

static const Format format_f32 = {24, -149, 104}, format_f64 = {53, -1074, 971};

static u32 digit_value(char c)
{
    return c <= '9' ? (u32)(c - '0') : (u32)((c | 32) - 'a' + 10);
}

static bool take_sign(Str *s)
{
    bool negative = s->n > 0 && s->p[0] == '-';
    if (negative || (s->n > 0 && s->p[0] == '+'))
        *s = (Str){s->p + 1, s->n - 1};
    return negative;
}

static bool take_hex(Str *s)
{
    bool hex = s->n > 2 && s->p[0] == '0' && s->p[1] == 'x';
    if (hex)
        *s = (Str){s->p + 2, s->n - 2};
    return hex;
}

/* Digits and underscores only. */
static bool magnitude(Str s, u64 max, u64 *ret_value)
{
    u64 base = take_hex(&s) ? 16 : 10, v = 0;
    for (usize i = 0; i < s.n; i++) {
        if (s.p[i] == '_')
            continue;
        if (__builtin_mul_overflow(v, base, &v) ||
            __builtin_add_overflow(v, (u64)digit_value(s.p[i]), &v) || v > max)
            return false;
    }
    *ret_value = v;
    return true;
}

bool number_unsigned(Str s, u64 max, u64 *ret_value)
{
    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'))
        return false;
    return magnitude(s, max, ret_value);
}

bool number_int(Str s, u32 bits, u64 *ret_value)
{
    u64 mask = bits == 64 ? UINT64_MAX : ((u64)1 << bits) - 1, v;
    bool negative = take_sign(&s);
    if (!magnitude(s, negative ? (u64)1 << (bits - 1) : mask, &v))
        return false;
    *ret_value = (negative ? 0 - v : v) & mask;
    return true;
}

/* Rounds to nearest even; false on overflow. */
static bool round_to(const Format *f, Exact x, u64 *ret_bits)
{
    *ret_bits = 0;
    if (x.mantissa == 0)
        return true;
    i64 drop = 64 - (i64)f->precision;
    if (x.exp + drop < f->min_exp)
        drop = f->min_exp - x.exp;
    i64 exp = x.exp + drop;
    if (drop > 64)
        return true; /* below half of the smallest number */
    u64 kept = drop == 64 ? 0 : x.mantissa >> drop;
    u64 half = (u64)1 << (drop - 1), rest = x.mantissa & (half | (half - 1));
    if (rest > half || (rest == half && (x.sticky || (kept & 1))))
        kept++;
    if (kept >> f->precision) {
        kept >>= 1;
        exp++;
    }
    if (exp > f->max_exp)
        return false;
    /* The implicit one, where there is one, adds itself to the exponent field. */
    u64 field = (u64)(exp - f->min_exp);
    *ret_bits = (field << (f->precision - 1)) + kept;
    return true;
}

static Exact exact_normalize(u64 mantissa, i64 exp, bool sticky)
{
    if (mantissa == 0)
        return (Exact){0};
    int shift = __builtin_clzll(mantissa);
    return (Exact){mantissa << shift, exp - shift, sticky};
}

/* The digits behind `e` or `p`, clamped. */
static i64 read_exponent(Str s)
{
    bool negative = take_sign(&s);
    i64 v = 0;
    for (usize i = 0; i < s.n; i++)
        if (s.p[i] != '_' && v < EXP_CLAMP)
            v = v * 10 + (s.p[i] - '0');
    return negative ? -v : v;
}

static Exact read_hex(Str s)
{
    u64 mantissa = 0;
    i64 exp = 0, written = 0;
    bool sticky = false, fraction = false;
    usize i = 0;
    for (; i < s.n && (s.p[i] | 32) != 'p'; i++) {
        if (s.p[i] == '.')
            fraction = true;
        if (s.p[i] == '.' || s.p[i] == '_')
            continue;
        u32 d = digit_value(s.p[i]);
        if (mantissa >> 60 == 0) {
            mantissa = mantissa << 4 | d;
            exp -= fraction ? 4 : 0;
        } else {
            sticky |= d != 0;
            exp += fraction ? 0 : 4;
        }
    }
    if (i < s.n)
        written = read_exponent((Str){s.p + i + 1, s.n - i - 1});
    return exact_normalize(mantissa, exp + written, sticky);
}

static void big_mul_add(Big *b, u32 factor, u32 add)
{
    u64 carry = add;
    for (u32 i = 0; i < b->n; i++) {
        carry += (u64)b->limb[i] * factor;
        b->limb[i] = (u32)carry;
        carry >>= 32;
    }
    if (carry) {
        ALWAYS(b->n < ARRAY_LEN(b->limb));
        b->limb[b->n++] = (u32)carry;
    }
}

static void big_mul_pow10(Big *b, i64 e)
{
    for (; e >= 9; e -= 9)
        big_mul_add(b, 1000000000, 0);
    for (; e > 0; e--)
        big_mul_add(b, 10, 0);
}

static u32 big_bits(const Big *b)
{
    return b->n == 0 ? 0 : b->n * 32 - (u32)__builtin_clz(b->limb[b->n - 1]);
}

static void big_shl(Big *b, u32 bits)
{
    u32 limbs = bits / 32, rest = bits % 32;
    ALWAYS(b->n + limbs + 1 <= ARRAY_LEN(b->limb));
    for (u32 i = b->n; i-- > 0;) {
        u64 v = (u64)b->limb[i] << rest;
        b->limb[i + limbs + 1] = (i + 1 == b->n ? 0 : b->limb[i + limbs + 1]) | (u32)(v >> 32);
        b->limb[i + limbs] = (u32)v;
    }
    memset(b->limb, 0, limbs * sizeof b->limb[0]);
    b->n += limbs + 1;
    while (b->n > 0 && b->limb[b->n - 1] == 0)
        b->n--;
}

static int big_cmp(const Big *a, const Big *b)
{
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    for (u32 i = a->n; i-- > 0;)
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

/* a -= b, for a >= b. */
static void big_sub(Big *a, const Big *b)
{
    i64 borrow = 0;
    for (u32 i = 0; i < a->n; i++) {
        borrow += (i64)a->limb[i] - (i < b->n ? (i64)b->limb[i] : 0);
        a->limb[i] = (u32)borrow;
        borrow >>= 32;
    }
    while (a->n > 0 && a->limb[a->n - 1] == 0)
        a->n--;
}

/* num / den, both positive: 64 bits of the quotient by long division. Changes both. */
static Exact big_quotient(Big *num, Big *den)
{
    i64 exp = (i64)big_bits(num) - (i64)big_bits(den);
    if (exp > 0)
        big_shl(den, (u32)exp);
    else
        big_shl(num, (u32)-exp);
    u64 q = 0;
    /* The first bit may be 0; the quotient then has 63 bits after 64 steps, so there is one more.
     */
    for (u32 i = 0; q >> 63 == 0; i++) {
        q <<= 1;
        if (big_cmp(num, den) >= 0) {
            big_sub(num, den);
            q |= 1;
        }
        big_shl(num, 1);
        if (i > 0)
            exp--;
    }
    return (Exact){q, exp, num->n > 0};
}

/* The digits of a decimal number: their value (first DIGITS_MAX of them) and the power of ten. */
static i64 read_decimal_digits(Str s, Big *ret_value, u32 *ret_count)
{
    i64 exp = 0, written = 0;
    bool sticky = false, fraction = false;
    u32 count = 0;
    usize i = 0;
    for (; i < s.n && (s.p[i] | 32) != 'e'; i++) {
        if (s.p[i] == '.')
            fraction = true;
        if (s.p[i] == '.' || s.p[i] == '_')
            continue;
        u32 d = (u32)(s.p[i] - '0');
        if (count < DIGITS_MAX) {
            big_mul_add(ret_value, 10, d);
            count += ret_value->n > 0;
            exp -= fraction;
        } else {
            sticky |= d != 0;
            exp += !fraction;
        }
    }
    if (sticky) { /* one digit more, which stands for all that was dropped */
        big_mul_add(ret_value, 10, 1);
        exp--;
        count++;
    }
    if (i < s.n)
        written = read_exponent((Str){s.p + i + 1, s.n - i - 1});
    *ret_count = count;
    return exp + written;
}

static Exact read_decimal(Str s)
{
    Big num = {0}, den = {1, {1}};
    u32 count;
    i64 exp = read_decimal_digits(s, &num, &count);
    if (num.n == 0 || exp + count < -EXP10_MAX)
        return (Exact){0};
    if (exp + count > EXP10_MAX)
        return (Exact){(u64)1 << 63, EXP_CLAMP, true};
    if (exp >= 0)
        big_mul_pow10(&num, exp);
    else
        big_mul_pow10(&den, -exp);
    return big_quotient(&num, &den);
}

/* Magnitude of the number as the bits of a float without sign. */
static bool read_float(Str s, const Format *f, u32 exponent_bits, u64 *ret_bits)
{
    u64 all = (((u64)1 << exponent_bits) - 1) << (f->precision - 1);
    if (str_eq(s, STR("inf")) || str_eq(s, STR("nan"))) {
        *ret_bits = all | (s.p[0] == 'n' ? (u64)1 << (f->precision - 2) : 0);
        return true;
    }
    if (str_starts(s, STR("nan:"))) {
        u64 payload;
        Str digits = {s.p + 4, s.n - 4};
        if (!magnitude(digits, ((u64)1 << (f->precision - 1)) - 1, &payload) || payload == 0)
            return false;
        *ret_bits = all | payload;
        return true;
    }
    bool hex = take_hex(&s);
    return round_to(f, hex ? read_hex(s) : read_decimal(s), ret_bits);
}

bool number_f32(Str s, u32 *ret_bits)
{
    u64 bits, sign = take_sign(&s);
    if (!read_float(s, &format_f32, 8, &bits))
        return false;
    *ret_bits = (u32)(bits | sign << 31);
    return true;
}

bool number_f64(Str s, u64 *ret_bits)
{
    u64 bits, sign = take_sign(&s);
    if (!read_float(s, &format_f64, 11, &bits))
        return false;
    *ret_bits = bits | sign << 63;
    return true;
}
