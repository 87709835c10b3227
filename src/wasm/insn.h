/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The instruction reader: the one place that knows how opcodes and immediates are encoded. The
 * validator, the compilers, the printer and the tests' interpreter all ride on it.
 */
#ifndef WASM_INSN_H
#define WASM_INSN_H

#include "base/map.h"
#include "wasm/module.h"

/* One id an opcode, in the order of opcodes.def: OP_i32_add, OP_v128_load, ... */
typedef enum OpId {
#define OP(id, prefix, code, text, imm, sig, feature, flags) OP_##id,
#include "wasm/opcodes.def"
#undef OP
    OP_COUNT
} OpId;

/* The shape of the immediates; which fields of Insn they fill is said here. */
typedef enum ImmKind {
    IMM_NONE,
    IMM_BLOCK,         /* block: block type */
    IMM_LABEL,         /* idx: depth */
    IMM_LABELS,        /* table: br_table */
    IMM_FUNC,          /* idx */
    IMM_TYPE,          /* idx: module type index */
    IMM_CALL_INDIRECT, /* idx: module type index, idx2: table */
    IMM_LOCAL,         /* idx */
    IMM_GLOBAL,        /* idx */
    IMM_TABLE,         /* idx */
    IMM_TABLE2,        /* idx: destination, idx2: source (table.copy) */
    IMM_MEMORY,        /* idx */
    IMM_MEMORY2,       /* idx: destination, idx2: source (memory.copy) */
    IMM_DATA_MEMORY,   /* idx: segment, idx2: memory (memory.init) */
    IMM_ELEM_TABLE,    /* idx: segment, idx2: table (table.init) */
    IMM_DATA,          /* idx */
    IMM_ELEM,          /* idx */
    IMM_TAG,           /* idx */
    IMM_MEMARG,        /* memarg */
    IMM_MEMARG_LANE,   /* memarg, lane */
    IMM_LANE,          /* lane */
    IMM_SHUFFLE,       /* v128: 16 lane numbers */
    IMM_V128,          /* v128 */
    IMM_I32,           /* value, sign-extended */
    IMM_I64,           /* value */
    IMM_F32,           /* value: the bits, zero-extended */
    IMM_F64,           /* value: the bits */
    IMM_HEAPTYPE,      /* type: nullable reference to it (ref.null) */
    IMM_REFTYPE_NULL,  /* type: (ref null ht) of ref.test/ref.cast null */
    IMM_REFTYPE,       /* type: (ref ht) of ref.test/ref.cast */
    IMM_SELECT,        /* table: count types at targets; type: the type if count is 1 */
    IMM_TYPE_FIELD,    /* idx: type, idx2: field */
    IMM_TYPE_N,        /* idx: type, idx2: count (array.new_fixed) */
    IMM_TYPE_DATA,     /* idx: type, idx2: data segment */
    IMM_TYPE_ELEM,     /* idx: type, idx2: elem segment */
    IMM_TYPE2,         /* idx, idx2: types; array.copy: to, from; cont.bind: from, to */
    IMM_BR_CAST,       /* idx: depth, type: from, type2: to */
    IMM_TRY_TABLE,     /* block, table: count catch clauses at targets */
    IMM_FENCE,         /* a zero byte */
    IMM_TYPE_TAG,      /* idx: type, idx2: tag (switch) */
    IMM_RESUME,        /* idx: type, table: count handlers (resume, resume_throw_ref) */
    IMM_RESUME_THROW,  /* idx: type, idx2: tag, table: handlers */
} ImmKind;

enum OpFlags {
    OPF_CONST = 1, /* allowed in constant expressions */
    OPF_TRAP = 2,  /* may trap */
    OPF_CALL = 4,  /* calls wasm or host code, or a builtin of the runtime */
    OPF_TERM = 8,  /* what follows is unreachable */
    OPF_CTRL = 16, /* opens, closes or leaves a block */
    OPF_FREE = 32, /* costs no fuel */
    OPF_ATOMIC = 64,
    /* Bytes of memory that it accesses, which is its natural alignment; see op_access_log2. */
    OPF_W8 = 1 << 8,
    OPF_W16 = 2 << 8,
    OPF_W32 = 3 << 8,
    OPF_W64 = 4 << 8,
    OPF_W128 = 5 << 8,
};

