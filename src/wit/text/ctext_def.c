/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Definitions of components and declarations of their types.
 *
 * Source: https://github.com/WebAssembly/component-model/blob/main/design/mvp/Explainer.md
 */
#include "wit/text/ctext_priv.h"

/* ---- aliases, exports ---- */

/* (alias outer depth index (sort $id?)), behind `outer` */
static void outer_alias(CText *c, CDef *d)
{
    Parser *p = &c->p;
    u32 token = p->at, depth = 0, index = 0;
    for (u32 i = 0; i < 2; i++) {
        if (at_index(p))
            p->at++;
        else
            parse_unexpected(p, "an index");
    }
    expect_lparen(p);
    const Token *t = peek(p);
    Sort s = ctext_take_sort(c);
    d->sort = (u8)s;
    ctext_id(c, d);
    expect_rparen(p);
    if (parse_ok(p) && s != SORT_CORE_MODULE && s != SORT_CORE_TYPE && s != SORT_TYPE &&
        s != SORT_COMPONENT)
        parse_fail(p, t, "unexpected token: expected a module, type or component");
    if (!c->dry && parse_ok(p))
        ctext_outer(c, s, token, &depth, &index);
    ctext_emit_sort(&d->out.b, s);
    buf_u8(&d->out.b, 2);
    buf_uleb(&d->out.b, depth);
    buf_uleb(&d->out.b, index);
}

/* (alias export i "name" (sort $id?)) and (alias core export ...), behind `export` */
static void export_alias(CText *c, CDef *d, bool core)
{
    Parser *p = &c->p;
    u32 instance = ctext_index(c, core ? SORT_CORE_INSTANCE : SORT_INSTANCE);
    Str name = parse_name(p);
    expect_lparen(p);
    const Token *t = peek(p);
    Sort s = ctext_take_sort(c);
    ctext_id(c, d);
    expect_rparen(p);
    if (parse_ok(p) && core != (ctext_is_core(s) && s != SORT_CORE_MODULE))
        parse_fail(p, t, "unexpected token: %s is no export of such an instance",
                   ctext_sort_name(s));
    d->sort = (u8)s;
    ctext_emit_sort(&d->out.b, s);
    buf_u8(&d->out.b, core);
    buf_uleb(&d->out.b, instance);
    buf_name(&d->out.b, name);
}

static void body_alias(CText *c, CDef *d)
{
    Parser *p = &c->p;
    p->at += 2;
    if (take_keyword(p, STR("outer"))) {
        outer_alias(c, d);
    } else {
        bool core = take_keyword(p, STR("core"));
        if (take_keyword(p, STR("export")))
            export_alias(c, d, core);
        else
            parse_unexpected(p, "`export`, `core export` or `outer`");
    }
    expect_rparen(p);
}

/* (sort item), which may be exported. */
static Sort exported_item(CText *c, Buf *b)
{
    Parser *p = &c->p;
    expect_lparen(p);
    const Token *t = peek(p);
    Sort s = ctext_take_sort(c);
    if (parse_ok(p) && ctext_is_core(s) && s != SORT_CORE_MODULE)
        parse_fail(p, t, "unexpected token: %s cannot be exported", ctext_sort_name(s));
    if (!parse_ok(p))
        return SORT_NONE;
    u32 index = ctext_item(c, s);
    expect_rparen(p);
    ctext_emit_sort(b, s);
    buf_uleb(b, index);
    return s;
}

/* "name" (sort item) type? of an export; names in the type come first. */
static Sort export_rest(CText *c, Buf *b, bool with_type)
{
    Parser *p = &c->p;
    Buf type = {0};
    ctext_extern_name(c, b);
    u32 item = p->at;
    if (!at_kind(p, TOKEN_LPAREN)) {
        parse_unexpected(p, "`(`");
        return SORT_NONE;
    }
    skip_paren(p);
    if (at_kind(p, TOKEN_LPAREN))
        ctext_extern_type(c, NULL, &type);
    u32 end = p->at;
    Sort s = SORT_NONE;
    if (parse_ok(p)) {
        p->at = item;
        s = exported_item(c, b);
    }
    if (parse_ok(p))
        p->at = end;
    if (with_type) {
        buf_u8(b, type.n > 0);
        buf_bytes(b, type.p, type.n);
    }
    buf_release(&type);
    expect_rparen(p);
    return s;
}

