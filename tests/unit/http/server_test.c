/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The HTTP server over real sockets: order, streaming, bounds in time and memory, draining. */
#include "base/buf.h"
#include "os/fs.h"
#include "os/time.h"
#include "unit/http/echo.h"
#include "unit/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

static EchoServer *start_default(void)
{
    HttpServerOptions o = http_server_options_default();
    return echo_start(&o);
}

static void expect_in(const char *text, const char *part)
{
    if (!strstr(text, part))
        test_fail(__FILE__, __LINE__, "%s\nhas no %s", text, part);
}

TEST(http_server_pipelined_requests_are_answered_in_order)
{
    EchoServer *s = start_default();
    int fd = raw_connect(echo_port(s));
    raw_send(fd, STR("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\none"
                     "POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n"
                     "0\r\nT: v\r\n\r\n" GET("/hello") "HEAD /hello HTTP/1.1\r\nHost: h\r\n\r\n"
                                                       "GET /hello HTTP/1.0\r\n\r\n"));
    const char *text = raw_read(fd, NULL, 0);
    const char *one = strstr(text, "one"), *two = strstr(text, "3\r\ntwo\r\n0\r\nT: v\r\n\r\n");
    const char *three = strstr(text, "hello\n");
    EXPECT(one && two && three && one < two && two < three);
    expect_in(three, "content-length: 6\r\nconnection: close\r\n"); /* of HTTP/1.0 */
    expect_in(text, "content-type: text/plain\r\ncontent-length: 6\r\ndate: ");
    close(fd);
    echo_stop(s);
}

/* Far more responses than are queued at once, to a client that reads late. */
TEST(http_server_long_pipeline)
{
    EchoServer *s = start_default();
    int fd = raw_connect(echo_port(s));
    enum { N = 4000 };
    if (fork() == 0) {
        for (u32 i = 0; i < N; i++)
            raw_send(fd, STR(GET("/hello")));
        _exit(0);
    }
    usleep(100000);
    const char *text = raw_read(fd, "hello\n", N);
    EXPECT(strlen(text) > N * 100);
    close(fd);
    echo_stop(s);
}

TEST(http_server_streams_both_ways_at_once)
{
    EchoServer *s = start_default();
    int fd = raw_connect(echo_port(s));
    raw_send(fd,
             STR("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"));
    expect_in(raw_read(fd, "ab\r\n", 1), "transfer-encoding: chunked\r\n");
    raw_send(fd, STR("3\r\ncd"));
    expect_in(raw_read(fd, "cd\r\n", 1), "2\r\ncd\r\n");
    raw_send(fd, STR("e\r\n0\r\n\r\n"));
    EXPECT_STR(raw_read(fd, "0\r\n\r\n", 1), "1\r\ne\r\n0\r\n\r\n");
    raw_send(fd, STR(GET("/hello")));
    expect_in(raw_read(fd, "hello\n", 1), "200 OK");
    close(fd);
    echo_stop(s);
}

TEST(http_server_100_continue)
{
    EchoServer *s = start_default();
    int fd = raw_connect(echo_port(s));
    raw_send(fd, STR("POST /early HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2"
                     "\r\n\r\n"));
    const char *text = raw_read(fd, NULL, 0); /* nobody asked for the body: no 100, and the end */
    expect_in(text, "HTTP/1.1 200 OK\r\n");
    expect_in(text, "connection: close\r\n");
    EXPECT(!strstr(text, "100 Continue"));
    close(fd);
    echo_stop(s);
}

/* Whoever sends the body at once, whatever it expected, keeps its connection. */
TEST(http_server_100_continue_for_nobody)
{
    EchoServer *s = start_default();
    int fd = raw_connect(echo_port(s));
    raw_send(fd, STR("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2"
                     "\r\n\r\nhi" GET("/hello")));
    const char *text = raw_read(fd, "hello\n", 1);
    EXPECT(!strstr(text, "connection: close"));
    EXPECT(!strstr(text, "100 Continue"));
    close(fd);
    echo_stop(s);
}

