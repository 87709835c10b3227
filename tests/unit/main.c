/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Runner of the unit tests: a process for each test, `-l` lists, arguments select by substring. */
#include "unit/test.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEST_SECONDS = 60, EXIT_SKIP = 77 };

extern const TestCase *const __start_unit_tests[], *const __stop_unit_tests[];

void test_fail(const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    printf("%s:%d: ", file, line);
    vprintf(fmt, ap);
    printf("\n");
    fflush(stdout);
    _exit(1);
}

void test_skip(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    printf("skipped: ");
    vprintf(fmt, ap);
    printf("\n");
    fflush(stdout);
    _exit(EXIT_SKIP);
}

static bool selected(const TestCase *t, int argc, char **argv)
{
    bool any = false;
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-')
            continue;
        any = true;
        if (strstr(t->name, argv[i]) || strstr(t->file, argv[i]))
            return true;
    }
    return !any;
}

static bool has_flag(int argc, char **argv, const char *flag)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], flag) == 0)
            return true;
    return false;
}

/* The child's exit status, or 128 + the signal that ended it. */
static int run_forked(const TestCase *t)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(TEST_SECONDS);
        t->run();
        fflush(stdout);
        exit(0);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    int passed = 0, failed = 0, skipped = 0;
    bool list = has_flag(argc, argv, "-l"), verbose = has_flag(argc, argv, "-v");
    for (const TestCase *const *p = __start_unit_tests; p < __stop_unit_tests; p++) {
        const TestCase *t = *p;
        if (!selected(t, argc, argv))
            continue;
        if (list) {
            printf("%s (%s)\n", t->name, t->file);
            continue;
        }
        int rc = run_forked(t);
        if (rc == 0)
            passed++;
        else if (rc == EXIT_SKIP)
            skipped++;
        else
            failed++;
        if (rc != 0 || verbose)
            printf("%s %s (%s)%s\n",
                   rc == 0           ? "ok"
                   : rc == EXIT_SKIP ? "SKIP"
                                     : "FAIL",
                   t->name, t->file, rc > 128 ? " ended by a signal" : "");
    }
    if (!list)
        printf("unit: %d passed, %d failed, %d skipped\n", passed, failed, skipped);
    return failed != 0;
}
