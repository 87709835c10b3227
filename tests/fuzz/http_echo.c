/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The handler of the HTTP tests. */
#include "fuzz/http_echo.h"

static EchoCounts *of(HttpRequest *r)
{
    return http_request_context(r);
}

static bool is_path(HttpRequest *r, const char *path)
{
    return str_eq(http_request_text(r, http_request_head(r)->path), str_of(path));
}

static void note_queued(HttpRequest *r)
{
    EchoCounts *s = of(r);
    if (s)
        s->most = MAX(s->most, http_response_queued(r));
}

static void start(HttpRequest *r, i64 length)
{
    HttpResponseHead h = {.status = 200, .length = length};
    ALWAYS(!http_response_start(r, &h));
}

/* What is left to be sent of /big is in the request's user pointer. */
static void send_big(HttpRequest *r)
{
    static const u8 bytes[65536];
    usize left = (usize)http_request_user(r);
    for (usize space; left > 0 && (space = http_response_space(r)) > 0;) {
        usize n = MIN(MIN(space, sizeof bytes), left);
        ALWAYS(http_response_write(r, bytes, n));
        note_queued(r);
        left -= n;
    }
    http_request_set_user(r, (void *)left);
    if (left == 0)
        ALWAYS(!http_response_end(r, NULL, 0));
}

static void end_with_trailers(HttpRequest *r)
{
    const u8 *p;
    HttpPair pairs[HTTP_MAX_FIELDS];
    const HttpFields *f = http_request_trailers(r, &p);
    for (u32 i = 0; i < f->n; i++)
        pairs[i] = (HttpPair){http_field_name(&f->f[i], p), http_field_value(&f->f[i], p)};
    const char *wrong = http_response_end(r, pairs, f->n);
    ALWAYS(!wrong);
}

static void echo(HttpRequest *r)
{
    for (usize space; (space = http_response_space(r)) > 0;) {
        Str data;
        switch (http_request_read(r, &data)) {
        case HTTP_READ_DATA: {
            usize n = MIN(space, data.n);
            ALWAYS(http_response_write(r, data.p, n));
            note_queued(r);
            http_request_consume(r, n);
            break;
        }
        case HTTP_READ_END:
            end_with_trailers(r);
            return;
        case HTTP_READ_WAIT:
        case HTTP_READ_FAIL:
            return;
        }
    }
}

static void on_head(void *ctx, HttpRequest *r)
{
    static const HttpPair plain[] = {{{"content-type", 12}, {"text/plain", 10}}};
    const HttpHead *h = http_request_head(r);
    (void)ctx;
    if (is_path(r, "/hello") || is_path(r, "/early")) {
        ALWAYS(!http_respond(r, 200, plain, 1, STR("hello\n")));
    } else if (is_path(r, "/never")) {
        return;
    } else if (is_path(r, "/abort")) {
        http_response_abort(r);
    } else if (is_path(r, "/short")) {
        start(r, 10);
        ALWAYS(!http_response_write(r, "more than ten", 13) && http_response_write(r, "two", 3));
        ALWAYS(http_response_end(r, NULL, 0) != NULL);
    } else if (is_path(r, "/big")) {
        http_request_set_user(r, (void *)(usize)ECHO_BIG);
        start(r, ECHO_BIG);
        send_big(r);
    } else {
        start(r, h->framing == HTTP_BODY_CHUNKED ? HTTP_LENGTH_UNKNOWN : (i64)h->length);
        echo(r);
    }
}

static void on_writable(HttpRequest *r)
{
    if (is_path(r, "/big"))
        send_big(r);
    else
        echo(r);
}

static void on_done(HttpRequest *r)
{
    if (of(r))
        of(r)->done++;
}

static void on_aborted(HttpRequest *r, HttpAbort why)
{
    (void)why;
    if (of(r))
        of(r)->aborted++;
}

const HttpHandler echo_handler = {.head = on_head,
                                  .readable = echo,
                                  .writable = on_writable,
                                  .done = on_done,
                                  .aborted = on_aborted};
