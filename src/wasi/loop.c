/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Waiting. Each wait is a WasiWaitSet on the waiting stack; what it waits for is hung into lists at
 * the wakers and, on fibers, at the watched descriptors. The first that is ready wakes the set,
 * once; its fiber goes into the loop's queue, which runs in the idle and check phases.
 *
 * On the thread's own stack nothing is registered with libuv: poll(2) gets the descriptors, and
 * libuv's own descriptor and timeout if the thread has a loop.
 */
#include "wasi/loop.h"

#include "base/vec.h"
#include "os/fs.h"
#include "os/time.h"
#include "runtime/fiber.h"

#include <errno.h>
#include <pwd.h>
#include <uv.h>

/*
 * libuv's uv_os_homedir, which nobody calls, is in the object file of uv_run and wants this;
 * glibc's would need its shared libraries in a static program. There is no such user, then.
 */
int getpwuid_r(uid_t uid, struct passwd *pwd, char *buf, size_t n, struct passwd **ret)
{
    (void)uid, (void)pwd, (void)buf, (void)n;
    *ret = NULL;
    return ENOENT;
}

typedef struct ReadyList {
    struct Ready *first, **last;
} ReadyList;

/* A fiber that is to be resumed; in a list that it can be taken out of. */
typedef struct Ready {
    Fiber *fiber;
    ReadyList *in; /* NULL: in none */
    struct Ready *next, **link;
} Ready;

typedef struct Timer {
    uv_timer_t uv; /* data: the WasiWaitSet, or the next free one */
} Timer;

struct WasiWaitSet {
    WasiLoop *loop; /* NULL: on a stack without a loop */
    Store *store;
    Ready ready; /* of a fiber */
    Timer *timer;
    bool woken;
    WasiWatch *watch;          /* a callback's set has no fiber */
    WasiWaitSet *next, **link; /* in WasiLoop.sets */
};

/* A descriptor that is waited for, or was. */
typedef struct Watcher {
    uv_poll_t uv;
    int fd;
    bool pollable; /* false: the kernel cannot wait for it */
    int events;    /* started with */
    u32 readers, writers;
    WasiWait *waiters;
} Watcher;

struct WasiLoop {
    uv_loop_t uv;
    uv_idle_t idle;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_async_t poke;
    VEC(Watcher *) watchers; /* by descriptor */
    Timer *free_timers;
    ReadyList ready;
    ReadyList yielded; /* they compute, and have had their turn */
    u32 *turns, own_turns;
    WasiWaitSet *sets; /* of fibers */
    bool running;
    u32 tasks;
    WasiTask *free_tasks;
    u32 nfree_tasks;
    usize stack; /* of tasks; 0: as fiber_new has it */
    void *extra;
    void (*end_extra)(void *extra);
};

struct WasiTask {
    WasiLoop *loop;
    Fiber *fiber;
    WasiTask *next; /* ended ones that are kept */
    WasiTaskFn *run, *done;
    void *arg;
    Ready ready; /* until it starts */
};

struct WasiWatch {
    WasiWaitSet set;
    WasiWait wait;
    WasiWatchFn *fn;
    void *arg;
};

static _Thread_local WasiLoop *thread_loop;

/* --- the queue --- */

static void run_ready(WasiLoop *l);
static bool run_yielded(WasiLoop *l);

static void on_idle(uv_idle_t *h)
{
    WasiLoop *l = h->data;
    run_ready(l);
    if (!l->ready.first && !l->yielded.first)
        uv_idle_stop(h);
}

/* Started before those of others, it is called after them: what they have to send goes first. What
 * comes of the turn is theirs behind the next look at descriptors, which must not wait. */
static void on_prepare(uv_prepare_t *h)
{
    WasiLoop *l = h->data;
    if (run_yielded(l))
        uv_idle_start(&l->idle, on_idle);
}

static void on_check(uv_check_t *h)
{
    run_ready(h->data);
}

static void list_push(WasiLoop *l, ReadyList *list, Ready *r)
{
    if (!l->ready.first && !l->yielded.first)
        uv_idle_start(&l->idle, on_idle); /* so that the loop does not sleep */
    r->in = list;
    r->next = NULL;
    r->link = list->last;
    *list->last = r;
    list->last = &r->next;
}

