/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Says so when the kernel ends a process of a control group because its memory is used up. */
#ifndef SHIM_OOM_H
#define SHIM_OOM_H

#include "shim/events.h"

/* Publishes /tasks/oom for the container, each time, until the group is gone. */
Error *oom_watch(Events *events, const char *id, const char *cgroup) MUST_CHECK;

#endif
