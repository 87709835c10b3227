/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* WASI 0.2: the interfaces that components import, on a context. */
#ifndef WASI_P2_H
#define WASI_P2_H

#include "component/instance.h"
#include "wasi/ctx.h"

typedef struct WasiP2 WasiP2;

/* Offers everything there is of wasi:cli, clocks, filesystem, io and random to components of the
 * store. *ret_p2 is set on failure, too, and is freed after the store, instances and linker. */
Error *wasi_p2_link(ComponentLinker *l, WasiCtx *c, Store *s, WasiP2 **ret_p2) MUST_CHECK;
void wasi_p2_free(WasiP2 *p);

#endif
