/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Hashes of the types of a component: see wit/type_hash.h. */
#include "wit/type_hash.h"

#include "component/instance_priv.h"

static u64 hash_type(const TypeHash *k, CTypeId id, u64 h);

static u64 hash_fields(const TypeHash *k, const CType *c, u64 h)
{
    h = type_hash_num(h, c->n);
    for (u32 i = 0; i < c->n; i++)
        h = hash_type(k, c->fields[i].type, type_hash_str(h, c->fields[i].name));
    return h;
}

static u64 hash_resource(const TypeHash *k, u32 number, u64 h)
{
    const LiftResource *r = k->resource(k->arg, number);
    if (!r)
        return type_hash_num(h, TYPE_HASH_NONE);
    return type_hash_str(type_hash_str(h, str_of(r->interface)), str_of(r->name));
}

/* The depth and the weight of types are bounded, and so is this. */
static u64 hash_type(const TypeHash *k, CTypeId id, u64 h)
{
    if (id == CTYPE_NONE)
        return type_hash_num(h, TYPE_HASH_NONE);
    const CType *c = ctype_get(k->types, id);
    CTypeKind kind = (CTypeKind)c->kind;
    h = type_hash_num(h, kind);
    if (c->kind < CT_PRIMITIVES)
        return h;
    if (kind == CT_OWN || kind == CT_BORROW)
        return hash_resource(k, c->resource, h);
    if (kind == CT_FUNC)
        return hash_type(k, c->result, hash_fields(k, c, type_hash_num(h, c->is_async)));
    if (kind == CT_RECORD || kind == CT_VARIANT || kind == CT_FLAGS || kind == CT_ENUM ||
        kind == CT_TUPLE)
        return hash_fields(k, c, h);
    for (u32 i = kind == CT_OPTION; i < c->n; i++)
        h = hash_type(k, c->fields[i].type, h);
    return kind == CT_FIXED_LIST ? type_hash_num(h, c->length) : h;
}

u64 type_hash(const TypeHash *k, CTypeId type)
{
    return hash_type(k, type, 0);
}
