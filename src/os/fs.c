/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Files and directories of Linux. */
#include "os/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "os/time.h"

/* 0 or the errno value of a call that returns -1 on failure; again while a signal interrupts. */
#define OS_CALL(call)                                                                              \
    ({                                                                                             \
        long got_;                                                                                 \
        do                                                                                         \
            got_ = (call);                                                                         \
        while (got_ < 0 && errno == EINTR);                                                        \
        got_ < 0 ? errno : 0;                                                                      \
    })
/* The same for calls whose result is wanted, in `out` on success. */
#define OS_CALL_VALUE(out, call)                                                                   \
    ({                                                                                             \
        __typeof__(call) value_;                                                                   \
        int err_ = OS_CALL(value_ = (call));                                                       \
        if (!err_)                                                                                 \
            (out) = (__typeof__(out))value_;                                                       \
        err_;                                                                                      \
    })

static int native_flags(u32 flags)
{
    if (flags & OS_OPEN_PATH)
        return O_PATH | O_CLOEXEC | (flags & OS_OPEN_NOFOLLOW ? O_NOFOLLOW : 0) |
               (flags & OS_OPEN_DIRECTORY ? O_DIRECTORY : 0);
    int native = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    if (flags & OS_OPEN_WRITE)
        native |= flags & OS_OPEN_READ ? O_RDWR : O_WRONLY;
    if (flags & OS_OPEN_CREATE)
        native |= O_CREAT;
    if (flags & OS_OPEN_EXCL)
        native |= O_EXCL;
    if (flags & OS_OPEN_TRUNC)
        native |= O_TRUNC;
    if (flags & OS_OPEN_NOFOLLOW)
        native |= O_NOFOLLOW;
    if (flags & OS_OPEN_DIRECTORY)
        native |= O_DIRECTORY;
    return native;
}

int os_open_at(int dir, const char *name, u32 flags, int *ret_fd)
{
    return OS_CALL_VALUE(*ret_fd, openat(dir, name, native_flags(flags | OS_OPEN_NOFOLLOW), 0666));
}

static int open_resolved(int dir, const char *path, u32 flags, u64 resolve, int *ret_fd)
{
    struct open_how how = {
        .flags = (u64)native_flags(flags),
        .mode = flags & OS_OPEN_CREATE ? 0666 : 0,
        .resolve = resolve | RESOLVE_NO_MAGICLINKS,
    };
    return OS_CALL_VALUE(*ret_fd, syscall(SYS_openat2, dir, path, &how, sizeof how));
}

int os_open_beneath(int dir, const char *path, u32 flags, int *ret_fd)
{
    return open_resolved(dir, path, flags, RESOLVE_BENEATH, ret_fd);
}

int os_open_rooted(int dir, const char *path, u32 flags, int *ret_fd)
{
    return open_resolved(dir, path, flags, RESOLVE_IN_ROOT, ret_fd);
}

