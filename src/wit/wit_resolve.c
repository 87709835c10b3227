/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* WIT resolver: input, packages, names of interfaces and worlds, their order. */
#include "wit/wit_resolve_priv.h"

#include "wasm/text/text.h"

#include <stdarg.h>
#include <stdlib.h>

WitInput *wit_input_new(void)
{
    WitInput *in = mem_alloc(sizeof *in);
    arena_init(&in->arena);
    return in;
}

void wit_input_free(WitInput *in)
{
    if (!in)
        return;
    vec_release(&in->files);
    arena_release(&in->arena);
    mem_free(in);
}

Error *wit_input_add(WitInput *in, u32 group, Str path, Str text)
{
    return wit_input_add_spare(in, group, path, text, (Str){0});
}

Error *wit_input_add_spare(WitInput *in, u32 group, Str path, Str text, Str package)
{
    if (in->files.n >= WIT_LIMIT_FILES)
        return error_new("more than %u WIT files", (u32)WIT_LIMIT_FILES);
    if (text.n > WIT_LIMIT_SOURCE || in->bytes + text.n > WIT_LIMIT_TOTAL)
        return error_new("WIT file %.*s is too large", STR_ARG(path));
    in->bytes += text.n;
    InputFile f = {{arena_strdup(&in->arena, path), path.n},
                   {arena_strdup(&in->arena, text), text.n},
                   group,
                   {arena_strdup(&in->arena, package), package.n}};
    vec_push(&in->files, f);
    return NULL;
}

/* The error with the place in its file. */
static Error *place_error(const Resolver *r, u32 at, const char *msg)
{
    const WitModel *m = r->m;
    u32 i = 0;
    while (i + 1 < m->nsources && m->sources[i + 1].start <= at)
        i++;
    if (m->nsources == 0)
        return error_new("%s", msg);
    const WitSource *s = &m->sources[i];
    Diag d;
    diag_init(&d);
    diag_set(&d, DIAG_INVALID, at - s->start, "%s", msg);
    char *path = mem_strdup_n(s->path.p, s->path.n);
    Error *e = text_error(path, s->text, &d);
    mem_free(path);
    return e;
}

void res_fail(Resolver *r, u32 at, const char *fmt, ...)
{
    if (r->error)
        return;
    Buf b = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    char *msg = buf_take_string(&b);
    r->error = place_error(r, at, msg);
    mem_free(msg);
}

void res_fail_two(Resolver *r, u32 at, u32 other, const char *other_is, const char *fmt, ...)
{
    if (r->error)
        return;
    Buf b = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    char *msg = buf_take_string(&b);
    Error *first = place_error(r, at, msg), *second = place_error(r, other, other_is);
    r->error = error_new("%s\n%s", first->message, second->message);
    error_free(first);
    error_free(second);
    mem_free(msg);
}

Str res_format(Resolver *r, const char *fmt, ...)
{
    Buf b = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    Str s = {arena_strdup(&r->m->arena, (Str){(const char *)b.p, b.n}), b.n};
    buf_release(&b);
    return s;
}

Str res_lower(Resolver *r, Str name)
{
    char *p = arena_strdup(&r->m->arena, name);
    for (usize i = 0; i < name.n; i++)
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] = (char)(p[i] + ('a' - 'A'));
    return (Str){p, name.n};
}

typedef struct GraphFrame {
    u32 node, next; /* next: the need to look at */
} GraphFrame;

static int compare_ids(const void *a, const void *b)
{
    WitId x = *(const WitId *)a, y = *(const WitId *)b;
    return x < y ? -1 : x > y;
}

void res_sort_ids(WitId *ids, u32 n)
{
    if (n)
        qsort(ids, n, sizeof *ids, compare_ids);
}

