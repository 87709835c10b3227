/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Descriptions of values: the operand stack, temporaries, spilling, locals, parallel moves, and
 * the notes of places that may trap.
 */
#include "compile/baseline.h"

bool bl_fits_i32(u64 imm)
{
    return (i64)imm == (i32)imm;
}

/* --- frame --- */

X64Mem bl_slot(Baseline *b, u32 position)
{
    if (position >= b->max_slot)
        b->max_slot = position + 1;
    i64 at = (i64)b->locals_end + ((i64)(position + 1) << b->slot_log2);
    if (at > INT32_MAX) {
        b->failed = true;
        at = 0;
    }
    return x64_mem(RBP, (i32)-at);
}

X64Mem bl_local_mem(Baseline *b, u32 local)
{
    return x64_mem(RBP, b->locals[local].offset);
}

/* --- moves of described values --- */

static X64Mem val_mem(Baseline *b, const Val *v)
{
    return v->kind == V_SLOT ? bl_slot(b, (u32)v->imm) : bl_local_mem(b, v->local);
}

void bl_load_gpr(Baseline *b, const Val *v, Gpr dst)
{
    CodeBuf *c = &b->code;
    X64Size sz = bl_size(v->type);
    switch ((ValKind)v->kind) {
    case V_CONST:
        x64_mov_ri(c, sz, dst, (i64)v->imm);
        break;
    case V_LOCAL: {
        const Local *l = b->locals + v->local;
        sz = MIN(sz, bl_size(l->type));
        if (l->reg == GPR_NONE)
            x64_rm(c, X64_MOV, sz, dst, bl_local_mem(b, v->local));
        else if (l->reg != dst)
            x64_rr(c, X64_MOV, sz, dst, l->reg);
        break;
    }
    case V_REG:
        if (v->reg != dst)
            x64_rr(c, X64_MOV, sz, dst, v->reg);
        break;
    case V_SLOT:
        x64_rm(c, X64_MOV, sz, dst, bl_slot(b, (u32)v->imm));
        break;
    case V_FLAGS:
        BUG("flags have no register");
    }
}

static X64Sse x_mov(u8 type)
{
    return type == KIND_F32 ? X64_MOVSS : type == KIND_F64 ? X64_MOVSD : X64_MOVUPS;
}

void bl_load_xmm(Baseline *b, const Val *v, Xmm dst)
{
    CodeBuf *c = &b->code;
    switch ((ValKind)v->kind) {
    case V_CONST:
        if (v->imm == 0)
            x64_zero_x(c, dst);
        else if (v->type == KIND_F32)
            x64_xm(c, X64_MOVSS, dst, x64_mem_label(code_const_u32(c, (u32)v->imm)));
        else
            x64_xm(c, X64_MOVSD, dst, x64_mem_label(code_const_u64(c, v->imm)));
        break;
    case V_LOCAL: {
        const Local *l = b->locals + v->local;
        if (l->reg == GPR_NONE)
            x64_xm(c, x_mov(v->type), dst, bl_local_mem(b, v->local));
        else
            x64_mov_xx(c, dst, l->reg);
        break;
    }
    case V_REG:
        x64_mov_xx(c, dst, v->reg);
        break;
    case V_SLOT:
        x64_xm(c, x_mov(v->type), dst, bl_slot(b, (u32)v->imm));
        break;
    case V_FLAGS:
        BUG("flags are no float");
    }
}

void bl_store_val(Baseline *b, const Val *v, X64Mem dst)
{
    CodeBuf *c = &b->code;
    if (bl_is_float(v->type)) {
        u8 x = XMM15;
        if (v->kind == V_REG)
            x = v->reg;
        else if (v->kind == V_LOCAL && b->locals[v->local].reg != GPR_NONE)
            x = b->locals[v->local].reg;
        else
            bl_load_xmm(b, v, XMM15);
        x64_mx(c, x_mov(v->type), dst, x);
        return;
    }
    X64Size sz = bl_size(v->type);
    if (v->kind == V_CONST && (sz == SZ_32 || bl_fits_i32(v->imm))) {
        x64_mi(c, X64_MOV, sz, dst, (i32)v->imm);
        return;
    }
    u8 r = RAX;
    if (v->kind == V_REG)
        r = v->reg;
    else if (v->kind == V_LOCAL && b->locals[v->local].reg != GPR_NONE)
        r = b->locals[v->local].reg;
    else
        bl_load_gpr(b, v, RAX);
    x64_mr(c, X64_MOV, sz, dst, r);
}

