/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Building of a project: WIT (that of WASI comes with the program), bindings in build/gen, clang
 * with wasi-libc or the command of wasmtime.toml, the component in build/.
 */
#include "cli/project.h"

#include "base/vec.h"
#include "cli/adapt.h"
#include "cli/bindgen_files.h"
#include "cli/builtin.h"
#include "cli/file.h"
#include "cli/toml.h"
#include "os/spawn.h"
#include "wit/wit.h"
#include "wit/wit_binary.h"

#define FILE_NAME "wasmtime.toml"

/* --- wasmtime.toml --- */

static Error *set_key(Project *p, const TomlEntry *e)
{
    const struct {
        const char *key;
        const char **value;
    } keys[] = {{"name", &p->name},       {"template", &p->template}, {"world", &p->world},
                {"wit", &p->wit},         {"source", &p->source},     {"flags", &p->flags},
                {"command", &p->command}, {"module", &p->module}};
    if (e->kind == TOML_TABLE)
        return e->depth == 1 && str_eq(e->path[0], STR("component"))
                   ? NULL
                   : toml_error_at(e, FILE_NAME, "unknown table, expected [component]");
    if (e->depth != 2 || !str_eq(e->path[0], STR("component")))
        return toml_error_at(e, FILE_NAME, "expected keys of [component] only");
    for (u32 i = 0; i < ARRAY_LEN(keys); i++) {
        if (!str_eq(e->path[1], str_of(keys[i].key)))
            continue;
        if (e->kind != TOML_STRING)
            return toml_error_at(e, FILE_NAME, "expected a string");
        *keys[i].value = arena_strdup(&p->arena, e->text);
        return NULL;
    }
    return toml_error_at(e, FILE_NAME,
                         "unknown key, expected name, template, world, wit, source, flags, command "
                         "or module");
}

Error *project_read(Project *p)
{
    Buf text = {0}, output = {0};
    TomlDoc doc = {0};
    *p = (Project){.wit = "wit", .source = "src/main.c", .flags = "", .world = ""};
    arena_init(&p->arena);
    Error *e = file_read(FILE_NAME, &text);
    if (e)
        return error_wrap(e,
                          "there is no project here: `%s` cannot be read (`wasmtime new component "
                          "NAME` makes a project)",
                          FILE_NAME);
    e = toml_read((Str){(const char *)text.p, text.n}, FILE_NAME, &doc);
    for (u32 i = 0; i < doc.entries.n && !e; i++)
        e = set_key(p, &doc.entries.p[i]);
    if (!e && (!p->name || !wit_is_label(str_of(p->name))))
        e = error_new("%s: [component] needs a `name` of letters, digits and `-`", FILE_NAME);
    if (!e && p->command && !p->module)
        e = error_new("%s: with `command`, `module` says what the command makes", FILE_NAME);
    if (!e) {
        buf_printf(&output, "build/%s_s.wasm", p->name);
        p->output = buf_take_string(&output);
        for (char *s = p->output + 6; *s; s++)
            *s = (char)(*s == '-' ? '_' : *s);
    }
    toml_release(&doc);
    buf_release(&text);
    return e;
}

void project_release(Project *p)
{
    mem_free(p->output);
    arena_release(&p->arena);
}

/* --- WIT --- */

/* All of WASI, a group for each package. */
static Error *add_builtin_wit(WitInput *in, u32 group)
{
    Str folder = {0};
    Error *e = NULL;
    for (const BuiltinFile *f = builtin_files; f->name && !e; f++) {
        if (!str_starts(str_of(f->name), STR("wit/")))
            continue;
        Str now = {f->name, (usize)(strrchr(f->name, '/') - f->name)};
        group += folder.n && !str_eq(now, folder);
        folder = now;
        e = wit_input_add(in, group, str_of(f->name), (Str){(const char *)f->p, f->n});
    }
    return e;
}

static Error *resolve(const Project *p, bool builtin, WitModel **ret_model)
{
    WitInput *in = wit_input_new();
    u32 group = 0;
    Error *e = wit_input_add_path(in, p->wit, &group);
    if (!e && builtin)
        e = add_builtin_wit(in, group);
    if (!e)
        e = wit_resolve(in, &(WitOptions){0}, ret_model);
    wit_input_free(in);
    return e;
}

/* With WASI's own WIT where the project brings none. */
static Error *read_wit(const Project *p, WitModel **ret_model, WitId *ret_world)
{
    Error *e = resolve(p, false, ret_model);
    if (e) {
        error_free(e);
        e = resolve(p, true, ret_model);
    }
    return e ? e : wit_find_world(*ret_model, str_of(p->world), ret_world);
}

/* --- the compiler --- */

typedef struct Words {
    Arena *arena;
    VEC(const char *) list;
} Words;

