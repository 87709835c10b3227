/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The component decoder: cases of a few bytes each, and the real components of the suites. */
#include "wit/component.h"

#include "unit/wasm/wasm_fixture.h"

enum { ALL = -1 };

static Component *decode(TypeRegistry *r, const Buf *b, u32 features, Diag *diag)
{
    ComponentOptions o = {.features = features_default(), .component_features = features};
    return component_decode(r, &o, b->p, b->n, diag);
}

static void component_hex(Buf *b, const char *hex)
{
    wasm_hex(b, "00 61 73 6d 0d 00 01 00");
    wasm_hex(b, hex);
}

/* The sections must decode; then encode and decode again to as many types and the same bytes. */
static Component *decode_hex(TypeRegistry *r, const char *file, int line, const char *hex)
{
    Buf b = {0}, again = {0}, third = {0};
    Diag diag;
    component_hex(&b, hex);
    Component *c = decode(r, &b, (u32)ALL, &diag);
    if (!c)
        test_fail(file, line, "%s", diag.msg);
    component_encode(c, &again);
    Component *copy = decode(r, &again, (u32)ALL, &diag);
    if (!copy)
        test_fail(file, line, "encoded again: %s", diag.msg);
    component_encode(copy, &third);
    if (again.n != third.n || memcmp(again.p, third.p, again.n) != 0 ||
        copy->types->n != c->types->n)
        test_fail(file, line, "encoding is not stable");
    component_free(copy);
    buf_release(&b);
    buf_release(&again);
    buf_release(&third);
    return c;
}

static void expect_error(const char *file, int line, u32 features, DiagKind kind, i64 offset,
                         const char *message, const char *hex)
{
    Buf b = {0};
    Diag diag;
    TypeRegistry *r = types_new();
    component_hex(&b, hex);
    Component *c = decode(r, &b, features, &diag);
    if (c)
        test_fail(file, line, "is valid, expected: %s", message);
    if (diag.kind != kind || !strstr(diag.msg, message) ||
        (offset >= 0 && diag.offset != (u64)offset))
        test_fail(file, line, "kind %d at %llu: %s; expected kind %d at %lld: %s", diag.kind,
                  (unsigned long long)diag.offset, diag.msg, kind, (long long)offset, message);
    EXPECT_EQ(types_count(r), 0);
    types_free(r);
    buf_release(&b);
}

#define DECODE(r, hex) decode_hex((r), __FILE__, __LINE__, (hex))
#define EXPECT_BAD(kind, offset, message, hex)                                                     \
    expect_error(__FILE__, __LINE__, (u32)ALL, (kind), (offset), (message), (hex))

static void drop(Component *c, TypeRegistry *r)
{
    component_free(c);
    EXPECT_EQ(types_count(r), 0);
    types_free(r);
}

TEST(component_empty)
{
    TypeRegistry *r = types_new();
    Component *c = DECODE(r, "");
    EXPECT_EQ(c->ndefs, 0);
    EXPECT_EQ(ctype_get(c->types, c->type)->kind, CT_COMPONENT);
    drop(c, r);
}

TEST(component_layouts)
{
    TypeRegistry *r = types_new();
    /* record { a: u8, b: u64, c: string }; variant { x: f32, y: u64, z }; flags of 9; list 3 u16;
     * option of the record */
    Component *c = DECODE(r, "07 [ 05"
                             "72 03 01 61 7d 01 62 77 01 63 73"
                             "71 03 01 78 01 76 00 01 79 01 77 00 01 7a 00 00"
                             "6e 09 01 61 01 62 01 63 01 64 01 65 01 66 01 67 01 68 01 69"
                             "67 7b 03"
                             "6b 00 ]");
    const CType *rec = ctype_get(c->types, c->ctypes[0]);
    EXPECT_EQ(rec->fields[1].offset[0], 8);
    EXPECT_EQ(rec->fields[2].offset[0], 16);
    EXPECT_EQ(rec->layout[0].size, 24);
    EXPECT_EQ(rec->layout[1].size, 32);
    EXPECT_EQ(rec->layout[0].nflat, 4);
    EXPECT_EQ(rec->layout[0].flat[1], VT_I64);
    EXPECT(rec->has_pointers);
    const CType *v = ctype_get(c->types, c->ctypes[1]);
    EXPECT_EQ(v->payload_offset[0], 8);
    EXPECT_EQ(v->layout[0].size, 16);
    EXPECT_EQ(v->layout[0].nflat, 2);
    EXPECT_EQ(v->layout[0].flat[1], VT_I64); /* f32 and i64 share it */
    EXPECT_EQ(ctype_get(c->types, c->ctypes[2])->layout[0].size, 2);
    EXPECT_EQ(ctype_get(c->types, c->ctypes[3])->layout[0].size, 6);
    EXPECT_EQ(ctype_get(c->types, c->ctypes[3])->layout[0].nflat, 3);
    EXPECT_EQ(ctype_get(c->types, c->ctypes[4])->layout[0].size, 32);
    EXPECT_EQ(ctype_get(c->types, c->ctypes[4])->layout[0].nflat, 5);
    drop(c, r);
}

