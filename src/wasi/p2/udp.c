/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* wasi:sockets/udp and udp-create-socket. */
#include "wasi/p2/sockets_priv.h"

#include "bind/wasi_sockets_udp.h"
#include "bind/wasi_sockets_udp_create_socket.h"
#include "os/fs.h"

#include <errno.h>
#include <string.h>

typedef WasiSocketsUdpUdpSocket Udp;
typedef WasiSocketsUdpIncomingDatagramStream Incoming;
typedef WasiSocketsUdpOutgoingDatagramStream Outgoing;
typedef WasiSocketsUdpResultVoidNetworkErrorCode VoidResult;

enum {
    DATAGRAM = 65535, /* bytes that one can have */
    RECEIVED = WASI_LIMIT_DATAGRAMS,
    PERMITTED = WASI_LIMIT_DATAGRAMS,
};

typedef enum UdpState { UDP_UNBOUND, UDP_BINDING, UDP_BOUND, UDP_CONNECTED } UdpState;

struct WasiSocketsUdpUdpSocket {
    int fd;
    bool v6;
    UdpState state;
    OsInetAddr remote;   /* UDP_CONNECTED */
    P2Children children; /* streams and pollables */
    u32 streams;
};

struct WasiSocketsUdpIncomingDatagramStream {
    Udp *socket;
    P2Children pollables;
};

struct WasiSocketsUdpOutgoingDatagramStream {
    Udp *socket;
    P2Children pollables;
    u64 allowed;
    bool full; /* the kernel took no more */
};

void wasi_sockets_udp_udp_socket_drop(void *host, Udp *rep)
{
    if (p2_has_children(host, &rep->children, &wasi_sockets_udp_udp_socket_type, rep))
        return;
    wasi_loop_forget(rep->fd);
    os_fd_close(rep->fd);
    p2_resource_free(host, rep);
}

static void stream_gone(void *host, Udp *socket, void *rep)
{
    socket->streams--;
    p2_resource_free(host, rep);
    p2_child_gone(host, &socket->children);
}

void wasi_sockets_udp_incoming_datagram_stream_drop(void *host, Incoming *rep)
{
    if (!p2_has_children(host, &rep->pollables, &wasi_sockets_udp_incoming_datagram_stream_type,
                         rep))
        stream_gone(host, rep->socket, rep);
}

void wasi_sockets_udp_outgoing_datagram_stream_drop(void *host, Outgoing *rep)
{
    if (!p2_has_children(host, &rep->pollables, &wasi_sockets_udp_outgoing_datagram_stream_type,
                         rep))
        stream_gone(host, rep->socket, rep);
}

static bool is_allowed(LiftCall *call)
{
    return p2_of(call)->ctx->network.addresses;
}

void wasi_sockets_udp_create_socket_create_udp_socket(
    LiftCall *call, WasiSocketsNetworkIpAddressFamily family,
    WasiSocketsUdpCreateSocketResultUdpUdpSocketNetworkErrorCode *ret_result)
{
    bool v6 = family == WASI_SOCKETS_NETWORK_IP_ADDRESS_FAMILY_IPV6;
    int fd = -1;
    SOCK_RESULT(ret_result, p2_of(call)->ctx->network.udp ? os_inet_socket(v6, true, &fd) : EACCES);
    if (ret_result->is_err)
        return;
    Udp *u = p2_resource_new(call, sizeof *u);
    *u = (Udp){.fd = fd, .v6 = v6};
    ret_result->as.ok = u;
}

void wasi_sockets_udp_udp_socket_start_bind(LiftCall *call, Udp *self,
                                            WasiSocketsNetworkNetwork *network,
                                            const SockAddr *local_address, VoidResult *ret_result)
{
    (void)network;
    OsInetAddr a;
    sock_from_guest(local_address, &a);
    *ret_result = (VoidResult){0};
    if (!sock_is_of_family(&a, self->v6))
        SOCK_FAIL(ret_result, SOCK_CODE(INVALID_ARGUMENT));
    else if (!is_allowed(call))
        SOCK_FAIL(ret_result, SOCK_CODE(ACCESS_DENIED));
    else if (self->state == UDP_BINDING)
        SOCK_FAIL(ret_result, SOCK_CODE(CONCURRENCY_CONFLICT));
    else if (self->state != UDP_UNBOUND)
        SOCK_FAIL(ret_result, SOCK_CODE(INVALID_STATE));
    else
        SOCK_RESULT(ret_result, os_inet_bind(self->fd, &a, false));
    if (!ret_result->is_err)
        self->state = UDP_BINDING;
}

