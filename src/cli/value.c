/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Readers of booleans, numbers, sizes, durations and choices, and the distance between words. */
#include "cli/value.h"

bool value_bool(Str s, bool *ret_value)
{
    static const char *const words[] = {"n", "no", "false", "y", "yes", "true"};
    for (usize i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq(s, str_of(words[i]))) {
            *ret_value = i >= 3;
            return true;
        }
    return false;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

bool value_number(Str s, u64 *ret_value)
{
    u64 v = 0, base = 10;
    bool any = false;
    if (str_starts(s, STR("0x"))) {
        base = 16;
        s = (Str){s.p + 2, s.n - 2};
    }
    for (usize i = 0; i < s.n; i++) {
        if (s.p[i] == '_')
            continue;
        u64 digit = (u64)digit_of(s.p[i]);
        if (digit >= base || __builtin_mul_overflow(v, base, &v) ||
            __builtin_add_overflow(v, digit, &v))
            return false;
        any = true;
    }
    if (any)
        *ret_value = v;
    return any;
}

/* A number with the unit number `i` of "a|b|c" behind it; the first unit that fits. */
static bool number_with_unit(Str s, const char *const *units, const u64 *factors, usize n,
                             u64 *ret_value, u64 *ret_factor)
{
    for (usize i = 0; i < n; i++) {
        Str unit = str_of(units[i]);
        if (s.n <= unit.n || memcmp(s.p + s.n - unit.n, unit.p, unit.n) != 0)
            continue;
        if (value_number((Str){s.p, s.n - unit.n}, ret_value)) {
            *ret_factor = factors[i];
            return true;
        }
    }
    return false;
}

bool value_size(Str s, u64 *ret_value)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    static const u64 factors[] = {1 << 10, 1 << 20, 1 << 30, (u64)1 << 40};
    if (value_number(s, ret_value))
        return true;
    u64 v, factor;
    if (!number_with_unit(s, units, factors, ARRAY_LEN(units), &v, &factor) ||
        __builtin_mul_overflow(v, factor, &v))
        return false;
    *ret_value = v;
    return true;
}

bool value_duration(Str s, u64 *ret_nanos)
{
    static const char *const units[] = {"ms", "us", "\xce\xbcs", "ns", "s", ""};
    static const u64 factors[] = {1000000, 1000, 1000, 1, 1000000000, 1000000000};
    u64 v, factor;
    if (!number_with_unit(s, units, factors, ARRAY_LEN(units), &v, &factor))
        return false;
    if (__builtin_mul_overflow(v, factor, ret_nanos))
        *ret_nanos = UINT64_MAX;
    return true;
}

bool value_choice(Str s, const char *choices, u64 *ret_index)
{
    u64 index = 0;
    for (const char *at = choices; *at; index++) {
        usize n = strcspn(at, "|");
        if (str_eq(s, (Str){at, n})) {
            *ret_index = index;
            return true;
        }
        at += n + (at[n] == '|');
    }
    return false;
}

enum { DISTANCE_MAX_WORD = 64 };

u32 edit_distance(Str a, Str b, u32 limit)
{
    if (a.n > DISTANCE_MAX_WORD || b.n > DISTANCE_MAX_WORD)
        return limit + 1;
    u32 row[DISTANCE_MAX_WORD + 1];
    for (u32 j = 0; j <= b.n; j++)
        row[j] = j;
    for (u32 i = 1; i <= a.n; i++) {
        u32 diagonal = row[0];
        row[0] = i;
        for (u32 j = 1; j <= b.n; j++) {
            u32 replaced = diagonal + (a.p[i - 1] != b.p[j - 1]);
            diagonal = row[j];
            row[j] = MIN(replaced, MIN(row[j], row[j - 1]) + 1);
        }
    }
    return MIN(row[b.n], limit + 1);
}

u32 typo_distance(Str typed, Str meant, u32 limit)
{
    enum { CUT_AT_LEAST = 3 };
    if (typed.n >= CUT_AT_LEAST && str_starts(meant, typed))
        return 0;
    return edit_distance(typed, meant, limit);
}
