/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Building and freeing a context. */
#include "wasi/ctx_priv.h"

#include <string.h>
#include <unistd.h>

#include "base/utf8.h"
#include "os/time.h"

WasiCtx *wasi_ctx_new(void)
{
    WasiCtx *c = mem_alloc(sizeof *c);
    for (usize i = 0; i < ARRAY_LEN(c->stdio); i++)
        c->stdio[i] = -1;
    c->hostcall_fuel = WASI_LIMIT_HOSTCALL_FUEL;
    c->max_random_size = WASI_LIMIT_RANDOM_SIZE;
    c->max_resources = WASI_LIMIT_RESOURCES;
    c->monotonic_start = os_monotonic_ns();
    return c;
}

static void close_all(WasiCtx *c)
{
    for (u32 i = 0; i < c->fds.fds.n; i++)
        if (c->fds.fds.p[i].kind != WASI_FD_CLOSED)
            wasi_fd_close(c, i);
}

void wasi_ctx_reset(WasiCtx *c)
{
    close_all(c);
    c->fds.fds.n = c->fds.free.n = 0;
    c->fds_ready = false;
    c->monotonic_start = os_monotonic_ns();
}

void wasi_ctx_free(WasiCtx *c)
{
    if (!c)
        return;
    close_all(c);
    vec_release(&c->fds.fds);
    vec_release(&c->fds.free);
    for (u32 i = 0; i < c->preopens.n; i++) {
        fs_node_release(&c->preopens.p[i].node);
        mem_free(c->preopens.p[i].name);
    }
    vec_release(&c->preopens);
    for (u32 i = 0; i < c->args.n; i++)
        mem_free(c->args.p[i]);
    vec_release(&c->args);
    for (u32 i = 0; i < c->env.n; i++)
        mem_free(c->env.p[i]);
    vec_release(&c->env);
    vec_release(&c->env_names);
    mem_free(c->cwd);
    mem_free(c);
}

static Error *check_text(const char *what, Str s)
{
    if (!utf8_valid(s.p, s.n))
        return error_new("%s is not valid UTF-8: %.*s", what, STR_ARG(s));
    if (s.n > 0 && memchr(s.p, 0, s.n))
        return error_new("%s contains a NUL byte", what);
    return NULL;
}

Error *wasi_ctx_arg(WasiCtx *c, Str arg)
{
    Error *e = check_text("argument", arg);
    if (!e)
        vec_push(&c->args, mem_strdup_n(arg.p, arg.n));
    return e;
}

Error *wasi_ctx_env(WasiCtx *c, Str name, Str value)
{
    Error *e = check_text("environment variable name", name);
    if (!e)
        e = check_text("environment variable value", value);
    if (e)
        return e;
    Buf b = {0};
    buf_str(&b, name);
    buf_u8(&b, '=');
    buf_str(&b, value);
    vec_push(&c->env, buf_take_string(&b));
    vec_push(&c->env_names, name.n);
    return NULL;
}

Error *wasi_ctx_cwd(WasiCtx *c, Str path)
{
    Error *e = check_text("working directory", path);
    if (e)
        return e;
    mem_free(c->cwd);
    c->cwd = mem_strdup_n(path.p, path.n);
    return NULL;
}

Error *wasi_ctx_inherit_env(WasiCtx *c)
{
    for (char *const *at = environ; at && *at; at++) {
        const char *eq = strchr(*at + (**at == '='), '=');
        if (!eq)
            continue;
        Error *e = wasi_ctx_env(c, (Str){*at, (usize)(eq - *at)}, str_of(eq + 1));
        if (e)
            return e;
    }
    return NULL;
}

void wasi_ctx_instance_id(WasiCtx *c, u64 id, bool prefix)
{
    c->instance_id = id;
    c->has_id = true;
    c->prefix[WASI_STDOUT] = (WasiPrefix){.stream = prefix ? "stdout" : NULL, .id = id};
    c->prefix[WASI_STDERR] = (WasiPrefix){.stream = prefix ? "stderr" : NULL, .id = id};
}

void wasi_ctx_stdio(WasiCtx *c, WasiStdio which, int fd)
{
    c->stdio[which] = fd;
}

void wasi_ctx_inherit_stdio(WasiCtx *c, WasiStdio which)
{
    if (which != WASI_STDIN)
        os_ignore_write_signals();
    wasi_ctx_stdio(c, which, (int)which);
}

Error *wasi_ctx_preopen(WasiCtx *c, const char *host_path, Str guest_name, bool read_only)
{
    Error *e = check_text("directory name", guest_name);
    if (e)
        return e;
    int fd;
    int err = os_open_dir(host_path, &fd);
    if (err)
        return error_wrap(error_new("%s (os error %d)", strerror(err), err),
                          "failed to open directory '%s'", host_path);
    WasiPreopen p = {
        .node = {.fd = fd, .is_dir = true, .read_only = read_only, .readable = true},
        .name = mem_strdup_n(guest_name.p, guest_name.n),
    };
    vec_push(&c->preopens, p);
    return NULL;
}

void wasi_ctx_hostcall_fuel(WasiCtx *c, u64 bytes)
{
    c->hostcall_fuel = bytes;
}

void wasi_ctx_max_random_size(WasiCtx *c, u64 bytes)
{
    c->max_random_size = bytes;
}

void wasi_ctx_max_resources(WasiCtx *c, u64 count)
{
    c->max_resources = MIN(count, (u64)INT32_MAX);
}

void wasi_ctx_network(WasiCtx *c, WasiNetwork n)
{
    c->network = n;
}

void wasi_ctx_trace(WasiCtx *c, WasiTrace trace, void *arg)
{
    c->trace = trace;
    c->trace_arg = arg;
}

void wasi_ctx_walk_paths(WasiCtx *c)
{
    c->sandbox.walk = true;
}
