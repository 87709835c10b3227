/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The baseline compiler's driver: a scan of the body, then one pass that emits code. See
 * baseline.h for the invariants and docs/baseline.md for the design.
 *
 * Running out of code space is sticky in the code buffer and looked at once, at the end; so there
 * is nothing to unwind.
 */
#include "compile/baseline.h"

enum {
    LEAF_FRAME = 1024,       /* frames of leaf functions without a check */
    SMALL_FRAME = 16 * 1024, /* checked after they are set up: less than lies below the limit */
    FRAME_LIMIT = 64 << 20,
};

CompileCtx *compile_ctx_new(void)
{
    CompileCtx *c = mem_alloc(sizeof *c);
    code_init(&c->b.code, 0);
    arena_init(&c->b.arena);
    return c;
}

void compile_ctx_free(CompileCtx *c)
{
    if (!c)
        return;
    Baseline *b = &c->b;
    code_release(&b->code);
    arena_release(&b->arena);
    mem_free(b->locals);
    vec_release(&b->used);
    vec_release(&b->stack);
    vec_release(&b->blocks);
    vec_release(&b->scan_blocks);
    vec_release(&b->loops);
    vec_release(&b->hoists);
    vec_release(&b->stubs);
    vec_release(&b->traps);
    vec_release(&b->calls);
    vec_release(&b->relocs);
    vec_release(&b->labels);
    mem_free(c);
}

void compile_dump(CompileCtx *c, void (*insn)(void *arg, u32 wasm, u32 code), void *arg)
{
    c->b.dump = insn;
    c->b.dump_arg = arg;
}

/* --- prologue and epilogue --- */

static const u8 int_args[] = ROLE_INT_ARGS;

static X64Mem saved_mem(const Baseline *b, u32 i)
{
    return x64_mem(RBP, -(i32)((b->leaves ? 16 : 0) + 8 * (i + 1)));
}

void bl_restore_saved(Baseline *b)
{
    for (u32 i = 0; i < b->nsaved; i++)
        x64_rm(&b->code, X64_MOV, SZ_64, b->saved_pins[i], saved_mem(b, i));
}

static u32 patched_u32(CodeBuf *c, const u8 *opcode, u32 n)
{
    u8 bytes[8] = {0};
    memcpy(bytes, opcode, n);
    code_bytes(c, bytes, n + 4);
    return code_offset(c) - 4;
}

/* Against the store's limit; a large frame before it is set up. */
static void stack_check(Baseline *b)
{
    CodeBuf *c = &b->code;
    CodeLabel trap = bl_trap_label(b, TRAP_STACK_OVERFLOW);
    x64_rm(c, X64_MOV, SZ_64, RAX, x64_mem(ROLE_VMCTX, offsetof(VmCtx, store)));
    if (b->check == CHECK_LARGE) {
        static const u8 add_rax[] = {0x48, 0x05};
        x64_rm(c, X64_MOV, SZ_64, RAX, x64_mem(RAX, offsetof(VmStore, stack_limit)));
        b->check_patch = patched_u32(c, add_rax, sizeof add_rax);
        x64_jcc(c, CC_B, trap);
        x64_rr(c, X64_CMP, SZ_64, RSP, RAX);
    } else {
        x64_rm(c, X64_CMP, SZ_64, RSP, x64_mem(RAX, offsetof(VmStore, stack_limit)));
    }
    x64_jcc(c, CC_B, trap);
}

static void store_register_params(Baseline *b)
{
    CodeBuf *c = &b->code;
    if (b->result_ptr)
        x64_mr(c, X64_MOV, SZ_64, x64_mem(RBP, -(i32)b->result_ptr), RDI);
    for (u32 i = 0; i < b->type->nparams; i++) {
        const Local *l = b->locals + i;
        const ArgLoc *a = b->call.params + i;
        if (l->weight == 0 || l->reg != GPR_NONE || a->cls == ARG_STACK)
            continue;
        u8 reg = a->cls == ARG_INT ? int_args[a->reg] : a->reg;
        Val v = {.kind = V_REG, .type = l->type, .reg = reg};
        bl_store_val(b, &v, bl_local_mem(b, i));
    }
}

