/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Structures, arrays, i31, casts. */
#include "wasm/validate.h"

/* The type of a field's value on the operand stack. */
static ValType unpacked(const FieldType *f)
{
    return f->storage == STORAGE_VAL ? f->type : VT_I32;
}

/* Nothing to pop in unreachable code: the operands are what they should be. */
static bool bottomless(const Validator *v)
{
    return v->unreachable && v->n == v->base;
}

/* ---- structures ---- */

static void struct_new(Validator *v, const Insn *i)
{
    const SubType *t = validate_type(v, i, i->idx, COMPOSITE_STRUCT);
    if (!t)
        return;
    if (i->op == OP_struct_new) {
        for (u32 k = t->nfields; k-- > 0 && read_ok(&v->r) && !bottomless(v);)
            pop(v, unpacked(&t->fields[k]));
    } else if (!t->has_default) {
        validate_fail(v, i, "type mismatch: a field of type %u has no default value", i->idx);
    }
    push(v, validate_ref_to(v, i->idx, false));
}

/* `get` with a sign or without, as the field is packed or not. */
static void check_packed(Validator *v, const Insn *i, const FieldType *f, bool plain)
{
    if ((f->storage == STORAGE_VAL) != plain)
        validate_fail(v, i, "type mismatch: %s of a field that is %spacked", op_infos[i->op].text,
                      plain ? "" : "not ");
}

static void struct_access(Validator *v, const Insn *i)
{
    const SubType *t = validate_type(v, i, i->idx, COMPOSITE_STRUCT);
    if (!t)
        return;
    if (i->idx2 >= t->nfields) {
        validate_fail(v, i, "unknown field %u", i->idx2);
        return;
    }
    const FieldType *f = &t->fields[i->idx2];
    ValType ref = validate_ref_to(v, i->idx, true);
    if (i->op == OP_struct_set) {
        if (!f->mut)
            validate_fail(v, i, "immutable field %u", i->idx2);
        pop(v, unpacked(f));
        pop(v, ref);
        return;
    }
    check_packed(v, i, f, i->op == OP_struct_get);
    pop(v, ref);
    push(v, unpacked(f));
}

/* ---- arrays ---- */

static const FieldType *array_field(Validator *v, const Insn *i, u32 index)
{
    const SubType *t = validate_type(v, i, index, COMPOSITE_ARRAY);
    return t ? t->fields : NULL;
}

static void array_new(Validator *v, const Insn *i)
{
    const FieldType *f = array_field(v, i, i->idx);
    if (!f)
        return;
    if (i->op == OP_array_new_fixed) {
        if (i->idx2 > LIMIT_ARRAY_FIXED)
            read_fail(&v->r, DIAG_LIMIT, v->r.base + i->offset,
                      "array.new_fixed too long: %u operands, the limit is %u", i->idx2,
                      LIMIT_ARRAY_FIXED);
        for (u32 k = 0; k < i->idx2 && read_ok(&v->r) && !bottomless(v); k++)
            pop(v, unpacked(f));
    } else {
        pop(v, VT_I32);
        if (i->op == OP_array_new)
            pop(v, unpacked(f));
        else if (!types_get(v->types, v->m->types[i->idx])->has_default)
            validate_fail(v, i, "type mismatch: array type %u has no default value", i->idx);
    }
    push(v, validate_ref_to(v, i->idx, false));
}

/* The segment of array.{new,init}_{data,elem} must fit the elements. */
static void check_segment(Validator *v, const Insn *i, const FieldType *f)
{
    if (op_infos[i->op].imm == IMM_TYPE_DATA) {
        if (f->storage == STORAGE_VAL && valtype_is_ref(f->type))
            validate_fail(v, i, "array type is not numeric or vector");
        validate_data(v, i, i->idx2);
        return;
    }
    const ElemSegment *e = validate_elem(v, i, i->idx2);
    if (e && (f->storage != STORAGE_VAL || !sub(v, e->type, f->type)))
        validate_mismatch(v, f->type, e->type);
}

