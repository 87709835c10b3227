/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The decoder: what a module becomes, and every kind of malformed module with its place. */
#include "unit/wasm/wasm_fixture.h"

TEST(decode_empty_module)
{
    Buf b = {0};
    wasm_begin(&b);
    WasmModule *m = DECODE_OK(&b);
    EXPECT_EQ(m->nfuncs, 0);
    EXPECT(!module_find_export(m, STR("x")));
    wasm_drop(m);
    buf_release(&b);
}

TEST(decode_header_errors)
{
    static const struct {
        const char *hex;
        i64 offset;
        const char *message;
    } rows[] = {
        {"", 0, "unexpected end"},
        {"01", 0, "unexpected end"},
        {"00 61 73", 3, "unexpected end"},
        {"00 61 73 6d", 4, "unexpected end"},
        {"00 61 73 6d 01 00 00", 7, "unexpected end"},
        {"6d 73 61 00 01 00 00 00", 0, "magic header not detected"},
        {"00 61 73 6d 02 00 00 00", 4, "unknown binary version"},
        {"00 61 73 6d 0d 00 01 00", 4, "unknown binary version: this is a component"},
    };
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        Buf b = {0};
        wasm_hex(&b, rows[i].hex);
        EXPECT_ERROR(&b, DIAG_MALFORMED, rows[i].offset, rows[i].message);
        buf_release(&b);
    }
}

/* Sections behind the header; offsets count from the start of the module. */
TEST(decode_malformed_sections)
{
    static const struct {
        const char *hex;
        i64 offset;
        const char *message;
    } rows[] = {
        {"0e 00", 8, "malformed section id"},
        {"00", 9, "unexpected end"},
        {"00 00", 10, "unexpected end"},
        {"01 05 00", 9, "length out of bounds"},
        {"01 01 00 01 01 00", 11, "unexpected content after last section"},
        {"03 01 00 01 01 00", 11, "unexpected content after last section"},
        {"0a 01 00 0c 01 00", 11, "unexpected content after last section"},
        {"01 02 00 00", 11, "section size mismatch"},
        {"01 04 01 60 00 00 03 02 01 00", 18,
         "function and code section have inconsistent lengths"},
        {"0a 04 01 02 00 0b", 10, "function and code section have inconsistent lengths"},
        {"0c 01 01", 11, "data count and data section have inconsistent lengths"},
        {"0c 01 01 0b 01 00", 13, "data count and data section have inconsistent lengths"},
        {"01 86 80 80 80 80 00", 9, "integer representation too long"},
        {"01 86 80 80 80 10", 9, "integer too large"},
        {"00 03 05 61 62", 10, "length out of bounds"},
        {"00 02 01 ff", 11, "malformed UTF-8 encoding"},
        {"01 01 05", 11, "unexpected end"},
        {"01 03 01 20 00", 11, "malformed definition type"},
        {"01 04 01 60 01 7f", 14, "unexpected end"},
        {"01 05 01 60 01 79 00", 13, "malformed value type"},
        {"01 04 01 5e 7f 02", 13, "malformed mutability"},
        {"02 05 01 00 00 05 00", 13, "malformed import kind"},
        {"04 04 01 7f 00 00", 11, "malformed reference type"},
        {"04 04 01 70 08 00", 12, "malformed limits flags"},
        {"04 06 01 40 01 70 00 00", 12, "zero byte expected"},
        {"05 03 01 10 00", 11, "malformed limits flags"},
        {"06 05 01 7f 02 41 00", 12, "malformed mutability"},
        {"06 05 01 7f 00 41 00", 15, "unexpected end"},
        {"06 05 01 7f 00 ff 0b", 13, "illegal opcode ff"},
        {"0d 03 01 01 00", 11, "malformed tag attribute"},
        {"05 03 01 00 00 07 04 01 00 05 00", 17, "malformed export kind"},
        {"09 04 01 08 00 00", 11, "malformed elements segment kind"},
        {"09 05 01 01 01 00 00", 12, "malformed element kind"},
        {"09 05 01 05 7f 00 00", 12, "malformed reference type"},
        {"0b 04 01 03 00 00", 11, "malformed data segment kind"},
    };
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        Buf b = {0};
        wasm_begin(&b);
        wasm_hex(&b, rows[i].hex);
        EXPECT_ERROR(&b, DIAG_MALFORMED, rows[i].offset, rows[i].message);
        buf_release(&b);
    }
}

