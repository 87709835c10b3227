/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * HTTP/1 server on a libuv loop. Everything happens on the loop's thread: callbacks come from the
 * loop, and the functions are called from callbacks or between turns of the loop (from a fiber).
 *
 * A request's life: `head`, then any number of `readable` and `writable`, then exactly one of
 * `done` and `aborted`, after which it is gone. The body is pulled: bytes stay with the system
 * until http_request_read asks for them, and so the peer is held back. The response may start and
 * end before the request's body has; what is left of the body is then dropped, if it is not much.
 * Requests of a connection come one after the other, pipelined or not.
 *
 * Peers are bounded: sizes by http/limits.def, waiting by the times in HttpServerOptions, memory by
 * one block of buffers a busy connection and `max_queued`. Nothing is allocated for a request.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "http/body.h"
#include "http/loop.h"
#include "os/socket.h"

typedef struct HttpServer HttpServer;
typedef struct HttpRequest HttpRequest;

typedef enum HttpAbort {
    HTTP_ABORT_PEER,    /* the connection was cut or reset, or the body was */
    HTTP_ABORT_FAULT,   /* malformed body; http_request_fault says how */
    HTTP_ABORT_TIMEOUT, /* the peer sent or took too little for too long */
    HTTP_ABORT_SERVER,  /* the server was stopped */
} HttpAbort;

typedef struct HttpHandler {
    void (*head)(void *ctx, HttpRequest *r);
    /* After http_request_read gave HTTP_READ_WAIT: call it again. May be NULL if it is not used. */
    void (*readable)(HttpRequest *r);
    /* After http_response_space gave 0: there is space. May be NULL. */
    void (*writable)(HttpRequest *r);
    /* The response was ended, and the request with it: it has left, or is queued to. May be NULL.
     */
    void (*done)(HttpRequest *r);
    void (*aborted)(HttpRequest *r, HttpAbort why);
    /*
     * A message that was answered with an error before it was a request; of `r` there is the peer.
     * May be NULL.
     */
    void (*refused)(void *ctx, HttpRequest *r, HttpFault fault);
    /* Connections have to wait, since the system has no descriptor or no memory for them, as the
     * errno value says. Often, while that lasts. May be NULL. */
    void (*starved)(void *ctx, int error);
} HttpHandler;

typedef struct HttpServerOptions {
    u32 max_connections; /* beyond it, others wait, until one ends or has been idle for a second */
    u64 max_body;        /* bytes of a request's body; more is answered with 413 */
    u32 max_queued;      /* bytes of a response that wait to be sent */
    u32 head_ms;         /* from the first byte of a head to its last: 408 */
    u32 idle_ms;         /* without a request */
    u32 body_ms;         /* without a byte of a body that is asked for; see HttpPatience */
    u32 write_ms;        /* without the peer taking a byte */
    u64 *gauge;          /* set to the number of connections, atomically; may be NULL */
    u32 half_closed_ms;  /* from the end of the peer's side to the end of the response */
} HttpServerOptions;
HttpServerOptions http_server_options_default(void);

/* Copies the options and the handler; `ctx` is borrowed. */
HttpServer *http_server_new(HttpLoop *l, const HttpServerOptions *o, const HttpHandler *handler,
                            void *ctx);
/* Accepts connections of a listening socket (os/socket.h). Transfers the descriptor. */
void http_server_listen(HttpServer *s, int fd);
/* A connected socket. Transfers the descriptor. */
void http_server_adopt(HttpServer *s, int fd);
/*
 * Stops accepting and closes connections without a request at once, those with a part of a head
 * soon; the others end with their response. After `ms` what is left is aborted. `drained` is called
 * when no connection is left, never from within this call; the server can be freed then.
 */
void http_server_drain(HttpServer *s, u32 ms, void (*drained)(void *ctx));
/* Aborts what is left. It is freed while the loop runs on. No callback comes after this. */
void http_server_free(HttpServer *s);
u32 http_server_connections(const HttpServer *s);
u32 http_server_requests(const HttpServer *s); /* that are being answered now */

/* ---- the request; valid until `done` or `aborted` return ---- */

const HttpHead *http_request_head(const HttpRequest *r);
/* What the spans of the head count from. */
const u8 *http_request_bytes(const HttpRequest *r);
static inline Str http_request_text(const HttpRequest *r, HttpSpan s)
{
    return http_span_str(s, http_request_bytes(r));
}
void http_request_set_user(HttpRequest *r, void *user);
void *http_request_user(const HttpRequest *r);
void *http_request_context(const HttpRequest *r);                    /* the server's ctx */
int http_request_peer(const HttpRequest *r, OsAddress *ret_address); /* 0 or an errno value */
HttpFault http_request_fault(const HttpRequest *r);
/* Within `aborted`: what the server answers itself, 0 if it cuts the connection. */
u16 http_abort_status(const HttpRequest *r, HttpAbort why);

typedef enum HttpRead {
    HTTP_READ_DATA,
    HTTP_READ_WAIT, /* `readable` will be called */
    HTTP_READ_END,  /* the trailers are there */
    HTTP_READ_FAIL, /* `aborted` will be called */
} HttpRead;
/*
 * The next bytes of the body, borrowed until the next call about this request: at least one with
 * HTTP_READ_DATA. They come again until they are consumed. Asking for the first bytes sends
 * "100 Continue" if the client waits for it.
 */
HttpRead http_request_read(HttpRequest *r, Str *ret_data);
/* The body will be asked for: "100 Continue" is sent now, since a response may start before. */
void http_request_continue(HttpRequest *r);
void http_request_consume(HttpRequest *r, usize n); /* of the bytes that read gave */
/* After HTTP_READ_END. Their spans count from *ret_bytes. */
const HttpFields *http_request_trailers(const HttpRequest *r, const u8 **ret_bytes);

/* ---- the response ---- */

/*
 * Queues the head. NULL, or why it is none: then nothing was written. Date, Connection and what
 * frames the body are written by the server; the length goes into h->length.
 */
const char *http_response_start(HttpRequest *r, const HttpResponseHead *h);
bool http_response_started(const HttpRequest *r);
/* Bytes that may be written now; 0: `writable` will be called. */
usize http_response_space(HttpRequest *r);
/*
 * Bytes of the body; they are sent or copied. Those of a response that has none (HEAD, 204, 304)
 * are dropped. False, and nothing written, if it is more than the length that was announced.
 */
bool http_response_write(HttpRequest *r, const void *p, usize n) MUST_CHECK;
/* Bytes that have not been handed to the system yet. */
usize http_response_queued(const HttpRequest *r);
/*
 * Sends at once what is queued. Without it that happens before the loop sleeps: of use where the
 * thread is about to compute for long.
 */
void http_response_flush(HttpRequest *r);
/*
 * Ends the response. Trailers are sent where the body is chunked, otherwise dropped. NULL, or what
 * was wrong: a body shorter than announced (the connection is cut: do not touch the request any
 * more, no callback follows) or trailers that are none (nothing was done).
 */
const char *http_response_end(HttpRequest *r, const HttpPair *trailers, u32 n_trailers);
/* Cuts the connection. The request is gone when this returns, and no callback follows. */
void http_response_abort(HttpRequest *r);
/* A whole small response. As http_response_start. */
const char *http_respond(HttpRequest *r, u16 status, const HttpPair *fields, u32 n_fields,
                         Str body);

#endif
