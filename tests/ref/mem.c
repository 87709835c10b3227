/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Memory instructions of the reference interpreter; the accesses are rows of mem.def. There is one
 * thread, so atomic accesses differ from plain ones by their alignment check only.
 */
#include "ref/interp_priv.h"

static RefMemory *memory_of(RefStore *s, u32 index)
{
    return ref_frame(s)->instance->memories[index];
}

static bool in_range(u64 at, u64 n, u64 size)
{
    return at <= size && n <= size - at;
}

/* The place of an access of `size` bytes whose address is `addr`; NULL: it trapped. */
static u8 *access_at(RefStore *s, const Insn *in, RefVal addr, u32 size, bool atomic)
{
    const RefMemory *m = memory_of(s, in->memarg.memory);
    u64 at = m->type.is64 ? addr.u64s[0] : addr.u32s[0];
    bool over = __builtin_add_overflow(at, in->memarg.offset, &at);
    if (atomic && at % size != 0) {
        ref_trap(s, TRAP_HEAP_MISALIGNED);
        return NULL;
    }
    if (over || !in_range(at, size, m->bytes)) {
        ref_trap(s, TRAP_MEMORY_OUT_OF_BOUNDS);
        return NULL;
    }
    return m->data + at;
}

#define STEP(id) static void mem_##id(RefStore *s, const RefInsn *ri)
#define LOAD_BODY(id, M, count, atomic, ...)                                                       \
    STEP(id)                                                                                       \
    {                                                                                              \
        RefVal r = {0};                                                                            \
        M m[count];                                                                                \
        const u8 *p = access_at(s, &ri->in, ref_pop(s), sizeof m, atomic);                         \
        if (!p)                                                                                    \
            return;                                                                                \
        memcpy(m, p, sizeof m);                                                                    \
        __VA_ARGS__                                                                                \
        ref_push(s, r);                                                                            \
    }
