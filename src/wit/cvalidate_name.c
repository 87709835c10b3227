/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Names of imports and exports: reading them with their attributes, that they differ strongly from
 * each other, that annotated ones belong to a resource, and that the types of what is imported or
 * exported have names themselves.
 *
 * Source: https://github.com/WebAssembly/component-model/blob/main/design/mvp/Explainer.md
 */
#include "wit/component_priv.h"

/* ---- reading ---- */

enum { ATTRIBUTE_IMPLEMENTS, ATTRIBUTE_VERSION_SUFFIX, ATTRIBUTE_EXTERNAL_ID, ATTRIBUTES };

static void check_implements(CDecoder *d, Str s)
{
    Diag diag;
    ExternName name;
    diag_init(&diag);
    if (extern_name_parse(s, 0, &name, &diag)) {
        if (name.kind != NAME_INTERFACE)
            cfail(d, "`implements` value `%.*s` must be an interface name", STR_ARG(s));
    } else {
        cfail(d, "`%.*s` is not a valid name for `implements`%s%s", STR_ARG(s),
              s.n ? ", it must be an interface name: " : ": not a valid name: ", diag.msg);
    }
}

static void check_suffix(CDecoder *d, const ExternName *n)
{
    SemVer v;
    char whole[256];
    Str a = n->version, b = n->version_suffix;
    bool fits = a.n + b.n <= sizeof whole;
    if (fits && a.n)
        memcpy(whole, a.p, a.n);
    if (fits && b.n)
        memcpy(whole + a.n, b.p, b.n);
    if (!n->has_version || !n->canonical_version)
        cfail(d, "`versionsuffix` needs a name with a canonical version: `%.*s`", STR_ARG(n->text));
    else if (!fits || !semver_parse((Str){whole, a.n + b.n}, true, &v))
        cfail(d, "`%.*s%.*s` is not a valid semver", STR_ARG(a), STR_ARG(b));
}

static void read_attributes(CDecoder *d, ExternName *n)
{
    static const char *const names[] = {"implements", "versionsuffix", "external-id"};
    u32 count = cread_count(d, LIMIT_ATTRIBUTES, "attributes");
    for (u32 i = 0; i < count && ok(d); i++) {
        d->at = rd(d)->at;
        u8 kind = read_u8(rd(d));
        Str value = read_name(rd(d));
        bool *has[] = {&n->has_implements, &n->has_version_suffix, &n->has_external_id};
        Str *to[] = {&n->implements, &n->version_suffix, &n->external_id};
        if (!ok(d))
            return;
        if (kind >= ATTRIBUTES) {
            read_fail(rd(d), DIAG_MALFORMED, d->at, "invalid leading byte (0x%x) for name option",
                      kind);
        } else if (*has[kind]) {
            cfail(d, "duplicate '%s' option in name", names[kind]);
        } else {
            *has[kind] = true;
            *to[kind] = value;
        }
    }
}

ExternName cread_extern_name(CDecoder *d)
{
    ExternName n = {0};
    const u8 *at = d->at = rd(d)->at;
    u8 form = read_u8(rd(d));
    if (form > 2) {
        read_fail(rd(d), DIAG_MALFORMED, at, "invalid leading byte (0x%x) for component name",
                  form);
        return n;
    }
    Str text = read_name(rd(d));
    if (!ok(d))
        return n;
    if (!extern_name_parse(text, read_offset(rd(d), at), &n, rd(d)->diag)) {
        rd(d)->at = rd(d)->end;
        return n;
    }
    if (form == 2 && cneed(d, COMPONENT_FEATURE_BIT_IMPLEMENTS, "attributes of names"))
        read_attributes(d, &n);
    d->at = at;
    if (ok(d) && n.has_implements)
        check_implements(d, n.implements);
    if (ok(d) && n.has_version_suffix)
        check_suffix(d, &n);
    return n;
}

/* ---- strong uniqueness ---- */

