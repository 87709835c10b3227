/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of the module generator share. */
#ifndef TESTS_FUZZ_GEN_PRIV_H
#define TESTS_FUZZ_GEN_PRIV_H

#include "base/vec.h"
#include "fuzz/gen.h"
#include "wasm/insn.h"

/* Value types as letters: i l f d v of the signatures in opcodes.def, r funcref, e externref. */
typedef char GenType;

typedef struct GenSig {
    u8 nparams, nresults;
    GenType params[GEN_MAX_VALUES], results[GEN_MAX_VALUES];
} GenSig;

typedef struct GenMemory {
    bool is64;
    u8 page_log2;
    u32 min, max; /* pages */
} GenMemory;

typedef struct GenTable {
    GenType elem;
    bool is64;
    u32 min, max;
} GenTable;

typedef struct GenGlobal {
    GenType type;
    bool mut;
} GenGlobal;

typedef struct GenSegment {
    bool passive;
    u32 target, size; /* memory or table; bytes or elements */
} GenSegment;

/* Ops by what they need and the one value that they give; 'x': none, 'w': two i64. */
typedef enum GenClass { GEN_PURE, GEN_MEMORY, GEN_ATOMIC, GEN_CLASSES } GenClass;
#define GEN_RESULTS "ilfdvxw"
enum { GEN_OPS = 400 };
typedef struct GenOps {
    u16 ops[GEN_CLASSES][sizeof(GEN_RESULTS) - 1][GEN_OPS];
    u16 n[GEN_CLASSES][sizeof(GEN_RESULTS) - 1];
} GenOps;

enum {
    GEN_IMPORTS = 4,
    GEN_MAX_TYPES = 64,
    GEN_MAX_MEMORIES = 3,
    GEN_MAX_TABLES = 3,
    GEN_MAX_GLOBALS = 8,
    GEN_MAX_SEGMENTS = 4,
    GEN_FUEL_GLOBAL = 0,
};

/* The module being made. */
typedef struct Gen {
    const u8 *p, *end; /* fuzz bytes left */
    u64 random;        /* what comes behind them */
    FeatureSet features;
    bool js;
    GenOps ops;

    /* The first ones of each index space are imported. */
    u32 imported_memories, imported_tables, imported_globals;
    u32 ntypes, nfuncs, nmemories, ntables, nglobals, ndatas, nelems;
    GenSig types[GEN_MAX_TYPES];   /* the first are those of the imports */
    bool type_open[GEN_MAX_TYPES]; /* not final */
    u8 type_super[GEN_MAX_TYPES];  /* of the same signature; the type itself if there is none */
    u32 func_type[GEN_IMPORTS + GEN_MAX_FUNCS];
    GenMemory memories[GEN_MAX_MEMORIES];
    GenTable tables[GEN_MAX_TABLES];
    GenGlobal globals[GEN_MAX_GLOBALS];
    GenSegment datas[GEN_MAX_SEGMENTS], elems[GEN_MAX_SEGMENTS];
} Gen;

u32 gen_below(Gen *g, u32 n); /* 0..n-1; n > 0 */
u64 gen_u64(Gen *g);
static inline bool gen_chance(Gen *g, u32 of_256)
{
    return gen_below(g, 256) < of_256;
}
static inline bool gen_has(const Gen *g, enum FeatureBit f)
{
    return g->features >> f & 1;
}
GenType gen_type(Gen *g); /* any value type that the features have */
u8 gen_type_code(GenType t);
u64 gen_int(Gen *g);     /* of those that break things */
u64 gen_float32(Gen *g); /* bits */
u64 gen_float64(Gen *g);
/* `t.const` or a null reference. */
void gen_const(Gen *g, Buf *b, GenType t);
void gen_op(Buf *b, OpId op);

/* The body of function `func` (of the index space), with its size. */
void gen_body(Gen *g, u32 func, Buf *out);
/* The body of run<i>, and of `reset`. */
void gen_run_body(Gen *g, u32 func, Buf *out);
void gen_reset_body(Buf *out);

#endif
