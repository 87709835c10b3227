/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Names of imports and exports: labels in kebab case, annotated names of functions, and names of
 * interfaces with their versions.
 *
 * Source: https://github.com/WebAssembly/component-model/blob/main/design/mvp/Explainer.md
 */
#include "wit/component.h"

static Str str_from(Str s, usize at)
{
    return (Str){s.p + at, s.n - at};
}

/* Where `c` stands first, s.n if nowhere. */
static usize str_index(Str s, char c)
{
    const char *p = s.n ? memchr(s.p, c, s.n) : NULL;
    return p ? (usize)(p - s.p) : s.n;
}

/* Words and acronyms between hyphens, each of one case; the first begins with a letter. */
static bool is_kebab(Str s, bool lower_only)
{
    if (s.n == 0 || is_digit(s.p[0]))
        return false;
    bool lower = false, upper = false, any = false;
    for (usize i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '-') {
            if (!any)
                return false;
            lower = upper = any = false;
            continue;
        }
        if (!is_lower(c) && !is_upper(c) && !is_digit(c))
            return false;
        lower |= is_lower(c);
        upper |= is_upper(c);
        any = true;
        if ((lower && upper) || (upper && lower_only))
            return false;
    }
    return any;
}

bool label_is_kebab(Str s)
{
    return is_kebab(s, false);
}

/* ---- versions ---- */

static bool read_number(Str *s, u64 *ret)
{
    usize n = 0;
    u64 v = 0;
    while (n < s->n && is_digit(s->p[n])) {
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (u64)(s->p[n] - '0'), &v))
            return false;
        n++;
    }
    if (n == 0 || (n > 1 && s->p[0] == '0'))
        return false;
    *s = str_from(*s, n);
    *ret = v;
    return true;
}

/* Identifiers between dots; of a pre-release, numbers have no leading zero. */
static bool identifiers_ok(Str s, bool pre)
{
    usize start = 0;
    for (usize i = 0; i <= s.n; i++) {
        if (i < s.n && s.p[i] != '.') {
            char c = s.p[i];
            if (!is_lower(c) && !is_upper(c) && !is_digit(c) && c != '-')
                return false;
            continue;
        }
        if (i == start)
            return false;
        bool number = true;
        for (usize k = start; k < i; k++)
            number &= is_digit(s.p[k]);
        if (pre && number && i - start > 1 && s.p[start] == '0')
            return false;
        start = i + 1;
    }
    return true;
}

static bool read_dotted(Str *s, u64 *ret)
{
    if (s->n == 0 || s->p[0] != '.')
        return false;
    *s = str_from(*s, 1);
    return read_number(s, ret);
}

bool semver_parse(Str s, bool whole, SemVer *ret)
{
    SemVer v = {0};
    if (!read_number(&s, &v.major))
        return false;
    bool minor = read_dotted(&s, &v.minor);
    bool patch = minor && read_dotted(&s, &v.patch);
    if (whole && !patch)
        return false;
    if (patch && s.n && s.p[0] == '-') {
        s = str_from(s, 1);
        v.pre = (Str){s.p, str_index(s, '+')};
        if (!identifiers_ok(v.pre, true))
            return false;
        s = str_from(s, v.pre.n);
    }
    if (patch && s.n && s.p[0] == '+') {
        v.build = str_from(s, 1);
        if (!identifiers_ok(v.build, false))
            return false;
        s = str_from(s, s.n);
    }
    if (s.n)
        return false;
    *ret = v;
    return true;
}

/* "1", "0.2", "0.0.3", "0.0.0": what a version is cut to. */
static bool is_canonical(Str s, const SemVer *v)
{
    u32 dots = 0;
    for (usize i = 0; i < s.n; i++)
        dots += s.p[i] == '.';
    if (v->pre.p || v->build.p)
        return false;
    return dots == (v->major ? 0 : v->minor ? 1 : 2);
}

/* What is wrong with a version that semver_parse refuses, in the words that Wasmtime has for it. */
static void version_fail(Str s, u64 offset, Str name, Diag *diag)
{
    static const char *const parts[] = {"major version number", "minor version number",
                                        "patch version number"};
    if (s.n == 0) {
        diag_set(diag, DIAG_INVALID, offset,
                 "empty string, expected a semver version: `%.*s` is not a valid extern name",
                 STR_ARG(name));
        return;
    }
    Str rest = s;
    for (u32 part = 0; part < 3; part++) {
        u64 v;
        if (part && rest.n && rest.p[0] == '.')
            rest = str_from(rest, 1);
        else if (part && rest.n) {
            diag_set(diag, DIAG_INVALID, offset, "unexpected character '%c' after %s in `%.*s`",
                     rest.p[0], parts[part - 1], STR_ARG(name));
            return;
        }
        if (rest.n == 0)
            diag_set(diag, DIAG_INVALID, offset,
                     "unexpected end of input while parsing %s in `%.*s`", parts[part],
                     STR_ARG(name));
        else if (!is_digit(rest.p[0]))
            diag_set(diag, DIAG_INVALID, offset,
                     "unexpected character '%c' while parsing %s in `%.*s`", rest.p[0], parts[part],
                     STR_ARG(name));
        else if (!read_number(&rest, &v))
            diag_set(diag, DIAG_INVALID, offset, "invalid %s in `%.*s`", parts[part],
                     STR_ARG(name));
        else
            continue;
        return;
    }
    diag_set(diag, DIAG_INVALID, offset,
             "empty identifier segment or unexpected character in version of `%.*s`",
             STR_ARG(name));
}

