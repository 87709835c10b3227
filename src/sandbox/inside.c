/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The steps of steps.def, in the order of the OCI runtimes: what needs the host's files, then the
 * change of the root, then what the root's own files show, last all that takes rights away.
 *
 * Nothing of the container's root is trusted: each path in it is resolved inside of it, what is
 * mounted goes where a descriptor is, and a device that masks is looked at before.
 */
#include "sandbox/inside.h"

#include "os/fs.h"

#include <errno.h>

enum { MAX_PATH = 4096, MAX_NAME = 256 };

#define TRY(call)                                                                                  \
    do {                                                                                           \
        int error_ = (call);                                                                       \
        if (error_)                                                                                \
            return error_;                                                                         \
    } while (0)

/* ---- the process ---- */

static int begin(Inside *in)
{
    TRY(os_die_with_parent(true));
    TRY(os_set_dumpable(false));
    os_reset_signals(in->blocked);
    TRY(os_new_session());
    int error = os_new_keyring(in->keyring);
    os_set_umask(0);
    return error == ENOSYS || error == EDQUOT ? 0 : error;
}

static int join_groups(Inside *in)
{
    for (in->item = 0; in->groups[in->item]; in->item++)
        TRY(os_put_file(-1, in->groups[in->item], "0"));
    return 0;
}

static int join_namespaces(Inside *in)
{
    const Plan *p = in->plan;
    for (in->item = 0; in->item < p->njoins; in->item++) {
        const PlanJoin *j = &p->joins[in->item];
        if (j->namespace != OS_NS_PID) /* begun in that one */
            TRY(os_join_namespace(in->joins[in->item], j->namespace));
    }
    return 0;
}

/* Its root is where this process is now. */
static int make_namespaces(Inside *in)
{
    return in->plan->new_namespaces & OS_NS_CGROUP ? os_new_namespaces(OS_NS_CGROUP) : 0;
}

/* The pid namespace is where it was begun. */
static int enter_namespaces(Inside *in)
{
    TRY(os_join_namespaces_of(in->enter,
                              OS_NS_MOUNT | OS_NS_UTS | OS_NS_IPC | OS_NS_NETWORK | OS_NS_CGROUP));
    return os_open_handle("/", &in->root);
}

static int set_oom_score(Inside *in)
{
    const char *score = in->plan->process.oom_score;
    return score ? os_put_file(-1, "/proc/self/oom_score_adj", score) : 0;
}

static int raise_loopback(Inside *in)
{
    return in->plan->new_namespaces & OS_NS_NETWORK ? os_loopback_up() : 0;
}

/* ---- paths of the root ---- */

static int make_missing(int parent, const char *name, bool folder)
{
    int error = folder ? os_make_dir(parent, name, 0755) : os_make_file(parent, name, 0755);
    return error == EEXIST ? ELOOP : error; /* a link to nothing */
}

/* Opens what is at the first n bytes of the path, or makes it in its parent. */
static int open_level(Inside *in, const char *path, usize n, int parent, bool folder, int *ret_fd)
{
    char prefix[MAX_PATH], name[MAX_NAME];
    usize start = n;
    while (start > 0 && path[start - 1] != '/')
        start--;
    if (n >= sizeof prefix || n - start >= sizeof name)
        return ENAMETOOLONG;
    memcpy(prefix, path, n);
    prefix[n] = 0;
    memcpy(name, path + start, n - start);
    name[n - start] = 0;
    int error = os_open_in_root(in->root, prefix, false, ret_fd);
    if (error != ENOENT)
        return error;
    TRY(make_missing(parent, name, folder));
    return os_open_in_root(in->root, prefix, false, ret_fd);
}

/* A handle on the path; folders that are not there are made, and so is it, a folder or a file. */
static int open_or_make(Inside *in, const char *path, bool folder, int *ret_fd)
{
    if (os_open_in_root(in->root, path, false, ret_fd) == 0)
        return 0;
    int parent = in->root, error = 0;
    for (usize at = 0; path[at] && !error;) {
        usize end = at + strspn(path + at, "/");
        end += strcspn(path + end, "/");
        bool last = path[end + strspn(path + end, "/")] == 0;
        int fd = -1;
        error = open_level(in, path, end, parent, !last || folder, &fd);
        if (parent != in->root)
            os_fd_close(parent);
        parent = fd;
        at = last ? strlen(path) : end;
    }
    if (error)
        return error;
    if (parent == in->root)
        return EINVAL;
    *ret_fd = parent;
    return 0;
}

