/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The fuzz targets, for libFuzzer and for plain replay. */
#ifndef TESTS_FUZZ_TARGETS_H
#define TESTS_FUZZ_TARGETS_H

#include "base/buf.h"

#define TARGET(name, seeds) void fuzz_##name(const u8 *p, usize n);
#include "fuzz/targets.def"
#undef TARGET

typedef struct FuzzTarget {
    const char *name;
    u64 seeds; /* generated inputs that the unit tests run */
    void (*run)(const u8 *p, usize n);
} FuzzTarget;
extern const FuzzTarget fuzz_targets[];
/* NULL if there is no such target. */
const FuzzTarget *fuzz_find(const char *name);

/* Runs the target on a file, or on all files of a folder (in it, not below). Returns how many;
 * 0 if there is nothing. */
u32 fuzz_replay(const FuzzTarget *t, const char *path);

/* The module that the target exec makes of an input, with its configuration in a custom section. */
void fuzz_exec_module(const u8 *p, usize n, Buf *out);

/* Prints the finding and aborts. */
NORETURN void fuzz_finding(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
