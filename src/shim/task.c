/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The methods of the Task service. */
#include "shim/task.h"

#include "os/file.h"
#include "os/spawn.h"
#include "shim/create.h"
#include "shim/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { END_SECONDS = 10, FLUSH_MS = 2000, MAX_CONTAINERS = 10000 };

/* Answers with the error, which it frees, and logs it. */
static void fail(const Shim *s, Call *call, RpcCode code, const char *id, Error *e)
{
    Buf text = {0};
    for (const Error *k = e; k; k = k->cause)
        buf_printf(&text, "%s%s", k == e ? "" : ": ", k->message);
    shim_log(&s->log, "error", "%s: %.*s", id, (int)MIN(text.n, 4096), (const char *)text.p);
    call_fail(call, code, "%.*s", (int)MIN(text.n, 4096), (const char *)text.p);
    buf_release(&text);
    error_free(e);
}

/* What a method is called with, as far as its row in the table asks for it. */
typedef struct Task {
    Shim *s;
    Call *call;
    const void *message;
    Container *c; /* with its `op` held, but for SCOPE_ANY_TIME */
    Process *p;
} Task;

/* Answers with nothing, or the error, which it frees. */
static void reply_done(const Task *t, RpcCode code, Error *e)
{
    if (e)
        fail(t->s, t->call, code, t->c->id, e);
    else
        call_reply(t->call, NULL);
}

/* ---- create, start, delete ---- */

static Container *container_of(Shim *s, const Pb__CreateRequest *m)
{
    Container *c = mem_alloc(sizeof *c);
    Buf root = {0};
    pthread_mutex_init(&c->op, NULL);
    c->id = mem_strdup_n(m->id, strlen(m->id));
    c->bundle = mem_strdup_n(m->bundle, strlen(m->bundle));
    buf_printf(&root, "%s/rootfs", m->bundle);
    c->root = buf_take_string(&root);
    c->init = process_new("");
    const LoggerOwner owner = {&s->children, c->id, s->ns};
    stdio_init(&c->init->stdio, m->in, m->out, m->err, m->terminal, &owner);
    return c;
}

static void publish_create(Shim *s, const Container *c, const Pb__CreateRequest *m)
{
    Pb__TaskIo io = PB__TASK_IO__INIT;
    Pb__TaskCreate e = PB__TASK_CREATE__INIT;
    io.in = m->in;
    io.out = m->out;
    io.err = m->err;
    io.terminal = m->terminal;
    e.container_id = c->id;
    e.bundle = c->bundle;
    e.rootfs = m->rootfs;
    e.n_rootfs = m->n_rootfs;
    e.io = &io;
    e.pid = (u32)c->init->pid;
    events_put(&s->events, "/tasks/create", "containerd.events.TaskCreate", &e.base);
}

static void reply_pid(Call *call, pid_t pid)
{
    Pb__PidReply r = PB__PID_REPLY__INIT;
    r.pid = (u32)pid;
    call_reply(call, &r.base);
}

static void leave(Shim *s, Container *c)
{
    pthread_mutex_unlock(&c->op);
    container_unref(s, c);
}

/* A runtime that hangs, in a hook for example, is ended when nobody waits for it any more. A
 * container that is there, which a containerd finds when it has begun again, is started all the
 * same. */
static void begin_for(Shim *s, Container *c, const Call *call)
{
    pthread_mutex_lock(&s->lock);
    c->client = call_client(call);
    atomic_store(&c->abandoned, call_client_left(call));
    pthread_mutex_unlock(&s->lock);
}

static void end_for(Shim *s, Container *c)
{
    pthread_mutex_lock(&s->lock);
    c->client = NULL;
    pthread_mutex_unlock(&s->lock);
}

void task_left(void *shim, const void *client)
{
    Shim *s = shim;
    pthread_mutex_lock(&s->lock);
    for (Container *c = s->containers; c; c = c->next)
        if (c->client == client)
            children_abandon(&s->children, &c->abandoned);
    pthread_mutex_unlock(&s->lock);
}

