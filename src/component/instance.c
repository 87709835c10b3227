/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Instantiation: the definitions of a component, carried out one by one. */
#include "component/instance_priv.h"

/* Instantiations of components that one component may lead to, nested ones included. */
enum { COMPONENT_INSTANCES_MAX = 10000 };

/* Sets of more have an index. */
enum { ITEMS_FEW = 8 };

/* --- items --- */

static bool items_place(const ComponentItems *i, Str name, u64 *ret_n)
{
    if (i->index.n)
        return map_get(&i->index, name, ret_n);
    for (u32 n = 0; n < i->names.n; n++) {
        if (str_eq(i->names.p[n], name)) {
            *ret_n = n;
            return true;
        }
    }
    return false;
}

bool items_add(ComponentItems *i, Str name, ComponentItem item)
{
    u64 n;
    if (items_place(i, name, &n))
        return false;
    if (i->names.n == ITEMS_FEW)
        for (u32 k = 0; k < ITEMS_FEW; k++)
            map_add(&i->index, i->names.p[k], k);
    if (i->names.n >= ITEMS_FEW)
        map_add(&i->index, name, i->names.n);
    vec_push(&i->names, name);
    vec_push(&i->items, item);
    return true;
}

void items_release(ComponentItems *i)
{
    vec_release(&i->names);
    vec_release(&i->items);
    map_release(&i->index);
}

u32 items_count(const ComponentItems *i)
{
    return i->names.n;
}

Str items_name(const ComponentItems *i, u32 n)
{
    return i->names.p[n];
}

ComponentItem items_nth(const ComponentItems *i, u32 n)
{
    return i->items.p[n];
}

bool items_find(const ComponentItems *i, Str name, ComponentItem *ret_item)
{
    u64 n = 0;
    if (!items_place(i, name, &n))
        return false;
    *ret_item = i->items.p[n];
    return true;
}

static ComponentItems *items_new(ComponentRoot *r)
{
    ComponentItems *i = mem_alloc(sizeof *i);
    i->next = r->sets;
    r->sets = i;
    return i;
}

/* --- index spaces --- */

static const u8 core_sorts[5] = {[EXTERN_FUNC] = SORT_CORE_FUNC,
                                 [EXTERN_TABLE] = SORT_CORE_TABLE,
                                 [EXTERN_MEMORY] = SORT_CORE_MEMORY,
                                 [EXTERN_GLOBAL] = SORT_CORE_GLOBAL,
                                 [EXTERN_TAG] = SORT_CORE_TAG};

static ExternKind kind_of_sort(u8 sort)
{
    for (u32 k = 0; k < ARRAY_LEN(core_sorts); k++)
        if (core_sorts[k] == sort)
            return (ExternKind)k;
    BUG("not a core extern");
}

static void alloc_spaces(ComponentInstance *i)
{
    const u32 *n = i->component->counts;
    Arena *a = &i->root->scratch;
    i->at = arena_new(a, ComponentSpaces);
    i->at->funcs = arena_array(a, ComponentFunc *, n[SORT_FUNC]);
    i->at->instances = arena_array(a, ComponentItems *, n[SORT_INSTANCE]);
    i->at->components = arena_array(a, ComponentClosure, n[SORT_COMPONENT]);
    i->at->types = arena_array(a, ResourceType *, n[SORT_TYPE]);
    i->at->core_modules = arena_array(a, Module *, n[SORT_CORE_MODULE]);
    i->at->core_instances = arena_array(a, CoreInstance *, n[SORT_CORE_INSTANCE]);
    for (u32 k = 0; k < ARRAY_LEN(core_sorts); k++)
        i->at->core[k] = arena_array(a, Extern, n[core_sorts[k]]);
    u32 nresources = i->component->end_resource - i->component->first_resource;
    i->resources = arena_array(&i->root->arena, ResourceType *, nresources);
}

