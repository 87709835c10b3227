/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Exchanges of the client. What happens on a connection leads to `http_exchange_advance`, which
 * sends, receives, reads the response as far as it is there and calls the owner; so do calls of the
 * owner, by a task. After each callback the exchange may be gone: the link's pointer to it tells.
 */
#include "http/client_priv.h"

enum { INTERIM_LIMIT = 16, DEFAULT_MS = 600000, HEAD_ROOM = 4096, COMPACT = 65536 };

static const struct {
    const char *name, *text;
} errors[] = {
    {"", "no error"},
#define HTTP_ERROR(id, name, text) {name, text},
#include "http/errors.def"
#undef HTTP_ERROR
};

const char *http_error_name(HttpError e)
{
    return errors[e].name;
}

const char *http_error_text(HttpError e)
{
    return errors[e].text;
}

HttpClientOptions http_client_options_default(void)
{
    return (HttpClientOptions){
        .max_connections = 1000, .max_idle = 32, .idle_ms = 30000, .max_queued = 256 << 10};
}

HttpClient *http_client_new(HttpLoop *l, const HttpClientOptions *o)
{
    HttpClient *c = mem_alloc(sizeof *c);
    c->loop = l;
    c->o = *o;
    return c;
}

u32 http_client_connections(const HttpClient *c)
{
    return c->n_links;
}

static void later(HttpExchange *x)
{
    http_task_queue(x->client->loop, &x->task);
}

/* ---- failure ---- */

/* The owner is told by the task, so never from within its own call. */
void http_exchange_fail(HttpExchange *x, HttpFailure f)
{
    HttpLink *k = x->link;
    bool again = k && k->reused && x->may_repeat && !x->has_head && k->in_n == 0 &&
                 f.error == HTTP_ERROR_CONNECTION_TERMINATED;
    x->link = NULL;
    if (k)
        http_link_leave(k, false);
    if (again) {
        x->may_repeat = false;
        x->link = http_link_get(x, true, &f);
        if (x->link) {
            buf_bytes(&x->link->out, x->head.p, x->head.n);
            x->wait_since = 0;
            later(x);
            return;
        }
    }
    x->failed = true;
    x->failure = f;
    later(x);
}

static HttpError error_of_fault(HttpFault f)
{
    switch (f) {
    case HTTP_FAULT_HEAD_TOO_LARGE:
    case HTTP_FAULT_TOO_MANY_FIELDS:
        return HTTP_ERROR_HTTP_RESPONSE_HEADER_SECTION_SIZE;
    case HTTP_FAULT_TRAILERS_TOO_LARGE:
        return HTTP_ERROR_HTTP_RESPONSE_TRAILER_SECTION_SIZE;
    case HTTP_FAULT_BODY_TOO_LARGE:
        return HTTP_ERROR_HTTP_RESPONSE_BODY_SIZE;
    case HTTP_FAULT_CODING:
    case HTTP_FAULT_UNKNOWN_CODING:
        return HTTP_ERROR_HTTP_RESPONSE_TRANSFER_CODING;
    case HTTP_FAULT_TRUNCATED:
        return HTTP_ERROR_HTTP_RESPONSE_INCOMPLETE;
    default:
        return HTTP_ERROR_HTTP_PROTOCOL_ERROR;
    }
}

static void fail_fault(HttpExchange *x, HttpFault fault)
{
    http_exchange_fail(
        x, (HttpFailure){.error = error_of_fault(fault), .detail = http_fault_text(fault)});
}

/* ---- the response ---- */

static void grow_in(HttpLink *k)
{
    u32 cap = MIN(k->in_cap * 2, HTTP_MAX_HEAD + HEAD_ROOM);
    u8 *grown = mem_resize(NULL, cap);
    memcpy(grown, k->in, k->in_n);
    if (k->in != k->b->in)
        mem_free(k->in);
    k->in = grown;
    k->in_cap = cap;
}

/* Puts the bytes behind `at` to the front: heads start there. */
static void to_front(HttpLink *k, u32 at)
{
    memmove(k->in, k->in + at, k->in_n - at);
    k->in_n -= at;
    k->in_at = 0;
}