static void read_first(void *ctx, HttpRequest *r)
{
    Str data;
    (void)ctx;
    EXPECT_EQ(http_request_read(r, &data), HTTP_READ_WAIT);
}

static void answer_length(HttpRequest *r)
{
    Str data;
    if (http_request_read(r, &data) != HTTP_READ_DATA)
        return;
    EXPECT_EQ(data.n, 2);
    http_request_consume(r, data.n);
    EXPECT_EQ(http_request_read(r, &data), HTTP_READ_END);
    EXPECT(!http_respond(r, 200, NULL, 0, STR("ok")));
}

static void ignore_abort(HttpRequest *r, HttpAbort why)
{
    (void)r, (void)why;
}

/* Asking for the body says so to a client that waits, once; HTTP/1.0 knows nothing of it. */
TEST(http_server_says_continue)
{
    HttpServerOptions o = http_server_options_default();
    HttpLoop *loop;
    uv_loop_t uv;
    int fds[2];
    char text[512] = "";
    usize n = 0;
    static const HttpHandler late = {
        .head = read_first, .readable = answer_length, .aborted = ignore_abort};
    EXPECT(uv_loop_init(&uv) == 0 && os_socket_pair(fds) == 0);
    loop = http_loop_new(&uv);
    HttpServer *server = http_server_new(loop, &o, &late, NULL);
    http_server_adopt(server, fds[1]);
    EXPECT_EQ(os_send(fds[0],
                      STR("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                          "Content-Length: 2\r\n\r\n"),
                      (Str){0}, &n),
              0);
    uv_run(&uv, UV_RUN_NOWAIT);
    uv_run(&uv, UV_RUN_NOWAIT);
    EXPECT_EQ(os_recv(fds[0], text, sizeof text - 1, &n), 0);
    EXPECT_STR(text, "HTTP/1.1 100 Continue\r\n\r\n");
    EXPECT_EQ(os_send(fds[0], STR("hi"), (Str){0}, &n), 0);
    uv_run(&uv, UV_RUN_NOWAIT);
    EXPECT_EQ(os_recv(fds[0], text, sizeof text - 1, &n), 0);
    expect_in(text, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n");
    EXPECT(!strstr(text, "connection: close"));
    http_server_free(server);
    http_loop_close(loop);
    EXPECT_EQ(uv_run(&uv, UV_RUN_DEFAULT), 0);
    EXPECT_EQ(uv_loop_close(&uv), 0);
}

TEST(http_server_drops_a_small_rest_of_a_body)
{
    EchoServer *s = start_default();
    int fd = raw_connect(echo_port(s));
    raw_send(fd, STR("POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 30\r\n\r\n"
                     "GET /x HTTP/1.1\r\nHost: h\r\n\r\n.." GET("/hello")));
    raw_read(fd, "hello\n", 2);
    raw_send(fd, STR("POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n"));
    expect_in(raw_read(fd, "hello\n", 1), "200 OK");
    char *junk = calloc(1, 1 << 20);
    for (u32 i = 0; i < 8; i++)
        if (send(fd, junk, 1 << 20, MSG_NOSIGNAL) < 0)
            break;
    EXPECT(raw_ends(fd));
    free(junk);
    close(fd);
    echo_stop(s);
}

TEST(http_server_refuses)
{
    static const struct {
        const char *text, *status;
    } rows[] = {
        {"GET /\r\n\r\n", "HTTP/1.1 400 "},
        {"GET / HTTP/3.0\r\n\r\n", "HTTP/1.1 505 "},
        {"GET / HTTP/1.1\r\nHost: h\r\nExpect: x\r\n\r\n", "HTTP/1.1 417 "},
        {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "HTTP/1.1 501 "},
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n", "HTTP/1.1 413 "},
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\naGET / "
         "HTTP/1.1"
         "\r\nHost: h\r\n\r\n",
         "HTTP/1.1 400 "},
    };
    HttpServerOptions o = http_server_options_default();
    o.max_body = 1000;
    EchoServer *s = echo_start(&o);
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        int fd = raw_connect(echo_port(s));
        raw_send(fd, str_of(rows[i].text));
        const char *text = raw_read(fd, NULL, 0);
        if (!str_starts(str_of(text), str_of(rows[i].status)) || strstr(text + 1, "HTTP/1.1"))
            test_fail(__FILE__, __LINE__, "%s gives %s", rows[i].text, text);
        expect_in(text, "connection: close\r\n");
        close(fd);
    }
    EXPECT_EQ(echo_done(s), 0);
    echo_stop(s);
}

