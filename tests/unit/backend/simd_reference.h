/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Wasm's vector instructions in C, lane by lane. */
#ifndef TESTS_UNIT_BACKEND_SIMD_REFERENCE_H
#define TESTS_UNIT_BACKEND_SIMD_REFERENCE_H

#include "backend/x64/simd.h"
#include "unit/backend/exec.h"

/* Where the specification leaves a choice (relaxed SIMD), what these CPU features lead to. */
void simd_reference(X64Simd op, X64CpuSet features, const Vec in[3], Vec *ret_out);
void simd_reference_shift(X64SimdShift op, const Vec *in, u32 count, Vec *ret_out);
const char *simd_name(X64Simd op);
/* Width of the lanes whose NaN results may have any payload, 0 if the bits are determined. */
u32 simd_nan_lanes(X64Simd op);

#endif
