/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Rust's second mangling, _R: a grammar of paths, types and constants with references back to
 * earlier places. A short name can stand for a text without end, so depth, steps and text have
 * limits; a name beyond one of them, or with what is not known here (constants of compound types,
 * types with patterns), stays as it is.
 * Source: https://doc.rust-lang.org/rustc/symbol-mangling/v0.html
 */
#include "runtime/demangle.h"

#include "base/utf8.h"

enum {
    MAX_DEPTH =
        96, /* at some 300 bytes of stack: half of what small threads leave to host functions */
    MAX_STEPS = 1 << 16,
    MAX_TEXT = 4096,
};

typedef struct V0 {
    const char *start, *at, *end; /* references count from start */
    Buf *out;
    usize limit; /* of out->n */
    u32 depth, steps;
    u64 bound;   /* lifetimes that binders around this place have named */
    bool silent; /* reads on without a text */
    bool bad;
} V0;

static void read_type(V0 *r);
static void read_path(V0 *r, bool value);
static void read_const(V0 *r);

/* --- characters and numbers --- */

static bool ok(V0 *r)
{
    if (++r->steps > MAX_STEPS || r->out->n > r->limit)
        r->bad = true;
    return !r->bad;
}

static char next(V0 *r)
{
    if (!ok(r) || r->at == r->end) {
        r->bad = true;
        return 0;
    }
    return *r->at++;
}

