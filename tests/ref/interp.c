/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Stores and instances of the reference interpreter.
 *
 * Source: https://webassembly.github.io/spec/core/exec/modules.html
 */
#include "ref/interp_priv.h"

RefLimits ref_limits_default(void)
{
    return (RefLimits){.memory_bytes = (u64)4 << 30,
                       .table_elements = 10000000,
                       .frames = 10000,
                       .values = 1 << 20};
}

RefStore *ref_store_new(TypeRegistry *r, RefLimits limits)
{
    RefStore *s = mem_alloc(sizeof *s);
    arena_init(&s->arena);
    s->registry = r;
    s->limits = limits;
    s->steps = UINT64_MAX;
    return s;
}

void ref_store_free(RefStore *s)
{
    if (!s)
        return;
    for (u32 i = 0; i < s->memories.n; i++)
        mem_free(s->memories.p[i]->data);
    for (u32 i = 0; i < s->tables.n; i++)
        mem_free(s->tables.p[i]->elems);
    vec_release(&s->memories);
    vec_release(&s->tables);
    vec_release(&s->stack);
    vec_release(&s->frames);
    vec_release(&s->labels);
    arena_release(&s->arena);
    mem_free(s);
}

void ref_store_set_steps(RefStore *s, u64 steps)
{
    s->steps = steps;
}

RefFunc *ref_host_func(RefStore *s, u32 type, RefHostFn *fn, void *env)
{
    RefFunc *f = arena_new(&s->arena, RefFunc);
    *f = (RefFunc){.type = type, .host = fn, .env = env};
    return f;
}

RefGlobal *ref_global_new(RefStore *s, GlobalType t, RefVal value)
{
    RefGlobal *g = arena_new(&s->arena, RefGlobal);
    *g = (RefGlobal){.type = t, .value = value};
    return g;
}

bool ref_memory_grow(RefStore *s, RefMemory *m, u64 delta, u64 *ret_old)
{
    u32 shift = m->type.page_size_log2;
    u64 old = m->bytes >> shift;
    u64 max = s->limits.memory_bytes >> shift;
    if (m->type.limits.has_max)
        max = MIN(max, m->type.limits.max);
    if (!m->type.is64)
        max = MIN(max, ((u64)1 << 32) >> shift);
    if (old > max || delta > max - old)
        return false;
    if (delta > 0) {
        u8 *data = mem_try_alloc_array((old + delta) << shift, 1);
        if (!data)
            return false;
        if (m->bytes > 0)
            memcpy(data, m->data, m->bytes);
        mem_free(m->data);
        m->data = data;
        m->bytes = (old + delta) << shift;
    }
    *ret_old = old;
    return true;
}

RefMemory *ref_memory_new(RefStore *s, MemoryType t)
{
    RefMemory *m = arena_new(&s->arena, RefMemory);
    u64 old;
    m->type = t;
    if (!ref_memory_grow(s, m, t.limits.min, &old))
        return NULL;
    vec_push(&s->memories, m);
    return m;
}

bool ref_table_grow(RefStore *s, RefTable *t, u64 delta, void *init, u64 *ret_old)
{
    u64 max = s->limits.table_elements;
    if (t->type.limits.has_max)
        max = MIN(max, t->type.limits.max);
    if (t->n > max || delta > max - t->n)
        return false;
    if (delta > 0) {
        void **elems = mem_try_alloc_array(t->n + delta, sizeof *elems);
        if (!elems)
            return false;
        if (t->n > 0)
            memcpy(elems, t->elems, t->n * sizeof *elems);
        for (u64 i = t->n; i < t->n + delta; i++)
            elems[i] = init;
        mem_free(t->elems);
        t->elems = elems;
    }
    *ret_old = t->n;
    t->n += delta;
    return true;
}

RefTable *ref_table_new(RefStore *s, TableType type, void *init)
{
    RefTable *t = arena_new(&s->arena, RefTable);
    u64 old;
    t->type = type;
    if (!ref_table_grow(s, t, type.limits.min, init, &old))
        return NULL;
    vec_push(&s->tables, t);
    return t;
}

static bool limits_match(Limits actual, u64 size, Limits wanted)
{
    if (size < wanted.min)
        return false;
    return !wanted.has_max || (actual.has_max && actual.max <= wanted.max);
}

static bool global_matches(const RefStore *s, GlobalType actual, GlobalType wanted)
{
    if (actual.mut != wanted.mut)
        return false;
    return wanted.mut ? actual.type == wanted.type
                      : valtype_is_subtype(s->registry, actual.type, wanted.type);
}

static bool memory_matches(const RefMemory *a, const MemoryType *w)
{
    return a->type.is64 == w->is64 && a->type.shared == w->shared &&
           a->type.page_size_log2 == w->page_size_log2 &&
           limits_match(a->type.limits, a->bytes >> a->type.page_size_log2, w->limits);
}

