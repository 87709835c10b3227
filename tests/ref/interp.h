/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The reference interpreter: the oracle of the tests and fuzzers. It follows the specification's
 * execution rules step by step on a validated module and prefers plainness to speed everywhere. It
 * shares only the decoder and the instruction table with the product.
 *
 * What the specification leaves open is fixed here: NaN results are whatever the host's arithmetic
 * gives (compare NaNs by class), growing succeeds up to the limits of RefLimits, and relaxed SIMD
 * takes the choices of the deterministic profile: fused multiply-add, saturating truncation and
 * Q15 multiplication, bitwise lane selection, NaN-propagating min and max, and dot products of
 * signed bytes with wrapping sums.
 *
 * Source: https://webassembly.github.io/spec/core/exec/index.html
 */
#ifndef TESTS_REF_INTERP_H
#define TESTS_REF_INTERP_H

#include "abi/trap.h"
#include "wasm/module.h"

typedef float f32;
typedef double f64;

/* Any value; scalars are in lane 0, references in `ref`. */
typedef union RefVal {
    u8 u8s[16];
    i8 i8s[16];
    u16 u16s[8];
    i16 i16s[8];
    u32 u32s[4];
    i32 i32s[4];
    u64 u64s[2];
    i64 i64s[2];
    f32 f32s[4];
    f64 f64s[2];
    void *ref; /* RefFunc of a funcref, the host's pointer of an externref; NULL is null */
} RefVal;
static_assert(sizeof(RefVal) == 16, "values are 16 bytes");

typedef enum RefStatus {
    REF_OK,
    REF_TRAPPED,
    REF_OUT_OF_STEPS,
    REF_UNSUPPORTED, /* an instruction that the interpreter does not have */
    REF_LINK_ERROR,
} RefStatus;

typedef struct RefResult {
    RefStatus status;
    TrapCode trap;    /* REF_TRAPPED */
    const char *what; /* REF_UNSUPPORTED: the instruction; REF_LINK_ERROR: the reason */
    u32 index;        /* REF_LINK_ERROR: the import */
} RefResult;

typedef struct RefStore RefStore;
typedef struct RefInstance RefInstance;

/* `vals` holds the params and gets the results. Returns REF_OK or REF_TRAPPED. */
typedef RefStatus RefHostFn(void *env, RefVal *vals, TrapCode *ret_trap);

typedef struct RefFunc {
    u32 type; /* canonical id */
    RefInstance *instance;
    u32 index;       /* in the instance's module */
    RefHostFn *host; /* NULL for wasm functions */
    void *env;
} RefFunc;

typedef struct RefMemory {
    MemoryType type;
    u8 *data;
    u64 bytes;
} RefMemory;

typedef struct RefTable {
    TableType type;
    void **elems;
    u64 n;
} RefTable;

typedef struct RefGlobal {
    GlobalType type;
    RefVal value;
} RefGlobal;

typedef struct RefExtern {
    u8 kind; /* ExternKind; tags cannot be linked */
    union {
        RefFunc *func;
        RefMemory *memory;
        RefTable *table;
        RefGlobal *global;
    };
} RefExtern;

/* What execution may use; reaching `frames` or `values` is the trap STACK_OVERFLOW. */
typedef struct RefLimits {
    u64 memory_bytes, table_elements; /* of each memory and table */
    u32 frames, values;
} RefLimits;
RefLimits ref_limits_default(void);

/* Owns everything that is made in it. The modules and the registry are borrowed. */
RefStore *ref_store_new(TypeRegistry *r, RefLimits limits);
void ref_store_free(RefStore *s);
/* Instructions left to execute; starts without a limit. */
void ref_store_set_steps(RefStore *s, u64 steps);

RefFunc *ref_host_func(RefStore *s, u32 type, RefHostFn *fn, void *env);
RefMemory *ref_memory_new(RefStore *s, MemoryType t); /* NULL: over the limits */
RefTable *ref_table_new(RefStore *s, TableType t, void *init);
RefGlobal *ref_global_new(RefStore *s, GlobalType t, RefVal value);
/* True and the old size, or false: not possible. `delta` in pages of the memory. */
bool ref_memory_grow(RefStore *s, RefMemory *m, u64 delta, u64 *ret_old);
bool ref_table_grow(RefStore *s, RefTable *t, u64 delta, void *init, u64 *ret_old);

/*
 * Links, initialises and starts. `imports`: one an import of the module, in order. NULL if that
 * fails; what it did to imported tables and memories stays.
 */
RefInstance *ref_instantiate(RefStore *s, const WasmModule *m, const RefExtern *imports,
                             RefResult *ret_result);
const WasmModule *ref_instance_module(const RefInstance *i);
bool ref_export(const RefInstance *i, Str name, RefExtern *ret_extern);
/* By index in the module's index space of that kind. */
RefExtern ref_extern_at(const RefInstance *i, ExternKind kind, u32 index);

/* `vals` holds the params and gets the results. */
RefResult ref_call(RefStore *s, RefFunc *f, RefVal *vals);

#endif
