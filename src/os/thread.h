/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Mutexes and threads. */
#ifndef OS_THREAD_H
#define OS_THREAD_H

#include "base/base.h"

#include <pthread.h>

typedef struct OsMutex {
    pthread_mutex_t m;
} OsMutex;

void os_mutex_init(OsMutex *m);
void os_mutex_release(OsMutex *m);
static inline void os_mutex_lock(OsMutex *m)
{
    ALWAYS(pthread_mutex_lock(&m->m) == 0);
}
static inline void os_mutex_unlock(OsMutex *m)
{
    ALWAYS(pthread_mutex_unlock(&m->m) == 0);
}

typedef pthread_t OsThread;
/* False if the system refuses another thread. Threads have 2 MiB of stack and block all signals
 * that are sent to the process, so that the host's threads get them, but that of interrupts. */
bool os_thread_start(OsThread *t, void (*run)(void *arg), void *arg) MUST_CHECK;
void os_thread_join(OsThread t);

/* CPUs that this process may use, at least 1. */
u32 os_cpu_count(void);
/* Lowest address of the calling thread's stack, 0 if unknown. Asked once a thread. */
u64 os_stack_low(void);
/* Kernel's number of the calling thread. */
u32 os_thread_id(void);

#endif
