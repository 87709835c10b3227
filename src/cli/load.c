/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Opening a file, telling what it is, and making a module of it. */
#include "cli/load.h"

#include "cli/file.h"
#include "cli/pool_limits.h"
#include "os/file.h"
#include "wit/text/ctext.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define TARGET "wasmtime::module"

static bool is_binary(Str s)
{
    return str_starts(s, (Str){"\0asm", 4});
}

/* Behind the version come two bytes that are 1 for a component, 0 for a module. */
static bool is_binary_component(Str s)
{
    return s.n >= 8 && s.p[6] == 1 && s.p[7] == 0;
}

/* The first byte of the text that is neither blank nor in a comment. */
usize load_skip_text_blanks(Str s, usize i)
{
    u32 depth = 0;
    while (i < s.n) {
        bool pair = i + 1 < s.n;
        if (pair && s.p[i] == '(' && s.p[i + 1] == ';') {
            depth++;
            i += 2;
        } else if (pair && depth && s.p[i] == ';' && s.p[i + 1] == ')') {
            depth--;
            i += 2;
        } else if (depth || memchr(" \t\r\n", s.p[i], 4)) {
            i++;
        } else if (pair && s.p[i] == ';' && s.p[i + 1] == ';') {
            while (i < s.n && s.p[i] != '\n')
                i++;
        } else {
            break;
        }
    }
    return i;
}

bool load_is_text_component(Str s)
{
    usize i = load_skip_text_blanks(s, 0);
    if (i == s.n || s.p[i] != '(')
        return false;
    i = load_skip_text_blanks(s, i + 1);
    Str rest = {s.p + i, s.n - i};
    Str word = STR("component");
    return str_starts(rest, word) &&
           (rest.n == word.n || memchr(" \t\r\n()$;\"", rest.p[word.n], 9));
}

MUST_CHECK static Error *check_component(const CmdLine *c, bool wanted)
{
    if (!opt_bool(&c->options, OPT_W_component_model))
        return error_new("cannot execute a component without `--wasm component-model`");
    return wanted ? NULL : error_new("a core module is needed here, not a component");
}

ComponentFeatures load_component_features(const Options *o)
{
    static const char *const keys[] = {
#define COMPONENT_FEATURE(id, name, on, text) name,
#include "wit/component_features.def"
#undef COMPONENT_FEATURE
    };
    ComponentFeatures set = component_features_default();
    for (u32 i = 0; i < ARRAY_LEN(keys); i++) {
        Str rest;
        OptId id = options_find(GROUP_W, str_of(keys[i]), &rest);
        ALWAYS(id < OPT_COUNT);
        if (opt_given(o, id))
            set = (set & ~((ComponentFeatures)1 << i)) | (ComponentFeatures)opt_bool(o, id) << i;
    }
    return set;
}

static ComponentOptions component_options(const Engine *engine, const CmdLine *c)
{
    return (ComponentOptions){.features = engine_config(engine)->features,
                              .component_features = load_component_features(&c->options)};
}

/* `ret_component` NULL: components are refused. Takes the bytes; *diag tells what is wrong with
 * them. */
MUST_CHECK static Error *component_from_bytes(Engine *engine, const CmdLine *c, Buf *bytes,
                                              Diag *diag, LoadedComponent **ret_component)
{
    Error *e = check_component(c, ret_component);
    if (e)
        return e;
    ComponentOptions options = component_options(engine, c);
    return component_load_owned(engine, &options, bytes, diag, ret_component);
}

/* What is wrong with the bytes is shown in the text they were made from. */
MUST_CHECK static Error *show_in_text(Error *e, Str text, const char *label, const TextMap *map,
                                      Diag *diag)
{
    if (!e || diag_ok(diag))
        return e;
    diag->offset = text_map_offset(map, diag->offset);
    error_free(e);
    return text_error(label, text, diag);
}

MUST_CHECK static Error *component_from_text(Engine *engine, const CmdLine *c, Str text,
                                             const char *label, LoadedComponent **ret_component)
{
    Buf binary = {0};
    TextMap map = {0};
    Diag diag;
    diag_init(&diag);
    if (!component_text_parse(text, &(TextOptions){0}, &binary, &map, &diag))
        return text_error(label, text, &diag);
    Error *e = component_from_bytes(engine, c, &binary, &diag, ret_component);
    e = show_in_text(e, text, label, &map, &diag);
    buf_release(&binary);
    vec_release(&map);
    return e;
}

bool load_parse_text(Str text, Buf *ret_binary, TextMap *ret_map, Diag *d)
{
    bool good = text_parse_module(text, &(TextOptions){0}, ret_binary, ret_map, d);
    if (good && load_skip_text_blanks(text, 0) == text.n)
        diag_set(d, DIAG_MALFORMED, text.n, "expected at least one module field");
    return diag_ok(d);
}

