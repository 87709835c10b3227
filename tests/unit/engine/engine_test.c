/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Modules through the compiler: lazily, in parallel, as compiled files; metering; stubs. */
#include "engine/engine.h"

#include "engine/image.h"
#include "os/thread.h"
#include "os/vm.h"
#include "unit/test.h"
#include "wasm/text/text.h"

#include <stdio.h>
#include <unistd.h>

static Engine *make_engine(void (*change)(EngineConfig *c))
{
    EngineConfig c;
    engine_config_init(&c);
    if (change)
        change(&c);
    Engine *e = NULL;
    if (engine_new(&c, &e))
        test_skip("no such processor");
    return e;
}

static void eager(EngineConfig *c)
{
    c->lazy = false;
    c->tunables.direct_calls = true;
    c->compile_threads = 3;
}
static void eager_alone(EngineConfig *c)
{
    eager(c);
    c->compile_threads = 1;
}
static void metered(EngineConfig *c)
{
    c->tunables.fuel = true;
}
static void epochs(EngineConfig *c)
{
    c->tunables.epoch = true;
}
static void lower_reservation(EngineConfig *c)
{
    eager(c);
    c->tunables.memory_reservation = 1 << 20;
}
/* As where address space is scarce, but because somebody said so. */
static void given_checks(EngineConfig *c)
{
    eager(c);
    engine_config_memories(c, 1u << 20);
    c->memories_given = true;
}
static void eager_with_fuel(EngineConfig *c)
{
    eager(c);
    c->tunables.fuel = true;
}

static Buf binary_of(const char *wat)
{
    Buf b = {0};
    Diag diag;
    diag_init(&diag);
    if (!text_parse_module(str_of(wat), &(TextOptions){0}, &b, NULL, &diag))
        test_fail(__FILE__, __LINE__, "%s", diag.msg);
    return b;
}

static Module *module_of(Engine *e, const char *wat)
{
    Buf b = binary_of(wat);
    Module *m = NULL;
    Error *error = engine_module_new(e, b.p, b.n, NULL, &m);
    if (error)
        test_fail(__FILE__, __LINE__, "%s", error->message);
    buf_release(&b);
    return m;
}

/* The only text of the last error. */
static const char *message_of(Error *e)
{
    static char text[2000];
    text[0] = 0;
    if (e) {
        Buf out = {0};
        error_format(e, &out);
        snprintf(text, sizeof text, "%.*s", (int)out.n, (char *)out.p);
        buf_release(&out);
        error_free(e);
    }
    return text;
}

static Instance *instance_of_module(Engine *e, Module *m)
{
    Store *s = NULL;
    Instance *i = NULL;
    EXPECT(engine_store_new(e, &s) == NULL);
    Error *error = instance_new(s, m, NULL, 0, &i);
    if (error)
        test_fail(__FILE__, __LINE__, "%s", message_of(error));
    return i;
}

static Error *call(Instance *i, const char *name, u64 arg, u64 *ret_result)
{
    Extern x;
    EXPECT(instance_export(i, str_of(name), &x));
    VmVal vals[8] = {{.pair = {arg, 0}}};
    Error *e = func_call(instance_store(i), x.func, vals);
    *ret_result = vals[0].pair[0];
    return e;
}

static u64 call_ok(Instance *i, const char *name, u64 arg)
{
    u64 result = 0;
    Error *e = call(i, name, arg, &result);
    if (e)
        test_fail(__FILE__, __LINE__, "%s: %s", name, message_of(e));
    return result;
}

static const char *call_error(Instance *i, const char *name, u64 arg)
{
    u64 result = 0;
    return message_of(call(i, name, arg, &result));
}

/* Calls of all kinds, memory, tables, globals, data. */
static const char program[] =
    "(module (type $f (func (param i32) (result i32)))"
    "(memory 1) (data (i32.const 8) \"\\2a\\00\\00\\00\") (table funcref (elem $fib $load))"
    "(global $g (mut i32) (i32.const 5))"
    "(func $fib (export \"fib\") (type $f) (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))"
    "  (then (local.get 0)) (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))"
    "  (call $fib (i32.sub (local.get 0) (i32.const 2)))))))"
    "(func $load (export \"load\") (type $f) (i32.load (local.get 0)))"
    "(func (export \"indirect\") (type $f) (call_indirect (type $f) (i32.const 10)"
    "  (local.get 0)))"
    "(func (export \"global\") (type $f) (global.set $g (i32.add (global.get $g) (local.get 0)))"
    "  (global.get $g))"
    "(func (export \"many\") (param i32) (result i32 i64 i32 i64 i32) (local.get 0) (i64.const 2)"
    "  (i32.const 3) (i64.const 4) (i32.const 5))"
    "(func (export \"spin\") (type $f) (loop (br 0)) (unreachable))"
    "(func $down (export \"down\") (type $f) (i32.add (call $down (local.get 0))"
    "  (i32.const 1))))";

