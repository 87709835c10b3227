/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Preview 1: what can be asked of a descriptor, and directories. Rights are reported, not
 * enforced: what a descriptor may do follows from how it was opened and from its preopen.
 */
#include "wasi/p1/p1_priv.h"

#include "os/time.h"

u32 p1_fd_advise(P1Call *c, u32 fd, u64 offset, u64 len, u32 advice)
{
    if (!p1_check_enum(c, advice, OS_ADVICE_NOREUSE + 1, "Advice"))
        return P1_EINVAL;
    const WasiFd *d = p1_file(c, fd);
    return d ? p1_errno(os_advise(d->node.fd, offset, len, (OsAdvice)advice)) : P1_EBADF;
}

u32 p1_fd_allocate(P1Call *c, u32 fd, u64 offset, u64 len)
{
    (void)offset, (void)len;
    return p1_file(c, fd) ? P1_ENOTSUP : P1_EBADF;
}

u32 p1_fd_close(P1Call *c, u32 fd)
{
    if (!wasi_fd_get(c->ctx, fd))
        return P1_EBADF;
    wasi_fd_close(c->ctx, fd);
    return P1_SUCCESS;
}

static u32 sync_file(P1Call *c, u32 fd, bool data_only)
{
    const WasiFd *d = p1_file(c, fd);
    return d ? p1_errno(os_sync(d->node.fd, data_only)) : P1_EBADF;
}

u32 p1_fd_datasync(P1Call *c, u32 fd)
{
    return sync_file(c, fd, true);
}

u32 p1_fd_sync(P1Call *c, u32 fd)
{
    return sync_file(c, fd, false);
}

/* Of a preopen: a fixed set that the C libraries of guests look for. */
enum {
    PREOPEN_RIGHTS = P1_RIGHT_PATH_CREATE_DIRECTORY | P1_RIGHT_PATH_CREATE_FILE |
                     P1_RIGHT_PATH_LINK_SOURCE | P1_RIGHT_PATH_LINK_TARGET | P1_RIGHT_PATH_OPEN |
                     P1_RIGHT_FD_READDIR | P1_RIGHT_PATH_READLINK | P1_RIGHT_PATH_RENAME_SOURCE |
                     P1_RIGHT_PATH_RENAME_TARGET | P1_RIGHT_PATH_SYMLINK |
                     P1_RIGHT_PATH_REMOVE_DIRECTORY | P1_RIGHT_PATH_UNLINK_FILE |
                     P1_RIGHT_PATH_FILESTAT_GET | P1_RIGHT_PATH_FILESTAT_SET_TIMES |
                     P1_RIGHT_FD_FILESTAT_GET | P1_RIGHT_FD_FILESTAT_SET_TIMES,
    PREOPEN_INHERITING = PREOPEN_RIGHTS | P1_RIGHT_FD_DATASYNC | P1_RIGHT_FD_READ |
                         P1_RIGHT_FD_SEEK | P1_RIGHT_FD_FDSTAT_SET_FLAGS | P1_RIGHT_FD_SYNC |
                         P1_RIGHT_FD_TELL | P1_RIGHT_FD_WRITE | P1_RIGHT_FD_ADVISE |
                         P1_RIGHT_FD_ALLOCATE | P1_RIGHT_FD_FILESTAT_SET_SIZE |
                         P1_RIGHT_POLL_FD_READWRITE,
};

typedef struct Fdstat {
    u8 filetype;
    u16 flags;
    u64 base, inheriting;
} Fdstat;

static Fdstat fdstat_of_dir(const P1Call *c, const WasiFd *d)
{
    if (d->preopen)
        return (Fdstat){P1_FILETYPE_DIRECTORY, 0, PREOPEN_RIGHTS, PREOPEN_INHERITING};
    u64 rights = c->abi->rights & ~(u64)(P1_RIGHT_FD_SEEK | P1_RIGHT_FD_FILESTAT_SET_SIZE |
                                         P1_RIGHT_PATH_FILESTAT_SET_SIZE | P1_RIGHT_FD_WRITE);
    return (Fdstat){P1_FILETYPE_DIRECTORY, 0, rights, rights};
}

static int fdstat_of_file(const P1Call *c, const WasiFd *d, Fdstat *ret_stat)
{
    OsStat st;
    int err = os_stat(d->node.fd, &st);
    if (err)
        return err;
    u64 rights = c->abi->rights;
    if (!d->node.readable)
        rights &= ~(u64)(P1_RIGHT_FD_READ | P1_RIGHT_FD_READDIR);
    if (!d->node.writable)
        rights &= ~(u64)P1_RIGHT_FD_WRITE;
    u32 flags = (d->append ? P1_FDFLAGS_APPEND : 0u) | (d->nonblock ? P1_FDFLAGS_NONBLOCK : 0u);
    *ret_stat = (Fdstat){p1_filetype(st.type), (u16)flags, rights, rights};
    return 0;
}

