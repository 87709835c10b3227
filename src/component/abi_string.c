/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Strings between the three encodings. How often and for which sizes realloc is called is part of
 * the canonical ABI, so each pair of encodings follows it step by step.
 */
#include "base/utf8.h"
#include "component/abi_priv.h"

#define STRING_BYTES_MAX (((u64)1 << 31) - 1)

static u64 utf16_tag(const AbiSide *s)
{
    return (u64)1 << (s->wide ? 63 : 31);
}

/* --- from memory --- */

static Error *bad_utf8(const AbiSide *s, const u8 *p, u32 n)
{
    if (!s->host)
        return error_new("invalid utf8 encoding");
    u32 i = 0, c = 0;
    for (u32 step = 1; i < n && step; i += step)
        step = utf8_decode(p + i, n - i, &c);
    bool cut = false; /* would more bytes have made it valid? */
    for (u32 more = 1; more < 4 && i < n && n - i < 4 && !cut; more++) {
        u8 tail[8] = {0};
        memcpy(tail, p + i, n - i);
        for (u32 t = 0x80; t < 0xc0 && !cut; t += 0x10) {
            memset(tail + (n - i), (int)t, more);
            cut = utf8_decode(tail, n - i + more, &c) == n - i + more;
        }
    }
    return cut ? error_new("incomplete utf-8 byte sequence from index %u", i)
               : error_new("invalid utf-8 sequence of 1 bytes from index %u", i);
}

static bool utf16_valid(const u8 *p, u32 n)
{
    for (u32 i = 0; i < n; i++) {
        u32 c = load_u16(p + (usize)2 * i);
        if (c < 0xd800 || c > 0xdfff)
            continue;
        if (c > 0xdbff || ++i == n || (load_u16(p + (usize)2 * i) & 0xfc00) != 0xdc00)
            return false;
    }
    return true;
}

Error *abi_load_string(AbiSide *s, AbiSlice at, ComponentVal *ret_val)
{
    TextForm form = s->encoding == STRING_UTF8 ? TEXT_UTF8 : TEXT_UTF16;
    bool compact = s->encoding == STRING_LATIN1_UTF16;
    if (compact && !(at.n & utf16_tag(s)))
        form = TEXT_LATIN1;
    else if (compact)
        at.n ^= utf16_tag(s);
    u32 unit = form == TEXT_UTF16 ? 2 : 1;
    u64 bytes = at.n > STRING_BYTES_MAX / unit ? UINT64_MAX : at.n * unit;
    u8 *place = NULL;
    Error *e = abi_check(s, ABI_STRING, at.ptr, bytes, s->encoding == STRING_UTF8 ? 1 : 2, &place);
    if (e)
        return e;
    u8 *copy = abi_tree_alloc(s, bytes, 1);
    if (!copy)
        return abi_tree_full();
    if (bytes)
        memcpy(copy, place, bytes);
    u32 n = u32_of(at.n);
    if (form == TEXT_UTF8 && !utf8_valid(copy, n))
        return bad_utf8(s, copy, n);
    if (form == TEXT_UTF16 && !utf16_valid(copy, n))
        return error_new(s->host ? "unpaired surrogate found" : "invalid utf16 encoding");
    *ret_val =
        (ComponentVal){.kind = CT_STRING, .form = (u8)form, .flat = compact, .n = n, .bytes = copy};
    return NULL;
}

/* --- code points, one after the other --- */

typedef struct Reader {
    const ComponentVal *v;
    u32 i; /* unit */
} Reader;

static u32 next_char(Reader *r)
{
    const u8 *p = r->v->bytes;
    if (r->v->form == TEXT_LATIN1)
        return p[r->i++];
    u32 c = 0;
    if (r->v->form == TEXT_UTF8) {
        r->i += utf8_decode(p + r->i, r->v->n - r->i, &c);
        return c;
    }
    c = load_u16(p + (usize)2 * r->i++);
    if (c < 0xd800 || c > 0xdfff)
        return c;
    return 0x10000 + ((c - 0xd800) << 10) + (load_u16(p + (usize)2 * r->i++) - 0xdc00u);
}

static void put_utf16(Buf *b, u32 c)
{
    u16 units[2] = {(u16)c, 0};
    u32 n = 1;
    if (c >= 0x10000) {
        units[0] = (u16)(0xd800 + ((c - 0x10000) >> 10));
        units[1] = (u16)(0xdc00 + ((c - 0x10000) & 0x3ff));
        n = 2;
    }
    buf_bytes(b, units, (usize)2 * n);
}

static Buf to_utf16(const ComponentVal *v)
{
    Buf b = {0};
    for (Reader r = {v, 0}; r.i < v->n;)
        put_utf16(&b, next_char(&r));
    return b;
}

static Buf to_utf8(const ComponentVal *v)
{
    Buf b = {0};
    for (Reader r = {v, 0}; r.i < v->n;)
        utf8_put(&b, next_char(&r));
    return b;
}

