/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The HTTP client of a thread, on its loop, and how it finds the addresses of names. */
#include "wasi/loop.h"
#include "wasi/http/http.h"
#include "wasi/p2/resolver_priv.h"

typedef struct ThreadClient {
    HttpLoop *loop;
    HttpClient *client;
    P2Resolver *resolver; /* NULL until a name is asked for */
} ThreadClient;

enum { NAME_ADDRESSES = 16, MAX_NAMES = 256 };

/* A name that the client asks for. */
typedef struct Name {
    HttpTask task; /* first: the answer never comes from within the question */
    ThreadClient *thread;
    P2Query *query; /* NULL: it has its answer */
    void (*done)(void *arg, HttpError e, const OsAddress *addresses, u32 n);
    void *arg;
    u16 port;
    bool answered;
    HttpError error;
    OsAddress found[NAME_ADDRESSES];
    u32 n;
} Name;

static void name_answer(HttpTask *task)
{
    Name *n = (Name *)task;
    n->done(n->arg, n->error, n->found, n->n);
    mem_free(n);
}

static void answered(Name *n, HttpError e)
{
    n->query = NULL;
    n->answered = true;
    n->error = e;
    http_task_queue(n->thread->loop, &n->task);
}

/* P2ResolvedFn */
static void on_resolved(void *arg, int status, const struct ares_addrinfo *info)
{
    Name *n = arg;
    OsInetAddr a;
    const struct ares_addrinfo_node *i = status == ARES_SUCCESS ? info->nodes : NULL;
    for (; i && n->n < NAME_ADDRESSES; i = i->ai_next)
        if (p2_resolver_ip(i, &a))
            os_address_ip(a.ip, a.v6 ? 16 : 4, n->port, &n->found[n->n++]);
    answered(n, status == ARES_ETIMEOUT ? HTTP_ERROR_DNS_TIMEOUT
                : n->n                  ? HTTP_ERROR_NONE
                                        : HTTP_ERROR_DNS_ERROR);
}

/* HttpResolver */
static void *name_start(void *ctx, Str host, u16 port,
                        void (*done)(void *arg, HttpError e, const OsAddress *addresses, u32 n),
                        void *arg)
{
    ThreadClient *t = ctx;
    Name *n = mem_alloc(sizeof *n);
    *n = (Name){.task.run = name_answer, .thread = t, .done = done, .arg = arg, .port = port};
    if (!t->resolver)
        t->resolver = p2_resolver_new();
    if (!t->resolver || !p2_resolver_takes(host) || p2_resolver_pending(t->resolver) >= MAX_NAMES) {
        answered(n, HTTP_ERROR_DNS_ERROR);
        return n;
    }
    P2Query *q = p2_resolver_start(t->resolver, host, on_resolved, n);
    if (!n->answered)
        n->query = q;
    return n;
}

static void name_cancel(void *ctx, void *started)
{
    ThreadClient *t = ctx;
    Name *n = started;
    if (n->query)
        p2_resolver_cancel(n->query);
    http_task_remove(t->loop, &n->task);
    mem_free(n);
}

static void thread_client_end(void *extra)
{
    ThreadClient *t = extra;
    http_client_free(t->client);
    p2_resolver_free(t->resolver);
    http_loop_close(t->loop);
    mem_free(t);
}

static HttpClient *thread_client(void *arg)
{
    (void)arg;
    WasiLoop *l = wasi_loop();
    if (!l)
        return NULL;
    ThreadClient *t = wasi_loop_extra(l);
    if (!t) {
        HttpClientOptions o = http_client_options_default();
        t = mem_alloc(sizeof *t);
        o.resolver = (HttpResolver){.start = name_start, .cancel = name_cancel, .ctx = t};
        t->loop = http_loop_new(wasi_loop_uv(l));
        t->client = http_client_new(t->loop, &o);
        wasi_loop_set_extra(l, t, thread_client_end);
    }
    return t->client;
}

void wasi_http_thread_release(void)
{
    WasiLoop *l = wasi_loop_current();
    if (l)
        wasi_loop_set_extra(l, NULL, NULL);
}

WasiHttpOptions wasi_http_options_default(void)
{
    return (WasiHttpOptions){.max_fields_size = 128 << 10,
                             .chunk_size = 1 << 20,
                             .buffer_chunks = 1,
                             .client = thread_client};
}
