/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* wasi:http: error codes, from the client's failures to what guests get, and their text. */
#include "wasi/http/http_priv.h"

#include <errno.h>

static_assert((int)HTTP_ERROR_INTERNAL_ERROR == (int)WASI_HTTP_TYPES_ERROR_CODE_INTERNAL_ERROR + 1,
              "http/errors.def has the cases of error-code in their order");

static const char error_kind; /* of WasiIoErrorError.kind */

P2HttpError p2_http_internal(const char *text)
{
    P2HttpError e = {.tag = WASI_HTTP_TYPES_ERROR_CODE_INTERNAL_ERROR};
    e.as.internal_error = (WasiHttpTypesOptionString){.some = true, .value = str_of(text)};
    return e;
}

static WasiHttpTypesOptionString some_text(const char *text)
{
    return (WasiHttpTypesOptionString){.some = text[0] != 0, .value = str_of(text)};
}

void p2_http_failure(const HttpFailure *f, P2HttpError *ret_error)
{
    P2HttpError e = {.tag = WASI_HTTP_TYPES_ERROR_CODE_INTERNAL_ERROR};
    if (f->error != HTTP_ERROR_NONE)
        e.tag = (WasiHttpTypesErrorCodeTag)(f->error - 1);
    if (f->error == HTTP_ERROR_DNS_ERROR)
        e.as.dns_error.rcode = some_text(f->detail);
    else if (f->error == HTTP_ERROR_TLS_ALERT_RECEIVED)
        e.as.tls_alert_received = (WasiHttpTypesTlsAlertReceivedPayload){
            .alert_id = {.some = true, .value = f->alert}, .alert_message = some_text(f->detail)};
    else if (f->error == HTTP_ERROR_HTTP_RESPONSE_TRANSFER_CODING)
        e.as.http_response_transfer_coding = some_text(f->detail);
    else if (e.tag == WASI_HTTP_TYPES_ERROR_CODE_INTERNAL_ERROR)
        e.as.internal_error = some_text(f->detail);
    *ret_error = e;
}

/* Numbers that the case carries; NULL if it has none. */
static const WasiHttpTypesOptionU64 *size_of_body(const P2HttpError *e)
{
    switch ((u32)e->tag) {
    case WASI_HTTP_TYPES_ERROR_CODE_HTTP_REQUEST_BODY_SIZE:
        return &e->as.http_request_body_size;
    case WASI_HTTP_TYPES_ERROR_CODE_HTTP_RESPONSE_BODY_SIZE:
        return &e->as.http_response_body_size;
    default:
        return NULL;
    }
}

static const WasiHttpTypesOptionString *text_of(const P2HttpError *e)
{
    switch ((u32)e->tag) {
    case WASI_HTTP_TYPES_ERROR_CODE_DNS_ERROR:
        return &e->as.dns_error.rcode;
    case WASI_HTTP_TYPES_ERROR_CODE_TLS_ALERT_RECEIVED:
        return &e->as.tls_alert_received.alert_message;
    case WASI_HTTP_TYPES_ERROR_CODE_HTTP_RESPONSE_TRANSFER_CODING:
        return &e->as.http_response_transfer_coding;
    case WASI_HTTP_TYPES_ERROR_CODE_HTTP_RESPONSE_CONTENT_CODING:
        return &e->as.http_response_content_coding;
    case WASI_HTTP_TYPES_ERROR_CODE_INTERNAL_ERROR:
        return &e->as.internal_error;
    default:
        return NULL;
    }
}

void p2_http_error_text(const P2HttpError *error, Buf *out)
{
    enum { TEXT_BYTES = 4096 };
    const WasiHttpTypesOptionU64 *size = size_of_body(error);
    const WasiHttpTypesOptionString *text = text_of(error);
    buf_printf(out, "%s", http_error_name((HttpError)(error->tag + 1)));
    if (size && size->some)
        buf_printf(out, "(%llu)", (unsigned long long)size->value);
    else if (text && text->some)
        buf_printf(out, "(\"%.*s\")", (int)MIN(text->value.n, TEXT_BYTES), text->value.p);
}

void p2_http_describe(WasiIoErrorError *e, const P2HttpError *error)
{
    Buf text = {0};
    const WasiHttpTypesOptionU64 *size = size_of_body(error);
    p2_http_error_text(error, &text);
    e->text = buf_take_string(&text);
    e->kind = &error_kind;
    e->code = (u32)error->tag;
    e->detail = size && size->some ? size->value : 0;
}

void wasi_http_types_http_error_code(LiftCall *call, WasiIoErrorError *err,
                                     WasiHttpTypesOptionErrorCode *ret_result)
{
    (void)call;
    memset(ret_result, 0, sizeof *ret_result);
    if (err->kind != &error_kind)
        return;
    ret_result->some = true;
    ret_result->value.tag = (WasiHttpTypesErrorCodeTag)err->code;
    WasiHttpTypesOptionU64 *size =
        (WasiHttpTypesOptionU64 *)(uintptr_t)size_of_body(&ret_result->value);
    if (size)
        *size = (WasiHttpTypesOptionU64){.some = true, .value = err->detail};
}
