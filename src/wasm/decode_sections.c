/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The sections between types and code: each is decoded and validated in one go. */
#include "wasm/decode.h"

/* ---- shared pieces ---- */

/* A copy of the first `n` elements with zeroed room for `more`. */
static void *array_extend(Arena *a, const void *old, u32 n, u32 more, usize size)
{
    u8 *p = arena_alloc_array(a, (usize)n + more, size);
    if (n)
        memcpy(p, old, n * size);
    return p;
}

#define EXTEND(d, array, n, more)                                                                  \
    ((array) = array_extend(&(d)->m->arena, (array), (n), (more), sizeof *(array)))

/* The count of a section that adds to an index space of `have` items. */
static u32 read_space(Decoder *d, u32 have, u32 limit, const char *what)
{
    const u8 *at = d->r.at;
    u32 n = read_count(&d->r, limit, what);
    if (n > limit - have) {
        read_fail(&d->r, DIAG_LIMIT, at, "too many %s: the limit is %u", what, limit);
        return 0;
    }
    return n;
}

bool decode_index(Decoder *d, ExternKind kind, u32 index, const u8 *at)
{
    static const char *const names[] = {"function", "table", "memory", "global", "tag"};
    const WasmModule *m = d->m;
    const u32 counts[] = {m->nfuncs, m->ntables, m->nmemories, m->nglobals, m->ntags};
    if (!read_ok(&d->r))
        return false;
    if (index < counts[kind])
        return true;
    read_fail(&d->r, DIAG_INVALID, at, "unknown %s %u", names[kind], index);
    return false;
}

u8 *decode_escapes(Decoder *d)
{
    WasmModule *m = d->m;
    if (!m->escapes)
        m->escapes = arena_array(&m->arena, u8, m->nfuncs);
    return m->escapes;
}

static Range const_expr(Decoder *d, ValType want)
{
    return validate_const_expr(d->v, &d->r, want, d->m->nglobals, decode_escapes(d));
}

/* ---- types of imports and definitions ---- */

u32 decode_func_type_index(Decoder *d)
{
    const u8 *at = d->r.at;
    u32 index = read_type_index(&d->r);
    if (!read_ok(&d->r))
        return 0;
    u32 id = d->m->types[index];
    if (types_get(d->m->registry, id)->kind != COMPOSITE_FUNC)
        read_fail(&d->r, DIAG_INVALID, at, "type mismatch: type %u is not a function type", index);
    return id;
}

enum { LIMITS_MAX = 1, LIMITS_SHARED = 2, LIMITS_64 = 4, LIMITS_PAGE_SIZE = 8 };

/* Flags, minimum and maximum; flags outside `allowed` are an error. */
static u8 read_limits(Decoder *d, u8 allowed, Limits *ret_limits)
{
    Reader *r = &d->r;
    const u8 *at = r->at;
    u8 flags = read_u8(r);
    if (flags & ~allowed)
        read_fail(r, DIAG_MALFORMED, at, "malformed limits flags 0x%02x", flags);
    if (flags & LIMITS_64)
        read_need(r, FEATURE_BIT_MEMORY64, at, "64-bit addresses");
    ret_limits->min = read_u64(r);
    ret_limits->has_max = flags & LIMITS_MAX;
    ret_limits->max = ret_limits->has_max ? read_u64(r) : 0;
    return read_ok(r) ? flags : 0;
}

static void check_min_max(Decoder *d, const Limits *l, const u8 *at)
{
    if (l->has_max && l->min > l->max)
        read_fail(&d->r, DIAG_INVALID, at, "size minimum must not be greater than maximum");
}

TableType decode_table_type(Decoder *d)
{
    TableType t = {.elem = read_ref_type(&d->r)};
    const u8 *at = d->r.at;
    t.is64 = read_limits(d, LIMITS_MAX | LIMITS_64, &t.limits) & LIMITS_64;
    check_min_max(d, &t.limits, at);
    u64 most = t.limits.has_max ? t.limits.max : t.limits.min;
    if (!t.is64 && most > UINT32_MAX)
        read_fail(&d->r, DIAG_INVALID, at, "table size must be at most 2^32-1");
    return t;
}

static u8 read_page_size(Decoder *d)
{
    const u8 *at = d->r.at;
    u32 log2 = read_u32(&d->r);
    if (log2 == 0 || log2 == 16)
        return (u8)log2;
    read_fail(&d->r, log2 < 64 ? DIAG_INVALID : DIAG_MALFORMED, at,
              "invalid custom page size: 2^%u, must be 1 or 65536", log2);
    return 16;
}

