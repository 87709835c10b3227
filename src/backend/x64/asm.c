/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Encoders of general-register instructions, control flow, atomics and strings. */
#include "backend/x64/asm.h"

#define OP0(op) X64_OP(X64PP_NP, X64MAP_00, op)
#define OP0F(op) X64_OP(X64PP_NP, X64MAP_0F, op)

static u32 row_digit(X64Inst i)
{
    return (u32)i >> 20 & 7;
}
/* Opcodes whose lowest bit says "not bytes". */
static u32 byte_op(u32 op, X64Size sz)
{
    return sz == SZ_8 ? op & 0xfe : op;
}

/* --- memory operands --- */

/* ModRM with [rip + label]: the displacement counts from the end of the instruction. */
static u8 *put_rip(CodeBuf *c, u8 *p, u32 reg, CodeLabel l, u32 trailing)
{
    *p++ = x64_modrm(0, reg, RBP);
    code_refer(c, l, (u32)(p - c->base), 4, (u8)trailing);
    return p + 4;
}

/* SIB without a base: a displacement of 32 bits in any case. */
static u8 *put_index_only(u8 *p, u32 reg, X64Mem m)
{
    u32 index = m.index == GPR_NONE ? RSP : m.index;
    *p++ = x64_modrm(0, reg, RSP);
    *p++ = x64_modrm(m.scale, index, RBP);
    store_u32(p, (u32)m.disp);
    return p + 4;
}

static u8 *put_mem(CodeBuf *c, u8 *p, u32 reg, X64Mem m, u32 trailing)
{
    if (UNLIKELY(m.kind == X64_MEM_LABEL))
        return put_rip(c, p, reg, (CodeLabel)m.disp, trailing);
    if (UNLIKELY(m.base == GPR_NONE))
        return put_index_only(p, reg, m);
    /* RBP and R13 as a base have no form without a displacement. */
    u32 mod = m.disp == 0 && (m.base & 7) != RBP ? 0 : x64_fits_i8(m.disp) ? 1 : 2;
    if (m.index != GPR_NONE) {
        *p++ = x64_modrm(mod, reg, RSP);
        *p++ = x64_modrm(m.scale, m.index, m.base);
    } else {
        *p++ = x64_modrm(mod, reg, m.base);
        *p = 0x24; /* the SIB that RSP and R12 as a base need */
        p += (m.base & 7) == RSP;
    }
    store_u32(p, (u32)m.disp);
    return p + (mod == 2 ? 4 : mod);
}

static u32 reg_bits(u8 r)
{
    return r == GPR_NONE ? 0 : r;
}

void x64_enc_rm(CodeBuf *c, X64Op o, X64Size sz, u32 reg, X64Mem m, bool byte_regs, u32 trailing)
{
    code_ensure(c);
    u8 *p = x64_put_legacy(c->at, o, sz, reg, reg_bits(m.index), reg_bits(m.base), byte_regs);
    c->at = put_mem(c, p, reg, m, trailing);
}

void x64_enc_vex_rm(CodeBuf *c, X64Op o, u32 w, u32 reg, u32 v, X64Mem m, u32 trailing)
{
    code_ensure(c);
    u8 *p = x64_put_vex(c->at, o, w, reg, v, reg_bits(m.index), reg_bits(m.base));
    c->at = put_mem(c, p, reg, m, trailing);
}

/* --- immediates --- */

static u32 imm_size(X64Size sz)
{
    return sz == SZ_8 ? 1 : sz == SZ_16 ? 2 : 4;
}
static void put_imm(CodeBuf *c, u32 size, i32 imm)
{
    store_u32(c->at, (u32)imm);
    c->at += size;
}

