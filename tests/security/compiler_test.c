/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What other compilers got wrong, and attackers could use: each test is named after the class of
 * the bug and runs in every mode. Memories are one page filled by a pattern, byte i = i * 7 + 42.
 */
#include "security/modes.h"

#define PATTERN                                                                                    \
    "(func $fill (local $i i32) (loop"                                                             \
    " (i32.store8 (local.get $i) (i32.add (i32.mul (local.get $i) (i32.const 7)) (i32.const 42)))" \
    " (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))"                    \
    "  (i32.const 65536))))) (start $fill)"

static u8 pattern(u32 i)
{
    return (u8)(i * 7 + 42);
}

/* --- CVE-2023-26489: a 32-bit shift that becomes part of a 64-bit address --- */

static void scaled(Harness *h)
{
    static const char *const names[] = {"shl", "mul"};
    for (usize i = 0; i < ARRAY_LEN(names); i++) {
        EXPECT_EQ(harness_run(h, names[i], 0x20000000, 0, 0), pattern(0));
        EXPECT_EQ(harness_run(h, names[i], 0x20001fff, 0, 0), pattern(65528));
        EXPECT_EQ(harness_run(h, names[i], 0xe0001fff, 0, 0), pattern(65528));
        harness_trap(h, names[i], 0x3fffffff, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    }
    EXPECT_EQ(harness_run(h, "shl1", 0x20001fff, 0, 0), pattern(65529));
    EXPECT_EQ(harness_run(h, "twice", 0x80000000, 0, 0), pattern(0));
    EXPECT_EQ(harness_run(h, "sum", (u32)-4, 1, 0), pattern(0));
    harness_trap(h, "sum", (u32)-4, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    harness_run(h, "store", 0x20000001, 99, 0);
    EXPECT_EQ(harness_run(h, "shl", 1, 0, 0), 99);
    harness_trap(h, "store", 0x1fffffff, 99, TRAP_MEMORY_OUT_OF_BOUNDS);
}

TEST(security_scaled_addresses_wrap)
{
    each_mode("(memory 1)" PATTERN "(func (export \"shl\") (param i32) (result i32)"
              " (i32.load8_u (i32.shl (local.get 0) (i32.const 3))))"
              "(func (export \"shl1\") (param i32) (result i32)"
              " (i32.load8_u offset=1 (i32.shl (local.get 0) (i32.const 3))))"
              "(func (export \"mul\") (param i32) (result i32)"
              " (i32.load8_u (i32.mul (local.get 0) (i32.const 8))))"
              "(func (export \"twice\") (param i32) (result i32)"
              " (i32.load8_u (i32.add (local.get 0) (local.get 0))))"
              "(func (export \"sum\") (param i32 i32) (result i32)"
              " (i32.load8_u (i32.add (local.get 0) (i32.shl (local.get 1) (i32.const 2)))))"
              "(func (export \"store\") (param i32 i32)"
              " (i32.store8 (i32.shl (local.get 0) (i32.const 3)) (local.get 1)))",
              scaled);
}

/* --- CVE-2026-34971: shift counts masked by the wrong width --- */

static void shifts(Harness *h)
{
    harness_trap(h, "load8", 3, 1, TRAP_MEMORY_OUT_OF_BOUNDS);
    harness_trap(h, "load16", 3, 1, TRAP_MEMORY_OUT_OF_BOUNDS);
    harness_trap(h, "load32", 3, 1, TRAP_MEMORY_OUT_OF_BOUNDS);
    EXPECT_EQ(harness_run(h, "load8", 3, 0, 0), pattern(3));
    EXPECT_EQ(harness_run(h, "load64", 3, 1, 0) & 0xff, pattern(11));
    EXPECT_EQ(harness_run(h, "shl35", 1, 0, 0), 8);
    EXPECT_EQ(harness_run(h, "shl32", 5, 0, 0), 5);
}

TEST(security_shift_counts_have_the_width_of_the_value)
{
    each_mode("(memory i64 1)"
              "(func $fill (local $i i32) (loop"
              " (i32.store8 (i64.extend_i32_u (local.get $i))"
              "  (i32.add (i32.mul (local.get $i) (i32.const 7)) (i32.const 42)))"
              " (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))"
              "  (i32.const 65536))))) (start $fill)"
              "(func (export \"load8\") (param i64 i64) (result i64)"
              " (i64.load8_u (i64.add (local.get 0) (i64.shl (local.get 1) (i64.const 56)))))"
              "(func (export \"load16\") (param i64 i64) (result i64)"
              " (i64.load16_u (i64.add (local.get 0) (i64.shl (local.get 1) (i64.const 17)))))"
              "(func (export \"load32\") (param i64 i64) (result i64)"
              " (i64.load32_u (i64.add (local.get 0) (i64.shl (local.get 1) (i64.const 34)))))"
              "(func (export \"load64\") (param i64 i64) (result i64)"
              " (i64.load (i64.add (local.get 0) (i64.shl (local.get 1) (i64.const 67)))))"
              "(func (export \"shl35\") (param i32) (result i32)"
              " (i32.shl (local.get 0) (i32.const 35)))"
              "(func (export \"shl32\") (param i32) (result i32)"
              " (i32.shl (local.get 0) (i32.const 32)))",
              shifts);
}

/* --- CVE-2026-24116, CVE-2026-34944: a load that becomes wider when it is folded --- */

static const struct {
    const char *name;
    u32 width;
} narrow[] = {{"copysign", 8}, {"sqrt32", 4},  {"sqrt64", 8},  {"min32", 4},   {"max64", 8},
              {"ceil32", 4},   {"nearest", 8}, {"promote", 4}, {"splat32", 4}, {"splat64", 8},
              {"convert", 4},  {"eq64", 8},    {"ext8x8", 8},  {"lane8", 1},   {"zero32", 4},
              {"add32", 4},    {"cmp16", 2},   {"popcnt", 4},  {"v128", 16}};

static void narrow_loads(Harness *h)
{
    for (usize i = 0; i < ARRAY_LEN(narrow); i++) {
        VmVal vals[4] = {{.ref = 65536 - narrow[i].width}};
        if (harness_call(h, narrow[i].name, vals) != HARNESS_OK)
            test_fail(__FILE__, __LINE__, "%s reads beyond its width", narrow[i].name);
        harness_trap(h, narrow[i].name, 65536 - narrow[i].width + 1, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    }
}

TEST(security_folded_loads_keep_their_width)
{
    each_mode("(memory 1 1)" PATTERN "(func (export \"copysign\") (param i32) (result f64)"
              " (f64.copysign (f64.load align=1 (local.get 0)) (f64.const -1)))"
              "(func (export \"sqrt32\") (param i32) (result f32)"
              " (f32.sqrt (f32.load align=1 (local.get 0))))"
              "(func (export \"sqrt64\") (param i32) (result f64)"
              " (f64.sqrt (f64.load align=1 (local.get 0))))"
              "(func (export \"min32\") (param i32) (result f32)"
              " (f32.min (f32.const 1) (f32.load align=1 (local.get 0))))"
              "(func (export \"max64\") (param i32) (result f64)"
              " (f64.max (f64.const 1) (f64.load align=1 (local.get 0))))"
              "(func (export \"ceil32\") (param i32) (result f32)"
              " (f32.ceil (f32.load align=1 (local.get 0))))"
              "(func (export \"nearest\") (param i32) (result f64)"
              " (f64.nearest (f64.load align=1 (local.get 0))))"
              "(func (export \"promote\") (param i32) (result f64)"
              " (f64.promote_f32 (f32.load align=1 (local.get 0))))"
              "(func (export \"splat32\") (param i32) (result v128)"
              " (f32x4.splat (f32.load align=1 (local.get 0))))"
              "(func (export \"splat64\") (param i32) (result v128)"
              " (f64x2.splat (f64.load align=1 (local.get 0))))"
              "(func (export \"convert\") (param i32) (result f64)"
              " (f64.convert_i32_s (i32.load align=1 (local.get 0))))"
              "(func (export \"eq64\") (param i32) (result i32)"
              " (f64.eq (f64.const 1) (f64.load align=1 (local.get 0))))"
              "(func (export \"ext8x8\") (param i32) (result v128)"
              " (v128.load8x8_u align=1 (local.get 0)))"
              "(func (export \"lane8\") (param i32) (result v128)"
              " (v128.load8_lane 15 (local.get 0) (v128.const i64x2 0 0)))"
              "(func (export \"zero32\") (param i32) (result v128)"
              " (v128.load32_zero align=1 (local.get 0)))"
              "(func (export \"add32\") (param i32) (result i32)"
              " (i32.add (i32.const 1) (i32.load align=1 (local.get 0))))"
              "(func (export \"cmp16\") (param i32) (result i32)"
              " (i32.lt_u (i32.load16_u align=1 (local.get 0)) (i32.const 9)))"
              "(func (export \"popcnt\") (param i32) (result i32)"
              " (i32.popcnt (i32.load align=1 (local.get 0))))"
              "(func (export \"v128\") (param i32) (result v128)"
              " (i8x16.add (v128.const i64x2 1 2) (v128.load align=1 (local.get 0))))",
              narrow_loads);
}

/* --- CVE-2026-34987, -35186, -34945: dirty upper halves as addresses --- */

static void dirty(Harness *h)
{
    static const char *const names[] = {"load8_s",    "extend8_s", "wrap", "memory.grow",
                                        "table.grow", "block",     "call", "select"};
    harness_run(h, "poke", 0, 0xff, 0);
    for (usize i = 0; i < ARRAY_LEN(names); i++)
        harness_trap(h, names[i], 0, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    EXPECT_EQ(harness_run(h, "extended", 0, 0, 0), 0xffffffff);
}

TEST(security_upper_halves_reach_no_address)
{
    each_mode(
        "(memory 1 1) (table $t 1 1 funcref)" PATTERN
        "(func $minus (result i32) (i32.load8_s (i32.const 0)))"
        "(func (export \"poke\") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))"
        "(func (export \"load8_s\") (result i32) (i32.load offset=100 (i32.load8_s (i32.const 0))))"
        "(func (export \"extend8_s\") (result i32)"
        " (i32.load offset=100 (i32.extend8_s (i32.const 255))))"
        "(func (export \"wrap\") (result i32)"
        " (i32.load offset=100 (i32.wrap_i64 (i64.load8_s (i32.const 0)))))"
        "(func (export \"memory.grow\") (result i32)"
        " (i32.load offset=1 (memory.grow (i32.const 1))))"
        "(func (export \"table.grow\") (result i32)"
        " (i32.store offset=1 (table.grow $t (ref.null func) (i32.const 5)) (i32.const 1))"
        " (i32.const 0))"
        "(func (export \"block\") (result i32)"
        " (i32.load offset=100 (block (result i32) (br 0 (i32.load8_s (i32.const 0))))))"
        "(func (export \"call\") (result i32) (i32.load offset=100 (call $minus)))"
        "(func (export \"select\") (result i32)"
        " (i32.load offset=100 (select (i32.load8_s (i32.const 0)) (i32.const 0) (i32.const 1))))"
        "(func (export \"extended\") (result i64)"
        " (i64.extend_i32_u (i32.load8_s (i32.const 0))))",
        dirty);
}

/* --- index, offset and width that wrap together --- */

static void edges(Harness *h)
{
    static const u32 bad[] = {65533,      65534,      65535,      65536,
                              0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff};
    EXPECT_EQ(harness_run(h, "at0", 65532, 0, 0) & 0xff, pattern(65532));
    EXPECT_EQ(harness_run(h, "at65532", 0, 0, 0) & 0xff, pattern(65532));
    for (usize i = 0; i < ARRAY_LEN(bad); i++)
        harness_trap(h, "at0", bad[i], 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    static const char *const far[] = {"at65533", "at2g", "at4g"};
    for (usize i = 0; i < ARRAY_LEN(far); i++) {
        harness_trap(h, far[i], 0, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
        harness_trap(h, far[i], 0x80000000, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
        harness_trap(h, far[i], 0xffffffff, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    }
    harness_trap(h, "lane", 65533, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
}

TEST(security_index_and_offset_do_not_wrap)
{
    each_mode("(memory 1 1)" PATTERN
              "(func (export \"at0\") (param i32) (result i32) (i32.load (local.get 0)))"
              "(func (export \"at65532\") (param i32) (result i32)"
              " (i32.load offset=65532 (local.get 0)))"
              "(func (export \"at65533\") (param i32) (result i32)"
              " (i32.load offset=65533 (local.get 0)))"
              "(func (export \"at2g\") (param i32) (result i32)"
              " (i32.load offset=0x7fffffff (local.get 0)))"
              "(func (export \"at4g\") (param i32) (result i32)"
              " (i32.load offset=0xffffffff (local.get 0)))"
              "(func (export \"lane\") (param i32)"
              " (v128.store32_lane 3 (local.get 0) (v128.const i64x2 1 1)))",
              edges);
}

static void edges64(Harness *h)
{
    static const u64 bad[] = {65529,      65536,          0xffffffff, (u64)1 << 32,
                              1ull << 63, UINT64_MAX - 7, UINT64_MAX};
    EXPECT_EQ(harness_run(h, "at0", 65528, 0, 0), 0);
    for (usize i = 0; i < ARRAY_LEN(bad); i++) {
        harness_trap(h, "at0", bad[i], 0, TRAP_MEMORY_OUT_OF_BOUNDS);
        harness_trap(h, "at-8", bad[i], 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    }
    harness_trap(h, "at-8", 8, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    harness_trap(h, "at-8", 16, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
}

TEST(security_index_and_offset_do_not_wrap_in_64_bits)
{
    each_mode("(memory i64 1 1)"
              "(func (export \"at0\") (param i64) (result i64) (i64.load (local.get 0)))"
              "(func (export \"at-8\") (param i64) (result i64)"
              " (i64.load offset=0xfffffffffffffff8 (local.get 0)))",
              edges64);
}

/* --- bulk operations: lengths, overlap, nothing written before a trap --- */

static void bulk(Harness *h)
{
    static const char *const ops[] = {"fill", "copy", "copy_from", "init"};
    for (usize i = 0; i < ARRAY_LEN(ops); i++) {
        EXPECT_EQ(harness_run(h, ops[i], 65536, 0, 0), 0);
        harness_trap(h, ops[i], 65537, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
        harness_trap(h, ops[i], 65530, 8, TRAP_MEMORY_OUT_OF_BOUNDS);
        harness_trap(h, ops[i], 8, 0xfffffff8, TRAP_MEMORY_OUT_OF_BOUNDS);
        harness_trap(h, ops[i], 0xffffffff, 1, TRAP_MEMORY_OUT_OF_BOUNDS);
        EXPECT_EQ(harness_run(h, "byte", 65535, 0, 0), pattern(65535));
        EXPECT_EQ(harness_run(h, "byte", 65530, 0, 0), pattern(65530));
    }
    static const char *const tables[] = {"table.fill", "table.copy", "table.init"};
    for (usize i = 0; i < ARRAY_LEN(tables); i++) {
        EXPECT_EQ(harness_run(h, tables[i], 10, 0, 0), 0);
        harness_trap(h, tables[i], 11, 0, TRAP_TABLE_OUT_OF_BOUNDS);
        harness_trap(h, tables[i], 9, 2, TRAP_TABLE_OUT_OF_BOUNDS);
        harness_trap(h, tables[i], 1, 0xffffffff, TRAP_TABLE_OUT_OF_BOUNDS);
        EXPECT_EQ(harness_run(h, "is_null", 9, 0, 0), 1);
    }
}

TEST(security_bulk_operations_check_before_they_write)
{
    each_mode("(memory 1 1) (table $t 10 10 funcref) (data $d \"12345678\") (elem $e func $fill "
              "$fill)" PATTERN "(func (export \"fill\") (param i32 i32) (result i32)"
              " (memory.fill (local.get 0) (i32.const 9) (local.get 1)) (i32.const 0))"
              "(func (export \"copy\") (param i32 i32) (result i32)"
              " (memory.copy (local.get 0) (i32.const 0) (local.get 1)) (i32.const 0))"
              "(func (export \"copy_from\") (param i32 i32) (result i32)"
              " (memory.copy (i32.const 0) (local.get 0) (local.get 1)) (i32.const 0))"
              "(func (export \"init\") (param i32 i32) (result i32)"
              " (memory.init $d (local.get 0) (i32.const 0) (local.get 1)) (i32.const 0))"
              "(func (export \"byte\") (param i32) (result i32) (i32.load8_u (local.get 0)))"
              "(func (export \"table.fill\") (param i32 i32) (result i32)"
              " (table.fill $t (local.get 0) (ref.func $fill) (local.get 1)) (i32.const 0))"
              "(func (export \"table.copy\") (param i32 i32) (result i32)"
              " (table.copy $t $t (local.get 0) (i32.const 0) (local.get 1)) (i32.const 0))"
              "(func (export \"table.init\") (param i32 i32) (result i32)"
              " (table.init $t $e (local.get 0) (i32.const 0) (local.get 1)) (i32.const 0))"
              "(func (export \"is_null\") (param i32) (result i32)"
              " (ref.is_null (table.get $t (local.get 0))))",
              bulk);
}

/* --- checks that were thought to be unneeded --- */

static void unused(Harness *h)
{
    harness_trap(h, "load", 0, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    harness_trap(h, "div", 0, 0, TRAP_INTEGER_DIVISION_BY_ZERO);
    harness_trap(h, "div_const", 0, 0, TRAP_INTEGER_DIVISION_BY_ZERO);
    harness_trap(h, "overflow", 0, 0, TRAP_INTEGER_OVERFLOW);
    harness_trap(h, "trunc", 0, 0, TRAP_BAD_CONVERSION_TO_INTEGER);
    harness_trap(h, "table.get", 0, 0, TRAP_TABLE_OUT_OF_BOUNDS);
    harness_trap(h, "null", 0, 0, TRAP_NULL_REFERENCE);
    harness_trap(h, "one_path", 1, 70000, TRAP_MEMORY_OUT_OF_BOUNDS);
    harness_trap(h, "store_first", 0, 0, TRAP_INTEGER_DIVISION_BY_ZERO);
    EXPECT_EQ(harness_run(h, "global", 0, 0, 0), 1);
}

TEST(security_unused_results_still_trap)
{
    each_mode("(memory 1 1) (table $t 1 funcref) (global $g (mut i32) (i32.const 0))"
              "(func (export \"load\") (drop (i32.load (i32.const -1))))"
              "(func (export \"div\") (param i32) (drop (i32.div_u (i32.const 1) (local.get 0))))"
              "(func (export \"div_const\") (drop (i64.rem_s (i64.const 1) (i64.const 0))))"
              "(func (export \"overflow\")"
              " (drop (i32.div_s (i32.const 0x80000000) (i32.const -1))))"
              "(func (export \"trunc\") (drop (i32.trunc_f32_s (f32.const nan))))"
              "(func (export \"table.get\") (drop (table.get $t (i32.const 1))))"
              "(func (export \"null\") (drop (ref.as_non_null (ref.null func))))"
              "(func (export \"one_path\") (param i32 i32) (result i32)"
              " (if (i32.eqz (local.get 0)) (then (drop (i32.load (local.get 1)))))"
              " (i32.load (local.get 1)))"
              "(func (export \"store_first\") (global.set $g (i32.const 1))"
              " (drop (i32.div_s (i32.const 1) (i32.const 0))) (global.set $g (i32.const 2)))"
              "(func (export \"global\") (result i32) (global.get $g))",
              unused);
}

/* --- a base that has moved --- */

static void moved(Harness *h)
{
    EXPECT_EQ(harness_run(h, "loop", 20, 0, 0), 20);
    EXPECT_EQ(harness_run(h, "callee", 77, 0, 0), 77);
}

TEST(security_the_memory_may_move_at_any_call)
{
    each_mode("(memory 1) (type $f (func)) (table funcref (elem $grow))"
              "(func $grow (drop (memory.grow (i32.const 3))))"
              "(func (export \"loop\") (param i32) (result i32) (local i32)"
              " (loop (i32.store (i32.const 8) (local.get 1))"
              "  (drop (memory.grow (i32.const 2)))"
              "  (local.set 1 (i32.add (i32.load (i32.const 8)) (i32.const 1)))"
              "  (i32.store (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4))"
              "   (local.get 1))"
              "  (br_if 0 (i32.lt_u (local.get 1) (local.get 0))))"
              " (i32.load (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4))))"
              "(func (export \"callee\") (param i32) (result i32)"
              " (i32.store (i32.const 16) (local.get 0)) (call $grow)"
              " (call_indirect (type $f) (i32.const 0)) (i32.load (i32.const 16)))",
              moved);
}

/* --- rules that computed something else --- */

static void rules(Harness *h)
{
    EXPECT_EQ(harness_run(h, "shr33", 0, 0, 0), 0xffffffffc0000000);
    EXPECT_EQ(harness_run(h, "shuffle", 0, 0, 0), 0x0f0e0d0c0b0a0908);
    EXPECT_EQ(harness_run(h, "swizzle", 0, 0, 0), 0x0001020304050607);
    EXPECT_EQ(harness_run(h, "select", 0, 0, 0), 9);
    EXPECT_EQ(harness_run(h, "ctz", 0, 0, 0), 32);
    EXPECT_EQ(harness_run(h, "clz64", 0, 0, 0), 64);
    EXPECT_EQ(harness_run(h, "select", 1, 0, 0), 7);
}

TEST(security_vector_rules_compute_what_they_should)
{
    each_mode("(func (export \"shr33\") (result i64) (i64x2.extract_lane 0"
              " (i64x2.shr_s (v128.const i64x2 0x8000000000000000 1) (i32.const 33))))"
              "(func (export \"shuffle\") (result i64) (local v128)"
              " (local.set 0 (v128.const i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15))"
              " (i64x2.extract_lane 0 (i8x16.shuffle 24 25 26 27 28 29 30 31 0 1 2 3 4 5 6 7"
              "  (local.get 0) (local.get 0))))"
              "(func (export \"swizzle\") (result i64) (local v128 v128)"
              " (local.set 0 (v128.const i8x16 7 6 5 4 3 2 1 0 0 0 0 0 0 0 0 0))"
              " (local.set 1 (v128.const i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 200))"
              " (drop (i8x16.swizzle (local.get 0) (local.get 1)))"
              " (i64x2.extract_lane 0 (i8x16.swizzle (local.get 1) (local.get 0))))"
              "(func (export \"select\") (param i32) (result i64) (i64x2.extract_lane 1"
              " (select (v128.const i64x2 6 7) (v128.const i64x2 8 9) (local.get 0))))"
              "(func (export \"ctz\") (param i32) (result i32) (i32.ctz (local.get 0)))"
              "(func (export \"clz64\") (param i64) (result i64) (i64.clz (local.get 0)))",
              rules);
}

/* --- types of calls, tail calls in constant stack --- */

static void calls(Harness *h)
{
    EXPECT_EQ(harness_run(h, "call", 0, 0, 0), 1);
    harness_trap(h, "call", 1, 0, TRAP_BAD_SIGNATURE);
    harness_trap(h, "call", 2, 0, TRAP_INDIRECT_CALL_TO_NULL);
    harness_trap(h, "call", 3, 0, TRAP_TABLE_OUT_OF_BOUNDS);
    harness_trap(h, "call", 0xffffffff, 0, TRAP_TABLE_OUT_OF_BOUNDS);
    harness_trap(h, "unset", 0, 0, TRAP_INDIRECT_CALL_TO_NULL);
    EXPECT_EQ(harness_run(h, "ring", 10000000, 0, 0), 0);
}

TEST(security_calls_check_their_type)
{
    each_mode("(type $v (func (result i32))) (type $p (func (param i64) (result i32)))"
              "(table $t 3 3 funcref) (elem (i32.const 0) $one $two)"
              "(func $one (type $v) (i32.const 1)) (func $two (type $p) (i32.const 2))"
              "(func (export \"call\") (param i32) (result i32)"
              " (call_indirect (type $v) (local.get 0)))"
              "(func (export \"unset\") (result i32) (local funcref)"
              " (table.set $t (i32.const 0) (local.get 0))"
              " (call_indirect (type $v) (i32.const 0)))"
              "(func $a (export \"ring\") (param i32) (result i32)"
              " (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))"
              " (return_call $b (i32.sub (local.get 0) (i32.const 1)) (i64.const 1) (f64.const 2)"
              "  (i32.const 3) (i32.const 4) (i32.const 5) (i32.const 6) (i32.const 7)))"
              "(func $b (param i32 i64 f64 i32 i32 i32 i32 i32) (result i32)"
              " (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))"
              " (return_call $a (i32.sub (local.get 0) (i32.const 1))))",
              calls);
}
