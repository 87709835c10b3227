/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Paths, times and directories. A proxy has none of it. */
#include "host.h"

#ifndef ADAPTER_PROXY

#define RESULT(r) ((r).is_err ? errno_of((r).code) : E_SUCCESS)

/* --- what is known of a file --- */

static u64 nanoseconds(const OptionDatetime *o)
{
    return o->is_some ? o->at.seconds * 1000000000ull + o->at.nanoseconds : 0;
}

static Errno put_filestat(const Result8 *stat, const Result8 *hash, Filestat *ret)
{
    if (stat->is_err)
        return errno_of(stat->code);
    if (hash->is_err)
        return errno_of(hash->code);
    const DescriptorStat *d = &stat->stat;
    *ret = (Filestat){.dev = 1,
                      .ino = hash->hash.lower,
                      .type = filetype_of(d->type),
                      .nlink = d->links,
                      .size = d->size,
                      .atim = nanoseconds(&d->atim),
                      .mtim = nanoseconds(&d->mtim),
                      .ctim = nanoseconds(&d->ctim)};
    return E_SUCCESS;
}

EXPORT(fd_filestat_get) Errno fd_filestat_get(u32 fd, Filestat *ret)
{
    Fd *f = fd_find(state(), fd);
    Result8 stat, hash;
    if (!f)
        return E_BADF;
    if (f->kind != FD_FILE) {
        *ret = (Filestat){.type = FILETYPE_UNKNOWN};
        return E_SUCCESS;
    }
    descriptor_stat(f->handle, &stat);
    descriptor_hash(f->handle, &hash);
    return put_filestat(&stat, &hash, ret);
}

EXPORT(path_filestat_get)
Errno path_filestat_get(u32 fd, u32 flags, const u8 *p, u32 n, Filestat *ret)
{
    Fd *f;
    Result8 stat, hash;
    Errno e = fd_file(state(), fd, &f);
    if (e)
        return e;
    descriptor_stat_at(f->handle, flags & 1, p, n, &stat);
    if (stat.is_err)
        return errno_of(stat.code);
    descriptor_hash_at(f->handle, flags & 1, p, n, &hash);
    return put_filestat(&stat, &hash, ret);
}

/* --- times --- */

typedef struct Time {
    u32 kind; /* as in new-timestamp: 0 no change, 1 now, 2 at */
    u64 seconds;
    u32 nanoseconds;
} Time;

/* `flags` has two bits for a time: it is given, it is now. */
static Errno new_time(u32 flags, u64 at, Time *ret)
{
    if ((flags & 3) == 3)
        return E_INVAL;
    *ret = (Time){.kind = 0};
    if (flags & 2)
        ret->kind = 1;
    else if (flags & 1)
        *ret = (Time){2, at / 1000000000u, (u32)(at % 1000000000u)};
    return E_SUCCESS;
}

EXPORT(fd_filestat_set_times) Errno fd_filestat_set_times(u32 fd, u64 atim, u64 mtim, u32 flags)
{
    Fd *f;
    Time a, m;
    Result1 r;
    Errno e = fd_file(state(), fd, &f);
    e = e ? e : new_time(flags, atim, &a);
    e = e ? e : new_time(flags >> 2, mtim, &m);
    if (e)
        return e;
    descriptor_set_times(f->handle, a.kind, a.seconds, a.nanoseconds, m.kind, m.seconds,
                         m.nanoseconds, &r);
    return RESULT(r);
}

EXPORT(path_filestat_set_times)
Errno path_filestat_set_times(u32 fd, u32 follow, const u8 *p, u32 n, u64 atim, u64 mtim, u32 flags)
{
    Fd *f;
    Time a, m;
    Result1 r;
    Errno e = fd_file(state(), fd, &f);
    e = e ? e : new_time(flags, atim, &a);
    e = e ? e : new_time(flags >> 2, mtim, &m);
    if (e)
        return e;
    descriptor_set_times_at(f->handle, follow & 1, p, n, a.kind, a.seconds, a.nanoseconds, m.kind,
                            m.seconds, m.nanoseconds, &r);
    return RESULT(r);
}

/* --- opening --- */

static u32 descriptor_flags(u64 rights, u32 fdflags)
{
    return (rights & RIGHT_FD_READ ? 1u : 0) | (rights & RIGHT_FD_WRITE ? 2u : 0) |
           (fdflags & FDFLAG_SYNC ? 4u : 0) | (fdflags & FDFLAG_DSYNC ? 8u : 0) |
           (fdflags & FDFLAG_RSYNC ? 16u : 0);
}

