/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Types of the text format. A type use without (type x) takes the first function type that stands
 * alone in its group and is the same, or makes one behind all written types.
 *
 * Source: https://webassembly.github.io/spec/core/text/types.html
 */
#include "wasm/text/parser.h"

typedef struct Word {
    const char *text;
    u8 code;
} Word;

static const Word number_types[] = {
    {"i32", 0x7f}, {"i64", 0x7e}, {"f32", 0x7d}, {"f64", 0x7c}, {"v128", 0x7b}};
static const Word packed_types[] = {{"i8", 0x78}, {"i16", 0x77}};
static const Word heap_types[] = {
    {"func", 0x70},     {"extern", 0x6f}, {"any", 0x6e},   {"eq", 0x6d},     {"i31", 0x6c},
    {"struct", 0x6b},   {"array", 0x6a},  {"exn", 0x69},   {"cont", 0x68},   {"none", 0x71},
    {"noextern", 0x72}, {"nofunc", 0x73}, {"noexn", 0x74}, {"nocont", 0x75},
};
static const Word ref_types[] = {
    {"funcref", 0x70},    {"externref", 0x6f},   {"anyref", 0x6e},        {"eqref", 0x6d},
    {"i31ref", 0x6c},     {"structref", 0x6b},   {"arrayref", 0x6a},      {"exnref", 0x69},
    {"contref", 0x68},    {"nullref", 0x71},     {"nullexternref", 0x72}, {"nullfuncref", 0x73},
    {"nullexnref", 0x74}, {"nullcontref", 0x75},
};

/* The code of the keyword at hand in a table, 0 if it is not there. */
static u8 word_code(const Parser *p, const Word *words, usize n)
{
    if (!at_kind(p, TOKEN_KEYWORD))
        return 0;
    Str s = tok_text(p, peek(p));
    for (usize i = 0; i < n; i++)
        if (str_eq(s, str_of(words[i].text)))
            return words[i].code;
    return 0;
}
#define WORD_CODE(p, words) word_code(p, words, ARRAY_LEN(words))

static const char *find_word(const Word *words, usize n, u8 code)
{
    for (usize i = 0; i < n; i++)
        if (words[i].code == code)
            return words[i].text;
    return NULL;
}

const char *type_word(u8 code)
{
    const char *s = find_word(number_types, ARRAY_LEN(number_types), code);
    if (!s)
        s = find_word(packed_types, ARRAY_LEN(packed_types), code);
    return s ? s : find_word(ref_types, ARRAY_LEN(ref_types), code);
}

const char *heap_word(u8 code)
{
    return find_word(heap_types, ARRAY_LEN(heap_types), code);
}

void emit_heap_type(Buf *b, HeapCode h)
{
    if (h & HEAP_CODE_ABSTRACT)
        buf_u8(b, (u8)h);
    else
        buf_sleb(b, (i64)h);
}

void emit_type(Buf *b, TypeCode t)
{
    u8 first = (u8)t;
    buf_u8(b, first);
    if (first == CODE_REF || first == CODE_REF_NULL)
        emit_heap_type(b, t >> CODE_HEAP_SHIFT);
}

bool type_nullable(TypeCode t)
{
    return (u8)t != CODE_REF;
}

HeapCode type_heap(TypeCode t)
{
    u8 first = (u8)t;
    return first == CODE_REF || first == CODE_REF_NULL ? t >> CODE_HEAP_SHIFT
                                                       : HEAP_CODE_ABSTRACT | first;
}

HeapCode parse_heap_type(Parser *p)
{
    u8 code = WORD_CODE(p, heap_types);
    if (code) {
        p->at++;
        return HEAP_CODE_ABSTRACT | code;
    }
    if (at_index(p))
        return parse_index(p, SPACE_TYPE);
    parse_unexpected(p, "a heap type");
    return HEAP_CODE_ABSTRACT;
}

bool at_ref_type(const Parser *p)
{
    return WORD_CODE(p, ref_types) || at_paren(p, STR("ref"));
}

