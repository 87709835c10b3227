/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Threads over pthreads. */
#include "os/thread.h"

#include "base/mem.h"

#include <sched.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    STACK_SIZE = 2 << 20,
    UNLIMITED_STACK = 64 << 20, /* what is relied on where there is no limit */
};

void os_mutex_init(OsMutex *m)
{
    ALWAYS(pthread_mutex_init(&m->m, NULL) == 0);
}

void os_mutex_release(OsMutex *m)
{
    ALWAYS(pthread_mutex_destroy(&m->m) == 0);
}

typedef struct Start {
    void (*run)(void *arg);
    void *arg;
} Start;

static void *start(void *p)
{
    Start s = *(Start *)p;
    mem_free(p);
    s.run(s.arg);
    return NULL;
}

bool os_thread_start(OsThread *t, void (*run)(void *arg), void *arg)
{
    Start *s = mem_alloc(sizeof *s);
    *s = (Start){run, arg};
    pthread_attr_t attr;
    ALWAYS(pthread_attr_init(&attr) == 0);
    ALWAYS(pthread_attr_setstacksize(&attr, STACK_SIZE) == 0);
    sigset_t all, before;
    sigfillset(&all);
    /* Faults must stay deliverable: a blocked one ends the process without a handler. */
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGURG); /* interrupts what the thread runs: os_signal_interrupt */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int rc = pthread_create(t, &attr, start, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (rc != 0)
        mem_free(s);
    return rc == 0;
}

void os_thread_join(OsThread t)
{
    ALWAYS(pthread_join(t, NULL) == 0);
}

u32 os_cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? (u32)n : 1;
}

/*
 * The first thread's stack grows on demand up to the limit. Its top holds the arguments and the
 * environment, a quarter of the limit at most, and right below them the random bytes that the
 * kernel leaves for the program. (pthread_getattr_np reads /proc/self/maps instead.)
 */
static u64 first_stack_low(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_STACK, &limit) != 0)
        return 0;
    u64 bytes = MIN(limit.rlim_cur, (rlim_t)UNLIMITED_STACK);
    u64 top = getauxval(AT_RANDOM);
    return top > bytes ? top - (bytes - bytes / 4) : 0;
}

static u64 stack_low(void)
{
    if (gettid() == getpid())
        return first_stack_low();
    pthread_attr_t attr;
    if (pthread_getattr_np(pthread_self(), &attr) != 0)
        return 0;
    void *low = NULL;
    usize size = 0, guard = 0;
    bool ok = pthread_attr_getstack(&attr, &low, &size) == 0;
    pthread_attr_getguardsize(&attr, &guard);
    pthread_attr_destroy(&attr);
    return ok ? (u64)(uintptr_t)low + guard : 0;
}

u64 os_stack_low(void)
{
    static _Thread_local u64 low;
    if (UNLIKELY(low == 0))
        low = stack_low();
    return low;
}

u32 os_thread_id(void)
{
    static _Thread_local u32 id;
    if (UNLIKELY(id == 0))
        id = (u32)gettid();
    return id;
}
