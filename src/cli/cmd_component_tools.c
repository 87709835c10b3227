/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* `wasmtime component parse`, `print`, `validate`, `strip` and `targets`. */
#include "cli/component_io.h"
#include "wit/component.h"
#include "wit/strip.h"
#include "wit/wit_binary.h"

Error *cmd_component_parse(CmdLine *c, int *ret_status)
{
    Buf bytes = {0};
    Error *e = component_read(component_input(c), &bytes);
    if (!e)
        e = component_write(c, &bytes);
    buf_release(&bytes);
    *ret_status = 0;
    return e;
}

Error *cmd_component_print(CmdLine *c, int *ret_status)
{
    Buf bytes = {0}, text = {0};
    const char *path = component_input(c);
    Error *e = component_read(path, &bytes);
    if (!e)
        e = component_text(path, &bytes, &text);
    if (!e)
        e = component_write_text(c, &text);
    buf_release(&bytes);
    buf_release(&text);
    *ret_status = 0;
    return e;
}

Error *cmd_component_validate(CmdLine *c, int *ret_status)
{
    Error *e = NULL;
    FeatureList features =
        cmdline_given(c, FLAG_all_features) ? feature_list_all() : feature_list_default();
    for (u32 i = 0; i < c->uses.n && !e; i++)
        if (c->uses.p[i].flag == FLAG_wasm_features)
            e = feature_list_apply(&features, c->uses.p[i].value);
    for (u32 i = 0; (i == 0 || i < c->args.n) && !e; i++) {
        const char *path = c->args.n ? c->args.p[i] : component_input(c);
        Buf bytes = {0};
        e = component_read(path, &bytes);
        if (!e)
            e = component_check(path, &bytes, &features);
        buf_release(&bytes);
    }
    *ret_status = 0;
    return e;
}

Error *cmd_component_strip(CmdLine *c, int *ret_status)
{
    Buf bytes = {0}, out = {0};
    StripOptions o = {.all = cmdline_given(c, FLAG_strip_all)};
    const char **names = mem_alloc_array((usize)c->uses.n + 1, sizeof *names);
    for (u32 i = 0; i < c->uses.n; i++)
        if (c->uses.p[i].flag == FLAG_strip_delete)
            names[o.nnames++] = c->uses.p[i].value;
    o.names = names;
    Error *e = component_read(component_input(c), &bytes);
    if (!e)
        e = error_wrap(wasm_strip(bytes.p, bytes.n, &o, &out), "failed to strip `%s`",
                       component_input(c));
    if (!e)
        e = component_write(c, &out);
    mem_free(names);
    buf_release(&bytes);
    buf_release(&out);
    *ret_status = 0;
    return e;
}

Error *cmd_component_targets(CmdLine *c, int *ret_status)
{
    Buf bytes = {0};
    WitModel *m = NULL;
    WitId world;
    const char *path = c->args.p[1];
    Error *e = component_read_wit(c, c->args.p[0], &m);
    if (!e)
        e = component_world(c, m, &world);
    if (!e)
        e = component_read(path, &bytes);
    if (!e && !component_is(bytes.p, bytes.n))
        e = error_new("`%s` is a core module: only components have a world", path);
    if (!e)
        e = error_wrap(wit_check_world(m, world, bytes.p, bytes.n),
                       "`%s` does not fit the world `%.*s`", path, STR_ARG(m->worlds[world].full));
    buf_release(&bytes);
    wit_free(m);
    *ret_status = 0;
    return e;
}
