/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Modules and components with functions that do nothing: the code of a compiled file is in its
 * text, and what else the bytes say is needed for types, imports, segments and names.
 */
#include "engine/image_priv.h"

enum {
    PREAMBLE = 8,
    LAYER_AT = 6, /* of the preamble: 0 for a module, 1 for a component */
    SECTION_CODE = 10,
    SECTION_CORE_MODULE = 1, /* of components */
    SECTION_COMPONENT = 4,
};

/* A number of validated bytes. */
static u32 read_u32(const u8 *p, usize *at)
{
    u32 v = 0;
    for (u32 shift = 0; shift < 35; shift += 7) {
        u8 b = p[(*at)++];
        v |= (u32)(b & 0x7f) << shift;
        if (!(b & 0x80))
            break;
    }
    return v;
}

static void put_empty_bodies(const u8 *p, Buf *out)
{
    static const u8 empty[] = {2, 0, 0x0b}; /* size, no locals, end */
    usize at = 0;
    u32 n = read_u32(p, &at);
    Buf content = {0};
    buf_uleb(&content, n);
    for (u32 i = 0; i < n; i++)
        buf_bytes(&content, empty, sizeof empty);
    buf_section(out, SECTION_CODE, &content);
    buf_release(&content);
}

/* As deep as the decoder lets components nest. */
void image_strip(const u8 *p, usize n, Buf *out)
{
    bool component = p[LAYER_AT] != 0;
    buf_bytes(out, p, PREAMBLE);
    for (usize at = PREAMBLE, from = PREAMBLE; at < n; from = at) {
        u8 id = p[at++];
        u32 size = read_u32(p, &at);
        const u8 *content = p + at;
        at += size;
        if (component && (id == SECTION_CORE_MODULE || id == SECTION_COMPONENT)) {
            Buf inner = {0};
            image_strip(content, size, &inner);
            buf_section(out, id, &inner);
            buf_release(&inner);
        } else if (!component && id == SECTION_CODE) {
            put_empty_bodies(content, out);
        } else {
            buf_bytes(out, p + from, at - from);
        }
    }
}
