/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * WIT resolver: worlds. First what is written and included, then what that implies: an interface
 * whose types are used is imported too, in front, unless it is exported and only exports use it.
 */
#include "wit/int_map.h"
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

/* Types that are copied, with all that they are made of. */
typedef struct Copier {
    WitOwner from, to; /* from: any world, or that interface */
    u32 at;
    IntMap copies;
    struct Include *names; /* other names for them; NULL: the same */
} Copier;

/* How one `include` names things. */
typedef struct Include {
    const AstItem *item;
    u8 *used;     /* renames that named something */
    bool foreign; /* of a world of another package */
    bool copies;  /* a type gets another name: this world has types and functions of its own */
    Copier types; /* those of the included world */
} Include;

static Str renamed(Include *in, Str name)
{
    const AstUse *u = &in->item->use;
    for (u32 i = 0; i < u->nnames; i++) {
        if (str_eq(u->names[i].from.name, name)) {
            in->used[i] = 1;
            return u->names[i].to.name;
        }
    }
    return name;
}

static bool renames_type(Include *in, const WitWorld *w)
{
    for (u32 i = 0; i < w->nimports; i++)
        if (w->imports[i].kind == WIT_ITEM_TYPE &&
            !str_eq(renamed(in, w->imports[i].name), w->imports[i].name))
            return true;
    return false;
}

static bool counted(Resolver *r, u32 at)
{
    if (++r->elaborated > WIT_LIMIT_ELABORATED)
        res_fail(r, at, "the worlds have more than %u types and functions",
                 (u32)WIT_LIMIT_ELABORATED);
    return !r->error;
}

/* Recursion is bounded by the depth of types. */
static WitId copy_type(Resolver *r, Copier *c, WitId id)
{
    WitId copy;
    if (id == WIT_NONE || r->types.p[id].owner.kind != c->from.kind ||
        (c->from.kind == WIT_OWNER_INTERFACE && r->types.p[id].owner.id != c->from.id))
        return id;
    if (int_map_get(&c->copies, id, &copy))
        return copy;
    WitType t = r->types.p[id];
    if (!counted(r, c->at))
        return id;
    t.elem = copy_type(r, c, t.elem);
    t.second = copy_type(r, c, t.second);
    if (t.nfields)
        t.fields = arena_dup(&r->m->arena, t.fields, t.nfields * sizeof *t.fields);
    for (u32 i = 0; i < t.nfields; i++)
        t.fields[i].type = copy_type(r, c, t.fields[i].type);
    if (t.name.n && c->names)
        t.name = renamed(c->names, t.name);
    t.owner = c->to;
    vec_push(&r->types, t);
    int_map_set(&c->copies, id, r->types.n - 1);
    return r->types.n - 1;
}

static void copy_signature(Resolver *r, Copier *c, WitFunc *f)
{
    if (f->nparams)
        f->params = arena_dup(&r->m->arena, f->params, f->nparams * sizeof *f->params);
    for (u32 k = 0; k < f->nparams; k++)
        f->params[k].type = copy_type(r, c, f->params[k].type);
    f->result = copy_type(r, c, f->result);
    f->resource = copy_type(r, c, f->resource);
}

/* A function under another name, or of copied types, is another function: its name is what bindings
 * import and export. */
static void copy_func(WorldBuilder *b, Include *in, WitWorldItem *i, Str name)
{
    Resolver *r = b->r;
    WitFunc f = r->funcs.p[i->id];
    if (in->copies)
        copy_signature(r, &in->types, &f);
    if (f.resource == WIT_NONE)
        f.name = f.label = name;
    else
        f.name = res_func_name(r, f.kind, f.label, r->types.p[f.resource].name);
    f.owner = b->locals.owner;
    vec_push(&r->funcs, f);
    i->id = r->funcs.n - 1;
    i->name = f.name;
}