TEST(http_server_large_heads)
{
    EchoServer *s = start_default();
    int fd = raw_connect(echo_port(s));
    Buf b = {0};
    buf_str(&b, STR("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nA: "));
    while (b.n < HTTP_MAX_HEAD - 4)
        buf_u8(&b, 'a');
    buf_str(&b, STR("\r\n\r\nhello"));
    raw_send(fd, (Str){(char *)b.p, b.n});
    expect_in(raw_read(fd, "hello", 1), "200 OK");
    b.n -= 9;
    buf_str(&b, STR("aa\r\n\r\n"));
    raw_send(fd, (Str){(char *)b.p, b.n});
    expect_in(raw_read(fd, NULL, 0), "HTTP/1.1 431 ");
    buf_release(&b);
    close(fd);
    echo_stop(s);
}

/* Trailers are held back until they are all there, also where the buffer ends among them. */
TEST(http_server_large_trailers)
{
    EchoServer *s = start_default();
    int fd = raw_connect(echo_port(s));
    Buf b = {0};
    buf_str(&b, STR("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3a98\r\n"));
    for (u32 i = 0; i < 15000; i++)
        buf_u8(&b, 'b');
    buf_str(&b, STR("\r\n0\r\nT: "));
    for (u32 i = 0; i < 12000; i++)
        buf_u8(&b, 't');
    buf_str(&b, STR("\r\n\r\n"));
    raw_send(fd, (Str){(char *)b.p, b.n});
    const char *text = raw_read(fd, "t\r\n\r\n", 1);
    EXPECT_EQ(strspn(strstr(text, "T: ") + 3, "t"), 12000);
    buf_release(&b);
    close(fd);
    echo_stop(s);
}

/* Each of these peers keeps the server waiting; each ends by a timer, and others are served. */
TEST(http_server_slow_peers_end_by_timers)
{
    HttpServerOptions o = http_server_options_default();
    o.head_ms = o.idle_ms = o.body_ms = o.write_ms = o.half_closed_ms = 300;
    EchoServer *s = echo_start(&o);
    int idle = raw_connect(echo_port(s)), head = raw_connect(echo_port(s));
    int body = raw_connect(echo_port(s)), drip = raw_connect(echo_port(s));
    int half = raw_connect(echo_port(s)), sink = raw_connect(echo_port(s));
    raw_send(head, STR("GET / HT"));
    raw_send(body, STR("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc"));
    raw_send(drip, STR("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 999\r\n\r\nabc"));
    raw_send(half, STR(GET("/never")));
    shutdown(half, SHUT_WR);
    raw_send(sink, STR(GET("/big")));
    bool dripping = true;
    for (u32 i = 0; i < 12; i++) {
        usleep(100000);
        dripping = dripping && send(drip, "a", 1, MSG_NOSIGNAL) == 1;
    }
    EXPECT(!dripping);
    EXPECT(raw_ends(idle) && raw_ends(body) && raw_ends(half));
    expect_in(raw_read(head, NULL, 0), "HTTP/1.1 408 ");
    EXPECT_EQ(echo_aborted(s), 4); /* body, drip, half, sink */
    int fresh = raw_connect(echo_port(s));
    raw_send(fresh, STR(GET("/hello")));
    expect_in(raw_read(fresh, "hello\n", 1), "200 OK");
    echo_stop(s);
}

