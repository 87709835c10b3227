/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Heads of HTTP/1 messages (RFC 9112 2 to 6): bytes in, spans of the same bytes out. Nothing is
 * allocated; a head lives in its caller's memory (some 2 KiB).
 *
 * The bytes of a message lie at one place, from its first byte on; each call gets all that have
 * arrived so far (the place may move between calls), and work is linear in their number. Where the
 * input is cut makes no difference to the result. The parsers are strict: what two readers might
 * understand differently is a fault, and the connection is of no more use after one.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "http/http.h"

/* Bytes of the message, counted from its first. */
typedef struct HttpSpan {
    u32 at, n;
} HttpSpan;

typedef struct HttpField {
    u32 name, value; /* where they start; the value without outer white space */
    u32 value_n;
    u16 name_n;
    u8 id; /* HttpName */
} HttpField;

/* Field lines up to an empty line: of a head, or a trailer section. */
typedef struct HttpFields {
    u32 line;    /* where the line starts that is next */
    u32 scanned; /* no line end before this */
    u32 n;
    HttpField f[HTTP_MAX_FIELDS];
} HttpFields;

typedef enum HttpTarget {
    HTTP_TARGET_ORIGIN,    /* "/path?query" */
    HTTP_TARGET_ABSOLUTE,  /* "http://authority/path" */
    HTTP_TARGET_AUTHORITY, /* "host:port", of CONNECT */
    HTTP_TARGET_ASTERISK,  /* "*", of OPTIONS */
} HttpTarget;

typedef enum HttpFraming {
    HTTP_BODY_NONE,
    HTTP_BODY_LENGTH,
    HTTP_BODY_CHUNKED,
    HTTP_BODY_CLOSE, /* responses: to the end of the connection */
} HttpFraming;

typedef enum HttpStep {
    HTTP_MORE, /* all of the input is understood, more must come */
    HTTP_DONE,
    HTTP_FAIL, /* `fault` says why */
} HttpStep;

typedef struct HttpHead {
    HttpFault fault;
    u32 size; /* bytes of the head, when it is done */
    bool has_line, skipped_line;
    u8 minor; /* of HTTP/1.x: 0 or 1 */

    /* Requests. */
    HttpMethod method;
    HttpTarget form;
    HttpSpan method_text, target;
    HttpSpan scheme;    /* empty unless the target is absolute */
    HttpSpan authority; /* of the target, otherwise of Host; empty if there is neither */
    HttpSpan path;      /* with the query; empty for "http://host" and CONNECT */
    bool expect_continue;

    /* Responses. */
    u16 status; /* 100 to 999 */
    HttpSpan reason;

    /* Both. */
    bool keep_alive; /* the connection may carry another message after this one */
    bool has_length; /* a Content-Length was there, though there may be no body */
    HttpFraming framing;
    u64 length; /* of the body, or what Content-Length says */
    HttpFields fields;
} HttpHead;

/* Before the first byte of a message. */
void http_head_start(HttpHead *h);
HttpStep http_request_parse(HttpHead *h, const u8 *p, usize n);
/*
 * `request` is the method that this answers: it decides with the status whether there is a body.
 * Responses of status 1xx are messages of their own: skip `size` bytes and start anew.
 */
HttpStep http_response_parse(HttpHead *h, HttpMethod request, const u8 *p, usize n);

static inline Str http_span_str(HttpSpan s, const u8 *p)
{
    return (Str){(const char *)p + s.at, s.n};
}
static inline Str http_field_name(const HttpField *f, const u8 *p)
{
    return (Str){(const char *)p + f->name, f->name_n};
}
static inline Str http_field_value(const HttpField *f, const u8 *p)
{
    return (Str){(const char *)p + f->value, f->value_n};
}
/* The first field of that name, NULL if there is none. */
const HttpField *http_field_find(const HttpFields *f, HttpName id);

void http_fields_start(HttpFields *f, u32 at);
/*
 * Reads field lines; done: f->line is behind the empty line. No more than `limit` bytes from the
 * message's first on. *ret_fault is set on failure.
 */
HttpStep http_fields_parse(HttpFields *f, const u8 *p, usize n, u32 limit, HttpFault *ret_fault);

#endif
