/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Many values of mixed types through calls, tail calls and blocks: registers, stack arguments,
 * results in memory, moves that overlap.
 */
#include "unit/compile/harness.h"

static const char *const types[] = {"i32", "f64", "i64", "v128", "f32", "i64", "i32"};

static const char *type_of(u32 i)
{
    return types[i % ARRAY_LEN(types)];
}

static u64 number(u32 i)
{
    return i * 7 + 3;
}

/* Pushes value number `i` as that type. */
static void put_const(Buf *b, u32 i)
{
    const char *t = type_of(i);
    if (t[0] == 'v')
        buf_printf(b, "(i64x2.splat (i64.const %llu))", (unsigned long long)number(i));
    else
        buf_printf(b, "(%s.const %llu)", t, (unsigned long long)number(i));
}

/* The value on the stack becomes an i64. */
static void put_to_i64(Buf *b, u32 i)
{
    switch (type_of(i)[0]) {
    case 'f':
        buf_printf(b, "(i64.trunc_%s_s)", type_of(i));
        break;
    case 'v':
        buf_str(b, STR("(i64x2.extract_lane 1)"));
        break;
    default:
        if (type_of(i)[1] == '3')
            buf_str(b, STR("(i64.extend_i32_s)"));
    }
}

/* Folds `n` values on the stack, the last one topmost, into an i64. */
static void put_fold(Buf *b, u32 n, bool reversed)
{
    buf_str(b, STR("(local.set $h (i64.const 0))"));
    for (u32 k = n; k-- > 0;) {
        put_to_i64(b, reversed ? n - 1 - k : k);
        buf_str(b, STR("(local.set $x) (local.set $h (i64.add (local.get $x)"
                       " (i64.mul (local.get $h) (i64.const 31))))"));
    }
    buf_str(b, STR("(local.get $h)"));
}

static u64 fold(u32 n, bool reversed)
{
    u64 h = 0;
    for (u32 k = n; k-- > 0;)
        h = h * 31 + number(reversed ? n - 1 - k : k);
    return h;
}

static void put_types(Buf *b, const char *word, u32 n, bool reversed)
{
    buf_printf(b, "(%s", word);
    for (u32 i = 0; i < n; i++)
        buf_printf(b, " %s", type_of(reversed ? n - 1 - i : i));
    buf_str(b, STR(")"));
}

static void expect(Buf *b, u64 want)
{
    char *text = buf_take_string(b);
    Harness h = harness_new(text, NULL);
    u64 got = harness_run(&h, "t", 0, 0, 0);
    if (got != want)
        test_fail(__FILE__, __LINE__, "%llx, expected %llx in\n%s", (unsigned long long)got,
                  (unsigned long long)want, text);
    harness_free(&h);
    mem_free(text);
}

static const u32 counts[] = {0, 1, 2, 3, 5, 7, 12, 20, 40, 100};

TEST(values_through_calls)
{
    for (u32 i = 0; i < ARRAY_LEN(counts); i++) {
        u32 n = counts[i];
        Buf b = {0};
        buf_str(&b, STR("(func $turn "));
        put_types(&b, "param", n, false);
        put_types(&b, "result", n, true);
        for (u32 k = n; k-- > 0;)
            buf_printf(&b, "(local.get %u)", k);
        buf_str(&b, STR(") (func (export \"t\") (result i64) (local $h i64) (local $x i64)"));
        for (u32 k = 0; k < n; k++)
            put_const(&b, k);
        buf_str(&b, STR("(call $turn)"));
        put_fold(&b, n, true);
        buf_str(&b, STR(")"));
        expect(&b, fold(n, true));
    }
}

/* A loop's parameters and a block's results, by br_if and br_table, with values below them. */
TEST(values_through_blocks)
{
    for (u32 i = 0; i < ARRAY_LEN(counts); i++) {
        u32 n = counts[i];
        for (u32 table = 0; table < 2; table++) {
            Buf b = {0};
            buf_str(&b, STR("(type $t (func "));
            put_types(&b, "param", n, false);
            put_types(&b, "result", n, false);
            buf_str(&b, STR(")) (func (export \"t\") (result i64) (local $h i64) (local $x i64)"
                            "(local $c i32) (local.set $c (i32.const 3)) (i64.const 1000000)"));
            for (u32 k = 0; k < n; k++)
                put_const(&b, k);
            buf_str(&b, STR("(block $b (type $t) (loop $l (type $t)"
                            "(br_if $l (local.tee $c (i32.sub (local.get $c) (i32.const 1))))"));
            buf_str(&b, table ? STR("(local.get $c) (br_table $b $b $b)") : STR("(br $b)"));
            buf_str(&b, STR("))"));
            put_fold(&b, n, false);
            buf_str(&b, STR("(i64.add))"));
            expect(&b, fold(n, false) + 1000000);
        }
    }
}

static void put_callee(Buf *b, u32 m)
{
    buf_printf(b, "(type $m (func ");
    put_types(b, "param", m, false);
    buf_str(b, STR("(result i64))) (table funcref (elem $callee)) (func $callee (type $m)"
                   "(local $h i64) (local $x i64)"));
    for (u32 k = 0; k < m; k++)
        buf_printf(b, "(local.get %u)", k);
    put_fold(b, m, false);
    buf_str(b, STR(")"));
}

TEST(values_through_tail_calls)
{
    static const char *const forms[] = {
        "(return_call $callee)",
        "(i32.const 0) (return_call_indirect (type $m))",
        "(ref.func $callee) (return_call_ref $m)",
    };
    for (u32 i = 0; i < ARRAY_LEN(counts); i++) {
        for (u32 j = 0; j < ARRAY_LEN(counts); j++) {
            u32 n = counts[i], m = counts[j];
            Buf b = {0};
            put_callee(&b, m);
            buf_str(&b, STR("(func $caller "));
            put_types(&b, "param", n, false);
            buf_str(&b, STR("(result i64)"));
            for (u32 k = 0; k < m; k++) {
                if (k < n)
                    buf_printf(&b, "(local.get %u)", k);
                else
                    put_const(&b, k);
            }
            buf_printf(&b,
                       "%s) (func (export \"t\") (result i64) (local i64 i64 i64)"
                       "(local.set 1 (i64.const 77))",
                       forms[(i + j) % ARRAY_LEN(forms)]);
            for (u32 k = 0; k < n; k++)
                put_const(&b, k);
            buf_str(&b, STR("(call $caller) (i64.add (local.get 1)))"));
            expect(&b, fold(m, false) + 77);
        }
    }
}
