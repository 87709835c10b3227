/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Types that a WAC text declares. A name must be declared before it is used. */
#include "compose/wac_priv.h"

/* Where names of types are looked up: an interface that grows, or the top of the text (NULL). */
typedef struct Names {
    Wac *w;
    GraphType *in;
    u32 depth; /* of interfaces that use each other */
    /* Names of function types, as exports of a type that is not written: WIT has no such types. */
    GraphType *funcs;
} Names;

static GraphType *resolve(Names *n, const AstType *t);

static GraphType *find_type(Names *n, AstId name)
{
    Wac *w = n->w;
    const WacLocal *l = n->in ? NULL : wac_local(w, name.name);
    const GraphExtern *e = n->in ? gtypes_export(&w->g->types, n->in, name.name) : NULL;
    if (l && l->kind == LOCAL_TYPE)
        return l->type;
    if (n->in && !e && n->funcs)
        e = gtypes_export(&w->g->types, n->funcs, name.name);
    if (e && e->sort == SORT_TYPE)
        return e->type;
    wac_fail(w, name.at, NULL, "`%.*s` is not a type that was declared %s", STR_ARG(name.name),
             n->in ? "in this interface" : "before");
    return NULL;
}

static GraphType *checked(Names *n, GraphType *t, u32 at)
{
    u32 depth = 0;
    for (u32 i = 0; i < t->n; i++)
        if (t->fields[i].type)
            depth = MAX(depth, t->fields[i].type->depth);
    t->depth = depth + 1;
    if (t->depth > WIT_LIMIT_TYPE_DEPTH)
        wac_fail(n->w, at, NULL, "types nest more than %u deep", (u32)WIT_LIMIT_TYPE_DEPTH);
    return t;
}

static GraphType *handle(Names *n, CTypeKind kind, GraphType *resource, AstId name)
{
    if (resource->kind != CT_RESOURCE) {
        wac_fail(n->w, name.at, NULL, "`%.*s` is not a resource", STR_ARG(name.name));
        return NULL;
    }
    GraphType *t = gtypes_new(&n->w->g->types, kind);
    t->of = resource;
    return t;
}

static GraphType *resolve_name(Names *n, const AstType *t)
{
    GraphType *found = find_type(n, t->name);
    if (!found)
        return NULL;
    if (found->kind == CT_FUNC) {
        wac_fail(n->w, t->name.at, NULL, "`%.*s` is a function type; expected a value type",
                 STR_ARG(t->name.name));
        return NULL;
    }
    if (t->kind != WIT_ALIAS)
        return handle(n, t->kind == WIT_OWN ? CT_OWN : CT_BORROW, found, t->name);
    return found->kind == CT_RESOURCE ? handle(n, CT_OWN, found, t->name) : found;
}

static GraphType *resolve(Names *n, const AstType *t)
{
    TypeTable *table = &n->w->g->types;
    if (!t || n->w->error)
        return NULL;
    if (wit_is_primitive(t->kind))
        return table->primitives[wit_types_kind(t->kind)];
    if (t->kind == WIT_ALIAS || t->kind == WIT_OWN || t->kind == WIT_BORROW)
        return resolve_name(n, t);
    GraphType *to = gtypes_new(table, wit_types_kind(t->kind));
    bool two = t->kind == WIT_MAP || t->kind == WIT_RESULT || t->kind == WIT_OPTION;
    to->length = t->kind == WIT_FIXED_LIST ? t->length : 0;
    to->n = t->kind == WIT_TUPLE ? t->nelems : two ? 2 : 1;
    to->fields = arena_array(&table->arena, GraphField, to->n);
    for (u32 i = 0; i < t->nelems; i++)
        to->fields[i].type = resolve(n, t->elems[i]);
    if (t->kind == WIT_OPTION)
        to->fields[1].type = resolve(n, t->elem);
    else if (t->kind != WIT_TUPLE)
        to->fields[0].type = resolve(n, t->elem);
    if (t->kind == WIT_MAP || t->kind == WIT_RESULT)
        to->fields[1].type = resolve(n, t->second);
    return checked(n, to, t->at);
}

