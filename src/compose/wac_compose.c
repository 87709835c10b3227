/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * WAC from the top down: each statement adds to the graph, or a name to the locals. Expressions are
 * items of the graph; the parser bounds how deep they nest.
 */
#include "compose/wac_priv.h"

#include "wasm/text/text.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- errors and names ---- */

void wac_fail(Wac *w, u32 at, Error *cause, const char *fmt, ...)
{
    if (w->error) {
        error_free(cause);
        return;
    }
    Diag diag;
    va_list ap;
    diag_init(&diag);
    diag.kind = DIAG_INVALID;
    diag.offset = at;
    va_start(ap, fmt);
    vsnprintf(diag.msg, sizeof diag.msg, fmt, ap);
    va_end(ap);
    Error *placed = text_error(w->path, w->text, &diag);
    w->error = cause ? error_wrap(cause, "%s", placed->message) : placed;
    if (cause)
        error_free(placed);
}

Str wac_format(Wac *w, const char *fmt, ...)
{
    Buf b = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    Str s = {arena_strdup(&w->arena, (Str){(const char *)b.p, b.n}), b.n};
    buf_release(&b);
    return s;
}

bool wac_is_own(const Wac *w, const WacPackage *k)
{
    return str_eq(k->name, w->doc.package.name) &&
           (!k->version.text.n || str_eq(k->version.text, w->doc.package.version.text));
}

const WacLocal *wac_local(Wac *w, Str name)
{
    u64 at;
    return map_get(&w->local_names, name, &at) ? &w->locals.p[at] : NULL;
}

static void add_local(Wac *w, WacLocal l)
{
    if (w->error)
        return;
    const WacLocal *other = wac_local(w, l.id.name);
    if (other) {
        TextPos pos = text_pos(w->text, other->id.at);
        wac_fail(w, l.id.at, NULL, "`%.*s` is defined already, in line %u", STR_ARG(l.id.name),
                 pos.line);
        return;
    }
    map_add(&w->local_names, l.id.name, w->locals.n);
    vec_push(&w->locals, l);
}

static GraphItem *local_item(Wac *w, AstId id)
{
    const WacLocal *l = wac_local(w, id.name);
    if (!l)
        wac_fail(w, id.at, NULL, "`%.*s` has not been defined", STR_ARG(id.name));
    return l ? l->item : NULL;
}

/* ---- names of interfaces by their last part ---- */

enum { AMBIGUOUS = UINT32_MAX };

/* Exports or imports by their names, and by what stands behind the slash of a path. */
typedef struct ByName {
    Map names, ends;
} ByName;

static Str path_end(Str name)
{
    const char *slash = memchr(name.p, '/', name.n);
    if (!slash)
        return (Str){0};
    Str end = {slash + 1, name.n - (usize)(slash + 1 - name.p)};
    const char *at = memchr(end.p, '@', end.n);
    if (at)
        end.n = (usize)(at - end.p);
    return end;
}

static ByName by_name(const GraphExtern *list, u32 n)
{
    ByName b = {0};
    for (u32 i = 0; i < n; i++) {
        Str end = path_end(list[i].name);
        map_add(&b.names, list[i].name, i);
        if (end.n && !map_add(&b.ends, end, i))
            map_set(&b.ends, end, AMBIGUOUS);
    }
    return b;
}

static void by_name_release(ByName *b)
{
    map_release(&b->names);
    map_release(&b->ends);
}

/* As an identifier means it: the only path that ends so, otherwise the name itself. */
static bool find_identifier(const ByName *b, Str id, u64 *ret_at)
{
    return (map_get(&b->ends, id, ret_at) && *ret_at != AMBIGUOUS) ||
           map_get(&b->names, id, ret_at);
}

/* ---- expressions ---- */

static GraphItem *evaluate(Wac *w, const WacExpr *e);