bool wit_graph_sort(const WitGraph *g, const u32 *roots, u32 n, u32 *ret_order, u32 *ret_cycle)
{
    enum { NEW, OPEN, DONE };
    u8 *state = mem_alloc(n + 1);
    VEC(GraphFrame) stack = {0};
    u32 done = 0;
    bool ok = true;
    for (u32 i = 0; i < n && ok; i++) {
        u32 root = roots ? roots[i] : i;
        if (state[root] != NEW)
            continue;
        vec_push(&stack, ((GraphFrame){root, g->first.p[root]}));
        state[root] = OPEN;
        while (stack.n && ok) {
            GraphFrame *f = &stack.p[stack.n - 1];
            if (f->next == g->first.p[f->node + 1]) {
                state[f->node] = DONE;
                ret_order[done++] = f->node;
                stack.n--;
                continue;
            }
            u32 need = g->to.p[f->next++];
            if (state[need] == OPEN) {
                *ret_cycle = need;
                ok = false;
            } else if (state[need] == NEW) {
                vec_push(&stack, ((GraphFrame){need, g->first.p[need]}));
                state[need] = OPEN;
            }
        }
    }
    vec_release(&stack);
    mem_free(state);
    return ok;
}

bool res_gate(Resolver *r, const WitGate *g, u32 package, u32 at)
{
    const ResPackage *p = &r->packages.p[package];
    if (g->feature.n) {
        for (u32 i = 0; i < r->options->nfeatures; i++)
            if (str_eq(r->options->features[i], g->feature))
                return true;
        return r->options->all_features;
    }
    if (!g->since.text.n)
        return true;
    if (!p->path.version.text.n)
        res_fail(r, at, "an item has a version in its gate, but package `%.*s` has no version",
                 STR_ARG(p->full));
    else if (wit_version_compare(&g->since, &p->path.version) > 0)
        res_fail(r, at, "version %.*s in a gate is newer than the package `%.*s`",
                 STR_ARG(g->since.text), STR_ARG(p->full));
    return true;
}

static Str package_full(Resolver *r, const AstPath *path)
{
    if (!path->version.text.n)
        return res_format(r, "%.*s:%.*s", STR_ARG(path->ns), STR_ARG(path->pkg));
    return res_format(r, "%.*s:%.*s@%.*s", STR_ARG(path->ns), STR_ARG(path->pkg),
                      STR_ARG(path->version.text));
}

static u32 add_package(Resolver *r, const AstScope *s)
{
    ResPackage p = {.path = s->package.path,
                    .full = package_full(r, &s->package.path),
                    .group = s->group,
                    .nested = s->nested,
                    .docs = s->package.docs};
    u64 other;
    if (map_get(&r->package_names, p.full, &other))
        res_fail_two(r, p.path.at, r->packages.p[other].path.at, "first defined here",
                     "package `%.*s` is defined twice", STR_ARG(p.full));
    map_add(&r->package_names, p.full, r->packages.n);
    vec_push(&r->packages, p);
    return r->packages.n - 1;
}

static bool same_package(Resolver *r, const AstPath *a, const AstPath *b)
{
    return str_eq(package_full(r, a), package_full(r, b));
}

/* The package of a group: named by at least one of its files, by all in the same way. */
static u32 group_package(Resolver *r, u32 first_scope)
{
    u32 group = r->ast.scopes.p[first_scope].group, found = UINT32_MAX;
    for (u32 i = first_scope; i < r->ast.scopes.n; i++) {
        AstScope *s = &r->ast.scopes.p[i];
        if (s->group != group || s->nested || !s->has_package)
            continue;
        if (found == UINT32_MAX) {
            found = add_package(r, s);
            continue;
        }
        ResPackage *p = &r->packages.p[found];
        if (!same_package(r, &p->path, &s->package.path))
            res_fail_two(r, s->package.path.at, p->path.at, "the package is named here",
                         "package `%.*s` does not match the other files of its folder",
                         STR_ARG(package_full(r, &s->package.path)));
        if (s->package.docs.n && p->docs.n)
            res_fail(r, s->package.path.at, "the package has documentation in two files");
        else if (s->package.docs.n)
            p->docs = s->package.docs;
    }
    return found;
}

static bool scope_has_tops(const Resolver *r, u32 scope)
{
    for (u32 i = 0; i < r->ast.tops.n; i++)
        if (r->ast.tops.p[i].scope == scope)
            return true;
    return false;
}

