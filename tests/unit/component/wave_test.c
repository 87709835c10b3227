/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* WAVE: what is read, what is refused and where, what is written. */
#include "component/wave.h"

#include "component/instance.h"
#include "unit/component/samples.h"
#include "unit/test.h"

typedef struct Types {
    TypeRegistry *registry;
    Component *component;
    Arena arena;
} Types;

static void types_open(Types *t)
{
    Diag diag;
    diag_init(&diag);
    t->registry = types_new();
    ComponentOptions o = {.features = features_default(),
                          .component_features = component_features_default()};
    t->component = component_decode(t->registry, &o, sample_echo, sizeof sample_echo, &diag);
    if (!t->component)
        test_fail(__FILE__, __LINE__, "%s", diag.msg);
    arena_init(&t->arena);
}

static void types_close(Types *t)
{
    component_free(t->component);
    types_free(t->registry);
    arena_release(&t->arena);
}

/* The type of a field of the record `all`. */
static CTypeId field(const Types *t, const char *name)
{
    const Component *c = t->component;
    for (u32 i = 0; i < c->counts[SORT_TYPE]; i++) {
        const CType *r = ctype_get(c->types, c->ctypes[i]);
        for (u32 n = 0; r->kind == CT_RECORD && n < r->n; n++)
            if (str_eq(r->fields[n].name, str_of(name)))
                return r->fields[n].type;
    }
    test_fail(__FILE__, __LINE__, "no field %s", name);
}

/* What the text reads as, written again; or the error. */
static const char *again(Types *t, CTypeId type, const char *text)
{
    ComponentVal v;
    Error *e = wave_parse(t->component->types, type, str_of(text), &t->arena, &v);
    Buf out = {0};
    if (e)
        buf_str(&out, str_of(e->message));
    else
        wave_print(t->component->types, type, &v, &out);
    error_free(e);
    const char *kept = arena_strdup(&t->arena, (Str){(char *)out.p, out.n});
    buf_release(&out);
    return kept;
}

TEST(wave_values_read_and_print)
{
    static const struct {
        const char *field, *text, *want;
    } rows[] = {
        {"b", " true // yes", "true"},
        {"b", "maybe", "expected true or false at 1:1"},
        {"s8", "-128", "-128"},
        {"s8", "-129", "expected a number of type s8 at 1:1"},
        {"s8", "128", "expected a number of type s8 at 1:1"},
        {"u16", "65536", "expected a number of type u16 at 1:1"},
        {"u16", "-1", "expected a number of type u16 at 1:1"},
        {"u16", "1 2", "unexpected text at 1:3"},
        {"s64", "-9223372036854775808", "-9223372036854775808"},
        {"f", "1e3", "1000"},
        {"f", "-0.5", "-0.5"},
        {"f", "nan", "nan"},
        {"f", "1e999", "inf"},
        {"f", "-1e999", "-inf"},
        {"f", "1.", "unexpected text at 1:2"},
        {"f", "01", "unexpected text at 1:2"},
        {"f", "1e+", "unexpected text at 1:2"},
        {"f", "1.5E-1", "0.15"},
        {"u16", "01", "unexpected text at 1:2"},
        {"u16", "0", "0"},
        {"f", "-inf", "-inf"},
        {"f", "x", "expected a float at 1:1"},
        {"c", "'a'", "'a'"},
        {"c", "'\\u{1F600}'", "'\xf0\x9f\x98\x80'"},
        {"c", "'\\u{d800}'", "invalid escape at 1:9"},
        {"c", "''", "expected a character at 1:2"},
        {"c", "'\\u{301}'", "'\\u{301}'"},
        {"c", "'\\u{a0}'", "'\\u{a0}'"},
        {"c", "'\\u{3000}'", "'\\u{3000}'"},
        {"c", "'\\u{1ffff}'", "'\\u{1ffff}'"},
        /* a vowel sign that joins, one that does not, an unassigned character, the last assigned */
        {"c", "'\\u{941}'", "'\\u{941}'"},
        {"c", "'\\u{93f}'", "'\xe0\xa4\xbf'"},
        {"c", "'\\u{d7ff}'", "'\\u{d7ff}'"},
        {"c", "'\\u{d7fb}'", "'\xed\x9f\xbb'"},
        {"c", "'\\u{10ffff}'", "'\\u{10ffff}'"},
        {"text", "\"a\\t\\\"\\\\\\u{e9}\"", "\"a\\t\\\"\\\\\xc3\xa9\""},
        {"text", "\"a", "unexpected end at 1:3"},
        {"text", "\"\\q\"", "invalid escape at 1:3"},
        {"text", "\"\"\"\n  a\n   b\n  \"\"\"", "\"a\\n b\""},
        {"nums", "[1, 2, 3,]", "[1, 2, 3]"},
        {"nums", "[]", "[]"},
        {"nums", "[1 2]", "expected ',' or ']' at 1:4"},
        {"nums", "[1,\n x]", "expected a number of type u16 at 2:2"},
        {"pairs", "[(\"a\", true), (\"b\", false,)]", "[(\"a\", true), (\"b\", false)]"},
        {"pairs", "[(\"a\")]", "too few elements at 1:7"},
        {"maybe", "3", "some(3)"},
        {"maybe", "some(3)", "some(3)"},
        {"maybe", "none", "none"},
        {"res", "7", "ok(7)"},
        {"res", "ok(7)", "ok(7)"},
        {"res", "err(\"x\")", "err(\"x\")"},
        {"color", "%green", "green"},
        {"color", "blue", "unknown enum case at 1:1"},
        {"perm", "{x, r}", "{r, x}"},
        {"perm", "{r, r}", "duplicate flag at 1:6"},
        {"perm", "{q}", "unknown flag at 1:3"},
        {"shape", "circle(2)", "circle(2)"},
        {"shape", "dot", "dot"},
        {"shape", "circle", "expected '(' at 1:7"},
    };
    Types t;
    types_open(&t);
    for (usize i = 0; i < ARRAY_LEN(rows); i++) {
        const char *got = again(&t, field(&t, rows[i].field), rows[i].text);
        if (strcmp(got, rows[i].want) != 0)
            test_fail(__FILE__, __LINE__, "%s as %s is %s, expected %s", rows[i].text,
                      rows[i].field, got, rows[i].want);
    }
    types_close(&t);
}

TEST(wave_every_cut_of_a_value_is_refused)
{
    static const char text[] = "[(\"a\\u{e9}\", true), (\"\"\"\n  x\n  \"\"\", false)]";
    Types t;
    types_open(&t);
    CTypeId type = field(&t, "pairs");
    for (usize n = 0; n <= sizeof text - 1; n++) {
        ComponentVal v;
        char *cut = mem_dup(text, n ? n : 1); /* exact size: reads behind the end are seen */
        Error *e = wave_parse(t.component->types, type, (Str){cut, n}, &t.arena, &v);
        EXPECT(!e == (n == sizeof text - 1));
        error_free(e);
        mem_free(cut);
    }
    types_close(&t);
}

TEST(wave_types_have_a_text)
{
    Types t;
    types_open(&t);
    Buf out = {0};
    type_text(t.component->types, field(&t, "pairs"), NULL, &out);
    buf_str(&out, STR("; "));
    type_text(t.component->types, field(&t, "res"), NULL, &out);
    buf_str(&out, STR("; "));
    type_text(t.component->types, field(&t, "shape"), NULL, &out);
    char *text = buf_take_string(&out);
    EXPECT_STR(text, "list<tuple<string, bool>>; result<u8, string>; "
                     "variant { dot, circle(f64), name(string) }");
    mem_free(text);
    types_close(&t);
}
