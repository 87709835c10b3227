/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tests of the printer: text of chosen modules. The whole test suite goes round in spec_test.c. */
#include "unit/test.h"
#include "wasm/text/text.h"

#include <stdio.h>

static WasmModule *decode(TypeRegistry *r, const u8 *p, usize n)
{
    DecodeOptions o = {.features = ((FeatureSet)1 << FEATURE_COUNT) - 1};
    Diag d;
    diag_init(&d);
    WasmModule *m = module_decode(r, &o, p, n, &d);
    if (!m)
        test_fail(__FILE__, __LINE__, "not a module: %s", d.msg);
    return m;
}

static char *print_text(const char *source)
{
    Buf bytes = {0}, text = {0};
    Diag d;
    diag_init(&d);
    if (!text_parse_module(str_of(source), NULL, &bytes, NULL, &d))
        test_fail(__FILE__, __LINE__, "%s: %s", source, d.msg);
    TypeRegistry *r = types_new();
    WasmModule *m = decode(r, bytes.p, bytes.n);
    text_print(m, &text);
    module_free(m);
    types_free(r);
    buf_release(&bytes);
    return buf_take_string(&text);
}

/* What is printed, and that it prints as itself. */
static void expect_print(const char *source, const char *text)
{
    char *first = print_text(source);
    EXPECT_STR(first, text);
    char *second = print_text(first);
    EXPECT_STR(second, text);
    mem_free(first);
    mem_free(second);
}

TEST(print_names_where_they_can_be_identifiers)
{
    expect_print("(module $m (func $a (param $x i32) (local $\"b c\" i64) local.get $x drop))",
                 "(module $m\n"
                 "  (type (;0;) (func (param i32)))\n"
                 "  (func $a (;0;) (type 0) (param $x i32)\n"
                 "    (local $\"b c\" i64)\n"
                 "    local.get $x\n"
                 "    drop\n"
                 "  )\n"
                 ")\n");
    /* two functions of the same name, one without any */
    expect_print("(func (@name \"f\")) (func (@name \"f\") call 0 call 1) (func (@name \"\"))",
                 "(module\n"
                 "  (type (;0;) (func))\n"
                 "  (func $f (;0;) (type 0)\n"
                 "  )\n"
                 "  (func (;1;) (@name \"f\") (type 0)\n"
                 "    call $f\n"
                 "    call 1\n"
                 "  )\n"
                 "  (func (;2;) (@name \"\") (type 0)\n"
                 "  )\n"
                 ")\n");
}

TEST(print_labels)
{
    /* the inner $l hides the outer one, which is then known by its depth */
    expect_print("(func (result i32) block $l block $l br $l br 1 br 2 end loop br 0 end end"
                 " i32.const 7)",
                 "(module\n"
                 "  (type (;0;) (func (result i32)))\n"
                 "  (func (;0;) (type 0) (result i32)\n"
                 "    block $l\n"
                 "      block $l\n"
                 "        br $l\n"
                 "        br 1 (;@1;)\n"
                 "        br 2 (;@0;)\n"
                 "      end\n"
                 "      loop ;; label = @2\n"
                 "        br 0 (;@2;)\n"
                 "      end\n"
                 "    end\n"
                 "    i32.const 7\n"
                 "  )\n"
                 ")\n");
}

TEST(print_numbers_exactly)
{
    expect_print("(global f32 (f32.const 0.1)) (global f64 (f64.const -0x0.8p-1073))"
                 "(global f32 (f32.const -nan:0x123)) (global f64 (f64.const -inf))"
                 "(global i64 (i64.const -1)) (global v128 (v128.const i8x16 0 1 2 3 4 5 6 7 8 9 10"
                 " 11 12 13 14 -1))",
                 "(module\n"
                 "  (global (;0;) f32 (f32.const 0x1.99999ap-4 (;=0.100000001;)))\n"
                 "  (global (;1;) f64 (f64.const -0x0.0000000000001p-1022"
                 " (;=-4.9406564584124654e-324;)))\n"
                 "  (global (;2;) f32 (f32.const -nan:0x123))\n"
                 "  (global (;3;) f64 (f64.const -inf))\n"
                 "  (global (;4;) i64 (i64.const -1))\n"
                 "  (global (;5;) v128"
                 " (v128.const i32x4 0x03020100 0x07060504 0x0b0a0908 0xff0e0d0c))\n"
                 ")\n");
}

