/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* UTF-8 as Unicode 15, table 3-7 has it. */
#include "base/utf8.h"

u32 utf8_decode(const u8 *p, usize n, u32 *ret_char)
{
    if (n == 0)
        return 0;
    u8 lead = p[0];
    u32 len = lead < 0x80   ? 1
              : lead < 0xc2 ? 0
              : lead < 0xe0 ? 2
              : lead < 0xf0 ? 3
              : lead < 0xf5 ? 4
                            : 0;
    if (len == 0 || len > n)
        return 0;
    static const u8 lead_mask[5] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    static const u32 lowest[5] = {0, 0, 0x80, 0x800, 0x10000};
    u32 c = lead & lead_mask[len];
    for (u32 i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < lowest[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *ret_char = c;
    return len;
}

/* Bytes in front that are whole blocks of ASCII: most texts are nothing else. */
static usize ascii_blocks(const u8 *p, usize n)
{
    typedef u64 Wide __attribute__((vector_size(16), aligned(1), may_alias));
    const u64 high = 0x8080808080808080u;
    usize i = 0;
    for (; n - i >= 64; i += 64) {
        const Wide *w = (const Wide *)(p + i);
        Wide all = w[0] | w[1] | w[2] | w[3];
        if ((all[0] | all[1]) & high)
            break;
    }
    while (n - i >= 8 && !(load_u64(p + i) & high))
        i += 8;
    return i;
}

bool utf8_valid(const void *bytes, usize n)
{
    if (n == 0) /* p may be NULL */
        return true;
    const u8 *p = bytes, *end = p + n;
    while (p < end) {
        p += ascii_blocks(p, (usize)(end - p));
        if (p == end)
            break;
        u32 c, len = utf8_decode(p, (usize)(end - p), &c);
        if (!len)
            return false;
        p += len;
    }
    return true;
}

usize utf8_bad(const u8 *p, usize n, usize *ret_at)
{
    usize i = 0;
    u32 code, len;
    while (i < n && (len = utf8_decode(p + i, n - i, &code)) != 0)
        i += len;
    *ret_at = i;
    u8 lead = i < n ? p[i] : 0;
    if (lead < 0xc2 || lead > 0xf4)
        return 1;
    usize want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2, good = 1;
    u8 lo = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    u8 hi = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    for (; good < want && i + good < n && p[i + good] >= lo && p[i + good] <= hi; good++) {
        lo = 0x80;
        hi = 0xbf;
    }
    return i + good == n ? 0 : good;
}

void utf8_put(Buf *out, u32 c)
{
    if (c < 0x80) {
        buf_u8(out, (u8)c);
    } else if (c < 0x800) {
        buf_u8(out, (u8)(0xc0 | c >> 6));
        buf_u8(out, (u8)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        buf_u8(out, (u8)(0xe0 | c >> 12));
        buf_u8(out, (u8)(0x80 | (c >> 6 & 0x3f)));
        buf_u8(out, (u8)(0x80 | (c & 0x3f)));
    } else {
        buf_u8(out, (u8)(0xf0 | c >> 18));
        buf_u8(out, (u8)(0x80 | (c >> 12 & 0x3f)));
        buf_u8(out, (u8)(0x80 | (c >> 6 & 0x3f)));
        buf_u8(out, (u8)(0x80 | (c & 0x3f)));
    }
}
