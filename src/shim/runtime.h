/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The OCI runtime (runc, or another with its command line) that makes containers. */
#ifndef SHIM_RUNTIME_H
#define SHIM_RUNTIME_H

#include "shim/child.h"
#include "shim/shim.pb-c.h"

typedef struct Runtime {
    Children *children;           /* borrow */
    const atomic_bool *abandoned; /* borrow; who asked for create has gone */
    char *root;                   /* own; where it keeps its state */
    bool systemd_cgroup, no_pivot;
    /* Of a container that our own sandbox made: its control group (own; NULL: the runtime made it),
     * and what holds its program until it is started, -1: nothing. */
    char *cgroup;
    int hold;
} Runtime;

/* Options of Create; other kinds than those known are ignored. */
Error *runtime_init(Runtime *r, Children *children, const char *ns,
                    const Pb__Any *options) MUST_CHECK;
void runtime_release(Runtime *r);
/* The root goes to `<bundle>/options.json`, where `delete` finds it. */
Error *runtime_save(const Runtime *r, const char *bundle) MUST_CHECK;
void runtime_load(Runtime *r, const char *bundle, const char *id);
/* Nothing is left of the container: the file goes, so that `delete` need not look. */
void runtime_forget(const char *bundle);
bool runtime_forgotten(const char *bundle);

/* What a process of a container starts with. */
typedef struct RuntimeIo {
    int fds[CHILD_FDS];  /* 3, 4: for the container, too; -1: none */
    const char *console; /* a socket in the working directory, NULL: no terminal */
} RuntimeIo;

/* `config_dir` has config.json and is the working directory, `bundle` is that of exec; messages of
 * the runtime go to `<bundle>/runtime.log`. */
Error *runtime_create(Runtime *r, const char *id, const char *bundle, const char *config_dir,
                      const RuntimeIo *io, pid_t *ret_pid) MUST_CHECK;
/* `spec` is a file with the OCI specification's process. */
Error *runtime_exec(Runtime *r, const char *id, const char *bundle, const char *spec,
                    const RuntimeIo *io, pid_t *ret_pid) MUST_CHECK;
/* The folder with a container's state; own. */
char *runtime_state(const Runtime *r, const char *id);
/* Is there anything of the container to be deleted? */
bool runtime_has(const Runtime *r, const char *id);
/* start, pause, resume, "delete --force", "kill --all": words around the container's id, or what
 * they mean for a container of our own. */
Error *runtime_do(Runtime *r, const char *bundle, const char *verb, const char *option,
                  const char *id, const char *last) MUST_CHECK;
Error *runtime_update(Runtime *r, const char *bundle, const char *id, const char *file) MUST_CHECK;

#endif
