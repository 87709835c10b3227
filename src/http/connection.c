/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Server connections. A connection is in one phase at a time; `advance` runs it as far as its input
 * and the handler's answers go, then what is queued is sent with one system call, then the poll
 * mask and the timer are set from the state. Calls of the handler from outside of `advance` queue a
 * task that does the same, so callbacks never come from within a call of the handler.
 */
#include "base/mem.h"
#include "http/server_priv.h"
#include "os/fs.h"

#include <errno.h>

enum {
    PIPELINE_QUEUE = 65536, /* bytes of responses queued before the next request is looked at */
    DROP_LIMIT = 262144,    /* bytes of an unread body that are dropped to keep the connection */
    LINGER_MS = 1000,
    BODY_ROOM = 4096, /* buffer behind the largest head */
};

/* An answer of the server's own; the connection ends with it. */
static void answer_error(HttpRequest *c, u16 status)
{
    HttpServer *s = c->server;
    HttpWriteContext w = {
        .method = HTTP_METHOD_GET, .minor = 1, .close = true, .date = http_loop_date(s->loop)};
    HttpResponseHead h = {.status = status, .length = 0};
    u8 *p = http_conn_room(c, http_head_bound(NULL, 0, 0));
    c->out_n += http_write_response(p, &w, &h);
    c->phase = PHASE_CLOSING;
    c->close = true;
    c->body.ended = false; /* what still comes is dropped, so that the answer is not */
    c->pending = (Str){0};
    c->in_at = c->in_n = 0;
}

/* Of what is no request. */
static void refuse(HttpRequest *c, HttpFault fault)
{
    const HttpServer *s = c->server;
    if (s->h.refused)
        s->h.refused(s->ctx, c, fault);
    answer_error(c, http_fault_status(fault));
}

/* Moves what was not used to `base`, if there is nothing or the buffer is full. */
static void to_front(HttpRequest *c, u32 base)
{
    u32 n = c->in_n - c->in_at;
    if (n > 0 && (c->in_n < c->in_cap || c->in_at == base))
        return;
    memmove(c->in + base, c->in + c->in_at, n);
    c->in_at = base;
    c->in_n = base + n;
}

/* Makes room for reading; false if there is none and there can be none. */
static bool in_room(HttpRequest *c)
{
    if (c->phase == PHASE_CLOSING)
        return false;
    if (c->phase != PHASE_HEAD) {
        u32 base = c->phase == PHASE_LINGER ? 0 : c->head_at + c->b->head.size;
        if (c->pending.n == 0 && !c->body.ended)
            to_front(c, base);
        return c->in_n < c->in_cap;
    }
    if (c->in_n < c->in_cap)
        return true;
    if (c->in_at > 0) {
        memmove(c->in, c->in + c->in_at, c->in_n - c->in_at);
        c->in_n -= c->in_at;
        c->in_at = 0;
        return true;
    }
    return false;
}

/* A head that is larger than the buffer gets a larger one, up to the limit of heads. */
static void grow_in(HttpRequest *c, u32 cap)
{
    u8 *grown = mem_resize(NULL, cap);
    memcpy(grown, c->in, c->in_n);
    if (c->in != c->b->in)
        mem_free(c->in);
    c->in = grown;
    c->in_cap = cap;
}

/* ---- the phases ---- */

static void begin_request(HttpRequest *c)
{
    HttpServer *s = c->server;
    HttpBlock *b = c->b;
    c->head_at = c->in_at;
    c->in_at += b->head.size;
    if (c->in_cap - c->in_at < BODY_ROOM && b->head.framing != HTTP_BODY_NONE)
        grow_in(c, c->in_at + BODY_ROOM);
    http_body_start(&c->body, &b->head, s->o.max_body, &b->trailers);
    if (c->body.fault) {
        refuse(c, c->body.fault);
        return;
    }
    c->pending = (Str){0};
    c->dropped = 0;
    c->reading = c->wants_space = c->started = c->ended = c->headless = false;
    /* A client whose body is here already does not wait for it. */
    c->continued = !b->head.expect_continue || c->body.ended || c->in_at < c->in_n;
    c->fault = HTTP_FAULT_NONE;
    c->close = !b->head.keep_alive || s->draining || b->head.method == HTTP_METHOD_CONNECT;
    c->head_since = 0;
    c->body_patience = (HttpPatience){.left = s->o.body_ms, .max = s->o.body_ms};
    c->user = NULL;
    c->phase = PHASE_HANDLER;
    s->requests++;
    s->h.head(s->ctx, c);
}

