/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* wasi:cli, wasi:clocks and wasi:random. */
#include "bind/wasi_cli_environment.h"
#include "bind/wasi_cli_exit.h"
#include "bind/wasi_cli_stderr.h"
#include "bind/wasi_cli_stdin.h"
#include "bind/wasi_cli_stdout.h"
#include "bind/wasi_cli_terminal_stderr.h"
#include "bind/wasi_cli_terminal_stdin.h"
#include "bind/wasi_cli_terminal_stdout.h"
#include "bind/wasi_clocks_monotonic_clock.h"
#include "bind/wasi_clocks_wall_clock.h"
#include "bind/wasi_random_insecure.h"
#include "bind/wasi_random_insecure_seed.h"
#include "bind/wasi_random_random.h"
#include "os/time.h"
#include "wasi/p2/p2_priv.h"

#include <stdio.h>
#include <string.h>

/* --- environment --- */

void wasi_cli_environment_get_environment(LiftCall *call,
                                          WasiCliEnvironmentListTuple2StringString *ret_result)
{
    const WasiCtx *c = p2_of(call)->ctx;
    char id[40];
    u32 n = c->env.n + c->has_id;
    snprintf(id, sizeof id, "INSTANCE_ID=%llu", (unsigned long long)c->instance_id);
    Str own = c->has_id ? lift_copy(call, str_of(id)) : STR("");
    WasiCliEnvironmentTuple2StringString *out = lift_alloc(call, n, sizeof *out);
    for (u32 i = 0; i < n; i++) {
        bool is_own = i == c->env.n;
        Str pair = is_own ? own : str_of(c->env.p[i]);
        usize name = is_own ? strlen("INSTANCE_ID") : c->env_names.p[i];
        out[i].f0 = (Str){pair.p, name};
        out[i].f1 = (Str){pair.p + name + 1, pair.n - name - 1};
    }
    *ret_result = (WasiCliEnvironmentListTuple2StringString){out, n};
}

void wasi_cli_environment_get_arguments(LiftCall *call, LiftListString *ret_result)
{
    const WasiCtx *c = p2_of(call)->ctx;
    Str *out = lift_alloc(call, c->args.n, sizeof *out);
    for (u32 i = 0; i < c->args.n; i++)
        out[i] = str_of(c->args.p[i]);
    *ret_result = (LiftListString){out, c->args.n};
}

void wasi_cli_environment_initial_cwd(LiftCall *call, WasiCliEnvironmentOptionString *ret_result)
{
    const char *cwd = p2_of(call)->ctx->cwd;
    *ret_result = (WasiCliEnvironmentOptionString){0};
    if (cwd)
        *ret_result = (WasiCliEnvironmentOptionString){.some = true, .value = str_of(cwd)};
}

void wasi_cli_exit_exit(LiftCall *call, const WasiCliExitResultVoidVoid *status)
{
    int code = status->is_err;
    p2_fail(call, error_new_kind(ERROR_EXIT, code, "Exited with i32 exit status %d", code));
}

void wasi_cli_exit_exit_with_code(LiftCall *call, u8 status_code)
{
    p2_fail(call,
            error_new_kind(ERROR_EXIT, status_code, "Exited with i32 exit status %u", status_code));
}

/* --- standard streams --- */

void wasi_cli_stdin_get_stdin(LiftCall *call, WasiIoStreamsInputStream **ret_result)
{
    WasiIoStreamsInputStream *s = p2_resource_new(call, sizeof *s);
    s->fd = p2_of(call)->ctx->stdio[WASI_STDIN];
    *ret_result = s;
}

static WasiIoStreamsOutputStream *output(LiftCall *call, WasiStdio which)
{
    WasiIoStreamsOutputStream *s = p2_resource_new(call, sizeof *s);
    WasiCtx *c = p2_of(call)->ctx;
    s->fd = c->stdio[which];
    s->prefix = c->prefix[which].stream ? &c->prefix[which] : NULL;
    return s;
}

void wasi_cli_stdout_get_stdout(LiftCall *call, WasiIoStreamsOutputStream **ret_result)
{
    *ret_result = output(call, WASI_STDOUT);
}

void wasi_cli_stderr_get_stderr(LiftCall *call, WasiIoStreamsOutputStream **ret_result)
{
    *ret_result = output(call, WASI_STDERR);
}

/* There is nothing to know of a terminal but that it is one. */
struct WasiCliTerminalInputTerminalInput {
    u8 nothing;
};
struct WasiCliTerminalOutputTerminalOutput {
    u8 nothing;
};

void wasi_cli_terminal_input_terminal_input_drop(void *host, WasiCliTerminalInputTerminalInput *rep)
{
    p2_resource_free(host, rep);
}