void x64_ri_wide(CodeBuf *c, X64Inst i, X64Size sz, Gpr dst, i32 imm)
{
    bool test = i == X64_TEST;
    bool small = !test && sz != SZ_8 && x64_fits_i8(imm);
    u32 op = test ? 0xf7 : small ? 0x83 : 0x81;
    u32 size = small ? 1 : imm_size(sz);
    assert(test || ((u32)i & X64_ROW_IMM));
    if (dst == RAX && !small) { /* the accumulator has a form without ModRM */
        code_ensure(c);
        u32 acc = test ? 0xa9 : ((u32)i & 0xff) + 4;
        c->at = x64_put_legacy(c->at, OP0(byte_op(acc, sz)), sz, 0, 0, 0, false);
    } else {
        x64_enc_rr(c, OP0(byte_op(op, sz)), sz, row_digit(i), dst, x64_needs_rex8(sz, dst));
    }
    put_imm(c, size, imm);
}

void x64_mi(CodeBuf *c, X64Inst i, X64Size sz, X64Mem dst, i32 imm)
{
    assert(i == X64_TEST || i == X64_MOV || ((u32)i & X64_ROW_IMM));
    bool small = ((u32)i & X64_ROW_IMM) && sz != SZ_8 && x64_fits_i8(imm);
    u32 op = i == X64_TEST ? 0xf7 : i == X64_MOV ? 0xc7 : small ? 0x83 : 0x81;
    u32 size = small ? 1 : imm_size(sz);
    x64_enc_rm(c, OP0(byte_op(op, sz)), sz, row_digit(i), dst, false, size);
    put_imm(c, size, imm);
}

void x64_bit_ri(CodeBuf *c, X64Inst i, X64Size sz, Gpr r, u8 bit)
{
    assert(row_digit(i) >= 4);
    x64_enc_rr(c, OP0F(0xba), sz, row_digit(i), r, false);
    x64_put_u8(c, bit);
}

void x64_bit_mi(CodeBuf *c, X64Inst i, X64Size sz, X64Mem m, u8 bit)
{
    assert(row_digit(i) >= 4);
    x64_enc_rm(c, OP0F(0xba), sz, row_digit(i), m, false, 1);
    x64_put_u8(c, bit);
}

/* --- moves --- */

/* An opcode with the register in its low three bits. */
static void enc_plus_reg(CodeBuf *c, X64Op o, X64Size sz, u32 r, bool byte_regs)
{
    code_ensure(c);
    c->at = x64_put_legacy(c->at, o + (r & 7), sz, 0, 0, r, byte_regs);
}

void x64_mov_ri(CodeBuf *c, X64Size sz, Gpr dst, i64 imm)
{
    if (sz != SZ_64 || (u64)imm <= UINT32_MAX) {
        assert(sz >= SZ_32);
        enc_plus_reg(c, OP0(0xb8), SZ_32, dst, false);
        x64_put_u32(c, (u32)imm);
    } else if (imm == (i32)imm) {
        x64_enc_rr(c, OP0(0xc7), SZ_64, 0, dst, false);
        x64_put_u32(c, (u32)imm);
    } else {
        x64_mov_abs(c, dst, (u64)imm);
    }
}

u32 x64_mov_abs(CodeBuf *c, Gpr dst, u64 imm)
{
    enc_plus_reg(c, OP0(0xb8), SZ_64, dst, false);
    u32 at = code_offset(c);
    store_u64(c->at, imm);
    c->at += 8;
    return at;
}

void x64_zero(CodeBuf *c, Gpr dst)
{
    x64_rr(c, X64_XOR, SZ_32, dst, dst);
}

void x64_xchg_rr(CodeBuf *c, X64Size sz, Gpr a, Gpr b)
{
    /* xchg eax, eax would be a nop that keeps the upper half */
    bool acc = sz != SZ_8 && (a == RAX || b == RAX) && !(a == b && sz == SZ_32);
    if (acc)
        enc_plus_reg(c, OP0(0x90), sz, a == RAX ? b : a, false);
    else
        x64_rr(c, X64_XCHG, sz, a, b);
}

static X64Op movzx_op(X64Size from)
{
    return from == SZ_32 ? OP0(0x8b) : OP0F(from == SZ_8 ? 0xb6 : 0xb7);
}
static X64Op movsx_op(X64Size from)
{
    return from == SZ_32 ? OP0(0x63) : OP0F(from == SZ_8 ? 0xbe : 0xbf);
}

