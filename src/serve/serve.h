/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * `wasmtime serve`: HTTP requests answered by a component that exports wasi:http/incoming-handler,
 * each in an instance of its own.
 *
 * Threads share the component, its code and its images, nothing else: each has its socket, loop,
 * HTTP server and pool of slots. The calling thread serves nothing; it waits for signals, keeps the
 * deadlines of requests, and ends the threads.
 */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include "component/slot.h"
#include "http/server.h"
#include "wasi/http/http.h"

typedef struct ServeConfig {
    Engine *engine; /* borrow, as all below */
    LoadedComponent *component;
    const OsAddress *address;  /* NULL: sockets that were inherited, else the default */
    const OsAddress *shutdown; /* a connection there ends the server; may be NULL */
    u32 threads;               /* at least 1, as the next four */
    u32 max_requests, max_connections;
    u32 backlog;              /* connections that wait for being accepted */
    u32 max_reuse;            /* requests of an instance */
    u64 idle_ns;              /* that an instance waits for another request */
    u64 timeout_ns;           /* of a request; UINT64_MAX: none */
    u64 drain_ns;             /* from the signal to the end */
    bool prefix;              /* in front of guests' lines */
    int access_fd;            /* of the access log; -1: none */
    bool access_is_file;      /* writing to it never waits for a reader */
    bool access_json;         /* instead of the Common Log Format */
    const OsAddress *metrics; /* where numbers can be fetched; may be NULL */
    const HttpPair *headers;  /* replace those of their names */
    u32 n_headers;
    /* What a guest gets; called on each thread. */
    Error *(*setup)(void *arg, Store *s, WasiCtx *w);
    /* What all guests may import; called once, with a host that none of them has. */
    Error *(*link)(void *arg, ComponentLinker *l, WasiP2 *p);
    void (*info)(void *arg, const char *text); /* a line of the log; NULL: not wanted */
    void *arg;
} ServeConfig;

#define SERVE_DEFAULT_ADDRESS "0.0.0.0:8080"

/* Serves until it is told to end. An error is one of the start: nothing was served. */
Error *serve(const ServeConfig *c) MUST_CHECK;

#endif
