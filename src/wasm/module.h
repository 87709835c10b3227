/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A decoded module. Everything lives in the module's arena; names, bodies and segments are slices
 * of `bytes`, of which the module owns a private copy (so nobody changes them after validation).
 */
#ifndef WASM_MODULE_H
#define WASM_MODULE_H

#include "base/buf.h"
#include "base/diag.h"
#include "base/map.h"
#include "wasm/types.h"

typedef enum ExternKind {
    EXTERN_FUNC,
    EXTERN_TABLE,
    EXTERN_MEMORY,
    EXTERN_GLOBAL,
    EXTERN_TAG
} ExternKind;

typedef struct Import {
    Str module, name;
    u8 kind;   /* ExternKind */
    u32 index; /* in the index space of its kind */
} Import;

typedef struct Export {
    Str name;
    u8 kind;
    u32 index;
} Export;

/* A range of `bytes`. */
typedef struct Range {
    u32 at, size;
} Range;

typedef struct Func {
    u32 type;   /* canonical id */
    Range body; /* of the locals and the code, without the size; size 0 for imports */
} Func;

typedef struct Table {
    TableType type;
    /*
     * Nothing outside the module sees it, and what it starts with is the same in all instances: own
     * functions, by segments of indices at constant places within it.
     */
    bool common;
    bool has_init; /* with an initialiser expression */
    Range init;
} Table;

typedef struct Global {
    GlobalType type;
    Range init; /* constant expression with its `end`; size 0 for imports */
} Global;

typedef enum SegmentMode { SEGMENT_PASSIVE, SEGMENT_ACTIVE, SEGMENT_DECLARED } SegmentMode;

typedef struct ElemSegment {
    u8 mode;    /* SegmentMode */
    bool exprs; /* items are expressions, otherwise function indices */
    ValType type;
    u32 table;    /* active */
    Range offset; /* active: constant expression */
    u32 count;
    Range items; /* `count` expressions or LEB function indices, one after the other */
} ElemSegment;

/* How references to a function come to be. */
typedef enum EscapeMask {
    ESCAPES = 1,         /* ref.func in a constant expression, an export, an element */
    ESCAPES_BY_ELEM = 2, /* an element; it escapes by that unless all its tables are common */
} EscapeMask;

typedef struct DataSegment {
    u8 mode;
    u32 memory;
    Range offset;
    Range bytes;
} DataSegment;

typedef struct CustomSection {
    Str name;
    Range payload; /* behind the name */
    u8 after;      /* id of the last known section before it, 0 at the start */
} CustomSection;

typedef struct WasmModule {
    Arena arena;
    TypeRegistry *registry; /* borrow */
    const u8 *bytes;
    u32 size;
    u32 file_at;         /* where it begins in the component it is of; 0 by itself */
    bool borrowed;       /* the bytes are the caller's */
    FeatureSet features; /* that it was decoded with */
    FeatureSet uses;     /* proposals whose opcodes or types occur in it */

    u32 ntypes;
    u32 *types; /* module type index -> canonical id */
    u32 nimports;
    Import *imports;
    /* Index spaces: the first n_imported_* entries are imports. */
    u32 nfuncs, n_imported_funcs;
    Func *funcs;
    u32 ntables, n_imported_tables;
    Table *tables;
    u32 nmemories, n_imported_memories;
    MemoryType *memories;
    u32 nglobals, n_imported_globals;
    Global *globals;
    u32 ntags, n_imported_tags;
    u32 *tags; /* canonical type ids */
    u32 nexports;
    Export *exports;
    bool has_start;
    u32 start;
    u32 nelems;
    ElemSegment *elems;
    u32 ndatas;
    DataSegment *datas;
    bool has_data_count;
    u32 ncustoms;
    CustomSection *customs;
    u8 *escapes;            /* a byte a function: EscapeMask; 0: no reference to it can exist */
    u32 n_escaping;         /* functions that escape */
    u32 code_at, code_size; /* the code section's payload */
    Range type_section;
    Map export_map;          /* name -> index into exports */
    struct NameIndex *names; /* made by the first who asks for a name */
} WasmModule;

typedef struct DecodeOptions {
    FeatureSet features;
    bool skip_bodies; /* do not validate function bodies (they are validated when compiled) */
    /* module_decode makes no copy: the bytes outlive the module, and nobody can change them. */
    bool borrow;
} DecodeOptions;

/*
 * Decodes and validates `n` bytes, which are copied (transfer: module_decode_owned takes memory of
 * mem_alloc over instead). NULL with *diag set if they are not a valid module.
 */
WasmModule *module_decode(TypeRegistry *r, const DecodeOptions *o, const u8 *p, usize n,
                          Diag *diag);
WasmModule *module_decode_owned(TypeRegistry *r, const DecodeOptions *o, u8 *own, usize n,
                                Diag *diag);
void module_free(WasmModule *m);

/*
 * Validation of bodies one by one, for modules decoded with skip_bodies. A Validator is scratch
 * memory, reused from body to body, of one thread at a time. *ret_uses gets the proposals added.
 */
typedef struct Validator Validator;
Validator *validator_new(void);
void validator_free(Validator *v);
bool validate_func(Validator *v, const WasmModule *m, u32 func, FeatureSet *ret_uses, Diag *diag);

static inline const FuncType *module_func_type(const WasmModule *m, u32 func)
{
    return types_func_type(m->registry, m->funcs[func].type);
}
/* The next function index of a segment that is not of expressions; *at is in its items. */
u32 elem_next_index(const u8 **at);
/* Where an active segment of a common table goes. */
u64 elem_common_place(const WasmModule *m, const ElemSegment *e);
/* Appends the module as bytes; decoding them gives an equivalent module. */
void module_encode(const WasmModule *m, Buf *out);

const Export *module_find_export(const WasmModule *m, Str name);
/* Are there custom sections of the DWARF format? */
bool module_has_debug_info(const WasmModule *m);
/* Payload of the first custom section of that name; false if there is none. */
bool module_custom(const WasmModule *m, Str name, Str *ret_payload);

/* Names of the name section, found without a copy; {NULL,0} if there is none. The first call
 * indexes. */
Str module_name(const WasmModule *m);
Str module_func_name(const WasmModule *m, u32 func);

#endif
