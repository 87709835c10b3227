/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a generated module does, as text to compare with other engines. */
#ifndef TESTS_FUZZ_OUTCOME_H
#define TESTS_FUZZ_OUTCOME_H

#include "base/buf.h"

/* Appends the lines of a module made with GenOptions.js; the format is that of v8.cjs. */
void fuzz_outcome(const u8 *wasm, usize n, Buf *out);

#endif
