/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The HTTP client over real sockets: against the echo server, against servers that say given bytes,
 * and TLS against `openssl s_server`.
 */
#include "base/buf.h"
#include "http/client.h"
#include "os/fs.h"
#include "os/time.h"
#include "unit/http/echo.h"
#include "unit/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* One call, run to its end. */
typedef struct Call {
    HttpExchange *x;
    u16 status;
    Buf body, trailers;
    bool over;
    HttpFailure failure;
    usize to_send; /* bytes of a body that is sent as space comes */
    bool sending;
} Call;

static uv_loop_t uv;
static HttpLoop *loop;
static HttpClient *client;

static void client_start(HttpClientOptions o)
{
    EXPECT_EQ(uv_loop_init(&uv), 0);
    loop = http_loop_new(&uv);
    client = http_client_new(loop, &o);
}

static void client_stop(void)
{
    http_client_free(client);
    http_loop_close(loop);
    EXPECT_EQ(uv_run(&uv, UV_RUN_DEFAULT), 0);
    EXPECT_EQ(uv_loop_close(&uv), 0);
}

static void on_readable(HttpExchange *x)
{
    Call *c = http_exchange_user(x);
    Str data;
    for (;;) {
        switch (http_exchange_read(x, &data)) {
        case HTTP_CLIENT_DATA:
            buf_str(&c->body, data);
            http_exchange_consume(x, data.n);
            continue;
        case HTTP_CLIENT_END: {
            const u8 *p;
            const HttpFields *f = http_exchange_trailers(x, &p);
            for (u32 i = 0; i < f->n; i++)
                buf_str(&c->trailers, http_field_value(&f->f[i], p));
            c->over = true;
            return;
        }
        case HTTP_CLIENT_WAIT:
        case HTTP_CLIENT_FAIL:
            return;
        }
    }
}

static void on_head(HttpExchange *x)
{
    Call *c = http_exchange_user(x);
    c->status = http_exchange_head(x)->status;
    on_readable(x);
}

static void on_writable(HttpExchange *x)
{
    static const u8 bytes[10000];
    Call *c = http_exchange_user(x);
    for (usize space; c->to_send > 0 && (space = http_exchange_space(x)) > 0;) {
        usize n = MIN(MIN(space, sizeof bytes), c->to_send);
        EXPECT(http_exchange_write(x, bytes, n));
        c->to_send -= n;
    }
    if (c->to_send == 0 && c->sending) {
        static const HttpPair trailer[] = {{{"t", 1}, {"v", 1}}};
        c->sending = false;
        EXPECT_EQ(http_exchange_end(x, trailer, 1), HTTP_ERROR_NONE);
    }
}

static void on_failed(HttpExchange *x, const HttpFailure *f)
{
    Call *c = http_exchange_user(x);
    EXPECT(!c->failure.error && f->error);
    c->failure = *f;
    c->over = true;
}

static const HttpExchangeHandler handler = {
    .head = on_head, .readable = on_readable, .writable = on_writable, .failed = on_failed};

static void run_until_over(Call *c)
{
    u64 start = os_monotonic_ns();
    while (!c->over) {
        if (os_monotonic_ns() - start > UINT64_C(8000000000))
            test_fail(__FILE__, __LINE__, "no end; status %u, %zu bytes", c->status, c->body.n);
        /* Something wakes the loop each 50 ms: the wheel, while a deadline is set. */
        uv_run(&uv, UV_RUN_ONCE);
    }
}

static void call(HttpCall q, Call *c)
{
    HttpError e = HTTP_ERROR_NONE;
    c->sending = q.body;
    c->x = http_client_call(client, &q, &handler, c, &e);
    if (!c->x) {
        c->failure.error = e;
        return;
    }
    if (q.body)
        on_writable(c->x);
    run_until_over(c);
}

static void call_free(Call *c)
{
    http_exchange_free(c->x);
    buf_release(&c->body);
    buf_release(&c->trailers);
    *c = (Call){0};
}

static HttpCall get_of(const char *authority, const char *target)
{
    return (HttpCall){.method = STR("GET"),
                      .authority = str_of(authority),
                      .target = str_of(target),
                      .connect_ms = 2000,
                      .first_byte_ms = 2000,
                      .between_ms = 2000};
}

