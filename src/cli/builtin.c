/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Files that are part of the program. */
#include "cli/builtin.h"

const BuiltinFile *builtin_find(const char *name)
{
    for (const BuiltinFile *f = builtin_files; f->name; f++)
        if (strcmp(f->name, name) == 0)
            return f;
    return NULL;
}

Error *builtin_adapter(AdapterKind kind, Str *ret_bytes)
{
    static const char *const names[] = {[ADAPTER_COMMAND] = "adapter/command.wasm",
                                        [ADAPTER_REACTOR] = "adapter/reactor.wasm",
                                        [ADAPTER_PROXY] = "adapter/proxy.wasm"};
    const BuiltinFile *f = builtin_find(names[kind]);
    if (!f || !f->n)
        return error_new(
            "this build of wasmtime has no adapter of preview 1: it was built without a "
            "clang for wasm32 (Debian: apt install clang lld); `--adapt` takes one from "
            "a file");
    *ret_bytes = (Str){(const char *)f->p, f->n};
    return NULL;
}
