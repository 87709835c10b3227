/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Descriptors: reading, writing, seeking, and what is known of them. */
#include "host.h"

enum { WRITE_LIMIT = 4096 }; /* bytes that a stream takes at once when it blocks */

static Errno stream_error(const Result4 *r)
{
    if (r->stream.tag != 0)
        return E_PIPE;
    error_drop(r->stream.error);
    return E_IO;
}

#ifndef ADAPTER_PROXY
/* Standard files are open, and cannot be positioned. */
static bool is_stdio(State *s, u32 fd)
{
    Fd *f = fd_find(s, fd);
    return f && f->kind != FD_FILE;
}
#endif

/* --- streams --- */

static Errno stream_read(State *s, Fd *f, u8 *p, u32 n, u32 *ret_n)
{
    Result4 r;
    alloc_into(s, p, n);
    input_blocking_read(fd_stream(f), n, &r);
    s->mode = ALLOC_NONE;
    *ret_n = 0;
    if (!r.is_err) {
        *ret_n = r.list.n;
        return E_SUCCESS;
    }
    Errno e = stream_error(&r);
    return e == E_PIPE ? E_SUCCESS : e; /* closed: the end */
}

static Errno stream_write(u32 stream, const u8 *p, u32 n, u32 *ret_n)
{
    Result4 r;
    for (u32 at = 0; at < n;) {
        u32 part = n - at < WRITE_LIMIT ? n - at : WRITE_LIMIT;
        output_write_and_flush(stream, p + at, part, &r);
        if (r.is_err) {
            Errno e = stream_error(&r);
            return *ret_n ? E_SUCCESS : e;
        }
        at += part;
        *ret_n += part;
    }
    return E_SUCCESS;
}

#ifndef ADAPTER_PROXY

/* --- files --- */

static Errno file_read(State *s, Fd *f, u8 *p, u32 n, u64 offset, u32 *ret_n)
{
    Result4 r;
    alloc_into(s, p, n);
    descriptor_read(f->handle, n, offset, &r);
    s->mode = ALLOC_NONE;
    if (r.is_err)
        return errno_of(r.code);
    *ret_n = r.list.n;
    return E_SUCCESS;
}

static Errno file_write(Fd *f, const u8 *p, u32 n, u64 offset, u32 *ret_n)
{
    Result8 r;
    for (u32 at = 0; at < n;) {
        descriptor_write(f->handle, p + at, n - at, offset + at, &r);
        if (r.is_err)
            return *ret_n ? E_SUCCESS : errno_of(r.code);
        at += (u32)r.n;
        *ret_n += (u32)r.n;
        if (r.n == 0)
            break;
    }
    return E_SUCCESS;
}

static Errno file_size(Fd *f, u64 *ret)
{
    Result8 r;
    descriptor_stat(f->handle, &r);
    if (r.is_err)
        return errno_of(r.code);
    *ret = r.stat.size;
    return E_SUCCESS;
}

static Errno file_append(Fd *f, const u8 *p, u32 n, u32 *ret_n)
{
    if (!f->append) {
        Result4 r;
        descriptor_append(f->handle, &r);
        if (r.is_err)
            return errno_of(r.code);
        f->append = r.handle;
    }
    return stream_write(f->append, p, n, ret_n);
}

/* A regular file or a device, not a directory. */
static Errno readable(State *s, u32 fd, Fd **ret)
{
    Errno e = fd_file(s, fd, ret);
    return !e && (*ret)->type == FILETYPE_DIRECTORY ? E_BADF : e;
}

EXPORT(fd_pread) Errno fd_pread(u32 fd, const Iovec *v, u32 n, u64 offset, u32 *ret_n)
{
    State *s = state();
    Fd *f;
    Errno e = readable(s, fd, &f);
    if (e)
        return is_stdio(s, fd) ? E_SPIPE : e;
    for (u32 i = 0; i < n; i++)
        if (v[i].n)
            return file_read(s, f, v[i].p, v[i].n, offset, ret_n);
    *ret_n = 0;
    return E_SUCCESS;
}

EXPORT(fd_pwrite) Errno fd_pwrite(u32 fd, const Iovec *v, u32 n, u64 offset, u32 *ret_n)
{
    State *s = state();
    Fd *f;
    u32 done = 0;
    Errno e = readable(s, fd, &f);
    if (e)
        return is_stdio(s, fd) ? E_SPIPE : e;
    for (u32 i = 0; i < n && !e; i++)
        e = file_write(f, v[i].p, v[i].n, offset + done, &done);
    *ret_n = done;
    return e;
}

static Errno read_file(State *s, u32 fd, u8 *p, u32 n, u32 *ret_n)
{
    Fd *f;
    Errno e = readable(s, fd, &f);
    if (e)
        return e;
    e = file_read(s, f, p, n, f->position, ret_n);
    f->position += e ? 0 : *ret_n;
    return e;
}

