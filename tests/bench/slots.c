/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Requests without a socket: take a slot, call an export, give it back.
 *
 *   bench-slots                            components of our own: nothing, k pages written, growth
 *   bench-slots COMPONENT.wasm [EXPORT]    wasi:cli/run or the export, in a world of WASI without
 *                                          anything in it
 *   bench-slots loop TIMES COMPONENT.wasm  only that, for strace and perf
 *   bench-slots idle TIMES [COMPONENT]     what an idle slot weighs
 *
 * RESERVATION=BYTES in the environment: less than 4 GiB makes memories checked instead of guarded;
 * EXACT=1: compared with the exact length.
 */
#include "component/slot.h"
#include "wasi/p2.h"
#include "wit/text/ctext.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

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

static Error *host_new(void *arg, Store *s, ComponentLinker *l, void **ret_host)
{
    Host *h = mem_alloc(sizeof *h);
    *ret_host = h;
    h->ctx = wasi_ctx_new();
    h->p2 = wasi_p2_new(h->ctx, s);
    return arg ? wasi_p2_link(l, h->p2) : NULL;
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
} Bed;

static void bed_init(Bed *b, const u8 *p, usize n, bool wasi)
{
    *b = (Bed){0};
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
                             .max_idle = 100000,
                             .host_new = host_new,
                             .host_reset = host_reset,
                             .host_free = host_free,
                             .arg = wasi ? b : NULL};
    slot_options_init(&b->config.options);
    check(component_load(b->engine, &o, p, n, NULL, &b->config.component));
    b->pool = slot_pool_new(&b->config);
}

static void bed_release(Bed *b)
{
    slot_pool_free(b->pool);
    component_unref(b->config.component);
    engine_free(b->engine);
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
    bed_init(b, bytes.p, bytes.n, false);
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
    bed_init(b, bytes.p, bytes.n, true);
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

static void bench_idle(Bed *b, u32 times)
{
    Slot **s = mem_alloc_array(times, sizeof *s);
    check(slot_take(b->pool, &s[0])); /* what all share */
    u64 before = rss_kib("RssAnon:");
    for (u32 i = 1; i < times; i++)
        check(slot_take(b->pool, &s[i]));
    for (u32 i = 0; i < times; i++)
        slot_give(s[i]);
    u64 after = rss_kib("RssAnon:");
    printf("%u idle slots: %.1f KiB each\n", times, (double)(after - before) / (times - 1));
    mem_free(s);
    bed_release(b);
}

int main(int argc, char **argv)
{
    Bed b;
    if (argc == 1)
        return bench_own();
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