static bool has_gate(const WitGate *g)
{
    return g->feature.n || g->since.text.n || g->deprecated.text.n;
}

/* Since when another package has it does not tell about this one. */
static void include_interface(WorldBuilder *b, ItemList *l, WitWorldItem i, bool foreign)
{
    u32 other;
    bool old = foreign && i.gate.since.text.n;
    if (old)
        i.gate = (WitGate){0};
    if (!list_has(b->r, l, &i, &other))
        list_push(b->r, l, i);
    else if (old || !has_gate(&l->items.p[other].gate))
        l->items.p[other].gate = i.gate;
}

static void include_list(WorldBuilder *b, bool is_export, const WitWorldItem *items, u32 n,
                         Include *in)
{
    ItemList *l = is_export ? &b->exports : &b->imports;
    for (u32 k = 0; k < n && !b->r->error; k++) {
        WitWorldItem i = items[k];
        u32 other;
        if (!i.name.n) {
            include_interface(b, l, i, in->foreign);
            continue;
        }
        Str name = renamed(in, i.name);
        if (i.kind == WIT_ITEM_FUNC && (in->copies || !str_eq(name, i.name)))
            copy_func(b, in, &i, name);
        else if (i.kind == WIT_ITEM_TYPE && in->copies)
            i.id = copy_type(b->r, &in->types, i.id);
        if (i.kind != WIT_ITEM_FUNC)
            i.name = name;
        if (list_has(b->r, l, &i, &other)) {
            if (i.kind == WIT_ITEM_TYPE && l->items.p[other].kind == WIT_ITEM_TYPE &&
                i.id == l->items.p[other].id)
                continue; /* the same one by two ways */
            res_fail_two(b->r, in->item->at, l->items.p[other].at, "there it is already",
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
    Include in = {.item = item, .used = mem_alloc((usize)item->use.nnames + 1)};
    in.foreign = w.package != b->locals.package;
    in.copies = renames_type(&in, &w);
    in.types = (Copier){
        .from = {.kind = WIT_OWNER_WORLD}, .to = b->locals.owner, .at = item->at, .names = &in};
    include_list(b, false, w.imports, w.nimports, &in);
    include_list(b, true, w.exports, w.nexports, &in);
    for (u32 i = 0; i < item->use.nnames; i++)
        if (!in.used[i])
            res_fail_two(r, item->use.names[i].from.at, t->name.at, "the world is this one",
                         "world `%.*s` has no plain name `%.*s`", STR_ARG(t->name.name),
                         STR_ARG(item->use.names[i].from.name));
    mem_free(in.used);
    int_map_release(&in.types.copies);
}

typedef struct Frame {
    WitId interface;
    u32 next;
} Frame;

/*
 * Adds the interfaces that `root` uses to `imports`, each behind those it uses itself. With
 * `exports`, what is among these is not imported, and neither is what it uses. They are there when
 * what uses them is: its gate is theirs.
 */
static void add_implied(Resolver *r, ItemList *imports, const ItemList *exports, WitId root,
                        const WitGate *gate)
{
    VEC(Frame) stack = {0};
    vec_push(&stack, ((Frame){root, 0}));
    while (stack.n && !r->error) {
        Frame *f = &stack.p[stack.n - 1];
        const WitInterface *i = &r->interfaces.p[f->interface];
        WitWorldItem item = {
            .kind = WIT_ITEM_INTERFACE, .implied = true, .gate = *gate, .at = i->at};
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
            add_implied(r, ret_imports, NULL, i.id, &i.gate);
        if (i.kind == WIT_ITEM_TYPE && r->types.p[i.id].used) {
            WitId owner = r->types.p[r->types.p[i.id].elem].owner.id;
            WitWorldItem used = {.kind = WIT_ITEM_INTERFACE,
                                 .id = owner,
                                 .implied = true,
                                 .gate = i.gate,
                                 .at = i.at};
            add_implied(r, ret_imports, NULL, owner, &i.gate);
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
            add_implied(r, ret_imports, &b->exports, b->exports.items.p[k].id,
                        &b->exports.items.p[k].gate);
}

/* Interfaces that stand among the exports under their own names. */
static bool is_exported(WorldBuilder *b, WitId interface)
{
    WitWorldItem i = {.kind = WIT_ITEM_INTERFACE, .id = interface};
    u32 index;
    return list_has(b->r, &b->exports, &i, &index);
}

/*
 * What an export uses is exported, or imported with all that it uses itself: otherwise the export
 * would have two of an interface, the one it uses and the one that what it uses uses.
 */
static void check_export(WorldBuilder *b, const WitWorldItem *export, IntMap *seen)
{
    Resolver *r = b->r;
    VEC(WitId) todo = {0};
    const WitInterface *root = &r->interfaces.p[export->id];
    for (u32 k = 0; k < root->nuses; k++)
        if (!is_exported(b, root->uses[k]))
            vec_push(&todo, root->uses[k]);
    while (todo.n && !r->error) {
        WitId id = todo.p[--todo.n];
        const WitInterface *i = &r->interfaces.p[id];
        if (int_map_has(seen, id))
            continue;
        int_map_set(seen, id, 0);
        for (u32 k = 0; k < i->nuses; k++) {
            if (is_exported(b, i->uses[k]))
                res_fail(r, export->at,
                         "this export uses `%.*s`, which is imported and uses `%.*s`, which the "
                         "world exports: `export %.*s;` makes them one",
                         STR_ARG(i->full), STR_ARG(r->interfaces.p[i->uses[k]].full),
                         STR_ARG(i->name));
            vec_push(&todo, i->uses[k]);
        }
    }
    vec_release(&todo);
}

static void check_exports(WorldBuilder *b)
{
    IntMap seen = {0};
    for (u32 k = 0; k < b->exports.items.n && !b->r->error; k++)
        if (b->exports.items.p[k].kind == WIT_ITEM_INTERFACE)
            check_export(b, &b->exports.items.p[k], &seen);
    int_map_release(&seen);
}

/* An interface under a plain name is one with types of its own. */
static WitId copy_interface(Resolver *r, WitId id, u32 at)
{
    WitInterface x = r->interfaces.p[id];
    Copier c = {
        .from = {WIT_OWNER_INTERFACE, id}, .to = {WIT_OWNER_INTERFACE, r->interfaces.n}, .at = at};
    x.types = arena_array(&r->m->arena, WitId, x.ntypes);
    x.funcs = arena_array(&r->m->arena, WitId, x.nfuncs);
    for (u32 i = 0; i < x.ntypes; i++)
        x.types[i] = copy_type(r, &c, r->interfaces.p[id].types[i]);
    for (u32 i = 0; i < x.nfuncs && counted(r, at); i++) {
        WitFunc f = r->funcs.p[r->interfaces.p[id].funcs[i]];
        copy_signature(r, &c, &f);
        f.owner = c.to;
        x.funcs[i] = r->funcs.n;
        vec_push(&r->funcs, f);
    }
    x.is_copy = true;
    x.original = id;
    x.name = x.full = (Str){0};
    vec_push(&r->interfaces, x);
    vec_push(&r->type_names, (Map){0});
    int_map_release(&c.copies);
    return r->interfaces.n - 1;
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
        if (i.name.n && !b->r->error)
            i.id = copy_interface(b->r, i.id, item->at);
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
    check_exports(&b);
    ARENA_LIST(&r->m->arena, &imports.items, &w.imports, &w.nimports);
    ARENA_LIST(&r->m->arena, &b.exports.items, &w.exports, &w.nexports);
    info->id = r->worlds.n;
    vec_push(&r->worlds, w);
    list_release(&imports);
    list_release(&b.imports);
    list_release(&b.exports);
    res_locals_release(&b.locals);
}
