/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Pools of component instances: nested ones, handles, the host's resources, traps, threads. */
#include "component/slot.h"

#include "os/thread.h"
#include "unit/test.h"
#include "wit/text/ctext.h"

#include <malloc.h>

/* Two nested components that count; what the second one holds of the host and of itself. Handle
 * indices count, too: a table that is not put back gives out another one. */
static const char program[] =
    "(component"
    " (import \"host:api/h\" (instance $h (export \"r\" (type $r (sub resource)))"
    "  (export \"open\" (func (result (own $r)))) (export \"fail\" (func (param \"n\" u32)))))"
    " (component $C"
    "  (core module $m (memory 1 8) (global $g (mut i32) (i32.const 0))"
    "   (func (export \"count\") (result i32)"
    "    (global.set $g (i32.add (global.get $g) (i32.const 1)))"
    "    (drop (memory.grow (i32.const 1)))"
    "    (i32.store (i32.const 70000) (i32.add (i32.load (i32.const 70000)) (i32.const 1)))"
    "    (i32.add (i32.mul (global.get $g) (i32.const 100)) (i32.load (i32.const 70000))))"
    "   (func (export \"trap\") (param i32) unreachable))"
    "  (core instance $i (instantiate $m))"
    "  (func (export \"count\") (result u32) (canon lift (core func $i \"count\")))"
    "  (func (export \"trap\") (param \"n\" u32) (canon lift (core func $i \"trap\"))))"
    " (component $D"
    " (import \"h\" (instance $h (export \"r\" (type $r (sub resource)))"
    "  (export \"open\" (func (result (own $r)))) (export \"fail\" (func (param \"n\" u32)))))"
    " (import \"count\" (func $count (result u32)))"
    " (core func $count (canon lower (func $count)))"
    " (type $own (resource (rep i32)))"
    " (core func $new (canon resource.new $own))"
    " (core func $open (canon lower (func $h \"open\")))"
    " (core func $fail (canon lower (func $h \"fail\")))"
    " (core module $m"
    "  (import \"\" \"new\" (func $new (param i32) (result i32)))"
    "  (import \"\" \"open\" (func $open (result i32)))"
    "  (import \"\" \"fail\" (func $fail (param i32)))"
    "  (import \"\" \"count\" (func $count (result i32)))"
    "  START"
    "  (func (export \"count\") (result i32)"
    "   (i32.add (call $count) (i32.mul (i32.const 10000) (call $new (i32.const 3)))))"
    "  (func (export \"open\") (param i32) (result i32)"
    "   (loop (drop (call $open)) (local.set 0 (i32.sub (local.get 0) (i32.const 1)))"
    "    (br_if 0 (local.get 0))) (call $open))"
    "  (func (export \"fail\") (param i32) (drop (call $new (i32.const 4)))"
    "   (drop (call $open)) (call $fail (local.get 0))))"
    " (core instance $m (instantiate $m (with \"\" (instance (export \"new\" (func $new))"
    "  (export \"open\" (func $open)) (export \"fail\" (func $fail))"
    "  (export \"count\" (func $count))))))"
    " (func (export \"count\") (result u32) (canon lift (core func $m \"count\")))"
    " (func (export \"open\") (param \"n\" u32) (result u32) (canon lift (core func $m \"open\")))"
    " (func (export \"fail\") (param \"n\" u32) (canon lift (core func $m \"fail\"))))"
    " (instance $c (instantiate $C))"
    " (instance $d (instantiate $D (with \"h\" (instance $h))"
    "  (with \"count\" (func $c \"count\"))))"
    " (func (export \"count\") (alias export $d \"count\"))"
    " (func (export \"open\") (alias export $d \"open\"))"
    " (func (export \"fail\") (alias export $d \"fail\"))"
    " (func (export \"trap\") (alias export $c \"trap\")))";

/* --- the host --- */

typedef struct Host {
    u32 open, calls, resets, ends;
    bool refuses;
} Host;

static Error *host_drop(void *env, void *host, u64 rep)
{
    Host *h = host;
    (void)env;
    EXPECT_EQ(rep, 99);
    h->open--;
    return NULL;
}

static ResourceType host_resource = {.host_drop = host_drop};

static Error *host_open(void *env, HostCall *call, const ComponentVal *params,
                        ComponentVal *ret_result)
{
    Host *h = call->host;
    (void)env, (void)params;
    h->calls++;
    h->open++;
    *ret_result = (ComponentVal){.kind = CT_OWN, .resource = &host_resource, .rep = 99};
    return NULL;
}

/* The ways in which a host ends a guest. */
static Error *host_failure(void *env, HostCall *call, const ComponentVal *params,
                           ComponentVal *ret_result)
{
    Host *h = call->host;
    (void)env, (void)ret_result;
    h->calls++;
    if (params[0].bits == 1)
        store_interrupt(call->store);
    return params[0].bits == 0 ? error_new_kind(ERROR_EXIT, 3, "exit") : NULL;
}

