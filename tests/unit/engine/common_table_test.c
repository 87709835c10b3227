/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Tables that all instances of a module have in common until they write to them: what is called
 * through them, and what is read from them, is each instance's own.
 */
#include "engine/engine.h"
#include "runtime/slot.h"
#include "unit/test.h"
#include "wasm/text/text.h"

/* "bump" counts in a global of the instance, through the table or through a reference. */
static const char program[] =
    "(module (import \"h\" \"t\" (table $out 4 funcref)) (import \"h\" \"bump\" (func $foreign))"
    "(type $v (func)) (table $t 6 8 funcref) (table $small 2 funcref)"
    "(elem (table $t) (i32.const 1) func $bump $twice $bump)"
    "(elem (table $t) (i32.const 3) func $twice)"
    "(elem $p func $bump) (elem declare func $foreign) (global $n (mut i32) (i32.const 0))"
    "(func $bump (export \"bump\") (global.set $n (i32.add (global.get $n) (i32.const 1))))"
    "(func $twice (call $bump) (call $bump))"
    "(func (export \"n\") (param i32) (result i32) (global.get $n))"
    "(func (export \"call\") (param i32) (result i32)"
    "  (call_indirect $t (type $v) (local.get 0)) (global.get $n))"
    "(func $tail (param i32) (return_call_indirect $t (type $v) (local.get 0)))"
    "(func (export \"tail\") (param i32) (result i32) (call $tail (local.get 0)) (global.get $n))"
    "(func (export \"give\") (param i32) (result i32)" /* the element to the table of others */
    "  (table.set $out (i32.const 0) (table.get $t (local.get 0))) (i32.const 0))"
    "(func (export \"copy\") (param i32) (result i32)"
    "  (table.copy $out $t (i32.const 0) (i32.const 1) (i32.const 3)) (i32.const 0))"
    "(func (export \"ref\") (param i32) (result i32)"
    "  (table.set $out (i32.const 0) (ref.func $twice)) (i32.const 0))"
    "(func (export \"out\") (param i32) (result i32)"
    "  (call_indirect $out (type $v) (local.get 0)) (global.get $n))"
    "(func (export \"set\") (param i32) (result i32)"
    "  (table.set $t (local.get 0) (ref.func $foreign)) (i32.const 0))"
    "(func (export \"clear\") (param i32) (result i32)"
    "  (table.set $t (local.get 0) (ref.null func)) (i32.const 0))"
    "(func (export \"move\") (param i32) (result i32)"
    "  (table.copy $t $t (i32.const 4) (i32.const 2) (i32.const 2)) (i32.const 0))"
    "(func (export \"across\") (param i32) (result i32)"
    "  (table.copy $small $t (i32.const 0) (i32.const 2) (i32.const 1))"
    "  (call_indirect $small (type $v) (i32.const 0)) (global.get $n))"
    "(func (export \"fill\") (param i32) (result i32)"
    "  (table.fill $t (i32.const 0) (table.get $t (i32.const 2)) (i32.const 6)) (i32.const 0))"
    "(func (export \"init\") (param i32) (result i32)"
    "  (table.init $t $p (local.get 0) (i32.const 0) (i32.const 1)) (i32.const 0))"
    "(func (export \"grow\") (param i32) (result i32)"
    "  (table.grow $t (ref.func $twice) (local.get 0)))"
    "(func (export \"null\") (param i32) (result i32)"
    "  (ref.is_null (table.get $t (local.get 0))))"
    "(func (export \"size\") (param i32) (result i32) (table.size $t)))";

enum { N = 2 };

typedef struct Bed {
    Engine *engine;
    Module *module;
    Store *store;
    Instance *i[N];
    RtTable *out;
    u32 calls; /* of the host's function */
} Bed;

static void host_bump(void *env, VmCtx *caller)
{
    (void)caller;
    ((Bed *)env)->calls++;
}

static void store_make(Bed *b, bool freeze)
{
    EXPECT(!engine_store_new(b->engine, &b->store));
    if (freeze)
        store_will_freeze(b->store);
    u32 type = types_add_func(engine_types(b->engine), NULL, 0, NULL, 0);
    Extern imports[2] = {{.kind = EXTERN_TABLE}, {.kind = EXTERN_FUNC}};
    TableType t = {.elem = VT_FUNCREF, .limits = {.min = 4}};
    EXPECT(!store_table_new(b->store, &t, 0, &imports[0].table));
    EXPECT(!store_host_func(b->store, type, true, (void *)host_bump, b, &imports[1].func));
    types_unref(engine_types(b->engine), type);
    b->out = imports[0].table;
    for (u32 k = 0; k < N; k++)
        EXPECT(!instance_new(b->store, b->module, imports, 2, &b->i[k]));
}

