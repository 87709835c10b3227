/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * System calls by number where the C library's function would look at its own idea of the process:
 * ids (it tells the other threads, of which the child has none) and fork.
 */
#include "os/isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

static_assert(OS_NS_MOUNT == CLONE_NEWNS && OS_NS_CGROUP == CLONE_NEWCGROUP &&
                  OS_NS_UTS == CLONE_NEWUTS && OS_NS_IPC == CLONE_NEWIPC &&
                  OS_NS_PID == CLONE_NEWPID && OS_NS_NETWORK == CLONE_NEWNET,
              "the kernel's numbers");
static_assert(sizeof(OsFilterInsn) == sizeof(struct sock_filter), "the kernel's form");
static_assert(OS_FILTER_LOG == SECCOMP_FILTER_FLAG_LOG &&
                  OS_FILTER_SPEC_ALLOW == SECCOMP_FILTER_FLAG_SPEC_ALLOW,
              "the kernel's numbers");

enum { LOW_FDS = 16 };

static int result(long r)
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

int os_clone(u32 namespaces, int cgroup, pid_t *ret_pid)
{
    struct clone_args a = {.flags = namespaces, .exit_signal = SIGCHLD};
    if (cgroup >= 0) {
        a.flags |= CLONE_INTO_CGROUP;
        a.cgroup = (u64)cgroup;
    }
    long pid = syscall(SYS_clone3, &a, sizeof a);
    if (pid < 0)
        return errno;
    *ret_pid = (pid_t)pid;
    return 0;
}

int os_join_namespace(int fd, u32 namespace)
{
    return result(setns(fd, (int)namespace));
}

int os_join_namespaces_of(int pidfd, u32 namespaces)
{
    return result(setns(pidfd, (int)namespaces));
}

int os_new_namespaces(u32 namespaces)
{
    return result(unshare((int)namespaces));
}

int os_open_pid_namespace(int *ret_fd)
{
    return fd_result(open("/proc/thread-self/ns/pid_for_children", O_RDONLY | O_CLOEXEC), ret_fd);
}

int os_open_namespace(const char *path, u32 *ret_namespace, int *ret_fd)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return errno;
    int kind = ioctl(fd, NS_GET_NSTYPE);
    if (kind < 0) {
        int error = errno;
        close(fd);
        return error;
    }
    *ret_namespace = (u32)kind;
    *ret_fd = fd;
    return 0;
}

int os_die_with_parent(bool on)
{
    return result(prctl(PR_SET_PDEATHSIG, on ? SIGKILL : 0, 0, 0, 0));
}

int os_set_dumpable(bool on)
{
    return result(prctl(PR_SET_DUMPABLE, on ? 1 : 0, 0, 0, 0));
}

/* The kernel's form; the library's function keeps two signals to itself, which may be ignored. */
void os_reset_signals(u64 blocked)
{
    struct {
        void (*handler)(int);
        u64 flags;
        void (*restorer)(void);
        u64 mask;
    } a = {.handler = SIG_DFL};
    for (int i = 1; i < NSIG; i++)
        syscall(SYS_rt_sigaction, i, &a, NULL,
                sizeof blocked); /* fails for those without a choice */
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &blocked, NULL, sizeof blocked);
}

int os_new_session(void)
{
    return result(setsid());
}

int os_new_keyring(const char *name)
{
    return result(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name));
}

int os_loopback_up(void)
{
    struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    int error = result(ioctl(fd, SIOCSIFFLAGS, &r));
    close(fd);
    return error;
}

int os_set_hostname(const char *name)
{
    return result(sethostname(name, strlen(name)));
}

int os_set_domainname(const char *name)
{
    return result(setdomainname(name, strlen(name)));
}

int os_arrange_fds(const int *fds, usize n)
{
    for (usize i = 0; i < n; i++) {
        ALWAYS(fds[i] >= (int)n);
        if (dup3(fds[i], (int)i, 0) < 0)
            return errno;
    }
    return result(syscall(SYS_close_range, (unsigned)n, ~0u, CLOSE_RANGE_CLOEXEC));
}

void os_own_file(int fd, u32 uid)
{
    struct stat st;
    if (fstat(fd, &st) == 0 && !S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode) && st.st_uid != uid)
        (void)!fchown(fd, uid, (gid_t)-1); /* a read-only file system has no say in it */
}