static Error *host_new(void *arg, Store *s, SlotHost *ret_host)
{
    (void)s;
    Host *h = mem_alloc(sizeof *h);
    *h = (Host){.refuses = arg != NULL};
    *ret_host = (SlotHost){h, h};
    return NULL;
}

static ComponentLinker *host_linker(void)
{
    ComponentLinker *l = component_linker_new();
    Str at = STR("host:api/h");
    EXPECT(!component_linker_resource(l, at, STR("r"), &host_resource));
    EXPECT(!component_linker_func(l, at, STR("open"), &(HostFunc){.vals = host_open}));
    EXPECT(!component_linker_func(l, at, STR("fail"), &(HostFunc){.vals = host_failure}));
    return l;
}

static void host_end(void *host)
{
    ((Host *)host)->ends++;
}

static bool host_reset(void *host)
{
    Host *h = host;
    EXPECT_EQ(h->open, 0); /* dropped before */
    h->resets++;
    return !h->refuses;
}

static void host_free(void *host)
{
    EXPECT_EQ(((Host *)host)->open, 0);
    EXPECT(((Host *)host)->ends > 0);
    mem_free(host);
}

/* --- the bed --- */

typedef struct Bed {
    Engine *engine;
    LoadedComponent *component;
    ComponentLinker *linker;
    SlotImages *images;
    SlotConfig config;
} Bed;

static void bed_init(Bed *b, const char *start)
{
    *b = (Bed){0};
    EngineConfig c;
    engine_config_init(&c);
    if (engine_new(&c, &b->engine))
        test_skip("no such processor");
    Buf text = {0}, bytes = {0};
    const char *at = strstr(program, "START");
    buf_bytes(&text, program, (usize)(at - program));
    buf_str(&text, str_of(start));
    buf_str(&text, str_of(at + 5));
    Diag diag;
    diag_init(&diag);
    if (!component_text_parse((Str){(char *)text.p, text.n}, &(TextOptions){0}, &bytes, NULL,
                              &diag))
        test_fail(__FILE__, __LINE__, "%s", diag.msg);
    ComponentOptions o = {.features = c.features,
                          .component_features = component_features_default()};
    Error *e = component_load(b->engine, &o, bytes.p, bytes.n, &diag, &b->component);
    if (e)
        test_fail(__FILE__, __LINE__, "%s", diag.msg);
    buf_release(&text);
    buf_release(&bytes);
    b->images = slot_images_new();
    b->linker = host_linker();
    b->config = (SlotConfig){.engine = b->engine,
                             .component = b->component,
                             .linker = b->linker,
                             .images = b->images,
                             .max_idle = 2,
                             .host_new = host_new,
                             .host_end = host_end,
                             .host_reset = host_reset,
                             .host_free = host_free};
    slot_options_init(&b->config.options);
}

static void bed_release(Bed *b)
{
    component_unref(b->component);
    component_linker_free(b->linker);
    slot_images_unref(b->images);
    engine_free(b->engine);
}

/* Without arguments, or with one; UINT64_MAX: it failed. */
static u64 call(Slot *s, const char *name, u64 arg)
{
    ComponentItem item;
    ComponentVal result = {0}, arg_val = {.kind = CT_U32, .bits = arg};
    Arena arena;
    arena_init(&arena);
    EXPECT(items_find(component_exports(slot_instance(s)), str_of(name), &item));
    Error *e = component_call(item.func, &arg_val, &arena, &result);
    u64 v = e ? UINT64_MAX : result.bits;
    error_free(e);
    arena_release(&arena);
    return v;
}

static Slot *take(SlotPool *p)
{
    Slot *s = NULL;
    Error *e = slot_take(p, &s);
    if (e)
        test_fail(__FILE__, __LINE__, "%s", e->message);
    return s;
}

enum { FIRST = 10000 + 100 + 1 }; /* what "count" answers the first time */

/* One request, that ends in one of many ways. */
static void request(SlotPool *p, u32 round)
{
    Slot *s = take(p);
    EXPECT_EQ(call(s, "count", 0), FIRST);
    EXPECT_EQ(call(s, "count", 0), 2 * FIRST);
    if (round % 2)
        EXPECT_EQ(call(s, "open", 3), 2 + 4);
    if (round % 7 == 1)
        EXPECT(call(s, "open", 3000) != UINT64_MAX);
    if (round % 5 == 1)
        EXPECT_EQ(call(s, "trap", 0), UINT64_MAX);
    if (round % 5 == 2)
        EXPECT_EQ(call(s, "fail", 0), UINT64_MAX); /* exit */
    if (round % 5 == 3)
        EXPECT_EQ(call(s, "fail", 1), UINT64_MAX); /* interrupted */
    if (round % 5 == 3 || round % 5 == 2)
        EXPECT_EQ(call(s, "count", 0), UINT64_MAX); /* unusable until it is put back */
    if (round % 5 == 4)
        store_interrupt(slot_store(s));
    slot_give(s);
}