TEST(http_server_half_closed_peer_is_answered)
{
    EchoServer *s = start_default();
    int fd = raw_connect(echo_port(s));
    raw_send(fd, STR("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi"));
    shutdown(fd, SHUT_WR);
    expect_in(raw_read(fd, NULL, 0), "\r\n\r\nhi");
    close(fd);
    fd = raw_connect(echo_port(s));
    raw_send(fd, STR("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nhi"));
    shutdown(fd, SHUT_WR);
    EXPECT(raw_ends(fd));
    EXPECT_EQ(echo_aborted(s), 1);
    echo_stop(s);
}

TEST(http_server_back_pressure)
{
    EchoServer *s = start_default();
    int fd = raw_connect(echo_port(s));
    u8 bytes[65536];
    usize total = 0;
    raw_send(fd, STR("GET /big HTTP/1.0\r\n\r\n"));
    usleep(100000);
    for (ssize_t got; (got = recv(fd, bytes, sizeof bytes, 0)) > 0;)
        total += (usize)got;
    EXPECT(total > ECHO_BIG && total < ECHO_BIG + 1000);
    EXPECT(echo_most_queued(s) <= http_server_options_default().max_queued + 64);
    close(fd);
    echo_stop(s);
}

TEST(http_server_wrong_handlers_cut_the_connection)
{
    EchoServer *s = start_default();
    int fd = raw_connect(echo_port(s));
    raw_send(fd, STR(GET("/short") GET("/hello")));
    EXPECT(!strstr(raw_read(fd, NULL, 0), "hello"));
    close(fd);
    fd = raw_connect(echo_port(s));
    raw_send(fd, STR(GET("/abort") GET("/hello")));
    EXPECT_STR(raw_read(fd, NULL, 0), "");
    close(fd);
    EXPECT_EQ(echo_done(s), 0);
    echo_stop(s);
}

TEST(http_server_drains)
{
    EchoServer *s = start_default();
    int idle = raw_connect(echo_port(s)), busy = raw_connect(echo_port(s));
    int stuck = raw_connect(echo_port(s));
    raw_send(idle, STR(GET("/hello")));
    raw_read(idle, "hello\n", 1);
    raw_send(busy, STR("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nab"));
    raw_read(busy, "ab", 1);
    raw_send(stuck, STR(GET("/never")));
    usleep(50000);
    u64 start = os_monotonic_ns();
    echo_drain(s, 1500);
    EXPECT(raw_ends(idle));
    EXPECT(os_monotonic_ns() - start < 1000000000);
    raw_send(busy, STR("cd"));
    EXPECT_STR(raw_read(busy, NULL, 0), "cd");
    EXPECT(os_monotonic_ns() - start < 1400000000);
    EXPECT(raw_ends(stuck)); /* by the deadline */
    EXPECT_EQ(echo_done(s), 2);
    EXPECT_EQ(echo_aborted(s), 1);
    echo_join(s);
}

/* Whoever begins a request and goes no further does not keep the server. */
TEST(http_server_drains_in_spite_of_half_a_head)
{
    EchoServer *s = start_default();
    int half = raw_connect(echo_port(s)), whole = raw_connect(echo_port(s));
    raw_send(half, STR("GET / HT"));
    raw_send(whole, STR("GET /hello HTTP/1.1\r\nHo"));
    usleep(50000);
    echo_drain(s, 60000);
    raw_send(whole, STR("st: h\r\n\r\n"));
    expect_in(raw_read(whole, "hello\n", 1), "200 OK");
    EXPECT(raw_ends(half) && raw_ends(whole)); /* within five seconds */
    close(half);
    close(whole);
    echo_join(s);
}

