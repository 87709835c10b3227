/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The x86-64 encoder. A function is named after the shape of its operands, Intel order, the
 * destination first: r general register, m memory, i immediate, x vector register. The instruction
 * is a row of insts.def: x64_rr(c, X64_ADD, SZ_32, RAX, RCX) is add eax, ecx.
 *
 * The shortest encoding is chosen (immediate, displacement and REX/VEX sizes). Whatever writes
 * nothing but what it is told to: no flags are clobbered behind the caller's back, no scratch
 * register is used, except where said.
 *
 * Rows are encodings packed into their enumerator, so an encoder called with a constant row is a
 * few stores. Checks of row against function are assertions.
 */
#ifndef BACKEND_X64_ASM_H
#define BACKEND_X64_ASM_H

#include "backend/x64/cpu.h"
#include "backend/x64/encode.h"

/* --- rows --- */

enum { X64W_W0, X64W_W1 };

/* bits: 0 op_mr, 8 op_rm, 16 pp, 18 map, 20 digit, 23 byte form, 24 immediate form, 28 cpu */
typedef enum X64Inst {
#define B (1u << 23)
#define I (1u << 24)
#define X64_GPR(id, text, op_mr, op_rm, pp, map, digit, flags, cpu)                                \
    X64_##id = (int)((op_mr) | (op_rm) << 8 | X64PP_##pp << 16 | X64MAP_##map << 18 |              \
                     (digit) << 20 | (flags) | (u32)X64_CPU_##cpu << 28),
#include "backend/x64/insts.def"
#undef X64_GPR
#undef B
#undef I
} X64Inst;

/* bits: 0 opcode, 8 digit */
typedef enum X64Unary {
#define X64_UNARY(id, text, op, digit) X64_##id = (op) | (digit) << 8,
#include "backend/x64/insts.def"
#undef X64_UNARY
} X64Unary;

typedef enum X64Shift {
#define X64_SHIFT(id, text, digit) X64_##id = (digit),
#include "backend/x64/insts.def"
#undef X64_SHIFT
} X64Shift;

typedef enum X64BmiForm { X64B_RVM, X64B_RMV, X64B_VM, X64B_RMI } X64BmiForm;

/* bits: 0 opcode, 8 digit, 16 pp, 18 map, 24 form, 28 cpu */
typedef enum X64Bmi {
#define X64_BMI(id, text, form, pp, map, op, digit, cpu)                                           \
    X64_##id = (int)((op) | (digit) << 8 | X64PP_##pp << 16 | X64MAP_##map << 18 |                 \
                     X64B_##form << 24 | (u32)X64_CPU_##cpu << 28),
#include "backend/x64/insts.def"
#undef X64_BMI
} X64Bmi;

typedef enum X64Form {
    X64F_RM,
    X64F_RVM,
    X64F_RMI,
    X64F_RVMI,
    X64F_RVR,
    X64F_VMI,
    X64F_MOV,
    X64F_MOVS,
    X64F_MOVH,
    X64F_MOVG,
    X64F_XVG,
    X64F_GX,
    X64F_GXR,
    X64F_PINS,
    X64F_PEXT,
    X64F_BLENDV,
} X64Form;

/* bits: 0 op, 8 op2, 16 pp, 18 map, 20 W, 21 commutative, 22 VEX only, 24 form, 28 cpu */
typedef enum X64Sse {
#define COMM (1u << 21)
#define VEX (1u << 22)
#define X64_SSE(id, text, form, pp, map, op, op2, w, flags, cpu)                                   \
    X64_##id = (int)((op) | (op2) << 8 | X64PP_##pp << 16 | X64MAP_##map << 18 | X64W_##w << 20 |  \
                     (flags) | X64F_##form << 24 | (u32)X64_CPU_##cpu << 28),
#include "backend/x64/insts.def"
#undef X64_SSE
#undef VEX
#undef COMM
} X64Sse;

/* --- memory operands --- */

