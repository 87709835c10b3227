/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The canonical ABI of types: sizes and alignments in memory, and the core values that stand for
 * them in calls, for 32-bit and 64-bit addresses.
 *
 * Source: https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md
 */
#include "wit/component_priv.h"

/* Flat types as they are gathered; n stops at MAX_FLAT + 1. */
typedef struct Flat {
    u32 n;
    u8 types[MAX_FLAT + 1];
} Flat;

static void flat_push(Flat *f, ValType t)
{
    if (f->n <= MAX_FLAT)
        f->types[f->n++] = (u8)t;
}

static void flat_append(Flat *f, const CLayout *l)
{
    if (l->nflat > MAX_FLAT) {
        f->n = MAX_FLAT + 1;
        return;
    }
    for (u32 i = 0; i < l->nflat; i++)
        flat_push(f, l->flat[i]);
}

/* One core type for values of either; all are of VT_I32 to VT_F64. */
static u8 flat_join(u8 a, u8 b)
{
    if (a == b)
        return a;
    bool narrow = (a == VT_I32 || a == VT_F32) && (b == VT_I32 || b == VT_F32);
    return (u8)(narrow ? VT_I32 : VT_I64);
}

static void flat_variant(const CDecoder *d, const CType *t, u32 w, Flat *f)
{
    flat_push(f, VT_I32);
    for (u32 i = 0; i < t->n; i++) {
        if (t->fields[i].type == CTYPE_NONE)
            continue;
        const CLayout *l = &node(d, t->fields[i].type)->layout[w];
        if (l->nflat >= MAX_FLAT) {
            f->n = MAX_FLAT + 1;
            return;
        }
        for (u32 k = 0; k < l->nflat; k++)
            if (k + 1 < f->n)
                f->types[k + 1] = flat_join(f->types[k + 1], l->flat[k]);
            else
                flat_push(f, l->flat[k]);
    }
}

static const struct {
    u8 size;
    u8 flat; /* ValType */
} primitives[CT_PRIMITIVES] = {
    [CT_BOOL] = {1, VT_I32},   [CT_S8] = {1, VT_I32},
    [CT_U8] = {1, VT_I32},     [CT_S16] = {2, VT_I32},
    [CT_U16] = {2, VT_I32},    [CT_S32] = {4, VT_I32},
    [CT_U32] = {4, VT_I32},    [CT_S64] = {8, VT_I64},
    [CT_U64] = {8, VT_I64},    [CT_F32] = {4, VT_F32},
    [CT_F64] = {8, VT_F64},    [CT_CHAR] = {4, VT_I32},
    [CT_STRING] = {0, VT_I32}, [CT_ERROR_CONTEXT] = {4, VT_I32},
};

typedef struct Extent {
    u64 size; /* saturated far above the limit */
    u32 align;
} Extent;

static Extent extent_of(const CDecoder *d, CTypeId id, u32 w)
{
    const CLayout *l = &node(d, id)->layout[w];
    return (Extent){l->size, l->align};
}

static Extent layout_record(const CDecoder *d, CType *t, u32 w)
{
    Extent e = {0, 1};
    for (u32 i = 0; i < t->n; i++) {
        Extent part = extent_of(d, t->fields[i].type, w);
        e.size = align_up(e.size, part.align);
        t->fields[i].offset[w] = (u32)MIN(e.size, UINT32_MAX);
        e.size += part.size;
        e.align = MAX(e.align, part.align);
    }
    e.size = align_up(e.size, e.align);
    return e;
}

static Extent layout_variant(const CDecoder *d, CType *t, u32 w)
{
    t->tag_size = t->n <= 256 ? 1 : t->n <= 65536 ? 2 : 4;
    Extent payload = {0, 1};
    for (u32 i = 0; i < t->n; i++)
        if (t->fields[i].type != CTYPE_NONE) {
            Extent part = extent_of(d, t->fields[i].type, w);
            payload.size = MAX(payload.size, part.size);
            payload.align = MAX(payload.align, part.align);
        }
    u64 offset = align_up(t->tag_size, payload.align);
    t->payload_offset[w] = (u32)offset;
    Extent e = {0, MAX(payload.align, t->tag_size)};
    e.size = align_up(offset + payload.size, e.align);
    return e;
}

