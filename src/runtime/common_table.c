/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Common tables (wasm/decode_tables.c): a module has one array of elements for all of its
 * instances, and one reference for each function in it. Such a reference has no context; compiled
 * code takes the instance's own when it calls through the table. An instance that writes to its
 * table gets elements of its own first, and what is read from it as a value is replaced by a
 * reference of the instance, made when it is asked for.
 */
#include "runtime/runtime_priv.h"

struct CommonTables {
    VmFuncRef *refs;
    u32 nrefs;
    _Atomic u32 refs_at; /* functions that were compiled when `code` of the references was set */
    u64 **elems;         /* by own table; NULL: not common */
};

/* The reference to a function, made for its first element. */
static VmFuncRef *ref_to(const Module *m, u32 func, CommonTables *c, u32 *numbers)
{
    if (!numbers[func]) {
        c->refs[c->nrefs++] = (VmFuncRef){
            .code = code_entry(m->code, func), .type = m->wasm->funcs[func].type, .func = func};
        numbers[func] = c->nrefs;
    }
    return &c->refs[numbers[func] - 1];
}

static bool is_common(const WasmModule *w, const ElemSegment *e)
{
    return e->mode == SEGMENT_ACTIVE && w->tables[e->table].common;
}

static void fill(const Module *m, const ElemSegment *e, CommonTables *c, u32 *numbers)
{
    const WasmModule *w = m->wasm;
    const u8 *at = w->bytes + e->items.at;
    u64 *to = c->elems[e->table - w->n_imported_tables] + elem_common_place(w, e);
    for (u32 k = 0; k < e->count; k++)
        to[k] = (u64)(uintptr_t)ref_to(m, elem_next_index(&at), c, numbers);
}

/* In the order of the segments: later ones overwrite earlier ones. */
static CommonTables *make(Module *m)
{
    const WasmModule *w = m->wasm;
    CommonTables *c = arena_new(&m->arena, CommonTables);
    u64 count = 0;
    for (u32 k = 0; k < w->nelems; k++)
        count += is_common(w, &w->elems[k]) ? w->elems[k].count : 0;
    c->refs = arena_array(&m->arena, VmFuncRef, MIN(count, w->nfuncs));
    c->elems = arena_array(&m->arena, u64 *, w->ntables - w->n_imported_tables);
    for (u32 t = w->n_imported_tables; t < w->ntables; t++)
        if (w->tables[t].common)
            c->elems[t - w->n_imported_tables] =
                arena_array(&m->arena, u64, w->tables[t].type.limits.min);
    u32 *numbers = mem_alloc_array(w->nfuncs, sizeof *numbers);
    for (u32 k = 0; k < w->nelems; k++)
        if (is_common(w, &w->elems[k]))
            fill(m, &w->elems[k], c, numbers);
    mem_free(numbers);
    return c;
}

const u64 *module_common_elems(Module *m, u32 table)
{
    CommonTables *c = atomic_load_explicit(&m->common, memory_order_acquire);
    if (!c) {
        module_lock(m);
        c = atomic_load_explicit(&m->common, memory_order_relaxed);
        if (!c)
            atomic_store_explicit(&m->common, c = make(m), memory_order_release);
        module_unlock(m);
    }
    return c->elems[table - m->wasm->n_imported_tables];
}

/* Others may do the same at the same time, and compiled code reads what is written. */
void module_update_common_refs(Module *m)
{
    CommonTables *c = atomic_load_explicit(&m->common, memory_order_acquire);
    u32 compiled = module_compiled_funcs(m);
    if (!c || atomic_load_explicit(&c->refs_at, memory_order_relaxed) == compiled)
        return;
    for (u32 k = 0; k < c->nrefs; k++)
        __atomic_store_n(&c->refs[k].code, code_entry(m->code, c->refs[k].func), __ATOMIC_RELAXED);
    atomic_store_explicit(&c->refs_at, compiled, memory_order_relaxed);
}

u64 instance_own_ref(Instance *i, u64 elem)
{
    const VmFuncRef *ref = (const VmFuncRef *)(uintptr_t)elem;
    if (!ref || ref->vmctx)
        return elem;
    return (u64)(uintptr_t)instance_func_ref(i, ref->func);
}
