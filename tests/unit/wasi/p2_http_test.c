/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Requests that a guest answers, from a peer that is made here: what goes to it, and when. */
#include "wasi/http/http.h"

#include "component/slot.h"
#include "os/time.h"
#include "runtime/fiber.h"
#include "unit/test.h"
#include "wasi/loop.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define GUEST "tests/cli/data/component-http.wasm"

typedef struct Bed {
    Engine *engine;
    LoadedComponent *component;
    SlotPool *pool;
    WasiHttpOptions http;
    WasiCtx *ctx;
    WasiP2 *p2; /* that is linked */
    ComponentLinker *linker;
} Bed;

typedef struct Host {
    WasiCtx *ctx;
    WasiP2 *p2;
} Host;

/* One request and what came of it. */
typedef struct Talk {
    Bed *bed;
    WasiHttpCall call;
    Str body;      /* of the request */
    usize open;    /* bytes of it that may be read now; more of it comes in a turn of the loop */
    bool cut;      /* behind the open bytes the body fails */
    usize space;   /* what the peer takes at once; 0: any amount */
    bool no_space; /* until the loop's next turn */
    WasiP2 *p2;
    Store *store;
    Error *error;
    WasiHttpState state; /* when the handler returned */
    u32 status, starts, ends, aborts, fails, flushes, waits;
    i64 length;
    Buf head, out, trailers;
    char why[128];
    uv_timer_t later;
    u32 clock; /* turns that have passed */
    void (*turn)(struct Talk *t);
    WasiTask *task;
    struct Server *server; /* that ends with it; may be NULL */
    bool done;
} Talk;

static Error *host_new(void *arg, Store *s, SlotHost *ret_host)
{
    Bed *b = arg;
    Host *h = mem_alloc(sizeof *h);
    h->ctx = wasi_ctx_new();
    h->p2 = wasi_p2_new_like(b->p2, h->ctx, s);
    *ret_host = (SlotHost){h, h->p2};
    return NULL;
}

static void link_wasi(Bed *b)
{
    b->linker = component_linker_new();
    b->ctx = wasi_ctx_new();
    b->p2 = wasi_p2_new(b->ctx, NULL);
    EXPECT(!wasi_p2_link(b->linker, b->p2));
    EXPECT(!wasi_p2_link_http(b->linker, b->p2, &b->http));
}

static bool host_reset(void *host)
{
    wasi_p2_reset(((Host *)host)->p2);
    return true;
}

static void host_free(void *host)
{
    Host *h = host;
    wasi_p2_free(h->p2);
    wasi_ctx_free(h->ctx);
    mem_free(h);
}

static Bed *bed_new_with(const WasiHttpOptions *http)
{
    static Bed b;
    EngineConfig config;
    b = (Bed){.http = *http};
    engine_config_init(&config);
    if (engine_new(&config, &b.engine))
        test_skip("no such processor");
    int fd = open(GUEST, O_RDONLY);
    if (fd < 0)
        test_skip("no " GUEST " from here");
    struct stat st;
    EXPECT(fstat(fd, &st) == 0);
    u8 *p = mem_alloc((usize)st.st_size);
    EXPECT_EQ(read(fd, p, (usize)st.st_size), st.st_size);
    close(fd);
    ComponentOptions o = {.features = config.features,
                          .component_features = component_features_default()};
    EXPECT(!component_load(b.engine, &o, p, (usize)st.st_size, NULL, &b.component));
    mem_free(p);
    link_wasi(&b);
    SlotConfig c = {.engine = b.engine,
                    .component = b.component,
                    .linker = b.linker,
                    .max_idle = 2,
                    .host_new = host_new,
                    .host_reset = host_reset,
                    .host_free = host_free,
                    .arg = &b};
    slot_options_init(&c.options);
    b.pool = slot_pool_new(&c);
    return &b;
}

static Bed *bed_new(void)
{
    WasiHttpOptions http = wasi_http_options_default();
    return bed_new_with(&http);
}

static void bed_free(Bed *b)
{
    SlotStats stats;
    slot_pool_stats(b->pool, &stats);
    EXPECT(!stats.anew);
    EXPECT_EQ(stats.refused, 0);
    slot_pool_free(b->pool);
    component_unref(b->component);
    component_linker_free(b->linker);
    wasi_p2_free(b->p2);
    wasi_ctx_free(b->ctx);
    engine_free(b->engine);
    wasi_loop_release();
    fiber_release_stacks();
}

