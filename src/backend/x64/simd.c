/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Vector instructions: the table, shifts, and tests that end in flags or a general register. */
#include "backend/x64/simd_how.h"

#define X64_NONE ((X64Sse)0)

static const SimdRow simd_rows[X64_SIMD_COUNT] = {
#define SIMD(id, operands, how, row, row2, imm, nan)                                               \
    [X64_SIMD_##id] = {how_##how, X64_##row, X64_##row2, operands, imm, nan},
#define SIMD_EXTRA(id, operands, how, row, row2, imm, nan)                                         \
    SIMD(id, operands, how, row, row2, imm, nan)
#include "backend/x64/simd.def"
#undef SIMD_EXTRA
#undef SIMD
};

u32 x64_simd_operands(X64Simd op)
{
    return simd_rows[op].operands;
}

X64Simd x64_simd_deterministic(X64Simd op)
{
    switch ((u32)op) {
#define SIMD_DETERMINISTIC(id, sequence)                                                           \
    case X64_SIMD_##id:                                                                            \
        return X64_SIMD_##sequence;
#include "backend/x64/simd.def"
#undef SIMD_DETERMINISTIC
    }
    return op;
}

u32 x64_simd_nan_lanes(X64Simd op)
{
    return simd_rows[op].nan;
}

void x64_simd(CodeBuf *c, X64Simd op, const X64SimdOps *o)
{
    const SimdRow *r = &simd_rows[op];
    r->how(c, r, o);
}

/* --- shifts --- */

typedef struct ShiftRow {
    void (*by_reg)(CodeBuf *c, const struct ShiftRow *r, Xmm dst, Xmm src, Gpr count, Xmm tmp);
    void (*by_imm)(CodeBuf *c, const struct ShiftRow *r, Xmm dst, Xmm src, u8 count, Xmm tmp);
    X64Sse row, row_imm;
    u8 bits;
} ShiftRow;

/* SCRATCH = count modulo the lane's width, plus `more`. */
static void load_count(CodeBuf *c, const ShiftRow *r, Gpr count, i32 more)
{
    assert(count != RAX);
    x64_rr(c, X64_MOV, SZ_32, RAX, count);
    x64_ri(c, X64_AND, SZ_32, RAX, r->bits - 1);
    if (more)
        x64_ri(c, X64_ADD, SZ_32, RAX, more);
    x64_xr(c, X64_MOVGX, SZ_32, SCRATCH, RAX);
}

static void shift_plain(CodeBuf *c, const ShiftRow *r, Xmm dst, Xmm src, Gpr count, Xmm tmp)
{
    (void)tmp;
    load_count(c, r, count, 0);
    x64_xxx(c, r->row, dst, src, SCRATCH);
}

static void shift_plain_imm(CodeBuf *c, const ShiftRow *r, Xmm dst, Xmm src, u8 count, Xmm tmp)
{
    (void)tmp;
    x64_xshift(c, r->row_imm, dst, src, count);
}

/* tmp = bytes of 0xff >> count: words of 0xff >> count, packed. SCRATCH holds the count. */
static void low_bits(CodeBuf *c, Xmm tmp)
{
    simd_ones(c, tmp);
    x64_xshift(c, X64_PSRLW_I, tmp, tmp, 8);
    x64_xx(c, X64_PSRLW, tmp, SCRATCH);
    x64_xx(c, X64_PACKUSWB, tmp, tmp);
}

/* Bits that would move into the neighbour are cleared before. */
static void shift_i8_shl(CodeBuf *c, const ShiftRow *r, Xmm dst, Xmm src, Gpr count, Xmm tmp)
{
    load_count(c, r, count, 0);
    low_bits(c, tmp);
    x64_xxx(c, X64_PAND, dst, src, tmp);
    x64_xx(c, X64_PSLLW, dst, SCRATCH);
}

static void shift_i8_shl_imm(CodeBuf *c, const ShiftRow *r, Xmm dst, Xmm src, u8 count, Xmm tmp)
{
    (void)tmp;
    x64_xxm(c, X64_PAND, dst, src, simd_const_u32(c, 0x01010101u * (0xffu >> count)));
    x64_xshift(c, r->row_imm, dst, dst, count);
}

static void shift_i8_shr_u(CodeBuf *c, const ShiftRow *r, Xmm dst, Xmm src, Gpr count, Xmm tmp)
{
    load_count(c, r, count, 0);
    low_bits(c, tmp);
    x64_xxx(c, X64_PSRLW, dst, src, SCRATCH);
    x64_xx(c, X64_PAND, dst, tmp);
}

static void shift_i8_shr_u_imm(CodeBuf *c, const ShiftRow *r, Xmm dst, Xmm src, u8 count, Xmm tmp)
{
    (void)tmp;
    x64_xshift(c, r->row_imm, dst, src, count);
    x64_xm(c, X64_PAND, dst, simd_const_u32(c, 0x01010101u * (0xffu >> count)));
}

/* As upper halves of words, shifted by 8 more, and packed again. */
static void shift_i8_shr_s(CodeBuf *c, const ShiftRow *r, Xmm dst, Xmm src, Gpr count, Xmm tmp)
{
    load_count(c, r, count, 8);
    x64_xxx(c, X64_PUNPCKHBW, tmp, src, src);
    x64_xxx(c, X64_PUNPCKLBW, dst, src, src);
    x64_xx(c, X64_PSRAW, tmp, SCRATCH);
    x64_xx(c, X64_PSRAW, dst, SCRATCH);
    x64_xx(c, X64_PACKSSWB, dst, tmp);
}

static void shift_i8_shr_s_imm(CodeBuf *c, const ShiftRow *r, Xmm dst, Xmm src, u8 count, Xmm tmp)
{
    x64_xxx(c, X64_PUNPCKHBW, tmp, src, src);
    x64_xxx(c, X64_PUNPCKLBW, dst, src, src);
    x64_xshift(c, r->row_imm, tmp, tmp, (u8)(count + 8));
    x64_xshift(c, r->row_imm, dst, dst, (u8)(count + 8));
    x64_xx(c, X64_PACKSSWB, dst, tmp);
}

/* There is no such instruction: (x >>> n ^ s) - s with s the shifted sign bit. */
static void shift_i64_shr_s(CodeBuf *c, const ShiftRow *r, Xmm dst, Xmm src, Gpr count, Xmm tmp)
{
    load_count(c, r, count, 0);
    x64_xm(c, X64_MOVDQA, tmp, simd_const_u64(c, 1ull << 63));
    x64_xx(c, r->row, tmp, SCRATCH);
    x64_xxx(c, r->row, dst, src, SCRATCH);
    x64_xx(c, X64_PXOR, dst, tmp);
    x64_xx(c, X64_PSUBQ, dst, tmp);
}

static void shift_i64_shr_s_imm(CodeBuf *c, const ShiftRow *r, Xmm dst, Xmm src, u8 count, Xmm tmp)
{
    x64_xm(c, X64_MOVDQA, tmp, simd_const_u64(c, (1ull << 63) >> count));
    x64_xshift(c, r->row_imm, dst, src, count);
    x64_xx(c, X64_PXOR, dst, tmp);
    x64_xx(c, X64_PSUBQ, dst, tmp);
}

static const ShiftRow shift_rows[X64_SIMD_SHIFT_COUNT] = {
#define SIMD_SHIFT(id, how, row, row_imm, bits)                                                    \
    [X64_SIMD_##id] = {shift_##how, shift_##how##_imm, X64_##row, X64_##row_imm, bits},
#include "backend/x64/simd.def"
#undef SIMD_SHIFT
};

void x64_simd_shift(CodeBuf *c, X64SimdShift op, Xmm dst, Xmm src, Gpr count, Xmm tmp)
{
    const ShiftRow *r = &shift_rows[op];
    r->by_reg(c, r, dst, src, count, tmp);
}

void x64_simd_shift_imm(CodeBuf *c, X64SimdShift op, Xmm dst, Xmm src, u32 count, Xmm tmp)
{
    const ShiftRow *r = &shift_rows[op];
    count &= r->bits - 1u;
    if (count == 0)
        x64_mov_xx(c, dst, src);
    else
        r->by_imm(c, r, dst, src, (u8)count, tmp);
}

/* --- tests --- */

static X64Cond test_any(CodeBuf *c, X64Sse row, Xmm src, Xmm tmp)
{
    (void)row;
    (void)tmp;
    x64_xx(c, X64_PTEST, src, src);
    return CC_NE;
}

/* No lane equals zero. */
static X64Cond test_all(CodeBuf *c, X64Sse row, Xmm src, Xmm tmp)
{
    x64_zero_x(c, tmp);
    x64_xx(c, row, tmp, src);
    x64_xx(c, X64_PTEST, tmp, tmp);
    return CC_E;
}

X64Cond x64_simd_test(CodeBuf *c, X64SimdTest op, Xmm src, Xmm tmp)
{
    switch (op) {
#define SIMD_TEST(id, how, row)                                                                    \
    case X64_SIMD_##id:                                                                            \
        return test_##how(c, X64_##row, src, tmp);
#include "backend/x64/simd.def"
#undef SIMD_TEST
    case X64_SIMD_TEST_COUNT:
        break;
    }
    BUG("no such test");
}

static void mask_row(CodeBuf *c, X64Sse row, Gpr dst, Xmm src, Xmm tmp)
{
    (void)tmp;
    x64_rx(c, row, SZ_32, dst, src);
}

static void mask_words(CodeBuf *c, X64Sse row, Gpr dst, Xmm src, Xmm tmp)
{
    x64_xxx(c, X64_PACKSSWB, tmp, src, src);
    x64_rx(c, row, SZ_32, dst, tmp);
    x64_movzx_rr(c, SZ_8, dst, dst);
}

void x64_simd_mask(CodeBuf *c, X64SimdMask op, Gpr dst, Xmm src, Xmm tmp)
{
    switch (op) {
#define SIMD_MASK(id, how, row)                                                                    \
    case X64_SIMD_##id:                                                                            \
        mask_##how(c, X64_##row, dst, src, tmp);                                                   \
        return;
#include "backend/x64/simd.def"
#undef SIMD_MASK
    case X64_SIMD_MASK_COUNT:
        break;
    }
    BUG("no such mask");
}
