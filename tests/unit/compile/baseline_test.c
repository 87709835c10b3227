/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The baseline compiler by what its code computes. */
#include "unit/compile/harness.h"

TEST(baseline_adds)
{
    Harness h = harness_new("(func (export \"add\") (param i32 i32) (result i32)"
                            " (i32.add (local.get 0) (local.get 1)))"
                            "(func (export \"five\") (result i64) (i64.const 5))",
                            NULL);
    EXPECT_EQ(harness_run(&h, "add", 40, 2, 0), 42);
    EXPECT_EQ(harness_run(&h, "add", 0xffffffff00000001, 2, 0), 3);
    EXPECT_EQ(harness_run(&h, "five", 0, 0, 0), 5);
    harness_free(&h);
}

TEST(baseline_loops_and_calls)
{
    Harness h = harness_new(
        "(func $fac (export \"fac\") (param i64) (result i64)"
        " (if (result i64) (i64.eqz (local.get 0)) (then (i64.const 1))"
        "  (else (i64.mul (local.get 0) (call $fac (i64.sub (local.get 0) (i64.const 1)))))))"
        "(func $fib (export \"fib\") (param i32) (result i32)"
        " (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))"
        "  (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))"
        "                 (call $fib (i32.sub (local.get 0) (i32.const 2)))))))"
        "(func (export \"sum\") (param i32) (result i32) (local i32 i32)"
        " (loop $l (local.set 1 (i32.add (local.get 1) (local.get 2)))"
        "  (br_if $l (i32.lt_s (local.tee 2 (i32.add (local.get 2) (i32.const 1))) (local.get 0))))"
        " (local.get 1))"
        "(func (export \"sub2\") (param i32 i32) (result i32)"
        " (local.set 1 (i32.sub (local.get 0) (local.get 1))) (local.get 1))"
        "(func (export \"swap\") (param i32 i32) (result i32) (local i32)"
        " (local.get 0) (local.set 0 (local.get 1)) (local.set 1) "
        " (i32.sub (local.get 0) (local.get 1)))",
        NULL);
    EXPECT_EQ(harness_run(&h, "fac", 20, 0, 0), 2432902008176640000);
    EXPECT_EQ(harness_run(&h, "fib", 20, 0, 0), 6765);
    EXPECT_EQ(harness_run(&h, "sum", 100, 0, 0), 4950);
    EXPECT_EQ(harness_run(&h, "sub2", 10, 3, 0), 7);
    EXPECT_EQ(harness_run(&h, "swap", 10, 3, 0), (u32)-7);
    harness_free(&h);
}

