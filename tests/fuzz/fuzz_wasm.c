/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Fuzz targets of src/wasm: binary and text format. */
#include "fuzz/gen.h"
#include "fuzz/targets.h"
#include "ref/interp.h"
#include "wasm/text/text.h"
#include "wasm/wast/wast.h"

static FeatureSet all_features(void)
{
    return ((FeatureSet)1 << FEATURE_COUNT) - 1;
}

static WasmModule *decode(TypeRegistry *r, FeatureSet features, const u8 *p, usize n, Diag *diag)
{
    DecodeOptions o = {.features = features};
    diag_init(diag);
    WasmModule *m = module_decode(r, &o, p, n, diag);
    if (!m == diag_ok(diag))
        fuzz_finding("a module and a diagnostic, or neither: %s", diag->msg);
    return m;
}

/*
 * Any bytes. The first one chooses how they become a module: as they are, behind a header, or a
 * generated valid module with bytes of the input put over it (position, value, ...).
 */
static void decode_input(const u8 *p, usize n, Buf *out)
{
    static const u8 header[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    u8 how = n ? *p++ : 0;
    n -= n > 0;
    if (how < 64) {
        buf_bytes(out, header, sizeof header);
        buf_bytes(out, p, n);
    } else if (how < 128 || n < 8) {
        buf_bytes(out, p, n);
    } else {
        GenOptions o = {.features = gen_features()};
        usize edits = MIN(n / 2, how % 16U * 3);
        gen_module(&o, p + edits, n - edits, out);
        for (usize i = 0; i + 3 <= edits; i += 3)
            out->p[load_u16(p + i) % out->n] = p[i + 2];
    }
}

void fuzz_decode(const u8 *p, usize n)
{
    Buf b = {0};
    TypeRegistry *r = types_new();
    Diag diag, again;
    decode_input(p, n, &b);
    WasmModule *m = decode(r, all_features(), b.p, b.n, &diag);
    WasmModule *m2 = decode(r, features_default(), b.p, b.n, &again);
    if (m2 && !m)
        fuzz_finding("valid with fewer features only: %s", diag.msg);
    module_free(m);
    module_free(m2);
    types_free(r);
    buf_release(&b);
}

static void parse_module(Str source)
{
    Buf binary = {0};
    TextMap map = {0};
    Diag diag;
    diag_init(&diag);
    if (text_parse_module(source, &(TextOptions){0}, &binary, &map, &diag)) {
        TypeRegistry *r = types_new();
        WasmModule *m = decode(r, all_features(), binary.p, binary.n, &diag);
        if (!m && text_map_offset(&map, diag.offset) > source.n)
            fuzz_finding("an error behind the text");
        module_free(m);
        types_free(r);
    } else if (diag_ok(&diag) || diag.offset > source.n) {
        fuzz_finding("refused without a place in the text: %s", diag.msg);
    } else {
        error_free(text_error("fuzz.wat", source, &diag));
    }
    buf_release(&binary);
    vec_release(&map);
}

static void parse_script(Str source)
{
    WastScript *s = wast_open(source);
    WastCommand c;
    Diag diag;
    diag_init(&diag);
    while (wast_next(s, &c, &diag)) {
        Buf binary = {0};
        Diag d;
        diag_init(&d);
        if (c.has_module && !c.module.is_component)
            wast_module_binary(s, &c.module, &binary, NULL, &d);
        buf_release(&binary);
    }
    wast_close(s);
}

void fuzz_text(const u8 *p, usize n)
{
    Str source = {(const char *)p, n};
    parse_module(source);
    parse_script(source);
}

void fuzz_gen(const u8 *p, usize n)
{
    GenOptions o = {.features = gen_features()};
    Buf wasm = {0};
    Diag diag;
    TypeRegistry *r = types_new();
    gen_module(&o, p, n, &wasm);
    WasmModule *m = decode(r, gen_features() | features_default(), wasm.p, wasm.n, &diag);
    if (!m)
        fuzz_finding("generated module: %s at %llu", diag.msg, (unsigned long long)diag.offset);
    module_free(m);
    types_free(r);
    buf_release(&wasm);
}
