/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Calls of wasm functions, host functions and builtins, tail calls, and the results of the
 * function itself.
 *
 * Around a call, values below the arguments lie in slots, and pins that the callee may clobber are
 * stored to their locals' slots before and loaded after it. RAX has the callee's VmFuncRef while
 * arguments are moved; nothing else uses it then.
 */
#include "compile/baseline.h"

static const u8 int_args[] = ROLE_INT_ARGS;
static const u8 int_results[] = ROLE_INT_RESULTS;

enum {
    CTX_AT = -8,  /* the context's place in frames that have it */
    WORD_AT = -16 /* a word next to it, for code addresses */
};

/* --- pins --- */

static Val pinned_val(const Local *l)
{
    return (Val){.kind = V_REG, .type = l->type, .reg = l->reg};
}

void bl_save_pins(Baseline *b)
{
    for (u32 i = 0; i < b->npinned; i++) {
        const Local *l = b->locals + b->pinned[i];
        if (!l->saved)
            continue;
        Val v = pinned_val(l);
        bl_store_val(b, &v, bl_local_mem(b, b->pinned[i]));
    }
}

void bl_reload_pins(Baseline *b)
{
    b->calls_made++;
    bl_reload_length(b);
    for (u32 i = 0; i < b->npinned; i++) {
        const Local *l = b->locals + b->pinned[i];
        if (!l->saved)
            continue;
        X64Mem m = bl_local_mem(b, b->pinned[i]);
        if (!bl_is_float(l->type))
            x64_rm(&b->code, X64_MOV, bl_size(l->type), l->reg, m);
        else
            x64_xm(&b->code,
                   l->type == KIND_F32   ? X64_MOVSS
                   : l->type == KIND_F64 ? X64_MOVSD
                                         : X64_MOVUPS,
                   l->reg, m);
    }
}

static void note_call(Baseline *b)
{
    vec_push(&b->calls, ((CallSite){code_offset(&b->code), b->wasm_at}));
}

/* --- builtins --- */

/* C keeps neither r10 nor r11, which our own caller relies on. */
void bl_builtin_raw(Baseline *b, Builtin f)
{
    CodeBuf *c = &b->code;
    x64_push_r(c, R10);
    x64_push_r(c, R11);
    x64_rr(c, X64_MOV, SZ_64, RDI, ROLE_VMCTX);
    x64_rm(c, X64_MOV, SZ_64, RAX, x64_mem(ROLE_VMCTX, offsetof(VmCtx, builtins)));
    x64_call_m(c, x64_mem(RAX, (i32)f * 8));
    note_call(b);
    x64_pop_r(c, R11);
    x64_pop_r(c, R10);
    if (b->mem0_moves)
        bl_reload_memory0(b);
}

void bl_call_builtin(Baseline *b, Builtin f, BuiltinArgs args_of, u8 result)
{
    const u64 *pre = args_of.pre;
    u32 npre = args_of.npre, n = args_of.n;
    static const u8 args[] = {RSI, RDX, RCX, R8, R9};
    Move m[ARRAY_LEN(args)];
    bl_fuel_flush(b);
    bl_spill_for_call(b, n);
    bl_save_pins(b);
    for (u32 i = 0; i < npre; i++)
        m[i] = (Move){{.kind = V_CONST, .type = KIND_I64, .imm = pre[i]}, args[i]};
    for (u32 i = 0; i < n; i++)
        m[npre + i] = (Move){b->stack.p[b->stack.n - n + i], args[npre + i]};
    bl_parallel_gpr(b, m, npre + n);
    bl_drop_to(b, b->stack.n - n);
    bl_builtin_raw(b, f);
    bl_reload_pins(b);
    if (result == KIND_BOT)
        return;
    Gpr d = bl_alloc_gpr(b);
    x64_rr(&b->code, X64_MOV, bl_size(result), d, RAX);
    bl_push_gpr(b, result, d);
}

