/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A store owns instances and everything they reach; all of it dies with the store. A store belongs
 * to one thread at a time. Handles below (VmFuncRef *, Memory *, ...) are borrowed from their
 * store.
 */
#ifndef RUNTIME_STORE_H
#define RUNTIME_STORE_H

#include "abi/callconv.h"
#include "abi/trap.h"
#include "abi/tunables.h"
#include "runtime/module.h"

typedef struct Store Store;
typedef struct Instance Instance;
typedef struct Memory Memory;
typedef struct RtTable RtTable;
typedef struct RtGlobal RtGlobal;
typedef struct RtTag RtTag;

/* What a guest may take. UINT64_MAX: no limit. */
typedef struct StoreLimits {
    u64 memory_bytes;   /* of each memory */
    u64 table_elements; /* of each table */
    u32 instances, memories, tables;
    bool trap_on_grow_failure; /* a refused grow is an error instead of -1 */
} StoreLimits;
StoreLimits store_limits_default(void);

typedef struct StoreConfig {
    TypeRegistry *registry;   /* borrow */
    const Tunables *tunables; /* borrow */
    StoreLimits limits;
    u64 max_wasm_stack; /* bytes */
    u32 max_backtrace;  /* frames shown, 20; 0 none */
    bool no_offsets;    /* backtraces say nothing of places within functions */
    bool details;       /* backtraces name source files and lines, by the modules' DWARF */
    bool details_note;  /* a backtrace through modules with debug information ends in a note */
    const u64 *epoch;   /* the engine's counter */
    /* Makes (or finds) the stub of a signature; it stays as long as `arg`. Thread-safe. */
    Error *(*stub)(void *arg, StubKind kind, u32 type, const void **ret_code);
    /* The store is gone. May be NULL. */
    void (*release)(void *arg);
    void *arg;
} StoreConfig;

Error *store_new(const StoreConfig *c, Store **ret_store);
void store_free(Store *s);
VmStore *store_vm(Store *s);
TypeRegistry *store_registry(Store *s);
/* Host functions, globals and the like take so much in a store, or are about to. */
usize store_host_bytes(const Store *s);
void store_reserve_host(Store *s, usize bytes);
void *store_data(Store *s); /* the embedder's pointer */
void store_set_data(Store *s, void *data);
/* Fuel left; set before the first call. */
void store_set_fuel(Store *s, u64 fuel);
u64 store_fuel(const Store *s);
void store_set_epoch_deadline(Store *s, u64 ticks_from_now);
/* Makes the wasm code that runs (or runs next) in the store trap with `interrupt`; from any thread
 * or a signal handler of the thread that runs the store. Host calls that block return EINTR. */
void store_interrupt(Store *s);

/* Anything that can be imported or exported. */
typedef struct Extern {
    ExternKind kind;
    union {
        VmFuncRef *func;
        RtTable *table;
        Memory *memory;
        RtGlobal *global;
        RtTag *tag;
    };
} Extern;

/*
 * A host function. Typed: fn(env, VmCtx *caller, params...) -> result, by the C convention,
 * u32/u64/ float/double and at most one result. Otherwise fn(env, caller, VmVal
 * *params_then_results). To fail it calls host_fail(caller_store, error) and returns anything.
 * `type` is a canonical id.
 */
Error *store_host_func(Store *s, u32 type, bool typed, void *fn, void *env, VmFuncRef **ret_func);
/* Transfers `e`. The wasm code that called the host function is left as soon as it returns. */
void host_fail(Store *s, Error *e);
Error *trap_error(TrapCode code); /* the error of a trap, without a backtrace; own */

Error *store_memory_new(Store *s, const MemoryType *t, Memory **ret_memory);
Error *store_table_new(Store *s, const TableType *t, u64 init, RtTable **ret_table);
Error *store_global_new(Store *s, GlobalType t, VmVal init, RtGlobal **ret_global);
RtTag *store_tag_new(Store *s, u32 type);
/* A host object as an externref value (0 is null), and back. */
u64 store_extern_new(Store *s, void *host);
void *store_extern_get(Store *s, u64 ref);

MemoryType memory_type(const Memory *m); /* limits.min is the current size */
u8 *memory_data(Memory *m, u64 *ret_bytes);
const VmMemory *memory_vm(const Memory *m); /* stays while the store does */
/* Old size in pages, or -1. */
i64 memory_grow(Store *s, Memory *m, u64 pages);
TableType table_type(const RtTable *t);
u64 *table_elems(RtTable *t, u64 *ret_length);
i64 table_grow(Store *s, RtTable *t, u64 delta, u64 init);
GlobalType global_type(const RtGlobal *g);
VmVal *global_value(RtGlobal *g);
u32 tag_type(const RtTag *t);

/*
 * Calls a function: `vals` holds the params and gets the results, both from index 0. On a trap the
 * error is "error while executing at wasm backtrace:..." with an ERROR_TRAP below; a host
 * function's error comes back wrapped in the same way; ERROR_EXIT comes back as it is.
 */
Error *func_call(Store *s, VmFuncRef *f, VmVal *vals);
const FuncType *func_type(Store *s, const VmFuncRef *f);

#endif
