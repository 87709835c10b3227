/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Packages that a WAC text names, from files: components in binary and text, and WIT. */
#include "compose/wac_priv.h"

#include "os/file.h"
#include "os/fs.h"
#include "wit/text/ctext.h"

#include <errno.h>

enum { PACKAGE_MAX = 1 << 30 }; /* bytes of a file */

void wac_unload(WacLoaded *l)
{
    if (l->model)
        wit_types_release(&l->wit);
    wit_free(l->model);
    mem_free(l);
}

typedef enum PathIs { PATH_NOTHING, PATH_FILE, PATH_FOLDER } PathIs;

static PathIs path_is(const char *path)
{
    int fd, err = os_open_dir(path, &fd);
    if (err == 0)
        os_fd_close(fd);
    return err == 0 ? PATH_FOLDER : err == ENOTDIR ? PATH_FILE : PATH_NOTHING;
}

/* The path that an option gives for the package. */
static const char *given_path(const Wac *w, const WacPackage *k, Str full)
{
    const char *any = NULL;
    for (u32 i = 0; i < w->options->ndeps; i++) {
        const WacDependency *d = &w->options->deps[i];
        if (str_eq(d->package, full))
            return d->path;
        if (str_eq(d->package, k->name))
            any = d->path;
    }
    return any;
}

/* Own; NULL if nothing is there. */
static char *find_in_folder(const Wac *w, const WacPackage *k)
{
    static const char *const ends[] = {"", ".wasm", ".wat"};
    Buf b = {0};
    buf_printf(&b, "%s/%.*s", w->options->deps_dir, STR_ARG(k->name));
    for (usize i = b.n - k->name.n; i < b.n; i++)
        if (b.p[i] == ':')
            b.p[i] = '/';
    if (k->version.text.n)
        buf_printf(&b, "/%.*s", STR_ARG(k->version.text));
    char *base = buf_take_string(&b);
    for (u32 i = 0; i < ARRAY_LEN(ends); i++) {
        buf_printf(&b, "%s%s", base, ends[i]);
        char *path = buf_take_string(&b);
        PathIs is = path_is(path);
        if (i == 0 ? is == PATH_FOLDER : is == PATH_FILE) {
            mem_free(base);
            return path;
        }
        mem_free(path);
    }
    mem_free(base);
    return NULL;
}

MUST_CHECK static Error *read_wit(Wac *w, const char *path, WacLoaded *l)
{
    u32 group = 0;
    WitInput *in = wit_input_new();
    Error *e = wit_input_add_path(in, path, &group);
    if (!e)
        e = wit_resolve(in, &(WitOptions){.all_features = true}, &l->model);
    wit_input_free(in);
    if (!e)
        wit_types_init(&l->wit, &w->g->types, l->model);
    return e;
}

/* Text of a component to its bytes. */
MUST_CHECK static Error *assemble(const char *path, Buf *bytes)
{
    Buf binary = {0};
    Diag diag;
    diag_init(&diag);
    Str text = {(const char *)bytes->p, bytes->n};
    if (!component_text_parse(text, &(TextOptions){0}, &binary, NULL, &diag))
        return text_error(path, text, &diag);
    buf_release(bytes);
    *bytes = binary;
    return NULL;
}

MUST_CHECK static Error *read_component(Wac *w, const char *path, WacLoaded *l)
{
    Buf bytes = {0};
    Error *e = os_read_file(path, PACKAGE_MAX, &bytes);
    if (!e && (bytes.n < 4 || memcmp(bytes.p, "\0asm", 4) != 0))
        e = assemble(path, &bytes);
    if (!e && !component_is(bytes.p, bytes.n))
        e = error_new("it is a module, not a component");
    if (!e)
        e = graph_add_package(w->g, l->name, &bytes, &l->component);
    buf_release(&bytes);
    return e;
}

static bool ends_in(const char *path, const char *end)
{
    usize n = strlen(path), m = strlen(end);
    return n >= m && strcmp(path + n - m, end) == 0;
}

