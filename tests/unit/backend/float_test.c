/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Scalar float sequences, executed over edge values against C, with and without AVX. */
#include "backend/x64/float.h"
#include "unit/backend/exec.h"
#include "unit/test.h"

#include <math.h>

typedef union Bits {
    float f;
    double d;
    u32 w;
    u64 l;
} Bits;

static Bits bits_of(X64Size sz, u32 i)
{
    Bits b = {.l = 0};
    if (sz == SZ_64)
        b.l = exec_f64[i % exec_nf64];
    else
        b.w = exec_f32[i % exec_nf32];
    return b;
}

static u32 value_count(X64Size sz)
{
    return sz == SZ_64 ? exec_nf64 : exec_nf32;
}

static double value_of(X64Size sz, Bits b)
{
    return sz == SZ_64 ? b.d : (double)b.f;
}

static u64 sign_of(X64Size sz, Bits b)
{
    return sz == SZ_64 ? b.l >> 63 : b.w >> 31;
}

/* A NaN with the quiet bit. */
static bool is_quiet(X64Size sz, Bits b)
{
    return sz == SZ_64 ? (b.l << 1 >> 52) == 0xfff : (b.w << 1 >> 23) == 0x1ff;
}

typedef enum Op2 { OP_MIN, OP_MAX, OP_COPYSIGN, OP2_COUNT } Op2;

static void emit2(CodeBuf *c, Op2 op, X64Size sz, const Regs *r)
{
    switch (op) {
    case OP_MIN:
        x64_float_min(c, sz, r->dst, r->in[0], r->in[1]);
        break;
    case OP_MAX:
        x64_float_max(c, sz, r->dst, r->in[0], r->in[1]);
        break;
    case OP_COPYSIGN:
        x64_float_copysign(c, sz, r->dst, r->in[0], r->in[1], r->tmp);
        break;
    case OP2_COUNT:
        break;
    }
}

static void check2(Op2 op, X64Size sz, Bits a, Bits b, Bits got)
{
    double x = value_of(sz, a), y = value_of(sz, b);
    u64 bit = sz == SZ_64 ? 1ull << 63 : 1ull << 31, bits = sz == SZ_64 ? got.l : got.w;
    bool ok;
    if (op == OP_COPYSIGN) {
        u64 magnitude = (sz == SZ_64 ? a.l : a.w) & ~bit;
        ok = bits == (magnitude | (sign_of(sz, b) ? bit : 0));
    } else if (isnan(x) || isnan(y)) {
        ok = is_quiet(sz, got);
    } else if (x == y) {
        u64 sa = sign_of(sz, a), sb = sign_of(sz, b);
        ok = value_of(sz, got) == x && sign_of(sz, got) == (op == OP_MIN ? sa | sb : sa & sb);
    } else {
        ok = value_of(sz, got) == ((x < y) == (op == OP_MIN) ? x : y);
    }
    if (!ok)
        test_fail(__FILE__, __LINE__, "operation %d size %d of %llx and %llx is %llx", op, sz,
                  (unsigned long long)a.l, (unsigned long long)b.l, (unsigned long long)got.l);
}

static void run2(CodeBuf *c, X64CpuSet features, Op2 op, X64Size sz, u32 choice)
{
    Regs r = exec_regs(choice);
    u32 size;
    exec_begin(c, features, &r);
    emit2(c, op, sz, &r);
    ExecFn fn = exec_end(c, &r, &size);
    for (u32 i = 0; i < value_count(sz); i++) {
        for (u32 k = 0; k < value_count(sz); k++) {
            Frame f = {0};
            f.in[0].u64s[0] = bits_of(sz, i).l;
            f.in[1].u64s[0] = bits_of(sz, k).l;
            exec_run(fn, &r, 2, &f, "min, max or copysign");
            check2(op, sz, (Bits){.l = f.in[0].u64s[0]}, (Bits){.l = f.in[1].u64s[0]},
                   (Bits){.l = f.out.u64s[0]});
        }
    }
    exec_free(fn, size);
}

TEST(float_min_max_copysign)
{
    X64CpuSet sets[EXEC_MAX_SETS];
    u32 nsets = exec_feature_sets(sets);
    CodeBuf c;
    code_init(&c, 0);
    for (u32 s = 0; s < nsets; s++)
        for (Op2 op = OP_MIN; op < OP2_COUNT; op++)
            for (X64Size sz = SZ_32; sz <= SZ_64; sz++)
                for (u32 choice = 0; choice < REG_CHOICES; choice++)
                    if (exec_choice_matters(choice, 2))
                        run2(&c, sets[s], op, sz, choice);
    code_release(&c);
}

