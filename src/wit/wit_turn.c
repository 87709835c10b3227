/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A world turned round: what it exports is imported, or what it imports is exported. Interfaces
 * stand in the model behind those that they use, so one pass from the last to the first finds what
 * is needed.
 */
#include "wit/wit_turn.h"

#include "base/map.h"
#include "base/vec.h"

typedef struct Turn {
    WitModel *m;
    WitWorld *w;
    VEC(WitWorldItem) imports, exports;
    u8 *needed;  /* interfaces: the world must import them */
    u8 *present; /* interfaces: among the imports or exports under their own names */
} Turn;

static bool is_own_name(const WitWorldItem *i)
{
    return i->kind == WIT_ITEM_INTERFACE && !i->name.n;
}

static Str item_name(const WitModel *m, const WitWorldItem *i)
{
    return i->name.n ? i->name : m->interfaces[i->id].full;
}

/* Is it among the names, or are there none? Methods go with their resource, which stays. */
static bool is_moved(const WitModel *m, const WitWorldItem *i, const Str *names, u32 n)
{
    if (i->kind == WIT_ITEM_TYPE ||
        (i->kind == WIT_ITEM_FUNC && m->funcs[i->id].kind != WIT_FUNC_FREE))
        return false;
    for (u32 k = 0; k < n; k++)
        if (str_eq(names[k], item_name(m, i)))
            return true;
    return n == 0;
}

MUST_CHECK static Error *move_exports(Turn *t)
{
    Map names = {0};
    Error *e = NULL;
    for (u32 i = 0; i < t->w->nimports; i++) {
        const WitWorldItem *item = &t->w->imports[i];
        bool method = item->kind == WIT_ITEM_FUNC && t->m->funcs[item->id].kind != WIT_FUNC_FREE;
        if (item->kind != WIT_ITEM_TYPE && !method)
            continue;
        map_add(&names, item->name, i);
        vec_push(&t->imports, *item);
    }
    for (u32 i = 0; i < t->w->nexports && !e; i++) {
        const WitWorldItem *item = &t->w->exports[i];
        if (!map_add(&names, item_name(t->m, item), i))
            e = error_new("the world has a type `%.*s` and exports something of that name",
                          STR_ARG(item->name));
        vec_push(&t->imports, *item);
    }
    map_release(&names);
    return e;
}

MUST_CHECK static Error *move_imports(Turn *t, const Str *names, u32 n)
{
    for (u32 k = 0; k < n; k++) {
        bool found = false;
        for (u32 i = 0; i < t->w->nimports && !found; i++)
            found = is_moved(t->m, &t->w->imports[i], &names[k], 1);
        if (!found)
            return error_new("world `%.*s` does not import `%.*s`", STR_ARG(t->w->name),
                             STR_ARG(names[k]));
    }
    for (u32 i = 0; i < t->w->nimports; i++) {
        WitWorldItem item = t->w->imports[i];
        if (!is_moved(t->m, &item, names, n)) {
            vec_push(&t->imports, item);
            continue;
        }
        item.implied = false;
        vec_push(&t->exports, item);
    }
    return NULL;
}

/* What the items use, unless the world exports it, too. */
static void mark_needed(Turn *t)
{
    const WitModel *m = t->m;
    u8 *importing = mem_alloc((usize)m->ninterfaces + 1);
    u8 *exporting = mem_alloc((usize)m->ninterfaces + 1);
    for (u32 i = 0; i < t->imports.n; i++) {
        const WitWorldItem *item = &t->imports.p[i];
        if (item->kind == WIT_ITEM_TYPE && m->types[item->id].used)
            t->needed[m->types[m->types[item->id].elem].owner.id] = 1;
        else if (item->kind == WIT_ITEM_INTERFACE)
            importing[item->id] = 1;
        if (is_own_name(item))
            t->present[item->id] = 1;
    }
    for (u32 i = 0; i < t->exports.n; i++)
        if (t->exports.p[i].kind == WIT_ITEM_INTERFACE)
            exporting[t->exports.p[i].id] = is_own_name(&t->exports.p[i]) ? 2 : 1;
    for (u32 id = m->ninterfaces; id-- > 0;) {
        const WitInterface *i = &m->interfaces[id];
        bool import = importing[id] || t->needed[id];
        for (u32 k = 0; k < i->nuses; k++)
            if (import || (exporting[id] && exporting[i->uses[k]] != 2))
                t->needed[i->uses[k]] = 1;
    }
    mem_free(importing);
    mem_free(exporting);
}

