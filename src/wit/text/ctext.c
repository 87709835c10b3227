/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Scopes, names and references of the component parser, and components as a whole. */
#include "wit/text/ctext.h"
#include "wit/text/ctext_priv.h"

#include <stdio.h>

/* ---- sorts ---- */

static const struct {
    const char *name; /* core ones with "core " before the keyword */
    u8 code;          /* of core ones behind a 0 */
} sorts[SORT_COUNT] = {
    [SORT_FUNC] = {"func", 1},
    [SORT_VALUE] = {"value", 2},
    [SORT_TYPE] = {"type", 3},
    [SORT_COMPONENT] = {"component", 4},
    [SORT_INSTANCE] = {"instance", 5},
    [SORT_CORE_FUNC] = {"core func", 0},
    [SORT_CORE_TABLE] = {"core table", 1},
    [SORT_CORE_MEMORY] = {"core memory", 2},
    [SORT_CORE_GLOBAL] = {"core global", 3},
    [SORT_CORE_TAG] = {"core tag", 4},
    [SORT_CORE_TYPE] = {"core type", 0x10},
    [SORT_CORE_MODULE] = {"core module", 0x11},
    [SORT_CORE_INSTANCE] = {"core instance", 0x12},
};
enum { CORE_PREFIX = 5 }; /* bytes of "core " */

const char *ctext_sort_name(Sort s)
{
    return sorts[s].name;
}

bool ctext_is_core(Sort s)
{
    return s >= SORT_CORE_FUNC;
}

static Str sort_word(Sort s)
{
    return str_of(sorts[s].name + (ctext_is_core(s) ? CORE_PREFIX : 0));
}

Sort ctext_take_core_sort(CText *c)
{
    for (u32 s = SORT_CORE_FUNC; s < SORT_COUNT; s++)
        if (take_keyword(&c->p, sort_word((Sort)s)))
            return (Sort)s;
    parse_unexpected(&c->p, "the sort of a core definition");
    return SORT_NONE;
}

Sort ctext_take_sort(CText *c)
{
    if (take_keyword(&c->p, STR("core")))
        return ctext_take_core_sort(c);
    for (u32 s = 0; s < SORT_CORE_FUNC; s++)
        if (take_keyword(&c->p, sort_word((Sort)s)))
            return (Sort)s;
    parse_unexpected(&c->p, "the sort of a definition");
    return SORT_NONE;
}

void ctext_emit_sort(Buf *b, Sort s)
{
    if (s == SORT_NONE)
        return;
    if (ctext_is_core(s))
        buf_u8(b, 0);
    buf_u8(b, sorts[s].code);
}

/* ---- scopes and sections ---- */

bool ctext_enter(CText *c)
{
    if (c->depth == CTEXT_MAX_DEPTH)
        parse_fail(&c->p, peek(&c->p), "item nesting too deep: more than %u levels",
                   CTEXT_MAX_DEPTH);
    else
        c->depth++;
    return parse_ok(&c->p);
}

void ctext_leave(CText *c)
{
    c->depth--;
}

void ctext_push_scope(CText *c, Scope *s, ScopeKind kind, Str id)
{
    *s = (Scope){.outer = c->scope, .kind = (u8)kind, .id = id};
    c->scope = s;
}

void ctext_pop_scope(CText *c, Scope *s)
{
    c->scope = s->outer;
    for (u32 i = 0; i < SORT_COUNT; i++) {
        map_release(&s->ids[i]);
        vec_release(&s->names[i]);
    }
    vec_release(&s->exports);
    out_release(&s->entries);
    out_release(&s->out);
}

static void flush_section(Scope *s)
{
    Buf count = {0};
    if (s->section == 0)
        return;
    buf_uleb(&count, s->nentries);
    buf_u8(&s->out.b, s->section);
    buf_uleb(&s->out.b, count.n + s->entries.b.n);
    buf_bytes(&s->out.b, count.p, count.n);
    out_append(&s->out, &s->entries);
    out_reset(&s->entries);
    s->section = 0;
    s->nentries = 0;
    buf_release(&count);
}

void ctext_section(CText *c, u8 id, const Out *content)
{
    Scope *s = c->scope;
    flush_section(s);
    buf_u8(&s->out.b, id);
    buf_uleb(&s->out.b, content->b.n);
    out_append(&s->out, content);
}

