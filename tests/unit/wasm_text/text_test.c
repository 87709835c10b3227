/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tests of the text format's front end: tokens, numbers, positions, annotations, limits. */
#include "unit/test.h"
#include "wasm/text/lexer.h"
#include "wasm/text/number.h"
#include "wasm/text/text.h"

#include <stdio.h>

/* ---- numbers ---- */

static void expect_f64(const char *text, u64 bits)
{
    u64 v = 0;
    if (!number_f64(str_of(text), &v) || v != bits)
        test_fail(__FILE__, __LINE__, "%s is %llx, expected %llx", text, (unsigned long long)v,
                  (unsigned long long)bits);
}

static void expect_f32(const char *text, u32 bits)
{
    u32 v = 0;
    if (!number_f32(str_of(text), &v) || v != bits)
        test_fail(__FILE__, __LINE__, "%s is %x, expected %x", text, v, bits);
}

TEST(text_f64_is_rounded_once)
{
    expect_f64("0", 0);
    expect_f64("-0x0p0", (u64)1 << 63);
    expect_f64("1", 0x3ff0000000000000);
    expect_f64("0.1", 0x3fb999999999999a);
    expect_f64("1_000.5_0e0_1", 0x40c38a8000000000);
    /* halfway between two doubles goes to the even one, a trace more goes up */
    expect_f64("9007199254740993", 0x4340000000000000);
    expect_f64("9007199254740993.00000000000000000000000000001", 0x4340000000000001);
    expect_f64("9007199254740995", 0x4340000000000002);
    /* subnormals */
    expect_f64("4.9406564584124654e-324", 1);
    expect_f64("2.4703282292062327e-324", 0);
    expect_f64("2.4703282292062328e-324", 1);
    expect_f64("2.2250738585072011e-308", 0x000fffffffffffff);
    expect_f64("2.2250738585072014e-308", 0x0010000000000000);
    expect_f64("1e-99999999999999999999", 0);
    /* the largest */
    expect_f64("1.7976931348623157e308", 0x7fefffffffffffff);
    expect_f64("1.7976931348623158079372897e308", 0x7fefffffffffffff);
    expect_f64("0x1.fffffffffffff7fp1023", 0x7fefffffffffffff);
    u64 v;
    EXPECT(!number_f64(STR("1.7976931348623158079372898e308"), &v));
    EXPECT(!number_f64(STR("0x1.fffffffffffff8p1023"), &v));
    EXPECT(!number_f64(STR("1e99999999999999999999"), &v));
    EXPECT(!number_f64(STR("0x1p999999999999999999"), &v));
}

TEST(text_f64_with_very_many_digits)
{
    /* 1 + 2^-53, exactly halfway, then with a one two thousand digits later */
    static char text[4000] = "1.00000000000000011102230246251565404236316680908203125";
    expect_f64(text, 0x3ff0000000000000);
    usize n = strlen(text);
    memset(text + n, '0', 2000);
    text[n + 2000] = '1';
    expect_f64(text, 0x3ff0000000000001);
    static char zeros[3000];
    memset(zeros, '0', 2000);
    memcpy(zeros, "0.", 2);
    memcpy(zeros + 2000, "12345e1999", 11); /* 0.00...12345e1999 = 1.2345 */
    expect_f64(zeros, 0x3ff3c083126e978d);
}

TEST(text_f32_is_not_rounded_through_f64)
{
    expect_f32("1.1754942e-38", 0x007fffff);
    expect_f32("1.4e-45", 1);
    expect_f32("0x1p-150", 0);
    expect_f32("0x1.000001p-150", 1);
    expect_f32("0x1.ccb7e3p-127", 0x732df9);
    /* 1 + 2^-24 and a trace: as a double it is the halfway point */
    expect_f32("1.000000059604644775390625", 0x3f800000);
    expect_f32("1.0000000596046447753906250000000001", 0x3f800001);
    expect_f32("+0x1.00000100000000000000000000000000000001p0", 0x3f800001);
    expect_f32("-inf", 0xff800000);
    expect_f32("nan", 0x7fc00000);
    expect_f32("-nan:0x7fffff", 0xffffffff);
    expect_f32("3.4028234e38", 0x7f7fffff);
    u32 v;
    EXPECT(!number_f32(STR("3.4028236e38"), &v));
    EXPECT(!number_f32(STR("nan:0x800000"), &v));
    EXPECT(!number_f32(STR("nan:0x0"), &v));
}

