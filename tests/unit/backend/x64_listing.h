/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A listing of encoded instructions with their assembler text, for comparison. */
#ifndef TESTS_UNIT_BACKEND_X64_LISTING_H
#define TESTS_UNIT_BACKEND_X64_LISTING_H

#include "backend/x64/asm.h"
#include "base/buf.h"

/* The code of the instructions so far and their text, a line each; a line may hold several
 * instructions with "; " between. */
typedef struct Listing {
    CodeBuf c;
    Buf text, golden;
    u32 start; /* of the current line's code */
    u32 nth;   /* counts lines, to vary operands */
} Listing;

/* A memory operand of another kind at each line. */
X64Mem listing_mem(Listing *l);
enum { LISTING_MEMS = 19 };
/* "dword ptr " and the like for mem_text. */
const char *listing_ptr(X64Size sz);
/* Text of an operand; valid until four more are made. */
const char *listing_mem_text(X64Mem m, const char *size);
/* Ends the line: the code since the last one has this text. */
void listing_line(Listing *l, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* All vector rows, in the encoding that l->c.features asks for. */
void listing_sse(Listing *l);
/* Legacy three-operand forms that are more than one instruction. */
void listing_sse_sequences(Listing *l);

#endif