void wasi_sockets_udp_udp_socket_finish_bind(LiftCall *call, Udp *self, VoidResult *ret_result)
{
    (void)call;
    *ret_result = (VoidResult){0};
    if (self->state == UDP_BINDING)
        self->state = UDP_BOUND;
    else
        SOCK_FAIL(ret_result, SOCK_CODE(NOT_IN_PROGRESS));
}

/* Connects to another or to nobody. */
static int set_remote(LiftCall *call, Udp *u, const WasiSocketsUdpOptionNetworkIpSocketAddress *to)
{
    OsInetAddr a;
    int err = 0;
    if (u->state == UDP_CONNECTED)
        err = os_inet_disconnect(u->fd);
    if (err)
        return err;
    u->state = UDP_BOUND;
    if (!to->some)
        return 0;
    sock_from_guest(&to->value, &a);
    if (!sock_is_of_family(&a, u->v6) || !sock_is_remote(&a))
        return EINVAL;
    if (!is_allowed(call))
        return EACCES;
    err = os_inet_connect(u->fd, &a);
    if (!err) {
        u->remote = a;
        u->state = UDP_CONNECTED;
    }
    return err;
}

void wasi_sockets_udp_udp_socket_stream(
    LiftCall *call, Udp *self, const WasiSocketsUdpOptionNetworkIpSocketAddress *remote_address,
    WasiSocketsUdpResultTuple2IncomingDatagramStreamOutgoingDatagramStreamNetworkErrorCode
        *ret_result)
{
    ret_result->is_err = false;
    if (self->streams > 0) {
        lift_fail(call, "UDP streams not dropped yet");
        return;
    }
    if (self->state != UDP_BOUND && self->state != UDP_CONNECTED) {
        SOCK_FAIL(ret_result, SOCK_CODE(INVALID_STATE));
        return;
    }
    SOCK_RESULT(ret_result, set_remote(call, self, remote_address));
    if (ret_result->is_err)
        return;
    Incoming *in = p2_resource_new(call, sizeof *in);
    *in = (Incoming){.socket = self};
    Outgoing *out = p2_resource_new(call, sizeof *out);
    *out = (Outgoing){.socket = self};
    self->streams += 2;
    self->children.n += 2;
    ret_result->as.ok.f0 = in;
    ret_result->as.ok.f1 = out;
}

/* --- datagrams --- */

