/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * wasi:http: bodies. One that comes is pulled from its connection when the guest reads; one that
 * goes is handed on when the guest writes, and waits only as long as it has nowhere to go.
 */
#include "wasi/http/http_priv.h"

#include <errno.h>

typedef WasiHttpTypesIncomingBody IncomingBody;
typedef WasiHttpTypesOutgoingBody OutgoingBody;
typedef WasiHttpTypesFutureTrailers FutureTrailers;

struct WasiHttpTypesIncomingBody {
    P2Incoming *in; /* own */
    P2Children streams;
    bool taken;
};

struct WasiHttpTypesOutgoingBody {
    P2Outgoing *out; /* own */
    P2Children streams;
    bool taken;
};

struct WasiHttpTypesFutureTrailers {
    P2Incoming *in; /* own */
    P2Children pollables;
    bool taken;
};

/* --- a body that comes --- */

P2Incoming *p2_incoming_new(P2Http *h, const P2SourceOps *ops, void *from)
{
    P2Incoming *in = p2_block_new(h->p2, sizeof *in);
    *in = (P2Incoming){.refs = 1, .http = h, .ops = ops, .from = from};
    return in;
}

static void incoming_over(P2Incoming *in)
{
    const P2SourceOps *ops = in->ops;
    in->ops = NULL;
    if (ops)
        ops->release(in->from);
}

void p2_incoming_unref(P2Incoming *in)
{
    if (!in || --in->refs)
        return;
    incoming_over(in);
    p2_fields_unref(in->http, in->trailers);
    p2_block_free(in->http->p2, in);
}

void p2_incoming_cut(P2Incoming *in)
{
    if (!in->ops)
        return;
    in->failed = true;
    in->error = (P2HttpError){.tag = WASI_HTTP_TYPES_ERROR_CODE_CONNECTION_TERMINATED};
    incoming_over(in);
    wasi_waker_set(&in->data);
}

/* Trailers stay when the connection goes. */
static void incoming_end(P2Incoming *in)
{
    const u8 *bytes = NULL;
    const HttpFields *f = in->ops->trailers(in->from, &bytes);
    if (f && f->n) {
        in->trailers = p2_fields_new(in->http);
        p2_fields_add_wire(in->trailers, bytes, f);
    }
    incoming_over(in);
}

/* HTTP_READ_DATA, or how it stands. */
static HttpRead incoming_look(P2Incoming *in, Str *ret_data)
{
    if (!in->ops)
        return in->failed ? HTTP_READ_FAIL : HTTP_READ_END;
    HttpRead r = in->ops->read(in->from, ret_data);
    switch (r) {
    case HTTP_READ_DATA:
        break;
    case HTTP_READ_WAIT:
        wasi_waker_clear(&in->data);
        break;
    case HTTP_READ_END:
        incoming_end(in);
        break;
    case HTTP_READ_FAIL:
        in->failed = true;
        in->ops->error(in->from, &in->error);
        incoming_over(in);
        break;
    }
    return r;
}

/* P2InputOps */
static int input_read(void *impl, u8 *p, usize n, usize *ret_n)
{
    P2Incoming *in = impl;
    Str data = {0};
    *ret_n = 0;
    switch (incoming_look(in, &data)) {
    case HTTP_READ_DATA:
        *ret_n = MIN(n, data.n);
        memcpy(p, data.p, *ret_n);
        in->ops->consume(in->from, *ret_n);
        return 0;
    case HTTP_READ_WAIT:
        return EAGAIN;
    case HTTP_READ_END:
        return 0;
    case HTTP_READ_FAIL:
        break;
    }
    return EIO;
}

static void input_wants(const void *impl, WasiWait *ret_wait)
{
    P2Incoming *in = (void *)(uintptr_t)impl;
    Str data;
    *ret_wait =
        incoming_look(in, &data) == HTTP_READ_WAIT ? wasi_wait_waker(&in->data) : wasi_wait_ready();
}

static void input_describe(void *impl, WasiIoErrorError *e)
{
    const P2Incoming *in = impl;
    p2_http_describe(e, &in->error);
}

