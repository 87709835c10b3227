/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tables and character rules of HTTP; see http.h. */
#include "http/http.h"
#include "http/chars_priv.h"

const u8 http_chars[256] = {
    /* Letters, digits and marks of tokens; what a host name may have; what a target may have. */
    ['!'] = HTTP_CHAR_TOKEN | HTTP_CHAR_HOST | HTTP_CHAR_TARGET,
    ['"'] = HTTP_CHAR_TARGET,
    ['#'] = HTTP_CHAR_TOKEN,
    ['$' ... '\''] = HTTP_CHAR_TOKEN | HTTP_CHAR_HOST | HTTP_CHAR_TARGET,
    ['(' ... ')'] = HTTP_CHAR_HOST | HTTP_CHAR_TARGET,
    ['*' ... '+'] = HTTP_CHAR_TOKEN | HTTP_CHAR_HOST | HTTP_CHAR_TARGET,
    [','] = HTTP_CHAR_HOST | HTTP_CHAR_TARGET,
    ['-' ... '.'] = HTTP_CHAR_TOKEN | HTTP_CHAR_HOST | HTTP_CHAR_TARGET,
    ['/'] = HTTP_CHAR_TARGET,
    ['0' ... '9'] = HTTP_CHAR_TOKEN | HTTP_CHAR_HOST | HTTP_CHAR_TARGET | HTTP_CHAR_HEX,
    [':'] = HTTP_CHAR_TARGET,
    [';'] = HTTP_CHAR_HOST | HTTP_CHAR_TARGET,
    ['<'] = HTTP_CHAR_TARGET,
    ['='] = HTTP_CHAR_HOST | HTTP_CHAR_TARGET,
    ['>' ... '@'] = HTTP_CHAR_TARGET,
    ['A' ... 'F'] = HTTP_CHAR_TOKEN | HTTP_CHAR_HOST | HTTP_CHAR_TARGET | HTTP_CHAR_HEX,
    ['G' ... 'Z'] = HTTP_CHAR_TOKEN | HTTP_CHAR_HOST | HTTP_CHAR_TARGET,
    ['[' ... ']'] = HTTP_CHAR_TARGET,
    ['^'] = HTTP_CHAR_TOKEN | HTTP_CHAR_TARGET,
    ['_'] = HTTP_CHAR_TOKEN | HTTP_CHAR_HOST | HTTP_CHAR_TARGET,
    ['`'] = HTTP_CHAR_TOKEN | HTTP_CHAR_TARGET,
    ['a' ... 'f'] = HTTP_CHAR_TOKEN | HTTP_CHAR_HOST | HTTP_CHAR_TARGET | HTTP_CHAR_HEX,
    ['g' ... 'z'] = HTTP_CHAR_TOKEN | HTTP_CHAR_HOST | HTTP_CHAR_TARGET,
    ['{'] = HTTP_CHAR_TARGET,
    ['|'] = HTTP_CHAR_TOKEN | HTTP_CHAR_TARGET,
    ['}'] = HTTP_CHAR_TARGET,
    ['~'] = HTTP_CHAR_TOKEN | HTTP_CHAR_HOST | HTTP_CHAR_TARGET,
};

static const struct {
    u16 status;
    const char *text;
} faults[] = {
#define HTTP_FAULT(name, status, text) {status, text},
#include "http/faults.def"
#undef HTTP_FAULT
};

u16 http_fault_status(HttpFault f)
{
    return faults[f].status;
}

const char *http_fault_text(HttpFault f)
{
    return faults[f].text;
}

static const struct {
    u8 n;
    bool framing, trailer;
    const char *name;
} names[] = {
    {0, false, false, ""},
#define HTTP_NAME(id, name, framing, trailer) {sizeof(name) - 1, framing, trailer, name},
#include "http/names.def"
#undef HTTP_NAME
};

bool http_name_is_framing(HttpName id)
{
    return names[id].framing;
}

bool http_name_not_in_trailer(HttpName id)
{
    return names[id].trailer;
}

