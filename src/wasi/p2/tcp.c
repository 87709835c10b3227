/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * wasi:sockets/tcp and tcp-create-socket.
 *
 * Output: what the kernel does not take at once is kept, at most one write, and goes out from the
 * event loop while the guest does something else; until then no more is permitted.
 */
#include "wasi/p2/sockets_priv.h"

#include "bind/wasi_sockets_tcp.h"
#include "bind/wasi_sockets_tcp_create_socket.h"
#include "os/fs.h"

#include <errno.h>
#include <string.h>

typedef WasiSocketsTcpTcpSocket Tcp;
typedef WasiSocketsTcpResultVoidNetworkErrorCode VoidResult;

enum {
    PERMITTED = WASI_LIMIT_TCP_WRITE,
    BACKLOG = 128,
    KEEP_SECONDS = 32767,
    KEEP_COUNT = 127,
};

typedef enum TcpState {
    TCP_UNBOUND,
    TCP_BINDING,
    TCP_BOUND,
    TCP_LISTEN_STARTED,
    TCP_LISTENING,
    TCP_CONNECTING,
    TCP_CONNECTED,
    TCP_CLOSED, /* connecting failed */
} TcpState;

struct WasiSocketsTcpTcpSocket {
    int fd;
    bool v6;
    TcpState state;
    u32 backlog;
    P2Children children; /* streams and pollables */
    u8 *left;            /* own: what is to be written yet */
    usize left_n, left_at;
    WasiWatch *watch; /* while there is something left */
    WasiWaker drained;
    int connect_error; /* TCP_CLOSED */
    int write_error;   /* of the background, to be told */
    bool shut_when_drained, shut_send, shut_receive;
};

static void close_socket(int fd)
{
    wasi_loop_forget(fd);
    os_fd_close(fd);
}

void wasi_sockets_tcp_tcp_socket_drop(void *host, Tcp *rep)
{
    if (p2_has_children(host, &rep->children, &wasi_sockets_tcp_tcp_socket_type, rep))
        return;
    wasi_watch_free(rep->watch);
    mem_free(rep->left);
    close_socket(rep->fd);
    p2_resource_free(host, rep);
}

static Tcp *tcp_new(LiftCall *call, int fd, bool v6, TcpState state)
{
    Tcp *t = p2_resource_new(call, sizeof *t);
    *t = (Tcp){.fd = fd, .v6 = v6, .state = state, .backlog = BACKLOG};
    return t;
}

void wasi_sockets_tcp_create_socket_create_tcp_socket(
    LiftCall *call, WasiSocketsNetworkIpAddressFamily family,
    WasiSocketsTcpCreateSocketResultTcpTcpSocketNetworkErrorCode *ret_result)
{
    bool v6 = family == WASI_SOCKETS_NETWORK_IP_ADDRESS_FAMILY_IPV6;
    int fd = -1;
    SOCK_RESULT(ret_result,
                p2_of(call)->ctx->network.tcp ? os_inet_socket(v6, false, &fd) : EACCES);
    if (!ret_result->is_err)
        ret_result->as.ok = tcp_new(call, fd, v6, TCP_UNBOUND);
}

static bool is_allowed(LiftCall *call)
{
    return p2_of(call)->ctx->network.addresses;
}

/* --- binding, listening, connecting --- */

void wasi_sockets_tcp_tcp_socket_start_bind(LiftCall *call, Tcp *self,
                                            WasiSocketsNetworkNetwork *network,
                                            const SockAddr *local_address, VoidResult *ret_result)
{
    (void)network;
    OsInetAddr a;
    sock_from_guest(local_address, &a);
    *ret_result = (VoidResult){0};
    if (!sock_is_of_family(&a, self->v6) || !sock_is_unicast(&a))
        SOCK_FAIL(ret_result, SOCK_CODE(INVALID_ARGUMENT));
    else if (!is_allowed(call))
        SOCK_FAIL(ret_result, SOCK_CODE(ACCESS_DENIED));
    else if (self->state == TCP_BINDING)
        SOCK_FAIL(ret_result, SOCK_CODE(CONCURRENCY_CONFLICT));
    else if (self->state != TCP_UNBOUND)
        SOCK_FAIL(ret_result, SOCK_CODE(INVALID_STATE));
    else
        SOCK_RESULT(ret_result, os_inet_bind(self->fd, &a, a.port != 0));
    if (!ret_result->is_err)
        self->state = TCP_BINDING;
}

/* From one state to the next, which the first of two calls has prepared. */
static void finish(Tcp *t, TcpState from, TcpState to, VoidResult *ret)
{
    *ret = (VoidResult){0};
    if (t->state == from)
        t->state = to;
    else
        SOCK_FAIL(ret, SOCK_CODE(NOT_IN_PROGRESS));
}

