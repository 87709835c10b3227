/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Calls of scalars between components: compiled, and by trees where a limit leaves no room. */
#include "component/adapter.h"

#include "component/instance.h"
#include "unit/component/samples.h"
#include "unit/test.h"

typedef struct Row {
    const char *func;
    u32 arg;
    i64 want; /* or the trap */
    const char *trap;
} Row;

static const Row rows[] = {
    {"char", 'a', 'a', NULL},
    {"char", 0xd7ff, 0xd7ff, NULL},
    {"char", 0xd800, 0, "invalid `char` bit pattern"},
    {"char", 0xdfff, 0, "invalid `char` bit pattern"},
    {"char", 0xe000, 0xe000, NULL},
    {"char", 0x10ffff, 0x10ffff, NULL},
    {"char", 0x110000, 0, "invalid `char` bit pattern"},
    {"char", 0xffffffff, 0, "invalid `char` bit pattern"},
    {"enum", 1, 1, NULL},
    {"enum", 2, 0, "invalid variant discriminant"},
    {"flags", 0xff, 7, NULL},
    {"u8", 0x1ff, 0xff, NULL},
    {"s16", 0xffff, -1, NULL},
    {"s16", 0x17fff, 0x7fff, NULL},
    {"bool", 0x100, 1, NULL},
    {"bool", 0, 0, NULL},
};

static ComponentFunc *func(ComponentInstance *i, const char *name)
{
    ComponentItem item;
    if (!items_find(component_exports(i), str_of(name), &item) || item.sort != SORT_FUNC)
        test_fail(__FILE__, __LINE__, "no function %s", name);
    return item.func;
}

static void check_row(Engine *engine, LoadedComponent *c, const Row *row)
{
    Store *store = NULL;
    ComponentInstance *i = NULL;
    Arena arena;
    arena_init(&arena);
    EXPECT(!engine_store_new(engine, &store));
    EXPECT(!component_instance_new(store, c, NULL, &i));
    ComponentVal arg = {.kind = CT_U32, .bits = row->arg}, got = {0};
    Error *e = component_call(func(i, row->func), &arg, &arena, &got);
    const Error *trap = e ? error_find(e, ERROR_TRAP) : NULL;
    if (row->trap)
        EXPECT(trap && strstr(trap->message, row->trap));
    else if (e || (i64)got.bits != row->want)
        test_fail(__FILE__, __LINE__, "%s(0x%x) is %lld", row->func, row->arg, (long long)got.bits);
    if (!e) {
        EXPECT(!component_call(func(i, "calls"), NULL, &arena, &got));
        EXPECT_EQ(got.bits, strcmp(row->func, "s16") == 0); /* post-return ran */
    }
    error_free(e);
    store_free(store);
    component_instance_free(i);
    arena_release(&arena);
}

static void check_all(u32 instances)
{
    EngineConfig config;
    engine_config_init(&config);
    config.limits.instances = instances;
    Engine *engine = NULL;
    if (engine_new(&config, &engine))
        test_skip("no such processor");
    ComponentOptions o = {.features = config.features,
                          .component_features = component_features_default()};
    LoadedComponent *c = NULL;
    EXPECT(!component_load(engine, &o, sample_scalars, sizeof sample_scalars, NULL, &c));
    for (usize i = 0; i < ARRAY_LEN(rows); i++)
        check_row(engine, c, &rows[i]);
    component_unref(c);
    engine_free(engine);
}

TEST(component_adapters_check_and_convert)
{
    check_all(100);
}

TEST(component_calls_without_adapters_do_the_same)
{
    check_all(1); /* the component's own instance, none for adapters */
}

TEST(component_adapters_of_other_types_are_others)
{
    EngineConfig config;
    engine_config_init(&config);
    Engine *engine = NULL;
    if (engine_new(&config, &engine))
        test_skip("no such processor");
    ComponentOptions o = {.features = config.features,
                          .component_features = component_features_default()};
    LoadedComponent *c = NULL;
    EXPECT(!component_load(engine, &o, sample_scalars, sizeof sample_scalars, NULL, &c));
    const Component *k = component_decoded(c);
    Buf keys[8] = {0};
    u32 n = MIN(k->counts[SORT_FUNC], 6);
    for (u32 i = 0; i < n; i++) {
        FlatSig sig;
        CanonOptions options = {0};
        const CType *type = ctype_get(k->types, k->funcs[i]);
        u32 imports = 0;
        ctype_flatten(k->types, type, FLAT_LIFT, &options, &sig);
        AdapterSide side = {&sig, STRING_UTF8, false, false, false};
        AdapterShape s = {
            .types = k->types, .func = type, .caller = side, .callee = side, .nentered = 1};
        EXPECT(adapter_encode(&s, &keys[i], &imports));
        for (u32 other = 0; other < i; other++)
            EXPECT(!str_eq((Str){(char *)keys[i].p, keys[i].n},
                           (Str){(char *)keys[other].p, keys[other].n}));
    }
    EXPECT_EQ(n, 6);
    for (u32 i = 0; i < n; i++)
        buf_release(&keys[i]);
    component_unref(c);
    engine_free(engine);
}

static bool owns_all(const void *callee, u32 resource)
{
    (void)resource;
    return callee == NULL;
}

static bool can_encode(const Component *k, const CType *type, bool owns)
{
    FlatSig sig;
    CanonOptions options = {0};
    Buf bytes = {0};
    u32 imports = 0;
    ctype_flatten(k->types, type, FLAT_LIFT, &options, &sig);
    AdapterSide side = {&sig, STRING_UTF8, false, false, false};
    AdapterShape s = {.types = k->types,
                      .func = type,
                      .caller = side,
                      .callee = side,
                      .nentered = 1,
                      .owns = owns ? owns_all : NULL};
    bool possible = adapter_encode(&s, &bytes, &imports);
    buf_release(&bytes);
    return possible;
}

/* A borrowed handle becomes one of the callee's, which trees count, unless the callee has its type.
 */
TEST(component_adapters_take_handles)
{
    EngineConfig config;
    engine_config_init(&config);
    Engine *engine = NULL;
    if (engine_new(&config, &engine))
        test_skip("no such processor");
    ComponentOptions o = {.features = config.features,
                          .component_features = component_features_default()};
    LoadedComponent *c = NULL;
    EXPECT(!component_load(engine, &o, sample_resource, sizeof sample_resource, NULL, &c));
    const Component *k = component_decoded(c);
    u32 borrows = 0, owns = 0;
    for (u32 i = 0; i < k->counts[SORT_FUNC]; i++) {
        const CType *type = ctype_get(k->types, k->funcs[i]);
        CTypeKind first =
            type->n ? (CTypeKind)ctype_get(k->types, type->fields[0].type)->kind : CT_BOOL;
        borrows += first == CT_BORROW;
        owns += first == CT_OWN;
        EXPECT(can_encode(k, type, true));
        EXPECT_EQ(can_encode(k, type, false), first != CT_BORROW);
    }
    EXPECT(borrows > 0 && owns > 0);
    component_unref(c);
    engine_free(engine);
}
