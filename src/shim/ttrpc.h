/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The codec of ttrpc, containerd's remote calls over a local socket: frames of a header of ten
 * bytes and a protocol buffer. Bytes in, frames out; no input or output of its own.
 */
#ifndef SHIM_TTRPC_H
#define SHIM_TTRPC_H

#include "base/buf.h"

#include <protobuf-c/protobuf-c.h>

enum { TTRPC_REQUEST = 1, TTRPC_RESPONSE = 2, TTRPC_DATA = 3 };
enum { TTRPC_HEADER = 10, TTRPC_MAX_DATA = 4 << 20 };

/* gRPC's status codes, of those that are used. */
typedef enum RpcCode {
    RPC_OK = 0,
    RPC_UNKNOWN = 2,
    RPC_INVALID_ARGUMENT = 3,
    RPC_NOT_FOUND = 5,
    RPC_ALREADY_EXISTS = 6,
    RPC_RESOURCE_EXHAUSTED = 8,
    RPC_FAILED_PRECONDITION = 9,
    RPC_UNIMPLEMENTED = 12,
} RpcCode;

typedef struct TtrpcFrame {
    u32 stream;
    u8 type, flags;
    bool too_large; /* more than TTRPC_MAX_DATA: the data was left out */
    const u8 *p;    /* borrow, until the next call with the reader */
    u32 n;
} TtrpcFrame;

/* What has come and is not taken yet: never more than one frame and one feed. */
typedef struct TtrpcReader {
    Buf bytes;
    usize taken; /* of bytes, to be dropped */
    u64 skip;    /* bytes of a frame that is too large */
} TtrpcReader;

void ttrpc_reader_release(TtrpcReader *r);
void ttrpc_feed(TtrpcReader *r, const void *p, usize n);
bool ttrpc_next(TtrpcReader *r, TtrpcFrame *ret_frame);

void ttrpc_put_frame(Buf *out, u32 stream, u8 type, const ProtobufCMessage *m);
/* `reply` NULL: an empty one; with a code other than RPC_OK the message says why. */
void ttrpc_put_response(Buf *out, u32 stream, RpcCode code, const char *why,
                        const ProtobufCMessage *reply);
void ttrpc_put_request(Buf *out, u32 stream, const char *service, const char *method,
                       const ProtobufCMessage *payload);

/* Appends the message's bytes. */
void message_put(Buf *out, const ProtobufCMessage *m);
/* NULL if the bytes are no such message; the caller's, for protobuf_c_message_free_unpacked. */
void *message_get(const ProtobufCMessageDescriptor *d, const void *p, usize n);

#endif
