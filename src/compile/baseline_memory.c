/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Linear memory. A guarded memory is accessed by one instruction, [base + index + offset], whose
 * fault is the trap; the index is a zero-extended 32-bit register (baseline.h, invariant 1). Others
 * are checked, and the address is masked by a conditional move so that nothing is read
 * speculatively beyond the check: the index alone where the guards around the memory do the rest,
 * else (pages of other sizes, faults that are no traps) index + offset + size, without wrapping
 * around.
 */
#include "compile/baseline.h"

static i32 memory_at(const Baseline *b, u32 memory)
{
    return (i32)(b->layout->memories +
                 (memory - b->m->n_imported_memories) * (u32)sizeof(VmMemory));
}

/* A field of the memory's VmMemory; may use RAX. */
static X64Mem memory_field(Baseline *b, u32 memory, u32 field)
{
    if (memory >= b->m->n_imported_memories)
        return x64_mem(ROLE_VMCTX, memory_at(b, memory) + (i32)field);
    x64_rm(&b->code, X64_MOV, SZ_64, RAX,
           x64_mem(ROLE_VMCTX, (i32)(b->layout->memory_ptrs + memory * 8)));
    return x64_mem(RAX, (i32)field);
}

void bl_reload_memory0(Baseline *b)
{
    CodeBuf *c = &b->code;
    if (b->m->nmemories == 0)
        return;
    if (!b->mem0_moves) {
        x64_rm(c, X64_MOV, SZ_64, ROLE_MEMORY, x64_mem(ROLE_VMCTX, offsetof(VmCtx, memory0_base)));
    } else if (b->m->n_imported_memories == 0) {
        x64_rm(c, X64_MOV, SZ_64, ROLE_MEMORY, x64_mem(ROLE_VMCTX, memory_at(b, 0)));
    } else {
        x64_rm(c, X64_MOV, SZ_64, ROLE_MEMORY, x64_mem(ROLE_VMCTX, (i32)b->layout->memory_ptrs));
        x64_rm(c, X64_MOV, SZ_64, ROLE_MEMORY, x64_mem(ROLE_MEMORY, offsetof(VmMemory, base)));
    }
}

/* Leaves all other registers alone: behind a call, RAX is its result. */
/* RAX may hold a call's result. */
void bl_reload_length(Baseline *b)
{
    CodeBuf *c = &b->code;
    Gpr r = b->length_reg;
    if (r == GPR_NONE)
        return;
    if (b->m->n_imported_memories == 0) {
        x64_rm(c, X64_MOV, SZ_64, r, memory_field(b, 0, offsetof(VmMemory, length)));
        return;
    }
    x64_rm(c, X64_MOV, SZ_64, r, x64_mem(ROLE_VMCTX, (i32)b->layout->memory_ptrs));
    x64_rm(c, X64_MOV, SZ_64, r, x64_mem(r, offsetof(VmMemory, length)));
}

/* --- addresses --- */

/* Reads of a local with one access: that one, the step, a comparison. */
enum { STEPPED_READS = 3 };

static void keep_temp(Baseline *b, Addr *a, u32 i, Gpr r)
{
    if (bl_is_temp_gpr(b, (u8)r))
        a->temp[i] = (u8)r;
}

void bl_addr_free(Baseline *b, const Addr *a)
{
    for (u32 i = 0; i < 2; i++)
        if (a->temp[i] != GPR_NONE)
            bl_free_gpr(b, a->temp[i]);
}

static Addr guarded_address(Baseline *b, Val *index, const MemArg *a)
{
    CodeBuf *c = &b->code;
    Addr r = {.temp = {GPR_NONE, GPR_NONE}};
    Gpr base = ROLE_MEMORY;
    if (a->memory != 0) {
        base = bl_alloc_gpr(b);
        r.temp[1] = (u8)base;
        x64_rm(c, X64_MOV, SZ_64, base, memory_field(b, a->memory, offsetof(VmMemory, base)));
    }
    if (index->kind == V_CONST && (u32)index->imm + a->offset <= INT32_MAX) {
        r.m = x64_mem(base, (i32)((u32)index->imm + a->offset));
        return r;
    }
    Gpr i = RAX;
    if (index->kind == V_REG || (index->kind == V_LOCAL && b->locals[index->local].reg != GPR_NONE))
        i = bl_gpr(b, index);
    else
        bl_load_gpr(b, index, RAX);
    keep_temp(b, &r, 0, i);
    r.m = x64_mem_index(base, i, 0, (i32)a->offset);
    return r;
}

