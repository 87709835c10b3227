/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The server as a whole: checks and binding before anything is served, the threads, and what the
 * calling thread waits for: signals, the shutdown address, deadlines, the ends of the threads.
 */
#include "serve/serve_priv.h"

#include "os/fs.h"
#include "os/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PIPE_PIECE = 4096, /* PIPE_BUF: room for it is what poll tells of */
    MS = 1000000,
    LAST_MS = 2000, /* from the drain's deadline to the process's end */
    TICK_MS = 10,   /* guests that compute for one or two have had their turn */
    SLOW_TICK_MS = 100,
    LOOP_DESCRIPTORS = 8, /* libuv ends the process if it gets none for its first loop */
    QUIET_TICKS = 100,    /* without a guest that ran, until ticks are slow */
};

/* --- words --- */

/* What a pipe that has room takes without waiting: whole lines, if they are not too long. */
static usize piece(const char *text, usize n)
{
    usize end = MIN(n, (usize)PIPE_PIECE);
    while (end < n && end > 0 && text[end - 1] != '\n')
        end--;
    return end ? end : MIN(n, (usize)PIPE_PIECE);
}

void serve_put(int to, const char *text, usize n)
{
    OsPollFd fd = {.fd = to, .wanted = OS_POLL_WRITE};
    while (n > 0) {
        usize ready, done, take = piece(text, n);
        if (os_wait_any(&fd, 1, 0, NULL, &ready) != 0 || !ready || fd.ready != OS_POLL_WRITE ||
            os_fd_write(to, text, take, &done) != 0)
            return;
        text += done;
        n -= done;
    }
}

static void say(const char *text, usize n)
{
    serve_put(STDERR_FILENO, text, n);
}

void serve_report(const char *head, Error *e)
{
    Str usual = STR("Error");
    Buf text = {0}, line = {0};
    error_format(e, &text);
    bool has = str_starts((Str){(char *)text.p, text.n}, usual);
    usize skip = has ? usual.n : 0;
    buf_printf(&line, "%s%s", head, has ? "" : ": ");
    buf_bytes(&line, text.p + skip, text.n - skip);
    say((const char *)line.p, line.n);
    buf_release(&line);
    buf_release(&text);
    error_free(e);
}

static void say_address(const char *what, const char *scheme, int fd)
{
    OsAddress a;
    char address[OS_ADDRESS_TEXT], line[OS_ADDRESS_TEXT + 80];
    if (os_socket_address(fd, &a) != 0)
        return;
    os_address_format(&a, address);
    bool is_unix = strncmp(address, "unix:", 5) == 0;
    int n = snprintf(line, sizeof line, "%s %s%s%s\n", what, is_unix ? "" : scheme, address,
                     is_unix ? "" : "/");
    say(line, (usize)n);
}

/* --- before it starts --- */

static bool exports_handler(const Component *c)
{
    for (u32 i = 0; i < c->ndefs; i++) {
        const ComponentDef *d = &c->defs[i];
        if (d->kind == DEF_EXPORT && d->port.ext->sort == SORT_INSTANCE &&
            str_starts(d->port.ext->name.text, STR("wasi:http/incoming-handler@0.2.")) &&
            !d->port.ext->name.semver.pre.n)
            return true;
    }
    return false;
}

/* What guests import, compared with what there is. Nothing of a guest runs. */
MUST_CHECK static Error *link_component(Server *s)
{
    const ServeConfig *c = &s->c;
    Store *store = NULL;
    if (!exports_handler(component_decoded(c->component)))
        return error_new("no exported instance named `wasi:http/incoming-handler@0.2.12`");
    Error *e = engine_store_new(c->engine, &store);
    if (e)
        return e;
    s->linker = component_linker_new();
    s->linked_ctx = wasi_ctx_new();
    s->linked = wasi_p2_new(s->linked_ctx, NULL);
    e = c->setup(c->arg, store, s->linked_ctx);
    if (!e)
        e = c->link(c->arg, s->linker, s->linked);
    if (!e)
        e = component_check_imports(c->component, s->linker);
    store_free(store);
    return e;
}