static inline X64Mem x64_mem(Gpr base, i32 disp)
{
    return (X64Mem){(u8)base, GPR_NONE, 0, 0, disp};
}
static inline X64Mem x64_mem_index(Gpr base, Gpr index, u32 scale_log2, i32 disp)
{
    assert(index != RSP && scale_log2 <= 3);
    if (base == GPR_NONE && scale_log2 <= 1) { /* saves a displacement of four bytes */
        base = index;
        index = scale_log2 == 0 ? GPR_NONE : index;
        scale_log2 = 0;
    }
    return (X64Mem){(u8)base, (u8)index, (u8)scale_log2, 0, disp};
}
static inline X64Mem x64_mem_label(CodeLabel l)
{
    return (X64Mem){GPR_NONE, GPR_NONE, 0, X64_MEM_LABEL, (i32)l};
}
/* The same place plus `more` bytes; not of a label. */
static inline X64Mem x64_mem_plus(X64Mem m, i32 more)
{
    assert(m.kind != X64_MEM_LABEL);
    m.disp += more;
    return m;
}

/* --- general registers --- */

/* Row to prefix and opcode of the form with the memory operand (mr) or the register as destination.
 */
#define X64_ROW_BYTE (1u << 23)
#define X64_ROW_IMM (1u << 24)
static inline X64Op x64_row_op(X64Inst i, bool mr, X64Size sz)
{
    assert(sz != SZ_8 || ((u32)i & X64_ROW_BYTE));
    u32 op = mr ? (u32)i & 0xff : (u32)i >> 8 & 0xff;
    return ((u32)i & 0xf0000) | (sz == SZ_8 ? op & 0xfe : op);
}
void x64_ri_wide(CodeBuf *c, X64Inst i, X64Size sz, Gpr dst, i32 imm);

/* Two operands: add or adc sbb and sub xor cmp mov test xchg xadd cmpxchg imul bsf bsr tzcnt lzcnt
 * popcnt bt bts btr btc. SZ_8 only for rows with a byte form. mov with SZ_32 clears the upper half;
 * with SZ_8 and SZ_16 it keeps the other bits. Exchanging two registers: x64_xchg_rr. */
static inline void x64_rr(CodeBuf *c, X64Inst i, X64Size sz, Gpr dst, Gpr src)
{
    bool mr = ((u32)i & 0xff) != 0, bytes = x64_needs_rex8(sz, dst) || x64_needs_rex8(sz, src);
    X64Op o = x64_row_op(i, mr, sz);
    x64_enc_rr(c, o, sz, mr ? src : dst, mr ? dst : src, bytes);
}
static inline void x64_rm(CodeBuf *c, X64Inst i, X64Size sz, Gpr dst, X64Mem src)
{
    X64Op o = x64_row_op(i, ((u32)i >> 8 & 0xff) == 0, sz);
    x64_enc_rm(c, o, sz, dst, src, x64_needs_rex8(sz, dst), 0);
}
static inline void x64_mr(CodeBuf *c, X64Inst i, X64Size sz, X64Mem dst, Gpr src)
{
    assert(((u32)i & 0xff) != 0);
    x64_enc_rm(c, x64_row_op(i, true, sz), sz, src, dst, x64_needs_rex8(sz, src), 0);
}
/* add or adc sbb and sub xor cmp test; the immediate is sign-extended to 64 bits. */
static inline void x64_ri(CodeBuf *c, X64Inst i, X64Size sz, Gpr dst, i32 imm)
{
    if (LIKELY(i != X64_TEST && sz >= SZ_32 && x64_fits_i8(imm))) {
        assert((u32)i & X64_ROW_IMM);
        x64_enc_rr(c, X64_OP(X64PP_NP, X64MAP_00, 0x83), sz, (u32)i >> 20 & 7, dst, false);
        x64_put_u8(c, (u32)imm);
    } else {
        x64_ri_wide(c, i, sz, dst, imm);
    }
}
/* The same and mov. */
void x64_mi(CodeBuf *c, X64Inst i, X64Size sz, X64Mem dst, i32 imm);
/* bt bts btr btc with a constant bit number. */
void x64_bit_ri(CodeBuf *c, X64Inst i, X64Size sz, Gpr r, u8 bit);
void x64_bit_mi(CodeBuf *c, X64Inst i, X64Size sz, X64Mem m, u8 bit);