static void array_of_segment(Validator *v, const Insn *i)
{
    const FieldType *f = array_field(v, i, i->idx);
    if (!f)
        return;
    bool init = i->op == OP_array_init_data || i->op == OP_array_init_elem;
    if (init && !f->mut)
        validate_fail(v, i, "immutable array: type %u", i->idx);
    check_segment(v, i, f);
    pop(v, VT_I32);
    pop(v, VT_I32);
    if (init) {
        pop(v, VT_I32);
        pop(v, validate_ref_to(v, i->idx, true));
    } else {
        push(v, validate_ref_to(v, i->idx, false));
    }
}

static void array_access(Validator *v, const Insn *i)
{
    const FieldType *f = array_field(v, i, i->idx);
    if (!f)
        return;
    ValType ref = validate_ref_to(v, i->idx, true);
    bool write = i->op == OP_array_set || i->op == OP_array_fill;
    if (write && !f->mut)
        validate_fail(v, i, "immutable array: type %u", i->idx);
    if (i->op == OP_array_fill)
        pop(v, VT_I32);
    if (write)
        pop(v, unpacked(f));
    else
        check_packed(v, i, f, i->op == OP_array_get);
    pop(v, VT_I32);
    pop(v, ref);
    if (!write)
        push(v, unpacked(f));
}

static void array_copy(Validator *v, const Insn *i)
{
    const FieldType *to = array_field(v, i, i->idx);
    const FieldType *from = to ? array_field(v, i, i->idx2) : NULL;
    if (!from)
        return;
    if (!to->mut)
        validate_fail(v, i, "immutable array: type %u", i->idx);
    if (to->storage != from->storage ||
        (to->storage == STORAGE_VAL && !sub(v, from->type, to->type)))
        validate_fail(v, i, "array types do not match: %u and %u", i->idx, i->idx2);
    pop(v, VT_I32);
    pop(v, VT_I32);
    pop(v, validate_ref_to(v, i->idx2, true));
    pop(v, VT_I32);
    pop(v, validate_ref_to(v, i->idx, true));
}

/* ---- casts and conversions ---- */

static void cast(Validator *v, const Insn *i)
{
    pop(v, VALTYPE_REF(heap_top(v->types, valtype_heap(i->type)), true));
    bool test = i->op == OP_ref_test || i->op == OP_ref_test_null;
    push(v, test ? VT_I32 : i->type);
}

static void convert(Validator *v, HeapType from, HeapType to)
{
    ValType t = pop(v, VALTYPE_REF(from, true));
    push(v, VALTYPE_REF(to, t != VT_BOT && valtype_nullable(t)));
}

void validate_gc_op(Validator *v, const Insn *i)
{
    switch ((u32)i->op) {
    case OP_struct_new:
    case OP_struct_new_default:
        struct_new(v, i);
        break;
    case OP_struct_get:
    case OP_struct_get_s:
    case OP_struct_get_u:
    case OP_struct_set:
        struct_access(v, i);
        break;
    case OP_array_new:
    case OP_array_new_default:
    case OP_array_new_fixed:
        array_new(v, i);
        break;
    case OP_array_new_data:
    case OP_array_new_elem:
    case OP_array_init_data:
    case OP_array_init_elem:
        array_of_segment(v, i);
        break;
    case OP_array_get:
    case OP_array_get_s:
    case OP_array_get_u:
    case OP_array_set:
    case OP_array_fill:
        array_access(v, i);
        break;
    case OP_array_copy:
        array_copy(v, i);
        break;
    case OP_array_len:
        pop(v, VALTYPE_REF(HEAP_ARRAY, true));
        push(v, VT_I32);
        break;
    case OP_ref_test:
    case OP_ref_test_null:
    case OP_ref_cast:
    case OP_ref_cast_null:
        cast(v, i);
        break;
    case OP_any_convert_extern:
        convert(v, HEAP_EXTERN, HEAP_ANY);
        break;
    case OP_extern_convert_any:
        convert(v, HEAP_ANY, HEAP_EXTERN);
        break;
    case OP_ref_i31:
        pop(v, VT_I32);
        push(v, VALTYPE_REF(HEAP_I31, false));
        break;
    case OP_i31_get_s:
    case OP_i31_get_u:
        pop(v, VALTYPE_REF(HEAP_I31, true));
        push(v, VT_I32);
        break;
    default:
        BUG("GC instruction without a rule");
    }
}