void name_set_release(NameSet *s)
{
    map_release(&s->names);
    map_release(&s->labels);
    vec_release(&s->texts);
    int_map_release(&s->resources);
}

static Str lower_case(CDecoder *d, Str s)
{
    char *p = arena_dup(arena(d), s.p, s.n);
    for (usize i = 0; i < s.n; i++)
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] = (char)(p[i] + 32);
    return (Str){p, s.n};
}

static Str canonical_name(CDecoder *d, const ExternName *n)
{
    Str s = n->text;
    if (n->kind == NAME_METHOD || n->kind == NAME_STATIC) {
        s = (Str){n->label.p, n->label.n + 1 + n->member.n};
        Str label = lower_case(d, n->label), member = lower_case(d, n->member);
        if (str_eq(label, member))
            return label;
    }
    return lower_case(d, s);
}

static void add_name(CDecoder *d, NameSet *set, const ExternName *n, const char *what)
{
    Str key = canonical_name(d, n);
    u64 at;
    if (map_get(&set->names, key, &at)) {
        cfail(d, "%s name `%.*s` conflicts with previous name `%.*s`", what, STR_ARG(n->text),
              STR_ARG(set->texts.p[at]));
        return;
    }
    map_add(&set->names, key, set->texts.n);
    vec_push(&set->texts, n->text);
}

/* ---- annotated functions ---- */

/* The resource of a handle is the one with that label. */
static void check_label(CDecoder *d, const NameSet *set, const CType *handle, Str label)
{
    u32 at;
    if (!int_map_get(&set->resources, handle->handle, &at))
        cfail(d, "resource used in function does not have a name in this context");
    else if (!str_eq(set->texts.p[at], label))
        cfail(d, "function does not match expected resource name `%.*s`",
              STR_ARG(set->texts.p[at]));
}

static void check_constructor(CDecoder *d, const NameSet *set, const CType *f, Str label)
{
    if (f->is_async) {
        cfail(d, "constructor function cannot be async");
        return;
    }
    if (f->result == CTYPE_NONE) {
        cfail(d, "function should return one value");
        return;
    }
    const CType *t = node(d, f->result);
    if (t->kind == CT_RESULT && t->fields[0].type != CTYPE_NONE)
        t = node(d, t->fields[0].type);
    if (t->kind == CT_OWN)
        check_label(d, set, t, label);
    else
        cfail(d, "function should return `(own $T)` or `(result (own $T))`");
}

static void check_method(CDecoder *d, const NameSet *set, const CType *f, Str label)
{
    if (f->n == 0) {
        cfail(d, "function should have at least one argument");
    } else if (!str_eq(f->fields[0].name, STR("self"))) {
        cfail(d, "function should have a first argument called `self`");
    } else {
        const CType *t = node(d, f->fields[0].type);
        if (t->kind == CT_BORROW)
            check_label(d, set, t, label);
        else
            cfail(d, "function should take a first argument of `(borrow $T)`");
    }
}

static void check_annotation(CDecoder *d, const NameSet *set, const ComponentExtern *e,
                             const char *what)
{
    const ExternName *n = &e->name;
    u64 ignored;
    if (n->kind == NAME_LABEL || n->kind == NAME_INTERFACE)
        return;
    if (e->sort != SORT_FUNC)
        cfail(d, "%s name `%.*s` is not valid: item is not a func", what, STR_ARG(n->text));
    else if (n->kind == NAME_CONSTRUCTOR)
        check_constructor(d, set, node(d, e->type), n->label);
    else if (n->kind == NAME_METHOD)
        check_method(d, set, node(d, e->type), n->label);
    else if (!map_get(&set->labels, n->label, &ignored))
        cfail(d, "static resource name is not known in this context");
}

static void check_attributes(CDecoder *d, const ComponentExtern *e)
{
    if (!e->name.has_implements)
        return;
    if (e->sort != SORT_INSTANCE)
        cfail(d, "only instances can have an `implements`");
    else if (e->name.kind != NAME_LABEL)
        cfail(d, "name `%.*s` is not valid with `implements`", STR_ARG(e->name.text));
}

