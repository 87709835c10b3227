/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the benchmarks within a process share. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "base/buf.h"
#include "engine/engine.h"

u64 bench_now(void);        /* ns */
void bench_check(Error *e); /* ends the program */
void bench_read(const char *path, Buf *ret_bytes);
Engine *bench_engine(bool lazy); /* one compile thread */

#endif
