/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Readable forms of compilers' symbol names. */
#ifndef RUNTIME_DEMANGLE_H
#define RUNTIME_DEMANGLE_H

#include "base/buf.h"

/* Appends the name: readable if it is a symbol of Rust or C++, otherwise as it is. */
void demangle(Buf *out, Str name);

/* Rust's second scheme alone. False, with nothing appended, if the name is not of it. */
bool demangle_v0(Buf *out, Str name);

#endif
