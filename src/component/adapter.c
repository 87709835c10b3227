/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Adapters: the steps of a call, and the module around them. */
#include "component/adapter_priv.h"

static const GenSide caller_side = {ADAPTER_MEMORY_CALLER, ADAPTER_REALLOC_CALLER,
                                    ADAPTER_CHECK_CALLER,  ADAPTER_RECODE_CALLER,
                                    ADAPTER_LOOK_CALLER,   ADAPTER_MOVE_CALLER};
static const GenSide callee_side = {ADAPTER_MEMORY_CALLEE, ADAPTER_REALLOC_CALLEE,
                                    ADAPTER_CHECK_CALLEE,  ADAPTER_RECODE_CALLEE,
                                    ADAPTER_LOOK_CALLEE,   ADAPTER_MOVE_CALLEE};

bool adapter_recodes(const AdapterShape *s)
{
    return s->caller.encoding != STRING_UTF8 || s->callee.encoding != STRING_UTF8;
}

bool adapter_imports(const AdapterShape *s, AdapterImport which)
{
    switch (which) {
    case ADAPTER_CHECK_CALLER:
    case ADAPTER_MEMORY_CALLER:
        return s->caller.memory;
    case ADAPTER_CHECK_CALLEE:
    case ADAPTER_MEMORY_CALLEE:
        return s->callee.memory;
    case ADAPTER_RECODE_CALLER:
        return adapter_recodes(s) && s->caller.realloc && s->callee.memory;
    case ADAPTER_RECODE_CALLEE:
        return adapter_recodes(s) && s->callee.realloc && s->caller.memory;
    case ADAPTER_REALLOC_CALLER:
        return s->caller.realloc;
    case ADAPTER_REALLOC_CALLEE:
        return s->callee.realloc;
    case ADAPTER_LOOK_CALLER:
    case ADAPTER_LOOK_CALLEE:
    case ADAPTER_MOVE_CALLER:
    case ADAPTER_MOVE_CALLEE:
        return s->handles;
    case ADAPTER_POST:
        return s->post_return;
    case ADAPTER_ENTER:
        return s->nentered > 0;
    case ADAPTER_CALLEE:
    case ADAPTER_TRAP:
    case ADAPTER_LEAVE_CALLER:
    case ADAPTER_LEAVE_CALLEE:
        return true;
    }
    BUG("not an import of adapters");
}

/* --- the steps --- */

enum { GLOBAL_LEAVE_CALLER, GLOBAL_LEAVE_CALLEE, GLOBAL_ENTER };

static void require_flag(AdapterGen *g, u32 global, TrapCode code)
{
    adapt_index(g, OP_GLOBAL_GET, global);
    adapt_op(g, OP_I32_EQZ);
    adapt_trap_if(g, code);
}

static void set_flag(AdapterGen *g, u32 global, bool value)
{
    adapt_const(g, value);
    adapt_index(g, OP_GLOBAL_SET, global);
}

typedef struct Layout {
    u32 size, align;
} Layout;

/* Of values that lie in memory as a tuple; `ret_offsets` may be NULL. */
static Layout tuple_layout(const AdapterGen *g, const CField *fields, u32 n, u32 *ret_offsets)
{
    Layout t = {0, 1};
    for (u32 i = 0; i < n; i++) {
        const CLayout *l = &ctype_get(g->shape->types, fields[i].type)->layout[0];
        t.size = (u32)align_up(t.size, l->align);
        ret_offsets[i] = t.size;
        t.size += l->size;
        t.align = MAX(t.align, l->align);
    }
    t.size = (u32)align_up(t.size, t.align);
    return t;
}

/* Parameters or the result, at a place that was checked. */
typedef struct Values {
    const CField *fields;
    u32 n;
    u32 *offsets; /* own */
    Layout layout;
} Values;

static Values values_of(const AdapterGen *g, const CField *fields, u32 n)
{
    Values v = {fields, n, mem_alloc_array(MAX(n, 1), sizeof(u32)), {0, 1}};
    v.layout = tuple_layout(g, fields, n, v.offsets);
    return v;
}

