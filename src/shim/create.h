/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Making and unmaking a container: mounts, program, standard input and output, the runtime. */
#ifndef SHIM_CREATE_H
#define SHIM_CREATE_H

#include "shim/container.h"

/* With the container's `op` held. On failure nothing is left but the container's own memory. */
Error *container_create(Shim *s, Container *c, const Pb__CreateRequest *m) MUST_CHECK;
/* A further process, which Exec has described in `<bundle>/exec-<id>.json`. */
Error *container_exec(Shim *s, Container *c, Process *p) MUST_CHECK;
/* The control group that the bundle asks for; for a container that this process has not made. */
void container_read_groups(Container *c);
/* Ends what runs and takes the mounts away. False if something may be left. */
bool container_destroy(Container *c);

#endif
