/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A function body being generated: gen_code.c makes instructions, gen_control.c control. */
#ifndef TESTS_FUZZ_GEN_CODE_H
#define TESTS_FUZZ_GEN_CODE_H

#include "fuzz/gen_priv.h"

enum {
    GEN_MAX_LABELS = 12,
    GEN_MAX_LOCALS = 48,
    GEN_MAX_STACK = 1024,
};

typedef struct GenLabel {
    GenType types[GEN_MAX_VALUES]; /* of a branch to it */
    u8 n;
    bool is_loop;
    bool closed; /* no branches: a loop that does not count them */
} GenLabel;

typedef struct FuncGen {
    Gen *g;
    Buf *b;
    const GenSig *sig;
    GenType locals[GEN_MAX_LOCALS]; /* that instructions use freely, params first */
    u32 nlocals;
    u32 temp_f, temp_d, temp_v, fuel, counters; /* locals of the generator's own */
    GenType stack[GEN_MAX_STACK];
    u32 n;            /* values on the stack */
    u32 base;         /* of them below the current block */
    u32 floor;        /* of them that the next instruction may not take */
    bool unreachable; /* `base` is polymorphic */
    GenLabel labels[GEN_MAX_LABELS];
    u32 nlabels;
    u32 depth;  /* of operands within operands */
    i32 budget; /* instructions left, about */
    bool leaf;  /* makes no calls */
} FuncGen;

/* gen_code.c */
void gen_want(FuncGen *f, const GenType *types, u32 n); /* operands: on the stack, off the model */
void gen_push(FuncGen *f, const GenType *types, u32 n); /* results: onto the model */
void gen_index(FuncGen *f, OpId op, u32 index);
void gen_i32(FuncGen *f, i32 v); /* a constant that the model does not know */
void gen_address(FuncGen *f, bool is64, u64 size);
void gen_canonical(FuncGen *f, GenType t);
void gen_drop_to(FuncGen *f, u32 height);
void gen_sequence(FuncGen *f);

/* gen_control.c */
void gen_block_value(FuncGen *f, GenType t);
void gen_block_statement(FuncGen *f);
void gen_branch_statement(FuncGen *f);
void gen_call_statement(FuncGen *f);

#endif
