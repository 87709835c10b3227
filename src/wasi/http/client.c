/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * wasi:http/outgoing-handler: a request by the HTTP client on the thread's loop. What goes and what
 * comes share the exchange, which lives until neither the guest nor a body needs it any more.
 */
#include "bind/wasi_http_outgoing_handler.h"
#include "wasi/http/http_priv.h"

typedef WasiHttpTypesFutureIncomingResponse Future;
typedef WasiHttpTypesIncomingResponse IncomingResponse;

/* An exchange. Counted: by the future, the response, and each direction that is not over. */
typedef struct Fetch {
    u32 refs;
    P2Http *http;
    HttpExchange *x;
    WasiWaker done; /* there is a head, or it failed */
    bool head, failed;
    HttpFailure failure;
    P2Outgoing *out; /* own; NULL: no body, or it is over */
    P2Incoming *in;  /* borrow, it counts the fetch; NULL: nobody reads */
} Fetch;

struct WasiHttpTypesFutureIncomingResponse {
    Fetch *fetch; /* own */
    P2Children pollables;
    bool taken;
};

struct WasiHttpTypesIncomingResponse {
    u16 status;
    P2Fields *fields; /* own */
    P2Incoming *body; /* own; NULL: consumed */
};

static void fetch_unref(Fetch *f)
{
    if (--f->refs)
        return;
    http_exchange_free(f->x);
    mem_free(f);
}

/* --- as the exchange calls back --- */

static void on_head(HttpExchange *x)
{
    Fetch *f = http_exchange_user(x);
    f->head = true;
    wasi_waker_set(&f->done);
}

static void on_readable(HttpExchange *x)
{
    Fetch *f = http_exchange_user(x);
    if (f->in)
        wasi_waker_set(&f->in->data);
}

static void on_writable(HttpExchange *x)
{
    Fetch *f = http_exchange_user(x);
    if (f->out)
        p2_outgoing_room(f->out);
}

/* Nobody takes the request's body any more. */
static void stop_sending(Fetch *f)
{
    P2Outgoing *o = f->out;
    if (!o)
        return;
    f->out = NULL;
    p2_outgoing_cut(o);
    p2_outgoing_unref(o);
    fetch_unref(f);
}

static void on_failed(HttpExchange *x, const HttpFailure *failure)
{
    Fetch *f = http_exchange_user(x);
    f->failed = true;
    f->failure = *failure;
    wasi_waker_set(&f->done);
    if (f->in)
        wasi_waker_set(&f->in->data);
    stop_sending(f);
}

static const HttpExchangeHandler handler = {
    .head = on_head, .readable = on_readable, .writable = on_writable, .failed = on_failed};

/* --- the request's body --- */

/* P2SinkOps */
static usize request_space(void *to)
{
    return http_exchange_space(((Fetch *)to)->x);
}

static bool request_write(void *to, const void *p, usize n)
{
    return http_exchange_write(((Fetch *)to)->x, p, n);
}

/* The exchange is of no use any more. */
static void fetch_fail(Fetch *f, HttpError e)
{
    if (f->failed)
        return;
    f->failed = true;
    f->failure = (HttpFailure){.error = e, .detail = ""};
    wasi_waker_set(&f->done);
    if (f->in)
        wasi_waker_set(&f->in->data);
}

/* The body has let go of the fetch. */
static void sent(Fetch *f)
{
    P2Outgoing *o = f->out;
    f->out = NULL;
    p2_outgoing_unref(o);
    fetch_unref(f);
}

static bool request_end(void *to, const HttpPair *trailers, u32 n)
{
    Fetch *f = to;
    HttpError e = http_exchange_end(f->x, trailers, n);
    if (e != HTTP_ERROR_NONE)
        fetch_fail(f, e);
    sent(f);
    return e == HTTP_ERROR_NONE;
}

static void request_abort(void *to)
{
    Fetch *f = to;
    fetch_fail(f, HTTP_ERROR_HTTP_PROTOCOL_ERROR);
    sent(f);
}

static const P2SinkOps sink_ops = {
    .space = request_space, .write = request_write, .end = request_end, .abort = request_abort};

/* --- the response's body --- */

