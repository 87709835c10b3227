/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Files as Documentation/admin-guide/cgroup-v1 and cgroup-v2 of the kernel describe them. A
 * hybrid host's hierarchy of version 2 (which has no controllers of use) is one tree more.
 */
#include "sandbox/cgroup.h"

#include "os/file.h"
#include "os/folder.h"
#include "os/time.h"
#include "sandbox/device_filter.h"

#include <signal.h>
#include <stdlib.h>

#define MOUNT "/sys/fs/cgroup"

enum { MAX_FILE = 1 << 20, MAX_GROUP_PATH = 2048, MAX_DEPTH = 32 };
enum { FREEZE_WAIT_MS = 5000, REMOVE_WAIT_MS = 5000, MAX_PAUSE_US = 20000 };

/* ---- hierarchies ---- */

static char *joined(const char *a, const char *b, const char *c)
{
    Buf text = {0};
    buf_printf(&text, "%s%s%s", a, b, c);
    return buf_take_string(&text);
}

static void add_tree(Cgroups *c, Str controllers)
{
    CgroupTree t = {.controllers = mem_strdup_n(controllers.p, controllers.n)};
    if (c->unified)
        t.dir = joined(MOUNT, "", "");
    else if (controllers.n == 0)
        t.dir = joined(MOUNT, "/unified", "");
    else if (str_starts(controllers, STR("name=")))
        t.dir = joined(MOUNT "/", t.controllers + 5, "");
    else
        t.dir = joined(MOUNT "/", t.controllers, "");
    if (os_is_cgroup(t.dir, *t.controllers ? 1 : 2)) {
        vec_push(&c->trees, t);
    } else {
        mem_free(t.dir);
        mem_free(t.controllers);
    }
}

Error *cgroups_init(Cgroups *c)
{
    Buf text = {0};
    *c = (Cgroups){.unified = os_is_cgroup(MOUNT, 2)};
    Error *e = os_read_file("/proc/self/cgroup", MAX_FILE, &text);
    if (e)
        return e;
    /* "4:memory:/path", "0::/path" */
    for (const char *p = (const char *)text.p, *end = p + text.n; p < end;) {
        const char *stop = memchr(p, '\n', (usize)(end - p));
        stop = stop ? stop : end;
        const char *a = memchr(p, ':', (usize)(stop - p));
        const char *b = a ? memchr(a + 1, ':', (usize)(stop - a - 1)) : NULL;
        if (b && (!c->unified || b == a + 1))
            add_tree(c, (Str){a + 1, (usize)(b - a - 1)});
        p = stop + 1;
    }
    buf_release(&text);
    return c->trees.n ? NULL : error_new("there are no control groups at " MOUNT);
}

void cgroups_release(Cgroups *c)
{
    for (u32 i = 0; i < c->trees.n; i++) {
        mem_free(c->trees.p[i].dir);
        mem_free(c->trees.p[i].controllers);
    }
    vec_release(&c->trees);
}

static bool tree_has(const CgroupTree *t, const char *controller)
{
    usize n = strlen(controller);
    for (const char *p = t->controllers; (p = strstr(p, controller)); p += n)
        if ((p == t->controllers || p[-1] == ',') && (p[n] == ',' || p[n] == 0))
            return true;
    return false;
}

bool cgroup_path_valid(const char *path)
{
    usize n = strlen(path), depth = 0;
    if (path[0] != '/' || n < 2 || n > MAX_GROUP_PATH)
        return false;
    for (const char *p = path; *p;) {
        usize part = strcspn(++p, "/");
        if (part == 0 || (part == 1 && p[0] == '.') || (part == 2 && p[0] == '.' && p[1] == '.'))
            return false;
        p += part;
        depth++;
    }
    return depth <= MAX_DEPTH && strcspn(path, "\n:") == n;
}

bool cgroup_exists(const Cgroups *c, const char *path)
{
    bool found = false;
    for (u32 i = 0; i < c->trees.n && !found; i++) {
        char *dir = joined(c->trees.p[i].dir, path, "");
        found = os_is_folder(dir);
        mem_free(dir);
    }
    return found;
}

