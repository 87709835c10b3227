/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The specification's process, namespaces and the rest; see the OCI runtime specification 1.2. */
#include "base/map.h"
#include "base/vec.h"
#include "os/file.h"
#include "os/fs.h"
#include "sandbox/cgroup.h"
#include "sandbox/plan_priv.h"

enum { MAX_PATH = 4095, MAX_HOSTNAME = 64, MAX_PASSWD = 1 << 20 };

void plan_release(Plan *p)
{
    arena_release(&p->arena);
}

const char *plan_path(Reader *r, const char *where, const char *path)
{
    usize n = path ? strlen(path) : 0;
    bool ok = n > 0 && n <= MAX_PATH && path[0] == '/';
    for (const char *p = path; ok && *p;) {
        usize part = strcspn(p, "/");
        ok = !(part == 1 && p[0] == '.') && !(part == 2 && p[0] == '.' && p[1] == '.');
        p += part + (p[part] == '/');
    }
    if (!ok)
        reader_refuse(r, where, "the path `%.200s` is not absolute and plain", path ? path : "");
    return ok ? path : "/";
}

/* ---- process ---- */

static const char **read_words(Reader *r, const json_t *v, const char *key, u32 *ret_n)
{
    const json_t *list = reader_list(r, v, "process", key, PLAN_WORDS);
    usize n = json_array_size(list);
    const char **words = arena_array(r->arena, const char *, n + 2); /* one more may be added */
    for (usize i = 0; i < n; i++)
        words[i] = reader_text_at(r, list, i, "process");
    *ret_n = (u32)n;
    return words;
}

/* Each name once, where it is first, with the value that is last; as the runtimes have it. */
static void read_env(Reader *r, PlanProcess *p, const json_t *v)
{
    u32 n = 0, used = 0;
    Map names = {0};
    p->env = read_words(r, v, "env", &n);
    for (u32 i = 0; i < n && !r->why; i++) {
        u64 at = used;
        Str name = {p->env[i], strcspn(p->env[i], "=")};
        if (name.n == 0 || !name.p[name.n])
            reader_refuse(r, "process.env", "`%.100s` has no name", p->env[i]);
        else if (map_add(&names, name, used))
            used++;
        else
            map_get(&names, name, &at);
        p->env[at] = p->env[i];
    }
    map_release(&names);
    p->env[used] = NULL;
}

static void read_user(Reader *r, PlanProcess *p, const json_t *v)
{
    const char *where = "process.user";
    if (!reader_object(r, v, where, "uid gid umask additionalGids"))
        return;
    i64 mask = 022;
    p->uid = reader_u32(r, v, where, "uid");
    p->gid = reader_u32(r, v, where, "gid");
    reader_int(r, v, where, "umask", 0, 0777, &mask);
    p->umask = (u32)mask;
    if (p->uid == UINT32_MAX || p->gid == UINT32_MAX)
        reader_refuse(r, where, "an id that means none");
    const json_t *list = reader_list(r, v, where, "additionalGids", PLAN_GROUPS);
    p->ngroups = (u32)json_array_size(list);
    p->groups = arena_array(r->arena, u32, p->ngroups);
    for (u32 i = 0; i < p->ngroups; i++) {
        const json_t *id = json_array_get(list, i);
        i64 value = json_integer_value(id);
        if (!json_is_integer(id) || value < 0 || value >= UINT32_MAX)
            reader_refuse(r, where, "a group is not a number");
        else
            p->groups[i] = (u32)value;
    }
}

static u64 read_cap_set(Reader *r, const json_t *v, const char *key)
{
    const char *where = "process.capabilities";
    u64 set = 0;
    const json_t *list = reader_list(r, v, where, key, 1000);
    for (usize i = 0; i < json_array_size(list); i++) {
        const char *name = reader_text_at(r, list, i, where);
        int cap = os_cap_number(name);
        if (cap < 0)
            reader_refuse(r, where, "`%.100s` is not known", name);
        else
            set |= (u64)1 << cap;
    }
    return set;
}

static void read_caps(Reader *r, PlanProcess *p, const json_t *v)
{
    const char *where = "process.capabilities";
    if (!reader_object(r, v, where, "bounding effective permitted inheritable ambient"))
        return;
    p->caps = (OsCaps){.bounding = read_cap_set(r, v, "bounding"),
                       .effective = read_cap_set(r, v, "effective"),
                       .permitted = read_cap_set(r, v, "permitted"),
                       .inheritable = read_cap_set(r, v, "inheritable"),
                       .ambient = read_cap_set(r, v, "ambient")};
    if ((p->caps.permitted | p->caps.bounding) & ~os_own_caps())
        reader_refuse(r, where, "more than this process has");
    if (p->caps.effective & ~p->caps.permitted)
        reader_refuse(r, where, "effective, but not permitted ones");
    if (p->caps.ambient & ~(p->caps.permitted & p->caps.inheritable))
        reader_refuse(r, where, "ambient, but not inheritable ones");
}

