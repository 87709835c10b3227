/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Vectors. The sequences are the macro assembler's (backend/x64/simd.h); here operands get their
 * registers. A table says for each opcode what shape it has and which sequence it is.
 */
#include "backend/x64/simd.h"
#include "compile/baseline.h"

typedef enum Shape {
    SHAPE_NONE, /* not an opcode */
    SHAPE_VECTORS,
    SHAPE_SHIFT,
    SHAPE_TEST,
    SHAPE_MASK,
    SHAPE_LOAD,
    SHAPE_STORE,
    SHAPE_LOAD_LANE,
    SHAPE_STORE_LANE,
    SHAPE_CONST,
    SHAPE_SHUFFLE,
    SHAPE_SPLAT,
    SHAPE_EXTRACT,
    SHAPE_EXTRACT_SIGNED,
    SHAPE_REPLACE,
} Shape;

/* `arg`: the X64Simd or the like; for lanes their X64Size. `type`: KIND_* of the scalar operand or
 * result. */
typedef struct SimdInsn {
    u8 shape, arg, type;
} SimdInsn;

#define AT(id) [OP_##id - OP_v128_load]
#define LANES(L, size, scalar)                                                                     \
    AT(L##_splat) = {SHAPE_SPLAT, size, scalar},                                                   \
    AT(L##_replace_lane) = {SHAPE_REPLACE, size, scalar}
static const SimdInsn insns[] = {
#define SIMD(id, operands, how, row, row2, imm, nan) AT(id) = {SHAPE_VECTORS, X64_SIMD_##id, 0},
#define SIMD_SHIFT(id, how, row, row_imm, bits) AT(id) = {SHAPE_SHIFT, X64_SIMD_##id, 0},
#define SIMD_TEST(id, how, row) AT(id) = {SHAPE_TEST, X64_SIMD_##id, 0},
#define SIMD_MASK(id, how, row) AT(id) = {SHAPE_MASK, X64_SIMD_##id, 0},
#define SIMD_LOAD(id, how, row) AT(id) = {SHAPE_LOAD, X64_SIMD_##id, 0},
#include "backend/x64/simd.def"
#undef SIMD
#undef SIMD_SHIFT
#undef SIMD_TEST
#undef SIMD_MASK
#undef SIMD_LOAD
    AT(v128_store) = {SHAPE_STORE, 0, 0},
    AT(v128_const) = {SHAPE_CONST, 0, 0},
    AT(i8x16_shuffle) = {SHAPE_SHUFFLE, 0, 0},
    AT(v128_load8_lane) = {SHAPE_LOAD_LANE, SZ_8, 0},
    AT(v128_load16_lane) = {SHAPE_LOAD_LANE, SZ_16, 0},
    AT(v128_load32_lane) = {SHAPE_LOAD_LANE, SZ_32, 0},
    AT(v128_load64_lane) = {SHAPE_LOAD_LANE, SZ_64, 0},
    AT(v128_store8_lane) = {SHAPE_STORE_LANE, SZ_8, 0},
    AT(v128_store16_lane) = {SHAPE_STORE_LANE, SZ_16, 0},
    AT(v128_store32_lane) = {SHAPE_STORE_LANE, SZ_32, 0},
    AT(v128_store64_lane) = {SHAPE_STORE_LANE, SZ_64, 0},
    AT(i8x16_extract_lane_s) = {SHAPE_EXTRACT_SIGNED, SZ_8, KIND_I32},
    AT(i8x16_extract_lane_u) = {SHAPE_EXTRACT, SZ_8, KIND_I32},
    AT(i16x8_extract_lane_s) = {SHAPE_EXTRACT_SIGNED, SZ_16, KIND_I32},
    AT(i16x8_extract_lane_u) = {SHAPE_EXTRACT, SZ_16, KIND_I32},
    AT(i32x4_extract_lane) = {SHAPE_EXTRACT, SZ_32, KIND_I32},
    AT(i64x2_extract_lane) = {SHAPE_EXTRACT, SZ_64, KIND_I64},
    AT(f32x4_extract_lane) = {SHAPE_EXTRACT, SZ_32, KIND_F32},
    AT(f64x2_extract_lane) = {SHAPE_EXTRACT, SZ_64, KIND_F64},
    LANES(i8x16, SZ_8, KIND_I32),
    LANES(i16x8, SZ_16, KIND_I32),
    LANES(i32x4, SZ_32, KIND_I32),
    LANES(i64x2, SZ_64, KIND_I64),
    LANES(f32x4, SZ_32, KIND_F32),
    LANES(f64x2, SZ_64, KIND_F64),
};
#undef LANES
#undef AT

/* --- registers --- */

static bool is_temp(const Baseline *b, const Val *v)
{
    return v->kind == V_REG && (b->xmm_temps >> v->reg & 1);
}

/* The wished register, else the temporary of one of the operands, else a new one. */
static Xmm dest(Baseline *b, Xmm hint, const Val *v, u32 n)
{
    if (hint != XMM_NONE)
        return hint;
    for (u32 i = 0; i < n; i++)
        if (is_temp(b, v + i))
            return (Xmm)v[i].reg;
    return bl_alloc_xmm(b);
}

static void push_vector(Baseline *b, Xmm x)
{
    bl_push_xmm(b, KIND_V128, x);
}

/* --- vectors to a vector --- */

/* Fused multiply-add where the CPU has none: the builtin's bits, or -1. */
static i32 fma_by_call(const Baseline *b, u32 op)
{
    if (!b->t->relaxed_simd_deterministic || X64_HAS(b->t->cpu, FMA))
        return -1;
    switch (op) {
    case OP_f32x4_relaxed_madd:
        return 0;
    case OP_f32x4_relaxed_nmadd:
        return VECTOR_FMA_NEGATE;
    case OP_f64x2_relaxed_madd:
        return VECTOR_FMA_64;
    case OP_f64x2_relaxed_nmadd:
        return VECTOR_FMA_64 | VECTOR_FMA_NEGATE;
    default:
        return -1;
    }
}

bool bl_simd_calls(const Baseline *b, OpId op)
{
    return fma_by_call(b, op) >= 0;
}

static void op_fma_call(Baseline *b, u32 how)
{
    bl_call_on_vectors(b, BUILTIN_vector_fma, how, 3);
    if (!b->t->nan_canonicalization)
        return;
    Val v = bl_pop(b);
    Xmm d = bl_own_xmm(b, &v), t = bl_alloc_xmm(b);
    x64_simd_canonicalize(&b->code, how & VECTOR_FMA_64 ? 64 : 32, d, t);
    bl_free_xmm(b, t);
    push_vector(b, d);
}

static void op_vectors(Baseline *b, X64Simd op)
{
    if (b->t->relaxed_simd_deterministic)
        op = x64_simd_deterministic(op);
    u32 n = x64_simd_operands(op), nan = x64_simd_nan_lanes(op);
    Val v[3] = {0};
    for (u32 i = n; i-- > 0;)
        v[i] = bl_pop(b);
    Xmm hint = bl_hint_xmm(b), r[3] = {0};
    for (u32 i = 0; i < n; i++)
        r[i] = bl_xmm(b, v + i);
    X64SimdOps o = {.a = r[0], .b = r[1], .m = r[2], .dst = dest(b, hint, v, n)};
    o.tmp = bl_alloc_xmm(b);
    x64_simd(&b->code, op, &o);
    if (nan && b->t->nan_canonicalization)
        x64_simd_canonicalize(&b->code, nan, o.dst, o.tmp);
    bl_free_xmm(b, o.tmp);
    for (u32 i = 0; i < n; i++)
        bl_release(b, v[i]);
    push_vector(b, o.dst);
}

static void op_shift(Baseline *b, X64SimdShift op)
{
    Val count = bl_pop(b), v = bl_pop(b);
    Xmm hint = bl_hint_xmm(b), x = bl_xmm(b, &v), d = dest(b, hint, &v, 1), t = bl_alloc_xmm(b);
    if (count.kind == V_CONST)
        x64_simd_shift_imm(&b->code, op, d, x, (u32)count.imm, t);
    else
        x64_simd_shift(&b->code, op, d, x, bl_gpr(b, &count), t);
    bl_free_xmm(b, t);
    bl_release(b, count);
    bl_release(b, v);
    push_vector(b, d);
}

static void op_shuffle(Baseline *b)
{
    Val v[2];
    v[1] = bl_pop(b);
    v[0] = bl_pop(b);
    Xmm hint = bl_hint_xmm(b), x = bl_xmm(b, v), y = bl_xmm(b, v + 1);
    Xmm d = dest(b, hint, v, 2), t = bl_alloc_xmm(b);
    x64_simd_shuffle(&b->code, b->in.v128, d, x, y, t);
    bl_free_xmm(b, t);
    bl_release(b, v[0]);
    bl_release(b, v[1]);
    push_vector(b, d);
}

static void op_const(Baseline *b)
{
    Xmm d = dest(b, bl_hint_xmm(b), NULL, 0);
    x64_simd_const(&b->code, d, b->in.v128);
    push_vector(b, d);
}

/* --- vectors to integers --- */

static void op_test(Baseline *b, X64SimdTest op)
{
    Val v = bl_pop(b);
    Xmm x = bl_xmm(b, &v), t = bl_alloc_xmm(b);
    X64Cond cc = x64_simd_test(&b->code, op, x, t);
    bl_free_xmm(b, t);
    bl_release(b, v);
    bl_push_cond(b, cc);
}

static void op_mask(Baseline *b, X64SimdMask op)
{
    Val v = bl_pop(b);
    Gpr hint = bl_hint_gpr(b), d = hint != GPR_NONE ? hint : bl_alloc_gpr(b);
    Xmm x = bl_xmm(b, &v), t = bl_alloc_xmm(b);
    x64_simd_mask(&b->code, op, d, x, t);
    bl_free_xmm(b, t);
    bl_release(b, v);
    bl_push_gpr(b, KIND_I32, d);
}

/* --- lanes --- */

static void op_splat(Baseline *b, X64Size size, u8 type)
{
    Val v = bl_pop(b);
    Xmm hint = bl_hint_xmm(b), d;
    if (bl_is_float(type)) {
        Xmm x = bl_xmm(b, &v);
        d = dest(b, hint, &v, 1);
        x64_simd_splat_float(&b->code, size, d, x);
    } else {
        Gpr r = bl_gpr(b, &v);
        d = dest(b, hint, NULL, 0);
        Xmm t = bl_alloc_xmm(b);
        x64_simd_splat(&b->code, size, d, r, t);
        bl_free_xmm(b, t);
    }
    bl_release(b, v);
    push_vector(b, d);
}

static void op_extract(Baseline *b, X64Size size, bool sign, u8 type)
{
    Val v = bl_pop(b);
    if (bl_is_float(type)) {
        Xmm hint = bl_hint_xmm(b), x = bl_xmm(b, &v), d = dest(b, hint, &v, 1);
        x64_simd_extract_float(&b->code, size, d, x, b->in.lane);
        bl_release(b, v);
        bl_push_xmm(b, type, d);
    } else {
        Gpr hint = bl_hint_gpr(b), d = hint != GPR_NONE ? hint : bl_alloc_gpr(b);
        x64_simd_extract(&b->code, size, sign, d, bl_xmm(b, &v), b->in.lane);
        bl_release(b, v);
        bl_push_gpr(b, type, d);
    }
}

static void op_replace(Baseline *b, X64Size size, u8 type)
{
    Val lane = bl_pop(b), v = bl_pop(b);
    Xmm hint = bl_hint_xmm(b), x = bl_xmm(b, &v), d = dest(b, hint, &v, 1);
    if (bl_is_float(type))
        x64_simd_replace_float(&b->code, size, d, x, bl_xmm(b, &lane), b->in.lane);
    else
        x64_simd_replace(&b->code, size, d, x, bl_gpr(b, &lane), b->in.lane);
    bl_release(b, lane);
    bl_release(b, v);
    push_vector(b, d);
}

/* --- memory --- */

/* Bytes that the current instruction accesses. */
static u32 access_bytes(const Baseline *b)
{
    return 1u << op_access_log2((OpId)b->in.op);
}

static void op_load(Baseline *b, X64SimdLoad op)
{
    Val index = bl_pop(b);
    Xmm hint = bl_hint_xmm(b), d = dest(b, hint, NULL, 0), t = bl_alloc_xmm(b);
    Addr a = bl_address(b, &index, &b->in.memarg, access_bytes(b));
    bl_trap_site(b, TRAP_MEMORY_OUT_OF_BOUNDS);
    x64_simd_load(&b->code, op, d, a.m, t);
    bl_addr_free(b, &a);
    bl_free_xmm(b, t);
    push_vector(b, d);
}

static void op_load_lane(Baseline *b, X64Size size)
{
    Val v = bl_pop(b), index = bl_pop(b);
    Xmm d = bl_own_xmm(b, &v);
    Addr a = bl_address(b, &index, &b->in.memarg, access_bytes(b));
    bl_trap_site(b, TRAP_MEMORY_OUT_OF_BOUNDS);
    x64_simd_load_lane(&b->code, size, d, a.m, b->in.lane);
    bl_addr_free(b, &a);
    push_vector(b, d);
}

/* The whole vector or, with `lane`, one of its lanes. */
static void op_store(Baseline *b, bool lane, X64Size size)
{
    Val v = bl_pop(b), index = bl_pop(b);
    Xmm x = bl_xmm(b, &v);
    Addr a = bl_address(b, &index, &b->in.memarg, access_bytes(b));
    bl_trap_site(b, TRAP_MEMORY_OUT_OF_BOUNDS);
    if (lane)
        x64_simd_store_lane(&b->code, size, a.m, x, b->in.lane);
    else
        x64_simd_store(&b->code, a.m, x);
    bl_addr_free(b, &a);
    bl_release(b, v);
}

/* --- dispatch --- */

bool bl_op_simd(Baseline *b, OpId op)
{
    if (op < OP_v128_load || op - OP_v128_load >= ARRAY_LEN(insns))
        return false;
    const SimdInsn *i = &insns[op - OP_v128_load];
    switch ((Shape)i->shape) {
    case SHAPE_NONE:
        return false;
    case SHAPE_VECTORS:
        if (bl_simd_calls(b, op))
            op_fma_call(b, (u32)fma_by_call(b, op));
        else
            op_vectors(b, (X64Simd)i->arg);
        break;
    case SHAPE_SHIFT:
        op_shift(b, (X64SimdShift)i->arg);
        break;
    case SHAPE_TEST:
        op_test(b, (X64SimdTest)i->arg);
        break;
    case SHAPE_MASK:
        op_mask(b, (X64SimdMask)i->arg);
        break;
    case SHAPE_LOAD:
        op_load(b, (X64SimdLoad)i->arg);
        break;
    case SHAPE_STORE:
    case SHAPE_STORE_LANE:
        op_store(b, i->shape == SHAPE_STORE_LANE, (X64Size)i->arg);
        break;
    case SHAPE_LOAD_LANE:
        op_load_lane(b, (X64Size)i->arg);
        break;
    case SHAPE_CONST:
        op_const(b);
        break;
    case SHAPE_SHUFFLE:
        op_shuffle(b);
        break;
    case SHAPE_SPLAT:
        op_splat(b, (X64Size)i->arg, i->type);
        break;
    case SHAPE_EXTRACT:
    case SHAPE_EXTRACT_SIGNED:
        op_extract(b, (X64Size)i->arg, i->shape == SHAPE_EXTRACT_SIGNED, i->type);
        break;
    case SHAPE_REPLACE:
        op_replace(b, (X64Size)i->arg, i->type);
        break;
    }
    return true;
}