/* --- the peer --- */

static HttpRead peer_read(void *user, Str *ret_data)
{
    Talk *t = user;
    usize n = MIN(t->open, t->body.n);
    if (n) {
        *ret_data = (Str){t->body.p, n};
        return HTTP_READ_DATA;
    }
    if (t->cut)
        return HTTP_READ_FAIL;
    t->waits += t->body.n > 0;
    return t->body.n ? HTTP_READ_WAIT : HTTP_READ_END;
}

static void peer_consume(void *user, usize n)
{
    Talk *t = user;
    EXPECT(n <= t->open && n <= t->body.n);
    t->body.p += n;
    t->body.n -= n;
    t->open -= n;
}

static const HttpFields *peer_trailers(void *user, const u8 **ret_bytes)
{
    static const char text[] = "X-Sum: 5\r\nHost: x\r\n\r\n";
    static HttpFields fields;
    HttpFault fault;
    (void)user;
    http_fields_start(&fields, 0);
    EXPECT_EQ(http_fields_parse(&fields, (const u8 *)text, sizeof text - 1, sizeof text, &fault),
              HTTP_DONE);
    *ret_bytes = (const u8 *)text;
    return &fields;
}

static void put_pairs(Buf *out, const HttpPair *pairs, u32 n)
{
    for (u32 i = 0; i < n; i++)
        buf_printf(out, "%.*s: %.*s\n", STR_ARG(pairs[i].name), STR_ARG(pairs[i].value));
}

static const char *peer_start(void *user, const HttpResponseHead *h)
{
    Talk *t = user;
    t->starts++;
    t->status = h->status;
    t->length = h->length;
    put_pairs(&t->head, h->fields, h->n_fields);
    return h->status == 599 ? "no such status" : NULL;
}

static usize peer_space(void *user)
{
    const Talk *t = user;
    return t->no_space ? 0 : t->space ? t->space : 1 << 20;
}

static bool peer_write(void *user, const void *p, usize n)
{
    Talk *t = user;
    EXPECT(!t->no_space);
    EXPECT(!t->ends && !t->aborts && !t->fails && t->starts == 1);
    buf_bytes(&t->out, p, n);
    t->no_space = t->space != 0;
    return true;
}

static void peer_flush(void *user)
{
    ((Talk *)user)->flushes++;
}

static void peer_end(void *user, const HttpPair *trailers, u32 n)
{
    Talk *t = user;
    t->ends++;
    put_pairs(&t->trailers, trailers, n);
}

static void peer_abort(void *user)
{
    ((Talk *)user)->aborts++;
}

static void peer_fail(void *user, const char *why)
{
    Talk *t = user;
    t->fails++;
    snprintf(t->why, sizeof t->why, "%s", why);
}

static const WasiHttpPeer peer = {.read = peer_read,
                                  .consume = peer_consume,
                                  .trailers = peer_trailers,
                                  .start = peer_start,
                                  .space = peer_space,
                                  .write = peer_write,
                                  .flush = peer_flush,
                                  .end = peer_end,
                                  .abort = peer_abort,
                                  .fail = peer_fail};

/* --- requests --- */

/* On a fiber. */
static void talk_run(void *arg)
{
    Talk *t = arg;
    Slot *s = NULL;
    EXPECT(!slot_take(t->bed->pool, &s));
    t->p2 = ((Host *)slot_host(s))->p2;
    t->store = slot_store(s);
    ComponentFunc *f = wasi_http_handler(component_exports(slot_instance(s)));
    EXPECT(f != NULL);
    wasi_http_begin(t->p2, &t->call, &peer, t);
    t->error = wasi_http_handle(t->p2, f);
    t->state = wasi_http_state(t->p2);
    slot_give(s);
    t->p2 = NULL;
    uv_timer_stop(&t->later);
    uv_close((uv_handle_t *)&t->later, NULL);
}

static void server_stop(struct Server *s);

static void talk_done(void *arg)
{
    Talk *t = arg;
    t->done = true;
    if (t->server)
        server_stop(t->server);
}

static void on_turn(uv_timer_t *h)
{
    Talk *t = h->data;
    t->clock++;
    if (t->turn)
        t->turn(t);
}

