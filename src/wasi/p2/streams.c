/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * wasi:io/error and wasi:io/streams. Output to standard streams and files is not buffered: what was
 * written is where it belongs, so flushing has nothing to do. Others bring their operations.
 */
#include "wasi/p2/p2_priv.h"

#include "runtime/fiber.h"

#include <errno.h>
#include <string.h>

typedef WasiIoStreamsResultListU8StreamError ReadResult;
typedef WasiIoStreamsResultU64StreamError CountResult;
typedef WasiIoStreamsResultVoidStreamError VoidResult;
typedef WasiIoStreamsInputStream Input;
typedef WasiIoStreamsOutputStream Output;

enum {
    CHUNK = WASI_LIMIT_STDIN_READ, /* bytes that one read takes, whatever was asked for */
    PERMITTED = 1 << 20,           /* bytes of one check-write */
    BLOCKING_MAX = 4096,
};

/* --- errors --- */

void wasi_io_error_error_drop(void *host, WasiIoErrorError *rep)
{
    mem_free((void *)(uintptr_t)rep->text);
    p2_resource_free(host, rep);
}

void wasi_io_error_error_to_debug_string(LiftCall *call, WasiIoErrorError *self, Str *ret_result)
{
    if (self->text) {
        *ret_result = lift_copy(call, str_of(self->text));
        return;
    }
    Buf b = {0};
    buf_printf(&b, "%s (os error %d)", strerror(self->err), self->err);
    *ret_result = lift_copy(call, (Str){(char *)b.p, b.n});
    buf_release(&b);
}

static WasiIoStreamsStreamError closed(void)
{
    return (WasiIoStreamsStreamError){.tag = WASI_IO_STREAMS_STREAM_ERROR_CLOSED};
}

static WasiIoStreamsStreamError
failed_with(LiftCall *call, int err, void (*describe)(void *impl, WasiIoErrorError *e), void *impl)
{
    if (err == P2_CLOSED)
        return closed();
    WasiIoStreamsStreamError e = {.tag = WASI_IO_STREAMS_STREAM_ERROR_LAST_OPERATION_FAILED};
    e.as.last_operation_failed = p2_resource_new(call, sizeof(WasiIoErrorError));
    e.as.last_operation_failed->err = err;
    if (describe)
        describe(impl, e.as.last_operation_failed);
    return e;
}

/* --- reading --- */

Input *p2_input_new(LiftCall *c, const P2InputOps *ops, void *impl, P2Children *parent)
{
    Input *s = p2_resource_new(c, sizeof *s);
    *s = (Input){.ops = ops, .impl = impl, .parent = parent, .fd = -1};
    if (parent)
        parent->n++;
    return s;
}

void wasi_io_streams_input_stream_drop(void *host, Input *rep)
{
    if (p2_has_children(host, &rep->pollables, &wasi_io_streams_input_stream_type, rep))
        return;
    P2Children *parent = rep->parent;
    if (rep->ops)
        rep->ops->drop(host, rep->impl);
    p2_file_unref(rep->file);
    p2_resource_free(host, rep);
    p2_child_gone(host, parent);
}

static void input_wants(const void *of, WasiWait *ret_wait)
{
    const Input *s = of;
    if (s->ops)
        s->ops->wants(s->impl, ret_wait);
    else
        *ret_wait = s->file || s->fd < 0 ? wasi_wait_ready() : wasi_wait_read(s->fd);
}

/* Standard input may be what blocks on reading. */
static int read_stdin(LiftCall *call, const Input *s, u8 *p, usize len, usize *ret_n)
{
    WasiWait w = wasi_wait_read(s->fd);
    if (!p2_wait(call, &w, 1, 0))
        return EINTR;
    if (!w.ready)
        return EAGAIN;
    int err = os_fd_read(s->fd, p, len, ret_n);
    return err == EINTR && !p2_stopped(call) ? EAGAIN : err;
}

static int read_now(LiftCall *call, Input *s, u8 *p, usize len, usize *ret_n)
{
    if (s->ops)
        return s->ops->read(s->impl, p, len, ret_n);
    return s->file ? os_fd_pread(s->fd, p, len, s->offset, ret_n)
                   : read_stdin(call, s, p, len, ret_n);
}

/* With a deadline of 0 it only looks: EAGAIN if there is nothing. */
static int read_once(LiftCall *call, Input *s, u64 deadline, u8 *p, usize len, usize *ret_n)
{
    for (;;) {
        int err = read_now(call, s, p, len, ret_n);
        if (err != EAGAIN || deadline == 0 || call->failed)
            return err;
        WasiWait w;
        input_wants(s, &w);
        if (!p2_wait(call, &w, 1, deadline))
            return EINTR;
    }
}

