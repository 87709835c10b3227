/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Components that can be instantiated: decoded, with engine modules for the core modules inside. */
#include "component/instance_priv.h"

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

Module *loaded_module(const LoadedComponent *c, const ComponentModule *m)
{
    u64 i = 0;
    ALWAYS(map_get(&c->index, (Str){(const char *)&m, sizeof m}, &i));
    return c->modules.p[i].module;
}
