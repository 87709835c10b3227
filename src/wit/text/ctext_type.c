/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Types of components, and names and types of imports and exports.
 *
 * Source: https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
 */
#include "wit/text/ctext_priv.h"

/* ---- names ---- */

/* "name" or, as it was written once, (interface "name"); attributes in the order of the grammar. */
void ctext_extern_name(CText *c, Buf *b)
{
    static const char *const words[] = {"implements", "versionsuffix", "external-id"};
    Parser *p = &c->p;
    Str name, attributes[ARRAY_LEN(words)] = {{0}};
    u32 n = 0;
    bool old = take_paren(p, STR("interface"));
    name = parse_name(p);
    if (old)
        expect_rparen(p);
    for (usize i = 0; i < ARRAY_LEN(words); i++) {
        if (!take_paren(p, str_of(words[i])))
            continue;
        attributes[i] = parse_name(p);
        expect_rparen(p);
        n += attributes[i].p != NULL;
    }
    buf_u8(b, n ? 2 : 0);
    buf_name(b, name);
    if (n)
        buf_uleb(b, n);
    for (usize i = 0; i < ARRAY_LEN(words); i++) {
        if (!attributes[i].p)
            continue;
        buf_u8(b, (u8)i);
        buf_name(b, attributes[i]);
    }
}

/* They have nothing but the name, unlike a field of its own. */
bool ctext_at_inline(const CText *c, Str word)
{
    const Parser *p = &c->p;
    if (!at_paren(p, word))
        return false;
    const Token *t = peek_at(p, 2), *end = &p->tokens[peek(p)->len];
    if (t->kind == TOKEN_STRING)
        return t + 1 == end;
    return t->kind == TOKEN_LPAREN && t[1].kind == TOKEN_KEYWORD &&
           str_eq(tok_text(p, t + 1), STR("interface")) && &p->tokens[t->len] + 1 == end;
}

void ctext_inline_exports(CText *c, CDef *d)
{
    d->first_export = c->p.at;
    d->nexports = 0;
    for (; ctext_at_inline(c, STR("export")); d->nexports++)
        skip_paren(&c->p);
}

/* ---- value types ---- */

static const struct {
    const char *word;
    u8 code;
} primitives[] = {
    {"bool", 0x7f},    {"s8", 0x7e},   {"u8", 0x7d},     {"s16", 0x7c},           {"u16", 0x7b},
    {"s32", 0x7a},     {"u32", 0x79},  {"s64", 0x78},    {"u64", 0x77},           {"f32", 0x76},
    {"f64", 0x75},     {"char", 0x74}, {"string", 0x73}, {"error-context", 0x64}, {"float32", 0x76},
    {"float64", 0x75},
};

/* The code of the primitive type at hand, 0 if there is none. */
static u8 primitive_at(const Parser *p)
{
    for (usize i = 0; i < ARRAY_LEN(primitives); i++)
        if (at_keyword(p, str_of(primitives[i].word)))
            return primitives[i].code;
    return 0;
}

static void defined_type(CText *c, CDef *d);

static void value_type(CText *c, Buf *b)
{
    Parser *p = &c->p;
    u8 code = primitive_at(p);
    if (code) {
        p->at++;
        buf_u8(b, code);
    } else if (at_index(p)) {
        buf_sleb(b, ctext_index(c, SORT_TYPE));
    } else if (at_kind(p, TOKEN_LPAREN)) {
        buf_sleb(b, ctext_made(c, FIELD_TYPE, SORT_TYPE, defined_type));
    } else {
        parse_unexpected(p, "a value type");
    }
}

/* At the parenthesis of an option of a result or at the end of something: is there a type? */
static void optional_type(CText *c, Buf *b)
{
    bool some = ctext_more(c) && !at_paren(&c->p, STR("error"));
    buf_u8(b, some);
    if (some)
        value_type(c, b);
}

static void record_field(CText *c, Buf *b)
{
    expect_paren(&c->p, STR("field"));
    buf_name(b, parse_name(&c->p));
    value_type(c, b);
    expect_rparen(&c->p);
}

static void variant_case(CText *c, Buf *b)
{
    expect_paren(&c->p, STR("case"));
    parse_id(&c->p); /* names nothing */
    buf_name(b, parse_name(&c->p));
    optional_type(c, b);
    buf_u8(b, 0);
    expect_rparen(&c->p);
}

static void label(CText *c, Buf *b)
{
    buf_name(b, parse_name(&c->p));
}

