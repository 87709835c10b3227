/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A process of its own kind: namespaces, ids, capabilities, limits, filters. Direct system calls:
 * the functions return 0 or an errno value, allocate nothing, take no lock and touch only the
 * calling thread, so they may be called in the child that os_clone makes of a process with threads.
 */
#ifndef OS_ISOLATE_H
#define OS_ISOLATE_H

#include "base/base.h"

#include <sys/types.h>

/* The kernel's numbers. */
enum OsNamespace {
    OS_NS_MOUNT = 0x00020000,
    OS_NS_CGROUP = 0x02000000,
    OS_NS_UTS = 0x04000000,
    OS_NS_IPC = 0x08000000,
    OS_NS_PID = 0x20000000,
    OS_NS_NETWORK = 0x40000000,
};

/*
 * As fork, without anything that libraries do at a fork: the child may only make system calls. It
 * begins in new namespaces and, if cgroup >= 0, in the control group of version 2 whose folder that
 * is, and is a child of this process. *ret_pid is 0 in the child.
 */
int os_clone(u32 namespaces, int cgroup, pid_t *ret_pid);
/* The calling thread's; of OS_NS_PID, that of its children from now on. */
int os_join_namespace(int fd, u32 namespace);
int os_join_namespaces_of(int pidfd, u32 namespaces);
int os_new_namespaces(u32 namespaces);
/* A handle on the pid namespace that children of this thread begin in. */
int os_open_pid_namespace(int *ret_fd);
/* A handle that says what kind of namespace it is. */
int os_open_namespace(const char *path, u32 *ret_namespace, int *ret_fd);

/* The kernel kills this process when the thread that made it ends; or not any more. */
int os_die_with_parent(bool on);
/* Other processes may (not) look into this one. */
int os_set_dumpable(bool on);
/* All signals as a new program has them; blocked are those of the set: bit 0 is signal 1. */
void os_reset_signals(u64 blocked);
int os_new_session(void);
/* A session keyring of this name, in place of the parent's. */
int os_new_keyring(const char *name);
int os_loopback_up(void);
int os_set_hostname(const char *name);
int os_set_domainname(const char *name);

/* Descriptor i becomes fds[i], which are all above n; all others are closed on exec. */
int os_arrange_fds(const int *fds, usize n);
/* What the descriptor is of is this user's from now on, if it is not a device and can be. */
void os_own_file(int fd, u32 uid);
/* Writes text to a file, with one call. */
int os_put_file(int dir, const char *path, const char *text);

enum { OS_LIMITS = 16 };
/* -1 if there is no such limit. */
int os_limit_number(const char *name);
int os_set_limit(int limit, u64 soft, u64 hard);

enum { OS_CAPS = 41 };
typedef struct OsCaps {
    u64 bounding, effective, permitted, inheritable, ambient;
} OsCaps;
int os_cap_number(const char *name);
u64 os_own_caps(void); /* those that this process may use */
/* The bounding set has no more than these, of all that this kernel has. */
int os_limit_caps(u64 bounding);
/* All but the bounding set. */
int os_set_caps(const OsCaps *caps);
/* Groups, group, user: real, effective and saved. The capabilities stay. */
int os_set_ids(u32 uid, u32 gid, const u32 *groups, usize ngroups);
int os_no_new_privileges(void);
void os_set_umask(u32 mask);

/* A filter of system calls; instructions as struct sock_filter. */
typedef struct OsFilterInsn {
    u16 code;
    u8 jt, jf;
    u32 k;
} OsFilterInsn;
enum { OS_FILTER_LOG = 2, OS_FILTER_SPEC_ALLOW = 4 };
int os_set_filter(const OsFilterInsn *insns, u16 n, u32 flags);

/* Becomes the program of the descriptor; returns on failure only. */
int os_exec_fd(int fd, const char *const *argv, const char *const *env);
int os_exec_path(const char *path, const char *const *argv, const char *const *env);
int os_may_execute(const char *path); /* with the rights that this process has now */
int os_chdir_fd(int fd);
/* ENOENT if the working directory is not below the root. */
int os_check_cwd(void);
NORETURN void os_end(int status); /* without anything that libraries do */

/*
 * A new terminal of the file system of terminals at /dev/pts of the root, as this session's own;
 * its other side goes through the socket. A size of 0 is left.
 */
int os_open_terminal(int root, u16 columns, u16 rows, int socket, int *ret_fd);
void os_own_terminal(int fd, u32 uid);
int os_terminal_socket(int ret_fds[2]);
/* The descriptor that was sent; ENOENT if the socket ended. */
int os_receive_fd(int socket, int *ret_fd);

/* Both ends are above those that a program gets. */
int os_pipe(int ret_fds[2]);

#endif
