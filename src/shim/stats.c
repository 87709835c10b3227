/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Files of /sys/fs/cgroup. A number that the kernel does not have (a controller that is off) is 0;
 * "max" is the largest number.
 */
#include "shim/stats.h"

#include "os/file.h"
#include "shim/shim.pb-c.h"
#include "shim/ttrpc.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MOUNT "/sys/fs/cgroup"

enum { MAX_FILE = 65536, TICKS = 10000000 /* ns of a hundredth of a second */ };

bool cgroup_is_unified(void)
{
    struct statfs st;
    return statfs(MOUNT, &st) == 0 && st.f_type == CGROUP2_SUPER_MAGIC;
}

/* The line of the controller in /proc/<pid>/cgroup: "4:memory:/path", "0::/path". */
static bool find_line(const Buf *text, const char *wanted, char **ret_path)
{
    for (const char *p = (const char *)text->p, *end = p + text->n; p < end;) {
        const char *stop = memchr(p, '\n', (usize)(end - p));
        stop = stop ? stop : end;
        const char *a = memchr(p, ':', (usize)(stop - p));
        const char *b = a ? memchr(a + 1, ':', (usize)(stop - a - 1)) : NULL;
        if (b && str_eq((Str){a + 1, (usize)(b - a - 1)}, str_of(wanted))) {
            *ret_path = mem_strdup_n(b + 1, (usize)(stop - b - 1));
            return true;
        }
        p = stop + 1;
    }
    return false;
}

Error *cgroup_of(int pid, char **ret_path)
{
    char name[64];
    Buf text = {0};
    snprintf(name, sizeof name, "/proc/%d/cgroup", pid);
    Error *e = os_read_file(name, MAX_FILE, &text);
    if (e)
        return error_wrap(e, "failed to read `%s`", name);
    if (!find_line(&text, cgroup_is_unified() ? "" : "memory", ret_path))
        e = error_new("`%s` names no control group", name);
    buf_release(&text);
    return e;
}

static bool read_text(const char *controller, const char *path, const char *file, Buf *text)
{
    Buf name = {0};
    buf_printf(&name, MOUNT "/%s%s/%s", controller, path, file);
    buf_u8(&name, 0);
    Error *e = os_read_file((const char *)name.p, MAX_FILE, text);
    bool ok = !e;
    error_free(e);
    buf_release(&name);
    if (ok)
        buf_u8(text, 0);
    return ok;
}

static u64 read_number(const char *controller, const char *path, const char *file)
{
    Buf text = {0};
    u64 v = 0;
    if (read_text(controller, path, file, &text)) {
        const char *p = (const char *)text.p;
        v = str_starts(str_of(p), STR("max")) ? UINT64_MAX : strtoull(p, NULL, 10);
    }
    buf_release(&text);
    return v;
}

typedef struct StatRow {
    const char *key;
    u64 *value;
} StatRow;

/* Lines of "key number". */
static void read_rows(const char *controller, const char *path, const char *file,
                      const StatRow *rows, usize n)
{
    Buf text = {0};
    if (read_text(controller, path, file, &text)) {
        for (const char *p = (const char *)text.p; *p; p += *p == '\n') {
            usize key = strcspn(p, " \n");
            for (usize i = 0; i < n; i++)
                if (str_eq((Str){p, key}, str_of(rows[i].key)) && p[key] == ' ')
                    *rows[i].value = strtoull(p + key + 1, NULL, 10);
            p += strcspn(p, "\n");
        }
    }
    buf_release(&text);
}

static void v1_memory(const char *path, const char *prefix, Pb__V1MemoryEntry *e)
{
    const struct {
        const char *file;
        u64 *value;
    } rows[] = {{"limit_in_bytes", &e->limit},
                {"usage_in_bytes", &e->usage},
                {"max_usage_in_bytes", &e->max},
                {"failcnt", &e->failcnt}};
    for (usize i = 0; i < ARRAY_LEN(rows); i++) {
        char file[64];
        snprintf(file, sizeof file, "%s.%s", prefix, rows[i].file);
        *rows[i].value = read_number("memory", path, file);
    }
}

