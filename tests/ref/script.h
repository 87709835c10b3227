/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Runs scripts of the specification's test suite on the reference interpreter. */
#ifndef TESTS_REF_SCRIPT_H
#define TESTS_REF_SCRIPT_H

#include "base/buf.h"
#include "wasm/types.h"

typedef struct RefScriptCount {
    u32 passed, failed;
    u32 skipped; /* need what the interpreter does not have, or stand on such a module */
} RefScriptCount;

/* Adds to the counts; appends a line for each failure to `log`. */
void ref_script_run(Str source, FeatureSet features, RefScriptCount *count, Buf *log);

#endif
