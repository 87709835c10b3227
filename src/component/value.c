/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Values as trees. */
#include "component/value.h"

#include "base/utf8.h"

static const u8 flat_sizes[CT_RECORD] = {
    [CT_BOOL] = 1, [CT_S8] = 1,  [CT_U8] = 1,  [CT_S16] = 2, [CT_U16] = 2, [CT_S32] = 4,
    [CT_U32] = 4,  [CT_S64] = 8, [CT_U64] = 8, [CT_F32] = 4, [CT_F64] = 8, [CT_CHAR] = 4,
};

u32 val_flat_size(CTypeKind element)
{
    return element < CT_RECORD ? flat_sizes[element] : 0;
}

ComponentVal val_scalar(CTypeKind kind, const u8 *p)
{
    ComponentVal v = {.kind = (u8)kind};
    u32 size = val_flat_size(kind);
    memcpy(&v.bits, p, size);
    if (kind == CT_S8 || kind == CT_S16 || kind == CT_S32) {
        u32 unused = 64 - size * 8;
        v.bits = (u64)((i64)(v.bits << unused) >> unused);
    }
    return v;
}

ComponentVal val_item(const ComponentVal *list, CTypeKind element, u32 i)
{
    if (!list->flat)
        return list->items[i];
    return val_scalar(element, list->bytes + (usize)i * val_flat_size(element));
}

ComponentVal val_string(Str utf8)
{
    return (ComponentVal){
        .kind = CT_STRING, .form = TEXT_UTF8, .n = u32_of(utf8.n), .bytes = (const u8 *)utf8.p};
}

/* The code point at unit i of UTF-16 text, which is valid; *ret_units it takes. */
static u32 utf16_at(const u8 *p, u32 i, u32 *ret_units)
{
    u32 c = load_u16(p + (usize)2 * i);
    *ret_units = 1;
    if (c < 0xd800 || c > 0xdfff)
        return c;
    *ret_units = 2;
    return 0x10000 + ((c - 0xd800) << 10) + (load_u16(p + (usize)2 * i + 2) - 0xdc00u);
}

Str val_text(const ComponentVal *s, Arena *arena)
{
    if (s->form == TEXT_UTF8)
        return (Str){(const char *)s->bytes, s->n};
    Buf out = {0};
    for (u32 i = 0, units = 1; i < s->n; i += units)
        utf8_put(&out, s->form == TEXT_LATIN1 ? s->bytes[i] : utf16_at(s->bytes, i, &units));
    Str text = {arena_dup(arena, out.p, out.n), out.n};
    buf_release(&out);
    return text;
}

/* --- equality --- */

static bool is_nan(CTypeKind kind, u64 bits)
{
    return kind == CT_F32 ? (bits & 0x7fffffff) > 0x7f800000
                          : (bits & INT64_MAX) > 0x7ff0000000000000;
}

static bool strings_equal(const ComponentVal *a, const ComponentVal *b)
{
    Arena arena;
    arena_init(&arena);
    bool same = str_eq(val_text(a, &arena), val_text(b, &arena));
    arena_release(&arena);
    return same;
}

static bool lists_equal(const ComponentTypes *t, CTypeId element, const ComponentVal *a,
                        const ComponentVal *b)
{
    CTypeKind kind = (CTypeKind)ctype_get(t, element)->kind;
    if (a->n != b->n)
        return false;
    for (u32 i = 0; i < a->n; i++) {
        ComponentVal x = val_item(a, kind, i), y = val_item(b, kind, i);
        if (!val_equal(t, element, &x, &y))
            return false;
    }
    return true;
}

static bool fields_equal(const ComponentTypes *t, const CType *c, const ComponentVal *a,
                         const ComponentVal *b)
{
    for (u32 i = 0; i < c->n; i++)
        if (!val_equal(t, c->fields[i].type, &a->items[i], &b->items[i]))
            return false;
    return true;
}

static bool maps_equal(const ComponentTypes *t, const CType *c, const ComponentVal *a,
                       const ComponentVal *b)
{
    if (a->n != b->n)
        return false;
    for (u32 i = 0; i < 2 * a->n; i++)
        if (!val_equal(t, c->fields[i % 2].type, &a->items[i], &b->items[i]))
            return false;
    return true;
}

static bool cases_equal(const ComponentTypes *t, const CType *c, const ComponentVal *a,
                        const ComponentVal *b)
{
    return a->n == b->n &&
           (!a->payload || val_equal(t, c->fields[a->n].type, a->payload, b->payload));
}

bool val_equal(const ComponentTypes *t, CTypeId type, const ComponentVal *a, const ComponentVal *b)
{
    const CType *c = ctype_get(t, type);
    CTypeKind kind = (CTypeKind)c->kind;
    switch (kind) {
    case CT_F32:
    case CT_F64:
        return a->bits == b->bits || (is_nan(kind, a->bits) && is_nan(kind, b->bits));
    case CT_STRING:
        return strings_equal(a, b);
    case CT_LIST:
    case CT_FIXED_LIST:
        return lists_equal(t, c->fields[0].type, a, b);
    case CT_MAP:
        return maps_equal(t, c, a, b);
    case CT_RECORD:
    case CT_TUPLE:
        return fields_equal(t, c, a, b);
    case CT_VARIANT:
    case CT_ENUM:
    case CT_OPTION:
    case CT_RESULT:
        return cases_equal(t, c, a, b);
    case CT_OWN:
    case CT_BORROW:
        return a->resource == b->resource && a->rep == b->rep;
    case CT_BOOL:
    case CT_S8:
    case CT_U8:
    case CT_S16:
    case CT_U16:
    case CT_S32:
    case CT_U32:
    case CT_S64:
    case CT_U64:
    case CT_CHAR:
    case CT_FLAGS:
        return a->bits == b->bits;
    case CT_ERROR_CONTEXT:
    case CT_STREAM:
    case CT_FUTURE:
    case CT_RESOURCE:
    case CT_FUNC:
    case CT_INSTANCE:
    case CT_COMPONENT:
    case CT_KIND_COUNT:
        break;
    }
    return false;
}
