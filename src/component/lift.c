/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Checked primitives of lifting and lowering. Failures have Wasmtime's words. */
#include "component/lift.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>

/* Bytes of one string or list in guest memory. */
enum { LIFT_MAX_BYTES = (1 << 28) - 1 };
static const u32 UTF16_TAG = (u32)1 << 31;

void lift_fail(LiftCall *c, const char *fmt, ...)
{
    if (c->failed)
        return;
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    c->failed = true;
    c->env->ops->fail(c, text);
}

static bool in_bounds(const LiftCall *c, u64 at, u64 size)
{
    return size <= c->length && at <= c->length - size;
}

void lift_check_range(LiftCall *c, u32 at, u32 size, u32 align)
{
    if (c->failed)
        return;
    if (at & (align - 1))
        lift_fail(c, "pointer not aligned");
    else if (!in_bounds(c, at, size))
        lift_fail(c, "pointer out of bounds of memory");
}

static bool use_fuel(LiftCall *c, u64 bytes)
{
    if (bytes > c->fuel) {
        lift_fail(c, "too much data is being copied between the host and the guest: fuel allocated "
                     "for hostcalls has been exhausted");
        return false;
    }
    c->fuel -= bytes;
    return true;
}

void *lift_alloc(LiftCall *c, usize n, usize size)
{
    return arena_alloc_array(&c->arena, n, size);
}

Str lift_copy(LiftCall *c, Str s)
{
    return (Str){arena_strdup(&c->arena, s), s.n};
}

void *lift_array(LiftCall *c, usize n, usize size)
{
    if (c->failed || n == 0 || !use_fuel(c, (u64)n * size))
        return NULL;
    return arena_alloc_array(&c->arena, n, size);
}

/* Where UTF-8 goes wrong, as Rust's decoder says it. */
static void fail_utf8(LiftCall *c, const u8 *p, usize n)
{
    usize at, bad = utf8_bad(p, n, &at);
    if (bad)
        lift_fail(c, "invalid utf-8 sequence of %zu bytes from index %zu", bad, at);
    else
        lift_fail(c, "incomplete utf-8 byte sequence from index %zu", at);
}

static Str lift_utf8(LiftCall *c, const u8 *p, u32 len)
{
    if (!utf8_valid(p, len)) {
        fail_utf8(c, p, len);
        return STR("");
    }
    return (Str){(const char *)p, len};
}

static Str keep_buf(LiftCall *c, Buf *b)
{
    Str s = {arena_strdup(&c->arena, (Str){(const char *)b->p, b->n}), b->n};
    buf_release(b);
    return s;
}

static Str lift_latin1(LiftCall *c, const u8 *p, u32 len)
{
    Buf out = {0};
    if (!use_fuel(c, (u64)len * 2))
        return STR("");
    for (u32 i = 0; i < len; i++)
        utf8_put(&out, p[i]);
    return keep_buf(c, &out);
}

static Str lift_utf16(LiftCall *c, const u8 *p, u32 units)
{
    Buf out = {0};
    if (!use_fuel(c, (u64)units * 3))
        return STR("");
    for (u32 i = 0; i < units; i++) {
        u32 code = load_u16(p + (usize)i * 2);
        if (code >= 0xd800 && code <= 0xdfff) {
            u32 low = i + 1 < units ? load_u16(p + ((usize)i + 1) * 2) : 0;
            if (code >= 0xdc00 || low < 0xdc00 || low > 0xdfff) {
                lift_fail(c, "unpaired surrogate found: %x", code);
                break;
            }
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            i++;
        }
        utf8_put(&out, code);
    }
    return keep_buf(c, &out);
}

Str lift_string(LiftCall *c, u32 at, u32 len)
{
    bool wide = c->env->encoding == LIFT_UTF16;
    if (c->env->encoding == LIFT_LATIN1_UTF16 && (len & UTF16_TAG)) {
        wide = true;
        len ^= UTF16_TAG;
    }
    if (c->failed)
        return STR("");
    u64 bytes = (u64)len * (wide ? 2 : 1);
    if (c->env->encoding != LIFT_UTF8 && (at & 1))
        lift_fail(c, "string pointer not aligned to 2");
    else if (bytes > LIFT_MAX_BYTES || !in_bounds(c, at, bytes))
        lift_fail(c, "string pointer/length out of bounds of memory");
    if (c->failed || len == 0)
        return STR("");
    const u8 *p = c->base + at;
    if (c->env->encoding == LIFT_UTF8 && !use_fuel(c, bytes))
        return STR("");
    if (wide)
        return lift_utf16(c, p, len);
    return c->env->encoding == LIFT_UTF8 ? lift_utf8(c, p, len) : lift_latin1(c, p, len);
}

