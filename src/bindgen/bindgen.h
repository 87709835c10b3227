/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Bindings for guests in C: a header and a source for a world, so that C code calls what the world
 * imports and is called where it exports. Names, types and ownership are those of wit-bindgen's C
 * bindings, so code written for these compiles unchanged.
 */
#ifndef BINDGEN_BINDGEN_H
#define BINDGEN_BINDGEN_H

#include "base/buf.h"
#include "base/error.h"
#include "wit/wit.h"

typedef struct BindgenOutput {
    char *name; /* of the world, as in file names: "my_world" */
    Buf header, source;
} BindgenOutput;

/* Own: bindgen_release(ret_output). Functions and types that C has no bindings for are an error. */
Error *bindgen_c(const WitModel *m, WitId world, BindgenOutput *ret_output) MUST_CHECK;
void bindgen_release(BindgenOutput *o);

/*
 * A relocatable object that holds `type`, the world in binary form, as a custom section; the
 * source's reference to its one symbol makes the linker take it. `name` is BindgenOutput.name.
 */
void bindgen_object(Str world, const char *name, Str type, Buf *out);

#endif
