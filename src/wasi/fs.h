/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The file system as every WASI version sees it: open files and directories, and operations on
 * paths beneath a directory. Permissions of the preopen travel with every node opened through it.
 *
 * Functions return 0 or an errno value; outputs are left alone on failure.
 */
#ifndef WASI_FS_H
#define WASI_FS_H

#include "wasi/sandbox.h"

/* An open file or directory. */
typedef struct FsNode {
    int fd;
    bool borrowed; /* somebody else closes fd */
    bool is_dir;
    bool read_only;          /* beneath a read-only preopen */
    bool readable, writable; /* how it was opened */
} FsNode;
void fs_node_release(FsNode *n);

enum FsOpenFlags {
    FS_OPEN_READ = 1,
    FS_OPEN_WRITE = 2,
    FS_OPEN_CREATE = 4,
    FS_OPEN_EXCLUSIVE = 8, /* means nothing without FS_OPEN_CREATE */
    FS_OPEN_TRUNCATE = 16,
    FS_OPEN_DIRECTORY = 32,
    FS_OPEN_FOLLOW = 64,
};
int fs_open_at(Sandbox *s, const FsNode *dir, Str path, u32 flags, FsNode *ret_node);

int fs_stat_at(Sandbox *s, const FsNode *dir, Str path, bool follow, OsStat *ret_stat);
int fs_create_directory_at(Sandbox *s, const FsNode *dir, Str path);
int fs_remove_directory_at(Sandbox *s, const FsNode *dir, Str path);
int fs_unlink_at(Sandbox *s, const FsNode *dir, Str path);
int fs_rename_at(Sandbox *s, const FsNode *old_dir, Str old_path, const FsNode *new_dir,
                 Str new_path);
int fs_link_at(Sandbox *s, const FsNode *old_dir, bool follow, Str old_path, const FsNode *new_dir,
               Str new_path);
int fs_symlink_at(Sandbox *s, Str target, const FsNode *dir, Str path);
/* EPERM if the target is absolute, EILSEQ if it is not UTF-8. */
int fs_readlink_at(Sandbox *s, const FsNode *dir, Str path, char buf[WASI_LIMIT_PATH],
                   usize *ret_len);
/* A NULL time stays as it is. */
int fs_set_times_at(Sandbox *s, const FsNode *dir, Str path, bool follow, const OsTime *atime,
                    const OsTime *mtime);
int fs_set_times(const FsNode *n, const OsTime *atime, const OsTime *mtime);
int fs_set_size(const FsNode *n, u64 size);

/* What guests see instead of device and inode numbers. */
u64 fs_identity(const OsStat *st);
/* Nanoseconds since 1970. Earlier times are 0, later than 2^64 - 1 is EOVERFLOW. */
int fs_time_ns(OsTime t, u64 *ret_ns);

/* An entry of a directory; ino is the host's. */
typedef struct FsEntry {
    const char *name; /* NULL: it is not UTF-8 */
    u64 ino;
    OsFileType type; /* OS_FILE_UNKNOWN if the system did not say */
} FsEntry;

/* The entries of a directory as they were at one moment, without "." and "..". */
typedef struct FsListing FsListing;
/* ENOMEM if they take more than max_bytes. */
int fs_list(const FsNode *dir, u64 max_bytes, FsListing **ret_listing);
u64 fs_listing_bytes(const FsListing *l); /* that it takes */
u32 fs_listing_count(const FsListing *l);
bool fs_listing_is_utf8(const FsListing *l); /* all names are */
FsEntry fs_listing_entry(const FsListing *l, u32 i);
void fs_listing_free(FsListing *l);

#endif
