/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Scalar floating point. Results are wasm's to the bit: minimum and maximum order zeros and
 * propagate NaN, conversions trap or saturate exactly at the borders of the integer types.
 */
#include "backend/x64/float.h"
#include "compile/baseline.h"

/* Rows for both widths. */
typedef struct Pair {
    X64Sse f32, f64;
} Pair;

static X64Sse row(Pair p, u8 type)
{
    return type == KIND_F32 ? p.f32 : p.f64;
}

static const Pair ucomi = {X64_UCOMISS, X64_UCOMISD};

static void canonicalize(Baseline *b, u8 type, Xmm d)
{
    if (!b->t->nan_canonicalization)
        return;
    CodeBuf *c = &b->code;
    CodeLabel ok = code_label(c);
    x64_xx(c, row(ucomi, type), d, d);
    x64_jcc_short(c, CC_NP, ok);
    if (type == KIND_F32)
        x64_xm(c, X64_MOVSS, d, x64_mem_label(code_const_u32(c, 0x7fc00000)));
    else
        x64_xm(c, X64_MOVSD, d, x64_mem_label(code_const_u64(c, 0x7ff8000000000000)));
    code_bind(c, ok);
}

static bool is_temp(const Baseline *b, const Val *v)
{
    return v->kind == V_REG && (b->xmm_temps >> v->reg & 1);
}

/* --- arithmetic --- */

static void op_binary(Baseline *b, Pair op, u8 type)
{
    CodeBuf *c = &b->code;
    Val y = bl_pop(b), x = bl_pop(b);
    Xmm h = bl_hint_xmm(b);
    X64Mem m;
    bool mem = bl_in_memory_x(b, &y, &m);
    Xmm rx = bl_xmm(b, &x), ry = mem ? XMM_NONE : bl_xmm(b, &y);
    Xmm d = h;
    if (h == XMM_NONE) {
        d = is_temp(b, &x) ? (Xmm)x.reg : is_temp(b, &y) ? (Xmm)y.reg : bl_alloc_xmm(b);
    }
    if (mem)
        x64_xxm(c, row(op, type), d, rx, m);
    else
        x64_xxx(c, row(op, type), d, rx, ry);
    canonicalize(b, type, d);
    bl_release(b, x);
    bl_release(b, y);
    bl_push_xmm(b, type, d);
}

static X64Size float_size(u8 type)
{
    return type == KIND_F32 ? SZ_32 : SZ_64;
}

static void op_min_max(Baseline *b, bool max, u8 type)
{
    Val y = bl_pop(b), x = bl_pop(b);
    Xmm ry = bl_xmm(b, &y), d = bl_own_xmm(b, &x);
    (max ? x64_float_max : x64_float_min)(&b->code, float_size(type), d, d, ry);
    canonicalize(b, type, d);
    bl_release(b, y);
    bl_push_xmm(b, type, d);
}

typedef void (*Unary)(CodeBuf *c, X64Size sz, Xmm dst, Xmm a);

static void op_unary(Baseline *b, Unary f, u8 type)
{
    Val x = bl_pop(b);
    Xmm r = bl_xmm(b, &x);
    Xmm d = bl_dest_for_x(b, x);
    f(&b->code, float_size(type), d, r);
    bl_push_xmm(b, type, d);
}

static void op_sqrt(Baseline *b, u8 type)
{
    Val x = bl_pop(b);
    Xmm r = bl_xmm(b, &x);
    Xmm d = bl_dest_for_x(b, x);
    x64_float_sqrt(&b->code, float_size(type), d, r);
    canonicalize(b, type, d);
    bl_push_xmm(b, type, d);
}

static void op_round(Baseline *b, X64Round mode, u8 type)
{
    Val x = bl_pop(b);
    Xmm r = bl_xmm(b, &x);
    Xmm d = bl_dest_for_x(b, x);
    x64_float_round(&b->code, float_size(type), mode, d, r);
    canonicalize(b, type, d);
    bl_push_xmm(b, type, d);
}

static void op_copysign(Baseline *b, u8 type)
{
    Val y = bl_pop(b), x = bl_pop(b);
    Xmm ry = bl_xmm(b, &y), d = bl_own_xmm(b, &x), t = bl_alloc_xmm(b);
    x64_float_copysign(&b->code, float_size(type), d, d, ry, t);
    bl_free_xmm(b, t);
    bl_release(b, y);
    bl_push_xmm(b, type, d);
}

