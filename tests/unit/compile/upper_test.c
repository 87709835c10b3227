/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * 32-bit values whose register had something in its upper half: what they index must not see it,
 * and sums of indices wrap at 32 bits.
 */
#include "unit/compile/harness.h"

/* Each leaves an i32 of 0x80000000 or more, or a small one made from a large i64. */
static const struct {
    const char *text;
    u32 value;
} producers[] = {
    {"(i32.load8_s (i32.const 0))", UINT32_MAX},
    {"(i32.load16_s (i32.const 0))", UINT32_MAX},
    {"(i32.extend8_s (i32.const 255))", UINT32_MAX},
    {"(i32.wrap_i64 (i64.const -1))", UINT32_MAX},
    {"(i32.wrap_i64 (local.get $w))", 16},
    {"(i32.wrap_i64 (i64.add (local.get $w) (local.get $w)))", 32},
    {"(i32.sub (i32.const 0) (local.get $one))", UINT32_MAX},
    {"(i32.shr_s (i32.const 0x80000000) (i32.const 31))", UINT32_MAX},
    {"(memory.grow (i32.const 100000))", UINT32_MAX},
    {"(table.grow $t (ref.null func) (i32.const -1))", UINT32_MAX},
    {"(call $minus)", UINT32_MAX},
    {"(block (result i32) (i32.wrap_i64 (local.get $w)))", 16},
    {"(i32.trunc_sat_f64_s (f64.const -1))", UINT32_MAX},
    {"(i32x4.extract_lane 0 (i64x2.splat (local.get $w)))", 16},
    {"(select (i32.wrap_i64 (local.get $w)) (local.get $one) (local.get $one))", 16},
    {"(i32.reinterpret_f32 (f32.const -nan:0x7fffff))", UINT32_MAX},
    {"(i32.rem_s (i32.const -1) (i32.const 8))", UINT32_MAX},
    {"(i32.div_s (i32.const -1) (local.get $one))", UINT32_MAX},
};

static const char module_head[] =
    "(module (memory 1 2) (data (i32.const 0) \"\\ff\\ff\\ff\\ff\") (data (i32.const 200) \"*\")"
    "(table $t 10 100 funcref) (func $minus (result i32) (i32.const -1))"
    "(func (export \"t\") (result i64) (local $w i64) (local $one i32) (local $v i32)"
    "(local.set $one (i32.const 1)) (local.set $w (i64.const 0x7ffffff000000010))";

TEST(upper_halves_are_zero)
{
    for (u32 i = 0; i < ARRAY_LEN(producers); i++) {
        for (u32 through_local = 0; through_local < 2; through_local++) {
            Buf b = {0};
            buf_printf(&b, "%s %s", module_head, producers[i].text);
            if (through_local)
                buf_str(&b, STR("(local.set $v) (local.get $v)"));
            buf_str(&b, STR("(i64.extend_i32_u)))"));
            char *text = buf_take_string(&b);
            Harness h = harness_new(text, NULL);
            EXPECT_EQ(harness_run(&h, "t", 0, 0, 0), producers[i].value);
            harness_free(&h);
            mem_free(text);
        }
    }
}

TEST(upper_halves_reach_no_access)
{
    static const struct {
        const char *text;
        TrapCode trap;
    } uses[] = {
        {"(i64.load offset=100)", TRAP_MEMORY_OUT_OF_BOUNDS},
        {"(i64.load8_u offset=1)", TRAP_MEMORY_OUT_OF_BOUNDS},
        {"(i32.const 1) (i32.store8 offset=100) (i64.const 0)", TRAP_MEMORY_OUT_OF_BOUNDS},
        {"(table.get $t) (drop) (i64.const 0)", TRAP_TABLE_OUT_OF_BOUNDS},
        {"(call_indirect $t (result i64))", TRAP_TABLE_OUT_OF_BOUNDS},
        {"(i32.const 0) (i32.const 1) (memory.fill) (i64.const 0)", TRAP_MEMORY_OUT_OF_BOUNDS},
    };
    for (u32 i = 0; i < ARRAY_LEN(producers); i++) {
        for (u32 u = 0; u < ARRAY_LEN(uses) && producers[i].value == UINT32_MAX; u++) {
            Buf b = {0};
            buf_printf(&b, "%s %s %s))", module_head, producers[i].text, uses[u].text);
            char *text = buf_take_string(&b);
            Harness h = harness_new(text, NULL);
            harness_trap(&h, "t", 0, 0, uses[u].trap);
            harness_free(&h);
            mem_free(text);
        }
    }
}

TEST(scaled_indices_wrap)
{
    Harness h =
        harness_new("(memory 1) (data (i32.const 0) \"*\") (data (i32.const 65528) \"#\")"
                    "(func (export \"shl0\") (param i32) (result i32)"
                    " (i32.load8_u (i32.shl (local.get 0) (i32.const 3))))"
                    "(func (export \"shl1\") (param i32) (result i32)"
                    " (i32.load8_u offset=1 (i32.shl (local.get 0) (i32.const 3))))"
                    "(func (export \"mul\") (param i32) (result i32)"
                    " (i32.load8_u (i32.mul (local.get 0) (i32.const 8))))"
                    "(func (export \"twice\") (param i32) (result i32)"
                    " (i32.load8_u (i32.add (local.get 0) (local.get 0))))"
                    "(func (export \"scaled\") (param i32 i32) (result i32)"
                    " (i32.load8_u (i32.add (local.get 0) (i32.shl (local.get 1) (i32.const 2)))))"
                    "(func (export \"back\") (param i32) (result i32)"
                    " (i32.load8_u offset=4 (i32.add (local.get 0) (i32.const -4))))",
                    NULL);
    EXPECT_EQ(harness_run(&h, "shl0", 0x20000000, 0, 0), '*');
    EXPECT_EQ(harness_run(&h, "shl0", 0x20001fff, 0, 0), '#');
    harness_trap(&h, "shl0", 0x3fffffff, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    EXPECT_EQ(harness_run(&h, "shl1", 0x20001fff, 0, 0), 0);
    EXPECT_EQ(harness_run(&h, "mul", 0x20000000, 0, 0), '*');
    EXPECT_EQ(harness_run(&h, "twice", 0x80000000, 0, 0), '*');
    EXPECT_EQ(harness_run(&h, "scaled", (u32)-4, 1, 0), '*');
    EXPECT_EQ(harness_run(&h, "back", 65528, 0, 0), '#');
    harness_trap(&h, "back", 0, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    harness_free(&h);
}
