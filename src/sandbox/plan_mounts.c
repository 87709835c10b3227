/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Mounts with options as mount(8) spells them, and devices. */
#include "sandbox/plan_priv.h"

typedef struct OptionRow {
    const char *name;
    u32 set, clear;
} OptionRow;

/* clang-format off */
static const OptionRow options[] = {
    {"defaults", 0, 0}, {"rw", 0, OS_MOUNT_RDONLY}, {"ro", OS_MOUNT_RDONLY, 0},
    {"suid", 0, OS_MOUNT_NOSUID}, {"nosuid", OS_MOUNT_NOSUID, 0},
    {"dev", 0, OS_MOUNT_NODEV}, {"nodev", OS_MOUNT_NODEV, 0},
    {"exec", 0, OS_MOUNT_NOEXEC}, {"noexec", OS_MOUNT_NOEXEC, 0},
    {"relatime", 0, OS_MOUNT_ATIME}, {"noatime", OS_MOUNT_NOATIME, OS_MOUNT_STRICTATIME},
    {"strictatime", OS_MOUNT_STRICTATIME, OS_MOUNT_NOATIME},
    {"diratime", 0, OS_MOUNT_NODIRATIME}, {"nodiratime", OS_MOUNT_NODIRATIME, 0},
};

typedef struct PropagationRow {
    const char *name;
    OsPropagation propagation;
    bool recursive;
} PropagationRow;

static const PropagationRow propagations[] = {
    {"private", OS_PROPAGATION_PRIVATE, false}, {"rprivate", OS_PROPAGATION_PRIVATE, true},
    {"slave", OS_PROPAGATION_SLAVE, false}, {"rslave", OS_PROPAGATION_SLAVE, true},
    {"shared", OS_PROPAGATION_SHARED, false}, {"rshared", OS_PROPAGATION_SHARED, true},
    {"unbindable", OS_PROPAGATION_UNBINDABLE, false},
    {"runbindable", OS_PROPAGATION_UNBINDABLE, true},
};

/* File systems that are made anew, and the options of their own that they may have. */
typedef struct TypeRow {
    const char *type;
    const char *params; /* separated by blanks; with "=" where a value follows */
} TypeRow;

static const TypeRow types[] = {
    {"proc", ""}, {"sysfs", ""}, {"mqueue", ""},
    {"tmpfs", "mode= size= nr_inodes= nr_blocks= uid= gid="},
    {"devpts", "newinstance ptmxmode= mode= uid= gid= max="},
};
/* clang-format on */

static const TypeRow *find_type(const char *type)
{
    for (usize i = 0; i < ARRAY_LEN(types); i++)
        if (strcmp(types[i].type, type) == 0)
            return &types[i];
    return NULL;
}

static bool add_flag(PlanMount *m, const char *option)
{
    for (usize i = 0; i < ARRAY_LEN(options); i++) {
        if (strcmp(options[i].name, option) == 0) {
            m->set = (m->set & ~options[i].clear) | options[i].set;
            m->clear = (m->clear & ~options[i].set) | options[i].clear;
            return true;
        }
    }
    return false;
}

static bool add_propagation(Reader *r, PlanMount *m, const char *option)
{
    for (usize i = 0; i < ARRAY_LEN(propagations); i++) {
        if (strcmp(propagations[i].name, option) == 0) {
            if (m->propagation)
                reader_refuse(r, m->target, "two ways of propagation");
            m->propagation = propagations[i].propagation;
            m->propagation_recursive = propagations[i].recursive;
            return true;
        }
    }
    return false;
}

static bool has_param(const char *params, Str key, bool valued)
{
    for (const char *p = params; *p; p += *p == ' ') {
        usize n = strcspn(p, " ");
        if (n == key.n + valued && memcmp(p, key.p, key.n) == 0 && (p[n - 1] == '=') == valued)
            return true;
        p += n;
    }
    return false;
}

static void add_param(Reader *r, PlanMount *m, const char *params, const char *option)
{
    Str key = {option, strcspn(option, "=")};
    bool valued = option[key.n] == '=';
    if (key.n == 0 || !has_param(params, key, valued)) {
        reader_refuse(r, m->target, "the option `%.100s` is not done here", option);
    } else if (m->nparams == PLAN_PARAMS - 1) {
        reader_refuse(r, m->target, "more than %d options", PLAN_PARAMS - 1);
    } else {
        const char *value = valued ? option + key.n + 1 : NULL;
        m->params[m->nparams++] = (OsMountParam){arena_strdup(r->arena, key), value};
    }
}