static void body_export(CText *c, CDef *d)
{
    c->p.at += 2;
    ctext_id(c, d);
    d->sort = (u8)export_rest(c, &d->out.b, true);
}

/* In a type: (export "name" (sort $id? type)). */
static void body_export_decl(CText *c, CDef *d)
{
    c->p.at += 2;
    ctext_extern_name(c, &d->out.b);
    d->sort = (u8)ctext_extern_type(c, d, &d->out.b);
    expect_rparen(&c->p);
}

void ctext_late_exports(CText *c)
{
    Scope *s = c->scope;
    Parser *p = &c->p;
    for (u32 i = 0; i < s->exports.n && parse_ok(p); i++) {
        LateExport e = s->exports.p[i];
        CDef d = {0};
        p->at = e.token + 2;
        ctext_extern_name(c, &d.out.b);
        ctext_emit_sort(&d.out.b, (Sort)e.sort);
        buf_uleb(&d.out.b, e.index);
        buf_u8(&d.out.b, 0);
        ctext_commit(c, FIELD_EXPORT, p->l->tokens.p[e.token].at, &d.out);
        ctext_bind(c, (Sort)e.sort, &d);
        out_release(&d.out);
    }
}

/* (import "name") behind inline exports: makes the definition an import. */
static bool inline_import(CText *c, CDef *d)
{
    if (!ctext_at_inline(c, STR("import")))
        return false;
    c->p.at += 2;
    ctext_extern_name(c, &d->out.b);
    expect_rparen(&c->p);
    ctext_emit_sort(&d->out.b, (Sort)d->sort);
    d->field = FIELD_IMPORT;
    return true;
}

/* ---- instances ---- */

/* Appends all up to the parenthesis with their number before them. */
static void elements(CText *c, Buf *out, void (*element)(CText *c, Buf *b))
{
    Buf b = {0};
    u32 n = 0;
    for (; ctext_more(c); n++)
        element(c, &b);
    buf_uleb(out, n);
    buf_bytes(out, b.p, b.n);
    buf_release(&b);
}

/* (export "name" (func x)) of a core instance */
static void core_part(CText *c, Buf *b)
{
    Parser *p = &c->p;
    expect_paren(p, STR("export"));
    buf_name(b, parse_name(p));
    Buf sort = {0};
    expect_lparen(p);
    Sort s = ctext_take_core_sort(c);
    ctext_emit_sort(&sort, s);
    u32 index = parse_ok(p) ? ctext_item(c, s) : 0;
    if (sort.n)
        buf_u8(b, sort.p[sort.n - 1]); /* without the byte that says `core` */
    buf_release(&sort);
    buf_uleb(b, index);
    expect_rparen(p);
    expect_rparen(p);
}

static void core_parts(CText *c, CDef *d)
{
    buf_u8(&d->out.b, 1);
    elements(c, &d->out.b, core_part);
}

static void core_bundle(CText *c, CDef *d)
{
    c->p.at += 2;
    core_parts(c, d);
    expect_rparen(&c->p);
}

/* Is it (instance x), and not (instance (export ...)*)? */
static bool at_instance_ref(const Parser *p)
{
    const Token *t = peek_at(p, 2);
    return t->kind == TOKEN_ID || t->kind == TOKEN_INT;
}

/* (with "name" (instance ...)) */
static void core_arg(CText *c, Buf *b)
{
    Parser *p = &c->p;
    expect_paren(p, STR("with"));
    buf_name(b, parse_name(p));
    buf_u8(b, 0x12);
    if (!at_paren(p, STR("instance")))
        parse_unexpected(p, "`(instance`");
    else if (at_instance_ref(p))
        buf_uleb(b, ctext_paren_item(c, SORT_CORE_INSTANCE));
    else
        buf_uleb(b, ctext_made(c, FIELD_CORE_INSTANCE, SORT_CORE_INSTANCE, core_bundle));
    expect_rparen(p);
}

