/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Linking by name. Keys are the two names with their lengths' border in front, so that no pair of
 * names can be mistaken for another.
 */
#include "runtime/runtime_priv.h"

enum { LISTED = 20 }; /* problems spelled out in one error */

struct Linker {
    Store *store; /* borrow */
    Arena arena;  /* keys */
    Map map;      /* key -> index in externs */
    VEC(Extern) externs;
    bool shadowing;
    UnknownImports unknown;
    LinkerHint hint; /* may be NULL */
    void *hint_arg;
};

Store *linker_store(const Linker *l)
{
    return l->store;
}

Linker *linker_new(Store *s)
{
    Linker *l = mem_alloc(sizeof *l);
    l->store = s;
    arena_init(&l->arena);
    return l;
}

void linker_free(Linker *l)
{
    if (!l)
        return;
    map_release(&l->map);
    arena_release(&l->arena);
    vec_release(&l->externs);
    mem_free(l);
}

void linker_allow_shadowing(Linker *l, bool yes)
{
    l->shadowing = yes;
}

void linker_unknown_imports(Linker *l, UnknownImports what)
{
    l->unknown = what;
}

static void put_key(Buf *key, Str module, Str name)
{
    buf_name(key, module);
    buf_str(key, name);
}

static bool find(const Linker *l, Str module, Str name, u64 *ret_index)
{
    Buf key = {0};
    put_key(&key, module, name);
    bool found = map_get(&l->map, (Str){(char *)key.p, key.n}, ret_index);
    buf_release(&key);
    return found;
}

bool linker_get(const Linker *l, Str module, Str name, Extern *ret_extern)
{
    u64 index = 0;
    bool found = find(l, module, name, &index);
    if (found)
        *ret_extern = l->externs.p[index];
    return found;
}

Error *linker_define(Linker *l, Str module, Str name, Extern e)
{
    u64 index = 0;
    if (find(l, module, name, &index)) {
        if (!l->shadowing)
            return error_new("import of `%.*s::%.*s` defined twice", STR_ARG(module),
                             STR_ARG(name));
        l->externs.p[index] = e;
        return NULL;
    }
    Buf key = {0};
    put_key(&key, module, name);
    char *kept = arena_dup(&l->arena, key.p, key.n);
    map_add(&l->map, (Str){kept, key.n}, l->externs.n);
    buf_release(&key);
    vec_push(&l->externs, e);
    return NULL;
}

Error *linker_define_instance(Linker *l, Str module, Instance *i)
{
    const WasmModule *w = module_wasm(instance_module(i));
    for (u32 k = 0; k < w->nexports; k++) {
        Error *e = linker_define(l, module, w->exports[k].name, instance_export_nth(i, k));
        if (e)
            return e;
    }
    return NULL;
}

/* --- stand-ins for unknown imports --- */

/* Env of a stand-in function; in the store's arena. */
typedef struct StandIn {
    const FuncType *type;
    char *name;
} StandIn;

static void stand_in_trap(void *env, VmCtx *caller, VmVal *vals)
{
    (void)vals;
    const StandIn *s = env;
    host_fail(caller_store(caller),
              error_new("unknown import: `%s` has not been defined", s->name));
}

/* Zeros and nulls. */
static void stand_in_default(void *env, VmCtx *caller, VmVal *vals)
{
    (void)caller;
    const StandIn *s = env;
    memset(vals, 0, s->type->nresults * sizeof *vals);
}

static bool has_default(const FuncType *t)
{
    for (u32 i = 0; i < t->nresults; i++)
        if (valtype_is_ref(t->results[i]) && !valtype_nullable(t->results[i]))
            return false;
    return true;
}

static Error *stand_in_func(Linker *l, const WasmModule *w, const Import *import, Extern *e)
{
    Store *s = l->store;
    StandIn *env = arena_new(&s->arena, StandIn);
    Buf name = {0};
    buf_printf(&name, "%.*s::%.*s", STR_ARG(import->module), STR_ARG(import->name));
    env->name = arena_strdup(&s->arena, (Str){(char *)name.p, name.n});
    env->type = module_func_type(w, import->index);
    buf_release(&name);
    bool zeros = l->unknown == UNKNOWN_DEFAULT && has_default(env->type);
    void *fn = zeros ? (void *)stand_in_default : (void *)stand_in_trap;
    return store_host_func(s, w->funcs[import->index].type, false, fn, env, &e->func);
}

static Error *stand_in(Linker *l, const WasmModule *w, const Import *import, Extern *e)
{
    Store *s = l->store;
    e->kind = (ExternKind)import->kind;
    switch (e->kind) {
    case EXTERN_FUNC:
        return stand_in_func(l, w, import, e);
    case EXTERN_TABLE:
        return store_table_new(s, &w->tables[import->index].type, 0, &e->table);
    case EXTERN_MEMORY:
        return store_memory_new(s, &w->memories[import->index], &e->memory);
    case EXTERN_GLOBAL:
        return store_global_new(s, w->globals[import->index].type, (VmVal){0}, &e->global);
    case EXTERN_TAG:
        e->tag = store_tag_new(s, w->tags[import->index]);
        return NULL;
    }
    return NULL;
}

