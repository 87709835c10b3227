/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A growing byte buffer on the heap: writer of binary formats and builder of text. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/mem.h"

#include <stdarg.h>

typedef struct Buf {
    u8 *p;
    usize n, cap;
} Buf;

void buf_release(Buf *b);
void buf_reserve(Buf *b, usize more); /* room for `more` bytes behind n */
void buf_bytes(Buf *b, const void *p, usize n);
void buf_str(Buf *b, Str s);
void buf_printf(Buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(Buf *b, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
void buf_uleb(Buf *b, u64 v);
void buf_sleb(Buf *b, i64 v);
/* The number of bytes as an LEB128, then they. */
void buf_sized(Buf *b, const void *p, usize n);
void buf_name(Buf *b, Str s); /* sized */
/* A section (or subsection) of a binary: its id, then its content, sized. */
void buf_section(Buf *b, u8 id, const Buf *content);
/* A string literal of WebAssembly's text formats: \hh for what can not stand between the quotes. */
void buf_quoted(Buf *b, Str s);
/* A time in UTC, so many seconds after 1970, by ISO 8601 without its Z: none beyond year 9999. */
void buf_utc(Buf *b, u64 seconds);
void buf_u32(Buf *b, u32 v); /* little endian */
void buf_u64(Buf *b, u64 v);
char *buf_take_string(Buf *b); /* own, NUL-terminated; the buffer is empty after */
void buf_insert(Buf *b, usize at, const void *p, usize n);

static inline void buf_u8(Buf *b, u8 v)
{
    if (b->n == b->cap)
        buf_reserve(b, 1);
    b->p[b->n++] = v;
}

#endif
