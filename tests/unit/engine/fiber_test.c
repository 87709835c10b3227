/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Fibers: switches, calls into wasm on them, traps, interrupts, stacks. */
#include "runtime/fiber.h"

#include "base/buf.h"
#include "os/thread.h"
#include "os/time.h"
#include "unit/compile/harness.h"
#include "wasm/text/text.h"

#include <stdio.h>
#include <xmmintrin.h>

/* --- without wasm --- */

typedef struct Counter {
    u32 n, rounds;
    bool stopped;
    double sum;
} Counter;

static void count(void *arg)
{
    Counter *c = arg;
    double sum = 0;
    for (; c->n < c->rounds; c->n++) {
        sum += 0.5;
        if (fiber_suspend()) {
            c->stopped = true;
            break;
        }
    }
    c->sum = sum;
}

TEST(fiber_suspends_and_goes_on)
{
    Counter c = {.rounds = 3};
    EXPECT(!fiber_current());
    Fiber *f = fiber_new(0, count, &c);
    EXPECT_EQ(c.n, 0);
    for (u32 i = 0; i < 3; i++) {
        EXPECT(!fiber_resume(f));
        EXPECT_EQ(c.n, i);
        EXPECT(!fiber_current());
    }
    EXPECT(fiber_resume(f));
    EXPECT(!c.stopped && c.sum == 1.5);
    fiber_free(f);
    fiber_free(NULL);
}

TEST(fiber_freed_while_suspended_runs_to_its_end)
{
    Counter c = {.rounds = 3}, never = {.rounds = 3};
    Fiber *f = fiber_new(0, count, &c), *g = fiber_new(0, count, &never);
    EXPECT(!fiber_resume(f));
    fiber_free(f);
    fiber_free(g); /* was never resumed: does not start */
    EXPECT(c.stopped && !never.stopped);
    EXPECT_EQ(c.n, 0);
}

TEST(fibers_by_the_thousand)
{
    enum { N = 3000, ROUNDS = 5 };
    static Counter counters[N];
    static Fiber *fibers[N];
    for (u32 again = 0; again < 2; again++) {
        for (u32 i = 0; i < N; i++) {
            counters[i] = (Counter){.rounds = ROUNDS};
            fibers[i] = fiber_new(0, count, &counters[i]);
            EXPECT(fibers[i] != NULL);
        }
        for (u32 r = 0; r <= ROUNDS; r++)
            for (u32 i = 0; i < N; i++)
                EXPECT(fiber_resume(fibers[i]) == (r == ROUNDS));
        for (u32 i = 0; i < N; i++)
            fiber_free(fibers[i]);
    }
    fiber_release_stacks();
}

static void nest(void *arg)
{
    u32 *depth = arg;
    if (--*depth > 0) {
        Fiber *self = fiber_current();
        Fiber *f = fiber_new(0, nest, depth);
        while (!fiber_resume(f))
            EXPECT(fiber_current() == self);
        fiber_free(f);
        EXPECT(fiber_current() == self);
    }
    EXPECT(!fiber_suspend());
}

TEST(fibers_resume_fibers)
{
    u32 depth = 20;
    Fiber *f = fiber_new(0, nest, &depth);
    EXPECT(!fiber_resume(f));
    EXPECT_EQ(depth, 0);
    EXPECT(fiber_resume(f));
    fiber_free(f);
}

static void round_down(void *arg)
{
    u32 *seen = arg;
    _mm_setcsr((_mm_getcsr() & ~(u32)_MM_ROUND_MASK) | _MM_ROUND_DOWN);
    EXPECT(!fiber_suspend());
    *seen = _mm_getcsr() & _MM_ROUND_MASK;
}

TEST(fiber_keeps_how_the_cpu_rounds)
{
    u32 seen = 0;
    Fiber *f = fiber_new(0, round_down, &seen);
    EXPECT(!fiber_resume(f));
    EXPECT_EQ(_mm_getcsr() & _MM_ROUND_MASK, _MM_ROUND_NEAREST);
    EXPECT(fiber_resume(f));
    EXPECT_EQ(_mm_getcsr() & _MM_ROUND_MASK, _MM_ROUND_NEAREST);
    EXPECT_EQ(seen, _MM_ROUND_DOWN);
    fiber_free(f);
}

static void other_thread(void *arg)
{
    Counter *c = arg;
    Fiber *f = fiber_new(0, count, c);
    while (!fiber_resume(f))
        ;
    fiber_free(f);
    fiber_release_stacks();
}

TEST(fibers_of_several_threads)
{
    Counter c[4];
    OsThread t[4];
    for (u32 i = 0; i < 4; i++) {
        c[i] = (Counter){.rounds = 10000};
        EXPECT(os_thread_start(&t[i], other_thread, &c[i]));
    }
    for (u32 i = 0; i < 4; i++) {
        os_thread_join(t[i]);
        EXPECT_EQ(c[i].n, 10000);
    }
}

/* --- with wasm --- */

