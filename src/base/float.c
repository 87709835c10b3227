/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Floats as text: the fewest digits that read back to the same number. */
#include "base/float.h"

#include <stdio.h>
#include <stdlib.h>

/* From "d.ddde[+-]dd" to plain digits. */
static void print_plain(const char *scientific, Buf *out)
{
    if (*scientific == '-')
        buf_u8(out, '-');
    const char *mantissa = scientific + (*scientific == '-'), *e = strchr(mantissa, 'e');
    int exponent = (int)strtol(e + 1, NULL, 10);
    char digits[32];
    int n = 0;
    for (const char *c = mantissa; c < e; c++)
        if (*c != '.')
            digits[n++] = *c;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    if (exponent < 0) {
        buf_str(out, STR("0."));
        for (int i = -1; i > exponent; i--)
            buf_u8(out, '0');
    }
    for (int i = 0; i < MAX(n, exponent + 1); i++) {
        if (exponent >= 0 && i == exponent + 1)
            buf_u8(out, '.');
        buf_u8(out, i < n ? (u8)digits[i] : '0');
    }
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
    char text[48];
    for (int precision = 0; precision < 10; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, (double)f);
        if (strtof(text, NULL) == f)
            break;
    }
    print_plain(text, out);
}

void print_f64(u64 bits, Buf *out)
{
    double d;
    memcpy(&d, &bits, sizeof d);
    if (print_special(d, out))
        return;
    char text[48];
    for (int precision = 0; precision < 18; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, d);
        if (strtod(text, NULL) == d)
            break;
    }
    print_plain(text, out);
}