/* Nothing to be read is success with no bytes; the end is `closed`. */
static void read_some(LiftCall *call, Input *s, u64 len, u64 deadline, ReadResult *ret)
{
    usize want = (usize)MIN(len, (u64)CHUNK), n = 0;
    *ret = (ReadResult){0};
    bool ended = s->ops ? want == 0 && s->ops->ended && s->ops->ended(s->impl) : s->fd < 0;
    if (ended) {
        *ret = (ReadResult){.is_err = true, .as.err = closed()};
        return;
    }
    if (want == 0)
        return;
    u8 *p = lift_alloc(call, want, 1);
    int err = read_once(call, s, deadline, p, want, &n);
    s->offset += n;
    if (call->failed || err == EAGAIN)
        return;
    if (err) {
        *ret = (ReadResult){.is_err = true,
                            .as.err =
                                failed_with(call, err, s->ops ? s->ops->describe : NULL, s->impl)};
        s->fd = -1;
    } else if (n == 0) {
        *ret = (ReadResult){.is_err = true, .as.err = closed()};
        if (s->file)
            s->fd = -1;
    } else {
        ret->as.ok = (LiftListU8){p, n};
    }
}

static void skip_some(LiftCall *call, Input *s, u64 len, u64 deadline, CountResult *ret)
{
    ReadResult r;
    read_some(call, s, len, deadline, &r);
    *ret = (CountResult){.is_err = r.is_err};
    if (r.is_err)
        ret->as.err = r.as.err;
    else
        ret->as.ok = r.as.ok.n;
}

void wasi_io_streams_input_stream_read(LiftCall *call, Input *self, u64 len, ReadResult *ret_result)
{
    read_some(call, self, len, 0, ret_result);
}

void wasi_io_streams_input_stream_blocking_read(LiftCall *call, Input *self, u64 len,
                                                ReadResult *ret_result)
{
    read_some(call, self, len, UINT64_MAX, ret_result);
}

void wasi_io_streams_input_stream_skip(LiftCall *call, Input *self, u64 len,
                                       CountResult *ret_result)
{
    skip_some(call, self, len, 0, ret_result);
}

void wasi_io_streams_input_stream_blocking_skip(LiftCall *call, Input *self, u64 len,
                                                CountResult *ret_result)
{
    skip_some(call, self, len, UINT64_MAX, ret_result);
}

void wasi_io_streams_input_stream_subscribe(LiftCall *call, Input *self,
                                            WasiIoPollPollable **ret_result)
{
    *ret_result = p2_pollable_of(call, input_wants, self, &self->pollables);
}

/* --- writing --- */

Output *p2_output_new(LiftCall *c, const P2OutputOps *ops, void *impl, P2Children *parent)
{
    Output *s = p2_resource_new(c, sizeof *s);
    *s = (Output){.ops = ops, .impl = impl, .parent = parent, .fd = -1};
    if (parent)
        parent->n++;
    return s;
}

void wasi_io_streams_output_stream_drop(void *host, Output *rep)
{
    if (p2_has_children(host, &rep->pollables, &wasi_io_streams_output_stream_type, rep))
        return;
    P2Children *parent = rep->parent;
    if (rep->ops)
        rep->ops->drop(host, rep->impl);
    p2_file_unref(rep->file);
    p2_resource_free(host, rep);
    p2_child_gone(host, parent);
}

static void output_wants(const void *of, WasiWait *ret_wait)
{
    const Output *s = of;
    if (s->ops && !s->closed)
        s->ops->wants(s->impl, ret_wait);
    else
        *ret_wait = wasi_wait_ready();
}

static bool wait_output(LiftCall *call, const Output *s)
{
    WasiWait w;
    output_wants(s, &w);
    return p2_wait(call, &w, 1, UINT64_MAX);
}

/* A write to a pipe that is ready does not block up to this size. */
enum { PIPE_READY = 4096 };

static int write_standard(LiftCall *call, const Output *s, const u8 *p, usize len, usize *ret_n)
{
    WasiWait w = wasi_wait_write(s->fd);
    if (fiber_current()) { /* others are to go on meanwhile */
        if (!p2_wait(call, &w, 1, UINT64_MAX))
            return EINTR;
        len = MIN(len, (usize)PIPE_READY);
    }
    int err = os_fd_write(s->fd, p, len, ret_n);
    if (err == EAGAIN)
        return p2_wait(call, &w, 1, UINT64_MAX) ? 0 : EINTR;
    return err == EINTR && !p2_stopped(call) ? 0 : err;
}

static int write_once(LiftCall *call, Output *s, const u8 *p, usize len, usize *ret_n)
{
    if (!s->file)
        return write_standard(call, s, p, len, ret_n);
    return s->append ? os_fd_append(s->fd, p, len, ret_n)
                     : os_fd_pwrite(s->fd, p, len, s->offset, ret_n);
}