typedef enum Op1 {
    OP_ABS,
    OP_NEG,
    OP_SQRT,
    OP_NEAREST,
    OP_FLOOR,
    OP_CEIL,
    OP_TRUNC,
    OP_RESIZE,
    OP1_COUNT,
} Op1;

static void emit1(CodeBuf *c, Op1 op, X64Size sz, const Regs *r)
{
    static const u8 rounds[OP1_COUNT] = {[OP_NEAREST] = X64_ROUND_NEAREST,
                                         [OP_FLOOR] = X64_ROUND_FLOOR,
                                         [OP_CEIL] = X64_ROUND_CEIL,
                                         [OP_TRUNC] = X64_ROUND_TRUNC};
    if (op == OP_ABS)
        x64_float_abs(c, sz, r->dst, r->in[0]);
    else if (op == OP_NEG)
        x64_float_neg(c, sz, r->dst, r->in[0]);
    else if (op == OP_SQRT)
        x64_float_sqrt(c, sz, r->dst, r->in[0]);
    else if (op == OP_RESIZE)
        x64_float_resize(c, sz == SZ_64 ? SZ_32 : SZ_64, r->dst, r->in[0]);
    else
        x64_float_round(c, sz, (X64Round)rounds[op], r->dst, r->in[0]);
}

static double reference1(Op1 op, X64Size sz, double x)
{
    switch (op) {
    case OP_SQRT:
        return sz == SZ_64 ? sqrt(x) : (double)sqrtf((float)x);
    case OP_NEAREST:
        return nearbyint(x);
    case OP_FLOOR:
        return floor(x);
    case OP_CEIL:
        return ceil(x);
    case OP_TRUNC:
        return trunc(x);
    case OP_RESIZE:
        return sz == SZ_64 ? (double)(float)x : x;
    case OP_ABS:
    case OP_NEG:
    case OP1_COUNT:
        break;
    }
    return 0;
}

static void check1(Op1 op, X64Size sz, Bits a, Bits got)
{
    u64 sign = sz == SZ_64 ? 1ull << 63 : 1ull << 31;
    u64 in = sz == SZ_64 ? a.l : a.w, out = sz == SZ_64 ? got.l : got.w;
    X64Size out_sz = op != OP_RESIZE ? sz : sz == SZ_64 ? SZ_32 : SZ_64;
    double want = reference1(op, sz, value_of(sz, a)), v = value_of(out_sz, got);
    bool ok;
    if (op == OP_ABS)
        ok = out == (in & ~sign);
    else if (op == OP_NEG)
        ok = out == (in ^ sign);
    else if (isnan(want))
        ok = is_quiet(out_sz, got);
    else
        ok = v == want && !!signbit(v) == !!signbit(want);
    if (!ok)
        test_fail(__FILE__, __LINE__, "operation %d size %d of %llx is %llx", op, sz,
                  (unsigned long long)in, (unsigned long long)got.l);
}

static void run1(CodeBuf *c, X64CpuSet features, Op1 op, X64Size sz, u32 choice)
{
    Regs r = exec_regs(choice);
    u32 size;
    exec_begin(c, features, &r);
    emit1(c, op, sz, &r);
    ExecFn fn = exec_end(c, &r, &size);
    for (u32 i = 0; i < value_count(sz); i++) {
        Frame f = {0};
        f.in[0].u64s[0] = bits_of(sz, i).l;
        exec_run(fn, &r, 1, &f, "float operation");
        check1(op, sz, (Bits){.l = f.in[0].u64s[0]}, (Bits){.l = f.out.u64s[0]});
    }
    exec_free(fn, size);
}

TEST(float_operations_of_one_operand)
{
    X64CpuSet sets[EXEC_MAX_SETS];
    u32 nsets = exec_feature_sets(sets);
    CodeBuf c;
    code_init(&c, 0);
    for (u32 s = 0; s < nsets; s++)
        for (Op1 op = OP_ABS; op < OP1_COUNT; op++)
            for (X64Size sz = SZ_32; sz <= SZ_64; sz++)
                for (u32 choice = 0; choice < 2; choice++)
                    run1(&c, sets[s], op, sz, choice);
    code_release(&c);
}

static const u64 integers[] = {0,
                               1,
                               2,
                               UINT64_MAX,
                               INT64_MAX,
                               1ull << 63,
                               (1ull << 63) + 1,
                               (1ull << 63) + 0x400,
                               (1ull << 63) + 0x401,
                               0xfffffffffffffbff,
                               0xfffffffffffffc00,
                               0x7fffffff,
                               0x80000000,
                               0xffffffff,
                               0x1000001,
                               0x1000003,
                               0x8000008000000001,
                               0x8000008000000000,
                               (1ull << 53) + 1,
                               (1ull << 53) + 3};

