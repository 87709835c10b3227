/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Globals, tables and references. */
#include "compile/baseline.h"

/* --- globals --- */

/* May use RAX. */
static X64Mem global_mem(Baseline *b, u32 global)
{
    u32 imported = b->m->n_imported_globals;
    if (global >= imported)
        return x64_mem(ROLE_VMCTX,
                       (i32)(b->layout->globals + (global - imported) * (u32)sizeof(VmVal)));
    x64_rm(&b->code, X64_MOV, SZ_64, RAX,
           x64_mem(ROLE_VMCTX, (i32)(b->layout->global_ptrs + global * 8)));
    return x64_mem(RAX, 0);
}

static X64Sse float_mov(u8 type)
{
    return type == KIND_F32 ? X64_MOVSS : type == KIND_F64 ? X64_MOVSD : X64_MOVUPS;
}

static void op_global_get(Baseline *b)
{
    u32 g = b->in.idx;
    u8 type = (u8)valtype_kind(b->m->globals[g].type.type);
    if (bl_is_float(type)) {
        Xmm h = bl_hint_xmm(b);
        Xmm d = h != XMM_NONE ? h : bl_alloc_xmm(b);
        x64_xm(&b->code, float_mov(type), d, global_mem(b, g));
        bl_push_xmm(b, type, d);
        return;
    }
    Gpr h = bl_hint_gpr(b);
    Gpr d = h != GPR_NONE ? h : bl_alloc_gpr(b);
    x64_rm(&b->code, X64_MOV, bl_size(type), d, global_mem(b, g));
    bl_push_gpr(b, type, d);
}

static void op_global_set(Baseline *b)
{
    u32 g = b->in.idx;
    Val v = bl_pop(b);
    if (g >= b->m->n_imported_globals) {
        bl_store_val(b, &v, global_mem(b, g));
    } else if (bl_is_float(v.type)) {
        Xmm x = bl_xmm(b, &v);
        x64_mx(&b->code, float_mov(v.type), global_mem(b, g), x);
    } else {
        Gpr r = bl_gpr(b, &v);
        x64_mr(&b->code, X64_MOV, bl_size(v.type), global_mem(b, g), r);
    }
    bl_release(b, v);
}

/* --- tables --- */

static u8 index_type(const Baseline *b, u32 table)
{
    return b->m->tables[table].type.is64 ? KIND_I64 : KIND_I32;
}

static void op_table_get(Baseline *b)
{
    if (b->m->tables[b->in.idx].common) {
        bl_call_builtin(b, BUILTIN_table_get, (BuiltinArgs){{b->in.idx}, 1, 1}, KIND_REF);
        return;
    }
    Val index = bl_pop(b);
    Gpr h = bl_hint_gpr(b);
    X64Mem m = bl_table_elem(b, b->in.idx, &index);
    bl_release(b, index);
    Gpr d = h != GPR_NONE ? h : bl_alloc_gpr(b);
    x64_rm(&b->code, X64_MOV, SZ_64, d, m);
    bl_push_gpr(b, KIND_REF, d);
}

static void op_table_set(Baseline *b)
{
    if (b->m->tables[b->in.idx].common) {
        bl_call_builtin(b, BUILTIN_table_set, (BuiltinArgs){{b->in.idx}, 1, 2}, KIND_BOT);
        return;
    }
    Val v = bl_pop(b), index = bl_pop(b);
    Gpr r = bl_gpr(b, &v);
    X64Mem m = bl_table_elem(b, b->in.idx, &index);
    x64_mr(&b->code, X64_MOV, SZ_64, m, r);
    bl_release(b, index);
    bl_release(b, v);
}

static void op_table_size(Baseline *b)
{
    Gpr h = bl_hint_gpr(b);
    Gpr d = h != GPR_NONE ? h : bl_alloc_gpr(b);
    x64_rm(&b->code, X64_MOV, SZ_64, d, bl_table_field(b, b->in.idx, offsetof(VmTable, length)));
    bl_push_gpr(b, index_type(b, b->in.idx), d);
}

