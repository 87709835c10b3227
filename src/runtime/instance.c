/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Instances: one block of memory with the context behind it, filled in the order that the
 * specification's instantiation has: imports, own memories, tables and globals, functions,
 * segments, start. From the first segment on the instance may be reached from outside, so it stays
 * in its store whatever happens.
 *
 * Source: https://webassembly.github.io/spec/core/exec/modules.html#instantiation
 */
#include "os/vm.h"
#include "runtime/runtime_priv.h"
#include "runtime/x64/entry.h"

/* Modules that use none of these give the same results however the CPU rounds. */
#define FLOAT_FEATURES                                                                             \
    (FEATURE_MASK(FLOATS) | FEATURE_MASK(SAT_FLOAT_TO_INT) | FEATURE_MASK(SIMD) |                  \
     FEATURE_MASK(RELAXED_SIMD))

#define CTX_ARRAY(i, T, field) ((T *)((u8 *)(i)->ctx + (i)->module->layout.field))

/* Places in an instance's block; computed once with base 0 for the size. */
static usize lay_out(Instance *i, const Module *m, uintptr_t base)
{
    const WasmModule *w = m->wasm;
    u64 at = sizeof(Instance);
#define PLACE(field, count)                                                                        \
    do {                                                                                           \
        i->field = (void *)(base + at);                                                            \
        at += (u64)(count) * sizeof *i->field;                                                     \
    } while (0)
    PLACE(memories, w->nmemories);
    PLACE(tables, w->ntables);
    PLACE(globals, w->nglobals);
    PLACE(tags, w->ntags);
    PLACE(elems, w->nelems);
    PLACE(own_memories, w->nmemories - w->n_imported_memories);
    PLACE(own_tables, w->ntables - w->n_imported_tables);
    PLACE(own_tags, w->ntags - w->n_imported_tags);
    PLACE(elem_dropped, w->nelems);
    PLACE(data_dropped, w->ndatas);
#undef PLACE
    at = align_up(at, 16);
    i->ctx = (VmCtx *)(base + at);
    return at + m->layout.size;
}

static Instance *instance_alloc(Store *s, Module *m)
{
    Instance probe;
    usize size = lay_out(&probe, m, 0);
    u8 *block = mem_alloc(size);
    Instance *i = (Instance *)block;
    lay_out(i, m, (uintptr_t)block);
    i->store = s;
    i->module = module_ref(m);
    *i->ctx =
        (VmCtx){.magic = VMCTX_MAGIC, .store = &s->vm, .builtins = builtin_entries, .instance = i};
    if (m->layout.ntypes)
        memcpy(CTX_ARRAY(i, u32, types), m->wasm->types, m->layout.ntypes * sizeof(u32));
    return i;
}

void instance_free(Instance *i, const WasmModule *w)
{
    for (u32 k = 0; k < w->nelems; k++)
        mem_free(i->elems[k]);
    mem_free(i->own_globals);
    for (u32 f = 0; f < w->nfuncs && i->late_refs; f++)
        mem_free(i->late_refs[f]);
    mem_free(i->late_refs);
    snapshot_free(i->snapshot);
    mem_free(i);
}

void instance_drop(Instance *i)
{
    Module *m = i->module;
    instance_free(i, m->wasm);
    module_unref(m);
}

/* --- imports --- */

static void set_import(Instance *i, const Import *import, const Extern *e)
{
    switch (e->kind) {
    case EXTERN_FUNC:
        CTX_ARRAY(i, VmFuncImport, func_imports)
        [import->index] = (VmFuncImport){e->func->code, e->func->vmctx, e->func};
        return;
    case EXTERN_TABLE:
        CTX_ARRAY(i, VmTable *, table_ptrs)[import->index] = e->table->vm;
        i->tables[import->index] = e->table;
        return;
    case EXTERN_MEMORY:
        CTX_ARRAY(i, VmMemory *, memory_ptrs)[import->index] = e->memory->vm;
        i->memories[import->index] = e->memory;
        return;
    case EXTERN_GLOBAL:
        CTX_ARRAY(i, VmVal *, global_ptrs)[import->index] = e->global->val;
        i->globals[import->index] = e->global;
        return;
    case EXTERN_TAG:
        i->tags[import->index] = e->tag;
        return;
    }
}

