/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* `wasmtime component wit`: WIT of folders, packages and binaries, as text, JSON or binary. */
#include "cli/component_io.h"
#include "cli/file.h"
#include "os/fs.h"
#include "cli/wit_json.h"
#include "wit/wit_binary.h"
#include "wit/wit_turn.h"

/* The root first, then the others that have something in them. */
static void print_all(const WitModel *m, const WitPrintOptions *o, Buf *out)
{
    wit_print_package(m, m->root, o, out);
    for (u32 i = 0; i < m->npackages; i++)
        if (i != m->root && m->packages[i].ninterfaces + m->packages[i].nworlds)
            wit_print_package(m, i, o, out);
}

/* "wasi:io@0.2.0" as a file name. */
static char *package_file(const char *dir, const WitPackage *p, bool root)
{
    Buf b = {0};
    buf_printf(&b, "%s%s/%.*s-%.*s", dir, root ? "" : "/deps", STR_ARG(p->ns), STR_ARG(p->name));
    if (p->version.text.n)
        buf_printf(&b, "@%.*s", STR_ARG(p->version.text));
    buf_str(&b, STR(".wit"));
    return buf_take_string(&b);
}

static Error *write_folder(const WitModel *m, const WitPrintOptions *o, const char *dir)
{
    Buf deps = {0};
    buf_printf(&deps, "%s/deps", dir);
    char *deps_path = buf_take_string(&deps);
    Error *e = file_make_folder(dir);
    if (!e && m->npackages > 1)
        e = file_make_folder(deps_path);
    mem_free(deps_path);
    for (u32 i = 0; i < m->npackages && !e; i++) {
        const WitPackage *p = &m->packages[i];
        if (i != m->root && p->ninterfaces + p->nworlds == 0)
            continue;
        Buf text = {0};
        char *path = package_file(dir, p, i == m->root);
        wit_print_package(m, i, o, &text);
        e = file_write(path, text.p, text.n);
        mem_free(path);
        buf_release(&text);
    }
    return e;
}

/* What came from a binary may say what cannot be said again: nothing is written that is not read.
 */
MUST_CHECK static Error *encode(const WitModel *m, Buf *out)
{
    WitModel *again = NULL;
    wit_encode_package(m, m->root, out);
    if (m->packages[m->root].ninterfaces + m->packages[m->root].nworlds == 0)
        return NULL;
    Error *e = wit_decode(out->p, out->n, &again);
    wit_free(again);
    return e ? error_wrap(e, "the package cannot be written in binary form") : NULL;
}

static Error *turn_world(WitModel *m, const char *world, WitTurn *o, const char *name)
{
    WitId id;
    Error *e = wit_find_world(m, str_of(world ? world : ""), &id);
    if (e)
        return e;
    Buf text = {0};
    Str old = m->worlds[id].name;
    if (name)
        buf_str(&text, str_of(name));
    else
        buf_printf(&text, "%.*s-%s", STR_ARG(old), o->to_exports ? "exportized" : "importized");
    o->name = (Str){(char *)text.p, text.n};
    e = error_wrap(wit_turn_world(m, id, o), "the world `%.*s` cannot be turned round",
                   STR_ARG(old));
    buf_release(&text);
    return e;
}

/* --importize and --exportize. */
static Error *turn(CmdLine *c, WitModel *m)
{
    bool to_imports = cmdline_given(c, FLAG_importize) || cmdline_given(c, FLAG_importize_world);
    WitTurn o = {.to_exports =
                     cmdline_given(c, FLAG_exportize) || cmdline_given(c, FLAG_exportize_world)};
    if (!to_imports && !o.to_exports)
        return NULL;
    if (to_imports && o.to_exports)
        return error_new_kind(ERROR_USAGE, 0, "`--importize` or `--exportize`, not both");
    Str *only = mem_alloc_array((usize)c->uses.n + 1, sizeof *only);
    for (u32 i = 0; i < c->uses.n; i++)
        if (c->uses.p[i].flag == FLAG_exportize_import)
            only[o.nonly++] = str_of(c->uses.p[i].value);
    o.only = only;
    Error *e = o.to_exports ? turn_world(m, cmdline_value(c, FLAG_exportize_world), &o,
                                         cmdline_value(c, FLAG_exportize_name))
                            : turn_world(m, cmdline_value(c, FLAG_importize_world), &o,
                                         cmdline_value(c, FLAG_importize_name));
    mem_free(only);
    return e;
}

Error *cmd_component_wit(CmdLine *c, int *ret_status)
{
    WitModel *m = NULL;
    Buf out = {0};
    WitPrintOptions o = {.no_docs = cmdline_given(c, FLAG_no_docs)};
    const char *dir = cmdline_value(c, FLAG_out_dir);
    Error *e = component_read_wit(c, c->args.n ? c->args.p[0] : ".", &m);
    if (!e)
        e = turn(c, m);
    *ret_status = 0;
    if (!e && dir) {
        e = write_folder(m, &o, dir);
    } else if (!e && (cmdline_given(c, FLAG_wit_wasm) || cmdline_given(c, FLAG_wat))) {
        e = encode(m, &out);
        if (!e)
            e = component_write(c, &out);
    } else if (!e && cmdline_given(c, FLAG_wit_json)) {
        wit_json(m, &out);
        e = component_write_text(c, &out);
    } else if (!e) {
        print_all(m, &o, &out);
        e = component_write_text(c, &out);
    }
    buf_release(&out);
    wit_free(m);
    return e;
}
