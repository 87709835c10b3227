/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Lowering: from trees to core values and memory. Any call of realloc may move or change the
 * memory, so places are looked up by address for each write.
 */
#include "component/abi_priv.h"

/* A tree that a host made may not be of the type; one that was lifted always is. */
static Error *wrong_shape(const CType *c)
{
    return error_new("type mismatch: expected %s", ctype_kind_name((CTypeKind)c->kind));
}

static Error *lower_handle(AbiSide *s, const CType *c, const ComponentVal *v, u32 *ret_index)
{
    ResourceKey type = &s->resources[c->resource - s->first_resource];
    if (v->resource != *type)
        return error_new("mismatched resource types");
    if (c->kind == CT_BORROW && (*type)->owner == s->inst) {
        *ret_index = (u32)v->rep; /* who defines the resource sees what is behind the handle */
        return NULL;
    }
    return handles_add(s->handles, type, v->rep, c->kind == CT_BORROW ? s->scope : NULL, ret_index);
}

MUST_CHECK static Error *place_at(AbiSide *s, u64 ptr, u32 size, u8 **ret_place)
{
    return abi_check(s, ABI_TUPLE, ptr, size, 1, ret_place);
}

MUST_CHECK static Error *store_bits(AbiSide *s, u64 ptr, u64 bits, u32 size)
{
    u8 *place = NULL;
    Error *e = place_at(s, ptr, size, &place);
    if (!e)
        memcpy(place, &bits, size);
    return e;
}

static Error *store_elements(AbiSide *s, CTypeId element, const ComponentVal *v, u64 ptr)
{
    const CType *c = ctype_get(s->types, element);
    u32 size = c->layout[s->wide].size;
    if (v->flat) {
        u8 *place = NULL;
        Error *e = abi_check(s, ABI_LIST, ptr, (u64)v->n * size, 1, &place);
        if (!e && v->n)
            memcpy(place, v->bytes, (usize)v->n * size);
        return e;
    }
    Error *e = NULL;
    for (u32 i = 0; i < v->n && !e; i++)
        e = abi_store(s, element, &v->items[i], ptr + (u64)i * size);
    return e;
}

static Error *store_list(AbiSide *s, CTypeId element, const ComponentVal *v, AbiSlice *ret_at)
{
    const CLayout *l = &ctype_get(s->types, element)->layout[s->wide];
    u64 ptr = 0;
    Error *e = abi_realloc(s, ABI_LIST, 0, 0, l->align, (u64)v->n * l->size, &ptr);
    if (!e)
        e = store_elements(s, element, v, ptr);
    *ret_at = (AbiSlice){ptr, v->n};
    return e;
}

static Error *store_map(AbiSide *s, const CType *c, const ComponentVal *v, AbiSlice *ret_at)
{
    MapLayout l = map_layout(s, c);
    u64 ptr = 0;
    Error *e = abi_realloc(s, ABI_LIST, 0, 0, l.align, (u64)v->n * l.size, &ptr);
    for (u32 i = 0; i < v->n && !e; i++) {
        u64 pair = ptr + (u64)i * l.size;
        e = abi_store(s, c->fields[0].type, &v->items[2 * i], pair);
        if (!e)
            e = abi_store(s, c->fields[1].type, &v->items[2 * i + 1], pair + l.value);
    }
    *ret_at = (AbiSlice){ptr, v->n};
    return e;
}

/* Strings, lists and maps: what is behind the pointer. */
static Error *store_contents(AbiSide *s, const CType *c, const ComponentVal *v, AbiSlice *ret_at)
{
    if (c->kind == CT_STRING)
        return abi_store_string(s, v, ret_at);
    if (c->kind == CT_MAP)
        return store_map(s, c, v, ret_at);
    return store_list(s, c->fields[0].type, v, ret_at);
}

static Error *store_slice(AbiSide *s, const CType *c, const ComponentVal *v, u64 ptr)
{
    AbiSlice at = {0};
    Error *e = store_contents(s, c, v, &at);
    u32 size = s->wide ? 8 : 4;
    if (!e)
        e = store_bits(s, ptr, at.ptr, size);
    return e ? e : store_bits(s, ptr + size, at.n, size);
}

static bool case_is_right(const CType *c, const ComponentVal *v)
{
    if (v->n >= c->n)
        return false;
    bool has_payload = c->kind != CT_ENUM && c->fields[v->n].type != CTYPE_NONE;
    return !v->payload == !has_payload;
}

static bool shape_is_right(const CType *c, const ComponentVal *v)
{
    switch ((CTypeKind)c->kind) {
    case CT_VARIANT:
    case CT_ENUM:
    case CT_OPTION:
    case CT_RESULT:
        return v->kind == c->kind && case_is_right(c, v);
    case CT_RECORD:
    case CT_TUPLE:
        return v->kind == c->kind && v->n == c->n;
    case CT_FIXED_LIST:
        return v->kind == CT_LIST && v->n == c->length;
    default:
        return v->kind == c->kind;
    }
}

