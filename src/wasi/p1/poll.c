/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Preview 1: poll_oneoff. Files and outputs are always ready, so a poll waits for the earliest of
 * its clocks or for standard input, whichever is first. The wait ends at once when the store is
 * interrupted.
 */
#include "wasi/p1/p1_priv.h"

#include <errno.h>

#include "os/time.h"

typedef enum EventType { EVENT_CLOCK, EVENT_FD_READ, EVENT_FD_WRITE, EVENT_COUNT } EventType;

typedef struct Subscription {
    u64 userdata;
    EventType type;
    u32 fd;        /* EVENT_FD_* */
    u32 clock;     /* EVENT_CLOCK, as timeout and absolute */
    u64 timeout;   /* nanoseconds */
    bool absolute; /* a time of the clock, not a duration */
} Subscription;

enum { EVENT_FUEL = 32, SUBSCRIPTION_FUEL = 32, CLOCK_COUNT = 4 };

/* False if it holds a value of none of its types, and with the error set if it cannot be read. */
static bool read_subscription(P1Call *c, u32 subs, u32 i, Subscription *ret_sub)
{
    const P1Abi *abi = c->abi;
    u32 at;
    if (!p1_element(c, subs, i, abi->subscription_end, &at))
        return false;
    const u8 *p = guest_at(&c->mem, at, abi->subscription_end, 8);
    if (!p)
        return false;
    u8 copy[64]; /* so that what is checked is what is used */
    static_assert(sizeof copy >= 56, "the longer of the two layouts");
    memcpy(copy, p, abi->subscription_end);
    Subscription s = {.userdata = load_u64(copy)};
    u8 tag = copy[P1_SUBSCRIPTION_TAG];
    if (tag >= EVENT_COUNT)
        return false;
    s.type = (EventType)tag;
    if (s.type == EVENT_CLOCK) {
        u16 flags = load_u16(copy + abi->clock_flags);
        s.clock = load_u32(copy + abi->clock_id);
        s.timeout = load_u64(copy + abi->clock_timeout);
        s.absolute = flags & 1;
        if (s.clock >= CLOCK_COUNT || flags > 1)
            return false;
    } else {
        s.fd = load_u32(copy + P1_SUBSCRIPTION_FD);
    }
    *ret_sub = s;
    return true;
}