static const char *authority_of(int port)
{
    static char text[64];
    snprintf(text, sizeof text, "127.0.0.1:%d", port);
    return text;
}

static void expect_body(const Call *c, const char *text)
{
    if (c->failure.error)
        test_fail(__FILE__, __LINE__, "%s: %s", http_error_name(c->failure.error),
                  c->failure.detail);
    if (!str_eq((Str){(char *)c->body.p, c->body.n}, str_of(text)))
        test_fail(__FILE__, __LINE__, "the body is %.*s", (int)c->body.n, (const char *)c->body.p);
}

TEST(http_client_keeps_connections)
{
    HttpServerOptions o = http_server_options_default();
    EchoServer *s = echo_start(&o);
    Call c = {0};
    client_start(http_client_options_default());
    for (u32 i = 0; i < 5; i++) {
        call(get_of(authority_of(echo_port(s)), "/hello"), &c);
        EXPECT_EQ(c.status, 200);
        expect_body(&c, "hello\n");
        call_free(&c);
        EXPECT_EQ(http_client_connections(client), 1);
    }
    HttpCall head = get_of(authority_of(echo_port(s)), "/hello");
    head.method = STR("HEAD");
    call(head, &c);
    expect_body(&c, "");
    call_free(&c);
    EXPECT_EQ(http_client_connections(client), 1);
    /* One that is freed early is not kept. */
    HttpCall big = get_of(authority_of(echo_port(s)), "/big");
    HttpError e;
    HttpExchange *x = http_client_call(client, &big, &handler, &c, &e);
    EXPECT(x);
    http_exchange_free(x);
    EXPECT_EQ(http_client_connections(client), 0);
    client_stop();
    echo_stop(s);
}

TEST(http_client_streams_both_ways)
{
    HttpServerOptions o = http_server_options_default();
    EchoServer *s = echo_start(&o);
    client_start(http_client_options_default());
    for (u32 chunked = 0; chunked < 2; chunked++) {
        Call c = {.to_send = 3 << 20};
        HttpCall q = get_of(authority_of(echo_port(s)), "/x");
        q.method = STR("POST");
        q.body = true;
        q.length = chunked ? HTTP_LENGTH_UNKNOWN : 3 << 20;
        call(q, &c);
        EXPECT_EQ(c.failure.error, HTTP_ERROR_NONE);
        EXPECT_EQ(c.body.n, 3 << 20);
        EXPECT_EQ(c.trailers.n, chunked);
        call_free(&c);
    }
    Call c = {0};
    call(get_of(authority_of(echo_port(s)), "/big"), &c);
    EXPECT_EQ(c.body.n, ECHO_BIG);
    call_free(&c);
    EXPECT_EQ(http_client_connections(client), 1);
    client_stop();
    echo_stop(s);
}

/* ---- servers that say given bytes ---- */

static void ends_with_parent(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static int listen_any(int backlog, int *ret_port)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t n = sizeof a;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(fd, backlog) == 0);
    EXPECT_EQ(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    *ret_port = ntohs(a.sin_port);
    return fd;
}

/*
 * Each connection gets the next of the texts, one a request, until NULL, where it is closed; two
 * NULLs end the server. A text "-" is silence.
 */
static int canned(const char *const *texts, pid_t *ret_pid)
{
    int port, fd = listen_any(16, &port);
    *ret_pid = fork();
    if (*ret_pid == 0) {
        ends_with_parent();
        for (; *texts; texts++) {
            char bytes[65536];
            int c = accept(fd, NULL, NULL);
            for (; *texts; texts++) {
                if (recv(c, bytes, sizeof bytes, 0) <= 0)
                    _exit(3);
                if (strcmp(*texts, "-") == 0)
                    sleep(3);
                else if (send(c, *texts, strlen(*texts), MSG_NOSIGNAL) < 0)
                    _exit(4);
            }
            shutdown(c, SHUT_WR);
            while (recv(c, bytes, sizeof bytes, 0) > 0)
                ;
            close(c);
        }
        _exit(0);
    }
    close(fd);
    return port;
}

