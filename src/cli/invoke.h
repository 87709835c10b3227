/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Calling an export with arguments from the command line and printing what it returns. */
#ifndef CLI_INVOKE_H
#define CLI_INVOKE_H

#include "base/buf.h"
#include "base/float.h"
#include "runtime/store.h"

/*
 * Calls the function with the first `args`, one a parameter; further ones do not matter. `name` is
 * the export's name for messages, NULL for the default function. Results go to stdout, one a line.
 */
Error *invoke(Store *s, VmFuncRef *f, const char *name, const char *const *args,
              u32 nargs) MUST_CHECK;

/* Text to a value of the type, as the command line writes it. */
Error *invoke_parse_value(ValType type, const char *text, VmVal *ret_value) MUST_CHECK;
/* The value on a line of its own. */
void invoke_print_value(ValType type, const VmVal *v, Buf *out);

#endif
