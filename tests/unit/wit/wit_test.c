/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* WIT: parser, resolver and printer, by printing what was read. */
#include "unit/test.h"
#include "wit/wit.h"

#include <stdlib.h>

static Error *resolve(const char *text, const WitOptions *o, WitModel **ret_model)
{
    WitInput *in = wit_input_new();
    Error *e = wit_input_add(in, 0, STR("test.wit"), str_of(text));
    if (!e)
        e = wit_resolve(in, o, ret_model);
    wit_input_free(in);
    return e;
}

static char *print(const WitModel *m)
{
    Buf out = {0};
    wit_print_package(m, m->root, NULL, &out);
    for (u32 i = 0; i < m->npackages; i++)
        if (i != m->root)
            wit_print_package(m, i, NULL, &out);
    return buf_take_string(&out);
}

static char *read_and_print(const char *text, const WitOptions *o)
{
    WitModel *m;
    Error *e = resolve(text, o, &m);
    if (e)
        test_fail(__FILE__, __LINE__, "%s", e->message);
    char *out = print(m);
    wit_free(m);
    return out;
}

static void expect_print(const char *text, const char *expected)
{
    char *out = read_and_print(text, NULL);
    EXPECT_STR(out, expected);
    char *again = read_and_print(out, NULL);
    EXPECT_STR(again, expected);
    mem_free(out);
    mem_free(again);
}

static void expect_error(const char *text, const char *part)
{
    WitModel *m;
    Error *e = resolve(text, NULL, &m);
    if (!e)
        test_fail(__FILE__, __LINE__, "no error, expected \"%s\"", part);
    if (!strstr(e->message, part))
        test_fail(__FILE__, __LINE__, "\"%s\" is not in \"%s\"", part, e->message);
    error_free(e);
}

TEST(wit_every_type)
{
    expect_print(
        "package a:b@1.2.3-rc.1+x;\n"
        "/// What it is\n"
        "interface i { /// a field type\n type z = list<t>; record r { x: u8, %y: option<r2> }\n"
        "record r2 { a: f32, } resource s { constructor(n: u32); m: func(a: borrow<s>) -> "
        "result<s>; n: static async func(); }\n"
        "type t = tuple<bool, s8, u16, char, string, error-context, list<u8, 4>>;\n"
        "f: func(a: map<string, u8>, b: stream<u8>, c: future, d: result<_, t>) -> own<s>;\n"
        "variant %list { a, b(t) } enum e { RED, green-2 } flags g { x }\n}",
        "package a:b@1.2.3-rc.1+x;\n\n/// What it is\ninterface i {\n"
        "  type t = tuple<bool, s8, u16, char, string, error-context, list<u8, 4>>;\n\n"
        "  /// a field type\n  type z = list<t>;\n\n"
        "  record r2 {\n    a: f32,\n  }\n\n"
        "  record r {\n    x: u8,\n    y: option<r2>,\n  }\n\n"
        "  resource s {\n    constructor(n: u32);\n    m: func(a: borrow<s>) -> result<s>;\n"
        "    n: static async func();\n  }\n\n"
        "  variant %list {\n    a,\n    b(t),\n  }\n\n"
        "  enum e {\n    RED,\n    green-2,\n  }\n\n  flags g {\n    x,\n  }\n\n"
        "  f: func(a: map<string, u8>, b: stream<u8>, c: future, d: result<_, t>) -> s;\n}\n");
}

TEST(wit_world_elaborated)
{
    expect_print(
        "package a:b; interface x { resource r; } interface y { use x.{r}; f: func(r: r); }\n"
        "world w { export y; import p: func(); import q: interface { g: func(); } }\n"
        "world v { include w with { p as p2 } export x; }",
        "package a:b;\n\ninterface x {\n  resource r;\n}\n\n"
        "interface y {\n  use x.{r};\n\n  f: func(r: r);\n}\n\n"
        "world w {\n  import p: func();\n  import q: interface {\n    g: func();\n  }\n"
        "  import x;\n  export y;\n}\n\n"
        "world v {\n  import p2: func();\n  import q: interface {\n    g: func();\n  }\n"
        "  import x;\n  export x;\n  export y;\n}\n");
}

TEST(wit_nested_packages)
{
    expect_print(
        "package a:b; use c:d/i@0.1.0 as j; interface k { use j.{t as u}; f: func(a: u); }\n"
        "package c:d@0.1.0 { interface i { type t = u8; } }",
        "package a:b;\n\ninterface k {\n  use c:d/i@0.1.0.{t as u};\n\n  f: func(a: u);\n}\n"
        "\npackage c:d@0.1.0 {\n  interface i {\n    type t = u8;\n  }\n}\n");
}

