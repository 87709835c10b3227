/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * TLS of a client's connection, by OpenSSL over memory: bytes of the wire go in and out by calls,
 * and nothing here reads or writes a socket. TLS 1.2 and 1.3; the certificate must be valid for the
 * host by the system's roots; ALPN offers http/1.1 only.
 */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include "base/base.h"

typedef struct HttpTlsContext HttpTlsContext;
typedef struct HttpTls HttpTls;

/* Roots of the system, or those of a file (PEM; NULL: none). NULL if there are none to be had. */
HttpTlsContext *http_tls_context_new(const char *roots);
void http_tls_context_free(HttpTlsContext *c);

/* `host` is a name or an IP address without brackets. NULL if it cannot be one. */
HttpTls *http_tls_new(HttpTlsContext *c, Str host);
void http_tls_free(HttpTls *t);

typedef enum HttpTlsStep {
    HTTP_TLS_OK,
    HTTP_TLS_WANT,   /* bytes from the wire */
    HTTP_TLS_CLOSED, /* the peer has ended the stream properly */
    HTTP_TLS_PROTOCOL,
    HTTP_TLS_CERTIFICATE,
    HTTP_TLS_ALERT, /* received: http_tls_alert */
} HttpTlsStep;

/* After each of them the wire may have bytes to send. */
HttpTlsStep http_tls_handshake(HttpTls *t);
HttpTlsStep http_tls_read(HttpTls *t, void *p, usize n, usize *ret_n);
HttpTlsStep http_tls_write(HttpTls *t, const void *p, usize n, usize *ret_n);
/* What came from the wire; all of it is taken. */
void http_tls_feed(HttpTls *t, const void *p, usize n);
/* The next bytes for the wire, borrowed; dropped by http_tls_sent. */
Str http_tls_wire(HttpTls *t);
void http_tls_sent(HttpTls *t, usize n);
u8 http_tls_alert(const HttpTls *t);
/* What is wrong, for a log; static or of the connection. */
const char *http_tls_reason(const HttpTls *t);

#endif
