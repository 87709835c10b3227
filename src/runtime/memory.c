/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Linear memories.
 *
 *     map: [front guard][committed ... reserved][guard]
 *
 * Only committed pages can be accessed. A guarded memory (memory_is_guarded) reserves 4 GiB or
 * more, and compiled code relies on the faults behind its length; its length is a multiple of the
 * wasm page, so of the system's. All others are checked by compiled code. Where pages have 64 KiB,
 * only the index is, and an access that begins near the length or fails the check meets the guard
 * behind it; else accesses that fail go to the guard in front.
 *
 * A memory that outgrows its reservation, and memory_can_move(), is extended where it is, or its
 * page tables move, or it is copied, in this order. Each time it reserves as much again as it has,
 * or what part of that there is, so that this happens a logarithmic number of times.
 */
#include "os/vm.h"
#include "runtime/runtime_priv.h"

#include <errno.h>

#define GROWTH_RESERVE ((u64)2 << 30) /* reserved beyond the new size when a memory moves */
#define HEADROOM ((u64)64 << 20)      /* address space that growth leaves to the host */
#define MAX_BYTES ((u64)1 << 46)      /* of one memory: the host's address space has 47 bits */

static u64 max_pages(const MemoryType *t)
{
    u64 by_index = t->is64 ? UINT64_MAX : (u64)1 << 32;
    u64 by_size = MIN(MAX_BYTES, by_index) >> t->page_size_log2;
    return t->limits.has_max ? MIN(t->limits.max, by_size) : by_size;
}

/* Bytes of address space to reserve behind the base for a new memory of `bytes`. */
static u64 reservation_for(const Store *s, const MemoryType *t, u64 bytes)
{
    const Tunables *tn = &s->tunables;
    if (memory_is_guarded(t, tn))
        return tn->memory_reservation;
    u64 want = MAX(bytes, tn->memory_reservation);
    u64 most = max_pages(t) << t->page_size_log2;
    if (t->limits.has_max && !memory_can_move(t, tn))
        want = MAX(want, most); /* compiled code keeps the base */
    return os_page_up(MIN(want, MAX(most, bytes)));
}

static bool map_memory(const Store *s, Memory *m, u64 reserved)
{
    bool guarded = memory_is_guarded(&m->type, &s->tunables);
    u64 guard = os_page_up(guarded ? s->tunables.memory_guard : CHECKED_GUARD);
    u64 bytes = guard + reserved + guard;
    u8 *map = os_vm_reserve(bytes);
    if (!map)
        return false;
    m->map = map;
    m->map_bytes = bytes;
    m->front = guard;
    m->reserved = reserved;
    m->committed = 0;
    return true;
}

/* Reserves and maps for `bytes`; without the spare room where address space is scarce. */
static bool map_for(const Store *s, Memory *m, u64 bytes)
{
    if (map_memory(s, m, reservation_for(s, &m->type, bytes)))
        return true;
    return memory_can_move(&m->type, &s->tunables) && map_memory(s, m, os_page_up(bytes));
}

static bool commit_to(Memory *m, u64 bytes)
{
    u64 need = os_page_up(bytes);
    if (need <= m->committed)
        return true;
    if (!os_vm_commit(m->map + m->front + m->committed, need - m->committed))
        return false;
    m->committed = need;
    return true;
}

static Error *no_room(const Store *s, const MemoryType *t, u64 bytes)
{
    if (!memory_is_guarded(t, &s->tunables))
        return error_new("failed to allocate a memory of %llu bytes", (unsigned long long)bytes);
    return error_new(
        "failed to allocate a memory of %llu bytes: there is no address space left for "
        "the %llu that it reserves; with `-O memory-reservation=0` it takes what it "
        "needs",
        (unsigned long long)bytes, (unsigned long long)s->tunables.memory_reservation);
}

Error *memory_init(Store *s, Memory *m, const MemoryType *t)
{
    m->type = *t;
    if (s->nmemories >= s->config.limits.memories)
        return error_new("resource limit exceeded: memory count too high at %u", s->nmemories + 1);
    u64 bytes = 0;
    if (t->limits.min > max_pages(t) ||
        (bytes = t->limits.min << t->page_size_log2) > s->config.limits.memory_bytes)
        return error_new("memory minimum size of %llu pages exceeds memory limits",
                         (unsigned long long)t->limits.min);
    if (!map_for(s, m, bytes) || !commit_to(m, bytes)) {
        memory_release(m);
        return no_room(s, t, bytes);
    }
    m->vm->base = m->map + m->front;
    m->vm->length = bytes;
    m->next = s->memories;
    s->memories = m;
    s->nmemories++;
    return NULL;
}

void memory_release(Memory *m)
{
    os_vm_release(m->map, m->map_bytes);
    m->map = NULL;
}

bool memory_remap(const Store *s, Memory *m, u64 bytes)
{
    memory_release(m);
    if (!map_for(s, m, bytes) || !commit_to(m, bytes))
        return false;
    m->moved = false;
    m->vm->base = m->map + m->front;
    m->vm->length = bytes;
    return true;
}

/* Reserves more behind the memory. */
static bool extend_memory(Memory *m, u64 reserved)
{
    u64 from = m->front + m->committed, more = reserved - m->reserved;
    if (!os_vm_resize(m->map + from, m->map_bytes - from, m->map_bytes - from + more, false))
        return false;
    m->map_bytes += more;
    m->reserved = reserved;
    return true;
}

