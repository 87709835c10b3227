/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Vector sequences, executed against the reference with every set of CPU features there is here,
 * with the destination apart and among the operands. */
#include "unit/backend/exec.h"
#include "unit/backend/simd_reference.h"
#include "unit/test.h"

#include <math.h>
#include <stdio.h>

/* --- values --- */

enum { RANDOM_ROUNDS = 120 };

static u8 edge_byte(u64 r)
{
    static const u8 edges[] = {0, 1, 0x7f, 0x80, 0xff, 0xfe, 0x0f, 0x10};
    return edges[r % ARRAY_LEN(edges)];
}

/* Random bytes, edges at each width, or floats with all their kinds. */
static Vec value(u32 round, u64 *seed)
{
    Vec v;
    for (u32 i = 0; i < 16; i++) {
        u64 r = exec_random(seed);
        v.u8s[i] = round & 1 ? (u8)(r >> 24) : edge_byte(r >> 24);
    }
    if (round % 4 == 2)
        for (u32 i = 0; i < 4; i++)
            v.u32s[i] = exec_f32[(exec_random(seed) >> 20) % exec_nf32];
    if (round % 4 == 3)
        for (u32 i = 0; i < 2; i++)
            v.u64s[i] = exec_f64[(exec_random(seed) >> 20) % exec_nf64];
    if (round % 16 == 8) /* the lowest bytes: their products overflow in sums */
        memset(&v, 0x80, 16);
    if (round % 8 == 4) {
        for (u32 i = 0; i < 8; i++)
            v.u16s[i] = exec_random(seed) & 1 ? 0x8000 : 0x7fff;
    }
    return v;
}

static void fail_vec(const char *name, X64CpuSet set, const Frame *f, const Vec *want)
{
    char text[5][40];
    const Vec *v[5] = {&f->in[0], &f->in[1], &f->in[2], &f->out, want};
    for (u32 k = 0; k < 5; k++)
        snprintf(text[k], sizeof text[k], "%016llx_%016llx", (unsigned long long)v[k]->u64s[1],
                 (unsigned long long)v[k]->u64s[0]);
    test_fail(__FILE__, __LINE__, "%s, features %llx:\n  %s\n  %s\n  %s\n  gives %s\n  want  %s",
              name, (unsigned long long)set, text[0], text[1], text[2], text[3], text[4]);
}

static bool quiet_or_equal(const Vec *got, const Vec *want, u32 width)
{
    bool ok = true;
    if (width == 32)
        for (u32 i = 0; i < 4; i++)
            ok &= isnan(want->f32s[i]) ? (got->u32s[i] << 1 >> 23) == 0x1ff
                                       : got->u32s[i] == want->u32s[i];
    if (width == 64)
        for (u32 i = 0; i < 2; i++)
            ok &= isnan(want->f64s[i]) ? (got->u64s[i] << 1 >> 52) == 0xfff
                                       : got->u64s[i] == want->u64s[i];
    return ok;
}

/* --- vectors to a vector --- */

static void run_values(ExecFn fn, const Regs *r, X64Simd op, X64CpuSet set)
{
    u64 seed = 0x1234567 + op;
    u32 n = x64_simd_operands(op), width = simd_nan_lanes(op);
    for (u32 round = 0; round < RANDOM_ROUNDS; round++) {
        Frame f = {0};
        for (u32 i = 0; i < 3; i++)
            f.in[i] = value(round, &seed);
        exec_run(fn, r, n, &f, simd_name(op));
        Vec want;
        simd_reference(op, set, f.in, &want);
        bool ok = width ? quiet_or_equal(&f.out, &want, width) : !memcmp(&f.out, &want, 16);
        if (!ok)
            fail_vec(simd_name(op), set, &f, &want);
    }
}

TEST(simd_vector_operations)
{
    X64CpuSet sets[EXEC_MAX_SETS];
    u32 nsets = exec_feature_sets(sets);
    CodeBuf c;
    code_init(&c, 0);
    for (u32 s = 0; s < nsets; s++) {
        for (X64Simd op = 0; op < X64_SIMD_COUNT; op++) {
            for (u32 choice = 0; choice < REG_CHOICES; choice++) {
                if (!exec_choice_matters(choice, x64_simd_operands(op)))
                    continue;
                Regs r = exec_regs(choice);
                X64SimdOps o = {r.dst, r.in[0], r.in[1], r.in[2], r.tmp};
                u32 size;
                exec_begin(&c, sets[s], &r);
                x64_simd(&c, op, &o);
                ExecFn fn = exec_end(&c, &r, &size);
                run_values(fn, &r, op, sets[s]);
                exec_free(fn, size);
            }
        }
    }
    code_release(&c);
}

