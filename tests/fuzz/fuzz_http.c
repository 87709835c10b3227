/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Fuzz target of src/http's codec: a stream of requests or responses means the same however it is
 * cut into pieces, and what was understood can be written and read again. Without libFuzzer the
 * bytes are made from pieces of HTTP, chosen by the input.
 */
#include "fuzz/http_transcript.h"
#include "fuzz/targets.h"
#include "http/write.h"

static const char *const pieces[] = {
    "GET ",
    "POST ",
    "HEAD ",
    "CONNECT ",
    "/",
    "/a?b=c",
    "*",
    "http://h/p",
    " HTTP/1.1\r\n",
    " HTTP/1.0\r\n",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.0 404 Not Found\r\n",
    "HTTP/1.1 100\r\n",
    "Host: h\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: 3\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Connection: close\r\n",
    "Connection: keep-alive\r\n",
    "Expect: 100-continue\r\n",
    "X: y\r\n",
    "X : y\r\n",
    " folded\r\n",
    "\r\n",
    "\n",
    "\r",
    "\r\n\r\n",
    "hello",
    "5\r\nhello\r\n",
    "3;a=b\r\nabc\r\n",
    "0\r\n",
    "0\r\n\r\n",
    "T: v\r\n",
    "ffffffffffffffff\r\n",
    "a",
    ":",
    " ",
    "\t",
    "5;q=\"x\"\r\n",
    "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    "POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n",
    "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET /short HTTP/1.1\r\nHost: h\r\n\r\n",
    "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 204 No Content\r\n\r\n",
};

void http_make_stream(u64 seed, Buf *out)
{
    u32 n = 1 + (u32)(seed % 24);
    for (u32 i = 0; i < n; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        u32 at = (u32)(seed >> 33) % (ARRAY_LEN(pieces) + 1);
        if (at == ARRAY_LEN(pieces))
            buf_u8(out, (u8)(seed >> 56));
        else
            buf_str(out, str_of(pieces[at]));
    }
}

static void compare(HttpStream s, const Buf *in, HttpCut cut, u64 limit, const Buf *expected)
{
    Buf text = {0};
    http_transcript(s, in->p, in->n, cut, limit, &text);
    if (!str_eq((Str){(char *)text.p, text.n}, (Str){(char *)expected->p, expected->n}))
        fuzz_finding("cut at %zu, pieces of %zu:\n%.*s\nas a whole:\n%.*s", cut.first, cut.piece,
                     (int)text.n, (const char *)text.p, (int)expected->n,
                     (const char *)expected->p);
    buf_release(&text);
}

/* A request that was understood is written, and understood as the same. */
static void write_again(const Buf *in)
{
    static HttpHead h, again;
    HttpPair pairs[HTTP_MAX_FIELDS];
    u32 n = 0, at;
    http_head_start(&h);
    http_head_start(&again);
    if (http_request_parse(&h, in->p, in->n) != HTTP_DONE)
        return;
    for (u32 i = 0; i < h.fields.n; i++)
        if (!http_name_is_framing((HttpName)h.fields.f[i].id))
            pairs[n++] = (HttpPair){http_field_name(&h.fields.f[i], in->p),
                                    http_field_value(&h.fields.f[i], in->p)};
    if (http_pairs_check(pairs, n, false, &at))
        fuzz_finding("a field that was read cannot be written");
    HttpRequestLine r = {.method = http_span_str(h.method_text, in->p),
                         .target = http_span_str(h.target, in->p),
                         .authority = http_span_str(h.authority, in->p),
                         .fields = pairs,
                         .n_fields = n,
                         .length = h.framing == HTTP_BODY_LENGTH ? (i64)(h.length >> 1) : -1,
                         .body = h.framing != HTTP_BODY_NONE};
    usize bound = http_head_bound(pairs, n, r.method.n + r.target.n + r.authority.n);
    u8 *out = mem_alloc(bound);
    usize size = http_write_request(out, &r);
    bool same = http_request_parse(&again, out, size) == HTTP_DONE && again.size == size &&
                again.method == h.method && again.form == h.form && again.framing == h.framing;
    if (r.authority.n > 0 && (size > bound || !same))
        fuzz_finding("a request is another one when it is written");
    mem_free(out);
}

/* The first byte chooses what the stream is, the second where it is cut. */
void fuzz_http(const u8 *p, usize n)
{
    Buf in = {0}, whole = {0};
    if (n < 2)
        return;
    HttpStream s = (HttpStream)(p[0] % 3);
    u64 limit = p[0] & 0x80 ? 7 : UINT64_MAX;
    if (n == 8)
        http_make_stream(load_u64(p), &in);
    else
        buf_bytes(&in, p + 2, n - 2);
    http_transcript(s, in.p, in.n, (HttpCut){in.n, 0}, limit, &whole);
    compare(s, &in, (HttpCut){1, 1}, limit, &whole);
    compare(s, &in, (HttpCut){in.n ? p[1] % in.n : 0, 0}, limit, &whole);
    compare(s, &in, (HttpCut){0, 2 + (usize)p[1] % 61}, limit, &whole);
    if (s == HTTP_STREAM_REQUESTS)
        write_again(&in);
    buf_release(&in);
    buf_release(&whole);
}
