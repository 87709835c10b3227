/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Names and numbers of this machine's system calls, as the headers of the C library have them. */
#ifndef OS_SYSCALLS_H
#define OS_SYSCALLS_H

#include "base/base.h"

/* -1 if there is none of that name. */
i32 os_syscall_number(const char *name);
/* What filters see as the kind of machine. */
u32 os_syscall_arch(void);

#endif