static void task_create(const Task *t)
{
    Shim *s = t->s;
    Call *call = t->call;
    const Pb__CreateRequest *m = t->message;
    if (!id_valid(m->id) || m->bundle[0] != '/') {
        call_fail(call, RPC_INVALID_ARGUMENT, "the id or the path of the bundle is not valid");
        return;
    }
    if (*m->checkpoint) {
        call_fail(call, RPC_UNIMPLEMENTED, "containers can not be restored from checkpoints");
        return;
    }
    Container *c = container_of(s, m);
    pthread_mutex_lock(&c->op);
    c->refs = 1;
    if (!container_add(s, c)) {
        call_fail(call, RPC_ALREADY_EXISTS, "the container %s exists", c->id);
        leave(s, c);
        return;
    }
    begin_for(s, c, call);
    Error *e = container_create(s, c, m);
    end_for(s, c);
    if (e) {
        container_remove(s, c);
        process_abandon(s, c->init);
        fail(s, call, RPC_UNKNOWN, c->id, e);
    } else {
        publish_create(s, c, m);
        reply_pid(call, c->init->pid);
    }
    container_unref(s, c);
    leave(s, c);
}

static void publish_start(Shim *s, Container *c, Process *p)
{
    if (*p->exec_id) {
        Pb__TaskExec e = PB__TASK_EXEC__INIT;
        e.container_id = c->id;
        e.exec_id = p->exec_id;
        e.pid = (u32)p->pid;
        events_put(&s->events, "/tasks/exec-started", "containerd.events.TaskExecStarted", &e.base);
    } else {
        Pb__TaskStart e = PB__TASK_START__INIT;
        e.container_id = c->id;
        e.pid = (u32)p->pid;
        events_put(&s->events, "/tasks/start", "containerd.events.TaskStart", &e.base);
    }
}

static Error *start_process(Shim *s, Container *c, Process *p)
{
    pthread_mutex_lock(&s->lock);
    p->starting = true;
    pthread_mutex_unlock(&s->lock);
    modules_settle(&s->modules);
    Error *e = *p->exec_id ? container_exec(s, c, p)
                           : runtime_do(&c->runtime, c->bundle, "start", NULL, c->id, NULL);
    pthread_mutex_lock(&s->lock);
    if (!e) {
        if (p->state == PROCESS_CREATED)
            p->state = PROCESS_RUNNING;
        stdio_close_input(&p->stdio); /* the client has opened it, and says where it ends */
        publish_start(s, c, p);
    }
    process_started(s, c, p);
    pthread_mutex_unlock(&s->lock);
    return e;
}

static void task_start(const Task *t)
{
    Shim *s = t->s;
    pthread_mutex_lock(&s->lock);
    bool fresh = t->p->state == PROCESS_CREATED, ended = t->p->state == PROCESS_STOPPED;
    bool paused = t->c->init->state == PROCESS_PAUSED;
    pthread_mutex_unlock(&s->lock);
    Error *e = fresh && !paused ? start_process(s, t->c, t->p) : NULL;
    if (paused)
        call_fail(t->call, RPC_FAILED_PRECONDITION, "the container is paused");
    else if (!fresh)
        call_fail(t->call, RPC_FAILED_PRECONDITION,
                  ended ? "the process has ended" : "the process was started already");
    else if (e)
        fail(s, t->call, RPC_UNKNOWN, t->c->id, e);
    else
        reply_pid(t->call, t->p->pid);
}

/* After what ends it was done, waits until it is seen. */
static void await_end(Shim *s, const Process *p)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += END_SECONDS;
    pthread_mutex_lock(&s->lock);
    while (p->pid && p->state != PROCESS_STOPPED &&
           pthread_cond_timedwait(&s->exited, &s->lock, &until) == 0)
        ;
    pthread_mutex_unlock(&s->lock);
}

static void reply_deleted(Call *call, Process *p)
{
    Pb__DeleteReply r = PB__DELETE_REPLY__INIT;
    r.pid = (u32)p->pid;
    r.exit_status = p->exit_status;
    r.exited_at = p->state == PROCESS_STOPPED ? &p->exited_at : NULL;
    call_reply(call, &r.base);
}