/* A head is complete. False if there is nothing to tell (an interim one, or a failure). */
static bool take_head(HttpExchange *x)
{
    HttpLink *k = x->link;
    HttpHead *h = &k->b->head;
    if (h->status == 101) {
        http_exchange_fail(x, (HttpFailure){.error = HTTP_ERROR_HTTP_UPGRADE_FAILED, .detail = ""});
        return false;
    }
    if (h->status < 200) {
        if (++x->interim > INTERIM_LIMIT)
            fail_fault(x, HTTP_FAULT_STATUS_LINE);
        else
            to_front(k, h->size);
        http_head_start(h);
        return false;
    }
    k->in_at = h->size;
    if (k->in_cap - h->size < HEAD_ROOM)
        grow_in(k);
    http_body_start(&x->body, h, UINT64_MAX, &k->b->trailers);
    x->has_head = true;
    return true;
}

/* True if something was done. */
static bool advance_head(HttpExchange *x)
{
    HttpLink *k = x->link;
    if (!k->b)
        return false;
    HttpHead *h = &k->b->head;
    switch (http_response_parse(h, x->method, k->in, k->in_n)) {
    case HTTP_FAIL:
        fail_fault(x, h->fault);
        return false;
    case HTTP_DONE:
        x->wait_since = 0;
        if (take_head(x))
            x->h->head(x);
        return true;
    case HTTP_MORE:
        break;
    }
    if (k->eof && k->in_n == 0)
        http_exchange_fail(x,
                           (HttpFailure){.error = HTTP_ERROR_CONNECTION_TERMINATED, .detail = ""});
    else if (k->eof)
        fail_fault(x, HTTP_FAULT_TRUNCATED);
    else if (k->in_n == k->in_cap)
        grow_in(k);
    else
        return false;
    return x->link == k; /* there is room for more, which TLS may have already */
}

static HttpClientRead fill(HttpExchange *x)
{
    HttpLink *k = x->link;
    for (;;) {
        usize used;
        Str data;
        if (x->pending.n)
            return HTTP_CLIENT_DATA;
        HttpStep step =
            http_body_decode(&x->body, k->in + k->in_at, k->in_n - k->in_at, &used, &data);
        if (step == HTTP_DONE && used)
            x->trailers_at = k->in_at;
        k->in_at += (u32)used;
        x->pending = data;
        x->wait_since = used ? 0 : x->wait_since;
        if (step == HTTP_DONE)
            return HTTP_CLIENT_END;
        if (step == HTTP_FAIL)
            return HTTP_CLIENT_FAIL;
        if (used > 0)
            continue;
        if (!k->eof)
            return HTTP_CLIENT_WAIT;
        /* An end of TLS that is not announced may be an attacker's. */
        if ((k->tls && !k->tls_ended) || http_body_eof(&x->body) != HTTP_DONE) {
            x->body.fault = HTTP_FAULT_TRUNCATED;
            return HTTP_CLIENT_FAIL;
        }
    }
}

static bool advance_body(HttpExchange *x)
{
    HttpClientRead got = fill(x);
    if (got == HTTP_CLIENT_WAIT)
        return false;
    x->reading = false;
    if (got == HTTP_CLIENT_FAIL)
        fail_fault(x, x->body.fault);
    else
        x->h->readable(x);
    return true;
}

/* ---- advancing ---- */

static bool has_space(const HttpExchange *x)
{
    return x->link->out.n - x->link->out_at <= x->client->o.max_queued / 2;
}

/* False if the connection has failed. What the peer said before it cut the connection counts. */
static bool transfer(HttpExchange *x)
{
    HttpLink *k = x->link;
    HttpFailure f = {.error = HTTP_ERROR_CONNECTION_TERMINATED, .detail = ""};
    u32 had = k->in_n;
    if (!k->broken && !http_link_flush(k, &f)) {
        k->broken = true;
        k->out.n = k->out_at = 0;
    }
    bool received = http_link_receive(k, &f);
    if ((received && (!k->broken || k->eof)) || (x->has_head && x->body.ended) || k->in_n != had ||
        k->in_n != k->in_at) {
        k->eof |= !received;
        return true;
    }
    http_exchange_fail(x, f);
    return false;
}

