/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Attacks on decoders that were published against one runtime or another. A test is named after
 * what it tries; each must end in a verdict, without a crash, a long wait or much memory.
 */
#include "unit/wasm/wasm_fixture.h"
#include "wasm/wast/wast.h"

#include <sys/mman.h>
#include <time.h>

/* Decodes bytes that end where an unreadable page begins. */
static bool decode_guarded(TypeRegistry *r, const u8 *p, usize n, Diag *d)
{
    enum { ROOM = 1 << 16 };
    static u8 *room;
    if (!room) {
        room = mmap(NULL, 2 * ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        EXPECT(room != MAP_FAILED);
        EXPECT_EQ(mprotect(room + ROOM, ROOM, PROT_NONE), 0);
    }
    EXPECT(n <= ROOM);
    u8 *at = room + ROOM - n;
    memcpy(at, p, n);
    DecodeOptions o = {.features = wasm_all_features(), .borrow = true};
    WasmModule *m = module_decode(r, &o, at, n, d);
    module_free(m);
    return m;
}

/* One of every section and many kinds of immediates. */
static void everything(Buf *b)
{
    wasm_begin(b);
    wasm_section_hex(b, 1,
                     "04 60 00 00 4e 02 50 00 5f 01 63 02 00 50 00 5e 78 01 "
                     "60 01 7f 00 60 00 01 7b");
    wasm_section_hex(b, 2,
                     "04 01 61 01 62 00 00 01 61 01 63 03 63 01 00 01 61 01 64 02 0f 01 02 "
                     "00 01 61 01 65 04 00 03");
    wasm_section_hex(b, 3, "02 00 04");
    wasm_section_hex(b, 4, "02 70 01 01 02 40 00 64 70 04 01 d2 00 0b");
    wasm_section_hex(b, 5, "01 03 01 02");
    wasm_section_hex(b, 13, "01 00 03");
    wasm_section_hex(b, 6, "02 7f 01 41 00 0b 64 6c 00 41 05 fb 1c 0b");
    wasm_section_hex(b, 7, "02 01 66 00 01 00 04 01");
    wasm_section_hex(b, 8, "01");
    wasm_section_hex(b, 9,
                     "05 00 41 00 0b 01 01 01 00 01 01 03 00 01 01 "
                     "06 01 42 00 0b 64 70 01 d2 01 0b 05 6f 01 d0 6f 0b");
    wasm_section_hex(b, 12, "03");
    wasm_section_hex(b, 10,
                     "02 26 02 02 7f 01 63 01 02 40 02 40 41 00 0e 02 00 01 02 0b 0b "
                     "41 00 28 42 01 80 01 1a 44 00 00 00 00 00 00 f0 3f 1a 0b "
                     "14 00 fd 0c 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 0b");
    wasm_section_hex(b, 11, "03 00 42 00 0b 01 61 01 01 62 02 01 41 00 0b 00");
    wasm_section_hex(b, 0, "04 6e 61 6d 65 01 04 01 00 01 66");
}

static void cut_everywhere(const u8 *p, usize n)
{
    TypeRegistry *r = types_new();
    Diag d;
    for (usize cut = 0; cut < n; cut++)
        decode_guarded(r, p, cut, &d);
    EXPECT_EQ(types_count(r), 0);
    types_free(r);
}

TEST(security_cut_at_each_byte)
{
    Buf b = {0};
    everything(&b);
    wasm_drop(DECODE_OK(&b));
    cut_everywhere(b.p, b.n);
    buf_release(&b);
}

TEST(security_suite_modules_cut_at_each_byte)
{
    static const char *const scripts[] = {"spec/array.wast",      "spec/try_table.wast",
                                          "spec/br_table.wast",   "spec/memory_copy.wast",
                                          "spec/simd_lane.wast",  "spec/type-subtyping.wast",
                                          "spec/br_on_cast.wast", "spec/elem.wast"};
    for (u32 i = 0; i < ARRAY_LEN(scripts); i++) {
        Buf text = {0};
        text.p = wasm_suite_file(scripts[i], &text.n);
        Diag d;
        diag_init(&d);
        WastCommand c;
        WastScript *s = wast_open((Str){(const char *)text.p, text.n});
        for (u32 left = 4; left && wast_next(s, &c, &d);) {
            Buf bytes = {0};
            if (c.kind == WAST_MODULE && wast_module_binary(s, &c.module, &bytes, NULL, &d) &&
                bytes.n < 6000) {
                cut_everywhere(bytes.p, bytes.n);
                left--;
            }
            buf_release(&bytes);
        }
        wast_close(s);
        buf_release(&text);
    }
}

/* Each byte, and so each size and count, changed: one less, one more, 0, 127, the largest u32. */
TEST(security_each_byte_changed)
{
    Buf b = {0};
    everything(&b);
    TypeRegistry *r = types_new();
    Diag d;
    static const u8 largest[] = {0xff, 0xff, 0xff, 0xff, 0x0f};
    for (usize at = 8; at < b.n; at++) {
        const u8 old = b.p[at];
        const u8 values[] = {(u8)(old - 1), (u8)(old + 1), 0, 0x7f, 0x80, 0xff};
        for (u32 k = 0; k < ARRAY_LEN(values); k++) {
            b.p[at] = values[k];
            decode_guarded(r, b.p, b.n, &d);
        }
        b.p[at] = old;
        Buf longer = {0};
        buf_bytes(&longer, b.p, at);
        buf_bytes(&longer, largest, sizeof largest);
        buf_bytes(&longer, b.p + at + 1, b.n - at - 1);
        decode_guarded(r, longer.p, longer.n, &d);
        buf_release(&longer);
    }
    EXPECT_EQ(types_count(r), 0);
    types_free(r);
    buf_release(&b);
}

/* The last byte 0x0b is an immediate; `end` before the declared size; an item crosses its section.
 */
TEST(security_reader_stays_in_step_with_sizes)
{
    static const struct {
        const char *sections, *message;
    } rows[] = {
        {"01 04 01 60 00 00 03 02 01 00 0a 05 01 03 00 41 0b", "unexpected end"},
        {"01 04 01 60 00 00 03 03 02 00 00 0a 0f 02 0a 00 01 01 0b 01 01 01 01 01 01 02 00 0b",
         "section size mismatch"},
        {"02 01 02 03 01 00", "unexpected end"},
        {"01 04 01 60 00 00 02 07 02 01 61 01 62 00 00 03 02 01 00", "unexpected end"},
        {"01 04 01 60 00 00 03 02 01 00 0a 04 01 04 00 0b 0b 03 01 01 00", "unexpected end"},
    };
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        Buf b = {0};
        wasm_begin(&b);
        wasm_hex(&b, rows[i].sections);
        EXPECT_ERROR(&b, DIAG_MALFORMED, -1, rows[i].message);
        buf_release(&b);
    }
}