static u8 stream_type(const WasiFd *d)
{
    return d->tty ? P1_FILETYPE_CHARACTER_DEVICE : P1_FILETYPE_UNKNOWN;
}

static int fdstat_of(const P1Call *c, const WasiFd *d, Fdstat *ret_stat)
{
    switch (d->kind) {
    case WASI_FD_STDIN:
        *ret_stat = (Fdstat){stream_type(d), 0, P1_RIGHT_FD_READ, P1_RIGHT_FD_READ};
        return 0;
    case WASI_FD_STDOUT:
        *ret_stat = (Fdstat){stream_type(d), 0, P1_RIGHT_FD_WRITE, P1_RIGHT_FD_WRITE};
        return 0;
    case WASI_FD_DIR:
        *ret_stat = fdstat_of_dir(c, d);
        return 0;
    case WASI_FD_FILE:
        return fdstat_of_file(c, d, ret_stat);
    case WASI_FD_CLOSED:
        break;
    }
    BUG("a closed descriptor");
}

u32 p1_fd_fdstat_get(P1Call *c, u32 fd, u32 ret)
{
    const WasiFd *d = wasi_fd_get(c->ctx, fd);
    if (!d)
        return P1_EBADF;
    Fdstat st;
    int err = fdstat_of(c, d, &st);
    if (err)
        return p1_errno(err);
    u8 buf[P1_FDSTAT_SIZE] = {st.filetype};
    store_u16(buf + P1_FDSTAT_FLAGS, st.flags);
    store_u64(buf + P1_FDSTAT_BASE, st.base & c->abi->rights);
    store_u64(buf + P1_FDSTAT_INHERITING, st.inheriting & c->abi->rights);
    p1_ret_struct(c, ret, buf, sizeof buf, 8, "fdstat");
    return P1_SUCCESS;
}

u32 p1_fd_fdstat_set_flags(P1Call *c, u32 fd, u32 flags)
{
    if (!p1_check_flags(c, flags, P1_FDFLAGS_ALL, 16, "Fdflags"))
        return P1_EINVAL;
    WasiFd *d = p1_file(c, fd);
    if (!d)
        return P1_EBADF;
    if (flags & (P1_FDFLAGS_DSYNC | P1_FDFLAGS_SYNC | P1_FDFLAGS_RSYNC))
        return P1_EINVAL;
    d->append = flags & P1_FDFLAGS_APPEND;
    d->nonblock = flags & P1_FDFLAGS_NONBLOCK;
    return P1_SUCCESS;
}

/* The node of a descriptor that is no standard stream. */
static const FsNode *node_of(P1Call *c, u32 fd)
{
    const WasiFd *d = wasi_fd_get(c->ctx, fd);
    return d && (d->kind == WASI_FD_DIR || d->kind == WASI_FD_FILE) ? &d->node : NULL;
}

u32 p1_fd_fdstat_set_rights(P1Call *c, u32 fd, u64 base, u64 inheriting)
{
    if (!p1_check_flags(c, base, c->abi->rights, 64, "Rights") ||
        !p1_check_flags(c, inheriting, c->abi->rights, 64, "Rights"))
        return P1_EINVAL;
    return node_of(c, fd) ? P1_ENOTSUP : P1_EBADF;
}

/* Times are u64 nanoseconds; what the file system cannot say is 0. */
static u32 put_filestat(P1Call *c, u32 ret, const OsStat *st)
{
    const P1Abi *abi = c->abi;
    u64 atim, mtim, ctim = 0;
    int err = fs_time_ns(st->atime, &atim);
    if (!err)
        err = fs_time_ns(st->mtime, &mtim);
    if (!err && st->has_btime)
        err = fs_time_ns(st->btime, &ctim);
    if (err)
        return p1_errno(err);
    u8 buf[P1_FILESTAT_MAX_SIZE] = {0};
    store_u64(buf, 1); /* device: hidden; the identity covers it */
    store_u64(buf + P1_FILESTAT_INO, fs_identity(st));
    buf[P1_FILESTAT_TYPE] = p1_filetype(st->type);
    if (abi->nlink32)
        store_u32(buf + abi->filestat_nlink, (u32)MIN(st->nlink, UINT32_MAX));
    else
        store_u64(buf + abi->filestat_nlink, st->nlink);
    store_u64(buf + abi->filestat_size, st->size);
    store_u64(buf + abi->filestat_atim, atim);
    store_u64(buf + abi->filestat_mtim, mtim);
    store_u64(buf + abi->filestat_ctim, ctim);
    p1_ret_struct(c, ret, buf, abi->filestat_end, 8, "filestat");
    return P1_SUCCESS;
}

