/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * From the types of a decoded component to those of a composition. A type that an interface takes
 * from another one is a node of its own there, with the same list of fields: that is how it is
 * known to be the same type here. The decoder bounds how deep types nest.
 */
#include "compose/types.h"

typedef struct Convert {
    TypeTable *t;
    const ComponentTypes *from;
    GraphType **nodes;     /* by CTypeId */
    GraphType **resources; /* by number */
    Map fields;            /* pointer to the fields -> id in `shared` */
    VEC(GraphType *) shared;
    bool full;
} Convert;

static GraphType *convert(Convert *c, CTypeId id);

static GraphType *resource(Convert *c, u32 number)
{
    if (!c->resources[number])
        c->resources[number] = gtypes_new(c->t, CT_RESOURCE);
    return c->resources[number];
}

static GraphExtern *externs(Convert *c, const ComponentExtern *list, u32 n)
{
    GraphExtern *out = arena_array(&c->t->arena, GraphExtern, n);
    for (u32 i = 0; i < n; i++) {
        const ComponentExtern *e = &list[i];
        out[i] = (GraphExtern){.name = gtypes_keep(c->t, e->name.text),
                               .implements = gtypes_keep(c->t, e->name.implements),
                               .sort = e->sort,
                               .is_sub = e->sort == SORT_TYPE && e->is_sub};
        if (e->sort == SORT_CORE_MODULE)
            continue;
        out[i].type = convert(c, e->type);
        if (e->sort == SORT_INSTANCE && e->name.kind == NAME_INTERFACE && !out[i].type->name.n)
            out[i].type->name = out[i].name;
        if (e->sort == SORT_TYPE && !out[i].type->name.n && out[i].type->kind >= CT_PRIMITIVES)
            out[i].type->name = out[i].name;
    }
    return out;
}

static void parts(Convert *c, const CType *from, GraphType *to)
{
    to->is_async = from->is_async;
    to->length = from->length;
    to->n = from->n;
    to->fields = arena_array(&c->t->arena, GraphField, from->n);
    for (u32 i = 0; i < from->n; i++) {
        if (from->kind != CT_OPTION && from->kind != CT_RESULT) /* the decoder's own names */
            to->fields[i].name = gtypes_keep(c->t, from->fields[i].name);
        if (from->fields[i].type != CTYPE_NONE)
            to->fields[i].type = convert(c, from->fields[i].type);
    }
    if (from->kind == CT_FUNC && from->result != CTYPE_NONE)
        to->result = convert(c, from->result);
    if (from->kind == CT_OWN || from->kind == CT_BORROW)
        to->of = resource(c, from->resource);
    to->imports = externs(c, from->imports, from->nimports);
    to->nimports = from->nimports;
    to->nexports = 0;
    GraphExtern *exports = externs(c, from->exports, from->nexports);
    for (u32 i = 0; i < from->nexports; i++)
        gtypes_add_export(c->t, to, exports[i]);
}

static GraphType *convert(Convert *c, CTypeId id)
{
    const CType *from = ctype_get(c->from, id);
    if (id < CT_PRIMITIVES)
        return c->t->primitives[id];
    if (from->kind < CT_PRIMITIVES)
        return c->t->primitives[from->kind];
    if (from->kind == CT_RESOURCE)
        return resource(c, from->resource);
    if (c->nodes[id])
        return c->nodes[id];
    if (c->t->n >= TYPES_MAX) {
        c->full = true;
        return c->t->primitives[CT_BOOL];
    }
    Str key = {(const char *)&from->fields, sizeof from->fields};
    bool named = from->kind < CT_VALUES && from->n > 0;
    u64 at;
    if (named && map_get(&c->fields, key, &at))
        return c->nodes[id] = c->shared.p[at];
    GraphType *to = gtypes_new(c->t, (CTypeKind)from->kind);
    c->nodes[id] = to;
    if (named) {
        map_add(&c->fields, key, c->shared.n);
        vec_push(&c->shared, to);
    }
    parts(c, from, to);
    return to;
}

Error *gtypes_of_component(TypeTable *t, const Component *component, GraphType **ret_type)
{
    const ComponentTypes *from = component->types;
    Convert c = {.t = t,
                 .from = from,
                 .nodes = mem_alloc_array(from->n, sizeof(GraphType *)),
                 .resources = mem_alloc_array(from->nresources + 1, sizeof(GraphType *))};
    GraphType *type = convert(&c, component->type);
    mem_free(c.nodes);
    mem_free(c.resources);
    map_release(&c.fields);
    vec_release(&c.shared);
    if (c.full)
        return error_new("the composition has more than %u types", (u32)TYPES_MAX);
    *ret_type = type;
    return NULL;
}