static void expect_program(Instance *i)
{
    EXPECT_EQ((u32)call_ok(i, "fib", 20), 6765);
    EXPECT_EQ((u32)call_ok(i, "load", 8), 42);
    EXPECT_EQ((u32)call_ok(i, "indirect", 0), 55);
    EXPECT(strstr(call_error(i, "indirect", 2), "undefined element"));
    EXPECT(strstr(call_error(i, "load", 65533), "out of bounds memory access"));
    EXPECT(strstr(call_error(i, "down", 0), "call stack exhausted"));
    EXPECT_EQ((u32)call_ok(i, "global", 2), 7);
    EXPECT_EQ((u32)call_ok(i, "many", 1), 1);
}

static void run_program(void (*change)(EngineConfig *c))
{
    Engine *e = make_engine(change);
    Module *m = module_of(e, program);
    Instance *i = instance_of_module(e, m);
    store_set_fuel(instance_store(i), UINT64_MAX);
    expect_program(i);
    store_free(instance_store(i));
    module_unref(m);
    engine_free(e);
}

TEST(engine_runs_lazily_and_eagerly)
{
    run_program(NULL);
    run_program(eager);
    run_program(eager_alone);
    run_program(metered);
    run_program(epochs);
    run_program(lower_reservation);
}

TEST(engine_parts_may_be_dropped_in_any_order)
{
    Engine *e = make_engine(NULL);
    Module *m = module_of(e, program);
    Instance *i = instance_of_module(e, m);
    engine_free(e);
    module_unref(m);
    expect_program(i);
    store_free(instance_store(i));
}

TEST(engine_fuel_runs_out_and_epochs_end_loops)
{
    Engine *e = make_engine(metered);
    Module *m = module_of(e, program);
    Instance *i = instance_of_module(e, m);
    store_set_fuel(instance_store(i), 1000);
    EXPECT_EQ((u32)call_ok(i, "load", 8), 42);
    u64 left = store_fuel(instance_store(i));
    EXPECT(left < 1000 && left > 990);
    EXPECT(strstr(call_error(i, "spin", 0), "all fuel consumed by WebAssembly"));
    EXPECT_EQ(store_fuel(instance_store(i)), 0);
    /* A call costs one, each instruction one, and the check at the entry wants some to be left. */
    store_set_fuel(instance_store(i), 1);
    EXPECT(strstr(call_error(i, "load", 8), "all fuel consumed by WebAssembly"));
    store_set_fuel(instance_store(i), 2);
    EXPECT_EQ((u32)call_ok(i, "load", 8), 42);
    store_free(instance_store(i));
    module_unref(m);
    engine_free(e);

    e = make_engine(epochs);
    m = module_of(e, program);
    i = instance_of_module(e, m);
    store_set_epoch_deadline(instance_store(i), 1);
    EXPECT_EQ((u32)call_ok(i, "fib", 5), 5);
    engine_increment_epoch(e);
    EXPECT(strstr(call_error(i, "spin", 0), "wasm trap: interrupt"));
    store_free(instance_store(i));
    module_unref(m);
    engine_free(e);
}

TEST(engine_refuses_what_is_no_module)
{
    Engine *e = make_engine(NULL);
    static const u8 bytes[] = {0, 'a', 's', 'm', 1, 0, 0, 0, 1, 99};
    Module *m = NULL;
    const char *text = message_of(engine_module_new(e, bytes, sizeof bytes, NULL, &m));
    EXPECT(strstr(text, "failed to parse WebAssembly module\n\nCaused by:\n"
                        "    length out of bounds: a section of 99 bytes where 0 are left "
                        "(at offset 0x9)"));
    Buf b = binary_of("(module (type (struct)) (func (drop (struct.new 0))))");
    EXPECT(strstr(message_of(engine_module_new(e, b.p, b.n, NULL, &m)),
                  "the gc proposal, which is not supported by this build"));
    buf_release(&b);
    EXPECT(m == NULL);
    engine_free(e);
}

/* --- compiled files --- */

static Buf serialize(Engine *e, const char *wat)
{
    Module *m = module_of(e, wat);
    Buf out = {0};
    Error *error = engine_module_serialize(e, m, &out);
    if (error)
        test_fail(__FILE__, __LINE__, "%s", message_of(error));
    module_unref(m);
    return out;
}

TEST(compiled_files_run_without_the_compiler)
{
    Engine *e = make_engine(eager);
    Buf one = serialize(e, program);
    engine_free(e);
    e = make_engine(eager_alone);
    Buf two = serialize(e, program); /* the number of threads makes no difference */
    EXPECT(one.n == two.n && memcmp(one.p, two.p, one.n) == 0);
    EXPECT(engine_is_compiled(one.p, one.n));
    Module *m = NULL;
    EXPECT_STR(message_of(engine_module_load(e, one.p, one.n, &m)), "");
    Instance *i = instance_of_module(e, m);
    expect_program(i);
    EXPECT(strstr(call_error(i, "load", 65533), "0x"));
    store_free(instance_store(i));
    module_unref(m);
    engine_free(e);
    buf_release(&one);
    buf_release(&two);
}