TEST(component_signatures)
{
    TypeRegistry *r = types_new();
    /* tuple of 17 u32; func(p: tuple) -> string; async func(a: u32) -> u32 */
    Component *c = DECODE(r, "07 [ 03"
                             "6f 11 79 79 79 79 79 79 79 79 79 79 79 79 79 79 79 79 79"
                             "40 01 01 70 00 00 73"
                             "43 01 01 61 79 00 79 ]");
    FlatSig s;
    CanonOptions sync = {0}, async = {.async = true, .has_callback = true};
    const CType *f = ctype_get(c->types, c->ctypes[1]), *g = ctype_get(c->types, c->ctypes[2]);
    ctype_flatten(c->types, f, FLAT_LIFT, &sync, &s);
    EXPECT(s.params_spilled && s.results_spilled);
    EXPECT_EQ(s.nparams, 1);
    EXPECT_EQ(s.nresults, 1);
    ctype_flatten(c->types, f, FLAT_LOWER, &sync, &s);
    EXPECT_EQ(s.nparams, 2); /* the tuple's address and where the result goes */
    EXPECT_EQ(s.nresults, 0);
    ctype_flatten(c->types, g, FLAT_LIFT, &async, &s);
    EXPECT_EQ(s.nparams, 1);
    EXPECT_EQ(s.nresults, 1);
    ctype_flatten(c->types, g, FLAT_LOWER, &async, &s);
    EXPECT_EQ(s.nparams, 2);
    EXPECT_EQ(s.nresults, 1);
    drop(c, r);
}

/* Equal types are equal by number, whatever nodes they are. */
TEST(component_equal_types)
{
    TypeRegistry *r = types_new();
    Component *c = DECODE(r, "07 [ 05 70 79  70 79  6b 00  6b 01  70 7a ]");
    EXPECT(c->ctypes[0] != c->ctypes[1]);
    EXPECT(ctype_equal(c->types, c->ctypes[0], c->ctypes[1]));
    EXPECT(ctype_equal(c->types, c->ctypes[2], c->ctypes[3]));
    EXPECT(!ctype_equal(c->types, c->ctypes[0], c->ctypes[4]));
    drop(c, r);
}

TEST(component_names)
{
    ExternName n;
    Diag diag;
    diag_init(&diag);
    EXPECT(extern_name_parse(STR("wasi:http/types@0.2.1-rc.1+b"), 0, &n, &diag));
    EXPECT_EQ(n.kind, NAME_INTERFACE);
    EXPECT(str_eq(n.ns, STR("wasi")) && str_eq(n.package, STR("http")));
    EXPECT(str_eq(n.interface, STR("types")) && str_eq(n.semver.pre, STR("rc.1")));
    EXPECT_EQ(n.semver.minor, 2);
    EXPECT(!n.canonical_version);
    EXPECT(extern_name_parse(STR("a:b/c@0.2"), 0, &n, &diag) && n.canonical_version);
    EXPECT(extern_name_parse(STR("[method]a-b.C-d"), 0, &n, &diag));
    EXPECT(n.kind == NAME_METHOD && str_eq(n.label, STR("a-b")) && str_eq(n.member, STR("C-d")));
    static const char *const bad[] = {"",          "a_b",           "1a",        "a--b",
                                      "aB",        "a:b",           "a:b/c@1.2", "a:b/c@01.0.0",
                                      "[method]a", "[constructor]", "a:b/c/d",   "A:b/c"};
    for (usize i = 0; i < ARRAY_LEN(bad); i++) {
        diag_init(&diag);
        if (extern_name_parse(str_of(bad[i]), 0, &n, &diag) || diag_ok(&diag))
            test_fail(__FILE__, __LINE__, "\"%s\" is a name", bad[i]);
    }
}

/* A resource that comes in stays apart from one that is defined, and each instantiation makes new
 * ones. */
