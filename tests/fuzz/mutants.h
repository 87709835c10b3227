/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Modules with a few bytes changed, and our verdict on them, to compare with other validators. */
#ifndef TESTS_FUZZ_MUTANTS_H
#define TESTS_FUZZ_MUTANTS_H

#include "base/buf.h"

/* Valid modules to start from. */
typedef struct MutantBases MutantBases;
/* Those of the scripts in `folder` (NULL: none) and generated ones. */
MutantBases *mutant_bases_new(const char *folder);
void mutant_bases_free(MutantBases *b);
/* Appends the mutant of that number and a line with the verdict on it. */
void mutant(const MutantBases *b, u64 seed, Buf *ret_wasm, Buf *ret_verdict);

#endif