static void end_child(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

TEST(http_client_failures)
{
    static const struct {
        const char *text;
        HttpError error;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", HTTP_ERROR_HTTP_RESPONSE_INCOMPLETE},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
         HTTP_ERROR_HTTP_RESPONSE_INCOMPLETE},
        {"HTTP/1.1 200 OK\r\nA: b", HTTP_ERROR_HTTP_RESPONSE_INCOMPLETE},
        {"", HTTP_ERROR_CONNECTION_TERMINATED},
        {"nonsense\r\n\r\n", HTTP_ERROR_HTTP_PROTOCOL_ERROR},
        {"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", HTTP_ERROR_HTTP_PROTOCOL_ERROR},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
         HTTP_ERROR_HTTP_PROTOCOL_ERROR},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
         HTTP_ERROR_HTTP_PROTOCOL_ERROR},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
         HTTP_ERROR_HTTP_RESPONSE_TRANSFER_CODING},
        {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", HTTP_ERROR_HTTP_UPGRADE_FAILED},
        {"-", HTTP_ERROR_CONNECTION_READ_TIMEOUT},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n"
         "\r\nto the end",
         HTTP_ERROR_NONE},
    };
    client_start(http_client_options_default());
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        const char *texts[] = {rows[i].text, NULL, NULL};
        pid_t pid;
        Call c = {0};
        HttpCall q = get_of(authority_of(canned(texts, &pid)), "/");
        q.first_byte_ms = 300;
        call(q, &c);
        if (c.failure.error != rows[i].error)
            test_fail(__FILE__, __LINE__, "%s gives %s", rows[i].text,
                      http_error_name(c.failure.error));
        if (!rows[i].error)
            expect_body(&c, "to the end");
        call_free(&c);
        EXPECT_EQ(http_client_connections(client), 0);
        end_child(pid);
    }
    client_stop();
}

