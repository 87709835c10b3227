/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Requests without a socket: take a slot, call an export, give it back.
 *
 *   bench-slots                            components of our own: nothing, k pages written, growth
 *   bench-slots COMPONENT.wasm [EXPORT]    wasi:cli/run or the export, in a world of WASI without
 *                                          anything in it
 *   bench-slots loop TIMES COMPONENT.wasm  only that, for strace and perf
 *   bench-slots idle TIMES [COMPONENT]     what an idle slot weighs, before and after requests
 *   bench-slots http COMPONENT.wasm        a request of wasi:http on a fiber: taken, handled,
 * given; its time, page faults and system calls, which a tracing parent counts
 *
 * RESERVATION=BYTES in the environment: less than 4 GiB makes memories checked instead of guarded;
 * EXACT=1: compared with the exact length.
 */
#include "component/slot.h"
#include "runtime/fiber.h"
#include "wasi/http/http.h"
#include "wit/text/ctext.h"

#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static u64 now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

static u64 faults(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (u64)u.ru_minflt;
}

/* Resident memory and what of it is not a mapped file, in KiB. */
static u64 rss_kib(const char *what)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    u64 kib = 0;
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, what, strlen(what)) == 0)
            kib = strtoull(line + strlen(what), NULL, 10);
    if (f)
        fclose(f);
    return kib;
}

/* Resident memory of the heap, as far as it is not mapped apart. */
static u64 heap_kib(void)
{
    FILE *f = fopen("/proc/self/smaps", "r");
    char line[512];
    bool inside = false;
    u64 kib = 0;
    while (f && fgets(line, sizeof line, f)) {
        if (strchr(line, '-') && strstr(line, " rw-p "))
            inside = strstr(line, "[heap]");
        else if (inside && strncmp(line, "Rss:", 4) == 0)
            kib += strtoull(line + 4, NULL, 10);
    }
    if (f)
        fclose(f);
    return kib;
}

static void check(Error *e)
{
    if (!e)
        return;
    Buf text = {0};
    error_format(e, &text);
    fprintf(stderr, "%.*s", (int)text.n, (const char *)text.p);
    exit(1);
}

/* --- the host: WASI, with nothing in it --- */

typedef struct Host {
    WasiCtx *ctx;
    WasiP2 *p2;
} Host;

/* `arg`: the host that was linked. */
static Error *host_new(void *arg, Store *s, SlotHost *ret_host)
{
    Host *h = mem_alloc(sizeof *h);
    h->ctx = wasi_ctx_new();
    h->p2 = wasi_p2_new_like(arg, h->ctx, s);
    *ret_host = (SlotHost){h, h->p2};
    return NULL;
}

static bool host_reset(void *host)
{
    wasi_p2_reset(((Host *)host)->p2);
    return true;
}

static void host_free(void *host)
{
    Host *h = host;
    wasi_p2_free(h->p2);
    wasi_ctx_free(h->ctx);
    mem_free(h);
}

/* --- the bed --- */

typedef struct Bed {
    Engine *engine;
    SlotConfig config;
    SlotPool *pool;
    ComponentLinker *linker;
    WasiCtx *ctx;
    WasiP2 *p2; /* that is linked */
} Bed;

static void link_wasi(Bed *b)
{
    WasiHttpOptions http = wasi_http_options_default();
    b->linker = component_linker_new();
    b->ctx = wasi_ctx_new();
    b->p2 = wasi_p2_new(b->ctx, NULL);
    check(wasi_p2_link(b->linker, b->p2));
    check(wasi_p2_link_http(b->linker, b->p2, &http));
}

static void bed_init(Bed *b, const u8 *p, usize n)
{
    *b = (Bed){0};
    link_wasi(b);
    EngineConfig c;
    engine_config_init(&c);
    const char *reservation = getenv("RESERVATION");
    if (reservation)
        c.tunables.memory_reservation = strtoull(reservation, NULL, 0);
    c.tunables.signal_traps = !getenv("EXACT");
    check(engine_new(&c, &b->engine));
    ComponentOptions o = {.features = c.features,
                          .component_features = component_features_default()};
    b->config = (SlotConfig){.engine = b->engine,
                             .linker = b->linker,
                             .max_idle = 100000,
                             .host_new = host_new,
                             .host_reset = host_reset,
                             .host_free = host_free,
                             .arg = b->p2};
    slot_options_init(&b->config.options);
    check(component_load(b->engine, &o, p, n, NULL, &b->config.component));
    b->pool = slot_pool_new(&b->config);
}

