/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Calls, throws, tables, and references that are not of the GC proposal. */
#include "wasm/validate.h"

/* ---- calls ---- */

static void call(Validator *v, const FuncType *f)
{
    validate_pop_all(v, params_of(f));
    validate_push_all(v, results_of(f));
}

static void return_call(Validator *v, const Insn *i, const FuncType *f)
{
    validate_pop_all(v, params_of(f));
    if (!validate_types_match(v, results_of(f), v->results))
        validate_fail(v, i, "type mismatch: results of the tail call are not those of the caller");
    validate_dead(v);
}

/* The type that an indirect call names, after its table and index operand were checked. */
static const FuncType *indirect_type(Validator *v, const Insn *i)
{
    const Table *t = validate_table(v, i, i->idx2);
    const SubType *f = validate_type(v, i, i->idx, COMPOSITE_FUNC);
    if (!t || !f)
        return NULL;
    if (!sub(v, t->type.elem, VT_FUNCREF)) {
        validate_mismatch(v, VT_FUNCREF, t->type.elem);
        return NULL;
    }
    pop(v, addr_type(t->type.is64));
    return &f->func;
}

static const FuncType *ref_type(Validator *v, const Insn *i)
{
    const SubType *f = validate_type(v, i, i->idx, COMPOSITE_FUNC);
    if (!f)
        return NULL;
    pop(v, validate_ref_to(v, i->idx, true));
    return &f->func;
}

static const FuncType *callee(Validator *v, const Insn *i)
{
    switch ((u32)i->op) {
    case OP_call:
    case OP_return_call:
        return validate_func_index(v, i, i->idx);
    case OP_call_indirect:
    case OP_return_call_indirect:
        return indirect_type(v, i);
    case OP_call_ref:
    case OP_return_call_ref:
        return ref_type(v, i);
    default:
        BUG("instruction without a rule");
    }
}

void validate_calls(Validator *v, const Insn *i)
{
    if (i->op == OP_throw_ref) {
        pop(v, VALTYPE_REF(HEAP_EXN, true));
        validate_dead(v);
        return;
    }
    if (i->op == OP_throw) {
        const FuncType *tag = validate_tag(v, i, i->idx);
        if (!tag)
            return;
        validate_pop_all(v, params_of(tag));
        validate_dead(v);
        return;
    }
    const FuncType *f = callee(v, i);
    if (!f)
        return;
    if (op_infos[i->op].flags & OPF_TERM)
        return_call(v, i, f);
    else
        call(v, f);
}

/* ---- tables ---- */

static void table_copy(Validator *v, const Insn *i)
{
    const Table *to = validate_table(v, i, i->idx), *from = validate_table(v, i, i->idx2);
    if (!to || !from)
        return;
    if (!sub(v, from->type.elem, to->type.elem))
        validate_mismatch(v, to->type.elem, from->type.elem);
    pop(v, addr_type(to->type.is64 && from->type.is64));
    pop(v, addr_type(from->type.is64));
    pop(v, addr_type(to->type.is64));
}

static void table_init(Validator *v, const Insn *i)
{
    const Table *t = validate_table(v, i, i->idx2);
    const ElemSegment *e = t ? validate_elem(v, i, i->idx) : NULL;
    if (!e)
        return;
    if (!sub(v, e->type, t->type.elem))
        validate_mismatch(v, t->type.elem, e->type);
    pop(v, VT_I32);
    pop(v, VT_I32);
    pop(v, addr_type(t->type.is64));
}

void validate_table_op(Validator *v, const Insn *i)
{
    if (i->op == OP_table_copy) {
        table_copy(v, i);
        return;
    }
    if (i->op == OP_table_init) {
        table_init(v, i);
        return;
    }
    const Table *t = validate_table(v, i, i->idx);
    if (!t)
        return;
    ValType addr = addr_type(t->type.is64), elem = t->type.elem;
    switch ((u32)i->op) {
    case OP_table_get:
        pop(v, addr);
        push(v, elem);
        break;
    case OP_table_set:
        pop(v, elem);
        pop(v, addr);
        break;
    case OP_table_grow:
        pop(v, addr);
        pop(v, elem);
        push(v, addr);
        break;
    case OP_table_size:
        push(v, addr);
        break;
    case OP_table_fill:
        pop(v, addr);
        pop(v, elem);
        pop(v, addr);
        break;
    default:
        BUG("table instruction without a rule");
    }
}

/* ---- references ---- */

static void ref_func(Validator *v, const Insn *i)
{
    if (!validate_func_index(v, i, i->idx))
        return;
    if (!v->is_const && !v->m->escapes[i->idx]) {
        validate_fail(v, i, "undeclared function reference: %u", i->idx);
        return;
    }
    bool typed = v->m->features & FEATURE_MASK(FUNCTION_REFERENCES);
    push(v, typed ? VALTYPE_REF(v->m->funcs[i->idx].type, false) : VT_FUNCREF);
}

void validate_ref_op(Validator *v, const Insn *i)
{
    switch ((u32)i->op) {
    case OP_ref_null:
        push(v, i->type);
        break;
    case OP_ref_is_null:
        validate_pop_ref(v);
        push(v, VT_I32);
        break;
    case OP_ref_func:
        ref_func(v, i);
        break;
    case OP_ref_eq:
        pop(v, VALTYPE_REF(HEAP_EQ, true));
        pop(v, VALTYPE_REF(HEAP_EQ, true));
        push(v, VT_I32);
        break;
    case OP_ref_as_non_null:
        push(v, validate_non_null(validate_pop_ref(v)));
        break;
    default:
        BUG("reference instruction without a rule");
    }
}
