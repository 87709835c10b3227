/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* WAVE to values, steered by the type. The parser is sticky: the first error ends it. */
#include "base/utf8.h"
#include "base/vec.h"
#include "component/wave.h"
#include "wasm/text/number.h"

#include <stdio.h>

typedef struct Parser {
    const ComponentTypes *t;
    Str s;
    usize at;
    Arena *arena;
    Error *error; /* own */
} Parser;

static void parse(Parser *p, CTypeId type, ComponentVal *ret);

/* --- words --- */

static void fail(Parser *p, const char *what)
{
    if (p->error)
        return;
    u32 line = 1, column = 1;
    for (usize i = 0; i < p->at && i < p->s.n; i++) {
        column++;
        if (p->s.p[i] == '\n') {
            line++;
            column = 1;
        }
    }
    p->error = error_new("%s at %u:%u", what, line, column);
    p->at = p->s.n;
}

static void skip_blanks(Parser *p)
{
    while (p->at < p->s.n) {
        char c = p->s.p[p->at];
        if (c == '/' && p->at + 1 < p->s.n && p->s.p[p->at + 1] == '/')
            while (p->at < p->s.n && p->s.p[p->at] != '\n')
                p->at++;
        else if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
            p->at++;
        else
            return;
    }
}

static char peek(Parser *p)
{
    skip_blanks(p);
    return p->at < p->s.n ? p->s.p[p->at] : 0;
}

static bool take(Parser *p, char c)
{
    if (p->error || peek(p) != c || p->at == p->s.n)
        return false;
    p->at++;
    return true;
}

static void expect(Parser *p, char c)
{
    char what[] = "expected ' '";
    what[sizeof what - 3] = c;
    if (!take(p, c))
        fail(p, what);
}

static bool is_word_char(char c)
{
    return is_lower(c) || is_upper(c) || is_digit(c) || c == '-';
}

/* A label, without the % that may stand before it; empty if there is none. */
static Str word(Parser *p, bool *ret_marked)
{
    *ret_marked = false;
    if (peek(p) == '%') {
        *ret_marked = true;
        p->at++;
    }
    usize start = p->at;
    while (p->at < p->s.n && is_word_char(p->s.p[p->at]))
        p->at++;
    return (Str){p->s.p + start, p->at - start};
}

/* The word that comes, if it is this one and unmarked. */
static bool take_word(Parser *p, const char *want)
{
    peek(p);
    usize start = p->at;
    bool marked;
    if (!p->error && str_eq(word(p, &marked), str_of(want)) && !marked)
        return true;
    p->at = start;
    return false;
}

/* --- numbers --- */

static usize skip_digits(const Parser *p, usize at)
{
    while (at < p->s.n && is_digit(p->s.p[at]))
        at++;
    return at;
}

static bool char_at(const Parser *p, usize at, char a, char b)
{
    return at < p->s.n && (p->s.p[at] == a || p->s.p[at] == b);
}

/* As in JSON: -, digits without a needless 0; if `real`, .digits and e, a sign, digits may follow.
 */
static Str number(Parser *p, bool real)
{
    peek(p);
    usize start = p->at, at = start + char_at(p, start, '-', '-');
    usize end = char_at(p, at, '0', '0') ? at + 1 : skip_digits(p, at);
    if (end == at)
        return (Str){0};
    if (real && char_at(p, end, '.', '.') && (at = skip_digits(p, end + 1)) > end + 1)
        end = at;
    if (real && char_at(p, end, 'e', 'E')) {
        usize digits = end + 1 + char_at(p, end + 1, '+', '-');
        at = skip_digits(p, digits);
        end = at > digits ? at : end;
    }
    p->at = end;
    return (Str){p->s.p + start, end - start};
}

typedef struct IntRow {
    u8 bits;
    bool is_signed;
} IntRow;
static const IntRow ints[CT_RECORD] = {
    [CT_S8] = {8, true},   [CT_U8] = {8, false},   [CT_S16] = {16, true}, [CT_U16] = {16, false},
    [CT_S32] = {32, true}, [CT_U32] = {32, false}, [CT_S64] = {64, true}, [CT_U64] = {64, false}};

