/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Fuzz targets of components: their binary format, their text, and values as text. */
#include "component/wave.h"
#include "fuzz/targets.h"
#include "wit/component.h"
#include "wit/text/ctext.h"

/*
 * A component with one of most definitions: a module, instances, a lifted function, types, a
 * resource and a component inside that gives one out.
 */
static const u8 seed[] = {
    0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00,
    /* core module: f gives 42 */
    0x01, 0x22, 0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x05, 0x01, 0x60, 0x00, 0x01,
    0x7f, 0x03, 0x02, 0x01, 0x00, 0x07, 0x05, 0x01, 0x01, 0x66, 0x00, 0x00, 0x0a, 0x06, 0x01, 0x04,
    0x00, 0x41, 0x2a, 0x0b,
    /* its instance, and the alias of f */
    0x02, 0x04, 0x01, 0x00, 0x00, 0x00, 0x06, 0x07, 0x01, 0x00, 0x00, 0x01, 0x00, 0x01, 0x66,
    /* types: a function, a resource, a handle; canon lift and resource.new */
    0x07, 0x0a, 0x03, 0x40, 0x00, 0x00, 0x79, 0x3f, 0x7f, 0x00, 0x69, 0x01, 0x08, 0x08, 0x02, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x02, 0x01,
    /* a component with a resource, twice instantiated */
    0x04, 0x17, 0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00, 0x07, 0x04, 0x01, 0x3f, 0x7f, 0x00,
    0x0b, 0x07, 0x01, 0x00, 0x01, 0x72, 0x03, 0x00, 0x00, 0x05, 0x07, 0x02, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x06, 0x06, 0x01, 0x03, 0x00, 0x00, 0x01, 0x72,
    /* exports */
    0x0b, 0x0d, 0x02, 0x00, 0x01, 0x66, 0x01, 0x00, 0x00, 0x00, 0x01, 0x67, 0x03, 0x01, 0x00};

/* Any bytes behind a header, or the seed with bytes of the input put over it or in between. */
static void component_input(const u8 *p, usize n, Buf *out)
{
    u8 how = n ? *p++ : 0;
    n -= n > 0;
    if (how < 64) {
        buf_bytes(out, seed, 8);
        buf_bytes(out, p, n);
        return;
    }
    buf_bytes(out, seed, sizeof seed);
    for (usize i = 0; i + 2 <= n && i < (how % 16U + 1) * 2; i += 2)
        out->p[8 + p[i] % (out->n - 8)] = p[i + 1];
}

static Component *decode(TypeRegistry *r, const Buf *b, ComponentFeatures features)
{
    Diag diag;
    ComponentOptions o = {.features = features_default(), .component_features = features};
    Component *c = component_decode(r, &o, b->p, b->n, &diag);
    if (!c == diag_ok(&diag))
        fuzz_finding("a component and a diagnostic, or neither: %s", diag.msg);
    return c;
}

/* The text of a component parses to one with the same text. */
static void check_text(TypeRegistry *r, const Component *c)
{
    Buf first = {0}, second = {0}, binary = {0};
    Diag diag;
    diag_init(&diag);
    component_text_print(c, &first);
    Str text = {(char *)first.p, first.n};
    if (!component_text_parse(text, &(TextOptions){.any_unicode = true}, &binary, NULL, &diag))
        fuzz_finding("the printed text does not parse: %s at %llu of\n%.*s", diag.msg,
                     (unsigned long long)diag.offset, STR_ARG(text));
    Component *again = decode(r, &binary, (COMPONENT_FEATURE_MASK(IMPLEMENTS) << 1) - 1);
    if (!again)
        fuzz_finding("the printed text is not valid:\n%.*s", STR_ARG(text));
    component_text_print(again, &second);
    if (first.n != second.n || memcmp(first.p, second.p, first.n) != 0)
        fuzz_finding("the printed text prints differently:\n%.*s", STR_ARG(text));
    component_free(again);
    buf_release(&first);
    buf_release(&second);
    buf_release(&binary);
}

void fuzz_component(const u8 *p, usize n)
{
    Buf b = {0}, encoded = {0};
    TypeRegistry *r = types_new();
    component_input(p, n, &b);
    ComponentFeatures all = (COMPONENT_FEATURE_MASK(IMPLEMENTS) << 1) - 1;
    Component *c = decode(r, &b, all), *fewer = decode(r, &b, component_features_default());
    if (fewer && !c)
        fuzz_finding("a component that is valid with fewer features only");
    if (c) {
        component_encode(c, &encoded);
        Component *again = decode(r, &encoded, all);
        if (!again || again->types->n != c->types->n)
            fuzz_finding("a component that is another one when it is encoded");
        component_free(again);
        check_text(r, c);
    }
    component_free(c);
    component_free(fewer);
    if (types_count(r) != 0)
        fuzz_finding("%u types left", types_count(r));
    types_free(r);
    buf_release(&b);
    buf_release(&encoded);
}

/* --- the text format --- */