static void bed_release(Bed *b)
{
    slot_pool_free(b->pool);
    component_unref(b->config.component);
    component_linker_free(b->linker);
    wasi_p2_free(b->p2);
    wasi_ctx_free(b->ctx);
    engine_free(b->engine);
    fiber_release_stacks();
}

/* "name", or "instance#name" with any version behind the instance's. */
static ComponentFunc *find(const ComponentItems *items, Str name)
{
    for (u32 i = 0; i < items_count(items); i++) {
        ComponentItem item = items_nth(items, i);
        if (item.sort == SORT_FUNC && str_eq(items_name(items, i), name))
            return item.func;
        ComponentFunc *f = item.sort == SORT_INSTANCE ? find(item.instance, name) : NULL;
        if (f)
            return f;
    }
    return NULL;
}

static void request(Bed *b, Str name, u64 arg)
{
    Slot *s = NULL;
    check(slot_take(b->pool, &s));
    ComponentFunc *f = find(component_exports(slot_instance(s)), name);
    if (!f) {
        fprintf(stderr, "no export %.*s\n", STR_ARG(name));
        exit(1);
    }
    ComponentVal param = {.kind = CT_U32, .bits = arg}, result = {0};
    Arena arena;
    arena_init(&arena);
    check(component_call(f, &param, &arena, &result));
    arena_release(&arena);
    slot_give(s);
}

static void measure(Bed *b, const char *what, const char *export, u64 arg)
{
    enum { ROUNDS = 400, TIMES = 100 };
    Str name = str_of(export);
    double best = 1e12;
    for (u32 i = 0; i < TIMES; i++)
        request(b, name, arg);
    u64 before = faults();
    for (u32 round = 0; round < ROUNDS; round++) {
        u64 start = now_ns();
        for (u32 i = 0; i < TIMES; i++)
            request(b, name, arg);
        best = MIN(best, (double)(now_ns() - start) / TIMES);
    }
    SlotStats stats;
    slot_pool_stats(b->pool, &stats);
    printf("%-28s %8.0f ns  %.3f faults  %llu made%s\n", what, best,
           (double)(faults() - before) / (ROUNDS * TIMES), (unsigned long long)stats.made,
           stats.anew ? ", anew each time" : "");
}

/* --- a request of wasi:http --- */

/* What a connection would get. */
typedef struct Answer {
    Bed *bed;
    u32 status;
    u64 bytes;
    bool ended;
} Answer;

static HttpRead peer_read(void *user, Str *ret_data)
{
    (void)user, (void)ret_data;
    return HTTP_READ_END;
}

static void peer_consume(void *user, usize n)
{
    (void)user, (void)n;
}

static const HttpFields *peer_trailers(void *user, const u8 **ret_bytes)
{
    (void)user, (void)ret_bytes;
    return NULL;
}

static const char *peer_start(void *user, const HttpResponseHead *h)
{
    ((Answer *)user)->status = h->status;
    return NULL;
}

static usize peer_space(void *user)
{
    (void)user;
    return 1 << 20;
}

static bool peer_write(void *user, const void *p, usize n)
{
    (void)p;
    ((Answer *)user)->bytes += n;
    return true;
}

static void peer_flush(void *user)
{
    (void)user;
}

static void peer_end(void *user, const HttpPair *trailers, u32 n_trailers)
{
    (void)trailers, (void)n_trailers;
    ((Answer *)user)->ended = true;
}

static void peer_abort(void *user)
{
    (void)user;
}

static void peer_fail(void *user, const char *why)
{
    (void)user;
    fprintf(stderr, "the guest failed: %s\n", why);
}

static const WasiHttpPeer peer = {.read = peer_read,
                                  .consume = peer_consume,
                                  .trailers = peer_trailers,
                                  .start = peer_start,
                                  .space = peer_space,
                                  .write = peer_write,
                                  .flush = peer_flush,
                                  .end = peer_end,
                                  .abort = peer_abort,
                                  .fail = peer_fail};

