/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Does a host offer what a component imports? What is missing is reported all at once: each
 * function with its type in the names of its interface, what there is instead, and who made the
 * component.
 */
#include "component/instance_priv.h"

enum { REPORT_MAX = 65536 };

typedef struct Check {
    const Component *c;
    const ComponentLinker *linker; /* may be NULL */
    Str *names; /* of resources, by number less first_resource: where they were met first */
    ResourceType **resources;
    Str *types;  /* names by node; made by the first complaint */
    Buf missing; /* a line each */
    Buf path;
} Check;

/* --- words --- */

/* For comparisons: only resources have names. */
static TypeNames names_of(const Check *k)
{
    return (TypeNames){.resources = k->names,
                       .first = k->c->first_resource,
                       .n = k->c->end_resource - k->c->first_resource};
}

/* Types are named by the exports of the instance in which they are used, so a node has one name. */
static void name_types(Check *k)
{
    k->types = mem_alloc_array(MAX(k->c->types->n, 1), sizeof *k->types);
    for (u32 i = 0; i < k->c->ndefs; i++) {
        const ComponentDef *d = &k->c->defs[i];
        if (d->kind != DEF_IMPORT || d->port.ext->sort == SORT_CORE_MODULE)
            continue;
        const ComponentExtern *x = d->port.ext;
        if (x->sort == SORT_TYPE)
            k->types[x->type] = x->name.text;
        const CType *t = ctype_get(k->c->types, x->type);
        for (u32 n = 0; x->sort == SORT_INSTANCE && n < t->nexports; n++)
            if (t->exports[n].sort == SORT_TYPE)
                k->types[t->exports[n].type] = t->exports[n].name.text;
    }
}

/* In the names of its interface, unless that is `not_this` (may be empty): then written out. */
static void put_func_type(Check *k, CTypeId type, Str not_this)
{
    if (!k->types)
        name_types(k);
    TypeNames names = names_of(k);
    names.types = k->types;
    Buf text = {0};
    type_text(k->c->types, type, &names, &text);
    if (str_eq((Str){(char *)text.p, text.n}, not_this)) {
        text.n = 0;
        names.types = NULL;
        type_text(k->c->types, type, &names, &text);
    }
    buf_bytes(&k->missing, text.p, text.n);
    buf_release(&text);
}

/* `why` and `detail` (may be empty) in parentheses. `has` is the type that there is, or empty. */
static void complain_of(Check *k, const ComponentExtern *x, const char *why, Str detail, Str has)
{
    if (k->missing.n > REPORT_MAX)
        return;
    buf_str(&k->missing, STR("\n  "));
    buf_bytes(&k->missing, k->path.p, k->path.n);
    buf_printf(&k->missing, "`%.*s`: ", STR_ARG(x->name.text));
    if (x->sort == SORT_FUNC)
        put_func_type(k, x->type, has);
    else
        buf_str(&k->missing, str_of(x->sort == SORT_TYPE ? "resource" : sort_name((Sort)x->sort)));
    buf_printf(&k->missing, " (%s%.*s)", why, STR_ARG(detail));
}

static void complain(Check *k, const ComponentExtern *x, const char *why, Str detail)
{
    complain_of(k, x, why, detail, STR(""));
}

/* An instance of which the host has nothing: what it has in its place, and how to get it. */
static void complain_instance(Check *k, const ComponentExtern *x)
{
    Buf detail = {0};
    Str nearest;
    if (linker_nearest(k->linker, x->name.text, &nearest))
        buf_printf(&detail, "; the nearest version is `%.*s`", STR_ARG(nearest));
    linker_give_hint(k->linker, x->name.text, &detail);
    complain(k, x, "not defined", (Str){(char *)detail.p, detail.n});
    buf_release(&detail);
}

