/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The HTTP/1 codec: what it understands, what it refuses and with which status. Each row runs as a
 * whole, cut at every place, and byte by byte, and must mean the same.
 */
#include "fuzz/http_transcript.h"
#include "http/body.h"
#include "http/write.h"
#include "os/time.h"
#include "unit/test.h"

#include <stdio.h>

typedef struct Row {
    const char *p;
    usize n;
    const char *expected;
} Row;
#define ROW(bytes, expected)                                                                       \
    {                                                                                              \
        "" bytes, sizeof(bytes) - 1, expected                                                      \
    }

static void expect_text(const Row *row, const char *how, const Buf *got)
{
    usize n = strlen(row->expected);
    if (!str_eq((Str){(char *)got->p, got->n}, (Str){row->expected, n}))
        test_fail(__FILE__, __LINE__, "%.*s\n%s: %.*s\nexpected: %s", (int)row->n, row->p, how,
                  (int)got->n, (const char *)got->p, row->expected);
}

static void run_rows(HttpStream s, const Row *rows, usize n)
{
    for (usize i = 0; i < n; i++) {
        for (usize cut = 0; cut <= rows[i].n; cut++) {
            Buf got = {0};
            http_transcript(s, (const u8 *)rows[i].p, rows[i].n, (HttpCut){cut, 0}, 1000, &got);
            expect_text(&rows[i], "cut in two", &got);
            buf_release(&got);
        }
        Buf got = {0};
        http_transcript(s, (const u8 *)rows[i].p, rows[i].n, (HttpCut){0, 1}, 1000, &got);
        expect_text(&rows[i], "byte by byte", &got);
        buf_release(&got);
    }
}

/* A request with one more line, or a POST with these framing fields and this body. */
#define GET(line) "GET / HTTP/1.1\r\nHost: h\r\n" line "\r\n\r\n"
#define POST(fields, body) "POST / HTTP/1.1\r\nHost: h\r\n" fields "\r\n\r\n" body
#define CHUNKED "Transfer-Encoding: chunked"
#define FAULT(text) "fault: " text "\n"

