/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What the child does until it becomes the program. It shares nothing with its parent but holds
 * a copy of its memory, in which locks may be taken for ever: so it makes system calls, and uses
 * memory that was there before.
 */
#ifndef SANDBOX_INSIDE_H
#define SANDBOX_INSIDE_H

#include "sandbox/plan.h"

enum { SANDBOX_MAX_FDS = 8 };

typedef enum Step {
#define STEP(name, what, item, kind) STEP_##name,
#include "sandbox/steps.def"
#undef STEP
    STEP_COUNT,
} Step;

/* One of the hierarchies of control groups, where the container is shown them (version 1). */
typedef struct InsideGroup {
    const char *name;   /* of its folder: "cpu,cpuacct" */
    const char *path;   /* of the container's group on the host */
    const char *source; /* of a mount */
    OsMountParam params[PLAN_PARAMS];
    u32 nparams;
    const char *links[PLAN_PARAMS]; /* other names of it: "cpu" */
    u32 nlinks;
} InsideGroup;

typedef struct Inside {
    const Plan *plan;
    int enter; /* -1; of a further process: a handle on the container's first one */
    const char *keyring;
    char *const *groups; /* files of processes to write to; NULL ends them */
    bool unified;        /* version 2 of control groups */
    const InsideGroup *group_mounts;
    u32 ngroup_mounts;
    int joins[ARRAY_LEN(((Plan *)0)->joins)]; /* descriptors of plan->joins */
    u64 blocked;                              /* signals that the program begins with blocked */
    const char *const *argv;
    int program;    /* -1: argv[0] says what it is, in the container */
    int held;       /* program -1: where a byte comes from when it shall begin */
    const int *fds; /* the program's, from 0 */
    u32 nfds;
    int console; /* a socket to which a terminal's other side goes */
    int tty;     /* the terminal */
    int report;  /* a pipe that ends when the program begins, unless an InsideReport came before */
    int root;    /* a handle */
    u32 item;    /* which one of a list the step is at */
    char path[4096]; /* of the program */
} Inside;

typedef struct InsideReport {
    Step step;
    u32 item;
    i32 error; /* 0: all is ready for a program that is held */
} InsideReport;

NORETURN void inside_run(Inside *in);
/* "failed to mount `/proc`: Operation not permitted"; own. */
char *inside_failure(const Inside *in, const InsideReport *r);

#endif
