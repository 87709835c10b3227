/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* `wasmtime compile`: a module or component to a compiled file. */
#include "cli/engine_setup.h"
#include "cli/file.h"
#include "cli/load.h"

#include <stdio.h>

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

/* True if the function has that name or index, or if nothing was given. */
static bool is_meant(const WasmModule *w, u32 func, const char *given)
{
    char index[16];
    snprintf(index, sizeof index, "%u", func);
    return !given || !*given || strcmp(given, index) == 0 ||
           str_eq(str_of(given), module_func_name(w, func));
}

/* Prints the code of the functions that are meant. */
static Error *dump(Engine *engine, Module *m, const char *given)
{
    const WasmModule *w = module_wasm(m);
    bool found = !given || !*given;
    Buf out = {0};
    Error *e = NULL;
    for (u32 i = w->n_imported_funcs; i < w->nfuncs && !e; i++) {
        if (!is_meant(w, i, given))
            continue;
        found = true;
        e = engine_module_dump(engine, m, i, &out);
        fwrite(out.p, 1, out.n, stdout);
        out.n = 0;
    }
    buf_release(&out);
    if (!e && !found)
        e = error_new("no function `%s` is defined in the module", given);
    return e;
}

static Error *write_image(Engine *engine, Module *m, LoadedComponent *component, const char *output)
{
    Buf image = {0};
    Error *e = component ? component_serialize(component, &image)
                         : engine_module_serialize(engine, m, &image);
    if (!e)
        e = file_write(output, image.p, image.n);
    buf_release(&image);
    return e;
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
    char *output = given ? mem_strdup_n(given, strlen(given)) : default_output(input);
    e = load_program(engine, c, input, &m, &component);
    if (!e && cmdline_given(c, FLAG_dump))
        e = component ? error_new("`--dump` takes a module, not a component")
                      : dump(engine, m, cmdline_value(c, FLAG_dump));
    else if (!e)
        e = write_image(engine, m, component, output);
    mem_free(output);
    module_unref(m);
    component_unref(component);
    engine_free(engine);
    *ret_status = 0;
    return e;
}
