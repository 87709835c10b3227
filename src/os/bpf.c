/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Loaded and attached by bpf(2); the group keeps the program. */
#include "os/bpf.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

static_assert(sizeof(OsBpfInsn) == sizeof(struct bpf_insn), "the kernel's form");

static int bpf(int command, union bpf_attr *attr)
{
    return (int)syscall(SYS_bpf, command, attr, sizeof *attr);
}

static int load(const OsBpfInsn *insns, usize n, int *ret_fd)
{
    union bpf_attr a = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE};
    a.insns = (u64)(uintptr_t)insns;
    a.insn_cnt = u32_of(n);
    a.license = (u64)(uintptr_t) "Apache-2.0";
    int fd = bpf(BPF_PROG_LOAD, &a); /* close-on-exec, as all of its kind */
    if (fd < 0)
        return errno;
    *ret_fd = fd;
    return 0;
}

int os_bpf_filter_devices(const char *cgroup_folder, const OsBpfInsn *insns, usize n)
{
    union bpf_attr a = {.attach_type = BPF_CGROUP_DEVICE};
    int program = -1;
    int cgroup = open(cgroup_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (cgroup < 0)
        return errno;
    int error = load(insns, n, &program);
    if (!error) {
        a.target_fd = (u32)cgroup;
        a.attach_bpf_fd = (u32)program;
        a.attach_flags = BPF_F_ALLOW_MULTI;
        error = bpf(BPF_PROG_ATTACH, &a) < 0 ? errno : 0;
        close(program);
    }
    close(cgroup);
    return error;
}