void ctext_commit(CText *c, CTextField field, u32 text, const Out *o)
{
    static const struct {
        u8 section, decl; /* in a component, in a type */
    } codes[FIELD_COUNT] = {
        [FIELD_CORE_INSTANCE] = {2, 0}, [FIELD_CORE_TYPE] = {3, 0}, [FIELD_INSTANCE] = {5, 0},
        [FIELD_ALIAS] = {6, 2},         [FIELD_TYPE] = {7, 1},      [FIELD_CANON] = {8, 0},
        [FIELD_IMPORT] = {10, 3},       [FIELD_EXPORT] = {11, 4},
    };
    Scope *s = c->scope;
    if (s->kind == SCOPE_COMPONENT) {
        if (s->section != codes[field].section)
            flush_section(s);
        s->section = codes[field].section;
        s->nentries++;
        out_mark(&s->entries, text);
        out_append(&s->entries, o);
    } else {
        s->ndecls++;
        out_mark(&s->out, text);
        buf_u8(&s->out.b, codes[field].decl);
        out_append(&s->out, o);
    }
}

/* ---- definitions ---- */

void ctext_id(CText *c, CDef *d)
{
    d->id_token = c->p.at;
    d->id = d->name = parse_id(&c->p);
    if (!c->dry)
        parse_name_annotation(&c->p, &d->name, "definition");
}

u32 ctext_bind(CText *c, Sort sort, const CDef *d)
{
    Scope *s = c->scope;
    u32 index = s->counts[sort]++;
    if (d->id.p && !map_add(&s->ids[sort], d->id, index) && parse_ok(&c->p))
        parse_fail(&c->p, &c->p.tokens[d->id_token], "duplicate %s identifier `$%.*s`",
                   sorts[sort].name, (int)MIN(d->id.n, 64), d->id.p);
    if (d->name.p && s->kind == SCOPE_COMPONENT)
        vec_push(&s->names[sort], ((NameEntry){index, d->name}));
    return index;
}

/* (export "name")*, which were found by the walks. */
static void keep_exports(CText *c, const CDef *d, u32 index)
{
    u32 token = d->first_export;
    for (u32 i = 0; i < d->nexports; i++) {
        vec_push(&c->scope->exports, ((LateExport){token, d->sort, index}));
        token = c->p.l->tokens.p[token].len + 1;
    }
}

u32 ctext_define(CText *c, CDef *d, CBody body)
{
    Parser *p = &c->p;
    bool dry = c->dry;
    u32 at = p->at, text = peek(p)->at, base = c->made.n, next = c->next_made, index = 0;
    if (!parse_ok(p) || !ctext_enter(c))
        return 0;
    c->dry = true;
    body(c, d);
    out_reset(&d->out);
    if (parse_ok(p)) {
        c->dry = false;
        p->at = at;
        c->next_made = base;
        body(c, d);
    }
    ctext_leave(c);
    c->dry = dry;
    c->made.n = base;
    c->next_made = next;
    if (parse_ok(p)) {
        ctext_commit(c, (CTextField)d->field, text, &d->out);
        if (d->sort != SORT_NONE)
            index = ctext_bind(c, (Sort)d->sort, d);
        keep_exports(c, d, index);
    }
    out_release(&d->out);
    return index;
}

u32 ctext_made(CText *c, CTextField field, Sort sort, CBody body)
{
    Parser *p = &c->p;
    if (!parse_ok(p))
        return 0;
    if (!c->dry) {
        ALWAYS(c->next_made < c->made.n);
        Made m = c->made.p[c->next_made++];
        p->at = m.end;
        return m.index;
    }
    CDef d = {.field = (u8)field, .sort = (u8)sort};
    u32 index = ctext_define(c, &d, body);
    Made m = {index, p->at};
    vec_push(&c->made, m);
    return index;
}

/* ---- references ---- */

static void fail_unknown(CText *c, const Token *t, Sort s, Str id)
{
    parse_fail(&c->p, t, "unknown %s: failed to find name `$%.*s`", sorts[s].name,
               (int)MIN(id.n, 64), id.p);
}

/* What a name of an enclosing component means becomes an alias, each time, that has no name. */
static u32 alias_outer(CText *c, Sort s, const Token *t, Str id, u32 depth, u32 index)
{
    if (s != SORT_CORE_MODULE && s != SORT_CORE_TYPE && s != SORT_TYPE && s != SORT_COMPONENT) {
        parse_fail(&c->p, t, "outer item `%.*s` is not a module, type, or component",
                   (int)MIN(id.n, 64), id.p);
        return 0;
    }
    Out o = {0};
    CDef d = {0};
    ctext_emit_sort(&o.b, s);
    buf_u8(&o.b, 2);
    buf_uleb(&o.b, depth);
    buf_uleb(&o.b, index);
    ctext_commit(c, FIELD_ALIAS, t->at, &o);
    out_release(&o);
    return ctext_bind(c, s, &d);
}

