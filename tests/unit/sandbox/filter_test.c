/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Filters of system calls: the program is run by an interpreter of the test's own for every number
 * and compared with what the rules say, and once by the kernel.
 */
#include "os/syscalls.h"
#include "sandbox/plan.h"
#include "unit/test.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* As much of the machine as there can be in such a program; an error is a failure. */
static u32 run(const Plan *p, const struct seccomp_data *d)
{
    u32 a = 0, pc = 0;
    while (pc < p->nfilter) {
        const OsFilterInsn *i = &p->filter[pc++];
        bool jump = false;
        switch (i->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            EXPECT(i->k % 4 == 0 && i->k < sizeof *d);
            memcpy(&a, (const u8 *)d + i->k, sizeof a);
            continue;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= i->k;
            continue;
        case BPF_RET | BPF_K:
            return i->k;
        case BPF_JMP | BPF_JA | BPF_K:
            pc += i->k;
            continue;
        case BPF_JMP | BPF_JEQ | BPF_K:
            jump = a == i->k;
            break;
        case BPF_JMP | BPF_JGT | BPF_K:
            jump = a > i->k;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            jump = a >= i->k;
            break;
        default:
            test_fail(__FILE__, __LINE__, "instruction %x", i->code);
        }
        pc += jump ? i->jt : i->jf;
    }
    test_fail(__FILE__, __LINE__, "the program has no end");
}

static u32 call(const Plan *p, int number, u64 arg0, u64 arg1)
{
    struct seccomp_data d = {
        .nr = number, .arch = os_syscall_arch(), .args = {arg0, arg1, 0, 0, 0, 0}};
    return run(p, &d);
}

/* A configuration of nothing but what must be, and the filter. */
static char *read_filter(Plan *p, const char *text)
{
    json_t *filter = json_loads(text, 0, NULL);
    EXPECT(filter);
    json_t *config =
        json_pack("{s:s,s:{s:s},s:[{s:s,s:s}],s:{s:s,s:[{s:s}],s:o}}", "ociVersion", "1.0.2",
                  "process", "cwd", "/", "mounts", "destination", "/proc", "type", "proc", "linux",
                  "cgroupsPath", "/a", "namespaces", "type", "mount", "seccomp", filter);
    char *why = plan_read(p, config, "/");
    json_decref(config);
    return why;
}

static void take_filter(Plan *p, const char *text)
{
    char *why = read_filter(p, text);
    if (why)
        test_fail(__FILE__, __LINE__, "%s", why);
}

TEST(sandbox_filter_numbers)
{
    Plan p;
    take_filter(&p,
                "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"architectures\":[\"SCMP_ARCH_X86_64\"],"
                "\"syscalls\":[{\"names\":[\"read\",\"write\",\"no_such_call\",\"execveat\","
                "\"exit_group\",\"close\"],\"action\":\"SCMP_ACT_ALLOW\"},{\"names\":[\"clone3\"],"
                "\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":38},{\"names\":[\"ptrace\"],"
                "\"action\":\"SCMP_ACT_KILL_PROCESS\"}]}");
    int last = SYS_clone3;
    for (int nr = -1; nr < 600; nr++) {
        u32 want = SECCOMP_RET_ERRNO | EPERM;
        if (nr == SYS_read || nr == SYS_write || nr == SYS_execveat || nr == SYS_exit_group ||
            nr == SYS_close)
            want = SECCOMP_RET_ALLOW;
        else if (nr == SYS_clone3 || nr > last)
            want = SECCOMP_RET_ERRNO | ENOSYS;
        else if (nr == SYS_ptrace || nr < 0)
            want = SECCOMP_RET_KILL_PROCESS;
        u32 got = call(&p, nr, 0, 0);
        if (got != want)
            test_fail(__FILE__, __LINE__, "call %d: %x, expected %x", nr, got, want);
    }
    struct seccomp_data other = {.nr = SYS_read, .arch = 0x40000003};
    EXPECT_EQ(run(&p, &other), SECCOMP_RET_KILL_PROCESS);
    EXPECT_EQ(call(&p, 0x40000000 | SYS_read, 0, 0), SECCOMP_RET_KILL_PROCESS);
    plan_release(&p);
}

static bool compare(usize op, u64 arg, u64 value)
{
    const bool results[] = {
        arg == value, arg != value, (arg & 0xff00000000f0) == (value & 0xff00000000f0),
        arg > value,  arg >= value, arg < value,
        arg <= value};
    return results[op];
}

