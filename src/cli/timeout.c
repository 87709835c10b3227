/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A thread that sleeps until the deadline or until it is told to stop. */
#include "cli/timeout.h"

#include "os/time.h"

#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

static void wait_and_interrupt(void *arg)
{
    Timeout *t = arg;
    for (;;) {
        u64 now = os_monotonic_ns();
        if (now >= t->deadline) {
            store_interrupt(t->store);
            return;
        }
        u64 left = t->deadline - now;
        struct timespec ts = {(time_t)(left / 1000000000), (long)(left % 1000000000)};
        struct pollfd p = {.fd = t->stop[0], .events = POLLIN};
        if (ppoll(&p, 1, &ts, NULL) > 0)
            return;
    }
}

Error *timeout_start(Timeout *t, Store *s, u64 nanos)
{
    u64 now = os_monotonic_ns();
    *t = (Timeout){.store = s, .deadline = now + nanos < now ? UINT64_MAX : now + nanos};
    if (pipe2(t->stop, O_CLOEXEC) != 0)
        return error_new("no file descriptor for the timeout");
    t->running = os_thread_start(&t->thread, wait_and_interrupt, t);
    if (t->running)
        return NULL;
    close(t->stop[0]);
    close(t->stop[1]);
    return error_new("no thread for the timeout");
}

void timeout_stop(Timeout *t)
{
    if (!t->running)
        return;
    close(t->stop[1]);
    os_thread_join(t->thread);
    close(t->stop[0]);
    t->running = false;
}