static void input_drop(void *host, void *impl)
{
    (void)host;
    p2_incoming_unref(impl);
}

static const P2InputOps input_ops = {
    .read = input_read, .wants = input_wants, .describe = input_describe, .drop = input_drop};

IncomingBody *p2_incoming_body(LiftCall *c, P2Incoming *in)
{
    IncomingBody *b = p2_resource_new(c, sizeof *b);
    *b = (IncomingBody){.in = in};
    return b;
}

void wasi_http_types_incoming_body_drop(void *host, IncomingBody *rep)
{
    if (p2_has_children(host, &rep->streams, &wasi_http_types_incoming_body_type, rep))
        return;
    p2_incoming_unref(rep->in);
    p2_resource_free(host, rep);
}

void wasi_http_types_incoming_body_stream(LiftCall *call, IncomingBody *self,
                                          WasiHttpTypesResultStreamsInputStreamVoid *ret_result)
{
    ret_result->is_err = self->taken;
    if (self->taken)
        return;
    self->taken = true;
    self->in->refs++;
    if (self->in->ops && self->in->ops->wanted)
        self->in->ops->wanted(self->in->from);
    ret_result->as.ok = p2_input_new(call, &input_ops, self->in, &self->streams);
}

void wasi_http_types_incoming_body_finish(LiftCall *call, IncomingBody *this,
                                          FutureTrailers **ret_result)
{
    WasiP2 *p = p2_of(call);
    FutureTrailers *t = p2_resource_new(call, sizeof *t);
    *t = (FutureTrailers){.in = this->in};
    *ret_result = t;
    this->in->refs++;
    wasi_http_types_incoming_body_drop(p, this);
}

/* --- trailers of a body that comes --- */

void wasi_http_types_future_trailers_drop(void *host, FutureTrailers *rep)
{
    if (p2_has_children(host, &rep->pollables, &wasi_http_types_future_trailers_type, rep))
        return;
    p2_incoming_unref(rep->in);
    p2_resource_free(host, rep);
}

/* What the guest has not read is passed over. */
static bool trailers_pending(P2Incoming *in)
{
    Str data;
    for (;;) {
        switch (incoming_look(in, &data)) {
        case HTTP_READ_DATA:
            in->ops->consume(in->from, data.n);
            break;
        case HTTP_READ_WAIT:
            return true;
        case HTTP_READ_END:
        case HTTP_READ_FAIL:
            return false;
        }
    }
}

static void trailers_wants(const void *of, WasiWait *ret_wait)
{
    const FutureTrailers *t = of;
    *ret_wait = trailers_pending(t->in) ? wasi_wait_waker(&t->in->data) : wasi_wait_ready();
}

void wasi_http_types_future_trailers_subscribe(LiftCall *call, FutureTrailers *self,
                                               WasiIoPollPollable **ret_result)
{
    *ret_result = p2_pollable_of(call, trailers_wants, self, &self->pollables);
}

void wasi_http_types_future_trailers_get(
    LiftCall *call, FutureTrailers *self,
    WasiHttpTypesOptionResultResultOptionFieldsErrorCodeVoid *ret_result)
{
    P2Incoming *in = self->in;
    memset(ret_result, 0, sizeof *ret_result);
    if (self->taken) {
        ret_result->some = true;
        ret_result->value.is_err = true;
        return;
    }
    if (trailers_pending(in))
        return;
    self->taken = ret_result->some = true;
    WasiHttpTypesResultOptionFieldsErrorCode *r = &ret_result->value.as.ok;
    r->is_err = in->failed;
    if (in->failed) {
        r->as.err = in->error;
    } else if (in->trailers) {
        r->as.ok.some = true;
        r->as.ok.value = p2_fields_handle(call, p2_fields_ref(in->trailers), true);
    }
}

/* --- a body that goes --- */

P2Outgoing *p2_outgoing_new(P2Http *h, bool request, i64 length)
{
    P2Outgoing *o = p2_block_new(h->p2, sizeof *o);
    *o = (P2Outgoing){.refs = 1, .http = h, .request = request, .length = length};
    return o;
}

