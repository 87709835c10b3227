/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A whole server of one thread in this process, so that its calls of the heap can be counted; its
 * clients are sockets of the test, which allocate nothing.
 */
#include "serve/serve.h"

#include "os/thread.h"
#include "runtime/fiber.h"
#include "unit/test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define GUEST "tests/cli/data/component-http.wasm"

typedef struct Bed {
    WasiHttpOptions http;
    ServeConfig config;
    OsAddress address, shutdown;
    u16 port, end_port;
    OsThread thread;
} Bed;

/* --- the server --- */

static Error *setup(void *arg, Store *s, WasiCtx *w)
{
    (void)arg, (void)s, (void)w;
    return NULL;
}

static Error *link_all(void *arg, ComponentLinker *l, WasiP2 *p)
{
    Error *e = wasi_p2_link(l, p);
    return e ? e : wasi_p2_link_http(l, p, &((Bed *)arg)->http);
}

static LoadedComponent *load_guest(Engine *engine, const EngineConfig *c)
{
    LoadedComponent *component = NULL;
    struct stat st;
    int fd = open(GUEST, O_RDONLY);
    if (fd < 0)
        test_skip("no " GUEST " from here");
    EXPECT(fstat(fd, &st) == 0);
    u8 *p = mem_alloc((usize)st.st_size);
    EXPECT_EQ(read(fd, p, (usize)st.st_size), st.st_size);
    close(fd);
    ComponentOptions o = {.features = c->features,
                          .component_features = component_features_default()};
    EXPECT(!component_load(engine, &o, p, (usize)st.st_size, NULL, &component));
    mem_free(p);
    return component;
}

/* One that was free just now. */
static u16 free_port(OsAddress *ret_address)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof in;
    char text[OS_ADDRESS_TEXT];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT(fd >= 0 && bind(fd, (struct sockaddr *)&in, n) == 0);
    EXPECT(getsockname(fd, (struct sockaddr *)&in, &n) == 0);
    close(fd);
    snprintf(text, sizeof text, "127.0.0.1:%u", ntohs(in.sin_port));
    EXPECT(os_address_parse(str_of(text), ret_address));
    return ntohs(in.sin_port);
}

static void run_server(void *arg)
{
    Error *e = serve(&((Bed *)arg)->config);
    if (e)
        test_fail(__FILE__, __LINE__, "%s", e->message);
}

static int try_connect(u16 port)
{
    struct sockaddr_in in = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT(fd >= 0);
    for (u32 i = 0; i < 500; i++) {
        if (connect(fd, (struct sockaddr *)&in, sizeof in) == 0)
            return fd;
        usleep(10000);
    }
    test_fail(__FILE__, __LINE__, "the server does not listen");
}

static void bed_start(Bed *b, u32 max_requests)
{
    EngineConfig c;
    engine_config_init(&c);
    *b = (Bed){.http = wasi_http_options_default(),
               .config = {.threads = 1,
                          .max_requests = max_requests,
                          .max_connections = 10000,
                          .max_reuse = 1,
                          .idle_ns = 1000000000,
                          .timeout_ns = UINT64_MAX,
                          .access_fd = -1,
                          .setup = setup,
                          .link = link_all}};
    if (engine_new(&c, &b->config.engine))
        test_skip("no such processor");
    b->config.component = load_guest(b->config.engine, &c);
    b->port = free_port(&b->address);
    b->end_port = free_port(&b->shutdown);
    b->config.address = &b->address;
    b->config.shutdown = &b->shutdown;
    b->config.arg = b;
    EXPECT(os_thread_start(&b->thread, run_server, b));
}

/* The grace period is none: what still runs is cut off. */
static void bed_end(Bed *b)
{
    int fd = try_connect(b->end_port);
    os_thread_join(b->thread);
    close(fd);
    component_unref(b->config.component);
    engine_free(b->config.engine);
}

/* --- clients --- */

static void put(int fd, const char *path)
{
    char text[128];
    int n = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    EXPECT_EQ(write(fd, text, (usize)n), n);
}

/* The response's status, after all of a chunked or a short body came. */
static u32 get(int fd)
{
    char text[4096];
    usize have = 0;
    do {
        ssize_t n = read(fd, text + have, sizeof text - 1 - have);
        EXPECT(n > 0);
        have += (usize)n;
        text[have] = 0;
    } while (!strstr(text, "hello\n") ||
             (strstr(text, "chunked") && !strstr(text, "\r\n0\r\n\r\n")));
    EXPECT(strncmp(text, "HTTP/1.1 ", 9) == 0);
    return (u32)strtoul(text + 9, NULL, 10);
}

TEST(serve_a_warm_request_allocates_nothing)
{
#ifdef __SANITIZE_ADDRESS__
    test_skip("nothing is kept for the next request, so that the sanitizer sees it go");
#endif
    enum { TIMES = 2000 };
    Bed b;
    bed_start(&b, 100);
    int fd = try_connect(b.port);
    for (u32 i = 0; i < 100; i++) {
        put(fd, "/");
        EXPECT_EQ(get(fd), 200);
    }
    long calls = test_memory_calls();
    for (u32 i = 0; i < TIMES; i++) {
        put(fd, "/");
        EXPECT_EQ(get(fd), 200);
    }
    EXPECT_EQ(test_memory_calls() - calls, 0);
    close(fd);
    bed_end(&b);
}

static void reset(int fd)
{
    struct linger l = {.l_onoff = 1};
    EXPECT(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l) == 0);
    close(fd);
}

/* All slots hang; those that come and go are not kept, and the one that stays gets its answer. */
TEST(serve_forgets_requests_that_wait_when_their_connection_goes)
{
#ifdef __SANITIZE_ADDRESS__
    test_skip("the sanitizer's heap is not counted");
#endif
    enum { TIMES = 300, PAUSE_US = 2000, LEAST = 40 };
    Bed b;
    bed_start(&b, 1);
    int stuck = try_connect(b.port), first = try_connect(b.port), last = try_connect(b.port);
    put(first, "/");
    EXPECT_EQ(get(first), 200);
    put(stuck, "/sleep/4000");
    usleep(100000);
    put(first, "/");
    long calls = 0;
    for (u32 i = 0; i < TIMES; i++) {
        int fd = try_connect(b.port);
        put(fd, "/");
        usleep(PAUSE_US); /* it waits by now */
        reset(fd);
        usleep(PAUSE_US);
        if (i == LEAST)
            calls = test_memory_calls();
    }
    put(last, "/");
    EXPECT(test_memory_calls() - calls < LEAST);
    reset(first); /* the first of those that wait */
    usleep(100000);
    reset(stuck); /* its guest sleeps on, for a while */
    EXPECT_EQ(get(last), 200);
    close(last);
    bed_end(&b);
}
