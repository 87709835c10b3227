/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Lanes, loads, stores, shuffles and constants, executed with every set of CPU features. */
#include "backend/x64/simd.h"
#include "unit/backend/exec.h"
#include "unit/test.h"

static Vec pattern(u32 from)
{
    Vec v;
    for (u32 i = 0; i < 16; i++)
        v.u8s[i] = (u8)(0x71 + (from + i) * 29);
    return v;
}

static void set_lane(Vec *v, u32 log2, u32 lane, u64 value)
{
    memcpy(&v->u8s[lane << log2], &value, 1u << log2);
}
static u64 get_lane(const Vec *v, u32 log2, u32 lane)
{
    u64 r = 0;
    memcpy(&r, &v->u8s[lane << log2], 1u << log2);
    return r;
}

static void expect_vec(const Vec *got, const Vec *want, const char *what, u32 detail)
{
    if (memcmp(got, want, 16) != 0)
        test_fail(__FILE__, __LINE__, "%s %u is %016llx_%016llx, expected %016llx_%016llx", what,
                  detail, (unsigned long long)got->u64s[1], (unsigned long long)got->u64s[0],
                  (unsigned long long)want->u64s[1], (unsigned long long)want->u64s[0]);
}

/* Calls `each` with every set of features and an empty buffer. */
static void with_features(void (*each)(CodeBuf *c, X64CpuSet set))
{
    X64CpuSet sets[EXEC_MAX_SETS];
    u32 nsets = exec_feature_sets(sets);
    CodeBuf c;
    code_init(&c, 0);
    for (u32 s = 0; s < nsets; s++)
        each(&c, sets[s]);
    code_release(&c);
}

/* Runs what was written since exec_begin, once. */
static Frame run_once(CodeBuf *c, const Regs *r, u32 operands, Frame f)
{
    u32 size;
    ExecFn fn = exec_end(c, r, &size);
    exec_run(fn, r, operands, &f, "lane operation");
    exec_free(fn, size);
    return f;
}

static Frame inputs(void)
{
    return (Frame){.in = {pattern(0), pattern(40), pattern(77)}, .gpr = 0xfedcba9876543210};
}

static void splats(CodeBuf *c, X64CpuSet set)
{
    for (X64Size sz = SZ_8; sz <= SZ_64; sz++) {
        Regs r = exec_regs(0);
        Frame f = inputs();
        exec_begin(c, set, &r);
        x64_simd_splat(c, sz, r.dst, RCX, r.tmp);
        f = run_once(c, &r, 3, f);
        Vec want;
        for (u32 i = 0; i < 16u >> sz; i++)
            set_lane(&want, sz, i, f.gpr);
        expect_vec(&f.out, &want, "splat", sz);
        for (u32 choice = 0; choice < 2 && sz >= SZ_32; choice++) {
            r = exec_regs(choice);
            exec_begin(c, set, &r);
            x64_simd_splat_float(c, sz, r.dst, r.in[0]);
            f = run_once(c, &r, 1, inputs());
            for (u32 i = 0; i < 16u >> sz; i++)
                set_lane(&want, sz, i, get_lane(&f.in[0], sz, 0));
            expect_vec(&f.out, &want, "float splat", sz);
        }
    }
}

TEST(simd_splat)
{
    with_features(splats);
}

static void extracts(CodeBuf *c, X64CpuSet set)
{
    for (u32 k = 0; k < 8 * 16; k++) {
        X64Size sz = (X64Size)(k >> 4 & 3);
        u8 lane = (u8)(k & (15u >> sz));
        bool sign = k >> 6;
        Regs r = exec_regs(0);
        exec_begin(c, set, &r);
        x64_simd_extract(c, sz, sign, RDX, r.in[0], lane);
        r.dst = r.in[2];
        Frame f = run_once(c, &r, 3, inputs());
        u64 want = get_lane(&f.in[0], sz, lane);
        if (sign && sz == SZ_8)
            want = (u32)(i8)want;
        if (sign && sz == SZ_16)
            want = (u32)(i16)want;
        EXPECT_EQ(f.gpr_out, want);
        if (sz < SZ_32)
            continue;
        r = exec_regs(sign);
        exec_begin(c, set, &r);
        x64_simd_extract_float(c, sz, r.dst, r.in[0], lane);
        f = run_once(c, &r, 1, inputs());
        EXPECT_EQ(get_lane(&f.out, sz, 0), get_lane(&f.in[0], sz, lane));
    }
}

