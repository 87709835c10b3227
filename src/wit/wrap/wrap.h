/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * From a core module to a component. The module's `component-type` sections say what its world is,
 * and its imports and exports have the names that bindings generators give them.
 *
 * Source: https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md, and
 * the names that wit-bindgen's output has
 */
#ifndef WIT_WRAP_WRAP_H
#define WIT_WRAP_WRAP_H

#include "wit/component.h"
#include "wit/wit.h"

/* Appends the module with a `component-type` section for the world, in the place of any it has. */
Error *component_embed(const WitModel *m, WitId world, StringEncoding encoding, const u8 *p,
                       usize n, Buf *out) MUST_CHECK;

/* Appends a module with all that the world imports and exports, which does nothing; `standard`: its
 * names are those that begin with cm32p2. */
Error *component_dummy(const WitModel *m, WitId world, bool standard, Buf *out) MUST_CHECK;

/* A module that serves imports of the other under its name. */
typedef struct WrapAdapter {
    Str name;
    const u8 *p;
    usize n;
} WrapAdapter;

typedef struct WrapOptions {
    const WrapAdapter *adapters;
    u32 nadapters;
    bool keep_versions; /* imports of compatible versions are not merged */
    bool adapters_grow; /* they get memory by memory.grow, not from the module's cabi_realloc */
} WrapOptions;

/* Appends the component, which has been validated. */
Error *component_wrap(const u8 *p, usize n, const WrapOptions *o, Buf *out) MUST_CHECK;

#endif