typedef struct OpInfo {
    const char *text; /* as in the text format */
    /* "ii:i": params ':' results, of i l f d v; a address of the memory; "*" custom */
    const char *sig;
    u16 code;
    u16 flags;  /* OpFlags */
    u8 prefix;  /* 0, 0xfb, 0xfc, 0xfd, 0xfe */
    u8 imm;     /* ImmKind */
    u8 feature; /* enum FeatureBit */
} OpInfo;
extern const OpInfo op_infos[OP_COUNT];
/* Log2 of the bytes that a memory instruction accesses. */
static inline u32 op_access_log2(OpId op)
{
    return (u32)(op_infos[op].flags >> 8) - 1;
}
/* OP_COUNT if there is no such opcode. */
OpId op_find(u8 prefix, u32 code);
/* By keyword; the first row of those that share it (select, ref.test, ref.cast). */
OpId op_find_text(Str text);
/* Keyword -> OpId of all, for those who look up many. */
void op_text_map(Map *ret_map);

typedef enum BlockTypeKind { BLOCK_EMPTY, BLOCK_VALUE, BLOCK_TYPE } BlockTypeKind;
typedef struct BlockType {
    u8 kind;      /* BlockTypeKind */
    ValType type; /* BLOCK_VALUE */
    u32 index;    /* BLOCK_TYPE: module type index */
} BlockType;

typedef struct MemArg {
    u32 align_log2;
    u32 memory;
    u64 offset;
} MemArg;

typedef struct Insn {
    u16 op; /* OpId */
    u8 lane;
    u32 offset; /* of the opcode's first byte in the module */
    u32 idx, idx2;
    ValType type, type2;
    union {
        u64 value;
        MemArg memarg;
        BlockType block;
        u8 v128[16];
    };
    u32 count;         /* of table immediates; for br_table without the default */
    const u8 *targets; /* their first byte; read with insn_next_* below */
} Insn;

/* Reads a body or constant expression. */
typedef struct InsnReader {
    const u8 *at, *end;
    const u8 *base;      /* module bytes, for offsets */
    const WasmModule *m; /* for type indices in value types, and features */
    Diag *diag;          /* borrow; the first error */
    FeatureSet uses;     /* proposals met so far */
    u32 group;           /* types of the recursive group being read; 0 outside the type section */
} InsnReader;

void insn_reader_init(InsnReader *r, const WasmModule *m, Range range, Diag *diag);
/* False at the end of the range or after an error (diag is set). Opcodes of proposals that are off
 * are an error. */
bool insn_read(InsnReader *r, Insn *ret_insn);
/*
 * The locals at the head of a body: calls back with (count, type) for each group. The reader stands
 * at the first instruction after. Counts are bounded (50,000 locals) before the call.
 */
bool insn_read_locals(InsnReader *r, void (*group)(void *arg, u32 count, ValType type), void *arg);
/* The next label of a br_table (count + 1 of them, the default last), the next type of a select. */
u32 insn_next_label(const u8 **at);
ValType insn_next_type(const WasmModule *m, const u8 **at);

typedef enum CatchKind { CATCH_TAG, CATCH_TAG_REF, CATCH_ALL, CATCH_ALL_REF } CatchKind;
typedef struct CatchClause {
    u8 kind; /* CatchKind; for resume: 0 (on $tag $label), 1 (on $tag switch) */
    u32 tag, label;
} CatchClause;
CatchClause insn_next_catch(const u8 **at);
CatchClause insn_next_handler(const u8 **at);

/* Signature of a block: pointers stay valid as long as the module. */
typedef struct BlockSig {
    u32 nparams, nresults;
    const ValType *params, *results;
    ValType single; /* results points here for BLOCK_VALUE: copy with block_sig only */
} BlockSig;
void block_sig(const WasmModule *m, const BlockType *b, BlockSig *ret_sig);

#endif