TEST(http_codec_requests)
{
    static const Row rows[] = {
        ROW("GET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET / 1 h Host=h\nbody:\nkeep\n"),
        ROW("\r\nGET /a?b=c HTTP/1.1\r\nhost:h:80\r\n\r\n",
            "GET /a?b=c 1 h:80 host=h:80\nbody:\nkeep\n"),
        ROW("GET / HTTP/1.0\r\n\r\n", "GET / 0 \nbody:\nclose\n"),
        ROW("GET / HTTP/1.0\r\nConnection: foo , Keep-Alive\r\n\r\n",
            "GET / 0  Connection=foo , Keep-Alive\nbody:\nkeep\n"),
        ROW(GET("Connection: close"), "GET / 1 h Host=h Connection=close\nbody:\nclose\n"),
        ROW(GET("Connection: keep-alive, Close"),
            "GET / 1 h Host=h Connection=keep-alive, Close\nbody:\nclose\n"),
        ROW(GET("A:\r\nB: \t \r\nC:  x y \t"), "GET / 1 h Host=h A= B= C=x y\nbody:\nkeep\n"),
        ROW(GET("A: \xc3\xa9\xff\r\na: 2"), "GET / 1 h Host=h A=\xc3\xa9\xff a=2\nbody:\nkeep\n"),
        ROW("BREW /pot HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
            "BREW /pot 1 [::1]:80 Host=[::1]:80\nbody:\nkeep\n"),
        /* What the target says counts, RFC 9112 3.2.2. */
        ROW("GET http://H:1?q HTTP/1.1\r\nHost: h:1\r\n\r\n",
            "GET http://H:1?q 1 H:1 Host=h:1\nbody:\nkeep\n"),
        ROW("GET http://a:80/ HTTP/1.1\r\nHost: b\r\n\r\n",
            "GET http://a:80/ 1 a:80 Host=b\nbody:\nkeep\n"),
        ROW("CONNECT a:1 HTTP/1.1\r\nHost: a:2\r\n\r\n",
            "CONNECT a:1 1 a:1 Host=a:2\nbody:\nkeep\n"),
        ROW("GET /\xc3\xa9?\xf0\x9f\x98\x80=\xe2\x82\xac HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET /\xc3\xa9?\xf0\x9f\x98\x80=\xe2\x82\xac 1 h Host=h\nbody:\nkeep\n"),
        ROW("GET http://h/\xc3\xa9 HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET http://h/\xc3\xa9 1 h Host=h\nbody:\nkeep\n"),
        ROW("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "OPTIONS * 1 h Host=h\nbody:\nkeep\n"),
        ROW("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n",
            "CONNECT h:443 1 h:443 Host=h:443\nbody:\nkeep\n"),
        ROW(POST("Content-Length: 5", "hello"),
            "POST / 1 h Host=h Content-Length=5\nbody:hello\nkeep\n"),
        ROW(POST("Content-Length: 0", "GET / HTTP/1.0\r\n\r\n"),
            "POST / 1 h Host=h Content-Length=0\nbody:\nkeep\nGET / 0 \nbody:\nclose\n"),
        ROW(POST("Content-Length: 2", "abGET / HTTP/1.0\r\n\r\n"),
            "POST / 1 h Host=h Content-Length=2\nbody:ab\nkeep\nGET / 0 \nbody:\nclose\n"),
        ROW(POST(CHUNKED, "5\r\nhello\r\n06;a;b=c;d=\"e f\"\r\n world\r\n0\r\n\r\n"),
            "POST / 1 h Host=h Transfer-Encoding=chunked\nbody:hello world\nkeep\n"),
        ROW(POST(CHUNKED, "2;a=\"\\\"b\\\\\";c\r\nhi\r\n0\r\n\r\n"), /* quoted pairs */
            "POST / 1 h Host=h Transfer-Encoding=chunked\nbody:hi\nkeep\n"),
        ROW(POST("transfer-encoding: , Chunked ,", "A\r\n0123456789\r\n0\r\nT: v\r\nu:\r\n\r\nGET"),
            "POST / 1 h Host=h transfer-encoding=, Chunked ,\nbody:0123456789 T=v u=\nkeep\ncut\n"),
        ROW(POST("Content-Length: 5", "hell"),
            "POST / 1 h Host=h Content-Length=5\nbody:hellcut\n"),
        ROW("GET / HTTP/1.1\r\nHost", "cut\n"),
        ROW("", ""),
    };
    run_rows(HTTP_STREAM_REQUESTS, rows, ARRAY_LEN(rows));
}

TEST(http_codec_malformed_lines)
{
    static const Row rows[] = {
        ROW("GET / HTTP/1.1\nHost: h\n\n", FAULT("a line that does not end with CR LF")),
        ROW("\n", FAULT("a line that does not end with CR LF")),
        ROW("\r\n\r\nGET / HTTP/1.1\r\n", FAULT("a method that is not a token")),
        ROW(" GET / HTTP/1.1\r\n", FAULT("a method that is not a token")),
        ROW("G(T / HTTP/1.1\r\n", FAULT("a method that is not a token")),
        ROW("GET\r\n", FAULT("a method that is not a token")),
        ROW("GET /\r\n", FAULT("a malformed protocol version")),
        ROW("GET  / HTTP/1.1\r\n", FAULT("a malformed protocol version")),
        ROW("GET / HTTP/1.1 \r\n", FAULT("a malformed protocol version")),
        ROW("GET /\tHTTP/1.1\r\n", FAULT("a malformed protocol version")),
        ROW("GET / http/1.1\r\n", FAULT("a malformed protocol version")),
        ROW("GET / HTTP/1.10\r\n", FAULT("a malformed protocol version")),
        ROW("GET / HTTP/1\r\n", FAULT("a malformed protocol version")),
        ROW("GET / HTTP/0.9\r\n", FAULT("a protocol version other than 1.0 and 1.1")),
        ROW("GET / HTTP/1.2\r\n", FAULT("a protocol version other than 1.0 and 1.1")),
        ROW("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", FAULT("a protocol version other than 1.0 and 1.1")),
        ROW("GET /\x01 HTTP/1.1\r\n", FAULT("a malformed request target")),
        ROW("GET /\0 HTTP/1.1\r\n", FAULT("a malformed request target")),
        ROW("GET /\r/ HTTP/1.1\r\n", FAULT("a malformed request target")),
        ROW("GET /\xe9 HTTP/1.1\r\n", FAULT("a malformed request target")),
        ROW("GET /\xc3\xa9\xc0\x80 HTTP/1.1\r\n", FAULT("a malformed request target")),
        ROW("GET /\xc3\xa9\x7f HTTP/1.1\r\n", FAULT("a malformed request target")),
        ROW("GET /\xc3\xa9#b HTTP/1.1\r\n", FAULT("a malformed request target")),
        ROW("GET http://\xc3\xa9/ HTTP/1.1\r\n", FAULT("a malformed request target")),
        ROW("CONNECT \xc3\xa9:1 HTTP/1.1\r\n", FAULT("a malformed request target")),
        ROW("GET /a#b HTTP/1.1\r\n", FAULT("a malformed request target")),
        ROW("GET a HTTP/1.1\r\n", FAULT("a malformed request target")),
        ROW("GET * HTTP/1.1\r\n", FAULT("a malformed request target")),
        ROW("GET http:// HTTP/1.1\r\n", FAULT("a malformed request target")),
        ROW("GET ftp://h/ HTTP/1.1\r\n", FAULT("a malformed request target")),
        ROW("GET http://u@h/ HTTP/1.1\r\n", FAULT("a malformed request target")),
        ROW("CONNECT / HTTP/1.1\r\n", FAULT("a malformed request target")),
        ROW("CONNECT h HTTP/1.1\r\n", FAULT("a malformed request target")),
        ROW("GET / HTTP/1.1\r\n\r\n", FAULT("not exactly one Host field")),
        ROW(GET("Host: h"), FAULT("not exactly one Host field")),
        ROW("GET / HTTP/1.0\r\nHost: a\r\nhost: a\r\n\r\n", FAULT("not exactly one Host field")),
        ROW("GET / HTTP/1.1\r\nHost:\r\n\r\n", FAULT("a malformed Host field")),
        ROW("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", FAULT("a malformed Host field")),
        ROW("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", FAULT("a malformed Host field")),
        ROW("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", FAULT("a malformed Host field")),
        ROW("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", FAULT("a malformed Host field")),
        ROW("GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", FAULT("a malformed Host field")),
        ROW("GET / HTTP/1.1\r\nHost: a:+1\r\n\r\n", FAULT("a malformed Host field")),
        ROW("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", FAULT("a malformed Host field")),
        ROW("GET / HTTP/1.1\r\nHost: a%2\r\n\r\n", FAULT("a malformed Host field")),
        ROW(GET("A : b"), FAULT("white space between a field name and the colon")),
        ROW(GET("A\t: b"), FAULT("white space between a field name and the colon")),
        ROW(GET("A: b\r\n c"), FAULT("a field line that starts with white space")),
        ROW("GET / HTTP/1.1\r\n\tHost: h\r\n\r\n",
            FAULT("a field line that starts with white space")),
        ROW(GET("A"), FAULT("a field name that is not a token")),
        ROW(GET(": b"), FAULT("a field name that is not a token")),
        ROW(GET("A\xc3\xa9: b"), FAULT("a field name that is not a token")),
        ROW(GET("A\0: b"), FAULT("a field name that is not a token")),
        ROW(GET("A: b\0c"), FAULT("a control character in a field value")),
        ROW(GET("A: b\rc"), FAULT("a control character in a field value")),
        ROW(GET("A: b\x7f"), FAULT("a control character in a field value")),
        ROW(GET("A: 0123456789\v"), FAULT("a control character in a field value")),
        ROW(GET("A: b\nB: c"), FAULT("a line that does not end with CR LF")),
        ROW(GET("A: b\r\r\n"), FAULT("a control character in a field value")),
        ROW("GET / HTTP/1.1\r\nHost: h\r\n\n", FAULT("a line that does not end with CR LF")),
        ROW(GET("Expect: tea"), FAULT("an expectation other than 100-continue")),
        /* TLS, which sends no line: the first byte tells. */
        ROW("\x16", FAULT("a method that is not a token")),
        ROW("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\n", FAULT("a method that is not a token")),
        ROW("\r\n\x16\x03\x01", FAULT("a method that is not a token")),
    };
    run_rows(HTTP_STREAM_REQUESTS, rows, ARRAY_LEN(rows));
}

TEST(http_codec_smuggling)
{
#define LENGTH_FAULT FAULT("a Content-Length that is not one decimal number")
#define CODING_FAULT FAULT("a Transfer-Encoding that does not end with chunked, once")
    static const Row rows[] = {
        ROW(POST("Content-Length: 5\r\nContent-Length: 5", "hello"),
            FAULT("more than one Content-Length")),
        ROW(POST("Content-Length: 5\r\ncontent-length: 6", "hello"),
            FAULT("more than one Content-Length")),
        ROW(POST("Content-Length: 5, 5", "hello"), LENGTH_FAULT),
        ROW(POST("Content-Length: 5 5", "hello"), LENGTH_FAULT),
        ROW(POST("Content-Length: +5", "hello"), LENGTH_FAULT),
        ROW(POST("Content-Length: -0", ""), LENGTH_FAULT),
        ROW(POST("Content-Length: 0x5", "hello"), LENGTH_FAULT),
        ROW(POST("Content-Length:", ""), LENGTH_FAULT),
        ROW(POST("Content-Length: 18446744073709551616", ""), LENGTH_FAULT),
        ROW(POST("Content-Length:\t5", "hello"), LENGTH_FAULT),
        ROW(POST("Content-Length: 5 \t", "hello"), LENGTH_FAULT),
        ROW(POST("Content-Length: 1\x0b", "a"), FAULT("a control character in a field value")),
        ROW(POST("Content-Length: 5\r\n" CHUNKED, "0\r\n\r\n"),
            FAULT("both Content-Length and Transfer-Encoding")),
        ROW(POST(CHUNKED "\r\nContent-Length: 5", "0\r\n\r\n"),
            FAULT("both Content-Length and Transfer-Encoding")),
        ROW(POST(CHUNKED "\r\n" CHUNKED, "0\r\n\r\n"), CODING_FAULT),
        ROW(POST(CHUNKED ", chunked", "0\r\n\r\n"), CODING_FAULT),
        ROW(POST(CHUNKED ", identity", "0\r\n\r\n"), CODING_FAULT),
        ROW(POST("Transfer-Encoding: identity", ""), CODING_FAULT),
        ROW(POST("Transfer-Encoding: xchunked", ""), CODING_FAULT),
        ROW(POST("Transfer-Encoding: chunke", ""), CODING_FAULT),
        ROW(POST("Transfer-Encoding: chunked;a=b", ""), CODING_FAULT),
        ROW(POST("Transfer-Encoding: \"chunked\"", ""), CODING_FAULT),
        ROW(POST("Transfer-Encoding:", ""), CODING_FAULT),
        ROW(POST("Transfer-Encoding: \tchunked", ""), CODING_FAULT),
        ROW(POST("Transfer-Encoding: chunked\t", ""), CODING_FAULT),
        ROW(POST("Transfer-Encoding: gzip, chunked", ""),
            FAULT("a transfer coding other than chunked")),
        ROW(POST("Transfer-Encoding\0: chunked", ""), FAULT("a field name that is not a token")),
        ROW(POST("Transfer-Encoding: \0chunked", ""),
            FAULT("a control character in a field value")),
        ROW("POST / HTTP/1.0\r\n" CHUNKED "\r\n\r\n0\r\n\r\n", CODING_FAULT),
    };
    run_rows(HTTP_STREAM_REQUESTS, rows, ARRAY_LEN(rows));
}

TEST(http_codec_chunks)
{
#define HEAD "POST / 1 h Host=h Transfer-Encoding=chunked\nbody:"
#define SIZE_FAULT HEAD FAULT("a malformed or too large chunk size")
#define EXTENSION_FAULT HEAD FAULT("a malformed chunk extension, or too much of them")
#define END_FAULT HEAD "a" FAULT("a chunk that does not end with CR LF")
    static const Row rows[] = {
        ROW(POST(CHUNKED, "ffffffffffffffff\r\na"), SIZE_FAULT),
        ROW(POST(CHUNKED, "fffffffffffffffe\r\na"), SIZE_FAULT),
        ROW(POST(CHUNKED, "00000000000000001\r\na"), SIZE_FAULT),
        ROW(POST(CHUNKED, "10000000000000001\r\na"), SIZE_FAULT),
        ROW(POST(CHUNKED, "0x1\r\na"), SIZE_FAULT),
        ROW(POST(CHUNKED, "-1\r\na"), SIZE_FAULT),
        ROW(POST(CHUNKED, " 1\r\na"), SIZE_FAULT),
        ROW(POST(CHUNKED, "1 \r\na"), SIZE_FAULT),
        ROW(POST(CHUNKED, "\r\na"), SIZE_FAULT),
        ROW(POST(CHUNKED, ";a\r\na"), SIZE_FAULT),
        ROW(POST(CHUNKED, "1\na"), SIZE_FAULT),
        ROW(POST(CHUNKED, "1\ra"), SIZE_FAULT),
        ROW(POST(CHUNKED, "1\r\ra"), SIZE_FAULT),
        ROW(POST(CHUNKED, "g\r\na"), SIZE_FAULT),
        ROW(POST(CHUNKED, "1;a\nb\r\na"), EXTENSION_FAULT),
        ROW(POST(CHUNKED, "1;a\0\r\na"), EXTENSION_FAULT),
        ROW(POST(CHUNKED, "1;a=\"\r\n\r\na"), EXTENSION_FAULT),
        ROW(POST(CHUNKED, "1;a=\"\\\"\r\na"), EXTENSION_FAULT),
        ROW(POST(CHUNKED, "1;a=\"\\\r\n\"\r\na"), EXTENSION_FAULT),
        ROW(POST(CHUNKED, "1;a=\"\\\xe9\"\r\na"), EXTENSION_FAULT),
        ROW(POST(CHUNKED, "1;a=\\b\r\na"), EXTENSION_FAULT),
        ROW(POST(CHUNKED, "1;a\rb\r\na"), SIZE_FAULT),
        ROW(POST(CHUNKED, "1;(\r\na"), EXTENSION_FAULT),
        ROW(POST(CHUNKED, "1;\r\na"), EXTENSION_FAULT),
        ROW(POST(CHUNKED, "1; \r\na"), EXTENSION_FAULT),
        ROW(POST(CHUNKED, "1;=b\r\na"), EXTENSION_FAULT),
        ROW(POST(CHUNKED, "1;a=b;\r\na"), EXTENSION_FAULT),
        ROW(POST(CHUNKED, "1\r\nab"), END_FAULT),
        ROW(POST(CHUNKED, "1\r\na\n"), END_FAULT),
        ROW(POST(CHUNKED, "1\r\na\r1"), END_FAULT),
        ROW(POST(CHUNKED, "3e9\r\na"), HEAD FAULT("a body that is too large")),
        ROW(POST(CHUNKED, "0\r\n\n"), HEAD FAULT("a line that does not end with CR LF")),
        ROW(POST(CHUNKED, "0\r\nContent-Length: 5\r\n\r\n"),
            HEAD FAULT("a trailer field that may only stand in a head")),
        ROW(POST(CHUNKED, "0\r\nTransfer-Encoding: chunked\r\n\r\n"),
            HEAD FAULT("a trailer field that may only stand in a head")),
        ROW(POST(CHUNKED, "0\r\nhost: x\r\n\r\n"),
            HEAD FAULT("a trailer field that may only stand in a head")),
        ROW(POST(CHUNKED, "0\r\nA : x\r\n\r\n"),
            HEAD FAULT("white space between a field name and the colon")),
        ROW(POST(CHUNKED, "0\r\n b: x\r\n\r\n"),
            HEAD FAULT("a field line that starts with white space")),
        ROW(POST("Content-Length: 1001", ""),
            "POST / 1 h Host=h Content-Length=1001\nbody:" FAULT("a body that is too large")),
    };
    run_rows(HTTP_STREAM_REQUESTS, rows, ARRAY_LEN(rows));
}

TEST(http_codec_responses)
{
    static const Row rows[] = {
        ROW("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
            "200 1 Content-Length=2\nbody:hi\nkeep\n"),
        ROW("HTTP/1.1 200\r\nContent-Length: 2\r\nExpect: x\r\n\r\nhiHTTP/1.1 999 \r\n\r\n",
            "200 1 Content-Length=2 Expect=x\nbody:hi\nkeep\n999 1\nbody:\nclose\n"),
        ROW("HTTP/1.0 200 \xc3\xa9\tx\r\n\r\nto the end", "200 0\nbody:to the end\nclose\n"),
        ROW("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
            "200 0 Connection=keep-alive Content-Length=0\nbody:\nkeep\n"),
        ROW("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n",
            "100 1\nbody:\nkeep\n204 1 Content-Length=9\nbody:\nkeep\n"),
        ROW("HTTP/1.1 304 x\r\nTransfer-Encoding: chunked\r\n\r\n",
            "304 1 Transfer-Encoding=chunked\nbody:\nkeep\n"),
        ROW("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            "200 1 Transfer-Encoding=chunked\nbody:a\nkeep\n"),
        ROW("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
            "200 1 Transfer-Encoding=chunked\nbody:acut\n"),
        ROW("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
            FAULT("both Content-Length and Transfer-Encoding")),
        ROW("\r\nHTTP/1.1 200 OK\r\n\r\n", FAULT("a malformed status line")),
        ROW("HTTP/1.1 20 OK\r\n\r\n", FAULT("a malformed status line")),
        ROW("HTTP/1.1 099 OK\r\n\r\n", FAULT("a malformed status line")),
        ROW("HTTP/1.1 2000\r\n\r\n", FAULT("a malformed status line")),
        ROW("HTTP/1.1  200\r\n\r\n", FAULT("a malformed status line")),
        ROW("HTTP/1.1 200 a\rb\r\n\r\n", FAULT("a malformed status line")),
        ROW("HTTP/2.0 200 OK\r\n\r\n", FAULT("a protocol version other than 1.0 and 1.1")),
        ROW("HTTQ/1.1 200 OK\r\n\r\n", FAULT("a malformed protocol version")),
    };
    static const Row to_head[] = {
        ROW("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
            "200 1 Content-Length=5\nbody:\nkeep\n200 1\nbody:\nkeep\n"),
    };
    run_rows(HTTP_STREAM_RESPONSES, rows, ARRAY_LEN(rows));
    run_rows(HTTP_STREAM_HEAD_RESPONSES, to_head, ARRAY_LEN(to_head));
}

/* ---- limits ---- */

static HttpFault fault_of(const Buf *in)
{
    static HttpHead h;
    http_head_start(&h);
    HttpStep step = http_request_parse(&h, in->p, in->n);
    return step == HTTP_FAIL ? h.fault : HTTP_FAULT_NONE;
}

static void repeat(Buf *b, const char *text, usize n)
{
    for (usize i = 0; i < n; i++)
        buf_str(b, str_of(text));
}

TEST(http_codec_limits)
{
    Buf b = {0};
    buf_str(&b, STR("GET /"));
    repeat(&b, "a", HTTP_MAX_LINE - 16);
    EXPECT_EQ(fault_of(&b), HTTP_FAULT_NONE);
    buf_str(&b, STR(" HTTP/1.1\r\n"));
    EXPECT_EQ(b.n, HTTP_MAX_LINE);
    EXPECT_EQ(fault_of(&b), HTTP_FAULT_NONE);
    b.n -= 11;
    buf_str(&b, STR("a HTTP/1.1\r\n"));
    EXPECT_EQ(fault_of(&b), HTTP_FAULT_LINE_TOO_LONG);
    EXPECT_EQ(http_fault_status(HTTP_FAULT_LINE_TOO_LONG), 414);

    b.n = 0;
    buf_str(&b, STR("GET / HTTP/1.1\r\nHost: h\r\n"));
    repeat(&b, "A: b\r\n", HTTP_MAX_FIELDS - 1);
    EXPECT_EQ(fault_of(&b), HTTP_FAULT_NONE);
    repeat(&b, "A: b\r\n", 1);
    EXPECT_EQ(fault_of(&b), HTTP_FAULT_TOO_MANY_FIELDS);
    EXPECT_EQ(http_fault_status(HTTP_FAULT_TOO_MANY_FIELDS), 431);

    b.n = 0;
    buf_str(&b, STR("GET / HTTP/1.1\r\nHost: h\r\nA: "));
    repeat(&b, "a", HTTP_MAX_HEAD - b.n - 4);
    buf_str(&b, STR("\r\n\r\n"));
    EXPECT_EQ(fault_of(&b), HTTP_FAULT_NONE);
    b.n -= 4;
    buf_str(&b, STR("a\r\n\r\n"));
    EXPECT_EQ(fault_of(&b), HTTP_FAULT_HEAD_TOO_LARGE);

    b.n = 0;
    repeat(&b, "A", HTTP_MAX_METHOD + 1);
    buf_str(&b, STR(" / HTTP/1.1\r\n"));
    EXPECT_EQ(fault_of(&b), HTTP_FAULT_METHOD_TOO_LONG);
    EXPECT_EQ(http_fault_status(HTTP_FAULT_METHOD_TOO_LONG), 501);
    buf_release(&b);
}

/* Extensions are counted over the whole body; trailers are bounded on their own. */
TEST(http_codec_chunk_limits)
{
    static const char ending[] = "fault: a malformed chunk extension, or too much of them\n";
    Buf b = {0}, out = {0};
    buf_str(&b, STR(POST(CHUNKED, "")));
    repeat(&b, "1;abcdefghijklmnop\r\na\r\n", HTTP_MAX_EXTENSIONS / 17 + 2);
    http_transcript(HTTP_STREAM_REQUESTS, b.p, b.n, (HttpCut){b.n, 0}, UINT64_MAX, &out);
    EXPECT(out.n > sizeof ending);
    EXPECT(memcmp(out.p + out.n - sizeof ending + 1, ending, sizeof ending - 1) == 0);
    b.n = out.n = 0;
    buf_str(&b, STR(POST(CHUNKED, "0\r\nA: ")));
    repeat(&b, "a", HTTP_MAX_TRAILERS);
    http_transcript(HTTP_STREAM_REQUESTS, b.p, b.n, (HttpCut){b.n, 0}, UINT64_MAX, &out);
    buf_u8(&out, 0);
    EXPECT(strstr((char *)out.p, "fault: trailer fields that are too large"));
    buf_release(&b);
    buf_release(&out);
}

/* ---- the writer ---- */

static const char *response(const HttpWriteContext *c, HttpResponseHead h)
{
    static u8 out[1024];
    usize n = http_write_response(out, c, &h);
    EXPECT(n <= http_head_bound(h.fields, h.n_fields, 0) && n < sizeof out);
    out[n] = 0;
    return (const char *)out;
}

TEST(http_codec_writes_responses)
{
    static const HttpPair pairs[] = {{{"a", 1}, {"b", 1}}}, dated[] = {{{"Date", 4}, {"x", 1}}};
    HttpDate date;
    http_date_set(&date, 784111777);
    HttpWriteContext c = {.method = HTTP_METHOD_GET, .minor = 1, .date = &date};
    EXPECT_STR(response(&c, (HttpResponseHead){200, pairs, 1, 5}),
               "HTTP/1.1 200 OK\r\na: b\r\ncontent-length: 5\r\n"
               "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n");
    EXPECT_STR(response(&c, (HttpResponseHead){200, dated, 1, -1}),
               "HTTP/1.1 200 OK\r\nDate: x\r\ntransfer-encoding: chunked\r\n\r\n");
    EXPECT_STR(response(&c, (HttpResponseHead){100, NULL, 0, -1}), "HTTP/1.1 100 Continue\r\n\r\n");
    c.date = NULL;
    EXPECT_STR(response(&c, (HttpResponseHead){204, NULL, 0, 0}),
               "HTTP/1.1 204 No Content\r\n\r\n");
    EXPECT_STR(response(&c, (HttpResponseHead){304, NULL, 0, 7}),
               "HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n");
    EXPECT_STR(response(&c, (HttpResponseHead){299, NULL, 0, 0}),
               "HTTP/1.1 299 \r\ncontent-length: 0\r\n\r\n");
    c.method = HTTP_METHOD_HEAD;
    EXPECT_STR(response(&c, (HttpResponseHead){200, NULL, 0, 9}),
               "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n");
    EXPECT_STR(response(&c, (HttpResponseHead){200, NULL, 0, -1}), "HTTP/1.1 200 OK\r\n\r\n");
    c = (HttpWriteContext){.method = HTTP_METHOD_GET, .minor = 0};
    EXPECT_STR(response(&c, (HttpResponseHead){200, NULL, 0, 2}),
               "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\n");
    c.close = true;
    EXPECT_STR(response(&c, (HttpResponseHead){404, NULL, 0, -1}),
               "HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n");
}

TEST(http_codec_writes_chunks_and_requests)
{
    static const u64 sizes[] = {1, 15, 16, 255, 256, 0xabcdef, UINT64_MAX};
    static const HttpPair trailer[] = {{{"T", 1}, {"v", 1}}};
    u8 out[1024];
    char expected[64];
    for (u32 i = 0; i < ARRAY_LEN(sizes); i++) {
        out[http_chunk_head(out, sizes[i])] = 0;
        snprintf(expected, sizeof expected, "%llx\r\n", (unsigned long long)sizes[i]);
        EXPECT_STR((char *)out, expected);
    }
    out[http_chunk_last(out, NULL, 0)] = 0;
    EXPECT_STR((char *)out, "0\r\n\r\n");
    out[http_chunk_last(out, trailer, 1)] = 0;
    EXPECT_STR((char *)out, "0\r\nT: v\r\n\r\n");
    HttpRequestLine r = {STR("PUT"), STR("/x?y"), STR("h:1"), trailer, 1, 3, true};
    out[http_write_request(out, &r)] = 0;
    EXPECT_STR((char *)out, "PUT /x?y HTTP/1.1\r\nhost: h:1\r\nT: v\r\ncontent-length: 3\r\n\r\n");
    r.length = HTTP_LENGTH_UNKNOWN;
    out[http_write_request(out, &r)] = 0;
    EXPECT(strstr((char *)out, "\r\ntransfer-encoding: chunked\r\n\r\n"));
}

TEST(http_codec_refuses_fields_that_split)
{
    static const HttpPair bad[] = {
        {{"a b", 3}, {"", 0}},
        {{"", 0}, {"", 0}},
        {{"a\r\nb", 4}, {"", 0}},
        {{"a:", 2}, {"", 0}},
        {{"a", 1}, {"b\r\nc", 4}},
        {{"a", 1}, {"b\n", 2}},
        {{"a", 1}, {"\0", 1}},
        {{"Host", 4}, {"h", 1}},
        {{"Content-Length", 14}, {"5", 1}},
        {{"upgrade", 7}, {"", 0}},
        {{"Connection", 10}, {"", 0}},
        {{"Transfer-encoding", 17}, {"chunked", 7}},
    };
    static const HttpPair good[] = {{{"te", 2}, {"trailers", 8}}};
    u32 at;
    for (u32 i = 0; i < ARRAY_LEN(bad); i++)
        EXPECT(http_pairs_check(&bad[i], 1, false, &at) && at == 0);
    EXPECT(!http_pairs_check(good, 1, false, &at));
    EXPECT(http_pairs_check(good, 1, true, &at));
}

TEST(http_codec_authorities)
{
    static const struct {
        const char *text, *host;
        i32 port;
    } rows[] = {
        {"a", "a", -1},         {"a:", "a", -1},
        {"a:0", "a", 0},        {"a:65535", "a", 65535},
        {"[::1]", "::1", -1},   {"[fe80::1.2.3.4]:8", "fe80::1.2.3.4", 8},
        {"a%20b", "a%20b", -1}, {"1.2.3.4:5", "1.2.3.4", 5},
    };
    static const char *const bad[] = {"",    ":80",  "a:b",    "a:99999", "a:1:2",
                                      "[]",  "[1]",  "[::1]a", "[::g]",   "a@b",
                                      "a/b", "a%2g", "a b",    "a:000080"};
    Str host;
    i32 port;
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        EXPECT(http_authority_split(str_of(rows[i].text), &host, &port));
        EXPECT(str_eq(host, str_of(rows[i].host)));
        EXPECT_EQ(port, rows[i].port);
    }
    for (u32 i = 0; i < ARRAY_LEN(bad); i++)
        if (http_authority_split(str_of(bad[i]), &host, &port))
            test_fail(__FILE__, __LINE__, "%s is an authority", bad[i]);
}

/* A bound far above what it takes (some 60 ns), so that only another order of magnitude fails. */
TEST(http_codec_is_fast)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: localhost:8080\r\n\r\n";
    static HttpHead h;
    enum { ROUNDS = 100000 };
    u64 start = os_monotonic_ns();
    for (u32 i = 0; i < ROUNDS; i++) {
        http_head_start(&h);
        EXPECT_EQ(http_request_parse(&h, (const u8 *)text, sizeof text - 1), HTTP_DONE);
    }
    u64 ns = (os_monotonic_ns() - start) / ROUNDS;
    printf("%llu ns a request\n", (unsigned long long)ns);
    EXPECT(ns < 5000);
}
