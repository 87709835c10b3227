/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Waiting, and the event loop of a thread.
 *
 * A host call that has to wait says what for, in an array of WasiWait, and calls wasi_wait. On a
 * fiber (runtime/fiber.h) that hands the thread back to the loop until one of them is ready; on the
 * thread's own stack it waits in the kernel and lets the loop run meanwhile, if there is one.
 *
 * Descriptors and times need no loop on the thread's own stack: it is made (wasi_loop) when a guest
 * waits on a fiber, when something goes on in the background, or by a server. Everything here but
 * wasi_loop_poke belongs to one thread.
 *
 * Who completes something for a guest (a response has come, a body has data) has a WasiWaker: a
 * flag that a guest can wait for, and that the code that is called by libuv sets:
 *
 *     typedef struct Future { WasiWaker done; ... } Future;
 *     static void on_response(Future *f) { ...; wasi_waker_set(&f->done); }
 *
 *     static void future_wants(const void *of, WasiWait *ret_wait)       a pollable of it:
 *     {                                                                  p2_pollable_of(...)
 *         *ret_wait = wasi_wait_waker(&((Future *)of)->done);
 *     }
 *
 *     WasiWait w = wasi_wait_waker(&f->done);                            a host call waits for it
 *     if (!wasi_wait(store, &w, 1, UINT64_MAX)) return;                  the guest is being left
 *
 * A server runs each guest as a task: a fiber that the loop starts and resumes.
 */
#ifndef WASI_LOOP_H
#define WASI_LOOP_H

#include "runtime/store.h"

typedef struct WasiLoop WasiLoop;
typedef struct WasiWait WasiWait;
typedef struct WasiWaitSet WasiWaitSet;

/* --- wakers --- */

/* Zeroed: not ready. Lives as long as somebody waits for it. */
typedef struct WasiWaker {
    bool ready;
    WasiWait *waiters; /* of loop.c */
} WasiWaker;

/* Makes it ready, until it is cleared. Whoever waits goes on soon, not within this call: it may be
 * called from anywhere on the thread. */
void wasi_waker_set(WasiWaker *w);
static inline void wasi_waker_clear(WasiWaker *w)
{
    w->ready = false;
}

/* --- waiting --- */

typedef enum WasiWaitKind {
    WASI_WAIT_READY, /* nothing to wait for */
    WASI_WAIT_READ,  /* fd: there is something to read, or the end, or an error */
    WASI_WAIT_WRITE, /* fd: it takes something, or there is an error */
    WASI_WAIT_TIME,
    WASI_WAIT_WAKER,
} WasiWaitKind;

/* One of the things to wait for. Made by the functions below. */
struct WasiWait {
    WasiWaitKind kind;
    bool ready; /* set by wasi_wait */
    int fd;     /* what cannot be waited for, as files, is ready */
    union {
        u64 deadline;     /* of os_monotonic_ns; UINT64_MAX: never */
        WasiWaker *waker; /* borrow */
    };
    /* of loop.c: */
    WasiWaitSet *set;
    WasiWait *next, **link;
};

static inline WasiWait wasi_wait_ready(void)
{
    return (WasiWait){.kind = WASI_WAIT_READY};
}
static inline WasiWait wasi_wait_read(int fd)
{
    return (WasiWait){.kind = WASI_WAIT_READ, .fd = fd};
}
static inline WasiWait wasi_wait_write(int fd)
{
    return (WasiWait){.kind = WASI_WAIT_WRITE, .fd = fd};
}
static inline WasiWait wasi_wait_time(u64 deadline)
{
    return (WasiWait){.kind = WASI_WAIT_TIME, .deadline = deadline};
}
static inline WasiWait wasi_wait_waker(WasiWaker *w)
{
    return (WasiWait){.kind = WASI_WAIT_WAKER, .waker = w};
}

/*
 * Waits until one of n things is ready or the deadline has come (0: only looks, UINT64_MAX: never),
 * and sets `ready` of each. Linear in n. False: the guest is to be left, because its store (may be
 * NULL) is interrupted or has failed, or its fiber is freed; then nothing more is to be waited for.
 */
bool wasi_wait(Store *s, WasiWait *w, usize n, u64 deadline) MUST_CHECK;

/* --- the loop --- */

/* The thread's loop, made when first asked for. NULL: no descriptors left. */
WasiLoop *wasi_loop(void);
/* NULL if there is none yet. */
WasiLoop *wasi_loop_current(void);
/* libuv's, for handles of others. Guests that callbacks start have to be tasks. */
struct uv_loop_s *wasi_loop_uv(WasiLoop *l);
/* uv_run(UV_RUN_DEFAULT): until nothing is waited for any more, or uv_stop. Not on a fiber. */
void wasi_loop_run(WasiLoop *l);
/* From any thread and from signal handlers, while the loop is there: guests on fibers whose store
 * was interrupted (store_interrupt) are left now, and not when what they wait for happens. */
void wasi_loop_poke(WasiLoop *l);
/* Ends the thread's loop and gives its memory back: there are no tasks and no handles of others any
 * more, and nobody waits. Nothing if there is no loop. */
void wasi_loop_release(void);
/* One thing of others that belongs to the loop, as a client with its connections; NULL at first. It
 * is ended by `end` when it is set anew or the loop is released, while the loop runs on. */
void *wasi_loop_extra(const WasiLoop *l);
void wasi_loop_set_extra(WasiLoop *l, void *extra, void (*end)(void *extra));
/* To be called before a descriptor that was waited for is closed. */
void wasi_loop_forget(int fd);

/* --- tasks --- */

/* A fiber that belongs to the loop. */
typedef struct WasiTask WasiTask;
typedef void WasiTaskFn(void *arg);
/* run(arg) starts on a fiber, soon, not within this call; done(arg) is called on the loop's stack
 * after it has returned and its fiber is gone. NULL: no memory. */
WasiTask *wasi_task_new(WasiLoop *l, WasiTaskFn *run, WasiTaskFn *done, void *arg);
/* Tasks that compute yield to the loop when they are asked to (fiber_ask_to_yield), and have stores
 * of their own then; it gives each of them a turn, one between two looks at descriptors and times.
 * `turns`, which outlives the loop, is odd while a task runs and grows with each turn of one:
 * whoever finds the same odd number twice has seen one that computes. Written by the loop's thread
 * only, atomic. */
void wasi_loop_count_turns(WasiLoop *l, u32 *turns);
/* The size of the stacks of tasks to come, as for fiber_new: for guests that may take more of it
 * than 512 KiB, that and 512 KiB. */
void wasi_loop_set_stack(WasiLoop *l, usize bytes);
/* Cuts it off: what it waits for returns false, the guest's stack is unwound, `run` returns, `done`
 * is called, all within this call. A task that has not started only gets `done`. Not from the task
 * itself. */
void wasi_task_stop(WasiTask *t);

/* --- callbacks --- */

/* Calls back from the loop each time the descriptor is ready, until it is stopped: for what goes on
 * while the guest does something else. fd is not waited for in the
 * same direction by others. NULL: the kernel cannot wait for it, or there is no loop. */
typedef struct WasiWatch WasiWatch;
typedef void WasiWatchFn(void *arg);
WasiWatch *wasi_watch_new(int fd, WasiWaitKind kind, WasiWatchFn *fn, void *arg);
void wasi_watch_free(WasiWatch *w); /* may be called by fn; NULL is nothing */

#endif