/* The builtin takes the delta before the value. */
static void op_table_grow(Baseline *b)
{
    Val delta = bl_pop(b), v = bl_pop(b);
    bl_push(b, delta);
    bl_push(b, v);
    bl_call_builtin(b, BUILTIN_table_grow, (BuiltinArgs){{b->in.idx}, 1, 2},
                    index_type(b, b->in.idx));
}

/* --- references --- */

bool bl_ref_is_late(const Baseline *b, u32 func)
{
    return func >= b->m->n_imported_funcs && b->layout->funcref_of[func] == UINT32_MAX;
}

static void op_ref_func(Baseline *b)
{
    if (bl_ref_is_late(b, b->in.idx)) {
        bl_call_builtin(b, BUILTIN_ref_func, (BuiltinArgs){{b->in.idx}, 1, 0}, KIND_REF);
        return;
    }
    Gpr h = bl_hint_gpr(b);
    Gpr d = h != GPR_NONE ? h : bl_alloc_gpr(b);
    u32 func = b->in.idx;
    if (func < b->m->n_imported_funcs) {
        u32 import = vm_layout_func_import(b->layout, func);
        x64_rm(&b->code, X64_MOV, SZ_64, d,
               x64_mem(ROLE_VMCTX, (i32)(import + offsetof(VmFuncImport, ref))));
    } else {
        x64_lea(&b->code, SZ_64, d, x64_mem(ROLE_VMCTX, (i32)vm_layout_funcref(b->layout, func)));
    }
    bl_push_gpr(b, KIND_REF, d);
}

static void op_is_null(Baseline *b)
{
    Val v = bl_pop(b);
    Gpr r = bl_gpr(b, &v);
    x64_rr(&b->code, X64_TEST, SZ_64, r, r);
    bl_release(b, v);
    bl_push_cond(b, CC_E);
}

static void op_as_non_null(Baseline *b)
{
    Val v = bl_pop(b);
    Gpr r = bl_gpr(b, &v);
    x64_rr(&b->code, X64_TEST, SZ_64, r, r);
    x64_jcc(&b->code, CC_E, bl_trap_label(b, TRAP_NULL_REFERENCE));
    bl_push(b, v);
}

bool bl_op_table(Baseline *b, OpId op)
{
    u64 x = b->in.idx, y = b->in.idx2;
    switch ((u32)op) {
    case OP_global_get:
        op_global_get(b);
        return true;
    case OP_global_set:
        op_global_set(b);
        return true;
    case OP_table_get:
        op_table_get(b);
        return true;
    case OP_table_set:
        op_table_set(b);
        return true;
    case OP_table_size:
        op_table_size(b);
        return true;
    case OP_table_grow:
        op_table_grow(b);
        return true;
    case OP_table_copy:
        bl_call_builtin(b, BUILTIN_table_copy, (BuiltinArgs){{x, y}, 2, 3}, KIND_BOT);
        return true;
    case OP_table_fill:
        bl_call_builtin(b, BUILTIN_table_fill, (BuiltinArgs){{x}, 1, 3}, KIND_BOT);
        return true;
    case OP_table_init:
        bl_call_builtin(b, BUILTIN_table_init, (BuiltinArgs){{x, y}, 2, 3}, KIND_BOT);
        return true;
    case OP_elem_drop:
        bl_call_builtin(b, BUILTIN_elem_drop, (BuiltinArgs){{x}, 1, 0}, KIND_BOT);
        return true;
    case OP_ref_null:
        bl_push_const(b, KIND_REF, 0);
        return true;
    case OP_ref_is_null:
        op_is_null(b);
        return true;
    case OP_ref_func:
        op_ref_func(b);
        return true;
    case OP_ref_as_non_null:
        op_as_non_null(b);
        return true;
    default:
        return false;
    }
}