static ComponentItem item_at(const ComponentInstance *i, SortIndex at)
{
    ComponentItem item = {.sort = at.sort};
    switch ((Sort)at.sort) {
    case SORT_FUNC:
        item.func = i->at->funcs[at.index];
        break;
    case SORT_TYPE:
        item.resource = i->at->types[at.index];
        break;
    case SORT_COMPONENT:
        item.component = i->at->components[at.index];
        break;
    case SORT_INSTANCE:
        item.instance = i->at->instances[at.index];
        break;
    case SORT_CORE_MODULE:
        item.module = i->at->core_modules[at.index];
        break;
    case SORT_VALUE:
    case SORT_CORE_FUNC:
    case SORT_CORE_TABLE:
    case SORT_CORE_MEMORY:
    case SORT_CORE_GLOBAL:
    case SORT_CORE_TAG:
    case SORT_CORE_TYPE:
    case SORT_CORE_INSTANCE:
    case SORT_COUNT:
        BUG("not an item of a component");
    }
    return item;
}

/* Where the instance keeps what the type stands for; NULL if it is no resource type of its own. */
static ResourceType **resource_place(const ComponentInstance *i, CTypeId type)
{
    const CType *c = ctype_get(i->component->types, type);
    const Component *k = i->component;
    bool own =
        c->kind == CT_RESOURCE && c->resource >= k->first_resource && c->resource < k->end_resource;
    return own ? &i->resources[c->resource - k->first_resource] : NULL;
}

ResourceKey instance_key(const ComponentInstance *i, const ResourceType *type)
{
    u32 n = i->component->end_resource - i->component->first_resource;
    for (u32 k = 0; k < n; k++)
        if (i->resources[k] == type)
            return &i->resources[k];
    return NULL;
}

static void bind_resource(ComponentInstance *i, CTypeId type, ResourceType *resource)
{
    ResourceType **place = resource_place(i, type);
    if (!place)
        return;
    ResourceKey first = resource ? instance_key(i, resource) : NULL;
    i->has_twins |= first && first != place;
    *place = resource;
}

/* The resource types that an instance of that type gives out. As deep as the type. */
static void bind_exports(ComponentInstance *i, CTypeId type, const ComponentItems *items)
{
    const CType *c = ctype_get(i->component->types, type);
    for (u32 n = 0; n < c->nexports; n++) {
        const ComponentExtern *x = &c->exports[n];
        ComponentItem item;
        if ((x->sort != SORT_TYPE && x->sort != SORT_INSTANCE) ||
            !items_find(items, x->name.text, &item) || item.sort != x->sort)
            continue;
        if (x->sort == SORT_TYPE)
            bind_resource(i, x->type, item.resource);
        else
            bind_exports(i, x->type, item.instance);
    }
}

/* Gives the item the index that the definition says. */
static void put_item(ComponentInstance *i, const ComponentDef *d, ComponentItem item)
{
    const Component *c = i->component;
    switch ((Sort)d->space) {
    case SORT_FUNC:
        i->at->funcs[d->index] = item.func;
        break;
    case SORT_TYPE:
        i->at->types[d->index] = item.resource;
        bind_resource(i, c->ctypes[d->index], item.resource);
        break;
    case SORT_COMPONENT:
        i->at->components[d->index] = item.component;
        break;
    case SORT_INSTANCE:
        i->at->instances[d->index] = item.instance;
        bind_exports(i, c->instances[d->index], item.instance);
        break;
    case SORT_CORE_MODULE:
        i->at->core_modules[d->index] = item.module;
        break;
    case SORT_VALUE:
    case SORT_CORE_FUNC:
    case SORT_CORE_TABLE:
    case SORT_CORE_MEMORY:
    case SORT_CORE_GLOBAL:
    case SORT_CORE_TAG:
    case SORT_CORE_TYPE:
    case SORT_CORE_INSTANCE:
    case SORT_COUNT:
        BUG("not an item of a component");
    }
}

/* --- core instances --- */

static CoreInstance *core_instance_new(ComponentInstance *i, const ComponentDef *d)
{
    ComponentRoot *r = i->root;
    CoreInstance *c = arena_new(&r->scratch, CoreInstance);
    if (r->nparts == r->cap_parts) {
        u32 cap = vec_capacity(r->cap_parts, (u64)r->nparts + 1);
        r->parts =
            mem_realloc(r->parts, r->cap_parts * sizeof(void *), (usize)cap * sizeof(void *));
        r->cap_parts = cap;
    }
    r->parts[r->nparts++] = c;
    i->at->core_instances[d->index] = c;
    return c;
}

