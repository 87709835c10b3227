/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From a resolved WIT model to the types of a composition. WIT bounds how deep types nest. */
#include "compose/types_wit.h"

void wit_types_init(WitTypes *w, TypeTable *t, const WitModel *m)
{
    *w = (WitTypes){.t = t, .m = m};
    w->types = mem_alloc_array(m->ntypes + 1, sizeof *w->types);
    w->interfaces = mem_alloc_array(m->ninterfaces + 1, sizeof *w->interfaces);
}

void wit_types_release(WitTypes *w)
{
    mem_free(w->types);
    mem_free(w->interfaces);
}

CTypeKind wit_types_kind(WitKind k)
{
    static const u8 kinds[] = {
        [WIT_BOOL] = CT_BOOL,         [WIT_U8] = CT_U8,
        [WIT_U16] = CT_U16,           [WIT_U32] = CT_U32,
        [WIT_U64] = CT_U64,           [WIT_S8] = CT_S8,
        [WIT_S16] = CT_S16,           [WIT_S32] = CT_S32,
        [WIT_S64] = CT_S64,           [WIT_F32] = CT_F32,
        [WIT_F64] = CT_F64,           [WIT_CHAR] = CT_CHAR,
        [WIT_STRING] = CT_STRING,     [WIT_ERROR_CONTEXT] = CT_ERROR_CONTEXT,
        [WIT_RECORD] = CT_RECORD,     [WIT_VARIANT] = CT_VARIANT,
        [WIT_ENUM] = CT_ENUM,         [WIT_FLAGS] = CT_FLAGS,
        [WIT_TUPLE] = CT_TUPLE,       [WIT_LIST] = CT_LIST,
        [WIT_MAP] = CT_MAP,           [WIT_FIXED_LIST] = CT_FIXED_LIST,
        [WIT_OPTION] = CT_OPTION,     [WIT_RESULT] = CT_RESULT,
        [WIT_OWN] = CT_OWN,           [WIT_BORROW] = CT_BORROW,
        [WIT_STREAM] = CT_STREAM,     [WIT_FUTURE] = CT_FUTURE,
        [WIT_RESOURCE] = CT_RESOURCE,
    };
    return (CTypeKind)kinds[k];
}

static GraphType *convert(WitTypes *w, WitId id);

/* Where a value is asked for, the name of a resource means a handle that is owned. */
static GraphType *convert_value(WitTypes *w, WitId id)
{
    GraphType *t = id == WIT_NONE ? NULL : convert(w, id);
    if (!t || t->kind != CT_RESOURCE)
        return t;
    GraphType *own = gtypes_new(w->t, CT_OWN);
    own->of = t;
    return own;
}

/* Parts that a type has besides its fields, in the order of CType's fields. */
static void convert_elements(WitTypes *w, const WitType *from, GraphType *to)
{
    u32 n = from->kind == WIT_MAP || from->kind == WIT_RESULT || from->kind == WIT_OPTION ? 2 : 1;
    to->n = n;
    to->fields = arena_array(&w->t->arena, GraphField, n);
    to->fields[n - 1].type =
        convert_value(w, n == 2 && from->kind != WIT_OPTION ? from->second : from->elem);
    if (from->kind == WIT_MAP || from->kind == WIT_RESULT)
        to->fields[0].type = convert_value(w, from->elem);
}

static void convert_fields(WitTypes *w, const WitType *from, GraphType *to)
{
    to->n = from->nfields;
    to->fields = arena_array(&w->t->arena, GraphField, from->nfields);
    for (u32 i = 0; i < from->nfields; i++) {
        to->fields[i].name = gtypes_keep(w->t, from->fields[i].name);
        to->fields[i].type = convert_value(w, from->fields[i].type);
    }
}

static GraphType *make(WitTypes *w, const WitType *from)
{
    GraphType *to = gtypes_new(w->t, wit_types_kind(from->kind));
    to->length = from->kind == WIT_FIXED_LIST ? from->length : 0;
    if (from->kind == WIT_OWN || from->kind == WIT_BORROW)
        to->of = convert(w, from->elem);
    else if (from->kind == WIT_RECORD || from->kind == WIT_VARIANT || from->kind == WIT_ENUM ||
             from->kind == WIT_FLAGS || from->kind == WIT_TUPLE)
        convert_fields(w, from, to);
    else if (from->kind != WIT_RESOURCE)
        convert_elements(w, from, to);
    return to;
}

static GraphType *convert(WitTypes *w, WitId id)
{
    const WitType *from = &w->m->types[id];
    if (wit_is_primitive(from->kind))
        return w->t->primitives[wit_types_kind(from->kind)];
    if (w->types[id])
        return w->types[id];
    GraphType *to = from->kind == WIT_ALIAS ? convert(w, from->elem) : make(w, from);
    if (from->name.n && to->kind < CT_PRIMITIVES && !from->used)
        to = gtypes_alias(w->t, to, (Str){0});
    if (from->name.n && !to->name.n) {
        to->name = gtypes_keep(w->t, from->name);
        if (from->owner.kind == WIT_OWNER_INTERFACE)
            to->home = gtypes_keep(w->t, w->m->interfaces[from->owner.id].full);
    }
    w->types[id] = to;
    return to;
}

