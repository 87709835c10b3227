/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Between the files of WASI 0.2: the host, its resources. */
#ifndef WASI_P2_PRIV_H
#define WASI_P2_PRIV_H

#include "base/map.h"
#include "bind/wasi_io_streams.h"
#include "wasi/ctx_priv.h"
#include "wasi/p2.h"

/* Names and values that a command line gave, each name once, in the order of the last. */
typedef struct P2Pair {
    Str name, value;
} P2Pair;
typedef struct P2Pairs {
    Arena arena;
    VEC(P2Pair) list;
    Map index; /* name -> index into `list` */
} P2Pairs;
Error *p2_pairs_set(P2Pairs *p, const Str *pairs, u32 n) MUST_CHECK; /* once */
void p2_pairs_release(P2Pairs *p);

struct WasiP2 {
    WasiCtx *ctx;
    Store *store;  /* NULL: it is gone */
    u64 resources; /* alive, of those that handles stand for */
    P2Pairs config, keyvalue;
    u64 keyvalue_bytes; /* that the entries of all buckets take */
};

static inline WasiP2 *p2_of(const LiftCall *c)
{
    return lift_host(c);
}
/* Ends the guest with the error. */
void p2_fail(LiftCall *c, Error *e);
/* Memory of a resource, zeroed; the call fails if there are more than there may be. */
void *p2_resource_new(LiftCall *c, usize size);
void p2_resource_free(void *host, void *rep);
/* The guest is to be left; ends it. */
bool p2_stopped(LiftCall *c);

/* An open file or directory: of a descriptor and of the streams that were made of it. */
typedef struct P2File {
    u32 refs;
    FsNode node;
} P2File;
P2File *p2_file_ref(P2File *f);
void p2_file_unref(P2File *f); /* may be NULL */

/* What is alive of what was made of a resource and must not outlive it. */
typedef struct P2Children {
    u32 n;
    const LiftResource *type; /* set once the parent was dropped all the same */
    void *rep;
} P2Children;
/* True if a resource has children: it stays until they are gone, and the guest that dropped it
 * ends. */
bool p2_has_children(void *host, P2Children *c, const LiftResource *type, void *rep);
void p2_child_gone(void *host, P2Children *c); /* may be NULL */

struct WasiIoErrorError {
    int err; /* an errno value */
};

struct WasiIoStreamsInputStream {
    int fd;       /* -1: at its end */
    P2File *file; /* own; NULL: standard input */
    u64 offset;
    P2Children pollables;
};

struct WasiIoStreamsOutputStream {
    int fd;       /* -1: nowhere */
    P2File *file; /* own; NULL: a standard stream */
    u64 offset;
    bool append;
    bool closed;
    u64 allowed; /* bytes that the last check-write permits */
    P2Children pollables;
};

struct WasiIoPollPollable {
    int fd;             /* to be read from; -1: none */
    u64 deadline;       /* of os_monotonic_ns; 0: ready */
    P2Children *parent; /* of a stream; may be NULL */
};
WasiIoPollPollable *p2_pollable(LiftCall *call, int fd, u64 deadline);

#endif