TypeCode parse_ref_type(Parser *p)
{
    u8 code = WORD_CODE(p, ref_types);
    if (code) {
        p->at++;
        return code;
    }
    if (!take_paren(p, STR("ref"))) {
        parse_unexpected(p, "a reference type");
        return 0;
    }
    bool nullable = take_keyword(p, STR("null"));
    HeapCode h = parse_heap_type(p);
    expect_rparen(p);
    if (nullable && (h & HEAP_CODE_ABSTRACT))
        return (u8)h;
    return (nullable ? CODE_REF_NULL : CODE_REF) | h << CODE_HEAP_SHIFT;
}

TypeCode parse_value_type(Parser *p)
{
    u8 code = WORD_CODE(p, number_types);
    if (code) {
        p->at++;
        return code;
    }
    if (at_ref_type(p))
        return parse_ref_type(p);
    parse_unexpected(p, "a value type");
    return 0;
}

/* ---- signatures ---- */

/* Binds a param or local; `t` is the identifier's token. */
static void bind_local(Parser *p, const Token *t, Str id)
{
    u32 index = p->nlocals++;
    if (id.p && !map_add(&p->locals, id, index))
        parse_fail(p, t, "duplicate local $%.*s", (int)MIN(id.n, 64), id.p);
    Str name = id;
    parse_name_annotation(p, &name, "local");
    if (name.p)
        vec_push(&p->local_names, ((SubName){p->func, index, name}));
}

/* (param $x t) or (param t*), behind the keyword. `skip_ids`: in a type, where ids bind nothing. */
static void parse_params(Parser *p, bool binds, bool skip_ids)
{
    const Token *t = peek(p);
    if (t->kind == TOKEN_ID && (binds || skip_ids)) {
        Str id = parse_id(p);
        if (binds)
            bind_local(p, t, id);
        vec_push(&p->sig, parse_value_type(p));
    } else {
        while (parse_ok(p) && !at_kind(p, TOKEN_RPAREN)) {
            if (binds)
                bind_local(p, t, (Str){0});
            vec_push(&p->sig, parse_value_type(p));
        }
    }
    expect_rparen(p);
}

/* Params and results into p->sig. */
static void parse_signature(Parser *p, bool binds, bool skip_ids)
{
    p->sig.n = 0;
    vec_push(&p->sig, 0);
    while (take_paren(p, STR("param")))
        parse_params(p, binds, skip_ids);
    p->sig.p[0] = p->sig.n - 1;
    while (take_paren(p, STR("result"))) {
        while (parse_ok(p) && !at_kind(p, TOKEN_RPAREN))
            vec_push(&p->sig, parse_value_type(p));
        expect_rparen(p);
    }
}

static Str sig_key(const u64 *sig, u32 n)
{
    return (Str){(const char *)sig, n * sizeof *sig};
}

static void emit_func_type(Buf *b, const u64 *sig, u32 n)
{
    u32 nparams = (u32)sig[0];
    buf_u8(b, 0x60);
    buf_uleb(b, nparams);
    for (u32 i = 1; i <= nparams; i++)
        emit_type(b, sig[i]);
    buf_uleb(b, n - 1 - nparams);
    for (u32 i = nparams + 1; i < n; i++)
        emit_type(b, sig[i]);
}

/* The type of p->sig, made if there is none. */
static u32 find_func_type(Parser *p, u32 text)
{
    u64 index;
    if (map_get(&p->inline_types, sig_key(p->sig.p, p->sig.n), &index))
        return (u32)index;
    TypeDef d = {.is_func = true, .nsig = p->sig.n};
    d.sig = arena_dup(&p->arena, p->sig.p, p->sig.n * sizeof *p->sig.p);
    index = p->types.n;
    vec_push(&p->types, d);
    map_add(&p->inline_types, sig_key(d.sig, d.nsig), index);
    Section *s = &p->sections[SEC_TYPE];
    out_mark(&s->out, text);
    emit_func_type(&s->out.b, d.sig, d.nsig);
    s->count++;
    return (u32)index;
}

/* Is the type what was written besides it? */
static void compare_typeuse(Parser *p, const Token *t, u32 type, Str key)
{
    const TypeDef *d = type < p->types.n ? &p->types.p[type] : NULL;
    if (!d)
        parse_fail(p, t, "unknown type %u", type);
    else if (!d->is_func || !str_eq(key, sig_key(d->sig, d->nsig)))
        parse_fail(p, t, "inline function type differs from type %u", type);
}