/* A count that wraps when something is added to it, or that no module can hold. */
TEST(security_counts_that_wrap)
{
    static const char *const sections[] = {
        "01 05 ff ff ff ff 0f",             /* types */
        "01 06 01 4e ff ff ff ff 0f",       /* a group */
        "01 07 01 5f ff ff ff ff 0f 7f",    /* fields */
        "01 07 01 60 ff ff ff ff 0f 7f",    /* params */
        "01 08 01 60 00 ff ff ff ff 0f 7f", /* results */
        "01 07 01 50 ff ff ff ff 0f 00",    /* supertypes */
        "02 05 ff ff ff ff 0f",             /* imports */
        "02 06 01 ff ff ff ff 0f",          /* a name */
        "03 05 ff ff ff ff 0f",
        "04 05 ff ff ff ff 0f",
        "05 05 ff ff ff ff 0f",
        "0d 05 ff ff ff ff 0f",
        "06 05 ff ff ff ff 0f",
        "07 05 ff ff ff ff 0f",
        "09 05 ff ff ff ff 0f",
        "09 08 01 01 00 ff ff ff ff 0f", /* element items */
        "0c 05 ff ff ff ff 0f 0b 05 ff ff ff ff 0f",
        "0a 05 ff ff ff ff 0f",
        "0b 05 ff ff ff ff 0f",
        "0b 07 01 01 ff ff ff ff 0f", /* bytes of a data segment */
        "00 06 ff ff ff ff 0f 00",
    };
    static const char *const bodies[] = {
        "00 41 00 0e fc ff ff ff 0f 00 00 0b", /* br_table */
        "00 41 00 0e fd ff ff ff 0f 00 00 0b",
        "00 41 00 0e fe ff ff ff 0f 00 00 0b",
        "00 41 00 0e ff ff ff ff 0f 00 00 0b",
        "02 ff ff ff ff 0f 7f 02 7e 0b", /* locals: 2^32 + 1 */
        "ff ff ff ff 0f 01 7f 0b",
        "00 1f 40 ff ff ff ff 0f 00 00 00 0b 0b", /* catch clauses */
        "00 00 1c ff ff ff ff 0f 7f 1a 0b",       /* select types */
        "00 00 e3 00 ff ff ff ff 0f 00 00 00 0b", /* handlers */
    };
    clock_t start = clock();
    TypeRegistry *r = types_new();
    Diag d;
    for (u32 i = 0; i < ARRAY_LEN(sections) + ARRAY_LEN(bodies); i++) {
        Buf b = {0};
        if (i < ARRAY_LEN(sections)) {
            wasm_begin(&b);
            wasm_hex(&b, sections[i]);
        } else {
            wasm_one_func(&b, "60 00 00", bodies[i - ARRAY_LEN(sections)]);
        }
        EXPECT(!decode_guarded(r, b.p, b.n, &d));
        buf_release(&b);
    }
    EXPECT(clock() - start < CLOCKS_PER_SEC / 10);
    types_free(r);
}

