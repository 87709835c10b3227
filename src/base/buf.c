/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The growing byte buffer. */
#include "base/buf.h"

#include <stdio.h>
#include <time.h>

void buf_release(Buf *b)
{
    mem_free(b->p);
    *b = (Buf){0};
}

void buf_reserve(Buf *b, usize more)
{
    if (more <= b->cap - b->n)
        return;
    usize cap = MAX(b->cap * 2, b->n + more);
    cap = MAX(cap, (usize)64);
    b->p = mem_resize(b->p, cap);
    b->cap = cap;
}

void buf_bytes(Buf *b, const void *p, usize n)
{
    if (n == 0)
        return;
    buf_reserve(b, n);
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

void buf_str(Buf *b, Str s)
{
    buf_bytes(b, s.p, s.n);
}

void buf_vprintf(Buf *b, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    ALWAYS(n >= 0);
    buf_reserve(b, (usize)n + 1);
    vsnprintf((char *)b->p + b->n, (usize)n + 1, fmt, again);
    b->n += (usize)n;
    va_end(again);
}

void buf_printf(Buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(b, fmt, ap);
    va_end(ap);
}

void buf_uleb(Buf *b, u64 v)
{
    do {
        u8 byte = v & 0x7f;
        v >>= 7;
        buf_u8(b, v ? byte | 0x80 : byte);
    } while (v);
}

void buf_sleb(Buf *b, i64 v)
{
    for (;;) {
        u8 byte = v & 0x7f;
        v >>= 7;
        if ((v == 0 && !(byte & 0x40)) || (v == -1 && (byte & 0x40))) {
            buf_u8(b, byte);
            return;
        }
        buf_u8(b, byte | 0x80);
    }
}

void buf_sized(Buf *b, const void *p, usize n)
{
    buf_uleb(b, n);
    buf_bytes(b, p, n);
}

void buf_name(Buf *b, Str s)
{
    buf_sized(b, s.p, s.n);
}

void buf_section(Buf *b, u8 id, const Buf *content)
{
    buf_u8(b, id);
    buf_sized(b, content->p, content->n);
}

void buf_quoted(Buf *b, Str s)
{
    buf_u8(b, '"');
    for (usize i = 0; i < s.n; i++) {
        u8 c = (u8)s.p[i];
        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
            buf_printf(b, "\\%02x", c);
        else
            buf_u8(b, c);
    }
    buf_u8(b, '"');
}

void buf_utc(Buf *b, u64 seconds)
{
    char text[sizeof "0000-00-00T00:00:00"];
    time_t at = (time_t)seconds;
    struct tm tm = {0};
    if (gmtime_r(&at, &tm))
        buf_bytes(b, text, strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm));
}

void buf_u32(Buf *b, u32 v)
{
    buf_bytes(b, &v, sizeof v);
}

void buf_u64(Buf *b, u64 v)
{
    buf_bytes(b, &v, sizeof v);
}

char *buf_take_string(Buf *b)
{
    buf_u8(b, 0);
    char *s = (char *)b->p;
    *b = (Buf){0};
    return s;
}

void buf_insert(Buf *b, usize at, const void *p, usize n)
{
    ALWAYS(at <= b->n);
    buf_reserve(b, n);
    memmove(b->p + at + n, b->p + at, b->n - at);
    memcpy(b->p + at, p, n);
    b->n += n;
}
