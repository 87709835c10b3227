/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Fuzz target: the loader of compiled files. A compiled module or component with bytes of the input
 * put over it (three bytes each: place and value), its checksum made right again, is refused or
 * loaded. It is not run: whoever can write compiled files can write machine code.
 */
#include "component/instance.h"
#include "engine/engine.h"
#include "engine/image.h"
#include "fuzz/gen.h"
#include "fuzz/targets.h"

static void must(Error *e, const char *what)
{
    if (e)
        fuzz_finding("%s: %s", what, e->message);
}

/* Places count from the start of the file and, in every other edit, from the tables at its end. */
static void edit(Buf *image, const u8 *p, usize n)
{
    ImageHeader h;
    memcpy(&h, image->p + 64, sizeof h);
    usize tables = (usize)h.funcs.at;
    for (usize i = 0; i + 3 <= n; i += 3) {
        usize place = load_u16(p + i);
        usize at = place % 2 ? tables + place / 2 % (image->n - tables) : place / 2 % 512;
        image->p[at] = p[i + 2];
    }
}

/* A component with the module in it, and in a component in that. */
static void wrap(const Buf *wasm, Buf *out)
{
    static const u8 preamble[] = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};
    Buf inner = {0};
    buf_bytes(&inner, preamble, sizeof preamble);
    buf_u8(&inner, 1);
    buf_uleb(&inner, wasm->n);
    buf_bytes(&inner, wasm->p, wasm->n);
    buf_bytes(out, inner.p, inner.n);
    buf_u8(out, 4);
    buf_uleb(out, inner.n);
    buf_bytes(out, inner.p, inner.n);
    buf_release(&inner);
}

static const ComponentOptions *options(ComponentOptions *o, const EngineConfig *c)
{
    *o = (ComponentOptions){.features = c->features,
                            .component_features = component_features_default()};
    return o;
}

static void compile(Engine *e, const Buf *wasm, bool component, Buf *ret_image)
{
    Module *m = NULL;
    LoadedComponent *l = NULL;
    ComponentOptions o;
    if (component) {
        Buf bytes = {0};
        wrap(wasm, &bytes);
        must(component_load(e, options(&o, engine_config(e)), bytes.p, bytes.n, NULL, &l),
             "component");
        must(component_serialize(l, ret_image), "serialize");
        buf_release(&bytes);
    } else {
        must(engine_module_new(e, wasm->p, wasm->n, NULL, &m), "module");
        must(engine_module_serialize(e, m, ret_image), "serialize");
    }
    module_unref(m);
    component_unref(l);
}

static Error *load(Engine *e, const u8 *p, usize n, bool component)
{
    Module *m = NULL;
    LoadedComponent *l = NULL;
    CompiledComponent *file = NULL;
    ComponentOptions o;
    Error *error = NULL;
    if (component) {
        error = engine_component_open(e, p, n, &file);
        if (!error)
            error = component_load_compiled(e, options(&o, engine_config(e)), file, &l);
    } else {
        error = engine_module_load(e, p, n, &m);
    }
    if (!error != (m || l))
        fuzz_finding("something was loaded and an error, or neither");
    module_unref(m);
    component_unref(l);
    return error;
}

void fuzz_image(const u8 *p, usize n)
{
    EngineConfig c;
    Engine *e = NULL;
    Buf wasm = {0}, image = {0};
    GenOptions o = {.features = gen_features()};
    u8 how = n ? *p++ : 0;
    n -= n > 0;
    bool component = how & 0x20;
    engine_config_init(&c);
    c.features |= gen_features();
    c.lazy = false;
    c.compile_threads = 1;
    c.tunables.direct_calls = true;
    must(engine_new(&c, &e), "engine");
    gen_module(&o, &how, how % 4 != 0, &wasm);
    compile(e, &wasm, component, &image);
    edit(&image, p, n);
    usize size = how & 0x80 ? image.n : image.n - MIN(image.n, how);
    if (how & 0x40 && size > 64 + sizeof(ImageHeader))
        image_seal(image.p, size);
    Error *error = load(e, image.p, size, component);
    if (!error && n < 3 && size != image.n)
        fuzz_finding("a truncated file was loaded");
    if (error && n < 3 && size == image.n)
        must(error, "a whole file was refused");
    error_free(error);
    engine_free(e);
    buf_release(&wasm);
    buf_release(&image);
}
