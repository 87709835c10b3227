/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Opening never waits for the other side of a FIFO and never follows a link. */
#include "shim/stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { CONSOLE_WAIT = 10000 /* ms */, COPY_STACK = 128 << 10 };

void stdio_init(Stdio *s, const char *in, const char *out, const char *err, bool terminal,
                const LoggerOwner *owner)
{
    s->owner = *owner;
    const char *paths[3] = {in, out, err};
    for (int i = 0; i < 3; i++) {
        s->path[i] = mem_strdup_n(paths[i], strlen(paths[i]));
        s->keep[i] = -1;
    }
    s->terminal = terminal;
    s->console = s->listener = -1;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void stdio_release(Stdio *s)
{
    for (int i = 0; i < 3; i++) {
        mem_free(s->path[i]);
        close_fd(&s->keep[i]);
    }
    close_fd(&s->console);
    close_fd(&s->listener);
}

void stdio_close_fds(int fds[3])
{
    for (int i = 0; i < 3; i++)
        close_fd(&fds[i]);
}

void stdio_close_input(Stdio *s)
{
    close_fd(&s->keep[0]);
}

/* The descriptor again, above those that a child gets, blocking; takes the old one. */
static int raised(int fd)
{
    if (fd < 0)
        return -1;
    int high = fcntl(fd, F_DUPFD_CLOEXEC, MIN_FD);
    int why = errno;
    close(fd);
    errno = why;
    if (high >= 0)
        fcntl(high, F_SETFL, fcntl(high, F_GETFL) & ~O_NONBLOCK);
    return high;
}

static int open_raised(const char *path, int flags)
{
    return raised(open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644));
}

/* A FIFO can be opened for both at once without waiting; then each side by itself. */
static int open_fifo(const char *path, bool input, int *ret_keep)
{
    int both = open_raised(path, O_RDWR | O_NOFOLLOW);
    if (both < 0)
        return -1;
    int fd = open_raised(path, (input ? O_RDONLY : O_WRONLY) | O_NOFOLLOW);
    int keep = fd < 0 ? -1 : open_raised(path, (input ? O_WRONLY : O_RDONLY) | O_NOFOLLOW);
    int why = errno;
    close(both);
    errno = why;
    if (fd >= 0 && keep < 0)
        close_fd(&fd);
    *ret_keep = keep;
    return fd;
}

static int open_path(const char *path, bool input, int *ret_keep)
{
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISFIFO(st.st_mode))
        return open_fifo(path, input, ret_keep);
    return open_raised(path, (input ? O_RDONLY : O_WRONLY | O_APPEND | O_CREAT) | O_NOFOLLOW);
}

/* The folders above a log file. */
static void make_folders(const char *path)
{
    char *copy = mem_strdup_n(path, strlen(path));
    for (char *p = copy; (p = strchr(p + 1, '/'));) {
        *p = 0;
        mkdir(copy, 0755); /* what is missing in the end is said by open */
        *p = '/';
    }
    mem_free(copy);
}

static Error *open_one(Stdio *s, int i, int *ret_fd)
{
    const char *path = s->path[i];
    if (!*path || (i == 2 && s->terminal)) {
        *ret_fd = open_raised("/dev/null", O_RDWR);
    } else {
        if (str_starts(str_of(path), STR("file://"))) {
            path += 7;
            make_folders(path);
        } else if (strstr(path, "://")) {
            return error_new("`%s`: output goes to a FIFO, a file or binary://, nothing else",
                             path);
        }
        *ret_fd = open_path(path, i == 0, &s->keep[i]);
    }
    return *ret_fd < 0 ? error_new("failed to open `%s`: %s", path, strerror(errno)) : NULL;
}

Error *stdio_open(Stdio *s, int ret_fds[3])
{
    Error *e = NULL;
    int fds[3] = {-1, -1, -1};
    bool logger = logger_is_meant(s->path[1]);
    for (int i = 0; i < (logger ? 1 : 3) && !e; i++)
        e = open_one(s, i, &fds[i]);
    if (!e && logger)
        e = logger_start(&s->owner, s->path[1], &fds[1], &fds[2]);
    if (e)
        stdio_close_fds(fds);
    else
        memcpy(ret_fds, fds, sizeof fds);
    return e;
}

/* Sockets have short names only; the directory's descriptor makes one of any. */
Error *stdio_console_listen(Stdio *s, const char *dir, const char *name)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return error_new("failed to open `%s`: %s", dir, strerror(errno));
    int n = snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/%s", folder, name);
    unlinkat(folder, name, 0);
    s->listener = raised(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    Error *e = NULL;
    if (n >= (int)sizeof a.sun_path || s->listener < 0 ||
        bind(s->listener, (struct sockaddr *)&a, sizeof a) != 0 || listen(s->listener, 1) != 0)
        e = error_new("failed to make the socket for a terminal: %s", strerror(errno));
    close(folder);
    return e;
}

/* The descriptor that comes with the message on the socket. */
static int receive_fd(int socket)
{
    char byte[256];
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec v = {byte, sizeof byte};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    if (recvmsg(socket, &m, MSG_CMSG_CLOEXEC) <= 0)
        return -1;
    const struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    int fd = -1;
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(c), sizeof fd);
    return fd;
}

typedef struct Copy {
    int from, to; /* own */
} Copy;

static void *copy_thread(void *arg)
{
    Copy c = *(Copy *)arg;
    char bytes[4096];
    mem_free(arg);
    for (ssize_t n; (n = read(c.from, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR);) {
        for (ssize_t done = 0, k; done<n; done += k> 0 ? k : 0)
            if ((k = write(c.to, bytes + done, (usize)(n - done))) < 0 && errno != EINTR)
                break;
    }
    close(c.from);
    close(c.to);
    return NULL;
}

static void start_copy(int from, int to)
{
    pthread_attr_t attr;
    pthread_t thread;
    Copy *c = mem_alloc(sizeof *c);
    *c = (Copy){from, to};
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, COPY_STACK);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &attr, copy_thread, c) != 0) {
        close(from);
        close(to);
        mem_free(c);
    }
    pthread_attr_destroy(&attr);
}

static void copy_both_ways(Stdio *s, int console, int fds[3])
{
    s->console = console;
    start_copy(fds[0], fcntl(console, F_DUPFD_CLOEXEC, MIN_FD));
    start_copy(fcntl(console, F_DUPFD_CLOEXEC, MIN_FD), fds[1]);
    fds[0] = fds[1] = -1;
}

Error *stdio_console_start(Stdio *s, int fds[3])
{
    struct pollfd p = {.fd = s->listener, .events = POLLIN};
    int peer = poll(&p, 1, CONSOLE_WAIT) == 1 ? accept4(s->listener, NULL, NULL, SOCK_CLOEXEC) : -1;
    int console = peer < 0 ? -1 : raised(receive_fd(peer));
    close_fd(&peer);
    close_fd(&s->listener);
    if (console < 0)
        return error_new("the runtime sent no terminal");
    copy_both_ways(s, console, fds);
    return NULL;
}

void stdio_console_take(Stdio *s, int console, int fds[3])
{
    copy_both_ways(s, raised(console), fds);
}

Error *stdio_resize(const Stdio *s, u32 width, u32 height)
{
    struct winsize w = {.ws_row = (u16)MIN(height, UINT16_MAX),
                        .ws_col = (u16)MIN(width, UINT16_MAX)};
    if (s->console < 0)
        return error_new("the process has no terminal");
    return ioctl(s->console, TIOCSWINSZ, &w) == 0
               ? NULL
               : error_new("failed to resize the terminal: %s", strerror(errno));
}