static bool table_matches(const RefTable *a, const TableType *w)
{
    return a->type.is64 == w->is64 && a->type.elem == w->elem &&
           limits_match(a->type.limits, a->n, w->limits);
}

static bool import_matches(const RefStore *s, const WasmModule *m, const Import *im,
                           const RefExtern *e)
{
    if (e->kind != im->kind)
        return false;
    switch ((ExternKind)im->kind) {
    case EXTERN_FUNC:
        return types_is_subtype(s->registry, e->func->type, m->funcs[im->index].type);
    case EXTERN_TABLE:
        return table_matches(e->table, &m->tables[im->index].type);
    case EXTERN_MEMORY:
        return memory_matches(e->memory, &m->memories[im->index]);
    case EXTERN_GLOBAL:
        return global_matches(s, e->global->type, m->globals[im->index].type);
    case EXTERN_TAG:
        break;
    }
    return false;
}

static void link_error(RefStore *s, const char *what, u32 index)
{
    s->result = (RefResult){.status = REF_LINK_ERROR, .what = what, .index = index};
}

static void put_import(RefInstance *i, const Import *im, const RefExtern *e)
{
    switch ((ExternKind)im->kind) {
    case EXTERN_FUNC:
        i->funcs[im->index] = e->func;
        break;
    case EXTERN_TABLE:
        i->tables[im->index] = e->table;
        break;
    case EXTERN_MEMORY:
        i->memories[im->index] = e->memory;
        break;
    case EXTERN_GLOBAL:
        i->globals[im->index] = e->global;
        break;
    case EXTERN_TAG:
        break;
    }
}

static RefInstance *instance_alloc(RefStore *s, const WasmModule *m)
{
    RefInstance *i = arena_new(&s->arena, RefInstance);
    i->store = s;
    i->m = m;
    i->funcs = arena_array(&s->arena, RefFunc *, m->nfuncs);
    i->code = arena_array(&s->arena, RefCode *, m->nfuncs);
    i->tables = arena_array(&s->arena, RefTable *, m->ntables);
    i->memories = arena_array(&s->arena, RefMemory *, m->nmemories);
    i->globals = arena_array(&s->arena, RefGlobal *, m->nglobals);
    i->elems = arena_array(&s->arena, RefElemSegment, m->nelems);
    i->datas = arena_array(&s->arena, RefDataSegment, m->ndatas);
    return i;
}

RefVal ref_eval(RefStore *s, RefInstance *i, Range range)
{
    u32 frames = s->frames.n;
    const RefCode *code = ref_code_read(s, i->m, range, false);
    RefFrame f = {
        .instance = i, .code = code, .locals = s->stack.n, .nresults = 1, .labels = s->labels.n};
    RefLabel l = {.target = code->n, .height = s->stack.n, .arity = 1};
    vec_push(&s->frames, f);
    vec_push(&s->labels, l);
    ref_run(s, frames);
    return s->result.status == REF_OK ? ref_pop(s) : (RefVal){0};
}

static void make_funcs(RefInstance *i)
{
    for (u32 n = i->m->n_imported_funcs; n < i->m->nfuncs; n++) {
        i->funcs[n] = arena_new(&i->store->arena, RefFunc);
        *i->funcs[n] = (RefFunc){.type = i->m->funcs[n].type, .instance = i, .index = n};
    }
}

static void make_globals(RefInstance *i)
{
    for (u32 n = i->m->n_imported_globals; n < i->m->nglobals; n++) {
        const Global *g = &i->m->globals[n];
        i->globals[n] = ref_global_new(i->store, g->type, ref_eval(i->store, i, g->init));
    }
}

static void make_tables(RefInstance *i)
{
    for (u32 n = i->m->n_imported_tables; n < i->m->ntables; n++) {
        const Table *t = &i->m->tables[n];
        RefVal init = t->has_init ? ref_eval(i->store, i, t->init) : (RefVal){0};
        i->tables[n] = ref_table_new(i->store, t->type, init.ref);
        if (!i->tables[n])
            link_error(i->store, "table is too large", n);
    }
}

static void make_memories(RefInstance *i)
{
    for (u32 n = i->m->n_imported_memories; n < i->m->nmemories; n++) {
        i->memories[n] = ref_memory_new(i->store, i->m->memories[n]);
        if (!i->memories[n])
            link_error(i->store, "memory is too large", n);
    }
}

