/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Preview 1: reading and writing. A call moves the first buffer that is not empty and no more, as
 * Wasmtime does. Files keep their position here and are read and written inline; standard streams
 * are unbuffered, and input is taken from the host only as far as it was asked for.
 */
#include "wasi/p1/p1_priv.h"

#include <errno.h>

/* A buffer of the guest's. */
typedef struct GuestBuf {
    u32 ptr, len;
} GuestBuf;

/* The first of n buffers that is not empty; an empty one if all are. */
static bool first_buffer(P1Call *c, u32 iovs, u32 n, GuestBuf *ret_buf, u32 *ret_err)
{
    *ret_err = P1_ENOMEM;
    if (!p1_consume(c, (u64)n * P1_IOVEC_SIZE))
        return false;
    *ret_buf = (GuestBuf){0, 0};
    for (u32 i = 0; i < n; i++) {
        u32 at;
        if (!p1_element(c, iovs, i, P1_IOVEC_SIZE, &at))
            return false;
        GuestBuf b = {guest_u32(&c->mem, at), guest_u32(&c->mem, at + 4)};
        if (c->mem.error)
            return false;
        if (b.len == 0)
            continue;
        *ret_buf = b;
        return p1_consume(c, b.len);
    }
    return true;
}

/* From standard input: what is there now, at least a byte, at most a chunk. */
static int read_stream(P1Call *c, int fd, u8 *p, u32 len, usize *ret_n)
{
    *ret_n = 0;
    if (fd < 0 || len == 0)
        return 0;
    for (;;) {
        bool ready;
        int err = os_wait(fd, OS_WAIT_READ, UINT64_MAX, c->stop, &ready);
        if (!err)
            err = os_fd_read(fd, p, MIN(len, (u32)WASI_LIMIT_STDIN_READ), ret_n);
        if ((err != EINTR && err != EAGAIN) || p1_stopped(c))
            return err;
    }
}

/* To a standard stream: all of it, or as much as there was before an error. */
static int write_stream(P1Call *c, int fd, const u8 *p, u32 len, usize *ret_n)
{
    usize done = 0;
    int err = 0;
    while (fd >= 0 && done < len && !err) {
        usize n = 0;
        bool ready;
        err = os_fd_write(fd, p + done, len - done, &n);
        done += n;
        if (err == EAGAIN)
            err = os_wait(fd, OS_WAIT_WRITE, UINT64_MAX, c->stop, &ready);
        if (err == EINTR && !p1_stopped(c))
            err = 0;
    }
    *ret_n = fd < 0 ? len : done;
    return done > 0 ? 0 : err;
}

static int read_file(WasiFd *d, u8 *p, u32 len, usize *ret_n)
{
    int err = os_fd_pread(d->node.fd, p, len, d->position, ret_n);
    if (!err)
        d->position += *ret_n; /* at most 2^63 */
    return err;
}

u32 p1_fd_read(P1Call *c, u32 fd, u32 iovs, u32 n, u32 ret)
{
    GuestBuf b;
    u32 fault;
    if (!first_buffer(c, iovs, n, &b, &fault))
        return fault;
    WasiFd *d = wasi_fd_get(c->ctx, fd);
    if (!d || (d->kind != WASI_FD_FILE && d->kind != WASI_FD_STDIN))
        return P1_EBADF;
    u8 *p = guest_bytes(&c->mem, b.ptr, b.len);
    if (!p)
        return P1_EFAULT;
    usize got = 0;
    int err = d->kind == WASI_FD_FILE ? read_file(d, p, b.len, &got)
                                      : read_stream(c, d->node.fd, p, b.len, &got);
    if (err)
        return p1_errno(err);
    p1_ret_u32(c, ret, u32_of(got), "size");
    return P1_SUCCESS;
}

u32 p1_fd_pread(P1Call *c, u32 fd, u32 iovs, u32 n, u64 offset, u32 ret)
{
    GuestBuf b;
    u32 fault;
    if (!first_buffer(c, iovs, n, &b, &fault))
        return fault;
    const WasiFd *d = wasi_fd_get(c->ctx, fd);
    if (!d || (d->kind != WASI_FD_FILE && d->kind != WASI_FD_STDIN))
        return P1_EBADF;
    if (d->kind == WASI_FD_STDIN)
        return P1_ESPIPE;
    u8 *p = guest_bytes(&c->mem, b.ptr, b.len);
    if (!p)
        return P1_EFAULT;
    usize got;
    int err = os_fd_pread(d->node.fd, p, b.len, offset, &got);
    if (err)
        return p1_errno(err);
    p1_ret_u32(c, ret, u32_of(got), "size");
    return P1_SUCCESS;
}