static bool parse_version(ExternName *n, u64 offset, Diag *diag)
{
    n->has_version = true;
    if (semver_parse(n->version, true, &n->semver))
        n->canonical_version = is_canonical(n->version, &n->semver);
    else if (semver_parse(n->version, false, &n->semver) && is_canonical(n->version, &n->semver))
        n->canonical_version = true;
    else
        version_fail(n->version, offset, n->text, diag);
    return diag_ok(diag);
}

/* ---- names ---- */

static bool need_kebab(Str part, bool lower_only, Str name, u64 offset, Diag *diag)
{
    if (is_kebab(part, lower_only))
        return true;
    diag_set(diag, DIAG_INVALID, offset,
             "`%.*s` is not in kebab case: `%.*s` is not a valid extern name", STR_ARG(part),
             STR_ARG(name));
    return false;
}

static bool parse_interface(ExternName *n, u64 offset, Diag *diag)
{
    n->kind = NAME_INTERFACE;
    usize colon = str_index(n->text, ':');
    n->ns = (Str){n->text.p, colon};
    Str rest = str_from(n->text, colon + 1);
    usize slash = str_index(rest, '/'), inner = str_index(rest, ':');
    if (inner < slash) {
        diag_set(diag, DIAG_INVALID, offset,
                 "expected `/` after package name: `%.*s` is not a valid extern name",
                 STR_ARG(n->text));
        return false;
    }
    n->package = (Str){rest.p, slash};
    if (!need_kebab(n->ns, true, n->text, offset, diag) ||
        !need_kebab(n->package, true, n->text, offset, diag))
        return false;
    if (slash == rest.n) {
        diag_set(diag, DIAG_INVALID, offset,
                 "expected `/` after package name: `%.*s` is not a valid extern name",
                 STR_ARG(n->text));
        return false;
    }
    rest = str_from(rest, slash + 1);
    usize at = str_index(rest, '@'), more = str_index(rest, '/');
    n->interface = (Str){rest.p, MIN(at, more)};
    if (!need_kebab(n->interface, false, n->text, offset, diag))
        return false;
    if (more < at) {
        Str tail = str_from(rest, more);
        diag_set(diag, DIAG_INVALID, offset, "trailing characters found: `%.*s`", STR_ARG(tail));
        return false;
    }
    if (at == rest.n)
        return true;
    n->version = str_from(rest, at + 1);
    return parse_version(n, offset, diag);
}

static bool parse_member(ExternName *n, Str rest, u64 offset, Diag *diag)
{
    usize dot = str_index(rest, '.');
    if (dot == rest.n) {
        diag_set(diag, DIAG_INVALID, offset,
                 "failed to find `.` character: `%.*s` is not a valid extern name",
                 STR_ARG(n->text));
        return false;
    }
    n->label = (Str){rest.p, dot};
    n->member = str_from(rest, dot + 1);
    return need_kebab(n->label, false, n->text, offset, diag) &&
           need_kebab(n->member, false, n->text, offset, diag);
}

bool extern_name_parse(Str text, u64 offset, ExternName *ret_name, Diag *diag)
{
    static const struct {
        Str prefix;
        u8 kind;
    } annotations[] = {
        {{"[constructor]", 13}, NAME_CONSTRUCTOR},
        {{"[method]", 8}, NAME_METHOD},
        {{"[static]", 8}, NAME_STATIC},
    };
    ExternName n = {.text = text};
    bool ok = false, found = false;
    for (u32 i = 0; i < ARRAY_LEN(annotations) && !found; i++) {
        if (!str_starts(text, annotations[i].prefix))
            continue;
        found = true;
        Str rest = str_from(text, annotations[i].prefix.n);
        n.kind = annotations[i].kind;
        n.label = rest;
        ok = n.kind == NAME_CONSTRUCTOR ? need_kebab(rest, false, text, offset, diag)
                                        : parse_member(&n, rest, offset, diag);
    }
    if (!found && str_index(text, ':') < text.n) {
        ok = parse_interface(&n, offset, diag);
    } else if (!found) {
        n.label = text;
        ok = need_kebab(text, false, text, offset, diag);
    }
    if (ok)
        *ret_name = n;
    return ok;
}

void extern_name_track(Str name, Buf *out)
{
    ExternName n;
    Diag ignored;
    diag_init(&ignored);
    if (!extern_name_parse(name, 0, &n, &ignored) || n.kind != NAME_INTERFACE || !n.has_version ||
        n.semver.pre.n) {
        buf_str(out, name);
        return;
    }
    buf_printf(out, "%.*s:%.*s/%.*s@", STR_ARG(n.ns), STR_ARG(n.package), STR_ARG(n.interface));
    const SemVer *v = &n.semver;
    if (v->major)
        buf_printf(out, "%llu", (unsigned long long)v->major);
    else if (v->minor)
        buf_printf(out, "0.%llu", (unsigned long long)v->minor);
    else
        buf_str(out, n.version);
}
