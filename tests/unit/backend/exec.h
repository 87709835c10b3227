/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Runs generated code over values in memory. Code is written between exec_begin, which loads the
 * operands, and exec_end, which stores the result and what is left in the operands' registers.
 */
#ifndef TESTS_UNIT_BACKEND_EXEC_H
#define TESTS_UNIT_BACKEND_EXEC_H

#include "backend/x64/asm.h"

typedef union Vec {
    u8 u8s[16];
    i8 i8s[16];
    u16 u16s[8];
    i16 i16s[8];
    u32 u32s[4];
    i32 i32s[4];
    u64 u64s[2];
    i64 i64s[2];
    float f32s[4];
    double f64s[2];
} __attribute__((aligned(16))) Vec;

typedef struct Frame {
    Vec in[3];        /* loaded to the registers of Regs.in */
    Vec out;          /* Regs.dst at the end */
    Vec after[3];     /* the input registers at the end */
    u64 gpr, gpr_out; /* RCX at the start, RDX at the end */
    u64 trap;         /* 1 and 2: the traps of a truncation */
} Frame;

typedef struct Regs {
    Xmm in[3], dst, tmp;
} Regs;

/* Register choices: apart, destination among the sources, sources equal. `operands` many are
 * meaningful. */
enum { REG_CHOICES = 7 };
Regs exec_regs(u32 choice);
/* Whether the choice differs from earlier ones with so many operands. */
bool exec_choice_matters(u32 choice, u32 operands);

/* Sets of CPU features to test here: base, and what this machine adds. The count. */
enum { EXEC_MAX_SETS = 4 };
u32 exec_feature_sets(X64CpuSet ret_sets[EXEC_MAX_SETS]);

/* RDI is the Frame. */
X64Mem exec_field(usize offset);
void exec_begin(CodeBuf *c, X64CpuSet features, const Regs *r);
typedef void (*ExecFn)(Frame *f);
ExecFn exec_end(CodeBuf *c, const Regs *r, u32 *ret_size);
void exec_free(ExecFn fn, u32 size);
/* Runs it and checks that the sources apart from the destination kept their values; with equal
 * sources the later input is what both held. */
void exec_run(ExecFn fn, const Regs *r, u32 operands, Frame *f, const char *name);

/* Interesting bit patterns, `n` of each kind. */
extern const u32 exec_f32[];
extern const u64 exec_f64[];
extern const u32 exec_nf32, exec_nf64;
u64 exec_random(u64 *state);

#endif
