/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A module that can be instantiated: the decoded module, its context layout and its machine code.
 * Reference counted, immutable but for code that is compiled on the first call; shared by stores
 * and threads.
 */
#ifndef RUNTIME_MODULE_H
#define RUNTIME_MODULE_H

#include "abi/vmctx.h"
#include "base/error.h"

typedef struct Module Module;

Module *module_ref(Module *m);
Module *module_unref(Module *m); /* NULL */
const WasmModule *module_wasm(const Module *m);
const VmLayout *module_layout(const Module *m);
/* The file name or other label for messages and backtraces; {NULL,0} if none. */
void module_set_name(Module *m, Str name);
Str module_display_name(const Module *m);

#endif
