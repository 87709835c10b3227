/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The specification's test suite, as far as it can be judged without running code: every script
 * parses, every module decodes, validates, prints and parses again, and what must be malformed or
 * invalid is.
 */
#include "unit/test.h"
#include "wasm/wast/wast.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct Tally {
    u32 scripts, commands, modules, wrong;
    u32 malformed,
        malformed_words; /* texts and binaries that were refused, with the suite's words */
    u32 invalid, invalid_words;
    u32 valid, printed, same_bytes; /* modules; those whose text has the very bytes again */
} Tally;
static Tally tally; /* nftw has no argument for its callback; a test is a process */
static TypeRegistry *registry;

static void wrong(const char *path, const WastCommand *c, const char *what, const char *msg)
{
    printf("%s:%u: %s: %s (the suite says: %.*s)\n", path, c->line, what, msg, STR_ARG(c->message));
    tally.wrong++;
}

/*
 * All proposals but stack switching, which allows what tag.wast refuses. The scripts of threads are
 * older than several memories and tables.
 */
static FeatureSet features_of(const char *path)
{
    FeatureSet all = ((FeatureSet)1 << FEATURE_COUNT) - 1;
    all &= ~FEATURE_MASK(STACK_SWITCHING);
    if (strstr(path, "/proposals/threads/"))
        all &= ~(FEATURE_MASK(MULTI_MEMORY) | FEATURE_MASK(REFERENCE_TYPES));
    return all;
}

/* The bytes and the decoded module of a command; NULL with *diag set. */
static WasmModule *make_module(const char *path, WastScript *s, const WastModule *w, Buf *bytes,
                               Diag *diag)
{
    DecodeOptions o = {.features = features_of(path)};
    if (!wast_module_binary(s, w, bytes, NULL, diag))
        return NULL;
    return module_decode(registry, &o, bytes->p, bytes->n, diag);
}

static void check_refused(const char *path, const WastCommand *c, const Diag *d)
{
    bool malformed = c->kind == WAST_ASSERT_MALFORMED || c->kind == WAST_ASSERT_MALFORMED_CUSTOM;
    bool words = str_starts(str_of(d->msg), c->message);
    tally.malformed += malformed;
    tally.malformed_words += malformed && words;
    tally.invalid += !malformed;
    tally.invalid_words += !malformed && words;
    if (!words)
        printf("%s:%u: other words: %s (the suite says: %.*s)\n", path, c->line, d->msg,
               STR_ARG(c->message));
}

/* One time round: text of `m`, and what that text parses to; NULL if it is refused. */
static WasmModule *round_trip(const char *path, const WastCommand *c, const WasmModule *m,
                              Buf *text, Buf *bytes)
{
    DecodeOptions o = {.features = features_of(path)};
    Diag d;
    diag_init(&d);
    WasmModule *again = NULL;
    text_print(m, text);
    Str s = {(const char *)text->p, text->n};
    if (text_parse_module(s, NULL, bytes, NULL, &d))
        again = module_decode(registry, &o, bytes->p, bytes->n, &d);
    if (!again) {
        wrong(path, c, "its text is refused", d.msg);
        printf("%.*s\n", STR_ARG(text_pos(s, d.offset).line_text));
    }
    return again;
}

static bool same(const Buf *a, const Buf *b)
{
    return a->n == b->n && memcmp(a->p, b->p, a->n) == 0;
}

/*
 * The text of a module parses to a module with the same text. Its bytes may be others: equal types
 * are named by the first of them, and the binary has several ways to say some things.
 */
static void check_printed(const char *path, const WastCommand *c, const WasmModule *m,
                          const Buf *bytes)
{
    Buf text = {0}, text2 = {0}, bytes2 = {0};
    WasmModule *m2 = round_trip(path, c, m, &text, &bytes2);
    /* custom.wast has custom sections between empty ones, which text cannot say */
    bool has_text = !(strstr(path, "/custom.wast") && c->line == 14);
    if (m2) {
        text_print(m2, &text2);
        if (same(&text, &text2))
            tally.printed++;
        else if (has_text)
            wrong(path, c, "another text", "printed, parsed and printed again");
        tally.same_bytes += same(bytes, &bytes2);
    }
    module_free(m2);
    buf_release(&text);
    buf_release(&text2);
    buf_release(&bytes2);
}

static bool wants_refusal(const WastCommand *c)
{
    return c->kind == WAST_ASSERT_MALFORMED || c->kind == WAST_ASSERT_INVALID ||
           c->kind == WAST_ASSERT_MALFORMED_CUSTOM || c->kind == WAST_ASSERT_INVALID_CUSTOM;
}

static void check_module(const char *path, WastScript *s, const WastCommand *c)
{
    Buf bytes = {0};
    Diag d;
    diag_init(&d);
    WasmModule *m = make_module(path, s, &c->module, &bytes, &d);
    tally.modules++;
    if (wants_refusal(c)) {
        if (!m)
            check_refused(path, c, &d);
        else
            wrong(path, c, "accepted", "");
    } else if (!m) {
        wrong(path, c, "refused", d.msg);
    } else {
        tally.valid++;
        check_printed(path, c, m, &bytes);
    }
    module_free(m);
    buf_release(&bytes);
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
    registry = types_new();
    if (nftw(path, visit, 32, FTW_PHYS) != 0 || tally.scripts == 0)
        test_skip("no test suite in %s: set WASMTIME_SUITES", path);
    printf(
        "spec: %u scripts, %u commands, %u modules\n"
        "%u malformed refused, %u with the suite's words; %u invalid refused, %u with its words\n"
        "%u valid, %u have the same text again, %u the same bytes\n",
        tally.scripts, tally.commands, tally.modules, tally.malformed, tally.malformed_words,
        tally.invalid, tally.invalid_words, tally.valid, tally.printed, tally.same_bytes);
    types_free(registry);
    EXPECT_EQ(tally.wrong, 0);
}
