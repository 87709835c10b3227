/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What the parts of http/ share: limits, faults, methods, field names, and the rules for tokens,
 * field values and authorities (RFC 9110 5.1, 5.5, 5.6.2; RFC 3986 3.2). HTTP/1.0 and 1.1 only.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/base.h"

enum {
#define HTTP_LIMIT(name, value, what) HTTP_MAX_##name = (value),
#include "http/limits.def"
#undef HTTP_LIMIT
};

typedef enum HttpFault {
#define HTTP_FAULT(name, status, text) HTTP_FAULT_##name,
#include "http/faults.def"
#undef HTTP_FAULT
} HttpFault;

/* The status that a server answers; 0 for HTTP_FAULT_NONE. */
u16 http_fault_status(HttpFault f);
const char *http_fault_text(HttpFault f);

typedef enum HttpName {
    HTTP_NAME_OTHER,
#define HTTP_NAME(id, name, framing, trailer) HTTP_NAME_##id,
#include "http/names.def"
#undef HTTP_NAME
} HttpName;

/* Which of names.def it is, in any case of letters. */
HttpName http_name_find(Str name);
/* The codec writes this field itself. */
bool http_name_is_framing(HttpName id);
/* It must not stand in a trailer section. */
bool http_name_not_in_trailer(HttpName id);

typedef enum HttpMethod {
    HTTP_METHOD_OTHER,
    HTTP_METHOD_GET,
    HTTP_METHOD_HEAD,
    HTTP_METHOD_POST,
    HTTP_METHOD_PUT,
    HTTP_METHOD_DELETE,
    HTTP_METHOD_CONNECT,
    HTTP_METHOD_OPTIONS,
    HTTP_METHOD_TRACE,
    HTTP_METHOD_PATCH,
} HttpMethod;

HttpMethod http_method_find(Str method); /* methods are case-sensitive */

/* A field to be sent. */
typedef struct HttpPair {
    Str name, value;
} HttpPair;

bool http_token_valid(Str s); /* not empty, token characters only */
bool http_value_valid(Str s); /* no control characters but tab; not checked: outer white space */
/* Visible ASCII without '#', not empty: what may stand as a request target. */
bool http_target_valid(Str s);
/*
 * host [":" port] without user information: a name, an IPv4 address or a bracketed IPv6 address;
 * the port has digits only, at most 65535. *ret_host has no brackets; *ret_port is -1 if there is
 * none.
 */
bool http_authority_split(Str s, Str *ret_host, i32 *ret_port) MUST_CHECK;
/* Equal but for the case of ASCII letters. */
bool http_same_text(Str a, Str b);
/* "OK" for 200; "" for what the IANA registry does not have. */
Str http_reason(u16 status);
/* Decimal digits only, at least one, fits in 64 bits. */
bool http_length_parse(Str s, u64 *ret_length) MUST_CHECK;

#endif
