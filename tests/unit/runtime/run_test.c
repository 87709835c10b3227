/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Calls, lazy compilation, traps, backtraces, unwinding, interrupts: with code written by hand. */
#include "os/thread.h"
#include "unit/runtime/fake_code.h"
#include "unit/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define FUNC(name) "(func (export \"" name "\") (type 0) (param i32 i32) (result i32) unreachable)"
#define MODULE(body) "(module (type (func (param i32 i32) (result i32))) " body ")"

static void lazy_on(CodeBacking backing)
{
    Fake f;
    fake_init(&f, backing);
    Module *m = fake_module(&f, MODULE(FUNC("callnext") FUNC("add") FUNC("keeps") FUNC("add2")));
    Store *s = fake_store(&f);
    Instance *i = fake_instance(s, m, NULL, 0);
    EXPECT_EQ(f.compiled, 0);
    EXPECT_EQ(fake_call(i, "callnext", 2, 40), 42);
    EXPECT_EQ(f.compiled, 2);
    EXPECT_EQ(fake_call(i, "callnext", 3, 40), 43);
    EXPECT_EQ(fake_call(i, "keeps", 1, 2), 1 + 2 + 10 + 11 + 3 + 12);
    EXPECT_EQ(f.compiled, 4);
    store_free(s);
    module_unref(m);
    fake_release(&f);
}

TEST(functions_are_compiled_when_first_called)
{
    lazy_on(CODE_BACKING_BEST);
    lazy_on(CODE_BACKING_MEMFD);
    lazy_on(CODE_BACKING_ANONYMOUS);
}

TEST(no_mapping_is_writable_and_executable)
{
    for (int backing = CODE_BACKING_MEMFD; backing <= CODE_BACKING_ANONYMOUS; backing++) {
        Fake f;
        fake_init(&f, (CodeBacking)backing);
        Module *m = fake_module(&f, MODULE(FUNC("callnext") FUNC("add")));
        Store *s = fake_store(&f);
        EXPECT_EQ(fake_call(fake_instance(s, m, NULL, 0), "callnext", 1, 1), 2);
        FILE *maps = fopen("/proc/self/maps", "r");
        char line[512];
        bool code = false;
        while (fgets(line, sizeof line, maps)) {
            EXPECT(!strstr(line, "rwx"));
            EXPECT(!strstr(line, "wasm-code") || !strstr(line, " rw"));
            code |= strstr(line, "wasm-code") != NULL;
        }
        EXPECT_EQ(code, backing == CODE_BACKING_MEMFD);
        fclose(maps);
        store_free(s);
        module_unref(m);
        fake_release(&f);
    }
}

TEST(traps_have_a_cause_and_a_backtrace)
{
    Fake f;
    fake_init(&f, CODE_BACKING_BEST);
    Module *m = fake_module(
        &f, "(module $shop (type (func (param i32 i32) (result i32)))"
            "(memory 1)" FUNC("callnext") FUNC("stop") FUNC("load")
                FUNC("divide") "(func $_ZN4core3fmt17h0123456789abcdefE (export \"stop2\")"
                               "(type 0) unreachable))");
    Store *s = fake_store(&f);
    Instance *i = fake_instance(s, m, NULL, 0);
    u32 body0 = module_wasm(m)->funcs[0].body.at, body1 = module_wasm(m)->funcs[1].body.at;
    char want[400];
    snprintf(want, sizeof want,
             "Error: error while executing at wasm backtrace:\n"
             "    0:     0x%x - shop!<wasm function 1>\n"
             "    1:     0x%x - shop!<wasm function 0>\n\n"
             "Caused by:\n    wasm trap: wasm `unreachable` instruction executed\n",
             body1 + 1, body0 + 2);
    EXPECT_STR(fake_call_error(i, "callnext", 0, 0), want);
    EXPECT(strstr(fake_call_error(i, "load", 65533, 0), "out of bounds memory access"));
    EXPECT(strstr(fake_call_error(i, "load", 0xffffffff, 0), "out of bounds memory access"));
    EXPECT_EQ(fake_call(i, "load", 65532, 0), 0);
    EXPECT(strstr(fake_call_error(i, "divide", 1, 0), "integer divide by zero"));
    EXPECT_EQ(fake_call(i, "divide", 84, 2), 42);
    EXPECT(strstr(fake_call_error(i, "stop2", 0, 0), "shop!core::fmt::h0123456789abcdef\n"));
    store_free(s);
    module_unref(m);
    fake_release(&f);
}