/*
 * (type x) stands before p->sig: are they the same? If x is yet to be made by a type use, that is
 * seen at the end. Params without names become locals.
 */
static void check_typeuse(Parser *p, const Token *t, u32 type, bool binds)
{
    bool known = type < p->types.n;
    Str key = sig_key(p->sig.p, p->sig.n);
    if (p->sig.n > 1 && known) {
        compare_typeuse(p, t, type, key);
    } else if (p->sig.n > 1) {
        key.p = arena_dup(&p->arena, key.p, key.n);
        vec_push(&p->late_uses, ((LateUse){type, *t, key}));
    } else if (binds && known && p->types.p[type].is_func) {
        p->nlocals = (u32)p->types.p[type].sig[0];
    }
}

void check_late_typeuses(Parser *p)
{
    for (u32 i = 0; i < p->late_uses.n && parse_ok(p); i++) {
        const LateUse *u = &p->late_uses.p[i];
        compare_typeuse(p, &u->token, u->type, u->sig);
    }
}

/* Behind a type use none of its parts may follow. */
static void check_order(Parser *p)
{
    if (at_paren(p, STR("param")) || at_paren(p, STR("result")) || at_paren(p, STR("type"))) {
        p->at++;
        parse_unexpected(p, "(type), (param) and (result) in this order");
    }
}

TypeUse parse_typeuse(Parser *p, bool binds)
{
    TypeUse u = {0};
    const Token *t = peek(p);
    u.is_explicit = take_paren(p, STR("type"));
    if (u.is_explicit) {
        u.type = parse_index(p, SPACE_TYPE);
        expect_rparen(p);
    }
    parse_signature(p, binds, false);
    check_order(p);
    if (!parse_ok(p))
        return u;
    if (u.is_explicit)
        check_typeuse(p, t, u.type, binds);
    else
        u.type = find_func_type(p, t->at);
    return u;
}

/* As a type use, but no type is made for nothing or for a single result. */
void emit_block_type(Parser *p, Buf *b)
{
    const Token *t = peek(p);
    if (at_paren(p, STR("type"))) {
        buf_sleb(b, parse_typeuse(p, false).type);
        return;
    }
    parse_signature(p, false, false);
    check_order(p);
    if (!parse_ok(p))
        return;
    if (p->sig.n == 1)
        buf_u8(b, 0x40);
    else if (p->sig.n == 2 && p->sig.p[0] == 0)
        emit_type(b, p->sig.p[1]);
    else
        buf_sleb(b, find_func_type(p, t->at));
}

void parse_local_decls(Parser *p)
{
    p->local_types.n = 0;
    while (take_paren(p, STR("local"))) {
        const Token *t = peek(p);
        if (t->kind == TOKEN_ID) {
            bind_local(p, t, parse_id(p));
            vec_push(&p->local_types, parse_value_type(p));
        } else {
            while (parse_ok(p) && !at_kind(p, TOKEN_RPAREN)) {
                bind_local(p, t, (Str){0});
                vec_push(&p->local_types, parse_value_type(p));
            }
        }
        expect_rparen(p);
    }
}

/* ---- type definitions ---- */

static void parse_field_type(Parser *p, Buf *b)
{
    bool mut = take_paren(p, STR("mut"));
    u8 packed = WORD_CODE(p, packed_types);
    if (packed)
        p->at++;
    emit_type(b, packed ? packed : parse_value_type(p));
    buf_u8(b, mut);
    if (mut)
        expect_rparen(p);
}

static void bind_field(Parser *p, TypeDef *d, u32 index)
{
    const Token *t = peek(p);
    Str id = parse_id(p), name = id;
    if (id.p && !map_add(&d->fields, id, index))
        parse_fail(p, t, "duplicate field $%.*s", (int)MIN(id.n, 64), id.p);
    parse_name_annotation(p, &name, "field");
    if (name.p)
        vec_push(&p->field_names, ((SubName){p->types.n, index, name}));
}

