/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The mounts that containerd asks for below a container's rootfs. */
#ifndef SHIM_MOUNTS_H
#define SHIM_MOUNTS_H

#include "base/error.h"
#include "shim/shim.pb-c.h"

/* Mounts in order; on failure those that were made are gone. */
Error *mounts_make(Pb__Mount *const *mounts, usize n, const char *target) MUST_CHECK;
/* Unmounts all that is mounted at `target` itself; never follows a link. False if something stays.
 */
bool mounts_undo(const char *target);

#endif