static bool core_export(const CoreInstance *c, Str name, Extern *ret_extern)
{
    if (c->instance)
        return instance_export(c->instance, name, ret_extern);
    u64 n = 0;
    if (!map_get(&c->index, name, &n))
        return false;
    *ret_extern = c->externs[n];
    return true;
}

MUST_CHECK static Error *find_core_import(const ComponentInstance *i, const Map *args,
                                          const ComponentDef *d, const Import *want,
                                          Extern *ret_extern)
{
    u64 n = 0;
    if (!map_get(args, want->module, &n) ||
        !core_export(i->at->core_instances[d->args[n].item.index], want->name, ret_extern))
        return error_new("unknown import: `%.*s::%.*s` has not been defined", STR_ARG(want->module),
                         STR_ARG(want->name));
    return NULL;
}

MUST_CHECK static Error *core_instantiate(ComponentInstance *i, const ComponentDef *d)
{
    Module *m = i->at->core_modules[d->target];
    const WasmModule *w = module_wasm(m);
    Map args = {0};
    for (u32 n = 0; n < d->nargs; n++)
        map_add(&args, d->args[n].name, n);
    Extern *imports = mem_alloc_array(MAX(w->nimports, 1), sizeof *imports);
    Error *e = NULL;
    for (u32 n = 0; n < w->nimports && !e; n++)
        e = find_core_import(i, &args, d, &w->imports[n], &imports[n]);
    CoreInstance *c = core_instance_new(i, d);
    if (!e)
        e = instance_new(i->root->store, m, imports, w->nimports, &c->instance);
    map_release(&args);
    mem_free(imports);
    return e;
}

static void core_from_parts(ComponentInstance *i, const ComponentDef *d)
{
    CoreInstance *c = core_instance_new(i, d);
    c->n = d->nargs;
    c->externs = arena_array(&i->root->scratch, Extern, d->nargs);
    for (u32 n = 0; n < d->nargs; n++) {
        const ComponentArg *a = &d->args[n];
        c->externs[n] = i->at->core[kind_of_sort(a->item.sort)][a->item.index];
        map_add(&c->index, a->name, n);
    }
}

MUST_CHECK static Error *alias_core_export(ComponentInstance *i, const ComponentDef *d)
{
    Extern x;
    ExternKind kind = kind_of_sort(d->space);
    if (!core_export(i->at->core_instances[d->alias.instance], d->alias.name, &x) || x.kind != kind)
        return error_new("the core instance has no export `%.*s` of that sort",
                         STR_ARG(d->alias.name));
    i->at->core[kind][d->index] = x;
    return NULL;
}

/* --- components --- */

/* A global of the store that is 1; its first byte reads as a bool. */
static bool *flag_new(Store *s, RtGlobal **ret_global)
{
    Error *e = store_global_new(s, (GlobalType){VT_I32, true}, (VmVal){.pair = {1}}, ret_global);
    ALWAYS(!e);
    return (bool *)global_value(*ret_global);
}

static ComponentInstance *instance_alloc(ComponentRoot *r, ComponentClosure c,
                                         ComponentInstance *parent, const ComponentItems *args)
{
    ComponentInstance *i = arena_new(&r->arena, ComponentInstance);
    *i = (ComponentInstance){.next = r->instances,
                             .root = r,
                             .parent = parent,
                             .outer = c.outer,
                             .component = c.component,
                             .args = args,
                             .exports = items_new(r),
                             .handles = {.budget = &r->handles},
                             .has_tasks = component_has_tasks(c.component)};
    i->task = &i->start;
    i->may_enter = flag_new(r->store, &i->enter_global);
    i->may_leave = flag_new(r->store, &i->leave_global);
    r->instances = i;
    alloc_spaces(i);
    return i;
}

static Error *run_defs(ComponentInstance *i);

