/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The canonical ABI over value trees: lifting reads core values and a guest's memory, lowering
 * writes them. Both check everything that a guest can get wrong.
 *
 * Flat core values are raw bits in a u64 each, 32-bit ones zero-extended, so the joins that
 * variants make between core types cost nothing.
 *
 * Source: https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md
 */
#ifndef COMPONENT_ABI_H
#define COMPONENT_ABI_H

#include "component/resource.h"
#include "component/value.h"

/* One side of a call: whose memory, handles and resource types values are read from or put into. */
typedef struct AbiSide {
    Store *store;
    const ComponentTypes *types;
    HandleTable *handles;
    ResourceType **resources; /* by number, less `first_resource` */
    u32 first_resource;
    ComponentInstance *inst;
    bool *may_leave; /* cleared while realloc runs */
    Memory *memory;  /* NULL: no values of this call need one */
    VmFuncRef *realloc;
    u8 encoding; /* StringEncoding */
    bool wide;   /* 64-bit addresses */
    bool host;   /* the other side is the host: words of errors */
    CallScope *scope;
    Arena *arena; /* of lifted trees */
} AbiSide;

enum { ABI_FLAT = MAX_FLAT_PARAMS + 1 };

/* The parameters or the result of a function. */
typedef struct AbiTuple {
    const CField *fields; /* the types; offsets do not matter */
    u32 n;
    bool spilled; /* in memory: one flat value is the address */
} AbiTuple;

/* From flat values. */
Error *abi_lift(AbiSide *s, const AbiTuple *t, const u64 *flat, ComponentVal *ret_vals);
/*
 * To flat values. A spilled tuple is written to address *out if `out` is given, otherwise to memory
 * that realloc gives, whose address becomes flat[0].
 */
Error *abi_lower(AbiSide *s, const AbiTuple *t, const ComponentVal *vals, const u64 *out,
                 u64 *ret_flat);

/* Flat core values to and from what func_call takes. */
void abi_from_vals(const u8 *types, u32 n, const VmVal *vals, u64 *ret_flat);
void abi_to_vals(const u64 *flat, u32 n, VmVal *ret_vals);

/* A pair of pointer and length of a string or list. */
typedef struct AbiSlice {
    u64 ptr, n;
} AbiSlice;
Error *abi_load_string(AbiSide *s, AbiSlice at, ComponentVal *ret_val);
Error *abi_store_string(AbiSide *s, const ComponentVal *v, AbiSlice *ret_at);
/* What realloc gives for `size` bytes, checked. */
typedef enum AbiWhat { ABI_STRING, ABI_LIST, ABI_TUPLE } AbiWhat;
Error *abi_realloc(AbiSide *s, AbiWhat what, u64 old, u64 old_size, u32 align, u64 size,
                   u64 *ret_ptr);
/* The memory's place after [ptr, ptr + size) and its alignment were checked. */
Error *abi_check(AbiSide *s, AbiWhat what, u64 ptr, u64 size, u32 align, u8 **ret_place);

#endif
