/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tables of containers and processes; what happens when a process ends. */
#include "shim/container.h"

#include "os/spawn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_ID = 255, SIGNALLED = 128 };

/* An id becomes the name of files and of state of the runtime. */
bool id_valid(const char *id)
{
    usize n = strlen(id);
    if (n == 0 || n > MAX_ID || id[0] == '.' || id[0] == '-')
        return false;
    return strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n;
}

Process *process_new(const char *exec_id)
{
    Process *p = mem_alloc(sizeof *p);
    p->exec_id = mem_strdup_n(exec_id, strlen(exec_id));
    p->state = PROCESS_CREATED;
    p->pidfd = -1;
    p->exited_at = (Pb__Timestamp)PB__TIMESTAMP__INIT;
    return p;
}

void process_free(Process *p)
{
    if (!p)
        return;
    ALWAYS(p->waiters.n == 0);
    mem_free(p->exec_id);
    stdio_release(&p->stdio);
    vec_release(&p->waiters);
    if (p->pidfd >= 0)
        close(p->pidfd);
    mem_free(p);
}

void process_abandon(Shim *s, Process *p)
{
    pthread_mutex_lock(&s->lock);
    Call **calls = p->waiters.p;
    u32 n = p->waiters.n;
    memset(&p->waiters, 0, sizeof p->waiters);
    pthread_mutex_unlock(&s->lock);
    for (u32 i = 0; i < n; i++)
        call_fail(calls[i], RPC_NOT_FOUND, "the process is gone");
    mem_free(calls);
}

static void container_free(Container *c)
{
    for (Process *p = c->execs, *next; p; p = next) {
        next = p->next;
        process_free(p);
    }
    process_free(c->init);
    runtime_release(&c->runtime);
    pthread_mutex_destroy(&c->op);
    mem_free(c->id);
    mem_free(c->bundle);
    mem_free(c->root);
    mem_free(c->cgroup);
    mem_free(c->asked_cgroup);
    mem_free(c);
}

static Container *find(const Shim *s, const char *id)
{
    Container *c = s->containers;
    while (c && strcmp(c->id, id) != 0)
        c = c->next;
    return c;
}

Container *container_find(Shim *s, const char *id)
{
    pthread_mutex_lock(&s->lock);
    Container *c = find(s, id);
    if (c)
        c->refs++;
    pthread_mutex_unlock(&s->lock);
    return c;
}

void container_unref(Shim *s, Container *c)
{
    pthread_mutex_lock(&s->lock);
    bool last = --c->refs == 0;
    pthread_mutex_unlock(&s->lock);
    if (last)
        container_free(c);
}

bool container_add(Shim *s, Container *c)
{
    pthread_mutex_lock(&s->lock);
    bool ok = !find(s, c->id);
    if (ok) {
        c->next = s->containers;
        s->containers = c;
        c->refs += 2; /* of the table and of the caller */
    }
    pthread_mutex_unlock(&s->lock);
    return ok;
}

void container_remove(Shim *s, Container *c)
{
    pthread_mutex_lock(&s->lock);
    Container **at = &s->containers;
    while (*at && *at != c)
        at = &(*at)->next;
    bool there = *at != NULL;
    if (there)
        *at = c->next;
    c->gone = true;
    pthread_mutex_unlock(&s->lock);
    if (there)
        container_unref(s, c);
}

Process *container_process(const Container *c, const char *exec_id)
{
    if (!*exec_id)
        return c->init;
    Process *p = c->execs;
    while (p && strcmp(p->exec_id, exec_id) != 0)
        p = p->next;
    return p;
}

static void publish_exit(Shim *s, const Container *c, Process *p)
{
    Pb__TaskExit e = PB__TASK_EXIT__INIT;
    e.container_id = c->id;
    e.id = *p->exec_id ? p->exec_id : c->id;
    e.pid = (u32)p->pid;
    e.exit_status = p->exit_status;
    e.exited_at = &p->exited_at;
    events_put(&s->events, "/tasks/exit", "containerd.events.TaskExit", &e.base);
}

void process_started(Shim *s, Container *c, Process *p)
{
    p->starting = false;
    if (p->exit_waits)
        publish_exit(s, c, p);
    p->exit_waits = false;
}

typedef struct Answers {
    Call **calls; /* own */
    u32 n;
    Pb__WaitReply reply;
    Pb__Timestamp at;
} Answers;

static void process_ended(Shim *s, Container *c, Process *p, int status, Answers *ret_answers)
{
    p->state = PROCESS_STOPPED;
    p->exited_at = timestamp_now();
    p->exit_status =
        WIFSIGNALED(status) ? (u32)(SIGNALLED + WTERMSIG(status)) : (u32)WEXITSTATUS(status);
    stdio_close_input(&p->stdio);
    if (p->starting)
        p->exit_waits = true;
    else
        publish_exit(s, c, p);
    *ret_answers = (Answers){p->waiters.p, p->waiters.n, PB__WAIT_REPLY__INIT, p->exited_at};
    ret_answers->reply.exit_status = p->exit_status;
    memset(&p->waiters, 0, sizeof p->waiters);
    pthread_cond_broadcast(&s->exited);
}

/* Without locks: a client that does not read must not stop the others. */
static void answer_all(Answers *a)
{
    a->reply.exited_at = &a->at;
    for (u32 i = 0; i < a->n; i++)
        call_reply(a->calls[i], &a->reply.base);
    mem_free(a->calls);
}

static Process *find_pid(const Shim *s, pid_t pid, Container **ret_container)
{
    for (Container *c = s->containers; c; c = c->next) {
        *ret_container = c;
        if (c->init->pid == pid && c->init->state != PROCESS_STOPPED)
            return c->init;
        for (Process *p = c->execs; p; p = p->next)
            if (p->pid == pid && p->state != PROCESS_STOPPED)
                return p;
    }
    return NULL;
}

void shim_exited(void *shim, pid_t pid, int status)
{
    Shim *s = shim;
    Answers answers = {0};
    Container *c;
    pthread_mutex_lock(&s->lock);
    Process *p = find_pid(s, pid, &c);
    if (p) {
        process_ended(s, c, p, status, &answers);
    } else {
        Stray *stray = &s->strays[s->next_stray++ % STRAYS];
        *stray = (Stray){.pid = pid, .status = status};
        clock_gettime(CLOCK_MONOTONIC, &stray->at);
    }
    pthread_mutex_unlock(&s->lock);
    answer_all(&answers);
}

static bool later(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

void process_set_pid(Shim *s, Container *c, Process *p, pid_t pid, const struct timespec *since)
{
    Answers answers = {0};
    p->pid = pid;
    for (u32 i = 0; i < STRAYS; i++) {
        Stray *stray = &s->strays[i];
        if (stray->pid == pid && later(&stray->at, since)) {
            process_ended(s, c, p, stray->status, &answers);
            stray->pid = 0;
        }
    }
    if (p->state != PROCESS_STOPPED)
        p->pidfd = os_process_open(pid);
    pthread_mutex_unlock(&s->lock);
    answer_all(&answers);
    pthread_mutex_lock(&s->lock);
}
