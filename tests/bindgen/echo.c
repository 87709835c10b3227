/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Gives values back, and keeps counters. */
#include "echo.h"

#include <stdlib.h>
#include <string.h>

#define F(name) exports_test_shapes_types_##name
#define C(name) exports_test_shapes_counters_##name

/* The string is `prefix` and the number. */
static void set_text(echo_string_t *ret, const uint8_t *prefix, size_t n, uint32_t number)
{
    uint8_t digits[10];
    size_t at = sizeof digits;
    do {
        digits[--at] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number);
    ret->len = n + sizeof digits - at;
    ret->ptr = malloc(ret->len);
    memcpy(ret->ptr, prefix, n);
    memcpy(ret->ptr + n, digits + at, sizeof digits - at);
}

void F(numbers)(uint8_t a, int8_t b, uint16_t c, int16_t d, uint32_t e, int32_t f, uint64_t g,
                int64_t h, float i, double j, uint32_t k, bool l,
                echo_tuple12_u8_s8_u16_s16_u32_s32_u64_s64_f32_f64_char32_bool_t *ret)
{
    ret->f0 = a, ret->f1 = b, ret->f2 = c, ret->f3 = d, ret->f4 = e, ret->f5 = f;
    ret->f6 = g, ret->f7 = h, ret->f8 = i, ret->f9 = j, ret->f10 = k, ret->f11 = l;
}

void F(text)(echo_string_t *s, echo_string_t *ret)
{
    *ret = *s;
}

void F(rec)(F(point_t) * p, F(named_t) * n, F(named_t) * ret)
{
    *ret = *n;
    ret->at.is_some = true;
    ret->at.val = *p;
}

void F(var)(F(shape_t) * s, F(shape_t) * ret)
{
    *ret = *s;
}

F(color_t) F(col)(F(color_t) c)
{
    return c;
}

F(many_t) F(bits)(F(access_t) a, F(many_t) m)
{
    return a & EXPORTS_TEST_SHAPES_TYPES_ACCESS_WRITE ? m | EXPORTS_TEST_SHAPES_TYPES_MANY_A16 : m;
}

bool F(opt)(uint32_t *maybe_o, echo_string_t *ret)
{
    if (maybe_o)
        set_text(ret, NULL, 0, *maybe_o);
    return maybe_o != NULL;
}

bool F(nested)(echo_option_u32_t *maybe_o, echo_option_u32_t *ret)
{
    if (maybe_o)
        *ret = *maybe_o;
    return maybe_o != NULL;
}

bool F(res)(F(result_u32_string_t) * r, uint32_t *ret, echo_string_t *err)
{
    if (r->is_err)
        *err = r->val.err;
    else
        *ret = r->val.ok;
    return !r->is_err;
}

bool F(no_err)(F(result_u32_void_t) * r, uint32_t *ret)
{
    *ret = r->val.ok;
    return !r->is_err;
}

bool F(no_ok)(F(result_void_color_t) * r, F(color_t) * err)
{
    *err = r->val.err;
    return !r->is_err;
}

bool F(bare)(F(result_void_void_t) * r)
{
    return !r->is_err;
}

void F(pair)(echo_tuple3_u32_string_list_u8_t *t, echo_tuple2_list_u8_string_t *ret)
{
    ret->f0 = t->f2;
    ret->f1 = t->f1;
}

void F(single)(echo_tuple1_u8_t *t, echo_tuple1_u8_t *ret)
{
    *ret = *t;
}

void F(lists)(echo_list_list_string_t *l, echo_list_tuple2_string_u32_t *ret)
{
    ret->len = l->len;
    ret->ptr = calloc(l->len, sizeof *ret->ptr);
    for (size_t i = 0; i < l->len; i++) {
        ret->ptr[i].f1 = (uint32_t)l->ptr[i].len;
        if (l->ptr[i].len)
            echo_string_dup_n(&ret->ptr[i].f0, (char *)l->ptr[i].ptr[0].ptr, l->ptr[i].ptr[0].len);
    }
    echo_list_list_string_free(l);
}

void F(large)(F(named_t) * a, F(named_t) * b, echo_string_t *maybe_c, F(outcome_t) * d, uint8_t e,
              echo_list_string_t *ret)
{
    ret->len = 5;
    ret->ptr = calloc(ret->len, sizeof *ret->ptr);
    ret->ptr[0] = a->name;
    ret->ptr[1] = b->both.f1;
    if (maybe_c)
        ret->ptr[2] = *maybe_c;
    set_text(&ret->ptr[3], NULL, 0, d->is_err ? 0 : (uint32_t)d->val.ok.x);
    set_text(&ret->ptr[4], (const uint8_t *)"n", 1, e + (uint32_t)b->points.len);
}

bool F(alias)(F(points_t) * p, echo_string_t *maybe_m, F(outcome_t) * o, F(point_t) * ret,
              echo_string_t *err)
{
    if (p->len)
        *ret = p->ptr[p->len - 1];
    else if (maybe_m)
        *err = *maybe_m;
    else if (o->is_err)
        *err = o->val.err;
    else
        *ret = o->val.ok;
    return p->len || (!maybe_m && !o->is_err);
}

struct exports_test_shapes_counters_counter_t {
    uint32_t at;
};

static uint32_t live;

C(own_counter_t) C(constructor_counter)(uint32_t first)
{
    C(counter_t) *c = malloc(sizeof *c);
    c->at = first;
    live++;
    return C(counter_new)(c);
}

void C(counter_destructor)(C(counter_t) * c)
{
    live--;
    free(c);
}

uint32_t C(method_counter_next)(C(borrow_counter_t) self)
{
    return self->at++;
}

bool C(method_counter_label)(C(borrow_counter_t) self, echo_string_t *prefix, echo_string_t *ret,
                             C(shade_t) * err)
{
    if (prefix->len == 0) {
        *err = EXPORTS_TEST_SHAPES_TYPES_COLOR_BLUE;
        return false;
    }
    set_text(ret, prefix->ptr, prefix->len, self->at);
    echo_string_free(prefix);
    return true;
}

C(own_counter_t) C(static_counter_sum)(C(borrow_counter_t) a, C(own_counter_t) b)
{
    C(own_counter_t) sum = C(constructor_counter)(a->at + C(counter_rep)(b)->at);
    C(counter_drop_own)(b);
    return sum;
}

uint32_t C(static_counter_live)(void)
{
    return live;
}

bool C(mix)(C(list_own_counter_t) * l, C(list_borrow_counter_t) * b, C(own_counter_t) * maybe_o,
            C(own_counter_t) * ret, C(list_own_counter_t) * err)
{
    for (size_t i = 0; i < b->len; i++)
        b->ptr[i]->at += 100;
    if (!maybe_o) {
        *err = *l;
        return false;
    }
    for (size_t i = 0; i < l->len; i++)
        C(counter_drop_own)(l->ptr[i]);
    C(list_own_counter_free)(l);
    *ret = *maybe_o;
    return true;
}
