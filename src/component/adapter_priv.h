/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Between the files that make the code of adapters. */
#ifndef COMPONENT_ADAPTER_PRIV_H
#define COMPONENT_ADAPTER_PRIV_H

#include "abi/trap.h"
#include "base/vec.h"
#include "component/adapter.h"

enum {
    OP_IF = 0x04,
    OP_ELSE = 0x05,
    OP_LOOP = 0x03,
    OP_END = 0x0b,
    OP_BR_IF = 0x0d,
    OP_CALL = 0x10,
    OP_DROP = 0x1a,
    OP_LOCAL_GET = 0x20,
    OP_LOCAL_SET = 0x21,
    OP_LOCAL_TEE = 0x22,
    OP_GLOBAL_GET = 0x23,
    OP_GLOBAL_SET = 0x24,
    OP_MEMORY_SIZE = 0x3f,
    OP_I32_CONST = 0x41,
    OP_I64_CONST = 0x42,
    OP_I32_EQZ = 0x45,
    OP_I32_EQ = 0x46,
    OP_I32_NE = 0x47,
    OP_I32_LT_U = 0x49,
    OP_I32_GT_U = 0x4b,
    OP_I32_GE_U = 0x4f,
    OP_I64_GT_U = 0x56,
    OP_I32_ADD = 0x6a,
    OP_I32_SUB = 0x6b,
    OP_I32_MUL = 0x6c,
    OP_I32_AND = 0x71,
    OP_I32_OR = 0x72,
    OP_I32_SHL = 0x74,
    OP_I32_SHR_S = 0x75,
    OP_I64_ADD = 0x7c,
    OP_I64_MUL = 0x7e,
    OP_I64_SHL = 0x86,
    OP_I64_SHR_U = 0x88,
    OP_I32_WRAP = 0xa7,
    OP_I64_EXTEND_U = 0xad,
    OP_I32_REINTERPRET = 0xbc,
    OP_I64_REINTERPRET = 0xbd,
    OP_F32_REINTERPRET = 0xbe,
    OP_F64_REINTERPRET = 0xbf,
    OP_PREFIX = 0xfc,
    OP_MEMORY_COPY = 10,
    BLOCK_EMPTY = 0x40,
};

/* A generator: code, the types of its locals, and the values that were lifted. */
typedef struct AdapterGen {
    const AdapterShape *shape;
    Buf code;
    VEC(u8) locals;     /* ValType, parameters first */
    VEC(u32) leaves;    /* locals of lifted values, in the order of the types */
    u32 next;           /* the leaf that is lowered next */
    u32 lists;          /* loops around what is generated */
    bool owns, borrows; /* handles that were met */
    bool failed;        /* there can be no adapter */
} AdapterGen;

/* One side: whose memory, realloc, checks and handles. */
typedef struct GenSide {
    AdapterImport memory, realloc, check, recode, look, move;
} GenSide;

/* Where a value is: in locals from `local` on, or in memory `offset` behind the address there. */
typedef struct GenPlace {
    const GenSide *side;
    bool in_memory;
    u32 local, offset;
} GenPlace;

/* Checks the value and leaves it in new locals, the leaves. Goes on in a flat place. */
void adapt_lift(AdapterGen *g, CTypeId type, GenPlace *from);
/* Puts the next leaves, which came from `from`, to a place. Goes on in a flat one. */
void adapt_lower(AdapterGen *g, CTypeId type, GenPlace *to, const GenSide *from);
/* Traps unless the address is aligned and `size` bytes there are in memory. */
void adapt_check_tuple(AdapterGen *g, const GenSide *side, u32 address, u32 size, u32 align);
/* The local with the address of new memory for a tuple. */
u32 adapt_alloc_tuple(AdapterGen *g, const GenSide *side, u32 size, u32 align);

/* Is a string another one on the other side? */
bool adapter_recodes(const AdapterShape *s);
bool adapter_imports(const AdapterShape *s, AdapterImport which);
u32 adapt_local(AdapterGen *g, u8 type);
void adapt_op(AdapterGen *g, u8 code);
void adapt_index(AdapterGen *g, u8 code, u32 index);
void adapt_const(AdapterGen *g, u32 v);
void adapt_trap_if(AdapterGen *g, TrapCode code);
void adapt_call(AdapterGen *g, AdapterImport which);

#endif
