/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Floats as text. */
#ifndef BASE_FLOAT_H
#define BASE_FLOAT_H

#include "base/buf.h"

/* Shortest decimal form without an exponent that reads back to the same number. */
void print_f32(u32 bits, Buf *out);
void print_f64(u64 bits, Buf *out);

#endif
