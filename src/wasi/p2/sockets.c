/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* wasi:sockets/network and instance-network, and what TCP and UDP share: addresses and errors. */
#include "wasi/p2/sockets_priv.h"

#include "bind/wasi_sockets_instance_network.h"

#include <errno.h>
#include <string.h>

/* What a context grants is asked for at each use: there is nothing in a network. */
struct WasiSocketsNetworkNetwork {
    u8 nothing;
};

void wasi_sockets_network_network_drop(void *host, WasiSocketsNetworkNetwork *rep)
{
    p2_resource_free(host, rep);
}

void wasi_sockets_instance_network_instance_network(LiftCall *call,
                                                    WasiSocketsNetworkNetwork **ret_result)
{
    *ret_result = p2_resource_new(call, sizeof **ret_result);
}

/* --- errors --- */

static const struct {
    int err;
    SockCode code;
} codes[] = {
    {EACCES, SOCK_CODE(ACCESS_DENIED)},
    {EPERM, SOCK_CODE(ACCESS_DENIED)},
    {EADDRINUSE, SOCK_CODE(ADDRESS_IN_USE)},
    {EADDRNOTAVAIL, SOCK_CODE(ADDRESS_NOT_BINDABLE)},
    {EAGAIN, SOCK_CODE(WOULD_BLOCK)},
    {EINPROGRESS, SOCK_CODE(WOULD_BLOCK)},
    {ECONNABORTED, SOCK_CODE(CONNECTION_ABORTED)},
    {ECONNREFUSED, SOCK_CODE(CONNECTION_REFUSED)},
    {ECONNRESET, SOCK_CODE(CONNECTION_RESET)},
    {EPIPE, SOCK_CODE(CONNECTION_RESET)},
    {ETIMEDOUT, SOCK_CODE(TIMEOUT)},
    {EINVAL, SOCK_CODE(INVALID_ARGUMENT)},
    {EAFNOSUPPORT, SOCK_CODE(NOT_SUPPORTED)},
    {EPROTONOSUPPORT, SOCK_CODE(NOT_SUPPORTED)},
    {EOPNOTSUPP, SOCK_CODE(NOT_SUPPORTED)},
    {ENOPROTOOPT, SOCK_CODE(NOT_SUPPORTED)},
    {ENOMEM, SOCK_CODE(OUT_OF_MEMORY)},
    {ENOBUFS, SOCK_CODE(OUT_OF_MEMORY)},
    {EMFILE, SOCK_CODE(NEW_SOCKET_LIMIT)},
    {ENFILE, SOCK_CODE(NEW_SOCKET_LIMIT)},
    {EHOSTUNREACH, SOCK_CODE(REMOTE_UNREACHABLE)},
    {EHOSTDOWN, SOCK_CODE(REMOTE_UNREACHABLE)},
    {ENETUNREACH, SOCK_CODE(REMOTE_UNREACHABLE)},
    {ENETDOWN, SOCK_CODE(REMOTE_UNREACHABLE)},
    {EMSGSIZE, SOCK_CODE(DATAGRAM_TOO_LARGE)},
    {ENOTCONN, SOCK_CODE(INVALID_STATE)},
    {EISCONN, SOCK_CODE(INVALID_STATE)},
};

SockCode sock_code(int err)
{
    for (usize i = 0; i < ARRAY_LEN(codes); i++)
        if (codes[i].err == err)
            return codes[i].code;
    return SOCK_CODE(UNKNOWN);
}

void sock_describe(void *impl, WasiIoErrorError *e)
{
    (void)impl;
    e->kind = codes;
    e->code = sock_code(e->err);
}

void wasi_sockets_network_network_error_code(LiftCall *call, WasiIoErrorError *err,
                                             WasiSocketsNetworkOptionErrorCode *ret_result)
{
    (void)call;
    ret_result->some = err->kind == codes;
    ret_result->value = (SockCode)err->code;
}

/* --- addresses --- */

static void words_to_ip(const WasiSocketsNetworkIpv6Address *a, u8 ip[static 16])
{
    const u16 words[8] = {a->f0, a->f1, a->f2, a->f3, a->f4, a->f5, a->f6, a->f7};
    for (usize i = 0; i < 8; i++) {
        ip[2 * i] = (u8)(words[i] >> 8);
        ip[2 * i + 1] = (u8)words[i];
    }
}

static u16 word(const u8 *ip, usize i)
{
    return (u16)(ip[2 * i] << 8 | ip[2 * i + 1]);
}

