/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The shim protocol: flags, `start`, serving, `delete`. containerd takes all that `start` prints on
 * standard output and error for the address, so nothing else is said when it goes well.
 */
#include "shim/start.h"

#include "oci/digest.h"
#include "os/file.h"
#include "os/fs.h"
#include "os/local.h"
#include "shim/create.h"
#include "shim/program.h"
#include "shim/task.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOCKETS "/run/containerd/s"

enum { CONNECT_TRIES = 200, CONNECT_PAUSE = 5000 /* us */, CONNECT_SECONDS = 5, KILLED = 137 };

/* ---- flags ---- */

typedef struct FlagRow {
    const char *name;
    const char **text;
    bool *given;
} FlagRow;

/* Name and value of "-name", "--name", "-name=value"; the next argument where it must be. */
static Error *take_flag(const FlagRow *rows, usize n, int *at, int argc, char **argv)
{
    const char *name = argv[*at] + 1 + (argv[*at][1] == '-');
    Str key = {name, strcspn(name, "=")};
    const char *value = name[key.n] ? name + key.n + 1 : NULL;
    for (usize i = 0; i < n; i++) {
        if (!str_eq(key, str_of(rows[i].name)))
            continue;
        if (rows[i].given) {
            *rows[i].given = !value || strcmp(value, "false") != 0;
            return NULL;
        }
        if (!value && ++*at < argc)
            value = argv[*at];
        if (!value)
            return error_new_kind(ERROR_USAGE, 2, "the flag -%s needs a value", rows[i].name);
        *rows[i].text = value;
        return NULL;
    }
    return error_new_kind(ERROR_USAGE, 2, "unknown flag: %s", argv[*at]);
}

Error *shim_flags_parse(ShimFlags *f, int argc, char **argv)
{
    *f =
        (ShimFlags){.line = argv[0], .ns = "", .id = "", .address = "", .bundle = "", .action = ""};
    for (int i = 0; i < argc && argv[i] == f->line + f->line_size; i++)
        f->line_size += strlen(argv[i]) + 1;
    const FlagRow rows[] = {{"namespace", &f->ns, NULL},
                            {"id", &f->id, NULL},
                            {"address", &f->address, NULL},
                            {"bundle", &f->bundle, NULL},
                            {"socket", &f->socket, NULL},
                            {"debug-socket", &f->debug_socket, NULL},
                            {"publish-binary", &f->publish_binary, NULL},
                            {"debug", NULL, &f->debug},
                            {"v", NULL, &f->version},
                            {"version", NULL, &f->version},
                            {"info", NULL, &f->info}};
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-' && argv[i][1]) {
            Error *e = take_flag(rows, ARRAY_LEN(rows), &i, argc, argv);
            if (e)
                return e;
        } else {
            f->action = argv[i];
        }
    }
    return NULL;
}

static Error *check_flags(const ShimFlags *f)
{
    if (!id_valid(f->id))
        return error_new("the flag -id is not a valid id: `%.300s`", f->id);
    if (!id_valid(f->ns))
        return error_new("the flag -namespace is not a valid namespace: `%.300s`", f->ns);
    return NULL;
}

/* ---- start ---- */

/* The group: the pod, or the container alone. */
static Error *read_group(const ShimFlags *f, char **ret_group)
{
    Bundle b;
    Error *e = bundle_open(&b, ".");
    if (!e) {
        const char *group = bundle_annotation(&b, "io.containerd.runc.v2.group");
        if (!group)
            group = bundle_annotation(&b, "io.kubernetes.cri.sandbox-id");
        group = group && *group ? group : f->id;
        *ret_group = mem_strdup_n(group, strlen(group));
    }
    bundle_release(&b);
    return e;
}

static void socket_path(const ShimFlags *f, const char *group, char *path, usize size)
{
    Buf joined = {0};
    Digest d;
    buf_printf(&joined, "%s/%s/%s", f->address, f->ns, group);
    digest_of(joined.p, joined.n, &d);
    snprintf(path, size, SOCKETS "/%s", d.hex);
    buf_release(&joined);
}

