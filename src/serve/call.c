/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * One request: a slot, the guest's handler on a fiber, the response, and what becomes of the
 * request when the guest fails.
 */
#include "serve/serve_priv.h"

#include "os/time.h"

#define NEVER_SET "guest never invoked `response-outparam::set` method"

static const char page[] =
    "<!doctype html>\n<html>\n<head>\n<title>500 Internal Server Error</title>"
    "\n</head>\n<body>\n<center>\n<h1>500 Internal Server Error</h1>\n"
    "<hr>\nwasmtime\n</center>\n</body>\n</html>";

/* --- the peer: the connection, as the guest's host sees it --- */

/* The response has ended, in whatever way: the request is the HTTP server's alone. */
static HttpRequest *leave(Call *c)
{
    HttpRequest *r = c->r;
    if (!r)
        return NULL;
    if (c->worker->observed)
        worker_observe(c->worker, c);
    http_request_set_user(r, NULL);
    c->r = NULL;
    return r;
}

/* A body that is malformed is the server's to answer: `aborted` comes, and wakes the guest. */
static HttpRead peer_read(void *user, Str *ret_data)
{
    HttpRead got = http_request_read(((Call *)user)->r, ret_data);
    return got == HTTP_READ_FAIL ? HTTP_READ_WAIT : got;
}

static void peer_wanted(void *user)
{
    http_request_continue(((Call *)user)->r);
}

static void peer_consume(void *user, usize n)
{
    http_request_consume(((Call *)user)->r, n);
}

static const HttpFields *peer_trailers(void *user, const u8 **ret_bytes)
{
    return http_request_trailers(((Call *)user)->r, ret_bytes);
}

static const char *peer_start(void *user, const HttpResponseHead *h)
{
    Call *c = user;
    const char *wrong = http_response_start(c->r, h);
    if (!wrong)
        c->outcome.status = h->status;
    return wrong;
}

/* The head is all that is sent, whatever the guest writes behind it. */
static bool is_bodiless(const Call *c)
{
    u16 status = c->outcome.status;
    return http_request_head(c->r)->method == HTTP_METHOD_HEAD || status == 204 || status == 304;
}

static void count_bytes(Call *c, usize n)
{
    if (!is_bodiless(c))
        c->outcome.bytes += n;
}

static usize peer_space(void *user)
{
    return http_response_space(((Call *)user)->r);
}

static bool peer_write(void *user, const void *p, usize n)
{
    Call *c = user;
    count_bytes(c, n);
    return http_response_write(c->r, p, n);
}

static void peer_flush(void *user)
{
    http_response_flush(((Call *)user)->r);
}

static void peer_end(void *user, const HttpPair *trailers, u32 n_trailers)
{
    HttpRequest *r = leave(user);
    const char *wrong = http_response_end(r, trailers, n_trailers);
    if (wrong && n_trailers > 0) /* nothing was done yet */
        wrong = http_response_end(r, NULL, 0);
    if (wrong)
        serve_report(REPORT_ERROR, error_new("the response was cut off: %s", wrong));
}

/*
 * Behind the head. What the guest has written before goes out first; a response that has no body
 * lacks nothing.
 */
static void cut_off(Call *c)
{
    c->outcome.cut = !is_bodiless(c);
    HttpRequest *r = leave(c);
    if (c->outcome.cut) {
        http_response_flush(r);
        http_response_abort(r);
    } else {
        ALWAYS(!http_response_end(r, NULL, 0));
    }
}

static void peer_abort(void *user)
{
    Call *c = user;
    if (!c->r)
        return;
    if (!is_bodiless(c))
        serve_report(REPORT_ERROR,
                     error_new("the response was cut off: the guest did not finish its body"));
    cut_off(c);
}

static void answer_500(Call *c)
{
    static const HttpPair type = {{"content-type", 12}, {"text/html; charset=UTF-8", 24}};
    if (!c->r)
        return;
    if (http_response_started(c->r)) {
        cut_off(c);
        return;
    }
    c->outcome.status = 500;
    count_bytes(c, sizeof page - 1);
    ALWAYS(!http_respond(leave(c), 500, &type, 1, (Str){page, sizeof page - 1}));
}

static void peer_fail(void *user, const char *why)
{
    serve_report(REPORT_ERROR, error_new("%s", why));
    answer_500(user);
}

static const WasiHttpPeer peer = {
    .read = peer_read,
    .wanted = peer_wanted,
    .consume = peer_consume,
    .trailers = peer_trailers,
    .start = peer_start,
    .space = peer_space,
    .write = peer_write,
    .flush = peer_flush,
    .end = peer_end,
    .abort = peer_abort,
    .fail = peer_fail,
};

/* --- the host of a slot --- */