static void parse_int(Parser *p, CTypeKind kind, ComponentVal *ret)
{
    usize start = p->at;
    Str s = number(p, false);
    IntRow row = ints[kind];
    bool negative = s.n && s.p[0] == '-';
    Str digits = negative ? (Str){s.p + 1, s.n - 1} : s;
    u64 max =
        row.is_signed ? ((u64)1 << (row.bits - 1)) - !negative : UINT64_MAX >> (64 - row.bits);
    u64 v = 0;
    if (!s.n || (negative && !row.is_signed) || !number_unsigned(digits, max, &v)) {
        p->at = start;
        char what[48];
        snprintf(what, sizeof what, "expected a number of type %s", ctype_kind_name(kind));
        fail(p, what);
    }
    ret->bits = negative ? 0 - v : v;
}

static void parse_float(Parser *p, CTypeKind kind, ComponentVal *ret)
{
    static const u64 nans[2] = {0x7fc00000, 0x7ff8000000000000};
    static const u64 infs[2][2] = {{0x7f800000, 0xff800000},
                                   {0x7ff0000000000000, 0xfff0000000000000}};
    bool wide = kind == CT_F64;
    if (take_word(p, "nan")) {
        ret->bits = nans[wide];
        return;
    }
    bool inf = take_word(p, "inf"), minus = !inf && take_word(p, "-inf");
    if (inf || minus) {
        ret->bits = infs[wide][minus];
        return;
    }
    Str s = number(p, true);
    u32 narrow = 0;
    if (!s.n)
        fail(p, "expected a float");
    else if (!(wide ? number_f64(s, &ret->bits) : number_f32(s, &narrow)))
        ret->bits = infs[wide][s.p[0] == '-']; /* too large */
    else if (!wide)
        ret->bits = narrow;
}

/* --- characters and strings --- */

static u32 hex_escape(Parser *p)
{
    u32 c = 0, n = 0;
    if (p->at == p->s.n || p->s.p[p->at++] != '{') {
        fail(p, "expected '{'");
        return 0;
    }
    for (; p->at < p->s.n && p->s.p[p->at] != '}'; p->at++, n++) {
        char d = p->s.p[p->at];
        u32 v = d >= '0' && d <= '9'                     ? (u32)(d - '0')
                : (d | 0x20) >= 'a' && (d | 0x20) <= 'f' ? (u32)((d | 0x20) - 'a' + 10)
                                                         : 16;
        if (v == 16 || n == 6)
            break;
        c = c << 4 | v;
    }
    bool valid = c < 0xd800 || (c >= 0xe000 && c < 0x110000);
    if (p->at == p->s.n || p->s.p[p->at] != '}' || !n || !valid)
        fail(p, "invalid escape");
    else
        p->at++;
    return c;
}

/* One character, with its escape, inside of quotes. */
static u32 character(Parser *p)
{
    static const char names[] = "tnr\"'\\", values[] = "\t\n\r\"'\\";
    u32 c = 0;
    u32 n = utf8_decode((const u8 *)p->s.p + p->at, p->s.n - p->at, &c);
    if (!n) {
        fail(p, p->at == p->s.n ? "unexpected end" : "invalid utf-8");
        return 0;
    }
    p->at += n;
    if (c != '\\')
        return c;
    if (p->at == p->s.n) {
        fail(p, "unexpected end");
        return 0;
    }
    char name = p->s.p[p->at++];
    if (name == 'u')
        return hex_escape(p);
    const char *found = memchr(names, name, sizeof names - 1);
    if (!found) {
        p->at--;
        fail(p, "invalid escape");
        return 0;
    }
    return (u8)values[found - names];
}

static void parse_char(Parser *p, ComponentVal *ret)
{
    expect(p, '\'');
    if (!p->error && p->at < p->s.n && p->s.p[p->at] == '\'')
        fail(p, "expected a character");
    ret->bits = p->error ? 0 : character(p);
    if (!p->error && (p->at == p->s.n || p->s.p[p->at++] != '\''))
        fail(p, "expected '''");
}

static bool at_quotes(const Parser *p, u32 n)
{
    return p->s.n - p->at >= n && memcmp(p->s.p + p->at, "\"\"\"", n) == 0;
}

