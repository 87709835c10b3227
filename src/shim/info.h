/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the shim says of itself before it is started (`-info`). */
#ifndef SHIM_INFO_H
#define SHIM_INFO_H

#include "base/error.h"

#define SHIM_NAME "io.containerd.wasmtime.v1"

/* Prints containerd's message RuntimeInfo, with the features of the OCI runtime if it tells them.
 */
Error *info_print(void) MUST_CHECK;

#endif
