/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Rust's first mangling: _ZN, then length-prefixed path elements, the last one `h` and 16 hex
 * digits, then E. Elements hold $XX$ escapes and dots for "::" within generic names.
 *
 * Its second one, _R, is read in demangle_v0.c.
 *
 * C++'s, _Z: by the compiler's own library, the static one without the rest of C++'s. It recurses
 * over the name and may write very much for a short one; so names have a length, there must be
 * stack for what such a name can take, and text beyond a limit ends it.
 */
#include "runtime/demangle.h"

#include <setjmp.h>

#include "base/utf8.h"
#include "runtime/activation.h"

enum { HASH_DIGITS = 16 };

typedef struct Elements {
    const char *at, *end;
} Elements;

/* The next element; false at the E or where the name is not of the scheme. */
static bool next_element(Elements *e, Str *ret_element)
{
    u64 n = 0;
    const char *at = e->at;
    while (at < e->end && is_digit(*at) && n < UINT32_MAX)
        n = n * 10 + (u64)(*at++ - '0');
    if (at == e->at || n == 0 || n > (u64)(e->end - at))
        return false;
    *ret_element = (Str){at, n};
    e->at = at + n;
    return true;
}

static bool is_hash(Str s)
{
    if (s.n != HASH_DIGITS + 1 || s.p[0] != 'h')
        return false;
    for (usize i = 1; i < s.n; i++)
        if (!is_digit(s.p[i]) && !(s.p[i] >= 'a' && s.p[i] <= 'f'))
            return false;
    return true;
}

static bool is_rust(Str name, u32 *ret_elements)
{
    if (!str_starts(name, STR("_ZN")))
        return false;
    Elements e = {name.p + 3, name.p + name.n};
    Str s = {0};
    u32 n = 0;
    while (next_element(&e, &s))
        n++;
    *ret_elements = n;
    return n >= 2 && e.at < e.end && *e.at == 'E' && is_hash(s);
}

/* $XX$ at p: appends its meaning and returns its length, 0 if it is none. */
static usize put_escape(Buf *out, const char *p, usize n)
{
    static const struct {
        const char *code, *text;
    } table[] = {{"$SP$", "@"}, {"$BP$", "*"}, {"$RF$", "&"}, {"$LT$", "<"},
                 {"$GT$", ">"}, {"$LP$", "("}, {"$RP$", ")"}, {"$C$", ","}};
    for (usize i = 0; i < ARRAY_LEN(table); i++) {
        Str code = str_of(table[i].code);
        if (str_starts((Str){p, n}, code)) {
            buf_str(out, str_of(table[i].text));
            return code.n;
        }
    }
    if (n < 4 || p[1] != 'u')
        return 0;
    u32 c = 0;
    usize i = 2;
    for (; i < n && i < 9 && p[i] != '$'; i++) {
        u32 d = p[i] >= 'a' && p[i] <= 'f' ? (u32)(p[i] - 'a' + 10) : (u32)(p[i] - '0');
        if (d > 15)
            return 0;
        c = c * 16 + d;
    }
    if (i == n || p[i] != '$' || i == 2 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return 0;
    utf8_put(out, c);
    return i + 1;
}

static void put_element(Buf *out, Str s)
{
    if (str_starts(s, STR("_$")))
        s = (Str){s.p + 1, s.n - 1};
    for (usize i = 0; i < s.n;) {
        usize escape = s.p[i] == '$' ? put_escape(out, s.p + i, s.n - i) : 0;
        if (escape) {
            i += escape;
        } else if (s.p[i] == '.' && i + 1 < s.n && s.p[i + 1] == '.') {
            buf_str(out, STR("::"));
            i += 2;
        } else {
            buf_u8(out, (u8)s.p[i++]);
        }
    }
}

/* --- C++ --- */

enum {
    CXX_NAME = 600,        /* bytes; names of this length take 210 KiB of stack at most */
    CXX_STACK = 256 << 10, /* above what host functions are left anyway */
    CXX_TEXT = 4096,
};

/* In libsupc++: hands the text on in pieces. It owns nothing meanwhile, so that it may be left. */
int __gcclibcxx_demangle_callback(const char *name, void (*piece)(const char *, size_t, void *),
                                  void *arg);

typedef struct CxxText {
    jmp_buf too_long;
    Buf *out;
    usize limit; /* of out->n */
} CxxText;

static void put_piece(const char *p, size_t n, void *arg)
{
    CxxText *t = arg;
    if (t->out->n + n > t->limit)
        longjmp(t->too_long, 1);
    buf_bytes(t->out, p, n);
}

/* A function of its own: no variable of it lives over setjmp. */
static bool put_cxx(CxxText *t, const char *name)
{
    return setjmp(t->too_long) == 0 && __gcclibcxx_demangle_callback(name, put_piece, t) == 0;
}

/* False, with nothing appended, if the name is not of C++ or too much to ask for. */
static bool demangle_cxx(Buf *out, Str name)
{
    Str s = name;
    char text[CXX_NAME + 1];
    for (u32 i = 0; i < 3 && str_starts(s, STR("__"));
         i++) /* some linkers put up to three before */
        s = (Str){s.p + 1, s.n - 1};
    u64 sp = (u64)(uintptr_t)__builtin_frame_address(0);
    if (!str_starts(s, STR("_Z")) || s.n > CXX_NAME || memchr(s.p, 0, s.n) ||
        sp < thread_state.stack_floor + CXX_STACK)
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    usize before = out->n;
    CxxText t = {.out = out, .limit = before + CXX_TEXT};
    if (put_cxx(&t, text))
        return true;
    out->n = before;
    return false;
}

void demangle(Buf *out, Str name)
{
    u32 n = 0;
    if (demangle_v0(out, name))
        return;
    if (!is_rust(name, &n)) {
        if (!demangle_cxx(out, name))
            buf_str(out, name);
        return;
    }
    Elements e = {name.p + 3, name.p + name.n};
    for (u32 i = 0; i < n; i++) {
        Str s = {0};
        next_element(&e, &s);
        if (i)
            buf_str(out, STR("::"));
        put_element(out, s);
    }
}