static void delete_container(Shim *s, Call *call, Container *c)
{
    if (container_destroy(c))
        runtime_forget(c->bundle);
    await_end(s, c->init);
    for (Process *p = c->execs; p; p = p->next)
        await_end(s, p);
    Pb__TaskDelete e = PB__TASK_DELETE__INIT;
    e.container_id = c->id;
    e.pid = (u32)c->init->pid;
    e.exit_status = c->init->exit_status;
    e.exited_at = &c->init->exited_at;
    events_put(&s->events, "/tasks/delete", "containerd.events.TaskDelete", &e.base);
    container_remove(s, c);
    process_abandon(s, c->init);
    for (Process *p = c->execs; p; p = p->next)
        process_abandon(s, p);
    reply_deleted(call, c->init);
}

static void delete_exec(Shim *s, Call *call, Container *c, Process *p)
{
    pthread_mutex_lock(&s->lock);
    Process **at = &c->execs;
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    pthread_mutex_unlock(&s->lock);
    process_abandon(s, p);
    reply_deleted(call, p);
    process_free(p);
}

static void task_delete(const Task *t)
{
    Shim *s = t->s;
    pthread_mutex_lock(&s->lock);
    bool runs = t->p->state == PROCESS_RUNNING || t->p->state == PROCESS_PAUSED;
    pthread_mutex_unlock(&s->lock);
    if (runs)
        call_fail(t->call, RPC_FAILED_PRECONDITION, "the process runs");
    else if (t->p == t->c->init)
        delete_container(s, t->call, t->c);
    else
        delete_exec(s, t->call, t->c, t->p);
}

/* ---- looking ---- */

static void task_state(const Task *t)
{
    Shim *s = t->s;
    Call *call = t->call;
    const Pb__ProcessRequest *m = t->message;
    Pb__StateReply r = PB__STATE_REPLY__INIT;
    Pb__Timestamp at;
    Container *c = container_find(s, m->id);
    pthread_mutex_lock(&s->lock);
    Process *p = c ? container_process(c, m->exec_id) : NULL;
    if (p) {
        at = p->exited_at;
        r.pid = (u32)p->pid;
        r.status = (i32)p->state;
        r.exit_status = p->exit_status;
        r.exited_at = p->state == PROCESS_STOPPED ? &at : NULL;
        r.terminal = p->stdio.terminal;
        r.in = mem_strdup_n(p->stdio.path[0], strlen(p->stdio.path[0]));
        r.out = mem_strdup_n(p->stdio.path[1], strlen(p->stdio.path[1]));
        r.err = mem_strdup_n(p->stdio.path[2], strlen(p->stdio.path[2]));
    }
    pthread_mutex_unlock(&s->lock);
    if (p) {
        r.id = m->id;
        r.exec_id = m->exec_id;
        r.bundle = c->bundle;
        call_reply(call, &r.base);
        mem_free(r.in);
        mem_free(r.out);
        mem_free(r.err);
    } else {
        call_fail(call, RPC_NOT_FOUND, "there is no such container or process");
    }
    if (c)
        container_unref(s, c);
}

static void task_wait(const Task *t)
{
    Shim *s = t->s;
    Call *call = t->call;
    const Pb__ProcessRequest *m = t->message;
    Pb__WaitReply r = PB__WAIT_REPLY__INIT;
    Pb__Timestamp at;
    Container *c = container_find(s, m->id);
    pthread_mutex_lock(&s->lock);
    Process *p = c && !c->gone ? container_process(c, m->exec_id) : NULL;
    bool ended = p && p->state == PROCESS_STOPPED;
    if (ended) {
        at = p->exited_at;
        r.exit_status = p->exit_status;
        r.exited_at = &at;
    } else if (p) {
        vec_push(&p->waiters, call);
    }
    pthread_mutex_unlock(&s->lock);
    if (ended)
        call_reply(call, &r.base);
    else if (!p)
        call_fail(call, RPC_NOT_FOUND, "there is no such container or process");
    if (c)
        container_unref(s, c);
}

static void task_connect(const Task *t)
{
    Shim *s = t->s;
    Call *call = t->call;
    const Pb__ProcessRequest *m = t->message;
    Pb__ConnectReply r = PB__CONNECT_REPLY__INIT;
    Container *c = container_find(s, m->id);
    r.shim_pid = (u32)getpid();
    if (c) {
        pthread_mutex_lock(&s->lock);
        r.task_pid = (u32)c->init->pid;
        pthread_mutex_unlock(&s->lock);
        container_unref(s, c);
    }
    call_reply(call, &r.base);
}

