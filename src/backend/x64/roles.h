/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The part that each x86-64 register plays in generated code (abi/callconv.h has the convention).
 *
 *   r14  the VmCtx            r15  base of memory 0        rbp  frame        rsp  stack
 *   rax  scratch of the code generator; result 0; the caller's VmCtx in calls that leave the
 * instance integer arguments   rdi rsi r8 r9 rdx rcx integer results     rax rdx rdi rsi kept by
 * callees     rbx r12 r13 r10 r11 (and r14 r15 rbp within an instance) floats and vectors  xmm0-7
 * arguments, xmm0-3 results, none kept; xmm15 scratch of the code generator
 *
 * Stubs that call C save r10 and r11, which C functions clobber.
 */
#ifndef BACKEND_X64_ROLES_H
#define BACKEND_X64_ROLES_H

#include "backend/x64/regs.h"

#define ROLE_VMCTX R14
#define ROLE_MEMORY R15
#define ROLE_SCRATCH RAX
#define ROLE_FLOAT_SCRATCH XMM15
#define ROLE_INT_ARGS                                                                              \
    {                                                                                              \
        RDI, RSI, R8, R9, RDX, RCX                                                                 \
    }
#define ROLE_INT_RESULTS                                                                           \
    {                                                                                              \
        RAX, RDX, RDI, RSI                                                                         \
    }
#define ROLE_SAVED                                                                                 \
    {                                                                                              \
        RBX, R12, R13, R10, R11                                                                    \
    }

#endif
