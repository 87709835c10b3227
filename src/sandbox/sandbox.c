/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The parent's side: control group, clone, and the pipe on which the child says what failed. The
 * pipe ends when the child has become the program.
 */
#include "sandbox/sandbox.h"

#include "os/file.h"
#include "os/folder.h"
#include "os/fs.h"
#include "sandbox/cgroup.h"
#include "sandbox/inside.h"

#include <errno.h>
#include <stdlib.h>

enum { MAX_STATE = 65536 };

/* ---- state ---- */

static char *state_path(const char *state)
{
    Buf b = {0};
    buf_printf(&b, "%s/sandbox.json", state);
    return buf_take_string(&b);
}

/* With those above it, which are there for all. */
static Error *make_state(const char *state)
{
    Error *e = NULL;
    for (usize at = 1; state[at] && !e; at++) {
        if (state[at] != '/')
            continue;
        char *path = mem_strdup_n(state, at);
        e = os_make_folder(path, 0711);
        mem_free(path);
    }
    if (!e && os_is_folder(state))
        e = error_new("there is a container with the state `%s`", state);
    return e ? e : os_make_folder(state, 0700);
}

static Error *save_state(const char *state, const char *cgroup)
{
    char *path = state_path(state);
    json_t *o = json_pack("{s:s}", "cgroup", cgroup);
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    Error *e = text ? os_write_file(path, text, strlen(text))
                    : error_new("the control group `%s` is not UTF-8", cgroup);
    free(text);
    json_decref(o);
    mem_free(path);
    return e;
}

static void remove_state(const char *state)
{
    char *path = state_path(state);
    os_remove_path(path);
    os_remove_folder(state);
    mem_free(path);
}

char *sandbox_find(const char *state)
{
    Buf text = {0};
    char *path = state_path(state), *cgroup = NULL;
    Error *e = os_read_file(path, MAX_STATE, &text);
    json_t *o = e ? NULL : json_loadb((const char *)text.p, text.n, 0, NULL);
    const char *found = json_string_value(json_object_get(o, "cgroup"));
    if (found && cgroup_path_valid(found))
        cgroup = mem_strdup_n(found, strlen(found));
    json_decref(o);
    buf_release(&text);
    error_free(e);
    mem_free(path);
    return cgroup;
}

/* ---- making ---- */

typedef struct Maker {
    const Plan *plan;
    Cgroups groups;
    Inside in;
    InsideGroup *shown; /* own */
    char **joins;       /* own */
    char *keyring;      /* own */
    Arena arena;
    int report;      /* the reading end */
    int hold;        /* the writing end */
    int cgroup;      /* a handle on the group's folder of version 2, -1: there is none */
    int theirs;      /* the child's end of what holds it */
    int consoles[2]; /* a socket for a terminal: ours, the child's */
} Maker;

static bool shows_groups(const Plan *p)
{
    for (u32 i = 0; i < p->nmounts; i++)
        if (p->mounts[i].kind == PLAN_MOUNT_CGROUP)
            return true;
    return false;
}

/* "cpu,cpuacct": a flag each; "name=systemd": one with a value. */
static void describe_group(Maker *m, InsideGroup *g, const CgroupTree *t)
{
    Buf path = {0};
    buf_printf(&path, "%s%s", t->dir, m->plan->cgroup);
    const char *slash = strrchr(t->dir, '/');
    g->path = arena_strdup(&m->arena, (Str){(const char *)path.p, path.n});
    g->name = slash + 1;
    g->source = strchr(t->controllers, '=') ? strchr(t->controllers, '=') + 1 : "cgroup";
    buf_release(&path);
    for (const char *p = t->controllers; *p && g->nparams < PLAN_PARAMS; p += *p == ',') {
        usize n = strcspn(p, ","), key = strcspn(p, "=,");
        OsMountParam param = {arena_strdup(&m->arena, (Str){p, key}), NULL};
        if (key < n)
            param.value = arena_strdup(&m->arena, (Str){p + key + 1, n - key - 1});
        else if (n < strlen(t->controllers))
            g->links[g->nlinks++] = param.key;
        g->params[g->nparams++] = param;
        p += n;
    }
}

static void describe_groups(Maker *m)
{
    m->shown = mem_alloc_array(m->groups.trees.n, sizeof *m->shown);
    for (u32 i = 0; i < m->groups.trees.n; i++)
        if (*m->groups.trees.p[i].controllers)
            describe_group(m, &m->shown[m->in.ngroup_mounts++], &m->groups.trees.p[i]);
    m->in.group_mounts = m->shown;
}

static Error *open_joins(Maker *m)
{
    for (u32 i = 0; i < m->plan->njoins; i++) {
        const PlanJoin *j = &m->plan->joins[i];
        u32 kind = 0;
        int why = os_open_namespace(j->path, &kind, &m->in.joins[i]);
        if (why)
            return error_new("failed to open the namespace `%s`: %s", j->path, strerror(why));
        if (kind != j->namespace)
            return error_new("`%s` is a namespace of another kind", j->path);
    }
    return NULL;
}

