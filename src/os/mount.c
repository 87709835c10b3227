/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* fsopen, open_tree, move_mount, mount_setattr, openat2. */
#include "os/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static_assert(OS_MOUNT_RDONLY == MOUNT_ATTR_RDONLY && OS_MOUNT_NOSUID == MOUNT_ATTR_NOSUID &&
                  OS_MOUNT_NODEV == MOUNT_ATTR_NODEV && OS_MOUNT_NOEXEC == MOUNT_ATTR_NOEXEC &&
                  OS_MOUNT_NOATIME == MOUNT_ATTR_NOATIME &&
                  OS_MOUNT_STRICTATIME == MOUNT_ATTR_STRICTATIME &&
                  OS_MOUNT_ATIME == MOUNT_ATTR__ATIME &&
                  OS_MOUNT_NODIRATIME == MOUNT_ATTR_NODIRATIME,
              "the kernel's numbers");

static int result(int r)
{
    return r < 0 ? errno : 0;
}

static int fd_result(int fd, int *ret_fd)
{
    if (fd < 0)
        return errno;
    *ret_fd = fd;
    return 0;
}

/* The newest call of them, about nothing. */
bool os_mount_supported(void)
{
    struct mount_attr a = {0};
    return mount_setattr(-1, "", AT_EMPTY_PATH, &a, sizeof a) == 0 || errno == EBADF;
}

static int open_how(int dir, const char *path, u64 flags, u64 resolve, int *ret_fd)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC | flags, .resolve = resolve};
    int fd;
    do {
        fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
    } while (fd < 0 && (errno == EINTR || errno == EAGAIN)); /* EAGAIN: something was renamed */
    return fd_result(fd, ret_fd);
}

int os_open_in_root(int root, const char *path, bool directory, int *ret_fd)
{
    return open_how(root, path, directory ? O_DIRECTORY : 0,
                    RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, ret_fd);
}

int os_open_without_links(int root, const char *path, int *ret_fd)
{
    return open_how(root, path, 0, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS, ret_fd);
}

int os_open_file_in_root(int root, const char *path, int *ret_fd)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    struct stat st;
    int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
    if (fd < 0)
        return errno;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return EACCES;
    }
    *ret_fd = fd;
    return 0;
}

int os_open_handle(const char *path, int *ret_fd)
{
    return open_how(AT_FDCWD, path, 0, 0, ret_fd);
}

static int configure(int fs, const char *source, const OsMountParam *params, usize n)
{
    if (fsconfig(fs, FSCONFIG_SET_STRING, "source", source, 0) != 0)
        return errno;
    for (usize i = 0; i < n; i++) {
        unsigned how = params[i].value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;
        if (fsconfig(fs, how, params[i].key, params[i].value, 0) != 0)
            return errno;
    }
    return result(fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
}

int os_mount_new(const char *type, const char *source, const OsMountParam *params, usize nparams,
                 u32 attr, int *ret_fd)
{
    int fs = fsopen(type, FSOPEN_CLOEXEC);
    if (fs < 0)
        return errno;
    int error = configure(fs, source, params, nparams);
    if (!error)
        error = fd_result(fsmount(fs, FSMOUNT_CLOEXEC, attr), ret_fd);
    close(fs);
    return error;
}

int os_mount_clone(int dir, const char *path, bool recursive, int *ret_fd)
{
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
    if (recursive)
        flags |= AT_RECURSIVE;
    if (!*path)
        flags |= AT_EMPTY_PATH;
    return fd_result(open_tree(dir, path, flags), ret_fd);
}

int os_mount_attach(int mount, int target)
{
    return result(
        move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

int os_mount_attach_at(int mount, const char *path)
{
    return result(
        move_mount(mount, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS));
}

int os_mount_set(int mount, u32 set, u32 clear)
{
    struct mount_attr a = {.attr_set = set, .attr_clr = clear};
    if (set & OS_MOUNT_ATIME)
        a.attr_clr |= OS_MOUNT_ATIME;
    return result(mount_setattr(mount, "", AT_EMPTY_PATH, &a, sizeof a));
}

static const unsigned long propagations[] = {
    [OS_PROPAGATION_KEEP] = 0,
    [OS_PROPAGATION_PRIVATE] = MS_PRIVATE,
    [OS_PROPAGATION_SLAVE] = MS_SLAVE,
    [OS_PROPAGATION_SHARED] = MS_SHARED,
    [OS_PROPAGATION_UNBINDABLE] = MS_UNBINDABLE,
};

int os_mount_propagate(int mount, OsPropagation p, bool recursive)
{
    struct mount_attr a = {.propagation = propagations[p]};
    return result(
        mount_setattr(mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &a, sizeof a));
}

int os_mount_separate(bool slave)
{
    return result(mount(NULL, "/", NULL, MS_REC | (slave ? MS_SLAVE : MS_PRIVATE), NULL));
}

/* The old root is stacked on the new one, and taken away from there. */
int os_mount_pivot(int root)
{
    int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (old < 0)
        return errno;
    int error = result(fchdir(root));
    if (!error)
        error = result((int)syscall(SYS_pivot_root, ".", "."));
    if (!error)
        error = result(fchdir(old));
    /* Unmounting it here must not unmount it elsewhere. */
    if (!error)
        error = result(mount(NULL, ".", NULL, MS_SLAVE | MS_REC, NULL));
    if (!error)
        error = result(umount2(".", MNT_DETACH));
    close(old);
    return error ? error : result(chdir("/"));
}

int os_make_node(int dir, const char *name, OsNodeType type, u32 major, u32 minor, u32 mode,
                 u32 uid, u32 gid)
{
    static const mode_t types[] = {
        [OS_NODE_CHAR] = S_IFCHR, [OS_NODE_BLOCK] = S_IFBLK, [OS_NODE_FIFO] = S_IFIFO};
    dev_t dev = type == OS_NODE_FIFO ? 0 : makedev(major, minor);
    if (mknodat(dir, name, types[type] | (mode & 07777), dev) != 0)
        return errno;
    return result(fchownat(dir, name, uid, gid, AT_SYMLINK_NOFOLLOW));
}

bool os_is_char_device(int fd, u32 major, u32 minor)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(major, minor);
}

int os_make_dir(int dir, const char *name, u32 mode)
{
    return result(mkdirat(dir, name, mode));
}

int os_make_link(int dir, const char *name, const char *to)
{
    return result(symlinkat(to, dir, name));
}

int os_remove_file(int dir, const char *name)
{
    return result(unlinkat(dir, name, 0));
}

int os_make_file(int dir, const char *name, u32 mode)
{
    int fd = openat(dir, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

int os_mode_of(int fd, u32 *ret_mode)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return errno;
    *ret_mode = st.st_mode & 07777;
    return 0;
}

bool os_is_dir(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}