static void ready_remove(WasiLoop *l, Ready *r)
{
    if (!r->in)
        return;
    *r->link = r->next;
    if (r->next)
        r->next->link = r->link;
    else
        r->in->last = r->link;
    r->in = NULL;
    if (!l->ready.first && !l->yielded.first)
        uv_idle_stop(&l->idle);
}

/* Nothing if it is there already. */
static void ready_push(WasiLoop *l, Ready *r)
{
    if (r->in == &l->ready)
        return;
    ready_remove(l, r);
    list_push(l, &l->ready, r);
}

/* Ended tasks are kept for the next ones, as many as there mostly are. Sanitizers see each go. */
#if defined __SANITIZE_ADDRESS__
enum { TASKS_KEPT = 0 };
#else
enum { TASKS_KEPT = 256 };
#endif

static WasiTask *task_take(WasiLoop *l)
{
    WasiTask *t = l->free_tasks;
    if (!t)
        return mem_alloc(sizeof *t);
    l->free_tasks = t->next;
    l->nfree_tasks--;
    return t;
}

static void task_give(WasiTask *t)
{
    WasiLoop *l = t->loop;
    if (l->nfree_tasks >= TASKS_KEPT) {
        mem_free(t);
        return;
    }
    *t = (WasiTask){.loop = l, .next = l->free_tasks};
    l->free_tasks = t;
    l->nfree_tasks++;
}

/* `done` may make the next task. */
static void task_end(WasiTask *t)
{
    WasiTaskFn *done = t->done;
    void *arg = t->arg;
    ready_remove(t->loop, &t->ready);
    fiber_free(t->fiber);
    t->loop->tasks--;
    task_give(t);
    done(arg);
}

static void count_turn(WasiLoop *l)
{
    __atomic_store_n(l->turns, *l->turns + 1, __ATOMIC_RELAXED);
}

static void resume(WasiLoop *l, Fiber *f)
{
    count_turn(l);
    bool ended = fiber_resume(f);
    count_turn(l);
    if (ended) {
        WasiTask *t = fiber_data(f);
        if (t)
            task_end(t);
    }
}

/* Those that are there now; what becomes ready meanwhile is for the next round. */
static void run_ready(WasiLoop *l)
{
    u32 n = 0;
    for (const Ready *r = l->ready.first; r; r = r->next)
        n++;
    for (; n > 0 && l->ready.first; n--) {
        Ready *r = l->ready.first;
        ready_remove(l, r);
        resume(l, r->fiber);
    }
}

/* One only, so that the others wait no longer for the loop's other work than for one turn. */
static bool run_yielded(WasiLoop *l)
{
    Ready *r = l->yielded.first;
    if (!r)
        return false;
    ready_remove(l, r);
    resume(l, r->fiber);
    return true;
}

/* --- sets --- */

static void wake(WasiWaitSet *s)
{
    if (s->watch) {
        s->watch->fn(s->watch->arg);
        return;
    }
    s->woken = true;
    if (s->ready.fiber)
        ready_push(s->loop, &s->ready);
}

static void hang_into(WasiWait **list, WasiWait *w)
{
    w->next = *list;
    w->link = list;
    if (w->next)
        w->next->link = &w->next;
    *list = w;
}

static void take_out(WasiWait *w)
{
    *w->link = w->next;
    if (w->next)
        w->next->link = w->link;
    w->link = NULL;
}

void wasi_waker_set(WasiWaker *w)
{
    if (w->ready)
        return;
    w->ready = true;
    for (WasiWait *i = w->waiters; i; i = i->next) {
        i->ready = true;
        wake(i->set);
    }
}

/* --- descriptors --- */

static void on_poll(uv_poll_t *h, int status, int events)
{
    Watcher *w = h->data;
    if (status < 0)
        w->events = 0; /* libuv has stopped it */
    /* A callback may free its own watch. */
    for (WasiWait *i = w->waiters, *next; i; i = next) {
        next = i->next;
        if (status < 0 || events & (i->kind == WASI_WAIT_READ ? UV_READABLE : UV_WRITABLE)) {
            i->ready = true;
            wake(i->set);
        }
    }
}

/* libuv makes descriptors non-blocking for good; ours may be shared with other processes. */
static void watcher_init(WasiLoop *l, Watcher *w, int fd)
{
    bool nonblocking = os_is_nonblocking(fd);
    w->fd = fd;
    w->pollable = uv_poll_init(&l->uv, &w->uv, fd) == 0;
    w->uv.data = w;
    if (!nonblocking)
        os_set_nonblocking(fd, false);
}