static void v1_stats(const char *path, Buf *out)
{
    Pb__V1Metrics m = PB__V1_METRICS__INIT;
    Pb__V1Pids pids = PB__V1_PIDS__INIT;
    Pb__V1Cpu cpu = PB__V1_CPU__INIT;
    Pb__V1CpuUsage usage = PB__V1_CPU_USAGE__INIT;
    Pb__V1Throttle throttle = PB__V1_THROTTLE__INIT;
    Pb__V1Memory memory = PB__V1_MEMORY__INIT;
    Pb__V1MemoryEntry used = PB__V1_MEMORY_ENTRY__INIT, swap = PB__V1_MEMORY_ENTRY__INIT;
    pids.current = read_number("pids", path, "pids.current");
    pids.limit = read_number("pids", path, "pids.max");
    if (pids.limit == UINT64_MAX)
        pids.limit = 0; /* this form's word for none */
    usage.total = read_number("cpuacct", path, "cpuacct.usage");
    read_rows("cpuacct", path, "cpuacct.stat",
              (StatRow[]){{"user", &usage.user}, {"system", &usage.kernel}}, 2);
    usage.user *= TICKS;
    usage.kernel *= TICKS;
    read_rows("cpu", path, "cpu.stat",
              (StatRow[]){{"nr_periods", &throttle.periods},
                          {"nr_throttled", &throttle.throttled_periods},
                          {"throttled_time", &throttle.throttled_time}},
              3);
    v1_memory(path, "memory", &used);
    v1_memory(path, "memory.memsw", &swap);
    read_rows("memory", path, "memory.stat",
              (StatRow[]){{"cache", &memory.cache},
                          {"rss", &memory.rss},
                          {"total_inactive_file", &memory.total_inactive_file}},
              3);
    memory.usage = &used;
    memory.swap = &swap;
    cpu.usage = &usage;
    cpu.throttling = &throttle;
    m.pids = &pids;
    m.cpu = &cpu;
    m.memory = &memory;
    message_put(out, &m.base);
}

static void v2_stats(const char *path, Buf *out)
{
    Pb__V2Metrics m = PB__V2_METRICS__INIT;
    Pb__V1Pids pids = PB__V1_PIDS__INIT;
    Pb__V2Cpu cpu = PB__V2_CPU__INIT;
    Pb__V2Memory memory = PB__V2_MEMORY__INIT;
    Pb__V2MemoryEvents events = PB__V2_MEMORY_EVENTS__INIT;
    pids.current = read_number("", path, "pids.current");
    pids.limit = read_number("", path, "pids.max");
    read_rows("", path, "cpu.stat",
              (StatRow[]){{"usage_usec", &cpu.usage_usec},
                          {"user_usec", &cpu.user_usec},
                          {"system_usec", &cpu.system_usec},
                          {"nr_periods", &cpu.nr_periods},
                          {"nr_throttled", &cpu.nr_throttled},
                          {"throttled_usec", &cpu.throttled_usec}},
              6);
    read_rows("", path, "memory.stat",
              (StatRow[]){{"anon", &memory.anon},
                          {"file", &memory.file},
                          {"inactive_file", &memory.inactive_file},
                          {"pgfault", &memory.pgfault},
                          {"pgmajfault", &memory.pgmajfault}},
              5);
    memory.usage = read_number("", path, "memory.current");
    memory.usage_limit = read_number("", path, "memory.max");
    memory.swap_usage = read_number("", path, "memory.swap.current");
    memory.swap_limit = read_number("", path, "memory.swap.max");
    read_rows("", path, "memory.events",
              (StatRow[]){{"low", &events.low},
                          {"high", &events.high},
                          {"max", &events.max},
                          {"oom", &events.oom},
                          {"oom_kill", &events.oom_kill}},
              5);
    m.pids = &pids;
    m.cpu = &cpu;
    m.memory = &memory;
    m.memory_events = &events;
    message_put(out, &m.base);
}

Error *cgroup_stats(const char *path, const char **ret_type, Buf *ret_message)
{
    bool unified = cgroup_is_unified();
    Buf folder = {0};
    buf_printf(&folder, MOUNT "%s%s", unified ? "" : "/memory", path);
    buf_u8(&folder, 0);
    bool there = access((const char *)folder.p, F_OK) == 0;
    buf_release(&folder);
    if (!there)
        return error_new("the control group `%s` is gone", path);
    *ret_type = unified ? "io.containerd.cgroups.v2.Metrics" : "io.containerd.cgroups.v1.Metrics";
    if (unified)
        v2_stats(path, ret_message);
    else
        v1_stats(path, ret_message);
    return NULL;
}

Error *cgroup_pids(const char *path, PidList *ret_pids)
{
    Buf text = {0};
    bool ok = read_text(cgroup_is_unified() ? "" : "memory", path, "cgroup.procs", &text);
    for (const char *p = (const char *)text.p; ok && *p; p += strspn(p, "\n")) {
        char *end;
        unsigned long pid = strtoul(p, &end, 10);
        if (pid > 0 && pid <= INT32_MAX)
            vec_push(ret_pids, (u32)pid);
        p += strcspn(p, "\n");
    }
    buf_release(&text);
    return ok ? NULL : error_new("the control group `%s` is gone", path);
}

u64 cgroup_oom_kills(const char *path)
{
    u64 kills = 0;
    read_rows("", path, "memory.events", (StatRow[]){{"oom_kill", &kills}}, 1);
    return kills;
}
