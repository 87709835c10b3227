/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The exports of a wrapped component. Functions are lifted. The types of an exported interface must
 * have names in it, which only an export can give, so each exported interface is made by a small
 * component that imports types and functions and exports them under their names.
 */
#include "wit/wrap/wrap_parts.h"

static const u8 preamble[] = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};
enum { DESC_FUNC = 1, DESC_TYPE = 3, DESC_INSTANCE = 5 };

static u32 core_func(Wrap *w, u32 source, u32 export)
{
    const CoreSource *c = &w->sources.p[source];
    return wrap_core_alias(w, 0, c->instance, c->m->exports[export].name);
}

/* (canon lift ...); the function's index. */
static u32 lift(Wrap *w, WitId interface, const WitFunc *f, Str name)
{
    u32 source, export, post_source, post_export, post = NO_INDEX;
    if (!wrap_find_export(w, "", interface, name, &source, &export)) {
        Str in = interface == WIT_NONE ? STR("") : w->m->interfaces[interface].full;
        wrap_fail(w, "the world exports the function `%.*s%s%.*s`, but the module does not",
                  STR_ARG(in), in.n ? "#" : "", STR_ARG(name));
        return 0;
    }
    u32 type = wit_scope_func(&w->s, f), func = core_func(w, source, export);
    if (wrap_find_export(w, "post", interface, name, &post_source, &post_export) &&
        post_source == source)
        post = core_func(w, source, post_export);
    Buf def = {0};
    buf_bytes(&def, "\0\0", 2);
    buf_uleb(&def, func);
    wrap_put_options(w, source, wrap_needs(w, f, true), false, post, &def);
    buf_uleb(&def, type);
    u32 index = wit_scope_define(&w->s, CSECTION_CANON, SORT_FUNC, &def);
    buf_release(&def);
    return index;
}

/* (export "name" (SORT index)) */
/* `name`: as it is encoded; released here. */
static u32 export_as(WitScope *s, Buf *name, u8 code, u32 index, Sort sort)
{
    buf_u8(name, code);
    buf_uleb(name, index);
    buf_u8(name, 0);
    u32 made = wit_scope_define(s, CSECTION_EXPORT, sort, name);
    buf_release(name);
    return made;
}

static u32 put_export(WitScope *s, Str name, u8 code, u32 index, Sort sort)
{
    Buf def = {0};
    put_extern_name(&def, name);
    return export_as(s, &def, code, index, sort);
}

/* The component around an interface, and the arguments of its instantiation. */
typedef struct Shell {
    Wrap *w;
    WitScope s;
    WitId interface;
    Buf args;
    u32 nargs;
} Shell;

static void add_arg(Shell *x, Str name, u8 code, u32 index)
{
    buf_name(&x->args, name);
    buf_u8(&x->args, code);
    buf_uleb(&x->args, index);
    x->nargs++;
}

static void import_type(Shell *x, WitId id);

static void import_optional(Shell *x, WitId id)
{
    if (id != WIT_NONE)
        import_type(x, id);
}

/* Types nest at most WIT_LIMIT_TYPE_DEPTH deep. */
static void import_parts(Shell *x, const WitType *t)
{
    import_optional(x, t->elem);
    import_optional(x, t->second);
    for (u32 i = 0; i < t->nfields; i++)
        import_optional(x, t->fields[i].type);
}