static GraphItem *access(Wac *w, const WacExpr *e)
{
    GraphItem *base = evaluate(w, e->base);
    if (!base)
        return NULL;
    if (!graph_is_instance(base)) {
        wac_fail(w, e->base->at, NULL, "this is a %s; only an instance has exports to access",
                 sort_name((Sort)base->ext.sort));
        return NULL;
    }
    const GraphType *t = base->ext.type;
    Str name = e->name.name;
    u64 at;
    if (!e->is_string) {
        ByName b = by_name(t->exports, t->nexports);
        if (find_identifier(&b, name, &at))
            name = t->exports[at].name;
        by_name_release(&b);
    }
    GraphItem *item = graph_alias(w->g, base, name);
    if (!item)
        wac_fail(w, e->name.at, NULL, "the instance has no export `%.*s`", STR_ARG(name));
    return item;
}

/* Which import an argument is for that has only a value's name. */
static bool infer(const ByName *b, const GraphItem *item, Str id, u64 *ret_at)
{
    if (item->ext.sort == SORT_INSTANCE && item->ext.type->name.n &&
        map_get(&b->names, item->ext.type->name, ret_at))
        return true;
    if (item->kind != ITEM_INSTANCE && item->kind != ITEM_DEFINITION &&
        map_get(&b->names, item->ext.name, ret_at))
        return true;
    return find_identifier(b, id, ret_at);
}

static void give(Wac *w, GraphItem *instance, const WacArg *arg, u32 import, GraphItem *item)
{
    Error *e = graph_give(instance, import, item);
    if (e)
        wac_fail(w, arg->name.at, e, "this argument cannot be taken");
}

static void give_named(Wac *w, GraphItem *instance, const ByName *b, const WacArg *arg)
{
    GraphItem *item =
        arg->kind == WAC_ARG_NAMED ? evaluate(w, arg->value) : local_item(w, arg->name);
    u64 at;
    if (!item)
        return;
    bool found = arg->kind == WAC_ARG_INFERRED ? infer(b, item, arg->name.name, &at)
                 : arg->is_string              ? map_get(&b->names, arg->name.name, &at)
                                               : find_identifier(b, arg->name.name, &at);
    if (found)
        give(w, instance, arg, (u32)at, item);
    else
        wac_fail(w, arg->name.at, NULL, "component `%.*s` has no import `%.*s`",
                 STR_ARG(instance->package->name), STR_ARG(arg->name.name));
}

/* What is not given yet and an export of the instance is named like. */
static void give_spread(Wac *w, GraphItem *instance, const WacArg *arg)
{
    GraphItem *from = local_item(w, arg->name);
    bool any = false;
    if (from && !graph_is_instance(from)) {
        wac_fail(w, arg->name.at, NULL, "`%.*s` is a %s; only an instance can be spread",
                 STR_ARG(arg->name.name), sort_name((Sort)from->ext.sort));
        return;
    }
    for (u32 i = 0; from && i < instance->ext.type->nimports; i++) {
        if (instance->args[i])
            continue;
        GraphItem *item = graph_alias(w->g, from, instance->ext.type->imports[i].name);
        if (item)
            give(w, instance, arg, i, item);
        any |= item != NULL;
    }
    if (from && !any)
        wac_fail(w, arg->name.at, NULL,
                 "`%.*s` has no export that is an import of `%.*s` and not given yet",
                 STR_ARG(arg->name.name), STR_ARG(instance->package->name));
}

static GraphItem *instantiate(Wac *w, const WacExpr *e)
{
    WacLoaded *l = wac_load(w, &e->package);
    GraphItem *instance = NULL;
    if (!l)
        return NULL;
    if (!l->component) {
        wac_fail(w, e->package.at, NULL, "package `%.*s` is WIT, not a component",
                 STR_ARG(l->name));
        return NULL;
    }
    Error *error = graph_instantiate(w->g, l->component, &instance);
    if (error) {
        wac_fail(w, e->at, error, "`%.*s` cannot be instantiated", STR_ARG(l->name));
        return NULL;
    }
    ByName b = by_name(instance->ext.type->imports, instance->ext.type->nimports);
    for (u32 i = 0; i < e->nargs && !w->error; i++)
        if (e->args[i].kind != WAC_ARG_SPREAD)
            give_named(w, instance, &b, &e->args[i]);
    for (u32 i = 0; i < e->nargs && !w->error; i++)
        if (e->args[i].kind == WAC_ARG_SPREAD)
            give_spread(w, instance, &e->args[i]);
    by_name_release(&b);
    error = w->error ? NULL : graph_complete(w->g, instance, e->fill);
    if (error)
        wac_fail(w, e->at, error, "`%.*s` cannot be instantiated so", STR_ARG(l->name));
    return w->error ? NULL : instance;
}