void bl_call_on_vectors(Baseline *b, Builtin f, u32 arg, u32 n)
{
    u32 first = b->stack.n - n;
    bl_fuel_flush(b);
    for (u32 i = b->stack.n; i-- > first;)
        if (b->stack.p[i].kind != V_SLOT)
            bl_to_slot(b, i);
    bl_spill_for_call(b, n);
    bl_save_pins(b);
    x64_mov_ri(&b->code, SZ_32, RSI, arg);
    x64_lea(&b->code, SZ_64, RDX, bl_slot(b, b->stack.n - 1));
    bl_builtin_raw(b, f);
    bl_reload_pins(b);
    bl_drop_to(b, first + 1);
}

/* --- arguments --- */

typedef struct Call {
    const FuncType *type;
    CallLayout layout;
    u32 result_bytes; /* on the stack, for results by pointer */
} Call;

static void call_init(Baseline *b, Call *k, const FuncType *t)
{
    k->type = t;
    call_layout_init(&k->layout, t, &b->arena);
    k->result_bytes = k->layout.by_pointer ? t->nresults * 16 : 0;
}

static const Val *first_arg(const Baseline *b, const Call *k)
{
    return b->stack.p + b->stack.n - k->type->nparams;
}

/* Stores stack arguments from `offset` above the stack pointer on; uses RAX. */
static void store_stack_args(Baseline *b, const Call *k, i32 offset)
{
    const Val *arg = first_arg(b, k);
    for (u32 i = 0; i < k->type->nparams; i++) {
        const ArgLoc *l = k->layout.params + i;
        if (l->cls == ARG_STACK)
            bl_store_val(b, arg + i, x64_mem(RSP, offset + (i32)l->offset));
    }
}

static void load_register_args(Baseline *b, const Call *k)
{
    const Val *arg = first_arg(b, k);
    Move ints[CALL_INT_ARGS], floats[CALL_FLOAT_ARGS];
    u32 ni = 0, nf = 0;
    for (u32 i = 0; i < k->type->nparams; i++) {
        const ArgLoc *l = k->layout.params + i;
        if (l->cls == ARG_INT)
            ints[ni++] = (Move){arg[i], int_args[l->reg]};
        else if (l->cls == ARG_FLOAT)
            floats[nf++] = (Move){arg[i], l->reg};
    }
    bl_parallel_gpr(b, ints, ni);
    bl_parallel_xmm(b, floats, nf);
}

/* True if no argument goes to RCX, the last one of the argument registers. */
static bool rcx_is_free(const Call *k)
{
    u32 n = k->layout.by_pointer;
    for (u32 i = 0; i < k->type->nparams; i++)
        n += k->layout.params[i].cls == ARG_INT;
    return n < CALL_INT_ARGS;
}

/* --- results --- */

/* From the area at the stack pointer to the slots where they belong. */
static void results_from_memory(Baseline *b, const Call *k)
{
    CodeBuf *c = &b->code;
    for (u32 i = 0; i < k->type->nresults; i++) {
        u8 t = (u8)valtype_kind(k->type->results[i]);
        u32 position = b->stack.n;
        X64Mem from = x64_mem(RSP, (i32)i * 16), to = bl_slot(b, position);
        X64Sse mov = t == KIND_V128 ? X64_MOVUPS : X64_MOVSD;
        x64_xm(c, mov, XMM15, from);
        x64_mx(c, mov, to, XMM15);
        bl_push(b, (Val){.kind = V_SLOT, .type = t, .imm = position});
    }
    x64_ri(c, X64_ADD, SZ_64, RSP, (i32)k->result_bytes);
}

static void push_results(Baseline *b, const Call *k)
{
    CodeBuf *c = &b->code;
    if (k->layout.by_pointer) {
        results_from_memory(b, k);
        return;
    }
    const FuncType *t = k->type;
    for (u32 i = 0; i < t->nresults; i++) {
        u8 reg = k->layout.results[i].reg;
        if (k->layout.results[i].cls == ARG_FLOAT)
            b->xmm_busy |= 1u << reg;
        else if (reg > 0)
            b->gpr_busy |= 1u << int_results[reg];
    }
    for (u32 i = 0; i < t->nresults; i++) {
        u8 type = (u8)valtype_kind(t->results[i]);
        u8 reg = k->layout.results[i].reg;
        if (k->layout.results[i].cls == ARG_FLOAT) {
            bl_push_xmm(b, type, reg);
            continue;
        }
        Gpr r = int_results[reg];
        if (r == RAX) {
            Gpr h = t->nresults == 1 ? bl_hint_gpr(b) : GPR_NONE;
            r = h != GPR_NONE ? h : bl_alloc_gpr(b);
            x64_rr(c, X64_MOV, bl_size(type), r, RAX);
        } else if (type == KIND_I32) {
            x64_rr(c, X64_MOV, SZ_32, r, r); /* upper halves are undefined by the convention */
        }
        bl_push_gpr(b, type, r);
    }
}

