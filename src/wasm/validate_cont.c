/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Stack switching.
 *
 * Source: https://github.com/WebAssembly/stack-switching, Explainer.md
 */
#include "wasm/validate.h"

/* The function type of a continuation type, NULL with an error if the index is no such type. */
static const FuncType *cont_func(Validator *v, const Insn *i, u32 index)
{
    const SubType *t = validate_type(v, i, index, COMPOSITE_CONT);
    return t ? types_func_type(v->types, t->cont) : NULL;
}

/* The function type of the continuations that a reference leads to, NULL if it is none. */
static const FuncType *cont_of_ref(const Validator *v, ValType t)
{
    if (!valtype_is_ref(t) || !heap_is_concrete(valtype_heap(t)))
        return NULL;
    const SubType *s = types_get(v->types, valtype_heap(t));
    return s->kind == COMPOSITE_CONT ? types_func_type(v->types, s->cont) : NULL;
}

static void cont_new(Validator *v, const Insn *i)
{
    const SubType *t = validate_type(v, i, i->idx, COMPOSITE_CONT);
    if (!t)
        return;
    pop(v, VALTYPE_REF(t->cont, true));
    push(v, validate_ref_to(v, i->idx, false));
}

static void cont_bind(Validator *v, const Insn *i)
{
    const FuncType *from = cont_func(v, i, i->idx);
    const FuncType *to = from ? cont_func(v, i, i->idx2) : NULL;
    if (!to)
        return;
    u32 bound = from->nparams - MIN(from->nparams, to->nparams);
    Types rest = {from->params + bound, from->nparams - bound};
    if (to->nparams > from->nparams || !validate_types_match(v, params_of(to), rest) ||
        !validate_types_match(v, results_of(from), results_of(to))) {
        validate_fail(v, i, "type mismatch: cont.bind from type %u to %u", i->idx, i->idx2);
        return;
    }
    pop(v, validate_ref_to(v, i->idx, true));
    validate_pop_all(v, (Types){from->params, bound});
    push(v, validate_ref_to(v, i->idx2, false));
}

static void suspend(Validator *v, const Insn *i)
{
    const FuncType *tag = validate_tag(v, i, i->idx);
    if (!tag)
        return;
    validate_pop_all(v, params_of(tag));
    validate_push_all(v, results_of(tag));
}

/* (on $tag $label): the label takes the tag's parameters and the rest of the computation. */
static void check_handler(Validator *v, const Insn *i, CatchClause c, Types results)
{
    const FuncType *tag = validate_tag(v, i, c.tag);
    if (!tag)
        return;
    if (c.kind == 1) {
        if (tag->nparams != 0 || !validate_types_match(v, results, results_of(tag)))
            validate_fail(v, i, "type mismatch: switch handler and its tag %u", c.tag);
        return;
    }
    const Frame *f = validate_label(v, i, c.label);
    if (!f)
        return;
    ValType single;
    Types label = validate_label_types(v, f, &single);
    const FuncType *k = label.n ? cont_of_ref(v, label.p[label.n - 1]) : NULL;
    if (!k || !validate_types_match(v, params_of(tag), (Types){label.p, label.n - 1}) ||
        !validate_types_match(v, params_of(k), results_of(tag)) ||
        !validate_types_match(v, results, results_of(k)))
        validate_fail(v, i, "type mismatch: handler of tag %u and its label %u", c.tag, c.label);
}

static void resume(Validator *v, const Insn *i)
{
    const FuncType *f = cont_func(v, i, i->idx);
    if (!f)
        return;
    Types params = params_of(f);
    if (i->op == OP_resume_throw) {
        const FuncType *tag = validate_tag(v, i, i->idx2);
        if (!tag)
            return;
        if (tag->nresults != 0)
            validate_fail(v, i, "type mismatch: resume_throw of a tag with results");
        params = params_of(tag);
    }
    const u8 *at = i->targets;
    for (u32 k = 0; k < i->count && read_ok(&v->r); k++)
        check_handler(v, i, insn_next_handler(&at), results_of(f));
    pop(v, validate_ref_to(v, i->idx, true));
    if (i->op == OP_resume_throw_ref)
        pop(v, VALTYPE_REF(HEAP_EXN, true));
    else
        validate_pop_all(v, params);
    validate_push_all(v, results_of(f));
}

static void switch_op(Validator *v, const Insn *i)
{
    const FuncType *to = cont_func(v, i, i->idx);
    const FuncType *tag = to ? validate_tag(v, i, i->idx2) : NULL;
    if (!tag)
        return;
    const FuncType *back = to->nparams ? cont_of_ref(v, to->params[to->nparams - 1]) : NULL;
    if (!back || tag->nparams != 0 || !validate_types_match(v, results_of(to), results_of(tag)) ||
        !validate_types_match(v, results_of(tag), results_of(back))) {
        validate_fail(v, i, "type mismatch: switch to type %u with tag %u", i->idx, i->idx2);
        return;
    }
    pop(v, validate_ref_to(v, i->idx, true));
    validate_pop_all(v, (Types){to->params, to->nparams - 1});
    validate_push_all(v, params_of(back));
}

void validate_cont_op(Validator *v, const Insn *i)
{
    switch ((u32)i->op) {
    case OP_cont_new:
        cont_new(v, i);
        break;
    case OP_cont_bind:
        cont_bind(v, i);
        break;
    case OP_suspend:
        suspend(v, i);
        break;
    case OP_resume:
    case OP_resume_throw:
    case OP_resume_throw_ref:
        resume(v, i);
        break;
    case OP_switch:
        switch_op(v, i);
        break;
    default:
        BUG("stack switching instruction without a rule");
    }
}
