/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The bindings generator: hashes of the types of functions, see wit/type_hash.h. */
#include "wit/type_hash.h"

#include "wit/component.h"
#include "witgen.h"

static u64 hash_type(const Gen *g, WitId id, u64 h);

static CTypeKind kind_of(WitKind kind)
{
    static const CTypeKind kinds[] = {
        [WIT_BOOL] = CT_BOOL,
        [WIT_U8] = CT_U8,
        [WIT_U16] = CT_U16,
        [WIT_U32] = CT_U32,
        [WIT_U64] = CT_U64,
        [WIT_S8] = CT_S8,
        [WIT_S16] = CT_S16,
        [WIT_S32] = CT_S32,
        [WIT_S64] = CT_S64,
        [WIT_F32] = CT_F32,
        [WIT_F64] = CT_F64,
        [WIT_CHAR] = CT_CHAR,
        [WIT_STRING] = CT_STRING,
        [WIT_ERROR_CONTEXT] = CT_ERROR_CONTEXT,
        [WIT_RECORD] = CT_RECORD,
        [WIT_VARIANT] = CT_VARIANT,
        [WIT_ENUM] = CT_ENUM,
        [WIT_FLAGS] = CT_FLAGS,
        [WIT_RESOURCE] = CT_RESOURCE,
        [WIT_ALIAS] = CT_KIND_COUNT, /* never asked for */
        [WIT_TUPLE] = CT_TUPLE,
        [WIT_LIST] = CT_LIST,
        [WIT_FIXED_LIST] = CT_FIXED_LIST,
        [WIT_MAP] = CT_MAP,
        [WIT_OPTION] = CT_OPTION,
        [WIT_RESULT] = CT_RESULT,
        [WIT_OWN] = CT_OWN,
        [WIT_BORROW] = CT_BORROW,
        [WIT_STREAM] = CT_STREAM,
        [WIT_FUTURE] = CT_FUTURE,
    };
    return kinds[kind];
}

static u64 hash_resource(const Gen *g, WitId handle, u64 h)
{
    const WitType *r = &g->m->types[wit_unalias(g->m, g->m->types[handle].elem)];
    return type_hash_str(type_hash_str(h, g->m->interfaces[r->owner.id].full), r->name);
}

static u64 hash_fields(const Gen *g, const WitField *fields, u32 n, bool named, u64 h)
{
    h = type_hash_num(h, n);
    for (u32 i = 0; i < n; i++)
        h = hash_type(g, fields[i].type, type_hash_str(h, named ? fields[i].name : STR("")));
    return h;
}

/* Types are no deeper than the resolver allows. */
static u64 hash_type(const Gen *g, WitId id, u64 h)
{
    if (id == WIT_NONE)
        return type_hash_num(h, TYPE_HASH_NONE);
    id = wit_unalias(g->m, id);
    const WitType *t = &g->m->types[id];
    h = type_hash_num(h, kind_of(t->kind));
    switch (t->kind) {
    case WIT_OWN:
    case WIT_BORROW:
        return hash_resource(g, id, h);
    case WIT_RECORD:
    case WIT_VARIANT:
    case WIT_FLAGS:
    case WIT_ENUM:
    case WIT_TUPLE:
        return hash_fields(g, t->fields, t->nfields, t->kind != WIT_TUPLE, h);
    case WIT_RESULT:
    case WIT_MAP:
        return hash_type(g, t->second, hash_type(g, t->elem, h));
    case WIT_FIXED_LIST:
        return type_hash_num(hash_type(g, t->elem, h), t->length);
    case WIT_LIST:
    case WIT_OPTION:
    case WIT_STREAM:
    case WIT_FUTURE:
        return hash_type(g, t->elem, h);
    default:
        return h; /* a word is all there is */
    }
}

u64 gen_type_hash(const Gen *g, const WitFunc *f)
{
    u64 h = type_hash_num(type_hash_num(0, CT_FUNC), f->is_async);
    return hash_type(g, f->result, hash_fields(g, f->params, f->nparams, true, h));
}
