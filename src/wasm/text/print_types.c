/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Types for the printer. A decoded module has canonical types; what the type section wrote, groups
 * included, is read from its bytes once more.
 */
#include "wasm/text/printer.h"

#include <stdlib.h>

enum {
    BYTE_REC = 0x4e,
    BYTE_SUB_FINAL = 0x4f,
    BYTE_SUB = 0x50,
    BYTE_CONT = 0x5d,
    BYTE_ARRAY = 0x5e,
    BYTE_STRUCT = 0x5f,
    BYTE_FUNC = 0x60
};

/* ---- reading ---- */

static TypeCode read_code(Reader *r)
{
    u8 b = read_u8(r);
    if (b != CODE_REF && b != CODE_REF_NULL)
        return b;
    i64 heap = read_s(r, 33);
    HeapCode h = heap < 0 ? HEAP_CODE_ABSTRACT | ((u64)heap & 0x7f) : (u64)heap;
    if (b == CODE_REF_NULL && heap < 0) /* the short form is the same */
        return (u8)h;
    return b | h << CODE_HEAP_SHIFT;
}

static TypeCode *read_codes(Printer *p, Reader *r, u32 *ret_n)
{
    *ret_n = read_count(r, UINT32_MAX, "types");
    TypeCode *t = arena_array(&p->arena, TypeCode, *ret_n);
    for (u32 i = 0; i < *ret_n; i++)
        t[i] = read_code(r);
    return t;
}

static void read_fields(Printer *p, Reader *r, PrintType *t, u32 n)
{
    t->n = n;
    t->codes = arena_array(&p->arena, TypeCode, n);
    t->mut = arena_array(&p->arena, bool, n);
    for (u32 i = 0; i < n; i++) {
        t->codes[i] = read_code(r);
        t->mut[i] = read_u8(r) != 0;
    }
}

static void read_func(Printer *p, Reader *r, PrintType *t)
{
    u32 nresults;
    TypeCode *params = read_codes(p, r, &t->nparams), *results = read_codes(p, r, &nresults);
    t->n = t->nparams + nresults;
    t->codes = arena_array(&p->arena, TypeCode, t->n);
    if (t->nparams)
        memcpy(t->codes, params, t->nparams * sizeof *params);
    if (nresults)
        memcpy(t->codes + t->nparams, results, nresults * sizeof *results);
}

static void read_type(Printer *p, Reader *r, PrintType *t)
{
    u8 b = read_u8(r);
    t->super = TYPE_NONE;
    t->final = true;
    t->is_sub = b == BYTE_SUB || b == BYTE_SUB_FINAL;
    if (t->is_sub) {
        t->final = b == BYTE_SUB_FINAL;
        if (read_u32(r) > 0)
            t->super = read_u32(r);
        b = read_u8(r);
    }
    if (b == BYTE_FUNC) {
        t->kind = COMPOSITE_FUNC;
        read_func(p, r, t);
    } else if (b == BYTE_STRUCT) {
        t->kind = COMPOSITE_STRUCT;
        read_fields(p, r, t, read_count(r, UINT32_MAX, "fields"));
    } else if (b == BYTE_ARRAY) {
        t->kind = COMPOSITE_ARRAY;
        read_fields(p, r, t, 1);
    } else {
        t->kind = COMPOSITE_CONT;
        t->cont = (u32)read_s(r, 33);
    }
}