TEST(component_slot_every_request_is_the_first)
{
    Bed b;
    bed_init(&b, "");
    SlotPool *p = slot_pool_new(&b.config);
    for (u32 round = 0; round < 70; round++)
        request(p, round);
    SlotStats stats;
    slot_pool_stats(p, &stats);
    EXPECT(!stats.anew);
    EXPECT_EQ(stats.made, 1);
    EXPECT_EQ(stats.reused, 69);
    EXPECT_EQ(stats.idle, 1);
    slot_pool_free(p);
    bed_release(&b);
}

TEST(component_slot_handles_that_are_left_do_not_count)
{
    enum { EACH = 3000 };
    Bed b;
    bed_init(&b, "");
    SlotPool *p = slot_pool_new(&b.config);
    for (u32 n = 0; n < 2 * COMPONENT_MAX_HANDLES; n += EACH) {
        Slot *s = take(p);
        EXPECT(call(s, "open", EACH) != UINT64_MAX);
        slot_give(s);
    }
    slot_pool_free(p);
    bed_release(&b);
}

static void serve(void *arg)
{
    Bed *b = arg;
    SlotPool *p = slot_pool_new(&b->config);
    for (u32 round = 0; round < 100; round++)
        request(p, round);
    slot_pool_free(p);
}

TEST(component_slot_threads_have_pools_of_their_own)
{
    Bed b;
    bed_init(&b, "");
    OsThread t[4];
    for (u32 k = 0; k < 4; k++)
        EXPECT(os_thread_start(&t[k], serve, &b));
    for (u32 k = 0; k < 4; k++)
        os_thread_join(t[k]);
    bed_release(&b);
}

/* A state that depends on what the host said belongs to one request. */
TEST(component_slot_is_anew_where_the_start_calls_the_host)
{
    Bed b;
    bed_init(&b, "(func $start (call $fail (i32.const 2))) (start $start)");
    SlotPool *p = slot_pool_new(&b.config);
    for (u32 round = 0; round < 10; round++) {
        Slot *s = take(p);
        Host *h = slot_host(s);
        EXPECT_EQ(h->calls, 1);
        EXPECT_EQ(call(s, "count", 0), FIRST);
        slot_give(s);
    }
    SlotStats stats;
    slot_pool_stats(p, &stats);
    EXPECT(stats.anew);
    EXPECT_EQ(stats.made, 10);
    EXPECT_EQ(stats.idle, 0);
    slot_pool_free(p);
    bed_release(&b);
}

/* Handles, and calls between components, of a start function are part of the state. */
TEST(component_slot_keeps_what_the_start_made)
{
    Bed b;
    bed_init(&b, "(func $start (drop (call $new (i32.const 1))) (drop (call $count)))"
                 "(start $start)");
    SlotPool *p = slot_pool_new(&b.config);
    for (u32 round = 0; round < 10; round++) {
        Slot *s = take(p);
        EXPECT_EQ(call(s, "count", 0), 2 * FIRST);
        if (round % 2)
            EXPECT_EQ(call(s, "fail", 0), UINT64_MAX);
        slot_give(s);
    }
    SlotStats stats;
    slot_pool_stats(p, &stats);
    EXPECT_EQ(stats.made, 1);
    slot_pool_free(p);
    bed_release(&b);
}

TEST(component_slot_pool_is_bounded)
{
    Bed b;
    bed_init(&b, "");
    SlotPool *p = slot_pool_new(&b.config);
    Slot *s[5];
    SlotStats stats;
    for (u32 k = 0; k < 5; k++)
        s[k] = take(p);
    for (u32 k = 0; k < 5; k++)
        slot_give(s[k]);
    slot_pool_stats(p, &stats);
    EXPECT_EQ(stats.made, 5);
    EXPECT_EQ(stats.idle, 2);
    slot_pool_free(p);
    b.config.arg = &b; /* a host that cannot be put back */
    p = slot_pool_new(&b.config);
    for (u32 k = 0; k < 3; k++)
        request(p, k);
    slot_pool_stats(p, &stats);
    EXPECT_EQ(stats.made, 3);
    EXPECT_EQ(stats.refused, 3);
    slot_pool_free(p);
    bed_release(&b);
}

TEST(component_slot_reports_what_cannot_be_linked)
{
    Bed b;
    bed_init(&b, "(func $start unreachable) (start $start)");
    SlotPool *p = slot_pool_new(&b.config);
    Slot *s = NULL;
    for (u32 k = 0; k < 2; k++) {
        Error *e = slot_take(p, &s);
        EXPECT(e && error_find(e, ERROR_TRAP));
        error_free(e);
    }
    slot_pool_free(p);
    bed_release(&b);
}