static u64 read_limit(Reader *r, const json_t *v, const char *key)
{
    i64 n = 0;
    if (json_integer_value(json_object_get(v, key)) == READER_UNLIMITED)
        return UINT64_MAX;
    if (!reader_int(r, v, "process.rlimits", key, 0, INT64_MAX, &n))
        reader_refuse(r, "process.rlimits", "there is no `%s`", key);
    return (u64)n;
}

static void read_limits(Reader *r, PlanProcess *p, const json_t *v)
{
    const json_t *list = reader_list(r, v, "process", "rlimits", OS_LIMITS);
    for (usize i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        if (!reader_object(r, item, "process.rlimits", "type soft hard"))
            continue;
        const char *type = reader_text(r, item, "process.rlimits", "type");
        int number = type ? os_limit_number(type) : -1;
        if (number < 0)
            reader_refuse(r, "process.rlimits", "`%.100s` is not known", type ? type : "");
        for (u32 k = 0; k < p->nlimits; k++)
            if (p->limits[k].limit == number)
                reader_refuse(r, "process.rlimits", "`%s` twice", type);
        p->limits[p->nlimits++] =
            (PlanLimit){number, read_limit(r, item, "soft"), read_limit(r, item, "hard")};
    }
}

static void read_oom_score(Reader *r, PlanProcess *p, const json_t *v)
{
    i64 score;
    if (!reader_int(r, v, "process", "oomScoreAdj", -1000, 1000, &score))
        return;
    Buf b = {0};
    buf_printf(&b, "%lld", (long long)score);
    p->oom_score = arena_strdup(r->arena, (Str){(const char *)b.p, b.n});
    buf_release(&b);
}

static void read_terminal(Reader *r, PlanProcess *p, const json_t *v)
{
    const json_t *size = json_object_get(v, "consoleSize");
    i64 columns = 0, rows = 0;
    p->terminal = reader_bool(r, v, "process", "terminal");
    if (!reader_object(r, size, "process.consoleSize", "height width"))
        return;
    reader_int(r, size, "process.consoleSize", "width", 0, UINT16_MAX, &columns);
    reader_int(r, size, "process.consoleSize", "height", 0, UINT16_MAX, &rows);
    p->columns = (u16)columns;
    p->rows = (u16)rows;
}

static void read_process(Reader *r, PlanProcess *p, const json_t *v)
{
    u32 nargs;
    p->umask = 022;
    if (!reader_object(r, v, "process",
                       "terminal consoleSize user args env cwd capabilities rlimits "
                       "noNewPrivileges apparmorProfile oomScoreAdj selinuxLabel")) {
        reader_refuse(r, "process", "there is none");
        return;
    }
    read_terminal(r, p, v);
    reader_empty(r, v, "process", "apparmorProfile");
    reader_empty(r, v, "process", "selinuxLabel");
    read_user(r, p, json_object_get(v, "user"));
    read_env(r, p, v);
    p->args = read_words(r, v, "args", &nargs);
    p->cwd = plan_path(r, "process.cwd", reader_text(r, v, "process", "cwd"));
    read_caps(r, p, json_object_get(v, "capabilities"));
    read_limits(r, p, v);
    p->no_new_privileges = reader_bool(r, v, "process", "noNewPrivileges");
    read_oom_score(r, p, v);
}

/* ---- the home of the user ---- */

/* The field of a line "name:password:uid:gid:text:home:shell"; nothing if it is not there. */
static Str field(Str line, u32 number)
{
    for (; number > 0 && line.n > 0; number--) {
        const char *colon = memchr(line.p, ':', line.n);
        usize n = colon ? (usize)(colon - line.p) + 1 : line.n;
        line.p += n;
        line.n -= n;
    }
    const char *colon = line.n ? memchr(line.p, ':', line.n) : NULL;
    return (Str){line.p, colon ? (usize)(colon - line.p) : line.n};
}