static void bed_init(Bed *b)
{
    EngineConfig c;
    engine_config_init(&c);
    *b = (Bed){0};
    if (engine_new(&c, &b->engine))
        test_skip("no such processor");
    Buf bin = {0};
    Diag d;
    diag_init(&d);
    EXPECT(text_parse_module(str_of(program), &(TextOptions){0}, &bin, NULL, &d));
    EXPECT(!engine_module_new(b->engine, bin.p, bin.n, NULL, &b->module));
    buf_release(&bin);
    const WasmModule *w = module_wasm(b->module);
    EXPECT(!w->tables[0].common && w->tables[1].common && !w->tables[2].common);
}

static void bed_release(Bed *b)
{
    store_free(b->store);
    module_unref(b->module);
    engine_free(b->engine);
}

/* The result, or -1 - what trapped. */
static i32 call(Bed *b, u32 k, const char *name, i32 v)
{
    Extern x;
    VmVal val = {.i32 = v};
    EXPECT(instance_export(b->i[k], str_of(name), &x));
    Error *e = func_call(b->store, x.func, &val);
    const Error *trap = e ? error_find(e, ERROR_TRAP) : NULL;
    i32 r = trap ? -1 - trap->value : val.i32;
    EXPECT(!e || trap);
    error_free(e);
    return r;
}

static void calls_go_to_the_own_instance(Bed *b)
{
    EXPECT_EQ(call(b, 0, "call", 1), 1);
    EXPECT_EQ(call(b, 1, "n", 0), 0);
    EXPECT_EQ(call(b, 1, "call", 2), 2);
    EXPECT_EQ(call(b, 0, "tail", 3), 3); /* the later segment's */
    EXPECT_EQ(call(b, 1, "tail", 1), 3);
    EXPECT_EQ(call(b, 0, "call", 0), -1 - TRAP_INDIRECT_CALL_TO_NULL);
    EXPECT_EQ(call(b, 0, "call", 6), -1 - TRAP_TABLE_OUT_OF_BOUNDS);
    EXPECT_EQ(call(b, 0, "n", 0), 3);
}

/* What instance 0 gives is its own, whoever calls it: n of 0 is 3 before, that of 1, too. */
static void what_is_read_is_the_own_instance(Bed *b)
{
    EXPECT_EQ(call(b, 0, "give", 1), 0);
    EXPECT_EQ(call(b, 1, "out", 0), 3);
    EXPECT_EQ(call(b, 0, "n", 0), 4);
    EXPECT_EQ(call(b, 0, "copy", 0), 0);
    EXPECT_EQ(call(b, 1, "out", 1), 3);
    EXPECT_EQ(call(b, 0, "n", 0), 6);
    EXPECT_EQ(call(b, 0, "ref", 0), 0);
    EXPECT_EQ(call(b, 1, "out", 0), 3);
    EXPECT_EQ(call(b, 0, "n", 0), 8);
    EXPECT_EQ(call(b, 0, "across", 0), 10);
    EXPECT_EQ(call(b, 1, "across", 0), 5);
    EXPECT_EQ(call(b, 0, "null", 0), 1);
    EXPECT_EQ(call(b, 0, "null", 6), -1 - TRAP_TABLE_OUT_OF_BOUNDS);
    EXPECT_EQ(call(b, 0, "give", 0), 0);
    EXPECT_EQ(call(b, 1, "out", 0), -1 - TRAP_INDIRECT_CALL_TO_NULL);
}

/* Of instance 0; 1 sees nothing of it. n: 10 and 5 before. */
static void what_is_written_is_the_own_table(Bed *b)
{
    EXPECT_EQ(call(b, 0, "set", 5), 0);
    u32 calls = b->calls;
    EXPECT_EQ(call(b, 0, "call", 5), 10);
    EXPECT_EQ(b->calls, calls + 1);
    EXPECT_EQ(call(b, 1, "call", 5), -1 - TRAP_INDIRECT_CALL_TO_NULL);
    EXPECT_EQ(call(b, 0, "call", 1), 11); /* as before in what was copied */
    EXPECT_EQ(call(b, 0, "give", 2), 0);
    EXPECT_EQ(call(b, 1, "out", 0), 5);
    EXPECT_EQ(call(b, 0, "n", 0), 13);
    EXPECT_EQ(call(b, 0, "clear", 6), -1 - TRAP_TABLE_OUT_OF_BOUNDS);
    EXPECT_EQ(call(b, 0, "move", 0), 0);
    EXPECT_EQ(call(b, 0, "call", 5), 15);
    EXPECT_EQ(call(b, 0, "init", 0), 0);
    EXPECT_EQ(call(b, 0, "call", 0), 16);
    EXPECT_EQ(call(b, 0, "clear", 1), 0);
    EXPECT_EQ(call(b, 0, "null", 1), 1);
    EXPECT_EQ(call(b, 1, "null", 1), 0);
    EXPECT_EQ(call(b, 0, "grow", 2), 6);
    EXPECT_EQ(call(b, 0, "call", 7), 18);
    EXPECT_EQ(call(b, 0, "grow", 1), -1);
    EXPECT_EQ(call(b, 1, "size", 0), 6);
    EXPECT_EQ(call(b, 1, "fill", 0), 0);
    EXPECT_EQ(call(b, 1, "call", 0), 7);
    EXPECT_EQ(call(b, 1, "call", 1), 9);
    EXPECT_EQ(call(b, 1, "grow", 0), 6);
}