static Watcher *watcher_of(WasiLoop *l, int fd)
{
    vec_reserve(&l->watchers, (u64)fd + 1);
    while (l->watchers.n <= (u32)fd)
        vec_push(&l->watchers, NULL);
    Watcher *w = l->watchers.p[fd];
    if (w)
        return w;
    w = mem_alloc(sizeof *w);
    watcher_init(l, w, fd);
    l->watchers.p[fd] = w;
    return w;
}

static void watcher_update(Watcher *w)
{
    int events = (w->readers ? UV_READABLE : 0) | (w->writers ? UV_WRITABLE : 0);
    if (events == w->events || !w->pollable)
        return;
    w->events = events;
    if (events)
        uv_poll_start(&w->uv, events, on_poll);
    else
        uv_poll_stop(&w->uv);
}

static void on_watcher_closed(uv_handle_t *h)
{
    mem_free(h->data);
}

static void watcher_free(Watcher *w)
{
    if (w->pollable)
        uv_close((uv_handle_t *)&w->uv, on_watcher_closed);
    else
        mem_free(w);
}

void wasi_loop_forget(int fd)
{
    WasiLoop *l = thread_loop;
    if (!l || fd < 0 || (u32)fd >= l->watchers.n || !l->watchers.p[fd])
        return;
    ALWAYS(!l->watchers.p[fd]->waiters);
    watcher_free(l->watchers.p[fd]);
    l->watchers.p[fd] = NULL;
}

/* False: it cannot be waited for, so it is ready. */
static bool watch_fd(WasiLoop *l, WasiWait *w)
{
    Watcher *watcher = watcher_of(l, w->fd);
    if (!watcher->pollable)
        return false;
    u32 *count = w->kind == WASI_WAIT_READ ? &watcher->readers : &watcher->writers;
    ++*count;
    hang_into(&watcher->waiters, w);
    watcher_update(watcher);
    return true;
}

static void unwatch_fd(WasiLoop *l, WasiWait *w)
{
    Watcher *watcher = l->watchers.p[w->fd];
    u32 *count = w->kind == WASI_WAIT_READ ? &watcher->readers : &watcher->writers;
    --*count;
    take_out(w);
    watcher_update(watcher);
}

/* --- times --- */

static void on_timer(uv_timer_t *h)
{
    wake(h->data);
}

static void start_timer(WasiLoop *l, WasiWaitSet *s, u64 deadline)
{
    if (deadline == UINT64_MAX)
        return;
    Timer *t = l->free_timers;
    if (t) {
        l->free_timers = t->uv.data;
    } else {
        t = mem_alloc(sizeof *t);
        uv_timer_init(&l->uv, &t->uv);
    }
    u64 now = os_monotonic_ns(), left = deadline > now ? deadline - now : 0;
    t->uv.data = s;
    s->timer = t;
    uv_update_time(&l->uv);
    /* libuv counts in milliseconds, of which a part has passed. */
    uv_timer_start(&t->uv, on_timer, left / 1000000 + 1, 0);
}

static void stop_timer(WasiLoop *l, WasiWaitSet *s)
{
    if (!s->timer)
        return;
    uv_timer_stop(&s->timer->uv);
    s->timer->uv.data = l->free_timers;
    l->free_timers = s->timer;
    s->timer = NULL;
}

/* --- the loop --- */

static void on_poke(uv_async_t *h)
{
    WasiLoop *l = h->data;
    for (WasiWaitSet *s = l->sets; s; s = s->next)
        if (s->store && __atomic_load_n(&store_vm(s->store)->pending, __ATOMIC_ACQUIRE))
            wake(s);
}

/* With the handles that it was made with. */
static void loop_close(WasiLoop *l)
{
    uv_close((uv_handle_t *)&l->idle, NULL);
    uv_close((uv_handle_t *)&l->prepare, NULL);
    uv_close((uv_handle_t *)&l->check, NULL);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    ALWAYS(uv_loop_close(&l->uv) == 0);
    mem_free(l);
}