/* `swap`: less is greater the other way round, so that unordered is false. */
static void op_compare(Baseline *b, u32 cond, bool swap, u8 type)
{
    Val y = bl_pop(b), x = bl_pop(b);
    if (swap) {
        Val t = x;
        x = y;
        y = t;
    }
    X64Mem m;
    Xmm r = bl_xmm(b, &x);
    if (bl_in_memory_x(b, &y, &m))
        x64_xm(&b->code, row(ucomi, type), r, m);
    else
        x64_xx(&b->code, row(ucomi, type), r, bl_xmm(b, &y));
    bl_release(b, x);
    bl_release(b, y);
    bl_push_cond(b, cond);
}

/* --- from float to integer --- */

typedef struct Conversion {
    u8 from, to;
    bool is_signed, saturate;
} Conversion;

static void op_to_int(Baseline *b, Conversion o)
{
    Val v = bl_pop(b);
    Xmm x = bl_xmm(b, &v), t = bl_alloc_xmm(b);
    Gpr h = bl_hint_gpr(b);
    Gpr d = h != GPR_NONE ? h : bl_alloc_gpr(b);
    X64TruncTraps traps = {0};
    if (!o.saturate)
        traps = (X64TruncTraps){bl_trap_label(b, TRAP_BAD_CONVERSION_TO_INTEGER),
                                bl_trap_label(b, TRAP_INTEGER_OVERFLOW)};
    x64_float_to_int(&b->code, bl_size(o.to), float_size(o.from), o.is_signed,
                     o.saturate ? NULL : &traps, d, x, t);
    bl_free_xmm(b, t);
    bl_release(b, v);
    bl_push_gpr(b, o.to, d);
}

/* --- from integer to float --- */

static void op_from_int(Baseline *b, X64Size from, bool is_signed, u8 type)
{
    Val v = bl_pop(b);
    Xmm h = bl_hint_xmm(b);
    Gpr r = bl_gpr(b, &v);
    Xmm d = h != XMM_NONE ? h : bl_alloc_xmm(b);
    x64_float_from_int(&b->code, float_size(type), from, is_signed, d, r);
    bl_release(b, v);
    bl_push_xmm(b, type, d);
}

/* --- between floats --- */

static void op_resize(Baseline *b, u8 type)
{
    Val x = bl_pop(b);
    Xmm r = bl_xmm(b, &x);
    Xmm d = bl_dest_for_x(b, x);
    x64_float_resize(&b->code, float_size(type), d, r);
    canonicalize(b, type, d);
    bl_push_xmm(b, type, d);
}

static void op_bits_to_float(Baseline *b, u8 type)
{
    Val v = bl_pop(b);
    if (v.kind == V_CONST) {
        bl_push_const(b, type, v.imm);
        return;
    }
    Gpr r = bl_gpr(b, &v);
    Xmm d = bl_dest_for_x(b, v);
    x64_xr(&b->code, X64_MOVGX, type == KIND_F32 ? SZ_32 : SZ_64, d, r);
    bl_push_xmm(b, type, d);
}

static void op_bits_of_float(Baseline *b, u8 from)
{
    Val v = bl_pop(b);
    u8 type = from == KIND_F32 ? KIND_I32 : KIND_I64;
    if (v.kind == V_CONST) {
        bl_push_const(b, type, v.imm);
        return;
    }
    Xmm x = bl_xmm(b, &v);
    Gpr d = bl_dest_for(b, v);
    x64_rx(&b->code, X64_MOVGX, bl_size(type), d, x);
    bl_push_gpr(b, type, d);
}

/* --- dispatch --- */

