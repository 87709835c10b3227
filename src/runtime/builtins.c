/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The functions of builtins.def. They run on the wasm stack, called through the stubs of entry.S.
 * Bounds are checked before anything is written, in 64 bits without overflow; ranges of length 0
 * are checked too. What may run for long looks for interrupts in between, and
 * whether it is to yield.
 */
#include "runtime/activation.h"
#include "runtime/runtime_priv.h"
#include "runtime/x64/entry.h"

#include <math.h>

enum { CHUNK = 1 << 20 }; /* bytes between two looks */

/* As builtins.def has them; only entry.S calls them. */
u64 builtin_memory_grow(VmCtx *ctx, u32 memory, u64 pages);
void builtin_memory_copy(VmCtx *ctx, u32 dst, u32 src, u64 d, u64 s, u64 n);
void builtin_memory_fill(VmCtx *ctx, u32 memory, u64 d, u32 byte, u64 n);
void builtin_memory_init(VmCtx *ctx, u32 segment, u32 memory, u64 d, u64 s, u64 n);
void builtin_data_drop(VmCtx *ctx, u32 segment);
u64 builtin_table_grow(VmCtx *ctx, u32 table, u64 delta, u64 value);
void builtin_table_copy(VmCtx *ctx, u32 dst, u32 src, u64 d, u64 s, u64 n);
void builtin_table_fill(VmCtx *ctx, u32 table, u64 d, u64 value, u64 n);
void builtin_table_init(VmCtx *ctx, u32 segment, u32 table, u64 d, u64 s, u64 n);
void builtin_elem_drop(VmCtx *ctx, u32 segment);
u64 builtin_table_get(VmCtx *ctx, u32 table, u64 index);
void builtin_table_set(VmCtx *ctx, u32 table, u64 index, u64 value);
u64 builtin_ref_func(VmCtx *ctx, u32 func);
u32 builtin_is_subtype(VmCtx *ctx, u32 actual, u32 expected);
void builtin_trap(VmCtx *ctx, u32 code);
void builtin_raise_pending(VmCtx *ctx);
void builtin_out_of_fuel(VmCtx *ctx);
void builtin_new_epoch(VmCtx *ctx);
void builtin_vector_fma(VmCtx *ctx, u32 how, u64 at);

#define BUILTIN(name, result, params) void builtin_entry_##name(void);
#include "abi/builtins.def"
#undef BUILTIN

const void *const builtin_entries[BUILTIN_COUNT] = {
#define BUILTIN(name, result, params) [BUILTIN_##name] = (const void *)builtin_entry_##name,
#include "abi/builtins.def"
#undef BUILTIN
};

static bool in_range(u64 at, u64 n, u64 length)
{
    return n <= length && at <= length - n;
}

/*
 * Fuel of a bulk operation: one a byte or element. A loop that spends its time in such operations
 * is interrupted here: its own code hardly ever runs when the signal comes.
 */
static void charge(VmCtx *ctx, u64 n)
{
    trap_look(ctx);
    Store *s = store_of(ctx);
    if (!s->tunables.fuel)
        return;
    if (__builtin_add_overflow(s->vm.fuel, (i64)MIN(n, (u64)INT64_MAX), &s->vm.fuel))
        s->vm.fuel = INT64_MAX;
    if (s->vm.fuel >= 0)
        trap_raise(ctx, TRAP_OUT_OF_FUEL);
}

/* --- memories --- */

u64 builtin_memory_grow(VmCtx *ctx, u32 memory, u64 pages)
{
    trap_look(ctx);
    Error *e = NULL;
    i64 old = memory_grow_or(store_of(ctx), instance_of(ctx)->memories[memory], pages, &e);
    if (e)
        trap_raise_error(ctx, e);
    return (u64)old;
}

