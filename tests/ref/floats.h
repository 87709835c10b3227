/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Floating-point operators that C does not have as WebAssembly wants them, on f32 and f64 by
 * _Generic. The files that include this are built without -ffast-math and without fused
 * contraction, in the default rounding mode.
 */
#ifndef TESTS_REF_FLOATS_H
#define TESTS_REF_FLOATS_H

#include "ref/interp.h"

#include <math.h>

#define REF_FLOAT_FUNCTIONS(T, s)                                                                  \
    static inline T ref_ceil_##T(T a)                                                              \
    {                                                                                              \
        return isnan(a) ? a + a : ceil##s(a);                                                      \
    }                                                                                              \
    static inline T ref_floor_##T(T a)                                                             \
    {                                                                                              \
        return isnan(a) ? a + a : floor##s(a);                                                     \
    }                                                                                              \
    static inline T ref_trunc_##T(T a)                                                             \
    {                                                                                              \
        return isnan(a) ? a + a : trunc##s(a);                                                     \
    }                                                                                              \
    static inline T ref_nearest_##T(T a)                                                           \
    {                                                                                              \
        return isnan(a) ? a + a : copysign##s(rint##s(a), a);                                      \
    }                                                                                              \
    static inline T ref_min_##T(T a, T b)                                                          \
    {                                                                                              \
        if (isnan(a) || isnan(b))                                                                  \
            return a + b;                                                                          \
        if (a == b)                                                                                \
            return signbit(a) ? a : b;                                                             \
        return a < b ? a : b;                                                                      \
    }                                                                                              \
    static inline T ref_max_##T(T a, T b)                                                          \
    {                                                                                              \
        if (isnan(a) || isnan(b))                                                                  \
            return a + b;                                                                          \
        if (a == b)                                                                                \
            return signbit(a) ? b : a;                                                             \
        return a > b ? a : b;                                                                      \
    }
REF_FLOAT_FUNCTIONS(f32, f)
REF_FLOAT_FUNCTIONS(f64, )
#undef REF_FLOAT_FUNCTIONS

#define REF_FLOAT(fn, a) _Generic((a), f32 : fn##_f32, f64 : fn##_f64)
#define ref_ceil(a) REF_FLOAT(ref_ceil, a)(a)
#define ref_floor(a) REF_FLOAT(ref_floor, a)(a)
#define ref_trunc(a) REF_FLOAT(ref_trunc, a)(a)
#define ref_nearest(a) REF_FLOAT(ref_nearest, a)(a)
#define ref_min(a, b) REF_FLOAT(ref_min, a)(a, b)
#define ref_max(a, b) REF_FLOAT(ref_max, a)(a, b)

/* Truncation that goes to the nearest representable value; every f32 is exact as f64. */
static inline i32 sat_i32(f64 a)
{
    if (isnan(a))
        return 0;
    return a <= -0x1p31 ? INT32_MIN : a >= 0x1p31 ? INT32_MAX : (i32)a;
}
static inline u32 sat_u32(f64 a)
{
    if (isnan(a) || a <= 0)
        return 0;
    return a >= 0x1p32 ? UINT32_MAX : (u32)a;
}
static inline i64 sat_i64(f64 a)
{
    if (isnan(a))
        return 0;
    return a <= -0x1p63 ? INT64_MIN : a >= 0x1p63 ? INT64_MAX : (i64)a;
}
static inline u64 sat_u64(f64 a)
{
    if (isnan(a) || a <= 0)
        return 0;
    return a >= 0x1p64 ? UINT64_MAX : (u64)a;
}

#endif
