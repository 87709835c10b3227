/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A gRPC client for a few small calls to containerd: one connection and one stream of HTTP/2 each.
 * Headers of answers are not read (that would take all of HPACK): what a call was good for is seen
 * by the messages that came.
 */
#ifndef SHIM_GRPC_H
#define SHIM_GRPC_H

#include "base/error.h"

#include <protobuf-c/protobuf-c.h>

typedef struct GrpcTarget {
    const char *socket, *ns; /* borrow: path of the socket, containerd's namespace */
} GrpcTarget;

/* Gives what came as data, at most `limit` bytes; `method`: "/service/Method". */
Error *grpc_call(const GrpcTarget *t, const char *method, const ProtobufCMessage *request,
                 usize limit, Buf *ret_data) MUST_CHECK;
/* The next message of the data, from *at on; false at the end or where the data is cut short. */
bool grpc_next(const Buf *data, usize *at, Str *ret_message);

/* The codec: frames of HTTP/2 of one call, for tests. */
void grpc_put_call(Buf *out, const GrpcTarget *t, const char *method,
                   const ProtobufCMessage *request);

typedef enum GrpcStep { GRPC_MORE, GRPC_END, GRPC_BROKEN } GrpcStep;

/* Takes whole frames from `in`, appends data, and to `reply` what must be answered. */
GrpcStep grpc_take(Buf *in, usize limit, Buf *data, Buf *reply);

#endif
