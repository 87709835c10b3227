/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Signals of the process: faults (SEGV, BUS, ILL, FPE) and the interrupt signal, which has a second
 * meaning: that a thread is to let others have a turn. Handlers that
 * were installed before ours are kept and get what is not ours; for those installed later ours is
 * the earlier one.
 *
 * The state is process-wide: the kernel has one table of handlers a process.
 */
#ifndef OS_SIGNAL_H
#define OS_SIGNAL_H

#include "base/base.h"

typedef enum OsFaultKind { OS_FAULT_MEMORY, OS_FAULT_ILLEGAL, OS_FAULT_MATH } OsFaultKind;

/* Where a thread was stopped. The functions that get it run in a signal handler, on the thread. */
typedef struct OsFault {
    OsFaultKind kind; /* meaningless for interrupts */
    u64 address;      /* OS_FAULT_MEMORY: what was accessed */
    u64 pc, sp, fp;
    void *context;
} OsFault;

/* True if it was theirs; then they have called os_fault_resume. */
typedef bool OsFaultFn(const OsFault *f);
typedef enum OsInterrupt {
    OS_INTERRUPT_NONE,  /* nothing was due: the signal may have been meant for somebody else */
    OS_INTERRUPT_DONE,  /* it was honoured; os_fault_resume may have been called */
    OS_INTERRUPT_AGAIN, /* it is due and could not be honoured here: call again soon */
} OsInterrupt;
/* The interrupt signal arrived. */
typedef OsInterrupt OsInterruptFn(const OsFault *f);

/* The signal to yield arrived: os_signal_yield. */
typedef void OsYieldFn(const OsFault *f);

/* Once a process; later calls do nothing. Thread-safe. */
void os_signal_install(OsFaultFn *fault, OsInterruptFn *interrupt, OsYieldFn *yield);
/* Gives the calling thread an alternate signal stack if it has none; once a thread. */
void os_signal_thread_init(void);
/* The thread goes on at `pc` with `arg` as first argument of the C convention. */
void os_fault_resume(const OsFault *f, u64 pc, u64 arg);
/* The thread goes on at `pc` with all registers as they are. */
void os_fault_go_on_at(const OsFault *f, u64 pc);
/* Sends the interrupt signal; nothing happens if there is no such thread any more. Safe in signal
 * handlers. */
void os_signal_interrupt(u32 thread_id);
/* Sends the signal to yield, once; as above. */
void os_signal_yield(u32 thread_id);

#endif
