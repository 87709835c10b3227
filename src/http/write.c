/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The writer of heads and chunk framing. */
#include "http/write.h"

#include <stdio.h>
#include <time.h>

void http_date_set(HttpDate *d, u64 unix_seconds)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t t = (time_t)unix_seconds;
    struct tm tm = {0};
    gmtime_r(&t, &tm);
    int n = snprintf(d->text, sizeof d->text, "date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n",
                     days + tm.tm_wday * 3, tm.tm_mday, months + tm.tm_mon * 3, tm.tm_year + 1900,
                     tm.tm_hour, tm.tm_min, tm.tm_sec);
    d->n = (u8)MIN(n, (int)sizeof d->text - 1);
}

const char *http_pairs_check(const HttpPair *fields, u32 n, bool trailers, u32 *ret_index)
{
    for (u32 i = 0; i < n; i++) {
        *ret_index = i;
        if (!http_token_valid(fields[i].name))
            return "its name is not a token";
        if (!http_value_valid(fields[i].value))
            return "its value has a control character";
        HttpName id = http_name_find(fields[i].name);
        if (http_name_is_framing(id))
            return "it is a field of the connection";
        if (trailers && http_name_not_in_trailer(id))
            return "it may not stand in trailers";
    }
    return NULL;
}

static bool has_no_body(const HttpWriteContext *c, u16 status)
{
    return c->method == HTTP_METHOD_HEAD || status < 200 || status == 204 || status == 304;
}

HttpFraming http_response_framing(const HttpWriteContext *c, const HttpResponseHead *h)
{
    if (has_no_body(c, h->status))
        return HTTP_BODY_NONE;
    if (h->length >= 0)
        return HTTP_BODY_LENGTH;
    return c->minor > 0 ? HTTP_BODY_CHUNKED : HTTP_BODY_CLOSE;
}

usize http_head_bound(const HttpPair *fields, u32 n, usize texts)
{
    usize size = texts + 256; /* first line, date, length or coding, connection, ends */
    for (u32 i = 0; i < n; i++)
        size += fields[i].name.n + fields[i].value.n + 4;
    return size;
}

static u8 *put(u8 *p, Str s)
{
    if (s.n)
        memcpy(p, s.p, s.n);
    return p + s.n;
}
#define PUT(p, lit) ((u8 *)memcpy((p), "" lit, sizeof(lit) - 1) + sizeof(lit) - 1)

static u8 *put_decimal(u8 *p, u64 v)
{
    u8 digits[20];
    u32 n = 0;
    do
        digits[n++] = (u8)('0' + v % 10);
    while (v /= 10);
    while (n > 0)
        *p++ = digits[--n];
    return p;
}

static u8 *put_pairs(u8 *p, const HttpPair *fields, u32 n)
{
    for (u32 i = 0; i < n; i++) {
        p = put(p, fields[i].name);
        p = PUT(p, ": ");
        p = put(p, fields[i].value);
        p = PUT(p, "\r\n");
    }
    return p;
}

static u8 *put_status_line(u8 *p, u16 status)
{
    if (LIKELY(status == 200))
        return PUT(p, "HTTP/1.1 200 OK\r\n");
    p = put_decimal(PUT(p, "HTTP/1.1 "), status);
    *p++ = ' ';
    return PUT(put(p, http_reason(status)), "\r\n");
}

static bool has_date(const HttpResponseHead *h)
{
    for (u32 i = 0; i < h->n_fields; i++)
        if (h->fields[i].name.n == 4 && http_same_text(h->fields[i].name, STR("date")))
            return true;
    return false;
}

/* HEAD and 304 may tell the length that a GET would have; 1xx and 204 must not. */
static u8 *put_framing(u8 *p, const HttpWriteContext *c, const HttpResponseHead *h)
{
    HttpFraming framing = http_response_framing(c, h);
    bool told = framing == HTTP_BODY_NONE && h->length >= 0 && h->status >= 200 && h->status != 204;
    if (framing == HTTP_BODY_LENGTH || told) {
        p = put_decimal(PUT(p, "content-length: "), (u64)h->length);
        p = PUT(p, "\r\n");
    }
    if (framing == HTTP_BODY_CHUNKED)
        p = PUT(p, "transfer-encoding: chunked\r\n");
    return p;
}

usize http_write_response(u8 *p, const HttpWriteContext *c, const HttpResponseHead *h)
{
    u8 *start = p;
    p = put_pairs(put_status_line(p, h->status), h->fields, h->n_fields);
    p = put_framing(p, c, h);
    if (h->status >= 200) {
        if (c->close)
            p = PUT(p, "connection: close\r\n");
        else if (c->minor == 0)
            p = PUT(p, "connection: keep-alive\r\n");
        if (c->date && !has_date(h))
            p = put(p, (Str){c->date->text, c->date->n});
    }
    return (usize)(PUT(p, "\r\n") - start);
}

usize http_write_request(u8 *p, const HttpRequestLine *r)
{
    u8 *start = p;
    p = put(p, r->method);
    *p++ = ' ';
    p = PUT(put(p, r->target), " HTTP/1.1\r\nhost: ");
    p = PUT(put(p, r->authority), "\r\n");
    p = put_pairs(p, r->fields, r->n_fields);
    if (r->body && r->length >= 0)
        p = PUT(put_decimal(PUT(p, "content-length: "), (u64)r->length), "\r\n");
    else if (r->body)
        p = PUT(p, "transfer-encoding: chunked\r\n");
    return (usize)(PUT(p, "\r\n") - start);
}

usize http_chunk_head(u8 *p, u64 n)
{
    u32 digits = (u32)(67 - __builtin_clzll(n | 1)) / 4;
    for (u32 i = digits; i-- > 0; n >>= 4)
        p[i] = (u8) "0123456789abcdef"[n & 15];
    memcpy(p + digits, "\r\n", 2);
    return digits + 2;
}

usize http_chunk_last(u8 *p, const HttpPair *trailers, u32 n)
{
    u8 *start = p;
    p = put_pairs(PUT(p, "0\r\n"), trailers, n);
    return (usize)(PUT(p, "\r\n") - start);
}