/* The control group, which stays what it is; NULL: the container is not made yet. Borrowed. */
static const char *group_of(const Task *t)
{
    pthread_mutex_lock(&t->s->lock);
    const char *group = t->c->gone ? NULL : t->c->cgroup;
    pthread_mutex_unlock(&t->s->lock);
    return group;
}

static void task_stats(const Task *t)
{
    const char *group = group_of(t);
    Buf bytes = {0};
    Pb__Any any = PB__ANY__INIT;
    Pb__StatsReply r = PB__STATS_REPLY__INIT;
    const char *type;
    Error *e = group ? cgroup_stats(group, &type, &bytes)
                     : error_new("the container is not made yet, or deleted");
    if (e) {
        fail(t->s, t->call, RPC_NOT_FOUND, t->c->id, e);
    } else {
        any.type_url = (char *)type;
        any.value = (ProtobufCBinaryData){bytes.n, bytes.p};
        r.stats = &any;
        call_reply(t->call, &r.base);
    }
    buf_release(&bytes);
}

/* The message about one process: which Exec made it, if one did. */
static void fill_info(Shim *s, const Container *c, u32 pid, Pb__ProcessInfo *info, Pb__Any *any)
{
    Pb__ProcessDetails d = PB__PROCESS_DETAILS__INIT;
    Buf bytes = {0};
    *info = (Pb__ProcessInfo)PB__PROCESS_INFO__INIT;
    *any = (Pb__Any)PB__ANY__INIT;
    info->pid = pid;
    pthread_mutex_lock(&s->lock);
    for (const Process *p = c->execs; p; p = p->next) {
        if ((u32)p->pid == pid) {
            d.exec_id = p->exec_id;
            message_put(&bytes, &d.base);
            any->type_url = (char *)"containerd.runc.v1.ProcessDetails";
            any->value = (ProtobufCBinaryData){bytes.n, bytes.p};
            info->info = any;
            break;
        }
    }
    pthread_mutex_unlock(&s->lock);
}

static void task_pids(const Task *t)
{
    const Container *c = t->c;
    const char *group = group_of(t);
    PidList pids = {0};
    Error *e =
        group ? cgroup_pids(group, &pids) : error_new("the container is not made yet, or deleted");
    if (e) {
        fail(t->s, t->call, RPC_NOT_FOUND, c->id, e);
        return;
    }
    Pb__PidsReply r = PB__PIDS_REPLY__INIT;
    Pb__ProcessInfo *infos = mem_alloc_array(pids.n, sizeof *infos);
    Pb__ProcessInfo **list = mem_alloc_array(pids.n, sizeof(Pb__ProcessInfo *));
    Pb__Any *anys = mem_alloc_array(pids.n, sizeof *anys);
    for (u32 i = 0; i < pids.n; i++) {
        fill_info(t->s, c, pids.p[i], &infos[i], &anys[i]);
        list[i] = &infos[i];
    }
    r.processes = list;
    r.n_processes = pids.n;
    call_reply(t->call, &r.base);
    for (u32 i = 0; i < pids.n; i++)
        mem_free(anys[i].value.data);
    mem_free(infos);
    mem_free(list);
    mem_free(anys);
    vec_release(&pids);
}

/* ---- acting on what runs ---- */

typedef struct Target {
    bool found, first, made, ended, paused;
    bool all; /* what the first process has left, too, though it may have ended */
    int why;  /* the signal was not sent */
} Target;

/* By the process's descriptor, so that a number used again is never hit; all of the container's get
 * it otherwise. */
static Target signal_process(Shim *s, const Container *c, const Pb__KillRequest *m)
{
    Target to = {0};
    pthread_mutex_lock(&s->lock);
    const Process *p = c->gone ? NULL : container_process(c, m->exec_id);
    if (p) {
        to = (Target){.found = true,
                      .first = p == c->init,
                      .made = p->pidfd >= 0,
                      .ended = p->state == PROCESS_STOPPED,
                      .paused = p->state == PROCESS_PAUSED};
        to.all = m->all && to.first && (to.made || to.ended);
        if (!to.ended && to.made && !to.all)
            to.why = os_process_signal(p->pidfd, (int)m->signal);
    }
    pthread_mutex_unlock(&s->lock);
    return to;
}