u32 ctext_index(CText *c, Sort s)
{
    Parser *p = &c->p;
    const Token *t = peek(p);
    if (t->kind != TOKEN_ID)
        return parse_u32(p);
    Str id = parse_id(p);
    u32 depth = 0;
    u64 index;
    if (c->dry)
        return 0;
    for (const Scope *scope = c->scope; scope; scope = scope->outer, depth++) {
        if (!map_get(&scope->ids[s], id, &index))
            continue;
        return depth == 0 ? (u32)index : alias_outer(c, s, t, id, depth, (u32)index);
    }
    fail_unknown(c, t, s, id);
    return 0;
}

static u32 alias_export(CText *c, Sort s, u32 instance, Str name, u32 text)
{
    Out o = {0};
    CDef d = {0};
    if (c->dry || !parse_ok(&c->p))
        return 0;
    ctext_emit_sort(&o.b, s);
    buf_u8(&o.b, ctext_is_core(s) && s != SORT_CORE_MODULE);
    buf_uleb(&o.b, instance);
    buf_name(&o.b, name);
    ctext_commit(c, FIELD_ALIAS, text, &o);
    out_release(&o);
    return ctext_bind(c, s, &d);
}

u32 ctext_item(CText *c, Sort s)
{
    Parser *p = &c->p;
    const Token *t = peek(p);
    if (!at_index(p) || peek_at(p, 1)->kind != TOKEN_STRING)
        return ctext_index(c, s);
    if (s == SORT_CORE_TYPE || s == SORT_CORE_INSTANCE) {
        parse_fail(p, t, "core instances have no exports of sort %s", sorts[s].name);
        return 0;
    }
    if (ctext_is_core(s) && s != SORT_CORE_MODULE) {
        u32 instance = ctext_index(c, SORT_CORE_INSTANCE);
        return alias_export(c, s, instance, parse_name(p), t->at);
    }
    u32 index = ctext_index(c, SORT_INSTANCE);
    while (parse_ok(p) && at_kind(p, TOKEN_STRING)) {
        Str name = parse_name(p);
        Sort to = at_kind(p, TOKEN_STRING) ? SORT_INSTANCE : s;
        index = alias_export(c, to, index, name, t->at);
    }
    return index;
}

u32 ctext_paren_item(CText *c, Sort s)
{
    Parser *p = &c->p;
    char what[32];
    expect_lparen(p);
    if (ctext_is_core(s))
        take_keyword(p, STR("core")); /* was not always asked for */
    if (!take_keyword(p, sort_word(s))) {
        snprintf(what, sizeof what, "`%s`", sorts[s].name);
        parse_unexpected(p, what);
    }
    u32 index = ctext_item(c, s);
    expect_rparen(p);
    return index;
}

u32 ctext_index_or_item(CText *c, Sort s)
{
    return at_index(&c->p) ? ctext_index(c, s) : ctext_paren_item(c, s);
}

/* How many scopes outwards the one with that identifier is. */
static u32 scope_depth(CText *c, const Token *t, Str id)
{
    u32 depth = 0;
    for (const Scope *s = c->scope; s; s = s->outer, depth++)
        if (s->id.p && str_eq(s->id, id))
            return depth;
    parse_fail(&c->p, t, "outer component `%.*s` not found", (int)MIN(id.n, 64), id.p);
    return 0;
}

void ctext_outer(CText *c, Sort s, u32 token, u32 *ret_depth, u32 *ret_index)
{
    Parser *p = &c->p;
    const Token *outer = &p->tokens[token];
    u32 back = p->at;
    u64 index;
    p->at = token;
    *ret_depth = outer->kind == TOKEN_ID ? scope_depth(c, outer, parse_id(p)) : parse_u32(p);
    const Token *t = peek(p);
    if (t->kind != TOKEN_ID) { /* two numbers are for the validator, right or wrong */
        *ret_index = parse_u32(p);
    } else {
        Str id = parse_id(p);
        const Scope *scope = c->scope;
        for (u32 i = 0; scope && i < *ret_depth; i++)
            scope = scope->outer;
        if (!scope)
            parse_fail(p, outer, "outer count of `%u` is too large", *ret_depth);
        else if (!map_get(&scope->ids[s], id, &index))
            fail_unknown(c, t, s, id);
        else
            *ret_index = (u32)index;
    }
    if (parse_ok(p))
        p->at = back;
}

/* ---- components ---- */

/* Names of one index space. */
static void sort_names(const Scope *s, Sort sort, Buf *out)
{
    Buf b = {0};
    if (s->names[sort].n == 0)
        return;
    ctext_emit_sort(&b, sort);
    buf_uleb(&b, s->names[sort].n);
    for (u32 i = 0; i < s->names[sort].n; i++) {
        buf_uleb(&b, s->names[sort].p[i].index);
        buf_name(&b, s->names[sort].p[i].name);
    }
    buf_section(out, 1, &b);
    buf_release(&b);
}