static void add_params(Names *n, const AstFunc *f, GraphType *to, u32 from)
{
    Map names = {0};
    for (u32 i = 0; i < f->nparams; i++) {
        AstId id = f->params[i].name;
        if (!map_add(&names, id.name, i))
            wac_fail(n->w, id.at, NULL, "there are two parameters `%.*s`", STR_ARG(id.name));
        to->fields[from + i].name = id.name;
        to->fields[from + i].type = resolve(n, f->params[i].type);
    }
    map_release(&names);
}

/* With a resource: of its methods, static functions and constructor. */
static GraphType *resolve_func(Names *n, const AstFunc *f, GraphType *resource)
{
    TypeTable *table = &n->w->g->types;
    if (f->type.name.n) {
        GraphType *named = find_type(n, f->type);
        if (named && named->kind != CT_FUNC)
            wac_fail(n->w, f->type.at, NULL, "`%.*s` is not a function type",
                     STR_ARG(f->type.name));
        return named;
    }
    GraphType *to = gtypes_new(table, CT_FUNC);
    bool method = resource && f->kind == WIT_FUNC_METHOD;
    to->is_async = f->is_async;
    to->n = f->nparams + method;
    to->fields = arena_array(&table->arena, GraphField, to->n);
    if (method)
        to->fields[0] = (GraphField){STR("self"), gtypes_new(table, CT_BORROW)};
    if (method)
        to->fields[0].type->of = resource;
    add_params(n, f, to, method);
    to->result = resolve(n, f->result);
    if (resource && f->kind == WIT_FUNC_CONSTRUCTOR && !f->result) {
        to->result = gtypes_new(table, CT_OWN);
        to->result->of = resource;
    }
    return to;
}

GraphType *wac_func(Wac *w, const AstFunc *f)
{
    Names n = {.w = w};
    return resolve_func(&n, f, NULL);
}

static GraphType *define_fields(Names *n, const AstTypedef *t)
{
    TypeTable *table = &n->w->g->types;
    GraphType *to = gtypes_new(table, wit_types_kind(t->kind));
    Map names = {0};
    to->n = t->nfields;
    to->fields = arena_array(&table->arena, GraphField, t->nfields);
    for (u32 i = 0; i < t->nfields; i++) {
        AstId id = t->fields[i].name;
        if (!map_add(&names, id.name, i))
            wac_fail(n->w, id.at, NULL, "`%.*s` is in `%.*s` twice", STR_ARG(id.name),
                     STR_ARG(t->name.name));
        to->fields[i].name = id.name;
        to->fields[i].type = resolve(n, t->fields[i].type);
    }
    map_release(&names);
    return checked(n, to, t->name.at);
}

static GraphType *define(Names *n, const AstTypedef *t)
{
    GraphType *to;
    if (t->kind == WIT_RESOURCE)
        to = gtypes_new(&n->w->g->types, CT_RESOURCE);
    else if (t->kind != WIT_ALIAS)
        to = define_fields(n, t);
    else if (!t->target)
        to = resolve_func(n, &t->funcs[0], NULL);
    else if (t->target->kind == WIT_ALIAS)
        to = find_type(n, t->target->name); /* of a resource, too */
    else
        to = resolve(n, t->target);
    if (to && to->kind < CT_PRIMITIVES)
        to = gtypes_alias(&n->w->g->types, to, t->name.name);
    else if (to && !to->name.n)
        to->name = t->name.name;
    return to;
}

GraphType *wac_typedef(Wac *w, const AstTypedef *t)
{
    Names n = {.w = w};
    return define(&n, t);
}

static void add_export(Names *n, AstId id, GraphExtern e)
{
    if (n->w->error || !e.type)
        return;
    if (e.sort == SORT_TYPE && e.type->kind == CT_FUNC) {
        if (!n->funcs)
            n->funcs = gtypes_new(&n->w->g->types, CT_INSTANCE);
        gtypes_add_export(&n->w->g->types, n->funcs, e);
        return;
    }
    if (gtypes_export(&n->w->g->types, n->in, e.name))
        wac_fail(n->w, id.at, NULL, "`%.*s` is in the interface twice", STR_ARG(e.name));
    else
        gtypes_add_export(&n->w->g->types, n->in, e);
}

