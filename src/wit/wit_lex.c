/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Lexical structure of WIT: tokens, comments, documentation, versions. */
#include "wit/wit_lex_priv.h"

#include "base/utf8.h"
#include "wasm/text/lexer.h"

#include <stdarg.h>
#include <stdio.h>

static bool is_word(char c)
{
    return is_lower(c) || is_upper(c) || is_digit(c) || c == '-';
}

void wit_lex_error(WitLexer *l, u32 at, const char *fmt, ...)
{
    char msg[DIAG_MSG_SIZE];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    diag_set(l->diag, DIAG_MALFORMED, (u64)l->start + at, "%s", msg);
    l->at = (u32)l->text.n;
    l->token = (WitToken){.kind = WIT_TOKEN_EOF, .at = l->at};
}

/* Control characters and what turns the direction of text would hide what is written. */
static void check_chars(WitLexer *l)
{
    for (u32 i = 0; i < l->text.n;) {
        u8 b = (u8)l->text.p[i];
        if (b >= 0x20 && b < 0x7f) {
            i++;
            continue;
        }
        u32 c, len = utf8_decode((const u8 *)l->text.p + i, l->text.n - i, &c);
        if (len == 0) {
            wit_lex_error(l, i, "the text is not valid UTF-8");
            return;
        }
        bool blank = c == '\t' || c == '\n' || c == '\r';
        if (lexer_is_confusing(c) || (c < 0x20 && !blank) || (c >= 0x7f && c < 0xa0) ||
            c == 0x149 || c == 0x673 || c == 0xf77 || c == 0xf79 || c == 0x17a3 || c == 0x17a4 ||
            c == 0x17b4 || c == 0x17b5) {
            wit_lex_error(l, i, "character U+%04X is not allowed in a text", c);
            return;
        }
        i += len;
    }
}

static char char_at(const WitLexer *l, u32 i)
{
    return i < l->text.n ? l->text.p[i] : 0;
}

static void skip_line(WitLexer *l)
{
    while (l->at < l->text.n && l->text.p[l->at] != '\n')
        l->at++;
}

static void skip_block(WitLexer *l)
{
    u32 begin = l->at, depth = 0;
    do {
        if (l->at >= l->text.n) {
            wit_lex_error(l, begin, "this block comment has no end");
            return;
        }
        bool opens = char_at(l, l->at) == '/' && char_at(l, l->at + 1) == '*';
        bool closes = char_at(l, l->at) == '*' && char_at(l, l->at + 1) == '/';
        depth += opens;
        depth -= closes;
        l->at += opens || closes ? 2 : 1;
    } while (depth);
}

static void skip_blanks(WitLexer *l)
{
    for (;;) {
        char c = char_at(l, l->at), d = char_at(l, l->at + 1);
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
            l->at++;
        else if (c == '/' && d == '/')
            skip_line(l);
        else if (c == '/' && d == '*')
            skip_block(l);
        else
            return;
    }
}

static void lex_string(WitLexer *l)
{
    u32 begin = l->at++;
    while (char_at(l, l->at) != '"') {
        if (l->at >= l->text.n || l->text.p[l->at] == '\n') {
            wit_lex_error(l, begin, "this string has no end");
            return;
        }
        l->at += l->text.p[l->at] == '\\' ? 2 : 1;
    }
    l->at++;
    l->token.kind = WIT_TOKEN_STRING;
}

