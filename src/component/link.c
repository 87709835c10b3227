/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a host offers, and whether it is what a component asks for. */
#include "component/instance_priv.h"

/* Functions and instances that the linker itself makes. */
typedef struct Offered {
    struct Offered *next;
    ComponentItems items;
    ComponentFunc func;
} Offered;

/* A resource type of generated glue. */
typedef struct GlueResource {
    struct GlueResource *next;
    const LiftResource *type;
    void *host;
    ResourceType resource;
} GlueResource;

struct ComponentLinker {
    Arena names;
    GlueResource *resources;
    ComponentItems root;
    Offered *offered;
    u64 fuel; /* of each call of generated glue */
};

#define LINK_HOSTCALL_FUEL ((u64)128 << 20)

ComponentLinker *component_linker_new(void)
{
    ComponentLinker *l = mem_alloc(sizeof *l);
    arena_init(&l->names);
    l->fuel = LINK_HOSTCALL_FUEL;
    return l;
}

void component_linker_fuel(ComponentLinker *l, u64 bytes)
{
    l->fuel = bytes;
}

u64 linker_hostcall_fuel(const ComponentLinker *l)
{
    return l->fuel;
}

void component_linker_free(ComponentLinker *l)
{
    if (!l)
        return;
    while (l->offered) {
        Offered *o = l->offered;
        l->offered = o->next;
        items_release(&o->items);
        mem_free(o);
    }
    items_release(&l->root);
    arena_release(&l->names);
    mem_free(l);
}

static Offered *offered_new(ComponentLinker *l)
{
    Offered *o = mem_alloc(sizeof *o);
    o->next = l->offered;
    l->offered = o;
    return o;
}

static Str keep(ComponentLinker *l, Str s)
{
    return (Str){arena_strdup(&l->names, s), s.n};
}

MUST_CHECK static Error *define(ComponentLinker *l, ComponentItems *in, Str name,
                                ComponentItem item)
{
    if (!items_add(in, keep(l, name), item))
        return error_new("import of `%.*s` defined twice", STR_ARG(name));
    return NULL;
}

MUST_CHECK static Error *set_of(ComponentLinker *l, Str instance, ComponentItems **ret_items)
{
    ComponentItem item;
    if (instance.n == 0) {
        *ret_items = &l->root;
        return NULL;
    }
    if (items_find(&l->root, instance, &item)) {
        if (item.sort != SORT_INSTANCE)
            return error_new("`%.*s` is not an instance", STR_ARG(instance));
        *ret_items = item.instance;
        return NULL;
    }
    *ret_items = &offered_new(l)->items;
    return define(l, &l->root, instance,
                  (ComponentItem){.sort = SORT_INSTANCE, .instance = *ret_items});
}

Error *component_linker_func(ComponentLinker *l, Str instance, Str name, const HostFunc *f)
{
    ComponentItems *in = NULL;
    Error *e = set_of(l, instance, &in);
    if (e)
        return e;
    Offered *o = offered_new(l);
    o->func = (ComponentFunc){.is_host = true, .host = *f};
    return define(l, in, name, (ComponentItem){.sort = SORT_FUNC, .func = &o->func});
}

Error *component_linker_resource(ComponentLinker *l, Str instance, Str name, ResourceType *type)
{
    ComponentItems *in = NULL;
    Error *e = set_of(l, instance, &in);
    return e ? e : define(l, in, name, (ComponentItem){.sort = SORT_TYPE, .resource = type});
}

/* --- generated glue --- */

static Error *glue_drop(void *env, u64 rep)
{
    const GlueResource *g = env;
    g->type->drop(g->host, (void *)(uintptr_t)rep);
    return NULL;
}

ResourceType *linker_resource(const ComponentLinker *l, const LiftResource *type)
{
    for (GlueResource *g = l->resources; g; g = g->next)
        if (g->type == type)
            return &g->resource;
    return NULL;
}

MUST_CHECK static Error *link_resource(ComponentLinker *l, Str interface, const LiftResource *type,
                                       void *host)
{
    GlueResource *g = arena_new(&l->names, GlueResource);
    *g = (GlueResource){.next = l->resources, .type = type, .host = host};
    g->resource = (ResourceType){.host_drop = glue_drop, .env = g};
    l->resources = g;
    return component_linker_resource(l, interface, str_of(type->name), &g->resource);
}

Error *component_linker_interface(ComponentLinker *l, const LiftInterface *interface, void *host)
{
    Str name = str_of(interface->name);
    Error *e = NULL;
    for (u32 i = 0; i < interface->nresources && !e; i++)
        e = link_resource(l, name, interface->resources[i], host);
    for (u32 i = 0; i < interface->nfuncs && !e; i++) {
        HostFunc f = {.glue = &interface->funcs[i], .linker = l, .env = host};
        e = component_linker_func(l, name, str_of(f.glue->name), &f);
    }
    return e;
}

