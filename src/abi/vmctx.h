/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What compiled code knows of the runtime: the VM context, the records behind references, tables
 * and memories, and how they are laid out for a module. compile/ and runtime/ agree on this and
 * nothing else. Register roles in generated code are in backend/x64/roles.h.
 *
 * References: funcref values are VmFuncRef pointers (64 bits, 0 is null). All other references are
 * 32-bit values, zero-extended where 64 bits are kept; 0 is null and a set lowest bit is an i31:
 * what a compacting GC heap with 32-bit offsets needs. A table element has 8 bytes whatever it
 * holds.
 */
#ifndef ABI_VMCTX_H
#define ABI_VMCTX_H

#include "wasm/module.h"

typedef struct VmCtx VmCtx;

/* State of the store that compiled code reads and writes; one a store. */
typedef struct VmStore {
    u64 stack_limit;    /* a frame that would reach below this address is a stack overflow */
    i64 fuel;           /* counts up; used up when it is >= 0 */
    u64 epoch_deadline; /* in ticks */
    const u64 *epoch;   /* the engine's counter, atomic */
    void *pending;      /* not NULL: a host function failed (Error *, own) or an interrupt is due */
    u64 exit_fp;        /* frame pointer of the innermost wasm frame and ... */
    u64 exit_pc; /* ... return address into it, noted when wasm calls a builtin or a host function
                  */
    u64 host_pc; /* the same of the last call of a host function; 0: there was none */
    const void *const *builtins; /* as in VmCtx, for host functions */
} VmStore;

/* One linear memory. */
typedef struct VmMemory {
    u8 *base;   /* changes only where memory_can_move() */
    u64 length; /* bytes that may be accessed */
} VmMemory;

typedef struct VmTable {
    u64 *elems; /* changes when the table grows */
    u64 length;
} VmTable;

/* What a funcref points to. */
typedef struct VmFuncRef {
    const void *code; /* entry in wasm's own calling convention */
    /* Of the callee; for host functions the VmHostFunc. NULL: of the instance whose table it is in.
     * Such references are in common tables alone: what is read from these is replaced by a
     * reference of the instance's own. */
    VmCtx *vmctx;
    u32 type;       /* canonical id */
    u32 func;       /* index in the callee's module, UINT32_MAX for host functions */
    void *reserved; /* keeps the size a power of two */
} VmFuncRef;
static_assert(sizeof(VmFuncRef) == 32, "indexed by a shift");

typedef struct VmFuncImport {
    const void *code;
    VmCtx *vmctx;
    VmFuncRef *ref; /* the same function as a reference */
} VmFuncImport;

/* 16 bytes for any value. */
typedef union VmVal {
    u64 pair[2]; /* first: {0} has to clear it all, null references above all */
    i32 i32;
    i64 i64;
    u32 f32; /* bits */
    u64 f64; /* bits */
    u8 v128[16];
    u64 ref;
} VmVal;
static_assert(sizeof(VmVal) == 16, "values are 16 bytes");

enum { VMCTX_MAGIC = 0x78746376, VMHOST_MAGIC = 0x74736f68 };

/* The fixed head of an instance's context; the arrays that VmLayout places follow. */
struct VmCtx {
    u32 magic;
    u32 reserved;
    VmStore *store;
    const void *const *builtins; /* entries in the order of builtins.def */
    u8 *memory0_base; /* copy of memory 0's base, kept only where that memory cannot move */
    void *instance;   /* of runtime/instance.h */
};

/*
 * Around a memory that compiled code checks lie CHECKED_GUARD bytes that always fault. So a check
 * looks at the index alone, and replaces one that is not below the length by the length: with any
 * offset that keeps the access within CHECKED_GUARD bytes of the index, the access faults. A check
 * of another kind sends what fails right in front of the memory.
 */
#define CHECKED_GUARD ((u64)64 << 10)

/*
 * A host function, found where a wasm callee would have its VmCtx. Its code is the stub of its
 * signature, which calls `fn` by the C convention: fn(env, caller, params...) -> result for typed
 * functions (at most one result), fn(env, caller, VmVal *params_then_results) for the others, where
 * caller is the VmCtx of the calling instance (NULL if called from the host). A function that fails
 * leaves store->pending set.
 */
typedef struct VmHostFunc {
    u32 magic;
    u32 reserved;
    VmStore *store;
    void *fn;
    void *env;
} VmHostFunc;
static_assert(offsetof(VmHostFunc, store) == offsetof(VmCtx, store),
              "read without knowing the kind of callee");

/* Where things are in the context of a module's instance: offsets in bytes from the VmCtx. */
typedef struct VmLayout {
    u32 size;
    u32 func_imports; /* VmFuncImport[n_imported_funcs] */
    u32 memory_ptrs;  /* VmMemory *[nmemories]; own ones point into `memories` */
    u32 memories;     /* VmMemory[own memories] */
    u32 table_ptrs;   /* VmTable *[n_imported_tables] */
    u32 tables;       /* VmTable[own tables] */
    u32 global_ptrs;  /* VmVal *[n_imported_globals] */
    u32 globals;      /* VmVal[own globals], 16-byte aligned */
    u32 funcrefs;     /* VmFuncRef[nfuncrefs] */
    /* Of own functions that escape. Imports come with theirs; others get theirs when it is asked
     * for. */
    u32 nfuncrefs;
    u32 types;             /* u32[ntypes]: canonical ids by module type index */
    u32 ntypes;            /* 0: the code has them in itself */
    const u32 *funcref_of; /* function index -> number in funcrefs, UINT32_MAX if it has none */
} VmLayout;

/* Places the arrays; funcref_of lives in `arena`. `types`: code reads canonical ids from the
 * context. */
void vm_layout_init(VmLayout *l, const WasmModule *m, bool types, Arena *arena);

/* A context has at most 2^31 bytes (limits.def sees to it), so every offset fits a displacement. */
static inline u32 vm_layout_func_import(const VmLayout *l, u32 func)
{
    return l->func_imports + func * (u32)sizeof(VmFuncImport);
}
static inline u32 vm_layout_funcref(const VmLayout *l, u32 func)
{
    return l->funcrefs + l->funcref_of[func] * (u32)sizeof(VmFuncRef);
}

typedef enum Builtin {
#define BUILTIN(name, result, params) BUILTIN_##name,
#include "abi/builtins.def"
#undef BUILTIN
    BUILTIN_COUNT
} Builtin;

/* How vector_fma works: two f64 instead of four f32; the product is subtracted. */
enum { VECTOR_FMA_64 = 1, VECTOR_FMA_NEGATE = 2 };

#endif