void wit_lex_next(WitLexer *l)
{
    l->docs_from = l->at;
    skip_blanks(l);
    l->docs_to = l->at;
    l->token = (WitToken){.kind = WIT_TOKEN_EOF, .at = l->at};
    if (l->at >= l->text.n)
        return;
    u32 begin = l->at;
    char c = l->text.p[begin];
    if (is_lower(c) || is_upper(c) || c == '%') {
        l->token.kind = c == '%' ? WIT_TOKEN_ID : WIT_TOKEN_WORD;
        for (l->at++; is_word(char_at(l, l->at)); l->at++)
            ;
    } else if (is_digit(c)) {
        l->token.kind = WIT_TOKEN_INT;
        while (is_digit(char_at(l, l->at)))
            l->at++;
    } else if (c == '"') {
        lex_string(l);
    } else if (c == '-' && char_at(l, begin + 1) == '>') {
        l->token.kind = WIT_TOKEN_ARROW;
        l->at += 2;
    } else if (strchr("=,:;(){}<>[]*/.@_+-", c)) {
        l->token.kind = WIT_TOKEN_PUNCT;
        l->token.punct = (u8)c;
        l->at++;
    } else {
        u32 code = 0;
        (void)utf8_decode((const u8 *)l->text.p + begin, l->text.n - begin, &code);
        wit_lex_error(l, begin, "unexpected character U+%04X", code);
        return;
    }
    if (diag_ok(l->diag))
        l->token.len = l->at - begin;
}

void wit_lex_init(WitLexer *l, Str text, u32 start, Diag *diag)
{
    *l = (WitLexer){.text = text, .start = start, .diag = diag};
    if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
        l->at = 3;
    check_chars(l);
    wit_lex_next(l);
}

Str wit_lex_text(const WitLexer *l)
{
    return (Str){l->text.p + l->token.at, l->token.len};
}

static void add_doc_line(Buf *out, Str line, u32 indent)
{
    line = str_trim_end(line);
    u32 n = 0;
    while (n < indent && n < line.n && line.p[n] == ' ')
        n++;
    buf_bytes(out, line.p + n, line.n - n);
    buf_u8(out, '\n');
}

/* The lines of a documentation block comment; a star in front of a line belongs to its frame. */
static void add_doc_block(Buf *out, Str body)
{
    while (body.n) {
        const char *end = memchr(body.p, '\n', body.n);
        usize n = end ? (usize)(end - body.p) : body.n;
        Str line = {body.p, n};
        while (line.n && strchr(" \t\r", line.p[0])) {
            line.p++;
            line.n--;
        }
        if (line.n && line.p[0] == '*') {
            line.p++;
            line.n--;
        }
        if (str_trim_end(line).n || out->n)
            add_doc_line(out, line, 1);
        body.p += MIN(n + 1, body.n);
        body.n -= MIN(n + 1, body.n);
    }
}

/* A comment: what is behind the slashes, or in a documentation block. */
typedef struct Comment {
    bool line;
    Str text;
} Comment;

/* Plain blocks are passed over. */
static bool next_comment(WitLexer *at, u32 end, Comment *ret_comment)
{
    while (at->at < end) {
        u32 begin = at->at;
        const char *p = at->text.p + begin;
        if (p[0] != '/') {
            at->at++;
        } else if (p[1] == '/') {
            skip_line(at);
            Str text = {p, at->at - begin};
            while (text.n && text.p[0] == '/') {
                text.p++;
                text.n--;
            }
            *ret_comment = (Comment){true, text};
            return true;
        } else {
            skip_block(at);
            *ret_comment = (Comment){false, {p + 3, at->at - begin - 5}};
            if (at->at - begin > 4 && p[2] == '*')
                return true;
        }
    }
    return false;
}

/* What all lines that say something begin with. */
static u32 common_indent(WitLexer at, u32 end)
{
    u32 indent = UINT32_MAX;
    Comment c;
    while (next_comment(&at, end, &c)) {
        u32 n = 0;
        while (n < c.text.n && c.text.p[n] == ' ')
            n++;
        if (c.line && str_trim_end(c.text).n)
            indent = MIN(indent, n);
    }
    return indent;
}

Str wit_lex_docs(const WitLexer *l, Arena *arena)
{
    Buf out = {0};
    WitLexer at = *l;
    Comment c;
    Diag ignored;
    diag_init(&ignored);
    at.diag = &ignored;
    at.at = l->docs_from;
    u32 indent = common_indent(at, l->docs_to);
    while (next_comment(&at, l->docs_to, &c)) {
        if (c.line)
            add_doc_line(&out, c.text, indent);
        else
            add_doc_block(&out, c.text);
    }
    Str docs = str_trim_end((Str){(const char *)out.p, out.n});
    Str kept = {docs.n ? arena_strdup(arena, docs) : "", docs.n};
    buf_release(&out);
    return kept;
}

