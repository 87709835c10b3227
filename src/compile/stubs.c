/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Code at the borders of wasm, one piece a signature: from C into wasm (entry), and from wasm to
 * host functions in C with real parameters (typed) or an array of values.
 */
#include "compile/baseline.h"

static const u8 int_args[] = ROLE_INT_ARGS;
static const u8 int_results[] = ROLE_INT_RESULTS;
static const u8 c_args[] = {RDI, RSI, RDX, RCX, R8, R9};
enum { C_FLOAT_ARGS = 8, VAL = sizeof(VmVal) };

static X64Sse float_mov(u8 type)
{
    return type == KIND_F32 ? X64_MOVSS : type == KIND_F64 ? X64_MOVSD : X64_MOVUPS;
}

static void load_val(CodeBuf *c, u8 type, u8 reg, X64Mem from)
{
    if (bl_is_float(type))
        x64_xm(c, float_mov(type), reg, from);
    else
        x64_rm(c, X64_MOV, bl_size(type), reg, from);
}

static void store_val(CodeBuf *c, u8 type, X64Mem to, u8 reg)
{
    if (bl_is_float(type))
        x64_mx(c, float_mov(type), to, reg);
    else
        x64_mr(c, X64_MOV, bl_size(type), to, reg);
}

/* Through XMM15. */
static void copy_val(CodeBuf *c, u8 type, X64Mem to, X64Mem from)
{
    X64Sse mov = type == KIND_V128 ? X64_MOVUPS : X64_MOVSD;
    x64_xm(c, mov, XMM15, from);
    x64_mx(c, mov, to, XMM15);
}

/* --- entry: rdi callee context, rsi code, rdx values --- */

static void entry_args(CodeBuf *c, const FuncType *t, const CallLayout *l)
{
    for (u32 i = 0; i < t->nparams; i++)
        if (l->params[i].cls == ARG_STACK)
            copy_val(c, (u8)valtype_kind(t->params[i]), x64_mem(RSP, (i32)l->params[i].offset),
                     x64_mem(RBX, (i32)i * VAL));
    if (l->by_pointer) /* results replace the parameters from the array's start */
        x64_rr(c, X64_MOV, SZ_64, int_args[0], RBX);
    for (u32 i = 0; i < t->nparams; i++) {
        const ArgLoc *a = l->params + i;
        if (a->cls != ARG_STACK)
            load_val(c, (u8)valtype_kind(t->params[i]),
                     a->cls == ARG_INT ? int_args[a->reg] : a->reg, x64_mem(RBX, (i32)i * VAL));
    }
}

static void emit_entry(Baseline *b, const FuncType *t, const CallLayout *l)
{
    CodeBuf *c = &b->code;
    x64_push_r(c, RBP);
    x64_rr(c, X64_MOV, SZ_64, RBP, RSP);
    if (l->stack_bytes) /* the callee pops them */
        x64_ri(c, X64_SUB, SZ_64, RSP, (i32)l->stack_bytes);
    x64_rr(c, X64_MOV, SZ_64, ROLE_VMCTX, RDI);
    x64_rr(c, X64_MOV, SZ_64, R12, RSI);
    x64_rr(c, X64_MOV, SZ_64, RBX, RDX);
    x64_rm(c, X64_MOV, SZ_64, ROLE_MEMORY, x64_mem(ROLE_VMCTX, offsetof(VmCtx, memory0_base)));
    entry_args(c, t, l);
    x64_zero(c, RAX); /* no calling instance */
    x64_call_r(c, R12);
    vec_push(&b->calls, ((CallSite){code_offset(c), 0}));
    for (u32 i = 0; i < t->nresults && !l->by_pointer; i++) {
        const ArgLoc *a = l->results + i;
        store_val(c, (u8)valtype_kind(t->results[i]), x64_mem(RBX, (i32)i * VAL),
                  a->cls == ARG_INT ? int_results[a->reg] : a->reg);
    }
    x64_pop_r(c, RBP);
    x64_ret(c);
}

/* --- host calls: r14 VmHostFunc, rax the caller's context --- */

/* The frame of a host stub, from rbp down: r10, r11, the caller's context, the host function;
 * below that what the kind needs. */
enum { HOST_R10 = -8, HOST_R11 = -16, HOST_CALLER = -24, HOST_SELF = -32, HOST_FRAME = 32 };

