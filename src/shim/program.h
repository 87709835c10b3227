/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a container runs: a layer of its image, or a file of its root. */
#ifndef SHIM_PROGRAM_H
#define SHIM_PROGRAM_H

#include "shim/container.h"

/* With the root mounted. For WebAssembly, the bundle has the module as the executor gets it. */
Error *program_find(Shim *s, const Container *c, Bundle *b) MUST_CHECK;

#endif