void wasi_sockets_tcp_tcp_socket_finish_bind(LiftCall *call, Tcp *self, VoidResult *ret_result)
{
    (void)call;
    finish(self, TCP_BINDING, TCP_BOUND, ret_result);
}

void wasi_sockets_tcp_tcp_socket_start_listen(LiftCall *call, Tcp *self, VoidResult *ret_result)
{
    *ret_result = (VoidResult){0};
    if (self->state == TCP_LISTEN_STARTED)
        SOCK_FAIL(ret_result, SOCK_CODE(CONCURRENCY_CONFLICT));
    else if (self->state != TCP_BOUND)
        SOCK_FAIL(ret_result, SOCK_CODE(INVALID_STATE));
    else
        SOCK_RESULT(ret_result,
                    is_allowed(call) ? os_inet_listen(self->fd, self->backlog) : EACCES);
    if (!ret_result->is_err)
        self->state = TCP_LISTEN_STARTED;
}

void wasi_sockets_tcp_tcp_socket_finish_listen(LiftCall *call, Tcp *self, VoidResult *ret_result)
{
    (void)call;
    finish(self, TCP_LISTEN_STARTED, TCP_LISTENING, ret_result);
}

static void connect_failed(Tcp *t, int err)
{
    t->state = TCP_CLOSED;
    t->connect_error = err;
}

void wasi_sockets_tcp_tcp_socket_start_connect(LiftCall *call, Tcp *self,
                                               WasiSocketsNetworkNetwork *network,
                                               const SockAddr *remote_address,
                                               VoidResult *ret_result)
{
    (void)network;
    OsInetAddr a;
    sock_from_guest(remote_address, &a);
    *ret_result = (VoidResult){0};
    if (self->state == TCP_CONNECTING) {
        SOCK_FAIL(ret_result, SOCK_CODE(CONCURRENCY_CONFLICT));
    } else if (self->state != TCP_UNBOUND && self->state != TCP_BOUND) {
        SOCK_FAIL(ret_result, SOCK_CODE(INVALID_STATE));
    } else if (!sock_is_of_family(&a, self->v6) || !sock_is_unicast(&a) || !sock_is_remote(&a)) {
        SOCK_FAIL(ret_result, SOCK_CODE(INVALID_ARGUMENT));
    } else if (!is_allowed(call)) {
        SOCK_FAIL(ret_result, SOCK_CODE(ACCESS_DENIED));
    } else {
        int err = os_inet_connect(self->fd, &a);
        if (err == EINPROGRESS)
            err = 0;
        SOCK_RESULT(ret_result, err);
        self->state = TCP_CONNECTING;
        if (err)
            connect_failed(self, err);
    }
}

/* --- streams --- */

static int tcp_read(void *impl, u8 *p, usize n, usize *ret_n)
{
    Tcp *t = impl;
    if (t->shut_receive)
        return P2_CLOSED;
    int err = os_inet_recv(t->fd, p, n, NULL, ret_n);
    t->shut_receive = err ? err != EAGAIN : *ret_n == 0;
    return err;
}

static bool tcp_ended(const void *impl)
{
    const Tcp *t = impl;
    return t->shut_receive;
}

static void read_wants(const void *impl, WasiWait *ret_wait)
{
    const Tcp *t = impl;
    *ret_wait = t->shut_receive ? wasi_wait_ready() : wasi_wait_read(t->fd);
}

/* The socket is the parent, which stays: there is nothing to release. */
static void drop_nothing(void *host, void *impl)
{
    (void)host, (void)impl;
}

static const P2InputOps input_ops = {.read = tcp_read,
                                     .ended = tcp_ended,
                                     .wants = read_wants,
                                     .describe = sock_describe,
                                     .drop = drop_nothing};

static void drained(Tcp *t)
{
    wasi_watch_free(t->watch);
    t->watch = NULL;
    mem_free(t->left);
    t->left = NULL;
    t->left_n = t->left_at = 0;
    if (t->shut_when_drained)
        (void)os_inet_shutdown(t->fd, OS_INET_SHUT_WRITE);
    wasi_waker_set(&t->drained);
}

/* WasiWatchFn: the kernel takes more. */
static void write_more(void *arg)
{
    Tcp *t = arg;
    usize n = 0;
    int err = os_inet_send(t->fd, t->left + t->left_at, t->left_n - t->left_at, NULL, &n);
    t->left_at += n;
    if (err == EAGAIN || (!err && t->left_at < t->left_n))
        return;
    t->write_error = err;
    drained(t);
}