/* True if a stand-in may take the place of the import. */
static bool may_stand_in(const Linker *l, const WasmModule *w, const Import *import)
{
    if (l->unknown == UNKNOWN_ERROR)
        return false;
    if (l->unknown == UNKNOWN_TRAP)
        return import->kind == EXTERN_FUNC;
    ValType t = VT_I32;
    if (import->kind == EXTERN_GLOBAL)
        t = w->globals[import->index].type.type;
    if (import->kind == EXTERN_TABLE)
        t = w->tables[import->index].type.elem;
    return !valtype_is_ref(t) || valtype_nullable(t);
}

/* --- instantiation --- */

typedef struct Problems {
    Error *first; /* own */
    Buf others;   /* lines */
    u32 n;
} Problems;

/* A key of the map: the length of the module's name, both names. */
static void split_key(Str key, Str *ret_module, Str *ret_name)
{
    usize border = 1; /* length of the length */
    while ((u8)key.p[border - 1] & 0x80)
        border++;
    u64 n = 0;
    for (usize k = border; k-- > 0;)
        n = n << 7 | ((u8)key.p[k] & 0x7f);
    *ret_module = (Str){key.p + border, n};
    *ret_name = (Str){key.p + border + n, key.n - border - n};
}

/* A definition that has the import's name in another module, or what would provide the module. */
static void put_hint(const Linker *l, const Import *import, Buf *out)
{
    bool same_module = false, same_name = false;
    for (u32 i = 0; i < l->map.cap; i++) {
        if (!l->map.slots[i].key.p)
            continue;
        Str module, name;
        split_key(l->map.slots[i].key, &module, &name);
        same_module |= str_eq(module, import->module);
        if (str_eq(name, import->name) && !same_name) {
            buf_printf(out, "; `%.*s::%.*s` is defined", STR_ARG(module), STR_ARG(name));
            same_name = true;
        }
    }
    if (!same_module && !same_name)
        buf_printf(out, "; nothing is defined in module `%.*s`", STR_ARG(import->module));
    if (!same_module && l->hint)
        l->hint(l->hint_arg, import->module, out);
}

static void add_problem(Problems *p, Error *e, const char *detail)
{
    if (p->n++ == 0) {
        p->first = e;
        return;
    }
    if (p->n <= LISTED)
        buf_printf(&p->others, "\n    %s%s", e->message, detail);
    error_free(e);
}

static void add_missing(const Linker *l, const WasmModule *w, const Import *import, Problems *p)
{
    Buf detail = {0};
    buf_str(&detail, STR(" ("));
    buf_printf(&detail, "expected ");
    import_describe(w, import, &detail);
    put_hint(l, import, &detail);
    buf_u8(&detail, ')');
    char *text = buf_take_string(&detail);
    Error *e = error_new("unknown import: `%.*s::%.*s` has not been defined",
                         STR_ARG(import->module), STR_ARG(import->name));
    add_problem(p, e, text);
    if (p->n == 1)
        buf_printf(&p->others, "%s", text); /* the first one's line is the message itself */
    mem_free(text);
}

static void resolve(Linker *l, const WasmModule *w, const Import *import, Extern *ret_extern,
                    Problems *p)
{
    if (linker_get(l, import->module, import->name, ret_extern)) {
        Error *e = import_match(l->store, w, import, ret_extern);
        if (e) {
            Buf why = {0};
            buf_printf(&why, ": %s", e->cause->message);
            char *text = buf_take_string(&why);
            add_problem(p, e, text);
            mem_free(text);
        }
        return;
    }
    if (!may_stand_in(l, w, import)) {
        add_missing(l, w, import, p);
        return;
    }
    Error *e = stand_in(l, w, import, ret_extern);
    if (e)
        add_problem(p, e, "");
}

/* One error of all: the first as it would be alone, with the others below it. */
static Error *problems_error(Problems *p)
{
    if (p->n > LISTED)
        buf_printf(&p->others, "\n    and %u more", p->n - LISTED);
    if (p->others.n) {
        Buf text = {0};
        buf_printf(&text, "%s", p->first->message);
        buf_bytes(&text, p->others.p, p->others.n);
        mem_free(p->first->message);
        p->first->message = buf_take_string(&text);
    }
    buf_release(&p->others);
    return p->first;
}

void linker_hint(Linker *l, LinkerHint hint, void *arg)
{
    l->hint = hint;
    l->hint_arg = arg;
}

Error *linker_instantiate(Linker *l, Module *m, Instance **ret_instance)
{
    const WasmModule *w = module_wasm(m);
    Extern *imports = mem_alloc_array(w->nimports, sizeof *imports);
    Problems p = {0};
    for (u32 k = 0; k < w->nimports; k++)
        resolve(l, w, &w->imports[k], &imports[k], &p);
    Error *e =
        p.n ? problems_error(&p) : instance_new(l->store, m, imports, w->nimports, ret_instance);
    mem_free(imports);
    return e;
}
