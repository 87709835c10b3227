/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Cuts an adapter down to what is used: functions that nothing leads to go, and with them the
 * imports that only they need. Other items stay, so function indices are all that changes.
 *
 * An adapter lives in the memory of the main module, so the stack that its linker gave it is not
 * its own. If it uses one (the global `__stack_pointer` by its name section), a page is asked of
 * the main module's `cabi_realloc`, or of `memory.grow` if it does not import that: when the
 * adapter is first called if there is a global `allocation_state`, which says whether that was done
 * (0 no, 1 at work, 2 yes), otherwise when it is instantiated.
 */
#include "wasm/read.h"
#include "wit/wrap/wrap_parts.h"

enum { STACK_SIZE = 65536, NAMES_OF_GLOBALS = 7 };

/* Heap, but for what is in w->arena. */
typedef struct Gc {
    Wrap *w;
    CoreSource *c;
    const WasmModule *m;
    u8 *live; /* functions */
    VEC(u32) work;
    u32 *map;                            /* function index -> the new one */
    Buf bytes;                           /* the module's, and behind them what was rewritten */
    u32 stack_pointer, allocation_state; /* globals, NO_INDEX if there are none */
    bool uses_stack;
    u32 init; /* new index of the function that makes the stack, NO_INDEX for none */
} Gc;

/* ---- names ---- */

static void read_global_names(Gc *g, const u8 *p, const u8 *end)
{
    Diag diag;
    diag_init(&diag);
    InsnReader r;
    Range range = {(u32)(p - g->m->bytes), (u32)(end - p)};
    insn_reader_init(&r, g->m, range, &diag);
    u32 n = read_u32(&r);
    for (u32 i = 0; i < n && diag_ok(&diag); i++) {
        u32 index = read_u32(&r);
        Str name = read_name(&r);
        if (index >= g->m->nglobals || index < g->m->n_imported_globals)
            continue;
        if (str_eq(name, STR("__stack_pointer")))
            g->stack_pointer = index;
        if (str_eq(name, STR("allocation_state")))
            g->allocation_state = index;
    }
}

static void read_names(Gc *g)
{
    Str payload;
    if (!module_custom(g->m, STR("name"), &payload))
        return;
    Diag diag;
    diag_init(&diag);
    InsnReader r;
    Range range = {(u32)((const u8 *)payload.p - g->m->bytes), (u32)payload.n};
    insn_reader_init(&r, g->m, range, &diag);
    while (r.at < r.end && diag_ok(&diag)) {
        u8 id = read_u8(&r);
        u32 size = read_u32(&r);
        const u8 *p = read_bytes(&r, size);
        if (p && id == NAMES_OF_GLOBALS)
            read_global_names(g, p, p + size);
    }
}

/* ---- what is used ---- */

static void mark(Gc *g, u32 func)
{
    if (g->live[func])
        return;
    g->live[func] = 1;
    vec_push(&g->work, func);
}

static bool names_func(OpId op)
{
    return op == OP_call || op == OP_return_call || op == OP_ref_func;
}

/* A body behind its locals, or constant expressions; they are valid. */
static void mark_code(Gc *g, InsnReader *r)
{
    Insn i;
    while (insn_read(r, &i)) {
        if (names_func((OpId)i.op))
            mark(g, i.idx);
        if ((i.op == OP_global_get || i.op == OP_global_set) && i.idx == g->stack_pointer)
            g->uses_stack = true;
    }
}

static void skip_group(void *arg, u32 count, ValType type)
{
    (void)arg;
    (void)count;
    (void)type;
}

static void mark_range(Gc *g, Range range, bool body)
{
    Diag diag;
    InsnReader r;
    diag_init(&diag);
    insn_reader_init(&r, g->m, range, &diag);
    if (!body || insn_read_locals(&r, skip_group, NULL))
        mark_code(g, &r);
}

