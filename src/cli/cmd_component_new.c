/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* `wasmtime component embed` and `component new`: from a core module to a component. */
#include "cli/adapt.h"
#include "cli/component_io.h"
#include "cli/file.h"
#include "wit/wit_binary.h"
#include "wit/wrap/wrap.h"

static Error *string_encoding(const CmdLine *c, StringEncoding *ret_encoding)
{
    static const char *const names[] = {
        [STRING_UTF8] = "utf8", [STRING_UTF16] = "utf16", [STRING_LATIN1_UTF16] = "compact-utf16"};
    const char *given = cmdline_value(c, FLAG_encoding);
    for (u32 i = 0; i < ARRAY_LEN(names); i++)
        if (!given || strcmp(given, names[i]) == 0) {
            *ret_encoding = (StringEncoding)i;
            return NULL;
        }
    return cmdline_bad_value(FLAG_encoding, given, "expected utf8, utf16 or compact-utf16");
}

/* The module that is given, or one that does nothing. */
static Error *embed_module(const CmdLine *c, const WitModel *m, WitId world, Buf *out)
{
    const char *names = cmdline_value(c, FLAG_dummy_names);
    bool dummy = cmdline_given(c, FLAG_dummy) || names;
    bool standard = names && strcmp(names, "standard32") == 0;
    if (names && !standard && strcmp(names, "legacy") != 0)
        return cmdline_bad_value(FLAG_dummy_names, names, "expected legacy or standard32");
    if (dummy == (c->args.n == 2))
        return error_new_kind(ERROR_USAGE, 0,
                              dummy ? "with `--dummy` there is no module to name"
                                    : "which module? `--dummy` makes one that does nothing");
    return dummy ? component_dummy(m, world, standard, out) : component_read(c->args.p[1], out);
}

static Error *embed(const CmdLine *c, const WitModel *m, WitId world, StringEncoding encoding,
                    Buf *out)
{
    Buf in = {0};
    if (cmdline_given(c, FLAG_only_custom)) {
        if (c->args.n == 2 || cmdline_given(c, FLAG_dummy) || cmdline_given(c, FLAG_dummy_names))
            return error_new_kind(ERROR_USAGE, 0, "with `--only-custom` there is no module");
        wit_encode_world(m, world, encoding, out);
        return NULL;
    }
    Error *e = embed_module(c, m, world, &in);
    if (!e)
        e = error_wrap(component_embed(m, world, encoding, in.p, in.n, out),
                       "failed to embed the world into `%s`",
                       c->args.n == 2 ? c->args.p[1] : "a dummy");
    buf_release(&in);
    return e;
}

Error *cmd_component_embed(CmdLine *c, int *ret_status)
{
    WitModel *m = NULL;
    Buf out = {0};
    WitId world;
    StringEncoding encoding = STRING_UTF8;
    Error *e = string_encoding(c, &encoding);
    if (!e)
        e = component_read_wit(c, c->args.p[0], &m);
    if (!e)
        e = component_world(c, m, &world);
    if (!e)
        e = embed(c, m, world, encoding, &out);
    if (!e)
        e = component_write(c, &out);
    buf_release(&out);
    wit_free(m);
    *ret_status = 0;
    return e;
}

typedef struct Adapters {
    VEC(WrapAdapter) list;
    VEC(Buf) bytes;
} Adapters;

/* [NAME=]PATH; without a name it is the file's, up to the first dot. */
static Error *add_adapter(Adapters *a, const char *value)
{
    const char *eq = strchr(value, '=');
    const char *path = eq ? eq + 1 : value;
    Str name = path_base(path);
    const char *dot = memchr(name.p, '.', name.n);
    if (dot)
        name.n = (usize)(dot - name.p);
    if (eq)
        name = (Str){value, (usize)(eq - value)};
    if (!name.n)
        return cmdline_bad_value(FLAG_adapt, value, "the adapter has no name");
    Buf bytes = {0};
    Error *e = component_read(path, &bytes);
    vec_push(&a->bytes, bytes);
    vec_push(&a->list, ((WrapAdapter){name, bytes.p, bytes.n}));
    return e;
}

/* The program's own adapter for preview 1, unless one was given. */
static Error *add_own_adapter(Adapters *a, const Buf *module)
{
    WrapAdapter own;
    bool needed = false;
    for (u32 i = 0; i < a->list.n; i++)
        if (str_eq(a->list.p[i].name, STR("wasi_snapshot_preview1")))
            return NULL;
    Error *e = adapt_find(module->p, module->n, &needed, &own);
    if (!e && needed)
        vec_push(&a->list, own);
    return e;
}

Error *cmd_component_new(CmdLine *c, int *ret_status)
{
    Adapters a = {0};
    Buf in = {0}, out = {0};
    bool merge = true;
    const char *given = cmdline_value(c, FLAG_merge_imports);
    Error *e = given ? (merge = false, cmdline_bool(c, FLAG_merge_imports, &merge)) : NULL;
    for (u32 i = 0; i < c->uses.n && !e; i++)
        if (c->uses.p[i].flag == FLAG_adapt)
            e = add_adapter(&a, c->uses.p[i].value);
    if (!e)
        e = component_read(component_input(c), &in);
    if (!e)
        e = add_own_adapter(&a, &in);
    WrapOptions options = {.adapters = a.list.p,
                           .nadapters = a.list.n,
                           .keep_versions = !merge,
                           .adapters_grow = cmdline_given(c, FLAG_realloc_grow)};
    if (!e)
        e = error_wrap(component_wrap(in.p, in.n, &options, &out),
                       "failed to make a component of `%s`", component_input(c));
    if (!e)
        e = component_write(c, &out);
    for (u32 i = 0; i < a.bytes.n; i++)
        buf_release(&a.bytes.p[i]);
    vec_release(&a.bytes);
    vec_release(&a.list);
    buf_release(&in);
    buf_release(&out);
    *ret_status = 0;
    return e;
}
