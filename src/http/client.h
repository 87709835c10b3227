/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * HTTP/1.1 client on a libuv loop: plain and TLS, with a pool of kept-alive connections. Everything
 * happens on the loop's thread; no callback comes from within a call.
 *
 * An exchange is a request and its response. It lives until its owner frees it, at any time;
 * freeing one that is over in both directions gives its connection back to the pool, otherwise it
 * is cut. The request's body is pushed with back-pressure, the response's body pulled, at the same
 * time if need be. `failed` comes at most once, and nothing after it.
 *
 * Interim responses (1xx) are skipped. A kept-alive connection that turns out to be dead before a
 * byte of the response came is replaced once, if the request has no body and may be repeated (RFC
 * 9110 9.2.2). No redirects, no proxies, no cookies.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "http/body.h"
#include "http/loop.h"
#include "os/socket.h"

typedef enum HttpError {
    HTTP_ERROR_NONE,
#define HTTP_ERROR(id, name, text) HTTP_ERROR_##id,
#include "http/errors.def"
#undef HTTP_ERROR
} HttpError;

const char *http_error_name(HttpError e); /* as wasi:http spells it */
const char *http_error_text(HttpError e);

typedef struct HttpFailure {
    HttpError error;
    u8 alert;           /* of TLS_ALERT_RECEIVED */
    const char *detail; /* for a log; static, may be "" */
} HttpFailure;

typedef struct HttpClient HttpClient;
typedef struct HttpExchange HttpExchange;

/*
 * Resolves names; addresses in the authority never come here. `done` is called once, never from
 * within `start`, unless `cancel` was called before. The result of `start` is for `cancel`.
 */
typedef struct HttpResolver {
    void *(*start)(void *ctx, Str host, u16 port,
                   void (*done)(void *arg, HttpError e, const OsAddress *addresses, u32 n),
                   void *arg);
    void (*cancel)(void *ctx, void *started);
    void *ctx;
} HttpResolver;

typedef struct HttpClientOptions {
    HttpResolver resolver; /* start NULL: names are DNS_ERROR */
    /* May be NULL: all are permitted. False is DESTINATION_IP_PROHIBITED. */
    bool (*permit)(void *ctx, const OsAddress *a);
    void *permit_ctx;
    const char *roots;   /* PEM file with certificates to trust; NULL: those of the system */
    u32 max_connections; /* beyond: CONNECTION_LIMIT_REACHED, after idle ones were closed */
    u32 max_idle;        /* kept-alive connections without an exchange */
    u32 idle_ms;         /* how long they are kept */
    u32 max_queued;      /* bytes of a request's body that wait to be sent */
} HttpClientOptions;
HttpClientOptions http_client_options_default(void);

HttpClient *http_client_new(HttpLoop *l, const HttpClientOptions *o);
/* All exchanges were freed. Freed while the loop runs on. */
void http_client_free(HttpClient *c);
u32 http_client_connections(const HttpClient *c); /* in use and idle */

typedef struct HttpCall {
    bool tls;
    Str method, authority, target; /* target: as in the request line; copied, all of them */
    const HttpPair *fields;        /* copied; none that names.def calls framing */
    u32 n_fields;
    bool body;                                 /* http_exchange_end must be called */
    i64 length;                                /* of the body; HTTP_LENGTH_UNKNOWN: chunked */
    u32 connect_ms, first_byte_ms, between_ms; /* 0: 600 s */
} HttpCall;

typedef struct HttpExchangeHandler {
    void (*head)(HttpExchange *x);
    void (*readable)(HttpExchange *x); /* after http_exchange_read gave HTTP_CLIENT_WAIT */
    void (*writable)(HttpExchange *x); /* after http_exchange_space gave 0; may be NULL */
    void (*failed)(HttpExchange *x, const HttpFailure *f);
} HttpExchangeHandler;

/* NULL if the call is malformed: *ret_error says how. The handler is borrowed. */
HttpExchange *http_client_call(HttpClient *c, const HttpCall *call, const HttpExchangeHandler *h,
                               void *user, HttpError *ret_error) MUST_CHECK;
void http_exchange_free(HttpExchange *x);
void *http_exchange_user(const HttpExchange *x);

/* The request's body. Bytes are copied; writing more than announced writes nothing and is false. */
usize http_exchange_space(HttpExchange *x);
bool http_exchange_write(HttpExchange *x, const void *p, usize n) MUST_CHECK;
/*
 * HTTP_ERROR_NONE; HTTP_REQUEST_BODY_SIZE if it is shorter than announced, or
 * HTTP_REQUEST_TRAILER_SIZE if a trailer is malformed: the exchange is of no more use then.
 */
HttpError http_exchange_end(HttpExchange *x, const HttpPair *trailers, u32 n_trailers);

/* The response, from `head` on. Spans count from http_exchange_bytes. */
const HttpHead *http_exchange_head(const HttpExchange *x);
const u8 *http_exchange_bytes(const HttpExchange *x);

typedef enum HttpClientRead {
    HTTP_CLIENT_DATA,
    HTTP_CLIENT_WAIT,
    HTTP_CLIENT_END,
    HTTP_CLIENT_FAIL, /* `failed` will be called, or was */
} HttpClientRead;
HttpClientRead http_exchange_read(HttpExchange *x, Str *ret_data);
void http_exchange_consume(HttpExchange *x, usize n);
const HttpFields *http_exchange_trailers(const HttpExchange *x, const u8 **ret_bytes);

#endif