TEST(stack_overflow_is_a_trap_and_its_backtrace_is_bounded)
{
    Fake f;
    fake_init(&f, CODE_BACKING_BEST);
    Module *m = fake_module(&f, MODULE(FUNC("recurse")));
    Store *s = fake_store(&f);
    Instance *i = fake_instance(s, m, NULL, 0);
    for (int k = 0; k < 3; k++) {
        const char *text = fake_call_error(i, "recurse", 0, 0);
        EXPECT(strstr(text, "wasm trap: call stack exhausted"));
        EXPECT(strstr(text, "\n   19: ") && !strstr(text, "\n   20: "));
    }
    store_free(s);
    module_unref(m);
    fake_release(&f);
}

/* --- small stacks --- */

typedef struct SmallThread {
    Fake f;
    Module *m;
    u64 alt_bytes; /* of an alternate signal stack of its own; 0: none */
} SmallThread;

static void *run_on_small_stack(void *arg)
{
    SmallThread *t = arg;
    static u8 alt[16 << 10];
    stack_t own = {.ss_sp = alt, .ss_size = t->alt_bytes};
    if (t->alt_bytes)
        EXPECT(sigaltstack(&own, NULL) == 0);
    Store *s = fake_store(&t->f);
    Instance *i = fake_instance(s, t->m, NULL, 0);
    EXPECT_EQ(fake_call(i, "add", 1, 2), 3);
    EXPECT(strstr(fake_call_error(i, "recurse", 0, 0), "call stack exhausted"));
    EXPECT(strstr(fake_call_error(i, "load", 65536, 0), "out of bounds"));
    store_free(s);
    own.ss_flags = SS_DISABLE;
    if (t->alt_bytes) /* a sanitizer would unmap it */
        EXPECT(sigaltstack(&own, NULL) == 0);
    return NULL;
}

TEST(threads_with_small_stacks_and_small_signal_stacks)
{
    SmallThread t;
    fake_init(&t.f, CODE_BACKING_BEST);
    t.m = fake_module(&t.f, MODULE("(memory 1)" FUNC("add") FUNC("recurse") FUNC("load")));
    for (t.alt_bytes = 0; t.alt_bytes <= 16384; t.alt_bytes += 8192) {
        pthread_attr_t attr;
        pthread_t thread;
        pthread_attr_init(&attr);
        pthread_attr_setstacksize(&attr, 256 << 10); /* max_wasm_stack is twice that */
        EXPECT(pthread_create(&thread, &attr, run_on_small_stack, &t) == 0);
        pthread_join(thread, NULL);
        pthread_attr_destroy(&attr);
    }
    module_unref(t.m);
    fake_release(&t.f);
}

/* --- host functions --- */

typedef struct HostEnv {
    Instance *inner;
    const char *calls;
    u32 depth;
    int fail; /* 1: message, 2: exit */
} HostEnv;

static void host_calls(void *p, VmCtx *caller, VmVal *vals)
{
    HostEnv *env = p;
    Store *s = caller_store(caller);
    if (env->fail == 1)
        host_fail(s, error_new("host says no"));
    if (env->fail == 2)
        host_fail(s, error_new_kind(ERROR_EXIT, 7, "exit 7"));
    if (!env->calls)
        return;
    env->depth++;
    Error *e = func_call(s, fake_func(env->inner, env->calls), vals);
    if (e)
        host_fail(s, e);
}

typedef struct HostFixture {
    Fake f;
    HostEnv env;
    Store *s;
    Module *outer, *inner;
    Instance *i;
} HostFixture;

static void host_fixture(HostFixture *h, const char *calls)
{
    fake_init(&h->f, CODE_BACKING_BEST);
    h->s = fake_store(&h->f);
    h->inner = fake_module(&h->f, MODULE(FUNC("stop") FUNC("add") FUNC("spin") FUNC("recurse")));
    h->outer = fake_module(
        &h->f, MODULE("(import \"h\" \"f\" (func (type 0)))" FUNC("callnext") FUNC("import0")));
    EXPECT_EQ(module_layout(h->outer)->func_imports, 48);
    h->env = (HostEnv){.inner = fake_instance(h->s, h->inner, NULL, 0), .calls = calls};
    Extern import = {.kind = EXTERN_FUNC, .func = fake_host(&h->f, h->s, host_calls, &h->env)};
    h->i = fake_instance(h->s, h->outer, &import, 1);
}

