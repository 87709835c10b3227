/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What of a fiber C cannot write: fiber.S, and the frame that it starts from. */
#ifndef RUNTIME_X64_FIBER_STACK_H
#define RUNTIME_X64_FIBER_STACK_H

#include "base/base.h"

/* Leaves the stack, its pointer in *ret_sp, and goes on where another was left. */
void fiber_switch(u64 *ret_sp, u64 sp);
void fiber_start(void);
/* What a new stack calls; does not return. */
NORETURN void fiber_main(void *fiber);

/* What fiber_switch pops. */
typedef struct FiberFrame {
    u32 mxcsr;
    u16 x87, reserved;
    u64 r15, r14, r13, r12, rbx, rbp, ip;
} FiberFrame;

/* The stack pointer for the first switch to a stack that ends at `top` (16-byte aligned). */
static inline u64 fiber_first_frame(u64 top, void *fiber)
{
    FiberFrame *f = (FiberFrame *)(uintptr_t)(top - sizeof *f);
    /* The control words as a new process has them. */
    *f = (FiberFrame){.mxcsr = 0x1f80, .x87 = 0x37f, .r12 = (u64)(uintptr_t)fiber};
    f->ip = (u64)(uintptr_t)fiber_start;
    return (u64)(uintptr_t)f;
}

#endif
