/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The program of `make demo`: counts words in files. An ordinary C program, built with clang and
 * wasi-libc; it sees only the directories that it is given.
 *
 *   words [-n COUNT] FILE-OR-DIRECTORY...
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BUCKETS = 4096, MAX_WORD = 64, MAX_PATH = 1024 };

struct word {
    struct word *next; /* in its bucket */
    unsigned long count;
    char text[];
};

struct table {
    struct word *buckets[BUCKETS];
    unsigned long distinct, total, files;
};

static unsigned hash(const char *s)
{
    unsigned h = 2166136261u;
    while (*s)
        h = (h ^ (unsigned char)*s++) * 16777619u;
    return h;
}

static void add_word(struct table *t, const char *text)
{
    struct word **w = &t->buckets[hash(text) % BUCKETS];
    t->total++;
    for (; *w; w = &(*w)->next)
        if (strcmp((*w)->text, text) == 0) {
            (*w)->count++;
            return;
        }
    size_t size = strlen(text) + 1;
    *w = calloc(1, sizeof **w + size);
    if (!*w) {
        fprintf(stderr, "words: out of memory\n");
        exit(1);
    }
    memcpy((*w)->text, text, size);
    (*w)->count = 1;
    t->distinct++;
}

static int read_file(struct table *t, const char *path)
{
    FILE *f = fopen(path, "r");
    if (!f) {
        fprintf(stderr, "words: %s: %s\n", path, strerror(errno));
        return 1;
    }
    char word[MAX_WORD];
    size_t n = 0;
    for (int c; (c = getc(f)) != EOF;) {
        if (isalpha(c) && n + 1 < sizeof word) {
            word[n++] = (char)tolower(c);
        } else if (n && !isalpha(c)) {
            word[n] = 0;
            add_word(t, word);
            n = 0;
        }
    }
    if (n) {
        word[n] = 0;
        add_word(t, word);
    }
    fclose(f);
    t->files++;
    return 0;
}

static int read_directory(struct table *t, const char *path)
{
    DIR *d = opendir(path);
    if (!d) {
        fprintf(stderr, "words: %s: %s\n", path, strerror(errno));
        return 1;
    }
    int failed = 0;
    for (struct dirent *e; (e = readdir(d));) {
        char name[MAX_PATH];
        struct stat st;
        snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        if (stat(name, &st) == 0 && S_ISREG(st.st_mode))
            failed |= read_file(t, name);
    }
    closedir(d);
    return failed;
}

static int read_path(struct table *t, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        fprintf(stderr, "words: %s: %s\n", path, strerror(errno));
        return 1;
    }
    return S_ISDIR(st.st_mode) ? read_directory(t, path) : read_file(t, path);
}

/* Most frequent first, then by the alphabet. */
static int compare(const void *a, const void *b)
{
    const struct word *x = *(struct word *const *)a, *y = *(struct word *const *)b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return strcmp(x->text, y->text);
}

static void print_most_frequent(const struct table *t, unsigned long count)
{
    struct word **all = calloc(t->distinct + 1, sizeof *all);
    unsigned long n = 0;
    if (!all)
        return;
    for (int i = 0; i < BUCKETS; i++)
        for (struct word *w = t->buckets[i]; w; w = w->next)
            all[n++] = w;
    qsort(all, n, sizeof *all, compare);
    printf("%lu files, %lu words, %lu of them distinct\n", t->files, t->total, t->distinct);
    for (unsigned long i = 0; i < n && i < count; i++)
        printf("%6lu %s\n", all[i]->count, all[i]->text);
    free(all);
}

int main(int argc, char **argv)
{
    static struct table table;
    unsigned long count = 10;
    int failed = 0, first = 1;
    if (argc > 2 && strcmp(argv[1], "-n") == 0) {
        count = strtoul(argv[2], NULL, 10);
        first = 3;
    }
    if (first == argc) {
        fprintf(stderr, "usage: words [-n COUNT] FILE-OR-DIRECTORY...\n");
        return 2;
    }
    for (int i = first; i < argc; i++)
        failed |= read_path(&table, argv[i]);
    print_most_frequent(&table, count);
    return failed;
}
