/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The type section. A recursive group is read whole, made canonical, and then its declarations of
 * supertypes are checked on the canonical types.
 */
#include "wasm/decode.h"

enum {
    TYPE_REC = 0x4e,
    TYPE_SUB_FINAL = 0x4f,
    TYPE_SUB = 0x50,
    TYPE_CONT = 0x5d,
    TYPE_ARRAY = 0x5e,
    TYPE_STRUCT = 0x5f,
    TYPE_FUNC = 0x60,
    TYPE_I16 = 0x77,
    TYPE_I8 = 0x78,
};

/* The arrays of a group's types, until the registry has made its own copies. */
typedef struct GroupReader {
    Decoder *d;
    Arena arena;
} GroupReader;

static const ValType *read_types(GroupReader *g, u32 limit, const char *what, u32 *ret_n)
{
    Reader *r = &g->d->r;
    *ret_n = read_count(r, limit, what);
    ValType *p = arena_array(&g->arena, ValType, *ret_n);
    for (u32 i = 0; i < *ret_n && read_ok(r); i++)
        p[i] = read_val_type(r);
    return p;
}

static void read_func_type(GroupReader *g, FuncType *ret_type)
{
    Reader *r = &g->d->r;
    ret_type->params = read_types(g, LIMIT_PARAMS, "parameters", &ret_type->nparams);
    const u8 *at = r->at;
    ret_type->results = read_types(g, LIMIT_RESULTS, "results", &ret_type->nresults);
    if (ret_type->nresults > 1)
        read_need(r, FEATURE_BIT_MULTI_VALUE, at, "invalid result arity: several results");
}

static FieldType read_field(Reader *r)
{
    FieldType f = {.type = VT_I32};
    if (r->at < r->end && (*r->at == TYPE_I8 || *r->at == TYPE_I16))
        f.storage = *r->at++ == TYPE_I8 ? STORAGE_I8 : STORAGE_I16;
    else
        f.type = read_val_type(r);
    const u8 *at = r->at;
    u8 mut = read_u8(r);
    if (mut > 1)
        read_fail(r, DIAG_MALFORMED, at, "malformed mutability 0x%02x", mut);
    f.mut = mut;
    return f;
}

static void read_fields(GroupReader *g, u32 n, SubType *t)
{
    FieldType *fields = arena_array(&g->arena, FieldType, n);
    for (u32 i = 0; i < n && read_ok(&g->d->r); i++)
        fields[i] = read_field(&g->d->r);
    t->nfields = n;
    t->fields = fields;
}

static u32 relative_or_canonical(const WasmModule *m, u32 index)
{
    return index < m->ntypes ? m->types[index] : (index - m->ntypes) | TYPE_REL;
}

static void read_composite(GroupReader *g, u8 code, const u8 *at, SubType *t)
{
    Reader *r = &g->d->r;
    switch (code) {
    case TYPE_FUNC:
        t->kind = COMPOSITE_FUNC;
        read_func_type(g, &t->func);
        break;
    case TYPE_STRUCT:
        t->kind = COMPOSITE_STRUCT;
        read_need(r, FEATURE_BIT_GC, at, "struct type");
        read_fields(g, read_count(r, LIMIT_STRUCT_FIELDS, "fields"), t);
        break;
    case TYPE_ARRAY:
        t->kind = COMPOSITE_ARRAY;
        read_need(r, FEATURE_BIT_GC, at, "array type");
        read_fields(g, 1, t);
        break;
    case TYPE_CONT:
        t->kind = COMPOSITE_CONT;
        read_need(r, FEATURE_BIT_STACK_SWITCHING, at, "continuation type");
        t->cont = relative_or_canonical(g->d->m, read_type_index(r));
        break;
    default:
        read_fail(r, DIAG_MALFORMED, at, "malformed definition type 0x%02x", code);
    }
}

/* The supertype of the group's type number `place`: an earlier type. */
static void read_super(GroupReader *g, SubType *types, u32 place)
{
    Reader *r = &g->d->r;
    const WasmModule *m = g->d->m;
    const u8 *at = r->at;
    u32 n = read_u32(r);
    if (n > 1) {
        read_fail(r, DIAG_MALFORMED, at, "sub type with %u supertypes: one is the most", n);
        return;
    }
    if (n == 0)
        return;
    at = r->at;
    u32 index = read_u32(r);
    if (!read_ok(r))
        return;
    if (index >= m->ntypes + place) {
        read_fail(r, DIAG_INVALID, at, "unknown type %u: a supertype must be declared before",
                  index);
        return;
    }
    if (index < m->ntypes && m->types[index] == TYPE_NONE) {
        read_fail(r, DIAG_INVALID, at, "type index %u is a module type, not a sub type", index);
        return;
    }
    SubType *t = &types[place];
    t->super = relative_or_canonical(m, index);
    u32 above = t->super & TYPE_REL ? types[index - m->ntypes].depth
                                    : types_get(m->registry, t->super)->depth;
    if (above + 1 > LIMIT_SUBTYPE_DEPTH)
        read_fail(r, DIAG_LIMIT, at,
                  "sub type hierarchy too deep: found depth %u, cannot exceed depth %u", above + 1,
                  LIMIT_SUBTYPE_DEPTH);
    t->depth = (u8)(above + 1);
}