static int tcp_check(void *impl, u64 *ret_n)
{
    Tcp *t = impl;
    int err = t->write_error;
    *ret_n = t->left ? 0 : PERMITTED;
    t->write_error = 0;
    return t->shut_send ? P2_CLOSED : err == EPIPE ? P2_CLOSED : err;
}

static int tcp_write(void *impl, const u8 *p, usize n)
{
    Tcp *t = impl;
    u64 permitted;
    usize done = 0;
    int err = tcp_check(t, &permitted);
    if (!err && n > 0)
        err = os_inet_send(t->fd, p, n, NULL, &done);
    if (err && err != EAGAIN)
        return err == EPIPE ? P2_CLOSED : err;
    if (done == n)
        return 0;
    t->watch = wasi_watch_new(t->fd, WASI_WAIT_WRITE, write_more, t);
    if (!t->watch)
        return ENOBUFS;
    t->left = mem_dup(p + done, n - done);
    t->left_n = n - done;
    t->left_at = 0;
    wasi_waker_clear(&t->drained);
    return 0;
}

static int tcp_flush(void *impl)
{
    u64 n;
    int err = tcp_check(impl, &n);
    return err || n ? err : EAGAIN;
}

static void write_wants(const void *impl, WasiWait *ret_wait)
{
    const Tcp *t = impl;
    *ret_wait =
        t->left ? wasi_wait_waker((WasiWaker *)(uintptr_t)&t->drained) : wasi_wait_write(t->fd);
}

static const P2OutputOps output_ops = {.check = tcp_check,
                                       .write = tcp_write,
                                       .flush = tcp_flush,
                                       .wants = write_wants,
                                       .describe = sock_describe,
                                       .drop = drop_nothing};

void wasi_sockets_tcp_tcp_socket_finish_connect(
    LiftCall *call, Tcp *self,
    WasiSocketsTcpResultTuple2StreamsInputStreamStreamsOutputStreamNetworkErrorCode *ret_result)
{
    ret_result->is_err = false;
    if (self->state != TCP_CONNECTING) {
        SOCK_FAIL(ret_result, SOCK_CODE(NOT_IN_PROGRESS));
        return;
    }
    int err = os_inet_connected(self->fd);
    SOCK_RESULT(ret_result, err);
    if (err) {
        if (err != EAGAIN)
            connect_failed(self, err);
        return;
    }
    self->state = TCP_CONNECTED;
    ret_result->as.ok.f0 = p2_input_new(call, &input_ops, self, &self->children);
    ret_result->as.ok.f1 = p2_output_new(call, &output_ops, self, &self->children);
}

void wasi_sockets_tcp_tcp_socket_accept(
    LiftCall *call, Tcp *self,
    WasiSocketsTcpResultTuple3TcpSocketStreamsInputStreamStreamsOutputStreamNetworkErrorCode
        *ret_result)
{
    int fd = -1;
    ret_result->is_err = false;
    if (self->state != TCP_LISTENING) {
        SOCK_FAIL(ret_result, SOCK_CODE(INVALID_STATE));
        return;
    }
    SOCK_RESULT(ret_result, is_allowed(call) ? os_inet_accept(self->fd, &fd) : EACCES);
    if (ret_result->is_err)
        return;
    Tcp *t = tcp_new(call, fd, self->v6, TCP_CONNECTED);
    ret_result->as.ok.f0 = t;
    ret_result->as.ok.f1 = p2_input_new(call, &input_ops, t, &t->children);
    ret_result->as.ok.f2 = p2_output_new(call, &output_ops, t, &t->children);
}

void wasi_sockets_tcp_tcp_socket_shutdown(LiftCall *call, Tcp *self,
                                          WasiSocketsTcpShutdownType type, VoidResult *ret_result)
{
    (void)call;
    *ret_result = (VoidResult){0};
    if (self->state != TCP_CONNECTED) {
        SOCK_FAIL(ret_result, SOCK_CODE(INVALID_STATE));
        return;
    }
    int err = 0;
    if (type != WASI_SOCKETS_TCP_SHUTDOWN_TYPE_SEND && !self->shut_receive) {
        self->shut_receive = true;
        err = os_inet_shutdown(self->fd, OS_INET_SHUT_READ);
    }
    if (type != WASI_SOCKETS_TCP_SHUTDOWN_TYPE_RECEIVE && !self->shut_send) {
        self->shut_send = true;
        self->shut_when_drained = self->left != NULL;
        if (!self->left && !err)
            err = os_inet_shutdown(self->fd, OS_INET_SHUT_WRITE);
    }
    SOCK_RESULT(ret_result, err);
}

