/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a container runs: a layer of its image, or a file of its root. */
#ifndef SHIM_PROGRAM_H
#define SHIM_PROGRAM_H

#include "shim/container.h"

/* Begins to look at the image of the container that this shim was started for, which is there
 * before its Create comes; if it is for WebAssembly, also the executor is made. */
void program_foresee(Shim *s, const char *id);
/* This program as containers get it; borrowed. */
Error *program_executor(Shim *s, int *ret_fd) MUST_CHECK;
/* With the root mounted. For WebAssembly, the bundle has the module as the executor gets it. */
Error *program_find(Shim *s, const Container *c, Bundle *b) MUST_CHECK;
/* The same for a further process, from the file with its JSON, which takes the place of that of the
 * container's bundle. What is no WebAssembly file of the root is BUNDLE_NATIVE, there or not. */
Error *program_find_exec(Shim *s, const Container *c, const char *spec, Bundle *b) MUST_CHECK;

#endif