/* The first line of the user; false if there is none. */
static bool find_home(const Buf *text, u32 uid, Str *ret_home)
{
    char id[16];
    Buf b = {0};
    buf_printf(&b, "%u", uid);
    usize n = MIN(b.n, sizeof id);
    memcpy(id, b.p, n);
    buf_release(&b);
    if (text->n == 0)
        return false;
    for (const char *p = (const char *)text->p, *end = p + text->n; p < end;) {
        const char *stop = memchr(p, '\n', (usize)(end - p));
        Str line = {p, (usize)((stop ? stop : end) - p)};
        if (str_eq(field(line, 2), (Str){id, n})) {
            *ret_home = field(line, 5);
            return !memchr(ret_home->p, 0, ret_home->n);
        }
        p += line.n + 1;
    }
    return false;
}

static void read_passwd(Reader *r, const char *root, Buf *text)
{
    int dir, fd;
    if (os_open_handle(root, &dir) != 0)
        return;
    if (os_open_file_in_root(dir, "/etc/passwd", &fd) == 0) {
        Error *e = os_read_fd(fd, "/etc/passwd", MAX_PASSWD, text);
        if (e)
            reader_refuse(r, "root", "%s", e->message);
        error_free(e);
        os_fd_close(fd);
    }
    os_fd_close(dir);
}

/* HOME is what the container's list of users says, "/" if that says nothing. */
static void add_home(Reader *r, PlanProcess *p, const char *root)
{
    usize i = 0;
    if (r->why)
        return;
    while (p->env[i] && !str_starts(str_of(p->env[i]), STR("HOME=")))
        i++;
    if (p->env[i] && p->env[i][5])
        return;
    Buf text = {0}, word = {0};
    Str home = STR("/");
    read_passwd(r, root, &text);
    find_home(&text, p->uid, &home);
    buf_str(&word, STR("HOME="));
    buf_str(&word, home);
    p->env[i] = arena_strdup(r->arena, (Str){(const char *)word.p, word.n});
    buf_release(&text);
    buf_release(&word);
}

/* ---- linux ---- */

typedef struct NamespaceRow {
    const char *type;
    u32 flag;
    bool joined; /* one that exists may be given by its path */
} NamespaceRow;

static const NamespaceRow namespace_rows[] = {
    {"pid", OS_NS_PID, true}, {"network", OS_NS_NETWORK, true}, {"ipc", OS_NS_IPC, true},
    {"uts", OS_NS_UTS, true}, {"mount", OS_NS_MOUNT, false},    {"cgroup", OS_NS_CGROUP, false},
};

static void read_namespace(Reader *r, Plan *p, const json_t *v, u32 *seen)
{
    const char *where = "linux.namespaces";
    if (!reader_object(r, v, where, "type path"))
        return;
    const char *type = reader_text(r, v, where, "type"), *path = reader_text(r, v, where, "path");
    const NamespaceRow *row = NULL;
    for (usize i = 0; i < ARRAY_LEN(namespace_rows); i++)
        if (type && strcmp(type, namespace_rows[i].type) == 0)
            row = &namespace_rows[i];
    if (!row) {
        reader_refuse(r, where, "the namespace `%.100s` is not done here", type ? type : "");
        return;
    }
    if (*seen & row->flag)
        reader_refuse(r, where, "`%s` twice", type);
    *seen |= row->flag;
    if (!path || !*path)
        p->new_namespaces |= row->flag;
    else if (!row->joined)
        reader_refuse(r, where, "joining a namespace `%s` is not done here", type);
    else
        p->joins[p->njoins++] = (PlanJoin){row->flag, plan_path(r, where, path)};
}

static void read_namespaces(Reader *r, Plan *p, const json_t *v)
{
    u32 seen = 0;
    const json_t *list = reader_list(r, v, "linux", "namespaces", ARRAY_LEN(namespace_rows));
    for (usize i = 0; i < json_array_size(list); i++)
        read_namespace(r, p, json_array_get(list, i), &seen);
    if (!(p->new_namespaces & OS_NS_MOUNT))
        reader_refuse(r, "linux.namespaces", "there is no new one for mounts");
    if ((p->hostname || p->domainname) && !(p->new_namespaces & OS_NS_UTS))
        reader_refuse(r, "hostname", "there is no new namespace for it");
}

static const char **read_paths(Reader *r, const json_t *v, const char *key, u32 *ret_n)
{
    const json_t *list = reader_list(r, v, "linux", key, PLAN_PATHS);
    usize n = json_array_size(list);
    const char **paths = arena_array(r->arena, const char *, n);
    for (usize i = 0; i < n; i++)
        paths[i] = plan_path(r, key, reader_text_at(r, list, i, "linux"));
    *ret_n = (u32)n;
    return paths;
}