static void handle(Slot *s, Answer *a)
{
    static const HttpPair fields[] = {{{"host", 4}, {"localhost:8080", 14}},
                                      {{"user-agent", 10}, {"bench", 5}},
                                      {{"accept", 6}, {"*/*", 3}}};
    WasiHttpCall call = {.method = STR("GET"),
                         .authority = STR("localhost:8080"),
                         .path = STR("/"),
                         .fields = fields,
                         .n_fields = ARRAY_LEN(fields)};
    WasiP2 *p2 = ((Host *)slot_host(s))->p2;
    ComponentFunc *handler = wasi_http_handler(component_exports(slot_instance(s)));
    *a = (Answer){.bed = a->bed};
    wasi_http_begin(p2, &call, &peer, a);
    check(wasi_http_handle(p2, handler));
    if (!a->ended || a->status != 200 || !a->bytes) {
        fprintf(stderr, "no response: %u, %llu bytes\n", a->status, (unsigned long long)a->bytes);
        exit(1);
    }
}

static void http_run(void *arg)
{
    Answer *a = arg;
    Slot *s = NULL;
    check(slot_take(a->bed->pool, &s));
    handle(s, a);
    slot_give(s);
}

static void http_request(Bed *b)
{
    Answer a = {.bed = b};
    Fiber *f = fiber_new(0, http_run, &a);
    ALWAYS(f && fiber_resume(f));
    fiber_free(f);
}

enum { TRACED = 1000, WARM = 1000 };

/* In the child: requests between two signals. */
NORETURN static void be_traced(Bed *b)
{
    for (u32 i = 0; i < WARM; i++)
        http_request(b);
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGUSR1);
    for (u32 i = 0; i < TRACED; i++)
        http_request(b);
    raise(SIGUSR2);
    _exit(0);
}

/* System calls of a warm request; below 0: the system does not let us see them. */
static double http_calls(Bed *b)
{
    int status = 0, signal = 0;
    u64 stops = 0;
    pid_t child = fork();
    if (child == 0)
        be_traced(b);
    while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
        if (WSTOPSIG(status) == SIGUSR1)
            signal = SIGUSR1;
        else if (WSTOPSIG(status) == SIGUSR2)
            break;
        else
            stops += signal == SIGUSR1;
        ptrace(PTRACE_SYSCALL, child, NULL, NULL);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    /* Two stops each; those of raise itself are a handful. */
    return signal ? (double)stops / 2 / TRACED : -1;
}

static int bench_http(Bed *b)
{
    enum { ROUNDS = 1000, TIMES = 100 };
    double best = 1e12;
    for (u32 i = 0; i < WARM; i++)
        http_request(b);
    u64 before = faults();
    for (u32 round = 0; round < ROUNDS; round++) {
        u64 start = now_ns();
        for (u32 i = 0; i < TIMES; i++)
            http_request(b);
        best = MIN(best, (double)(now_ns() - start) / TIMES);
    }
    double each = (double)(faults() - before) / (ROUNDS * TIMES);
    printf("%-28s %8.0f ns  %.3f faults  %.2f system calls\n", "wasi:http request", best, each,
           http_calls(b));
    bed_release(b);
    return 0;
}

/* --- what is measured --- */

static const char own[] =
    "(component (core module $m (memory 17) (data (i32.const 1048576) \"data\")"
    " (func (export \"touch\") (param i32) (local $i i32)"
    "  (block (loop (br_if 1 (i32.ge_u (local.get $i) (local.get 0)))"
    "   (i32.store (i32.mul (local.get $i) (i32.const 4096)) (i32.const 1))"
    "   (local.set $i (i32.add (local.get $i) (i32.const 1))) (br 0))))"
    " (func (export \"grow\") (param i32) (drop (memory.grow (local.get 0)))"
    "  (i32.store (i32.const 1114112) (i32.const 1))))"
    " (core instance $i (instantiate $m))"
    " (func (export \"touch\") (param \"n\" u32) (canon lift (core func $i \"touch\")))"
    " (func (export \"grow\") (param \"n\" u32) (canon lift (core func $i \"grow\"))))";