/* P2SourceOps */
static HttpRead response_read(void *from, Str *ret_data)
{
    const Fetch *f = from;
    if (f->failed)
        return HTTP_READ_FAIL;
    switch (http_exchange_read(f->x, ret_data)) {
    case HTTP_CLIENT_DATA:
        return HTTP_READ_DATA;
    case HTTP_CLIENT_WAIT:
        return HTTP_READ_WAIT;
    case HTTP_CLIENT_END:
        return HTTP_READ_END;
    case HTTP_CLIENT_FAIL: /* `failed` will be called, and wake who waits */
        return HTTP_READ_WAIT;
    }
    return HTTP_READ_FAIL;
}

static void response_consume(void *from, usize n)
{
    http_exchange_consume(((Fetch *)from)->x, n);
}

static const HttpFields *response_trailers(void *from, const u8 **ret_bytes)
{
    return http_exchange_trailers(((Fetch *)from)->x, ret_bytes);
}

static void response_error(void *from, P2HttpError *ret_error)
{
    p2_http_failure(&((Fetch *)from)->failure, ret_error);
}

static void response_release(void *from)
{
    Fetch *f = from;
    f->in = NULL;
    fetch_unref(f);
}

static const P2SourceOps source_ops = {.read = response_read,
                                       .consume = response_consume,
                                       .trailers = response_trailers,
                                       .error = response_error,
                                       .release = response_release};

/* --- the handler --- */

static u32 ms_of(const WasiHttpTypesOptionU64 *ns)
{
    u64 ms = ns->value / 1000000 + (ns->value % 1000000 != 0);
    return ns->some ? (u32)MAX(1, MIN(ms, (u64)INT32_MAX)) : 0;
}

/* What a request without an authority, a path or a known scheme is. */
static HttpError check(const WasiHttpTypesOutgoingRequest *r)
{
    if (r->scheme && r->scheme_tag == WASI_HTTP_TYPES_SCHEME_OTHER)
        return HTTP_ERROR_HTTP_PROTOCOL_ERROR;
    return r->authority && r->path ? HTTP_ERROR_NONE : HTTP_ERROR_HTTP_REQUEST_URI_INVALID;
}

/* The path as it stands in the request line, without a fragment; in the call's arena. */
static Str target_of(LiftCall *call, const char *path)
{
    static const char hex[] = "0123456789ABCDEF";
    usize n = strcspn(path, "#"), at = 0;
    char *p = lift_alloc(call, 3 * n + 2, 1);
    if (path[0] != '/')
        p[at++] = '/';
    for (usize i = 0; i < n; i++) {
        u8 c = (u8)path[i];
        if (c < 0x80) {
            p[at++] = (char)c;
            continue;
        }
        p[at++] = '%';
        p[at++] = hex[c >> 4];
        p[at++] = hex[c & 15];
    }
    return (Str){p, at};
}

static HttpError fetch_new(LiftCall *call, WasiHttpTypesOutgoingRequest *r,
                           const WasiHttpTypesRequestOptions *o, Fetch **ret_fetch)
{
    P2Http *h = p2_http_of(call);
    HttpCall c = {.body = r->body != NULL};
    HttpError e = check(r);
    if (e == HTTP_ERROR_NONE && !p2_fields_length(r->fields, &c.length))
        e = HTTP_ERROR_HTTP_PROTOCOL_ERROR;
    if (e != HTTP_ERROR_NONE)
        return e;
    HttpClient *client = h->options.client ? h->options.client(h->options.client_arg) : NULL;
    if (!client)
        return HTTP_ERROR_CONFIGURATION_ERROR;
    c.tls = !r->scheme || r->scheme_tag == WASI_HTTP_TYPES_SCHEME_HTTPS;
    c.method = r->method ? str_of(r->method) : STR("GET");
    c.authority = str_of(r->authority);
    c.target = target_of(call, r->path);
    c.fields = p2_fields_pairs(h, r->fields, &c.n_fields);
    if (o) {
        c.connect_ms = ms_of(&o->connect);
        c.first_byte_ms = ms_of(&o->first_byte);
        c.between_ms = ms_of(&o->between_bytes);
    }
    Fetch *f = mem_alloc(sizeof *f);
    *f = (Fetch){.refs = 1, .http = h};
    f->x = http_client_call(client, &c, &handler, f, &e);
    if (!f->x) {
        mem_free(f);
        return e;
    }
    *ret_fetch = f;
    return HTTP_ERROR_NONE;
}

