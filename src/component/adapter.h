/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Adapters: calls between components as core functions in wasm's own instructions, compiled like
 * any other. They exist for functions whose parameters and result are scalars, which need neither
 * memory nor handles.
 */
#ifndef COMPONENT_ADAPTER_H
#define COMPONENT_ADAPTER_H

#include "base/buf.h"
#include "wit/component.h"

/* What the code depends on; equal shapes share a module. */
typedef struct AdapterShape {
    const ComponentTypes *types;
    const CType *func;
    u32 nentered; /* instances that the call enters */
    bool post_return;
} AdapterShape;

/* Can a call of that function be an adapter? */
bool adapter_possible(const ComponentTypes *t, const CType *func, const FlatSig *sig);
/* Appends bytes that are equal for equal code. */
void adapter_key(const AdapterShape *s, Buf *out);
/*
 * Appends a module that exports the adapter as "a". Its imports, all of module "": "f" the callee,
 * "t" a function that traps with a TrapCode, "p" post-return if there is one; mutable i32 globals:
 * "l" and "c", may the caller and the callee be left, "e" for each instance that is entered.
 */
void adapter_encode(const AdapterShape *s, Buf *out);

#endif
