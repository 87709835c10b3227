/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Modules and components without custom sections, and what sections they have. */
#ifndef WIT_STRIP_H
#define WIT_STRIP_H

#include "base/error.h"

typedef struct StripOptions {
    const char *const *names; /* only sections of these names go, if there are any */
    u32 nnames;
    bool all; /* also names, component types, and what dynamic linking needs */
} StripOptions;

/* Appends the binary without custom sections, those of modules and components inside too. */
Error *wasm_strip(const u8 *p, usize n, const StripOptions *o, Buf *out) MUST_CHECK;

/* Appends a line for each section: its name, place, size and count, inner ones indented. */
Error *wasm_list_sections(const u8 *p, usize n, Buf *out) MUST_CHECK;
/* Appends the fields of the outermost producers section as "FIELD: NAME VERSION" lines. */
void wasm_list_producers(const u8 *p, usize n, Buf *out);

#endif