static int compare_canon(const void *a, const void *b)
{
    const CanonIndex *x = a, *y = b;
    if (x->canon != y->canon)
        return x->canon < y->canon ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

void print_types_init(Printer *p)
{
    const WasmModule *m = p->m;
    Diag d;
    diag_init(&d);
    Reader r = {.at = m->bytes + m->type_section.at, .base = m->bytes, .m = m, .diag = &d};
    r.end = r.at + m->type_section.size;
    p->types = arena_array(&p->arena, PrintType, m->ntypes);
    p->canon = arena_array(&p->arena, CanonIndex, m->ntypes);
    u32 n = 0;
    p->ngroups = m->type_section.size ? read_count(&r, UINT32_MAX, "types") : 0;
    p->groups = arena_array(&p->arena, PrintGroup, p->ngroups);
    for (u32 i = 0; i < p->ngroups && read_ok(&r); i++) {
        bool rec = r.at < r.end && *r.at == BYTE_REC;
        r.at += rec;
        u32 size = rec ? read_u32(&r) : 1;
        ALWAYS(size <= m->ntypes - n); /* the module is decoded: its bytes are good */
        for (u32 k = 0; k < size; k++)
            read_type(p, &r, &p->types[n + k]);
        p->groups[i] = (PrintGroup){size, rec};
        n += size;
    }
    for (u32 i = 0; i < m->ntypes; i++)
        p->canon[i] = (CanonIndex){m->types[i], i};
    if (m->ntypes)
        qsort(p->canon, m->ntypes, sizeof *p->canon, compare_canon);
}

u32 print_type_index(const Printer *p, u32 canon)
{
    u32 lo = 0, hi = p->m->ntypes;
    while (lo < hi) {
        u32 mid = lo + (hi - lo) / 2;
        if (p->canon[mid].canon < canon)
            lo = mid + 1;
        else
            hi = mid;
    }
    ALWAYS(lo < p->m->ntypes && p->canon[lo].canon == canon);
    return p->canon[lo].index;
}

/* ---- printing ---- */

void print_type_code(Printer *p, TypeCode t)
{
    u8 first = (u8)t;
    if (first != CODE_REF && first != CODE_REF_NULL) {
        buf_str(p->out, str_of(type_word(first)));
        return;
    }
    HeapCode h = t >> CODE_HEAP_SHIFT;
    buf_str(p->out, first == CODE_REF ? STR("(ref ") : STR("(ref null "));
    if (h & HEAP_CODE_ABSTRACT)
        buf_str(p->out, str_of(heap_word((u8)h)));
    else
        print_index(p, SPACE_TYPE, (u32)h);
    buf_u8(p->out, ')');
}

static HeapCode heap_code(const Printer *p, HeapType h)
{
    static const u8 codes[] = {0x70, 0x6f, 0x6e, 0x6d, 0x6c, 0x6b, 0x6a,
                               0x71, 0x73, 0x72, 0x69, 0x74, 0x68, 0x75};
    static_assert(HEAP_NOCONT - HEAP_FUNC + 1 == ARRAY_LEN(codes), "one byte for each heap type");
    if (heap_is_concrete(h))
        return print_type_index(p, h);
    return HEAP_CODE_ABSTRACT | codes[h - HEAP_FIRST_ABSTRACT];
}

void print_heap(Printer *p, ValType t)
{
    HeapCode h = heap_code(p, valtype_heap(t));
    if (h & HEAP_CODE_ABSTRACT)
        buf_str(p->out, str_of(heap_word((u8)h)));
    else
        print_index(p, SPACE_TYPE, (u32)h);
}

void print_valtype(Printer *p, ValType t)
{
    static const u8 numbers[] = {[KIND_I32] = 0x7f,
                                 [KIND_I64] = 0x7e,
                                 [KIND_F32] = 0x7d,
                                 [KIND_F64] = 0x7c,
                                 [KIND_V128] = 0x7b};
    if (!valtype_is_ref(t)) {
        print_type_code(p, numbers[valtype_kind(t)]);
        return;
    }
    HeapCode h = heap_code(p, valtype_heap(t));
    bool nullable = valtype_nullable(t);
    if (nullable && (h & HEAP_CODE_ABSTRACT))
        print_type_code(p, (u8)h);
    else
        print_type_code(p, (nullable ? CODE_REF_NULL : CODE_REF) | h << CODE_HEAP_SHIFT);
}

static void print_list(Printer *p, const char *word, const TypeCode *t, u32 n)
{
    if (n == 0)
        return;
    buf_printf(p->out, " (%s", word);
    for (u32 i = 0; i < n; i++) {
        buf_u8(p->out, ' ');
        print_type_code(p, t[i]);
    }
    buf_u8(p->out, ')');
}

static void print_field(Printer *p, TypeCode t, bool mut)
{
    buf_str(p->out, mut ? STR("(mut ") : STR(""));
    print_type_code(p, t);
    buf_str(p->out, mut ? STR(")") : STR(""));
}

static void print_struct(Printer *p, const PrintType *t, u32 index)
{
    buf_str(p->out, STR("(struct"));
    for (u32 i = 0; i < t->n; i++) {
        const PrintName *n = print_sub_name(&p->fields, index, i);
        buf_str(p->out, STR(" (field "));
        if (n && n->usable) {
            print_id(p, n->name);
            buf_u8(p->out, ' ');
        } else if (n) {
            print_name_annotation(p, n);
            buf_u8(p->out, ' ');
        }
        print_field(p, t->codes[i], t->mut[i]);
        buf_u8(p->out, ')');
    }
    buf_u8(p->out, ')');
}

static void print_composite(Printer *p, const PrintType *t, u32 index)
{
    switch ((CompositeKind)t->kind) {
    case COMPOSITE_FUNC:
        buf_str(p->out, STR("(func"));
        print_list(p, "param", t->codes, t->nparams);
        print_list(p, "result", t->codes + t->nparams, t->n - t->nparams);
        buf_u8(p->out, ')');
        return;
    case COMPOSITE_STRUCT:
        print_struct(p, t, index);
        return;
    case COMPOSITE_ARRAY:
        buf_str(p->out, STR("(array "));
        print_field(p, t->codes[0], t->mut[0]);
        buf_u8(p->out, ')');
        return;
    case COMPOSITE_CONT:
        buf_str(p->out, STR("(cont "));
        print_index(p, SPACE_TYPE, t->cont);
        buf_u8(p->out, ')');
        return;
    }
}

static void print_type(Printer *p, u32 index)
{
    const PrintType *t = &p->types[index];
    buf_str(p->out, STR("(type"));
    print_definition(p, SPACE_TYPE, index);
    buf_u8(p->out, ' ');
    if (t->is_sub) {
        buf_str(p->out, t->final ? STR("(sub final ") : STR("(sub "));
        if (t->super != TYPE_NONE) {
            print_index(p, SPACE_TYPE, t->super);
            buf_u8(p->out, ' ');
        }
    }
    print_composite(p, t, index);
    buf_str(p->out, t->is_sub ? STR("))") : STR(")"));
}

void print_types(Printer *p)
{
    u32 index = 0;
    for (u32 i = 0; i < p->ngroups; i++) {
        const PrintGroup *g = &p->groups[i];
        buf_str(p->out, g->rec ? STR("\n  (rec") : STR(""));
        for (u32 k = 0; k < g->size; k++) {
            buf_str(p->out, g->rec ? STR("\n    ") : STR("\n  "));
            print_type(p, index++);
        }
        buf_str(p->out, g->rec ? STR("\n  )") : STR(""));
    }
}

void print_typeuse(Printer *p, u32 index)
{
    const PrintType *t = &p->types[index];
    buf_str(p->out, STR(" (type "));
    print_index(p, SPACE_TYPE, index);
    buf_u8(p->out, ')');
    print_list(p, "param", t->codes, t->nparams);
    print_list(p, "result", t->codes + t->nparams, t->n - t->nparams);
}

void print_func_typeuse(Printer *p, u32 index)
{
    const PrintType *t = &p->types[index];
    if (!p->local_names) {
        print_typeuse(p, index);
        return;
    }
    buf_str(p->out, STR(" (type "));
    print_index(p, SPACE_TYPE, index);
    buf_u8(p->out, ')');
    for (u32 i = 0; i < t->nparams; i++) {
        const PrintName *n = &p->local_names[i];
        buf_str(p->out, STR(" (param "));
        if (n->usable) {
            print_id(p, n->name);
            buf_u8(p->out, ' ');
        } else if (n->name.p) {
            print_name_annotation(p, n);
            buf_u8(p->out, ' ');
        }
        print_type_code(p, t->codes[i]);
        buf_u8(p->out, ')');
    }
    print_list(p, "result", t->codes + t->nparams, t->n - t->nparams);
}
