/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Components that can be instantiated: decoded, with engine modules for the core modules inside. */
#include "component/instance_priv.h"

#include "os/thread.h"

#include <stdatomic.h>

typedef struct LoadedModule {
    const ComponentModule *from;
    Module *module; /* own */
} LoadedModule;

struct LoadedComponent {
    _Atomic u32 refs;
    Component *component; /* own */
    VEC(LoadedModule) modules;
    CompiledComponent *compiled; /* own; NULL: not from a compiled file */
    Buf bytes;                   /* own; empty: the component has a copy, or they are compiled's */
    Map index;                   /* address of the ComponentModule -> index into `modules` */
    Arena keys;
    Engine *engine;                /* borrow: it outlives what it made */
    OsMutex lock;                  /* of what follows */
    Map adapters;                  /* their bytes -> Module * */
    VEC(Module *) adapter_modules; /* own */
    Arena adapter_keys;
    _Atomic usize root_bytes, store_bytes; /* of the last instantiation */
};

InstanceSizes loaded_sizes(const LoadedComponent *c)
{
    return (InstanceSizes){atomic_load_explicit(&c->root_bytes, memory_order_relaxed),
                           atomic_load_explicit(&c->store_bytes, memory_order_relaxed)};
}

void loaded_note_sizes(LoadedComponent *c, InstanceSizes s)
{
    atomic_store_explicit(&c->root_bytes, s.root, memory_order_relaxed);
    atomic_store_explicit(&c->store_bytes, s.store, memory_order_relaxed);
}

/* The decoder met the modules in the order of their definitions, as load_tree does. */
MUST_CHECK static Error *load_module(LoadedComponent *l, const ComponentModule *m)
{
    LoadedModule loaded = {.from = m};
    WasmModule *w = component_take_module(l->component, l->modules.n);
    Error *error = l->compiled
                       ? compiled_component_module(l->compiled, l->modules.n, w, &loaded.module)
                       : engine_module_new_decoded(l->engine, w, &loaded.module);
    if (error)
        return error;
    const ComponentModule **key = arena_dup(&l->keys, &m, sizeof m);
    map_add(&l->index, (Str){(const char *)key, sizeof m}, l->modules.n);
    vec_push(&l->modules, loaded);
    return NULL;
}

/* The tree of components is as deep as the decoder allows, which is a bound. */
MUST_CHECK static Error *load_tree(LoadedComponent *l, const Component *c)
{
    Error *error = NULL;
    for (u32 i = 0; i < c->ndefs && !error; i++) {
        const ComponentDef *d = &c->defs[i];
        if (d->kind == DEF_CORE_MODULE)
            error = load_module(l, &c->core_modules[d->index]);
        else if (d->kind == DEF_COMPONENT)
            error = load_tree(l, d->component);
    }
    return error;
}

/* Transfers `compiled`, which may be NULL. */
MUST_CHECK static Error *load(Engine *e, const ComponentOptions *o, Str bytes,
                              CompiledComponent *compiled, Diag *diag,
                              LoadedComponent **ret_component)
{
    Diag own;
    if (!diag)
        diag = &own;
    diag_init(diag);
    Component *c = component_decode(engine_types(e), o, (const u8 *)bytes.p, bytes.n, diag);
    if (!c || !component_is_hostable(c, diag)) {
        component_free(c);
        compiled_component_free(compiled);
        return engine_diag_error(diag);
    }
    LoadedComponent *l = mem_alloc(sizeof *l);
    atomic_init(&l->refs, 1);
    l->component = c;
    l->compiled = compiled;
    arena_init(&l->keys);
    l->engine = e;
    os_mutex_init(&l->lock);
    arena_init(&l->adapter_keys);
    Error *error = load_tree(l, c);
    if (error) {
        component_unref(l);
        return error;
    }
    *ret_component = l;
    return NULL;
}

Error *component_load(Engine *e, const ComponentOptions *o, const u8 *p, usize n, Diag *diag,
                      LoadedComponent **ret_component)
{
    return load(e, o, (Str){(const char *)p, n}, NULL, diag, ret_component);
}

Error *component_load_owned(Engine *e, const ComponentOptions *o, Buf *bytes, Diag *diag,
                            LoadedComponent **ret_component)
{
    ComponentOptions options = *o;
    options.borrow = true;
    LoadedComponent *l = NULL;
    Error *error = load(e, &options, (Str){(char *)bytes->p, bytes->n}, NULL, diag, &l);
    if (error) {
        buf_release(bytes);
        return error;
    }
    l->bytes = *bytes;
    *bytes = (Buf){0};
    *ret_component = l;
    return NULL;
}

