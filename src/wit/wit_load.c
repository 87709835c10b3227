/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* WIT in files and folders. */
#include "wit/wit.h"

#include <errno.h>
#include <stdlib.h>

#include "base/vec.h"
#include "os/file.h"
#include "os/fs.h"
#include "wasm/text/text.h"
#include "wit/text/ctext.h"
#include "wit/wit_binary.h"

typedef struct Names {
    VEC(char *) list; /* own */
    usize bytes;
} Names;

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_name(void *arg, const char *name, OsFileType type, u64 ino)
{
    Names *n = arg;
    (void)type;
    (void)ino;
    if (n->list.n >= WIT_LIMIT_FILES)
        return EOVERFLOW;
    char *copy = mem_strdup_n(name, strlen(name));
    vec_push(&n->list, copy);
    return 0;
}

static void names_release(Names *n)
{
    for (u32 i = 0; i < n->list.n; i++)
        mem_free(n->list.p[i]);
    vec_release(&n->list);
}

/* The sorted names in a folder; ENOTDIR if it is none. */
static int list_folder(const char *path, Names *ret_names)
{
    int dir;
    int err = os_open_dir(path, &dir);
    if (err)
        return err;
    err = os_list_dir(dir, add_name, ret_names);
    os_fd_close(dir);
    if (ret_names->list.n)
        qsort(ret_names->list.p, ret_names->list.n, sizeof *ret_names->list.p, compare_names);
    return err;
}

static char *join(const char *dir, const char *name)
{
    Buf b = {0};
    usize n = strlen(dir);
    bool slash = n && dir[n - 1] == '/';
    buf_printf(&b, "%s%s%s", dir, slash ? "" : "/", name);
    return buf_take_string(&b);
}

static bool ends_in(const char *name, const char *end)
{
    usize n = strlen(name), m = strlen(end);
    return n > m && strcmp(name + n - m, end) == 0;
}

static bool is_wit(const char *name)
{
    return ends_in(name, ".wit");
}

static bool is_binary(const char *name)
{
    return ends_in(name, ".wasm") || ends_in(name, ".wat");
}

static Error *add_file(WitInput *in, const char *path, u32 group)
{
    Buf text = {0};
    Error *e = os_read_file(path, WIT_LIMIT_SOURCE, &text);
    if (!e)
        e = wit_input_add(in, group, str_of(path), (Str){(const char *)text.p, text.n});
    buf_release(&text);
    return e;
}

/* The *.wit files of one folder, without its folders. */
static Error *add_files(WitInput *in, const char *path, const Names *names, u32 group,
                        u32 *ret_count)
{
    Error *e = NULL;
    u32 count = 0;
    for (u32 i = 0; i < names->list.n && !e; i++) {
        if (!is_wit(names->list.p[i]))
            continue;
        char *file = join(path, names->list.p[i]);
        e = add_file(in, file, group);
        mem_free(file);
        count++;
    }
    if (!e)
        *ret_count = count;
    return e;
}

/* ---- packages in binary form ---- */

MUST_CHECK static Error *assemble(const char *path, Buf *bytes)
{
    Str text = {(const char *)bytes->p, bytes->n};
    Buf binary = {0};
    Diag diag;
    diag_init(&diag);
    if (!component_text_parse(text, &(TextOptions){0}, &binary, NULL, &diag))
        return text_error(path, text, &diag);
    buf_release(bytes);
    *bytes = binary;
    return NULL;
}

MUST_CHECK static Error *check_is_wit(const Buf *bytes)
{
    TypeRegistry *registry = types_new();
    Component *c = NULL;
    Error *e = component_is(bytes->p, bytes->n)
                   ? wit_decode_component(registry, bytes->p, bytes->n, &c)
                   : error_new("it is a module, not a WIT package in binary form");
    if (!e && !wit_is_binary(c))
        e = error_new("it is a component, not a WIT package in binary form");
    component_free(c);
    types_free(registry);
    return e;
}

/* As text, each package for itself: what others need of a package that is there is not needed. */
MUST_CHECK static Error *add_packages(WitInput *in, const char *path, const WitModel *m, u32 *group)
{
    Error *e = NULL;
    for (u32 i = 0; i < m->npackages && !e; i++) {
        Buf text = {0};
        wit_print_package(m, i, &(WitPrintOptions){0}, &text);
        e = wit_input_add_spare(in, (*group)++, str_of(path), (Str){(const char *)text.p, text.n},
                                m->packages[i].full);
        buf_release(&text);
    }
    return e;
}

static Error *add_binary(WitInput *in, const char *path, u32 *group)
{
    Buf bytes = {0};
    WitModel *m = NULL;
    Error *e = os_read_file(path, WIT_LIMIT_SOURCE, &bytes);
    if (!e && (bytes.n < 4 || memcmp(bytes.p, "\0asm", 4) != 0))
        e = assemble(path, &bytes);
    if (!e)
        e = check_is_wit(&bytes);
    if (!e)
        e = wit_decode(bytes.p, bytes.n, &m);
    if (!e)
        e = add_packages(in, path, m, group);
    wit_free(m);
    buf_release(&bytes);
    return e ? error_wrap(e, "`%s` cannot be read", path) : NULL;
}

/* ---- dependencies ---- */

/* A dependency: a file or a folder of files; anything else is passed over. */
static Error *add_dep(WitInput *in, const char *path, const char *name, u32 *group)
{
    Names names = {0};
    u32 count = 0;
    char *at = join(path, name);
    int err = list_folder(at, &names);
    Error *e = NULL;
    if (err == 0)
        e = add_files(in, at, &names, *group, &count);
    else if (err != ENOTDIR)
        e = error_new("cannot read `%s`: %s", at, strerror(err));
    else if (is_wit(name)) {
        e = add_file(in, at, *group);
        count = 1;
    }
    if (count)
        ++*group;
    names_release(&names);
    mem_free(at);
    return e;
}

static Error *add_deps(WitInput *in, const char *path, u32 *group)
{
    Names names = {0};
    char *deps = join(path, "deps");
    int err = list_folder(deps, &names);
    Error *e = err && err != ENOENT && err != ENOTDIR
                   ? error_new("cannot read `%s`: %s", deps, strerror(err))
                   : NULL;
    for (u32 i = 0; i < names.list.n && !e; i++)
        e = add_dep(in, deps, names.list.p[i], group);
    for (u32 i = 0; i < names.list.n && !e; i++) {
        char *at = join(deps, names.list.p[i]);
        if (is_binary(at))
            e = add_binary(in, at, group);
        mem_free(at);
    }
    names_release(&names);
    mem_free(deps);
    return e;
}

Error *wit_input_add_path(WitInput *in, const char *path, u32 *group)
{
    Names names = {0};
    u32 count = 0;
    int err = list_folder(path, &names);
    if (err == ENOTDIR) {
        names_release(&names);
        Error *e = add_file(in, path, *group);
        ++*group;
        return e;
    }
    Error *e = err ? error_new("cannot read `%s`: %s", path, strerror(err))
                   : add_files(in, path, &names, *group, &count);
    names_release(&names);
    if (!e && count == 0)
        e = error_new("no WIT files in `%s`", path);
    ++*group;
    return e ? e : add_deps(in, path, group);
}
