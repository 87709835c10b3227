/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The table of types. Equal types get equal canonical numbers through a map from their structure,
 * in which parts stand as canonical numbers, so nothing is compared deeply. Size, weight and depth
 * of a type are worked out from those of its parts and bounded, so a few bytes cannot stand for a
 * huge type.
 */
#include "wit/component_priv.h"

/* ---- maps ---- */

void int_map_release(IntMap *m)
{
    mem_free(m->keys);
    mem_free(m->values);
    *m = (IntMap){0};
}

static u32 int_map_place(const IntMap *m, u64 key)
{
    u32 mask = m->cap - 1;
    u32 i = (u32)(((key + 1) * 0x9e3779b97f4a7c15u) >> 32) & mask;
    while (m->keys[i] && m->keys[i] != key + 1)
        i = (i + 1) & mask;
    return i;
}

static void int_map_grow(IntMap *m)
{
    IntMap bigger = {.cap = m->cap ? m->cap * 2 : 16, .n = m->n};
    bigger.keys = mem_alloc_array(bigger.cap, sizeof *bigger.keys);
    bigger.values = mem_alloc_array(bigger.cap, sizeof *bigger.values);
    for (u32 i = 0; i < m->cap; i++)
        if (m->keys[i]) {
            u32 to = int_map_place(&bigger, m->keys[i] - 1);
            bigger.keys[to] = m->keys[i];
            bigger.values[to] = m->values[i];
        }
    mem_free(m->keys);
    mem_free(m->values);
    *m = bigger;
}

void int_map_set(IntMap *m, u64 key, u32 value)
{
    if (m->n * 2 >= m->cap)
        int_map_grow(m);
    u32 i = int_map_place(m, key);
    m->n += m->keys[i] == 0;
    m->keys[i] = key + 1;
    m->values[i] = value;
}

bool int_map_get(const IntMap *m, u64 key, u32 *ret_value)
{
    if (m->n == 0)
        return false;
    u32 i = int_map_place(m, key);
    if (!m->keys[i])
        return false;
    *ret_value = m->values[i];
    return true;
}

/* ---- lookups ---- */

const char *ctype_kind_name(CTypeKind k)
{
    static const char *const names[CT_KIND_COUNT] = {"bool",     "s8",
                                                     "u8",       "s16",
                                                     "u16",      "s32",
                                                     "u32",      "s64",
                                                     "u64",      "f32",
                                                     "f64",      "char",
                                                     "string",   "error-context",
                                                     "record",   "variant",
                                                     "list",     "fixed-length list",
                                                     "map",      "tuple",
                                                     "flags",    "enum",
                                                     "option",   "result",
                                                     "own",      "borrow",
                                                     "stream",   "future",
                                                     "resource", "func",
                                                     "instance", "component"};
    return names[k];
}

enum { SMALL = 8 }; /* lists up to this are searched without a map */

const ComponentExtern *ctype_find_export(const CType *t, Str name)
{
    u64 at;
    if (t->export_map)
        return map_get(t->export_map, name, &at) ? &t->exports[at] : NULL;
    for (u32 i = 0; i < t->nexports; i++)
        if (str_eq(t->exports[i].name.text, name))
            return &t->exports[i];
    return NULL;
}

void instance_index(CDecoder *d, CType *t)
{
    if (t->nexports <= SMALL)
        return;
    t->export_map = arena_new(arena(d), Map);
    for (u32 i = 0; i < t->nexports; i++)
        map_add(t->export_map, t->exports[i].name.text, i);
    vec_push(&d->root->maps, t->export_map);
}

const CoreNamed *core_find_export(const CoreModuleType *t, Str name)
{
    u64 at;
    if (t->nexports > SMALL)
        return map_get(&t->export_map, name, &at) ? &t->exports[at] : NULL;
    for (u32 i = 0; i < t->nexports; i++)
        if (str_eq(t->exports[i].name, name))
            return &t->exports[i];
    return NULL;
}

void core_index(CDecoder *d, CoreModuleType *t)
{
    if (t->nexports > SMALL) {
        for (u32 i = 0; i < t->nexports; i++)
            map_add(&t->export_map, t->exports[i].name, i);
        vec_push(&d->root->maps, &t->export_map);
    }
}

/* ---- canonical numbers ---- */

static void key_u32(Buf *b, u32 v)
{
    buf_bytes(b, &v, sizeof v);
}

static u32 canon_of(const CDecoder *d, CTypeId id)
{
    return id == CTYPE_NONE ? CTYPE_NONE : node(d, id)->canon;
}

static u32 canon_number(CDecoder *d, const CType *t, CTypeId id)
{
    if (t->kind == CT_INSTANCE || t->kind == CT_COMPONENT)
        return id;
    Buf key = {0};
    buf_u8(&key, t->kind);
    buf_u8(&key, t->is_async);
    key_u32(&key, t->n);
    key_u32(&key, t->length);
    key_u32(&key, t->resource);
    key_u32(&key, t->kind == CT_FUNC ? canon_of(d, t->result) : 0);
    for (u32 i = 0; i < t->n; i++) {
        key_u32(&key, canon_of(d, t->fields[i].type));
        key_u32(&key, (u32)t->fields[i].name.n);
        buf_str(&key, t->fields[i].name);
    }
    u64 found = id;
    if (!map_get(&d->canons, (Str){(char *)key.p, key.n}, &found)) {
        Str own = {arena_dup(arena(d), key.p, key.n), key.n};
        map_add(&d->canons, own, id);
    }
    buf_release(&key);
    return (u32)found;
}

