/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* `wasmtime serve`: from flags and options to a ServeConfig. */
#include "base/utf8.h"
#include "cli/engine_setup.h"
#include "cli/file.h"
#include "cli/load.h"
#include "cli/run_component.h"
#include "cli/value.h"
#include "cli/wasi_setup.h"
#include "os/file.h"
#include "os/thread.h"
#include "serve/serve.h"

#include <stdio.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_TARGET "wasmtime_cli::commands::serve"

typedef struct Serve {
    const CmdLine *c;
    ServeConfig config;
    OsAddress address, shutdown, metrics;
    WasiHttpOptions http;
    Module *module;
    Buf text; /* of the headers */
    VEC(HttpPair) headers;
} Serve;

/* --- flags --- */

MUST_CHECK static Error *address_flag(const CmdLine *c, FlagId f, OsAddress *address,
                                      const OsAddress **ret_address)
{
    const char *text = cmdline_value(c, f);
    if (!text)
        return NULL;
    if (!os_address_parse(str_of(text), address))
        return cmdline_bad_value(f, text, "invalid socket address syntax");
    *ret_address = address;
    return NULL;
}

MUST_CHECK static Error *count_flag(const CmdLine *c, FlagId f, u32 *count)
{
    const char *text = cmdline_value(c, f);
    u64 n;
    if (!text)
        return NULL;
    if (!value_number(str_of(text), &n) || n == 0)
        return cmdline_bad_value(f, text, "expected a number above zero");
    *count = (u32)MIN(n, (u64)INT32_MAX);
    return NULL;
}

MUST_CHECK static Error *duration_flag(const CmdLine *c, FlagId f, u64 *nanos)
{
    const char *text = cmdline_value(c, f);
    if (text && !value_duration(str_of(text), nanos))
        return cmdline_bad_value(f, text, "expected a number with s, ms, us or ns");
    return NULL;
}

MUST_CHECK static Error *access_flags(const CmdLine *c, ServeConfig *o)
{
    const char *format = cmdline_value(c, FLAG_access_log_format);
    const char *path = cmdline_value(c, FLAG_access_log);
    u64 choice = 0;
    if (format && !value_choice(str_of(format), "common|json", &choice))
        return cmdline_bad_value(FLAG_access_log_format, format, "expected common or json");
    o->access_json = choice == 1;
    if (!cmdline_given(c, FLAG_access_log))
        return NULL;
    struct stat st;
    o->access_fd =
        path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644) : STDERR_FILENO;
    o->access_is_file = o->access_fd >= 0 && fstat(o->access_fd, &st) == 0 && S_ISREG(st.st_mode);
    return o->access_fd < 0 ? error_wrap(os_error(), "failed to open `%s`", path) : NULL;
}

/* --- headers --- */

MUST_CHECK static Error *add_header(Serve *s, Str line)
{
    const char *colon = memchr(line.p, ':', line.n);
    if (!colon)
        return error_new("header `%.*s` has no ':', expected `name: value`", STR_ARG(line));
    HttpPair h = {str_trim((Str){line.p, (usize)(colon - line.p)}),
                  str_trim((Str){colon + 1, line.n - (usize)(colon - line.p) - 1})};
    if (!http_token_valid(h.name))
        return error_new("`%.*s` is not the name of a header", STR_ARG(h.name));
    if (!http_value_valid(h.value))
        return error_new("the value of header `%.*s` has characters that it cannot have",
                         STR_ARG(h.name));
    vec_push(&s->headers, h);
    return NULL;
}

/* Each line of the text; blank ones are skipped. */
MUST_CHECK static Error *add_lines(Serve *s, Str text)
{
    Error *e = NULL;
    while (text.n > 0 && !e) {
        const char *nl = memchr(text.p, '\n', text.n);
        usize n = nl ? (usize)(nl - text.p) : text.n;
        Str line = str_trim((Str){text.p, n});
        if (line.n > 0)
            e = add_header(s, line);
        n += nl != NULL;
        text = (Str){text.p + n, text.n - n};
    }
    return e;
}

/* The texts of all first, since headers are slices of them. */
MUST_CHECK static Error *read_headers(Serve *s)
{
    const CmdLine *c = s->c;
    for (u32 i = 0; i < c->uses.n; i++) {
        const FlagUse *u = &c->uses.p[i];
        if (u->flag != FLAG_header)
            continue;
        if (u->value[0] == '@') {
            Buf file = {0};
            Error *e = file_read(u->value + 1, &file);
            buf_bytes(&s->text, file.p, file.n);
            buf_release(&file);
            if (e)
                return error_wrap(e, "failed to read headers from `%s`", u->value + 1);
        } else if (strchr(u->value, '\n')) {
            return cmdline_bad_value(FLAG_header, u->value, "a header is one line");
        } else {
            buf_str(&s->text, str_of(u->value));
        }
        buf_u8(&s->text, '\n');
    }
    return add_lines(s, (Str){(char *)s->text.p, s->text.n});
}

