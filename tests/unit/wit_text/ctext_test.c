/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Component text: bytes, places of errors, depth; and all components of the test suite. */
#include "wit/text/ctext.h"

#include "unit/test.h"
#include "wasm/wast/wast.h"
#include "wit/component.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static bool decodes(const u8 *p, usize n, Diag *diag)
{
    ComponentOptions o = {.features = features_default(),
                          .component_features = ~(ComponentFeatures)0};
    TypeRegistry *r = types_new();
    Component *c = component_decode(r, &o, p, n, diag);
    bool good = c != NULL;
    component_free(c);
    types_free(r);
    return good;
}

/* ---- bytes ---- */

/* What follows the preamble, in hexadecimal digits. */
static void check_bytes(const char *text, const char *want)
{
    Buf b = {0}, hex = {0};
    Diag d;
    diag_init(&d);
    if (!component_text_parse(str_of(text), &(TextOptions){.no_names = true}, &b, NULL, &d))
        test_fail(__FILE__, __LINE__, "%s: %s", text, d.msg);
    for (usize i = 8; i < b.n; i++)
        buf_printf(&hex, "%02x", b.p[i]);
    buf_u8(&hex, 0);
    if (strcmp((char *)hex.p, want) != 0)
        test_fail(__FILE__, __LINE__, "%s is %s, expected %s", text, (char *)hex.p, want);
    buf_release(&hex);
    buf_release(&b);
}

TEST(component_text_as_bytes)
{
    static const struct {
        const char *text, *bytes;
    } rows[] = {
        {"(component)", ""},
        {"(component (type $t u8) (type (list $t)))", "0704027d7000"},
        {"(component (type (option (list string))))", "07050270736b00"},
        {"(component (type (result (error u8))) (type (tuple u8 s8)))", "0709026a00017d6f027d7e"},
        {"(component (type (list u8 4)) (type (stream)) (type (future char)))",
         "070903677d046600650174"},
        {"(component (type (enum \"a\" \"b\")) (type (variant (case \"a\") (case \"b\" u8))))",
         "0712026d02016101627102016100000162017d00"},
        {"(component (import \"f\" (func (param \"a\" u8) (result bool))))",
         "070801400101617d007f0a06010001660100"},
        {"(component (func (import \"f\") (param \"a\" u8) (result bool)))",
         "070801400101617d007f0a06010001660100"},
        {"(component (import \"r\" (type $r (sub resource))) (type (own $r)))",
         "0a060100017203010703016900"},
        {"(component (type (export \"t\") u8) (type s8))", "0703027d7e0b0701000174030000"},
        {"(component (import \"i\" (instance $i (export \"f\" (func)))) (export \"f\" (func $i "
         "\"f\")))",
         "070e01420201400001000400016601000a0601000169050006060101000001660b0701000166010000"},
        {"(component (type $t u8) (component (type (list $t))))",
         "0702017d04140061736d0d000100060501030201000703017000"},
        {"(component (core module $m) (core instance (instantiate $m)))",
         "01080061736d01000000020401000000"},
        {"(component (core func (canon resource.drop 3)) (core func (canon task.cancel)))",
         "080402030305"},
        {"(component (core type (module (export \"f\" (func (param i32))))))",
         "030d0150020160017f000301660000"},
        {"(component (core type (sub (func))))", "030701005000600000"},
        {"(component (import \"a\" (implements \"b:c/d\") (instance)))",
         "07030142000a0e01020161010005623a632f640500"},
        {"(component (core rec (type $a (func (param (ref $a))))))", "0308014e016001640000"},
        {"(component (core module $m (table (export \"t\") 1 funcref)) (core instance $i "
         "(instantiate $m)) (core func $r (canon thread.yield)) (canon lift (core func $r) async "
         "(func $f)))",
         "01150061736d01000000040401700001070501017401000204010000000803010c00070501400001000807010"
         "00000010600"},
        {"(component (component $c) (instance (instantiate $c (with \"a\" (instance)))))",
         "04080061736d0d000100050a02010000000101610500"},
    };
    for (usize i = 0; i < ARRAY_LEN(rows); i++)
        check_bytes(rows[i].text, rows[i].bytes);
}

TEST(component_text_keeps_names)
{
    Buf b = {0};
    Diag d;
    diag_init(&d);
    static const u8 want[] = "\0\x1c\x0e"
                             "component-name"
                             "\0\2\1c"
                             "\1\7\3\1\0\3(x)";
    EXPECT(component_text_parse(STR("(component $c (type $\"(x)\" u8))"), NULL, &b, NULL, &d));
    EXPECT(b.n > sizeof want && memcmp(b.p + b.n - (sizeof want - 1), want, sizeof want - 1) == 0);
    buf_release(&b);
}

/* ---- errors ---- */

