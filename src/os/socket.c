/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Stream sockets on Linux. */
#include "os/socket.h"

#include "os/fs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static_assert(sizeof(struct sockaddr_storage) <= sizeof(((OsAddress *)0)->raw), "an address fits");

static const struct sockaddr *sockaddr_of(const OsAddress *a)
{
    return (const struct sockaddr *)a->raw;
}

static sa_family_t family_of(const OsAddress *a)
{
    return sockaddr_of(a)->sa_family;
}

/* ---- addresses ---- */

static bool parse_unix(Str path, OsAddress *ret_address)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    if (path.n == 0 || path.n >= sizeof un.sun_path || memchr(path.p, 0, path.n))
        return false;
    memcpy(un.sun_path, path.p, path.n);
    *ret_address = (OsAddress){.n = (u32)(offsetof(struct sockaddr_un, sun_path) + path.n + 1)};
    memcpy(ret_address->raw, &un, sizeof un);
    return true;
}

void os_address_ip(const u8 *ip, u32 n, u16 port, OsAddress *ret_address)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    *ret_address = (OsAddress){.n = n == 4 ? sizeof in4 : sizeof in6};
    memcpy(n == 4 ? (void *)&in4.sin_addr : (void *)&in6.sin6_addr, ip, n == 4 ? 4 : 16);
    memcpy(ret_address->raw, n == 4 ? (void *)&in4 : (void *)&in6, ret_address->n);
}

bool os_address_parse(Str text, OsAddress *ret_address)
{
    char host[64];
    u8 ip[16];
    u32 port = 0, digits = 0;
    if (str_starts(text, STR("unix:")))
        return parse_unix((Str){text.p + 5, text.n - 5}, ret_address);
    while (digits < text.n && text.p[text.n - 1 - digits] >= '0' &&
           text.p[text.n - 1 - digits] <= '9')
        digits++;
    if (digits == 0 || digits > 5 || digits == text.n || text.p[text.n - digits - 1] != ':')
        return false;
    for (u32 i = digits; i > 0; i--)
        port = port * 10 + (u32)(text.p[text.n - i] - '0');
    Str h = {text.p, text.n - digits - 1};
    bool six = h.n >= 2 && h.p[0] == '[' && h.p[h.n - 1] == ']';
    if (six)
        h = (Str){h.p + 1, h.n - 2};
    if (h.n == 0 || h.n >= sizeof host || port > UINT16_MAX)
        return false;
    memcpy(host, h.p, h.n);
    host[h.n] = 0;
    if (inet_pton(six ? AF_INET6 : AF_INET, host, ip) != 1)
        return false;
    os_address_ip(ip, six ? 16 : 4, (u16)port, ret_address);
    return true;
}

void os_address_format(const OsAddress *a, char ret_text[OS_ADDRESS_TEXT])
{
    char ip[INET6_ADDRSTRLEN] = "?";
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
    switch (a->n ? family_of(a) : AF_UNSPEC) {
    case AF_INET:
        memcpy(&in4, a->raw, sizeof in4);
        inet_ntop(AF_INET, &in4.sin_addr, ip, sizeof ip);
        snprintf(ret_text, OS_ADDRESS_TEXT, "%s:%u", ip, ntohs(in4.sin_port));
        break;
    case AF_INET6:
        memcpy(&in6, a->raw, sizeof in6);
        inet_ntop(AF_INET6, &in6.sin6_addr, ip, sizeof ip);
        snprintf(ret_text, OS_ADDRESS_TEXT, "[%s]:%u", ip, ntohs(in6.sin6_port));
        break;
    case AF_UNIX:
        memcpy(&un, a->raw, sizeof un);
        snprintf(ret_text, OS_ADDRESS_TEXT, "unix:%.*s", (int)sizeof un.sun_path, un.sun_path);
        break;
    default:
        snprintf(ret_text, OS_ADDRESS_TEXT, "?");
    }
}

int os_socket_address(int fd, OsAddress *ret_address)
{
    OsAddress a = {0};
    socklen_t n = sizeof a.raw;
    if (getsockname(fd, (struct sockaddr *)a.raw, &n) != 0)
        return errno;
    a.n = n;
    *ret_address = a;
    return 0;
}

int os_socket_peer(int fd, OsAddress *ret_address)
{
    OsAddress a = {0};
    socklen_t n = sizeof a.raw;
    if (getpeername(fd, (struct sockaddr *)a.raw, &n) != 0)
        return errno;
    a.n = n;
    *ret_address = a;
    return 0;
}

/* ---- listening ---- */