static Error *signal_all(Container *c, u32 signal)
{
    char number[16];
    snprintf(number, sizeof number, "%u", signal);
    return runtime_do(&c->runtime, c->bundle, "kill", "--all", c->id, number);
}

/* Takes the error. */
static void reply_killed(const Task *t, const Target *to, Error *e)
{
    const Pb__KillRequest *m = t->message;
    if (!to->found)
        call_fail(t->call, RPC_NOT_FOUND, "there is no such container or process");
    else if (to->all)
        reply_done(t, to->ended ? RPC_NOT_FOUND : RPC_UNKNOWN, e);
    else if (to->ended || to->why == ESRCH)
        call_fail(t->call, RPC_NOT_FOUND, "process already finished");
    else if (!to->made)
        call_fail(t->call, RPC_FAILED_PRECONDITION, "the process is not made yet");
    else if (to->why)
        call_fail(t->call, RPC_UNKNOWN, "failed to send signal %u: %s", m->signal,
                  strerror(to->why));
    else
        call_reply(t->call, NULL);
}

/* Waits for nothing else that is done with the container: an Exec, which the container's own
 * processes can stop, ends when they do. */
static void task_kill(const Task *t)
{
    const Pb__KillRequest *m = t->message;
    Container *c = t->c;
    Error *e = NULL;
    if (m->signal == 0 || m->signal > (u32)SIGRTMAX) {
        call_fail(t->call, RPC_INVALID_ARGUMENT, "there is no signal %u", m->signal);
        return;
    }
    const Target to = signal_process(t->s, c, m);
    if (to.all)
        e = signal_all(c, m->signal);
    reply_killed(t, &to, e);
    if (to.first && to.paused && m->signal == SIGKILL) /* what is frozen does not end */
        error_free(runtime_do(&c->runtime, c->bundle, "resume", NULL, c->id, NULL));
}

static void pause_or_resume(const Task *t, bool pause)
{
    Shim *s = t->s;
    Container *c = t->c;
    ProcessState from = pause ? PROCESS_RUNNING : PROCESS_PAUSED;
    ProcessState to = pause ? PROCESS_PAUSED : PROCESS_RUNNING;
    Error *e = runtime_do(&c->runtime, c->bundle, pause ? "pause" : "resume", NULL, c->id, NULL);
    if (!e) {
        Pb__TaskPlain event = PB__TASK_PLAIN__INIT;
        event.container_id = c->id;
        pthread_mutex_lock(&s->lock);
        if (c->init->state == from)
            c->init->state = to;
        pthread_mutex_unlock(&s->lock);
        events_put(&s->events, pause ? "/tasks/paused" : "/tasks/resumed",
                   pause ? "containerd.events.TaskPaused" : "containerd.events.TaskResumed",
                   &event.base);
    }
    reply_done(t, RPC_UNKNOWN, e);
}

static void task_pause(const Task *t)
{
    pause_or_resume(t, true);
}

static void task_resume(const Task *t)
{
    pause_or_resume(t, false);
}

static Error *write_file(const Container *c, const char *prefix, const char *name,
                         ProtobufCBinaryData bytes, char **ret_path)
{
    Buf b = {0};
    buf_printf(&b, "%s/%s%s.json", c->bundle, prefix, name);
    char *path = buf_take_string(&b);
    Error *e = os_write_file(path, bytes.data, bytes.len);
    *ret_path = path;
    return e;
}

static void task_update(const Task *t)
{
    const Pb__UpdateRequest *m = t->message;
    Container *c = t->c;
    char *path;
    if (!m->resources) {
        call_fail(t->call, RPC_INVALID_ARGUMENT, "there are no resources");
        return;
    }
    Error *e = write_file(c, "resources", "", m->resources->value, &path);
    if (!e)
        e = runtime_update(&c->runtime, c->bundle, c->id, path);
    unlink(path);
    mem_free(path);
    reply_done(t, RPC_UNKNOWN, e);
}

