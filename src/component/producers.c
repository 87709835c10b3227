/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Who made a component: the custom sections `producers` of it and of the modules inside. They are
 * words of the file's maker, so they are cut short and shown without control characters.
 *
 * Source: https://github.com/WebAssembly/tool-conventions/blob/main/ProducersSection.md
 */
#include "base/utf8.h"
#include "component/instance_priv.h"

enum { PRODUCERS_MAX = 12, WORD_MAX = 64, MODULES_MAX = 64 };

typedef struct Producers {
    u32 n;
    Str seen[PRODUCERS_MAX];
    Buf *out;
} Producers;

typedef struct Bytes {
    const u8 *at, *end;
    bool bad;
} Bytes;

static u32 next_u32(Bytes *b)
{
    u32 v = 0;
    for (u32 shift = 0; shift < 35 && b->at < b->end; shift += 7) {
        u8 byte = *b->at++;
        v |= (u32)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return v;
    }
    b->bad = true;
    return 0;
}

static Str next_word(Bytes *b)
{
    u32 n = next_u32(b);
    if (b->bad || n > (usize)(b->end - b->at)) {
        b->bad = true;
        return (Str){0};
    }
    Str s = {(const char *)b->at, n};
    b->at += n;
    return s;
}

static void put_word(Str s, Buf *out)
{
    bool text = utf8_valid((const u8 *)s.p, s.n);
    for (usize i = 0; i < s.n && i < WORD_MAX; i++)
        buf_u8(out,
               (u8)s.p[i] < 0x20 || s.p[i] == 0x7f || (!text && s.p[i] < 0) ? '?' : (u8)s.p[i]);
}

static void add(Producers *p, Str name, Str version)
{
    for (u32 i = 0; i < p->n; i++)
        if (str_eq(p->seen[i], name))
            return;
    if (p->n == PRODUCERS_MAX || name.n == 0)
        return;
    p->seen[p->n++] = name;
    if (p->n > 1)
        buf_str(p->out, STR(", "));
    put_word(name, p->out);
    if (version.n) {
        buf_u8(p->out, ' ');
        put_word(version, p->out);
    }
}

static void read_section(Producers *p, Str section)
{
    Bytes b = {(const u8 *)section.p, (const u8 *)section.p + section.n, false};
    u32 nfields = next_u32(&b);
    for (u32 f = 0; f < nfields && !b.bad; f++) {
        next_word(&b);
        u32 n = next_u32(&b);
        for (u32 i = 0; i < n && !b.bad && p->n < PRODUCERS_MAX; i++) {
            Str name = next_word(&b), version = next_word(&b);
            if (!b.bad)
                add(p, name, version);
        }
    }
}

void component_producers(const Component *c, Buf *out)
{
    Producers p = {.out = out};
    Str section;
    if (component_custom(c, STR("producers"), &section))
        read_section(&p, section);
    for (u32 i = 0; i < c->counts[SORT_CORE_MODULE] && i < MODULES_MAX; i++)
        if (c->core_modules[i].module &&
            module_custom(c->core_modules[i].module, STR("producers"), &section))
            read_section(&p, section);
}