static Errno write_file(State *s, u32 fd, const u8 *p, u32 n, u32 *done)
{
    Fd *f;
    u32 before = *done;
    Errno e = readable(s, fd, &f);
    if (e)
        return e;
    if (!(f->flags & FDFLAG_APPEND)) {
        e = file_write(f, p, n, f->position, done);
        f->position += *done - before;
        return e;
    }
    e = file_append(f, p, n, done);
    return e ? e : file_size(f, &f->position);
}

EXPORT(fd_seek) Errno fd_seek(u32 fd, i64 offset, u32 whence, u64 *ret)
{
    State *s = state();
    Fd *f;
    u64 base = 0;
    i64 at;
    Errno e = readable(s, fd, &f);
    if (e)
        return is_stdio(s, fd) ? E_SPIPE : e;
    if (whence == 1)
        base = f->position;
    else if (whence == 2)
        e = file_size(f, &base);
    else if (whence != 0)
        e = E_INVAL;
    if (e)
        return e;
    if (__builtin_add_overflow((i64)base, offset, &at) || at < 0)
        return E_INVAL;
    *ret = f->position = (u64)at;
    return E_SUCCESS;
}

EXPORT(fd_tell) Errno fd_tell(u32 fd, u64 *ret)
{
    State *s = state();
    Fd *f;
    Errno e = readable(s, fd, &f);
    if (e)
        return is_stdio(s, fd) ? E_SPIPE : e;
    *ret = f->position;
    return E_SUCCESS;
}

EXPORT(fd_advise) Errno fd_advise(u32 fd, u64 offset, u64 n, u32 advice)
{
    Fd *f;
    Result1 r;
    /* normal, sequential, random, will-need, dont-need, no-reuse in both */
    Errno e = advice > 5 ? E_INVAL : fd_file(state(), fd, &f);
    if (e)
        return e;
    descriptor_advise(f->handle, offset, n, advice, &r);
    return r.is_err ? errno_of(r.code) : E_SUCCESS;
}

EXPORT(fd_allocate) Errno fd_allocate(u32 fd, u64 offset, u64 n)
{
    (void)offset, (void)n;
    return fd_find(state(), fd) ? E_NOTSUP : E_BADF;
}

EXPORT(fd_datasync) Errno fd_datasync(u32 fd)
{
    Fd *f;
    Result1 r;
    Errno e = fd_file(state(), fd, &f);
    if (e)
        return e;
    descriptor_sync_data(f->handle, &r);
    return r.is_err ? errno_of(r.code) : E_SUCCESS;
}

EXPORT(fd_sync) Errno fd_sync(u32 fd)
{
    Fd *f;
    Result1 r;
    Errno e = fd_file(state(), fd, &f);
    if (e)
        return e;
    descriptor_sync(f->handle, &r);
    return r.is_err ? errno_of(r.code) : E_SUCCESS;
}

EXPORT(fd_filestat_set_size) Errno fd_filestat_set_size(u32 fd, u64 n)
{
    Fd *f;
    Result1 r;
    Errno e = fd_file(state(), fd, &f);
    if (e)
        return e;
    descriptor_set_size(f->handle, n, &r);
    return r.is_err ? errno_of(r.code) : E_SUCCESS;
}

static bool is_terminal(const Fd *f)
{
    OptionHandle o;
    if (f->kind == FD_STDIN)
        terminal_stdin(&o);
    else if (f->kind == FD_STDOUT)
        terminal_stdout(&o);
    else
        terminal_stderr(&o);
    if (o.is_some && f->kind == FD_STDIN)
        terminal_input_drop(o.handle);
    else if (o.is_some)
        terminal_output_drop(o.handle);
    return o.is_some;
}

/* wasi:filesystem's descriptor-flags to preview 1. */
static Errno file_stat_flags(Fd *f, Fdstat *ret)
{
    Result1 r;
    descriptor_get_flags(f->handle, &r);
    if (r.is_err)
        return errno_of(r.code);
    ret->type = f->type;
    ret->flags = (u16)(f->flags | (r.code & 4 ? FDFLAG_SYNC : 0) | (r.code & 8 ? FDFLAG_DSYNC : 0) |
                       (r.code & 16 ? FDFLAG_RSYNC : 0));
    ret->rights = ~0ull;
    if (f->type != FILETYPE_DIRECTORY)
        ret->rights &= ~((r.code & 1 ? 0 : RIGHT_FD_READ) | (r.code & 2 ? 0 : RIGHT_FD_WRITE));
    else
        ret->rights &= ~(RIGHT_FD_SEEK | RIGHT_FD_TELL | RIGHT_FD_READ | RIGHT_FD_WRITE);
    ret->inheriting = ~0ull;
    return E_SUCCESS;
}

static void drop_file(State *s, Fd *f, u32 fd)
{
    dir_forget(s, fd);
    if (f->append)
        output_drop(f->append);
    descriptor_drop(f->handle);
}