static Error *check_imports(Store *s, const WasmModule *w, const Extern *imports, u32 nimports)
{
    if (nimports != w->nimports)
        return error_new("expected %u imports, found %u", w->nimports, nimports);
    for (u32 k = 0; k < nimports; k++) {
        Error *e = import_match(s, w, &w->imports[k], &imports[k]);
        if (e)
            return e;
    }
    return NULL;
}

/* --- own parts --- */

static Error *make_memories(Instance *i)
{
    const WasmModule *w = i->module->wasm;
    for (u32 k = w->n_imported_memories; k < w->nmemories; k++) {
        u32 own = k - w->n_imported_memories;
        Memory *m = &i->own_memories[own];
        m->vm = &CTX_ARRAY(i, VmMemory, memories)[own];
        Error *e = memory_init(i->store, m, &w->memories[k]);
        if (e)
            return e;
        i->memories[k] = m;
        CTX_ARRAY(i, VmMemory *, memory_ptrs)[k] = m->vm;
    }
    if (w->nmemories && !memory_can_move(&w->memories[0], &i->store->tunables))
        i->ctx->memory0_base = i->memories[0]->vm->base;
    return NULL;
}

static Error *make_globals(Instance *i)
{
    const WasmModule *w = i->module->wasm;
    VmVal *values = CTX_ARRAY(i, VmVal, globals);
    for (u32 k = w->n_imported_globals; k < w->nglobals; k++) {
        Error *e = const_eval(i, w->globals[k].init, &values[k - w->n_imported_globals]);
        if (e)
            return e;
    }
    return NULL;
}

static Error *make_tables(Instance *i)
{
    const WasmModule *w = i->module->wasm;
    for (u32 k = w->n_imported_tables; k < w->ntables; k++) {
        u32 own = k - w->n_imported_tables;
        RtTable *t = &i->own_tables[own];
        t->vm = &CTX_ARRAY(i, VmTable, tables)[own];
        VmVal init = {0};
        Error *e = w->tables[k].has_init ? const_eval(i, w->tables[k].init, &init) : NULL;
        if (w->tables[k].common)
            e = table_init_common(i->store, t, &w->tables[k].type,
                                  module_common_elems(i->module, k));
        else if (!e)
            e = table_init(i->store, t, &w->tables[k].type, init.ref);
        if (e)
            return e;
        i->tables[k] = t;
    }
    return NULL;
}

static void make_tags(Instance *i)
{
    const WasmModule *w = i->module->wasm;
    for (u32 k = w->n_imported_tags; k < w->ntags; k++) {
        RtTag *t = &i->own_tags[k - w->n_imported_tags];
        t->type = w->tags[k];
        i->tags[k] = t;
    }
}

static VmFuncRef make_ref(Instance *i, u32 func)
{
    const Module *m = i->module;
    return (VmFuncRef){.code = code_entry(m->code, func),
                       .vmctx = i->ctx,
                       .type = m->wasm->funcs[func].type,
                       .func = func};
}

static void make_refs(Instance *i)
{
    const Module *m = i->module;
    VmFuncRef *refs = CTX_ARRAY(i, VmFuncRef, funcrefs);
    u32 n = 0;
    for (u32 f = m->wasm->n_imported_funcs; n < m->layout.nfuncrefs; f++)
        if (m->layout.funcref_of[f] != UINT32_MAX)
            refs[n++] = make_ref(i, f);
}

void instance_update_refs(Instance *i)
{
    const Module *m = i->module;
    VmFuncRef *refs = CTX_ARRAY(i, VmFuncRef, funcrefs);
    for (u32 k = 0; k < m->layout.nfuncrefs; k++)
        refs[k].code = code_entry(m->code, refs[k].func);
    for (u32 f = 0; f < m->wasm->nfuncs && i->late_refs; f++)
        if (i->late_refs[f])
            i->late_refs[f]->code = code_entry(m->code, f);
    module_update_common_refs(i->module);
}

u32 module_compiled_funcs(const Module *m)
{
    return m->code ? atomic_load_explicit(&m->code->nfuncs, memory_order_acquire) : 0;
}