TEST(component_resources)
{
    TypeRegistry *r = types_new();
    /* (component (type $r (resource (rep i32))) (export "r" (type $r))), twice instantiated */
    const char *twice = "04 [ 00 61 73 6d 0d 00 01 00"
                        "     07 [ 01 3f 7f 00 ] 0b [ 01 00 [ 72 ] 03 00 00 ] ]"
                        "05 [ 02  00 00 00  00 00 00 ]"
                        "06 [ 02  03 00 00 [ 72 ]  03 00 01 [ 72 ] ]";
    Component *c = DECODE(r, twice);
    const CType *a = ctype_get(c->types, c->ctypes[0]), *b = ctype_get(c->types, c->ctypes[1]);
    EXPECT(a->kind == CT_RESOURCE && b->kind == CT_RESOURCE && a->resource != b->resource);
    EXPECT(c->first_resource <= a->resource && a->resource < c->end_resource);
    EXPECT(c->components[0]->types->resources[c->components[0]->first_resource].defined);
    drop(c, r);
}

TEST(component_module_inside)
{
    TypeRegistry *r = types_new();
    /* a module that exports f: () -> i32, lifted to a function that gives u32 */
    Component *c = DECODE(r, "01 [ 00 61 73 6d 01 00 00 00 01 [ 01 60 00 01 7f ] 03 [ 01 00 ]"
                             "     07 [ 01 [ 66 ] 00 00 ] 0a [ 01 [ 00 41 2a 0b ] ] ]"
                             "02 [ 01 00 00 00 ]"
                             "06 [ 01 00 00 01 00 [ 66 ] ]"
                             "07 [ 01 40 00 00 79 ]"
                             "08 [ 01 00 00 00 00 00 ]"
                             "0b [ 01 00 [ 66 ] 01 00 00 ]");
    EXPECT_EQ(c->counts[SORT_CORE_FUNC], 1);
    EXPECT_EQ(c->counts[SORT_FUNC], 2); /* the lifted one, and its export */
    EXPECT_EQ(c->core_modules[0].module->nfuncs, 1);
    EXPECT_EQ(c->defs[4].kind, DEF_CANON);
    EXPECT_EQ(c->defs[4].canon.kind, CANON_lift);
    EXPECT_EQ(c->defs[4].canon.core_type, c->core_funcs[0]);
    const CType *t = ctype_get(c->types, c->type);
    EXPECT_EQ(t->nexports, 1);
    EXPECT(ctype_find_export(t, STR("f"))->sort == SORT_FUNC);
    drop(c, r);
    /* code inside is validated, and errors count from the component's start */
    EXPECT_BAD(DIAG_INVALID, 34, "type mismatch",
               "01 [ 00 61 73 6d 01 00 00 00 01 [ 01 60 00 01 7f ] 03 [ 01 00 ]"
               "     0a [ 01 [ 00 0b ] ] ]");
}

TEST(component_malformed)
{
    EXPECT_BAD(DIAG_MALFORMED, 8, "malformed section id", "0d 00");
    EXPECT_BAD(DIAG_MALFORMED, -1, "unexpected end-of-file", "07 03 00");
    EXPECT_BAD(DIAG_MALFORMED, 11, "section size mismatch", "07 02 00 00");
    EXPECT_BAD(DIAG_MALFORMED, 11, "invalid leading byte (0x60) for component defined type",
               "07 [ 01 60 ]");
    EXPECT_BAD(DIAG_MALFORMED, -1, "unexpected end-of-file", "07 [ ff ff 0f ]");
    EXPECT_BAD(DIAG_UNSUPPORTED, -1, "`value`s", "09 [ 00 ]");
}

TEST(component_invalid_types)
{
    EXPECT_BAD(DIAG_INVALID, -1, "type index out of bounds", "07 [ 01 70 00 ]");
    EXPECT_BAD(DIAG_INVALID, -1, "record type must have at least one field", "07 [ 01 72 00 ]");
    EXPECT_BAD(DIAG_INVALID, -1, "record field name `A` conflicts with previous field name `a`",
               "07 [ 01 72 02 [ 61 ] 79 [ 41 ] 79 ]");
    EXPECT_BAD(DIAG_INVALID, -1, "type index 0 is not a resource type", "07 [ 02 70 79 69 00 ]");
    EXPECT_BAD(DIAG_INVALID, -1, "exceeds maximum byte size", "07 [ 01 67 7d 80 80 80 80 01 ]");
    EXPECT_BAD(DIAG_INVALID, -1, "resources can only be defined within a concrete component",
               "07 [ 01 42 01 01 3f 7f 00 ]");
    EXPECT_BAD(DIAG_INVALID, -1, "func not valid to be used as import",
               "07 [ 02 72 01 [ 61 ] 79  40 01 [ 78 ] 00 01 00 ] 0a [ 01 00 [ 66 ] 01 01 ]");
}

