/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The parser's cursor: tokens, strings, indices and numbers. */
#include "base/utf8.h"
#include "wasm/text/number.h"
#include "wasm/text/parser.h"

#include <stdarg.h>
#include <stdio.h>

/* Where the parser stands after an error. */
static const Token end_tokens[LEXER_PADDING] = {{0}};

void parser_init(Parser *p, Lexer *l, const TextOptions *o, Diag *diag)
{
    *p = (Parser){.l = l, .tokens = l->tokens.p, .diag = diag};
    if (o)
        p->options = *o;
    arena_init(&p->arena);
}

void out_release(Out *o)
{
    buf_release(&o->b);
    vec_release(&o->marks);
}

void parser_release(Parser *p)
{
    for (u32 i = 0; i < SPACE_COUNT; i++) {
        map_release(&p->spaces[i].map);
        vec_release(&p->spaces[i].names);
    }
    for (u32 i = 0; i < SEC_COUNT; i++)
        out_release(&p->sections[i].out);
    for (u32 i = 0; i < p->types.n; i++)
        map_release(&p->types.p[i].fields);
    for (u32 i = 0; i < p->customs.n; i++)
        buf_release(&p->customs.p[i].bytes);
    vec_release(&p->types);
    vec_release(&p->late_uses);
    map_release(&p->inline_types);
    vec_release(&p->sig);
    map_release(&p->locals);
    vec_release(&p->local_types);
    out_release(&p->body);
    vec_release(&p->labels);
    map_release(&p->label_map);
    vec_release(&p->frames);
    buf_release(&p->pending);
    vec_release(&p->local_names);
    vec_release(&p->label_names);
    vec_release(&p->field_names);
    vec_release(&p->hints);
    vec_release(&p->customs);
    arena_release(&p->arena);
}

void out_mark(Out *o, u32 text)
{
    TextMark m = {u32_of(o->b.n), text};
    vec_push(&o->marks, m);
}

void out_append(Out *to, const Out *from)
{
    u32 base = u32_of(to->b.n);
    vec_reserve(&to->marks, (u64)to->marks.n + from->marks.n);
    for (u32 i = 0; i < from->marks.n; i++)
        vec_push(&to->marks, ((TextMark){base + from->marks.p[i].binary, from->marks.p[i].text}));
    buf_bytes(&to->b, from->b.p, from->b.n);
}

void out_reset(Out *o)
{
    o->b.n = 0;
    o->marks.n = 0;
}

void parse_fail(Parser *p, const Token *t, const char *fmt, ...)
{
    if (parse_ok(p)) {
        char msg[DIAG_MSG_SIZE];
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(msg, sizeof msg, fmt, ap);
        va_end(ap);
        diag_set(p->diag, DIAG_MALFORMED, t->at, "%s", msg);
    }
    p->tokens = end_tokens;
    p->at = 0;
}

/* clang-format off */
/* Keywords that are no instructions. */
static const char *const known_words[] = {
    "i8", "i16", "i32", "i64", "f32", "f64", "v128", "func", "extern", "any", "eq", "i31",
    "struct", "array", "exn", "none", "noextern", "nofunc", "noexn", "cont", "nocont",
    "funcref", "externref", "anyref", "eqref", "i31ref", "structref", "arrayref", "exnref",
    "contref", "nullref", "nullexternref", "nullfuncref", "nullexnref", "nullcontref", "ref",
    "null", "mut", "sub", "final", "rec", "field", "type", "module", "import", "export",
    "table", "memory", "global", "tag", "start", "elem", "data", "declare", "offset", "item",
    "param", "result", "local", "then", "catch", "catch_ref", "catch_all", "catch_all_ref",
    "on", "shared", "pagesize", "i8x16", "i16x8", "i32x4", "i64x2", "f32x4", "f64x2",
    "definition", "instance", "quote", "binary", "register", "invoke", "get", "script", "input",
    "output", "assert_return", "assert_trap", "assert_invalid", "assert_malformed",
    "assert_unlinkable", "assert_exhaustion", "assert_exception", "nan:canonical",
    "nan:arithmetic", "either", "implements", "versionsuffix", "external-id",
};
/* clang-format on */

/* A keyword in the wrong place is unexpected, anything else is an unknown operator. */
static bool is_known_word(Str s)
{
    for (usize i = 0; i < ARRAY_LEN(known_words); i++)
        if (str_eq(s, str_of(known_words[i])))
            return true;
    return op_find_text(s) != OP_COUNT || str_starts(s, STR("align=")) ||
           str_starts(s, STR("offset="));
}