static void open_more(Talk *t)
{
    t->open += 3;
    if (t->p2)
        wasi_http_readable(t->p2);
}

static void talk(Talk *t)
{
    WasiLoop *l = wasi_loop();
    EXPECT(l != NULL);
    uv_timer_init(wasi_loop_uv(l), &t->later);
    t->later.data = t;
    uv_timer_start(&t->later, on_turn, 1, 1);
    t->task = wasi_task_new(l, talk_run, talk_done, t);
    EXPECT(t->task != NULL);
    wasi_loop_run(l);
    EXPECT(t->done);
}

static Talk get(Bed *b, const char *path)
{
    return (Talk){.bed = b,
                  .call = {.method = STR("GET"), .authority = STR("host:80"), .path = str_of(path)},
                  .open = SIZE_MAX};
}

static void expect_text(const Buf *b, const char *text)
{
    if (b->n != strlen(text) || (b->n && memcmp(b->p, text, b->n) != 0))
        test_fail(__FILE__, __LINE__, "not %s but %.*s", text, (int)b->n, (const char *)b->p);
}

static void talk_release(Talk *t)
{
    error_free(t->error);
    buf_release(&t->head);
    buf_release(&t->out);
    buf_release(&t->trailers);
}

/* The response in whole. */
static void expect_answer(Bed *b, const char *path, u32 status, const char *head, const char *body)
{
    Talk t = get(b, path);
    talk(&t);
    EXPECT(!t.error);
    EXPECT_EQ(t.status, status);
    EXPECT_EQ(t.starts, 1);
    EXPECT_EQ(t.ends, 1);
    EXPECT_EQ(t.aborts + t.fails, 0);
    EXPECT_EQ(t.state, WASI_HTTP_ENDED);
    expect_text(&t.head, head);
    expect_text(&t.out, body);
    talk_release(&t);
}

TEST(http_guest_answers)
{
    Bed *b = bed_new();
    expect_answer(b, "/", 200, "content-type: text/plain\n", "hello\n");
    expect_answer(b, "/status/404", 404, "x-a: b\n", "status\n");
    expect_answer(b, "/bodiless", 200, "x-a: b\n", "");
    expect_answer(b, "/before", 200, "", "before\n");
    expect_answer(b, "/length/3/3", 200, "", "xxx");
    expect_answer(b, "/sleep/20", 200, "content-type: text/plain\n", "hello\n");
    for (int i = 0; i < 3; i++) /* a fresh instance each time */
        expect_answer(b, "/count", 200, "content-type: text/plain\n", "1\n");
    expect_answer(b, "/consume", 200, "content-type: text/plain\n",
                  "consume 1: ok\nconsume 2: error\nstream 1: ok\nstream 2: error\ntrailers:\n"
                  "  x-sum: 5\n");
    bed_free(b);
}

TEST(http_guest_sees_the_request)
{
    Bed *b = bed_new();
    static const HttpPair fields[] = {{STR("Host"), STR("host:80")},
                                      {STR("B"), STR("1")},
                                      {STR("Connection"), STR("x")},
                                      {STR("Keep-Alive"), STR("x")},
                                      {STR("a"), STR("2")},
                                      {STR("Proxy-Authorization"), STR("x")},
                                      {STR("Transfer-Encoding"), STR("chunked")},
                                      {STR("b"), STR("3")},
                                      {STR("Upgrade"), STR("x")},
                                      {STR("Content-Length"), STR("0")}};
    Talk t = get(b, "/show?a=b");
    t.call.method = STR("PURGE");
    t.call.fields = fields;
    t.call.n_fields = ARRAY_LEN(fields);
    talk(&t);
    expect_text(&t.out, "method 9 PURGE\nscheme 0\nauthority host:80\npath /show?a=b\n"
                        "  b: 1\n  b: 3\n  a: 2\n  content-length: 0\n"
                        "append x=y: immutable\n");
    talk_release(&t);
    bed_free(b);
}

