/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The core part of a wrapped component: modules, what they get as imports, and the fixup that ends
 * their instantiation.
 */
#include "wit/wrap/wrap_parts.h"

enum { CORE_FUNC = 0, CORE_TABLE = 1, CORE_MEMORY = 2, CORE_INSTANCE_ARG = 0x12 };
static const Sort core_sorts[] = {SORT_CORE_FUNC, SORT_CORE_TABLE, SORT_CORE_MEMORY};

u32 wrap_core_module(Wrap *w, const Buf *bytes)
{
    return wit_scope_define(&w->s, CSECTION_CORE_MODULE, SORT_CORE_MODULE, bytes);
}

u32 wrap_core_alias(Wrap *w, u8 core_sort, u32 instance, Str name)
{
    Buf def = {0};
    buf_u8(&def, 0);
    buf_u8(&def, core_sort);
    buf_u8(&def, 1);
    buf_uleb(&def, instance);
    buf_name(&def, name);
    u32 index = wit_scope_define(&w->s, CSECTION_ALIAS, core_sorts[core_sort], &def);
    buf_release(&def);
    return index;
}

static u32 core_instance(Wrap *w, Buf *def)
{
    u32 index = wit_scope_define(&w->s, CSECTION_CORE_INSTANCE, SORT_CORE_INSTANCE, def);
    def->n = 0;
    return index;
}

/* An instance of parts, while it is put together. */
typedef struct Parts {
    Buf list;
    u32 n;
} Parts;

static void add_part(Parts *p, Str name, u8 sort, u32 index)
{
    buf_name(&p->list, name);
    buf_u8(&p->list, sort);
    buf_uleb(&p->list, index);
    p->n++;
}

static u32 end_parts(Wrap *w, Parts *p)
{
    Buf def = {0};
    buf_u8(&def, 1);
    buf_uleb(&def, p->n);
    buf_bytes(&def, p->list.p, p->list.n);
    u32 index = core_instance(w, &def);
    buf_release(&def);
    p->list.n = p->n = 0;
    return index;
}

/* (instantiate MODULE (with NAME (instance I))...), the arguments being in `args`. */
static u32 instantiate(Wrap *w, u32 module, Parts *args)
{
    Buf def = {0};
    buf_u8(&def, 0);
    buf_uleb(&def, module);
    buf_uleb(&def, args->n);
    buf_bytes(&def, args->list.p, args->list.n);
    u32 index = core_instance(w, &def);
    buf_release(&def);
    args->list.n = args->n = 0;
    return index;
}

/* ---- slots ---- */

static bool passes_numbers(const FuncType *t)
{
    for (u32 i = 0; i < t->nparams + t->nresults; i++)
        if (valtype_kind(t->params[i]) > KIND_F64)
            return false;
    return true;
}

static void assign_slot(Wrap *w, u32 source, u32 import)
{
    CoreSource *c = &w->sources.p[source];
    CoreImport *i = &c->imports[import];
    bool adapted = i->use == USE_ADAPTER;
    if (!adapted && (i->use != USE_LOWER || !wrap_needs(w, &w->m->funcs[i->func], false).memory))
        return;
    const FuncType *t = module_func_type(c->m, c->m->imports[import].index);
    if (!passes_numbers(t)) {
        wrap_fail(w, "%.*s imports `%.*s` with a type that no function of a component has",
                  STR_ARG(wrap_source_name(c)), STR_ARG(c->m->imports[import].name));
        return;
    }
    i->slot = w->slots.n;
    vec_push(&w->slots, ((ShimSlot){.type = t, .source = source, .import = import}));
}

static u32 dtor_slot(Wrap *w, u32 source, u32 export)
{
    const CoreSource *c = &w->sources.p[source];
    const FuncType *t = module_func_type(c->m, c->m->exports[export].index);
    if (!passes_numbers(t)) {
        wrap_fail(w, "the destructor `%.*s` has not the type of one",
                  STR_ARG(c->m->exports[export].name));
        return 0;
    }
    vec_push(
        &w->slots,
        ((ShimSlot){.type = t, .import = NO_INDEX, .dtor_source = source, .dtor_export = export}));
    return w->slots.n - 1;
}

