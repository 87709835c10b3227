/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Fibers. A stack is a mapping: a guard, the stack, and at its top the Fiber itself, so that a
 * fiber costs no other memory. Ended ones are kept for the thread's next ones.
 */
#include "runtime/fiber.h"

#include "os/signal.h"
#include "os/vm.h"
#include "runtime/activation.h"
#include "runtime/runtime_priv.h"
#include "runtime/x64/fiber_stack.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

enum {
    GUARD = 64 << 10,         /* more than any C frame of ours */
    KEPT = 256,               /* ended fibers that a thread keeps */
    KEPT_WHOLE = 32,          /* the number of them that keep all their memory */
    KEPT_RESIDENT = 64 << 10, /* bytes at the top that the others keep */
};

typedef enum FiberState { FIBER_SUSPENDED, FIBER_RUNNING, FIBER_ENDED } FiberState;

struct Fiber {
    _Alignas(16) u64 sp; /* its own while it is suspended, that of fiber_resume while it runs */
    Fiber *caller;       /* the fiber that resumed it, if any */
    /* Of ThreadState: its own while it is suspended, the caller's while it runs */
    Activation *top;
    u64 stack_floor;
    FiberFn *run;
    void *arg, *data;
    u8 *map;
    usize bytes; /* of the mapping */
    u32 thread;
    FiberState state;
    bool started, stop;
    FiberYieldFn *yield;
    Fiber *next;              /* kept ones */
    void *fake_stack;         /* of the address sanitizer: that of who does not run */
    const void *low;          /* and the bounds of who resumed it */
    usize size;               /* ... */
    void *tsan, *caller_tsan; /* the thread sanitizer's names for it and for who resumed it */
};

/* --- sanitizers --- */

/* Part of the function that switches: one of its own would be entered on one stack and left on the
 * other, and the thread sanitizer counts that. */
#define SWITCH static inline __attribute__((always_inline)) NO_SANITIZE

/* A switch is about to leave for the fiber, or (ended: for good) for who resumed it. */
SWITCH void switch_to_fiber(Fiber *f)
{
    (void)f;
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(&f->fake_stack, f->map + GUARD,
                                   (usize)((u8 *)f - f->map) - GUARD);
#endif
#ifdef __SANITIZE_THREAD__
    f->caller_tsan = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(f->tsan, 0);
#endif
}

SWITCH void switch_to_caller(Fiber *f, void **fake_stack)
{
    (void)f, (void)fake_stack;
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(fake_stack, f->low, f->size);
#endif
#ifdef __SANITIZE_THREAD__
    __tsan_switch_to_fiber(f->caller_tsan, 0);
#endif
}

SWITCH void arrived_on_fiber(Fiber *f, void *fake_stack)
{
    (void)f, (void)fake_stack;
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(fake_stack, &f->low, &f->size);
#endif
}

SWITCH void arrived_at_caller(Fiber *f)
{
    (void)f;
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(f->fake_stack, NULL, NULL);
#endif
}

/* --- stacks --- */

static Fiber *at_top(u8 *map, usize bytes)
{
    return (Fiber *)(void *)(map + bytes - sizeof(Fiber));
}

static Fiber *map_stack(usize stack)
{
    usize bytes = GUARD + stack;
    u8 *map = os_vm_alloc(bytes);
    if (!map)
        return NULL;
    if (!os_vm_protect(map, GUARD, OS_PROT_NONE)) {
        os_vm_release(map, bytes);
        return NULL;
    }
    Fiber *f = at_top(map, bytes);
    *f = (Fiber){.map = map, .bytes = bytes};
    return f;
}

static void release_stack(Fiber *f)
{
    os_vm_release(f->map, f->bytes);
}

static Fiber *take_stack(usize stack)
{
    ThreadState *t = &thread_state;
    while (t->kept_fibers) {
        Fiber *f = t->kept_fibers;
        t->kept_fibers = f->next;
        t->nkept_fibers--;
        if (f->bytes == GUARD + stack) {
            *f = (Fiber){.map = f->map, .bytes = f->bytes};
            return f;
        }
        release_stack(f); /* the size has changed, and stays so */
    }
    return map_stack(stack);
}

static void give_stack(Fiber *f)
{
    ThreadState *t = &thread_state;
#ifdef __SANITIZE_ADDRESS__
    __asan_unpoison_memory_region(f->map + GUARD, (usize)((u8 *)f - f->map) - GUARD);
#endif
    if (t->nkept_fibers >= KEPT) {
        release_stack(f);
        return;
    }
    if (t->nkept_fibers >= KEPT_WHOLE &&
        !os_vm_discard(f->map + GUARD, f->bytes - GUARD - KEPT_RESIDENT)) {
        release_stack(f);
        return;
    }
    f->next = t->kept_fibers;
    t->kept_fibers = f;
    t->nkept_fibers++;
}

void fiber_release_stacks(void)
{
    ThreadState *t = &thread_state;
    while (t->kept_fibers) {
        Fiber *f = t->kept_fibers;
        t->kept_fibers = f->next;
        release_stack(f);
    }
    t->nkept_fibers = 0;
}

