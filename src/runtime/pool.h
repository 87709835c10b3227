/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Instances that are used again. A module that is instantiated repeatedly keeps some of its
 * instances: when their store goes, everything that the guest may have changed is put back, and
 * the next store gets one that is ready. Private to runtime/.
 */
#ifndef RUNTIME_POOL_H
#define RUNTIME_POOL_H

#include <stdatomic.h>

#include "os/thread.h"
#include "runtime/store.h"

/* The initial content of a memory: a file, shared by all instances of a module. */
typedef struct MemoryImage {
    int fd;
    u64 bytes;         /* whole pages */
    const u8 *content; /* the file, mapped for reading */
} MemoryImage;

/* What a module keeps. */
typedef struct InstancePool {
    OsMutex lock;
    bool possible;    /* the initial state does not depend on imports */
    _Atomic u32 made; /* instances made from scratch */
    Instance *idle;   /* linked by Instance.next; no reference to the module */
    u32 nidle;
    _Atomic(MemoryImage *) image; /* of memory 0, NULL until it pays */
} InstancePool;

/* How an instance was before its start function ran. */
typedef struct Snapshot Snapshot;

void pool_init(InstancePool *p, const WasmModule *w);
void pool_release(InstancePool *p, const WasmModule *w);
/* An idle instance, not linked to a store, or NULL. */
Instance *pool_take(Store *s, Module *m);
/* Links the memories and tables of such an instance to its store. */
void pool_attach(Instance *i);
/* The image to map instead of copying data segments, NULL if there is none. */
const MemoryImage *pool_image(const Module *m);
/* The new instance is whole, its start function has not run: remembers its state, if it pays. */
void pool_remember(Instance *i);
/* The store is going: resets a remembered instance and keeps it, or frees it. */
void pool_give(Instance *i);
void snapshot_free(Snapshot *s);

#endif
