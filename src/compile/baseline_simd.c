/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Vectors: which registers take part is decided here, the instructions come from
 * backend/x64/simd.h.
 */
#include "backend/x64/simd.h"
#include "compile/baseline.h"

typedef enum SimdGroup {
    GROUP_NONE,
    GROUP_VECTOR,
    GROUP_SHIFT,
    GROUP_TEST,
    GROUP_MASK,
    GROUP_LOAD,
} SimdGroup;

typedef struct SimdRow {
    u8 group;
    u8 op; /* of the group's enumeration */
} SimdRow;

#define FIRST OP_v128_load
#define LAST OP_i32x4_relaxed_dot_i8x16_i7x16_add_s

static const SimdRow rows[LAST - FIRST + 1] = {
#define SIMD(id, ...) [OP_##id - FIRST] = {GROUP_VECTOR, (u8)X64_SIMD_##id},
#define SIMD_SHIFT(id, ...) [OP_##id - FIRST] = {GROUP_SHIFT, (u8)X64_SIMD_##id},
#define SIMD_TEST(id, ...) [OP_##id - FIRST] = {GROUP_TEST, (u8)X64_SIMD_##id},
#define SIMD_MASK(id, ...) [OP_##id - FIRST] = {GROUP_MASK, (u8)X64_SIMD_##id},
#define SIMD_LOAD(id, ...) [OP_##id - FIRST] = {GROUP_LOAD, (u8)X64_SIMD_##id},
#include "backend/x64/simd.def"
#undef SIMD
#undef SIMD_SHIFT
#undef SIMD_TEST
#undef SIMD_MASK
#undef SIMD_LOAD
};
static_assert(X64_SIMD_COUNT <= UINT8_MAX, "rows have a byte");

/* The hint, else a temporary that one of the operands has, else a new one. */
static Xmm destination(Baseline *b, const Val *v, u32 n)
{
    Xmm h = bl_hint_xmm(b);
    if (h != XMM_NONE)
        return h;
    for (u32 i = 0; i < n; i++)
        if (v[i].kind == V_REG && bl_is_float(v[i].type) && (b->xmm_temps >> v[i].reg & 1))
            return v[i].reg;
    return bl_alloc_xmm(b);
}

static void op_vector(Baseline *b, X64Simd op)
{
    Val v[3];
    u32 n = x64_simd_operands(op);
    Xmm r[3] = {XMM_NONE, XMM_NONE, XMM_NONE};
    for (u32 i = n; i-- > 0;)
        v[i] = bl_pop(b);
    for (u32 i = 0; i < n; i++)
        r[i] = bl_xmm(b, &v[i]);
    Xmm d = destination(b, v, n), tmp = bl_alloc_xmm(b);
    x64_simd(&b->code, op, &(X64SimdOps){d, r[0], r[1], r[2], tmp});
    bl_free_xmm(b, tmp);
    for (u32 i = 0; i < n; i++)
        bl_release(b, v[i]);
    bl_push_xmm(b, KIND_V128, d);
}

static void op_shift(Baseline *b, X64SimdShift op)
{
    Val count = bl_pop(b), v = bl_pop(b);
    Xmm r = bl_xmm(b, &v);
    Xmm d = destination(b, &v, 1), tmp = bl_alloc_xmm(b);
    if (count.kind == V_CONST)
        x64_simd_shift_imm(&b->code, op, d, r, (u32)count.imm, tmp);
    else
        x64_simd_shift(&b->code, op, d, r, bl_gpr(b, &count), tmp);
    bl_free_xmm(b, tmp);
    bl_release(b, count);
    bl_release(b, v);
    bl_push_xmm(b, KIND_V128, d);
}

static void op_test(Baseline *b, X64SimdTest op)
{
    Val v = bl_pop(b);
    Xmm r = bl_xmm(b, &v), tmp = bl_alloc_xmm(b);
    X64Cond cc = x64_simd_test(&b->code, op, r, tmp);
    bl_free_xmm(b, tmp);
    bl_release(b, v);
    bl_push_cond(b, cc);
}

static void op_mask(Baseline *b, X64SimdMask op)
{
    Val v = bl_pop(b);
    Gpr h = bl_hint_gpr(b);
    Xmm r = bl_xmm(b, &v), tmp = bl_alloc_xmm(b);
    Gpr d = h != GPR_NONE ? h : bl_alloc_gpr(b);
    x64_simd_mask(&b->code, op, d, r, tmp);
    bl_free_xmm(b, tmp);
    bl_release(b, v);
    bl_push_gpr(b, KIND_I32, d);
}

