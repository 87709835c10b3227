/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What the imports and exports of core modules stand for, by the names that bindings generators
 * give them: an import's module is an interface (or `$root`, `[export]` in front for what belongs
 * to an exported one), an export is `interface#function`.
 */
#include "wit/wrap/wrap_parts.h"

#define MAIN_MODULE "__main_module__"

static void index_members(Wrap *w)
{
    for (u32 i = 0; i < w->m->ninterfaces; i++) {
        const WitInterface *in = &w->m->interfaces[i];
        for (u32 k = 0; k < in->ntypes; k++)
            map_add(&w->members,
                    wrap_format(w, "%u#%.*s", i, STR_ARG(w->m->types[in->types[k]].name)),
                    in->types[k]);
        for (u32 k = 0; k < in->nfuncs; k++)
            map_add(&w->members,
                    wrap_format(w, "%u(%.*s", i, STR_ARG(w->m->funcs[in->funcs[k]].name)),
                    in->funcs[k]);
    }
}

static Str track_of(Wrap *w, Str name)
{
    Buf track = {0};
    extern_name_track(name, &track);
    Str s = {arena_strdup(&w->arena, (Str){(char *)track.p, track.n}), track.n};
    buf_release(&track);
    return s;
}

void wrap_index_world(Wrap *w)
{
    index_members(w);
    const WitWorld *world = w->world;
    w->exported = arena_alloc(&w->arena, (usize)w->m->ninterfaces + 1);
    for (u32 i = 0; i < world->nimports; i++) {
        const WitWorldItem *item = &world->imports[i];
        if (item->name.n)
            map_add(&w->items[0], item->name, i);
        else
            map_add(&w->tracks, track_of(w, w->m->interfaces[item->id].full), item->id);
    }
    for (u32 i = 0; i < world->nexports; i++) {
        const WitWorldItem *item = &world->exports[i];
        if (item->name.n)
            map_add(&w->items[1], item->name, i);
        if (item->kind == WIT_ITEM_INTERFACE)
            w->exported[item->id] = 1;
    }
}

/*
 * The interface that a core name means. An import may have a version that no world names: code of
 * one release linked with bindings of the next. It means what is compatible.
 */
static bool find_interface(Wrap *w, bool exported, Str name, WitId *ret_interface)
{
    u64 found;
    if (map_get(&w->items[exported], name, &found)) {
        const WitWorldItem *i = exported ? &w->world->exports[found] : &w->world->imports[found];
        *ret_interface = i->id;
        return i->kind == WIT_ITEM_INTERFACE;
    }
    if (!map_get(&w->names, name, &found) &&
        (exported || !map_get(&w->tracks, track_of(w, name), &found)))
        return false;
    *ret_interface = (WitId)found;
    return true;
}

/* ---- exports ---- */

static bool strip(Str *s, Str prefix)
{
    if (!str_starts(*s, prefix))
        return false;
    s->p += prefix.n;
    s->n -= prefix.n;
    return true;
}

static void index_export(Wrap *w, CoreSource *c, u32 index)
{
    Str name = c->m->exports[index].name;
    WitId interface = WIT_NONE;
    const char *prefix = strip(&name, STR("cabi_post_")) ? "post" : "";
    const char *hash = memchr(name.p, '#', name.n);
    if (hash) {
        Str before = {name.p, (usize)(hash - name.p)};
        if (!find_interface(w, true, before, &interface))
            return;
        name.n -= before.n + 1;
        name.p = hash + 1;
    }
    map_add(&c->exports, wrap_format(w, "%s%u#%.*s", prefix, interface, STR_ARG(name)), index);
}

void wrap_index_exports(Wrap *w, CoreSource *c)
{
    for (u32 i = 0; i < c->m->nexports; i++)
        if (c->m->exports[i].kind == EXTERN_FUNC)
            index_export(w, c, i);
}

bool wrap_find_export(const Wrap *w, const char *prefix, WitId interface, Str name, u32 *ret_source,
                      u32 *ret_export)
{
    Buf key = {0};
    u64 found = 0;
    bool any = false;
    buf_printf(&key, "%s%u#", prefix, interface);
    buf_str(&key, name);
    for (u32 i = 0; i < w->sources.n && !any; i++) {
        any = map_get(&w->sources.p[i].exports, (Str){(char *)key.p, key.n}, &found);
        if (any)
            *ret_source = i;
    }
    if (any)
        *ret_export = (u32)found;
    buf_release(&key);
    return any;
}

/* ---- imports ---- */

/* Functions have a '(' in front of their names: no type has that. */
static bool find_member(const Wrap *w, WitId interface, const char *mark, Str name, WitId *ret_id)
{
    Buf key = {0};
    u64 found = 0;
    buf_printf(&key, "%u%s", interface, mark);
    buf_str(&key, name);
    bool any = map_get(&w->members, (Str){(char *)key.p, key.n}, &found);
    buf_release(&key);
    if (any)
        *ret_id = (WitId)found;
    return any;
}

static bool find_resource(const Wrap *w, WitId interface, Str name, WitId *ret_type)
{
    u64 item;
    if (interface != WIT_NONE) {
        if (!find_member(w, interface, "#", name, ret_type))
            return false;
    } else {
        if (!map_get(&w->items[0], name, &item) || w->world->imports[item].kind != WIT_ITEM_TYPE)
            return false;
        *ret_type = w->world->imports[item].id;
    }
    return w->m->types[wit_unalias(w->m, *ret_type)].kind == WIT_RESOURCE;
}