/* --- what goes with a fiber --- */

/* Compiled code finds these in the store; another fiber may use it meanwhile. */
static void leave_stores(Activation *a)
{
    for (; a; a = a->prev) {
        const VmStore *vm = &a->store->vm;
        a->kept = (KeptVm){vm->exit_fp, vm->exit_pc, vm->stack_limit};
        a->store->suspended++;
    }
}

static void enter_stores(Activation *a)
{
    for (; a; a = a->prev) {
        VmStore *vm = &a->store->vm;
        vm->exit_fp = a->kept.exit_fp;
        vm->exit_pc = a->kept.exit_pc;
        vm->stack_limit = a->kept.stack_limit;
        a->store->suspended--;
    }
}

static void swap_thread_state(Fiber *f)
{
    ThreadState *t = &thread_state;
    Activation *top = t->top;
    u64 floor = t->stack_floor;
    t->top = f->top;
    t->stack_floor = f->stack_floor;
    f->top = top;
    f->stack_floor = floor;
}

/* --- fibers --- */

Fiber *fiber_new(usize stack, FiberFn *run, void *arg)
{
    thread_state_init();
    stack = (usize)os_page_up(stack ? stack : FIBER_STACK);
    ALWAYS(stack >= 2 * FIBER_HOST_ROOM);
    Fiber *f = take_stack(stack);
    if (!f)
        return NULL;
    f->run = run;
    f->arg = arg;
    f->thread = thread_state.id;
    f->stack_floor = (u64)(uintptr_t)f->map + GUARD + FIBER_HOST_ROOM;
    f->sp = fiber_first_frame((u64)(uintptr_t)f, f);
#ifdef __SANITIZE_THREAD__
    f->tsan = __tsan_create_fiber(0);
#endif
    return f;
}

NO_SANITIZE void fiber_main(void *fiber)
{
    Fiber *f = fiber;
    arrived_on_fiber(f, NULL);
    f->run(f->arg);
    ALWAYS(!thread_state.top);
    f->state = FIBER_ENDED;
    switch_to_caller(f, NULL);
    fiber_switch(&f->sp, f->sp);
    __builtin_unreachable();
}

NO_SANITIZE bool fiber_resume(Fiber *f)
{
    ThreadState *t = &thread_state;
    ALWAYS(f->state == FIBER_SUSPENDED && f->thread == t->id);
    f->state = FIBER_RUNNING;
    f->started = true;
    f->caller = t->fiber;
    t->fiber = f;
    __atomic_store_n(&t->yield_asked, false, __ATOMIC_RELAXED);
    leave_stores(t->top);
    swap_thread_state(f);
    enter_stores(t->top);
    switch_to_fiber(f);
    fiber_switch(&f->sp, f->sp);
    arrived_at_caller(f);
    leave_stores(t->top);
    swap_thread_state(f);
    enter_stores(t->top);
    t->fiber = f->caller;
    return f->state == FIBER_ENDED;
}

NO_SANITIZE bool fiber_suspend(void)
{
    Fiber *f = thread_state.fiber;
    ALWAYS(f);
    if (f->stop)
        return true;
    f->state = FIBER_SUSPENDED;
    void *fake_stack = NULL;
    switch_to_caller(f, &fake_stack);
    fiber_switch(&f->sp, f->sp);
    arrived_on_fiber(f, fake_stack);
    return f->stop;
}

void fiber_free(Fiber *f)
{
    if (!f)
        return;
    ALWAYS(f->state != FIBER_RUNNING && f->thread == thread_state.id);
    f->stop = true;
    if (f->started && f->state == FIBER_SUSPENDED)
        ALWAYS(fiber_resume(f));
#ifdef __SANITIZE_THREAD__
    __tsan_destroy_fiber(f->tsan);
#endif
    give_stack(f);
}

/* --- taking turns --- */

void fiber_set_yield(Fiber *f, FiberYieldFn *yield)
{
    f->yield = yield;
}

void fiber_ask_to_yield(u32 thread)
{
    os_signal_yield(thread);
}

NO_SANITIZE bool fiber_may_yield(const ThreadState *t)
{
    return t->fiber && t->fiber->yield && t->top;
}

void fiber_yield(ThreadState *t)
{
    __atomic_store_n(&t->yield_asked, false, __ATOMIC_RELAXED);
    if (!t->fiber->stop)
        t->fiber->yield(t->top->store);
}

void fiber_yield_if_asked(void)
{
    ThreadState *t = &thread_state;
    if (UNLIKELY(__atomic_load_n(&t->yield_asked, __ATOMIC_RELAXED)) && fiber_may_yield(t))
        fiber_yield(t);
}

Fiber *fiber_current(void)
{
    return thread_state.fiber;
}

bool fiber_is_stopped(const Fiber *f)
{
    return f->stop;
}

void *fiber_data(const Fiber *f)
{
    return f->data;
}

void fiber_set_data(Fiber *f, void *data)
{
    f->data = data;
}
