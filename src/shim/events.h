/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Events for containerd, in the order in which they happened, also across its restarts. */
#ifndef SHIM_EVENTS_H
#define SHIM_EVENTS_H

#include "base/error.h"
#include "base/vec.h"
#include "shim/log.h"
#include "shim/shim.pb-c.h"

#include <pthread.h>

typedef struct Event {
    Buf request; /* the message of the call, own */
    char *topic; /* own */
} Event;

typedef struct Events {
    const ShimLog *log;
    const char *address, *ns; /* borrow; a path, NULL: events go nowhere */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    VEC(Event) queue; /* the first is being sent */
    bool busy;
    int fd; /* of the sending thread */
    u32 stream;
} Events;

Error *events_init(Events *e, const char *address, const char *ns, const ShimLog *log) MUST_CHECK;
/* type: of the message, without prefix, "containerd.events.TaskExit". */
void events_put(Events *e, const char *topic, const char *type, const ProtobufCMessage *event);
/* Waits until all are sent, or so many milliseconds. */
void events_flush(Events *e, u32 ms);

Pb__Timestamp timestamp_now(void);

#endif