static Error *open_pipes(Maker *m)
{
    int report[2] = {-1, -1};
    int why = os_pipe(report);
    m->report = report[0];
    m->in.report = report[1];
    if (!why && m->plan->process.terminal)
        why = os_terminal_socket(m->consoles);
    m->in.console = m->consoles[1];
    return why ? error_new("failed to make a pipe: %s", strerror(why)) : NULL;
}

static Error *open_hold(Maker *m, SandboxProgram *program)
{
    int hold[2];
    int why = os_pipe(hold);
    if (why)
        return error_new("failed to make a pipe: %s", strerror(why));
    m->hold = hold[1];
    m->theirs = hold[0];
    if (program->fd >= 0)
        program->fds[SANDBOX_HELD_FD] = hold[0];
    else
        m->in.held = hold[0];
    return NULL;
}

static Error *open_cgroup(Maker *m)
{
    char *path = cgroup_folder(&m->groups, m->plan->cgroup);
    int why = path ? os_open_dir(path, &m->cgroup) : 0;
    Error *e = why ? error_new("failed to open `%s`: %s", path, strerror(why)) : NULL;
    mem_free(path);
    return e;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        os_fd_close(*fd);
    *fd = -1;
}

/* A pid namespace that exists is where this thread's next child begins. */
static int clone_inside(const Maker *m, pid_t *ret_pid)
{
    int own = -1, why = 0;
    if (m->in.enter >= 0) {
        why = os_open_pid_namespace(&own);
        if (!why)
            why = os_join_namespaces_of(m->in.enter, OS_NS_PID);
    }
    for (u32 i = 0; m->in.enter < 0 && i < m->plan->njoins && !why; i++) {
        if (m->plan->joins[i].namespace != OS_NS_PID)
            continue;
        why = os_open_pid_namespace(&own);
        if (!why)
            why = os_join_namespace(m->in.joins[i], OS_NS_PID);
    }
    if (!why)
        why = os_clone(m->in.enter < 0 ? m->plan->new_namespaces & ~(u32)OS_NS_CGROUP : 0,
                       m->cgroup, ret_pid);
    if (own >= 0 && (why || *ret_pid != 0)) {
        ALWAYS(os_join_namespace(own, OS_NS_PID) == 0);
        os_fd_close(own);
    }
    return why;
}

/* Waits until it has begun the program. */
static Error *await_program(const Maker *m)
{
    InsideReport r;
    usize n = 0;
    int why;
    do {
        why = os_fd_read(m->report, &r, sizeof r, &n);
    } while (why == EINTR);
    if (why)
        return error_new("failed to hear from the container: %s", strerror(why));
    if (n == 0)
        return NULL;
    if (n == sizeof r && r.error == 0)
        return NULL;
    if (n != sizeof r)
        return error_new("the container's first process ended early");
    char *text = inside_failure(&m->in, &r);
    Error *e = error_new("%s", text);
    mem_free(text);
    return e;
}

static Error *clone_and_wait(Maker *m, SandboxMade *made)
{
    pid_t pid;
    int why = clone_inside(m, &pid);
    if (!why && pid == 0)
        inside_run(&m->in);
    close_fd(&m->in.report);
    close_fd(&m->theirs);
    close_fd(&m->consoles[1]);
    if (why)
        return error_new("failed to make a process in namespaces: %s", strerror(why));
    Error *e = await_program(m);
    if (!e && m->plan->process.terminal && (why = os_receive_fd(m->consoles[0], &made->console)))
        e = error_new("the container sent no terminal: %s", strerror(why));
    if (!e)
        made->pid = pid;
    return e;
}

/* What both kinds of processes have. */
static Error *prepare(Maker *m, const char *id, const SandboxProgram *program)
{
    Buf keyring = {0};
    buf_printf(&keyring, "_ses.%s", id);
    m->keyring = buf_take_string(&keyring);
    m->joins = cgroup_joins(&m->groups, m->plan->cgroup);
    m->in.plan = m->plan;
    m->in.keyring = m->keyring;
    m->in.groups = m->joins;
    m->in.unified = m->groups.unified;
    m->in.argv = program->argv;
    m->in.blocked = program->blocked;
    m->in.program = program->fd;
    m->in.fds = program->fds;
    m->in.nfds = program->nfds;
    Error *e = open_cgroup(m);
    return e ? e : open_pipes(m);
}

static Error *make_process(Maker *m, const char *id, SandboxProgram *program, SandboxMade *made)
{
    if (shows_groups(m->plan))
        describe_groups(m);
    Error *e = prepare(m, id, program);
    if (!e)
        e = open_joins(m);
    if (!e)
        e = open_hold(m, program);
    return e ? e : clone_and_wait(m, made);
}

