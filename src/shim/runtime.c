/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Command lines of the runtime. Its standard error is the container's, so what went wrong is read
 * from its log file; a container's first process is made by create and start, never run, since then
 * no exit can be missed.
 */
#include "shim/runtime.h"

#include "os/file.h"
#include "sandbox/sandbox.h"
#include "shim/ttrpc.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_ROOT "/run/containerd/wasmtime"

enum { MAX_LOG = 1 << 20, MAX_OPTIONS = 65536, MAX_WORDS = 24, MAX_RESOURCES = 1 << 20 };

/* SystemdCgroup = true, in the TOML of the runtime's options in containerd's configuration. */
static bool toml_says_systemd(Str text)
{
    while (text.n > 0) {
        const char *stop = memchr(text.p, '\n', text.n);
        Str line = {text.p, stop ? (usize)(stop - text.p) : text.n};
        usize used = line.n + (stop != NULL);
        text = (Str){text.p + used, text.n - used};
        const char *eq = memchr(line.p, '=', line.n);
        if (!eq)
            continue;
        Str key = str_trim((Str){line.p, (usize)(eq - line.p)});
        Str value = str_trim((Str){eq + 1, line.n - (usize)(eq - line.p) - 1});
        if (str_eq(key, STR("SystemdCgroup")) || str_eq(key, STR("systemd_cgroup")))
            return str_starts(value, STR("true"));
    }
    return false;
}

static void set_root(Runtime *r, const char *root, const char *ns)
{
    Buf b = {0};
    buf_printf(&b, "%s/%s", *root ? root : DEFAULT_ROOT, ns);
    mem_free(r->root);
    r->root = buf_take_string(&b);
}

static Error *read_options(Runtime *r, const char *ns, const Pb__Any *any)
{
    Str type = str_of(any->type_url);
    const u8 *p = any->value.data;
    usize n = any->value.len;
    if (str_eq(type, STR("runtimeoptions.v1.Options"))) {
        Pb__CriOptions *o = message_get(&pb__cri_options__descriptor, p, n);
        if (!o)
            return error_new("the runtime's options are not a message");
        r->systemd_cgroup =
            toml_says_systemd((Str){(const char *)o->config_body.data, o->config_body.len});
        protobuf_c_message_free_unpacked(&o->base, NULL);
    } else if (str_eq(type, STR("containerd.runc.v1.Options"))) {
        Pb__RuncOptions *o = message_get(&pb__runc_options__descriptor, p, n);
        if (!o)
            return error_new("the runtime's options are not a message");
        r->systemd_cgroup = o->systemd_cgroup;
        r->no_pivot = o->no_pivot_root;
        set_root(r, o->root, ns);
        protobuf_c_message_free_unpacked(&o->base, NULL);
    }
    return NULL;
}

Error *runtime_init(Runtime *r, Children *children, const char *ns, const Pb__Any *options)
{
    *r = (Runtime){.children = children, .hold = -1};
    set_root(r, "", ns);
    return options ? read_options(r, ns, options) : NULL;
}

void runtime_release(Runtime *r)
{
    mem_free(r->root);
    mem_free(r->cgroup);
    if (r->hold >= 0)
        close(r->hold);
}

static char *path_in(const char *dir, const char *name)
{
    Buf b = {0};
    buf_printf(&b, "%s/%s", dir, name);
    return buf_take_string(&b);
}

Error *runtime_save(const Runtime *r, const char *bundle)
{
    json_t *o = json_pack("{s:s, s:b}", "root", r->root, "systemd_cgroup", r->systemd_cgroup);
    char *path = path_in(bundle, "options.json");
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    Error *e = text ? os_write_file(path, text, strlen(text))
                    : error_new("the runtime's root `%s` is not UTF-8", r->root);
    free(text);
    json_decref(o);
    mem_free(path);
    return e;
}

void runtime_forget(const char *bundle)
{
    char *path = path_in(bundle, "options.json");
    unlink(path);
    mem_free(path);
}

/* Of a bundle that is not there nothing is known. */
bool runtime_forgotten(const char *bundle)
{
    char *path = path_in(bundle, "options.json"), *config = path_in(bundle, "config.json");
    bool gone = access(config, F_OK) == 0 && access(path, F_OK) != 0 && errno == ENOENT;
    mem_free(path);
    mem_free(config);
    return gone;
}

char *runtime_state(const Runtime *r, const char *id)
{
    return path_in(r->root, id);
}