TEST(compiled_files_of_modules_without_functions)
{
    Engine *e = make_engine(eager);
    Buf b = serialize(e, "(module (memory (export \"m\") 1))");
    Module *m = NULL;
    EXPECT_STR(message_of(engine_module_load(e, b.p, b.n, &m)), "");
    store_free(instance_store(instance_of_module(e, m)));
    module_unref(m);
    engine_free(e);
    buf_release(&b);
}

static void expect_refused(Engine *e, const Buf *b, const char *why)
{
    Module *m = NULL;
    const char *text = message_of(engine_module_load(e, b->p, b->n, &m));
    if (!strstr(text, why))
        test_fail(__FILE__, __LINE__, "\"%s\" lacks \"%s\"", text, why);
}

TEST(compiled_files_that_do_not_fit_are_refused)
{
    Engine *e = make_engine(eager);
    Buf b = serialize(e, program);
    usize header = 64;
    struct {
        usize at;
        u8 flip;
        const char *why;
    } t[] = {
        {header + offsetof(ImageHeader, version), 0x40, "incompatible version '70'"},
        {header + offsetof(ImageHeader, magic), 1, "different WebAssembly runtime"},
        {18, 1, "different architecture"},
        {48, 1, "no core module"},
        {7, 1, "not a compiled module"},
        {header + offsetof(ImageHeader, cpu) + 7, 0x80,
         "with abilities that this program does not know, which this one does not have"},
        {header + offsetof(ImageHeader, text) + 7, 0x80, "outside of the file"},
        {header + offsetof(ImageHeader, wasm), 1, "checksum"},
        {4096 + 5, 1, "checksum"},
        {b.n - 1, 1, "checksum"},
    };
    for (u32 k = 0; k < ARRAY_LEN(t); k++) {
        b.p[t[k].at] ^= t[k].flip;
        expect_refused(e, &b, t[k].why);
        b.p[t[k].at] ^= t[k].flip;
    }
    Buf half = {.p = b.p, .n = b.n / 2};
    expect_refused(e, &half, "truncated or damaged");
    half.n = 70;
    expect_refused(e, &half, "too short");
    engine_free(e);
    e = make_engine(lower_reservation);
    expect_refused(e, &b, "memory reservation of '4294967296' but '1048576' is expected");
    engine_free(e);
    e = make_engine(given_checks);
    expect_refused(e, &b, "memory reservation of '4294967296' but '0' is expected");
    engine_free(e);
    e = make_engine(eager_with_fuel);
    expect_refused(e, &b, "compiled without fuel but it is enabled");
    engine_free(e);
    buf_release(&b);
}

/* Every byte of a small file, changed: an error, never anything worse. */
TEST(compiled_files_with_any_damage_are_refused)
{
    Engine *e = make_engine(eager);
    Buf b = serialize(e, "(module (func (export \"f\")))");
    for (usize at = 0; at < b.n; at += at < 512 || at >= 8192 ? 1 : 97) {
        b.p[at] ^= 0x10;
        Module *m = NULL;
        Error *error = engine_module_load(e, b.p, b.n, &m);
        if (!error)
            test_fail(__FILE__, __LINE__, "a change at %zu goes unnoticed", at);
        error_free(error);
        b.p[at] ^= 0x10;
    }
    engine_free(e);
    buf_release(&b);
}

/* --- threads --- */

typedef struct Shared {
    Engine *e;
    Module *m;
} Shared;

static void run_on_thread(void *arg)
{
    Shared *sh = arg;
    for (int k = 0; k < 10; k++) {
        Instance *i = instance_of_module(sh->e, sh->m);
        EXPECT_EQ((u32)call_ok(i, "fib", 10), 55);
        EXPECT_EQ((u32)call_ok(i, "load", 8), 42);
        u64 result = 0;
        Error *e = call(i, "load", 65533, &result);
        EXPECT(e);
        error_free(e);
        store_free(instance_store(i));
    }
}

TEST(engine_is_shared_by_threads)
{
    for (int round = 0; round < 5; round++) {
        Engine *e = make_engine(NULL);
        Shared sh = {e, module_of(e, program)};
        OsThread t[4];
        for (u32 k = 0; k < 4; k++)
            EXPECT(os_thread_start(&t[k], run_on_thread, &sh));
        for (u32 k = 0; k < 4; k++)
            os_thread_join(t[k]);
        module_unref(sh.m);
        engine_free(e);
    }
}
