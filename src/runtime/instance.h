/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Instances and linking. */
#ifndef RUNTIME_INSTANCE_H
#define RUNTIME_INSTANCE_H

#include "runtime/store.h"

/*
 * Checks `imports` (one an import of the module, in order) against the declared types, builds the
 * instance, runs segments and the start function. On failure effects on imported tables and
 * memories stay, as the specification says, and functions that escaped stay callable; the instance
 * itself is not returned.
 */
Error *instance_new(Store *s, Module *m, const Extern *imports, u32 nimports,
                    Instance **ret_instance);
bool instance_export(Instance *i, Str name, Extern *ret_extern);
Module *instance_module(Instance *i);
Store *instance_store(Instance *i);
Extern instance_export_nth(Instance *i, u32 n);

/* Of the VmCtx that a host function gets as its caller. */
Instance *caller_instance(VmCtx *caller);
Store *caller_store(VmCtx *caller);
/* The caller's export "memory"; false if it has none. */
bool caller_memory(VmCtx *caller, u8 **ret_base, u64 *ret_bytes);

/* Names to externs, for one store. */
typedef struct Linker Linker;
Linker *linker_new(Store *s);
void linker_free(Linker *l);
Store *linker_store(const Linker *l);
void linker_allow_shadowing(Linker *l, bool yes);
/* Copies the names. Defining a name twice is an error unless shadowing is allowed. */
Error *linker_define(Linker *l, Str module, Str name, Extern e);
Error *linker_define_instance(Linker *l, Str module, Instance *i);
bool linker_get(const Linker *l, Str module, Str name, Extern *ret_extern);
typedef enum UnknownImports {
    UNKNOWN_ERROR,
    UNKNOWN_TRAP, /* functions alone */
    UNKNOWN_DEFAULT,
    UNKNOWN_TRAP_OR_DEFAULT, /* functions trap, others are empty or zero */
} UnknownImports;
void linker_unknown_imports(Linker *l, UnknownImports what);
/* Asked about each missing import of a module that nothing is defined in: adds "; ..." or nothing.
 */
typedef void (*LinkerHint)(void *arg, Str module, Buf *out);
void linker_hint(Linker *l, LinkerHint hint, void *arg);
/* All missing and ill-typed imports are reported in one error, each with its type and what was
 * found. */
Error *linker_instantiate(Linker *l, Module *m, Instance **ret_instance);

#endif
