/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Fuzz target of src/wit: the binary format of components. */
#include "fuzz/targets.h"
#include "wit/component.h"

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
    }
    component_free(c);
    component_free(fewer);
    if (types_count(r) != 0)
        fuzz_finding("%u types left", types_count(r));
    types_free(r);
    buf_release(&b);
    buf_release(&encoded);
}