WasiLoop *wasi_loop(void)
{
    if (thread_loop)
        return thread_loop;
    WasiLoop *l = mem_alloc(sizeof *l);
    if (uv_loop_init(&l->uv) != 0) {
        mem_free(l);
        return NULL;
    }
    uv_idle_init(&l->uv, &l->idle);
    uv_prepare_init(&l->uv, &l->prepare);
    uv_check_init(&l->uv, &l->check);
    if (uv_async_init(&l->uv, &l->poke, on_poke) != 0) {
        loop_close(l);
        return NULL;
    }
    l->idle.data = l->prepare.data = l->check.data = l->poke.data = l;
    uv_prepare_start(&l->prepare, on_prepare);
    uv_check_start(&l->check, on_check);
    uv_unref((uv_handle_t *)&l->prepare);
    uv_unref((uv_handle_t *)&l->check);
    uv_unref((uv_handle_t *)&l->poke);
    l->ready.last = &l->ready.first;
    l->yielded.last = &l->yielded.first;
    l->turns = &l->own_turns;
    thread_loop = l;
    return l;
}

WasiLoop *wasi_loop_current(void)
{
    return thread_loop;
}

void *wasi_loop_extra(const WasiLoop *l)
{
    return l->extra;
}

void wasi_loop_set_extra(WasiLoop *l, void *extra, void (*end)(void *extra))
{
    if (l->extra)
        l->end_extra(l->extra);
    l->extra = extra;
    l->end_extra = end;
}

uv_loop_t *wasi_loop_uv(WasiLoop *l)
{
    return &l->uv;
}

static void run(WasiLoop *l, uv_run_mode mode)
{
    ALWAYS(!l->running && !fiber_current());
    l->running = true;
    uv_run(&l->uv, mode);
    l->running = false;
}

void wasi_loop_run(WasiLoop *l)
{
    run(l, UV_RUN_DEFAULT);
}

void wasi_loop_poke(WasiLoop *l)
{
    uv_async_send(&l->poke);
}

void wasi_loop_release(void)
{
    WasiLoop *l = thread_loop;
    if (!l)
        return;
    ALWAYS(!l->running && !l->tasks && !l->sets && !l->ready.first && !l->yielded.first);
    wasi_loop_set_extra(l, NULL, NULL);
    for (u32 i = 0; i < l->watchers.n; i++)
        if (l->watchers.p[i])
            watcher_free(l->watchers.p[i]);
    vec_release(&l->watchers);
    while (l->free_tasks)
        mem_free(task_take(l));
    Timer *timers = l->free_timers;
    for (Timer *t = timers; t; t = t->uv.data)
        uv_close((uv_handle_t *)&t->uv, NULL);
    uv_close((uv_handle_t *)&l->poke, NULL);
    loop_close(l);
    while (timers) {
        Timer *next = timers->uv.data;
        mem_free(timers);
        timers = next;
    }
    thread_loop = NULL;
}

/* --- waiting --- */

static bool stopped(Store *s)
{
    const Fiber *f = fiber_current();
    return (f && fiber_is_stopped(f)) ||
           (s && __atomic_load_n(&store_vm(s)->pending, __ATOMIC_ACQUIRE));
}

static bool is_fd(const WasiWait *w)
{
    return w->kind == WASI_WAIT_READ || w->kind == WASI_WAIT_WRITE;
}

/* Looks at all but descriptors; true if one is ready. Lowers the deadline to the earliest. */
static bool look(WasiWait *w, usize n, u64 *deadline)
{
    bool any = false;
    u64 now = 0;
    for (usize i = 0; i < n; i++) {
        w[i].ready =
            w[i].kind == WASI_WAIT_READY || (w[i].kind == WASI_WAIT_WAKER && w[i].waker->ready);
        if (w[i].kind == WASI_WAIT_TIME) {
            if (!now)
                now = os_monotonic_ns();
            w[i].ready = w[i].deadline <= now;
            *deadline = MIN(*deadline, w[i].deadline);
        }
        any |= w[i].ready;
    }
    return any;
}

/* The descriptors of a wait, each once. */
typedef struct Fds {
    OsPollFd *p;
    usize n;
    u32 *place; /* by descriptor: 1 + its place in p */
    OsPollFd own[4];
} Fds;

/* How many entries `place` needs. */
static usize highest(const WasiWait *w, usize n, usize *ret_count)
{
    usize top = 0, count = 0;
    for (usize i = 0; i < n; i++) {
        if (!is_fd(&w[i]))
            continue;
        count++;
        top = MAX(top, (usize)w[i].fd + 1);
    }
    *ret_count = count;
    return top;
}

