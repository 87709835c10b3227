/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* containerd's Task service, versions 2 and 3. */
#ifndef SHIM_TASK_H
#define SHIM_TASK_H

#include "shim/container.h"

/* CallFn */
void task_call(void *shim, Call *call);
/* What was asked for by a client that has gone is not made. */
void task_left(void *shim, const void *client);
/* Server.quick */
bool task_quick(const Call *call);
/* Ends a shim without containers that nobody is connected to: a containerd that was killed after it
 * had started it does not know of it. */
void task_idle(void *shim);

#endif
