/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * `wasmtime run`: engine, main module, store and WASI, preloaded modules, linking, the call; in
 * that order, so that what is wrong with the command line or the file is said before anything runs.
 */
#include "base/utf8.h"
#include "cli/engine_setup.h"
#include "cli/file.h"
#include "cli/invoke.h"
#include "cli/load.h"
#include "cli/preload.h"
#include "cli/run_component.h"
#include "cli/timeout.h"
#include "cli/value.h"
#include "cli/wasi_setup.h"
#include "wasi/ctx.h"
#include "wasi/p1/p1.h"
#include "wasi/p2/p2.h"

#include <stdio.h>

#define WASI_TARGET "wasmtime_wasi::p1"

typedef struct Run {
    const CmdLine *c;
    Engine *engine;
    Module *module;             /* or */
    LoadedComponent *component; /* what runs */
    ComponentInstance *instance;
    Store *store;
    Linker *linker;
    ComponentLinker *component_linker; /* with a component */
    WasiCtx *wasi;
    WasiP2 *wasi_p2;
    Preloads preloads;
    Timeout timeout;
} Run;

/* What messages call the program. */
static const char *program_name(const CmdLine *c)
{
    return c->container ? c->container : c->args.p[0];
}

/* The strategies that exist are refused as not built, others as wrong. */
MUST_CHECK static Error *check_profile(const char *strategy)
{
    u64 index;
    Str name = {strategy, strcspn(strategy, ",")};
    if (!value_choice(name, "perfmap|jitdump|vtune|pulley|guest", &index))
        return cmdline_bad_value(FLAG_profile, strategy, "unknown profiling strategy");
    return error_new("this build of wasmtime does not have `--profile` yet");
}

/* What can be refused before anything is made. */
MUST_CHECK static Error *check_command_line(const CmdLine *c)
{
    if (cmdline_given(c, FLAG_profile))
        return check_profile(cmdline_value(c, FLAG_profile));
    Error *e = wasi_setup_check(c);
    if (e)
        return e;
    for (u32 i = 0; i < c->args.n; i++)
        if (!utf8_valid(c->args.p[i], strlen(c->args.p[i])))
            return error_new("argument %u is not valid UTF-8", i);
    return preloads_check(c);
}

static void set_stdio(Run *r)
{
    static const struct {
        WasiStdio which;
        OptId option;
    } rows[] = {{WASI_STDIN, OPT_S_inherit_stdin},
                {WASI_STDOUT, OPT_S_inherit_stdout},
                {WASI_STDERR, OPT_S_inherit_stderr}};
    for (usize i = 0; i < ARRAY_LEN(rows); i++)
        if (opt_bool(&r->c->options, rows[i].option))
            wasi_ctx_inherit_stdio(r->wasi, rows[i].which);
}

MUST_CHECK static Error *set_args(Run *r)
{
    const char *argv0 = cmdline_value(r->c, FLAG_argv0);
    Error *e = wasi_ctx_arg(r->wasi, argv0 ? str_of(argv0) : path_base(r->c->args.p[0]));
    for (u32 i = 1; i < r->c->args.n && !e; i++)
        e = wasi_ctx_arg(r->wasi, str_of(r->c->args.p[i]));
    return e;
}

/* WasiTrace */
static void trace_wasi(void *arg, const char *module, const char *func, const char *text)
{
    const Run *r = arg;
    Buf context = {0};
    buf_printf(&context, "wiggle abi{module=\"%s\" function=\"%s\"}", module, func);
    buf_u8(&context, 0);
    log_line(&r->c->log, LOG_TRACE, (char *)context.p, WASI_TARGET, str_of(text));
    buf_release(&context);
}

MUST_CHECK static Error *make_wasi(Run *r)
{
    r->wasi = wasi_ctx_new();
    if (log_wants(&r->c->log, LOG_TRACE, WASI_TARGET))
        wasi_ctx_trace(r->wasi, trace_wasi, r);
    set_stdio(r);
    Error *e = set_args(r);
    return e ? e : wasi_setup_context(r->c, r->wasi);
}

/* LinkerHint: the option that provides the module, as far as there is one. */
static void hint_import(void *arg, Str module, Buf *out)
{
    const Run *r = arg;
    const Options *o = &r->c->options;
    bool old = str_eq(module, STR("wasi_unstable"));
    if (old || str_eq(module, STR("wasi_snapshot_preview1")))
        buf_printf(out, "; it is there with `-S %s=y`",
                   wasi_setup_wants_cli(o) ? "preview0" : "cli");
    else if (memchr(module.p, ':', module.n) && memchr(module.p, '/', module.n))
        buf_str(out, STR("; this is a component's import: the module has to be made into a "
                         "component"));
    else if (module.n && !memchr(module.p, '=', module.n))
        buf_printf(out, "; give it with `--preload %.*s=FILE`", STR_ARG(module));
}