/* True if a request begun or the connection ended: look again. */
static bool advance_head(HttpRequest *c)
{
    if (c->in_at == c->in_n) {
        c->in_at = c->in_n = 0;
        c->head_since = 0;
        if (c->eof || (c->server->draining && c->head_since == 0))
            c->phase = PHASE_CLOSING;
        return false;
    }
    if (http_conn_queued(c) >= PIPELINE_QUEUE)
        return false;
    HttpHead *h = &c->b->head;
    if (!c->head_since)
        c->head_since = MAX(http_conn_now(c), 1);
    switch (http_request_parse(h, c->in + c->in_at, c->in_n - c->in_at)) {
    case HTTP_DONE:
        begin_request(c);
        return true;
    case HTTP_FAIL:
        refuse(c, h->fault);
        return true;
    case HTTP_MORE:
        break;
    }
    if (c->eof)
        c->phase = PHASE_CLOSING;
    else if (c->in_n - c->in_at == c->in_cap)
        grow_in(c, MIN(c->in_cap * 2, HTTP_MAX_HEAD + BODY_ROOM));
    return false;
}

static void finish_request(HttpRequest *c)
{
    c->idle_since = http_conn_now(c);
    http_head_start(&c->b->head);
    c->body_patience.since = 0;
    c->phase = c->close ? PHASE_CLOSING : PHASE_HEAD;
}

u16 http_abort_status(const HttpRequest *c, HttpAbort why)
{
    if (c->started || c->broken || why == HTTP_ABORT_PEER)
        return 0;
    return why == HTTP_ABORT_TIMEOUT ? 408 : http_fault_status(c->fault);
}

/* The body failed or was cut under the handler. */
static void fail_body(HttpRequest *c, HttpAbort why)
{
    c->fault = c->body.fault;
    if (why == HTTP_ABORT_PEER || c->started) {
        http_conn_cut(c, why);
        return;
    }
    c->server->requests--;
    c->phase = PHASE_CLOSING;
    c->server->h.aborted(c, why);
    answer_error(c, http_abort_status(c, why));
}

static bool advance_drop(HttpRequest *c)
{
    HttpRead got = http_conn_fill(c);
    if (got == HTTP_READ_END) {
        finish_request(c);
    } else if (got == HTTP_READ_DATA) {
        c->dropped += c->pending.n;
        c->pending = (Str){0};
        if (c->dropped > DROP_LIMIT)
            c->phase = PHASE_CLOSING;
    } else if (got == HTTP_READ_FAIL || c->eof || c->close || !c->continued) {
        c->close = true;
        c->phase = PHASE_CLOSING;
    } else {
        http_patience_wait(&c->body_patience, http_conn_now(c));
        return false;
    }
    return true;
}

static bool advance_handler(HttpRequest *c)
{
    if (c->ended) {
        c->server->requests--;
        c->phase = PHASE_DROP;
        if (c->server->h.done)
            c->server->h.done(c);
        return true;
    }
    if (c->wants_space && http_conn_queued(c) <= c->server->o.max_queued / 2) {
        c->wants_space = false;
        c->server->h.writable(c);
        return true;
    }
    if (!c->reading)
        return false;
    HttpRead got = http_conn_fill(c);
    if (got == HTTP_READ_WAIT) {
        if (c->eof)
            fail_body(c, HTTP_ABORT_PEER);
        return c->eof;
    }
    c->reading = false;
    if (got == HTTP_READ_FAIL)
        fail_body(c, HTTP_ABORT_FAULT);
    else
        c->server->h.readable(c);
    return true;
}