static GraphItem *evaluate(Wac *w, const WacExpr *e)
{
    if (w->error)
        return NULL;
    switch (e->kind) {
    case WAC_NAME:
        return local_item(w, e->name);
    case WAC_ACCESS:
        return access(w, e);
    case WAC_NEW:
        return instantiate(w, e);
    }
    BUG("expression of no kind");
}

/* ---- statements ---- */

enum { MAX_USES = 100 }; /* interfaces that use each other in a chain */

/* Interfaces whose types this one uses are imported, too. */
static void import_homes(Wac *w, u32 at, const GraphType *interface, u32 depth)
{
    if (depth > MAX_USES)
        wac_fail(w, at, NULL, "interfaces use each other more than %u deep", (u32)MAX_USES);
    for (u32 i = 0; i < interface->nexports && !w->error; i++) {
        const GraphExtern *e = &interface->exports[i];
        u64 home;
        if (e->sort != SORT_TYPE || str_eq(e->type->home, interface->name) ||
            !map_get(&w->home_names, e->type->home, &home))
            continue;
        GraphType *t = w->homes.p[home];
        import_homes(w, at, t, depth + 1);
        Error *error =
            graph_need(w->g, (GraphExtern){t->name, SORT_INSTANCE, false, t, false, {0}});
        if (error)
            wac_fail(w, at, error, "the interface `%.*s` that this one uses", STR_ARG(t->name));
    }
}

/* Under a name of its own an interface that was declared has resources of its own. */
static GraphType *fresh_interface(Wac *w, const WacLocal *l)
{
    GraphType *t = wac_interface(w, (Str){"", 0}, l->body);
    if (t)
        t->name = l->type->name;
    return t;
}

static GraphExtern import_type(Wac *w, const WacStatement *s)
{
    const WacLocal *l;
    switch (s->import) {
    case WAC_IMPORT_PATH:
        return (GraphExtern){
            s->path.full, SORT_INSTANCE, false, wac_path_type(w, &s->path, s->has_as), false, {0}};
    case WAC_IMPORT_FUNC:
        return (GraphExtern){s->id.name, SORT_FUNC, false, wac_func(w, &s->func), false, {0}};
    case WAC_IMPORT_INTERFACE:
        return (GraphExtern){
            s->id.name, SORT_INSTANCE, false, wac_interface(w, (Str){"", 0}, &s->body), false, {0}};
    case WAC_IMPORT_ID:
        l = wac_local(w, s->type_id.name);
        if (l && l->kind == LOCAL_INTERFACE)
            return (GraphExtern){l->type->name, SORT_INSTANCE,
                                 false,         s->has_as ? fresh_interface(w, l) : l->type,
                                 false,         {0}};
        if (l && l->kind == LOCAL_TYPE && l->type->kind == CT_FUNC)
            return (GraphExtern){s->id.name, SORT_FUNC, false, l->type, false, {0}};
        if (!l)
            wac_fail(w, s->type_id.at, NULL, "`%.*s` has not been defined",
                     STR_ARG(s->type_id.name));
        break;
    }
    wac_fail(w, s->type_id.at, NULL, "`%.*s` is not an interface", STR_ARG(s->type_id.name));
    return (GraphExtern){0};
}

static void do_import(Wac *w, const WacStatement *s)
{
    GraphExtern e = import_type(w, s);
    GraphItem *item = NULL;
    if (w->error || !e.type)
        return;
    if (e.type->kind == CT_COMPONENT) {
        wac_fail(w, s->path.package.at, NULL,
                 "`%.*s` is a world; an import is an interface or a "
                 "function",
                 STR_ARG(s->path.full));
        return;
    }
    if (s->has_as)
        e.name = s->as.name;
    if (e.sort == SORT_INSTANCE)
        import_homes(w, s->id.at, e.type, 0);
    if (w->error)
        return;
    Error *error = graph_import(w->g, e, &item);
    if (error)
        wac_fail(w, s->has_as ? s->as.at : s->id.at, error, "`%.*s` cannot be imported",
                 STR_ARG(s->id.name));
    else
        add_local(w, (WacLocal){.id = s->id, .kind = LOCAL_ITEM, .item = item});
}

