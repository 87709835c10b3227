/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A gRPC client for a few small calls to containerd: one stream of HTTP/2 each, on a connection of
 * its own or on one for several calls, one after the other. Headers of answers are not read (that
 * would take all of HPACK): what a call was good for is seen by the messages that came.
 */
#ifndef SHIM_GRPC_H
#define SHIM_GRPC_H

#include "base/error.h"

#include <protobuf-c/protobuf-c.h>

/* A connection for several small calls; the first makes it. A call that fails ends it. */
typedef struct GrpcLink {
    bool open;
    int fd;           /* own */
    u32 stream;       /* of the last call */
    i64 window;       /* what the other side has room for, */
    u32 first_window; /* and for a new stream */
    Buf in;           /* own; what came behind the last answer */
    Buf out;          /* own; what is to be sent before the next call */
} GrpcLink;

typedef struct GrpcTarget {
    const char *socket, *ns; /* borrow: path of the socket, containerd's namespace */
    const char *lease;       /* of containerd, under which a call works; NULL: none */
    GrpcLink *link;          /* NULL: a connection for each call */
} GrpcTarget;

void grpc_link_close(GrpcLink *l);

/* Gives what came as data, at most `limit` bytes; `method`: "/service/Method". */
Error *grpc_call(const GrpcTarget *t, const char *method, const ProtobufCMessage *request,
                 usize limit, Buf *ret_data) MUST_CHECK;
/* Adds a message to the body of a call that has several. */
void grpc_put_message(Buf *body, const ProtobufCMessage *m);
Error *grpc_call_body(const GrpcTarget *t, const char *method, const Buf *body, usize limit,
                      Buf *ret_data) MUST_CHECK;
/* The next message of the data, from *at on; false at the end or where the data is cut short. */
bool grpc_next(const Buf *data, usize *at, Str *ret_message);

/* The codec: frames of HTTP/2 of a connection's beginning and of one call, for tests. */
void grpc_put_preface(Buf *out);
void grpc_put_head(Buf *out, const GrpcTarget *t, const char *method, u32 stream);

/* What of the body is sent, and what the other side has room for. */
typedef struct GrpcSending {
    const Buf *body; /* borrow */
    u32 stream;
    usize sent;
    bool ended;
    i64 window, stream_window; /* of the connection, of the call */
    u32 first_window;          /* of a new stream, by the settings */
} GrpcSending;

void grpc_sending_init(GrpcSending *s, const Buf *body);
/* Appends what there is room for, up to some limit; again when more was taken. */
void grpc_put_data(Buf *out, GrpcSending *s);

typedef enum GrpcStep { GRPC_MORE, GRPC_END, GRPC_BROKEN } GrpcStep;

/* Takes whole frames from `in`, appends data, and to `reply` what must be answered. */
GrpcStep grpc_take(Buf *in, usize limit, Buf *data, Buf *reply, GrpcSending *s);

#endif
