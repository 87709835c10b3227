/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Files of the container's root are opened with openat2 inside the root: no link of an image leads
 * out of it. containerd's own config.json is left alone.
 */
#include "shim/bundle.h"

#include "engine/engine.h"
#include "os/file.h"
#include "os/fs.h"
#include "sandbox/reader.h"
#include "shim/stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_CONFIG = 16 << 20, MAX_MODULE = 1 << 30, MAX_PATH = 4096, HEAD = 4096 };

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

void bundle_release(Bundle *b)
{
    json_decref(b->config);
    mem_free(b->root);
    mem_free(b->func);
    buf_release(&b->bytes);
    if (b->module >= 0)
        close(b->module);
}

static char *path_in(const char *dir, const char *name)
{
    Buf b = {0};
    if (*name == '/')
        buf_str(&b, str_of(name));
    else
        buf_printf(&b, "%s/%s", dir, name);
    return buf_take_string(&b);
}

static json_t *process_args(const Bundle *b)
{
    return json_object_get(json_object_get(b->config, "process"), "args");
}

static const char *arg0(const Bundle *b)
{
    return json_string_value(json_array_get(process_args(b), 0));
}

Error *bundle_parse(Bundle *b, const char *path, const Buf *text)
{
    json_error_t why;
    Buf copy = {0};
    *b = (Bundle){.path = path, .module = -1};
    buf_bytes(&copy, text->p, text->n);
    bool known = reader_hide_unlimited((char *)copy.p, copy.n);
    b->config = json_loadb((const char *)copy.p, copy.n, 0, &why);
    buf_release(&copy);
    if (b->config && !known)
        return error_new("`%s/config.json` has the number %lld", path, (long long)READER_UNLIMITED);
    if (!b->config)
        return error_new("`%s/config.json` is not JSON: %s (line %d)", path, why.text, why.line);
    const char *root =
        json_string_value(json_object_get(json_object_get(b->config, "root"), "path"));
    b->root = path_in(path, root && *root ? root : "rootfs");
    return NULL;
}

Error *bundle_open(Bundle *b, const char *path)
{
    char *file = path_in(path, "config.json");
    Buf text = {0};
    *b = (Bundle){.path = path, .module = -1};
    Error *e = os_read_file(file, MAX_CONFIG, &text);
    e = e ? error_wrap(e, "failed to read `%s`", file) : bundle_parse(b, path, &text);
    buf_release(&text);
    mem_free(file);
    return e;
}

const char *bundle_annotation(const Bundle *b, const char *key)
{
    return json_string_value(json_object_get(json_object_get(b->config, "annotations"), key));
}

/* -1, with errno, if it is not a regular file; takes the descriptor. */
static int regular(int err, int fd, struct stat *ret_stat)
{
    if (!err && fstat(fd, ret_stat) == 0 && S_ISREG(ret_stat->st_mode))
        return fd;
    if (!err)
        close(fd);
    errno = err ? err : EISDIR; /* or a device, or a FIFO */
    return -1;
}

/* Is the path the folder or below it? *ret_rest: what follows the folder's name. One that goes up
 * again is looked for in the root alone. */
static bool path_below(const char *path, const char *dir, const char **ret_rest)
{
    usize n = strlen(dir);
    while (n > 0 && dir[n - 1] == '/')
        n--;
    *ret_rest = path + n;
    return n > 0 && strncmp(path, dir, n) == 0 && (path[n] == '/' || !path[n]) &&
           !strstr(path + n, "/..");
}

/* The source of the bind mount that the path is in, borrowed; NULL if it is in the root itself. The
 * last mount is the one that is seen. */
static const char *volume_of(const Bundle *b, const char *path, const char **ret_rest)
{
    json_t *mounts = json_object_get(b->config, "mounts");
    for (usize i = json_array_size(mounts); i-- > 0;) {
        const json_t *m = json_array_get(mounts, i);
        const char *dir = json_string_value(json_object_get(m, "destination"));
        const char *type = json_string_value(json_object_get(m, "type"));
        const char *source = json_string_value(json_object_get(m, "source"));
        if (dir && *dir == '/' && path_below(path, dir, ret_rest))
            return type && strcmp(type, "bind") == 0 ? source : NULL;
    }
    return NULL;
}

