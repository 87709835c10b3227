/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Wasm's vector instructions as x86-64 sequences: one for AVX, one for SSE4.1, by the features of
 * the code buffer. Ids are those of wasm's opcode table, so a compiler maps X64_SIMD_<id> to
 * OP_<id> by including simd.def.
 *
 * Rules for all of them:
 *   - the destination may be any of the operands; operands that are not the destination are kept;
 *   - `tmp` is a vector register apart from all of them and is clobbered;
 *   - X64_XMM_SCRATCH and the flags are clobbered, RAX only where said; none of these may be an
 *     operand;
 *   - constants come from the buffer's pool, so code must be placed at CODE_ALIGN.
 */
#ifndef BACKEND_X64_SIMD_H
#define BACKEND_X64_SIMD_H

#include "backend/x64/asm.h"

/* Vectors to a vector. */
typedef enum X64Simd {
#define SIMD(id, operands, how, row, row2, imm, nan) X64_SIMD_##id,
#include "backend/x64/simd.def"
#undef SIMD
#define SIMD_EXTRA(id, operands, how, row, row2, imm, nan) X64_SIMD_##id,
#include "backend/x64/simd.def"
#undef SIMD_EXTRA
    X64_SIMD_COUNT,
} X64Simd;

typedef struct X64SimdOps {
    Xmm dst;
    Xmm a, b, m; /* the first x64_simd_operands() of them */
    Xmm tmp;
} X64SimdOps;

u32 x64_simd_operands(X64Simd op); /* 1 to 3 */
void x64_simd(CodeBuf *c, X64Simd op, const X64SimdOps *o);

/* The sequence of the deterministic profile: op itself unless it is relaxed. That profile has fused
 * multiply-add, for which there is a sequence with FMA only. */
X64Simd x64_simd_deterministic(X64Simd op);
/* Width of the float lanes if the instruction may make a NaN of arithmetic, with whatever payload;
 * 0 for all others. */
u32 x64_simd_nan_lanes(X64Simd op);
/* NaN lanes, of 32 or 64 bits, become the positive quiet NaN without a payload. */
void x64_simd_canonicalize(CodeBuf *c, u32 lane_bits, Xmm v, Xmm tmp);

typedef enum X64SimdShift {
#define SIMD_SHIFT(id, how, row, row_imm, bits) X64_SIMD_##id,
#include "backend/x64/simd.def"
#undef SIMD_SHIFT
    X64_SIMD_SHIFT_COUNT,
} X64SimdShift;

/* The count is taken modulo the lane's width. The form with a register clobbers RAX; count may not
 * be RAX. */
void x64_simd_shift(CodeBuf *c, X64SimdShift op, Xmm dst, Xmm src, Gpr count, Xmm tmp);
void x64_simd_shift_imm(CodeBuf *c, X64SimdShift op, Xmm dst, Xmm src, u32 count, Xmm tmp);

typedef enum X64SimdTest {
#define SIMD_TEST(id, how, row) X64_SIMD_##id,
#include "backend/x64/simd.def"
#undef SIMD_TEST
    X64_SIMD_TEST_COUNT,
} X64SimdTest;
typedef enum X64SimdMask {
#define SIMD_MASK(id, how, row) X64_SIMD_##id,
#include "backend/x64/simd.def"
#undef SIMD_MASK
    X64_SIMD_MASK_COUNT,
} X64SimdMask;

/* Sets the flags; the condition that holds if the result is 1. */
X64Cond x64_simd_test(CodeBuf *c, X64SimdTest op, Xmm src, Xmm tmp);
void x64_simd_mask(CodeBuf *c, X64SimdMask op, Gpr dst, Xmm src, Xmm tmp);

typedef enum X64SimdLoad {
#define SIMD_LOAD(id, how, row) X64_SIMD_##id,
#include "backend/x64/simd.def"
#undef SIMD_LOAD
    X64_SIMD_LOAD_COUNT,
} X64SimdLoad;

/* The access is the first instruction, in this function and the next two; m may use RAX. */
void x64_simd_load(CodeBuf *c, X64SimdLoad op, Xmm dst, X64Mem m, Xmm tmp);
/* Lane `lane` of 1 << lane_size bytes: into dst, whose other lanes stay; out of src. */
void x64_simd_load_lane(CodeBuf *c, X64Size lane_size, Xmm dst, X64Mem m, u8 lane);
void x64_simd_store_lane(CodeBuf *c, X64Size lane_size, X64Mem m, Xmm src, u8 lane);
void x64_simd_store(CodeBuf *c, X64Mem m, Xmm src);

/* --- lanes --- */
/* i8x16 to i64x2 from a general register, f32x4 and f64x2 (SZ_32, SZ_64) from a vector one. */
void x64_simd_splat(CodeBuf *c, X64Size lane_size, Xmm dst, Gpr src, Xmm tmp);
void x64_simd_splat_float(CodeBuf *c, X64Size lane_size, Xmm dst, Xmm src);
/* Zero-extended to the whole register, or, SZ_8 and SZ_16 with sign, sign-extended to 32 bits. */
void x64_simd_extract(CodeBuf *c, X64Size lane_size, bool sign, Gpr dst, Xmm src, u8 lane);
/* The float in the lowest lane; the others are undefined. */
void x64_simd_extract_float(CodeBuf *c, X64Size lane_size, Xmm dst, Xmm src, u8 lane);
void x64_simd_replace(CodeBuf *c, X64Size lane_size, Xmm dst, Xmm a, Gpr b, u8 lane);
void x64_simd_replace_float(CodeBuf *c, X64Size lane_size, Xmm dst, Xmm a, Xmm b, u8 lane);

/* i8x16.shuffle: lanes[i] below 32. */
void x64_simd_shuffle(CodeBuf *c, const u8 lanes[16], Xmm dst, Xmm a, Xmm b, Xmm tmp);
void x64_simd_const(CodeBuf *c, Xmm dst, const u8 bytes[16]);

#endif