/* Bytes that get their prefixes at a time. */
enum { PREFIXED = 2048 };

static void put_prefixed(WasiPrefix *prefix, Buf *out, const u8 *p, usize len)
{
    while (len > 0) {
        if (!prefix->inside)
            buf_printf(out, "%s [%llu] :: ", prefix->stream, (unsigned long long)prefix->id);
        const u8 *nl = memchr(p, '\n', len);
        usize n = nl ? (usize)(nl - p) + 1 : len;
        buf_bytes(out, p, n);
        prefix->inside = !nl;
        p += n;
        len -= n;
    }
}

static int write_prefixed(LiftCall *call, Output *s, const u8 *p, usize len)
{
    int err = 0;
    Buf out = {0};
    for (usize n; s->fd >= 0 && len > 0 && !err && !call->failed; p += n, len -= n) {
        n = MIN(len, (usize)PREFIXED);
        out.n = 0;
        put_prefixed(s->prefix, &out, p, n);
        for (usize done = 0, part; done < out.n && !err && !call->failed; done += part) {
            part = 0;
            err = write_standard(call, s, out.p + done, out.n - done, &part);
        }
    }
    buf_release(&out);
    return err == EPIPE ? P2_CLOSED : err;
}

static int write_native(LiftCall *call, Output *s, const u8 *p, usize len)
{
    int err = 0;
    for (usize done = 0; s->fd >= 0 && done < len && !err && !call->failed;) {
        usize n = 0;
        err = write_once(call, s, p + done, len - done, &n);
        done += n;
        s->offset += n;
    }
    return err == EPIPE && !s->file ? P2_CLOSED : err;
}

static WasiIoStreamsStreamError output_failed(LiftCall *call, Output *s, int err)
{
    s->closed = true;
    return failed_with(call, err, s->ops ? s->ops->describe : NULL, s->impl);
}

/* What check-write permits; not for closed ones. */
static int check_now(Output *s, u64 *ret_n)
{
    *ret_n = PERMITTED;
    return s->ops ? s->ops->check(s->impl, ret_n) : 0;
}

static int flush_now(Output *s)
{
    return s->ops ? s->ops->flush(s->impl) : 0;
}

/* Writes what is permitted. */
static void write_all(LiftCall *call, Output *s, const u8 *p, usize len, VoidResult *ret)
{
    *ret = (VoidResult){.is_err = s->closed};
    if (s->closed) {
        ret->as.err = closed();
        return;
    }
    int err;
    if (s->ops)
        err = s->ops->write(s->impl, p, len);
    else
        err = s->prefix ? write_prefixed(call, s, p, len) : write_native(call, s, p, len);
    if (!call->failed && err)
        *ret = (VoidResult){.is_err = true, .as.err = output_failed(call, s, err)};
}

/* Waits until something is permitted; an error otherwise. */
static bool wait_permitted(LiftCall *call, Output *s, u64 *ret_n, VoidResult *ret)
{
    *ret = (VoidResult){.is_err = s->closed};
    if (s->closed)
        ret->as.err = closed();
    while (!s->closed) {
        int err = check_now(s, ret_n);
        if (!err && *ret_n > 0)
            return true;
        if (err && err != EAGAIN)
            *ret = (VoidResult){.is_err = true, .as.err = output_failed(call, s, err)};
        else if (!wait_output(call, s))
            break;
    }
    return false;
}

static void blocking_flush(LiftCall *call, Output *s, VoidResult *ret)
{
    int err = EAGAIN;
    *ret = (VoidResult){.is_err = s->closed};
    if (s->closed)
        ret->as.err = closed();
    while (!s->closed && err == EAGAIN) {
        err = flush_now(s);
        if (err == EAGAIN && !wait_output(call, s))
            return;
    }
    if (!s->closed && err)
        *ret = (VoidResult){.is_err = true, .as.err = output_failed(call, s, err)};
}

/* All of it, in pieces that are permitted, and out. */
static void write_and_flush(LiftCall *call, Output *s, const u8 *p, usize len, VoidResult *ret)
{
    *ret = (VoidResult){0};
    while (len > 0) {
        u64 n;
        if (!wait_permitted(call, s, &n, ret))
            return;
        usize part = (usize)MIN((u64)len, n);
        write_all(call, s, p, part, ret);
        if (ret->is_err || call->failed)
            return;
        p += part;
        len -= part;
    }
    blocking_flush(call, s, ret);
}