/* As bl_store_val, but RAX is the caller's. */
static void store_result(Baseline *b, const Val *v, X64Mem to)
{
    CodeBuf *c = &b->code;
    X64Mem from;
    if (!bl_is_float(v->type) && bl_in_memory(b, v, &from)) {
        x64_xm(c, X64_MOVSD, XMM15, from);
        x64_mx(c, X64_MOVSD, to, XMM15);
    } else if (v->kind == V_CONST && v->type != KIND_F32 && v->type != KIND_I32) {
        x64_mi(c, X64_MOV, SZ_32, to, (i32)v->imm);
        x64_mi(c, X64_MOV, SZ_32, x64_mem_plus(to, 4), (i32)(v->imm >> 32));
    } else {
        bl_store_val(b, v, to);
    }
}

void bl_func_results(Baseline *b)
{
    u32 n = b->type->nresults;
    const Val *from = b->stack.p + b->stack.n - n;
    if (b->call.by_pointer) {
        x64_rm(&b->code, X64_MOV, SZ_64, RAX, x64_mem(RBP, -(i32)b->result_ptr));
        for (u32 i = 0; i < n; i++)
            store_result(b, from + i, x64_mem(RAX, (i32)i * 16));
        return;
    }
    Move ints[CALL_INT_RESULTS], floats[CALL_FLOAT_RESULTS];
    u32 ni = 0, nf = 0;
    for (u32 i = 0; i < n; i++) {
        const ArgLoc *l = b->call.results + i;
        if (l->cls == ARG_FLOAT)
            floats[nf++] = (Move){from[i], l->reg};
        else
            ints[ni++] = (Move){from[i], int_results[l->reg]};
    }
    bl_parallel_gpr(b, ints, ni);
    bl_parallel_xmm(b, floats, nf);
}

/* --- the callee --- */

/* A field that the code's owner fills: bit 31 of the target tells which kind. */
static void call_or_jump(Baseline *b, u32 func, bool jump)
{
    CodeBuf *c = &b->code;
    if (b->t->direct_calls) {
        if (jump)
            x64_jmp_reloc(c, func);
        else
            x64_call_reloc(c, func);
        return;
    }
    u8 bytes[6] = {0xff, jump ? 0x25 : 0x15}; /* [rip + slot] */
    code_bytes(c, bytes, sizeof bytes);
    code_reloc(c, CODE_RELOC_REL32, func | 1u << 31);
}

/* Table entries: the operand of a field of the table's VmTable. May use RAX. */
X64Mem bl_table_field(Baseline *b, u32 table, u32 field)
{
    u32 imported = b->m->n_imported_tables;
    if (table >= imported)
        return x64_mem(ROLE_VMCTX, (i32)(b->layout->tables +
                                         (table - imported) * (u32)sizeof(VmTable) + field));
    x64_rm(&b->code, X64_MOV, SZ_64, RAX,
           x64_mem(ROLE_VMCTX, (i32)(b->layout->table_ptrs + table * 8)));
    return x64_mem(RAX, (i32)field);
}

X64Mem bl_table_elem(Baseline *b, u32 table, Val *index)
{
    CodeBuf *c = &b->code;
    Gpr r = bl_own_gpr(b, index);
    x64_rm(c, X64_CMP, SZ_64, r, bl_table_field(b, table, offsetof(VmTable, length)));
    x64_jcc(c, CC_AE, bl_trap_label(b, TRAP_TABLE_OUT_OF_BOUNDS));
    x64_mov_ri(c, SZ_32, RAX, 0);
    x64_cmov_rr(c, CC_AE, SZ_64, r, RAX); /* what is speculated beyond the branch reads entry 0 */
    x64_rm(c, X64_MOV, SZ_64, RAX, bl_table_field(b, table, offsetof(VmTable, elems)));
    return x64_mem_index(RAX, r, 3, 0);
}

