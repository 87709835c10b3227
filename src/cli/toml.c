/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The TOML reader: a recursive descent over one cursor. The first error is kept and moves the
 * cursor to the end, so the functions below need no error returns.
 */
#include "cli/toml.h"

#include "base/utf8.h"

typedef struct Toml {
    Str src;
    usize at;
    const char *label;
    TomlDoc *doc;
    Map seen;     /* full path -> TomlKind + 1 */
    Error *error; /* own; the first one */
    u32 nesting;
} Toml;

static void place(const Toml *t, usize at, u32 *ret_line, u32 *ret_column)
{
    u32 line = 1;
    usize start = 0;
    for (usize i = 0; i < at && i < t->src.n; i++)
        if (t->src.p[i] == '\n') {
            line++;
            start = i + 1;
        }
    *ret_line = line;
    *ret_column = (u32)MIN(at - start, UINT32_MAX - 1) + 1;
}

static void fail_at(Toml *t, usize at, const char *what)
{
    u32 line, column;
    if (!t->error) {
        place(t, at, &line, &column);
        t->error = error_new("%s:%u:%u: %s", t->label, line, column, what);
    }
    t->at = t->src.n;
}

static void fail(Toml *t, const char *what)
{
    fail_at(t, t->at, what);
}

Error *toml_error_at(const TomlEntry *e, const char *label, const char *what)
{
    return error_new("%s:%u:%u: %s", label, e->line, e->column, what);
}

static int peek(const Toml *t)
{
    return t->at < t->src.n ? (u8)t->src.p[t->at] : -1;
}

static bool accept(Toml *t, char c)
{
    bool yes = peek(t) == c;
    t->at += yes;
    return yes;
}

static void skip_blanks(Toml *t)
{
    while (peek(t) == ' ' || peek(t) == '\t')
        t->at++;
}

static void skip_comment(Toml *t)
{
    if (peek(t) != '#')
        return;
    for (; peek(t) >= 0 && peek(t) != '\n'; t->at++)
        if ((peek(t) < 0x20 && peek(t) != '\t' && peek(t) != '\r') || peek(t) == 0x7f)
            fail(t, "control character in a comment");
}

/* The end of a line: blanks, a comment, a line feed or the end of the file. */
static void end_line(Toml *t)
{
    skip_blanks(t);
    skip_comment(t);
    if (peek(t) == '\r' && t->at + 1 < t->src.n && t->src.p[t->at + 1] == '\n')
        t->at++;
    if (peek(t) >= 0 && !accept(t, '\n'))
        fail(t, "expected the end of the line");
}

/* Blanks, comments and line ends between the items of an array. */
static void skip_lines(Toml *t)
{
    for (;;) {
        usize before = t->at;
        skip_blanks(t);
        skip_comment(t);
        if (peek(t) == '\r' || peek(t) == '\n')
            end_line(t);
        if (t->at == before)
            return;
    }
}

static void read_unicode(Toml *t, int digits, Buf *out)
{
    u32 c = 0;
    for (int i = 0; i < digits; i++) {
        int d = peek(t);
        bool number = d >= '0' && d <= '9';
        if (!number && !((d | 0x20) >= 'a' && (d | 0x20) <= 'f')) {
            fail(t, "expected hexadecimal digits");
            return;
        }
        c = c << 4 | (u32)(number ? d - '0' : (d | 0x20) - 'a' + 10);
        t->at++;
    }
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        fail(t, "not a Unicode scalar value");
    else
        utf8_put(out, c);
}

static void read_escape(Toml *t, bool multi_line, Buf *out)
{
    static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
    int c = peek(t);
    const char *known = c > 0 ? strchr(from, c) : NULL;
    if (known) {
        t->at++;
        buf_u8(out, (u8)to[known - from]);
    } else if (accept(t, 'u')) {
        read_unicode(t, 4, out);
    } else if (accept(t, 'U')) {
        read_unicode(t, 8, out);
    } else if (multi_line && (c == ' ' || c == '\t' || c == '\r' || c == '\n')) {
        skip_blanks(t);
        if (peek(t) != '\r' && peek(t) != '\n')
            fail(t, "unknown escape in a string");
        while (peek(t) == ' ' || peek(t) == '\t' || peek(t) == '\r' || peek(t) == '\n')
            t->at++;
    } else {
        fail(t, "unknown escape in a string");
    }
}

/* True at the closing quotes, which are passed. Up to two quotes may stand before them. */
static bool close_multi_line(Toml *t, char quote, Buf *out)
{
    usize n = 0;
    while (t->at + n < t->src.n && t->src.p[t->at + n] == quote && n < 5)
        n++;
    t->at += MAX(n, 1);
    if (n < 3) {
        for (usize i = 0; i < MAX(n, 1); i++)
            buf_u8(out, (u8)quote);
        return false;
    }
    for (usize i = 3; i < n; i++)
        buf_u8(out, (u8)quote);
    return true;
}

