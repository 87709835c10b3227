/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Compiled components: written, loaded, run; damaged ones are refused. */
#include "component/instance.h"
#include "engine/image.h"
#include "unit/component/samples.h"
#include "unit/test.h"

static Engine *make_engine(bool compiles)
{
    EngineConfig c;
    Engine *e = NULL;
    engine_config_init(&c);
    c.lazy = !compiles;
    c.compile_threads = 1;
    c.tunables.direct_calls = compiles;
    if (engine_new(&c, &e))
        test_skip("no such processor");
    return e;
}

static ComponentOptions options_of(const Engine *e)
{
    return (ComponentOptions){.features = engine_config(e)->features,
                              .component_features = component_features_default()};
}

static Buf compile(const u8 *p, usize n)
{
    Engine *e = make_engine(true);
    ComponentOptions o = options_of(e);
    LoadedComponent *c = NULL;
    Buf out = {0};
    EXPECT(!component_load(e, &o, p, n, NULL, &c));
    EXPECT(!component_serialize(c, &out));
    component_unref(c);
    engine_free(e);
    return out;
}

static Error *load(Engine *e, const Buf *b, LoadedComponent **ret_component)
{
    ComponentOptions o = options_of(e);
    CompiledComponent *file = NULL;
    Error *error = engine_component_open(e, b->p, b->n, &file);
    return error ? error : component_load_compiled(e, &o, file, ret_component);
}

TEST(compiled_components_run)
{
    Buf b = compile(sample_scalars, sizeof sample_scalars);
    EXPECT(engine_is_compiled(b.p, b.n) && engine_is_compiled_component(b.p, b.n));
    Engine *e = make_engine(false);
    LoadedComponent *c = NULL;
    Store *s = NULL;
    ComponentInstance *i = NULL;
    ComponentItem item;
    EXPECT(!load(e, &b, &c));
    EXPECT(!engine_store_new(e, &s));
    EXPECT(!component_instance_new(s, c, NULL, &i));
    EXPECT(items_find(component_exports(i), STR("u8"), &item) && item.sort == SORT_FUNC);
    Arena arena;
    arena_init(&arena);
    ComponentVal arg = {.kind = CT_U32, .bits = 0x1c8}, result = {0};
    EXPECT(!component_call(item.func, &arg, &arena, &result));
    EXPECT_EQ(result.bits, 200);
    arena_release(&arena);
    Buf again = {0};
    Error *error = component_serialize(c, &again);
    EXPECT(error && strstr(error->message, "direct calls"));
    error_free(error);
    component_unref(c);
    store_free(s);
    component_instance_free(i);
    engine_free(e);
    buf_release(&b);
}

static void expect_refused(Engine *e, const Buf *b, const char *why)
{
    LoadedComponent *c = NULL;
    Error *error = load(e, b, &c);
    Buf text = {0};
    for (const Error *x = error; x; x = x->cause)
        buf_str(&text, str_of(x->message));
    buf_u8(&text, 0);
    if (!strstr((char *)text.p, why))
        test_fail(__FILE__, __LINE__, "\"%s\" lacks \"%s\"", (char *)text.p, why);
    buf_release(&text);
    error_free(error);
}

TEST(compiled_components_are_no_modules_and_the_other_way_round)
{
    Buf b = compile(sample_scalars, sizeof sample_scalars);
    Engine *e = make_engine(true);
    Module *m = NULL;
    Error *error = engine_module_load(e, b.p, b.n, &m);
    EXPECT(error && strstr(error->cause->message, "the file holds no core module"));
    error_free(error);
    static const u8 empty[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    Buf module = {0};
    EXPECT(!engine_module_new(e, empty, sizeof empty, NULL, &m));
    EXPECT(!engine_module_serialize(e, m, &module));
    expect_refused(e, &module, "the file holds no component");
    module_unref(m);
    engine_free(e);
    buf_release(&b);
    buf_release(&module);
}

TEST(compiled_components_that_are_damaged_are_refused)
{
    Buf b = compile(sample_scalars, sizeof sample_scalars);
    Engine *e = make_engine(false);
    const usize header = 64;
    for (usize at = 0; at < b.n; at += at < 512 ? 1 : 131) {
        b.p[at] ^= 0x10;
        LoadedComponent *c = NULL;
        Error *error = load(e, &b, &c);
        if (!error)
            test_fail(__FILE__, __LINE__, "a change at %zu goes unnoticed", at);
        error_free(error);
        b.p[at] ^= 0x10;
    }
    /* The checksum is right, but a module is missing, or there is one too many. */
    ImageHeader h;
    memcpy(&h, b.p + header, sizeof h);
    h.modules.size -= sizeof(ImageModule);
    memcpy(b.p + header, &h, sizeof h);
    image_seal(b.p, b.n);
    expect_refused(e, &b, "damaged: its tables do not fit");
    engine_free(e);
    buf_release(&b);
}