const void *lift_list(LiftCall *c, u32 at, u32 n, u32 size, u32 align)
{
    u64 bytes = (u64)n * size;
    if (c->failed)
        return NULL;
    if (bytes > LIFT_MAX_BYTES || !in_bounds(c, at, bytes))
        lift_fail(c, "list pointer/length out of bounds of memory");
    else if (at & (align - 1))
        lift_fail(c, "list pointer is not aligned");
    return c->failed || n == 0 || !use_fuel(c, bytes) ? NULL : c->base + at;
}

static bool is_scalar(u32 v)
{
    return v < 0xd800 || (v > 0xdfff && v < 0x110000);
}

u32 lift_char(LiftCall *c, u32 v)
{
    if (is_scalar(v))
        return v;
    lift_fail(c, "converted integer out of range for `char`");
    return 0;
}

u32 lift_case(LiftCall *c, u32 v, u32 n)
{
    if (LIKELY(v < n))
        return v;
    lift_fail(c, "unexpected discriminant: %u", v);
    return 0;
}

u32 lower_char(LiftCall *c, u32 v)
{
    return lift_char(c, v);
}

/* Calls realloc and checks what it gives. */
static u32 guest_realloc(LiftCall *c, u32 old, u32 old_size, u32 align, u64 size)
{
    if (c->failed)
        return 0;
    if (size > UINT32_MAX) {
        lift_fail(c, "realloc return: beyond end of memory");
        return 0;
    }
    u32 at = c->env->ops->realloc(c, old, old_size, align, (u32)size);
    lift_refresh(c);
    if (c->failed)
        return 0;
    if (at & (align - 1))
        lift_fail(c, "realloc return: result not aligned");
    else if (!in_bounds(c, at, size))
        lift_fail(c, "realloc return: beyond end of memory");
    return c->failed ? 0 : at;
}

u32 lower_alloc(LiftCall *c, usize n, u32 size, u32 align)
{
    u64 bytes; /* 0, too: guests may rely on getting what their realloc gave */
    if (__builtin_mul_overflow(n, (u64)size, &bytes))
        bytes = UINT64_MAX;
    return guest_realloc(c, 0, 0, align, bytes);
}

static u32 utf16_units(Str s)
{
    u32 units = 0;
    for (usize i = 0; i < s.n; i++) {
        u8 b = (u8)s.p[i];
        units += (b & 0xc0) != 0x80;
        units += b >= 0xf0; /* two units */
    }
    return units;
}

static void write_utf16(u8 *to, Str s)
{
    for (usize i = 0; i < s.n;) {
        u32 code = 0, len = utf8_decode((const u8 *)s.p + i, s.n - i, &code);
        if (code >= 0x10000) {
            store_u16(to, (u16)(0xd800 + ((code - 0x10000) >> 10)));
            store_u16(to + 2, (u16)(0xdc00 + ((code - 0x10000) & 0x3ff)));
            to += 4;
        } else {
            store_u16(to, (u16)code);
            to += 2;
        }
        i += len;
    }
}

static bool fits_latin1(Str s)
{
    for (usize i = 0; i < s.n; i++)
        if ((u8)s.p[i] > 0xc3) /* the lead of U+0100 and above */
            return false;
    return true;
}

static void write_latin1(u8 *to, Str s)
{
    for (usize i = 0; i < s.n;) {
        u32 code = 0;
        i += utf8_decode((const u8 *)s.p + i, s.n - i, &code);
        *to++ = (u8)code;
    }
}

void lower_string(LiftCall *c, u32 at, Str s)
{
    ALWAYS(s.n <= LIFT_MAX_BYTES); /* hosts have limits below this one */
    bool utf8 = c->env->encoding == LIFT_UTF8;
    ALWAYS(utf8 || utf8_valid(s.p, s.n));
    u32 len = (u32)s.n, to;
    if (utf8) {
        to = lower_alloc(c, len, 1, 1);
        lower_bytes(c, to, s.p, len);
    } else if (c->env->encoding == LIFT_LATIN1_UTF16 && fits_latin1(s)) {
        len = utf16_units(s);
        to = lower_alloc(c, len, 1, 2);
        if (!c->failed && len)
            write_latin1(c->base + to, s);
    } else {
        u32 units = utf16_units(s);
        to = lower_alloc(c, units, 2, 2);
        if (!c->failed && units)
            write_utf16(c->base + to, s);
        len = c->env->encoding == LIFT_UTF16 ? units : units | UTF16_TAG;
    }
    if (c->failed)
        return;
    lower_u32(c, at, to);
    lower_u32(c, at + 4, len);
}