void parse_unexpected(Parser *p, const char *expected)
{
    const Token *t = peek(p);
    Str s = tok_text(p, t);
    if (!parse_ok(p))
        return;
    if (t->kind == TOKEN_ERROR) {
        *p->diag = p->l->error;
        parse_fail(p, t, "unexpected token");
    } else if (t->kind == TOKEN_EOF) {
        parse_fail(p, t, "unexpected token: the text ends, expected %s", expected);
    } else if (t->kind == TOKEN_LPAREN) {
        parse_fail(p, t, "unexpected token `(`, expected %s", expected);
    } else if (t->kind == TOKEN_RESERVED || (t->kind == TOKEN_KEYWORD && !is_known_word(s))) {
        parse_fail(p, t, "unknown operator %.*s, expected %s", (int)MIN(s.n, 64), s.p, expected);
    } else {
        parse_fail(p, t, "unexpected token `%.*s`, expected %s", (int)MIN(s.n, 64), s.p, expected);
    }
}

const Token *parse_next(Parser *p)
{
    const Token *t = peek(p);
    if (t->kind != TOKEN_EOF && t->kind != TOKEN_ERROR)
        p->at++;
    return t;
}

static bool is_word(const Parser *p, const Token *t, Str word)
{
    return t->kind == TOKEN_KEYWORD && str_eq(tok_text(p, t), word);
}

bool at_keyword(const Parser *p, Str word)
{
    return is_word(p, peek(p), word);
}

bool at_paren(const Parser *p, Str word)
{
    return at_kind(p, TOKEN_LPAREN) && is_word(p, peek_at(p, 1), word);
}

bool take_keyword(Parser *p, Str word)
{
    if (!at_keyword(p, word))
        return false;
    p->at++;
    return true;
}

bool take_paren(Parser *p, Str word)
{
    if (!at_paren(p, word))
        return false;
    p->at += 2;
    return true;
}

void expect_lparen(Parser *p)
{
    if (at_kind(p, TOKEN_LPAREN))
        p->at++;
    else
        parse_unexpected(p, "`(`");
}

void expect_paren(Parser *p, Str word)
{
    char what[32];
    if (take_paren(p, word))
        return;
    snprintf(what, sizeof what, "`(%.*s`", STR_ARG(word));
    parse_unexpected(p, what);
}

void expect_rparen(Parser *p)
{
    if (at_kind(p, TOKEN_RPAREN))
        p->at++;
    else
        parse_unexpected(p, "`)`");
}

void skip_paren(Parser *p)
{
    const Token *t = peek(p);
    p->at = t->len;
    if (at_kind(p, TOKEN_RPAREN))
        p->at++;
}

Str parse_string(Parser *p)
{
    if (!at_kind(p, TOKEN_STRING)) {
        parse_unexpected(p, "a string");
        return (Str){0};
    }
    const Token *t = parse_next(p);
    Str raw = {p->l->source.p + t->at + 1, t->len - 2};
    if (!memchr(raw.p, '\\', raw.n))
        return raw;
    Buf b = {0};
    token_string(p->l, t, &b);
    Str s = {arena_dup(&p->arena, b.p, b.n), b.n};
    buf_release(&b);
    return s;
}

Str parse_name(Parser *p)
{
    const Token *t = peek(p);
    Str s = parse_string(p);
    if (!utf8_valid(s.p, s.n))
        parse_fail(p, t, "malformed UTF-8 encoding in a name");
    return s;
}

/* What an identifier token names, without `$`. */
static Str id_text(Parser *p, const Token *t)
{
    Str s = tok_text(p, t);
    if (s.p[1] != '"')
        return (Str){s.p + 1, s.n - 1};
    Token string = {t->at + 1, t->len - 1, TOKEN_STRING};
    Buf b = {0};
    token_string(p->l, &string, &b);
    Str name = {arena_dup(&p->arena, b.p, b.n), b.n};
    buf_release(&b);
    return name;
}

Str parse_id(Parser *p)
{
    if (!at_kind(p, TOKEN_ID))
        return (Str){0};
    return id_text(p, parse_next(p));
}

static u64 parse_unsigned(Parser *p, u64 max, const char *type)
{
    u64 v = 0;
    const Token *t = peek(p);
    Str s = tok_text(p, t);
    if (t->kind != TOKEN_INT || s.p[0] == '-' || s.p[0] == '+') {
        parse_unexpected(p, "an unsigned integer");
        return 0;
    }
    if (!number_unsigned(s, max, &v))
        parse_fail(p, t, "%s constant out of range", type);
    else
        p->at++;
    return v;
}

u32 parse_u32(Parser *p)
{
    return (u32)parse_unsigned(p, UINT32_MAX, "i32");
}

u64 parse_u64(Parser *p)
{
    return parse_unsigned(p, UINT64_MAX, "i64");
}

u8 parse_lane(Parser *p)
{
    return (u8)parse_unsigned(p, UINT8_MAX, "i8");
}