static void run_from_int(CodeBuf *c, X64CpuSet features, X64Size fsz, X64Size isz, bool sign)
{
    Regs r = exec_regs(0);
    u32 size;
    exec_begin(c, features, &r);
    x64_float_from_int(c, fsz, isz, sign, r.dst, RCX);
    ExecFn fn = exec_end(c, &r, &size);
    for (u32 i = 0; i < ARRAY_LEN(integers); i++) {
        u64 v = isz == SZ_32 ? (u32)integers[i] : integers[i];
        Frame f = {.gpr = v};
        i64 s = isz == SZ_32 ? (i32)v : (i64)v;
        Bits want = {.l = 0};
        if (fsz == SZ_64)
            want.d = sign ? (double)s : (double)v;
        else
            want.f = sign ? (float)s : (float)v;
        exec_run(fn, &r, 0, &f, "conversion from integers");
        EXPECT_EQ(fsz == SZ_64 ? f.out.u64s[0] : f.out.u32s[0], want.l);
    }
    exec_free(fn, size);
}

TEST(float_conversions_from_integers)
{
    X64CpuSet sets[EXEC_MAX_SETS];
    u32 nsets = exec_feature_sets(sets);
    CodeBuf c;
    code_init(&c, 0);
    for (u32 s = 0; s < nsets; s++)
        for (u32 k = 0; k < 8; k++)
            run_from_int(&c, sets[s], k & 1 ? SZ_64 : SZ_32, k & 2 ? SZ_64 : SZ_32, k & 4);
    code_release(&c);
}

enum { TRAP_INVALID = 1, TRAP_RANGE = 2 };

/* The integer, or the trap; saturated if the operation does not trap. */
static u64 reference_to_int(X64Size isz, bool sign, double x, u64 *ret_trap)
{
    double limit = isz == SZ_64 ? 0x1p63 : 0x1p31, t = trunc(x);
    double low = sign ? -limit : 0, high = sign ? limit : 2 * limit; /* high is not included */
    u64 mask = isz == SZ_64 ? UINT64_MAX : UINT32_MAX;
    *ret_trap = isnan(x) ? TRAP_INVALID : t < low || t >= high ? TRAP_RANGE : 0;
    if (isnan(x))
        return 0;
    if (t < low)
        return sign ? (isz == SZ_64 ? 1ull << 63 : 1ull << 31) : 0;
    if (t >= high)
        return sign ? mask >> 1 : mask;
    return (sign ? (u64)(i64)t : (u64)t) & mask;
}

static void run_to_int(CodeBuf *c, X64CpuSet features, X64Size isz, X64Size fsz, bool sign,
                       bool traps)
{
    Regs r = exec_regs(0);
    u32 size;
    exec_begin(c, features, &r);
    X64TruncTraps t = {code_label(c), code_label(c)};
    CodeLabel done = code_label(c);
    x64_mi(c, X64_MOV, SZ_64, exec_field(offsetof(Frame, trap)), 0);
    x64_float_to_int(c, isz, fsz, sign, traps ? &t : NULL, RDX, r.in[0], r.tmp);
    x64_jmp(c, done);
    code_bind(c, t.invalid);
    x64_mi(c, X64_MOV, SZ_64, exec_field(offsetof(Frame, trap)), TRAP_INVALID);
    x64_jmp(c, done);
    code_bind(c, t.overflow);
    x64_mi(c, X64_MOV, SZ_64, exec_field(offsetof(Frame, trap)), TRAP_RANGE);
    code_bind(c, done);
    ExecFn fn = exec_end(c, &r, &size);
    for (u32 i = 0; i < value_count(fsz); i++) {
        Bits b = bits_of(fsz, i);
        Frame f = {0};
        u64 trap, want = reference_to_int(isz, sign, value_of(fsz, b), &trap);
        f.in[0].u64s[0] = b.l;
        exec_run(fn, &r, 1, &f, "conversion to integers");
        if ((traps && f.trap != trap) || ((!traps || trap == 0) && f.gpr_out != want))
            test_fail(__FILE__, __LINE__,
                      "size %d from size %d sign %d traps %d: %llx gives %llx trap %d, expected "
                      "%llx trap %d",
                      isz, fsz, sign, traps, (unsigned long long)b.l, (unsigned long long)f.gpr_out,
                      (int)f.trap, (unsigned long long)want, (int)trap);
    }
    exec_free(fn, size);
}

TEST(float_conversions_to_integers)
{
    X64CpuSet sets[EXEC_MAX_SETS];
    u32 nsets = exec_feature_sets(sets);
    CodeBuf c;
    code_init(&c, 0);
    for (u32 s = 0; s < nsets; s++)
        for (u32 k = 0; k < 16; k++)
            run_to_int(&c, sets[s], k & 1 ? SZ_64 : SZ_32, k & 2 ? SZ_64 : SZ_32, k & 4, k & 8);
    code_release(&c);
}