/* The most pages that the addresses reach. */
static u64 max_pages(const MemoryType *t)
{
    if (t->page_size_log2 == 0)
        return t->is64 ? UINT64_MAX : UINT32_MAX;
    return 1ull << ((t->is64 ? 64 : 32) - t->page_size_log2);
}

MemoryType decode_memory_type(Decoder *d)
{
    MemoryType t = {.page_size_log2 = 16};
    const u8 *at = d->r.at;
    u8 flags = read_limits(d, LIMITS_MAX | LIMITS_SHARED | LIMITS_64 | LIMITS_PAGE_SIZE, &t.limits);
    t.is64 = flags & LIMITS_64;
    t.shared = flags & LIMITS_SHARED;
    if (flags & LIMITS_PAGE_SIZE) {
        read_need(&d->r, FEATURE_BIT_CUSTOM_PAGE_SIZES, at, "page size");
        t.page_size_log2 = read_page_size(d);
    }
    if (t.shared)
        read_need(&d->r, FEATURE_BIT_THREADS, at, "shared memory");
    if (t.shared && !t.limits.has_max)
        read_fail(&d->r, DIAG_INVALID, at, "shared memory must have maximum");
    check_min_max(d, &t.limits, at);
    u64 most = t.limits.has_max ? t.limits.max : t.limits.min;
    if (most > max_pages(&t))
        read_fail(&d->r, DIAG_INVALID, at, "memory size must be at most %llu pages%s",
                  (unsigned long long)max_pages(&t),
                  t.is64 || t.page_size_log2 == 0 ? "" : " (4GiB)");
    return t;
}

GlobalType decode_global_type(Decoder *d)
{
    GlobalType t = {.type = read_val_type(&d->r)};
    const u8 *at = d->r.at;
    u8 mut = read_u8(&d->r);
    if (mut > 1)
        read_fail(&d->r, DIAG_MALFORMED, at, "malformed mutability 0x%02x", mut);
    t.mut = mut;
    return t;
}

u32 decode_tag_type(Decoder *d)
{
    const u8 *at = d->r.at;
    read_need(&d->r, FEATURE_BIT_EXCEPTIONS, at, "tag");
    u8 attribute = read_u8(&d->r);
    if (attribute != 0)
        read_fail(&d->r, DIAG_MALFORMED, at, "malformed tag attribute 0x%02x", attribute);
    u32 id = decode_func_type_index(d);
    if (read_ok(&d->r) && types_func_type(d->m->registry, id)->nresults != 0 &&
        !(d->m->features & FEATURE_MASK(STACK_SWITCHING)))
        read_fail(&d->r, DIAG_INVALID, at, "non-empty tag result type");
    return id;
}

/* ---- imports ---- */

/* The index spaces while their sizes are not known yet. */
typedef struct Imported {
    VEC(Func) funcs;
    VEC(Table) tables;
    VEC(MemoryType) memories;
    VEC(Global) globals;
    VEC(u32) tags;
} Imported;

static u32 read_import_type(Decoder *d, Imported *s, u8 kind, const u8 *at)
{
    switch (kind) {
    case EXTERN_FUNC:
        vec_push(&s->funcs, (Func){.type = decode_func_type_index(d)});
        return s->funcs.n - 1;
    case EXTERN_TABLE:
        vec_push(&s->tables, (Table){.type = decode_table_type(d)});
        return s->tables.n - 1;
    case EXTERN_MEMORY:
        vec_push(&s->memories, decode_memory_type(d));
        return s->memories.n - 1;
    case EXTERN_GLOBAL:
        vec_push(&s->globals, (Global){.type = decode_global_type(d)});
        if (s->globals.p[s->globals.n - 1].type.mut)
            read_need(&d->r, FEATURE_BIT_MUTABLE_GLOBALS, at, "import of a mutable global");
        return s->globals.n - 1;
    case EXTERN_TAG:
        vec_push(&s->tags, decode_tag_type(d));
        return s->tags.n - 1;
    default:
        read_fail(&d->r, DIAG_MALFORMED, at, "malformed import kind 0x%02x", kind);
        return 0;
    }
}

