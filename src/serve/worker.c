/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A thread that serves: its loop, its HTTP server, its slots. */
#include "serve/serve_priv.h"

#include "os/fs.h"
#include "os/time.h"
#include "runtime/fiber.h"

#include <string.h>

#define STARVED_NS UINT64_C(60000000000)

static SlotPool *pool_new(Worker *w)
{
    const ServeConfig *c = &w->server->c;
    SlotConfig config = {.engine = c->engine,
                         .component = c->component,
                         .linker = w->server->linker,
                         .images = w->server->images,
                         .max_idle = w->max_requests,
                         .host_new = serve_guest_new,
                         .host_end = serve_guest_end,
                         .host_reset = serve_guest_reset,
                         .host_free = serve_guest_free,
                         .arg = w};
    slot_options_init(&config.options);
    return slot_pool_new(&config);
}

/* --- the end --- */

static void end_if_done(Worker *w)
{
    if (w->drained && w->running == 0)
        uv_stop(wasi_loop_uv(w->loop));
}

static void on_drained(void *ctx)
{
    Worker *w = ctx;
    w->drained = true;
    end_if_done(w);
}

static void on_stop(uv_async_t *h)
{
    Worker *w = h->data;
    if (w->stopping)
        return;
    w->stopping = true;
    u64 ms = w->server->c.drain_ns / 1000000;
    http_server_drain(w->http, (u32)MIN(ms, (u64)UINT32_MAX), on_drained);
}

void worker_stop(Worker *w)
{
    if (!__atomic_load_n(&w->ended, __ATOMIC_ACQUIRE))
        uv_async_send(&w->stop);
}

/* --- instances that are reused --- */

Guest *worker_warm(Worker *w)
{
    Guest *g = w->warm;
    if (g)
        w->warm = g->next;
    return g;
}

static void cool_after(Worker *w, u64 ns)
{
    http_timer_at(w->http_loop, &w->cool, http_loop_now(w->http_loop) + ns / 1000000 + 1);
}

void worker_keep(Worker *w, Guest *g, Slot *slot)
{
    u64 idle = w->server->c.idle_ns, now = os_monotonic_ns();
    g->slot = slot;
    g->idle_until = now + MIN(idle, UINT64_MAX - now);
    if (!w->warm)
        cool_after(w, idle);
    g->next = w->warm;
    w->warm = g;
}

/* The earliest are at the end. */
static void drop_idle(Worker *w, u64 now)
{
    Guest **at = &w->warm;
    while (*at && (*at)->idle_until > now)
        at = &(*at)->next;
    Guest *old = *at;
    *at = NULL;
    while (old) {
        Guest *next = old->next;
        slot_give(old->slot);
        old = next;
    }
}

static void on_cool(HttpTimer *t)
{
    Worker *w = (Worker *)((u8 *)t - offsetof(Worker, cool));
    drop_idle(w, os_monotonic_ns());
    if (w->warm)
        cool_after(w, w->server->c.idle_ns);
}

/* --- what is told --- */

/* Whole lines, in one piece: other threads write to the same file. */
static void write_lines(HttpTask *t)
{
    Worker *w = (Worker *)((u8 *)t - offsetof(Worker, write_lines));
    const ServeConfig *c = &w->server->c;
    usize n;
    if (c->access_is_file)
        (void)os_fd_write(c->access_fd, w->lines.p, w->lines.n, &n);
    else
        serve_put(c->access_fd, (const char *)w->lines.p, w->lines.n);
    w->lines.n = 0;
}

void worker_observe(Worker *w, Call *c)
{
    u64 now = os_monotonic_ns();
    counters_request(&w->counters, &c->outcome, now);
    if (w->server->c.access_fd < 0)
        return;
    access_line(w->server->c.access_json, c->r, &c->outcome, now, &w->lines);
    http_task_queue(w->http_loop, &w->write_lines);
}

void worker_refused(Worker *w, HttpRequest *r, HttpFault fault)
{
    counter_add(&w->counters.malformed, 1);
    if (w->server->c.access_fd < 0)
        return;
    access_refused(w->server->c.access_json, r, fault, &w->lines);
    http_task_queue(w->http_loop, &w->write_lines);
}

