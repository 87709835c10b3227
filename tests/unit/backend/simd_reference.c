/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reference of the vector instructions. */
#include "unit/backend/simd_reference.h"

#include <math.h>

const char *simd_name(X64Simd op)
{
    static const char *const names[] = {
#define SIMD(id, operands, how, row, row2, imm, nan) [X64_SIMD_##id] = #id,
#define SIMD_EXTRA(id, operands, how, row, row2, imm, nan) [X64_SIMD_##id] = #id,
#include "backend/x64/simd.def"
#undef SIMD_EXTRA
#undef SIMD
    };
    return names[op];
}

u32 simd_nan_lanes(X64Simd op)
{
    static const char *const arithmetic[] = {
        "sqrt", "nearest", "floor", "ceil",   "trunc",   "add",          "sub",          "mul",
        "div",  "min",     "max",   "demote", "promote", "relaxed_madd", "relaxed_nmadd"};
    const char *n = simd_name(op);
    for (u32 i = 0; i < ARRAY_LEN(arithmetic); i++)
        if (n[0] == 'f' && strncmp(n + 6, arithmetic[i], strlen(arithmetic[i])) == 0)
            return n[1] == '3' ? 32 : 64;
    return 0;
}

#define LANE(T) __typeof__(((Vec *)0)->T[0])
#define EACH(T, n, expr)                                                                           \
    for (u32 i = 0; i < (n); i++)                                                                  \
        out->T[i] = (LANE(T))(expr);                                                               \
    break
#define UN(id, T, n, expr)                                                                         \
    case X64_SIMD_##id:                                                                            \
        EACH(T, n, expr)

static i32 clamp(i32 v, i32 low, i32 high)
{
    return v < low ? low : v > high ? high : v;
}
static i32 sat_s8(i32 v)
{
    return clamp(v, INT8_MIN, INT8_MAX);
}
static i32 sat_s16(i32 v)
{
    return clamp(v, INT16_MIN, INT16_MAX);
}
static i32 sat_u8(i32 v)
{
    return clamp(v, 0, UINT8_MAX);
}
static i32 sat_u16(i32 v)
{
    return clamp(v, 0, UINT16_MAX);
}

static i64 trunc_limited(double x, double low, double high)
{
    return isnan(x) ? 0 : x <= low ? (i64)low : x >= high ? (i64)high : (i64)x;
}
static i64 trunc_s32(double x)
{
    return trunc_limited(x, -0x1p31, 0x1p31 - 1);
}
static i64 trunc_u32(double x)
{
    return trunc_limited(x, 0, 0x1p32 - 1);
}
/* As the CPU does: everything that does not fit is the lowest integer. */
static i64 trunc_cpu(double x)
{
    return x > -0x1p31 - 1 && x < 0x1p31 ? (i64)x : INT32_MIN;
}

static double min_of(double x, double y)
{
    if (isnan(x) || isnan(y))
        return NAN;
    return x < y || (x == y && signbit(x)) ? x : y;
}
static double max_of(double x, double y)
{
    if (isnan(x) || isnan(y))
        return NAN;
    return x > y || (x == y && !signbit(x)) ? x : y;
}

/* Lanes as bits of v1 where the mask says so: by the top bit of a lane or by each bit. */
static void laneselect(const Vec in[3], bool top, u32 lane_bytes, Vec *out)
{
    for (u32 i = 0; i < 16; i++) {
        u8 m = in[2].u8s[i];
        if (top)
            m = in[2].i8s[i / lane_bytes * lane_bytes + lane_bytes - 1] < 0 ? 0xff : 0;
        out->u8s[i] = (u8)((in[0].u8s[i] & m) | (in[1].u8s[i] & ~m));
    }
}

static i32 dot_u8_s8(const Vec *a, const Vec *b, u32 i)
{
    return sat_s16(b->u8s[2 * i] * a->i8s[2 * i] + b->u8s[2 * i + 1] * a->i8s[2 * i + 1]);
}

static i32 dot_s8_s8(const Vec *a, const Vec *b, u32 i)
{
    return b->i8s[2 * i] * a->i8s[2 * i] + b->i8s[2 * i + 1] * a->i8s[2 * i + 1];
}

