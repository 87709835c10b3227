/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Strings between memory and trees. */
#include "base/utf8.h"
#include "component/abi_priv.h"
#include "component/recode.h"

static Error *bad_utf8(const AbiSide *s, const u8 *p, u32 n)
{
    if (!s->host)
        return error_new("invalid utf8 encoding");
    usize at, bad = utf8_bad(p, n, &at);
    return bad ? error_new("invalid utf-8 sequence of %zu bytes from index %zu", bad, at)
               : error_new("incomplete utf-8 byte sequence from index %zu", at);
}

static Error *bad_utf16(const AbiSide *s, const Text *t)
{
    u32 i = 0, c = 0;
    for (; i < t->n; i++) {
        c = load_u16(t->p + (usize)2 * i);
        if ((c & 0xf800) != 0xd800)
            continue;
        if (c > 0xdbff || i + 1 == t->n || (load_u16(t->p + (usize)2 * (i + 1)) & 0xfc00) != 0xdc00)
            break;
        i++;
    }
    return s->host ? error_new("unpaired surrogate found: %x", c)
                   : error_new("invalid utf16 encoding");
}

Error *abi_load_string(AbiSide *s, AbiSlice at, ComponentVal *ret_val)
{
    Text t;
    Error *e = recode_find(s, at, &t);
    if (e)
        return e;
    u64 bytes = (u64)t.n * (t.form == TEXT_UTF16 ? 2 : 1);
    u8 *copy = abi_tree_alloc(s, bytes, 1);
    if (!copy)
        return abi_tree_full();
    if (bytes)
        memcpy(copy, t.p, bytes);
    t.p = copy; /* threads may share the memory */
    if (!recode_is_valid(&t))
        return t.form == TEXT_UTF8 ? bad_utf8(s, copy, t.n) : bad_utf16(s, &t);
    *ret_val = (ComponentVal){
        .kind = CT_STRING, .form = (u8)t.form, .flat = t.compact, .n = t.n, .bytes = copy};
    return NULL;
}

Error *abi_store_string(AbiSide *s, const ComponentVal *v, AbiSlice *ret_at)
{
    return recode_text(&(Text){v->bytes, v->n, (TextForm)v->form, v->flat}, s, ret_at);
}
