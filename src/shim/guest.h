/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The executor: this program inside a container, as its first process. Descriptor 3 is the program
 * itself, 4 the module, both sealed memory that the shim made; all else is the container's.
 */
#ifndef SHIM_GUEST_H
#define SHIM_GUEST_H

/* `args`: the function to call, then the guest's arguments. The exit code of the container. */
int guest_main(int nargs, char **args);

#endif
