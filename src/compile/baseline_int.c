/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Integer arithmetic, comparisons and conversions between integers. */
#include "compile/baseline.h"

static void swap(Val *x, Val *y)
{
    Val t = *x;
    *x = *y;
    *y = t;
}

/* The register that a value lies in, GPR_NONE if it is not in one. */
static u8 reg_of(const Baseline *b, const Val *v)
{
    if (v->kind == V_REG)
        return v->reg;
    return v->kind == V_LOCAL ? b->locals[v->local].reg : GPR_NONE;
}

static bool is_temp(const Baseline *b, const Val *v)
{
    return v->kind == V_REG && bl_is_temp_gpr(b, v->reg);
}

static bool is_imm(const Val *v)
{
    return v->kind == V_CONST && (v->type == KIND_I32 || bl_fits_i32(v->imm));
}

/* dst = dst op y */
static void emit_op(Baseline *b, X64Inst op, X64Size sz, Gpr dst, Val *y)
{
    X64Mem m;
    if (is_imm(y))
        x64_ri(&b->code, op, sz, dst, (i32)y->imm);
    else if (bl_in_memory(b, y, &m))
        x64_rm(&b->code, op, sz, dst, m);
    else
        x64_rr(&b->code, op, sz, dst, bl_gpr(b, y));
}

/* Ends an operation whose result is in `d`. */
static void finish(Baseline *b, u8 type, Gpr d, Val x, Val y)
{
    bl_release(b, x);
    bl_release(b, y);
    bl_push_gpr(b, type, d);
}

/* --- add sub and or xor --- */

static void add_const(Baseline *b, u8 type, Val x, i32 imm)
{
    u32 reach = bl_reach(b, &x);
    Gpr h = bl_hint_gpr(b);
    u8 r = reg_of(b, &x);
    Gpr d = h != GPR_NONE ? h : is_temp(b, &x) ? (Gpr)x.reg : bl_alloc_gpr(b);
    if (r == GPR_NONE) {
        bl_load_gpr(b, &x, d);
        r = (u8)d;
    }
    if (imm == 0) {
        if (r != d)
            x64_rr(&b->code, X64_MOV, bl_size(type), d, r);
    } else if (r == d) {
        x64_ri(&b->code, X64_ADD, bl_size(type), d, imm);
    } else {
        x64_lea(&b->code, bl_size(type), d, x64_mem(r, imm));
    }
    bl_release(b, x);
    bl_push_gpr(b, type, d);
    if (reach && imm >= 0 && (u32)imm <= CHECKED_GUARD - reach) /* a sum that wraps is small */
        b->stack.p[b->stack.n - 1].reach = reach + (u32)imm;
}

/* Flags from `x & y` if all that follows is a test for zero. */
static bool fuse_test(Baseline *b, u8 type, Val *x, Val *y)
{
    u8 next = bl_peek(b);
    if (b->t->fuel || (next != 0x0d && next != 0x04 && next != (type == KIND_I32 ? 0x45 : 0x50)))
        return false;
    CodeBuf *c = &b->code;
    X64Size sz = bl_size(type);
    X64Mem m;
    if (is_imm(y) && bl_in_memory(b, x, &m))
        x64_mi(c, X64_TEST, sz, m, (i32)y->imm);
    else if (is_imm(y))
        x64_ri(c, X64_TEST, sz, bl_gpr(b, x), (i32)y->imm);
    else {
        Gpr r = bl_gpr(b, x);
        x64_rr(c, X64_TEST, sz, r, bl_gpr(b, y));
    }
    bl_release(b, *x);
    bl_release(b, *y);
    bl_push(b, (Val){.kind = V_FLAGS, .type = type, .cond = CC_NE});
    return true;
}

/* Sums of two registers into a third. */
static bool add_by_lea(Baseline *b, u8 type, const Val *x, const Val *y, Gpr h)
{
    u8 rx = reg_of(b, x), ry = reg_of(b, y);
    if (rx == GPR_NONE || ry == GPR_NONE || rx == h || ry == h)
        return false;
    if (h == GPR_NONE && (is_temp(b, x) || is_temp(b, y)))
        return false;
    Gpr d = h != GPR_NONE ? h : bl_alloc_gpr(b);
    x64_lea(&b->code, bl_size(type), d, x64_mem_index(rx, ry, 0, 0));
    finish(b, type, d, *x, *y);
    return true;
}