/* Calls back for each resource that an exported interface defines. */
static void each_resource(Wrap *w, void (*each)(Wrap *w, WitId interface, WitId type))
{
    for (u32 i = 0; i < w->world->nexports && !w->error; i++) {
        const WitWorldItem *item = &w->world->exports[i];
        if (item->kind != WIT_ITEM_INTERFACE)
            continue;
        const WitInterface *in = &w->m->interfaces[item->id];
        for (u32 k = 0; k < in->ntypes && !w->error; k++)
            if (w->m->types[in->types[k]].kind == WIT_RESOURCE)
                each(w, item->id, in->types[k]);
    }
}

static void assign_dtor(Wrap *w, WitId interface, WitId type)
{
    u32 source, export;
    Str name = wrap_format(w, "[dtor]%.*s", STR_ARG(w->m->types[type].name));
    if (wrap_find_export(w, "", interface, name, &source, &export))
        int_map_set(&w->dtors, type, dtor_slot(w, source, export));
}

void wrap_assign_slots(Wrap *w)
{
    for (u32 s = 0; s < w->sources.n; s++)
        for (u32 i = 0; i < w->sources.p[s].m->nimports && !w->error; i++)
            assign_slot(w, s, i);
    each_resource(w, assign_dtor);
}

static u32 shim_func(Wrap *w, u32 slot)
{
    return wrap_core_alias(w, CORE_FUNC, w->shim_instance, wrap_format(w, "%u", slot));
}

/* (resource (rep i32) (dtor f)?) */
static void define_resource(Wrap *w, WitId interface, WitId type)
{
    Buf def = {0};
    u32 slot;
    (void)interface;
    bool has_dtor = int_map_get(&w->dtors, type, &slot);
    u32 func = has_dtor ? shim_func(w, slot) : 0;
    buf_bytes(&def, "\x3f\x7f", 2);
    buf_u8(&def, has_dtor);
    if (has_dtor)
        buf_uleb(&def, func);
    wit_scope_note(&w->s, type, wit_scope_define(&w->s, CSECTION_TYPE, SORT_TYPE, &def));
    buf_release(&def);
}

void wrap_define_resources(Wrap *w)
{
    w->s.exporting = true;
    each_resource(w, define_resource);
    w->s.exporting = false;
}

/* ---- canonical definitions ---- */

static u32 canon_func(Wrap *w, Buf *def)
{
    u32 index = wit_scope_define(&w->s, CSECTION_CANON, SORT_CORE_FUNC, def);
    def->n = 0;
    return index;
}

/* The function by which the canonical ABI gets memory from a module. */
static u32 realloc_of(Wrap *w, CoreSource *c, bool import)
{
    u32 *cached = import ? &c->import_realloc : &c->export_realloc;
    Str own = import ? STR("cabi_import_realloc") : STR("cabi_export_realloc");
    if (*cached != NO_INDEX)
        return *cached;
    const Export *e = wrap_core_export(c, own, EXTERN_FUNC);
    if (!e)
        e = wrap_standard_export(c, CORE_REALLOC);
    if (!e) {
        wrap_fail(w,
                  "%.*s does not export `cabi_realloc`, by which it would get memory for strings "
                  "and lists",
                  STR_ARG(wrap_source_name(c)));
        return 0;
    }
    *cached = wrap_core_alias(w, CORE_FUNC, c->instance, e->name);
    return *cached;
}

void wrap_put_options(Wrap *w, u32 source, FuncNeeds needs, bool import, u32 post_return, Buf *def)
{
    CoreSource *c = &w->sources.p[source];
    if (needs.memory && w->memory == NO_INDEX)
        wrap_fail(w, "the module does not export its memory as `memory`, which strings, lists and "
                     "large values need");
    u32 realloc = needs.realloc && !w->error ? realloc_of(w, c, import) : 0;
    buf_uleb(def, (u32)needs.memory * 2 + needs.realloc + (post_return != NO_INDEX));
    if (needs.memory) {
        buf_u8(def, 3);
        buf_uleb(def, w->memory);
    }
    if (needs.realloc) {
        buf_u8(def, 4);
        buf_uleb(def, realloc);
    }
    if (needs.memory)
        buf_u8(def, (u8)c->encoding);
    if (post_return != NO_INDEX) {
        buf_u8(def, 5);
        buf_uleb(def, post_return);
    }
}