TEST(print_types_with_their_groups)
{
    expect_print("(rec (type $a (sub (struct (field $x (mut i8)) (field (ref null $b)))))"
                 " (type $b (sub final $a (struct (field (mut i8)) (field (ref null $b))))))"
                 "(rec) (type (array (mut i64)))",
                 "(module\n"
                 "  (rec\n"
                 "    (type $a (;0;) (sub (struct (field $x (mut i8)) (field (ref null $b)))))\n"
                 "    (type $b (;1;) (sub final $a (struct (field (mut i8))"
                 " (field (ref null $b)))))\n"
                 "  )\n"
                 "  (rec\n"
                 "  )\n"
                 "  (type (;2;) (array (mut i64)))\n"
                 ")\n");
}

TEST(print_segments_and_custom_sections)
{
    expect_print("(memory 1) (table 2 funcref) (func $f)"
                 "(elem (i32.const 0) $f 0) (elem declare func $f) (elem $e funcref (ref.func $f))"
                 "(data (offset (i32.add (i32.const 1) (i32.const 2))) \"a\\00\\ff\\\"\")"
                 "(data $d \"\") (@custom \"c\" (before memory) \"\\01x\")",
                 "(module\n"
                 "  (type (;0;) (func))\n"
                 "  (table (;0;) 2 funcref)\n"
                 "  (memory (;0;) 1)\n"
                 "  (elem (;0;) (i32.const 0) func $f $f)\n"
                 "  (elem (;1;) declare func $f)\n"
                 "  (elem $e (;2;) funcref (ref.func $f))\n"
                 "  (func $f (;0;) (type 0)\n"
                 "  )\n"
                 "  (data (;0;) (offset i32.const 1 i32.const 2 i32.add) \"a\\00\\ff\\\"\")\n"
                 "  (data $d (;1;) \"\")\n"
                 "  (@custom \"c\" (after table) \"\\01x\")\n"
                 ")\n");
}

TEST(print_confusing_characters_as_escapes)
{
    expect_print("(memory (export \"\\u{202e}\xc3\xa4\") 1)",
                 "(module\n"
                 "  (memory (;0;) 1)\n"
                 "  (export \"\\u{202e}\xc3\xa4\" (memory 0))\n"
                 ")\n");
}

TEST(print_branch_hints)
{
    expect_print("(func (param i32) local.get 0 (@metadata.code.branch_hint \"\\01\") if end)",
                 "(module\n"
                 "  (type (;0;) (func (param i32)))\n"
                 "  (func (;0;) (type 0) (param i32)\n"
                 "    local.get 0\n"
                 "    (@metadata.code.branch_hint \"\\01\")\n"
                 "    if ;; label = @1\n"
                 "    end\n"
                 "  )\n"
                 ")\n");
}

TEST(print_with_map)
{
    Buf bytes = {0}, text = {0};
    TextMap map = {0};
    Diag d;
    diag_init(&d);
    EXPECT(text_parse_module(STR("(func nop) (func i32.const 1 drop)"), NULL, &bytes, NULL, &d));
    TypeRegistry *r = types_new();
    WasmModule *m = decode(r, bytes.p, bytes.n);
    text_print_with_map(m, &text, &map);
    EXPECT_EQ(map.n, 5);
    for (u32 i = 1; i < map.n; i++)
        EXPECT(map.p[i - 1].binary < map.p[i].binary && map.p[i - 1].text < map.p[i].text);
    EXPECT(memcmp(text.p + map.p[0].text, "(func", 5) == 0);
    EXPECT(memcmp(text.p + map.p[3].text, "i32.const 1\n", 12) == 0);
    EXPECT_EQ(m->bytes[map.p[3].binary], 0x41);
    EXPECT(memcmp(text.p + map.p[4].text, "drop\n", 5) == 0);
    EXPECT_EQ(m->bytes[map.p[4].binary], 0x1a);
    vec_release(&map);
    module_free(m);
    types_free(r);
    buf_release(&bytes);
    buf_release(&text);
}

/* A name section that is malformed is kept as bytes, and its names are not used. */
TEST(print_malformed_name_section)
{
    static const u8 bytes[] = "\0asm\1\0\0\0"
                              "\1\4\1\x60\0\0\3\2\1\0\12\4\1\2\0\13"
                              "\0\15\4name\1\6\1\0\4fun"; /* a name of four bytes, cut short */
    TypeRegistry *r = types_new();
    WasmModule *m = decode(r, bytes, sizeof bytes - 1);
    Buf text = {0};
    text_print(m, &text);
    char *s = buf_take_string(&text);
    EXPECT_STR(s, "(module\n"
                  "  (type (;0;) (func))\n"
                  "  (func (;0;) (type 0)\n"
                  "  )\n"
                  "  (@custom \"name\" (after code) \"\\01\\06\\01\\00\\04fun\")\n"
                  ")\n");
    mem_free(s);
    module_free(m);
    types_free(r);
}