static void op_alu(Baseline *b, X64Inst op, u8 type)
{
    CodeBuf *c = &b->code;
    X64Size sz = bl_size(type);
    Val y = bl_pop(b), x = bl_pop(b);
    bool commutes = op != X64_SUB;
    if (commutes && x.kind == V_CONST)
        swap(&x, &y);
    if (is_imm(&y) && (op == X64_ADD || (op == X64_SUB && (i32)y.imm != INT32_MIN))) {
        add_const(b, type, x, op == X64_ADD ? (i32)y.imm : -(i32)y.imm);
        return;
    }
    if (op == X64_AND && fuse_test(b, type, &x, &y))
        return;
    Gpr h = bl_hint_gpr(b);
    if (op == X64_ADD && add_by_lea(b, type, &x, &y, h))
        return;
    if (commutes && (h != GPR_NONE ? reg_of(b, &y) == h : !is_temp(b, &x) && is_temp(b, &y)))
        swap(&x, &y);
    if (h == GPR_NONE) {
        Gpr d = bl_own_gpr(b, &x);
        emit_op(b, op, sz, d, &y);
        bl_release(b, y);
        bl_push_gpr(b, type, d);
        return;
    }
    if (reg_of(b, &y) == h && reg_of(b, &x) != h) {
        bl_load_gpr(b, &x, RAX);
        x64_rr(c, op, sz, RAX, h);
        x64_rr(c, X64_MOV, sz, h, RAX);
    } else {
        bl_load_gpr(b, &x, h);
        emit_op(b, op, sz, h, &y);
    }
    finish(b, type, h, x, y);
}

static void op_mul(Baseline *b, u8 type)
{
    CodeBuf *c = &b->code;
    X64Size sz = bl_size(type);
    Val y = bl_pop(b), x = bl_pop(b);
    if (x.kind == V_CONST)
        swap(&x, &y);
    Gpr h = bl_hint_gpr(b);
    if (is_imm(&y)) {
        X64Mem m;
        Gpr d = h != GPR_NONE ? h : is_temp(b, &x) ? (Gpr)x.reg : bl_alloc_gpr(b);
        if (x.kind != V_CONST && bl_in_memory(b, &x, &m)) {
            x64_imul_rmi(c, sz, d, m, (i32)y.imm);
        } else {
            u8 r = reg_of(b, &x);
            if (r == GPR_NONE)
                bl_load_gpr(b, &x, r = (u8)d);
            x64_imul_rri(c, sz, d, r, (i32)y.imm);
        }
        bl_release(b, x);
        bl_push_gpr(b, type, d);
        return;
    }
    if (h != GPR_NONE ? reg_of(b, &y) == h : !is_temp(b, &x) && is_temp(b, &y))
        swap(&x, &y);
    Gpr d = h;
    if (h == GPR_NONE)
        d = bl_own_gpr(b, &x);
    else
        bl_load_gpr(b, &x, h);
    emit_op(b, X64_IMUL, sz, d, &y);
    if (h == GPR_NONE) {
        bl_release(b, y);
        bl_push_gpr(b, type, d);
    } else {
        finish(b, type, d, x, y);
    }
}

/* --- shifts --- */

/* Makes RCX free and takes it; x and y are popped values that may lie in it. */
static void take_rcx_for_count(Baseline *b, Val *x, Val *count)
{
    CodeBuf *c = &b->code;
    if (x->kind == V_REG && x->reg == RCX) {
        Gpr t = bl_alloc_gpr(b);
        x64_rr(c, X64_MOV, SZ_64, t, RCX);
        x->reg = (u8)t;
        bl_free_gpr(b, RCX);
    }
    if (count->kind == V_REG && count->reg == RCX)
        return;
    bl_evict_gpr(b, RCX);
    b->gpr_busy |= 1u << RCX;
    bl_load_gpr(b, count, RCX);
    bl_release(b, *count);
    *count = (Val){.kind = V_REG, .type = count->type, .reg = RCX};
}

static void shift_const(Baseline *b, X64Shift op, u8 type, Val x, u8 count)
{
    Gpr h = bl_hint_gpr(b);
    Gpr d;
    if (h == GPR_NONE) {
        d = bl_own_gpr(b, &x);
    } else {
        d = h;
        bl_load_gpr(b, &x, h);
        bl_release(b, x);
    }
    if (count)
        x64_shift_ri(&b->code, op, bl_size(type), d, count);
    bl_push_gpr(b, type, d);
}