/* The type that the host's function has. */
static void complain_type(Check *k, const ComponentExtern *x, const ComponentFunc *f)
{
    static const char words[] = "; the one that is there is ";
    Buf has = {0};
    buf_str(&has, str_of(words));
    if (!f->is_host)
        type_text(f->env.inst->component->types, f->env.type_id, NULL, &has);
    else if (f->host.glue)
        buf_str(&has, str_of(f->host.glue->wit));
    else
        buf_str(&has, str_of(f->host.signature));
    Str detail = {(char *)has.p, has.n};
    usize n = sizeof words - 1;
    complain_of(k, x, "of another type", detail, (Str){detail.p + n, detail.n - n});
    buf_release(&has);
}

/* --- checks --- */

/* Resources have to be offered where they are met first; a type that is equal to one of them, as a
 * world's or an interface's `use` makes, need not, but is the same if it is. */
static void check_type(Check *k, const ComponentExtern *x, const ComponentItem *item)
{
    const CType *c = ctype_get(k->c->types, x->type);
    if (c->kind != CT_RESOURCE)
        return;
    ResourceType *has = item && item->sort == SORT_TYPE ? item->resource : NULL;
    u32 n = c->resource - k->c->first_resource;
    ALWAYS(n < k->c->end_resource - k->c->first_resource);
    if (!x->is_sub) {
        if (item && has != k->resources[n])
            complain(k, x, "mismatched resource types", STR(""));
        return;
    }
    k->names[n] = x->name.text;
    k->resources[n] = has;
    if (!has)
        complain(k, x, item ? "something else is defined" : "not defined", STR(""));
}

/* Do a type of the importer and one of another component mean the same? The weight of types is
 * bounded, and so is this. */
static bool same_type(const Check *k, CTypeId mine, const ComponentInstance *other, CTypeId its)
{
    if (mine == CTYPE_NONE || its == CTYPE_NONE)
        return mine == its;
    const CType *a = ctype_get(k->c->types, mine), *b = ctype_get(other->component->types, its);
    if (a->kind != b->kind)
        return false;
    if (a->kind == CT_OWN || a->kind == CT_BORROW || a->kind == CT_RESOURCE)
        return k->resources[a->resource - k->c->first_resource] ==
               other->resources[b->resource - other->component->first_resource];
    if (a->n != b->n || (a->kind == CT_FIXED_LIST && a->length != b->length))
        return false;
    for (u32 i = 0; i < a->n; i++)
        if (!str_eq(a->fields[i].name, b->fields[i].name) ||
            !same_type(k, a->fields[i].type, other, b->fields[i].type))
            return false;
    return a->kind != CT_FUNC ||
           (a->is_async == b->is_async && same_type(k, a->result, other, b->result));
}

static const LiftResource *glue_resource(const void *check, u32 number)
{
    const Check *k = check;
    u32 n = number - k->c->first_resource;
    return n < k->c->end_resource - k->c->first_resource ? linker_glue_type(k->resources[n]) : NULL;
}

static bool same_glue(const Check *k, CTypeId type, const LiftFunc *glue)
{
    if (glue->type) {
        TypeHash hash = {k->c->types, glue_resource, k};
        return type_hash(&hash, type) == glue->type;
    }
    FlatSig sig;
    ctype_flatten(k->c->types, ctype_get(k->c->types, type), FLAT_LOWER, &(CanonOptions){0}, &sig);
    return glue->is_async || glue_fits(&sig, glue);
}

static bool same_func(const Check *k, CTypeId type, const ComponentFunc *f)
{
    if (!f->is_host) {
        const CType *a = ctype_get(k->c->types, type), *b = f->env.type;
        bool same = a->n == b->n && a->is_async == b->is_async;
        for (u32 i = 0; i < a->n && same; i++)
            same = str_eq(a->fields[i].name, b->fields[i].name) &&
                   same_type(k, a->fields[i].type, f->env.inst, b->fields[i].type);
        return same && same_type(k, a->result, f->env.inst, b->result);
    }
    if (f->host.glue)
        return same_glue(k, type, f->host.glue);
    if (!f->host.signature)
        return true;
    Buf text = {0};
    TypeNames names = names_of(k);
    type_text(k->c->types, type, &names, &text);
    bool same = str_eq((Str){(char *)text.p, text.n}, str_of(f->host.signature));
    buf_release(&text);
    return same;
}