/* index + reach in a temporary; `trap` is taken if 64 bits do not hold the sum. */
static Gpr access_end(Baseline *b, Val *index, const MemArg *a, u32 size, CodeLabel trap)
{
    CodeBuf *c = &b->code;
    bool is64 = b->m->memories[a->memory].is64;
    u64 reach = a->offset + size;
    bool pinned = index->kind == V_LOCAL && b->locals[index->local].reg != GPR_NONE;
    if (!is64 && pinned && reach <= INT32_MAX) {
        Gpr from = bl_gpr(b, index), t = bl_alloc_gpr(b);
        x64_lea(c, SZ_64, t, x64_mem(from, (i32)reach));
        return t;
    }
    Gpr t = bl_own_gpr(b, index);
    if (reach < size) {
        x64_jmp(c, trap);
        reach = size;
    }
    if (reach <= INT32_MAX) {
        x64_ri(c, X64_ADD, SZ_64, t, (i32)reach);
    } else {
        x64_mov_ri(c, SZ_64, RAX, (i64)reach);
        x64_rr(c, X64_ADD, SZ_64, t, RAX);
    }
    if (is64)
        x64_jcc(c, CC_B, trap);
    return t;
}

/*
 * An access beyond the length becomes one right before the memory, by a conditional move: nothing
 * is read speculatively beyond the check, and the guard in front of the memory makes it the trap.
 * A branch comes first where faults are no traps, and for offsets beyond the guard of a guarded
 * memory: a fault in front of one of those is never a trap.
 */
static Addr checked_address(Baseline *b, Val *index, const MemArg *a, u32 size)
{
    CodeBuf *c = &b->code;
    Addr r = {.temp = {GPR_NONE, GPR_NONE}};
    const MemoryType *type = b->m->memories + a->memory;
    bool branches = !b->t->signal_traps || memory_is_guarded(type, b->t);
    CodeLabel trap = 0;
    if (branches || type->is64 || a->offset + size < size)
        trap = bl_trap_label(b, TRAP_MEMORY_OUT_OF_BOUNDS);
    Gpr t = access_end(b, index, a, size, trap);
    r.temp[0] = (u8)t;
    x64_rm(c, X64_CMP, SZ_64, t, memory_field(b, a->memory, offsetof(VmMemory, length)));
    if (branches)
        x64_jcc(c, CC_A, trap);
    x64_mov_ri(c, SZ_32, RAX, 0);
    x64_cmov_rr(c, CC_A, SZ_64, t, RAX);
    Gpr base = ROLE_MEMORY;
    if (a->memory != 0) {
        base = RAX;
        x64_rm(c, X64_MOV, SZ_64, RAX, memory_field(b, a->memory, offsetof(VmMemory, base)));
    }
    r.m = x64_mem_index(base, t, 0, -(i32)size);
    return r;
}

/* index + offset as a temporary, for offsets that the guard does not cover. */
static Gpr index_plus_offset(Baseline *b, Val *index, const MemArg *a)
{
    CodeBuf *c = &b->code;
    Gpr t = bl_own_gpr(b, index);
    if (a->offset <= INT32_MAX) {
        x64_ri(c, X64_ADD, SZ_64, t, (i32)a->offset);
    } else {
        x64_mov_ri(c, SZ_64, RAX, (i64)a->offset);
        x64_rr(c, X64_ADD, SZ_64, t, RAX);
    }
    if (b->m->memories[a->memory].is64)
        x64_jcc(c, CC_B, bl_trap_label(b, TRAP_MEMORY_OUT_OF_BOUNDS));
    return t;
}