/* True if what comes next adds `*ret_z` to the value just made; those instructions are consumed. */
static bool next_is_sum(Baseline *b, u8 type, Val *ret_z)
{
    u8 add = type == KIND_I32 ? 0x6a : 0x7c;
    InsnReader r = b->r;
    Insn in;
    if (bl_peek(b) == add) {
        if (b->stack.p[b->stack.n - 1].kind == V_CONST && !is_imm(b->stack.p + b->stack.n - 1))
            return false;
        *ret_z = bl_pop(b);
        return insn_read(&b->r, &in);
    }
    if (!insn_read(&r, &in) || r.at == r.end || *r.at != add)
        return false;
    if (in.op == (type == KIND_I32 ? OP_i32_const : OP_i64_const) && bl_fits_i32(in.value))
        *ret_z = (Val){.kind = V_CONST, .type = type, .imm = in.value};
    else if (in.op == OP_local_get && b->locals[in.idx].reg != GPR_NONE)
        *ret_z = (Val){.kind = V_LOCAL, .type = type, .local = in.idx};
    else
        return false;
    b->r = r;
    return insn_read(&b->r, &in);
}

/* (x << k) + z by lea, for k of 1 to 3. */
static bool fuse_scaled_sum(Baseline *b, u8 type, Val x, u32 k)
{
    Val z;
    if (k < 1 || k > 3 || x.kind == V_CONST || b->t->fuel || !next_is_sum(b, type, &z))
        return false;
    Gpr h = bl_hint_gpr(b);
    Gpr rx = bl_gpr(b, &x), rz = z.kind == V_CONST ? GPR_NONE : bl_gpr(b, &z);
    Gpr d = h;
    if (h == GPR_NONE)
        d = is_temp(b, &x) ? (Gpr)x.reg : is_temp(b, &z) ? (Gpr)z.reg : bl_alloc_gpr(b);
    x64_lea(&b->code, bl_size(type), d,
            x64_mem_index(rz, rx, k, z.kind == V_CONST ? (i32)z.imm : 0));
    finish(b, type, d, x, z);
    return true;
}

static void op_shift(Baseline *b, X64Shift op, u8 type)
{
    CodeBuf *c = &b->code;
    X64Size sz = bl_size(type);
    Val y = bl_pop(b), x = bl_pop(b);
    if (y.kind == V_CONST) {
        if (op == X64_SHL && fuse_scaled_sum(b, type, x, (u32)y.imm & (sz == SZ_32 ? 31 : 63)))
            return;
        shift_const(b, op, type, x, (u8)(y.imm & (sz == SZ_32 ? 31 : 63)));
        return;
    }
    bool bmi = X64_HAS(b->t->cpu, BMI2) && op != X64_ROL && op != X64_ROR;
    Gpr h = bl_hint_gpr(b);
    if (bmi) {
        X64Bmi i = op == X64_SHL ? X64_SHLX : op == X64_SAR ? X64_SARX : X64_SHRX;
        Gpr n = bl_gpr(b, &y);
        X64Mem m;
        bool mem = bl_in_memory(b, &x, &m);
        Gpr r = mem ? GPR_NONE : bl_gpr(b, &x);
        bl_release(b, x);
        bl_release(b, y);
        Gpr d = h != GPR_NONE ? h : bl_alloc_gpr(b);
        if (mem)
            x64_rmr(c, i, sz, d, m, n);
        else
            x64_rrr(c, i, sz, d, r, n);
        bl_push_gpr(b, type, d);
        return;
    }
    take_rcx_for_count(b, &x, &y);
    Gpr d = bl_own_gpr(b, &x);
    x64_shift_rcl(c, op, sz, d);
    bl_release(b, y);
    if (h != GPR_NONE) {
        x64_rr(c, X64_MOV, sz, h, d);
        bl_release(b, x);
        d = h;
    }
    bl_push_gpr(b, type, d);
}

/* --- comparisons --- */

static void op_cmp(Baseline *b, u8 type, X64Cond cond)
{
    CodeBuf *c = &b->code;
    X64Size sz = bl_size(type);
    Val y = bl_pop(b), x = bl_pop(b);
    if (x.kind == V_CONST) {
        swap(&x, &y);
        cond = x64_cond_swap(cond);
    }
    X64Mem m;
    if (is_imm(&y) && bl_in_memory(b, &x, &m)) {
        x64_mi(c, X64_CMP, sz, m, (i32)y.imm);
    } else {
        Gpr r = bl_gpr(b, &x);
        if (y.kind == V_CONST && y.imm == 0)
            x64_rr(c, X64_TEST, sz, r, r);
        else
            emit_op(b, X64_CMP, sz, r, &y);
    }
    bl_release(b, x);
    bl_release(b, y);
    bl_push_cond(b, cond);
}