void wasi_cli_terminal_output_terminal_output_drop(void *host,
                                                   WasiCliTerminalOutputTerminalOutput *rep)
{
    p2_resource_free(host, rep);
}

static bool is_terminal(LiftCall *call, WasiStdio which)
{
    int fd = p2_of(call)->ctx->stdio[which];
    return fd >= 0 && os_is_tty(fd);
}

void wasi_cli_terminal_stdin_get_terminal_stdin(
    LiftCall *call, WasiCliTerminalStdinOptionTerminalInputTerminalInput *ret_result)
{
    ret_result->some = is_terminal(call, WASI_STDIN);
    if (ret_result->some)
        ret_result->value = p2_resource_new(call, sizeof *ret_result->value);
}

void wasi_cli_terminal_stdout_get_terminal_stdout(
    LiftCall *call, WasiCliTerminalStdoutOptionTerminalOutputTerminalOutput *ret_result)
{
    ret_result->some = is_terminal(call, WASI_STDOUT);
    if (ret_result->some)
        ret_result->value = p2_resource_new(call, sizeof *ret_result->value);
}

void wasi_cli_terminal_stderr_get_terminal_stderr(
    LiftCall *call, WasiCliTerminalStderrOptionTerminalOutputTerminalOutput *ret_result)
{
    ret_result->some = is_terminal(call, WASI_STDERR);
    if (ret_result->some)
        ret_result->value = p2_resource_new(call, sizeof *ret_result->value);
}

/* --- clocks --- */

enum { NS = 1000000000 };

static WasiClocksWallClockDatetime datetime(u64 ns)
{
    return (WasiClocksWallClockDatetime){ns / NS, (u32)(ns % NS)};
}

void wasi_clocks_wall_clock_now(LiftCall *call, WasiClocksWallClockDatetime *ret_result)
{
    (void)call;
    *ret_result = datetime(os_realtime_ns());
}

void wasi_clocks_wall_clock_resolution(LiftCall *call, WasiClocksWallClockDatetime *ret_result)
{
    (void)call;
    *ret_result = datetime(os_realtime_resolution_ns());
}

void wasi_clocks_monotonic_clock_now(LiftCall *call, u64 *ret_result)
{
    *ret_result = os_monotonic_ns() - p2_of(call)->ctx->monotonic_start;
}

void wasi_clocks_monotonic_clock_resolution(LiftCall *call, u64 *ret_result)
{
    (void)call;
    *ret_result = os_monotonic_resolution_ns();
}

/* The deadline UINT64_MAX is never. */
static u64 add_saturating(u64 a, u64 b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

void wasi_clocks_monotonic_clock_subscribe_instant(LiftCall *call, u64 when,
                                                   WasiIoPollPollable **ret_result)
{
    *ret_result = p2_pollable_until(call, add_saturating(p2_of(call)->ctx->monotonic_start, when));
}

void wasi_clocks_monotonic_clock_subscribe_duration(LiftCall *call, u64 when,
                                                    WasiIoPollPollable **ret_result)
{
    *ret_result = p2_pollable_until(call, when ? add_saturating(os_monotonic_ns(), when) : 0);
}

/* --- randomness --- */

static void random_bytes(LiftCall *call, u64 len, LiftListU8 *ret_result)
{
    u64 limit = p2_of(call)->ctx->max_random_size;
    if (len > limit) {
        lift_fail(call, "requested len %llu exceeds limit %llu", (unsigned long long)len,
                  (unsigned long long)limit);
        return;
    }
    u8 *p = lift_alloc(call, (usize)len, 1);
    os_random(p, (usize)len);
    *ret_result = (LiftListU8){p, (usize)len};
}

void wasi_random_random_get_random_bytes(LiftCall *call, u64 len, LiftListU8 *ret_result)
{
    random_bytes(call, len, ret_result);
}

void wasi_random_random_get_random_u64(LiftCall *call, u64 *ret_result)
{
    (void)call;
    os_random(ret_result, sizeof *ret_result);
}

void wasi_random_insecure_get_insecure_random_bytes(LiftCall *call, u64 len, LiftListU8 *ret_result)
{
    random_bytes(call, len, ret_result);
}

void wasi_random_insecure_get_insecure_random_u64(LiftCall *call, u64 *ret_result)
{
    (void)call;
    os_random(ret_result, sizeof *ret_result);
}

/* The same as long as the program runs. */
void wasi_random_insecure_seed_insecure_seed(LiftCall *call,
                                             WasiRandomInsecureSeedTuple2U64U64 *ret_result)
{
    WasiP2 *p = p2_of(call);
    if (!p->seeded)
        os_random(p->seed, sizeof p->seed);
    p->seeded = true;
    ret_result->f0 = p->seed[0];
    ret_result->f1 = p->seed[1];
}