void runtime_load(Runtime *r, const char *bundle, const char *id)
{
    char *path = path_in(bundle, "options.json");
    Buf text = {0};
    Error *e = os_read_file(path, MAX_OPTIONS, &text);
    json_t *o = e ? NULL : json_loadb((const char *)text.p, text.n, 0, NULL);
    const char *root = json_string_value(json_object_get(o, "root"));
    if (root) {
        mem_free(r->root);
        r->root = mem_strdup_n(root, strlen(root));
        r->systemd_cgroup = json_is_true(json_object_get(o, "systemd_cgroup"));
    }
    json_decref(o);
    buf_release(&text);
    error_free(e);
    mem_free(path);
    char *state = runtime_state(r, id);
    r->cgroup = sandbox_find(state);
    mem_free(state);
}

/* The last message of level error in the log, own; NULL if there is none. */
static char *logged_error(const char *path)
{
    Buf text = {0};
    Error *e = os_read_file(path, MAX_LOG, &text);
    char *message = NULL;
    for (usize at = 0; !e && at < text.n;) {
        const u8 *end = memchr(text.p + at, '\n', text.n - at);
        usize n = end ? (usize)(end - text.p) - at : text.n - at;
        json_t *line = json_loadb((const char *)text.p + at, n, 0, NULL);
        const char *level = json_string_value(json_object_get(line, "level"));
        const char *msg = json_string_value(json_object_get(line, "msg"));
        if (msg && level && (strcmp(level, "error") == 0 || strcmp(level, "fatal") == 0)) {
            mem_free(message);
            message = mem_strdup_n(msg, strlen(msg));
        }
        json_decref(line);
        at += n + 1;
    }
    error_free(e);
    buf_release(&text);
    return message;
}

typedef struct Words {
    const char *w[MAX_WORDS];
    usize n;
    char *log;  /* own */
    bool makes; /* a container: of no use when nobody waits for it */
} Words;

static void put(Words *words, const char *w)
{
    ALWAYS(words->n + 1 < MAX_WORDS);
    words->w[words->n++] = w;
}

/* A containerd that has given up has removed the bundle, maybe; what was made has to go then, too.
 */
static void put_start(Words *words, const Runtime *r, const char *bundle)
{
    put(words, "runc");
    put(words, "--root");
    put(words, r->root);
    if (access(bundle, F_OK) == 0) {
        words->log = path_in(bundle, "runtime.log");
        unlink(words->log);
        put(words, "--log");
        put(words, words->log);
        put(words, "--log-format");
        put(words, "json");
    }
    if (r->systemd_cgroup)
        put(words, "--systemd-cgroup");
}

/* What makes a container must not go on after a shim that was killed: containerd has cleaned up by
 * then. */
static void bind_words(const Words *words, const char *bound[MAX_WORDS + 3], char pid[16])
{
    snprintf(pid, 16, "%d", (int)getpid());
    bound[0] = "/proc/self/exe";
    bound[1] = "--with-parent";
    bound[2] = pid;
    memcpy(bound + 3, words->w, sizeof words->w);
}

static Error *run(Runtime *r, Words *words, const char *dir, const RuntimeIo *io)
{
    const char *bound[MAX_WORDS + 3];
    char pid[16];
    ChildSpec spec = {.argv = words->w, .dir = words->log ? dir : "/", .fds = {-1, -1, -1, -1, -1}};
    if (words->makes) {
        spec.abandoned = r->abandoned;
        spec.argv = bound;
        bind_words(words, bound, pid);
    }
    if (io) {
        memcpy(spec.fds, io->fds, sizeof spec.fds);
        spec.hold_signals = io->fds[3] >= 0; /* the executor takes them; native programs do not */
    }
    int status;
    Error *e = children_run(r->children, &spec, &status);
    if (!e && status != 0) {
        char *why = words->log ? logged_error(words->log) : NULL;
        if (why)
            e = error_new("%s", why);
        else if (words->makes && WEXITSTATUS(status) == EXIT_NO_COMMAND)
            e = error_new("failed to run `runc`: is it in the PATH of containerd?");
        else if (WIFSIGNALED(status))
            e = error_new("runc was ended by signal %d", WTERMSIG(status));
        else
            e = error_new("runc ended with exit code %d", WEXITSTATUS(status));
        mem_free(why);
    }
    mem_free(words->log);
    return e;
}