MUST_CHECK static Error *module_from_text(Engine *engine, Str text, const char *label,
                                          Module **ret_module)
{
    Buf binary = {0};
    TextMap map = {0};
    Diag diag;
    diag_init(&diag);
    if (!load_parse_text(text, &binary, &map, &diag)) {
        buf_release(&binary);
        vec_release(&map);
        return text_error(label, text, &diag);
    }
    Error *e = engine_module_new(engine, binary.p, binary.n, &diag, ret_module);
    e = show_in_text(e, text, label, &map, &diag);
    buf_release(&binary);
    vec_release(&map);
    return e;
}

/* Takes the bytes of binaries. */
MUST_CHECK static Error *load_bytes(Engine *engine, const CmdLine *c, Buf *bytes, const char *label,
                                    Module **ret_module, LoadedComponent **ret_component)
{
    Str s = {(char *)bytes->p, bytes->n};
    if (!is_binary(s))
        return load_is_text_component(s) ? component_from_text(engine, c, s, label, ret_component)
                                         : module_from_text(engine, s, label, ret_module);
    if (is_binary_component(s))
        return component_from_bytes(engine, c, bytes, NULL, ret_component);
    return engine_module_new_owned(engine, bytes, NULL, ret_module);
}

MUST_CHECK static Error *need_allowed(const CmdLine *c)
{
    if (cmdline_given(c, FLAG_allow_precompiled))
        return NULL;
    return error_new("running a precompiled module requires the `--allow-precompiled` flag");
}

/* What compiled files begin with. */
typedef struct Head {
    u8 p[64];
    usize n;
} Head;

/* The file's position stays. */
static Head head_of_file(int fd)
{
    Head h = {0};
    ssize_t n = pread(fd, h.p, sizeof h.p, 0);
    h.n = n > 0 ? (usize)n : 0;
    return h;
}

/* From the file, or from `bytes` if they are given. */
MUST_CHECK static Error *load_compiled_component(Engine *engine, const CmdLine *c, int fd,
                                                 const char *path, const Buf *bytes,
                                                 LoadedComponent **ret_component)
{
    CompiledComponent *compiled = NULL;
    Error *e = check_component(c, ret_component);
    if (!e)
        e = bytes ? engine_component_open(engine, bytes->p, bytes->n, &compiled)
                  : engine_component_open_fd(engine, fd, path, &compiled);
    if (e)
        return e;
    ComponentOptions options = component_options(engine, c);
    return component_load_compiled(engine, &options, compiled, ret_component);
}

MUST_CHECK static Error *load_compiled(Engine *engine, const CmdLine *c, int fd, const char *path,
                                       const Buf *bytes, Module **ret_module,
                                       LoadedComponent **ret_component)
{
    Error *e = need_allowed(c);
    if (e)
        return e;
    Head h = bytes ? (Head){.n = MIN(bytes->n, sizeof h.p)} : head_of_file(fd);
    if (bytes)
        memcpy(h.p, bytes->p, h.n);
    if (engine_is_compiled_component(h.p, h.n))
        return load_compiled_component(engine, c, fd, path, bytes, ret_component);
    return bytes ? engine_module_load(engine, bytes->p, bytes->n, ret_module)
                 : engine_module_load_fd(engine, fd, path, ret_module);
}

/* `m` NULL: a component was loaded. */
static void log_loaded(const CmdLine *c, const char *path, const Module *m)
{
    log_print(&c->log, LOG_INFO, TARGET, "loaded %s", path);
    if (!m)
        return;
    const WasmModule *w = module_wasm(m);
    log_print(&c->log, LOG_DEBUG, TARGET, "%s has %u functions, %u imports, %u exports", path,
              w->nfuncs, w->nimports, w->nexports);
}

MUST_CHECK static Error *check_pool(const CmdLine *c, Module **m)
{
    Error *e = pool_limits_check(&c->options, module_wasm(*m));
    if (e) {
        module_unref(*m);
        *m = NULL;
    }
    return e;
}

Error *load_module(Engine *engine, const CmdLine *c, const char *path, Module **ret_module)
{
    return load_program(engine, c, path, ret_module, NULL);
}

Error *load_program(Engine *engine, const CmdLine *c, const char *path, Module **ret_module,
                    LoadedComponent **ret_component)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_wrap(os_error(), "failed to open wasm module \"%s\"", path);
    Error *e = NULL;
    Buf bytes = {0};
    Head head = is_stdin ? (Head){0} : head_of_file(fd);
    if (engine_is_compiled(head.p, head.n)) {
        e = load_compiled(engine, c, fd, path, NULL, ret_module, ret_component);
    } else {
        e = error_wrap(file_read_fd(fd, &bytes), "failed to read file: %s", path);
        if (!e && engine_is_compiled(bytes.p, bytes.n))
            e = load_compiled(engine, c, fd, path, &bytes, ret_module, ret_component);
        else if (!e)
            e = load_bytes(engine, c, &bytes, path, ret_module, ret_component);
    }
    buf_release(&bytes);
    if (!is_stdin)
        close(fd);
    if (!e && *ret_module)
        e = check_pool(c, ret_module);
    if (!e)
        log_loaded(c, path, *ret_module);
    return e;
}
