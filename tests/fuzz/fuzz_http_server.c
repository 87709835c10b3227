/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Fuzz target: a connection of src/http's server, over a pair of sockets. Whatever arrives and in
 * whatever pieces, what comes back is a sequence of well-formed responses, nothing leaks, and the
 * connection ends when the peer is gone.
 */
#include "fuzz/http_echo.h"
#include "fuzz/http_transcript.h"
#include "fuzz/targets.h"
#include "os/fs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { TURNS = 64 };

static void take_output(int fd, Buf *out)
{
    usize n = 1;
    for (;;) {
        buf_reserve(out, 65536);
        if (os_recv(fd, out->p + out->n, 65536, &n) != 0 || n == 0)
            return;
        out->n += n;
    }
}

/* Responses to HEAD cannot be told from others by their bytes: their streams are not judged. */
static void judge(const Buf *in, const Buf *out)
{
    Buf text = {0};
    if (memmem(in->p, in->n, "HEAD ", 5))
        return;
    if (!http_transcript(HTTP_STREAM_RESPONSES, out->p, out->n, (HttpCut){out->n, 0}, UINT64_MAX,
                         &text))
        fuzz_finding("malformed responses:\n%.*s", (int)out->n, (const char *)out->p);
    buf_release(&text);
}

/* The first byte chooses how large the pieces are. */
void fuzz_http_server(const u8 *p, usize n)
{
    uv_loop_t uv;
    int fds[2];
    Buf in = {0}, out = {0};
    HttpServerOptions o = http_server_options_default();
    if (n < 2)
        return;
    o.max_body = 100000;
    o.max_queued = 4096;
    if (n == 8)
        http_make_stream(load_u64(p), &in);
    else
        buf_bytes(&in, p + 1, n - 1);
    ALWAYS(uv_loop_init(&uv) == 0 && os_socket_pair(fds) == 0);
    HttpLoop *l = http_loop_new(&uv);
    HttpServer *s = http_server_new(l, &o, &echo_handler, NULL);
    http_server_adopt(s, fds[1]);
    usize piece = p[0] < 32 ? (usize)p[0] + 1 : in.n;
    for (usize at = 0, sent; at < in.n; at += sent) {
        Str bytes = {(const char *)in.p + at, MIN(piece, in.n - at)};
        if (os_send(fds[0], bytes, (Str){0}, &sent) != 0)
            break;
        uv_run(&uv, UV_RUN_NOWAIT);
        take_output(fds[0], &out);
    }
    for (u32 i = 0; i < TURNS; i++) {
        uv_run(&uv, UV_RUN_NOWAIT);
        take_output(fds[0], &out);
    }
    os_fd_close(fds[0]);
    for (u32 i = 0; i < TURNS && http_server_connections(s) > http_server_requests(s); i++)
        uv_run(&uv, UV_RUN_NOWAIT);
    if (http_server_connections(s) > http_server_requests(s))
        fuzz_finding("a connection outlives its peer");
    http_server_free(s);
    http_loop_close(l);
    uv_run(&uv, UV_RUN_DEFAULT);
    ALWAYS(uv_loop_close(&uv) == 0);
    judge(&in, &out);
    buf_release(&in);
    buf_release(&out);
}
