/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The calls that are left to a process that computes on what it was given: memory, threads, and
 * reading and writing open files. It opens, executes, connects and signals nothing.
 */
#ifndef SHIM_CONFINE_H
#define SHIM_CONFINE_H

#include "base/base.h"

/* For this thread and those that it starts, until they end. False if it can not be. */
bool confine_to_computing(void);

#endif
