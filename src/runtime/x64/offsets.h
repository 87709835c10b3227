/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Offsets that the assembly uses; trap.c asserts them. */
#ifndef RUNTIME_X64_OFFSETS_H
#define RUNTIME_X64_OFFSETS_H

#define CTX_STORE 8      /* VmCtx.store */
#define STORE_EXIT_FP 40 /* VmStore.exit_fp */
#define STORE_EXIT_PC 48 /* VmStore.exit_pc */

#endif
