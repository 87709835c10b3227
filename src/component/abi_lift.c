/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Lifting: from core values and memory to trees. Runs no guest code, so memory does not change. */
#include "component/abi_priv.h"

#define LIST_BYTES_MAX ((u64)UINT32_MAX)

static Error *lift_handle(AbiSide *s, const CType *c, u32 index, ComponentVal *ret_val)
{
    ResourceKey type = &s->resources[c->resource - s->first_resource];
    u64 rep = 0;
    Error *e = c->kind == CT_OWN ? handles_take_own(s->handles, type, index, &rep)
                                 : handles_lend(s->handles, type, index, s->scope, &rep);
    if (!e)
        *ret_val = (ComponentVal){.kind = c->kind, .resource = *type, .rep = rep};
    return e;
}

static Error *lift_scalar(AbiSide *s, CTypeKind kind, u64 bits, ComponentVal *ret_val)
{
    u8 bytes[8];
    store_u64(bytes, bits);
    *ret_val = val_scalar(kind, bytes);
    if (kind == CT_BOOL)
        ret_val->bits = ret_val->bits != 0;
    if (kind == CT_CHAR && !char_is_valid((u32)bits))
        return abi_bad_char(s);
    return NULL;
}

/* Elements that are kept as they lie in memory: bool and char are looked at, too. */
static Error *lift_flat_list(AbiSide *s, CTypeKind kind, const u8 *place, u32 n,
                             ComponentVal *ret_val)
{
    u32 size = val_flat_size(kind);
    u8 *copy = abi_tree_alloc(s, n, size);
    if (!copy)
        return abi_tree_full();
    if (n)
        memcpy(copy, place, (usize)n * size);
    for (u32 i = 0; kind == CT_BOOL && i < n; i++)
        copy[i] = copy[i] != 0;
    for (u32 i = 0; kind == CT_CHAR && i < n; i++)
        if (!char_is_valid(load_u32(copy + (usize)4 * i)))
            return abi_bad_char(s);
    *ret_val = (ComponentVal){.kind = CT_LIST, .flat = true, .n = n, .bytes = copy};
    return NULL;
}

static Error *load_elements(AbiSide *s, CTypeId element, const u8 *place, u32 n,
                            ComponentVal *ret_val)
{
    const CType *c = ctype_get(s->types, element);
    if (val_flat_size((CTypeKind)c->kind))
        return lift_flat_list(s, (CTypeKind)c->kind, place, n, ret_val);
    ComponentVal *items = abi_tree_alloc(s, n, sizeof *items);
    if (!items)
        return abi_tree_full();
    Error *e = NULL;
    for (u32 i = 0; i < n && !e; i++)
        e = abi_load(s, element, place + (usize)i * c->layout[s->wide].size, &items[i]);
    *ret_val = (ComponentVal){.kind = CT_LIST, .n = n, .items = items};
    return e;
}

static Error *load_list(AbiSide *s, CTypeId element, AbiSlice at, ComponentVal *ret_val)
{
    const CLayout *l = &ctype_get(s->types, element)->layout[s->wide];
    u64 bytes = 0;
    if (__builtin_mul_overflow(at.n, (u64)l->size, &bytes) || bytes > LIST_BYTES_MAX)
        bytes = UINT64_MAX;
    u8 *place = NULL;
    Error *e = abi_check(s, ABI_LIST, at.ptr, bytes, l->align, &place);
    return e ? e : load_elements(s, element, place, u32_of(at.n), ret_val);
}

static Error *load_map(AbiSide *s, const CType *c, AbiSlice at, ComponentVal *ret_val)
{
    MapLayout l = map_layout(s, c);
    u64 bytes = 0;
    if (__builtin_mul_overflow(at.n, (u64)l.size, &bytes) || bytes > LIST_BYTES_MAX)
        bytes = UINT64_MAX;
    u8 *place = NULL;
    Error *e = abi_check(s, ABI_LIST, at.ptr, bytes, l.align, &place);
    if (e)
        return e;
    ComponentVal *items = abi_tree_alloc(s, 2 * at.n, sizeof *items);
    if (!items)
        return abi_tree_full();
    for (u64 i = 0; i < at.n && !e; i++) {
        const u8 *pair = place + i * l.size;
        e = abi_load(s, c->fields[0].type, pair, &items[2 * i]);
        if (!e)
            e = abi_load(s, c->fields[1].type, pair + l.value, &items[2 * i + 1]);
    }
    *ret_val = (ComponentVal){.kind = CT_MAP, .n = u32_of(at.n), .items = items};
    return e;
}

static Error *load_fields(AbiSide *s, const CType *c, const u8 *place, ComponentVal *ret_val)
{
    ComponentVal *items = abi_tree_alloc(s, c->n, sizeof *items);
    if (!items)
        return abi_tree_full();
    Error *e = NULL;
    for (u32 i = 0; i < c->n && !e; i++)
        e = abi_load(s, c->fields[i].type, place + c->fields[i].offset[s->wide], &items[i]);
    *ret_val = (ComponentVal){.kind = c->kind, .n = c->n, .items = items};
    return e;
}

