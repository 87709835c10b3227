/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Instances that are used again show nothing of who had them before. */
#include "engine/engine.h"
#include "os/thread.h"
#include "unit/test.h"
#include "wasm/text/text.h"

#include <stdlib.h>

/* Data in the first and the third page, two pages without; a function for everything that may
 * change, and one for everything that is left. */
static const char program[] =
    "(module (memory (export \"memory\") 4 10) (table (export \"t\") 3 funcref)"
    "(global $g (export \"g\") (mut i64) (i64.const 7))"
    "(data (i32.const 100) \"first\") (data (i32.const 131100) \"third\")"
    "(data $p \"passive\") (elem $e func $f) (elem (i32.const 1) func $f)"
    "(func $f (export \"f\"))"
    "(func (export \"poke\") (param $at i32) (param $value i32)"
    "  (i32.store8 (local.get $at) (local.get $value)))"
    "(func (export \"grow\") (param i32) (result i32) (memory.grow (local.get 0)))"
    "(func (export \"rest\")"
    "  (global.set $g (i64.const -1)) (table.set 0 (i32.const 0) (ref.func $f))"
    "  (table.set 0 (i32.const 1) (ref.null func))"
    "  (drop (table.grow 0 (ref.func $f) (i32.const 5))) (data.drop $p) (elem.drop $e))"
    "(func (export \"init\") (memory.init $p (i32.const 0) (i32.const 0) (i32.const 7))"
    "  (table.init $e (i32.const 0) (i32.const 0) (i32.const 1)))"
    "(func (export \"boom\") unreachable))";

typedef struct Fixture {
    Engine *e;
    Module *m;
    Store *s;
    Instance *i;
} Fixture;

static void fixture_init(Fixture *f, const char *wat, u64 reservation)
{
    EngineConfig c;
    engine_config_init(&c);
    c.tunables.memory_reservation = reservation;
    if (engine_new(&c, &f->e))
        test_skip("no such processor");
    Buf b = {0};
    Diag diag;
    diag_init(&diag);
    if (!text_parse_module(str_of(wat), &(TextOptions){0}, &b, NULL, &diag))
        test_fail(__FILE__, __LINE__, "%s", diag.msg);
    EXPECT(engine_module_new(f->e, b.p, b.n, NULL, &f->m) == NULL);
    buf_release(&b);
}

static void fixture_release(Fixture *f)
{
    module_unref(f->m);
    engine_free(f->e);
}

static void start(Fixture *f)
{
    EXPECT(engine_store_new(f->e, &f->s) == NULL);
    EXPECT(instance_new(f->s, f->m, NULL, 0, &f->i) == NULL);
}

static Extern export_of(Instance *i, const char *name)
{
    Extern x;
    EXPECT(instance_export(i, str_of(name), &x));
    return x;
}

static bool call(Instance *i, const char *name, u32 a, u32 b)
{
    VmVal vals[2] = {{.i32 = (i32)a}, {.i32 = (i32)b}};
    Error *e = func_call(instance_store(i), export_of(i, name).func, vals);
    bool ok = e == NULL;
    error_free(e);
    return ok;
}

static void expect_initial(Fixture *f)
{
    u64 n = 0;
    const u8 *p = memory_data(export_of(f->i, "memory").memory, &n);
    EXPECT_EQ(n, 4 * 65536);
    EXPECT(memcmp(p + 100, "first", 5) == 0 && memcmp(p + 131100, "third", 5) == 0);
    for (u64 k = 0; k < n; k++)
        if (p[k] && (k < 100 || k >= 105) && (k < 131100 || k >= 131105))
            test_fail(__FILE__, __LINE__, "byte %llu is %u", (unsigned long long)k, p[k]);
    EXPECT_EQ(global_value(export_of(f->i, "g").global)->i64, 7);
    const u64 *elems = table_elems(export_of(f->i, "t").table, &n);
    EXPECT_EQ(n, 3);
    EXPECT(!elems[0] && elems[1] == (u64)(uintptr_t)export_of(f->i, "f").func && !elems[2]);
    EXPECT(!call(f->i, "poke", 4 * 65536, 1));
    EXPECT(call(f->i, "init", 0, 0));
}

/* What one tenant does, by a number. */
static void disturb(Fixture *f, u32 round)
{
    srand(round);
    u64 pages = 4;
    if (round % 3 == 0) {
        EXPECT(call(f->i, "grow", 2 + round % 4, 0));
        pages += 2 + round % 4;
    }
    u32 pokes = round % 5 == 4 ? 5000 : round % 5 * 3;
    for (u32 k = 0; k < pokes; k++)
        EXPECT(call(f->i, "poke", (u32)((u64)rand() % (pages * 65536)), 0xa5));
    if (round % 2)
        EXPECT(call(f->i, "rest", 0, 0));
    if (round % 7 == 0)
        EXPECT(!call(f->i, "boom", 0, 0));
}

