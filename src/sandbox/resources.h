/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The OCI specification's `linux.resources`: what a control group grants. */
#ifndef SANDBOX_RESOURCES_H
#define SANDBOX_RESOURCES_H

#include "sandbox/reader.h"

enum { DEVICE_RULES = 2000, RESOURCE_NONE = -2 };

enum DeviceAccess { DEVICE_MAKE = 1, DEVICE_READ = 2, DEVICE_WRITE = 4 };

typedef struct DeviceRule {
    bool allow;
    char type;        /* 'a': all that there are, 'b', 'c' */
    i64 major, minor; /* -1: all */
    u8 access;        /* DeviceAccess */
} DeviceRule;

/* A number is RESOURCE_NONE if nothing is said; -1 means without limit. */
typedef struct Resources {
    const DeviceRule *devices; /* a later one overrides an earlier one */
    u32 ndevices;
    i64 memory, memory_swap /* both together */, memory_reservation, swappiness;
    bool no_oom_kill;
    i64 cpu_shares, cpu_quota, cpu_period, cpu_burst, cpu_idle;
    const char *cpus, *mems; /* NULL: nothing is said */
    i64 pids;
} Resources;

void resources_read(Reader *r, const json_t *v, const char *where, Resources *ret_resources);

#endif