MUST_CHECK static Error *read_flags(Serve *s)
{
    const CmdLine *c = s->c;
    ServeConfig *o = &s->config;
    u32 concurrent = 1; /* what WASI 0.2 allows, whatever is asked for */
    Error *e = address_flag(c, FLAG_addr, &s->address, &o->address);
    if (!e)
        e = address_flag(c, FLAG_shutdown_addr, &s->shutdown, &o->shutdown);
    if (!e)
        e = address_flag(c, FLAG_metrics_addr, &s->metrics, &o->metrics);
    if (!e)
        e = access_flags(c, o);
    if (!e)
        e = count_flag(c, FLAG_backlog, &o->backlog);
    if (!e)
        e = count_flag(c, FLAG_threads, &o->threads);
    if (!e)
        e = count_flag(c, FLAG_max_instance_reuse_count, &o->max_reuse);
    if (!e)
        e = count_flag(c, FLAG_max_instance_concurrent_reuse_count, &concurrent);
    if (!e)
        e = count_flag(c, FLAG_max_concurrent_requests, &o->max_requests);
    if (!e)
        e = count_flag(c, FLAG_max_concurrent_connections, &o->max_connections);
    if (!e)
        e = duration_flag(c, FLAG_idle_instance_timeout, &o->idle_ns);
    if (!e)
        e = duration_flag(c, FLAG_shutdown_timeout, &o->drain_ns);
    if (!e)
        e = read_headers(s);
    o->headers = s->headers.p;
    o->n_headers = s->headers.n;
    o->prefix = !cmdline_given(c, FLAG_no_logging_prefix);
    return e;
}

MUST_CHECK static Error *check_options(const CmdLine *c)
{
    const Options *o = &c->options;
    if (cmdline_given(c, FLAG_profile))
        return error_new("this build of wasmtime does not have `--profile` yet");
    if (opt_given(o, OPT_S_http) && !opt_bool(o, OPT_S_http))
        return error_new("support for wasi-http must be enabled for `serve` subcommand");
    if (!opt_bool(o, OPT_W_component_model))
        return error_new("components are required for `serve` subcommand");
    return wasi_setup_check(c);
}

/* --- guests --- */

MUST_CHECK static Error *setup_guest(void *arg, Store *store, WasiCtx *w)
{
    const CmdLine *c = ((const Serve *)arg)->c;
    const Options *o = &c->options;
    if (opt_given(o, OPT_W_fuel))
        store_set_fuel(store, opt_u64(o, OPT_W_fuel));
    if (opt_bool(o, OPT_W_epoch_interruption))
        store_set_epoch_deadline(store, 1);
    if (opt_bool(o, OPT_S_inherit_stdout))
        wasi_ctx_inherit_stdio(w, WASI_STDOUT);
    if (opt_bool(o, OPT_S_inherit_stderr))
        wasi_ctx_inherit_stdio(w, WASI_STDERR);
    return wasi_setup_context(c, w);
}

/* Unlike `run`, it gives all of wasi:cli only to those who ask. */
MUST_CHECK static Error *link_guest(void *arg, ComponentLinker *l, WasiP2 *p)
{
    const Serve *s = arg;
    const Options *o = &s->c->options;
    bool cli = (opt_given(o, OPT_S_cli) || opt_given(o, OPT_S_common)) && wasi_setup_wants_cli(o);
    component_linker_max_handles(l, opt_u64(o, OPT_S_max_component_handles));
    component_linker_fuel(l, opt_u64(o, OPT_S_hostcall_fuel));
    run_component_hints(l, s->c);
    Error *e = cli ? wasi_p2_link(l, p) : wasi_p2_link_proxy(l, p);
    if (!e)
        e = wasi_p2_link_http(l, p, &s->http);
    if (!e)
        e = wasi_setup_link_stores(s->c, l, p);
    if (!e && opt_bool(o, OPT_W_unknown_imports_trap))
        e = component_linker_unknown(l, s->config.component);
    return e;
}

static void log_info(void *arg, const char *text)
{
    const CmdLine *c = ((const Serve *)arg)->c;
    log_line(&c->log, LOG_INFO, NULL, LOG_TARGET, str_of(text));
}

static void set_defaults(Serve *s)
{
    const Options *o = &s->c->options;
    s->http = wasi_http_options_default();
    s->http.max_fields_size = opt_u64(o, OPT_S_max_http_fields_size);
    s->http.chunk_size = opt_u64(o, OPT_S_http_outgoing_body_chunk_size);
    s->http.buffer_chunks =
        (u32)MIN(opt_u64(o, OPT_S_http_outgoing_body_buffer_chunks), (u64)UINT32_MAX);
    s->config = (ServeConfig){
        .threads = os_cpu_count(),
        .max_requests = 1000,
        .max_connections = 1000,
        .backlog = 100,
        .access_fd = -1,
        .max_reuse = 1,
        .idle_ns = 1000000000,
        .drain_ns = 25000000000,
        .timeout_ns = opt_given(o, OPT_W_timeout) ? opt_u64(o, OPT_W_timeout) : UINT64_MAX,
        .setup = setup_guest,
        .link = link_guest,
        .info = log_wants(&s->c->log, LOG_INFO, LOG_TARGET) ? log_info : NULL,
        .arg = s,
    };
}

MUST_CHECK static Error *load(Serve *s)
{
    EngineConfig config;
    Error *e = engine_setup_config(s->c, ENGINE_SERVE, &config);
    if (!e)
        e = engine_new(&config, &s->config.engine);
    if (!e)
        e = load_program(s->config.engine, s->c, s->c->args.p[0], &s->module, &s->config.component);
    if (!e && !s->config.component)
        e = error_new("The serve command currently requires a component");
    if (!e) /* each request would fail */
        e = component_check_limits(s->config.component, &config.limits);
    return e ? e : options_check_program(&s->c->options, true);
}

Error *cmd_serve(CmdLine *c, int *ret_status)
{
    Error *e = check_options(c);
    if (e)
        return e;
    Serve s = {.c = c};
    set_defaults(&s);
    e = read_flags(&s);
    if (!e)
        e = load(&s);
    if (!e)
        e = serve(&s.config);
    component_unref(s.config.component);
    if (s.module)
        module_unref(s.module);
    if (s.config.engine)
        engine_free(s.config.engine);
    if (s.config.access_fd > STDERR_FILENO)
        close(s.config.access_fd);
    buf_release(&s.text);
    vec_release(&s.headers);
    *ret_status = 0;
    return e;
}
