/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Blocks, branches and exceptions. The first frame is the function's (or the expression's) own. */
#include "wasm/validate.h"

/* ---- signatures ---- */

/* What the frame's end leaves; `single` is room for one type. */
static Types frame_results(Validator *v, const Frame *f, ValType *single)
{
    if (f == v->frames.p)
        return v->results;
    switch ((BlockTypeKind)f->block.kind) {
    case BLOCK_EMPTY:
        break;
    case BLOCK_VALUE:
        *single = f->block.type;
        return (Types){single, 1};
    case BLOCK_TYPE: {
        const FuncType *t = types_func_type(v->types, v->m->types[f->block.index]);
        return (Types){t->results, t->nresults};
    }
    }
    return (Types){0};
}

static Types frame_params(Validator *v, const Frame *f)
{
    if (f == v->frames.p || f->block.kind != BLOCK_TYPE)
        return (Types){0};
    const FuncType *t = types_func_type(v->types, v->m->types[f->block.index]);
    return (Types){t->params, t->nparams};
}

Types validate_label_types(Validator *v, const Frame *f, ValType *single)
{
    return f->kind == FRAME_LOOP ? frame_params(v, f) : frame_results(v, f, single);
}

const Frame *validate_label(Validator *v, const Insn *i, u32 depth)
{
    if (LIKELY(depth < v->frames.n))
        return &v->frames.p[v->frames.n - 1 - depth];
    validate_fail(v, i, "unknown label %u", depth);
    return NULL;
}

/* ---- opening and closing ---- */

static void open_frame(Validator *v, FrameKind kind, const BlockType *block)
{
    vec_push(&v->frames,
             ((Frame){.height = v->n, .inits = v->inits.n, .kind = (u8)kind, .block = *block}));
    v->base = v->n;
    v->unreachable = false;
}

static void open_block(Validator *v, const Insn *i, FrameKind kind)
{
    Frame f = {.block = i->block};
    Types params = {0};
    if (f.block.kind == BLOCK_TYPE) {
        const FuncType *t = types_func_type(v->types, v->m->types[f.block.index]);
        params = (Types){t->params, t->nparams};
    }
    if (params.n)
        validate_pop_all(v, params);
    open_frame(v, kind, &i->block);
    validate_push_all(v, params);
}

/* Locals set within the frame count as unset again. */
static void forget_inits(Validator *v, u32 height)
{
    while (v->inits.n > height)
        v->init[v->inits.p[--v->inits.n]] = 0;
}

/* Checks the operands at the end of the innermost frame and drops it; false after an error. */
static bool close_frame(Validator *v, Frame *ret_frame)
{
    Frame *f = &v->frames.p[v->frames.n - 1];
    ValType single;
    validate_pop_all(v, frame_results(v, f, &single));
    if (!read_ok(&v->r))
        return false;
    if (v->n != v->base) {
        validate_fail(v, NULL, "type mismatch: %u values remaining on stack at end of block",
                      v->n - v->base);
        return false;
    }
    forget_inits(v, f->inits);
    *ret_frame = *f;
    v->frames.n--;
    v->base = 0;
    v->unreachable = false;
    if (v->frames.n) {
        v->base = v->frames.p[v->frames.n - 1].height;
        v->unreachable = v->frames.p[v->frames.n - 1].unreachable;
    }
    return true;
}

static void end_op(Validator *v)
{
    Frame *f = &v->frames.p[v->frames.n - 1];
    ValType single;
    if (f->kind == FRAME_IF &&
        !validate_types_match(v, frame_params(v, f), frame_results(v, f, &single))) {
        validate_fail(v, NULL, "type mismatch: if without else must return its parameters");
        return;
    }
    bool body = v->frames.n == 1;
    Frame closed;
    if (!close_frame(v, &closed) || body)
        return;
    closed.kind = FRAME_BLOCK;
    validate_push_all(v, frame_results(v, &closed, &single));
}