/* The canonical id of the current instruction's type. Ids differ from engine to engine, so code
 * that is kept in files reads it from the context. */
static void load_type(Baseline *b, Gpr to)
{
    u32 at = b->layout->types + b->in.idx * (u32)sizeof(u32);
    if (b->t->direct_calls)
        x64_rm(&b->code, X64_MOV, SZ_32, to, x64_mem(ROLE_VMCTX, (i32)at));
    else
        x64_mov_ri(&b->code, SZ_32, to, b->m->types[b->in.idx]);
}

/* The VmFuncRef in RAX is compared with the type; values on the stack must be in slots if it is not
 * final. The memory register is free: the call that follows changes it. */
static void check_type(Baseline *b, u32 type)
{
    CodeBuf *c = &b->code;
    if (b->t->direct_calls) {
        load_type(b, ROLE_MEMORY);
        x64_mr(c, X64_CMP, SZ_32, x64_mem(RAX, offsetof(VmFuncRef, type)), ROLE_MEMORY);
    } else {
        x64_mi(c, X64_CMP, SZ_32, x64_mem(RAX, offsetof(VmFuncRef, type)), (i32)type);
    }
    CodeLabel bad = bl_trap_label(b, TRAP_BAD_SIGNATURE);
    if (types_get(b->m->registry, type)->final) {
        x64_jcc(c, CC_NE, bad);
        return;
    }
    CodeLabel ok = code_label(c);
    x64_jcc(c, CC_E, ok);
    x64_mr(c, X64_MOV, SZ_64, x64_mem(RBP, WORD_AT), RAX);
    bl_save_pins(b);
    x64_rm(c, X64_MOV, SZ_32, RSI, x64_mem(RAX, offsetof(VmFuncRef, type)));
    load_type(b, RDX);
    bl_builtin_raw(b, BUILTIN_is_subtype);
    bl_reload_pins(b);
    x64_rr(c, X64_TEST, SZ_32, RAX, RAX);
    x64_jcc(c, CC_E, bad);
    x64_rm(c, X64_MOV, SZ_64, RAX, x64_mem(RBP, WORD_AT));
    code_bind(c, ok);
}

/* Loads the VmFuncRef that a call_indirect names into RAX. */
static void load_callee(Baseline *b, Val *index, u32 table, u32 type)
{
    CodeBuf *c = &b->code;
    ValType elem = b->m->tables[table].type.elem;
    X64Mem m = bl_table_elem(b, table, index);
    x64_rm(c, X64_MOV, SZ_64, RAX, m);
    bl_release(b, *index);
    if (valtype_nullable(elem)) {
        x64_rr(c, X64_TEST, SZ_64, RAX, RAX);
        x64_jcc(c, CC_E, bl_trap_label(b, TRAP_INDIRECT_CALL_TO_NULL));
    }
    HeapType h = valtype_heap(elem);
    if (!heap_is_concrete(h) || !types_is_subtype(b->m->registry, h, type))
        check_type(b, type);
}

/* To the callee's context and memory, from the VmFuncRef or VmFuncImport in RAX; RAX gets our
 * context, and the code's address goes to RCX or to a word of the frame. `common`: the reference is
 * in a common table, and may be to a function of our instance without saying so. */
static void switch_context(Baseline *b, bool rcx_free, bool common)
{
    CodeBuf *c = &b->code;
    static_assert(offsetof(VmFuncRef, vmctx) == offsetof(VmFuncImport, vmctx) &&
                      offsetof(VmFuncRef, code) == offsetof(VmFuncImport, code),
                  "one sequence for both");
    Gpr code = rcx_free ? RCX : ROLE_MEMORY;
    x64_rm(c, X64_MOV, SZ_64, code, x64_mem(RAX, offsetof(VmFuncRef, code)));
    if (!rcx_free)
        x64_mr(c, X64_MOV, SZ_64, x64_mem(RBP, WORD_AT), code);
    x64_rm(c, X64_MOV, SZ_64, ROLE_MEMORY, x64_mem(RAX, offsetof(VmFuncRef, vmctx)));
    x64_rr(c, X64_MOV, SZ_64, RAX, ROLE_VMCTX);
    if (common) {
        x64_rr(c, X64_TEST, SZ_64, ROLE_MEMORY, ROLE_MEMORY);
        x64_cmov_rr(c, CC_E, SZ_64, ROLE_MEMORY, ROLE_VMCTX);
    }
    x64_rr(c, X64_MOV, SZ_64, ROLE_VMCTX, ROLE_MEMORY);
    x64_rm(c, X64_MOV, SZ_64, ROLE_MEMORY, x64_mem(ROLE_VMCTX, offsetof(VmCtx, memory0_base)));
}

