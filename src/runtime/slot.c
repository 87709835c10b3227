/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Frozen stores. What can change in a store between two resets, and who puts it back:
 *   memories   slot_memory.c
 *   tables     elements and lengths, copied back
 *   globals    of instances and of the host, copied back
 *   segments   flags of what was dropped, copied back
 *   the store  fuel and deadline copied back; what is pending, the last backtrace and host objects
 *              behind references are dropped
 * Nothing else may have changed: a store that the host has added to is not put back.
 */
#include "runtime/slot.h"

#include "runtime/activation.h"
#include "runtime/runtime_priv.h"

typedef struct FrozenTable {
    RtTable *t;
    u64 *elems; /* own; NULL: those of a common table */
    u64 length;
} FrozenTable;

typedef struct FrozenInstance {
    Instance *i;
    VmVal *globals; /* own ones, in FrozenStore.values */
    bool *dropped;  /* of elem, then data segments, in FrozenStore.flags */
    u32 refs_at;    /* functions that were compiled when the references were made */
} FrozenInstance;

typedef struct FrozenGlobal {
    RtGlobal *g;
    VmVal value;
} FrozenGlobal;

struct FrozenStore {
    SlotOptions options;
    FrozenInstance *instances;
    FrozenMemory *memories;
    FrozenTable *tables;
    FrozenGlobal *globals;
    VmVal *values;
    bool *flags;
    u32 ninstances, nmemories, ntables, nglobals, nexterns, ntypes;
    usize arena; /* what of the store's arena is taken */
    i64 fuel;
    u64 epoch_deadline;
};

enum {
    RESIDENT = 4 << 20,
    TABLE_SPARE = 4096,
    SAMPLE_EVERY = 64, /* a fault costs about as much as this many copies of a page */
};

void slot_options_init(SlotOptions *o)
{
    *o = (SlotOptions){
        .resident = RESIDENT, .table_spare = TABLE_SPARE, .sample_every = SAMPLE_EVERY};
}

void store_will_freeze(Store *s)
{
    ALWAYS(!s->instances);
    s->will_freeze = true;
}

bool store_called_host(const Store *s)
{
    return s->vm.host_pc != 0;
}

void frozen_free(FrozenStore *f)
{
    if (!f)
        return;
    for (u32 k = 0; k < f->nmemories; k++)
        frozen_memory_release(&f->memories[k]);
    for (u32 k = 0; k < f->ntables; k++)
        mem_free(f->tables[k].elems);
    mem_free(f->instances);
    mem_free(f->memories);
    mem_free(f->tables);
    mem_free(f->globals);
    mem_free(f->values);
    mem_free(f->flags);
    mem_free(f);
}

/* --- freezing --- */

static u32 own_globals(const WasmModule *w)
{
    return w->nglobals - w->n_imported_globals;
}

static VmVal *globals_of(const Instance *i)
{
    return (VmVal *)((u8 *)i->ctx + i->module->layout.globals);
}

static void freeze_instances(Store *s, FrozenStore *f)
{
    usize values = 0, flags = 0;
    for (Instance *i = s->instances; i; i = i->next) {
        const WasmModule *w = i->module->wasm;
        f->ninstances++;
        values += own_globals(w);
        flags += (usize)w->nelems + w->ndatas;
    }
    f->instances = mem_alloc_array(MAX(f->ninstances, 1), sizeof *f->instances);
    f->values = mem_alloc_array(MAX(values, 1), sizeof *f->values);
    f->flags = mem_alloc(flags);
    FrozenInstance *x = f->instances;
    VmVal *value = f->values;
    bool *flag = f->flags;
    for (Instance *i = s->instances; i; i = i->next, x++) {
        const WasmModule *w = i->module->wasm;
        /* references may be older than the functions: made again by the first reset */
        *x = (FrozenInstance){i, value, flag, UINT32_MAX};
        memcpy(value, globals_of(i), own_globals(w) * sizeof *value);
        memcpy(flag, i->elem_dropped, w->nelems);
        memcpy(flag + w->nelems, i->data_dropped, w->ndatas);
        value += own_globals(w);
        flag += (usize)w->nelems + w->ndatas;
    }
}

static u64 *frozen_elems(const RtTable *t)
{
    if (t->common && t->vm->elems == t->common)
        return NULL;
    return mem_dup(t->vm->elems, t->vm->length * sizeof(u64));
}

static void freeze_tables(Store *s, FrozenStore *f)
{
    for (RtTable *t = s->tables; t; t = t->next)
        f->ntables++;
    f->tables = mem_alloc_array(MAX(f->ntables, 1), sizeof *f->tables);
    FrozenTable *x = f->tables;
    for (RtTable *t = s->tables; t; t = t->next, x++)
        *x = (FrozenTable){t, frozen_elems(t), t->vm->length};
}

