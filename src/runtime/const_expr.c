/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Constant expressions: initial values of globals and tables, offsets and items of segments. They
 * are validated; what is left are the values. Operands live on an explicit stack, because an
 * expression may nest as deep as it is long.
 *
 * Source: https://webassembly.github.io/spec/core/valid/instructions.html#constant-expressions
 */
#include "runtime/runtime_priv.h"
#include "wasm/insn.h"

enum { INLINE_VALUES = 16 };

typedef struct Eval {
    Instance *i;
    VmVal *p; /* `space`, or heap when it grows */
    u32 n, cap;
    VmVal space[INLINE_VALUES];
} Eval;

static void push(Eval *e, VmVal v)
{
    if (e->n == e->cap) {
        usize old = e->cap * sizeof *e->p;
        VmVal *grown = mem_alloc_array(e->cap, 2 * sizeof *e->p);
        memcpy(grown, e->p, old);
        if (e->p != e->space)
            mem_free(e->p);
        e->p = grown;
        e->cap *= 2;
    }
    e->p[e->n++] = v;
}

static VmVal pop(Eval *e)
{
    ALWAYS(e->n > 0);
    return e->p[--e->n];
}

static void push_u64(Eval *e, u64 v)
{
    push(e, (VmVal){.pair = {v, 0}});
}

static VmVal *global_at(Instance *i, u32 index)
{
    const VmLayout *l = &i->module->layout;
    const WasmModule *w = i->module->wasm;
    u8 *ctx = (u8 *)i->ctx;
    if (index < w->n_imported_globals)
        return ((VmVal **)(ctx + l->global_ptrs))[index];
    return (VmVal *)(ctx + l->globals) + (index - w->n_imported_globals);
}

typedef enum Arith { ARITH_ADD, ARITH_SUB, ARITH_MUL } Arith;

static void arith(Eval *e, Arith op, bool wide)
{
    u64 b = pop(e).pair[0], a = pop(e).pair[0], v = 0;
    switch (op) {
    case ARITH_ADD:
        v = a + b;
        break;
    case ARITH_SUB:
        v = a - b;
        break;
    case ARITH_MUL:
        v = a * b;
        break;
    }
    push_u64(e, wide ? v : (u32)v);
}

static Error *step(Eval *e, const Insn *in)
{
    VmVal v = {0};
    switch ((OpId)in->op) {
    case OP_i32_const:
        push_u64(e, (u32)in->value);
        return NULL;
    case OP_i64_const:
    case OP_f32_const:
    case OP_f64_const:
        push_u64(e, in->value);
        return NULL;
    case OP_v128_const:
        memcpy(v.v128, in->v128, sizeof v.v128);
        push(e, v);
        return NULL;
    case OP_ref_null:
        push(e, v);
        return NULL;
    case OP_ref_func:
        push_u64(e, (u64)(uintptr_t)instance_func_ref(e->i, in->idx));
        return NULL;
    case OP_global_get:
        push(e, *global_at(e->i, in->idx));
        return NULL;
    case OP_i32_add:
    case OP_i64_add:
        arith(e, ARITH_ADD, in->op == OP_i64_add);
        return NULL;
    case OP_i32_sub:
    case OP_i64_sub:
        arith(e, ARITH_SUB, in->op == OP_i64_sub);
        return NULL;
    case OP_i32_mul:
    case OP_i64_mul:
        arith(e, ARITH_MUL, in->op == OP_i64_mul);
        return NULL;
    default: /* the other constant instructions are those of the GC proposal */
        return error_new("the module uses the gc proposal, which is not supported by this build "
                         "(`%s` in a constant expression)",
                         op_infos[in->op].text);
    }
}

/* One expression up to its `end`; the reader stands behind it. */
static Error *eval(Instance *i, InsnReader *r, VmVal *ret_value)
{
    Eval e = {.i = i, .cap = INLINE_VALUES};
    e.p = e.space;
    Insn in;
    Error *error = NULL;
    while (!error && insn_read(r, &in) && in.op != OP_end)
        error = step(&e, &in);
    if (!error)
        *ret_value = pop(&e);
    if (e.p != e.space)
        mem_free(e.p);
    return error;
}

Error *const_eval(Instance *i, Range expr, VmVal *ret_value)
{
    Diag diag;
    diag_init(&diag);
    InsnReader r;
    insn_reader_init(&r, i->module->wasm, expr, &diag);
    return eval(i, &r, ret_value);
}

Error *elem_items(Instance *i, const ElemSegment *seg, u64 *out)
{
    const WasmModule *w = i->module->wasm;
    if (!seg->exprs) {
        const u8 *at = w->bytes + seg->items.at;
        for (u32 k = 0; k < seg->count; k++)
            out[k] = (u64)(uintptr_t)instance_func_ref(i, elem_next_index(&at));
        return NULL;
    }
    Diag diag;
    diag_init(&diag);
    InsnReader r;
    insn_reader_init(&r, w, seg->items, &diag);
    for (u32 k = 0; k < seg->count; k++) {
        VmVal v;
        Error *e = eval(i, &r, &v);
        if (e)
            return e;
        out[k] = v.ref;
    }
    return NULL;
}
