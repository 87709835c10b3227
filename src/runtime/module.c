/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Modules: reference counts, code, names. */
#include "runtime/runtime_priv.h"

/*
 * Machine code bytes reserved for a byte of wasm and on top; only address space. A call in two
 * bytes can take 10 KiB (a thousand arguments), so no factor is enough for every module: the margin
 * is what a module may exceed it by, and what a small hostile one can take.
 */
enum {
    TEXT_FACTOR = 16,
    TEXT_MARGIN = 1 << 20,
    TEXT_MARGIN_ROOMY = 64 << 20,
    TEXT_PER_FUNC = 256,
};

static u64 text_bytes(const WasmModule *w, u32 defined, bool roomy)
{
    return (roomy ? TEXT_MARGIN_ROOMY : TEXT_MARGIN) + (u64)w->code_size * TEXT_FACTOR +
           (u64)defined * TEXT_PER_FUNC;
}

static Module *module_make(WasmModule *w, const ModuleConfig *c, bool types)
{
    Module *m = mem_alloc(sizeof *m);
    atomic_init(&m->refs, 1);
    m->config = *c;
    m->wasm = w;
    os_mutex_init(&m->lock);
    pool_init(&m->pool, w);
    arena_init(&m->arena);
    vm_layout_init(&m->layout, w, types, &m->arena);
    return m;
}

Error *module_new(WasmModule *w, const ModuleConfig *c, Module **ret_module)
{
    Module *m = module_make(w, c, c->types);
    u32 defined = w->nfuncs - w->n_imported_funcs;
    CodeMemConfig config = {.owner = m,
                            .nslots = defined,
                            .first_func = w->n_imported_funcs,
                            .max_funcs = defined,
                            .text_bytes = text_bytes(w, defined, c->roomy),
                            .backing = c->backing};
    Error *e = defined ? code_mem_new(&config, &m->code) : NULL;
    if (e) {
        m->config.release = NULL;
        module_unref(m);
        return e;
    }
    *ret_module = m;
    return NULL;
}

Module *module_new_image(WasmModule *w, const ModuleConfig *c, u8 *map, u64 map_bytes, u8 *text,
                         u64 text_bytes, const CodeFunc *funcs)
{
    Module *m = module_make(w, c, true);
    m->code = code_mem_image(m, map, map_bytes, text, text_bytes, w->n_imported_funcs, funcs,
                             w->nfuncs - w->n_imported_funcs);
    return m;
}

Module *module_ref(Module *m)
{
    atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
    return m;
}

Module *module_unref(Module *m)
{
    if (!m || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
        return NULL;
    pool_release(&m->pool, m->wasm);
    module_free(m->wasm); /* its bytes may be in the image that the code is in */
    code_mem_free(m->code);
    arena_release(&m->arena);
    os_mutex_release(&m->lock);
    mem_free(m->name);
    if (m->config.release)
        m->config.release(m->config.arg);
    mem_free(m);
    return NULL;
}

const WasmModule *module_wasm(const Module *m)
{
    return m->wasm;
}

const VmLayout *module_layout(const Module *m)
{
    return &m->layout;
}

void module_set_name(Module *m, Str name)
{
    mem_free(m->name);
    m->name = name.p ? mem_strdup_n(name.p, name.n) : NULL;
}

Str module_display_name(const Module *m)
{
    return str_of(m->name);
}

const CodeMem *module_code(const Module *m)
{
    return m->code;
}

void module_lock(Module *m)
{
    os_mutex_lock(&m->lock);
}

void module_unlock(Module *m)
{
    os_mutex_unlock(&m->lock);
}

bool module_is_compiled(const Module *m, u32 func)
{
    return code_is_compiled(m->code, func);
}

Error *module_publish(Module *m, const CompiledFunc *compiled, const u32 *funcs, u32 n)
{
    const void *first = NULL;
    return code_publish(m->code, compiled, funcs, n, &first);
}