/* The value in the whole register by the shortest mov: SZ_32 takes the low half of imm and clears
 * the upper. Flags stay. */
void x64_mov_ri(CodeBuf *c, X64Size sz, Gpr dst, i64 imm);
/* Always the ten-byte form; the offset of its immediate. */
u32 x64_mov_abs(CodeBuf *c, Gpr dst, u64 imm);
void x64_xchg_rr(CodeBuf *c, X64Size sz, Gpr a, Gpr b);
/* xor dst, dst: clobbers the flags. */
void x64_zero(CodeBuf *c, Gpr dst);
/* Extend from SZ_8, SZ_16 or SZ_32. movzx fills the whole register; movsx up to `to`. */
void x64_movzx_rr(CodeBuf *c, X64Size from, Gpr dst, Gpr src);
void x64_movzx_rm(CodeBuf *c, X64Size from, Gpr dst, X64Mem src);
void x64_movsx_rr(CodeBuf *c, X64Size from, X64Size to, Gpr dst, Gpr src);
void x64_movsx_rm(CodeBuf *c, X64Size from, X64Size to, Gpr dst, X64Mem src);
void x64_lea(CodeBuf *c, X64Size sz, Gpr dst, X64Mem m);

/* not neg mul imul1 div idiv inc dec; mul and the like work on RDX:RAX. */
void x64_r(CodeBuf *c, X64Unary i, X64Size sz, Gpr r);
void x64_m(CodeBuf *c, X64Unary i, X64Size sz, X64Mem m);
void x64_imul_rri(CodeBuf *c, X64Size sz, Gpr dst, Gpr src, i32 imm);
void x64_imul_rmi(CodeBuf *c, X64Size sz, Gpr dst, X64Mem src, i32 imm);
void x64_cdq(CodeBuf *c);
void x64_cqo(CodeBuf *c);

/* rol ror shl shr sar by a constant or by CL. */
void x64_shift_ri(CodeBuf *c, X64Shift i, X64Size sz, Gpr r, u8 count);
void x64_shift_rcl(CodeBuf *c, X64Shift i, X64Size sz, Gpr r);
void x64_shift_mi(CodeBuf *c, X64Shift i, X64Size sz, X64Mem m, u8 count);
void x64_shift_mcl(CodeBuf *c, X64Shift i, X64Size sz, X64Mem m);
/* dst is shifted left (right), bits of src come in. */
void x64_shld_rri(CodeBuf *c, X64Size sz, Gpr dst, Gpr src, u8 count);
void x64_shrd_rri(CodeBuf *c, X64Size sz, Gpr dst, Gpr src, u8 count);
void x64_shld_rrcl(CodeBuf *c, X64Size sz, Gpr dst, Gpr src);
void x64_shrd_rrcl(CodeBuf *c, X64Size sz, Gpr dst, Gpr src);
void x64_bswap(CodeBuf *c, X64Size sz, Gpr r);

/* BMI1, BMI2: SZ_32 and SZ_64. shlx sarx shrx: dst, value, count. mulx: high, low, factor (the
 * other is RDX). andn: dst = ~a & b. */