/* One step; false if nothing is to be done. The exchange may be gone after it. */
static bool step(HttpExchange *x)
{
    HttpLink *k = x->link;
    u32 had = k->in_n;
    if (!transfer(x))
        return false;
    if (!x->has_head && !x->wait_since)
        x->wait_since = http_loop_now(x->client->loop);
    if (x->wants_space && has_space(x)) {
        x->wants_space = false;
        x->h->writable(x);
        return true;
    }
    if (!x->has_head)
        return advance_head(x) || (x->link == k && k->in_n > had && !k->eof);
    return x->reading && advance_body(x);
}

void http_exchange_advance(HttpExchange *x)
{
    HttpLink *k = x->link;
    while (k->x == x && k->state == LINK_OPEN && step(x))
        ;
    if (k->x == x)
        http_link_settle(k);
}

static void on_task(HttpTask *t)
{
    HttpExchange *x = (HttpExchange *)((u8 *)t - offsetof(HttpExchange, task));
    if (x->failed) {
        if (!x->told) {
            x->told = true;
            x->h->failed(x, &x->failure);
        }
        return;
    }
    if (x->link->state == LINK_OPEN)
        http_exchange_advance(x);
    else
        http_link_start(x->link);
}

u64 http_exchange_deadline(const HttpExchange *x)
{
    if (!x->wait_since)
        return 0;
    return x->wait_since + (x->has_head ? x->between_ms : x->first_byte_ms);
}

/* ---- the owner's calls ---- */

static HttpError check_call(const HttpCall *q)
{
    u32 at;
    Str host;
    i32 port;
    if (!http_token_valid(q->method) || q->method.n > HTTP_MAX_METHOD ||
        http_method_find(q->method) == HTTP_METHOD_CONNECT)
        return HTTP_ERROR_HTTP_REQUEST_METHOD_INVALID;
    if (q->target.n > HTTP_MAX_LINE)
        return HTTP_ERROR_HTTP_REQUEST_URI_TOO_LONG;
    if (!http_target_valid(q->target) || !http_authority_split(q->authority, &host, &port) ||
        port == 0 || q->authority.n > 512)
        return HTTP_ERROR_HTTP_REQUEST_URI_INVALID;
    if (http_pairs_check(q->fields, q->n_fields, false, &at))
        return HTTP_ERROR_HTTP_REQUEST_HEADER_SIZE;
    return HTTP_ERROR_NONE;
}

static void write_head(HttpExchange *x, const HttpCall *q)
{
    HttpRequestLine r = {.method = q->method,
                         .target = q->target,
                         .authority = q->authority,
                         .fields = q->fields,
                         .n_fields = q->n_fields,
                         .length = q->length,
                         .body = q->body};
    usize texts = q->method.n + q->target.n + q->authority.n;
    buf_reserve(&x->head, http_head_bound(q->fields, q->n_fields, texts));
    x->head.n = http_write_request(x->head.p, &r);
}