/* A file below the source, or the source itself; links below it stay there. */
static int open_in_volume(const Bundle *b, const char *source, const char *rest,
                          struct stat *ret_stat)
{
    char *path = path_in(b->path, source);
    int fd = -1, volume = -1, err;
    if (rest[strspn(rest, "/")]) {
        err = os_open_dir(path, &volume);
        if (!err)
            err = os_open_rooted(volume, rest, OS_OPEN_READ, &fd);
    } else {
        fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        err = fd < 0 ? errno : 0;
    }
    mem_free(path);
    if (volume >= 0)
        close(volume);
    return regular(err, fd, ret_stat);
}

/* Opens a regular file that the container shall see at the path; -1, with errno, if there is none.
 * Its mounts are not made yet. */
static int open_in_root(const Bundle *b, int root, const char *path, struct stat *ret_stat)
{
    const char *rest, *source = volume_of(b, path, &rest);
    int fd, err;
    if (source)
        return open_in_volume(b, source, rest, ret_stat);
    err = os_open_rooted(root, path, OS_OPEN_READ, &fd);
    return regular(err, fd, ret_stat);
}

/* The value of PATH in the process's environment; borrowed. */
static const char *env_path(const Bundle *b)
{
    json_t *env = json_object_get(json_object_get(b->config, "process"), "env"), *item;
    usize i;
    json_array_foreach(env, i, item)
    {
        const char *text = json_string_value(item);
        if (text && str_starts(str_of(text), STR("PATH=")))
            return text + 5;
    }
    return DEFAULT_PATH;
}

static int open_joined(const Bundle *b, int root, Str dir, Str name, struct stat *ret_stat)
{
    Buf path = {0};
    if (name.n == 0 || name.p[0] != '/')
        buf_printf(&path, "%.*s/", STR_ARG(dir));
    buf_str(&path, name);
    buf_u8(&path, 0);
    int fd = -1;
    if (path.n <= MAX_PATH)
        fd = open_in_root(b, root, (const char *)path.p, ret_stat);
    else
        errno = ENAMETOOLONG;
    buf_release(&path);
    return fd;
}

/* As a shell finds it: with a slash from the working directory, else in PATH, then there, too. */
static int open_program(const Bundle *b, int root, Str name, struct stat *ret_stat)
{
    const char *cwd =
        json_string_value(json_object_get(json_object_get(b->config, "process"), "cwd"));
    Str here = str_of(cwd ? cwd : "/");
    if (!memchr(name.p, '/', name.n)) {
        for (const char *p = env_path(b); *p;) {
            Str dir = {p, strcspn(p, ":")};
            int fd = open_joined(b, root, dir, name, ret_stat);
            if (fd >= 0)
                return fd;
            p += dir.n + (p[dir.n] == ':');
        }
    }
    return open_joined(b, root, here, name, ret_stat);
}

static void set_func(Bundle *b, const char *program)
{
    const char *hash = strrchr(program, '#');
    const char *func = hash && hash[1] ? hash + 1 : "_start";
    mem_free(b->func);
    b->func = mem_strdup_n(func, strlen(func));
}

static bool is_wasm(const Buf *b)
{
    return b->n >= 8 && memcmp(b->p, "\0asm", 4) == 0;
}

/* Does it begin as the text format does? The executor's parser says whether it is right. */
static bool is_text(const Buf *b)
{
    usize i = 0;
    while (i < b->n && (b->p[i] == ' ' || b->p[i] == '\n' || b->p[i] == '\t' || b->p[i] == '\r'))
        i++;
    return i + 1 < b->n && (b->p[i] == '(' || (b->p[i] == ';' && b->p[i + 1] == ';'));
}

void bundle_use_layer(Bundle *b)
{
    const char *program = arg0(b);
    set_func(b, program ? program : "");
    b->kind = BUNDLE_WASM;
}

Error *bundle_check_layer(const Buf *bytes)
{
    return is_wasm(bytes) || engine_is_compiled(bytes->p, bytes->n)
               ? NULL
               : error_new("the layer is not a WebAssembly module or component");
}