static void op_eqz(Baseline *b, u8 type)
{
    Val x = bl_pop(b);
    if (x.kind == V_FLAGS) {
        bl_push_cond(b, x.cond ^ 1u);
        return;
    }
    X64Mem m;
    if (bl_in_memory(b, &x, &m)) {
        x64_mi(&b->code, X64_CMP, bl_size(type), m, 0);
    } else {
        Gpr r = bl_gpr(b, &x);
        x64_rr(&b->code, X64_TEST, bl_size(type), r, r);
    }
    bl_release(b, x);
    bl_push_cond(b, CC_E);
}

/* --- bits --- */

/* Without lzcnt and tzcnt: bsr and bsf leave the zero flag for an input of zero. */
static void scan_bits(Baseline *b, u8 type, bool leading, Gpr d, Gpr r)
{
    CodeBuf *c = &b->code;
    X64Size sz = bl_size(type);
    u32 bits = sz == SZ_32 ? 32 : 64;
    x64_rr(c, leading ? X64_BSR : X64_BSF, sz, RAX, r);
    x64_mov_ri(c, SZ_32, d, leading ? 2 * bits - 1 : bits);
    x64_cmov_rr(c, CC_E, sz, RAX, d);
    if (leading)
        x64_ri(c, X64_XOR, sz, RAX, (i32)bits - 1);
    x64_rr(c, X64_MOV, sz, d, RAX);
}

/* d = (d & mask) + (d >> n & mask), with RAX and `t` as helpers. */
static void popcnt_step(CodeBuf *c, X64Size sz, Gpr d, Gpr t, u8 n, u64 mask)
{
    x64_mov_ri(c, sz, t, (i64)mask);
    x64_rr(c, X64_MOV, sz, RAX, d);
    x64_shift_ri(c, X64_SHR, sz, RAX, n);
    x64_rr(c, X64_AND, sz, d, t);
    x64_rr(c, X64_AND, sz, RAX, t);
    x64_rr(c, X64_ADD, sz, d, RAX);
}

static void popcnt_by_hand(Baseline *b, u8 type)
{
    CodeBuf *c = &b->code;
    X64Size sz = bl_size(type);
    Val x = bl_pop(b);
    Gpr d = bl_own_gpr(b, &x), t = bl_alloc_gpr(b);
    popcnt_step(c, sz, d, t, 1, 0x5555555555555555);
    popcnt_step(c, sz, d, t, 2, 0x3333333333333333);
    popcnt_step(c, sz, d, t, 4, 0x0f0f0f0f0f0f0f0f);
    x64_mov_ri(c, sz, t, 0x0101010101010101);
    x64_rr(c, X64_IMUL, sz, d, t);
    x64_shift_ri(c, X64_SHR, sz, d, sz == SZ_32 ? 24 : 56);
    bl_free_gpr(b, t);
    bl_push_gpr(b, type, d);
}

static void op_bits(Baseline *b, X64Inst inst, u8 type, bool has)
{
    if (!has && inst == X64_POPCNT) {
        popcnt_by_hand(b, type);
        return;
    }
    Val x = bl_pop(b);
    X64Mem m;
    bool mem = has && bl_in_memory(b, &x, &m);
    Gpr r = mem ? GPR_NONE : bl_gpr(b, &x);
    Gpr d = bl_dest_for(b, x);
    if (!has)
        scan_bits(b, type, inst == X64_LZCNT, d, r);
    else if (mem)
        x64_rm(&b->code, inst, bl_size(type), d, m);
    else
        x64_rr(&b->code, inst, bl_size(type), d, r);
    bl_push_gpr(b, type, d);
}

/* --- conversions --- */

static void op_sign_extend(Baseline *b, X64Size from, u8 type)
{
    Val x = bl_pop(b);
    X64Mem m;
    bool mem = bl_in_memory(b, &x, &m);
    Gpr r = mem ? GPR_NONE : bl_gpr(b, &x);
    Gpr d = bl_dest_for(b, x);
    if (mem)
        x64_movsx_rm(&b->code, from, bl_size(type), d, m);
    else
        x64_movsx_rr(&b->code, from, bl_size(type), d, r);
    bl_push_gpr(b, type, d);
}

