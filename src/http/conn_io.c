/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Buffers of a server's connection, its output queue, the input of its request's body, and its end.
 */
#include "base/mem.h"
#include "http/server_priv.h"
#include "os/fs.h"

#include <errno.h>

enum { POOLED_CONNECTIONS = 256 };

/* ---- life of a connection ---- */

static void on_connection_closed(uv_handle_t *h)
{
    HttpRequest *c = h->data;
    HttpServer *s = c->server;
    s->closing--;
    if (s->pooled < POOLED_CONNECTIONS && !s->freed) {
        c->next = s->pool;
        s->pool = c;
        s->pooled++;
    } else {
        mem_free(c);
    }
    http_server_maybe_free(s);
}

void http_conn_release_buffers(HttpRequest *c)
{
    if (!c->b)
        return;
    if (c->in != c->b->in)
        mem_free(c->in);
    if (c->out != c->b->out)
        mem_free(c->out);
    http_block_put(c->server->loop, c->b);
    c->b = NULL;
    c->in = c->out = NULL;
    c->in_n = c->in_at = c->in_cap = 0;
    c->out_n = c->out_at = c->out_cap = 0;
}

void http_conn_need_buffers(HttpRequest *c)
{
    if (c->b)
        return;
    c->b = http_block_get(c->server->loop);
    c->in = c->b->in;
    c->in_cap = HTTP_IN_SIZE;
    c->out = c->b->out;
    c->out_cap = HTTP_OUT_SIZE;
    http_head_start(&c->b->head);
}

void http_conn_close(HttpRequest *c)
{
    HttpServer *s = c->server;
    if (c->phase == PHASE_CLOSED)
        return;
    s->requests -= c->phase == PHASE_HANDLER;
    c->phase = PHASE_CLOSED;
    http_timer_remove(s->loop, &c->timer);
    http_task_remove(s->loop, &c->task);
    http_conn_release_buffers(c);
    uv_poll_stop(&c->poll);
    uv_close((uv_handle_t *)&c->poll, on_connection_closed);
    os_fd_close(c->fd);
    c->prev->next = c->next;
    c->next->prev = c->prev;
    if (s->all == c)
        s->all = c->next == c ? NULL : c->next;
    s->closing++;
    http_server_count(s, -1);
    http_task_queue(s->loop, &s->task);
}

void http_conn_cut(HttpRequest *c, HttpAbort why)
{
    if (c->phase == PHASE_CLOSED)
        return;
    if (c->phase == PHASE_HANDLER) {
        c->server->requests--;
        c->phase = PHASE_CLOSING;
        c->broken = true;
        c->server->h.aborted(c, why);
    }
    http_conn_close(c);
}

/* ---- output ---- */

u8 *http_conn_room(HttpRequest *c, usize n)
{
    http_conn_need_buffers(c);
    if (c->out_cap - c->out_n >= n)
        return c->out + c->out_n;
    usize have = http_conn_queued(c);
    if (c->out_cap < have + n) {
        usize cap = MAX(c->out_cap * 2, have + n);
        u8 *grown = mem_resize(NULL, cap);
        memcpy(grown, c->out + c->out_at, have);
        if (c->out != c->b->out)
            mem_free(c->out);
        c->out = grown;
        c->out_cap = cap;
    } else {
        memmove(c->out, c->out + c->out_at, have);
    }
    c->out_n = have;
    c->out_at = 0;
    return c->out + c->out_n;
}

static void out_emptied(HttpRequest *c)
{
    c->out_at = c->out_n = 0;
    if (c->b && c->out != c->b->out) {
        mem_free(c->out);
        c->out = c->b->out;
        c->out_cap = HTTP_OUT_SIZE;
    }
}

bool http_conn_send(HttpRequest *c, Str more, usize *ret_sent)
{
    usize have = http_conn_queued(c), sent = 0;
    *ret_sent = 0;
    if (have + more.n == 0)
        return true;
    Str first = {(const char *)c->out + c->out_at, have};
    int e = os_send(c->fd, have ? first : more, have ? more : (Str){0}, &sent);
    if (e && e != EAGAIN)
        return false;
    if (sent)
        http_patience_progress(&c->write_patience, http_conn_now(c), sent);
    if (sent < have) {
        c->out_at += sent;
        return true;
    }
    out_emptied(c);
    *ret_sent = sent - have;
    return true;
}

void http_conn_put(HttpRequest *c, const void *p, usize n)
{
    Str s = {p, n};
    http_conn_need_buffers(c);
    if (c->out_cap - c->out_n < n) {
        usize sent;
        if (!http_conn_send(c, s, &sent)) {
            c->broken = true;
            return;
        }
        s = (Str){s.p + sent, s.n - sent};
    }
    if (s.n) {
        memcpy(http_conn_room(c, s.n), s.p, s.n);
        c->out_n += s.n;
    }
}

void http_conn_later(HttpRequest *c)
{
    if (!c->busy)
        http_task_queue(c->server->loop, &c->task);
}

HttpRead http_conn_fill(HttpRequest *c)
{
    for (;;) {
        usize used;
        Str data;
        if (c->pending.n)
            return HTTP_READ_DATA;
        HttpStep step =
            http_body_decode(&c->body, c->in + c->in_at, c->in_n - c->in_at, &used, &data);
        if (step == HTTP_DONE && used)
            c->trailers_at = c->in_at;
        c->in_at += (u32)used;
        c->pending = data;
        if (used) {
            http_patience_progress(&c->body_patience, http_conn_now(c), used);
            c->continued = true;
        }
        if (step == HTTP_DONE || (step == HTTP_MORE && c->body.ended && data.n == 0))
            return HTTP_READ_END;
        if (step == HTTP_FAIL)
            return HTTP_READ_FAIL;
        if (used == 0)
            return HTTP_READ_WAIT;
    }
}
