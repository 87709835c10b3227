/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Lines for containerd's log, through the FIFO `log` of the bundle. */
#ifndef SHIM_LOG_H
#define SHIM_LOG_H

#include "base/base.h"

typedef struct ShimLog {
    int fd; /* -1: there is nobody to tell */
    bool debug;
} ShimLog;

void shim_log_open(ShimLog *l, bool debug);
/* `level`: "debug", "info", "warning", "error". Never waits: a line that does not fit is lost. */
void shim_log(const ShimLog *l, const char *level, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