static void add_methods(Names *n, const AstTypedef *t, GraphType *resource)
{
    for (u32 i = 0; i < t->nfuncs && !n->w->error; i++) {
        const AstFunc *f = &t->funcs[i];
        const char *mark = f->kind == WIT_FUNC_CONSTRUCTOR ? "constructor"
                           : f->kind == WIT_FUNC_STATIC    ? "static"
                                                           : "method";
        Str member = f->kind == WIT_FUNC_CONSTRUCTOR ? (Str){"", 0} : f->name.name;
        Str name = wac_format(n->w, "[%s]%.*s%s%.*s", mark, STR_ARG(t->name.name),
                              member.n ? "." : "", STR_ARG(member));
        add_export(n, f->name,
                   (GraphExtern){name, SORT_FUNC, false, resolve_func(n, f, resource), false, {0}});
    }
}

static WacPath wac_path(Wac *w, const AstPath *from)
{
    Str v = from->version.text;
    WacPath path = {.package = {.version = from->version, .at = from->at}, .name = from->name};
    path.package.name = wac_format(w, "%.*s:%.*s", STR_ARG(from->ns), STR_ARG(from->pkg));
    path.full = wac_format(w, "%.*s/%.*s%s%.*s", STR_ARG(path.package.name),
                           STR_ARG(from->name.name), v.n ? "@" : "", STR_ARG(v));
    return path;
}

/* The interface behind `use`: of a path, or one declared before. */
static GraphType *used_interface(Wac *w, const AstPath *from)
{
    const WacLocal *l = from->ns.n ? NULL : wac_local(w, from->name.name);
    if (l && (l->kind == LOCAL_INTERFACE || (l->kind == LOCAL_ITEM && graph_is_instance(l->item))))
        return l->kind == LOCAL_INTERFACE ? l->type : l->item->ext.type;
    if (!from->ns.n) {
        wac_fail(w, from->at, NULL, "`%.*s` is not an interface that was declared before",
                 STR_ARG(from->name.name));
        return NULL;
    }
    WacPath path = wac_path(w, from);
    if (wac_is_own(w, &path.package)) {
        const WacLocal *own = wac_local(w, from->name.name);
        if (own && own->kind == LOCAL_INTERFACE)
            return own->type;
    }
    GraphType *t = wac_path_type(w, &path, false);
    if (t && t->kind != CT_INSTANCE) {
        wac_fail(w, from->at, NULL, "`%.*s` is not an interface", STR_ARG(path.full));
        return NULL;
    }
    return t;
}

static void add_use(Names *n, const AstUse *use)
{
    GraphType *from = used_interface(n->w, &use->from);
    for (u32 i = 0; from && i < use->nnames; i++) {
        const AstRename *r = &use->names[i];
        const GraphExtern *e = gtypes_export(&n->w->g->types, from, r->from.name);
        if (!e || e->sort != SORT_TYPE)
            wac_fail(n->w, r->from.at, NULL, "the interface has no type `%.*s`",
                     STR_ARG(r->from.name));
        else
            add_export(n, r->to, (GraphExtern){r->to.name, SORT_TYPE, false, e->type, false, {0}});
    }
}

GraphType *wac_interface(Wac *w, Str name, const AstBody *body)
{
    Names n = {.w = w, .in = gtypes_new(&w->g->types, CT_INSTANCE)};
    n.in->name = name;
    for (u32 i = 0; i < body->nitems && !w->error; i++) {
        const AstItem *item = &body->items[i];
        if (item->kind == AST_USE) {
            add_use(&n, &item->use);
        } else if (item->kind == AST_FUNC) {
            GraphExtern e = {item->func.name.name,
                             SORT_FUNC,
                             false,
                             resolve_func(&n, &item->func, NULL),
                             false,
                             {0}};
            add_export(&n, item->func.name, e);
        } else if (item->kind == AST_TYPEDEF) {
            GraphType *t = define(&n, &item->type);
            if (t && name.n && gtypes_is_named(t) && !t->home.n)
                t->home = name;
            bool sub = item->type.kind == WIT_RESOURCE;
            add_export(&n, item->type.name,
                       (GraphExtern){item->type.name.name, SORT_TYPE, sub, t, false, {0}});
            if (sub && t)
                add_methods(&n, &item->type, t);
        }
    }
    return w->error ? NULL : n.in;
}

