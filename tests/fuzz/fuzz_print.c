/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Fuzz target: a module printed as text parses back to a module that prints the same. */
#include "fuzz/gen.h"
#include "fuzz/targets.h"
#include "wasm/text/text.h"

static WasmModule *decode(TypeRegistry *r, const Buf *b)
{
    DecodeOptions o = {.features = ((FeatureSet)1 << FEATURE_COUNT) - 1};
    Diag diag;
    diag_init(&diag);
    return module_decode(r, &o, b->p, b->n, &diag);
}

/* The bytes themselves if they are a module, otherwise a module generated from them. */
static WasmModule *input(TypeRegistry *r, const u8 *p, usize n)
{
    GenOptions o = {.features = gen_features()};
    Buf b = {0};
    buf_bytes(&b, p, n);
    WasmModule *m = decode(r, &b);
    if (!m) {
        b.n = 0;
        gen_module(&o, p, n, &b);
        m = decode(r, &b);
    }
    buf_release(&b);
    if (!m)
        fuzz_finding("generated module is not valid");
    return m;
}

void fuzz_print(const u8 *p, usize n)
{
    TypeRegistry *r = types_new();
    WasmModule *m = input(r, p, n);
    Buf text = {0}, binary = {0}, again = {0};
    Diag diag;
    diag_init(&diag);
    text_print(m, &text);
    Str source = {(const char *)text.p, text.n};
    if (!text_parse_module(source, &(TextOptions){0}, &binary, NULL, &diag))
        fuzz_finding("printed text does not parse: %s at %llu", diag.msg,
                     (unsigned long long)diag.offset);
    WasmModule *m2 = decode(r, &binary);
    if (!m2)
        fuzz_finding("parsed text is not valid");
    text_print(m2, &again);
    if (again.n != text.n || memcmp(again.p, text.p, text.n) != 0)
        fuzz_finding("text changes when it is parsed and printed");
    module_free(m);
    module_free(m2);
    types_free(r);
    buf_release(&text);
    buf_release(&binary);
    buf_release(&again);
}
