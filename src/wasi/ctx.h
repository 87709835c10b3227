/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The host side of WASI for one store: what a guest gets to see of the system, and its limits.
 * Every version of WASI works on this. Built once, before the guest runs; used by one thread.
 *
 * Nothing is granted that is not asked for: a new context has no arguments, no environment, no
 * directories, an empty standard input and outputs that go nowhere.
 */
#ifndef WASI_CTX_H
#define WASI_CTX_H

#include "base/error.h"

typedef struct WasiCtx WasiCtx;

WasiCtx *wasi_ctx_new(void);
void wasi_ctx_free(WasiCtx *c);
/* For the next guest: what the last one opened is closed, and its clock starts again. */
void wasi_ctx_reset(WasiCtx *c);

/* Text must be UTF-8 without NUL. */
Error *wasi_ctx_arg(WasiCtx *c, Str arg);
Error *wasi_ctx_env(WasiCtx *c, Str name, Str value);
Error *wasi_ctx_inherit_env(WasiCtx *c);   /* all of the process, in front of later wasi_ctx_env */
Error *wasi_ctx_cwd(WasiCtx *c, Str path); /* what a component is told; opens nothing */

typedef enum WasiStdio { WASI_STDIN, WASI_STDOUT, WASI_STDERR } WasiStdio;
/* Uses the descriptor, which stays the caller's; -1: none. */
void wasi_ctx_stdio(WasiCtx *c, WasiStdio which, int fd);
void wasi_ctx_inherit_stdio(WasiCtx *c, WasiStdio which); /* the process's own */

/*
 * For the guests of a server, which have numbers: the variable INSTANCE_ID behind those of the
 * environment, and, with `prefix`, "stdout [ID] :: " or "stderr [ID] :: " in front of each line of
 * output.
 */
void wasi_ctx_instance_id(WasiCtx *c, u64 id, bool prefix);

/* Gives a directory of the host under a name of the guest's. */
Error *wasi_ctx_preopen(WasiCtx *c, const char *host_path, Str guest_name, bool read_only);

void wasi_ctx_hostcall_fuel(WasiCtx *c, u64 bytes);   /* each call */
void wasi_ctx_max_random_size(WasiCtx *c, u64 bytes); /* each request */
void wasi_ctx_max_resources(WasiCtx *c, u64 count);   /* open descriptors */
/* What of the network there is. Addresses are checked when they are used: by binding, listening,
 * accepting, connecting, sending and receiving. */
typedef struct WasiNetwork {
    bool tcp, udp;   /* sockets can be made */
    bool addresses;  /* all can be used */
    bool names;      /* can be looked up */
    bool error_code; /* the unstable function network-error-code */
} WasiNetwork;
void wasi_ctx_network(WasiCtx *c, WasiNetwork n);
/* Is told of each call of preview 0 and 1, with the names and values of its parameters, and of the
 * errno that it returns. */
typedef void (*WasiTrace)(void *arg, const char *module, const char *func, const char *text);
void wasi_ctx_trace(WasiCtx *c, WasiTrace trace, void *arg);
/* Resolves paths without openat2, as on kernels that lack it. For tests. */
void wasi_ctx_walk_paths(WasiCtx *c);

#endif