/* The length of that memory is where conditional moves can take it from; may use RAX. */
typedef struct Length {
    bool in_reg;
    Gpr reg;
    X64Mem m;
} Length;

static Length memory_length(Baseline *b, u32 memory)
{
    if (memory == 0 && b->length_reg != GPR_NONE)
        return (Length){.in_reg = true, .reg = b->length_reg};
    return (Length){.m = memory_field(b, memory, offsetof(VmMemory, length))};
}

/* The lesser of register and length. */
void bl_mask_index(Baseline *b, u32 memory, Gpr i)
{
    CodeBuf *c = &b->code;
    Length n = memory_length(b, memory);
    if (n.in_reg) {
        x64_rr(c, X64_CMP, SZ_64, i, n.reg);
        x64_cmov_rr(c, CC_AE, SZ_64, i, n.reg);
    } else {
        x64_rm(c, X64_CMP, SZ_64, i, n.m);
        x64_cmov_rm(c, CC_AE, SZ_64, i, n.m);
    }
}

/* The lesser of register and length in RAX. */
static void mask_in_rax(Baseline *b, Gpr i)
{
    CodeBuf *c = &b->code;
    Length n = memory_length(b, 0);
    if (n.in_reg)
        x64_rr(c, X64_MOV, SZ_64, RAX, n.reg);
    else
        x64_rm(c, X64_MOV, SZ_64, RAX, n.m);
    x64_rr(c, X64_CMP, SZ_64, i, RAX);
    x64_cmov_rr(c, CC_B, SZ_64, RAX, i);
}

u32 bl_reach(const Baseline *b, const Val *v)
{
    u8 type = b->m->nmemories && b->m->memories[0].is64 ? KIND_I64 : KIND_I32;
    if (v->type != type)
        return 0;
    if (v->kind == V_REG)
        return v->reach;
    if (v->kind != V_LOCAL || b->locals[v->local].type != type ||
        b->locals[v->local].reg == GPR_NONE)
        return 0;
    return bl_pin_reach(b, b->locals + v->local);
}

/*
 * An index that is not below the length becomes the length, with which the access faults, right
 * where it is: be it a local's pin, for nobody sees the local any more. So the pin holds what is
 * safe to use until it is written, speculatively, too, and further accesses by it need no check.
 *
 * Not so the pin of a local that goes through an array, for the move would be part of what one turn
 * of the loop waits for in the one before: with few uses, it is masked in RAX.
 */
static Addr masked_address(Baseline *b, Val *index, const MemArg *a, u32 size, bool with_rax)
{
    CodeBuf *c = &b->code;
    Addr r = {.temp = {GPR_NONE, GPR_NONE}};
    u8 pin = index->kind == V_LOCAL ? b->locals[index->local].reg : GPR_NONE;
    bool small = a->offset <= CHECKED_GUARD - size;
    Gpr i = RAX;
    if (!small)
        i = index_plus_offset(b, index, a);
    else if (index->kind == V_REG || pin != GPR_NONE || a->memory < b->m->n_imported_memories)
        i = bl_gpr(b, index);
    else
        bl_load_gpr(b, index, RAX);
    keep_temp(b, &r, 0, i);
    bool is_pin = i == pin && a->memory == 0;
    Local *l = is_pin ? b->locals + index->local : NULL;
    u32 reach = a->memory == 0 && small ? bl_reach(b, index) : 0;
    if (reach && reach - 1 + a->offset + size <= CHECKED_GUARD) {
        /* nothing to do */
    } else if (is_pin && with_rax && l->stepped && l->reads <= STEPPED_READS) {
        mask_in_rax(b, i);
        i = RAX;
    } else {
        bl_mask_index(b, a->memory, i);
        if (is_pin)
            bl_note_check(b, l, 0);
    }
    Gpr base = ROLE_MEMORY;
    if (a->memory != 0) {
        base = i == RAX ? bl_alloc_gpr(b) : RAX;
        keep_temp(b, &r, 1, base);
        x64_rm(c, X64_MOV, SZ_64, base, memory_field(b, a->memory, offsetof(VmMemory, base)));
    }
    r.m = x64_mem_index(base, i, 0, small ? (i32)a->offset : 0);
    return r;
}