/* ---- making ---- */

static Error *write_text(const char *dir, const char *file, const char *text)
{
    char *path = joined(dir, "/", file);
    Error *e = os_write_text(path, text);
    mem_free(path);
    return e;
}

/* A group's file, without the line's end; own; NULL if there is none. */
static char *read_text(const char *dir, const char *file)
{
    Buf text = {0};
    char *path = joined(dir, "/", file);
    Error *e = os_read_file(path, MAX_FILE, &text);
    mem_free(path);
    bool ok = !e;
    error_free(e);
    while (ok && text.n > 0 && text.p[text.n - 1] == '\n')
        text.n--;
    return ok ? buf_take_string(&text) : NULL;
}

/* A new group has no processors and no memory of its own, and takes no process before it has. */
static Error *copy_cpuset(const char *parent, const char *dir)
{
    static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};
    Error *e = NULL;
    for (usize i = 0; i < ARRAY_LEN(files) && !e; i++) {
        char *own = read_text(dir, files[i]);
        char *above = own && !*own ? read_text(parent, files[i]) : NULL;
        if (above)
            e = write_text(dir, files[i], above);
        mem_free(own);
        mem_free(above);
    }
    return e;
}

/* What the parent has is for its children, too. */
static void pass_controllers(const char *parent)
{
    char *has = read_text(parent, "cgroup.controllers");
    for (const char *p = has; p && *p; p += *p == ' ') {
        usize n = strcspn(p, " ");
        Buf word = {0};
        buf_printf(&word, "+%.*s", (int)n, p);
        buf_u8(&word, 0);
        error_free(write_text(parent, "cgroup.subtree_control", (const char *)word.p));
        buf_release(&word);
        p += n;
    }
    mem_free(has);
}

static Error *make_level(const CgroupTree *t, const char *parent, const char *dir)
{
    if (!*t->controllers)
        pass_controllers(parent);
    Error *e = os_make_folder(dir, 0755);
    if (!e && tree_has(t, "cpuset"))
        e = copy_cpuset(parent, dir);
    return e;
}

static Error *make_in(const CgroupTree *t, const char *path)
{
    Error *e = NULL;
    Buf at = {0};
    buf_str(&at, str_of(t->dir));
    while (*path && !e) {
        usize n = 1 + strcspn(path + 1, "/");
        char *parent = mem_strdup_n((const char *)at.p, at.n);
        buf_bytes(&at, path, n);
        char *dir = mem_strdup_n((const char *)at.p, at.n);
        e = make_level(t, parent, dir);
        mem_free(parent);
        mem_free(dir);
        path += n;
    }
    buf_release(&at);
    return e;
}

Error *cgroup_make(const Cgroups *c, const char *path)
{
    Error *e = NULL;
    for (u32 i = 0; i < c->trees.n && !e; i++)
        e = make_in(&c->trees.p[i], path);
    if (e)
        error_free(cgroup_remove(c, path));
    return error_wrap(e, "failed to make the control group `%s`", path);
}

char **cgroup_joins(const Cgroups *c, const char *path)
{
    char **joins = mem_alloc_array(c->trees.n + 1, sizeof *joins);
    for (u32 i = 0, n = 0; i < c->trees.n; i++)
        if (*c->trees.p[i].controllers)
            joins[n++] = joined(c->trees.p[i].dir, path, "/tasks");
    return joins;
}

char *cgroup_folder(const Cgroups *c, const char *path)
{
    for (u32 i = 0; i < c->trees.n; i++)
        if (!*c->trees.p[i].controllers)
            return joined(c->trees.p[i].dir, path, "");
    return NULL;
}

void cgroup_joins_free(char **joins)
{
    for (usize i = 0; joins && joins[i]; i++)
        mem_free(joins[i]);
    mem_free(joins);
}

/* ---- limits ---- */

typedef struct Setter {
    const Cgroups *c;
    const char *path;
    Error *e; /* the first */
} Setter;