TEST(common_tables_are_each_instance_s)
{
    Bed b;
    bed_init(&b);
    for (u32 round = 0; round < 4; round++) { /* instances of the later ones were used before */
        store_make(&b, false);
        calls_go_to_the_own_instance(&b);
        what_is_read_is_the_own_instance(&b);
        what_is_written_is_the_own_table(&b);
        store_free(b.store);
    }
    b.store = NULL;
    bed_release(&b);
}

TEST(common_tables_are_put_back)
{
    Bed b;
    bed_init(&b);
    store_make(&b, true);
    SlotOptions o;
    slot_options_init(&o);
    SlotImages *images = slot_images_new();
    EXPECT(!store_freeze(b.store, &o, images));
    for (u32 round = 0; round < 4; round++) {
        o.table_spare = round % 2 ? 0 : 4096;
        calls_go_to_the_own_instance(&b);
        what_is_read_is_the_own_instance(&b);
        what_is_written_is_the_own_table(&b);
        EXPECT(store_reset(b.store));
        EXPECT_EQ(call(&b, 0, "size", 0), 6);
    }
    slot_images_unref(images);
    bed_release(&b);
}

/* Which tables are common. */
TEST(common_tables_are_those_that_start_the_same)
{
    static const struct {
        const char *wat;
        bool common;
    } cases[] = {
        {"(table 2 funcref) (elem (i32.const 0) $f $f)", true},
        {"(table 2 funcref) (elem (i32.const 0) $f) (elem func $f) (elem declare func $f)", true},
        {"(table i64 2 funcref) (elem (i64.const 1) $f)", true},
        {"(table 65536 funcref) (elem (i32.const 1) $f)", true},
        {"(table 65537 funcref) (elem (i32.const 1) $f)", false},
        {"(table 2 funcref)", false},
        {"(table (export \"t\") 2 funcref) (elem (i32.const 0) $f)", false},
        {"(table 2 funcref) (elem (i32.const 0) $i)", false},
        {"(table 2 funcref) (elem (i32.const 0) $f) (elem (i32.const 1) $i)", false},
        {"(table 2 funcref) (elem (i32.const 1) $f $f)", false},
        {"(table 2 funcref) (elem (i32.const -1) $f)", false},
        {"(table 2 funcref) (elem (global.get $g) $f)", false},
        {"(table 2 funcref) (elem (i32.add (i32.const 0) (i32.const 0)) $f)", false},
        {"(table 2 funcref) (elem (i32.const 0) funcref (ref.func $f))", false},
        {"(table 2 (ref null $t)) (elem (i32.const 0) (ref null $t) (ref.func $f))", false},
        {"(table 2 funcref (ref.func $f)) (elem (i32.const 0) $f)", false},
        {"(table 2 externref)", false},
    };
    EngineConfig c;
    engine_config_init(&c);
    Engine *engine = NULL;
    if (engine_new(&c, &engine))
        test_skip("no such processor");
    for (u32 k = 0; k < ARRAY_LEN(cases); k++) {
        Buf text = {0}, bin = {0};
        Diag d;
        diag_init(&d);
        buf_printf(&text,
                   "(module (type $t (func)) (import \"h\" \"i\" (func $i))"
                   "(import \"h\" \"g\" (global $g i32)) (func $f) %s)",
                   cases[k].wat);
        if (!text_parse_module((Str){(char *)text.p, text.n}, &(TextOptions){0}, &bin, NULL, &d))
            test_fail(__FILE__, __LINE__, "%s: %s", cases[k].wat, d.msg);
        Module *m = NULL;
        EXPECT(!engine_module_new(engine, bin.p, bin.n, NULL, &m));
        if (module_wasm(m)->tables[0].common != cases[k].common)
            test_fail(__FILE__, __LINE__, "%s", cases[k].wat);
        module_unref(m);
        buf_release(&text);
        buf_release(&bin);
    }
    engine_free(engine);
}
