/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What other runtimes got wrong around memories, tables, fuel and the state of the CPU. */
#include "security/modes.h"
#include "wasm/text/text.h"

#include <xmmintrin.h>

/* --- CVE-2022-39392: a memory of size 0 --- */

static void nothing_there(Harness *h)
{
    for (u32 bit = 0; bit < 32; bit++) {
        harness_trap(h, "load", 1u << bit, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
        harness_trap(h, "store", 1u << bit, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    }
    harness_trap(h, "load", 0, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
}

TEST(security_an_empty_memory_has_no_byte)
{
    each_mode("(memory 0)"
              "(func (export \"load\") (param i32) (result i32) (i32.load8_u (local.get 0)))"
              "(func (export \"store\") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))",
              nothing_there);
}

/* --- CVE-2026-44216: sizes that wrap --- */

static void refused_growth(Harness *h)
{
    EXPECT_EQ(harness_run(h, "grow", UINT64_MAX, 0, 0), UINT64_MAX);
    EXPECT_EQ(harness_run(h, "grow", (u64)1 << 48, 0, 0), UINT64_MAX);
    EXPECT_EQ(harness_run(h, "grow", 65536, 0, 0), UINT64_MAX);
    EXPECT_EQ(harness_run(h, "table.grow", UINT64_MAX, 0, 0), UINT64_MAX);
    EXPECT_EQ(harness_run(h, "table.grow", (u64)0 - 500, 0, 0), UINT64_MAX);
    EXPECT_EQ(harness_run(h, "table.grow", (u64)1 << 61, 0, 0), UINT64_MAX);
    EXPECT_EQ(harness_run(h, "sizes", 0, 0, 0), 1 + 10);
    EXPECT_EQ(harness_run(h, "kept", 0, 0, 0), 77);
}

TEST(security_sizes_do_not_wrap)
{
    each_mode("(memory i64 1 100) (table $t i64 10 funcref) (data (i64.const 5) \"M\")"
              "(func (export \"grow\") (param i64) (result i64) (memory.grow (local.get 0)))"
              "(func (export \"table.grow\") (param i64) (result i64)"
              " (table.grow $t (ref.null func) (local.get 0)))"
              "(func (export \"sizes\") (result i64) (i64.add (memory.size) (table.size $t)))"
              "(func (export \"kept\") (result i32) (i32.load8_u (i64.const 5)))",
              refused_growth);
}

/* True if a module of that text can be made and instantiated. */
static bool instantiates(const char *wat)
{
    EngineConfig c;
    engine_config_init(&c);
    Engine *engine = NULL;
    Store *store = NULL;
    EXPECT(!engine_new(&c, &engine) && !engine_store_new(engine, &store));
    Buf bin = {0};
    Diag d;
    diag_init(&d);
    EXPECT(text_parse_module(str_of(wat), &(TextOptions){0}, &bin, NULL, &d));
    Module *m = NULL;
    Instance *i = NULL;
    Error *e = engine_module_new(engine, bin.p, bin.n, &d, &m);
    if (!e)
        e = instance_new(store, m, NULL, 0, &i);
    bool ok = !e;
    error_free(e);
    store_free(store);
    if (m)
        module_unref(m);
    engine_free(engine);
    buf_release(&bin);
    return ok;
}

TEST(security_sizes_beyond_the_machine_are_errors)
{
    EXPECT(instantiates("(memory 1)"));
    EXPECT(!instantiates("(table i64 0x2000000000000000 funcref)"));
    EXPECT(!instantiates("(table i64 0xffffffffffffffff externref)"));
    EXPECT(!instantiates("(memory i64 0x1000000000000)"));
    EXPECT(!instantiates("(memory 65537)"));
}

/* --- CVE-2024-30266: segments that are dropped or declared --- */

static void segments(Harness *h)
{
    static const char *const gone[] = {"declared", "active", "dropped"};
    for (usize i = 0; i < ARRAY_LEN(gone); i++) {
        EXPECT_EQ(harness_run(h, gone[i], 0, 0, 0), 0);
        harness_trap(h, gone[i], 1, 0, TRAP_TABLE_OUT_OF_BOUNDS);
    }
    EXPECT_EQ(harness_run(h, "fill", 1, 0, 0), 0x0101);
}

TEST(security_dropped_segments_are_empty)
{
    each_mode("(table $a 4 externref) (table $b 4 funcref) (table $c 4 funcref)"
              "(func $f) (elem $declared declare func $f) (elem $active (table $b) (i32.const 0)"
              " func $f) (elem $passive externref (ref.null extern) (ref.null extern))"
              "(func (export \"declared\") (param i32) (result i32)"
              " (table.init $b $declared (i32.const 0) (i32.const 0) (local.get 0)) (i32.const 0))"
              "(func (export \"active\") (param i32) (result i32)"
              " (table.init $b $active (i32.const 0) (i32.const 0) (local.get 0)) (i32.const 0))"
              "(func (export \"dropped\") (param i32) (result i32) (elem.drop $passive)"
              " (table.init $a $passive (i32.const 0) (i32.const 0) (local.get 0)) (i32.const 0))"
              "(func (export \"fill\") (param i32) (result i32)"
              " (table.fill $c (local.get 0) (ref.func $f) (i32.const 2))"
              " (i32.or (i32.or (ref.is_null (table.get $c (i32.const 0)))"
              "  (i32.shl (ref.is_null (table.get $c (i32.const 1))) (i32.const 4)))"
              "  (i32.shl (ref.is_null (table.get $b (i32.const 1))) (i32.const 8))))",
              segments);
}

/* --- fuel cannot be made by growing a table backwards --- */

TEST(security_fuel_is_not_minted)
{
    EngineConfig c;
    engine_config_init(&c);
    c.tunables.fuel = true;
    Harness h = harness_new("(table $t i64 1 funcref) (func (export \"run\") (loop"
                            " (drop (table.grow $t (ref.null func) (i64.const -500))) (br 0)))",
                            &c);
    store_set_fuel(h.store, 100000);
    harness_trap(&h, "run", 0, 0, TRAP_OUT_OF_FUEL);
    EXPECT_EQ(store_fuel(h.store), 0);
    harness_free(&h);
}

/* --- the host rounds otherwise --- */

static const u32 mxcsrs[] = {
    0x1f80 | _MM_ROUND_UP,
    0x1f80 | _MM_ROUND_DOWN,
    0x1f80 | _MM_ROUND_TOWARD_ZERO,
    0x1f80 | _MM_FLUSH_ZERO_ON,
    0x1f80 | 0x40 /* subnormals are zero */,
    _MM_ROUND_UP /* all unmasked */,
    0x1f80 | _MM_FLUSH_ZERO_ON | 0x40 | _MM_ROUND_DOWN,
};

static void rounds(Harness *h)
{
    for (usize i = 0; i < ARRAY_LEN(mxcsrs); i++) {
        _mm_setcsr(mxcsrs[i]);
        VmVal tiny[4] = {{.f64 = 1}}, third[4] = {{.f64 = 0x3ff0000000000000}};
        VmVal vector[4] = {{.f32 = 0x3f800000}}, trap[4] = {{.i32 = 0}};
        int r1 = harness_call(h, "twice", tiny), r2 = harness_call(h, "third", third);
        int r3 = harness_call(h, "vector", vector), r4 = harness_call(h, "trap", trap);
        u32 after = _mm_getcsr();
        _mm_setcsr(0x1f80);
        EXPECT(r1 == HARNESS_OK && r2 == HARNESS_OK && r3 == HARNESS_OK);
        EXPECT_EQ(r4, TRAP_UNREACHABLE);
        EXPECT_EQ(tiny[0].f64, 2);
        EXPECT_EQ(third[0].f64, 0x3fd5555555555555);
        EXPECT_EQ(vector[0].f32, 0x3eaaaaab);
        EXPECT_EQ(after & 0xffc0, mxcsrs[i] & 0xffc0);
    }
}

TEST(security_the_hosts_rounding_stays_outside)
{
    each_mode("(func (export \"twice\") (param f64) (result f64)"
              " (f64.add (local.get 0) (local.get 0)))"
              "(func (export \"third\") (param f64) (result f64)"
              " (f64.div (local.get 0) (f64.const 3)))"
              "(func (export \"vector\") (param f32) (result f32) (f32x4.extract_lane 0"
              " (f32x4.div (f32x4.splat (local.get 0)) (f32x4.splat (f32.const 3)))))"
              "(func (export \"trap\") unreachable)",
              rounds);
}