MUST_CHECK static Error *instantiate(ComponentInstance *i, const ComponentDef *d)
{
    ComponentRoot *r = i->root;
    if (++r->ninstances > COMPONENT_INSTANCES_MAX)
        return error_new("resource limit exceeded: more than %d component instances",
                         COMPONENT_INSTANCES_MAX);
    ComponentItems *args = items_new(r);
    for (u32 n = 0; n < d->nargs; n++)
        items_add(args, d->args[n].name, item_at(i, d->args[n].item));
    ComponentInstance *child = instance_alloc(r, i->at->components[d->target], i, args);
    Error *e = run_defs(child);
    if (!e)
        put_item(i, d, (ComponentItem){.sort = SORT_INSTANCE, .instance = child->exports});
    return e;
}

static void from_parts(ComponentInstance *i, const ComponentDef *d)
{
    ComponentItems *items = items_new(i->root);
    for (u32 n = 0; n < d->nargs; n++)
        items_add(items, d->args[n].name, item_at(i, d->args[n].item));
    put_item(i, d, (ComponentItem){.sort = SORT_INSTANCE, .instance = items});
}

MUST_CHECK static Error *alias_export(ComponentInstance *i, const ComponentDef *d)
{
    ComponentItem item;
    bool found = items_find(i->at->instances[d->alias.instance], d->alias.name, &item);
    if (!found || item.sort != d->space)
        return error_new("the instance has no %s `%.*s`", sort_name((Sort)d->space),
                         STR_ARG(d->alias.name));
    put_item(i, d, item);
    return NULL;
}

static void alias_outer(ComponentInstance *i, const ComponentDef *d)
{
    if (d->space == SORT_CORE_TYPE)
        return;
    const ComponentInstance *from = i;
    for (u32 n = 0; n < d->alias.depth; n++)
        from = from->outer;
    put_item(i, d, item_at(from, d->alias.item));
}

/* Only resource types are something at run time. */
static void define_type(ComponentInstance *i, const ComponentDef *d)
{
    const Component *c = i->component;
    const CType *type = ctype_get(c->types, c->ctypes[d->index]);
    ResourceType *resource = NULL;
    if (type->kind == CT_RESOURCE) {
        const CResource *r = &c->types->resources[type->resource];
        resource = arena_new(&i->root->arena, ResourceType);
        resource->owner = i;
        resource->dtor = r->has_dtor ? i->at->core[EXTERN_FUNC][r->dtor].func : NULL;
    }
    put_item(i, d, (ComponentItem){.sort = SORT_TYPE, .resource = resource});
}

MUST_CHECK static Error *canon(ComponentInstance *i, const ComponentDef *d)
{
    if (d->canon.kind != CANON_lift) {
        Extern *x = &i->at->core[EXTERN_FUNC][d->index];
        x->kind = EXTERN_FUNC;
        return canon_core_func(i, &d->canon, &x->func);
    }
    ComponentFunc *f = arena_new(&i->root->arena, ComponentFunc);
    CTypeId type = i->component->funcs[d->index];
    canon_env_init(i, &d->canon, ctype_get(i->component->types, type), FLAT_LIFT, &f->env);
    f->env.type_id = type;
    f->core = i->at->core[EXTERN_FUNC][d->canon.func].func;
    i->at->funcs[d->index] = f;
    return NULL;
}

/* A type that is equal to one the instance has already. */
static ComponentItem equal_type(const ComponentInstance *i, CTypeId type)
{
    ResourceType **place = resource_place(i, type);
    return (ComponentItem){.sort = SORT_TYPE, .resource = place ? *place : NULL};
}

/* Is there all that the type has? As deep as the type. */
static bool is_complete(const ComponentInstance *i, CTypeId type, const ComponentItems *has)
{
    const CType *c = ctype_get(i->component->types, type);
    for (u32 n = 0; n < c->nexports; n++) {
        ComponentItem item;
        if (!items_find(has, c->exports[n].name.text, &item) ||
            (item.sort == SORT_INSTANCE && !is_complete(i, c->exports[n].type, item.instance)))
            return false;
    }
    return true;
}

