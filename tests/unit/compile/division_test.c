/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Division and remainder by constants, against the C compiler's by variables. */
#include "unit/compile/harness.h"

/* A function that folds quotients and remainders of its operand by many constants. */
static void put_fold(Buf *b, const char *t, const i64 *divisors, u32 n)
{
    static const char *const ops[] = {"div_s", "div_u", "rem_s", "rem_u"};
    buf_printf(b, "(func (export \"%s\") (param $x %s) (result %s) (local $h %s)", t, t, t, t);
    for (u32 i = 0; i < n; i++)
        for (u32 k = 0; k < ARRAY_LEN(ops); k++)
            buf_printf(b,
                       "(local.set $h (%s.add (%s.mul (local.get $h) (%s.const 31))"
                       " (%s.%s (local.get $x) (%s.const %lld))))",
                       t, t, t, t, ops[k], t, (long long)divisors[i]);
    buf_str(b, STR("(local.get $h))"));
}

static u32 fold32(u32 x, const i64 *d, u32 n)
{
    u32 h = 0;
    for (u32 i = 0; i < n; i++) {
        i32 s = (i32)d[i];
        h = h * 31 + (u32)((i32)x / s);
        h = h * 31 + x / (u32)s;
        h = h * 31 + (u32)((i32)x % s);
        h = h * 31 + x % (u32)s;
    }
    return h;
}

static u64 fold64(u64 x, const i64 *d, u32 n)
{
    u64 h = 0;
    for (u32 i = 0; i < n; i++) {
        h = h * 31 + (u64)((i64)x / d[i]);
        h = h * 31 + x / (u64)d[i];
        h = h * 31 + (u64)((i64)x % d[i]);
        h = h * 31 + x % (u64)d[i];
    }
    return h;
}

/* Not -1, which overflows for the minimum. */
static u32 make_divisors(i64 *d, u32 bits)
{
    u32 n = 0;
    for (i64 i = -300; i <= 300; i++)
        if (i != 0 && i != -1)
            d[n++] = i;
    for (u32 k = 9; k < bits; k++) {
        i64 p = (i64)((u64)1 << k);
        if (bits == 32)
            p = (i32)p;
        d[n++] = p;
        d[n++] = bits == 32 ? (i32)(p + 1) : (i64)((u64)p + 1);
        d[n++] = bits == 32 ? (i32)((u32)p - 1) : (i64)((u64)p - 1);
    }
    return n;
}

TEST(division_by_constants)
{
    static i64 d32[1000], d64[1000];
    u32 n32 = make_divisors(d32, 32), n64 = make_divisors(d64, 64);
    Buf b = {0};
    put_fold(&b, "i32", d32, n32);
    put_fold(&b, "i64", d64, n64);
    char *text = buf_take_string(&b);
    Harness h = harness_new(text, NULL);
    u64 x = 88172645463325252;
    for (u32 i = 0; i < 3000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        u64 v = i < 600 ? (u64)((i64)i - 300) : i < 1400 ? ((u64)1 << (i % 64)) + i % 5 - 2 : x;
        EXPECT_EQ(harness_run(&h, "i32", (u32)v, 0, 0), fold32((u32)v, d32, n32));
        EXPECT_EQ(harness_run(&h, "i64", v, 0, 0), fold64(v, d64, n64));
    }
    harness_free(&h);
    mem_free(text);
}

/* The operand of one is the result of another; other results wait in registers. */
TEST(division_of_divisions)
{
    Harness h =
        harness_new("(func (export \"t\") (param i32 i32) (result i32)"
                    " (i32.rem_u (local.get 0) (i32.const 1000003))"
                    " (i32.div_s (i32.rem_s (i32.div_u (i32.rem_u (local.get 0) (i32.const 70001))"
                    "   (i32.const 3)) (i32.const 9001)) (i32.const -7))"
                    " (i32.rem_u (i32.div_u (i32.rem_u (local.get 0) (local.get 1)) (i32.const 5))"
                    "  (i32.const 101))"
                    " (i32.add) (i32.add))",
                    NULL);
    for (u32 i = 0; i < 1000; i++) {
        u32 x = i * 2654435761u, y = i * 97 + 1;
        u32 want = x % 1000003 + (u32)((i32)(x % 70001 / 3) % 9001 / -7) + x % y / 5 % 101;
        EXPECT_EQ(harness_run(&h, "t", x, y, 0), want);
    }
    harness_free(&h);
}
