/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The pieces that instructions are put together from: prefixes, opcode, ModRM with its memory
 * operand, VEX. For asm.h and the encoders only.
 *
 * Optional bytes are stored always and counted when wanted: one code_ensure() leaves room for it.
 */
#ifndef BACKEND_X64_ENCODE_H
#define BACKEND_X64_ENCODE_H

#include "backend/code.h"
#include "backend/x64/regs.h"

enum { X64PP_NP, X64PP_66, X64PP_F3, X64PP_F2 };
enum { X64MAP_00, X64MAP_0F, X64MAP_38, X64MAP_3A };

enum { X64_MEM_LABEL = 1 };

/* [base + index << scale + disp], either register may be missing; or [rip + label]. */
typedef struct X64Mem {
    u8 base;  /* Gpr or GPR_NONE */
    u8 index; /* Gpr but RSP, or GPR_NONE */
    u8 scale; /* logarithm, 0 to 3 */
    u8 kind;  /* 0 or X64_MEM_LABEL: then disp is the label (of code, a table or a constant) */
    i32 disp;
} X64Mem;

/* What precedes ModRM, in the layout that the rows of insts.def have too. */
typedef u32 X64Op;
#define X64_OP(pp, map, op) ((u32)(op) | (u32)(pp) << 16 | (u32)(map) << 18)

static inline u32 x64_op_pp(X64Op o)
{
    return o >> 16 & 3;
}
static inline u32 x64_op_map(X64Op o)
{
    return o >> 18 & 3;
}

static inline u8 *x64_put_pp(u8 *p, u32 pp)
{
    static const u8 bytes[] = {0, 0x66, 0xf3, 0xf2};
    *p = bytes[pp];
    return p + (pp != X64PP_NP);
}
static inline u8 *x64_put_opcode(u8 *p, X64Op o)
{
    u32 map = x64_op_map(o);
    if (map != X64MAP_00)
        *p++ = 0x0f;
    if (map >= X64MAP_38)
        *p++ = map == X64MAP_38 ? 0x38 : 0x3a;
    *p++ = (u8)o;
    return p;
}
/* Operand-size prefix, mandatory prefix, REX and opcode. r, x, b: register numbers whose bit 3 goes
 * to REX; byte_regs: SPL to DIL take part, so that REX must be there. */
static inline u8 *x64_put_legacy(u8 *p, X64Op o, X64Size sz, u32 r, u32 x, u32 b, bool byte_regs)
{
    *p = 0x66;
    p += sz == SZ_16;
    p = x64_put_pp(p, x64_op_pp(o));
    u32 rex = 0x40 | (u32)(sz == SZ_64) << 3 | (r >> 3) << 2 | (x >> 3) << 1 | b >> 3;
    *p = (u8)rex;
    p += rex != 0x40 || byte_regs;
    return x64_put_opcode(p, o);
}
static inline u8 x64_modrm(u32 mod, u32 reg, u32 rm)
{
    return (u8)(mod << 6 | (reg & 7) << 3 | (rm & 7));
}

/* SPL BPL SIL DIL are reached with REX only. */
static inline bool x64_needs_rex8(X64Size sz, u32 reg)
{
    return sz == SZ_8 && reg >= RSP;
}

/* Whole instruction with two registers; the immediate, if any, is the caller's. */
static inline void x64_enc_rr(CodeBuf *c, X64Op o, X64Size sz, u32 reg, u32 rm, bool byte_regs)
{
    code_ensure(c);
    u8 *p = x64_put_legacy(c->at, o, sz, reg, 0, rm, byte_regs);
    *p = x64_modrm(3, reg, rm);
    c->at = p + 1;
}
/* The same with a memory operand; `trailing` bytes of immediate will follow. */
void x64_enc_rm(CodeBuf *c, X64Op o, X64Size sz, u32 reg, X64Mem m, bool byte_regs, u32 trailing);

/* VEX.128 (or LIG, LZ) and opcode; r, v, x, b are register numbers, v = 0 where vvvv is unused. */
static inline u8 *x64_put_vex(u8 *p, X64Op o, u32 w, u32 r, u32 v, u32 x, u32 b)
{
    u32 low = w << 7 | (~v & 15) << 3 | x64_op_pp(o);
    if (((x | b) & 8) == 0 && w == 0 && x64_op_map(o) == X64MAP_0F) {
        *p++ = 0xc5;
        *p++ = (u8)((~r & 8) << 4 | low);
    } else {
        *p++ = 0xc4;
        *p++ = (u8)((~r & 8) << 4 | (~x & 8) << 3 | (~b & 8) << 2 | x64_op_map(o));
        *p++ = (u8)low;
    }
    *p++ = (u8)o;
    return p;
}
static inline void x64_enc_vex_rr(CodeBuf *c, X64Op o, u32 w, u32 reg, u32 v, u32 rm)
{
    code_ensure(c);
    u8 *p = x64_put_vex(c->at, o, w, reg, v, 0, rm);
    *p = x64_modrm(3, reg, rm);
    c->at = p + 1;
}
void x64_enc_vex_rm(CodeBuf *c, X64Op o, u32 w, u32 reg, u32 v, X64Mem m, u32 trailing);

/* Behind an instruction's other bytes: its own code_ensure() covers them. */
static inline void x64_put_u8(CodeBuf *c, u32 v)
{
    *c->at++ = (u8)v;
}
static inline void x64_put_u16(CodeBuf *c, u32 v)
{
    store_u16(c->at, (u16)v);
    c->at += 2;
}
static inline void x64_put_u32(CodeBuf *c, u32 v)
{
    store_u32(c->at, v);
    c->at += 4;
}
static inline bool x64_fits_i8(i64 v)
{
    return v == (i8)v;
}

#endif
