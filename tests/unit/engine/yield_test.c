/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Guests on fibers that are made to yield while they compute, at whatever instruction they are. */
#include "base/buf.h"
#include "os/thread.h"
#include "os/time.h"
#include "runtime/fiber.h"
#include "unit/compile/harness.h"
#include "wasm/text/text.h"

#include <unistd.h>

/* Integers, floats, vectors, memory, calls, tables of branches, builtins: all go into one number.
 */
static const char program[] =
    "(module $m (import \"h\" \"count\" (func $count (param i32) (result i32)))"
    "(memory 4) (global $g (mut i64) (i64.const 1))"
    "(func $mix (param $a i64) (param $d f64) (param $v v128) (result f64)"
    "  (f64.add (f64.mul (local.get $d) (f64.const 0.999))"
    "    (f64.add (f64.convert_i64_u (i64.shr_u (local.get $a) (i64.const 44)))"
    "      (f64.convert_i32_s (i32x4.extract_lane 2 (local.get $v))))))"
    "(func $sum (param $n i32) (param $h i64) (result i64)"
    "  (if (result i64) (local.get $n)"
    "    (then (i64.add (i64.rotl (local.get $h) (i64.const 5))"
    "      (call $sum (i32.sub (local.get $n) (i32.const 1)) (local.get $h))))"
    "    (else (local.get $h))))"
    "(func (export \"work\") (param $n i32) (result i32)"
    "  (local $h i64) (local $d f64) (local $v v128) (local $at i32) (local $f f32)"
    "  (local.set $h (i64.const 88172645463325252))"
    "  (loop $more"
    "    (local.set $h (i64.add (i64.mul (local.get $h) (i64.const 6364136223846793005))"
    "      (i64.const 1442695040888963407)))"
    "    (local.set $v (i32x4.add (i32x4.mul (local.get $v) (i32x4.splat (i32.const 31)))"
    "      (i64x2.splat (local.get $h))))"
    "    (local.set $d (call $mix (local.get $h) (local.get $d) (local.get $v)))"
    "    (local.set $f (f32.add (f32.mul (local.get $f) (f32.const 0.5))"
    "      (f32.demote_f64 (local.get $d))))"
    "    (local.set $at (i32.and (i32.wrap_i64 (i64.shr_u (local.get $h) (i64.const 40)))"
    "      (i32.const 0xfff8)))"
    "    (i64.store offset=8 (local.get $at)"
    "      (i64.xor (i64.load (local.get $at)) (local.get $h)))"
    "    (v128.store offset=65536 (local.get $at) (local.get $v))"
    "    (block $c (block $b (block $a"
    "      (br_table $a $b $c (i32.and (i32.wrap_i64 (i64.shr_u (local.get $h) (i64.const 60)))"
    "        (i32.const 3))))"
    "      (global.set $g (i64.add (global.get $g) (call $sum (i32.const 9) (local.get $h)))))"
    "      (if (i64.lt_u (global.get $g) (local.get $h))"
    "        (then (local.set $h (i64.xor (local.get $h) (i64.reinterpret_f64 (local.get $d)))))))"
    "    (if (i32.eqz (i32.and (local.get $n) (i32.const 63)))"
    "      (then (memory.copy (i32.const 0x20000) (i32.const 0) (i32.const 0x8000))"
    "        (memory.fill (local.get $at) (local.get $n) (i32.const 300))"
    "        (local.set $h (i64.add (local.get $h) (i64.load (i32.const 0x23000))))))"
    "    (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))"
    "  (i32.xor (i32.wrap_i64 (i64.xor (local.get $h) (global.get $g)))"
    "    (i32.xor (i32.reinterpret_f32 (local.get $f)) (i32x4.extract_lane 3 (local.get $v)))))"
    "(func $spin (export \"spin\") (param i32) (result i32) (loop (br 0)) unreachable)"
    "(func (export \"fill\") (param i32) (result i32)"
    "  (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x40000)) (br 0)) unreachable)"
    "(func (export \"call\") (param i32) (result i32)"
    "  (loop (result i32)"
    "    (br_if 0 (i32.ne (local.get 0) (call $count (local.get 0)))) (i32.const 5)))"
    "(func (export \"overflow\") (param $n i32) (result i32)"
    "  (local i64 i64 i64 i64 i64 i64 i64 i64)"
    "  (i32.add (i32.const 1) (call $deep (local.get $n) (i64.const 1) (i64.const 2) (i64.const 3)"
    "    (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7) (i64.const 8) (i64.const 9))))"
    "(func $deep (param i32 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i32)"
    "  (i32.add (i32.const 1) (call $deep (local.get 0) (i64.const 1) (i64.const 2) (i64.const 3)"
    "    (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7) (i64.const 8) (i64.const 9)))))";