WacLoaded *wac_load(Wac *w, const WacPackage *k)
{
    Str v = k->version.text,
        full = wac_format(w, "%.*s%s%.*s", STR_ARG(k->name), v.n ? "@" : "", STR_ARG(v));
    u64 at;
    if (w->error)
        return NULL;
    if (map_get(&w->loaded_names, full, &at))
        return w->loaded.p[at];
    const char *given = given_path(w, k, full);
    char *path = given                  ? mem_strdup_n(given, strlen(given))
                 : w->options->deps_dir ? find_in_folder(w, k)
                                        : NULL;
    if (!path) {
        wac_fail(w, k->at, NULL, "package `%.*s` is not in `%s`; `--dep %.*s=PATH` names its file",
                 STR_ARG(full), w->options->deps_dir ? w->options->deps_dir : "(no folder)",
                 STR_ARG(k->name));
        return NULL;
    }
    WacLoaded *l = mem_alloc(sizeof *l);
    l->name = full;
    map_add(&w->loaded_names, full, w->loaded.n);
    vec_push(&w->loaded, l);
    bool wit = path_is(path) == PATH_FOLDER || ends_in(path, ".wit");
    Error *e = wit ? read_wit(w, path, l) : read_component(w, path, l);
    if (e)
        wac_fail(w, k->at, e, "package `%.*s` cannot be read from `%s`", STR_ARG(full), path);
    mem_free(path);
    return w->error ? NULL : l;
}

/* ---- what a path names ---- */

void wac_add_home(Wac *w, GraphType *interface)
{
    if (interface->name.n && map_add(&w->home_names, interface->name, w->homes.n))
        vec_push(&w->homes, interface);
}

/* What the interface uses, and what that uses: each stands before its users. */
static void add_homes(Wac *w, WacLoaded *l, WitId interface)
{
    bool *used = mem_alloc(interface + 1);
    used[interface] = true;
    for (u32 i = interface + 1; i-- > 0;) {
        const WitInterface *f = &l->model->interfaces[i];
        for (u32 k = 0; used[i] && k < f->nuses; k++)
            used[f->uses[k]] = true;
        if (used[i] && i != interface)
            wac_add_home(w, wit_types_interface(&l->wit, i));
    }
    mem_free(used);
}

/* In a model, of the package that the path means: any version if it names none. */
static bool in_package(const WitPackage *p, const WacPackage *k)
{
    Buf b = {0};
    buf_printf(&b, "%.*s:%.*s", STR_ARG(p->ns), STR_ARG(p->name));
    bool same = str_eq((Str){(const char *)b.p, b.n}, k->name) &&
                (!k->version.text.n || str_eq(k->version.text, p->version.text));
    buf_release(&b);
    return same;
}

static GraphType *from_model(Wac *w, WacLoaded *l, const WacPath *path, bool fresh)
{
    for (u32 i = 0; i < l->model->ninterfaces; i++) {
        const WitInterface *f = &l->model->interfaces[i];
        if (!f->name.n || !str_eq(f->name, path->name.name) ||
            !in_package(&l->model->packages[f->package], &path->package))
            continue;
        add_homes(w, l, i);
        if (fresh)
            return wit_types_fresh_interface(&l->wit, i);
        GraphType *t = wit_types_interface(&l->wit, i);
        wac_add_home(w, t);
        return t;
    }
    for (u32 i = 0; i < l->model->nworlds; i++)
        if (str_eq(l->model->worlds[i].name, path->name.name) &&
            in_package(&l->model->packages[l->model->worlds[i].package], &path->package))
            return wit_types_world(&l->wit, i);
    return NULL;
}

/* A WIT package in binary form exports component types, each of one interface or world. */
static GraphType *from_component(Wac *w, WacLoaded *l, const WacPath *path)
{
    GraphType *type;
    Error *e = gtypes_of_component(&w->g->types, l->component->component, &type);
    if (e) {
        wac_fail(w, path->package.at, e, "package `%.*s`", STR_ARG(l->name));
        return NULL;
    }
    const GraphExtern *x = gtypes_export(&w->g->types, type, path->name.name);
    if (!x || x->sort != SORT_TYPE || x->type->kind != CT_COMPONENT || x->type->nexports != 1)
        return NULL;
    GraphType *found = x->type->exports[0].type;
    bool known = found && (found->kind == CT_INSTANCE || found->kind == CT_COMPONENT);
    return known ? found : NULL;
}

GraphType *wac_path_type(Wac *w, const WacPath *path, bool fresh)
{
    u64 at;
    if (!fresh && map_get(&w->home_names, path->full, &at))
        return w->homes.p[at];
    WacLoaded *l = wac_load(w, &path->package);
    if (!l)
        return NULL;
    GraphType *t = l->model ? from_model(w, l, path, fresh) : from_component(w, l, path);
    if (!t)
        wac_fail(w, path->name.at, NULL, "package `%.*s` has no interface or world `%.*s`",
                 STR_ARG(l->name), STR_ARG(path->name.name));
    return t;
}
