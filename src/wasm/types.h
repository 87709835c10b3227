/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Types of WebAssembly. In a decoded module every type index in a ValType is already replaced by
 * the *canonical* id that the engine's TypeRegistry gave to the type, so equal types have equal
 * numbers, within a module and across modules.
 *
 * Source: https://webassembly.github.io/spec/core/syntax/types.html
 */
#ifndef WASM_TYPES_H
#define WASM_TYPES_H

#include "base/mem.h"

/* Proposals as a bit set. */
typedef u64 FeatureSet;
enum FeatureBit {
#define FEATURE(id, name, on, all) FEATURE_BIT_##id,
#include "wasm/features.def"
#undef FEATURE
    FEATURE_COUNT
};
#define FEATURE_MASK(id) ((FeatureSet)1 << FEATURE_BIT_##id)
FeatureSet features_default(void);
const char *feature_name(enum FeatureBit bit); /* the -W key, "" if there is none */

/*
 * A value type in a u32: bits 0-2 the kind, bit 3 nullable, bits 8-31 the heap type. Heap types
 * from HEAP_FIRST_ABSTRACT on are abstract, below that they are canonical type ids.
 */
typedef u32 ValType;
typedef u32 HeapType;

typedef enum TypeKind {
    KIND_I32,
    KIND_I64,
    KIND_F32,
    KIND_F64,
    KIND_V128,
    KIND_REF,
    KIND_BOT
} TypeKind;

enum {
    VALTYPE_NULLABLE = 8,
    HEAP_SHIFT = 8,
    HEAP_FIRST_ABSTRACT = 0xfffff0,
    HEAP_FUNC = HEAP_FIRST_ABSTRACT,
    HEAP_EXTERN,
    HEAP_ANY,
    HEAP_EQ,
    HEAP_I31,
    HEAP_STRUCT,
    HEAP_ARRAY,
    HEAP_NONE,
    HEAP_NOFUNC,
    HEAP_NOEXTERN,
    HEAP_EXN,
    HEAP_NOEXN,
    HEAP_CONT,
    HEAP_NOCONT,
    HEAP_BOT, /* below every heap type: of a reference popped in unreachable code */
};

#define VALTYPE_REF(heap, nullable)                                                                \
    ((ValType)KIND_REF | ((nullable) ? VALTYPE_NULLABLE : 0) | (ValType)(heap) << HEAP_SHIFT)

#define VT_I32 ((ValType)KIND_I32)
#define VT_I64 ((ValType)KIND_I64)
#define VT_F32 ((ValType)KIND_F32)
#define VT_F64 ((ValType)KIND_F64)
#define VT_V128 ((ValType)KIND_V128)
#define VT_BOT ((ValType)KIND_BOT)
#define VT_FUNCREF VALTYPE_REF(HEAP_FUNC, true)
#define VT_EXTERNREF VALTYPE_REF(HEAP_EXTERN, true)

static inline TypeKind valtype_kind(ValType t)
{
    return (TypeKind)(t & 7);
}
static inline bool valtype_is_ref(ValType t)
{
    return valtype_kind(t) == KIND_REF;
}
static inline bool valtype_nullable(ValType t)
{
    return t & VALTYPE_NULLABLE;
}
static inline HeapType valtype_heap(ValType t)
{
    return t >> HEAP_SHIFT;
}
static inline bool heap_is_concrete(HeapType h)
{
    return h < HEAP_FIRST_ABSTRACT;
}

enum { TYPE_NONE = UINT32_MAX };

typedef enum Storage { STORAGE_VAL, STORAGE_I8, STORAGE_I16 } Storage;

typedef struct FieldType {
    ValType type; /* VT_I32 for packed fields */
    u8 storage;   /* Storage */
    bool mut;
} FieldType;

typedef enum CompositeKind {
    COMPOSITE_FUNC,
    COMPOSITE_STRUCT,
    COMPOSITE_ARRAY,
    COMPOSITE_CONT
} CompositeKind;

typedef struct FuncType {
    u32 nparams, nresults;
    const ValType *params; /* results follow the params in the same array */
    const ValType *results;
} FuncType;

/* One type of a recursive group, canonical. */
typedef struct SubType {
    u8 kind; /* CompositeKind */
    bool final;
    u8 depth;         /* length of the chain of supertypes */
    bool has_default; /* all fields have a default value; the registry fills it in */
    u32 super;        /* canonical id or TYPE_NONE */
    FuncType func;    /* COMPOSITE_FUNC */
    u32 nfields;      /* COMPOSITE_STRUCT; 1 for COMPOSITE_ARRAY */
    const FieldType *fields;
    u32 cont; /* COMPOSITE_CONT: canonical id of the function type */
} SubType;

/*
 * All types of an engine, made canonical by recursive group. Thread-safe. A module holds a
 * reference to each of its groups and gives it back when it goes.
 */
typedef struct TypeRegistry TypeRegistry;
TypeRegistry *types_new(void);
void types_free(TypeRegistry *r);
/* Valid as long as a module (or types_func) holds the type. Needs no lock. */
const SubType *types_get(const TypeRegistry *r, u32 id);
static inline const FuncType *types_func_type(const TypeRegistry *r, u32 id)
{
    return &types_get(r, id)->func;
}
/* A final function type without supertype, for host functions. Adds a reference, given back by
 * types_unref. */
u32 types_add_func(TypeRegistry *r, const ValType *params, u32 nparams, const ValType *results,
                   u32 nresults);
void types_ref(TypeRegistry *r, u32 id);
void types_unref(TypeRegistry *r, u32 id);
/*
 * Makes a recursive group canonical and adds a reference for each of its `n` types, which
 * types_unref_all gives back. References of the group to its own types are relative: in a ValType
 * VALTYPE_REL is set and the heap type is the place in the group, in `super` and `cont` TYPE_REL is
 * set. `depth` is the caller's; whether the types are valid is the caller's business, too. False if
 * the registry is full.
 */
enum { VALTYPE_REL = 16 };
#define TYPE_REL 0x80000000u
bool types_add_group(TypeRegistry *r, const SubType *types, u32 n, u32 *ret_ids);
void types_unref_all(TypeRegistry *r, const u32 *ids, u32 n);
u32 types_count(TypeRegistry *r); /* live types, for tests and statistics */
bool types_is_subtype(const TypeRegistry *r, u32 sub, u32 super); /* ids; reflexive */
bool heap_is_subtype(const TypeRegistry *r, HeapType sub, HeapType super);
bool valtype_is_subtype(const TypeRegistry *r, ValType sub, ValType super);
/* The top of its hierarchy: HEAP_ANY, _FUNC, _EXTERN, _EXN or _CONT. */
HeapType heap_top(const TypeRegistry *r, HeapType h);

/* "i32", "funcref", "(ref null any)", "(ref $7)" into buf; returns buf. */
enum { VALTYPE_NAME_SIZE = 32 };
const char *valtype_name(ValType t, char buf[VALTYPE_NAME_SIZE]);

typedef struct Limits {
    u64 min, max; /* max is meaningful only if has_max */
    bool has_max;
} Limits;

typedef struct TableType {
    ValType elem;
    bool is64;
    Limits limits; /* elements */
} TableType;

typedef struct MemoryType {
    Limits limits;     /* pages */
    u8 page_size_log2; /* 16, or 0 with custom page sizes */
    bool is64, shared;
} MemoryType;

typedef struct GlobalType {
    ValType type;
    bool mut;
} GlobalType;

#endif
