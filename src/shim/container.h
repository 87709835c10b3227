/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The containers of one pod and their processes. Locks: `op` of a container, held while something
 * is done to it that takes time (its runtime works), then `lock` of the shim, for all that State
 * and Wait see, never held across a command or a write.
 */
#ifndef SHIM_CONTAINER_H
#define SHIM_CONTAINER_H

#include "shim/bundle.h"
#include "shim/events.h"
#include "shim/modules.h"
#include "shim/runtime.h"
#include "shim/server.h"
#include "shim/stdio.h"

/* As in State's answer. */
typedef enum ProcessState {
    PROCESS_CREATED = 1,
    PROCESS_RUNNING = 2,
    PROCESS_STOPPED = 3,
    PROCESS_PAUSED = 4,
} ProcessState;

typedef struct Process {
    struct Process *next; /* of the container's others */
    char *exec_id;        /* own; "" for the container's first */
    ProcessState state;
    pid_t pid; /* 0: none yet */
    int pidfd; /* -1: none */
    u32 exit_status;
    Pb__Timestamp exited_at;
    /* Its start is not published: its exit waits until it is. */
    bool starting, exit_waits;
    Stdio stdio;
    VEC(Call *) waiters; /* of Wait */
} Process;

typedef struct Container {
    struct Container *next;
    u32 refs;
    char *id, *bundle, *root, *cgroup; /* own */
    char *asked_cgroup;                /* own; what config.json names, NULL: not read yet */
    Runtime runtime;
    Process *init, *execs; /* own */
    bool gone;             /* deleted, but somebody still looks at it */
    const void *client;    /* of Create, while it is done */
    atomic_bool abandoned; /* by that one */
    pthread_mutex_t op;
} Container;

enum { STRAYS = 64 };

/* The exit of a process that nobody knew yet. */
typedef struct Stray {
    pid_t pid;
    int status;
    struct timespec at;
} Stray;

/* What a thread finds out from the shim's first moment on, while containerd comes to its Create. */
typedef struct Foreseen {
    bool begun; /* until it is taken, by one */
    pthread_t thread;
    const char *id; /* borrow: of the container that the shim is started for */
    Error *why;
    bool found; /* its image has a wasm layer */
    Digest layer;
} Foreseen;

typedef struct Shim {
    const char *ns, *address; /* borrow: of containerd */
    char socket[128];         /* our own; the bundle, which names it too, may go before */
    ShimLog log;
    Children children;
    Events events;
    pthread_mutex_t lock;
    pthread_cond_t exited; /* some process ended */
    Container *containers;
    Stray strays[STRAYS];
    u32 next_stray;
    Modules modules;
    int executor; /* this program as containers get it, -1: not made yet */
    Foreseen foreseen;
} Shim;

bool id_valid(const char *id);
Process *process_new(const char *exec_id);
void process_free(Process *p);
/* Who waits for a process that will not be seen to end gets an error. */
void process_abandon(Shim *s, Process *p);

/* Referenced; NULL if there is none. */
Container *container_find(Shim *s, const char *id);
void container_unref(Shim *s, Container *c);
/* Enters it, false if the id is taken; with a reference for the caller. */
bool container_add(Shim *s, Container *c);
void container_remove(Shim *s, Container *c);
/* With the shim's lock held; NULL if there is none. */
Process *container_process(const Container *c, const char *exec_id);

/* The process has this id now; `since` is when its making began. With the shim's lock held. */
void process_set_pid(Shim *s, Container *c, Process *p, pid_t pid, const struct timespec *since);
/* Publishes what waited for the start to be published. With the shim's lock held. */
void process_started(Shim *s, Container *c, Process *p);
/* ExitFn */
void shim_exited(void *shim, pid_t pid, int status);

#endif