/* A new mapping with the old content. */
static bool copy_memory(const Store *s, Memory *m, u64 reserved)
{
    Memory old = *m;
    if (!map_memory(s, m, reserved))
        return false;
    if (!commit_to(m, old.committed)) {
        memory_release(m);
        *m = old;
        return false;
    }
    memcpy(m->map + m->front, old.vm->base, old.vm->length);
    m->vm->base = m->map + m->front;
    m->moved = true;
    memory_release(&old);
    return true;
}

/*
 * The guard in front of pages that have moved to `base`, with `guard` bytes too many behind them:
 * beside the mapping, or in it, for which the pages make room. The new base. Takes no memory.
 */
static u8 *place_front_guard(u8 *base, u64 guard, u64 committed, u64 bytes)
{
    if (os_vm_reserve_at(base - guard, guard)) {
        os_vm_release(base + bytes - guard, guard);
        return base;
    }
    memmove(base + guard, base, committed);
    if (!os_vm_protect(base, guard, OS_PROT_NONE) && !os_vm_decommit(base, guard))
        BUG("a mapping cannot be divided");
    return base + guard;
}

/* Moves the committed pages to where `reserved` bytes and the guards fit. */
static bool remap_memory(Memory *m, u64 reserved)
{
    u64 guard = m->map_bytes - m->front - m->reserved, end = m->front + m->committed;
    u64 bytes = reserved + 2 * guard;
    u8 *base = os_vm_resize(m->map + m->front, m->committed, bytes, true);
    if (!base)
        return false;
    os_vm_release(m->map, m->front);
    os_vm_release(m->map + end, m->map_bytes - end);
    base = place_front_guard(base, guard, m->committed, bytes);
    u8 *rest = base + m->committed;
    u64 rest_bytes = reserved + guard - m->committed;
    if (!os_vm_protect(rest, rest_bytes, OS_PROT_NONE) && !os_vm_decommit(rest, rest_bytes))
        BUG("a mapping cannot be divided"); /* there were more of them before */
    m->front = guard;
    m->map = base - guard;
    m->map_bytes = bytes;
    m->reserved = reserved;
    m->vm->base = base;
    m->moved = true;
    return true;
}

/* Without pages there is nothing to move; a part that an image backs is a mapping of its own. */
static bool reserve_exactly(const Store *s, Memory *m, u64 reserved)
{
    if (extend_memory(m, reserved))
        return true;
    if (m->committed && remap_memory(m, reserved))
        return true;
    return (m->committed == 0 || errno == EFAULT) && copy_memory(s, m, reserved);
}

/* Makes the reservation reach beyond `bytes`, by as much as can be had. */
static bool reserve_for(const Store *s, Memory *m, u64 bytes)
{
    enum { HALVINGS = 9 };
    u64 most = MAX(max_pages(&m->type) << m->type.page_size_log2, bytes);
    u64 spare = GROWTH_RESERVE;
    for (u32 i = 0; i <= HALVINGS; i++) {
        if (reserve_exactly(s, m, os_page_up(MIN(bytes + spare, most))))
            return true;
        spare = MIN(bytes, GROWTH_RESERVE) >> i;
    }
    return reserve_exactly(s, m, os_page_up(bytes));
}

static bool grow_to(Store *s, Memory *m, u64 bytes)
{
    if (bytes <= m->reserved)
        return commit_to(m, bytes);
    if (!memory_can_move(&m->type, &s->tunables))
        return false;
    void *headroom = os_vm_reserve(HEADROOM);
    bool done = headroom && reserve_for(s, m, bytes);
    os_vm_release(headroom, HEADROOM);
    return done && commit_to(m, bytes);
}

i64 memory_grow_or(Store *s, Memory *m, u64 pages, Error **ret_error)
{
    u32 log2 = m->type.page_size_log2;
    u64 old = m->vm->length >> log2, want = 0, bytes = 0;
    bool fits = !__builtin_add_overflow(old, pages, &want);
    u64 declared = m->type.is64 ? UINT64_MAX : ((u64)1 << 32) >> log2;
    if (m->type.limits.has_max)
        declared = m->type.limits.max;
    bool sized = fits && want <= UINT64_MAX >> log2;
    if (sized)
        bytes = want << log2;
    bool force = s->config.limits.trap_on_grow_failure;
    if (!sized || want > declared || bytes > s->config.limits.memory_bytes) {
        if (force)
            *ret_error = error_new("forcing trap when growing memory to %llu bytes",
                                   (unsigned long long)(sized ? bytes : UINT64_MAX));
        return -1;
    }
    if (want > max_pages(&m->type) || !grow_to(s, m, bytes)) {
        if (force)
            *ret_error = error_wrap(error_new("Memory maximum size exceeded"),
                                    "forcing a memory growth failure to be a trap");
        return -1;
    }
    m->vm->length = bytes;
    return (i64)old;
}

i64 memory_grow(Store *s, Memory *m, u64 pages)
{
    Error *e = NULL;
    i64 old = memory_grow_or(s, m, pages, &e);
    error_free(e);
    return old;
}

Error *store_memory_new(Store *s, const MemoryType *t, Memory **ret_memory)
{
    Memory *m = arena_new(&s->arena, Memory);
    m->vm = &m->own;
    Error *e = memory_init(s, m, t);
    if (!e)
        *ret_memory = m;
    return e;
}

MemoryType memory_type(const Memory *m)
{
    MemoryType t = m->type;
    t.limits.min = m->vm->length >> t.page_size_log2;
    return t;
}

const VmMemory *memory_vm(const Memory *m)
{
    return m->vm;
}

u8 *memory_data(Memory *m, u64 *ret_bytes)
{
    *ret_bytes = m->vm->length;
    return m->vm->base;
}