/* A file that only holds nested packages needs no package of its own. */
static void name_packages(Resolver *r)
{
    Map groups = {0};
    for (u32 i = 0; i < r->ast.scopes.n && !r->error; i++) {
        const AstScope *s = &r->ast.scopes.p[i];
        u32 package;
        if (s->nested) {
            package = add_package(r, s);
        } else {
            u64 known;
            Str key = {arena_dup(&r->m->arena, &s->group, sizeof s->group), sizeof s->group};
            if (!map_get(&groups, key, &known)) {
                known = group_package(r, i);
                map_add(&groups, key, known);
            }
            package = (u32)known;
            if (package == UINT32_MAX && scope_has_tops(r, i))
                res_fail(r, r->m->sources[s->source].start,
                         "no file of this folder begins with the name of the package: `package "
                         "ns:name;`");
        }
        vec_push(&r->scope_package, package);
    }
    map_release(&groups);
}

static void name_tops(Resolver *r)
{
    for (u32 i = 0; i < r->ast.tops.n && !r->error; i++) {
        const AstTop *t = &r->ast.tops.p[i];
        TopInfo info = {r->scope_package.p[t->scope], WIT_NONE};
        if (!res_gate(r, &t->gate, info.package, t->name.at))
            info.id = TOP_DROPPED;
        vec_push(&r->tops, info);
        ResPackage *p = &r->packages.p[info.package];
        Str key = res_lower(r, t->name.name);
        u64 other;
        if (map_get(&p->tops, key, &other))
            res_fail_two(r, t->name.at, r->ast.tops.p[other].name.at, "first defined here",
                         "`%.*s` is defined twice in package `%.*s`", STR_ARG(t->name.name),
                         STR_ARG(p->full));
        map_add(&p->tops, key, i);
        vec_push(&p->order, i);
    }
}

static u32 find_in_package(Resolver *r, u32 package, AstId name, u32 at)
{
    ResPackage *p = &r->packages.p[package];
    u64 top;
    if (map_get(&p->tops, res_lower(r, name.name), &top) &&
        str_eq(r->ast.tops.p[top].name.name, name.name)) {
        if (r->tops.p[top].id != TOP_DROPPED)
            return (u32)top;
        res_fail_two(r, at, r->ast.tops.p[top].name.at, "defined here",
                     "`%.*s` is behind feature `%.*s`, which is not enabled", STR_ARG(name.name),
                     STR_ARG(r->ast.tops.p[top].gate.feature));
        return UINT32_MAX;
    }
    res_fail(r, at, "package `%.*s` has no interface or world `%.*s`", STR_ARG(p->full),
             STR_ARG(name.name));
    return UINT32_MAX;
}

static u32 find_full(Resolver *r, const AstPath *path)
{
    Str full = package_full(r, path);
    u64 package;
    if (map_get(&r->package_names, full, &package))
        return find_in_package(r, (u32)package, path->name, path->at);
    Buf known = {0};
    for (u32 i = 0; i < r->packages.n && known.n < 1000; i++) {
        buf_printf(&known, "%s`", i ? ", " : "");
        buf_str(&known, r->packages.p[i].full);
        buf_printf(&known, "`");
    }
    res_fail(r, path->at, "package `%.*s` not found; there is %.*s", STR_ARG(full), (int)known.n,
             (const char *)known.p);
    buf_release(&known);
    return UINT32_MAX;
}

u32 res_find_top(Resolver *r, u32 scope, const AstPath *path)
{
    const AstScope *s = &r->ast.scopes.p[scope];
    if (path->ns.n)
        return find_full(r, path);
    u64 i;
    if (map_get(&r->scope_names.p[scope], res_lower(r, path->name.name), &i) &&
        str_eq(s->renames[i].to.name, path->name.name)) {
        if (s->paths[i].ns.n)
            return find_full(r, &s->paths[i]);
        return find_in_package(r, r->scope_package.p[scope], s->paths[i].name, s->paths[i].at);
    }
    return find_in_package(r, r->scope_package.p[scope], path->name, path->at);
}

