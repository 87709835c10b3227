/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The table of types, its text in WIT, and names that are compatible. */
#include "compose/types.h"

#include "wit/wit.h"

enum { TEXT_MAX = 2048 }; /* types may be large: what is longer is cut */

void gtypes_init(TypeTable *t)
{
    *t = (TypeTable){0};
    arena_init(&t->arena);
    for (u32 i = 0; i < CT_PRIMITIVES; i++)
        t->primitives[i] = gtypes_new(t, (CTypeKind)i);
}

void gtypes_release(TypeTable *t)
{
    for (u32 i = 0; i < t->maps.n; i++)
        map_release(t->maps.p[i]);
    vec_release(&t->maps);
    arena_release(&t->arena);
}

GraphType *gtypes_new(TypeTable *t, CTypeKind kind)
{
    GraphType *n = arena_new(&t->arena, GraphType);
    n->kind = (u8)kind;
    n->id = t->n++;
    return n;
}

GraphType *gtypes_alias(TypeTable *t, const GraphType *primitive, Str name)
{
    GraphType *n = gtypes_new(t, (CTypeKind)primitive->kind);
    n->name = name;
    return n;
}

bool gtypes_is_named(const GraphType *t)
{
    return t->kind >= CT_PRIMITIVES || t->name.n;
}

GraphType *gtypes_find(GraphType *t)
{
    while (t->same) {
        if (t->same->same)
            t->same = t->same->same;
        t = t->same;
    }
    return t;
}

Str gtypes_keep(TypeTable *t, Str s)
{
    return (Str){arena_strdup(&t->arena, s), s.n};
}

enum { SMALL = 8 }; /* lists up to this are searched without a map */

GraphExtern *gtypes_export(TypeTable *t, GraphType *of, Str name)
{
    u64 at;
    for (u32 i = 0; of->nexports <= SMALL && i < of->nexports; i++)
        if (str_eq(of->exports[i].name, name))
            return &of->exports[i];
    if (of->nexports <= SMALL)
        return NULL;
    if (!of->names) {
        of->names = arena_new(&t->arena, Map);
        vec_push(&t->maps, of->names);
    }
    for (u32 i = of->names->n; i < of->nexports; i++)
        map_add(of->names, of->exports[i].name, i);
    return map_get(of->names, name, &at) ? &of->exports[at] : NULL;
}

void gtypes_add_export(TypeTable *t, GraphType *to, GraphExtern e)
{
    u32 n = to->nexports;
    if ((n & (n - 1)) == 0) { /* full: capacities are powers of two */
        GraphExtern *grown = arena_array(&t->arena, GraphExtern, MAX(1u, n * 2));
        if (n)
            memcpy(grown, to->exports, n * sizeof e);
        to->exports = grown;
    }
    to->exports[to->nexports++] = e;
}

/* ---- text ---- */

static void put_use(GraphType *t, Buf *out);

static void put_fields(const GraphType *t, const char *close, Buf *out)
{
    for (u32 i = 0; i < t->n; i++) {
        if (i)
            buf_str(out, STR(", "));
        buf_str(out, t->fields[i].name);
        if (!t->fields[i].type)
            continue;
        if (t->kind == CT_VARIANT)
            buf_u8(out, '(');
        else if (t->fields[i].name.n)
            buf_str(out, STR(": "));
        put_use(t->fields[i].type, out);
        if (t->kind == CT_VARIANT)
            buf_u8(out, ')');
    }
    buf_str(out, str_of(close));
}

static void put_result(const GraphType *t, Buf *out)
{
    GraphType *good = t->fields[0].type, *error = t->fields[1].type;
    if (!good && !error)
        return;
    buf_u8(out, '<');
    if (good)
        put_use(good, out);
    else
        buf_u8(out, '_');
    if (error) {
        buf_str(out, STR(", "));
        put_use(error, out);
    }
    buf_u8(out, '>');
}

static void put_element(GraphType *element, Buf *out)
{
    if (!element)
        return;
    buf_u8(out, '<');
    put_use(element, out);
    buf_u8(out, '>');
}

static void put_externs(const GraphType *t, Buf *out)
{
    buf_str(out, STR(" {"));
    for (u32 i = 0; i < t->nexports && out->n < TEXT_MAX; i++)
        buf_printf(out, " %.*s;", STR_ARG(t->exports[i].name));
    buf_str(out, STR(" }"));
}

static void put_parts(GraphType *t, Buf *out)
{
    CTypeKind kind = (CTypeKind)t->kind;
    buf_str(out, str_of(kind == CT_FIXED_LIST  ? "list"
                        : kind == CT_INSTANCE  ? "interface"
                        : kind == CT_COMPONENT ? "world"
                                               : ctype_kind_name(kind)));
    if (kind == CT_RECORD || kind == CT_VARIANT || kind == CT_FLAGS || kind == CT_ENUM) {
        buf_str(out, STR(" { "));
        put_fields(t, " }", out);
    } else if (kind == CT_TUPLE || kind == CT_MAP) {
        buf_u8(out, '<');
        put_fields(t, ">", out);
    } else if (kind == CT_LIST || kind == CT_STREAM || kind == CT_FUTURE) {
        put_element(t->fields[0].type, out);
    } else if (kind == CT_FIXED_LIST) {
        buf_u8(out, '<');
        put_use(t->fields[0].type, out);
        buf_printf(out, ", %u>", t->length);
    } else if (kind == CT_OPTION) {
        put_element(t->fields[1].type, out);
    } else if (kind == CT_RESULT) {
        put_result(t, out);
    } else if (kind == CT_INSTANCE || kind == CT_COMPONENT) {
        put_externs(t, out);
    } else if (kind == CT_RESOURCE && t->name.n) {
        buf_printf(out, " %.*s", STR_ARG(t->name));
    }
}

static void put_use(GraphType *t, Buf *out)
{
    if (out->n > TEXT_MAX)
        return;
    if (t->kind == CT_OWN || t->kind == CT_BORROW) {
        Str name = t->of->name.n ? t->of->name : STR("resource");
        buf_printf(out, t->kind == CT_OWN ? "%.*s" : "borrow<%.*s>", STR_ARG(name));
    } else if (t->name.n && t->kind < CT_VALUES) {
        buf_str(out, t->name);
    } else {
        gtypes_text(t, out);
    }
}

void gtypes_text(GraphType *t, Buf *out)
{
    if (out->n > TEXT_MAX)
        return;
    if (t->kind == CT_OWN || t->kind == CT_BORROW) {
        put_use(t, out);
    } else if (t->kind == CT_FUNC) {
        buf_str(out, t->is_async ? STR("async func(") : STR("func("));
        put_fields(t, ")", out);
        if (t->result) {
            buf_str(out, STR(" -> "));
            put_use(t->result, out);
        }
    } else {
        put_parts(t, out);
    }
}

/* ---- names ---- */

bool name_compatible(Str a, Str b)
{
    Buf x = {0}, y = {0};
    extern_name_track(a, &x);
    extern_name_track(b, &y);
    bool same = x.n == y.n && memcmp(x.p, y.p, x.n) == 0;
    buf_release(&x);
    buf_release(&y);
    return same;
}

static Str version_of(Str name)
{
    const char *at = memchr(name.p, '@', name.n);
    return at ? (Str){at + 1, name.n - (usize)(at + 1 - name.p)} : (Str){"", 0};
}

bool name_newer(Str a, Str b)
{
    WitVersion x, y;
    return wit_version_parse(version_of(a), &x) && wit_version_parse(version_of(b), &y) &&
           wit_version_compare(&x, &y) > 0;
}