/* --- values of locals --- */

/*
 * The values of a local are a list from the topmost one down. They leave it at its upper end, or
 * at its lower end (bl_spill_for_block), where only the count tells that it has become shorter.
 */
static void link_ref(Baseline *b, Val *v)
{
    Local *l = b->locals + v->local;
    l->refs++;
    v->imm = l->top_ref;
    l->top_ref = b->stack.n;
}

static void unlink_ref(Baseline *b, const Val *v)
{
    Local *l = b->locals + v->local;
    l->refs--;
    if (v == b->stack.p + l->top_ref)
        l->top_ref = (u32)v->imm;
}

/* --- temporaries --- */

void bl_to_slot(Baseline *b, u32 position)
{
    Val *v = b->stack.p + position;
    bl_store_val(b, v, bl_slot(b, position));
    bl_release(b, *v);
    if (v->kind == V_LOCAL)
        unlink_ref(b, v);
    *v = (Val){.kind = V_SLOT, .type = v->type, .imm = position};
}

/* Frees a temporary of that class by storing the deepest value that has one. */
static void spill_one(Baseline *b, bool floats)
{
    bool below = true;
    for (u32 i = b->unspilled[floats]; i < b->stack.n; i++) {
        Val *v = b->stack.p + i;
        if (v->kind == V_REG && bl_is_float(v->type) == floats &&
            ((floats ? b->xmm_temps : b->gpr_temps) >> v->reg & 1)) {
            bl_to_slot(b, i);
            return;
        }
        below &= v->kind != V_REG || bl_is_float(v->type) != floats;
        if (below)
            b->unspilled[floats] = i + 1;
    }
    BUG("out of temporaries");
}

Gpr bl_alloc_gpr(Baseline *b)
{
    u32 free = b->gpr_temps & ~b->gpr_busy;
    if (UNLIKELY(!free)) {
        spill_one(b, false);
        free = b->gpr_temps & ~b->gpr_busy;
    }
    /* RCX and RDX last: shifts and divisions want them */
    u32 others = free & ~(1u << RCX | 1u << RDX);
    Gpr r = (Gpr)__builtin_ctz(others ? others : free);
    b->gpr_busy |= 1u << r;
    return r;
}

Xmm bl_alloc_xmm(Baseline *b)
{
    u32 free = b->xmm_temps & ~b->xmm_busy;
    if (UNLIKELY(!free)) {
        spill_one(b, true);
        free = b->xmm_temps & ~b->xmm_busy;
    }
    Xmm r = (Xmm)__builtin_ctz(free);
    b->xmm_busy |= 1u << r;
    return r;
}

void bl_evict_gpr(Baseline *b, Gpr r)
{
    if (!(b->gpr_busy >> r & 1))
        return;
    for (u32 i = b->stack.n; i-- > b->unspilled[0];) {
        Val *v = b->stack.p + i;
        if (v->kind != V_REG || bl_is_float(v->type) || v->reg != r)
            continue;
        if (b->gpr_temps & ~b->gpr_busy) {
            Gpr to = bl_alloc_gpr(b);
            x64_rr(&b->code, X64_MOV, bl_size(v->type), to, r);
            v->reg = (u8)to;
            bl_free_gpr(b, r);
        } else {
            bl_to_slot(b, i);
        }
        return;
    }
    BUG("a temporary of the current instruction is in the way");
}

/* --- the stack --- */

void bl_push(Baseline *b, Val v)
{
    if (v.kind == V_LOCAL)
        link_ref(b, &v);
    vec_push(&b->stack, v);
}

void bl_push_const(Baseline *b, u8 type, u64 bits)
{
    bl_push(b, (Val){.kind = V_CONST, .type = type, .imm = bits});
}