/* All pairs of known sections, in each order and doubled, with custom sections between. */
TEST(security_section_order)
{
    /* In the order that they must have. */
    static const char *const sections[] = {"01 01 00", "02 01 00", "03 01 00", "04 01 00",
                                           "05 01 00", "0d 01 00", "06 01 00", "07 01 00",
                                           "09 01 00", "0c 01 00", "0a 01 00", "0b 01 00"};
    for (u32 i = 0; i < ARRAY_LEN(sections); i++)
        for (u32 k = 0; k < ARRAY_LEN(sections); k++) {
            Buf b = {0};
            wasm_begin(&b);
            wasm_hex(&b, sections[i]);
            wasm_hex(&b, "00 01 00");
            wasm_hex(&b, sections[k]);
            if (i < k)
                wasm_drop(DECODE_OK(&b));
            else
                EXPECT_ERROR(&b, DIAG_MALFORMED, 14, "unexpected content after last section");
            buf_release(&b);
        }
}

TEST(security_data_count_bypassed)
{
    static const struct {
        const char *sections, *message;
    } rows[] = {
        {"0c 01 02 0b 03 01 01 00", "data count and data section have inconsistent lengths"},
        {"0c 01 01 0b 05 02 01 00 01 00", "data count and data section have inconsistent lengths"},
        {"01 04 01 60 00 00 03 02 01 00 05 03 01 00 00 0a 0e 01 0c 00 41 00 41 00 41 00 fc 08 00 "
         "00 0b 0b 03 01 01 00",
         "data count section required"},
        {"01 04 01 60 00 00 03 02 01 00 0a 07 01 05 00 fc 09 00 0b", "data count section required"},
    };
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        Buf b = {0};
        wasm_begin(&b);
        wasm_hex(&b, rows[i].sections);
        EXPECT_ERROR(&b, DIAG_MALFORMED, -1, rows[i].message);
        buf_release(&b);
    }
}

/* Each prefixed opcode again with bits above the table's: a cut sub-opcode would find it. */
TEST(security_sub_opcode_is_not_cut)
{
    static const u32 above[] = {256, 512, 65536, 262144, 1u << 31};
    for (u32 op = 0; op < OP_COUNT; op++)
        for (u32 k = 0; op_infos[op].prefix && k < ARRAY_LEN(above); k++) {
            u32 code = op_infos[op].code + above[k];
            if (op_find(op_infos[op].prefix, code) != OP_COUNT)
                continue; /* 0x100 above is an instruction of its own */
            Buf b = {0}, body = {0};
            buf_bytes(&body, "\x00\x00", 2);
            buf_u8(&body, op_infos[op].prefix);
            buf_uleb(&body, code);
            buf_bytes(&body, "\x00\x00\x00\x0b", 4);
            wasm_begin(&b);
            wasm_section_hex(&b, 1, "01 60 00 00");
            wasm_section_hex(&b, 3, "01 00");
            Buf section = {0};
            buf_u8(&section, 1);
            buf_uleb(&section, body.n);
            buf_bytes(&section, body.p, body.n);
            wasm_section(&b, 10, &section);
            EXPECT_ERROR(&b, DIAG_MALFORMED, -1, "illegal opcode");
            buf_release(&b);
            buf_release(&body);
            buf_release(&section);
        }
}

/* The caller may do with its bytes what it likes once the module is made. */
TEST(security_bytes_change_after_validation)
{
    Buf b = {0}, before = {0}, after = {0};
    everything(&b);
    WasmModule *m = DECODE_OK(&b);
    module_encode(m, &before);
    memset(b.p, 0xff, b.n);
    buf_release(&b);
    module_encode(m, &after);
    EXPECT(before.n == after.n && memcmp(before.p, after.p, after.n) == 0);
    EXPECT(str_eq(module_func_name(m, 0), STR("f")));
    wasm_drop(m);
    buf_release(&before);
    buf_release(&after);
}

/* The name section may say anything: the module stays valid, and names are slices of it or none. */
TEST(security_name_section_is_not_trusted)
{
    Buf section = {0};
    wasm_hex(&section, "04 6e 61 6d 65 00 [02 61 62] 01 [03 00 01 66 01 02 67 67 05 01 68] "
                       "02 [01 00 01 00 01 78]");
    TypeRegistry *r = types_new();
    DecodeOptions o = {.features = wasm_all_features()};
    Diag d;
    for (usize at = 5; at < section.n; at++)
        for (u32 value = 0; value < 256; value++) {
            const u8 old = section.p[at];
            section.p[at] = (u8)value;
            Buf b = {0};
            wasm_begin(&b);
            wasm_section(&b, 0, &section);
            section.p[at] = old;
            WasmModule *m = module_decode(r, &o, b.p, b.n, &d);
            EXPECT(m);
            const char *first = (const char *)m->bytes, *end = first + m->size;
            for (u32 i = 0; i < 8; i++) {
                Str s = i == 7 ? module_name(m) : module_func_name(m, i);
                EXPECT(!s.p || (s.p >= first && s.p + s.n <= end));
            }
            module_free(m);
            buf_release(&b);
        }
    types_free(r);
    buf_release(&section);
}
