/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* `--invoke`: arguments in, results out. */
#include "cli/invoke.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Signed decimal, or 0x and a number that is not negative, of `bits` bits. */
static bool parse_int(const char *text, u32 bits, i64 *ret_value)
{
    bool hex = text[0] == '0' && (text[1] | 0x20) == 'x';
    const char *digits = hex ? text + 2 : text;
    if (!hex && (*digits == '-' || *digits == '+'))
        digits++;
    if (!*digits || digits[strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789")])
        return false;
    errno = 0;
    i64 v = strtoll(hex ? digits : text, NULL, hex ? 16 : 10);
    if (errno || v < INT64_MIN >> (64 - bits) || v > INT64_MAX >> (64 - bits))
        return false;
    *ret_value = v;
    return true;
}

static bool equal_ignoring_case(const char *a, const char *b)
{
    for (; *a && (*a | 0x20) == *b; a++)
        b++;
    return !*a && !*b;
}

/* A decimal number, inf, infinity or nan: what strtod reads too, without its other forms. */
static bool is_float(const char *text)
{
    if (*text == '-' || *text == '+')
        text++;
    if (equal_ignoring_case(text, "inf") || equal_ignoring_case(text, "infinity") ||
        equal_ignoring_case(text, "nan"))
        return true;
    usize whole = strspn(text, "0123456789"), fraction = 0;
    text += whole;
    if (*text == '.') {
        fraction = strspn(++text, "0123456789");
        text += fraction;
    }
    if (whole + fraction == 0)
        return false;
    if ((*text | 0x20) == 'e') {
        text += 1 + (text[1] == '-' || text[1] == '+');
        usize n = strspn(text, "0123456789");
        text += n;
        if (n == 0)
            return false;
    }
    return !*text;
}

Error *invoke_parse_value(ValType type, const char *text, VmVal *ret_value)
{
    i64 n = 0;
    VmVal v = {0};
    bool good = false;
    switch (valtype_kind(type)) {
    case KIND_I32:
        good = parse_int(text, 32, &n);
        v.i32 = (i32)n;
        break;
    case KIND_I64:
        good = parse_int(text, 64, &n);
        v.i64 = n;
        break;
    case KIND_F32:
        good = is_float(text);
        if (good) {
            float f = strtof(text, NULL);
            memcpy(&v.f32, &f, sizeof f);
        }
        break;
    case KIND_F64:
        good = is_float(text);
        if (good) {
            double d = strtod(text, NULL);
            memcpy(&v.f64, &d, sizeof d);
        }
        break;
    case KIND_V128:
    case KIND_REF:
    case KIND_BOT: {
        char name[VALTYPE_NAME_SIZE];
        return error_new("unsupported argument type %s", valtype_name(type, name));
    }
    }
    if (!good) {
        char name[VALTYPE_NAME_SIZE];
        return error_new("`%s` is not a value of type %s", text, valtype_name(type, name));
    }
    *ret_value = v;
    return NULL;
}

/* 128 bits, unsigned decimal, by long division of four 32-bit digits. */
static void print_u128(const u8 bytes[16], Buf *out)
{
    u32 limbs[4];
    memcpy(limbs, bytes, sizeof limbs);
    char digits[40];
    int n = 0;
    do {
        u64 rest = 0;
        for (int i = 3; i >= 0; i--) {
            rest = rest << 32 | limbs[i];
            limbs[i] = (u32)(rest / 10);
            rest %= 10;
        }
        digits[n++] = (char)('0' + rest);
    } while (limbs[0] | limbs[1] | limbs[2] | limbs[3]);
    while (n > 0)
        buf_u8(out, (u8)digits[--n]);
}

/* The name of the hierarchy that a reference type belongs to. */
static const char *reference_family(ValType type)
{
    static const struct {
        HeapType heap;
        const char *name;
    } rows[] = {
        {HEAP_FUNC, "funcref"},       {HEAP_NOFUNC, "funcref"}, {HEAP_EXTERN, "externref"},
        {HEAP_NOEXTERN, "externref"}, {HEAP_EXN, "exnref"},     {HEAP_NOEXN, "exnref"},
        {HEAP_CONT, "contref"},       {HEAP_NOCONT, "contref"},
    };
    for (usize i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].heap == valtype_heap(type))
            return rows[i].name;
    return "anyref";
}

void invoke_print_value(ValType type, const VmVal *v, Buf *out)
{
    switch (valtype_kind(type)) {
    case KIND_I32:
        buf_printf(out, "%d", v->i32);
        break;
    case KIND_I64:
        buf_printf(out, "%lld", (long long)v->i64);
        break;
    case KIND_F32:
        print_f32(v->f32, out);
        break;
    case KIND_F64:
        print_f64(v->f64, out);
        break;
    case KIND_V128:
        print_u128(v->v128, out);
        break;
    case KIND_REF:
    case KIND_BOT:
        buf_printf(out, v->ref ? "<%s>" : "<null %s>", reference_family(type));
        break;
    }
    buf_u8(out, '\n');
}

static void warn(const char *what)
{
    fprintf(stderr,
            "warning: using `--invoke` with a function that %s is experimental and may break in "
            "the future\n",
            what);
}

MUST_CHECK static Error *parse_args(const FuncType *t, const char *name, const char *const *args,
                                    u32 nargs, VmVal *vals)
{
    for (u32 i = 0; i < t->nparams; i++) {
        if (i == nargs)
            return name ? error_new("not enough arguments for `%s`", name)
                        : error_new("not enough arguments for command default");
        Error *e = invoke_parse_value(t->params[i], args[i], &vals[i]);
        if (e)
            return e;
    }
    return NULL;
}

Error *invoke(Store *s, VmFuncRef *f, const char *name, const char *const *args, u32 nargs)
{
    const FuncType *t = func_type(s, f);
    if (t->nparams)
        warn("takes arguments");
    VmVal *vals = mem_alloc_array(MAX(MAX(t->nparams, t->nresults), 1), sizeof *vals);
    Error *e = parse_args(t, name, args, nargs, vals);
    if (!e) {
        e = func_call(s, f, vals);
        e = name ? error_wrap(e, "failed to invoke `%s`", name)
                 : error_wrap(e, "failed to invoke command default");
    }
    if (!e && t->nresults) {
        warn("returns values");
        Buf out = {0};
        for (u32 i = 0; i < t->nresults; i++)
            invoke_print_value(t->results[i], &vals[i], &out);
        fwrite(out.p, 1, out.n, stdout);
        buf_release(&out);
    }
    mem_free(vals);
    return e;
}
