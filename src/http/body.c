/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The body decoder: a state per byte of chunk framing, slices of data. */
#include "http/body.h"
#include "http/chars_priv.h"

void http_body_start(HttpBody *b, const HttpHead *h, u64 limit, HttpFields *trailers)
{
    *b = (HttpBody){.framing = h->framing, .limit = limit, .trailers = trailers};
    http_fields_start(trailers, 0);
    if (h->framing == HTTP_BODY_LENGTH) {
        b->left = h->length;
        if (h->length > limit)
            b->fault = HTTP_FAULT_BODY_TOO_LARGE;
    }
    b->ended = b->framing == HTTP_BODY_NONE || (b->framing == HTTP_BODY_LENGTH && b->left == 0);
}

static HttpStep fail(HttpBody *b, HttpFault f)
{
    b->fault = f;
    return HTTP_FAIL;
}

/* A piece of the body, at most `left` bytes of it. */
static HttpStep take_data(HttpBody *b, const u8 *p, usize n, usize *ret_used, Str *ret_data)
{
    usize take = (usize)MIN(n, b->left);
    b->total += take;
    b->left -= take;
    *ret_used += take;
    *ret_data = (Str){(const char *)p, take};
    return HTTP_MORE;
}

static i32 hex_digit(u8 c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * Text of an extension, which has a name; quotes hide nothing but ';', '=' and what a backslash
 * escapes, a control character ends it all.
 */
static HttpFault extension_char(HttpBody *b, u8 c)
{
    bool ends_name = c == '\r' || c == ';' || c == '=' || c == '"';
    if (++b->extensions > HTTP_MAX_EXTENSIONS || (ends_name && b->unnamed))
        return HTTP_FAULT_CHUNK_EXTENSION;
    if (b->chunk == HTTP_CHUNK_ESCAPED) {
        b->chunk = HTTP_CHUNK_QUOTED;
        return http_value_char(c) && c < 0x80 ? HTTP_FAULT_NONE : HTTP_FAULT_CHUNK_EXTENSION;
    }
    if (b->chunk == HTTP_CHUNK_EXTENSION && c != ' ' && c != '\t')
        b->unnamed = c == ';';
    if (c == '\r' && b->chunk == HTTP_CHUNK_EXTENSION) {
        b->chunk = HTTP_CHUNK_SIZE_LF;
        return HTTP_FAULT_NONE;
    }
    if (c == '"')
        b->chunk = b->chunk == HTTP_CHUNK_QUOTED ? HTTP_CHUNK_EXTENSION : HTTP_CHUNK_QUOTED;
    else if (c == '\\' && b->chunk == HTTP_CHUNK_QUOTED)
        b->chunk = HTTP_CHUNK_ESCAPED;
    else if (!http_value_char(c) || c >= 0x80)
        return HTTP_FAULT_CHUNK_EXTENSION;
    else if (b->chunk == HTTP_CHUNK_EXTENSION && !(http_chars[c] & HTTP_CHAR_TOKEN) && c != ';' &&
             c != '=' && c != ' ' && c != '\t')
        return HTTP_FAULT_CHUNK_EXTENSION;
    return HTTP_FAULT_NONE;
}

static HttpFault size_char(HttpBody *b, u8 c)
{
    i32 digit = hex_digit(c);
    if (digit >= 0) {
        b->chunk = HTTP_CHUNK_SIZE;
        b->left = b->left << 4 | (u32)digit;
        return ++b->digits > 16 ? HTTP_FAULT_CHUNK_SIZE : HTTP_FAULT_NONE;
    }
    if (b->digits == 0)
        return HTTP_FAULT_CHUNK_SIZE;
    if (c == '\r')
        b->chunk = HTTP_CHUNK_SIZE_LF;
    else if (c == ';')
        b->chunk = HTTP_CHUNK_EXTENSION;
    else
        return HTTP_FAULT_CHUNK_SIZE;
    b->unnamed = c == ';';
    return HTTP_FAULT_NONE;
}

/* The size line is over. */
static HttpFault chunk_begins(HttpBody *b)
{
    u64 total;
    b->digits = 0;
    b->chunk = b->left ? HTTP_CHUNK_DATA : HTTP_CHUNK_TRAILERS;
    if (b->left > INT64_MAX || __builtin_add_overflow(b->total, b->left, &total))
        return HTTP_FAULT_CHUNK_SIZE;
    return total > b->limit ? HTTP_FAULT_BODY_TOO_LARGE : HTTP_FAULT_NONE;
}

static HttpFault framing_char(HttpBody *b, u8 c)
{
    switch (b->chunk) {
    case HTTP_CHUNK_FIRST:
    case HTTP_CHUNK_SIZE:
        return size_char(b, c);
    case HTTP_CHUNK_EXTENSION:
    case HTTP_CHUNK_QUOTED:
    case HTTP_CHUNK_ESCAPED:
        return extension_char(b, c);
    case HTTP_CHUNK_SIZE_LF:
        return c == '\n' ? chunk_begins(b) : HTTP_FAULT_CHUNK_SIZE;
    case HTTP_CHUNK_CR:
        b->chunk = HTTP_CHUNK_LF;
        return c == '\r' ? HTTP_FAULT_NONE : HTTP_FAULT_CHUNK_END;
    case HTTP_CHUNK_LF:
        b->chunk = HTTP_CHUNK_FIRST;
        return c == '\n' ? HTTP_FAULT_NONE : HTTP_FAULT_CHUNK_END;
    case HTTP_CHUNK_DATA:
    case HTTP_CHUNK_TRAILERS:
        break;
    }
    BUG("a chunk's data taken for framing");
}

static HttpStep take_trailers(HttpBody *b, const u8 *p, usize n, usize *ret_used)
{
    HttpStep step = http_fields_parse(b->trailers, p, n, HTTP_MAX_TRAILERS, &b->fault);
    if (b->fault == HTTP_FAULT_HEAD_TOO_LARGE)
        b->fault = HTTP_FAULT_TRAILERS_TOO_LARGE;
    if (step != HTTP_DONE)
        return step;
    for (u32 i = 0; i < b->trailers->n; i++)
        if (http_name_not_in_trailer((HttpName)b->trailers->f[i].id))
            return fail(b, HTTP_FAULT_TRAILER);
    *ret_used = b->trailers->line;
    b->ended = true;
    return HTTP_DONE;
}

static HttpStep decode_chunked(HttpBody *b, const u8 *p, usize n, usize *ret_used, Str *ret_data)
{
    usize i = 0;
    if (b->chunk == HTTP_CHUNK_TRAILERS)
        return take_trailers(b, p, n, ret_used);
    for (; i < n && b->chunk != HTTP_CHUNK_TRAILERS; i++) {
        if (b->chunk == HTTP_CHUNK_DATA) {
            *ret_used = i;
            HttpStep step = take_data(b, p + i, n - i, ret_used, ret_data);
            if (b->left == 0)
                b->chunk = HTTP_CHUNK_CR;
            return step;
        }
        HttpFault fault = framing_char(b, p[i]);
        if (fault)
            return fail(b, fault);
    }
    *ret_used = i;
    return HTTP_MORE;
}

HttpStep http_body_decode(HttpBody *b, const u8 *p, usize n, usize *ret_used, Str *ret_data)
{
    *ret_used = 0;
    *ret_data = (Str){0};
    if (b->fault)
        return HTTP_FAIL;
    if (b->ended)
        return HTTP_DONE;
    switch (b->framing) {
    case HTTP_BODY_NONE:
        break;
    case HTTP_BODY_LENGTH:
        take_data(b, p, n, ret_used, ret_data);
        b->ended = b->left == 0;
        return HTTP_MORE;
    case HTTP_BODY_CHUNKED:
        return decode_chunked(b, p, n, ret_used, ret_data);
    case HTTP_BODY_CLOSE:
        b->left = b->limit - b->total;
        if (n > 0 && b->left == 0)
            return fail(b, HTTP_FAULT_BODY_TOO_LARGE);
        return take_data(b, p, n, ret_used, ret_data);
    }
    return HTTP_DONE;
}

HttpStep http_body_eof(HttpBody *b)
{
    if (b->fault)
        return HTTP_FAIL;
    if (b->ended || b->framing == HTTP_BODY_CLOSE) {
        b->ended = true;
        return HTTP_DONE;
    }
    return fail(b, HTTP_FAULT_TRUNCATED);
}