static bool eat(V0 *r, char c)
{
    if (!ok(r) || r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

static void put(V0 *r, const char *text)
{
    if (!r->silent)
        buf_str(r->out, str_of(text));
}

static void put_number(V0 *r, u64 n)
{
    if (!r->silent)
        buf_printf(r->out, "%llu", (unsigned long long)n);
}

/* Digits of base 62 and `_`: nothing before it is 0, other numbers are one more than they say. */
static u64 read_base62(V0 *r)
{
    u64 v = 0;
    bool any = false;
    for (char c; (c = next(r)) != '_' && !r->bad; any = true) {
        u64 d = c >= '0' && c <= '9'   ? (u64)(c - '0')
                : c >= 'a' && c <= 'z' ? (u64)(c - 'a' + 10)
                : c >= 'A' && c <= 'Z' ? (u64)(c - 'A' + 36)
                                       : 62;
        r->bad |= d == 62 || v > (UINT64_MAX - 63) / 62;
        v = v * 62 + d;
    }
    return any ? v + 1 : 0;
}

/* With that letter before it, otherwise 0. */
static u64 read_optional62(V0 *r, char letter)
{
    return eat(r, letter) ? read_base62(r) + 1 : 0;
}

typedef struct Ident {
    Str text;
    bool punycode;
} Ident;

static Ident read_plain_ident(V0 *r)
{
    Ident id = {.punycode = eat(r, 'u')};
    u64 n = 0;
    const char *start = r->at;
    while (r->at < r->end && is_digit(*r->at) && n < UINT32_MAX) {
        n = n * 10 + (u64)(*r->at++ - '0');
        if (n == 0)
            break;
    }
    r->bad |= r->at == start;
    eat(r, '_');
    r->bad |= n > (u64)(r->end - r->at);
    id.text = (Str){r->at, r->bad ? 0 : n};
    r->at += id.text.n;
    return id;
}

/* --- identifiers that are not ASCII (RFC 3492, with `_` before the digits) --- */

enum { PUNY_BASE = 36, PUNY_SKEW = 38, PUNY_DAMP = 700, PUNY_MAX = 128 };

static u32 puny_digit(char c)
{
    return c >= 'a' && c <= 'z' ? (u32)(c - 'a') : c >= '0' && c <= '9' ? (u32)(c - '0') + 26 : 36;
}

static u32 puny_adapt(u64 delta, u64 n, bool first)
{
    u32 k = 0;
    delta = first ? delta / PUNY_DAMP : delta / 2;
    for (delta += delta / n; delta > 35 * 26 / 2; k += PUNY_BASE)
        delta /= 35;
    return k + (u32)(36 * delta / (delta + PUNY_SKEW));
}

/* Of *at the next distance; false if there is none. */
static bool puny_delta(const char **at, const char *end, u32 bias, u64 *ret_delta)
{
    u64 delta = 0, weight = 1;
    for (u32 k = PUNY_BASE;; k += PUNY_BASE) {
        u32 t = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
        u32 d = *at < end ? puny_digit(*(*at)++) : 36;
        if (d == 36 || weight > UINT32_MAX)
            return false;
        delta += d * weight;
        if (d < t)
            break;
        weight *= 36 - t;
    }
    *ret_delta = delta;
    return true;
}

static bool put_punycode(Buf *out, Str s)
{
    u32 text[PUNY_MAX], n = 0, bias = 72;
    usize ascii = s.n;
    while (ascii && s.p[ascii - 1] != '_')
        ascii--;
    const char *at = s.p + ascii, *end = s.p + s.n;
    if (at == end || ascii > PUNY_MAX)
        return false;
    for (; n + 1 < ascii; n++)
        text[n] = (u8)s.p[n];
    u64 c = 0x80, i = 0, delta;
    for (bool first = true; at < end; first = false) {
        if (n == PUNY_MAX || !puny_delta(&at, end, bias, &delta))
            return false;
        i += delta;
        c += i / (n + 1);
        i %= n + 1;
        if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
            return false;
        memmove(text + i + 1, text + i, (n - i) * sizeof *text);
        text[i++] = (u32)c;
        bias = puny_adapt(delta, ++n, first);
    }
    for (u32 k = 0; k < n; k++)
        utf8_put(out, text[k]);
    return true;
}

static void put_ident(V0 *r, Ident id)
{
    if (r->silent || r->bad)
        return;
    if (!id.punycode)
        buf_str(r->out, id.text);
    else if (!put_punycode(r->out, id.text))
        buf_printf(r->out, "punycode{%.*s}", (int)id.text.n, id.text.p);
}

/* --- what holds other things --- */

/* At the place that a reference (its B is read) names; nothing where no text is wanted. */
static void follow(V0 *r, void (*read)(V0 *r, bool value), bool value)
{
    const char *ref = r->at - 1;
    u64 to = read_base62(r);
    if (r->bad || to >= (u64)(ref - r->start)) {
        r->bad = true;
        return;
    }
    if (r->silent)
        return;
    const char *back = r->at;
    r->at = r->start + to;
    read(r, value);
    r->at = back;
}

static void type_again(V0 *r, bool value)
{
    (void)value;
    read_type(r);
}

static void const_again(V0 *r, bool value)
{
    (void)value;
    read_const(r);
}

/* Up to E, with text between; how many there were. */
static u32 read_list(V0 *r, void (*read)(V0 *r), const char *between)
{
    u32 n = 0;
    for (; ok(r) && !eat(r, 'E'); n++) {
        if (n)
            put(r, between);
        read(r);
    }
    return n;
}

static void put_lifetime(V0 *r, u64 index)
{
    put(r, "'");
    if (index == 0) {
        put(r, "_");
    } else if (index > r->bound) {
        r->bad |= !r->silent;
    } else if (r->bound - index < 26) {
        put(r, (char[]){(char)('a' + (r->bound - index)), 0});
    } else {
        put(r, "_");
        put_number(r, r->bound - index);
    }
}

/* What a binder names is in force until the caller takes the number returned off r->bound. */
static u64 read_binder(V0 *r)
{
    u64 n = read_optional62(r, 'G');
    if (r->silent || n == 0)
        return 0;
    put(r, "for<");
    for (u64 i = 0; i < n && ok(r); i++) {
        if (i)
            put(r, ", ");
        r->bound++;
        put_lifetime(r, 1);
    }
    put(r, "> ");
    return r->bad ? 0 : n;
}

static void read_generic_arg(V0 *r)
{
    if (eat(r, 'L'))
        put_lifetime(r, read_base62(r));
    else if (eat(r, 'K'))
        read_const(r);
    else
        read_type(r);
}

/* --- constants --- */

static Str read_hex(V0 *r)
{
    const char *start = r->at;
    for (char c; (c = next(r)) != '_' && !r->bad;)
        r->bad |= !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
    Str s = {start, r->bad ? 0 : (usize)(r->at - start) - 1};
    while (s.n && *s.p == '0')
        s = (Str){s.p + 1, s.n - 1};
    return s;
}

static u64 hex_value(Str s)
{
    u64 v = 0;
    for (usize i = 0; i < s.n; i++)
        v = v * 16 + (u64)(s.p[i] <= '9' ? s.p[i] - '0' : s.p[i] - 'a' + 10);
    return v;
}

static void put_integer(V0 *r, Str hex)
{
    if (r->silent || r->bad)
        return;
    if (hex.n <= 16)
        put_number(r, hex_value(hex));
    else
        buf_printf(r->out, "0x%.*s", (int)hex.n, hex.p);
}

static void put_char(V0 *r, Str hex)
{
    u64 c = hex.n <= 6 ? hex_value(hex) : UINT64_MAX;
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        r->bad = true;
    if (r->silent || r->bad)
        return;
    static const struct {
        char c;
        const char *text;
    } escapes[] = {{'\0', "\\0"}, {'\t', "\\t"}, {'\n', "\\n"},
                   {'\r', "\\r"}, {'\'', "\\'"}, {'\\', "\\\\"}};
    put(r, "'");
    for (usize i = 0; i < ARRAY_LEN(escapes); i++)
        if (c == (u64)escapes[i].c) {
            put(r, escapes[i].text);
            put(r, "'");
            return;
        }
    if (c < ' ' || (c >= 0x7f && c < 0xa0))
        buf_printf(r->out, "\\u{%llx}", (unsigned long long)c);
    else
        utf8_put(r->out, (u32)c);
    put(r, "'");
}

/* --- types --- */

static const char *basic_type(char c)
{
    static const char *const names['z' - 'a' + 1] = {
        ['a' - 'a'] = "i8",    ['b' - 'a'] = "bool", ['c' - 'a'] = "char", ['d' - 'a'] = "f64",
        ['e' - 'a'] = "str",   ['f' - 'a'] = "f32",  ['h' - 'a'] = "u8",   ['i' - 'a'] = "isize",
        ['j' - 'a'] = "usize", ['l' - 'a'] = "i32",  ['m' - 'a'] = "u32",  ['n' - 'a'] = "i128",
        ['o' - 'a'] = "u128",  ['p' - 'a'] = "_",    ['s' - 'a'] = "i16",  ['t' - 'a'] = "u16",
        ['u' - 'a'] = "()",    ['v' - 'a'] = "...",  ['x' - 'a'] = "i64",  ['y' - 'a'] = "u64",
        ['z' - 'a'] = "!"};
    return c >= 'a' && c <= 'z' ? names[c - 'a'] : NULL;
}

static void read_const_body(V0 *r)
{
    char kind = next(r);
    if (kind == 'p') {
        put(r, "_");
    } else if (kind == 'B') {
        follow(r, const_again, false);
    } else if (kind == 'b') {
        u64 v = hex_value(read_hex(r));
        r->bad |= v > 1;
        put(r, v ? "true" : "false");
    } else if (kind == 'c') {
        put_char(r, read_hex(r));
    } else if (kind && strchr("hmtyojaslxni", kind)) {
        if (strchr("aslxni", kind) && eat(r, 'n'))
            put(r, "-");
        put_integer(r, read_hex(r));
        put(r, basic_type(kind));
    } else {
        r->bad = true;
    }
}

static void read_const(V0 *r)
{
    r->bad |= r->depth == MAX_DEPTH;
    if (!ok(r))
        return;
    r->depth++;
    read_const_body(r);
    r->depth--;
}

static void read_reference(V0 *r, bool mutable)
{
    put(r, "&");
    u64 lifetime = eat(r, 'L') ? read_base62(r) : 0;
    if (lifetime) {
        put_lifetime(r, lifetime);
        put(r, " ");
    }
    put(r, mutable ? "mut " : "");
    read_type(r);
}

static void read_abi(V0 *r)
{
    Ident abi = {STR("C"), false};
    if (!eat(r, 'C'))
        abi = read_plain_ident(r);
    r->bad |= abi.punycode || abi.text.n == 0;
    put(r, "extern \"");
    for (usize i = 0; i < abi.text.n; i++)
        put(r, (char[]){abi.text.p[i] == '_' ? '-' : abi.text.p[i], 0});
    put(r, "\" ");
}

static void read_fn(V0 *r)
{
    u64 bound = read_binder(r);
    if (eat(r, 'U'))
        put(r, "unsafe ");
    if (eat(r, 'K'))
        read_abi(r);
    put(r, "fn(");
    read_list(r, read_type, ", ");
    put(r, ")");
    if (!eat(r, 'u')) {
        put(r, " -> ");
        read_type(r);
    }
    r->bound -= bound;
}

static bool read_open_path(V0 *r);

/* As follow(). */
static bool follow_open_path(V0 *r)
{
    const char *ref = r->at - 1;
    u64 to = read_base62(r);
    r->bad |= to >= (u64)(ref - r->start) || r->depth == MAX_DEPTH;
    if (r->bad || r->silent)
        return false;
    const char *back = r->at;
    r->at = r->start + to;
    r->depth++;
    bool open = read_open_path(r);
    r->depth--;
    r->at = back;
    return open;
}

/* True where the path has a list of arguments, which is left open. */
static bool read_open_path(V0 *r)
{
    if (eat(r, 'B'))
        return follow_open_path(r);
    bool open = eat(r, 'I');
    read_path(r, false);
    if (open) {
        put(r, "<");
        read_list(r, read_generic_arg, ", ");
    }
    return open;
}

static void read_dyn_trait(V0 *r)
{
    bool open = read_open_path(r);
    while (eat(r, 'p')) {
        put(r, open ? ", " : "<");
        open = true;
        put_ident(r, read_plain_ident(r));
        put(r, " = ");
        read_type(r);
    }
    put(r, open ? ">" : "");
}

static void read_dyn(V0 *r)
{
    put(r, "dyn ");
    u64 bound = read_binder(r);
    read_list(r, read_dyn_trait, " + ");
    r->bound -= bound;
    r->bad |= !eat(r, 'L');
    u64 lifetime = read_base62(r);
    if (lifetime) {
        put(r, " + ");
        put_lifetime(r, lifetime);
    }
}

static void read_type_body(V0 *r)
{
    char kind = next(r);
    const char *basic = basic_type(kind);
    if (basic) {
        put(r, basic);
    } else if (kind == 'R' || kind == 'Q') {
        read_reference(r, kind == 'Q');
    } else if (kind == 'P' || kind == 'O') {
        put(r, kind == 'P' ? "*const " : "*mut ");
        read_type(r);
    } else if (kind == 'A' || kind == 'S') {
        put(r, "[");
        read_type(r);
        if (kind == 'A') {
            put(r, "; ");
            read_const(r);
        }
        put(r, "]");
    } else if (kind == 'T') {
        put(r, "(");
        put(r, read_list(r, read_type, ", ") == 1 ? ",)" : ")");
    } else if (kind == 'F') {
        read_fn(r);
    } else if (kind == 'D') {
        read_dyn(r);
    } else if (kind == 'B') {
        follow(r, type_again, false);
    } else if (!r->bad) {
        r->at--;
        read_path(r, false);
    }
}

static void read_type(V0 *r)
{
    r->bad |= r->depth == MAX_DEPTH;
    if (!ok(r))
        return;
    r->depth++;
    read_type_body(r);
    r->depth--;
}

/* --- paths --- */

static void read_crate(V0 *r)
{
    u64 hash = read_optional62(r, 's');
    put_ident(r, read_plain_ident(r));
    if (hash && !r->silent)
        buf_printf(r->out, "[%llx]", (unsigned long long)hash);
}

static void read_nested(V0 *r, bool value)
{
    char space = next(r);
    read_path(r, value);
    u64 number = read_optional62(r, 's');
    Ident name = read_plain_ident(r);
    if (space >= 'A' && space <= 'Z') {
        put(r, "::{");
        put(r, space == 'C' ? "closure" : space == 'S' ? "shim" : (char[]){space, 0});
        put(r, name.text.n ? ":" : "");
        put_ident(r, name);
        put(r, "#");
        put_number(r, number);
        put(r, "}");
    } else if (name.text.n) {
        put(r, "::");
        put_ident(r, name);
    }
}

/* <T as Trait> or <T>: where the implementation is stays unsaid. */
static void read_impl(V0 *r, char kind)
{
    if (kind != 'Y') {
        bool silent = r->silent;
        r->silent = true;
        read_optional62(r, 's');
        read_path(r, false);
        r->silent = silent;
    }
    put(r, "<");
    read_type(r);
    if (kind != 'M') {
        put(r, " as ");
        read_path(r, false);
    }
    put(r, ">");
}

static void read_path_body(V0 *r, bool value)
{
    char kind = next(r);
    if (kind == 'C') {
        read_crate(r);
    } else if (kind == 'N') {
        read_nested(r, value);
    } else if (kind == 'M' || kind == 'X' || kind == 'Y') {
        read_impl(r, kind);
    } else if (kind == 'I') {
        read_path(r, value);
        put(r, value ? "::<" : "<");
        read_list(r, read_generic_arg, ", ");
        put(r, ">");
    } else if (kind == 'B') {
        follow(r, read_path, value);
    } else {
        r->bad = true;
    }
}

static void read_path(V0 *r, bool value)
{
    r->bad |= r->depth == MAX_DEPTH;
    if (!ok(r))
        return;
    r->depth++;
    read_path_body(r, value);
    r->depth--;
}

bool demangle_v0(Buf *out, Str name)
{
    if (!str_starts(name, STR("_R")))
        return false;
    usize before = out->n;
    const char *start = name.p + 2;
    V0 r = {.start = start,
            .at = start,
            .end = name.p + name.n,
            .out = out,
            .limit = before + MAX_TEXT};
    read_path(&r, true);
    /* What may follow is the crate that made the instance, and a suffix of the linker. */
    if (!ok(&r) || (r.at < r.end && !(*r.at >= 'A' && *r.at <= 'Z') && *r.at != '.')) {
        out->n = before;
        return false;
    }
    return true;
}
