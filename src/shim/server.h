/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The ttrpc server: a thread for each connection reads frames and does the requests that are quick,
 * a thread for each other request that is being done; calls that wait for an exit have none. A
 * client that goes away or does not read loses its own connection only.
 */
#ifndef SHIM_SERVER_H
#define SHIM_SERVER_H

#include "shim/ttrpc.h"

#include <stdatomic.h>

/* Own; a request until it is answered, which frees it. */
typedef struct Call Call;

typedef void CallFn(void *ctx, Call *call);

typedef struct Server {
    int fd; /* listens */
    CallFn *call;
    /* Is it done without waiting for anything but a client that does not read? */
    bool (*quick)(const Call *call);
    void (*left)(void *ctx, const void *client); /* it is not connected any more */
    void (*idle)(void *ctx);                     /* nobody is connected, and was for some seconds */
    void *ctx;
    atomic_uint conns;
} Server;

/* Accepts connections until the process ends. */
NORETURN void server_run(Server *s);

/* Which connection it came on, while it is there. */
const void *call_client(const Call *c);
bool call_client_left(const Call *c);
Str call_service(const Call *c);
Str call_method(const Call *c);
/* The request's message; NULL if the bytes are none. Freed with the call. */
void *call_message(Call *c, const ProtobufCMessageDescriptor *d);
/* Each answers and frees the call. */
void call_reply(Call *c, const ProtobufCMessage *reply); /* NULL: an empty one */
void call_fail(Call *c, RpcCode code, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
