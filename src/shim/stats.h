/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Control groups: where a process is, and what it has used, in the form of the host's kind. */
#ifndef SHIM_STATS_H
#define SHIM_STATS_H

#include "base/error.h"
#include "base/vec.h"

typedef VEC(u32) PidList;

/*
 * The path of the process's group, own: below each controller's folder where controllers have
 * hierarchies of their own (version 1), or below /sys/fs/cgroup.
 */
Error *cgroup_of(int pid, char **ret_path) MUST_CHECK;
/* A message of metrics and its type. */
Error *cgroup_stats(const char *path, const char **ret_type, Buf *ret_message) MUST_CHECK;
/* The processes of the group. */
Error *cgroup_pids(const char *path, PidList *ret_pids) MUST_CHECK;

bool cgroup_is_unified(void); /* version 2 */
/* Version 2: how often the kernel ended a process for want of memory. */
u64 cgroup_oom_kills(const char *path);

#endif