bool at_index(const Parser *p)
{
    return at_kind(p, TOKEN_INT) || at_kind(p, TOKEN_ID);
}

const char *space_name(Space s)
{
    static const char *const names[SPACE_COUNT] = {"type",   "func", "table", "memory",
                                                   "global", "tag",  "elem",  "data"};
    return names[s];
}

static void fail_name(Parser *p, const Token *t, const char *what, Str id)
{
    parse_fail(p, t, "unknown %s: failed to find name `$%.*s`", what, (int)MIN(id.n, 64), id.p);
}

/* Looks an identifier up; `what` it should be goes into the message. */
static u32 lookup(Parser *p, const Map *m, const char *what)
{
    u64 v = 0;
    const Token *t = peek(p);
    Str id = parse_id(p);
    if (!map_get(m, id, &v))
        fail_name(p, t, what, id);
    return (u32)v;
}

u32 parse_index(Parser *p, Space s)
{
    if (at_kind(p, TOKEN_ID))
        return lookup(p, &p->spaces[s].map, space_name(s));
    return parse_u32(p);
}

u32 parse_local_index(Parser *p)
{
    return at_kind(p, TOKEN_ID) ? lookup(p, &p->locals, "local") : parse_u32(p);
}

u32 parse_field_index(Parser *p, u32 type)
{
    static const Map none = {0};
    if (!at_kind(p, TOKEN_ID))
        return parse_u32(p);
    return lookup(p, type < p->types.n ? &p->types.p[type].fields : &none, "field");
}

u32 parse_label(Parser *p)
{
    u64 depth = 0;
    const Token *t = peek(p);
    if (t->kind != TOKEN_ID)
        return parse_u32(p);
    Str id = parse_id(p);
    if (!map_get(&p->label_map, id, &depth) || depth == 0) {
        fail_name(p, t, "label", id);
        return 0;
    }
    return p->labels.n - (u32)depth;
}

void parse_int_bytes(Parser *p, u32 bits, u8 *ret_bytes)
{
    u64 v = 0;
    const Token *t = peek(p);
    if (t->kind != TOKEN_INT)
        parse_unexpected(p, "an integer");
    else if (!number_int(tok_text(p, t), bits, &v))
        parse_fail(p, t, "constant out of range: %.*s is not an i%u", STR_ARG(tok_text(p, t)),
                   bits);
    else
        p->at++;
    memcpy(ret_bytes, &v, bits / 8);
}

void parse_float_bytes(Parser *p, u32 bits, u8 *ret_bytes)
{
    u64 v = 0;
    u32 v32 = 0;
    const Token *t = peek(p);
    if (t->kind != TOKEN_INT && t->kind != TOKEN_FLOAT) {
        parse_unexpected(p, "a float");
    } else {
        Str s = tok_text(p, t);
        bool good = bits == 32 ? number_f32(s, &v32) : number_f64(s, &v);
        if (good)
            p->at++;
        else
            parse_fail(p, t, "constant out of range: %.*s is not an f%u", STR_ARG(s), bits);
        if (bits == 32)
            v = v32;
    }
    memcpy(ret_bytes, &v, bits / 8);
}

/* As many numbers stand here as the shape has lanes. */
static void check_lane_count(Parser *p, u32 lanes)
{
    u32 n = 0;
    while (peek_at(p, n)->kind == TOKEN_INT || peek_at(p, n)->kind == TOKEN_FLOAT)
        n++;
    TokenKind next = (TokenKind)peek_at(p, n)->kind;
    if (n > lanes || (n < lanes && (next == TOKEN_LPAREN || next == TOKEN_RPAREN)))
        parse_fail(p, peek(p), "wrong number of lane literals: %u instead of %u", n, lanes);
}

void parse_v128(Parser *p, u8 ret_bytes[16])
{
    static const struct {
        const char *name;
        u32 bits;
        bool is_float;
    } shapes[] = {{"i8x16", 8, false},  {"i16x8", 16, false}, {"i32x4", 32, false},
                  {"i64x2", 64, false}, {"f32x4", 32, true},  {"f64x2", 64, true}};
    usize k = 0;
    memset(ret_bytes, 0, 16);
    while (k < ARRAY_LEN(shapes) && !at_keyword(p, str_of(shapes[k].name)))
        k++;
    if (k == ARRAY_LEN(shapes)) {
        parse_unexpected(p, "the shape of a vector");
        return;
    }
    p->at++;
    u32 bytes = shapes[k].bits / 8;
    check_lane_count(p, 16 / bytes);
    for (u32 at = 0; at < 16 && parse_ok(p); at += bytes) {
        if (shapes[k].is_float)
            parse_float_bytes(p, shapes[k].bits, ret_bytes + at);
        else
            parse_int_bytes(p, shapes[k].bits, ret_bytes + at);
    }
}
