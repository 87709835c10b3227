/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Version 1: an eventfd that the kernel writes to, also when the group is removed. Version 2: a
 * watch on memory.events, whose oom_kill grows, and on cgroup.events, which changes when the last
 * process ends. A small thread waits for either.
 */
#include "shim/oom.h"

#include "os/file.h"
#include "shim/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { STACK = 128 << 10 };

typedef struct Watch {
    Events *events;
    char *id, *cgroup; /* own */
    int fd;            /* own; becomes readable when something happened */
    bool unified;
    u64 kills; /* version 2: so many are published */
} Watch;

static void watch_free(Watch *w)
{
    if (w->fd >= 0)
        close(w->fd);
    mem_free(w->id);
    mem_free(w->cgroup);
    mem_free(w);
}

static void publish(const Watch *w)
{
    Pb__TaskPlain e = PB__TASK_PLAIN__INIT;
    e.container_id = w->id;
    events_put(w->events, "/tasks/oom", "containerd.events.TaskOOM", &e.base);
}

/* False when the group is gone. */
static bool happened(Watch *w)
{
    PidList pids = {0};
    Error *gone = cgroup_pids(w->cgroup, &pids);
    bool ended = gone || (w->unified && pids.n == 0);
    error_free(gone);
    vec_release(&pids);
    if (!w->unified) {
        if (!ended)
            publish(w);
    } else {
        for (u64 kills = cgroup_oom_kills(w->cgroup); w->kills < kills; w->kills++)
            publish(w);
    }
    return !ended;
}

static void *oom_thread(void *arg)
{
    Watch *w = arg;
    char bytes[4096];
    bool more = true;
    while (more) {
        ssize_t n = read(w->fd, bytes, sizeof bytes);
        more = n > 0 ? happened(w) : n < 0 && errno == EINTR;
    }
    watch_free(w);
    return NULL;
}

static Error *open_v1(Watch *w)
{
    Buf path = {0}, line = {0};
    buf_printf(&path, "/sys/fs/cgroup/memory%s/memory.oom_control", w->cgroup);
    buf_u8(&path, 0);
    w->fd = eventfd(0, EFD_CLOEXEC);
    int control = open((const char *)path.p, O_RDONLY | O_CLOEXEC);
    Error *e = NULL;
    if (w->fd < 0 || control < 0) {
        e = error_new("failed to open `%s`: %s", (const char *)path.p, strerror(errno));
    } else {
        path.n = 0;
        buf_printf(&path, "/sys/fs/cgroup/memory%s/cgroup.event_control", w->cgroup);
        buf_u8(&path, 0);
        buf_printf(&line, "%d %d", w->fd, control);
        e = os_write_file((const char *)path.p, line.p, line.n);
    }
    if (control >= 0)
        close(control);
    buf_release(&path);
    buf_release(&line);
    return e;
}

static Error *open_v2(Watch *w)
{
    static const char *const files[] = {"memory.events", "cgroup.events"};
    Error *e = NULL;
    w->fd = inotify_init1(IN_CLOEXEC);
    for (usize i = 0; i < ARRAY_LEN(files) && !e; i++) {
        Buf path = {0};
        buf_printf(&path, "/sys/fs/cgroup%s/%s", w->cgroup, files[i]);
        buf_u8(&path, 0);
        if (w->fd < 0 || inotify_add_watch(w->fd, (const char *)path.p, IN_MODIFY) < 0)
            e = error_new("failed to watch `%s`: %s", (const char *)path.p, strerror(errno));
        buf_release(&path);
    }
    return e;
}

Error *oom_watch(Events *events, const char *id, const char *cgroup)
{
    Watch *w = mem_alloc(sizeof *w);
    *w = (Watch){.events = events,
                 .id = mem_strdup_n(id, strlen(id)),
                 .cgroup = mem_strdup_n(cgroup, strlen(cgroup)),
                 .fd = -1,
                 .unified = cgroup_is_unified()};
    Error *e = w->unified ? open_v2(w) : open_v1(w);
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    if (!e && pthread_create(&thread, &attr, oom_thread, w) != 0)
        e = error_new("failed to start a thread");
    pthread_attr_destroy(&attr);
    if (e)
        watch_free(w);
    return e;
}