static void drop_waiting(P2Outgoing *o)
{
    o->http->held -= o->waiting.n;
    buf_release(&o->waiting);
}

void p2_outgoing_unref(P2Outgoing *o)
{
    if (!o || --o->refs)
        return;
    p2_fields_unref(o->http, o->trailers);
    drop_waiting(o);
    p2_block_free(o->http->p2, o);
}

/* The last call of the sink is the caller's. */
static const P2SinkOps *outgoing_over(P2Outgoing *o)
{
    const P2SinkOps *sink = o->sink;
    o->sink = NULL;
    o->over = true;
    drop_waiting(o);
    wasi_waker_set(&o->room);
    return sink;
}

void p2_outgoing_room(P2Outgoing *o)
{
    wasi_waker_set(&o->room);
}

void p2_outgoing_cut(P2Outgoing *o)
{
    outgoing_over(o);
}

static void outgoing_abort(P2Outgoing *o)
{
    const P2SinkOps *sink = outgoing_over(o);
    if (sink)
        sink->abort(o->to);
}

/* False: the trailers are none that can be sent, and the body was cut off. */
static bool outgoing_end(P2Outgoing *o, const P2Fields *trailers)
{
    u32 n = 0;
    const HttpPair *pairs = trailers ? p2_fields_pairs(o->http, trailers, &n) : NULL;
    const P2SinkOps *sink = outgoing_over(o);
    return sink->end(o->to, pairs, n);
}

static bool outgoing_is_short(const P2Outgoing *o)
{
    return o->length >= 0 && o->written < (u64)o->length;
}

void p2_outgoing_attach(P2Outgoing *o, const P2SinkOps *sink, void *to)
{
    o->sink = sink;
    o->to = to;
    if (o->waiting.n && !sink->write(to, o->waiting.p, o->waiting.n)) {
        outgoing_abort(o);
        return;
    }
    drop_waiting(o);
    o->nwaiting = 0;
    if (o->ended && !outgoing_is_short(o))
        outgoing_end(o, o->trailers);
    else if (o->ended || o->over)
        outgoing_abort(o);
    else
        wasi_waker_set(&o->room);
}

static bool has_room(const P2Outgoing *o)
{
    return o->sink ? o->sink->space(o->to) > 0 : o->nwaiting <= o->http->options.buffer_chunks;
}

/* P2OutputOps */
static int output_check(void *impl, u64 *ret_n)
{
    P2Outgoing *o = impl;
    if (o->over)
        return P2_CLOSED;
    if (!has_room(o)) {
        wasi_waker_clear(&o->room);
        *ret_n = 0;
        return EAGAIN;
    }
    *ret_n = o->http->options.chunk_size;
    return 0;
}

static P2HttpError size_error(const P2Outgoing *o, u64 written)
{
    P2HttpError e = {.tag = o->request ? WASI_HTTP_TYPES_ERROR_CODE_HTTP_REQUEST_BODY_SIZE
                                       : WASI_HTTP_TYPES_ERROR_CODE_HTTP_RESPONSE_BODY_SIZE};
    WasiHttpTypesOptionU64 some = {.some = true, .value = written};
    if (o->request)
        e.as.http_request_body_size = some;
    else
        e.as.http_response_body_size = some;
    return e;
}

/* `written` says how much it would have been. */
static int output_write(void *impl, const u8 *p, usize n)
{
    P2Outgoing *o = impl;
    if (o->over)
        return P2_CLOSED;
    o->written += n;
    if (o->length >= 0 && o->written > (u64)o->length)
        return EFBIG;
    if (n == 0)
        return 0;
    if (o->sink)
        return o->sink->write(o->to, p, n) ? 0 : EIO;
    if (o->http->held > WASI_LIMIT_HTTP_HELD) {
        outgoing_abort(o);
        return ENOMEM;
    }
    buf_bytes(&o->waiting, p, n);
    o->http->held += n;
    o->nwaiting++;
    return 0;
}

