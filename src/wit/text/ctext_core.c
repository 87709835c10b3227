/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Core types in components, with the parser of modules: it has a type index space of its own, which
 * is lent the identifiers of the scope for a type, and is that of the module for a module type.
 */
#include "wit/text/ctext_priv.h"

/* A parser at the same place and with the same error. */
static void begin_core(CText *c, Parser *m)
{
    parser_init(m, c->p.l, &c->p.options, c->p.diag);
    m->at = c->p.at;
}

static void end_core(CText *c, Parser *m)
{
    if (parse_ok(m))
        c->p.at = m->at;
    else
        parse_fail(&c->p, peek(m), "unexpected token"); /* goes to the end, the error stays */
    parser_release(m);
}

/* One type behind its identifier. */
static void sub_type(CText *c, Buf *b)
{
    Parser m;
    TypeDef t = {0};
    begin_core(c, &m);
    m.spaces[SPACE_TYPE].map = c->scope->ids[SORT_CORE_TYPE];
    parse_sub_type(&m, b, &t);
    m.spaces[SPACE_TYPE].map = (Map){0};
    map_release(&t.fields);
    end_core(c, &m);
}

static void module_definition(CText *c, CDef *d)
{
    Parser *p = &c->p;
    p->at += 3;
    ctext_id(c, d);
    expect_paren(p, STR("module"));
    ctext_module_type(c, d);
    expect_rparen(p);
    expect_rparen(p);
}

void ctext_core_type(CText *c)
{
    Parser *p = &c->p;
    CDef d = {.field = FIELD_CORE_TYPE, .sort = SORT_CORE_TYPE};
    u32 text = peek(p)->at, ahead = 3 + (peek_at(p, 3)->kind == TOKEN_ID);
    const Token *t = peek_at(p, ahead);
    if (t->kind == TOKEN_LPAREN && str_eq(tok_text(p, t + 1), STR("module"))) {
        ctext_define(c, &d, module_definition);
        return;
    }
    p->at += 3;
    ctext_id(c, &d);
    ctext_bind(c, SORT_CORE_TYPE, &d); /* a type may name itself */
    Out o = {0};
    sub_type(c, &o.b);
    if (o.b.n && o.b.p[0] == 0x50) /* would be a module type */
        buf_insert(&o.b, 0, &(u8){0}, 1);
    expect_rparen(p);
    if (parse_ok(p))
        ctext_commit(c, FIELD_CORE_TYPE, text, &o);
    out_release(&o);
}

void ctext_core_rec(CText *c)
{
    Parser *p = &c->p;
    u32 text = peek(p)->at, n = 0;
    p->at += 3;
    u32 first = p->at;
    for (; parse_ok(p) && at_paren(p, STR("type")); n++) {
        CDef d = {0};
        u32 close = peek(p)->len;
        p->at += 2;
        ctext_id(c, &d);
        ctext_bind(c, SORT_CORE_TYPE, &d);
        if (parse_ok(p))
            p->at = close + (p->tokens[close].kind == TOKEN_RPAREN);
    }
    if (!parse_ok(p))
        return;
    Out o = {0};
    buf_u8(&o.b, 0x4e);
    buf_uleb(&o.b, n);
    p->at = first;
    for (u32 i = 0; i < n && parse_ok(p); i++) {
        p->at += 2;
        parse_id(p);
        sub_type(c, &o.b);
        expect_rparen(p);
    }
    expect_rparen(p);
    if (parse_ok(p))
        ctext_commit(c, FIELD_CORE_TYPE, text, &o);
    out_release(&o);
}

/* ---- module types ---- */

static void bind_type(Parser *m, u32 index)
{
    const Token *t = peek(m);
    Str id = parse_id(m);
    if (id.p && !map_add(&m->spaces[SPACE_TYPE].map, id, index))
        parse_fail(m, t, "duplicate type identifier `$%.*s`", (int)MIN(id.n, 64), id.p);
}

