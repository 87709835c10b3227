/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * `wasmtime dev`: builds the project, serves it, and builds it anew when its files change. The
 * served component is exchanged when a build succeeds; when one fails the last good one goes on.
 */
#include "cli/cmdline.h"
#include "cli/project.h"
#include "os/socket.h"
#include "os/spawn.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

enum { SETTLE_MS = 150 }; /* editors write a file in several steps */
enum { WATCH_SOURCE, WATCH_WIT, WATCH_PROJECT, WATCHES };

typedef struct Dev {
    Project project;
    const char *address;
    char fixed[OS_ADDRESS_TEXT]; /* the address, where any port will do */
    OsProcess server;
    bool serving, reread; /* reread: wasmtime.toml has changed */
    uv_loop_t loop;
    uv_timer_t settle;
    uv_fs_event_t watches[WATCHES];
    uv_signal_t signals[2];
} Dev;

static void stop_server(Dev *d)
{
    if (d->serving)
        os_process_stop(d->server);
    d->serving = false;
}

static void report(Error *e)
{
    Buf out = {0};
    error_format(e, &out);
    fprintf(stderr, "%.*s\n", (int)out.n, (const char *)out.p);
    buf_release(&out);
    error_free(e);
}

static void build_and_serve(Dev *d)
{
    const char *const argv[] = {"/proc/self/exe", "serve",           "-S", "cli=y", "--addr",
                                d->address,       d->project.output, NULL};
    Error *e = project_build(&d->project, false);
    if (!e) {
        stop_server(d);
        e = os_spawn(argv, false, &d->server);
        d->serving = !e;
    }
    if (e)
        report(e);
    if (e && d->serving)
        fprintf(stderr, "The last good build is still served.\n");
}

static int watch_folders(Dev *d);

/* What wasmtime.toml says now; what it said before if it cannot be read. */
static void read_again(Dev *d)
{
    Project fresh;
    Error *e = project_read(&fresh);
    if (!e) {
        project_release(&d->project);
        d->project = fresh;
        int r = watch_folders(d);
        e = r ? error_new("failed to watch the project: %s", uv_strerror(r)) : NULL;
    } else {
        project_release(&fresh);
    }
    if (e)
        report(e);
}

static void settled(uv_timer_t *t)
{
    Dev *d = t->data;
    if (d->reread)
        read_again(d);
    d->reread = false;
    build_and_serve(d);
}

static void changed(uv_fs_event_t *w, const char *name, int events, int status)
{
    Dev *d = w->data;
    (void)events;
    /* Of the project's own folder only wasmtime.toml counts, not build/. */
    bool project = name && strcmp(name, "wasmtime.toml") == 0;
    if (status != 0 || (w == &d->watches[WATCH_PROJECT] && !project))
        return;
    d->reread |= project && w == &d->watches[WATCH_PROJECT];
    uv_timer_start(&d->settle, settled, SETTLE_MS, 0);
}

static int watch_folders(Dev *d)
{
    const char *slash = strrchr(d->project.source, '/');
    char *source = slash ? mem_strdup_n(d->project.source, (usize)(slash - d->project.source))
                         : mem_strdup_n(".", 1);
    const char *folders[] = {source, d->project.wit, "."};
    int r = 0;
    for (u32 i = 0; i < WATCHES && r == 0; i++) {
        uv_fs_event_stop(&d->watches[i]);
        r = uv_fs_event_start(&d->watches[i], changed, folders[i], 0);
    }
    mem_free(source);
    return r;
}

static void ended(uv_signal_t *s, int number)
{
    (void)number;
    uv_stop(s->loop);
}

static Error *watch(Dev *d)
{
    const int numbers[] = {SIGINT, SIGTERM};
    int r = uv_timer_init(&d->loop, &d->settle);
    d->settle.data = d;
    for (u32 i = 0; i < WATCHES && r == 0; i++) {
        r = uv_fs_event_init(&d->loop, &d->watches[i]);
        d->watches[i].data = d;
    }
    r = r ? r : watch_folders(d);
    for (u32 i = 0; i < ARRAY_LEN(numbers) && r == 0; i++) {
        r = uv_signal_init(&d->loop, &d->signals[i]);
        r = r ? r : uv_signal_start(&d->signals[i], ended, numbers[i]);
    }
    return r ? error_new("failed to watch the project: %s", uv_strerror(r)) : NULL;
}

/*
 * The address is tried before anything is built: later the server alone would fail, and its failure
 * go by. Where any port will do (":0"), one is taken now, and kept from build to build.
 */
MUST_CHECK static Error *try_address(Dev *d)
{
    OsAddress wanted, bound;
    int fd = -1;
    if (!os_address_parse(str_of(d->address), &wanted))
        return error_new("`%s` is no address: expected IP:PORT or unix:PATH", d->address);
    int e = os_listen(&wanted, 1, 1, &fd);
    if (e)
        return error_new("failed to listen on %s: %s (os error %d)", d->address, strerror(e), e);
    if (os_socket_address(fd, &bound) == 0) {
        os_address_format(&bound, d->fixed);
        d->address = d->fixed;
    }
    close(fd);
    return NULL;
}

static void close_one(uv_handle_t *h, void *data)
{
    (void)data;
    if (!uv_is_closing(h))
        uv_close(h, NULL);
}

Error *cmd_dev(CmdLine *c, int *ret_status)
{
    Dev d = {.address = cmdline_value(c, FLAG_addr)};
    if (!d.address)
        d.address = "127.0.0.1:8080";
    *ret_status = 0;
    Error *e = project_read(&d.project);
    if (!e)
        e = try_address(&d);
    if (!e && uv_loop_init(&d.loop) != 0)
        e = error_new("failed to make an event loop");
    if (e) {
        project_release(&d.project);
        return e;
    }
    e = watch(&d);
    if (!e) {
        build_and_serve(&d);
        uv_run(&d.loop, UV_RUN_DEFAULT);
    }
    stop_server(&d);
    uv_walk(&d.loop, close_one, NULL);
    uv_run(&d.loop, UV_RUN_DEFAULT);
    uv_loop_close(&d.loop);
    project_release(&d.project);
    return e;
}