WitId res_find_interface(Resolver *r, u32 scope, const AstPath *path)
{
    u32 top = res_find_top(r, scope, path);
    if (top == UINT32_MAX)
        return WIT_NONE;
    const AstTop *t = &r->ast.tops.p[top];
    if (t->is_world) {
        res_fail_two(r, path->at, t->name.at, "defined here", "`%.*s` is a world, not an interface",
                     STR_ARG(t->name.name));
        return WIT_NONE;
    }
    ALWAYS(r->tops.p[top].id < r->interfaces.n || r->error); /* sorted before it is used */
    return r->error ? WIT_NONE : r->tops.p[top].id;
}

static void check_used_top(Resolver *r, u32 scope, const AstPath *path)
{
    u32 top = path->ns.n ? find_full(r, path)
                         : find_in_package(r, r->scope_package.p[scope], path->name, path->at);
    if (path->ns.n && top != UINT32_MAX && r->ast.tops.p[top].is_world)
        res_fail_two(r, path->at, r->ast.tops.p[top].name.at, "defined here",
                     "`%.*s` is a world; only interfaces of packages can be used",
                     STR_ARG(path->name.name));
}

/* Names that top-level `use` gives must be new in their file, and lead somewhere. */
static void check_scopes(Resolver *r)
{
    for (u32 i = 0; i < r->ast.scopes.n && !r->error; i++) {
        const AstScope *s = &r->ast.scopes.p[i];
        Map names = {0};
        for (u32 j = 0; j < s->nrenames && !r->error; j++) {
            u64 other;
            Str key = res_lower(r, s->renames[j].to.name);
            if (map_get(&names, key, &other))
                res_fail_two(r, s->renames[j].to.at, s->renames[other].to.at, "first used here",
                             "`%.*s` is used twice", STR_ARG(s->renames[j].to.name));
            map_add(&names, key, j);
            if (r->scope_package.p[i] == UINT32_MAX)
                continue;
            u64 top;
            if (map_get(&r->packages.p[r->scope_package.p[i]].tops, key, &top) &&
                r->ast.tops.p[top].scope == i)
                res_fail_two(r, s->renames[j].to.at, r->ast.tops.p[top].name.at, "defined here",
                             "`%.*s` is used, but this file defines it",
                             STR_ARG(s->renames[j].to.name));
            check_used_top(r, i, &s->paths[j]);
        }
        vec_push(&r->scope_names, names);
    }
}

static void add_need(Resolver *r, WitGraph *g, u32 scope, const AstPath *path)
{
    u32 top = res_find_top(r, scope, path);
    if (top != UINT32_MAX)
        vec_push(&g->to, top);
}

static void body_needs(Resolver *r, WitGraph *g, const AstBody *b, u32 scope)
{
    for (u32 i = 0; i < b->nitems && !r->error; i++) {
        const AstItem *item = &b->items[i];
        if (!res_gate(r, &item->gate, r->scope_package.p[scope], item->at))
            continue;
        if (item->kind == AST_USE || item->kind == AST_INCLUDE)
            add_need(r, g, scope, &item->use.from);
        else if (item->kind == AST_EXTERN && item->ext.kind == AST_EXTERN_PATH)
            add_need(r, g, scope, &item->ext.path);
        else if (item->kind == AST_EXTERN && item->ext.kind == AST_EXTERN_INLINE)
            body_needs(r, g, &item->ext.body, scope);
    }
}

static void build_interface_top(Resolver *r, u32 top)
{
    const AstTop *t = &r->ast.tops.p[top];
    TopInfo *info = &r->tops.p[top];
    const ResPackage *p = &r->packages.p[info->package];
    WitId id = res_build_interface(r, &t->body, info->package, t->scope);
    WitInterface *i = &r->interfaces.p[id];
    i->name = t->name.name;
    i->docs = t->docs;
    i->gate = t->gate;
    i->at = t->name.at;
    i->full = p->path.version.text.n
                  ? res_format(r, "%.*s:%.*s/%.*s@%.*s", STR_ARG(p->path.ns), STR_ARG(p->path.pkg),
                               STR_ARG(i->name), STR_ARG(p->path.version.text))
                  : res_format(r, "%.*s/%.*s", STR_ARG(p->full), STR_ARG(i->name));
    info->id = id;
}

