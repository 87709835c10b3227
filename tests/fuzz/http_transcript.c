/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The transcript of an HTTP stream. The bytes that the codec may look at are copied to a place of
 * exactly their size, so that the sanitizer sees a read beyond them.
 */
#include "fuzz/http_transcript.h"

#include "fuzz/targets.h"
#include "http/body.h"

#include <stdlib.h>

typedef struct Reader {
    HttpStream stream;
    const u8 *all;
    usize size, arrived; /* of the stream; how much of it the codec may see */
    usize at;            /* done with */
    HttpCut cut;
    u8 *copy;
    Buf *out;
    bool failed; /* at a fault */
} Reader;

static bool arrive(Reader *r)
{
    if (r->arrived == r->size)
        return false;
    r->arrived = r->arrived < r->cut.first ? r->cut.first
                 : r->cut.piece            ? r->arrived + r->cut.piece
                                           : r->size;
    r->arrived = MIN(r->arrived, r->size);
    return true;
}

static const u8 *view(Reader *r, usize *ret_n)
{
    *ret_n = r->arrived - r->at;
    free(r->copy);
    r->copy = malloc(*ret_n ? *ret_n : 1);
    ALWAYS(r->copy);
    if (*ret_n)
        memcpy(r->copy, r->all + r->at, *ret_n);
    return r->copy;
}

static void write_fields(Buf *out, const HttpFields *f, const u8 *p, usize n)
{
    for (u32 i = 0; i < f->n; i++) {
        const HttpField *x = &f->f[i];
        if ((u64)x->name + x->name_n > n || (u64)x->value + x->value_n > n)
            fuzz_finding("a field outside of its message");
        buf_u8(out, ' ');
        buf_str(out, http_field_name(x, p));
        buf_u8(out, '=');
        buf_str(out, http_field_value(x, p));
    }
}

static void write_head(Reader *r, const HttpHead *h, const u8 *p, usize n)
{
    if (r->stream == HTTP_STREAM_REQUESTS) {
        buf_str(r->out, http_span_str(h->method_text, p));
        buf_u8(r->out, ' ');
        buf_str(r->out, http_span_str(h->target, p));
        buf_printf(r->out, " %u ", h->minor);
        buf_str(r->out, http_span_str(h->authority, p));
    } else {
        buf_printf(r->out, "%u %u", h->status, h->minor);
    }
    write_fields(r->out, &h->fields, p, n);
    buf_u8(r->out, '\n');
}

static HttpStep parse(Reader *r, HttpHead *h, const u8 *p, usize n)
{
    if (r->stream == HTTP_STREAM_REQUESTS)
        return http_request_parse(h, p, n);
    HttpMethod m = r->stream == HTTP_STREAM_HEAD_RESPONSES ? HTTP_METHOD_HEAD : HTTP_METHOD_GET;
    return http_response_parse(h, m, p, n);
}

static bool end(Reader *r, HttpFault f)
{
    r->failed = f != HTTP_FAULT_NONE;
    if (f)
        buf_printf(r->out, "fault: %s\n", http_fault_text(f));
    else
        buf_printf(r->out, "cut\n");
    return false;
}

static bool read_body(Reader *r, const HttpHead *h, u64 limit)
{
    static HttpFields trailers;
    HttpBody b;
    http_body_start(&b, h, limit, &trailers);
    buf_printf(r->out, "body:");
    for (u64 total = 0;;) {
        usize n, used;
        Str data;
        const u8 *p = view(r, &n);
        HttpStep step = http_body_decode(&b, p, n, &used, &data);
        if (used > n || data.n > used)
            fuzz_finding("more used than there is");
        buf_str(r->out, data);
        total += data.n;
        if (total != b.total || total > limit)
            fuzz_finding("a wrong number of bytes, or more than the limit");
        r->at += used;
        if (step == HTTP_FAIL)
            return end(r, b.fault);
        if (step == HTTP_DONE) {
            write_fields(r->out, &trailers, p, used);
            break;
        }
        if (used == 0 && !arrive(r)) {
            if (http_body_eof(&b) != HTTP_DONE)
                return end(r, HTTP_FAULT_NONE);
            break;
        }
    }
    buf_printf(r->out, h->keep_alive ? "\nkeep\n" : "\nclose\n");
    return h->keep_alive;
}

static bool read_message(Reader *r, u64 limit)
{
    static HttpHead h;
    http_head_start(&h);
    for (;;) {
        usize n;
        const u8 *p = view(r, &n);
        HttpStep step = parse(r, &h, p, n);
        if (step == HTTP_FAIL)
            return end(r, h.fault);
        if (step == HTTP_DONE) {
            if (h.size == 0 || h.size > n || h.size > HTTP_MAX_HEAD)
                fuzz_finding("a head of a wrong size");
            write_head(r, &h, p, n);
            r->at += h.size;
            return read_body(r, &h, limit);
        }
        if (!arrive(r))
            return n ? end(r, HTTP_FAULT_NONE) : false;
    }
}

bool http_transcript(HttpStream stream, const u8 *p, usize n, HttpCut cut, u64 limit, Buf *out)
{
    Reader r = {.stream = stream, .all = p, .size = n, .cut = cut, .out = out};
    while (read_message(&r, limit))
        ;
    free(r.copy);
    return !r.failed;
}
