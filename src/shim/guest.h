/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The executor: this program inside a container, as its first process. Descriptor 3 is the program
 * itself, or what holds it until it is started; 4 the module; all else is the container's.
 */
#ifndef SHIM_GUEST_H
#define SHIM_GUEST_H

#include "base/base.h"

/* `held`: nothing runs before a byte comes from descriptor 3. `args`: the function to call, then
 * the guest's arguments. The exit code of the container. */
int guest_main(bool held, int nargs, char **args);

/* The signals that it is begun with blocked, lest one is lost before it looks: bit 0 is signal 1.
 */
u64 guest_signals(void);

#endif
