/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Filters of devices: by an interpreter of the test's own against what the rules say, and by the
 * kernel, in a control group of version 2 if there is a tree of it.
 */
#include "sandbox/device_filter.h"

#include "os/folder.h"
#include "unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

enum { M = DEVICE_MAKE, R = DEVICE_READ, W = DEVICE_WRITE };

static u64 run(const DeviceFilter *f, u32 type, u32 access, u32 major, u32 minor)
{
    const u32 context[3] = {type | access << 16, major, minor};
    u64 reg[11] = {0};
    for (u32 pc = 0; pc < f->n;) {
        const OsBpfInsn *i = &f->p[pc++];
        u32 to = i->regs & 15, from = i->regs >> 4;
        switch (i->code) {
        case BPF_LDX | BPF_MEM | BPF_W:
            EXPECT(from == 1 && i->off >= 0 && i->off <= 8);
            reg[to] = context[i->off / 4];
            break;
        case BPF_ALU64 | BPF_MOV | BPF_X:
            reg[to] = reg[from];
            break;
        case BPF_ALU64 | BPF_MOV | BPF_K:
            reg[to] = (u64)(i64)i->imm;
            break;
        case BPF_ALU | BPF_AND | BPF_K:
            reg[to] = (u32)reg[to] & (u32)i->imm;
            break;
        case BPF_ALU | BPF_RSH | BPF_K:
            reg[to] = (u32)reg[to] >> i->imm;
            break;
        case BPF_JMP32 | BPF_JNE | BPF_K:
            pc += (u32)reg[to] != (u32)i->imm ? (u32)i->off : 0;
            break;
        case BPF_JMP32 | BPF_JEQ | BPF_K:
            pc += (u32)reg[to] == (u32)i->imm ? (u32)i->off : 0;
            break;
        case BPF_JMP | BPF_EXIT:
            return reg[0];
        default:
            test_fail(__FILE__, __LINE__, "instruction %x", i->code);
        }
    }
    test_fail(__FILE__, __LINE__, "the program has no end");
}

static bool said(const DeviceRule *rules, u32 n, char type, u32 access, i64 major, i64 minor)
{
    for (u32 i = n; i-- > 0;) {
        const DeviceRule *r = &rules[i];
        bool whole = r->allow ? (access & ~r->access) == 0 : (access & r->access) != 0;
        if ((r->type == 'a' || r->type == type) && whole && (r->major < 0 || r->major == major) &&
            (r->minor < 0 || r->minor == minor))
            return r->allow;
    }
    return false;
}

static const DeviceRule rules[] = {
    {false, 'a', -1, -1, M | R | W}, {true, 'c', -1, -1, M},    {true, 'b', -1, -1, M},
    {true, 'c', 1, 3, M | R | W},    {true, 'c', 1, 5, R},      {true, 'c', 136, -1, R | W},
    {false, 'c', 136, 7, W},         {true, 'b', 7, -1, R | W}, {true, 'c', 4294967295, 1, R},
};

TEST(sandbox_device_filter_rules)
{
    static const u32 numbers[] = {0, 1, 3, 5, 7, 136, 4294967295};
    for (u32 n = 0; n <= ARRAY_LEN(rules); n++) {
        DeviceFilter f;
        device_filter_make(rules, n, &f);
        for (u32 access = 0; access < 8; access++) {
            for (usize a = 0; a < ARRAY_LEN(numbers); a++) {
                for (usize b = 0; b < ARRAY_LEN(numbers); b++) {
                    u32 major = numbers[a], minor = numbers[b];
                    EXPECT_EQ(run(&f, BPF_DEVCG_DEV_CHAR, access, major, minor),
                              said(rules, n, 'c', access, major, minor));
                    EXPECT_EQ(run(&f, BPF_DEVCG_DEV_BLOCK, access, major, minor),
                              said(rules, n, 'b', access, major, minor));
                }
            }
        }
        vec_release(&f);
    }
}

static int open_node(const char *dir, u32 major, u32 minor, int flags)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%u-%u", dir, major, minor);
    if (mknod(path, S_IFCHR | 0666, makedev(major, minor)) != 0)
        return errno;
    int fd = open(path, flags | O_NONBLOCK);
    int error = fd < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    unlink(path);
    return error;
}

/* In the group; an exit code that says which of them is wrong. */
static int try_devices(const char *dir, const char *procs)
{
    Error *e = os_write_text(procs, "0");
    if (e)
        return 1;
    if (open_node(dir, 1, 3, O_RDWR) != 0)
        return 2;
    if (open_node(dir, 1, 5, O_RDONLY) != 0)
        return 3;
    if (open_node(dir, 1, 5, O_RDWR) != EPERM)
        return 4;
    return open_node(dir, 1, 9, O_RDONLY) == EPERM ? 0 : 5;
}

TEST(security_sandbox_device_filter_in_the_kernel)
{
    const char *tree =
        os_is_cgroup("/sys/fs/cgroup", 2) ? "/sys/fs/cgroup" : "/sys/fs/cgroup/unified";
    char group[128], procs[160], dir[64];
    if (geteuid() != 0 || !os_is_cgroup(tree, 2))
        test_skip("no control groups of version 2, or not root");
    snprintf(dir, sizeof dir, "/tmp/devices-test-XXXXXX");
    EXPECT(mkdtemp(dir));
    snprintf(group, sizeof group, "%s/devices-test-%d", tree, (int)getpid());
    snprintf(procs, sizeof procs, "%s/cgroup.procs", group);
    if (open_node(dir, 1, 9, O_RDONLY) != 0 || mkdir(group, 0755) != 0) {
        rmdir(dir);
        test_skip("devices or control groups can not be made here");
    }
    DeviceFilter f;
    device_filter_make(rules, ARRAY_LEN(rules), &f);
    int error = os_bpf_filter_devices(group, f.p, f.n);
    pid_t pid = fork();
    if (pid == 0)
        _exit(error ? 0 : try_devices(dir, procs));
    int status;
    EXPECT(waitpid(pid, &status, 0) == pid);
    rmdir(group);
    rmdir(dir);
    vec_release(&f);
    if (error == EPERM || error == ENOSYS)
        test_skip("programs of the kernel's machine can not be loaded here");
    EXPECT_EQ(error, 0);
    EXPECT_EQ(status, 0);
}