/* Binds the types of the field at hand, and stays there. */
static void bind_types(Parser *m)
{
    u32 at = m->at, index = m->types.n;
    bool rec = at_paren(m, STR("rec"));
    m->at += 2;
    if (!rec)
        bind_type(m, index);
    while (rec && at_paren(m, STR("type"))) {
        u32 close = peek(m)->len;
        m->at += 2;
        bind_type(m, index++);
        if (parse_ok(m))
            m->at = close + (m->tokens[close].kind == TOKEN_RPAREN);
    }
    if (parse_ok(m))
        m->at = at;
}

/* (alias outer depth index (type $id?)) */
static void module_alias(CText *c, Parser *m, Buf *b)
{
    Parser *p = &c->p;
    u32 depth = 0, index = 0, tokens = m->at + 3;
    if (!str_eq(tok_text(m, peek_at(m, 2)), STR("outer")) ||
        (peek_at(m, 3)->kind != TOKEN_ID && peek_at(m, 3)->kind != TOKEN_INT) ||
        (peek_at(m, 4)->kind != TOKEN_ID && peek_at(m, 4)->kind != TOKEN_INT)) {
        m->at += 2;
        parse_unexpected(m, "`outer` and two indices");
        return;
    }
    p->at = m->at;
    ctext_outer(c, SORT_CORE_TYPE, tokens, &depth, &index);
    m->at += 5;
    expect_paren(m, STR("type"));
    bind_type(m, m->types.n);
    expect_rparen(m);
    expect_rparen(m);
    vec_push(&m->types, (TypeDef){0});
    buf_u8(b, 0x10);
    buf_u8(b, 1);
    buf_uleb(b, depth);
    buf_uleb(b, index);
}

/* (sort $id? type) */
static void module_extern(Parser *m, Buf *b)
{
    expect_lparen(m);
    Space s = space_at(m);
    if (s < SPACE_FUNC || s > SPACE_TAG) {
        parse_unexpected(m, "the type of an import or export");
        return;
    }
    m->at++;
    parse_id(m);
    parse_extern_type(m, s, 0, b);
    expect_rparen(m);
    expect_rparen(m);
}

/* What the module's parser has made of types, as a declaration. */
static u32 take_types(Parser *m, Out *o)
{
    Section *s = &m->sections[SEC_TYPE];
    u32 n = s->count;
    if (n) {
        buf_u8(&o->b, 1);
        out_append(o, &s->out);
        out_reset(&s->out);
        s->count = 0;
    }
    return n;
}

/* One declaration; how many it makes: the type of a function may come before it. */
static u32 module_decl(CText *c, Parser *m, Out *o)
{
    Buf b = {0};
    u8 code = 0;
    u32 n = 0, text = peek(m)->at;
    if (at_paren(m, STR("type")) || at_paren(m, STR("rec"))) {
        bind_types(m);
        if (parse_ok(m))
            parse_type_field(m);
        return take_types(m, o);
    }
    if (at_paren(m, STR("alias"))) {
        code = 2;
        module_alias(c, m, &b);
    } else if (take_paren(m, STR("import"))) {
        buf_name(&b, parse_name(m));
        buf_name(&b, parse_name(m));
        module_extern(m, &b);
    } else if (take_paren(m, STR("export"))) {
        code = 3;
        buf_name(&b, parse_name(m));
        module_extern(m, &b);
    } else {
        parse_unexpected(m, "a declaration of a module type");
    }
    n = take_types(m, o);
    out_mark(o, text);
    buf_u8(&o->b, code);
    buf_bytes(&o->b, b.p, b.n);
    buf_release(&b);
    return n + 1;
}

/* The declarations up to the closing parenthesis. */
void ctext_module_type(CText *c, CDef *d)
{
    Parser *p = &c->p, m;
    Scope s;
    Out o = {0};
    u32 n = 0;
    if (c->dry) {
        while (at_kind(p, TOKEN_LPAREN))
            skip_paren(p);
        return;
    }
    ctext_push_scope(c, &s, SCOPE_MODULE_TYPE, d->id);
    begin_core(c, &m);
    while (parse_ok(&m) && at_kind(&m, TOKEN_LPAREN))
        n += module_decl(c, &m, &o);
    end_core(c, &m);
    ctext_pop_scope(c, &s);
    buf_u8(&d->out.b, 0x50);
    buf_uleb(&d->out.b, n);
    out_append(&d->out, &o);
    out_release(&o);
}