static Str make_key(const HttpCall *q)
{
    char *key = mem_alloc(q->authority.n + 1);
    key[0] = q->tls ? 's' : 'p';
    for (usize i = 0; i < q->authority.n; i++) {
        char c = q->authority.p[i];
        key[i + 1] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    return (Str){key, q->authority.n + 1};
}

static bool repeatable(HttpMethod m)
{
    return m == HTTP_METHOD_GET || m == HTTP_METHOD_HEAD || m == HTTP_METHOD_OPTIONS ||
           m == HTTP_METHOD_TRACE || m == HTTP_METHOD_PUT || m == HTTP_METHOD_DELETE;
}

HttpExchange *http_client_call(HttpClient *c, const HttpCall *q, const HttpExchangeHandler *h,
                               void *user, HttpError *ret_error)
{
    HttpError e = check_call(q);
    HttpFailure f = {0};
    if (e) {
        *ret_error = e;
        return NULL;
    }
    HttpExchange *x = mem_alloc(sizeof *x);
    x->client = c;
    x->h = h;
    x->user = user;
    x->task.run = on_task;
    x->method = http_method_find(q->method);
    x->has_body = q->body;
    x->may_repeat = !q->body && repeatable(x->method);
    x->chunked = q->body && q->length < 0;
    x->ended = !q->body;
    x->left = q->body && q->length > 0 ? (u64)q->length : 0;
    x->connect_ms = q->connect_ms ? q->connect_ms : DEFAULT_MS;
    x->first_byte_ms = q->first_byte_ms ? q->first_byte_ms : DEFAULT_MS;
    x->between_ms = q->between_ms ? q->between_ms : DEFAULT_MS;
    x->key = make_key(q);
    write_head(x, q);
    x->link = http_link_get(x, false, &f);
    if (x->link)
        buf_bytes(&x->link->out, x->head.p, x->head.n);
    else
        http_exchange_fail(x, f);
    if (!x->may_repeat)
        buf_release(&x->head);
    later(x);
    return x;
}

void http_exchange_free(HttpExchange *x)
{
    if (!x)
        return;
    HttpLink *k = x->link;
    x->link = NULL;
    http_task_remove(x->client->loop, &x->task);
    if (k)
        http_link_leave(k, x->has_head && k->b->head.keep_alive && x->body.ended &&
                               !x->body.fault && x->pending.n == 0 && x->ended);
    buf_release(&x->head);
    mem_free((void *)(usize)x->key.p);
    mem_free(x);
}

void *http_exchange_user(const HttpExchange *x)
{
    return x->user;
}

usize http_exchange_space(HttpExchange *x)
{
    if (!x->link)
        return 0;
    usize have = x->link->out.n - x->link->out_at, max = x->client->o.max_queued;
    x->wants_space = have >= max;
    if (x->wants_space)
        later(x);
    return have < max ? max - have : 0;
}

bool http_exchange_write(HttpExchange *x, const void *p, usize n)
{
    u8 head[HTTP_CHUNK_HEAD_MAX];
    ALWAYS(x->has_body && !x->ended);
    if (!x->chunked && n > x->left)
        return false;
    x->left -= x->chunked ? 0 : n;
    if (!x->link || n == 0) /* failed: told already, or soon */
        return true;
    Buf *out = &x->link->out;
    if (x->link->out_at >= COMPACT) {
        out->n -= x->link->out_at;
        memmove(out->p, out->p + x->link->out_at, out->n);
        x->link->out_at = 0;
    }
    if (x->chunked)
        buf_bytes(out, head, http_chunk_head(head, n));
    buf_bytes(out, p, n);
    if (x->chunked)
        buf_bytes(out, "\r\n", 2);
    later(x);
    return true;
}

HttpError http_exchange_end(HttpExchange *x, const HttpPair *trailers, u32 n_trailers)
{
    u32 at;
    ALWAYS(x->has_body && !x->ended);
    if (x->left > 0)
        return HTTP_ERROR_HTTP_REQUEST_BODY_SIZE;
    if (http_pairs_check(trailers, n_trailers, true, &at))
        return HTTP_ERROR_HTTP_REQUEST_TRAILER_SIZE;
    x->ended = true;
    if (!x->link)
        return HTTP_ERROR_NONE;
    if (x->chunked) {
        Buf *out = &x->link->out;
        buf_reserve(out, http_head_bound(trailers, n_trailers, 0));
        out->n += http_chunk_last(out->p + out->n, trailers, n_trailers);
    }
    later(x);
    return HTTP_ERROR_NONE;
}

const HttpHead *http_exchange_head(const HttpExchange *x)
{
    ALWAYS(x->has_head && x->link);
    return &x->link->b->head;
}

const u8 *http_exchange_bytes(const HttpExchange *x)
{
    ALWAYS(x->has_head && x->link);
    return x->link->in;
}

HttpClientRead http_exchange_read(HttpExchange *x, Str *ret_data)
{
    *ret_data = (Str){0};
    if (!x->link || !x->has_head)
        return x->failed ? HTTP_CLIENT_FAIL : HTTP_CLIENT_WAIT;
    HttpClientRead got = fill(x);
    *ret_data = x->pending;
    if (got == HTTP_CLIENT_WAIT || got == HTTP_CLIENT_FAIL) {
        x->reading = true;
        if (!x->wait_since)
            x->wait_since = http_loop_now(x->client->loop);
        later(x);
    }
    return got;
}

void http_exchange_consume(HttpExchange *x, usize n)
{
    ALWAYS(n <= x->pending.n);
    x->pending.p += n;
    x->pending.n -= n;
}

const HttpFields *http_exchange_trailers(const HttpExchange *x, const u8 **ret_bytes)
{
    ALWAYS(x->link);
    *ret_bytes = x->link->in + x->trailers_at;
    return &x->link->b->trailers;
}
