/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The strict list: what is on it makes a plan, all else a reason. */
#include "sandbox/cgroup.h"
#include "sandbox/plan.h"
#include "unit/test.h"

#include <stdlib.h>

/* As `ctr run` writes it, shortened. */
static const char base[] =
    "{\"ociVersion\":\"1.2.1\",\"process\":{\"user\":{\"uid\":7,\"gid\":8},\"args\":[\"/m.wasm\"],"
    "\"env\":[\"A=1\",\"B=2\",\"A=3\"],\"cwd\":\"/"
    "\",\"capabilities\":{\"bounding\":[\"CAP_CHOWN\"],"
    "\"effective\":[\"CAP_CHOWN\"],\"permitted\":[\"CAP_CHOWN\"]},\"rlimits\":[{\"type\":"
    "\"RLIMIT_NOFILE\",\"hard\":1024,\"soft\":1000}],\"noNewPrivileges\":true,\"oomScoreAdj\":-5},"
    "\"root\":{\"path\":\"rootfs\",\"readonly\":true},\"mounts\":[{\"destination\":\"/"
    "proc\",\"type\":"
    "\"proc\",\"source\":\"proc\",\"options\":[\"nosuid\",\"noexec\",\"nodev\"]},{\"destination\":"
    "\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\",\"options\":[\"nosuid\",\"strictatime\","
    "\"mode=755\",\"ro\"]},{\"destination\":\"/d\",\"type\":\"bind\",\"source\":\"/"
    "x\",\"options\":["
    "\"rbind\",\"rw\",\"rslave\"]}],\"linux\":{\"resources\":{\"devices\":[{\"allow\":false,"
    "\"access\":\"rwm\"}],\"cpu\":{\"shares\":1024},\"memory\":{\"limit\":5000}},\"cgroupsPath\":"
    "\"/ns/id\",\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"mount\"},{\"type\":\"network\","
    "\"path\":\"/proc/1/ns/net\"}],\"maskedPaths\":[\"/proc/kcore\"],\"readonlyPaths\":[\"/proc/"
    "sys\"]}}";

/* The base with the JSON text as value of the path "linux.x"; "[0]" is an element, "" nothing. */
static json_t *changed(const char *path, const char *text)
{
    json_t *config = json_loads(base, 0, NULL), *at = config;
    char key[64];
    ALWAYS(config);
    for (const char *p = path;; p++) {
        usize n = strcspn(p, ".");
        memcpy(key, p, n);
        key[n] = 0;
        p += n;
        if (!*p)
            break;
        at = json_is_array(at) ? json_array_get(at, (usize)strtoul(key, NULL, 10))
                               : json_object_get(at, key);
        ALWAYS(at);
    }
    json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    ALWAYS(value);
    if (json_is_array(at))
        json_array_append_new(at, value);
    else
        json_object_set_new(at, key, value);
    return config;
}

static char *read_changed(Plan *p, const char *path, const char *text)
{
    json_t *config = changed(path, text);
    char *why = plan_read(p, config, "/nonexistent");
    json_decref(config);
    return why;
}