/* A constant address within what the memory has from the start on. */
static bool constant_address(const Baseline *b, const Val *index, const MemArg *a, u32 size,
                             X64Mem *ret_mem)
{
    const MemoryType *t = b->m->memories + a->memory;
    if (index->kind != V_CONST || a->memory != 0)
        return false;
    u64 at = t->is64 ? index->imm : (u32)index->imm, least = 0;
    if (__builtin_mul_overflow(t->limits.min, (u64)1 << t->page_size_log2, &least))
        return false;
    least = MIN(least, INT32_MAX);
    if (size > least || a->offset > least - size || at > least - size - a->offset)
        return false;
    *ret_mem = x64_mem(ROLE_MEMORY, (i32)(at + a->offset));
    return true;
}

static Addr address_of(Baseline *b, Val *index, const MemArg *a, u32 size, bool with_rax)
{
    u64 reach = a->offset + size;
    const MemoryType *t = b->m->memories + a->memory;
    if (memory_is_guarded(t, b->t) && reach <= b->t->memory_guard && reach <= INT32_MAX)
        return guarded_address(b, index, a);
    Addr r = {.temp = {GPR_NONE, GPR_NONE}};
    if (constant_address(b, index, a, size, &r.m))
        return r;
    return bl_checks_by_guard(b, t) ? masked_address(b, index, a, size, with_rax)
                                    : checked_address(b, index, a, size);
}

Addr bl_address(Baseline *b, Val *index, const MemArg *a, u32 size)
{
    return address_of(b, index, a, size, true);
}

/* --- loads and stores --- */

/* A load that is only tested for zero is a comparison in memory. */
static bool fuse_load_test(Baseline *b, u8 type, X64Size from)
{
    u8 next = bl_peek(b);
    if (b->t->fuel ||
        (type == KIND_I32 ? next != 0x0d && next != 0x04 && next != 0x45 : next != 0x50))
        return false;
    Val index = bl_pop(b);
    Addr a = bl_address(b, &index, &b->in.memarg, 1u << from);
    bl_trap_site(b, TRAP_MEMORY_OUT_OF_BOUNDS);
    x64_mi(&b->code, X64_CMP, from, a.m, 0);
    bl_addr_free(b, &a);
    bl_push(b, (Val){.kind = V_FLAGS, .type = type, .cond = CC_NE});
    return true;
}

/* The instruction that follows, if it can take a loaded value of that type as its operand. */
static bool next_takes_memory(const Baseline *b, u8 type, X64Inst *ret_inst)
{
    static const struct {
        u8 i32, i64;
        X64Inst inst;
    } rows[] = {{0x6a, 0x7c, X64_ADD}, {0x6b, 0x7d, X64_SUB}, {0x71, 0x83, X64_AND},
                {0x72, 0x84, X64_OR},  {0x73, 0x85, X64_XOR}, {0x6c, 0x7e, X64_IMUL}};
    u8 next = bl_peek(b);
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        if (next == (type == KIND_I32 ? rows[i].i32 : rows[i].i64)) {
            *ret_inst = rows[i].inst;
            return true;
        }
    }
    return false;
}

/* x op load, by a memory operand; the next instruction is consumed. */
static bool fuse_load_operation(Baseline *b, u8 type, X64Size from)
{
    X64Inst inst;
    Insn in;
    if (b->t->fuel || from != bl_size(type) || !next_takes_memory(b, type, &inst))
        return false;
    MemArg arg = b->in.memarg;
    Val index = bl_pop(b), x = bl_pop(b);
    insn_read(&b->r, &in);
    Gpr h = bl_hint_gpr(b);
    if (h == GPR_NONE)
        bl_own_gpr(b, &x);
    Addr a = bl_address(b, &index, &arg, 1u << from);
    Gpr d = h;
    if (h == GPR_NONE) {
        d = x.reg;
    } else {
        if (a.m.index == h) { /* the index is the local that is set */
            x64_rr(&b->code, X64_MOV, SZ_64, RAX, h);
            a.m.index = RAX;
        }
        bl_load_gpr(b, &x, h);
        bl_release(b, x);
    }
    bl_trap_site(b, TRAP_MEMORY_OUT_OF_BOUNDS);
    x64_rm(&b->code, inst, from, d, a.m);
    bl_addr_free(b, &a);
    bl_push_gpr(b, type, d);
    return true;
}