static void arm(Call *c, Store *s)
{
    u64 timeout = c->worker->server->c.timeout_ns,
        now = timeout == UINT64_MAX ? 0 : os_monotonic_ns();
    watch_arm(&c->watch, s, now + timeout < now ? UINT64_MAX : now + timeout);
}

static void number(Guest *g, Call *c)
{
    Server *s = g->worker->server;
    g->call = c;
    c->guest = g;
    g->id = __atomic_fetch_add(&s->instances, 1, __ATOMIC_RELAXED);
    wasi_ctx_instance_id(g->ctx, g->id, s->c.prefix);
}

Error *serve_guest_new(void *arg, Store *s, SlotHost *ret_host)
{
    Worker *w = arg;
    const ServeConfig *c = &w->server->c;
    Guest *g = mem_alloc(sizeof *g);
    g->worker = w;
    g->ctx = wasi_ctx_new();
    g->p2 = wasi_p2_new_like(w->server->linked, g->ctx, s);
    *ret_host = (SlotHost){g, g->p2};
    Error *e = c->setup(c->arg, s, g->ctx);
    if (e)
        return e;
    number(g, w->taking);
    arm(g->call, s); /* instantiation may run code, too */
    return NULL;
}

void serve_guest_end(void *host)
{
    Guest *g = host;
    if (g->call)
        g->call->timed_out |= watch_disarm(&g->call->watch);
}

bool serve_guest_reset(void *host)
{
    Guest *g = host;
    if (g->call)
        g->call->guest = NULL;
    g->call = NULL;
    g->used = 0;
    wasi_p2_reset(g->p2);
    return true;
}

void serve_guest_free(void *host)
{
    Guest *g = host;
    if (g->call)
        g->call->guest = NULL;
    wasi_p2_free(g->p2);
    wasi_ctx_free(g->ctx);
    mem_free(g);
}

/* --- the call --- */

static bool replaced(const ServeConfig *c, Str name)
{
    for (u32 i = 0; i < c->n_headers; i++)
        if (http_same_text(c->headers[i].name, name))
            return true;
    return false;
}

static WasiHttpCall view_of(Call *c)
{
    const ServeConfig *config = &c->worker->server->c;
    const HttpHead *h = http_request_head(c->r);
    const u8 *p = http_request_bytes(c->r);
    HttpPair *pairs = c->worker->pairs;
    u32 n = 0;
    for (u32 i = 0; i < h->fields.n; i++) {
        Str name = http_field_name(&h->fields.f[i], p);
        if (config->n_headers == 0 || !replaced(config, name))
            pairs[n++] = (HttpPair){name, http_field_value(&h->fields.f[i], p)};
    }
    for (u32 i = 0; i < config->n_headers; i++)
        pairs[n++] = config->headers[i];
    return (WasiHttpCall){.method = http_span_str(h->method_text, p),
                          .authority = http_span_str(h->authority, p),
                          .path = http_span_str(h->path, p),
                          .fields = pairs,
                          .n_fields = n};
}

static void log_call(const Call *c, u64 instance)
{
    const ServeConfig *config = &c->worker->server->c;
    char text[80];
    snprintf(text, sizeof text, "Instance %llu handling request %llu", (unsigned long long)instance,
             (unsigned long long)c->id);
    config->info(config->arg, text);
}

/* An instance that may answer another request keeps its number. */
static bool take_warm(Call *c, Slot **ret_slot)
{
    Guest *g = worker_warm(c->worker);
    if (!g)
        return false;
    g->call = c;
    c->guest = g;
    *ret_slot = g->slot;
    arm(c, slot_store(g->slot));
    return true;
}

/* A slot that was put back gets a number, as a new one has. */
MUST_CHECK static Error *take(Call *c, Slot **ret_slot)
{
    Worker *w = c->worker;
    c->guest = NULL;
    if (take_warm(c, ret_slot))
        return NULL;
    w->taking = c;
    Error *e = slot_take(w->pool, ret_slot);
    if (e)
        return e;
    Guest *g = slot_host(*ret_slot);
    if (!g->call) {
        number(g, c);
        arm(c, slot_store(*ret_slot));
    }
    if (!g->handler)
        g->handler = wasi_http_handler(component_exports(slot_instance(*ret_slot)));
    return NULL;
}

/* The guest's turn. What it answers is on its way when this returns. */
MUST_CHECK static Error *handle(Call *c)
{
    Guest *g = c->guest;
    WasiHttpCall call = view_of(c);
    if (call.authority.n == 0)
        return error_new("invalid HTTP request missing authority in URI and host header");
    wasi_http_begin(g->p2, &call, &peer, c);
    Error *e = wasi_http_handle(g->p2, g->handler);
    c->set = wasi_http_state(g->p2) != WASI_HTTP_UNSET;
    if (c->set)
        return e;
    return e ? error_wrap(e, NEVER_SET) : error_new(NEVER_SET);
}

