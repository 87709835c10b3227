/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Names and custom sections: identifiers and annotations become the `name` section, `@custom`
 * annotations sections of their own, branch hints the section `metadata.code.branch_hint`.
 *
 * Source: https://webassembly.github.io/spec/core/appendix/custom.html
 */
#include "base/utf8.h"
#include "wasm/text/parser.h"

/* The first annotation before that token or a later one. */
static u32 first_annotation(const Lexer *l, u32 token)
{
    u32 lo = 0, hi = l->notes.n;
    while (lo < hi) {
        u32 mid = lo + (hi - lo) / 2;
        if (l->notes.p[mid].before < token)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* The first annotation of a kind before the token at hand that nobody took; NULL if none. */
static Annotation *find_annotation(const Parser *p, AnnotationKind kind)
{
    Lexer *l = p->l;
    if (l->notes.n == 0 || p->tokens != l->tokens.p)
        return NULL;
    for (u32 i = first_annotation(l, p->at); i < l->notes.n && l->notes.p[i].before == p->at; i++)
        if (l->notes.p[i].kind == kind && !l->notes.p[i].used)
            return &l->notes.p[i];
    return NULL;
}

/* Goes into an annotation; leave_annotation comes back unless there was an error. */
static u32 enter_annotation(Parser *p, Annotation *a)
{
    u32 back = p->at;
    a->used = true;
    p->tokens = p->l->note_tokens.p;
    p->at = a->tokens;
    return back;
}

static void leave_annotation(Parser *p, u32 back, AnnotationKind k)
{
    if (!at_kind(p, TOKEN_EOF))
        parse_fail(p, peek(p), "@%s annotation: unexpected token", annotation_name(k));
    if (!parse_ok(p))
        return;
    p->tokens = p->l->tokens.p;
    p->at = back;
}

/* A string in an annotation, as a name if `utf8`. */
static Str annotation_string(Parser *p, AnnotationKind k, bool utf8, const char *missing)
{
    const Token *t = peek(p);
    if (t->kind != TOKEN_STRING) {
        parse_fail(p, t, "@%s annotation: %s", annotation_name(k), missing);
        return (Str){0};
    }
    Str s = parse_string(p);
    if (utf8 && !utf8_valid(s.p, s.n))
        parse_fail(p, t, "@%s annotation: malformed UTF-8 encoding", annotation_name(k));
    return s;
}

/* (@name "...") replaces the name that an identifier gave. */
void parse_name_annotation(Parser *p, Str *name, const char *what)
{
    Annotation *a = find_annotation(p, ANNOTATION_NAME);
    if (!a || !parse_ok(p))
        return;
    u32 back = enter_annotation(p, a);
    *name = annotation_string(p, ANNOTATION_NAME, true, "missing name");
    leave_annotation(p, back, ANNOTATION_NAME);
    if (parse_ok(p) && find_annotation(p, ANNOTATION_NAME))
        parse_fail(p, peek(p), "@name annotation: multiple %s names", what);
}

bool take_hint(Parser *p, i8 *ret_hint)
{
    Annotation *a = p->in_func ? find_annotation(p, ANNOTATION_BRANCH_HINT) : NULL;
    if (!a)
        return false;
    u32 back = enter_annotation(p, a);
    const Token *t = peek(p);
    Str s = annotation_string(p, ANNOTATION_BRANCH_HINT, false, "missing value");
    if (s.n != 1 || (u8)s.p[0] > 1)
        parse_fail(p, t, "@metadata.code.branch_hint annotation: malformed value");
    leave_annotation(p, back, ANNOTATION_BRANCH_HINT);
    if (!parse_ok(p))
        return false;
    if (find_annotation(p, ANNOTATION_BRANCH_HINT))
        parse_fail(p, peek(p), "@metadata.code.branch_hint annotation: duplicate annotation");
    *ret_hint = (i8)s.p[0];
    return true;
}

/* ---- @custom ---- */

static const struct {
    const char *name;
    Sec sec;
} placeable[] = {
    {"first", SEC_FIRST}, {"type", SEC_TYPE},     {"import", SEC_IMPORT},
    {"func", SEC_FUNC},   {"table", SEC_TABLE},   {"memory", SEC_MEMORY},
    {"tag", SEC_TAG},     {"global", SEC_GLOBAL}, {"export", SEC_EXPORT},
    {"start", SEC_START}, {"elem", SEC_ELEM},     {"datacount", SEC_DATA_COUNT},
    {"code", SEC_CODE},   {"data", SEC_DATA},     {"last", SEC_LAST},
};

/* (before section) or (after section). */
static u32 parse_place(Parser *p)
{
    bool after = at_paren(p, STR("after"));
    if (!after && !at_paren(p, STR("before"))) {
        parse_fail(p, peek(p), "@custom annotation: malformed placement");
        return 0;
    }
    p->at += 2;
    usize k = 0;
    while (k < ARRAY_LEN(placeable) && !at_keyword(p, str_of(placeable[k].name)))
        k++;
    if (k == ARRAY_LEN(placeable)) {
        parse_fail(p, peek(p), "@custom annotation: malformed section kind");
        return 0;
    }
    p->at++;
    if (!at_kind(p, TOKEN_RPAREN))
        parse_fail(p, peek(p), "@custom annotation: malformed placement");
    else
        p->at++;
    return placeable[k].sec * 2 + after;
}

static void parse_custom(Parser *p, Annotation *a)
{
    u32 back = enter_annotation(p, a);
    CustomText c = {.place = SEC_LAST * 2 + 1};
    Str name = annotation_string(p, ANNOTATION_CUSTOM, true, "missing section name");
    buf_name(&c.bytes, name);
    if (at_kind(p, TOKEN_LPAREN))
        c.place = parse_place(p);
    while (at_kind(p, TOKEN_STRING))
        buf_str(&c.bytes, parse_string(p));
    leave_annotation(p, back, ANNOTATION_CUSTOM);
    vec_push(&p->customs, c);
}

bool take_custom(Parser *p, Buf *out)
{
    Annotation *a = find_annotation(p, ANNOTATION_CUSTOM);
    if (!a || !parse_ok(p))
        return false;
    u32 back = enter_annotation(p, a);
    buf_name(out, annotation_string(p, ANNOTATION_CUSTOM, true, "missing section name"));
    while (at_kind(p, TOKEN_STRING))
        buf_str(out, parse_string(p));
    leave_annotation(p, back, ANNOTATION_CUSTOM);
    return parse_ok(p);
}

/* At a place for module fields. */
void parse_custom_annotations(Parser *p)
{
    Lexer *l = p->l;
    u32 at = p->at;
    for (u32 i = l->notes.n ? first_annotation(l, at) : 0;
         i < l->notes.n && l->notes.p[i].before == at && parse_ok(p); i++)
        if (l->notes.p[i].kind == ANNOTATION_CUSTOM)
            parse_custom(p, &l->notes.p[i]);
}

/* All annotations before the tokens first to end have been taken. */
void check_annotations(Parser *p, u32 first, u32 end)
{
    const Lexer *l = p->l;
    for (u32 i = first_annotation(l, first); i < l->notes.n && parse_ok(p); i++) {
        const Annotation *a = &l->notes.p[i];
        Token t = {a->at, 0, TOKEN_EOF};
        if (a->before > end)
            return;
        if (a->used)
            continue;
        if (a->kind == ANNOTATION_BRANCH_HINT)
            parse_fail(p, &t, "@metadata.code.branch_hint annotation: not in a function");
        else
            parse_fail(p, &t, "misplaced @%s annotation", annotation_name((AnnotationKind)a->kind));
    }
}

/* ---- sections ---- */

void add_name(Parser *p, Space s, u32 index, Str id)
{
    Str name = id;
    parse_name_annotation(p, &name, space_name(s));
    if (name.p)
        vec_push(&p->spaces[s].names, ((NameEntry){index, name}));
}

static void emit_names(Buf *b, u8 id, const NameVec *names)
{
    Buf content = {0};
    if (names->n == 0)
        return;
    buf_uleb(&content, names->n);
    for (u32 i = 0; i < names->n; i++) {
        buf_uleb(&content, names->p[i].index);
        buf_name(&content, names->p[i].name);
    }
    buf_section(b, id, &content);
    buf_release(&content);
}

static u32 group_end(const SubNameVec *names, u32 at)
{
    u32 end = at + 1;
    while (end < names->n && names->p[end].outer == names->p[at].outer)
        end++;
    return end;
}

/* Indirect names: the entries of each outer index stand together. */
static void emit_sub_names(Buf *b, u8 id, const SubNameVec *names)
{
    Buf content = {0};
    u32 groups = 0;
    if (names->n == 0)
        return;
    for (u32 at = 0; at < names->n; at = group_end(names, at))
        groups++;
    buf_uleb(&content, groups);
    for (u32 at = 0; at < names->n;) {
        u32 end = group_end(names, at);
        buf_uleb(&content, names->p[at].outer);
        buf_uleb(&content, end - at);
        for (; at < end; at++) {
            buf_uleb(&content, names->p[at].index);
            buf_name(&content, names->p[at].name);
        }
    }
    buf_section(b, id, &content);
    buf_release(&content);
}

static void add_custom(Parser *p, u32 place, Str name, const Buf *content)
{
    CustomText c = {.place = place};
    buf_name(&c.bytes, name);
    buf_bytes(&c.bytes, content->p, content->n);
    vec_push(&p->customs, c);
}

/* Behind all known sections, before what was placed last. */
void make_name_section(Parser *p)
{
    Buf b = {0}, module = {0};
    if (p->module_name.p) {
        buf_name(&module, p->module_name);
        buf_section(&b, 0, &module);
    }
    emit_names(&b, 1, &p->spaces[SPACE_FUNC].names);
    emit_sub_names(&b, 2, &p->local_names);
    emit_sub_names(&b, 3, &p->label_names);
    emit_names(&b, 4, &p->spaces[SPACE_TYPE].names);
    emit_names(&b, 5, &p->spaces[SPACE_TABLE].names);
    emit_names(&b, 6, &p->spaces[SPACE_MEMORY].names);
    emit_names(&b, 7, &p->spaces[SPACE_GLOBAL].names);
    emit_names(&b, 8, &p->spaces[SPACE_ELEM].names);
    emit_names(&b, 9, &p->spaces[SPACE_DATA].names);
    emit_sub_names(&b, 10, &p->field_names);
    emit_names(&b, 11, &p->spaces[SPACE_TAG].names);
    if (b.n > 0)
        add_custom(p, SEC_LAST * 2, STR("name"), &b);
    buf_release(&b);
    buf_release(&module);
}

/* Before the code: functions, and in each the hints by offset. */
void make_hint_section(Parser *p)
{
    Buf b = {0};
    u32 groups = 0;
    for (u32 i = 0; i < p->hints.n; i++)
        groups += i == 0 || p->hints.p[i].func != p->hints.p[i - 1].func;
    if (groups == 0)
        return;
    buf_uleb(&b, groups);
    for (u32 i = 0; i < p->hints.n;) {
        u32 end = i + 1, func = p->hints.p[i].func;
        while (end < p->hints.n && p->hints.p[end].func == func)
            end++;
        buf_uleb(&b, func);
        buf_uleb(&b, end - i);
        for (; i < end; i++) {
            buf_uleb(&b, p->hints.p[i].offset);
            buf_uleb(&b, 1);
            buf_u8(&b, p->hints.p[i].value);
        }
    }
    add_custom(p, SEC_CODE * 2, STR("metadata.code.branch_hint"), &b);
    buf_release(&b);
}