TEST(text_integers_have_their_range)
{
    u64 v;
    EXPECT(number_int(STR("-0x8000_0000"), 32, &v) && v == 0x80000000);
    EXPECT(number_int(STR("4294967295"), 32, &v) && v == 0xffffffff);
    EXPECT(!number_int(STR("4294967296"), 32, &v));
    EXPECT(!number_int(STR("-2147483649"), 32, &v));
    EXPECT(number_int(STR("0xffffffffffffffff"), 64, &v) && v == UINT64_MAX);
    EXPECT(!number_int(STR("18446744073709551616"), 64, &v));
    EXPECT(number_int(STR("-9223372036854775808"), 64, &v) && v == (u64)1 << 63);
    EXPECT(number_int(STR("-128"), 8, &v) && v == 0x80);
    EXPECT(!number_int(STR("256"), 8, &v));
    EXPECT(!number_unsigned(STR("+1"), 10, &v));
}

/* ---- tokens ---- */

static void expect_kinds(const char *text, const char *kinds)
{
    static const char letters[] = {
        [TOKEN_EOF] = '.',     [TOKEN_ERROR] = '!',   [TOKEN_LPAREN] = '(', [TOKEN_RPAREN] = ')',
        [TOKEN_KEYWORD] = 'k', [TOKEN_ID] = '$',      [TOKEN_STRING] = '"', [TOKEN_INT] = 'i',
        [TOKEN_FLOAT] = 'f',   [TOKEN_RESERVED] = 'r'};
    char got[64] = {0};
    Lexer l;
    lexer_init(&l, str_of(text), false);
    for (u32 i = 0; i < l.tokens.n - LEXER_PADDING && i < sizeof got - 1; i++)
        got[i] = letters[l.tokens.p[i].kind];
    EXPECT_STR(got, kinds);
    lexer_release(&l);
}

TEST(text_tokens)
{
    expect_kinds("(func $f)", "(k$)");
    expect_kinds("func(;a(;b;)c;)$x;;y\nz", "k$k");
    expect_kinds("0 -1 0x1F 1_0 1__0 1_ _1 0x 0x_1", "iiiirrrrr");
    expect_kinds("1. 1.5 1e5 0x1p-3 0x.1 1.e+ inf -nan nan:0x7 nan:canonical", "ffffrrfffk");
    expect_kinds("\"a\" \"a\"\"b\" 0drop $\"q\" $a\"b\"", "\"rr$r");
    expect_kinds("a,b", "krk");
    expect_kinds("(@note (x \"y\") ;;)\n) nop", "k");
    expect_kinds("nop $", "k!");
    expect_kinds("nop (;", "k!");
    expect_kinds("\"\\u{d800}\"", "!");
    expect_kinds("a\x01", "k!");
}

TEST(text_string_escapes)
{
    Lexer l;
    Buf b = {0};
    lexer_init(&l, STR("\"a\\n\\41\\u{20AC}\\\"\\ff\""), false);
    EXPECT_EQ(l.tokens.p[0].kind, TOKEN_STRING);
    token_string(&l, &l.tokens.p[0], &b);
    EXPECT_EQ(b.n, 8);
    EXPECT(memcmp(b.p, "a\nA\xe2\x82\xac\"\xff", 8) == 0);
    buf_release(&b);
    lexer_release(&l);
}

/* ---- modules ---- */

static void expect_module(const char *text, const char *hex)
{
    Buf out = {0}, got = {0};
    Diag d;
    diag_init(&d);
    if (!text_parse_module(str_of(text), &(TextOptions){.no_names = true}, &out, NULL, &d))
        test_fail(__FILE__, __LINE__, "%s: %s", text, d.msg);
    for (usize i = 8; i < out.n; i++)
        buf_printf(&got, "%02x", out.p[i]);
    char *s = buf_take_string(&got);
    EXPECT_STR(s, hex);
    mem_free(s);
    buf_release(&out);
}

