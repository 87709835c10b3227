/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A project: what wasmtime.toml says, and how it is built. */
#ifndef CLI_PROJECT_H
#define CLI_PROJECT_H

#include "base/error.h"
#include "base/mem.h"

/* Texts live in the arena. */
typedef struct Project {
    Arena arena;
    const char *name, *template, *world, *wit, *source, *flags;
    const char *command, *module; /* instead of clang: a shell command and what it makes */
    char *output;                 /* "build/NAME_s.wasm" */
} Project;

/* Reads wasmtime.toml of the current directory. project_release in any case. */
Error *project_read(Project *ret_project) MUST_CHECK;
void project_release(Project *p);
/* Bindings, the module, the component. Compilers write to standard error. */
Error *project_build(const Project *p, bool release) MUST_CHECK;

#endif