static void move_register_params(Baseline *b)
{
    Move ints[CALL_INT_ARGS], floats[CALL_FLOAT_ARGS];
    u32 ni = 0, nf = 0;
    for (u32 i = 0; i < b->type->nparams; i++) {
        const Local *l = b->locals + i;
        const ArgLoc *a = b->call.params + i;
        if (l->reg == GPR_NONE || a->cls == ARG_STACK)
            continue;
        Val v = {.kind = V_REG, .type = l->type, .reg = a->reg};
        if (a->cls == ARG_INT)
            v.reg = int_args[a->reg];
        if (a->cls == ARG_INT)
            ints[ni++] = (Move){v, l->reg};
        else
            floats[nf++] = (Move){v, l->reg};
    }
    bl_parallel_gpr(b, ints, ni);
    bl_parallel_xmm(b, floats, nf);
    /* upper halves are undefined by the convention; other pins were written by 32-bit moves */
    for (u32 i = 0; i < b->type->nparams; i++) {
        const Local *l = b->locals + i;
        if (l->reg != GPR_NONE && l->type == KIND_I32 && b->call.params[i].cls == ARG_INT &&
            (l->reg == RDI || l->reg == RSI || l->reg == R8 || l->reg == R9))
            x64_rr(&b->code, X64_MOV, SZ_32, l->reg, l->reg);
    }
}

static void load_stack_params(Baseline *b)
{
    CodeBuf *c = &b->code;
    for (u32 i = 0; i < b->type->nparams; i++) {
        const Local *l = b->locals + i;
        const ArgLoc *a = b->call.params + i;
        if (l->weight == 0 || a->cls != ARG_STACK)
            continue;
        X64Mem from = x64_mem(RBP, 16 + (i32)a->offset);
        X64Sse mov = l->type == KIND_V128 ? X64_MOVUPS : X64_MOVSD;
        if (l->reg == GPR_NONE) {
            x64_xm(c, mov, XMM15, from);
            x64_mx(c, mov, bl_local_mem(b, i), XMM15);
        } else if (bl_is_float(l->type)) {
            x64_xm(c, mov, l->reg, from);
        } else {
            x64_rm(c, X64_MOV, bl_size(l->type), l->reg, from);
        }
    }
}

static bool zero_slot(const Local *l)
{
    return l->need_init && l->reg == GPR_NONE;
}

/* Many slots at once: the whole area of locals, before parameters are put there. */
static void zero_area(Baseline *b)
{
    CodeBuf *c = &b->code;
    CodeLabel loop = code_label(c);
    u32 bytes = (u32)align_up(b->locals_end - b->locals_start, 16);
    x64_zero_x(c, XMM15);
    x64_mov_ri(c, SZ_64, RAX, -(i64)bytes);
    code_bind(c, loop);
    x64_mx(c, X64_MOVUPS, x64_mem_index(RBP, RAX, 0, (i32)bytes - (i32)b->locals_end), XMM15);
    x64_ri(c, X64_ADD, SZ_64, RAX, 16);
    x64_jcc(c, CC_NE, loop);
}

static void zero_locals(Baseline *b, bool slots)
{
    CodeBuf *c = &b->code;
    bool zeroed = false;
    for (u32 k = 0; k < b->used.n; k++) {
        u32 i = b->used.p[k];
        const Local *l = b->locals + i;
        if (i < b->type->nparams || !l->need_init)
            continue;
        if (l->reg != GPR_NONE) {
            if (bl_is_float(l->type))
                x64_zero_x(c, l->reg);
            else
                x64_zero(c, l->reg);
        } else if (slots) {
            if (!zeroed)
                x64_zero_x(c, XMM15);
            zeroed = true;
            x64_mx(c, l->type == KIND_V128 ? X64_MOVUPS : X64_MOVSD, bl_local_mem(b, i), XMM15);
        }
    }
}

static void prologue(Baseline *b)
{
    CodeBuf *c = &b->code;
    static const u8 sub_rsp[] = {0x48, 0x81, 0xec};
    x64_push_r(c, RBP);
    x64_rr(c, X64_MOV, SZ_64, RBP, RSP);
    if (b->check == CHECK_LARGE)
        stack_check(b);
    b->frame_patch = patched_u32(c, sub_rsp, sizeof sub_rsp);
    if (b->check == CHECK_SMALL)
        stack_check(b);
    if (b->leaves)
        x64_mr(c, X64_MOV, SZ_64, x64_mem(RBP, -8), ROLE_VMCTX);
    for (u32 i = 0; i < b->nsaved; i++)
        x64_mr(c, X64_MOV, SZ_64, saved_mem(b, i), b->saved_pins[i]);
    u32 slots = 0;
    for (u32 i = 0; i < b->used.n; i++)
        slots += b->used.p[i] >= b->type->nparams && zero_slot(b->locals + b->used.p[i]);
    bool area = slots > 16;
    if (area)
        zero_area(b);
    store_register_params(b);
    move_register_params(b);
    load_stack_params(b);
    zero_locals(b, !area);
    if (b->mem0_moves)
        bl_reload_memory0(b);
    bl_reload_length(b);
    bl_interrupt_checks(b);
}

static void epilogue(Baseline *b)
{
    CodeBuf *c = &b->code;
    static const u8 leave[] = {0xc9};
    code_bind(c, b->epilogue);
    bl_restore_saved(b);
    code_bytes(c, leave, sizeof leave);
    if (b->call.stack_bytes)
        x64_ret_pop(c, u16_of(b->call.stack_bytes));
    else
        x64_ret(c);
}