/* (import "tN" (type (eq i))) or (sub resource), behind what the type is made of. */
static void import_type(Shell *x, WitId id)
{
    const WitType *t = &x->s.m->types[id];
    u32 known;
    if (wit_is_primitive(t->kind) || wit_scope_find(&x->s, id, &known))
        return;
    if (int_map_get(&x->w->shell_seen, id, &known) && known == x->interface)
        return;
    import_parts(x, t);
    if (!t->name.n) {
        int_map_set(&x->w->shell_seen, id, x->interface);
        return;
    }
    Buf def = {0};
    bool resource = t->kind == WIT_RESOURCE;
    u32 index = resource ? 0 : wit_scope_definition(&x->s, id);
    Str name = wrap_format(x->w, "t%u", x->nargs);
    put_extern_name(&def, name);
    buf_u8(&def, DESC_TYPE);
    buf_u8(&def, resource);
    if (!resource)
        buf_uleb(&def, index);
    wit_scope_note(&x->s, id, wit_scope_define(&x->s, CSECTION_IMPORT, SORT_TYPE, &def));
    buf_release(&def);
    bool own = t->owner.kind == WIT_OWNER_INTERFACE && t->owner.id == x->interface;
    u32 outside;
    if (own)
        ALWAYS(wit_scope_find(&x->w->s, id, &outside));
    else if (t->owner.kind == WIT_OWNER_INTERFACE || !wit_scope_find(&x->w->s, id, &outside))
        outside = wit_scope_foreign(&x->w->s, id);
    add_arg(x, name, DESC_TYPE, outside);
}

static u32 import_func(Shell *x, const WitFunc *f, u32 lifted)
{
    Buf def = {0};
    Str name = wrap_format(x->w, "f%u", x->nargs);
    u32 type = wit_scope_func(&x->s, f);
    put_extern_name(&def, name);
    buf_u8(&def, DESC_FUNC);
    buf_uleb(&def, type);
    u32 index = wit_scope_define(&x->s, CSECTION_IMPORT, SORT_FUNC, &def);
    buf_release(&def);
    add_arg(x, name, DESC_FUNC, lifted);
    return index;
}

/* (export "name" (func index) (func (type T))), T made of the exported types. */
static void export_func(Shell *x, const WitFunc *f, u32 index)
{
    Buf def = {0};
    u32 type = wit_scope_func(&x->s, f);
    put_extern_name(&def, f->name);
    buf_u8(&def, DESC_FUNC);
    buf_uleb(&def, index);
    buf_u8(&def, 1);
    buf_u8(&def, DESC_FUNC);
    buf_uleb(&def, type);
    wit_scope_define(&x->s, CSECTION_EXPORT, SORT_FUNC, &def);
    buf_release(&def);
}

/* The types of an exported interface in the component's own space. */
static void define_types(Wrap *w, const WitInterface *i)
{
    for (u32 k = 0; k < i->ntypes; k++) {
        WitId id = i->types[k];
        const WitType *t = &w->m->types[id];
        if (t->kind == WIT_RESOURCE)
            continue; /* see wrap_define_resources */
        u32 index = t->used ? wit_scope_foreign(&w->s, t->elem) : wit_scope_definition(&w->s, id);
        wit_scope_note(&w->s, id, index);
    }
}

static void fill_shell(Shell *x, const WitInterface *i, const u32 *lifted)
{
    const WitModel *m = x->s.m;
    u32 *funcs = mem_alloc_array((usize)i->nfuncs + 1, sizeof *funcs);
    for (u32 k = 0; k < i->ntypes; k++)
        import_type(x, i->types[k]);
    for (u32 k = 0; k < i->nfuncs; k++)
        funcs[k] = import_func(x, &m->funcs[i->funcs[k]], lifted[k]);
    x->s.exporting = true;
    for (u32 k = 0; k < i->ntypes; k++) {
        const WitType *t = &m->types[i->types[k]];
        u32 index = 0;
        ALWAYS(int_map_get(&x->s.types[0], i->types[k], &index));
        /* Values get a definition of exported parts; the imported one is made of imported ones. */
        if (t->kind != WIT_RESOURCE && !t->used)
            index = wit_scope_definition(&x->s, i->types[k]);
        wit_scope_note(&x->s, i->types[k],
                       put_export(&x->s, m->types[i->types[k]].name, DESC_TYPE, index, SORT_TYPE));
    }
    for (u32 k = 0; k < i->nfuncs; k++)
        export_func(x, &m->funcs[i->funcs[k]], funcs[k]);
    mem_free(funcs);
}