void bl_push_gpr(Baseline *b, u8 type, Gpr r)
{
    b->gpr_busy |= b->gpr_temps & 1u << r;
    bl_push(b, (Val){.kind = V_REG, .type = type, .reg = (u8)r});
}

void bl_push_xmm(Baseline *b, u8 type, Xmm r)
{
    b->xmm_busy |= b->xmm_temps & 1u << r;
    bl_push(b, (Val){.kind = V_REG, .type = type, .reg = (u8)r});
}

Val bl_pop(Baseline *b)
{
    Val v = b->stack.p[--b->stack.n];
    if (v.kind == V_LOCAL)
        unlink_ref(b, b->stack.p + b->stack.n);
    u32 n = b->stack.n;
    b->unspilled[0] = MIN(b->unspilled[0], n);
    b->unspilled[1] = MIN(b->unspilled[1], n);
    b->flushed = MIN(b->flushed, n);
    return v;
}

static bool is_pinned(const Baseline *b, const Val *v)
{
    return v->kind == V_LOCAL && b->locals[v->local].reg != GPR_NONE;
}

Gpr bl_gpr(Baseline *b, Val *v)
{
    if (v->kind == V_REG)
        return v->reg;
    if (is_pinned(b, v))
        return b->locals[v->local].reg;
    Gpr r = bl_alloc_gpr(b);
    bl_load_gpr(b, v, r);
    *v = (Val){.kind = V_REG, .type = v->type, .reg = (u8)r};
    return r;
}

Xmm bl_xmm(Baseline *b, Val *v)
{
    if (v->kind == V_REG)
        return v->reg;
    if (is_pinned(b, v))
        return b->locals[v->local].reg;
    Xmm r = bl_alloc_xmm(b);
    bl_load_xmm(b, v, r);
    *v = (Val){.kind = V_REG, .type = v->type, .reg = (u8)r};
    return r;
}

Gpr bl_own_gpr(Baseline *b, Val *v)
{
    if (v->kind == V_REG && bl_is_temp_gpr(b, v->reg))
        return v->reg;
    Gpr r = bl_alloc_gpr(b);
    bl_load_gpr(b, v, r);
    *v = (Val){.kind = V_REG, .type = v->type, .reg = (u8)r};
    return r;
}

Xmm bl_own_xmm(Baseline *b, Val *v)
{
    if (v->kind == V_REG && b->xmm_temps >> v->reg & 1)
        return v->reg;
    Xmm r = bl_alloc_xmm(b);
    bl_load_xmm(b, v, r);
    *v = (Val){.kind = V_REG, .type = v->type, .reg = (u8)r};
    return r;
}

bool bl_in_memory(Baseline *b, const Val *v, X64Mem *ret_mem)
{
    if (v->kind != V_SLOT && v->kind != V_LOCAL)
        return false;
    if (v->kind == V_LOCAL && (is_pinned(b, v) || b->locals[v->local].type != v->type))
        return false;
    *ret_mem = val_mem(b, v);
    return true;
}

bool bl_in_memory_x(Baseline *b, const Val *v, X64Mem *ret_mem)
{
    if (v->kind == V_CONST && v->imm != 0) {
        *ret_mem = x64_mem_label(v->type == KIND_F32 ? code_const_u32(&b->code, (u32)v->imm)
                                                     : code_const_u64(&b->code, v->imm));
        return true;
    }
    return bl_in_memory(b, v, ret_mem);
}

void bl_drop_to(Baseline *b, u32 height)
{
    while (b->stack.n > height)
        bl_release(b, bl_pop(b));
}

/* --- locals --- */

/* The local that the next instruction sets, or UINT32_MAX. */
static u32 next_set_local(const Baseline *b)
{
    const u8 *p = b->r.at;
    if (b->r.end - p < 2 || (*p != 0x21 && *p != 0x22))
        return UINT32_MAX;
    if (p[1] < 0x80)
        return p[1];
    if (b->r.end - p < 3 || p[2] >= 0x80)
        return UINT32_MAX;
    return (p[1] & 0x7fu) | (u32)p[2] << 7;
}