TEST(simd_extract_lane)
{
    with_features(extracts);
}

static void replaces(CodeBuf *c, X64CpuSet set)
{
    for (u32 k = 0; k < 4 * 16 * REG_CHOICES; k++) {
        X64Size sz = (X64Size)(k & 3);
        u8 lane = (u8)(k >> 2 & (15u >> sz));
        Regs r = exec_regs(k >> 6);
        exec_begin(c, set, &r);
        x64_simd_replace(c, sz, r.dst, r.in[0], RCX, lane);
        Frame f = run_once(c, &r, 1, inputs());
        Vec want = f.in[0];
        set_lane(&want, sz, lane, f.gpr);
        expect_vec(&f.out, &want, "replace", k);
        if (sz < SZ_32)
            continue;
        exec_begin(c, set, &r);
        x64_simd_replace_float(c, sz, r.dst, r.in[0], r.in[1], lane);
        f = run_once(c, &r, 2, inputs());
        want = f.in[0];
        set_lane(&want, sz, lane, get_lane(&f.in[1], sz, 0));
        expect_vec(&f.out, &want, "replace of a float", k);
    }
}

TEST(simd_replace_lane)
{
    with_features(replaces);
}

/* --- memory --- */

static Vec reference_load(X64SimdLoad op, const u8 *p)
{
    Vec m, v = {0};
    memcpy(&m, p, 16);
    switch (op) {
    case X64_SIMD_v128_load:
        return m;
#define EXTEND(id, D, S, n)                                                                        \
    case X64_SIMD_##id:                                                                            \
        for (u32 i = 0; i < (n); i++)                                                              \
            v.D[i] = m.S[i];                                                                       \
        return v;
        EXTEND(v128_load8x8_s, i16s, i8s, 8)
        EXTEND(v128_load8x8_u, u16s, u8s, 8)
        EXTEND(v128_load16x4_s, i32s, i16s, 4)
        EXTEND(v128_load16x4_u, u32s, u16s, 4)
        EXTEND(v128_load32x2_s, i64s, i32s, 2)
        EXTEND(v128_load32x2_u, u64s, u32s, 2)
        EXTEND(v128_load32_zero, u32s, u32s, 1)
        EXTEND(v128_load64_zero, u64s, u64s, 1)
#undef EXTEND
    case X64_SIMD_v128_load8_splat:
    case X64_SIMD_v128_load16_splat:
    case X64_SIMD_v128_load32_splat:
    case X64_SIMD_v128_load64_splat:
        for (u32 i = 0; i < 16; i++)
            v.u8s[i] = m.u8s[i & ((1u << (op - X64_SIMD_v128_load8_splat)) - 1)];
        return v;
    case X64_SIMD_LOAD_COUNT:
        break;
    }
    return v;
}

static void loads(CodeBuf *c, X64CpuSet set)
{
    for (X64SimdLoad op = 0; op < X64_SIMD_LOAD_COUNT; op++) {
        Regs r = exec_regs(0);
        exec_begin(c, set, &r);
        /* unaligned */
        x64_simd_load(c, op, r.dst, exec_field(offsetof(Frame, in) + 5), r.tmp);
        Frame f = run_once(c, &r, 3, inputs());
        Vec want = reference_load(op, &f.in[0].u8s[5]);
        expect_vec(&f.out, &want, "load", op);
    }
}

TEST(simd_load)
{
    with_features(loads);
}