MUST_CHECK static Error *bind_to(Server *s, const OsAddress *a, u32 n, int *ret_fds)
{
    int err = os_listen(a, (int)s->c.backlog, n, ret_fds);
    if (err == 0) {
        s->bound[s->nbound++] = (Bound){*a, os_socket_file(a)};
        return NULL;
    }
    char address[OS_ADDRESS_TEXT];
    os_address_format(a, address);
    return error_new("failed to listen on %s: %s (os error %d)", address, strerror(err), err);
}

/* Those that a service manager passed; each thread accepts from all of them. */
MUST_CHECK static Error *take_inherited(Server *s, u32 *ret_n)
{
    int first;
    os_inherited_sockets(&first, ret_n);
    for (u32 i = 0; i < *ret_n; i++) {
        int passed = first + (int)i;
        if (!os_socket_listens(passed))
            return error_new("descriptor %d, passed with LISTEN_FDS, is not a listening socket",
                             passed);
        for (u32 w = 0; w < s->nworkers; w++) {
            int fd = passed;
            if (w > 0 && os_socket_dup(passed, &fd) != 0)
                continue;
            vec_push(&s->workers[w].sockets, fd);
        }
    }
    return NULL;
}

MUST_CHECK static Error *listen_all(Server *s)
{
    const OsAddress *a = s->c.address;
    OsAddress usual;
    u32 n = 0;
    if (!a) {
        Error *e = take_inherited(s, &n);
        if (e || n > 0)
            return e;
    }
    ALWAYS(os_address_parse(STR(SERVE_DEFAULT_ADDRESS), &usual));
    int *fds = mem_alloc_array(s->nworkers, sizeof *fds);
    Error *e = bind_to(s, a ? a : &usual, s->nworkers, fds);
    for (u32 i = 0; i < s->nworkers && !e; i++)
        vec_push(&s->workers[i].sockets, fds[i]);
    mem_free(fds);
    return e;
}

/* The next server may have the paths at once; one that has taken them already keeps them. */
static void remove_files(Server *s)
{
    while (s->nbound > 0) {
        const Bound *b = &s->bound[--s->nbound];
        os_socket_file_remove(&b->address, b->file);
    }
}

static void close_sockets(Server *s)
{
    remove_files(s);
    for (u32 i = 0; i < s->nworkers; i++)
        for (u32 n = 0; n < s->workers[i].sockets.n; n++)
            os_fd_close(s->workers[i].sockets.p[n]);
    if (s->shutdown_fd >= 0)
        os_fd_close(s->shutdown_fd);
    if (s->metrics_fd >= 0)
        os_fd_close(s->metrics_fd);
}

/* --- the end --- */

static u32 count_running(const Server *s)
{
    u32 n = 0;
    for (u32 i = 0; i < s->nworkers; i++)
        n += __atomic_load_n(&s->workers[i].running, __ATOMIC_RELAXED);
    return n;
}

static void set_timer(Server *s, u64 deadline, u64 now);

static void stop(Server *s)
{
    static const char words[] = "Waiting for child tasks to exit, ctrl-c again to quit sooner...\n";
    if (s->stopping)
        _exit(0); /* asked for twice */
    s->stopping = true;
    remove_files(s);
    u64 now = os_monotonic_ns();
    s->drain_deadline = now + MIN(s->c.drain_ns, UINT64_MAX - now - 1);
    if (count_running(s) > 0)
        say(words, sizeof words - 1);
    for (u32 i = 0; i < s->nworkers; i++)
        worker_stop(&s->workers[i]);
    set_timer(s, now, now); /* requests may be due before the end of all */
}

static void on_signal(uv_signal_t *h, int number)
{
    (void)number;
    stop(h->data);
}

static void on_shutdown_socket(uv_poll_t *h, int status, int events)
{
    Server *s = h->data;
    int fd;
    (void)status, (void)events;
    if (os_accept(s->shutdown_fd, &fd) != 0)
        return;
    os_fd_close(fd);
    uv_poll_stop(h);
    if (!s->stopping)
        stop(s);
}

static void on_worker_ended(uv_async_t *h)
{
    Server *s = h->data;
    for (u32 i = 0; i < s->nworkers; i++)
        if (!__atomic_load_n(&s->workers[i].ended, __ATOMIC_ACQUIRE))
            return;
    uv_stop(&s->uv);
}