void wasi_http_outgoing_handler_handle(
    LiftCall *call, WasiHttpTypesOutgoingRequest *request,
    const WasiHttpOutgoingHandlerOptionTypesRequestOptions *options,
    WasiHttpOutgoingHandlerResultTypesFutureIncomingResponseTypesErrorCode *ret_result)
{
    Fetch *f = NULL;
    WasiP2 *p = p2_of(call);
    memset(ret_result, 0, sizeof *ret_result);
    HttpError e = fetch_new(call, request, options->some ? options->value : NULL, &f);
    if (e == HTTP_ERROR_NONE) {
        ret_result->as.ok = p2_resource_new(call, sizeof(Future));
        ret_result->as.ok->fetch = f;
        if (request->body) {
            f->out = request->body;
            request->body = NULL;
            f->refs++;
            p2_outgoing_attach(f->out, &sink_ops, f);
        }
    } else {
        HttpFailure failure = {.error = e, .detail = ""};
        ret_result->is_err = true;
        p2_http_failure(&failure, &ret_result->as.err);
        if (request->body)
            p2_outgoing_cut(request->body);
    }
    wasi_http_types_outgoing_request_drop(p, request);
    if (options->some)
        wasi_http_types_request_options_drop(p, options->value);
}

/* --- the response --- */

void wasi_http_types_future_incoming_response_drop(void *host, Future *rep)
{
    if (p2_has_children(host, &rep->pollables, &wasi_http_types_future_incoming_response_type, rep))
        return;
    if (rep->fetch)
        fetch_unref(rep->fetch);
    p2_resource_free(host, rep);
}

static void future_wants(const void *of, WasiWait *ret_wait)
{
    const Future *r = of;
    *ret_wait = r->fetch ? wasi_wait_waker(&r->fetch->done) : wasi_wait_ready();
}

void wasi_http_types_future_incoming_response_subscribe(LiftCall *call, Future *self,
                                                        WasiIoPollPollable **ret_result)
{
    *ret_result = p2_pollable_of(call, future_wants, self, &self->pollables);
}

/* Transfers the reference to the fetch. */
static IncomingResponse *response_new(LiftCall *call, Fetch *f)
{
    P2Http *h = f->http;
    const HttpHead *head = http_exchange_head(f->x);
    IncomingResponse *r = p2_resource_new(call, sizeof *r);
    *r = (IncomingResponse){.status = head->status, .fields = p2_fields_new(h)};
    p2_fields_add_wire(r->fields, http_exchange_bytes(f->x), &head->fields);
    r->body = f->in = p2_incoming_new(h, &source_ops, f);
    return r;
}

void wasi_http_types_future_incoming_response_get(
    LiftCall *call, Future *self,
    WasiHttpTypesOptionResultResultIncomingResponseErrorCodeVoid *ret_result)
{
    Fetch *f = self->fetch;
    memset(ret_result, 0, sizeof *ret_result);
    if (!f) {
        ret_result->some = ret_result->value.is_err = true;
        return;
    }
    if (!f->head && !f->failed) {
        WasiWait w = wasi_wait_waker(&f->done); /* the loop gets a turn */
        if (!p2_wait(call, &w, 1, 0) || (!f->head && !f->failed))
            return;
    }
    self->fetch = NULL;
    ret_result->some = true;
    WasiHttpTypesResultIncomingResponseErrorCode *r = &ret_result->value.as.ok;
    r->is_err = f->failed;
    if (f->failed) {
        p2_http_failure(&f->failure, &r->as.err);
        fetch_unref(f);
    } else {
        r->as.ok = response_new(call, f);
    }
}

void wasi_http_types_incoming_response_drop(void *host, IncomingResponse *rep)
{
    p2_fields_unref(((WasiP2 *)host)->http, rep->fields);
    p2_incoming_unref(rep->body);
    p2_resource_free(host, rep);
}

void wasi_http_types_incoming_response_status(LiftCall *call, IncomingResponse *self,
                                              u16 *ret_result)
{
    (void)call;
    *ret_result = self->status;
}

void wasi_http_types_incoming_response_headers(LiftCall *call, IncomingResponse *self,
                                               WasiHttpTypesFields **ret_result)
{
    *ret_result = p2_fields_handle(call, p2_fields_ref(self->fields), true);
}

void wasi_http_types_incoming_response_consume(LiftCall *call, IncomingResponse *self,
                                               WasiHttpTypesResultIncomingBodyVoid *ret_result)
{
    ret_result->is_err = self->body == NULL;
    if (!self->body)
        return;
    ret_result->as.ok = p2_incoming_body(call, self->body);
    self->body = NULL;
}