/*
 * A first piece is not sent by itself: mostly the end follows at once, and both go together. The
 * loop sends it as soon as the guest waits for anything.
 */
static int output_flush(void *impl)
{
    P2Outgoing *o = impl;
    if (o->over)
        return P2_CLOSED;
    if (!o->sink) {
        wasi_waker_clear(&o->room);
        return o->nwaiting > o->http->options.buffer_chunks ? EAGAIN : 0;
    }
    if (o->flushes++ > 0 && o->sink->flush)
        o->sink->flush(o->to);
    return 0;
}

static void output_wants(const void *impl, WasiWait *ret_wait)
{
    P2Outgoing *o = (void *)(uintptr_t)impl;
    *ret_wait = wasi_wait_ready();
    if (o->over || has_room(o))
        return;
    wasi_waker_clear(&o->room);
    *ret_wait = wasi_wait_waker(&o->room);
}

static void output_describe(void *impl, WasiIoErrorError *e)
{
    const P2Outgoing *o = impl;
    P2HttpError error = o->length >= 0 && o->written > (u64)o->length
                            ? size_error(o, o->written)
                            : p2_http_internal("the body could not be written");
    p2_http_describe(e, &error);
}

static void output_drop(void *host, void *impl)
{
    (void)host;
    p2_outgoing_unref(impl);
}

static const P2OutputOps output_ops = {.check = output_check,
                                       .write = output_write,
                                       .flush = output_flush,
                                       .wants = output_wants,
                                       .describe = output_describe,
                                       .drop = output_drop};

OutgoingBody *p2_outgoing_body(LiftCall *c, P2Outgoing *o)
{
    OutgoingBody *b = p2_resource_new(c, sizeof *b);
    *b = (OutgoingBody){.out = o};
    return b;
}

static void body_free(void *host, OutgoingBody *b)
{
    p2_outgoing_unref(b->out);
    p2_resource_free(host, b);
}

/* A body that is dropped without an end is cut off. */
void wasi_http_types_outgoing_body_drop(void *host, OutgoingBody *rep)
{
    if (!rep->out->over)
        outgoing_abort(rep->out);
    if (p2_has_children(host, &rep->streams, &wasi_http_types_outgoing_body_type, rep))
        return;
    body_free(host, rep);
}

void wasi_http_types_outgoing_body_write(LiftCall *call, OutgoingBody *self,
                                         WasiHttpTypesResultStreamsOutputStreamVoid *ret_result)
{
    ret_result->is_err = self->taken;
    if (self->taken)
        return;
    self->taken = true;
    self->out->refs++;
    ret_result->as.ok = p2_output_new(call, &output_ops, self->out, &self->streams);
}

/* The guest has written all; what is wrong with that, otherwise. */
static bool finish(P2Outgoing *o, P2Fields *trailers, P2HttpError *ret_error)
{
    if (outgoing_is_short(o) || (o->length >= 0 && o->written > (u64)o->length)) {
        *ret_error = size_error(o, o->written);
        outgoing_abort(o);
        return false;
    }
    o->ended = true;
    if (o->over) /* nobody takes it any more */
        return true;
    if (!o->sink) {
        o->trailers = trailers ? p2_fields_ref(trailers) : NULL;
        return true;
    }
    *ret_error = p2_http_internal("the body could not be ended");
    return outgoing_end(o, trailers);
}

void wasi_http_types_outgoing_body_finish(LiftCall *call, OutgoingBody *this,
                                          const WasiHttpTypesOptionFields *trailers,
                                          WasiHttpTypesResultVoidErrorCode *ret_result)
{
    WasiP2 *p = p2_of(call);
    P2Fields *map = trailers->some ? p2_fields_take(p->http, trailers->value) : NULL;
    memset(ret_result, 0, sizeof *ret_result);
    if (p2_has_children(p, &this->streams, &wasi_http_types_outgoing_body_type, this)) {
        outgoing_abort(this->out);
    } else {
        ret_result->is_err = !finish(this->out, map, &ret_result->as.err);
        body_free(p, this);
    }
    p2_fields_unref(p->http, map);
}
