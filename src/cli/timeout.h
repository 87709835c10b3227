/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* `-W timeout`: interrupts a store after a while. */
#ifndef CLI_TIMEOUT_H
#define CLI_TIMEOUT_H

#include "os/thread.h"
#include "runtime/store.h"

typedef struct Timeout {
    Store *store;
    u64 deadline; /* of os_monotonic_ns */
    int stop[2];  /* a pipe: closing [1] ends the thread */
    bool running;
    OsThread thread;
} Timeout;

Error *timeout_start(Timeout *t, Store *s, u64 nanos) MUST_CHECK;
/* Does nothing if it was not started (all zero). Before the store goes. */
void timeout_stop(Timeout *t);

#endif
