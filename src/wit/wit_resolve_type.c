/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* WIT resolver: names and types of a body, functions, interfaces. */
#include "wit/wit_resolve_priv.h"

void res_locals_release(Locals *l)
{
    map_release(&l->names);
    map_release(&l->used);
    vec_release(&l->list);
    vec_release(&l->uses);
}

static void add_local(Resolver *r, Locals *l, Local local)
{
    Str key = res_lower(r, local.name.name);
    u64 other;
    if (map_get(&l->names, key, &other))
        res_fail_two(r, local.name.at, l->list.p[other].name.at, "first defined here",
                     "`%.*s` is defined twice", STR_ARG(local.name.name));
    map_add(&l->names, key, l->list.n);
    vec_push(&l->list, local);
}

/* A type by its name in the body; UINT32_MAX with an error. */
static u32 find_local(Resolver *r, const Locals *l, AstId name)
{
    u64 i;
    if (!map_get(&l->names, res_lower(r, name.name), &i) ||
        !str_eq(l->list.p[i].name.name, name.name)) {
        res_fail(r, name.at, "type `%.*s` is not defined here", STR_ARG(name.name));
        return UINT32_MAX;
    }
    if (l->list.p[i].is_func) {
        res_fail_two(r, name.at, l->list.p[i].name.at, "defined here",
                     "`%.*s` is a function, not a type", STR_ARG(name.name));
        return UINT32_MAX;
    }
    return (u32)i;
}

static WitId find_exported_type(Resolver *r, WitId interface, AstId name, u32 at)
{
    const WitInterface *i = &r->interfaces.p[interface];
    u64 type;
    if (map_get(&r->type_names.p[interface], name.name, &type))
        return (WitId)type;
    res_fail_two(r, at, i->at, "the interface is this one", "interface `%.*s` has no type `%.*s`",
                 STR_ARG(i->name), STR_ARG(name.name));
    return WIT_NONE;
}

static void add_used_interface(Resolver *r, Locals *l, WitId interface)
{
    Str key = {arena_dup(&r->m->arena, &interface, sizeof interface), sizeof interface};
    if (map_add(&l->used, key, 1))
        vec_push(&l->uses, interface);
}

static void collect_use(Resolver *r, Locals *l, const AstItem *item)
{
    WitId interface = res_find_interface(r, l->scope, &item->use.from);
    if (interface == WIT_NONE || item->use.nnames == 0)
        return;
    add_used_interface(r, l, interface);
    for (u32 i = 0; i < item->use.nnames && !r->error; i++) {
        AstRename n = item->use.names[i];
        Local local = {.name = n.to, .item = item};
        local.foreign = find_exported_type(r, interface, n.from, n.from.at);
        local.type = WIT_NONE;
        add_local(r, l, local);
    }
}

/* A member of a resource that is behind a feature must be behind one, too. */
static void check_dropped(Resolver *r, const Locals *l, const AstTypedef *t)
{
    for (u32 i = 0; i < t->nfuncs && t->kind == WIT_RESOURCE; i++)
        if (res_gate(r, &t->funcs[i].gate, l->package, t->funcs[i].name.at))
            res_fail_two(r, t->funcs[i].name.at, t->name.at, "here",
                         "this is behind no feature, but `%.*s` is, which is not enabled",
                         STR_ARG(t->name.name));
}

static void collect_names(Resolver *r, Locals *l, const AstBody *body)
{
    for (u32 i = 0; i < body->nitems && !r->error; i++) {
        const AstItem *item = &body->items[i];
        Local local = {.item = item, .type = WIT_NONE, .foreign = WIT_NONE};
        if (!res_gate(r, &item->gate, l->package, item->at)) {
            if (item->kind == AST_TYPEDEF)
                check_dropped(r, l, &item->type);
            continue;
        }
        if (item->kind == AST_USE) {
            collect_use(r, l, item);
        } else if (item->kind == AST_TYPEDEF) {
            local.name = item->type.name;
            add_local(r, l, local);
        } else if (item->kind == AST_FUNC) {
            local.name = item->func.name;
            local.is_func = true;
            add_local(r, l, local);
        }
    }
}

static void type_needs(Resolver *r, const Locals *l, WitGraph *g, const AstType *t)
{
    if (!t || r->error)
        return;
    if (t->kind == WIT_ALIAS || t->kind == WIT_OWN || t->kind == WIT_BORROW) {
        u32 i = find_local(r, l, t->name);
        if (i != UINT32_MAX)
            vec_push(&g->to, i);
    }
    type_needs(r, l, g, t->elem);
    type_needs(r, l, g, t->second);
    for (u32 i = 0; i < t->nelems; i++)
        type_needs(r, l, g, t->elems[i]);
}