EXPORT(path_open)
Errno path_open(u32 fd, u32 follow, const u8 *p, u32 n, u32 oflags, u64 rights, u64 inheriting,
                u32 fdflags, u32 *ret)
{
    State *s = state();
    Fd *dir;
    Result4 r;
    Result1 type;
    u32 number;
    (void)inheriting;
    Errno e = fd_file(s, fd, &dir);
    e = e ? e : fd_new(s, &number);
    if (e)
        return e;
    /* create, directory, exclusive, truncate in both */
    descriptor_open(dir->handle, follow & 1, p, n, oflags & 15, descriptor_flags(rights, fdflags),
                    &r);
    if (r.is_err)
        return errno_of(r.code);
    descriptor_get_type(r.handle, &type);
    if (type.is_err) {
        descriptor_drop(r.handle);
        return errno_of(type.code);
    }
    s->fds[number] = (Fd){.kind = FD_FILE,
                          .type = filetype_of(type.code),
                          .flags = (u8)(fdflags & (FDFLAG_APPEND | FDFLAG_NONBLOCK)),
                          .handle = r.handle};
    *ret = number;
    return E_SUCCESS;
}

/* --- links and names --- */

typedef void PathFn(u32 handle, const u8 *p, u32 n, Result1 *ret);

/* In place: the adapter has no table to call through. */
__attribute__((always_inline)) static inline Errno at_path(PathFn *what, u32 fd, const u8 *p, u32 n)
{
    Fd *f;
    Result1 r;
    Errno e = fd_file(state(), fd, &f);
    if (e)
        return e;
    what(f->handle, p, n, &r);
    return RESULT(r);
}

EXPORT(path_create_directory) Errno path_create_directory(u32 fd, const u8 *p, u32 n)
{
    return at_path(descriptor_mkdir, fd, p, n);
}

EXPORT(path_remove_directory) Errno path_remove_directory(u32 fd, const u8 *p, u32 n)
{
    return at_path(descriptor_rmdir, fd, p, n);
}

EXPORT(path_unlink_file) Errno path_unlink_file(u32 fd, const u8 *p, u32 n)
{
    return at_path(descriptor_unlink, fd, p, n);
}

EXPORT(path_link)
Errno path_link(u32 fd, u32 follow, const u8 *p, u32 n, u32 to_fd, const u8 *q, u32 m)
{
    State *s = state();
    Fd *f, *to;
    Result1 r;
    Errno e = fd_file(s, fd, &f);
    e = e ? e : fd_file(s, to_fd, &to);
    if (e)
        return e;
    descriptor_link(f->handle, follow & 1, p, n, to->handle, q, m, &r);
    return RESULT(r);
}

EXPORT(path_rename) Errno path_rename(u32 fd, const u8 *p, u32 n, u32 to_fd, const u8 *q, u32 m)
{
    State *s = state();
    Fd *f, *to;
    Result1 r;
    Errno e = fd_file(s, fd, &f);
    e = e ? e : fd_file(s, to_fd, &to);
    if (e)
        return e;
    descriptor_rename(f->handle, p, n, to->handle, q, m, &r);
    return RESULT(r);
}

EXPORT(path_symlink) Errno path_symlink(const u8 *p, u32 n, u32 fd, const u8 *q, u32 m)
{
    Fd *f;
    Result1 r;
    Errno e = fd_file(state(), fd, &f);
    if (e)
        return e;
    descriptor_symlink(f->handle, p, n, q, m, &r);
    return RESULT(r);
}

EXPORT(path_readlink)
Errno path_readlink(u32 fd, const u8 *p, u32 n, u8 *out, u32 out_n, u32 *ret_n)
{
    State *s = state();
    Fd *f;
    Result4 r;
    Errno e = fd_file(s, fd, &f);
    if (e)
        return e;
    alloc_scratch(s);
    descriptor_readlink(f->handle, p, n, &r);
    s->mode = ALLOC_NONE;
    if (r.is_err)
        return errno_of(r.code);
    *ret_n = r.list.n < out_n ? r.list.n : out_n;
    __builtin_memcpy(out, r.list.p, *ret_n);
    return E_SUCCESS;
}

/* --- directories --- */

typedef struct Dirent {
    u64 next, ino;
    u32 name_n;
    u8 type;
} Dirent;

void dir_forget(State *s, u32 fd)
{
    if (s->dir.stream && s->dir.fd == fd) {
        entries_drop(s->dir.stream);
        s->dir.stream = 0;
    }
}

/* Opens the stream; entries 0 and 1 are those that 0.2 leaves out. */
static Errno dir_restart(State *s, u32 fd, const Fd *f)
{
    Result4 r;
    dir_forget(s, s->dir.fd);
    descriptor_entries(f->handle, &r);
    if (r.is_err)
        return errno_of(r.code);
    s->dir.fd = fd;
    s->dir.stream = r.handle;
    s->dir.next = 0;
    s->dir.has_entry = false;
    return E_SUCCESS;
}

static u64 dir_ino(const Fd *f, const u8 *name, u32 n)
{
    Result8 r;
    if (n)
        descriptor_hash_at(f->handle, 0, name, n, &r);
    else
        descriptor_hash(f->handle, &r);
    return r.is_err ? 0 : r.hash.lower;
}

