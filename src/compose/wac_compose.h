/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From a WAC text to a composition. */
#ifndef COMPOSE_WAC_COMPOSE_H
#define COMPOSE_WAC_COMPOSE_H

#include "base/error.h"

typedef struct WacDependency {
    Str package; /* "a:b", or "a:b@1.0.0" for that version alone */
    const char *path;
} WacDependency;

typedef struct WacOptions {
    const char *deps_dir; /* DIR/a/b[/1.0.0], as a folder of WIT or with .wasm, .wat; NULL: none */
    const WacDependency *deps;
    u32 ndeps;
} WacOptions;

/* `path` is for messages. Appends the component, validated; errors show the place in the text. */
Error *wac_compose(const char *path, Str text, const WacOptions *o, Buf *out) MUST_CHECK;

#endif
