/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Leaving wasm before its end: traps, errors of host functions, interrupts; and the walk over the
 * stack that tells where it happened.
 */
#ifndef RUNTIME_TRAP_H
#define RUNTIME_TRAP_H

#include "runtime/store.h"

/* One frame of a backtrace. */
typedef struct Frame {
    const Module *module;
    u32 func;
    u32 offset; /* of the instruction in the module */
} Frame;

/* From a builtin or a host function's stub: the innermost call into wasm returns an error. */
NORETURN void trap_raise(VmCtx *ctx, TrapCode code);
/* The same with an error (transfer). */
NORETURN void trap_raise_error(VmCtx *ctx, Error *e);
/* Leaves wasm if an interrupt is due or a host function failed. */
void trap_check_pending(VmCtx *ctx);
/* For builtins that run for long: the same, and lets others have a turn if that is asked for
 * (fiber.h). Memories and tables of the store are afterwards what they were. */
void trap_look(VmCtx *ctx);

#endif
