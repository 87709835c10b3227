/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* lines.def says what is tested: checks that it is so. */
#include "base/buf.h"
#include "unit/test.h"

#include <stdio.h>

extern const TestCase *const __start_unit_tests[], *const __stop_unit_tests[];

static const struct {
    const char *id, *title, *tests, *left;
} lines[] = {
#define LINE(id, title, tests, left) {id, title, tests, left},
#include "security/lines.def"
#undef LINE
};

/* How many lines each section has. */
static const struct {
    const char *section;
    u32 lines;
} sections[] = {{"1", 15}, {"2", 18}, {"3", 17}, {"4", 14}, {"5", 12},
                {"6", 15}, {"8", 15}, {"9", 10}, {"10", 8}};

static bool is_unit_test(Str name)
{
    for (const TestCase *const *t = __start_unit_tests; t < __stop_unit_tests; t++)
        if (str_eq(name, str_of((*t)->name)))
            return true;
    return false;
}

/* Some row of the file begins with that text, blanks apart. */
static bool has_row(const char *path, const char *wanted)
{
    char row[500];
    FILE *f = fopen(path, "r");
    if (!f)
        test_skip("no %s here", path);
    bool found = false;
    while (!found && fgets(row, sizeof row, f))
        found = strncmp(row + strspn(row, " "), wanted, strlen(wanted)) == 0;
    fclose(f);
    return found;
}

/* "FILE: CASE": some case of tests/cli/FILE.t begins with that text. */
static bool is_cli_test(Str s)
{
    const char *colon = memmem(s.p, s.n, ": ", 2);
    EXPECT(colon);
    char path[200], wanted[200];
    snprintf(path, sizeof path, "tests/cli/%.*s.t", (int)(colon - s.p), s.p);
    snprintf(wanted, sizeof wanted, "begin \"%.*s", (int)(s.p + s.n - colon - 2), colon + 2);
    return has_row(path, wanted);
}

/* A case of tests/serve/run. */
static bool is_serve_test(Str s)
{
    char wanted[200];
    snprintf(wanted, sizeof wanted, "def %.*s():", STR_ARG(s));
    return has_row("tests/serve/run", wanted);
}

/* A case of a file of tests/shim. */
static bool is_shim_test(Str s)
{
    static const char *const files[] = {"run", "security.sh", "sandbox.sh", "kill.sh"};
    char path[200], wanted[200];
    bool found = false;
    snprintf(wanted, sizeof wanted, "test_%.*s() {", STR_ARG(s));
    for (usize i = 0; i < ARRAY_LEN(files) && !found; i++) {
        snprintf(path, sizeof path, "tests/shim/%s", files[i]);
        found = has_row(path, wanted);
    }
    return found;
}

static bool exists(Str s)
{
    Str cli = STR("cli/"), serve = STR("serve/"), shim = STR("shim/");
    if (str_starts(s, cli))
        return is_cli_test((Str){s.p + cli.n, s.n - cli.n});
    if (str_starts(s, serve))
        return is_serve_test((Str){s.p + serve.n, s.n - serve.n});
    if (str_starts(s, shim))
        return is_shim_test((Str){s.p + shim.n, s.n - shim.n});
    return is_unit_test(s);
}

/* The next of names with commas between; false at the end. */
static bool next_name(const char **at, Str *ret_name)
{
    const char *p = *at + strspn(*at, ", ");
    const char *comma = strstr(p, ", ");
    *ret_name = (Str){p, comma ? (usize)(comma - p) : strlen(p)};
    *at = p + ret_name->n;
    return ret_name->n > 0;
}

TEST(security_lines_name_tests_that_exist)
{
    for (usize i = 0; i < ARRAY_LEN(lines); i++) {
        Str name;
        EXPECT(lines[i].title[0]);
        if (!lines[i].tests[0] && !lines[i].left[0])
            test_fail(__FILE__, __LINE__, "%s has neither a test nor a reason", lines[i].id);
        for (const char *at = lines[i].tests; next_name(&at, &name);)
            if (!exists(name))
                test_fail(__FILE__, __LINE__, "%s: there is no test %.*s", lines[i].id,
                          STR_ARG(name));
    }
}

TEST(security_lines_are_all_there)
{
    u32 i = 0;
    for (usize s = 0; s < ARRAY_LEN(sections); s++)
        for (u32 k = 1; k <= sections[s].lines; k++, i++) {
            char id[16];
            snprintf(id, sizeof id, "%s.%u", sections[s].section, k);
            EXPECT(i < ARRAY_LEN(lines));
            EXPECT_STR(lines[i].id, id);
        }
    EXPECT_EQ(i, ARRAY_LEN(lines));
}

static bool is_named(const char *test)
{
    for (usize i = 0; i < ARRAY_LEN(lines); i++) {
        Str name;
        for (const char *at = lines[i].tests; next_name(&at, &name);)
            if (str_eq(name, str_of(test)))
                return true;
    }
    return strncmp(test, "security_lines_", 15) == 0;
}

TEST(security_lines_name_all_tests)
{
    for (const TestCase *const *t = __start_unit_tests; t < __stop_unit_tests; t++)
        if (strncmp((*t)->name, "security_", 9) == 0 && !is_named((*t)->name))
            test_fail(__FILE__, __LINE__, "%s stands at no line", (*t)->name);
}