static void body_core_instance(CText *c, CDef *d)
{
    Parser *p = &c->p;
    p->at += 3;
    ctext_id(c, d);
    if (take_paren(p, STR("instantiate"))) {
        buf_u8(&d->out.b, 0);
        buf_uleb(&d->out.b, ctext_index_or_item(c, SORT_CORE_MODULE));
        elements(c, &d->out.b, core_arg);
        expect_rparen(p);
    } else {
        core_parts(c, d);
    }
    expect_rparen(p);
}

static void part(CText *c, Buf *b)
{
    expect_paren(&c->p, STR("export"));
    if (parse_ok(&c->p))
        export_rest(c, b, false);
}

static void parts(CText *c, CDef *d)
{
    buf_u8(&d->out.b, 1);
    elements(c, &d->out.b, part);
}

static void bundle(CText *c, CDef *d)
{
    c->p.at += 2;
    parts(c, d);
    expect_rparen(&c->p);
}

/* (with "name" (sort item)) or (with "name" (instance (export ...)*)) */
static void arg(CText *c, Buf *b)
{
    Parser *p = &c->p;
    expect_paren(p, STR("with"));
    buf_name(b, parse_name(p));
    if (at_paren(p, STR("instance")) && !at_instance_ref(p)) {
        ctext_emit_sort(b, SORT_INSTANCE);
        buf_uleb(b, ctext_made(c, FIELD_INSTANCE, SORT_INSTANCE, bundle));
    } else {
        exported_item(c, b);
    }
    expect_rparen(p);
}

static void body_instance(CText *c, CDef *d)
{
    Parser *p = &c->p;
    p->at += 2;
    ctext_id(c, d);
    ctext_inline_exports(c, d);
    if (inline_import(c, d)) {
        buf_uleb(&d->out.b, ctext_type_use(c, SORT_INSTANCE));
    } else if (take_paren(p, STR("instantiate"))) {
        buf_u8(&d->out.b, 0);
        buf_uleb(&d->out.b, ctext_index_or_item(c, SORT_COMPONENT));
        elements(c, &d->out.b, arg);
        expect_rparen(p);
    } else {
        parts(c, d);
    }
    expect_rparen(p);
}

/* ---- functions ---- */

/* (alias export i "name") as the definition of a function */
static bool func_alias(CText *c, CDef *d)
{
    Parser *p = &c->p;
    bool core = ctext_is_core((Sort)d->sort);
    if (!take_paren(p, STR("alias")))
        return false;
    if (core && !take_keyword(p, STR("core")))
        parse_unexpected(p, "`core`");
    if (!take_keyword(p, STR("export")))
        parse_unexpected(p, "`export`");
    d->field = FIELD_ALIAS;
    ctext_emit_sort(&d->out.b, (Sort)d->sort);
    buf_u8(&d->out.b, core);
    buf_uleb(&d->out.b, ctext_index(c, core ? SORT_CORE_INSTANCE : SORT_INSTANCE));
    buf_name(&d->out.b, parse_name(p));
    expect_rparen(p);
    return true;
}

static void body_func(CText *c, CDef *d)
{
    Parser *p = &c->p;
    p->at += 2;
    ctext_id(c, d);
    ctext_inline_exports(c, d);
    if (inline_import(c, d)) {
        buf_uleb(&d->out.b, ctext_func_use(c));
    } else if (!func_alias(c, d)) {
        u32 type = ctext_func_use(c);
        expect_paren(p, STR("canon"));
        ctext_lift(c, &d->out.b, type);
        expect_rparen(p);
    }
    expect_rparen(p);
}

static void body_core_func(CText *c, CDef *d)
{
    Parser *p = &c->p;
    p->at += 3;
    ctext_id(c, d);
    if (!func_alias(c, d)) {
        expect_paren(p, STR("canon"));
        ctext_canon_core(c, &d->out.b);
        expect_rparen(p);
    }
    expect_rparen(p);
}