void x64_movzx_rr(CodeBuf *c, X64Size from, Gpr dst, Gpr src)
{
    if (from == SZ_32)
        x64_rr(c, X64_MOV, SZ_32, dst, src);
    else
        x64_enc_rr(c, movzx_op(from), SZ_32, dst, src, x64_needs_rex8(from, src));
}

void x64_movzx_rm(CodeBuf *c, X64Size from, Gpr dst, X64Mem src)
{
    x64_enc_rm(c, movzx_op(from), SZ_32, dst, src, false, 0);
}

void x64_movsx_rr(CodeBuf *c, X64Size from, X64Size to, Gpr dst, Gpr src)
{
    assert(from < to);
    x64_enc_rr(c, movsx_op(from), to, dst, src, x64_needs_rex8(from, src));
}

void x64_movsx_rm(CodeBuf *c, X64Size from, X64Size to, Gpr dst, X64Mem src)
{
    assert(from < to);
    x64_enc_rm(c, movsx_op(from), to, dst, src, false, 0);
}

void x64_lea(CodeBuf *c, X64Size sz, Gpr dst, X64Mem m)
{
    x64_enc_rm(c, OP0(0x8d), sz, dst, m, false, 0);
}

/* --- arithmetic --- */

void x64_r(CodeBuf *c, X64Unary i, X64Size sz, Gpr r)
{
    x64_enc_rr(c, OP0(byte_op(i & 0xff, sz)), sz, i >> 8 & 7, r, x64_needs_rex8(sz, r));
}

void x64_m(CodeBuf *c, X64Unary i, X64Size sz, X64Mem m)
{
    x64_enc_rm(c, OP0(byte_op(i & 0xff, sz)), sz, i >> 8 & 7, m, false, 0);
}

void x64_imul_rri(CodeBuf *c, X64Size sz, Gpr dst, Gpr src, i32 imm)
{
    bool small = x64_fits_i8(imm);
    assert(sz != SZ_8);
    x64_enc_rr(c, OP0(small ? 0x6b : 0x69), sz, dst, src, false);
    put_imm(c, small ? 1 : imm_size(sz), imm);
}

void x64_imul_rmi(CodeBuf *c, X64Size sz, Gpr dst, X64Mem src, i32 imm)
{
    bool small = x64_fits_i8(imm);
    u32 size = small ? 1 : imm_size(sz);
    assert(sz != SZ_8);
    x64_enc_rm(c, OP0(small ? 0x6b : 0x69), sz, dst, src, false, size);
    put_imm(c, size, imm);
}

void x64_shift_ri(CodeBuf *c, X64Shift i, X64Size sz, Gpr r, u8 count)
{
    u32 op = count == 1 ? 0xd1 : 0xc1;
    x64_enc_rr(c, OP0(byte_op(op, sz)), sz, i, r, x64_needs_rex8(sz, r));
    if (count != 1)
        x64_put_u8(c, count);
}

void x64_shift_rcl(CodeBuf *c, X64Shift i, X64Size sz, Gpr r)
{
    x64_enc_rr(c, OP0(byte_op(0xd3, sz)), sz, i, r, x64_needs_rex8(sz, r));
}

void x64_shift_mi(CodeBuf *c, X64Shift i, X64Size sz, X64Mem m, u8 count)
{
    u32 op = count == 1 ? 0xd1 : 0xc1;
    x64_enc_rm(c, OP0(byte_op(op, sz)), sz, i, m, false, count != 1);
    if (count != 1)
        x64_put_u8(c, count);
}

void x64_shift_mcl(CodeBuf *c, X64Shift i, X64Size sz, X64Mem m)
{
    x64_enc_rm(c, OP0(byte_op(0xd3, sz)), sz, i, m, false, 0);
}

static void double_shift(CodeBuf *c, u32 op, X64Size sz, Gpr dst, Gpr src)
{
    assert(sz != SZ_8);
    x64_enc_rr(c, OP0F(op), sz, src, dst, false);
}

void x64_shld_rri(CodeBuf *c, X64Size sz, Gpr dst, Gpr src, u8 count)
{
    double_shift(c, 0xa4, sz, dst, src);
    x64_put_u8(c, count);
}

