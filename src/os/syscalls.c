/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The table is made by the Makefile from the headers that the compiler has. */
#include "os/syscalls.h"

#include <linux/audit.h>
#include <stdlib.h>
#include <sys/syscall.h>

typedef struct SyscallRow {
    const char *name;
    i32 number;
} SyscallRow;

/* In the order of the names. */
static const SyscallRow rows[] = {
#define SYSCALL(name) {#name, __NR_##name},
#include "os/syscalls.def"
#undef SYSCALL
};

static int compare(const void *key, const void *row)
{
    return strcmp(key, ((const SyscallRow *)row)->name);
}

i32 os_syscall_number(const char *name)
{
    const SyscallRow *row = bsearch(name, rows, ARRAY_LEN(rows), sizeof *rows, compare);
    return row ? row->number : -1;
}

u32 os_syscall_arch(void)
{
#if defined(__x86_64__)
    return AUDIT_ARCH_X86_64;
#else
    return AUDIT_ARCH_AARCH64;
#endif
}
