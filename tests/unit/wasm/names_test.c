/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Exports, custom sections and the name section, which may say anything. */
#include "unit/wasm/wasm_fixture.h"

static void expect_str(Str s, const char *want)
{
    if (!str_eq(s, str_of(want)))
        test_fail(__FILE__, __LINE__, "\"%.*s\", expected \"%s\"", STR_ARG(s), want);
}

/* A module with the name section's subsections given in hexadecimal. */
static WasmModule *with_names(const char *subsections)
{
    Buf b = {0}, payload = {0};
    wasm_begin(&b);
    wasm_hex(&payload, "04 6e 61 6d 65");
    wasm_hex(&payload, subsections);
    wasm_section(&b, 0, &payload);
    WasmModule *m = DECODE_OK(&b);
    buf_release(&b);
    buf_release(&payload);
    return m;
}

TEST(names_of_module_and_functions)
{
    WasmModule *m = with_names("00 03 02 61 62 01 0a 02 00 01 66 05 04 67 67 67 67");
    expect_str(module_name(m), "ab");
    expect_str(module_func_name(m, 0), "f");
    expect_str(module_func_name(m, 5), "gggg");
    EXPECT(!module_func_name(m, 1).p);
    EXPECT(!module_func_name(m, UINT32_MAX).p);
    wasm_drop(m);
}

/* What is wrong is left out, the rest stays; the module is valid all the same. */
TEST(names_malformed_are_ignored)
{
    static const struct {
        const char *hex, *module, *func0;
    } rows[] = {
        {"", "", ""},
        {"00", "", ""},
        {"00 05 02 61 62", "", ""},
        {"00 03 05 61 62", "", ""},
        {"00 02 01 ff", "", ""},
        {"00 02 01 61 01 ff ff ff ff 0f", "a", ""},
        {"01 06 ff ff ff ff 0f 00", "", ""},
        {"01 05 02 00 01 66 00", "", "f"},
        {"01 07 02 00 01 66 00 01 67", "", "f"},
        {"01 07 02 05 01 66 00 01 67", "", "g"},
        {"09 01 00 00 02 01 61", "a", ""},
    };
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        WasmModule *m = with_names(rows[i].hex);
        expect_str(module_name(m), rows[i].module);
        expect_str(module_func_name(m, 0), rows[i].func0);
        wasm_drop(m);
    }
}

TEST(names_exports_and_customs)
{
    Buf b = {0};
    wasm_begin(&b);
    wasm_section_hex(&b, 0, "01 78 01 02");
    wasm_section_hex(&b, 5, "01 00 01");
    wasm_section_hex(&b, 0, "01 78 03");
    wasm_section_hex(&b, 7, "02 00 02 00 03 6d 65 6d 02 00");
    WasmModule *m = DECODE_OK(&b);
    EXPECT_EQ(m->ncustoms, 2);
    EXPECT_EQ(m->customs[0].after, 0);
    EXPECT_EQ(m->customs[1].after, 5);
    Str payload;
    EXPECT(module_custom(m, STR("x"), &payload));
    EXPECT(payload.n == 2 && payload.p[0] == 1 && payload.p[1] == 2);
    EXPECT(!module_custom(m, STR("y"), &payload));
    EXPECT_EQ(module_find_export(m, STR("mem"))->kind, EXTERN_MEMORY);
    EXPECT(module_find_export(m, STR("")));
    EXPECT(!module_find_export(m, STR("me")));
    wasm_drop(m);
    buf_release(&b);
}