static u8 hint(Baseline *b, bool floats)
{
    u32 l = next_set_local(b);
    if (l == UINT32_MAX)
        return GPR_NONE;
    const Local *local = b->locals + l;
    if (local->reg == GPR_NONE || bl_is_float(local->type) != floats)
        return GPR_NONE;
    if (local->refs)
        bl_save_local_refs(b, l);
    return local->reg;
}

Gpr bl_hint_gpr(Baseline *b)
{
    return hint(b, false);
}

Xmm bl_hint_xmm(Baseline *b)
{
    return hint(b, true);
}

Gpr bl_dest_for(Baseline *b, Val x)
{
    u8 h = hint(b, false); /* first: it may need a temporary that x still has */
    bl_release(b, x);
    return h != GPR_NONE ? h : bl_alloc_gpr(b);
}

Xmm bl_dest_for_x(Baseline *b, Val x)
{
    u8 h = hint(b, true);
    bl_release(b, x);
    return h != XMM_NONE ? h : bl_alloc_xmm(b);
}

void bl_save_local_refs(Baseline *b, u32 local)
{
    Local *l = b->locals + local;
    while (l->refs) {
        u32 i = l->top_ref;
        Val *v = b->stack.p + i;
        ALWAYS(i < b->stack.n && v->kind == V_LOCAL && v->local == local);
        bool f = bl_is_float(v->type);
        u32 free = f ? b->xmm_temps & ~b->xmm_busy : b->gpr_temps & ~b->gpr_busy;
        if (!free || b->stack.n - i > BL_NEAR_TOP) {
            bl_to_slot(b, i);
            continue;
        }
        u32 r = f ? (u32)bl_alloc_xmm(b) : (u32)bl_alloc_gpr(b);
        if (f)
            bl_load_xmm(b, v, (Xmm)r);
        else
            bl_load_gpr(b, v, (Gpr)r);
        unlink_ref(b, v);
        *v = (Val){.kind = V_REG, .type = v->type, .reg = (u8)r};
        b->unspilled[f] = MIN(b->unspilled[f], i);
    }
}

void bl_local_get(Baseline *b, u32 local)
{
    bl_push(b, (Val){.kind = V_LOCAL, .type = b->locals[local].type, .local = local});
}

void bl_local_set(Baseline *b, u32 local, bool tee)
{
    Local *l = b->locals + local;
    Val v = bl_pop(b);
    u32 reach = l->reg == GPR_NONE ? 0 : bl_reach(b, &v);
    l->check_serial = 0;
    if (v.kind == V_LOCAL && v.local == local) {
        bl_release(b, v);
        if (tee)
            bl_local_get(b, local);
        return;
    }
    if (l->refs)
        bl_save_local_refs(b, local);
    if (l->reg == GPR_NONE) {
        bl_store_val(b, &v, bl_local_mem(b, local));
        if (tee && (v.kind == V_REG || v.kind == V_CONST)) {
            bl_push(b, v);
            return;
        }
    } else if (bl_is_float(l->type)) {
        bl_load_xmm(b, &v, l->reg);
    } else {
        bl_load_gpr(b, &v, l->reg);
        if (reach)
            bl_note_check(b, l, reach - 1);
    }
    bl_release(b, v);
    if (tee)
        bl_local_get(b, local);
}

/* --- borders --- */

void bl_spill_for_block(Baseline *b, u32 keep)
{
    u32 i = b->flushed;
    for (; i + keep < b->stack.n; i++) {
        const Val *v = b->stack.p + i;
        if (v->kind == V_REG || (v->kind == V_LOCAL && b->locals[v->local].written))
            bl_to_slot(b, i);
    }
    b->flushed = i;
    b->unspilled[0] = MAX(b->unspilled[0], i);
    b->unspilled[1] = MAX(b->unspilled[1], i);
}

void bl_spill_for_call(Baseline *b, u32 keep)
{
    u32 i = MIN(b->unspilled[0], b->unspilled[1]);
    for (; i + keep < b->stack.n; i++)
        if (b->stack.p[i].kind == V_REG)
            bl_to_slot(b, i);
    b->unspilled[0] = MAX(b->unspilled[0], i);
    b->unspilled[1] = MAX(b->unspilled[1], i);
}