int os_open_dir(const char *path, int *ret_fd)
{
    int err = OS_CALL_VALUE(*ret_fd, open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (err == EACCES) /* it may be searched but not listed */
        err = OS_CALL_VALUE(*ret_fd, open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
    return err;
}

void os_fd_close(int fd)
{
    close(fd); /* the descriptor is gone even after an error */
}

bool os_fd_room(u32 n)
{
    int pair[2];
    if (n == 0)
        return true;
    if (pipe2(pair, O_CLOEXEC) != 0)
        return false;
    bool room = n <= 2 || os_fd_room(n - 2);
    os_fd_close(pair[0]);
    os_fd_close(pair[1]);
    return room;
}

static OsFileType file_type(u32 mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return OS_FILE_REGULAR;
    case S_IFDIR:
        return OS_FILE_DIRECTORY;
    case S_IFLNK:
        return OS_FILE_SYMLINK;
    case S_IFBLK:
        return OS_FILE_BLOCK;
    case S_IFCHR:
        return OS_FILE_CHAR;
    case S_IFIFO:
        return OS_FILE_FIFO;
    case S_IFSOCK:
        return OS_FILE_SOCKET;
    default:
        return OS_FILE_UNKNOWN;
    }
}

static int stat_any(int fd, const char *name, OsStat *ret_stat)
{
    struct statx x;
    int err = OS_CALL(statx(fd, name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
                            STATX_BASIC_STATS | STATX_BTIME, &x));
    if (err)
        return err;
    *ret_stat = (OsStat){
        .dev = makedev(x.stx_dev_major, x.stx_dev_minor),
        .ino = x.stx_ino,
        .nlink = x.stx_nlink,
        .size = x.stx_size,
        .type = file_type(x.stx_mode),
        .atime = {x.stx_atime.tv_sec, x.stx_atime.tv_nsec},
        .mtime = {x.stx_mtime.tv_sec, x.stx_mtime.tv_nsec},
        .btime = {x.stx_btime.tv_sec, x.stx_btime.tv_nsec},
        .has_btime = x.stx_mask & STATX_BTIME,
    };
    return 0;
}

int os_stat(int fd, OsStat *ret_stat)
{
    return stat_any(fd, "", ret_stat);
}

int os_stat_at(int dir, const char *name, OsStat *ret_stat)
{
    return name[0] ? stat_any(dir, name, ret_stat) : ENOENT;
}

bool os_is_tty(int fd)
{
    return isatty(fd);
}

OsFsKind os_fs_kind(int fd)
{
    struct statfs s;
    if (OS_CALL(fstatfs(fd, &s)) != 0)
        return OS_FS_OTHER;
    if (s.f_type == PROC_SUPER_MAGIC)
        return OS_FS_PROC;
    bool kernel = s.f_type == SYSFS_MAGIC || s.f_type == CGROUP_SUPER_MAGIC ||
                  s.f_type == CGROUP2_SUPER_MAGIC;
    return kernel ? OS_FS_KERNEL : OS_FS_OTHER;
}

int os_readlink_at(int dir, const char *name, char *buf, usize cap, usize *ret_len)
{
    usize n = 0;
    int err = OS_CALL_VALUE(n, readlinkat(dir, name, buf, cap));
    if (err)
        return err;
    if (n == cap)
        return ENAMETOOLONG;
    *ret_len = n;
    return 0;
}

int os_mkdir_at(int dir, const char *name)
{
    return OS_CALL(mkdirat(dir, name, 0777));
}

int os_unlink_at(int dir, const char *name)
{
    return OS_CALL(unlinkat(dir, name, 0));
}

int os_rmdir_at(int dir, const char *name)
{
    return OS_CALL(unlinkat(dir, name, AT_REMOVEDIR));
}

int os_rename_at(int old_dir, const char *old_name, int new_dir, const char *new_name)
{
    return OS_CALL(renameat(old_dir, old_name, new_dir, new_name));
}

int os_link_at(int old_dir, const char *old_name, int new_dir, const char *new_name)
{
    return OS_CALL(linkat(old_dir, old_name, new_dir, new_name, 0));
}

int os_symlink_at(const char *target, int dir, const char *name)
{
    return OS_CALL(symlinkat(target, dir, name));
}

static struct timespec native_time(const OsTime *t)
{
    if (!t)
        return (struct timespec){.tv_nsec = UTIME_OMIT};
    return (struct timespec){.tv_sec = t->sec, .tv_nsec = (long)t->nsec};
}

int os_set_times_at(int dir, const char *name, const OsTime *atime, const OsTime *mtime)
{
    struct timespec times[2] = {native_time(atime), native_time(mtime)};
    return OS_CALL(utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW));
}

int os_set_times(int fd, const OsTime *atime, const OsTime *mtime)
{
    struct timespec times[2] = {native_time(atime), native_time(mtime)};
    int err = OS_CALL(futimens(fd, times));
    if (err != EBADF)
        return err;
    /* A handle that is only a path; the C library refuses the flag, the kernel (5.8) has it. */
    return OS_CALL(syscall(SYS_utimensat, fd, "", times, AT_EMPTY_PATH));
}

int os_fd_read(int fd, void *p, usize n, usize *ret_n)
{
    ssize_t got = read(fd, p, n);
    if (got < 0)
        return errno;
    *ret_n = (usize)got;
    return 0;
}

int os_fd_write(int fd, const void *p, usize n, usize *ret_n)
{
    ssize_t put = write(fd, p, n);
    if (put < 0)
        return errno;
    *ret_n = (usize)put;
    return 0;
}

int os_fd_pread(int fd, void *p, usize n, u64 offset, usize *ret_n)
{
    if (offset > INT64_MAX)
        return EINVAL;
    return OS_CALL_VALUE(*ret_n, pread(fd, p, n, (off_t)offset));
}

int os_fd_pwrite(int fd, const void *p, usize n, u64 offset, usize *ret_n)
{
    if (offset > INT64_MAX)
        return EINVAL;
    return OS_CALL_VALUE(*ret_n, pwrite(fd, p, n, (off_t)offset));
}

int os_fd_append(int fd, const void *p, usize n, usize *ret_n)
{
    struct iovec iov = {.iov_base = (void *)(uintptr_t)p, .iov_len = n};
    int err = OS_CALL_VALUE(*ret_n, pwritev2(fd, &iov, 1, 0, RWF_APPEND));
    if (err != ENOSYS && err != EOPNOTSUPP)
        return err;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_APPEND) < 0)
        return errno;
    err = OS_CALL_VALUE(*ret_n, write(fd, p, n));
    (void)fcntl(fd, F_SETFL, flags);
    return err;
}

int os_truncate(int fd, u64 size)
{
    return size > INT64_MAX ? EINVAL : OS_CALL(ftruncate(fd, (off_t)size));
}

