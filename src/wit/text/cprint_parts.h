/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The printer of components: cprint.c (definitions), cprint_type.c (types). It reads the bytes of
 * the definitions, which are valid; everything is named by its index.
 */
#ifndef WIT_TEXT_CPRINT_PARTS_H
#define WIT_TEXT_CPRINT_PARTS_H

#include "wasm/read.h"
#include "wit/component.h"

typedef struct CPrinter {
    Reader r; /* over the definition at hand */
    Diag diag;
    Buf *out;
    u32 indent;
} CPrinter;

void cprint_line(CPrinter *p);  /* a new line with its indentation */
void cprint_index(CPrinter *p); /* " 7" */
void cprint_sort(CPrinter *p);  /* "func", "core module"; reads its code */
void cprint_core_sort(CPrinter *p);
void cprint_sort_index(CPrinter *p); /* " (func 7)" */
void cprint_alias(CPrinter *p, const char *comment);

void cprint_extern_name(CPrinter *p); /* ' "name"' and attributes */
void cprint_extern_type(CPrinter *p); /* " (func (type 7))" */
void cprint_value_type(CPrinter *p);  /* " u32" */
void cprint_result(CPrinter *p);
void cprint_type(CPrinter *p); /* " (record ...)" */
void cprint_core_value_type(CPrinter *p);
void cprint_core_type(CPrinter *p); /* " (func ...)", " (module ...)" */

#endif