static void read_sub_type(GroupReader *g, SubType *types, u32 place)
{
    Reader *r = &g->d->r;
    SubType *t = &types[place];
    t->super = TYPE_NONE;
    t->final = true;
    const u8 *at = r->at;
    u8 code = read_u8(r);
    if (code == TYPE_SUB || code == TYPE_SUB_FINAL) {
        read_need(r, FEATURE_BIT_GC, at, "sub type");
        t->final = code == TYPE_SUB_FINAL;
        read_super(g, types, place);
        at = r->at;
        code = read_u8(r);
    }
    if (read_ok(r))
        read_composite(g, code, at, t);
}

/* ---- declared supertypes ---- */

static bool func_matches(const TypeRegistry *r, const FuncType *a, const FuncType *b)
{
    if (a->nparams != b->nparams || a->nresults != b->nresults)
        return false;
    for (u32 i = 0; i < a->nparams; i++)
        if (!valtype_is_subtype(r, b->params[i], a->params[i]))
            return false;
    for (u32 i = 0; i < a->nresults; i++)
        if (!valtype_is_subtype(r, a->results[i], b->results[i]))
            return false;
    return true;
}

static bool field_matches(const TypeRegistry *r, const FieldType *a, const FieldType *b)
{
    if (a->mut != b->mut || a->storage != b->storage)
        return false;
    return a->mut ? a->type == b->type : valtype_is_subtype(r, a->type, b->type);
}

static bool composite_matches(const TypeRegistry *r, const SubType *a, const SubType *b)
{
    if (a->kind != b->kind)
        return false;
    switch ((CompositeKind)a->kind) {
    case COMPOSITE_FUNC:
        return func_matches(r, &a->func, &b->func);
    case COMPOSITE_STRUCT:
    case COMPOSITE_ARRAY:
        if (a->nfields < b->nfields)
            return false;
        for (u32 i = 0; i < b->nfields; i++)
            if (!field_matches(r, &a->fields[i], &b->fields[i]))
                return false;
        return true;
    case COMPOSITE_CONT:
        return types_is_subtype(r, a->cont, b->cont);
    }
    return false;
}

static void check_type(Decoder *d, u32 index, const u8 *at)
{
    const TypeRegistry *registry = d->m->registry;
    const SubType *t = types_get(registry, d->m->types[index]);
    if (t->kind == COMPOSITE_CONT && types_get(registry, t->cont)->kind != COMPOSITE_FUNC) {
        read_fail(&d->r, DIAG_INVALID, at, "non-function type in continuation type %u", index);
        return;
    }
    if (t->super == TYPE_NONE)
        return;
    const SubType *super = types_get(registry, t->super);
    if (super->final)
        read_fail(&d->r, DIAG_INVALID, at, "sub type cannot have a final super type: type %u",
                  index);
    else if (!composite_matches(registry, t, super))
        read_fail(&d->r, DIAG_INVALID, at, "sub type must match super type: type %u", index);
}

/* ---- groups ---- */

static void read_group(GroupReader *g, u32 n, const u8 *at)
{
    Decoder *d = g->d;
    WasmModule *m = d->m;
    SubType *types = arena_array(&g->arena, SubType, n);
    d->r.group = n;
    for (u32 i = 0; i < n && read_ok(&d->r); i++)
        read_sub_type(g, types, i);
    d->r.group = 0;
    if (!read_ok(&d->r) || n == 0)
        return;
    if (!types_add_group(m->registry, types, n, m->types + m->ntypes)) {
        read_fail(&d->r, DIAG_LIMIT, at, "too many types in all modules together");
        return;
    }
    u32 first = m->ntypes;
    m->ntypes += n;
    for (u32 i = first; i < m->ntypes && read_ok(&d->r); i++)
        check_type(d, i, at);
}

/* Room for `n` more types; the vector holds groups, each of which may hold many. */
static void types_reserve(Decoder *d, u32 n, u32 *cap)
{
    WasmModule *m = d->m;
    u32 need = m->ntypes + n;
    if (need <= *cap)
        return;
    u32 grown = MAX(need, *cap * 2);
    u32 *types = arena_array(&m->arena, u32, grown);
    if (m->ntypes)
        memcpy(types, m->types, m->ntypes * sizeof *types);
    m->types = types;
    *cap = grown;
}

static void read_rec_group(GroupReader *g, u32 *cap)
{
    Decoder *d = g->d;
    Reader *r = &d->r;
    const u8 *at = r->at;
    u32 count = 1;
    if (at < r->end && *at == TYPE_REC) {
        r->at++;
        read_need(r, FEATURE_BIT_GC, at, "recursive group");
        count = read_count(r, LIMIT_TYPES, "types in a group");
    }
    if (count > LIMIT_TYPES - d->m->ntypes) {
        read_fail(r, DIAG_LIMIT, at, "too many types: the limit is %u", LIMIT_TYPES);
        return;
    }
    types_reserve(d, count, cap);
    read_group(g, count, at);
}

void decode_type_group(Decoder *d, u32 *cap)
{
    GroupReader g = {.d = d};
    arena_init(&g.arena);
    read_rec_group(&g, cap);
    arena_release(&g.arena);
}

void decode_types(Decoder *d)
{
    GroupReader g = {.d = d};
    arena_init(&g.arena);
    u32 n = read_count(&d->r, LIMIT_TYPES, "types");
    u32 cap = 0;
    types_reserve(d, n, &cap);
    for (u32 i = 0; i < n && read_ok(&d->r); i++) {
        read_rec_group(&g, &cap);
        arena_reset(&g.arena);
    }
    arena_release(&g.arena);
}