static void export_one(Wac *w, u32 at, Str name, GraphItem *item)
{
    Error *e = graph_export(w->g, name, item);
    if (e)
        wac_fail(w, at, e, "`%.*s` cannot be exported", STR_ARG(name));
}

static void export_all(Wac *w, const WacStatement *s, GraphItem *item)
{
    const GraphType *t = item->ext.type;
    bool any = false;
    if (!graph_is_instance(item)) {
        wac_fail(w, s->expr->at, NULL, "this is a %s; only an instance can be spread",
                 sort_name((Sort)item->ext.sort));
        return;
    }
    for (u32 i = 0; i < t->nexports && !w->error; i++) {
        if (graph_has_export(w->g, t->exports[i].name))
            continue;
        export_one(w, s->expr->at, t->exports[i].name, graph_alias(w->g, item, t->exports[i].name));
        any = true;
    }
    if (!any)
        wac_fail(w, s->expr->at, NULL, "the instance has no exports that are not exported already");
}

static void do_export(Wac *w, const WacStatement *s)
{
    GraphItem *item = evaluate(w, s->expr);
    if (!item)
        return;
    bool has_id = item->ext.sort == SORT_INSTANCE && item->ext.type->name.n;
    if (s->spread)
        export_all(w, s, item);
    else if (s->has_as)
        export_one(w, s->as.at, s->as.name, item);
    else if (has_id)
        export_one(w, s->expr->at, item->ext.type->name, item);
    else if (item->kind == ITEM_DEFINITION)
        wac_fail(w, s->expr->at, NULL,
                 "a type that is declared here is exported: another name is given by "
                 "`export ... as NAME;`");
    else if (item->kind != ITEM_INSTANCE)
        export_one(w, s->expr->at, item->ext.name, item);
    else
        wac_fail(w, s->expr->at, NULL,
                 "an instance that was made here has no name: write `export ... as NAME;`, or "
                 "`export ......;` for all its exports");
}

static void define(Wac *w, WacLocal l, GraphType *type)
{
    Error *e = w->error ? NULL : graph_define(w->g, l.id.name, type, &l.item);
    if (e)
        wac_fail(w, l.id.at, e, "`%.*s` cannot be declared", STR_ARG(l.id.name));
    add_local(w, l);
}

static void do_top(Wac *w, const WacStatement *s)
{
    Str v = w->doc.package.version.text;
    Str full = wac_format(w, "%.*s/%.*s%s%.*s", STR_ARG(w->doc.package.name),
                          STR_ARG(s->top.name.name), v.n ? "@" : "", STR_ARG(v));
    WacLocal l = {.id = s->top.name, .body = &s->top.body};
    l.kind = s->top.is_world ? LOCAL_WORLD : LOCAL_INTERFACE;
    l.type = s->top.is_world ? wac_world(w, &s->top.body) : wac_interface(w, full, &s->top.body);
    GraphType *outer = w->error ? NULL : wac_definition(w, l.id.at, full, l.type);
    Error *e = w->error ? NULL : graph_check_type(w->g, outer);
    if (e)
        wac_fail(w, s->top.name.at, e, "`%.*s` is not valid", STR_ARG(s->top.name.name));
    if (!w->error && !s->top.is_world)
        wac_add_home(w, l.type);
    define(w, l, outer);
}

static void do_type(Wac *w, const WacStatement *s)
{
    WacLocal l = {.id = s->type.name, .kind = LOCAL_TYPE, .type = wac_typedef(w, &s->type)};
    define(w, l, l.type);
}

static void do_statement(Wac *w, const WacStatement *s)
{
    GraphItem *item;
    switch (s->kind) {
    case WAC_IMPORT:
        do_import(w, s);
        break;
    case WAC_LET:
        item = evaluate(w, s->expr);
        if (item)
            add_local(w, (WacLocal){.id = s->id, .kind = LOCAL_ITEM, .item = item});
        break;
    case WAC_EXPORT:
        do_export(w, s);
        break;
    case WAC_TOP:
        do_top(w, s);
        break;
    case WAC_TYPE:
        do_type(w, s);
        break;
    }
}

/* ---- the target ---- */