/* The text is refused, with a message that begins so, at that offset. */
static void expect_refused(const char *text, const char *words, u64 offset)
{
    Buf out = {0};
    Diag d;
    diag_init(&d);
    if (text_parse_module(str_of(text), NULL, &out, NULL, &d))
        test_fail(__FILE__, __LINE__, "%s: accepted", text);
    if (strncmp(d.msg, words, strlen(words)) != 0 || d.offset != offset)
        test_fail(__FILE__, __LINE__, "%s: \"%s\" at %llu, expected \"%s\" at %llu", text, d.msg,
                  (unsigned long long)d.offset, words, (unsigned long long)offset);
    EXPECT(out.n == 0);
}

TEST(text_modules_as_bytes)
{
    expect_module("", "");
    expect_module("(module)", "");
    expect_module("(func)", "010401600000030201000a040102000b");
    /* a folded if puts its condition first */
    expect_module("(func (if (i32.const 1) (then nop) (else unreachable)))",
                  "010401600000030201000a0c010a00410104400105000b0b");
    /* implicit types come behind the written ones */
    expect_module("(func (param i32)) (type (func))", "01080260000060017f00030201010a040102000b");
    expect_module("(memory (data \"abc\"))", "0504010101010b09010041000b03616263");
    expect_module("(table funcref (elem 0)) (func)",
                  "01040160000003020100040501700101010907010041000b01000a040102000b");
    expect_module("(func (local i32 i32) (local i64) (local i32))",
                  "010401600000030201000a0a010803027f017e017f0b");
}

TEST(text_labels_shadow)
{
    /* inside the inner block $l is depth 0, behind it the outer one again */
    expect_module("(func block $l block $l br $l end br $l end)",
                  "010401600000030201000a0e010c00024002400c000b0c000b0b");
    expect_refused("(func block $a end $b)", "mismatching label", 19);
    expect_refused("(func br $x)", "unknown label", 9);
    expect_refused("(func block $x end br $x)", "unknown label", 22);
}

TEST(text_refusals_have_their_words_and_places)
{
    expect_refused("(module\n  (func bad))", "unknown operator", 16);
    expect_refused("(module (func) ", "unexpected token", 15);
    expect_refused("(func i32.const)", "unexpected token", 15);
    expect_refused("(func i32.const 4294967296)", "constant out of range", 16);
    expect_refused("(func i32.load align=3)", "alignment", 15);
    expect_refused("(func $f) (func $f)", "duplicate func", 16);
    expect_refused("(func (param $x i32) (local $x i32))", "duplicate local", 28);
    expect_refused("(func) (import \"\" \"\" (func))", "import after function", 7);
    expect_refused("(type (func)) (func (type 0) (param i32))", "inline function type", 20);
    expect_refused("(func end)", "unexpected token", 6);
    expect_refused("(func block)", "unexpected token", 11);
    expect_refused("(func (block end))", "unexpected token", 13);
    expect_refused("(func (if i32.const 1 (then)))", "unexpected token", 10);
    expect_refused("(func call $nobody)", "unknown func: failed to find name `$nobody`", 11);
    expect_refused("(module) (module)", "unexpected token", 9);
    expect_refused("(component)", "expected a module", 0);
    expect_refused("(start 0) (start 0)", "multiple start sections", 10);
    expect_refused("(;\xe2\x80\xae;)", "likely-confusing unicode character", 2);
    expect_refused("(import \"\\ff\" \"\" (func))", "malformed UTF-8 encoding", 8);
}

TEST(text_takes_what_common_parsers_take)
{
    /* a plain instruction among operands */
    expect_module("(func (drop i32.const 1))", "010401600000030201000a0701050041011a0b");
    /* a type by the index that a later type use gives it */
    expect_module("(func (type 0) (param i32) block (param i32) drop end)",
                  "01050160017f00030201000a0801060002001a0b0b");
    expect_refused("(func (type 1) (param i32))", "unknown type", 6);
    expect_refused("(func (type 0) (param i32) block (param i64) drop end)", "inline function type",
                   6);
    /* an import behind a tag, if it is no tag */
    expect_module("(tag) (import \"\" \"\" (memory 0))", "01040160000002060100000200000d03010000");
    expect_refused("(tag) (import \"\" \"\" (tag))", "import after tag", 6);
}

