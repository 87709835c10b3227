/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of the client share. */
#ifndef HTTP_CLIENT_PRIV_H
#define HTTP_CLIENT_PRIV_H

#include "base/buf.h"
#include "http/client.h"
#include "http/tls.h"

typedef struct HttpLink HttpLink;

typedef enum LinkState {
    LINK_RESOLVING,
    LINK_CONNECTING,
    LINK_HANDSHAKE,
    LINK_OPEN,
    LINK_IDLE,
    LINK_CLOSED,
} LinkState;

enum { LINK_ADDRESSES = 8 };

/* A connection. */
struct HttpLink {
    uv_poll_t poll;
    HttpClient *client;
    HttpLink *prev, *next; /* all of the client, the most recently used first */
    HttpExchange *x;       /* borrow; NULL while it is idle */
    HttpTimer timer;
    LinkState state;
    int fd; /* -1: none yet */
    int polled;
    bool has_poll;
    bool tls_wanted, reused, tls_ended;
    bool eof;    /* the peer will send no more */
    bool broken; /* the peer takes no more */
    HttpTls *tls;
    Str key;         /* own: 's' or 'p', then the authority */
    Str host;        /* in key */
    void *resolving; /* of the resolver; NULL: it has answered */
    OsAddress addresses[LINK_ADDRESSES];
    u32 n_addresses, next_address;
    Buf out; /* to be sent or encrypted */
    usize out_at;
    HttpBlock *b;
    u8 *in; /* b->in, or own */
    u32 in_cap, in_n, in_at;
    u64 deadline_connect, idle_since;
    HttpPatience write_patience;
};

struct HttpExchange {
    HttpClient *client;
    HttpLink *link; /* NULL after a failure */
    const HttpExchangeHandler *h;
    void *user;
    HttpTask task;
    HttpMethod method;
    bool may_repeat, has_body, chunked, ended;
    bool has_head, reading, wants_space, failed, told;
    HttpFailure failure;
    u32 interim; /* responses 1xx so far */
    u64 left;    /* bytes of a request's body of known length */
    Buf head;    /* the request's head, while it may have to be sent again */
    Str key;     /* own, as that of the link */
    HttpBody body;
    Str pending;
    u32 trailers_at;
    u32 first_byte_ms, between_ms, connect_ms;
    u64 wait_since; /* for a byte of the response; 0: not waiting */
};

struct HttpClient {
    HttpLoop *loop;
    HttpClientOptions o;
    HttpTlsContext *tls; /* made when it is first needed */
    HttpLink *links;
    u32 n_links, n_idle, closing;
    bool freed;
};

/* link.c */
/* A kept-alive connection or a new one; NULL with the reason. */
HttpLink *http_link_get(HttpExchange *x, bool fresh, HttpFailure *ret_failure);
/* Begins to connect, if that is what comes next; may fail the exchange. */
void http_link_start(HttpLink *k);
/* The exchange leaves it: kept if `keep`, else closed. */
void http_link_leave(HttpLink *k, bool keep);
void http_link_close(HttpLink *k);
/* Sends what can be sent, sets the events and the timer. False if the link has failed. */
bool http_link_flush(HttpLink *k, HttpFailure *ret_failure);
void http_link_settle(HttpLink *k);
/* Reads what there is and fits into the buffer; false if it failed. */
bool http_link_receive(HttpLink *k, HttpFailure *ret_failure);

/* client.c */
/* Something has happened on the link of the exchange. */
void http_exchange_advance(HttpExchange *x);
void http_exchange_fail(HttpExchange *x, HttpFailure f);
/* When the wait for a byte of the response is over; 0: nothing is waited for. */
u64 http_exchange_deadline(const HttpExchange *x);

#endif