/* Interfaces first: an order that depends less on where worlds stand. */
static u32 *top_roots(const Resolver *r)
{
    u32 *roots = mem_alloc_array((usize)r->tops.n + 1, sizeof *roots), n = 0;
    for (u32 worlds = 0; worlds < 2; worlds++)
        for (u32 i = 0; i < r->tops.n; i++)
            if (r->ast.tops.p[i].is_world == (worlds == 1))
                roots[n++] = i;
    return roots;
}

/* Types of what is behind a feature that is off must be behind one, too. */
static void check_dropped(Resolver *r, u32 top)
{
    const AstTop *t = &r->ast.tops.p[top];
    for (u32 i = 0; i < t->body.nitems && !r->error; i++) {
        const AstItem *item = &t->body.items[i];
        if ((item->kind == AST_TYPEDEF || (item->kind == AST_USE && item->use.nnames)) &&
            res_gate(r, &item->gate, r->tops.p[top].package, item->at))
            res_fail_two(r, item->at, t->name.at, "here",
                         "this type is behind no feature, but `%.*s` is, which is not enabled",
                         STR_ARG(t->name.name));
    }
}

static void build_tops(Resolver *r)
{
    WitGraph g = {0};
    u32 n = r->tops.n, cycle = 0;
    u32 *order = mem_alloc_array((usize)n + 1, sizeof *order), *roots = top_roots(r);
    for (u32 i = 0; i < n; i++) {
        vec_push(&g.first, g.to.n);
        if (r->tops.p[i].id != TOP_DROPPED)
            body_needs(r, &g, &r->ast.tops.p[i].body, r->ast.tops.p[i].scope);
        else
            check_dropped(r, i);
    }
    vec_push(&g.first, g.to.n);
    if (!r->error && !wit_graph_sort(&g, roots, n, order, &cycle))
        res_fail(r, r->ast.tops.p[cycle].name.at, "`%.*s` depends on itself",
                 STR_ARG(r->ast.tops.p[cycle].name.name));
    for (u32 i = 0; i < n && !r->error; i++) {
        u32 top = order[i];
        if (r->tops.p[top].id == TOP_DROPPED)
            continue;
        if (r->ast.tops.p[top].is_world)
            res_build_world(r, top);
        else
            build_interface_top(r, top);
    }
    vec_release(&g.first);
    vec_release(&g.to);
    mem_free(order);
    mem_free(roots);
}

static void finish_package(Resolver *r, const ResPackage *p, WitPackage *out)
{
    VEC(WitId) interfaces = {0}, worlds = {0};
    for (u32 i = 0; i < p->order.n; i++) {
        u32 top = p->order.p[i];
        WitId id = r->tops.p[top].id;
        if (id == TOP_DROPPED)
            continue;
        if (r->ast.tops.p[top].is_world)
            vec_push(&worlds, id);
        else
            vec_push(&interfaces, id);
    }
    res_sort_ids(interfaces.p, interfaces.n);
    res_sort_ids(worlds.p, worlds.n);
    *out = (WitPackage){.ns = p->path.ns,
                        .name = p->path.pkg,
                        .version = p->path.version,
                        .full = p->full,
                        .docs = p->docs,
                        .at = p->path.at};
    ARENA_LIST(&r->m->arena, &interfaces, &out->interfaces, &out->ninterfaces);
    ARENA_LIST(&r->m->arena, &worlds, &out->worlds, &out->nworlds);
}

