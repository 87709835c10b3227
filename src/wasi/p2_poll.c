/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* wasi:io/poll. Only times and standard input are ever waited for; all else is ready. */
#include "wasi/p2_priv.h"

#include "os/time.h"

#include <errno.h>

WasiIoPollPollable *p2_pollable(LiftCall *call, int fd, u64 deadline)
{
    WasiIoPollPollable *p = p2_resource_new(call, sizeof *p);
    *p = (WasiIoPollPollable){.fd = fd, .deadline = deadline};
    return p;
}

void wasi_io_poll_pollable_drop(void *host, WasiIoPollPollable *rep)
{
    p2_child_gone(host, rep->parent);
    p2_resource_free(host, rep);
}

/* Waits for the descriptor (-1: none) or the deadline; what cannot be waited for is ready. */
static bool wait_until(LiftCall *call, int fd, u64 deadline)
{
    void *const *stop = &store_vm(p2_of(call)->store)->pending;
    bool ready = false;
    int err;
    do
        err = os_wait(fd, OS_WAIT_READ, deadline, stop, &ready);
    while (err == EINTR && !p2_stopped(call));
    return err ? true : ready;
}

static bool is_ready(LiftCall *call, const WasiIoPollPollable *p)
{
    if (p->fd >= 0)
        return wait_until(call, p->fd, 0);
    return p->deadline <= os_monotonic_ns();
}

void wasi_io_poll_pollable_ready(LiftCall *call, WasiIoPollPollable *self, bool *ret_result)
{
    *ret_result = is_ready(call, self);
}

void wasi_io_poll_pollable_block(LiftCall *call, WasiIoPollPollable *self)
{
    (void)wait_until(call, self->fd, self->fd >= 0 ? UINT64_MAX : self->deadline);
}

void wasi_io_poll_poll(LiftCall *call, WasiIoPollListBorrowPollable in, LiftListU32 *ret_result)
{
    if (in.n == 0) {
        lift_fail(call, "empty poll list");
        return;
    }
    u64 deadline = UINT64_MAX;
    int fd = -1;
    for (usize i = 0; i < in.n; i++) {
        if (in.p[i]->fd >= 0)
            fd = in.p[i]->fd;
        else
            deadline = MIN(deadline, in.p[i]->deadline);
    }
    bool readable = wait_until(call, fd, deadline);
    u64 now = os_monotonic_ns();
    u32 *ready = lift_alloc(call, in.n, sizeof *ready);
    usize n = 0;
    for (usize i = 0; i < in.n; i++)
        if (in.p[i]->fd >= 0 ? readable : in.p[i]->deadline <= now)
            ready[n++] = (u32)i;
    *ret_result = (LiftListU32){ready, n};
}
