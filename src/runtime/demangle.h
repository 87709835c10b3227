/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Readable forms of compilers' symbol names. */
#ifndef RUNTIME_DEMANGLE_H
#define RUNTIME_DEMANGLE_H

#include "base/buf.h"

/* Appends the name: readable if it is a Rust symbol (_ZN..17h<hash>E, or _R with plain paths),
 * otherwise as it is. */
void demangle(Buf *out, Str name);

#endif
