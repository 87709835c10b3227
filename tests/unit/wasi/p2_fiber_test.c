/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Components that wait on fibers of one thread: sockets, polls, output; cut off and interrupted. */
#include "component/instance.h"
#include "os/time.h"
#include "runtime/fiber.h"
#include "unit/test.h"
#include "wasi/loop.h"
#include "wasi/p2/p2.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define GUEST "tests/cli/data/component-sockets.wasm"

typedef struct Bed {
    Engine *engine;
    LoadedComponent *component;
    EngineConfig config;
} Bed;

typedef struct Guest {
    Bed *bed;
    const char *args[3];
    int out;
    Store *store;
    Error *error;
    bool ended, done;
} Guest;

static Bed bed_new(void)
{
    Bed b = {0};
    engine_config_init(&b.config);
    if (engine_new(&b.config, &b.engine))
        test_skip("no such processor");
    int fd = open(GUEST, O_RDONLY);
    if (fd < 0)
        test_skip("no " GUEST " from here");
    struct stat st;
    EXPECT(fstat(fd, &st) == 0);
    u8 *p = mem_alloc((usize)st.st_size);
    EXPECT_EQ(read(fd, p, (usize)st.st_size), st.st_size);
    close(fd);
    ComponentOptions o = {.features = b.config.features,
                          .component_features = component_features_default()};
    EXPECT(!component_load(b.engine, &o, p, (usize)st.st_size, NULL, &b.component));
    mem_free(p);
    return b;
}

static void bed_free(Bed *b)
{
    component_unref(b->component);
    engine_free(b->engine);
    wasi_loop_release();
    fiber_release_stacks();
}

static Error *call_run(ComponentInstance *i)
{
    ComponentItem instance, f;
    EXPECT(items_find(component_exports(i), STR("wasi:cli/run@0.2.12"), &instance));
    EXPECT(items_find(instance.instance, STR("run"), &f));
    Arena arena;
    arena_init(&arena);
    ComponentVal result = {0};
    Error *e = component_call(f.func, NULL, &arena, &result);
    arena_release(&arena);
    return e;
}

/* WasiTaskFn */
static void run_guest(void *arg)
{
    Guest *g = arg;
    WasiCtx *ctx = wasi_ctx_new();
    ComponentLinker *l = component_linker_new();
    ComponentInstance *i = NULL;
    wasi_ctx_network(ctx, (WasiNetwork){.tcp = true, .udp = true, .addresses = true});
    wasi_ctx_stdio(ctx, WASI_STDOUT, g->out);
    for (u32 n = 0; n < ARRAY_LEN(g->args) && g->args[n]; n++)
        EXPECT(!wasi_ctx_arg(ctx, str_of(g->args[n])));
    EXPECT(!engine_store_new(g->bed->engine, &g->store));
    WasiP2 *p2 = wasi_p2_new(ctx, g->store);
    EXPECT(!wasi_p2_link(l, p2));
    EXPECT(!component_instance_new(g->store, g->bed->component, l, &i));
    g->error = call_run(i);
    g->ended = true;
    Store *s = g->store;
    g->store = NULL;
    store_free(s);
    wasi_p2_detach(p2);
    component_instance_free(i);
    component_linker_free(l);
    wasi_p2_free(p2);
    wasi_ctx_free(ctx);
}

static void guest_done(void *arg)
{
    ((Guest *)arg)->done = true;
}

/* --- the guest's own peers --- */

TEST(p2_guests_on_fibers_use_sockets)
{
    enum { N = 12 };
    Bed b = bed_new();
    static Guest g[N];
    int out = open("/dev/null", O_WRONLY);
    for (u32 i = 0; i < N; i++) {
        g[i] = (Guest){.bed = &b, .args = {"guest", i % 2 ? "udp4" : "tcp4"}, .out = out};
        EXPECT(wasi_task_new(wasi_loop(), run_guest, guest_done, &g[i]) != NULL);
    }
    wasi_loop_run(wasi_loop());
    for (u32 i = 0; i < N; i++)
        EXPECT(g[i].done && g[i].ended && !g[i].error);
    close(out);
    bed_free(&b);
}

/* --- a guest whose output nobody takes --- */

static void stop_task(void *arg)
{
    wasi_task_stop(arg);
}

typedef struct Later {
    u64 when;
    void (*fn)(void *arg);
    void *arg;
} Later;

/* WasiTaskFn: does something in a while. */
static void later(void *arg)
{
    Later *l = arg;
    WasiWait w = wasi_wait_time(l->when);
    EXPECT(wasi_wait(NULL, &w, 1, UINT64_MAX));
    l->fn(l->arg);
}

static void nothing(void *arg)
{
    (void)arg;
}

static Guest blocked(Bed *b, int p[2])
{
    EXPECT(pipe(p) == 0);
    static u8 zeroes[4096];
    fcntl(p[1], F_SETFL, O_NONBLOCK);
    while (write(p[1], zeroes, sizeof zeroes) > 0)
        ;
    fcntl(p[1], F_SETFL, 0); /* a write would block the thread */
    return (Guest){.bed = b, .args = {"guest", "udp4"}, .out = p[1]};
}

static void unblock(Guest *g, int p[2])
{
    wasi_loop_forget(g->out);
    close(p[0]);
    close(p[1]);
}

TEST(p2_guest_that_waits_is_cut_off)
{
    Bed b = bed_new();
    int p[2];
    Guest g = blocked(&b, p);
    WasiTask *t = wasi_task_new(wasi_loop(), run_guest, guest_done, &g);
    Later l = {os_monotonic_ns() + 50000000, stop_task, t};
    EXPECT(wasi_task_new(wasi_loop(), later, nothing, &l) != NULL);
    wasi_loop_run(wasi_loop());
    EXPECT(g.done && g.ended);
    const Error *trap = error_find(g.error, ERROR_TRAP);
    EXPECT(trap && trap->value == TRAP_INTERRUPT);
    error_free(g.error);
    unblock(&g, p);
    bed_free(&b);
}

static void interrupt_guest(void *arg)
{
    store_interrupt(((Guest *)arg)->store);
    wasi_loop_poke(wasi_loop());
}

TEST(p2_guest_that_waits_is_interrupted)
{
    Bed b = bed_new();
    int p[2];
    Guest g = blocked(&b, p);
    EXPECT(wasi_task_new(wasi_loop(), run_guest, guest_done, &g) != NULL);
    Later l = {os_monotonic_ns() + 50000000, interrupt_guest, &g};
    EXPECT(wasi_task_new(wasi_loop(), later, nothing, &l) != NULL);
    wasi_loop_run(wasi_loop());
    EXPECT(g.done && g.ended);
    const Error *trap = error_find(g.error, ERROR_TRAP);
    EXPECT(trap && trap->value == TRAP_INTERRUPT);
    error_free(g.error);
    unblock(&g, p);
    bed_free(&b);
}