/* --- instructions --- */

static void other_insn(Baseline *b, const Insn *in)
{
    OpId op = (OpId)in->op;
    bool known = false;
    if (op_infos[op].prefix == 0xfd)
        known = bl_op_simd(b, op);
    else
        known = bl_op_int(b, op) || bl_op_float(b, op) || bl_op_memory(b, op) || bl_op_table(b, op);
    if (!known)
        BUG("an instruction that compile_unsupported should have named");
}

static void compile_insn(Baseline *b, const Insn *in)
{
    switch (in->op) {
    case OP_nop:
        break;
    case OP_unreachable:
        bl_op_unreachable(b);
        break;
    case OP_block:
        bl_op_block(b, BK_BLOCK);
        break;
    case OP_loop:
        bl_op_block(b, BK_LOOP);
        break;
    case OP_if:
        bl_op_block(b, BK_IF);
        break;
    case OP_else:
        bl_op_else(b);
        break;
    case OP_end:
        bl_op_end(b);
        break;
    case OP_br:
        bl_op_br(b, in->idx);
        break;
    case OP_br_if:
        bl_op_br_if(b);
        break;
    case OP_br_table:
        bl_op_br_table(b);
        break;
    case OP_return:
        bl_op_return(b);
        break;
    case OP_br_on_null:
        bl_op_br_on_null(b, false);
        break;
    case OP_br_on_non_null:
        bl_op_br_on_null(b, true);
        break;
    case OP_call:
    case OP_return_call:
        bl_op_call(b, in->op == OP_return_call);
        break;
    case OP_call_indirect:
    case OP_return_call_indirect:
        bl_op_call_indirect(b, in->op == OP_return_call_indirect);
        break;
    case OP_call_ref:
    case OP_return_call_ref:
        bl_op_call_ref(b, in->op == OP_return_call_ref);
        break;
    case OP_drop:
        bl_release(b, bl_pop(b));
        break;
    case OP_select:
    case OP_select_t:
        bl_op_select(b);
        break;
    case OP_local_get:
        bl_local_get(b, in->idx);
        break;
    case OP_local_set:
        bl_local_set(b, in->idx, false);
        break;
    case OP_local_tee:
        bl_local_set(b, in->idx, true);
        break;
    case OP_i32_const:
        bl_push_const(b, KIND_I32, (u32)in->value);
        break;
    case OP_i64_const:
        bl_push_const(b, KIND_I64, in->value);
        break;
    case OP_f32_const:
        bl_push_const(b, KIND_F32, in->value);
        break;
    case OP_f64_const:
        bl_push_const(b, KIND_F64, in->value);
        break;
    default:
        other_insn(b, in);
    }
}

static void compile_body(Baseline *b)
{
    bl_push_func_block(b);
    b->reachable = true;
    while (b->blocks.n && insn_read(&b->r, &b->in)) {
        b->wasm_at = b->in.offset;
        if (b->dump)
            b->dump(b->dump_arg, b->wasm_at, code_offset(&b->code));
        if (b->t->fuel && !(op_infos[b->in.op].flags & OPF_FREE))
            b->fuel_pending++;
        compile_insn(b, &b->in);
        while (!b->reachable && b->blocks.n)
            bl_skip_dead(b);
    }
}

/* --- functions --- */

static void begin(Baseline *b, const CompileEnv *env, u32 func, StackCheck check)
{
    arena_reset(&b->arena);
    b->env = env;
    b->m = env->module;
    b->layout = env->layout;
    b->t = env->tunables;
    b->func = func;
    b->type = module_func_type(b->m, func);
    call_layout_init(&b->call, b->type, &b->arena);
    diag_init(&b->diag);
    insn_reader_init(&b->r, b->m, b->m->funcs[func].body, &b->diag);
    b->code.features = b->t->cpu;
    code_reset(&b->code);
    b->wasm_at = b->m->funcs[func].body.at;
    b->failed = b->has_call = b->leaves = b->has_v128 = false;
    b->call_weight = b->max_slot = b->max_down = 0;
    b->fuel_pending = b->t->fuel ? 1 : 0; /* the call itself */
    b->calls_made = 0;
    vec_reserve(&b->stack, 8); /* so that pointers into it are formed from a real one */
    b->stack.n = b->unspilled[0] = b->unspilled[1] = b->flushed = 0;
    b->stubs.n = b->traps.n = b->calls.n = b->relocs.n = 0;
    b->mem0_moves = b->m->nmemories && memory_can_move(b->m->memories, b->t);
    b->epilogue = code_label(&b->code);
    b->check = (u8)check;
}