/* Where the callee comes from. */
typedef enum CalleeKind { CALLEE_OWN, CALLEE_IMPORT, CALLEE_TABLE, CALLEE_REF } CalleeKind;

typedef struct Callee {
    CalleeKind kind;
    u32 func;  /* OWN, IMPORT */
    u32 table; /* TABLE */
    u32 type;  /* canonical id: TABLE */
    Val value; /* TABLE: the index; REF: the reference; popped */
} Callee;

/* Values go to slots where calls of builtins may lie between here and the call. */
static bool needs_builtin(const Baseline *b, const Callee *f)
{
    return f->kind == CALLEE_TABLE && !types_get(b->m->registry, f->type)->final;
}

static bool is_common(const Baseline *b, const Callee *f)
{
    return f->kind == CALLEE_TABLE && b->m->tables[f->table].common;
}

/* RAX: the VmFuncRef, or the VmFuncImport by its address. */
static void callee_to_rax(Baseline *b, Callee *f)
{
    CodeBuf *c = &b->code;
    switch (f->kind) {
    case CALLEE_OWN:
        break;
    case CALLEE_IMPORT:
        x64_lea(c, SZ_64, RAX, x64_mem(ROLE_VMCTX, (i32)vm_layout_func_import(b->layout, f->func)));
        break;
    case CALLEE_TABLE:
        load_callee(b, &f->value, f->table, f->type);
        break;
    case CALLEE_REF:
        bl_load_gpr(b, &f->value, RAX);
        bl_release(b, f->value);
        x64_rr(c, X64_TEST, SZ_64, RAX, RAX);
        x64_jcc(c, CC_E, bl_trap_label(b, TRAP_NULL_REFERENCE));
        break;
    }
}

static void emit_call(Baseline *b, Callee *f, const FuncType *t)
{
    CodeBuf *c = &b->code;
    Call k;
    call_init(b, &k, t);
    bl_fuel_flush(b);
    bl_spill_for_call(b, needs_builtin(b, f) ? 0 : t->nparams);
    bl_save_pins(b);
    u32 down = k.result_bytes + k.layout.stack_bytes;
    b->max_down = MAX(b->max_down, down);
    if (down)
        x64_ri(c, X64_SUB, SZ_64, RSP, (i32)down);
    store_stack_args(b, &k, 0);
    callee_to_rax(b, f);
    load_register_args(b, &k);
    if (k.layout.by_pointer)
        x64_lea(c, SZ_64, RDI, x64_mem(RSP, (i32)k.layout.stack_bytes));
    bl_drop_to(b, b->stack.n - t->nparams);
    if (f->kind == CALLEE_OWN) {
        call_or_jump(b, f->func, false);
        note_call(b);
        if (bl_tail_calls(b->m)) /* it may have left the instance */
            x64_rm(c, X64_MOV, SZ_64, ROLE_VMCTX, x64_mem(RBP, CTX_AT));
        if (b->mem0_moves || bl_tail_calls(b->m))
            bl_reload_memory0(b);
    } else {
        bool rcx = rcx_is_free(&k);
        switch_context(b, rcx, is_common(b, f));
        if (rcx)
            x64_call_r(c, RCX);
        else
            x64_call_m(c, x64_mem(RBP, WORD_AT));
        note_call(b);
        x64_rm(c, X64_MOV, SZ_64, ROLE_VMCTX, x64_mem(RBP, CTX_AT));
        bl_reload_memory0(b);
    }
    bl_reload_pins(b);
    push_results(b, &k);
}

