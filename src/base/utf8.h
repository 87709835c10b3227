/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Strict UTF-8: no surrogates, no overlong forms, at most U+10FFFF. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/buf.h"

bool utf8_valid(const void *p, usize n);
/* Length of the sequence at p (1 to 4), 0 if it is not valid; *ret_char gets the code point. */
u32 utf8_decode(const u8 *p, usize n, u32 *ret_char);
/*
 * Of bytes that are not valid: how many cannot begin a character, 0 if they were cut off in one;
 * *ret_at is where they are.
 */
usize utf8_bad(const u8 *p, usize n, usize *ret_at);
void utf8_put(Buf *out, u32 c); /* c must be a scalar value */

#endif
