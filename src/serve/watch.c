/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Deadlines of calls. A thread that computes cannot look at a clock, so another one does: it walks
 * all calls when the earliest deadline comes, and interrupts the stores of those that are due. A
 * call that ends in time costs two atomic writes.
 *
 * The same thread sees which guests compute for longer than one tick, from a number that their loop
 * writes whenever it switches.
 */
#include "runtime/fiber.h"
#include "serve/serve_priv.h"

#include <sched.h>

void watch_arm(Watch *w, Store *s, u64 deadline)
{
    w->store = s;
    __atomic_store_n(&w->deadline, deadline, __ATOMIC_RELAXED);
    __atomic_store_n(&w->state, WATCH_ARMED, __ATOMIC_RELEASE);
}

bool watch_disarm(Watch *w)
{
    for (;;) {
        u32 state = WATCH_ARMED;
        if (__atomic_compare_exchange_n(&w->state, &state, WATCH_IDLE, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE) ||
            state == WATCH_IDLE)
            return false;
        if (state == WATCH_FIRED)
            break;
        sched_yield(); /* WATCH_FIRING */
    }
    __atomic_store_n(&w->state, WATCH_IDLE, __ATOMIC_RELAXED);
    return true;
}

/* A deadline that is still to come, UINT64_MAX: none. */
static u64 fire(Worker *w, Watch *watch, u64 now)
{
    u32 armed = WATCH_ARMED;
    if (!__atomic_compare_exchange_n(&watch->state, &armed, WATCH_FIRING, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
        return UINT64_MAX;
    /* The deadline that was looked at may be that of the call before: now it stays. */
    u64 deadline = __atomic_load_n(&watch->deadline, __ATOMIC_RELAXED);
    if (deadline > now) {
        __atomic_store_n(&watch->state, WATCH_ARMED, __ATOMIC_RELEASE);
        return deadline;
    }
    store_interrupt(watch->store);
    wasi_loop_poke(w->loop); /* it is there as long as a call is */
    __atomic_store_n(&watch->state, WATCH_FIRED, __ATOMIC_RELEASE);
    return UINT64_MAX;
}

bool watch_turns(Worker *w)
{
    u32 turns = __atomic_load_n(&w->turns, __ATOMIC_RELAXED);
    bool same = turns == w->seen_turns, runs = turns % 2;
    w->seen_turns = turns;
    if (same && runs)
        fiber_ask_to_yield(w->thread_id);
    return runs || !same;
}

u64 watch_run(Worker *w, u64 now)
{
    u64 next = UINT64_MAX;
    for (Call *c = __atomic_load_n(&w->all, __ATOMIC_ACQUIRE); c; c = c->all) {
        if (__atomic_load_n(&c->watch.state, __ATOMIC_ACQUIRE) != WATCH_ARMED)
            continue;
        u64 deadline = __atomic_load_n(&c->watch.deadline, __ATOMIC_RELAXED);
        if (deadline <= now)
            deadline = fire(w, &c->watch, now);
        next = MIN(next, deadline);
    }
    return next;
}
