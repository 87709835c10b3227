/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * embed -o FILE.c [NAME=PATH]...
 *     writes the table of files that are part of the program (cli/builtin.h)
 * embed -w WORLD -o FILE.o FOLDER...
 *     writes the component-type object of a world; the last folder is that of its package
 */
#include "bindgen/bindgen.h"
#include "os/file.h"
#include "wit/wit_binary.h"

#include <stdio.h>
#include <stdlib.h>

static Error *write_world(const char *world, const char *out, char **folders, int n)
{
    WitInput *in = wit_input_new();
    WitModel *m = NULL;
    Buf type = {0}, object = {0};
    WitId id = WIT_NONE;
    u32 group = 0;
    Error *e = NULL;
    for (int i = n; i-- > 0 && !e;)
        e = wit_input_add_path(in, folders[i], &group);
    if (!e)
        e = wit_resolve(in, &(WitOptions){0}, &m);
    if (!e)
        e = wit_find_world(m, str_of(world), &id);
    if (!e) {
        wit_encode_world(m, id, STRING_UTF8, &type);
        bindgen_object(str_of(world), world, (Str){(const char *)type.p, type.n}, &object);
        e = os_write_file(out, object.p, object.n);
    }
    buf_release(&type);
    buf_release(&object);
    wit_free(m);
    wit_input_free(in);
    return e;
}

static Error *put_file(const char *arg, u32 number, Buf *arrays, Buf *table)
{
    const char *eq = strchr(arg, '=');
    Buf bytes = {0};
    if (!eq)
        return error_new("`%s` is not NAME=PATH", arg);
    Error *e = os_read_file(eq + 1, 1 << 26, &bytes);
    if (e)
        return e;
    buf_printf(arrays, "static const unsigned char file%u[] = {", number);
    for (usize i = 0; i < bytes.n; i++)
        buf_printf(arrays, "%s%u,", i % 24 ? "" : "\n    ", bytes.p[i]);
    buf_str(arrays, bytes.n ? STR("\n};\n") : STR("0};\n"));
    buf_printf(table, "    {\"%.*s\", file%u, %zu},\n", (int)(eq - arg), arg, number, bytes.n);
    buf_release(&bytes);
    return NULL;
}

static Error *write_table(const char *out, char **args, int n)
{
    Buf text = {0}, table = {0};
    Error *e = NULL;
    buf_str(&text, STR("/* Written by embed. */\n#include \"cli/builtin.h\"\n\n"));
    for (int i = 0; i < n && !e; i++)
        e = put_file(args[i], (u32)i, &text, &table);
    buf_str(&text, STR("\nconst BuiltinFile builtin_files[] = {\n"));
    buf_bytes(&text, table.p, table.n);
    buf_str(&text, STR("    {0},\n};\n"));
    if (!e)
        e = os_write_file(out, text.p, text.n);
    buf_release(&text);
    buf_release(&table);
    return e;
}

static Error *run(int argc, char **argv)
{
    const char *world = NULL, *out = NULL;
    int i = 1;
    for (; i + 1 < argc && argv[i][0] == '-'; i += 2) {
        if (strcmp(argv[i], "-w") == 0)
            world = argv[i + 1];
        else if (strcmp(argv[i], "-o") == 0)
            out = argv[i + 1];
        else
            return error_new("unknown option %s", argv[i]);
    }
    if (!out)
        return error_new("usage: embed [-w WORLD] -o FILE ARGUMENT...");
    return world ? write_world(world, out, argv + i, argc - i)
                 : write_table(out, argv + i, argc - i);
}

int main(int argc, char **argv)
{
    Error *e = run(argc, argv);
    if (!e)
        return EXIT_SUCCESS;
    Buf out = {0};
    error_format(e, &out);
    fprintf(stderr, "%.*s\n", (int)out.n, (const char *)out.p);
    buf_release(&out);
    error_free(e);
    return EXIT_FAILURE;
}
