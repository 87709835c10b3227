/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Whole files of Linux. */
#include "os/file.h"

#include "os/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 64 << 10 };

Error *os_error(void)
{
    return error_new("%s (os error %d)", strerror(errno), errno);
}

Error *os_read_all(int fd, usize limit, Buf *out)
{
    struct stat st;
    usize expect = 0; /* what a regular file says; the end is where read() says so */
    Error *e = NULL;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
        expect = MIN((usize)st.st_size, limit) + 1;
    if (expect > limit && (usize)st.st_size > limit && lseek(fd, 0, SEEK_CUR) == 0)
        e = error_new("more than %zu bytes", limit);
    while (!e) {
        buf_reserve(out, out->n < expect ? expect - out->n : CHUNK);
        ssize_t got = read(fd, out->p + out->n, out->cap - out->n);
        if (got == 0)
            return NULL;
        if (got < 0 && errno != EINTR)
            e = os_error();
        out->n += got > 0 ? (usize)got : 0;
        if (!e && out->n > limit)
            e = error_new("more than %zu bytes", limit);
    }
    buf_release(out);
    return e;
}

Error *os_read_fd(int fd, const char *label, usize limit, Buf *out)
{
    Error *e = os_read_all(fd, limit, out);
    Error *flat = e ? error_new("failed to read %s: %s", label, e->message) : NULL;
    error_free(e);
    return flat;
}

void os_rewind(int fd)
{
    (void)lseek(fd, 0, SEEK_SET);
}

Error *os_read_file(const char *path, usize limit, Buf *out)
{
    if (strcmp(path, "-") == 0)
        return os_read_fd(STDIN_FILENO, "standard input", limit, out);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return os_error();
    Error *e = os_read_fd(fd, path, limit, out);
    close(fd);
    return e;
}

Error *os_write_all(int fd, const void *p, usize n)
{
    for (usize done = 0; done < n;) {
        ssize_t some = write(fd, (const u8 *)p + done, n - done);
        if (some < 0 && errno != EINTR)
            return os_error();
        done += some > 0 ? (usize)some : 0;
    }
    return NULL;
}

Error *os_write_file(const char *path, const void *p, usize n)
{
    if (strcmp(path, "-") == 0)
        return error_wrap(os_write_all(STDOUT_FILENO, p, n), "failed to write standard output");
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    Error *e = fd < 0 ? os_error() : os_write_all(fd, p, n);
    if (fd >= 0 && close(fd) != 0 && !e)
        e = os_error();
    return error_wrap(e, "failed to write %s", path);
}

Error *os_replace_begin(OsReplacement *r, const char *path)
{
    Buf name = {0};
    buf_printf(&name, "%s.XXXXXX", path);
    struct stat st;
    bool there = stat(path, &st) == 0 && S_ISREG(st.st_mode);
    *r = (OsReplacement){.path = path,
                         .temporary = buf_take_string(&name),
                         .mode = there ? (u32)(st.st_mode & 0777) : 0};
    r->fd = mkostemp(r->temporary, O_CLOEXEC);
    if (r->fd >= 0)
        return NULL;
    Error *e = os_error();
    mem_free(r->temporary);
    return e;
}

Error *os_replace_end(OsReplacement *r, Error *e)
{
    mode_t mask = umask(0);
    umask(mask);
    if (!e && fchmod(r->fd, r->mode ? (mode_t)r->mode : 0666 & ~mask) != 0)
        e = os_error();
    if (close(r->fd) != 0 && !e)
        e = os_error();
    if (!e && rename(r->temporary, r->path) != 0)
        e = os_error();
    if (e)
        unlink(r->temporary);
    mem_free(r->temporary);
    return e;
}
