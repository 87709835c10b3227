/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * From C into wasm. A call costs a few stores: the stub is remembered in the function reference,
 * the thread's list of activations is a pointer in thread-local storage.
 */
#include "os/signal.h"
#include "runtime/activation.h"
#include "runtime/runtime_priv.h"
#include "runtime/x64/entry.h"

enum {
    HOST_ROOM = 256 << 10,    /* stack that host functions find below the last wasm frame */
    HOST_ROOM_MIN = 64 << 10, /* the same on threads with small stacks */
};

_Thread_local ThreadState thread_state __attribute__((tls_model("initial-exec")));

COLD static void thread_init(ThreadState *t, u64 sp)
{
    trap_install_handlers();
    os_signal_thread_init();
    u64 low = os_stack_low();
    u64 room = sp > low ? sp - low : 0;
    t->stack_floor = low + MAX(MIN(room / 2, HOST_ROOM), HOST_ROOM_MIN);
    t->id = os_thread_id();
}

void thread_state_init(void)
{
    if (UNLIKELY(!thread_state.id))
        thread_init(&thread_state, (u64)(uintptr_t)__builtin_frame_address(0));
}

COLD static void store_moved(Store *s, u32 thread)
{
    /* Whoever interrupts the store from now on sees the new thread, or we see its mark. */
    atomic_store(&s->thread, thread);
    atomic_thread_fence(memory_order_seq_cst);
}

COLD static Error *find_entry_stub(Store *s, VmFuncRef *f)
{
    const void *stub = NULL;
    Error *e = s->config.stub(s->config.arg, STUB_ENTRY, f->type, &stub);
    if (!e)
        f->reserved = (void *)(uintptr_t)stub;
    return e;
}

COLD static void enter_nested(Activation *a)
{
    a->own_fp = a->store->vm.exit_fp;
    a->own_pc = a->store->vm.exit_pc;
    VmStore *below = &a->prev->store->vm;
    a->below_fp = below->exit_fp;
    a->below_pc = below->exit_pc;
    a->store->vm.stack_limit = below->stack_limit;
}

static inline void enter_outermost(Store *s, const ThreadState *t)
{
    u64 sp = (u64)(uintptr_t)__builtin_frame_address(0);
    u64 limit = sp > s->config.max_wasm_stack ? sp - s->config.max_wasm_stack : 0;
    s->vm.stack_limit = MAX(limit, t->stack_floor);
}

/* Without a stack protector: the only array-like thing in the frame is written field by field. */
__attribute__((no_stack_protector)) Error *func_call(Store *s, VmFuncRef *f, VmVal *vals)
{
    ThreadState *t = &thread_state;
    if (UNLIKELY(!t->id))
        thread_init(t, (u64)(uintptr_t)__builtin_frame_address(0));
    if (UNLIKELY(!f->reserved)) {
        Error *e = find_entry_stub(s, f);
        if (e)
            return e;
    }
    if (UNLIKELY(atomic_load_explicit(&s->thread, memory_order_relaxed) != t->id))
        store_moved(s, t->id);
    Activation a;
    a.prev = t->top;
    a.store = s;
    if (LIKELY(!a.prev))
        enter_outermost(s, t);
    else
        enter_nested(&a);
    t->top = &a;
    /* An interrupt from here on finds the activation; one from before has left its mark. */
    atomic_signal_fence(memory_order_seq_cst);
    if (UNLIKELY(__atomic_load_n(&s->vm.pending, __ATOMIC_RELAXED))) {
        t->top = a.prev;
        return store_take_pending(s);
    }
    u32 left = LIKELY(!s->floats) ? wasm_enter(&a.sp, f->reserved, f->vmctx, f->code, vals)
                                  : wasm_enter_floats(&a.sp, f->reserved, f->vmctx, f->code, vals);
    t->top = a.prev;
    if (UNLIKELY(a.prev != NULL)) {
        s->vm.exit_fp = a.own_fp;
        s->vm.exit_pc = a.own_pc;
    }
    return UNLIKELY(left) ? activation_error(&a) : NULL;
}

const FuncType *func_type(Store *s, const VmFuncRef *f)
{
    return types_func_type(s->config.registry, f->type);
}
