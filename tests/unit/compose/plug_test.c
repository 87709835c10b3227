/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Plugging components together: names, versions, shared imports, resources, what does not fit. */
#include "compose/plug.h"

#include "unit/compose/compose_fixture.h"

/* A component that exports interface `name` with a function `f` of one u32. */
#define PROVIDER(name, type)                                                                       \
    "(component (core module $m (func (export \"f\") (param i32) (result i32) local.get 0))"       \
    " (core instance $i (instantiate $m))"                                                         \
    " (func $f (param \"x\" " type ") (result u32) (canon lift (core func $i \"f\")))"             \
    " (instance $e (export \"f\" (func $f))) (export \"" name "\" (instance $e)))"
/* One that asks for it, and exports its function as `run`. */
#define USER(name)                                                                                 \
    "(component (import \"" name "\" (instance $a"                                                 \
    "   (export \"f\" (func (param \"x\" u32) (result u32)))))"                                    \
    " (alias export $a \"f\" (func $f)) (export \"run\" (func $f)))"

static char *plug(const char *socket, const char *first, const char *second)
{
    Graph *g = graph_new();
    GraphPackage *s = compose_package(g, "socket.wasm", socket), *p[2];
    u32 n = 0;
    p[n++] = compose_package(g, "plug.wasm", first);
    if (second)
        p[n++] = compose_package(g, "other.wasm", second);
    EXPECT_COMPOSE_OK(graph_plug(g, s, p, n));
    char *text = compose_interface(g);
    graph_free(g);
    return text;
}

static void expect_plug(const char *socket, const char *first, const char *second,
                        const char *expected)
{
    char *text = plug(socket, first, second);
    EXPECT_STR(text, expected);
    mem_free(text);
}

static void refuse_plug(const char *socket, const char *first, const char *second, const char *part)
{
    Graph *g = graph_new();
    GraphPackage *s = compose_package(g, "socket.wasm", socket), *p[2];
    u32 n = 0;
    p[n++] = compose_package(g, "plug.wasm", first);
    if (second)
        p[n++] = compose_package(g, "other.wasm", second);
    EXPECT_COMPOSE_ERROR(graph_plug(g, s, p, n), part);
    graph_free(g);
}

TEST(compose_plug_by_name)
{
    expect_plug(USER("a:b/c"), PROVIDER("a:b/c", "u32"), NULL, "export run: func(x: u32) -> u32\n");
}

TEST(compose_plug_by_version)
{
    expect_plug(USER("a:b/c@0.2.1"), PROVIDER("a:b/c@0.2.9", "u32"), NULL,
                "export run: func(x: u32) -> u32\n");
    expect_plug(USER("a:b/c@1.5.0"), PROVIDER("a:b/c@1.0.0", "u32"), NULL,
                "export run: func(x: u32) -> u32\n");
    refuse_plug(USER("a:b/c@0.2.1"), PROVIDER("a:b/c@0.3.0", "u32"), NULL,
                "the socket component had no matching imports for the plugs that were provided");
    refuse_plug(USER("a:b/c@1.0.0-rc1"), PROVIDER("a:b/c@1.0.0", "u32"), NULL,
                "no matching imports");
}

TEST(compose_plug_what_does_not_fit)
{
    refuse_plug(USER("a:b/c"), PROVIDER("a:b/c", "s32"), NULL,
                "the export `a:b/c` of `plug.wasm` does not fit the import `a:b/c` of "
                "`socket.wasm`");
    refuse_plug(USER("a:b/c"), PROVIDER("a:b/c", "s32"), NULL, "expected: f: func(x: u32) -> u32");
    refuse_plug(USER("a:b/c"), PROVIDER("a:b/c", "s32"), NULL, "found:    f: func(x: s32) -> u32");
    refuse_plug(USER("a:b/c"), PROVIDER("a:b/c", "u32"), PROVIDER("a:b/c", "u32"),
                "two plugs have an export for the import `a:b/c` of `socket.wasm`: `a:b/c` of "
                "`plug.wasm` and `a:b/c` of `other.wasm`");
}

TEST(compose_plug_an_exact_name_goes_first)
{
    expect_plug("(component (import \"a:b/c@0.2.0\" (instance $a (export \"f\" (func)))))",
                "(component (import \"g\" (func $g)) (instance $x (export \"f\" (func $g)))"
                " (instance $y (export \"no\" (func $g)))"
                " (export \"a:b/c@0.2.5\" (instance $y)) (export \"a:b/c@0.2.0\" (instance $x)))",
                NULL, "import g: func()\n");
}

/* What a type interface, its user and a function of both look like. */
#define TYPES(version)                                                                             \
    "(import \"a:b/types@" version "\" (instance $t"                                               \
    "   (export \"r\" (type $r (sub resource)))"                                                   \
    "   (type $p' (record (field \"x\" u32))) (export \"p\" (type $p (eq $p')))"                   \
    "   (export \"[constructor]r\" (func (result (own $r))))))"                                    \
    "(alias export $t \"r\" (type $r)) (alias export $t \"p\" (type $p))"
