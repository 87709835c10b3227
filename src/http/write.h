/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Writes heads of HTTP/1.1 messages and the framing of their bodies. What would let bytes of a
 * field become framing (control characters, fields that frame, a second length) is refused before
 * anything is written.
 */
#ifndef HTTP_WRITE_H
#define HTTP_WRITE_H

#include "http/head.h"

enum { HTTP_LENGTH_UNKNOWN = -1 };

/* "date: ...\r\n": built once a second, copied into each response. */
typedef struct HttpDate {
    char text[40];
    u8 n;
} HttpDate;
void http_date_set(HttpDate *d, u64 unix_seconds);

typedef struct HttpResponseHead {
    u16 status;             /* 200 to 999, or 1xx for an interim response */
    const HttpPair *fields; /* borrow; none that names.def calls framing */
    u32 n_fields;
    i64 length; /* of the body; HTTP_LENGTH_UNKNOWN: chunked, or to the connection's end */
} HttpResponseHead;

/* What the writer must know of the request and of the connection. */
typedef struct HttpWriteContext {
    HttpMethod method;    /* of the request */
    u8 minor;             /* of the request's version */
    bool close;           /* the connection ends with this response */
    const HttpDate *date; /* NULL: no Date field; nor is there one if the fields have it */
} HttpWriteContext;

/* NULL, or what is wrong with the field at *ret_index. */
const char *http_pairs_check(const HttpPair *fields, u32 n, bool trailers, u32 *ret_index);
/* How the body of such a response is framed: HTTP_BODY_NONE for HEAD, 204, 304 and 1xx. */
HttpFraming http_response_framing(const HttpWriteContext *c, const HttpResponseHead *h);
/* At least as many bytes as the writers below write for these fields and texts. */
usize http_head_bound(const HttpPair *fields, u32 n, usize texts);
/* Writes behind p, which has room for http_head_bound(fields); the fields were checked. */
usize http_write_response(u8 *p, const HttpWriteContext *c, const HttpResponseHead *h);

typedef struct HttpRequestLine {
    Str method;    /* a token */
    Str target;    /* as it stands in the request line */
    Str authority; /* for Host */
    const HttpPair *fields;
    u32 n_fields;
    i64 length; /* of the body; HTTP_LENGTH_UNKNOWN: chunked */
    bool body;  /* false: no body, no field about one */
} HttpRequestLine;
/* As above: room for http_head_bound with the three texts. */
usize http_write_request(u8 *p, const HttpRequestLine *r);

enum { HTTP_CHUNK_HEAD_MAX = 18, HTTP_CHUNK_END = 2, HTTP_LAST_CHUNK = 5 };
/* "<size>\r\n", at most HTTP_CHUNK_HEAD_MAX bytes; behind the data comes "\r\n". n > 0. */
usize http_chunk_head(u8 *p, u64 n);
/* "0\r\n", the trailer fields (checked), "\r\n": room for http_head_bound(fields). */
usize http_chunk_last(u8 *p, const HttpPair *trailers, u32 n);

#endif