static void mark_indices(Gc *g, const ElemSegment *s)
{
    Diag diag;
    InsnReader r;
    diag_init(&diag);
    insn_reader_init(&r, g->m, s->items, &diag);
    for (u32 i = 0; i < s->count; i++)
        mark(g, read_u32(&r));
}

static void run_marking(Gc *g)
{
    while (g->work.n) {
        u32 func = g->work.p[--g->work.n];
        if (func >= g->m->n_imported_funcs)
            mark_range(g, g->m->funcs[func].body, true);
    }
}

static u32 realloc_import(const Gc *g)
{
    for (u32 i = 0; i < g->m->nimports; i++)
        if (g->m->imports[i].kind == EXTERN_FUNC &&
            str_eq(g->m->imports[i].module, STR("__main_module__")) &&
            str_eq(g->m->imports[i].name, STR("cabi_realloc")))
            return g->m->imports[i].index;
    return NO_INDEX;
}

static void mark_all(Gc *g, const u8 *keep)
{
    const WasmModule *m = g->m;
    for (u32 i = 0; i < m->nexports; i++)
        if (m->exports[i].kind == EXTERN_FUNC && keep[i])
            mark(g, m->exports[i].index);
    if (m->has_start)
        mark(g, m->start);
    for (u32 i = 0; i < m->nelems; i++)
        if (m->elems[i].exprs)
            mark_range(g, m->elems[i].items, false);
        else
            mark_indices(g, &m->elems[i]);
    for (u32 i = m->n_imported_globals; i < m->nglobals; i++)
        mark_range(g, m->globals[i].init, false);
    run_marking(g);
    if (!g->uses_stack)
        return;
    u32 realloc = realloc_import(g);
    if (realloc != NO_INDEX)
        mark(g, realloc);
    else if (m->nmemories == 0)
        wrap_fail(g->w, "the adapter `%.*s` has a stack, but no memory to have it in",
                  STR_ARG(g->c->name));
    run_marking(g);
}

/* ---- the new module ---- */

static void number_funcs(Gc *g)
{
    u32 n = 0;
    for (u32 i = 0; i < g->m->nfuncs; i++)
        g->map[i] = g->live[i] ? n++ : NO_INDEX;
    g->init = g->uses_stack ? n : NO_INDEX;
}

static Range end_range(const Gc *g, usize at)
{
    return (Range){u32_of(at), u32_of(g->bytes.n - at)};
}

/* Copies instructions with the new function indices. `from` is where the copy begins. */
static void rewrite_code(Gc *g, InsnReader *r, const u8 *from)
{
    Insn i;
    while (insn_read(r, &i)) {
        if (!names_func((OpId)i.op))
            continue;
        const u8 *op = g->m->bytes + i.offset;
        buf_bytes(&g->bytes, from, (usize)(op + 1 - from));
        buf_uleb(&g->bytes, g->map[i.idx]);
        from = r->at;
    }
    buf_bytes(&g->bytes, from, (usize)(r->end - from));
}

static Range rewrite_exprs(Gc *g, Range range)
{
    Diag diag;
    InsnReader r;
    usize at = g->bytes.n;
    diag_init(&diag);
    insn_reader_init(&r, g->m, range, &diag);
    rewrite_code(g, &r, r.at);
    return end_range(g, at);
}

/* `first_call`: the function has to make the stack before anything else. */
static Range rewrite_body(Gc *g, Range range, bool first_call)
{
    Diag diag;
    InsnReader r;
    usize at = g->bytes.n;
    diag_init(&diag);
    insn_reader_init(&r, g->m, range, &diag);
    const u8 *locals = r.at;
    ALWAYS(insn_read_locals(&r, skip_group, NULL));
    buf_bytes(&g->bytes, locals, (usize)(r.at - locals));
    if (first_call) {
        buf_u8(&g->bytes, 0x10);
        buf_uleb(&g->bytes, g->init);
    }
    rewrite_code(g, &r, r.at);
    return end_range(g, at);
}

