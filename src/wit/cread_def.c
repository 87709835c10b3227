/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Instances, aliases, imports and exports of components. */
#include "wit/component_priv.h"

/* ---- sorts and index spaces ---- */

const char *sort_name(Sort s)
{
    static const char *const names[SORT_COUNT] = {
        "func",      "value",      "type",         "component",   "instance",
        "core func", "core table", "core memory",  "core global", "core tag",
        "core type", "module",     "core instance"};
    return names[s];
}

/* The sort of a code, of the core if the first byte is zero; SORT_NONE if there is none. */
static Sort sort_of_codes(u8 code, u8 core_code)
{
    static const u8 plain[] = {[1] = SORT_FUNC,
                               [2] = SORT_VALUE,
                               [3] = SORT_TYPE,
                               [4] = SORT_COMPONENT,
                               [5] = SORT_INSTANCE};
    if (code > 0)
        return code < ARRAY_LEN(plain) ? (Sort)plain[code] : SORT_NONE;
    if (core_code <= EXTERN_TAG)
        return (Sort)(SORT_CORE_FUNC + core_code);
    if (core_code >= 0x10 && core_code <= 0x12)
        return (Sort)(SORT_CORE_TYPE + (core_code - 0x10));
    return SORT_NONE;
}

/* A sort as it is read; who knows what is allowed there looks at it. */
typedef struct SortCode {
    const u8 *at; /* of the last byte */
    u8 code;      /* last byte */
    Sort sort;    /* SORT_NONE: no such sort */
} SortCode;

static SortCode read_sort(CDecoder *d)
{
    SortCode s = {.at = rd(d)->at};
    u8 first = s.code = read_u8(rd(d));
    if (first == 0) {
        s.at = rd(d)->at;
        s.code = read_u8(rd(d));
    }
    s.sort = sort_of_codes(first, s.code);
    return s;
}

static void bad_sort(CDecoder *d, const SortCode *s, const char *what)
{
    read_fail(rd(d), DIAG_MALFORMED, s->at, "invalid leading byte (0x%x) for %s", s->code, what);
}
static_assert(SORT_CORE_MODULE == SORT_CORE_TYPE + 1 && SORT_CORE_INSTANCE == SORT_CORE_TYPE + 2,
              "core sorts are in the order of their codes");

u32 space_count(const Scope *s, Sort sort)
{
    switch (sort) {
    case SORT_FUNC:
        return s->funcs.n;
    case SORT_VALUE:
        return s->values.n;
    case SORT_TYPE:
        return s->types.n;
    case SORT_COMPONENT:
        return s->component_types.n;
    case SORT_INSTANCE:
        return s->instances.n;
    case SORT_CORE_FUNC:
        return s->core_funcs.n;
    case SORT_CORE_TABLE:
        return s->core_tables.n;
    case SORT_CORE_MEMORY:
        return s->core_memories.n;
    case SORT_CORE_GLOBAL:
        return s->core_globals.n;
    case SORT_CORE_TAG:
        return s->core_tags.n;
    case SORT_CORE_TYPE:
        return s->core.ntypes;
    case SORT_CORE_MODULE:
        return s->core_modules.n;
    case SORT_CORE_INSTANCE:
        return s->core_instances.n;
    case SORT_COUNT:
        break;
    }
    return 0;
}

bool index_check(CDecoder *d, const Scope *s, Sort sort, u32 index)
{
    static const char *const nouns[SORT_COUNT] = {
        "function", "value",  "type", "component", "instance", "function", "table",
        "memory",   "global", "tag",  "type",      "module",   "instance"};
    if (ok(d) && index >= space_count(s, sort))
        cfail(d, "unknown %s %u: %s index out of bounds", nouns[sort], index, nouns[sort]);
    return ok(d);
}

u32 cread_index(CDecoder *d, Sort s)
{
    const u8 *at = rd(d)->at;
    u32 index = read_u32(rd(d));
    if (!ok(d))
        return 0;
    d->at = at;
    return index_check(d, d->scope, s, index) ? index : 0;
}

