/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Blocks and branches.
 *
 * The values that a label takes lie in places that follow from their types alone: up to two
 * integers and four floats in registers, else all of them in the slots of the positions that they
 * have behind the branch. Nothing else has to be agreed upon where paths meet (baseline.h,
 * invariant 3). Labels of the function's own block take the convention's result registers.
 */
#include "compile/baseline.h"

enum { LOOP_ALIGN = 32 }; /* of innermost loops: a third of the time of the smallest ones */

static u8 result_type(const Block *k, u32 i)
{
    return k->results ? (u8)valtype_kind(k->results[i]) : k->single;
}

/* Types of the values that a branch to the block carries. */
static u32 label_arity(const Block *k)
{
    return k->kind == BK_LOOP ? k->nparams : k->nresults;
}

static u8 label_type(const Block *k, u32 i)
{
    return k->kind == BK_LOOP ? (u8)valtype_kind(k->params[i]) : result_type(k, i);
}

/* --- places --- */

typedef struct Places {
    u32 n;
    bool slots;
    u8 reg[BL_MERGE_INTS + BL_MERGE_FLOATS];
} Places;

/* `params`: of the block's parameters rather than of its label. */
static void bl_places(const Baseline *b, const Block *k, bool params, Places *ret)
{
    u32 n = params ? k->nparams : label_arity(k), ints = 0, floats = 0;
    *ret = (Places){.n = n, .slots = n > BL_MERGE_INTS + BL_MERGE_FLOATS};
    for (u32 i = 0; i < n && !ret->slots; i++) {
        u8 t = params ? (u8)valtype_kind(k->params[i]) : label_type(k, i);
        if (bl_is_float(t)) {
            ret->slots = floats == BL_MERGE_FLOATS;
            ret->reg[i] = (u8)floats++;
        } else {
            ret->slots = ints == BL_MERGE_INTS;
            if (!ret->slots)
                ret->reg[i] = b->merge_gpr[ints++];
        }
    }
}

/* The topmost values go to their places, which start at stack position `height`; only code is
 * emitted, the descriptions stay. Flags stay. */
static void move_to_places(Baseline *b, const Places *p, u32 height)
{
    const Val *from = b->stack.p + b->stack.n - p->n;
    if (p->slots) {
        for (u32 i = 0; i < p->n; i++)
            if (from[i].kind != V_SLOT || from[i].imm != height + i)
                bl_store_val(b, &from[i], bl_slot(b, height + i));
        return;
    }
    Move ints[BL_MERGE_INTS], floats[BL_MERGE_FLOATS];
    u32 ni = 0, nf = 0;
    for (u32 i = 0; i < p->n; i++) {
        if (bl_is_float(from[i].type))
            floats[nf++] = (Move){from[i], p->reg[i]};
        else
            ints[ni++] = (Move){from[i], p->reg[i]};
    }
    bl_parallel_gpr(b, ints, ni);
    bl_parallel_xmm(b, floats, nf);
}

static bool in_places(const Baseline *b, const Places *p, u32 height)
{
    const Val *from = b->stack.p + b->stack.n - p->n;
    for (u32 i = 0; i < p->n; i++) {
        if (p->slots ? from[i].kind != V_SLOT || from[i].imm != height + i
                     : from[i].kind != V_REG || from[i].reg != p->reg[i])
            return false;
    }
    return true;
}

/* Describes values that lie in their places. */
static void push_places(Baseline *b, const Block *k, bool params)
{
    Places p;
    Block as_block = *k; /* results, even of a loop */
    if (!params)
        as_block.kind = BK_BLOCK;
    bl_places(b, &as_block, params, &p);
    for (u32 i = 0; i < p.n; i++) {
        u8 t = params ? (u8)valtype_kind(k->params[i]) : result_type(k, i);
        if (p.slots) {
            u32 position = b->stack.n;
            (void)bl_slot(b, position);
            bl_push(b, (Val){.kind = V_SLOT, .type = t, .imm = position});
        } else if (bl_is_float(t)) {
            bl_push_xmm(b, t, p.reg[i]);
        } else {
            bl_push_gpr(b, t, p.reg[i]);
        }
    }
}