/* memmove in pieces, in the order that overlapping needs. */
static void move_bytes(VmCtx *ctx, u8 *d, const u8 *s, u64 n)
{
    bool up = d <= s;
    for (u64 done = 0; done < n;) {
        u64 piece = MIN(n - done, CHUNK);
        u64 at = up ? done : n - done - piece;
        memmove(d + at, s + at, piece);
        done += piece;
        if (done < n)
            trap_look(ctx);
    }
}

void builtin_memory_copy(VmCtx *ctx, u32 dst, u32 src, u64 d, u64 s, u64 n)
{
    Instance *i = instance_of(ctx);
    const VmMemory *to = i->memories[dst]->vm, *from = i->memories[src]->vm;
    if (!in_range(d, n, to->length) || !in_range(s, n, from->length))
        trap_raise(ctx, TRAP_MEMORY_OUT_OF_BOUNDS);
    charge(ctx, n);
    move_bytes(ctx, to->base + d, from->base + s, n);
}

void builtin_memory_fill(VmCtx *ctx, u32 memory, u64 d, u32 byte, u64 n)
{
    const VmMemory *m = instance_of(ctx)->memories[memory]->vm;
    if (!in_range(d, n, m->length))
        trap_raise(ctx, TRAP_MEMORY_OUT_OF_BOUNDS);
    charge(ctx, n);
    for (u64 done = 0; done < n;) {
        u64 piece = MIN(n - done, CHUNK);
        memset(m->base + d + done, (int)(byte & 0xff), piece);
        done += piece;
        if (done < n)
            trap_look(ctx);
    }
}

void builtin_memory_init(VmCtx *ctx, u32 segment, u32 memory, u64 d, u64 s, u64 n)
{
    Instance *i = instance_of(ctx);
    const WasmModule *w = i->module->wasm;
    const DataSegment *seg = &w->datas[segment];
    u64 length = i->data_dropped[segment] ? 0 : seg->bytes.size;
    const VmMemory *m = i->memories[memory]->vm;
    if (!in_range(s, n, length) || !in_range(d, n, m->length))
        trap_raise(ctx, TRAP_MEMORY_OUT_OF_BOUNDS);
    charge(ctx, n);
    if (n)
        memcpy(m->base + d, w->bytes + seg->bytes.at + s, n);
}

void builtin_data_drop(VmCtx *ctx, u32 segment)
{
    instance_of(ctx)->data_dropped[segment] = true;
}

/* --- tables --- */

/* Of n elements some are about to be written. */
static void own_elems(VmCtx *ctx, RtTable *t, u64 n)
{
    if (n && !table_own(t))
        trap_raise_error(ctx, error_new("failed to allocate a table of %llu elements",
                                        (unsigned long long)t->vm->length));
}

u64 builtin_table_grow(VmCtx *ctx, u32 table, u64 delta, u64 value)
{
    charge(ctx, delta);
    Error *e = NULL;
    i64 old = table_grow_or(store_of(ctx), instance_of(ctx)->tables[table], delta, value, &e);
    if (e)
        trap_raise_error(ctx, e);
    return (u64)old;
}

void builtin_table_copy(VmCtx *ctx, u32 dst, u32 src, u64 d, u64 s, u64 n)
{
    Instance *i = instance_of(ctx);
    const VmTable *to = i->tables[dst]->vm, *from = i->tables[src]->vm;
    if (!in_range(d, n, to->length) || !in_range(s, n, from->length))
        trap_raise(ctx, TRAP_TABLE_OUT_OF_BOUNDS);
    charge(ctx, n);
    own_elems(ctx, i->tables[dst], n);
    memmove(to->elems + d, from->elems + s, n * sizeof *to->elems);
    for (u64 k = 0; k < n && i->tables[src]->common && dst != src; k++)
        to->elems[d + k] = instance_own_ref(i, to->elems[d + k]);
}

void builtin_table_fill(VmCtx *ctx, u32 table, u64 d, u64 value, u64 n)
{
    const VmTable *t = instance_of(ctx)->tables[table]->vm;
    if (!in_range(d, n, t->length))
        trap_raise(ctx, TRAP_TABLE_OUT_OF_BOUNDS);
    charge(ctx, n);
    own_elems(ctx, instance_of(ctx)->tables[table], n);
    for (u64 i = 0; i < n; i++)
        t->elems[d + i] = value;
}