/* With room for one more. */
static void fds_init(Fds *f, const WasiWait *w, usize n)
{
    usize count;
    usize top = highest(w, n, &count);
    f->n = 0;
    f->place = NULL;
    f->p = f->own;
    if (count > 1)
        f->place = mem_alloc_array(top, sizeof *f->place);
    if (count >= ARRAY_LEN(f->own))
        f->p = mem_alloc_array(MIN(count, top) + 1, sizeof *f->p);
    for (usize i = 0; i < n; i++) {
        if (!is_fd(&w[i]))
            continue;
        u32 place = f->place ? f->place[w[i].fd] : 0;
        if (!place) {
            f->p[f->n++] = (OsPollFd){.fd = w[i].fd};
            place = (u32)f->n;
            if (f->place)
                f->place[w[i].fd] = place;
        }
        f->p[place - 1].wanted |= w[i].kind == WASI_WAIT_READ ? OS_POLL_READ : OS_POLL_WRITE;
    }
}

static void fds_release(Fds *f)
{
    mem_free(f->place);
    if (f->p != f->own)
        mem_free(f->p);
}

/* Errors and hang-ups make it ready for both. */
static bool fds_report(const Fds *f, WasiWait *w, usize n)
{
    bool any = false;
    for (usize i = 0; i < n; i++) {
        if (!is_fd(&w[i]))
            continue;
        i16 got = f->p[f->place ? f->place[w[i].fd] - 1 : 0].ready;
        i16 own = w[i].kind == WASI_WAIT_READ ? OS_POLL_READ : OS_POLL_WRITE;
        w[i].ready = got & (own | ~(OS_POLL_READ | OS_POLL_WRITE));
        any |= w[i].ready;
    }
    return any;
}

/* Looks at descriptors, without waiting. */
static bool look_at_fds(WasiWait *w, usize n)
{
    Fds f;
    fds_init(&f, w, n);
    usize ready = 0;
    bool any = false;
    if (f.n > 0 && os_wait_any(f.p, f.n, 0, NULL, &ready) == 0 && ready > 0)
        any = fds_report(&f, w, n);
    fds_release(&f);
    return any;
}

/* --- on the thread's own stack --- */

/* The loop's turn. False if it cannot be waited for: it runs below us. */
static bool turn(WasiLoop *l)
{
    if (!l || l->running)
        return false;
    run(l, UV_RUN_NOWAIT);
    return true;
}

/* Waits once: for the descriptors, the deadline, the loop. */
static bool wait_in_kernel(Store *s, Fds *f, WasiLoop *l, u64 deadline)
{
    if (l) {
        int timeout = uv_backend_timeout(&l->uv);
        if (timeout >= 0)
            deadline = MIN(deadline, os_monotonic_ns() + (u64)timeout * 1000000);
        f->p[f->n] = (OsPollFd){.fd = uv_backend_fd(&l->uv), .wanted = OS_POLL_READ};
    }
    usize ready = 0;
    void *const *stop = s ? &store_vm(s)->pending : NULL;
    int err = os_wait_any(f->p, f->n + (l != NULL), deadline, stop, &ready);
    return !err && ready > 0;
}

static bool wait_here(Store *s, WasiWait *w, usize n, u64 deadline)
{
    Fds f;
    fds_init(&f, w, n);
    u64 until = deadline;
    while (!stopped(s)) {
        WasiLoop *l = turn(thread_loop) ? thread_loop : NULL;
        until = deadline;
        bool any = look(w, n, &until);
        if ((f.n > 0 || l || !(any || deadline == 0)) &&
            wait_in_kernel(s, &f, l, any ? 0 : until) && fds_report(&f, w, n))
            any = true;
        if (any || os_monotonic_ns() >= deadline)
            break;
    }
    fds_release(&f);
    return !stopped(s);
}

/* --- on a fiber --- */

static bool register_all(WasiLoop *l, WasiWaitSet *s, WasiWait *w, usize n)
{
    bool any = false;
    for (usize i = 0; i < n; i++) {
        w[i].set = s;
        w[i].link = NULL;
        if (w[i].kind == WASI_WAIT_WAKER)
            hang_into(&w[i].waker->waiters, &w[i]);
        else if (is_fd(&w[i]) && !watch_fd(l, &w[i]))
            any = w[i].ready = true;
    }
    return any;
}

static void unregister_all(WasiLoop *l, WasiWait *w, usize n)
{
    for (usize i = 0; i < n; i++) {
        if (!w[i].link)
            continue;
        if (is_fd(&w[i]))
            unwatch_fd(l, &w[i]);
        else
            take_out(&w[i]);
    }
}