/* Moves what a branch to the block carries, and jumps. */
static void branch(Baseline *b, Block *k)
{
    if (k->kind == BK_FUNC) {
        bl_func_results(b);
        x64_jmp(&b->code, b->epilogue);
        return;
    }
    Places p;
    bl_places(b, k, false, &p);
    move_to_places(b, &p, k->height);
    k->reached = true;
    x64_jmp(&b->code, k->label);
}

/* True if a branch to the block needs nothing but a jump. */
static bool branch_is_jump(const Baseline *b, const Block *k)
{
    if (k->kind == BK_FUNC)
        return k->nresults == 0;
    Places p;
    bl_places(b, k, false, &p);
    return in_places(b, &p, k->height);
}

static CodeLabel branch_label(Baseline *b, Block *k)
{
    k->reached = true;
    return k->kind == BK_FUNC ? b->epilogue : k->label;
}

static Block *block_at(Baseline *b, u32 depth)
{
    return b->blocks.p + b->blocks.n - 1 - depth;
}

/* --- conditions --- */

void bl_push_cond(Baseline *b, u32 cond)
{
    CodeBuf *c = &b->code;
    u8 next = bl_peek(b);
    if (!b->t->fuel && (next == 0x0d || next == 0x04 || next == 0x45 || next == 0x1b)) {
        bl_push(b, (Val){.kind = V_FLAGS, .type = KIND_I32, .cond = (u8)cond});
        return;
    }
    Gpr d = bl_hint_gpr(b);
    if (d == GPR_NONE)
        d = bl_alloc_gpr(b);
    if (cond == COND_FEQ || cond == COND_FNE) {
        x64_mov_ri(c, SZ_32, RAX, cond == COND_FNE);
        x64_mov_ri(c, SZ_32, d, cond == COND_FEQ);
        x64_cmov_rr(c, CC_NE, SZ_32, d, RAX);
        x64_cmov_rr(c, CC_P, SZ_32, d, RAX);
    } else {
        x64_setcc_r(c, (X64Cond)cond, RAX);
        x64_movzx_rr(c, SZ_8, d, RAX);
    }
    bl_push_gpr(b, KIND_I32, d);
}

/* Flags for a popped i32; returns the condition that holds if it is not zero. */
static u32 test_value(Baseline *b, Val *cond)
{
    CodeBuf *c = &b->code;
    if (cond->kind == V_FLAGS) {
        return cond->cond;
    }
    X64Mem m;
    if (bl_in_memory(b, cond, &m)) {
        x64_mi(c, X64_CMP, bl_size(cond->type), m, 0);
    } else {
        Gpr r = bl_gpr(b, cond);
        x64_rr(c, X64_TEST, bl_size(cond->type), r, r);
    }
    bl_release(b, *cond);
    return CC_NE;
}

static void jump_if(Baseline *b, u32 cc, CodeLabel l)
{
    CodeBuf *c = &b->code;
    if (cc == COND_FNE) {
        x64_jcc(c, CC_NE, l);
        x64_jcc(c, CC_P, l);
    } else if (cc == COND_FEQ) {
        CodeLabel skip = code_label(c);
        x64_jcc_short(c, CC_P, skip);
        x64_jcc(c, CC_E, l);
        code_bind(c, skip);
    } else {
        x64_jcc(c, (X64Cond)cc, l);
    }
}

void bl_branch_if(Baseline *b, Val cond, bool negate, CodeLabel l)
{
    u32 cc = test_value(b, &cond);
    jump_if(b, negate ? cc ^ 1u : cc, l);
}

/* --- blocks --- */

void bl_push_func_block(Baseline *b)
{
    b->serial = 1;
    Block k = {.kind = BK_FUNC,
               .serial = b->serial,
               .nresults = b->type->nresults,
               .results = b->type->results};
    b->blocks.n = 0;
    vec_push(&b->blocks, k);
}

static Block block_of(Baseline *b, BlockKind kind)
{
    const BlockType *t = &b->in.block;
    Block k = {.kind = (u8)kind, .label = code_label(&b->code), .other = CODE_NO_LABEL};
    k.serial = ++b->serial;
    k.loop = kind == BK_LOOP ? b->blocks.n : b->blocks.p[b->blocks.n - 1].loop;
    if (t->kind == BLOCK_VALUE) {
        k.nresults = 1;
        k.single = (u8)valtype_kind(t->type);
    } else if (t->kind == BLOCK_TYPE) {
        const FuncType *f = types_func_type(b->m->registry, b->m->types[t->index]);
        k.nparams = f->nparams;
        k.params = f->params;
        k.nresults = f->nresults;
        k.results = f->results;
    }
    return k;
}