/* At a quote. */
static Str read_string(Toml *t, bool *ret_multi_line)
{
    char quote = (char)peek(t);
    char triple[3] = {quote, quote, quote};
    bool multi = str_starts((Str){t->src.p + t->at, t->src.n - t->at}, (Str){triple, 3});
    t->at += multi ? 3 : 1;
    if (multi && peek(t) == '\r')
        t->at++;
    if (multi)
        accept(t, '\n');
    Buf out = {0};
    for (;;) {
        int c = peek(t);
        if (c < 0 || (!multi && (c == '\n' || c == '\r'))) {
            fail(t, "the string does not end");
            break;
        }
        if (c == quote) {
            if (!multi)
                t->at++;
            if (!multi || close_multi_line(t, quote, &out))
                break;
            continue;
        }
        t->at++;
        if (c == '\\' && quote == '"')
            read_escape(t, multi, &out);
        else if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
            fail_at(t, t->at - 1, "control character in a string");
        else
            buf_u8(&out, (u8)c);
    }
    Str s = {arena_strdup(&t->doc->arena, (Str){(char *)out.p, out.n}), out.n};
    buf_release(&out);
    *ret_multi_line = multi;
    return s;
}

static bool is_bare(int c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' ||
           c == '-';
}

static Str read_key_part(Toml *t)
{
    if (peek(t) == '"' || peek(t) == '\'') {
        bool multi = false;
        usize at = t->at;
        Str s = read_string(t, &multi);
        if (multi)
            fail_at(t, at, "a key cannot be a string of several lines");
        return s;
    }
    usize from = t->at;
    while (is_bare(peek(t)))
        t->at++;
    if (t->at == from)
        fail(t, "expected a key");
    return (Str){t->src.p + from, t->at - from};
}

/* Appends the parts of a dotted key to the entry's path. */
static void read_key(Toml *t, TomlEntry *e)
{
    do {
        skip_blanks(t);
        if (e->depth == TOML_MAX_DEPTH) {
            fail(t, "tables are nested too deeply");
            return;
        }
        Str part = read_key_part(t);
        e->path[e->depth++] = part;
        skip_blanks(t);
    } while (accept(t, '.'));
}

/* Notes that the entry exists; twice is an error. */
static void add_entry(Toml *t, TomlEntry *e, usize at)
{
    Buf full = {0};
    for (u32 i = 0; i < e->depth; i++) {
        buf_str(&full, e->path[i]);
        buf_u8(&full, 0);
    }
    Str key = {arena_dup(&t->doc->arena, full.p, full.n), full.n};
    buf_release(&full);
    place(t, at, &e->line, &e->column);
    if (!map_add(&t->seen, key, e->kind))
        fail_at(t, at, "this key is there already");
    else
        vec_push(&t->doc->entries, *e);
}

static bool word_is(Str s, const char *const *words, usize n)
{
    for (usize i = 0; i < n; i++)
        if (str_eq(s, str_of(words[i])))
            return true;
    return false;
}

/* Digits of a base with single _ between them; returns how many characters. */
static usize scan_digits(Str s, usize from, int base)
{
    usize i = from;
    bool digit_before = false;
    for (; i < s.n; i++) {
        int c = (u8)s.p[i], low = c | 0x20;
        bool digit =
            (c >= '0' && c < '0' + MIN(base, 10)) || (base == 16 && low >= 'a' && low <= 'f');
        if (!digit && !(c == '_' && digit_before))
            break;
        digit_before = digit;
    }
    return i > from && !digit_before ? 0 : i - from;
}

/* What a word that is not quoted is. */
static bool number_kind(Str s, u8 *ret_kind)
{
    static const char *const special[] = {"inf", "+inf", "-inf", "nan", "+nan", "-nan"};
    *ret_kind = TOML_FLOAT;
    if (word_is(s, special, ARRAY_LEN(special)))
        return true;
    *ret_kind = TOML_INTEGER;
    if (s.n > 2 && s.p[0] == '0' && strchr("xob", s.p[1])) {
        int base = s.p[1] == 'x' ? 16 : s.p[1] == 'o' ? 8 : 2;
        return scan_digits(s, 2, base) == s.n - 2;
    }
    usize i = s.n && (s.p[0] == '+' || s.p[0] == '-'), whole = scan_digits(s, i, 10);
    if (whole == 0 || (whole > 1 && s.p[i] == '0'))
        return false;
    i += whole;
    if (i < s.n && s.p[i] == '.') {
        usize n = scan_digits(s, i + 1, 10);
        if (n == 0)
            return false;
        i += n + 1;
        *ret_kind = TOML_FLOAT;
    }
    if (i < s.n && (s.p[i] | 0x20) == 'e') {
        i += 1 + (i + 1 < s.n && (s.p[i + 1] == '+' || s.p[i + 1] == '-'));
        usize n = scan_digits(s, i, 10);
        if (n == 0)
            return false;
        i += n;
        *ret_kind = TOML_FLOAT;
    }
    return i == s.n;
}

