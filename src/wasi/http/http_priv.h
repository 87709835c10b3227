/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Between the files of wasi:http. Sets of fields and the two directions of a body are counted
 * objects: handles of the guest, messages and connections refer to them.
 */
#ifndef WASI_HTTP_HTTP_PRIV_H
#define WASI_HTTP_HTTP_PRIV_H

#include "bind/wasi_http_types.h"
#include "wasi/http/http.h"
#include "wasi/p2/p2_priv.h"

typedef WasiHttpTypesErrorCode P2HttpError;
typedef struct P2Http P2Http;

/* --- fields --- */

/* A name with a value. All texts are offsets into one buffer; names are in lower case. */
typedef struct P2Field {
    u32 name, name_n, value, value_n;
    u32 hash;  /* of the name */
    u32 same;  /* the next of the name, 0: none */
    u32 last;  /* of the first of a name: the last one */
    u32 after; /* of the first of a name: the first of the next name, 0: none */
    u8 id;     /* HttpName */
} P2Field;

/* Values of one name stay in order, names in the order in which they came. */
typedef struct P2Fields {
    P2Http *http;
    u32 refs;
    u32 names, last_name; /* how many different ones; the first field of the last one */
    u64 size;             /* as wasi:http counts */
    VEC(P2Field) list;
    Buf text;
    struct P2Fields *next; /* spare ones */
} P2Fields;

typedef enum P2FieldsAdd { P2_FIELDS_OK, P2_FIELDS_TOO_LARGE, P2_FIELDS_TOO_MANY } P2FieldsAdd;

P2Fields *p2_fields_new(P2Http *h);
P2Fields *p2_fields_ref(P2Fields *f);
void p2_fields_unref(P2Http *h, P2Fields *f); /* may be NULL */
void p2_fields_free(P2Fields *f);             /* a spare one */
/* The name and the value are valid. */
P2FieldsAdd p2_fields_add(P2Fields *f, Str name, Str value, u64 limit);
/* Of a message that arrived: leaves out what is forbidden. */
void p2_fields_add_wire(P2Fields *f, const u8 *bytes, const HttpFields *fields);
void p2_fields_add_pairs(P2Fields *f, const HttpPair *pairs, u32 n);
bool p2_field_forbidden(HttpName id);
static inline Str p2_field_name(const P2Fields *f, const P2Field *e)
{
    return (Str){(const char *)f->text.p + e->name, e->name_n};
}
static inline Str p2_field_value(const P2Fields *f, const P2Field *e)
{
    return (Str){(const char *)f->text.p + e->value, e->value_n};
}
/* In the order of names. *at is 0 at first; NULL: that was all. */
typedef struct P2FieldsAt {
    u32 name, field;
} P2FieldsAt;
const P2Field *p2_fields_next(const P2Fields *f, P2FieldsAt *at);
/* What Content-Length says: HTTP_LENGTH_UNKNOWN without one. False if two of them disagree. */
bool p2_fields_length(const P2Fields *f, i64 *ret_length) MUST_CHECK;
/* To be sent: all but Content-Length, which the codec writes. Borrowed until the next call. */
const HttpPair *p2_fields_pairs(P2Http *h, const P2Fields *f, u32 *ret_n);

struct WasiHttpTypesFields {
    P2Fields *map; /* own reference */
    bool immutable;
};
/* A handle; transfers the reference. */
WasiHttpTypesFields *p2_fields_handle(LiftCall *c, P2Fields *map, bool immutable);
/* Takes the reference out of the handle, which ends. */
P2Fields *p2_fields_take(P2Http *h, WasiHttpTypesFields *f);

/* --- a body that comes --- */

typedef struct P2SourceOps {
    HttpRead (*read)(void *from, Str *ret_data);
    void (*wanted)(void *from); /* it will be read; may be NULL */
    void (*consume)(void *from, usize n);
    const HttpFields *(*trailers)(void *from, const u8 **ret_bytes);
    void (*error)(void *from, P2HttpError *ret_error); /* after HTTP_READ_FAIL */
    void (*release)(void *from);                       /* nobody will read any more */
} P2SourceOps;

typedef struct P2Incoming {
    u32 refs;
    P2Http *http;
    const P2SourceOps *ops; /* NULL: it is over */
    void *from;
    WasiWaker data; /* there is something to read */
    bool failed;
    P2HttpError error;
    P2Fields *trailers; /* own; of a body that is over, may be NULL */
} P2Incoming;