/* --- parallel moves --- */

static u8 source_reg(const Baseline *b, const Val *v)
{
    if (v->kind == V_REG)
        return v->reg;
    return is_pinned(b, v) ? b->locals[v->local].reg : GPR_NONE;
}

/* A move whose destination no other one reads, n if there are only cycles. */
static u32 unblocked(const Baseline *b, const Move *m, u32 n)
{
    for (u32 i = 0; i < n; i++) {
        bool blocked = false;
        for (u32 j = 0; j < n; j++)
            blocked |= j != i && source_reg(b, &m[j].from) == m[i].dst;
        if (!blocked)
            return i;
    }
    return n;
}

/* Values that lie in register `from` now lie in `to`. */
static void renamed(const Baseline *b, Move *m, u32 n, u8 from, u8 to)
{
    for (u32 j = 0; j < n; j++)
        if (source_reg(b, &m[j].from) == from)
            m[j].from = (Val){.kind = V_REG, .type = m[j].from.type, .reg = to};
}

void bl_parallel_gpr(Baseline *b, Move *m, u32 n)
{
    while (n) {
        u32 i = unblocked(b, m, n);
        if (i < n) {
            bl_load_gpr(b, &m[i].from, m[i].dst);
            m[i] = m[--n];
            continue;
        }
        u8 dst = m[0].dst, src = source_reg(b, &m[0].from);
        x64_rr(&b->code, X64_XCHG, SZ_64, dst, src);
        m[0] = m[--n];
        for (u32 j = 0; j < n; j++) {
            u8 s = source_reg(b, &m[j].from);
            if (s == dst || s == src)
                m[j].from =
                    (Val){.kind = V_REG, .type = m[j].from.type, .reg = s == dst ? src : dst};
        }
    }
}

void bl_parallel_xmm(Baseline *b, Move *m, u32 n)
{
    while (n) {
        u32 i = unblocked(b, m, n);
        if (i < n) {
            bl_load_xmm(b, &m[i].from, m[i].dst);
            m[i] = m[--n];
            continue;
        }
        x64_mov_xx(&b->code, XMM15, m[0].dst);
        renamed(b, m, n, m[0].dst, XMM15);
    }
}

/* --- traps --- */

void bl_trap_site(Baseline *b, TrapCode trap)
{
    vec_push(&b->traps, ((TrapSite){code_offset(&b->code), b->wasm_at, (u8)trap}));
}

CodeLabel bl_trap_label(Baseline *b, TrapCode trap)
{
    for (u32 i = b->stubs.n; i-- > 0 && b->stubs.p[i].wasm == b->wasm_at;)
        if (b->stubs.p[i].trap == trap)
            return b->stubs.p[i].label;
    CodeLabel l = code_label(&b->code);
    vec_push(&b->stubs, ((TrapStub){l, b->wasm_at, (u8)trap}));
    return l;
}

/* A trap right here: control does not come back. */
static void emit_trap(Baseline *b, TrapCode trap)
{
    CodeBuf *c = &b->code;
    if (b->t->signal_traps) {
        bl_trap_site(b, trap);
        x64_ud2(c);
        return;
    }
    x64_rr(c, X64_MOV, SZ_64, RDI, ROLE_VMCTX);
    x64_mov_ri(c, SZ_32, RSI, trap);
    x64_rm(c, X64_MOV, SZ_64, RAX, x64_mem(ROLE_VMCTX, offsetof(VmCtx, builtins)));
    x64_call_m(c, x64_mem(RAX, BUILTIN_trap * 8));
    vec_push(&b->calls, ((CallSite){code_offset(c), b->wasm_at}));
    x64_ud2(c);
}

void bl_trap_stubs(Baseline *b)
{
    for (u32 i = 0; i < b->stubs.n; i++) {
        code_bind(&b->code, b->stubs.p[i].label);
        b->wasm_at = b->stubs.p[i].wasm;
        emit_trap(b, b->stubs.p[i].trap);
    }
}

void bl_op_unreachable(Baseline *b)
{
    emit_trap(b, TRAP_UNREACHABLE);
    b->reachable = false;
}
