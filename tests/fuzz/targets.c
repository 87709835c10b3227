/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The list of fuzz targets, and replay of their inputs. */
#include "fuzz/targets.h"

#include "base/buf.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

const FuzzTarget fuzz_targets[] = {
#define TARGET(name, seeds) {#name, seeds, fuzz_##name},
#include "fuzz/targets.def"
#undef TARGET
    {NULL, 0, NULL}};

const FuzzTarget *fuzz_find(const char *name)
{
    for (const FuzzTarget *t = fuzz_targets; t->name; t++)
        if (strcmp(t->name, name) == 0)
            return t;
    return NULL;
}

void fuzz_finding(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("finding: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputs("\n", stderr);
    abort();
}

static u32 replay_file(const FuzzTarget *t, const char *path)
{
    FILE *f = fopen(path, "rb");
    Buf b = {0};
    u8 chunk[4096];
    usize n;
    if (!f)
        return 0;
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_bytes(&b, chunk, n);
    fclose(f);
    u8 *exact = malloc(b.n ? b.n : 1); /* so that reads beyond the end are seen */
    ALWAYS(exact);
    if (b.n)
        memcpy(exact, b.p, b.n);
    t->run(exact, b.n);
    free(exact);
    buf_release(&b);
    return 1;
}

u32 fuzz_replay(const FuzzTarget *t, const char *path)
{
    struct stat st;
    u32 n = 0;
    if (stat(path, &st) != 0)
        return 0;
    if (!S_ISDIR(st.st_mode))
        return replay_file(t, path);
    DIR *d = opendir(path);
    if (!d)
        return 0;
    for (struct dirent *e; (e = readdir(d));) {
        char file[4096];
        snprintf(file, sizeof file, "%s/%s", path, e->d_name);
        if (e->d_name[0] != '.' && stat(file, &st) == 0 && S_ISREG(st.st_mode))
            n += replay_file(t, file);
    }
    closedir(d);
    return n;
}
