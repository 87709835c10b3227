/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Choices that shape compiled code, fixed for an engine and recorded in compiled files. */
#ifndef ABI_TUNABLES_H
#define ABI_TUNABLES_H

#include "wasm/module.h"

typedef struct Tunables {
    u64 cpu;                /* CPU features that code may use: bits of backend/x64/cpu.h */
    u64 memory_reservation; /* bytes of address space that a memory reserves */
    u64 memory_guard;       /* bytes behind the reservation that always fault */
    bool memory_may_move;   /* a memory may move when it grows beyond its reservation */
    bool signal_traps;      /* faults become traps by signal; otherwise every check is explicit */
    bool fuel, epoch;       /* metering compiled in */
    bool nan_canonicalization;
    bool relaxed_simd_deterministic;
    bool direct_calls; /* whole modules: calls go straight, not through the jump table */
} Tunables;

/*
 * True if accesses at (32-bit index + static offset < memory_guard) need no check: 32-bit memory,
 * 64 KiB pages, at least 4 GiB reserved, signals usable. Such a memory never moves.
 */
static inline bool memory_is_guarded(const MemoryType *m, const Tunables *t)
{
    return t->signal_traps && !m->is64 && m->page_size_log2 == 16 &&
           t->memory_reservation >= (u64)1 << 32;
}

/*
 * True if compiled code relies on faults behind the memory's length: on guards, or, where it checks
 * the index alone, for offsets. All others are compared with the exact length.
 */
static inline bool memory_needs_faults(const MemoryType *m, const Tunables *t)
{
    return t->signal_traps && m->page_size_log2 == 16;
}

/* True if the base may change while an instance lives. */
static inline bool memory_can_move(const MemoryType *m, const Tunables *t)
{
    if (!t->memory_may_move || memory_is_guarded(m, t))
        return false;
    return !m->limits.has_max || m->limits.max > t->memory_reservation >> m->page_size_log2;
}

#endif
