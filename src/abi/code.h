/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a compiler hands over for one function. Everything is in the compiler's arena. */
#ifndef ABI_CODE_H
#define ABI_CODE_H

#include "abi/trap.h"

typedef enum FuncRelocKind {
    RELOC_CALL_FUNC, /* rel32 of a direct call or jump: the code of function `target` */
    RELOC_SLOT, /* disp32 of a RIP-relative operand: the jump-table slot of function `target` */
} FuncRelocKind;

typedef struct FuncReloc {
    u32 at; /* offset of the 4 bytes; the value is relative to at + 4 */
    u8 kind;
    u32 target; /* function index */
} FuncReloc;

typedef struct CompiledFunc {
    const u8 *code; /* position independent but for the relocations; wants 16-byte alignment */
    u32 size;
    u32 nrelocs, ntraps, ncalls;
    const FuncReloc *relocs;
    const TrapSite *traps;
    const CallSite *calls;
    u32 frame_size; /* bytes below the frame pointer */
} CompiledFunc;

#endif
