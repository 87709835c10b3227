/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Options as mount(8) spells them: flags by the table, all others are the file system's data. */
#include "shim/mounts.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_DATA = 4095, MAX_LAYERS = 64 };

typedef struct MountFlag {
    const char *name;
    bool clear;
    unsigned long flag;
} MountFlag;

/* clang-format off */
static const MountFlag flags[] = {
    {"async", true, MS_SYNCHRONOUS}, {"atime", true, MS_NOATIME}, {"bind", false, MS_BIND},
    {"defaults", false, 0}, {"dev", true, MS_NODEV}, {"diratime", true, MS_NODIRATIME},
    {"dirsync", false, MS_DIRSYNC}, {"exec", true, MS_NOEXEC}, {"noatime", false, MS_NOATIME},
    {"nodev", false, MS_NODEV}, {"nodiratime", false, MS_NODIRATIME}, {"noexec", false, MS_NOEXEC},
    {"norelatime", true, MS_RELATIME}, {"nostrictatime", true, MS_STRICTATIME},
    {"nosuid", false, MS_NOSUID}, {"rbind", false, MS_BIND | MS_REC},
    {"relatime", false, MS_RELATIME}, {"remount", false, MS_REMOUNT}, {"ro", false, MS_RDONLY},
    {"rw", true, MS_RDONLY}, {"strictatime", false, MS_STRICTATIME}, {"suid", true, MS_NOSUID},
    {"sync", false, MS_SYNCHRONOUS},
};
/* clang-format on */

static void add_option(const char *option, unsigned long *mask, Buf *data)
{
    for (usize i = 0; i < ARRAY_LEN(flags); i++) {
        if (strcmp(flags[i].name, option) == 0) {
            *mask = flags[i].clear ? *mask & ~flags[i].flag : *mask | flags[i].flag;
            return;
        }
    }
    if (data->n > 0)
        buf_u8(data, ',');
    buf_str(data, str_of(option));
}

static Error *mount_one(const Pb__Mount *m, const char *target)
{
    unsigned long mask = 0;
    Buf data = {0};
    for (usize i = 0; i < m->n_options; i++)
        add_option(m->options[i], &mask, &data);
    Error *e = NULL;
    if (data.n > MAX_DATA)
        e = error_new("the options of the mount of `%s` have %zu bytes, more than %d", m->source,
                      data.n, MAX_DATA);
    buf_u8(&data, 0);
    const char *text = (const char *)data.p;
    if (!e && mount(m->source, target, m->type, mask, *text ? text : NULL) != 0)
        e = error_new("failed to mount `%s` (%s) at `%s`: %s", m->source, m->type, target,
                      strerror(errno));
    /* A bind mount takes its other flags with a second call only. */
    unsigned long late = mask & (unsigned long)~(MS_BIND | MS_REC);
    if (!e && (mask & MS_BIND) && late &&
        mount(NULL, target, NULL, late | MS_BIND | MS_REMOUNT, NULL) != 0)
        e = error_new("failed to set the flags of the mount at `%s`: %s", target, strerror(errno));
    buf_release(&data);
    return e;
}

Error *mounts_make(Pb__Mount *const *mounts, usize n, const char *target)
{
    Error *e = NULL;
    struct stat st;
    if (n > MAX_LAYERS)
        return error_new("%zu mounts for a rootfs, more than %d", n, MAX_LAYERS);
    if (n > 0 && mkdir(target, 0711) != 0 && errno != EEXIST)
        return error_new("failed to create `%s`: %s", target, strerror(errno));
    if (n > 0 && (lstat(target, &st) != 0 || !S_ISDIR(st.st_mode)))
        return error_new("`%s` is not a directory", target);
    for (usize i = 0; i < n && !e; i++) {
        if (mounts[i]->target[0])
            e = error_new("a mount of a rootfs has the target `%s`", mounts[i]->target);
        else
            e = mount_one(mounts[i], target);
    }
    if (e)
        mounts_undo(target);
    return e;
}

bool mounts_undo(const char *target)
{
    for (int i = 0; i < MAX_LAYERS; i++)
        if (umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
            return errno == EINVAL || errno == ENOENT;
    return false;
}