/* (canon lift ... (func $id? type)): the type stands behind what is lifted, but comes first. */
static void canon_lift(CText *c, CDef *d)
{
    Parser *p = &c->p;
    u32 lift = p->at, func = 0, type = 0;
    while (ctext_more(c)) {
        func = p->at;
        if (at_kind(p, TOKEN_LPAREN))
            skip_paren(p);
        else
            p->at++;
    }
    u32 end = p->at;
    if (parse_ok(p)) {
        p->at = func;
        expect_paren(p, STR("func"));
        ctext_id(c, d);
        type = ctext_func_use(c);
        expect_rparen(p);
    }
    if (parse_ok(p)) {
        p->at = lift;
        ctext_lift(c, &d->out.b, type);
    }
    if (parse_ok(p) && p->at != func)
        parse_unexpected(p, "an option");
    if (parse_ok(p))
        p->at = end;
}

static void body_canon(CText *c, CDef *d)
{
    Parser *p = &c->p;
    p->at += 2;
    if (at_keyword(p, STR("lift"))) {
        d->sort = SORT_FUNC;
        canon_lift(c, d);
    } else {
        d->sort = SORT_CORE_FUNC;
        ctext_canon_core(c, &d->out.b);
        expect_lparen(p);
        if (!take_keyword(p, STR("core")) || !take_keyword(p, STR("func")))
            parse_unexpected(p, "`core func`");
        ctext_id(c, d);
        expect_rparen(p);
    }
    expect_rparen(p);
}

/* ---- components and modules ---- */

static void body_import_component(CText *c, CDef *d)
{
    Parser *p = &c->p;
    p->at += d->sort == SORT_CORE_MODULE ? 3 : 2;
    ctext_id(c, d);
    ctext_inline_exports(c, d);
    inline_import(c, d);
    buf_uleb(&d->out.b, ctext_type_use(c, (Sort)d->sort));
    expect_rparen(p);
}

static void inline_module(CText *c, u32 end, Str id, Out *o)
{
    Parser m;
    TextMap map = {0};
    parser_init(&m, c->p.l, &c->p.options, c->p.diag);
    m.at = c->p.at;
    m.module_name = id;
    parse_module_fields(&m, end, &o->b, &map);
    parser_release(&m);
    for (u32 i = 0; i < map.n; i++)
        vec_push(&o->marks, map.p[i]);
    vec_release(&map);
    if (parse_ok(&c->p))
        c->p.at = end;
    else
        parse_fail(&c->p, peek(&c->p), "unexpected token"); /* goes to the end */
}

/* (component ...) and (core module ...) */
static void nested(CText *c, Sort sort)
{
    Parser *p = &c->p;
    u32 start = p->at, end = peek(p)->len;
    CDef d = {.sort = (u8)sort};
    p->at += sort == SORT_CORE_MODULE ? 3 : 2;
    d.id_token = p->at;
    d.id = d.name = parse_id(p);
    ctext_inline_exports(c, &d);
    if (ctext_at_inline(c, STR("import"))) {
        p->at = start;
        ctext_define(c, &d, body_import_component);
        return;
    }
    Out o = {0};
    if (sort == SORT_CORE_MODULE)
        inline_module(c, end, d.id, &o);
    else
        ctext_component(c, end, d.id, &o);
    expect_rparen(p);
    if (parse_ok(p)) {
        ctext_section(c, sort == SORT_CORE_MODULE ? 1 : 4, &o);
        u32 index = ctext_bind(c, sort, &d), token = d.first_export;
        for (u32 i = 0; i < d.nexports; i++) {
            vec_push(&c->scope->exports, ((LateExport){token, (u8)sort, index}));
            token = p->l->tokens.p[token].len + 1;
        }
    }
    out_release(&o);
}

