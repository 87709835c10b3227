/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Preview 1: operations on paths beneath a directory. */
#include "wasi/p1/p1_priv.h"

static u32 open_flags(u32 lookup, u32 oflags, u64 rights)
{
    u32 flags = 0;
    if (rights & P1_RIGHT_FD_READ)
        flags |= FS_OPEN_READ;
    if (rights & P1_RIGHT_FD_WRITE)
        flags |= FS_OPEN_WRITE;
    if (oflags & P1_OFLAGS_CREAT)
        flags |= FS_OPEN_CREATE;
    if (oflags & P1_OFLAGS_EXCL)
        flags |= FS_OPEN_EXCLUSIVE;
    if (oflags & P1_OFLAGS_TRUNC)
        flags |= FS_OPEN_TRUNCATE;
    if (oflags & P1_OFLAGS_DIRECTORY)
        flags |= FS_OPEN_DIRECTORY;
    if (lookup & P1_LOOKUP_SYMLINK_FOLLOW)
        flags |= FS_OPEN_FOLLOW;
    return flags;
}

/* The directory a path is relative to. */
static u32 open_base(P1Call *c, u32 fd, FsNode *ret_node)
{
    const WasiFd *d = wasi_fd_get(c->ctx, fd);
    if (!d)
        return P1_EBADF;
    if (d->kind != WASI_FD_DIR)
        return d->kind == WASI_FD_FILE ? P1_ENOTDIR : P1_EBADF;
    *ret_node = d->node;
    return P1_SUCCESS;
}

u32 p1_path_open(P1Call *c, u32 fd, u32 lookup, u32 path, u32 len, u32 oflags, u64 base,
                 u64 inheriting, u32 fdflags, u32 ret)
{
    Str p;
    u32 fault;
    FsNode dir, node;
    if (!p1_check_flags(c, lookup, P1_LOOKUP_ALL, 32, "Lookupflags") ||
        !p1_check_flags(c, oflags, P1_OFLAGS_ALL, 16, "Oflags") ||
        !p1_check_flags(c, base, c->abi->rights, 64, "Rights") ||
        !p1_check_flags(c, inheriting, c->abi->rights, 64, "Rights") ||
        !p1_check_flags(c, fdflags, P1_FDFLAGS_ALL, 16, "Fdflags"))
        return P1_EINVAL;
    if (!p1_path(c, path, len, &p, &fault))
        return fault;
    u32 err = open_base(c, fd, &dir);
    if (err)
        return err;
    if (fdflags & (P1_FDFLAGS_DSYNC | P1_FDFLAGS_SYNC | P1_FDFLAGS_RSYNC))
        return P1_ENOTSUP;
    err = p1_errno(fs_open_at(&c->ctx->sandbox, &dir, p, open_flags(lookup, oflags, base), &node));
    if (err)
        return err;
    WasiFd d = {.kind = node.is_dir ? WASI_FD_DIR : WASI_FD_FILE, .node = node};
    if (!node.is_dir) {
        d.append = fdflags & P1_FDFLAGS_APPEND;
        d.nonblock = fdflags & P1_FDFLAGS_NONBLOCK;
    }
    u32 number;
    if (wasi_fd_push(c->ctx, &d, &number)) {
        p1_ret_u32(c, ret, number, "fd");
    } else {
        fs_node_release(&node);
        p1_fail_full(c);
    }
    return P1_SUCCESS;
}

/* For the functions that do one thing with one path of a directory. */
static u32 with_path(P1Call *c, u32 fd, u32 path, u32 len,
                     int (*act)(Sandbox *s, const FsNode *dir, Str path))
{
    Str p;
    u32 fault;
    const WasiFd *d = p1_dir(c, fd);
    if (!d)
        return P1_EBADF;
    if (!p1_path(c, path, len, &p, &fault))
        return fault;
    return p1_errno(act(&c->ctx->sandbox, &d->node, p));
}

u32 p1_path_create_directory(P1Call *c, u32 fd, u32 path, u32 len)
{
    return with_path(c, fd, path, len, fs_create_directory_at);
}

u32 p1_path_remove_directory(P1Call *c, u32 fd, u32 path, u32 len)
{
    return with_path(c, fd, path, len, fs_remove_directory_at);
}

u32 p1_path_unlink_file(P1Call *c, u32 fd, u32 path, u32 len)
{
    return with_path(c, fd, path, len, fs_unlink_at);
}

u32 p1_path_link(P1Call *c, u32 old_fd, u32 lookup, u32 old_path, u32 old_len, u32 new_fd,
                 u32 new_path, u32 new_len)
{
    Str from, to;
    u32 fault;
    if (!p1_check_flags(c, lookup, P1_LOOKUP_ALL, 32, "Lookupflags"))
        return P1_EINVAL;
    const WasiFd *old_dir = p1_dir(c, old_fd), *new_dir = p1_dir(c, new_fd);
    if (!old_dir || !new_dir)
        return P1_EBADF;
    if (!p1_path(c, old_path, old_len, &from, &fault) ||
        !p1_path(c, new_path, new_len, &to, &fault))
        return fault;
    return p1_errno(fs_link_at(&c->ctx->sandbox, &old_dir->node, lookup & P1_LOOKUP_SYMLINK_FOLLOW,
                               from, &new_dir->node, to));
}

u32 p1_path_rename(P1Call *c, u32 old_fd, u32 old_path, u32 old_len, u32 new_fd, u32 new_path,
                   u32 new_len)
{
    Str from, to;
    u32 fault;
    const WasiFd *old_dir = p1_dir(c, old_fd), *new_dir = p1_dir(c, new_fd);
    if (!old_dir || !new_dir)
        return P1_EBADF;
    if (!p1_path(c, old_path, old_len, &from, &fault) ||
        !p1_path(c, new_path, new_len, &to, &fault))
        return fault;
    return p1_errno(fs_rename_at(&c->ctx->sandbox, &old_dir->node, from, &new_dir->node, to));
}

u32 p1_path_symlink(P1Call *c, u32 target, u32 target_len, u32 fd, u32 path, u32 len)
{
    Str to, p;
    u32 fault;
    const WasiFd *d = p1_dir(c, fd);
    if (!d)
        return P1_EBADF;
    if (!p1_path(c, target, target_len, &to, &fault) || !p1_path(c, path, len, &p, &fault))
        return fault;
    return p1_errno(fs_symlink_at(&c->ctx->sandbox, to, &d->node, p));
}

u32 p1_path_readlink(P1Call *c, u32 fd, u32 path, u32 len, u32 buf, u32 cap, u32 ret)
{
    Str p;
    u32 fault;
    const WasiFd *d = p1_dir(c, fd);
    if (!d)
        return P1_EBADF;
    if (!p1_path(c, path, len, &p, &fault))
        return fault;
    char target[WASI_LIMIT_PATH];
    usize n;
    int err = fs_readlink_at(&c->ctx->sandbox, &d->node, p, target, &n);
    if (err)
        return p1_errno(err);
    u32 take = (u32)MIN(n, cap); /* silently cut off, as readlink does */
    guest_put(&c->mem, buf, target, take);
    p1_ret_u32(c, ret, take, "size");
    return P1_SUCCESS;
}