/* Parameters to their places, so that another path may start from there. */
static void settle_params(Baseline *b, const Block *k)
{
    Places p;
    bl_places(b, k, true, &p);
    move_to_places(b, &p, k->height);
    bl_drop_to(b, k->height);
    push_places(b, k, true);
}

void bl_op_block(Baseline *b, BlockKind kind)
{
    Block k = block_of(b, kind);
    Val cond = {0};
    if (kind == BK_IF)
        cond = bl_pop(b);
    k.height = b->stack.n - k.nparams;
    bl_fuel_flush(b);
    bl_spill_for_block(b, k.nparams);
    if (kind != BK_BLOCK && k.nparams) {
        u32 cc = CC_NE;
        if (kind == BK_IF) /* moves keep the flags */
            cc = test_value(b, &cond);
        settle_params(b, &k);
        cond = (Val){.kind = V_FLAGS, .cond = (u8)cc};
    }
    if (kind == BK_IF) {
        k.other = code_label(&b->code);
        bl_branch_if(b, cond, true, k.other);
    } else if (kind == BK_LOOP) {
        const LoopInfo *info = b->loops.p + b->loop++;
        bl_hoist_checks(b, info, b->blocks.n, k.serial);
        if (info->innermost)
            x64_align(&b->code, LOOP_ALIGN);
        code_bind(&b->code, k.label);
        bl_interrupt_checks(b);
    }
    vec_push(&b->blocks, k);
}

void bl_op_else(Baseline *b)
{
    Block *k = block_at(b, 0);
    bl_fuel_flush(b);
    if (b->reachable)
        branch(b, k);
    bl_drop_to(b, k->height);
    code_bind(&b->code, k->other);
    k->kind = BK_ELSE;
    k->serial = ++b->serial;
    b->reachable = true;
    push_places(b, k, true);
}

void bl_op_end(Baseline *b)
{
    Block k = *block_at(b, 0);
    bl_fuel_flush(b);
    if (k.kind == BK_FUNC) {
        if (b->reachable)
            bl_func_results(b);
        bl_drop_to(b, 0);
        b->blocks.n--;
        return;
    }
    b->blocks.n--;
    if (k.kind == BK_LOOP || (!k.reached && k.kind != BK_IF)) {
        if (!b->reachable)
            bl_drop_to(b, k.height);
        return; /* only falling through leads here: values stay where they are */
    }
    if (b->reachable) {
        Places p;
        bl_places(b, &k, false, &p);
        move_to_places(b, &p, k.height);
    }
    bl_drop_to(b, k.height);
    if (k.kind == BK_IF)
        code_bind(&b->code, k.other); /* parameters are where the equal results are expected */
    code_bind(&b->code, k.label);
    b->reachable = true;
    push_places(b, &k, false);
}

/* --- branches --- */

void bl_op_br(Baseline *b, u32 depth)
{
    bl_fuel_flush(b);
    branch(b, block_at(b, depth));
    b->reachable = false;
}

/* A jump to the block if the condition holds. */
static void branch_cond(Baseline *b, Block *k, Val cond, bool negate)
{
    if (branch_is_jump(b, k)) {
        bl_branch_if(b, cond, negate, branch_label(b, k));
        return;
    }
    CodeLabel skip = code_label(&b->code);
    bl_branch_if(b, cond, !negate, skip);
    branch(b, k);
    code_bind(&b->code, skip);
}

void bl_op_br_if(Baseline *b)
{
    Val cond = bl_pop(b);
    bl_fuel_flush(b);
    branch_cond(b, block_at(b, b->in.idx), cond, false);
}

/* The reference on the stack, in a register, is tested; it stays there where it is not null. */
void bl_op_br_on_null(Baseline *b, bool non_null)
{
    Block *k = block_at(b, b->in.idx);
    bl_fuel_flush(b);
    Val ref = bl_pop(b);
    Gpr r = bl_gpr(b, &ref);
    if (non_null) /* the label takes the reference as its last value */
        bl_push(b, ref);
    x64_rr(&b->code, X64_TEST, SZ_64, r, r);
    branch_cond(b, k, (Val){.kind = V_FLAGS, .cond = non_null ? CC_NE : CC_E}, false);
    if (non_null)
        bl_release(b, bl_pop(b));
    else
        bl_push(b, ref);
}