#define LOAD(id, R, M) LOAD_BODY(id, M, 1, false, r.R##s[0] = m[0];)
#define ATOMIC_LOAD(id, R, M) LOAD_BODY(id, M, 1, true, r.R##s[0] = m[0];)
#define LOAD_SPLAT(id, M)                                                                          \
    LOAD_BODY(id, M, 1, false, for (u32 i = 0; i < 16 / sizeof(M); i++) r.M##s[i] = m[0];)
#define LOAD_EXTEND(id, R, M)                                                                      \
    LOAD_BODY(id, M, 16 / sizeof(R), false,                                                        \
              for (u32 i = 0; i < 16 / sizeof(R); i++) r.R##s[i] = m[i];)
#define STORE_BODY(id, M, atomic, value)                                                           \
    STEP(id)                                                                                       \
    {                                                                                              \
        RefVal v = ref_pop(s);                                                                     \
        M m = (M)(value);                                                                          \
        u8 *p = access_at(s, &ri->in, ref_pop(s), sizeof m, atomic);                               \
        if (p)                                                                                     \
            memcpy(p, &m, sizeof m);                                                               \
    }
#define STORE(id, R, M) STORE_BODY(id, M, false, v.R##s[0])
#define ATOMIC_STORE(id, R, M) STORE_BODY(id, M, true, v.R##s[0])
#define STORE_LANE(id, M) STORE_BODY(id, M, false, v.M##s[ri->in.lane])
#define LOAD_LANE(id, M)                                                                           \
    STEP(id)                                                                                       \
    {                                                                                              \
        RefVal v = ref_pop(s);                                                                     \
        const u8 *p = access_at(s, &ri->in, ref_pop(s), sizeof(M), false);                         \
        if (!p)                                                                                    \
            return;                                                                                \
        memcpy(&v.M##s[ri->in.lane], p, sizeof(M));                                                \
        ref_push(s, v);                                                                            \
    }
#define RMW(id, R, M, value)                                                                       \
    STEP(id)                                                                                       \
    {                                                                                              \
        RefVal r = {0};                                                                            \
        M b = (M)ref_pop(s).R##s[0];                                                               \
        M a;                                                                                       \
        u8 *p = access_at(s, &ri->in, ref_pop(s), sizeof(M), true);                                \
        if (!p)                                                                                    \
            return;                                                                                \
        memcpy(&a, p, sizeof(M));                                                                  \
        r.R##s[0] = a;                                                                             \
        a = (M)(value);                                                                            \
        memcpy(p, &a, sizeof(M));                                                                  \
        ref_push(s, r);                                                                            \
    }
/* The expected value is compared in full width against the zero-extended one. */
#define CMPXCHG(id, R, M)                                                                          \
    STEP(id)                                                                                       \
    {                                                                                              \
        RefVal r = {0};                                                                            \
        M replacement = (M)ref_pop(s).R##s[0];                                                     \
        R expected = ref_pop(s).R##s[0];                                                           \
        M old;                                                                                     \
        u8 *p = access_at(s, &ri->in, ref_pop(s), sizeof(M), true);                                \
        if (!p)                                                                                    \
            return;                                                                                \
        memcpy(&old, p, sizeof(M));                                                                \
        if (old == expected)                                                                       \
            memcpy(p, &replacement, sizeof(M));                                                    \
        r.R##s[0] = old;                                                                           \
        ref_push(s, r);                                                                            \
    }
#include "ref/mem.def"
#undef LOAD
#undef ATOMIC_LOAD
#undef LOAD_SPLAT
#undef LOAD_EXTEND
#undef STORE
#undef ATOMIC_STORE
#undef STORE_LANE
#undef LOAD_LANE
#undef RMW
#undef CMPXCHG

STEP(v128_store)
{
    RefVal v = ref_pop(s);
    u8 *p = access_at(s, &ri->in, ref_pop(s), 16, false);
    if (p)
        memcpy(p, v.u8s, 16);
}

/* Nobody ever waits. */
STEP(memory_atomic_notify)
{
    ref_pop(s);
    if (access_at(s, &ri->in, ref_pop(s), 4, true))
        ref_push_u32(s, 0);
}

STEP(memory_size)
{
    const RefMemory *m = memory_of(s, ri->in.idx);
    ref_push_addr(s, m->type.is64, m->bytes >> m->type.page_size_log2);
}

STEP(memory_grow)
{
    RefMemory *m = memory_of(s, ri->in.idx);
    u64 old = UINT64_MAX;
    ref_memory_grow(s, m, ref_pop_addr(s, m->type.is64), &old);
    ref_push_addr(s, m->type.is64, old);
}

STEP(memory_fill)
{
    RefMemory *m = memory_of(s, ri->in.idx);
    u64 n = ref_pop_addr(s, m->type.is64);
    u8 byte = (u8)ref_pop_u32(s);
    u64 at = ref_pop_addr(s, m->type.is64);
    if (!in_range(at, n, m->bytes))
        ref_trap(s, TRAP_MEMORY_OUT_OF_BOUNDS);
    else
        for (u64 i = 0; i < n; i++)
            m->data[at + i] = byte;
}

STEP(memory_copy)
{
    RefMemory *dst = memory_of(s, ri->in.idx), *src = memory_of(s, ri->in.idx2);
    u64 n = ref_pop_addr(s, dst->type.is64 && src->type.is64);
    u64 from = ref_pop_addr(s, src->type.is64);
    u64 to = ref_pop_addr(s, dst->type.is64);
    if (!in_range(from, n, src->bytes) || !in_range(to, n, dst->bytes))
        ref_trap(s, TRAP_MEMORY_OUT_OF_BOUNDS);
    else if (n > 0)
        memmove(dst->data + to, src->data + from, n);
}

void ref_memory_init(RefStore *s, RefMemory *m, const RefDataSegment *d, u64 dst, u64 src, u64 n)
{
    if (!in_range(src, n, d->n) || !in_range(dst, n, m->bytes))
        ref_trap(s, TRAP_MEMORY_OUT_OF_BOUNDS);
    else if (n > 0)
        memcpy(m->data + dst, d->p + src, n);
}

STEP(memory_init)
{
    RefMemory *m = memory_of(s, ri->in.idx2);
    u32 n = ref_pop_u32(s);
    u32 src = ref_pop_u32(s);
    u64 dst = ref_pop_addr(s, m->type.is64);
    ref_memory_init(s, m, &ref_frame(s)->instance->datas[ri->in.idx], dst, src, n);
}

STEP(data_drop)
{
    ref_frame(s)->instance->datas[ri->in.idx].n = 0;
}

#define LOAD(id, R, M) [OP_##id] = mem_##id,
#define ATOMIC_LOAD(id, R, M) [OP_##id] = mem_##id,
#define LOAD_SPLAT(id, M) [OP_##id] = mem_##id,
#define LOAD_EXTEND(id, R, M) [OP_##id] = mem_##id,
#define STORE(id, R, M) [OP_##id] = mem_##id,
#define ATOMIC_STORE(id, R, M) [OP_##id] = mem_##id,
#define STORE_LANE(id, M) [OP_##id] = mem_##id,
#define LOAD_LANE(id, M) [OP_##id] = mem_##id,
#define RMW(id, R, M, value) [OP_##id] = mem_##id,
#define CMPXCHG(id, R, M) [OP_##id] = mem_##id,
RefStepFn *const ref_memory_fns[OP_COUNT] = {
#include "ref/mem.def"
    [OP_v128_store] = mem_v128_store,   [OP_memory_atomic_notify] = mem_memory_atomic_notify,
    [OP_memory_size] = mem_memory_size, [OP_memory_grow] = mem_memory_grow,
    [OP_memory_fill] = mem_memory_fill, [OP_memory_copy] = mem_memory_copy,
    [OP_memory_init] = mem_memory_init, [OP_data_drop] = mem_data_drop,
};
