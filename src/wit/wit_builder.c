/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * WIT in binary form: from the types of components to a model. Items are added by name, so what
 * several inputs say about one interface ends up in one place. Whether a type is a new one or
 * another name of one that is known is told by where the names in the component come from
 * (CType.origin).
 */
#include "wit/int_map.h"
#include "wit/wit_builder_priv.h"

Str build_str(WitBuilder *b, Str s)
{
    return s.n ? (Str){arena_strdup(&b->m->arena, s), s.n} : (Str){0};
}

Str build_format(WitBuilder *b, const char *fmt, ...)
{
    Buf text = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    Str s = build_str(b, (Str){(char *)text.p, text.n});
    buf_release(&text);
    return s;
}

WitBuilder *wit_builder_new(bool compatible)
{
    WitBuilder *b = mem_alloc(sizeof *b);
    b->compatible = compatible;
    b->m = mem_alloc(sizeof *b->m);
    arena_init(&b->m->arena);
    b->m->root = WIT_NONE;
    for (u32 k = 0; k < WIT_PRIMITIVES; k++)
        vec_push(
            &b->types,
            ((WitType){
                .kind = (WitKind)k, .elem = WIT_NONE, .second = WIT_NONE, .depth = 1, .size = 1}));
    return b;
}

void wit_builder_free(WitBuilder *b)
{
    if (!b)
        return;
    for (u32 i = 0; i < b->interfaces.n; i++) {
        BuildInterface *x = &b->interfaces.p[i];
        vec_release(&x->types);
        vec_release(&x->funcs);
        vec_release(&x->uses);
        map_release(&x->names);
    }
    for (u32 i = 0; i < b->worlds.n; i++) {
        BuildWorld *w = &b->worlds.p[i];
        vec_release(&w->imports);
        vec_release(&w->exports);
        map_release(&w->names[0]);
        map_release(&w->names[1]);
    }
    vec_release(&b->packages);
    vec_release(&b->interfaces);
    vec_release(&b->worlds);
    vec_release(&b->types);
    vec_release(&b->funcs);
    map_release(&b->package_names);
    map_release(&b->interface_names);
    map_release(&b->compatible_names);
    map_release(&b->world_names);
    error_free(b->error);
    wit_free(b->m);
    mem_free(b);
}

WitId build_package(WitBuilder *b, Str ns, Str name, Str version)
{
    Str full = version.n
                   ? build_format(b, "%.*s:%.*s@%.*s", STR_ARG(ns), STR_ARG(name), STR_ARG(version))
                   : build_format(b, "%.*s:%.*s", STR_ARG(ns), STR_ARG(name));
    u64 found;
    if (map_get(&b->package_names, full, &found))
        return (WitId)found;
    WitPackage p = {.ns = build_str(b, ns), .name = build_str(b, name), .full = full};
    if (version.n)
        (void)wit_version_parse(build_str(b, version), &p.version);
    map_add(&b->package_names, full, b->packages.n);
    vec_push(&b->packages, p);
    return b->packages.n - 1;
}

static Str compatible_key(WitBuilder *b, Str ns, Str package, Str name, const WitVersion *v)
{
    Str base = build_format(b, "%.*s:%.*s/%.*s", STR_ARG(ns), STR_ARG(package), STR_ARG(name));
    if (v->pre.n || !v->text.n || (v->major == 0 && v->minor == 0))
        return v->text.n ? build_format(b, "%.*s@%.*s", STR_ARG(base), STR_ARG(v->text)) : base;
    return v->major ? build_format(b, "%.*s@%llu", STR_ARG(base), (unsigned long long)v->major)
                    : build_format(b, "%.*s@0.%llu", STR_ARG(base), (unsigned long long)v->minor);
}

/* A compatible interface that is there takes the higher version. */
static void raise_version(WitBuilder *b, u32 interface, const ExternName *n)
{
    WitInterface *i = &b->interfaces.p[interface].i;
    WitVersion v;
    if (!wit_version_parse(n->version, &v) ||
        wit_version_compare(&v, &b->packages.p[i->package].version) <= 0)
        return;
    i->package = build_package(b, n->ns, n->package, n->version);
    i->full = build_str(b, n->text);
}

WitId build_interface(WitBuilder *b, const ExternName *n, bool import)
{
    u64 found;
    WitVersion v = {0};
    if (map_get(&b->interface_names, n->text, &found))
        return (WitId)found;
    (void)wit_version_parse(n->version, &v);
    Str key = compatible_key(b, n->ns, n->package, n->interface, &v);
    Str full = build_str(b, n->text);
    bool same = b->compatible && import && map_get(&b->compatible_names, key, &found);
    if (same) {
        raise_version(b, (u32)found, n);
    } else {
        WitInterface i = {.name = build_str(b, n->interface),
                          .full = full,
                          .package = build_package(b, n->ns, n->package, n->version)};
        found = b->interfaces.n;
        vec_push(&b->interfaces, ((BuildInterface){.i = i}));
        if (import)
            map_add(&b->compatible_names, key, found);
    }
    map_add(&b->interface_names, full, found);
    return (WitId)found;
}