static void parse_struct(Parser *p, Buf *b, TypeDef *d)
{
    Buf fields = {0};
    u32 n = 0;
    while (take_paren(p, STR("field"))) {
        if (at_kind(p, TOKEN_ID)) {
            bind_field(p, d, n++);
            parse_field_type(p, &fields);
        } else {
            bind_field(p, d, n); /* an annotation may name the first one */
            for (; parse_ok(p) && !at_kind(p, TOKEN_RPAREN); n++)
                parse_field_type(p, &fields);
        }
        expect_rparen(p);
    }
    buf_u8(b, 0x5f);
    buf_uleb(b, n);
    buf_bytes(b, fields.p, fields.n);
    buf_release(&fields);
}

/* (func ...), (struct ...), (array ...) or (cont ...). */
static void parse_composite(Parser *p, Buf *b, TypeDef *d)
{
    if (take_paren(p, STR("func"))) {
        parse_signature(p, false, true);
        if (!parse_ok(p))
            return;
        d->is_func = true;
        d->nsig = p->sig.n;
        d->sig = arena_dup(&p->arena, p->sig.p, p->sig.n * sizeof *p->sig.p);
        emit_func_type(b, d->sig, d->nsig);
    } else if (take_paren(p, STR("struct"))) {
        parse_struct(p, b, d);
    } else if (take_paren(p, STR("array"))) {
        buf_u8(b, 0x5e);
        parse_field_type(p, b);
    } else if (take_paren(p, STR("cont"))) {
        buf_u8(b, 0x5d);
        buf_sleb(b, parse_index(p, SPACE_TYPE));
    } else {
        if (at_kind(p, TOKEN_LPAREN))
            p->at++;
        parse_unexpected(p, "a composite type");
    }
    expect_rparen(p);
}

/* (sub final? x* composite), behind the keyword. */
static bool parse_sub(Parser *p, Buf *b, TypeDef *d)
{
    bool final = take_keyword(p, STR("final"));
    Buf supers = {0};
    u32 n = 0;
    for (; at_index(p) && parse_ok(p); n++)
        buf_uleb(&supers, parse_index(p, SPACE_TYPE));
    bool plain = final && n == 0;
    if (!plain) {
        buf_u8(b, final ? 0x4f : 0x50);
        buf_uleb(b, n);
        buf_bytes(b, supers.p, supers.n);
    }
    buf_release(&supers);
    parse_composite(p, b, d);
    expect_rparen(p);
    return plain;
}

bool parse_sub_type(Parser *p, Buf *b, TypeDef *d)
{
    if (take_paren(p, STR("sub")))
        return parse_sub(p, b, d);
    parse_composite(p, b, d);
    return true;
}

/* (type $id? ...). `alone`: in a group of its own, so that type uses find it. */
static void parse_type_def(Parser *p, bool alone)
{
    Out *o = &p->sections[SEC_TYPE].out;
    out_mark(o, peek(p)->at);
    expect_paren(p, STR("type"));
    Str id = parse_id(p);
    add_name(p, SPACE_TYPE, p->types.n, id);
    TypeDef d = {0};
    bool plain = parse_sub_type(p, &o->b, &d);
    expect_rparen(p);
    u32 index = p->types.n;
    vec_push(&p->types, d);
    if (d.is_func && plain && alone)
        map_add(&p->inline_types, sig_key(d.sig, d.nsig), index);
}

void parse_type_field(Parser *p)
{
    Section *s = &p->sections[SEC_TYPE];
    s->count++;
    if (!at_paren(p, STR("rec"))) {
        parse_type_def(p, true);
        return;
    }
    u32 n = 0, end = peek(p)->len;
    out_mark(&s->out, peek(p)->at);
    p->at += 2;
    for (u32 k = p->at; k < end; n++) { /* counts what stands in it */
        const Token *t = &p->tokens[k];
        k = t->kind == TOKEN_LPAREN ? t->len + 1 : k + 1;
    }
    buf_u8(&s->out.b, 0x4e);
    buf_uleb(&s->out.b, n);
    while (parse_ok(p) && !at_kind(p, TOKEN_RPAREN))
        parse_type_def(p, n == 1);
    expect_rparen(p);
}
