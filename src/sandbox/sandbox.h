/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Containers by our own code, for the configurations that plan_read takes. A container's first
 * process is made and becomes its program, which waits at a descriptor; a file in a folder of state
 * says from before anything is made what there is to undo, for whoever comes after a crash.
 */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include "base/error.h"
#include "sandbox/inside.h"

enum { SANDBOX_FDS = SANDBOX_MAX_FDS, SANDBOX_HELD_FD = 3 };

typedef struct SandboxProgram {
    /* The program: it is executed from there, and not open in it. It begins at once, with
     * SANDBOX_HELD_FD, from which a byte comes when it shall go on, and its end when never.
     * Or -1: argv[0] is a program of the container, which begins when it is started. */
    int fd;
    const char *const *argv;
    /* What it has as 0, 1, ...: all at least SANDBOX_FDS. */
    int fds[SANDBOX_FDS];
    u32 nfds;
    u64 blocked; /* signals that it begins with blocked: bit 0 is signal 1 */
} SandboxProgram;

/* Why this host or the container needs the runtime though the plan was read; own, NULL if not. */
char *sandbox_refuses(const Plan *p) MUST_CHECK;
typedef struct SandboxMade {
    pid_t pid;
    int hold;    /* own; for sandbox_start, -1: it is not held */
    int console; /* own; the other side of the terminal, -1: there is none */
} SandboxMade;

/* Makes it; nothing is left on failure. `state` is the path of its folder of state, which is made
 * and must not be there. */
Error *sandbox_create(const Plan *p, const char *id, const char *state, SandboxProgram *program,
                      SandboxMade *ret_made) MUST_CHECK;
/* A further process in the container of `init`, which is a handle on its first one; the plan is the
 * container's with the process of the new one. It begins at once. */
Error *sandbox_exec(const Plan *p, const char *id, int init, SandboxProgram *program,
                    SandboxMade *ret_made) MUST_CHECK;
/* Lets the program go on; takes the descriptor. */
Error *sandbox_start(int hold) MUST_CHECK;

/* The control group of the container with that state if this code made it, own; otherwise NULL. */
char *sandbox_find(const char *state);
/* Kills and undoes all of it. */
Error *sandbox_delete(const char *state, const char *cgroup) MUST_CHECK;
Error *sandbox_freeze(const char *cgroup, bool on) MUST_CHECK;
Error *sandbox_signal(const char *cgroup, int signal) MUST_CHECK;
/* New limits: the JSON text of `linux.resources`. */
Error *sandbox_update(const char *cgroup, const void *text, usize n) MUST_CHECK;

#endif