/* ---- worlds ---- */

/* Imports and exports as they grow; types are among the imports, where they are looked up. */
typedef struct World {
    Names imports, exports;
} World;

static void add_interface(World *o, Names *to, u32 at, GraphExtern e);

/* What an interface uses is imported. */
static void add_used(World *o, u32 at, const GraphType *interface)
{
    Wac *w = o->imports.w;
    for (u32 i = 0; i < interface->nexports && !w->error; i++) {
        const GraphExtern *e = &interface->exports[i];
        u64 home;
        if (e->sort == SORT_TYPE && !str_eq(e->type->home, interface->name) &&
            map_get(&w->home_names, e->type->home, &home))
            add_interface(
                o, &o->imports, at,
                (GraphExtern){e->type->home, SORT_INSTANCE, false, w->homes.p[home], true, {0}});
    }
}

/* Once each; those that it uses go first. Interfaces only use those declared before them. */
static void add_interface(World *o, Names *to, u32 at, GraphExtern e)
{
    AstId id = {.at = at};
    if (!e.type)
        return;
    GraphExtern *there = gtypes_export(&to->w->g->types, to->in, e.name);
    if (there) {
        there->types_only &= e.types_only;
        return;
    }
    if (++o->imports.depth > WIT_LIMIT_NESTING)
        wac_fail(to->w, at, NULL, "interfaces use each other too deep");
    else
        add_used(o, at, e.type);
    o->imports.depth--;
    add_export(to, id, e);
}

/* `import f: t;` with the name of a function type; NULL if it is none. */
static GraphType *named_func(Names *n, const AstPath *path)
{
    const WacLocal *l = path->ns.n ? NULL : wac_local(n->w, path->name.name);
    GraphExtern *e =
        path->ns.n || !n->funcs ? NULL : gtypes_export(&n->w->g->types, n->funcs, path->name.name);
    if (e)
        return e->type;
    return l && l->kind == LOCAL_TYPE && l->type->kind == CT_FUNC ? l->type : NULL;
}

static void add_extern(World *o, const AstItem *item)
{
    const AstExtern *x = &item->ext;
    Names *to = x->is_export ? &o->exports : &o->imports;
    GraphExtern e = {.name = x->name.name, .sort = SORT_INSTANCE};
    if (x->kind == AST_EXTERN_FUNC) {
        e.sort = SORT_FUNC;
        e.type = resolve_func(&o->imports, &x->func, NULL);
    } else if (x->kind == AST_EXTERN_INLINE) {
        e.type = wac_interface(to->w, (Str){"", 0}, &x->body);
    } else if (x->name.name.n && named_func(&o->imports, &x->path)) {
        e.sort = SORT_FUNC;
        e.type = named_func(&o->imports, &x->path);
    } else {
        e.type = used_interface(to->w, &x->path);
        if (e.type && e.name.n)
            e.implements = e.type->name;
        else if (e.type)
            e.name = e.type->name;
    }
    if (x->name.name.n && gtypes_export(&to->w->g->types, to->in, e.name))
        wac_fail(to->w, item->at, NULL, "`%.*s` is in the world twice", STR_ARG(e.name));
    else if (e.sort == SORT_INSTANCE && e.type)
        add_interface(o, to, item->at, e);
    else
        add_export(to, (AstId){.at = item->at}, e);
}

