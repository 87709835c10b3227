/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Containers by our own sandbox in place of the OCI runtime: those of wasm programs, where it knows
 * all that the configuration asks for. The annotation `io.wasmtime.sandbox`, or else the variable
 * WASMTIME_SHIM_SANDBOX of the shim's environment, may say which: "own" (also for native programs,
 * and an error if it cannot), "runtime", or "auto".
 */
#ifndef SHIM_SANDBOXED_H
#define SHIM_SANDBOXED_H

#include "shim/container.h"

/* *ret_made is false, and nothing is done, if it is the runtime's. */
Error *sandboxed_create(Shim *s, Container *c, const Bundle *b, int executor, pid_t *ret_pid,
                        bool *ret_made) MUST_CHECK;
/* A further process of a container that sandboxed_create made, from the file with its JSON, which
 * program_find_exec has looked at. */
Error *sandboxed_exec(Container *c, Process *p, const char *spec, const Bundle *program,
                      int executor, pid_t *ret_pid) MUST_CHECK;

#endif
