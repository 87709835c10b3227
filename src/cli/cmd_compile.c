/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* `wasmtime compile`: a module or component to a compiled file. */
#include "cli/engine_setup.h"
#include "cli/file.h"
#include "cli/load.h"

/* The input's name without its last extension, with .cwasm, in the current directory. Own. */
static char *default_output(const char *input)
{
    Str base = path_base(input);
    usize n = base.n;
    while (n > 1 && base.p[n - 1] != '.')
        n--;
    Buf out = {0};
    buf_str(&out, n > 1 ? (Str){base.p, n - 1} : base);
    buf_str(&out, STR(".cwasm"));
    return buf_take_string(&out);
}

Error *cmd_compile(CmdLine *c, int *ret_status)
{
    const char *input = c->args.p[0], *given = cmdline_value(c, FLAG_output);
    if (cmdline_given(c, FLAG_emit_clif))
        return error_new("this build of wasmtime does not have `--emit-clif` yet");
    Engine *engine = NULL;
    Error *e = engine_setup(c, ENGINE_COMPILE, &engine);
    if (e)
        return e;
    Module *m = NULL;
    LoadedComponent *component = NULL;
    Buf image = {0};
    char *output = given ? mem_strdup_n(given, strlen(given)) : default_output(input);
    e = load_program(engine, c, input, &m, &component);
    if (!e)
        e = component ? component_serialize(component, &image)
                      : engine_module_serialize(engine, m, &image);
    if (!e)
        e = file_write(output, image.p, image.n);
    mem_free(output);
    buf_release(&image);
    module_unref(m);
    component_unref(component);
    engine_free(engine);
    *ret_status = 0;
    return e;
}