/* The instance of the component around an interface. */
static u32 put_shell(Wrap *w, WitId interface, const u32 *lifted)
{
    Shell x = {.w = w, .interface = interface};
    Buf def = {0};
    wit_scope_init(&x.s, WIT_SCOPE_SECTIONS, w->m);
    fill_shell(&x, &w->m->interfaces[interface], lifted);
    wit_scope_flush(&x.s);
    buf_bytes(&def, preamble, sizeof preamble);
    buf_bytes(&def, x.s.out.p, x.s.out.n);
    u32 component = wit_scope_define(&w->s, CSECTION_COMPONENT, SORT_COMPONENT, &def);
    def.n = 0;
    buf_u8(&def, 0);
    buf_uleb(&def, component);
    buf_uleb(&def, x.nargs);
    buf_bytes(&def, x.args.p, x.args.n);
    u32 instance = wit_scope_define(&w->s, CSECTION_INSTANCE, SORT_INSTANCE, &def);
    buf_release(&def);
    buf_release(&x.args);
    wit_scope_release(&x.s);
    return instance;
}

/* Later exports name the types of this one as those of the exported instance. */
static void forget_types(Wrap *w, const WitInterface *i)
{
    for (u32 k = 0; k < i->ntypes; k++)
        wit_scope_note(&w->s, i->types[k], WIT_NONE);
}

static void export_interface(Wrap *w, const WitWorldItem *item)
{
    const WitInterface *i = &w->m->interfaces[item->id];
    Str name = item->name.n ? item->name : i->full;
    u32 *lifted = mem_alloc_array((usize)i->nfuncs + 1, sizeof *lifted);
    define_types(w, i);
    for (u32 k = 0; k < i->nfuncs && !w->error; k++) {
        const WitFunc *f = &w->m->funcs[i->funcs[k]];
        lifted[k] = lift(w, item->id, f, f->name);
    }
    if (!w->error) {
        u32 instance = put_shell(w, item->id, lifted);
        Buf def = {0};
        put_instance_name(&def, w->m, item->id, name);
        u32 exported = export_as(&w->s, &def, DESC_INSTANCE, instance, SORT_INSTANCE);
        forget_types(w, i);
        wit_scope_note_instance(&w->s, item->id, exported);
    }
    mem_free(lifted);
}

/* Exported interfaces behind those of them that they use. */
typedef struct ExportFrame {
    u32 item, next;
} ExportFrame;

static void export_in_order(Wrap *w, u32 item, u8 *done)
{
    VEC(ExportFrame) stack = {0};
    vec_push(&stack, ((ExportFrame){item, 0}));
    done[item] = 1;
    while (stack.n && !w->error) {
        ExportFrame *at = &stack.p[stack.n - 1];
        const WitInterface *i = &w->m->interfaces[w->world->exports[at->item].id];
        if (at->next == i->nuses) {
            export_interface(w, &w->world->exports[at->item]);
            stack.n--;
            continue;
        }
        u32 used;
        if (int_map_get(&w->export_items, i->uses[at->next++], &used) && !done[used]) {
            done[used] = 1;
            vec_push(&stack, ((ExportFrame){used, 0}));
        }
    }
    vec_release(&stack);
}

void wrap_put_exports(Wrap *w)
{
    const WitWorld *world = w->world;
    u8 *done = mem_alloc((usize)world->nexports + 1);
    w->s.exporting = true;
    for (u32 i = 0; i < world->nexports; i++)
        if (world->exports[i].kind == WIT_ITEM_INTERFACE)
            int_map_set(&w->export_items, world->exports[i].id, i);
    for (u32 i = 0; i < world->nexports && !w->error; i++) {
        const WitWorldItem *item = &world->exports[i];
        if (item->kind == WIT_ITEM_FUNC) {
            u32 func = lift(w, WIT_NONE, &w->m->funcs[item->id], item->name);
            put_export(&w->s, item->name, DESC_FUNC, func, SORT_FUNC);
        } else if (item->kind == WIT_ITEM_INTERFACE && !done[i]) {
            export_in_order(w, i, done);
        }
    }
    mem_free(done);
}
