/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Flattening of types, by the canonical ABI. What is beyond WIT_MAX_FLAT values is not counted,
 * so the work for a type is bounded however large the type is.
 *
 * Source: https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md
 */
#include "wit/wit_flat.h"

u32 wit_discriminant_size(u32 cases)
{
    return cases <= 1 << 8 ? 1 : cases <= 1 << 16 ? 2 : 4;
}

u32 wit_ncases(const WitType *t)
{
    return t->kind == WIT_OPTION || t->kind == WIT_RESULT ? 2 : t->nfields;
}

WitId wit_case(const WitType *t, u32 i)
{
    if (t->kind == WIT_OPTION)
        return i == 0 ? WIT_NONE : t->elem;
    if (t->kind == WIT_RESULT)
        return i == 0 ? t->elem : t->second;
    return t->fields[i].type;
}

static void push_flat(WitFlat *f, char c)
{
    if (f->n < WIT_MAX_FLAT)
        f->c[f->n++] = c;
}

static char join(char a, char b)
{
    if (a == b)
        return a;
    return (a == 'i' && b == 'f') || (a == 'f' && b == 'i') ? 'i' : 'I';
}

static void flat_variant(const WitModel *m, const WitType *t, WitFlat *ret_flat)
{
    WitFlat all = {.n = 0};
    for (u32 i = 0; i < wit_ncases(t); i++) {
        WitFlat one = {.n = 0};
        if (wit_case(t, i) == WIT_NONE)
            continue;
        wit_flatten(m, wit_case(t, i), &one);
        for (u32 k = 0; k < one.n; k++) {
            if (k < all.n)
                all.c[k] = join(all.c[k], one.c[k]);
            else
                push_flat(&all, one.c[k]);
        }
    }
    push_flat(ret_flat, 'i');
    for (u32 k = 0; k < all.n; k++)
        push_flat(ret_flat, all.c[k]);
}

void wit_flatten(const WitModel *m, WitId id, WitFlat *ret_flat)
{
    static const char letters[] = {
        [WIT_BOOL] = 'i',   [WIT_U8] = 'i',           [WIT_U16] = 'i', [WIT_U32] = 'i',
        [WIT_U64] = 'I',    [WIT_S8] = 'i',           [WIT_S16] = 'i', [WIT_S32] = 'i',
        [WIT_S64] = 'I',    [WIT_F32] = 'f',          [WIT_F64] = 'd', [WIT_CHAR] = 'i',
        [WIT_STRING] = 'i', [WIT_ERROR_CONTEXT] = 'i'};
    const WitType *t = &m->types[wit_unalias(m, id)];
    if (ret_flat->n >= WIT_MAX_FLAT)
        return;
    if (wit_is_primitive(t->kind)) {
        push_flat(ret_flat, letters[t->kind]);
        if (t->kind == WIT_STRING)
            push_flat(ret_flat, 'i');
    } else if (t->kind == WIT_RECORD || t->kind == WIT_TUPLE) {
        for (u32 i = 0; i < t->nfields; i++)
            wit_flatten(m, t->fields[i].type, ret_flat);
    } else if (t->kind == WIT_VARIANT || t->kind == WIT_ENUM || t->kind == WIT_OPTION ||
               t->kind == WIT_RESULT) {
        flat_variant(m, t, ret_flat);
    } else if (t->kind == WIT_FIXED_LIST) {
        for (u32 i = 0; i < MIN(t->length, (u32)WIT_MAX_FLAT); i++)
            wit_flatten(m, t->elem, ret_flat);
    } else {
        push_flat(ret_flat, 'i');
        if (t->kind == WIT_LIST || t->kind == WIT_MAP)
            push_flat(ret_flat, 'i');
    }
}
