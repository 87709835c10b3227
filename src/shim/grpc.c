/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* RFC 9113 and RFC 7541, of which headers that are sent are literals without indexing. */
#include "shim/grpc.h"

#include "os/fs.h"
#include "os/local.h"
#include "os/socket.h"
#include "shim/ttrpc.h"

enum {
    FRAME_DATA = 0,
    FRAME_HEADERS = 1,
    FRAME_RST_STREAM = 3,
    FRAME_SETTINGS = 4,
    FRAME_PING = 6,
    FRAME_GOAWAY = 7,
    FRAME_WINDOW_UPDATE = 8,
    FLAG_END_STREAM = 1, /* of DATA and HEADERS; of SETTINGS and PING: an acknowledgement */
    FLAG_END_HEADERS = 4,
    FLAG_PADDED = 8,
    FRAME_HEADER = 9,
    MAX_FRAME = 16384,
    FIRST_STREAM = 1,
    LAST_STREAM = INT32_MAX,
    MAX_WINDOW = INT32_MAX,
    FIRST_WINDOW = 65535,
    SETTING = 6,
    SETTING_WINDOW = 4,
    MAX_UNSENT = 1 << 20, /* of the body, in frames that wait to be written */
    PREFIX = 5,           /* of a gRPC message: compression, length */
    WAIT_SECONDS = 10,
};

static void put_u32(Buf *b, u32 v)
{
    buf_u32(b, __builtin_bswap32(v));
}

static u32 get_u32(const u8 *p)
{
    return __builtin_bswap32(load_u32(p));
}

static void put_frame(Buf *out, u8 type, u8 flags, u32 stream, const void *p, usize n)
{
    ALWAYS(n <= MAX_FRAME);
    buf_u8(out, (u8)(n >> 16));
    buf_u8(out, (u8)(n >> 8));
    buf_u8(out, (u8)n);
    buf_u8(out, type);
    buf_u8(out, flags);
    put_u32(out, stream);
    buf_bytes(out, p, n);
}

/* An integer with a prefix of seven bits. */
static void put_integer(Buf *out, usize v)
{
    if (v < 127) {
        buf_u8(out, (u8)v);
    } else {
        buf_u8(out, 127);
        buf_uleb(out, v - 127);
    }
}

static void put_header(Buf *out, const char *name, const char *value)
{
    buf_u8(out, 0);
    put_integer(out, strlen(name));
    buf_str(out, str_of(name));
    put_integer(out, strlen(value));
    buf_str(out, str_of(value));
}

static void put_settings(Buf *out)
{
    static const struct {
        u16 id;
        u32 value;
    } settings[] = {{1, 0}, {2, 0}, {4, MAX_WINDOW}}; /* table size, push, window of a stream */
    Buf b = {0};
    for (usize i = 0; i < ARRAY_LEN(settings); i++) {
        buf_u8(&b, 0);
        buf_u8(&b, (u8)settings[i].id);
        put_u32(&b, settings[i].value);
    }
    put_frame(out, FRAME_SETTINGS, 0, 0, b.p, b.n);
    b.n = 0;
    put_u32(&b, MAX_WINDOW - FIRST_WINDOW);
    put_frame(out, FRAME_WINDOW_UPDATE, 0, 0, b.p, b.n);
    buf_release(&b);
}