static inline u8 lower(char c)
{
    return (u8)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

bool http_same_text(Str a, Str b)
{
    if (a.n != b.n)
        return false;
    for (usize i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

HttpName http_name_find(Str name)
{
    if (name.n == 0)
        return HTTP_NAME_OTHER;
    u8 first = lower(name.p[0]);
    for (u32 i = 1; i < ARRAY_LEN(names); i++)
        if (names[i].n == name.n && (u8)names[i].name[0] == first &&
            http_same_text(name, (Str){names[i].name, names[i].n}))
            return (HttpName)i;
    return HTTP_NAME_OTHER;
}

HttpMethod http_method_find(Str m)
{
    static const struct {
        const char name[8];
        u8 n;
    } methods[] = {
        [HTTP_METHOD_OTHER] = {"", 0},          [HTTP_METHOD_GET] = {"GET", 3},
        [HTTP_METHOD_HEAD] = {"HEAD", 4},       [HTTP_METHOD_POST] = {"POST", 4},
        [HTTP_METHOD_PUT] = {"PUT", 3},         [HTTP_METHOD_DELETE] = {"DELETE", 6},
        [HTTP_METHOD_CONNECT] = {"CONNECT", 7}, [HTTP_METHOD_OPTIONS] = {"OPTIONS", 7},
        [HTTP_METHOD_TRACE] = {"TRACE", 5},     [HTTP_METHOD_PATCH] = {"PATCH", 5},
    };
    for (u32 i = 1; i < ARRAY_LEN(methods); i++)
        if (m.n == methods[i].n && memcmp(m.p, methods[i].name, m.n) == 0)
            return (HttpMethod)i;
    return HTTP_METHOD_OTHER;
}

bool http_token_valid(Str s)
{
    return s.n > 0 && http_span(s.p, s.n, HTTP_CHAR_TOKEN) == s.n;
}

bool http_value_valid(Str s)
{
    const char *p = s.p;
    usize n = s.n;
    for (; n >= 8; p += 8, n -= 8) {
        u64 x = load_u64(p), ones = UINT64_C(0x0101010101010101), top = ones * 0x80;
        u64 del = x ^ (ones * 0x7f);
        u64 odd = ((x - ones * 0x20) & ~x) | ((del - ones) & ~del);
        if (UNLIKELY(odd & top)) /* perhaps a tab */
            for (u32 i = 0; i < 8; i++)
                if (!http_value_char((u8)p[i]))
                    return false;
    }
    for (; n > 0; p++, n--)
        if (!http_value_char((u8)*p))
            return false;
    return true;
}

bool http_target_valid(Str s)
{
    return s.n > 0 && http_span(s.p, s.n, HTTP_CHAR_TARGET) == s.n;
}

bool http_length_parse(Str s, u64 *ret_length)
{
    u64 v = 0;
    for (usize i = 0; i < s.n; i++) {
        u8 digit = (u8)(s.p[i] - '0');
        if (digit > 9 || __builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, digit, &v))
            return false;
    }
    if (s.n == 0)
        return false;
    *ret_length = v;
    return true;
}

/* An IPv6 address in brackets, loosely: whoever connects parses it strictly. */
static bool bracketed(Str s, usize *ret_end)
{
    usize i = 1, colons = 0;
    for (; i < s.n && s.p[i] != ']'; i++) {
        colons += s.p[i] == ':';
        if (!(http_chars[(u8)s.p[i]] & HTTP_CHAR_HEX) && s.p[i] != ':' && s.p[i] != '.')
            return false;
    }
    *ret_end = i + 1;
    return i < s.n && colons >= 2;
}

/* Each '%' has two hexadecimal digits behind it. */
static bool percent_valid(Str s)
{
    for (usize i = 0; i < s.n; i++)
        if (s.p[i] == '%' && (i + 2 >= s.n || !(http_chars[(u8)s.p[i + 1]] & HTTP_CHAR_HEX) ||
                              !(http_chars[(u8)s.p[i + 2]] & HTTP_CHAR_HEX)))
            return false;
    return true;
}

bool http_authority_split(Str s, Str *ret_host, i32 *ret_port)
{
    usize end;
    i32 port = -1;
    bool brackets = s.n > 0 && s.p[0] == '[';
    if (!brackets)
        end = http_span(s.p, s.n, HTTP_CHAR_HOST);
    else if (!bracketed(s, &end))
        return false;
    Str host = brackets ? (Str){s.p + 1, end - 2} : (Str){s.p, end};
    if (host.n == 0 || !percent_valid(host))
        return false;
    if (end < s.n) {
        u64 v = 0;
        Str digits = {s.p + end + 1, s.n - end - 1};
        if (s.p[end] != ':')
            return false;
        if (digits.n > 0) {
            if (digits.n > 5 || !http_length_parse(digits, &v) || v > 65535)
                return false;
            port = (i32)v;
        }
    }
    *ret_host = host;
    *ret_port = port;
    return true;
}

Str http_reason(u16 status)
{
    switch (status) {
#define REASON(code, text)                                                                         \
    case code:                                                                                     \
        return STR(text);
#include "http/reasons.def"
#undef REASON
    default:
        return STR("");
    }
}