void sock_from_guest(const SockAddr *a, OsInetAddr *ret_addr)
{
    *ret_addr = (OsInetAddr){.v6 = a->tag == WASI_SOCKETS_NETWORK_IP_SOCKET_ADDRESS_IPV6};
    if (ret_addr->v6) {
        ret_addr->port = a->as.ipv6.port;
        ret_addr->flow = a->as.ipv6.flow_info;
        ret_addr->scope = a->as.ipv6.scope_id;
        words_to_ip(&a->as.ipv6.address, ret_addr->ip);
    } else {
        const WasiSocketsNetworkIpv4Address *v4 = &a->as.ipv4.address;
        const u8 ip[4] = {v4->f0, v4->f1, v4->f2, v4->f3};
        ret_addr->port = a->as.ipv4.port;
        memcpy(ret_addr->ip, ip, sizeof ip);
    }
}

void sock_ip_to_guest(const OsInetAddr *a, WasiSocketsNetworkIpAddress *ret_ip)
{
    const u8 *p = a->ip;
    if (!a->v6)
        *ret_ip = (WasiSocketsNetworkIpAddress){.tag = WASI_SOCKETS_NETWORK_IP_ADDRESS_IPV4,
                                                .as.ipv4 = {p[0], p[1], p[2], p[3]}};
    else
        *ret_ip = (WasiSocketsNetworkIpAddress){.tag = WASI_SOCKETS_NETWORK_IP_ADDRESS_IPV6,
                                                .as.ipv6 = {word(p, 0), word(p, 1), word(p, 2),
                                                            word(p, 3), word(p, 4), word(p, 5),
                                                            word(p, 6), word(p, 7)}};
}

void sock_to_guest(const OsInetAddr *a, SockAddr *ret_addr)
{
    WasiSocketsNetworkIpAddress ip;
    sock_ip_to_guest(a, &ip);
    if (a->v6)
        *ret_addr = (SockAddr){.tag = WASI_SOCKETS_NETWORK_IP_SOCKET_ADDRESS_IPV6,
                               .as.ipv6 = {a->port, a->flow, ip.as.ipv6, a->scope}};
    else
        *ret_addr = (SockAddr){.tag = WASI_SOCKETS_NETWORK_IP_SOCKET_ADDRESS_IPV4,
                               .as.ipv4 = {a->port, ip.as.ipv4}};
}

static bool all_zero(const u8 *p, usize n)
{
    for (usize i = 0; i < n; i++)
        if (p[i])
            return false;
    return true;
}

bool sock_is_of_family(const OsInetAddr *a, bool v6)
{
    if (a->v6 != v6)
        return false;
    if (!v6 || !all_zero(a->ip, 10))
        return true;
    if (a->ip[10] == 0xff && a->ip[11] == 0xff)
        return false; /* mapped */
    /* Compatible (deprecated): all but :: and ::1. */
    return word(a->ip, 5) != 0 || (word(a->ip, 6) == 0 && word(a->ip, 7) <= 1);
}

bool sock_is_unicast(const OsInetAddr *a)
{
    if (a->v6)
        return a->ip[0] != 0xff;
    bool broadcast = a->ip[0] == 255 && a->ip[1] == 255 && a->ip[2] == 255 && a->ip[3] == 255;
    return a->ip[0] >> 4 != 14 && !broadcast;
}

bool sock_is_remote(const OsInetAddr *a)
{
    return a->port != 0 && !all_zero(a->ip, a->v6 ? 16 : 4);
}

/* --- options --- */

/* Linux doubles what is set, for its own use, and tells the double. */
int sock_get_buffer(int fd, OsInetOption o, u64 *ret_bytes)
{
    int v = 0;
    int err = os_inet_get(fd, o, &v);
    if (!err)
        *ret_bytes = (u64)v / 2;
    return err;
}

int sock_set_buffer(int fd, OsInetOption o, u64 bytes)
{
    if (bytes == 0)
        return EINVAL;
    int err = os_inet_set(fd, o, (int)MIN(bytes, (u64)INT32_MAX));
    return err == ENOBUFS ? 0 : err;
}

int sock_get_hops(int fd, bool v6, u8 *ret_hops)
{
    int v = 0;
    int err = os_inet_get(fd, v6 ? OS_INET_HOPS_6 : OS_INET_HOPS_4, &v);
    if (!err)
        *ret_hops = (u8)v;
    return err;
}

int sock_set_hops(int fd, bool v6, u8 hops)
{
    return hops ? os_inet_set(fd, v6 ? OS_INET_HOPS_6 : OS_INET_HOPS_4, hops) : EINVAL;
}
