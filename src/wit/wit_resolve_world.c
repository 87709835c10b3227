/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * WIT resolver: worlds. First what is written and included, then what that implies: an interface
 * whose types are used is imported too, in front, unless it is exported and only exports use it.
 */
#include "wit/wit_resolve_priv.h"

typedef VEC(WitWorldItem) ItemVec;

typedef struct ItemList {
    ItemVec items;
    Map names; /* plain names in lower case, and full names of interfaces -> index */
} ItemList;

typedef struct WorldBuilder {
    Resolver *r;
    Locals locals;
    ItemList imports, exports;
} WorldBuilder;

static void list_release(ItemList *l)
{
    vec_release(&l->items);
    map_release(&l->names);
}

static Str item_key(Resolver *r, const WitWorldItem *i)
{
    return i->name.n ? res_lower(r, i->name) : r->interfaces.p[i->id].full;
}

static bool list_has(Resolver *r, const ItemList *l, const WitWorldItem *i, u32 *ret_index)
{
    u64 index;
    if (!map_get(&l->names, item_key(r, i), &index))
        return false;
    *ret_index = (u32)index;
    return true;
}

static void list_push(Resolver *r, ItemList *l, WitWorldItem i)
{
    if (++r->elaborated > WIT_LIMIT_ELABORATED) {
        res_fail(r, i.at, "the worlds have more than %u imports and exports",
                 (u32)WIT_LIMIT_ELABORATED);
        return;
    }
    map_add(&l->names, item_key(r, &i), l->items.n);
    vec_push(&l->items, i);
}

/* What the text says: nothing may be there twice. */
static void add_written(WorldBuilder *b, bool is_export, WitWorldItem i)
{
    ItemList *l = is_export ? &b->exports : &b->imports;
    u32 other;
    if (b->r->error)
        return;
    if (list_has(b->r, l, &i, &other)) {
        Str name = i.name.n ? i.name : b->r->interfaces.p[i.id].full;
        res_fail_two(b->r, i.at, l->items.p[other].at, "first here", "`%.*s` is %s twice",
                     STR_ARG(name), is_export ? "exported" : "imported");
        return;
    }
    list_push(b->r, l, i);
}

static void add_extern(WorldBuilder *b, const AstItem *item)
{
    const AstExtern *e = &item->ext;
    WitWorldItem i = {.name = e->name.name,
                      .docs = item->docs,
                      .gate = item->gate,
                      .external_id = item->external_id,
                      .at = item->at};
    switch (e->kind) {
    case AST_EXTERN_PATH:
        i.kind = WIT_ITEM_INTERFACE;
        i.id = res_find_interface(b->r, b->locals.scope, &e->path);
        break;
    case AST_EXTERN_INLINE:
        i.kind = WIT_ITEM_INTERFACE;
        i.id = res_build_interface(b->r, &e->body, b->locals.package, b->locals.scope);
        if (!b->r->error) {
            WitInterface *in = &b->r->interfaces.p[i.id];
            in->at = e->name.at;
            in->docs = item->docs;
            in->gate = item->gate;
        }
        break;
    case AST_EXTERN_FUNC:
        i.kind = WIT_ITEM_FUNC;
        i.id = res_build_func(b->r, &b->locals, &e->func, WIT_NONE);
        break;
    }
    add_written(b, e->is_export, i);
}

static void add_types(WorldBuilder *b)
{
    Resolver *r = b->r;
    for (u32 k = 0; k < b->locals.list.n && !r->error; k++) {
        const Local *l = &b->locals.list.p[k];
        WitWorldItem i = {.kind = WIT_ITEM_TYPE,
                          .name = l->name.name,
                          .id = l->type,
                          .docs = l->item->docs,
                          .gate = l->item->gate,
                          .at = l->name.at};
        add_written(b, false, i);
        const AstTypedef *d = &l->item->type;
        if (l->foreign != WIT_NONE || d->kind != WIT_RESOURCE)
            continue;
        for (u32 f = 0; f < d->nfuncs && !r->error; f++) {
            if (!res_gate(r, &d->funcs[f].gate, b->locals.package, d->funcs[f].name.at))
                continue;
            WitId id = res_build_func(r, &b->locals, &d->funcs[f], l->type);
            WitWorldItem m = {.kind = WIT_ITEM_FUNC,
                              .name = r->funcs.p[id].name,
                              .id = id,
                              .docs = d->funcs[f].docs,
                              .gate = d->funcs[f].gate,
                              .at = d->funcs[f].name.at};
            add_written(b, false, m);
        }
    }
}

