/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Traps, interrupts and backtraces.
 *
 * A trap is an instruction that faults, found in the tables of its function, or a builtin that
 * calls trap_raise. Either way the stack is walked first, while it is whole; then the activation
 * is left through wasm_unwind, which needs nothing but the stack pointer of its wasm_enter: wasm
 * frames hold nothing that has to be released, and the C frames in between are builtins, which
 * hold nothing when they raise.
 *
 * The walk follows frame pointers. Each activation's frames lie below its wasm_enter; the walk
 * ends there at a return address that no wasm function has (the entry stub's) and goes on where
 * wasm was left for the C code that made the call. A function sets up its frame before its first
 * trap site.
 *
 * Everything that runs in signal handlers here is async-signal-safe: it reads tables that are only
 * appended to, and the stack of the thread that it stopped.
 */
#include "runtime/trap.h"

#include "os/signal.h"
#include "runtime/activation.h"
#include "runtime/demangle.h"
#include "runtime/fiber.h"
#include "runtime/runtime_priv.h"
#include "runtime/x64/entry.h"
#include "runtime/x64/offsets.h"
#include "wasm/dwarf.h"

#include <stdio.h>

static_assert(offsetof(VmCtx, store) == CTX_STORE, "known to entry.S");
static_assert(offsetof(VmStore, exit_fp) == STORE_EXIT_FP, "known to entry.S");
static_assert(offsetof(VmStore, exit_pc) == STORE_EXIT_PC, "known to entry.S");

#define BACKTRACE_HEAD "error while executing at wasm backtrace:"
#define DETAILS_NOTE                                                                               \
    "note: using the `WASMTIME_BACKTRACE_DETAILS=1` environment variable may show more debugging " \
    "information"

enum {
    NULL_PAGE = 64 << 10, /* accesses through null references fault below */
    MAX_INLINED = 64,     /* functions that a frame may stand for */
};
static const u32 NO_OFFSET = UINT32_MAX; /* of a frame */

#ifdef __SANITIZE_ADDRESS__
void __asan_handle_no_return(void);
#endif

NORETURN NO_SANITIZE static void leave(const Activation *a)
{
#ifdef __SANITIZE_ADDRESS__
    __asan_handle_no_return();
#endif
    wasm_unwind(a->sp);
}

/* --- the walk --- */

static Frame *frames_of(const Store *s)
{
    return s->frames ? s->frames : thread_state.frames;
}

typedef struct Walk {
    Store *store; /* whose frames get the result */
    u64 pc, fp;
    u32 first_offset; /* of the first frame, UINT32_MAX: by its calls */
} Walk;

static void add_frame(Walk *w, const CodeMem *mem, const CodeFunc *f)
{
    u32 offset = w->first_offset;
    if (offset == UINT32_MAX)
        offset = code_wasm_offset(mem, f, w->pc);
    w->first_offset = UINT32_MAX;
    Store *s = w->store;
    frames_of(s)[s->nframes++] = (Frame){mem->owner, f->func, offset};
}

/* The frames of one activation. */
NO_SANITIZE static void walk_activation(Walk *w, const Activation *a)
{
    u64 low = 0;
    while (w->store->nframes < w->store->config.max_backtrace) {
        const CodeMem *mem = code_find(w->pc);
        const CodeFunc *f = mem && mem->owner ? code_find_func(mem, w->pc) : NULL;
        if (!f)
            return;
        add_frame(w, mem, f);
        /* Frames ascend, within the activation's part of the stack. */
        if (w->fp <= low || w->fp >= a->sp || w->fp % 8 != 0)
            return;
        low = w->fp;
        const u64 *frame = (const u64 *)(uintptr_t)w->fp;
        w->fp = frame[0];
        w->pc = frame[1];
    }
}

static void capture(const Activation *a, u64 pc, u64 fp, u32 first_offset)
{
    Walk w = {a->store, pc, fp, first_offset};
    a->store->nframes = 0;
    walk_activation(&w, a);
    for (; a->prev; a = a->prev) {
        w.pc = a->below_pc;
        w.fp = a->below_fp;
        walk_activation(&w, a->prev);
    }
}

/* --- raising --- */

NO_SANITIZE void trap_raise(VmCtx *ctx, TrapCode code)
{
    Activation *a = thread_state.top;
    ALWAYS(a && a->store == store_of(ctx));
    a->error = NULL;
    a->trap = code;
    a->faulted = false;
    capture(a, ctx->store->exit_pc, ctx->store->exit_fp, UINT32_MAX);
    leave(a);
}

NO_SANITIZE void trap_raise_error(VmCtx *ctx, Error *e)
{
    Activation *a = thread_state.top;
    ALWAYS(a && a->store == store_of(ctx));
    a->error = e;
    capture(a, ctx->store->exit_pc, ctx->store->exit_fp, UINT32_MAX);
    leave(a);
}

NO_SANITIZE void trap_check_pending(VmCtx *ctx)
{
    if (__atomic_load_n(&ctx->store->pending, __ATOMIC_RELAXED))
        trap_raise_error(ctx, store_take_pending(store_of(ctx)));
}

void host_fail(Store *s, Error *e)
{
    void *old = __atomic_exchange_n(&s->vm.pending, e, __ATOMIC_ACQ_REL);
    if (old != INTERRUPT_PENDING)
        error_free(old); /* the last error counts */
}

Error *store_take_pending(Store *s)
{
    void *p = __atomic_exchange_n(&s->vm.pending, NULL, __ATOMIC_ACQ_REL);
    atomic_store(&s->interrupt, false);
    return p == INTERRUPT_PENDING ? trap_error(TRAP_INTERRUPT) : p;
}

void store_interrupt(Store *s)
{
    atomic_store(&s->interrupt, true);
    void *none = NULL;
    __atomic_compare_exchange_n(&s->vm.pending, &none, INTERRUPT_PENDING, false, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
    u32 thread = atomic_load(&s->thread);
    if (thread)
        os_signal_interrupt(thread);
}

/* --- signals --- */

/* The memory that an access at that machine address was meant for, NULL if none. Code that checks
 * its accesses may send those that fail to the guard in front; where it does not check, a fault
 * there is a bug of ours and no trap. */
static const Memory *memory_at(const Store *s, u64 address)
{
    for (const Memory *m = s->memories; m; m = m->next) {
        u64 map = (u64)(uintptr_t)m->map, from = map;
        if (memory_is_guarded(&m->type, &s->tunables))
            from = (u64)(uintptr_t)m->vm->base;
        if (address >= from && address < map + m->map_bytes)
            return m;
    }
    return NULL;
}

/* Notes where an access failed. False: no access of this store's wasm code can have the address, so
 * the fault is not a trap. */
NO_SANITIZE static bool note_address(Activation *a, TrapCode code, u64 address)
{
    if (code != TRAP_MEMORY_OUT_OF_BOUNDS && code != TRAP_HEAP_MISALIGNED)
        return address < NULL_PAGE;
    a->memory = memory_at(a->store, address);
    if (!a->memory)
        return false;
    u64 base = (u64)(uintptr_t)a->memory->vm->base;
    a->faulted = /* elsewhere what failed the check has another address */
        memory_is_guarded(&a->memory->type, &a->store->tunables);
    a->address = address - base;
    return true;
}

NO_SANITIZE static bool on_fault(const OsFault *f)
{
    Activation *a = thread_state.top;
    const CodeMem *mem = a ? code_find(f->pc) : NULL;
    const CodeFunc *func = mem && mem->owner ? code_find_func(mem, f->pc) : NULL;
    const TrapSite *site = func ? code_find_trap(mem, func, f->pc) : NULL;
    if (!site)
        return false;
    a->faulted = false;
    if (f->kind == OS_FAULT_MEMORY && !note_address(a, site->trap, f->address))
        return false;
    a->error = NULL;
    a->trap = site->trap;
    capture(a, f->pc, f->fp, site->wasm);
    if (site->trap == TRAP_STACK_OVERFLOW && a->store->nframes) /* no instruction of the guest's */
        frames_of(a->store)[0].offset = NO_OFFSET;
    os_fault_resume(f, (u64)(uintptr_t)wasm_unwind, a->sp);
    return true;
}

NO_SANITIZE static OsInterrupt on_interrupt(const OsFault *f)
{
    Activation *a = thread_state.top;
    if (!a)
        return OS_INTERRUPT_NONE;
    if (!atomic_load(&a->store->interrupt)) {
        for (a = a->prev; a; a = a->prev)
            if (atomic_load(&a->store->interrupt))
                return OS_INTERRUPT_AGAIN;
        return OS_INTERRUPT_NONE;
    }
    const CodeMem *mem = code_find(f->pc);
    if (!mem || !mem->owner || !code_find_func(mem, f->pc))
        return OS_INTERRUPT_AGAIN; /* in C or a stub: the mark is seen on the way back, or later */
    atomic_store(&a->store->interrupt, false);
    void *mark = INTERRUPT_PENDING;
    __atomic_compare_exchange_n(&a->store->vm.pending, &mark, NULL, false, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
    a->error = NULL;
    a->trap = TRAP_INTERRUPT;
    a->faulted = false;
    capture(a, f->pc, f->fp, UINT32_MAX);
    os_fault_resume(f, (u64)(uintptr_t)wasm_unwind, a->sp);
    return OS_INTERRUPT_DONE;
}

/* What wasm_yield needs of the stack that it stops. */
enum { YIELD_ROOM = 64 << 10 };

/* Wasm code goes on in wasm_yield, which comes back here; C code sees the mark where it may. */
NO_SANITIZE static void on_yield(const OsFault *f)
{
    ThreadState *t = &thread_state;
    if (!t->top || !t->fiber)
        return;
    const CodeMem *mem = code_find(f->pc);
    if (fiber_may_yield(t) && mem && mem->owner && code_find_func(mem, f->pc) &&
        f->sp + YIELD_ROOM > t->stack_floor) {
        t->yield_pc = f->pc;
        os_fault_go_on_at(f, (u64)(uintptr_t)wasm_yield);
    } else {
        __atomic_store_n(&t->yield_asked, true, __ATOMIC_RELAXED);
    }
}

void trap_install_handlers(void)
{
    os_signal_install(on_fault, on_interrupt, on_yield);
}

/* Why the guest that has yielded is left, NULL if it goes on. */
static Error *left_meanwhile(const ThreadState *t)
{
    Store *s = t->top->store;
    if (__atomic_load_n(&s->vm.pending, __ATOMIC_RELAXED))
        return store_take_pending(s);
    return fiber_is_stopped(t->fiber) ? trap_error(TRAP_INTERRUPT) : NULL;
}

NO_SANITIZE u64 wasm_yielded(u64 fp)
{
    ThreadState *t = &thread_state;
    Activation *a = t->top;
    u64 pc = t->yield_pc;
    Error *e = left_meanwhile(t);
    if (!e) {
        fiber_yield(t);
        e = left_meanwhile(t);
    }
    if (!e)
        return pc;
    a->error = e;
    capture(a, pc, fp, UINT32_MAX);
    leave(a);
}

NO_SANITIZE void trap_look(VmCtx *ctx)
{
    ThreadState *t = &thread_state;
    trap_check_pending(ctx);
    if (LIKELY(!__atomic_load_n(&t->yield_asked, __ATOMIC_RELAXED)) || !fiber_may_yield(t))
        return;
    fiber_yield(t);
    Error *e = left_meanwhile(t);
    if (e)
        trap_raise_error(ctx, e);
}

/* --- errors --- */

Error *trap_error(TrapCode code)
{
    return error_new_kind(ERROR_TRAP, (int)code, "wasm trap: %s", trap_text(code));
}

static void put_func_name(Buf *out, const WasmModule *w, u32 func)
{
    Str name = module_func_name(w, func);
    if (name.p)
        demangle(out, name);
    else
        buf_printf(out, "<wasm function %u>", func);
}

/* One of the functions that a frame stands for; the first one is where it stopped. */
static void put_source(Buf *out, const WasmModule *w, u32 func, const DwarfFrame *d, bool first)
{
    if (!first)
        buf_str(out, STR("\n                - "));
    if (d->name.p)
        demangle(out, d->name);
    else if (first)
        put_func_name(out, w, func);
    else
        buf_str(out, STR("<inlined function>"));
    if (!d->file.p)
        return;
    buf_str(out, STR("\n                    at "));
    dwarf_put_path(d, out);
    if (d->line)
        buf_printf(out, ":%u", d->line);
    if (d->line && d->column)
        buf_printf(out, ":%u", d->column);
}

static void format_frame(Buf *out, u32 number, const Frame *f, const StoreConfig *config)
{
    const WasmModule *w = module_wasm(f->module);
    Str module = module_name(w);
    char offset[16];
    snprintf(offset, sizeof offset, "0x%llx", (unsigned long long)w->file_at + f->offset);
    buf_printf(out, "\n  %3u: ", number);
    bool known = !config->no_offsets && f->offset != NO_OFFSET;
    if (known)
        buf_printf(out, "%8s - ", offset);
    DwarfFrame sources[MAX_INLINED];
    u32 n = known && config->details ? dwarf_frames(w, f->offset, sources, MAX_INLINED) : 0;
    for (u32 i = 0; i < n; i++)
        put_source(out, w, f->func, &sources[i], i == 0);
    if (n)
        return;
    buf_str(out, module.p ? module : STR("<unknown>"));
    buf_u8(out, '!');
    put_func_name(out, w, f->func);
}

static bool has_backtrace(const Error *e)
{
    for (; e; e = e->cause)
        if (str_starts(str_of(e->message), STR(BACKTRACE_HEAD)))
            return true;
    return false;
}

static Error *activation_trap(const Activation *a)
{
    Error *e = trap_error(a->trap);
    if (!a->faulted)
        return e;
    return error_wrap(e, "memory fault at wasm address 0x%llx in linear memory of size 0x%llx",
                      (unsigned long long)a->address, (unsigned long long)a->memory->vm->length);
}

static bool frames_have_debug_info(const Store *s)
{
    const Module *seen = NULL;
    for (u32 i = 0; i < s->nframes; i++) {
        const Module *m = frames_of(s)[i].module;
        if (m != seen && module_has_debug_info(module_wasm(m)))
            return true;
        seen = m;
    }
    return false;
}

Error *activation_error(Activation *a)
{
    Store *s = a->store;
    Error *e = a->error ? a->error : activation_trap(a);
    if (s->nframes == 0 || has_backtrace(e) || error_find(e, ERROR_EXIT))
        return e;
    Buf text = {0};
    buf_str(&text, STR(BACKTRACE_HEAD));
    for (u32 i = 0; i < s->nframes; i++)
        format_frame(&text, i, &frames_of(s)[i], &s->config);
    if (s->config.details_note && frames_have_debug_info(s))
        buf_str(&text, STR("\n" DETAILS_NOTE));
    char *message = buf_take_string(&text);
    e = error_wrap(e, "%s", message);
    mem_free(message);
    return e;
}

/* --- the first call of a function --- */

NO_SANITIZE const void *lazy_compile(VmCtx *ctx, u32 defined)
{
    Module *m = instance_of(ctx)->module;
    u32 func = m->wasm->n_imported_funcs + defined;
    module_lock(m);
    Error *e = NULL;
    if (!code_is_compiled(m->code, func)) /* another thread may have been quicker */
        e = m->config.compile(m->config.arg, m, func);
    module_unlock(m);
    if (e)
        trap_raise_error(ctx, error_wrap(e, "failed to compile function %u", func));
    trap_look(ctx);
    return code_entry(m->code, func);
}
