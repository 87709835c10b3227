/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Components that run: calls from the host, between components, to the host; resources; traps. */
#include "component/instance.h"

#include "bind/glue_shapes.h"
#include "component/wave.h"
#include "unit/component/samples.h"
#include "unit/test.h"

typedef struct Bed {
    Engine *engine;
    Store *store;
    LoadedComponent *component;
    ComponentLinker *linker;
    ComponentInstance *instance;
    Arena arena;
} Bed;

static void bed_load(Bed *b, const u8 *p, usize n)
{
    *b = (Bed){0};
    EngineConfig c;
    engine_config_init(&c);
    if (engine_new(&c, &b->engine))
        test_skip("no such processor");
    EXPECT(!engine_store_new(b->engine, &b->store));
    ComponentOptions o = {.features = c.features,
                          .component_features = component_features_default()};
    Error *e = component_load(b->engine, &o, p, n, NULL, &b->component);
    if (e)
        test_fail(__FILE__, __LINE__, "%s", e->cause ? e->cause->message : e->message);
    b->linker = component_linker_new();
    arena_init(&b->arena);
}

static void bed_start(Bed *b)
{
    Error *e = component_instance_new(b->store, b->component, b->linker, &b->instance);
    if (e)
        test_fail(__FILE__, __LINE__, "%s", e->message);
}

static void bed_end(Bed *b)
{
    store_free(b->store);
    component_instance_free(b->instance);
    component_linker_free(b->linker);
    component_unref(b->component);
    arena_release(&b->arena);
    engine_free(b->engine);
}

static ComponentFunc *func(const ComponentItems *items, const char *name)
{
    ComponentItem item;
    if (!items_find(items, str_of(name), &item) || item.sort != SORT_FUNC)
        test_fail(__FILE__, __LINE__, "no function %s", name);
    return item.func;
}

/* Calls with the arguments of the WAVE text; the result as WAVE, or the innermost error. */
static const char *call_in(Bed *b, const ComponentItems *items, const char *text)
{
    WaveCall c;
    EXPECT(!wave_parse_call(str_of(text), &c));
    ComponentFunc *f = func(items, arena_strdup(&b->arena, c.name));
    const ComponentTypes *t = NULL;
    const CType *type = NULL;
    EXPECT(component_func_type(f, &t, &type));
    ComponentVal args[8], result = {0};
    Error *e = wave_parse_args(t, type, &c, &b->arena, args);
    if (!e)
        e = component_call(f, args, &b->arena, &result);
    Buf out = {0};
    if (e) {
        const Error *last = e;
        while (last->cause)
            last = last->cause;
        buf_str(&out, str_of(last->message));
        error_free(e);
    } else if (type->result != CTYPE_NONE) {
        wave_print(t, type->result, &result, &out);
    }
    const char *kept = arena_strdup(&b->arena, (Str){(char *)out.p, out.n});
    buf_release(&out);
    return kept;
}

static const char *call(Bed *b, const char *text)
{
    return call_in(b, component_exports(b->instance), text);
}

TEST(component_values_of_all_types_pass)
{
    static const char *const values[] = {
        "{b: true, s8: -128, u16: 65535, s64: -9223372036854775808, f: 1.5, c: '\xf0\x9f\x98\x80', "
        "text: \"h\xc3\xa9\\n\", nums: [1, 2, 65535], pairs: [(\"a\", true), (\"\", false)], "
        "maybe: some(7), res: ok(255), color: green, perm: {r, x}, shape: circle(0.25)}",
        "{b: false, s8: 127, u16: 0, s64: 1, f: nan, c: '\\'', text: \"\", nums: [], pairs: [], "
        "res: err(\"no\"), color: red, perm: {}, shape: dot}",
        "{b: false, s8: 0, u16: 0, s64: 0, f: -inf, c: '\\u{0}', text: \"\", nums: [], pairs: [], "
        "maybe: some(0), res: ok(0), color: red, perm: {w}, shape: name(\"x\")}",
    };
    Bed b;
    bed_load(&b, sample_echo, sizeof sample_echo);
    bed_start(&b);
    for (usize i = 0; i < ARRAY_LEN(values); i++) {
        Buf text = {0};
        buf_printf(&text, "same(%s)", values[i]);
        char *z = buf_take_string(&text);
        EXPECT_STR(call(&b, z), values[i]);
        mem_free(z);
    }
    bed_end(&b);
}