TEST(wit_gates)
{
    static const char text[] =
        "package a:b@0.2.0; interface i { @unstable(feature = fancy) f: func();\n"
        "@since(version = 0.1.0) @deprecated(version = 0.2.0) g: func(); }";
    expect_print(text, "package a:b@0.2.0;\n\ninterface i {\n  @since(version = 0.1.0)\n"
                       "  @deprecated(version = 0.2.0)\n  g: func();\n}\n");
    Str fancy = STR("fancy");
    char *out = read_and_print(text, &(WitOptions){.features = &fancy, .nfeatures = 1});
    EXPECT(strstr(out, "@unstable(feature = fancy)\n  f: func();"));
    mem_free(out);
    expect_error("package a:b@0.2.0; interface i { @since(version = 0.2.1) f: func(); }",
                 "version 0.2.1 in a gate is newer than the package");
    expect_error("package a:b; interface i { @since(version = 0.2.1) f: func(); }",
                 "has no version");
    expect_error("package a:b@0.1.0; interface i { @deprecated(version = 0.1.0) f: func(); }",
                 "needs a @since");
    expect_error("package a:b@1.0.0; interface i { use j.{t}; } @unstable(feature = x) interface "
                 "j { type t = u8; }",
                 "behind feature `x`");
}

TEST(wit_errors_show_the_place)
{
    expect_error("package a:b;\ninterface i {\n  type t = u9;\n}",
                 "type `u9` is not defined here\n     --> test.wit:3:12\n      |\n    3 |   type t "
                 "= u9;\n      |            ^");
    expect_error(
        "package a:b;\ninterface i {\n  type t = u8;\n  T: func();\n}",
        "`T` is defined twice\n     --> test.wit:4:3\n      |\n    4 |   T: func();\n      "
        "|   ^\nfirst defined here\n     --> test.wit:3:8\n");
}

TEST(wit_errors)
{
    static const char *const rows[][2] = {
        {"interface i {}", "begins with the name of the package"},
        {"package a:b; interface i { record r { a: r } }", "type `r` holds itself"},
        {"package a:b; interface i { type t = t; }", "type `t` holds itself"},
        {"package a:b; interface i { use j.{t}; } interface j { use i.{u}; }", "depends on itself"},
        {"package a:b; world w { include v; } world v { include w; }", "depends on itself"},
        {"package a:b; interface i { use c:d/e.{t}; }", "package `c:d` not found; there is `a:b`"},
        {"package a:b; interface i { use j.{t}; }", "no interface or world `j`"},
        {"package a:b; interface i { use j.{t}; } interface j {}", "has no type `t`"},
        {"package a:b; interface i {} interface I {}", "defined twice in package"},
        {"package a:b; interface i { f: func(a: u8, A: u8); }", "parameter `A` is defined twice"},
        {"package a:b; interface i { record r {} }", "expected at least one field"},
        {"package a:b; interface i { resource r { constructor(); constructor(); } }",
         "`constructor` is defined twice in resource"},
        {"package a:b; interface i { resource r { constructor() -> u8; } }", "returns result<r"},
        {"package a:b; interface i { resource r; f: func() -> borrow<r>; }",
         "cannot return a borrow"},
        {"package a:b; interface i { type t = u8; f: func(a: borrow<t>); }", "is not a resource"},
        {"package a:b; interface i { f: func(a: map<f32, u8>); }", "keys of a map"},
        {"package a:b; interface i { f: func(a: list<u8, 0>); }", "length from 1"},
        {"package a:b; interface i { f: func(aB: u8); }", "is not a label"},
        {"package a:b; interface i { f: func(type: u8); }",
         "expected an identifier, found keyword `type`"},
        {"package a:b; interface i { /* /* */ }", "has no end"},
        {"package a:b@1.2; interface i { }", "is not a version"},
        {"package a:b; world w { import i; import i; } interface i {}", "is imported twice"},
        {"package a:b; world w { import v; } world v {}", "is a world, not an interface"},
        {"package a:b; world w { include v with { i as j } } world v { import i; } interface i {}",
         "has no plain name `i`"},
        {"package a:b; use foo as bar; interface foo {} interface bar {}",
         "`bar` is used, but this file defines it"},
        {"package a:b; interface i1 { type t = u32; } interface i2 { use i1.{t}; } "
         "interface i3 { use i2.{t}; } world w { import i3; export i1; export i3; }",
         "this export uses `a:b/i2`, which is imported and uses `a:b/i1`"},
        {"package a:b; world v { import f: func(); } world w { include v; import f: func(); }",
         "imports `f`"},
        {"package a:b; package a:b {}", "package `a:b` is defined twice"},
        {"package a:b; interface i { f: func(); ", "found the end of the file"},
        {"package a:b; interface i { \xe2\x80\xae }", "U+202E is not allowed"},
    };
    for (u32 i = 0; i < ARRAY_LEN(rows); i++)
        expect_error(rows[i][0], rows[i][1]);
}