CoreExtern core_item(CDecoder *d, SortIndex item)
{
    const Scope *s = d->scope;
    switch ((Sort)item.sort) {
    case SORT_CORE_FUNC:
        return (CoreExtern){.kind = EXTERN_FUNC, .func = s->core_funcs.p[item.index]};
    case SORT_CORE_TABLE:
        return (CoreExtern){.kind = EXTERN_TABLE, .table = s->core_tables.p[item.index]};
    case SORT_CORE_MEMORY:
        return (CoreExtern){.kind = EXTERN_MEMORY, .memory = s->core_memories.p[item.index]};
    case SORT_CORE_GLOBAL:
        return (CoreExtern){.kind = EXTERN_GLOBAL, .global = s->core_globals.p[item.index]};
    case SORT_CORE_TAG:
        return (CoreExtern){.kind = EXTERN_TAG, .func = s->core_tags.p[item.index]};
    default:
        BUG("no core item");
    }
}

ComponentExtern extern_item(CDecoder *d, SortIndex item)
{
    const Scope *s = d->scope;
    ComponentExtern e = {.sort = item.sort, .type = CT_BOOL};
    switch ((Sort)item.sort) {
    case SORT_FUNC:
        e.type = s->funcs.p[item.index];
        break;
    case SORT_VALUE:
        e.type = s->values.p[item.index];
        break;
    case SORT_TYPE:
        e.type = s->types.p[item.index];
        break;
    case SORT_COMPONENT:
        e.type = s->component_types.p[item.index];
        break;
    case SORT_INSTANCE:
        e.type = s->instances.p[item.index];
        break;
    case SORT_CORE_MODULE:
        e.module = s->core_modules.p[item.index].type;
        break;
    default:
        BUG("no item of a component");
    }
    return e;
}

/* A sort that components import and export, and an index. */
static SortIndex read_extern_index(CDecoder *d)
{
    SortCode s = read_sort(d);
    if (s.sort >= SORT_CORE_FUNC && s.sort != SORT_CORE_MODULE)
        bad_sort(d, &s, "component external kind");
    else if (s.sort == SORT_VALUE)
        read_fail(rd(d), DIAG_UNSUPPORTED, s.at,
                  "support for component model `value`s is not enabled");
    return (SortIndex){(u8)s.sort, ok(d) ? cread_index(d, s.sort) : 0};
}

/* ---- core instances ---- */

/* Arguments are instances; duplicates are an error. */
static void read_core_args(CDecoder *d, ComponentDef *def, Map *names)
{
    def->nargs = cread_count(d, LIMIT_ARGS, "instantiation arguments");
    def->args = arena_array(arena(d), ComponentArg, def->nargs);
    for (u32 i = 0; i < def->nargs && ok(d); i++) {
        ComponentArg *a = &def->args[i];
        const u8 *at = rd(d)->at;
        a->name = read_name(rd(d));
        const u8 *kind_at = rd(d)->at;
        u8 kind = read_u8(rd(d));
        if (ok(d) && kind != 0x12)
            read_fail(rd(d), DIAG_MALFORMED, kind_at,
                      "invalid leading byte (0x%x) for instantiation arg kind", kind);
        a->item = (SortIndex){SORT_CORE_INSTANCE, cread_index(d, SORT_CORE_INSTANCE)};
        d->at = at;
        if (ok(d) && !map_add(names, a->name, i))
            cfail(d, "duplicate module instantiation argument named `%.*s`", STR_ARG(a->name));
    }
}