static void host_begin(CodeBuf *c, u32 extra)
{
    x64_push_r(c, RBP);
    x64_rr(c, X64_MOV, SZ_64, RBP, RSP);
    x64_ri(c, X64_SUB, SZ_64, RSP, HOST_FRAME + (i32)align_up(extra, 16));
    x64_mr(c, X64_MOV, SZ_64, x64_mem(RBP, HOST_R10), R10);
    x64_mr(c, X64_MOV, SZ_64, x64_mem(RBP, HOST_R11), R11);
    x64_mr(c, X64_MOV, SZ_64, x64_mem(RBP, HOST_CALLER), RAX);
    x64_mr(c, X64_MOV, SZ_64, x64_mem(RBP, HOST_SELF), ROLE_VMCTX);
    /* where wasm was left: our caller's frame, and the return address into it */
    x64_rm(c, X64_MOV, SZ_64, R11, x64_mem(ROLE_VMCTX, offsetof(VmHostFunc, store)));
    x64_rm(c, X64_MOV, SZ_64, R10, x64_mem(RBP, 0));
    x64_mr(c, X64_MOV, SZ_64, x64_mem(R11, offsetof(VmStore, exit_fp)), R10);
    x64_rm(c, X64_MOV, SZ_64, R10, x64_mem(RBP, 8));
    x64_mr(c, X64_MOV, SZ_64, x64_mem(R11, offsetof(VmStore, exit_pc)), R10);
    x64_mr(c, X64_MOV, SZ_64, x64_mem(R11, offsetof(VmStore, host_pc)), R10);
}

/* Calls fn with env and the caller's context, and leaves wasm if the host function failed. RAX and
 * XMM0 are kept. */
static void host_call(Baseline *b)
{
    CodeBuf *c = &b->code;
    x64_rm(c, X64_MOV, SZ_64, RSI, x64_mem(RBP, HOST_CALLER));
    x64_rm(c, X64_MOV, SZ_64, RDI, x64_mem(ROLE_VMCTX, offsetof(VmHostFunc, env)));
    x64_call_m(c, x64_mem(ROLE_VMCTX, offsetof(VmHostFunc, fn)));
    vec_push(&b->calls, ((CallSite){code_offset(c), 0}));
    CodeLabel failed = code_label(c);
    x64_rm(c, X64_MOV, SZ_64, R11, x64_mem(ROLE_VMCTX, offsetof(VmHostFunc, store)));
    x64_mi(c, X64_CMP, SZ_64, x64_mem(R11, offsetof(VmStore, pending)), 0);
    x64_jcc(c, CC_NE, failed);
    b->epilogue = failed;
}

static void host_end(Baseline *b, u32 stack_bytes)
{
    static const u8 leave[] = {0xc9};
    CodeBuf *c = &b->code;
    x64_rm(c, X64_MOV, SZ_64, R10, x64_mem(RBP, HOST_R10));
    x64_rm(c, X64_MOV, SZ_64, R11, x64_mem(RBP, HOST_R11));
    code_bytes(c, leave, sizeof leave);
    if (stack_bytes)
        x64_ret_pop(c, u16_of(stack_bytes));
    else
        x64_ret(c);
    code_bind(c, b->epilogue);
    x64_rm(c, X64_MOV, SZ_64, RDI, x64_mem(RBP, HOST_CALLER));
    x64_rm(c, X64_MOV, SZ_64, RAX, x64_mem(ROLE_VMCTX, offsetof(VmHostFunc, store)));
    x64_rm(c, X64_MOV, SZ_64, RAX, x64_mem(RAX, offsetof(VmStore, builtins)));
    /* called from the host, there is no context: the function's own store tells it all */
    x64_rr(c, X64_TEST, SZ_64, RDI, RDI);
    x64_cmov_rr(c, CC_E, SZ_64, RDI, ROLE_VMCTX);
    x64_call_m(c, x64_mem(RAX, BUILTIN_raise_pending * 8));
    vec_push(&b->calls, ((CallSite){code_offset(c), 0}));
    x64_ud2(c);
}