static void put_global(Buf *b, u8 op, u32 global)
{
    buf_u8(b, op);
    buf_uleb(b, global);
}

/* The body of the function that makes the stack; ends with the module's own start function. */
static Range stack_body(Gc *g)
{
    enum { GET = 0x23, SET = 0x24 };
    Buf *b = &g->bytes;
    usize at = b->n;
    bool lazy = g->allocation_state != NO_INDEX;
    u32 realloc = realloc_import(g);
    buf_bytes(b, "\x01\x01\x7f", 3); /* a local for the old size */
    if (lazy) {
        put_global(b, GET, g->allocation_state);
        buf_bytes(b, "\x04\x40\x0f\x0b\x41\x01", 6); /* if (return) end; 1 */
        put_global(b, SET, g->allocation_state);
    }
    if (realloc == NO_INDEX) {
        /* local = memory.grow(1); if (local == -1) unreachable; local << 16 */
        buf_bytes(b, "\x41\x01\x40\0\x22\0\x41\x7f\x46\x04\x40\0\x0b\x20\0\x41\x10\x74", 18);
    } else {
        buf_bytes(b, "\x41\0\x41\0\x41\x08\x41", 7); /* realloc(0, 0, 8, STACK_SIZE) */
        buf_sleb(b, STACK_SIZE);
        buf_u8(b, 0x10);
        buf_uleb(b, g->map[realloc]);
    }
    buf_u8(b, 0x41);
    buf_sleb(b, STACK_SIZE);
    buf_u8(b, 0x6a);
    put_global(b, SET, g->stack_pointer);
    if (lazy) {
        buf_bytes(b, "\x41\x02", 2);
        put_global(b, SET, g->allocation_state);
    } else if (g->m->has_start) {
        buf_u8(b, 0x10);
        buf_uleb(b, g->map[g->m->start]);
    }
    buf_u8(b, 0x0b);
    return end_range(g, at);
}

static void copy_imports(Gc *g, WasmModule *n)
{
    n->imports = arena_array(&g->w->arena, Import, g->m->nimports);
    n->nimports = 0;
    for (u32 i = 0; i < g->m->nimports; i++) {
        Import import = g->m->imports[i];
        if (import.kind == EXTERN_FUNC && !g->live[import.index])
            continue;
        if (import.kind == EXTERN_FUNC)
            import.index = g->map[import.index];
        n->imports[n->nimports++] = import;
    }
}

static void copy_funcs(Gc *g, WasmModule *n, const u8 *exported)
{
    const WasmModule *m = g->m;
    bool lazy = g->init != NO_INDEX && g->allocation_state != NO_INDEX;
    n->funcs = arena_array(&g->w->arena, Func, (usize)m->nfuncs + 1);
    n->nfuncs = n->n_imported_funcs = 0;
    for (u32 i = 0; i < m->nfuncs; i++) {
        if (!g->live[i])
            continue;
        Func f = m->funcs[i];
        if (i < m->n_imported_funcs)
            n->n_imported_funcs++;
        else
            f.body = rewrite_body(g, f.body, lazy && exported[i]);
        n->funcs[n->nfuncs++] = f;
    }
}

/* Adds a function without parameters and results; its type comes behind the others. */
static void add_init(Gc *g, WasmModule *n, u32 type)
{
    Diag diag;
    InsnReader r;
    n->types = arena_array(&g->w->arena, u32, (usize)n->ntypes + 1);
    memcpy(n->types, g->m->types, n->ntypes * sizeof *n->types);
    n->types[n->ntypes++] = type;
    usize at = g->bytes.n;
    u32 groups = 0;
    diag_init(&diag);
    if (g->m->type_section.size) {
        insn_reader_init(&r, g->m, g->m->type_section, &diag);
        groups = read_u32(&r);
    }
    buf_uleb(&g->bytes, groups + 1);
    if (g->m->type_section.size)
        buf_bytes(&g->bytes, r.at, (usize)(r.end - r.at));
    buf_bytes(&g->bytes, "\x60\0\0", 3);
    n->type_section = end_range(g, at);
    n->funcs[n->nfuncs++] = (Func){type, stack_body(g)};
    if (g->allocation_state == NO_INDEX) {
        n->has_start = true;
        n->start = g->init;
    }
}

