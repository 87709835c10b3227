/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Source positions of code, from the DWARF sections that compilers leave in modules: versions 2 to
 * 5, 32-bit format. Everything is read where it lies; work is bounded, whatever the sections say.
 */
#ifndef WASM_DWARF_H
#define WASM_DWARF_H

#include "wasm/module.h"

/* One of the functions that an address is in: inlined ones come before the one that has them. */
typedef struct DwarfFrame {
    Str name;           /* as the linker knows it; {NULL,0} if nothing tells */
    Str dir, sub, file; /* path: each piece goes on from those before it, or is absolute */
    u32 line, column;   /* 0: unknown */
} DwarfFrame;

/* What DWARF knows of the instruction at that offset of the module; 0 if nothing. */
u32 dwarf_frames(const WasmModule *m, u32 offset, DwarfFrame *ret_frames, u32 max);

/* Appends the path; nothing if the file is not known. */
void dwarf_put_path(const DwarfFrame *f, Buf *out);

#endif
