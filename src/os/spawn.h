/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Other programs. */
#ifndef OS_SPAWN_H
#define OS_SPAWN_H

#include "base/error.h"

/* A running program. */
typedef int OsProcess;

/* Starts a program, which is looked for in PATH; NULL ends the arguments. */
Error *os_spawn(const char *const *argv, bool quiet, OsProcess *ret_process) MUST_CHECK;
/* Runs a program to its end. *ret_status: as shells count it; -1 if there is no such program. */
Error *os_spawn_wait(const char *const *argv, bool quiet, int *ret_status) MUST_CHECK;
/* Has it ended? Without waiting. */
bool os_process_ended(OsProcess p);
/* Asks it to end and waits until it has. */
void os_process_stop(OsProcess p);
/* A descriptor of the process, which no later one with its number gets hold of; -1 if there is none
 * to be had. */
int os_process_open(OsProcess p);
/* 0 or an errno value; ESRCH: it has ended. */
int os_process_signal(int fd, int signal);
/* Becomes the program. */
Error *os_exec(const char *const *argv) MUST_CHECK;

#endif
