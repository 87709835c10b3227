/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of wasi/ know of a context, and the descriptors of preview 1. */
#ifndef WASI_CTX_PRIV_H
#define WASI_CTX_PRIV_H

#include "base/vec.h"
#include "wasi/ctx.h"
#include "wasi/fs.h"

typedef struct WasiPreopen {
    FsNode node; /* own */
    char *name;  /* own; the guest's name for it */
} WasiPreopen;

typedef enum WasiFdKind {
    WASI_FD_CLOSED,
    WASI_FD_STDIN,
    WASI_FD_STDOUT, /* standard error, too */
    WASI_FD_DIR,
    WASI_FD_FILE,
} WasiFdKind;

/* A descriptor of preview 1. Standard streams have a node without permissions or mode. */
typedef struct WasiFd {
    WasiFdKind kind;
    bool tty;              /* WASI_FD_STDIN, WASI_FD_STDOUT */
    bool append, nonblock; /* WASI_FD_FILE: the flags the guest set */
    FsNode node;           /* fd -1: a standard stream that is not connected */
    u64 position;          /* WASI_FD_FILE */
    const char *preopen;   /* WASI_FD_DIR: borrow, its name if it is a preopen */
    FsListing *listing;    /* WASI_FD_DIR: own, the entries seen since the last start */
} WasiFd;

/* Numbered from 0; a closed number is used again, the lowest first. */
typedef struct WasiFdTable {
    VEC(WasiFd) fds;
    VEC(u32) free; /* a heap: the lowest closed number at its top */
    u32 open;
} WasiFdTable;

typedef struct P1Abi P1Abi;

/* What a host function of preview 0 or 1 gets. */
typedef struct P1Env {
    WasiCtx *ctx;
    const P1Abi *abi;
    struct Store *store; /* of runtime/store.h: the one the functions were linked for */
} P1Env;

/* What stands in front of the lines of a standard stream. */
typedef struct WasiPrefix {
    const char *stream; /* its name; NULL: nothing does */
    u64 id;
    bool inside; /* of a line */
} WasiPrefix;

struct WasiCtx {
    VEC(char *) args;     /* own */
    VEC(char *) env;      /* own, "name=value" */
    VEC(usize) env_names; /* how long each name is: there may be '=' in it */
    char *cwd;            /* own, NULL: none */
    VEC(WasiPreopen) preopens;
    int stdio[3]; /* borrow; -1: none */
    WasiPrefix prefix[3];
    u64 instance_id;
    bool has_id;
    u64 hostcall_fuel, max_random_size, max_resources;
    WasiNetwork network;
    u64 monotonic_start; /* of os_monotonic_ns; the guest's clock begins here */
    u64 listing_bytes;   /* taken by the listings of all descriptors */
    Sandbox sandbox;
    WasiFdTable fds;
    bool fds_ready;
    WasiTrace trace; /* may be NULL */
    void *trace_arg;
    P1Env p1_env[2]; /* by version; filled when the functions are linked */
};

/* The table, filled with the standard streams and the preopens when first asked for. */
WasiFdTable *wasi_ctx_fds(WasiCtx *c);
/* NULL if it is not open. Valid until the next wasi_fd_push. */
WasiFd *wasi_fd_get(WasiCtx *c, u32 fd);
/* False if the context has as many descriptors as it may have. Transfers what is in *d. */
bool wasi_fd_push(WasiCtx *c, const WasiFd *d, u32 *ret_fd);
/* Takes or drops the listing of a directory. 0 or an errno value. */
int wasi_fd_list(WasiCtx *c, WasiFd *d);
void wasi_fd_unlist(WasiCtx *c, WasiFd *d);
void wasi_fd_close(WasiCtx *c, u32 fd);              /* must be open */
void wasi_fd_renumber(WasiCtx *c, u32 from, u32 to); /* both open and different */

#endif