void instance_update_imports(Instance *i)
{
    VmFuncImport *imports = CTX_ARRAY(i, VmFuncImport, func_imports);
    for (u32 k = 0; k < i->module->wasm->n_imported_funcs; k++)
        if (imports[k].ref)
            imports[k].code = imports[k].ref->code;
}

VmFuncRef *instance_func_ref(Instance *i, u32 func)
{
    const Module *m = i->module;
    if (func < m->wasm->n_imported_funcs)
        return CTX_ARRAY(i, VmFuncImport, func_imports)[func].ref;
    if (LIKELY(m->layout.funcref_of[func] != UINT32_MAX))
        return (VmFuncRef *)((u8 *)i->ctx + vm_layout_funcref(&m->layout, func));
    if (!i->late_refs)
        i->late_refs = mem_alloc_array(m->wasm->nfuncs, sizeof *i->late_refs);
    if (!i->late_refs[func]) {
        VmFuncRef ref = make_ref(i, func);
        i->late_refs[func] = mem_dup(&ref, sizeof ref);
    }
    return i->late_refs[func];
}

/* --- segments --- */

static Error *run_elem(Instance *i, u32 index)
{
    const ElemSegment *seg = &i->module->wasm->elems[index];
    i->elem_dropped[index] = seg->mode != SEGMENT_PASSIVE;
    if (seg->mode == SEGMENT_DECLARED)
        return NULL;
    if (seg->mode == SEGMENT_PASSIVE) {
        i->elems[index] = mem_alloc_array(seg->count, sizeof(u64));
        return elem_items(i, seg, i->elems[index]);
    }
    if (i->tables[seg->table]->common)
        return NULL;
    VmVal at;
    Error *e = const_eval(i, seg->offset, &at);
    if (e)
        return e;
    const VmTable *t = i->tables[seg->table]->vm;
    if (seg->count > t->length || at.pair[0] > t->length - seg->count)
        return trap_error(TRAP_TABLE_OUT_OF_BOUNDS);
    return elem_items(i, seg, t->elems + at.pair[0]);
}

static Error *run_data(Instance *i, u32 index)
{
    const WasmModule *w = i->module->wasm;
    const DataSegment *seg = &w->datas[index];
    if (seg->mode != SEGMENT_ACTIVE)
        return NULL;
    i->data_dropped[index] = true;
    VmVal at;
    Error *e = const_eval(i, seg->offset, &at);
    if (e)
        return e;
    const VmMemory *m = i->memories[seg->memory]->vm;
    if (seg->bytes.size > m->length || at.pair[0] > m->length - seg->bytes.size)
        return trap_error(TRAP_MEMORY_OUT_OF_BOUNDS);
    if (seg->bytes.size)
        memcpy(m->base + at.pair[0], w->bytes + seg->bytes.at, seg->bytes.size);
    return NULL;
}

/* The result of all active data segments, if a former instance left it. */
static Error *map_image(Instance *i, const MemoryImage *image)
{
    const WasmModule *w = i->module->wasm;
    for (u32 k = 0; k < w->ndatas; k++)
        i->data_dropped[k] = w->datas[k].mode == SEGMENT_ACTIVE;
    u8 *base = i->memories[0]->vm->base;
    if (!os_vm_map_file(base, image->bytes, image->fd, 0, OS_PROT_RW, false))
        return error_new("failed to map the initial content of a memory");
    return NULL;
}

static Error *run_segments(Instance *i)
{
    const WasmModule *w = i->module->wasm;
    Error *e = NULL;
    for (u32 k = 0; k < w->nelems && !e; k++)
        e = run_elem(i, k);
    const MemoryImage *image = i->store->will_freeze ? NULL : pool_image(i->module);
    if (image && !e)
        return map_image(i, image);
    for (u32 k = 0; k < w->ndatas && !e; k++)
        e = run_data(i, k);
    return e;
}

static Error *run_start(Instance *i)
{
    const WasmModule *w = i->module->wasm;
    if (!w->has_start)
        return NULL;
    if (w->start < w->n_imported_funcs)
        return func_call(i->store, instance_func_ref(i, w->start), NULL);
    VmFuncRef ref = make_ref(i, w->start);
    return func_call(i->store, &ref, NULL);
}

