/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Signals of Linux on x86-64. The interrupt signal is SIGURG, which nobody minds by default. An
 * interrupt that cannot be honoured where it arrives is repeated by a timer of the kernel until it
 * is: the handler creates it (by system call, which is safe there) and, once not asked to go on,
 * deletes it.
 */
#include "os/signal.h"

#include "os/thread.h"
#include "os/vm.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum {
    INTERRUPT = SIGURG,
    ALT_STACK = 64 << 10,
    REPEAT_NS = 1000000,
    TIMER_MAGIC = 0x77637469, /* marks our timers' signals */
    YIELD_MAGIC = 0x77637979, /* and those that ask to yield */
};

static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, INTERRUPT};
static struct sigaction earlier[ARRAY_LEN(signals)];
static OsFaultFn *fault_fn;
static OsInterruptFn *interrupt_fn;
static OsYieldFn *yield_fn;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t alt_stack_key;

static u32 row_of(int sig)
{
    u32 i = 0;
    while (signals[i] != sig)
        i++;
    return i;
}

/* What would have happened without us. */
static void chain(int sig, siginfo_t *info, void *context)
{
    const struct sigaction *old = &earlier[row_of(sig)];
    if (old->sa_flags & SA_SIGINFO) {
        old->sa_sigaction(sig, info, context);
        return;
    }
    if (old->sa_handler == SIG_IGN && sig == INTERRUPT)
        return;
    if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN) {
        old->sa_handler(sig);
        return;
    }
    if (sig == INTERRUPT) /* ignored by default */
        return;
    /* The instruction faults again, or the sent signal is sent again, and the process ends. */
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    sigaction(sig, &dfl, NULL);
    if (info->si_code <= 0)
        raise(sig);
}

static OsFault fault_of(int sig, const siginfo_t *info, void *context)
{
    const ucontext_t *u = context;
    OsFault f = {.context = context,
                 .pc = (u64)u->uc_mcontext.gregs[REG_RIP],
                 .sp = (u64)u->uc_mcontext.gregs[REG_RSP],
                 .fp = (u64)u->uc_mcontext.gregs[REG_RBP]};
    f.kind = sig == SIGILL ? OS_FAULT_ILLEGAL : sig == SIGFPE ? OS_FAULT_MATH : OS_FAULT_MEMORY;
    f.address = (u64)(uintptr_t)info->si_addr;
    return f;
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
    int saved = errno;
    /* Positive: raised by the processor, not sent by somebody. */
    if (info->si_code > 0) {
        OsFault f = fault_of(sig, info, context);
        if (fault_fn(&f)) {
            errno = saved;
            return;
        }
    }
    errno = saved;
    chain(sig, info, context);
}

static void start_repeating(void)
{
    struct sigevent ev = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = INTERRUPT};
    ev.sigev_value.sival_int = TIMER_MAGIC;
    ev.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
    int timer = 0;
    if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &timer) != 0)
        return;
    struct itimerspec when = {{0, REPEAT_NS}, {0, REPEAT_NS}};
    syscall(SYS_timer_settime, timer, 0, &when, NULL);
}

static bool is_ours(const siginfo_t *info, int code, int magic)
{
    return info->si_code == code && info->si_value.sival_int == magic;
}

/*
 * One that asks to yield may stand for an interrupt, too: a signal that is sent while another waits
 * to be delivered is lost.
 */
static void on_interrupt(int sig, siginfo_t *info, void *context)
{
    int saved = errno;
    bool timer = is_ours(info, SI_TIMER, TIMER_MAGIC);
    bool yield = is_ours(info, SI_QUEUE, YIELD_MAGIC) && info->si_pid == getpid();
    bool sent = info->si_code == SI_TKILL && info->si_pid == getpid();
    if (!timer && !sent && !yield) {
        chain(sig, info, context);
        return;
    }
    OsFault f = fault_of(sig, info, context);
    OsInterrupt what = interrupt_fn(&f);
    if (what == OS_INTERRUPT_AGAIN && !timer)
        start_repeating();
    if (what != OS_INTERRUPT_AGAIN && timer)
        syscall(SYS_timer_delete, info->si_timerid);
    if (what == OS_INTERRUPT_NONE && yield)
        yield_fn(&f);
    errno = saved;
    if (what == OS_INTERRUPT_NONE && sent)
        chain(sig, info, context); /* other runtimes use this signal among their threads, too */
}

static void free_alt_stack(void *p)
{
    stack_t off = {.ss_flags = SS_DISABLE}, now;
    if (sigaltstack(NULL, &now) == 0 && now.ss_sp == (u8 *)p + os_page_size())
        sigaltstack(&off, NULL);
    os_vm_release(p, os_page_size() + ALT_STACK);
}

static void install(void)
{
    ALWAYS(pthread_key_create(&alt_stack_key, free_alt_stack) == 0);
    for (u32 i = 0; i < ARRAY_LEN(signals); i++) {
        /* No SA_RESTART: an interrupt must end system calls that block. */
        struct sigaction act = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
        act.sa_sigaction = signals[i] == INTERRUPT ? on_interrupt : on_fault;
        sigemptyset(&act.sa_mask);
        if (signals[i] == INTERRUPT)
            act.sa_flags &= ~SA_NODEFER;
        else /* nothing may look at the thread while its registers are being changed */
            sigaddset(&act.sa_mask, INTERRUPT);
        ALWAYS(sigaction(signals[i], &act, &earlier[i]) == 0);
    }
}

void os_signal_install(OsFaultFn *fault, OsInterruptFn *interrupt, OsYieldFn *yield)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    if (!fault_fn) {
        fault_fn = fault;
        interrupt_fn = interrupt;
        yield_fn = yield;
    }
    pthread_mutex_unlock(&lock);
    pthread_once(&once, install);
}

void os_signal_thread_init(void)
{
    static _Thread_local bool done;
    if (LIKELY(done))
        return;
    done = true;
    stack_t now;
    if (sigaltstack(NULL, &now) == 0 && !(now.ss_flags & SS_DISABLE))
        return;
    u64 guard = os_page_size();
    u8 *p = os_vm_alloc(guard + ALT_STACK);
    if (!p || !os_vm_protect(p, guard, OS_PROT_NONE))
        return; /* faults are handled on the thread's own stack, which has room for it */
    stack_t alt = {.ss_sp = p + guard, .ss_size = ALT_STACK};
    if (sigaltstack(&alt, NULL) != 0) {
        os_vm_release(p, guard + ALT_STACK);
        return;
    }
    pthread_setspecific(alt_stack_key, p);
}

void os_fault_resume(const OsFault *f, u64 pc, u64 arg)
{
    ucontext_t *u = f->context;
    u->uc_mcontext.gregs[REG_RIP] = (greg_t)pc;
    u->uc_mcontext.gregs[REG_RDI] = (greg_t)arg;
    u->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)0x400; /* the direction flag, as C expects it */
}

void os_fault_go_on_at(const OsFault *f, u64 pc)
{
    ((ucontext_t *)f->context)->uc_mcontext.gregs[REG_RIP] = (greg_t)pc;
}

void os_signal_yield(u32 thread_id)
{
    siginfo_t info = {.si_code = SI_QUEUE};
    int saved = errno;
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_int = YIELD_MAGIC;
    syscall(SYS_rt_tgsigqueueinfo, info.si_pid, (pid_t)thread_id, INTERRUPT, &info);
    errno = saved;
}

void os_signal_interrupt(u32 thread_id)
{
    int saved = errno;
    syscall(SYS_tgkill, getpid(), (pid_t)thread_id, INTERRUPT);
    errno = saved;
}
