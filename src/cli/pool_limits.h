/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a module may have where `-O pooling-allocator` was asked for. */
#ifndef CLI_POOL_LIMITS_H
#define CLI_POOL_LIMITS_H

#include "cli/options.h"
#include "wasm/module.h"

/* The refusal of a module whose memories or tables a pool as the options have it would not hold;
 * NULL if it would, or none was asked for. */
Error *pool_limits_check(const Options *o, const WasmModule *m) MUST_CHECK;

#endif
