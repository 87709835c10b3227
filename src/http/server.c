/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Listening, accepting, draining: what a server does beside its connections. */
#include "base/mem.h"
#include "http/server_priv.h"
#include "os/fs.h"

#include <errno.h>

enum {
    ACCEPT_BATCH = 16,    /* connections accepted in one turn, or ended to make room for others */
    AGAIN_MS = 100,       /* until it is seen whether there is room */
    DRAIN_HEAD_MS = 1000, /* of a head, once the server drains */
    SPARED_MS = 1000, /* a connection that was of use within this time is not ended for others */
};

HttpServerOptions http_server_options_default(void)
{
    return (HttpServerOptions){
        .max_connections = 1000,
        .max_body = UINT64_MAX,
        .max_queued = 256 << 10,
        .head_ms = 30000,
        .idle_ms = 75000,
        .body_ms = 30000,
        .write_ms = 30000,
        .half_closed_ms = 30000,
    };
}

static void accept_more(HttpServer *s);

void http_server_maybe_free(HttpServer *s)
{
    if (!s->freed || s->closing > 0)
        return;
    for (HttpRequest *next, *c = s->pool; c; c = next) {
        next = c->next;
        mem_free(c);
    }
    mem_free(s);
}

void http_server_adopt(HttpServer *s, int fd)
{
    HttpRequest *c = s->pool;
    if (c) {
        s->pool = c->next;
        s->pooled--;
        memset(c, 0, sizeof *c);
    } else {
        c = mem_alloc(sizeof *c);
    }
    if (uv_poll_init(http_loop_uv(s->loop), &c->poll, fd) != 0) {
        os_fd_close(fd);
        mem_free(c);
        return;
    }
    http_conn_open(s, c, fd);
}

/* ---- listening ---- */

static void again_later(HttpServer *s)
{
    if (!s->draining)
        http_timer_at(s->loop, &s->timer, http_loop_now(s->loop) + AGAIN_MS);
}

static void on_acceptable(uv_poll_t *poll, int status, int events)
{
    Listener *l = poll->data;
    HttpServer *s = l->server;
    (void)status, (void)events;
    for (u32 i = 0; i < ACCEPT_BATCH && s->connections < s->o.max_connections; i++) {
        int fd, e = os_accept(l->fd, &fd);
        if (e == EAGAIN)
            return;
        if (e && s->h.starved)
            s->h.starved(s->ctx, e);
        s->starved = e != 0;
        if (e) { /* no descriptors or no memory: again in a while, or when a connection has ended */
            uv_poll_stop(&l->poll);
            l->polling = false;
            again_later(s);
            return;
        }
        os_socket_no_delay(fd);
        http_server_adopt(s, fd);
    }
    if (s->connections >= s->o.max_connections) {
        uv_poll_stop(&l->poll);
        l->polling = false;
        again_later(s);
    }
}

static void accept_more(HttpServer *s)
{
    if (s->connections >= s->o.max_connections)
        return;
    for (Listener *l = s->listeners; l; l = l->next)
        if (!l->polling) {
            l->polling = true;
            uv_poll_start(&l->poll, UV_READABLE, on_acceptable);
        }
}

void http_server_listen(HttpServer *s, int fd)
{
    Listener *l = mem_alloc(sizeof *l);
    l->server = s;
    l->fd = fd;
    ALWAYS(uv_poll_init(http_loop_uv(s->loop), &l->poll, fd) == 0);
    l->poll.data = l;
    l->next = s->listeners;
    s->listeners = l;
    accept_more(s);
}

/* Whether a connection waits in the system's queue. */
static bool somebody_waits(const HttpServer *s)
{
    for (const Listener *l = s->listeners; l; l = l->next) {
        OsPollFd fd = {.fd = l->fd, .wanted = OS_POLL_READ};
        usize ready = 0;
        if (os_wait_any(&fd, 1, 0, NULL, &ready) == 0 && ready)
            return true;
    }
    return false;
}

