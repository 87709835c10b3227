/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* wasi:http: requests that go out, and how long they may take. */
#include "wasi/http/http_priv.h"

typedef WasiHttpTypesOutgoingRequest OutgoingRequest;
typedef WasiHttpTypesRequestOptions RequestOptions;
typedef WasiHttpTypesResultVoidVoid VoidResult;

enum { SCHEME_BYTES = 64 };

/* --- requests --- */

void wasi_http_types_outgoing_request_constructor(LiftCall *call, WasiHttpTypesFields *headers,
                                                  OutgoingRequest **ret_result)
{
    OutgoingRequest *r = p2_resource_new(call, sizeof *r);
    *r = (OutgoingRequest){.fields = p2_fields_take(p2_http_of(call), headers)};
    *ret_result = r;
}

void wasi_http_types_outgoing_request_drop(void *host, OutgoingRequest *rep)
{
    p2_fields_unref(((WasiP2 *)host)->http, rep->fields);
    p2_outgoing_unref(rep->body);
    mem_free(rep->method);
    mem_free(rep->path);
    mem_free(rep->authority);
    mem_free(rep->scheme);
    p2_resource_free(host, rep);
}

void wasi_http_types_outgoing_request_body(LiftCall *call, OutgoingRequest *self,
                                           WasiHttpTypesResultOutgoingBodyVoid *ret_result)
{
    i64 length = 0;
    ret_result->is_err = self->body || !p2_fields_length(self->fields, &length);
    if (ret_result->is_err)
        return;
    self->body = p2_outgoing_new(p2_http_of(call), true, length);
    self->body->refs++;
    ret_result->as.ok = p2_outgoing_body(call, self->body);
}

void wasi_http_types_outgoing_request_headers(LiftCall *call, OutgoingRequest *self,
                                              WasiHttpTypesFields **ret_result)
{
    *ret_result = p2_fields_handle(call, p2_fields_ref(self->fields), true);
}

/* Keeps the text, or none. */
static void keep(char **at, bool some, Str text)
{
    mem_free(*at);
    *at = some ? mem_strdup_n(text.p, text.n) : NULL;
}

static Str copy(LiftCall *call, const char *text)
{
    return lift_copy(call, str_of(text));
}

static void get(LiftCall *call, const char *text, WasiHttpTypesOptionString *ret)
{
    *ret = (WasiHttpTypesOptionString){.some = text != NULL};
    if (text)
        ret->value = copy(call, text);
}

void wasi_http_types_outgoing_request_method(LiftCall *call, OutgoingRequest *self,
                                             WasiHttpTypesMethod *ret_result)
{
    *ret_result = (WasiHttpTypesMethod){.tag = self->method_tag};
    if (self->method_tag == WASI_HTTP_TYPES_METHOD_OTHER)
        ret_result->as.other = copy(call, self->method);
}

void wasi_http_types_outgoing_request_set_method(LiftCall *call, OutgoingRequest *self,
                                                 const WasiHttpTypesMethod *method,
                                                 VoidResult *ret_result)
{
    Str text = p2_http_method_text(method);
    (void)call;
    ret_result->is_err = !http_token_valid(text);
    if (ret_result->is_err)
        return;
    keep(&self->method, true, text);
    self->method_tag = method->tag;
}

void wasi_http_types_outgoing_request_path_with_query(LiftCall *call, OutgoingRequest *self,
                                                      WasiHttpTypesOptionString *ret_result)
{
    get(call, self->path, ret_result);
}

/* What stands behind the authority. What the guest did not escape is escaped when it is sent. */
static bool path_ok(Str path)
{
    if (path.n && path.p[0] != '/' && path.p[0] != '?')
        return false;
    for (usize i = 0; i < path.n; i++) {
        u8 c = (u8)path.p[i];
        if (c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == '`')
            return false;
    }
    return true;
}