/* Label of a jump to the block: its own, or of a stub that moves values first. */
static CodeLabel table_label(Baseline *b, Block *k)
{
    if (branch_is_jump(b, k))
        return branch_label(b, k);
    if (k->table_stub == 0)
        k->table_stub = code_label(&b->code) + 1;
    return k->table_stub - 1;
}

/* The code of the targets that have to move values. */
static void table_stubs(Baseline *b)
{
    const u8 *at = b->in.targets;
    for (u32 i = 0; i <= b->in.count; i++) {
        Block *k = block_at(b, insn_next_label(&at));
        if (!k->table_stub)
            continue;
        code_bind(&b->code, k->table_stub - 1);
        branch(b, k);
        k->table_stub = 0;
    }
}

/* Jumps to entry `RAX` of the table; what follows is unreachable, but values to move are kept. */
static void table_jump(Baseline *b, CodeLabel table)
{
    CodeBuf *c = &b->code;
    u32 free = b->gpr_temps & ~b->gpr_busy;
    Gpr base = free ? (Gpr)__builtin_ctz(free) : ROLE_VMCTX;
    if (!free)
        x64_push_r(c, ROLE_VMCTX);
    x64_lea(c, SZ_64, base, x64_mem_label(table));
    x64_movsx_rm(c, SZ_32, SZ_64, RAX, x64_mem_index(base, RAX, 2, 0));
    x64_rr(c, X64_ADD, SZ_64, RAX, base);
    if (!free)
        x64_pop_r(c, ROLE_VMCTX);
    x64_jmp_r(c, RAX);
}

void bl_op_br_table(Baseline *b)
{
    CodeBuf *c = &b->code;
    u32 n = b->in.count;
    const u8 *at = b->in.targets;
    Val index = bl_pop(b);
    bl_fuel_flush(b);
    Gpr r = bl_gpr(b, &index);
    b->labels.n = 0;
    for (u32 i = 0; i <= n; i++) {
        CodeLabel l = table_label(b, block_at(b, insn_next_label(&at)));
        vec_push(&b->labels, l);
    }
    if (n > 0) {
        /* clamped without a branch, so that no index beyond the table is used speculatively */
        x64_mov_ri(c, SZ_32, RAX, (i64)n);
        x64_ri(c, X64_CMP, SZ_32, r, (i32)n);
        x64_cmov_rr(c, CC_B, SZ_32, RAX, r);
        bl_release(b, index);
        table_jump(b, code_jump_table(c, b->labels.p, n + 1));
    } else {
        bl_release(b, index);
        x64_jmp(c, b->labels.p[0]);
    }
    table_stubs(b);
    b->reachable = false;
}

void bl_op_return(Baseline *b)
{
    bl_fuel_flush(b);
    branch(b, b->blocks.p);
    b->reachable = false;
}

/* --- select --- */

static void select_gpr(Baseline *b, Val x, Val y, u32 cc)
{
    CodeBuf *c = &b->code;
    X64Size sz = bl_size(x.type);
    if (cc == COND_FNE) { /* x unless equal and ordered */
        Val t = x;
        x = y;
        y = t;
        cc = COND_FEQ;
    }
    if (y.kind == V_CONST)
        bl_gpr(b, &y);
    Gpr d = bl_own_gpr(b, &x);
    X64Mem m;
    bool mem = bl_in_memory(b, &y, &m);
    Gpr r = mem ? GPR_NONE : bl_gpr(b, &y);
    if (cc == COND_FEQ) {
        r = bl_gpr(b, &y);
        x64_cmov_rr(c, CC_NE, sz, d, r);
        x64_cmov_rr(c, CC_P, sz, d, r);
    } else if (mem) {
        x64_cmov_rm(c, x64_cond_not((X64Cond)cc), sz, d, m);
    } else {
        x64_cmov_rr(c, x64_cond_not((X64Cond)cc), sz, d, r);
    }
    bl_release(b, y);
    bl_push_gpr(b, x.type, d);
}

