/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What of a program a container runs: an HTTP handler is served, a command's `run` is called, or
 * the function that the container's first argument names behind "#".
 */
#ifndef SHIM_ENTRY_H
#define SHIM_ENTRY_H

#include "component/instance.h"
#include "engine/engine.h"

typedef enum EntryKind { ENTRY_RUN, ENTRY_HTTP, ENTRY_INVOKE } EntryKind;

#define ENTRY_DEFAULT "_start"

EntryKind entry_of_module(const char *func);
EntryKind entry_of_component(const Component *c, const char *func);
/* Is it there? One of the two, the other is NULL. */
Error *entry_check(const Module *m, const LoadedComponent *component, const char *func) MUST_CHECK;

#endif