/* Looks `name` up among the renames; marks it as used. */
static Str renamed(const AstUse *u, Str name, u8 *used)
{
    for (u32 i = 0; i < u->nnames; i++) {
        if (str_eq(u->names[i].from.name, name)) {
            used[i] = 1;
            return u->names[i].to.name;
        }
    }
    return name;
}

/* A function under another name is another function: its name is what bindings import and export.
 */
static void rename_item(Resolver *r, WitWorldItem *i, Str name)
{
    if (i->kind == WIT_ITEM_FUNC && !str_eq(i->name, name)) {
        WitFunc f = r->funcs.p[i->id];
        f.name = f.label = name;
        vec_push(&r->funcs, f);
        i->id = r->funcs.n - 1;
    }
    i->name = name;
}

static void include_list(WorldBuilder *b, bool is_export, const WitWorldItem *items, u32 n,
                         const AstItem *include, u8 *used)
{
    ItemList *l = is_export ? &b->exports : &b->imports;
    for (u32 k = 0; k < n && !b->r->error; k++) {
        WitWorldItem i = items[k];
        u32 other;
        if (!i.name.n) {
            if (!list_has(b->r, l, &i, &other))
                list_push(b->r, l, i);
            continue;
        }
        Str name = renamed(&include->use, i.name, used);
        if (i.kind == WIT_ITEM_TYPE && b->r->types.p[i.id].kind == WIT_RESOURCE &&
            !str_eq(name, i.name)) {
            /* Methods would have to be called after the new name, handles be of another type. */
            res_fail(b->r, include->at, "the resource `%.*s` cannot have another name here",
                     STR_ARG(i.name));
            return;
        }
        rename_item(b->r, &i, name);
        if (list_has(b->r, l, &i, &other)) {
            if (i.kind == WIT_ITEM_TYPE && l->items.p[other].kind == WIT_ITEM_TYPE &&
                i.id == l->items.p[other].id)
                continue; /* the same one by two ways */
            res_fail_two(b->r, include->at, l->items.p[other].at, "there it is already",
                         "the included world %s `%.*s`, which this one %s too; `with { %.*s as ... "
                         "}` gives it another name",
                         is_export ? "exports" : "imports", STR_ARG(i.name),
                         is_export ? "exports" : "imports", STR_ARG(i.name));
            return;
        }
        list_push(b->r, l, i);
    }
}

static void add_include(WorldBuilder *b, const AstItem *item)
{
    Resolver *r = b->r;
    u32 top = res_find_top(r, b->locals.scope, &item->use.from);
    if (top == UINT32_MAX)
        return;
    const AstTop *t = &r->ast.tops.p[top];
    if (!t->is_world) {
        res_fail_two(r, item->use.from.at, t->name.at, "defined here",
                     "`%.*s` is an interface, not a world", STR_ARG(t->name.name));
        return;
    }
    WitWorld w = r->worlds.p[r->tops.p[top].id];
    u8 *used = mem_alloc((usize)item->use.nnames + 1);
    include_list(b, false, w.imports, w.nimports, item, used);
    include_list(b, true, w.exports, w.nexports, item, used);
    for (u32 i = 0; i < item->use.nnames; i++)
        if (!used[i])
            res_fail_two(r, item->use.names[i].from.at, t->name.at, "the world is this one",
                         "world `%.*s` has no plain name `%.*s`", STR_ARG(t->name.name),
                         STR_ARG(item->use.names[i].from.name));
    mem_free(used);
}

typedef struct Frame {
    WitId interface;
    u32 next;
} Frame;

/*
 * Adds the interfaces that `root` uses to `imports`, each behind those it uses itself. With
 * `exports`, what is among these is not imported, and neither is what it uses.
 */
