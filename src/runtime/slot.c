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
    u64 *elems; /* NULL: those of a common table */
    u64 length;
} FrozenTable;

typedef struct FrozenInstance {
    Instance *i;
    u32 refs_at; /* functions that were compiled when the references were made */
} FrozenInstance;

/* One piece of memory: idle stores are many. */
struct FrozenStore {
    SlotOptions options;
    FrozenInstance *instances;
    FrozenMemory *memories;
    FrozenTable *tables;
    VmVal *values; /* of the instances' own globals, then of those that the host made */
    bool *flags;   /* of the instances: elem, then data segments that are dropped */
    u32 ninstances, nmemories, ntables, nexterns, ntypes;
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

static bool is_as_at_first(const RtTable *t)
{
    return t->common && t->vm->elems == t->common;
}

/* How many there are of everything. */
typedef struct Counts {
    usize instances, memories, tables, elems, values, flags;
} Counts;

static Counts count(const Store *s)
{
    Counts c = {0};
    for (const Instance *i = s->instances; i; i = i->next) {
        const WasmModule *w = i->module->wasm;
        c.instances++;
        c.values += own_globals(w);
        c.flags += (usize)w->nelems + w->ndatas;
    }
    for (const RtGlobal *g = s->globals; g; g = g->next)
        c.values++;
    for (const Memory *m = s->memories; m; m = m->next)
        c.memories++;
    for (const RtTable *t = s->tables; t; t = t->next) {
        c.tables++;
        c.elems += is_as_at_first(t) ? 0 : t->vm->length;
    }
    return c;
}

/* With room for all of it; *ret_elems is that of the tables. */
static FrozenStore *frozen_new(const Counts *c, u64 **ret_elems)
{
    FrozenStore *f =
        mem_alloc(sizeof *f + c->instances * sizeof *f->instances +
                  c->memories * sizeof *f->memories + c->tables * sizeof *f->tables +
                  c->values * sizeof *f->values + c->elems * sizeof **ret_elems + c->flags);
    f->instances = (FrozenInstance *)(f + 1);
    f->memories = (FrozenMemory *)(f->instances + c->instances);
    f->tables = (FrozenTable *)(f->memories + c->memories);
    f->values = (VmVal *)(f->tables + c->tables);
    *ret_elems = (u64 *)(f->values + c->values);
    f->flags = (bool *)(*ret_elems + c->elems);
    return f;
}

static void freeze_instances(Store *s, FrozenStore *f)
{
    VmVal *value = f->values;
    bool *flag = f->flags;
    for (Instance *i = s->instances; i; i = i->next) {
        const WasmModule *w = i->module->wasm;
        /* references may be older than the functions: made again by the first reset */
        f->instances[f->ninstances++] = (FrozenInstance){i, UINT32_MAX};
        memcpy(value, globals_of(i), own_globals(w) * sizeof *value);
        memcpy(flag, i->elem_dropped, w->nelems);
        memcpy(flag + w->nelems, i->data_dropped, w->ndatas);
        value += own_globals(w);
        flag += (usize)w->nelems + w->ndatas;
    }
    for (const RtGlobal *g = s->globals; g; g = g->next)
        *value++ = g->own;
}

static void freeze_tables(Store *s, FrozenStore *f, u64 *elems)
{
    for (RtTable *t = s->tables; t; t = t->next) {
        u64 n = t->vm->length;
        FrozenTable *x = &f->tables[f->ntables++];
        *x = (FrozenTable){.t = t, .length = n};
        if (is_as_at_first(t))
            continue;
        x->elems = elems;
        if (n)
            memcpy(elems, t->vm->elems, n * sizeof *elems);
        elems += n;
    }
}

MUST_CHECK static Error *freeze_memories(Store *s, FrozenStore *f, SlotImages *images)
{
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
    u64 *elems = NULL;
    Counts c = count(s);
    FrozenStore *f = frozen_new(&c, &elems);
    f->options = *o;
    f->nexterns = s->externs.n;
    f->ntypes = s->types.n;
    f->arena = arena_used(&s->arena);
    f->fuel = s->vm.fuel;
    f->epoch_deadline = s->vm.epoch_deadline;
    s->vm.host_pc = 0;
    vec_shrink(&s->types);
    freeze_instances(s, f);
    freeze_tables(s, f, elems);
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

static void reset_instances(const Store *s, const FrozenStore *f)
{
    const VmVal *value = f->values;
    const bool *flag = f->flags;
    for (u32 k = 0; k < f->ninstances; k++) {
        const Instance *i = f->instances[k].i;
        const WasmModule *w = i->module->wasm;
        memcpy(globals_of(i), value, own_globals(w) * sizeof *value);
        memcpy(i->elem_dropped, flag, w->nelems);
        memcpy(i->data_dropped, flag + w->nelems, w->ndatas);
        value += own_globals(w);
        flag += (usize)w->nelems + w->ndatas;
    }
    for (RtGlobal *g = s->globals; g; g = g->next)
        g->own = *value++;
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
    reset_instances(s, f);
    update_refs(f);
    reset_store(s, f);
    return true;
}
