/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Tables: arrays of 8-byte elements that grow by doubling, up to limits. Elements beyond the length
 * are null, and null elements of large tables that nobody wrote take no memory: those tables are
 * mappings of their own, which grow by their page tables.
 */
#include "os/vm.h"
#include "runtime/runtime_priv.h"

#define MAX_ELEMENTS ((u64)1 << 40) /* beyond this a size cannot be had, and products are safe */

enum { MAPPED = 1 << 15 }; /* elements from which on a table is a mapping */

static usize bytes_of(u64 n)
{
    return os_page_up(n * sizeof(u64));
}

/* Null elements, NULL if they are not to be had. */
static u64 *alloc_elems(u64 n)
{
    if (n > MAX_ELEMENTS)
        return NULL;
    return n < MAPPED ? mem_try_alloc_array(n, sizeof(u64)) : os_vm_alloc(bytes_of(n));
}

static void free_elems(u64 *p, u64 n)
{
    if (n < MAPPED)
        mem_free(p);
    else
        os_vm_release(p, bytes_of(n));
}

static void fill(u64 *p, u64 n, u64 value)
{
    for (u64 i = 0; i < n; i++)
        p[i] = value;
}

static Error *check_limits(const Store *s, u64 n)
{
    if (s->ntables >= s->config.limits.tables)
        return error_new("resource limit exceeded: table count too high at %u", s->ntables + 1);
    if (n > s->config.limits.table_elements)
        return error_new("table minimum size of %llu elements exceeds table limits",
                         (unsigned long long)n);
    return NULL;
}

static void add(Store *s, RtTable *t, const TableType *type, u64 *elems)
{
    t->type = *type;
    t->vm->elems = elems;
    t->vm->length = t->cap = type->limits.min;
    t->next = s->tables;
    s->tables = t;
    s->ntables++;
}

Error *table_init(Store *s, RtTable *t, const TableType *type, u64 init)
{
    u64 n = type->limits.min;
    Error *e = check_limits(s, n);
    if (e)
        return e;
    u64 *elems = alloc_elems(n);
    if (!elems)
        return error_new("failed to allocate a table of %llu elements", (unsigned long long)n);
    if (init)
        fill(elems, n, init);
    add(s, t, type, elems);
    return NULL;
}

Error *table_init_common(Store *s, RtTable *t, const TableType *type, const u64 *elems)
{
    Error *e = check_limits(s, type->limits.min);
    if (e)
        return e;
    t->common = elems;
    add(s, t, type, (u64 *)(uintptr_t)elems); /* nobody writes to it, see table_own */
    return NULL;
}

bool table_own(RtTable *t)
{
    if (!t->common || t->vm->elems != t->common)
        return true;
    u64 *elems = alloc_elems(t->cap);
    if (!elems)
        return false;
    memcpy(elems, t->common, t->vm->length * sizeof *elems);
    t->vm->elems = elems;
    return true;
}

void table_release(RtTable *t)
{
    if (t->vm->elems != t->common)
        free_elems(t->vm->elems, t->cap);
    t->vm->elems = NULL;
}

bool table_reset(RtTable *t, const u64 *elems, u64 n, u64 spare)
{
    if (t->common && t->vm->elems == t->common)
        return true;
    if (t->cap > n + spare) {
        u64 *fresh = alloc_elems(n);
        if (!fresh)
            return false;
        table_release(t);
        t->vm->elems = fresh;
        t->cap = n;
    } else {
        memset(t->vm->elems + n, 0, (t->vm->length - n) * sizeof *elems); /* it may grow again */
    }
    if (n)
        memcpy(t->vm->elems, elems, n * sizeof *elems);
    t->vm->length = n;
    return true;
}

/* The same elements and nulls behind them, NULL if that is not to be had. */
static u64 *resize(RtTable *t, u64 cap)
{
    if (cap > MAX_ELEMENTS)
        return NULL;
    if (t->cap >= MAPPED)
        return os_vm_resize(t->vm->elems, bytes_of(t->cap), bytes_of(cap), true);
    u64 *elems = alloc_elems(cap);
    if (!elems)
        return NULL;
    memcpy(elems, t->vm->elems, t->vm->length * sizeof *elems);
    free_elems(t->vm->elems, t->cap);
    return elems;
}

static bool reserve(RtTable *t, u64 want)
{
    if (want <= t->cap)
        return true;
    u64 cap = MAX(want, MIN(t->cap * 2, MAX_ELEMENTS));
    u64 *elems = resize(t, cap);
    if (!elems && cap > want)
        elems = resize(t, cap = want); /* memory is scarce */
    if (!elems)
        return false;
    t->vm->elems = elems;
    t->cap = cap;
    return true;
}

i64 table_grow_or(Store *s, RtTable *t, u64 delta, u64 init, Error **ret_error)
{
    u64 old = t->vm->length, want = 0;
    bool fits = !__builtin_add_overflow(old, delta, &want);
    u64 declared = t->type.limits.has_max ? t->type.limits.max : UINT64_MAX;
    bool force = s->config.limits.trap_on_grow_failure;
    if (!fits || want > declared || want > s->config.limits.table_elements) {
        if (force)
            *ret_error = error_new("forcing trap when growing table to %llu elements",
                                   (unsigned long long)(fits ? want : UINT64_MAX));
        return -1;
    }
    u64 most = t->type.is64 ? MAX_ELEMENTS : UINT32_MAX;
    if (want > most || (delta && !table_own(t)) || !reserve(t, want)) {
        if (force)
            *ret_error = error_new("forcing trap when growing table to %llu elements",
                                   (unsigned long long)want);
        return -1;
    }
    if (init)
        fill(t->vm->elems + old, delta, init);
    t->vm->length = want;
    return (i64)old;
}

i64 table_grow(Store *s, RtTable *t, u64 delta, u64 init)
{
    Error *e = NULL;
    i64 old = table_grow_or(s, t, delta, init, &e);
    error_free(e);
    return old;
}

Error *store_table_new(Store *s, const TableType *t, u64 init, RtTable **ret_table)
{
    RtTable *table = arena_new(&s->arena, RtTable);
    table->vm = &table->own;
    Error *e = table_init(s, table, t, init);
    if (!e)
        *ret_table = table;
    return e;
}

TableType table_type(const RtTable *t)
{
    TableType type = t->type;
    type.limits.min = t->vm->length;
    return type;
}

u64 *table_elems(RtTable *t, u64 *ret_length)
{
    ALWAYS(!t->common); /* it has no name outside */
    *ret_length = t->vm->length;
    return t->vm->elems;
}