Error *component_load_compiled(Engine *e, const ComponentOptions *o, CompiledComponent *compiled,
                               LoadedComponent **ret_component)
{
    ComponentOptions options = *o;
    options.skip_bodies = true;
    options.borrow = true;
    LoadedComponent *l = NULL;
    Error *error = load(e, &options, compiled_component_bytes(compiled), compiled, NULL, &l);
    if (!error && l->modules.n != compiled_component_modules(compiled)) {
        component_unref(l);
        error = error_new("the compiled component is damaged: its modules do not fit");
    }
    if (!error)
        *ret_component = l;
    return error_wrap(error, "failed to load compiled component");
}

Error *component_serialize(LoadedComponent *l, Buf *out)
{
    Module **modules = mem_alloc_array(MAX(l->modules.n, 1), sizeof *modules);
    for (u32 i = 0; i < l->modules.n; i++)
        modules[i] = l->modules.p[i].module;
    const Component *c = l->component;
    Error *e =
        engine_component_serialize(l->engine, c->bytes, c->range.size, modules, l->modules.n, out);
    mem_free(modules);
    return e;
}

LoadedComponent *component_ref(LoadedComponent *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void component_unref(LoadedComponent *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (u32 i = 0; i < c->modules.n; i++)
        module_unref(c->modules.p[i].module);
    for (u32 i = 0; i < c->adapter_modules.n; i++)
        module_unref(c->adapter_modules.p[i]);
    vec_release(&c->adapter_modules);
    map_release(&c->adapters);
    arena_release(&c->adapter_keys);
    os_mutex_release(&c->lock);
    vec_release(&c->modules);
    map_release(&c->index);
    arena_release(&c->keys);
    component_free(c->component);
    compiled_component_free(c->compiled);
    buf_release(&c->bytes);
    mem_free(c);
}

const Component *component_decoded(const LoadedComponent *c)
{
    return c->component;
}

MUST_CHECK static Error *check_module_limits(const WasmModule *w, const StoreLimits *l)
{
    for (u32 i = w->n_imported_memories; i < w->nmemories; i++) {
        const MemoryType *t = &w->memories[i];
        if (t->limits.min > l->memory_bytes >> t->page_size_log2)
            return error_new("memory %u has at least %llu pages of %llu bytes, of the %llu bytes "
                             "that are allowed",
                             i, (unsigned long long)t->limits.min, 1ull << t->page_size_log2,
                             (unsigned long long)l->memory_bytes);
    }
    for (u32 i = w->n_imported_tables; i < w->ntables; i++) {
        u64 min = w->tables[i].type.limits.min;
        if (min > l->table_elements)
            return error_new("table %u has at least %llu elements, of the %llu that are allowed", i,
                             (unsigned long long)min, (unsigned long long)l->table_elements);
    }
    return NULL;
}

Error *component_check_limits(const LoadedComponent *c, const StoreLimits *l)
{
    for (u32 i = 0; i < c->modules.n; i++) {
        Error *e = check_module_limits(module_wasm(c->modules.p[i].module), l);
        if (e)
            return error_wrap(e, "core module %u of the component does not fit the limits", i);
    }
    return NULL;
}

MUST_CHECK static Error *make_adapter(LoadedComponent *c, Str bytes, Module **ret_module)
{
    Error *e = engine_module_new(c->engine, (const u8 *)bytes.p, bytes.n, NULL, ret_module);
    if (e)
        return e;
    vec_push(&c->adapter_modules, *ret_module);
    map_add(&c->adapters, (Str){arena_dup(&c->adapter_keys, bytes.p, bytes.n), bytes.n},
            (u64)(uintptr_t)*ret_module);
    return NULL;
}

Error *loaded_adapter(LoadedComponent *c, Str bytes, Module **ret_module)
{
    u64 found = 0;
    Error *e = NULL;
    os_mutex_lock(&c->lock);
    if (map_get(&c->adapters, bytes, &found))
        *ret_module = (Module *)(uintptr_t)found;
    else
        e = make_adapter(c, bytes, ret_module);
    os_mutex_unlock(&c->lock);
    return e;
}

Module *loaded_module(const LoadedComponent *c, const ComponentModule *m)
{
    u64 i = 0;
    ALWAYS(map_get(&c->index, (Str){(const char *)&m, sizeof m}, &i));
    return c->modules.p[i].module;
}