/* The controller's folder of the group, own; NULL if the host does not have it. */
static char *folder_of(const Cgroups *c, const char *path, const char *controller)
{
    for (u32 i = 0; i < c->trees.n; i++)
        if (c->unified || tree_has(&c->trees.p[i], controller))
            return joined(c->trees.p[i].dir, path, "");
    return NULL;
}

static Error *put(const Setter *s, const char *controller, const char *file, const char *text)
{
    char *dir = folder_of(s->c, s->path, controller);
    Error *e = dir ? write_text(dir, file, text)
                   : error_new("this host has no control groups for `%s`", controller);
    mem_free(dir);
    return e;
}

static void set_text(Setter *s, const char *controller, const char *file, const char *text)
{
    if (!s->e)
        s->e = put(s, controller, file, text);
}

static char *number(i64 v, const char *unlimited)
{
    Buf b = {0};
    if (v < 0)
        buf_printf(&b, "%s", unlimited);
    else
        buf_printf(&b, "%lld", (long long)v);
    return buf_take_string(&b);
}

static void set_number(Setter *s, const char *controller, const char *file, i64 v,
                       const char *unlimited)
{
    if (v == RESOURCE_NONE)
        return;
    char *text = number(v, unlimited);
    set_text(s, controller, file, text);
    mem_free(text);
}

/* Neither may be more than the other, on the way from what they are to what they shall be. */
static void set_v1_memory(Setter *s, const Resources *r)
{
    const char *file = "memory.limit_in_bytes", *both = "memory.memsw.limit_in_bytes";
    i64 limit = r->memory ? r->memory : RESOURCE_NONE;
    i64 swap = r->memory_swap ? r->memory_swap : RESOURCE_NONE;
    char *text = number(limit, "-1");
    Error *e = limit == RESOURCE_NONE || s->e ? NULL : put(s, "memory", file, text);
    if (!e) {
        set_number(s, "memory", both, swap, "-1");
    } else if (swap == RESOURCE_NONE) {
        s->e = TAKE_PTR(e);
    } else {
        set_number(s, "memory", both, swap, "-1");
        set_number(s, "memory", file, limit, "-1");
    }
    error_free(e);
    mem_free(text);
}

static i64 given(i64 v)
{
    return v ? v : RESOURCE_NONE;
}

static const char *access_text(u8 access, char text[4])
{
    usize n = 0;
    if (access & DEVICE_READ)
        text[n++] = 'r';
    if (access & DEVICE_WRITE)
        text[n++] = 'w';
    if (access & DEVICE_MAKE)
        text[n++] = 'm';
    text[n] = 0;
    return text;
}

static void set_v1_device(Setter *s, const DeviceRule *d)
{
    Buf line = {0};
    char access[4];
    buf_printf(&line, "%c", d->type);
    if (d->type != 'a') {
        char *major = number(d->major, "*"), *minor = number(d->minor, "*");
        buf_printf(&line, " %s:%s %s", major, minor, access_text(d->access, access));
        mem_free(major);
        mem_free(minor);
    }
    buf_u8(&line, 0);
    set_text(s, "devices", d->allow ? "devices.allow" : "devices.deny", (const char *)line.p);
    buf_release(&line);
}

static void set_v1(Setter *s, const Resources *r)
{
    for (u32 i = 0; i < r->ndevices; i++)
        set_v1_device(s, &r->devices[i]);
    set_v1_memory(s, r);
    set_number(s, "memory", "memory.soft_limit_in_bytes", given(r->memory_reservation), "-1");
    set_number(s, "memory", "memory.swappiness", r->swappiness, "");
    if (r->no_oom_kill)
        set_text(s, "memory", "memory.oom_control", "1");
    set_number(s, "cpu", "cpu.shares", given(r->cpu_shares), "");
    set_number(s, "cpu", "cpu.cfs_period_us", given(r->cpu_period), "");
    set_number(s, "cpu", "cpu.cfs_quota_us", given(r->cpu_quota), "-1");
    set_number(s, "cpu", "cpu.cfs_burst_us", given(r->cpu_burst), "");
    set_number(s, "cpu", "cpu.idle", given(r->cpu_idle), "");
}