static Str renamed(const AstUse *u, Str name, bool *used)
{
    for (u32 i = 0; i < u->nnames; i++)
        if (str_eq(u->names[i].from.name, name)) {
            used[i] = true;
            return u->names[i].to.name;
        }
    return name;
}

static void include_list(Names *to, const AstUse *u, const GraphExtern *list, u32 n, bool *used)
{
    for (u32 i = 0; i < n; i++) {
        GraphExtern e = list[i];
        bool path = memchr(e.name.p, '/', e.name.n) != NULL;
        e.name = path ? e.name : renamed(u, e.name, used);
        if (!path || !gtypes_export(&to->w->g->types, to->in, e.name))
            add_export(to, u->from.name, e);
    }
}

static GraphType *included_world(Wac *w, const AstPath *from)
{
    WacPath path = wac_path(w, from);
    const WacLocal *l = wac_local(w, from->name.name);
    bool own = !from->ns.n || wac_is_own(w, &path.package);
    GraphType *t = !own                          ? wac_path_type(w, &path, false)
                   : l && l->kind == LOCAL_WORLD ? l->type
                                                 : NULL;
    if (!w->error && (!t || t->kind != CT_COMPONENT))
        wac_fail(w, from->at, NULL, "`%.*s` is not a world that was declared before",
                 STR_ARG(from->name.name));
    return w->error ? NULL : t;
}

static void include(World *o, const AstUse *u)
{
    Wac *w = o->imports.w;
    GraphType *t = included_world(w, &u->from);
    if (!t)
        return;
    bool *used = mem_alloc(u->nnames + 1);
    include_list(&o->imports, u, t->imports, t->nimports, used);
    include_list(&o->exports, u, t->exports, t->nexports, used);
    for (u32 i = 0; i < u->nnames; i++)
        if (!used[i])
            wac_fail(w, u->names[i].from.at, NULL, "the world has no import or export `%.*s`",
                     STR_ARG(u->names[i].from.name));
    mem_free(used);
}

GraphType *wac_world(Wac *w, const AstBody *body)
{
    World o = {{.w = w, .in = gtypes_new(&w->g->types, CT_INSTANCE)},
               {.w = w, .in = gtypes_new(&w->g->types, CT_COMPONENT)}};
    for (u32 i = 0; i < body->nitems && !w->error; i++) {
        const AstItem *item = &body->items[i];
        if (item->kind == AST_USE) {
            GraphType *from = used_interface(w, &item->use.from);
            if (from && from->name.n)
                add_interface(&o, &o.imports, item->at,
                              (GraphExtern){from->name, SORT_INSTANCE, false, from, true, {0}});
            if (from)
                add_use(&o.imports, &item->use);
        } else if (item->kind == AST_INCLUDE) {
            include(&o, &item->use);
        } else if (item->kind == AST_TYPEDEF) {
            GraphType *t = define(&o.imports, &item->type);
            bool sub = item->type.kind == WIT_RESOURCE;
            add_export(&o.imports, item->type.name,
                       (GraphExtern){item->type.name.name, SORT_TYPE, sub, t, false, {0}});
            if (sub && t)
                add_methods(&o.imports, &item->type, t);
        } else if (item->kind == AST_EXTERN) {
            add_extern(&o, item);
        }
    }
    o.exports.in->imports = o.imports.in->exports;
    o.exports.in->nimports = o.imports.in->nexports;
    return w->error ? NULL : o.exports.in;
}

GraphType *wac_definition(Wac *w, u32 at, Str full, GraphType *type)
{
    TypeTable *table = &w->g->types;
    World o = {{.w = w, .in = gtypes_new(table, CT_INSTANCE)},
               {.w = w, .in = gtypes_new(table, CT_COMPONENT)}};
    bool world = type->kind == CT_COMPONENT;
    if (!world)
        add_used(&o, at, type);
    GraphExtern e = {full, world ? SORT_COMPONENT : SORT_INSTANCE, false, type, false, {0}};
    gtypes_add_export(table, o.exports.in, e);
    o.exports.in->imports = o.imports.in->exports;
    o.exports.in->nimports = o.imports.in->nexports;
    return o.exports.in;
}
