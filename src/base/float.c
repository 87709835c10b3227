/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Floats as text: the fewest digits that read back to the same number. */
#include "base/float.h"

#include <stdio.h>
#include <stdlib.h>

/* Enough for any double, exactly: its smallest one has 767 digits. */
enum { EXACT_DIGITS = 768, EXACT_SIZE = EXACT_DIGITS + 32 };

/* A number as digits of which the first stands before the point, times ten to the exponent. */
typedef struct Decimal {
    char digits[EXACT_DIGITS + 2];
    int n, exponent;
    bool negative;
} Decimal;

static void decimal_exact(double value, Decimal *ret)
{
    char text[EXACT_SIZE];
    snprintf(text, sizeof text, "%.*e", EXACT_DIGITS, value);
    const char *at = text + (*text == '-'), *e = strchr(at, 'e');
    ret->negative = *text == '-';
    ret->exponent = (int)strtol(e + 1, NULL, 10);
    ret->n = 0;
    for (; at < e; at++)
        if (*at != '.')
            ret->digits[ret->n++] = *at;
}

/* To n digits, halves away from zero. */
static Decimal decimal_round(const Decimal *exact, int n)
{
    Decimal d = {.n = n, .exponent = exact->exponent, .negative = exact->negative};
    memcpy(d.digits, exact->digits, (usize)n);
    if (exact->digits[n] < '5')
        return d;
    int i = n - 1;
    while (i >= 0 && d.digits[i] == '9')
        d.digits[i--] = '0';
    if (i >= 0) {
        d.digits[i]++;
    } else {
        d.digits[0] = '1';
        d.exponent++;
    }
    return d;
}

static void decimal_scientific(const Decimal *d, char *text, usize size)
{
    snprintf(text, size, "%s%.*se%d", d->negative ? "-" : "", d->n, d->digits,
             d->exponent - d->n + 1);
}

static void decimal_print(const Decimal *d, Buf *out)
{
    int n = d->n;
    while (n > 1 && d->digits[n - 1] == '0')
        n--;
    if (d->negative)
        buf_u8(out, '-');
    if (d->exponent < 0) {
        buf_str(out, STR("0."));
        for (int i = -1; i > d->exponent; i--)
            buf_u8(out, '0');
    }
    for (int i = 0; i < MAX(n, d->exponent + 1); i++) {
        if (d->exponent >= 0 && i == d->exponent + 1)
            buf_u8(out, '.');
        buf_u8(out, i < n ? (u8)d->digits[i] : '0');
    }
}

/* The fewest digits that are read as the same number; of two that are equally near, the larger one.
 */
static void print_shortest(double value, bool is_f32, Buf *out)
{
    Decimal exact, d = {0};
    decimal_exact(value, &exact);
    for (int n = 1; n <= (is_f32 ? 9 : 17); n++) {
        char text[64];
        d = decimal_round(&exact, n);
        decimal_scientific(&d, text, sizeof text);
        if (is_f32 ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value)
            break;
    }
    decimal_print(&d, out);
}

static bool print_special(double d, Buf *out)
{
    if (d != d)
        buf_str(out, STR("NaN"));
    else if (d > 1.7976931348623157e308 || d < -1.7976931348623157e308)
        buf_str(out, d > 0 ? STR("inf") : STR("-inf"));
    else
        return false;
    return true;
}

void print_f32(u32 bits, Buf *out)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    if (print_special((double)f, out))
        return;
    print_shortest((double)f, true, out);
}

void print_f64(u64 bits, Buf *out)
{
    double d;
    memcpy(&d, &bits, sizeof d);
    if (print_special(d, out))
        return;
    print_shortest(d, false, out);
}
