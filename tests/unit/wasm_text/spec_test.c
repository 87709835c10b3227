/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The specification's test suite, as far as it can be judged without running code: every script
 * parses, every module becomes bytes, and what must be malformed is, with the suite's words.
 */
#include "unit/test.h"
#include "wasm/wast/wast.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct Tally {
    u32 scripts, commands, modules, refused, worded, wrong;
} Tally;
static Tally tally; /* nftw has no argument for its callback; a test is a process */

static void wrong(const char *path, const WastCommand *c, const char *what, const char *msg)
{
    printf("%s:%u: %s: %s (the suite says: %.*s)\n", path, c->line, what, msg, STR_ARG(c->message));
    tally.wrong++;
}

/*
 * The suite is ahead of the proposals' own copies here: memory.wast of threads wants malformed what
 * 64-bit memories have made invalid.
 */
static bool is_outdated(const char *path, const WastCommand *c)
{
    return strstr(path, "proposals/threads/memory.wast") &&
           str_eq(c->message, STR("i32 constant out of range"));
}

static void check_refused(const char *path, const WastCommand *c, bool good, const Diag *d)
{
    if (c->module.form == WAST_MODULE_BINARY || is_outdated(path, c))
        return;
    tally.refused += !good;
    if (good)
        wrong(path, c, "accepted", "malformed text");
    else if (str_starts(str_of(d->msg), c->message))
        tally.worded++;
    else
        wrong(path, c, "other words", d->msg);
}

static void check_module(const char *path, WastScript *s, const WastCommand *c)
{
    Buf bytes = {0};
    TextMap map = {0};
    Diag d;
    diag_init(&d);
    bool good = wast_module_binary(s, &c->module, &bytes, &map, &d);
    tally.modules++;
    if (c->kind == WAST_ASSERT_MALFORMED || c->kind == WAST_ASSERT_MALFORMED_CUSTOM)
        check_refused(path, c, good, &d);
    else if (c->kind == WAST_ASSERT_INVALID_CUSTOM)
        check_refused(path, c, good, &d);
    else if (!good)
        wrong(path, c, "refused", d.msg);
    buf_release(&bytes);
    vec_release(&map);
}

static void check_script(const char *path, Str text)
{
    Diag d;
    diag_init(&d);
    WastCommand c;
    WastScript *s = wast_open(text);
    tally.scripts++;
    while (wast_next(s, &c, &d)) {
        tally.commands++;
        if (c.has_module)
            check_module(path, s, &c);
    }
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
    if (type != FTW_F || n < 5 || strcmp(path + n - 5, ".wast") != 0 || strstr(path, "/legacy/") ||
        strstr(path, "/custom-descriptors/"))
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

TEST(text_of_the_whole_spec_suite)
{
    const char *suites = getenv("WASMTIME_SUITES");
    char path[1024];
    snprintf(path, sizeof path, "%s/spec", suites ? suites : "../shared/suites");
    if (nftw(path, visit, 32, FTW_PHYS) != 0 || tally.scripts == 0)
        test_skip("no test suite in %s: set WASMTIME_SUITES", path);
    printf("spec: %u scripts, %u commands, %u modules; %u malformed texts refused, %u of them with "
           "the suite's words\n",
           tally.scripts, tally.commands, tally.modules, tally.refused, tally.worded);
    EXPECT_EQ(tally.wrong, 0);
}
