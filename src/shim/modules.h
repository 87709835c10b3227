/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What a wasm container's process gets as its module: compiled code from the cache, mapped by all
 * containers with the same module, or the module itself in sealed memory. Neither can be changed by
 * whoever has the descriptor.
 */
#ifndef SHIM_MODULES_H
#define SHIM_MODULES_H

#include "oci/digest.h"
#include "shim/cache.h"
#include "shim/log.h"
#include "shim/precompile.h"

typedef struct Modules {
    CodeCache cache;
    Children *children; /* borrow, as the log */
    const ShimLog *log;
    pthread_mutex_t lock;
    pthread_cond_t settled;
    u32 closing; /* views whose mounts are not closed yet */
} Modules;

/* The cache as WASMTIME_SHIM_CACHE and WASMTIME_SHIM_CACHE_SIZE say; without it, that is logged. */
void modules_init(Modules *m, Children *children, const ShimLog *log);

/* Where the bytes come from. */
typedef struct ModuleSource {
    const char *id; /* borrow; of the container, for the log */
    Digest digest;
    const char *func; /* borrow; of it that is to be run */
    EngineWords options;
    /* Only asked if the code is not there: the module; NULL: `bytes` are it. */
    Error *(*read)(void *arg, Buf *ret_bytes);
    const Buf *bytes;
    /* Another place with the code for a target, looked at then; NULL: there is none. */
    bool (*fetch)(void *arg, const char *target, Buf *ret_code);
    /* Code that was made for a target. */
    void (*keep)(void *arg, const char *target, const Buf *code);
    void *arg;
} ModuleSource;

/* An error if the module is not valid, can not be read, or has no such function. */
Error *modules_open(Modules *m, const ModuleSource *s, int *ret_fd) MUST_CHECK;

/* This program for containers, as which it can not be changed. */
Error *executor_open(Modules *m, int *ret_fd) MUST_CHECK;
/* Before anything of a container runs that got one of these: waits until they can not be changed.
 */
void modules_settle(Modules *m);

#endif
