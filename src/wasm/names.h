/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The index over the name section. Private to the folder. */
#ifndef WASM_NAMES_H
#define WASM_NAMES_H

#include "wasm/module.h"

void names_free(struct NameIndex *names);

#endif