TEST(http_server_connections_beyond_the_limit_wait)
{
    HttpServerOptions o = http_server_options_default();
    o.max_connections = 2;
    EchoServer *s = echo_start(&o);
    int a = raw_connect(echo_port(s)), b = raw_connect(echo_port(s)), c;
    raw_send(a, STR(GET("/hello")));
    raw_read(a, "hello\n", 1);
    raw_send(b, STR(GET("/hello")));
    raw_read(b, "hello\n", 1);
    c = raw_connect(echo_port(s));
    raw_send(c, STR(GET("/hello")));
    usleep(100000);
    u8 byte;
    EXPECT(recv(c, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
    close(a);
    expect_in(raw_read(c, "hello\n", 1), "200 OK");
    close(b);
    close(c);
    echo_stop(s);
}

/* Those that hold all connections and ask nothing make room for whoever waits. */
TEST(http_server_idle_connections_make_room)
{
    enum { N = 9 };
    HttpServerOptions o = http_server_options_default();
    o.max_connections = N;
    EchoServer *s = echo_start(&o);
    int fds[N];
    for (u32 i = 0; i < N; i++) {
        fds[i] = raw_connect(echo_port(s));
        if (i % 3 == 1)
            raw_send(fds[i], STR("GET / HT"));
        if (i % 3 == 2)
            raw_send(fds[i], STR("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc"));
    }
    for (u32 i = 0; i < N + 3; i++) { /* more than there are, and all are let in */
        int fresh = raw_connect(echo_port(s));
        raw_send(fresh, STR(GET("/hello")));
        expect_in(raw_read(fresh, "hello\n", 1), "200 OK");
        if (i % 2)
            close(fresh);
    }
    for (u32 i = 0; i < N; i++)
        close(fds[i]);
    echo_stop(s);
}

/* A server on the port keeps others away, though its own threads share it. */
TEST(http_server_port_is_exclusive)
{
    OsAddress a, b;
    int fds[4], again = -1, c = -1;
    char text[OS_ADDRESS_TEXT];
    EXPECT(os_address_parse(STR("127.0.0.1:0"), &a));
    EXPECT_EQ(os_listen(&a, 16, 4, fds), 0);
    for (u32 i = 0; i < 4; i++) {
        EXPECT_EQ(os_socket_address(fds[i], &b), 0);
        if (i)
            EXPECT(memcmp(a.raw, b.raw, b.n) == 0);
        a = b;
    }
    EXPECT_EQ(os_listen(&a, 16, 1, &again), EADDRINUSE);
    EXPECT_EQ(os_listen(&a, 16, 4, &again), EADDRINUSE);
    /* Connections reach more than one of them. */
    u32 reached = 0;
    for (u32 i = 0; i < 64; i++)
        EXPECT(os_connect(&a, &c) == EINPROGRESS || c >= 0);
    usleep(50000);
    for (u32 i = 0; i < 4; i++)
        reached += os_accept(fds[i], &c) == 0;
    EXPECT(reached > 1);
    os_address_format(&a, text);
    EXPECT(strncmp(text, "127.0.0.1:", 10) == 0);
}

TEST(http_server_unix_sockets)
{
    OsAddress a;
    char name[64];
    int fds[2], again[2], c = -1, got = -1;
    snprintf(name, sizeof name, "unix:/tmp/http-test-%d", (int)getpid());
    EXPECT(os_address_parse(str_of(name), &a));
    EXPECT_EQ(os_listen(&a, 16, 2, fds), 0);
    EXPECT_EQ(os_listen(&a, 16, 1, again), EADDRINUSE);
    EXPECT_EQ(os_connect(&a, &c), 0);
    EXPECT_EQ(os_accept(fds[1], &got), 0);
    os_fd_close(fds[0]);
    os_fd_close(fds[1]);
    EXPECT_EQ(os_listen(&a, 16, 1, again), 0); /* what a dead server left */
    unlink(name + 5);
}

/* As a service manager passes them: from descriptor 3 on, to this process only. */
TEST(http_server_inherited_sockets)
{
    OsAddress a;
    int fd = -1, first = 0, c = -1, got = -1;
    u32 n = 7;
    char pid[16];
    os_inherited_sockets(&first, &n);
    EXPECT_EQ(n, 0);
    EXPECT(os_address_parse(STR("127.0.0.1:0"), &a));
    EXPECT_EQ(os_listen(&a, 16, 1, &fd), 0);
    EXPECT_EQ(os_socket_address(fd, &a), 0);
    if (fd != 3)
        EXPECT_EQ(dup2(fd, 3), 3);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_FDS", "1", 1);
    setenv("LISTEN_PID", "1", 1);
    os_inherited_sockets(&first, &n);
    EXPECT_EQ(n, 0);
    setenv("LISTEN_PID", pid, 1);
    os_inherited_sockets(&first, &n);
    EXPECT_EQ(n, 1);
    EXPECT_EQ(first, 3);
    EXPECT_EQ(os_accept(3, &got), EAGAIN);
    (void)os_connect(&a, &c);
    usleep(50000);
    EXPECT_EQ(os_accept(3, &got), 0);
}

/* Many at once that send a byte now and then: others are served meanwhile, and all of them end. */
TEST(http_server_many_slow_connections)
{
    enum { N = 400 };
    static int fds[N];
    HttpServerOptions o = http_server_options_default();
    o.head_ms = o.idle_ms = 1000;
    EchoServer *s = echo_start(&o);
    for (u32 i = 0; i < N; i++)
        fds[i] = raw_connect(echo_port(s));
    for (u32 round = 0; round < 3; round++)
        for (u32 i = 0; i < N; i++)
            (void)!send(fds[i], &"GET"[round], 1, MSG_NOSIGNAL);
    int fresh = raw_connect(echo_port(s));
    raw_send(fresh, STR(GET("/hello")));
    expect_in(raw_read(fresh, "hello\n", 1), "200 OK");
    for (u32 i = 0; i < N; i++) {
        EXPECT(raw_ends(fds[i]));
        close(fds[i]);
    }
    echo_stop(s);
}

TEST(http_server_addresses)
{
    static const char *const good[] = {"1.2.3.4:80", "[::1]:65535", "unix:/a b"};
    static const char *const bad[] = {
        "",        "80",           ":80",  "1.2.3.4", "1.2.3.4:",      "1.2.3:80",  "::1:80",
        "[::1]80", "[1.2.3.4]:80", "a:80", "unix:",   "1.2.3.4:65536", "1.2.3.4:-1"};
    OsAddress a;
    char text[OS_ADDRESS_TEXT];
    for (u32 i = 0; i < ARRAY_LEN(good); i++) {
        EXPECT(os_address_parse(str_of(good[i]), &a));
        os_address_format(&a, text);
        EXPECT_STR(text, good[i]);
    }
    for (u32 i = 0; i < ARRAY_LEN(bad); i++)
        if (os_address_parse(str_of(bad[i]), &a))
            test_fail(__FILE__, __LINE__, "%s is an address", bad[i]);
}

/* A client that everybody has. */
TEST(http_server_curl)
{
    if (access("/usr/bin/curl", X_OK) != 0)
        test_skip("no /usr/bin/curl");
    EchoServer *s = start_default();
    char command[512], out[4096];
    snprintf(command, sizeof command,
             "curl -sS -m 10 -H 'Transfer-Encoding: chunked' -d body1 http://127.0.0.1:%d/a --next "
             "-m 10 "
             "-sS -T /etc/passwd -o /tmp/http-curl-%d http://127.0.0.1:%d/b && cmp /etc/passwd "
             "/tmp/http-curl-%d && echo same; rm -f /tmp/http-curl-%d",
             echo_port(s), (int)getpid(), echo_port(s), (int)getpid(), (int)getpid());
    FILE *f = popen(command, "r");
    EXPECT(f);
    usize n = fread(out, 1, sizeof out - 1, f);
    out[n] = 0;
    pclose(f);
    EXPECT_STR(out, "body1same\n");
    echo_stop(s);
}