TEST(http_bodies_both_ways)
{
    Bed *b = bed_new();
    Talk t = get(b, "/echo");
    t.body = STR("0123456789");
    t.open = 0; /* three bytes a turn */
    t.turn = open_more;
    talk(&t);
    EXPECT(t.waits >= 3);
    EXPECT(t.flushes >= 3); /* all but the first piece at once */
    EXPECT_EQ(t.length, HTTP_LENGTH_UNKNOWN);
    expect_text(&t.out, "0123456789trailers:\n  x-sum: 5\n");
    talk_release(&t);

    t = get(b, "/echo");
    t.body = STR("0123456789");
    t.open = 5;
    t.cut = true;
    talk(&t);
    EXPECT_EQ(t.ends, 1);
    expect_text(&t.out, "01234\nfailed: HTTP-protocol-error\n");
    talk_release(&t);
    bed_free(b);
}

static void make_space(Talk *t)
{
    t->no_space = false;
    if (t->p2)
        wasi_http_writable(t->p2);
}

TEST(http_a_guest_waits_for_a_slow_peer)
{
    Bed *b = bed_new();
    Talk t = get(b, "/big/1000000");
    t.space = 1;
    t.turn = make_space;
    talk(&t);
    EXPECT_EQ(t.out.n, 1000000);
    EXPECT(t.clock >= 10); /* a piece a turn */
    EXPECT_EQ(t.ends, 1);
    talk_release(&t);
    bed_free(b);
}

/* No complete response; what is counted says how it went. */
static void expect_failure(Bed *b, const char *path, WasiHttpState state, bool trapped)
{
    Talk t = get(b, path);
    talk(&t);
    EXPECT_EQ(t.ends, state == WASI_HTTP_ENDED);
    EXPECT_EQ(t.error != NULL, trapped);
    EXPECT_EQ(t.state, state);
    if (state == WASI_HTTP_STARTED || state == WASI_HTTP_ABORTED)
        EXPECT_EQ(t.aborts, 1);
    EXPECT_EQ(t.fails, state == WASI_HTTP_FAILED);
    if (state == WASI_HTTP_UNSET)
        EXPECT_EQ(t.starts + t.aborts + t.fails, 0);
    talk_release(&t);
    expect_answer(b, "/count", 200, "content-type: text/plain\n", "1\n");
}

TEST(http_guests_that_fail)
{
    Bed *b = bed_new();
    expect_failure(b, "/trap", WASI_HTTP_UNSET, true);
    expect_failure(b, "/none", WASI_HTTP_UNSET, false);
    expect_failure(b, "/drop", WASI_HTTP_UNSET, false);
    expect_failure(b, "/fill", WASI_HTTP_UNSET, true);
    expect_failure(b, "/error", WASI_HTTP_FAILED, false);
    expect_failure(b, "/status/101", WASI_HTTP_FAILED, false);
    expect_failure(b, "/status/599", WASI_HTTP_FAILED, false);
    expect_failure(b, "/cut", WASI_HTTP_STARTED, false);
    expect_failure(b, "/cut-trap", WASI_HTTP_STARTED, true);
    expect_failure(b, "/length/5/3", WASI_HTTP_ABORTED, false);
    expect_failure(b, "/length/5/6", WASI_HTTP_ABORTED, false);
    expect_failure(b, "/flood", WASI_HTTP_STARTED, true);
    expect_failure(b, "/bad-trailers", WASI_HTTP_ABORTED, false);
    Talk t = get(b, "/error");
    talk(&t);
    EXPECT_STR(t.why, "internal-error(\"on purpose\")");
    talk_release(&t);
    bed_free(b);
}

TEST(http_trailers_of_the_guest)
{
    Bed *b = bed_new();
    Talk t = get(b, "/trailers");
    talk(&t);
    expect_text(&t.trailers, "x-after: all\n");
    talk_release(&t);
    t = get(b, "/before");
    talk(&t);
    expect_text(&t.trailers, "x-after: all\n");
    talk_release(&t);
    bed_free(b);
}

static void leave(Talk *t)
{
    if (t->p2 && t->clock == 3)
        wasi_http_gone(t->p2);
}