u32 p1_fd_filestat_get(P1Call *c, u32 fd, u32 ret)
{
    const WasiFd *d = wasi_fd_get(c->ctx, fd);
    if (!d)
        return P1_EBADF;
    if (d->kind == WASI_FD_STDIN || d->kind == WASI_FD_STDOUT) {
        u8 buf[P1_FILESTAT_MAX_SIZE] = {[P1_FILESTAT_TYPE] = stream_type(d)};
        p1_ret_struct(c, ret, buf, c->abi->filestat_end, 8, "filestat");
        return P1_SUCCESS;
    }
    OsStat st;
    int err = os_stat(d->node.fd, &st);
    return err ? p1_errno(err) : put_filestat(c, ret, &st);
}

u32 p1_path_filestat_get(P1Call *c, u32 fd, u32 flags, u32 path, u32 len, u32 ret)
{
    Str p;
    u32 fault;
    if (!p1_check_flags(c, flags, P1_LOOKUP_ALL, 32, "Lookupflags"))
        return P1_EINVAL;
    const WasiFd *d = p1_dir(c, fd);
    if (!d)
        return P1_EBADF;
    if (!p1_path(c, path, len, &p, &fault))
        return fault;
    OsStat st;
    int err = fs_stat_at(&c->ctx->sandbox, &d->node, p, flags & P1_LOOKUP_SYMLINK_FOLLOW, &st);
    return err ? p1_errno(err) : put_filestat(c, ret, &st);
}

u32 p1_fd_filestat_set_size(P1Call *c, u32 fd, u64 size)
{
    const WasiFd *d = p1_file(c, fd);
    return d ? p1_errno(fs_set_size(&d->node, size)) : P1_EBADF;
}

/* The times that a set_times call asks for; NULL leaves one as it is. */
typedef struct NewTimes {
    OsTime atime_value, mtime_value;
    const OsTime *atime, *mtime;
} NewTimes;

static bool new_time(u64 ns, bool set, bool now, OsTime *value, const OsTime **ret_time)
{
    if (set && now)
        return false;
    if (now)
        ns = os_realtime_ns();
    *value = (OsTime){(i64)(ns / 1000000000u), (u32)(ns % 1000000000u)};
    *ret_time = set || now ? value : NULL;
    return true;
}

/* False if an explicit time and the present are both asked for. */
static bool new_times(NewTimes *t, u64 atim, u64 mtim, u32 flags)
{
    return new_time(atim, flags & P1_FSTFLAGS_ATIM, flags & P1_FSTFLAGS_ATIM_NOW, &t->atime_value,
                    &t->atime) &&
           new_time(mtim, flags & P1_FSTFLAGS_MTIM, flags & P1_FSTFLAGS_MTIM_NOW, &t->mtime_value,
                    &t->mtime);
}

u32 p1_fd_filestat_set_times(P1Call *c, u32 fd, u64 atim, u64 mtim, u32 flags)
{
    NewTimes t;
    if (!p1_check_flags(c, flags, P1_FSTFLAGS_ALL, 16, "Fstflags") ||
        !new_times(&t, atim, mtim, flags))
        return P1_EINVAL;
    const FsNode *n = node_of(c, fd);
    return n ? p1_errno(fs_set_times(n, t.atime, t.mtime)) : P1_EBADF;
}

u32 p1_path_filestat_set_times(P1Call *c, u32 fd, u32 lookup, u32 path, u32 len, u64 atim, u64 mtim,
                               u32 flags)
{
    NewTimes t;
    Str p;
    u32 fault;
    if (!p1_check_flags(c, lookup, P1_LOOKUP_ALL, 32, "Lookupflags") ||
        !p1_check_flags(c, flags, P1_FSTFLAGS_ALL, 16, "Fstflags") ||
        !new_times(&t, atim, mtim, flags))
        return P1_EINVAL;
    const WasiFd *d = p1_dir(c, fd);
    if (!d)
        return P1_EBADF;
    if (!p1_path(c, path, len, &p, &fault))
        return fault;
    return p1_errno(fs_set_times_at(&c->ctx->sandbox, &d->node, p,
                                    lookup & P1_LOOKUP_SYMLINK_FOLLOW, t.atime, t.mtime));
}

