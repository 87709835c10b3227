/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A server with the handler of fuzz/http_echo.h on a thread of its own, and a raw client. */
#ifndef TESTS_UNIT_HTTP_ECHO_H
#define TESTS_UNIT_HTTP_ECHO_H

#include "fuzz/http_echo.h"

typedef struct EchoServer EchoServer;

/* Listens at 127.0.0.1, at a free port. */
EchoServer *echo_start(const HttpServerOptions *o);
int echo_port(const EchoServer *s);
usize echo_most_queued(const EchoServer *s); /* bytes of a response that waited at once */
u32 echo_done(const EchoServer *s);
u32 echo_aborted(const EchoServer *s);
void echo_drain(EchoServer *s, u32 ms); /* returns at once */
void echo_join(EchoServer *s);          /* waits until what drains has drained */
void echo_stop(EchoServer *s);          /* drains and waits */

/* A blocking connection; reads give up after five seconds. */
int raw_connect(int port);
void raw_send(int fd, Str s);
/* Reads until the end, or until `until` has been seen `times` times; terminated, static. */
const char *raw_read(int fd, const char *until, u32 times);
/* True if the peer closes within five seconds, whatever it sends before. */
bool raw_ends(int fd);

#endif