/* At `offset`; at the end whatever the offset if the file is appended to. */
static int write_file(const WasiFd *d, const u8 *p, u32 len, u64 offset, usize *ret_n)
{
    return d->append ? os_fd_append(d->node.fd, p, len, ret_n)
                     : os_fd_pwrite(d->node.fd, p, len, offset, ret_n);
}

static int write_file_on(WasiFd *d, const u8 *p, u32 len, usize *ret_n)
{
    OsStat st;
    int err = write_file(d, p, len, d->position, ret_n);
    if (err)
        return err;
    if (!d->append) {
        d->position += *ret_n;
        return 0;
    }
    err = os_stat(d->node.fd, &st);
    if (!err)
        d->position = st.size;
    return err;
}

u32 p1_fd_write(P1Call *c, u32 fd, u32 iovs, u32 n, u32 ret)
{
    GuestBuf b;
    u32 fault;
    if (!first_buffer(c, iovs, n, &b, &fault))
        return fault;
    WasiFd *d = wasi_fd_get(c->ctx, fd);
    if (!d || (d->kind != WASI_FD_FILE && d->kind != WASI_FD_STDOUT))
        return P1_EBADF;
    const u8 *p = guest_bytes(&c->mem, b.ptr, b.len);
    if (!p)
        return P1_EFAULT;
    usize put = 0;
    int err = d->kind == WASI_FD_FILE ? write_file_on(d, p, b.len, &put)
                                      : write_stream(c, d->node.fd, p, b.len, &put);
    if (err)
        return p1_errno(err);
    p1_ret_u32(c, ret, u32_of(put), "size");
    return P1_SUCCESS;
}

u32 p1_fd_pwrite(P1Call *c, u32 fd, u32 iovs, u32 n, u64 offset, u32 ret)
{
    GuestBuf b;
    u32 fault;
    if (!first_buffer(c, iovs, n, &b, &fault))
        return fault;
    const WasiFd *d = wasi_fd_get(c->ctx, fd);
    if (!d || (d->kind != WASI_FD_FILE && d->kind != WASI_FD_STDOUT))
        return P1_EBADF;
    if (d->kind == WASI_FD_STDOUT)
        return P1_ESPIPE;
    const u8 *p = guest_bytes(&c->mem, b.ptr, b.len);
    if (!p)
        return P1_EFAULT;
    usize put;
    int err = write_file(d, p, b.len, offset, &put);
    if (err)
        return p1_errno(err);
    p1_ret_u32(c, ret, u32_of(put), "size");
    return P1_SUCCESS;
}

/* A file; for other descriptors NULL and the errno. */
static WasiFd *seekable(P1Call *c, u32 fd, u32 *ret_err)
{
    WasiFd *d = wasi_fd_get(c->ctx, fd);
    if (d && d->kind == WASI_FD_FILE)
        return d;
    *ret_err = d && d->kind != WASI_FD_DIR ? P1_ESPIPE : P1_EBADF;
    return NULL;
}

u32 p1_fd_seek(P1Call *c, u32 fd, u64 offset, u32 whence, u32 ret)
{
    u32 fault;
    if (!p1_check_enum(c, whence, 3, "Whence"))
        return P1_EINVAL;
    WasiFd *d = seekable(c, fd, &fault);
    if (!d)
        return fault;
    u64 from = 0;
    if (whence == c->abi->whence_cur)
        from = d->position;
    if (whence == c->abi->whence_end) {
        OsStat st;
        int err = os_stat(d->node.fd, &st);
        if (err)
            return p1_errno(err);
        from = st.size;
    }
    i64 delta = (i64)offset;
    u64 to;
    if (delta < 0 ? __builtin_sub_overflow(from, 0 - offset, &to)
                  : __builtin_add_overflow(from, offset, &to))
        return P1_EINVAL;
    d->position = to;
    p1_ret_u64(c, ret, to, "filesize");
    return P1_SUCCESS;
}

u32 p1_fd_tell(P1Call *c, u32 fd, u32 ret)
{
    u32 fault;
    const WasiFd *d = seekable(c, fd, &fault);
    if (!d)
        return fault;
    p1_ret_u64(c, ret, d->position, "filesize");
    return P1_SUCCESS;
}