u32 p1_fd_prestat_get(P1Call *c, u32 fd, u32 ret)
{
    const WasiFd *d = wasi_fd_get(c->ctx, fd);
    if (!d || !d->preopen)
        return P1_EBADF;
    u8 buf[P1_PRESTAT_SIZE] = {0}; /* the tag of a directory is 0 */
    store_u32(buf + P1_PRESTAT_NAME_LEN, u32_of(strlen(d->preopen)));
    p1_ret_struct(c, ret, buf, sizeof buf, 4, "prestat");
    return P1_SUCCESS;
}

u32 p1_fd_prestat_dir_name(P1Call *c, u32 fd, u32 path, u32 len)
{
    const WasiFd *d = wasi_fd_get(c->ctx, fd);
    if (!d)
        return P1_EBADF;
    if (!d->preopen)
        return P1_ENOTDIR;
    usize n = strlen(d->preopen);
    if (n > len)
        return P1_ENAMETOOLONG;
    guest_put(&c->mem, path, d->preopen, n);
    return P1_SUCCESS;
}

u32 p1_fd_renumber(P1Call *c, u32 from, u32 to)
{
    if (!wasi_fd_get(c->ctx, from) || !wasi_fd_get(c->ctx, to))
        return P1_EBADF;
    if (from != to)
        wasi_fd_renumber(c->ctx, from, to);
    return P1_SUCCESS;
}

/* An entry as fd_readdir shows it. */
typedef struct Dirent {
    const char *name;
    u64 next, ino;
    u8 type;
} Dirent;

/* Entry `i` of the listing. What it is now is asked; if it is gone the listing has to do. */
static Dirent dirent_at(const WasiFd *d, const OsStat *dir, u32 i)
{
    FsEntry e = fs_listing_entry(d->listing, i);
    OsStat st;
    if (os_stat_at(d->node.fd, e.name, &st))
        st = (OsStat){.dev = dir->dev, .ino = e.ino, .type = e.type};
    return (Dirent){e.name, (u64)i + 3, fs_identity(&st), p1_filetype(st.type)};
}

/* What is written of the entries: cut off where the buffer ends. */
typedef struct DirentOut {
    u32 buf, left;
} DirentOut;

static void dirent_put(P1Call *c, DirentOut *o, const void *p, usize n)
{
    u32 take = (u32)MIN(n, o->left);
    guest_put(&c->mem, o->buf, p, take);
    o->buf += take; /* in bounds, or the put has failed */
    o->left -= take;
}

static void dirent_write(P1Call *c, DirentOut *o, const Dirent *e)
{
    u8 head[P1_DIRENT_SIZE] = {0};
    usize n = strlen(e->name);
    store_u64(head, e->next);
    store_u64(head + P1_DIRENT_INO, e->ino);
    store_u32(head + P1_DIRENT_NAMLEN, u32_of(n));
    head[P1_DIRENT_TYPE] = e->type;
    dirent_put(c, o, head, sizeof head);
    dirent_put(c, o, e->name, n);
}

/*
 * Cookies: 0 is the start, 1 and 2 are behind "." and "..", i + 3 behind entry i of the listing.
 * The listing is taken at the start and kept, so that cookies stay good while the directory
 * changes.
 */
u32 p1_fd_readdir(P1Call *c, u32 fd, u32 buf, u32 len, u64 cookie, u32 ret)
{
    WasiFd *d = p1_dir(c, fd);
    if (!d)
        return P1_EBADF;
    int err = 0;
    if (cookie == 0 || !d->listing)
        err = wasi_fd_list(c->ctx, d);
    OsStat dir;
    if (!err)
        err = os_stat(d->node.fd, &dir);
    if (err)
        return p1_errno(err);
    DirentOut o = {buf, len};
    for (u64 i = cookie; i < 2 && o.left > 0 && !c->mem.error; i++) {
        Dirent e = {i == 0 ? "." : "..", i + 1, fs_identity(&dir), P1_FILETYPE_DIRECTORY};
        dirent_write(c, &o, &e);
    }
    u32 n = fs_listing_count(d->listing);
    for (u64 i = MAX(cookie, 2) - 2; i < n && o.left > 0 && !c->mem.error; i++) {
        Dirent e = dirent_at(d, &dir, (u32)i);
        dirent_write(c, &o, &e);
    }
    p1_ret_u32(c, ret, len - o.left, "size");
    return P1_SUCCESS;
}