static Error *store_case(AbiSide *s, const CType *c, const ComponentVal *v, u64 ptr)
{
    Error *e = store_bits(s, ptr, v->n, c->tag_size);
    if (e || !v->payload)
        return e;
    return abi_store(s, c->fields[v->n].type, v->payload, ptr + c->payload_offset[s->wide]);
}

static Error *store_fields(AbiSide *s, const CType *c, const ComponentVal *v, u64 ptr)
{
    Error *e = NULL;
    for (u32 i = 0; i < c->n && !e; i++)
        e = abi_store(s, c->fields[i].type, &v->items[i], ptr + c->fields[i].offset[s->wide]);
    return e;
}

static Error *store_handle(AbiSide *s, const CType *c, const ComponentVal *v, u64 ptr)
{
    u32 index = 0;
    Error *e = lower_handle(s, c, v, &index);
    return e ? e : store_bits(s, ptr, index, 4);
}

Error *abi_store(AbiSide *s, CTypeId type, const ComponentVal *v, u64 ptr)
{
    const CType *c = ctype_get(s->types, type);
    if (!shape_is_right(c, v))
        return wrong_shape(c);
    switch ((CTypeKind)c->kind) {
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
    case CT_FLAGS:
        return store_bits(s, ptr, v->bits, c->layout[s->wide].size);
    case CT_STRING:
    case CT_LIST:
    case CT_MAP:
        return store_slice(s, c, v, ptr);
    case CT_FIXED_LIST:
        return store_elements(s, c->fields[0].type, v, ptr);
    case CT_RECORD:
    case CT_TUPLE:
        return store_fields(s, c, v, ptr);
    case CT_VARIANT:
    case CT_ENUM:
    case CT_OPTION:
    case CT_RESULT:
        return store_case(s, c, v, ptr);
    case CT_OWN:
    case CT_BORROW:
        return store_handle(s, c, v, ptr);
    case CT_ERROR_CONTEXT:
    case CT_STREAM:
    case CT_FUTURE:
        return abi_no_async();
    case CT_RESOURCE:
    case CT_FUNC:
    case CT_INSTANCE:
    case CT_COMPONENT:
    case CT_KIND_COUNT:
        break;
    }
    BUG("not a value type");
}

/* --- flat values --- */

static void put(FlatWriter *w, u64 v)
{
    w->p[w->i++] = v;
}

static Error *lower_case(AbiSide *s, const CType *c, const ComponentVal *v, FlatWriter *w)
{
    u32 end = w->i + c->layout[s->wide].nflat;
    put(w, v->n);
    Error *e = v->payload ? abi_lower_flat(s, c->fields[v->n].type, v->payload, w) : NULL;
    while (!e && w->i < end)
        put(w, 0);
    return e;
}

static Error *lower_fields(AbiSide *s, const CType *c, const ComponentVal *v, FlatWriter *w)
{
    Error *e = NULL;
    for (u32 i = 0; i < c->n && !e; i++)
        e = abi_lower_flat(s, c->fields[i].type, &v->items[i], w);
    return e;
}

static Error *lower_elements(AbiSide *s, CTypeId element, const ComponentVal *v, FlatWriter *w)
{
    CTypeKind kind = (CTypeKind)ctype_get(s->types, element)->kind;
    Error *e = NULL;
    for (u32 i = 0; i < v->n && !e; i++) {
        ComponentVal item = val_item(v, kind, i);
        e = abi_lower_flat(s, element, &item, w);
    }
    return e;
}

Error *abi_lower_flat(AbiSide *s, CTypeId type, const ComponentVal *v, FlatWriter *w)
{
    const CType *c = ctype_get(s->types, type);
    if (!shape_is_right(c, v))
        return wrong_shape(c);
    Error *e = NULL;
    switch ((CTypeKind)c->kind) {
    case CT_S8:
    case CT_S16:
    case CT_S32:
        put(w, (u32)v->bits);
        return NULL;
    case CT_BOOL:
    case CT_U8:
    case CT_U16:
    case CT_U32:
    case CT_S64:
    case CT_U64:
    case CT_F32:
    case CT_F64:
    case CT_CHAR:
    case CT_FLAGS:
        put(w, v->bits);
        return NULL;
    case CT_STRING:
    case CT_LIST:
    case CT_MAP: {
        AbiSlice at = {0};
        e = store_contents(s, c, v, &at);
        put(w, at.ptr);
        put(w, at.n);
        return e;
    }
    case CT_FIXED_LIST:
        return lower_elements(s, c->fields[0].type, v, w);
    case CT_RECORD:
    case CT_TUPLE:
        return lower_fields(s, c, v, w);
    case CT_VARIANT:
    case CT_ENUM:
    case CT_OPTION:
    case CT_RESULT:
        return lower_case(s, c, v, w);
    case CT_OWN:
    case CT_BORROW: {
        u32 index = 0;
        e = lower_handle(s, c, v, &index);
        put(w, index);
        return e;
    }
    case CT_ERROR_CONTEXT:
    case CT_STREAM:
    case CT_FUTURE:
        return abi_no_async();
    case CT_RESOURCE:
    case CT_FUNC:
    case CT_INSTANCE:
    case CT_COMPONENT:
    case CT_KIND_COUNT:
        break;
    }
    BUG("not a value type");
}