static void local_needs(Resolver *r, const Locals *l, WitGraph *g, const Local *local)
{
    if (local->is_func || local->foreign != WIT_NONE)
        return;
    const AstTypedef *d = &local->item->type;
    type_needs(r, l, g, d->target);
    for (u32 i = 0; i < d->nfields; i++)
        type_needs(r, l, g, d->fields[i].type);
}

static WitId unalias(const Resolver *r, WitId t)
{
    while (r->types.p[t].kind == WIT_ALIAS)
        t = r->types.p[t].elem;
    return t;
}

static void measure_part(const Resolver *r, WitType *t, WitId part, u64 *size)
{
    if (part == WIT_NONE)
        return;
    const WitType *p = &r->types.p[part];
    t->depth = MAX(t->depth, p->depth + 1);
    t->has_borrow |= p->has_borrow;
    *size += p->size;
}

/* Adds a type whose parts are there already; its depth and size stay within limits. */
static WitId push_type(Resolver *r, WitType t, u32 at)
{
    u64 size = 1;
    t.depth = 1;
    t.has_borrow = t.kind == WIT_BORROW;
    t.at = at;
    measure_part(r, &t, t.elem, &size);
    measure_part(r, &t, t.second, &size);
    for (u32 i = 0; i < t.nfields; i++)
        measure_part(r, &t, t.fields[i].type, &size);
    if (t.kind == WIT_FIXED_LIST)
        size *= t.length;
    t.size = (u32)MIN(size, UINT32_MAX);
    if (t.depth > WIT_LIMIT_TYPE_DEPTH)
        res_fail(r, at, "types nest more than %u deep", (u32)WIT_LIMIT_TYPE_DEPTH);
    else if (size > WIT_LIMIT_TYPE_SIZE)
        res_fail(r, at, "this type holds more than %u others", (u32)WIT_LIMIT_TYPE_SIZE);
    else if ((t.kind == WIT_STREAM || t.kind == WIT_FUTURE) && t.has_borrow)
        res_fail(r, at, "streams and futures cannot hold a borrow");
    vec_push(&r->types, t);
    return r->types.n - 1;
}

static WitId build_name(Resolver *r, const Locals *l, const AstType *t)
{
    u32 i = find_local(r, l, t->name);
    if (i == UINT32_MAX)
        return WIT_NONE;
    WitId id = l->list.p[i].type;
    ALWAYS(id != WIT_NONE);
    bool resource = r->types.p[unalias(r, id)].kind == WIT_RESOURCE;
    if (t->kind == WIT_ALIAS && !resource)
        return id;
    if (!resource) {
        res_fail_two(r, t->name.at, l->list.p[i].name.at, "defined here",
                     "`%.*s` is not a resource", STR_ARG(t->name.name));
        return WIT_NONE;
    }
    WitType handle = {.owner = l->owner,
                      .kind = t->kind == WIT_BORROW ? WIT_BORROW : WIT_OWN,
                      .elem = id,
                      .second = WIT_NONE};
    return push_type(r, handle, t->at);
}

WitId res_build_type(Resolver *r, Locals *l, const AstType *t)
{
    if (!t || r->error)
        return WIT_NONE;
    if (wit_is_primitive(t->kind))
        return (WitId)t->kind;
    if (t->kind == WIT_ALIAS || t->kind == WIT_OWN || t->kind == WIT_BORROW)
        return build_name(r, l, t);
    WitType out = {.kind = t->kind, .length = t->length, .owner = l->owner};
    out.elem = res_build_type(r, l, t->elem);
    out.second = res_build_type(r, l, t->second);
    out.nfields = t->nelems;
    out.fields = arena_array(&r->m->arena, WitField, t->nelems);
    for (u32 i = 0; i < t->nelems && !r->error; i++)
        out.fields[i].type = res_build_type(r, l, t->elems[i]);
    if (t->kind == WIT_TUPLE && t->nelems == 0)
        res_fail(r, t->at, "a tuple has at least one type");
    if (r->error)
        return WIT_NONE;
    return push_type(r, out, t->at);
}