static bool advance_once(HttpRequest *c)
{
    switch (c->phase) {
    case PHASE_HEAD:
        return advance_head(c);
    case PHASE_HANDLER:
        return advance_handler(c);
    case PHASE_DROP:
        return advance_drop(c);
    case PHASE_LINGER:
        c->in_at = c->in_n = 0;
        if (c->eof)
            http_conn_close(c);
        return false;
    case PHASE_CLOSING:
    case PHASE_CLOSED:
        break;
    }
    return false;
}

/* All is sent, or the connection is broken. */
static void sent_last(HttpRequest *c)
{
    if (c->eof || (c->in_at == c->in_n && c->body.ended)) {
        http_conn_close(c);
        return;
    }
    os_shutdown_write(c->fd);
    c->phase = PHASE_LINGER;
    c->in_at = c->in_n = 0;
    c->eof_since = http_conn_now(c);
}

static int wanted_events(HttpRequest *c)
{
    int events = http_conn_queued(c) ? UV_WRITABLE : 0;
    if (!c->eof && (!c->b || in_room(c)))
        events |= UV_READABLE;
    return events;
}

static u64 earliest(u64 a, u64 b)
{
    return a && b ? MIN(a, b) : a | b;
}

static u64 deadline_of(HttpRequest *c)
{
    const HttpServerOptions *o = &c->server->o;
    u64 at = 0, now = http_conn_now(c);
    if (http_conn_queued(c)) {
        http_patience_wait(&c->write_patience, now);
        at = http_patience_deadline(&c->write_patience);
    }
    switch (c->phase) {
    case PHASE_HEAD:
        at = earliest(at, c->head_since ? c->head_since + o->head_ms : c->idle_since + o->idle_ms);
        break;
    case PHASE_HANDLER:
        if (c->eof)
            at = earliest(at, c->eof_since + o->half_closed_ms);
        if (c->reading)
            http_patience_wait(&c->body_patience, now);
        break;
    case PHASE_LINGER:
        return c->eof_since + LINGER_MS;
    case PHASE_DROP:
    case PHASE_CLOSING:
    case PHASE_CLOSED:
        break;
    }
    if (c->body_patience.since)
        at = earliest(at, http_patience_deadline(&c->body_patience));
    return at;
}

static void on_ready(uv_poll_t *poll, int status, int events);

static void settle(HttpRequest *c)
{
    if (c->phase == PHASE_HEAD && c->in_n == 0 && !http_conn_queued(c))
        http_conn_release_buffers(c);
    int events = wanted_events(c);
    if (events != c->polled) {
        c->polled = events;
        if (events)
            uv_poll_start(&c->poll, events, on_ready);
        else
            uv_poll_stop(&c->poll);
    }
    u64 at = deadline_of(c);
    if (at)
        http_timer_at(c->server->loop, &c->timer, at);
    else
        http_timer_stop(&c->timer);
}

void http_conn_advance(HttpRequest *c)
{
    usize sent;
    if (c->phase == PHASE_CLOSED || c->busy)
        return;
    c->busy = true;
    do {
        while (advance_once(c))
            ;
        if (c->phase == PHASE_CLOSED)
            break;
        if (c->broken || !http_conn_send(c, (Str){0}, &sent)) {
            http_conn_cut(c, HTTP_ABORT_PEER);
            break;
        }
        if (c->phase == PHASE_CLOSING && !http_conn_queued(c))
            sent_last(c);
        /* Sending may have made the space that something waits for. */
    } while ((c->phase == PHASE_HANDLER && c->wants_space &&
              http_conn_queued(c) <= c->server->o.max_queued / 2) ||
             (c->phase == PHASE_HEAD && c->in_at < c->in_n &&
              http_conn_queued(c) < PIPELINE_QUEUE &&
              c->b->head.fields.scanned < c->in_n - c->in_at));
    c->busy = false;
    if (c->phase != PHASE_CLOSED)
        settle(c);
}

