/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Values of components in scripts. */
#include "base/utf8.h"
#include "wasm/wast/wast_priv.h"

enum { VALUE_MAX_DEPTH = 100 };

typedef enum Shape {
    SHAPE_BOOL,
    SHAPE_UNSIGNED,
    SHAPE_SIGNED,
    SHAPE_FLOATING,
    SHAPE_CHAR,
    SHAPE_STRING,
    SHAPE_ITEMS,
    SHAPE_FIELDS,
    SHAPE_LABELS,
    SHAPE_CASE,
    SHAPE_NONE,
    SHAPE_SOME,
    SHAPE_PAYLOAD
} Shape;
#define SHAPE_U(n) (SHAPE_UNSIGNED | (n) << 8)
#define SHAPE_S(n) (SHAPE_SIGNED | (n) << 8)
#define SHAPE_FLOAT(n) (SHAPE_FLOATING | (n) << 8)

static const struct {
    const char *word;
    u16 shape; /* Shape, and the bits of a number above it */
} kinds[WAST_COMPONENT_COUNT] = {
#define WAST_COMPONENT(id, word, shape) {word, SHAPE_##shape},
#include "wasm/wast/component_values.def"
#undef WAST_COMPONENT
};

static WastComponentKind kind_at(const Parser *p)
{
    u32 k = 0;
    while (k < WAST_COMPONENT_COUNT && !at_keyword(p, str_of(kinds[k].word)))
        k++;
    return (WastComponentKind)k;
}

bool wast_at_component_value(const Parser *p)
{
    WastComponentKind k = kind_at(p);
    return k != WAST_COMPONENT_COUNT && (kinds[k].shape & 0xff) != SHAPE_FLOATING;
}

static void parse_integer(Parser *p, WastComponentValue *v, u32 bits, bool is_signed)
{
    const Token *t = peek(p);
    Str s = tok_text(p, t);
    bool negative = t->kind == TOKEN_INT && s.p[0] == '-';
    u8 bytes[8] = {0};
    /* A core integer is of either sign, so one with 64 bits is looked at by itself. */
    parse_int_bytes(p, 64, bytes);
    v->bits = load_u64(bytes);
    u64 half = (u64)1 << (bits - 1);
    bool fits;
    if (is_signed)
        fits = negative ? v->bits == 0 || -v->bits <= half : v->bits < half;
    else
        fits = !negative && (bits == 64 || v->bits >> bits == 0);
    if (parse_ok(p) && !fits)
        parse_fail(p, t, "constant out of range: not of %u bits", bits);
}

static void parse_char(Parser *p, WastComponentValue *v)
{
    const Token *t = peek(p);
    Str s = parse_name(p);
    u32 c = 0, n = s.n ? utf8_decode((const u8 *)s.p, s.n, &c) : 0;
    if (parse_ok(p) && (s.n == 0 || n != s.n))
        parse_fail(p, t, "unexpected token: expected a single character");
    v->bits = c;
}

static void parse_at(Parser *p, WastComponentValue *v, u32 depth);

/* (value)* or (field "name" value)*; the value of a field needs no parentheses of its own. */
static void parse_items(Parser *p, WastComponentValue *v, bool fields, u32 depth)
{
    u32 n = wast_count_parens(p);
    WastComponentValue *items = arena_array(&p->arena, WastComponentValue, n);
    Str *labels = arena_array(&p->arena, Str, n);
    for (u32 i = 0; i < n && parse_ok(p); i++) {
        if (fields) {
            expect_paren(p, STR("field"));
            labels[i] = parse_name(p);
        }
        bool bare = fields && !at_kind(p, TOKEN_LPAREN);
        if (!bare)
            expect_lparen(p);
        parse_at(p, &items[i], depth + 1);
        if (!bare)
            expect_rparen(p);
        if (fields)
            expect_rparen(p);
    }
    v->n = n;
    v->items = items;
    v->labels = labels;
}

static void parse_labels(Parser *p, WastComponentValue *v)
{
    u32 n = 0;
    while (peek_at(p, n)->kind == TOKEN_STRING)
        n++;
    Str *labels = arena_array(&p->arena, Str, n);
    for (u32 i = 0; i < n; i++)
        labels[i] = parse_name(p);
    v->n = n;
    v->labels = labels;
}

static void parse_payload(Parser *p, WastComponentValue *v, u32 min, u32 depth)
{
    parse_items(p, v, false, depth);
    if (parse_ok(p) && (v->n < min || v->n > 1))
        parse_fail(p, peek(p), "unexpected token: expected one value");
}

static void parse_contents(Parser *p, WastComponentValue *v, u32 depth)
{
    u32 bits = kinds[v->kind].shape >> 8;
    u8 bytes[8] = {0};
    switch ((Shape)(kinds[v->kind].shape & 0xff)) {
    case SHAPE_BOOL:
        v->bits = take_keyword(p, STR("true"));
        if (!v->bits && !take_keyword(p, STR("false")))
            parse_unexpected(p, "`true` or `false`");
        break;
    case SHAPE_UNSIGNED:
        parse_integer(p, v, bits, false);
        break;
    case SHAPE_SIGNED:
        parse_integer(p, v, bits, true);
        break;
    case SHAPE_FLOATING:
        parse_float_bytes(p, bits, bytes);
        v->bits = load_u64(bytes);
        break;
    case SHAPE_CHAR:
        parse_char(p, v);
        break;
    case SHAPE_STRING:
        v->text = parse_name(p);
        break;
    case SHAPE_ITEMS:
        parse_items(p, v, false, depth);
        break;
    case SHAPE_FIELDS:
        parse_items(p, v, true, depth);
        break;
    case SHAPE_LABELS:
        parse_labels(p, v);
        break;
    case SHAPE_CASE:
        v->text = parse_name(p);
        parse_payload(p, v, 0, depth);
        break;
    case SHAPE_NONE:
        break;
    case SHAPE_SOME:
        parse_payload(p, v, 1, depth);
        break;
    case SHAPE_PAYLOAD:
        parse_payload(p, v, 0, depth);
        break;
    }
}

/* Calls itself for nested values, to a depth of VALUE_MAX_DEPTH. */
static void parse_at(Parser *p, WastComponentValue *v, u32 depth)
{
    WastComponentKind k = kind_at(p);
    if (k == WAST_COMPONENT_COUNT) {
        parse_unexpected(p, "a value of a component");
    } else if (depth == VALUE_MAX_DEPTH) {
        parse_fail(p, peek(p), "item nesting too deep: more than %u levels", VALUE_MAX_DEPTH);
    } else {
        v->kind = (u8)k;
        p->at++;
        parse_contents(p, v, depth);
    }
}

const WastComponentValue *wast_component_value(Parser *p)
{
    WastComponentValue *v = arena_new(&p->arena, WastComponentValue);
    parse_at(p, v, 0);
    return v;
}