TEST(sandbox_plan_of_ctr)
{
    Plan p;
    char *why = read_changed(&p, "linux.maskedPaths", "[]");
    if (why)
        test_fail(__FILE__, __LINE__, "%s", why);
    EXPECT_STR(p.root, "/nonexistent");
    EXPECT(p.read_only && p.process.no_new_privileges && p.makes_dev);
    EXPECT_EQ(p.process.uid, 7);
    EXPECT_EQ(p.process.gid, 8);
    EXPECT_EQ(p.process.umask, 022);
    EXPECT_EQ(p.process.caps.bounding, 1);
    EXPECT_EQ(p.process.caps.inheritable, 0);
    EXPECT_STR(p.process.env[0], "A=3"); /* the last value in the first place */
    EXPECT_STR(p.process.env[1], "B=2");
    EXPECT_STR(p.process.env[2], "HOME=/");
    EXPECT(!p.process.env[3]);
    EXPECT_EQ(p.process.limits[0].soft, 1000);
    EXPECT_STR(p.process.oom_score, "-5");
    EXPECT_EQ(p.new_namespaces, OS_NS_PID | OS_NS_MOUNT);
    EXPECT_EQ(p.joins[0].namespace, OS_NS_NETWORK);
    EXPECT(p.mounts[0].plain_target);
    EXPECT_EQ(p.mounts[0].set, OS_MOUNT_NOSUID | OS_MOUNT_NOEXEC | OS_MOUNT_NODEV);
    EXPECT(p.mounts[1].late_read_only && p.mounts[1].nparams == 1);
    EXPECT_EQ(p.mounts[1].set, OS_MOUNT_NOSUID | OS_MOUNT_STRICTATIME);
    EXPECT(p.mounts[2].recursive && p.mounts[2].clear == OS_MOUNT_RDONLY);
    EXPECT_EQ(p.mounts[2].propagation, OS_PROPAGATION_SLAVE);
    EXPECT_EQ(p.resources.memory, 5000);
    EXPECT_EQ(p.resources.memory_swap, RESOURCE_NONE);
    EXPECT(!p.resources.devices[0].allow && p.resources.devices[0].type == 'a');
    EXPECT(p.resources.ndevices > 1 && p.resources.devices[1].access == DEVICE_MAKE);
    plan_release(&p);
}

typedef struct Row {
    const char *path, *text, *why;
} Row;

