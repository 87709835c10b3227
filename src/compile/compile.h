/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * From wasm to machine code, one function at a time. No threads and no state of its own: callers
 * keep one context a thread. Bodies must have been validated.
 */
#ifndef COMPILE_COMPILE_H
#define COMPILE_COMPILE_H

#include "abi/callconv.h"
#include "abi/code.h"
#include "abi/tunables.h"
#include "abi/vmctx.h"
#include "base/error.h"

/* What stays the same for all functions of a module. Borrowed. */
typedef struct CompileEnv {
    const WasmModule *module;
    const VmLayout *layout;
    const Tunables *tunables;
} CompileEnv;

/* Scratch of one thread: arenas and buffers kept between functions. */
typedef struct CompileCtx CompileCtx;
CompileCtx *compile_ctx_new(void);
void compile_ctx_free(CompileCtx *c);

/*
 * Compiles the defined function `func` with the baseline compiler. The result is valid until the
 * next call with the same context. An error means that the function is too large or memory ran out.
 */
Error *compile_baseline(CompileCtx *c, const CompileEnv *env, u32 func, CompiledFunc *ret_code);

/* For listings: `insn` is called for each instruction that is compiled, with its offset in the
 * module and that of the code which follows. NULL ends it. */
void compile_dump(CompileCtx *c, void (*insn)(void *arg, u32 wasm, u32 code), void *arg);

/* NULL, or the proposal that the module uses and no compiler supports yet ("gc", "exceptions",
 * ...). */
const char *compile_unsupported(const WasmModule *m);

/*
 * Stubs, one a signature.
 * Entry: void stub(VmCtx *callee, const void *code, VmVal *params_then_results) by the C
 * convention, except that it keeps no register but rbp: the caller (wasm_enter) does. Values are
 * read from and results written to the array, both from its start. Host call: entered by wasm's
 * convention with the VmHostFunc in the context register and the caller's VmCtx in the scratch
 * register; notes exit_fp and exit_pc in the store, calls the C function, and leaves wasm through
 * raise_pending if store->pending is set after it.
 */
Error *compile_stub(CompileCtx *c, StubKind kind, const FuncType *type, const Tunables *t,
                    CompiledFunc *ret_code);

#endif
