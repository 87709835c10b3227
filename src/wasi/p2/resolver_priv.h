/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Names to addresses, on the thread's loop. `done` is called once, with a status of c-ares and what
 * was found (borrow, NULL if nothing was), unless the query was cancelled; also from within
 * p2_resolver_start, for names that the hosts file has, and from p2_resolver_free.
 */
#ifndef WASI_P2_RESOLVER_PRIV_H
#define WASI_P2_RESOLVER_PRIV_H

#include "os/inet.h"

#include <ares.h>

typedef struct P2Resolver P2Resolver;
typedef struct P2Query P2Query;
typedef void P2ResolvedFn(void *arg, int status, const struct ares_addrinfo *info);

/* NULL: no loop, or no descriptors left. */
P2Resolver *p2_resolver_new(void);
void p2_resolver_free(P2Resolver *r); /* may be NULL */
u32 p2_resolver_pending(const P2Resolver *r);
/* A name that may be asked for. */
bool p2_resolver_takes(Str name);
/* The query is valid until `done` is called. */
P2Query *p2_resolver_start(P2Resolver *r, Str name, P2ResolvedFn *done, void *arg);
void p2_resolver_cancel(P2Query *q);
/* False: it is no IP address. */
bool p2_resolver_ip(const struct ares_addrinfo_node *i, OsInetAddr *ret_addr);

#endif