static void op_extend_u(Baseline *b)
{
    Val x = bl_pop(b);
    if (x.kind == V_CONST) {
        bl_push_const(b, KIND_I64, (u32)x.imm);
        return;
    }
    if (x.kind != V_LOCAL || b->locals[x.local].reg == GPR_NONE)
        bl_gpr(b, &x);
    x.type = KIND_I64; /* i32 values in registers are zero-extended */
    if (x.kind == V_REG)
        x.reach = 0;
    bl_push(b, x);
}

static void op_wrap(Baseline *b)
{
    Val x = bl_pop(b);
    if (x.kind == V_CONST) {
        bl_push_const(b, KIND_I32, (u32)x.imm);
        return;
    }
    if (x.kind == V_SLOT) { /* its low half */
        x.type = KIND_I32;
        bl_push(b, x);
        return;
    }
    Gpr h = bl_hint_gpr(b);
    Gpr d = h != GPR_NONE ? h : is_temp(b, &x) ? (Gpr)x.reg : bl_alloc_gpr(b);
    u8 r = reg_of(b, &x);
    if (r == GPR_NONE)
        x64_rm(&b->code, X64_MOV, SZ_32, d, bl_local_mem(b, x.local));
    else
        x64_rr(&b->code, X64_MOV, SZ_32, d, r);
    bl_release(b, x);
    bl_push_gpr(b, KIND_I32, d);
}

/* --- wide arithmetic --- */

/* Four operands may be in temporaries and three are all that there are for sure: the low halves
 * are done with before the high ones are looked at, and moves keep the carry. */
static void op_wide_add(Baseline *b, X64Inst low, X64Inst high)
{
    CodeBuf *c = &b->code;
    Val yh = bl_pop(b), yl = bl_pop(b), xh = bl_pop(b), xl = bl_pop(b);
    X64Mem m;
    bl_load_gpr(b, &xl, RAX);
    bl_release(b, xl);
    emit_op(b, low, SZ_64, RAX, &yl);
    bl_release(b, yl);
    Gpr lo = bl_alloc_gpr(b);
    x64_rr(c, X64_MOV, SZ_64, lo, RAX);
    Gpr d = bl_own_gpr(b, &xh);
    if (!is_imm(&yh) && !bl_in_memory(b, &yh, &m))
        bl_gpr(b, &yh); /* not by emit_op, whose way may change the carry */
    emit_op(b, high, SZ_64, d, &yh);
    bl_release(b, yh);
    bl_push_gpr(b, KIND_I64, lo);
    bl_push_gpr(b, KIND_I64, d);
}

static void op_wide_mul(Baseline *b, X64Unary op)
{
    Val y = bl_pop(b), x = bl_pop(b);
    Gpr r = bl_set_up_division(b, x, &y);
    x64_r(&b->code, op, SZ_64, r);
    bl_release(b, y);
    Gpr lo = bl_alloc_gpr(b);
    x64_rr(&b->code, X64_MOV, SZ_64, lo, RAX);
    bl_push_gpr(b, KIND_I64, lo);
    bl_push_gpr(b, KIND_I64, RDX);
}

#define CMP_ROWS(P, type)                                                                          \
    case OP_##P##_eq:                                                                              \
        op_cmp(b, type, CC_E);                                                                     \
        return true;                                                                               \
    case OP_##P##_ne:                                                                              \
        op_cmp(b, type, CC_NE);                                                                    \
        return true;                                                                               \
    case OP_##P##_lt_s:                                                                            \
        op_cmp(b, type, CC_L);                                                                     \
        return true;                                                                               \
    case OP_##P##_lt_u:                                                                            \
        op_cmp(b, type, CC_B);                                                                     \
        return true;                                                                               \
    case OP_##P##_gt_s:                                                                            \
        op_cmp(b, type, CC_G);                                                                     \
        return true;                                                                               \
    case OP_##P##_gt_u:                                                                            \
        op_cmp(b, type, CC_A);                                                                     \
        return true;                                                                               \
    case OP_##P##_le_s:                                                                            \
        op_cmp(b, type, CC_LE);                                                                    \
        return true;                                                                               \
    case OP_##P##_le_u:                                                                            \
        op_cmp(b, type, CC_BE);                                                                    \
        return true;                                                                               \
    case OP_##P##_ge_s:                                                                            \
        op_cmp(b, type, CC_GE);                                                                    \
        return true;                                                                               \
    case OP_##P##_ge_u:                                                                            \
        op_cmp(b, type, CC_AE);                                                                    \
        return true;                                                                               \
    case OP_##P##_eqz:                                                                             \
        op_eqz(b, type);                                                                           \
        return true;