/* --- deadlines --- */

static void on_timer(uv_timer_t *h)
{
    Server *s = h->data;
    u64 now = os_monotonic_ns(), next = UINT64_MAX;
    bool over = now >= s->drain_deadline;
    if (over && now - s->drain_deadline >= (u64)LAST_MS * MS)
        _exit(0); /* somebody does not let go */
    for (u32 i = 0; i < s->nworkers; i++)
        next = MIN(next, watch_run(&s->workers[i], over ? UINT64_MAX : now));
    if (over)
        next = now + 20 * MS;
    else if (s->c.timeout_ns != UINT64_MAX) /* nothing that starts from now on is due before */
        next = MIN(next, now + s->c.timeout_ns);
    set_timer(s, MIN(next, over ? next : s->drain_deadline), now);
}

static void set_timer(Server *s, u64 deadline, u64 now)
{
    if (deadline == UINT64_MAX)
        return;
    uv_update_time(&s->uv);
    uv_timer_start(&s->timer, on_timer, deadline > now ? (deadline - now) / MS + 1 : 1, 0);
}

/* --- turns --- */

static void on_tick(uv_timer_t *h);

static void tick_after(Server *s, u32 ms)
{
    uv_update_time(&s->uv);
    uv_timer_start(&s->tick, on_tick, ms, 0);
}

/*
 * While guests run, often; while they all wait, seldom; never while there are none. A request that
 * starts just as that is decided may not see it: one more look later finds it.
 */
static void on_tick(uv_timer_t *h)
{
    Server *s = h->data;
    bool ran = false;
    for (u32 i = 0; i < s->nworkers; i++)
        ran |= watch_turns(&s->workers[i]);
    s->quiet = ran ? 0 : s->quiet + 1;
    if (s->quiet < QUIET_TICKS) {
        tick_after(s, TICK_MS);
        return;
    }
    if (count_running(s) == 0 && __atomic_exchange_n(&s->sleeping, true, __ATOMIC_SEQ_CST))
        return;
    tick_after(s, SLOW_TICK_MS);
}

static void on_wake(uv_async_t *h)
{
    Server *s = h->data;
    s->quiet = 0;
    tick_after(s, TICK_MS);
}

void serve_wake(Server *s)
{
    if (UNLIKELY(__atomic_load_n(&s->sleeping, __ATOMIC_RELAXED)) &&
        __atomic_exchange_n(&s->sleeping, false, __ATOMIC_SEQ_CST))
        uv_async_send(&s->wake);
}

/* --- the thread's loop --- */

/* The sockets of one thread: all of them have the same addresses. */
static void say_addresses(const Server *s)
{
    for (u32 i = 0; i < s->workers[0].sockets.n; i++)
        say_address("Serving HTTP on", "http://", s->workers[0].sockets.p[i]);
}

/* Those that take descriptors; an error of libuv. */
static int open_handles(Server *s)
{
    int e = uv_async_init(&s->uv, &s->worker_ended, on_worker_ended);
    if (!e)
        e = uv_async_init(&s->uv, &s->wake, on_wake);
    if (!e)
        e = uv_signal_init(&s->uv, &s->interrupt);
    if (!e)
        e = uv_signal_init(&s->uv, &s->terminate);
    if (!e)
        e = uv_signal_start(&s->interrupt, on_signal, SIGINT);
    if (!e)
        e = uv_signal_start(&s->terminate, on_signal, SIGTERM);
    if (e || s->shutdown_fd < 0)
        return e;
    e = uv_poll_init(&s->uv, &s->shutdown, s->shutdown_fd);
    return e ? e : uv_poll_start(&s->shutdown, UV_READABLE, on_shutdown_socket);
}

static void close_loop(Server *s);

