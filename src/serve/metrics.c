/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The metrics' own HTTP server, on the loop of the calling thread: what it is asked is answered. */
#include "serve/serve_priv.h"

enum { METRICS_CONNECTIONS = 16 };

static void put_all(const Server *s, Buf *out)
{
    Gauges g = {0};
    const Counters **counters = mem_alloc_array(s->nworkers, sizeof *counters);
    for (u32 i = 0; i < s->nworkers; i++) {
        const Worker *w = &s->workers[i];
        counters[i] = &w->counters;
        g.running += __atomic_load_n(&w->running, __ATOMIC_RELAXED);
        g.connections += __atomic_load_n(&w->connections, __ATOMIC_RELAXED);
    }
    metrics_text(counters, s->nworkers, &g, out);
    mem_free(counters);
}

static void on_head(void *ctx, HttpRequest *r)
{
    static const HttpPair type = {{"content-type", 12}, {"text/plain; version=0.0.4", 25}};
    const HttpHead *h = http_request_head(r);
    bool found =
        h->method == HTTP_METHOD_GET && str_eq(http_request_text(r, h->path), STR("/metrics"));
    Buf text = {0};
    if (found)
        put_all(ctx, &text);
    ALWAYS(!http_respond(r, found ? 200 : 404, &type, found, (Str){(char *)text.p, text.n}));
    buf_release(&text);
}

static void on_aborted(HttpRequest *r, HttpAbort why)
{
    (void)r, (void)why;
}

void metrics_open(Server *s)
{
    static const HttpHandler handler = {.head = on_head, .aborted = on_aborted};
    HttpServerOptions o = http_server_options_default();
    if (s->metrics_fd < 0)
        return;
    o.max_connections = METRICS_CONNECTIONS;
    s->http_loop = http_loop_new(&s->uv);
    s->metrics = http_server_new(s->http_loop, &o, &handler, s);
    http_server_listen(s->metrics, s->metrics_fd);
}

/* The loop runs on a little. */
void metrics_close(Server *s)
{
    if (!s->metrics)
        return;
    http_server_free(s->metrics);
    http_loop_close(s->http_loop);
    uv_run(&s->uv, UV_RUN_NOWAIT);
}