/* As the OCI runtimes convert it: 2 to 262144 becomes 1 to 10000. */
static i64 weight_of_shares(i64 shares)
{
    if (shares == 0 || shares == RESOURCE_NONE)
        return RESOURCE_NONE;
    shares = MIN(MAX(shares, 2), 262144);
    return 1 + (shares - 2) * 9999 / 262142;
}

static void set_v2_cpu(Setter *s, const Resources *r)
{
    set_number(s, "cpu", "cpu.weight", weight_of_shares(r->cpu_shares), "");
    i64 quota = given(r->cpu_quota), period = given(r->cpu_period);
    if (quota != RESOURCE_NONE || period != RESOURCE_NONE) {
        Buf b = {0};
        char *max = number(quota < 0 ? -1 : quota, "max");
        buf_printf(&b, "%s %lld", max, (long long)(period > 0 ? period : 100000));
        buf_u8(&b, 0);
        set_text(s, "cpu", "cpu.max", (const char *)b.p);
        buf_release(&b);
        mem_free(max);
    }
    set_number(s, "cpu", "cpu.max.burst", given(r->cpu_burst), "");
    set_number(s, "cpu", "cpu.idle", given(r->cpu_idle), "");
}

static void set_v2_devices(Setter *s, const Resources *r)
{
    DeviceFilter filter;
    if (r->ndevices == 0 || s->e)
        return;
    char *dir = cgroup_folder(s->c, s->path);
    device_filter_make(r->devices, r->ndevices, &filter);
    int why = os_bpf_filter_devices(dir, filter.p, filter.n);
    if (why)
        s->e = error_new("failed to set the filter of devices: %s", strerror(why));
    vec_release(&filter);
    mem_free(dir);
}

static void set_v2(Setter *s, const Resources *r)
{
    set_v2_devices(s, r);
    i64 limit = given(r->memory), swap = given(r->memory_swap);
    if (swap != RESOURCE_NONE && swap >= 0 && (limit < 0 || swap < limit))
        s->e = s->e ? s->e : error_new("the limit of memory with swap is below that of memory");
    set_number(s, "memory", "memory.max", limit, "max");
    if (swap != RESOURCE_NONE)
        set_number(s, "memory", "memory.swap.max", swap < 0 ? -1 : swap - limit, "max");
    set_number(s, "memory", "memory.low", given(r->memory_reservation), "max");
    set_v2_cpu(s, r);
}

Error *cgroup_set(const Cgroups *c, const char *path, const Resources *r)
{
    Setter s = {.c = c, .path = path};
    if (c->unified)
        set_v2(&s, r);
    else
        set_v1(&s, r);
    if (r->cpus)
        set_text(&s, "cpuset", "cpuset.cpus", r->cpus);
    if (r->mems)
        set_text(&s, "cpuset", "cpuset.mems", r->mems);
    set_number(&s, "pids", "pids.max", given(r->pids), "max");
    return error_wrap(s.e, "failed to set the limits of the control group `%s`", path);
}

/* ---- what is in it ---- */

static bool is_frozen(const char *dir, bool unified)
{
    char *text = read_text(dir, unified ? "cgroup.events" : "freezer.state");
    bool frozen = text && strstr(text, unified ? "frozen 1" : "FROZEN");
    mem_free(text);
    return frozen;
}

Error *cgroup_freeze(const Cgroups *c, const char *path, bool on)
{
    char *dir = folder_of(c, path, "freezer");
    if (!dir)
        return error_new("this host can not freeze control groups");
    const char *file = c->unified ? "cgroup.freeze" : "freezer.state";
    const char *text = c->unified ? (on ? "1" : "0") : on ? "FROZEN" : "THAWED";
    Error *e = write_text(dir, file, text);
    for (int ms = 0; !e && is_frozen(dir, c->unified) != on; ms++) {
        if (ms == FREEZE_WAIT_MS)
            e = error_new("the processes of `%s` do not stop", path);
        os_pause_us(1000);
    }
    mem_free(dir);
    return e;
}

