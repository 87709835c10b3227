/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Memory files with seals, detached mounts, permissions. */
#include "os/share.h"

#include "os/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* In the tables of every architecture since Linux 5.2 and 5.12; headers may be older. */
#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

static int close_with(int fd, int err)
{
    close(fd);
    return err;
}

int os_sealed_memory(const char *label, const void *p, usize n, int *ret_fd)
{
    enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };
    int fd = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return errno;
    if (!os_pwrite(fd, p, n, 0) || fcntl(fd, F_ADD_SEALS, SEALS) != 0)
        return close_with(fd, errno ? errno : EIO);
    *ret_fd = fd;
    return 0;
}

/* A copy of the mount that only this descriptor has. */
static int detached_mount(int fd, int *ret_mount)
{
    char path[40];
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
                              .attr_clr = MOUNT_ATTR_NOEXEC};
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int mount = (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (mount < 0)
        return errno;
    if (syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH, &attr, sizeof attr) != 0)
        return close_with(mount, errno);
    *ret_mount = mount;
    return 0;
}

int os_readonly_view(int fd, int *ret_fd, int *ret_mount)
{
    char path[40];
    struct stat st;
    int mount = -1;
    if (fstat(fd, &st) != 0)
        return errno;
    if (!(st.st_mode & S_IROTH) || ((st.st_mode & S_IXUSR) && !(st.st_mode & S_IXOTH)))
        return EACCES;
    int err = detached_mount(fd, &mount);
    if (err)
        return err;
    snprintf(path, sizeof path, "/proc/self/fd/%d", mount);
    int view = open(path, O_RDONLY | O_CLOEXEC);
    if (view < 0)
        return close_with(mount, errno);
    *ret_fd = view;
    *ret_mount = mount; /* closed, it is of no tree, and its flags can not be changed any more */
    return 0;
}

int os_private_dir(const char *path, int *ret_fd)
{
    struct stat st;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return errno;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno;
    if (fstat(fd, &st) != 0)
        return close_with(fd, errno);
    if (st.st_uid != geteuid() || (st.st_mode & 077) != 0)
        return close_with(fd, EPERM);
    *ret_fd = fd;
    return 0;
}

int os_private_open(int dir, const char *name, int *ret_fd)
{
    struct stat st;
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return errno;
    if (fstat(fd, &st) != 0)
        return close_with(fd, errno);
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022) != 0 ||
        st.st_nlink != 1)
        return close_with(fd, EPERM);
    *ret_fd = fd;
    return 0;
}

int os_private_create(int dir, const char *name, int *ret_fd)
{
    int fd =
        openat(dir, name, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0644);
    if (fd < 0)
        return errno;
    if (fchmod(fd, 0644) != 0)
        return close_with(fd, errno);
    *ret_fd = fd;
    return 0;
}

int os_lock(int fd, u64 place)
{
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)place, .l_len = 1};
    while (fcntl(fd, F_OFD_SETLKW, &lock) != 0)
        if (errno != EINTR)
            return errno;
    return 0;
}
