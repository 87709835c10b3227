/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What the imports and exports of core modules stand for, by the names that bindings generators
 * give them: an import's module is an interface (or `$root`, `[export]` in front for what belongs
 * to an exported one), an export is `interface#function`.
 *
 * The standard names are different: all begin with `cm32p2`, imports come from `cm32p2|interface`
 * (`cm32p2` for the world, `cm32p2|_ex_interface` for what belongs to an exported one), an export
 * is `cm32p2|interface|function`, with `_post` behind the function that is called after it. An
 * interface's version there is cut to what is compatible.
 */
#include "wit/wrap/wrap_parts.h"

#define MAIN_MODULE "__main_module__"
#define STANDARD "cm32p2"

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
    w->imported = arena_alloc(&w->arena, (usize)w->m->ninterfaces + 1);
    w->exported = arena_alloc(&w->arena, (usize)w->m->ninterfaces + 1);
    for (u32 i = 0; i < world->nimports; i++) {
        const WitWorldItem *item = &world->imports[i];
        if (item->name.n)
            map_add(&w->items[0], item->name, i);
        else
            map_add(&w->tracks[0], track_of(w, w->m->interfaces[item->id].full), item->id);
        if (item->kind == WIT_ITEM_INTERFACE)
            w->imported[item->id] = 1;
    }
    for (u32 i = 0; i < world->nexports; i++) {
        const WitWorldItem *item = &world->exports[i];
        if (item->name.n)
            map_add(&w->items[1], item->name, i);
        else
            map_add(&w->tracks[1], track_of(w, w->m->interfaces[item->id].full), item->id);
        if (item->kind == WIT_ITEM_INTERFACE)
            w->exported[item->id] = 1;
    }
}

/*
 * The interface that a core name means. It may have a version that no world names: code of one
 * release linked with bindings of the next. That means what is compatible.
 */
static bool find_interface(Wrap *w, bool exported, Str name, WitId *ret_interface)
{
    u64 found;
    if (map_get(&w->items[exported], name, &found)) {
        const WitWorldItem *i = exported ? &w->world->exports[found] : &w->world->imports[found];
        *ret_interface = i->id;
        return i->kind == WIT_ITEM_INTERFACE;
    }
    const u8 *there = exported ? w->exported : w->imported;
    if ((!map_get(&w->names, name, &found) || !there[found]) &&
        !map_get(&w->tracks[exported], track_of(w, name), &found))
        return false;
    *ret_interface = (WitId)found;
    return true;
}

/* ---- exports ---- */

const Export *wrap_standard_export(const CoreSource *c, StandardExport which)
{
    static const struct {
        const char *name, *standard;
        ExternKind kind;
    } exports[] = {[CORE_MEMORY_EXPORT] = {"memory", STANDARD "_memory", EXTERN_MEMORY},
                   [CORE_REALLOC] = {"cabi_realloc", STANDARD "_realloc", EXTERN_FUNC},
                   [CORE_INITIALIZE] = {"_initialize", STANDARD "_initialize", EXTERN_FUNC}};
    ExternKind kind = exports[which].kind;
    const Export *e = wrap_core_export(c, str_of(exports[which].name), kind);
    return e ? e : wrap_core_export(c, str_of(exports[which].standard), kind);
}

static bool strip(Str *s, Str prefix)
{
    if (!str_starts(*s, prefix))
        return false;
    s->p += prefix.n;
    s->n -= prefix.n;
    return true;
}

static bool strip_end(Str *s, Str end)
{
    if (s->n < end.n || memcmp(s->p + s->n - end.n, end.p, end.n) != 0)
        return false;
    s->n -= end.n;
    return true;
}

/* `name` is behind "cm32p2|". */
static void index_standard_export(Wrap *w, CoreSource *c, u32 index, Str name)
{
    const char *bar = memchr(name.p, '|', name.n);
    WitId interface = WIT_NONE;
    if (!bar)
        return;
    Str before = {name.p, (usize)(bar - name.p)};
    if (before.n && !find_interface(w, true, before, &interface))
        return;
    name.n -= before.n + 1;
    name.p = bar + 1;
    const char *prefix = strip_end(&name, STR("_post")) ? "post" : "";
    const char *mark = strip_end(&name, STR("_dtor")) ? "[dtor]" : "";
    map_add(&c->exports, wrap_format(w, "%s%u#%s%.*s", prefix, interface, mark, STR_ARG(name)),
            index);
}

static void index_export(Wrap *w, CoreSource *c, u32 index)
{
    Str name = c->m->exports[index].name;
    WitId interface = WIT_NONE;
    if (strip(&name, STR(STANDARD "|"))) {
        index_standard_export(w, c, index, name);
        return;
    }
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
static bool find_builtin(Wrap *w, WitId interface, bool exported, bool standard, Str name,
                         CoreImport *ret)
{
    static const struct {
        const char *prefix, *end;
        CoreUse use;
    } builtins[] = {{"[resource-drop]", "_drop", USE_DROP},
                    {"[resource-new]", "_new", USE_NEW},
                    {"[resource-rep]", "_rep", USE_REP}};
    for (u32 i = 0; i < ARRAY_LEN(builtins); i++) {
        Str rest = name;
        if (standard ? !strip_end(&rest, str_of(builtins[i].end))
                     : !strip(&rest, str_of(builtins[i].prefix)))
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
    bool standard = str_eq(module, STR(STANDARD)) || strip(&module, STR(STANDARD "|"));
    bool exported = strip(&module, standard ? STR("_ex_") : STR("[export]"));
    bool root = str_eq(module, standard ? STR(STANDARD) : STR("$root"));
    if (!root && !find_interface(w, exported, module, &interface))
        return false;
    if (find_builtin(w, interface, exported, standard, name, ret))
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
    bool realloc = str_eq(i->name, STR("cabi_realloc"));
    const Export *e = !realloc                    ? wrap_core_export(main, i->name, EXTERN_FUNC)
                      : w->options->adapters_grow ? NULL
                                                  : wrap_standard_export(main, CORE_REALLOC);
    ret->use = e ? USE_MAIN : USE_REALLOC;
    ret->export = e ? (u32)(e - main->m->exports) : 0;
    return e || realloc;
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
