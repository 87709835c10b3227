/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Control groups through their file systems, as cgroupfs drivers do: of version 1 one folder in
 * each hierarchy, of version 2 one folder. A path is absolute, without "." and "..", below the
 * hierarchy's root.
 */
#ifndef SANDBOX_CGROUP_H
#define SANDBOX_CGROUP_H

#include "base/error.h"
#include "base/vec.h"
#include "sandbox/resources.h"

typedef struct CgroupTree {
    char *dir;         /* own: "/sys/fs/cgroup/cpu,cpuacct" */
    char *controllers; /* own: "cpu,cpuacct", "name=systemd", "" of version 2 */
} CgroupTree;

typedef struct Cgroups {
    VEC(CgroupTree) trees; /* of this host */
    bool unified;          /* version 2 alone */
} Cgroups;

/* The hierarchies that this process is in. */
Error *cgroups_init(Cgroups *c) MUST_CHECK;
void cgroups_release(Cgroups *c);
bool cgroup_path_valid(const char *path);
bool cgroup_exists(const Cgroups *c, const char *path);
/* Makes the group in each hierarchy; nothing is left of it on failure. */
Error *cgroup_make(const Cgroups *c, const char *path) MUST_CHECK;
Error *cgroup_set(const Cgroups *c, const char *path, const Resources *res) MUST_CHECK;
/*
 * Files to which a process with one thread writes "0" to join all of the group's folders of version
 * 1; own, NULL ends them. They are those of threads: for a whole process, the kernel first waits
 * until no other begins or ends (some 10 ms).
 */
char **cgroup_joins(const Cgroups *c, const char *path);
/* The group's folder of version 2, where a process can begin; own, NULL if there is none. */
char *cgroup_folder(const Cgroups *c, const char *path);
void cgroup_joins_free(char **joins);
Error *cgroup_freeze(const Cgroups *c, const char *path, bool on) MUST_CHECK;
/* Sends the signal to all processes of the group. */
void cgroup_signal(const Cgroups *c, const char *path, int signal);
/* Kills what is in it, waits for the end and removes it with all groups below. */
Error *cgroup_remove(const Cgroups *c, const char *path) MUST_CHECK;

#endif
