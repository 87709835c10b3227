/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A wasm container is a container like any other, also for the runtime, with the executor as its
 * program: this very program, in a form that nothing in the container can change.
 */
#include "shim/create.h"

#include "sandbox/cgroup.h"
#include "shim/mounts.h"
#include "shim/oom.h"
#include "shim/program.h"
#include "shim/sandboxed.h"
#include "shim/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

/* What the runtime makes the process of: `io` gets the descriptors, which the caller closes. */
static Error *open_io(Process *p, const char *bundle, int files[3], RuntimeIo *io)
{
    *io = (RuntimeIo){.fds = {-1, -1, -1, -1, -1}};
    Error *e = stdio_open(&p->stdio, files);
    if (e)
        return e;
    if (!p->stdio.terminal) {
        memcpy(io->fds, files, 3 * sizeof *files);
        return NULL;
    }
    io->console = "pty.sock";
    e = stdio_console_listen(&p->stdio, bundle, io->console);
    if (e)
        stdio_close_fds(files);
    return e;
}

/* The process was made, with `files` for its input and output. */
static Error *after_made(Shim *s, Container *c, Process *p, int files[3], pid_t pid,
                         const struct timespec *since)
{
    Error *e = p->stdio.terminal ? stdio_console_start(&p->stdio, files) : NULL;
    pthread_mutex_lock(&s->lock);
    process_set_pid(s, c, p, pid, since);
    pthread_mutex_unlock(&s->lock);
    return e;
}

/* Without it the container runs as well; only why it ended is not told. */
static void watch_memory(Shim *s, const Container *c)
{
    Error *e = oom_watch(&s->events, c->id, c->cgroup);
    if (e)
        shim_log(&s->log, "warning", "%s: %s", c->id, e->message);
    error_free(e);
}

/* By the OCI runtime. */
static Error *run_create(Shim *s, Container *c, const Bundle *b, int executor,
                         const struct timespec *since, pid_t *ret_pid)
{
    int files[3] = {-1, -1, -1};
    RuntimeIo io;
    char *dir = NULL;
    pid_t pid;
    Error *e = b->kind == BUNDLE_WASM ? bundle_write_wasm(b, &dir) : NULL;
    const char *config_dir = dir ? dir : c->bundle;
    if (!e)
        e = open_io(c->init, config_dir, files, &io);
    if (!e && b->kind == BUNDLE_WASM) {
        io.fds[3] = executor;
        io.fds[4] = b->module;
    }
    if (!e)
        e = runtime_create(&c->runtime, c->id, c->bundle, config_dir, &io, &pid);
    if (!e)
        e = after_made(s, c, c->init, files, pid, since);
    if (!e)
        *ret_pid = pid;
    stdio_close_fds(files);
    mem_free(dir);
    return e;
}

static void set_pid(Shim *s, Container *c, Process *p, pid_t pid, const struct timespec *since)
{
    pthread_mutex_lock(&s->lock);
    process_set_pid(s, c, p, pid, since);
    pthread_mutex_unlock(&s->lock);
}

static Error *create_by_any(Shim *s, Container *c, const Bundle *b)
{
    bool made = false;
    char *cgroup;
    int executor = -1;
    pid_t pid;
    struct timespec since;
    clock_gettime(CLOCK_MONOTONIC, &since);
    Error *e = b->kind == BUNDLE_WASM ? program_executor(s, &executor) : NULL;
    if (!e)
        e = sandboxed_create(s, c, b, executor, &pid, &made);
    if (!e && made)
        set_pid(s, c, c->init, pid, &since);
    else if (!e)
        e = run_create(s, c, b, executor, &since, &pid);
    if (!e)
        e = cgroup_of(pid, &cgroup);
    if (!e) {
        pthread_mutex_lock(&s->lock);
        c->cgroup = cgroup;
        pthread_mutex_unlock(&s->lock);
        watch_memory(s, c);
    }
    return e;
}

/* The bundle may be gone when it is needed. */
static void note_groups(Container *c, const Bundle *b)
{
    const json_t *spec = json_object_get(b->config, "linux");
    const char *path = json_string_value(json_object_get(spec, "cgroupsPath"));
    mem_free(c->asked_cgroup);
    c->asked_cgroup = path ? mem_strdup_n(path, strlen(path)) : NULL;
}

static Error *find_and_create(Shim *s, Container *c)
{
    Bundle b;
    Error *e = bundle_open(&b, c->bundle);
    note_groups(c, &b);
    if (!e)
        e = program_find(s, c, &b);
    if (!e)
        e = create_by_any(s, c, &b);
    bundle_release(&b);
    return e;
}

