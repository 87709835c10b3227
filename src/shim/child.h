/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Child processes: commands that are run to their end, and the processes of containers, which
 * become ours when the runtime that made them ends (the shim is a subreaper). One thread reaps them
 * all.
 */
#ifndef SHIM_CHILD_H
#define SHIM_CHILD_H

#include "base/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

enum { CHILD_FDS = 5, EXIT_NO_COMMAND = 127 };

/* What a command gets: descriptors 0 to 4 (-1: /dev/null for the first three, else nothing). */
typedef struct ChildSpec {
    const char *const *argv;
    const char *dir;        /* working directory, NULL: as this process */
    const char *const *env; /* NULL: that of this process */
    int fds[CHILD_FDS];
    int fd5;                      /* 0: none */
    const atomic_bool *abandoned; /* see children_abandon; NULL: nobody may end it */
    bool hold_signals; /* those that end a process wait until it, or what it starts, takes them */
} ChildSpec;

/* status: as of waitpid. Called without locks, for processes that children_run did not start. */
typedef void ExitFn(void *ctx, pid_t pid, int status);

typedef struct Command Command;

typedef struct Children {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    Command *commands; /* that run; on the stacks of who waits for them */
    ExitFn *exited;
    void *ctx;
} Children;

/* SIGCHLD must be blocked in every thread. */
Error *children_init(Children *c, ExitFn *exited, void *ctx) MUST_CHECK;
/* Starts a command, found in PATH, whose end nobody waits for. */
Error *children_start(Children *c, const ChildSpec *spec) MUST_CHECK;
/* Runs the command, found in PATH, to its end. */
Error *children_run(Children *c, const ChildSpec *spec, int *ret_status) MUST_CHECK;
/* Sets the flag: commands with it are killed, and no more are run. */
void children_abandon(Children *c, atomic_bool *abandoned);
/*
 * The process of "--with-parent PID COMMAND...", as which a command is run that must not go on when
 * who runs it is killed: becomes the command. It lives no longer than the thread that has begun it.
 */
int child_main(int nwords, char **words);

#endif