static void read_word(Toml *t, TomlEntry *e)
{
    static const char *const booleans[] = {"true", "false"};
    usize from = t->at;
    while (is_bare(peek(t)) || peek(t) == '+' || peek(t) == '.' || peek(t) == ':')
        t->at++;
    Str s = {t->src.p + from, t->at - from};
    e->kind = TOML_BOOLEAN;
    if (s.n == 0)
        fail_at(t, from, "expected a value");
    else if (!word_is(s, booleans, ARRAY_LEN(booleans)) && !number_kind(s, &e->kind))
        fail_at(t, from, "not a number, true, false or a string in quotes");
    char *clean = arena_strdup(&t->doc->arena, s);
    usize n = 0;
    for (usize i = 0; i < s.n; i++)
        if (s.p[i] != '_')
            clean[n++] = s.p[i];
    clean[n] = 0;
    e->text = (Str){clean, n};
}

static void read_value(Toml *t, TomlEntry *e, bool keep, usize key_at);

static void read_array(Toml *t)
{
    skip_lines(t);
    while (!accept(t, ']')) {
        TomlEntry item = {0};
        read_value(t, &item, false, t->at);
        skip_lines(t);
        if (!accept(t, ',') && peek(t) != ']')
            fail(t, "expected , or ] in an array");
        skip_lines(t);
        if (t->error)
            return;
    }
}

static void read_pair(Toml *t, const TomlEntry *table, bool keep)
{
    TomlEntry e = *table;
    usize at = t->at;
    read_key(t, &e);
    if (!accept(t, '='))
        fail(t, "expected = after the key");
    skip_blanks(t);
    read_value(t, &e, keep, at);
}

static void read_inline_table(Toml *t, const TomlEntry *table, bool keep)
{
    skip_blanks(t);
    if (accept(t, '}'))
        return;
    do {
        skip_blanks(t);
        read_pair(t, table, keep);
        skip_blanks(t);
    } while (accept(t, ','));
    if (!accept(t, '}'))
        fail(t, "expected , or } in an inline table");
}

static void read_value(Toml *t, TomlEntry *e, bool keep, usize key_at)
{
    if (t->error || t->nesting == TOML_MAX_NESTING) {
        fail(t, "values are nested too deeply");
        return;
    }
    t->nesting++;
    bool multi;
    if (peek(t) == '"' || peek(t) == '\'') {
        e->kind = TOML_STRING;
        e->text = read_string(t, &multi);
    } else if (accept(t, '[')) {
        e->kind = TOML_ARRAY;
        read_array(t);
    } else if (accept(t, '{')) {
        e->kind = TOML_TABLE;
        if (keep)
            add_entry(t, e, key_at);
        read_inline_table(t, e, keep);
        keep = false;
    } else {
        read_word(t, e);
    }
    if (keep)
        add_entry(t, e, key_at);
    t->nesting--;
}

static void read_header(Toml *t, TomlEntry *table)
{
    usize at = t->at;
    *table = (TomlEntry){.kind = TOML_TABLE};
    if (peek(t) == '[') {
        fail(t, "arrays of tables are not supported");
        return;
    }
    read_key(t, table);
    if (!accept(t, ']'))
        fail(t, "expected ] after the table's name");
    if (!t->error)
        add_entry(t, table, at);
}

Error *toml_read(Str source, const char *label, TomlDoc *ret_doc)
{
    *ret_doc = (TomlDoc){0};
    arena_init(&ret_doc->arena);
    Toml t = {.src = source, .label = label, .doc = ret_doc};
    if (str_starts(source, STR("\xef\xbb\xbf")))
        t.at = 3;
    if (!utf8_valid(source.p, source.n))
        fail_at(&t, 0, "the file is not UTF-8");
    TomlEntry table = {.kind = TOML_TABLE};
    while (t.at < t.src.n) {
        skip_blanks(&t);
        if (accept(&t, '['))
            read_header(&t, &table);
        else if (peek(&t) >= 0 && peek(&t) != '#' && peek(&t) != '\n' && peek(&t) != '\r')
            read_pair(&t, &table, true);
        end_line(&t);
    }
    map_release(&t.seen);
    if (t.error)
        toml_release(ret_doc);
    return t.error;
}

void toml_release(TomlDoc *d)
{
    vec_release(&d->entries);
    arena_release(&d->arena);
}
