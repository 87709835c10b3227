/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Machine code written by hand in place of a compiler's, so that the runtime is tested alone.
 * Function i of a module gets the routine that its export name names.
 */
#ifndef TESTS_RUNTIME_FAKE_CODE_H
#define TESTS_RUNTIME_FAKE_CODE_H

#include "os/thread.h"
#include "runtime/instance.h"

typedef struct Fake {
    TypeRegistry *types;
    Tunables tunables;
    StoreConfig config;
    CodeMem *stubs;
    OsMutex lock; /* of stubs */
    u64 epoch;
    u32 compiled; /* functions compiled so far */
    CodeBacking backing;
} Fake;

void fake_init(Fake *f, CodeBacking backing);
/* Everything must be gone. */
void fake_release(Fake *f);
Module *fake_module(Fake *f, const char *wat);
Store *fake_store(Fake *f);
/* The module alone in a new store. */
Instance *fake_instance(Store *s, Module *m, const Extern *imports, u32 n);
VmFuncRef *fake_func(Instance *i, const char *name);
/* Calls a function of at most two i32 with an i32 result; fails the test on an error. */
u32 fake_call(Instance *i, const char *name, u32 a, u32 b);
/* The error's text, "" without one (transfer); the last few texts stay. */
const char *fake_text(Error *e);
/* The same of a call. */
const char *fake_call_error(Instance *i, const char *name, u32 a, u32 b);
VmFuncRef *fake_host(Fake *f, Store *s, void (*fn)(void *env, VmCtx *caller, VmVal *vals),
                     void *env);

#endif