void builtin_table_init(VmCtx *ctx, u32 segment, u32 table, u64 d, u64 s, u64 n)
{
    Instance *i = instance_of(ctx);
    u64 length = i->elem_dropped[segment] ? 0 : i->module->wasm->elems[segment].count;
    const VmTable *t = i->tables[table]->vm;
    if (!in_range(s, n, length) || !in_range(d, n, t->length))
        trap_raise(ctx, TRAP_TABLE_OUT_OF_BOUNDS);
    charge(ctx, n);
    own_elems(ctx, i->tables[table], n);
    if (n)
        memcpy(t->elems + d, i->elems[segment] + s, n * sizeof *t->elems);
}

void builtin_elem_drop(VmCtx *ctx, u32 segment)
{
    instance_of(ctx)->elem_dropped[segment] = true;
}

/* The index, 0 where only a predicted branch says that it is below n. */
static u64 masked(u64 index, u64 n)
{
    __asm__("" : "+r"(index)); /* what is known of it is forgotten */
    return index & (0 - (u64)(index < n));
}

u64 builtin_table_get(VmCtx *ctx, u32 table, u64 index)
{
    Instance *i = instance_of(ctx);
    const VmTable *t = i->tables[table]->vm;
    if (index >= t->length)
        trap_raise(ctx, TRAP_TABLE_OUT_OF_BOUNDS);
    return instance_own_ref(i, t->elems[masked(index, t->length)]);
}

void builtin_table_set(VmCtx *ctx, u32 table, u64 index, u64 value)
{
    RtTable *t = instance_of(ctx)->tables[table];
    if (index >= t->vm->length)
        trap_raise(ctx, TRAP_TABLE_OUT_OF_BOUNDS);
    own_elems(ctx, t, 1);
    t->vm->elems[index] = value;
}

u64 builtin_ref_func(VmCtx *ctx, u32 func)
{
    return (u64)(uintptr_t)instance_func_ref(instance_of(ctx), func);
}

/* --- the rest --- */

u32 builtin_is_subtype(VmCtx *ctx, u32 actual, u32 expected)
{
    return types_is_subtype(store_of(ctx)->config.registry, actual, expected);
}

void builtin_trap(VmCtx *ctx, u32 code)
{
    ALWAYS(code < TRAP_COUNT);
    trap_raise(ctx, (TrapCode)code);
}

void builtin_raise_pending(VmCtx *ctx)
{
    trap_check_pending(ctx);
    BUG("raise_pending without anything pending");
}

void builtin_out_of_fuel(VmCtx *ctx)
{
    trap_raise(ctx, TRAP_OUT_OF_FUEL);
}

void builtin_new_epoch(VmCtx *ctx)
{
    if (__atomic_load_n(ctx->store->epoch, __ATOMIC_RELAXED) >= ctx->store->epoch_deadline)
        trap_raise(ctx, TRAP_INTERRUPT);
}

/* Rounded once, by the C library, for processors without such an instruction. */
void builtin_vector_fma(VmCtx *ctx, u32 how, u64 at)
{
    (void)ctx;
    union {
        float f[4];
        double d[2];
    } v[3]; /* c, b, a */
    u8 *p = (u8 *)(uintptr_t)at;
    memcpy(v, p, sizeof v);
    float sign = how & VECTOR_FMA_NEGATE ? -1 : 1;
    for (u32 i = 0; i < 4 && !(how & VECTOR_FMA_64); i++)
        v[2].f[i] = fmaf(v[2].f[i] * sign, v[1].f[i], v[0].f[i]);
    for (u32 i = 0; i < 2 && (how & VECTOR_FMA_64); i++)
        v[2].d[i] = fma(v[2].d[i] * (double)sign, v[1].d[i], v[0].d[i]);
    memcpy(p + 32, &v[2], 16);
}
