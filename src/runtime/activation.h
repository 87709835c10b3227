/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Calls from C into wasm that have not returned. Private to runtime/. */
#ifndef RUNTIME_ACTIVATION_H
#define RUNTIME_ACTIVATION_H

#include "runtime/store.h"
#include "runtime/trap.h"

/* What of VmStore belongs to the calls that run in it, while their fiber is suspended. */
typedef struct KeptVm {
    u64 exit_fp, exit_pc, stack_limit;
} KeptVm;

/* One call from C into wasm, on the C stack of func_call. */
typedef struct Activation {
    u64 sp; /* of wasm_enter */
    struct Activation *prev;
    Store *store;
    /* Only if there is a `prev`: */
    u64 own_fp, own_pc;     /* the store's exit_fp and exit_pc before the call */
    u64 below_fp, below_pc; /* where wasm was left for the C code that made this call */
    Error *error;           /* own; NULL: `trap` */
    TrapCode trap;
    bool faulted; /* `trap` was an access to `memory` at byte `address` */
    const Memory *memory;
    u64 address;
    KeptVm kept;
} Activation;

struct Fiber;

enum { THREAD_FRAMES = 32 }; /* backtraces of so many need no memory of the store's */

typedef struct ThreadState {
    Activation *top;
    u64 stack_floor; /* wasm frames stay above, so that host functions have room; 0: not known */
    u32 id;
    u32 nkept_fibers;
    struct Fiber *fiber;         /* the running one */
    struct Fiber *kept_fibers;   /* ended ones, for their stacks */
    bool yield_asked;            /* the running fiber is to yield where it next may; atomic */
    u64 yield_pc;                /* where the signal to yield stopped wasm code */
    Frame frames[THREAD_FRAMES]; /* of the store whose call was left last, until it has its error */
} ThreadState;

extern _Thread_local ThreadState thread_state __attribute__((tls_model("initial-exec")));

/* Before the thread's first call or fiber, on its own stack; nothing later. */
void thread_state_init(void);

/* VmStore.pending while an interrupt is due; never dereferenced. */
#define INTERRUPT_PENDING ((void *)1)

/* Takes what a host function or an interrupt left in the store; NULL if nothing. An interrupt
 * becomes the error of its trap. */
Error *store_take_pending(Store *s);
/* The error of an activation that was left early. */
Error *activation_error(Activation *a);
void trap_install_handlers(void);

/* fiber.c: the guest that runs may be left in between, here and now. Safe in signal handlers. */
bool fiber_may_yield(const ThreadState *t);
/* Gives others a turn; fiber_may_yield. */
void fiber_yield(ThreadState *t);

/* Unwinding leaves C functions that a sanitizer believes to be running. */
#define NO_SANITIZE __attribute__((no_sanitize("address"), no_sanitize("thread")))

#endif