/* The lines of a string in triple quotes: what stands before the closing ones is cut from each. */
static Buf cut_indent(Parser *p, const Buf *b)
{
    usize indent = 0, last = b->n;
    while (last > 0 && b->p[last - 1] == ' ')
        last--;
    indent = b->n - last;
    Buf out = {0};
    if (last == 0 || b->p[last - 1] != '\n' || b->p[0] != '\n') {
        fail(p, "multiline strings begin and end with a line break");
        return out;
    }
    for (usize i = 1; i < last;) {
        usize n = 0;
        while (n < indent && b->p[i + n] == ' ')
            n++;
        if (n < indent && b->p[i + n] != '\n')
            fail(p, "a line of the string is indented less than its end");
        i += n;
        while (b->p[i] != '\n')
            buf_u8(&out, b->p[i++]);
        if (++i < last)
            buf_u8(&out, '\n');
    }
    return out;
}

static void parse_string(Parser *p, ComponentVal *ret)
{
    expect(p, '"');
    if (p->error)
        return;
    p->at--;
    u32 quotes = at_quotes(p, 3) ? 3 : 1;
    p->at += quotes;
    Buf b = {0};
    while (!p->error && !at_quotes(p, quotes)) {
        if (quotes == 1 && p->at < p->s.n && p->s.p[p->at] == '\n')
            fail(p, "line break in a string");
        u32 c = p->error ? 0 : character(p);
        if (!p->error)
            utf8_put(&b, c);
    }
    if (!p->error)
        p->at += quotes;
    if (!p->error && quotes == 3) {
        Buf cut = cut_indent(p, &b);
        buf_release(&b);
        b = cut;
    }
    *ret = val_string((Str){arena_dup(p->arena, b.p, b.n), b.n});
    buf_release(&b);
}

/* --- compound values --- */

typedef VEC(ComponentVal) ValVec;

static ComponentVal *keep(Parser *p, ValVec *v)
{
    ComponentVal *items = arena_array(p->arena, ComponentVal, v->n);
    if (v->n)
        memcpy(items, v->p, v->n * sizeof *items);
    vec_release(v);
    return items;
}

/* After an item: true if another may follow, false behind the closing bracket. */
static bool more(Parser *p, char close)
{
    bool comma = take(p, ',');
    if (take(p, close))
        return false;
    if (!comma && !p->error) {
        char what[] = "expected ',' or ' '";
        what[sizeof what - 3] = close;
        fail(p, what);
    }
    return !p->error;
}

static void parse_list(Parser *p, const CType *c, ComponentVal *ret)
{
    bool map = c->kind == CT_MAP;
    ValVec items = {0};
    expect(p, '[');
    if (!p->error && !take(p, ']'))
        do {
            ComponentVal v = {0};
            if (map)
                expect(p, '(');
            parse(p, c->fields[0].type, &v);
            vec_push(&items, v);
            if (map) {
                expect(p, ',');
                v = (ComponentVal){0};
                parse(p, c->fields[1].type, &v);
                vec_push(&items, v);
                expect(p, ')');
            }
        } while (more(p, ']'));
    ret->kind = map ? CT_MAP : CT_LIST;
    ret->n = map ? items.n / 2 : items.n;
    ret->items = keep(p, &items);
    if (c->kind == CT_FIXED_LIST && ret->n != c->length)
        fail(p, "wrong number of elements");
}

static void parse_tuple(Parser *p, const CType *c, ComponentVal *ret)
{
    ret->n = c->n;
    ret->items = arena_array(p->arena, ComponentVal, c->n);
    expect(p, '(');
    for (u32 i = 0; i < c->n && !p->error; i++) {
        parse(p, c->fields[i].type, &ret->items[i]);
        bool open = more(p, ')');
        if (open && i + 1 == c->n)
            fail(p, "expected ')'");
        else if (!open && i + 1 < c->n)
            fail(p, "too few elements");
    }
}

/* One word, number, character or text, of no type in particular. */
static void skip_token(Parser *p)
{
    ComponentVal ignored = {0};
    bool marked;
    char c = peek(p);
    if (c == '\'')
        parse_char(p, &ignored);
    else if (c == '"')
        parse_string(p, &ignored);
    else if (!(is_digit(c) || c == '-' ? number(p, true).n || take_word(p, "-inf")
                                       : word(p, &marked).n != 0))
        fail(p, "expected a value");
}

enum { SKIP_DEPTH = 64 };