static void name_section(CText *c, Str name)
{
    static const u8 order[SORT_COUNT] = {
        SORT_CORE_FUNC, SORT_CORE_TABLE,  SORT_CORE_MEMORY,   SORT_CORE_GLOBAL, SORT_CORE_TAG,
        SORT_CORE_TYPE, SORT_CORE_MODULE, SORT_CORE_INSTANCE, SORT_FUNC,        SORT_VALUE,
        SORT_TYPE,      SORT_COMPONENT,   SORT_INSTANCE};
    Out o = {0};
    buf_name(&o.b, STR("component-name"));
    usize empty = o.b.n;
    if (name.p) {
        Buf b = {0};
        buf_name(&b, name);
        buf_section(&o.b, 0, &b);
        buf_release(&b);
    }
    for (u32 i = 0; i < SORT_COUNT; i++)
        sort_names(c->scope, (Sort)order[i], &o.b);
    if (o.b.n > empty && !c->p.options.no_names)
        ctext_section(c, 0, &o);
    out_release(&o);
}

/* (@custom "name" "bytes"...)*: where they stand, as everything in a component. */
static void custom_sections(CText *c)
{
    Out o = {0};
    while (take_custom(&c->p, &o.b)) {
        ctext_section(c, 0, &o);
        o.b.n = 0;
    }
    out_release(&o);
}

/* The definitions up to the token `end`, as a component. */
void ctext_component(CText *c, u32 end, Str id, Out *out)
{
    static const u8 header[] = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};
    Parser *p = &c->p;
    Scope s;
    Str name = id;
    if (!ctext_enter(c))
        return;
    ctext_push_scope(c, &s, SCOPE_COMPONENT, id);
    out_mark(&s.out, peek(p)->at);
    buf_bytes(&s.out.b, header, sizeof header);
    parse_name_annotation(p, &name, "component");
    while (parse_ok(p) && p->at < end) {
        custom_sections(c);
        ctext_field(c);
    }
    ctext_late_exports(c);
    custom_sections(c);
    flush_section(&s);
    name_section(c, name);
    if (parse_ok(p)) {
        p->at = end;
        out_append(out, &s.out);
    }
    ctext_pop_scope(c, &s);
    ctext_leave(c);
}

bool component_text_parse_fields(Lexer *l, u32 first, u32 end, Str name, const TextOptions *o,
                                 Buf *ret_binary, TextMap *ret_map, Diag *diag)
{
    CText c = {0};
    Out out = {0};
    parser_init(&c.p, l, o, diag);
    c.p.at = first;
    ctext_component(&c, end, name, &out);
    parser_release(&c.p);
    vec_release(&c.made);
    if (diag_ok(diag)) {
        *ret_binary = out.b;
        out.b = (Buf){0};
        if (ret_map) {
            *ret_map = (TextMap){out.marks.p, out.marks.n, out.marks.cap};
            out.marks.p = NULL;
        }
    }
    out_release(&out);
    return diag_ok(diag);
}

/* (component $id? binary? ...) */
static void parse_file(Parser *p, Buf *ret_binary, TextMap *ret_map)
{
    u32 close = peek(p)->len, end = p->l->tokens.n - LEXER_PADDING;
    expect_paren(p, STR("component"));
    Str id = parse_id(p);
    if (parse_ok(p) && take_keyword(p, STR("binary"))) {
        Buf b = {0};
        while (at_kind(p, TOKEN_STRING))
            token_string(p->l, parse_next(p), &b);
        *ret_binary = b;
    } else if (parse_ok(p) && component_text_parse_fields(p->l, p->at, close, id, &p->options,
                                                          ret_binary, ret_map, p->diag)) {
        p->at = close;
    }
    if (!parse_ok(p))
        return;
    expect_rparen(p);
    if (parse_ok(p) && p->at != end)
        parse_unexpected(p, "the end of the text");
}

bool component_text_parse(Str source, const TextOptions *o, Buf *ret_binary, TextMap *ret_map,
                          Diag *diag)
{
    Lexer l;
    Parser p;
    Buf binary = {0};
    TextMap map = {0};
    lexer_init(&l, source, o && o->any_unicode);
    parser_init(&p, &l, o, diag);
    parse_file(&p, &binary, &map);
    parser_release(&p);
    lexer_release(&l);
    if (diag_ok(diag)) {
        *ret_binary = binary;
        binary = (Buf){0};
        if (ret_map) {
            *ret_map = map;
            map = (TextMap){0};
        }
    }
    buf_release(&binary);
    vec_release(&map);
    return diag_ok(diag);
}
