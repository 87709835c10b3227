/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Stores that are frozen and put back: each request finds what the first one found. */
#include "unit/engine/slot_bed.h"

#include "os/thread.h"

#include <stdlib.h>
#include <unistd.h>

/* Two instances; the second one shares memory, table and a global of the first and has its own.
 * "count" counts in all of them, and answers what it counted. */
static const char first[] =
    "(module (import \"h\" \"f\" (func $h (param i32) (result i32)))"
    "(memory (export \"m\") 3 12) (table (export \"t\") 3 20 funcref)"
    "(global $g (export \"g\") (mut i32) (i32.const 0)) (global $own (mut i64) (i64.const 0))"
    "(data (i32.const 100) \"first\") (data (i32.const 131100) \"third\")"
    "(data $p \"passive\") (elem $e func $f) (elem (i32.const 1) func $f)"
    "(func $start (i32.store (i32.const 8192) (i32.const 77))) (start $start)"
    "(func $f (export \"f\"))"
    "(func (export \"host\") (param i32 i32) (result i32) (call $h (local.get 0)))"
    "(func (export \"count\") (param $at i32) (param i32) (result i32) (local $n i32)"
    "  (i32.store (local.get $at) (i32.add (i32.load (local.get $at)) (i32.const 1)))"
    "  (global.set $g (i32.add (global.get $g) (i32.const 1)))"
    "  (global.set $own (i64.add (global.get $own) (i64.const 1)))"
    "  (local.set $n (i32.add (i32.load (local.get $at))"
    "    (i32.add (global.get $g) (i32.wrap_i64 (global.get $own)))))"
    "  (local.set $n (i32.add (local.get $n) (table.grow 0 (ref.func $f) (i32.const 1))))"
    "  (local.set $n (i32.add (local.get $n) (memory.grow (i32.const 2))))"
    "  (i32.store (i32.const 250000) (i32.add (i32.load (i32.const 250000)) (i32.const 1)))"
    "  (local.set $n (i32.add (local.get $n) (i32.load (i32.const 250000))))"
    "  (local.set $n (i32.add (local.get $n) (ref.is_null (table.get 0 (i32.const 1)))))"
    "  (table.set 0 (i32.const 1) (ref.null func))"
    "  (memory.init $p (i32.const 0) (i32.const 0) (i32.const 7)) (data.drop $p)"
    "  (table.init $e (i32.const 2) (i32.const 0) (i32.const 1)) (elem.drop $e)"
    "  (local.get $n))"
    "(func (export \"poke\") (param $at i32) (param $v i32) (result i32)"
    "  (i32.store8 (local.get $at) (local.get $v)) (i32.load (i32.and (local.get $at)"
    "   (i32.const -4))))"
    "(func (export \"peek\") (param i32 i32) (result i32) (i32.load (local.get 0)))"
    "(func (export \"offset\") (param i32 i32) (result i32) (i32.load offset=65000 (local.get 0)))"
    "(func (export \"grow\") (param i32 i32) (result i32) (memory.grow (local.get 0)))"
    "(func (export \"table\") (param i32 i32) (result i32)"
    "  (table.grow 0 (ref.func $f) (local.get 0)))"
    "(func (export \"sizes\") (param i32 i32) (result i32)"
    "  (i32.add (memory.size) (i32.mul (table.size 0) (i32.const 1000))))"
    "(func (export \"null\") (param i32 i32) (result i32) (ref.is_null (table.get (local.get 0))))"
    "(func (export \"set\") (param i32 i32) (result i32)"
    "  (table.set (local.get 0) (ref.func $f)) (i32.const 0))"
    "(func (export \"boom\") (param i32 i32) (result i32) unreachable)"
    "(func (export \"loop\") (param i32 i32) (result i32) (loop (br 0)) (i32.const 0)))";

