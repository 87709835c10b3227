/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The TOML reader: values of every kind, and each error with its place. */
#include "cli/toml.h"
#include "unit/test.h"

static TomlDoc read_ok(const char *text)
{
    TomlDoc d;
    Error *e = toml_read(str_of(text), "t", &d);
    if (e)
        test_fail(__FILE__, __LINE__, "%s", e->message);
    return d;
}

TEST(toml_values)
{
    TomlDoc d = read_ok("a = 1\n"
                        "b.c = 'x\\y' # note\r\n"
                        "\"k 1\" = \"t\\tu\\u00e9\\\"\"\n"
                        "f = -1_0.5e+3\n"
                        "h = 0xDead_beef\n"
                        "t = true\n"
                        "arr = [1, [\"a\", 'b'], # c\n {x = 1},]\n"
                        "m = \"\"\"\nline \"\"q\"\" \\\n   next\"\"\"\"\n"
                        "[tab.\"sub\"]\n"
                        "i = { y = inf }");
    static const struct {
        const char *key, *text;
        TomlKind kind;
        u32 depth;
    } want[] = {
        {"a", "1", TOML_INTEGER, 1},
        {"c", "x\\y", TOML_STRING, 2},
        {"k 1", "t\tu\xc3\xa9\"", TOML_STRING, 1},
        {"f", "-10.5e+3", TOML_FLOAT, 1},
        {"h", "0xDeadbeef", TOML_INTEGER, 1},
        {"t", "true", TOML_BOOLEAN, 1},
        {"arr", "", TOML_ARRAY, 1},
        {"m", "line \"\"q\"\" next\"", TOML_STRING, 1},
        {"sub", "", TOML_TABLE, 2},
        {"i", "", TOML_TABLE, 3},
        {"y", "inf", TOML_FLOAT, 4},
    };
    TomlDoc deep;
    Error *e = toml_read(STR("[a.b.c]\nd.e = 1"), "t", &deep);
    EXPECT_STR(e ? e->message : NULL, "t:2:3: tables are nested too deeply");
    error_free(e);
    EXPECT_EQ(d.entries.n, ARRAY_LEN(want));
    for (u32 i = 0; i < d.entries.n; i++) {
        TomlEntry *t = &d.entries.p[i];
        EXPECT_EQ(t->kind, want[i].kind);
        EXPECT_EQ(t->depth, want[i].depth);
        EXPECT(str_eq(t->path[t->depth - 1], str_of(want[i].key)));
        EXPECT(str_eq(t->text, str_of(want[i].text)));
    }
    toml_release(&d);
}

TEST(toml_errors)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"[wasm", "t:1:6: expected ] after the table's name"},
        {"a = 1\na = 2", "t:2:1: this key is there already"},
        {"[a]\n[a]", "t:2:2: this key is there already"},
        {"a = 1 b = 2", "t:1:7: expected the end of the line"},
        {"a = \"x\n\"", "t:1:7: the string does not end"},
        {"a = 'x", "t:1:7: the string does not end"},
        {"a = \"\\q\"", "t:1:7: unknown escape in a string"},
        {"a = \"\\ud800\"", "t:1:12: not a Unicode scalar value"},
        {"a = \"\x01\"", "t:1:6: control character in a string"},
        {"a = ", "t:1:5: expected a value"},
        {"a = 01", "t:1:5: not a number, true, false or a string in quotes"},
        {"a = 1__0", "t:1:5: not a number, true, false or a string in quotes"},
        {"a = 1_", "t:1:5: not a number, true, false or a string in quotes"},
        {"a = 1.", "t:1:5: not a number, true, false or a string in quotes"},
        {"a = 1979-05-27", "t:1:5: not a number, true, false or a string in quotes"},
        {"a = True", "t:1:5: not a number, true, false or a string in quotes"},
        {"a = [1 2]", "t:1:8: expected , or ] in an array"},
        {"a = {b = 1", "t:1:11: expected , or } in an inline table"},
        {"= 1", "t:1:1: expected a key"},
        {"a", "t:1:2: expected = after the key"},
        {"[[a]]", "t:1:2: arrays of tables are not supported"},
        {"\"\"\"a\"\"\" = 1", "t:1:1: a key cannot be a string of several lines"},
        {"# \x02", "t:1:3: control character in a comment"},
        {"a = \"\xff\"", "t:1:1: the file is not UTF-8"},
    };
    for (usize i = 0; i < ARRAY_LEN(cases); i++) {
        TomlDoc d;
        Error *e = toml_read(str_of(cases[i].text), "t", &d);
        EXPECT_STR(e ? e->message : NULL, cases[i].error);
        error_free(e);
    }
}

TEST(toml_nesting_is_bounded)
{
    Buf text = {0};
    buf_str(&text, STR("a = "));
    for (int i = 0; i < 100000; i++)
        buf_u8(&text, '[');
    TomlDoc d;
    Error *e = toml_read((Str){(char *)text.p, text.n}, "t", &d);
    EXPECT_STR(e ? e->message : NULL, "t:1:37: values are nested too deeply");
    error_free(e);
    buf_release(&text);
}
