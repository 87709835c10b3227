/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Mounts by descriptor (Linux 5.12 and later): a mount is made detached, then attached where a
 * descriptor says, so no path is looked up twice and no link can be put in between. The functions
 * return 0 or an errno value, leave outputs alone on failure, allocate nothing and take no lock:
 * they may be called in the child of a process with threads. All descriptors are close-on-exec.
 */
#ifndef OS_MOUNT_H
#define OS_MOUNT_H

#include "base/base.h"

/* The kernel's numbers for attributes of a mount. */
enum OsMountAttr {
    OS_MOUNT_RDONLY = 0x01,
    OS_MOUNT_NOSUID = 0x02,
    OS_MOUNT_NODEV = 0x04,
    OS_MOUNT_NOEXEC = 0x08,
    OS_MOUNT_NOATIME = 0x10,
    OS_MOUNT_STRICTATIME = 0x20,
    OS_MOUNT_ATIME = 0x70, /* the field of the two above; 0 in it is relatime */
    OS_MOUNT_NODIRATIME = 0x80,
};

typedef enum OsPropagation {
    OS_PROPAGATION_KEEP,
    OS_PROPAGATION_PRIVATE,
    OS_PROPAGATION_SLAVE,
    OS_PROPAGATION_SHARED,
    OS_PROPAGATION_UNBINDABLE,
} OsPropagation;

/* An option of a file system; without value (NULL) it is a flag. */
typedef struct OsMountParam {
    const char *key, *value;
} OsMountParam;

/* Do this kernel and what confines this process have the calls? */
bool os_mount_supported(void);

/*
 * A handle (O_PATH) on `path` inside the tree of `root`: links are followed as if `root` were the
 * root of all; magic links are refused.
 */
int os_open_in_root(int root, const char *path, bool directory, int *ret_fd);
/* The same, but a link anywhere in the path is an error (ELOOP). */
int os_open_without_links(int root, const char *path, int *ret_fd);
/* A regular file inside the root, for reading; EACCES if it is something else. */
int os_open_file_in_root(int root, const char *path, int *ret_fd);
/* A handle on a path of the process, with links. */
int os_open_handle(const char *path, int *ret_fd);

/* A new file system, as a detached mount. */
int os_mount_new(const char *type, const char *source, const OsMountParam *params, usize nparams,
                 u32 attr, int *ret_fd);
/* A detached copy of the mount at `dir` (with "" as path) or at a path. */
int os_mount_clone(int dir, const char *path, bool recursive, int *ret_fd);
int os_mount_attach(int mount, int target);
int os_mount_attach_at(int mount, const char *path);
int os_mount_set(int mount, u32 set, u32 clear);
int os_mount_propagate(int mount, OsPropagation p, bool recursive);
/* What is mounted or unmounted in other namespaces from now on comes here (or not), but not the
 * other way. */
int os_mount_separate(bool slave);
/* The mount becomes the root of this namespace, and the old root is gone from it. */
int os_mount_pivot(int mount);

typedef enum OsNodeType { OS_NODE_CHAR, OS_NODE_BLOCK, OS_NODE_FIFO } OsNodeType;
/* A device node, with exactly this mode and owner. EEXIST if there is something of that name. */
int os_make_node(int dir, const char *name, OsNodeType type, u32 major, u32 minor, u32 mode,
                 u32 uid, u32 gid);
/* Is it a character device with these numbers? */
bool os_is_char_device(int fd, u32 major, u32 minor);
/* A directory; an empty file if there is none. The mode is as given, without umask if that is 0. */
int os_make_link(int dir, const char *name, const char *to); /* symbolic */
int os_remove_file(int dir, const char *name);
int os_make_dir(int dir, const char *name, u32 mode);
int os_make_file(int dir, const char *name, u32 mode);
int os_mode_of(int fd, u32 *ret_mode); /* the permissions */
bool os_is_dir(int fd);

#endif