/* All up to the parenthesis, with their number before them. */
static void vector(CText *c, Buf *out, void (*element)(CText *c, Buf *b))
{
    Buf b = {0};
    u32 n = 0;
    for (; ctext_more(c); n++)
        element(c, &b);
    buf_uleb(out, n);
    buf_bytes(out, b.p, b.n);
    buf_release(&b);
}

static void list_type(CText *c, Buf *b)
{
    Buf element = {0};
    value_type(c, &element);
    bool fixed = at_kind(&c->p, TOKEN_INT);
    buf_u8(b, fixed ? 0x67 : 0x70);
    buf_bytes(b, element.p, element.n);
    if (fixed)
        buf_uleb(b, parse_u32(&c->p));
    buf_release(&element);
}

static void result_type(CText *c, Buf *b)
{
    optional_type(c, b);
    bool error = take_paren(&c->p, STR("error"));
    buf_u8(b, error);
    if (error) {
        value_type(c, b);
        expect_rparen(&c->p);
    }
}

static void map_type(CText *c, Buf *b)
{
    value_type(c, b);
    value_type(c, b);
}

static void record_type(CText *c, Buf *b)
{
    vector(c, b, record_field);
}

static void variant_type(CText *c, Buf *b)
{
    vector(c, b, variant_case);
}

static void tuple_type(CText *c, Buf *b)
{
    vector(c, b, value_type);
}

static void labels_type(CText *c, Buf *b)
{
    vector(c, b, label);
}

static void handle_type(CText *c, Buf *b)
{
    buf_uleb(b, ctext_index(c, SORT_TYPE));
}

static const struct {
    const char *word;
    u8 code; /* 0: the function writes it */
    void (*parse)(CText *c, Buf *b);
} constructors[] = {
    {"record", 0x72, record_type}, {"variant", 0x71, variant_type}, {"list", 0, list_type},
    {"tuple", 0x6f, tuple_type},   {"flags", 0x6e, labels_type},    {"enum", 0x6d, labels_type},
    {"option", 0x6b, value_type},  {"result", 0x6a, result_type},   {"own", 0x69, handle_type},
    {"borrow", 0x68, handle_type}, {"stream", 0x66, optional_type}, {"future", 0x65, optional_type},
    {"map", 0x63, map_type},
};

/* At its parenthesis. */
static void defined_type(CText *c, CDef *d)
{
    Parser *p = &c->p;
    expect_lparen(p);
    for (usize i = 0; i < ARRAY_LEN(constructors); i++) {
        if (!take_keyword(p, str_of(constructors[i].word)))
            continue;
        if (constructors[i].code)
            buf_u8(&d->out.b, constructors[i].code);
        constructors[i].parse(c, &d->out.b);
        expect_rparen(p);
        return;
    }
    parse_unexpected(p, "a value type");
}

/* ---- functions, components, instances, resources ---- */

void ctext_result(CText *c, Buf *b)
{
    if (take_paren(&c->p, STR("result"))) {
        buf_u8(b, 0);
        value_type(c, b);
        expect_rparen(&c->p);
    } else {
        buf_u8(b, 1);
        buf_u8(b, 0);
    }
}

/* async? (param "name" type)* (result type)? */
static void func_type(CText *c, CDef *d)
{
    Parser *p = &c->p;
    Buf params = {0};
    u32 n = 0;
    buf_u8(&d->out.b, take_keyword(p, STR("async")) ? 0x43 : 0x40);
    for (; parse_ok(p) && take_paren(p, STR("param")); n++) {
        buf_name(&params, parse_name(p));
        value_type(c, &params);
        expect_rparen(p);
    }
    buf_uleb(&d->out.b, n);
    buf_bytes(&d->out.b, params.p, params.n);
    buf_release(&params);
    ctext_result(c, &d->out.b);
}

static void declarations(CText *c, CDef *d, bool is_component)
{
    Parser *p = &c->p;
    Scope s;
    if (c->dry) { /* has a scope of its own: nothing in it comes before it */
        while (at_kind(p, TOKEN_LPAREN))
            skip_paren(p);
        return;
    }
    ctext_push_scope(c, &s, SCOPE_TYPE, d->id);
    while (ctext_more(c))
        ctext_decl(c, is_component);
    buf_u8(&d->out.b, is_component ? 0x41 : 0x42);
    buf_uleb(&d->out.b, s.ndecls);
    out_append(&d->out, &s.out);
    ctext_pop_scope(c, &s);
}

static void component_type(CText *c, CDef *d)
{
    declarations(c, d, true);
}

static void instance_type(CText *c, CDef *d)
{
    declarations(c, d, false);
}

