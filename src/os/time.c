/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Clocks and randomness of Linux. */
#include "os/time.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

static u64 clock_ns(clockid_t id)
{
    struct timespec t;
    ALWAYS(clock_gettime(id, &t) == 0);
    return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

u64 os_monotonic_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

u64 os_realtime_ns(void)
{
    return clock_ns(CLOCK_REALTIME);
}

void os_random(void *p, usize n)
{
    u8 *at = p;
    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);
        ALWAYS(got > 0 || errno == EINTR);
        if (got > 0) {
            at += got;
            n -= (usize)got;
        }
    }
}