static void lift_values(AdapterGen *g, const Values *v, GenPlace from)
{
    if (from.in_memory)
        adapt_check_tuple(g, from.side, from.local, v->layout.size, v->layout.align);
    for (u32 i = 0; i < v->n && !g->failed; i++) {
        from.offset = v->offsets[i];
        adapt_lift(g, v->fields[i].type, &from);
    }
}

static void lower_values(AdapterGen *g, const Values *v, GenPlace to, const GenSide *from)
{
    for (u32 i = 0; i < v->n && !g->failed; i++) {
        to.offset = v->offsets[i];
        adapt_lower(g, v->fields[i].type, &to, from);
    }
}

static void enter(AdapterGen *g)
{
    u32 n = g->shape->nentered;
    for (u32 i = 0; i < n; i++)
        require_flag(g, GLOBAL_ENTER + i, TRAP_CANNOT_ENTER_COMPONENT);
    for (u32 i = 0; i < n; i++)
        set_flag(g, GLOBAL_ENTER + i, false);
}

static u32 new_locals(AdapterGen *g, const u8 *types, u32 n)
{
    u32 first = g->locals.n;
    for (u32 i = 0; i < n; i++)
        adapt_local(g, types[i]);
    return first;
}

/* Lifts the parameters, enters, lowers them and pushes what the callee gets. */
static void pass_params(AdapterGen *g, const Values *v)
{
    const AdapterShape *s = g->shape;
    const FlatSig *sig = s->callee.sig;
    lift_values(g, v, (GenPlace){&caller_side, s->caller.sig->params_spilled, 0, 0});
    if (g->owns && g->borrows) /* what is lent must not be given away: only trees note that */
        g->failed = true;
    enter(g);
    if (s->callee.realloc)
        set_flag(g, GLOBAL_LEAVE_CALLEE, false);
    GenPlace to = {&callee_side, sig->params_spilled, 0, 0};
    to.local = sig->params_spilled
                   ? adapt_alloc_tuple(g, &callee_side, v->layout.size, v->layout.align)
                   : new_locals(g, sig->params, sig->nparams);
    lower_values(g, v, to, &caller_side);
    if (s->callee.realloc)
        set_flag(g, GLOBAL_LEAVE_CALLEE, true);
    for (u32 i = 0; i < sig->nparams; i++)
        adapt_index(g, OP_LOCAL_GET, to.local + i);
}

/* Gives the caller the result that the callee left in locals; the local that is to be returned. */
static u32 pass_result(AdapterGen *g, const Values *v, u32 result)
{
    const AdapterShape *s = g->shape;
    const FlatSig *sig = s->caller.sig;
    g->next = g->leaves.n;
    lift_values(g, v, (GenPlace){&callee_side, s->callee.sig->results_spilled, result, 0});
    GenPlace to = {&caller_side, sig->results_spilled, 0, 0};
    if (s->caller.realloc)
        set_flag(g, GLOBAL_LEAVE_CALLER, false);
    if (sig->results_spilled) {
        to.local = sig->nparams - 1;
        adapt_check_tuple(g, &caller_side, to.local, v->layout.size, v->layout.align);
    } else {
        to.local = new_locals(g, sig->results, sig->nresults);
    }
    lower_values(g, v, to, &callee_side);
    if (s->caller.realloc)
        set_flag(g, GLOBAL_LEAVE_CALLER, true);
    return to.local;
}

static void post_return(AdapterGen *g, u32 result)
{
    if (!g->shape->post_return)
        return;
    set_flag(g, GLOBAL_LEAVE_CALLEE, false);
    for (u32 i = 0; i < g->shape->callee.sig->nresults; i++)
        adapt_index(g, OP_LOCAL_GET, result + i);
    adapt_call(g, ADAPTER_POST);
    set_flag(g, GLOBAL_LEAVE_CALLEE, true);
}

