/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * wasi:http of a host, and the request that its guest answers. Nothing of a request is on the heap
 * but what the guest makes; texts of it lie in an arena that is used again.
 */
#include "wasi/http/http_priv.h"

/* Bytes for the texts of a request: what most need, and what is kept for the next one at most. */
enum { TEXTS = 256, TEXTS_KEPT = 4096 };

P2Http *p2_http_new(WasiP2 *p, const ComponentLinker *l, const WasiHttpOptions *o)
{
    P2Http *h = mem_alloc(sizeof *h);
    *h = (P2Http){.p2 = p, .linker = l, .options = *o};
    arena_init(&h->arena);
    return h;
}

P2Http *p2_http_new_like(WasiP2 *p, const P2Http *linked)
{
    return p2_http_new(p, linked->linker, &linked->options);
}

/* --- the body of the request --- */

/* P2SourceOps */
static HttpRead request_read(void *from, Str *ret_data)
{
    const P2Http *h = from;
    return h->peer->read(h->user, ret_data);
}

static void request_wanted(void *from)
{
    const P2Http *h = from;
    if (h->peer->wanted)
        h->peer->wanted(h->user);
}

static void request_consume(void *from, usize n)
{
    const P2Http *h = from;
    h->peer->consume(h->user, n);
}

static const HttpFields *request_trailers(void *from, const u8 **ret_bytes)
{
    const P2Http *h = from;
    return h->peer->trailers(h->user, ret_bytes);
}

static void request_error(void *from, P2HttpError *ret_error)
{
    (void)from;
    *ret_error = (P2HttpError){.tag = WASI_HTTP_TYPES_ERROR_CODE_HTTP_PROTOCOL_ERROR};
}

static void request_release(void *from)
{
    (void)from; /* the connection passes over what is left */
}

static const P2SourceOps request_ops = {.read = request_read,
                                        .wanted = request_wanted,
                                        .consume = request_consume,
                                        .trailers = request_trailers,
                                        .error = request_error,
                                        .release = request_release};

/* --- the response --- */

/* The connection has what it gets, or is gone. */
static void part(P2Http *h, WasiHttpState state)
{
    h->gone = true;
    h->state = state;
    p2_incoming_cut(h->in);
}

/* P2SinkOps */
static usize response_space(void *to)
{
    const P2Http *h = to;
    return h->peer->space(h->user);
}

static bool response_write(void *to, const void *p, usize n)
{
    const P2Http *h = to;
    return h->peer->write(h->user, p, n);
}

static void response_flush(void *to)
{
    const P2Http *h = to;
    h->peer->flush(h->user);
}

static void response_abort(void *to)
{
    P2Http *h = to;
    part(h, WASI_HTTP_ABORTED);
    h->peer->abort(h->user);
}

static bool response_end(void *to, const HttpPair *trailers, u32 n)
{
    P2Http *h = to;
    u32 index;
    if (http_pairs_check(trailers, n, true, &index)) {
        response_abort(h);
        return false;
    }
    part(h, WASI_HTTP_ENDED);
    h->peer->end(h->user, trailers, n);
    return true;
}

static const P2SinkOps response_ops = {.space = response_space,
                                       .write = response_write,
                                       .flush = response_flush,
                                       .end = response_end,
                                       .abort = response_abort};

static void fail(P2Http *h, const char *why)
{
    part(h, WASI_HTTP_FAILED);
    h->peer->fail(h->user, why);
}

void p2_http_fail(P2Http *h, const P2HttpError *error)
{
    Buf text = {0};
    if (!h->peer || h->gone)
        return;
    p2_http_error_text(error, &text);
    buf_u8(&text, 0);
    fail(h, (const char *)text.p);
    buf_release(&text);
}

/* NULL, or why the head is none. */
static const char *start(P2Http *h, const WasiHttpTypesOutgoingResponse *r, i64 *ret_length)
{
    HttpResponseHead head = {.status = r->status};
    if (r->status < 200)
        return "a status below 200 does not end a request";
    if (!p2_fields_length(r->fields, &head.length))
        return "several values of Content-Length";
    *ret_length = head.length;
    if (!r->body && head.length == HTTP_LENGTH_UNKNOWN)
        head.length = 0;
    head.fields = p2_fields_pairs(h, r->fields, &head.n_fields);
    return h->peer->start(h->user, &head);
}

