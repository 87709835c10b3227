/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Versions, as https://semver.org/spec/v2.0.0.html has them. */
#include "wit/wit.h"

static bool is_ident(char c)
{
    return is_digit(c) || is_lower(c) || is_upper(c) || c == '-';
}

/* Digits without a zero in front, below 2^64. */
static bool take_number(Str *s, u64 *ret_number)
{
    u64 v = 0;
    usize i = 0;
    for (; i < s->n && is_digit(s->p[i]); i++)
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, s->p[i] - '0', &v))
            return false;
    if (i == 0 || (i > 1 && s->p[0] == '0'))
        return false;
    s->p += i;
    s->n -= i;
    *ret_number = v;
    return true;
}

static bool take_char(Str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    s->p++;
    s->n--;
    return true;
}

/* Identifiers joined by dots; numbers among those of a pre-release have no zero in front. */
static bool take_identifiers(Str *s, bool is_pre, Str *ret_text)
{
    usize i = 0;
    for (;;) {
        usize begin = i;
        bool number = true;
        for (; i < s->n && is_ident(s->p[i]); i++)
            number = number && is_digit(s->p[i]);
        if (i == begin || (is_pre && number && i - begin > 1 && s->p[begin] == '0'))
            return false;
        if (i == s->n || s->p[i] != '.')
            break;
        i++;
    }
    *ret_text = (Str){s->p, i};
    s->p += i;
    s->n -= i;
    return true;
}

bool wit_version_parse(Str text, WitVersion *ret_version)
{
    WitVersion v = {.text = text};
    Str s = text, build;
    if (!take_number(&s, &v.major) || !take_char(&s, '.') || !take_number(&s, &v.minor) ||
        !take_char(&s, '.') || !take_number(&s, &v.patch))
        return false;
    if (take_char(&s, '-') && !take_identifiers(&s, true, &v.pre))
        return false;
    if (take_char(&s, '+') && !take_identifiers(&s, false, &build))
        return false;
    if (s.n)
        return false;
    *ret_version = v;
    return true;
}

static int compare_u64(u64 a, u64 b)
{
    return a < b ? -1 : a > b;
}

static Str first_identifier(Str *s)
{
    const char *dot = memchr(s->p, '.', s->n);
    Str id = {s->p, dot ? (usize)(dot - s->p) : s->n};
    usize skip = dot ? id.n + 1 : id.n;
    s->p += skip;
    s->n -= skip;
    return id;
}

static bool is_number(Str s)
{
    for (usize i = 0; i < s.n; i++)
        if (!is_digit(s.p[i]))
            return false;
    return true;
}

static int compare_text(Str a, Str b)
{
    int c = memcmp(a.p, b.p, MIN(a.n, b.n));
    return c ? c : compare_u64(a.n, b.n);
}

static int compare_identifier(Str a, Str b)
{
    bool an = is_number(a), bn = is_number(b);
    if (an != bn)
        return an ? -1 : 1;
    if (an && a.n != b.n) /* no zeros in front: the longer number is the larger */
        return compare_u64(a.n, b.n);
    return compare_text(a, b);
}

static int compare_pre(Str a, Str b)
{
    if (!a.n || !b.n)
        return (int)!a.n - (int)!b.n;
    while (a.n && b.n) {
        int c = compare_identifier(first_identifier(&a), first_identifier(&b));
        if (c)
            return c;
    }
    return (int)(a.n != 0) - (int)(b.n != 0);
}

int wit_version_compare(const WitVersion *a, const WitVersion *b)
{
    int c = compare_u64(a->major, b->major);
    c = c ? c : compare_u64(a->minor, b->minor);
    c = c ? c : compare_u64(a->patch, b->patch);
    return c ? c : compare_pre(a->pre, b->pre);
}