TEST(http_client_response_too_large_and_between_bytes)
{
    Buf b = {0};
    pid_t pid;
    Call c = {0};
    client_start(http_client_options_default());
    buf_str(&b, STR("HTTP/1.1 200 OK\r\n"));
    for (u32 i = 0; i < HTTP_MAX_HEAD / 4; i++)
        buf_str(&b, STR("A: b\r\n"));
    buf_u8(&b, 0);
    const char *many[] = {(char *)b.p, NULL, NULL};
    call(get_of(authority_of(canned(many, &pid)), "/"), &c);
    EXPECT_EQ(c.failure.error, HTTP_ERROR_HTTP_RESPONSE_HEADER_SECTION_SIZE);
    call_free(&c);
    end_child(pid);
    /* A large head that is allowed. */
    b.n = 0;
    buf_str(&b, STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nA: "));
    while (b.n < HTTP_MAX_HEAD - 4)
        buf_u8(&b, 'a');
    buf_str(&b, STR("\r\n\r\nhi"));
    buf_u8(&b, 0);
    const char *large[] = {(char *)b.p, NULL, NULL};
    call(get_of(authority_of(canned(large, &pid)), "/"), &c);
    expect_body(&c, "hi");
    call_free(&c);
    end_child(pid);
    /* Trailers among which the buffer ends. */
    b.n = 0;
    buf_str(&b, STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3a98\r\n"));
    for (u32 i = 0; i < 15000; i++)
        buf_u8(&b, 'b');
    buf_str(&b, STR("\r\n0\r\nT: "));
    for (u32 i = 0; i < 12000; i++)
        buf_u8(&b, 't');
    buf_str(&b, STR("\r\n\r\n"));
    buf_u8(&b, 0);
    const char *trailers[] = {(char *)b.p, NULL, NULL};
    call(get_of(authority_of(canned(trailers, &pid)), "/"), &c);
    EXPECT_EQ(c.body.n, 15000);
    EXPECT_EQ(c.trailers.n, 12000);
    call_free(&c);
    end_child(pid);
    const char *stalls[] = {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "-", NULL, NULL};
    HttpCall q = get_of(authority_of(canned(stalls, &pid)), "/");
    q.between_ms = 300;
    call(q, &c);
    EXPECT_EQ(c.status, 200);
    EXPECT_EQ(c.failure.error, HTTP_ERROR_CONNECTION_READ_TIMEOUT);
    call_free(&c);
    end_child(pid);
    buf_release(&b);
    client_stop();
}

/* A kept-alive connection that dies under a request is replaced, if the request may be repeated. */
TEST(http_client_replaces_a_dead_connection)
{
#define SHORT "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
    static const char *const texts[] = {SHORT "ab", "", NULL, SHORT "cd", "", NULL, NULL};
    pid_t pid;
    Call c = {0};
    client_start(http_client_options_default());
    char authority[64];
    snprintf(authority, sizeof authority, "%s", authority_of(canned(texts, &pid)));
    call(get_of(authority, "/"), &c);
    expect_body(&c, "ab");
    call_free(&c);
    call(get_of(authority, "/"), &c);
    expect_body(&c, "cd");
    call_free(&c);
    HttpCall post = get_of(authority, "/");
    post.method = STR("POST");
    call(post, &c);
    EXPECT_EQ(c.failure.error, HTTP_ERROR_CONNECTION_TERMINATED);
    call_free(&c);
    end_child(pid);
    client_stop();
}

static bool permit_none(void *ctx, const OsAddress *a)
{
    (void)ctx, (void)a;
    return false;
}

TEST(http_client_connect_failures)
{
    int port, fd = listen_any(0, &port), fill = -1;
    Call c = {0};
    OsAddress a;
    char authority[64];
    snprintf(authority, sizeof authority, "%s", authority_of(port));
    client_start(http_client_options_default());
    /* Its queue is full: nobody answers. */
    EXPECT(os_address_parse(str_of(authority), &a));
    for (u32 i = 0; i < 4; i++)
        (void)os_connect(&a, &fill);
    usleep(50000);
    HttpCall q = get_of(authority, "/");
    q.connect_ms = 300;
    call(q, &c);
    EXPECT_EQ(c.failure.error, HTTP_ERROR_CONNECTION_TIMEOUT);
    call_free(&c);
    close(fd);
    call(get_of(authority, "/"), &c);
    EXPECT_EQ(c.failure.error, HTTP_ERROR_CONNECTION_REFUSED);
    call_free(&c);
    call(get_of("a.name", "/"), &c);
    EXPECT_EQ(c.failure.error, HTTP_ERROR_DNS_ERROR);
    call_free(&c);
    client_stop();
    HttpClientOptions o = http_client_options_default();
    o.permit = permit_none;
    client_start(o);
    call(get_of(authority, "/"), &c);
    EXPECT_EQ(c.failure.error, HTTP_ERROR_DESTINATION_IP_PROHIBITED);
    call_free(&c);
    client_stop();
}

/* ---- names ---- */

typedef struct Lookup {
    uv_timer_t timer;
    void (*done)(void *arg, HttpError e, const OsAddress *addresses, u32 n);
    void *arg;
    OsAddress found[2];
    u32 n, cancelled;
    HttpError error;
} Lookup;

static void answer(uv_timer_t *t)
{
    Lookup *l = t->data;
    l->done(l->arg, l->error, l->found, l->n);
}

static void *lookup(void *ctx, Str host, u16 port,
                    void (*done)(void *arg, HttpError e, const OsAddress *addresses, u32 n),
                    void *arg)
{
    Lookup *l = ctx;
    EXPECT(str_eq(host, STR("a.name")) && port != 80);
    l->done = done;
    l->arg = arg;
    uv_timer_start(&l->timer, answer, 20, 0);
    return l;
}

static void cancel(void *ctx, void *started)
{
    Lookup *l = ctx;
    EXPECT(started == l);
    uv_timer_stop(&l->timer);
    l->cancelled++;
}

/* The first address refuses, the second one is the server. */
TEST(http_client_resolves_names)
{
    static Lookup l;
    HttpServerOptions so = http_server_options_default();
    EchoServer *s = echo_start(&so);
    HttpClientOptions o = http_client_options_default();
    Call c = {0};
    char authority[64], text[64];
    o.resolver = (HttpResolver){lookup, cancel, &l};
    client_start(o);
    uv_timer_init(&uv, &l.timer);
    l.timer.data = &l;
    snprintf(authority, sizeof authority, "a.name:%d", echo_port(s));
    snprintf(text, sizeof text, "127.0.0.1:%d", echo_port(s));
    EXPECT(os_address_parse(STR("127.0.0.1:1"), &l.found[0]));
    EXPECT(os_address_parse(str_of(text), &l.found[1]));
    l.n = 2;
    call(get_of(authority, "/hello"), &c);
    expect_body(&c, "hello\n");
    call_free(&c);
    {
        HttpCall q = get_of("a.name:7", "/");
        HttpError e;
        HttpExchange *x = http_client_call(client, &q, &handler, &c, &e);
        http_exchange_free(x);
        EXPECT_EQ(l.cancelled, 1);
    }
    l.error = HTTP_ERROR_DNS_TIMEOUT;
    call(get_of("a.name:8", "/"), &c);
    EXPECT_EQ(c.failure.error, HTTP_ERROR_DNS_TIMEOUT);
    call_free(&c);
    l.error = HTTP_ERROR_NONE;
    l.n = 0;
    call(get_of("a.name:8", "/"), &c);
    EXPECT_EQ(c.failure.error, HTTP_ERROR_DESTINATION_NOT_FOUND);
    call_free(&c);
    uv_close((uv_handle_t *)&l.timer, NULL);
    client_stop();
    echo_stop(s);
}

TEST(http_client_malformed_calls)
{
    static const HttpPair split = {{"A", 1}, {"b\r\nc: d", 7}}, host = {{"Host", 4}, {"x", 1}};
    static const struct {
        HttpCall q;
        HttpError error;
    } rows[] = {
        {{.method = {"G T", 3}}, HTTP_ERROR_HTTP_REQUEST_METHOD_INVALID},
        {{.method = {"CONNECT", 7}}, HTTP_ERROR_HTTP_REQUEST_METHOD_INVALID},
        {{.target = {"/a b", 4}}, HTTP_ERROR_HTTP_REQUEST_URI_INVALID},
        {{.target = {"/\r\nA: b", 7}}, HTTP_ERROR_HTTP_REQUEST_URI_INVALID},
        {{.target = {"", 0}}, HTTP_ERROR_HTTP_REQUEST_URI_INVALID},
        {{.authority = {"h:99999", 7}}, HTTP_ERROR_HTTP_REQUEST_URI_INVALID},
        {{.authority = {"u@h", 3}}, HTTP_ERROR_HTTP_REQUEST_URI_INVALID},
        {{.authority = {"h\r\n", 3}}, HTTP_ERROR_HTTP_REQUEST_URI_INVALID},
        {{.fields = &split, .n_fields = 1}, HTTP_ERROR_HTTP_REQUEST_HEADER_SIZE},
        {{.fields = &host, .n_fields = 1}, HTTP_ERROR_HTTP_REQUEST_HEADER_SIZE},
    };
    client_start(http_client_options_default());
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        HttpCall q = rows[i].q;
        Call c = {0};
        q.method = q.method.p ? q.method : STR("GET");
        q.target = q.target.p ? q.target : STR("/");
        q.authority = q.authority.p ? q.authority : STR("127.0.0.1:1");
        call(q, &c);
        EXPECT_EQ(c.failure.error, rows[i].error);
    }
    client_stop();
}

/* ---- TLS ---- */

static bool run_openssl(const char *arguments)
{
    char command[2048];
    snprintf(command, sizeof command, "openssl %s 2>/dev/null >/dev/null", arguments);
    return system(command) == 0;
}

/* `openssl s_server` with the certificate; it answers GET with a page. */
static pid_t start_tls(const char *dir, const char *name, int port, const char *option)
{
    pid_t pid = fork();
    if (pid == 0) {
        char cert[128], key[128], accept[32];
        int null = open("/dev/null", O_RDWR);
        ends_with_parent();
        dup2(null, 0), dup2(null, 1), dup2(null, 2);
        snprintf(cert, sizeof cert, "%s/%s.pem", dir, name);
        snprintf(key, sizeof key, "%s/%s.key", dir, name);
        snprintf(accept, sizeof accept, "127.0.0.1:%d", port);
        execlp("openssl", "openssl", "s_server", "-cert", cert, "-key", key, "-accept", accept,
               "-www", option, (char *)NULL);
        _exit(127);
    }
    for (u32 i = 0; i < 200; i++) { /* until it listens */
        OsAddress a;
        int fd = -1, e;
        EXPECT(os_address_parse(str_of(authority_of(port)), &a));
        e = os_connect(&a, &fd);
        usleep(20000);
        e = fd >= 0 ? os_socket_error(fd) : e;
        if (fd >= 0)
            close(fd);
        if (!e)
            return pid;
    }
    test_fail(__FILE__, __LINE__, "openssl s_server does not listen");
}

static int free_port(void)
{
    int port, fd = listen_any(1, &port);
    close(fd);
    return port;
}

static const OsAddress *tls_address;

static void answer_tls(uv_timer_t *t)
{
    Lookup *l = t->data;
    l->done(l->arg, HTTP_ERROR_NONE, tls_address, 1);
}

static void *lookup_tls(void *ctx, Str host, u16 port,
                        void (*done)(void *arg, HttpError e, const OsAddress *addresses, u32 n),
                        void *arg)
{
    Lookup *l = ctx;
    (void)host, (void)port;
    l->done = done;
    l->arg = arg;
    uv_timer_start(&l->timer, answer_tls, 1, 0);
    return l;
}

static HttpError tls_get(const char *roots, const char *host, int port, Call *c)
{
    static Lookup l;
    static OsAddress a;
    char authority[80];
    HttpClientOptions o = http_client_options_default();
    o.roots = roots;
    o.resolver = (HttpResolver){lookup_tls, cancel, &l};
    client_start(o);
    uv_timer_init(&uv, &l.timer);
    l.timer.data = &l;
    EXPECT(os_address_parse(str_of(authority_of(port)), &a));
    tls_address = &a;
    snprintf(authority, sizeof authority, "%s:%d", host, port);
    HttpCall q = get_of(authority, "/");
    q.tls = true;
    call(q, c);
    HttpError e = c->failure.error;
    call_free(c);
    uv_close((uv_handle_t *)&l.timer, NULL);
    client_stop();
    return e;
}

TEST(http_client_tls)
{
    char dir[] = "/tmp/http-tls-XXXXXX", command[1024], ca[64];
    if (!run_openssl("version"))
        test_skip("no openssl command");
    EXPECT(mkdtemp(dir));
    snprintf(ca, sizeof ca, "%s/good.pem", dir);
    snprintf(
        command, sizeof command,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=x -addext "
        "subjectAltName=DNS:good.test,IP:127.0.0.1 -keyout %s/good.key -out %s/good.pem",
        dir, dir);
    EXPECT(run_openssl(command));
    snprintf(
        command, sizeof command,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=good.test "
        "-addext subjectAltName=DNS:good.test -keyout %s/self.key -out %s/self.pem",
        dir, dir);
    EXPECT(run_openssl(command));
    static const struct {
        const char *cert, *host, *option;
        HttpError error, or_error;
    } rows[] = {
        {"good", "good.test", "-quiet", 0, 0},
        {"good", "127.0.0.1", "-tls1_2", 0, 0},
        {"good", "other.test", "-quiet", HTTP_ERROR_TLS_CERTIFICATE_ERROR, 0},
        {"good", "x", "-quiet", HTTP_ERROR_TLS_CERTIFICATE_ERROR, 0}, /* the common name is none */
        {"good", "[::1]", "-quiet", HTTP_ERROR_CONNECTION_REFUSED,
         HTTP_ERROR_DESTINATION_IP_UNROUTABLE},
        {"self", "good.test", "-quiet", HTTP_ERROR_TLS_CERTIFICATE_ERROR, 0},
        {"self", "127.0.0.1", "-quiet", HTTP_ERROR_TLS_CERTIFICATE_ERROR, 0},
        {"good", "good.test", "-tls1_1", HTTP_ERROR_TLS_ALERT_RECEIVED,
         HTTP_ERROR_TLS_PROTOCOL_ERROR},
    };
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        Call c = {0};
        int port = free_port();
        pid_t pid = start_tls(dir, rows[i].cert, port, rows[i].option);
        HttpError e = tls_get(ca, rows[i].host, port, &c);
        if (e != rows[i].error && (!rows[i].or_error || e != rows[i].or_error))
            test_fail(__FILE__, __LINE__, "%s with %s gives \"%s\"", rows[i].host, rows[i].option,
                      http_error_name(e));
        end_child(pid);
    }
    /* A server without TLS. */
    Call c = {0};
    HttpServerOptions o = http_server_options_default();
    EchoServer *s = echo_start(&o);
    EXPECT_EQ(tls_get(ca, "127.0.0.1", echo_port(s), &c), HTTP_ERROR_TLS_PROTOCOL_ERROR);
    echo_stop(s);
    snprintf(command, sizeof command, "rm -r %s", dir);
    EXPECT_EQ(system(command), 0);
}