static void op_load(Baseline *b, u8 type, X64Size from, bool is_signed)
{
    if (fuse_load_test(b, type, from) || fuse_load_operation(b, type, from))
        return;
    CodeBuf *c = &b->code;
    Val index = bl_pop(b);
    Gpr h = bl_hint_gpr(b);
    Addr a = bl_address(b, &index, &b->in.memarg, 1u << from);
    bl_addr_free(b, &a);
    Gpr d = h != GPR_NONE ? h : bl_alloc_gpr(b);
    bl_trap_site(b, TRAP_MEMORY_OUT_OF_BOUNDS);
    if (is_signed)
        x64_movsx_rm(c, from, bl_size(type), d, a.m);
    else if (from < SZ_32)
        x64_movzx_rm(c, from, d, a.m);
    else
        x64_rm(c, X64_MOV, from, d, a.m);
    bl_push_gpr(b, type, d);
}

static void op_store(Baseline *b, X64Size to)
{
    CodeBuf *c = &b->code;
    Val v = bl_pop(b), index = bl_pop(b);
    bool imm = v.kind == V_CONST && (to < SZ_64 || bl_fits_i32(v.imm));
    Gpr r = imm ? GPR_NONE : bl_gpr(b, &v);
    Addr a = bl_address(b, &index, &b->in.memarg, 1u << to);
    bl_trap_site(b, TRAP_MEMORY_OUT_OF_BOUNDS);
    if (imm)
        x64_mi(c, X64_MOV, to, a.m, (i32)v.imm);
    else
        x64_mr(c, X64_MOV, to, a.m, r);
    bl_addr_free(b, &a);
    bl_release(b, v);
}

static void op_load_float(Baseline *b, u8 type)
{
    Val index = bl_pop(b);
    Xmm h = bl_hint_xmm(b);
    Addr a = bl_address(b, &index, &b->in.memarg, type == KIND_F32 ? 4 : 8);
    bl_addr_free(b, &a);
    Xmm d = h != XMM_NONE ? h : bl_alloc_xmm(b);
    bl_trap_site(b, TRAP_MEMORY_OUT_OF_BOUNDS);
    x64_xm(&b->code, type == KIND_F32 ? X64_MOVSS : X64_MOVSD, d, a.m);
    bl_push_xmm(b, type, d);
}

static void op_store_float(Baseline *b, u8 type)
{
    CodeBuf *c = &b->code;
    Val v = bl_pop(b), index = bl_pop(b);
    bool imm = v.kind == V_CONST && (type == KIND_F32 || bl_fits_i32(v.imm));
    Xmm x = imm ? XMM_NONE : bl_xmm(b, &v);
    Addr a = bl_address(b, &index, &b->in.memarg, type == KIND_F32 ? 4 : 8);
    bl_trap_site(b, TRAP_MEMORY_OUT_OF_BOUNDS);
    if (imm)
        x64_mi(c, X64_MOV, type == KIND_F32 ? SZ_32 : SZ_64, a.m, (i32)v.imm);
    else
        x64_mx(c, type == KIND_F32 ? X64_MOVSS : X64_MOVSD, a.m, x);
    bl_addr_free(b, &a);
    bl_release(b, v);
}

/* --- small copies and fills --- */

enum { BULK_MIN = 4, BULK_MAX = 64, BULK_PIECES = 4 };

