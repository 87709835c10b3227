/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The server of the HTTP tests, and a raw client. */
#include "unit/http/echo.h"

#include "base/mem.h"
#include "os/thread.h"
#include "unit/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

struct EchoServer {
    uv_loop_t uv;
    uv_async_t wake;
    HttpLoop *loop;
    HttpServer *server;
    OsThread thread;
    int port;
    EchoCounts counts;
    atomic_uint drain_ms;
};

/* ---- the thread ---- */

static void on_drained(void *ctx)
{
    EchoServer *s = (EchoServer *)((u8 *)ctx - offsetof(EchoServer, counts));
    http_server_free(s->server);
    http_loop_close(s->loop);
    uv_close((uv_handle_t *)&s->wake, NULL);
}

static void on_wake(uv_async_t *h)
{
    EchoServer *s = h->data;
    if (s->drain_ms)
        http_server_drain(s->server, s->drain_ms, on_drained);
    s->drain_ms = 0;
}

static void run(void *arg)
{
    EchoServer *s = arg;
    ALWAYS(uv_run(&s->uv, UV_RUN_DEFAULT) == 0 && uv_loop_close(&s->uv) == 0);
}

EchoServer *echo_start(const HttpServerOptions *o)
{
    EchoServer *s = mem_alloc(sizeof *s);
    OsAddress a;
    char text[OS_ADDRESS_TEXT];
    int fd = -1;
    EXPECT_EQ(uv_loop_init(&s->uv), 0);
    EXPECT_EQ(uv_async_init(&s->uv, &s->wake, on_wake), 0);
    s->wake.data = s;
    s->loop = http_loop_new(&s->uv);
    s->server = http_server_new(s->loop, o, &echo_handler, &s->counts);
    EXPECT(os_address_parse(STR("127.0.0.1:0"), &a));
    EXPECT_EQ(os_listen(&a, 100, 1, &fd), 0);
    EXPECT_EQ(os_socket_address(fd, &a), 0);
    os_address_format(&a, text);
    s->port = (int)strtol(strchr(text, ':') + 1, NULL, 10);
    http_server_listen(s->server, fd);
    EXPECT(os_thread_start(&s->thread, run, s));
    return s;
}

int echo_port(const EchoServer *s)
{
    return s->port;
}

usize echo_most_queued(const EchoServer *s)
{
    return s->counts.most;
}

u32 echo_done(const EchoServer *s)
{
    return s->counts.done;
}

u32 echo_aborted(const EchoServer *s)
{
    return s->counts.aborted;
}

void echo_drain(EchoServer *s, u32 ms)
{
    s->drain_ms = ms;
    uv_async_send(&s->wake);
}

void echo_join(EchoServer *s)
{
    os_thread_join(s->thread);
    mem_free(s);
}

void echo_stop(EchoServer *s)
{
    echo_drain(s, 2000);
    echo_join(s);
}

/* ---- the raw client ---- */

int raw_connect(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((u16)port)};
    struct timeval five = {.tv_sec = 5};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &five, sizeof five);
    return fd;
}

void raw_send(int fd, Str s)
{
    EXPECT_EQ(send(fd, s.p, s.n, MSG_NOSIGNAL), s.n);
}

static u32 count(const char *text, const char *what)
{
    u32 n = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
        n++;
    return n;
}

const char *raw_read(int fd, const char *until, u32 times)
{
    static char text[1 << 20];
    usize n = 0;
    text[0] = 0;
    while (n < sizeof text - 1) {
        ssize_t got = recv(fd, text + n, sizeof text - 1 - n, 0);
        if (got < 0 && errno == EAGAIN)
            test_fail(__FILE__, __LINE__, "nothing came behind: %s", text);
        if (got <= 0)
            break;
        n += (usize)got;
        text[n] = 0;
        if (until && count(text, until) >= times)
            break;
    }
    return text;
}

bool raw_ends(int fd)
{
    u8 bytes[4096];
    ssize_t got;
    while ((got = recv(fd, bytes, sizeof bytes, 0)) > 0)
        ;
    return got == 0 || errno == ECONNRESET;
}
