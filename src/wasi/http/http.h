/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * wasi:http 0.2: what guests import of it, and one request for a guest that exports
 * wasi:http/incoming-handler.
 *
 * Who serves links it into each slot, and brings the operations of its connections
 * (WasiHttpPeer: those of http/server.h fit). For each request, on the fiber of a task:
 *
 *     wasi_http_begin(p2, &call, &peer, request);
 *     Error *e = wasi_http_handle(p2, handler);       the guest runs; it may wait
 *     if (wasi_http_state(p2) == WASI_HTTP_UNSET) ...     it trapped, or never answered: 500
 *     slot_give(slot);                                drops what the guest holds, resets
 *
 * and on the loop, as the connection calls back: wasi_http_readable, wasi_http_writable and
 * wasi_http_gone. The peer is not touched any more once the response has ended, was aborted or
 * failed, or the connection is gone; also a request that is still suspended may be left so.
 *
 * A response starts when the guest sets it, whatever the guest still does then; its body goes to
 * the peer as it is written.
 */
#ifndef WASI_HTTP_HTTP_H
#define WASI_HTTP_HTTP_H

#include "http/client.h"
#include "http/server.h"
#include "wasi/p2/p2.h"

typedef struct WasiHttpOptions {
    u64 max_fields_size; /* of a set of fields, as wasi:http counts: 128 KiB */
    u64 chunk_size;      /* bytes that check-write of an outgoing body permits at most: 1 MiB */
    u32 buffer_chunks;   /* writes that wait until the body has somewhere to go: 1 */
    /* Of the thread; asked for at the guest's first request. NULL: there is none. */
    HttpClient *(*client)(void *arg);
    void *client_arg;
} WasiHttpOptions;
WasiHttpOptions wasi_http_options_default(void); /* with a client of the thread's own */

/*
 * Offers wasi:http/types and outgoing-handler, and wasi:io if it is not there yet. The options are
 * copied.
 */
Error *wasi_p2_link_http(ComponentLinker *l, WasiP2 *p, const WasiHttpOptions *o) MUST_CHECK;
/*
 * Instead of wasi_p2_link, for `serve` without `-S cli`: what the world wasi:http/proxy imports of
 * io, clocks, random and the standard streams. wasi_p2_link_http comes after it.
 */
Error *wasi_p2_link_proxy(ComponentLinker *l, WasiP2 *p) MUST_CHECK;
/* Closes the client of the calling thread and its idle connections, before wasi_loop_release. */
void wasi_http_thread_release(void);

/* `handle` of the exported wasi:http/incoming-handler@0.2.x; NULL if there is none. */
ComponentFunc *wasi_http_handler(const ComponentItems *exports);

/* --- one request --- */

/*
 * How the connection is reached. Called while the guest runs or is dropped, and from
 * wasi_http_writable. Nothing is called after `end`, `abort` or `fail`.
 */
typedef struct WasiHttpPeer {
    /* The request's body, as http_request_read, _consume and _trailers. */
    HttpRead (*read)(void *user, Str *ret_data);
    void (*wanted)(void *user); /* as http_request_continue; may be NULL */
    void (*consume)(void *user, usize n);
    const HttpFields *(*trailers)(void *user, const u8 **ret_bytes);
    /* The response: NULL, or why the head is none; then `fail` or `abort` comes. */
    const char *(*start)(void *user, const HttpResponseHead *h);
    usize (*space)(void *user); /* 0: wasi_http_writable is called once there is some */
    /* Takes all of it, also more than `space` said (at most chunk_size more). */
    bool (*write)(void *user, const void *p, usize n);
    void (*flush)(void *user); /* sends what is queued, now */
    void (*end)(void *user, const HttpPair *trailers, u32 n_trailers);
    void (*abort)(void *user); /* after the head: the body is cut off */
    /* Instead of a head: the guest set an error, whose text it is, or a head that is none. */
    void (*fail)(void *user, const char *why);
} WasiHttpPeer;

/* All texts are copied. What wasi:http forbids (connection and the like) is left out. */
typedef struct WasiHttpCall {
    Str method, authority, path; /* path: with the query; empty: none */
    const HttpPair *fields;      /* may have `host` */
    u32 n_fields;
} WasiHttpCall;

typedef enum WasiHttpState {
    WASI_HTTP_UNSET,   /* the guest has not answered */
    WASI_HTTP_STARTED, /* the head is out, the body is not at its end */
    WASI_HTTP_ENDED,
    WASI_HTTP_ABORTED, /* cut off after the head */
    WASI_HTTP_FAILED,  /* `fail` was called */
    WASI_HTTP_GONE,    /* the connection was, before the end */
} WasiHttpState;

/* The host has no request. The peer's operations are borrowed until the host is reset. */
void wasi_http_begin(WasiP2 *p, const WasiHttpCall *call, const WasiHttpPeer *peer, void *user);
/* Once after wasi_http_begin: calls the handler. */
Error *wasi_http_handle(WasiP2 *p, ComponentFunc *handler) MUST_CHECK;
WasiHttpState wasi_http_state(const WasiP2 *p);
/*
 * The handler has returned, and the guest is to get another request without a reset between: as if
 * there had been none. False, and nothing done, where the response has not ended or the guest still
 * holds something of the request.
 */
bool wasi_http_next(WasiP2 *p) MUST_CHECK;
/* From the loop; nothing without a request. */
void wasi_http_readable(WasiP2 *p); /* after `read` gave HTTP_READ_WAIT */
void wasi_http_writable(WasiP2 *p);
void wasi_http_gone(WasiP2 *p);

#endif
