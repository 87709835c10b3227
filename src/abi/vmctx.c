/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Places the arrays behind the head of a VmCtx. */
#include "abi/vmctx.h"

/* Reserves `count` elements at *at; returns their offset. */
static u32 place(u64 *at, u32 count, usize size, usize align)
{
    *at = align_up(*at, align);
    u64 here = *at;
    *at += (u64)count * size;
    ALWAYS(*at <= INT32_MAX);
    return (u32)here;
}

void vm_layout_init(VmLayout *l, const WasmModule *m, bool types, Arena *arena)
{
    u32 *of = arena_array(arena, u32, m->nfuncs);
    l->nfuncrefs = 0;
    for (u32 i = 0; i < m->nfuncs; i++)
        of[i] = (m->escapes[i] & ESCAPES) && i >= m->n_imported_funcs ? l->nfuncrefs++ : UINT32_MAX;
    l->funcref_of = of;
    u64 at = sizeof(VmCtx);
    l->globals = place(&at, m->nglobals - m->n_imported_globals, sizeof(VmVal), 16);
    l->memories = place(&at, m->nmemories - m->n_imported_memories, sizeof(VmMemory), 8);
    l->memory_ptrs = place(&at, m->nmemories, sizeof(VmMemory *), 8);
    l->tables = place(&at, m->ntables - m->n_imported_tables, sizeof(VmTable), 8);
    l->table_ptrs = place(&at, m->n_imported_tables, sizeof(VmTable *), 8);
    l->global_ptrs = place(&at, m->n_imported_globals, sizeof(VmVal *), 8);
    l->func_imports = place(&at, m->n_imported_funcs, sizeof(VmFuncImport), 8);
    l->funcrefs = place(&at, l->nfuncrefs, sizeof(VmFuncRef), 8);
    l->ntypes = types ? m->ntypes : 0;
    l->types = place(&at, l->ntypes, sizeof(u32), 8);
    l->size = (u32)align_up(at, 16);
}
