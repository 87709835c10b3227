/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Items of a composition: packages, instances and their arguments, imports and exports. */
#include "compose/graph.h"

Graph *graph_new(void)
{
    Graph *g = mem_alloc(sizeof *g);
    gtypes_init(&g->types);
    g->registry = types_new();
    return g;
}

void graph_free(Graph *g)
{
    if (!g)
        return;
    for (u32 i = 0; i < g->packages.n; i++) {
        component_free(g->packages.p[i]->component);
        buf_release(&g->packages.p[i]->bytes);
        mem_free(g->packages.p[i]);
    }
    vec_release(&g->packages);
    vec_release(&g->items);
    vec_release(&g->exports);
    map_release(&g->imports);
    map_release(&g->aliases);
    map_release(&g->export_names);
    gtypes_release(&g->types);
    types_free(g->registry);
    mem_free(g);
}

MUST_CHECK static Error *decode(Graph *g, GraphPackage *p)
{
    ComponentOptions o = {
        .features = ~(FeatureSet)0, .component_features = ~(ComponentFeatures)0, .borrow = true};
    Diag diag;
    diag_init(&diag);
    if (!component_is(p->bytes.p, p->bytes.n))
        return error_new("`%.*s` is not a component", STR_ARG(p->name));
    p->component = component_decode(g->registry, &o, p->bytes.p, p->bytes.n, &diag);
    if (!p->component)
        return error_new("`%.*s` is not a valid component: %s (at offset 0x%llx)", STR_ARG(p->name),
                         diag.msg, (unsigned long long)diag.offset);
    return gtypes_of_component(&g->types, p->component, &p->type);
}

Error *graph_add_package(Graph *g, Str name, Buf *bytes, GraphPackage **ret_package)
{
    GraphPackage *p = mem_alloc(sizeof *p);
    p->name = gtypes_keep(&g->types, name);
    p->bytes = *bytes;
    *bytes = (Buf){0};
    vec_push(&g->packages, p);
    Error *e = decode(g, p);
    if (!e)
        *ret_package = p;
    return e;
}

static GraphItem *new_item(Graph *g, GraphItemKind kind)
{
    GraphItem *item = arena_new(&g->types.arena, GraphItem);
    item->kind = (u8)kind;
    vec_push(&g->items, item);
    return item;
}

bool graph_is_instance(const GraphItem *item)
{
    return item->ext.sort == SORT_INSTANCE;
}

/* ---- instances ---- */

/* The types that an import brings are at home in it. */
static void settle_import(const GraphExtern *e)
{
    if (e->sort != SORT_INSTANCE)
        return;
    for (u32 i = 0; i < e->type->nexports; i++) {
        GraphType *t = e->type->exports[i].type;
        if (e->type->exports[i].sort == SORT_TYPE && gtypes_is_named(t) && !t->home.n)
            t->home = e->name;
    }
}

static void settle_made(GraphItem *instance, Str export, const GraphExtern *e)
{
    if (e->sort != SORT_TYPE || e->type->kind != CT_RESOURCE || e->type->home.n || e->type->fixed ||
        e->type->made)
        return;
    e->type->made = true;
    e->type->maker = instance;
    e->type->maker_export = export;
    e->type->name = e->name;
}

/* Resources that come out of an instance and did not go into it are made by it. */
static void settle_exports(GraphItem *instance)
{
    const GraphType *t = instance->ext.type;
    for (u32 i = 0; i < t->nimports; i++)
        if (t->imports[i].sort == SORT_TYPE && t->imports[i].type->kind == CT_RESOURCE)
            t->imports[i].type->home = t->imports[i].name;
    for (u32 i = 0; i < t->nexports; i++) {
        const GraphExtern *e = &t->exports[i];
        settle_made(instance, (Str){0}, e);
        for (u32 k = 0; e->sort == SORT_INSTANCE && k < e->type->nexports; k++)
            settle_made(instance, e->name, &e->type->exports[k]);
    }
}

Error *graph_instantiate(Graph *g, GraphPackage *p, GraphItem **ret_instance)
{
    GraphType *type;
    Error *e = gtypes_of_component(&g->types, p->component, &type);
    if (e)
        return e;
    GraphItem *item = arena_new(&g->types.arena, GraphItem);
    item->kind = ITEM_INSTANCE;
    item->ext = (GraphExtern){.name = p->name, .sort = SORT_INSTANCE, .type = type};
    item->package = p;
    item->args = arena_array(&g->types.arena, GraphItem *, type->nimports);
    p->used = true;
    for (u32 i = 0; i < type->nimports; i++)
        settle_import(&type->imports[i]);
    settle_exports(item);
    *ret_instance = item;
    return NULL;
}

