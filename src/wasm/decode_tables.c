/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Common tables: those that start with the same elements in all instances of a module, since the
 * elements are the module's own functions at constant places, and that nothing outside of the
 * module sees. They and the references in them are made once a module (runtime/common_table.c).
 * Compilers from C and the like give every module one, for calls through pointers.
 */
#include "wasm/decode.h"

/* Elements that a common table may have; more, if they are mostly given. */
enum { COMMON_MAX = 1 << 16, COMMON_SPARSE = 4 };

u32 elem_next_index(const u8 **at)
{
    u32 v = 0;
    for (u32 shift = 0;; shift += 7) {
        u8 b = *(*at)++;
        v |= (u32)(b & 0x7f) << shift;
        if (!(b & 0x80) || shift >= 28)
            return v;
    }
}

/* Is it a number and nothing else? */
static bool const_place(const WasmModule *m, Range expr, u64 *ret_place)
{
    Diag diag;
    diag_init(&diag);
    InsnReader r;
    insn_reader_init(&r, m, expr, &diag);
    Insn first, last;
    if (!insn_read(&r, &first) || (first.op != OP_i32_const && first.op != OP_i64_const) ||
        !insn_read(&r, &last) || last.op != OP_end)
        return false;
    *ret_place = first.op == OP_i32_const ? (u32)first.value : first.value;
    return true;
}

u64 elem_common_place(const WasmModule *m, const ElemSegment *e)
{
    u64 place = 0;
    ALWAYS(const_place(m, e->offset, &place));
    return place;
}

static bool only_own_functions(const WasmModule *m, const ElemSegment *e)
{
    const u8 *at = m->bytes + e->items.at;
    for (u32 k = 0; k < e->count; k++)
        if (elem_next_index(&at) < m->n_imported_funcs)
            return false;
    return true;
}

static bool fits(const WasmModule *m, const ElemSegment *e)
{
    u64 place = 0, length = m->tables[e->table].type.limits.min;
    return !e->exprs && const_place(m, e->offset, &place) && e->count <= length &&
           place <= length - e->count && only_own_functions(m, e);
}

/* What can be said of the tables by themselves. */
static void suppose(WasmModule *m)
{
    for (u32 t = m->n_imported_tables; t < m->ntables; t++)
        m->tables[t].common = m->tables[t].type.elem == VT_FUNCREF && !m->tables[t].has_init;
    for (u32 i = 0; i < m->nexports; i++)
        if (m->exports[i].kind == EXTERN_TABLE)
            m->tables[m->exports[i].index].common = false;
}

static void check_sizes(WasmModule *m, const u64 *given)
{
    for (u32 t = m->n_imported_tables; t < m->ntables; t++) {
        u64 length = m->tables[t].type.limits.min;
        m->tables[t].common &=
            given[t] && (length <= COMMON_MAX || length / COMMON_SPARSE <= given[t]);
    }
}

/* Functions of all other segments escape. */
static void note_escapes(const WasmModule *m)
{
    for (u32 i = 0; i < m->nelems; i++) {
        const ElemSegment *e = &m->elems[i];
        if (e->exprs || (e->mode == SEGMENT_ACTIVE && m->tables[e->table].common))
            continue;
        const u8 *at = m->bytes + e->items.at;
        for (u32 k = 0; k < e->count; k++)
            m->escapes[elem_next_index(&at)] |= ESCAPES;
    }
}

void decode_common_tables(Decoder *d)
{
    WasmModule *m = d->m;
    suppose(m);
    u64 *given = mem_alloc_array(m->ntables, sizeof *given);
    for (u32 i = 0; i < m->nelems; i++) {
        const ElemSegment *e = &m->elems[i];
        if (e->mode != SEGMENT_ACTIVE || !m->tables[e->table].common)
            continue;
        m->tables[e->table].common = fits(m, e);
        given[e->table] += e->count;
    }
    check_sizes(m, given);
    mem_free(given);
    note_escapes(m);
}
