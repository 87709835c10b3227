/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which of the program's own adapters a core module needs. */
#ifndef CLI_ADAPT_H
#define CLI_ADAPT_H

#include "wit/wrap/wrap.h"

/*
 * If the module imports functions of preview 1: the adapter that serves them, for a command if it
 * has `_start`, for a proxy if it exports wasi:http/incoming-handler, for a reactor otherwise.
 * *ret_needed is false if it imports none, or is no valid module.
 */
Error *adapt_find(const u8 *p, usize n, bool *ret_needed, WrapAdapter *ret_adapter) MUST_CHECK;

#endif