static void need_multiple(Decoder *d, const u8 *at)
{
    if (d->m->ntables > 1)
        read_need(&d->r, FEATURE_BIT_REFERENCE_TYPES, at, "multiple tables");
    if (d->m->nmemories > 1)
        read_need(&d->r, FEATURE_BIT_MULTI_MEMORY, at, "multiple memories");
}

#define KEEP(m, space, count, list)                                                                \
    do {                                                                                           \
        (m)->n_imported_##space = (count) = (list).n;                                              \
        (m)->space = arena_dup(&(m)->arena, (list).p, (list).n * sizeof *(list).p);                \
        vec_release(&(list));                                                                      \
    } while (0)

void decode_imports(Decoder *d)
{
    WasmModule *m = d->m;
    Reader *r = &d->r;
    const u8 *start = r->at;
    Imported s = {0};
    u32 n = read_count(r, LIMIT_IMPORTS, "imports");
    m->imports = arena_array(&m->arena, Import, n);
    for (u32 i = 0; i < n && read_ok(r); i++) {
        Import *import = &m->imports[i];
        import->module = read_name(r);
        import->name = read_name(r);
        const u8 *at = r->at;
        import->kind = read_u8(r);
        if (read_ok(r))
            import->index = read_import_type(d, &s, import->kind, at);
    }
    m->nimports = n;
    KEEP(m, funcs, m->nfuncs, s.funcs);
    KEEP(m, tables, m->ntables, s.tables);
    KEEP(m, memories, m->nmemories, s.memories);
    KEEP(m, globals, m->nglobals, s.globals);
    KEEP(m, tags, m->ntags, s.tags);
    if (m->ntables > LIMIT_TABLES || m->nmemories > LIMIT_MEMORIES)
        read_fail(r, DIAG_LIMIT, start, "too many tables or memories: the limit is %u",
                  LIMIT_TABLES);
    need_multiple(d, start);
}

/* ---- definitions ---- */

void decode_functions(Decoder *d)
{
    WasmModule *m = d->m;
    u32 n = read_space(d, m->nfuncs, LIMIT_FUNCTIONS, "functions");
    EXTEND(d, m->funcs, m->nfuncs, n);
    for (u32 i = 0; i < n && read_ok(&d->r); i++)
        m->funcs[m->nfuncs + i].type = decode_func_type_index(d);
    m->nfuncs += n;
}

enum { TABLE_WITH_INIT = 0x40 };

static Table read_table(Decoder *d)
{
    Reader *r = &d->r;
    const u8 *at = r->at;
    Table t = {0};
    if (at < r->end && *at == TABLE_WITH_INIT) {
        r->at++;
        read_need(r, FEATURE_BIT_FUNCTION_REFERENCES, at, "table with an initialiser");
        const u8 *zero_at = r->at;
        if (read_u8(r) != 0)
            read_fail(r, DIAG_MALFORMED, zero_at, "zero byte expected");
        t.has_init = true;
    }
    t.type = decode_table_type(d);
    if (t.has_init && read_ok(r))
        t.init = const_expr(d, t.type.elem);
    else if (read_ok(r) && !valtype_nullable(t.type.elem))
        read_fail(r, DIAG_INVALID, at,
                  "type mismatch: a table of non-nullable references needs an initialiser");
    return t;
}

void decode_tables(Decoder *d)
{
    WasmModule *m = d->m;
    const u8 *at = d->r.at;
    u32 n = read_space(d, m->ntables, LIMIT_TABLES, "tables");
    EXTEND(d, m->tables, m->ntables, n);
    for (u32 i = 0; i < n && read_ok(&d->r); i++)
        m->tables[m->ntables + i] = read_table(d);
    m->ntables += n;
    need_multiple(d, at);
}

void decode_memories(Decoder *d)
{
    WasmModule *m = d->m;
    const u8 *at = d->r.at;
    u32 n = read_space(d, m->nmemories, LIMIT_MEMORIES, "memories");
    EXTEND(d, m->memories, m->nmemories, n);
    for (u32 i = 0; i < n && read_ok(&d->r); i++)
        m->memories[m->nmemories + i] = decode_memory_type(d);
    m->nmemories += n;
    need_multiple(d, at);
}

void decode_tags(Decoder *d)
{
    WasmModule *m = d->m;
    read_need(&d->r, FEATURE_BIT_EXCEPTIONS, d->r.at, "tag section");
    u32 n = read_space(d, m->ntags, LIMIT_TAGS, "tags");
    EXTEND(d, m->tags, m->ntags, n);
    for (u32 i = 0; i < n && read_ok(&d->r); i++)
        m->tags[m->ntags + i] = decode_tag_type(d);
    m->ntags += n;
}