static GraphExtern convert_func(WitTypes *w, const WitFunc *f)
{
    GraphType *to = gtypes_new(w->t, CT_FUNC);
    to->is_async = f->is_async;
    to->n = f->nparams;
    to->fields = arena_array(&w->t->arena, GraphField, f->nparams);
    for (u32 i = 0; i < f->nparams; i++) {
        to->fields[i].name = gtypes_keep(w->t, f->params[i].name);
        to->fields[i].type = convert_value(w, f->params[i].type);
    }
    to->result = convert_value(w, f->result);
    return (GraphExtern){.name = gtypes_keep(w->t, f->name), .sort = SORT_FUNC, .type = to};
}

static GraphExtern convert_type(WitTypes *w, Str name, WitId id)
{
    return (GraphExtern){.name = gtypes_keep(w->t, name),
                         .sort = SORT_TYPE,
                         .is_sub = w->m->types[id].kind == WIT_RESOURCE,
                         .type = convert(w, id)};
}

static GraphType *make_interface(WitTypes *w, const WitInterface *from)
{
    GraphType *to = gtypes_new(w->t, CT_INSTANCE);
    to->name = gtypes_keep(w->t, from->full);
    for (u32 i = 0; i < from->ntypes; i++)
        gtypes_add_export(w->t, to,
                          convert_type(w, w->m->types[from->types[i]].name, from->types[i]));
    for (u32 i = 0; i < from->nfuncs; i++)
        gtypes_add_export(w->t, to, convert_func(w, &w->m->funcs[from->funcs[i]]));
    return to;
}

GraphType *wit_types_interface(WitTypes *w, WitId interface)
{
    if (!w->interfaces[interface])
        w->interfaces[interface] = make_interface(w, &w->m->interfaces[interface]);
    return w->interfaces[interface];
}

GraphType *wit_types_fresh_interface(WitTypes *w, WitId interface)
{
    const WitInterface *from = &w->m->interfaces[interface];
    for (u32 i = 0; i < from->nuses; i++) /* what it uses stays what it is */
        (void)wit_types_interface(w, from->uses[i]);
    WitTypes fresh = {.t = w->t, .m = w->m, .interfaces = w->interfaces};
    fresh.types = mem_dup(w->types, (w->m->ntypes + 1) * sizeof *w->types);
    for (u32 i = 0; i < w->m->ntypes; i++)
        if (w->m->types[i].owner.kind == WIT_OWNER_INTERFACE &&
            w->m->types[i].owner.id == interface && !w->m->types[i].used)
            fresh.types[i] = NULL;
    GraphType *to = make_interface(&fresh, from);
    for (u32 i = 0; i < to->nexports; i++)
        if (to->exports[i].sort == SORT_TYPE && str_eq(to->exports[i].type->home, from->full))
            to->exports[i].type->home = (Str){0};
    mem_free(fresh.types);
    return to;
}

static GraphExtern convert_item(WitTypes *w, const WitWorldItem *item)
{
    if (item->kind == WIT_ITEM_FUNC)
        return convert_func(w, &w->m->funcs[item->id]);
    if (item->kind == WIT_ITEM_TYPE)
        return convert_type(w, item->name, item->id);
    const WitInterface *i = &w->m->interfaces[item->id];
    return (GraphExtern){.name = gtypes_keep(w->t, item->name.n ? item->name : i->full),
                         .implements = i->is_copy ? w->m->interfaces[i->original].full : (Str){0},
                         .sort = SORT_INSTANCE,
                         .type = wit_types_interface(w, item->id)};
}

/* An interface on both sides of a world has other resources on each. */
static bool imports(const WitWorld *world, WitId interface)
{
    for (u32 i = 0; i < world->nimports; i++)
        if (world->imports[i].kind == WIT_ITEM_INTERFACE && world->imports[i].id == interface)
            return true;
    return false;
}

GraphType *wit_types_world(WitTypes *w, WitId world)
{
    const WitWorld *from = &w->m->worlds[world];
    GraphType *to = gtypes_new(w->t, CT_COMPONENT);
    to->name = gtypes_keep(w->t, from->full);
    to->nimports = from->nimports;
    to->imports = arena_array(&w->t->arena, GraphExtern, from->nimports);
    for (u32 i = 0; i < from->nimports; i++)
        to->imports[i] = convert_item(w, &from->imports[i]);
    for (u32 i = 0; i < from->nexports; i++) {
        GraphExtern e = convert_item(w, &from->exports[i]);
        if (from->exports[i].kind == WIT_ITEM_INTERFACE && imports(from, from->exports[i].id))
            e.type = wit_types_fresh_interface(w, from->exports[i].id);
        gtypes_add_export(w->t, to, e);
    }
    return to;
}
