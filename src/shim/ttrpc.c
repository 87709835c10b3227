/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Frames: data length, stream (both big endian), type, flags; see ttrpc's PROTOCOL.md. */
#include "shim/ttrpc.h"

#include "shim/shim.pb-c.h"

static u32 big_endian(const u8 *p)
{
    return __builtin_bswap32(load_u32(p));
}

static void put_big_endian(Buf *b, u32 v)
{
    buf_u32(b, __builtin_bswap32(v));
}

void ttrpc_reader_release(TtrpcReader *r)
{
    buf_release(&r->bytes);
}

void ttrpc_feed(TtrpcReader *r, const void *p, usize n)
{
    usize skip = (usize)MIN(r->skip, n);
    r->skip -= skip;
    if (r->taken > 0) {
        r->bytes.n -= r->taken;
        memmove(r->bytes.p, r->bytes.p + r->taken, r->bytes.n);
        r->taken = 0;
    }
    if (n > skip)
        buf_bytes(&r->bytes, (const u8 *)p + skip, n - skip);
}

bool ttrpc_next(TtrpcReader *r, TtrpcFrame *ret_frame)
{
    usize left = r->bytes.n - r->taken;
    if (left < TTRPC_HEADER)
        return false;
    const u8 *p = r->bytes.p + r->taken;
    u32 n = big_endian(p);
    TtrpcFrame f = {.stream = big_endian(p + 4), .type = p[8], .flags = p[9]};
    left -= TTRPC_HEADER;
    if (n > TTRPC_MAX_DATA) {
        f.too_large = true;
        r->skip = n - MIN(n, left);
        r->taken += TTRPC_HEADER + MIN(n, left);
    } else {
        if (left < n)
            return false;
        f.p = p + TTRPC_HEADER;
        f.n = n;
        r->taken += TTRPC_HEADER + n;
    }
    *ret_frame = f;
    return true;
}

void message_put(Buf *out, const ProtobufCMessage *m)
{
    usize n = protobuf_c_message_get_packed_size(m);
    buf_reserve(out, n);
    out->n += protobuf_c_message_pack(m, out->p + out->n);
}

void *message_get(const ProtobufCMessageDescriptor *d, const void *p, usize n)
{
    return protobuf_c_message_unpack(d, NULL, n, n ? p : (const u8 *)"");
}

void ttrpc_put_frame(Buf *out, u32 stream, u8 type, const ProtobufCMessage *m)
{
    put_big_endian(out, u32_of(protobuf_c_message_get_packed_size(m)));
    put_big_endian(out, stream);
    buf_u8(out, type);
    buf_u8(out, 0);
    message_put(out, m);
}

void ttrpc_put_response(Buf *out, u32 stream, RpcCode code, const char *why,
                        const ProtobufCMessage *reply)
{
    Pb__Response r = PB__RESPONSE__INIT;
    Pb__Status status = PB__STATUS__INIT;
    Buf payload = {0};
    if (code != RPC_OK) {
        status.code = (i32)code;
        status.message = (char *)why;
        r.status = &status;
    } else if (reply) {
        message_put(&payload, reply);
        r.payload = (ProtobufCBinaryData){payload.n, payload.p};
    }
    ttrpc_put_frame(out, stream, TTRPC_RESPONSE, &r.base);
    buf_release(&payload);
}

void ttrpc_put_request(Buf *out, u32 stream, const char *service, const char *method,
                       const ProtobufCMessage *payload)
{
    Pb__Request r = PB__REQUEST__INIT;
    Buf bytes = {0};
    message_put(&bytes, payload);
    r.service = (char *)service;
    r.method = (char *)method;
    r.payload = (ProtobufCBinaryData){bytes.n, bytes.p};
    ttrpc_put_frame(out, stream, TTRPC_REQUEST, &r.base);
    buf_release(&bytes);
}
