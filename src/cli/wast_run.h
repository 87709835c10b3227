/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Running the scripts of the specification's test suite: a store for each script, instances by
 * name, and what each assertion expects.
 */
#ifndef CLI_WAST_RUN_H
#define CLI_WAST_RUN_H

#include "engine/engine.h"
#include "wasm/wast/wast.h"
#include "wit/component.h"

typedef struct WastOptions {
    bool ignore_messages; /* any message will do for a module that is refused; traps keep theirs */
    bool wasmtime_builtins;  /* defines the module "wasmtime" */
    const char *save, *load; /* directories of compiled modules, or NULL */
    ComponentFeatures component_features;
} WastOptions;

/* Runs the whole script in the store (transfer); `path` is for messages. */
Error *wast_run(Engine *engine, Store *store, const WastOptions *o, const char *path,
                Str source) MUST_CHECK;

/* The module "spectest" that scripts import from. */
Error *wast_define_spectest(Store *s, Linker *l) MUST_CHECK;
/* The module "wasmtime": `gc`. */
Error *wast_define_builtins(Store *s, Linker *l) MUST_CHECK;

/* A script's argument as a value of the type; false if it is not of the type. */
bool wast_value_make(Store *s, const WastValue *v, ValType type, VmVal *ret_value);
bool wast_value_matches(Store *s, const WastValue *expected, ValType type, const VmVal *actual);
void wast_value_print(const WastValue *v, Buf *out);
void wast_value_print_actual(Store *s, ValType type, const VmVal *v, Buf *out);

#endif