/* The folder of the path, and the name in it. */
static int open_parent(Inside *in, const char *path, int *ret_fd, const char **ret_name)
{
    char parent[MAX_PATH];
    usize n = strlen(path);
    while (n > 0 && path[n - 1] != '/')
        n--;
    if (n >= sizeof parent || !path[n])
        return EINVAL;
    memcpy(parent, path, n);
    parent[n] = 0;
    *ret_name = path + n;
    while (n > 1 && parent[n - 1] == '/')
        parent[--n] = 0;
    if (n == 1)
        return os_open_in_root(in->root, "/", true, ret_fd);
    return open_or_make(in, parent, true, ret_fd);
}

/* ---- mounts ---- */

static int make_root(Inside *in)
{
    const Plan *p = in->plan;
    TRY(os_mount_separate(p->root_propagation == OS_PROPAGATION_SLAVE));
    TRY(os_mount_clone(-1, p->root, true, &in->root));
    return os_mount_attach_at(in->root, p->root);
}

/* Nothing goes over files of the kernel's own: what is protected or written there later would be
 * something else. */
static int attach(const PlanMount *m, int mount, int target)
{
    if (os_fs_kind(target) == OS_FS_PROC)
        return EPERM;
    TRY(os_mount_attach(mount, target));
    return m->propagation ? os_mount_propagate(mount, m->propagation, m->propagation_recursive) : 0;
}

static void octal(u32 mode, char text[8])
{
    for (int i = 0; i < 5; i++)
        text[i] = (char)('0' + (mode >> (3 * (4 - i)) & 7));
    text[5] = 0;
}

static int mount_new(Inside *in, const PlanMount *m)
{
    int target, mount;
    u32 mode;
    char text[8];
    OsMountParam params[PLAN_PARAMS];
    u32 n = m->nparams;
    memcpy(params, m->params, sizeof params);
    int error = os_open_in_root(in->root, m->target, false, &target);
    if (!error && m->mode_of_target && os_mode_of(target, &mode) == 0) {
        octal(mode, text);
        params[n++] = (OsMountParam){"mode", text};
    }
    if (error == ENOENT)
        error = open_or_make(in, m->target, true, &target);
    if (!error && m->plain_target) {
        os_fd_close(target);
        error = os_open_without_links(in->root, m->target, &target);
    }
    TRY(error);
    error = os_mount_new(m->type, m->source, params, n, m->set, &mount);
    if (!error) {
        error = attach(m, mount, target);
        os_fd_close(mount);
    }
    os_fd_close(target);
    return error;
}

static int mount_bind_at(Inside *in, const PlanMount *m, int tree)
{
    int target;
    if (m->set | m->clear)
        TRY(os_mount_set(tree, m->set, m->clear));
    TRY(open_or_make(in, m->target, os_is_dir(tree), &target));
    int error = attach(m, tree, target);
    os_fd_close(target);
    return error;
}

static int mount_bind(Inside *in, const PlanMount *m)
{
    int tree;
    TRY(os_mount_clone(-1, m->source, m->recursive, &tree));
    int error = mount_bind_at(in, m, tree);
    os_fd_close(tree);
    return error;
}

/* A hierarchy as this namespace sees it, or the container's part of it. */
static int open_group(Inside *in, const InsideGroup *g, u32 set, int *ret_mount)
{
    if (in->plan->new_namespaces & OS_NS_CGROUP)
        return os_mount_new("cgroup", g->source, g->params, g->nparams, set, ret_mount);
    TRY(os_mount_clone(-1, g->path, true, ret_mount));
    return os_mount_set(*ret_mount, set, 0);
}

static int mount_group(Inside *in, const InsideGroup *g, int folder, u32 set)
{
    int mount, target;
    TRY(os_make_dir(folder, g->name, 0755));
    TRY(os_open_in_root(folder, g->name, true, &target));
    int error = open_group(in, g, set, &mount);
    if (!error) {
        error = os_mount_attach(mount, target);
        os_fd_close(mount);
    }
    os_fd_close(target);
    for (u32 i = 0; i < g->nlinks && !error; i++)
        error = os_make_link(folder, g->links[i], g->name);
    return error;
}