/* All pairs of special floats for the operations that look at both. */
TEST(simd_float_pairs)
{
    static const X64Simd ops32[] = {X64_SIMD_f32x4_min,  X64_SIMD_f32x4_max, X64_SIMD_f32x4_pmin,
                                    X64_SIMD_f32x4_pmax, X64_SIMD_f32x4_lt,  X64_SIMD_f32x4_ne};
    static const X64Simd ops64[] = {X64_SIMD_f64x2_min,  X64_SIMD_f64x2_max, X64_SIMD_f64x2_pmin,
                                    X64_SIMD_f64x2_pmax, X64_SIMD_f64x2_ge,  X64_SIMD_f64x2_eq};
    X64CpuSet sets[EXEC_MAX_SETS];
    u32 nsets = exec_feature_sets(sets);
    CodeBuf c;
    code_init(&c, 0);
    for (u32 k = 0; k < nsets * ARRAY_LEN(ops32) * 2; k++) {
        bool twice = k & 1;
        X64Simd op = (twice ? ops64 : ops32)[k / 2 % ARRAY_LEN(ops32)];
        X64CpuSet set = sets[k / 2 / ARRAY_LEN(ops32)];
        u32 n = twice ? exec_nf64 : exec_nf32, size;
        Regs r = exec_regs(k % 3);
        X64SimdOps o = {r.dst, r.in[0], r.in[1], r.in[2], r.tmp};
        exec_begin(&c, set, &r);
        x64_simd(&c, op, &o);
        ExecFn fn = exec_end(&c, &r, &size);
        for (u32 i = 0; i < n * n; i++) {
            Frame f = {0};
            for (u32 l = 0; l < 2; l++) {
                f.in[l].u64s[0] = f.in[l].u64s[1] = exec_f64[(l ? i / n : i) % exec_nf64];
                for (u32 q = 0; q < 4 && !twice; q++)
                    f.in[l].u32s[q] = exec_f32[((l ? i / n : i) + q) % n];
            }
            exec_run(fn, &r, 2, &f, simd_name(op));
            Vec want;
            simd_reference(op, set, f.in, &want);
            u32 width = simd_nan_lanes(op);
            if (width ? !quiet_or_equal(&f.out, &want, width) : memcmp(&f.out, &want, 16) != 0)
                fail_vec(simd_name(op), set, &f, &want);
        }
        exec_free(fn, size);
    }
    code_release(&c);
}

TEST(simd_canonical_nans)
{
    X64CpuSet sets[EXEC_MAX_SETS];
    u32 nsets = exec_feature_sets(sets);
    CodeBuf c;
    code_init(&c, 0);
    for (u32 k = 0; k < nsets * 2; k++) {
        u32 width = k & 1 ? 64 : 32, size;
        u64 seed = 3;
        Regs r = exec_regs(0);
        exec_begin(&c, sets[k / 2], &r);
        x64_mov_xx(&c, r.dst, r.in[0]);
        x64_simd_canonicalize(&c, width, r.dst, r.tmp);
        ExecFn fn = exec_end(&c, &r, &size);
        for (u32 i = 0; i < 400; i++) {
            Frame f = {.in = {value(i, &seed)}};
            exec_run(fn, &r, 1, &f, "canonical NaN");
            Vec want = f.in[0];
            for (u32 l = 0; l < 4 && width == 32; l++)
                want.u32s[l] = isnan(want.f32s[l]) ? 0x7fc00000 : want.u32s[l];
            for (u32 l = 0; l < 2 && width == 64; l++)
                want.u64s[l] = isnan(want.f64s[l]) ? 0x7ff8000000000000 : want.u64s[l];
            if (memcmp(&f.out, &want, 16) != 0)
                fail_vec("canonical NaN", sets[k / 2], &f, &want);
        }
        exec_free(fn, size);
    }
    code_release(&c);
}

/* --- shifts --- */

static void run_shift(CodeBuf *c, X64CpuSet set, X64SimdShift op, u32 choice, i32 imm)
{
    static const u32 counts[] = {0, 1, 3, 7, 8, 9, 15, 16, 31, 32, 33, 63, 64, 65, 0xffffffff};
    Regs r = exec_regs(choice);
    u32 size;
    u64 seed = 99;
    exec_begin(c, set, &r);
    if (imm >= 0)
        x64_simd_shift_imm(c, op, r.dst, r.in[0], (u32)imm, r.tmp);
    else
        x64_simd_shift(c, op, r.dst, r.in[0], RCX, r.tmp);
    ExecFn fn = exec_end(c, &r, &size);
    for (u32 i = 0; i < ARRAY_LEN(counts) * 8; i++) {
        Frame f = {.gpr = imm >= 0 ? (u32)imm : counts[i / 8]};
        f.in[0] = value(i % 8, &seed);
        exec_run(fn, &r, 1, &f, "shift");
        Vec want;
        simd_reference_shift(op, &f.in[0], (u32)f.gpr, &want);
        if (memcmp(&f.out, &want, 16) != 0)
            fail_vec("shift", set, &f, &want);
    }
    exec_free(fn, size);
}

