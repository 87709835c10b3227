/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The structures behind the handles of store.h, module.h and instance.h. Private to runtime/.
 *
 * Lifetimes: Module is a reference-counted heap object; everything else belongs to a Store and is
 * freed with it (Store.arena, or the instance's own block).
 */
#ifndef RUNTIME_RUNTIME_PRIV_H
#define RUNTIME_RUNTIME_PRIV_H

#include "base/map.h"
#include "base/vec.h"
#include "os/thread.h"
#include "runtime/code.h"
#include "runtime/instance.h"
#include "runtime/module.h"
#include "runtime/pool.h"
#include "runtime/slot.h"
#include "runtime/store.h"
#include "runtime/trap.h"

typedef struct CommonTables CommonTables;
typedef struct FrozenStore FrozenStore;
typedef struct SlotImage SlotImage;

struct Module {
    _Atomic u32 refs;
    ModuleConfig config;
    WasmModule *wasm; /* own */
    VmLayout layout;
    Arena arena;
    CodeMem *code;                  /* own */
    OsMutex lock;                   /* publishing, making `common` */
    _Atomic(CommonTables *) common; /* in `arena`; NULL: not made yet */
    InstancePool pool;
    char *name; /* own */
};

struct Memory {
    VmMemory *vm; /* `own`, or a place in a context */
    VmMemory own;
    MemoryType type; /* as declared */
    Memory *next;    /* in Store.memories */
    u8 *map;         /* front guard, reservation, guard */
    u64 map_bytes;
    u64 front;     /* bytes of the front guard */
    u64 reserved;  /* bytes from the base that may be committed without moving */
    u64 committed; /* whole pages */
    bool pooled;   /* lives as long as its instance, which the store gives back */
    bool moved;    /* since the memory was frozen */
};

struct RtTable {
    VmTable *vm;
    VmTable own;
    TableType type; /* as declared */
    RtTable *next;  /* in Store.tables */
    u64 cap;
    /* Elements it starts with, the module's: vm->elems as long as it is not written to. NULL: the
     * table is not a common one. */
    const u64 *common;
    bool pooled; /* as in Memory */
};

struct RtGlobal {
    VmVal *val;
    VmVal own;
    GlobalType type;
    RtGlobal *next; /* in Store.globals */
};

struct RtTag {
    u32 type;
};

struct Instance {
    Instance *next; /* in Store.instances */
    Store *store;
    Module *module;    /* own reference */
    VmCtx *ctx;        /* own */
    Memory **memories; /* by index, imports first; so the following */
    RtTable **tables;
    RtGlobal **globals; /* own ones made when they are asked for */
    RtTag **tags;
    u64 **elems; /* items of passive segments, evaluated once; NULL for the others */
    Memory *own_memories;
    RtTable *own_tables;
    RtTag *own_tags;
    bool *elem_dropped, *data_dropped;
    RtGlobal *own_globals; /* NULL until one is asked for */
    VmFuncRef **late_refs; /* by function, own; NULL until the first is asked for */
    Memory *memory_export; /* the export "memory", NULL until a host function asks for it */
    Snapshot *snapshot;    /* own; NULL if the instance is not used again */
};

struct Store {
    VmStore vm; /* first: found from a VmCtx */
    StoreConfig config;
    Tunables tunables;
    _Atomic u32 thread;     /* that called it last */
    _Atomic bool interrupt; /* asked for and not honoured yet */
    u32 suspended;          /* calls of it that are on suspended fibers, or below running ones */
    bool floats;            /* an instance computes with floats: calls check how the CPU rounds */
    Arena arena;            /* host functions, globals, tags */
    Instance *instances;
    Memory *memories;
    RtTable *tables;
    RtGlobal *globals;   /* those that the host made */
    FrozenStore *frozen; /* own; NULL: not frozen */
    bool will_freeze;
    u32 ninstances, nmemories, ntables;
    VEC(void *) externs; /* host objects; reference (i + 1) << 1 */
    VEC(u32) types;      /* references of host functions' types, given back at the end */
    void *data;
    Frame *frames; /* the last backtrace; NULL: there are at most THREAD_FRAMES, the thread's */
    u32 nframes;
};

static inline Store *store_of(const VmCtx *ctx)
{
    return (Store *)ctx->store;
}
static inline Instance *instance_of(const VmCtx *ctx)
{
    return ctx->instance;
}

/* memory.c, table.c: into `*m`, whose vm is set; fails with a message */
Error *memory_init(Store *s, Memory *m, const MemoryType *t) MUST_CHECK;
void memory_release(Memory *m);
/* The memory moved: maps it anew, `bytes` long. */
bool memory_remap(const Store *s, Memory *m, u64 bytes) MUST_CHECK;
/* As memory_grow; *ret_error (own) if a refusal has to be an error. */
i64 memory_grow_or(Store *s, Memory *m, u64 pages, Error **ret_error);
Error *table_init(Store *s, RtTable *t, const TableType *type, u64 init) MUST_CHECK;
/* Of a common table, by the module's elements. */
Error *table_init_common(Store *s, RtTable *t, const TableType *type, const u64 *elems) MUST_CHECK;
/* Before elements are written: they are the table's own afterwards. False: no memory. */
bool table_own(RtTable *t) MUST_CHECK;
void table_release(RtTable *t);
/* The first n elements from `elems`, no others; keeps at most `spare` beyond. False: no memory. */
bool table_reset(RtTable *t, const u64 *elems, u64 n, u64 spare) MUST_CHECK;
i64 table_grow_or(Store *s, RtTable *t, u64 delta, u64 init, Error **ret_error);

/* const_expr.c: evaluates a validated constant expression in an instance whose imports and
 * earlier globals are in place. */
Error *const_eval(Instance *i, Range expr, VmVal *ret_value) MUST_CHECK;
/* The reference to a function of the instance's module. */
VmFuncRef *instance_func_ref(Instance *i, u32 func);
/* Evaluates a segment's items [from, from + n) into out. */
Error *elem_items(Instance *i, const ElemSegment *seg, u64 *out) MUST_CHECK;
/* Without its memories, its tables and its reference to the module. */
void instance_free(Instance *i, const WasmModule *w);
/* The same, and gives the reference to the module back. */
void instance_drop(Instance *i);
/* common_table.c: the elements of a common table, and what one of them is as a value. */
const u64 *module_common_elems(Module *m, u32 table);
u64 instance_own_ref(Instance *i, u64 elem);
/* Functions were compiled since the references were made. */
void module_update_common_refs(Module *m);
/* The same for the references of an instance, and for those of its module. */
void instance_update_refs(Instance *i);
/* The same for the code of imports, which others' references have. */
void instance_update_imports(Instance *i);
/* Functions that have been compiled so far. */
u32 module_compiled_funcs(const Module *m);

/* slot.c */
void frozen_free(FrozenStore *f);
/* slot_memory.c: the state of one memory, and putting it back. */
typedef struct FrozenMemory {
    Memory *m;
    SlotImage *image; /* own reference; NULL: all zeros */
    u64 length, committed;
    u64 high; /* bytes from the base up to which pages may be resident */
    u32 resets;
} FrozenMemory;
/* `number`: which memory of the store it is. */
Error *memory_freeze(Memory *m, u32 number, const SlotOptions *o, SlotImages *images,
                     FrozenMemory *ret_frozen) MUST_CHECK;
bool memory_reset(const Store *s, FrozenMemory *f, const SlotOptions *o) MUST_CHECK;
void frozen_memory_release(FrozenMemory *f);

/* match.c: NULL if `e` may be linked to the import; otherwise what is wrong. */
Error *import_match(Store *s, const WasmModule *m, const Import *import,
                    const Extern *e) MUST_CHECK;
/* "(func (param i32))", "(memory 1 2)", ... */
void import_describe(const WasmModule *m, const Import *import, Buf *out);
void extern_describe(Store *s, const Extern *e, Buf *out);

#endif
