/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Bodies of HTTP/1 messages (RFC 9112 6 and 7): takes the framing away from arriving bytes. The
 * data come out as slices of the input; nothing is copied and nothing allocated.
 */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include "http/head.h"

typedef enum HttpChunkState {
    HTTP_CHUNK_FIRST, /* before the first digit of a size */
    HTTP_CHUNK_SIZE,
    HTTP_CHUNK_EXTENSION,
    HTTP_CHUNK_QUOTED,
    HTTP_CHUNK_ESCAPED, /* a character of the quoted text, behind a backslash */
    HTTP_CHUNK_SIZE_LF,
    HTTP_CHUNK_DATA,
    HTTP_CHUNK_CR,
    HTTP_CHUNK_LF,
    HTTP_CHUNK_TRAILERS,
} HttpChunkState;

typedef struct HttpBody {
    HttpFraming framing;
    HttpChunkState chunk;
    HttpFault fault;
    bool ended;
    u8 digits;            /* of the chunk's size so far */
    bool unnamed;         /* a chunk extension has begun and has no name yet */
    u32 extensions;       /* bytes of chunk extensions so far */
    u64 left;             /* bytes of the chunk, or of a body of known length */
    u64 total;            /* bytes of data so far */
    u64 limit;            /* of `total`; more is HTTP_FAULT_BODY_TOO_LARGE */
    HttpFields *trailers; /* borrow; their spans count from the trailer section's first byte */
} HttpBody;

/* The body that a head announces. A limit of UINT64_MAX is none. */
void http_body_start(HttpBody *b, const HttpHead *h, u64 limit, HttpFields *trailers);
/*
 * Takes from the input. HTTP_MORE: *ret_used bytes are done with and *ret_data of them belong to
 * the body; call again with what follows. If neither is more than 0, input must come: the bytes
 * that were not used are presented again then, with those behind them (only a trailer section is
 * held back so). HTTP_DONE: the message is over; the last *ret_used bytes were its trailer section,
 * from which the spans of `trailers` count.
 */
HttpStep http_body_decode(HttpBody *b, const u8 *p, usize n, usize *ret_used, Str *ret_data);
/* The connection has ended: HTTP_DONE if that is how the body ends, HTTP_FAIL if it is cut. */
HttpStep http_body_eof(HttpBody *b);

#endif