static Error *make_folder(void)
{
    if (mkdir("/run/containerd", 0711) != 0 && errno != EEXIST)
        return error_new("failed to create /run/containerd: %s", strerror(errno));
    if (mkdir(SOCKETS, 0711) != 0 && errno != EEXIST)
        return error_new("failed to create " SOCKETS ": %s", strerror(errno));
    return NULL;
}

static bool somebody_listens(const char *path)
{
    for (int i = 0; i < CONNECT_TRIES; i++) {
        int fd, err = os_local_connect(path, CONNECT_SECONDS, &fd);
        if (!err)
            os_fd_close(fd);
        if (!err || err == ECONNREFUSED) /* a socket that nobody has open any more */
            return !err;
        usleep(CONNECT_PAUSE);
    }
    return false;
}

/* *ret_fd is -1 if another shim listens there. */
static Error *listen_at(const char *path, int *ret_fd)
{
    int fd = -1, err = os_local_listen(path, &fd);
    if (err == EADDRINUSE && somebody_listens(path)) {
        *ret_fd = -1;
        return NULL;
    }
    if (err == EADDRINUSE) {
        unlink(path);
        err = os_local_listen(path, &fd);
    }
    if (err)
        return error_new("failed to listen at `%s`: %s", path, strerror(err));
    *ret_fd = fd;
    return NULL;
}

/* ---- serving ---- */

static void block_child_signal(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* Returns only if it can not. */
static Error *serve(const ShimFlags *f, int listener)
{
    Shim *s = mem_alloc(sizeof *s); /* until the process ends */
    s->executor = -1;
    int fd = fcntl(listener, F_DUPFD_CLOEXEC, MIN_FD);
    if (fd < 0)
        return error_new("out of descriptors");
    close(listener);
    os_local_name(fd, s->socket, sizeof s->socket);
    mallopt(M_ARENA_MAX, 1); /* threads here are many and short, and rarely run at once */
    os_ignore_write_signals();
    signal(SIGTERM, SIG_IGN); /* its end is Shutdown */
    signal(SIGINT, SIG_IGN);
    block_child_signal();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    s->ns = f->ns;
    s->address = f->address;
    shim_log_open(&s->log, f->debug);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->exited, NULL);
    Error *e = children_init(&s->children, shim_exited, s);
    if (!e)
        modules_init(&s->modules, &s->children, &s->log);
    if (!e)
        e = events_init(&s->events, getenv("TTRPC_ADDRESS"), f->ns, &s->log);
    if (e)
        return e;
    program_foresee(s, f->id);
    server_run(&(Server){.fd = fd,
                         .call = task_call,
                         .quick = task_quick,
                         .left = task_left,
                         .idle = task_idle,
                         .ctx = s});
}

/* ---- start, the last step ---- */

/* This shim is less dear to the kernel than containerd, by one. */
static void adjust_oom_score(void)
{
    static const char path[] = "/proc/self/oom_score_adj";
    Buf text = {0}, out = {0};
    Error *e = os_read_file(path, 64, &text);
    if (!e) {
        buf_u8(&text, 0);
        buf_printf(&out, "%ld", MIN(strtol((const char *)text.p, NULL, 10) + 1, 1000));
        e = os_write_file(path, out.p, out.n);
    }
    error_free(e);
    buf_release(&text);
    buf_release(&out);
}

/* What the system shows as this process's command line: what a shim is of, not how it was started.
 * The flags are somewhere else from now on. */
static void show_as_shim(ShimFlags *f)
{
    Buf b = {0};
    f->ns = mem_strdup_n(f->ns, strlen(f->ns));
    f->id = mem_strdup_n(f->id, strlen(f->id));
    f->address = mem_strdup_n(f->address, strlen(f->address));
    const char *const words[] = {"containerd-shim-wasmtime-v1",
                                 "-namespace",
                                 f->ns,
                                 "-id",
                                 f->id,
                                 "-address",
                                 f->address,
                                 "-debug"};
    for (usize i = 0; i < ARRAY_LEN(words) - !f->debug; i++)
        buf_bytes(&b, words[i], strlen(words[i]) + 1);
    if (b.n <= f->line_size) {
        memset(f->line, 0, f->line_size);
        memcpy(f->line, b.p, b.n);
    }
    buf_release(&b);
}

