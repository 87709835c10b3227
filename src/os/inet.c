/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sockets of POSIX, with what Linux adds. */
#include "os/inet.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef union Name {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} Name;

static socklen_t to_name(const OsInetAddr *a, Name *ret_name)
{
    *ret_name = (Name){0};
    if (!a->v6) {
        ret_name->v4.sin_family = AF_INET;
        ret_name->v4.sin_port = htons(a->port);
        memcpy(&ret_name->v4.sin_addr, a->ip, 4);
        return sizeof ret_name->v4;
    }
    ret_name->v6.sin6_family = AF_INET6;
    ret_name->v6.sin6_port = htons(a->port);
    ret_name->v6.sin6_flowinfo = htonl(a->flow);
    ret_name->v6.sin6_scope_id = a->scope;
    memcpy(&ret_name->v6.sin6_addr, a->ip, 16);
    return sizeof ret_name->v6;
}

static void from_name(const Name *n, OsInetAddr *ret_addr)
{
    *ret_addr = (OsInetAddr){.v6 = n->any.sa_family == AF_INET6};
    if (ret_addr->v6) {
        ret_addr->port = ntohs(n->v6.sin6_port);
        ret_addr->flow = ntohl(n->v6.sin6_flowinfo);
        ret_addr->scope = n->v6.sin6_scope_id;
        memcpy(ret_addr->ip, &n->v6.sin6_addr, 16);
    } else {
        ret_addr->port = ntohs(n->v4.sin_port);
        memcpy(ret_addr->ip, &n->v4.sin_addr, 4);
    }
}

static int done(int rc)
{
    return rc == 0 ? 0 : errno;
}

int os_inet_socket(bool v6, bool datagrams, int *ret_fd)
{
    int type = (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int fd = socket(v6 ? AF_INET6 : AF_INET, type, 0);
    if (fd < 0)
        return errno;
    int on = 1;
    if (v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) {
        int err = errno;
        close(fd);
        return err;
    }
    *ret_fd = fd;
    return 0;
}

int os_inet_bind(int fd, const OsInetAddr *a, bool reuse)
{
    Name name;
    socklen_t n = to_name(a, &name);
    int on = reuse;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        return errno;
    return done(bind(fd, &name.any, n));
}

int os_inet_connect(int fd, const OsInetAddr *a)
{
    Name name;
    socklen_t n = to_name(a, &name);
    return done(connect(fd, &name.any, n));
}

int os_inet_disconnect(int fd)
{
    struct sockaddr any = {.sa_family = AF_UNSPEC};
    return done(connect(fd, &any, sizeof any));
}

int os_inet_connected(int fd)
{
    int err = 0;
    socklen_t n = sizeof err;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &n) != 0)
        return errno;
    if (err)
        return err;
    Name name;
    socklen_t len = sizeof name;
    if (getpeername(fd, &name.any, &len) == 0)
        return 0;
    return errno == ENOTCONN ? EAGAIN : errno;
}

int os_inet_listen(int fd, u32 backlog)
{
    return done(listen(fd, (int)MIN(backlog, (u32)INT32_MAX)));
}

int os_inet_accept(int fd, int *ret_fd)
{
    int got = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (got < 0)
        return errno;
    *ret_fd = got;
    return 0;
}

int os_inet_shutdown(int fd, OsInetShut how)
{
    static const int hows[] = {SHUT_RD, SHUT_WR, SHUT_RDWR};
    return done(shutdown(fd, hows[how]));
}

int os_inet_local(int fd, OsInetAddr *ret_addr)
{
    Name name;
    socklen_t n = sizeof name;
    if (getsockname(fd, &name.any, &n) != 0)
        return errno;
    from_name(&name, ret_addr);
    return 0;
}

int os_inet_remote(int fd, OsInetAddr *ret_addr)
{
    Name name;
    socklen_t n = sizeof name;
    if (getpeername(fd, &name.any, &n) != 0)
        return errno;
    from_name(&name, ret_addr);
    return 0;
}

int os_inet_send(int fd, const void *p, usize n, const OsInetAddr *to, usize *ret_n)
{
    Name name;
    socklen_t len = to ? to_name(to, &name) : 0;
    ssize_t got;
    do
        got = sendto(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT, to ? &name.any : NULL, len);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno;
    *ret_n = (usize)got;
    return 0;
}

int os_inet_recv(int fd, void *p, usize n, OsInetAddr *ret_from, usize *ret_n)
{
    Name name;
    socklen_t len = sizeof name;
    ssize_t got;
    do
        got = recvfrom(fd, p, n, MSG_DONTWAIT, ret_from ? &name.any : NULL, ret_from ? &len : NULL);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno;
    if (ret_from)
        from_name(&name, ret_from);
    *ret_n = (usize)got;
    return 0;
}

static const struct {
    int level, name;
} options[] = {
    [OS_INET_KEEP_ALIVE] = {SOL_SOCKET, SO_KEEPALIVE},
    [OS_INET_KEEP_IDLE] = {IPPROTO_TCP, TCP_KEEPIDLE},
    [OS_INET_KEEP_INTERVAL] = {IPPROTO_TCP, TCP_KEEPINTVL},
    [OS_INET_KEEP_COUNT] = {IPPROTO_TCP, TCP_KEEPCNT},
    [OS_INET_HOPS_4] = {IPPROTO_IP, IP_TTL},
    [OS_INET_HOPS_6] = {IPPROTO_IPV6, IPV6_UNICAST_HOPS},
    [OS_INET_RECV_BUFFER] = {SOL_SOCKET, SO_RCVBUF},
    [OS_INET_SEND_BUFFER] = {SOL_SOCKET, SO_SNDBUF},
    [OS_INET_NO_DELAY] = {IPPROTO_TCP, TCP_NODELAY},
};

int os_inet_get(int fd, OsInetOption o, int *ret_value)
{
    socklen_t n = sizeof *ret_value;
    return done(getsockopt(fd, options[o].level, options[o].name, ret_value, &n));
}

int os_inet_set(int fd, OsInetOption o, int value)
{
    return done(setsockopt(fd, options[o].level, options[o].name, &value, sizeof value));
}