/* --- memory --- */

static void op_load(Baseline *b, X64SimdLoad op)
{
    Val index = bl_pop(b);
    Xmm d = destination(b, NULL, 0), tmp = bl_alloc_xmm(b);
    Addr a = bl_address(b, &index, &b->in.memarg, 1u << op_access_log2((OpId)b->in.op));
    bl_trap_site(b, TRAP_MEMORY_OUT_OF_BOUNDS);
    x64_simd_load(&b->code, op, d, a.m, tmp);
    bl_addr_free(b, &a);
    bl_free_xmm(b, tmp);
    bl_push_xmm(b, KIND_V128, d);
}

static void op_load_lane(Baseline *b, X64Size lane)
{
    Val v = bl_pop(b), index = bl_pop(b);
    Xmm d = bl_own_xmm(b, &v);
    Addr a = bl_address(b, &index, &b->in.memarg, 1u << lane);
    bl_trap_site(b, TRAP_MEMORY_OUT_OF_BOUNDS);
    x64_simd_load_lane(&b->code, lane, d, a.m, b->in.lane);
    bl_addr_free(b, &a);
    bl_push_xmm(b, KIND_V128, d);
}

/* lane SZ_64 + 1: the whole vector */
static void op_store(Baseline *b, u32 lane)
{
    Val v = bl_pop(b), index = bl_pop(b);
    Xmm r = bl_xmm(b, &v);
    Addr a = bl_address(b, &index, &b->in.memarg, 1u << lane);
    bl_trap_site(b, TRAP_MEMORY_OUT_OF_BOUNDS);
    if (lane > SZ_64)
        x64_simd_store(&b->code, a.m, r);
    else
        x64_simd_store_lane(&b->code, (X64Size)lane, a.m, r, b->in.lane);
    bl_addr_free(b, &a);
    bl_release(b, v);
}

/* --- lanes --- */

static void op_splat(Baseline *b, X64Size lane)
{
    Val v = bl_pop(b);
    Gpr r = bl_gpr(b, &v);
    Xmm d = destination(b, NULL, 0), tmp = bl_alloc_xmm(b);
    x64_simd_splat(&b->code, lane, d, r, tmp);
    bl_free_xmm(b, tmp);
    bl_release(b, v);
    bl_push_xmm(b, KIND_V128, d);
}

static void op_splat_float(Baseline *b, X64Size lane)
{
    Val v = bl_pop(b);
    Xmm r = bl_xmm(b, &v);
    Xmm d = destination(b, &v, 1);
    x64_simd_splat_float(&b->code, lane, d, r);
    bl_release(b, v);
    bl_push_xmm(b, KIND_V128, d);
}

static void op_extract(Baseline *b, X64Size lane, bool sign)
{
    Val v = bl_pop(b);
    Gpr h = bl_hint_gpr(b);
    Xmm r = bl_xmm(b, &v);
    Gpr d = h != GPR_NONE ? h : bl_alloc_gpr(b);
    x64_simd_extract(&b->code, lane, sign, d, r, b->in.lane);
    bl_release(b, v);
    bl_push_gpr(b, lane == SZ_64 ? KIND_I64 : KIND_I32, d);
}

static void op_extract_float(Baseline *b, X64Size lane)
{
    Val v = bl_pop(b);
    Xmm r = bl_xmm(b, &v);
    Xmm d = destination(b, &v, 1);
    x64_simd_extract_float(&b->code, lane, d, r, b->in.lane);
    bl_release(b, v);
    bl_push_xmm(b, lane == SZ_32 ? KIND_F32 : KIND_F64, d);
}

static void op_replace(Baseline *b, X64Size lane)
{
    Val x = bl_pop(b), v = bl_pop(b);
    Gpr rx = bl_gpr(b, &x);
    Xmm r = bl_xmm(b, &v);
    Xmm d = destination(b, &v, 1);
    x64_simd_replace(&b->code, lane, d, r, rx, b->in.lane);
    bl_release(b, x);
    bl_release(b, v);
    bl_push_xmm(b, KIND_V128, d);
}