Error *component_linker_use(ComponentLinker *l, Str instance, const LiftResource *type)
{
    ResourceType *t = linker_resource(l, type);
    if (!t)
        return error_new("the resource type `%s` is not linked", type->name);
    return component_linker_resource(l, instance, str_of(type->name), t);
}

/* --- versions --- */

/* Releases that agree in what decides compatibility; pre-releases are compatible with nothing. */
static bool compatible(const SemVer *a, const SemVer *b)
{
    if (a->pre.n || b->pre.n || a->major != b->major)
        return false;
    if (a->major)
        return true;
    if (a->minor != b->minor)
        return false;
    return a->minor || a->patch == b->patch;
}

static bool newer(const SemVer *a, const SemVer *b)
{
    return a->minor != b->minor ? a->minor > b->minor : a->patch > b->patch;
}

/* "ns:pkg/name" and the version behind the '@'. */
static bool split_version(Str name, Str *ret_base, SemVer *ret_version)
{
    const char *at = name.n ? memchr(name.p, '@', name.n) : NULL;
    if (!at)
        return false;
    *ret_base = (Str){name.p, (usize)(at - name.p)};
    Str version = {at + 1, name.n - ret_base->n - 1};
    return semver_parse(version, true, ret_version);
}

bool component_linker_find(const ComponentLinker *l, const ExternName *name,
                           ComponentItem *ret_item)
{
    if (items_find(&l->root, name->text, ret_item))
        return true;
    Str base, other;
    SemVer want, have, best = {0};
    bool found = false;
    if (!split_version(name->text, &base, &want))
        return false;
    for (u32 i = 0; i < items_count(&l->root); i++) {
        if (!split_version(items_name(&l->root, i), &other, &have) || !str_eq(base, other) ||
            !compatible(&want, &have) || (found && !newer(&have, &best)))
            continue;
        found = true;
        best = have;
        *ret_item = items_nth(&l->root, i);
    }
    return found;
}

/* --- checks --- */

typedef struct Check {
    const Component *c;
    Str *names; /* of resources, by number less first_resource: where they were met first */
    ResourceType **resources;
    Buf missing; /* a line each */
    Buf path;
} Check;

static TypeNames names_of(const Check *k)
{
    return (TypeNames){k->names, k->c->first_resource, k->c->end_resource - k->c->first_resource};
}

static void complain(Check *k, const ComponentExtern *x, const char *what)
{
    buf_str(&k->missing, STR("\n  "));
    buf_bytes(&k->missing, k->path.p, k->path.n);
    buf_printf(&k->missing, "`%.*s`: ", STR_ARG(x->name.text));
    if (x->sort == SORT_FUNC) {
        TypeNames names = names_of(k);
        Buf text = {0};
        type_text(k->c->types, x->type, &names, &text);
        buf_bytes(&k->missing, text.p, text.n);
        buf_release(&text);
    } else {
        const char *sort = x->sort == SORT_TYPE ? "resource" : sort_name((Sort)x->sort);
        buf_str(&k->missing, str_of(sort));
    }
    buf_printf(&k->missing, " (%s)", what);
}

static void note_resource(Check *k, const ComponentExtern *x, ResourceType *resource)
{
    const CType *c = ctype_get(k->c->types, x->type);
    if (c->kind != CT_RESOURCE || c->resource < k->c->first_resource ||
        c->resource >= k->c->end_resource)
        return;
    u32 n = c->resource - k->c->first_resource;
    if (!k->names[n].p)
        k->names[n] = x->name.text;
    k->resources[n] = resource;
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
    if (!f->host.signature)
        return true;
    Buf text = {0};
    TypeNames names = names_of(k);
    type_text(k->c->types, type, &names, &text);
    bool same = str_eq((Str){(char *)text.p, text.n}, str_of(f->host.signature));
    buf_release(&text);
    return same;
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
        bool resource = ctype_get(k->c->types, x->type)->kind == CT_RESOURCE;
        bool offered = item && item->sort == SORT_TYPE && item->resource;
        note_resource(k, x, offered ? item->resource : NULL);
        if (resource && !offered)
            complain(k, x, "not defined");
    } else if (item && item->sort != x->sort) {
        complain(k, x, "something else is defined");
    } else if (x->sort == SORT_INSTANCE) {
        check_exports(k, x, item ? item->instance : NULL);
    } else if (!item) {
        complain(k, x, "not defined");
    } else if (x->sort == SORT_FUNC && !same_func(k, x->type, item->func)) {
        complain(k, x, "of another type");
    } else if (x->sort == SORT_COMPONENT) {
        complain(k, x, "components cannot be imported from the host");
    }
}

Error *link_imports(const Component *c, const ComponentLinker *l, ComponentItems *args)
{
    u32 nresources = c->end_resource - c->first_resource;
    Check k = {.c = c,
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
    Error *e = NULL;
    if (k.missing.n)
        e = error_new("the component's imports are not satisfied:%.*s",
                      (int)MIN(k.missing.n, 65536), (const char *)k.missing.p);
    buf_release(&k.missing);
    buf_release(&k.path);
    mem_free(k.names);
    mem_free(k.resources);
    return e;
}