static const char program[] =
    "(module $m (import \"h\" \"wait\" (func $wait (param i32) (result i32)))"
    "(import \"h\" \"again\" (func $again (param i32) (result i32)))"
    "(func $sum (export \"sum\") (param i32) (result i32) (local i32)"
    "  (loop (local.set 1 (i32.add (local.get 1) (call $wait (local.get 0))))"
    "    (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))"
    "  (local.get 1))"
    "(func $deep (export \"deep\") (param i32) (result i32)"
    "  (if (result i32) (local.get 0)"
    "    (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))"
    "    (else (call $wait (i32.const 7)))))"
    "(func $forever (export \"forever\") (param i32) (result i32)"
    "  (i32.add (i32.const 1) (call $forever (local.get 0))))"
    "(func $oops (export \"oops\") (param i32) (result i32) (drop (call $wait (i32.const 1)))"
    "  unreachable)"
    "(func (export \"spin\") (param i32) (result i32) (loop (br 0)) unreachable)"
    "(func (export \"down\") (param i32) (result i32) (call $again (local.get 0))))";

typedef struct Bed {
    Engine *engine;
    Store *store;
    Module *module;
    Instance *instance;
} Bed;

typedef struct Run {
    Bed *bed;
    const char *name;
    VmVal val;
    Error *error;
    bool done;
} Run;

/* Gives its argument back, later. */
static u32 host_wait(void *env, VmCtx *caller, u32 v)
{
    (void)caller;
    if (fiber_suspend())
        host_fail(((Bed *)env)->store, error_new("cut off"));
    return v;
}

/* host to wasm to host: `down` n times, and then a trap behind a wait. */
static u32 host_again(void *env, VmCtx *caller, u32 n)
{
    (void)caller;
    Bed *b = env;
    Extern x;
    EXPECT(instance_export(b->instance, n ? STR("down") : STR("oops"), &x));
    VmVal v = {.i32 = (i32)n - 1};
    Error *e = func_call(b->store, x.func, &v);
    if (e)
        host_fail(b->store, e);
    return (u32)v.i32;
}

static void run(void *arg)
{
    Run *r = arg;
    Extern x;
    EXPECT(instance_export(r->bed->instance, str_of(r->name), &x));
    r->error = func_call(r->bed->store, x.func, &r->val);
    r->done = true;
}

static Bed bed_new(void)
{
    static const ValType i32s[] = {VT_I32};
    static Bed b; /* host functions point to it */
    EngineConfig c;
    engine_config_init(&c);
    if (engine_new(&c, &b.engine))
        test_skip("no such processor");
    EXPECT(!engine_store_new(b.engine, &b.store));
    Buf bin = {0};
    Diag d;
    diag_init(&d);
    EXPECT(text_parse_module(str_of(program), &(TextOptions){0}, &bin, NULL, &d));
    EXPECT(!engine_module_new(b.engine, bin.p, bin.n, NULL, &b.module));
    buf_release(&bin);
    u32 type = types_add_func(engine_types(b.engine), i32s, 1, i32s, 1);
    Extern imports[2] = {{.kind = EXTERN_FUNC}, {.kind = EXTERN_FUNC}};
    EXPECT(!store_host_func(b.store, type, true, (void *)host_wait, &b, &imports[0].func));
    EXPECT(!store_host_func(b.store, type, true, (void *)host_again, &b, &imports[1].func));
    types_unref(engine_types(b.engine), type);
    EXPECT(!instance_new(b.store, b.module, imports, 2, &b.instance));
    return b;
}

static void bed_free(Bed *b)
{
    store_free(b->store);
    module_unref(b->module);
    engine_free(b->engine);
}

static Fiber *start(Bed *b, Run *r, const char *name, i32 param)
{
    *r = (Run){.bed = b, .name = name, .val = {.i32 = param}};
    Fiber *f = fiber_new(0, run, r);
    EXPECT(f != NULL);
    return f;
}

static int trap_of(const Error *e)
{
    const Error *t = error_find(e, ERROR_TRAP);
    return t ? t->value : -1;
}

TEST(fibers_in_one_store_go_on_in_any_order)
{
    enum { N = 50 };
    Bed b = bed_new();
    Run r[N];
    Fiber *f[N];
    for (u32 i = 0; i < N; i++) {
        f[i] = start(&b, &r[i], "sum", (i32)i + 1);
        EXPECT(!fiber_resume(f[i]));
    }
    for (u32 left = N, at = 0; left > 0; at = (at + 37) % N)
        if (!r[at].done && fiber_resume(f[at]))
            left--;
    for (u32 i = 0; i < N; i++) {
        EXPECT(!r[i].error);
        EXPECT_EQ(r[i].val.i32, (i + 1) * (i + 2) / 2);
        fiber_free(f[i]);
    }
    bed_free(&b);
}

