/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Fuzz target of the sandbox: a configuration is refused with a reason, or the plan keeps what the
 * child relies on. The programs for the kernel jump forwards, to instructions that are there.
 */
#include "fuzz/targets.h"
#include "sandbox/cgroup.h"
#include "sandbox/device_filter.h"
#include "sandbox/plan.h"

#include <linux/bpf.h>
#include <linux/filter.h>

static void check_filter(const Plan *p)
{
    for (u32 i = 0; i < p->nfilter; i++) {
        const OsFilterInsn *insn = &p->filter[i];
        u64 far = insn->code == (BPF_JMP | BPF_JA)   ? insn->k
                  : BPF_CLASS(insn->code) == BPF_JMP ? MAX(insn->jt, insn->jf)
                                                     : 0;
        bool ends = BPF_CLASS(insn->code) == BPF_RET;
        if (!ends && i + 1 + far >= p->nfilter)
            fuzz_finding("instruction %u of the filter leads out of it", i);
    }
}

static void check_device_filter(const Resources *r)
{
    DeviceFilter f;
    device_filter_make(r->devices, r->ndevices, &f);
    for (u32 i = 0; i < f.n; i++)
        if (f.p[i].code != (BPF_JMP | BPF_EXIT) && (u64)i + 1 + (u16)f.p[i].off >= f.n)
            fuzz_finding("instruction %u of the filter of devices leads out of it", i);
    vec_release(&f);
}

static void check_plan(const Plan *p)
{
    bool home = false;
    for (const char **e = p->process.env; *e; e++) {
        home = home || str_starts(str_of(*e), STR("HOME="));
        if (!strchr(*e, '='))
            fuzz_finding("a variable without a value");
    }
    if (!home || p->process.cwd[0] != '/' || !cgroup_path_valid(p->cgroup))
        fuzz_finding("no home, folder or control group");
    for (u32 i = 0; i < p->nmounts; i++)
        if (p->mounts[i].target[0] != '/' || p->mounts[i].nparams > PLAN_PARAMS ||
            (p->mounts[i].kind == PLAN_MOUNT_BIND && p->mounts[i].source[0] != '/'))
            fuzz_finding("mount %u is not right", i);
    check_filter(p);
    check_device_filter(&p->resources);
}

void fuzz_plan(const u8 *bytes, usize n)
{
    Plan p;
    json_t *config = json_loadb((const char *)bytes, n, JSON_ALLOW_NUL, NULL);
    char *why = plan_read(&p, config, "/nonexistent");
    if (!why)
        check_plan(&p);
    mem_free(why);
    plan_release(&p);
    why = plan_read_process(&p, json_object_get(config, "process"), "/nonexistent");
    mem_free(why);
    plan_release(&p);
    json_decref(config);
}