static void socket_wants(const void *of, WasiWait *ret_wait)
{
    const Tcp *t = of;
    *ret_wait = t->state == TCP_CONNECTING  ? wasi_wait_write(t->fd)
                : t->state == TCP_LISTENING ? wasi_wait_read(t->fd)
                                            : wasi_wait_ready();
}

void wasi_sockets_tcp_tcp_socket_subscribe(LiftCall *call, Tcp *self,
                                           WasiIoPollPollable **ret_result)
{
    *ret_result = p2_pollable_of(call, socket_wants, self, &self->children);
}

/* --- what is known of it --- */

void wasi_sockets_tcp_tcp_socket_local_address(
    LiftCall *call, Tcp *self,
    WasiSocketsTcpResultNetworkIpSocketAddressNetworkErrorCode *ret_result)
{
    (void)call;
    OsInetAddr a;
    ret_result->is_err = false;
    if (self->state == TCP_UNBOUND)
        SOCK_FAIL(ret_result, SOCK_CODE(INVALID_STATE));
    else if (self->state == TCP_CLOSED)
        SOCK_FAIL(ret_result, sock_code(self->connect_error));
    else
        SOCK_RESULT(ret_result, os_inet_local(self->fd, &a));
    if (!ret_result->is_err)
        sock_to_guest(&a, &ret_result->as.ok);
}

void wasi_sockets_tcp_tcp_socket_remote_address(
    LiftCall *call, Tcp *self,
    WasiSocketsTcpResultNetworkIpSocketAddressNetworkErrorCode *ret_result)
{
    (void)call;
    OsInetAddr a;
    ret_result->is_err = false;
    if (self->state != TCP_CONNECTED)
        SOCK_FAIL(ret_result, SOCK_CODE(INVALID_STATE));
    else
        SOCK_RESULT(ret_result, os_inet_remote(self->fd, &a));
    if (!ret_result->is_err)
        sock_to_guest(&a, &ret_result->as.ok);
}

void wasi_sockets_tcp_tcp_socket_is_listening(LiftCall *call, Tcp *self, bool *ret_result)
{
    (void)call;
    *ret_result = self->state == TCP_LISTENING;
}

void wasi_sockets_tcp_tcp_socket_address_family(LiftCall *call, Tcp *self,
                                                WasiSocketsNetworkIpAddressFamily *ret_result)
{
    (void)call;
    *ret_result = self->v6 ? WASI_SOCKETS_NETWORK_IP_ADDRESS_FAMILY_IPV6
                           : WASI_SOCKETS_NETWORK_IP_ADDRESS_FAMILY_IPV4;
}

/* --- options --- */

void wasi_sockets_tcp_tcp_socket_set_listen_backlog_size(LiftCall *call, Tcp *self, u64 value,
                                                         VoidResult *ret_result)
{
    (void)call;
    *ret_result = (VoidResult){0};
    if (value == 0) {
        SOCK_FAIL(ret_result, SOCK_CODE(INVALID_ARGUMENT));
        return;
    }
    if (self->state >= TCP_CONNECTING) {
        SOCK_FAIL(ret_result, SOCK_CODE(INVALID_STATE));
        return;
    }
    u32 n = (u32)MIN(value, (u64)INT32_MAX);
    if (self->state == TCP_LISTENING || self->state == TCP_LISTEN_STARTED)
        SOCK_RESULT(ret_result, os_inet_listen(self->fd, n));
    if (!ret_result->is_err)
        self->backlog = n;
}

void wasi_sockets_tcp_tcp_socket_keep_alive_enabled(
    LiftCall *call, Tcp *self, WasiSocketsTcpResultBoolNetworkErrorCode *ret_result)
{
    (void)call;
    int v = 0;
    SOCK_RESULT(ret_result, os_inet_get(self->fd, OS_INET_KEEP_ALIVE, &v));
    if (!ret_result->is_err)
        ret_result->as.ok = v != 0;
}

void wasi_sockets_tcp_tcp_socket_set_keep_alive_enabled(LiftCall *call, Tcp *self, bool value,
                                                        VoidResult *ret_result)
{
    (void)call;
    SOCK_RESULT(ret_result, os_inet_set(self->fd, OS_INET_KEEP_ALIVE, value));
}

static void get_seconds(const Tcp *t, OsInetOption o, WasiSocketsTcpResultU64NetworkErrorCode *ret)
{
    int v = 0;
    SOCK_RESULT(ret, os_inet_get(t->fd, o, &v));
    if (!ret->is_err)
        ret->as.ok = (u64)v * 1000000000u;
}

