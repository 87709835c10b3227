/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The lexer. A token is the longest run of identifier characters and strings; what such a run is
 * (keyword, number, identifier, string) is decided from its whole text, so that `0drop` or
 * `"a""b"` are one reserved token, as the specification wants.
 */
#include "wasm/text/lexer.h"
#include "base/utf8.h"

const char *annotation_name(AnnotationKind k)
{
    static const char *const names[ANNOTATION_KINDS] = {
        [ANNOTATION_CUSTOM] = "custom",
        [ANNOTATION_NAME] = "name",
        [ANNOTATION_BRANCH_HINT] = "metadata.code.branch_hint",
    };
    return names[k];
}

/* The state of one pass. */
typedef struct Lex {
    Lexer *l;
    const u8 *p;
    u32 n, at;
    VEC(u32) open;  /* tokens of unmatched parentheses */
    u32 note_depth; /* parentheses open within an annotation, 0 outside of one */
    bool any_unicode;
    bool note_dropped; /* its name is unknown */
} Lex;

static bool is_digit_of(char c, bool hex)
{
    return hex ? is_hex_digit(c) : is_digit(c);
}

static void lex_fail(Lex *x, u32 at, const char *what)
{
    if (!diag_ok(&x->l->error))
        return;
    diag_set(&x->l->error, DIAG_MALFORMED, at, "%s", what);
    x->at = at;
}

static bool lex_ok(const Lex *x)
{
    return diag_ok(&x->l->error);
}

/* Steps over one character of a comment or a string. */
static void lex_char(Lex *x)
{
    if (x->p[x->at] < 0x80) {
        x->at++;
        return;
    }
    u32 c, len = utf8_decode(x->p + x->at, x->n - x->at, &c);
    if (len == 0)
        lex_fail(x, x->at, "malformed UTF-8 encoding");
    else if (!x->any_unicode && lexer_is_confusing(c))
        lex_fail(x, x->at, "likely-confusing unicode character");
    else
        x->at += len;
}

static void skip_line_comment(Lex *x)
{
    while (lex_ok(x) && x->at < x->n && x->p[x->at] != '\n' && x->p[x->at] != '\r')
        lex_char(x);
}

static void skip_block_comment(Lex *x)
{
    u32 start = x->at, depth = 0;
    while (lex_ok(x)) {
        if (x->n - x->at < 2) {
            lex_fail(x, start, "unclosed comment");
        } else if (x->p[x->at] == '(' && x->p[x->at + 1] == ';') {
            depth++;
            x->at += 2;
        } else if (x->p[x->at] == ';' && x->p[x->at + 1] == ')') {
            x->at += 2;
            if (--depth == 0)
                return;
        } else {
            lex_char(x);
        }
    }
}

static u32 hex_value(u8 c)
{
    return (u32)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
}

/*
 * Reads the code point of \u{...}, of which `at` is the first byte behind the brace. Returns the
 * length with the closing brace, 0 if it is malformed.
 */
static u32 read_unicode(const u8 *p, u32 n, u32 *ret_char)
{
    u32 c = 0, i = 0;
    bool digit = false;
    for (; i < n && p[i] != '}'; i++) {
        bool separator = p[i] == '_' && digit;
        if (!separator && !is_digit_of(p[i], true))
            return 0;
        digit = !separator;
        if (digit)
            c = c * 16 + hex_value(p[i]);
        if (c > 0x10ffff)
            return 0;
    }
    if (i == n || !digit || (c >= 0xd800 && c < 0xe000))
        return 0;
    *ret_char = c;
    return i + 1;
}

/*
 * Reads one escape behind its backslash. Returns its length, 0 if there is no such escape; appends
 * what it stands for to `out` unless that is NULL.
 */
static u32 read_escape(const u8 *p, u32 n, Buf *out)
{
    static const char from[] = "tnr\"'\\", to[] = "\t\n\r\"'\\";
    u32 c;
    if (n == 0)
        return 0;
    const char *simple = p[0] ? strchr(from, p[0]) : NULL;
    if (simple) {
        if (out)
            buf_u8(out, (u8)to[simple - from]);
        return 1;
    }
    if (n >= 2 && p[0] == 'u' && p[1] == '{') {
        u32 len = read_unicode(p + 2, n - 2, &c);
        if (len && out)
            utf8_put(out, c);
        return len ? len + 2 : 0;
    }
    if (n < 2 || !is_digit_of(p[0], true) || !is_digit_of(p[1], true))
        return 0;
    if (out)
        buf_u8(out, (u8)(hex_value(p[0]) << 4 | hex_value(p[1])));
    return 2;
}

void token_string(const Lexer *l, const Token *t, Buf *out)
{
    const u8 *p = (const u8 *)l->source.p + t->at + 1;
    u32 n = t->len - 2;
    for (u32 i = 0; i < n;) {
        const u8 *escape = memchr(p + i, '\\', n - i);
        u32 plain = escape ? (u32)(escape - p) : n;
        buf_bytes(out, p + i, plain - i);
        i = plain;
        if (escape)
            i += 1 + read_escape(p + i + 1, n - i - 1, out);
    }
}

