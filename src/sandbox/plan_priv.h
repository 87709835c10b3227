/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Parts of the reader of plans. */
#ifndef SANDBOX_PLAN_PRIV_H
#define SANDBOX_PLAN_PRIV_H

#include "sandbox/plan.h"

void plan_read_mounts(Reader *r, Plan *p, const json_t *config);
void plan_read_devices(Reader *r, Plan *p, const json_t *v);
void plan_read_filter(Reader *r, Plan *p, const json_t *seccomp);
/* Absolute, without "." and ".." and of a bounded length; otherwise it is refused. */
const char *plan_path(Reader *r, const char *where, const char *path);

#endif