TEST(text_annotations)
{
    expect_module("(@unknown (a \"b\")) (func (@x))", "010401600000030201000a040102000b");
    expect_module("(@custom \"c\" (before type) \"x\" \"y\") (type (func))",
                  "000401637879010401600000");
    expect_refused("(type (@custom \"c\") (func))", "misplaced @custom annotation", 6);
    expect_refused("(@custom 4)", "@custom annotation: missing section name", 9);
    expect_refused("(module (@name \"a\") (@name \"b\"))", "@name annotation: multiple", 31);
    expect_refused("(@metadata.code.branch_hint \"\\00\")",
                   "@metadata.code.branch_hint annotation: not in a function", 0);
    expect_refused("(func (@metadata.code.branch_hint \"\\00\") nop)",
                   "@metadata.code.branch_hint annotation: invalid target", 41);
}

TEST(text_map_leads_back)
{
    Str text = STR("(module\n  (func)\n  (func\n    i32.const 1\n    drop))");
    Buf out = {0};
    TextMap map = {0};
    Diag d;
    diag_init(&d);
    EXPECT(text_parse_module(text, NULL, &out, &map, &d));
    for (u32 i = 1; i < map.n; i++)
        EXPECT(map.p[i - 1].binary <= map.p[i].binary);
    usize at = 0; /* the drop: 1a 0b at the end */
    for (usize i = 0; i + 1 < out.n; i++)
        if (out.p[i] == 0x1a && out.p[i + 1] == 0x0b)
            at = i;
    TextPos pos = text_pos(text, text_map_offset(&map, at));
    EXPECT_EQ(pos.line, 5);
    EXPECT_EQ(pos.col, 5);
    pos = text_pos(text, text_map_offset(&map, at - 1));
    EXPECT_EQ(pos.line, 4);
    buf_release(&out);
    vec_release(&map);
}

TEST(text_error_shows_the_line)
{
    Str text = STR("(module\n  (func)\n  (b\xc3\xa4 bad))\n");
    Diag d;
    diag_init(&d);
    diag_set(&d, DIAG_MALFORMED, 24, "unknown operator bad");
    Error *e = text_error("dir/x.wat", text, &d);
    EXPECT_STR(e->message, "unknown operator bad\n"
                           "     --> dir/x.wat:3:7\n"
                           "      |\n"
                           "    3 |   (b\xc3\xa4 bad))\n"
                           "      |       ^");
    error_free(e);
}

/* A million levels: parsed, or refused with an error, and the stack stays small. */
static void nest(const char *before, const char *open, const char *close, const char *after)
{
    enum { LEVELS = 1000000 };
    Buf text = {0}, out = {0};
    buf_str(&text, str_of(before));
    for (u32 i = 0; i < LEVELS; i++)
        buf_str(&text, str_of(open));
    for (u32 i = 0; i < LEVELS; i++)
        buf_str(&text, str_of(close));
    buf_str(&text, str_of(after));
    Diag d;
    diag_init(&d);
    bool good = text_parse_module((Str){(const char *)text.p, text.n}, NULL, &out, NULL, &d);
    EXPECT(good == (out.n > 0));
    EXPECT(good == diag_ok(&d));
    buf_release(&out);
    buf_release(&text);
}

TEST(text_deep_nesting)
{
    nest("(func ", "block $l br $l ", "end ", ")");
    nest("(func ", "(block $l ", ")", ")");
    nest("(func ", "(if (i32.const 0) (then ", "))", ")");
    nest("(func ", "(drop ", ")", ")");
    nest("", "(", ")", "");
    nest("(func ", "(if ", "", ")");
    nest("", "(@a (", "", "");
    nest("(;", "(;", ";)", ";)");
    nest("(type ", "(ref ", ")", ")");
}
