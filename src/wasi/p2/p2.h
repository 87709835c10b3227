/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* WASI 0.2: the interfaces that components import, on a context. */
#ifndef WASI_P2_P2_H
#define WASI_P2_P2_H

#include "component/instance.h"
#include "wasi/ctx.h"

typedef struct WasiP2 WasiP2;

/* The host of a store's components; it is freed after the store, instances and linker. */
WasiP2 *wasi_p2_new(WasiCtx *c, Store *s);
/*
 * The host of one of many stores that share a linker: what was linked for `linked` serves it, too,
 * where instances are made with it (component_instance_new_for). `linked` outlives it; it may have
 * no store itself, and is not changed.
 */
WasiP2 *wasi_p2_new_like(const WasiP2 *linked, WasiCtx *c, Store *s);
void wasi_p2_free(WasiP2 *p); /* may be NULL */
/* The store is gone, and its instances go now: what they own is dropped. May be NULL. */
void wasi_p2_detach(WasiP2 *p);
/* For the next guest in the store, where the last one's resources were dropped: resets the context.
 */
void wasi_p2_reset(WasiP2 *p);

/* Offers everything there is of wasi:cli, clocks, filesystem, io and random. */
Error *wasi_p2_link(ComponentLinker *l, WasiP2 *p) MUST_CHECK;
/* Offers wasi:config with these variables: texts of the form "name=value", the last of a name. */
Error *wasi_p2_link_config(ComponentLinker *l, WasiP2 *p, const Str *pairs, u32 n) MUST_CHECK;
/* Offers wasi:keyvalue, in memory; each bucket that is opened begins with these entries. */
Error *wasi_p2_link_keyvalue(ComponentLinker *l, WasiP2 *p, const Str *pairs, u32 n) MUST_CHECK;

#endif
