/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What to do for one container, read from its OCI configuration: nothing but numbers and text, so
 * that the child, which may not allocate, only has to follow it.
 *
 * The reader is strict. A key that it does not know, a value of a kind or range that it does not
 * expect, or one that is known and not done here, ends it with a reason; then the OCI runtime makes
 * the container instead. All memory is the plan's arena.
 */
#ifndef SANDBOX_PLAN_H
#define SANDBOX_PLAN_H

#include "os/isolate.h"
#include "os/mount.h"
#include "sandbox/resources.h"

#include <jansson.h>

enum {
    PLAN_MOUNTS = 1000,
    PLAN_PARAMS = 16,
    PLAN_DEVICES = 1000,
    PLAN_PATHS = 1000,
    PLAN_GROUPS = 65536,
    PLAN_WORDS = 100000, /* of the environment, arguments */
    PLAN_FILTER = 4096,  /* instructions; the kernel's limit */
};

typedef enum PlanMountKind { PLAN_MOUNT_NEW, PLAN_MOUNT_BIND, PLAN_MOUNT_CGROUP } PlanMountKind;

typedef struct PlanMount {
    PlanMountKind kind;
    const char *type, *source, *target;
    OsMountParam params[PLAN_PARAMS];
    u32 nparams;
    u32 set, clear;      /* OS_MOUNT_* */
    bool recursive;      /* PLAN_MOUNT_BIND: with what is mounted below */
    bool late_read_only; /* after all was made in it */
    bool mode_of_target; /* tmpfs without a mode: that of what it hides */
    bool plain_target;   /* no link may lead to it */
    OsPropagation propagation;
    bool propagation_recursive;
} PlanMount;

typedef struct PlanDevice {
    const char *path;
    OsNodeType type;
    u32 major, minor, mode, uid, gid;
} PlanDevice;

typedef struct PlanJoin {
    u32 namespace;
    const char *path;
} PlanJoin;

typedef struct PlanLimit {
    int limit;
    u64 soft, hard;
} PlanLimit;

typedef struct PlanProcess {
    const char **args, **env; /* NULL ends them */
    const char *cwd;
    u32 uid, gid, umask;
    u32 *groups, ngroups;
    OsCaps caps;
    bool no_new_privileges;
    PlanLimit limits[OS_LIMITS];
    u32 nlimits;
    const char *oom_score; /* NULL: as it is */
    bool terminal;
    u16 columns, rows; /* of it; 0: nothing is said */
} PlanProcess;

typedef struct Plan {
    Arena arena;
    PlanProcess process;
    const char *root; /* absolute path on the host */
    bool read_only;
    OsPropagation root_propagation; /* of all that the container sees of the host's mounts */
    const char *hostname, *domainname;
    u32 new_namespaces; /* OS_NS_* */
    PlanJoin joins[6];
    u32 njoins;
    PlanMount *mounts;
    u32 nmounts;
    PlanDevice *devices;
    u32 ndevices;
    bool makes_dev; /* /dev is not the host's: it gets the devices and links of every container */
    const char **masked, **read_only_paths;
    u32 nmasked, nread_only_paths;
    const char *cgroup; /* below each hierarchy's root */
    Resources resources;
    OsFilterInsn *filter;
    u16 nfilter; /* 0: none */
    u32 filter_flags;
} Plan;

void plan_release(Plan *p);
/* NULL if the plan is made; otherwise why not, own: "linux.x: ...". `root` is the root's path. */
char *plan_read(Plan *p, const json_t *config, const char *root) MUST_CHECK;
/* A further process of a container: the specification's `process`. */
char *plan_read_process(Plan *p, const json_t *process, const char *root) MUST_CHECK;

#endif
