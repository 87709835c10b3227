/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Arguments, environment, standard streams, time, the exit status. */
#include "show.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static long long ns(struct timespec t)
{
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void times(void)
{
    struct timespec a, b, nap = {0, 30000000};
    clock_gettime(CLOCK_MONOTONIC, &a);
    SHOW(nanosleep(&nap, NULL));
    clock_gettime(CLOCK_MONOTONIC, &b);
    printf("slept long enough %d, not too long %d\n", ns(b) - ns(a) >= 30000000,
           ns(b) - ns(a) < 5000000000ll);
    clock_gettime(CLOCK_REALTIME, &a);
    printf("after 2023 %d\n", a.tv_sec > 1700000000);
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    struct timespec set[2] = {{1000000000, 1}, {1500000000, 999999999}};
    struct stat st;
    SHOW(futimens(fd, set));
    SHOW(fstat(fd, &st));
    printf("%lld %lld\n", ns(st.st_atim), ns(st.st_mtim));
    close(fd);
}

static void streams(void)
{
    char line[128];
    int n = 0;
    while (fgets(line, sizeof line, stdin))
        printf("%d: %s", ++n, line);
    printf("end of input %d\n", feof(stdin) != 0);
    struct pollfd p = {.fd = 1, .events = POLLOUT};
    SHOW(poll(&p, 1, 1000));
    printf("writable %d\n", (p.revents & POLLOUT) != 0);
    fputs("to standard error\n", stderr);
    SHOW(isatty(0) + isatty(1));
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        printf("[%s]\n", argv[i]);
    static const char *const vars[] = {"ONE", "TWO", "EMPTY", "MISSING"};
    for (int i = 0; i < 4; i++) {
        const char *v = getenv(vars[i]);
        printf("%s=%s\n", vars[i], v ? v : "(none)");
    }
    setenv("NEW", "value", 1);
    printf("NEW=%s\n", getenv("NEW"));
    times();
    streams();
    fflush(stdout);
    exit(7);
}
