/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Trap codes, and the tables that lead from a machine address back to wasm. */
#ifndef ABI_TRAP_H
#define ABI_TRAP_H

#include "base/base.h"

typedef enum TrapCode {
#define TRAP(id, text) TRAP_##id,
#include "abi/traps.def"
#undef TRAP
    TRAP_COUNT
} TrapCode;
const char *trap_text(TrapCode code);

/* A machine instruction that may trap. Sorted by code. */
typedef struct TrapSite {
    u32 code; /* offset of the instruction's first byte in the function's machine code */
    u32 wasm; /* offset of the wasm opcode in the module */
    u8 trap;  /* TrapCode */
} TrapSite;

/* A return address (the byte behind a call) and the call's place in the module. Sorted by code. */
typedef struct CallSite {
    u32 code;
    u32 wasm;
} CallSite;

#endif
