/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Stand-ins for what a host does not offer: functions that fail when they are called, and resource
 * types of which there are no resources. Instances within instances, modules and components have
 * none and stay missing.
 */
#include "component/instance_priv.h"

typedef struct Unknown {
    ComponentLinker *linker;
    const Component *c;
    ResourceType **resources; /* by number less first_resource: what the imports so far named */
} Unknown;

static Error *fail_unknown(void *env, HostCall *call, const ComponentVal *params,
                           ComponentVal *ret_result)
{
    (void)call;
    (void)params;
    (void)ret_result;
    return error_new("unknown import: `%s` has not been defined", (const char *)env);
}

MUST_CHECK static Error *stand_in_func(const Unknown *u, Str instance, Str name, ComponentItems *in)
{
    Buf text = {0};
    buf_str(&text, instance);
    buf_str(&text, instance.n ? STR("#") : STR(""));
    buf_str(&text, name);
    HostFunc f = {.vals = fail_unknown,
                  .env = (void *)(uintptr_t)linker_keep(u->linker, (Str){(char *)text.p, text.n})};
    buf_release(&text);
    return linker_define_func(u->linker, in, name, &f);
}

/* The same type by all names that the component has for it. */
MUST_CHECK static Error *stand_in_type(const Unknown *u, const ComponentExtern *x,
                                       ComponentItems *in)
{
    const CType *t = ctype_get(u->c->types, x->type);
    if (t->kind != CT_RESOURCE)
        return NULL;
    u32 n = t->resource - u->c->first_resource;
    if (n >= u->c->end_resource - u->c->first_resource)
        return NULL;
    if (!u->resources[n])
        u->resources[n] = linker_new_resource(u->linker);
    return linker_define_resource(u->linker, in, x->name.text, u->resources[n]);
}

static void note_type(const Unknown *u, const ComponentExtern *x, const ComponentItem *item)
{
    const CType *t = ctype_get(u->c->types, x->type);
    u32 n = t->kind == CT_RESOURCE ? t->resource - u->c->first_resource : UINT32_MAX;
    if (item->sort == SORT_TYPE && n < u->c->end_resource - u->c->first_resource)
        u->resources[n] = item->resource;
}

/* `item` NULL: it is not offered, and what stands for it goes to `in`. */
MUST_CHECK static Error *stand_in(const Unknown *u, const ComponentExtern *x, Str instance,
                                  const ComponentItem *item, ComponentItems *in)
{
    if (x->sort == SORT_TYPE && item)
        note_type(u, x, item);
    else if (x->sort == SORT_TYPE)
        return stand_in_type(u, x, in);
    else if (x->sort == SORT_FUNC && !item)
        return stand_in_func(u, instance, x->name.text, in);
    return NULL;
}

MUST_CHECK static Error *stand_in_instance(const Unknown *u, const ComponentExtern *x,
                                           const ComponentItem *item)
{
    ComponentItems *in = NULL;
    const CType *t = ctype_get(u->c->types, x->type);
    Error *e = NULL;
    if (item && item->sort != SORT_INSTANCE)
        return NULL; /* the report says so */
    if (item)
        in = item->instance;
    else
        e = linker_instance(u->linker, x->name.text, &in);
    for (u32 i = 0; i < t->nexports && !e; i++) {
        ComponentItem has;
        bool found = items_find(in, t->exports[i].name.text, &has);
        e = stand_in(u, &t->exports[i], x->name.text, found ? &has : NULL, in);
    }
    return e;
}

Error *component_linker_unknown(ComponentLinker *l, const LoadedComponent *loaded)
{
    const Component *c = component_decoded(loaded);
    u32 nresources = c->end_resource - c->first_resource;
    Unknown u = {l, c, mem_alloc_array(MAX(nresources, 1), sizeof(ResourceType *))};
    ComponentItems *root = NULL;
    Error *e = linker_instance(l, STR(""), &root);
    for (u32 i = 0; i < c->ndefs && !e; i++) {
        const ComponentDef *d = &c->defs[i];
        ComponentItem item;
        if (d->kind != DEF_IMPORT)
            continue;
        const ComponentExtern *x = d->port.ext;
        bool found = component_linker_find(l, &x->name, &item);
        e = x->sort == SORT_INSTANCE ? stand_in_instance(&u, x, found ? &item : NULL)
                                     : stand_in(&u, x, STR(""), found ? &item : NULL, root);
    }
    mem_free(u.resources);
    return e;
}
