/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Walks sections by their heads. */
#include "wit/module_sections.h"

enum { HEAD = 8 };

void sections_init(SectionReader *r, const u8 *p, usize n)
{
    *r = (SectionReader){.p = p, .n = n, .at = HEAD};
    if (n < HEAD || memcmp(p, "\0asm", 4) != 0)
        r->error = error_new("not a WebAssembly binary: it does not begin with `\\0asm`");
}

/* A number of at most 32 bits at *at. */
static bool take_u32(const u8 *p, usize end, usize *at, u32 *ret_value)
{
    u64 v = 0;
    for (u32 shift = 0; shift < 35 && *at < end; shift += 7) {
        u8 byte = p[(*at)++];
        v |= (u64)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_value = (u32)v;
            return v <= UINT32_MAX;
        }
    }
    return false;
}

bool sections_next(SectionReader *r, SectionView *ret_section)
{
    if (r->error || r->at >= r->n)
        return false;
    usize at = r->at + 1;
    u32 size, name;
    SectionView s = {.id = r->p[r->at], .at = r->at};
    if (!take_u32(r->p, r->n, &at, &size) || size > r->n - at) {
        r->error = error_new("the section at offset 0x%zx is longer than the file", r->at);
        return false;
    }
    usize end = at + size;
    s.whole = (Str){(const char *)r->p + r->at, end - r->at};
    if (s.id == 0) {
        if (!take_u32(r->p, end, &at, &name) || name > end - at) {
            r->error = error_new("the custom section at offset 0x%zx has no name", r->at);
            return false;
        }
        s.name = (Str){(const char *)r->p + at, name};
        at += name;
    }
    s.payload = (Str){(const char *)r->p + at, end - at};
    r->at = end;
    *ret_section = s;
    return true;
}

Error *sections_filter(const u8 *p, usize n, bool (*drop)(void *arg, const SectionView *s),
                       void *arg, Buf *out)
{
    SectionReader r;
    SectionView s;
    sections_init(&r, p, n);
    if (!r.error)
        buf_bytes(out, p, HEAD);
    while (sections_next(&r, &s))
        if (s.id != 0 || !drop(arg, &s))
            buf_str(out, s.whole);
    return r.error;
}

bool section_is_component_type(const SectionView *s)
{
    Str word = STR("component-type");
    return s->id == 0 && str_starts(s->name, word) &&
           (s->name.n == word.n || s->name.p[word.n] == ':');
}