TEST(component_scalars_keep_their_range)
{
    Bed b;
    bed_load(&b, sample_echo, sizeof sample_echo);
    bed_start(&b);
    EXPECT_STR(call(&b, "add(1, -2)"), "-1");
    EXPECT_STR(call(&b, "add(255, 1)"), "0");
    EXPECT_STR(call(&b, "add(100, 100)"), "-56");
    EXPECT_STR(call(&b, "add(256, 0)"), "expected a number of type u8 at 1:5");
    EXPECT_STR(call(&b, "add(1)"), "too few arguments at 1:7");
    bed_end(&b);
}

TEST(component_that_trapped_is_dead)
{
    Bed b;
    bed_load(&b, sample_echo, sizeof sample_echo);
    bed_start(&b);
    EXPECT_STR(call(&b, "trap()"), "wasm trap: wasm `unreachable` instruction executed");
    EXPECT_STR(call(&b, "add(1, 1)"), "wasm trap: cannot enter component instance");
    bed_end(&b);
}

TEST(component_calls_transcode_between_components)
{
    Bed b;
    ComponentItem all;
    bed_load(&b, sample_pair, sizeof sample_pair);
    bed_start(&b);
    EXPECT(items_find(component_exports(b.instance), STR("all"), &all));
    const char *text =
        "same([\"\", \"a\", \"\xc3\xa9t\xc3\xa9\", \"\xe2\x98\x83 a\", \"\xf0\x9f\x98\x80\"])";
    Buf want = {0};
    buf_bytes(&want, text + 5, strlen(text) - 6);
    char *z = buf_take_string(&want);
    EXPECT_STR(call_in(&b, all.instance, text), z);
    mem_free(z);
    EXPECT_STR(call_in(&b, all.instance, "scale(-3, 5)"), "18446744073709551601");
    EXPECT_STR(call_in(&b, all.instance, "sum(1000)"), "2000");
    bed_end(&b);
}

TEST(component_resources_reach_the_host_and_end)
{
    Bed b;
    bed_load(&b, sample_resource, sizeof sample_resource);
    bed_start(&b);
    const ComponentItems *items = component_exports(b.instance);
    ComponentVal n = {.kind = CT_U32, .bits = 42}, own = {0}, got = {0};
    EXPECT(!component_call(func(items, "make"), &n, &b.arena, &own));
    EXPECT(own.kind == CT_OWN && own.resource && own.rep == 42);
    ComponentVal borrow = own;
    borrow.kind = CT_BORROW;
    EXPECT(!component_call(func(items, "get"), &borrow, &b.arena, &got));
    EXPECT_EQ(got.bits, 42);
    EXPECT(!component_call(func(items, "eat"), &own, &b.arena, &got));
    EXPECT_STR(call(&b, "dropped()"), "42");
    EXPECT(!component_drop_resource(b.store, &own));
    EXPECT_STR(call(&b, "dropped()"), "84");
    ResourceType foreign = {0};
    borrow.resource = &foreign;
    Error *e = component_call(func(items, "get"), &borrow, &b.arena, &got);
    EXPECT(e && strstr(e->message, "mismatched resource types"));
    error_free(e);
    bed_end(&b);
}

TEST(component_handles_of_others_are_unknown)
{
    Bed b;
    bed_load(&b, sample_resource, sizeof sample_resource);
    bed_start(&b);
    EXPECT_STR(call(&b, "rep(1)"), "unknown handle index 1");
    bed_end(&b);
}

/* --- host functions --- */

typedef struct Host {
    u64 dropped, used;
} Host;

static Error *twice(void *env, HostCall *call)
{
    (void)env;
    call->flat[0] = (u32)(call->flat[0] * 2);
    return NULL;
}

static Error *join(void *env, HostCall *call, const ComponentVal *params, ComponentVal *ret_result)
{
    (void)env;
    Buf out = {0};
    for (u32 i = 0; i < params[1].n; i++) {
        if (i)
            buf_str(&out, val_text(&params[0], call->side.arena));
        buf_str(&out, val_text(&params[1].items[i], call->side.arena));
    }
    *ret_result = val_string((Str){arena_dup(call->side.arena, out.p, out.n), out.n});
    buf_release(&out);
    return NULL;
}

static Error *host_drop(void *env, void *host, u64 rep)
{
    (void)host;
    ((Host *)env)->dropped = rep;
    return NULL;
}

static ResourceType host_resource = {.host_drop = host_drop};

static Error *open_one(void *env, HostCall *call, const ComponentVal *params,
                       ComponentVal *ret_result)
{
    (void)env, (void)call, (void)params;
    *ret_result = (ComponentVal){.kind = CT_OWN, .resource = &host_resource, .rep = 77};
    return NULL;
}