/* A value whose type nobody knows, of a field that the record does not have. */
static void skip_value(Parser *p)
{
    char closes[SKIP_DEPTH];
    u32 depth = 0;
    bool done = false; /* a value is complete */
    do {
        char c = peek(p);
        bool opens = c == '(' || c == '[' || c == '{';
        if (depth && c == closes[depth - 1] && take(p, c)) {
            depth--;
            done = true;
        } else if (opens && !(done && c != '(')) { /* behind a word: its payload */
            if (depth == SKIP_DEPTH) {
                fail(p, "too many brackets");
                return;
            }
            p->at++;
            closes[depth++] = c == '(' ? ')' : c == '[' ? ']' : '}';
            done = false;
        } else if (depth && (c == ',' || c == ':') && take(p, c)) {
            done = false;
        } else if (done) {
            fail(p, "expected ',' or a bracket");
        } else {
            skip_token(p);
            done = true;
        }
    } while (!p->error && (depth || !done || peek(p) == '('));
}

static u32 find_label(const CType *c, Str label)
{
    for (u32 i = 0; i < c->n; i++)
        if (str_eq(c->fields[i].name, label))
            return i;
    return UINT32_MAX;
}

/* Fields that were not given are none. */
static void fill_fields(Parser *p, const CType *c, ComponentVal *items)
{
    for (u32 i = 0; i < c->n && !p->error; i++) {
        if (items[i].kind != CT_KIND_COUNT)
            continue;
        items[i] = (ComponentVal){.kind = CT_OPTION};
        if (ctype_get(p->t, c->fields[i].type)->kind == CT_OPTION)
            continue;
        char what[96];
        snprintf(what, sizeof what, "the field `%.*s` is missing",
                 (int)MIN(c->fields[i].name.n, 64), c->fields[i].name.p);
        fail(p, what);
    }
}

static void parse_record(Parser *p, const CType *c, ComponentVal *ret)
{
    ret->n = c->n;
    ret->items = arena_array(p->arena, ComponentVal, c->n);
    for (u32 i = 0; i < c->n; i++)
        ret->items[i].kind = CT_KIND_COUNT;
    expect(p, '{');
    if (take(p, ':')) {
        expect(p, '}');
    } else if (!p->error) {
        do {
            bool marked;
            Str label = word(p, &marked);
            u32 i = find_label(c, label);
            if (!label.n || (i != UINT32_MAX && ret->items[i].kind != CT_KIND_COUNT)) {
                fail(p, label.n ? "duplicate field" : "expected a field");
                return;
            }
            expect(p, ':');
            if (i == UINT32_MAX) /* as in Wasmtime, a caller may know more fields */
                skip_value(p);
            else
                parse(p, c->fields[i].type, &ret->items[i]);
        } while (more(p, '}'));
    }
    fill_fields(p, c, ret->items);
}

static void parse_flags(Parser *p, const CType *c, ComponentVal *ret)
{
    expect(p, '{');
    if (p->error || take(p, '}'))
        return;
    do {
        bool marked;
        u32 i = find_label(c, word(p, &marked));
        if (i >= 64 || ret->bits >> i & 1) {
            fail(p, i >= 64 ? "unknown flag" : "duplicate flag");
            return;
        }
        ret->bits |= (u64)1 << i;
    } while (more(p, '}'));
}

static void parse_payload(Parser *p, CTypeId type, ComponentVal *ret)
{
    if (type == CTYPE_NONE)
        return;
    ret->payload = arena_new(p->arena, ComponentVal);
    expect(p, '(');
    parse(p, type, ret->payload);
    if (!p->error && more(p, ')'))
        fail(p, "expected ')'");
}

static void parse_case(Parser *p, const CType *c, ComponentVal *ret)
{
    bool marked;
    usize start = p->at;
    u32 i = find_label(c, word(p, &marked));
    if (i == UINT32_MAX) {
        p->at = start;
        fail(p, c->kind == CT_ENUM ? "unknown enum case" : "unknown variant case");
        return;
    }
    ret->n = i;
    parse_payload(p, c->kind == CT_ENUM ? CTYPE_NONE : c->fields[i].type, ret);
}

/* Options and results may be written as the plain value of their first payload. */
static void parse_bare(Parser *p, CTypeId type, u32 number, ComponentVal *ret)
{
    CTypeKind kind = type == CTYPE_NONE ? CT_OPTION : (CTypeKind)ctype_get(p->t, type)->kind;
    if (kind == CT_OPTION || kind == CT_RESULT) {
        fail(p, number ? "expected some(..) or none" : "expected ok or err");
        return;
    }
    ret->n = number;
    ret->payload = arena_new(p->arena, ComponentVal);
    parse(p, type, ret->payload);
}