void decode_globals(Decoder *d)
{
    WasmModule *m = d->m;
    u32 n = read_space(d, m->nglobals, LIMIT_GLOBALS, "globals");
    EXTEND(d, m->globals, m->nglobals, n);
    for (u32 i = 0; i < n && read_ok(&d->r); i++) {
        /* The initialiser sees the globals before, so the count grows one by one. */
        Global *g = &m->globals[m->nglobals];
        g->type = decode_global_type(d);
        if (!read_ok(&d->r))
            return;
        g->init = const_expr(d, g->type.type);
        m->nglobals++;
    }
}

void decode_exports(Decoder *d)
{
    WasmModule *m = d->m;
    Reader *r = &d->r;
    u32 n = read_count(r, LIMIT_EXPORTS, "exports");
    m->exports = arena_array(&m->arena, Export, n);
    for (u32 i = 0; i < n; i++) {
        Export *e = &m->exports[i];
        const u8 *at = r->at;
        e->name = read_name(r);
        const u8 *kind_at = r->at;
        e->kind = read_u8(r);
        if (read_ok(r) && e->kind > EXTERN_TAG)
            read_fail(r, DIAG_MALFORMED, kind_at, "malformed export kind 0x%02x", e->kind);
        const u8 *index_at = r->at;
        e->index = read_u32(r);
        if (!decode_index(d, (ExternKind)e->kind, e->index, index_at))
            return;
        if (!map_add(&m->export_map, e->name, i)) {
            read_fail(r, DIAG_INVALID, at, "duplicate export name \"%.*s\"", STR_ARG(e->name));
            return;
        }
        m->nexports++;
        if (e->kind == EXTERN_FUNC)
            decode_escapes(d)[e->index] |= ESCAPES;
        if (e->kind == EXTERN_GLOBAL && m->globals[e->index].type.mut)
            read_need(r, FEATURE_BIT_MUTABLE_GLOBALS, at, "export of a mutable global");
    }
}

void decode_start(Decoder *d)
{
    WasmModule *m = d->m;
    const u8 *at = d->r.at;
    m->start = read_u32(&d->r);
    if (!decode_index(d, EXTERN_FUNC, m->start, at))
        return;
    m->has_start = true;
    const FuncType *t = module_func_type(m, m->start);
    if (t->nparams || t->nresults)
        read_fail(&d->r, DIAG_INVALID, at, "start function must not have parameters or results");
}

/* ---- segments ---- */

enum { ELEM_PASSIVE = 1, ELEM_INDEX_OR_DECLARED = 2, ELEM_EXPRS = 4, ELEM_FLAGS = 7 };

/* Table and offset of an active segment, the type of the others. */
static void read_elem_head(Decoder *d, u32 flags, ElemSegment *e)
{
    Reader *r = &d->r;
    e->exprs = flags & ELEM_EXPRS;
    e->type = VALTYPE_REF(HEAP_FUNC, e->exprs);
    if (!(flags & ELEM_PASSIVE)) {
        const u8 *at = r->at;
        e->mode = SEGMENT_ACTIVE;
        e->table = flags & ELEM_INDEX_OR_DECLARED ? read_u32(r) : 0;
        if (!decode_index(d, EXTERN_TABLE, e->table, at))
            return;
        e->offset = const_expr(d, addr_type(d->m->tables[e->table].type.is64));
    } else {
        e->mode = flags & ELEM_INDEX_OR_DECLARED ? SEGMENT_DECLARED : SEGMENT_PASSIVE;
    }
    if (!(flags & (ELEM_PASSIVE | ELEM_INDEX_OR_DECLARED)))
        return;
    const u8 *at = r->at;
    if (e->exprs)
        e->type = read_ref_type(r);
    else if (read_u8(r) != 0)
        read_fail(r, DIAG_MALFORMED, at, "malformed element kind");
}

static void read_elem_items(Decoder *d, ElemSegment *e)
{
    Reader *r = &d->r;
    e->count = read_count(r, LIMIT_ELEM_ITEMS, "elements");
    const u8 *start = r->at;
    for (u32 i = 0; i < e->count && read_ok(r); i++) {
        if (e->exprs) {
            const_expr(d, e->type);
            continue;
        }
        const u8 *at = r->at;
        u32 func = read_u32(r);
        if (decode_index(d, EXTERN_FUNC, func, at))
            decode_escapes(d)[func] |= ESCAPES_BY_ELEM;
    }
    e->items = (Range){(u32)read_offset(r, start), (u32)(r->at - start)};
}

