/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Path resolution that cannot leave a directory.
 *
 * A guest's path is relative to an open directory, its root. What is opened lies beneath the root
 * at every step: absolute paths and links, `..` at the root, magic links and everything on a
 * procfs (its `mem` files are other processes' memory) are refused with EPERM, so is a sysfs unless
 * the root is on one. The kernel does the work where it has openat2; elsewhere the path is walked
 * one component at a time, each opened without following links, links expanded by us. `..` goes
 * back to a directory that is still open, so moving directories about meanwhile leads nowhere new.
 *
 * All functions return 0 or an errno value.
 */
#ifndef WASI_SANDBOX_H
#define WASI_SANDBOX_H

#include "os/fs.h"

enum WasiLimit {
#define LIMIT(name, value, what) WASI_LIMIT_##name = (value),
#include "wasi/limits.def"
#undef LIMIT
};

typedef struct Sandbox {
    bool walk; /* openat2 is not to be had, or must not be used (tests) */
} Sandbox;

/* Copies a guest's path: EINVAL if it holds a NUL, ENAMETOOLONG, ENOENT if it is empty. */
int sandbox_path(Str path, char buf[WASI_LIMIT_PATH]);

/* Opens what `path` names, with OS_OPEN flags. A final link is followed unless OS_OPEN_NOFOLLOW. */
int sandbox_open(Sandbox *s, int root, const char *path, u32 flags, int *ret_fd);

/*
 * The last component of a path and the directory that holds it, for operations on names. The name
 * is never "..", has no slash, and may be a link. A path that ends in "/" or "/." or ".." yields
 * the directory itself and the name ".".
 */
typedef struct SandboxParent {
    int dir;
    bool owned; /* dir is not the root itself and sandbox_parent_release closes it */
    char name[WASI_LIMIT_NAME + 1]; /* room for a slash */
} SandboxParent;
int sandbox_parent(Sandbox *s, int root, const char *path, SandboxParent *ret_parent);
void sandbox_parent_release(SandboxParent *p);

#endif