int os_put_file(int dir, const char *path, const char *text)
{
    int fd = openat(dir, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return errno;
    usize n = strlen(text);
    ssize_t done = write(fd, text, n);
    int error = done < 0 ? errno : done == (ssize_t)n ? 0 : EIO;
    close(fd);
    return error;
}

/* clang-format off */
static const char *const limit_names[OS_LIMITS] = {
    [RLIMIT_CPU] = "RLIMIT_CPU", [RLIMIT_FSIZE] = "RLIMIT_FSIZE", [RLIMIT_DATA] = "RLIMIT_DATA",
    [RLIMIT_STACK] = "RLIMIT_STACK", [RLIMIT_CORE] = "RLIMIT_CORE", [RLIMIT_RSS] = "RLIMIT_RSS",
    [RLIMIT_NPROC] = "RLIMIT_NPROC", [RLIMIT_NOFILE] = "RLIMIT_NOFILE",
    [RLIMIT_MEMLOCK] = "RLIMIT_MEMLOCK", [RLIMIT_AS] = "RLIMIT_AS", [RLIMIT_LOCKS] = "RLIMIT_LOCKS",
    [RLIMIT_SIGPENDING] = "RLIMIT_SIGPENDING", [RLIMIT_MSGQUEUE] = "RLIMIT_MSGQUEUE",
    [RLIMIT_NICE] = "RLIMIT_NICE", [RLIMIT_RTPRIO] = "RLIMIT_RTPRIO",
    [RLIMIT_RTTIME] = "RLIMIT_RTTIME",
};

static const char *const cap_names[OS_CAPS] = {
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
    "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER",
    "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
};
/* clang-format on */

static_assert(OS_LIMITS == (int)RLIMIT_NLIMITS && OS_CAPS == CAP_LAST_CAP + 1, "complete tables");

static int find_name(const char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

int os_limit_number(const char *name)
{
    return find_name(limit_names, OS_LIMITS, name);
}

int os_set_limit(int limit, u64 soft, u64 hard)
{
    struct rlimit64 r = {soft, hard};
    return result(syscall(SYS_prlimit64, 0, limit, &r, NULL));
}

int os_cap_number(const char *name)
{
    return find_name(cap_names, OS_CAPS, name);
}

u64 os_own_caps(void)
{
    struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct d[2] = {0};
    if (syscall(SYS_capget, &h, d) != 0)
        return 0;
    return d[0].permitted | (u64)d[1].permitted << 32;
}

/* Those that the kernel has are numbered without gaps, maybe more than the table knows. */
int os_limit_caps(u64 bounding)
{
    for (u32 cap = 0; cap < 64; cap++) {
        if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) < 0)
            return 0;
        if (!(bounding >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
            return errno;
    }
    return 0;
}

int os_set_caps(const OsCaps *caps)
{
    struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct d[2] = {
        {(u32)caps->effective, (u32)caps->permitted, (u32)caps->inheritable},
        {(u32)(caps->effective >> 32), (u32)(caps->permitted >> 32),
         (u32)(caps->inheritable >> 32)}};
    if (syscall(SYS_capset, &h, d) != 0 ||
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
        return errno;
    for (u32 cap = 0; cap < OS_CAPS; cap++)
        if (caps->ambient >> cap & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) != 0)
            return errno;
    return 0;
}

int os_set_ids(u32 uid, u32 gid, const u32 *groups, usize ngroups)
{
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || syscall(SYS_setgroups, ngroups, groups) != 0 ||
        syscall(SYS_setresgid, gid, gid, gid) != 0 || syscall(SYS_setresuid, uid, uid, uid) != 0)
        return errno;
    return result(prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0));
}