static void else_op(Validator *v, const Insn *i)
{
    Frame closed;
    if (v->frames.p[v->frames.n - 1].kind != FRAME_IF || v->frames.n == 1) {
        read_fail(&v->r, DIAG_MALFORMED, v->r.base + i->offset,
                  "END opcode expected: else without if");
        return;
    }
    if (!close_frame(v, &closed))
        return;
    open_frame(v, FRAME_ELSE, &closed.block);
    validate_push_all(v, frame_params(v, &closed));
}

void validate_end_body(Validator *v, bool last)
{
    if (!read_ok(&v->r))
        return;
    if (v->frames.n)
        read_fail(&v->r, DIAG_MALFORMED, v->r.end,
                  last ? "unexpected end of section or function: END opcode expected"
                       : "END opcode expected at the end of the function");
    else if (v->r.at != v->r.end)
        read_fail(&v->r, DIAG_MALFORMED, v->r.at,
                  "section size mismatch: unexpected content after the end of the function");
}

/* ---- branches ---- */

static void br(Validator *v, const Insn *i)
{
    const Frame *f = validate_label(v, i, i->idx);
    if (!f)
        return;
    ValType single;
    Types types = validate_label_types(v, f, &single);
    if (i->op == OP_br_if)
        pop(v, VT_I32);
    validate_pop_all(v, types);
    if (i->op == OP_br_if)
        validate_push_all(v, types);
    else
        validate_dead(v);
}

/* Checks the operands on top of the stack without popping them. */
static void check_operands(Validator *v, Types types)
{
    u32 have = v->n - v->base;
    if (have < types.n && !v->unreachable) {
        validate_pop_all(v, types);
        return;
    }
    if (have >= types.n && (types.n == 0 || memcmp(v->stack + v->n - types.n, types.p,
                                                   types.n * sizeof(ValType)) == 0))
        return;
    for (u32 k = 0; k < MIN(have, types.n); k++)
        if (!sub(v, v->stack[v->n - 1 - k], types.p[types.n - 1 - k])) {
            validate_mismatch(v, types.p[types.n - 1 - k], v->stack[v->n - 1 - k]);
            return;
        }
}

/* True the first time that this br_table meets the block type. */
static bool fresh_block_type(Validator *v, const Frame *f)
{
    if (f == v->frames.p || f->block.kind != BLOCK_TYPE)
        return true;
    if (v->label_seen.n < 2 * v->m->ntypes) {
        vec_reserve(&v->label_seen, 2 * v->m->ntypes);
        v->label_seen.n = 2 * v->m->ntypes;
    }
    u64 *seen = &v->label_seen.p[2 * f->block.index + (f->kind == FRAME_LOOP)];
    if (*seen == v->br_tables)
        return false;
    *seen = v->br_tables;
    return true;
}

static void br_table(Validator *v, const Insn *i)
{
    pop(v, VT_I32);
    v->br_tables++;
    const u8 *at = i->targets;
    u32 arity = 0;
    for (u32 k = 0; k <= i->count && read_ok(&v->r); k++) {
        const Frame *f = validate_label(v, i, insn_next_label(&at));
        if (!f)
            return;
        ValType single;
        Types types = validate_label_types(v, f, &single);
        if (k == 0)
            arity = types.n;
        if (types.n != arity)
            validate_fail(v, i, "type mismatch: br_table to labels of %u and %u types", arity,
                          types.n);
        else if (fresh_block_type(v, f))
            check_operands(v, types);
    }
    if (read_ok(&v->r))
        validate_dead(v);
}

/* ---- branches on references ---- */

static void br_on_null(Validator *v, Types label)
{
    ValType t = validate_pop_ref(v);
    validate_pop_all(v, label);
    validate_push_all(v, label);
    push(v, validate_non_null(t));
}

/* The label's types without the last, which must be a reference. */
static bool split_label(Validator *v, const Insn *i, Types *label, ValType *ret_last)
{
    if (label->n && valtype_is_ref(label->p[label->n - 1])) {
        *ret_last = label->p[--label->n];
        return true;
    }
    validate_fail(v, i, "type mismatch: the label of %s must take a reference",
                  op_infos[i->op].text);
    return false;
}