Error *graph_give(GraphItem *instance, u32 import, GraphItem *item)
{
    if (instance->args[import])
        return error_new("the import `%.*s` of `%.*s` is given twice",
                         STR_ARG(instance->ext.type->imports[import].name),
                         STR_ARG(instance->package->name));
    instance->args[import] = item;
    return NULL;
}

/* Who an item comes from, for messages. */
static void put_origin(const GraphItem *item, Buf *out)
{
    if (item->kind == ITEM_IMPORT)
        buf_printf(out, "the import `%.*s`", STR_ARG(item->ext.name));
    else if (item->kind == ITEM_DEFINITION)
        buf_printf(out, "the type `%.*s`", STR_ARG(item->ext.name));
    else if (item->kind == ITEM_INSTANCE)
        buf_printf(out, "the instance of `%.*s`", STR_ARG(item->package->name));
    else
        buf_printf(out, "the export `%.*s` of ", STR_ARG(item->ext.name));
    if (item->kind == ITEM_ALIAS) {
        if (item->from->kind == ITEM_INSTANCE)
            buf_printf(out, "`%.*s`", STR_ARG(item->from->package->name));
        else
            put_origin(item->from, out);
    }
}

MUST_CHECK static Error *check_argument(Graph *g, const GraphItem *instance, u32 i)
{
    const GraphItem *item = instance->args[i];
    const GraphExtern *x = &instance->ext.type->imports[i];
    Error *e = gtypes_check(&g->types, &item->ext, x);
    if (!e)
        return NULL;
    Buf b = {0};
    put_origin(item, &b);
    char *origin = buf_take_string(&b);
    e = error_wrap(e, "%s does not fit the import `%.*s` of `%.*s`", origin, STR_ARG(x->name),
                   STR_ARG(instance->package->name));
    mem_free(origin);
    return e;
}

/* ---- imports ---- */

static Str track_of(Graph *g, Str name)
{
    Buf b = {0};
    extern_name_track(name, &b);
    Str kept = gtypes_keep(&g->types, (Str){(const char *)b.p, b.n});
    buf_release(&b);
    return kept;
}

static void fix_resources(const GraphExtern *e)
{
    if (e->sort == SORT_TYPE && e->type->kind == CT_RESOURCE)
        gtypes_find(e->type)->fixed = true;
    for (u32 i = 0; e->sort == SORT_INSTANCE && i < e->type->nexports; i++)
        if (e->type->exports[i].sort == SORT_TYPE)
            gtypes_find(e->type->exports[i].type)->fixed = true;
}

static GraphItem *add_import(Graph *g, GraphExtern ext, Str track, bool implicit)
{
    map_set(&g->imports, track, g->items.n);
    GraphItem *item = new_item(g, ITEM_IMPORT);
    item->ext = ext;
    item->implicit = implicit;
    if (ext.sort == SORT_INSTANCE) { /* others may use the type as it is; this one may grow */
        item->ext.type = gtypes_new(&g->types, CT_INSTANCE);
        item->ext.type->name = ext.type->name;
        for (u32 i = 0; i < ext.type->nexports; i++)
            gtypes_add_export(&g->types, item->ext.type, ext.type->exports[i]);
    }
    fix_resources(&item->ext);
    return item;
}

Error *graph_import(Graph *g, GraphExtern ext, GraphItem **ret_item)
{
    ExternName name;
    Diag diag;
    u64 at;
    diag_init(&diag);
    if (!extern_name_parse(ext.name, 0, &name, &diag))
        return error_new("`%.*s` is not a name of an import: %s", STR_ARG(ext.name), diag.msg);
    Str track = track_of(g, ext.name);
    if (map_get(&g->imports, track, &at) && g->items.p[at]->needed) {
        GraphItem *item = g->items.p[at];
        item->needed = item->implicit = false;
        *ret_item = item;
        return gtypes_merge(&g->types, &item->ext, &ext);
    }
    if (map_get(&g->imports, track, &at))
        return error_new("there is an import `%.*s` already%s", STR_ARG(g->items.p[at]->ext.name),
                         g->items.p[at]->implicit ? ", which an instance needs" : "");
    settle_import(&ext);
    *ret_item = add_import(g, ext, track, false);
    return NULL;
}

Error *graph_need(Graph *g, GraphExtern ext)
{
    Str track = track_of(g, ext.name);
    u64 at;
    if (map_get(&g->imports, track, &at))
        return gtypes_merge(&g->types, &g->items.p[at]->ext, &ext);
    settle_import(&ext);
    add_import(g, ext, track, true)->needed = true;
    return NULL;
}

