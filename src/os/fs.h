/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Files and directories by descriptor. Thin: one system call each, retried when a signal
 * interrupts it unless the comment says otherwise, and no policy. The functions that return int
 * return 0 or an errno value; outputs are left alone on failure. A `name` is one component and is
 * never followed if it is a symbolic link; a `path` may have several.
 */
#ifndef OS_FS_H
#define OS_FS_H

#include "base/base.h"

enum OsOpenFlags {
    OS_OPEN_READ = 1, /* assumed if neither this nor OS_OPEN_WRITE is there */
    OS_OPEN_WRITE = 2,
    OS_OPEN_CREATE = 4, /* a regular file, mode 0666 */
    OS_OPEN_EXCL = 8,
    OS_OPEN_TRUNC = 16,
    OS_OPEN_NOFOLLOW = 32,
    OS_OPEN_DIRECTORY = 64,
    OS_OPEN_PATH = 128, /* only a handle: neither read nor written, a final link is opened itself */
};

/*
 * All opens are close-on-exec, never make a terminal the controlling one and never wait for the
 * other end of a FIFO.
 */
int os_open_at(int dir, const char *name, u32 flags, int *ret_fd); /* always NOFOLLOW */
/*
 * Resolves beneath `dir`, never through a magic link. ENOSYS or EPERM may mean that the kernel or
 * a system call filter does not have the call, EXDEV that the path leads out of `dir`, EAGAIN that
 * something was renamed at the same time.
 */
int os_open_beneath(int dir, const char *path, u32 flags, int *ret_fd);
/* The same, but `dir` is the root directory: a link's or path's absolute name starts there, and
 * ".." stays there. */
int os_open_rooted(int dir, const char *path, u32 flags, int *ret_fd);
/* A directory by a path of the process; follows links. */
int os_open_dir(const char *path, int *ret_fd);
void os_fd_close(int fd);
/* So many descriptors can be opened now. */
bool os_fd_room(u32 n) MUST_CHECK;

typedef enum OsFileType {
    OS_FILE_UNKNOWN,
    OS_FILE_REGULAR,
    OS_FILE_DIRECTORY,
    OS_FILE_SYMLINK,
    OS_FILE_BLOCK,
    OS_FILE_CHAR,
    OS_FILE_FIFO,
    OS_FILE_SOCKET,
} OsFileType;

typedef struct OsTime {
    i64 sec;
    u32 nsec; /* below 10^9 */
} OsTime;

typedef struct OsStat {
    u64 dev, ino, nlink, size;
    OsFileType type;
    OsTime atime, mtime;
    OsTime btime; /* when it was created; meaningful only if has_btime */
    bool has_btime;
} OsStat;

int os_stat(int fd, OsStat *ret_stat);
int os_stat_at(int dir, const char *name, OsStat *ret_stat);
bool os_is_tty(int fd);
/* OS_FS_PROC gives access to processes; sysfs and control groups are OS_FS_KERNEL. */
typedef enum OsFsKind { OS_FS_OTHER, OS_FS_PROC, OS_FS_KERNEL } OsFsKind;
OsFsKind os_fs_kind(int fd);

/* The target, not terminated. ENAMETOOLONG if it does not fit. An empty name is `dir` itself. */
int os_readlink_at(int dir, const char *name, char *buf, usize cap, usize *ret_len);
int os_mkdir_at(int dir, const char *name); /* mode 0777 */
int os_unlink_at(int dir, const char *name);
int os_rmdir_at(int dir, const char *name);
/* A source name may end in a slash: it must be a directory then. */
int os_rename_at(int old_dir, const char *old_name, int new_dir, const char *new_name);
int os_link_at(int old_dir, const char *old_name, int new_dir, const char *new_name);
int os_symlink_at(const char *target, int dir, const char *name);
/* A NULL time stays as it is. */
int os_set_times_at(int dir, const char *name, const OsTime *atime, const OsTime *mtime);
int os_set_times(int fd, const OsTime *atime, const OsTime *mtime); /* also of OS_OPEN_PATH */

/* At the descriptor's own position. Not retried: EINTR comes back. */
int os_fd_read(int fd, void *p, usize n, usize *ret_n);
int os_fd_write(int fd, const void *p, usize n, usize *ret_n);
/* At a position; EINVAL beyond 2^63. */
int os_fd_pread(int fd, void *p, usize n, u64 offset, usize *ret_n);
int os_fd_pwrite(int fd, const void *p, usize n, u64 offset, usize *ret_n);
int os_fd_append(int fd, const void *p, usize n, usize *ret_n);
int os_truncate(int fd, u64 size);
int os_sync(int fd, bool data_only);

typedef enum OsAdvice {
    OS_ADVICE_NORMAL,
    OS_ADVICE_SEQUENTIAL,
    OS_ADVICE_RANDOM,
    OS_ADVICE_WILLNEED,
    OS_ADVICE_DONTNEED,
    OS_ADVICE_NOREUSE,
} OsAdvice;
int os_advise(int fd, u64 offset, u64 len, OsAdvice advice);

/*
 * Calls `each` for the entries of the directory, without "." and "..", in the system's order,
 * until it returns an errno value, which is passed on.
 */
typedef int OsDirEntryFn(void *arg, const char *name, OsFileType type, u64 ino);
int os_list_dir(int dir, OsDirEntryFn *each, void *arg);

typedef enum OsWait { OS_WAIT_READ, OS_WAIT_WRITE } OsWait;
/*
 * Waits until fd (-1: none) is ready or os_monotonic_ns() reaches the deadline (UINT64_MAX:
 * never). EINTR if a signal arrived or *stop (may be NULL) is not NULL; a signal that sets *stop
 * is never missed.
 */
int os_wait(int fd, OsWait what, u64 deadline, void *const *stop, bool *ret_ready);

/* As os_wait, for several different descriptors; sets what each is ready for. */
enum { OS_POLL_READ = 1, OS_POLL_WRITE = 4 };
typedef struct OsPollFd {
    int fd;
    i16 wanted; /* OS_POLL_* */
    i16 ready;  /* with errors, other bits than were wanted */
} OsPollFd;
int os_wait_any(OsPollFd *fds, usize n, u64 deadline, void *const *stop, usize *ret_ready);
/* False: reads and writes of the descriptor wait. */
bool os_is_nonblocking(int fd);
void os_set_nonblocking(int fd, bool on);

u64 os_realtime_resolution_ns(void);
u64 os_monotonic_resolution_ns(void);

/*
 * Opens what is closed of descriptors 0 to 2 as the null device, or as something that cannot be
 * used where there is none, so that no other file gets their numbers. For the start of a program. 0
 * or an errno: the process may not have another descriptor.
 */
int os_fill_stdio(void) MUST_CHECK;
/*
 * Writes to a pipe nobody reads give EPIPE, and writes past the limit on the size of files EFBIG,
 * instead of ending the process, unless the process has handlers of its own.
 */
void os_ignore_write_signals(void);

#endif