/* What the options grant, each for itself. */
MUST_CHECK static Error *link_component_wasi(Run *r)
{
    const Options *o = &r->c->options;
    Error *e = make_wasi(r);
    if (e)
        return e;
    r->wasi_p2 = wasi_p2_new(r->wasi, r->store);
    component_linker_fuel(r->component_linker, opt_u64(o, OPT_S_hostcall_fuel));
    if (wasi_setup_wants_cli(o))
        e = wasi_p2_link(r->component_linker, r->wasi_p2);
    if (!e)
        e = wasi_setup_link_stores(r->c, r->component_linker, r->wasi_p2);
    if (!e)
        e = run_component_link_http(r->c, r->component_linker, r->wasi_p2);
    if (!e && opt_bool(o, OPT_W_unknown_imports_trap))
        e = component_linker_unknown(r->component_linker, r->component);
    return e;
}

MUST_CHECK static Error *make_store(Run *r)
{
    const Options *o = &r->c->options;
    Error *e = engine_setup_store(r->c, r->engine, &r->store);
    if (e)
        return e;
    r->linker = linker_new(r->store);
    linker_hint(r->linker, hint_import, r);
    r->component_linker = component_linker_new();
    component_linker_max_handles(r->component_linker, opt_u64(o, OPT_S_max_component_handles));
    run_component_hints(r->component_linker, r->c);
    static const UnknownImports unknown[2][2] = {{UNKNOWN_ERROR, UNKNOWN_DEFAULT},
                                                 {UNKNOWN_TRAP, UNKNOWN_TRAP_OR_DEFAULT}};
    linker_unknown_imports(r->linker, unknown[opt_bool(o, OPT_W_unknown_imports_trap)]
                                             [opt_bool(o, OPT_W_unknown_imports_default)]);
    if (r->component)
        return link_component_wasi(r);
    if (!wasi_setup_wants_cli(o))
        return NULL;
    e = make_wasi(r);
    if (!e)
        e = wasi_p1_link(r->linker, r->wasi);
    if (!e && opt_bool(o, OPT_S_preview0))
        e = wasi_p0_link(r->linker, r->wasi);
    return e;
}

/* The function to call: --invoke's, else "" or `_start`. *ret_func stays NULL if there is none. */
MUST_CHECK static Error *find_function(Instance *i, const char *invoked, VmFuncRef **ret_func)
{
    Extern e;
    if (invoked) {
        if (!instance_export(i, str_of(invoked), &e) || e.kind != EXTERN_FUNC)
            return error_new("no func export named `%s` found", invoked);
        *ret_func = e.func;
        return NULL;
    }
    static const char *const names[] = {"", "_start"};
    for (usize n = 0; n < ARRAY_LEN(names); n++)
        if (instance_export(i, str_of(names[n]), &e) && e.kind == EXTERN_FUNC) {
            *ret_func = e.func;
            return NULL;
        }
    return NULL;
}

MUST_CHECK static Error *run_main(Run *r)
{
    const char *path = program_name(r->c), *invoked = cmdline_value(r->c, FLAG_invoke);
    Instance *i = NULL;
    log_print(&r->c->log, LOG_DEBUG, "wasmtime::instance", "instantiating %s", path);
    Error *e = linker_instantiate(r->linker, r->module, &i);
    if (e)
        return error_wrap(e, "failed to instantiate \"%s\"", path);
    e = call_initialize(r->store, i);
    VmFuncRef *f = NULL;
    if (!e)
        e = find_function(i, invoked, &f);
    if (e || !f)
        return e;
    log_print(&r->c->log, LOG_DEBUG, "wasmtime::instance", "calling %s",
              invoked ? invoked : "the command's function");
    return invoke(r->store, f, invoked, r->c->args.p + 1, r->c->args.n - 1);
}

MUST_CHECK static Error *run(Run *r)
{
    const Options *o = &r->c->options;
    Error *e = engine_setup(r->c, ENGINE_RUN, &r->engine);
    if (!e)
        e = load_program(r->engine, r->c, r->c->args.p[0], &r->module, &r->component);
    if (!e && r->component && cmdline_given(r->c, FLAG_preload))
        e = error_new("--preload cannot be used with components");
    if (!e)
        e = options_check_program(o, r->component != NULL);
    if (!e)
        e = make_store(r);
    if (!e && opt_given(o, OPT_W_timeout))
        e = timeout_start(&r->timeout, r->store, opt_u64(o, OPT_W_timeout));
    if (!e)
        e = preloads_define(&r->preloads, r->c, r->engine, r->store, r->linker);
    if (e)
        return e;
    if (r->component)
        e = run_component(r->c, r->store, r->component, r->component_linker, &r->instance);
    else
        e = run_main(r);
    return error_wrap(e, "failed to run main module `%s`", program_name(r->c));
}

Error *cmd_run(CmdLine *c, int *ret_status)
{
    Error *e = check_command_line(c);
    if (e)
        return e;
    Run r = {.c = c};
    preloads_init(&r.preloads);
    e = run(&r);
    timeout_stop(&r.timeout);
    if (r.linker)
        linker_free(r.linker);
    if (r.store)
        store_free(r.store);
    wasi_p2_detach(r.wasi_p2);
    component_instance_free(r.instance);
    component_linker_free(r.component_linker);
    wasi_p2_free(r.wasi_p2);
    component_unref(r.component);
    if (r.wasi)
        wasi_ctx_free(r.wasi);
    preloads_release(&r.preloads);
    if (r.module)
        module_unref(r.module);
    if (r.engine)
        engine_free(r.engine);
    *ret_status = 0;
    return e;
}