void x64_rrr(CodeBuf *c, X64Bmi i, X64Size sz, Gpr dst, Gpr a, Gpr b);
/* The operand that may be memory: the value of shlx and the like, the last of mulx and andn. */
void x64_rmr(CodeBuf *c, X64Bmi i, X64Size sz, Gpr dst, X64Mem a, Gpr b);
void x64_rrm(CodeBuf *c, X64Bmi i, X64Size sz, Gpr dst, Gpr a, X64Mem b);
/* blsr blsmsk blsi */
void x64_bls_rr(CodeBuf *c, X64Bmi i, X64Size sz, Gpr dst, Gpr src);
void x64_bls_rm(CodeBuf *c, X64Bmi i, X64Size sz, Gpr dst, X64Mem src);
void x64_rorx_rri(CodeBuf *c, X64Size sz, Gpr dst, Gpr src, u8 count);
void x64_rorx_rmi(CodeBuf *c, X64Size sz, Gpr dst, X64Mem src, u8 count);

void x64_setcc_r(CodeBuf *c, X64Cond cc, Gpr r); /* the low byte only */
void x64_setcc_m(CodeBuf *c, X64Cond cc, X64Mem m);
void x64_cmov_rr(CodeBuf *c, X64Cond cc, X64Size sz, Gpr dst, Gpr src);
void x64_cmov_rm(CodeBuf *c, X64Cond cc, X64Size sz, Gpr dst, X64Mem src);

void x64_push_r(CodeBuf *c, Gpr r);
void x64_push_m(CodeBuf *c, X64Mem m);
void x64_push_i(CodeBuf *c, i32 imm);
void x64_pop_r(CodeBuf *c, Gpr r);
void x64_pop_m(CodeBuf *c, X64Mem m);

/* --- control --- */

/* The short form if the label is bound and near, else rel32. */
void x64_jmp(CodeBuf *c, CodeLabel l);
void x64_jcc(CodeBuf *c, X64Cond cc, CodeLabel l);
/* rel8 in any case: a label that is bound farther than 127 bytes away is a bug. */
void x64_jmp_short(CodeBuf *c, CodeLabel l);
void x64_jcc_short(CodeBuf *c, X64Cond cc, CodeLabel l);
void x64_jmp_r(CodeBuf *c, Gpr r);
void x64_jmp_m(CodeBuf *c, X64Mem m);
void x64_call(CodeBuf *c, CodeLabel l);
void x64_call_r(CodeBuf *c, Gpr r);
void x64_call_m(CodeBuf *c, X64Mem m);
/* rel32 to a symbol of the code's owner: leaves a CODE_RELOC_REL32. */
void x64_call_reloc(CodeBuf *c, u32 target);
void x64_jmp_reloc(CodeBuf *c, u32 target);
void x64_jcc_reloc(CodeBuf *c, X64Cond cc, u32 target);
/* lea dst, [rip + symbol] */
void x64_lea_reloc(CodeBuf *c, Gpr dst, u32 target);
void x64_ret(CodeBuf *c);
void x64_ret_pop(CodeBuf *c, u16 bytes);
void x64_ud2(CodeBuf *c);
void x64_int3(CodeBuf *c);
void x64_pause(CodeBuf *c);
void x64_nop(CodeBuf *c, u32 bytes);
/* Multi-byte nops up to a multiple of `to`, a power of two up to CODE_ALIGN. */
void x64_align(CodeBuf *c, u32 to);

/* --- atomics and strings --- */

/* The prefix, directly before x64_mr/x64_mi/x64_m/x64_cmpxchg16b with a memory destination. */
void x64_lock(CodeBuf *c);
void x64_cmpxchg8b(CodeBuf *c, X64Mem m);
void x64_cmpxchg16b(CodeBuf *c, X64Mem m);
void x64_mfence(CodeBuf *c);
void x64_rep_movsb(CodeBuf *c);
void x64_rep_stosb(CodeBuf *c);
void x64_rep_movsq(CodeBuf *c);
void x64_rep_stosq(CodeBuf *c);

/* --- vector registers ---
 *
 * VEX is emitted if the buffer's features have AVX, the legacy encoding otherwise; the results in
 * the low 128 bits are the same. Where VEX has one operand more than the two that are given, it is
 * the destination.
 */

/* The scratch of x64_xxx and its like; nobody may keep a value in it over them. */
#define X64_XMM_SCRATCH XMM15

