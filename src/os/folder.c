/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One call each; the number of links of a folder says how many folders are in it. */
#include "os/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

bool os_is_folder(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool os_is_cgroup(const char *path, int version)
{
    struct statfs st;
    return statfs(path, &st) == 0 &&
           st.f_type == (version == 2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC);
}

Error *os_make_folder(const char *path, u32 mode)
{
    if (mkdir(path, mode) == 0 || errno == EEXIST)
        return NULL;
    return error_new("failed to create `%s`: %s", path, strerror(errno));
}

bool os_remove_folder(const char *path)
{
    return rmdir(path) == 0 || errno == ENOENT;
}

void os_remove_path(const char *path)
{
    unlink(path);
}

/* The number of links is the number of folders, with "." and the name above. */
void os_each_folder(const char *path, OsFolderFn *each, void *arg)
{
    struct stat st;
    if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_nlink <= 2)
        return;
    DIR *d = opendir(path);
    for (const struct dirent *e; d && (e = readdir(d));)
        if (e->d_type == DT_DIR && strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            each(arg, e->d_name);
    if (d)
        closedir(d);
}

Error *os_write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return error_new("failed to open `%s`: %s", path, strerror(errno));
    Error *e = NULL;
    if (write(fd, text, strlen(text)) < 0)
        e = error_new("failed to write \"%s\" to `%s`: %s", text, path, strerror(errno));
    close(fd);
    return e;
}

void os_pause_us(u32 us)
{
    usleep(us);
}

void os_kill(int pid, int signal)
{
    kill(pid, signal);
}