static void check_core_args(CDecoder *d, const CoreModuleType *t, const ComponentDef *def,
                            const Map *names)
{
    for (u32 i = 0; i < t->nimports && remap_work(d, 1); i++) {
        const CoreNamed *want = &t->imports[i];
        u64 at;
        if (!map_get(names, want->module, &at)) {
            cfail(d, "missing module instantiation argument named `%.*s`", STR_ARG(want->module));
            return;
        }
        const CoreModuleType *given = d->scope->core_instances.p[def->args[at].item.index];
        const CoreNamed *e = core_find_export(given, want->name);
        if (!e)
            cfail(d, "module instantiation argument `%.*s` does not export an item named `%.*s`",
                  STR_ARG(want->module), STR_ARG(want->name));
        else if (!core_extern_match(d, &e->type, &want->type))
            cfail_within(d,
                         "type mismatch for export `%.*s` of module instantiation argument "
                         "`%.*s`",
                         STR_ARG(want->name), STR_ARG(want->module));
    }
}

static void read_core_instantiate(CDecoder *d, ComponentDef *def)
{
    const u8 *at = rd(d)->at;
    def->kind = DEF_CORE_INSTANTIATE;
    def->target = cread_index(d, SORT_CORE_MODULE);
    Map names = {0};
    read_core_args(d, def, &names);
    d->at = at;
    if (ok(d)) {
        const CoreModuleType *t = d->scope->core_modules.p[def->target].type;
        check_core_args(d, t, def, &names);
        vec_push(&d->scope->core_instances, t);
    }
    map_release(&names);
}

static void read_core_exports(CDecoder *d, ComponentDef *def)
{
    def->kind = DEF_CORE_EXPORTS;
    def->nargs = cread_count(d, LIMIT_ARGS, "exports of an instance");
    def->args = arena_array(arena(d), ComponentArg, def->nargs);
    CoreModuleType *t = arena_new(arena(d), CoreModuleType);
    t->nexports = def->nargs;
    t->exports = arena_array(arena(d), CoreNamed, def->nargs);
    Map names = {0};
    for (u32 i = 0; i < def->nargs && ok(d); i++) {
        ComponentArg *a = &def->args[i];
        const u8 *at = rd(d)->at;
        a->name = read_name(rd(d));
        const u8 *kind_at = rd(d)->at;
        u8 kind = read_u8(rd(d));
        if (ok(d) && kind > EXTERN_TAG)
            read_fail(rd(d), DIAG_MALFORMED, kind_at,
                      "invalid leading byte (0x%x) for external kind", kind);
        Sort sort = (Sort)(SORT_CORE_FUNC + MIN(kind, EXTERN_TAG));
        a->item = (SortIndex){(u8)sort, cread_index(d, sort)};
        d->at = at;
        if (ok(d) && !map_add(&names, a->name, i))
            cfail(d, "export name `%.*s` already defined", STR_ARG(a->name));
        if (ok(d))
            t->exports[i] = (CoreNamed){{0}, a->name, core_item(d, a->item)};
    }
    map_release(&names);
    if (ok(d)) {
        core_index(d, t);
        vec_push(&d->scope->core_instances, t);
    }
}
static_assert(SORT_CORE_TAG - SORT_CORE_FUNC == EXTERN_TAG, "core sorts are as extern kinds");

/* Instances of both kinds share a limit each. */
static bool instance_limit(CDecoder *d, u32 n)
{
    if (n >= LIMIT_INSTANCES)
        read_fail(rd(d), DIAG_LIMIT, rd(d)->at, "too many instances: the limit is %u",
                  LIMIT_INSTANCES);
    return ok(d);
}

void cread_core_instance(CDecoder *d, ComponentDef *def)
{
    const u8 *at = rd(d)->at;
    def->space = SORT_CORE_INSTANCE;
    u8 code = instance_limit(d, d->scope->core_instances.n) ? read_u8(rd(d)) : 0;
    if (code == 0)
        read_core_instantiate(d, def);
    else if (code == 1)
        read_core_exports(d, def);
    else
        read_fail(rd(d), DIAG_MALFORMED, at, "invalid leading byte (0x%x) for core instance", code);
}

/* ---- instances ---- */

