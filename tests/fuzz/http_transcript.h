/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the HTTP codec makes of a stream of bytes, as text: for the fuzz target and the unit tests.
 */
#ifndef TESTS_FUZZ_HTTP_TRANSCRIPT_H
#define TESTS_FUZZ_HTTP_TRANSCRIPT_H

#include "base/buf.h"
#include "http/head.h"

typedef enum HttpStream {
    HTTP_STREAM_REQUESTS,
    HTTP_STREAM_RESPONSES,      /* to GET */
    HTTP_STREAM_HEAD_RESPONSES, /* to HEAD */
} HttpStream;

/* How the bytes arrive: all at once, or up to `first` and then in pieces of `piece` (0: the rest).
 */
typedef struct HttpCut {
    usize first, piece;
} HttpCut;

/*
 * Reads messages until the bytes end or a fault. Each message is a line "method target minor
 * authority name=value... " or "status minor ...", then "body:<data>", trailers, "keep" or "close",
 * or "fault: <text>" or "cut". Bodies are at most `limit` bytes.
 * False: it ended at a fault.
 */
bool http_transcript(HttpStream stream, const u8 *p, usize n, HttpCut cut, u64 limit, Buf *out);

/* A stream made of pieces of HTTP, chosen by the seed. */
void http_make_stream(u64 seed, Buf *out);

#endif
