/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A command is on the list before it can be reaped, since both happen under the lock. */
#include "shim/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct Command {
    Command *next;
    pid_t pid;
    bool ended;
    int status;
    const atomic_bool *abandoned;
};

static bool note_end(Children *c, pid_t pid, int status)
{
    for (Command *k = c->commands; k; k = k->next) {
        if (k->pid == pid && !k->ended) {
            k->ended = true;
            k->status = status;
            pthread_cond_broadcast(&c->ended);
            return true;
        }
    }
    return false;
}

static bool reap_one(Children *c)
{
    int status;
    pthread_mutex_lock(&c->lock);
    pid_t pid = waitpid(-1, &status, WNOHANG);
    bool known = pid > 0 && note_end(c, pid, status);
    pthread_mutex_unlock(&c->lock);
    if (pid > 0 && !known)
        c->exited(c->ctx, pid, status);
    return pid > 0;
}

static void *reaper(void *arg)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    for (;;) {
        sigwaitinfo(&set, NULL);
        while (reap_one(arg))
            ;
    }
    return NULL;
}

Error *children_init(Children *c, ExitFn *exited, void *ctx)
{
    pthread_t thread;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->ended, NULL);
    c->exited = exited;
    c->ctx = ctx;
    int why = pthread_create(&thread, NULL, reaper, c);
    return why ? error_new("failed to start a thread: %s", strerror(why)) : NULL;
}

static void set_fds(posix_spawn_file_actions_t *actions, const ChildSpec *spec)
{
    if (spec->dir)
        posix_spawn_file_actions_addchdir_np(actions, spec->dir);
    for (int i = 0; i < CHILD_FDS; i++) {
        if (spec->fds[i] >= 0)
            posix_spawn_file_actions_adddup2(actions, spec->fds[i], i);
        else if (i <= 2)
            posix_spawn_file_actions_addopen(actions, i, "/dev/null", O_RDWR, 0);
    }
    if (spec->fd5)
        posix_spawn_file_actions_adddup2(actions, spec->fd5, 5);
}

static const int ending_signals[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP};

static int spawn(const ChildSpec *spec, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t mask, reset;
    sigemptyset(&mask);
    sigemptyset(&reset);
    if (spec->hold_signals)
        for (usize i = 0; i < ARRAY_LEN(ending_signals); i++)
            sigaddset(&mask, ending_signals[i]);
    sigaddset(&reset, SIGPIPE);
    sigaddset(&reset, SIGXFSZ);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    set_fds(&actions, spec);
    posix_spawnattr_setsigmask(&attr, &mask);
    posix_spawnattr_setsigdefault(&attr, &reset);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    char *const *env = spec->env ? (char *const *)spec->env : environ;
    int why = posix_spawnp(ret_pid, spec->argv[0], &actions, &attr, (char *const *)spec->argv, env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    return why;
}

static void forget(Children *c, const Command *k)
{
    Command **at = &c->commands;
    while (*at != k)
        at = &(*at)->next;
    *at = k->next;
}

Error *children_start(Children *c, const ChildSpec *spec)
{
    pid_t pid;
    pthread_mutex_lock(&c->lock);
    int why = spawn(spec, &pid);
    pthread_mutex_unlock(&c->lock);
    return why ? error_new("failed to run `%s`: %s", spec->argv[0], strerror(why)) : NULL;
}

Error *children_run(Children *c, const ChildSpec *spec, int *ret_status)
{
    Command k = {.abandoned = spec->abandoned};
    pthread_mutex_lock(&c->lock);
    int why = k.abandoned && atomic_load(k.abandoned) ? ECANCELED : spawn(spec, &k.pid);
    if (why == 0) {
        k.next = c->commands;
        c->commands = &k;
        while (!k.ended)
            pthread_cond_wait(&c->ended, &c->lock);
        forget(c, &k);
        *ret_status = k.status;
    }
    pthread_mutex_unlock(&c->lock);
    return why ? error_new("failed to run `%s`: %s", spec->argv[0], strerror(why)) : NULL;
}

void children_abandon(Children *c, atomic_bool *abandoned)
{
    pthread_mutex_lock(&c->lock);
    atomic_store(abandoned, true);
    for (const Command *k = c->commands; k; k = k->next)
        if (k->abandoned == abandoned && !k->ended)
            kill(k->pid, SIGKILL);
    pthread_mutex_unlock(&c->lock);
}

int child_main(int nwords, char **words)
{
    if (nwords < 2 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        return EXIT_NO_COMMAND;
    if (strtol(words[0], NULL, 10) != getppid()) /* killed before that */
        return EXIT_NO_COMMAND;
    execvp(words[1], words + 1);
    return EXIT_NO_COMMAND;
}
