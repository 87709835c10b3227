/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* `wasmtime wast`: runs test scripts, silent if all is as they say. */
#include "cli/engine_setup.h"
#include "cli/file.h"
#include "cli/load.h"
#include "cli/wast_run.h"

MUST_CHECK static Error *run_file(const CmdLine *c, Engine *engine, const WastOptions *o,
                                  const char *path)
{
    Buf source = {0};
    Store *store = NULL;
    Error *e = file_read(path, &source);
    if (!e)
        e = engine_setup_store(c, engine, &store);
    if (!e)
        e = wast_run(engine, store, o, path, (Str){(char *)source.p, source.n});
    buf_release(&source);
    return error_wrap(e, "failed to run script file '%s'", path);
}

Error *cmd_wast(CmdLine *c, int *ret_status)
{
    WastOptions o = {.ignore_messages = cmdline_given(c, FLAG_ignore_error_messages),
                     .wasmtime_builtins = cmdline_given(c, FLAG_wasmtime_builtins),
                     .save = cmdline_value(c, FLAG_precompile_save),
                     .load = cmdline_value(c, FLAG_precompile_load),
                     .component_features = load_component_features(&c->options)};
    bool ignored = true; /* debug information and asynchronous calls change no result here */
    Error *e = cmdline_bool(c, FLAG_generate_dwarf, &ignored);
    if (!e)
        e = cmdline_bool(c, FLAG_async, &ignored);
    Engine *engine = NULL;
    if (!e)
        e = engine_setup(c, o.save || o.load ? ENGINE_COMPILE : ENGINE_RUN, &engine);
    for (u32 i = 0; i < c->args.n && !e; i++)
        e = run_file(c, engine, &o, c->args.p[i]);
    if (engine)
        engine_free(engine);
    *ret_status = 0;
    return e;
}
