/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The machine of the reference interpreter: control instructions, variables, calls, and the loop
 * that runs them. Frames, labels and values each have an explicit stack, so a guest's depth costs
 * heap, bounded by RefLimits, and no host stack.
 */
#include "ref/interp_priv.h"

#define STEP(id) static void step_##id(RefStore *s, const RefInsn *ri)

void ref_push(RefStore *s, RefVal v)
{
    vec_push(&s->stack, v);
}

RefVal ref_pop(RefStore *s)
{
    ALWAYS(s->stack.n > 0);
    return s->stack.p[--s->stack.n];
}

/* Moves the top `n` values down to index `to`, dropping what was between. */
static void slide(RefStore *s, u32 n, u32 to)
{
    ALWAYS(s->stack.n >= n && to <= s->stack.n - n);
    if (n)
        memmove(s->stack.p + to, s->stack.p + s->stack.n - n, n * sizeof *s->stack.p);
    s->stack.n = to + n;
}

static void push_label(RefStore *s, u32 target, u32 arity, u32 nparams)
{
    ALWAYS(s->stack.n >= nparams);
    RefLabel l = {.target = target, .height = s->stack.n - nparams, .arity = arity};
    vec_push(&s->labels, l);
}

static void branch(RefStore *s, u32 depth)
{
    RefFrame *f = ref_frame(s);
    ALWAYS(depth < s->labels.n - f->labels);
    RefLabel l = s->labels.p[s->labels.n - 1 - depth];
    slide(s, l.arity, l.height);
    s->labels.n -= depth + 1;
    f->pc = l.target;
}

STEP(block)
{
    push_label(s, ri->after, ri->nresults, ri->nparams);
}

/* A branch to a loop enters the loop anew. */
STEP(loop)
{
    push_label(s, ref_frame(s)->pc - 1, ri->nparams, ri->nparams);
}

STEP(if)
{
    bool taken = ref_pop_u32(s) != 0;
    push_label(s, ri->after, ri->nresults, ri->nparams);
    if (!taken)
        ref_frame(s)->pc = ri->other;
}

/* Reached at the end of the first arm. */
STEP(else)
{
    s->labels.n--;
    ref_frame(s)->pc = ri->after;
}

STEP(end)
{
    (void)ri;
    s->labels.n--;
}

STEP(br)
{
    branch(s, ri->in.idx);
}

STEP(br_if)
{
    if (ref_pop_u32(s))
        branch(s, ri->in.idx);
}

STEP(br_table)
{
    u32 i = ref_pop_u32(s), depth = 0;
    const u8 *at = ri->in.targets;
    for (u32 k = 0; k <= MIN(i, ri->in.count); k++)
        depth = insn_next_label(&at);
    branch(s, depth);
}

STEP(return )
{
    (void)ri;
    branch(s, s->labels.n - 1 - ref_frame(s)->labels);
}

STEP(br_on_null)
{
    RefVal v = ref_pop(s);
    if (v.ref)
        ref_push(s, v);
    else
        branch(s, ri->in.idx);
}

STEP(br_on_non_null)
{
    RefVal v = ref_pop(s);
    if (v.ref) {
        ref_push(s, v);
        branch(s, ri->in.idx);
    }
}

/* Leaves the current frame: its results are the top values. */
static void leave(RefStore *s)
{
    RefFrame *f = ref_frame(s);
    slide(s, f->nresults, f->locals);
    s->labels.n = f->labels;
    s->frames.n--;
}

static RefCode *code_of(RefStore *s, RefFunc *f)
{
    RefInstance *i = f->instance;
    if (!i->code[f->index])
        i->code[f->index] = ref_code_read(s, i->m, i->m->funcs[f->index].body, true);
    return i->code[f->index];
}

static void enter_host(RefStore *s, RefFunc *f, const FuncType *t)
{
    RefVal *vals = mem_alloc_array(MAX(t->nparams, t->nresults) + 1, sizeof *vals);
    memcpy(vals, s->stack.p + s->stack.n - t->nparams, t->nparams * sizeof *vals);
    s->stack.n -= t->nparams;
    TrapCode trap = TRAP_UNREACHABLE;
    if (f->host(f->env, vals, &trap) == REF_TRAPPED)
        ref_trap(s, trap);
    for (u32 i = 0; i < t->nresults; i++)
        ref_push(s, vals[i]);
    mem_free(vals);
}

void ref_enter(RefStore *s, RefFunc *f)
{
    const FuncType *t = types_func_type(s->registry, f->type);
    ALWAYS(s->stack.n >= t->nparams);
    if (f->host) {
        enter_host(s, f, t);
        return;
    }
    const RefCode *code = code_of(s, f);
    if (s->frames.n >= s->limits.frames || s->stack.n + code->nlocals > s->limits.values) {
        ref_trap(s, TRAP_STACK_OVERFLOW);
        return;
    }
    RefFrame frame = {.instance = f->instance,
                      .code = code,
                      .locals = s->stack.n - t->nparams,
                      .nresults = t->nresults,
                      .labels = s->labels.n};
    vec_push(&s->frames, frame);
    for (u32 i = 0; i < code->nlocals; i++)
        ref_push(s, (RefVal){0});
    push_label(s, code->n, t->nresults, 0);
}

/* The callee takes the place of the current frame. */
static void enter_tail(RefStore *s, RefFunc *f)
{
    u32 locals = ref_frame(s)->locals;
    s->labels.n = ref_frame(s)->labels;
    s->frames.n--;
    slide(s, types_func_type(s->registry, f->type)->nparams, locals);
    ref_enter(s, f);
}

STEP(call)
{
    ref_enter(s, ref_frame(s)->instance->funcs[ri->in.idx]);
}