int os_sync(int fd, bool data_only)
{
    return OS_CALL(data_only ? fdatasync(fd) : fsync(fd));
}

int os_advise(int fd, u64 offset, u64 len, OsAdvice advice)
{
    static const u8 native[] = {
        [OS_ADVICE_NORMAL] = POSIX_FADV_NORMAL,     [OS_ADVICE_SEQUENTIAL] = POSIX_FADV_SEQUENTIAL,
        [OS_ADVICE_RANDOM] = POSIX_FADV_RANDOM,     [OS_ADVICE_WILLNEED] = POSIX_FADV_WILLNEED,
        [OS_ADVICE_DONTNEED] = POSIX_FADV_DONTNEED, [OS_ADVICE_NOREUSE] = POSIX_FADV_NOREUSE,
    };
    /* posix_fadvise returns the errno value. */
    return posix_fadvise(fd, (off_t)offset, (off_t)len, native[advice]);
}

static OsFileType entry_type(u8 type)
{
    return type == DT_UNKNOWN ? OS_FILE_UNKNOWN : file_type((u32)DTTOIF(type));
}

static bool is_dot(const char *name)
{
    return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

int os_list_dir(int dir, OsDirEntryFn *each, void *arg)
{
    int fd; /* of its own: the position of a shared one would be shared, too */
    int err = OS_CALL_VALUE(fd, openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (err)
        return err;
    DIR *d = fdopendir(fd);
    if (!d) {
        err = errno;
        close(fd);
        return err;
    }
    while (!err) {
        errno = 0;
        const struct dirent *e = readdir(d);
        if (!e) {
            err = errno;
            break;
        }
        if (!is_dot(e->d_name))
            err = each(arg, e->d_name, entry_type(e->d_type), e->d_ino);
    }
    closedir(d);
    return err;
}

/* What is left until the deadline, at most some years; NULL for ever. */
static const struct timespec *time_left(u64 deadline, struct timespec *buf)
{
    if (deadline == UINT64_MAX)
        return NULL;
    u64 now = os_monotonic_ns();
    u64 left = deadline > now ? deadline - now : 0;
    *buf = (struct timespec){.tv_sec = (time_t)(left / 1000000000u),
                             .tv_nsec = (long)(left % 1000000000u)};
    return buf;
}

static_assert(sizeof(OsPollFd) == sizeof(struct pollfd) &&
                  offsetof(OsPollFd, wanted) == offsetof(struct pollfd, events) &&
                  offsetof(OsPollFd, ready) == offsetof(struct pollfd, revents) &&
                  OS_POLL_READ == POLLIN && OS_POLL_WRITE == POLLOUT,
              "the kernel's own layout");

int os_wait_any(OsPollFd *fds, usize n, u64 deadline, void *const *stop, usize *ret_ready)
{
    struct timespec left;
    const struct timespec *timeout = time_left(deadline, &left);
    /* Signals are held back from the look at *stop until the kernel waits, which lets them in. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int ready = 0, err = 0;
    if (stop && __atomic_load_n(stop, __ATOMIC_ACQUIRE)) {
        err = EINTR;
    } else {
        ready = ppoll((struct pollfd *)fds, n, timeout, &before);
        err = ready < 0 ? errno : 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!err)
        *ret_ready = (usize)ready;
    return err;
}

int os_wait(int fd, OsWait what, u64 deadline, void *const *stop, bool *ret_ready)
{
    OsPollFd p = {.fd = fd, .wanted = what == OS_WAIT_READ ? OS_POLL_READ : OS_POLL_WRITE};
    usize n = 0;
    int err = os_wait_any(&p, fd >= 0, deadline, stop, &n);
    if (!err)
        *ret_ready = n > 0;
    return err;
}

bool os_is_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && flags & O_NONBLOCK;
}

void os_set_nonblocking(int fd, bool on)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0)
        (void)fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

static u64 resolution_ns(clockid_t id)
{
    struct timespec t;
    ALWAYS(clock_getres(id, &t) == 0);
    return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

u64 os_realtime_resolution_ns(void)
{
    return resolution_ns(CLOCK_REALTIME);
}

u64 os_monotonic_resolution_ns(void)
{
    return resolution_ns(CLOCK_MONOTONIC);
}

int os_fill_stdio(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        int got = open("/dev/null", O_RDWR);
        if (got < 0) /* where there are no devices: a descriptor that cannot be read or written */
            got = open("/", O_PATH);
        if (got < 0)
            return errno;
        ALWAYS(got == fd); /* the lowest that is free */
    }
    return 0;
}

void os_ignore_write_signals(void)
{
    static const int signals[] = {SIGPIPE, SIGXFSZ};
    for (usize i = 0; i < ARRAY_LEN(signals); i++) {
        struct sigaction old;
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
            (void)signal(signals[i], SIG_IGN);
    }
}
