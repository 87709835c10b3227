/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Fuzz target of the DWARF reader: sections of a real module, with bytes changed as the input
 * says. Every look ends, within the sections, and what it finds has a path.
 */
#include "fuzz/targets.h"
#include "unit/wasm/dwarf_samples.h"
#include "wasm/dwarf.h"

enum { MAX_FRAMES = 8, MAX_CHANGES = 400 };

static u8 hex_digit(char c)
{
    return (u8)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void put_sample(const char *hex, Buf *out)
{
    buf_bytes(out, "\0asm\1\0\0", 8);
    for (; hex[0] && hex[1]; hex += 2)
        buf_u8(out, (u8)(hex_digit(hex[0]) << 4 | hex_digit(hex[1])));
}

/* Contents of the sections that the reader looks at, one after the other. */
static u8 *debug_byte(const WasmModule *m, u32 at, Buf *b)
{
    for (u32 i = 0; i < m->ncustoms; i++) {
        const CustomSection *c = &m->customs[i];
        if (!str_starts(c->name, STR(".debug_")))
            continue;
        if (at < c->payload.size)
            return b->p + c->payload.at + at;
        at -= c->payload.size;
    }
    return NULL;
}

/* Two bytes say which, one what it becomes. */
static void change(const WasmModule *m, const u8 *p, usize n, Buf *b)
{
    u32 total = 0;
    while (debug_byte(m, total, b))
        total++;
    for (usize k = 0; k + 3 <= n && k < 3 * MAX_CHANGES; k += 3)
        *debug_byte(m, load_u16(p + k) % total, b) = p[k + 2];
}

static void look(const WasmModule *m, u32 offset)
{
    DwarfFrame f[MAX_FRAMES];
    Buf path = {0};
    u32 n = dwarf_frames(m, offset, f, MAX_FRAMES);
    if (n > MAX_FRAMES)
        fuzz_finding("%u frames", n);
    for (u32 i = 0; i < n; i++) {
        dwarf_put_path(&f[i], &path);
        buf_str(&path, f[i].name);
    }
    buf_release(&path);
}

void fuzz_dwarf(const u8 *p, usize n)
{
    Buf b = {0};
    TypeRegistry *r = types_new();
    Diag diag;
    diag_init(&diag);
    put_sample(n && p[0] & 1 ? dwarf5_sample : dwarf4_sample, &b);
    WasmModule *m =
        module_decode(r, &(DecodeOptions){.features = features_default()}, b.p, b.n, &diag);
    if (!m)
        fuzz_finding("the sample is no module: %s", diag.msg);
    if (n)
        change(m, p + 1, n - 1, &b);
    for (u32 i = 0; i < m->nfuncs; i++)
        for (u32 at = 0; at < m->funcs[i].body.size; at += 3)
            look(m, m->funcs[i].body.at + at);
    module_free(m);
    types_free(r);
    buf_release(&b);
}