static void arithmetic(Baseline *b, u32 op, u8 type)
{
    static const Pair rows[] = {{X64_ADDSS, X64_ADDSD},
                                {X64_SUBSS, X64_SUBSD},
                                {X64_MULSS, X64_MULSD},
                                {X64_DIVSS, X64_DIVSD}};
    static const X64Round modes[] = {X64_ROUND_CEIL, X64_ROUND_FLOOR, X64_ROUND_TRUNC,
                                     X64_ROUND_NEAREST};
    switch ((OpId)op + (type == KIND_F64 ? OP_f32_abs - OP_f64_abs : 0)) {
    case OP_f32_abs:
    case OP_f32_neg:
        op_unary(b, op == OP_f32_neg || op == OP_f64_neg ? x64_float_neg : x64_float_abs, type);
        break;
    case OP_f32_ceil:
    case OP_f32_floor:
    case OP_f32_trunc:
    case OP_f32_nearest:
        op_round(b, modes[op - (type == KIND_F32 ? OP_f32_ceil : OP_f64_ceil)], type);
        break;
    case OP_f32_sqrt:
        op_sqrt(b, type);
        break;
    case OP_f32_min:
    case OP_f32_max:
        op_min_max(b, op == OP_f32_max || op == OP_f64_max, type);
        break;
    case OP_f32_copysign:
        op_copysign(b, type);
        break;
    default:
        op_binary(b, rows[op - (type == KIND_F32 ? OP_f32_add : OP_f64_add)], type);
    }
}

static void comparison(Baseline *b, u32 which, u8 type)
{
    static const struct {
        u8 cond;
        bool swap;
    } rows[] = {{COND_FEQ, false}, {COND_FNE, false}, {CC_A, true},
                {CC_A, false},     {CC_AE, true},     {CC_AE, false}};
    op_compare(b, rows[which].cond, rows[which].swap, type);
}

bool bl_op_float(Baseline *b, OpId op)
{
    static const Conversion trap[] = {{KIND_F32, KIND_I32, true, false},
                                      {KIND_F32, KIND_I32, false, false},
                                      {KIND_F64, KIND_I32, true, false},
                                      {KIND_F64, KIND_I32, false, false}};
    if (op >= OP_f32_abs && op <= OP_f64_copysign) {
        arithmetic(b, op, op >= OP_f64_abs ? KIND_F64 : KIND_F32);
        return true;
    }
    if (op >= OP_f32_eq && op <= OP_f64_ge) {
        bool d = op >= OP_f64_eq;
        comparison(b, op - (d ? OP_f64_eq : OP_f32_eq), d ? KIND_F64 : KIND_F32);
        return true;
    }
    if (op >= OP_i32_trunc_sat_f32_s && op <= OP_i64_trunc_sat_f64_u) {
        Conversion o = trap[(op - OP_i32_trunc_sat_f32_s) & 3];
        o.saturate = true;
        o.to = op >= OP_i64_trunc_sat_f32_s ? KIND_I64 : KIND_I32;
        op_to_int(b, o);
        return true;
    }
    if (op >= OP_i32_trunc_f32_s && op <= OP_i32_trunc_f64_u) {
        op_to_int(b, trap[op - OP_i32_trunc_f32_s]);
        return true;
    }
    if (op >= OP_i64_trunc_f32_s && op <= OP_i64_trunc_f64_u) {
        Conversion o = trap[op - OP_i64_trunc_f32_s];
        o.to = KIND_I64;
        op_to_int(b, o);
        return true;
    }
    switch ((u32)op) {
    case OP_f32_convert_i32_s:
    case OP_f32_convert_i32_u:
        op_from_int(b, SZ_32, op == OP_f32_convert_i32_s, KIND_F32);
        return true;
    case OP_f32_convert_i64_s:
    case OP_f32_convert_i64_u:
        op_from_int(b, SZ_64, op == OP_f32_convert_i64_s, KIND_F32);
        return true;
    case OP_f64_convert_i32_s:
    case OP_f64_convert_i32_u:
        op_from_int(b, SZ_32, op == OP_f64_convert_i32_s, KIND_F64);
        return true;
    case OP_f64_convert_i64_s:
    case OP_f64_convert_i64_u:
        op_from_int(b, SZ_64, op == OP_f64_convert_i64_s, KIND_F64);
        return true;
    case OP_f32_demote_f64:
        op_resize(b, KIND_F32);
        return true;
    case OP_f64_promote_f32:
        op_resize(b, KIND_F64);
        return true;
    case OP_i32_reinterpret_f32:
    case OP_i64_reinterpret_f64:
        op_bits_of_float(b, op == OP_i32_reinterpret_f32 ? KIND_F32 : KIND_F64);
        return true;
    case OP_f32_reinterpret_i32:
    case OP_f64_reinterpret_i64:
        op_bits_to_float(b, op == OP_f32_reinterpret_i32 ? KIND_F32 : KIND_F64);
        return true;
    default:
        return false;
    }
}