MUST_CHECK static Error *open_loop(Server *s)
{
    ALWAYS(uv_sem_init(&s->ready, 0) == 0);
    int e = os_fd_room(LOOP_DESCRIPTORS) ? uv_loop_init(&s->uv) : UV_EMFILE;
    if (e) {
        uv_sem_destroy(&s->ready);
        return error_new("failed to start: %s", uv_strerror(e));
    }
    uv_timer_init(&s->uv, &s->timer);
    uv_timer_init(&s->uv, &s->tick);
    e = open_handles(s);
    if (e) {
        close_loop(s);
        return error_new("failed to start: %s", uv_strerror(e));
    }
    s->sleeping = true;
    s->tick.data = s->wake.data = s->shutdown.data = s;
    s->worker_ended.data = s->timer.data = s->interrupt.data = s->terminate.data = s;
    if (s->c.timeout_ns != UINT64_MAX) {
        u64 now = os_monotonic_ns();
        set_timer(s, now + MIN(s->c.timeout_ns, (u64)INT64_MAX), now);
    }
    return NULL;
}

static void close_handle(uv_handle_t *h, void *arg)
{
    (void)arg;
    if (!uv_is_closing(h))
        uv_close(h, NULL);
}

static void close_loop(Server *s)
{
    uv_walk(&s->uv, close_handle, NULL);
    uv_run(&s->uv, UV_RUN_DEFAULT);
    ALWAYS(uv_loop_close(&s->uv) == 0);
    uv_sem_destroy(&s->ready);
}

/* Those that have started are s->nworkers; all of them can serve, unless there is an error. */
MUST_CHECK static Error *start_workers(Server *s)
{
    u32 n = 0, wanted = s->nworkers;
    while (n < wanted && worker_start(&s->workers[n]))
        n++;
    for (u32 i = 0; i < n; i++)
        uv_sem_wait(&s->ready);
    s->nworkers = n;
    for (u32 i = 0; i < n; i++)
        if (__atomic_load_n(&s->workers[i].ended, __ATOMIC_ACQUIRE))
            return error_new("no descriptors or no memory to serve with %u threads", wanted);
    return n < wanted ? error_new("only %u of %u threads started", n, wanted) : NULL;
}

MUST_CHECK static Error *run(Server *s)
{
    Error *e = open_loop(s);
    if (e)
        return e;
    e = start_workers(s);
    u32 n = s->nworkers;
    if (e) {
        stop(s);
    } else {
        if (s->shutdown_fd >= 0)
            say_address("Listening for shutdown on", "tcp://", s->shutdown_fd);
        say_addresses(s);
        if (s->metrics_fd >= 0)
            say_address("Metrics on", "http://", s->metrics_fd);
        metrics_open(s);
    }
    if (n > 0)
        uv_run(&s->uv, UV_RUN_DEFAULT);
    for (u32 i = 0; i < n; i++)
        os_thread_join(s->workers[i].thread);
    metrics_close(s);
    close_loop(s);
    return e;
}

/* Limits are divided, so that no thread has to ask another. */
static void make_workers(Server *s)
{
    u32 n = MAX(MIN(s->c.threads, MIN(s->c.max_requests, s->c.max_connections)), 1);
    s->nworkers = n;
    s->workers = mem_alloc_array(n, sizeof *s->workers);
    for (u32 i = 0; i < n; i++) {
        Worker *w = &s->workers[i];
        w->server = s;
        w->max_requests = s->c.max_requests / n + (i < s->c.max_requests % n);
        w->max_connections = s->c.max_connections / n + (i < s->c.max_connections % n);
    }
}

static void release(Server *s)
{
    for (u32 i = 0; i < s->nworkers; i++) {
        Worker *w = &s->workers[i];
        for (Call *next, *c = w->all; c; c = next) {
            next = c->all;
            mem_free(c);
        }
        vec_release(&w->sockets);
    }
    mem_free(s->workers);
    slot_images_unref(s->images);
    component_linker_free(s->linker);
    wasi_p2_free(s->linked);
    wasi_ctx_free(s->linked_ctx);
}

Error *serve(const ServeConfig *c)
{
    Server s = {.c = *c, .shutdown_fd = -1, .metrics_fd = -1, .drain_deadline = UINT64_MAX};
    s.images = slot_images_new();
    make_workers(&s);
    Error *e = link_component(&s);
    if (!e && c->shutdown)
        e = bind_to(&s, c->shutdown, 1, &s.shutdown_fd);
    if (!e && c->metrics)
        e = bind_to(&s, c->metrics, 1, &s.metrics_fd);
    if (!e)
        e = listen_all(&s);
    if (e)
        close_sockets(&s);
    else
        e = run(&s);
    release(&s);
    return e;
}
