/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What the servers and clients of one event loop share: coarse timers (one wheel, not a libuv timer
 * a connection), tasks that run before the loop sleeps, buffers, and the date of the second. One
 * thread uses it: that of the loop.
 */
#ifndef HTTP_LOOP_H
#define HTTP_LOOP_H

#include "http/write.h"

#include <uv.h>

typedef struct HttpLoop HttpLoop;

/* Neither keeps the loop running by itself. */
HttpLoop *http_loop_new(uv_loop_t *uv);
/* Nothing uses it any more. It is freed while the loop runs on, a turn later. */
void http_loop_close(HttpLoop *l);
uv_loop_t *http_loop_uv(HttpLoop *l);
/* Milliseconds of the loop's clock, of the current turn. */
u64 http_loop_now(HttpLoop *l);
const HttpDate *http_loop_date(HttpLoop *l);

/* Fires once, up to HTTP_TICK_MS late. Setting it anew for later costs next to nothing. */
enum { HTTP_TICK_MS = 50 };
typedef struct HttpTimer {
    struct HttpTimer *prev, *next; /* in its slot; NULL if it is not in the wheel */
    u64 deadline;                  /* milliseconds; 0: not set */
    u64 tick;                      /* of its slot; not after the deadline's */
    void (*fire)(struct HttpTimer *t);
} HttpTimer;
void http_timer_at(HttpLoop *l, HttpTimer *t, u64 deadline);
static inline void http_timer_stop(HttpTimer *t)
{
    t->deadline = 0;
}
/* Takes it out of the wheel: before its memory goes. */
void http_timer_remove(HttpLoop *l, HttpTimer *t);

/* Runs once, before the loop sleeps next, or after it has woken. */
typedef struct HttpTask {
    struct HttpTask *next;
    bool queued;
    void (*run)(struct HttpTask *t);
} HttpTask;
void http_task_queue(HttpLoop *l, HttpTask *t);
/* Takes it out of the queue: before its memory goes. */
void http_task_remove(HttpLoop *l, HttpTask *t);

/* Buffers of a connection that has something to read or write; an idle one has none. */
enum { HTTP_IN_SIZE = 20 << 10, HTTP_OUT_SIZE = 12 << 10 };
typedef struct HttpBlock {
    struct HttpBlock *next;
    HttpHead head;
    HttpFields trailers;
    u8 in[HTTP_IN_SIZE], out[HTTP_OUT_SIZE];
} HttpBlock;
HttpBlock *http_block_get(HttpLoop *l);
void http_block_put(HttpLoop *l, HttpBlock *b);

/*
 * How long a peer may keep us waiting: `max` milliseconds at once, and less and less the longer it
 * sends or takes fewer than HTTP_LEAST_RATE bytes a second.
 */
enum { HTTP_LEAST_RATE = 200 };
typedef struct HttpPatience {
    u64 since; /* when the waiting began; 0: not waiting */
    i64 left, max;
} HttpPatience;
void http_patience_wait(HttpPatience *p, u64 now);
void http_patience_progress(HttpPatience *p, u64 now, usize bytes);
/* Milliseconds that the peer has used up, if it is waited for. */
static inline u64 http_patience_used(const HttpPatience *p, u64 now)
{
    return (u64)(p->max - p->left) + (now - p->since);
}
static inline u64 http_patience_deadline(const HttpPatience *p)
{
    return p->since + (u64)MAX(p->left, 1);
}

#endif
