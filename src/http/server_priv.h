/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of the server share: a connection, which is also its current request. */
#ifndef HTTP_SERVER_PRIV_H
#define HTTP_SERVER_PRIV_H

#include "http/server.h"

typedef enum Phase {
    PHASE_HEAD,
    PHASE_HANDLER, /* the handler has a request */
    PHASE_DROP,    /* response ended, the rest of the body is dropped */
    PHASE_CLOSING, /* what is queued is sent, then closed */
    PHASE_LINGER,  /* our side is shut, input is dropped until the peer has read the answer */
    PHASE_CLOSED,
} Phase;

struct HttpRequest {
    uv_poll_t poll;
    HttpServer *server;
    HttpRequest *prev, *next; /* all connections of the server; or the pool */
    HttpTimer timer;
    HttpTask task;
    int fd;
    int polled; /* events asked for now */
    Phase phase;
    bool busy;   /* advance is running */
    bool eof;    /* the peer will send no more */
    bool close;  /* after this response */
    bool broken; /* a write failed, to be cut as soon as the handler may be told; or being cut */

    HttpBlock *b; /* NULL while nothing is there to be read or written */
    u8 *in;       /* b->in, or own on the heap */
    u32 in_cap, in_n, in_at;
    u32 head_at; /* where the request starts */
    u32 trailers_at;
    u64 head_since; /* when its first byte came; 0: none yet */
    u64 idle_since; /* when the connection began, or the last request ended */
    u8 *out;        /* b->out, or own on the heap */
    usize out_cap, out_n, out_at;

    HttpBody body;
    Str pending; /* of the body: decoded, not consumed */
    u64 dropped;
    bool reading;     /* the handler waits for input */
    bool wants_space; /* the handler waits for space */
    bool continued;   /* 100 Continue is not needed any more */
    HttpFault fault;
    HttpFraming framing; /* of the response */
    bool started, ended, headless;
    u64 left; /* bytes of a response of known length */
    HttpPatience body_patience, write_patience;
    u64 eof_since;
    void *user;
};

typedef struct Listener {
    uv_poll_t poll;
    HttpServer *server;
    struct Listener *next;
    int fd;
    bool polling;
} Listener;

struct HttpServer {
    HttpLoop *loop;
    HttpServerOptions o;
    HttpHandler h;
    void *ctx;
    HttpRequest *all, *pool;
    u32 connections, requests, pooled;
    u32 closing; /* handles that libuv has not given back */
    Listener *listeners;
    HttpTimer timer; /* of a drain, or for accepting again */
    HttpTask task;
    bool draining, freed;
    bool starved; /* the system gave no descriptor for a connection that waits */
    void (*drained)(void *ctx);
};

static inline u64 http_conn_now(const HttpRequest *c)
{
    return http_loop_now(c->server->loop);
}
/* Bytes that wait to be sent. */
static inline usize http_conn_queued(const HttpRequest *c)
{
    return c->out_n - c->out_at;
}

/* connection.c: the phases. */
void http_conn_advance(HttpRequest *c);
void http_conn_open(HttpServer *s, HttpRequest *c, int fd);
/*
 * For how long the peer has kept the connection and done nothing with it, if that is what it does:
 * no request, or one whose body it does not send or whose response it does not take. The latter
 * count for less.
 */
u64 http_conn_idle_ms(const HttpRequest *c);
/* Ends a connection that others need more. */
void http_conn_evict(HttpRequest *c);

/* conn_io.c: buffers, what goes out, what comes in, and the end. */
void http_conn_need_buffers(HttpRequest *c);
void http_conn_release_buffers(HttpRequest *c);
/* Room for n bytes behind what is queued; whoever fills it adds to out_n. */
u8 *http_conn_room(HttpRequest *c, usize n);
/*
 * Sends what is queued, and `more` behind it: *ret_sent bytes of that. False if the connection is
 * broken; whoever may then call the handler cuts it.
 */
bool http_conn_send(HttpRequest *c, Str more, usize *ret_sent);
/* Queues bytes; many of them are first offered to the system, and only the rest is copied. */
void http_conn_put(HttpRequest *c, const void *p, usize n);
/* Something is to be done before the loop sleeps. */
void http_conn_later(HttpRequest *c);
/* The body's decoder, run until there is something to tell. */
HttpRead http_conn_fill(HttpRequest *c);
/* Nothing of it is left but what libuv still holds. */
void http_conn_close(HttpRequest *c);
/* Ends the connection under the handler, which is told. */
void http_conn_cut(HttpRequest *c, HttpAbort why);
void http_server_maybe_free(HttpServer *s);

static inline void http_server_count(HttpServer *s, int change)
{
    s->connections = (u32)((int)s->connections + change);
    if (s->o.gauge)
        __atomic_store_n(s->o.gauge, s->connections, __ATOMIC_RELAXED);
}

#endif