static void lanes_in_memory(CodeBuf *c, X64CpuSet set)
{
    for (u32 k = 0; k < 4 * 16; k++) {
        X64Size sz = (X64Size)(k & 3);
        u8 lane = (u8)(k >> 2 & (15u >> sz));
        Regs r = exec_regs(0);
        r.dst = r.in[0];
        exec_begin(c, set, &r);
        x64_simd_load_lane(c, sz, r.dst, exec_field(offsetof(Frame, in) + 17), lane);
        Frame f = run_once(c, &r, 3, inputs());
        Vec want = f.in[0];
        set_lane(&want, sz, lane, get_lane((Vec *)&f.in[1], SZ_64, 0) >> 8);
        if (sz == SZ_64)
            memcpy(&want.u8s[lane * 8], &f.in[1].u8s[1], 8);
        expect_vec(&f.out, &want, "load of a lane", k);

        r = exec_regs(0);
        r.dst = r.in[2];
        exec_begin(c, set, &r);
        x64_simd_store_lane(c, sz, exec_field(offsetof(Frame, trap)), r.in[0], lane);
        f = run_once(c, &r, 3, (Frame){.in = {pattern(9)}, .trap = 0x5555555555555555});
        u64 stored = 0x5555555555555555;
        memcpy(&stored, &f.in[0].u8s[lane << sz], 1u << sz);
        EXPECT_EQ(f.trap, stored);
    }
    Regs r = exec_regs(0);
    exec_begin(c, set, &r);
    x64_mov_xx(c, r.dst, r.in[2]);
    x64_simd_store(c, exec_field(offsetof(Frame, gpr)), r.in[1]);
    Frame f = inputs();
    f.gpr = 0;
    f = run_once(c, &r, 3, f);
    EXPECT_EQ(f.gpr, f.in[1].u64s[0]);
}

TEST(simd_lanes_in_memory)
{
    with_features(lanes_in_memory);
}

/* --- shuffles --- */

static void try_shuffle(CodeBuf *c, X64CpuSet set, const u8 lanes[16], u32 choice)
{
    Regs r = exec_regs(choice);
    exec_begin(c, set, &r);
    x64_simd_shuffle(c, lanes, r.dst, r.in[0], r.in[1], r.tmp);
    Frame f = run_once(c, &r, 2, inputs());
    Vec want;
    for (u32 i = 0; i < 16; i++)
        want.u8s[i] = f.in[lanes[i] / 16].u8s[lanes[i] & 15];
    expect_vec(&f.out, &want, "shuffle, choice", choice);
}

static void shuffles(CodeBuf *c, X64CpuSet set)
{
    u64 seed = 7;
    u8 lanes[16];
    for (u32 choice = 0; choice < REG_CHOICES; choice++) {
        for (u32 start = 0; start < 32; start++) { /* consecutive */
            for (u32 i = 0; i < 16; i++)
                lanes[i] = (u8)((start + i) % 32);
            try_shuffle(c, set, lanes, choice);
        }
        for (u32 w = 1; w <= 8; w *= 2) { /* interleaved */
            for (u32 k = 0; k < 4; k++) {
                for (u32 i = 0; i < 16; i++)
                    lanes[i] =
                        (u8)((k & 1) * 8 + i / (2 * w) * w + i % w + 16 * ((i / w % 2) ^ (k >> 1)));
                try_shuffle(c, set, lanes, choice);
            }
        }
        for (u32 k = 0; k < 300; k++) { /* double words, then bytes of one or both */
            u32 mode = k % 4;
            for (u32 i = 0; i < 16; i++) {
                u32 v = (u32)(exec_random(&seed) >> 11);
                lanes[i] = (u8)(mode == 0   ? v & 31
                                : mode == 1 ? v & 15
                                : mode == 2 ? 16 | (v & 15)
                                : i % 4     ? lanes[i - 1] + 1u
                                            : v & 28);
            }
            try_shuffle(c, set, lanes, choice);
        }
    }
}

TEST(simd_shuffle)
{
    with_features(shuffles);
}

static void constants(CodeBuf *c, X64CpuSet set)
{
    Vec all[4] = {{.u64s = {0, 0}},
                  {.u64s = {UINT64_MAX, UINT64_MAX}},
                  pattern(3),
                  {.u64s = {UINT64_MAX, 0}}};
    for (u32 k = 0; k < ARRAY_LEN(all); k++) {
        Regs r = exec_regs(0);
        exec_begin(c, set, &r);
        x64_simd_const(c, r.dst, all[k].u8s);
        Frame f = run_once(c, &r, 3, inputs());
        expect_vec(&f.out, &all[k], "constant", k);
    }
}

TEST(simd_const)
{
    with_features(constants);
}