static void read_elem(Decoder *d, ElemSegment *e)
{
    Reader *r = &d->r;
    const u8 *at = r->at;
    u32 flags = read_u32(r);
    if (flags > ELEM_FLAGS)
        read_fail(r, DIAG_MALFORMED, at, "malformed elements segment kind %u", flags);
    if (flags & ELEM_PASSIVE)
        read_need(r, FEATURE_BIT_BULK_MEMORY, at, "passive or declared element segment");
    if (!read_ok(r))
        return;
    read_elem_head(d, flags, e);
    if (!read_ok(r))
        return;
    if (e->mode == SEGMENT_ACTIVE) {
        ValType want = d->m->tables[e->table].type.elem;
        char a[VALTYPE_NAME_SIZE], b[VALTYPE_NAME_SIZE];
        if (!valtype_is_subtype(d->m->registry, e->type, want))
            read_fail(r, DIAG_INVALID, at, "type mismatch: expected %s, found %s",
                      valtype_name(want, a), valtype_name(e->type, b));
    }
    read_elem_items(d, e);
}

void decode_elements(Decoder *d)
{
    WasmModule *m = d->m;
    u32 n = read_count(&d->r, LIMIT_ELEM_SEGMENTS, "element segments");
    m->elems = arena_array(&m->arena, ElemSegment, n);
    for (u32 i = 0; i < n && read_ok(&d->r); i++)
        read_elem(d, &m->elems[i]);
    m->nelems = n;
}

static void read_data(Decoder *d, DataSegment *s)
{
    Reader *r = &d->r;
    const u8 *at = r->at;
    u32 flags = read_u32(r);
    if (flags > 2) {
        read_fail(r, DIAG_MALFORMED, at, "malformed data segment kind %u", flags);
        return;
    }
    if (flags == 1)
        read_need(r, FEATURE_BIT_BULK_MEMORY, at, "passive data segment");
    s->mode = flags == 1 ? SEGMENT_PASSIVE : SEGMENT_ACTIVE;
    if (flags != 1) {
        at = r->at;
        s->memory = flags == 2 ? read_u32(r) : 0;
        if (!decode_index(d, EXTERN_MEMORY, s->memory, at))
            return;
        s->offset = const_expr(d, addr_type(d->m->memories[s->memory].is64));
    }
    u32 n = read_u32(r);
    const u8 *p = read_bytes(r, n);
    if (p)
        s->bytes = (Range){(u32)read_offset(r, p), n};
}

void decode_data(Decoder *d)
{
    WasmModule *m = d->m;
    const u8 *at = d->r.at;
    u32 n = read_count(&d->r, LIMIT_DATA_SEGMENTS, "data segments");
    if (m->has_data_count && read_ok(&d->r) && n != d->data_count)
        read_fail(&d->r, DIAG_MALFORMED, at,
                  "data count and data section have inconsistent lengths");
    m->datas = arena_array(&m->arena, DataSegment, n);
    for (u32 i = 0; i < n && read_ok(&d->r); i++)
        read_data(d, &m->datas[i]);
    m->ndatas = n;
}

/* ---- code ---- */

void decode_code(Decoder *d)
{
    WasmModule *m = d->m;
    Reader *r = &d->r;
    const u8 *at = r->at;
    m->code_at = (u32)read_offset(r, at);
    m->code_size = (u32)read_left(r);
    u32 n = read_count(r, LIMIT_FUNCTIONS, "function bodies");
    if (read_ok(r) && n != m->nfuncs - m->n_imported_funcs)
        read_fail(r, DIAG_MALFORMED, at, "function and code section have inconsistent lengths");
    for (u32 i = 0; i < n && read_ok(r); i++) {
        at = r->at;
        u32 size = read_u32(r);
        if (size > LIMIT_BODY_SIZE)
            read_fail(r, DIAG_LIMIT, at, "function body too big: %u bytes, the limit is %u", size,
                      LIMIT_BODY_SIZE);
        const u8 *p = read_bytes(r, size);
        if (p)
            m->funcs[m->n_imported_funcs + i].body = (Range){(u32)read_offset(r, p), size};
    }
    d->nbodies = n;
}