static Error *use_one(void *env, HostCall *call, const ComponentVal *params,
                      ComponentVal *ret_result)
{
    (void)call;
    ((Host *)env)->used = params[0].rep;
    *ret_result = (ComponentVal){.kind = CT_U32, .bits = 5};
    return NULL;
}

static void define(Bed *b, const char *instance, Host *host)
{
    host_resource.env = host;
    Str at = str_of(instance);
    const struct {
        const char *name;
        HostFunc func;
    } rows[] = {
        {"twice", {.raw = twice, .signature = "func(n: u32) -> u32"}},
        {"join", {.vals = join, .signature = "func(a: string, b: list<string>) -> string"}},
        {"open", {.vals = open_one, .signature = "func() -> own<r>"}},
        {"use", {.vals = use_one, .env = host, .signature = "func(r: borrow<r>) -> u32"}},
    };
    EXPECT(!component_linker_resource(b->linker, at, STR("r"), &host_resource));
    for (usize i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT(!component_linker_func(b->linker, at, str_of(rows[i].name), &rows[i].func));
}

TEST(component_calls_the_host)
{
    Bed b;
    Host host = {0};
    bed_load(&b, sample_host, sizeof sample_host);
    define(&b, "host:api/math@0.2.9", &host);
    bed_start(&b);
    EXPECT_STR(call(&b, "twice(21)"), "42");
    EXPECT_STR(call(&b, "twice(4294967295)"), "4294967294");
    EXPECT_STR(call(&b, "join(\"-\", [\"a\", \"b\", \"\xc3\xa9\"])"), "\"a-b-\xc3\xa9\"");
    EXPECT_STR(call(&b, "resource()"), "105");
    EXPECT_EQ(host.used, 77);
    EXPECT_EQ(host.dropped, 77);
    bed_end(&b);
}

static void expect_unlinkable(Bed *b, const char *words)
{
    Error *e = component_instance_new(b->store, b->component, b->linker, &b->instance);
    EXPECT(e);
    if (!strstr(e->message, words))
        test_fail(__FILE__, __LINE__, "\"%s\" is not in \"%s\"", words, e->message);
    error_free(e);
}

TEST(component_imports_that_are_missing_are_listed)
{
    Bed b;
    bed_load(&b, sample_host, sizeof sample_host);
    expect_unlinkable(&b, "`host:api/math@0.2.3` `join`: func(a: string, b: list<string>) -> "
                          "string (not defined)");
    bed_end(&b);
}

TEST(component_imports_match_by_version_and_type)
{
    Bed b;
    Host host = {0};
    bed_load(&b, sample_host, sizeof sample_host);
    define(&b, "host:api/math@0.3.0", &host);
    expect_unlinkable(&b, "`r`: resource (not defined)");
    bed_end(&b);
    bed_load(&b, sample_host, sizeof sample_host);
    HostFunc wrong = {.raw = twice, .signature = "func(n: s32) -> u32"};
    EXPECT(!component_linker_func(b.linker, STR("host:api/math@0.2.3"), STR("twice"), &wrong));
    expect_unlinkable(&b, "`twice`: func(n: u32) -> u32 (of another type; the one that is there is "
                          "func(n: s32) -> u32)");
    Error *again =
        component_linker_func(b.linker, STR("host:api/math@0.2.3"), STR("twice"), &wrong);
    EXPECT(again && strstr(again->message, "defined twice"));
    error_free(again);
    bed_end(&b);
}

/* --- generated glue --- */

static void glue_bed(Bed *b)
{
    static u64 host[128]; /* the functions behind the glue count calls in it */
    bed_load(b, sample_glue, sizeof sample_glue);
    EXPECT(!component_linker_interface(b->linker, &glue_shapes_interface, host));
    bed_start(b);
}

TEST(component_calls_generated_glue)
{
    Bed b;
    glue_bed(&b);
    EXPECT_STR(call(&b, "negate(5)"), "-5");
    EXPECT_STR(call(&b, "merge(1, 2)"), "ok(2)");
    const char *refused = call(&b, "merge(90, 30)");
    EXPECT(str_starts(str_of(refused), STR("err(\"")));
    bed_end(&b);
}

TEST(component_glue_refuses_wrong_handles)
{
    Bed b;
    glue_bed(&b);
    EXPECT_STR(call(&b, "lend(9)"), "unknown handle index 9");
    EXPECT_STR(call(&b, "negate(5)"), "wasm trap: cannot enter component instance");
    bed_end(&b);
}

TEST(component_glue_is_not_called_from_post_return)
{
    Bed b;
    glue_bed(&b);
    EXPECT_STR(call(&b, "quiet()"), "wasm trap: cannot leave component instance");
    bed_end(&b);
}