typedef struct Bed {
    Engine *engine;
    Store *store;
    Module *module;
    Instance *instance;
    u32 wanted; /* of `count`: ends the loop then */
    bool calls; /* `count` calls wasm */
    u32 inside; /* yields in those calls */
} Bed;

typedef struct Run {
    Bed *bed;
    const char *name;
    VmVal val;
    Error *error;
    bool done;
} Run;

/* --- who asks --- */

static u32 yields; /* atomic */

static void yield(Store *s)
{
    (void)s;
    __atomic_fetch_add(&yields, 1, __ATOMIC_RELAXED);
    (void)fiber_suspend();
}

typedef struct Asker {
    OsThread thread;
    u32 whom;
    u32 us; /* between two questions */
    bool stop;
    Store *store; /* of ask_and_interrupt */
} Asker;

static void ask(void *arg)
{
    Asker *a = arg;
    while (!__atomic_load_n(&a->stop, __ATOMIC_RELAXED)) {
        usleep(a->us);
        fiber_ask_to_yield(a->whom);
    }
}

static void asker_start(Asker *a, u32 us)
{
    *a = (Asker){.whom = os_thread_id(), .us = us};
    yields = 0;
    EXPECT(os_thread_start(&a->thread, ask, a));
}

static void asker_stop(Asker *a)
{
    __atomic_store_n(&a->stop, true, __ATOMIC_RELAXED);
    os_thread_join(a->thread);
}

/* --- who computes --- */

static u32 host_count(void *env, VmCtx *caller, u32 v)
{
    (void)caller;
    Bed *b = env;
    u64 end = os_monotonic_ns() + 200000;
    while (os_monotonic_ns() < end)
        ;
    if (b->calls) {
        Extern x;
        VmVal work = {.i32 = 3000};
        u32 before = yields;
        EXPECT(instance_export(b->instance, STR("work"), &x));
        EXPECT(!func_call(b->store, x.func, &work));
        b->inside += yields - before;
    }
    fiber_yield_if_asked();
    return yields >= b->wanted ? v : v + 1;
}

static void bed_init(Bed *b)
{
    static const ValType i32s[] = {VT_I32};
    EngineConfig c;
#ifdef __SANITIZE_THREAD__
    test_skip("signals are not delivered promptly under ThreadSanitizer");
#endif
    *b = (Bed){.wanted = 20};
    engine_config_init(&c);
    if (engine_new(&c, &b->engine))
        test_skip("no such processor");
    EXPECT(!engine_store_new(b->engine, &b->store));
    Buf bin = {0};
    Diag d;
    diag_init(&d);
    EXPECT(text_parse_module(str_of(program), &(TextOptions){0}, &bin, NULL, &d));
    EXPECT(!engine_module_new(b->engine, bin.p, bin.n, NULL, &b->module));
    buf_release(&bin);
    u32 type = types_add_func(engine_types(b->engine), i32s, 1, i32s, 1);
    Extern count = {.kind = EXTERN_FUNC};
    EXPECT(!store_host_func(b->store, type, true, (void *)host_count, b, &count.func));
    types_unref(engine_types(b->engine), type);
    EXPECT(!instance_new(b->store, b->module, &count, 1, &b->instance));
}

static void bed_release(Bed *b)
{
    store_free(b->store);
    module_unref(b->module);
    engine_free(b->engine);
}

static void run(void *arg)
{
    Run *r = arg;
    Extern x;
    EXPECT(instance_export(r->bed->instance, str_of(r->name), &x));
    r->error = func_call(r->bed->store, x.func, &r->val);
    r->done = true;
}

static Fiber *start(Bed *b, Run *r, const char *name, i32 param)
{
    *r = (Run){.bed = b, .name = name, .val = {.i32 = param}};
    Fiber *f = fiber_new(0, run, r);
    EXPECT(f != NULL);
    fiber_set_yield(f, yield);
    return f;
}

static int trap_of(const Error *e)
{
    const Error *t = error_find(e, ERROR_TRAP);
    return t ? t->value : -1;
}

/* Three at once, in turns, against what one computes alone. */
static void compute_in_turns(i32 work, const Run *alone)
{
    enum { N = 3 };
    Bed b[N];
    Run r[N];
    Fiber *f[N];
    for (u32 i = 0; i < N; i++) {
        bed_init(&b[i]);
        f[i] = start(&b[i], &r[i], "work", work);
    }
    for (u32 left = N, i = 0; left > 0; i = (i + 1) % N)
        left -= !r[i].done && fiber_resume(f[i]);
    for (u32 i = 0; i < N; i++) {
        EXPECT(!r[i].error);
        EXPECT_EQ(r[i].val.i32, alone->val.i32);
        fiber_free(f[i]);
        bed_release(&b[i]);
    }
}