static Error *make_own(Instance *i)
{
    /* References first: they have fixed places, and the initial values may name them. */
    make_refs(i);
    make_tags(i);
    Error *e = make_memories(i);
    if (!e)
        e = make_globals(i);
    if (!e)
        e = make_tables(i);
    return e;
}

static void link_to_store(Instance *i)
{
    Store *s = i->store;
    i->next = s->instances;
    s->instances = i;
    s->ninstances++;
    s->floats |= (module_wasm(i->module)->uses & FLOAT_FEATURES) != 0;
}

/* Imports, and everything that comes before the start function. */
static Error *prepare(Instance *i, bool reused, const Extern *imports)
{
    const WasmModule *w = i->module->wasm;
    for (u32 k = 0; k < w->nimports; k++)
        set_import(i, &w->imports[k], &imports[k]);
    if (reused) {
        pool_attach(i);
        return NULL;
    }
    Error *e = make_own(i);
    if (!e)
        e = run_segments(i);
    if (!e && !i->store->will_freeze)
        pool_remember(i);
    return e;
}

Error *instance_new(Store *s, Module *m, const Extern *imports, u32 nimports,
                    Instance **ret_instance)
{
    Error *e = check_imports(s, m->wasm, imports, nimports);
    if (e)
        return e;
    if (s->ninstances >= s->config.limits.instances)
        return error_new("resource limit exceeded: instance count too high at %u",
                         s->ninstances + 1);
    Instance *i = s->will_freeze ? NULL : pool_take(s, m);
    bool reused = i != NULL;
    if (!reused)
        i = instance_alloc(s, m);
    link_to_store(i);
    e = prepare(i, reused, imports);
    if (!e)
        e = run_start(i);
    if (!e)
        *ret_instance = i;
    return e;
}

/* --- what others see --- */

/* Handles of own globals are made when the first is asked for: most are never exported. */
static RtGlobal *instance_global(Instance *i, u32 index)
{
    const WasmModule *w = i->module->wasm;
    if (i->globals[index])
        return i->globals[index];
    u32 first = w->n_imported_globals;
    if (!i->own_globals)
        i->own_globals = mem_alloc_array(w->nglobals - first, sizeof *i->own_globals);
    RtGlobal *g = &i->own_globals[index - first];
    g->val = &CTX_ARRAY(i, VmVal, globals)[index - first];
    g->type = w->globals[index].type;
    i->globals[index] = g;
    return g;
}

static Extern extern_of(Instance *i, const Export *x)
{
    Extern e = {.kind = (ExternKind)x->kind};
    switch (e.kind) {
    case EXTERN_FUNC:
        e.func = instance_func_ref(i, x->index);
        break;
    case EXTERN_TABLE:
        e.table = i->tables[x->index];
        break;
    case EXTERN_MEMORY:
        e.memory = i->memories[x->index];
        break;
    case EXTERN_GLOBAL:
        e.global = instance_global(i, x->index);
        break;
    case EXTERN_TAG:
        e.tag = i->tags[x->index];
        break;
    }
    return e;
}

bool instance_export(Instance *i, Str name, Extern *ret_extern)
{
    const Export *x = module_find_export(i->module->wasm, name);
    if (x)
        *ret_extern = extern_of(i, x);
    return x != NULL;
}

Extern instance_export_nth(Instance *i, u32 n)
{
    ALWAYS(n < i->module->wasm->nexports);
    return extern_of(i, &i->module->wasm->exports[n]);
}

Module *instance_module(Instance *i)
{
    return i->module;
}

Store *instance_store(Instance *i)
{
    return i->store;
}

Instance *caller_instance(VmCtx *caller)
{
    return caller && caller->magic == VMCTX_MAGIC ? instance_of(caller) : NULL;
}

Store *caller_store(VmCtx *caller)
{
    return store_of(caller);
}

bool caller_memory(VmCtx *caller, u8 **ret_base, u64 *ret_bytes)
{
    Instance *i = caller_instance(caller);
    Extern e;
    if (!i)
        return false;
    if (!i->memory_export && instance_export(i, STR("memory"), &e) && e.kind == EXTERN_MEMORY)
        i->memory_export = e.memory;
    if (!i->memory_export)
        return false;
    *ret_base = memory_data(i->memory_export, ret_bytes);
    return true;
}