/*
 * All connections are taken, or all descriptors, and others wait: those that have been idle for
 * longest make room, so that peers that hold many of them and ask nothing keep nobody out.
 */
static void make_room(HttpServer *s)
{
    u64 most = 0;
    u32 left = s->connections, ended = 0;
    if (!somebody_waits(s))
        return;
    for (HttpRequest *c = s->all; left > 0; c = c->next, left--)
        most = MAX(most, http_conn_idle_ms(c));
    left = s->connections;
    for (HttpRequest *next, *c = s->all; left > 0 && ended < ACCEPT_BATCH; c = next, left--) {
        u64 idle = http_conn_idle_ms(c);
        next = c->next;
        if (idle < MAX((u64)SPARED_MS, most / 2))
            continue;
        http_conn_evict(c);
        ended++;
    }
}

static void on_listener_closed(uv_handle_t *h)
{
    Listener *l = h->data;
    HttpServer *s = l->server;
    s->closing--;
    mem_free(l);
    http_server_maybe_free(s);
}

static void stop_listening(HttpServer *s)
{
    while (s->listeners) {
        Listener *l = s->listeners;
        s->listeners = l->next;
        uv_poll_stop(&l->poll);
        uv_close((uv_handle_t *)&l->poll, on_listener_closed);
        os_fd_close(l->fd);
        s->closing++;
    }
}

/* ---- life of a server ---- */

/* After a connection has ended: another one may be accepted, or the last one has gone. */
static void on_server_task(HttpTask *t)
{
    HttpServer *s = (HttpServer *)((u8 *)t - offsetof(HttpServer, task));
    accept_more(s);
    if (s->drained && s->connections == 0) {
        void (*drained)(void *ctx) = s->drained;
        s->drained = NULL;
        http_timer_remove(s->loop, &s->timer);
        drained(s->ctx);
    }
}

static void cut_all(HttpServer *s)
{
    while (s->all)
        http_conn_cut(s->all, HTTP_ABORT_SERVER);
}

static void on_server_timer(HttpTimer *t)
{
    HttpServer *s = (HttpServer *)((u8 *)t - offsetof(HttpServer, timer));
    if (s->draining) {
        cut_all(s);
        return;
    }
    if (s->connections >= s->o.max_connections || s->starved) {
        make_room(s);
        again_later(s);
    }
    accept_more(s);
}

HttpServer *http_server_new(HttpLoop *l, const HttpServerOptions *o, const HttpHandler *handler,
                            void *ctx)
{
    HttpServer *s = mem_alloc(sizeof *s);
    s->loop = l;
    s->o = *o;
    s->h = *handler;
    s->ctx = ctx;
    s->timer.fire = on_server_timer;
    s->task.run = on_server_task;
    return s;
}

void http_server_drain(HttpServer *s, u32 ms, void (*drained)(void *ctx))
{
    s->draining = true;
    s->drained = drained;
    s->o.head_ms = MIN(s->o.head_ms, (u32)DRAIN_HEAD_MS);
    stop_listening(s);
    for (HttpRequest *next, *c = s->all; c; c = next) {
        next = c->next == s->all ? NULL : c->next;
        c->close = true;
        if (c->phase == PHASE_HEAD)
            http_task_queue(s->loop, &c->task);
    }
    http_timer_at(s->loop, &s->timer, http_loop_now(s->loop) + ms);
    http_task_queue(s->loop, &s->task);
}

void http_server_free(HttpServer *s)
{
    if (!s)
        return;
    stop_listening(s);
    s->drained = NULL;
    s->draining = true;
    while (s->all)
        http_conn_close(s->all);
    http_timer_remove(s->loop, &s->timer);
    http_task_remove(s->loop, &s->task);
    s->freed = true;
    http_server_maybe_free(s);
}

u32 http_server_connections(const HttpServer *s)
{
    return s->connections;
}

u32 http_server_requests(const HttpServer *s)
{
    return s->requests;
}