/*
 * What a host need not offer is there all the same: types that are equal to others, and instances
 * of nothing else. `has` (may be NULL) was checked to be all that is asked for. As deep as the
 * type.
 */
static ComponentItems *complete(ComponentInstance *i, CTypeId type, ComponentItems *has)
{
    const CType *c = ctype_get(i->component->types, type);
    if (has && is_complete(i, type, has))
        return has;
    ComponentItems *all = items_new(i->root);
    if (has)
        bind_exports(i, type, has);
    for (u32 n = 0; n < c->nexports; n++) {
        const ComponentExtern *x = &c->exports[n];
        ComponentItem item;
        bool found = has && items_find(has, x->name.text, &item);
        if (x->sort == SORT_TYPE && !found)
            item = equal_type(i, x->type);
        else if (x->sort == SORT_INSTANCE)
            item = (ComponentItem){.sort = SORT_INSTANCE,
                                   .instance = complete(i, x->type, found ? item.instance : NULL)};
        items_add(all, x->name.text, item);
    }
    return all;
}

/* Arguments of components inside are there, which was validated; those of the host were checked. */
static void import(ComponentInstance *i, const ComponentDef *d)
{
    const ComponentExtern *x = d->port.ext;
    ComponentItem item;
    bool found = items_find(i->args, x->name.text, &item);
    ALWAYS(found || x->sort == SORT_TYPE || x->sort == SORT_INSTANCE);
    if (x->sort == SORT_TYPE && !found)
        item = equal_type(i, x->type);
    else if (x->sort == SORT_INSTANCE && !i->parent)
        item = (ComponentItem){.sort = SORT_INSTANCE,
                               .instance = complete(i, x->type, found ? item.instance : NULL)};
    put_item(i, d, item);
}

static void export(ComponentInstance *i, const ComponentDef *d)
{
    ComponentItem item = item_at(i, d->port.item);
    items_add(i->exports, d->port.ext->name.text, item);
    put_item(i, d, item);
}

MUST_CHECK static Error *run_def(ComponentInstance *i, const ComponentDef *d)
{
    switch ((DefKind)d->kind) {
    case DEF_CORE_MODULE:
        i->at->core_modules[d->index] =
            loaded_module(i->root->loaded, &i->component->core_modules[d->index]);
        return NULL;
    case DEF_CORE_INSTANTIATE:
        return core_instantiate(i, d);
    case DEF_CORE_EXPORTS:
        core_from_parts(i, d);
        return NULL;
    case DEF_CORE_TYPE:
        return NULL;
    case DEF_COMPONENT:
        i->at->components[d->index] = (ComponentClosure){d->component, i};
        return NULL;
    case DEF_INSTANTIATE:
        return instantiate(i, d);
    case DEF_EXPORTS:
        from_parts(i, d);
        return NULL;
    case DEF_ALIAS_EXPORT:
        return alias_export(i, d);
    case DEF_ALIAS_CORE_EXPORT:
        return alias_core_export(i, d);
    case DEF_ALIAS_OUTER:
        alias_outer(i, d);
        return NULL;
    case DEF_TYPE:
        define_type(i, d);
        return NULL;
    case DEF_CANON:
        return canon(i, d);
    case DEF_IMPORT:
        import(i, d);
        return NULL;
    case DEF_EXPORT:
        export(i, d);
        return NULL;
    }
    BUG("a kind of definition that does not exist");
}

/* Components nest as deep as the decoder allows, which bounds the recursion. */
static Error *run_defs(ComponentInstance *i)
{
    Error *e = NULL;
    for (u32 n = 0; n < i->component->ndefs && !e; n++)
        e = run_def(i, &i->component->defs[n]);
    return e;
}

/* --- from the host --- */

/* What guests own of the host's resources ends with them. */
static void drop_host_resources(HandleTable *t, void *host)
{
    for (u32 i = 1; i < t->slots.n; i++) {
        const Handle *h = &t->slots.p[i];
        const ResourceType *type = h->type ? *h->type : NULL;
        if (type && !h->scope && !type->owner && type->host_drop)
            error_free(type->host_drop(type->env, host, h->rep));
    }
    t->slots.n = 0;
    t->free = 0;
}