/*
 * The child of `start` goes on as the shim, without a second beginning of the program. Before all
 * else it lets go of containerd's pipes, which reads them to their end.
 */
static Error *become_shim(const ShimFlags *flags, int listener)
{
    ShimFlags f = *flags;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int i = 0; i < 3; i++)
        if (null < 0 || dup2(null, i) < 0)
            return error_new("failed to open /dev/null: %s", strerror(errno));
    close(null);
    setsid();
    adjust_oom_score();
    show_as_shim(&f);
    return serve(&f, listener);
}

static Error *write_address(const char *address)
{
    Error *e = os_write_file(".address", address, strlen(address));
    if (!e && rename(".address", "address") != 0)
        e = error_new("failed to rename to `address`: %s", strerror(errno));
    return e;
}

Error *shim_start(const ShimFlags *f)
{
    char *group = NULL, path[128], address[160];
    int fd = -1;
    pid_t pid = -1;
    Error *e = check_flags(f);
    if (!e)
        e = read_group(f, &group);
    if (!e)
        e = make_folder();
    if (!e) {
        socket_path(f, group, path, sizeof path);
        snprintf(address, sizeof address, "unix://%s", path);
        e = listen_at(path, &fd);
    }
    mem_free(group);
    if (!e)
        e = write_address(address);
    if (!e && fd >= 0) {
        pid = fork();
        if (pid == 0)
            return become_shim(f, fd);
        if (pid < 0)
            e = error_new("failed to start the shim: %s", strerror(errno));
    }
    if (e && fd >= 0)
        unlink(path);
    if (!e && printf("%s\n", address) < 0)
        e = error_new("failed to print the address");
    return e;
}

/* ---- delete ---- */

static void ignore_exit(void *ctx, pid_t pid, int status)
{
    (void)ctx;
    (void)pid;
    (void)status;
}

/* The socket of a shim that was killed. */
static void remove_dead_socket(void)
{
    Buf text = {0};
    Error *e = os_read_file("address", 1024, &text);
    if (!e && str_starts((Str){(char *)text.p, text.n}, STR("unix://" SOCKETS "/"))) {
        int fd;
        buf_u8(&text, 0);
        const char *path = (const char *)text.p + strlen("unix://");
        int err = os_local_connect(path, CONNECT_SECONDS, &fd);
        if (!err)
            os_fd_close(fd);
        else if (err == ECONNREFUSED)
            unlink(path);
    }
    error_free(e);
    buf_release(&text);
}

/* Of a container that no shim has deleted. */
static Error *undo(const ShimFlags *f, const char *bundle)
{
    Children children = {0};
    Container c = {.id = (char *)f->id, .bundle = (char *)bundle};
    Buf root = {0};
    buf_printf(&root, "%s/rootfs", bundle);
    c.root = buf_take_string(&root);
    block_child_signal();
    Error *e = children_init(&children, ignore_exit, NULL);
    if (!e)
        e = runtime_init(&c.runtime, &children, f->ns, NULL);
    if (!e) {
        runtime_load(&c.runtime, bundle, f->id);
        container_read_groups(&c);
        (void)container_destroy(&c);
    }
    runtime_release(&c.runtime);
    mem_free(c.asked_cgroup);
    mem_free(c.root);
    return e;
}

static Error *print_killed(void)
{
    Pb__DeleteReply r = PB__DELETE_REPLY__INIT;
    Pb__Timestamp now = timestamp_now();
    Buf out = {0};
    r.exit_status = KILLED;
    r.exited_at = &now;
    message_put(&out, &r.base);
    bool ok = fwrite(out.p, 1, out.n, stdout) == out.n;
    buf_release(&out);
    return ok ? NULL : error_new("failed to print the answer");
}

Error *shim_delete(const ShimFlags *f)
{
    Error *e = check_flags(f);
    char *cwd = e ? NULL : getcwd(NULL, 0);
    const char *bundle = *f->bundle ? f->bundle : cwd;
    if (!e && !bundle)
        e = error_new("no bundle: %s", strerror(errno));
    if (!e && !runtime_forgotten(bundle))
        e = undo(f, bundle);
    if (!e) {
        remove_dead_socket();
        e = print_killed();
    }
    free(cwd);
    return e;
}