static void read_instantiate(CDecoder *d, ComponentDef *def)
{
    const u8 *at = rd(d)->at;
    def->kind = DEF_INSTANTIATE;
    def->target = cread_index(d, SORT_COMPONENT);
    def->nargs = cread_count(d, LIMIT_ARGS, "instantiation arguments");
    def->args = arena_array(arena(d), ComponentArg, def->nargs);
    ComponentExtern *given = mem_alloc_array(def->nargs + 1, sizeof *given);
    Map names = {0};
    for (u32 i = 0; i < def->nargs && ok(d); i++) {
        ComponentArg *a = &def->args[i];
        a->name = read_name(rd(d));
        a->item = read_extern_index(d);
        if (!ok(d))
            break;
        given[i] = extern_item(d, a->item);
        given[i].name.text = a->name;
        if (!map_add(&names, a->name, i))
            cfail(d, "instantiation argument `%.*s` conflicts with previous argument `%.*s`",
                  STR_ARG(a->name), STR_ARG(a->name));
    }
    d->at = at;
    if (ok(d)) {
        CTypeId id =
            component_instantiate(d, d->scope->component_types.p[def->target], given, def->nargs);
        vec_push(&d->scope->instances, id);
    }
    map_release(&names);
    mem_free(given);
}

static void read_exports(CDecoder *d, ComponentDef *def)
{
    const u8 *at = rd(d)->at;
    def->kind = DEF_EXPORTS;
    def->nargs = cread_count(d, LIMIT_ARGS, "exports of an instance");
    def->args = arena_array(arena(d), ComponentArg, def->nargs);
    CType *t = ctype_new(d, CT_INSTANCE, 0);
    t->nexports = def->nargs;
    t->exports = arena_array(arena(d), ComponentExtern, def->nargs);
    NameSet names = {0};
    for (u32 i = 0; i < def->nargs && ok(d); i++) {
        ComponentArg *a = &def->args[i];
        const u8 *name_at = rd(d)->at;
        a->extern_name = arena_new(arena(d), ExternName);
        *a->extern_name = cread_extern_name(d);
        a->name = a->extern_name->text;
        a->item = read_extern_index(d);
        d->at = name_at;
        if (!ok(d))
            break;
        t->exports[i] = extern_item(d, a->item);
        t->exports[i].name = *a->extern_name;
        extern_register(d, &names, &t->exports[i], false, NULL);
    }
    name_set_release(&names);
    d->at = at;
    if (!ok(d))
        return;
    instance_index(d, t);
    vec_push(&d->scope->instances, ctype_add(d, t));
}

void cread_instance(CDecoder *d, ComponentDef *def)
{
    const u8 *at = rd(d)->at;
    def->space = SORT_INSTANCE;
    u8 code = instance_limit(d, d->scope->instances.n) ? read_u8(rd(d)) : 0;
    if (code == 0)
        read_instantiate(d, def);
    else if (code == 1)
        read_exports(d, def);
    else
        read_fail(rd(d), DIAG_MALFORMED, at, "invalid leading byte (0x%x) for instance", code);
}

/* ---- aliases ---- */

static void push_core(CDecoder *d, const CoreExtern *e)
{
    Scope *s = d->scope;
    switch ((ExternKind)e->kind) {
    case EXTERN_FUNC:
        vec_push(&s->core_funcs, e->func);
        return;
    case EXTERN_TABLE:
        vec_push(&s->core_tables, e->table);
        return;
    case EXTERN_MEMORY:
        vec_push(&s->core_memories, e->memory);
        return;
    case EXTERN_GLOBAL:
        vec_push(&s->core_globals, e->global);
        return;
    case EXTERN_TAG:
        vec_push(&s->core_tags, e->func);
        return;
    }
}

void extern_push(CDecoder *d, const ComponentExtern *e)
{
    Scope *s = d->scope;
    switch ((Sort)e->sort) {
    case SORT_FUNC:
        vec_push(&s->funcs, e->type);
        return;
    case SORT_VALUE:
        vec_push(&s->values, e->type);
        return;
    case SORT_TYPE:
        vec_push(&s->types, e->type);
        return;
    case SORT_COMPONENT:
        vec_push(&s->component_types, e->type);
        vec_push(&s->components, NULL);
        return;
    case SORT_INSTANCE:
        vec_push(&s->instances, e->type);
        return;
    case SORT_CORE_MODULE:
        vec_push(&s->core_modules, (ComponentModule){.type = e->module});
        return;
    default:
        BUG("no item of a component");
    }
}