static u32 lower(Wrap *w, u32 source, const CoreImport *i)
{
    Buf def = {0}, options = {0};
    FuncNeeds needs = wrap_needs(w, &w->m->funcs[i->func], false);
    u32 func = wit_scope_imported_func(&w->s, i->func);
    wrap_put_options(w, source, needs, true, NO_INDEX, &options);
    buf_bytes(&def, "\x01\x00", 2);
    buf_uleb(&def, func);
    buf_bytes(&def, options.p, options.n);
    u32 index = canon_func(w, &def);
    buf_release(&options);
    buf_release(&def);
    return index;
}

static u32 resource_builtin(Wrap *w, const CoreImport *i)
{
    Buf def = {0};
    u32 type;
    w->s.exporting = i->exported;
    if (!wit_scope_find(&w->s, i->type, &type))
        type = wit_scope_foreign(&w->s, i->type);
    w->s.exporting = false;
    buf_u8(&def, i->use == USE_NEW ? 2 : i->use == USE_DROP ? 3 : 4);
    buf_uleb(&def, type);
    u32 index = canon_func(w, &def);
    buf_release(&def);
    return index;
}

/* ---- instantiation ---- */

static u32 import_func(Wrap *w, u32 source, const CoreImport *i)
{
    const CoreSource *main = wrap_main(w);
    if (i->slot != NO_INDEX)
        return shim_func(w, i->slot);
    switch ((CoreUse)i->use) {
    case USE_LOWER:
        return lower(w, source, i);
    case USE_DROP:
    case USE_NEW:
    case USE_REP:
        return resource_builtin(w, i);
    case USE_MAIN:
        return wrap_core_alias(w, CORE_FUNC, main->instance, main->m->exports[i->export].name);
    case USE_REALLOC:
        return wrap_core_alias(w, CORE_FUNC, w->generated_realloc, STR("cabi_realloc"));
    case USE_ADAPTER:
    case USE_MEMORY:
        break;
    }
    BUG("an import that is no function");
}

/*
 * A core module may import a thing twice, in a component only under different names. Parts for each
 * module name of the imports, in the order in which they come.
 */
typedef struct PartGroups {
    Map at;
    VEC(Parts) parts;
    VEC(Str) names;
} PartGroups;

static Parts *group_of(PartGroups *g, Str module)
{
    u64 at = g->parts.n;
    if (map_add(&g->at, module, at)) {
        vec_push(&g->parts, ((Parts){0}));
        vec_push(&g->names, module);
    } else {
        (void)map_get(&g->at, module, &at);
    }
    return &g->parts.p[at];
}

static void instantiate_source(Wrap *w, u32 source, u32 module)
{
    CoreSource *c = &w->sources.p[source];
    const WasmModule *m = c->m;
    PartGroups g = {0};
    for (u32 i = 0; i < m->nimports && !w->error; i++) {
        Parts *parts = group_of(&g, m->imports[i].module);
        if (c->imports[i].use == USE_MEMORY && w->memory == NO_INDEX)
            wrap_fail(w, "the module does not export its memory as `memory`, which %.*s needs",
                      STR_ARG(wrap_source_name(c)));
        else if (c->imports[i].use == USE_MEMORY)
            add_part(parts, c->imports[i].name, CORE_MEMORY, w->memory);
        else
            add_part(parts, c->imports[i].name, CORE_FUNC, import_func(w, source, &c->imports[i]));
    }
    Parts args = {0};
    for (u32 i = 0; i < g.parts.n; i++) {
        add_part(&args, g.names.p[i], CORE_INSTANCE_ARG, end_parts(w, &g.parts.p[i]));
        buf_release(&g.parts.p[i].list);
    }
    c->instance = instantiate(w, module, &args);
    buf_release(&args.list);
    vec_release(&g.parts);
    vec_release(&g.names);
    map_release(&g.at);
}

static bool needs_realloc_module(const Wrap *w)
{
    for (u32 s = 1; s < w->sources.n; s++)
        for (u32 i = 0; i < w->sources.p[s].m->nimports; i++)
            if (w->sources.p[s].imports[i].use == USE_REALLOC)
                return true;
    return false;
}

/* The number at *s, cut off; a wrong one leaves nothing. */
static u32 take_u32(Str *s)
{
    u32 v = 0;
    for (u32 shift = 0; shift < 35 && s->n; shift += 7) {
        u8 byte = (u8)*s->p++;
        s->n--;
        v |= (u32)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return v;
    }
    s->n = 0;
    return 0;
}