/* Interfaces in the order of the model, then types, then all else. */
static void put_imports(Turn *t)
{
    const WitModel *m = t->m;
    VEC(WitWorldItem) all = {0};
    u32 *at = mem_alloc_array((usize)m->ninterfaces + 1, sizeof *at);
    for (u32 i = 0; i < t->imports.n; i++)
        if (is_own_name(&t->imports.p[i]))
            at[t->imports.p[i].id] = i;
    for (u32 id = 0; id < m->ninterfaces; id++) {
        if (t->present[id])
            vec_push(&all, t->imports.p[at[id]]);
        else if (t->needed[id])
            vec_push(&all, ((WitWorldItem){.kind = WIT_ITEM_INTERFACE, .id = id, .implied = true}));
    }
    for (u32 pass = 0; pass < 2; pass++)
        for (u32 i = 0; i < t->imports.n; i++)
            if (!is_own_name(&t->imports.p[i]) &&
                (t->imports.p[i].kind == WIT_ITEM_TYPE) == (pass == 0))
                vec_push(&all, t->imports.p[i]);
    WitWorld *w = t->w;
    w->nimports = all.n;
    w->nexports = t->exports.n;
    w->imports = arena_array(&t->m->arena, WitWorldItem, all.n);
    w->exports = arena_array(&t->m->arena, WitWorldItem, t->exports.n);
    for (u32 i = 0; i < all.n; i++)
        w->imports[i] = all.p[i];
    for (u32 i = 0; i < t->exports.n; i++)
        w->exports[i] = t->exports.p[i];
    mem_free(at);
    vec_release(&all);
}

static void rename_world(WitModel *m, WitWorld *w, Str name)
{
    const WitPackage *p = &m->packages[w->package];
    Buf full = {0};
    buf_printf(&full, "%.*s:%.*s/%.*s", STR_ARG(p->ns), STR_ARG(p->name), STR_ARG(name));
    if (p->version.text.n)
        buf_printf(&full, "@%.*s", STR_ARG(p->version.text));
    w->name = (Str){arena_strdup(&m->arena, name), name.n};
    w->full = (Str){arena_strdup(&m->arena, (Str){(char *)full.p, full.n}), full.n};
    buf_release(&full);
}

Error *wit_turn_world(WitModel *m, WitId world, const WitTurn *o)
{
    Turn t = {.m = m, .w = &m->worlds[world]};
    const WitPackage *p = &m->packages[t.w->package];
    for (u32 i = 0; i < p->nworlds; i++)
        if (p->worlds[i] != world && str_eq(m->worlds[p->worlds[i]].name, o->name))
            return error_new("there is a world `%.*s` already", STR_ARG(o->name));
    for (u32 i = 0; i < p->ninterfaces; i++)
        if (str_eq(m->interfaces[p->interfaces[i]].name, o->name))
            return error_new("there is an interface `%.*s` already", STR_ARG(o->name));
    if (!wit_is_label(o->name))
        return error_new("`%.*s` is no name for a world", STR_ARG(o->name));
    t.needed = mem_alloc((usize)m->ninterfaces + 1);
    t.present = mem_alloc((usize)m->ninterfaces + 1);
    Error *e = o->to_exports ? move_imports(&t, o->only, o->nonly) : move_exports(&t);
    if (!e) {
        mark_needed(&t);
        put_imports(&t);
        rename_world(m, t.w, o->name);
    }
    vec_release(&t.imports);
    vec_release(&t.exports);
    mem_free(t.needed);
    mem_free(t.present);
    return e;
}