STEP(return_call)
{
    enter_tail(s, ref_frame(s)->instance->funcs[ri->in.idx]);
}

/* Takes the callee's table index from the stack; NULL: it trapped. */
static RefFunc *indirect_callee(RefStore *s, const Insn *in)
{
    RefInstance *i = ref_frame(s)->instance;
    RefTable *t = i->tables[in->idx2];
    u64 at = ref_pop_addr(s, t->type.is64);
    RefFunc *f = at < t->n ? t->elems[at] : NULL;
    if (at >= t->n)
        ref_trap(s, TRAP_TABLE_OUT_OF_BOUNDS);
    else if (!f)
        ref_trap(s, TRAP_INDIRECT_CALL_TO_NULL);
    else if (types_is_subtype(s->registry, f->type, i->m->types[in->idx]))
        return f;
    else
        ref_trap(s, TRAP_BAD_SIGNATURE);
    return NULL;
}

STEP(call_indirect)
{
    RefFunc *f = indirect_callee(s, &ri->in);
    if (f)
        ref_enter(s, f);
}

STEP(return_call_indirect)
{
    RefFunc *f = indirect_callee(s, &ri->in);
    if (f)
        enter_tail(s, f);
}

STEP(call_ref)
{
    (void)ri;
    RefFunc *f = ref_pop(s).ref;
    if (f)
        ref_enter(s, f);
    else
        ref_trap(s, TRAP_NULL_REFERENCE);
}

STEP(return_call_ref)
{
    (void)ri;
    RefFunc *f = ref_pop(s).ref;
    if (f)
        enter_tail(s, f);
    else
        ref_trap(s, TRAP_NULL_REFERENCE);
}

STEP(drop)
{
    (void)ri;
    ref_pop(s);
}

STEP(select)
{
    (void)ri;
    bool first = ref_pop_u32(s) != 0;
    RefVal b = ref_pop(s), a = ref_pop(s);
    ref_push(s, first ? a : b);
}

static RefVal *local_of(RefStore *s, u32 index)
{
    return &s->stack.p[ref_frame(s)->locals + index];
}

STEP(local_get)
{
    ref_push(s, *local_of(s, ri->in.idx));
}

STEP(local_set)
{
    *local_of(s, ri->in.idx) = ref_pop(s);
}

STEP(local_tee)
{
    RefVal v = ref_pop(s);
    ref_push(s, v);
    *local_of(s, ri->in.idx) = v;
}

STEP(global_get)
{
    ref_push(s, ref_frame(s)->instance->globals[ri->in.idx]->value);
}

STEP(global_set)
{
    ref_frame(s)->instance->globals[ri->in.idx]->value = ref_pop(s);
}

RefStepFn *const ref_control_fns[OP_COUNT] = {
    [OP_block] = step_block,
    [OP_loop] = step_loop,
    [OP_if] = step_if,
    [OP_else] = step_else,
    [OP_end] = step_end,
    [OP_br] = step_br,
    [OP_br_if] = step_br_if,
    [OP_br_table] = step_br_table,
    [OP_return] = step_return,
    [OP_br_on_null] = step_br_on_null,
    [OP_br_on_non_null] = step_br_on_non_null,
    [OP_call] = step_call,
    [OP_call_indirect] = step_call_indirect,
    [OP_call_ref] = step_call_ref,
    [OP_return_call] = step_return_call,
    [OP_return_call_indirect] = step_return_call_indirect,
    [OP_return_call_ref] = step_return_call_ref,
    [OP_drop] = step_drop,
    [OP_select] = step_select,
    [OP_select_t] = step_select,
    [OP_local_get] = step_local_get,
    [OP_local_set] = step_local_set,
    [OP_local_tee] = step_local_tee,
    [OP_global_get] = step_global_get,
    [OP_global_set] = step_global_set,
};

/* Params and results of a numeric instruction are counted from its signature. */
static void numeric(RefStore *s, RefNumFn *fn, const Insn *in)
{
    const char *sig = op_infos[in->op].sig, *colon = strchr(sig, ':');
    u32 nparams = (u32)(colon - sig), nresults = (u32)strlen(colon + 1);
    RefVal r[2] = {0};
    ALWAYS(s->stack.n >= nparams && nresults <= ARRAY_LEN(r));
    s->stack.n -= nparams;
    vec_reserve(&s->stack, (u64)s->stack.n + nparams + 1);
    int trap = fn(s->stack.p + s->stack.n, r, in);
    if (trap != REF_NO_TRAP) {
        ref_trap(s, (TrapCode)trap);
        return;
    }
    for (u32 i = 0; i < nresults; i++)
        ref_push(s, r[i]);
}

static void step(RefStore *s, const RefInsn *ri)
{
    static RefStepFn *const *const groups[] = {ref_control_fns, ref_memory_fns, ref_table_fns};
    u32 op = ri->in.op;
    for (u32 i = 0; i < ARRAY_LEN(groups); i++)
        if (groups[i][op]) {
            groups[i][op](s, ri);
            return;
        }
    RefNumFn *fn = ref_num_fns[op] ? ref_num_fns[op] : ref_simd_fns[op];
    if (fn)
        numeric(s, fn, &ri->in);
    else
        s->result = (RefResult){.status = REF_UNSUPPORTED, .what = op_infos[op].text};
}

void ref_run(RefStore *s, u32 frames)
{
    while (s->result.status == REF_OK && s->frames.n > frames) {
        RefFrame *f = ref_frame(s);
        if (f->pc >= f->code->n) {
            leave(s);
        } else if (s->steps == 0) {
            s->result.status = REF_OUT_OF_STEPS;
        } else {
            s->steps--;
            step(s, &f->code->insns[f->pc++]);
        }
    }
}