static void add_word(Words *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void add_word(Words *w, const char *fmt, ...)
{
    Buf b = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    vec_push(&w->list, arena_strdup(w->arena, (Str){(const char *)b.p, b.n}));
    buf_release(&b);
}

static void add_words(Words *w, const char *text)
{
    while (*text) {
        usize n = strcspn(text, " \t\n");
        if (n)
            add_word(w, "%.*s", (int)n, text);
        text += n + (text[n] != 0);
    }
}

/* Runs the words; *ret_status is -1 if there is no such program. */
static Error *run_words(Words *w, bool quiet, int *ret_status)
{
    vec_push(&w->list, NULL);
    Error *e = os_spawn_wait(w->list.p, quiet, ret_status);
    vec_release(&w->list);
    return e;
}

/* Can clang make a program with these words at the end? */
static bool clang_can(const char *a, const char *b)
{
    Arena arena = {0};
    arena_init(&arena);
    Words w = {.arena = &arena};
    int status = -1;
    add_words(&w, "clang --target=wasm32-wasi -x c");
    add_word(&w, "%s", a);
    add_word(&w, "%s", b);
    add_words(&w, "-o build/.probe");
    Error *e = run_words(&w, true, &status);
    error_free(e);
    arena_release(&arena);
    return !e && status == 0;
}

/* Why clang failed: one line with what is missing, or that the program is at fault. */
static Error *explain(int status)
{
    static const char source[] = "#include <stdlib.h>\nint main(void) { return 0; }\n";
    if (status == -1)
        return error_new("clang is missing: `apt install clang lld wasi-libc "
                         "libclang-rt-14-dev-wasm32` installs all that C needs");
    Error *e = file_write("build/.probe.c", source, sizeof source - 1);
    if (e)
        return e;
    if (!clang_can("-c", "/dev/null"))
        return error_new("this clang cannot compile for wasm32: `apt install clang` installs one "
                         "that can");
    if (!clang_can("-c", "build/.probe.c"))
        return error_new("wasi-libc is missing: `apt install wasi-libc` installs it");
    if (!clang_can("build/.probe.c", "-Wall"))
        return error_new(
            "clang cannot link for wasm32: `apt install lld libclang-rt-14-dev-wasm32` "
            "installs what is missing");
    return error_new("the compiler ended with status %d", status);
}

static Error *compile(const Project *p, bool release, const char *bindings)
{
    Arena arena = {0};
    arena_init(&arena);
    Words w = {.arena = &arena};
    int status = -1;
    bool command = p->template && strcmp(p->template, "cli") == 0;
    add_words(&w, "clang --target=wasm32-wasi");
    add_word(&w, "-mexec-model=%s", command ? "command" : "reactor");
    add_words(&w, release ? "-Oz -Wl,--strip-all" : "-O1 -Wl,--strip-debug");
    add_words(&w, p->flags);
    /* Bindings of a world `string` must not stand in the place of the C library's string.h. */
    add_words(&w, "-iquote build/gen -idirafter build/gen");
    add_words(&w, p->source);
    add_word(&w, "build/gen/%s.c", bindings);
    add_word(&w, "build/gen/%s_component_type.o", bindings);
    add_words(&w, "-o build/module.wasm");
    Error *e = run_words(&w, false, &status);
    if (!e && status != 0)
        e = explain(status);
    arena_release(&arena);
    return e;
}

static Error *run_command(const Project *p)
{
    Arena arena = {0};
    arena_init(&arena);
    Words w = {.arena = &arena};
    int status = -1;
    add_words(&w, "/bin/sh -c");
    add_word(&w, "%s", p->command);
    Error *e = run_words(&w, false, &status);
    if (!e && status != 0)
        e = error_new("`%s` ended with status %d", p->command, status);
    arena_release(&arena);
    return e;
}

/* --- the component --- */

static Error *wrap(const char *module, const char *output)
{
    Buf in = {0}, out = {0};
    WrapAdapter adapter;
    bool needed = false;
    Error *e = file_read(module, &in);
    if (!e)
        e = adapt_find(in.p, in.n, &needed, &adapter);
    WrapOptions options = {.adapters = &adapter, .nadapters = needed};
    if (!e)
        e = error_wrap(component_wrap(in.p, in.n, &options, &out),
                       "failed to make a component of `%s`", module);
    if (!e)
        e = file_write(output, out.p, out.n);
    buf_release(&in);
    buf_release(&out);
    return e;
}

static char *bindings_name(const WitModel *m, WitId world)
{
    char *s = mem_strdup_n(m->worlds[world].name.p, m->worlds[world].name.n);
    for (char *c = s; *c; c++)
        *c = (char)(*c == '-' ? '_' : *c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    return s;
}

Error *project_build(const Project *p, bool release)
{
    WitModel *m = NULL;
    WitId world = WIT_NONE;
    Error *e = error_wrap(read_wit(p, &m, &world), "failed to read the WIT of `%s`", p->wit);
    if (!e)
        e = file_make_folder("build");
    if (!e)
        e = bindgen_write_files(m, world, "build/gen", false);
    if (!e && p->command) {
        e = run_command(p);
    } else if (!e) {
        char *name = bindings_name(m, world);
        e = compile(p, release, name);
        mem_free(name);
    }
    if (!e)
        e = wrap(p->command ? p->module : "build/module.wasm", p->output);
    wit_free(m);
    return e;
}
