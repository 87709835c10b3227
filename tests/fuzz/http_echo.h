/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What the servers of tests do is in the path: /hello answers at once; /early without reading the
 * body; /never not at all; /short less than it announces; /abort cuts the connection; /big sends
 * 16 MiB; anything else sends the body back as it comes, with its trailers.
 */
#ifndef TESTS_FUZZ_HTTP_ECHO_H
#define TESTS_FUZZ_HTTP_ECHO_H

#include "http/server.h"

#include <stdatomic.h>

enum { ECHO_BIG = 16 << 20 };

/* The context of the handler; may be NULL. */
typedef struct EchoCounts {
    atomic_uint done, aborted;
    atomic_size_t most; /* bytes of a response that waited at once */
} EchoCounts;

extern const HttpHandler echo_handler;

#endif