/* wasm's argument places to C's: env and the caller come first. */
static void typed_args(CodeBuf *c, const FuncType *t, const CallLayout *l, u32 spill)
{
    /* all through memory: the two conventions overlap too much to move in place */
    for (u32 i = 0; i < t->nparams; i++) {
        const ArgLoc *a = l->params + i;
        if (a->cls == ARG_INT)
            x64_mr(c, X64_MOV, SZ_64, x64_mem(RBP, -(i32)(HOST_FRAME + spill) + (i32)a->reg * 8),
                   int_args[a->reg]);
    }
    u32 ints = 2, floats = 0, stack = 0;
    for (u32 i = 0; i < t->nparams; i++) {
        const ArgLoc *a = l->params + i;
        u8 type = (u8)valtype_kind(t->params[i]);
        X64Mem at = a->cls == ARG_STACK
                        ? x64_mem(RBP, 16 + (i32)a->offset)
                        : x64_mem(RBP, -(i32)(HOST_FRAME + spill) + (i32)a->reg * 8);
        if (bl_is_float(type) && floats < C_FLOAT_ARGS) {
            floats++; /* the same registers in both */
        } else if (!bl_is_float(type) && ints < ARRAY_LEN(c_args)) {
            x64_rm(c, X64_MOV, bl_size(type), c_args[ints++], at);
        } else {
            copy_val(c, type, x64_mem(RSP, (i32)stack), at);
            stack += 8;
        }
    }
}

static void emit_typed(Baseline *b, const FuncType *t, const CallLayout *l)
{
    CodeBuf *c = &b->code;
    enum { SPILL = 48 };
    host_begin(c, SPILL + t->nparams * 8);
    typed_args(c, t, l, SPILL);
    host_call(b);
    host_end(b, l->stack_bytes); /* the result's register is the same in both conventions */
}

static void emit_array(Baseline *b, const FuncType *t, const CallLayout *l)
{
    CodeBuf *c = &b->code;
    u32 n = MAX(t->nparams, t->nresults);
    u32 pointer = n * VAL; /* of the results, if they go through memory */
    host_begin(c, n * VAL + 16);
    if (l->by_pointer)
        x64_mr(c, X64_MOV, SZ_64, x64_mem(RSP, (i32)pointer), int_args[0]);
    for (u32 i = 0; i < t->nparams; i++) {
        const ArgLoc *a = l->params + i;
        u8 type = (u8)valtype_kind(t->params[i]);
        X64Mem to = x64_mem(RSP, (i32)i * VAL);
        if (a->cls == ARG_STACK)
            copy_val(c, type, to, x64_mem(RBP, 16 + (i32)a->offset));
        else
            store_val(c, type, to, a->cls == ARG_INT ? int_args[a->reg] : a->reg);
    }
    x64_rr(c, X64_MOV, SZ_64, RDX, RSP);
    host_call(b);
    if (l->by_pointer)
        x64_rm(c, X64_MOV, SZ_64, RAX, x64_mem(RSP, (i32)pointer));
    for (u32 i = 0; i < t->nresults; i++) {
        u8 type = (u8)valtype_kind(t->results[i]);
        X64Mem from = x64_mem(RSP, (i32)i * VAL);
        if (l->by_pointer)
            copy_val(c, type, x64_mem(RAX, (i32)i * VAL), from);
        else
            load_val(c, type,
                     l->results[i].cls == ARG_INT ? int_results[l->results[i].reg]
                                                  : l->results[i].reg,
                     from);
    }
    host_end(b, l->stack_bytes);
}

Error *compile_stub(CompileCtx *ctx, StubKind kind, const FuncType *type, const Tunables *t,
                    CompiledFunc *ret_code)
{
    Baseline *b = &ctx->b;
    arena_reset(&b->arena);
    b->code.features = t->cpu;
    code_reset(&b->code);
    b->calls.n = 0;
    CallLayout l;
    call_layout_init(&l, type, &b->arena);
    switch (kind) {
    case STUB_ENTRY:
        emit_entry(b, type, &l);
        break;
    case STUB_HOST_TYPED:
        ALWAYS(type->nresults <= 1);
        emit_typed(b, type, &l);
        break;
    case STUB_HOST_ARRAY:
        emit_array(b, type, &l);
        break;
    }
    if (!code_finish(&b->code))
        return error_new("a stub of %u parameters is too large", type->nparams);
    *ret_code = (CompiledFunc){
        .code = b->code.base, .size = b->code.size, .ncalls = b->calls.n, .calls = b->calls.p};
    return NULL;
}