/* clang-format off */
static const Row refused[] = {
    {"x", "1", "`x`"}, {"process.x", "null", "`x`"}, {"linux.x", "{}", "`x`"},
    {"solaris", "{}", "solaris"}, {"windows", "{}", "windows"}, {"vm", "{}", "vm"},
    {"ociVersion", "\"2.0\"", "ociVersion"}, {"ociVersion", "1", "not text"},
    {"process", "null", "process"}, {"process", "[]", "process"}, {"linux", "null", "linux"},
    {"root.x", "1", "`x`"}, {"root.readonly", "1", "boolean"},
    {"hostname", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"", "longer"},
    {"hooks", "{\"prestart\":[{\"path\":\"/x\"}]}", "prestart"}, {"hooks", "{\"x\":[]}", "`x`"},
    {"hooks", "{\"poststop\":[{\"path\":\"/x\"}]}", "poststop"},
    {"process.consoleSize", "{\"width\":65536}", "width"}, {"process.cwd", "\"x\"", "process.cwd"},
    {"process.cwd", "\"/a/../b\"", "process.cwd"}, {"process.cwd", "null", "process.cwd"},
    {"process.apparmorProfile", "\"p\"", "apparmorProfile"},
    {"process.selinuxLabel", "\"l\"", "selinuxLabel"}, {"process.scheduler", "{}", "scheduler"},
    {"process.ioPriority", "{}", "ioPriority"}, {"process.execCPUAffinity", "{}", "execCPUAffinity"},
    {"process.commandLine", "\"x\"", "commandLine"},
    {"process.env", "[\"A\"]", "process.env"}, {"process.env", "[\"=1\"]", "process.env"},
    {"process.env", "[\"A=\\u0000\"]", "NUL"}, {"process.env", "[1]", "not text"}, {"process.env", "{}", "not a list"},
    {"process.user.uid", "-1", "uid"}, {"process.user.uid", "4294967296", "uid"},
    {"process.user.uid", "4294967295", "none"}, {"process.user.uid", "\"0\"", "uid"},
    {"process.user.uid", "1.5", "uid"}, {"process.user.username", "\"root\"", "username"},
    {"process.user.additionalGids", "[-1]", "group"}, {"process.user.additionalGids", "[4294967295]", "group"},
    {"process.user.umask", "512", "umask"},
    {"process.capabilities.bounding", "[\"CAP_NEW\"]", "CAP_NEW"},
    {"process.capabilities.effective", "[\"CAP_KILL\"]", "not permitted"},
    {"process.capabilities.ambient", "[\"CAP_CHOWN\"]", "not inheritable"},
    {"process.capabilities.x", "[]", "`x`"},
    {"process.rlimits", "[{\"type\":\"RLIMIT_X\",\"soft\":1,\"hard\":1}]", "RLIMIT_X"},
    {"process.rlimits", "[{\"type\":\"RLIMIT_CPU\",\"soft\":1}]", "hard"},
    {"process.rlimits", "[{\"type\":\"RLIMIT_CPU\",\"soft\":1,\"hard\":1},{\"type\":\"RLIMIT_CPU\",\"soft\":1,\"hard\":1}]", "twice"},
    {"process.oomScoreAdj", "1001", "oomScoreAdj"},
    {"mounts", "[]", "no proc"}, {"mounts", "{}", "not a list"}, {"mounts.0", "1", "not an object"},
    {"mounts.0.type", "\"overlay\"", "overlay"}, {"mounts.0.type", "\"tmpfs\"", "no proc"},
    {"mounts.0.destination", "\"/\"", "root"}, {"mounts.0.destination", "\"proc\"", "not absolute"},
    {"mounts.0.destination", "\"/a/../..\"", "not absolute"}, {"mounts.0.uidMappings", "[]", "uidMappings"},
    {"mounts.0.options", "[\"hidepid=2\"]", "hidepid"}, {"mounts.0.options", "[\"mand\"]", "mand"},
    {"mounts.0.options", "[\"\"]", "option"}, {"mounts.1.options", "[\"tmpcopyup\"]", "tmpcopyup"},
    {"mounts.1.options", "[\"mode\"]", "mode"}, {"mounts.1.options", "[\"huge=always\"]", "huge"},
    {"mounts.2.options", "[\"rbind\",\"idmap\"]", "idmap"}, {"mounts.2.options", "[\"rbind\",\"rro\"]", "rro"},
    {"mounts.2.options", "[\"rbind\",\"rslave\",\"private\"]", "propagation"},
    {"mounts.2.source", "\"x\"", "not absolute"}, {"mounts.2.destination", "\"//proc//cpuinfo\"", "in /proc"},
    {"linux.uidMappings", "[{}]", "uidMappings"}, {"linux.timeOffsets", "{}", "timeOffsets"},
    {"linux.sysctl", "{\"net.x\":\"1\"}", "sysctl"}, {"linux.mountLabel", "\"l\"", "mountLabel"},
    {"linux.intelRdt", "{}", "intelRdt"}, {"linux.personality", "{}", "personality"},
    {"linux.netDevices", "{}", "netDevices"}, {"linux.memoryPolicy", "{}", "memoryPolicy"},
    {"linux.rootfsPropagation", "\"shared\"", "shared"},
    {"linux.cgroupsPath", "null", "cgroupsPath"}, {"linux.cgroupsPath", "\"a/b\"", "cgroupsPath"},
    {"linux.cgroupsPath", "\"a.slice:b:c\"", "cgroupsPath"}, {"linux.cgroupsPath", "\"/a/../b\"", "cgroupsPath"},
    {"linux.namespaces", "[{\"type\":\"user\"},{\"type\":\"mount\"}]", "user"},
    {"linux.namespaces", "[{\"type\":\"time\"},{\"type\":\"mount\"}]", "time"},
    {"linux.namespaces", "[{\"type\":\"mount\",\"path\":\"/x\"}]", "joining"},
    {"linux.namespaces", "[{\"type\":\"mount\"},{\"type\":\"mount\"}]", "twice"},
    {"linux.namespaces", "[{\"type\":\"pid\"}]", "no new one for mounts"},
    {"linux.namespaces.x", "{\"type\":\"ipc\",\"x\":1}", "`x`"},
    {"linux.maskedPaths", "[\"x\"]", "maskedPaths"}, {"linux.readonlyPaths", "[\"/..\"]", "readonlyPaths"},
    {"linux.devices", "[{\"path\":\"/dev/x\",\"type\":\"q\"}]", "type"},
    {"linux.devices", "[{\"path\":\"dev\",\"type\":\"c\"}]", "not absolute"},
    {"linux.resources.x", "{}", "`x`"}, {"linux.resources.unified", "{\"a\":\"b\"}", "unified"},
    {"linux.resources.blockIO", "{\"weight\":1}", "blockIO"}, {"linux.resources.rdma", "{\"a\":1}", "rdma"},
    {"linux.resources.hugepageLimits", "[{}]", "hugepageLimits"}, {"linux.resources.network", "{\"classID\":1}", "network"},
    {"linux.resources.memory.kernel", "5", "kernel"}, {"linux.resources.memory.limit", "-2", "limit"},
    {"linux.resources.cpu.realtimeRuntime", "5", "realtimeRuntime"}, {"linux.resources.cpu.cpus", "\"a\"", "cpus"},
    {"linux.resources.pids", "{\"limit\":\"5\"}", "limit"},
    {"linux.resources.devices", "[{\"allow\":true,\"access\":\"x\"}]", "letters"},
    {"linux.resources.devices", "[{\"allow\":true,\"type\":\"c\",\"major\":-2}]", "major"},
    {"linux.resources.devices", "[7]", "not an object"},
    {"linux.seccomp", "{}", "action"}, {"linux.seccomp", "{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}", "NOTIFY"},
    {"linux.seccomp", "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/x\"}", "listenerPath"},
    {"linux.seccomp", "{\"defaultAction\":\"SCMP_ACT_ERRNO\"}", "execveat"},
};

