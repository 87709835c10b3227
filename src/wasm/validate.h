/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The validator of function bodies and constant expressions: the algorithm of the specification's
 * appendix with an operand stack and a control stack. Private to the folder; module.h has the calls
 * for others.
 *
 * Source: https://webassembly.github.io/spec/core/appendix/algorithm.html
 */
#ifndef WASM_VALIDATE_H
#define WASM_VALIDATE_H

#include "base/vec.h"
#include "wasm/read.h"

typedef enum FrameKind { FRAME_BLOCK, FRAME_LOOP, FRAME_IF, FRAME_ELSE, FRAME_TRY } FrameKind;

typedef struct Frame {
    u32 height; /* of the operand stack below the parameters */
    u32 inits;  /* of the stack of initialised locals */
    u8 kind;    /* FrameKind */
    bool unreachable;
    BlockType block;
} Frame;

/* Types without their owner: parameters, results, what a label takes. */
typedef struct Types {
    const ValType *p;
    u32 n;
} Types;

typedef struct LocalRun {
    u32 end; /* index behind the last local of the run */
    ValType type;
} LocalRun;

/* Two lists of types that were found to match. */
typedef struct Match {
    const ValType *a, *b;
    u32 n;
} Match;

enum { LOCALS_FAST = 128, MATCHES = 64, SUBS = 64 };

struct Validator {
    InsnReader r;
    const WasmModule *m;
    const TypeRegistry *types;

    ValType *stack; /* heap; reused from function to function */
    u32 n, cap;
    u32 offset;       /* of the instruction, for errors */
    u32 base;         /* height of the innermost frame */
    bool unreachable; /* of the innermost frame */
    bool is_const;
    VEC(Frame) frames;

    Types params, results; /* of the function; results of a constant expression */
    ValType result;        /* of a constant expression */
    u32 nglobals;          /* that global.get of a constant expression may name */

    /* Locals: the first ones spread out, the others in runs behind the parameters. */
    u32 nlocals, nfast;
    ValType fast[LOCALS_FAST];
    VEC(LocalRun) runs;

    /* Locals without a default value: init[i] == epoch once it was set. */
    bool has_nonnull;
    u64 epoch;
    u64 *init;
    VEC(u32) inits; /* set since the frames were opened */

    VEC(u64) label_seen; /* by module type index: number of the last br_table that checked it */
    u64 br_tables;

    bool any_match; /* something is in these caches */
    Match matches[MATCHES];
    u64 subs[SUBS]; /* pairs of types, the first below the second */

    u8 *escapes; /* of the module; constant expressions mark what they name */
};

/* ---- errors; all of them put the reader at its end ---- */
void validate_fail(Validator *v, const Insn *i, const char *fmt, ...)
    __attribute__((format(printf, 3, 4), cold, noinline));
void validate_mismatch(Validator *v, ValType want, ValType found) __attribute__((cold, noinline));

/* ---- the operand stack ---- */
void validate_grow(Validator *v, u32 more);
ValType validate_pop_slow(Validator *v, ValType want);

static inline void push(Validator *v, ValType t)
{
    if (UNLIKELY(v->n == v->cap))
        validate_grow(v, 1);
    v->stack[v->n++] = t;
}

/* Pops an operand that is a subtype of `want` and returns its own type (VT_BOT if unknown). */
static inline ValType pop(Validator *v, ValType want)
{
    if (LIKELY(v->n > v->base && v->stack[v->n - 1] == want))
        return v->stack[--v->n];
    return validate_pop_slow(v, want);
}
ValType validate_pop_any(Validator *v);
/* A reference; VT_BOT in unreachable code. */
ValType validate_pop_ref(Validator *v);
void validate_pop_all(Validator *v, Types t);
void validate_push_all(Validator *v, Types t);
static inline ValType validate_non_null(ValType t)
{
    return t == VT_BOT ? VALTYPE_REF(HEAP_BOT, false) : t & ~(ValType)VALTYPE_NULLABLE;
}
void validate_dead(Validator *v); /* what follows is unreachable */

bool validate_subtype(Validator *v, ValType a, ValType b);
static inline bool sub(Validator *v, ValType a, ValType b)
{
    return a == b || validate_subtype(v, a, b);
}
static inline Types params_of(const FuncType *f)
{
    return (Types){f->params, f->nparams};
}
static inline Types results_of(const FuncType *f)
{
    return (Types){f->results, f->nresults};
}
/* Each type of `a` below the one of `b` in its place. */
bool validate_types_match(Validator *v, Types a, Types b);

/* ---- the module's spaces: false with an error if there is no such index ---- */
const SubType *validate_type(Validator *v, const Insn *i, u32 index, CompositeKind kind);
static inline ValType validate_ref_to(const Validator *v, u32 type_index, bool nullable)
{
    return VALTYPE_REF(v->m->types[type_index], nullable);
}
const Table *validate_table(Validator *v, const Insn *i, u32 index);
/* The address type, 0 (i32) after an error. */
ValType validate_memory(Validator *v, const Insn *i, u32 index);
const FuncType *validate_func_index(Validator *v, const Insn *i, u32 index);
const FuncType *validate_tag(Validator *v, const Insn *i, u32 index);
bool validate_data(Validator *v, const Insn *i, u32 index);
const ElemSegment *validate_elem(Validator *v, const Insn *i, u32 index);
ValType validate_local(Validator *v, const Insn *i);

static inline ValType addr_type(bool is64)
{
    return is64 ? VT_I64 : VT_I32;
}

/* ---- the control stack ---- */
/* The frame of a label, NULL with an error if there is none. */
const Frame *validate_label(Validator *v, const Insn *i, u32 depth);
/* What a branch to the frame takes; `single` is room for one type. */
Types validate_label_types(Validator *v, const Frame *f, ValType *single);
void validate_control(Validator *v, const Insn *i); /* instructions with OPF_CTRL */
void validate_end_body(Validator *v, bool last);

/* ---- groups of instructions whose rows say "*" ---- */
void validate_calls(Validator *v, const Insn *i);
void validate_table_op(Validator *v, const Insn *i);
void validate_ref_op(Validator *v, const Insn *i);
void validate_gc_op(Validator *v, const Insn *i);
void validate_cont_op(Validator *v, const Insn *i);

/*
 * A constant expression at the reader's place, which is left behind its `end`; of type `want`.
 * Marks the functions that it names in `escapes`.
 */
Range validate_const_expr(Validator *v, Reader *r, ValType want, u32 nglobals, u8 *escapes);

#endif