/* The next of the LEB128 function indices of an element segment. */
static u32 next_index(const u8 **at)
{
    u32 v = 0, shift = 0;
    u8 byte;
    do {
        byte = *(*at)++;
        v |= (u32)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    return v;
}

/* The next of the expressions that lie one after the other; `rest` shrinks. */
static Range next_expr(const WasmModule *m, Range *rest)
{
    InsnReader r;
    Diag diag;
    Insn in;
    diag_init(&diag);
    insn_reader_init(&r, m, *rest, &diag);
    while (insn_read(&r, &in) && in.op != OP_end)
        ;
    ALWAYS(diag_ok(&diag));
    u32 size = (u32)(r.at - (m->bytes + rest->at));
    Range expr = {rest->at, size};
    *rest = (Range){rest->at + size, rest->size - size};
    return expr;
}

static void make_elem(RefInstance *i, u32 n)
{
    const ElemSegment *e = &i->m->elems[n];
    const u8 *at = i->m->bytes + e->items.at;
    Range rest = e->items;
    i->elems[n].p = arena_array(&i->store->arena, void *, e->count);
    i->elems[n].n = e->count;
    for (u32 k = 0; k < e->count; k++)
        i->elems[n].p[k] = e->exprs ? ref_eval(i->store, i, next_expr(i->m, &rest)).ref
                                    : i->funcs[next_index(&at)];
}

static bool running(const RefInstance *i)
{
    return i->store->result.status == REF_OK;
}

static void run_elem(RefInstance *i, u32 n)
{
    const ElemSegment *e = &i->m->elems[n];
    if (e->mode == SEGMENT_ACTIVE) {
        RefTable *t = i->tables[e->table];
        RefVal offset = ref_eval(i->store, i, e->offset);
        u64 at = t->type.is64 ? offset.u64s[0] : offset.u32s[0];
        if (running(i))
            ref_table_init(i->store, t, &i->elems[n], at, 0, i->elems[n].n);
    }
    if (e->mode != SEGMENT_PASSIVE && running(i))
        i->elems[n].n = 0;
}

static void run_data(RefInstance *i, u32 n)
{
    const DataSegment *d = &i->m->datas[n];
    if (d->mode != SEGMENT_ACTIVE)
        return;
    RefMemory *m = i->memories[d->memory];
    RefVal offset = ref_eval(i->store, i, d->offset);
    u64 at = m->type.is64 ? offset.u64s[0] : offset.u32s[0];
    if (running(i))
        ref_memory_init(i->store, m, &i->datas[n], at, 0, i->datas[n].n);
    i->datas[n].n = 0;
}

static void start(RefStore *s)
{
    s->result = (RefResult){.status = REF_OK};
    s->stack.n = s->frames.n = s->labels.n = 0;
}

RefInstance *ref_instantiate(RefStore *s, const WasmModule *m, const RefExtern *imports,
                             RefResult *ret_result)
{
    RefInstance *i = instance_alloc(s, m);
    start(s);
    for (u32 n = 0; n < m->nimports && running(i); n++) {
        if (m->imports[n].kind == EXTERN_TAG)
            s->result = (RefResult){.status = REF_UNSUPPORTED, .what = "tag", .index = n};
        else if (import_matches(s, m, &m->imports[n], &imports[n]))
            put_import(i, &m->imports[n], &imports[n]);
        else
            link_error(s, "incompatible import type", n);
    }
    if (running(i)) {
        make_funcs(i);
        make_globals(i);
        make_tables(i);
        make_memories(i);
    }
    for (u32 n = 0; n < m->ndatas; n++)
        i->datas[n] = (RefDataSegment){m->bytes + m->datas[n].bytes.at, m->datas[n].bytes.size};
    for (u32 n = 0; n < m->nelems && running(i); n++)
        make_elem(i, n);
    for (u32 n = 0; n < m->nelems && running(i); n++)
        run_elem(i, n);
    for (u32 n = 0; n < m->ndatas && running(i); n++)
        run_data(i, n);
    if (m->has_start && running(i)) {
        ref_enter(s, i->funcs[m->start]);
        ref_run(s, 0);
    }
    *ret_result = s->result;
    return running(i) ? i : NULL;
}

const WasmModule *ref_instance_module(const RefInstance *i)
{
    return i->m;
}

RefExtern ref_extern_at(const RefInstance *i, ExternKind kind, u32 index)
{
    RefExtern e = {.kind = (u8)kind};
    switch (kind) {
    case EXTERN_FUNC:
        e.func = i->funcs[index];
        break;
    case EXTERN_TABLE:
        e.table = i->tables[index];
        break;
    case EXTERN_MEMORY:
        e.memory = i->memories[index];
        break;
    case EXTERN_GLOBAL:
        e.global = i->globals[index];
        break;
    case EXTERN_TAG:
        break;
    }
    return e;
}

bool ref_export(const RefInstance *i, Str name, RefExtern *ret_extern)
{
    const Export *e = module_find_export(i->m, name);
    if (e)
        *ret_extern = ref_extern_at(i, (ExternKind)e->kind, e->index);
    return e != NULL;
}

RefResult ref_call(RefStore *s, RefFunc *f, RefVal *vals)
{
    const FuncType *t = types_func_type(s->registry, f->type);
    start(s);
    for (u32 i = 0; i < t->nparams; i++)
        ref_push(s, vals[i]);
    ref_enter(s, f);
    ref_run(s, 0);
    if (s->result.status == REF_OK)
        for (u32 i = 0; i < t->nresults; i++)
            vals[i] = s->stack.p[i];
    return s->result;
}
