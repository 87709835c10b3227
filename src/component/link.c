/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a host offers; link_check.c tells whether it is what a component asks for. */
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
    ComponentHint *hint;
    void *hint_arg;
    Arena names;
    GlueResource *resources;
    ComponentItems root;
    Offered *offered;
    u64 fuel; /* of each call of generated glue */
    u64 max_handles;
};

#define LINK_HOSTCALL_FUEL ((u64)128 << 20)

ComponentLinker *component_linker_new(void)
{
    ComponentLinker *l = mem_alloc(sizeof *l);
    arena_init(&l->names);
    l->fuel = LINK_HOSTCALL_FUEL;
    l->max_handles = COMPONENT_MAX_HANDLES;
    return l;
}

void component_linker_max_handles(ComponentLinker *l, u64 count)
{
    l->max_handles = count;
}

u64 linker_max_handles(const ComponentLinker *l)
{
    return l->max_handles;
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

Error *linker_instance(ComponentLinker *l, Str instance, ComponentItems **ret_items)
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

Error *linker_define_func(ComponentLinker *l, ComponentItems *in, Str name, const HostFunc *f)
{
    Offered *o = offered_new(l);
    o->func = (ComponentFunc){.is_host = true, .host = *f};
    return define(l, in, name, (ComponentItem){.sort = SORT_FUNC, .func = &o->func});
}

Error *component_linker_func(ComponentLinker *l, Str instance, Str name, const HostFunc *f)
{
    ComponentItems *in = NULL;
    Error *e = linker_instance(l, instance, &in);
    return e ? e : linker_define_func(l, in, name, f);
}

Error *linker_define_resource(ComponentLinker *l, ComponentItems *in, Str name, ResourceType *type)
{
    return define(l, in, name, (ComponentItem){.sort = SORT_TYPE, .resource = type});
}

Error *component_linker_resource(ComponentLinker *l, Str instance, Str name, ResourceType *type)
{
    ComponentItems *in = NULL;
    Error *e = linker_instance(l, instance, &in);
    return e ? e : linker_define_resource(l, in, name, type);
}

const char *linker_keep(ComponentLinker *l, Str s)
{
    return arena_strdup(&l->names, s);
}

ResourceType *linker_new_resource(ComponentLinker *l)
{
    return arena_new(&l->names, ResourceType);
}

/* --- generated glue --- */

static Error *glue_drop(void *env, void *host, u64 rep)
{
    const GlueResource *g = env;
    g->type->drop(host ? host : g->host, (void *)(uintptr_t)rep);
    return NULL;
}

ResourceType *component_linker_type(const ComponentLinker *l, const LiftResource *type)
{
    for (GlueResource *g = l->resources; g; g = g->next)
        if (g->type == type)
            return &g->resource;
    return NULL;
}

const LiftResource *linker_glue_type(const ResourceType *t)
{
    return t && t->host_drop == glue_drop ? ((const GlueResource *)t->env)->type : NULL;
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

void component_linker_hint(ComponentLinker *l, ComponentHint *hint, void *arg)
{
    l->hint = hint;
    l->hint_arg = arg;
}

void linker_give_hint(const ComponentLinker *l, Str name, Buf *out)
{
    if (l && l->hint)
        l->hint(l->hint_arg, name, out);
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

bool items_find_version(const ComponentItems *items, Str name, ComponentItem *ret_item)
{
    if (items_find(items, name, ret_item))
        return true;
    Str base, other;
    SemVer want, have, best = {0};
    bool found = false;
    if (!split_version(name, &base, &want))
        return false;
    for (u32 i = 0; i < items_count(items); i++) {
        if (!split_version(items_name(items, i), &other, &have) || !str_eq(base, other) ||
            !compatible(&want, &have) || (found && !newer(&have, &best)))
            continue;
        found = true;
        best = have;
        *ret_item = items_nth(items, i);
    }
    return found;
}

bool component_linker_find(const ComponentLinker *l, const ExternName *name,
                           ComponentItem *ret_item)
{
    return items_find_version(&l->root, name->text, ret_item);
}

bool linker_nearest(const ComponentLinker *l, Str name, Str *ret_name)
{
    Str base = name, other;
    SemVer version, best = {0};
    bool found = false;
    split_version(name, &base, &version);
    for (u32 i = 0; l && i < items_count(&l->root); i++) {
        Str has = items_name(&l->root, i);
        if (!split_version(has, &other, &version) || !str_eq(base, other) ||
            (found && (version.major < best.major ||
                       (version.major == best.major && !newer(&version, &best)))))
            continue;
        found = true;
        best = version;
        *ret_name = has;
    }
    return found;
}
