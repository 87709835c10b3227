/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reading a file or standard input whole, writing a file so that it is never seen half written. */
#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

Str path_base(const char *path)
{
    usize n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    usize from = n;
    while (from > 0 && path[from - 1] != '/')
        from--;
    return (Str){path + from, n - from};
}

Error *file_os_error(void)
{
    return error_new("%s (os error %d)", strerror(errno), errno);
}

/* Appends up to the end of the file. */
MUST_CHECK static Error *read_to_end(int fd, Buf *out)
{
    for (;;) {
        buf_reserve(out, 1 << 16);
        ssize_t n = read(fd, out->p + out->n, out->cap - out->n);
        if (n == 0)
            return NULL;
        if (n < 0 && errno != EINTR)
            return file_os_error();
        out->n += n > 0 ? (usize)n : 0;
        if (out->n > FILE_MAX_SIZE)
            return error_new("larger than %d bytes", FILE_MAX_SIZE);
    }
}

Error *file_read_fd(int fd, Buf *ret_bytes)
{
    Buf bytes = {0};
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size < FILE_MAX_SIZE)
        buf_reserve(&bytes, (usize)st.st_size + (1 << 16));
    Error *e = read_to_end(fd, &bytes);
    if (e)
        buf_release(&bytes);
    else
        *ret_bytes = bytes;
    return e;
}

Error *file_read(const char *path, Buf *ret_bytes)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    Error *e = fd < 0 ? file_os_error() : file_read_fd(fd, ret_bytes);
    if (fd >= 0 && !is_stdin)
        close(fd);
    return error_wrap(e, "failed to read from `%s`", path);
}

static bool write_all(int fd, const u8 *p, usize n)
{
    while (n) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno != EINTR)
            return false;
        p += done > 0 ? done : 0;
        n -= done > 0 ? (usize)done : 0;
    }
    return true;
}

/* Writes next to the path and renames. */
MUST_CHECK static Error *write_and_rename(const char *path, char *temporary, const void *p, usize n)
{
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return file_os_error();
    mode_t mask = umask(0);
    umask(mask);
    Error *e = NULL;
    if (!write_all(fd, p, n) || fchmod(fd, 0666 & ~mask) != 0)
        e = file_os_error();
    if (close(fd) != 0 && !e)
        e = file_os_error();
    if (!e && rename(temporary, path) != 0)
        e = file_os_error();
    if (e)
        unlink(temporary);
    return e;
}

Error *file_write(const char *path, const void *p, usize n)
{
    struct stat st;
    Error *e = NULL;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        int fd = open(path, O_WRONLY | O_CLOEXEC); /* a pipe or a device is written in place */
        if (fd < 0 || !write_all(fd, p, n))
            e = file_os_error();
        if (fd >= 0)
            close(fd);
    } else {
        Buf name = {0};
        buf_printf(&name, "%s.XXXXXX", path);
        char *temporary = buf_take_string(&name);
        e = write_and_rename(path, temporary, p, n);
        mem_free(temporary);
    }
    return error_wrap(e, "failed to write `%s`", path);
}

bool file_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

Error *file_make_folder(const char *path)
{
    if (mkdir(path, 0777) == 0 || (errno == EEXIST && file_is_folder(path)))
        return NULL;
    return error_wrap(file_os_error(), "failed to make the folder `%s`", path);
}