static void finish_model(Resolver *r)
{
    WitModel *m = r->m;
    m->packages = arena_array(&m->arena, WitPackage, r->packages.n);
    m->npackages = r->packages.n;
    for (u32 i = 0; i < r->packages.n; i++)
        finish_package(r, &r->packages.p[i], &m->packages[i]);
    ARENA_LIST(&m->arena, &r->interfaces, &m->interfaces, &m->ninterfaces);
    ARENA_LIST(&m->arena, &r->worlds, &m->worlds, &m->nworlds);
    ARENA_LIST(&m->arena, &r->types, &m->types, &m->ntypes);
    ARENA_LIST(&m->arena, &r->funcs, &m->funcs, &m->nfuncs);
    for (u32 i = m->npackages; i-- > 0;)
        if (r->packages.p[i].group == r->in->files.p[0].group &&
            (!r->packages.p[i].nested || m->root == WIT_NONE || r->packages.p[m->root].nested))
            m->root = i;
}

static bool has_package(Resolver *r, Str full)
{
    for (u32 i = 0; i < r->ast.scopes.n; i++) {
        const AstScope *s = &r->ast.scopes.p[i];
        if ((s->has_package || s->nested) && str_eq(package_full(r, &s->package.path), full))
            return true;
    }
    return false;
}

static void parse_files(Resolver *r)
{
    WitModel *m = r->m;
    u32 start = 0;
    m->sources = arena_array(&m->arena, WitSource, r->in->files.n);
    for (u32 i = 0; i < r->in->files.n && !r->error; i++) {
        const InputFile *f = &r->in->files.p[i];
        if (f->spare.n && has_package(r, f->spare))
            continue;
        WitSource *s = &m->sources[m->nsources++];
        *s = (WitSource){{arena_strdup(&m->arena, f->path), f->path.n},
                         {arena_strdup(&m->arena, f->text), f->text.n},
                         start};
        Diag d;
        diag_init(&d);
        wit_parse(&r->ast, s->text, start, m->nsources - 1, f->group, &d);
        if (!diag_ok(&d))
            res_fail(r, (u32)d.offset, "%s", d.msg);
        start += (u32)f->text.n + 1;
    }
}

static void resolver_release(Resolver *r)
{
    for (u32 i = 0; i < r->packages.n; i++) {
        map_release(&r->packages.p[i].tops);
        vec_release(&r->packages.p[i].order);
    }
    vec_release(&r->packages);
    map_release(&r->package_names);
    vec_release(&r->tops);
    vec_release(&r->scope_package);
    for (u32 i = 0; i < r->scope_names.n; i++)
        map_release(&r->scope_names.p[i]);
    for (u32 i = 0; i < r->type_names.n; i++)
        map_release(&r->type_names.p[i]);
    vec_release(&r->scope_names);
    vec_release(&r->type_names);
    vec_release(&r->interfaces);
    vec_release(&r->worlds);
    vec_release(&r->types);
    vec_release(&r->funcs);
    vec_release(&r->ast.scopes);
    vec_release(&r->ast.tops);
}

static void add_primitives(Resolver *r)
{
    for (u32 k = 0; k < WIT_PRIMITIVES; k++) {
        WitType t = {
            .kind = (WitKind)k, .elem = WIT_NONE, .second = WIT_NONE, .depth = 1, .size = 1};
        vec_push(&r->types, t);
    }
}

Error *wit_resolve(WitInput *in, const WitOptions *o, WitModel **ret_model)
{
    static const WitOptions none = {0};
    if (in->files.n == 0)
        return error_new("there are no WIT files");
    WitModel *m = mem_alloc(sizeof *m);
    arena_init(&m->arena);
    m->root = WIT_NONE;
    Resolver r = {.in = in, .options = o ? o : &none, .m = m, .ast = {.arena = &m->arena}};
    add_primitives(&r);
    parse_files(&r);
    if (!r.error)
        name_packages(&r);
    if (!r.error)
        name_tops(&r);
    if (!r.error)
        check_scopes(&r);
    if (!r.error)
        build_tops(&r);
    if (!r.error)
        finish_model(&r);
    if (!r.error && m->root == WIT_NONE)
        res_fail(&r, 0, "no package here: expected `package ns:name;`");
    resolver_release(&r);
    if (r.error) {
        wit_free(m);
        return r.error;
    }
    *ret_model = m;
    return NULL;
}

void wit_free(WitModel *m)
{
    if (!m)
        return;
    arena_release(&m->arena);
    mem_free(m);
}
