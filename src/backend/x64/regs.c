/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Names of registers and conditions. */
#include "backend/x64/regs.h"

X64Cond x64_cond_swap(X64Cond cc)
{
    static const u8 swapped[CC_COUNT] = {
        [CC_B] = CC_A, [CC_A] = CC_B, [CC_AE] = CC_BE, [CC_BE] = CC_AE, [CC_E] = CC_E,
        [CC_L] = CC_G, [CC_G] = CC_L, [CC_GE] = CC_LE, [CC_LE] = CC_GE, [CC_NE] = CC_NE,
    };
    assert(cc == CC_E || swapped[cc] != 0);
    return (X64Cond)swapped[cc];
}

const char *x64_gpr_name(Gpr r, X64Size sz)
{
    static const char names[4][GPR_COUNT][5] = {
        {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b",
         "r13b", "r14b", "r15b"},
        {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w",
         "r13w", "r14w", "r15w"},
        {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d",
         "r12d", "r13d", "r14d", "r15d"},
        {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
         "r13", "r14", "r15"},
    };
    return names[sz][r];
}

const char *x64_xmm_name(Xmm r)
{
    static const char names[XMM_COUNT][6] = {"xmm0",  "xmm1",  "xmm2",  "xmm3", "xmm4",  "xmm5",
                                             "xmm6",  "xmm7",  "xmm8",  "xmm9", "xmm10", "xmm11",
                                             "xmm12", "xmm13", "xmm14", "xmm15"};
    return names[r];
}

const char *x64_cond_name(X64Cond cc)
{
    static const char names[CC_COUNT][3] = {"o", "no", "b", "ae", "e", "ne", "be", "a",
                                            "s", "ns", "p", "np", "l", "ge", "le", "g"};
    return names[cc];
}