/* Reads the next entry into the cache; *ret_more is false at the end. */
static Errno dir_next(State *s, const Fd *f, bool *ret_more)
{
    DirCache *d = &s->dir;
    Result4 r;
    *ret_more = true;
    d->has_entry = true;
    if (d->next < 2) {
        d->type = FILETYPE_DIRECTORY;
        d->name[0] = d->name[1] = '.';
        d->name_n = (u32)++d->next;
        d->ino = dir_ino(f, NULL, 0);
        return E_SUCCESS;
    }
    alloc_into(s, d->name, NAME_LIMIT);
    entries_read(d->stream, &r);
    s->mode = ALLOC_NONE;
    d->has_entry = *ret_more = !r.is_err && r.entry.is_some;
    if (!*ret_more)
        return RESULT(r);
    d->next++;
    d->type = filetype_of(r.entry.type);
    d->name_n = r.entry.name_n;
    d->ino = dir_ino(f, d->name, d->name_n);
    return E_SUCCESS;
}

/* Brings the entry with the cookie into the cache. */
static Errno dir_seek(State *s, u32 fd, const Fd *f, u64 cookie, bool *ret_more)
{
    DirCache *d = &s->dir;
    Errno e = E_SUCCESS;
    *ret_more = true;
    if (d->stream && d->fd == fd && d->has_entry && cookie + 1 == d->next)
        return E_SUCCESS;
    if (!d->stream || d->fd != fd || cookie < d->next)
        e = dir_restart(s, fd, f);
    while (!e && *ret_more && d->next <= cookie)
        e = dir_next(s, f, ret_more);
    return e;
}

/* Copies as much as there is room for. */
static u32 put_part(u8 *out, u32 room, const void *p, u32 n)
{
    n = n < room ? n : room;
    __builtin_memcpy(out, p, n);
    return n;
}

EXPORT(fd_readdir) Errno fd_readdir(u32 fd, u8 *out, u32 n, u64 cookie, u32 *ret_n)
{
    State *s = state();
    Fd *f;
    u32 at = 0;
    Errno e = fd_file(s, fd, &f);
    if (!e && f->type != FILETYPE_DIRECTORY)
        e = E_NOTDIR;
    while (!e && at < n) {
        bool more;
        e = dir_seek(s, fd, f, cookie, &more);
        if (e || !more)
            break;
        Dirent d;
        __builtin_memset(&d, 0, sizeof d);
        d.next = ++cookie;
        d.ino = s->dir.ino;
        d.name_n = s->dir.name_n;
        d.type = s->dir.type;
        at += put_part(out + at, n - at, &d, sizeof d);
        at += put_part(out + at, n - at, s->dir.name, s->dir.name_n);
    }
    if (!e)
        *ret_n = at;
    return e;
}

#else

/* There are no directories, so there is no descriptor that a path could start from. */
#define NOWHERE(name, ...)                                                                         \
    EXPORT(name) Errno name(__VA_ARGS__)                                                           \
    {                                                                                              \
        return E_BADF;                                                                             \
    }

#pragma clang diagnostic ignored "-Wunused-parameter"
NOWHERE(path_create_directory, u32 fd, const u8 *p, u32 n)
NOWHERE(path_remove_directory, u32 fd, const u8 *p, u32 n)
NOWHERE(path_unlink_file, u32 fd, const u8 *p, u32 n)
NOWHERE(path_filestat_get, u32 fd, u32 flags, const u8 *p, u32 n, Filestat *ret)
NOWHERE(path_filestat_set_times, u32 fd, u32 f, const u8 *p, u32 n, u64 a, u64 m, u32 flags)
NOWHERE(path_open, u32 fd, u32 f, const u8 *p, u32 n, u32 o, u64 r, u64 i, u32 d, u32 *ret)
NOWHERE(path_link, u32 fd, u32 f, const u8 *p, u32 n, u32 to, const u8 *q, u32 m)
NOWHERE(path_rename, u32 fd, const u8 *p, u32 n, u32 to, const u8 *q, u32 m)
NOWHERE(path_symlink, const u8 *p, u32 n, u32 fd, const u8 *q, u32 m)
NOWHERE(path_readlink, u32 fd, const u8 *p, u32 n, u8 *out, u32 out_n, u32 *ret)
NOWHERE(fd_readdir, u32 fd, u8 *out, u32 n, u64 cookie, u32 *ret)
NOWHERE(fd_filestat_set_size, u32 fd, u64 n)
NOWHERE(fd_filestat_set_times, u32 fd, u64 a, u64 m, u32 flags)
NOWHERE(fd_pread, u32 fd, const Iovec *v, u32 n, u64 offset, u32 *ret)
NOWHERE(fd_pwrite, u32 fd, const Iovec *v, u32 n, u64 offset, u32 *ret)
NOWHERE(fd_advise, u32 fd, u64 offset, u64 n, u32 advice)
NOWHERE(fd_allocate, u32 fd, u64 offset, u64 n)
NOWHERE(fd_datasync, u32 fd)
NOWHERE(fd_sync, u32 fd)
NOWHERE(fd_tell, u32 fd, u64 *ret)

EXPORT(fd_filestat_get) Errno fd_filestat_get(u32 fd, Filestat *ret)
{
    if (!fd_find(state(), fd))
        return E_BADF;
    *ret = (Filestat){.type = FILETYPE_UNKNOWN};
    return E_SUCCESS;
}

void dir_forget(State *s, u32 fd)
{
    (void)s, (void)fd;
}

#endif
