/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Table and reference instructions of the reference interpreter. */
#include "ref/interp_priv.h"

#define STEP(id) static void table_##id(RefStore *s, const RefInsn *ri)

static RefTable *table_of(RefStore *s, u32 index)
{
    return ref_frame(s)->instance->tables[index];
}

static bool in_range(u64 at, u64 n, u64 size)
{
    return at <= size && n <= size - at;
}

STEP(get)
{
    RefTable *t = table_of(s, ri->in.idx);
    u64 at = ref_pop_addr(s, t->type.is64);
    if (at >= t->n)
        ref_trap(s, TRAP_TABLE_OUT_OF_BOUNDS);
    else
        ref_push(s, (RefVal){.ref = t->elems[at]});
}

STEP(set)
{
    RefTable *t = table_of(s, ri->in.idx);
    RefVal v = ref_pop(s);
    u64 at = ref_pop_addr(s, t->type.is64);
    if (at >= t->n)
        ref_trap(s, TRAP_TABLE_OUT_OF_BOUNDS);
    else
        t->elems[at] = v.ref;
}

STEP(size)
{
    RefTable *t = table_of(s, ri->in.idx);
    ref_push_addr(s, t->type.is64, t->n);
}

STEP(grow)
{
    RefTable *t = table_of(s, ri->in.idx);
    u64 delta = ref_pop_addr(s, t->type.is64), old = UINT64_MAX;
    ref_table_grow(s, t, delta, ref_pop(s).ref, &old);
    ref_push_addr(s, t->type.is64, old);
}

STEP(fill)
{
    RefTable *t = table_of(s, ri->in.idx);
    u64 n = ref_pop_addr(s, t->type.is64);
    RefVal v = ref_pop(s);
    u64 at = ref_pop_addr(s, t->type.is64);
    if (!in_range(at, n, t->n))
        ref_trap(s, TRAP_TABLE_OUT_OF_BOUNDS);
    else
        for (u64 i = 0; i < n; i++)
            t->elems[at + i] = v.ref;
}

STEP(copy)
{
    RefTable *dst = table_of(s, ri->in.idx), *src = table_of(s, ri->in.idx2);
    u64 n = ref_pop_addr(s, dst->type.is64 && src->type.is64);
    u64 from = ref_pop_addr(s, src->type.is64);
    u64 to = ref_pop_addr(s, dst->type.is64);
    if (!in_range(from, n, src->n) || !in_range(to, n, dst->n))
        ref_trap(s, TRAP_TABLE_OUT_OF_BOUNDS);
    else if (n > 0)
        memmove(dst->elems + to, src->elems + from, n * sizeof *dst->elems);
}

void ref_table_init(RefStore *s, RefTable *t, const RefElemSegment *e, u64 dst, u64 src, u64 n)
{
    if (!in_range(src, n, e->n) || !in_range(dst, n, t->n))
        ref_trap(s, TRAP_TABLE_OUT_OF_BOUNDS);
    else if (n > 0)
        memcpy(t->elems + dst, e->p + src, n * sizeof *t->elems);
}

STEP(init)
{
    RefTable *t = table_of(s, ri->in.idx2);
    u32 n = ref_pop_u32(s);
    u32 src = ref_pop_u32(s);
    u64 dst = ref_pop_addr(s, t->type.is64);
    ref_table_init(s, t, &ref_frame(s)->instance->elems[ri->in.idx], dst, src, n);
}

STEP(elem_drop)
{
    ref_frame(s)->instance->elems[ri->in.idx].n = 0;
}

STEP(ref_null)
{
    (void)ri;
    ref_push(s, (RefVal){0});
}

STEP(ref_func)
{
    ref_push(s, (RefVal){.ref = ref_frame(s)->instance->funcs[ri->in.idx]});
}

STEP(ref_is_null)
{
    (void)ri;
    ref_push_u32(s, ref_pop(s).ref == NULL);
}

STEP(ref_as_non_null)
{
    (void)ri;
    RefVal v = ref_pop(s);
    if (v.ref)
        ref_push(s, v);
    else
        ref_trap(s, TRAP_NULL_REFERENCE);
}

RefStepFn *const ref_table_fns[OP_COUNT] = {
    [OP_table_get] = table_get,           [OP_table_set] = table_set,
    [OP_table_size] = table_size,         [OP_table_grow] = table_grow,
    [OP_table_fill] = table_fill,         [OP_table_copy] = table_copy,
    [OP_table_init] = table_init,         [OP_elem_drop] = table_elem_drop,
    [OP_ref_null] = table_ref_null,       [OP_ref_func] = table_ref_func,
    [OP_ref_is_null] = table_ref_is_null, [OP_ref_as_non_null] = table_ref_as_non_null,
};
