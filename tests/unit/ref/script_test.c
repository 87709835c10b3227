/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The oracle against the specification's own tests: every script of the suite that it can run, by
 * groups. A group must not fail anywhere and must run (not skip) at least as many commands as it
 * did when it was written.
 */
#include "ref/script.h"
#include "unit/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static bool read_file(const char *path, Buf *out)
{
    FILE *f = fopen(path, "rb");
    u8 chunk[8192];
    usize n;
    if (!f)
        return false;
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_bytes(out, chunk, n);
    fclose(f);
    return true;
}

static void run_file(const char *dir, const char *name, FeatureSet features, RefScriptCount *total)
{
    char path[1024];
    Buf source = {0}, log = {0};
    RefScriptCount count = {0};
    snprintf(path, sizeof path, "%s/%s", dir, name);
    EXPECT(read_file(path, &source));
    ref_script_run((Str){(const char *)source.p, source.n}, features, &count, &log);
    if (getenv("REF_VERBOSE"))
        printf("%s: %u passed, %u failed, %u skipped\n", name, count.passed, count.failed,
               count.skipped);
    if (count.failed)
        printf("%s:\n%.*s", name, (int)log.n, (const char *)log.p);
    total->passed += count.passed;
    total->failed += count.failed;
    total->skipped += count.skipped;
    buf_release(&source);
    buf_release(&log);
}

/* All scripts in a folder of the suite whose names begin between `first` and `last`. */
static void run_group(const char *folder, char first, char last, FeatureSet features, u32 at_least)
{
    const char *suites = getenv("WASMTIME_SUITES");
    char dir[512];
    RefScriptCount total = {0};
    snprintf(dir, sizeof dir, "%s/spec%s", suites ? suites : "../shared/suites", folder);
    DIR *d = opendir(dir);
    if (!d)
        test_skip("%s is not there", dir);
    for (struct dirent *e; (e = readdir(d));) {
        usize n = strlen(e->d_name);
        if (n > 5 && strcmp(e->d_name + n - 5, ".wast") == 0 && e->d_name[0] >= first &&
            e->d_name[0] <= last)
            run_file(dir, e->d_name, features, &total);
    }
    closedir(d);
    printf("%s %c-%c: %u passed, %u failed, %u skipped\n", folder, first, last, total.passed,
           total.failed, total.skipped);
    EXPECT_EQ(total.failed, 0);
    EXPECT(total.passed >= at_least);
}

TEST(ref_spec_a_to_h)
{
    run_group("", 'a', 'h', features_default(), 15900);
}

TEST(ref_spec_i_to_r)
{
    run_group("", 'i', 'r', features_default(), 13000);
}

TEST(ref_spec_s_to_z)
{
    run_group("", 's', 'z', features_default(), 30700);
}

TEST(ref_spec_proposals)
{
    FeatureSet features = features_default() | FEATURE_MASK(CUSTOM_PAGE_SIZES);
    run_group("/proposals/wide-arithmetic", 'a', 'z', features, 100);
    run_group("/proposals/custom-page-sizes", 'a', 'z', features, 76);
    run_group("/proposals/threads", 'a', 'z', features, 490);
}