static void set_seconds(const Tcp *t, OsInetOption o, u64 ns, VoidResult *ret)
{
    u64 s = MIN(ns / 1000000000u + (ns % 1000000000u != 0), (u64)KEEP_SECONDS);
    SOCK_RESULT(ret, ns ? os_inet_set(t->fd, o, (int)s) : EINVAL);
}

void wasi_sockets_tcp_tcp_socket_keep_alive_idle_time(
    LiftCall *call, Tcp *self, WasiSocketsTcpResultU64NetworkErrorCode *ret_result)
{
    (void)call;
    get_seconds(self, OS_INET_KEEP_IDLE, ret_result);
}

void wasi_sockets_tcp_tcp_socket_set_keep_alive_idle_time(LiftCall *call, Tcp *self, u64 value,
                                                          VoidResult *ret_result)
{
    (void)call;
    set_seconds(self, OS_INET_KEEP_IDLE, value, ret_result);
}

void wasi_sockets_tcp_tcp_socket_keep_alive_interval(
    LiftCall *call, Tcp *self, WasiSocketsTcpResultU64NetworkErrorCode *ret_result)
{
    (void)call;
    get_seconds(self, OS_INET_KEEP_INTERVAL, ret_result);
}

void wasi_sockets_tcp_tcp_socket_set_keep_alive_interval(LiftCall *call, Tcp *self, u64 value,
                                                         VoidResult *ret_result)
{
    (void)call;
    set_seconds(self, OS_INET_KEEP_INTERVAL, value, ret_result);
}

void wasi_sockets_tcp_tcp_socket_keep_alive_count(
    LiftCall *call, Tcp *self, WasiSocketsTcpResultU32NetworkErrorCode *ret_result)
{
    (void)call;
    int v = 0;
    SOCK_RESULT(ret_result, os_inet_get(self->fd, OS_INET_KEEP_COUNT, &v));
    if (!ret_result->is_err)
        ret_result->as.ok = (u32)v;
}

void wasi_sockets_tcp_tcp_socket_set_keep_alive_count(LiftCall *call, Tcp *self, u32 value,
                                                      VoidResult *ret_result)
{
    (void)call;
    SOCK_RESULT(ret_result,
                value ? os_inet_set(self->fd, OS_INET_KEEP_COUNT, (int)MIN(value, (u32)KEEP_COUNT))
                      : EINVAL);
}

void wasi_sockets_tcp_tcp_socket_hop_limit(LiftCall *call, Tcp *self,
                                           WasiSocketsTcpResultU8NetworkErrorCode *ret_result)
{
    (void)call;
    u8 hops = 0;
    SOCK_RESULT(ret_result, sock_get_hops(self->fd, self->v6, &hops));
    if (!ret_result->is_err)
        ret_result->as.ok = hops;
}

void wasi_sockets_tcp_tcp_socket_set_hop_limit(LiftCall *call, Tcp *self, u8 value,
                                               VoidResult *ret_result)
{
    (void)call;
    SOCK_RESULT(ret_result, sock_set_hops(self->fd, self->v6, value));
}

static void get_buffer(const Tcp *t, OsInetOption o, WasiSocketsTcpResultU64NetworkErrorCode *ret)
{
    u64 bytes = 0;
    SOCK_RESULT(ret, sock_get_buffer(t->fd, o, &bytes));
    if (!ret->is_err)
        ret->as.ok = bytes;
}

void wasi_sockets_tcp_tcp_socket_receive_buffer_size(
    LiftCall *call, Tcp *self, WasiSocketsTcpResultU64NetworkErrorCode *ret_result)
{
    (void)call;
    get_buffer(self, OS_INET_RECV_BUFFER, ret_result);
}

void wasi_sockets_tcp_tcp_socket_set_receive_buffer_size(LiftCall *call, Tcp *self, u64 value,
                                                         VoidResult *ret_result)
{
    (void)call;
    SOCK_RESULT(ret_result, sock_set_buffer(self->fd, OS_INET_RECV_BUFFER, value));
}

void wasi_sockets_tcp_tcp_socket_send_buffer_size(
    LiftCall *call, Tcp *self, WasiSocketsTcpResultU64NetworkErrorCode *ret_result)
{
    (void)call;
    get_buffer(self, OS_INET_SEND_BUFFER, ret_result);
}

void wasi_sockets_tcp_tcp_socket_set_send_buffer_size(LiftCall *call, Tcp *self, u64 value,
                                                      VoidResult *ret_result)
{
    (void)call;
    SOCK_RESULT(ret_result, sock_set_buffer(self->fd, OS_INET_SEND_BUFFER, value));
}