/* (rep t) (dtor f)? */
static void resource_type(CText *c, CDef *d)
{
    Parser *p = &c->p;
    Buf *b = &d->out.b;
    buf_u8(b, 0x3f);
    expect_paren(p, STR("rep"));
    emit_type(b, parse_value_type(p));
    expect_rparen(p);
    bool dtor = take_paren(p, STR("dtor"));
    buf_u8(b, dtor);
    if (dtor) {
        buf_uleb(b, ctext_index_or_item(c, SORT_CORE_FUNC));
        expect_rparen(p);
    }
}

void ctext_type(CText *c, CDef *d)
{
    static const struct {
        const char *word;
        CBody body;
    } bodies[] = {{"func", func_type},
                  {"component", component_type},
                  {"instance", instance_type},
                  {"resource", resource_type}};
    Parser *p = &c->p;
    expect_paren(p, STR("type"));
    ctext_id(c, d);
    ctext_inline_exports(c, d);
    u8 code = primitive_at(p);
    usize i = 0;
    while (i < ARRAY_LEN(bodies) && !at_paren(p, str_of(bodies[i].word)))
        i++;
    if (code) {
        p->at++;
        buf_u8(&d->out.b, code);
    } else if (i < ARRAY_LEN(bodies)) {
        p->at += 2;
        bodies[i].body(c, d);
        expect_rparen(p);
    } else {
        defined_type(c, d);
    }
    expect_rparen(p);
}

/* ---- type uses ---- */

/* Is it (type x), and not the definition of a type inside of a type? */
static bool at_type_use(const Parser *p)
{
    const Token *t = peek(p);
    return at_paren(p, STR("type")) && (t[2].kind == TOKEN_ID || t[2].kind == TOKEN_INT) &&
           (t[3].kind == TOKEN_RPAREN || t[3].kind == TOKEN_STRING);
}

static u32 type_use(CText *c, Sort sort, CBody body)
{
    if (at_type_use(&c->p))
        return ctext_paren_item(c, sort);
    return ctext_made(c, sort == SORT_TYPE ? FIELD_TYPE : FIELD_CORE_TYPE, sort, body);
}

u32 ctext_func_use(CText *c)
{
    return type_use(c, SORT_TYPE, func_type);
}

u32 ctext_type_use(CText *c, Sort what)
{
    if (what == SORT_CORE_MODULE)
        return type_use(c, SORT_CORE_TYPE, ctext_module_type);
    return type_use(c, SORT_TYPE, what == SORT_COMPONENT ? component_type : instance_type);
}

static void value_bound(CText *c, Buf *b)
{
    buf_u8(b, 1);
    if (at_type_use(&c->p))
        buf_sleb(b, ctext_paren_item(c, SORT_TYPE));
    else
        value_type(c, b);
}

/* (eq t) or (sub resource) */
static void type_bound(CText *c, Buf *b)
{
    Parser *p = &c->p;
    if (take_paren(p, STR("eq"))) {
        buf_u8(b, 0);
        buf_uleb(b, ctext_index(c, SORT_TYPE));
    } else if (take_paren(p, STR("sub"))) {
        buf_u8(b, 1);
        if (!take_keyword(p, STR("resource")))
            parse_unexpected(p, "`resource`");
    } else {
        parse_unexpected(p, "`(eq` or `(sub`");
    }
    expect_rparen(p);
}

Sort ctext_extern_type(CText *c, CDef *d, Buf *b)
{
    Parser *p = &c->p;
    expect_lparen(p);
    const Token *t = peek(p);
    Sort s = ctext_take_sort(c);
    if (d)
        ctext_id(c, d);
    if (!parse_ok(p))
        return SORT_NONE;
    if (ctext_is_core(s) && s != SORT_CORE_MODULE) {
        parse_fail(p, t, "unexpected token: %s cannot be imported or exported", ctext_sort_name(s));
        return SORT_NONE;
    }
    ctext_emit_sort(b, s);
    if (s == SORT_FUNC)
        buf_uleb(b, ctext_func_use(c));
    else if (s == SORT_VALUE)
        value_bound(c, b);
    else if (s == SORT_TYPE)
        type_bound(c, b);
    else
        buf_uleb(b, ctext_type_use(c, s));
    expect_rparen(p);
    return s;
}

void ctext_import(CText *c, CDef *d)
{
    expect_paren(&c->p, STR("import"));
    ctext_extern_name(c, &d->out.b);
    d->sort = (u8)ctext_extern_type(c, d, &d->out.b);
    expect_rparen(&c->p);
}
