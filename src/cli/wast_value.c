/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Values of scripts: arguments, expected results with NaN patterns and alternatives. */
#include "cli/invoke.h"
#include "cli/wast_run.h"

/* An external reference with the number n is a host pointer that is not null. */
static void *host_of_number(u32 n)
{
    return (void *)((uintptr_t)n + 1);
}

static bool number_type(u8 kind, ValType type)
{
    static const ValType types[] = {[WAST_VALUE_I32] = VT_I32,
                                    [WAST_VALUE_I64] = VT_I64,
                                    [WAST_VALUE_F32] = VT_F32,
                                    [WAST_VALUE_F64] = VT_F64,
                                    [WAST_VALUE_V128] = VT_V128};
    return types[kind] == type;
}

bool wast_value_make(Store *s, const WastValue *v, ValType type, VmVal *ret_value)
{
    VmVal out = {0};
    switch ((WastValueKind)v->kind) {
    case WAST_VALUE_I32:
    case WAST_VALUE_I64:
    case WAST_VALUE_F32:
    case WAST_VALUE_F64:
    case WAST_VALUE_V128:
        if (!number_type(v->kind, type))
            return false;
        memcpy(out.v128, v->bytes, sizeof out.v128);
        break;
    case WAST_VALUE_NULL:
        if (!valtype_is_ref(type))
            return false;
        break;
    case WAST_VALUE_EXTERN:
        if (!valtype_is_ref(type) || valtype_heap(type) != HEAP_EXTERN || v->any)
            return false;
        out.ref = store_extern_new(s, host_of_number(v->number));
        break;
    case WAST_VALUE_HOST:
    case WAST_VALUE_REF:
    case WAST_VALUE_EITHER:
    case WAST_VALUE_COMPONENT:
        return false;
    }
    *ret_value = out;
    return true;
}

/* A lane or a number of `bits` bits against a pattern. */
static bool float_matches(u8 nan, u32 bits, u64 expected, u64 actual)
{
    u64 quiet = (u64)1 << (bits == 32 ? 22 : 51);
    u64 infinity = bits == 32 ? 0x7f800000 : 0x7ff0000000000000;
    u64 magnitude = actual & ((quiet << 1 | (quiet - 1)) | infinity | quiet);
    switch ((WastNan)nan) {
    case WAST_NAN_CANONICAL:
        return magnitude == (infinity | quiet);
    case WAST_NAN_ARITHMETIC:
        return (actual & (infinity | quiet)) == (infinity | quiet);
    case WAST_NAN_NONE:
        break;
    }
    return expected == actual;
}

static u64 lane(const u8 *bytes, u32 bits, u32 i)
{
    u64 v = 0;
    memcpy(&v, bytes + (usize)i * bits / 8, bits / 8);
    return v;
}

static bool vector_matches(const WastValue *e, const VmVal *actual)
{
    for (u32 i = 0; i < 128u / e->lane_bits; i++) {
        u8 nan = e->is_float ? e->nan[i] : WAST_NAN_NONE;
        if (!float_matches(nan, e->lane_bits, lane(e->bytes, e->lane_bits, i),
                           lane(actual->v128, e->lane_bits, i)))
            return false;
    }
    return true;
}

/* Is the non-null reference of the family that the script names? */
static bool reference_matches(Store *s, HeapType heap, ValType type)
{
    return valtype_is_ref(type) && heap_is_subtype(store_registry(s), valtype_heap(type), heap);
}

bool wast_value_matches(Store *s, const WastValue *e, ValType type, const VmVal *actual)
{
    switch ((WastValueKind)e->kind) {
    case WAST_VALUE_I32:
        return type == VT_I32 && load_u32(e->bytes) == (u32)actual->i32;
    case WAST_VALUE_I64:
        return type == VT_I64 && load_u64(e->bytes) == (u64)actual->i64;
    case WAST_VALUE_F32:
        return type == VT_F32 && float_matches(e->nan[0], 32, load_u32(e->bytes), actual->f32);
    case WAST_VALUE_F64:
        return type == VT_F64 && float_matches(e->nan[0], 64, load_u64(e->bytes), actual->f64);
    case WAST_VALUE_V128:
        return type == VT_V128 && vector_matches(e, actual);
    case WAST_VALUE_NULL:
        return valtype_is_ref(type) && actual->ref == 0;
    case WAST_VALUE_EXTERN:
        return valtype_is_ref(type) && actual->ref != 0 && valtype_heap(type) == HEAP_EXTERN &&
               (e->any || store_extern_get(s, actual->ref) == host_of_number(e->number));
    case WAST_VALUE_HOST:
    case WAST_VALUE_COMPONENT:
        return false; /* no host value can become an `any` reference yet */
    case WAST_VALUE_REF:
        return actual->ref != 0 && reference_matches(s, e->heap, type);
    case WAST_VALUE_EITHER:
        for (u32 i = 0; i < e->nalternatives; i++)
            if (wast_value_matches(s, &e->alternatives[i], type, actual))
                return true;
        return false;
    }
    return false;
}

