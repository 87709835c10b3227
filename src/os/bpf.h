/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Programs of the kernel's machine (eBPF). */
#ifndef OS_BPF_H
#define OS_BPF_H

#include "base/base.h"

/* As struct bpf_insn. */
typedef struct OsBpfInsn {
    u8 code;
    u8 regs; /* destination, source << 4 */
    i16 off;
    i32 imm;
} OsBpfInsn;

/*
 * The program decides about devices for all processes of a control group of version 2, together
 * with those that are there already. 0 or an errno value.
 */
int os_bpf_filter_devices(const char *cgroup_folder, const OsBpfInsn *insns, usize n);

#endif