#define STREAMS(version, func)                                                                     \
    "(import \"a:b/streams@" version "\" (instance $s"                                             \
    "   (alias outer 1 $r (type $ro)) (export \"r\" (type $r (eq $ro)))"                           \
    "   (alias outer 1 $p (type $po)) (export \"p\" (type $p (eq $po)))"                           \
    "   (export \"" func "\" (func (param \"r\" (borrow $r)) (result $p)))))"

TEST(compose_imports_left_over_are_merged)
{
    expect_plug("(component " TYPES("0.2.0") STREAMS("0.2.0", "f") " (import \"go\" (func)))",
                "(component " TYPES("0.2.3") STREAMS(
                    "0.2.1", "g") " (alias export $s \"g\" (func $g)) (import \"h\" (func $h))"
                                  " (export \"go\" (func $h)))",
                NULL,
                "import a:b/types@0.2.3 { r: resource r; p: record { x: u32 }; "
                "[constructor]r: func() -> r; }\n"
                "import a:b/streams@0.2.1 { r: resource r; p: record { x: u32 }; "
                "g: func(r: borrow<r>) -> p; f: func(r: borrow<r>) -> p; }\n"
                "import h: func()\n");
}

TEST(compose_a_resource_with_two_names)
{
    expect_plug("(component (import \"a:b/t\" (instance"
                "   (export \"fields\" (type $f (sub resource)))"
                "   (export \"headers\" (type $h (eq $f)))"
                "   (export \"[method]fields.get\" (func (param \"self\" (borrow $f))"
                "     (result (own $h))))))"
                " (import \"go\" (func)))",
                "(component (import \"h\" (func $h)) (export \"go\" (func $h)))", NULL,
                "import h: func()\n"
                "import a:b/t { fields: resource fields; headers: resource fields; "
                "[method]fields.get: func(self: borrow<fields>) -> fields; }\n");
}

TEST(compose_imports_that_cannot_be_merged)
{
    refuse_plug("(component (import \"i\" (instance (export \"f\" (func (param \"x\" u32)))))"
                " (import \"go\" (func)))",
                "(component (import \"i\" (instance (export \"f\" (func (param \"x\" string)))))"
                " (import \"h\" (func $h)) (export \"go\" (func $h)))",
                NULL,
                "the import `i` of `socket.wasm` cannot be one with the import `i` of another "
                "instance");
}

/* Makes a resource; its type and constructor are an instance `types`. */
#define MAKER                                                                                      \
    "(component $C (type $r' (resource (rep i32)))"                                                \
    " (core func $new (canon resource.new $r'))"                                                   \
    " (core module $m (import \"\" \"new\" (func $n (param i32) (result i32)))"                    \
    "   (func (export \"c\") (result i32) i32.const 7 call $n))"                                   \
    " (core instance $i (instantiate $m (with \"\" (instance (export \"new\" (func $new))))))"     \
    " (component $shim (import \"r\" (type $r (sub resource)))"                                    \
    "   (import \"c\" (func $c (result (own $r)))) (export $e \"r\" (type $r))"                    \
    "   (export \"[constructor]r\" (func $c) (func (result (own $e)))))"                           \
    " (func $c (result (own $r')) (canon lift (core func $i \"c\")))"                              \
    " (instance $t (instantiate $shim (with \"r\" (type $r')) (with \"c\" (func $c))))"            \
    " (export \"a:b/types\" (instance $t)))"
#define ASKS_TYPES                                                                                 \
    "(import \"a:b/types\" (instance $t (export \"r\" (type $r (sub resource)))"                   \
    "   (export \"[constructor]r\" (func (result (own $r))))))"                                    \
    "(alias export $t \"r\" (type $r))"

TEST(compose_plug_gives_a_resource)
{
    expect_plug("(component " ASKS_TYPES " (alias export $t \"[constructor]r\" (func $c))"
                " (import \"r2\" (type $r2 (eq $r))) (export \"t\" (instance $t)))",
                MAKER, NULL, "export t { r: resource r; [constructor]r: func() -> r; }\n");
}

TEST(compose_an_import_cannot_use_what_an_instance_makes)
{
    Graph *g = graph_new();
    GraphPackage *s = compose_package(
        g, "socket.wasm",
        "(component " ASKS_TYPES " (import \"a:b/use\" (instance (alias outer 1 $r (type $o))"
        " (export \"r\" (type $r (eq $o))) (export \"f\" (func (param \"r\" (own $r)))))))");
    GraphPackage *p = compose_package(g, "plug.wasm", MAKER);
    Buf out = {0};
    EXPECT_COMPOSE_OK(graph_plug(g, s, &p, 1));
    EXPECT_COMPOSE_ERROR(graph_encode(g, &out),
                         "uses the resource `r` that an instance of `plug.wasm` makes");
    graph_free(g);
}

TEST(compose_resources_of_different_plugs_do_not_mix)
{
    refuse_plug(
        "(component " ASKS_TYPES " (import \"a:b/use\" (instance (alias outer 1 $r (type $o))"
        " (export \"r\" (type $r (eq $o))) (export \"f\" (func (param \"r\" (own $r)))))))",
        MAKER,
        "(component (import \"x\" (instance $x (export \"r\" (type $r (sub resource)))"
        " (export \"f\" (func (param \"r\" (own $r)))))) (export \"a:b/use\" (instance $x)))",
        "type `r` is not of the expected type");
}
