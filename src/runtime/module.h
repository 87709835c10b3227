/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A module that can be instantiated: the decoded module, its context layout and its machine code.
 * Reference counted, immutable but for code that is compiled on the first call; shared by stores
 * and threads.
 */
#ifndef RUNTIME_MODULE_H
#define RUNTIME_MODULE_H

#include "abi/code.h"
#include "abi/vmctx.h"
#include "runtime/code.h"

typedef struct Module Module;

/* How a module gets its code; the engine knows. */
typedef struct ModuleConfig {
    void *arg;
    /*
     * Compiles the function with this index and publishes it with module_publish. Called under
     * the module's lock, from the thread that calls the function.
     */
    Error *(*compile)(void *arg, Module *m, u32 func);
    /* The module is gone. May be NULL. */
    void (*release)(void *arg);
    CodeBacking backing;
    bool roomy; /* there is address space to spare */
    bool types; /* code reads the ids of types from the context */
} ModuleConfig;

/* Transfers `w`, also on failure. */
Error *module_new(WasmModule *w, const ModuleConfig *c, Module **ret_module);
/*
 * A module whose code is compiled already: text mapped somewhere in [map, map + map_bytes), which
 * is transferred even on failure; funcs[i] is the function n_imported_funcs + i, ascending in
 * place, and its tables lie in the mapping too.
 */
Module *module_new_image(WasmModule *w, const ModuleConfig *c, u8 *map, u64 map_bytes, u8 *text,
                         u64 text_bytes, const CodeFunc *funcs);
/* Under the lock: places and publishes code (code_publish). */
Error *module_publish(Module *m, const CompiledFunc *compiled, const u32 *funcs, u32 n);
void module_lock(Module *m);
void module_unlock(Module *m);
bool module_is_compiled(const Module *m, u32 func);
const CodeMem *module_code(const Module *m);

Module *module_ref(Module *m);
Module *module_unref(Module *m); /* NULL */
const WasmModule *module_wasm(const Module *m);
const VmLayout *module_layout(const Module *m);
/* The file name or other label for messages and backtraces; {NULL,0} if none. */
void module_set_name(Module *m, Str name);
Str module_display_name(const Module *m);

#endif
