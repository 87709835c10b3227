/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Encoders of vector instructions. Each row has a legacy encoding that works on two operands and a
 * VEX encoding with the destination apart; which one is written depends on the buffer's features.
 */
#include "backend/x64/asm.h"

static X64Op row_op(X64Sse i)
{
    return (u32)i & 0xf00ff;
}
static X64Op row_op2(X64Sse i)
{
    u32 pp = i == X64_MOVQX ? X64PP_66 : x64_op_pp((u32)i); /* movq alone changes its prefix */
    return X64_OP(pp, x64_op_map((u32)i), (u32)i >> 8 & 0xff);
}
static u32 row_w(X64Sse i)
{
    return (u32)i >> 20 & 1;
}
static bool row_commutes(X64Sse i)
{
    return (u32)i >> 21 & 1;
}
static bool row_vex_only(X64Sse i)
{
    return (u32)i >> 22 & 1;
}
static X64Form row_form(X64Sse i)
{
    return (X64Form)((u32)i >> 24 & 15);
}
/* Legacy W is the REX bit. */
static X64Size row_size(X64Sse i)
{
    return row_w(i) ? SZ_64 : SZ_32;
}

static bool has_avx(const CodeBuf *c)
{
    return X64_HAS(c->features, AVX);
}

/* VEX is to be used; checks the row's CPU feature. */
static bool use_vex(const CodeBuf *c, X64Sse i)
{
    assert(c->features >> ((u32)i >> 28) & 1);
    assert(has_avx(c) || !row_vex_only(i));
    return has_avx(c);
}

/* The VEX form has a source in vvvv. */
static bool has_vvvv(X64Form f)
{
    return f == X64F_RVM || f == X64F_RVMI || f == X64F_RVR || f == X64F_MOVH || f == X64F_XVG ||
           f == X64F_PINS;
}

/* --- two operands --- */

void x64_xx(CodeBuf *c, X64Sse i, Xmm dst, Xmm src)
{
    X64Form f = row_form(i);
    bool vvvv = has_vvvv(f) || f == X64F_MOVS;
    assert(f == X64F_RM || f == X64F_RVM || f == X64F_RVR || f == X64F_MOV || f == X64F_MOVS);
    if (!use_vex(c, i)) {
        x64_enc_rr(c, row_op(i), row_size(i), dst, src, false);
        return;
    }
    bool has_store = f == X64F_MOV || f == X64F_MOVS;
    if (has_store && dst < XMM8 && src >= XMM8) /* the store form saves a byte */
        x64_enc_vex_rr(c, row_op2(i), row_w(i), src, vvvv ? dst : 0, dst);
    else
        x64_enc_vex_rr(c, row_op(i), row_w(i), dst, vvvv ? dst : 0, src);
}

void x64_xm(CodeBuf *c, X64Sse i, Xmm dst, X64Mem src)
{
    X64Form f = row_form(i);
    assert(f == X64F_RM || f == X64F_RVM || f == X64F_MOV || f == X64F_MOVS || f == X64F_MOVH);
    if (use_vex(c, i))
        x64_enc_vex_rm(c, row_op(i), row_w(i), dst, has_vvvv(f) ? dst : 0, src, 0);
    else
        x64_enc_rm(c, row_op(i), row_size(i), dst, src, false, 0);
}

void x64_mx(CodeBuf *c, X64Sse i, X64Mem dst, Xmm src)
{
    assert(row_form(i) == X64F_MOV || row_form(i) == X64F_MOVS || row_form(i) == X64F_MOVH);
    if (use_vex(c, i))
        x64_enc_vex_rm(c, row_op2(i), 0, src, 0, dst, 0);
    else
        x64_enc_rm(c, row_op2(i), SZ_32, src, dst, false, 0);
}

void x64_mov_xx(CodeBuf *c, Xmm dst, Xmm src)
{
    if (dst != src)
        x64_xx(c, X64_MOVAPS, dst, src);
}

void x64_zero_x(CodeBuf *c, Xmm dst)
{
    x64_xx(c, X64_XORPS, dst, dst);
}

/* --- three operands --- */

/* dst = a op b in legacy encoding, with an opcode of the form dst = dst op src. */
static void legacy_3(CodeBuf *c, X64Sse i, Xmm dst, Xmm a, Xmm b)
{
    if (dst == b && dst != a) {
        if (row_commutes(i)) {
            b = a;
        } else {
            assert(dst != X64_XMM_SCRATCH && a != X64_XMM_SCRATCH);
            x64_mov_xx(c, X64_XMM_SCRATCH, b);
            x64_mov_xx(c, dst, a);
            b = X64_XMM_SCRATCH;
        }
    } else {
        x64_mov_xx(c, dst, a);
    }
    x64_enc_rr(c, row_op(i), row_size(i), dst, b, false);
}