/* All of it as Latin-1; *ret_all is false if a character is not in it. */
static Buf to_latin1(const ComponentVal *v, bool *ret_all)
{
    Buf b = {0};
    *ret_all = true;
    for (Reader r = {v, 0}; r.i < v->n;) {
        u32 c = next_char(&r);
        if (c > 0xff) {
            *ret_all = false;
            break;
        }
        buf_u8(&b, (u8)c);
    }
    return b;
}

/* --- into memory --- */

MUST_CHECK static Error *write_at(AbiSide *s, u64 ptr, const void *p, usize n)
{
    u8 *place = NULL;
    Error *e = abi_check(s, ABI_STRING, ptr, n, 1, &place);
    if (!e && n)
        memcpy(place, p, n);
    return e;
}

MUST_CHECK static Error *string_alloc(AbiSide *s, AbiSlice old, u32 align, u64 size, u64 *ret_ptr)
{
    if (size > STRING_BYTES_MAX)
        return trap_error(TRAP_STRING_OUT_OF_BOUNDS);
    return abi_realloc(s, ABI_STRING, old.ptr, old.n, align, size, ret_ptr);
}

/* An allocation of `first` bytes, then one of `worst` if `grow`, then one that fits. */
typedef struct Plan {
    u64 first, worst;
    u32 align;
    bool grow;
} Plan;

static Error *store_planned(AbiSide *s, const Plan *plan, const Buf *b, u64 *ret_ptr)
{
    u64 ptr = 0, size = plan->first;
    Error *e = string_alloc(s, (AbiSlice){0, 0}, plan->align, size, &ptr);
    if (!e && plan->grow) {
        e = string_alloc(s, (AbiSlice){ptr, size}, plan->align, plan->worst, &ptr);
        size = plan->worst;
    }
    if (!e)
        e = write_at(s, ptr, b->p, b->n);
    if (!e && b->n < size)
        e = abi_realloc(s, ABI_STRING, ptr, size, plan->align, b->n, &ptr);
    *ret_ptr = ptr;
    return e;
}

static Error *store_utf8(AbiSide *s, const ComponentVal *v, AbiSlice *ret_at)
{
    if (v->form == TEXT_UTF8) {
        Error *e = abi_realloc(s, ABI_STRING, 0, 0, 1, v->n, &ret_at->ptr);
        ret_at->n = v->n;
        return e ? e : write_at(s, ret_at->ptr, v->bytes, v->n);
    }
    Buf b = to_utf8(v);
    Plan plan = {.first = v->n,
                 .worst = (u64)v->n * (v->form == TEXT_UTF16 ? 3 : 2),
                 .align = 1,
                 .grow = b.n > v->n};
    Error *e = store_planned(s, &plan, &b, &ret_at->ptr);
    ret_at->n = b.n;
    buf_release(&b);
    return e;
}

static Error *store_utf16(AbiSide *s, const ComponentVal *v, AbiSlice *ret_at)
{
    Buf b = to_utf16(v);
    Plan plan = {.first = 2 * (u64)v->n, .align = 2};
    Error *e = store_planned(s, &plan, &b, &ret_at->ptr);
    ret_at->n = b.n / 2;
    buf_release(&b);
    return e;
}

static Error *store_latin1(AbiSide *s, const ComponentVal *v, const Buf *latin1, AbiSlice *ret_at)
{
    /* UTF-16 of a component that could have written Latin-1 is thought to need UTF-16. */
    bool pessimist = v->flat && v->form == TEXT_UTF16;
    Plan plan = {.first = pessimist ? 2 * (u64)v->n : v->n, .align = 2};
    ret_at->n = latin1->n;
    return store_planned(s, &plan, latin1, &ret_at->ptr);
}

static Error *store_compact(AbiSide *s, const ComponentVal *v, AbiSlice *ret_at)
{
    bool all = false;
    Buf b = to_latin1(v, &all);
    Error *e = NULL;
    if (all) {
        e = store_latin1(s, v, &b, ret_at);
    } else {
        bool pessimist = v->flat && v->form == TEXT_UTF16;
        buf_release(&b);
        b = to_utf16(v);
        Plan plan = {.first = pessimist ? 2 * (u64)v->n : v->n,
                     .worst = 2 * (u64)v->n,
                     .align = 2,
                     .grow = !pessimist};
        e = store_planned(s, &plan, &b, &ret_at->ptr);
        ret_at->n = b.n / 2 | utf16_tag(s);
    }
    buf_release(&b);
    return e;
}

Error *abi_store_string(AbiSide *s, const ComponentVal *v, AbiSlice *ret_at)
{
    if (s->encoding == STRING_UTF8)
        return store_utf8(s, v, ret_at);
    return s->encoding == STRING_UTF16 ? store_utf16(s, v, ret_at) : store_compact(s, v, ret_at);
}