static void read_root_propagation(Reader *r, Plan *p, const json_t *v)
{
    const char *text = reader_text(r, v, "linux", "rootfsPropagation");
    p->root_propagation = OS_PROPAGATION_SLAVE;
    if (text && strcmp(text, "rprivate") == 0)
        p->root_propagation = OS_PROPAGATION_PRIVATE;
    else if (text && *text && strcmp(text, "rslave") != 0)
        reader_refuse(r, "linux.rootfsPropagation", "`%.50s` is not done here", text);
}

static void read_linux(Reader *r, Plan *p, const json_t *v)
{
    static const char *const undone[] = {"uidMappings", "gidMappings", "sysctl", "mountLabel"};
    if (!reader_object(r, v, "linux",
                       "uidMappings gidMappings sysctl resources cgroupsPath namespaces devices "
                       "seccomp rootfsPropagation maskedPaths readonlyPaths mountLabel")) {
        reader_refuse(r, "linux", "there is none");
        return;
    }
    for (usize i = 0; i < ARRAY_LEN(undone); i++)
        reader_empty(r, v, "linux", undone[i]);
    resources_read(r, json_object_get(v, "resources"), "linux.resources", &p->resources);
    const char *cgroup = reader_text(r, v, "linux", "cgroupsPath");
    if (!cgroup || !cgroup_path_valid(cgroup))
        reader_refuse(r, "linux.cgroupsPath", "`%.200s` is not an absolute, plain path",
                      cgroup ? cgroup : "");
    p->cgroup = cgroup;
    read_namespaces(r, p, v);
    plan_read_devices(r, p, v);
    plan_read_filter(r, p, json_object_get(v, "seccomp"));
    read_root_propagation(r, p, v);
    p->masked = read_paths(r, v, "maskedPaths", &p->nmasked);
    p->read_only_paths = read_paths(r, v, "readonlyPaths", &p->nread_only_paths);
}

/* ---- all of it ---- */

static const char *read_name(Reader *r, const json_t *v, const char *key)
{
    const char *text = reader_text(r, v, "", key);
    if (text && strlen(text) > MAX_HOSTNAME)
        reader_refuse(r, key, "longer than %d bytes", MAX_HOSTNAME);
    return text && *text ? text : NULL;
}

static void read_hooks(Reader *r, const json_t *v)
{
    static const char *const kinds[] = {"prestart",       "createRuntime", "createContainer",
                                        "startContainer", "poststart",     "poststop"};
    if (!reader_object(r, v, "hooks",
                       "prestart createRuntime createContainer startContainer poststart poststop"))
        return;
    for (usize i = 0; i < ARRAY_LEN(kinds); i++)
        reader_empty(r, v, "hooks", kinds[i]);
}

static void read_version(Reader *r, const json_t *v)
{
    const char *text = reader_text(r, v, "", "ociVersion");
    if (!text || !str_starts(str_of(text), STR("1.")))
        reader_refuse(r, "ociVersion", "`%.50s` is not 1.x", text ? text : "");
}

static void read_config(Reader *r, Plan *p, const json_t *v)
{
    if (!reader_object(r, v, "",
                       "ociVersion process root hostname domainname mounts hooks annotations "
                       "linux")) {
        reader_refuse(r, "", "not a configuration");
        return;
    }
    const json_t *root = json_object_get(v, "root");
    read_version(r, v);
    read_hooks(r, json_object_get(v, "hooks"));
    if (reader_object(r, root, "root", "path readonly"))
        p->read_only = reader_bool(r, root, "root", "readonly");
    p->hostname = read_name(r, v, "hostname");
    p->domainname = read_name(r, v, "domainname");
    read_process(r, &p->process, json_object_get(v, "process"));
    read_linux(r, p, json_object_get(v, "linux"));
    plan_read_mounts(r, p, v);
    add_home(r, &p->process, p->root);
}

char *plan_read(Plan *p, const json_t *config, const char *root)
{
    *p = (Plan){0};
    arena_init(&p->arena);
    Reader r = {.arena = &p->arena};
    p->root = arena_strdup(&p->arena, str_of(root));
    read_config(&r, p, config);
    return r.why;
}

char *plan_read_process(Plan *p, const json_t *process, const char *root)
{
    *p = (Plan){0};
    arena_init(&p->arena);
    Reader r = {.arena = &p->arena};
    read_process(&r, &p->process, process);
    add_home(&r, &p->process, root);
    return r.why;
}