/* ---- events ---- */

static void receive(HttpRequest *c)
{
    usize n;
    http_conn_need_buffers(c);
    if (c->eof || !in_room(c))
        return;
    int e = os_recv(c->fd, c->in + c->in_n, c->in_cap - c->in_n, &n);
    if (e == EAGAIN)
        return;
    if (e) {
        http_conn_cut(c, HTTP_ABORT_PEER);
        return;
    }
    c->in_n += (u32)n;
    if (n == 0) {
        c->eof = true;
        c->eof_since = http_conn_now(c);
    }
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    HttpRequest *c = poll->data;
    if (status < 0) {
        http_conn_cut(c, HTTP_ABORT_PEER);
        return;
    }
    if (events & UV_READABLE)
        receive(c);
    http_conn_advance(c);
}

static void on_task(HttpTask *t)
{
    http_conn_advance((HttpRequest *)((u8 *)t - offsetof(HttpRequest, task)));
}

/* The peer is waited for no longer; `writing`: it does not take what it asked for. */
static void give_up(HttpRequest *c, bool writing)
{
    if (writing || c->phase == PHASE_LINGER || c->phase == PHASE_CLOSING) {
        http_conn_cut(c, HTTP_ABORT_TIMEOUT);
    } else if (c->phase == PHASE_HEAD && c->head_since) {
        refuse(c, HTTP_FAULT_SLOW);
        http_conn_advance(c);
    } else if (c->phase == PHASE_HANDLER && !c->eof) {
        fail_body(c, HTTP_ABORT_TIMEOUT);
        http_conn_advance(c);
    } else {
        http_conn_cut(c, HTTP_ABORT_TIMEOUT);
    }
}

static void on_timer(HttpTimer *t)
{
    HttpRequest *c = (HttpRequest *)((u8 *)t - offsetof(HttpRequest, timer));
    u64 at = deadline_of(c), now = http_conn_now(c);
    if (at == 0 || at > now) {
        if (at)
            http_timer_at(c->server->loop, t, at);
        return;
    }
    give_up(c, http_conn_queued(c) && http_patience_deadline(&c->write_patience) <= now);
}

u64 http_conn_idle_ms(const HttpRequest *c)
{
    enum { WEIGHT = 4 }; /* of a connection without a request, beside one that has one */
    u64 now = http_conn_now(c);
    if (c->write_patience.since && http_conn_queued(c))
        return http_patience_used(&c->write_patience, now) / WEIGHT;
    if (c->phase == PHASE_HEAD)
        return now - c->idle_since;
    if (c->body_patience.since && (c->phase == PHASE_HANDLER || c->phase == PHASE_DROP))
        return http_patience_used(&c->body_patience, now) / WEIGHT;
    return 0;
}

void http_conn_evict(HttpRequest *c)
{
    if (c->phase == PHASE_HEAD)
        http_conn_cut(c, HTTP_ABORT_TIMEOUT);
    else
        give_up(c, http_conn_queued(c) > 0);
}

/* A connection begins; its memory is zero. */
void http_conn_open(HttpServer *s, HttpRequest *c, int fd)
{
    c->server = s;
    c->fd = fd;
    c->timer.fire = on_timer;
    c->task.run = on_task;
    c->body.ended = true;
    c->idle_since = http_loop_now(s->loop);
    c->write_patience = (HttpPatience){.left = s->o.write_ms, .max = s->o.write_ms};
    c->poll.data = c;
    c->next = c->prev = c;
    if (s->all) {
        c->next = s->all;
        c->prev = s->all->prev;
        c->prev->next = c->next->prev = c;
    }
    s->all = c;
    http_server_count(s, 1);
    settle(c);
}