static void vex_3(CodeBuf *c, X64Sse i, Xmm dst, Xmm a, Xmm b)
{
    if (row_form(i) == X64F_MOVS && b >= XMM8 && dst < XMM8) { /* as in x64_xx */
        x64_enc_vex_rr(c, row_op2(i), row_w(i), b, a, dst);
        return;
    }
    if (b >= XMM8 && a < XMM8 && row_commutes(i)) { /* may save a byte */
        Xmm t = a;
        a = b;
        b = t;
    }
    x64_enc_vex_rr(c, row_op(i), row_w(i), dst, a, b);
}

void x64_xxx(CodeBuf *c, X64Sse i, Xmm dst, Xmm a, Xmm b)
{
    assert(row_form(i) == X64F_RVM || row_form(i) == X64F_RVR || row_form(i) == X64F_MOVS);
    if (use_vex(c, i))
        vex_3(c, i, dst, a, b);
    else
        legacy_3(c, i, dst, a, b);
}

void x64_xxm(CodeBuf *c, X64Sse i, Xmm dst, Xmm a, X64Mem b)
{
    assert(row_form(i) == X64F_RVM || row_form(i) == X64F_MOVH);
    if (use_vex(c, i)) {
        x64_enc_vex_rm(c, row_op(i), row_w(i), dst, a, b, 0);
    } else {
        x64_mov_xx(c, dst, a);
        x64_enc_rm(c, row_op(i), row_size(i), dst, b, false, 0);
    }
}

/* --- with an immediate --- */

void x64_xxi(CodeBuf *c, X64Sse i, Xmm dst, Xmm src, u8 imm)
{
    assert(row_form(i) == X64F_RMI);
    if (use_vex(c, i))
        x64_enc_vex_rr(c, row_op(i), row_w(i), dst, 0, src);
    else
        x64_enc_rr(c, row_op(i), row_size(i), dst, src, false);
    x64_put_u8(c, imm);
}

void x64_xmi(CodeBuf *c, X64Sse i, Xmm dst, X64Mem src, u8 imm)
{
    assert(row_form(i) == X64F_RMI);
    if (use_vex(c, i))
        x64_enc_vex_rm(c, row_op(i), row_w(i), dst, 0, src, 1);
    else
        x64_enc_rm(c, row_op(i), row_size(i), dst, src, false, 1);
    x64_put_u8(c, imm);
}

void x64_xxxi(CodeBuf *c, X64Sse i, Xmm dst, Xmm a, Xmm b, u8 imm)
{
    assert(row_form(i) == X64F_RVMI);
    if (use_vex(c, i))
        vex_3(c, i, dst, a, b);
    else
        legacy_3(c, i, dst, a, b);
    x64_put_u8(c, imm);
}

void x64_xxmi(CodeBuf *c, X64Sse i, Xmm dst, Xmm a, X64Mem b, u8 imm)
{
    assert(row_form(i) == X64F_RVMI);
    if (use_vex(c, i)) {
        x64_enc_vex_rm(c, row_op(i), row_w(i), dst, a, b, 1);
    } else {
        x64_mov_xx(c, dst, a);
        x64_enc_rm(c, row_op(i), row_size(i), dst, b, false, 1);
    }
    x64_put_u8(c, imm);
}

void x64_xshift(CodeBuf *c, X64Sse i, Xmm dst, Xmm src, u8 count)
{
    u32 digit = (u32)i >> 8 & 7;
    assert(row_form(i) == X64F_VMI);
    if (use_vex(c, i)) {
        x64_enc_vex_rr(c, row_op(i), 0, digit, dst, src);
    } else {
        x64_mov_xx(c, dst, src);
        x64_enc_rr(c, row_op(i), SZ_32, digit, dst, false);
    }
    x64_put_u8(c, count);
}

void x64_blendv(CodeBuf *c, X64Sse i, Xmm dst, Xmm a, Xmm b, Xmm mask)
{
    assert(row_form(i) == X64F_BLENDV);
    if (use_vex(c, i)) {
        X64Op o = X64_OP(X64PP_66, X64MAP_3A, (u32)i >> 8 & 0xff);
        x64_enc_vex_rr(c, o, 0, dst, a, b);
        x64_put_u8(c, (u32)mask << 4);
        return;
    }
    ALWAYS(mask == XMM0 && dst != XMM0);
    legacy_3(c, i, dst, a, b);
}

