/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* `--preload NAME=PATH`: modules that others may import from. */
#ifndef CLI_PRELOAD_H
#define CLI_PRELOAD_H

#include "cli/cmdline.h"
#include "engine/engine.h"

/* What preloaded commands need as long as the store lives. */
typedef struct Preloads {
    Arena arena;
    VEC(Module *) modules; /* a reference each */
} Preloads;

void preloads_init(Preloads *p);
void preloads_release(Preloads *p); /* after the store */

/* Checks the form of every --preload; a usage error otherwise. */
Error *preloads_check(const CmdLine *c) MUST_CHECK;
/*
 * Loads them in order. A reactor (no `_start`) is instantiated once and its exports are defined. A
 * command (`_start`) is not run: each of its function exports makes an instance of its own for
 * every call.
 */
Error *preloads_define(Preloads *p, const CmdLine *c, Engine *engine, Store *s,
                       Linker *l) MUST_CHECK;
/* Calls the export `_initialize`, if there is one. */
Error *call_initialize(Store *s, Instance *i) MUST_CHECK;

#endif
