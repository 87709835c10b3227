/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Inputs and outputs of the `component` subcommands. */
#include "cli/component_io.h"

#include "cli/file.h"
#include "cli/load.h"
#include "os/file.h"
#include "os/fs.h"
#include "wasm/text/text.h"
#include "wit/text/ctext.h"
#include "wit/wit_binary.h"

#include <errno.h>
#include <stdio.h>
#include <stdio_ext.h>

const char *component_input(const CmdLine *c)
{
    return c->args.n ? c->args.p[0] : "-";
}

static bool is_binary(Str s)
{
    return str_starts(s, (Str){"\0asm", 4});
}

static Error *from_text(const char *path, Str text, Buf *ret_bytes)
{
    Diag diag;
    diag_init(&diag);
    bool done = load_is_text_component(text)
                    ? component_text_parse(text, &(TextOptions){0}, ret_bytes, NULL, &diag)
                    : load_parse_text(text, ret_bytes, NULL, &diag);
    if (done)
        return NULL;
    buf_release(ret_bytes);
    return text_error(path, text, &diag);
}

Error *component_read(const char *path, Buf *ret_bytes)
{
    Buf bytes = {0};
    Error *e = file_read(path, &bytes);
    Str s = {(char *)bytes.p, bytes.n};
    if (!e && is_binary(s)) {
        *ret_bytes = bytes;
        return NULL;
    }
    if (!e)
        e = error_wrap(from_text(path, s, ret_bytes), "failed to parse `%s`", path);
    buf_release(&bytes);
    return e;
}

/* The features that are enabled; `ret_list` is for them. */
static WitOptions wit_options(const CmdLine *c, Str *list)
{
    u32 n = 0;
    for (u32 i = 0; i < c->uses.n; i++)
        if (c->uses.p[i].flag == FLAG_features)
            list[n++] = str_of(c->uses.p[i].value);
    return (WitOptions){
        .features = list, .nfeatures = n, .all_features = cmdline_given(c, FLAG_all_features)};
}

static Error *read_wit_text(const CmdLine *c, const char *path, const Buf *bytes,
                            WitModel **ret_model)
{
    u32 group = 0;
    WitInput *in = wit_input_new();
    Str *features = mem_alloc_array((usize)c->uses.n + 1, sizeof *features);
    WitOptions options = wit_options(c, features);
    Error *e = bytes ? wit_input_add(in, 0, str_of(path), (Str){(char *)bytes->p, bytes->n})
                     : wit_input_add_path(in, path, &group);
    if (!e)
        e = wit_resolve(in, &options, ret_model);
    mem_free(features);
    wit_input_free(in);
    return e;
}

/* `(module ...)` or `(component ...)`. */
static bool is_wat(Str s)
{
    usize i = load_skip_text_blanks(s, 0);
    return i < s.n && s.p[i] == '(';
}

Error *component_read_wit(const CmdLine *c, const char *path, WitModel **ret_model)
{
    Buf bytes = {0}, binary = {0};
    if (file_is_folder(path))
        return error_wrap(read_wit_text(c, path, NULL, ret_model), "failed to read the WIT of `%s`",
                          path);
    Error *e = file_read(path, &bytes);
    Str s = {(char *)bytes.p, bytes.n};
    if (!e && is_binary(s)) {
        e = error_wrap(wit_decode(bytes.p, bytes.n, ret_model), "failed to read the WIT of `%s`",
                       path);
    } else if (!e && is_wat(s)) {
        e = from_text(path, s, &binary);
        if (!e)
            e = wit_decode(binary.p, binary.n, ret_model);
    } else if (!e) {
        e = read_wit_text(c, path, &bytes, ret_model);
    }
    buf_release(&bytes);
    buf_release(&binary);
    return e;
}

Error *component_world(const CmdLine *c, const WitModel *m, WitId *ret_world)
{
    return wit_find_world(m, str_of(cmdline_value(c, FLAG_world)), ret_world);
}

static Error *write_bytes(const CmdLine *c, const Buf *bytes)
{
    const char *path = cmdline_value(c, FLAG_out);
    if (path && strcmp(path, "-") != 0)
        return file_write(path, bytes->p, bytes->n);
    bool done = fwrite(bytes->p, 1, bytes->n, stdout) == bytes->n && fflush(stdout) == 0;
    if (done)
        return NULL;
    if (errno == EPIPE) { /* who reads has seen enough: `| head` */
        __fpurge(stdout);
        clearerr(stdout);
        return NULL;
    }
    return error_wrap(os_error(), "failed to write to standard output");
}

/* ---- what is in a binary ---- */

static Error *diag_error(const char *path, const Diag *diag)
{
    return error_wrap(
        error_new("%s (at offset 0x%llx)", diag->msg, (unsigned long long)diag->offset),
        "`%s` is not valid", path);
}

/* One of the two is set. Own. */
typedef struct Decoded {
    TypeRegistry *registry;
    WasmModule *module;
    Component *component;
} Decoded;

static void decoded_release(Decoded *d)
{
    module_free(d->module);
    component_free(d->component);
    types_free(d->registry);
}

static Error *decode(const char *path, const Buf *bytes, FeatureList l, Decoded *ret)
{
    Diag diag;
    diag_init(&diag);
    if (component_is(bytes->p, bytes->n) && !l.components)
        return error_new("`%s` is a component, and the features are without `component-model`",
                         path);
    Decoded d = {.registry = types_new()};
    if (component_is(bytes->p, bytes->n)) {
        ComponentOptions o = {.features = l.core, .component_features = l.component};
        d.component = component_decode(d.registry, &o, bytes->p, bytes->n, &diag);
    } else {
        DecodeOptions o = {.features = l.core};
        d.module = module_decode(d.registry, &o, bytes->p, bytes->n, &diag);
    }
    if (d.module || d.component) {
        *ret = d;
        return NULL;
    }
    decoded_release(&d);
    return diag_error(path, &diag);
}

Error *component_check(const char *path, const Buf *bytes, const FeatureList *l)
{
    Decoded d = {0};
    Error *e = decode(path, bytes, *l, &d);
    decoded_release(&d);
    return e;
}

Error *component_text(const char *path, const Buf *bytes, Buf *ret_text)
{
    Decoded d = {0};
    Error *e = decode(path, bytes, feature_list_all(), &d);
    if (!e && d.module)
        text_print(d.module, ret_text);
    else if (!e)
        component_text_print(d.component, ret_text);
    decoded_release(&d);
    return e;
}

Error *component_write(const CmdLine *c, const Buf *bytes)
{
    const char *path = cmdline_value(c, FLAG_out);
    if (cmdline_given(c, FLAG_wat)) {
        Buf text = {0};
        Error *e = component_text(path ? path : "-", bytes, &text);
        if (!e)
            e = component_write_text(c, &text);
        buf_release(&text);
        return e;
    }
    if ((!path || strcmp(path, "-") == 0) && os_is_tty(1))
        return error_new("standard output is a terminal, and this is binary: name a file with "
                         "`-o`, or pipe it through `wasmtime component print -`");
    return write_bytes(c, bytes);
}

Error *component_write_text(const CmdLine *c, const Buf *text)
{
    return write_bytes(c, text);
}
