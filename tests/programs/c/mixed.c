/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What programs in C are made of: heap, sorting, texts, numbers, files. Prints the same natively
 * and as a guest. */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Node {
    struct Node *left, *right;
    uint32_t key, count;
} Node;

static uint32_t seed = 7;
static uint32_t next(void)
{
    return seed = seed * 1664525 + 1013904223;
}

static void insert(Node **at, uint32_t key)
{
    while (*at && (*at)->key != key)
        at = key < (*at)->key ? &(*at)->left : &(*at)->right;
    if (!*at) {
        *at = calloc(1, sizeof **at);
        (*at)->key = key;
    }
    (*at)->count++;
}

static uint64_t sum_and_free(Node *n)
{
    if (!n)
        return 0;
    uint64_t sum = sum_and_free(n->left) * 31 + (uint64_t)n->key * n->count;
    sum += sum_and_free(n->right) * 17;
    free(n);
    return sum;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void texts(void)
{
    enum { N = 20000 };
    static char *lines[N];
    for (int i = 0; i < N; i++) {
        char line[64];
        uint32_t r = next();
        snprintf(line, sizeof line, "%08x %-6d|%+.3e", r, i % 97, (double)r / 3);
        lines[i] = strdup(line);
    }
    qsort(lines, N, sizeof *lines, compare);
    printf("%s\n%s\n%s\n", lines[0], lines[N / 2], lines[N - 1]);
    for (int i = 0; i < N; i++)
        free(lines[i]);
}

static void files(void)
{
    mkdir("dir", 0755);
    FILE *f = fopen("dir/numbers", "w+");
    if (!f)
        exit(3);
    for (uint32_t i = 0; i < 10000; i++)
        fprintf(f, "%u,", next() >> 8);
    rewind(f);
    uint64_t sum = 0;
    uint32_t value;
    while (fscanf(f, "%u,", &value) == 1)
        sum += value;
    printf("sum %llu at %ld\n", (unsigned long long)sum, ftell(f));
    fclose(f);
    struct stat st;
    printf("size %lld\n", stat("dir/numbers", &st) ? -1 : (long long)st.st_size);
    unlink("dir/numbers");
    printf("gone %d\n", stat("dir/numbers", &st) != 0 && errno == ENOENT);
}

static void numbers(void)
{
    double a[40][40], x = 0;
    for (int i = 0; i < 40; i++)
        for (int k = 0; k < 40; k++)
            a[i][k] = 1.0 / (i + k + 1) + (i == k);
    for (int c = 0; c < 40; c++)
        for (int r = c + 1; r < 40; r++) {
            double q = a[r][c] / a[c][c];
            for (int k = c; k < 40; k++)
                a[r][k] -= q * a[c][k];
        }
    for (int i = 0; i < 40; i++)
        x += sqrt(a[i][i]);
    printf("%.9f %g %a %d\n", x, floor(-2.5), 1.0 / 3, isnan(0.0 / (x - x)));
}

int main(int argc, char **argv)
{
    Node *root = NULL;
    for (int i = 0; i < 200000; i++)
        insert(&root, next() >> 12);
    printf("tree %llu\n", (unsigned long long)sum_and_free(root));
    texts();
    files();
    numbers();
    char line[100];
    while (fgets(line, sizeof line, stdin))
        printf("[%s]", line);
    printf("\n%d %s\n", argc, argv[argc - 1]);
    return 7;
}
