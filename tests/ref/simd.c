/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Vector instructions of the reference interpreter; those by lane are rows of simd.def. */
#include "ref/floats.h"
#include "ref/interp_priv.h"

#define MASK(x) ((x) ? -1 : 0)
#define CLAMP(x, low, high) ((x) < (low) ? (low) : (x) > (high) ? (high) : (x))
#define LANES(T) (16 / sizeof(T))

static u32 popcnt8(u8 a)
{
    u32 n = 0;
    for (u32 i = 0; i < 8; i++)
        n += a >> i & 1;
    return n;
}

/* pmin and pmax hand a lane over as it is, bits of a NaN included, which a C compiler keeps on the
 * vector registers that this target's floats live in. */
#define FN(id) static int simd_##id(const RefVal *v, RefVal *r, const Insn *in)
#define BODY(id, ...)                                                                              \
    FN(id)                                                                                         \
    {                                                                                              \
        (void)in;                                                                                  \
        __VA_ARGS__                                                                                \
        return REF_NO_TRAP;                                                                        \
    }
#define VUN(id, R, T, value)                                                                       \
    static_assert(sizeof(R) == sizeof(T), #id);                                                    \
    BODY(                                                                                          \
        id, for (u32 i = 0; i < LANES(R); i++) {                                                   \
            T a = v[0].T##s[i];                                                                    \
            r->R##s[i] = (R)(value);                                                               \
        })
#define VBIN(id, R, T, value)                                                                      \
    static_assert(sizeof(R) == sizeof(T), #id);                                                    \
    BODY(                                                                                          \
        id, for (u32 i = 0; i < LANES(R); i++) {                                                   \
            T a = v[0].T##s[i];                                                                    \
            T b = v[1].T##s[i];                                                                    \
            r->R##s[i] = (R)(value);                                                               \
        })
#define VTER(id, R, T, value)                                                                      \
    static_assert(sizeof(R) == sizeof(T), #id);                                                    \
    BODY(                                                                                          \
        id, for (u32 i = 0; i < LANES(R); i++) {                                                   \
            T a = v[0].T##s[i];                                                                    \
            T b = v[1].T##s[i];                                                                    \
            T c = v[2].T##s[i];                                                                    \
            r->R##s[i] = (R)(value);                                                               \
        })
#define VSHIFT(id, T, value)                                                                       \
    BODY(                                                                                          \
        id, u32 n = v[1].u32s[0] % (8 * (u32)sizeof(T)); for (u32 i = 0; i < LANES(T); i++) {      \
            T a = v[0].T##s[i];                                                                    \
            r->T##s[i] = (T)(value);                                                               \
        })
#define SPLAT(id, R, S) BODY(id, for (u32 i = 0; i < LANES(R); i++) r->R##s[i] = (R)v[0].S##s[0];)
#define EXTRACT(id, R, T) BODY(id, r->R##s[0] = v[0].T##s[in->lane];)
#define REPLACE(id, T, S) BODY(id, *r = v[0]; r->T##s[in->lane] = (T)v[1].S##s[0];)
#define ALL_TRUE(id, T)                                                                            \
    BODY(id, r->u32s[0] = 1; for (u32 i = 0; i < LANES(T); i++) r->u32s[0] &= v[0].T##s[i] != 0;)
#define BITMASK(id, T)                                                                             \
    BODY(id, for (u32 i = 0; i < LANES(T); i++) r->u32s[0] |= (u32)(v[0].T##s[i] < 0) << i;)
#define NARROW(id, R, T, value)                                                                    \
    BODY(                                                                                          \
        id, for (u32 i = 0; i < LANES(R); i++) {                                                   \
            T a = v[i / LANES(T)].T##s[i % LANES(T)];                                              \
            r->R##s[i] = (R)(value);                                                               \
        })
#define EXTEND(id, R, T, first, value)                                                             \
    BODY(                                                                                          \
        id, for (u32 i = 0; i < LANES(R); i++) {                                                   \
            T a = v[0].T##s[first + i];                                                            \
            r->R##s[i] = value;                                                                    \
        })
#define EXTMUL(id, R, T, first)                                                                    \
    BODY(                                                                                          \
        id, for (u32 i = 0; i < LANES(R); i++) {                                                   \
            R a = v[0].T##s[first + i];                                                            \
            R b = v[1].T##s[first + i];                                                            \
            r->R##s[i] = (R)(a * b);                                                               \
        })
#define EXTADD(id, R, T)                                                                           \
    BODY(                                                                                          \
        id, for (u32 i = 0; i < LANES(R); i++) {                                                   \
            R a = v[0].T##s[2 * i];                                                                \
            R b = v[0].T##s[2 * i + 1];                                                            \
            r->R##s[i] = (R)(a + b);                                                               \
        })
#include "ref/simd.def"
#undef VUN
#undef VBIN
#undef VTER
#undef VSHIFT
#undef SPLAT
#undef EXTRACT
#undef REPLACE
#undef ALL_TRUE
#undef BITMASK
#undef NARROW
#undef EXTEND
#undef EXTMUL
#undef EXTADD

BODY(v128_const, (void)v; memcpy(r->u8s, in->v128, 16);)
BODY(v128_any_true, r->u32s[0] = (v[0].u64s[0] | v[0].u64s[1]) != 0;)

FN(i8x16_shuffle)
{
    for (u32 i = 0; i < 16; i++)
        r->u8s[i] = v[in->v128[i] / 16].u8s[in->v128[i] % 16];
    return REF_NO_TRAP;
}

FN(i8x16_swizzle)
{
    (void)in;
    for (u32 i = 0; i < 16; i++)
        r->u8s[i] = v[1].u8s[i] < 16 ? v[0].u8s[v[1].u8s[i]] : 0;
    return REF_NO_TRAP;
}

FN(i32x4_dot_i16x8_s)
{
    (void)in;
    for (u32 i = 0; i < 4; i++) {
        i32 low = v[0].i16s[2 * i] * v[1].i16s[2 * i];
        i32 high = v[0].i16s[2 * i + 1] * v[1].i16s[2 * i + 1];
        r->u32s[i] = (u32)low + (u32)high;
    }
    return REF_NO_TRAP;
}

FN(i16x8_relaxed_dot_i8x16_i7x16_s)
{
    (void)in;
    for (u32 i = 0; i < 8; i++) {
        i32 low = v[0].i8s[2 * i] * v[1].i8s[2 * i];
        i32 high = v[0].i8s[2 * i + 1] * v[1].i8s[2 * i + 1];
        r->u16s[i] = (u16)(low + high);
    }
    return REF_NO_TRAP;
}

FN(i32x4_relaxed_dot_i8x16_i7x16_add_s)
{
    RefVal dot = {0};
    simd_i16x8_relaxed_dot_i8x16_i7x16_s(v, &dot, in);
    for (u32 i = 0; i < 4; i++) {
        i32 sum = dot.i16s[2 * i] + dot.i16s[2 * i + 1];
        r->u32s[i] = (u32)sum + v[2].u32s[i];
    }
    return REF_NO_TRAP;
}

/* Two results and two zero lanes. */
BODY(f32x4_demote_f64x2_zero, for (u32 i = 0; i < 2; i++) r->f32s[i] = (f32)v[0].f64s[i];)
BODY(i32x4_trunc_sat_f64x2_s_zero, for (u32 i = 0; i < 2; i++) r->i32s[i] = sat_i32(v[0].f64s[i]);)
BODY(i32x4_trunc_sat_f64x2_u_zero, for (u32 i = 0; i < 2; i++) r->u32s[i] = sat_u32(v[0].f64s[i]);)

#define VUN(id, R, T, value) [OP_##id] = simd_##id,
#define VBIN(id, R, T, value) [OP_##id] = simd_##id,
#define VTER(id, R, T, value) [OP_##id] = simd_##id,
#define VSHIFT(id, T, value) [OP_##id] = simd_##id,
#define SPLAT(id, R, S) [OP_##id] = simd_##id,
#define EXTRACT(id, R, T) [OP_##id] = simd_##id,
#define REPLACE(id, T, S) [OP_##id] = simd_##id,
#define ALL_TRUE(id, T) [OP_##id] = simd_##id,
#define BITMASK(id, T) [OP_##id] = simd_##id,
#define NARROW(id, R, T, value) [OP_##id] = simd_##id,
#define EXTEND(id, R, T, first, value) [OP_##id] = simd_##id,
#define EXTMUL(id, R, T, first) [OP_##id] = simd_##id,
#define EXTADD(id, R, T) [OP_##id] = simd_##id,
RefNumFn *const ref_simd_fns[OP_COUNT] = {
#include "ref/simd.def"
    [OP_v128_const] = simd_v128_const,
    [OP_v128_any_true] = simd_v128_any_true,
    [OP_i8x16_shuffle] = simd_i8x16_shuffle,
    [OP_i8x16_swizzle] = simd_i8x16_swizzle,
    [OP_i32x4_dot_i16x8_s] = simd_i32x4_dot_i16x8_s,
    [OP_i16x8_relaxed_dot_i8x16_i7x16_s] = simd_i16x8_relaxed_dot_i8x16_i7x16_s,
    [OP_i32x4_relaxed_dot_i8x16_i7x16_add_s] = simd_i32x4_relaxed_dot_i8x16_i7x16_add_s,
    [OP_f32x4_demote_f64x2_zero] = simd_f32x4_demote_f64x2_zero,
    [OP_i32x4_trunc_sat_f64x2_s_zero] = simd_i32x4_trunc_sat_f64x2_s_zero,
    [OP_i32x4_trunc_sat_f64x2_u_zero] = simd_i32x4_trunc_sat_f64x2_u_zero,
    [OP_i8x16_relaxed_swizzle] = simd_i8x16_swizzle,
    [OP_i32x4_relaxed_trunc_f64x2_s_zero] = simd_i32x4_trunc_sat_f64x2_s_zero,
    [OP_i32x4_relaxed_trunc_f64x2_u_zero] = simd_i32x4_trunc_sat_f64x2_u_zero,
};
