/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What `run` and `serve` make of --env, --dir and -S. */
#include "cli/wasi_setup.h"

#include <stdio.h>
#include <stdlib.h>

bool wasi_setup_wants_cli(const Options *o)
{
    return opt_given(o, OPT_S_common) ? opt_bool(o, OPT_S_common) : opt_bool(o, OPT_S_cli);
}

Error *wasi_setup_check(const CmdLine *c)
{
    const Options *o = &c->options;
    if (opt_given(o, OPT_S_common) && opt_given(o, OPT_S_cli))
        return error_new("-Scommon is the old name of -Scli: only one of them can be given");
    if (!opt_bool(o, OPT_S_preview2))
        return error_new("the `-Spreview2=n` flag is no longer supported");
    if (!opt_bool(o, OPT_S_cli_exit_with_code))
        fprintf(stderr, "warning: `-S cli-exit-with-code=n` has no effect, it is always on\n");
    return NULL;
}

/* NAME=VALUE, or NAME for the value that this process has. */
MUST_CHECK static Error *add_env(WasiCtx *w, const char *use)
{
    const char *eq = strchr(use, '=');
    if (eq)
        return wasi_ctx_env(w, (Str){use, (usize)(eq - use)}, str_of(eq + 1));
    const char *own = getenv(use);
    return own ? wasi_ctx_env(w, str_of(use), str_of(own)) : NULL;
}

/* HOST or HOST::GUEST; what follows a second :: does not matter. */
MUST_CHECK static Error *add_dir(WasiCtx *w, const char *use)
{
    const char *split = strstr(use, "::");
    char *host = mem_strdup_n(use, split ? (usize)(split - use) : strlen(use));
    Str guest = str_of(host);
    if (split) {
        const char *end = strstr(split + 2, "::");
        guest = (Str){split + 2, end ? (usize)(end - split - 2) : strlen(split + 2)};
    }
    Error *e = wasi_ctx_preopen(w, host, guest, false);
    mem_free(host);
    return e;
}

Error *wasi_setup_context(const CmdLine *c, WasiCtx *w)
{
    const Options *o = &c->options;
    wasi_ctx_hostcall_fuel(w, opt_u64(o, OPT_S_hostcall_fuel));
    wasi_ctx_max_random_size(w, opt_u64(o, OPT_S_max_random_size));
    wasi_ctx_max_resources(w, opt_u64(o, OPT_S_max_resources));
    bool network = opt_bool(o, OPT_S_inherit_network);
    /* What is said of TCP or UDP by name counts, also if it is no. */
    wasi_ctx_network(
        w, (WasiNetwork){.tcp = opt_given(o, OPT_S_tcp) ? opt_bool(o, OPT_S_tcp) : network,
                         .udp = opt_given(o, OPT_S_udp) ? opt_bool(o, OPT_S_udp) : network,
                         .addresses = network,
                         .names = opt_bool(o, OPT_S_allow_ip_name_lookup),
                         .error_code = opt_bool(o, OPT_S_network_error_code)});
    Error *e = NULL;
    if (opt_given(o, OPT_S_cwd))
        e = wasi_ctx_cwd(w, str_of(o->values[OPT_S_cwd].text));
    if (!e && opt_bool(o, OPT_S_inherit_env))
        e = wasi_ctx_inherit_env(w);
    for (u32 i = 0; i < c->uses.n && !e; i++) {
        const FlagUse *u = &c->uses.p[i];
        if (u->flag == FLAG_env)
            e = add_env(w, u->value);
        else if (u->flag == FLAG_dir)
            e = add_dir(w, u->value);
    }
    return e;
}

Error *wasi_setup_link_stores(const CmdLine *c, ComponentLinker *l, WasiP2 *p)
{
    const Options *o = &c->options;
    const OptValue *vars = &o->values[OPT_S_config_var];
    const OptValue *data = &o->values[OPT_S_keyvalue_in_memory_data];
    Error *e = NULL;
    if (opt_bool(o, OPT_S_config))
        e = wasi_p2_link_config(l, p, vars->list.p, vars->list.n);
    if (!e && opt_bool(o, OPT_S_keyvalue))
        e = wasi_p2_link_keyvalue(l, p, data->list.p, data->list.n);
    return e;
}
