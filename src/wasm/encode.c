/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * From a module to bytes. Types, expressions and bodies are copied as they stand, everything else
 * is written from the decoded form, so decoding the result gives an equivalent module.
 */
#include "wasm/decode.h"

#include <stdlib.h>

/* Canonical id -> the first index of the module that has it, sorted by id. */
typedef struct TypeIndex {
    u32 id, index;
} TypeIndex;

typedef struct Encoder {
    const WasmModule *m;
    Buf *out;
    Buf section; /* the payload that is being written */
    u32 ntypes;
    TypeIndex *types;
} Encoder;

static int by_id(const void *a, const void *b)
{
    const TypeIndex *x = a, *y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

static void index_types(Encoder *e)
{
    e->ntypes = e->m->ntypes;
    e->types = mem_alloc_array(e->ntypes, sizeof *e->types);
    for (u32 i = 0; i < e->ntypes; i++)
        e->types[i] = (TypeIndex){e->m->types[i], i};
    qsort(e->types, e->ntypes, sizeof *e->types, by_id);
}

static u32 type_index(const Encoder *e, u32 id)
{
    u32 lo = 0, hi = e->ntypes;
    while (lo < hi) {
        u32 mid = (lo + hi) / 2;
        if (e->types[mid].id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    ALWAYS(lo < e->ntypes && e->types[lo].id == id);
    return e->types[lo].index;
}

/* ---- pieces ---- */

static void put_range(Encoder *e, Range r)
{
    buf_bytes(&e->section, e->m->bytes + r.at, r.size);
}

static void put_name(Encoder *e, Str s)
{
    buf_name(&e->section, s);
}

static void put_type(Encoder *e, ValType t)
{
    Buf *b = &e->section;
    if (!valtype_is_ref(t)) {
        buf_u8(b, (u8)(0x7f - valtype_kind(t)));
        return;
    }
    HeapType h = valtype_heap(t);
    if (heap_is_concrete(h)) {
        buf_u8(b, valtype_nullable(t) ? 0x63 : 0x64);
        buf_sleb(b, type_index(e, h));
        return;
    }
    if (!valtype_nullable(t))
        buf_u8(b, 0x64);
    buf_u8(b, read_heap_code(h));
}

static void put_limits(Encoder *e, const Limits *l, u8 flags)
{
    buf_u8(&e->section, (u8)(flags | (l->has_max ? 1 : 0)));
    buf_uleb(&e->section, l->min);
    if (l->has_max)
        buf_uleb(&e->section, l->max);
}

static void put_table_type(Encoder *e, const TableType *t)
{
    put_type(e, t->elem);
    put_limits(e, &t->limits, t->is64 ? 4 : 0);
}

static void put_memory_type(Encoder *e, const MemoryType *t)
{
    bool custom = t->page_size_log2 != 16;
    put_limits(e, &t->limits, (u8)((t->shared ? 2 : 0) | (t->is64 ? 4 : 0) | (custom ? 8 : 0)));
    if (custom)
        buf_uleb(&e->section, t->page_size_log2);
}

static void put_global_type(Encoder *e, const GlobalType *t)
{
    put_type(e, t->type);
    buf_u8(&e->section, t->mut);
}

static void put_tag_type(Encoder *e, u32 id)
{
    buf_u8(&e->section, 0);
    buf_uleb(&e->section, type_index(e, id));
}

/* ---- sections: each returns whether there is one ---- */

static bool put_types(Encoder *e)
{
    put_range(e, e->m->type_section);
    return e->m->type_section.size != 0;
}

static bool put_imports(Encoder *e)
{
    const WasmModule *m = e->m;
    buf_uleb(&e->section, m->nimports);
    for (u32 i = 0; i < m->nimports; i++) {
        const Import *import = &m->imports[i];
        put_name(e, import->module);
        put_name(e, import->name);
        buf_u8(&e->section, import->kind);
        switch ((ExternKind)import->kind) {
        case EXTERN_FUNC:
            buf_uleb(&e->section, type_index(e, m->funcs[import->index].type));
            break;
        case EXTERN_TABLE:
            put_table_type(e, &m->tables[import->index].type);
            break;
        case EXTERN_MEMORY:
            put_memory_type(e, &m->memories[import->index]);
            break;
        case EXTERN_GLOBAL:
            put_global_type(e, &m->globals[import->index].type);
            break;
        case EXTERN_TAG:
            put_tag_type(e, m->tags[import->index]);
            break;
        }
    }
    return m->nimports != 0;
}

static bool put_functions(Encoder *e)
{
    const WasmModule *m = e->m;
    u32 first = m->n_imported_funcs;
    buf_uleb(&e->section, m->nfuncs - first);
    for (u32 i = first; i < m->nfuncs; i++)
        buf_uleb(&e->section, type_index(e, m->funcs[i].type));
    return m->nfuncs != first;
}

static bool put_tables(Encoder *e)
{
    const WasmModule *m = e->m;
    u32 first = m->n_imported_tables;
    buf_uleb(&e->section, m->ntables - first);
    for (u32 i = first; i < m->ntables; i++) {
        const Table *t = &m->tables[i];
        if (t->has_init)
            buf_bytes(&e->section, "\x40\x00", 2);
        put_table_type(e, &t->type);
        put_range(e, t->init);
    }
    return m->ntables != first;
}

static bool put_memories(Encoder *e)
{
    const WasmModule *m = e->m;
    u32 first = m->n_imported_memories;
    buf_uleb(&e->section, m->nmemories - first);
    for (u32 i = first; i < m->nmemories; i++)
        put_memory_type(e, &m->memories[i]);
    return m->nmemories != first;
}

static bool put_tags(Encoder *e)
{
    const WasmModule *m = e->m;
    u32 first = m->n_imported_tags;
    buf_uleb(&e->section, m->ntags - first);
    for (u32 i = first; i < m->ntags; i++)
        put_tag_type(e, m->tags[i]);
    return m->ntags != first;
}

static bool put_globals(Encoder *e)
{
    const WasmModule *m = e->m;
    u32 first = m->n_imported_globals;
    buf_uleb(&e->section, m->nglobals - first);
    for (u32 i = first; i < m->nglobals; i++) {
        put_global_type(e, &m->globals[i].type);
        put_range(e, m->globals[i].init);
    }
    return m->nglobals != first;
}

static bool put_exports(Encoder *e)
{
    const WasmModule *m = e->m;
    buf_uleb(&e->section, m->nexports);
    for (u32 i = 0; i < m->nexports; i++) {
        put_name(e, m->exports[i].name);
        buf_u8(&e->section, m->exports[i].kind);
        buf_uleb(&e->section, m->exports[i].index);
    }
    return m->nexports != 0;
}

static bool put_start(Encoder *e)
{
    buf_uleb(&e->section, e->m->start);
    return e->m->has_start;
}

static void put_elem(Encoder *e, const ElemSegment *s)
{
    u32 exprs = s->exprs ? 4 : 0;
    /* Table and type are spelled out only where they are not the usual ones. */
    bool usual = s->table == 0 && s->type == VALTYPE_REF(HEAP_FUNC, s->exprs);
    switch ((SegmentMode)s->mode) {
    case SEGMENT_ACTIVE:
        buf_uleb(&e->section, exprs | (usual ? 0 : 2));
        if (!usual)
            buf_uleb(&e->section, s->table);
        put_range(e, s->offset);
        break;
    case SEGMENT_PASSIVE:
        buf_uleb(&e->section, exprs | 1);
        break;
    case SEGMENT_DECLARED:
        buf_uleb(&e->section, exprs | 3);
        break;
    }
    if (s->mode != SEGMENT_ACTIVE || !usual) {
        if (s->exprs)
            put_type(e, s->type);
        else
            buf_u8(&e->section, 0);
    }
    buf_uleb(&e->section, s->count);
    put_range(e, s->items);
}

static bool put_elements(Encoder *e)
{
    buf_uleb(&e->section, e->m->nelems);
    for (u32 i = 0; i < e->m->nelems; i++)
        put_elem(e, &e->m->elems[i]);
    return e->m->nelems != 0;
}

static bool put_data_count(Encoder *e)
{
    buf_uleb(&e->section, e->m->ndatas);
    return e->m->has_data_count;
}

static bool put_code(Encoder *e)
{
    const WasmModule *m = e->m;
    u32 first = m->n_imported_funcs;
    buf_uleb(&e->section, m->nfuncs - first);
    for (u32 i = first; i < m->nfuncs; i++) {
        buf_uleb(&e->section, m->funcs[i].body.size);
        put_range(e, m->funcs[i].body);
    }
    return m->nfuncs != first;
}

static bool put_data(Encoder *e)
{
    const WasmModule *m = e->m;
    buf_uleb(&e->section, m->ndatas);
    for (u32 i = 0; i < m->ndatas; i++) {
        const DataSegment *s = &m->datas[i];
        if (s->mode == SEGMENT_PASSIVE) {
            buf_u8(&e->section, 1);
        } else {
            buf_u8(&e->section, s->memory ? 2 : 0);
            if (s->memory)
                buf_uleb(&e->section, s->memory);
            put_range(e, s->offset);
        }
        buf_uleb(&e->section, s->bytes.size);
        put_range(e, s->bytes);
    }
    return m->ndatas != 0;
}

static void end_section(Encoder *e, SectionId id)
{
    buf_section(e->out, (u8)id, &e->section);
}

static void put_customs(Encoder *e, SectionId after)
{
    for (u32 i = 0; i < e->m->ncustoms; i++) {
        const CustomSection *c = &e->m->customs[i];
        if (c->after != after)
            continue;
        e->section.n = 0;
        put_name(e, c->name);
        put_range(e, c->payload);
        end_section(e, SECTION_CUSTOM);
    }
}

void module_encode(const WasmModule *m, Buf *out)
{
    static const struct {
        SectionId id;
        bool (*put)(Encoder *e);
    } sections[] = {
        {SECTION_TYPE, put_types},
        {SECTION_IMPORT, put_imports},
        {SECTION_FUNCTION, put_functions},
        {SECTION_TABLE, put_tables},
        {SECTION_MEMORY, put_memories},
        {SECTION_TAG, put_tags},
        {SECTION_GLOBAL, put_globals},
        {SECTION_EXPORT, put_exports},
        {SECTION_START, put_start},
        {SECTION_ELEMENT, put_elements},
        {SECTION_DATA_COUNT, put_data_count},
        {SECTION_CODE, put_code},
        {SECTION_DATA, put_data},
    };
    static const u8 header[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    Encoder e = {.m = m, .out = out};
    index_types(&e);
    buf_bytes(out, header, sizeof header);
    put_customs(&e, SECTION_CUSTOM);
    for (u32 i = 0; i < ARRAY_LEN(sections); i++) {
        e.section.n = 0;
        if (sections[i].put(&e))
            end_section(&e, sections[i].id);
        put_customs(&e, sections[i].id);
    }
    buf_release(&e.section);
    mem_free(e.types);
}