TEST(http_a_connection_that_goes)
{
    Bed *b = bed_new();
    Talk t = get(b, "/big/10000000");
    t.space = 1; /* no more after the first piece */
    t.turn = leave;
    talk(&t);
    EXPECT_EQ(t.state, WASI_HTTP_GONE);
    EXPECT_EQ(t.ends + t.aborts + t.fails, 0);
    EXPECT_EQ(t.out.n, 65536);
    talk_release(&t);

    t = get(b, "/echo");
    t.body = STR("0123");
    t.open = 0;
    t.turn = leave;
    talk(&t);
    EXPECT_EQ(t.state, WASI_HTTP_GONE);
    EXPECT_EQ(t.ends + t.aborts + t.fails, 0);
    talk_release(&t);
    expect_answer(b, "/count", 200, "content-type: text/plain\n", "1\n");
    bed_free(b);
}

static void stop(Talk *t)
{
    if (t->p2 && t->clock == 3)
        wasi_task_stop(t->task);
}

TEST(http_a_guest_that_is_stopped)
{
    Bed *b = bed_new();
    Talk t = get(b, "/events");
    t.turn = stop;
    talk(&t);
    EXPECT_EQ(t.state, WASI_HTTP_STARTED);
    EXPECT_EQ(t.aborts, 1);
    EXPECT(t.error != NULL);
    talk_release(&t);
    expect_answer(b, "/count", 200, "content-type: text/plain\n", "1\n");
    bed_free(b);
}

/* --- requests of the guest, to a server on the same loop --- */

typedef struct Server {
    HttpLoop *loop;
    HttpServer *server;
    u16 port;
    u32 requests;
    u64 received, sent;
} Server;

static void drain_body(HttpRequest *r)
{
    Server *s = http_request_context(r);
    Str data;
    HttpRead what;
    while ((what = http_request_read(r, &data)) == HTTP_READ_DATA) {
        s->received += data.n;
        http_request_consume(r, data.n);
    }
    if (what == HTTP_READ_END)
        EXPECT(!http_respond(r, 200, NULL, 0, STR("received")));
}

/* Without an end. */
static void send_more(HttpRequest *r)
{
    static u8 data[1 << 16];
    Server *s = http_request_context(r);
    for (usize n; (n = MIN(http_response_space(r), sizeof data)) > 0; s->sent += n)
        EXPECT(http_response_write(r, data, n));
}

static void answer(void *ctx, HttpRequest *r)
{
    static const HttpPair after[] = {{STR("X-After"), STR("all")}};
    Server *s = ctx;
    Str path = http_request_text(r, http_request_head(r)->path);
    HttpResponseHead head = {.status = 200, .length = HTTP_LENGTH_UNKNOWN};
    s->requests++;
    if (str_eq(path, STR("/never")))
        return;
    if (str_eq(path, STR("/post"))) {
        drain_body(r);
        return;
    }
    if (str_eq(path, STR("/endless"))) {
        EXPECT(!http_response_start(r, &head));
        send_more(r);
        return;
    }
    if (str_eq(path, STR("/length")))
        head.length = 5;
    if (str_eq(path, STR("/small"))) {
        EXPECT(!http_respond(r, 200, NULL, 0, STR("small")));
        return;
    }
    if (str_eq(path, STR("/abort"))) {
        http_response_abort(r);
        return;
    }
    EXPECT(!http_response_start(r, &head));
    EXPECT(http_response_write(r, "abc", 3));
    if (str_eq(path, STR("/trailers"))) {
        EXPECT(!http_response_end(r, after, 1));
        return;
    }
    http_response_flush(r);
    if (!str_eq(path, STR("/stops")))
        http_response_abort(r);
}

static void server_start(Server *s)
{
    static const HttpHandler handler = {
        .head = answer, .readable = drain_body, .writable = send_more};
    HttpServerOptions o = http_server_options_default();
    OsAddress a;
    char text[OS_ADDRESS_TEXT];
    int fd;
    *s = (Server){.loop = http_loop_new(wasi_loop_uv(wasi_loop()))};
    s->server = http_server_new(s->loop, &o, &handler, s);
    EXPECT(os_address_parse(STR("127.0.0.1:0"), &a));
    EXPECT_EQ(os_listen(&a, 10, 1, &fd), 0);
    EXPECT_EQ(os_socket_address(fd, &a), 0);
    os_address_format(&a, text);
    s->port = (u16)strtoul(strchr(text, ':') + 1, NULL, 10);
    http_server_listen(s->server, fd);
}

/* The server would keep the loop running. */
static void server_stop(struct Server *s)
{
    http_server_free(s->server);
    http_loop_close(s->loop);
}

