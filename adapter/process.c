/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Arguments, environment, exit, clocks, random numbers, polling; and how a command is run. */
#include "host.h"

/* --- arguments and environment --- */

/* Pieces that `sizes` and `get` show: the parts of each string are joined by '='. */
static Errno list_sizes(const List *l, u32 parts, u32 *ret_n, u32 *ret_bytes)
{
    u32 bytes = 0;
    const List *s = (const List *)l->p;
    for (u32 i = 0; i < l->n * parts; i++)
        bytes += s[i].n + 1; /* '=' or the end */
    *ret_n = l->n;
    *ret_bytes = bytes;
    return E_SUCCESS;
}

static Errno list_get(const List *l, u32 parts, u8 **ret_pointers, u8 *bytes)
{
    const List *s = (const List *)l->p;
    for (u32 i = 0; i < l->n; i++) {
        ret_pointers[i] = bytes;
        for (u32 k = 0; k < parts; k++, s++) {
            __builtin_memcpy(bytes, s->p, s->n);
            bytes += s->n;
            *bytes++ = k + 1 < parts ? '=' : 0;
        }
    }
    return E_SUCCESS;
}

static const List *arguments(State *s)
{
#ifndef ADAPTER_PROXY
    if (!s->has_args) {
        alloc_lasting(s);
        get_arguments(&s->args);
        s->has_args = true;
    }
#endif
    return &s->args;
}

static const List *environment(State *s)
{
#ifndef ADAPTER_PROXY
    if (!s->has_env) {
        alloc_lasting(s);
        get_environment(&s->env);
        s->has_env = true;
    }
#endif
    return &s->env;
}

/* What the main module sees while the state is being allocated: nothing. */
static Errno none(u32 *ret_n, u32 *ret_bytes)
{
    *ret_n = *ret_bytes = 0;
    return E_SUCCESS;
}

EXPORT(args_sizes_get) Errno args_sizes_get(u32 *ret_n, u32 *ret_bytes)
{
    State *s = state();
    return s ? list_sizes(arguments(s), 1, ret_n, ret_bytes) : none(ret_n, ret_bytes);
}

EXPORT(args_get) Errno args_get(u8 **ret_pointers, u8 *bytes)
{
    State *s = state();
    return s ? list_get(arguments(s), 1, ret_pointers, bytes) : E_SUCCESS;
}

EXPORT(environ_sizes_get) Errno environ_sizes_get(u32 *ret_n, u32 *ret_bytes)
{
    State *s = state();
    return s ? list_sizes(environment(s), 2, ret_n, ret_bytes) : none(ret_n, ret_bytes);
}

EXPORT(environ_get) Errno environ_get(u8 **ret_pointers, u8 *bytes)
{
    State *s = state();
    return s ? list_get(environment(s), 2, ret_pointers, bytes) : E_SUCCESS;
}

/* --- exit --- */

EXPORT(proc_exit) __attribute__((noreturn)) void proc_exit(u32 status)
{
#ifndef ADAPTER_PROXY
    host_exit(status != 0);
#else
    (void)status;
#endif
    TRAP();
}

EXPORT(proc_raise) Errno proc_raise(u32 signal)
{
    (void)signal;
    TRAP();
}

EXPORT(sched_yield) Errno sched_yield(void)
{
    return E_SUCCESS;
}

#ifdef ADAPTER_COMMAND
IMPORT("__main_module__", "_start") void main_start(void);

__attribute__((export_name("wasi:cli/run" V "#run"))) u32 run(void)
{
    main_start();
    return 0; /* another status ends in proc_exit */
}
#endif

/* --- clocks, random numbers --- */

#define NANOSECONDS 1000000000ull
enum { CLOCK_REALTIME, CLOCK_MONOTONIC };

static Errno wall_time(const Datetime *d, u64 *ret)
{
    if (d->seconds > UINT64_MAX / NANOSECONDS - 1)
        return E_OVERFLOW;
    *ret = d->seconds * NANOSECONDS + d->nanoseconds;
    return E_SUCCESS;
}

EXPORT(clock_time_get) Errno clock_time_get(u32 clock, u64 precision, u64 *ret)
{
    Datetime d;
    (void)precision;
    if (clock == CLOCK_REALTIME) {
        wall_now(&d);
        return wall_time(&d, ret);
    }
    if (clock != CLOCK_MONOTONIC)
        return E_BADF;
    *ret = monotonic_now();
    return E_SUCCESS;
}

EXPORT(clock_res_get) Errno clock_res_get(u32 clock, u64 *ret)
{
    Datetime d;
    if (clock == CLOCK_REALTIME) {
        wall_resolution(&d);
        return wall_time(&d, ret);
    }
    if (clock != CLOCK_MONOTONIC)
        return E_BADF;
    *ret = monotonic_resolution();
    return E_SUCCESS;
}

