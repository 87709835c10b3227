/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Does a type fit where another one is asked for, and one import for two. Value types and functions
 * fit if they are equal, instances if they have all that is asked for. Types nest no deeper than
 * the readers of components and WIT allow, which bounds the recursion; the work is counted.
 */
#include "compose/types.h"

/* Two types that are not equal: the innermost that show it. */
typedef struct Differ {
    GraphType *found, *expected;
} Differ;

static bool equal(TypeTable *t, GraphType *a, GraphType *b, Differ *d);

static bool differ(Differ *d, GraphType *a, GraphType *b)
{
    if (d && !d->found)
        *d = (Differ){a, b};
    return false;
}

static bool equal_optional(TypeTable *t, GraphType *a, GraphType *b, Differ *d)
{
    return a && b ? equal(t, a, b, d) : a == b;
}

static bool equal_parts(TypeTable *t, GraphType *a, GraphType *b, Differ *d)
{
    if (a->kind != b->kind || a->n != b->n || a->length != b->length || a->is_async != b->is_async)
        return false;
    for (u32 i = 0; i < a->n; i++)
        if (!str_eq(a->fields[i].name, b->fields[i].name) ||
            !equal_optional(t, a->fields[i].type, b->fields[i].type, d))
            return false;
    if (a->kind == CT_FUNC)
        return equal_optional(t, a->result, b->result, d);
    if (a->kind == CT_OWN || a->kind == CT_BORROW)
        return equal(t, a->of, b->of, d);
    return a->kind != CT_RESOURCE;
}

static bool equal(TypeTable *t, GraphType *a, GraphType *b, Differ *d)
{
    a = gtypes_find(a);
    b = gtypes_find(b);
    if (a == b)
        return true;
    if (++t->work > TYPES_MAX_WORK)
        return differ(d, a, b);
    return equal_parts(t, a, b, d) || differ(d, a, b);
}

/* ---- errors ---- */

static void put_line(Buf *out, const char *what, Str name, GraphType *type)
{
    buf_printf(out, "\n  %s ", what);
    if (type->kind == CT_FUNC)
        buf_printf(out, "%.*s: ", STR_ARG(name));
    else if (type->name.n && type->kind != CT_RESOURCE)
        buf_printf(out, "%.*s = ", STR_ARG(type->name));
    gtypes_text(type, out);
}

MUST_CHECK static Error *mismatch(Str name, const char *what, GraphType *found, GraphType *expected,
                                  const Differ *d)
{
    Buf b = {0};
    buf_printf(&b, "%s `%.*s` is not of the expected type", what, STR_ARG(name));
    put_line(&b, "expected:", name, expected);
    put_line(&b, "found:   ", name, found);
    if (d->found && d->found != gtypes_find(found)) {
        buf_str(&b, STR("\nthe types that differ:"));
        put_line(&b, "expected:", name, d->expected);
        put_line(&b, "found:   ", name, d->found);
        if (d->found->kind == CT_RESOURCE && d->expected->kind == CT_RESOURCE)
            buf_str(&b, STR("\n  (they are resources of different instances)"));
    }
    char *text = buf_take_string(&b);
    Error *e = error_new("%s", text);
    mem_free(text);
    return e;
}

MUST_CHECK static Error *wrong_sort(Str name, u8 found, u8 expected)
{
    return error_new("`%.*s` is of the wrong sort: expected %s %s, found %s %s", STR_ARG(name),
                     expected == SORT_INSTANCE ? "an" : "a", sort_name((Sort)expected),
                     found == SORT_INSTANCE ? "an" : "a", sort_name((Sort)found));
}

/* ---- the check ---- */

MUST_CHECK static Error *check_type(TypeTable *t, const GraphExtern *f, const GraphExtern *x)
{
    GraphType *found = gtypes_find(f->type), *expected = gtypes_find(x->type);
    Differ d = {0};
    if (found == expected)
        return NULL;
    if (expected->kind == CT_RESOURCE && found->kind == CT_RESOURCE && !expected->made &&
        !expected->fixed) {
        expected->same = found;
        return NULL;
    }
    if (equal(t, found, expected, &d))
        return NULL;
    return mismatch(x->name, "type", found, expected, &d);
}

MUST_CHECK static Error *missing(const GraphExtern *x)
{
    Buf b = {0};
    buf_printf(&b, "there is no %s `%.*s`", sort_name((Sort)x->sort), STR_ARG(x->name));
    if (x->type && x->sort != SORT_INSTANCE)
        put_line(&b, "expected:", x->name, x->type);
    char *text = buf_take_string(&b);
    Error *e = error_new("%s", text);
    mem_free(text);
    return e;
}

MUST_CHECK static Error *check_instance(TypeTable *t, GraphType *found, GraphType *expected)
{
    Error *e = NULL;
    for (u32 i = 0; i < expected->nexports && !e; i++) {
        const GraphExtern *x = &expected->exports[i], *f = gtypes_export(t, found, x->name);
        e = f ? gtypes_check(t, f, x) : missing(x);
    }
    return e;
}

Error *gtypes_check(TypeTable *t, const GraphExtern *found, const GraphExtern *expected)
{
    Differ d = {0};
    if (found->sort != expected->sort)
        return wrong_sort(expected->name, found->sort, expected->sort);
    switch (expected->sort) {
    case SORT_TYPE:
        return check_type(t, found, expected);
    case SORT_INSTANCE:
        return check_instance(t, found->type, expected->type);
    case SORT_FUNC:
    case SORT_VALUE:
        if (equal(t, found->type, expected->type, &d))
            return NULL;
        return mismatch(expected->name, expected->sort == SORT_FUNC ? "function" : "value",
                        found->type, expected->type, &d);
    default:
        return NULL; /* components and modules: the validation of the result tells */
    }
}

/* ---- one import for two ---- */

static bool may_link(const GraphType *a, const GraphType *b)
{
    return a->kind == CT_RESOURCE && b->kind == CT_RESOURCE && !(a->made && b->made);
}

MUST_CHECK static Error *merge_type(TypeTable *t, const GraphExtern *to, const GraphExtern *from)
{
    GraphType *a = gtypes_find(to->type), *b = gtypes_find(from->type);
    Differ d = {0};
    if (a == b)
        return NULL;
    if (!may_link(a, b) && (a->kind == CT_RESOURCE || !equal(t, b, a, &d)))
        return mismatch(to->name, "type", b, a, &d);
    if (b->made)
        a->same = b;
    else if (gtypes_is_named(a) && gtypes_is_named(b))
        b->same = a;
    return NULL;
}

MUST_CHECK static Error *merge_instance(TypeTable *t, GraphType *to, const GraphType *from)
{
    Error *e = NULL;
    for (u32 i = 0; i < from->nexports && !e; i++) {
        GraphExtern *there = gtypes_export(t, to, from->exports[i].name);
        if (there)
            e = gtypes_merge(t, there, &from->exports[i]);
        else
            gtypes_add_export(t, to, from->exports[i]);
    }
    return e;
}

Error *gtypes_merge(TypeTable *t, GraphExtern *to, const GraphExtern *from)
{
    if (to->sort != from->sort)
        return wrong_sort(to->name, from->sort, to->sort);
    if (to->sort == SORT_TYPE)
        return merge_type(t, to, from);
    if (to->sort == SORT_INSTANCE)
        return merge_instance(t, to->type, from->type);
    return gtypes_check(t, from, to);
}
