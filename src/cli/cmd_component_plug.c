/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* `wasmtime component plug` and `component compose`: one component of several. */
#include "cli/component_io.h"
#include "cli/file.h"
#include "compose/plug.h"
#include "compose/wac_compose.h"

static Error *add_package(Graph *g, const char *path, GraphPackage **ret_package)
{
    Buf bytes = {0};
    Error *e = component_read(path, &bytes);
    if (!e)
        e = graph_add_package(g, str_of(path), &bytes, ret_package);
    buf_release(&bytes);
    return e;
}

static Error *plug_all(const CmdLine *c, Graph *g, GraphPackage **plugs)
{
    GraphPackage *socket = NULL;
    u32 n = 0;
    Error *e = add_package(g, c->args.p[0], &socket);
    for (u32 i = 0; i < c->uses.n && !e; i++)
        if (c->uses.p[i].flag == FLAG_plug)
            e = add_package(g, c->uses.p[i].value, &plugs[n++]);
    if (!e && n == 0)
        e = error_new_kind(ERROR_USAGE, 0, "nothing to plug in: give a component with `--plug`");
    return e ? e : graph_plug(g, socket, plugs, n);
}

Error *cmd_component_plug(CmdLine *c, int *ret_status)
{
    Graph *g = graph_new();
    GraphPackage **plugs = mem_alloc_array((usize)c->uses.n + 1, sizeof *plugs);
    Buf out = {0};
    Error *e = plug_all(c, g, plugs);
    if (!e)
        e = graph_encode(g, &out);
    if (!e)
        e = component_write(c, &out);
    buf_release(&out);
    mem_free(plugs);
    graph_free(g);
    *ret_status = 0;
    return e;
}

/* PACKAGE=PATH */
static Error *dependency(const char *value, WacDependency *ret_dep)
{
    const char *eq = strchr(value, '=');
    if (!eq || eq == value || !eq[1])
        return cmdline_bad_value(FLAG_dep, value, "expected PACKAGE=PATH, as in a:b=b.wasm");
    *ret_dep = (WacDependency){{value, (usize)(eq - value)}, eq + 1};
    return NULL;
}

Error *cmd_component_compose(CmdLine *c, int *ret_status)
{
    const char *path = c->args.p[0], *dir = cmdline_value(c, FLAG_deps_dir);
    WacDependency *deps = mem_alloc_array((usize)c->uses.n + 1, sizeof *deps);
    WacOptions o = {.deps_dir = dir ? dir : "deps", .deps = deps};
    Buf text = {0}, out = {0};
    Error *e = NULL;
    for (u32 i = 0; i < c->uses.n && !e; i++)
        if (c->uses.p[i].flag == FLAG_dep)
            e = dependency(c->uses.p[i].value, &deps[o.ndeps++]);
    if (!e)
        e = file_read(path, &text);
    if (!e)
        e = wac_compose(path, (Str){(const char *)text.p, text.n}, &o, &out);
    if (!e)
        e = component_write(c, &out);
    buf_release(&text);
    buf_release(&out);
    mem_free(deps);
    *ret_status = 0;
    return e;
}