EXPORT(random_get) Errno random_get(u8 *p, u32 n)
{
    State *s = state();
    List list;
    if (!s)
        return E_AGAIN;
    alloc_into(s, p, n);
    get_random_bytes(n, &list);
    s->mode = ALLOC_NONE;
    return E_SUCCESS;
}

/* --- polling --- */

typedef struct Subscription {
    u64 userdata;
    u8 tag; /* 0 a clock, 1 reading, 2 writing */
    union {
        struct {
            u32 id;
            u64 timeout, precision;
            u16 flags; /* 1: absolute */
        } clock;
        u32 fd;
    };
} Subscription;

typedef struct Event {
    u64 userdata;
    u16 error;
    u8 type;
    u64 nbytes;
    u16 flags;
} Event;

_Static_assert(sizeof(Subscription) == 48 && sizeof(Event) == 32, "as in preview 1");

static Errno clock_pollable(const Subscription *sub, u32 *ret)
{
    u64 now, timeout = sub->clock.timeout;
    bool absolute = sub->clock.flags & 1;
    if (sub->clock.id == CLOCK_MONOTONIC) {
        *ret = absolute ? subscribe_instant(timeout) : subscribe_duration(timeout);
        return E_SUCCESS;
    }
    if (sub->clock.id != CLOCK_REALTIME)
        return E_INVAL;
    if (absolute) {
        Errno e = clock_time_get(CLOCK_REALTIME, 0, &now);
        if (e)
            return e;
        timeout = timeout > now ? timeout - now : 0;
    }
    *ret = subscribe_duration(timeout);
    return E_SUCCESS;
}

static Errno make_pollable(State *s, const Subscription *sub, u32 *ret)
{
    if (sub->tag == 0)
        return clock_pollable(sub, ret);
    Fd *f = fd_find(s, sub->fd);
    if (!f)
        return E_BADF;
    if (f->kind == FD_FILE)
        *ret = subscribe_duration(0); /* files are always ready */
    else if (sub->tag == 1 && f->kind == FD_STDIN)
        *ret = input_subscribe(fd_stream(f));
    else if (sub->tag == 2 && f->kind != FD_STDIN)
        *ret = output_subscribe(fd_stream(f));
    else
        return E_BADF;
    return E_SUCCESS;
}

static void put_event(const Subscription *sub, Errno e, Event *out)
{
    *out = (Event){
        .userdata = sub->userdata, .error = (u16)e, .type = sub->tag, .nbytes = sub->tag ? 1 : 0};
}

EXPORT(poll_oneoff) Errno poll_oneoff(const Subscription *in, Event *out, u32 n, u32 *ret_n)
{
    State *s = state();
    u32 nevents = 0, made = 0;
    if (!s || n == 0)
        return E_INVAL;
    if (n > STATE_SCRATCH / 8)
        return E_NOMEM;
    u32 *handles = (u32 *)s->scratch;
    for (; made < n; made++) {
        Errno e = make_pollable(s, &in[made], &handles[made]);
        if (e) {
            put_event(&in[made], e, &out[nevents++]);
            break;
        }
    }
    List ready = {.n = 0};
    if (nevents == 0) {
        alloc_into(s, s->scratch + n * 4, STATE_SCRATCH - n * 4);
        poll_list(handles, n, &ready);
        s->mode = ALLOC_NONE;
    }
    for (u32 i = 0; i < ready.n; i++)
        put_event(&in[((u32 *)ready.p)[i]], E_SUCCESS, &out[nevents++]);
    for (u32 i = 0; i < made; i++)
        pollable_drop(handles[i]);
    *ret_n = nevents;
    return E_SUCCESS;
}

/* --- sockets: preview 1 can only use those that it is given, and there are none --- */

static Errno no_socket(u32 fd)
{
    return fd_find(state(), fd) ? E_NOTSOCK : E_BADF;
}

EXPORT(sock_accept) Errno sock_accept(u32 fd, u32 flags, u32 *ret)
{
    (void)flags, (void)ret;
    return no_socket(fd);
}

EXPORT(sock_recv)
Errno sock_recv(u32 fd, const Iovec *v, u32 n, u32 flags, u32 *ret_n, u16 *ret_flags)
{
    (void)v, (void)n, (void)flags, (void)ret_n, (void)ret_flags;
    return no_socket(fd);
}

EXPORT(sock_send) Errno sock_send(u32 fd, const Iovec *v, u32 n, u32 flags, u32 *ret_n)
{
    (void)v, (void)n, (void)flags, (void)ret_n;
    return no_socket(fd);
}

EXPORT(sock_shutdown) Errno sock_shutdown(u32 fd, u32 how)
{
    (void)how;
    return no_socket(fd);
}