void x64_shrd_rri(CodeBuf *c, X64Size sz, Gpr dst, Gpr src, u8 count)
{
    double_shift(c, 0xac, sz, dst, src);
    x64_put_u8(c, count);
}

void x64_shld_rrcl(CodeBuf *c, X64Size sz, Gpr dst, Gpr src)
{
    double_shift(c, 0xa5, sz, dst, src);
}

void x64_shrd_rrcl(CodeBuf *c, X64Size sz, Gpr dst, Gpr src)
{
    double_shift(c, 0xad, sz, dst, src);
}

void x64_bswap(CodeBuf *c, X64Size sz, Gpr r)
{
    assert(sz >= SZ_32);
    enc_plus_reg(c, OP0F(0xc8), sz, r, false);
}

/* Sign of RAX into RDX, by one byte without operands. */
static void op_only(CodeBuf *c, X64Op o, X64Size sz)
{
    code_ensure(c);
    c->at = x64_put_legacy(c->at, o, sz, 0, 0, 0, false);
}

void x64_cdq(CodeBuf *c)
{
    op_only(c, OP0(0x99), SZ_32);
}

void x64_cqo(CodeBuf *c)
{
    op_only(c, OP0(0x99), SZ_64);
}

/* --- BMI --- */

static X64Op bmi_op(X64Bmi i)
{
    return (u32)i & 0xf00ff;
}
static X64BmiForm bmi_form(X64Bmi i)
{
    return (X64BmiForm)((u32)i >> 24 & 7);
}
static void need(const CodeBuf *c, u32 row)
{
    assert(c->features >> (row >> 28) & 1);
    (void)c;
    (void)row;
}

void x64_rrr(CodeBuf *c, X64Bmi i, X64Size sz, Gpr dst, Gpr a, Gpr b)
{
    bool rmv = bmi_form(i) == X64B_RMV;
    assert(rmv || bmi_form(i) == X64B_RVM);
    need(c, (u32)i);
    x64_enc_vex_rr(c, bmi_op(i), sz == SZ_64, dst, rmv ? b : a, rmv ? a : b);
}

void x64_rmr(CodeBuf *c, X64Bmi i, X64Size sz, Gpr dst, X64Mem a, Gpr b)
{
    assert(bmi_form(i) == X64B_RMV);
    need(c, (u32)i);
    x64_enc_vex_rm(c, bmi_op(i), sz == SZ_64, dst, b, a, 0);
}

void x64_rrm(CodeBuf *c, X64Bmi i, X64Size sz, Gpr dst, Gpr a, X64Mem b)
{
    assert(bmi_form(i) == X64B_RVM);
    need(c, (u32)i);
    x64_enc_vex_rm(c, bmi_op(i), sz == SZ_64, dst, a, b, 0);
}

void x64_bls_rr(CodeBuf *c, X64Bmi i, X64Size sz, Gpr dst, Gpr src)
{
    assert(bmi_form(i) == X64B_VM);
    need(c, (u32)i);
    x64_enc_vex_rr(c, bmi_op(i), sz == SZ_64, (u32)i >> 8 & 7, dst, src);
}

void x64_bls_rm(CodeBuf *c, X64Bmi i, X64Size sz, Gpr dst, X64Mem src)
{
    assert(bmi_form(i) == X64B_VM);
    need(c, (u32)i);
    x64_enc_vex_rm(c, bmi_op(i), sz == SZ_64, (u32)i >> 8 & 7, dst, src, 0);
}

void x64_rorx_rri(CodeBuf *c, X64Size sz, Gpr dst, Gpr src, u8 count)
{
    need(c, (u32)X64_RORX);
    x64_enc_vex_rr(c, bmi_op(X64_RORX), sz == SZ_64, dst, 0, src);
    x64_put_u8(c, count);
}

void x64_rorx_rmi(CodeBuf *c, X64Size sz, Gpr dst, X64Mem src, u8 count)
{
    need(c, (u32)X64_RORX);
    x64_enc_vex_rm(c, bmi_op(X64_RORX), sz == SZ_64, dst, 0, src, 1);
    x64_put_u8(c, count);
}