TEST(baseline_memory)
{
    Harness h = harness_new(
        "(memory 1 16)"
        "(func (export \"store\") (param i32 i32) (i32.store offset=4 (local.get 0) (local.get 1)))"
        "(func (export \"load\") (param i32) (result i32) (i32.load offset=4 (local.get 0)))"
        "(func (export \"load8\") (param i32) (result i32) (i32.load8_s (local.get 0)))"
        "(func (export \"far\") (param i32) (result i32)"
        " (i32.load offset=0xffffffff (local.get 0)))"
        "(func (export \"grow\") (param i32) (result i32) (memory.grow (local.get 0)))"
        "(func (export \"size\") (result i32) (memory.size))",
        NULL);
    harness_run(&h, "store", 100, 0x80, 0);
    EXPECT_EQ(harness_run(&h, "load", 100, 0, 0), 0x80);
    EXPECT_EQ(harness_run(&h, "load8", 104, 0, 0), 0xffffff80);
    harness_trap(&h, "load", 65536 - 7, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    EXPECT_EQ(harness_run(&h, "load8", 0xffffffff0000ffff, 0, 0), 0);
    harness_trap(&h, "load8", UINT32_MAX, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    harness_trap(&h, "far", UINT32_MAX, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    EXPECT_EQ(harness_run(&h, "grow", 2, 0, 0), 1);
    EXPECT_EQ(harness_run(&h, "size", 0, 0, 0), 3);
    EXPECT_EQ(harness_run(&h, "grow", 200, 0, 0), 0xffffffff);
    harness_free(&h);
}

TEST(baseline_division)
{
    Harness h = harness_new(
        "(func (export \"div\") (param i32 i32) (result i32)"
        " (i32.div_s (local.get 0) (local.get 1)))"
        "(func (export \"rem\") (param i64 i64) (result i64)"
        " (i64.rem_s (local.get 0) (local.get 1)))"
        "(func (export \"div8\") (param i32) (result i32) (i32.div_s (local.get 0) (i32.const 8)))"
        "(func (export \"rem8\") (param i32) (result i32) (i32.rem_s (local.get 0) (i32.const 8)))"
        "(func (export \"div2\") (param i64) (result i64) (i64.div_s (local.get 0) (i64.const 2)))"
        "(func (export \"remu\") (param i64) (result i64)"
        " (i64.rem_u (local.get 0) (i64.const 0x4000000000)))",
        NULL);
    EXPECT_EQ(harness_run(&h, "div", (u32)-7, 2, 0), (u32)-3);
    EXPECT_EQ(harness_run(&h, "rem", (u64)-7, 2, 0), -1);
    EXPECT_EQ(harness_run(&h, "rem", (u64)INT64_MIN, (u64)-1, 0), 0);
    harness_trap(&h, "div", 1u << 31, UINT32_MAX, TRAP_INTEGER_OVERFLOW);
    harness_trap(&h, "div", 1u << 31, 0, TRAP_INTEGER_DIVISION_BY_ZERO);
    for (i64 x = -40; x <= 40; x++) {
        EXPECT_EQ((i32)harness_run(&h, "div8", (u64)x, 0, 0), x / 8);
        EXPECT_EQ((i32)harness_run(&h, "rem8", (u64)x, 0, 0), x % 8);
        EXPECT_EQ(harness_run(&h, "div2", (u64)x, 0, 0), x / 2);
    }
    EXPECT_EQ(harness_run(&h, "remu", 0x123456789abcdef0, 0, 0), 0x123456789abcdef0 % 0x4000000000);
    harness_free(&h);
}

TEST(baseline_br_table)
{
    Harness h = harness_new("(func (export \"t\") (param i32) (result i32)"
                            " (block $a (result i32) (block $b (result i32)"
                            "  (block $c (result i32)"
                            "   (br_table $a $b $c (i32.const 10) (local.get 0)))"
                            "  (return (i32.add (i32.const 1))))"
                            " (return (i32.add (i32.const 2))))"
                            " (i32.add (i32.const 3)))",
                            NULL);
    EXPECT_EQ(harness_run(&h, "t", 0, 0, 0), 13);
    EXPECT_EQ(harness_run(&h, "t", 1, 0, 0), 12);
    EXPECT_EQ(harness_run(&h, "t", 2, 0, 0), 11);
    EXPECT_EQ(harness_run(&h, "t", UINT32_MAX, 0, 0), 11);
    harness_free(&h);
}

TEST(baseline_indirect_and_tail_calls)
{
    Harness h = harness_new("(type $t (func (param i32) (result i32)))"
                            "(table 4 funcref) (elem (i32.const 0) $inc $dec $other)"
                            "(func $inc (type $t) (i32.add (local.get 0) (i32.const 1)))"
                            "(func $dec (type $t) (i32.sub (local.get 0) (i32.const 1)))"
                            "(func $other)"
                            "(func (export \"f\") (param i32 i32) (result i32)"
                            " (call_indirect (type $t) (local.get 1) (local.get 0)))"
                            "(func $count (export \"count\") (param i32 i64) (result i64)"
                            " (if (i32.eqz (local.get 0)) (then (return (local.get 1))))"
                            " (return_call $count (i32.sub (local.get 0) (i32.const 1))"
                            "   (i64.add (local.get 1) (i64.const 3))))",
                            NULL);
    EXPECT_EQ(harness_run(&h, "f", 0, 5, 0), 6);
    EXPECT_EQ(harness_run(&h, "f", 1, 5, 0), 4);
    harness_trap(&h, "f", 2, 5, TRAP_BAD_SIGNATURE);
    harness_trap(&h, "f", 3, 5, TRAP_INDIRECT_CALL_TO_NULL);
    harness_trap(&h, "f", 4, 5, TRAP_TABLE_OUT_OF_BOUNDS);
    EXPECT_EQ(harness_run(&h, "count", 1000000, 1, 0), 3000001);
    harness_free(&h);
}

TEST(baseline_stack_overflow)
{
    Harness h =
        harness_new("(func $f (export \"f\") (result i32) (i32.add (i32.const 1) (call $f)))"
                    "(func (export \"u\") unreachable)",
                    NULL);
    harness_trap(&h, "f", 0, 0, TRAP_STACK_OVERFLOW);
    harness_trap(&h, "u", 0, 0, TRAP_UNREACHABLE);
    harness_free(&h);
}

/* Callees zero many locals at once; what they keep for their callers lies next to them. */
TEST(baseline_zeroes_nothing_but_locals)
{
    Buf text = {0};
    buf_str(&text, STR("(func $callee (param i32) (result i32) (local i32 i32 i32"));
    for (int i = 0; i < 40; i++)
        buf_str(&text, STR(" i32"));
    buf_str(&text, STR(") (if (local.get 0) (then "));
    for (int i = 1; i <= 43; i++)
        buf_printf(&text, "(local.set %d (i32.const %d))", i, i);
    buf_str(&text, STR(")) (loop (local.set 0 (i32.add (i32.add (local.get 0) (local.get 1))"
                       " (i32.add (local.get 2) (local.get 3))))"
                       " (drop (call $nothing (local.get 0)))"));
    for (int i = 4; i <= 43; i++)
        buf_printf(&text, "(local.set 0 (i32.add (local.get 0) (local.get %d)))", i);
    buf_str(&text, STR(") (local.get 0)) (func $nothing (param i32) (result i32) (local.get 0))"));
    buf_str(&text, STR("(func (export \"caller\") (param i32 i32) (result i32)"
                       " (local i32 i32 i32) (local.set 2 (i32.const 1000))"
                       " (local.set 3 (i32.const 20000)) (local.set 4 (i32.const 300000))"
                       " (loop (local.set 0 (i32.add (local.get 0)"
                       "  (i32.add (local.get 2) (i32.add (local.get 3) (local.get 4)))))"
                       "  (drop (call $callee (local.get 2))) (drop (call $callee (local.get 3)))"
                       "  (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))"
                       " (local.get 0))"));
    buf_u8(&text, 0);
    Harness h = harness_new((const char *)text.p, NULL);
    EXPECT_EQ(harness_run(&h, "caller", 5, 3, 0), 5 + 3 * 321000);
    harness_free(&h);
    buf_release(&text);
}

/* C functions do not keep all registers that wasm functions do. */
TEST(baseline_registers_over_builtins)
{
    Harness h =
        harness_new("(memory 1 100)"
                    "(func $grow (result i32) (memory.grow (i32.const 1)))"
                    "(func (export \"t\") (param i32) (result i32) (local i32 i32 i32 i32 i32 i32)"
                    " (loop $l"
                    "  (local.set 1 (i32.add (local.get 1) (i32.const 1)))"
                    "  (local.set 2 (i32.add (local.get 2) (i32.const 2)))"
                    "  (local.set 3 (i32.add (local.get 3) (i32.const 3)))"
                    "  (local.set 4 (i32.add (local.get 4) (i32.const 4)))"
                    "  (local.set 5 (i32.add (local.get 5) (i32.const 5)))"
                    "  (drop (call $grow)) (drop (memory.grow (i32.const 1)))"
                    "  (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))"
                    " (i32.add (i32.add (local.get 1) (local.get 2))"
                    "  (i32.add (i32.add (local.get 3) (local.get 4)) (local.get 5))))",
                    NULL);
    EXPECT_EQ(harness_run(&h, "t", 10, 0, 0), 150);
    harness_free(&h);
}

/* The builtin has them the other way round; a value of a local among them is the local's as before.
 */
TEST(table_grow_by_a_value_of_a_local)
{
    Harness h = harness_new(
        "(table $t 1 10 funcref) (func $g) (elem declare func $g)"
        "(func (export \"f\") (param i32) (result i32) (local $r funcref)"
        "  (local.set $r (ref.func $g))"
        "  (local.get $r) (local.get $r) (i32.const 2) (table.grow $t)"
        "  (ref.null func) (local.set $r)"
        "  (i32.mul (i32.const 10)) (local.set 0) (ref.is_null) (i32.add (local.get 0))"
        "  (i32.add (i32.mul (i32.const 100) (ref.is_null (table.get $t (i32.const 2))))))",
        NULL);
    EXPECT_EQ(harness_run(&h, "f", 3, 0, 0), 10);
    harness_free(&h);
}