static void freeze_globals(Store *s, FrozenStore *f)
{
    for (RtGlobal *g = s->globals; g; g = g->next)
        f->nglobals++;
    f->globals = mem_alloc_array(MAX(f->nglobals, 1), sizeof *f->globals);
    FrozenGlobal *x = f->globals;
    for (RtGlobal *g = s->globals; g; g = g->next, x++)
        *x = (FrozenGlobal){g, g->own};
}

MUST_CHECK static Error *freeze_memories(Store *s, FrozenStore *f, SlotImages *images)
{
    u32 n = 0;
    for (Memory *m = s->memories; m; m = m->next)
        n++;
    f->memories = mem_alloc_array(MAX(n, 1), sizeof *f->memories);
    for (Memory *m = s->memories; m; m = m->next) {
        Error *e = memory_freeze(m, f->nmemories, &f->options, images, &f->memories[f->nmemories]);
        if (e)
            return e;
        f->nmemories++;
    }
    return NULL;
}

/* Nothing leads to the instance any more: so it is where one only fills a table of another's. */
static bool is_spent(const WasmModule *w)
{
    return w->nexports == 0 && w->nfuncs == w->n_imported_funcs &&
           w->nmemories == w->n_imported_memories && w->ntables == w->n_imported_tables;
}

static void drop_spent(Store *s)
{
    for (Instance **at = &s->instances, *i; (i = *at);) {
        if (!is_spent(i->module->wasm)) {
            at = &i->next;
            continue;
        }
        *at = i->next;
        s->ninstances--;
        instance_drop(i);
    }
}

Error *store_freeze(Store *s, const SlotOptions *o, SlotImages *images)
{
    ALWAYS(s->will_freeze && !s->frozen);
    drop_spent(s);
    FrozenStore *f = mem_alloc(sizeof *f);
    *f = (FrozenStore){.options = *o,
                       .nexterns = s->externs.n,
                       .ntypes = s->types.n,
                       .arena = arena_used(&s->arena),
                       .fuel = s->vm.fuel,
                       .epoch_deadline = s->vm.epoch_deadline};
    s->vm.host_pc = 0;
    freeze_instances(s, f);
    freeze_tables(s, f);
    freeze_globals(s, f);
    Error *e = freeze_memories(s, f, images);
    if (e)
        frozen_free(f);
    else
        s->frozen = f;
    return e;
}

/* --- resetting --- */

static bool was_added_to(const Store *s, const FrozenStore *f)
{
    return s->ninstances != f->ninstances || s->types.n != f->ntypes ||
           arena_used(&s->arena) != f->arena;
}

static void reset_instances(FrozenStore *f)
{
    for (u32 k = 0; k < f->ninstances; k++) {
        const FrozenInstance *x = &f->instances[k];
        const WasmModule *w = x->i->module->wasm;
        memcpy(globals_of(x->i), x->globals, own_globals(w) * sizeof *x->globals);
        memcpy(x->i->elem_dropped, x->dropped, w->nelems);
        memcpy(x->i->data_dropped, x->dropped + w->nelems, w->ndatas);
    }
}

/* References to functions that were compiled since lead straight to them from now on. */
static void update_refs(FrozenStore *f)
{
    bool newer = false;
    for (u32 k = 0; k < f->ninstances; k++) {
        FrozenInstance *x = &f->instances[k];
        u32 compiled = module_compiled_funcs(x->i->module);
        if (compiled == x->refs_at)
            continue;
        instance_update_refs(x->i);
        x->refs_at = compiled;
        newer = true;
    }
    for (u32 k = 0; k < f->ninstances && newer; k++)
        instance_update_imports(f->instances[k].i);
}

static void reset_store(Store *s, const FrozenStore *f)
{
    error_free(store_take_pending(s));
    s->vm.fuel = f->fuel;
    s->vm.epoch_deadline = f->epoch_deadline;
    s->vm.exit_fp = s->vm.exit_pc = s->vm.host_pc = 0;
    s->externs.n = f->nexterns;
    s->nframes = 0;
}

bool store_reset(Store *s)
{
    FrozenStore *f = s->frozen;
    ALWAYS(f);
    for (const Activation *a = thread_state.top; a; a = a->prev)
        ALWAYS(a->store != s);
    ALWAYS(s->suspended == 0);
    if (was_added_to(s, f))
        return false;
    for (u32 k = 0; k < f->nmemories; k++)
        if (!memory_reset(s, &f->memories[k], &f->options))
            return false;
    for (u32 k = 0; k < f->ntables; k++) {
        const FrozenTable *x = &f->tables[k];
        const u64 *elems = x->elems ? x->elems : x->t->common;
        if (!table_reset(x->t, elems, x->length, f->options.table_spare))
            return false;
    }
    for (u32 k = 0; k < f->nglobals; k++)
        f->globals[k].g->own = f->globals[k].value;
    reset_instances(f);
    update_refs(f);
    reset_store(s, f);
    return true;
}