void wasi_http_types_outgoing_request_set_path_with_query(LiftCall *call, OutgoingRequest *self,
                                                          const WasiHttpTypesOptionString *path,
                                                          VoidResult *ret_result)
{
    (void)call;
    ret_result->is_err = path->some && !path_ok(path->value);
    if (!ret_result->is_err)
        keep(&self->path, path->some, path->value);
}

static Str scheme_text(const WasiHttpTypesScheme *s)
{
    switch (s->tag) {
    case WASI_HTTP_TYPES_SCHEME_HTTP:
        return STR("http");
    case WASI_HTTP_TYPES_SCHEME_HTTPS:
        return STR("https");
    case WASI_HTTP_TYPES_SCHEME_OTHER:
        break;
    }
    return s->as.other;
}

void wasi_http_types_outgoing_request_scheme(LiftCall *call, OutgoingRequest *self,
                                             WasiHttpTypesOptionScheme *ret_result)
{
    const char *text = self->scheme;
    *ret_result = (WasiHttpTypesOptionScheme){.some = text != NULL};
    if (!text)
        return;
    ret_result->value.tag = self->scheme_tag;
    if (self->scheme_tag == WASI_HTTP_TYPES_SCHEME_OTHER)
        ret_result->value.as.other = copy(call, text);
}

/* What the scheme means is seen when it is sent. */
static bool scheme_ok(Str s)
{
    bool ok = s.n <= SCHEME_BYTES;
    for (usize i = 0; i < s.n && ok; i++) {
        char c = s.p[i];
        ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             (c != 0 && strchr("+-.", c));
    }
    return ok;
}

void wasi_http_types_outgoing_request_set_scheme(LiftCall *call, OutgoingRequest *self,
                                                 const WasiHttpTypesOptionScheme *scheme,
                                                 VoidResult *ret_result)
{
    (void)call;
    Str text = scheme->some ? scheme_text(&scheme->value) : (Str){0};
    ret_result->is_err = !scheme_ok(text);
    if (ret_result->is_err)
        return;
    keep(&self->scheme, scheme->some, text);
    self->scheme_tag = scheme->value.tag;
}

void wasi_http_types_outgoing_request_authority(LiftCall *call, OutgoingRequest *self,
                                                WasiHttpTypesOptionString *ret_result)
{
    get(call, self->authority, ret_result);
}

static bool authority_ok(Str s)
{
    Str host;
    i32 port;
    return http_authority_split(s, &host, &port) && s.p[s.n - 1] != ':' && !memchr(s.p, '%', s.n);
}

void wasi_http_types_outgoing_request_set_authority(LiftCall *call, OutgoingRequest *self,
                                                    const WasiHttpTypesOptionString *authority,
                                                    VoidResult *ret_result)
{
    (void)call;
    ret_result->is_err = authority->some && !authority_ok(authority->value);
    if (!ret_result->is_err)
        keep(&self->authority, authority->some, authority->value);
}

/* --- options --- */

void wasi_http_types_request_options_constructor(LiftCall *call, RequestOptions **ret_result)
{
    *ret_result = p2_resource_new(call, sizeof **ret_result);
}

void wasi_http_types_request_options_drop(void *host, RequestOptions *rep)
{
    p2_resource_free(host, rep);
}

#define TIMEOUT(name)                                                                              \
    void wasi_http_types_request_options_##name##_timeout(LiftCall *call, RequestOptions *self,    \
                                                          WasiHttpTypesOptionU64 *ret_result)      \
    {                                                                                              \
        (void)call;                                                                                \
        *ret_result = self->name;                                                                  \
    }                                                                                              \
    void wasi_http_types_request_options_set_##name##_timeout(                                     \
        LiftCall *call, RequestOptions *self, const WasiHttpTypesOptionU64 *duration,              \
        VoidResult *ret_result)                                                                    \
    {                                                                                              \
        (void)call;                                                                                \
        ret_result->is_err = false;                                                                \
        self->name = *duration;                                                                    \
    }
TIMEOUT(connect)
TIMEOUT(first_byte)
TIMEOUT(between_bytes)
#undef TIMEOUT