#else /* a proxy has no files */

#define drop_file(s, f, fd) ((void)(s), (void)(f), (void)(fd))
#define read_file(s, fd, p, n, ret) E_BADF
#define write_file(s, fd, p, n, ret) E_BADF
#define is_terminal(f) false
#define file_stat_flags(f, ret) E_BADF

EXPORT(fd_seek) Errno fd_seek(u32 fd, i64 offset, u32 whence, u64 *ret)
{
    (void)offset, (void)whence, (void)ret;
    return fd_find(state(), fd) ? E_SPIPE : E_BADF;
}

#endif

/* --- either --- */

EXPORT(fd_read) Errno fd_read(u32 fd, const Iovec *v, u32 n, u32 *ret_n)
{
    State *s = state();
    Fd *f = fd_find(s, fd);
    if (!f)
        return E_BADF;
    while (n && v->n == 0)
        v++, n--;
    *ret_n = 0;
    if (n == 0)
        return E_SUCCESS;
    if (f->kind == FD_STDIN)
        return stream_read(s, f, v->p, v->n, ret_n);
    return f->kind == FD_FILE ? read_file(s, fd, v->p, v->n, ret_n) : E_BADF;
}

EXPORT(fd_write) Errno fd_write(u32 fd, const Iovec *v, u32 n, u32 *ret_n)
{
    State *s = state();
    Fd *f = fd_find(s, fd);
    u32 done = 0;
    Errno e = E_SUCCESS;
    if (!f || f->kind == FD_STDIN)
        return E_BADF;
    for (u32 i = 0; i < n && !e; i++) {
        u32 before = done;
        if (f->kind == FD_FILE)
            e = write_file(s, fd, v[i].p, v[i].n, &done);
        else
            e = stream_write(fd_stream(f), v[i].p, v[i].n, &done);
        if (done - before < v[i].n)
            break;
    }
    *ret_n = done;
    return done ? E_SUCCESS : e;
}

EXPORT(fd_close) Errno fd_close(u32 fd)
{
    State *s = state();
    Fd *f = fd_find(s, fd);
    if (!f)
        return E_BADF;
    if (f->kind == FD_FILE)
        drop_file(s, f, fd);
    else if (f->handle && f->kind == FD_STDIN)
        input_drop(f->handle);
    else if (f->handle)
        output_drop(f->handle);
    __builtin_memset(f, 0, sizeof *f);
    return E_SUCCESS;
}

EXPORT(fd_renumber) Errno fd_renumber(u32 from, u32 to)
{
    State *s = state();
    Fd *f = fd_find(s, from);
    if (!f || !fd_find(s, to))
        return E_BADF;
    if (from == to)
        return E_SUCCESS;
    fd_close(to);
    dir_forget(s, from);
    s->fds[to] = *f;
    __builtin_memset(f, 0, sizeof *f);
    return E_SUCCESS;
}

EXPORT(fd_fdstat_get) Errno fd_fdstat_get(u32 fd, Fdstat *ret)
{
    Fd *f = fd_find(state(), fd);
    if (!f)
        return E_BADF;
    if (f->kind == FD_FILE)
        return file_stat_flags(f, ret);
    ret->type = is_terminal(f) ? FILETYPE_CHARACTER : FILETYPE_UNKNOWN;
    ret->flags = f->flags;
    ret->rights = f->kind == FD_STDIN ? RIGHT_FD_READ : RIGHT_FD_WRITE;
    ret->inheriting = 0;
    return E_SUCCESS;
}

EXPORT(fd_fdstat_set_flags) Errno fd_fdstat_set_flags(u32 fd, u32 flags)
{
    Fd *f = fd_find(state(), fd);
    if (!f)
        return E_BADF;
    if (flags & ~(u32)(FDFLAG_APPEND | FDFLAG_NONBLOCK))
        return E_INVAL;
    f->flags = (u8)flags;
    return E_SUCCESS;
}

EXPORT(fd_fdstat_set_rights) Errno fd_fdstat_set_rights(u32 fd, u64 base, u64 inheriting)
{
    (void)base, (void)inheriting;
    return fd_find(state(), fd) ? E_NOTSUP : E_BADF;
}

EXPORT(fd_prestat_get) Errno fd_prestat_get(u32 fd, u32 *ret)
{
    Fd *f = fd_find(state(), fd);
    if (!f || !f->preopen)
        return E_BADF;
    ret[0] = 0; /* a directory */
    ret[1] = f->name_n;
    return E_SUCCESS;
}

EXPORT(fd_prestat_dir_name) Errno fd_prestat_dir_name(u32 fd, u8 *p, u32 n)
{
    Fd *f = fd_find(state(), fd);
    if (!f || !f->preopen)
        return E_BADF;
    if (n < f->name_n)
        return E_NAMETOOLONG;
    __builtin_memcpy(p, f->name, f->name_n);
    return E_SUCCESS;
}