static Str take_word(Str *s)
{
    u32 n = take_u32(s);
    n = MIN(n, (u32)s->n);
    Str word = {s->p, n};
    s->p += n;
    s->n -= n;
    return word;
}

/*
 * Programs of Go's own compiler take memory that follows theirs for theirs, whoever grew it; pages
 * of adapters would be overwritten. With room in front of these that happens to large heaps only.
 */
static bool needs_room(const WasmModule *m)
{
    Str s;
    if (!module_custom(m, STR("producers"), &s))
        return false;
    for (u32 fields = take_u32(&s); fields && s.n; fields--) {
        bool language = str_eq(take_word(&s), STR("language"));
        for (u32 values = take_u32(&s); values && s.n; values--) {
            Str value = take_word(&s);
            take_word(&s); /* version */
            if (language && str_eq(value, STR("Go")))
                return true;
        }
    }
    return false;
}

static void put_realloc(Wrap *w)
{
    Buf bytes = {0};
    Parts parts = {0};
    wrap_realloc_module(needs_room(wrap_main(w)->m), &bytes);
    u32 module = wrap_core_module(w, &bytes);
    add_part(&parts, STR("mm"), CORE_MEMORY, w->memory);
    u32 instance = end_parts(w, &parts);
    add_part(&parts, STR(""), CORE_INSTANCE_ARG, instance);
    w->generated_realloc = instantiate(w, module, &parts);
    buf_release(&parts.list);
    buf_release(&bytes);
}

static u32 slot_target(Wrap *w, const ShimSlot *slot)
{
    u32 source = slot->dtor_source, export = slot->dtor_export;
    if (slot->import != NO_INDEX) {
        const CoreImport *i = &w->sources.p[slot->source].imports[slot->import];
        if (i->use == USE_LOWER)
            return lower(w, slot->source, i);
        source = i->source;
        export = i->export;
    }
    const CoreSource *c = &w->sources.p[source];
    return wrap_core_alias(w, CORE_FUNC, c->instance, c->m->exports[export].name);
}

static void put_fixup(Wrap *w)
{
    const CoreSource *main = wrap_main(w);
    const Export *init = wrap_standard_export(main, CORE_INITIALIZE);
    Parts parts = {0};
    Buf bytes = {0};
    if (!w->slots.n && !init)
        return;
    for (u32 i = 0; i < w->slots.n && !w->error; i++)
        add_part(&parts, wrap_format(w, "%u", i), CORE_FUNC, slot_target(w, &w->slots.p[i]));
    if (w->slots.n)
        add_part(&parts, STR("$imports"), CORE_TABLE,
                 wrap_core_alias(w, CORE_TABLE, w->shim_instance, STR("$imports")));
    if (init)
        add_part(&parts, STR("init"), CORE_FUNC,
                 wrap_core_alias(w, CORE_FUNC, main->instance, init->name));
    wrap_fixup_module(w, init != NULL, &bytes);
    u32 module = wrap_core_module(w, &bytes), instance = end_parts(w, &parts);
    add_part(&parts, STR(""), CORE_INSTANCE_ARG, instance);
    instantiate(w, module, &parts);
    buf_release(&parts.list);
    buf_release(&bytes);
}

void wrap_put_core(Wrap *w)
{
    u32 *modules = mem_alloc_array(w->sources.n, sizeof *modules);
    for (u32 i = 0; i < w->sources.n; i++) {
        wrap_rename_imports(w, &w->sources.p[i]);
        modules[i] = wrap_core_module(w, &w->sources.p[i].bytes);
    }
    if (w->slots.n) {
        Buf shim = {0};
        Parts none = {0};
        wrap_shim_module(w, &shim);
        w->shim_instance = instantiate(w, wrap_core_module(w, &shim), &none);
        buf_release(&shim);
    }
    wrap_define_resources(w);
    for (u32 i = 0; i < w->sources.n && !w->error; i++) {
        instantiate_source(w, i, modules[i]);
        const Export *memory = wrap_standard_export(wrap_main(w), CORE_MEMORY_EXPORT);
        if (i == 0 && memory)
            w->memory = wrap_core_alias(w, CORE_MEMORY, wrap_main(w)->instance, memory->name);
        if (i == 0 && !w->error && needs_realloc_module(w))
            put_realloc(w);
    }
    if (!w->error)
        put_fixup(w);
    mem_free(modules);
}