static u64 add_saturating(u64 a, u64 b)
{
    u64 sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* When the clock fires, on the host's monotonic clock; UINT64_MAX: never. */
static u64 clock_deadline(const P1Call *c, const Subscription *s, u64 now)
{
    if (!s->absolute)
        return add_saturating(now, s->timeout);
    if (s->clock == P1_CLOCK_MONOTONIC)
        return add_saturating(c->ctx->monotonic_start, s->timeout);
    u64 real = os_realtime_ns();
    return add_saturating(now, s->timeout > real ? s->timeout - real : 0);
}

static void put_event(P1Call *c, u32 events, u32 i, const Subscription *s, u64 nbytes, u16 flags)
{
    u32 at;
    u8 buf[P1_EVENT_SIZE] = {0}; /* the error is 0 */
    store_u64(buf, s->userdata);
    buf[P1_EVENT_TYPE] = (u8)s->type;
    store_u64(buf + P1_EVENT_NBYTES, nbytes);
    store_u16(buf + P1_EVENT_FLAGS, flags);
    if (!p1_element(c, events, i, P1_EVENT_SIZE, &at))
        return;
    u8 *to = guest_at(&c->mem, at, sizeof buf, 8);
    if (to)
        memcpy(to, buf, sizeof buf);
}

/* Waits for the time or standard input (-1: not waited for). EINTR: the guest is to be left. */
static int wait_until(const P1Call *c, int fd, u64 deadline, bool *ret_ready)
{
    for (;;) {
        int err = os_wait(fd, OS_WAIT_READ, deadline, c->stop, ret_ready);
        if (err != EINTR || p1_stopped(c))
            return err;
    }
}

/* A poll of one duration is a sleep, on whatever clock. */
static u32 sleep_for(P1Call *c, u32 events, const Subscription *s, u32 ret)
{
    bool ready;
    int err = wait_until(c, -1, add_saturating(os_monotonic_ns(), s->timeout), &ready);
    if (err)
        return p1_errno(err);
    put_event(c, events, 0, s, 1, 0);
    p1_ret_u32(c, ret, 1, "size");
    return P1_SUCCESS;
}

/* What a poll waits for. */
typedef struct Poll {
    u32 n;
    u64 now;
    u64 *due;     /* of each subscription: the deadline, 0 if ready, DUE_STDIN */
    u64 deadline; /* the earliest */
    bool waits_for_stdin;
    int stdin_fd;
} Poll;
#define DUE_STDIN (UINT64_MAX - 1)

/* When a descriptor will be ready: 0 or DUE_STDIN. */
static u32 fd_due(P1Call *c, const Subscription *s, Poll *p, u64 *ret_due)
{
    const WasiFd *d = wasi_fd_get(c->ctx, s->fd);
    if (!d)
        return P1_EBADF;
    *ret_due = 0;
    if (d->kind == WASI_FD_FILE)
        return s->type == EVENT_FD_WRITE && d->node.read_only ? P1_EPERM : P1_SUCCESS;
    if (d->kind == WASI_FD_STDOUT && s->type == EVENT_FD_WRITE)
        return P1_SUCCESS;
    if (d->kind != WASI_FD_STDIN || s->type != EVENT_FD_READ)
        return P1_EBADF;
    if (d->node.fd >= 0) {
        p->waits_for_stdin = true;
        p->stdin_fd = d->node.fd;
        *ret_due = DUE_STDIN;
    }
    return P1_SUCCESS;
}

static u32 collect(P1Call *c, u32 subs, Poll *p)
{
    for (u32 i = 0; i < p->n; i++) {
        Subscription s;
        u32 err = P1_SUCCESS;
        if (!read_subscription(c, subs, i, &s))
            return P1_EINVAL;
        if (s.type != EVENT_CLOCK)
            err = fd_due(c, &s, p, &p->due[i]);
        else if (s.clock == P1_CLOCK_REALTIME || s.clock == P1_CLOCK_MONOTONIC)
            p->due[i] = MIN(clock_deadline(c, &s, p->now), DUE_STDIN - 1);
        else
            err = P1_EINVAL;
        if (err)
            return err;
        p->deadline = MIN(p->deadline, p->due[i]);
    }
    return P1_SUCCESS;
}

/* What is left to read decides on the flag; the count is not told. */
static u16 read_flags(const WasiFd *d)
{
    OsStat st;
    if (d->kind != WASI_FD_FILE || os_stat(d->node.fd, &st) || st.size > d->position)
        return 0;
    return P1_EVENT_HANGUP;
}

static u32 report(P1Call *c, u32 subs, u32 events, const Poll *p, bool stdin_ready, u32 ret)
{
    u64 now = os_monotonic_ns();
    u32 count = 0;
    for (u32 i = 0; i < p->n && !c->mem.error; i++) {
        Subscription s;
        if (p->due[i] == DUE_STDIN ? !stdin_ready : p->due[i] > now)
            continue;
        if (!read_subscription(c, subs, i, &s))
            return P1_EINVAL;
        const WasiFd *d = s.type == EVENT_CLOCK ? NULL : wasi_fd_get(c->ctx, s.fd);
        if (s.type != EVENT_CLOCK && !d) /* overwritten by an event meanwhile */
            return P1_EBADF;
        u16 flags = s.type == EVENT_FD_READ ? read_flags(d) : 0;
        put_event(c, events, count++, &s, s.type != EVENT_CLOCK, flags);
    }
    p1_ret_u32(c, ret, count, "size");
    return P1_SUCCESS;
}

static u32 poll_all(P1Call *c, u32 subs, u32 events, Poll *p, u32 ret)
{
    u32 fault = collect(c, subs, p);
    if (fault || c->mem.error)
        return fault;
    bool stdin_ready = false;
    /* With something ready already, only a look at standard input is taken. */
    u64 deadline = p->deadline >= DUE_STDIN - 1 ? UINT64_MAX : p->deadline;
    if (p->waits_for_stdin || deadline > p->now) {
        int fd = p->waits_for_stdin ? p->stdin_fd : -1;
        int err = wait_until(c, fd, deadline, &stdin_ready);
        if (err)
            return p1_errno(err);
    }
    return report(c, subs, events, p, stdin_ready, ret);
}

u32 p1_poll_oneoff(P1Call *c, u32 subs, u32 events, u32 n, u32 ret)
{
    if (n == 0)
        return P1_EINVAL; /* it would wait for ever */
    if (n == 1) {
        Subscription s;
        if (!read_subscription(c, subs, 0, &s))
            return P1_EINVAL;
        if (s.type == EVENT_CLOCK && !s.absolute)
            return sleep_for(c, events, &s, ret);
    }
    if (!p1_consume(c, (u64)n * SUBSCRIPTION_FUEL) || !p1_consume(c, (u64)n * EVENT_FUEL))
        return P1_ENOMEM;
    Poll p = {.n = n, .now = os_monotonic_ns(), .deadline = UINT64_MAX};
    p.due = mem_try_alloc_array(n, sizeof *p.due);
    if (!p.due)
        return P1_ENOMEM;
    u32 err = poll_all(c, subs, events, &p, ret);
    mem_free(p.due);
    return err;
}
