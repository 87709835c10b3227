/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* TLS by OpenSSL, with memory BIOs; see tls.h. */
#include "http/tls.h"

#include "base/mem.h"

#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/*
 * OpenSSL has modules to load and names to resolve, which nobody asks it for; glibc's functions for
 * that would need its shared libraries in a static program. The linker puts these in their place.
 */
void *__wrap_dlopen(const char *file, int mode);
int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **ret);
int __wrap_getnameinfo(const struct sockaddr *addr, socklen_t addr_n, char *host, socklen_t host_n,
                       char *service, socklen_t service_n, int flags);
struct hostent *__wrap_gethostbyname(const char *name);

void *__wrap_dlopen(const char *file, int mode)
{
    (void)file, (void)mode;
    return NULL;
}

int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **ret)
{
    (void)node, (void)service, (void)hints;
    *ret = NULL;
    return EAI_FAIL;
}

int __wrap_getnameinfo(const struct sockaddr *addr, socklen_t addr_n, char *host, socklen_t host_n,
                       char *service, socklen_t service_n, int flags)
{
    (void)addr, (void)addr_n, (void)host, (void)host_n, (void)service, (void)service_n, (void)flags;
    return EAI_FAIL;
}

struct hostent *__wrap_gethostbyname(const char *name)
{
    (void)name;
    return NULL;
}

struct HttpTlsContext {
    SSL_CTX *ctx;
};

struct HttpTls {
    SSL *ssl;
    BIO *in, *out; /* borrow: the connection owns them */
    usize taken;   /* bytes of `out` that were sent */
    u8 alert;
    const char *reason;
};

/* Where distributions keep the roots, beside where OpenSSL was built to look. */
static const char *const root_files[] = {
    "/etc/ssl/certs/ca-certificates.crt", /* Debian, Alpine, Arch */
    "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora */
    "/etc/ssl/ca-bundle.pem",             /* SUSE */
    "/etc/ssl/cert.pem",
};

static void load_roots(SSL_CTX *ctx, const char *roots)
{
    if (roots) {
        SSL_CTX_load_verify_locations(ctx, roots, NULL);
        return;
    }
    SSL_CTX_set_default_verify_paths(ctx); /* also SSL_CERT_FILE and SSL_CERT_DIR */
    for (u32 i = 0; i < ARRAY_LEN(root_files); i++)
        if (SSL_CTX_load_verify_file(ctx, root_files[i]) == 1)
            break;
    ERR_clear_error();
}

HttpTlsContext *http_tls_context_new(const char *roots)
{
    static const u8 alpn[] = "\x08http/1.1";
    OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx)
        return NULL;
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_protos(ctx, alpn, sizeof alpn - 1);
    load_roots(ctx, roots);
    HttpTlsContext *c = mem_alloc(sizeof *c);
    c->ctx = ctx;
    return c;
}

void http_tls_context_free(HttpTlsContext *c)
{
    if (!c)
        return;
    SSL_CTX_free(c->ctx);
    mem_free(c);
}

/* The name or address that the certificate must be for; names are sent in the clear, too. */
static bool expect_host(SSL *ssl, const char *host)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    if (X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1)
        return true;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

HttpTls *http_tls_new(HttpTlsContext *c, Str host)
{
    char name[256];
    SSL *ssl = host.n > 0 && host.n < sizeof name ? SSL_new(c->ctx) : NULL;
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    ALWAYS(in && out);
    if (ssl) {
        memcpy(name, host.p, host.n);
        name[host.n] = 0;
    }
    if (!ssl || !expect_host(ssl, name)) {
        SSL_free(ssl);
        BIO_free(in);
        BIO_free(out);
        return NULL;
    }
    BIO_set_mem_eof_return(in, -1);
    SSL_set_bio(ssl, in, out);
    SSL_set_connect_state(ssl);
    HttpTls *t = mem_alloc(sizeof *t);
    *t = (HttpTls){.ssl = ssl, .in = in, .out = out, .reason = ""};
    return t;
}

void http_tls_free(HttpTls *t)
{
    if (!t)
        return;
    SSL_free(t->ssl);
    mem_free(t);
}

/* What a call that returned `r` means. */
static HttpTlsStep step_of(HttpTls *t, int r)
{
    switch (SSL_get_error(t->ssl, r)) {
    case SSL_ERROR_NONE:
        return HTTP_TLS_OK;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return HTTP_TLS_WANT;
    case SSL_ERROR_ZERO_RETURN:
        return HTTP_TLS_CLOSED;
    default:
        break;
    }
    unsigned long e = ERR_peek_error();
    long verdict = SSL_get_verify_result(t->ssl);
    int reason = ERR_GET_REASON(e);
    const char *text = ERR_reason_error_string(e);
    t->reason = text ? text : "failed";
    ERR_clear_error();
    if (verdict != X509_V_OK) {
        t->reason = X509_verify_cert_error_string(verdict);
        return HTTP_TLS_CERTIFICATE;
    }
    if (ERR_GET_LIB(e) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET &&
        reason < SSL_AD_REASON_OFFSET + 256) {
        t->alert = (u8)(reason - SSL_AD_REASON_OFFSET);
        return HTTP_TLS_ALERT;
    }
    return HTTP_TLS_PROTOCOL;
}

HttpTlsStep http_tls_handshake(HttpTls *t)
{
    ERR_clear_error();
    return step_of(t, SSL_do_handshake(t->ssl));
}

HttpTlsStep http_tls_read(HttpTls *t, void *p, usize n, usize *ret_n)
{
    ERR_clear_error();
    *ret_n = 0;
    return step_of(t, SSL_read_ex(t->ssl, p, n, ret_n));
}

HttpTlsStep http_tls_write(HttpTls *t, const void *p, usize n, usize *ret_n)
{
    ERR_clear_error();
    *ret_n = 0;
    return step_of(t, SSL_write_ex(t->ssl, p, n, ret_n));
}

void http_tls_feed(HttpTls *t, const void *p, usize n)
{
    ALWAYS(BIO_write(t->in, p, i32_of((i64)n)) == (int)n);
}

Str http_tls_wire(HttpTls *t)
{
    char *p;
    long n = BIO_get_mem_data(t->out, &p);
    return (Str){p + t->taken, (usize)n - t->taken};
}

void http_tls_sent(HttpTls *t, usize n)
{
    t->taken += n;
    if (http_tls_wire(t).n == 0) {
        (void)BIO_reset(t->out);
        t->taken = 0;
    }
}

u8 http_tls_alert(const HttpTls *t)
{
    return t->alert;
}

const char *http_tls_reason(const HttpTls *t)
{
    return t->reason;
}
