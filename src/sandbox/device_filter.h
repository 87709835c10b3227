/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which devices the processes of a control group of version 2 may use. */
#ifndef SANDBOX_DEVICE_FILTER_H
#define SANDBOX_DEVICE_FILTER_H

#include "base/vec.h"
#include "os/bpf.h"
#include "sandbox/resources.h"

typedef VEC(OsBpfInsn) DeviceFilter;

/*
 * A program that grants an access if the last rule that has a say grants it: one that forbids has
 * it if it names any part of the access, one that allows if it names all. Without any it is
 * refused.
 */
void device_filter_make(const DeviceRule *rules, u32 n, DeviceFilter *ret_filter);

#endif