static void print_lanes(const WastValue *v, Buf *out)
{
    for (u32 i = 0; i < 128u / v->lane_bits; i++) {
        u8 nan = v->is_float ? v->nan[i] : WAST_NAN_NONE;
        if (nan)
            buf_str(out,
                    nan == WAST_NAN_CANONICAL ? STR(" nan:canonical") : STR(" nan:arithmetic"));
        else
            buf_printf(out, " 0x%llx", (unsigned long long)lane(v->bytes, v->lane_bits, i));
    }
}

static void print_float(u8 nan, u32 bits, u64 value, Buf *out)
{
    buf_printf(out, "f%u:", bits);
    if (nan)
        buf_str(out, nan == WAST_NAN_CANONICAL ? STR("nan:canonical") : STR("nan:arithmetic"));
    else if (bits == 32)
        print_f32((u32)value, out);
    else
        print_f64(value, out);
    if (!nan)
        buf_printf(out, " (0x%llx)", (unsigned long long)value);
}

void wast_value_print(const WastValue *v, Buf *out)
{
    char name[VALTYPE_NAME_SIZE];
    switch ((WastValueKind)v->kind) {
    case WAST_VALUE_I32:
        buf_printf(out, "i32:%d", (i32)load_u32(v->bytes));
        break;
    case WAST_VALUE_I64:
        buf_printf(out, "i64:%lld", (long long)load_u64(v->bytes));
        break;
    case WAST_VALUE_F32:
        print_float(v->nan[0], 32, load_u32(v->bytes), out);
        break;
    case WAST_VALUE_F64:
        print_float(v->nan[0], 64, load_u64(v->bytes), out);
        break;
    case WAST_VALUE_V128:
        buf_printf(out, "%c%ux%u:", v->is_float ? 'f' : 'i', v->lane_bits, 128u / v->lane_bits);
        print_lanes(v, out);
        break;
    case WAST_VALUE_NULL:
        buf_str(out, STR("a null reference"));
        break;
    case WAST_VALUE_EXTERN:
    case WAST_VALUE_HOST:
        buf_printf(out, "host reference %u", v->number);
        break;
    case WAST_VALUE_REF:
        buf_printf(out, "a %s", valtype_name(VALTYPE_REF(v->heap, false), name));
        break;
    case WAST_VALUE_EITHER:
        for (u32 i = 0; i < v->nalternatives; i++) {
            buf_str(out, i ? STR(" or ") : STR(""));
            wast_value_print(&v->alternatives[i], out);
        }
        break;
    case WAST_VALUE_COMPONENT:
        buf_str(out, STR("a component's value"));
        break;
    }
}

void wast_value_print_actual(Store *s, ValType type, const VmVal *v, Buf *out)
{
    char name[VALTYPE_NAME_SIZE];
    switch (valtype_kind(type)) {
    case KIND_I32:
        buf_printf(out, "i32:%d", v->i32);
        break;
    case KIND_I64:
        buf_printf(out, "i64:%lld", (long long)v->i64);
        break;
    case KIND_F32:
        print_float(WAST_NAN_NONE, 32, v->f32, out);
        break;
    case KIND_F64:
        print_float(WAST_NAN_NONE, 64, v->f64, out);
        break;
    case KIND_V128:
        buf_str(out, STR("i64x2:"));
        buf_printf(out, " 0x%llx 0x%llx", (unsigned long long)v->pair[0],
                   (unsigned long long)v->pair[1]);
        break;
    case KIND_REF:
    case KIND_BOT:
        buf_printf(out, "%s %s", v->ref ? "a" : "null as", valtype_name(type, name));
        if (v->ref && valtype_heap(type) == HEAP_EXTERN)
            buf_printf(out, " (host reference %llu)",
                       (unsigned long long)(uintptr_t)store_extern_get(s, v->ref) - 1);
        break;
    }
}
