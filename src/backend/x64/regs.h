/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Registers, operand sizes and conditions of x86-64, by their numbers in the encoding. */
#ifndef BACKEND_X64_REGS_H
#define BACKEND_X64_REGS_H

#include "base/base.h"

typedef enum Gpr {
    RAX,
    RCX,
    RDX,
    RBX,
    RSP,
    RBP,
    RSI,
    RDI,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
    GPR_COUNT,
    GPR_NONE = 0xff,
} Gpr;

typedef enum Xmm {
    XMM0,
    XMM1,
    XMM2,
    XMM3,
    XMM4,
    XMM5,
    XMM6,
    XMM7,
    XMM8,
    XMM9,
    XMM10,
    XMM11,
    XMM12,
    XMM13,
    XMM14,
    XMM15,
    XMM_COUNT,
    XMM_NONE = 0xff,
} Xmm;

/* Operand size: the logarithm of the bytes. */
typedef enum X64Size { SZ_8, SZ_16, SZ_32, SZ_64 } X64Size;

/* Condition codes; `cc ^ 1` is the opposite. After ucomis* unordered sets ZF, PF and CF. */
typedef enum X64Cond {
    CC_O,
    CC_NO,
    CC_B,  /* unsigned < (carry) */
    CC_AE, /* unsigned >= */
    CC_E,
    CC_NE,
    CC_BE, /* unsigned <= */
    CC_A,  /* unsigned > */
    CC_S,
    CC_NS,
    CC_P,
    CC_NP,
    CC_L,  /* signed < */
    CC_GE, /* signed >= */
    CC_LE, /* signed <= */
    CC_G,  /* signed > */
    CC_COUNT,
} X64Cond;

static inline X64Cond x64_cond_not(X64Cond cc)
{
    return (X64Cond)(cc ^ 1);
}
/* The condition that holds for (b, a) where cc holds for (a, b); only E NE B AE BE A L GE LE G. */
X64Cond x64_cond_swap(X64Cond cc);

const char *x64_gpr_name(Gpr r, X64Size sz);
const char *x64_xmm_name(Xmm r);
const char *x64_cond_name(X64Cond cc); /* "e", "ne", ... */

#endif
