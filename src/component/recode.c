/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Strings into memory. The text is recoded into what the first realloc gave as far as it
 * goes; only then realloc is asked for more, so a string of gigabytes costs nothing until there is
 * room for it.
 */
#include "component/recode.h"

#include "base/utf8.h"

#define STRING_BYTES_MAX (((u64)1 << 31) - 1)
/* Longer strings are looked at only when there is room for them. */
enum { LOOKED_AT_TWICE = 1 << 20 };

typedef struct Recode {
    AbiSide *from, *to; /* from NULL: the source does not move */
    AbiSlice at;
    Text text;
    u32 i;               /* units that are done */
    u64 ptr, size, done; /* of the target: bytes */
    u8 *dst;
} Recode;

static u64 utf16_tag(const AbiSide *s)
{
    return (u64)1 << (s->wide ? 63 : 31);
}

/* --- where the text is --- */

Error *recode_find(AbiSide *s, AbiSlice at, Text *ret_text)
{
    Text t = {.form = s->encoding == STRING_UTF8 ? TEXT_UTF8 : TEXT_UTF16};
    t.compact = s->encoding == STRING_LATIN1_UTF16;
    if (t.compact && !(at.n & utf16_tag(s)))
        t.form = TEXT_LATIN1;
    else if (t.compact)
        at.n ^= utf16_tag(s);
    u32 unit = t.form == TEXT_UTF16 ? 2 : 1;
    u64 bytes = at.n > STRING_BYTES_MAX / unit ? UINT64_MAX : at.n * unit;
    u8 *place = NULL;
    Error *e = abi_check(s, ABI_STRING, at.ptr, bytes, s->encoding == STRING_UTF8 ? 1 : 2, &place);
    t.n = e ? 0 : u32_of(at.n);
    t.p = place;
    *ret_text = t;
    return e;
}

/* Units in front that are no surrogates: whole blocks. */
static u32 plain_blocks(const u8 *p, u32 n)
{
    typedef u16 Wide __attribute__((vector_size(16), aligned(1), may_alias));
    typedef i16 Found __attribute__((vector_size(16)));
    u32 i = 0;
    for (; n - i >= 32; i += 32) {
        const Wide *w = (const Wide *)(p + (usize)2 * i);
        Found bad = {0};
        for (u32 k = 0; k < 4; k++)
            bad |= (w[k] & 0xf800) == 0xd800;
        u64 halves[2];
        memcpy(halves, &bad, sizeof halves);
        if (halves[0] | halves[1])
            break;
    }
    return i;
}

static bool utf16_valid(const u8 *p, u32 n)
{
    for (u32 i = 0; i < n;) {
        i += plain_blocks(p + (usize)2 * i, n - i);
        for (u32 end = n - i < 32 ? n : i + 32; i < end; i++) {
            u32 c = load_u16(p + (usize)2 * i);
            if (c < 0xd800 || c > 0xdfff)
                continue;
            if (c > 0xdbff || ++i == n || (load_u16(p + (usize)2 * i) & 0xfc00) != 0xdc00)
                return false;
        }
    }
    return true;
}

bool recode_is_valid(const Text *t)
{
    if (t->form == TEXT_LATIN1)
        return true;
    return t->form == TEXT_UTF8 ? utf8_valid(t->p, t->n) : utf16_valid(t->p, t->n);
}

static Error *invalid(TextForm form)
{
    return error_new(form == TEXT_UTF8 ? "invalid utf8 encoding" : "invalid utf16 encoding");
}

Error *recode_check(AbiSide *from, AbiSlice at)
{
    Text t;
    Error *e = recode_find(from, at, &t);
    if (e || t.n > LOOKED_AT_TWICE)
        return e;
    return recode_is_valid(&t) ? NULL : invalid(t.form);
}

/* Makes the target `size` bytes large; both places may be new. */
MUST_CHECK static Error *resize(Recode *r, u32 align, u64 size)
{
    if (size > STRING_BYTES_MAX)
        return trap_error(TRAP_STRING_OUT_OF_BOUNDS);
    Error *e = abi_realloc(r->to, ABI_STRING, r->ptr, r->size, align, size, &r->ptr);
    r->size = size;
    if (!e)
        e = abi_check(r->to, ABI_STRING, r->ptr, size, 1, &r->dst);
    return e || !r->from ? e : recode_find(r->from, r->at, &r->text);
}

/* --- one code point --- */

/* Its units; 0 if the text is not valid there. */
static u32 peek(const Recode *r, u32 *ret_char)
{
    if (r->text.form == TEXT_LATIN1) {
        *ret_char = r->text.p[r->i];
        return 1;
    }
    if (r->text.form == TEXT_UTF8)
        return utf8_decode(r->text.p + r->i, r->text.n - r->i, ret_char);
    u32 c = load_u16(r->text.p + (usize)2 * r->i);
    *ret_char = c;
    if (c < 0xd800 || c > 0xdfff)
        return 1;
    u32 low = r->text.n - r->i > 1 ? load_u16(r->text.p + (usize)2 * (r->i + 1)) : 0;
    if (c > 0xdbff || (low & 0xfc00) != 0xdc00)
        return 0;
    *ret_char = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    return 2;
}

static u32 put_utf8(u8 *p, u32 c)
{
    u32 n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const u8 leads[] = {[1] = 0, [2] = 0xc0, [3] = 0xe0, [4] = 0xf0};
    for (u32 k = n - 1; k > 0; k--, c >>= 6)
        p[k] = (u8)(0x80 | (c & 0x3f));
    p[0] = (u8)(leads[n] | c);
    return n;
}

