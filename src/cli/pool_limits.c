/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Limits of a pool of instances, for those who set them: no pool is behind them, since taking
 * instances from one changes nothing that a core module could see.
 */
#include "cli/pool_limits.h"

enum { POOL_PAGE = 4096 };

/* The pool's own key, else the general one, else the default. */
static u64 limit_of(const Options *o, OptId pool, OptId general)
{
    return !opt_given(o, pool) && opt_given(o, general) ? opt_u64(o, general) : opt_u64(o, pool);
}

MUST_CHECK static Error *check_count(const char *what, u32 n, u64 limit)
{
    if (n <= limit)
        return NULL;
    return error_new("defined %s count of %u exceeds the per-instance limit of %llu", what, n,
                     (unsigned long long)limit);
}

MUST_CHECK static Error *check_memories(const Options *o, const WasmModule *m)
{
    u64 bytes = limit_of(o, OPT_O_pooling_max_memory_size, OPT_W_max_memory_size);
    bytes =
        bytes > UINT64_MAX - POOL_PAGE ? bytes : (bytes + POOL_PAGE - 1) / POOL_PAGE * POOL_PAGE;
    Error *e = check_count("memories", m->nmemories - m->n_imported_memories,
                           opt_u64(o, OPT_O_pooling_max_memories_per_module));
    for (u32 i = m->n_imported_memories; i < m->nmemories && !e; i++) {
        const MemoryType *t = &m->memories[i];
        if (t->limits.min <= bytes >> t->page_size_log2)
            continue;
        e = error_new("memory has a minimum byte size of %llu which exceeds the limit of 0x%llx "
                      "bytes",
                      (unsigned long long)(t->limits.min << t->page_size_log2),
                      (unsigned long long)bytes);
        e = error_wrap(e, "memory index %u is unsupported in this pooling allocator configuration",
                       i - m->n_imported_memories);
    }
    return e ? error_wrap(e, "module memory does not fit in pooling allocator requirements") : NULL;
}

MUST_CHECK static Error *check_tables(const Options *o, const WasmModule *m)
{
    u64 elements = limit_of(o, OPT_O_pooling_table_elements, OPT_W_max_table_elements);
    Error *e = check_count("tables", m->ntables - m->n_imported_tables,
                           opt_u64(o, OPT_O_pooling_max_tables_per_module));
    for (u32 i = m->n_imported_tables; i < m->ntables && !e; i++)
        if (m->tables[i].type.limits.min > elements)
            e = error_new("table index %u has a minimum element size of %llu which exceeds the "
                          "limit of %llu",
                          i - m->n_imported_tables,
                          (unsigned long long)m->tables[i].type.limits.min,
                          (unsigned long long)elements);
    return e ? error_wrap(e, "module table does not fit in pooling allocator requirements") : NULL;
}

Error *pool_limits_check(const Options *o, const WasmModule *m)
{
    if (!opt_bool(o, OPT_O_pooling_allocator))
        return NULL;
    Error *e = check_memories(o, m);
    return e ? e : check_tables(o, m);
}
