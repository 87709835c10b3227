/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Strings from one memory to another, for adapters: nothing is copied in between. */
#ifndef COMPONENT_RECODE_H
#define COMPONENT_RECODE_H

#include "component/abi.h"

/* The string is inside of memory, aligned, and valid; whether a long one is valid, recode sees. */
Error *recode_check(AbiSide *from, AbiSlice at) MUST_CHECK;
/*
 * The string in the encoding of `to`, in memory that the realloc of `to` gives, which is called as
 * the canonical ABI says. What `from` has is checked again.
 */
Error *recode(AbiSide *from, AbiSide *to, AbiSlice at, AbiSlice *ret_at) MUST_CHECK;

#endif