static const char second[] =
    "(module (import \"a\" \"m\" (memory 1)) (import \"a\" \"t\" (table 1 funcref))"
    "(import \"a\" \"g\" (global $g (mut i32))) (import \"a\" \"f\" (func $f))"
    "(memory $own 1 5) (global $mine (mut i64) (i64.const 5))"
    "(func (export \"nested\") (param i32 i32) (result i32)"
    "  (global.set $g (i32.add (global.get $g) (i32.const 10)))"
    "  (global.set $mine (i64.add (global.get $mine) (i64.const 1)))"
    "  (i32.store $own (i32.const 4) (i32.add (i32.load $own (i32.const 4))"
    "   (i32.const 1)))"
    "  (i32.store (i32.const 70000) (i32.const -1)) (call $f)"
    "  (drop (table.grow 0 (ref.null func) (i32.const 2)))"
    "  (i32.add (i32.load $own (i32.const 4))"
    "   (i32.add (global.get $g) (i32.wrap_i64 (global.get $mine))))))";

static void bed_start(SlotBed *b, const SlotOptions *o, u64 reservation)
{
    slot_bed_init(b, o, reservation);
    slot_bed_module(b, first);
    slot_bed_module(b, second);
}

/* What "count" and "nested" answer the first time. */
static void expect_first(SlotRun *r)
{
    EXPECT_EQ(slot_run_call(r, 0, "sizes", 0, 0), 3003);
    slot_run_trap_at(r, 0, "offset", 3 * 65536 - 8, TRAP_MEMORY_OUT_OF_BOUNDS);
    EXPECT_EQ(slot_run_call(r, 0, "peek", 8192, 0), 77);
    EXPECT_EQ(slot_run_call(r, 0, "count", 20000, 0), 1 + 1 + 1 + 3 + 3 + 1);
    EXPECT_EQ(slot_run_call(r, 0, "offset", 4 * 65536, 0), 0);
    EXPECT_EQ(slot_run_call(r, 1, "nested", 0, 0), 1 + 11 + 6);
}

static void each_way(void (*run)(const SlotOptions *o, u64 reservation))
{
    static const u64 resident[] = {4 << 20, 8192, 0};
    for (u32 way = 0; way < 4; way++)
        for (u32 k = 0; k < ARRAY_LEN(resident); k++) {
            SlotOptions o;
            slot_options_init(&o);
            o.no_scan = way & 1;
            o.no_file = way & 2;
            o.resident = resident[k];
            o.sample_every = k == 0 ? 3 : 1;
            run(&o, (u64)4 << 30);
            run(&o, 0);             /* memories move when they grow */
            run(&o, (u64)16 << 20); /* or not, but are checked */
            run(&o, SLOT_BED_EXACT);
        }
}

static void first_again(const SlotOptions *o, u64 reservation)
{
    SlotBed b;
    bed_start(&b, o, reservation);
    SlotRun r;
    slot_run_init(&r, &b, true);
    for (u32 round = 0; round < 12; round++) {
        expect_first(&r);
        if (round % 3 == 1)
            slot_run_trap(&r, 0, "boom", TRAP_UNREACHABLE);
        if (round % 3 == 2)
            slot_run_trap(&r, 0, "peek", TRAP_MEMORY_OUT_OF_BOUNDS);
        EXPECT(store_reset(r.store));
    }
    slot_run_release(&r);
    slot_bed_release(&b);
}

TEST(slot_every_request_is_the_first)
{
    each_way(first_again);
}

static void count_on_thread(void *arg)
{
    SlotRun r;
    slot_run_init(&r, arg, true);
    for (u32 round = 0; round < 200; round++) {
        expect_first(&r);
        if (round % 5 == 0)
            slot_run_trap(&r, 0, "boom", TRAP_UNREACHABLE);
        EXPECT(store_reset(r.store));
    }
    slot_run_release(&r);
}

TEST(slot_threads_share_nothing_but_images)
{
    SlotBed b;
    SlotOptions o;
    slot_options_init(&o);
    bed_start(&b, &o, (u64)4 << 30);
    OsThread t[4];
    for (u32 k = 0; k < 4; k++)
        EXPECT(os_thread_start(&t[k], count_on_thread, &b));
    for (u32 k = 0; k < 4; k++)
        os_thread_join(t[k]);
    slot_bed_release(&b);
}

