/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Connections and calls. A connection lives as long as its reader or one of its calls. */
#include "shim/server.h"

#include "os/fs.h"
#include "os/local.h"
#include "os/socket.h"
#include "shim/shim.pb-c.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    MAX_CALLS = 65536, /* of one connection that have no answer yet */
    MAX_THREADS = 256, /* requests of one connection that are being done */
    STACK = 256 << 10,
    SEND_SECONDS = 10, /* a client that does not read for so long is dropped */
    WHY_SIZE = 4096,
    IDLE_MS = 15000,
};

typedef struct Conn {
    Server *server;
    int fd;
    pthread_mutex_t lock; /* of writing */
    atomic_uint refs, calls, threads;
    u32 last_stream;
    atomic_bool left;
} Conn;

struct Call {
    Conn *conn;
    u32 stream;
    Pb__Request *request;      /* own */
    ProtobufCMessage *message; /* own */
};

static void conn_unref(Conn *c)
{
    if (atomic_fetch_sub(&c->refs, 1) != 1)
        return;
    os_fd_close(c->fd);
    atomic_fetch_sub(&c->server->conns, 1);
    pthread_mutex_destroy(&c->lock);
    mem_free(c);
}

static void conn_send(Conn *c, const Buf *b)
{
    pthread_mutex_lock(&c->lock);
    if (os_local_send(c->fd, b->p, b->n) != 0)
        os_local_shutdown(c->fd);
    pthread_mutex_unlock(&c->lock);
}

static void respond(Conn *c, u32 stream, RpcCode code, const char *why,
                    const ProtobufCMessage *reply)
{
    Buf out = {0};
    ttrpc_put_response(&out, stream, code, why, reply);
    conn_send(c, &out);
    buf_release(&out);
}

static void call_free(Call *c)
{
    atomic_fetch_sub(&c->conn->calls, 1);
    conn_unref(c->conn);
    protobuf_c_message_free_unpacked(&c->request->base, NULL);
    protobuf_c_message_free_unpacked(c->message, NULL);
    mem_free(c);
}

const void *call_client(const Call *c)
{
    return c->conn;
}

bool call_client_left(const Call *c)
{
    return atomic_load(&c->conn->left);
}

Str call_service(const Call *c)
{
    return str_of(c->request->service);
}

Str call_method(const Call *c)
{
    return str_of(c->request->method);
}

void *call_message(Call *c, const ProtobufCMessageDescriptor *d)
{
    if (!c->message)
        c->message = message_get(d, c->request->payload.data, c->request->payload.len);
    return c->message;
}

void call_reply(Call *c, const ProtobufCMessage *reply)
{
    respond(c->conn, c->stream, RPC_OK, NULL, reply);
    call_free(c);
}

void call_fail(Call *c, RpcCode code, const char *fmt, ...)
{
    char why[WHY_SIZE];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    respond(c->conn, c->stream, code, why, NULL);
    call_free(c);
}

static void *call_thread(void *arg)
{
    Call *c = arg;
    Conn *conn = c->conn;
    atomic_fetch_add(&conn->refs, 1);
    conn->server->call(conn->server->ctx, c);
    atomic_fetch_sub(&conn->threads, 1);
    conn_unref(conn);
    return NULL;
}

static bool start_thread(void *(*run)(void *), void *arg)
{
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    bool ok = pthread_create(&thread, &attr, run, arg) == 0;
    pthread_attr_destroy(&attr);
    return ok;
}

/* Transfers the request. */
static void take_request(Conn *conn, u32 stream, Pb__Request *request)
{
    Call *c = mem_alloc(sizeof *c);
    *c = (Call){.conn = conn, .stream = stream, .request = request};
    atomic_fetch_add(&conn->refs, 1);
    u32 calls = atomic_fetch_add(&conn->calls, 1);
    if (calls >= MAX_CALLS || atomic_load(&conn->threads) >= MAX_THREADS) {
        call_fail(c, RPC_RESOURCE_EXHAUSTED, "too many requests at a time");
        return;
    }
    if (conn->server->quick(c)) {
        conn->server->call(conn->server->ctx, c);
        return;
    }
    atomic_fetch_add(&conn->threads, 1);
    if (!start_thread(call_thread, c)) {
        atomic_fetch_sub(&conn->threads, 1);
        call_fail(c, RPC_RESOURCE_EXHAUSTED, "no thread for the request");
    }
}

static void take_frame(Conn *c, const TtrpcFrame *f)
{
    if (f->type != TTRPC_REQUEST)
        return; /* as the protocol asks for types that are not known; no method here has streams */
    if (f->too_large) {
        respond(c, f->stream, RPC_RESOURCE_EXHAUSTED, "a message has at most 4 MiB", NULL);
        return;
    }
    if (f->stream % 2 == 0 || f->stream <= c->last_stream) {
        respond(c, f->stream, RPC_INVALID_ARGUMENT, "stream numbers are odd and grow", NULL);
        return;
    }
    c->last_stream = f->stream;
    Pb__Request *request = message_get(&pb__request__descriptor, f->p, f->n);
    if (request)
        take_request(c, f->stream, request);
    else
        respond(c, f->stream, RPC_INVALID_ARGUMENT, "the request is not a message", NULL);
}

static void *conn_thread(void *arg)
{
    Conn *c = arg;
    TtrpcReader reader = {0};
    TtrpcFrame frame;
    u8 bytes[16384];
    for (;;) {
        usize n = 0;
        if (os_recv(c->fd, bytes, sizeof bytes, &n) != 0 || n == 0)
            break;
        ttrpc_feed(&reader, bytes, n);
        while (ttrpc_next(&reader, &frame))
            take_frame(c, &frame);
    }
    os_local_shutdown(c->fd);
    atomic_store(&c->left, true);
    c->server->left(c->server->ctx, c);
    ttrpc_reader_release(&reader);
    conn_unref(c);
    return NULL;
}

/* Who may speak: what is asked for is done with this process's rights. */
static void serve(Server *s, int fd)
{
    os_local_send_limit(fd, SEND_SECONDS);
    Conn *c = mem_alloc(sizeof *c);
    c->server = s;
    c->fd = fd;
    atomic_fetch_add(&s->conns, 1);
    atomic_init(&c->refs, 1);
    pthread_mutex_init(&c->lock, NULL);
    if (!os_local_peer_trusted(fd) || !start_thread(conn_thread, c))
        conn_unref(c);
}

void server_run(Server *s)
{
    for (;;) {
        int fd, err = os_local_accept(s->fd, IDLE_MS, &fd);
        if (err == 0)
            serve(s, fd);
        else if (err != ETIMEDOUT)
            usleep(100000); /* out of descriptors, most likely: wait for some */
        else if (atomic_load(&s->conns) == 0)
            s->idle(s->ctx);
    }
}
