/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Source positions: of what clang writes, and of what nobody would. */
#include "wasm/dwarf.h"

#include "unit/wasm/dwarf_samples.h"
#include "unit/wasm/wasm_fixture.h"

static const char *const samples[] = {dwarf4_sample, dwarf5_sample};

enum { DIVISION = 9, MAX_FRAMES = 8 }; /* where inner() divides, in the first body */

static void expect_frame(const DwarfFrame *f, const char *name, u32 line, u32 column)
{
    Buf path = {0};
    EXPECT(str_eq(f->name, str_of(name)));
    EXPECT_EQ(f->line, line);
    EXPECT_EQ(f->column, column);
    dwarf_put_path(f, &path);
    buf_u8(&path, 0);
    EXPECT_STR((const char *)path.p, "/src/lines.c");
    buf_release(&path);
}

TEST(dwarf_inlined_functions_and_lines)
{
    for (usize i = 0; i < ARRAY_LEN(samples); i++) {
        Buf b = {0};
        wasm_begin(&b);
        wasm_hex(&b, samples[i]);
        WasmModule *m = DECODE_OK(&b);
        DwarfFrame f[MAX_FRAMES];
        EXPECT_EQ(dwarf_frames(m, m->funcs[0].body.at + DIVISION, f, MAX_FRAMES), 3);
        expect_frame(&f[0], "inner", 3, 16);
        expect_frame(&f[1], "middle", 7, 12);
        expect_frame(&f[2], "outer", 11, 12);
        EXPECT_EQ(dwarf_frames(m, m->funcs[0].body.at + DIVISION, f, 2), 2);
        EXPECT_EQ(dwarf_frames(m, m->funcs[1].body.at + 4, f, MAX_FRAMES), 1);
        expect_frame(&f[0], "run", 15, 12);
        EXPECT_EQ(dwarf_frames(m, 8, f, MAX_FRAMES), 0);
        EXPECT_EQ(dwarf_frames(m, UINT32_MAX, f, MAX_FRAMES), 0);
        wasm_drop(m);
        buf_release(&b);
    }
}

/* All positions of all functions; nothing is asked but that it ends, within the sections. */
static void look_everywhere(const Buf *b)
{
    WasmModule *m = DECODE_OK(b);
    DwarfFrame f[MAX_FRAMES];
    for (u32 i = 0; i < m->nfuncs; i++) {
        Range body = m->funcs[i].body;
        for (u32 at = body.at; at < body.at + body.size; at += 3) {
            u32 n = dwarf_frames(m, at, f, MAX_FRAMES);
            Buf path = {0};
            for (u32 k = 0; k < n; k++)
                dwarf_put_path(&f[k], &path);
            buf_release(&path);
        }
    }
    wasm_drop(m);
}

TEST(dwarf_with_any_byte_changed)
{
    static const u8 values[] = {0, 1, 0x7f, 0x80, 0xff};
    for (usize i = 0; i < ARRAY_LEN(samples); i++) {
        Buf b = {0};
        wasm_begin(&b);
        wasm_hex(&b, samples[i]);
        WasmModule *m = DECODE_OK(&b);
        u32 n = 0;
        Range r[32];
        for (u32 k = 0; k < m->ncustoms && n < ARRAY_LEN(r); k++)
            r[n++] = m->customs[k].payload;
        EXPECT(n >= 4);
        wasm_drop(m);
        for (u32 k = 0; k < n; k++) {
            for (u32 at = r[k].at; at < r[k].at + r[k].size; at++) {
                u8 was = b.p[at];
                for (usize v = 0; v < ARRAY_LEN(values); v++) {
                    b.p[at] = values[v];
                    look_everywhere(&b);
                }
                b.p[at] = was;
            }
        }
        buf_release(&b);
    }
}

/* A module with that many entries by abbreviation 1, each with so many zero bytes behind. */
static void many_entries(Buf *b, u32 entries, u32 zeros)
{
    Buf info = {0};
    wasm_begin(b);
    wasm_hex(b, "01 04 01 60 00 00 03 02 01 00 0a 04 01 02 00 0b");
    buf_name(&info, STR(".debug_info"));
    buf_u32(&info, 7 + entries * (1 + zeros));
    wasm_hex(&info, "04 00 00 00 00 00 04");
    for (u32 i = 0; i < entries; i++) {
        buf_u8(&info, 1);
        for (u32 k = 0; k < zeros; k++)
            buf_u8(&info, 0);
    }
    wasm_section(b, 0, &info);
    buf_release(&info);
}

/* Nothing is found, in an end of time. Releases `b`. */
static void look_in_vain(Buf *b)
{
    WasmModule *m = DECODE_OK(b);
    DwarfFrame f[MAX_FRAMES];
    EXPECT_EQ(dwarf_frames(m, m->funcs[0].body.at, f, MAX_FRAMES), 0);
    wasm_drop(m);
    buf_release(b);
}

/* An abbreviation without attributes in bodies of millions, and names that lead to themselves. */
TEST(dwarf_work_is_bounded)
{
    Buf b = {0};
    many_entries(&b, 8 << 20, 0);
    wasm_section_hex(&b, 0, "0d 2e 64 65 62 75 67 5f 61 62 62 72 65 76 01 11 01 31 13 00 00 00");
    look_in_vain(&b);
}

/* Attributes that take no bytes, thousands in each of very many entries: hours, if nobody counts.
 */
TEST(dwarf_attributes_are_counted)
{
    enum { ATTRIBUTES = 1 << 16 };
    Buf b = {0}, abbrevs = {0};
    many_entries(&b, 4 << 20, 0);
    buf_name(&abbrevs, STR(".debug_abbrev"));
    wasm_hex(&abbrevs, "01 11 01");
    for (u32 i = 0; i < ATTRIBUTES; i++)
        wasm_hex(&abbrevs, "34 19"); /* artificial: it is there */
    wasm_hex(&abbrevs, "00 00 00");
    wasm_section(&b, 0, &abbrevs);
    look_in_vain(&b);
    buf_release(&abbrevs);
}

/* The name of each of very many entries is the same string of millions of bytes. */
TEST(dwarf_long_strings_are_not_looked_at)
{
    enum { LENGTH = 4 << 20 };
    Buf b = {0}, str = {0};
    many_entries(&b, 1 << 20, 4);
    buf_name(&str, STR(".debug_str"));
    for (u32 i = 0; i < LENGTH; i++)
        buf_u8(&str, 'a');
    buf_u8(&str, 0);
    wasm_section(&b, 0, &str);
    wasm_section_hex(&b, 0, "0d 2e 64 65 62 75 67 5f 61 62 62 72 65 76 01 11 01 03 0e 00 00 00");
    look_in_vain(&b);
    buf_release(&str);
}