/* Puts the instance back, or keeps it for another request where that is asked for. */
static void give(Call *c, Slot *slot, bool failed)
{
    Worker *w = c->worker;
    Guest *g = c->guest;
    if (++g->used < w->server->c.max_reuse && !failed && !w->stopping && wasi_http_next(g->p2)) {
        g->call = NULL;
        worker_keep(w, g, slot);
    } else {
        slot_give(slot);
    }
}

static void run(void *arg)
{
    Call *c = arg;
    Slot *slot = NULL;
    if (!c->r) /* the connection went first */
        return;
    Error *e = take(c, &slot);
    bool gone = !c->r; /* while the instance was made */
    if (!e && !gone) {
        if (c->worker->server->c.info)
            log_call(c, c->guest->id);
        e = handle(c);
    }
    c->timed_out |= watch_disarm(&c->watch);
    if (c->timed_out && e)
        e = error_wrap(e, "guest timed out");
    counter_add(&c->worker->counters.timeouts, c->timed_out);
    counter_add(&c->worker->counters.traps, e && !c->timed_out);
    bool failed = e || gone;
    if (e) {
        serve_report(c->set ? REPORT_WORKER : REPORT_ERROR, e);
        if (c->guest)
            wasi_http_gone(c->guest->p2); /* what it did not answer, we do */
        answer_500(c);
    }
    if (slot)
        give(c, slot, failed);
    answer_500(c); /* nothing is left that could */
    c->guest = NULL;
}

static void done(void *arg)
{
    Call *c = arg;
    worker_call_ended(c->worker, c);
}

void call_start(Call *c)
{
    serve_wake(c->worker->server);
    if (wasi_task_new(c->worker->loop, run, done, c))
        return;
    serve_report(REPORT_ERROR, error_new("no memory for the stack of a request"));
    answer_500(c);
    done(c);
}

/* --- what the HTTP server calls --- */

static void on_readable(HttpRequest *r)
{
    Call *c = http_request_user(r);
    if (c && c->guest)
        wasi_http_readable(c->guest->p2);
}

static void on_writable(HttpRequest *r)
{
    Call *c = http_request_user(r);
    if (c && c->guest)
        wasi_http_writable(c->guest->p2);
}

static void on_aborted(HttpRequest *r, HttpAbort why)
{
    Call *c = http_request_user(r);
    if (!c)
        return;
    u16 status = http_abort_status(r, why);
    if (status)
        c->outcome.status = status;
    c->outcome.cut = status == 0;
    leave(c);
    if (c->guest)
        wasi_http_gone(c->guest->p2);
    else
        worker_forget(c->worker, c);
}

static void on_refused(void *ctx, HttpRequest *r, HttpFault fault)
{
    serve_report(REPORT_ERROR, error_new("a request was refused: %s", http_fault_text(fault)));
    worker_refused(ctx, r, fault);
}

static void on_starved(void *ctx, int error)
{
    worker_starved(ctx, error);
}

static Call *call_get(Worker *w)
{
    Call *c = w->free;
    if (c) {
        w->free = c->next;
    } else {
        c = mem_alloc(sizeof *c);
        c->worker = w;
        c->all = w->all;
        __atomic_store_n(&w->all, c, __ATOMIC_RELEASE);
    }
    c->next = NULL;
    c->link = NULL;
    c->timed_out = c->set = false;
    return c;
}

static void log_request(const Call *c)
{
    const ServeConfig *config = &c->worker->server->c;
    const HttpHead *h = http_request_head(c->r);
    Buf line = {0};
    buf_printf(&line, "Received request %llu: %.*s %.*s", (unsigned long long)c->id,
               STR_ARG(http_request_text(c->r, h->method_text)),
               STR_ARG(http_request_text(c->r, h->target)));
    buf_u8(&line, 0);
    config->info(config->arg, (const char *)line.p);
    buf_release(&line);
}

static void on_head(void *ctx, HttpRequest *r)
{
    Worker *w = ctx;
    Call *c = call_get(w);
    c->r = r;
    c->outcome = (Outcome){.begun = w->observed ? os_monotonic_ns() : 0};
    c->id = __atomic_fetch_add(&w->server->requests, 1, __ATOMIC_RELAXED);
    http_request_set_user(r, c);
    if (w->server->c.info)
        log_request(c);
    if (w->running < w->max_requests) {
        __atomic_store_n(&w->running, w->running + 1, __ATOMIC_RELAXED);
        call_start(c);
        return;
    }
    worker_wait(w, c);
}

const HttpHandler call_handler = {
    .head = on_head,
    .readable = on_readable,
    .writable = on_writable,
    .aborted = on_aborted,
    .refused = on_refused,
    .starved = on_starved,
};
