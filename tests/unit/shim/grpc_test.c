/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The codec of the gRPC client. */
#include "shim/grpc.h"

#include "shim/shim.pb-c.h"
#include "unit/test.h"

static void frame(Buf *b, u8 type, u8 flags, u8 stream, Str data)
{
    u8 head[9] = {0, (u8)(data.n >> 8), (u8)data.n, type, flags, 0, 0, 0, stream};
    buf_bytes(b, head, sizeof head);
    buf_str(b, data);
}

/* Settings and pings are acknowledged, data of the stream is kept, the end is seen; in any pieces.
 */
TEST(grpc_frames_in_pieces)
{
    Buf all = {0};
    frame(&all, 4, 0, 0, STR("\0\4\0\0\xff\xff"));
    frame(&all, 4, 1, 0, STR(""));
    frame(&all, 1, 4, 1, STR("headers"));
    frame(&all, 6, 0, 0, STR("12345678"));
    frame(&all, 0, 0, 1, STR("\0\0\0\0\2a"));
    frame(&all, 0, 8, 1, STR("\2bxx"));
    frame(&all, 0, 0, 3, STR("of another stream"));
    frame(&all, 1, 5, 1, STR("trailers"));
    for (usize piece = 1; piece <= all.n; piece++) {
        Buf in = {0}, data = {0}, reply = {0};
        GrpcSending sending;
        GrpcStep step = GRPC_MORE;
        grpc_sending_init(&sending, &reply);
        for (usize at = 0; at < all.n; at += piece) {
            EXPECT_EQ(step, GRPC_MORE);
            buf_bytes(&in, all.p + at, MIN(piece, all.n - at));
            step = grpc_take(&in, 100, &data, &reply, &sending);
            EXPECT(step != GRPC_BROKEN);
        }
        EXPECT_EQ(step, GRPC_END);
        usize at = 0;
        Str m;
        EXPECT(grpc_next(&data, &at, &m));
        EXPECT(str_eq(m, STR("ab")));
        EXPECT(!grpc_next(&data, &at, &m));
        EXPECT_EQ(reply.n, 9 + 9 + 8);
        EXPECT(memcmp(reply.p,
                      "\0\0\0\4\1\0\0\0\0\0\0\10\6\1\0\0\0\0"
                      "12345678",
                      26) == 0);
        buf_release(&in);
        buf_release(&data);
        buf_release(&reply);
    }
    buf_release(&all);
}

static GrpcStep take(u8 type, u8 flags, u8 stream, Str payload, usize limit)
{
    Buf in = {0}, data = {0}, reply = {0};
    GrpcSending sending;
    grpc_sending_init(&sending, &reply);
    frame(&in, type, flags, stream, payload);
    GrpcStep step = grpc_take(&in, limit, &data, &reply, &sending);
    buf_release(&in);
    buf_release(&data);
    buf_release(&reply);
    return step;
}

TEST(grpc_what_breaks_a_call)
{
    EXPECT_EQ(take(0, 0, 1, STR("abc"), 3), GRPC_MORE);
    EXPECT_EQ(take(0, 0, 1, STR("abcd"), 3), GRPC_BROKEN);
    EXPECT_EQ(take(0, 8, 1, STR(""), 9), GRPC_BROKEN);
    EXPECT_EQ(take(0, 8, 1, STR("\3ab"), 9), GRPC_BROKEN);
    EXPECT_EQ(take(0, 8, 1, STR("\2ab"), 9), GRPC_MORE);
    EXPECT_EQ(take(3, 0, 1, STR("\0\0\0\1"), 9), GRPC_BROKEN);
    EXPECT_EQ(take(7, 0, 0, STR("\0\0\0\0\0\0\0\0"), 9), GRPC_BROKEN);
    EXPECT_EQ(take(200, 0, 1, STR("??"), 9), GRPC_MORE);
    Buf in = {0}, data = {0}, reply = {0};
    buf_bytes(&in, "\xff\xff\xff\0\0\0\0\0\1", 9);
    GrpcSending sending;
    grpc_sending_init(&sending, &reply);
    EXPECT_EQ(grpc_take(&in, 9, &data, &reply, &sending), GRPC_BROKEN);
    buf_release(&in);
}