static void maker_init(Maker *m, const Plan *p)
{
    *m = (Maker){
        .plan = p, .report = -1, .hold = -1, .cgroup = -1, .theirs = -1, .consoles = {-1, -1}};
    arena_init(&m->arena);
    m->in.held = m->in.enter = m->in.tty = m->in.report = m->in.console = -1;
    for (u32 i = 0; i < ARRAY_LEN(m->in.joins); i++)
        m->in.joins[i] = -1;
}

static void maker_release(Maker *m)
{
    for (u32 i = 0; i < ARRAY_LEN(m->in.joins); i++)
        close_fd(&m->in.joins[i]);
    close_fd(&m->report);
    close_fd(&m->in.report);
    close_fd(&m->hold);
    close_fd(&m->theirs);
    close_fd(&m->cgroup);
    close_fd(&m->consoles[0]);
    close_fd(&m->consoles[1]);
    mem_free(m->shown);
    cgroup_joins_free(m->joins);
    mem_free(m->keyring);
    arena_release(&m->arena);
    cgroups_release(&m->groups);
}

Error *sandbox_create(const Plan *p, const char *id, const char *state, SandboxProgram *program,
                      SandboxMade *ret_made)
{
    Maker m;
    SandboxMade made = {.hold = -1, .console = -1};
    Error *e = make_state(state);
    if (e)
        return e;
    maker_init(&m, p);
    e = save_state(state, p->cgroup);
    if (!e)
        e = cgroups_init(&m.groups);
    if (!e)
        e = cgroup_make(&m.groups, p->cgroup);
    if (!e)
        e = cgroup_set(&m.groups, p->cgroup, &p->resources);
    if (!e)
        e = make_process(&m, id, program, &made);
    if (!e) {
        made.hold = m.hold;
        m.hold = -1;
        *ret_made = made;
    }
    maker_release(&m);
    if (e)
        error_free(sandbox_delete(state, p->cgroup));
    return e;
}

Error *sandbox_exec(const Plan *p, const char *id, int init, SandboxProgram *program,
                    SandboxMade *ret_made)
{
    Maker m;
    SandboxMade made = {.hold = -1, .console = -1};
    maker_init(&m, p);
    m.in.enter = init;
    Error *e = cgroups_init(&m.groups);
    if (!e)
        e = prepare(&m, id, program);
    if (!e)
        e = clone_and_wait(&m, &made);
    if (!e)
        *ret_made = made;
    maker_release(&m);
    return e;
}

char *sandbox_refuses(const Plan *p)
{
    Cgroups groups;
    Buf why = {0};
    Error *e = cgroups_init(&groups);
    if (!os_mount_supported())
        buf_printf(&why, "this kernel does not mount by descriptor");
    else if (e)
        buf_printf(&why, "%s", e->message);
    else if (cgroup_exists(&groups, p->cgroup))
        buf_printf(&why, "the control group `%s` is there already", p->cgroup);
    else if (groups.unified && shows_groups(p) && !(p->new_namespaces & OS_NS_CGROUP))
        buf_printf(&why, "control groups are mounted without a namespace of their own");
    error_free(e);
    cgroups_release(&groups);
    return why.n ? buf_take_string(&why) : NULL;
}

Error *sandbox_start(int hold)
{
    usize n;
    int why = os_fd_write(hold, "", 1, &n);
    os_fd_close(hold);
    return why ? error_new("the container's program is gone: %s", strerror(why)) : NULL;
}

/* ---- what runs ---- */

Error *sandbox_delete(const char *state, const char *cgroup)
{
    Cgroups groups;
    Error *e = cgroups_init(&groups);
    if (!e)
        e = cgroup_remove(&groups, cgroup);
    if (!e)
        remove_state(state);
    cgroups_release(&groups);
    return e;
}

Error *sandbox_freeze(const char *cgroup, bool on)
{
    Cgroups groups;
    Error *e = cgroups_init(&groups);
    if (!e)
        e = cgroup_freeze(&groups, cgroup, on);
    cgroups_release(&groups);
    return e;
}

Error *sandbox_signal(const char *cgroup, int signal)
{
    Cgroups groups;
    Error *e = cgroups_init(&groups);
    if (!e)
        cgroup_signal(&groups, cgroup, signal);
    cgroups_release(&groups);
    return e;
}

Error *sandbox_update(const char *cgroup, const void *text, usize n)
{
    Arena arena;
    Resources res;
    Cgroups groups = {0};
    Error *e = NULL;
    arena_init(&arena);
    Reader r = {.arena = &arena};
    json_t *v = json_loadb(text, n, 0, NULL);
    if (!json_is_object(v))
        reader_refuse(&r, "resources", "not a JSON object");
    else
        resources_read(&r, v, "resources", &res);
    if (r.why)
        e = error_new("%s", r.why);
    if (!e)
        e = cgroups_init(&groups);
    if (!e && groups.unified && res.ndevices > 0)
        e = error_new("the devices of a container stay as they are");
    if (!e)
        e = cgroup_set(&groups, cgroup, &res);
    cgroups_release(&groups);
    json_decref(v);
    mem_free(r.why);
    arena_release(&arena);
    return e;
}