int os_no_new_privileges(void)
{
    return result(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

void os_set_umask(u32 mask)
{
    umask(mask & 0777);
}

int os_set_filter(const OsFilterInsn *insns, u16 n, u32 flags)
{
    struct sock_fprog p = {n, (struct sock_filter *)insns};
    return result(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p));
}

int os_exec_fd(int fd, const char *const *argv, const char *const *env)
{
    syscall(SYS_execveat, fd, "", argv, env, AT_EMPTY_PATH);
    return errno;
}

int os_exec_path(const char *path, const char *const *argv, const char *const *env)
{
    execve(path, (char *const *)argv, (char *const *)env);
    return errno;
}

int os_may_execute(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return errno;
    if (!S_ISREG(st.st_mode))
        return EACCES;
    return result(syscall(SYS_faccessat2, AT_FDCWD, path, X_OK, AT_EACCESS));
}

int os_chdir_fd(int fd)
{
    return result(fchdir(fd));
}

/* The call says "(unreachable)" in front of what is outside, and the library an error. */
int os_check_cwd(void)
{
    char path[4096];
    long n = syscall(SYS_getcwd, path, sizeof path);
    if (n < 0)
        return errno == ERANGE ? 0 : errno;
    return path[0] == '/' ? 0 : ENOENT;
}

void os_end(int status)
{
    for (;;)
        syscall(SYS_exit_group, status);
}

/* Takes both; they are closed on failure. */
static int raise_fds(const int low[2], int ret_fds[2])
{
    int high[2] = {-1, -1}, error = 0;
    for (int i = 0; i < 2 && !error; i++)
        error = fd_result(fcntl(low[i], F_DUPFD_CLOEXEC, LOW_FDS), &high[i]);
    close(low[0]);
    close(low[1]);
    if (error && high[0] >= 0)
        close(high[0]);
    else if (!error)
        memcpy(ret_fds, high, sizeof high);
    return error;
}

int os_pipe(int ret_fds[2])
{
    int low[2];
    return pipe2(low, O_CLOEXEC) == 0 ? raise_fds(low, ret_fds) : errno;
}

int os_terminal_socket(int ret_fds[2])
{
    int low[2];
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, low) == 0 ? raise_fds(low, ret_fds)
                                                                        : errno;
}

typedef union FdMessage {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
} FdMessage;

static int send_fd(int socket, int fd)
{
    FdMessage control = {0};
    struct iovec v = {(char[1]){0}, 1};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    return result(sendmsg(socket, &m, MSG_NOSIGNAL));
}

int os_receive_fd(int socket, int *ret_fd)
{
    FdMessage control;
    char byte;
    struct iovec v = {&byte, 1};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t n;
    do {
        n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno;
    const struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    if (n == 0 || !c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
        return ENOENT;
    memcpy(ret_fd, CMSG_DATA(c), sizeof *ret_fd);
    return 0;
}

/* The multiplexer must be what it says: an image may have put something else there. */
static int open_multiplexer(int root, int *ret_fd)
{
    struct open_how how = {.flags = O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS};
    struct stat st;
    struct statfs fs;
    int fd = (int)syscall(SYS_openat2, root, "/dev/pts/ptmx", &how, sizeof how);
    if (fd < 0)
        return errno;
    if (fstat(fd, &st) != 0 || !S_ISCHR(st.st_mode) || fstatfs(fd, &fs) != 0 ||
        fs.f_type != DEVPTS_SUPER_MAGIC) {
        close(fd);
        return ENOTTY;
    }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    *ret_fd = fd;
    return 0;
}

static int open_peer(int master, u16 columns, u16 rows, int *ret_fd)
{
    const struct winsize size = {.ws_row = rows, .ws_col = columns};
    int unlock = 0;
    if (ioctl(master, TIOCSPTLCK, &unlock) != 0)
        return errno;
    int low = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (low < 0)
        return errno;
    int fd = fcntl(low, F_DUPFD_CLOEXEC, LOW_FDS), error = fd < 0 ? errno : 0;
    close(low);
    if (!error && rows > 0 && columns > 0 && ioctl(fd, TIOCSWINSZ, &size) != 0)
        error = errno;
    if (!error && ioctl(fd, TIOCSCTTY, 0) != 0)
        error = errno;
    if (error && fd >= 0)
        close(fd);
    else if (!error)
        *ret_fd = fd;
    return error;
}

int os_open_terminal(int root, u16 columns, u16 rows, int socket, int *ret_fd)
{
    int master, fd = -1;
    int error = open_multiplexer(root, &master);
    if (error)
        return error;
    error = open_peer(master, columns, rows, &fd);
    if (!error)
        error = send_fd(socket, master);
    close(master);
    if (error && fd >= 0)
        close(fd);
    else if (!error)
        *ret_fd = fd;
    return error;
}

void os_own_terminal(int fd, u32 uid)
{
    (void)!fchown(fd, uid, (gid_t)-1);
}
