/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Classes of characters, one table look-up a byte. */
#ifndef HTTP_CHARS_PRIV_H
#define HTTP_CHARS_PRIV_H

#include "base/base.h"

enum { HTTP_CHAR_TOKEN = 1, HTTP_CHAR_HOST = 2, HTTP_CHAR_TARGET = 4, HTTP_CHAR_HEX = 8 };

extern const u8 http_chars[256];

/* How many of the first bytes are of the class. */
static inline usize http_span(const char *p, usize n, u8 class)
{
    usize i = 0;
    while (i < n && (http_chars[(u8)p[i]] & class))
        i++;
    return i;
}

static inline bool http_value_char(u8 c)
{
    return (c >= 0x20 && c != 0x7f) || c == '\t';
}

#endif