static WitField *build_fields(Resolver *r, Locals *l, const AstField *f, u32 n, const char *what)
{
    WitField *out = arena_array(&r->m->arena, WitField, n);
    Map names = {0};
    for (u32 i = 0; i < n && !r->error; i++) {
        u64 other;
        Str key = res_lower(r, f[i].name.name);
        if (map_get(&names, key, &other))
            res_fail_two(r, f[i].name.at, f[other].name.at, "first defined here",
                         "%s `%.*s` is defined twice", what, STR_ARG(f[i].name.name));
        map_add(&names, key, i);
        out[i] = (WitField){f[i].name.name, res_build_type(r, l, f[i].type), f[i].docs};
    }
    map_release(&names);
    return out;
}

static void build_typedef(Resolver *r, Locals *l, Local *local)
{
    const AstItem *item = local->item;
    WitType t = {.name = local->name.name,
                 .owner = l->owner,
                 .docs = item->docs,
                 .gate = item->gate,
                 .external_id = item->external_id,
                 .second = WIT_NONE};
    if (local->foreign != WIT_NONE) {
        t.kind = WIT_ALIAS;
        t.elem = local->foreign;
        t.used = true;
        t.docs = (Str){0};
    } else {
        const AstTypedef *d = &item->type;
        t.kind = d->kind;
        t.elem = WIT_NONE;
        if (d->target && (d->target->kind == WIT_ALIAS)) {
            /* `type a = b` names the type itself, not a handle, where b is a resource */
            u32 i = find_local(r, l, d->target->name);
            t.elem = i == UINT32_MAX ? WIT_NONE : l->list.p[i].type;
        } else if (d->target) {
            t.elem = res_build_type(r, l, d->target);
        }
        t.nfields = d->nfields;
        t.fields = build_fields(r, l, d->fields, d->nfields,
                                d->kind == WIT_RECORD  ? "field"
                                : d->kind == WIT_FLAGS ? "flag"
                                                       : "case");
    }
    if (!r->error)
        local->type = push_type(r, t, local->name.at);
}

void res_build_types(Resolver *r, Locals *l, const AstBody *body)
{
    collect_names(r, l, body);
    WitGraph g = {0};
    u32 n = l->list.n, cycle = 0;
    u32 *order = mem_alloc_array((usize)n + 1, sizeof *order);
    for (u32 i = 0; i < n; i++) {
        vec_push(&g.first, g.to.n);
        if (!r->error)
            local_needs(r, l, &g, &l->list.p[i]);
    }
    vec_push(&g.first, g.to.n);
    if (!r->error && !wit_graph_sort(&g, NULL, n, order, &cycle))
        res_fail(r, l->list.p[cycle].name.at, "type `%.*s` holds itself",
                 STR_ARG(l->list.p[cycle].name.name));
    for (u32 i = 0; i < n && !r->error; i++)
        if (!l->list.p[order[i]].is_func)
            build_typedef(r, l, &l->list.p[order[i]]);
    vec_release(&g.first);
    vec_release(&g.to);
    mem_free(order);
}

Str res_func_name(Resolver *r, WitFuncKind kind, Str label, Str resource)
{
    switch (kind) {
    case WIT_FUNC_FREE:
        return label;
    case WIT_FUNC_METHOD:
        return res_format(r, "[method]%.*s.%.*s", STR_ARG(resource), STR_ARG(label));
    case WIT_FUNC_STATIC:
        return res_format(r, "[static]%.*s.%.*s", STR_ARG(resource), STR_ARG(label));
    case WIT_FUNC_CONSTRUCTOR:
        return res_format(r, "[constructor]%.*s", STR_ARG(resource));
    }
    BUG("kind of function");
}

/* The result of a constructor: `resource`, or a result<resource, ...> that is written. */
static WitId constructor_result(Resolver *r, Locals *l, const AstFunc *f, WitId resource)
{
    if (!f->result)
        return push_type(
            r, (WitType){.kind = WIT_OWN, .owner = l->owner, .elem = resource, .second = WIT_NONE},
            f->name.at);
    WitId id = res_build_type(r, l, f->result);
    if (r->error)
        return WIT_NONE;
    const WitType *t = &r->types.p[id];
    bool fits = t->kind == WIT_RESULT && t->elem != WIT_NONE &&
                r->types.p[t->elem].kind == WIT_OWN && r->types.p[t->elem].elem == resource;
    if (!fits)
        res_fail(r, f->result->at, "a constructor returns result<%.*s, ...> if anything",
                 STR_ARG(r->types.p[resource].name));
    return id;
}