/* All import from one linker; what they open and drop is their own host's. */
TEST(component_slot_hosts_share_a_linker_and_nothing_else)
{
    Bed b;
    bed_init(&b, "");
    SlotPool *p = slot_pool_new(&b.config);
    Slot *first = take(p), *second = take(p);
    Host *one = slot_host(first), *two = slot_host(second);
    EXPECT(call(first, "open", 3) != UINT64_MAX);
    EXPECT_EQ(one->open, 4);
    EXPECT_EQ(two->open + two->calls, 0);
    EXPECT(call(second, "open", 1) != UINT64_MAX);
    EXPECT_EQ(one->open, 4);
    EXPECT_EQ(two->open, 2);
    slot_give(first);
    EXPECT_EQ(one->open, 0);
    EXPECT_EQ(two->open, 2);
    slot_give(second);
    slot_pool_free(p);
    bed_release(&b);
}

/* What instantiating needed is gone; what idle slots keep is small. */
TEST(component_slot_idle_ones_are_light)
{
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
    test_skip("a sanitizer has a heap of its own");
#endif
    enum { SLOTS = 100, HEAVY = 6 << 10 };
    Bed b;
    bed_init(&b, "");
    b.config.max_idle = SLOTS + 1;
    SlotPool *p = slot_pool_new(&b.config);
    Slot *s[SLOTS + 1];
    s[0] = take(p);
    usize before = mallinfo2().uordblks;
    for (u32 k = 1; k <= SLOTS; k++)
        s[k] = take(p);
    usize each = (mallinfo2().uordblks - before) / SLOTS;
    for (u32 k = 0; k <= SLOTS; k++)
        slot_give(s[k]);
    printf("%zu bytes a slot\n", each);
    EXPECT(each <= HEAVY);
    slot_pool_free(p);
    bed_release(&b);
}

static LoadedComponent *load_text(Engine *engine, const EngineConfig *c, const Buf *text)
{
    Buf bytes = {0};
    Diag diag;
    LoadedComponent *component = NULL;
    diag_init(&diag);
    if (!component_text_parse((Str){(char *)text->p, text->n}, &(TextOptions){0}, &bytes, NULL,
                              &diag))
        test_fail(__FILE__, __LINE__, "%s", diag.msg);
    ComponentOptions o = {.features = c->features,
                          .component_features = component_features_default()};
    EXPECT(!component_load(engine, &o, bytes.p, bytes.n, &diag, &component));
    buf_release(&bytes);
    return component;
}

static void expect_names(const ComponentItems *items, u32 n)
{
    char name[16];
    ComponentItem item;
    for (u32 i = 0; i <= n; i++) {
        snprintf(name, sizeof name, "f%u", i);
        EXPECT_EQ(items_find(items, str_of(name), &item), i < n);
        if (i < n)
            EXPECT(!component_call(item.func, NULL, NULL, NULL));
    }
}

/* Also those of instances in instances, after all that led to them is gone. */
TEST(component_exports_are_found_be_they_few_or_many)
{
    static const u32 counts[] = {1, 7, 8, 9, 100};
    EngineConfig c;
    Engine *engine = NULL;
    engine_config_init(&c);
    if (engine_new(&c, &engine))
        test_skip("no such processor");
    for (u32 k = 0; k < ARRAY_LEN(counts); k++) {
        Buf list = {0}, text = {0};
        for (u32 i = 0; i < counts[k]; i++)
            buf_printf(&list, " (export \"f%u\" (func $f))", i);
        buf_printf(&text,
                   "(component (core module $m (func (export \"f\"))) (core instance $i "
                   "(instantiate $m)) (func $f (canon lift (core func $i \"f\")))"
                   " (instance $x %.*s) (instance $y (export \"x\" (instance $x)))"
                   " (export \"y\" (instance $y)) %.*s)",
                   (int)list.n, (char *)list.p, (int)list.n, (char *)list.p);
        LoadedComponent *component = load_text(engine, &c, &text);
        Store *s = NULL;
        ComponentInstance *i = NULL;
        ComponentItem y, x;
        EXPECT(!engine_store_new(engine, &s));
        EXPECT(!component_instance_new(s, component, NULL, &i));
        EXPECT_EQ(items_count(component_exports(i)), counts[k] + 1);
        expect_names(component_exports(i), counts[k]);
        EXPECT(items_find(component_exports(i), STR("y"), &y));
        EXPECT(items_find(y.instance, STR("x"), &x));
        expect_names(x.instance, counts[k]);
        store_free(s);
        component_instance_free(i);
        component_unref(component);
        buf_release(&list);
        buf_release(&text);
    }
    engine_free(engine);
}