TEST(simd_shifts)
{
    static const i32 imms[] = {0, 1, 5, 7, 8, 13, 31, 40, 63, 64, 129};
    X64CpuSet sets[EXEC_MAX_SETS];
    u32 nsets = exec_feature_sets(sets);
    CodeBuf c;
    code_init(&c, 0);
    for (u32 s = 0; s < nsets; s++) {
        for (X64SimdShift op = 0; op < X64_SIMD_SHIFT_COUNT; op++) {
            for (u32 choice = 0; choice < 2; choice++) {
                run_shift(&c, sets[s], op, choice, -1);
                for (u32 i = 0; i < ARRAY_LEN(imms); i++)
                    run_shift(&c, sets[s], op, choice, imms[i]);
            }
        }
    }
    code_release(&c);
}

/* --- tests and masks --- */

static u64 lane_of(const Vec *v, u32 log2, u32 i)
{
    return log2 == 0 ? v->u8s[i] : log2 == 1 ? v->u16s[i] : log2 == 2 ? v->u32s[i] : v->u64s[i];
}

static u64 reference_test(X64SimdTest op, const Vec *v)
{
    if (op == X64_SIMD_v128_any_true)
        return (v->u64s[0] | v->u64s[1]) != 0;
    u32 log2 = op - X64_SIMD_i8x16_all_true;
    for (u32 i = 0; i < 16u >> log2; i++)
        if (lane_of(v, log2, i) == 0)
            return 0;
    return 1;
}

static u64 reference_mask(X64SimdMask op, const Vec *v)
{
    u32 log2 = op;
    u64 r = 0;
    for (u32 i = 0; i < 16u >> log2; i++)
        r |= (lane_of(v, log2, i) >> ((8 << log2) - 1)) << i;
    return r;
}

static void run_test_or_mask(CodeBuf *c, X64CpuSet set, u32 op, bool mask)
{
    Regs r = exec_regs(0);
    u32 size;
    u64 seed = 5;
    exec_begin(c, set, &r);
    r.dst = r.in[2];
    if (mask) {
        x64_simd_mask(c, (X64SimdMask)op, RDX, r.in[0], r.tmp);
    } else {
        X64Cond cc = x64_simd_test(c, (X64SimdTest)op, r.in[0], r.tmp);
        x64_setcc_r(c, cc, RDX);
        x64_movzx_rr(c, SZ_8, RDX, RDX);
    }
    ExecFn fn = exec_end(c, &r, &size);
    for (u32 i = 0; i < 200; i++) {
        Frame f = {0};
        if (i >= 2)
            f.in[0] = value(i, &seed);
        if (i == 1 || i % 3 == 0)
            memset(&f.in[0], i == 1 ? 0xff : 0, 16);
        if (i > 2 && i % 3 == 0)
            f.in[0].u8s[i % 16] = 0x80; /* one lane alone */
        if (i > 2 && i % 3 == 1) {      /* one lane is zero */
            memset(&f.in[0], 0x11, 16);
            memset(&f.in[0].u8s[i % 16 / 8 * 8], 0, 8);
        }
        exec_run(fn, &r, 1, &f, "test");
        u64 want = mask ? reference_mask((X64SimdMask)op, &f.in[0])
                        : reference_test((X64SimdTest)op, &f.in[0]);
        EXPECT_EQ(f.gpr_out, want);
    }
    exec_free(fn, size);
}

TEST(simd_tests_and_masks)
{
    X64CpuSet sets[EXEC_MAX_SETS];
    u32 nsets = exec_feature_sets(sets);
    CodeBuf c;
    code_init(&c, 0);
    for (u32 s = 0; s < nsets; s++) {
        for (u32 op = 0; op < X64_SIMD_TEST_COUNT; op++)
            run_test_or_mask(&c, sets[s], op, false);
        for (u32 op = 0; op < X64_SIMD_MASK_COUNT; op++)
            run_test_or_mask(&c, sets[s], op, true);
    }
    code_release(&c);
}