TEST(slot_fuel_is_full_again)
{
    SlotBed b;
    SlotOptions o;
    slot_options_init(&o);
    slot_bed_configure(&b);
    b.config.tunables.fuel = true;
    slot_bed_begin(&b, &o);
    slot_bed_module(&b, first);
    slot_bed_module(&b, second);
    b.fuel = 10000;
    SlotRun r;
    slot_run_init(&r, &b, true);
    u64 fuel = store_fuel(r.store);
    EXPECT(fuel > 0 && fuel < 10000); /* the start function took some */
    for (u32 round = 0; round < 5; round++) {
        expect_first(&r);
        slot_run_trap(&r, 0, "loop", TRAP_OUT_OF_FUEL);
        EXPECT_EQ(store_fuel(r.store), 0);
        EXPECT(store_reset(r.store));
        EXPECT_EQ(store_fuel(r.store), fuel);
    }
    slot_run_release(&r);
    slot_bed_release(&b);
}

static void interrupt_soon(void *arg)
{
    usleep(2000);
    store_interrupt(arg);
}

TEST(slot_after_interrupts_is_as_new)
{
#ifdef __SANITIZE_THREAD__
    test_skip("signals are not delivered promptly under ThreadSanitizer");
#endif
    SlotBed b;
    SlotOptions o;
    slot_options_init(&o);
    bed_start(&b, &o, (u64)4 << 30);
    SlotRun r;
    slot_run_init(&r, &b, true);
    for (u32 round = 0; round < 6; round++) {
        expect_first(&r);
        OsThread t;
        if (round % 2) {
            EXPECT(os_thread_start(&t, interrupt_soon, r.store));
            slot_run_trap(&r, 0, "loop", TRAP_INTERRUPT);
            os_thread_join(t);
        } else {
            store_interrupt(r.store); /* nothing runs: the mark is dropped */
        }
        EXPECT(store_reset(r.store));
    }
    slot_run_release(&r);
    slot_bed_release(&b);
}

/* --- the same as fresh instances, whatever is called --- */

static void random_calls(SlotRun *a, SlotRun *b, u32 seed)
{
    static const char *const names[] = {"count", "nested", "poke", "poke", "peek", "grow",
                                        "table", "sizes",  "null", "set",  "boom", "poke"};
    srand(seed);
    for (u32 k = 0; k < 40; k++) {
        u32 n = (u32)rand() % ARRAY_LEN(names);
        u32 x = (u32)rand(), y = (u32)rand();
        bool large = n == 0 || (n >= 2 && n <= 4);
        x %= large ? 12 * 65536 : 6;
        u64 got = slot_run_any(a, n == 1, names[n], x, y);
        u64 want = slot_run_any(b, n == 1, names[n], x, y);
        if (got != want)
            test_fail(__FILE__, __LINE__, "call %u of sequence %u, %s(%u): %llx instead of %llx", k,
                      seed, names[n], x, (unsigned long long)got, (unsigned long long)want);
    }
}

static void as_fresh(const SlotOptions *o, u64 reservation)
{
    SlotBed b;
    bed_start(&b, o, reservation);
    SlotRun slot;
    slot_run_init(&slot, &b, true);
    for (u32 seed = 0; seed < 12; seed++) {
        SlotRun fresh;
        slot_run_init(&fresh, &b, false);
        random_calls(&slot, &fresh, seed);
        slot_run_same(&slot, &fresh);
        slot_run_release(&fresh);
        EXPECT(store_reset(slot.store));
        slot_run_init(&fresh, &b, false);
        slot_run_same(&slot, &fresh);
        slot_run_release(&fresh);
    }
    slot_run_release(&slot);
    slot_bed_release(&b);
}

TEST(slot_does_what_fresh_instances_do)
{
    each_way(as_fresh);
}

/* --- what cannot be put back --- */

TEST(slot_that_the_host_added_to_is_refused)
{
    SlotBed b;
    SlotOptions o;
    slot_options_init(&o);
    bed_start(&b, &o, (u64)4 << 30);
    for (u32 what = 0; what < 4; what++) {
        SlotRun r;
        slot_run_init(&r, &b, true);
        EXPECT(store_reset(r.store));
        Memory *m = NULL;
        RtTable *t = NULL;
        RtGlobal *g = NULL;
        Instance *i = NULL;
        if (what == 0)
            EXPECT(!store_memory_new(
                r.store, &(MemoryType){.limits = {.min = 1}, .page_size_log2 = 16}, &m));
        if (what == 1)
            EXPECT(!store_table_new(r.store, &(TableType){.limits = {.min = 1}}, 0, &t));
        if (what == 2)
            EXPECT(!store_global_new(r.store, (GlobalType){VT_I32, true}, (VmVal){0}, &g));
        if (what == 3)
            EXPECT(!instance_new(r.store, b.modules[0], &r.import, 1, &i));
        EXPECT(!store_reset(r.store));
        slot_run_release(&r);
    }
    slot_bed_release(&b);
}