/* Words for nothing: as if they were not there. */
static const Row taken[] = {
    {"hooks", "{\"prestart\":[],\"poststop\":null}", NULL}, {"hooks", "null", NULL}, {"annotations", "{\"a\":\"b\"}", NULL},
    {"process.terminal", "true", NULL}, {"process.apparmorProfile", "\"\"", NULL}, {"process.consoleSize", "{}", NULL},
    {"process.user.additionalGids", "[1,2]", NULL}, {"process.capabilities", "null", NULL},
    {"linux.sysctl", "{}", NULL}, {"linux.rootfsPropagation", "\"rprivate\"", NULL}, {"linux.uidMappings", "[]", NULL},
    {"linux.resources", "null", NULL}, {"linux.resources.blockIO", "{}", NULL}, {"linux.seccomp", "null", NULL},
    {"linux.resources.cpu.cpus", "\"0-1,3\"", NULL}, {"mounts.0.options", "[]", NULL},
    {"process.rlimits", "[]", NULL}, {"linux.maskedPaths", "null", NULL},
};
/* clang-format on */

TEST(sandbox_plan_strict_list)
{
    for (usize i = 0; i < ARRAY_LEN(refused); i++) {
        Plan p;
        const Row *row = &refused[i];
        char *why = read_changed(&p, row->path, row->text);
        if (!why || !strstr(why, row->why))
            test_fail(__FILE__, __LINE__, "%s = %s: %s", row->path, row->text,
                      why ? why : "not refused");
        mem_free(why);
        plan_release(&p);
    }
    for (usize i = 0; i < ARRAY_LEN(taken); i++) {
        Plan p;
        char *why = read_changed(&p, taken[i].path, taken[i].text);
        if (why)
            test_fail(__FILE__, __LINE__, "%s = %s: %s", taken[i].path, taken[i].text, why);
        plan_release(&p);
    }
}

TEST(sandbox_plan_of_anything)
{
    static const char *const texts[] = {"{}", "[]", "1", "null", "\"x\"", "{\"process\":{}}"};
    for (usize i = 0; i < ARRAY_LEN(texts); i++) {
        Plan p;
        json_t *v = json_loads(texts[i], JSON_DECODE_ANY, NULL);
        char *why = plan_read(&p, v, "/");
        EXPECT(why);
        mem_free(why);
        plan_release(&p);
        json_decref(v);
    }
    Plan p;
    char *why = plan_read(&p, NULL, "/");
    EXPECT(why);
    mem_free(why);
    plan_release(&p);
}

TEST(security_sandbox_cgroup_paths)
{
    static const char *const wrong[] = {"",    "/",     "a",     "a/b", "//a",  "/a/",   "/a//b",
                                        "/..", "/a/..", "/../a", "/.",  "/a/.", "/a\nb", "/a:b"};
    EXPECT(cgroup_path_valid("/a/b..c/.d"));
    for (usize i = 0; i < ARRAY_LEN(wrong); i++)
        if (cgroup_path_valid(wrong[i]))
            test_fail(__FILE__, __LINE__, "%s is taken", wrong[i]);
    char path[5000] = "/";
    memset(path + 1, 'a', sizeof path - 2);
    EXPECT(!cgroup_path_valid(path));
}
