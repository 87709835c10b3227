/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Files that are part of the program: the adapters, the WIT of WASI, the templates of projects. The
 * build makes the table of them.
 */
#ifndef CLI_BUILTIN_H
#define CLI_BUILTIN_H

#include "base/error.h"

typedef struct BuiltinFile {
    const char *name; /* "adapter/command.wasm", "wit/wasi-cli/run.wit", "templates/http/..." */
    const unsigned char *p;
    size_t n;
} BuiltinFile;

/* NULL as name ends them. */
extern const BuiltinFile builtin_files[];

const BuiltinFile *builtin_find(const char *name);

typedef enum AdapterKind { ADAPTER_COMMAND, ADAPTER_REACTOR, ADAPTER_PROXY } AdapterKind;
/* The adapter of preview 1; an error where the build had no compiler for it. */
Error *builtin_adapter(AdapterKind kind, Str *ret_bytes) MUST_CHECK;

#endif