WitId build_inline(WitBuilder *b, WitId package, WitId original)
{
    WitInterface i = {.package = package, .is_copy = original != WIT_NONE, .original = original};
    vec_push(&b->interfaces, ((BuildInterface){.i = i}));
    return b->interfaces.n - 1;
}

WitId build_world(WitBuilder *b, Str ns, Str package, Str name, Str version)
{
    Str full =
        version.n ? build_format(b, "%.*s:%.*s/%.*s@%.*s", STR_ARG(ns), STR_ARG(package),
                                 STR_ARG(name), STR_ARG(version))
                  : build_format(b, "%.*s:%.*s/%.*s", STR_ARG(ns), STR_ARG(package), STR_ARG(name));
    u64 found;
    if (map_get(&b->world_names, full, &found))
        return (WitId)found;
    BuildWorld w = {.w = {.name = build_str(b, name),
                          .full = full,
                          .package = build_package(b, ns, package, version)}};
    map_add(&b->world_names, full, b->worlds.n);
    vec_push(&b->worlds, w);
    return b->worlds.n - 1;
}

void build_world_item(WitBuilder *b, WitId world, bool export, WitWorldItem item)
{
    BuildWorld *w = &b->worlds.p[world];
    Str key = item.name.n
                  ? item.name
                  : build_format(b, "%u/%.*s", item.id, STR_ARG(b->interfaces.p[item.id].i.full));
    if (!map_add(&w->names[export], key, item.id))
        return;
    if (export)
        vec_push(&w->exports, item);
    else
        vec_push(&w->imports, item);
}

bool build_world_find(const WitBuilder *b, WitId world, bool export, Str name, WitId *ret_id)
{
    u64 found;
    if (!map_get(&b->worlds.p[world].names[export], name, &found))
        return false;
    *ret_id = (WitId)found;
    return true;
}

/* Depth, size and borrows from the parts. */
static void add_facts(const WitBuilder *b, WitType *t, WitId part)
{
    if (part == WIT_NONE)
        return;
    const WitType *p = &b->types.p[part];
    t->depth = MAX(t->depth, p->depth + 1);
    t->size = MIN(t->size + p->size, (u32)WIT_LIMIT_TYPE_SIZE + 1);
    t->has_borrow |= p->has_borrow;
}

WitId build_type(WitBuilder *b, WitType t)
{
    t.depth = 1;
    t.size = 1;
    t.has_borrow = t.kind == WIT_BORROW;
    if (t.kind != WIT_OWN && t.kind != WIT_BORROW) {
        add_facts(b, &t, t.elem);
        add_facts(b, &t, t.second);
    }
    for (u32 i = 0; i < t.nfields; i++)
        add_facts(b, &t, t.fields[i].type);
    if (!b->error && (t.depth > WIT_LIMIT_TYPE_DEPTH || t.size > WIT_LIMIT_TYPE_SIZE))
        b->error = error_new("a type is nested too deep or too big: the limits are %u types in "
                             "types and %u in all",
                             (u32)WIT_LIMIT_TYPE_DEPTH, (u32)WIT_LIMIT_TYPE_SIZE);
    vec_push(&b->types, t);
    return b->types.n - 1;
}

#define ARENA_LIST(arena, vec, ret_array, ret_count)                                               \
    do {                                                                                           \
        *(ret_count) = (vec)->n;                                                                   \
        *(ret_array) = (vec)->n ? arena_dup(arena, (vec)->p, (vec)->n * sizeof *(vec)->p) : NULL;  \
    } while (0)

static void finish_packages(WitBuilder *b)
{
    WitModel *m = b->m;
    ARENA_LIST(&m->arena, &b->packages, &m->packages, &m->npackages);
    u32 n = MAX(m->ninterfaces, m->nworlds);
    for (u32 i = 0; i < m->npackages; i++) {
        m->packages[i].ninterfaces = 0;
        m->packages[i].nworlds = 0;
    }
    for (u32 i = 0; i < m->ninterfaces; i++)
        if (m->interfaces[i].full.n)
            m->packages[m->interfaces[i].package].ninterfaces++;
    for (u32 i = 0; i < m->nworlds; i++)
        m->packages[m->worlds[i].package].nworlds++;
    for (u32 i = 0; i < m->npackages; i++) {
        WitPackage *p = &m->packages[i];
        p->interfaces = arena_array(&m->arena, WitId, p->ninterfaces);
        p->worlds = arena_array(&m->arena, WitId, p->nworlds);
        p->ninterfaces = p->nworlds = 0;
    }
    for (u32 i = 0; i < n; i++) {
        if (i < m->ninterfaces && m->interfaces[i].full.n) {
            WitPackage *p = &m->packages[m->interfaces[i].package];
            p->interfaces[p->ninterfaces++] = i;
        }
        if (i < m->nworlds) {
            WitPackage *p = &m->packages[m->worlds[i].package];
            p->worlds[p->nworlds++] = i;
        }
    }
}

