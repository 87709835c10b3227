/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Interrupts at any moment: in wasm, host functions, builtins, the compiler, nested calls. */
#include "engine/engine.h"
#include "os/thread.h"
#include "os/time.h"
#include "unit/test.h"
#include "wasm/text/text.h"

#include <stdatomic.h>
#include <unistd.h>

enum { ROUNDS = 300, LIMIT_NS = 700000000 };

static const char program[] =
    "(module (import \"h\" \"f\" (func $h (param i32) (result i32)))"
    "(memory 20 40) (table 1 funcref)"
    "(func $rec (param i32) (result i32) (if (result i32) (local.get 0)"
    "  (then (call $rec (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 0))))"
    "(func (export \"leaf\") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))"
    "(func (export \"mix\") (loop"
    "  (drop (call $h (i32.const 1))) (drop (call $rec (i32.const 100)))"
    "  (memory.fill (i32.const 0) (i32.const 1) (i32.const 1300000))"
    "  (drop (memory.grow (i32.const 0))) (br 0))))";

typedef struct Fixture {
    Store *s;
    Instance *i;
    _Atomic bool stop;
} Fixture;

/* Calls back into wasm; an interrupt there goes on as its own error. */
static u32 host(void *env, VmCtx *caller, u32 n)
{
    Fixture *f = env;
    (void)caller;
    Extern x;
    EXPECT(instance_export(f->i, STR("leaf"), &x));
    VmVal vals[1] = {{.i32 = (i32)n}};
    Error *e = func_call(f->s, x.func, vals);
    if (e)
        host_fail(f->s, e);
    return (u32)vals[0].i32;
}

static void interrupter(void *arg)
{
    Fixture *f = arg;
    for (u32 k = 0; !atomic_load(&f->stop); k++) {
        usleep(50 + k % 7 * 131);
        store_interrupt(f->s);
    }
}

static Module *module_of(Engine *e)
{
    Buf b = {0};
    Diag diag;
    diag_init(&diag);
    Module *m = NULL;
    EXPECT(text_parse_module(str_of(program), &(TextOptions){0}, &b, NULL, &diag));
    EXPECT(engine_module_new(e, b.p, b.n, NULL, &m) == NULL);
    buf_release(&b);
    return m;
}

static void link_host(Engine *e, Fixture *f, Module *m)
{
    static const ValType i32s[] = {VT_I32};
    u32 type = types_add_func(engine_types(e), i32s, 1, i32s, 1);
    Extern import = {.kind = EXTERN_FUNC};
    EXPECT(store_host_func(f->s, type, true, (void *)host, f, &import.func) == NULL);
    types_unref(engine_types(e), type);
    EXPECT(instance_new(f->s, m, &import, 1, &f->i) == NULL);
}

TEST(interrupts_at_any_moment)
{
#ifdef __SANITIZE_THREAD__
    test_skip("signals are not delivered promptly under ThreadSanitizer");
#endif
    EngineConfig c;
    engine_config_init(&c);
    Engine *e = NULL;
    if (engine_new(&c, &e))
        test_skip("no such processor");
    u64 start = os_monotonic_ns();
    for (u32 round = 0; round < ROUNDS && os_monotonic_ns() - start < LIMIT_NS; round++) {
        Fixture f = {0};
        EXPECT(engine_store_new(e, &f.s) == NULL);
        Module *m = module_of(e); /* nothing is compiled yet */
        link_host(e, &f, m);
        OsThread t;
        EXPECT(os_thread_start(&t, interrupter, &f));
        for (int k = 0; k < 5; k++) {
            Extern x;
            EXPECT(instance_export(f.i, STR("mix"), &x));
            Error *error = func_call(f.s, x.func, NULL); /* ends by an interrupt only */
            const Error *trap = error_find(error, ERROR_TRAP);
            EXPECT(trap && trap->value == TRAP_INTERRUPT);
            error_free(error);
        }
        atomic_store(&f.stop, true);
        os_thread_join(t);
        store_free(f.s);
        module_unref(m);
    }
    engine_free(e);
}