static void add_implied(Resolver *r, ItemList *imports, const ItemList *exports, WitId root)
{
    VEC(Frame) stack = {0};
    vec_push(&stack, ((Frame){root, 0}));
    while (stack.n && !r->error) {
        Frame *f = &stack.p[stack.n - 1];
        const WitInterface *i = &r->interfaces.p[f->interface];
        WitWorldItem item = {.kind = WIT_ITEM_INTERFACE, .implied = true, .at = i->at};
        u32 index;
        if (f->next == i->nuses) {
            item.id = f->interface;
            if (stack.n > 1 && !list_has(r, imports, &item, &index))
                list_push(r, imports, item);
            stack.n--;
            continue;
        }
        item.id = i->uses[f->next++];
        if (!list_has(r, imports, &item, &index) &&
            !(exports && list_has(r, exports, &item, &index)))
            vec_push(&stack, ((Frame){item.id, 0}));
    }
    vec_release(&stack);
}

static void elaborate(WorldBuilder *b, ItemList *ret_imports)
{
    Resolver *r = b->r;
    for (u32 k = 0; k < b->imports.items.n && !r->error; k++) {
        WitWorldItem i = b->imports.items.p[k];
        u32 index;
        if (i.kind == WIT_ITEM_INTERFACE)
            add_implied(r, ret_imports, NULL, i.id);
        if (i.kind == WIT_ITEM_TYPE && r->types.p[i.id].used) {
            WitId owner = r->types.p[r->types.p[i.id].elem].owner.id;
            WitWorldItem used = {
                .kind = WIT_ITEM_INTERFACE, .id = owner, .implied = true, .at = i.at};
            add_implied(r, ret_imports, NULL, owner);
            if (!list_has(r, ret_imports, &used, &index))
                list_push(r, ret_imports, used);
        }
        if (list_has(r, ret_imports, &i, &index))
            ret_imports->items.p[index] = i; /* something in front implied it */
        else
            list_push(r, ret_imports, i);
    }
    for (u32 k = 0; k < b->exports.items.n && !r->error; k++)
        if (b->exports.items.p[k].kind == WIT_ITEM_INTERFACE)
            add_implied(r, ret_imports, &b->exports, b->exports.items.p[k].id);
}

static void build_items(WorldBuilder *b, const AstBody *body)
{
    res_build_types(b->r, &b->locals, body);
    add_types(b);
    for (u32 i = 0; i < body->nitems && !b->r->error; i++)
        if (body->items[i].kind == AST_EXTERN &&
            res_gate(b->r, &body->items[i].gate, b->locals.package, body->items[i].at))
            add_extern(b, &body->items[i]);
    for (u32 i = 0; i < body->nitems && !b->r->error; i++)
        if (body->items[i].kind == AST_INCLUDE &&
            res_gate(b->r, &body->items[i].gate, b->locals.package, body->items[i].at))
            add_include(b, &body->items[i]);
}

void res_build_world(Resolver *r, u32 top)
{
    const AstTop *t = &r->ast.tops.p[top];
    TopInfo *info = &r->tops.p[top];
    const ResPackage *p = &r->packages.p[info->package];
    WitWorld w = {.name = t->name.name,
                  .package = info->package,
                  .docs = t->docs,
                  .gate = t->gate,
                  .at = t->name.at};
    w.full = p->path.version.text.n
                 ? res_format(r, "%.*s:%.*s/%.*s@%.*s", STR_ARG(p->path.ns), STR_ARG(p->path.pkg),
                              STR_ARG(w.name), STR_ARG(p->path.version.text))
                 : res_format(r, "%.*s/%.*s", STR_ARG(p->full), STR_ARG(w.name));
    WorldBuilder b = {.r = r,
                      .locals = {.owner = {WIT_OWNER_WORLD, r->worlds.n},
                                 .package = info->package,
                                 .scope = t->scope}};
    ItemList imports = {0};
    build_items(&b, &t->body);
    elaborate(&b, &imports);
    ARENA_LIST(&r->m->arena, &imports.items, &w.imports, &w.nimports);
    ARENA_LIST(&r->m->arena, &b.exports.items, &w.exports, &w.nexports);
    info->id = r->worlds.n;
    vec_push(&r->worlds, w);
    list_release(&imports);
    list_release(&b.imports);
    list_release(&b.exports);
    res_locals_release(&b.locals);
}