static const char text_seed[] =
    "(component $C (import \"a:b/c@1.0.0\" (instance $i (export \"r\" (type $r (sub resource)))"
    " (export \"f\" (func (param \"x\" (borrow $r)) (result u32)))))"
    " (core module $m (memory (export \"m\") 1) (func (export \"f\") (param i32) (result i32)"
    " local.get 0)) (core instance $n (instantiate $m)) (alias export $i \"f\" (func $f))"
    " (core func $g (canon lower (func $f) (memory (core memory $n \"m\")) string-encoding=utf16))"
    " (type $t (record (field \"a\" u8) (field \"b\" (list (option char))))) (export $u \"t\" "
    "(type $t))"
    " (func (export \"h\") (param \"x\" u32) (result s8) (canon lift (core func $n \"f\")))"
    " (component $D (type (variant (case \"x\") (case \"y\" (result u8 (error string)))))"
    " (type (flags \"p\" \"q\")) (type (func (param \"s\" (tuple f32 f64)))) (alias outer $C $t "
    "(type)))"
    " (instance (instantiate $D)) (core func (canon resource.drop (type $i \"r\"))))";

/* The input itself, or the seed with spans of it removed, repeated or moved. */
static void text_input(const u8 *p, usize n, Buf *out)
{
    u8 how = n ? *p++ : 0;
    n -= n > 0;
    if (how < 64) {
        buf_bytes(out, p, n);
        return;
    }
    buf_str(out, str_of(text_seed));
    for (usize i = 0; i + 4 <= n && out->n > 8 && i < (how % 16U + 1) * 4; i += 4) {
        usize at = load_u16(p + i) % out->n, length = 1 + p[i + 2] % 16U;
        length = MIN(length, out->n - at);
        char span[16];
        memcpy(span, out->p + at, length);
        if (p[i + 3] % 3 != 0) { /* taken out */
            memmove(out->p + at, out->p + at + length, out->n - at - length);
            out->n -= length;
        }
        if (p[i + 3] % 3 != 1) { /* put somewhere else */
            usize to = p[i + 3] * 7U % (out->n + 1);
            buf_bytes(out, span, length);
            memmove(out->p + to + length, out->p + to, out->n - length - to);
            memcpy(out->p + to, span, length);
        }
    }
}

void fuzz_component_text(const u8 *p, usize n)
{
    Buf source = {0}, binary = {0};
    TextMap map = {0};
    Diag diag;
    diag_init(&diag);
    text_input(p, n, &source);
    Str text = {(const char *)source.p, source.n};
    if (component_text_parse(text, &(TextOptions){0}, &binary, &map, &diag)) {
        for (u32 i = 0; i < map.n; i++)
            if (map.p[i].binary > binary.n || map.p[i].text > text.n)
                fuzz_finding("the map leads out of the text");
        TypeRegistry *r = types_new();
        component_free(decode(r, &binary, (COMPONENT_FEATURE_MASK(IMPLEMENTS) << 1) - 1));
        types_free(r);
        buf_release(&binary);
        vec_release(&map);
    } else if (diag_ok(&diag) || diag.offset > text.n) {
        fuzz_finding("a text refused without a place: %s", diag.msg);
    }
    buf_release(&source);
}

/* --- WAVE --- */

/* What a value reads as, it prints as, and that reads as an equal value. */
static void read_and_print(const Component *c, CTypeId type, Str text)
{
    Arena arena;
    arena_init(&arena);
    ComponentVal first = {0}, second = {0};
    Error *e = wave_parse(c->types, type, text, &arena, &first);
    Buf out = {0};
    if (!e) {
        wave_print(c->types, type, &first, &out);
        e = wave_parse(c->types, type, (Str){(const char *)out.p, out.n}, &arena, &second);
        if (e || !val_equal(c->types, type, &first, &second))
            fuzz_finding("%s: %.*s", e ? e->message : "another value", (int)out.n,
                         (const char *)out.p);
    } else if (!*e->message) {
        fuzz_finding("an error without a message");
    }
    error_free(e);
    buf_release(&out);
    arena_release(&arena);
}

/* One type of each kind; the first byte chooses, the rest is the text. */
static const char wave_types[] =
    "(component (type (enum \"red\" \"green\")) (type (flags \"r\" \"w\" \"x\"))"
    " (type (record (field \"a\" u8) (field \"b\" (option s64)) (field \"c\" string)))"
    " (type (variant (case \"none\") (case \"some\" u32) (case \"l\" (list string))))"
    " (type (list (tuple f32 char bool))) (type (option (option u8)))"
    " (type (result u8 (error string))) (type (result)) (type (tuple f64 s8))"
    " (type (list (list u16))))";

void fuzz_wave(const u8 *p, usize n)
{
    Buf binary = {0};
    Diag diag;
    diag_init(&diag);
    if (n == 0)
        return;
    if (!component_text_parse(str_of(wave_types), &(TextOptions){0}, &binary, NULL, &diag))
        fuzz_finding("%s", diag.msg);
    TypeRegistry *r = types_new();
    Component *c = decode(r, &binary, component_features_default());
    u32 ntypes = c->counts[SORT_TYPE];
    CTypeId type = p[0] % 2 ? c->ctypes[p[0] / 2 % ntypes] : p[0] / 2 % (u32)CT_ERROR_CONTEXT;
    read_and_print(c, type, (Str){(const char *)p + 1, n - 1});
    component_free(c);
    types_free(r);
    buf_release(&binary);
}
