/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of the reference interpreter share. */
#ifndef TESTS_REF_INTERP_PRIV_H
#define TESTS_REF_INTERP_PRIV_H

#include "base/vec.h"
#include "ref/interp.h"
#include "wasm/insn.h"

/* An instruction with what its block needs. */
typedef struct RefInsn {
    Insn in;
    u32 other;             /* if: the instruction behind `else`, or its `end` if there is none */
    u32 after;             /* block, loop, if, else: the instruction behind the `end` */
    u32 nparams, nresults; /* of the block type */
} RefInsn;

/* A body or constant expression, read once. */
typedef struct RefCode {
    RefInsn *insns;
    u32 n;
    u32 nlocals; /* declared ones, without the params */
} RefCode;

typedef struct RefDataSegment {
    const u8 *p;
    u64 n; /* 0 once dropped */
} RefDataSegment;

typedef struct RefElemSegment {
    void **p;
    u64 n; /* 0 once dropped */
} RefElemSegment;

struct RefInstance {
    RefStore *store;
    const WasmModule *m;
    RefFunc **funcs;
    RefCode **code; /* one a function, NULL until it is called first */
    RefTable **tables;
    RefMemory **memories;
    RefGlobal **globals;
    RefElemSegment *elems;
    RefDataSegment *datas;
};

typedef struct RefFrame {
    RefInstance *instance;
    const RefCode *code;
    u32 pc;     /* of the next instruction */
    u32 locals; /* index of local 0 in the value stack; results go there */
    u32 nresults;
    u32 labels; /* index of the first own label */
} RefFrame;

typedef struct RefLabel {
    u32 target; /* instruction to go on with */
    u32 height; /* of the value stack below the label's values */
    u32 arity;  /* values that a branch takes along */
} RefLabel;

struct RefStore {
    TypeRegistry *registry;
    RefLimits limits;
    Arena arena; /* instances, functions, code; data of memories and tables is on the heap */
    VEC(RefMemory *) memories;
    VEC(RefTable *) tables;

    /* The machine */
    VEC(RefVal) stack;
    VEC(RefFrame) frames;
    VEC(RefLabel) labels;
    u64 steps;
    RefResult result; /* anything but REF_OK stops the machine */
};

enum { REF_NO_TRAP = -1 };

static inline RefFrame *ref_frame(RefStore *s)
{
    return &s->frames.p[s->frames.n - 1];
}
static inline void ref_trap(RefStore *s, TrapCode trap)
{
    s->result = (RefResult){.status = REF_TRAPPED, .trap = trap};
}
void ref_push(RefStore *s, RefVal v);
RefVal ref_pop(RefStore *s);
static inline u32 ref_pop_u32(RefStore *s)
{
    return ref_pop(s).u32s[0];
}
static inline void ref_push_u32(RefStore *s, u32 v)
{
    ref_push(s, (RefVal){.u32s = {v}});
}
static inline void ref_push_u64(RefStore *s, u64 v)
{
    ref_push(s, (RefVal){.u64s = {v}});
}
static inline u64 ref_pop_addr(RefStore *s, bool is64)
{
    RefVal v = ref_pop(s);
    return is64 ? v.u64s[0] : v.u32s[0];
}
static inline void ref_push_addr(RefStore *s, bool is64, u64 v)
{
    ref_push_u64(s, is64 ? v : (u32)v);
}

/* Numbers and vectors (num.c, simd.c): params in v, results in r, which is zero before. Returns a
 * TrapCode or REF_NO_TRAP. */
typedef int RefNumFn(const RefVal *v, RefVal *r, const Insn *in);
extern RefNumFn *const ref_num_fns[OP_COUNT];
extern RefNumFn *const ref_simd_fns[OP_COUNT];

/* One instruction that needs more than its operands. */
typedef void RefStepFn(RefStore *s, const RefInsn *in);
extern RefStepFn *const ref_control_fns[OP_COUNT];
extern RefStepFn *const ref_memory_fns[OP_COUNT];
extern RefStepFn *const ref_table_fns[OP_COUNT];

/* Also for segments at instantiation; they may set the result to a trap. */
void ref_memory_init(RefStore *s, RefMemory *m, const RefDataSegment *d, u64 dst, u64 src, u64 n);
void ref_table_init(RefStore *s, RefTable *t, const RefElemSegment *e, u64 dst, u64 src, u64 n);

/* Reads a body (with its locals) or a constant expression into the store's arena. */
RefCode *ref_code_read(RefStore *s, const WasmModule *m, Range range, bool body);
/* Runs a constant expression of the instance. */
RefVal ref_eval(RefStore *s, RefInstance *i, Range range);
/* Puts a frame for `f` on top, whose params are on the value stack; runs a host function. */
void ref_enter(RefStore *s, RefFunc *f);
/* Runs until only `frames` frames are left or the machine stops. */
void ref_run(RefStore *s, u32 frames);

#endif
