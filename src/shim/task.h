/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* containerd's Task service, versions 2 and 3. */
#ifndef SHIM_TASK_H
#define SHIM_TASK_H

#include "shim/container.h"

/* CallFn */
void task_call(void *shim, Call *call);

#endif