/* Checks a string and steps over it. */
static void lex_string(Lex *x)
{
    u32 start = x->at++;
    while (lex_ok(x)) {
        u8 c = x->at < x->n ? x->p[x->at] : '\n';
        if (c == '"') {
            x->at++;
            return;
        }
        if (c == '\n') {
            lex_fail(x, start, "unclosed string");
        } else if (c < ' ' || c == 0x7f) {
            lex_fail(x, x->at, "illegal character in a string");
        } else if (c == '\\') {
            u32 len = read_escape(x->p + x->at + 1, x->n - x->at - 1, NULL);
            if (len)
                x->at += 1 + len;
            else
                lex_fail(x, x->at, "illegal escape in a string");
        } else {
            lex_char(x);
        }
    }
}

/* The string in an identifier or an annotation's name: not empty, and UTF-8. */
static void check_quoted_name(Lex *x, u32 at, const char *what)
{
    Token t = {at, x->at - at, TOKEN_STRING};
    Buf b = {0};
    token_string(x->l, &t, &b);
    if (b.n == 0)
        lex_fail(x, at, what);
    else if (!utf8_valid(b.p, b.n))
        lex_fail(x, at, "malformed UTF-8 encoding");
    buf_release(&b);
}

/* As lex_string, but what cannot be in a string makes the name empty, which is what is said. */
static void lex_quoted_name(Lex *x, const char *what)
{
    u32 at = x->at;
    lex_string(x);
    Diag *d = &x->l->error;
    if (diag_ok(d))
        check_quoted_name(x, at, what);
    else if (strncmp(d->msg, "malformed", 9) != 0) {
        diag_init(d);
        lex_fail(x, at, what);
    }
}

/* Digits with single underscores between them. */
static bool scan_digits(Str s, usize *i, bool hex)
{
    usize start = *i;
    while (*i < s.n && (is_digit_of(s.p[*i], hex) ||
                        (s.p[*i] == '_' && *i > start && is_digit_of(s.p[*i - 1], hex))))
        ++*i;
    return *i > start && s.p[*i - 1] != '_';
}

static bool is_nan_payload(Str s)
{
    usize i = 6;
    return str_starts(s, STR("nan:0x")) && scan_digits(s, &i, true) && i == s.n;
}

/* TOKEN_INT or TOKEN_FLOAT if all of `s` is a number, otherwise TOKEN_RESERVED. */
static TokenKind number_kind(Str s)
{
    usize i = 0;
    if (i < s.n && (s.p[i] == '+' || s.p[i] == '-'))
        i++;
    Str rest = {s.p + i, s.n - i};
    if (str_eq(rest, STR("inf")) || str_eq(rest, STR("nan")) || is_nan_payload(rest))
        return TOKEN_FLOAT;
    bool hex = s.n - i > 2 && s.p[i] == '0' && s.p[i + 1] == 'x', fraction = false;
    if (hex)
        i += 2;
    if (!scan_digits(s, &i, hex))
        return TOKEN_RESERVED;
    if (i < s.n && s.p[i] == '.') {
        fraction = true;
        i++;
        if (i < s.n && is_digit_of(s.p[i], hex) && !scan_digits(s, &i, hex))
            return TOKEN_RESERVED;
    }
    if (i < s.n && (s.p[i] | 32) == (hex ? 'p' : 'e')) {
        fraction = true;
        i++;
        if (i < s.n && (s.p[i] == '+' || s.p[i] == '-'))
            i++;
        if (!scan_digits(s, &i, false))
            return TOKEN_RESERVED;
    }
    if (i != s.n)
        return TOKEN_RESERVED;
    return fraction ? TOKEN_FLOAT : TOKEN_INT;
}

static TokenKind word_kind(Str s)
{
    if (s.p[0] == '$')
        return TOKEN_ID;
    TokenKind k = number_kind(s);
    return k == TOKEN_RESERVED && s.p[0] >= 'a' && s.p[0] <= 'z' ? TOKEN_KEYWORD : k;
}

static void push_token(Lex *x, u32 at, TokenKind kind)
{
    Token t = {at, x->at - at, (u8)kind};
    if (x->note_depth == 0)
        vec_push(&x->l->tokens, t);
    else if (!x->note_dropped)
        vec_push(&x->l->note_tokens, t);
}

/* A run of identifier characters and strings. */
static void lex_word(Lex *x)
{
    u32 start = x->at, strings = 0, pieces = 0;
    bool quoted_id = false;
    while (lex_ok(x) && x->at < x->n) {
        u32 at = x->at;
        if (x->p[at] == '"') {
            quoted_id = pieces == 1 && at == start + 1 && x->p[start] == '$';
            if (quoted_id)
                lex_quoted_name(x, "empty identifier");
            else
                lex_string(x);
            strings++;
        } else {
            while (x->at < x->n && lexer_is_idchar(x->p[x->at]))
                x->at++;
            if (x->at == at)
                break;
        }
        pieces++;
    }
    if (!lex_ok(x))
        return;
    TokenKind kind = TOKEN_RESERVED;
    if (strings == 0)
        kind = word_kind((Str){(const char *)x->p + start, x->at - start});
    else if (pieces == 1)
        kind = TOKEN_STRING;
    else if (pieces == 2 && quoted_id)
        kind = TOKEN_ID;
    if (kind == TOKEN_ID && x->at == start + 1)
        lex_fail(x, start, "empty identifier");
    else
        push_token(x, start, kind);
}