/* What is gated is refused by name where its feature is off. */
TEST(component_features)
{
    static const struct {
        const char *message, *hex;
    } cases[] = {
        {"component model map", "07 [ 01 63 79 79 ]"},
        {"fixed-length lists", "07 [ 01 67 79 02 ]"},
        {"error-context", "07 [ 01 64 ]"},
        {"threading", "08 [ 01 26 ]"},
        {"memory64", "07 [ 01 3f 7e 00 ]"},
        {"implements", "0a [ 01 02 [ 61 ] 00 05 00 ]"},
        {"async builtins", "08 [ 01 06 01 ]"},
    };
    for (usize i = 0; i < ARRAY_LEN(cases); i++)
        expect_error(__FILE__, __LINE__, component_features_default(), DIAG_UNSUPPORTED, -1,
                     cases[i].message, cases[i].hex);
    EXPECT_STR(component_feature_name(COMPONENT_FEATURE_BIT_ASYNC), "component-model-async");
    EXPECT_EQ(component_features_default(), COMPONENT_FEATURE_MASK(ASYNC));
}

/* ---- bombs ---- */

static void expect_limit(const Buf *b, const char *message)
{
    Diag diag;
    TypeRegistry *r = types_new();
    Component *c = decode(r, b, (u32)ALL, &diag);
    if (c || !strstr(diag.msg, message))
        test_fail(__FILE__, __LINE__, "%s, expected: %s", c ? "is valid" : diag.msg, message);
    types_free(r);
}

/* Tuples of the one before, 16 times each: 16^n values in a few bytes. */
TEST(component_type_bomb)
{
    Buf b = {0}, types = {0};
    buf_uleb(&types, 31);
    wasm_hex(&types, "70 79");
    for (u32 i = 0; i < 30; i++) {
        wasm_hex(&types, "6f 10");
        for (u32 k = 0; k < 16; k++)
            buf_sleb(&types, i);
    }
    component_hex(&b, "");
    wasm_section(&b, 7, &types);
    expect_limit(&b, "type size exceeds the limit");
    buf_release(&b);
    buf_release(&types);
}

/* Chains of options and of components inside one another are too deep before they are too much. */
TEST(component_depth_bombs)
{
    Buf b = {0}, types = {0};
    buf_uleb(&types, 100000);
    wasm_hex(&types, "70 79");
    for (u32 i = 0; i < 99999; i++) {
        buf_u8(&types, 0x70);
        buf_sleb(&types, i);
    }
    component_hex(&b, "");
    wasm_section(&b, 7, &types);
    expect_limit(&b, "nesting is too deep");
    buf_release(&types);
    b.n = 0;
    for (u32 i = 0; i < 5000; i++) {
        Buf outer = {0};
        component_hex(&outer, "");
        if (i)
            wasm_section(&outer, 4, &b);
        buf_release(&b);
        b = outer;
    }
    expect_limit(&b, "nesting too deep");
    buf_release(&b);
    types.n = 0;
    buf_uleb(&types, 1);
    for (u32 i = 0; i < 5000; i++)
        wasm_hex(&types, "41 01 01");
    component_hex(&b, "");
    wasm_section(&b, 7, &types);
    expect_limit(&b, "nesting too deep");
    buf_release(&b);
    buf_release(&types);
}

/* Each component instantiates the one before twice and gives both out: 2^n resources. */
TEST(component_instance_bomb)
{
    Buf b = {0}, last = {0};
    component_hex(&b, "");
    component_hex(&last, "07 [ 01 3f 7f 00 ] 0b [ 01 00 [ 72 ] 03 00 00 ]");
    wasm_section(&b, 4, &last);
    for (u32 i = 0; i < 40; i++) {
        Buf next = {0}, type = {0};
        component_hex(&next, "");
        wasm_hex(&type, "01 04 02 01");
        buf_uleb(&type, i);
        wasm_section(&next, 6, &type);
        wasm_hex(&next, "05 [ 02 00 00 00 00 00 00 ]"
                        "0b [ 02 00 [ 61 ] 05 00 00 00 [ 62 ] 05 01 00 ]");
        wasm_section(&b, 4, &next);
        buf_release(&next);
        buf_release(&type);
    }
    expect_limit(&b, "instances are too big");
    buf_release(&b);
    buf_release(&last);
}