static bool mount_has(const PlanMount *m, const char *key)
{
    for (u32 i = 0; i < m->nparams; i++)
        if (strcmp(m->params[i].key, key) == 0)
            return true;
    return false;
}

/* What the options come to depends on the kind. */
static void finish_new(PlanMount *m)
{
    bool tmpfs = strcmp(m->type, "tmpfs") == 0;
    m->plain_target = strcmp(m->type, "proc") == 0 || strcmp(m->type, "sysfs") == 0;
    m->mode_of_target = tmpfs && !mount_has(m, "mode");
    if (!(m->set & OS_MOUNT_RDONLY))
        return;
    m->late_read_only = tmpfs;
    if (tmpfs)
        m->set &= (u32)~OS_MOUNT_RDONLY;
    else
        m->params[m->nparams++] = (OsMountParam){"ro", NULL};
}

/* Any flag that is given gives all of them, as a bind mount is remounted with them. */
static void finish_bind(PlanMount *m)
{
    u32 all = OS_MOUNT_RDONLY | OS_MOUNT_NOSUID | OS_MOUNT_NODEV | OS_MOUNT_NOEXEC;
    if (m->set)
        m->clear |= all & ~m->set;
    m->clear &= ~(u32)OS_MOUNT_ATIME;
}

static void read_options(Reader *r, PlanMount *m, const json_t *v, const char *params)
{
    const json_t *list = reader_list(r, v, m->target, "options", 100);
    for (usize i = 0; i < json_array_size(list); i++) {
        const char *option = reader_text_at(r, list, i, m->target);
        if (strcmp(option, "bind") == 0 || strcmp(option, "rbind") == 0)
            m->recursive = option[0] == 'r'; /* what kind it is was seen before */
        else if (!add_flag(m, option) && !add_propagation(r, m, option))
            add_param(r, m, params, option);
    }
}

static bool is_bind(const json_t *v, const char *type)
{
    const json_t *list = json_object_get(v, "options");
    if (strcmp(type, "bind") == 0)
        return true;
    for (usize i = 0; i < json_array_size(list); i++) {
        const char *option = json_string_value(json_array_get(list, i));
        if (option && (strcmp(option, "bind") == 0 || strcmp(option, "rbind") == 0))
            return true;
    }
    return false;
}

/* Is it in the folder of that name, however many slashes there are? */
static bool is_below(const char *path, Str folder)
{
    path += strspn(path, "/");
    if (!str_starts(str_of(path), folder) || path[folder.n] != '/')
        return false;
    path += folder.n;
    return path[strspn(path, "/")] != 0;
}

static void read_mount(Reader *r, PlanMount *m, const json_t *v)
{
    if (!reader_object(r, v, "mounts", "destination type source options")) {
        reader_refuse(r, "mounts", "not an object");
        return;
    }
    const char *type = reader_text(r, v, "mounts", "type");
    const char *source = reader_text(r, v, "mounts", "source");
    m->target = plan_path(r, "mounts", reader_text(r, v, "mounts", "destination"));
    m->type = type ? type : "";
    m->source = source && *source ? source : m->type;
    if (strspn(m->target, "/") == strlen(m->target))
        reader_refuse(r, m->target, "a mount at the root");
    if (is_below(m->target, STR("proc")))
        reader_refuse(r, m->target, "a mount in /proc");
    const TypeRow *row = find_type(m->type);
    if (is_bind(v, m->type)) {
        m->kind = PLAN_MOUNT_BIND;
        m->source = plan_path(r, m->target, source);
        read_options(r, m, v, "");
        finish_bind(m);
    } else if (strcmp(m->type, "cgroup") == 0 || strcmp(m->type, "cgroup2") == 0) {
        m->kind = PLAN_MOUNT_CGROUP;
        read_options(r, m, v, "");
    } else if (row) {
        m->kind = PLAN_MOUNT_NEW;
        read_options(r, m, v, row->params);
        finish_new(m);
    } else {
        reader_refuse(r, m->target, "the file system `%.100s` is not done here", m->type);
    }
}

static bool is_at(const char *target, const char *path)
{
    usize n = strlen(target);
    while (n > 1 && target[n - 1] == '/')
        n--;
    return str_eq((Str){target, n}, str_of(path));
}

