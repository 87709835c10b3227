/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What of the world's imports the core modules and the exports use; the component imports no more.
 * Also what a function needs to be lowered or lifted. Types nest at most WIT_LIMIT_TYPE_DEPTH deep,
 * which bounds the recursion.
 */
#include "wit/wrap/wrap_parts.h"

static void mark_type(Wrap *w, WitId id, bool for_export);

static void mark_optional(Wrap *w, WitId id, bool for_export)
{
    if (id != WIT_NONE)
        mark_type(w, id, for_export);
}

/* What exports use of an exported interface is not imported for that. */
static void mark_type(Wrap *w, WitId id, bool for_export)
{
    const WitType *t = &w->m->types[id];
    if (wit_is_primitive(t->kind))
        return;
    if (t->name.n)
        for_export = for_export && t->owner.kind == WIT_OWNER_INTERFACE && w->exported[t->owner.id];
    u8 mark = for_export ? 2 : 1;
    if (w->live_types[id] & mark)
        return;
    w->live_types[id] |= mark;
    mark_optional(w, t->elem, for_export);
    mark_optional(w, t->second, for_export);
    for (u32 i = 0; i < t->nfields; i++)
        mark_optional(w, t->fields[i].type, for_export);
}

static void mark_func(Wrap *w, WitId id, bool for_export)
{
    const WitFunc *f = &w->m->funcs[id];
    if (!for_export)
        w->live_funcs[id] = 1;
    mark_optional(w, f->resource, for_export);
    mark_optional(w, f->result, for_export);
    for (u32 i = 0; i < f->nparams; i++)
        mark_type(w, f->params[i].type, for_export);
}

static void mark_export(Wrap *w, const WitWorldItem *item)
{
    if (item->kind == WIT_ITEM_FUNC)
        mark_func(w, item->id, true);
    if (item->kind != WIT_ITEM_INTERFACE)
        return;
    const WitInterface *i = &w->m->interfaces[item->id];
    for (u32 k = 0; k < i->ntypes; k++)
        mark_type(w, i->types[k], true);
}

void wrap_mark_live(Wrap *w)
{
    w->live_types = arena_alloc(&w->arena, (usize)w->m->ntypes + 1);
    w->live_funcs = arena_alloc(&w->arena, (usize)w->m->nfuncs + 1);
    for (u32 s = 0; s < w->sources.n; s++)
        for (u32 i = 0; i < w->sources.p[s].m->nimports; i++) {
            const CoreImport *c = &w->sources.p[s].imports[i];
            if (c->use == USE_LOWER)
                mark_func(w, c->func, false);
            else if (c->type != WIT_NONE && !c->exported)
                mark_type(w, c->type, false);
        }
    for (u32 i = 0; i < w->world->nimports; i++)
        if (w->world->imports[i].kind == WIT_ITEM_TYPE)
            mark_type(w, w->world->imports[i].id, false); /* the world's own types all stay */
    for (u32 i = 0; i < w->world->nexports; i++)
        mark_export(w, &w->world->exports[i]);
    for (u32 i = 0; i < w->m->ntypes; i++)
        w->live_types[i] &= 1;
}

/* ---- what functions need ---- */

enum { FLAT_MANY = MAX_FLAT_PARAMS + 1 };

/* Adds a part: one of several that share their place, or one behind the others. */
static void add_shape(const Wrap *w, WitId id, u32 *most, TypeShape *s)
{
    if (id == WIT_NONE)
        return;
    TypeShape part = w->shapes[id];
    s->pointers |= part.pointers;
    if (most)
        *most = MAX(*most, part.flat);
    else
        s->flat = MIN(s->flat + part.flat, (u32)FLAT_MANY);
}

/* Parts stand before the type. */
static TypeShape shape_of(const Wrap *w, const WitType *t)
{
    TypeShape s = {.flat = 1};
    u32 most = 0;
    switch (t->kind) {
    case WIT_LIST:
    case WIT_MAP:
        return (TypeShape){2, true};
    case WIT_ALIAS:
        return w->shapes[t->elem];
    case WIT_RECORD:
    case WIT_TUPLE:
    case WIT_VARIANT:
        s.flat = t->kind == WIT_VARIANT;
        for (u32 i = 0; i < t->nfields; i++)
            add_shape(w, t->fields[i].type, t->kind == WIT_VARIANT ? &most : NULL, &s);
        break;
    case WIT_FIXED_LIST:
        s.flat = 0;
        add_shape(w, t->elem, NULL, &s);
        s.flat = (u32)MIN((u64)s.flat * t->length, FLAT_MANY);
        break;
    case WIT_OPTION:
    case WIT_RESULT:
        add_shape(w, t->elem, &most, &s);
        add_shape(w, t->second, &most, &s);
        break;
#define WIT_PRIMITIVE(id, text) case WIT_##id:
#define WIT_CONSTRUCTOR(id)
#include "wit/wit_kinds.def"
#undef WIT_PRIMITIVE
#undef WIT_CONSTRUCTOR
    case WIT_ENUM:
    case WIT_FLAGS:
    case WIT_RESOURCE:
    case WIT_OWN:
    case WIT_BORROW:
    case WIT_STREAM:
    case WIT_FUTURE:
        break;
    }
    s.flat = MIN(s.flat + most, (u32)FLAT_MANY);
    return s;
}

void wrap_shape_types(Wrap *w)
{
    w->shapes = arena_array(&w->arena, TypeShape, w->m->ntypes);
    for (u32 i = 0; i < w->m->ntypes; i++) {
        const WitType *t = &w->m->types[i];
        w->shapes[i] = t->kind == WIT_STRING ? (TypeShape){2, true} : shape_of(w, t);
    }
}

FuncNeeds wrap_needs(const Wrap *w, const WitFunc *f, bool lift)
{
    TypeShape params = {0}, result = {0};
    for (u32 i = 0; i < f->nparams; i++)
        add_shape(w, f->params[i].type, NULL, &params);
    add_shape(w, f->result, NULL, &result);
    bool spilled = params.flat > MAX_FLAT_PARAMS;
    FuncNeeds n = {.realloc = lift ? params.pointers || spilled : result.pointers};
    n.memory = n.realloc || params.pointers || spilled || result.pointers ||
               result.flat > MAX_FLAT_RESULTS;
    return n;
}