void component_drop_host_resources(ComponentInstance *any)
{
    for (ComponentInstance *i = any->root->instances; i; i = i->next)
        drop_host_resources(&i->handles, i->root->host);
}

static void set_free(ComponentItems *s)
{
    items_release(s);
    mem_free(s);
}

/* As deep as the types of exported instances. */
static void mark_exported(ComponentItems *s)
{
    s->exported = true;
    for (u32 n = 0; n < s->items.n; n++)
        if (s->items.p[n].sort == SORT_INSTANCE && !s->items.p[n].instance->exported)
            mark_exported(s->items.p[n].instance);
}

/* Nobody asks any more what was only needed to instantiate. */
static void drop_scratch(ComponentRoot *r)
{
    for (u32 n = 0; n < r->nparts; n++)
        map_release(&r->parts[n]->index);
    mem_free(r->parts);
    r->parts = NULL;
    r->nparts = r->cap_parts = 0;
    arena_release(&r->scratch);
    for (ComponentInstance *i = r->instances; i; i = i->next)
        i->at = NULL;
}

/* The outermost instance is complete. */
static void finish(ComponentInstance *outermost)
{
    ComponentRoot *r = outermost->root;
    mark_exported(outermost->exports);
    for (ComponentInstance *i = r->instances; i; i = i->next) {
        i->args = NULL;
        if (i != outermost)
            i->exports = NULL;
    }
    for (ComponentItems **at = &r->sets, *s; (s = *at);) {
        if (s->exported) {
            vec_shrink(&s->names);
            vec_shrink(&s->items);
            at = &s->next;
        } else {
            *at = s->next;
            set_free(s);
        }
    }
    drop_scratch(r);
    loaded_note_sizes(r->loaded,
                      (InstanceSizes){arena_used(&r->arena), store_host_bytes(r->store)});
}

static void root_free(ComponentRoot *r)
{
    if (r->instances)
        component_drop_host_resources(r->instances);
    for (ComponentInstance *i = r->instances; i; i = i->next)
        handles_release(&i->handles);
    while (r->sets) {
        ComponentItems *s = r->sets;
        r->sets = s->next;
        set_free(s);
    }
    drop_scratch(r);
    component_unref(r->loaded);
    arena_release(&r->arena);
    mem_free(r);
}

Error *component_instance_new(Store *s, LoadedComponent *c, const ComponentLinker *l,
                              ComponentInstance **ret_instance)
{
    return component_instance_new_for(s, c, l, NULL, ret_instance);
}

Error *component_instance_new_for(Store *s, LoadedComponent *c, const ComponentLinker *l,
                                  void *host, ComponentInstance **ret_instance)
{
    ComponentRoot *r = mem_alloc(sizeof *r);
    r->store = s;
    r->host = host;
    r->handles.max = l ? linker_max_handles(l) : COMPONENT_MAX_HANDLES;
    r->loaded = component_ref(c);
    arena_init(&r->arena);
    arena_init(&r->scratch);
    InstanceSizes sizes = loaded_sizes(c);
    arena_reserve(&r->arena, sizes.root);
    store_reserve_host(s, sizes.store);
    ComponentItems *args = items_new(r);
    const Component *decoded = component_decoded(c);
    ComponentInstance *i = instance_alloc(r, (ComponentClosure){.component = decoded}, NULL, args);
    *ret_instance = i;
    Error *e = link_imports(decoded, l, args);
    if (!e)
        e = run_defs(i);
    if (!e)
        finish(i);
    return e;
}

Error *component_check_imports(const LoadedComponent *c, const ComponentLinker *l)
{
    ComponentItems args = {0};
    Error *e = link_imports(component_decoded(c), l, &args);
    items_release(&args);
    return e;
}

void component_instance_free(ComponentInstance *i)
{
    if (i)
        root_free(i->root);
}

const ComponentItems *component_exports(const ComponentInstance *i)
{
    return i->exports;
}
