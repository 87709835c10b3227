/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What is told of requests to those who run the server: lines of an access log, and numbers in the
 * text format of Prometheus. Off, it costs a branch a request.
 */
#ifndef SERVE_OBSERVE_H
#define SERVE_OBSERVE_H

#include "base/buf.h"
#include "component/slot.h"
#include "http/server.h"

/* Upper bounds of the classes of latency, in microseconds; one more class is beyond them. */
/* clang-format off */
#define LATENCY_CLASSES(X) \
    X(50) X(100) X(250) X(500) X(1000) X(2500) X(5000) X(10000) X(25000) X(50000) X(100000) \
    X(250000) X(500000) X(1000000) X(2500000) X(5000000) X(10000000)
/* clang-format on */
#define LATENCY_ONE(us) +1
enum { N_LATENCIES = 1 LATENCY_CLASSES(LATENCY_ONE) };
#undef LATENCY_ONE

/* Of one thread, which alone writes; others read: all are atomic. */
typedef struct Counters {
    u64 status[6]; /* responses by the first digit of their status; [0]: none was sent */
    u64 latency[N_LATENCIES];
    u64 latency_ns;
    u64 bytes; /* of bodies that were sent */
    u64 traps, timeouts, cut;
    u64 malformed;                   /* messages that were no requests */
    u64 made, reused, refused, idle; /* slots */
} Counters;

/* How a request went. */
typedef struct Outcome {
    u64 begun; /* of os_monotonic_ns */
    u64 bytes;
    u16 status; /* 0: no head was sent */
    bool cut;   /* the body is not whole */
} Outcome;

static inline void counter_add(u64 *counter, u64 n)
{
    __atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}
void counters_request(Counters *c, const Outcome *o, u64 now);
void counters_slots(Counters *c, const SlotStats *s);

typedef struct Gauges {
    u64 running, connections;
} Gauges;
/* Of all threads: n sets of counters, added up. */
void metrics_text(const Counters *const *c, u32 n, const Gauges *g, Buf *out);

/* A line about a request, while its head is there. */
void access_line(bool json, HttpRequest *r, const Outcome *o, u64 now, Buf *out);
/* A line about what is none. */
void access_refused(bool json, HttpRequest *r, HttpFault fault, Buf *out);

#endif