void plan_read_mounts(Reader *r, Plan *p, const json_t *config)
{
    const json_t *list = reader_list(r, config, "", "mounts", PLAN_MOUNTS);
    bool proc = false;
    p->nmounts = (u32)json_array_size(list);
    p->mounts = arena_array(r->arena, PlanMount, p->nmounts);
    p->makes_dev = true;
    for (u32 i = 0; i < p->nmounts; i++) {
        PlanMount *m = &p->mounts[i];
        read_mount(r, m, json_array_get(list, i));
        if (r->why)
            return;
        if (m->kind == PLAN_MOUNT_BIND && is_at(m->target, "/dev"))
            p->makes_dev = false;
        if (m->kind == PLAN_MOUNT_NEW && strcmp(m->type, "proc") == 0)
            proc = proc || is_at(m->target, "/proc");
    }
    if (!proc)
        reader_refuse(r, "mounts", "there is no proc at /proc");
}

/* ---- devices ---- */

/* clang-format off */
static const PlanDevice default_devices[] = {
    {"/dev/null", OS_NODE_CHAR, 1, 3, 0666, 0, 0},
    {"/dev/random", OS_NODE_CHAR, 1, 8, 0666, 0, 0},
    {"/dev/full", OS_NODE_CHAR, 1, 7, 0666, 0, 0},
    {"/dev/tty", OS_NODE_CHAR, 5, 0, 0666, 0, 0},
    {"/dev/zero", OS_NODE_CHAR, 1, 5, 0666, 0, 0},
    {"/dev/urandom", OS_NODE_CHAR, 1, 9, 0666, 0, 0},
};

/* What every container may use, as the OCI runtimes grant it behind the specification's rules. */
static const DeviceRule default_rules[] = {
    {true, 'c', -1, -1, DEVICE_MAKE}, {true, 'b', -1, -1, DEVICE_MAKE},
#define ALL (DEVICE_READ | DEVICE_WRITE | DEVICE_MAKE)
    {true, 'c', 1, 3, ALL}, {true, 'c', 1, 8, ALL}, {true, 'c', 1, 7, ALL}, {true, 'c', 5, 0, ALL},
    {true, 'c', 1, 5, ALL}, {true, 'c', 1, 9, ALL}, {true, 'c', 136, -1, ALL},
    {true, 'c', 5, 2, ALL}, {true, 'c', 10, 200, ALL},
#undef ALL
};
/* clang-format on */

static void read_device(Reader *r, PlanDevice *d, const json_t *v)
{
    const char *where = "linux.devices";
    if (!reader_object(r, v, where, "path type major minor fileMode uid gid")) {
        reader_refuse(r, where, "not an object");
        return;
    }
    const char *type = reader_text(r, v, where, "type");
    i64 mode = 0666;
    d->path = plan_path(r, where, reader_text(r, v, where, "path"));
    d->major = reader_u32(r, v, where, "major");
    d->minor = reader_u32(r, v, where, "minor");
    d->uid = reader_u32(r, v, where, "uid");
    d->gid = reader_u32(r, v, where, "gid");
    reader_int(r, v, where, "fileMode", 0, 0177777, &mode);
    d->mode = (u32)mode & 07777;
    if (type && (strcmp(type, "c") == 0 || strcmp(type, "u") == 0))
        d->type = OS_NODE_CHAR;
    else if (type && strcmp(type, "b") == 0)
        d->type = OS_NODE_BLOCK;
    else if (type && strcmp(type, "p") == 0)
        d->type = OS_NODE_FIFO;
    else
        reader_refuse(r, where, "the type of `%.100s` is not known", d->path);
}

/* The specification's come first: of two with one path the first is made. */
void plan_read_devices(Reader *r, Plan *p, const json_t *v)
{
    const json_t *list = reader_list(r, v, "linux", "devices", PLAN_DEVICES);
    u32 n = (u32)json_array_size(list);
    p->devices = arena_array(r->arena, PlanDevice, n + ARRAY_LEN(default_devices));
    for (u32 i = 0; i < n; i++)
        read_device(r, &p->devices[i], json_array_get(list, i));
    memcpy(p->devices + n, default_devices, sizeof default_devices);
    p->ndevices = n + (u32)ARRAY_LEN(default_devices);

    u32 given = p->resources.ndevices;
    DeviceRule *rules = arena_array(r->arena, DeviceRule, given + ARRAY_LEN(default_rules));
    if (given > 0)
        memcpy(rules, p->resources.devices, given * sizeof *rules);
    memcpy(rules + given, default_rules, sizeof default_rules);
    p->resources.devices = rules;
    p->resources.ndevices = given + (u32)ARRAY_LEN(default_rules);
}
