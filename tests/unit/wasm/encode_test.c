/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Encoding: what comes out decodes, and encodes to the same bytes again. */
#include "unit/wasm/wasm_fixture.h"

/* Encodes, decodes and encodes again; the numbers of things must stay. */
static void expect_round_trip(const Buf *b, bool same_bytes)
{
    WasmModule *m = DECODE_OK(b);
    Buf once = {0}, twice = {0};
    module_encode(m, &once);
    WasmModule *again = DECODE_OK(&once);
    module_encode(again, &twice);
    EXPECT_EQ(once.n, twice.n);
    EXPECT(memcmp(once.p, twice.p, once.n) == 0);
    if (same_bytes) {
        EXPECT_EQ(once.n, b->n);
        EXPECT(memcmp(once.p, b->p, b->n) == 0);
    }
    EXPECT_EQ(m->ntypes, again->ntypes);
    EXPECT_EQ(m->nfuncs, again->nfuncs);
    EXPECT_EQ(m->nexports, again->nexports);
    EXPECT_EQ(m->ncustoms, again->ncustoms);
    EXPECT_EQ(m->uses, again->uses);
    EXPECT_EQ(m->n_escaping, again->n_escaping);
    wasm_drop(m);
    wasm_drop(again);
    buf_release(&once);
    buf_release(&twice);
}

/* One of everything, written in the shortest form, so the bytes must come back unchanged. */
TEST(encode_round_trip_is_exact)
{
    Buf b = {0};
    wasm_begin(&b);
    wasm_section_hex(&b, 0, "01 61 ff");
    wasm_section_hex(&b, 1,
                     "04 60 00 00 4e 02 50 00 5f 01 63 02 00 50 00 5e 78 01 "
                     "60 01 7f 00 60 00 01 7b");
    wasm_section_hex(&b, 2,
                     "04 01 61 01 62 00 00 01 61 01 63 03 63 01 00 01 61 01 64 02 0f 01 02 "
                     "00 01 61 01 65 04 00 03");
    wasm_section_hex(&b, 3, "02 00 04");
    wasm_section_hex(&b, 4, "02 70 01 01 02 40 00 64 70 04 01 d2 00 0b");
    wasm_section_hex(&b, 5, "01 03 01 02");
    wasm_section_hex(&b, 13, "01 00 03");
    wasm_section_hex(&b, 6, "02 7f 01 41 00 0b 64 6c 00 41 05 fb 1c 0b");
    wasm_section_hex(&b, 7, "02 01 66 00 01 00 04 01");
    wasm_section_hex(&b, 8, "01");
    wasm_section_hex(&b, 9,
                     "05 00 41 00 0b 01 01 01 00 01 01 03 00 01 01 "
                     "06 01 42 00 0b 64 70 01 d2 01 0b 05 6f 01 d0 6f 0b");
    wasm_section_hex(&b, 12, "03");
    wasm_section_hex(&b, 0, "01 62");
    wasm_section_hex(&b, 10,
                     "02 02 00 0b 14 00 fd 0c 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e "
                     "0f 10 0b");
    wasm_section_hex(&b, 11, "03 00 42 00 0b 01 61 01 01 62 02 01 41 00 0b 00");
    expect_round_trip(&b, true);
    buf_release(&b);
}

TEST(encode_round_trip_of_programs)
{
    static const char *const files[] = {"sightglass/sqlite3/sqlite3.wasm",
                                        "sightglass/pulldown-cmark/benchmark.wasm",
                                        "sightglass/blake3-simd/benchmark.wasm"};
    for (u32 i = 0; i < ARRAY_LEN(files); i++) {
        Buf b = {0};
        b.p = wasm_suite_file(files[i], &b.n);
        expect_round_trip(&b, false);
        buf_release(&b);
    }
}
