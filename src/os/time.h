/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Clocks and randomness. */
#ifndef OS_TIME_H
#define OS_TIME_H

#include "base/base.h"

u64 os_monotonic_ns(void);
u64 os_realtime_ns(void);
/* Unpredictable bytes. */
void os_random(void *p, usize n);

#endif
