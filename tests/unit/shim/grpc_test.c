/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The codec of the gRPC client. */
#include "shim/grpc.h"

#include "os/fs.h"
#include "os/local.h"
#include "os/socket.h"
#include "shim/shim.pb-c.h"
#include "unit/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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
    grpc_put_preface(&out);
    grpc_put_head(&out, &(GrpcTarget){"", ns, NULL, NULL}, "/a/B", 1);
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

/* ---- several calls ---- */

typedef struct Server {
    int fd;
    u32 connections, calls; /* calls of the last connection */
    bool spoilt;            /* a preface was not where a connection began, or was elsewhere */
    u32 settled;            /* calls after the settings were acknowledged */
} Server;

/* The streams whose calls have ended in what has come. */
static u32 ended_streams(const Buf *in)
{
    u32 n = 0;
    for (usize at = 24 + 9 + 18 + 9 + 4; at + 9 <= in->n;) {
        const u8 *p = in->p + at;
        n += p[3] == 0 && (p[4] & 1);
        at += 9 + ((usize)p[0] << 16 | (usize)p[1] << 8 | p[2]);
    }
    return n;
}

/* Answers "a" to the first call, "b" to the second, and resets the third's stream. */
static void serve_calls(Server *s, int fd)
{
    Buf in = {0};
    s->calls = 0;
    for (;;) {
        usize n = 0;
        buf_reserve(&in, 4096);
        if (os_recv(fd, in.p + in.n, 4096, &n) != 0 || n == 0)
            break;
        in.n += n;
        if (ended_streams(&in) == s->calls)
            continue;
        Buf out = {0};
        u8 stream = (u8)(2 * s->calls++ + 1);
        const u8 answer[6] = {0, 0, 0, 0, 1, (u8)('a' + s->calls - 1)};
        if (stream == 1)
            frame(&out, 4, 0, 0, STR(""));
        frame(&out, 3, 0, (u8)(stream + 20), STR("\0\0\0\0")); /* of a call that is no more */
        if (stream == 5) {
            frame(&out, 3, 0, stream, STR("\0\0\0\0"));
        } else {
            frame(&out, 0, 0, stream, (Str){(const char *)answer, sizeof answer});
            frame(&out, 1, 5, stream, STR("trailers"));
        }
        frame(&out, 8, 0, 0, STR("\0\0\0\5")); /* behind the answer */
        s->spoilt |=
            memcmp(in.p, "PRI * HTTP/2.0", 14) != 0 || memmem(in.p + 24, in.n - 24, "PRI", 3);
        s->settled += memmem(in.p, in.n, "\0\0\0\4\1\0\0\0\0", 9) != NULL;
        EXPECT_EQ(os_local_send(fd, out.p, out.n), 0);
        buf_release(&out);
    }
    buf_release(&in);
    os_fd_close(fd);
}

static void *server_thread(void *arg)
{
    Server *s = arg;
    int fd;
    while (os_local_accept(s->fd, 5000, &fd) == 0) {
        s->connections++;
        serve_calls(s, fd);
    }
    return NULL;
}

static bool call_answers(const GrpcTarget *t, const char *want)
{
    Buf data = {0};
    Str m = {0};
    usize at = 0;
    Pb__IdRequest r = PB__ID_REQUEST__INIT;
    r.id = (char *)"x";
    Error *e = grpc_call(t, "/a/B", &r.base, 100, &data);
    bool ok = e ? *want == 0 : grpc_next(&data, &at, &m) && str_eq(m, str_of(want));
    error_free(e);
    buf_release(&data);
    return ok;
}

/* Calls that share a connection, and one that fails and ends it. */
TEST(grpc_link_calls)
{
    char dir[] = "/tmp/grpc-test-XXXXXX", path[64];
    Server s = {0};
    GrpcLink link = {0};
    pthread_t thread;
    EXPECT(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/s", dir);
    EXPECT_EQ(os_local_listen(path, &s.fd), 0);
    EXPECT_EQ(pthread_create(&thread, NULL, server_thread, &s), 0);
    const GrpcTarget t = {path, "ns", NULL, &link}, alone = {path, "ns", NULL, NULL};
    EXPECT(call_answers(&t, "a"));
    EXPECT(call_answers(&t, "b"));
    EXPECT_EQ(link.window, 65535 - 2 * 8 + 5);
    EXPECT(call_answers(&t, "") && !link.open);
    EXPECT(call_answers(&t, "a"));
    grpc_link_close(&link);
    EXPECT(call_answers(&alone, "a") && call_answers(&alone, "a"));
    os_local_shutdown(s.fd); /* no more are accepted */
    pthread_join(thread, NULL);
    EXPECT_EQ(s.connections, 4);
    EXPECT_EQ(s.settled, 2);
    EXPECT(!s.spoilt);
    os_fd_close(s.fd);
    unlink(path);
    rmdir(dir);
}