static void tenants(u64 reservation)
{
    Fixture f;
    fixture_init(&f, program, reservation);
    for (u32 round = 0; round < 60; round++) {
        Fixture other = f;
        start(&f);
        expect_initial(&f);
        if (round % 4 == 0) { /* two at a time */
            start(&other);
            expect_initial(&other);
            disturb(&other, round + 1);
            disturb(&f, round);
            store_free(other.s);
        } else {
            disturb(&f, round);
        }
        store_free(f.s);
    }
    fixture_release(&f);
}

TEST(pool_shows_nothing_of_former_tenants)
{
    tenants((u64)4 << 30);
    tenants(0); /* memories move when they grow */
}

/* Tables keep their spare room: what a tenant had there does not come back. */
TEST(pool_tables_grow_by_null_again)
{
    Fixture f;
    fixture_init(&f,
                 "(module (table $t 3 funcref) (elem declare func $f) (func $f)"
                 "(func (export \"use\") (local $i i32)"
                 "  (drop (table.grow $t (ref.null func) (i32.const 5)))"
                 "  (local.set $i (i32.const 3))"
                 "  (loop $l"
                 "    (if (i32.eqz (ref.is_null (table.get $t (local.get $i)))) (then unreachable))"
                 "    (table.set $t (local.get $i) (ref.func $f))"
                 "    (local.set $i (i32.add (local.get $i) (i32.const 1)))"
                 "    (br_if $l (i32.lt_u (local.get $i) (i32.const 8))))))",
                 (u64)4 << 30);
    for (u32 round = 0; round < 4; round++) {
        start(&f);
        EXPECT(call(f.i, "use", 0, 0));
        store_free(f.s);
    }
    fixture_release(&f);
}

TEST(pool_resets_large_footprints)
{
    Fixture f;
    fixture_init(&f,
                 "(module (memory (export \"memory\") 100) (data (i32.const 5) \"x\")"
                 "(func (export \"all\") (memory.fill (i32.const 0) (i32.const 255)"
                 "  (i32.const 6553600))))",
                 (u64)4 << 30);
    for (u32 round = 0; round < 6; round++) {
        start(&f);
        u64 n = 0;
        const u8 *p = memory_data(export_of(f.i, "memory").memory, &n);
        for (u64 k = 0; k < n; k++)
            if (p[k] != (k == 5 ? 'x' : 0))
                test_fail(__FILE__, __LINE__, "byte %llu is %u", (unsigned long long)k, p[k]);
        EXPECT(call(f.i, "all", 0, 0));
        store_free(f.s);
    }
    fixture_release(&f);
}

static u64 host_one(void *env, VmCtx *caller)
{
    (void)caller;
    return *(const u32 *)env;
}

TEST(pool_gives_imports_anew)
{
    Fixture f;
    fixture_init(&f,
                 "(module (import \"h\" \"f\" (func $h (result i32)))"
                 "(func (export \"go\") (param i32) (result i32) (call $h)))",
                 (u64)4 << 30);
    static const ValType i32s[] = {VT_I32};
    for (u32 round = 0; round < 10; round++) {
        EXPECT(engine_store_new(f.e, &f.s) == NULL);
        u32 type = types_add_func(engine_types(f.e), NULL, 0, i32s, 1), value = round * 11;
        Extern import = {.kind = EXTERN_FUNC};
        EXPECT(store_host_func(f.s, type, true, (void *)host_one, &value, &import.func) == NULL);
        types_unref(engine_types(f.e), type);
        EXPECT(instance_new(f.s, f.m, &import, 1, &f.i) == NULL);
        VmVal vals[1] = {{{0}}};
        EXPECT(func_call(f.s, export_of(f.i, "go").func, vals) == NULL);
        EXPECT_EQ(vals[0].i32, value);
        store_free(f.s);
    }
    fixture_release(&f);
}

static void tenant_thread(void *arg)
{
    Fixture f = *(const Fixture *)arg;
    for (u32 round = 0; round < 30; round++) {
        start(&f);
        expect_initial(&f);
        disturb(&f, round);
        store_free(f.s);
    }
}

TEST(pool_is_shared_by_threads)
{
    Fixture f;
    fixture_init(&f, program, (u64)4 << 30);
    OsThread t[4];
    for (u32 k = 0; k < 4; k++)
        EXPECT(os_thread_start(&t[k], tenant_thread, &f));
    for (u32 k = 0; k < 4; k++)
        os_thread_join(t[k]);
    fixture_release(&f);
}