static void parse_option(Parser *p, const CType *c, ComponentVal *ret)
{
    ret->n = 1;
    if (take_word(p, "none"))
        ret->n = 0;
    else if (take_word(p, "some"))
        parse_payload(p, c->fields[1].type, ret);
    else
        parse_bare(p, c->fields[1].type, 1, ret);
}

static void parse_result(Parser *p, const CType *c, ComponentVal *ret)
{
    if (take_word(p, "ok")) {
        parse_payload(p, c->fields[0].type, ret);
    } else if (take_word(p, "err")) {
        ret->n = 1;
        parse_payload(p, c->fields[1].type, ret);
    } else {
        parse_bare(p, c->fields[0].type, 0, ret);
    }
}

static void parse(Parser *p, CTypeId type, ComponentVal *ret)
{
    const CType *c = ctype_get(p->t, type);
    CTypeKind kind = (CTypeKind)c->kind;
    *ret = (ComponentVal){.kind = c->kind};
    peek(p);
    if (p->error)
        return;
    switch (kind) {
    case CT_BOOL:
        ret->bits = take_word(p, "true");
        if (!ret->bits && !take_word(p, "false"))
            fail(p, "expected true or false");
        break;
    case CT_S8:
    case CT_U8:
    case CT_S16:
    case CT_U16:
    case CT_S32:
    case CT_U32:
    case CT_S64:
    case CT_U64:
        parse_int(p, kind, ret);
        break;
    case CT_F32:
    case CT_F64:
        parse_float(p, kind, ret);
        break;
    case CT_CHAR:
        parse_char(p, ret);
        break;
    case CT_STRING:
        parse_string(p, ret);
        break;
    case CT_LIST:
    case CT_FIXED_LIST:
    case CT_MAP:
        parse_list(p, c, ret);
        break;
    case CT_TUPLE:
        parse_tuple(p, c, ret);
        break;
    case CT_RECORD:
        parse_record(p, c, ret);
        break;
    case CT_FLAGS:
        parse_flags(p, c, ret);
        break;
    case CT_VARIANT:
    case CT_ENUM:
        parse_case(p, c, ret);
        break;
    case CT_OPTION:
        parse_option(p, c, ret);
        break;
    case CT_RESULT:
        parse_result(p, c, ret);
        break;
    case CT_OWN:
    case CT_BORROW:
    case CT_ERROR_CONTEXT:
    case CT_STREAM:
    case CT_FUTURE:
        fail(p, "values of this type cannot be written");
        break;
    case CT_RESOURCE:
    case CT_FUNC:
    case CT_INSTANCE:
    case CT_COMPONENT:
    case CT_KIND_COUNT:
        BUG("not a value type");
    }
}

static void expect_end(Parser *p)
{
    peek(p);
    if (p->at != p->s.n)
        fail(p, "unexpected text");
}

Error *wave_parse(const ComponentTypes *t, CTypeId type, Str text, Arena *arena,
                  ComponentVal *ret_val)
{
    Parser p = {.t = t, .s = text, .arena = arena};
    parse(&p, type, ret_val);
    expect_end(&p);
    return p.error;
}

Error *wave_parse_call(Str text, WaveCall *ret_call)
{
    const char *open = text.n ? memchr(text.p, '(', text.n) : NULL;
    if (!open)
        return error_new("expected a call, as in `name(arguments)`");
    usize at = (usize)(open - text.p);
    Str name = str_trim((Str){text.p, at});
    if (!name.n)
        return error_new("expected a function's name before `(`");
    *ret_call = (WaveCall){name, text, at + 1};
    return NULL;
}

Error *wave_parse_args(const ComponentTypes *t, const CType *func, const WaveCall *call,
                       Arena *arena, ComponentVal *ret_vals)
{
    Parser p = {.t = t, .s = call->text, .at = call->args, .arena = arena};
    bool open = !take(&p, ')');
    for (u32 i = 0; i < func->n && !p.error; i++) {
        CTypeId type = func->fields[i].type;
        if (open) {
            parse(&p, type, &ret_vals[i]);
            open = more(&p, ')');
        } else if (ctype_get(t, type)->kind == CT_OPTION) {
            ret_vals[i] = (ComponentVal){.kind = CT_OPTION};
        } else {
            fail(&p, "too few arguments");
        }
    }
    if (open)
        fail(&p, "too many arguments");
    expect_end(&p);
    return p.error;
}