static u32 put_utf16(u8 *p, u32 c)
{
    if (c < 0x10000) {
        store_u16(p, (u16)c);
        return 2;
    }
    store_u16(p, (u16)(0xd800 + ((c - 0x10000) >> 10)));
    store_u16(p + 2, (u16)(0xdc00 + ((c - 0x10000) & 0x3ff)));
    return 4;
}

static u32 put_latin1(u8 *p, u32 c)
{
    *p = (u8)c;
    return 1;
}

/* Recodes code points up to `max`, with the form's writer. The target has room for all of them. */
#define RECODE_UP_TO(name, put)                                                                    \
    MUST_CHECK static Error *name(Recode *r, u32 max)                                              \
    {                                                                                              \
        while (r->i < r->text.n) {                                                                 \
            u32 c = 0, units = peek(r, &c);                                                        \
            if (!units)                                                                            \
                return invalid(r->text.form);                                                      \
            if (c > max)                                                                           \
                break;                                                                             \
            r->i += units;                                                                         \
            r->done += put(r->dst + r->done, c);                                                   \
        }                                                                                          \
        return NULL;                                                                               \
    }
RECODE_UP_TO(to_utf8, put_utf8)
RECODE_UP_TO(to_utf16, put_utf16)
RECODE_UP_TO(to_latin1, put_latin1)

/* --- whole strings --- */

MUST_CHECK static Error *shrink(Recode *r, u32 align)
{
    return r->done < r->size ? resize(r, align, r->done) : NULL;
}

MUST_CHECK static Error *all_to_utf8(Recode *r, AbiSlice *ret_at)
{
    u32 widest = r->text.form == TEXT_UTF16 ? 3 : r->text.form == TEXT_LATIN1 ? 2 : 1;
    Error *e = resize(r, 1, r->text.n);
    if (!e)
        e = to_utf8(r, widest == 1 ? UINT32_MAX : 0x7f);
    if (!e && r->i < r->text.n) {
        e = resize(r, 1, (u64)r->text.n * widest);
        if (!e)
            e = to_utf8(r, UINT32_MAX);
        if (!e)
            e = shrink(r, 1);
    }
    *ret_at = (AbiSlice){r->ptr, r->done};
    return e;
}

MUST_CHECK static Error *all_to_utf16(Recode *r, AbiSlice *ret_at)
{
    Error *e = resize(r, 2, (u64)r->text.n * 2);
    if (!e)
        e = to_utf16(r, UINT32_MAX);
    if (!e)
        e = shrink(r, 2);
    *ret_at = (AbiSlice){r->ptr, r->done / 2};
    return e;
}

/* What is Latin-1 so far becomes UTF-16, from its end on. */
static void widen(Recode *r)
{
    for (u64 k = r->done; k-- > 0;)
        store_u16(r->dst + 2 * k, r->dst[k]);
    r->done *= 2;
}

MUST_CHECK static Error *all_to_compact(Recode *r, AbiSlice *ret_at)
{
    Error *e = resize(r, 2, r->text.n);
    if (!e)
        e = to_latin1(r, 0xff);
    bool wide = !e && r->i < r->text.n;
    if (wide)
        e = resize(r, 2, (u64)r->text.n * 2);
    if (wide && !e) {
        widen(r);
        e = to_utf16(r, UINT32_MAX);
    }
    if (!e)
        e = shrink(r, 2);
    *ret_at =
        wide ? (AbiSlice){r->ptr, r->done / 2 | utf16_tag(r->to)} : (AbiSlice){r->ptr, r->done};
    return e;
}

/* UTF-16 of a component that could have written Latin-1 is thought to need UTF-16. */
MUST_CHECK static Error *all_to_probably_utf16(Recode *r, AbiSlice *ret_at)
{
    Error *e = resize(r, 2, (u64)r->text.n * 2);
    if (!e)
        e = to_utf16(r, UINT32_MAX);
    *ret_at = (AbiSlice){r->ptr, r->text.n | utf16_tag(r->to)};
    for (u32 k = 0; k < r->text.n && !e; k++)
        if (load_u16(r->dst + (usize)2 * k) > 0xff)
            return NULL;
    if (e)
        return e;
    for (u32 k = 0; k < r->text.n; k++)
        r->dst[k] = r->dst[(usize)2 * k];
    r->done = r->text.n;
    e = resize(r, 2, r->done);
    *ret_at = (AbiSlice){r->ptr, r->text.n};
    return e;
}

MUST_CHECK static Error *put(Recode *r, AbiSlice *ret_at)
{
    if (r->to->encoding == STRING_UTF8)
        return all_to_utf8(r, ret_at);
    if (r->to->encoding == STRING_UTF16)
        return all_to_utf16(r, ret_at);
    return r->text.compact && r->text.form == TEXT_UTF16 ? all_to_probably_utf16(r, ret_at)
                                                         : all_to_compact(r, ret_at);
}

Error *recode(AbiSide *from, AbiSide *to, AbiSlice at, AbiSlice *ret_at)
{
    Recode r = {.from = from, .to = to, .at = at};
    Error *e = recode_find(from, at, &r.text);
    return e ? e : put(&r, ret_at);
}

Error *recode_text(const Text *t, AbiSide *to, AbiSlice *ret_at)
{
    Recode r = {.to = to, .text = *t};
    return put(&r, ret_at);
}
