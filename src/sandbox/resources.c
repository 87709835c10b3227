/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What is not done here (block devices, huge pages, network, RDMA, raw files) must be empty. */
#include "sandbox/resources.h"

static void read_access(Reader *r, const json_t *v, const char *where, DeviceRule *rule)
{
    const char *access = reader_text(r, v, where, "access");
    for (const char *p = access ? access : "rwm"; *p; p++) {
        if (*p == 'r')
            rule->access |= DEVICE_READ;
        else if (*p == 'w')
            rule->access |= DEVICE_WRITE;
        else if (*p == 'm')
            rule->access |= DEVICE_MAKE;
        else
            reader_refuse(r, where, "`access` has other letters than r, w and m");
    }
}

static void read_device(Reader *r, const json_t *v, DeviceRule *rule)
{
    const char *where = "linux.resources.devices";
    if (!reader_object(r, v, where, "allow type major minor access"))
        return;
    const char *type = reader_text(r, v, where, "type");
    type = type && *type ? type : "a";
    *rule = (DeviceRule){.allow = reader_bool(r, v, where, "allow"), .major = -1, .minor = -1};
    if (type[1] || !strchr("abc", type[0]))
        reader_refuse(r, where, "the type `%.20s` is not known", type);
    rule->type = type[0];
    reader_int(r, v, where, "major", -1, UINT32_MAX, &rule->major);
    reader_int(r, v, where, "minor", -1, UINT32_MAX, &rule->minor);
    if (rule->type == 'a' && (rule->major >= 0 || rule->minor >= 0))
        reader_refuse(r, where, "numbers without a type");
    read_access(r, v, where, rule);
    if (rule->type == 'a' && rule->access != (DEVICE_READ | DEVICE_WRITE | DEVICE_MAKE))
        reader_refuse(r, where, "part of the access to all devices");
}

static void read_devices(Reader *r, const json_t *v, Resources *res)
{
    const json_t *list = reader_list(r, v, "linux.resources", "devices", DEVICE_RULES);
    usize n = json_array_size(list);
    DeviceRule *rules = arena_array(r->arena, DeviceRule, n);
    for (usize i = 0; i < n; i++) {
        if (!json_is_object(json_array_get(list, i)))
            reader_refuse(r, "linux.resources.devices", "not an object");
        read_device(r, json_array_get(list, i), &rules[i]);
    }
    res->devices = rules;
    res->ndevices = (u32)n;
}

typedef struct NumberRow {
    const char *key;
    i64 least, most;
    i64 *value;
} NumberRow;

static void read_numbers(Reader *r, const json_t *v, const char *where, const NumberRow *rows,
                         usize n)
{
    for (usize i = 0; i < n; i++)
        reader_int(r, v, where, rows[i].key, rows[i].least, rows[i].most, rows[i].value);
}

static void read_memory(Reader *r, const json_t *v, Resources *res)
{
    const char *where = "linux.resources.memory";
    if (!reader_object(r, v, where, "limit swap reservation swappiness disableOOMKiller"))
        return;
    const NumberRow rows[] = {{"limit", -1, INT64_MAX, &res->memory},
                              {"swap", -1, INT64_MAX, &res->memory_swap},
                              {"reservation", -1, INT64_MAX, &res->memory_reservation},
                              {"swappiness", 0, 100, &res->swappiness}};
    read_numbers(r, v, where, rows, ARRAY_LEN(rows));
    res->no_oom_kill = reader_bool(r, v, where, "disableOOMKiller");
}

/* Lists of numbers and ranges, as the kernel takes them. */
static const char *read_set(Reader *r, const json_t *v, const char *where, const char *key)
{
    const char *text = reader_text(r, v, where, key);
    if (!text || !*text)
        return NULL;
    if (strspn(text, "0123456789,-") != strlen(text))
        reader_refuse(r, where, "`%s` is not a list of numbers", key);
    return text;
}

static void read_cpu(Reader *r, const json_t *v, Resources *res)
{
    const char *where = "linux.resources.cpu";
    if (!reader_object(r, v, where, "shares quota period burst idle cpus mems"))
        return;
    const NumberRow rows[] = {{"shares", 0, INT64_MAX, &res->cpu_shares},
                              {"quota", -1, INT64_MAX, &res->cpu_quota},
                              {"period", 0, INT64_MAX, &res->cpu_period},
                              {"burst", 0, INT64_MAX, &res->cpu_burst},
                              {"idle", 0, 1, &res->cpu_idle}};
    read_numbers(r, v, where, rows, ARRAY_LEN(rows));
    res->cpus = read_set(r, v, where, "cpus");
    res->mems = read_set(r, v, where, "mems");
}

void resources_read(Reader *r, const json_t *v, const char *where, Resources *ret_resources)
{
    Resources res = {.memory = RESOURCE_NONE,
                     .memory_swap = RESOURCE_NONE,
                     .memory_reservation = RESOURCE_NONE,
                     .swappiness = RESOURCE_NONE,
                     .cpu_shares = RESOURCE_NONE,
                     .cpu_quota = RESOURCE_NONE,
                     .cpu_period = RESOURCE_NONE,
                     .cpu_burst = RESOURCE_NONE,
                     .cpu_idle = RESOURCE_NONE,
                     .pids = RESOURCE_NONE};
    if (reader_object(r, v, where,
                      "devices memory cpu pids blockIO hugepageLimits network rdma unified")) {
        static const char *const undone[] = {"blockIO", "hugepageLimits", "network", "rdma",
                                             "unified"};
        for (usize i = 0; i < ARRAY_LEN(undone); i++)
            reader_empty(r, v, where, undone[i]);
        read_devices(r, v, &res);
        read_memory(r, json_object_get(v, "memory"), &res);
        read_cpu(r, json_object_get(v, "cpu"), &res);
        const json_t *pids = json_object_get(v, "pids");
        if (reader_object(r, pids, "linux.resources.pids", "limit"))
            reader_int(r, pids, "linux.resources.pids", "limit", -1, INT64_MAX, &res.pids);
    }
    *ret_resources = res;
}