static void copy_segments(Gc *g, WasmModule *n)
{
    n->elems = arena_dup(&g->w->arena, g->m->elems, g->m->nelems * sizeof *g->m->elems);
    for (u32 i = 0; i < n->nelems; i++) {
        ElemSegment *s = &n->elems[i];
        if (s->exprs) {
            s->items = rewrite_exprs(g, s->items);
            continue;
        }
        Diag diag;
        InsnReader r;
        usize at = g->bytes.n;
        diag_init(&diag);
        insn_reader_init(&r, g->m, s->items, &diag);
        for (u32 k = 0; k < s->count; k++)
            buf_uleb(&g->bytes, g->map[read_u32(&r)]);
        s->items = end_range(g, at);
    }
    n->globals = arena_dup(&g->w->arena, g->m->globals, g->m->nglobals * sizeof *g->m->globals);
    for (u32 i = n->n_imported_globals; i < n->nglobals; i++)
        n->globals[i].init = rewrite_exprs(g, n->globals[i].init);
}

static void copy_exports(Gc *g, WasmModule *n, const u8 *keep)
{
    n->exports = arena_array(&g->w->arena, Export, n->nexports);
    n->nexports = 0;
    for (u32 i = 0; i < g->m->nexports; i++) {
        Export e = g->m->exports[i];
        if (e.kind != EXTERN_FUNC || !keep[i])
            continue;
        e.index = g->map[e.index];
        n->exports[n->nexports++] = e;
    }
}

static void rebuild(Gc *g, const u8 *keep)
{
    WasmModule n = *g->m;
    u8 *exported = mem_alloc((usize)g->m->nfuncs + 1);
    for (u32 i = 0; i < g->m->nexports; i++)
        if (g->m->exports[i].kind == EXTERN_FUNC && keep[i])
            exported[g->m->exports[i].index] = 1;
    u32 type = types_add_func(g->w->registry, NULL, 0, NULL, 0);
    buf_bytes(&g->bytes, g->m->bytes, g->m->size);
    number_funcs(g);
    copy_imports(g, &n);
    copy_funcs(g, &n, exported);
    copy_segments(g, &n);
    copy_exports(g, &n, keep);
    if (n.has_start)
        n.start = g->map[n.start];
    if (g->init != NO_INDEX)
        add_init(g, &n, type);
    n.ncustoms = 0; /* names would be of other functions */
    n.bytes = g->bytes.p;
    g->c->bytes.n = 0;
    module_encode(&n, &g->c->bytes);
    types_unref(g->w->registry, type);
    mem_free(exported);
}

void wrap_gc(Wrap *w, CoreSource *c, const u8 *keep)
{
    Gc g = {.w = w,
            .c = c,
            .m = c->m,
            .stack_pointer = NO_INDEX,
            .allocation_state = NO_INDEX,
            .init = NO_INDEX};
    for (u32 i = 0; i < c->m->ndatas; i++)
        if (c->m->datas[i].mode == SEGMENT_ACTIVE) {
            wrap_fail(w,
                      "the adapter `%.*s` has data, which would overwrite the memory of the "
                      "module that it shares",
                      STR_ARG(c->name));
            return;
        }
    g.live = mem_alloc((usize)c->m->nfuncs + 1);
    g.map = mem_alloc_array((usize)c->m->nfuncs + 1, sizeof *g.map);
    read_names(&g);
    mark_all(&g, keep);
    if (!w->error) {
        rebuild(&g, keep);
        module_free(c->m);
        c->m = NULL;
        wrap_decode_source(w, c);
    }
    vec_release(&g.work);
    buf_release(&g.bytes);
    mem_free(g.live);
    mem_free(g.map);
}
