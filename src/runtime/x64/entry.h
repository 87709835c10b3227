/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Ways into and out of wasm code that C cannot write: entry.S. */
#ifndef RUNTIME_X64_ENTRY_H
#define RUNTIME_X64_ENTRY_H

#include "abi/vmctx.h"

/*
 * Calls stub(callee, code, vals), an entry stub of compile/compile.h. Stores the stack pointer
 * that wasm_unwind needs to *ret_sp. Returns 0 after a normal return and 1 after wasm_unwind.
 */
u32 wasm_enter(u64 *ret_sp, const void *stub, VmCtx *callee, const void *code, VmVal *vals);
/* The same, with the CPU's rounding and its like as wasm wants them until the return; 3 ns dearer.
 */
u32 wasm_enter_floats(u64 *ret_sp, const void *stub, VmCtx *callee, const void *code, VmVal *vals);
/* Leaves everything that was called since, and returns from that wasm_enter with 1. Signal
 * handlers make a thread go on here. */
NORETURN void wasm_unwind(u64 sp);

/*
 * Where a signal handler makes a thread go on that is to yield in the middle of wasm code: calls
 * wasm_yielded with the frame pointer and goes on where that says, all registers as they were.
 * Not to be called from C.
 */
void wasm_yield(void);
/* The address that was stopped at. Does not return if the guest is left. */
u64 wasm_yielded(u64 fp);

/*
 * Where function stubs go the first time: eax has the number of the function among the defined
 * ones and the context register the callee's VmCtx. Not to be called from C.
 */
void lazy_common(void);
/* What lazy_common calls: the code to jump to. Does not return on errors. */
const void *lazy_compile(VmCtx *ctx, u32 defined);

/* For VmCtx.builtins. */
extern const void *const builtin_entries[BUILTIN_COUNT];

#endif