static const GraphExtern *find_extern(const ByName *b, const GraphExtern *list, Str name)
{
    u64 at;
    return map_get(&b->names, name, &at) ? &list[at] : NULL;
}

/* The world must give what the composition imports, and the composition what the world exports. */
static void check_target(Wac *w, const GraphType *world, GraphType *made)
{
    u32 at = w->doc.target.package.at;
    ByName b = by_name(world->imports, world->nimports);
    Str name = w->doc.target.full;
    for (u32 i = 0; i < made->nimports && !w->error; i++) {
        const GraphExtern *x = &made->imports[i], *f = find_extern(&b, world->imports, x->name);
        Error *e = f ? gtypes_check(&w->g->types, f, x) : NULL;
        if (!f)
            wac_fail(w, at, NULL, "the composition imports `%.*s`, which world `%.*s` does not",
                     STR_ARG(x->name), STR_ARG(name));
        else if (e)
            wac_fail(w, at, e, "the import `%.*s` is not as in world `%.*s`", STR_ARG(x->name),
                     STR_ARG(name));
    }
    by_name_release(&b);
    for (u32 i = 0; i < world->nexports && !w->error; i++) {
        const GraphExtern *x = &world->exports[i], *f = gtypes_export(&w->g->types, made, x->name);
        Error *e = f ? gtypes_check(&w->g->types, f, x) : NULL;
        if (!f)
            wac_fail(w, at, NULL, "the composition does not export `%.*s`, which world `%.*s` does",
                     STR_ARG(x->name), STR_ARG(name));
        else if (e)
            wac_fail(w, at, e, "the export `%.*s` is not as in world `%.*s`", STR_ARG(x->name),
                     STR_ARG(name));
    }
}

/* Of a package, or a world that this text declares. */
static GraphType *target_world(Wac *w)
{
    const WacPath *t = &w->doc.target;
    const WacLocal *l = wac_local(w, t->name.name);
    if (!wac_is_own(w, &t->package))
        return wac_path_type(w, t, false);
    if (!l || l->kind == LOCAL_ITEM)
        wac_fail(w, t->name.at, NULL, "this text declares no world `%.*s`", STR_ARG(t->name.name));
    return l && l->kind != LOCAL_ITEM ? l->type : NULL;
}

static void check_result(Wac *w, const Buf *bytes)
{
    Buf copy = {0};
    GraphPackage *made = NULL;
    GraphType *world = target_world(w);
    if (!world)
        return;
    if (world->kind != CT_COMPONENT) {
        wac_fail(w, w->doc.target.name.at, NULL, "`%.*s` is not a world",
                 STR_ARG(w->doc.target.full));
        return;
    }
    buf_bytes(&copy, bytes->p, bytes->n);
    Error *e = graph_add_package(w->g, STR("composition"), &copy, &made);
    if (e)
        wac_fail(w, w->doc.target.package.at, e, "the composition");
    else
        check_target(w, world, made->type);
}

/* ---- all of it ---- */

static void run(Wac *w, Buf *out)
{
    Diag diag;
    diag_init(&diag);
    if (!wac_parse(w->text, &w->arena, &w->doc, &diag)) {
        w->error = text_error(w->path, w->text, &diag);
        return;
    }
    for (u32 i = 0; i < w->doc.nstatements && !w->error; i++)
        do_statement(w, &w->doc.statements[i]);
    if (w->error)
        return;
    w->error = graph_encode(w->g, out);
    if (!w->error && w->doc.has_target)
        check_result(w, out);
}

Error *wac_compose(const char *path, Str text, const WacOptions *o, Buf *ret_bytes)
{
    Wac w = {.g = graph_new(), .path = path, .text = text, .options = o};
    Buf out = {0};
    arena_init(&w.arena);
    run(&w, &out);
    if (!w.error)
        buf_bytes(ret_bytes, out.p, out.n);
    buf_release(&out);
    for (u32 i = 0; i < w.loaded.n; i++)
        wac_unload(w.loaded.p[i]);
    vec_release(&w.loaded);
    vec_release(&w.locals);
    vec_release(&w.homes);
    map_release(&w.local_names);
    map_release(&w.loaded_names);
    map_release(&w.home_names);
    graph_free(w.g);
    arena_release(&w.arena);
    return w.error;
}
