/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reading a file or standard input whole, writing a file so that it is never seen half written. */
#include "cli/file.h"

#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
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

Error *file_read(const char *path, Buf *ret_bytes)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    Error *e = fd < 0 ? os_error() : file_read_fd(fd, ret_bytes);
    if (fd >= 0 && !is_stdin)
        close(fd);
    return error_wrap(e, "failed to read from `%s`", path);
}

Error *file_read_fd(int fd, Buf *ret_bytes)
{
    Buf bytes = {0};
    Error *e = os_read_all(fd, FILE_MAX_SIZE, &bytes);
    if (!e)
        *ret_bytes = bytes;
    return e;
}

/* A pipe or a device, or a link to a file that is not there yet. */
MUST_CHECK static Error *write_in_place(const char *path, const void *p, usize n)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_CREAT | O_TRUNC, 0666);
    Error *e = fd < 0 ? os_error() : os_write_all(fd, p, n);
    if (fd >= 0)
        close(fd);
    return e;
}

MUST_CHECK static Error *replace(const char *path, const void *p, usize n)
{
    OsReplacement r;
    Error *e = os_replace_begin(&r, path);
    return e ? e : os_replace_end(&r, os_write_all(r.fd, p, n));
}

Error *file_write(const char *path, const void *p, usize n)
{
    struct stat st;
    char *target = NULL; /* of a link, which stays */
    bool in_place = stat(path, &st) == 0 && !S_ISREG(st.st_mode);
    if (!in_place && lstat(path, &st) == 0 && S_ISLNK(st.st_mode)) {
        target = realpath(path, NULL);
        in_place = !target;
    }
    Error *e = in_place ? write_in_place(path, p, n) : replace(target ? target : path, p, n);
    free(target);
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
    return error_wrap(os_error(), "failed to make the folder `%s`", path);
}