/* Rows RM MOV MOVS RVM RVR (dst = dst op src). Moves between registers: x64_mov_xx. */
void x64_xx(CodeBuf *c, X64Sse i, Xmm dst, Xmm src);
/* Rows RM MOV MOVS MOVH RVM (dst = dst op mem). Legacy packed operands must be 16-byte aligned
 * but for MOVUPS, MOVUPD, MOVDQU. */
void x64_xm(CodeBuf *c, X64Sse i, Xmm dst, X64Mem src);
/* Stores: rows MOV MOVS MOVH. */
void x64_mx(CodeBuf *c, X64Sse i, X64Mem dst, Xmm src);
/* The whole register by movaps; nothing if dst is src. */
void x64_mov_xx(CodeBuf *c, Xmm dst, Xmm src);
/* xorps dst, dst */
void x64_zero_x(CodeBuf *c, Xmm dst);

/* dst = a op b, rows RVM RVR MOVS; any of the registers may be the same. Without AVX that is
 * movaps and the legacy form; where dst is b and the row is not commutative, by way of
 * X64_XMM_SCRATCH, which then must not be dst or a. VEX-only rows (FMA and the like) need their
 * feature. */
void x64_xxx(CodeBuf *c, X64Sse i, Xmm dst, Xmm a, Xmm b);
void x64_xxm(CodeBuf *c, X64Sse i, Xmm dst, Xmm a, X64Mem b);
/* Rows RMI. */
void x64_xxi(CodeBuf *c, X64Sse i, Xmm dst, Xmm src, u8 imm);
void x64_xmi(CodeBuf *c, X64Sse i, Xmm dst, X64Mem src, u8 imm);
/* Rows RVMI, as x64_xxx. */
void x64_xxxi(CodeBuf *c, X64Sse i, Xmm dst, Xmm a, Xmm b, u8 imm);
void x64_xxmi(CodeBuf *c, X64Sse i, Xmm dst, Xmm a, X64Mem b, u8 imm);
/* Rows VMI: dst = src shifted. */
void x64_xshift(CodeBuf *c, X64Sse i, Xmm dst, Xmm src, u8 count);
/* Rows BLENDV: dst = mask's sign ? b : a. Without AVX: mask must be XMM0 and dst not, or a bug. */
void x64_blendv(CodeBuf *c, X64Sse i, Xmm dst, Xmm a, Xmm b, Xmm mask);

/* Rows MOVG (movd, movq: the rest of dst is cleared) and XVG (cvtsi2ss, cvtsi2sd: the rest of dst
 * is kept, so clear dst first to break the dependency). sz: SZ_32 or SZ_64, of the integer. */
void x64_xr(CodeBuf *c, X64Sse i, X64Size sz, Xmm dst, Gpr src);
void x64_x_mem(CodeBuf *c, X64Sse i, X64Size sz, Xmm dst, X64Mem src); /* XVG, MOVG from memory */
/* Rows MOVG, GX, GXR; for GXR (movmsk) sz is ignored. */
void x64_rx(CodeBuf *c, X64Sse i, X64Size sz, Gpr dst, Xmm src);
/* Rows GX from memory. */
void x64_rx_mem(CodeBuf *c, X64Sse i, X64Size sz, Gpr dst, X64Mem src);
/* Rows PINS: dst = a with a lane replaced. */
void x64_xxri(CodeBuf *c, X64Sse i, Xmm dst, Xmm a, Gpr b, u8 lane);
void x64_pins_m(CodeBuf *c, X64Sse i, Xmm dst, Xmm a, X64Mem b, u8 lane);
/* Rows PEXT: the lane, zero-extended to the whole register. */
void x64_rxi(CodeBuf *c, X64Sse i, Gpr dst, Xmm src, u8 lane);
void x64_pext_m(CodeBuf *c, X64Sse i, X64Mem dst, Xmm src, u8 lane);

#endif
