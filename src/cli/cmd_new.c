/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* `wasmtime new component NAME`: a project from one of the program's templates. */
#include "cli/builtin.h"
#include "cli/cmdline.h"
#include "cli/file.h"
#include "os/file.h"
#include "wit/wit.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

typedef struct Names {
    Str name;    /* "my-app" */
    Str id;      /* in WIT: "my-app", "%list" */
    char *snake; /* "my_app" */
} Names;

/* @NAME@ is the name; @ID@, @SNAKE@: in WIT and in C; @FILE@: that of the built file. */
static void fill_in(const Names *n, Str text, Buf *out)
{
    const struct {
        Str mark, value;
    } marks[] = {{STR("@NAME@"), n->name},
                 {STR("@ID@"), n->id},
                 {STR("@SNAKE@"), str_of(n->snake)},
                 {STR("@FILE@"), str_of(n->snake)}};
    for (usize i = 0; i < text.n;) {
        Str rest = {text.p + i, text.n - i};
        u32 k = 0;
        while (k < ARRAY_LEN(marks) && !str_starts(rest, marks[k].mark))
            k++;
        if (k == ARRAY_LEN(marks)) {
            buf_u8(out, (u8)text.p[i++]);
            continue;
        }
        buf_str(out, marks[k].value);
        i += marks[k].mark.n;
    }
}

/* Writes one file; `path` is its path in the template. */
static Error *write_file(const Names *n, const char *path, const BuiltinFile *f)
{
    Buf text = {0}, target = {0};
    const char *slash = strrchr(path, '/');
    Error *e = NULL;
    if (slash) {
        buf_printf(&target, "%.*s/%.*s", STR_ARG(n->name), (int)(slash - path), path);
        char *folder = buf_take_string(&target);
        e = file_make_folder(folder);
        mem_free(folder);
    }
    bool hidden = strcmp(path, "gitignore") == 0;
    buf_printf(&target, "%.*s/%s%s", STR_ARG(n->name), hidden ? "." : "", path);
    if (target.n > 3 && memcmp(target.p + target.n - 3, ".in", 3) == 0)
        target.n -= 3; /* no source before the names are filled in */
    char *z = buf_take_string(&target);
    fill_in(n, (Str){(const char *)f->p, f->n}, &text);
    if (!e)
        e = file_write(z, text.p, text.n);
    mem_free(z);
    buf_release(&text);
    return e;
}

static Error *write_project(const Names *n, const char *template)
{
    Buf prefix = {0};
    buf_printf(&prefix, "templates/%s/", template);
    Str want = {(const char *)prefix.p, prefix.n};
    bool found = false;
    Error *e = NULL;
    for (const BuiltinFile *f = builtin_files; f->name && !e; f++)
        found |= str_starts(str_of(f->name), want);
    if (!found)
        e = cmdline_bad_value(FLAG_template, template, "expected http, cli or library");
    char *folder = mem_strdup_n(n->name.p, n->name.n);
    if (!e && mkdir(folder, 0777) != 0)
        e = errno == EEXIST ? error_new("`%s` is there already", folder)
                            : error_wrap(os_error(), "failed to make the folder `%s`", folder);
    for (const BuiltinFile *f = builtin_files; f->name && !e; f++)
        if (str_starts(str_of(f->name), want))
            e = write_file(n, f->name + want.n, f);
    mem_free(folder);
    buf_release(&prefix);
    return e;
}

Error *cmd_new_component(CmdLine *c, int *ret_status)
{
    const char *given = cmdline_value(c, FLAG_template);
    Names n = {.name = str_of(c->args.p[0])};
    if (!wit_is_label(n.name) || n.name.n > 100)
        return error_new_kind(
            ERROR_USAGE, 0,
            "`%s` is no name for a component: words of letters and digits, joined "
            "by `-`, as in `my-app`",
            c->args.p[0]);
    Buf id = {0};
    buf_printf(&id, "%s%s", wit_is_keyword(n.name) ? "%" : "", c->args.p[0]);
    n.id = (Str){(const char *)id.p, id.n};
    n.snake = mem_strdup_n(n.name.p, n.name.n);
    for (char *s = n.snake; *s; s++)
        *s = (char)(*s == '-' ? '_' : *s >= 'A' && *s <= 'Z' ? *s + 32 : *s);
    Error *e = write_project(&n, given ? given : "http");
    if (!e)
        printf("Made the project `%s`. Next:\n  cd %s\n  wasmtime build\n", c->args.p[0],
               c->args.p[0]);
    mem_free(n.snake);
    buf_release(&id);
    *ret_status = 0;
    return e;
}
