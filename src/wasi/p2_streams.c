/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * wasi:io/error and wasi:io/streams, over standard streams and files. Output is not buffered:
 * what was written is where it belongs, so flushing has nothing to do.
 */
#include "wasi/p2_priv.h"

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
    p2_resource_free(host, rep);
}

void wasi_io_error_error_to_debug_string(LiftCall *call, WasiIoErrorError *self, Str *ret_result)
{
    Buf b = {0};
    buf_printf(&b, "%s (os error %d)", strerror(self->err), self->err);
    *ret_result = lift_copy(call, (Str){(char *)b.p, b.n});
    buf_release(&b);
}

static WasiIoStreamsStreamError closed(void)
{
    return (WasiIoStreamsStreamError){.tag = WASI_IO_STREAMS_STREAM_ERROR_CLOSED};
}

static WasiIoStreamsStreamError failed_with(LiftCall *call, int err)
{
    WasiIoStreamsStreamError e = {.tag = WASI_IO_STREAMS_STREAM_ERROR_LAST_OPERATION_FAILED};
    e.as.last_operation_failed = p2_resource_new(call, sizeof(WasiIoErrorError));
    e.as.last_operation_failed->err = err;
    return e;
}

/* --- reading --- */

void wasi_io_streams_input_stream_drop(void *host, Input *rep)
{
    if (p2_has_children(host, &rep->pollables, &wasi_io_streams_input_stream_type, rep))
        return;
    p2_file_unref(rep->file);
    p2_resource_free(host, rep);
}

/* Waits for standard input. With a deadline of 0 it only looks: EAGAIN if there is nothing. */
static int wait_input(LiftCall *call, int fd, u64 deadline)
{
    void *const *stop = &store_vm(p2_of(call)->store)->pending;
    bool ready = false;
    int err;
    do
        err = os_wait(fd, OS_WAIT_READ, deadline, stop, &ready);
    while (err == EINTR && !p2_stopped(call));
    return err ? err : ready ? 0 : EAGAIN;
}

static int read_once(LiftCall *call, Input *s, u64 deadline, u8 *p, usize len, usize *ret_n)
{
    if (s->file)
        return os_fd_pread(s->fd, p, len, s->offset, ret_n);
    int err;
    do {
        err = wait_input(call, s->fd, deadline);
        if (!err)
            err = os_fd_read(s->fd, p, len, ret_n);
    } while ((err == EINTR || (err == EAGAIN && deadline)) && !p2_stopped(call));
    return err;
}

/* Nothing to be read is success with no bytes; the end is `closed`. */
static void read_some(LiftCall *call, Input *s, u64 len, u64 deadline, ReadResult *ret)
{
    usize want = (usize)MIN(len, (u64)CHUNK), n = 0;
    *ret = (ReadResult){0};
    if (s->fd < 0) {
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
    if (err)
        *ret = (ReadResult){.is_err = true, .as.err = failed_with(call, err)};
    else if (n == 0)
        *ret = (ReadResult){.is_err = true, .as.err = closed()};
    else
        ret->as.ok = (LiftListU8){p, n};
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
    *ret_result = p2_pollable(call, self->file ? -1 : self->fd, 0);
    (*ret_result)->parent = &self->pollables;
    self->pollables.n++;
}

/* --- writing --- */

void wasi_io_streams_output_stream_drop(void *host, Output *rep)
{
    if (p2_has_children(host, &rep->pollables, &wasi_io_streams_output_stream_type, rep))
        return;
    p2_file_unref(rep->file);
    p2_resource_free(host, rep);
}

static int write_once(LiftCall *call, Output *s, const u8 *p, usize len, usize *ret_n)
{
    if (s->file)
        return s->append ? os_fd_append(s->fd, p, len, ret_n)
                         : os_fd_pwrite(s->fd, p, len, s->offset, ret_n);
    int err = os_fd_write(s->fd, p, len, ret_n);
    bool ready;
    if (err == EAGAIN)
        err = os_wait(s->fd, OS_WAIT_WRITE, UINT64_MAX, &store_vm(p2_of(call)->store)->pending,
                      &ready);
    return err == EINTR && !p2_stopped(call) ? 0 : err;
}

static void write_all(LiftCall *call, Output *s, const u8 *p, usize len, VoidResult *ret)
{
    *ret = (VoidResult){0};
    if (s->closed) {
        *ret = (VoidResult){.is_err = true, .as.err = closed()};
        return;
    }
    int err = 0;
    for (usize done = 0; s->fd >= 0 && done < len && !err && !call->failed;) {
        usize n = 0;
        err = write_once(call, s, p + done, len - done, &n);
        done += n;
        s->offset += n;
    }
    if (call->failed || !err)
        return;
    s->closed = true;
    *ret = (VoidResult){.is_err = true,
                        .as.err = err == EPIPE && !s->file ? closed() : failed_with(call, err)};
}

static void flush(const Output *s, VoidResult *ret)
{
    *ret = (VoidResult){.is_err = s->closed};
    if (s->closed)
        ret->as.err = closed();
}

void wasi_io_streams_output_stream_check_write(LiftCall *call, Output *self,
                                               CountResult *ret_result)
{
    (void)call;
    if (self->closed) {
        *ret_result = (CountResult){.is_err = true, .as.err = closed()};
        return;
    }
    self->allowed = PERMITTED;
    *ret_result = (CountResult){.as.ok = PERMITTED};
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
        write_all(call, self, contents.p, contents.n, ret_result);
}

void wasi_io_streams_output_stream_flush(LiftCall *call, Output *self, VoidResult *ret_result)
{
    (void)call;
    flush(self, ret_result);
}

void wasi_io_streams_output_stream_blocking_flush(LiftCall *call, Output *self,
                                                  VoidResult *ret_result)
{
    (void)call;
    flush(self, ret_result);
}

void wasi_io_streams_output_stream_subscribe(LiftCall *call, Output *self,
                                             WasiIoPollPollable **ret_result)
{
    *ret_result = p2_pollable(call, -1, 0);
    (*ret_result)->parent = &self->pollables;
    self->pollables.n++;
}

static void write_zeroes(LiftCall *call, Output *s, u64 len, VoidResult *ret)
{
    static const u8 zeroes[BLOCKING_MAX];
    *ret = (VoidResult){0};
    while (len > 0 && !ret->is_err && lift_ok(call)) {
        usize n = (usize)MIN(len, sizeof zeroes);
        write_all(call, s, zeroes, n, ret);
        len -= n;
    }
}

void wasi_io_streams_output_stream_write_zeroes(LiftCall *call, Output *self, u64 len,
                                                VoidResult *ret_result)
{
    if (len > self->allowed) {
        lift_fail(call, "cannot write more zeroes than `check_write` allows");
        return;
    }
    self->allowed -= len;
    write_zeroes(call, self, len, ret_result);
}

void wasi_io_streams_output_stream_blocking_write_zeroes_and_flush(LiftCall *call, Output *self,
                                                                   u64 len, VoidResult *ret_result)
{
    if (len > BLOCKING_MAX)
        lift_fail(call, "Buffer too large for blocking-write-zeroes-and-flush "
                        "(expected at most 4096)");
    else
        write_zeroes(call, self, len, ret_result);
}

static void splice(LiftCall *call, Output *s, Input *src, u64 len, u64 deadline, CountResult *ret)
{
    ReadResult r;
    VoidResult w = {0};
    if (s->closed) {
        *ret = (CountResult){.is_err = true, .as.err = closed()};
        return;
    }
    read_some(call, src, len, deadline, &r);
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