TEST(fiber_stack_overflow_is_a_trap)
{
    Bed b = bed_new();
    Run r, other;
    Fiber *g = start(&b, &other, "deep", 1000);
    EXPECT(!fiber_resume(g));
    Fiber *f = start(&b, &r, "forever", 0);
    EXPECT(fiber_resume(f));
    EXPECT_EQ(trap_of(r.error), TRAP_STACK_OVERFLOW);
    error_free(r.error);
    fiber_free(f);
    EXPECT(fiber_resume(g)); /* unharmed */
    EXPECT(!other.error);
    EXPECT_EQ(other.val.i32, 1007);
    fiber_free(g);
    bed_free(&b);
}

/* The number of lines that have the text. */
static u32 lines_with(const Error *e, const char *text)
{
    Buf b = {0};
    error_format(e, &b);
    buf_u8(&b, 0);
    u32 n = 0;
    for (const char *p = (const char *)b.p; (p = strstr(p, text)); p++)
        n++;
    buf_release(&b);
    return n;
}

TEST(fiber_trap_unwinds_that_fiber_only)
{
    Bed b = bed_new();
    Run r, other;
    Fiber *f = start(&b, &r, "down", 2), *g = start(&b, &other, "sum", 3);
    EXPECT(!fiber_resume(f)); /* wasm, host, wasm, host, wasm, host, wasm: in a wait */
    EXPECT(!fiber_resume(g));
    EXPECT(fiber_resume(f));
    EXPECT_EQ(trap_of(r.error), TRAP_UNREACHABLE);
    EXPECT_EQ(lines_with(r.error, "m!<wasm function"), 3); /* "down" has no name */
    EXPECT_EQ(lines_with(r.error, "m!oops"), 1);
    EXPECT_EQ(lines_with(r.error, "m!sum"), 0);
    error_free(r.error);
    while (!fiber_resume(g))
        ;
    EXPECT(!other.error);
    EXPECT_EQ(other.val.i32, 6);
    fiber_free(f);
    fiber_free(g);
    bed_free(&b);
}

TEST(fiber_freed_inside_wasm_is_unwound)
{
    Bed b = bed_new();
    Run r;
    Fiber *f = start(&b, &r, "down", 3);
    EXPECT(!fiber_resume(f));
    fiber_free(f);
    EXPECT(r.done);
    EXPECT_EQ(lines_with(r.error, "cut off"), 1);
    error_free(r.error);
    bed_free(&b);
}

TEST(fiber_of_an_interrupted_store_is_left_when_resumed)
{
    Bed b = bed_new();
    Run r;
    Fiber *f = start(&b, &r, "sum", 5);
    EXPECT(!fiber_resume(f));
    store_interrupt(b.store);
    EXPECT(fiber_resume(f));
    EXPECT_EQ(trap_of(r.error), TRAP_INTERRUPT);
    error_free(r.error);
    fiber_free(f);
    bed_free(&b);
}

static void interrupt_soon(void *arg)
{
    u64 end = os_monotonic_ns() + 20000000;
    while (os_monotonic_ns() < end)
        ;
    store_interrupt(arg);
}

TEST(fiber_that_computes_is_interrupted)
{
#ifdef __SANITIZE_THREAD__
    test_skip("signals are not delivered promptly under ThreadSanitizer");
#endif
    Bed b = bed_new();
    Run r;
    OsThread t;
    Fiber *f = start(&b, &r, "spin", 0);
    EXPECT(os_thread_start(&t, interrupt_soon, b.store));
    EXPECT(fiber_resume(f));
    EXPECT_EQ(trap_of(r.error), TRAP_INTERRUPT);
    os_thread_join(t);
    error_free(r.error);
    fiber_free(f);
    bed_free(&b);
}

/* Each works near the end of its part of the stack while others wait deep in theirs. */
TEST(fibers_wait_deep_in_recursion)
{
    enum { N = 40, DEPTH = 4000 };
    Bed b = bed_new();
    Run r[N];
    Fiber *f[N];
    for (u32 i = 0; i < N; i++) {
        f[i] = start(&b, &r[i], "deep", DEPTH + (i32)i);
        EXPECT(!fiber_resume(f[i]));
    }
    for (u32 i = N; i-- > 0;) {
        EXPECT(fiber_resume(f[i]));
        EXPECT(!r[i].error);
        EXPECT_EQ(r[i].val.i32, DEPTH + i + 7);
        fiber_free(f[i]);
    }
    bed_free(&b);
}

static void use_stack(void *arg)
{
    volatile u8 deep[3 << 20];
    for (usize i = 0; i < sizeof deep; i += 4096)
        deep[i] = 1;
    *(bool *)arg = deep[4096] == 1;
}

TEST(fiber_stacks_of_other_sizes)
{
    bool used = false;
    for (u32 i = 0; i < 3; i++) {
        Counter c = {.rounds = 0};
        Fiber *small = fiber_new(0, count, &c), *large = fiber_new(4 << 20, use_stack, &used);
        used = false;
        EXPECT(fiber_resume(large) && used);
        EXPECT(fiber_resume(small));
        fiber_free(i % 2 ? small : large);
        fiber_free(i % 2 ? large : small);
    }
    fiber_release_stacks();
}