static int open_socket(const OsAddress *a, int *ret_fd)
{
    int fd = socket(family_of(a), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    *ret_fd = fd;
    return 0;
}

static int set_option(int fd, int level, int option)
{
    int on = 1;
    return setsockopt(fd, level, option, &on, sizeof on) == 0 ? 0 : errno;
}

/* One bound and listening socket; `shared`: beside others of this process. */
static int listen_tcp(const OsAddress *a, int backlog, bool shared, int *ret_fd)
{
    int fd = -1, e = open_socket(a, &fd);
    if (e)
        return e;
    e = set_option(fd, SOL_SOCKET, SO_REUSEADDR);
    if (!e && shared)
        e = set_option(fd, SOL_SOCKET, SO_REUSEPORT);
    if (!e && (bind(fd, sockaddr_of(a), a->n) != 0 || listen(fd, backlog) != 0))
        e = errno;
    if (e)
        os_fd_close(fd);
    else
        *ret_fd = fd;
    return e;
}

/* True if the path is a socket and nobody listens there. */
static bool is_dead_socket(const OsAddress *a, const char *path)
{
    struct stat st;
    int fd = -1;
    if (lstat(path, &st) != 0 || !S_ISSOCK(st.st_mode) || open_socket(a, &fd) != 0)
        return false;
    bool dead = connect(fd, sockaddr_of(a), a->n) != 0 && errno == ECONNREFUSED;
    os_fd_close(fd);
    return dead;
}

static int listen_unix(const OsAddress *a, int backlog, int *ret_fd)
{
    const char *path = ((const struct sockaddr_un *)a->raw)->sun_path;
    int fd = -1, e = open_socket(a, &fd);
    if (e)
        return e;
    int bound = bind(fd, sockaddr_of(a), a->n);
    if (bound != 0 && errno == EADDRINUSE && is_dead_socket(a, path) && unlink(path) == 0)
        bound = bind(fd, sockaddr_of(a), a->n);
    if (bound != 0 || listen(fd, backlog) != 0) {
        e = errno;
        os_fd_close(fd);
        return e;
    }
    *ret_fd = fd;
    return 0;
}

bool os_socket_listens(int fd)
{
    int type = 0, listens = 0;
    socklen_t n = sizeof type, m = sizeof listens;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_STREAM &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &m) == 0 && listens;
}

static const char *path_of(const OsAddress *a)
{
    return family_of(a) == AF_UNIX ? ((const struct sockaddr_un *)a->raw)->sun_path : "";
}

OsSocketFile os_socket_file(const OsAddress *a)
{
    struct stat st;
    if (lstat(path_of(a), &st) != 0 || !S_ISSOCK(st.st_mode))
        return (OsSocketFile){0};
    return (OsSocketFile){st.st_dev, st.st_ino};
}

void os_socket_file_remove(const OsAddress *a, OsSocketFile f)
{
    OsSocketFile now = os_socket_file(a);
    if (now.inode && now.inode == f.inode && now.device == f.device)
        (void)unlink(path_of(a));
}

int os_socket_dup(int fd, int *ret_fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0)
        return errno;
    *ret_fd = copy;
    return 0;
}

/* The sockets after the first. */
static int listen_more(int first, bool unix_socket, int backlog, int *ret_fd)
{
    OsAddress a;
    int e = unix_socket ? 0 : os_socket_address(first, &a); /* with the port that was chosen */
    if (e)
        return e;
    return unix_socket ? os_socket_dup(first, ret_fd) : listen_tcp(&a, backlog, true, ret_fd);
}

int os_listen(const OsAddress *a, int backlog, u32 n, int *ret_fds)
{
    bool unix_socket = family_of(a) == AF_UNIX;
    u32 have = 0;
    int first = -1,
        e = unix_socket ? listen_unix(a, backlog, &first) : listen_tcp(a, backlog, false, &first);
    if (e || n == 0)
        return e;
    ret_fds[have++] = first;
    if (n > 1 && !unix_socket)
        e = set_option(first, SOL_SOCKET, SO_REUSEPORT);
    while (!e && have < n) {
        e = listen_more(first, unix_socket, backlog, &ret_fds[have]);
        have += !e;
    }
    while (e && have > 0)
        os_fd_close(ret_fds[--have]);
    return e;
}

void os_inherited_sockets(int *ret_first, u32 *ret_n)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    *ret_first = 3;
    *ret_n = 0;
    if (!pid || !count || strtol(pid, NULL, 10) != getpid())
        return;
    long n = strtol(count, NULL, 10);
    for (long i = 0; i < n && i < 64; i++) {
        int fd = 3 + (int)i, flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
            fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
            return;
        *ret_n = (u32)i + 1;
    }
}

int os_socket_move(int from, int to)
{
    int e = dup3(from, to, O_CLOEXEC) < 0 ? errno : 0;
    os_fd_close(from);
    return e;
}

int os_socket_pair(int ret_fds[2])
{
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ret_fds) ? errno : 0;
}

/* ---- connections ---- */

int os_accept(int fd, int *ret_fd)
{
    int c;
    do
        c = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (c < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (c < 0)
        return errno;
    *ret_fd = c;
    return 0;
}

int os_connect(const OsAddress *a, int *ret_fd)
{
    int fd = -1, e = open_socket(a, &fd);
    if (e)
        return e;
    e = connect(fd, sockaddr_of(a), a->n) == 0 ? 0 : errno;
    if (e == EINTR || e == EAGAIN)
        e = e == EINTR ? EINPROGRESS : ECONNREFUSED; /* the queue of a unix socket is full */
    if (e && e != EINPROGRESS)
        os_fd_close(fd);
    else
        *ret_fd = fd;
    return e;
}

int os_socket_error(int fd)
{
    int e = 0;
    socklen_t n = sizeof e;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &n) == 0 ? e : errno;
}

void os_socket_no_delay(int fd)
{
    (void)set_option(fd, IPPROTO_TCP, TCP_NODELAY); /* unix sockets have none */
}

int os_recv(int fd, void *p, usize n, usize *ret_n)
{
    ssize_t got;
    do
        got = recv(fd, p, n, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno;
    *ret_n = (usize)got;
    return 0;
}

int os_send(int fd, Str first, Str second, usize *ret_n)
{
    struct iovec iov[2] = {{(void *)(usize)first.p, first.n}, {(void *)(usize)second.p, second.n}};
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
    ssize_t sent;
    do
        sent = second.n ? sendmsg(fd, &m, MSG_NOSIGNAL) : send(fd, first.p, first.n, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return errno;
    *ret_n = (usize)sent;
    return 0;
}

void os_shutdown_write(int fd)
{
    (void)shutdown(fd, SHUT_WR);
}
