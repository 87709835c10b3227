/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Compiling for containers, outside of them: a process of this program with fewer rights than the
 * shim, since the module is somebody's.
 */
#ifndef SHIM_PRECOMPILE_H
#define SHIM_PRECOMPILE_H

#include "shim/child.h"

/*
 * The process itself ("--precompile FUNCTION OPTIONS..."): the module from descriptor 0, its
 * compiled file to descriptor 3, if the function is there ("--check": no more than that). Exit code
 * 1: the module can not be compiled or has no such function, and standard error says why.
 */
int precompile_main(bool makes, int nwords, char **words);

typedef struct EngineWords {
    const char *const *words; /* borrow; options of the engine as on a command line */
    usize n;
} EngineWords;

enum { MAX_ENGINE_WORDS = 16 };

/* What code that is made with these options is for: 16 hexadecimal digits. */
Error *precompile_target(EngineWords options, char ret_target[17]) MUST_CHECK;
/*
 * Compiles the module of descriptor `in`, of which the function is to be run, to `out`; -1: only
 * looks for the function. *ret_made is false, with *ret_why (own) saying why, if that failed for a
 * reason that is not the module's; an error is the module's own.
 */
Error *precompile_run(Children *children, const char *func, EngineWords options, int in, int out,
                      bool *ret_made, char **ret_why) MUST_CHECK;

#endif
