/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* wasi:io/poll: what resources want to wait for, given to wasi_wait. */
#include "wasi/p2/p2_priv.h"

#include "os/time.h"

bool p2_wait(LiftCall *c, WasiWait *w, usize n, u64 deadline)
{
    if (wasi_wait(p2_of(c)->store, w, n, deadline))
        return true;
    if (!p2_stopped(c)) /* its fiber is freed */
        p2_fail(c, trap_error(TRAP_INTERRUPT));
    return false;
}

WasiIoPollPollable *p2_pollable_until(LiftCall *call, u64 deadline)
{
    WasiIoPollPollable *p = p2_resource_new(call, sizeof *p);
    *p = (WasiIoPollPollable){.deadline = deadline};
    return p;
}

WasiIoPollPollable *p2_pollable_of(LiftCall *call, P2Wants *wants, const void *of,
                                   P2Children *pollables)
{
    WasiIoPollPollable *p = p2_resource_new(call, sizeof *p);
    *p = (WasiIoPollPollable){.wants = wants, .of = of, .parent = pollables};
    pollables->n++;
    return p;
}

void wasi_io_poll_pollable_drop(void *host, WasiIoPollPollable *rep)
{
    p2_child_gone(host, rep->parent);
    p2_resource_free(host, rep);
}

static WasiWait wait_of(const WasiIoPollPollable *p)
{
    WasiWait w = wasi_wait_time(p->deadline);
    if (p->wants)
        p->wants(p->of, &w);
    return w;
}

void wasi_io_poll_pollable_ready(LiftCall *call, WasiIoPollPollable *self, bool *ret_result)
{
    WasiWait w = wait_of(self);
    *ret_result = p2_wait(call, &w, 1, 0) && w.ready;
}

void wasi_io_poll_pollable_block(LiftCall *call, WasiIoPollPollable *self)
{
    WasiWait w = wait_of(self);
    if (!p2_wait(call, &w, 1, UINT64_MAX))
        return; /* the call has failed */
}

void wasi_io_poll_poll(LiftCall *call, WasiIoPollListBorrowPollable in, LiftListU32 *ret_result)
{
    *ret_result = (LiftListU32){0};
    if (in.n == 0) {
        lift_fail(call, "empty poll list");
        return;
    }
    WasiWait *w = lift_alloc(call, in.n, sizeof *w);
    for (usize i = 0; i < in.n; i++)
        w[i] = wait_of(in.p[i]);
    if (!p2_wait(call, w, in.n, UINT64_MAX))
        return;
    u32 *ready = lift_alloc(call, in.n, sizeof *ready);
    usize n = 0;
    for (usize i = 0; i < in.n; i++)
        if (w[i].ready)
            ready[n++] = (u32)i;
    *ret_result = (LiftListU32){ready, n};
}