TEST(sandbox_filter_arguments)
{
    static const char *const ops[] = {"EQ", "NE", "MASKED_EQ", "GT", "GE", "LT", "LE"};
    static const u64 values[] = {
        0,           1,           5,         0xfffffffe, 0xffffffff, 0x100000000,   0x100000005,
        0x1ffffffff, 0x200000000, INT64_MAX, UINT64_MAX, 0xf0,       0x7f0000000050};
    for (usize op = 0; op < ARRAY_LEN(ops); op++) {
        for (usize v = 0; v < ARRAY_LEN(values); v++) {
            char text[512];
            u64 value = values[v];
            bool masked = op == 2;
            if (value > INT64_MAX)
                continue;
            snprintf(
                text, sizeof text,
                "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"socket\"],"
                "\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":7,\"args\":[{\"index\":1,\"value\":%"
                "llu,"
                "\"valueTwo\":%llu,\"op\":\"SCMP_CMP_%s\"},{\"index\":0,\"value\":3,\"op\":"
                "\"SCMP_CMP_EQ\"}]},{\"names\":[\"socket\"],\"action\":\"SCMP_ACT_ERRNO\","
                "\"errnoRet\":7,\"args\":[{\"index\":0,\"value\":9,\"op\":\"SCMP_CMP_EQ\"}]}]}",
                masked ? 0xff00000000f0ull : (unsigned long long)value,
                (unsigned long long)(value & 0xff00000000f0), ops[op]);
            Plan p;
            take_filter(&p, text);
            for (usize a = 0; a < ARRAY_LEN(values); a++) {
                u32 want =
                    compare(op, values[a], value) ? SECCOMP_RET_ERRNO | 7 : SECCOMP_RET_ALLOW;
                u32 got = call(&p, SYS_socket, 3, values[a]);
                if (got != want)
                    test_fail(__FILE__, __LINE__, "%s %llx %llx", ops[op],
                              (unsigned long long)values[a], (unsigned long long)value);
                EXPECT_EQ(call(&p, SYS_socket, 4, values[a]), SECCOMP_RET_ALLOW);
                EXPECT_EQ(call(&p, SYS_socket, 9, values[a]), SECCOMP_RET_ERRNO | 7);
                EXPECT_EQ(call(&p, SYS_connect, 3, values[a]), SECCOMP_RET_ALLOW);
            }
            plan_release(&p);
        }
    }
}

TEST(sandbox_filter_refuses)
{
    static const char *const rules[] = {
        "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_TRACE\"}",
        "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_NOTIFY\"}",
        "{\"names\":[\"no_such_call\"],\"action\":\"SCMP_ACT_ERRNO\"}",
        "{\"names\":[\"execveat\"],\"action\":\"SCMP_ACT_ERRNO\"}",
        "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":4096}",
        "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\"},{\"names\":[\"read\"],\"action\":"
        "\"SCMP_ACT_TRAP\"}",
        "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\",\"includes\":{}}",
        "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":6,\"value\":1,"
        "\"op\":\"SCMP_CMP_EQ\"}]}",
        "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":0,\"value\":1,"
        "\"op\":\"SCMP_CMP_EQ\"},"
        "{\"index\":0,\"value\":2,\"op\":\"SCMP_CMP_EQ\"}]}",
        "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":0,\"value\":1,"
        "\"op\":\"SCMP_CMP_XX\"}]}",
        "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":0,\"value\":1,"
        "\"valueTwo\":2,"
        "\"op\":\"SCMP_CMP_MASKED_EQ\"}]}",
    };
    for (usize i = 0; i < ARRAY_LEN(rules); i++) {
        Plan p;
        char text[1024];
        snprintf(text, sizeof text, "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[%s]}",
                 rules[i]);
        char *why = read_filter(&p, text);
        if (!why)
            test_fail(__FILE__, __LINE__, "%s", rules[i]);
        mem_free(why);
        plan_release(&p);
    }
}

/* The kernel takes the program, and does what it says. */
TEST(sandbox_filter_in_the_kernel)
{
    Plan p;
    take_filter(
        &p, "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"],"
            "\"syscalls\":[{\"names\":[\"getppid\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":99},"
            "{\"names\":[\"kill\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":98,\"args\":["
            "{\"index\":1,\"value\":12345,\"op\":\"SCMP_CMP_GE\"}]}]}");
    pid_t pid = fork();
    if (pid == 0) {
        if (os_no_new_privileges() != 0 || os_set_filter(p.filter, p.nfilter, p.filter_flags) != 0)
            _exit(1);
        if (syscall(SYS_getppid) != -1 || errno != 99)
            _exit(2);
        if (syscall(SYS_kill, 0, 12345) != -1 || errno != 98)
            _exit(3);
        _exit(syscall(SYS_kill, 0, 12344) == -1 && errno == EINVAL ? 0 : 4);
    }
    int status;
    EXPECT(waitpid(pid, &status, 0) == pid);
    EXPECT_EQ(status, 0);
    plan_release(&p);
}

TEST(sandbox_filter_names)
{
    EXPECT_EQ(os_syscall_number("read"), SYS_read);
    EXPECT_EQ(os_syscall_number("execveat"), SYS_execveat);
    EXPECT_EQ(os_syscall_number("close_range"), SYS_close_range);
    EXPECT_EQ(os_syscall_number("rea"), -1);
    EXPECT_EQ(os_syscall_number(""), -1);
}