static u64 frame_bytes(const Baseline *b)
{
    return align_up(b->locals_end + ((u64)b->max_slot << b->slot_log2), 16);
}

/* The check that a frame of this size needs. */
static StackCheck check_for(const Baseline *b)
{
    u64 all = frame_bytes(b) + b->max_down;
    if (all > SMALL_FRAME)
        return CHECK_LARGE;
    return b->has_call || all > LEAF_FRAME ? CHECK_SMALL : CHECK_NONE;
}

static void compile_once(Baseline *b, const CompileEnv *env, u32 func, StackCheck check)
{
    begin(b, env, func, check);
    bl_scan(b);
    bl_assign_registers(b);
    if (b->check == CHECK_NONE && b->has_call)
        b->check = CHECK_SMALL;
    prologue(b);
    compile_body(b);
    epilogue(b);
    bl_trap_stubs(b);
}

static void patch_frame(Baseline *b)
{
    u32 size = (u32)frame_bytes(b);
    store_u32(b->code.base + b->frame_patch, size);
    if (b->check == CHECK_LARGE)
        store_u32(b->code.base + b->check_patch, size + b->max_down);
}

static void hand_over(Baseline *b, CompiledFunc *ret_code)
{
    for (u32 i = 0; i < b->code.relocs.n; i++) {
        CodeReloc r = b->code.relocs.p[i];
        bool slot = r.target >> 31;
        vec_push(&b->relocs,
                 ((FuncReloc){r.at, slot ? RELOC_SLOT : RELOC_CALL_FUNC, r.target & INT32_MAX}));
    }
    *ret_code = (CompiledFunc){
        .code = b->code.base,
        .size = b->code.size,
        .nrelocs = b->relocs.n,
        .ntraps = b->traps.n,
        .ncalls = b->calls.n,
        .relocs = b->relocs.p,
        .traps = b->traps.p,
        .calls = b->calls.p,
        .frame_size = (u32)frame_bytes(b),
    };
}

Error *compile_baseline(CompileCtx *ctx, const CompileEnv *env, u32 func, CompiledFunc *ret_code)
{
    Baseline *b = &ctx->b;
    compile_once(b, env, func, CHECK_NONE);
    if (check_for(b) > b->check)
        compile_once(b, env, func, check_for(b));
    if (b->failed || frame_bytes(b) > FRAME_LIMIT)
        return error_new("function %u needs a stack frame of more than %d bytes", func,
                         FRAME_LIMIT);
    if (!diag_ok(&b->diag))
        return error_new("function %u: %s", func, b->diag.msg);
    if (!code_finish(&b->code))
        return error_new("function %u is too large to compile", func);
    patch_frame(b);
    hand_over(b, ret_code);
    return NULL;
}

/* --- what is not there yet --- */

/* Proposals whose instructions no compiler has. */
static const u8 missing[] = {FEATURE_BIT_GC, FEATURE_BIT_EXCEPTIONS, FEATURE_BIT_THREADS,
                             FEATURE_BIT_STACK_SWITCHING};

static void skip_group(void *arg, u32 count, ValType type)
{
    (void)arg;
    (void)count;
    (void)type;
}

static bool bodies_use(const WasmModule *m, u32 feature)
{
    Diag diag;
    diag_init(&diag);
    for (u32 i = m->n_imported_funcs; i < m->nfuncs; i++) {
        InsnReader r;
        Insn in;
        insn_reader_init(&r, m, m->funcs[i].body, &diag);
        if (!insn_read_locals(&r, skip_group, NULL))
            return false;
        while (insn_read(&r, &in))
            if (op_infos[in.op].feature == feature)
                return true;
    }
    return false;
}

static bool const_exprs_use_gc(const WasmModule *m)
{
    Diag diag;
    diag_init(&diag);
    for (u32 i = m->n_imported_globals; i < m->nglobals + m->ntables; i++) {
        bool global = i < m->nglobals;
        if (!global && !m->tables[i - m->nglobals].has_init)
            continue;
        Range range = global ? m->globals[i].init : m->tables[i - m->nglobals].init;
        InsnReader r;
        Insn in;
        insn_reader_init(&r, m, range, &diag);
        while (insn_read(&r, &in))
            if (op_infos[in.op].feature == FEATURE_BIT_GC)
                return true;
    }
    return false;
}

const char *compile_unsupported(const WasmModule *m)
{
    for (u32 i = 0; i < m->nmemories; i++)
        if (m->memories[i].shared)
            return feature_name(FEATURE_BIT_THREADS);
    for (u32 i = 0; i < ARRAY_LEN(missing); i++) {
        u32 f = missing[i];
        if (!(m->uses >> f & 1))
            continue;
        if (bodies_use(m, f) || (f == FEATURE_BIT_GC && const_exprs_use_gc(m)))
            return feature_name((enum FeatureBit)f);
    }
    return NULL;
}