P2Incoming *p2_incoming_new(P2Http *h, const P2SourceOps *ops, void *from);
void p2_incoming_unref(P2Incoming *in); /* may be NULL */
/* The connection is gone. */
void p2_incoming_cut(P2Incoming *in);
WasiHttpTypesIncomingBody *p2_incoming_body(LiftCall *c, P2Incoming *in); /* own reference */

/* --- a body that goes --- */

typedef struct P2SinkOps {
    usize (*space)(void *to);
    bool (*write)(void *to, const void *p, usize n);
    void (*flush)(void *to); /* may be NULL */
    /* The last call is one of these. */
    bool (*end)(void *to, const HttpPair *trailers, u32 n);
    void (*abort)(void *to);
} P2SinkOps;

typedef struct P2Outgoing {
    u32 refs;
    P2Http *http;
    bool request;
    i64 length; /* that was announced, or HTTP_LENGTH_UNKNOWN */
    u64 written;
    const P2SinkOps *sink; /* NULL: it has nowhere to go yet, or is over */
    void *to;
    bool over;          /* ended, aborted, or nobody is there any more */
    bool ended;         /* the guest has finished it */
    Buf waiting;        /* written before there was a sink */
    u32 nwaiting;       /* in so many writes */
    u32 flushes;        /* so far */
    P2Fields *trailers; /* own; of a body that ended before there was a sink, may be NULL */
    WasiWaker room;
} P2Outgoing;

P2Outgoing *p2_outgoing_new(P2Http *h, bool request, i64 length);
void p2_outgoing_unref(P2Outgoing *o); /* may be NULL */
void p2_outgoing_attach(P2Outgoing *o, const P2SinkOps *sink, void *to);
/* There is room, or nobody reads any more. */
void p2_outgoing_room(P2Outgoing *o);
void p2_outgoing_cut(P2Outgoing *o);
WasiHttpTypesOutgoingBody *p2_outgoing_body(LiftCall *c, P2Outgoing *o); /* own reference */

/* --- errors --- */

P2HttpError p2_http_internal(const char *text);
void p2_http_failure(const HttpFailure *f, P2HttpError *ret_error);
/* The error in the resource that streams give. */
void p2_http_describe(WasiIoErrorError *e, const P2HttpError *error);
void p2_http_error_text(const P2HttpError *error, Buf *out);

/* --- messages --- */

void p2_http_method(Str text, WasiHttpTypesMethod *ret_method);
Str p2_http_method_text(const WasiHttpTypesMethod *m);

struct WasiHttpTypesIncomingRequest {
    Str method, authority, path;
    P2Fields *fields; /* own */
    P2Incoming *body; /* own; NULL: consumed */
};

struct WasiHttpTypesResponseOutparam {
    u8 none; /* there is one response, of the host's request */
};

struct WasiHttpTypesOutgoingResponse {
    u16 status;
    P2Fields *fields; /* own */
    P2Outgoing *body; /* own; NULL: nobody asked for it */
};

struct WasiHttpTypesOutgoingRequest {
    char *method, *path, *authority, *scheme; /* own; NULL: GET, none */
    WasiHttpTypesMethodTag method_tag;        /* as they were set: other("GET") stays that */
    WasiHttpTypesSchemeTag scheme_tag;
    P2Fields *fields; /* own */
    P2Outgoing *body; /* own; NULL: nobody asked for it */
};

struct WasiHttpTypesRequestOptions {
    WasiHttpTypesOptionU64 connect, first_byte, between_bytes;
};

/* wasi:http of a host: its options, and the request that its guest answers. */
struct P2Http {
    WasiP2 *p2;
    WasiHttpOptions options;
    const ComponentLinker *linker;
    Arena arena; /* of the request */
    u64 held;    /* bytes of fields, and of bodies that have nowhere to go */
    P2Fields *spare;
    u32 nspare;
    VEC(HttpPair) pairs;
    const WasiHttpPeer *peer; /* NULL: no request */
    void *user;
    bool gone; /* the peer is not touched any more */
    WasiHttpState state;
    Str request_method;
    WasiHttpTypesIncomingRequest request;
    WasiHttpTypesResponseOutparam outparam;
    P2Incoming *in;  /* own; of the request */
    P2Outgoing *out; /* own; of the response, once it was set */
};

static inline P2Http *p2_http_of(const LiftCall *c)
{
    return p2_of(c)->http;
}
P2Http *p2_http_new(WasiP2 *p, const ComponentLinker *l, const WasiHttpOptions *o);
/* The response of the request. */
void p2_http_respond(P2Http *h, WasiHttpTypesOutgoingResponse *r);
void p2_http_fail(P2Http *h, const P2HttpError *error);
#endif