static void host_release(HostFixture *h)
{
    store_free(h->s);
    module_unref(h->inner);
    module_unref(h->outer);
    fake_release(&h->f);
}

TEST(host_functions_call_back_into_wasm)
{
    HostFixture h;
    host_fixture(&h, "add");
    EXPECT_EQ(fake_call(h.i, "callnext", 20, 22), 42);
    EXPECT_EQ(h.env.depth, 1);
    host_release(&h);
}

TEST(traps_cross_host_frames_with_one_backtrace)
{
    HostFixture h;
    host_fixture(&h, "stop");
    for (int k = 0; k < 3; k++) {
        const char *text = fake_call_error(h.i, "callnext", 0, 0);
        EXPECT(strstr(text, "    0: ") && strstr(text, "!<wasm function 0>\n    1: "));
        EXPECT(strstr(text, "    1: ") && strstr(text, "!<wasm function 2>\n    2: "));
        EXPECT(strstr(text, "!<wasm function 1>\n\nCaused by:\n    wasm trap: wasm `unreach"));
    }
    host_release(&h);
}

TEST(errors_and_exits_of_host_functions_leave_wasm)
{
    HostFixture h;
    host_fixture(&h, NULL);
    h.env.fail = 1;
    const char *text = fake_call_error(h.i, "callnext", 0, 0);
    EXPECT(strstr(text, "backtrace:\n    0: ") && strstr(text, "Caused by:\n    host says no\n"));
    h.env.fail = 2;
    EXPECT_STR(fake_call_error(h.i, "callnext", 0, 0), "Error: exit 7\n");
    h.env.fail = 0;
    EXPECT_EQ(fake_call(h.i, "callnext", 5, 0), 5);
    host_release(&h);
}

TEST(stack_overflow_counts_through_host_frames)
{
    HostFixture h;
    host_fixture(&h, "recurse");
    EXPECT(strstr(fake_call_error(h.i, "callnext", 0, 0), "call stack exhausted"));
    host_release(&h);
}

/* --- interrupts --- */

/* Under ThreadSanitizer sent signals wait for the next system call, which loops do not make. */
static void need_prompt_signals(void)
{
#ifdef __SANITIZE_THREAD__
    test_skip("signals are not delivered promptly under ThreadSanitizer");
#endif
}

static void interrupt_soon(void *arg)
{
    usleep(20000);
    store_interrupt(arg);
}

TEST(an_interrupt_ends_the_inner_loop_of_a_nested_call)
{
    need_prompt_signals();
    HostFixture h;
    host_fixture(&h, "spin");
    OsThread t;
    EXPECT(os_thread_start(&t, interrupt_soon, h.s));
    EXPECT(strstr(fake_call_error(h.i, "callnext", 0, 0), "wasm trap: interrupt"));
    os_thread_join(t);
    host_release(&h);
}

typedef struct Spin {
    Instance *i;
    bool interrupted;
} Spin;

static void spin_in_thread(void *arg)
{
    Spin *s = arg;
    s->interrupted = strstr(fake_call_error(s->i, "spin", 0, 0), "wasm trap: interrupt");
}

TEST(interrupts_end_what_threads_of_ours_run)
{
    need_prompt_signals();
    Fake f;
    fake_init(&f, CODE_BACKING_BEST);
    Module *m = fake_module(&f, MODULE(FUNC("spin")));
    Store *s = fake_store(&f);
    Spin spin = {fake_instance(s, m, NULL, 0), false};
    OsThread t;
    EXPECT(os_thread_start(&t, spin_in_thread, &spin));
    interrupt_soon(s);
    os_thread_join(t);
    EXPECT(spin.interrupted);
    store_free(s);
    module_unref(m);
    fake_release(&f);
}

static Store *alarmed;
static void on_alarm(int sig)
{
    (void)sig;
    store_interrupt(alarmed);
}