static void add_exec(Shim *s, Container *c, const Pb__ExecRequest *m)
{
    Process *p = process_new(m->exec_id);
    Pb__TaskExec e = PB__TASK_EXEC__INIT;
    const LoggerOwner owner = {&s->children, p->exec_id, s->ns};
    stdio_init(&p->stdio, m->in, m->out, m->err, m->terminal, &owner);
    pthread_mutex_lock(&s->lock);
    p->next = c->execs;
    c->execs = p;
    pthread_mutex_unlock(&s->lock);
    e.container_id = c->id;
    e.exec_id = p->exec_id;
    events_put(&s->events, "/tasks/exec-added", "containerd.events.TaskExecAdded", &e.base);
}

static void task_exec(const Task *t)
{
    const Pb__ExecRequest *m = t->message;
    Shim *s = t->s;
    if (!id_valid(m->exec_id) || !m->spec) {
        call_fail(t->call, RPC_INVALID_ARGUMENT,
                  "the id of the process or what to run is not valid");
        return;
    }
    pthread_mutex_lock(&s->lock);
    bool taken = container_process(t->c, m->exec_id) != NULL;
    pthread_mutex_unlock(&s->lock);
    if (taken) {
        call_fail(t->call, RPC_ALREADY_EXISTS, "the process %s exists", m->exec_id);
        return;
    }
    char *path;
    Error *e = write_file(t->c, "exec-", m->exec_id, m->spec->value, &path);
    mem_free(path);
    if (!e)
        add_exec(s, t->c, m);
    reply_done(t, RPC_UNKNOWN, e);
}

static void task_close_io(const Task *t)
{
    const Pb__CloseIoRequest *m = t->message;
    pthread_mutex_lock(&t->s->lock);
    if (m->in)
        stdio_close_input(&t->p->stdio);
    pthread_mutex_unlock(&t->s->lock);
    call_reply(t->call, NULL);
}

static void task_resize_pty(const Task *t)
{
    const Pb__ResizePtyRequest *m = t->message;
    reply_done(t, RPC_FAILED_PRECONDITION, stdio_resize(&t->p->stdio, m->width, m->height));
}

static bool is_empty(Shim *s)
{
    pthread_mutex_lock(&s->lock);
    bool empty = s->containers == NULL;
    pthread_mutex_unlock(&s->lock);
    return empty;
}

NORETURN static void end_shim(Shim *s)
{
    events_flush(&s->events, FLUSH_MS);
    if (*s->socket)
        unlink(s->socket);
    _exit(0);
}

static void task_shutdown(const Task *t)
{
    const Pb__ShutdownRequest *m = t->message;
    bool end = is_empty(t->s) || m->now;
    call_reply(t->call, NULL);
    if (end)
        end_shim(t->s);
}

void task_idle(void *shim)
{
    if (is_empty(shim))
        end_shim(shim);
}

/* ---- the table ---- */

/* What has to be there for a request. */
typedef enum Scope {
    SCOPE_QUICK,     /* neither is looked for; it waits for nothing, so it has no thread */
    SCOPE_SHIM,      /* neither is looked for */
    SCOPE_ANY_TIME,  /* the container is there; its `op` is not taken */
    SCOPE_CONTAINER, /* the container is there */
    SCOPE_PROCESS,   /* and the process */
} Scope;

typedef struct Method {
    const char *name;
    const ProtobufCMessageDescriptor *request;
    Scope scope;
    usize id, exec_id; /* places of their fields */
    void (*run)(const Task *t);
} Method;

#define QUICK SCOPE_QUICK, 0, 0
#define SHIM_WIDE SCOPE_SHIM, 0, 0
#define AT_ANY_TIME(type) SCOPE_ANY_TIME, offsetof(type, id), 0
#define OF_CONTAINER(type) SCOPE_CONTAINER, offsetof(type, id), 0
#define OF_PROCESS(type) SCOPE_PROCESS, offsetof(type, id), offsetof(type, exec_id)

