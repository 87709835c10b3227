/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Contexts that serve one guest after the other. */
#include "component/slot.h"
#include "os/vm.h"
#include "unit/test.h"
#include "wasi/ctx_priv.h"
#include "wasi/p2/p2.h"
#include "wit/text/ctext.h"

#include <fcntl.h>

TEST(wasi_reset_closes_what_was_opened)
{
    WasiCtx *c = wasi_ctx_new();
    u64 began = c->monotonic_start;
    for (u32 round = 0; round < 3; round++) {
        u32 fd = 0;
        EXPECT(!wasi_fd_get(c, 3));
        int file = os_memfd("t", 4096, false);
        WasiFd d = {.kind = WASI_FD_FILE, .node = {.fd = file}};
        EXPECT(wasi_fd_push(c, &d, &fd));
        EXPECT_EQ(fd, 3);
        wasi_fd_close(c, 1);
        wasi_ctx_reset(c);
        EXPECT_EQ(fcntl(file, F_GETFD), -1);
        EXPECT(c->monotonic_start > began);
        EXPECT(wasi_fd_get(c, 1));
    }
    wasi_ctx_free(c);
}

/* Leaves a stream and its pollable behind, in both orders of their handles. */
static const char leaves[] =
    "(component"
    " (import \"wasi:io/poll@0.2.0\" (instance $poll (export \"pollable\" (type $p (sub "
    "resource)))))"
    " (alias export $poll \"pollable\" (type $p))"
    " (import \"wasi:io/streams@0.2.0\" (instance $s"
    "  (export \"input-stream\" (type $i (sub resource))) (alias outer 1 $p (type $q))"
    "  (export \"[method]input-stream.subscribe\""
    "   (func (param \"self\" (borrow $i)) (result (own $q))))))"
    " (alias export $s \"input-stream\" (type $i))"
    " (import \"wasi:cli/stdin@0.2.0\" (instance $in (alias outer 1 $i (type $j))"
    "  (export \"get-stdin\" (func (result (own $j))))))"
    " (core func $get (canon lower (func $in \"get-stdin\")))"
    " (core func $sub (canon lower (func $s \"[method]input-stream.subscribe\")))"
    " (core func $drop (canon resource.drop $i))"
    " (core module $m"
    "  (import \"\" \"get\" (func $get (result i32)))"
    "  (import \"\" \"sub\" (func $sub (param i32) (result i32)))"
    "  (import \"\" \"drop\" (func $drop (param i32)))"
    "  (func (export \"run\") (local $a i32)"
    "   (drop (call $sub (call $get)))"
    "   (local.set $a (call $get)) (drop (call $sub (call $get)))"
    "   (call $drop (local.get $a)) (drop (call $sub (i32.const 1)))))"
    " (core instance $c (instantiate $m (with \"\" (instance (export \"get\" (func $get))"
    "  (export \"sub\" (func $sub)) (export \"drop\" (func $drop))))))"
    " (func (export \"run\") (canon lift (core func $c \"run\"))))";

/* Looks at the clock when it starts. */
static const char starts[] =
    "(component (import \"wasi:clocks/monotonic-clock@0.2.0\" (instance $c"
    "  (export \"now\" (func (result u64)))))"
    " (core func $now (canon lower (func $c \"now\")))"
    " (core module $m (import \"\" \"now\" (func $now (result i64)))"
    "  (func $start (drop (call $now))) (start $start) (func (export \"run\")))"
    " (core instance $i (instantiate $m (with \"\" (instance (export \"now\" (func $now))))))"
    " (func (export \"run\") (canon lift (core func $i \"run\"))))";

typedef struct Host {
    WasiCtx *ctx;
    WasiP2 *p2;
} Host;

static Error *host_new(void *arg, Store *s, SlotHost *ret_host)
{
    Host *h = mem_alloc(sizeof *h);
    h->ctx = wasi_ctx_new();
    wasi_ctx_max_resources(h->ctx, 6);
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

/* Requests, one after the other; how many instances they took. */
static u64 serve(const char *text, u32 requests)
{
    EngineConfig c;
    engine_config_init(&c);
    Engine *engine = NULL;
    if (engine_new(&c, &engine))
        test_skip("no such processor");
    Buf bytes = {0};
    Diag diag;
    diag_init(&diag);
    if (!component_text_parse(str_of(text), &(TextOptions){0}, &bytes, NULL, &diag))
        test_fail(__FILE__, __LINE__, "%s", diag.msg);
    ComponentOptions o = {.features = c.features,
                          .component_features = component_features_default()};
    SlotConfig config = {.engine = engine,
                         .max_idle = 1,
                         .host_new = host_new,
                         .host_reset = host_reset,
                         .host_free = host_free};
    EXPECT(!component_load(engine, &o, bytes.p, bytes.n, &diag, &config.component));
    ComponentLinker *linker = component_linker_new();
    WasiCtx *ctx = wasi_ctx_new();
    WasiP2 *p2 = wasi_p2_new(ctx, NULL);
    EXPECT(!wasi_p2_link(linker, p2));
    config.linker = linker;
    config.arg = p2;
    slot_options_init(&config.options);
    SlotPool *p = slot_pool_new(&config);
    for (u32 round = 0; round < requests; round++) {
        Slot *s = NULL;
        ComponentItem run;
        EXPECT(!slot_take(p, &s));
        EXPECT(items_find(component_exports(slot_instance(s)), STR("run"), &run));
        Error *e = component_call(run.func, NULL, NULL, NULL);
        if (e)
            test_fail(__FILE__, __LINE__, "%s", e->message);
        slot_give(s);
    }
    SlotStats stats;
    slot_pool_stats(p, &stats);
    slot_pool_free(p);
    component_unref(config.component);
    component_linker_free(linker);
    wasi_p2_free(p2);
    wasi_ctx_free(ctx);
    buf_release(&bytes);
    engine_free(engine);
    return stats.made;
}

TEST(wasi_resources_of_a_request_end_in_any_order)
{
    EXPECT_EQ(serve(leaves, 20), 1); /* what stayed behind would be too much soon */
}

TEST(wasi_calls_at_the_start_belong_to_one_request)
{
    EXPECT_EQ(serve(starts, 5), 5);
}
