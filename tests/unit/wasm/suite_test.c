/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The specification's test suite as far as the decoder and the validator judge it: every module of
 * every script gets the suite's verdict with the suite's words. Valid modules also go through the
 * encoder and back.
 */
#include "unit/wasm/wasm_fixture.h"
#include "wasm/wast/wast.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct Tally {
    u32 scripts, valid, refused, worded, wrong;
} Tally;
static Tally tally; /* nftw has no argument for its callback; a test is a process */

/*
 * Where our words differ on purpose: sections and bodies end where their size says, so a number
 * that is too long may first meet the end; the reference reads on.
 */
static const struct {
    const char *suite, *ours;
} other_words[] = {
    {"integer representation too long", "unexpected end"},
    {"integer representation too long", "malformed section id 128"},
    {"integer representation too long", "malformed definition type 0xe0"},
    {"integer too large", "unexpected end"},
    {"integer too large", "malformed section id 128"},
    {"section size mismatch", "unexpected end"},
    {"malformed limits flags", "unexpected end"},
    {"length out of bounds", "unexpected end"},
    {"unexpected content after last section", "function and code section have inconsistent"},
    {"type mismatch: instruction requires [i32] but stack has []", "type mismatch: expected i32"},
    {"type mismatch: instruction requires [i32] but stack has [i64]",
     "type mismatch: expected i32, found i64"},
};

static bool words_match(Str suite, Str ours)
{
    if (str_starts(ours, suite))
        return true;
    for (u32 i = 0; i < ARRAY_LEN(other_words); i++)
        if (str_eq(suite, str_of(other_words[i].suite)) &&
            str_starts(ours, str_of(other_words[i].ours)))
            return true;
    return false;
}

/* Scripts of a proposal that do not know what has become valid since. */
static bool is_outdated(const char *path, const WastCommand *c)
{
    return strstr(path, "proposals/threads/") && (str_eq(c->message, STR("multiple memories")) ||
                                                  str_eq(c->message, STR("multiple tables")));
}

static void wrong(const char *path, const WastCommand *c, const char *what, const char *msg)
{
    printf("%s:%u: %s: %s (the suite says: %.*s)\n", path, c->line, what, msg, STR_ARG(c->message));
    tally.wrong++;
}

static void check_encoding(const char *path, const WastCommand *c, const WasmModule *m)
{
    Buf once = {0}, twice = {0};
    Diag d;
    DecodeOptions o = {.features = wasm_all_features()};
    module_encode(m, &once);
    WasmModule *again = module_decode(m->registry, &o, once.p, once.n, &d);
    if (again)
        module_encode(again, &twice);
    if (!again)
        wrong(path, c, "not valid once encoded", d.msg);
    else if (once.n != twice.n || memcmp(once.p, twice.p, once.n) != 0)
        wrong(path, c, "encoding is not stable", "");
    module_free(again);
    buf_release(&once);
    buf_release(&twice);
}

static FeatureSet features_for(const char *path)
{
    /* Tags with results are stack switching's, other page sizes their proposal's. */
    FeatureSet f = wasm_all_features() & ~FEATURE_MASK(STACK_SWITCHING);
    return strstr(path, "custom-page-sizes") ? f : f & ~FEATURE_MASK(CUSTOM_PAGE_SIZES);
}

static void check_bytes(const char *path, const WastCommand *c, const Buf *bytes)
{
    bool malformed = c->kind == WAST_ASSERT_MALFORMED;
    bool valid = !malformed && c->kind != WAST_ASSERT_INVALID;
    DecodeOptions o = {.features = features_for(path)};
    Diag d;
    TypeRegistry *registry = types_new();
    WasmModule *m = module_decode(registry, &o, bytes->p, bytes->n, &d);
    if (m && valid) {
        tally.valid++;
        check_encoding(path, c, m);
    } else if (m) {
        if (!is_outdated(path, c))
            wrong(path, c, "accepted", "");
    } else if (valid) {
        wrong(path, c, "refused", d.msg);
    } else {
        tally.refused++;
        if (!words_match(c->message, str_of(d.msg)))
            wrong(path, c, "other words", d.msg);
        else if (malformed != (d.kind == DIAG_MALFORMED))
            wrong(path, c, "other kind of error", d.msg);
        tally.worded += str_starts(str_of(d.msg), c->message);
    }
    module_free(m);
    if (types_count(registry) != 0)
        wrong(path, c, "types are left behind", "");
    types_free(registry);
}

static void check_module(const char *path, WastScript *s, const WastCommand *c)
{
    /* Malformed text is the parser's business, custom sections are nobody's here. */
    if (c->module.is_component || c->kind == WAST_ASSERT_INVALID_CUSTOM ||
        c->kind == WAST_ASSERT_MALFORMED_CUSTOM ||
        (c->kind == WAST_ASSERT_MALFORMED && c->module.form != WAST_MODULE_BINARY))
        return;
    Buf bytes = {0};
    Diag d;
    diag_init(&d);
    if (wast_module_binary(s, &c->module, &bytes, NULL, &d))
        check_bytes(path, c, &bytes);
    else
        wrong(path, c, "malformed text", d.msg);
    buf_release(&bytes);
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
    Diag d;
    diag_init(&d);
    WastCommand c;
    WastScript *s = wast_open((Str){text, size});
    tally.scripts++;
    while (wast_next(s, &c, &d))
        if (c.has_module)
            check_module(path, s, &c);
    wast_close(s);
    mem_free(text);
    return 0;
}

TEST(validate_the_whole_spec_suite)
{
    const char *suites = getenv("WASMTIME_SUITES");
    char path[1024];
    snprintf(path, sizeof path, "%s/spec", suites ? suites : "../shared/suites");
    if (nftw(path, visit, 32, FTW_PHYS) != 0 || tally.scripts == 0)
        test_skip("no test suite in %s: set WASMTIME_SUITES", path);
    printf("spec: %u scripts, %u modules valid, %u refused, %u of them with the suite's words\n",
           tally.scripts, tally.valid, tally.refused, tally.worded);
    EXPECT_EQ(tally.wrong, 0);
}