/* Its beginning first: the rest of a large file that is something else is not read. */
static Error *use_file(Bundle *b, int fd, const char *label, const char *program)
{
    u8 head[HEAD];
    ssize_t n = pread(fd, head, sizeof head, 0);
    const Buf start = {.p = head, .n = n > 0 ? (usize)n : 0};
    if (!is_wasm(&start) && !is_text(&start) && !engine_is_compiled(start.p, start.n))
        return error_new("`%s` is neither a program that others may execute nor WebAssembly",
                         label);
    Error *e = os_read_fd(fd, label, MAX_MODULE, &b->bytes);
    if (!e) {
        set_func(b, program);
        b->kind = BUNDLE_WASM;
    }
    return e;
}

static bool is_native(int fd, const struct stat *st)
{
    u8 head[64] = {0};
    ssize_t n = pread(fd, head, sizeof head, 0);
    return (st->st_mode & S_IXOTH) && !(n > 0 && engine_is_compiled(head, (usize)n)) &&
           ((n >= 4 && memcmp(head, "\177ELF", 4) == 0) || (n >= 2 && memcmp(head, "#!", 2) == 0));
}

static Error *find_program(Bundle *b, int root, const char *program)
{
    struct stat st;
    Str name = str_of(program);
    int fd = open_program(b, root, name, &st);
    bool native = fd >= 0 && is_native(fd, &st);
    const char *hash = strrchr(program, '#');
    if (fd < 0 && hash) {
        name.n = (usize)(hash - program);
        fd = open_program(b, root, name, &st);
    }
    if (fd < 0)
        return error_new("there is no program `%.*s` in the container: %s", STR_ARG(name),
                         errno == EISDIR ? "not a regular file" : strerror(errno));
    char *label = mem_strdup_n(name.p, name.n);
    b->kind = BUNDLE_NATIVE;
    Error *e = native ? NULL : use_file(b, fd, label, program);
    mem_free(label);
    close(fd);
    return e;
}

Error *bundle_find_program(Bundle *b)
{
    const char *program = arg0(b);
    if (!program || !*program)
        return error_new("the container has no arguments: nothing says what to run");
    int root = open(b->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return error_new("failed to open the root `%s`: %s", b->root, strerror(errno));
    Error *e = find_program(b, root, program);
    close(root);
    return e;
}

/* A copy with the executor in place of the program. */
static json_t *executor_config(const Bundle *b)
{
    json_t *config = json_deep_copy(b->config);
    json_t *process = json_object_get(config, "process");
    json_t *args = json_array();
    json_array_append_new(args, json_string("/proc/self/fd/3"));
    json_array_append_new(args, json_string("--guest"));
    json_array_append_new(args, json_string(b->func));
    json_array_extend(args, process_args(b));
    json_object_set_new(process, "args", args);
    return config;
}

Error *bundle_write_exec(const Bundle *b, const char *file)
{
    json_t *config = executor_config(b);
    char *text = json_dumps(json_object_get(config, "process"), JSON_COMPACT);
    Error *e = text ? os_write_file(file, text, strlen(text))
                    : error_new("the process can not be written");
    mem_free(text);
    json_decref(config);
    return e;
}

char *bundle_wasm_config(const Bundle *b)
{
    json_t *config = executor_config(b);
    json_object_set_new(json_object_get(config, "root"), "path", json_string(b->root));
    char *text = json_dumps(config, JSON_COMPACT);
    json_decref(config);
    if (text)
        reader_show_unlimited(text, strlen(text));
    return text;
}

Error *bundle_write_wasm(const Bundle *b, char **ret_dir)
{
    char *dir = path_in(b->path, "wasm"), *file = path_in(dir, "config.json");
    char *text = bundle_wasm_config(b);
    Error *e = NULL;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        e = error_new("failed to create `%s`: %s", dir, strerror(errno));
    else
        e = text ? os_write_file(file, text, strlen(text))
                 : error_new("the configuration has no text");
    mem_free(text);
    mem_free(file);
    if (e)
        mem_free(dir);
    else
        *ret_dir = dir;
    return e;
}