/* clang-format off */
static const Method methods[] = {
    {"Create", &pb__create_request__descriptor, SHIM_WIDE, task_create},
    {"Start", &pb__process_request__descriptor, OF_PROCESS(Pb__ProcessRequest), task_start},
    {"State", &pb__process_request__descriptor, QUICK, task_state},
    {"Delete", &pb__process_request__descriptor, OF_PROCESS(Pb__ProcessRequest), task_delete},
    {"Wait", &pb__process_request__descriptor, QUICK, task_wait},
    {"Kill", &pb__kill_request__descriptor, AT_ANY_TIME(Pb__KillRequest), task_kill},
    {"Connect", &pb__process_request__descriptor, QUICK, task_connect},
    {"Shutdown", &pb__shutdown_request__descriptor, QUICK, task_shutdown},
    {"Stats", &pb__process_request__descriptor, AT_ANY_TIME(Pb__ProcessRequest), task_stats},
    {"Pids", &pb__process_request__descriptor, AT_ANY_TIME(Pb__ProcessRequest), task_pids},
    {"Pause", &pb__process_request__descriptor, OF_CONTAINER(Pb__ProcessRequest), task_pause},
    {"Resume", &pb__process_request__descriptor, OF_CONTAINER(Pb__ProcessRequest), task_resume},
    {"Update", &pb__update_request__descriptor, OF_CONTAINER(Pb__UpdateRequest), task_update},
    {"Exec", &pb__exec_request__descriptor, OF_CONTAINER(Pb__ExecRequest), task_exec},
    {"CloseIO", &pb__close_io_request__descriptor, OF_PROCESS(Pb__CloseIoRequest), task_close_io},
    {"ResizePty", &pb__resize_pty_request__descriptor, OF_PROCESS(Pb__ResizePtyRequest),
     task_resize_pty},
};
/* clang-format on */

static const char *field(const void *message, usize place)
{
    const char *text;
    memcpy(&text, (const char *)message + place, sizeof text);
    return text;
}

/* The container, with its `op` held; otherwise the call is answered. */
static bool enter(Task *t, const char *id)
{
    t->c = container_find(t->s, id);
    if (t->c) {
        pthread_mutex_lock(&t->c->op);
        if (!t->c->gone)
            return true;
        leave(t->s, t->c);
    }
    call_fail(t->call, RPC_NOT_FOUND, "there is no container %.255s", id);
    return false;
}

/* The process of a container that was entered; otherwise the call is answered. */
static bool find_process(Task *t, const char *exec_id)
{
    pthread_mutex_lock(&t->s->lock);
    t->p = container_process(t->c, exec_id);
    pthread_mutex_unlock(&t->s->lock);
    if (!t->p)
        call_fail(t->call, RPC_NOT_FOUND, "there is no process %.255s", exec_id);
    return t->p != NULL;
}

static void run_at_any_time(const Method *m, Task *t)
{
    const char *id = field(t->message, m->id);
    t->c = container_find(t->s, id);
    if (!t->c) {
        call_fail(t->call, RPC_NOT_FOUND, "there is no container %.255s", id);
        return;
    }
    m->run(t);
    container_unref(t->s, t->c);
}

static void run_method(const Method *m, Task *t)
{
    if (m->scope == SCOPE_ANY_TIME) {
        run_at_any_time(m, t);
        return;
    }
    if (m->scope > SCOPE_SHIM && !enter(t, field(t->message, m->id)))
        return;
    if (m->scope != SCOPE_PROCESS || find_process(t, field(t->message, m->exec_id)))
        m->run(t);
    if (m->scope > SCOPE_SHIM)
        leave(t->s, t->c);
}

/* NULL: there is none. */
static const Method *method_of(const Call *call)
{
    Str service = call_service(call), name = call_method(call);
    bool ours = str_eq(service, STR("containerd.task.v2.Task")) ||
                str_eq(service, STR("containerd.task.v3.Task"));
    for (usize i = 0; ours && i < ARRAY_LEN(methods); i++)
        if (str_eq(name, str_of(methods[i].name)))
            return &methods[i];
    return NULL;
}

bool task_quick(const Call *call)
{
    const Method *m = method_of(call);
    return !m || m->scope == SCOPE_QUICK;
}

void task_call(void *shim, Call *call)
{
    const Method *m = method_of(call);
    Task t = {.s = shim, .call = call};
    if (!m) {
        call_fail(call, RPC_UNIMPLEMENTED, "there is no method %.200s of %.200s",
                  call_method(call).p, call_service(call).p);
        return;
    }
    t.message = call_message(call, m->request);
    if (t.message)
        run_method(m, &t);
    else
        call_fail(call, RPC_INVALID_ARGUMENT, "the request of %s is not a message", m->name);
}
