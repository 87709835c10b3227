/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The codec of ttrpc. */
#include "shim/ttrpc.h"

#include "shim/shim.pb-c.h"
#include "unit/test.h"

static void header(Buf *b, u32 n, u32 stream, u8 type)
{
    buf_u32(b, __builtin_bswap32(n));
    buf_u32(b, __builtin_bswap32(stream));
    buf_u8(b, type);
    buf_u8(b, 0);
}

/* One frame, byte by byte: nothing before the last byte, the frame with it. */
TEST(ttrpc_frame_by_bytes)
{
    Buf b = {0};
    TtrpcReader r = {0};
    TtrpcFrame f;
    header(&b, 3, 7, TTRPC_REQUEST);
    buf_str(&b, STR("abc"));
    for (usize i = 0; i < b.n; i++) {
        EXPECT(!ttrpc_next(&r, &f));
        ttrpc_feed(&r, b.p + i, 1);
    }
    EXPECT(ttrpc_next(&r, &f));
    EXPECT_EQ(f.stream, 7);
    EXPECT_EQ(f.type, TTRPC_REQUEST);
    EXPECT_EQ(f.n, 3);
    EXPECT(memcmp(f.p, "abc", 3) == 0);
    EXPECT(!ttrpc_next(&r, &f));
    ttrpc_reader_release(&r);
    buf_release(&b);
}

/* The largest frame passes; one byte more, or 2^32-1, is left out and what follows is read. */
TEST(ttrpc_frame_too_large)
{
    static const u32 sizes[] = {TTRPC_MAX_DATA, TTRPC_MAX_DATA + 1, TTRPC_MAX_DATA + 70000};
    for (usize i = 0; i < ARRAY_LEN(sizes); i++) {
        Buf b = {0};
        TtrpcReader r = {0};
        TtrpcFrame f;
        header(&b, sizes[i], 1, TTRPC_REQUEST);
        buf_reserve(&b, sizes[i]);
        memset(b.p + b.n, 0, sizes[i]);
        b.n += sizes[i];
        header(&b, 0, 3, TTRPC_REQUEST);
        u32 seen = 0;
        for (usize at = 0; at < b.n; at += 16384) {
            ttrpc_feed(&r, b.p + at, MIN(16384, b.n - at));
            for (; ttrpc_next(&r, &f); seen++) {
                EXPECT_EQ(f.stream, seen == 0 ? 1 : 3);
                EXPECT_EQ(f.too_large, seen == 0 && sizes[i] > TTRPC_MAX_DATA);
            }
            if (sizes[i] > TTRPC_MAX_DATA)
                EXPECT(r.bytes.n <= 16384);
        }
        EXPECT_EQ(seen, 2);
        ttrpc_reader_release(&r);
        buf_release(&b);
    }
}

static Pb__Response *read_response(const Buf *b)
{
    TtrpcReader r = {0};
    TtrpcFrame f;
    ttrpc_feed(&r, b->p, b->n);
    EXPECT(ttrpc_next(&r, &f));
    EXPECT_EQ(f.type, TTRPC_RESPONSE);
    EXPECT_EQ(f.stream, 5);
    Pb__Response *m = message_get(&pb__response__descriptor, f.p, f.n);
    EXPECT(m);
    ttrpc_reader_release(&r);
    return m;
}

TEST(ttrpc_responses)
{
    Buf b = {0};
    ttrpc_put_response(&b, 5, RPC_OK, NULL, NULL);
    EXPECT_EQ(b.n, TTRPC_HEADER);
    b.n = 0;
    ttrpc_put_response(&b, 5, RPC_NOT_FOUND, "why", NULL);
    Pb__Response *m = read_response(&b);
    EXPECT_EQ(m->status->code, 5);
    EXPECT_STR(m->status->message, "why");
    protobuf_c_message_free_unpacked(&m->base, NULL);
    b.n = 0;
    Pb__PidReply pid = PB__PID_REPLY__INIT;
    pid.pid = 300;
    ttrpc_put_response(&b, 5, RPC_OK, NULL, &pid.base);
    m = read_response(&b);
    EXPECT(!m->status);
    EXPECT_EQ(m->payload.len, 3);
    EXPECT(memcmp(m->payload.data, "\x08\xac\x02", 3) == 0);
    protobuf_c_message_free_unpacked(&m->base, NULL);
    buf_release(&b);
}
