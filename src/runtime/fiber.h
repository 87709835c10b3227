/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Fibers: functions on stacks of their own, which can be left in the middle and gone on with later.
 * A guest that has to wait runs on one; whoever runs the event loop resumes it.
 *
 *     static void run(void *arg) { ...; if (fiber_suspend()) return; ... }
 *     Fiber *f = fiber_new(0, run, arg);
 *     while (!fiber_resume(f)) ...;         what it waits for has happened
 *     fiber_free(f);
 *
 * A fiber stays on the thread that made it. What a thread knows of the calls into wasm that run on
 * it (activation.h) goes with the fiber: several may be suspended inside calls into one store, and
 * go on in any order. A trap, an exit or an error of a host function unwinds the fiber's own calls;
 * backtraces show the fiber's own frames. Wasm code keeps FIBER_HOST_ROOM away from the end of the
 * stack; a host function that runs into it meets the guard in front, which ends the process.
 *
 * To suspend is for host functions that hold nothing but what they can release when it returns
 * true: the fiber is to end then. Stacks are used again and not cleared: a guest cannot read
 * them, compiled code writes every slot of a frame before it reads it.
 */
#ifndef RUNTIME_FIBER_H
#define RUNTIME_FIBER_H

#include "base/base.h"

typedef struct Fiber Fiber;
typedef void FiberFn(void *arg);

enum {
    FIBER_STACK = 1 << 20,       /* bytes that fiber_new(0) gives: enough for 512 KiB of wasm */
    FIBER_HOST_ROOM = 256 << 10, /* the part of them that wasm leaves to host functions */
};

/* A fiber that is suspended before run(arg), with `stack` bytes (0: FIBER_STACK; at least twice
 * FIBER_HOST_ROOM). NULL: no memory. */
Fiber *fiber_new(usize stack, FiberFn *run, void *arg);
/* Goes on with a suspended fiber until it suspends itself (false) or has ended (true). */
bool fiber_resume(Fiber *f);
/* Ends the fiber: if it is suspended inside `run`, its fiber_suspend returns true, and it runs to
 * its end before this returns. NULL is nothing. */
void fiber_free(Fiber *f);

/* On a fiber: goes back to whoever resumed it. True: it is being freed; return, releasing all, and
 * do not wait again (further calls return true at once). */
bool fiber_suspend(void);
/* The running fiber; NULL on the thread's own stack. */
Fiber *fiber_current(void);
bool fiber_is_stopped(const Fiber *f); /* fiber_suspend returns true */

/*
 * A guest that computes can be made to let others have a turn. Whoever resumes the fiber gives it a
 * function, which is to suspend it and to see to it that it is resumed; it is called on the fiber
 * with the store that runs there, once for each fiber_ask_to_yield at most: between two
 * instructions of wasm code, in builtins, or at the end of a host function. That includes wasm code
 * that a host function calls: it holds nothing then that others may change. The guest does not
 * notice, as long as no other call is made into its store meanwhile: it has in registers where its
 * memory is and how long. If its store was interrupted meanwhile, or the fiber is freed, it is left
 * as by an interrupt.
 */
struct Store;
typedef void FiberYieldFn(struct Store *s);
void fiber_set_yield(Fiber *f, FiberYieldFn *yield);
/* Asks the fiber that runs on the thread (os_thread_id), soon; nothing if there is none, or it has
 * no such function, or no wasm code runs on it. From any thread. */
void fiber_ask_to_yield(u32 thread);
/* For the end of host functions, when they hold nothing of others any more: yields if the fiber was
 * asked and could not at once. */
void fiber_yield_if_asked(void);

/* A pointer for whoever resumes the fiber; NULL at first. */
void *fiber_data(const Fiber *f);
void fiber_set_data(Fiber *f, void *data);

/* Gives back the stacks that the thread keeps for the next fibers. For the end of a thread. */
void fiber_release_stacks(void);

#endif