static void own_init(Bed *b)
{
    Buf bytes = {0};
    Diag d;
    diag_init(&d);
    ALWAYS(component_text_parse(str_of(own), &(TextOptions){0}, &bytes, NULL, &d));
    bed_init(b, bytes.p, bytes.n);
    buf_release(&bytes);
}

static int bench_own(void)
{
    static const u32 pages[] = {0, 1, 4, 8, 32, 128};
    for (u32 i = 0; i < ARRAY_LEN(pages); i++) {
        Bed b;
        char what[40];
        snprintf(what, sizeof what, "%u pages written", pages[i]);
        own_init(&b);
        measure(&b, what, "touch", pages[i]);
        bed_release(&b);
    }
    Bed b;
    own_init(&b);
    measure(&b, "grown by a page", "grow", 1);
    bed_release(&b);
    return 0;
}

static void file_init(Bed *b, const char *path)
{
    FILE *f = fopen(path, "rb");
    Buf bytes = {0};
    if (!f) {
        perror(path);
        exit(1);
    }
    for (usize n = 1; n > 0;) {
        buf_reserve(&bytes, 1 << 20);
        n = fread(bytes.p + bytes.n, 1, 1 << 20, f);
        bytes.n += n;
    }
    fclose(f);
    bed_init(b, bytes.p, bytes.n);
    buf_release(&bytes);
}

static int bench_file(const char *path, const char *name)
{
    Bed b;
    file_init(&b, path);
    measure(&b, name, name, 0);
    bed_release(&b);
    return 0;
}

static int bench_loop(u64 times, const char *path)
{
    Bed b;
    file_init(&b, path);
    for (u64 i = 0; i < times; i++) {
        request(&b, STR("run"), 0);
        if (i == times / 10 || i == times - 1)
            fprintf(stderr, "after %llu: %llu KiB resident\n", (unsigned long long)i + 1,
                    (unsigned long long)rss_kib("VmRSS:"));
    }
    bed_release(&b);
    return 0;
}

static void take_all(Bed *b, Slot **s, u32 from, u32 to, bool http)
{
    Answer a = {.bed = b};
    for (u32 i = from; i < to; i++) {
        check(slot_take(b->pool, &s[i]));
        if (http)
            handle(s[i], &a);
    }
}

static void idle_line(const char *what, u32 times, const char *where, u64 before, u64 after)
{
    printf("%u idle slots, %s: %.1f KiB each%s\n", times, what,
           (double)(after - before) / (times - 1), where);
}

static void bench_idle(Bed *b, u32 times)
{
    Slot **s = mem_alloc_array(times, sizeof *s);
    take_all(b, s, 0, 1, false); /* what all share */
    u64 before = rss_kib("RssAnon:"), heap = heap_kib();
    take_all(b, s, 1, times, false);
    bool http = wasi_http_handler(component_exports(slot_instance(s[0])));
    for (u32 i = 0; i < times; i++)
        slot_give(s[i]);
    idle_line("never used", times, "", before, rss_kib("RssAnon:"));
    if (http) {
        take_all(b, s, 0, times, true);
        for (u32 i = 0; i < times; i++)
            slot_give(s[i]);
        idle_line("used once", times, " beyond their memories", heap, heap_kib());
    }
    mem_free(s);
    bed_release(b);
}

int main(int argc, char **argv)
{
    Bed b;
    if (argc == 1)
        return bench_own();
    if (argc == 3 && strcmp(argv[1], "http") == 0) {
        file_init(&b, argv[2]);
        return bench_http(&b);
    }
    if (argc == 4 && strcmp(argv[1], "loop") == 0)
        return bench_loop(strtoull(argv[2], NULL, 10), argv[3]);
    if ((argc == 3 || argc == 4) && strcmp(argv[1], "idle") == 0) {
        if (argc == 4)
            file_init(&b, argv[3]);
        else
            own_init(&b);
        bench_idle(&b, (u32)strtoul(argv[2], NULL, 10));
        return 0;
    }
    return bench_file(argv[1], argc > 2 ? argv[2] : "run");
}
