/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Preloaded modules: reactors and commands. */
#include "cli/preload.h"

#include "cli/load.h"

/* One function export of a preloaded command. Lives in Preloads.arena. */
typedef struct CommandFunc {
    Store *store;
    Linker *linker;
    Module *module;
    Str name;
} CommandFunc;

void preloads_init(Preloads *p)
{
    *p = (Preloads){0};
    arena_init(&p->arena);
}

void preloads_release(Preloads *p)
{
    for (u32 i = 0; i < p->modules.n; i++)
        module_unref(p->modules.p[i]);
    vec_release(&p->modules);
    arena_release(&p->arena);
}

Error *preloads_check(const CmdLine *c)
{
    for (u32 i = 0; i < c->uses.n; i++) {
        const FlagUse *u = &c->uses.p[i];
        if (u->flag == FLAG_preload && !strchr(u->value, '='))
            return cmdline_bad_value(FLAG_preload, u->value,
                                     "must contain exactly one equals character ('=')");
    }
    return NULL;
}

Error *call_initialize(Store *s, Instance *i)
{
    Extern init;
    if (!instance_export(i, STR("_initialize"), &init) || init.kind != EXTERN_FUNC)
        return NULL;
    const FuncType *t = func_type(s, init.func);
    if (t->nparams || t->nresults)
        return error_new("`_initialize` must not have parameters or results");
    VmVal none;
    return error_wrap(func_call(s, init.func, &none), "failed to invoke `_initialize`");
}

/* Host function of a command's export: a fresh instance, one call. */
static void call_fresh(void *env, VmCtx *caller, VmVal *vals)
{
    (void)caller;
    CommandFunc *f = env;
    Instance *instance = NULL;
    Extern e;
    Error *err = linker_instantiate(f->linker, f->module, &instance);
    if (!err && (!instance_export(instance, f->name, &e) || e.kind != EXTERN_FUNC))
        BUG("the export was a function when it was defined");
    if (!err)
        err = func_call(f->store, e.func, vals);
    if (err)
        host_fail(f->store, err);
}

/* What a command may export beside functions: what linkers put there by themselves. */
static bool is_usual_export(const Export *x)
{
    static const struct {
        ExternKind kind;
        const char *name;
    } rows[] = {
        {EXTERN_MEMORY, "memory"},      {EXTERN_TABLE, "__indirect_function_table"},
        {EXTERN_TABLE, "table"},        {EXTERN_GLOBAL, "__data_end"},
        {EXTERN_GLOBAL, "__heap_base"}, {EXTERN_GLOBAL, "__dso_handle"},
        {EXTERN_GLOBAL, "__rtti_base"},
    };
    for (usize i = 0; i < ARRAY_LEN(rows); i++)
        if (x->kind == rows[i].kind && str_eq(x->name, str_of(rows[i].name)))
            return true;
    return false;
}

MUST_CHECK static Error *define_command(Preloads *p, Str name, Module *m, Store *s, Linker *l,
                                        bool any_exports)
{
    const WasmModule *w = module_wasm(m);
    for (u32 i = 0; i < w->nexports; i++) {
        const Export *x = &w->exports[i];
        if (x->kind != EXTERN_FUNC && !any_exports && !is_usual_export(x))
            return error_new("command export '%.*s' is not a function", STR_ARG(x->name));
        if (x->kind != EXTERN_FUNC)
            continue;
        CommandFunc *f = arena_new(&p->arena, CommandFunc);
        *f = (CommandFunc){s, l, m, x->name};
        Extern e = {.kind = EXTERN_FUNC};
        Error *err =
            store_host_func(s, w->funcs[x->index].type, false, (void *)call_fresh, f, &e.func);
        if (!err)
            err = linker_define(l, name, x->name, e);
        if (err)
            return err;
    }
    return NULL;
}

MUST_CHECK static Error *define_reactor(Str name, Module *m, Store *s, Linker *l)
{
    Instance *i = NULL;
    Error *e = linker_instantiate(l, m, &i);
    if (!e)
        e = call_initialize(s, i);
    return e ? e : linker_define_instance(l, name, i);
}

static bool exports_func(const Module *m, Str name)
{
    const Export *x = module_find_export(module_wasm(m), name);
    return x && x->kind == EXTERN_FUNC;
}

MUST_CHECK static Error *define_one(Preloads *p, const CmdLine *c, const char *use, Engine *engine,
                                    Store *s, Linker *l)
{
    const char *eq = strchr(use, '=');
    Str name = {use, (usize)(eq - use)};
    Module *m = NULL;
    Error *e = load_module(engine, c, eq + 1, &m);
    if (e)
        return error_wrap(e, "failed to process preload `%.*s` at `%s`", STR_ARG(name), eq + 1);
    vec_push(&p->modules, m);
    bool command = exports_func(m, STR("_start"));
    if (command && exports_func(m, STR("_initialize")))
        e = error_new("a module with both `_start` and `_initialize` is neither a command nor a "
                      "reactor");
    else if (command)
        e = define_command(p, name, m, s, l, opt_bool(&c->options, OPT_W_unknown_exports_allow));
    else
        e = define_reactor(name, m, s, l);
    return error_wrap(e, "failed to process preload `%.*s` at `%s`", STR_ARG(name), eq + 1);
}

Error *preloads_define(Preloads *p, const CmdLine *c, Engine *engine, Store *s, Linker *l)
{
    for (u32 i = 0; i < c->uses.n; i++) {
        if (c->uses.p[i].flag != FLAG_preload)
            continue;
        Error *e = define_one(p, c, c->uses.p[i].value, engine, s, l);
        if (e)
            return e;
    }
    return NULL;
}
