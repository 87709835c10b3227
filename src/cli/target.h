/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which machine code is made for: --target and the `-C cranelift-KEY` settings. */
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

#include "abi/tunables.h"
#include "cli/cmdline.h"

#define HOST_TRIPLE "x86_64-unknown-linux-gnu"

/* Refuses machines that there is no code generator for. NULL is the host. */
Error *target_check(const char *triple) MUST_CHECK;
/*
 * Applies both to *t, in which `cpu` is what the host has (bits of backend/x64/cpu.h, or 0 if it is
 * too old), and becomes what code may use.
 */
Error *target_setup(const CmdLine *c, Tunables *t) MUST_CHECK;

enum { SETTING_NAME_SIZE = 64 };
/* The name of a CPU feature as a setting: "has_sse42". `bit` is an X64CpuBit. */
void setting_name(u32 bit, char ret_name[SETTING_NAME_SIZE]);

#endif
