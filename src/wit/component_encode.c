/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A component as bytes: its definitions in order, neighbours of one kind in one section. The bytes
 * of a definition are position-independent, so they are those it was read from; components inside
 * are encoded themselves, to the depth that the decoder allows.
 */
#include "wit/component_priv.h"

/* The section that holds a definition; modules and components have one each. */
static u8 section_of(DefKind k)
{
    switch (k) {
    case DEF_CORE_MODULE:
        return 1;
    case DEF_CORE_INSTANTIATE:
    case DEF_CORE_EXPORTS:
        return 2;
    case DEF_CORE_TYPE:
        return 3;
    case DEF_COMPONENT:
        return 4;
    case DEF_INSTANTIATE:
    case DEF_EXPORTS:
        return 5;
    case DEF_ALIAS_EXPORT:
    case DEF_ALIAS_CORE_EXPORT:
    case DEF_ALIAS_OUTER:
        return 6;
    case DEF_TYPE:
        return 7;
    case DEF_CANON:
        return 8;
    case DEF_IMPORT:
        return 10;
    case DEF_EXPORT:
        return 11;
    }
    BUG("definition of no section");
}

static void put_section(Buf *out, u8 id, Buf *payload)
{
    buf_section(out, id, payload);
    payload->n = 0;
}

static void put_range(const Component *c, Range r, Buf *out)
{
    buf_bytes(out, c->bytes + r.at, r.size);
}

/* The definitions from `i` on that share a section; returns the first behind them. */
static u32 put_defs(const Component *c, u32 i, Buf *payload, Buf *out)
{
    u8 id = section_of((DefKind)c->defs[i].kind);
    u32 end = i + 1;
    if (c->defs[i].kind == DEF_COMPONENT) {
        component_encode(c->defs[i].component, payload);
    } else if (c->defs[i].kind == DEF_CORE_MODULE) {
        put_range(c, c->defs[i].bytes, payload);
    } else {
        while (end < c->ndefs && section_of((DefKind)c->defs[end].kind) == id)
            end++;
        buf_uleb(payload, end - i);
        for (u32 k = i; k < end; k++)
            put_range(c, c->defs[k].bytes, payload);
    }
    put_section(out, id, payload);
    return end;
}

void component_encode(const Component *c, Buf *out)
{
    static const u8 preamble[] = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};
    Buf payload = {0};
    buf_bytes(out, preamble, sizeof preamble);
    for (u32 i = 0; i < c->ndefs;)
        i = put_defs(c, i, &payload, out);
    for (u32 i = 0; i < c->ncustoms; i++) {
        const CustomSection *s = &c->customs[i];
        buf_name(&payload, s->name);
        put_range(c, s->payload, &payload);
        put_section(out, 0, &payload);
    }
    buf_release(&payload);
}