void p2_http_respond(P2Http *h, WasiHttpTypesOutgoingResponse *r)
{
    i64 length = HTTP_LENGTH_UNKNOWN;
    const char *why = NULL;
    if (!h->peer || h->gone || h->state != WASI_HTTP_UNSET) {
        if (r->body)
            p2_outgoing_cut(r->body);
        return;
    }
    if ((why = start(h, r, &length))) {
        if (r->body)
            p2_outgoing_cut(r->body);
        fail(h, why);
        return;
    }
    h->state = WASI_HTTP_STARTED;
    if (r->body) {
        h->out = r->body;
        r->body = NULL;
        p2_outgoing_attach(h->out, &response_ops, h);
    } else if (length > 0 && !str_eq(h->request_method, STR("HEAD"))) {
        response_abort(h);
    } else {
        response_end(h, NULL, 0);
    }
}

/* --- one request --- */

static Str keep(P2Http *h, Str s)
{
    return (Str){arena_strdup(&h->arena, s), s.n};
}

void wasi_http_begin(WasiP2 *p, const WasiHttpCall *call, const WasiHttpPeer *peer, void *user)
{
    P2Http *h = p->http;
    ALWAYS(!h->peer);
    h->peer = peer;
    h->user = user;
    arena_reserve(&h->arena, TEXTS);
    h->request_method = keep(h, call->method);
    h->in = p2_incoming_new(h, &request_ops, h);
    h->request = (WasiHttpTypesIncomingRequest){.method = h->request_method,
                                                .authority = keep(h, call->authority),
                                                .path = keep(h, call->path),
                                                .fields = p2_fields_new(h),
                                                .body = h->in};
    h->in->refs++;
    p2_fields_add_pairs(h->request.fields, call->fields, call->n_fields);
}

ComponentFunc *wasi_http_handler(const ComponentItems *exports)
{
    ComponentItem item, func;
    const ComponentTypes *t = NULL;
    const CType *type = NULL;
    if (items_find_version(exports, STR("wasi:http/incoming-handler@0.2.12"), &item) &&
        item.sort == SORT_INSTANCE && items_find(item.instance, STR("handle"), &func) &&
        func.sort == SORT_FUNC && component_func_type(func.func, &t, &type) && type->n == 2 &&
        type->result == CTYPE_NONE)
        return func.func;
    return NULL;
}

static ComponentVal own_of(const P2Http *h, const LiftResource *type, void *rep)
{
    return (ComponentVal){.kind = CT_OWN,
                          .resource = component_linker_type(h->linker, type),
                          .rep = (u64)(uintptr_t)rep};
}

Error *wasi_http_handle(WasiP2 *p, ComponentFunc *handler)
{
    P2Http *h = p->http;
    ComponentVal args[2] = {
        own_of(h, &wasi_http_types_incoming_request_type, &h->request),
        own_of(h, &wasi_http_types_response_outparam_type, &h->outparam),
    };
    ComponentVal result = {0};
    Arena arena;
    arena_init(&arena);
    Error *e = component_call(handler, args, &arena, &result);
    arena_release(&arena);
    return e;
}

WasiHttpState wasi_http_state(const WasiP2 *p)
{
    return p->http->state;
}

bool wasi_http_next(WasiP2 *p)
{
    P2Http *h = p->http;
    if (h->state != WASI_HTTP_ENDED || h->request.fields || h->in->refs > 1 ||
        (h->out && h->out->refs > 1))
        return false;
    p2_http_reset(h);
    return true;
}

void wasi_http_readable(WasiP2 *p)
{
    if (p->http->in)
        wasi_waker_set(&p->http->in->data);
}

void wasi_http_writable(WasiP2 *p)
{
    if (p->http->out)
        p2_outgoing_room(p->http->out);
}

void wasi_http_gone(WasiP2 *p)
{
    P2Http *h = p->http;
    if (!h->peer || h->gone)
        return;
    part(h, WASI_HTTP_GONE);
    if (h->out)
        p2_outgoing_cut(h->out);
}

/* What the guest had was dropped. */
void p2_http_reset(P2Http *h)
{
    if (!h)
        return;
    if (h->request.fields)
        wasi_http_types_incoming_request_drop(h->p2, &h->request);
    p2_incoming_unref(h->in);
    p2_outgoing_unref(h->out);
    h->in = NULL;
    h->out = NULL;
    h->peer = NULL;
    h->user = NULL;
    h->gone = false;
    h->state = WASI_HTTP_UNSET;
    if (h->arena.total > TEXTS_KEPT)
        arena_release(&h->arena);
    else
        arena_reset(&h->arena);
}

void p2_http_free(P2Http *h)
{
    if (!h)
        return;
    p2_http_reset(h);
    while (h->spare) {
        P2Fields *f = h->spare;
        h->spare = f->next;
        p2_fields_free(f);
    }
    vec_release(&h->pairs);
    arena_release(&h->arena);
    mem_free(h);
}