void wasi_io_streams_output_stream_check_write(LiftCall *call, Output *self,
                                               CountResult *ret_result)
{
    u64 n = 0;
    *ret_result = (CountResult){.is_err = self->closed};
    if (self->closed) {
        ret_result->as.err = closed();
        return;
    }
    int err = check_now(self, &n);
    self->allowed = err ? 0 : n;
    if (err && err != EAGAIN)
        *ret_result = (CountResult){.is_err = true, .as.err = output_failed(call, self, err)};
    else
        ret_result->as.ok = self->allowed;
}

void wasi_io_streams_output_stream_write(LiftCall *call, Output *self, LiftListU8 contents,
                                         VoidResult *ret_result)
{
    if (contents.n > self->allowed) {
        lift_fail(call, "write exceeded what `check-write` permits");
        return;
    }
    self->allowed -= contents.n;
    write_all(call, self, contents.p, contents.n, ret_result);
}

void wasi_io_streams_output_stream_blocking_write_and_flush(LiftCall *call, Output *self,
                                                            LiftListU8 contents,
                                                            VoidResult *ret_result)
{
    if (contents.n > BLOCKING_MAX)
        lift_fail(call, "Buffer too large for blocking-write-and-flush (expected at most 4096)");
    else
        write_and_flush(call, self, contents.p, contents.n, ret_result);
}

void wasi_io_streams_output_stream_flush(LiftCall *call, Output *self, VoidResult *ret_result)
{
    *ret_result = (VoidResult){.is_err = self->closed};
    if (self->closed) {
        ret_result->as.err = closed();
        return;
    }
    int err = flush_now(self);
    if (err && err != EAGAIN)
        *ret_result = (VoidResult){.is_err = true, .as.err = output_failed(call, self, err)};
}

void wasi_io_streams_output_stream_blocking_flush(LiftCall *call, Output *self,
                                                  VoidResult *ret_result)
{
    blocking_flush(call, self, ret_result);
}

void wasi_io_streams_output_stream_subscribe(LiftCall *call, Output *self,
                                             WasiIoPollPollable **ret_result)
{
    *ret_result = p2_pollable_of(call, output_wants, self, &self->pollables);
}

static const u8 zeroes[BLOCKING_MAX];

void wasi_io_streams_output_stream_write_zeroes(LiftCall *call, Output *self, u64 len,
                                                VoidResult *ret_result)
{
    *ret_result = (VoidResult){0};
    if (len > self->allowed) {
        lift_fail(call, "cannot write more zeroes than `check_write` allows");
        return;
    }
    self->allowed -= len;
    while (len > 0 && !ret_result->is_err && lift_ok(call)) {
        usize n = (usize)MIN(len, sizeof zeroes);
        write_all(call, self, zeroes, n, ret_result);
        len -= n;
    }
}

void wasi_io_streams_output_stream_blocking_write_zeroes_and_flush(LiftCall *call, Output *self,
                                                                   u64 len, VoidResult *ret_result)
{
    if (len > BLOCKING_MAX)
        lift_fail(call, "Buffer too large for blocking-write-zeroes-and-flush "
                        "(expected at most 4096)");
    else
        write_and_flush(call, self, zeroes, (usize)len, ret_result);
}

/* As much as is permitted; what was read is never lost. */
static void splice(LiftCall *call, Output *s, Input *src, u64 len, u64 deadline, CountResult *ret)
{
    ReadResult r;
    VoidResult w = {0};
    if (s->closed) {
        *ret = (CountResult){.is_err = true, .as.err = closed()};
        return;
    }
    u64 permitted = 0;
    *ret = (CountResult){0};
    if (deadline) {
        if (!wait_permitted(call, s, &permitted, &w)) {
            *ret = (CountResult){.is_err = w.is_err};
            if (w.is_err)
                ret->as.err = w.as.err;
            return;
        }
    } else {
        int err = check_now(s, &permitted);
        if (err && err != EAGAIN) {
            *ret = (CountResult){.is_err = true, .as.err = output_failed(call, s, err)};
            return;
        }
    }
    read_some(call, src, MIN(len, permitted), deadline, &r);
    if (r.is_err) {
        *ret = (CountResult){.is_err = true, .as.err = r.as.err};
        return;
    }
    write_all(call, s, r.as.ok.p, r.as.ok.n, &w);
    *ret = w.is_err ? (CountResult){.is_err = true, .as.err = w.as.err}
                    : (CountResult){.as.ok = r.as.ok.n};
}

void wasi_io_streams_output_stream_splice(LiftCall *call, Output *self, Input *src, u64 len,
                                          CountResult *ret_result)
{
    splice(call, self, src, len, 0, ret_result);
}

void wasi_io_streams_output_stream_blocking_splice(LiftCall *call, Output *self, Input *src,
                                                   u64 len, CountResult *ret_result)
{
    splice(call, self, src, len, UINT64_MAX, ret_result);
}
