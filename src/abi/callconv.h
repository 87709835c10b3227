/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The calling convention between wasm functions, in numbers that a CPU maps to registers
 * (backend/x64/roles.h).
 *
 * Integers and references take integer argument registers 0.., floats and vectors float argument
 * registers 0.., in order. What does not fit goes to the stack: slots of 8 bytes (16, aligned, for
 * v128), the first one at the lowest address, right above the return address; the callee pops them,
 * so a tail call is a jump. At the call instruction the stack pointer is 16-byte aligned. The frame
 * pointer is always kept. Results take result registers likewise. If not all fit, none goes to a
 * register: the caller passes the address of a VmVal array in integer argument register 0, before
 * the parameters, and the callee writes result i to element i. Upper halves of 32-bit values in
 * 64-bit places are undefined. A call that leaves the instance (import, call_indirect, call_ref)
 * sets the context register to the callee's context and the memory register to the callee's memory
 * 0 (skipped for host functions), and passes the caller's own context in the scratch register. The
 * caller restores both from its frame after the call. Within an instance both stay as they are.
 */
#ifndef ABI_CALLCONV_H
#define ABI_CALLCONV_H

#include "wasm/types.h"

enum {
    CALL_INT_ARGS = 6,
    CALL_FLOAT_ARGS = 8,
    CALL_INT_RESULTS = 4,
    CALL_FLOAT_RESULTS = 4,
};

/* Stubs between C and wasm; compile/compile.h says what they do. */
typedef enum StubKind { STUB_ENTRY, STUB_HOST_TYPED, STUB_HOST_ARRAY } StubKind;

typedef enum ArgClass { ARG_INT, ARG_FLOAT, ARG_STACK } ArgClass;

typedef struct ArgLoc {
    u8 cls;     /* ArgClass */
    u8 reg;     /* number among the registers of its class */
    u32 offset; /* ARG_STACK: bytes from the first stack argument */
} ArgLoc;

typedef struct CallLayout {
    ArgLoc *params;  /* nparams */
    ArgLoc *results; /* nresults; meaningless if by_pointer */
    bool by_pointer; /* results through memory */
    u32 stack_bytes; /* of stack arguments, a multiple of 16 */
} CallLayout;

/* The arrays live in `arena`. */
void call_layout_init(CallLayout *c, const FuncType *t, Arena *arena);

#endif