static void br_on_non_null(Validator *v, const Insn *i, Types label)
{
    ValType last, t = validate_pop_ref(v);
    if (!split_label(v, i, &label, &last))
        return;
    if (t != VT_BOT && !sub(v, validate_non_null(t), last))
        validate_mismatch(v, last, validate_non_null(t));
    validate_pop_all(v, label);
    validate_push_all(v, label);
}

static void br_on_cast(Validator *v, const Insn *i, Types label)
{
    ValType last;
    if (!sub(v, i->type2, i->type)) {
        validate_mismatch(v, i->type, i->type2);
        return;
    }
    if (!split_label(v, i, &label, &last))
        return;
    ValType rest = valtype_nullable(i->type2) ? validate_non_null(i->type) : i->type;
    bool fail = i->op == OP_br_on_cast_fail;
    ValType taken = fail ? rest : i->type2;
    if (!sub(v, taken, last)) {
        validate_mismatch(v, last, taken);
        return;
    }
    pop(v, i->type);
    validate_pop_all(v, label);
    validate_push_all(v, label);
    push(v, fail ? i->type2 : rest);
}

static void br_on(Validator *v, const Insn *i)
{
    const Frame *f = validate_label(v, i, i->idx);
    if (!f)
        return;
    ValType single;
    Types label = validate_label_types(v, f, &single);
    if (i->op == OP_br_on_null)
        br_on_null(v, label);
    else if (i->op == OP_br_on_non_null)
        br_on_non_null(v, i, label);
    else
        br_on_cast(v, i, label);
}

/* ---- exceptions ---- */

/* What the catch clause passes to its label must be below what the label takes. */
static void check_catch(Validator *v, const Insn *i, CatchClause c)
{
    const Frame *f = validate_label(v, i, c.label);
    Types payload = {0};
    if (f && c.kind <= CATCH_TAG_REF) {
        const FuncType *tag = validate_tag(v, i, c.tag);
        if (!tag)
            return;
        payload = (Types){tag->params, tag->nparams};
    }
    if (!f)
        return;
    ValType single;
    Types label = validate_label_types(v, f, &single);
    bool with_ref = c.kind == CATCH_TAG_REF || c.kind == CATCH_ALL_REF;
    if (with_ref) {
        ValType exn = VALTYPE_REF(HEAP_EXN, false);
        if (label.n == 0 || !sub(v, exn, label.p[label.n - 1])) {
            validate_fail(v, i, "type mismatch: the label of catch_ref must take an exnref");
            return;
        }
        label.n--;
    }
    if (!validate_types_match(v, payload, label))
        validate_fail(v, i, "type mismatch: catch clause and its label %u", c.label);
}

static void try_table(Validator *v, const Insn *i)
{
    const u8 *at = i->targets;
    for (u32 k = 0; k < i->count && read_ok(&v->r); k++)
        check_catch(v, i, insn_next_catch(&at));
    open_block(v, i, FRAME_TRY);
}

void validate_control(Validator *v, const Insn *i)
{
    switch ((u32)i->op) {
    case OP_block:
        open_block(v, i, FRAME_BLOCK);
        break;
    case OP_loop:
        open_block(v, i, FRAME_LOOP);
        break;
    case OP_if:
        pop(v, VT_I32);
        open_block(v, i, FRAME_IF);
        break;
    case OP_else:
        else_op(v, i);
        break;
    case OP_end:
        end_op(v);
        break;
    case OP_br:
    case OP_br_if:
        br(v, i);
        break;
    case OP_br_table:
        br_table(v, i);
        break;
    case OP_return:
        validate_pop_all(v, v->results);
        validate_dead(v);
        break;
    case OP_br_on_null:
    case OP_br_on_non_null:
    case OP_br_on_cast:
    case OP_br_on_cast_fail:
        br_on(v, i);
        break;
    case OP_try_table:
        try_table(v, i);
        break;
    default:
        BUG("control instruction without a rule");
    }
}