static void suspend(WasiLoop *l, WasiWaitSet *s)
{
    s->link = &l->sets;
    s->next = l->sets;
    if (s->next)
        s->next->link = &s->next;
    l->sets = s;
    (void)fiber_suspend();
    *s->link = s->next;
    if (s->next)
        s->next->link = s->link;
    ready_remove(l, &s->ready);
}

/* Gives the others a turn. */
static void yield_to_loop(WasiLoop *l, Store *store)
{
    WasiWaitSet s = {.loop = l, .store = store, .ready.fiber = fiber_current()};
    ready_push(l, &s.ready);
    suspend(l, &s);
}

/* FiberYieldFn: the same, of one that has computed for a while. */
static void yield_turn(Store *store)
{
    WasiLoop *l = thread_loop;
    WasiWaitSet s = {.loop = l, .store = store, .ready.fiber = fiber_current()};
    list_push(l, &l->yielded, &s.ready);
    suspend(l, &s);
}

/* Until one of them or the deadline wakes the fiber; what the callbacks found is ready. */
static bool wait_for_wake(WasiLoop *l, Store *store, WasiWait *w, usize n, u64 until)
{
    WasiWaitSet s = {.loop = l, .store = store, .ready.fiber = fiber_current()};
    if (!register_all(l, &s, w, n)) {
        start_timer(l, &s, until);
        suspend(l, &s);
        stop_timer(l, &s);
    }
    unregister_all(l, w, n);
    bool any = false;
    for (usize i = 0; i < n; i++)
        any |= w[i].ready;
    return any;
}

static bool wait_on_fiber(Store *store, WasiWait *w, usize n, u64 deadline)
{
    WasiLoop *l = wasi_loop();
    bool woken = false;
    while (l && !stopped(store)) {
        u64 until = deadline;
        bool any = look(w, n, &until);
        if ((any | look_at_fds(w, n)) || (woken && os_monotonic_ns() >= deadline))
            return true;
        woken = true;
        if (deadline == 0)
            yield_to_loop(l, store);
        else if (wait_for_wake(l, store, w, n, until))
            return !stopped(store);
    }
    return false;
}

bool wasi_wait(Store *s, WasiWait *w, usize n, u64 deadline)
{
    if (stopped(s))
        return false;
    return fiber_current() ? wait_on_fiber(s, w, n, deadline) : wait_here(s, w, n, deadline);
}

/* --- tasks --- */

static void run_task(void *arg)
{
    WasiTask *t = arg;
    t->run(t->arg);
}

WasiTask *wasi_task_new(WasiLoop *l, WasiTaskFn *run_fn, WasiTaskFn *done, void *arg)
{
    WasiTask *t = task_take(l);
    *t = (WasiTask){.loop = l, .run = run_fn, .done = done, .arg = arg};
    t->fiber = fiber_new(l->stack, run_task, t);
    if (!t->fiber) {
        task_give(t);
        return NULL;
    }
    fiber_set_data(t->fiber, t);
    fiber_set_yield(t->fiber, yield_turn);
    t->ready.fiber = t->fiber;
    l->tasks++;
    ready_push(l, &t->ready);
    return t;
}

void wasi_loop_count_turns(WasiLoop *l, u32 *turns)
{
    l->turns = turns;
}

void wasi_loop_set_stack(WasiLoop *l, usize bytes)
{
    l->stack = bytes;
}

void wasi_task_stop(WasiTask *t)
{
    task_end(t); /* fiber_free lets it run to its end */
}

/* --- callbacks --- */

WasiWatch *wasi_watch_new(int fd, WasiWaitKind kind, WasiWatchFn *fn, void *arg)
{
    WasiLoop *l = wasi_loop();
    if (!l)
        return NULL;
    WasiWatch *w = mem_alloc(sizeof *w);
    *w = (WasiWatch){.set = {.loop = l}, .wait = {.kind = kind, .fd = fd}, .fn = fn, .arg = arg};
    w->set.watch = w;
    w->wait.set = &w->set;
    ALWAYS(is_fd(&w->wait));
    if (watch_fd(l, &w->wait))
        return w;
    mem_free(w);
    return NULL;
}

void wasi_watch_free(WasiWatch *w)
{
    if (!w)
        return;
    unwatch_fd(w->set.loop, &w->wait);
    mem_free(w);
}