static void put_body(AdapterGen *g)
{
    const AdapterShape *s = g->shape;
    const CField field = {.type = s->func->result};
    Values params = values_of(g, s->func->fields, s->func->n);
    Values result = values_of(g, &field, s->func->result != CTYPE_NONE);
    new_locals(g, s->caller.sig->params, s->caller.sig->nparams);
    require_flag(g, GLOBAL_LEAVE_CALLER, TRAP_CANNOT_LEAVE_COMPONENT);
    pass_params(g, &params);
    adapt_call(g, ADAPTER_CALLEE);
    u32 core = new_locals(g, s->callee.sig->results, s->callee.sig->nresults);
    for (u32 i = 0; i < s->callee.sig->nresults; i++)
        adapt_index(g, OP_LOCAL_SET, core);
    u32 returned = pass_result(g, &result, core);
    post_return(g, core);
    for (u32 i = 0; i < s->nentered; i++)
        set_flag(g, GLOBAL_ENTER + i, true);
    for (u32 i = 0; i < s->caller.sig->nresults; i++)
        adapt_index(g, OP_LOCAL_GET, returned);
    adapt_op(g, OP_END);
    mem_free(params.offsets);
    mem_free(result.offsets);
}

/* --- the module around them --- */

static const u8 core_codes[] = {
    [KIND_I32] = 0x7f, [KIND_I64] = 0x7e, [KIND_F32] = 0x7d, [KIND_F64] = 0x7c};

static void put_section(Buf *out, u8 id, Buf *body)
{
    buf_section(out, id, body);
    buf_release(body);
    *body = (Buf){0};
}

static void put_func_type(Buf *b, const u8 *params, u32 nparams, const u8 *results, u32 nresults)
{
    buf_u8(b, 0x60);
    buf_uleb(b, nparams);
    for (u32 i = 0; i < nparams; i++)
        buf_u8(b, core_codes[params[i]]);
    buf_uleb(b, nresults);
    for (u32 i = 0; i < nresults; i++)
        buf_u8(b, core_codes[results[i]]);
}

enum {
    TYPE_SELF,
    TYPE_CALLEE,
    TYPE_TRAP,
    TYPE_CHECK,
    TYPE_POST,
    TYPE_REALLOC,
    TYPE_RECODE,
    TYPE_HANDLE,
    TYPES
};

static void put_types(const AdapterShape *s, Buf *b)
{
    static const u8 words[4] = {KIND_I32, KIND_I32, KIND_I32, KIND_I32}, pair[1] = {KIND_I64};
    const FlatSig *from = s->caller.sig, *to = s->callee.sig;
    buf_uleb(b, TYPES);
    put_func_type(b, from->params, from->nparams, from->results, from->nresults);
    put_func_type(b, to->params, to->nparams, to->results, to->nresults);
    put_func_type(b, words, 1, NULL, 0);
    put_func_type(b, words, 2, NULL, 0);
    put_func_type(b, to->results, to->nresults, NULL, 0);
    put_func_type(b, words, 4, words, 1);
    put_func_type(b, words, 2, pair, 1);
    put_func_type(b, words, 2, words, 1);
}

typedef struct ImportRow {
    char name;
    u8 kind; /* ExternKind in the binary format */
    u8 type;
} ImportRow;

static void put_import(ImportRow row, Buf *b)
{
    const u8 head[] = {0, 1, (u8)row.name, row.kind, row.type};
    buf_bytes(b, head, sizeof head);
    if (row.kind)
        buf_u8(b, row.kind == 3); /* mutable globals; memories of at least 0 pages */
}