TEST(interrupts_end_loops_and_calls_from_handlers)
{
    need_prompt_signals();
    Fake f;
    fake_init(&f, CODE_BACKING_BEST);
    Module *m = fake_module(&f, MODULE(FUNC("spin") FUNC("add")));
    Store *s = fake_store(&f);
    Instance *i = fake_instance(s, m, NULL, 0);
    for (int k = 0; k < 5; k++) {
        OsThread t;
        EXPECT(os_thread_start(&t, interrupt_soon, s));
        EXPECT(strstr(fake_call_error(i, "spin", 0, 0), "wasm trap: interrupt"));
        os_thread_join(t);
        EXPECT_EQ(fake_call(i, "add", 1, 2), 3);
    }
    alarmed = s;
    signal(SIGALRM, on_alarm);
    ualarm(10000, 0);
    EXPECT(strstr(fake_call_error(i, "spin", 0, 0), "wasm trap: interrupt"));
    store_interrupt(s); /* not running: the next call is meant */
    EXPECT(strstr(fake_call_error(i, "add", 0, 0), "wasm trap: interrupt"));
    EXPECT_EQ(fake_call(i, "add", 1, 2), 3);
    store_free(s);
    module_unref(m);
    fake_release(&f);
}

static void host_waits(void *env, VmCtx *caller, VmVal *vals)
{
    (void)caller;
    (void)vals;
    *(int *)env = usleep(10000000); /* ends with EINTR */
}

TEST(interrupts_end_host_functions_that_wait)
{
    HostFixture h;
    host_fixture(&h, NULL);
    int waited = 0;
    Extern import = {.kind = EXTERN_FUNC, .func = fake_host(&h.f, h.s, host_waits, &waited)};
    Instance *i = fake_instance(h.s, h.outer, &import, 1);
    OsThread t;
    EXPECT(os_thread_start(&t, interrupt_soon, h.s));
    EXPECT(strstr(fake_call_error(i, "callnext", 0, 0), "wasm trap: interrupt"));
    os_thread_join(t);
    EXPECT_EQ(waited, -1);
    host_release(&h);
}

/* --- what is no trap --- */

static void wild_access(void)
{
    Fake f;
    fake_init(&f, CODE_BACKING_BEST);
    Module *m = fake_module(&f, MODULE("(memory 1)" FUNC("wild")));
    Store *s = fake_store(&f);
    signal(SIGSEGV, SIG_DFL);
    fake_call_error(fake_instance(s, m, NULL, 0), "wild", 0, 0);
}

static void host_crash(void *env, VmCtx *caller, VmVal *vals)
{
    (void)caller;
    (void)vals;
    *(volatile u8 *)env = 1;
}

static void crash_in_host(void)
{
    HostFixture h;
    host_fixture(&h, NULL);
    signal(SIGSEGV, SIG_DFL);
    Extern import = {.kind = EXTERN_FUNC, .func = fake_host(&h.f, h.s, host_crash, (void *)64)};
    fake_call_error(fake_instance(h.s, h.outer, &import, 1), "callnext", 0, 0);
}

static int in_child(void (*body)(void))
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        body();
        _exit(0);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST(faults_outside_of_wasm_stay_crashes)
{
    EXPECT_EQ(in_child(wild_access), 128 + SIGSEGV);
    EXPECT_EQ(in_child(crash_in_host), 128 + SIGSEGV);
}

/* --- threads --- */

typedef struct Shared {
    Fake *f;
    Module *m;
} Shared;

static void call_on_thread(void *arg)
{
    Shared *sh = arg;
    Store *s = fake_store(sh->f);
    Instance *i = fake_instance(s, sh->m, NULL, 0);
    EXPECT_EQ(fake_call(i, "callnext", 2, 40), 42);
    EXPECT(strstr(fake_call_error(i, "stop", 0, 0), "unreachable"));
    store_free(s);
}

TEST(threads_share_a_module_that_nobody_compiled)
{
    for (int round = 0; round < 20; round++) {
        Fake f;
        fake_init(&f, CODE_BACKING_BEST);
        Shared sh = {&f, fake_module(&f, MODULE(FUNC("callnext") FUNC("add") FUNC("stop")))};
        OsThread t[4];
        for (u32 k = 0; k < 4; k++)
            EXPECT(os_thread_start(&t[k], call_on_thread, &sh));
        for (u32 k = 0; k < 4; k++)
            os_thread_join(t[k]);
        EXPECT_EQ(f.compiled, 3);
        module_unref(sh.m);
        fake_release(&f);
    }
}