/* --- conditions and the stack --- */

void x64_setcc_r(CodeBuf *c, X64Cond cc, Gpr r)
{
    x64_enc_rr(c, OP0F(0x90 + cc), SZ_8, 0, r, x64_needs_rex8(SZ_8, r));
}

void x64_setcc_m(CodeBuf *c, X64Cond cc, X64Mem m)
{
    x64_enc_rm(c, OP0F(0x90 + cc), SZ_8, 0, m, false, 0);
}

void x64_cmov_rr(CodeBuf *c, X64Cond cc, X64Size sz, Gpr dst, Gpr src)
{
    assert(sz != SZ_8);
    x64_enc_rr(c, OP0F(0x40 + cc), sz, dst, src, false);
}

void x64_cmov_rm(CodeBuf *c, X64Cond cc, X64Size sz, Gpr dst, X64Mem src)
{
    assert(sz != SZ_8);
    x64_enc_rm(c, OP0F(0x40 + cc), sz, dst, src, false, 0);
}

void x64_push_r(CodeBuf *c, Gpr r)
{
    enc_plus_reg(c, OP0(0x50), SZ_32, r, false);
}

void x64_push_m(CodeBuf *c, X64Mem m)
{
    x64_enc_rm(c, OP0(0xff), SZ_32, 6, m, false, 0);
}

void x64_push_i(CodeBuf *c, i32 imm)
{
    bool small = x64_fits_i8(imm);
    op_only(c, OP0(small ? 0x6a : 0x68), SZ_32);
    put_imm(c, small ? 1 : 4, imm);
}

void x64_pop_r(CodeBuf *c, Gpr r)
{
    enc_plus_reg(c, OP0(0x58), SZ_32, r, false);
}

void x64_pop_m(CodeBuf *c, X64Mem m)
{
    x64_enc_rm(c, OP0(0x8f), SZ_32, 0, m, false, 0);
}

/* --- control --- */

/* A relative branch: `near_op` with rel32, `short_op` with rel8 (0: there is none). */
static void branch(CodeBuf *c, X64Op near_op, u32 short_op, CodeLabel l)
{
    code_ensure(c);
    bool near = true;
    if (short_op != 0 && code_label_bound(c, l)) {
        i64 distance = (i64)code_label_offset(c, l) - (code_offset(c) + 2);
        near = !x64_fits_i8(distance);
    }
    c->at = x64_put_opcode(c->at, near ? near_op : OP0(short_op));
    u32 at = code_offset(c);
    c->at += near ? 4 : 1;
    code_refer(c, l, at, near ? 4 : 1, 0);
}

static void branch_short(CodeBuf *c, u32 op, CodeLabel l)
{
    code_ensure(c);
    *c->at++ = (u8)op;
    u32 at = code_offset(c);
    c->at++;
    code_refer(c, l, at, 1, 0);
}

static void branch_reloc(CodeBuf *c, X64Op o, u32 target)
{
    op_only(c, o, SZ_32);
    x64_put_u32(c, 0);
    code_reloc(c, CODE_RELOC_REL32, target);
}

void x64_jmp(CodeBuf *c, CodeLabel l)
{
    branch(c, OP0(0xe9), 0xeb, l);
}

void x64_jcc(CodeBuf *c, X64Cond cc, CodeLabel l)
{
    branch(c, OP0F(0x80 + cc), 0x70 + cc, l);
}

void x64_jmp_short(CodeBuf *c, CodeLabel l)
{
    branch_short(c, 0xeb, l);
}

void x64_jcc_short(CodeBuf *c, X64Cond cc, CodeLabel l)
{
    branch_short(c, 0x70 + cc, l);
}

void x64_call(CodeBuf *c, CodeLabel l)
{
    branch(c, OP0(0xe8), 0, l);
}

void x64_jmp_r(CodeBuf *c, Gpr r)
{
    x64_enc_rr(c, OP0(0xff), SZ_32, 4, r, false);
}

void x64_jmp_m(CodeBuf *c, X64Mem m)
{
    x64_enc_rm(c, OP0(0xff), SZ_32, 4, m, false, 0);
}

