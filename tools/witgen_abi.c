/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The bindings generator: the canonical ABI's sizes and alignments. */
#include "witgen.h"

u32 gen_payload_offset(const Gen *g, const WitType *t)
{
    u32 align = 1;
    for (u32 i = 0; i < wit_ncases(t); i++)
        if (wit_case(t, i) != WIT_NONE)
            align = MAX(align, g->aligns[wit_case(t, i)]);
    return (u32)align_up(wit_discriminant_size(wit_ncases(t)), align);
}

static void layout_record(const Gen *g, const WitType *t, u32 *size, u32 *align)
{
    u64 at = 0;
    *align = 1;
    for (u32 i = 0; i < t->nfields; i++) {
        WitId f = t->fields[i].type;
        at = align_up(at, g->aligns[f]) + g->sizes[f];
        *align = MAX(*align, g->aligns[f]);
    }
    *size = u32_of(align_up(at, *align));
}

static void layout_variant(const Gen *g, const WitType *t, u32 *size, u32 *align)
{
    u32 largest = 0, disc = wit_discriminant_size(wit_ncases(t));
    *align = disc;
    for (u32 i = 0; i < wit_ncases(t); i++) {
        WitId c = wit_case(t, i);
        if (c == WIT_NONE)
            continue;
        largest = MAX(largest, g->sizes[c]);
        *align = MAX(*align, g->aligns[c]);
    }
    *size = u32_of(align_up((u64)gen_payload_offset(g, t) + largest, *align));
}

static u32 flags_size(u32 n)
{
    return n <= 8 ? 1 : n <= 16 ? 2 : 4;
}

static void layout(Gen *g, WitId id)
{
    static const u8 sizes[] = {
        [WIT_BOOL] = 1, [WIT_U8] = 1,   [WIT_U16] = 2,    [WIT_U32] = 4,          [WIT_U64] = 8,
        [WIT_S8] = 1,   [WIT_S16] = 2,  [WIT_S32] = 4,    [WIT_S64] = 8,          [WIT_F32] = 4,
        [WIT_F64] = 8,  [WIT_CHAR] = 4, [WIT_STRING] = 8, [WIT_ERROR_CONTEXT] = 4};
    const WitType *t = &g->m->types[id];
    u32 *size = &g->sizes[id], *align = &g->aligns[id];
    if (wit_is_primitive(t->kind)) {
        *size = sizes[t->kind];
        *align = t->kind == WIT_STRING ? 4 : *size;
    } else if (t->kind == WIT_RECORD || t->kind == WIT_TUPLE) {
        layout_record(g, t, size, align);
    } else if (t->kind == WIT_VARIANT || t->kind == WIT_ENUM || t->kind == WIT_OPTION ||
               t->kind == WIT_RESULT) {
        layout_variant(g, t, size, align);
    } else if (t->kind == WIT_FLAGS) {
        *size = *align = flags_size(t->nfields);
    } else if (t->kind == WIT_ALIAS) {
        *size = g->sizes[t->elem];
        *align = g->aligns[t->elem];
    } else if (t->kind == WIT_FIXED_LIST) {
        *size = u32_of((u64)g->sizes[t->elem] * t->length);
        *align = g->aligns[t->elem];
    } else {
        *size = t->kind == WIT_LIST || t->kind == WIT_MAP ? 8 : 4;
        *align = 4;
    }
}

void gen_layout(Gen *g)
{
    for (u32 i = 0; i < g->m->ntypes; i++)
        layout(g, i); /* parts come before wholes */
}

bool gen_is_plain(const Gen *g, WitId id)
{
    const WitType *t = &g->m->types[wit_unalias(g->m, id)];
    if (wit_is_primitive(t->kind))
        return t->kind >= WIT_U8 && t->kind <= WIT_F64;
    if (t->kind == WIT_FIXED_LIST)
        return gen_is_plain(g, t->elem);
    if (t->kind == WIT_FLAGS)
        return t->nfields == 8 || t->nfields == 16 || t->nfields == 32;
    if (t->kind != WIT_RECORD && t->kind != WIT_TUPLE)
        return false;
    for (u32 i = 0; i < t->nfields; i++)
        if (!gen_is_plain(g, t->fields[i].type))
            return false;
    return true;
}

bool gen_by_value(const Gen *g, WitId id)
{
    const WitType *t = &g->m->types[wit_unalias(g->m, id)];
    return wit_is_primitive(t->kind) || t->kind == WIT_ENUM || t->kind == WIT_FLAGS ||
           t->kind == WIT_LIST || t->kind == WIT_MAP || t->kind == WIT_OWN || t->kind == WIT_BORROW;
}