/* An instance of types that are equal to others and of such instances asks for nothing. As deep as
 * the type. */
static bool needs_host(const Check *k, CTypeId type)
{
    const CType *c = ctype_get(k->c->types, type);
    for (u32 i = 0; i < c->nexports; i++) {
        const ComponentExtern *x = &c->exports[i];
        bool plain =
            x->sort == SORT_INSTANCE ? !needs_host(k, x->type) : x->sort == SORT_TYPE && !x->is_sub;
        if (!plain)
            return true;
    }
    return false;
}

static void check_item(Check *k, const ComponentExtern *x, const ComponentItem *item);

static void check_exports(Check *k, const ComponentExtern *x, const ComponentItems *items)
{
    const CType *c = ctype_get(k->c->types, x->type);
    usize depth = k->path.n;
    buf_printf(&k->path, "`%.*s` ", STR_ARG(x->name.text));
    for (u32 i = 0; i < c->nexports; i++) {
        ComponentItem item;
        bool found = items && items_find(items, c->exports[i].name.text, &item);
        check_item(k, &c->exports[i], found ? &item : NULL);
    }
    k->path.n = depth;
}

/* item NULL: not offered. Instances that are not offered are listed function by function. */
static void check_item(Check *k, const ComponentExtern *x, const ComponentItem *item)
{
    if (x->sort == SORT_TYPE) {
        check_type(k, x, item);
    } else if (item && item->sort != x->sort) {
        complain(k, x, "something else is defined", STR(""));
    } else if (x->sort == SORT_INSTANCE) {
        if (!item && needs_host(k, x->type))
            complain_instance(k, x);
        check_exports(k, x, item ? item->instance : NULL);
    } else if (!item) {
        complain(k, x, "not defined", STR(""));
    } else if (x->sort == SORT_FUNC && !same_func(k, x->type, item->func)) {
        complain_type(k, x, item->func);
    } else if (x->sort == SORT_COMPONENT) {
        complain(k, x, "components cannot be imported from the host", STR(""));
    }
}

static Error *report(const Check *k)
{
    Buf producers = {0};
    component_producers(k->c, &producers);
    Error *e = error_new("the component's imports are not satisfied:%.*s%s%.*s",
                         (int)MIN(k->missing.n, REPORT_MAX), (const char *)k->missing.p,
                         producers.n ? "\nthe component was made by " : "", (int)producers.n,
                         (const char *)producers.p);
    buf_release(&producers);
    return e;
}

Error *link_imports(const Component *c, const ComponentLinker *l, ComponentItems *args)
{
    u32 nresources = c->end_resource - c->first_resource;
    Check k = {.c = c,
               .linker = l,
               .names = mem_alloc_array(MAX(nresources, 1), sizeof *k.names),
               .resources = mem_alloc_array(MAX(nresources, 1), sizeof *k.resources)};
    for (u32 i = 0; i < c->ndefs; i++) {
        const ComponentDef *d = &c->defs[i];
        ComponentItem item;
        if (d->kind != DEF_IMPORT)
            continue;
        bool found = l && component_linker_find(l, &d->port.ext->name, &item);
        check_item(&k, d->port.ext, found ? &item : NULL);
        if (found)
            items_add(args, d->port.ext->name.text, item);
    }
    Error *e = k.missing.n ? report(&k) : NULL;
    buf_release(&k.missing);
    buf_release(&k.path);
    mem_free(k.names);
    mem_free(k.resources);
    mem_free(k.types);
    return e;
}