/* --- tail calls --- */

/*
 * A block that is built below the frame and then copied to where the arguments must end, at the
 * top of ours: padding, code address, saved frame pointer, return address, arguments.
 */
enum { TAIL_CODE = 8, TAIL_RBP = 16, TAIL_RET = 24, TAIL_ARGS = 32 };

static void copy_word(CodeBuf *c, X64Mem to, X64Mem from)
{
    x64_xm(c, X64_MOVSD, XMM15, from);
    x64_mx(c, X64_MOVSD, to, XMM15);
}

/* The block goes up, so from its end on. */
static void copy_tail_block(Baseline *b, u32 bytes, i32 to)
{
    CodeBuf *c = &b->code;
    for (i32 i = (i32)bytes - 16; i >= 0; i -= 16) {
        x64_xm(c, X64_MOVUPS, XMM15, x64_mem(RSP, i));
        x64_mx(c, X64_MOVUPS, x64_mem(RBP, to + i), XMM15);
    }
}

static void emit_tail_call(Baseline *b, Callee *f, const FuncType *t)
{
    CodeBuf *c = &b->code;
    Call k;
    call_init(b, &k, t);
    bl_fuel_flush(b);
    bl_spill_for_call(b, needs_builtin(b, f) ? 0 : t->nparams);
    u32 bytes = TAIL_ARGS + k.layout.stack_bytes;
    bool moves = k.layout.stack_bytes || b->call.stack_bytes;
    if (moves) {
        b->max_down = MAX(b->max_down, bytes);
        x64_ri(c, X64_SUB, SZ_64, RSP, (i32)bytes);
        store_stack_args(b, &k, TAIL_ARGS);
        copy_word(c, x64_mem(RSP, TAIL_RBP), x64_mem(RBP, 0));
        copy_word(c, x64_mem(RSP, TAIL_RET), x64_mem(RBP, 8));
    }
    callee_to_rax(b, f);
    load_register_args(b, &k);
    if (k.layout.by_pointer)
        x64_rm(c, X64_MOV, SZ_64, RDI, x64_mem(RBP, -(i32)b->result_ptr));
    bl_drop_to(b, b->stack.n - t->nparams);
    if (f->kind != CALLEE_OWN) {
        switch_context(b, false, is_common(b, f));
        if (moves)
            copy_word(c, x64_mem(RSP, TAIL_CODE), x64_mem(RBP, WORD_AT));
    }
    bl_restore_saved(b);
    if (moves) {
        i32 to = 16 + (i32)b->call.stack_bytes - (i32)bytes;
        copy_tail_block(b, bytes, to);
        x64_lea(c, SZ_64, RSP, x64_mem(RBP, to + TAIL_RBP));
    } else {
        x64_rr(c, X64_MOV, SZ_64, RSP, RBP);
    }
    x64_pop_r(c, RBP);
    if (f->kind == CALLEE_OWN)
        call_or_jump(b, f->func, true);
    else
        x64_jmp_m(c, x64_mem(RSP, moves ? TAIL_CODE - TAIL_RET : WORD_AT - 8));
    b->reachable = false;
}

static void call(Baseline *b, Callee *f, const FuncType *t, bool tail)
{
    if (tail)
        emit_tail_call(b, f, t);
    else
        emit_call(b, f, t);
}

void bl_op_call(Baseline *b, bool tail)
{
    u32 func = b->in.idx;
    Callee f = {.kind = func < b->m->n_imported_funcs ? CALLEE_IMPORT : CALLEE_OWN, .func = func};
    call(b, &f, module_func_type(b->m, func), tail);
}

void bl_op_call_indirect(Baseline *b, bool tail)
{
    u32 type = b->m->types[b->in.idx];
    Callee f = {.kind = CALLEE_TABLE, .table = b->in.idx2, .type = type};
    f.value = bl_pop(b);
    call(b, &f, types_func_type(b->m->registry, type), tail);
}

void bl_op_call_ref(Baseline *b, bool tail)
{
    Callee f = {.kind = CALLEE_REF};
    f.value = bl_pop(b);
    call(b, &f, types_func_type(b->m->registry, b->m->types[b->in.idx]), tail);
}