void x64_call_r(CodeBuf *c, Gpr r)
{
    x64_enc_rr(c, OP0(0xff), SZ_32, 2, r, false);
}

void x64_call_m(CodeBuf *c, X64Mem m)
{
    x64_enc_rm(c, OP0(0xff), SZ_32, 2, m, false, 0);
}

void x64_call_reloc(CodeBuf *c, u32 target)
{
    branch_reloc(c, OP0(0xe8), target);
}

void x64_jmp_reloc(CodeBuf *c, u32 target)
{
    branch_reloc(c, OP0(0xe9), target);
}

void x64_jcc_reloc(CodeBuf *c, X64Cond cc, u32 target)
{
    branch_reloc(c, OP0F(0x80 + cc), target);
}

void x64_lea_reloc(CodeBuf *c, Gpr dst, u32 target)
{
    code_ensure(c);
    u8 *p = x64_put_legacy(c->at, OP0(0x8d), SZ_64, dst, 0, 0, false);
    *p++ = x64_modrm(0, dst, RBP);
    c->at = p;
    x64_put_u32(c, 0);
    code_reloc(c, CODE_RELOC_REL32, target);
}

void x64_ret(CodeBuf *c)
{
    op_only(c, OP0(0xc3), SZ_32);
}

void x64_ret_pop(CodeBuf *c, u16 bytes)
{
    op_only(c, OP0(0xc2), SZ_32);
    x64_put_u16(c, bytes);
}

void x64_ud2(CodeBuf *c)
{
    op_only(c, OP0F(0x0b), SZ_32);
}

void x64_int3(CodeBuf *c)
{
    op_only(c, OP0(0xcc), SZ_32);
}

void x64_pause(CodeBuf *c)
{
    op_only(c, X64_OP(X64PP_F3, X64MAP_00, 0x90), SZ_32);
}

void x64_nop(CodeBuf *c, u32 bytes)
{
    static const u8 nops[9][9] = {
        {0x90},
        {0x66, 0x90},
        {0x0f, 0x1f, 0x00},
        {0x0f, 0x1f, 0x40, 0x00},
        {0x0f, 0x1f, 0x44, 0x00, 0x00},
        {0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00},
        {0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00},
        {0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
        {0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
    };
    while (bytes > 0) {
        u32 n = MIN(bytes, (u32)ARRAY_LEN(nops));
        code_bytes(c, nops[n - 1], n);
        bytes -= n;
    }
}

void x64_align(CodeBuf *c, u32 to)
{
    assert(to > 0 && to <= CODE_ALIGN && (to & (to - 1)) == 0);
    x64_nop(c, -code_offset(c) & (to - 1));
}

/* --- atomics and strings --- */

void x64_lock(CodeBuf *c)
{
    op_only(c, OP0(0xf0), SZ_32);
}

void x64_cmpxchg8b(CodeBuf *c, X64Mem m)
{
    x64_enc_rm(c, OP0F(0xc7), SZ_32, 1, m, false, 0);
}

void x64_cmpxchg16b(CodeBuf *c, X64Mem m)
{
    need(c, (u32)X64_CPU_CX16 << 28);
    x64_enc_rm(c, OP0F(0xc7), SZ_64, 1, m, false, 0);
}

void x64_mfence(CodeBuf *c)
{
    op_only(c, OP0F(0xae), SZ_32);
    x64_put_u8(c, 0xf0);
}

void x64_rep_movsb(CodeBuf *c)
{
    op_only(c, X64_OP(X64PP_F3, X64MAP_00, 0xa4), SZ_32);
}

void x64_rep_stosb(CodeBuf *c)
{
    op_only(c, X64_OP(X64PP_F3, X64MAP_00, 0xaa), SZ_32);
}

void x64_rep_movsq(CodeBuf *c)
{
    op_only(c, X64_OP(X64PP_F3, X64MAP_00, 0xa5), SZ_64);
}

void x64_rep_stosq(CodeBuf *c)
{
    op_only(c, X64_OP(X64PP_F3, X64MAP_00, 0xab), SZ_64);
}
