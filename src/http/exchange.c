/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a handler calls about its request and its response. */
#include "http/server_priv.h"

/* ---- what the handler calls: the request ---- */

const HttpHead *http_request_head(const HttpRequest *r)
{
    return &r->b->head;
}

const u8 *http_request_bytes(const HttpRequest *r)
{
    return r->in + r->head_at;
}

void http_request_set_user(HttpRequest *r, void *user)
{
    r->user = user;
}

void *http_request_user(const HttpRequest *r)
{
    return r->user;
}

void *http_request_context(const HttpRequest *r)
{
    return r->server->ctx;
}

int http_request_peer(const HttpRequest *r, OsAddress *ret_address)
{
    return os_socket_peer(r->fd, ret_address);
}

HttpFault http_request_fault(const HttpRequest *r)
{
    return r->fault;
}

void http_request_continue(HttpRequest *r)
{
    if (!r->continued && !r->started) {
        http_conn_put(r, "HTTP/1.1 100 Continue\r\n\r\n", 25);
        http_conn_later(r);
    }
    r->continued = true;
}

HttpRead http_request_read(HttpRequest *r, Str *ret_data)
{
    HttpRead got = http_conn_fill(r);
    *ret_data = r->pending;
    if (got != HTTP_READ_DATA && got != HTTP_READ_END) {
        r->reading = true;
        http_conn_later(r);
    }
    if (got == HTTP_READ_WAIT)
        http_request_continue(r);
    return got;
}

void http_request_consume(HttpRequest *r, usize n)
{
    ALWAYS(n <= r->pending.n);
    r->pending.p += n;
    r->pending.n -= n;
}

const HttpFields *http_request_trailers(const HttpRequest *r, const u8 **ret_bytes)
{
    *ret_bytes = r->in + r->trailers_at;
    return &r->b->trailers;
}

/* ---- what the handler calls: the response ---- */

const char *http_response_start(HttpRequest *r, const HttpResponseHead *h)
{
    const HttpHead *q = &r->b->head;
    u32 at;
    if (r->started)
        return "the response has started already";
    if (h->status < 200 || h->status > 999)
        return "its status is not 200 to 999";
    const char *wrong = http_pairs_check(h->fields, h->n_fields, false, &at);
    if (wrong)
        return wrong;
    HttpWriteContext w = {
        .method = q->method, .minor = q->minor, .date = http_loop_date(r->server->loop)};
    r->framing = http_response_framing(&w, h);
    /* A client that waits for 100 Continue may send its body or not: nobody can tell any more. */
    r->close |= r->framing == HTTP_BODY_CLOSE || !r->continued || r->server->draining;
    w.close = r->close;
    u8 *p = http_conn_room(r, http_head_bound(h->fields, h->n_fields, 0));
    r->out_n += http_write_response(p, &w, h);
    r->left = r->framing == HTTP_BODY_LENGTH ? (u64)h->length : 0;
    r->started = true;
    http_conn_later(r);
    return NULL;
}

bool http_response_started(const HttpRequest *r)
{
    return r->started;
}

usize http_response_queued(const HttpRequest *r)
{
    return http_conn_queued(r);
}

usize http_response_space(HttpRequest *r)
{
    usize have = http_conn_queued(r), max = r->server->o.max_queued;
    r->wants_space = have >= max;
    if (r->wants_space)
        http_conn_later(r);
    return have < max ? max - have : 0;
}

bool http_response_write(HttpRequest *r, const void *p, usize n)
{
    ALWAYS(r->started && !r->ended);
    if (r->framing == HTTP_BODY_NONE || n == 0)
        return true;
    if (r->framing == HTTP_BODY_LENGTH && n > r->left)
        return false;
    r->left -= r->framing == HTTP_BODY_LENGTH ? n : 0;
    if (r->framing == HTTP_BODY_CHUNKED)
        r->out_n += http_chunk_head(http_conn_room(r, HTTP_CHUNK_HEAD_MAX), n);
    http_conn_put(r, p, n);
    if (r->framing == HTTP_BODY_CHUNKED)
        http_conn_put(r, "\r\n", 2);
    http_conn_later(r);
    return true;
}

void http_response_flush(HttpRequest *r)
{
    usize sent;
    if (!http_conn_send(r, (Str){0}, &sent)) {
        r->broken = true;
        http_conn_later(r);
    }
}

const char *http_response_end(HttpRequest *r, const HttpPair *trailers, u32 n_trailers)
{
    u32 at;
    ALWAYS(r->started && !r->ended);
    const char *wrong = http_pairs_check(trailers, n_trailers, true, &at);
    if (wrong)
        return wrong;
    if (r->left > 0) {
        http_response_abort(r);
        return "the body is shorter than its length";
    }
    if (r->framing == HTTP_BODY_CHUNKED)
        r->out_n += http_chunk_last(http_conn_room(r, http_head_bound(trailers, n_trailers, 0)),
                                    trailers, n_trailers);
    r->ended = true;
    http_conn_later(r);
    return NULL;
}

void http_response_abort(HttpRequest *r)
{
    http_conn_close(r);
}

const char *http_respond(HttpRequest *r, u16 status, const HttpPair *fields, u32 n_fields, Str body)
{
    HttpResponseHead h = {
        .status = status, .fields = fields, .n_fields = n_fields, .length = (i64)body.n};
    const char *wrong = http_response_start(r, &h);
    if (wrong)
        return wrong;
    ALWAYS(http_response_write(r, body.p, body.n));
    return http_response_end(r, NULL, 0);
}
