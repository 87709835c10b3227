/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Strings into memory, in the encoding of its side: from another memory, for adapters, with no copy
 * in between, or from a tree.
 */
#ifndef COMPONENT_RECODE_H
#define COMPONENT_RECODE_H

#include "component/abi.h"

/* Where a string lies, in which form and how many units; it is inside of memory and aligned. */
typedef struct Text {
    const u8 *p;
    u32 n;
    TextForm form;
    bool compact; /* it came in the encoding latin1+utf16 */
} Text;
Error *recode_find(AbiSide *from, AbiSlice at, Text *ret_text) MUST_CHECK;
bool recode_is_valid(const Text *t);

/* The string is inside of memory, aligned, and valid; whether a long one is valid, recode sees. */
Error *recode_check(AbiSide *from, AbiSlice at) MUST_CHECK;
/*
 * The string in the encoding of `to`, in memory that the realloc of `to` gives, which is called as
 * the canonical ABI says. What `from` has is checked again.
 */
Error *recode(AbiSide *from, AbiSide *to, AbiSlice at, AbiSlice *ret_at) MUST_CHECK;
/* The same for a valid string outside of memory. */
Error *recode_text(const Text *t, AbiSide *to, AbiSlice *ret_at) MUST_CHECK;

#endif