/* What the guest makes of the server's answer. */
static void expect_fetch(Bed *b, const char *how, const char *path, const char *text)
{
    Server s;
    char url[128];
    server_start(&s);
    snprintf(url, sizeof url, "/%s/http://127.0.0.1:%u%s", how, s.port, path);
    Talk t = get(b, url);
    t.server = &s;
    talk(&t);
    EXPECT(!t.error);
    expect_text(&t.out, text);
    EXPECT_EQ(s.requests, 1);
    EXPECT(s.sent < 16 << 20); /* what the system's buffers hold, and ours */
    EXPECT_EQ(s.received, strncmp(how, "post", 4) == 0 ? 300000 : 0);
    talk_release(&t);
}

TEST(http_guest_fetches)
{
    Bed *b = bed_new();
    expect_fetch(b, "fetch", "/small", "small");
    expect_fetch(b, "fetch", "/trailers", "abctrailers:\n  x-after: all\n");
    expect_fetch(b, "post", "/post", "received");
    expect_fetch(b, "post-length", "/post", "received");
    expect_fetch(b, "hold", "/endless", "held");
    bed_free(b);
}

TEST(http_guest_fetches_what_fails)
{
    Bed *b = bed_new();
    expect_fetch(b, "fetch", "/abort", "error: connection-terminated\n");
    expect_fetch(b, "fetch", "/length", "abc\nfailed: HTTP-response-incomplete\n");
    expect_fetch(b, "fetch", "/chunked", "abc\nfailed: HTTP-response-incomplete\n");
    expect_fetch(b, "hurry/100", "/never", "error: connection-read-timeout\n");
    expect_fetch(b, "hurry/100", "/stops", "abc\nfailed: connection-read-timeout\n");
    expect_answer(b, "/fetch/http://127.0.0.1:1/", 200, "content-type: text/plain\n",
                  "error: connection-refused\n");
    expect_answer(b, "/fetch/http://0x7f000001/", 200, "content-type: text/plain\n",
                  "error: DNS-error\n");
    bed_free(b);
}

/* Without a loop: the guest waits for nothing. */
static void plain_request(Bed *b, Talk *t)
{
    Slot *s = NULL;
    EXPECT(!slot_take(b->pool, &s));
    WasiP2 *p = ((Host *)slot_host(s))->p2;
    ComponentFunc *f = wasi_http_handler(component_exports(slot_instance(s)));
    wasi_http_begin(p, &t->call, &peer, t);
    EXPECT(!wasi_http_handle(p, f));
    EXPECT_EQ(t->ends, 1);
    slot_give(s);
    t->starts = t->ends = 0;
    t->head.n = t->out.n = t->trailers.n = 0;
}

TEST(http_a_warm_request_allocates_nothing)
{
#ifdef __SANITIZE_ADDRESS__
    test_skip("nothing is kept for the next request, so that the sanitizer sees it go");
#endif
    Bed *b = bed_new();
    static const HttpPair fields[] = {{STR("Host"), STR("localhost")},
                                      {STR("User-Agent"), STR("test")},
                                      {STR("Accept"), STR("*/*")}};
    enum { TIMES = 20000 };
    Talk t = get(b, "/");
    t.call.fields = fields;
    t.call.n_fields = ARRAY_LEN(fields);
    for (int i = 0; i < 20; i++)
        plain_request(b, &t);
    long calls = test_memory_calls();
    u64 start = os_monotonic_ns();
    for (int i = 0; i < TIMES; i++)
        plain_request(b, &t);
    printf("%llu ns a request\n", (unsigned long long)(os_monotonic_ns() - start) / TIMES);
    EXPECT_EQ(test_memory_calls() - calls, 0);
    talk_release(&t);
    bed_free(b);
}

TEST(http_what_is_written_before_there_is_a_response_is_bounded)
{
    WasiHttpOptions http = wasi_http_options_default();
    http.chunk_size = 4;
    http.buffer_chunks = 0;
    Bed *b = bed_new_with(&http);
    expect_failure(b, "/none", WASI_HTTP_UNSET, false);
    Talk t = get(b, "/before"); /* 7 bytes: the second piece waits for what never comes */
    t.turn = stop;
    talk(&t);
    EXPECT_EQ(t.starts, 0);
    EXPECT(t.error != NULL);
    talk_release(&t);
    bed_free(b);
}