static void add_self(Resolver *r, WitFunc *out, WitId resource, u32 at)
{
    WitField *params = arena_array(&r->m->arena, WitField, (usize)out->nparams + 1);
    params[0].name = STR("self");
    params[0].type = push_type(
        r, (WitType){.kind = WIT_BORROW, .owner = out->owner, .elem = resource, .second = WIT_NONE},
        at);
    if (out->nparams)
        memcpy(params + 1, out->params, out->nparams * sizeof *params);
    out->params = params;
    out->nparams++;
}

WitId res_build_func(Resolver *r, Locals *l, const AstFunc *f, WitId resource)
{
    Str of = resource == WIT_NONE ? (Str){0} : r->types.p[resource].name;
    WitFunc out = {.kind = f->kind,
                   .is_async = f->is_async,
                   .label = f->name.name,
                   .name = res_func_name(r, f->kind, f->name.name, of),
                   .resource = resource,
                   .owner = l->owner,
                   .docs = f->docs,
                   .external_id = f->external_id,
                   .gate = f->gate,
                   .at = f->name.at,
                   .nparams = f->nparams};
    out.params = build_fields(r, l, f->params, f->nparams, "parameter");
    if (f->kind == WIT_FUNC_METHOD) {
        for (u32 i = 0; i < f->nparams; i++)
            if (str_eq(res_lower(r, f->params[i].name.name), STR("self")))
                res_fail(r, f->params[i].name.at, "a method has a parameter `self` already");
        add_self(r, &out, resource, f->name.at);
    }
    out.result = f->kind == WIT_FUNC_CONSTRUCTOR ? constructor_result(r, l, f, resource)
                                                 : res_build_type(r, l, f->result);
    if (!r->error && out.result != WIT_NONE && r->types.p[out.result].has_borrow)
        res_fail(r, f->result->at, "a function cannot return a borrow");
    vec_push(&r->funcs, out);
    return r->funcs.n - 1;
}

typedef VEC(WitId) WitIds;

static void build_methods(Resolver *r, Locals *l, const Local *local, WitIds *funcs)
{
    const AstTypedef *d = &local->item->type;
    Map names = {0};
    for (u32 i = 0; i < d->nfuncs && !r->error; i++) {
        const AstFunc *f = &d->funcs[i];
        if (!res_gate(r, &f->gate, l->package, f->name.at))
            continue;
        /* `constructor` is no identifier, so that only constructors have this name */
        Str key =
            f->kind == WIT_FUNC_CONSTRUCTOR ? STR("[constructor]") : res_lower(r, f->name.name);
        u64 other;
        if (map_get(&names, key, &other))
            res_fail_two(r, f->name.at, d->funcs[other].name.at, "first defined here",
                         "`%.*s` is defined twice in resource `%.*s`", STR_ARG(f->name.name),
                         STR_ARG(d->name.name));
        map_add(&names, key, i);
        vec_push(funcs, res_build_func(r, l, f, local->type));
    }
    map_release(&names);
}

WitId res_build_interface(Resolver *r, const AstBody *body, u32 package, u32 scope)
{
    WitId id = r->interfaces.n;
    Locals l = {.owner = {WIT_OWNER_INTERFACE, id}, .package = package, .scope = scope};
    WitInterface out = {.package = package};
    vec_push(&r->interfaces, out);
    vec_push(&r->type_names, (Map){0});
    res_build_types(r, &l, body);
    WitIds types = {0}, funcs = {0};
    for (u32 i = 0; i < l.list.n && !r->error; i++) {
        const Local *local = &l.list.p[i];
        if (local->is_func) {
            vec_push(&funcs, res_build_func(r, &l, &local->item->func, WIT_NONE));
            continue;
        }
        vec_push(&types, local->type);
        map_add(&r->type_names.p[id], r->types.p[local->type].name, local->type);
        if (local->foreign == WIT_NONE && local->item->type.kind == WIT_RESOURCE)
            build_methods(r, &l, local, &funcs);
    }
    res_sort_ids(types.p, types.n); /* definitions before uses */
    ARENA_LIST(&r->m->arena, &types, &out.types, &out.ntypes);
    ARENA_LIST(&r->m->arena, &funcs, &out.funcs, &out.nfuncs);
    ARENA_LIST(&r->m->arena, &l.uses, &out.uses, &out.nuses);
    r->interfaces.p[id] = out;
    res_locals_release(&l);
    return id;
}
