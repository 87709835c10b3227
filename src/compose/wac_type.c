/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Types that a WAC text declares. A name must be declared before it is used. */
#include "compose/wac_priv.h"

/* Where names of types are looked up: an interface that grows, or the top of the text (NULL). */
typedef struct Names {
    Wac *w;
    GraphType *in;
} Names;

static GraphType *resolve(Names *n, const AstType *t);

static GraphType *find_type(Names *n, AstId name)
{
    Wac *w = n->w;
    const WacLocal *l = n->in ? NULL : wac_local(w, name.name);
    const GraphExtern *e = n->in ? gtypes_export(&w->g->types, n->in, name.name) : NULL;
    if (l && l->kind == LOCAL_TYPE)
        return l->type;
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
    for (u32 i = 0; i < f->nparams; i++) {
        to->fields[from + i].name = f->params[i].name.name;
        to->fields[from + i].type = resolve(n, f->params[i].type);
    }
}

/* With a resource: of its methods, static functions and constructor. */
static GraphType *resolve_func(Names *n, const AstFunc *f, GraphType *resource)
{
    TypeTable *table = &n->w->g->types;
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
    else if (t->target->kind == WIT_ALIAS)
        to = find_type(n, t->target->name); /* of a resource, too */
    else
        to = resolve(n, t->target);
    if (to && to->kind >= CT_PRIMITIVES && !to->name.n)
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
        add_export(n, f->name, (GraphExtern){name, SORT_FUNC, false, resolve_func(n, f, resource)});
    }
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
    Str v = from->version.text;
    WacPath path = {.package = {.version = from->version, .at = from->at}, .name = from->name};
    path.package.name = wac_format(w, "%.*s:%.*s", STR_ARG(from->ns), STR_ARG(from->pkg));
    path.full = wac_format(w, "%.*s/%.*s%s%.*s", STR_ARG(path.package.name),
                           STR_ARG(from->name.name), v.n ? "@" : "", STR_ARG(v));
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
            add_export(n, r->to, (GraphExtern){r->to.name, SORT_TYPE, false, e->type});
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
            GraphExtern e = {item->func.name.name, SORT_FUNC, false,
                             resolve_func(&n, &item->func, NULL)};
            add_export(&n, item->func.name, e);
        } else if (item->kind == AST_TYPEDEF) {
            GraphType *t = define(&n, &item->type);
            if (t && name.n && t->kind >= CT_PRIMITIVES && !t->home.n)
                t->home = name;
            bool sub = item->type.kind == WIT_RESOURCE;
            add_export(&n, item->type.name, (GraphExtern){item->type.name.name, SORT_TYPE, sub, t});
            if (sub && t)
                add_methods(&n, &item->type, t);
        }
    }
    return w->error ? NULL : n.in;
}

/* ---- worlds ---- */

static GraphExtern world_extern(Names *n, const AstExtern *x)
{
    GraphExtern e = {.name = x->name.name, .sort = SORT_INSTANCE};
    if (x->kind == AST_EXTERN_FUNC) {
        e.sort = SORT_FUNC;
        e.type = resolve_func(n, &x->func, NULL);
    } else if (x->kind == AST_EXTERN_INLINE) {
        e.type = wac_interface(n->w, (Str){"", 0}, &x->body);
    } else {
        e.type = used_interface(n->w, &x->path);
    }
    if (e.type && !e.name.n)
        e.name = e.type->name;
    return e;
}

static void include_world(Wac *w, const AstPath *path)
{
    const WacLocal *l = path->ns.n ? NULL : wac_local(w, path->name.name);
    if (!path->ns.n && (!l || l->kind != LOCAL_WORLD))
        wac_fail(w, path->at, NULL, "`%.*s` is not a world that was declared before",
                 STR_ARG(path->name.name));
}

GraphType *wac_world(Wac *w, const AstBody *body)
{
    /* Its types are names for what follows, so they are looked up like those of an interface. */
    Names n = {.w = w, .in = gtypes_new(&w->g->types, CT_INSTANCE)};
    Names exports = {.w = w, .in = gtypes_new(&w->g->types, CT_COMPONENT)};
    for (u32 i = 0; i < body->nitems && !w->error; i++) {
        const AstItem *item = &body->items[i];
        if (item->kind == AST_USE) {
            add_use(&n, &item->use);
        } else if (item->kind == AST_INCLUDE) {
            include_world(w, &item->use.from);
        } else if (item->kind == AST_TYPEDEF) {
            GraphExtern e = {item->type.name.name, SORT_TYPE, item->type.kind == WIT_RESOURCE,
                             define(&n, &item->type)};
            add_export(&n, item->type.name, e);
        } else if (item->kind == AST_EXTERN) {
            AstId at = {.at = item->at};
            add_export(item->ext.is_export ? &exports : &n, at, world_extern(&n, &item->ext));
        }
    }
    return exports.in;
}