/* A thousand instances of a component with a thousand types of its own: little text, much work. */
TEST(component_instance_flood)
{
    Buf b = {0}, inner = {0}, types = {0}, exports = {0}, instances = {0};
    enum { N = 2000, INSTANCES = 1000 };
    component_hex(&inner, "07 [ 01 3f 7f 00 ] 0b [ 01 00 [ 72 ] 03 00 00 ] 07 [ 01 69 01 ]");
    buf_uleb(&types, N);
    buf_uleb(&exports, N);
    for (u32 i = 0; i < N; i++) {
        Buf name = {0};
        wasm_hex(&types, "6f 01 02");
        buf_printf(&name, "t%u", i);
        buf_u8(&exports, 0);
        buf_uleb(&exports, name.n);
        buf_bytes(&exports, name.p, name.n);
        buf_u8(&exports, 3);
        buf_uleb(&exports, 3 + i);
        buf_u8(&exports, 0);
        buf_release(&name);
    }
    wasm_section(&inner, 7, &types);
    wasm_section(&inner, 11, &exports);
    component_hex(&b, "");
    wasm_section(&b, 4, &inner);
    buf_uleb(&instances, INSTANCES);
    for (u32 i = 0; i < INSTANCES; i++)
        wasm_hex(&instances, "00 00 00");
    wasm_section(&b, 5, &instances);
    expect_limit(&b, "instances are too big");
    buf_release(&b);
    buf_release(&inner);
    buf_release(&types);
    buf_release(&exports);
    buf_release(&instances);
}

/* Cut anywhere, and with any byte changed, the decoder says yes or no. */
TEST(component_damaged)
{
    Buf b = {0};
    TypeRegistry *r = types_new();
    Diag diag;
    component_hex(&b,
                  "01 [ 00 61 73 6d 01 00 00 00 01 [ 01 60 00 01 7f ] 03 [ 01 00 ]"
                  "     07 [ 01 [ 66 ] 00 00 ] 0a [ 01 [ 00 41 2a 0b ] ] ]"
                  "02 [ 01 00 00 00 ] 06 [ 01 00 00 01 00 [ 66 ] ]"
                  "07 [ 03 40 00 00 79 3f 7f 00 69 01 ] 08 [ 02 00 00 00 00 00 02 01 ]"
                  "03 [ 01 50 02 01 60 00 00 03 [ 66 ] 00 00 ]"
                  "04 [ 00 61 73 6d 0d 00 01 00 07 [ 01 3f 7f 00 ] 0b [ 01 00 [ 72 ] 03 00 00 ] ]"
                  "05 [ 01 00 00 00 ] 06 [ 01 03 00 00 [ 72 ] ]"
                  "0b [ 02 00 [ 66 ] 01 00 00 00 [ 67 ] 03 01 00 ]");
    Component *whole = decode(r, &b, (u32)ALL, &diag);
    if (!whole)
        test_fail(__FILE__, __LINE__, "%s", diag.msg);
    component_free(whole);
    for (usize n = 0; n < b.n; n++)
        component_free(decode(r, &(Buf){.p = b.p, .n = n}, (u32)ALL, &diag));
    for (usize at = 8; at < b.n; at++) {
        u8 was = b.p[at];
        for (u32 v = 0; v < 256; v++) {
            b.p[at] = (u8)v;
            component_free(decode(r, &b, (u32)ALL, &diag));
        }
        b.p[at] = was;
    }
    EXPECT_EQ(types_count(r), 0);
    types_free(r);
    buf_release(&b);
}

/* ---- real components ---- */

static void check_real(const char *name, u32 nimports, const char *export)
{
    usize n;
    u8 *p = wasm_suite_file(name, &n);
    Buf b = {.p = p, .n = n}, again = {0};
    Diag diag;
    TypeRegistry *r = types_new();
    Component *c = decode(r, &b, component_features_default(), &diag);
    if (!c)
        test_fail(__FILE__, __LINE__, "%s: %s", name, diag.msg);
    const CType *t = ctype_get(c->types, c->type);
    EXPECT_EQ(t->nimports, nimports);
    EXPECT(ctype_find_export(t, str_of(export)));
    component_encode(c, &again);
    Component *copy = decode(r, &again, component_features_default(), &diag);
    if (!copy)
        test_fail(__FILE__, __LINE__, "%s encoded: %s", name, diag.msg);
    EXPECT_EQ(copy->types->n, c->types->n);
    component_free(c);
    component_free(copy);
    types_free(r);
    buf_release(&again);
    mem_free(p);
}

TEST(component_real)
{
    check_real("components/component-hello-world.wasm", 10, "wasi:cli/run@0.2.0");
    check_real("components/fetch_rs.wasm", 13, "wasi:http/incoming-handler@0.2.0");
    check_real("components/hello_js_http.wasm", 18, "wasi:http/incoming-handler@0.2.10");
    check_real("components/hello_wasi_http.wasm", 8, "wasi:http/incoming-handler@0.2.1");
}