TEST(decode_suite_modules)
{
    static const char *const files[] = {"sightglass/sqlite3/sqlite3.wasm",
                                        "sightglass/regex/benchmark.wasm",
                                        "sightglass/blake3-simd/benchmark.wasm"};
    for (u32 i = 0; i < ARRAY_LEN(files); i++) {
        Buf b = {0};
        b.p = wasm_suite_file(files[i], &b.n);
        WasmModule *m = wasm_decode_ok(__FILE__, __LINE__, &b, features_default());
        EXPECT(m->nfuncs > m->n_imported_funcs);
        EXPECT(module_find_export(m, STR("memory")));
        EXPECT(m->uses & FEATURE_MASK(MVP));
        wasm_drop(m);
        buf_release(&b);
    }
}

/* What a proposal that is off does not take away. */
TEST(decode_with_proposals_off)
{
    static const struct {
        const char *sections;
        FeatureSet off;
    } rows[] = {
        {"01 [01 60 01 64 70 00]", FEATURE_MASK(FUNCTION_REFERENCES)},
        {"01 [02 60 00 00 60 01 63 00 00]", FEATURE_MASK(FUNCTION_REFERENCES)},
        {"04 [01 70 00 01] 09 [01 04 41 00 0b 01 d0 70 0b]", FEATURE_MASK(BULK_MEMORY)},
    };
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        Buf b = {0};
        wasm_begin(&b);
        wasm_hex(&b, rows[i].sections);
        wasm_drop(wasm_decode_ok(__FILE__, __LINE__, &b, wasm_all_features() & ~rows[i].off));
        buf_release(&b);
    }
}

/* Sections and types of a proposal that is off. */
TEST(decode_proposals_off)
{
    static const struct {
        const char *sections, *message;
        FeatureSet off;
    } rows[] = {
        {"0d [00]", "tag section: the exceptions proposal is off", FEATURE_MASK(EXCEPTIONS)},
        {"05 [02 00 00 00 00]", "multiple memories: the multi-memory", FEATURE_MASK(MULTI_MEMORY)},
        {"05 [01 04 00]", "64-bit addresses: the memory64", FEATURE_MASK(MEMORY64)},
        {"05 [01 03 00 00]", "shared memory: the threads", FEATURE_MASK(THREADS)},
        {"05 [01 08 00 00]", "page size: the custom-page-sizes", FEATURE_MASK(CUSTOM_PAGE_SIZES)},
        {"01 [01 5f 00]", "struct type: the gc", FEATURE_MASK(GC)},
        {"01 [01 4e 00]", "recursive group: the gc", FEATURE_MASK(GC)},
        {"01 [01 50 00 60 00 00]", "sub type: the gc", FEATURE_MASK(GC)},
        {"01 [01 60 00 02 7f 7f]", "invalid result arity", FEATURE_MASK(MULTI_VALUE)},
        {"01 [02 60 00 00 5d 00]", "continuation type", FEATURE_MASK(STACK_SWITCHING)},
        {"0c [00]", "data count section: the bulk-memory", FEATURE_MASK(BULK_MEMORY)},
        {"0b [01 01 00]", "passive data segment: the bulk-memory", FEATURE_MASK(BULK_MEMORY)},
        {"09 [01 01 00 00]", "passive or declared element segment", FEATURE_MASK(BULK_MEMORY)},
        {"06 [01 7f 00 41 00 41 00 6a 0b]", "i32.add: the extended-const",
         FEATURE_MASK(EXTENDED_CONST)},
        {"06 [01 7f 01 41 00 0b] 07 [01 00 03 00]", "export of a mutable global",
         FEATURE_MASK(MUTABLE_GLOBALS)},
        {"04 [02 70 00 00 70 00 00]", "multiple tables", FEATURE_MASK(REFERENCE_TYPES)},
    };
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        Buf b = {0};
        wasm_begin(&b);
        wasm_hex(&b, rows[i].sections);
        wasm_drop(DECODE_OK(&b));
        wasm_expect_error(__FILE__, __LINE__, &b, wasm_all_features() & ~rows[i].off,
                          DIAG_UNSUPPORTED, -1, rows[i].message);
        buf_release(&b);
    }
}
