/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * wasi:http: what belongs to a request that came and its response: methods, schemes, incoming
 * requests, outgoing responses, where the response goes.
 */
#include "wasi/http/http_priv.h"

typedef WasiHttpTypesIncomingRequest IncomingRequest;
typedef WasiHttpTypesOutgoingResponse OutgoingResponse;
typedef WasiHttpTypesResponseOutparam ResponseOutparam;

/* --- methods --- */

static const char *const methods[] = {
    [WASI_HTTP_TYPES_METHOD_GET] = "GET",         [WASI_HTTP_TYPES_METHOD_HEAD] = "HEAD",
    [WASI_HTTP_TYPES_METHOD_POST] = "POST",       [WASI_HTTP_TYPES_METHOD_PUT] = "PUT",
    [WASI_HTTP_TYPES_METHOD_DELETE] = "DELETE",   [WASI_HTTP_TYPES_METHOD_CONNECT] = "CONNECT",
    [WASI_HTTP_TYPES_METHOD_OPTIONS] = "OPTIONS", [WASI_HTTP_TYPES_METHOD_TRACE] = "TRACE",
    [WASI_HTTP_TYPES_METHOD_PATCH] = "PATCH",
};

void p2_http_method(Str text, WasiHttpTypesMethod *ret_method)
{
    *ret_method = (WasiHttpTypesMethod){.tag = WASI_HTTP_TYPES_METHOD_OTHER, .as.other = text};
    for (u32 i = 0; i < ARRAY_LEN(methods); i++)
        if (str_eq(text, str_of(methods[i])))
            ret_method->tag = (WasiHttpTypesMethodTag)i;
}

Str p2_http_method_text(const WasiHttpTypesMethod *m)
{
    return m->tag == WASI_HTTP_TYPES_METHOD_OTHER ? m->as.other : str_of(methods[m->tag]);
}

/* --- a request that came --- */

void wasi_http_types_incoming_request_drop(void *host, IncomingRequest *rep)
{
    P2Http *h = ((WasiP2 *)host)->http;
    p2_fields_unref(h, rep->fields);
    p2_incoming_unref(rep->body);
    *rep = (IncomingRequest){0};
}

void wasi_http_types_incoming_request_method(LiftCall *call, IncomingRequest *self,
                                             WasiHttpTypesMethod *ret_result)
{
    (void)call;
    p2_http_method(self->method, ret_result);
}

void wasi_http_types_incoming_request_path_with_query(LiftCall *call, IncomingRequest *self,
                                                      WasiHttpTypesOptionString *ret_result)
{
    (void)call;
    *ret_result = (WasiHttpTypesOptionString){.some = self->path.n > 0, .value = self->path};
}

void wasi_http_types_incoming_request_scheme(LiftCall *call, IncomingRequest *self,
                                             WasiHttpTypesOptionScheme *ret_result)
{
    (void)call, (void)self;
    *ret_result =
        (WasiHttpTypesOptionScheme){.some = true, .value.tag = WASI_HTTP_TYPES_SCHEME_HTTP};
}

void wasi_http_types_incoming_request_authority(LiftCall *call, IncomingRequest *self,
                                                WasiHttpTypesOptionString *ret_result)
{
    (void)call;
    *ret_result =
        (WasiHttpTypesOptionString){.some = self->authority.n > 0, .value = self->authority};
}

void wasi_http_types_incoming_request_headers(LiftCall *call, IncomingRequest *self,
                                              WasiHttpTypesFields **ret_result)
{
    *ret_result = p2_fields_handle(call, p2_fields_ref(self->fields), true);
}

void wasi_http_types_incoming_request_consume(LiftCall *call, IncomingRequest *self,
                                              WasiHttpTypesResultIncomingBodyVoid *ret_result)
{
    ret_result->is_err = self->body == NULL;
    if (!self->body)
        return;
    ret_result->as.ok = p2_incoming_body(call, self->body);
    self->body = NULL;
}

/* --- a response that goes --- */

void wasi_http_types_outgoing_response_constructor(LiftCall *call, WasiHttpTypesFields *headers,
                                                   OutgoingResponse **ret_result)
{
    OutgoingResponse *r = p2_resource_new(call, sizeof *r);
    *r = (OutgoingResponse){.status = 200, .fields = p2_fields_take(p2_http_of(call), headers)};
    *ret_result = r;
}

void wasi_http_types_outgoing_response_drop(void *host, OutgoingResponse *rep)
{
    p2_fields_unref(((WasiP2 *)host)->http, rep->fields);
    p2_outgoing_unref(rep->body);
    p2_resource_free(host, rep);
}

void wasi_http_types_outgoing_response_status_code(LiftCall *call, OutgoingResponse *self,
                                                   u16 *ret_result)
{
    (void)call;
    *ret_result = self->status;
}

void wasi_http_types_outgoing_response_set_status_code(LiftCall *call, OutgoingResponse *self,
                                                       u16 status_code,
                                                       WasiHttpTypesResultVoidVoid *ret_result)
{
    (void)call;
    ret_result->is_err = status_code < 100 || status_code > 999;
    if (!ret_result->is_err)
        self->status = status_code;
}

void wasi_http_types_outgoing_response_headers(LiftCall *call, OutgoingResponse *self,
                                               WasiHttpTypesFields **ret_result)
{
    *ret_result = p2_fields_handle(call, p2_fields_ref(self->fields), true);
}

void wasi_http_types_outgoing_response_body(LiftCall *call, OutgoingResponse *self,
                                            WasiHttpTypesResultOutgoingBodyVoid *ret_result)
{
    i64 length = 0;
    ret_result->is_err = self->body || !p2_fields_length(self->fields, &length);
    if (ret_result->is_err)
        return;
    self->body = p2_outgoing_new(p2_http_of(call), false, length);
    self->body->refs++;
    ret_result->as.ok = p2_outgoing_body(call, self->body);
}

/* --- where the response goes --- */

void wasi_http_types_response_outparam_drop(void *host, ResponseOutparam *rep)
{
    (void)host, (void)rep;
}

void wasi_http_types_response_outparam_set(
    LiftCall *call, ResponseOutparam *param,
    const WasiHttpTypesResultOutgoingResponseErrorCode *response)
{
    P2Http *h = p2_http_of(call);
    (void)param;
    if (response->is_err) {
        p2_http_fail(h, &response->as.err);
        return;
    }
    p2_http_respond(h, response->as.ok);
    wasi_http_types_outgoing_response_drop(h->p2, response->as.ok);
}
