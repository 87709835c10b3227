/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Fuzz target: the loader of compiled files. A compiled module with bytes of the input put over it
 * (three bytes each: place and value), its checksum made right again, is refused or loaded. It is
 * not run: whoever can write compiled files can write machine code.
 */
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

void fuzz_image(const u8 *p, usize n)
{
    EngineConfig c;
    Engine *e = NULL;
    Module *m = NULL;
    Buf wasm = {0}, image = {0};
    GenOptions o = {.features = gen_features()};
    u8 how = n ? *p++ : 0;
    n -= n > 0;
    engine_config_init(&c);
    c.features |= gen_features();
    c.lazy = false;
    c.compile_threads = 1;
    c.tunables.direct_calls = true;
    must(engine_new(&c, &e), "engine");
    gen_module(&o, &how, how % 4 != 0, &wasm);
    must(engine_module_new(e, wasm.p, wasm.n, NULL, &m), "module");
    must(engine_module_serialize(e, m, &image), "serialize");
    m = module_unref(m);
    edit(&image, p, n);
    usize size = how & 0x80 ? image.n : image.n - MIN(image.n, how);
    if (how & 0x40 && size > 64 + sizeof(ImageHeader))
        image_seal(image.p, size);
    Error *error = engine_module_load(e, image.p, size, &m);
    if (!error != (m != NULL))
        fuzz_finding("a module and an error, or neither");
    if (!error && n < 3 && size != image.n)
        fuzz_finding("a truncated file was loaded");
    if (error && n < 3 && size == image.n)
        must(error, "a whole file was refused");
    error_free(error);
    module_unref(m);
    engine_free(e);
    buf_release(&wasm);
    buf_release(&image);
}
