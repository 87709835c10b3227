/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Whole files of Linux. */
#include "os/file.h"

#include "os/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 64 << 10 };

Error *os_read_fd(int fd, const char *label, usize limit, Buf *out)
{
    struct stat st;
    usize expect = 0; /* what a regular file says; the end is where read() says so */
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
        expect = MIN((usize)st.st_size, limit) + 1;
    for (;;) {
        buf_reserve(out, out->n < expect ? expect - out->n : CHUNK);
        ssize_t got = read(fd, out->p + out->n, out->cap - out->n);
        if (got == 0)
            return NULL;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            int why = errno;
            buf_release(out);
            return error_new("failed to read %s: %s", label, strerror(why));
        }
        out->n += (usize)got;
        if (out->n > limit) {
            buf_release(out);
            return error_new("failed to read %s: more than %zu bytes", label, limit);
        }
    }
}

Error *os_read_file(const char *path, usize limit, Buf *out)
{
    if (strcmp(path, "-") == 0)
        return os_read_fd(STDIN_FILENO, "standard input", limit, out);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_new("%s (os error %d)", strerror(errno), errno);
    Error *e = os_read_fd(fd, path, limit, out);
    close(fd);
    return e;
}

static Error *write_all(int fd, const char *label, const u8 *p, usize n)
{
    while (n > 0) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return error_new("failed to write %s: %s", label, strerror(errno));
        p += done;
        n -= (usize)done;
    }
    return NULL;
}

Error *os_write_file(const char *path, const void *p, usize n)
{
    if (strcmp(path, "-") == 0)
        return write_all(STDOUT_FILENO, "standard output", p, n);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return error_new("failed to write %s: %s", path, strerror(errno));
    Error *e = write_all(fd, path, p, n);
    if (close(fd) != 0 && !e)
        e = error_new("failed to write %s: %s", path, strerror(errno));
    return e;
}
