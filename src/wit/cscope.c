/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Scopes: components, component types and instance types with their index spaces. */
#include "wit/component_priv.h"

Scope *scope_push(CDecoder *d, ScopeKind kind)
{
    if (d->depth >= LIMIT_NESTING) {
        read_fail(rd(d), DIAG_LIMIT, rd(d)->at, "nesting too deep: the limit is %u", LIMIT_NESTING);
        return NULL;
    }
    Scope *s = mem_alloc(sizeof *s);
    s->outer = d->scope;
    s->kind = (u8)kind;
    s->first_resource = d->root->types.nresources;
    core_space_init(d, &s->core);
    core_space_enter(d, &s->core);
    d->scope = s;
    d->depth++;
    return s;
}

void scope_pop(CDecoder *d)
{
    Scope *s = d->scope;
    d->scope = s->outer;
    d->depth--;
    core_space_leave(d, &s->core);
    if (s->outer)
        core_space_enter(d, &s->outer->core);
    vec_release(&s->core_types);
    vec_release(&s->funcs);
    vec_release(&s->values);
    vec_release(&s->types);
    vec_release(&s->component_types);
    vec_release(&s->instances);
    vec_release(&s->components);
    vec_release(&s->core_funcs);
    vec_release(&s->core_tags);
    vec_release(&s->core_tables);
    vec_release(&s->core_memories);
    vec_release(&s->core_globals);
    vec_release(&s->core_modules);
    vec_release(&s->core_instances);
    vec_release(&s->imports);
    vec_release(&s->exports);
    vec_release(&s->defs);
    vec_release(&s->customs);
    vec_release(&s->imported_resources);
    vec_release(&s->defined_resources);
    name_set_release(&s->import_names);
    name_set_release(&s->export_names);
    for (u32 i = 0; i < 2; i++) {
        int_map_release(&s->visible[i]);
        int_map_release(&s->checked[i]);
    }
    mem_free(s);
}

/* Is one of these a resource of the scope's own, or an instance that has one? */
static bool has_local_resource(CDecoder *d, const ComponentExtern *e, u32 n, const IntMap *imported,
                               IntMap *instances)
{
    for (u32 i = 0; i < n; i++) {
        const CType *t = e[i].sort == SORT_CORE_MODULE ? NULL : node(d, e[i].type);
        if (e[i].sort == SORT_TYPE && t->kind == CT_RESOURCE) {
            if (t->resource >= d->scope->first_resource && !int_map_has(imported, t->resource))
                return true;
        } else if (e[i].sort == SORT_INSTANCE && t->least_resource != UINT32_MAX &&
                   !int_map_has(instances, e[i].type)) {
            int_map_set(instances, e[i].type, 0);
            if (has_local_resource(d, t->exports, t->nexports, imported, instances))
                return true;
        }
    }
    return false;
}

/* Whoever instantiates a component cannot have what it makes. */
static void check_imports(CDecoder *d)
{
    const Scope *s = d->scope;
    IntMap imported = {0}, instances = {0};
    for (u32 i = 0; i < s->imported_resources.n; i++)
        int_map_set(&imported, s->imported_resources.p[i], 0);
    if (has_local_resource(d, s->imports.p, s->imports.n, &imported, &instances))
        cfail(d, "local resource type found in imports");
    int_map_release(&imported);
    int_map_release(&instances);
}

CTypeId scope_type(CDecoder *d, CTypeKind kind)
{
    Scope *s = d->scope;
    if (ok(d) && kind == CT_COMPONENT)
        check_imports(d);
    CType *t = ctype_new(d, kind, 0);
    t->nimports = s->imports.n;
    t->imports = arena_dup(arena(d), s->imports.p, s->imports.n * sizeof *s->imports.p);
    t->nexports = s->exports.n;
    t->exports = arena_dup(arena(d), s->exports.p, s->exports.n * sizeof *s->exports.p);
    t->nimported_resources = s->imported_resources.n;
    t->imported_resources =
        arena_dup(arena(d), s->imported_resources.p, s->imported_resources.n * sizeof(u32));
    t->ndefined_resources = s->defined_resources.n;
    t->defined_resources =
        arena_dup(arena(d), s->defined_resources.p, s->defined_resources.n * sizeof(u32));
    instance_index(d, t);
    CTypeId id = ctype_add(d, t);
    if (ok(d) && t->least_resource >= s->first_resource)
        t->least_resource = UINT32_MAX; /* all from inside */
    return id;
}

void scope_add_extern(CDecoder *d, ComponentExtern *e, bool import)
{
    Scope *s = d->scope;
    if (!ok(d))
        return;
    u32 *fresh = NULL, nfresh = 0;
    if (e->sort == SORT_TYPE && e->is_sub) {
        fresh = arena_new(arena(d), u32);
        *fresh = resource_new(d, (CResource){0});
        nfresh = 1;
        e->type = resource_node(d, *fresh);
    } else if (e->sort == SORT_TYPE) {
        e->type = ctype_copy(d, e->type);
    } else if (e->sort == SORT_INSTANCE) {
        e->type = instance_freshen(d, e->type, &fresh, &nfresh);
    }
    for (u32 i = 0; i < nfresh; i++)
        if (import)
            vec_push(&s->imported_resources, fresh[i]);
        else
            vec_push(&s->defined_resources, fresh[i]);
    extern_register(d, import ? &s->import_names : &s->export_names, e, import, s);
    if (!ok(d))
        return;
    extern_push(d, e);
    if (import)
        vec_push(&s->imports, *e);
    else
        vec_push(&s->exports, *e);
}