static bool in_type(const CDecoder *d)
{
    return d->scope->kind != SCOPE_COMPONENT;
}

static void alias_sort_fail(CDecoder *d)
{
    cfail(d, "aliases in component or instance type declarations may only refer to types or "
             "instances");
}

static void alias_export(CDecoder *d, ComponentDef *def, Sort sort)
{
    def->kind = DEF_ALIAS_EXPORT;
    def->alias.instance = cread_index(d, SORT_INSTANCE);
    def->alias.name = read_name(rd(d));
    if (!ok(d))
        return;
    if (in_type(d) && sort != SORT_TYPE && sort != SORT_INSTANCE) {
        alias_sort_fail(d);
        return;
    }
    const CType *t = node(d, d->scope->instances.p[def->alias.instance]);
    const ComponentExtern *e = ctype_find_export(t, def->alias.name);
    if (!e)
        cfail(d, "instance %u has no export named `%.*s`", def->alias.instance,
              STR_ARG(def->alias.name));
    else if (e->sort != sort)
        cfail(d, "export `%.*s` for instance %u is not a %s", STR_ARG(def->alias.name),
              def->alias.instance, sort_name(sort));
    else
        extern_push(d, e);
}

static void alias_core_export(CDecoder *d, ComponentDef *def, Sort sort)
{
    def->kind = DEF_ALIAS_CORE_EXPORT;
    def->alias.instance = cread_index(d, SORT_CORE_INSTANCE);
    def->alias.name = read_name(rd(d));
    if (!ok(d))
        return;
    if (in_type(d)) {
        alias_sort_fail(d);
        return;
    }
    const CoreModuleType *t = d->scope->core_instances.p[def->alias.instance];
    const CoreNamed *e = core_find_export(t, def->alias.name);
    bool core = sort >= SORT_CORE_FUNC && sort <= SORT_CORE_TAG;
    if (!e)
        cfail(d, "core instance %u has no export named `%.*s`", def->alias.instance,
              STR_ARG(def->alias.name));
    else if (!core || e->type.kind != sort - SORT_CORE_FUNC)
        cfail(d, "export `%.*s` for core instance %u is not a %s", STR_ARG(def->alias.name),
              def->alias.instance, sort_name(sort) + (core ? strlen("core ") : 0));
    else
        push_core(d, &e->type);
}

/* The scope `count` outwards; *ret_crosses: a component's boundary is between. */
static const Scope *outer_scope(CDecoder *d, u32 count, bool *ret_crosses)
{
    const Scope *s = d->scope;
    *ret_crosses = false;
    for (u32 i = 0; i < count && s; i++) {
        *ret_crosses |= s->kind == SCOPE_COMPONENT;
        s = s->outer;
    }
    if (!s)
        cfail(d, "invalid outer alias count of %u", count);
    return s;
}

static void push_outer(CDecoder *d, const Scope *s, Sort sort, u32 index, bool crosses)
{
    switch (sort) {
    case SORT_TYPE: {
        CTypeId id = s->types.p[index];
        if (crosses && node(d, id)->least_resource != UINT32_MAX)
            cfail(d, "cannot alias outer type which transitively refers to resources not defined "
                     "in the current component");
        vec_push(&d->scope->types, id);
        return;
    }
    case SORT_COMPONENT: {
        CTypeId id = s->component_types.p[index];
        Component *c = s->components.p[index];
        if (crosses && node(d, id)->least_resource != UINT32_MAX)
            cfail(d, "cannot alias outer component which transitively refers to resources not "
                     "defined in the current component");
        vec_push(&d->scope->component_types, id);
        vec_push(&d->scope->components, c);
        return;
    }
    case SORT_CORE_MODULE: {
        const CoreModuleType *t = s->core_modules.p[index].type;
        vec_push(&d->scope->core_modules, (ComponentModule){.type = t});
        return;
    }
    case SORT_CORE_TYPE:
        core_type_alias(d, s, index);
        return;
    default:
        BUG("outer alias of a sort that has none");
    }
}