TEST(slot_host_objects_and_globals_are_put_back)
{
    SlotBed b;
    SlotOptions o;
    slot_options_init(&o);
    slot_bed_init(&b, &o, (u64)4 << 30);
    Store *s = NULL;
    EXPECT(!engine_store_new(b.engine, &s));
    store_will_freeze(s);
    RtGlobal *g = NULL;
    EXPECT(!store_global_new(s, (GlobalType){VT_I32, true}, (VmVal){.i32 = 5}, &g));
    u64 kept = store_extern_new(s, &b), later = 0;
    EXPECT(!store_freeze(s, &o, b.images));
    for (u32 round = 0; round < 3; round++) {
        EXPECT_EQ(global_value(g)->i32, 5);
        *global_value(g) = (VmVal){.pair = {7, 7}};
        later = store_extern_new(s, &o);
        EXPECT(store_extern_get(s, later) == &o);
        host_fail(s, error_new("left over"));
        EXPECT(store_reset(s));
        EXPECT(!store_extern_get(s, later) && store_extern_get(s, kept) == &b);
        EXPECT(!store_vm(s)->pending);
    }
    store_free(s);
    slot_bed_release(&b);
}

TEST(slot_knows_whether_the_host_was_called)
{
    SlotBed b;
    SlotOptions o;
    slot_options_init(&o);
    bed_start(&b, &o, (u64)4 << 30);
    SlotRun r;
    slot_run_init(&r, &b, true);
    EXPECT(!store_called_host(r.store));
    expect_first(&r);
    EXPECT(!store_called_host(r.store));
    EXPECT_EQ(slot_run_call(&r, 0, "host", 20, 0), 21);
    EXPECT(store_called_host(r.store));
    EXPECT(store_reset(r.store));
    EXPECT(!store_called_host(r.store));
    slot_run_release(&r);
    slot_bed_release(&b);
    slot_bed_init(&b, &o, (u64)4 << 30);
    slot_bed_module(&b, "(module (import \"h\" \"f\" (func $h (param i32) (result i32)))"
                        "(func $s (drop (call $h (i32.const 1)))) (start $s))");
    slot_run_init(&r, &b, false);
    EXPECT(store_called_host(r.store));
    slot_run_release(&r);
    slot_bed_release(&b);
}

/* --- instances that nothing leads to --- */

/* What filled a table and exports nothing is gone; what it put there stays, and is put back. */
TEST(slot_keeps_what_spent_instances_did)
{
    static const char has_table[] =
        "(module (import \"h\" \"f\" (func (param i32) (result i32)))"
        "(type $t (func (param i32) (result i32)))"
        "(table (export \"t\") 2 funcref)"
        "(func (export \"f\") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))"
        "(func (export \"call\") (param i32 i32) (result i32)"
        "  (call_indirect (type $t) (local.get 0) (local.get 1)))"
        "(func (export \"clear\") (param i32 i32) (result i32)"
        "  (table.set (local.get 0) (ref.null func)) (i32.const 0)))";
    static const char fills[] = "(module (import \"a\" \"f\" (func $f (param i32) (result i32)))"
                                "(import \"a\" \"t\" (table 1 funcref))"
                                "(elem (i32.const 1) func $f))";
    SlotBed b;
    SlotOptions o;
    slot_options_init(&o);
    slot_bed_init(&b, &o, (u64)4 << 30);
    slot_bed_module(&b, has_table);
    slot_bed_module(&b, fills);
    SlotRun r;
    slot_run_init(&r, &b, true);
    for (u32 round = 0; round < 3; round++) {
        EXPECT_EQ(slot_run_call(&r, 0, "call", 5, 1), 15);
        EXPECT_EQ(slot_run_call(&r, 0, "clear", 1, 0), 0);
        EXPECT(slot_run_any(&r, 0, "call", 5, 1) >> 32);
        EXPECT(store_reset(r.store));
    }
    slot_run_release(&r);
    slot_bed_release(&b);
}