/* ---- types have names ---- */

static bool parts_named(CDecoder *d, Scope *s, CTypeId id, bool import);

/* Value types: records, variants, enums and flags need a name, others names for their parts. */
static bool type_named(CDecoder *d, Scope *s, CTypeId id, bool import)
{
    if (id == CTYPE_NONE)
        return true;
    switch ((CTypeKind)node(d, id)->kind) {
    case CT_RECORD:
    case CT_VARIANT:
    case CT_ENUM:
    case CT_FLAGS:
        return int_map_has(&s->visible[import], id);
    default:
        return parts_named(d, s, id, import);
    }
}

static bool parts_named(CDecoder *d, Scope *s, CTypeId id, bool import)
{
    const CType *t = node(d, id);
    if (t->kind == CT_OWN || t->kind == CT_BORROW)
        return int_map_has(&s->visible[import], t->handle);
    if (t->n == 0 && t->kind != CT_FUNC)
        return true;
    if (int_map_has(&s->checked[import], id))
        return true;
    if (t->kind == CT_FUNC && !type_named(d, s, t->result, import))
        return false;
    for (u32 i = 0; i < t->n; i++)
        if (!type_named(d, s, t->fields[i].type, import))
            return false;
    int_map_set(&s->checked[import], id, 0);
    return true;
}

/* As parts_named, of types that are exported or imported as such. */
static bool definition_named(CDecoder *d, Scope *s, CTypeId id, bool import)
{
    const CType *t = node(d, id);
    if (t->kind == CT_COMPONENT)
        return true;
    if (t->kind != CT_INSTANCE)
        return parts_named(d, s, id, import);
    u64 key = (u64)1 << 32 | id; /* apart from those that name_types has seen */
    if (int_map_has(&s->checked[import], key))
        return true;
    for (u32 i = 0; i < t->nexports; i++) {
        const ComponentExtern *e = &t->exports[i];
        if (e->sort != SORT_CORE_MODULE && !definition_named(d, s, e->type, import))
            return false;
    }
    int_map_set(&s->checked[import], key, 0);
    return true;
}

/* Tells the scope of the types that `e` gives a name; false if it has a type without one. */
static bool name_types(CDecoder *d, Scope *s, const ComponentExtern *e, bool import)
{
    switch ((Sort)e->sort) {
    case SORT_TYPE:
        if (!definition_named(d, s, e->type, import))
            return false;
        int_map_set(&s->visible[0], e->type, 0);
        if (import)
            int_map_set(&s->visible[1], e->type, 0);
        return true;
    case SORT_FUNC:
        return parts_named(d, s, e->type, import);
    case SORT_VALUE:
        return type_named(d, s, e->type, import);
    case SORT_INSTANCE: {
        const CType *t = node(d, e->type);
        if (int_map_has(&s->checked[import], e->type))
            return true;
        for (u32 i = 0; i < t->nexports && remap_work(d, 1); i++)
            if (!name_types(d, s, &t->exports[i], import))
                return false;
        int_map_set(&s->checked[import], e->type, 0);
        return true;
    }
    default:
        return true;
    }
}

void extern_register(CDecoder *d, NameSet *set, const ComponentExtern *e, bool import, Scope *scope)
{
    const char *what = import ? "import" : "export";
    if (ok(d))
        check_annotation(d, set, e, what);
    if (ok(d))
        check_attributes(d, e);
    if (ok(d))
        add_name(d, set, &e->name, what);
    if (!ok(d) || !scope)
        return;
    if (e->sort == SORT_TYPE && node(d, e->type)->kind == CT_RESOURCE) {
        int_map_set(&set->resources, e->type, set->texts.n - 1);
        map_add(&set->labels, e->name.text, 0);
    }
    if (scope->kind != SCOPE_INSTANCE_TYPE && !name_types(d, scope, e, import))
        cfail(d, "%s not valid to be used as %s", sort_name((Sort)e->sort), what);
}
