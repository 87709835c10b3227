/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Modules given as text, compiled and run by the engine. */
#ifndef TESTS_UNIT_COMPILE_HARNESS_H
#define TESTS_UNIT_COMPILE_HARNESS_H

#include "engine/engine.h"
#include "unit/test.h"

typedef struct Harness {
    Engine *engine;
    Store *store;
    Module *module;
    Instance *instance;
} Harness;

enum { HARNESS_OK = -1 }; /* otherwise a TrapCode */

/* Fails the test if the module does not instantiate. `config` NULL: the defaults. */
Harness harness_new(const char *wat, const EngineConfig *config);
void harness_free(Harness *h);
/* Calls an export; params in, results out. HARNESS_OK or the trap's code. */
int harness_call(Harness *h, const char *name, VmVal *vals);
/* One result of up to three integer parameters; the test fails on a trap. */
u64 harness_run(Harness *h, const char *name, u64 a, u64 b, u64 c);
/* As harness_run, with the trap's code expected. */
void harness_trap(Harness *h, const char *name, u64 a, u64 b, TrapCode trap);

#endif