/* The case's number was read; its payload, if it has one, is yet to be. */
static Error *start_case(AbiSide *s, const CType *c, u32 number, ComponentVal *ret_val)
{
    if (number >= c->n)
        return abi_bad_discriminant(s, number, c->n);
    *ret_val = (ComponentVal){.kind = c->kind, .n = number};
    if (c->kind == CT_ENUM || c->fields[number].type == CTYPE_NONE)
        return NULL;
    ret_val->payload = abi_tree_alloc(s, 1, sizeof *ret_val->payload);
    return ret_val->payload ? NULL : abi_tree_full();
}

static u32 load_small(const u8 *place, u32 size)
{
    u32 v = 0;
    memcpy(&v, place, size);
    return v;
}

static Error *load_case(AbiSide *s, const CType *c, const u8 *place, ComponentVal *ret_val)
{
    Error *e = start_case(s, c, load_small(place, c->tag_size), ret_val);
    if (e || !ret_val->payload)
        return e;
    return abi_load(s, c->fields[ret_val->n].type, place + c->payload_offset[s->wide],
                    ret_val->payload);
}

static u64 flags_mask(const CType *c)
{
    return c->n >= 64 ? UINT64_MAX : ((u64)1 << c->n) - 1;
}

static AbiSlice load_slice(const AbiSide *s, const u8 *place)
{
    return (AbiSlice){abi_load_ptr(s, place), abi_load_ptr(s, place + (s->wide ? 8 : 4))};
}

Error *abi_load(AbiSide *s, CTypeId type, const u8 *place, ComponentVal *ret_val)
{
    const CType *c = ctype_get(s->types, type);
    CTypeKind kind = (CTypeKind)c->kind;
    switch (kind) {
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
    case CT_CHAR: {
        u64 bits = 0;
        memcpy(&bits, place, val_flat_size(kind));
        return lift_scalar(s, kind, bits, ret_val);
    }
    case CT_STRING:
        return abi_load_string(s, load_slice(s, place), ret_val);
    case CT_LIST:
        return load_list(s, c->fields[0].type, load_slice(s, place), ret_val);
    case CT_FIXED_LIST:
        return load_elements(s, c->fields[0].type, place, c->length, ret_val);
    case CT_MAP:
        return load_map(s, c, load_slice(s, place), ret_val);
    case CT_RECORD:
    case CT_TUPLE:
        return load_fields(s, c, place, ret_val);
    case CT_VARIANT:
    case CT_ENUM:
    case CT_OPTION:
    case CT_RESULT:
        return load_case(s, c, place, ret_val);
    case CT_FLAGS:
        *ret_val = (ComponentVal){.kind = CT_FLAGS};
        ret_val->bits = load_small(place, c->layout[0].size) & flags_mask(c);
        return NULL;
    case CT_OWN:
    case CT_BORROW:
        return lift_handle(s, c, load_u32(place), ret_val);
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

static Error *lift_fields(AbiSide *s, const CType *c, FlatReader *r, ComponentVal *ret_val)
{
    bool fixed = c->kind == CT_FIXED_LIST;
    u32 n = fixed ? c->length : c->n;
    ComponentVal *items = abi_tree_alloc(s, n, sizeof *items);
    if (!items)
        return abi_tree_full();
    Error *e = NULL;
    for (u32 i = 0; i < n && !e; i++)
        e = abi_lift_flat(s, c->fields[fixed ? 0 : i].type, r, &items[i]);
    *ret_val = (ComponentVal){.kind = fixed ? CT_LIST : c->kind, .n = n, .items = items};
    return e;
}

static Error *lift_case(AbiSide *s, const CType *c, FlatReader *r, ComponentVal *ret_val)
{
    u32 start = r->i;
    Error *e = start_case(s, c, (u32)r->p[r->i++], ret_val);
    if (!e && ret_val->payload)
        e = abi_lift_flat(s, c->fields[ret_val->n].type, r, ret_val->payload);
    r->i = start + c->layout[s->wide].nflat;
    return e;
}

static AbiSlice read_slice(const AbiSide *s, FlatReader *r)
{
    u64 mask = s->wide ? UINT64_MAX : UINT32_MAX;
    AbiSlice at = {r->p[r->i] & mask, r->p[r->i + 1] & mask};
    r->i += 2;
    return at;
}

Error *abi_lift_flat(AbiSide *s, CTypeId type, FlatReader *r, ComponentVal *ret_val)
{
    const CType *c = ctype_get(s->types, type);
    CTypeKind kind = (CTypeKind)c->kind;
    switch (kind) {
    case CT_BOOL:
        *ret_val = (ComponentVal){.kind = CT_BOOL, .bits = (u32)r->p[r->i++] != 0};
        return NULL;
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
        return lift_scalar(s, kind, r->p[r->i++], ret_val);
    case CT_STRING:
        return abi_load_string(s, read_slice(s, r), ret_val);
    case CT_LIST:
        return load_list(s, c->fields[0].type, read_slice(s, r), ret_val);
    case CT_MAP:
        return load_map(s, c, read_slice(s, r), ret_val);
    case CT_RECORD:
    case CT_TUPLE:
    case CT_FIXED_LIST:
        return lift_fields(s, c, r, ret_val);
    case CT_VARIANT:
    case CT_ENUM:
    case CT_OPTION:
    case CT_RESULT:
        return lift_case(s, c, r, ret_val);
    case CT_FLAGS:
        *ret_val = (ComponentVal){.kind = CT_FLAGS, .bits = r->p[r->i++] & flags_mask(c)};
        return NULL;
    case CT_OWN:
    case CT_BORROW:
        return lift_handle(s, c, (u32)r->p[r->i++], ret_val);
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