bool bl_bulk_is_inline(const Baseline *b, const Insn *in, u64 n)
{
    bool copy = in->op == OP_memory_copy;
    return n >= BULK_MIN && n <= BULK_MAX && in->idx == 0 && (!copy || in->idx2 == 0) &&
           !b->m->memories[0].is64 && !b->t->fuel;
}

/* Pieces that cover `n` bytes, the last two may overlap. */
typedef struct Pieces {
    u32 n, size;
    i32 at[BULK_PIECES];
} Pieces;

static Pieces pieces_of(u32 n)
{
    Pieces p = {.size = n >= 16 ? 16 : n >= 8 ? 8 : 4};
    for (u32 at = 0; at + p.size <= n; at += p.size)
        p.at[p.n++] = (i32)at;
    if (n % p.size)
        p.at[p.n++] = (i32)(n - p.size);
    return p;
}

static X64Sse piece_mov(const Pieces *p)
{
    return p->size == 16 ? X64_MOVUPS : p->size == 8 ? X64_MOVSD : X64_MOVSS;
}

/* The address of `n` bytes, without RAX. */
static Addr bulk_address(Baseline *b, Val *index, u32 n)
{
    if (index->kind != V_CONST || (u32)index->imm > INT32_MAX - BULK_MAX)
        bl_gpr(b, index);
    return address_of(b, index, &(MemArg){0}, n, false);
}

/* The last piece goes first: if it is in bounds, all are, so nothing is written before a trap. */
static void store_pieces(Baseline *b, const Pieces *p, X64Mem m, const Xmm *from)
{
    for (u32 i = p->n; i-- > 0;) {
        bl_trap_site(b, TRAP_MEMORY_OUT_OF_BOUNDS);
        x64_mx(&b->code, piece_mov(p), x64_mem_plus(m, p->at[i]), from[i]);
    }
}

static bool copy_inline(Baseline *b)
{
    const Val *len = b->stack.p + b->stack.n - 1;
    if (len->kind != V_CONST || !bl_bulk_is_inline(b, &b->in, (u32)len->imm))
        return false;
    u32 n = (u32)bl_pop(b).imm;
    Val src = bl_pop(b), dst = bl_pop(b);
    Pieces p = pieces_of(n);
    Xmm x[BULK_PIECES];
    for (u32 i = 0; i < p.n; i++)
        x[i] = bl_alloc_xmm(b);
    Addr from = bulk_address(b, &src, n), to = bulk_address(b, &dst, n);
    for (u32 i = 0; i < p.n; i++) {
        bl_trap_site(b, TRAP_MEMORY_OUT_OF_BOUNDS);
        x64_xm(&b->code, piece_mov(&p), x[i], x64_mem_plus(from.m, p.at[i]));
    }
    store_pieces(b, &p, to.m, x);
    bl_addr_free(b, &from);
    bl_addr_free(b, &to);
    for (u32 i = 0; i < p.n; i++)
        bl_free_xmm(b, x[i]);
    return true;
}

static bool fill_inline(Baseline *b)
{
    const Val *top = b->stack.p + b->stack.n;
    if (top[-1].kind != V_CONST || top[-2].kind != V_CONST ||
        !bl_bulk_is_inline(b, &b->in, (u32)top[-1].imm))
        return false;
    u32 n = (u32)bl_pop(b).imm;
    u64 byte = bl_pop(b).imm & 0xff;
    Val dst = bl_pop(b);
    Pieces p = pieces_of(n);
    Addr to = bulk_address(b, &dst, n);
    u64 bytes = byte * 0x0101010101010101;
    if (bytes)
        x64_xm(&b->code, X64_MOVUPS, XMM15,
               x64_mem_label(code_const_u64x2(&b->code, bytes, bytes)));
    else
        x64_zero_x(&b->code, XMM15);
    store_pieces(b, &p, to.m, (Xmm[]){XMM15, XMM15, XMM15, XMM15});
    bl_addr_free(b, &to);
    return true;
}

/* --- whole memories --- */