/* --- general registers --- */

void x64_xr(CodeBuf *c, X64Sse i, X64Size sz, Xmm dst, Gpr src)
{
    X64Form f = row_form(i);
    assert((f == X64F_MOVG || f == X64F_XVG) && sz >= SZ_32);
    if (use_vex(c, i))
        x64_enc_vex_rr(c, row_op(i), sz == SZ_64, dst, has_vvvv(f) ? dst : 0, src);
    else
        x64_enc_rr(c, row_op(i), sz, dst, src, false);
}

void x64_x_mem(CodeBuf *c, X64Sse i, X64Size sz, Xmm dst, X64Mem src)
{
    X64Form f = row_form(i);
    assert((f == X64F_MOVG || f == X64F_XVG) && sz >= SZ_32);
    if (use_vex(c, i))
        x64_enc_vex_rm(c, row_op(i), sz == SZ_64, dst, has_vvvv(f) ? dst : 0, src, 0);
    else
        x64_enc_rm(c, row_op(i), sz, dst, src, false, 0);
}

void x64_rx(CodeBuf *c, X64Sse i, X64Size sz, Gpr dst, Xmm src)
{
    X64Form f = row_form(i);
    bool from_reg = f == X64F_MOVG; /* the vector register is in the reg field */
    X64Op o = from_reg ? row_op2(i) : row_op(i);
    u32 reg = from_reg ? (u32)src : (u32)dst, rm = from_reg ? (u32)dst : (u32)src;
    assert((f == X64F_MOVG || f == X64F_GX || f == X64F_GXR) && sz >= SZ_32);
    if (f == X64F_GXR)
        sz = SZ_32;
    if (use_vex(c, i))
        x64_enc_vex_rr(c, o, sz == SZ_64, reg, 0, rm);
    else
        x64_enc_rr(c, o, sz, reg, rm, false);
}

void x64_rx_mem(CodeBuf *c, X64Sse i, X64Size sz, Gpr dst, X64Mem src)
{
    assert(row_form(i) == X64F_GX && sz >= SZ_32);
    if (use_vex(c, i))
        x64_enc_vex_rm(c, row_op(i), sz == SZ_64, dst, 0, src, 0);
    else
        x64_enc_rm(c, row_op(i), sz, dst, src, false, 0);
}

void x64_xxri(CodeBuf *c, X64Sse i, Xmm dst, Xmm a, Gpr b, u8 lane)
{
    assert(row_form(i) == X64F_PINS);
    if (use_vex(c, i)) {
        x64_enc_vex_rr(c, row_op(i), row_w(i), dst, a, b);
    } else {
        x64_mov_xx(c, dst, a);
        x64_enc_rr(c, row_op(i), row_size(i), dst, b, false);
    }
    x64_put_u8(c, lane);
}

void x64_pins_m(CodeBuf *c, X64Sse i, Xmm dst, Xmm a, X64Mem b, u8 lane)
{
    assert(row_form(i) == X64F_PINS);
    if (use_vex(c, i)) {
        x64_enc_vex_rm(c, row_op(i), row_w(i), dst, a, b, 1);
    } else {
        x64_mov_xx(c, dst, a);
        x64_enc_rm(c, row_op(i), row_size(i), dst, b, false, 1);
    }
    x64_put_u8(c, lane);
}

void x64_rxi(CodeBuf *c, X64Sse i, Gpr dst, Xmm src, u8 lane)
{
    bool word = i == X64_PEXTRW; /* has an older, shorter form with the operands the other way */
    X64Op o = word ? X64_OP(X64PP_66, X64MAP_0F, 0xc5) : row_op(i);
    u32 reg = word ? (u32)dst : (u32)src, rm = word ? (u32)src : (u32)dst;
    assert(row_form(i) == X64F_PEXT);
    if (use_vex(c, i))
        x64_enc_vex_rr(c, o, row_w(i), reg, 0, rm);
    else
        x64_enc_rr(c, o, row_size(i), reg, rm, false);
    x64_put_u8(c, lane);
}

void x64_pext_m(CodeBuf *c, X64Sse i, X64Mem dst, Xmm src, u8 lane)
{
    assert(row_form(i) == X64F_PEXT);
    if (use_vex(c, i))
        x64_enc_vex_rm(c, row_op(i), row_w(i), src, 0, dst, 1);
    else
        x64_enc_rm(c, row_op(i), row_size(i), src, dst, false, 1);
    x64_put_u8(c, lane);
}