MUST_CHECK static Error *merge_import(Graph *g, const GraphItem *instance, const GraphExtern *x,
                                      GraphItem *item)
{
    if (!item->implicit)
        return error_new("the import `%.*s` of `%.*s` is left open, and the composition has an "
                         "import `%.*s` of its own: give it as an argument",
                         STR_ARG(x->name), STR_ARG(instance->package->name),
                         STR_ARG(item->ext.name));
    Error *e = gtypes_merge(&g->types, &item->ext, x);
    if (e)
        return error_wrap(e,
                          "the import `%.*s` of `%.*s` cannot be one with the import `%.*s` of "
                          "another instance",
                          STR_ARG(x->name), STR_ARG(instance->package->name),
                          STR_ARG(item->ext.name));
    item->needed = false;
    if (name_newer(x->name, item->ext.name))
        item->ext.name = x->name;
    fix_resources(&item->ext);
    return NULL;
}

/* A type that another instance gave can be handed on as it is. */
static GraphItem *type_from_maker(Graph *g, const GraphExtern *x)
{
    GraphType *t = x->sort == SORT_TYPE ? gtypes_find(x->type) : NULL;
    if (!t || !t->made)
        return NULL;
    GraphItem *in = t->maker;
    if (t->maker_export.n)
        in = graph_alias(g, in, t->maker_export);
    return graph_alias(g, in, t->name);
}

MUST_CHECK static Error *fill_argument(Graph *g, GraphItem *instance, u32 i)
{
    const GraphExtern *x = &instance->ext.type->imports[i];
    u64 at;
    instance->args[i] = type_from_maker(g, x);
    if (instance->args[i])
        return NULL;
    if (x->sort == SORT_CORE_MODULE || x->sort == SORT_COMPONENT || x->sort == SORT_VALUE)
        return error_new("`%.*s` imports a %s as `%.*s`, which a composition cannot import",
                         STR_ARG(instance->package->name), sort_name((Sort)x->sort),
                         STR_ARG(x->name));
    Str track = track_of(g, x->name);
    if (!map_get(&g->imports, track, &at)) {
        instance->args[i] = add_import(g, *x, track, true);
        return NULL;
    }
    instance->args[i] = g->items.p[at];
    return merge_import(g, instance, x, g->items.p[at]);
}

Error *graph_complete(Graph *g, GraphItem *instance, bool fill)
{
    Error *e = NULL;
    for (u32 i = 0; i < instance->ext.type->nimports && !e; i++) {
        const GraphExtern *x = &instance->ext.type->imports[i];
        if (instance->args[i])
            e = check_argument(g, instance, i);
        else if (fill)
            e = fill_argument(g, instance, i);
        else
            e = error_new("the import `%.*s` of `%.*s` is not given: name it, or write `...` last "
                          "to import it",
                          STR_ARG(x->name), STR_ARG(instance->package->name));
    }
    if (!e)
        vec_push(&g->items, instance); /* behind all that it takes */
    return e;
}

/* ---- aliases and exports ---- */

GraphItem *graph_alias(Graph *g, GraphItem *instance, Str name)
{
    const GraphExtern *e = gtypes_export(&g->types, instance->ext.type, name);
    u64 at;
    if (!e)
        return NULL;
    Buf b = {0};
    buf_bytes(&b, &instance, sizeof instance);
    buf_str(&b, name);
    Str key = {(const char *)b.p, b.n};
    if (!map_get(&g->aliases, key, &at)) {
        at = g->items.n;
        map_add(&g->aliases, gtypes_keep(&g->types, key), at);
        GraphItem *item = new_item(g, ITEM_ALIAS);
        item->ext = *e;
        item->from = instance;
    }
    buf_release(&b);
    return g->items.p[at];
}

bool graph_has_export(const Graph *g, Str name)
{
    u64 ignored;
    return map_get(&g->export_names, name, &ignored);
}

Error *graph_export(Graph *g, Str name, GraphItem *item)
{
    ExternName parsed;
    Diag diag;
    diag_init(&diag);
    if (!extern_name_parse(name, 0, &parsed, &diag))
        return error_new("`%.*s` is not a name of an export: %s", STR_ARG(name), diag.msg);
    GraphExport e = {gtypes_keep(&g->types, name), item};
    if (!map_add(&g->export_names, e.name, g->exports.n))
        return error_new("there is an export `%.*s` already", STR_ARG(name));
    if (item->kind == ITEM_DEFINITION)
        item->ext.name = e.name;
    else
        vec_push(&g->exports, e);
    return NULL;
}

Error *graph_define(Graph *g, Str name, GraphType *type, GraphItem **ret_item)
{
    GraphItem *item = new_item(g, ITEM_DEFINITION);
    item->ext = (GraphExtern){.sort = SORT_TYPE, .type = type};
    *ret_item = item;
    return graph_export(g, name, item);
}