static void version_chars(WitLexer *l)
{
    for (;;) {
        char c = char_at(l, l->at), d = char_at(l, l->at + 1);
        bool dot = c == '.' && (is_word(d));
        if (!is_word(c) && !dot)
            return;
        l->at++;
    }
}

Str wit_lex_version(WitLexer *l)
{
    u32 begin = l->token.at;
    if (l->token.kind != WIT_TOKEN_INT) {
        wit_lex_error(l, begin, "expected a version such as 1.2.3");
        return (Str){0};
    }
    for (u32 dots = 0; dots < 2 && char_at(l, l->at) == '.'; dots++) {
        l->at++;
        while (is_digit(char_at(l, l->at)))
            l->at++;
    }
    if (char_at(l, l->at) == '-' && is_word(char_at(l, l->at + 1))) {
        l->at++;
        version_chars(l);
    }
    if (char_at(l, l->at) == '+' && is_word(char_at(l, l->at + 1))) {
        l->at++;
        version_chars(l);
    }
    Str text = {l->text.p + begin, l->at - begin};
    WitVersion v;
    if (!wit_version_parse(text, &v)) {
        wit_lex_error(l, begin, "`%.*s` is not a version such as 1.2.3", STR_ARG(text));
        return (Str){0};
    }
    wit_lex_next(l);
    return text;
}

Str wit_lex_string(WitLexer *l, Arena *arena)
{
    /* The core text format has the same literals: its lexer checks them and takes them apart. */
    Lexer core;
    Buf out = {0};
    Str quoted = wit_lex_text(l), result = {"", 0};
    u32 at = l->token.at;
    lexer_init(&core, quoted, false);
    if (core.tokens.n < 1 || core.tokens.p[0].kind != TOKEN_STRING)
        wit_lex_error(l, at, "%s", diag_ok(&core.error) ? "malformed string" : core.error.msg);
    else
        token_string(&core, &core.tokens.p[0], &out);
    if (diag_ok(l->diag) && !utf8_valid(out.p, out.n))
        wit_lex_error(l, at, "this string is not valid UTF-8");
    if (diag_ok(l->diag)) {
        result = (Str){arena_strdup(arena, (Str){(const char *)out.p, out.n}), out.n};
        wit_lex_next(l);
    }
    buf_release(&out);
    lexer_release(&core);
    return result;
}

bool wit_is_label(Str s)
{
    if (s.n == 0 || !(is_lower(s.p[0]) || is_upper(s.p[0])))
        return false;
    for (usize i = 0; i < s.n;) {
        bool lower = false, upper = false;
        usize begin = i;
        for (; i < s.n && s.p[i] != '-'; i++) {
            lower |= is_lower(s.p[i]);
            upper |= is_upper(s.p[i]);
            if (!is_lower(s.p[i]) && !is_upper(s.p[i]) && !is_digit(s.p[i]))
                return false;
        }
        if (i == begin || (lower && upper))
            return false;
        if (i < s.n && ++i == s.n)
            return false; /* a hyphen at the end */
    }
    return true;
}

bool wit_is_keyword(Str s)
{
    static const char *const words[] = {
        "as",        "async", "bool",         "borrow", "char", "constructor", "enum",   "export",
        "f32",       "f64",   "flags",        "from",   "func", "future",      "import", "include",
        "interface", "list",  "map",          "option", "own",  "package",     "record", "resource",
        "result",    "s16",   "s32",          "s64",    "s8",   "static",      "stream", "string",
        "tuple",     "type",  "u16",          "u32",    "u64",  "u8",          "use",    "variant",
        "with",      "world", "error-context"};
    for (u32 i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq(s, str_of(words[i])))
            return true;
    return false;
}