static Error *read_pid(const char *path, pid_t *ret_pid)
{
    Buf text = {0};
    Error *e = os_read_file(path, 64, &text);
    if (e)
        return error_wrap(e, "the runtime wrote no process id to `%s`", path);
    buf_u8(&text, 0);
    char *end;
    errno = 0;
    long pid = strtol((const char *)text.p, &end, 10);
    if (errno || end == (const char *)text.p || pid <= 0 || pid > INT_MAX)
        e = error_new("`%s` is not a process id", path);
    else
        *ret_pid = (pid_t)pid;
    buf_release(&text);
    return e;
}

static Error *run_with_pid(Runtime *r, Words *words, const char *dir, const char *pid_file,
                           const RuntimeIo *io, pid_t *ret_pid)
{
    unlink(pid_file);
    Error *e = run(r, words, dir, io);
    return e ? e : read_pid(pid_file, ret_pid);
}

Error *runtime_create(Runtime *r, const char *id, const char *bundle, const char *config_dir,
                      const RuntimeIo *io, pid_t *ret_pid)
{
    Words words = {0};
    char *pid_file = path_in(bundle, "init.pid");
    put_start(&words, r, bundle);
    words.makes = true;
    put(&words, "create");
    put(&words, "--bundle");
    put(&words, config_dir);
    put(&words, "--pid-file");
    put(&words, pid_file);
    if (io->console) {
        put(&words, "--console-socket");
        put(&words, io->console);
    }
    if (io->fds[3] >= 0) {
        put(&words, "--preserve-fds");
        put(&words, "2");
    }
    if (r->no_pivot)
        put(&words, "--no-pivot");
    put(&words, id);
    Error *e = run_with_pid(r, &words, config_dir, pid_file, io, ret_pid);
    mem_free(pid_file);
    return e;
}

Error *runtime_exec(Runtime *r, const char *id, const char *bundle, const char *spec,
                    const RuntimeIo *io, pid_t *ret_pid)
{
    Words words = {0};
    Buf pid = {0};
    buf_printf(&pid, "%s.pid", spec);
    char *pid_file = buf_take_string(&pid);
    put_start(&words, r, bundle);
    put(&words, "exec");
    put(&words, "--process");
    put(&words, spec);
    put(&words, "--detach");
    if (io->fds[3] >= 0) {
        put(&words, "--preserve-fds");
        put(&words, "2");
    }
    put(&words, "--pid-file");
    put(&words, pid_file);
    if (io->console) {
        put(&words, "--console-socket");
        put(&words, io->console);
    }
    put(&words, id);
    Error *e = run_with_pid(r, &words, bundle, pid_file, io, ret_pid);
    unlink(pid_file);
    mem_free(pid_file);
    return e;
}

/* The runtime makes this folder before all else, and removes it last. */
bool runtime_has(const Runtime *r, const char *id)
{
    char *path = runtime_state(r, id);
    bool there = r->cgroup || access(path, F_OK) == 0;
    mem_free(path);
    return there;
}

static Error *delete_own(const Runtime *r, const char *id)
{
    char *state = runtime_state(r, id);
    Error *e = sandbox_delete(state, r->cgroup);
    mem_free(state);
    return e;
}

static Error *do_own(Runtime *r, const char *id, const char *verb, const char *last)
{
    if (strcmp(verb, "start") == 0) {
        int hold = r->hold;
        r->hold = -1;
        return sandbox_start(hold);
    }
    if (strcmp(verb, "kill") == 0)
        return sandbox_signal(r->cgroup, (int)strtol(last, NULL, 10));
    if (strcmp(verb, "delete") == 0)
        return delete_own(r, id);
    return sandbox_freeze(r->cgroup, strcmp(verb, "pause") == 0);
}

Error *runtime_do(Runtime *r, const char *bundle, const char *verb, const char *option,
                  const char *id, const char *last)
{
    if (r->cgroup)
        return do_own(r, id, verb, last);
    Words words = {0};
    put_start(&words, r, bundle);
    put(&words, verb);
    if (option)
        put(&words, option);
    put(&words, id);
    if (last)
        put(&words, last);
    return run(r, &words, bundle, NULL);
}

Error *runtime_update(Runtime *r, const char *bundle, const char *id, const char *file)
{
    if (r->cgroup) {
        Buf text = {0};
        Error *e = os_read_file(file, MAX_RESOURCES, &text);
        if (!e)
            e = sandbox_update(r->cgroup, text.p, text.n);
        buf_release(&text);
        return e;
    }
    Words words = {0};
    put_start(&words, r, bundle);
    put(&words, "update");
    put(&words, "--resources");
    put(&words, file);
    put(&words, id);
    return run(r, &words, bundle, NULL);
}