static void put_imports(const AdapterShape *s, Buf *b, u32 *ret_imports)
{
    static const ImportRow rows[] = {[ADAPTER_CALLEE] = {'f', 0, TYPE_CALLEE},
                                     [ADAPTER_TRAP] = {'t', 0, TYPE_TRAP},
                                     [ADAPTER_CHECK_CALLER] = {'u', 0, TYPE_CHECK},
                                     [ADAPTER_CHECK_CALLEE] = {'v', 0, TYPE_CHECK},
                                     [ADAPTER_RECODE_CALLER] = {'x', 0, TYPE_RECODE},
                                     [ADAPTER_RECODE_CALLEE] = {'y', 0, TYPE_RECODE},
                                     [ADAPTER_LOOK_CALLER] = {'i', 0, TYPE_HANDLE},
                                     [ADAPTER_LOOK_CALLEE] = {'j', 0, TYPE_HANDLE},
                                     [ADAPTER_MOVE_CALLER] = {'g', 0, TYPE_HANDLE},
                                     [ADAPTER_MOVE_CALLEE] = {'h', 0, TYPE_HANDLE},
                                     [ADAPTER_POST] = {'p', 0, TYPE_POST},
                                     [ADAPTER_REALLOC_CALLER] = {'q', 0, TYPE_REALLOC},
                                     [ADAPTER_REALLOC_CALLEE] = {'r', 0, TYPE_REALLOC},
                                     [ADAPTER_MEMORY_CALLER] = {'m', 2, 0},
                                     [ADAPTER_MEMORY_CALLEE] = {'n', 2, 0},
                                     [ADAPTER_LEAVE_CALLER] = {'l', 3, 0x7f},
                                     [ADAPTER_LEAVE_CALLEE] = {'c', 3, 0x7f},
                                     [ADAPTER_ENTER] = {'e', 3, 0x7f}};
    Buf list = {0};
    u32 n = 0;
    *ret_imports = 0;
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        u32 times = i == ADAPTER_ENTER ? s->nentered : adapter_imports(s, (AdapterImport)i);
        for (u32 k = 0; k < times; k++)
            put_import(rows[i], &list);
        n += times;
        *ret_imports |= (u32)(times > 0) << i;
    }
    buf_uleb(b, n);
    buf_bytes(b, list.p, list.n);
    buf_release(&list);
}

static void put_code(const AdapterGen *g, Buf *b)
{
    Buf body = {0};
    u32 nparams = g->shape->caller.sig->nparams;
    buf_uleb(&body, g->locals.n - nparams);
    for (u32 i = nparams; i < g->locals.n; i++) {
        buf_u8(&body, 1);
        buf_u8(&body, core_codes[g->locals.p[i]]);
    }
    buf_bytes(&body, g->code.p, g->code.n);
    buf_uleb(b, 1);
    buf_sized(b, body.p, body.n);
    buf_release(&body);
}

static void put_module(const AdapterGen *g, Buf *out, u32 *ret_imports)
{
    Buf b = {0};
    buf_bytes(out, "\0asm\1\0\0\0", 8);
    put_types(g->shape, &b);
    put_section(out, 1, &b);
    put_imports(g->shape, &b, ret_imports);
    put_section(out, 2, &b);
    buf_bytes(out, "\x03\x02\x01\x00", 4); /* one function, of type 0 */
    buf_bytes(&b,
              "\x01\x01"
              "a\x00",
              4);
    u32 funcs = 0;
    for (u32 i = 0; i < ADAPTER_FUNCS; i++)
        funcs += adapter_imports(g->shape, (AdapterImport)i);
    buf_uleb(&b, funcs);
    put_section(out, 7, &b);
    put_code(g, &b);
    put_section(out, 10, &b);
}

/* Are there values in memory? */
static bool needs_memory(const AdapterShape *s)
{
    bool needs = s->caller.sig->params_spilled || s->caller.sig->results_spilled ||
                 s->callee.sig->results_spilled;
    for (u32 i = 0; i < s->func->n; i++)
        needs |= ctype_get(s->types, s->func->fields[i].type)->has_pointers;
    return needs ||
           (s->func->result != CTYPE_NONE && ctype_get(s->types, s->func->result)->has_pointers);
}

static void release(AdapterGen *g)
{
    buf_release(&g->code);
    vec_release(&g->locals);
    vec_release(&g->leaves);
}

bool adapter_encode(const AdapterShape *shape, Buf *out, u32 *ret_imports)
{
    AdapterShape s = *shape;
    if (s.caller.wide || s.callee.wide)
        return false;
    if (!needs_memory(&s)) {
        s.caller.memory = s.callee.memory = false;
        s.caller.realloc = s.callee.realloc = false;
    }
    AdapterGen g = {.shape = &s};
    put_body(&g);
    if (!g.failed && (g.owns || g.borrows)) { /* again, with the imports that they need */
        release(&g);
        g = (AdapterGen){.shape = &s};
        s.handles = true;
        put_body(&g);
    }
    if (!g.failed)
        put_module(&g, out, ret_imports);
    release(&g);
    return !g.failed;
}