void grpc_put_preface(Buf *out)
{
    buf_str(out, STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    put_settings(out);
}

void grpc_put_head(Buf *out, const GrpcTarget *t, const char *method, u32 stream)
{
    Buf b = {0};
    put_header(&b, ":method", "POST");
    put_header(&b, ":scheme", "http");
    put_header(&b, ":path", method);
    put_header(&b, ":authority", "localhost");
    put_header(&b, "content-type", "application/grpc");
    put_header(&b, "te", "trailers");
    put_header(&b, "containerd-namespace", t->ns);
    if (t->lease)
        put_header(&b, "containerd-lease", t->lease);
    put_frame(out, FRAME_HEADERS, FLAG_END_HEADERS, stream, b.p, b.n);
    buf_release(&b);
}

void grpc_put_message(Buf *body, const ProtobufCMessage *m)
{
    buf_u8(body, 0);
    put_u32(body, u32_of(protobuf_c_message_get_packed_size(m)));
    message_put(body, m);
}

void grpc_sending_init(GrpcSending *s, const Buf *body)
{
    *s = (GrpcSending){.body = body,
                       .stream = FIRST_STREAM,
                       .window = FIRST_WINDOW,
                       .stream_window = FIRST_WINDOW,
                       .first_window = FIRST_WINDOW};
}

void grpc_put_data(Buf *out, GrpcSending *s)
{
    while (!s->ended && out->n < MAX_UNSENT) {
        i64 room = MIN(MIN(s->window, s->stream_window), MAX_FRAME);
        usize left = s->body->n - s->sent;
        if (left > 0 && room <= 0)
            return;
        usize n = MIN(left, (usize)room);
        s->ended = n == left;
        put_frame(out, FRAME_DATA, s->ended ? FLAG_END_STREAM : 0, s->stream, s->body->p + s->sent,
                  n);
        s->sent += n;
        s->window -= (i64)n;
        s->stream_window -= (i64)n;
    }
}

/* More room; it never is 2^31 bytes or more. */
static bool take_window_update(GrpcSending *s, u32 stream, const u8 *p, usize n)
{
    if (n != 4)
        return false;
    if (stream != 0 && stream != s->stream)
        return true;
    i64 *window = stream == 0 ? &s->window : &s->stream_window, more = get_u32(p) & INT32_MAX;
    if (*window + more > INT32_MAX)
        return false;
    *window += more;
    return true;
}

/* Of the settings only the first window matters: it changes that of the call, too. */
static bool take_settings(GrpcSending *s, const u8 *p, usize n)
{
    for (; n >= SETTING; p += SETTING, n -= SETTING) {
        u32 value = get_u32(p + 2);
        if (p[0] != 0 || p[1] != SETTING_WINDOW)
            continue;
        i64 more = (i64)value - s->first_window;
        if (value > INT32_MAX || s->stream_window + more > INT32_MAX)
            return false;
        s->stream_window += more;
        s->first_window = value;
    }
    return n == 0;
}

static bool take_data(const u8 *p, usize n, u8 flags, usize limit, Buf *data)
{
    usize pad = 0;
    if (flags & FLAG_PADDED) {
        if (n < 1 || (usize)p[0] + 1 > n)
            return false;
        pad = p[0];
        p++;
        n--;
    }
    n -= pad;
    if (data->n + n > limit)
        return false;
    buf_bytes(data, p, n);
    return true;
}

static GrpcStep take_frame(const u8 *head, usize n, usize limit, Buf *data, Buf *reply,
                           GrpcSending *s)
{
    const u8 *p = head + FRAME_HEADER;
    u8 type = head[3], flags = head[4];
    u32 stream = get_u32(head + 5) & INT32_MAX;
    bool ack = flags & FLAG_END_STREAM;
    if ((type == FRAME_DATA || type == FRAME_HEADERS) && stream == s->stream) {
        if (type == FRAME_DATA && !take_data(p, n, flags, limit, data))
            return GRPC_BROKEN;
        return ack ? GRPC_END : GRPC_MORE;
    }
    if ((type == FRAME_SETTINGS && !ack && !take_settings(s, p, n)) ||
        (type == FRAME_WINDOW_UPDATE && !take_window_update(s, stream, p, n)))
        return GRPC_BROKEN;
    if (type == FRAME_SETTINGS && !ack)
        put_frame(reply, FRAME_SETTINGS, FLAG_END_STREAM, 0, NULL, 0);
    else if (type == FRAME_PING && !ack)
        put_frame(reply, FRAME_PING, FLAG_END_STREAM, 0, p, n);
    else if (type == FRAME_GOAWAY || (type == FRAME_RST_STREAM && stream == s->stream))
        return GRPC_BROKEN;
    return GRPC_MORE;
}

GrpcStep grpc_take(Buf *in, usize limit, Buf *data, Buf *reply, GrpcSending *s)
{
    usize at = 0;
    GrpcStep step = GRPC_MORE;
    while (step == GRPC_MORE && in->n - at >= FRAME_HEADER) {
        const u8 *p = in->p + at;
        usize n = (usize)p[0] << 16 | (usize)p[1] << 8 | p[2];
        if (n > MAX_FRAME)
            return GRPC_BROKEN;
        if (in->n - at < FRAME_HEADER + n)
            break;
        step = take_frame(p, n, limit, data, reply, s);
        at += FRAME_HEADER + n;
    }
    in->n -= at;
    if (in->n > 0 && at > 0)
        memmove(in->p, in->p + at, in->n);
    return step;
}

bool grpc_next(const Buf *data, usize *at, Str *ret_message)
{
    usize left = data->n - *at;
    if (left < PREFIX)
        return false;
    const u8 *p = data->p + *at;
    u32 n = get_u32(p + 1);
    if (p[0] != 0 || left - PREFIX < n)
        return false;
    *ret_message = (Str){(const char *)p + PREFIX, n};
    *at += PREFIX + n;
    return true;
}

static GrpcStep exchange(GrpcLink *l, usize limit, GrpcSending *s, Buf *data)
{
    Buf *out = &l->out;
    GrpcStep step = grpc_take(&l->in, limit, data, out, s);
    while (step == GRPC_MORE) {
        usize sent = s->sent;
        grpc_put_data(out, s);
        if (os_local_send(l->fd, out->p, out->n) != 0)
            break;
        out->n = 0;
        if (s->sent > sent && !s->ended)
            continue; /* there was room: is there more? */
        buf_reserve(&l->in, MAX_FRAME);
        usize n = 0;
        if (os_recv(l->fd, l->in.p + l->in.n, l->in.cap - l->in.n, &n) != 0 || n == 0)
            break;
        l->in.n += n;
        step = grpc_take(&l->in, limit, data, out, s);
    }
    return step == GRPC_END ? GRPC_END : GRPC_BROKEN;
}

void grpc_link_close(GrpcLink *l)
{
    if (l->open)
        os_fd_close(l->fd);
    buf_release(&l->in);
    buf_release(&l->out);
    *l = (GrpcLink){0};
}

/* The first call's stream follows. */
static int link_open(GrpcLink *l, const char *socket)
{
    int err = os_local_connect(socket, WAIT_SECONDS, &l->fd);
    if (err)
        return err;
    l->open = true;
    l->window = l->first_window = FIRST_WINDOW;
    grpc_put_preface(&l->out);
    return 0;
}

static GrpcStep call_on(GrpcLink *l, const GrpcTarget *t, const char *method, const Buf *body,
                        usize limit, Buf *data)
{
    GrpcSending s;
    l->stream = l->stream ? l->stream + 2 : FIRST_STREAM;
    grpc_sending_init(&s, body);
    s.stream = l->stream;
    s.window = l->window;
    s.stream_window = s.first_window = l->first_window;
    grpc_put_head(&l->out, t, method, l->stream);
    GrpcStep step = exchange(l, limit, &s, data);
    l->window = s.window;
    l->first_window = s.first_window;
    return step;
}

Error *grpc_call_body(const GrpcTarget *t, const char *method, const Buf *body, usize limit,
                      Buf *ret_data)
{
    GrpcLink own = {0}, *l = t->link ? t->link : &own;
    if (l->stream >= LAST_STREAM)
        grpc_link_close(l);
    int err = l->open ? 0 : link_open(l, t->socket);
    if (err)
        return error_new("failed to connect to containerd at `%s`: %s", t->socket, strerror(err));
    GrpcStep step = call_on(l, t, method, body, limit, ret_data);
    if (step != GRPC_END || l == &own)
        grpc_link_close(l);
    if (step == GRPC_END)
        return NULL;
    buf_release(ret_data);
    return error_new("the answer of containerd to %s is cut short or too long", method);
}

Error *grpc_call(const GrpcTarget *t, const char *method, const ProtobufCMessage *request,
                 usize limit, Buf *ret_data)
{
    Buf body = {0};
    grpc_put_message(&body, request);
    Error *e = grpc_call_body(t, method, &body, limit, ret_data);
    buf_release(&body);
    return e;
}
