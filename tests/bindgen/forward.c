/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Exports what it imports, and looks whether counters are counted. */
#include "forward.h"

#include <string.h>

#define I(name) test_shapes_types_##name
#define E(name) exports_test_shapes_types_##name
#define C(name) test_shapes_counters_##name
/* Both sides have types of the same layout. */
#define AS(type, p) ((I(type) *)(void *)(p))

void E(numbers)(uint8_t a, int8_t b, uint16_t c, int16_t d, uint32_t e, int32_t f, uint64_t g,
                int64_t h, float i, double j, uint32_t k, bool l,
                forward_tuple12_u8_s8_u16_s16_u32_s32_u64_s64_f32_f64_char32_bool_t *ret)
{
    I(numbers)(a, b, c, d, e, f, g, h, i, j, k, l, ret);
}

void E(text)(forward_string_t *s, forward_string_t *ret)
{
    I(text)(s, ret);
    forward_string_free(s);
}

void E(rec)(E(point_t) * p, E(named_t) * n, E(named_t) * ret)
{
    I(rec)(AS(point_t, p), AS(named_t, n), AS(named_t, ret));
    E(named_free)(n);
}

void E(var)(E(shape_t) * s, E(shape_t) * ret)
{
    I(var)(AS(shape_t, s), AS(shape_t, ret));
    E(shape_free)(s);
}

E(color_t) E(col)(E(color_t) c)
{
    return I(col)(c);
}

E(many_t) E(bits)(E(access_t) a, E(many_t) m)
{
    return I(bits)(a, m);
}

bool E(opt)(uint32_t *maybe_o, forward_string_t *ret)
{
    return I(opt)(maybe_o, ret);
}

bool E(nested)(forward_option_u32_t *maybe_o, forward_option_u32_t *ret)
{
    return I(nested)(maybe_o, ret);
}

bool E(res)(E(result_u32_string_t) * r, uint32_t *ret, forward_string_t *err)
{
    return I(res)(AS(result_u32_string_t, r), ret, err);
}

bool E(no_err)(E(result_u32_void_t) * r, uint32_t *ret)
{
    return I(no_err)(AS(result_u32_void_t, r), ret);
}

bool E(no_ok)(E(result_void_color_t) * r, E(color_t) * err)
{
    return I(no_ok)(AS(result_void_color_t, r), err);
}

bool E(bare)(E(result_void_void_t) * r)
{
    return I(bare)(AS(result_void_void_t, r));
}

void E(pair)(forward_tuple3_u32_string_list_u8_t *t, forward_tuple2_list_u8_string_t *ret)
{
    I(pair)(t, ret);
}

void E(single)(forward_tuple1_u8_t *t, forward_tuple1_u8_t *ret)
{
    I(single)(t, ret);
}

void E(lists)(forward_list_list_string_t *l, forward_list_tuple2_string_u32_t *ret)
{
    I(lists)(l, ret);
}

void E(large)(E(named_t) * a, E(named_t) * b, forward_string_t *maybe_c, E(outcome_t) * d,
              uint8_t e, forward_list_string_t *ret)
{
    I(large)(AS(named_t, a), AS(named_t, b), maybe_c, AS(outcome_t, d), e, ret);
}

bool E(alias)(E(points_t) * p, forward_string_t *maybe_m, E(outcome_t) * o, E(point_t) * ret,
              forward_string_t *err)
{
    return I(alias)(AS(points_t, p), maybe_m, AS(outcome_t, o), AS(point_t, ret), err);
}

static const char *check_counters(void)
{
    C(own_counter_t) a = C(constructor_counter)(5), b = C(constructor_counter)(7);
    forward_string_t prefix, text;
    C(shade_t) shade = 0;
    C(method_counter_next)(C(borrow_counter)(a));
    forward_string_set(&prefix, "a=");
    if (!C(method_counter_label)(C(borrow_counter)(a), &prefix, &text, &shade))
        return "no label";
    if (text.len != 3 || memcmp(text.ptr, "a=6", 3) != 0)
        return "another label";
    forward_string_free(&text);
    prefix.len = 0;
    if (C(method_counter_label)(C(borrow_counter)(a), &prefix, &text, &shade) ||
        shade != TEST_SHAPES_TYPES_COLOR_BLUE)
        return "a label without a prefix";
    C(own_counter_t) sum = C(static_counter_sum)(C(borrow_counter)(a), b);
    if (C(method_counter_next)(C(borrow_counter)(sum)) != 13)
        return "another sum";
    C(borrow_counter_t) lent[] = {C(borrow_counter)(a), C(borrow_counter)(a)};
    C(list_borrow_counter_t) borrows = {lent, 2};
    C(list_own_counter_t) owns = {&sum, 1}, back;
    C(own_counter_t) out;
    if (C(mix)(&owns, &borrows, NULL, &out, &back) || back.len != 1)
        return "the list is not given back";
    if (C(method_counter_next)(C(borrow_counter)(a)) != 206)
        return "borrows are not counted";
    borrows.len = 0; /* an owned handle cannot be given away while it is lent */
    if (!C(mix)(&back, &borrows, &a, &out, &owns) || C(static_counter_live)() != 1)
        return "the list is not dropped";
    C(counter_drop_own)(out);
    return C(static_counter_live)() == 0 ? "" : "the last one is not dropped";
}

void exports_test_shapes_check_resources(forward_string_t *ret)
{
    forward_string_dup(ret, check_counters());
}