static void select_xmm(Baseline *b, Val x, Val y, u32 cc)
{
    CodeBuf *c = &b->code;
    Xmm d = bl_own_xmm(b, &x);
    CodeLabel done = code_label(c);
    jump_if(b, cc, done);
    bl_load_xmm(b, &y, d);
    code_bind(c, done);
    bl_release(b, y);
    bl_push_xmm(b, x.type, d);
}

void bl_op_select(Baseline *b)
{
    Val cond = bl_pop(b), y = bl_pop(b), x = bl_pop(b);
    u32 cc = test_value(b, &cond);
    if (bl_is_float(x.type))
        select_xmm(b, x, y, cc);
    else
        select_gpr(b, x, y, cc);
}

/* --- dead code --- */

/* Reads up to the `else` or `end` that belongs to the innermost block, and handles it. */
void bl_skip_dead(Baseline *b)
{
    u32 depth = 0;
    bl_drop_to(b, block_at(b, 0)->height);
    while (insn_read(&b->r, &b->in)) {
        switch (b->in.op) {
        case OP_loop:
            b->loop++;
            depth++;
            break;
        case OP_block:
        case OP_if:
            depth++;
            break;
        case OP_else:
            if (depth)
                break;
            bl_op_else(b);
            return;
        case OP_end:
            if (depth) {
                depth--;
                break;
            }
            bl_op_end(b);
            return;
        default:
            break;
        }
    }
}

/* --- metering --- */

static void slow_path(Baseline *b, Builtin f)
{
    bl_save_pins(b);
    bl_builtin_raw(b, f);
    bl_reload_pins(b);
}

void bl_fuel_flush(Baseline *b)
{
    if (!b->fuel_pending)
        return;
    CodeBuf *c = &b->code;
    x64_rm(c, X64_MOV, SZ_64, RAX, x64_mem(ROLE_VMCTX, offsetof(VmCtx, store)));
    x64_mi(c, X64_ADD, SZ_64, x64_mem(RAX, offsetof(VmStore, fuel)),
           (i32)MIN(b->fuel_pending, INT32_MAX));
    b->fuel_pending = 0;
}

/* At function entry and loop heads. Values on the stack are in slots, but for a loop's parameters,
 * which go there for the time of a call. */
void bl_interrupt_checks(Baseline *b)
{
    CodeBuf *c = &b->code;
    if (!b->t->fuel && !b->t->epoch)
        return;
    u32 first = b->flushed;
    for (u32 i = first; i < b->stack.n; i++)
        bl_store_val(b, b->stack.p + i, bl_slot(b, i));
    if (b->t->fuel) {
        CodeLabel ok = code_label(c);
        bl_fuel_flush(b);
        x64_rm(c, X64_MOV, SZ_64, RAX, x64_mem(ROLE_VMCTX, offsetof(VmCtx, store)));
        x64_mi(c, X64_CMP, SZ_64, x64_mem(RAX, offsetof(VmStore, fuel)), 0);
        x64_jcc(c, CC_L, ok);
        slow_path(b, BUILTIN_out_of_fuel);
        code_bind(c, ok);
    }
    if (b->t->epoch) {
        CodeLabel ok = code_label(c);
        x64_rm(c, X64_MOV, SZ_64, RAX, x64_mem(ROLE_VMCTX, offsetof(VmCtx, store)));
        x64_push_r(c, RCX);
        x64_rm(c, X64_MOV, SZ_64, RCX, x64_mem(RAX, offsetof(VmStore, epoch)));
        x64_rm(c, X64_MOV, SZ_64, RCX, x64_mem(RCX, 0));
        x64_rm(c, X64_CMP, SZ_64, RCX, x64_mem(RAX, offsetof(VmStore, epoch_deadline)));
        x64_pop_r(c, RCX);
        x64_jcc(c, CC_B, ok);
        slow_path(b, BUILTIN_new_epoch);
        code_bind(c, ok);
    }
    for (u32 i = first; i < b->stack.n; i++) {
        Val *v = b->stack.p + i, slot = {.kind = V_SLOT, .type = v->type, .imm = i};
        if (v->kind != V_REG)
            continue;
        if (bl_is_float(v->type))
            bl_load_xmm(b, &slot, v->reg);
        else
            bl_load_gpr(b, &slot, v->reg);
    }
}