static bool same_remote(const OsInetAddr *a, const OsInetAddr *b)
{
    return a->v6 == b->v6 && a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

/* The next that the guest may have. EAGAIN: none. */
static int receive_one(LiftCall *call, const Udp *u, u8 *buf,
                       WasiSocketsUdpIncomingDatagram *ret_datagram)
{
    OsInetAddr from;
    usize n = 0;
    int err;
    do {
        err = os_inet_recv(u->fd, buf, DATAGRAM, &from, &n);
    } while (!err && u->state == UDP_CONNECTED && !same_remote(&from, &u->remote));
    if (err)
        return err;
    u8 *copy = lift_alloc(call, n, 1);
    if (n)
        memcpy(copy, buf, n);
    ret_datagram->data = (LiftListU8){copy, n};
    sock_to_guest(&from, &ret_datagram->remote_address);
    return 0;
}

void wasi_sockets_udp_incoming_datagram_stream_receive(
    LiftCall *call, Incoming *self, u64 max_results,
    WasiSocketsUdpResultListIncomingDatagramNetworkErrorCode *ret_result)
{
    usize max = (usize)MIN(max_results, (u64)RECEIVED), n = 0;
    *ret_result = (WasiSocketsUdpResultListIncomingDatagramNetworkErrorCode){0};
    if (max == 0)
        return;
    if (!is_allowed(call)) {
        SOCK_FAIL(ret_result, SOCK_CODE(ACCESS_DENIED));
        return;
    }
    WasiSocketsUdpIncomingDatagram *out = lift_alloc(call, max, sizeof *out);
    u8 *buf = mem_alloc(DATAGRAM);
    int err = 0;
    while (n < max && !err) {
        err = receive_one(call, self->socket, buf, &out[n]);
        n += !err;
    }
    mem_free(buf);
    if (err && err != EAGAIN && n == 0)
        SOCK_RESULT(ret_result, err);
    else
        ret_result->as.ok = (WasiSocketsUdpListIncomingDatagram){out, n};
}

void wasi_sockets_udp_outgoing_datagram_stream_check_send(
    LiftCall *call, Outgoing *self, WasiSocketsUdpResultU64NetworkErrorCode *ret_result)
{
    WasiWait w = wasi_wait_write(self->socket->fd);
    *ret_result = (WasiSocketsUdpResultU64NetworkErrorCode){0};
    if (self->full) {
        if (!p2_wait(call, &w, 1, 0))
            return;
        self->full = !w.ready;
    }
    self->allowed = self->full ? 0 : PERMITTED;
    ret_result->as.ok = self->allowed;
}

static int send_one(LiftCall *call, const Udp *u, const WasiSocketsUdpOutgoingDatagram *d)
{
    OsInetAddr to;
    usize n;
    bool connected = u->state == UDP_CONNECTED;
    if (!is_allowed(call))
        return EACCES;
    if (!d->remote_address.some)
        return connected ? os_inet_send(u->fd, d->data.p, d->data.n, NULL, &n) : EINVAL;
    sock_from_guest(&d->remote_address.value, &to);
    if (!sock_is_of_family(&to, u->v6) || !sock_is_remote(&to))
        return EINVAL;
    if (connected)
        return same_remote(&to, &u->remote) ? os_inet_send(u->fd, d->data.p, d->data.n, NULL, &n)
                                            : EINVAL;
    return os_inet_send(u->fd, d->data.p, d->data.n, &to, &n);
}

void wasi_sockets_udp_outgoing_datagram_stream_send(
    LiftCall *call, Outgoing *self, WasiSocketsUdpListOutgoingDatagram datagrams,
    WasiSocketsUdpResultU64NetworkErrorCode *ret_result)
{
    usize n = 0;
    int err = 0;
    *ret_result = (WasiSocketsUdpResultU64NetworkErrorCode){0};
    if (datagrams.n == 0)
        return;
    if (datagrams.n > self->allowed) {
        lift_fail(call, "unpermitted: argument exceeds permitted size");
        return;
    }
    while (n < datagrams.n && !err) {
        err = send_one(call, self->socket, &datagrams.p[n]);
        n += !err;
    }
    self->allowed -= datagrams.n;
    self->full = err == EAGAIN;
    if (err && err != EAGAIN && n == 0)
        SOCK_RESULT(ret_result, err);
    else
        ret_result->as.ok = n;
}

/* --- pollables --- */

static void incoming_wants(const void *of, WasiWait *ret_wait)
{
    *ret_wait = wasi_wait_read(((const Incoming *)of)->socket->fd);
}

static void outgoing_wants(const void *of, WasiWait *ret_wait)
{
    const Outgoing *s = of;
    *ret_wait = s->full ? wasi_wait_write(s->socket->fd) : wasi_wait_ready();
}

/* Nothing of a socket of datagrams takes time. */
static void socket_wants(const void *of, WasiWait *ret_wait)
{
    (void)of;
    *ret_wait = wasi_wait_ready();
}

void wasi_sockets_udp_incoming_datagram_stream_subscribe(LiftCall *call, Incoming *self,
                                                         WasiIoPollPollable **ret_result)
{
    *ret_result = p2_pollable_of(call, incoming_wants, self, &self->pollables);
}

void wasi_sockets_udp_outgoing_datagram_stream_subscribe(LiftCall *call, Outgoing *self,
                                                         WasiIoPollPollable **ret_result)
{
    *ret_result = p2_pollable_of(call, outgoing_wants, self, &self->pollables);
}

void wasi_sockets_udp_udp_socket_subscribe(LiftCall *call, Udp *self,
                                           WasiIoPollPollable **ret_result)
{
    *ret_result = p2_pollable_of(call, socket_wants, self, &self->children);
}

/* --- what is known of it, and options --- */

void wasi_sockets_udp_udp_socket_local_address(
    LiftCall *call, Udp *self,
    WasiSocketsUdpResultNetworkIpSocketAddressNetworkErrorCode *ret_result)
{
    (void)call;
    OsInetAddr a;
    ret_result->is_err = false;
    if (self->state == UDP_UNBOUND)
        SOCK_FAIL(ret_result, SOCK_CODE(INVALID_STATE));
    else
        SOCK_RESULT(ret_result, os_inet_local(self->fd, &a));
    if (!ret_result->is_err)
        sock_to_guest(&a, &ret_result->as.ok);
}

void wasi_sockets_udp_udp_socket_remote_address(
    LiftCall *call, Udp *self,
    WasiSocketsUdpResultNetworkIpSocketAddressNetworkErrorCode *ret_result)
{
    (void)call;
    OsInetAddr a;
    ret_result->is_err = false;
    if (self->state != UDP_CONNECTED)
        SOCK_FAIL(ret_result, SOCK_CODE(INVALID_STATE));
    else
        SOCK_RESULT(ret_result, os_inet_remote(self->fd, &a));
    if (!ret_result->is_err)
        sock_to_guest(&a, &ret_result->as.ok);
}

void wasi_sockets_udp_udp_socket_address_family(LiftCall *call, Udp *self,
                                                WasiSocketsNetworkIpAddressFamily *ret_result)
{
    (void)call;
    *ret_result = self->v6 ? WASI_SOCKETS_NETWORK_IP_ADDRESS_FAMILY_IPV6
                           : WASI_SOCKETS_NETWORK_IP_ADDRESS_FAMILY_IPV4;
}

void wasi_sockets_udp_udp_socket_unicast_hop_limit(
    LiftCall *call, Udp *self, WasiSocketsUdpResultU8NetworkErrorCode *ret_result)
{
    (void)call;
    u8 hops = 0;
    SOCK_RESULT(ret_result, sock_get_hops(self->fd, self->v6, &hops));
    if (!ret_result->is_err)
        ret_result->as.ok = hops;
}

void wasi_sockets_udp_udp_socket_set_unicast_hop_limit(LiftCall *call, Udp *self, u8 value,
                                                       VoidResult *ret_result)
{
    (void)call;
    SOCK_RESULT(ret_result, sock_set_hops(self->fd, self->v6, value));
}

static void get_buffer(const Udp *u, OsInetOption o, WasiSocketsUdpResultU64NetworkErrorCode *ret)
{
    u64 bytes = 0;
    SOCK_RESULT(ret, sock_get_buffer(u->fd, o, &bytes));
    if (!ret->is_err)
        ret->as.ok = bytes;
}

void wasi_sockets_udp_udp_socket_receive_buffer_size(
    LiftCall *call, Udp *self, WasiSocketsUdpResultU64NetworkErrorCode *ret_result)
{
    (void)call;
    get_buffer(self, OS_INET_RECV_BUFFER, ret_result);
}

void wasi_sockets_udp_udp_socket_set_receive_buffer_size(LiftCall *call, Udp *self, u64 value,
                                                         VoidResult *ret_result)
{
    (void)call;
    SOCK_RESULT(ret_result, sock_set_buffer(self->fd, OS_INET_RECV_BUFFER, value));
}

void wasi_sockets_udp_udp_socket_send_buffer_size(
    LiftCall *call, Udp *self, WasiSocketsUdpResultU64NetworkErrorCode *ret_result)
{
    (void)call;
    get_buffer(self, OS_INET_SEND_BUFFER, ret_result);
}

void wasi_sockets_udp_udp_socket_set_send_buffer_size(LiftCall *call, Udp *self, u64 value,
                                                      VoidResult *ret_result)
{
    (void)call;
    SOCK_RESULT(ret_result, sock_set_buffer(self->fd, OS_INET_SEND_BUFFER, value));
}