/* The interfaces that a world imports, and what those use. */
static void find_imported(const WitModel *m, const WitWorld *w, IntMap *ret_there)
{
    VEC(WitId) todo = {0};
    for (u32 k = 0; k < w->nimports; k++)
        if (w->imports[k].kind == WIT_ITEM_INTERFACE)
            vec_push(&todo, w->imports[k].id);
    while (todo.n) {
        WitId id = todo.p[--todo.n];
        if (int_map_has(ret_there, id))
            continue;
        int_map_set(ret_there, id, 0);
        for (u32 k = 0; k < m->interfaces[id].nuses; k++)
            vec_push(&todo, m->interfaces[id].uses[k]);
    }
    vec_release(&todo);
}

/* What an exported interface uses is imported, or exported with a smaller number: that is the order
 * in which worlds are encoded. */
MUST_CHECK static Error *check_exports(const WitModel *m, const WitWorld *w)
{
    IntMap imported = {0}, exported = {0};
    Error *e = NULL;
    find_imported(m, w, &imported);
    for (u32 k = 0; k < w->nexports; k++)
        if (w->exports[k].kind == WIT_ITEM_INTERFACE)
            int_map_set(&exported, w->exports[k].id, 0);
    for (u32 k = 0; k < w->nexports && !e; k++) {
        WitId id = w->exports[k].id;
        if (w->exports[k].kind != WIT_ITEM_INTERFACE)
            continue;
        const WitInterface *i = &m->interfaces[id];
        for (u32 n = 0; n < i->nuses && !e; n++) {
            WitId used = i->uses[n];
            if (!int_map_has(&imported, used) && !(int_map_has(&exported, used) && used < id))
                e = error_new("world `%.*s` exports `%.*s`, which uses `%.*s`: the world neither "
                              "imports that nor exports it before",
                              STR_ARG(w->name), STR_ARG(i->full.n ? i->full : i->name),
                              STR_ARG(m->interfaces[used].full));
        }
    }
    int_map_release(&imported);
    int_map_release(&exported);
    return e;
}

Error *wit_builder_finish(WitBuilder *b, WitModel **ret_model, Map *ret_names)
{
    WitModel *m = b->m;
    Error *e = b->error;
    if (!e && !b->packages.n)
        e = error_new("there is no package");
    if (e) {
        b->error = NULL;
        wit_builder_free(b);
        return e;
    }
    m->interfaces = arena_array(&m->arena, WitInterface, b->interfaces.n);
    m->ninterfaces = b->interfaces.n;
    for (u32 i = 0; i < m->ninterfaces; i++) {
        BuildInterface *x = &b->interfaces.p[i];
        ARENA_LIST(&m->arena, &x->types, &x->i.types, &x->i.ntypes);
        ARENA_LIST(&m->arena, &x->funcs, &x->i.funcs, &x->i.nfuncs);
        ARENA_LIST(&m->arena, &x->uses, &x->i.uses, &x->i.nuses);
        m->interfaces[i] = x->i;
    }
    m->worlds = arena_array(&m->arena, WitWorld, b->worlds.n);
    m->nworlds = b->worlds.n;
    for (u32 i = 0; i < m->nworlds; i++) {
        BuildWorld *w = &b->worlds.p[i];
        ARENA_LIST(&m->arena, &w->imports, &w->w.imports, &w->w.nimports);
        ARENA_LIST(&m->arena, &w->exports, &w->w.exports, &w->w.nexports);
        m->worlds[i] = w->w;
    }
    ARENA_LIST(&m->arena, &b->types, &m->types, &m->ntypes);
    ARENA_LIST(&m->arena, &b->funcs, &m->funcs, &m->nfuncs);
    finish_packages(b);
    m->root = b->root;
    b->m = NULL;
    for (u32 i = 0; i < m->nworlds && !e; i++)
        e = check_exports(m, &m->worlds[i]);
    if (e) {
        wit_free(m);
        wit_builder_free(b);
        return e;
    }
    if (ret_names) {
        *ret_names = b->interface_names;
        b->interface_names = (Map){0};
    }
    wit_builder_free(b);
    *ret_model = m;
    return NULL;
}