static int mount_groups(Inside *in, const PlanMount *m)
{
    const u32 safe = OS_MOUNT_NOSUID | OS_MOUNT_NODEV | OS_MOUNT_NOEXEC;
    const OsMountParam mode = {"mode", "755"};
    int target, mount;
    TRY(open_or_make(in, m->target, true, &target));
    int error = in->unified ? os_mount_new("cgroup2", "cgroup", NULL, 0, m->set, &mount)
                            : os_mount_new("tmpfs", "tmpfs", &mode, 1, safe, &mount);
    if (!error) {
        error = attach(m, mount, target);
        for (u32 i = 0; i < in->ngroup_mounts && !in->unified && !error; i++)
            error = mount_group(in, &in->group_mounts[i], mount, safe | m->set);
        if (!error && !in->unified && m->set & OS_MOUNT_RDONLY)
            error = os_mount_set(mount, OS_MOUNT_RDONLY, 0);
        os_fd_close(mount);
    }
    os_fd_close(target);
    return error;
}

static int make_mounts(Inside *in)
{
    typedef int MountFn(Inside * in, const PlanMount *m);
    static MountFn *const kinds[] = {[PLAN_MOUNT_NEW] = mount_new,
                                     [PLAN_MOUNT_BIND] = mount_bind,
                                     [PLAN_MOUNT_CGROUP] = mount_groups};
    for (in->item = 0; in->item < in->plan->nmounts; in->item++) {
        const PlanMount *m = &in->plan->mounts[in->item];
        TRY(kinds[m->kind](in, m));
    }
    return 0;
}

/* ---- devices ---- */

static int make_device(Inside *in, const PlanDevice *d)
{
    int parent, there;
    const char *name;
    TRY(open_parent(in, d->path, &parent, &name));
    int error = os_make_node(parent, name, d->type, d->major, d->minor, d->mode, d->uid, d->gid);
    if (error == EEXIST && d->type == OS_NODE_CHAR &&
        os_open_at(parent, name, OS_OPEN_PATH, &there) == 0) {
        if (os_is_char_device(there, d->major, d->minor))
            error = 0;
        os_fd_close(there);
    }
    os_fd_close(parent);
    return error;
}

static int make_devices(Inside *in)
{
    for (in->item = 0; in->plan->makes_dev && in->item < in->plan->ndevices; in->item++)
        TRY(make_device(in, &in->plan->devices[in->item]));
    return 0;
}

