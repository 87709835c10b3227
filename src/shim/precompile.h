/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Compiling for containers, outside of them: a process of this program with fewer rights than the
 * shim, since the module is somebody's.
 */
#ifndef SHIM_PRECOMPILE_H
#define SHIM_PRECOMPILE_H

#include "shim/child.h"

/*
 * The process itself ("--precompile OPTIONS..."): the module from descriptor 0, its compiled file
 * to descriptor 3. Exit code 1: the module can not be compiled, and standard error says why.
 */
int precompile_main(int noptions, char **options);

typedef struct EngineWords {
    const char *const *words; /* borrow; options of the engine as on a command line */
    usize n;
} EngineWords;

enum { MAX_ENGINE_WORDS = 16 };

/* What code that is made with these options is for: 16 hexadecimal digits. */
Error *precompile_target(EngineWords options, char ret_target[17]) MUST_CHECK;
/*
 * Compiles the module of descriptor `in` to `out`. *ret_made is false, with *ret_why (own) saying
 * why, if that failed for a reason that is not the module's; an error is the module's own.
 */
Error *precompile_run(Children *children, EngineWords options, int in, int out, bool *ret_made,
                      char **ret_why) MUST_CHECK;

#endif
