/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Numbers of the text format: exact, rounded to nearest even, independent of the locale. The input
 * is the text of a TOKEN_INT or TOKEN_FLOAT, whose form the lexer has checked. Each function
 * returns false where the value is not one of the type.
 *
 * Source: https://webassembly.github.io/spec/core/text/values.html
 */
#ifndef WASM_TEXT_NUMBER_H
#define WASM_TEXT_NUMBER_H

#include "base/base.h"

bool number_unsigned(Str s, u64 max, u64 *ret_value); /* no sign allowed */
/* From -2^(bits-1) to 2^bits - 1, as two's complement in `bits` bits. */
bool number_int(Str s, u32 bits, u64 *ret_value);
bool number_f32(Str s, u32 *ret_bits);
bool number_f64(Str s, u64 *ret_bits);

#endif