static const struct {
    const char *name, *to;
} links[] = {
    {"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
    {"stderr", "/proc/self/fd/2"}, {"ptmx", "pts/ptmx"},         {"core", "/proc/kcore"},
};

/* Those that are there stay, but for that of the terminals, which are the container's own. */
static int make_links(Inside *in)
{
    int dev, kcore;
    if (!in->plan->makes_dev)
        return 0;
    TRY(open_or_make(in, "/dev", true, &dev));
    int error = os_remove_file(dev, "ptmx");
    error = error == ENOENT ? 0 : error;
    for (in->item = 0; in->item < ARRAY_LEN(links) && !error; in->item++) {
        bool core = in->item == ARRAY_LEN(links) - 1;
        if (core && os_open_handle(links[in->item].to, &kcore) != 0)
            continue;
        if (core)
            os_fd_close(kcore);
        error = os_make_link(dev, links[in->item].name, links[in->item].to);
        error = error == EEXIST ? 0 : error;
    }
    os_fd_close(dev);
    return error;
}

/* The container's first terminal is its console, too. */
static int mount_console(Inside *in)
{
    int target, tree;
    TRY(open_or_make(in, "/dev/console", false, &target));
    int error = os_mount_clone(in->tty, "", false, &tree);
    if (!error) {
        error = os_mount_attach(tree, target);
        os_fd_close(tree);
    }
    os_fd_close(target);
    return error;
}

static int open_terminal(Inside *in)
{
    const PlanProcess *p = &in->plan->process;
    if (!p->terminal)
        return 0;
    TRY(os_open_terminal(in->root, p->columns, p->rows, in->console, &in->tty));
    os_own_terminal(in->tty, p->uid);
    return in->enter < 0 ? mount_console(in) : 0;
}

static int make_cwd(Inside *in)
{
    int fd;
    TRY(open_or_make(in, in->plan->process.cwd, true, &fd));
    os_fd_close(fd);
    return 0;
}

/* ---- the root is the container's ---- */

static int pivot(Inside *in)
{
    return os_mount_pivot(in->root);
}

static int set_read_only(Inside *in, const char *path)
{
    int fd;
    TRY(os_open_in_root(in->root, path, false, &fd));
    int error = os_mount_set(fd, OS_MOUNT_RDONLY, 0);
    os_fd_close(fd);
    return error;
}

static int finish_mounts(Inside *in)
{
    for (in->item = 0; in->item < in->plan->nmounts; in->item++)
        if (in->plan->mounts[in->item].late_read_only)
            TRY(set_read_only(in, in->plan->mounts[in->item].target));
    return 0;
}

static int finish_root(Inside *in)
{
    return in->plan->read_only ? os_mount_set(in->root, OS_MOUNT_RDONLY, 0) : 0;
}

static int set_names(Inside *in)
{
    if (in->plan->hostname)
        TRY(os_set_hostname(in->plan->hostname));
    return in->plan->domainname ? os_set_domainname(in->plan->domainname) : 0;
}

/* The path is mounted on itself, read-only. */
static int protect_path(int fd)
{
    int tree;
    TRY(os_mount_clone(fd, "", true, &tree));
    int error = os_mount_set(tree, OS_MOUNT_RDONLY, 0);
    if (!error)
        error = os_mount_attach(tree, fd);
    os_fd_close(tree);
    return error;
}

static int protect_paths(Inside *in)
{
    for (in->item = 0; in->item < in->plan->nread_only_paths; in->item++) {
        int fd, error = os_open_in_root(in->root, in->plan->read_only_paths[in->item], false, &fd);
        if (error == ENOENT || error == ENOTDIR)
            continue;
        TRY(error);
        error = protect_path(fd);
        os_fd_close(fd);
        TRY(error);
    }
    return 0;
}

/* A device that has nothing over a file, an empty file system over a folder. */
static int mask_path(int null, int *empty, int fd)
{
    int cover;
    if (os_is_dir(fd) && *empty < 0) {
        const u32 attr = OS_MOUNT_RDONLY;
        const OsMountParam ro = {"ro", NULL};
        TRY(os_mount_new("tmpfs", "tmpfs", &ro, 1, attr, empty));
        return os_mount_attach(*empty, fd);
    }
    TRY(os_mount_clone(os_is_dir(fd) ? *empty : null, "", false, &cover));
    int error = os_mount_attach(cover, fd);
    os_fd_close(cover);
    return error;
}

static int mask_paths(Inside *in)
{
    int null, empty = -1;
    if (in->plan->nmasked == 0)
        return 0;
    TRY(os_open_in_root(in->root, "/dev/null", false, &null));
    if (!os_is_char_device(null, 1, 3))
        return ENODEV;
    for (in->item = 0; in->item < in->plan->nmasked; in->item++) {
        int fd, error = os_open_in_root(in->root, in->plan->masked[in->item], false, &fd);
        if (error == ENOENT || error == ENOTDIR)
            continue;
        TRY(error);
        error = mask_path(null, &empty, fd);
        os_fd_close(fd);
        TRY(error);
    }
    return 0;
}

/* ---- rights ---- */

static int set_limits(Inside *in)
{
    const PlanProcess *p = &in->plan->process;
    for (u32 i = 0; i < p->nlimits; i++)
        TRY(os_set_limit(p->limits[i].limit, p->limits[i].soft, p->limits[i].hard));
    return 0;
}

static int load_filter(const Plan *p)
{
    return p->nfilter ? os_set_filter(p->filter, p->nfilter, p->filter_flags) : 0;
}

/* Without no_new_privs a filter takes a privilege, so it is set before that is gone. */
static int lose_privileges(Inside *in)
{
    const PlanProcess *p = &in->plan->process;
    os_set_umask(p->umask);
    if (p->no_new_privileges)
        TRY(os_no_new_privileges());
    else
        TRY(load_filter(in->plan));
    return os_limit_caps(p->caps.bounding);
}

static int become_user(Inside *in)
{
    const PlanProcess *p = &in->plan->process;
    for (u32 i = 0; i < 3 && in->tty < 0; i++)
        os_own_file(in->fds[i], p->uid);
    return os_set_ids(p->uid, p->gid, p->groups, p->ngroups);
}

static int set_caps(Inside *in)
{
    return os_set_caps(&in->plan->process.caps);
}

static int change_dir(Inside *in)
{
    int fd;
    TRY(os_open_in_root(in->root, in->plan->process.cwd, true, &fd));
    TRY(os_chdir_fd(fd));
    os_fd_close(fd);
    return os_check_cwd();
}

/* ---- the program ---- */

static bool take_program(Inside *in, const char *folder, usize n, const char *name)
{
    usize slash = n > 0, length = strlen(name);
    if (n + slash + length >= sizeof in->path)
        return false;
    memcpy(in->path, folder, n);
    in->path[n] = '/';
    memcpy(in->path + n + slash, name, length + 1);
    return os_may_execute(in->path) == 0;
}

/* As the OCI runtimes find it: with a slash from the working directory, otherwise in PATH. */
static int find_program(Inside *in)
{
    const char *name = in->argv[0];
    if (in->program >= 0)
        return 0;
    if (!name || !*name)
        return EINVAL;
    if (strchr(name, '/'))
        return take_program(in, "", 0, name) ? 0 : os_may_execute(name);
    const char *path = NULL;
    for (const char **env = in->plan->process.env; *env; env++)
        if (strncmp(*env, "PATH=", 5) == 0)
            path = *env + 5;
    while (path && *path) {
        usize n = strcspn(path, ":");
        if (n > 0 && take_program(in, path, n, name))
            return 0;
        path += n + (path[n] == ':');
    }
    return ENOENT;
}

static int hold(Inside *in)
{
    const InsideReport ready = {.step = STEP_COUNT};
    char byte;
    usize n = 0;
    int error;
    if (in->held < 0)
        return 0;
    TRY(os_die_with_parent(false));
    TRY(os_fd_write(in->report, &ready, sizeof ready, &n));
    os_fd_close(in->report);
    do {
        error = os_fd_read(in->held, &byte, 1, &n);
    } while (error == EINTR);
    if (n != 1)
        os_end(1);
    return 0;
}

static int arrange_fds(Inside *in)
{
    int fds[SANDBOX_MAX_FDS];
    memcpy(fds, in->fds, in->nfds * sizeof *fds);
    for (u32 i = 0; in->tty >= 0 && i < 3; i++)
        fds[i] = in->tty;
    return os_arrange_fds(fds, in->nfds);
}

static int set_filter(Inside *in)
{
    TRY(os_die_with_parent(false));
    return in->plan->process.no_new_privileges ? load_filter(in->plan) : 0;
}

static int execute(Inside *in)
{
    const char *const *env = in->plan->process.env;
    return in->program >= 0 ? os_exec_fd(in->program, in->argv, env)
                            : os_exec_path(in->path, in->argv, env);
}

/* ---- all of it ---- */

typedef const char *ItemFn(const Inside *in, u32 item);

static const char *item_none(const Inside *in, u32 item)
{
    (void)in;
    (void)item;
    return NULL;
}

static const char *item_group(const Inside *in, u32 item)
{
    return in->groups[item];
}

static const char *item_join(const Inside *in, u32 item)
{
    return in->plan->joins[item].path;
}

static const char *item_oom_score(const Inside *in, u32 item)
{
    (void)item;
    return in->plan->process.oom_score;
}

static const char *item_root(const Inside *in, u32 item)
{
    (void)item;
    return in->plan->root;
}

static const char *item_mount(const Inside *in, u32 item)
{
    return in->plan->mounts[item].target;
}

static const char *item_device(const Inside *in, u32 item)
{
    return in->plan->devices[item].path;
}

static const char *item_link(const Inside *in, u32 item)
{
    (void)in;
    return links[item].name;
}

static const char *item_read_only(const Inside *in, u32 item)
{
    return in->plan->read_only_paths[item];
}

static const char *item_masked(const Inside *in, u32 item)
{
    return in->plan->masked[item];
}

static const char *item_program(const Inside *in, u32 item)
{
    (void)item;
    return in->argv[0];
}

static const char *item_cwd(const Inside *in, u32 item)
{
    (void)item;
    return in->plan->process.cwd;
}

typedef struct StepRow {
    const char *what;
    int (*run)(Inside *in);
    ItemFn *item;
    u32 kinds;
} StepRow;

static const StepRow steps[STEP_COUNT] = {
#define MAKE (1 << 0)
#define ENTER (1 << 1)
#define BOTH (MAKE | ENTER)
#define STEP(name, what, item, kind) {what, name, item_##item, kind},
#include "sandbox/steps.def"
#undef STEP
};

void inside_run(Inside *in)
{
    InsideReport r = {0};
    usize written;
    for (Step step = 0; step < STEP_COUNT && !r.error; step++) {
        if (!(steps[step].kinds & (in->enter < 0 ? MAKE : ENTER)))
            continue;
        in->item = 0;
        r.step = step;
        r.error = steps[step].run(in);
    }
    r.item = in->item;
    os_fd_write(in->report, &r, sizeof r, &written);
    os_end(1);
}

char *inside_failure(const Inside *in, const InsideReport *r)
{
    Buf b = {0};
    const StepRow *row = &steps[MIN(r->step, STEP_COUNT - 1)];
    const char *item = row->item(in, r->item);
    buf_printf(&b, "failed to %s", row->what);
    if (item)
        buf_printf(&b, " `%s`", item);
    buf_printf(&b, ": %s", strerror(r->error));
    return buf_take_string(&b);
}
