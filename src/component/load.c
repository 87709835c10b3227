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
    Map index; /* address of the ComponentModule -> index into `modules` */
    Arena keys;
    Engine *engine;                /* borrow: it outlives what it made */
    OsMutex lock;                  /* of what follows */
    Map adapters;                  /* adapter_key -> Module * */
    VEC(Module *) adapter_modules; /* own */
    Arena adapter_keys;
};

MUST_CHECK static Error *load_module(LoadedComponent *l, Engine *e, const Component *c,
                                     const ComponentModule *m)
{
    LoadedModule loaded = {.from = m};
    Diag diag;
    Error *error =
        engine_module_new(e, c->bytes + m->bytes.at, m->bytes.size, &diag, &loaded.module);
    if (error)
        return error;
    const ComponentModule **key = arena_dup(&l->keys, &m, sizeof m);
    map_add(&l->index, (Str){(const char *)key, sizeof m}, l->modules.n);
    vec_push(&l->modules, loaded);
    return NULL;
}

/* The tree of components is as deep as the decoder allows, which is a bound. */
MUST_CHECK static Error *load_tree(LoadedComponent *l, Engine *e, const Component *c)
{
    Error *error = NULL;
    for (u32 i = 0; i < c->ndefs && !error; i++) {
        const ComponentDef *d = &c->defs[i];
        if (d->kind == DEF_CORE_MODULE)
            error = load_module(l, e, c, &c->core_modules[d->index]);
        else if (d->kind == DEF_COMPONENT)
            error = load_tree(l, e, d->component);
    }
    return error;
}

Error *component_load(Engine *e, const ComponentOptions *o, const u8 *p, usize n, Diag *diag,
                      LoadedComponent **ret_component)
{
    Diag own;
    if (!diag)
        diag = &own;
    diag_init(diag);
    Component *c = component_decode(engine_types(e), o, p, n, diag);
    if (!c) {
        Error *cause =
            diag->kind == DIAG_UNSUPPORTED || diag->kind == DIAG_LIMIT
                ? error_new("%s (at offset 0x%llx)", diag->msg, (unsigned long long)diag->offset)
                : error_new("Invalid input WebAssembly code at offset %llu: %s",
                            (unsigned long long)diag->offset, diag->msg);
        return error_wrap(cause, "failed to parse WebAssembly module");
    }
    LoadedComponent *l = mem_alloc(sizeof *l);
    atomic_init(&l->refs, 1);
    l->component = c;
    arena_init(&l->keys);
    l->engine = e;
    os_mutex_init(&l->lock);
    arena_init(&l->adapter_keys);
    Error *error = load_tree(l, e, c);
    if (error) {
        component_unref(l);
        return error;
    }
    *ret_component = l;
    return NULL;
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
    mem_free(c);
}

const Component *component_decoded(const LoadedComponent *c)
{
    return c->component;
}

MUST_CHECK static Error *make_adapter(LoadedComponent *c, const AdapterShape *s, Str key,
                                      Module **ret_module)
{
    Buf bytes = {0};
    adapter_encode(s, &bytes);
    Error *e = engine_module_new(c->engine, bytes.p, bytes.n, NULL, ret_module);
    buf_release(&bytes);
    if (e)
        return e;
    vec_push(&c->adapter_modules, *ret_module);
    map_add(&c->adapters, (Str){arena_dup(&c->adapter_keys, key.p, key.n), key.n},
            (u64)(uintptr_t)*ret_module);
    return NULL;
}

Error *loaded_adapter(LoadedComponent *c, const AdapterShape *s, Module **ret_module)
{
    Buf shape = {0};
    adapter_key(s, &shape);
    Str key = {(char *)shape.p, shape.n};
    u64 found = 0;
    Error *e = NULL;
    os_mutex_lock(&c->lock);
    if (map_get(&c->adapters, key, &found))
        *ret_module = (Module *)(uintptr_t)found;
    else
        e = make_adapter(c, s, key, ret_module);
    os_mutex_unlock(&c->lock);
    buf_release(&shape);
    return e;
}

Module *loaded_module(const LoadedComponent *c, const ComponentModule *m)
{
    u64 i = 0;
    ALWAYS(map_get(&c->index, (Str){(const char *)&m, sizeof m}, &i));
    return c->modules.p[i].module;
}
