/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* WASI preview 1 (`wasi_snapshot_preview1`) and preview 0 (`wasi_unstable`) for core modules. */
#ifndef WASI_P1_P1_H
#define WASI_P1_P1_H

#include "runtime/instance.h"
#include "wasi/ctx.h"

/* Defines every function of the version. The context must outlive the linker's store. Both
 * versions can be linked to one context, and then share its descriptors. */
Error *wasi_p1_link(Linker *l, WasiCtx *ctx);
Error *wasi_p0_link(Linker *l, WasiCtx *ctx);

#endif