/* ---- facts ---- */

static void add_part(CDecoder *d, CType *t, CTypeId id)
{
    if (id == CTYPE_NONE)
        return;
    const CType *p = node(d, id);
    t->has_borrow |= p->has_borrow;
    t->has_pointers |= p->has_pointers;
    t->depth = MAX(t->depth, p->depth + 1);
    t->weight = MIN(t->weight + p->weight, (u32)LIMIT_TYPE_WEIGHT + 1);
    t->least_resource = MIN(t->least_resource, p->least_resource);
}

static void add_externs(CDecoder *d, CType *t, const ComponentExtern *e, u32 n)
{
    for (u32 i = 0; i < n; i++)
        if (e[i].sort == SORT_CORE_MODULE)
            t->weight = MIN(t->weight + 1 + e[i].module->nimports + e[i].module->nexports,
                            (u32)LIMIT_TYPE_WEIGHT + 1);
        else
            add_part(d, t, e[i].type);
}

static void work_out_facts(CDecoder *d, CType *t)
{
    t->weight = 1;
    t->depth = 1;
    t->has_borrow = t->kind == CT_BORROW;
    t->has_pointers = t->kind == CT_STRING || t->kind == CT_LIST || t->kind == CT_MAP;
    bool leaf = t->kind == CT_RESOURCE || t->kind == CT_OWN || t->kind == CT_BORROW;
    t->least_resource = leaf ? t->resource : UINT32_MAX;
    for (u32 i = 0; i < t->n; i++)
        add_part(d, t, t->fields[i].type);
    if (t->kind == CT_FUNC)
        add_part(d, t, t->result);
    add_externs(d, t, t->imports, t->nimports);
    add_externs(d, t, t->exports, t->nexports);
    /* What goes through a stream is no part of the value. */
    if (t->kind == CT_STREAM || t->kind == CT_FUTURE)
        t->has_pointers = false;
    if (t->weight > LIMIT_TYPE_WEIGHT)
        read_fail(rd(d), DIAG_LIMIT, d->at, "effective type size exceeds the limit of %u",
                  LIMIT_TYPE_WEIGHT);
    else if (t->depth > LIMIT_TYPE_DEPTH)
        read_fail(rd(d), DIAG_LIMIT, d->at, "type nesting is too deep: the limit is %u",
                  LIMIT_TYPE_DEPTH);
}

/* ---- nodes ---- */

static CTypeId table_push(CDecoder *d, CType *t)
{
    ComponentTypes *types = &d->root->types;
    if (types->n == d->types_cap) {
        u32 cap = d->types_cap ? d->types_cap * 2 : 256;
        types->p = mem_realloc(types->p, types->n * sizeof *types->p, cap * sizeof *types->p);
        d->types_cap = cap;
    }
    types->p[types->n] = t;
    return types->n++;
}

CType *ctype_new(CDecoder *d, CTypeKind kind, u32 nfields)
{
    CType *t = arena_new(arena(d), CType);
    t->kind = (u8)kind;
    t->n = nfields;
    t->fields = arena_array(arena(d), CField, nfields);
    t->result = t->handle = t->origin = CTYPE_NONE;
    return t;
}

CTypeId ctype_add(CDecoder *d, CType *t)
{
    if (d->root->types.n >= LIMIT_TYPE_NODES)
        read_fail(rd(d), DIAG_LIMIT, d->at, "too many types in the component: the limit is %u",
                  LIMIT_TYPE_NODES);
    if (!ok(d))
        return CT_BOOL;
    work_out_facts(d, t);
    if (t->kind < CT_VALUES)
        ctype_layout(d, t);
    if (!ok(d))
        return CT_BOOL;
    CTypeId id = d->root->types.n;
    t->canon = canon_number(d, t, id);
    return table_push(d, t);
}

CTypeId ctype_copy(CDecoder *d, CTypeId id)
{
    if (d->root->types.n >= LIMIT_TYPE_NODES) {
        read_fail(rd(d), DIAG_LIMIT, d->at, "too many types in the component: the limit is %u",
                  LIMIT_TYPE_NODES);
        return id;
    }
    CType *copy = arena_dup(arena(d), node(d, id), sizeof(CType));
    copy->origin = id;
    return table_push(d, copy);
}

u32 resource_new(CDecoder *d, CResource r)
{
    ComponentTypes *types = &d->root->types;
    if (types->nresources == d->resources_cap) {
        u32 cap = d->resources_cap ? d->resources_cap * 2 : 16;
        types->resources = mem_realloc(types->resources, types->nresources * sizeof(CResource),
                                       cap * sizeof(CResource));
        d->resources_cap = cap;
    }
    types->resources[types->nresources] = r;
    return types->nresources++;
}

CTypeId resource_node(CDecoder *d, u32 resource)
{
    CType *t = ctype_new(d, CT_RESOURCE, 0);
    t->resource = resource;
    return ctype_add(d, t);
}

void ctypes_init(CDecoder *d)
{
    for (u32 k = 0; k < CT_PRIMITIVES; k++) {
        CTypeId id = ctype_add(d, ctype_new(d, (CTypeKind)k, 0));
        ALWAYS(id == k);
    }
}