static u8 address_type(const Baseline *b, u32 memory)
{
    return b->m->memories[memory].is64 ? KIND_I64 : KIND_I32;
}

static void op_size(Baseline *b)
{
    CodeBuf *c = &b->code;
    u32 memory = b->in.idx;
    Gpr h = bl_hint_gpr(b);
    Gpr d = h != GPR_NONE ? h : bl_alloc_gpr(b);
    x64_rm(c, X64_MOV, SZ_64, d, memory_field(b, memory, offsetof(VmMemory, length)));
    u8 log2 = b->m->memories[memory].page_size_log2;
    if (log2)
        x64_shift_ri(c, X64_SHR, SZ_64, d, log2);
    bl_push_gpr(b, address_type(b, memory), d);
}

static bool op_bulk(Baseline *b, OpId op)
{
    u64 x = b->in.idx, y = b->in.idx2;
    switch ((u32)op) {
    case OP_memory_grow:
        bl_call_builtin(b, BUILTIN_memory_grow, (BuiltinArgs){{x}, 1, 1},
                        address_type(b, b->in.idx));
        return true;
    case OP_memory_copy:
        if (copy_inline(b))
            return true;
        bl_call_builtin(b, BUILTIN_memory_copy, (BuiltinArgs){{x, y}, 2, 3}, KIND_BOT);
        return true;
    case OP_memory_fill:
        if (fill_inline(b))
            return true;
        bl_call_builtin(b, BUILTIN_memory_fill, (BuiltinArgs){{x}, 1, 3}, KIND_BOT);
        return true;
    case OP_memory_init:
        bl_call_builtin(b, BUILTIN_memory_init, (BuiltinArgs){{x, y}, 2, 3}, KIND_BOT);
        return true;
    case OP_data_drop:
        bl_call_builtin(b, BUILTIN_data_drop, (BuiltinArgs){{x}, 1, 0}, KIND_BOT);
        return true;
    default:
        return false;
    }
}

/* What a load or store does, by opcode from i32.load on. */
typedef struct Access {
    u8 type, width;
    bool store, sign;
} Access;

static const Access accesses[] = {
    {KIND_I32, SZ_32, false, false}, {KIND_I64, SZ_64, false, false},
    {KIND_F32, SZ_32, false, false}, {KIND_F64, SZ_64, false, false},
    {KIND_I32, SZ_8, false, true},   {KIND_I32, SZ_8, false, false},
    {KIND_I32, SZ_16, false, true},  {KIND_I32, SZ_16, false, false},
    {KIND_I64, SZ_8, false, true},   {KIND_I64, SZ_8, false, false},
    {KIND_I64, SZ_16, false, true},  {KIND_I64, SZ_16, false, false},
    {KIND_I64, SZ_32, false, true},  {KIND_I64, SZ_32, false, false},
    {KIND_I32, SZ_32, true, false},  {KIND_I64, SZ_64, true, false},
    {KIND_F32, SZ_32, true, false},  {KIND_F64, SZ_64, true, false},
    {KIND_I32, SZ_8, true, false},   {KIND_I32, SZ_16, true, false},
    {KIND_I64, SZ_8, true, false},   {KIND_I64, SZ_16, true, false},
    {KIND_I64, SZ_32, true, false},
};
static_assert(OP_i64_store32 - OP_i32_load + 1 == ARRAY_LEN(accesses), "a row an opcode");

u32 bl_access_size(OpId op)
{
    return accesses[op - OP_i32_load].width;
}

bool bl_op_memory(Baseline *b, OpId op)
{
    if (op == OP_memory_size) {
        op_size(b);
        return true;
    }
    if (op < OP_i32_load || op > OP_i64_store32)
        return op_bulk(b, op);
    const Access *a = accesses + (op - OP_i32_load);
    bool f = bl_is_float(a->type);
    if (a->store && f)
        op_store_float(b, a->type);
    else if (a->store)
        op_store(b, (X64Size)a->width);
    else if (f)
        op_load_float(b, a->type);
    else
        op_load(b, a->type, (X64Size)a->width, a->sign);
    return true;
}