static void op_replace_float(Baseline *b, X64Size lane)
{
    Val x = bl_pop(b), v = bl_pop(b);
    Xmm rx = bl_xmm(b, &x), r = bl_xmm(b, &v);
    Val both[] = {v, x};
    Xmm d = destination(b, both, 2);
    x64_simd_replace_float(&b->code, lane, d, r, rx, b->in.lane);
    bl_release(b, x);
    bl_release(b, v);
    bl_push_xmm(b, KIND_V128, d);
}

static void op_shuffle(Baseline *b)
{
    Val y = bl_pop(b), x = bl_pop(b);
    Xmm rx = bl_xmm(b, &x), ry = bl_xmm(b, &y);
    Val both[] = {x, y};
    Xmm d = destination(b, both, 2), tmp = bl_alloc_xmm(b);
    x64_simd_shuffle(&b->code, b->in.v128, d, rx, ry, tmp);
    bl_free_xmm(b, tmp);
    bl_release(b, x);
    bl_release(b, y);
    bl_push_xmm(b, KIND_V128, d);
}

static void op_const(Baseline *b)
{
    Xmm d = destination(b, NULL, 0);
    x64_simd_const(&b->code, d, b->in.v128);
    bl_push_xmm(b, KIND_V128, d);
}

static bool op_lane(Baseline *b, OpId op)
{
    switch ((u32)op) {
    case OP_v128_const:
        op_const(b);
        return true;
    case OP_i8x16_shuffle:
        op_shuffle(b);
        return true;
    case OP_i8x16_splat:
    case OP_i16x8_splat:
    case OP_i32x4_splat:
    case OP_i64x2_splat:
        op_splat(b, (X64Size)(op - OP_i8x16_splat));
        return true;
    case OP_f32x4_splat:
    case OP_f64x2_splat:
        op_splat_float(b, op == OP_f32x4_splat ? SZ_32 : SZ_64);
        return true;
    case OP_i8x16_extract_lane_s:
    case OP_i8x16_extract_lane_u:
        op_extract(b, SZ_8, op == OP_i8x16_extract_lane_s);
        return true;
    case OP_i16x8_extract_lane_s:
    case OP_i16x8_extract_lane_u:
        op_extract(b, SZ_16, op == OP_i16x8_extract_lane_s);
        return true;
    case OP_i32x4_extract_lane:
        op_extract(b, SZ_32, false);
        return true;
    case OP_i64x2_extract_lane:
        op_extract(b, SZ_64, false);
        return true;
    case OP_f32x4_extract_lane:
    case OP_f64x2_extract_lane:
        op_extract_float(b, op == OP_f32x4_extract_lane ? SZ_32 : SZ_64);
        return true;
    case OP_i8x16_replace_lane:
        op_replace(b, SZ_8);
        return true;
    case OP_i16x8_replace_lane:
        op_replace(b, SZ_16);
        return true;
    case OP_i32x4_replace_lane:
        op_replace(b, SZ_32);
        return true;
    case OP_i64x2_replace_lane:
        op_replace(b, SZ_64);
        return true;
    case OP_f32x4_replace_lane:
    case OP_f64x2_replace_lane:
        op_replace_float(b, op == OP_f32x4_replace_lane ? SZ_32 : SZ_64);
        return true;
    case OP_v128_store:
        op_store(b, SZ_64 + 1);
        return true;
    default:
        break;
    }
    if (op >= OP_v128_load8_lane && op <= OP_v128_load64_lane) {
        op_load_lane(b, (X64Size)(op - OP_v128_load8_lane));
        return true;
    }
    if (op >= OP_v128_store8_lane && op <= OP_v128_store64_lane) {
        op_store(b, op - OP_v128_store8_lane);
        return true;
    }
    return false;
}

bool bl_op_simd(Baseline *b, OpId op)
{
    const SimdRow *r = rows + (op - FIRST);
    switch ((SimdGroup)r->group) {
    case GROUP_NONE:
        return op_lane(b, op);
    case GROUP_VECTOR:
        op_vector(b, (X64Simd)r->op);
        break;
    case GROUP_SHIFT:
        op_shift(b, (X64SimdShift)r->op);
        break;
    case GROUP_TEST:
        op_test(b, (X64SimdTest)r->op);
        break;
    case GROUP_MASK:
        op_mask(b, (X64SimdMask)r->op);
        break;
    case GROUP_LOAD:
        op_load(b, (X64SimdLoad)r->op);
        break;
    }
    return true;
}
