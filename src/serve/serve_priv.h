/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of serve/ share: the server, its threads, the calls in them. */
#ifndef SERVE_SERVE_PRIV_H
#define SERVE_SERVE_PRIV_H

#include "base/vec.h"
#include "os/thread.h"
#include "serve/observe.h"
#include "serve/serve.h"
#include "wasi/loop.h"

typedef struct Server Server;
typedef struct Worker Worker;
typedef struct Call Call;

/* Who has the store of a call: its thread, or the thread of deadlines, which interrupts it. */
typedef enum WatchState { WATCH_IDLE, WATCH_ARMED, WATCH_FIRING, WATCH_FIRED } WatchState;

/* A store with a deadline. Never freed while the threads run. */
typedef struct Watch {
    u32 state;    /* WatchState; atomic */
    u64 deadline; /* of os_monotonic_ns */
    Store *store;
} Watch;

/* A request, from its head until its guest has returned. */
struct Call {
    Call *all;          /* the next of the thread's, for good */
    Call *next, **link; /* free (link NULL), or waiting */
    Worker *worker;
    HttpRequest *r;      /* NULL: answered, or the connection is gone */
    struct Guest *guest; /* while the request is the guest's */
    Watch watch;
    Outcome outcome;
    bool timed_out;
    bool set; /* the guest has said what the response is */
    u64 id;
};

/* The host of a slot. */
typedef struct Guest {
    Worker *worker;
    WasiCtx *ctx;
    WasiP2 *p2;
    ComponentFunc *handler; /* NULL: not looked for yet */
    Call *call;             /* NULL: idle */
    u64 id;
    u32 used; /* requests since it was fresh */
    /* Between two requests of an instance that is reused: */
    Slot *slot;
    struct Guest *next;
    u64 idle_until; /* of os_monotonic_ns */
} Guest;

struct Worker {
    Server *server;
    OsThread thread;
    VEC(int) sockets;
    u32 max_requests, max_connections;
    u32 thread_id;
    u32 turns;      /* of guests; wasi_loop_count_turns */
    u32 seen_turns; /* the main thread's: at its last look */
    WasiLoop *loop;
    HttpLoop *http_loop;
    HttpServer *http;
    SlotPool *pool;
    uv_async_t stop;
    bool stopping, drained, ended; /* ended: atomic */
    u32 running;                   /* calls; atomic, written by this thread */
    Call *all;                     /* atomic, only grows */
    Call *free;
    Call *waiting, **last; /* for others to end */
    Call *taking;          /* whose slot is being made */
    Guest *warm;           /* that may answer more, the latest first */
    HttpTimer cool;        /* ends those that nobody needs */
    HttpPair *pairs;       /* of a request's head */
    bool observed;         /* the next three are in use */
    Counters counters;
    Buf lines; /* of the access log, until the loop sleeps */
    HttpTask write_lines;
    u64 connections; /* atomic, of the HTTP server */
    u64 starved_at;  /* when that was told last; 0: never */
};

/* Where it listens by a file, which goes with it. */
typedef struct Bound {
    OsAddress address;
    OsSocketFile file;
} Bound;

struct Server {
    ServeConfig c;
    Bound bound[3]; /* the server, shutdown, metrics */
    u32 nbound;
    SlotImages *images;
    /* What guests import, made before anything is served. Its host is no guest's: `linked`. */
    ComponentLinker *linker;
    WasiCtx *linked_ctx;
    WasiP2 *linked;
    u64 instances, requests; /* numbers given; atomic */
    u32 nworkers;
    Worker *workers;
    /* The calling thread's. */
    uv_loop_t uv;
    uv_signal_t interrupt, terminate;
    uv_poll_t shutdown;
    int shutdown_fd, metrics_fd;
    HttpLoop *http_loop; /* of the metrics */
    HttpServer *metrics;
    uv_timer_t timer, tick;
    u32 quiet;     /* ticks since a guest ran */
    bool sleeping; /* no ticks until a request wakes it; atomic */
    uv_async_t wake;
    uv_async_t worker_ended;
    uv_sem_t ready;     /* posted by each thread */
    u64 drain_deadline; /* UINT64_MAX: it is not ending */
    bool stopping;
};

/* --- serve.c --- */

/* Writes without waiting: what a pipe that nobody reads does not take is dropped. */
void serve_put(int to, const char *text, usize n);

/* "HEAD: ..." with causes on stderr; dropped if stderr takes nothing. Frees `e`. */
void serve_report(const char *head, Error *e);
#define REPORT_ERROR "error"          /* instead of an answer */
#define REPORT_WORKER "worker failed" /* behind it */

/* --- metrics.c: on the calling thread --- */

void metrics_open(Server *s); /* takes metrics_fd over */
void metrics_close(Server *s);

/* A request starts: guests that compute are looked for again. On any thread. */
void serve_wake(Server *s);

/* --- worker.c --- */

/* The response of a call has come to its end; its head is still there. */
void worker_observe(Worker *w, Call *c);
/* A message was refused before it was a request. */
void worker_refused(Worker *w, HttpRequest *r, HttpFault fault);
/* Connections have to wait: told once a minute. */
void worker_starved(Worker *w, int error);

bool worker_start(Worker *w) MUST_CHECK;
void worker_stop(Worker *w); /* from another thread */
void worker_call_ended(Worker *w, Call *c);
/* There is no room for the call until another ends. */
void worker_wait(Worker *w, Call *c);
/* The connection of a call is gone: it waits no longer, if it did. */
void worker_forget(Worker *w, Call *c);
/* A guest for another request, NULL if there is none; and one that has answered, to be kept. */
Guest *worker_warm(Worker *w);
void worker_keep(Worker *w, Guest *g, Slot *slot);

/* --- call.c --- */

extern const HttpHandler call_handler;
void call_start(Call *c);
/* For SlotConfig. */
Error *serve_guest_new(void *arg, Store *s, SlotHost *ret_host);
void serve_guest_end(void *host);
bool serve_guest_reset(void *host);
void serve_guest_free(void *host);

/* --- watch.c --- */

void watch_arm(Watch *w, Store *s, u64 deadline);
/* True if it was fired: the store is interrupted. Nothing if it is idle. */
bool watch_disarm(Watch *w);
/* Interrupts what is due; the deadline that is next, UINT64_MAX if there is none. */
u64 watch_run(Worker *w, u64 now);
/* A guest that has had the thread since the last look is asked to let others have a turn. True: a
 * guest has run since then. */
bool watch_turns(Worker *w);

#endif
