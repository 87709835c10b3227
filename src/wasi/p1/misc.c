/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Preview 1: arguments, environment, clocks, randomness, the process, and sockets there are none
 * of. */
#include "wasi/p1/p1_priv.h"

#include "os/time.h"

/* Writes the texts one behind the other at `buf`, terminated, and their addresses at `ptrs`. */
static u32 put_texts(P1Call *c, char *const *texts, u32 n, u32 ptrs, u32 buf)
{
    for (u32 i = 0; i < n && !c->mem.error; i++) {
        u32 slot, next;
        u64 size = strlen(texts[i]) + 1;
        if (!p1_element(c, ptrs, i, 4, &slot))
            break;
        guest_put_u32(&c->mem, slot, buf);
        guest_put(&c->mem, buf, texts[i], size);
        if (c->mem.error || !p1_element(c, buf, u32_of(size), 1, &next))
            break;
        buf = next;
    }
    return P1_SUCCESS;
}

static u32 put_sizes(P1Call *c, char *const *texts, u32 n, u32 ret_count, u32 ret_size)
{
    u64 size = 0;
    for (u32 i = 0; i < n; i++)
        size += strlen(texts[i]) + 1;
    if (size > UINT32_MAX)
        return P1_EOVERFLOW;
    p1_ret_u32(c, ret_count, n, "size");
    p1_ret_u32(c, ret_size, (u32)size, "size");
    return P1_SUCCESS;
}

u32 p1_args_get(P1Call *c, u32 argv, u32 buf)
{
    return put_texts(c, c->ctx->args.p, c->ctx->args.n, argv, buf);
}

u32 p1_args_sizes_get(P1Call *c, u32 ret_count, u32 ret_size)
{
    return put_sizes(c, c->ctx->args.p, c->ctx->args.n, ret_count, ret_size);
}

u32 p1_environ_get(P1Call *c, u32 env, u32 buf)
{
    return put_texts(c, c->ctx->env.p, c->ctx->env.n, env, buf);
}

u32 p1_environ_sizes_get(P1Call *c, u32 ret_count, u32 ret_size)
{
    return put_sizes(c, c->ctx->env.p, c->ctx->env.n, ret_count, ret_size);
}

enum { CLOCK_COUNT = P1_CLOCK_THREAD + 1 };

u32 p1_clock_res_get(P1Call *c, u32 id, u32 ret)
{
    if (!p1_check_enum(c, id, CLOCK_COUNT, "Clockid"))
        return P1_EINVAL;
    if (id != P1_CLOCK_REALTIME && id != P1_CLOCK_MONOTONIC)
        return P1_EBADF;
    u64 ns = id == P1_CLOCK_REALTIME ? os_realtime_resolution_ns() : os_monotonic_resolution_ns();
    p1_ret_u64(c, ret, ns, "timestamp");
    return P1_SUCCESS;
}

u32 p1_clock_time_get(P1Call *c, u32 id, u64 precision, u32 ret)
{
    (void)precision; /* always the best there is */
    if (!p1_check_enum(c, id, CLOCK_COUNT, "Clockid"))
        return P1_EINVAL;
    if (id != P1_CLOCK_REALTIME && id != P1_CLOCK_MONOTONIC)
        return P1_EBADF;
    u64 ns =
        id == P1_CLOCK_REALTIME ? os_realtime_ns() : os_monotonic_ns() - c->ctx->monotonic_start;
    p1_ret_u64(c, ret, ns, "timestamp");
    return P1_SUCCESS;
}

u32 p1_random_get(P1Call *c, u32 buf, u32 len)
{
    if (len > c->ctx->max_random_size) {
        c->mem.error = error_wrap(error_new("requested len %u exceeds limit %llu", len,
                                            (unsigned long long)c->ctx->max_random_size),
                                  "failed to call `get-random-bytes`");
        return P1_EINVAL;
    }
    u8 *p = len > 0 ? guest_bytes(&c->mem, buf, len) : NULL;
    if (p)
        os_random(p, len);
    return P1_SUCCESS;
}

u32 p1_sched_yield(P1Call *c)
{
    (void)c;
    return P1_SUCCESS;
}

u32 p1_proc_exit(P1Call *c, u32 code)
{
    enum { MAX_STATUS = 125 }; /* what a shell can tell from its own numbers */
    c->mem.error =
        code > MAX_STATUS
            ? error_new("exit with invalid exit status outside of [0..126)")
            : error_new_kind(ERROR_EXIT, (int)code, "Exited with i32 exit status %u", code);
    return P1_SUCCESS;
}

u32 p1_proc_raise(P1Call *c, u32 sig)
{
    enum { SIGNAL_COUNT = 31 };
    return p1_check_enum(c, sig, SIGNAL_COUNT, "Signal") ? P1_ENOTSUP : P1_EINVAL;
}

/* No descriptor is ever a socket. */
static u32 no_socket(P1Call *c, u32 fd)
{
    if (!c->abi->sockets) {
        c->mem.error = error_new("%s unsupported", c->func);
        return P1_ENOTSOCK;
    }
    return wasi_fd_get(c->ctx, fd) ? P1_ENOTSOCK : P1_EBADF;
}

u32 p1_sock_accept(P1Call *c, u32 fd, u32 flags, u32 ret)
{
    (void)ret;
    if (!p1_check_flags(c, flags, P1_FDFLAGS_ALL, 16, "Fdflags"))
        return P1_EINVAL;
    return no_socket(c, fd);
}

u32 p1_sock_recv(P1Call *c, u32 fd, u32 iovs, u32 n, u32 flags, u32 ret_n, u32 ret_flags)
{
    (void)iovs, (void)n, (void)ret_n, (void)ret_flags;
    if (!p1_check_flags(c, flags, 3, 16, "Riflags"))
        return P1_EINVAL;
    return no_socket(c, fd);
}

u32 p1_sock_send(P1Call *c, u32 fd, u32 iovs, u32 n, u32 flags, u32 ret)
{
    (void)iovs, (void)n, (void)ret;
    if (!p1_check_flags(c, flags, UINT16_MAX, 16, "u16"))
        return P1_EINVAL;
    return no_socket(c, fd);
}

u32 p1_sock_shutdown(P1Call *c, u32 fd, u32 how)
{
    if (!p1_check_flags(c, how, 3, 8, "Sdflags"))
        return P1_EINVAL;
    return no_socket(c, fd);
}