Error *container_create(Shim *s, Container *c, const Pb__CreateRequest *m)
{
    Error *e = runtime_init(&c->runtime, &s->children, s->ns, m->options);
    c->runtime.abandoned = &c->abandoned;
    if (!e)
        e = runtime_save(&c->runtime, c->bundle);
    if (!e)
        e = mounts_make(m->rootfs, m->n_rootfs, c->root);
    if (e)
        return e;
    e = find_and_create(s, c);
    if (!e && atomic_load(&c->abandoned))
        e = error_new("nobody waits for the container any more");
    if (e)
        container_destroy(c);
    return e;
}

/* By the OCI runtime. */
static Error *run_exec(Shim *s, Container *c, Process *p, const char *spec, const Bundle *b,
                       int executor, const struct timespec *since)
{
    int files[3] = {-1, -1, -1};
    RuntimeIo io;
    pid_t pid;
    Error *e = b->kind == BUNDLE_WASM ? bundle_write_exec(b, spec) : NULL;
    if (!e)
        e = open_io(p, c->bundle, files, &io);
    if (!e && b->kind == BUNDLE_WASM) {
        io.fds[3] = executor;
        io.fds[4] = b->module;
    }
    if (!e)
        e = runtime_exec(&c->runtime, c->id, c->bundle, spec, &io, &pid);
    if (!e)
        e = after_made(s, c, p, files, pid, since);
    stdio_close_fds(files);
    return e;
}

static Error *exec_by_any(Shim *s, Container *c, Process *p, const char *spec, const Bundle *b)
{
    int executor = -1;
    pid_t pid;
    struct timespec since;
    Error *e = b->kind == BUNDLE_WASM ? program_executor(s, &executor) : NULL;
    if (e)
        return e;
    modules_settle(&s->modules);
    clock_gettime(CLOCK_MONOTONIC, &since);
    if (!c->runtime.cgroup)
        return run_exec(s, c, p, spec, b, executor, &since);
    e = sandboxed_exec(c, p, spec, b, executor, &pid);
    if (!e)
        set_pid(s, c, p, pid, &since);
    return e;
}

Error *container_exec(Shim *s, Container *c, Process *p)
{
    Bundle b;
    Buf name = {0};
    buf_printf(&name, "%s/exec-%s.json", c->bundle, p->exec_id);
    char *spec = buf_take_string(&name);
    Error *e = bundle_open(&b, c->bundle);
    if (!e)
        e = program_find_exec(s, c, spec, &b);
    if (!e)
        e = exec_by_any(s, c, p, spec, &b);
    bundle_release(&b);
    unlink(spec);
    mem_free(spec);
    return e;
}

/*
 * A runtime that was killed while it made the container knows nothing of the control groups that it
 * had made. They go with what is in them, if they are this container's alone: the last part of the
 * path is its id, as all clients of containerd have it.
 */
static bool remove_groups(const Container *c)
{
    Cgroups groups = {0};
    const char *path = c->asked_cgroup;
    const char *name = path ? strrchr(path, '/') : NULL;
    if (!name || strcmp(name + 1, c->id) != 0)
        return true;
    Error *e = cgroups_init(&groups);
    if (!e && cgroup_path_valid(path) && cgroup_exists(&groups, path))
        e = cgroup_remove(&groups, path);
    cgroups_release(&groups);
    bool ok = !e;
    error_free(e);
    return ok;
}

void container_read_groups(Container *c)
{
    Bundle b;
    error_free(bundle_open(&b, c->bundle));
    note_groups(c, &b);
    bundle_release(&b);
}

/* Twice, if need be: the bundle, where the runtime works and writes what is wrong, may be removed
 * by a containerd that has given up between a look at it and the runtime's. */
static bool remove_made(Container *c)
{
    Error *e = NULL;
    for (int i = 0; i < 2 && runtime_has(&c->runtime, c->id); i++) {
        error_free(e);
        e = runtime_do(&c->runtime, c->bundle, "delete", "--force", c->id, NULL);
        if (!e)
            break;
    }
    bool gone = !e;
    error_free(e);
    return gone;
}

bool container_destroy(Container *c)
{
    bool own = c->runtime.cgroup != NULL;
    bool gone = remove_made(c);
    if (!own)
        gone &= remove_groups(c);
    return mounts_undo(c->root) && gone;
}