TEST(grpc_messages_cut_short)
{
    Buf data = {0};
    usize at = 0;
    Str m;
    buf_bytes(&data, "\0\0\0\0\3ab", 7);
    EXPECT(!grpc_next(&data, &at, &m));
    data.n = 4;
    EXPECT(!grpc_next(&data, &at, &m));
    data.n = 0;
    buf_bytes(&data, "\1\0\0\0\1a", 6); /* compressed, which nobody asked for */
    EXPECT(!grpc_next(&data, &at, &m));
    buf_release(&data);
}

/* A name of 200 bytes needs an integer of two bytes. */
TEST(grpc_call_as_bytes)
{
    char ns[201];
    memset(ns, 'n', 200);
    ns[200] = 0;
    Buf out = {0}, body = {0};
    GrpcSending sending;
    Pb__IdRequest r = PB__ID_REQUEST__INIT;
    r.id = (char *)"x";
    grpc_put_message(&body, &r.base);
    grpc_sending_init(&sending, &body);
    grpc_put_head(&out, &(GrpcTarget){"", ns, NULL}, "/a/B");
    grpc_put_data(&out, &sending);
    EXPECT(memcmp(out.p, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24) == 0);
    EXPECT(memmem(out.p, out.n, "\0\5:path\4/a/B", 12));
    EXPECT(memmem(out.p, out.n, "\0\24containerd-namespace\177\111nnn", 27));
    EXPECT(memcmp(out.p + out.n - 17, "\0\0\10\0\1\0\0\0\1\0\0\0\0\3\12\1x", 17) == 0);
    buf_release(&out);
    buf_release(&body);
}

/* Bytes of data frames. */
static usize data_bytes(const Buf *b, bool *ret_end)
{
    usize sum = 0;
    for (usize at = 0; at < b->n;) {
        usize n = (usize)b->p[at] << 16 | (usize)b->p[at + 1] << 8 | b->p[at + 2];
        EXPECT(b->p[at + 3] == 0 && n <= 16384);
        *ret_end = b->p[at + 4] & 1;
        sum += n;
        at += 9 + n;
    }
    return sum;
}

static usize send_more(GrpcSending *s, u8 type, u8 stream, Str payload, bool *ret_end)
{
    Buf in = {0}, data = {0}, reply = {0}, out = {0};
    frame(&in, type, 0, stream, payload);
    EXPECT_EQ(grpc_take(&in, 9, &data, &reply, s), GRPC_MORE);
    grpc_put_data(&out, s);
    usize n = data_bytes(&out, ret_end);
    buf_release(&in);
    buf_release(&data);
    buf_release(&reply);
    buf_release(&out);
    return n;
}

/* A body never goes beyond the windows of the call and of the connection. */
TEST(grpc_windows)
{
    Buf body = {0}, out = {0};
    GrpcSending s;
    bool end = false;
    buf_reserve(&body, 200000);
    memset(body.p, 7, 200000);
    body.n = 200000;
    grpc_sending_init(&s, &body);
    grpc_put_data(&out, &s);
    EXPECT_EQ(data_bytes(&out, &end), 65535);
    EXPECT_EQ(send_more(&s, 8, 1, STR("\0\0\1\0"), &end), 0); /* of the call alone */
    EXPECT_EQ(send_more(&s, 8, 0, STR("\0\0\0\20"), &end), 16);
    EXPECT_EQ(send_more(&s, 8, 0, STR("\0\1\0\0"), &end), 240);
    EXPECT_EQ(send_more(&s, 4, 0, STR("\0\4\0\1\0\0"), &end), 1); /* one more than 65535 */
    EXPECT_EQ(send_more(&s, 4, 0, STR("\0\4\0\0\0\0"), &end), 0); /* below what was sent */
    EXPECT_EQ(send_more(&s, 4, 0, STR("\0\4\0\1\0\0"), &end), 0);
    EXPECT_EQ(send_more(&s, 8, 1, STR("\0\4\0\0"), &end), 65536 - 241);
    EXPECT(!end);
    EXPECT_EQ(send_more(&s, 8, 0, STR("\0\4\0\0"), &end), 200000 - 65535 - 16 - 65536);
    EXPECT(end && s.ended);
    buf_release(&out);
    buf_release(&body);
    EXPECT_EQ(take(8, 0, 1, STR("\177\377\377\377"), 9), GRPC_BROKEN);
    EXPECT_EQ(take(8, 0, 1, STR("\0\0\1"), 9), GRPC_BROKEN);
    EXPECT_EQ(take(4, 0, 0, STR("\0\4\377\377\377\377"), 9), GRPC_BROKEN);
    EXPECT_EQ(take(4, 0, 0, STR("\0\4\0"), 9), GRPC_BROKEN);
}