/* How many there were; signal 0 only counts. */
static u32 signal_all(const char *dir, int signal)
{
    u32 n = 0;
    char *text = read_text(dir, "cgroup.procs");
    for (const char *p = text; p && *p; p += strcspn(p, "\n"), p += *p == '\n') {
        char *end;
        long pid = strtol(p, &end, 10);
        if (pid > 0 && pid <= INT32_MAX) {
            if (signal)
                os_kill((int)pid, signal);
            n++;
        }
    }
    mem_free(text);
    return n;
}

typedef struct Walk {
    bool remove; /* otherwise the signal is sent */
    int signal;
    u32 found;
    bool busy;
} Walk;

typedef struct WalkEntry {
    Walk *w;
    const char *dir;
    u32 depth;
} WalkEntry;

static void walk_groups(Walk *w, const char *dir, u32 depth);

static void walk_entry(void *arg, const char *name)
{
    WalkEntry *e = arg;
    char *dir = joined(e->dir, "/", name);
    walk_groups(e->w, dir, e->depth + 1);
    mem_free(dir);
}

/* Groups below first; a guest with a group of its own may have made some. */
static void walk_groups(Walk *w, const char *dir, u32 depth)
{
    WalkEntry e = {w, dir, depth};
    if (w->remove && os_remove_folder(dir))
        return;
    if (depth < MAX_DEPTH)
        os_each_folder(dir, walk_entry, &e);
    if (!w->remove)
        w->found += signal_all(dir, w->signal);
    else if (!os_remove_folder(dir))
        w->busy = true;
}

/* One hierarchy has all of its processes, but a start that failed may have left some anywhere. */
static void walk_trees(const Cgroups *c, const char *path, Walk *w)
{
    for (u32 i = 0; i < c->trees.n; i++) {
        char *dir = joined(c->trees.p[i].dir, path, "");
        walk_groups(w, dir, 0);
        mem_free(dir);
    }
}

/*
 * The processes stand still meanwhile: one that ended after its number was read would give the
 * number to somebody else.
 */
static bool hold_still(const Cgroups *c, const char *path, const char *dir)
{
    if (!dir || is_frozen(dir, c->unified))
        return false;
    error_free(
        cgroup_freeze(c, path, true)); /* one that can not be held is signalled all the same */
    return true;
}

void cgroup_signal(const Cgroups *c, const char *path, int signal)
{
    Walk w = {.signal = signal};
    char *dir = folder_of(c, path, "freezer");
    bool held = hold_still(c, path, dir);
    if (dir)
        walk_groups(&w, dir, 0);
    if (held)
        error_free(cgroup_freeze(c, path, false));
    mem_free(dir);
}

/* Of version 2, the kernel kills all at once. */
static bool kill_by_kernel(const Cgroups *c, const char *dir)
{
    Error *e = c->unified && dir ? write_text(dir, "cgroup.kill", "1") : NULL;
    bool ok = c->unified && dir && !e;
    error_free(e);
    return ok;
}

static void kill_group(const Cgroups *c, const char *path)
{
    Walk count = {0}, w = {.signal = SIGKILL};
    walk_trees(c, path, &count);
    if (count.found == 0)
        return;
    char *dir = folder_of(c, path, "freezer");
    if (!kill_by_kernel(c, dir)) {
        hold_still(c, path, dir);
        walk_trees(c, path, &w);
    }
    error_free(cgroup_freeze(c, path, false)); /* what is frozen ends when it goes on */
    mem_free(dir);
}

static bool try_remove(const Cgroups *c, const char *path)
{
    Walk w = {.remove = true};
    walk_trees(c, path, &w);
    return !w.busy;
}

Error *cgroup_remove(const Cgroups *c, const char *path)
{
    u32 pause = 50;
    u64 until = os_monotonic_ns() + (u64)REMOVE_WAIT_MS * 1000000;
    if (!cgroup_path_valid(path))
        return error_new("`%s` is not the path of a control group", path);
    kill_group(c, path);
    while (!try_remove(c, path)) {
        if (os_monotonic_ns() > until)
            return error_new("the control group `%s` is in use", path);
        os_pause_us(pause);
        pause = MIN(pause * 2, MAX_PAUSE_US);
        kill_group(c, path);
    }
    return NULL;
}