/* As often as it takes: where the machine is busy, the asker has few turns itself. */
TEST(yielding_guests_compute_the_same)
{
    enum { WORK = 400000, ROUNDS = 200 };
    Bed alone;
    Run one;
    Asker a;
    bed_init(&alone);
    Fiber *first = start(&alone, &one, "work", WORK);
    EXPECT(fiber_resume(first));
    EXPECT(!one.error);
    asker_start(&a, 30);
    for (u32 i = 0; i < ROUNDS && yields <= 20; i++)
        compute_in_turns(WORK, &one);
    asker_stop(&a);
    EXPECT(yields > 20);
    fiber_free(first);
    bed_release(&alone);
}

/* Under the smallest pieces: most questions come while C runs. */
TEST(yields_in_builtins_and_behind_host_functions)
{
    Bed b;
    Run r;
    Asker a;
    bed_init(&b);
    asker_start(&a, 100);
    Fiber *f = start(&b, &r, "call", 1);
    while (!fiber_resume(f))
        ;
    EXPECT(!r.error && r.val.i32 == 5 && yields >= b.wanted);
    fiber_free(f);
    f = start(&b, &r, "fill", 1);
    for (u32 i = 0; i < 20; i++)
        EXPECT(!fiber_resume(f));
    fiber_free(f);
    EXPECT_EQ(trap_of(r.error), TRAP_INTERRUPT);
    error_free(r.error);
    asker_stop(&a);
    bed_release(&b);
}

TEST(yields_in_what_host_functions_call)
{
    Bed b;
    Run r;
    Asker a;
    bed_init(&b);
    b.calls = true;
    asker_start(&a, 50);
    Fiber *f = start(&b, &r, "call", 1);
    while (!fiber_resume(f))
        ;
    EXPECT(!r.error && r.val.i32 == 5);
    EXPECT(b.inside > 0);
    fiber_free(f);
    asker_stop(&a);
    bed_release(&b);
}

TEST(guest_that_yielded_is_interrupted_or_freed)
{
    for (u32 round = 0; round < 4; round++) {
        Bed b;
        Run r;
        Asker a;
        bed_init(&b);
        asker_start(&a, 200);
        Fiber *f = start(&b, &r, round % 2 ? "fill" : "spin", 1);
        EXPECT(!fiber_resume(f));
        EXPECT(!fiber_resume(f));
        if (round / 2) {
            store_interrupt(b.store);
            EXPECT(fiber_resume(f));
        }
        fiber_free(f);
        EXPECT(r.done);
        EXPECT_EQ(trap_of(r.error), TRAP_INTERRUPT);
        error_free(r.error);
        asker_stop(&a);
        bed_release(&b);
    }
}

static void ask_and_interrupt(void *arg)
{
    Asker *a = arg;
    usleep(300);
    fiber_ask_to_yield(a->whom);
    store_interrupt(a->store);
}

/* The kernel keeps one such signal only, if the second comes before the first is delivered. */
TEST(interrupts_are_not_lost_among_yields)
{
    Bed b;
    Run r;
    bed_init(&b);
    for (u32 i = 0; i < 200; i++) {
        Asker a = {.whom = os_thread_id(), .store = b.store};
        Fiber *f = start(&b, &r, "spin", 1);
        fiber_set_yield(f, i % 2 ? yield : NULL);
        EXPECT(os_thread_start(&a.thread, ask_and_interrupt, &a));
        while (!fiber_resume(f))
            ;
        os_thread_join(a.thread);
        EXPECT_EQ(trap_of(r.error), TRAP_INTERRUPT);
        error_free(r.error);
        fiber_free(f);
    }
    bed_release(&b);
}

TEST(guests_that_overflow_are_asked_to_yield)
{
    Bed b;
    Run r;
    Asker a;
    bed_init(&b);
    asker_start(&a, 20);
    for (u32 i = 0; i < 200; i++) {
        Fiber *f = start(&b, &r, "overflow", 1);
        while (!fiber_resume(f))
            ;
        EXPECT_EQ(trap_of(r.error), TRAP_STACK_OVERFLOW);
        error_free(r.error);
        fiber_free(f);
    }
    asker_stop(&a);
    bed_release(&b);
}

/* A fiber without the function, the thread's own stack, no wasm at all: nothing happens. */
TEST(nobody_who_may_not_yields)
{
    Bed b;
    Run r = {0};
    Asker a;
    bed_init(&b);
    asker_start(&a, 50);
    Extern x;
    VmVal v = {.i32 = 30000};
    EXPECT(instance_export(b.instance, STR("work"), &x));
    EXPECT(!func_call(b.store, x.func, &v));
    Fiber *f = start(&b, &r, "work", 30000);
    fiber_set_yield(f, NULL);
    EXPECT(fiber_resume(f));
    EXPECT(!r.error && yields == 0);
    fiber_free(f);
    asker_stop(&a);
    bed_release(&b);
}
