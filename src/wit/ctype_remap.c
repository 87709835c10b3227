/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Substitution of resources in types: what an instantiation does to the exports of a component and
 * an import to an instance type. Types that name nothing of what is replaced stay as they are; the
 * others are copied once for a substitution, so their identities stay apart and together as they
 * were. Types nest no deeper than LIMIT_TYPE_DEPTH, which bounds the recursion.
 */
#include "wit/component_priv.h"

void remap_release(Remap *m)
{
    int_map_release(&m->resources);
    int_map_release(&m->nodes);
}

/* Counts what instantiations cost, which is not bounded by the bytes of the component. */
bool remap_work(CDecoder *d, u32 n)
{
    d->work += MIN(n, LIMIT_WORK + 1u);
    if (d->work > LIMIT_WORK)
        read_fail(rd(d), DIAG_LIMIT, d->at,
                  "instances are too big: the limit is %u types and exports together", LIMIT_WORK);
    return ok(d);
}

static bool externs_change(CDecoder *d, Remap *m, const ComponentExtern *e, u32 n,
                           ComponentExtern **ret)
{
    ComponentExtern *copy = NULL;
    for (u32 i = 0; i < n && ok(d); i++) {
        ComponentExtern changed = extern_remap(d, m, &e[i]);
        if (changed.type == e[i].type)
            continue;
        if (!copy && !remap_work(d, n))
            return false;
        if (!copy)
            copy = arena_dup(arena(d), e, n * sizeof *e);
        copy[i].type = changed.type;
    }
    if (copy)
        *ret = copy;
    return copy != NULL;
}

/* A copy of the node with its parts replaced, the node itself if nothing changes. */
static CTypeId remap_parts(CDecoder *d, Remap *m, CTypeId id)
{
    CType t = *node(d, id);
    bool changed = false, own_fields = false;
    u32 to;
    if ((t.kind == CT_RESOURCE || t.kind == CT_OWN || t.kind == CT_BORROW) &&
        int_map_get(&m->resources, t.resource, &to) && to != t.resource) {
        t.resource = to;
        changed = true;
    }
    if (t.handle != CTYPE_NONE)
        t.handle = ctype_remap(d, m, t.handle);
    if (t.origin != CTYPE_NONE) {
        CTypeId origin = ctype_remap(d, m, t.origin);
        changed |= origin != t.origin;
        t.origin = origin;
    }
    if (t.result != CTYPE_NONE) {
        CTypeId result = ctype_remap(d, m, t.result);
        changed |= result != t.result;
        t.result = result;
    }
    for (u32 i = 0; i < t.n && ok(d); i++) {
        CTypeId part = t.fields[i].type;
        CTypeId now = part == CTYPE_NONE ? part : ctype_remap(d, m, part);
        if (now == part)
            continue;
        if (!own_fields)
            t.fields = arena_dup(arena(d), t.fields, t.n * sizeof *t.fields);
        own_fields = changed = true;
        t.fields[i].type = now;
    }
    changed |= externs_change(d, m, t.imports, t.nimports, &t.imports);
    changed |= externs_change(d, m, t.exports, t.nexports, &t.exports);
    if (!changed || !ok(d))
        return id;
    return ctype_add(d, arena_dup(arena(d), &t, sizeof t));
}

CTypeId ctype_remap(CDecoder *d, Remap *m, CTypeId id)
{
    u32 done;
    if ((node(d, id)->least_resource == UINT32_MAX && !m->any) || id < CT_PRIMITIVES || !ok(d))
        return id;
    if (int_map_get(&m->nodes, id, &done))
        return done;
    if (!remap_work(d, 1))
        return id;
    done = remap_parts(d, m, id);
    int_map_set(&m->nodes, id, done);
    return done;
}

ComponentExtern extern_remap(CDecoder *d, Remap *m, const ComponentExtern *e)
{
    ComponentExtern r = *e;
    if (e->sort != SORT_CORE_MODULE)
        r.type = ctype_remap(d, m, e->type);
    return r;
}

CTypeId instance_freshen(CDecoder *d, CTypeId id, u32 **ret_new, u32 *ret_n)
{
    const CType *t = node(d, id);
    *ret_n = t->ndefined_resources;
    if (*ret_n == 0)
        return id;
    Remap m = {0};
    u32 *fresh = arena_array(arena(d), u32, t->ndefined_resources);
    for (u32 i = 0; i < t->ndefined_resources; i++) {
        fresh[i] = resource_new(d, (CResource){0});
        int_map_set(&m.resources, t->defined_resources[i], fresh[i]);
    }
    CType *copy = arena_dup(arena(d), t, sizeof *t);
    externs_change(d, &m, copy->exports, copy->nexports, &copy->exports);
    copy->ndefined_resources = 0;
    remap_release(&m);
    *ret_new = fresh;
    return ctype_add(d, copy);
}
