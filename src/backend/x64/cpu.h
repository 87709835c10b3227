/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What the CPU can do, as a set of bits, and the text form of such sets. The floor is SSE4.1 (with
 * SSE3 and SSSE3): a CPU without it is refused by x64_cpu_detect.
 */
#ifndef BACKEND_X64_CPU_H
#define BACKEND_X64_CPU_H

#include "base/error.h"

typedef enum X64CpuBit {
    X64_CPU_BASE, /* the floor; always set */
#define X64_CPU(id, name, leaf, reg, bit, needs) X64_CPU_##id,
#include "backend/x64/cpu.def"
#undef X64_CPU
    X64_CPU_COUNT,
} X64CpuBit;

typedef u64 X64CpuSet; /* of 1 << X64CpuBit */
#define X64_HAS(set, id) (((set) >> X64_CPU_##id) & 1)
#define X64_CPU_SET_BASE ((X64CpuSet)1 << X64_CPU_BASE)
#define X64_CPU_SET_ALL (((X64CpuSet)1 << X64_CPU_COUNT) - 1)

/* This machine, as far as the operating system supports it. False if below the floor. Takes some 15
 * microseconds under a hypervisor: once a process is enough. */
bool x64_cpu_detect(X64CpuSet *ret_set);
/*
 * Changes *set by a list such as "-avx,+bmi2" (no sign: on; "base" clears all). Switching off AVX
 * takes with it what is encoded with it; switching on such a feature brings AVX.
 */
Error *x64_cpu_parse(Str list, X64CpuSet *set) MUST_CHECK;
/* Names separated by commas. */
void x64_cpu_print(X64CpuSet set, Buf *out);
const char *x64_cpu_name(X64CpuBit bit);

#endif
