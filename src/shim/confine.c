/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A list of names as a program of the kernel's filter machine. */
#include "shim/confine.h"

#include "os/isolate.h"
#include "os/syscalls.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>

static const char *const allowed[] = {"read",
                                      "write",
                                      "readv",
                                      "writev",
                                      "pread64",
                                      "pwrite64",
                                      "lseek",
                                      "close",
                                      "fstat",
                                      "newfstatat",
                                      "ftruncate",
                                      "memfd_create",
                                      "mmap",
                                      "munmap",
                                      "mremap",
                                      "mprotect",
                                      "madvise",
                                      "brk",
                                      "futex",
                                      "rt_sigprocmask",
                                      "rt_sigaction",
                                      "rt_sigreturn",
                                      "sigaltstack",
                                      "getrandom",
                                      "sched_getaffinity",
                                      "sched_yield",
                                      "clock_gettime",
                                      "gettimeofday",
                                      "nanosleep",
                                      "clock_nanosleep",
                                      "gettid",
                                      "getpid",
                                      "membarrier",
                                      "set_robust_list",
                                      "rseq",
                                      "restart_syscall",
                                      "exit",
                                      "exit_group"};

enum { REFUSED = SECCOMP_RET_ERRNO | EPERM, UNKNOWN = SECCOMP_RET_ERRNO | ENOSYS };

typedef struct Program {
    OsFilterInsn code[2 * ARRAY_LEN(allowed) + 16];
    u16 n;
} Program;

static void put(Program *p, u32 code, u8 jt, u8 jf, u32 k)
{
    ALWAYS(p->n < ARRAY_LEN(p->code));
    p->code[p->n++] = (OsFilterInsn){(u16)code, jt, jf, k};
}

static void put_load(Program *p, usize place)
{
    put(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, (u32)place);
}

static void put_return(Program *p, u32 action)
{
    put(p, BPF_RET | BPF_K, 0, 0, action);
}

/* The call of this number goes by the next `n` instructions only. */
static void put_case(Program *p, const char *name, u8 n)
{
    i32 number = os_syscall_number(name);
    put(p, BPF_JMP | BPF_JEQ | BPF_K, 0, n, (u32)number); /* -1, of none, is nobody's */
}

/* Threads only; the C library makes them so where the newer call, whose flags a filter does not
 * see, is not there. */
static void put_threads(Program *p)
{
    put_case(p, "clone3", 1);
    put_return(p, UNKNOWN);
    put_case(p, "clone", 4);
    put_load(p, offsetof(struct seccomp_data, args[0]));
    put(p, BPF_JMP | BPF_JSET | BPF_K, 0, 1, CLONE_THREAD);
    put_return(p, SECCOMP_RET_ALLOW);
    put_return(p, REFUSED);
}

bool confine_to_computing(void)
{
    Program p = {.n = 0};
    put_load(&p, offsetof(struct seccomp_data, arch));
    put(&p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, os_syscall_arch());
    put_return(&p, SECCOMP_RET_KILL_PROCESS);
    put_load(&p, offsetof(struct seccomp_data, nr));
    for (usize i = 0; i < ARRAY_LEN(allowed); i++) {
        put_case(&p, allowed[i], 1);
        put_return(&p, SECCOMP_RET_ALLOW);
    }
    put_threads(&p);
    put_return(&p, REFUSED);
    return os_set_filter(p.code, p.n, 0) == 0;
}
