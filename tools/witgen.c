/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * witgen -o DIR [-f FEATURE]... FOLDER...
 *
 * Reads WIT packages, a folder each, and writes DIR/FOLDER_INTERFACE.{h,c} for each interface and
 * DIR/NAME.{h,c} with a table of all that the host implements (-n NAME, "bind" by default). Those
 * are the interfaces that a world imports; of the others only the types are written.
 */
#include "witgen.h"

#include <stdio.h>
#include <stdlib.h>

#include "os/file.h"

typedef struct Args {
    const char *out, *table;
    Str features[16];
    u32 nfeatures;
    char **folders;
    u32 nfolders;
} Args;

static Error *parse_args(int argc, char **argv, Args *a)
{
    int i = 1;
    a->table = "bind";
    for (; i + 1 < argc && argv[i][0] == '-'; i += 2) {
        if (strcmp(argv[i], "-o") == 0)
            a->out = argv[i + 1];
        else if (strcmp(argv[i], "-n") == 0)
            a->table = argv[i + 1];
        else if (strcmp(argv[i], "-f") == 0 && a->nfeatures < ARRAY_LEN(a->features))
            a->features[a->nfeatures++] = str_of(argv[i + 1]);
        else
            return error_new("unknown option %s", argv[i]);
    }
    a->folders = argv + i;
    a->nfolders = (u32)(argc - i);
    if (!a->out || a->nfolders == 0)
        return error_new("usage: witgen -o DIR [-n NAME] [-f FEATURE]... FOLDER...");
    return NULL;
}

static Error *load(const Args *a, WitModel **ret_model)
{
    WitInput *in = wit_input_new();
    WitOptions o = {.features = a->features, .nfeatures = a->nfeatures};
    Error *e = NULL;
    u32 group = 0;
    for (u32 i = 0; i < a->nfolders && !e; i++)
        e = wit_input_add_path(in, a->folders[i], &group);
    if (!e)
        e = wit_resolve(in, &o, ret_model);
    wit_input_free(in);
    return e;
}

/* "wasi_io" of a package whose files are in .../wasi-io/. */
static void name_prefixes(Gen *g)
{
    const WitModel *m = g->m;
    for (u32 i = 0; i < m->npackages; i++) {
        u32 s = 0;
        while (s + 1 < m->nsources && m->sources[s + 1].start <= m->packages[i].at)
            s++;
        Str path = m->sources[s].path;
        usize end = path.n, begin;
        while (end && path.p[end - 1] != '/')
            end--;
        end = end ? end - 1 : 0;
        for (begin = end; begin && path.p[begin - 1] != '/'; begin--)
            ;
        Buf name = {0};
        gen_snake(&name, (Str){path.p + begin, end - begin});
        g->prefixes[i] =
            (Str){arena_strdup(&g->arena, (Str){(const char *)name.p, name.n}), name.n};
        buf_release(&name);
    }
}

static void mark_imported(Gen *g)
{
    for (u32 w = 0; w < g->m->nworlds; w++)
        for (u32 i = 0; i < g->m->worlds[w].nimports; i++)
            if (g->m->worlds[w].imports[i].kind == WIT_ITEM_INTERFACE)
                g->imported[g->m->worlds[w].imports[i].id] = true;
}

static Error *check_supported(const Gen *g)
{
    for (u32 i = 0; i < g->m->ntypes; i++) {
        const WitType *t = &g->m->types[i];
        if (t->kind == WIT_STREAM || t->kind == WIT_FUTURE || t->kind == WIT_MAP)
            return error_new("bindings of streams, futures and maps cannot be written yet");
        if (!wit_is_primitive(t->kind) && t->owner.kind != WIT_OWNER_INTERFACE)
            return error_new("bindings of the types of worlds cannot be written yet");
    }
    return NULL;
}

static Error *write_file(Gen *g, const Args *a, const char *name, const char *ext)
{
    Buf path = {0};
    buf_printf(&path, "%s/%s.%s", a->out, name, ext);
    char *p = buf_take_string(&path);
    Error *e = os_write_file(p, g->out.p, g->out.n);
    mem_free(p);
    g->out.n = 0;
    map_release(&g->emitted);
    return e;
}

static Error *write_interface(Gen *g, const Args *a, WitId interface)
{
    Buf b = {0};
    gen_interface_name(g, interface, &b);
    char *name = buf_take_string(&b);
    g->interface = interface;
    gen_header(g);
    Error *e = write_file(g, a, name, "h");
    if (!e) {
        gen_source(g);
        e = write_file(g, a, name, "c");
    }
    mem_free(name);
    return e;
}

static Error *write_table(Gen *g, const Args *a)
{
    Buf rows = {0}, declarations = {0};
    for (u32 i = 0; i < g->m->ninterfaces; i++) {
        if (!g->imported[i])
            continue;
        buf_str(&declarations, STR("extern const LiftInterface "));
        gen_interface_name(g, i, &declarations);
        buf_str(&declarations, STR("_interface;\n"));
        buf_str(&rows, STR("    &"));
        gen_interface_name(g, i, &rows);
        buf_str(&rows, STR("_interface,\n"));
    }
    buf_printf(&g->out,
               "/* Written by witgen. */\n#ifndef BIND_%s_H\n#define BIND_%s_H\n\n"
               "#include \"component/lift.h\"\n\n"
               "/* All interfaces that the host implements; NULL ends them. */\n"
               "extern const LiftInterface *const %s_interfaces[];\n\n#endif\n",
               a->table, a->table, a->table);
    Error *e = write_file(g, a, a->table, "h");
    buf_printf(&g->out,
               "/* Written by witgen. */\n#include \"bind/%s.h\"\n\n%.*s\n"
               "const LiftInterface *const %s_interfaces[] = {\n%.*s    NULL,\n};\n",
               a->table, (int)declarations.n, declarations.p, a->table, (int)rows.n, rows.p);
    if (!e)
        e = write_file(g, a, a->table, "c");
    buf_release(&rows);
    buf_release(&declarations);
    return e;
}

static Error *generate(const WitModel *m, const Args *a)
{
    Gen g = {.m = m};
    g.prefixes = mem_alloc_array((usize)m->npackages + 1, sizeof *g.prefixes);
    g.imported = mem_alloc_array((usize)m->ninterfaces + 1, sizeof *g.imported);
    g.sizes = mem_alloc_array(m->ntypes, sizeof *g.sizes);
    g.aligns = mem_alloc_array(m->ntypes, sizeof *g.aligns);
    g.needs = mem_alloc_array(m->ntypes, sizeof *g.needs);
    name_prefixes(&g);
    mark_imported(&g);
    Error *e = check_supported(&g);
    if (!e)
        gen_layout(&g);
    for (u32 i = 0; i < m->ninterfaces && !e; i++)
        e = write_interface(&g, a, i);
    if (!e)
        e = write_table(&g, a);
    mem_free(g.prefixes);
    mem_free(g.imported);
    mem_free(g.sizes);
    mem_free(g.aligns);
    mem_free(g.needs);
    buf_release(&g.out);
    arena_release(&g.arena);
    return e;
}

int main(int argc, char **argv)
{
    Args a = {0};
    WitModel *m = NULL;
    Error *e = parse_args(argc, argv, &a);
    if (!e)
        e = load(&a, &m);
    if (!e)
        e = generate(m, &a);
    wit_free(m);
    if (!e)
        return EXIT_SUCCESS;
    Buf out = {0};
    error_format(e, &out);
    fprintf(stderr, "%.*s\n", (int)out.n, (const char *)out.p);
    buf_release(&out);
    error_free(e);
    return EXIT_FAILURE;
}