TEST(component_text_errors_name_the_place)
{
    static const struct {
        const char *text, *message;
        u32 line, col;
    } rows[] = {
        {"(component\n (type $t))", "unexpected token `)`, expected `(`", 2, 10},
        {"(component (type (own $x)))", "unknown type: failed to find name `$x`", 1, 23},
        {"(component (type $t u8)\n(type $t u8))", "duplicate type identifier `$t`", 2, 7},
        {"(component (import \"f\" (func $f)) (component (export \"g\" (func $f))))",
         "outer item `f` is not a module, type, or component", 1, 64},
        {"(component (alias outer $x $y (type)))", "outer component `x` not found", 1, 25},
        {"(component (alias outer 7 $y (type)))", "outer count of `7` is too large", 1, 25},
        {"(component (core module\n (func (i32.foo))))", "unknown operator i32.foo", 2, 9},
        {"(component (core func (canon sing)))", "unknown operator sing", 1, 30},
        {"(component (canon lift (core func 0) what (func)))", "unknown operator what", 1, 38},
        {"(component (core type (module (import \"a\" \"b\" (elem)))))",
         "unexpected token `elem`, expected the type of an import or export", 1, 48},
        {"(component", "unexpected token: the text ends", 1, 11},
        {"(component) (component)", "unexpected token `(`, expected the end of the text", 1, 13},
        {"(module)", "unexpected token `(`, expected `(component`", 1, 1},
    };
    for (usize i = 0; i < ARRAY_LEN(rows); i++) {
        Buf b = {0};
        Diag d;
        diag_init(&d);
        Str text = str_of(rows[i].text);
        EXPECT(!component_text_parse(text, NULL, &b, NULL, &d));
        TextPos pos = text_pos(text, d.offset);
        if (!strstr(d.msg, rows[i].message) || pos.line != rows[i].line || pos.col != rows[i].col)
            test_fail(__FILE__, __LINE__, "%s: %s at %u:%u", rows[i].text, d.msg, pos.line,
                      pos.col);
    }
}

TEST(component_text_errors_of_bytes_are_shown_in_the_text)
{
    Buf b = {0};
    TextMap map = {0};
    Diag d;
    diag_init(&d);
    Str text = STR("(component\n (type u8)\n (component\n  (type (list 7))))");
    EXPECT(component_text_parse(text, NULL, &b, &map, &d));
    EXPECT(!decodes(b.p, b.n, &d));
    EXPECT_EQ(text_pos(text, text_map_offset(&map, d.offset)).line, 4);
    buf_release(&b);
    vec_release(&map);
}

/* Each kind of nesting ends in an error. */
TEST(component_text_depth_is_bounded)
{
    static const struct {
        const char *open, *close;
    } rows[] = {{"(component ", ")"},
                {"(type (component ", "))"},
                {"(export \"i\" (instance ", "))"},
                {"(list ", ")"}};
    static const char *const heads[] = {"(component ", "(component ",
                                        "(component (import \"i\" (instance ", "(component (type "};
    static const char *const tails[] = {")", ")", ")))", "))"};
    for (usize i = 0; i < ARRAY_LEN(rows); i++) {
        Buf text = {0}, b = {0};
        Diag d;
        diag_init(&d);
        buf_str(&text, str_of(heads[i]));
        for (u32 k = 0; k < 100000; k++)
            buf_str(&text, str_of(rows[i].open));
        if (i == 3)
            buf_str(&text, STR("u8"));
        for (u32 k = 0; k < 100000; k++)
            buf_str(&text, str_of(rows[i].close));
        buf_str(&text, str_of(tails[i]));
        EXPECT(!component_text_parse((Str){(char *)text.p, text.n}, NULL, &b, NULL, &d));
        EXPECT(strstr(d.msg, "item nesting too deep"));
        buf_release(&text);
    }
}

/* ---- the suite ---- */

typedef struct Tally {
    u32 scripts, accepted, invalid, malformed, wrong;
} Tally;
static Tally tally;

static void check_component(const char *path, WastScript *s, const WastCommand *c)
{
    Buf b = {0};
    Diag d;
    diag_init(&d);
    bool reads = wast_module_binary(s, &c->module, &b, NULL, &d);
    bool good = reads && decodes(b.p, b.n, &d);
    bool want = c->kind != WAST_ASSERT_INVALID && c->kind != WAST_ASSERT_MALFORMED;
    /* What is wrong with a text may show in its bytes only, but not the other way round. */
    if (good != want || (!reads && c->kind == WAST_ASSERT_INVALID)) {
        printf("%s:%u: %s\n", path, c->line, good ? "accepted" : d.msg);
        tally.wrong++;
    }
    tally.accepted += good;
    tally.malformed += !reads;
    tally.invalid += reads && !good;
    buf_release(&b);
}

static void check_script(const char *path, Str text)
{
    Diag d;
    diag_init(&d);
    WastCommand c;
    WastScript *s = wast_open(text);
    wast_read_components(s, component_text_parse_fields);
    tally.scripts++;
    while (wast_next(s, &c, &d))
        if (c.has_module && c.module.is_component)
            check_component(path, s, &c);
    if (!diag_ok(&d)) {
        printf("%s:%u: %s\n", path, text_pos(text, d.offset).line, d.msg);
        tally.wrong++;
    }
    wast_close(s);
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)ftw;
    usize n = strlen(path);
    if (type != FTW_F || n < 5 || strcmp(path + n - 5, ".wast") != 0)
        return 0;
    FILE *f = fopen(path, "rb");
    EXPECT(f);
    usize size = (usize)st->st_size;
    char *text = mem_alloc(size + 1);
    EXPECT_EQ(fread(text, 1, size, f), size);
    fclose(f);
    check_script(path, (Str){text, size});
    mem_free(text);
    return 0;
}

TEST(component_text_of_the_whole_suite)
{
    const char *suites = getenv("WASMTIME_SUITES");
    char path[1024];
    snprintf(path, sizeof path, "%s/component-model", suites ? suites : "../shared/suites");
    if (nftw(path, visit, 32, FTW_PHYS) != 0 || tally.scripts == 0)
        test_skip("no test suite in %s: set WASMTIME_SUITES", path);
    printf("components: %u scripts, %u accepted, %u invalid, %u malformed\n", tally.scripts,
           tally.accepted, tally.invalid, tally.malformed);
    EXPECT_EQ(tally.wrong, 0);
}