#define ARITH_ROWS(P, type)                                                                        \
    case OP_##P##_clz:                                                                             \
        op_bits(b, X64_LZCNT, type, X64_HAS(b->t->cpu, LZCNT));                                    \
        return true;                                                                               \
    case OP_##P##_ctz:                                                                             \
        op_bits(b, X64_TZCNT, type, X64_HAS(b->t->cpu, BMI1));                                     \
        return true;                                                                               \
    case OP_##P##_popcnt:                                                                          \
        op_bits(b, X64_POPCNT, type, X64_HAS(b->t->cpu, POPCNT));                                  \
        return true;                                                                               \
    case OP_##P##_add:                                                                             \
        op_alu(b, X64_ADD, type);                                                                  \
        return true;                                                                               \
    case OP_##P##_sub:                                                                             \
        op_alu(b, X64_SUB, type);                                                                  \
        return true;                                                                               \
    case OP_##P##_and:                                                                             \
        op_alu(b, X64_AND, type);                                                                  \
        return true;                                                                               \
    case OP_##P##_or:                                                                              \
        op_alu(b, X64_OR, type);                                                                   \
        return true;                                                                               \
    case OP_##P##_xor:                                                                             \
        op_alu(b, X64_XOR, type);                                                                  \
        return true;                                                                               \
    case OP_##P##_mul:                                                                             \
        op_mul(b, type);                                                                           \
        return true;                                                                               \
    case OP_##P##_div_s:                                                                           \
        bl_op_div(b, type, true, false);                                                           \
        return true;                                                                               \
    case OP_##P##_div_u:                                                                           \
        bl_op_div(b, type, false, false);                                                          \
        return true;                                                                               \
    case OP_##P##_rem_s:                                                                           \
        bl_op_div(b, type, true, true);                                                            \
        return true;                                                                               \
    case OP_##P##_rem_u:                                                                           \
        bl_op_div(b, type, false, true);                                                           \
        return true;                                                                               \
    case OP_##P##_shl:                                                                             \
        op_shift(b, X64_SHL, type);                                                                \
        return true;                                                                               \
    case OP_##P##_shr_s:                                                                           \
        op_shift(b, X64_SAR, type);                                                                \
        return true;                                                                               \
    case OP_##P##_shr_u:                                                                           \
        op_shift(b, X64_SHR, type);                                                                \
        return true;                                                                               \
    case OP_##P##_rotl:                                                                            \
        op_shift(b, X64_ROL, type);                                                                \
        return true;                                                                               \
    case OP_##P##_rotr:                                                                            \
        op_shift(b, X64_ROR, type);                                                                \
        return true;

bool bl_op_int(Baseline *b, OpId op)
{
    switch ((u32)op) {
        CMP_ROWS(i32, KIND_I32)
        CMP_ROWS(i64, KIND_I64)
        ARITH_ROWS(i32, KIND_I32)
        ARITH_ROWS(i64, KIND_I64)
    case OP_i32_extend8_s:
        op_sign_extend(b, SZ_8, KIND_I32);
        return true;
    case OP_i32_extend16_s:
        op_sign_extend(b, SZ_16, KIND_I32);
        return true;
    case OP_i64_extend8_s:
        op_sign_extend(b, SZ_8, KIND_I64);
        return true;
    case OP_i64_extend16_s:
        op_sign_extend(b, SZ_16, KIND_I64);
        return true;
    case OP_i64_extend32_s:
    case OP_i64_extend_i32_s:
        op_sign_extend(b, SZ_32, KIND_I64);
        return true;
    case OP_i64_extend_i32_u:
        op_extend_u(b);
        return true;
    case OP_i32_wrap_i64:
        op_wrap(b);
        return true;
    case OP_i64_add128:
        op_wide_add(b, X64_ADD, X64_ADC);
        return true;
    case OP_i64_sub128:
        op_wide_add(b, X64_SUB, X64_SBB);
        return true;
    case OP_i64_mul_wide_s:
        op_wide_mul(b, X64_IMUL1);
        return true;
    case OP_i64_mul_wide_u:
        op_wide_mul(b, X64_MUL);
        return true;
    default:
        return false;
    }
}