static bool find_func(const Wrap *w, WitId interface, Str name, WitId *ret_func)
{
    u64 item;
    if (interface != WIT_NONE)
        return find_member(w, interface, "(", name, ret_func);
    if (!map_get(&w->items[0], name, &item) || w->world->imports[item].kind != WIT_ITEM_FUNC)
        return false;
    *ret_func = w->world->imports[item].id;
    return true;
}

/* A builtin of a resource: `[resource-drop]r`. */
static bool find_builtin(Wrap *w, WitId interface, bool exported, Str name, CoreImport *ret)
{
    static const struct {
        const char *prefix;
        CoreUse use;
    } builtins[] = {
        {"[resource-drop]", USE_DROP}, {"[resource-new]", USE_NEW}, {"[resource-rep]", USE_REP}};
    for (u32 i = 0; i < ARRAY_LEN(builtins); i++) {
        Str rest = name;
        if (!strip(&rest, str_of(builtins[i].prefix)))
            continue;
        if ((builtins[i].use != USE_DROP && !exported) ||
            !find_resource(w, interface, rest, &ret->type))
            return false;
        ret->use = (u8)builtins[i].use;
        ret->exported = exported;
        return true;
    }
    return false;
}

static bool classify_wit(Wrap *w, Str module, Str name, CoreImport *ret)
{
    WitId interface = WIT_NONE;
    bool exported = strip(&module, STR("[export]"));
    bool root = str_eq(module, STR("$root"));
    if (!root && !find_interface(w, exported, module, &interface))
        return false;
    if (find_builtin(w, interface, exported, name, ret))
        return true;
    ret->use = USE_LOWER;
    return !exported && find_func(w, interface, name, &ret->func);
}

/* An adapter's import of the main module, or its memory. */
static bool classify_adapter(Wrap *w, const Import *i, CoreImport *ret)
{
    const CoreSource *main = wrap_main(w);
    if (i->kind == EXTERN_MEMORY) {
        ret->use = USE_MEMORY;
        return true;
    }
    if (!str_eq(i->module, STR(MAIN_MODULE)) || i->kind != EXTERN_FUNC)
        return false;
    const Export *e = wrap_core_export(main, i->name, EXTERN_FUNC);
    ret->use = e ? USE_MAIN : USE_REALLOC;
    ret->export = e ? (u32)(e - main->m->exports) : 0;
    return e || str_eq(i->name, STR("cabi_realloc"));
}

static bool classify_main(Wrap *w, const Import *i, CoreImport *ret)
{
    for (u32 k = 1; k < w->sources.n; k++) {
        const CoreSource *c = &w->sources.p[k];
        const Export *e = wrap_core_export(c, i->name, EXTERN_FUNC);
        if (!str_eq(c->name, i->module) || i->kind != EXTERN_FUNC || !e)
            continue;
        ret->use = USE_ADAPTER;
        ret->source = k;
        ret->export = (u32)(e - c->m->exports);
        return true;
    }
    return false;
}

static bool is_async_builtin(Str name)
{
    static const char *const prefixes[] = {
        "[async",         "[task-",    "[stream-", "[future-",        "[subtask",     "[waitable",
        "[backpressure-", "[context-", "[thread-", "[error-context-", "[cancellable]"};
    for (u32 i = 0; i < ARRAY_LEN(prefixes); i++)
        if (str_starts(name, str_of(prefixes[i])))
            return true;
    return false;
}

static void unknown_import(Wrap *w, const CoreSource *c, const Import *i)
{
    static const char *const kinds[] = {"function", "table", "memory", "global", "tag"};
    Str who = wrap_source_name(c);
    if (i->kind != EXTERN_FUNC)
        wrap_fail(w, "%.*s imports the %s `%.*s` of `%.*s`: a component gives functions only",
                  STR_ARG(who), kinds[i->kind], STR_ARG(i->name), STR_ARG(i->module));
    else if (str_eq(i->module, STR("wasi_snapshot_preview1")))
        wrap_fail(w,
                  "%.*s imports `%.*s` of WASI preview 1 (`wasi_snapshot_preview1`), which "
                  "components do not have; an adapter gives it: "
                  "`--adapt wasi_snapshot_preview1=ADAPTER.wasm`",
                  STR_ARG(who), STR_ARG(i->name));
    else if (str_eq(i->module, STR(MAIN_MODULE)))
        wrap_fail(w, "%.*s needs the function `%.*s` of the module, which does not export it",
                  STR_ARG(who), STR_ARG(i->name));
    else if (is_async_builtin(i->name))
        wrap_fail(w,
                  "%.*s imports `%.*s` of `%.*s`: modules with the asynchronous ABI cannot be "
                  "wrapped yet",
                  STR_ARG(who), STR_ARG(i->name), STR_ARG(i->module));
    else
        wrap_fail(w, "%.*s imports the function `%.*s` of `%.*s`, which is not in its world `%.*s`",
                  STR_ARG(who), STR_ARG(i->name), STR_ARG(i->module), STR_ARG(w->world->full));
}

void wrap_classify_imports(Wrap *w, u32 source)
{
    CoreSource *c = &w->sources.p[source];
    c->imports = arena_array(&w->arena, CoreImport, c->m->nimports);
    for (u32 i = 0; i < c->m->nimports && !w->error; i++) {
        const Import *import = &c->m->imports[i];
        CoreImport r = {.func = WIT_NONE, .type = WIT_NONE, .slot = NO_INDEX};
        bool found = source ? classify_adapter(w, import, &r) : classify_main(w, import, &r);
        if (!found && import->kind == EXTERN_FUNC)
            found = classify_wit(w, import->module, import->name, &r);
        if (!found)
            unknown_import(w, c, import);
        c->imports[i] = r;
    }
}