static void open_annotation(Lex *x)
{
    u32 start = x->at, name = start + 2;
    x->at = name;
    Str s;
    Buf quoted = {0};
    if (name < x->n && x->p[name] == '"') {
        lex_quoted_name(x, "empty annotation id");
        if (!lex_ok(x))
            return;
        Token t = {name, x->at - name, TOKEN_STRING};
        token_string(x->l, &t, &quoted);
        s = (Str){(const char *)quoted.p, quoted.n};
    } else {
        while (x->at < x->n && lexer_is_idchar(x->p[x->at]))
            x->at++;
        s = (Str){(const char *)x->p + name, x->at - name};
        if (s.n == 0)
            lex_fail(x, start, "empty annotation id");
    }
    x->note_depth = 1;
    x->note_dropped = true;
    for (u32 k = 0; k < ANNOTATION_KINDS; k++) {
        if (!str_eq(s, str_of(annotation_name((AnnotationKind)k))))
            continue;
        x->note_dropped = false;
        Annotation a = {(u8)k, false, start, x->l->tokens.n, x->l->note_tokens.n};
        vec_push(&x->l->notes, a);
    }
    buf_release(&quoted);
}

static void pad(TokenVec *v, u32 at)
{
    for (u32 i = 0; i < LEXER_PADDING; i++)
        vec_push(v, ((Token){at, 0, TOKEN_EOF}));
}

static void lex_lparen(Lex *x)
{
    if (x->note_depth == 0 && x->at + 1 < x->n && x->p[x->at + 1] == '@') {
        open_annotation(x);
        return;
    }
    x->at++;
    push_token(x, x->at - 1, TOKEN_LPAREN);
    if (x->note_depth > 0)
        x->note_depth++;
    else
        vec_push(&x->open, x->l->tokens.n - 1);
}

static void lex_rparen(Lex *x)
{
    x->at++;
    if (x->note_depth > 0) {
        if (--x->note_depth > 0) {
            push_token(x, x->at - 1, TOKEN_RPAREN);
        } else if (!x->note_dropped) {
            pad(&x->l->note_tokens, x->at - 1);
        }
        return;
    }
    push_token(x, x->at - 1, TOKEN_RPAREN);
    if (x->open.n > 0)
        x->l->tokens.p[x->open.p[--x->open.n]].len = x->l->tokens.n - 1;
}

static void lex_one(Lex *x)
{
    u8 c = x->p[x->at], next = x->at + 1 < x->n ? x->p[x->at + 1] : 0;
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        x->at++;
    } else if (c == ';' && next == ';') {
        skip_line_comment(x);
    } else if (c == '(' && next == ';') {
        skip_block_comment(x);
    } else if (c == '(') {
        lex_lparen(x);
    } else if (c == ')') {
        lex_rparen(x);
    } else if (c == '"' || lexer_is_idchar(c)) {
        lex_word(x);
    } else if (c > ' ' && c < 0x7f) {
        x->at++;
        push_token(x, x->at - 1, TOKEN_RESERVED);
    } else {
        u32 ch;
        bool good = c < 0x80 || utf8_decode(x->p + x->at, x->n - x->at, &ch) > 0;
        lex_fail(x, x->at, good ? "illegal character" : "malformed UTF-8 encoding");
    }
}

void lexer_init(Lexer *l, Str source, bool any_unicode)
{
    *l = (Lexer){.source = source};
    diag_init(&l->error);
    Lex x = {.l = l, .p = (const u8 *)source.p, .any_unicode = any_unicode};
    if (source.n > LEXER_MAX_SOURCE)
        diag_set(&l->error, DIAG_LIMIT, 0, "text is too large: %zu bytes", source.n);
    else
        x.n = (u32)source.n;
    while (lex_ok(&x) && x.at < x.n)
        lex_one(&x);
    if (x.note_depth > 0)
        lex_fail(&x, x.n, "unclosed annotation");
    x.note_depth = 0;
    if (!lex_ok(&x))
        push_token(&x, x.at, TOKEN_ERROR);
    for (u32 i = 0; i < x.open.n; i++)
        l->tokens.p[x.open.p[i]].len = l->tokens.n;
    pad(&l->tokens, x.at);
    pad(&l->note_tokens, x.at);
    vec_release(&x.open);
}

void lexer_release(Lexer *l)
{
    vec_release(&l->tokens);
    vec_release(&l->note_tokens);
    vec_release(&l->notes);
}