TEST(wit_depth_is_bounded)
{
    Buf b = {0};
    buf_printf(&b, "package a:b; interface i { type t = ");
    for (u32 i = 0; i < 100000; i++)
        buf_str(&b, STR("list<"));
    char *text = buf_take_string(&b);
    expect_error(text, "nest more than 100 deep");
    mem_free(text);
    buf_printf(&b, "package a:b; interface i { type t0 = u8;");
    for (u32 i = 1; i < 50000; i++)
        buf_printf(&b, "type t%u = list<t%u>;", 50000 - i, 50000 - i - 1);
    buf_printf(&b, "}");
    text = buf_take_string(&b);
    expect_error(text, "nest more than 100 deep");
    mem_free(text);
    buf_printf(&b, "package a:b; interface i { type t0 = u8;");
    for (u32 i = 1; i < 60; i++)
        buf_printf(&b, "type t%u = tuple<t%u, t%u>;", i, i - 1, i - 1);
    buf_printf(&b, "}");
    text = buf_take_string(&b);
    expect_error(text, "holds more than");
    mem_free(text);
}

/* The test's time limit is the test. */
TEST(wit_many_names)
{
    Buf b = {0}, uses = {0};
    enum { MANY = 20000 };
    buf_printf(&b, "package a:b;");
    for (u32 i = 0; i < MANY; i++) {
        buf_printf(&b, "interface i%u {type t%u = u8;} use i%u as n%u;", i, i, i, i);
        buf_printf(&uses, "use n%u.{t%u};", i, i);
    }
    buf_printf(&b, "interface j { %.*s } world w { import j; }", (int)uses.n, (char *)uses.p);
    buf_release(&uses);
    char *text = buf_take_string(&b), *out = read_and_print(text, NULL);
    EXPECT(strstr(out, "import i19999;"));
    mem_free(out);
    mem_free(text);
}

TEST(wit_versions)
{
    static const char *const rising[] = {"0.9.0",      "1.0.0-1",   "1.0.0-2", "1.0.0-10",
                                         "1.0.0-a",    "1.0.0-a.b", "1.0.0-b", "1.0.0",
                                         "1.0.1-rc.1", "1.0.1",     "1.2.0",   "1.10.0"};
    static const char *const wrong[] = {"",
                                        "1",
                                        "1.2",
                                        "1.2.3.4",
                                        "01.2.3",
                                        "1.2.3-",
                                        "1.2.3-01",
                                        "1.2.3-a..b",
                                        "1.2.3+",
                                        "v1.2.3",
                                        "1.2.99999999999999999999"};
    WitVersion a, b;
    for (u32 i = 0; i + 1 < ARRAY_LEN(rising); i++) {
        EXPECT(wit_version_parse(str_of(rising[i]), &a));
        EXPECT(wit_version_parse(str_of(rising[i + 1]), &b));
        EXPECT(wit_version_compare(&a, &b) < 0 && wit_version_compare(&b, &a) > 0);
    }
    for (u32 i = 0; i < ARRAY_LEN(wrong); i++)
        EXPECT(!wit_version_parse(str_of(wrong[i]), &a));
}

static WitModel *load_suite(const char *version, const char *const *packages, u32 n)
{
    const char *suites = getenv("WASMTIME_SUITES");
    WitInput *in = wit_input_new();
    Error *e = NULL;
    u32 group = 0;
    for (u32 i = 0; i < n && !e; i++) {
        Buf path = {0};
        buf_printf(&path, "%s/wit/%s/wasi-%s", suites ? suites : "../shared/suites", version,
                   packages[i]);
        char *p = buf_take_string(&path);
        e = wit_input_add_path(in, p, &group);
        mem_free(p);
    }
    if (e)
        test_skip("%s", e->message);
    WitModel *m = NULL;
    e = wit_resolve(in, NULL, &m);
    if (e)
        test_fail(__FILE__, __LINE__, "%s", e->message);
    wit_input_free(in);
    return m;
}

TEST(wit_suite_round_trip)
{
    static const char *const packages[] = {"cli",        "http",    "io",    "clocks",
                                           "filesystem", "sockets", "random"};
    for (u32 v = 0; v < 2; v++) {
        WitModel *m;
        if (v == 0) {
            m = load_suite("0.2", packages, ARRAY_LEN(packages));
        } else {
            static const char *const without_io[] = {"cli",        "http",    "clocks",
                                                     "filesystem", "sockets", "random"};
            m = load_suite("0.3", without_io, ARRAY_LEN(without_io));
        }
        char *text = print(m), *again = read_and_print(text, NULL);
        EXPECT_STR(again, text);
        EXPECT(strstr(text, "world command"));
        mem_free(text);
        mem_free(again);
        wit_free(m);
    }
}