void worker_starved(Worker *w, int error)
{
    u64 now = os_monotonic_ns();
    if (w->starved_at && now - w->starved_at < STARVED_NS)
        return;
    w->starved_at = now;
    serve_report(REPORT_ERROR, error_new("connections have to wait: %s", strerror(error)));
}

static void observe_slots(Worker *w)
{
    SlotStats stats;
    slot_pool_stats(w->pool, &stats);
    counters_slots(&w->counters, &stats);
}

/* --- calls --- */

void worker_wait(Worker *w, Call *c)
{
    c->next = NULL;
    c->link = w->last;
    *w->last = c;
    w->last = &c->next;
}

static void take_out(Worker *w, Call *c)
{
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    else
        w->last = c->link;
    c->link = NULL;
}

static void put_free(Worker *w, Call *c)
{
    c->next = w->free;
    w->free = c;
}

void worker_forget(Worker *w, Call *c)
{
    if (!c->link)
        return;
    take_out(w, c);
    put_free(w, c);
}

void worker_call_ended(Worker *w, Call *c)
{
    Call *next = w->waiting;
    if (w->observed)
        observe_slots(w);
    put_free(w, c);
    if (next) {
        take_out(w, next);
        call_start(next);
        return;
    }
    __atomic_store_n(&w->running, w->running - 1, __ATOMIC_RELAXED);
    end_if_done(w);
}

/* --- the thread --- */

/* False: there are no descriptors or no memory for a loop. */
MUST_CHECK static bool open_server(Worker *w)
{
    HttpServerOptions o = http_server_options_default();
    o.max_connections = w->max_connections;
    o.gauge = &w->connections;
    w->loop = wasi_loop();
    if (!w->loop)
        return false;
    w->thread_id = os_thread_id();
    wasi_loop_count_turns(w->loop, &w->turns);
    uv_loop_t *uv = wasi_loop_uv(w->loop);
    ALWAYS(uv_async_init(uv, &w->stop, on_stop) == 0);
    w->stop.data = w;
    w->http_loop = http_loop_new(uv);
    w->http = http_server_new(w->http_loop, &o, &call_handler, w);
    for (u32 i = 0; i < w->sockets.n; i++)
        http_server_listen(w->http, w->sockets.p[i]);
    w->pool = pool_new(w);
    w->observed = w->server->c.access_fd >= 0 || w->server->c.metrics;
    w->write_lines.run = write_lines;
    w->cool.fire = on_cool;
    w->pairs = mem_alloc_array(HTTP_MAX_FIELDS + w->server->c.n_headers, sizeof *w->pairs);
    return true;
}

static void close_server(Worker *w)
{
    http_server_free(w->http);
    http_task_remove(w->http_loop, &w->write_lines);
    if (w->lines.n > 0)
        write_lines(&w->write_lines);
    http_timer_remove(w->http_loop, &w->cool);
    drop_idle(w, UINT64_MAX);
    slot_pool_free(w->pool);
    wasi_http_thread_release();
    uv_close((uv_handle_t *)&w->stop, NULL);
    http_loop_close(w->http_loop);
    wasi_loop_run(w->loop);
    wasi_loop_release();
    fiber_release_stacks();
    mem_free(w->pairs);
    buf_release(&w->lines);
}

static void serve_thread(void *arg)
{
    Worker *w = arg;
    bool opened = open_server(w);
    if (!opened)
        __atomic_store_n(&w->ended, true, __ATOMIC_RELEASE);
    uv_sem_post(&w->server->ready);
    if (opened) {
        wasi_loop_run(w->loop);
        close_server(w);
        __atomic_store_n(&w->ended, true, __ATOMIC_RELEASE);
    }
    uv_async_send(&w->server->worker_ended);
}

bool worker_start(Worker *w)
{
    w->last = &w->waiting;
    return os_thread_start(&w->thread, serve_thread, w);
}
