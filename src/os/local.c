/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Unix sockets with names. */
#include "os/local.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static int make(const char *path, struct sockaddr_un *a, int *ret_fd)
{
    *a = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (snprintf(a->sun_path, sizeof a->sun_path, "%s", path) >= (int)sizeof a->sun_path)
        return ENAMETOOLONG;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    *ret_fd = fd;
    return 0;
}

static int finish(int fd, int err, int *ret_fd)
{
    if (err)
        close(fd);
    else
        *ret_fd = fd;
    return err;
}

static void set_limit(int fd, int which, u32 seconds)
{
    struct timeval limit = {.tv_sec = seconds};
    setsockopt(fd, SOL_SOCKET, which, &limit, sizeof limit);
}

int os_local_connect(const char *path, u32 seconds, int *ret_fd)
{
    struct sockaddr_un a;
    int fd, err = make(path, &a, &fd);
    if (err)
        return err;
    set_limit(fd, SO_RCVTIMEO, seconds);
    set_limit(fd, SO_SNDTIMEO, seconds);
    err = connect(fd, (const struct sockaddr *)&a, sizeof a) == 0 ? 0 : errno;
    return finish(fd, err, ret_fd);
}

int os_local_listen(const char *path, int *ret_fd)
{
    struct sockaddr_un a;
    int fd, err = make(path, &a, &fd);
    if (err)
        return err;
    mode_t old = umask(0177);
    err = bind(fd, (const struct sockaddr *)&a, sizeof a) == 0 ? 0 : errno;
    umask(old);
    if (!err && listen(fd, SOMAXCONN) != 0)
        err = errno;
    return finish(fd, err, ret_fd);
}

int os_local_accept(int fd, u32 ms, int *ret_fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int got;
    do {
        if (poll(&p, 1, (int)MIN(ms, INT32_MAX)) == 0)
            return ETIMEDOUT;
        got = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    } while (got < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (got < 0)
        return errno;
    *ret_fd = got;
    return 0;
}

void os_local_name(int fd, char *name, usize size)
{
    struct sockaddr_un a = {0};
    socklen_t n = sizeof a;
    bool named = getsockname(fd, (struct sockaddr *)&a, &n) == 0 && a.sun_family == AF_UNIX;
    snprintf(name, size, "%.*s", (int)sizeof a.sun_path, named ? a.sun_path : "");
}

void os_local_send_limit(int fd, u32 seconds)
{
    set_limit(fd, SO_SNDTIMEO, seconds);
}

int os_local_send(int fd, const void *p, usize n)
{
    for (usize done = 0; done < n;) {
        ssize_t k = send(fd, (const u8 *)p + done, n - done, MSG_NOSIGNAL);
        if (k < 0 && errno != EINTR)
            return errno;
        done += k > 0 ? (usize)k : 0;
    }
    return 0;
}

void os_local_shutdown(int fd)
{
    shutdown(fd, SHUT_RDWR);
}

bool os_local_peer_trusted(int fd)
{
    struct ucred peer;
    socklen_t n = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
           (peer.uid == 0 || peer.uid == geteuid());
}
