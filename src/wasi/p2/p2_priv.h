/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Between the files of WASI 0.2: the host, its resources. */
#ifndef WASI_P2_P2_PRIV_H
#define WASI_P2_P2_PRIV_H

#include "base/map.h"
#include "bind/wasi_io_streams.h"
#include "wasi/ctx_priv.h"
#include "wasi/loop.h"
#include "wasi/p2/p2.h"

/* Names and values that a command line gave, each name once, in the order of the last. */
typedef struct P2Pair {
    Str name, value;
} P2Pair;
typedef struct P2Pairs {
    Arena arena;
    VEC(P2Pair) list;
    Map index; /* name -> index into `list` */
} P2Pairs;
/* *ret_pairs is set on failure, too. */
Error *p2_pairs_new(const Str *pairs, u32 n, P2Pairs **ret_pairs) MUST_CHECK;
void p2_pairs_free(P2Pairs *p); /* may be NULL */

typedef struct P2Http P2Http; /* of wasi/http/ */
P2Http *p2_http_new_like(WasiP2 *p, const P2Http *linked);
void p2_http_reset(P2Http *h); /* these may be NULL */
void p2_http_free(P2Http *h);

typedef struct P2Resolver P2Resolver; /* of resolver.c */
void p2_resolver_free(P2Resolver *r); /* may be NULL */

enum { P2_BLOCK_STEPS = 4 };
typedef struct P2Blocks {
    struct Block *first;
    u32 n;
} P2Blocks;

struct WasiP2 {
    WasiCtx *ctx;
    Store *store;                     /* NULL: it is gone */
    u64 resources;                    /* alive, of those that handles stand for */
    const P2Pairs *config, *keyvalue; /* NULL: not linked */
    P2Pairs *own[2];                  /* those that were linked for this host */
    u64 seed[2];                      /* of insecure-seed, once it was asked for */
    bool seeded;
    P2Resolver *resolver;            /* own; NULL until a name is looked up */
    P2Http *http;                    /* own; NULL: not linked */
    P2Blocks blocks[P2_BLOCK_STEPS]; /* memory that is kept for the next request */
    u64 keyvalue_bytes;              /* that the entries of all buckets take */
};

static inline WasiP2 *p2_of(const LiftCall *c)
{
    return lift_host(c);
}
/* Ends the guest with the error. */
void p2_fail(LiftCall *c, Error *e);
/* Zeroed memory for the time of a request. */
void *p2_block_new(WasiP2 *p, usize size);
void p2_block_free(WasiP2 *p, void *bytes);
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

/* Waits (wasi/loop.h). False: the guest is to be left, and the call has failed. */
bool p2_wait(LiftCall *c, WasiWait *w, usize n, u64 deadline) MUST_CHECK;

struct WasiIoErrorError {
    int err;          /* an errno value */
    const char *text; /* own; NULL: that of the errno value */
    const void *kind; /* whose `code` it is: an address of who made it */
    u32 code;
    u64 detail; /* to the code */
};

/* What an implementation of streams returns instead of an errno value when its end is reached or
 * the other side does not read any more. */
enum { P2_CLOSED = -1 };

/*
 * Streams over other things than files. None of these waits. 0 is success; EAGAIN is `not now`,
 * after which `wants` says what to wait for; P2_CLOSED, or an errno value, ends an output stream.
 */
typedef struct P2InputOps {
    int (*read)(void *impl, u8 *p, usize n, usize *ret_n); /* n > 0 */
    bool (*ended)(const void *impl); /* is a read of nothing `closed`, too? NULL: never */
    void (*wants)(const void *impl, WasiWait *ret_wait);
    void (*describe)(void *impl, WasiIoErrorError *e); /* of the last error; may be NULL */
    void (*drop)(void *host, void *impl);
} P2InputOps;
typedef struct P2OutputOps {
    int (*check)(void *impl, u64 *ret_n);           /* bytes that `write` takes now; 0: none yet */
    int (*write)(void *impl, const u8 *p, usize n); /* all of them; no EAGAIN */
    int (*flush)(void *impl);                       /* EAGAIN: not everything is out */
    void (*wants)(const void *impl, WasiWait *ret_wait); /* until check or flush get further */
    void (*describe)(void *impl, WasiIoErrorError *e);
    void (*drop)(void *host, void *impl);
} P2OutputOps;

struct WasiIoStreamsInputStream {
    const P2InputOps *ops; /* NULL: a file or standard input */
    void *impl;
    P2Children pollables;
    P2Children *parent; /* counts it; may be NULL */
    int fd;             /* -1: a file at its end, or it failed */
    P2File *file;       /* own; NULL: standard input */
    u64 offset;
};

struct WasiIoStreamsOutputStream {
    const P2OutputOps *ops; /* NULL: a file or a standard stream */
    void *impl;
    P2Children pollables;
    P2Children *parent;
    bool closed;
    u64 allowed;        /* bytes that the last check-write permits */
    int fd;             /* -1: nowhere */
    P2File *file;       /* own; NULL: a standard stream */
    WasiPrefix *prefix; /* borrow, of the context: in front of lines; may be NULL */
    u64 offset;
    bool append;
};
/* New streams; `impl` is what the ops get. The parent (may be NULL) counts them. */
WasiIoStreamsInputStream *p2_input_new(LiftCall *c, const P2InputOps *ops, void *impl,
                                       P2Children *parent);
WasiIoStreamsOutputStream *p2_output_new(LiftCall *c, const P2OutputOps *ops, void *impl,
                                         P2Children *parent);

/* What to wait for until `of` is ready; asked at each wait. */
typedef void P2Wants(const void *of, WasiWait *ret_wait);
struct WasiIoPollPollable {
    P2Wants *wants; /* NULL: the deadline */
    const void *of;
    u64 deadline;       /* of os_monotonic_ns; 0: ready */
    P2Children *parent; /* may be NULL */
};
WasiIoPollPollable *p2_pollable_until(LiftCall *call, u64 deadline);
/* The resource behind `of` outlives the pollable: its `pollables` counts it. */
WasiIoPollPollable *p2_pollable_of(LiftCall *call, P2Wants *wants, const void *of,
                                   P2Children *pollables);

#endif