static Extent layout_extent(const CDecoder *d, CType *t, u32 w)
{
    u32 ptr = w ? 8 : 4;
    switch ((CTypeKind)t->kind) {
    case CT_RECORD:
    case CT_TUPLE:
        return layout_record(d, t, w);
    case CT_VARIANT:
    case CT_ENUM:
    case CT_OPTION:
    case CT_RESULT:
        return layout_variant(d, t, w);
    case CT_STRING:
    case CT_LIST:
    case CT_MAP:
        return (Extent){2 * ptr, ptr};
    case CT_FIXED_LIST: {
        Extent e = extent_of(d, t->fields[0].type, w);
        e.size *= t->length;
        return e;
    }
    case CT_FLAGS: {
        u32 size = t->n <= 8 ? 1 : t->n <= 16 ? 2 : 4;
        return (Extent){size, size};
    }
    case CT_BOOL:
    case CT_S8:
    case CT_U8:
    case CT_S16:
    case CT_U16:
    case CT_S32:
    case CT_U32:
    case CT_S64:
    case CT_U64:
    case CT_F32:
    case CT_F64:
    case CT_CHAR:
    case CT_ERROR_CONTEXT:
        return (Extent){primitives[t->kind].size, primitives[t->kind].size};
    case CT_OWN:
    case CT_BORROW:
    case CT_STREAM:
    case CT_FUTURE:
        return (Extent){4, 4};
    case CT_RESOURCE:
    case CT_FUNC:
    case CT_INSTANCE:
    case CT_COMPONENT:
    case CT_KIND_COUNT:
        break;
    }
    BUG("layout of what is no value");
}

static void layout_flat(const CDecoder *d, const CType *t, u32 w, Flat *f)
{
    switch ((CTypeKind)t->kind) {
    case CT_RECORD:
    case CT_TUPLE:
        for (u32 i = 0; i < t->n; i++)
            flat_append(f, &node(d, t->fields[i].type)->layout[w]);
        return;
    case CT_VARIANT:
    case CT_ENUM:
    case CT_OPTION:
    case CT_RESULT:
        flat_variant(d, t, w, f);
        return;
    case CT_STRING:
    case CT_LIST:
    case CT_MAP:
        flat_push(f, w ? VT_I64 : VT_I32);
        flat_push(f, w ? VT_I64 : VT_I32);
        return;
    case CT_FIXED_LIST:
        for (u32 i = 0; i < MIN(t->length, MAX_FLAT + 1); i++)
            flat_append(f, &node(d, t->fields[0].type)->layout[w]);
        return;
    case CT_BOOL:
    case CT_S8:
    case CT_U8:
    case CT_S16:
    case CT_U16:
    case CT_S32:
    case CT_U32:
    case CT_S64:
    case CT_U64:
    case CT_F32:
    case CT_F64:
    case CT_CHAR:
    case CT_ERROR_CONTEXT:
        flat_push(f, primitives[t->kind].flat);
        return;
    case CT_FLAGS:
    case CT_OWN:
    case CT_BORROW:
    case CT_STREAM:
    case CT_FUTURE:
        flat_push(f, VT_I32);
        return;
    case CT_RESOURCE:
    case CT_FUNC:
    case CT_INSTANCE:
    case CT_COMPONENT:
    case CT_KIND_COUNT:
        break;
    }
    BUG("flattening what is no value");
}

void ctype_layout(CDecoder *d, CType *t)
{
    for (u32 w = 0; w < 2; w++) {
        Extent e = layout_extent(d, t, w);
        if (e.size > LIMIT_VALUE_SIZE) {
            cfail(d, "type exceeds maximum byte size: the limit is %u", LIMIT_VALUE_SIZE);
            return;
        }
        Flat f = {0};
        layout_flat(d, t, w, &f);
        CLayout *l = &t->layout[w];
        *l = (CLayout){.size = (u32)e.size, .align = e.align, .nflat = f.n};
        if (f.n <= MAX_FLAT)
            l->flat = arena_dup(arena(d), f.types, f.n);
    }
}

/* ---- signatures ---- */

static void sig_param(FlatSig *s, ValType t)
{
    s->params[s->nparams++] = (u8)t;
}

void ctype_flatten(const ComponentTypes *types, const CType *func, FlatContext context,
                   const CanonOptions *o, FlatSig *ret_sig)
{
    u32 w = o->memory64;
    ValType ptr = w ? VT_I64 : VT_I32;
    bool lower_async = o->async && context == FLAT_LOWER;
    Flat params = {0}, results = {0};
    for (u32 i = 0; i < func->n; i++)
        flat_append(&params, &ctype_get(types, func->fields[i].type)->layout[w]);
    if (func->result != CTYPE_NONE)
        flat_append(&results, &ctype_get(types, func->result)->layout[w]);
    FlatSig s = {0};
    s.params_spilled = params.n > (lower_async ? MAX_FLAT_ASYNC_PARAMS : MAX_FLAT_PARAMS);
    if (s.params_spilled)
        sig_param(&s, ptr);
    for (u32 i = 0; i < params.n && !s.params_spilled; i++)
        sig_param(&s, params.types[i]);
    if (!o->async) {
        s.results_spilled = results.n > MAX_FLAT_RESULTS;
        if (s.results_spilled && context == FLAT_LOWER)
            sig_param(&s, ptr);
        else if (results.n)
            s.results[s.nresults++] = s.results_spilled ? (u8)ptr : results.types[0];
    } else if (lower_async) {
        s.results_spilled = results.n > 0;
        if (s.results_spilled)
            sig_param(&s, ptr);
        s.results[s.nresults++] = VT_I32;
    } else if (o->has_callback) {
        s.results[s.nresults++] = VT_I32;
    }
    *ret_sig = s;
}