static void alias_outer(CDecoder *d, ComponentDef *def, const SortCode *code)
{
    const u8 *at = rd(d)->at;
    Sort sort = code->sort;
    bool crosses;
    def->kind = DEF_ALIAS_OUTER;
    def->alias.depth = read_u32(rd(d));
    u32 index = read_u32(rd(d));
    def->alias.item = (SortIndex){(u8)sort, index};
    if (!ok(d))
        return;
    if (sort != SORT_TYPE && sort != SORT_CORE_TYPE && sort != SORT_COMPONENT &&
        sort != SORT_CORE_MODULE) {
        bad_sort(d, code, "component outer alias kind");
        return;
    }
    if (in_type(d) && sort != SORT_TYPE && sort != SORT_CORE_TYPE) {
        alias_sort_fail(d);
        return;
    }
    const Scope *s = outer_scope(d, def->alias.depth, &crosses);
    d->at = at;
    if (s && index_check(d, s, sort, index))
        push_outer(d, s, sort, index, crosses);
}

void cread_alias(CDecoder *d, ComponentDef *def)
{
    const u8 *at = d->at = rd(d)->at;
    SortCode s = read_sort(d);
    const u8 *how_at = rd(d)->at;
    u8 how = read_u8(rd(d));
    if (!ok(d))
        return;
    def->space = (u8)s.sort;
    if (s.sort == SORT_NONE && how < 2)
        bad_sort(d, &s, how ? "external kind" : "component external kind");
    else if (s.sort != SORT_NONE && space_count(d->scope, s.sort) >= LIMIT_CTYPES)
        read_fail(rd(d), DIAG_LIMIT, at, "too many definitions: the limit is %u", LIMIT_CTYPES);
    else if (how == 0)
        alias_export(d, def, s.sort);
    else if (how == 1)
        alias_core_export(d, def, s.sort);
    else if (how == 2)
        alias_outer(d, def, &s);
    else
        read_fail(rd(d), DIAG_MALFORMED, how_at, "invalid leading byte (0x%x) for alias", how);
}

/* ---- imports and exports ---- */

static void set_port(CDecoder *d, ComponentDef *def, DefKind kind, const ComponentExtern *e)
{
    def->kind = (u8)kind;
    def->space = e->sort;
    def->port.ext = arena_dup(arena(d), e, sizeof *e);
}

void cread_import(CDecoder *d, ComponentDef *def)
{
    const u8 *at = rd(d)->at;
    ExternName name = cread_extern_name(d);
    ComponentExtern e = cread_extern_type(d);
    e.name = name;
    d->at = at;
    scope_add_extern(d, &e, true);
    set_port(d, def, DEF_IMPORT, &e);
}

/* What was exported keeps its own contents under the new index. */
static void carry_item(CDecoder *d, SortIndex item)
{
    Scope *s = d->scope;
    if (item.sort == SORT_COMPONENT)
        s->components.p[s->components.n - 1] = s->components.p[item.index];
}

void cread_export(CDecoder *d, ComponentDef *def)
{
    const u8 *at = rd(d)->at;
    ExternName name = cread_extern_name(d);
    SortIndex item = read_extern_index(d);
    bool ascribed = cread_flag(d, "optional component export type");
    if (!ok(d))
        return;
    ComponentExtern e = extern_item(d, item);
    if (ascribed) {
        ComponentExtern want = cread_extern_type(d);
        d->at = at;
        if (ok(d) && !ascription_match(d, &e, &want))
            cfail_within(d, "ascribed type of export is not compatible with item's type");
        e = want;
    }
    e.name = name;
    d->at = at;
    scope_add_extern(d, &e, false);
    set_port(d, def, DEF_EXPORT, &e);
    def->port.item = item;
    if (ok(d))
        carry_item(d, item);
}
