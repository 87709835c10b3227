/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* DWARF's values: numbers, strings and forms. */
#include "wasm/dwarf_priv.h"

enum { MAX_LEB_BITS = 16 * 7 }; /* linkers pad them, but not for ever */

u64 dw_uint(DwCursor *c, u32 bytes)
{
    if (c->bad || (usize)(c->end - c->at) < bytes) {
        c->bad = true;
        return 0;
    }
    u64 v = 0;
    for (u32 i = 0; i < bytes; i++)
        v |= (u64)c->at[i] << 8 * i;
    c->at += bytes;
    return v;
}

u64 dw_uleb(DwCursor *c)
{
    u64 v = 0;
    for (u32 shift = 0; shift < MAX_LEB_BITS; shift += 7) {
        u64 b = dw_uint(c, 1);
        if (shift < 64)
            v |= (b & 0x7f) << shift;
        if (b < 0x80)
            return v;
    }
    c->bad = true;
    return 0;
}

i64 dw_sleb(DwCursor *c)
{
    u64 v = 0;
    for (u32 shift = 0; shift < MAX_LEB_BITS;) {
        u64 b = dw_uint(c, 1);
        if (shift < 64)
            v |= (b & 0x7f) << shift;
        shift += 7;
        if (b < 0x80)
            return (i64)(shift < 64 && (b & 0x40) ? v | ~(u64)0 << shift : v);
    }
    c->bad = true;
    return 0;
}

Str dw_string(DwCursor *c)
{
    usize n = c->bad ? 0 : (usize)(c->end - c->at);
    const u8 *zero = n ? memchr(c->at, 0, n) : NULL;
    if (!zero) {
        c->bad = true;
        return (Str){0};
    }
    Str s = {(const char *)c->at, (usize)(zero - c->at)};
    c->at = zero + 1;
    return s;
}

void dw_skip(DwCursor *c, u64 bytes)
{
    if (c->bad || (u64)(c->end - c->at) < bytes)
        c->bad = true;
    else
        c->at += bytes;
}

DwCursor dw_at(const Dwarf *d, DwSection s, u64 offset)
{
    Str all = d->sections[s];
    if (offset >= all.n)
        return (DwCursor){NULL, NULL, true};
    const u8 *p = (const u8 *)all.p;
    return (DwCursor){p + offset, p + all.n, false};
}

Str dw_string_at(const Dwarf *d, DwSection s, u64 offset)
{
    DwCursor c = dw_at(d, s, offset);
    return dw_string(&c);
}

Str dw_text(const Dwarf *d, const DwValue *v)
{
    if (v->kind == DWV_STRP)
        return dw_string_at(d, DW_STR, v->n);
    return v->kind == DWV_LINE_STRP ? dw_string_at(d, DW_LINE_STR, v->n) : v->s;
}

bool dw_step(Dwarf *d)
{
    if (d->steps == 0)
        return false;
    d->steps--;
    return true;
}

/* Forms that are one little-endian number. */
static const struct {
    u8 form, kind, bytes; /* 0 bytes: LEB; 0xff: of the size of an address */
} numbers[] = {
    {0x01, DWV_ADDR, 0xff}, {0x05, DWV_CONST, 2},    {0x06, DWV_CONST, 4}, {0x07, DWV_CONST, 8},
    {0x0b, DWV_CONST, 1},   {0x0c, DWV_CONST, 1},    {0x0f, DWV_CONST, 0}, {0x11, DWV_REF, 1},
    {0x12, DWV_REF, 2},     {0x13, DWV_REF, 4},      {0x14, DWV_REF, 8},   {0x15, DWV_REF, 0},
    {0x17, DWV_OFFSET, 4},  {0x1a, DWV_STRX, 0},     {0x1b, DWV_ADDRX, 0}, {0x20, DWV_NONE, 8},
    {0x22, DWV_NONE, 0},    {0x23, DWV_RNGLISTX, 0}, {0x25, DWV_STRX, 1},  {0x26, DWV_STRX, 2},
    {0x27, DWV_STRX, 3},    {0x28, DWV_STRX, 4},     {0x29, DWV_ADDRX, 1}, {0x2a, DWV_ADDRX, 2},
    {0x2b, DWV_ADDRX, 3},   {0x2c, DWV_ADDRX, 4},
};

static bool number_form(DwCursor *c, DwFormat f, u64 form, DwValue *ret)
{
    for (usize i = 0; i < ARRAY_LEN(numbers); i++) {
        if (numbers[i].form != form)
            continue;
        u32 bytes = numbers[i].bytes == 0xff ? f.address_size : numbers[i].bytes;
        *ret = (DwValue){.kind = numbers[i].kind, .n = bytes ? dw_uint(c, bytes) : dw_uleb(c)};
        return true;
    }
    return false;
}

bool dw_form(DwCursor *c, DwFormat f, u64 form, i64 implicit, DwValue *ret)
{
    *ret = (DwValue){0};
    if (number_form(c, f, form, ret))
        return true;
    switch (form) {
    case 0x03: /* block2 */
        dw_skip(c, dw_uint(c, 2));
        return true;
    case 0x04: /* block4 */
        dw_skip(c, dw_uint(c, 4));
        return true;
    case 0x08: /* string */
        *ret = (DwValue){.kind = DWV_STRING, .s = dw_string(c)};
        return true;
    case 0x09: /* block */
    case 0x18: /* exprloc */
        dw_skip(c, dw_uleb(c));
        return true;
    case 0x0a: /* block1 */
        dw_skip(c, dw_uint(c, 1));
        return true;
    case 0x0d: /* sdata */
        *ret = (DwValue){.kind = DWV_CONST, .n = (u64)dw_sleb(c)};
        return true;
    case 0x0e: /* strp */
    case 0x1f: /* line_strp */
        *ret = (DwValue){.kind = form == 0x0e ? DWV_STRP : DWV_LINE_STRP, .n = dw_uint(c, 4)};
        return true;
    case 0x10: /* ref_addr: before version 3 as wide as an address */
        *ret = (DwValue){.kind = DWV_REF_INFO, .n = dw_uint(c, f.version < 3 ? f.address_size : 4)};
        return true;
    case 0x19: /* flag_present */
        return true;
    case 0x1e: /* data16 */
        dw_skip(c, 16);
        return true;
    case 0x21: /* implicit_const */
        *ret = (DwValue){.kind = DWV_CONST, .n = (u64)implicit};
        return true;
    default:
        c->bad = true;
        return false;
    }
}