/* (start f (value x)* (result (value $id?))*) */
static void start(CText *c)
{
    Parser *p = &c->p;
    Out o = {0};
    Buf args = {0};
    u32 n = 0;
    out_mark(&o, peek(p)->at);
    p->at += 2;
    buf_uleb(&o.b, ctext_index(c, SORT_FUNC));
    for (; at_paren(p, STR("value")) && parse_ok(p); n++)
        buf_uleb(&args, ctext_paren_item(c, SORT_VALUE));
    buf_uleb(&o.b, n);
    buf_bytes(&o.b, args.p, args.n);
    for (n = 0; take_paren(p, STR("result")); n++) {
        CDef d = {0};
        expect_paren(p, STR("value"));
        ctext_id(c, &d);
        expect_rparen(p);
        expect_rparen(p);
        if (parse_ok(p))
            ctext_bind(c, SORT_VALUE, &d);
    }
    buf_uleb(&o.b, n);
    expect_rparen(p);
    if (parse_ok(p))
        ctext_section(c, 9, &o);
    buf_release(&args);
    out_release(&o);
}

/* ---- fields ---- */

static const struct {
    const char *word;
    u8 field, sort;
    CBody body;
} fields[] = {
    {"type", FIELD_TYPE, SORT_TYPE, ctext_type},
    {"alias", FIELD_ALIAS, SORT_NONE, body_alias},
    {"import", FIELD_IMPORT, SORT_NONE, ctext_import},
    {"export", FIELD_EXPORT, SORT_NONE, body_export},
    {"instance", FIELD_INSTANCE, SORT_INSTANCE, body_instance},
    {"func", FIELD_CANON, SORT_FUNC, body_func},
    {"canon", FIELD_CANON, SORT_NONE, body_canon},
};

static void define(CText *c, CTextField field, Sort sort, CBody body)
{
    CDef d = {.field = (u8)field, .sort = (u8)sort};
    ctext_define(c, &d, body);
}

static bool at_core(const Parser *p, Str word)
{
    const Token *t = peek_at(p, 2);
    return at_paren(p, STR("core")) && t->kind == TOKEN_KEYWORD && str_eq(tok_text(p, t), word);
}

static void core_field(CText *c)
{
    Parser *p = &c->p;
    if (at_core(p, STR("module"))) {
        nested(c, SORT_CORE_MODULE);
    } else if (at_core(p, STR("instance"))) {
        define(c, FIELD_CORE_INSTANCE, SORT_CORE_INSTANCE, body_core_instance);
    } else if (at_core(p, STR("type"))) {
        ctext_core_type(c);
    } else if (at_core(p, STR("rec"))) {
        ctext_core_rec(c);
    } else if (at_core(p, STR("func"))) {
        define(c, FIELD_CANON, SORT_CORE_FUNC, body_core_func);
    } else {
        p->at += 2;
        parse_unexpected(p, "a core definition");
    }
}

void ctext_field(CText *c)
{
    Parser *p = &c->p;
    if (at_paren(p, STR("core"))) {
        core_field(c);
        return;
    }
    if (at_paren(p, STR("component"))) {
        nested(c, SORT_COMPONENT);
        return;
    }
    if (at_paren(p, STR("start"))) {
        start(c);
        return;
    }
    for (usize i = 0; i < ARRAY_LEN(fields); i++) {
        if (at_paren(p, str_of(fields[i].word))) {
            define(c, (CTextField)fields[i].field, (Sort)fields[i].sort, fields[i].body);
            return;
        }
    }
    expect_lparen(p);
    parse_unexpected(p, "a definition of a component");
}

void ctext_decl(CText *c, bool is_component)
{
    Parser *p = &c->p;
    if (at_core(p, STR("type")))
        ctext_core_type(c);
    else if (at_paren(p, STR("type")))
        define(c, FIELD_TYPE, SORT_TYPE, ctext_type);
    else if (at_paren(p, STR("alias")))
        define(c, FIELD_ALIAS, SORT_NONE, body_alias);
    else if (is_component && at_paren(p, STR("import")))
        define(c, FIELD_IMPORT, SORT_NONE, ctext_import);
    else if (at_paren(p, STR("export")))
        define(c, FIELD_EXPORT, SORT_NONE, body_export_decl);
    else {
        expect_lparen(p);
        parse_unexpected(p, "a declaration of a type");
    }
}