#define COMPARE(L, U, S, n)                                                                        \
    UN(L##_eq, U, n, a->U[i] == b->U[i] ? -1 : 0);                                                 \
    UN(L##_ne, U, n, a->U[i] != b->U[i] ? -1 : 0);                                                 \
    UN(L##_lt_s, U, n, a->S[i] < b->S[i] ? -1 : 0);                                                \
    UN(L##_gt_s, U, n, a->S[i] > b->S[i] ? -1 : 0);                                                \
    UN(L##_le_s, U, n, a->S[i] <= b->S[i] ? -1 : 0);                                               \
    UN(L##_ge_s, U, n, a->S[i] >= b->S[i] ? -1 : 0);                                               \
    UN(L##_abs, U, n, a->S[i] < 0 ? -(u64)a->S[i] : (u64)a->S[i]);                                 \
    UN(L##_neg, U, n, -(u64)a->U[i]);                                                              \
    UN(L##_add, U, n, (u64)a->U[i] + b->U[i]);                                                     \
    UN(L##_sub, U, n, (u64)a->U[i] - b->U[i])
#define UNSIGNED(L, U, S, n)                                                                       \
    UN(L##_lt_u, U, n, a->U[i] < b->U[i] ? -1 : 0);                                                \
    UN(L##_gt_u, U, n, a->U[i] > b->U[i] ? -1 : 0);                                                \
    UN(L##_le_u, U, n, a->U[i] <= b->U[i] ? -1 : 0);                                               \
    UN(L##_ge_u, U, n, a->U[i] >= b->U[i] ? -1 : 0);                                               \
    UN(L##_min_s, S, n, MIN(a->S[i], b->S[i]));                                                    \
    UN(L##_max_s, S, n, MAX(a->S[i], b->S[i]));                                                    \
    UN(L##_min_u, U, n, MIN(a->U[i], b->U[i]));                                                    \
    UN(L##_max_u, U, n, MAX(a->U[i], b->U[i]))
#define SATURATING(L, U, S, n, bits)                                                               \
    UN(L##_add_sat_s, S, n, sat_s##bits(a->S[i] + b->S[i]));                                       \
    UN(L##_sub_sat_s, S, n, sat_s##bits(a->S[i] - b->S[i]));                                       \
    UN(L##_add_sat_u, U, n, sat_u##bits(a->U[i] + b->U[i]));                                       \
    UN(L##_sub_sat_u, U, n, sat_u##bits(a->U[i] - b->U[i]));                                       \
    UN(L##_avgr_u, U, n, (a->U[i] + b->U[i] + 1) / 2)
#define WIDEN(D, L, DU, DS, U, S, n)                                                               \
    UN(D##_extend_low_##L##_s, DS, n, a->S[i]);                                                    \
    UN(D##_extend_high_##L##_s, DS, n, a->S[n + i]);                                               \
    UN(D##_extend_low_##L##_u, DU, n, a->U[i]);                                                    \
    UN(D##_extend_high_##L##_u, DU, n, a->U[n + i]);                                               \
    UN(D##_extmul_low_##L##_s, DS, n, (i64)a->S[i] * b->S[i]);                                     \
    UN(D##_extmul_high_##L##_s, DS, n, (i64)a->S[n + i] * b->S[n + i]);                            \
    UN(D##_extmul_low_##L##_u, DU, n, (u64)a->U[i] * b->U[i]);                                     \
    UN(D##_extmul_high_##L##_u, DU, n, (u64)a->U[n + i] * b->U[n + i])
#define FLOATS(L, F, U, n, fn, sign)                                                               \
    UN(L##_eq, U, n, a->F[i] == b->F[i] ? -1 : 0);                                                 \
    UN(L##_ne, U, n, a->F[i] != b->F[i] ? -1 : 0);                                                 \
    UN(L##_lt, U, n, a->F[i] < b->F[i] ? -1 : 0);                                                  \
    UN(L##_gt, U, n, a->F[i] > b->F[i] ? -1 : 0);                                                  \
    UN(L##_le, U, n, a->F[i] <= b->F[i] ? -1 : 0);                                                 \
    UN(L##_ge, U, n, a->F[i] >= b->F[i] ? -1 : 0);                                                 \
    UN(L##_abs, U, n, a->U[i] & ~(sign));                                                          \
    UN(L##_neg, U, n, a->U[i] ^ (sign));                                                           \
    UN(L##_sqrt, F, n, sqrt##fn(a->F[i]));                                                         \
    UN(L##_nearest, F, n, nearbyint##fn(a->F[i]));                                                 \
    UN(L##_floor, F, n, floor##fn(a->F[i]));                                                       \
    UN(L##_ceil, F, n, ceil##fn(a->F[i]));                                                         \
    UN(L##_trunc, F, n, trunc##fn(a->F[i]));                                                       \
    UN(L##_add, F, n, a->F[i] + b->F[i]);                                                          \
    UN(L##_sub, F, n, a->F[i] - b->F[i]);                                                          \
    UN(L##_mul, F, n, a->F[i] * b->F[i]);                                                          \
    UN(L##_div, F, n, a->F[i] / b->F[i]);                                                          \
    UN(L##_min, F, n, min_of(a->F[i], b->F[i]));                                                   \
    UN(L##_max, F, n, max_of(a->F[i], b->F[i]));                                                   \
    UN(L##_pmin, U, n, b->F[i] < a->F[i] ? b->U[i] : a->U[i]);                                     \
    UN(L##_pmax, U, n, a->F[i] < b->F[i] ? b->U[i] : a->U[i]);                                     \
    UN(L##_relaxed_min, U, n, a->F[i] < b->F[i] ? a->U[i] : b->U[i]);                              \
    UN(L##_relaxed_max, U, n, a->F[i] > b->F[i] ? a->U[i] : b->U[i]);                              \
    UN(L##_relaxed_madd, F, n,                                                                     \
       fused ? fma##fn(a->F[i], b->F[i], m->F[i]) : (LANE(F))(a->F[i] * b->F[i]) + m->F[i]);       \
    UN(L##_relaxed_nmadd, F, n,                                                                    \
       fused ? fma##fn(-a->F[i], b->F[i], m->F[i]) : m->F[i] - (LANE(F))(a->F[i] * b->F[i]))

void simd_reference(X64Simd op, X64CpuSet features, const Vec in[3], Vec *ret_out)
{
    const Vec *a = &in[0], *b = &in[1], *m = &in[2];
    Vec *out = ret_out;
    bool fused = X64_HAS(features, FMA), top = X64_HAS(features, AVX);
    memset(out, 0, sizeof *out);
    switch (op) {
        UN(v128_not, u64s, 2, ~a->u64s[i]);
        UN(v128_and, u64s, 2, a->u64s[i] & b->u64s[i]);
        UN(v128_andnot, u64s, 2, a->u64s[i] & ~b->u64s[i]);
        UN(v128_or, u64s, 2, a->u64s[i] | b->u64s[i]);
        UN(v128_xor, u64s, 2, a->u64s[i] ^ b->u64s[i]);
        COMPARE(i8x16, u8s, i8s, 16);
        COMPARE(i16x8, u16s, i16s, 8);
        COMPARE(i32x4, u32s, i32s, 4);
        COMPARE(i64x2, u64s, i64s, 2);
        UNSIGNED(i8x16, u8s, i8s, 16);
        UNSIGNED(i16x8, u16s, i16s, 8);
        UNSIGNED(i32x4, u32s, i32s, 4);
        SATURATING(i8x16, u8s, i8s, 16, 8);
        SATURATING(i16x8, u16s, i16s, 8, 16);
        WIDEN(i16x8, i8x16, u16s, i16s, u8s, i8s, 8);
        WIDEN(i32x4, i16x8, u32s, i32s, u16s, i16s, 4);
        WIDEN(i64x2, i32x4, u64s, i64s, u32s, i32s, 2);
        FLOATS(f32x4, f32s, u32s, 4, f, 0x80000000u);
        FLOATS(f64x2, f64s, u64s, 2, , 1ull << 63);
        UN(i8x16_popcnt, u8s, 16, __builtin_popcount(a->u8s[i]));
        UN(i8x16_narrow_i16x8_s, i8s, 16, sat_s8(i < 8 ? a->i16s[i] : b->i16s[i - 8]));
        UN(i8x16_narrow_i16x8_u, u8s, 16, sat_u8(i < 8 ? a->i16s[i] : b->i16s[i - 8]));
        UN(i16x8_narrow_i32x4_s, i16s, 8, sat_s16(i < 4 ? a->i32s[i] : b->i32s[i - 4]));
        UN(i16x8_narrow_i32x4_u, u16s, 8, sat_u16(i < 4 ? a->i32s[i] : b->i32s[i - 4]));
        UN(i8x16_swizzle, u8s, 16, b->u8s[i] < 16 ? a->u8s[b->u8s[i]] : 0);
        UN(i8x16_relaxed_swizzle, u8s, 16, b->u8s[i] < 128 ? a->u8s[b->u8s[i] & 15] : 0);
        UN(i16x8_mul, u16s, 8, (u32)a->u16s[i] * b->u16s[i]);
        UN(i32x4_mul, u32s, 4, a->u32s[i] * b->u32s[i]);
        UN(i64x2_mul, u64s, 2, a->u64s[i] * b->u64s[i]);
        UN(i16x8_q15mulr_sat_s, i16s, 8, sat_s16((a->i16s[i] * b->i16s[i] + 0x4000) >> 15));
        UN(i16x8_relaxed_q15mulr_s, i16s, 8, (a->i16s[i] * b->i16s[i] + 0x4000) >> 15);
        UN(i16x8_extadd_pairwise_i8x16_s, i16s, 8, a->i8s[2 * i] + a->i8s[2 * i + 1]);
        UN(i16x8_extadd_pairwise_i8x16_u, u16s, 8, a->u8s[2 * i] + a->u8s[2 * i + 1]);
        UN(i32x4_extadd_pairwise_i16x8_s, i32s, 4, a->i16s[2 * i] + a->i16s[2 * i + 1]);
        UN(i32x4_extadd_pairwise_i16x8_u, u32s, 4, a->u16s[2 * i] + a->u16s[2 * i + 1]);
        UN(i32x4_dot_i16x8_s, u32s, 4,
           (u32)(a->i16s[2 * i] * b->i16s[2 * i]) + (u32)(a->i16s[2 * i + 1] * b->i16s[2 * i + 1]));
        UN(i16x8_relaxed_dot_i8x16_i7x16_s, i16s, 8, dot_u8_s8(a, b, i));
        UN(i32x4_relaxed_dot_i8x16_i7x16_add_s, u32s, 4,
           (u32)(dot_u8_s8(a, b, 2 * i) + dot_u8_s8(a, b, 2 * i + 1)) + m->u32s[i]);
    case X64_SIMD_v128_bitselect:
    case X64_SIMD_i16x8_relaxed_laneselect:
        laneselect(in, false, 1, out);
        break;
    case X64_SIMD_i8x16_relaxed_laneselect:
        laneselect(in, top, 1, out);
        break;
    case X64_SIMD_i32x4_relaxed_laneselect:
        laneselect(in, top, 4, out);
        break;
    case X64_SIMD_i64x2_relaxed_laneselect:
        laneselect(in, top, 8, out);
        break;
        UN(f32x4_demote_f64x2_zero, f32s, 4, i < 2 ? (float)a->f64s[i & 1] : 0);
        UN(f64x2_promote_low_f32x4, f64s, 2, a->f32s[i]);
        UN(f32x4_convert_i32x4_s, f32s, 4, a->i32s[i]);
        UN(f32x4_convert_i32x4_u, f32s, 4, a->u32s[i]);
        UN(f64x2_convert_low_i32x4_s, f64s, 2, a->i32s[i]);
        UN(f64x2_convert_low_i32x4_u, f64s, 2, a->u32s[i]);
        UN(i32x4_trunc_sat_f32x4_s, i32s, 4, trunc_s32((double)a->f32s[i]));
        UN(i32x4_trunc_sat_f32x4_u, u32s, 4, trunc_u32((double)a->f32s[i]));
        UN(i32x4_trunc_sat_f64x2_s_zero, i32s, 2, trunc_s32(a->f64s[i]));
        UN(i32x4_trunc_sat_f64x2_u_zero, u32s, 2, trunc_u32(a->f64s[i]));
        UN(i32x4_relaxed_trunc_f32x4_s, i32s, 4, trunc_cpu((double)a->f32s[i]));
        UN(i32x4_relaxed_trunc_f32x4_u, u32s, 4, trunc_u32((double)a->f32s[i]));
        UN(i32x4_relaxed_trunc_f64x2_s_zero, i32s, 2, trunc_cpu(a->f64s[i]));
        UN(i32x4_relaxed_trunc_f64x2_u_zero, u32s, 2, trunc_u32(a->f64s[i]));
        UN(dot_i8x16_s, u16s, 8, dot_s8_s8(a, b, i));
        UN(dot_i8x16_add_s, u32s, 4,
           (u32)((i16)dot_s8_s8(a, b, 2 * i) + (i16)dot_s8_s8(a, b, 2 * i + 1)) + m->u32s[i]);
    case X64_SIMD_COUNT:
        break;
    }
}

#define SHIFTS(L, U, S, n, bits)                                                                   \
    UN(L##_shl, U, n, (u64)in->U[i] << (count & (bits - 1)));                                      \
    UN(L##_shr_s, S, n, in->S[i] >> (count & (bits - 1)));                                         \
    UN(L##_shr_u, U, n, in->U[i] >> (count & (bits - 1)))

void simd_reference_shift(X64SimdShift op, const Vec *in, u32 count, Vec *ret_out)
{
    Vec *out = ret_out;
    switch (op) {
        SHIFTS(i8x16, u8s, i8s, 16, 8);
        SHIFTS(i16x8, u16s, i16s, 8, 16);
        SHIFTS(i32x4, u32s, i32s, 4, 32);
        SHIFTS(i64x2, u64s, i64s, 2, 64);
    case X64_SIMD_SHIFT_COUNT:
        break;
    }
}
