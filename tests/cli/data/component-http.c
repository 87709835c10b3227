/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The guest of component-http.wasm. Served, it does what the first part of the path says (/echo,
 * /status/404, ...); run, what its first argument says (fields, messages, bodies, fetch ...), and
 * prints one line a call. Made with `wit-bindgen c` (a world that imports the environment,
 * standard output, the monotonic clock, wasi:io and wasi:http, and exports run and
 * incoming-handler), clang for wasm32 with wasi-libc, `wasm-tools component new` and `strip -a`.
 */
#include "guest.h"

#include <stdlib.h>
#include <string.h>

#define H(f) wasi_http_types_##f
#define IN(f) wasi_io_streams_method_input_stream_##f
#define OUT(f) wasi_io_streams_method_output_stream_##f
#define F(f) wasi_http_types_method_fields_##f

typedef wasi_http_types_own_fields_t Fields;
typedef wasi_http_types_field_value_t Value;
typedef wasi_http_types_error_code_t ErrorCode;
typedef wasi_io_streams_own_output_stream_t Out;
typedef wasi_io_streams_own_input_stream_t In;

/* --- output --- */

static Out out;
static bool has_out;

static void put_n(const void *p, size_t n)
{
    wasi_io_streams_stream_error_t e;
    if (!has_out)
        out = wasi_cli_stdout_get_stdout();
    has_out = true;
    for (size_t at = 0; at < n;) {
        size_t part = n - at < 4096 ? n - at : 4096;
        guest_list_u8_t l = {(uint8_t *)p + at, part};
        if (!OUT(blocking_write_and_flush)(wasi_io_streams_borrow_output_stream(out), &l, &e))
            return;
        at += part;
    }
}

static void put(const char *s)
{
    put_n(s, strlen(s));
}

static void put_number(uint64_t n)
{
    char digits[24], *p = digits + sizeof digits;
    *--p = 0;
    do
        *--p = (char)('0' + n % 10);
    while (n /= 10);
    put(p);
}

static guest_string_t text(const char *s)
{
    return (guest_string_t){(uint8_t *)s, strlen(s)};
}

static Value bytes(const char *s)
{
    return (Value){(uint8_t *)s, strlen(s)};
}

static const char *const codes[] = {"DNS-timeout",
                                    "DNS-error",
                                    "destination-not-found",
                                    "destination-unavailable",
                                    "destination-IP-prohibited",
                                    "destination-IP-unroutable",
                                    "connection-refused",
                                    "connection-terminated",
                                    "connection-timeout",
                                    "connection-read-timeout",
                                    "connection-write-timeout",
                                    "connection-limit-reached",
                                    "TLS-protocol-error",
                                    "TLS-certificate-error",
                                    "TLS-alert-received",
                                    "HTTP-request-denied",
                                    "HTTP-request-length-required",
                                    "HTTP-request-body-size",
                                    "HTTP-request-method-invalid",
                                    "HTTP-request-URI-invalid",
                                    "HTTP-request-URI-too-long",
                                    "HTTP-request-header-section-size",
                                    "HTTP-request-header-size",
                                    "HTTP-request-trailer-section-size",
                                    "HTTP-request-trailer-size",
                                    "HTTP-response-incomplete",
                                    "HTTP-response-header-section-size",
                                    "HTTP-response-header-size",
                                    "HTTP-response-body-size",
                                    "HTTP-response-trailer-section-size",
                                    "HTTP-response-trailer-size",
                                    "HTTP-response-transfer-coding",
                                    "HTTP-response-content-coding",
                                    "HTTP-response-timeout",
                                    "HTTP-upgrade-failed",
                                    "HTTP-protocol-error",
                                    "loop-detected",
                                    "configuration-error",
                                    "internal-error"};

static void put_code(const ErrorCode *e)
{
    put(codes[e->tag]);
    if (e->tag == WASI_HTTP_TYPES_ERROR_CODE_HTTP_REQUEST_BODY_SIZE &&
        e->val.http_request_body_size.is_some) {
        put(" ");
        put_number(e->val.http_request_body_size.val);
    }
    if (e->tag == WASI_HTTP_TYPES_ERROR_CODE_HTTP_RESPONSE_BODY_SIZE &&
        e->val.http_response_body_size.is_some) {
        put(" ");
        put_number(e->val.http_response_body_size.val);
    }
}

static void put_stream_error(wasi_io_streams_stream_error_t *e)
{
    if (e->tag == WASI_IO_STREAMS_STREAM_ERROR_CLOSED) {
        put("closed");
        return;
    }
    ErrorCode code;
    put("failed: ");
    if (wasi_http_types_http_error_code(wasi_io_error_borrow_error(e->val.last_operation_failed),
                                        &code))
        put_code(&code);
    else
        put("something else");
}

/* --- fields --- */

static void header_error(const wasi_http_types_header_error_t *e)
{
    static const char *const names[] = {"invalid-syntax", "forbidden", "immutable"};
    put(names[e->tag]);
}

static void append(Fields f, const char *name, const char *value)
{
    guest_string_t n = text(name);
    Value v = bytes(value);
    wasi_http_types_header_error_t e;
    put("append ");
    put(name);
    put("=");
    put(value);
    put(": ");
    if (F(append)(wasi_http_types_borrow_fields(f), &n, &v, &e))
        put("ok");
    else
        header_error(&e);
    put("\n");
}

static void set(Fields f, const char *name, const char *a, const char *b)
{
    guest_string_t n = text(name);
    Value v[2] = {bytes(a ? a : ""), bytes(b ? b : "")};
    wasi_http_types_list_field_value_t l = {v, (a != NULL) + (b != NULL)};
    wasi_http_types_header_error_t e;
    put("set ");
    put(name);
    put(": ");
    if (F(set)(wasi_http_types_borrow_fields(f), &n, &l, &e))
        put("ok");
    else
        header_error(&e);
    put("\n");
}

static void delete (Fields f, const char *name)
{
    guest_string_t n = text(name);
    wasi_http_types_header_error_t e;
    put("delete ");
    put(name);
    put(": ");
    if (F(delete)(wasi_http_types_borrow_fields(f), &n, &e))
        put("ok");
    else
        header_error(&e);
    put("\n");
}

static void get(Fields f, const char *name)
{
    guest_string_t n = text(name);
    wasi_http_types_list_field_value_t l;
    put("get ");
    put(name);
    put(F(has)(wasi_http_types_borrow_fields(f), &n) ? ": has" : ": has not");
    F(get)(wasi_http_types_borrow_fields(f), &n, &l);
    for (size_t i = 0; i < l.len; i++) {
        put(" [");
        put_n(l.ptr[i].ptr, l.ptr[i].len);
        put("]");
    }
    put("\n");
}

static void entries(Fields f)
{
    wasi_http_types_list_tuple2_field_name_field_value_t l;
    F(entries)(wasi_http_types_borrow_fields(f), &l);
    for (size_t i = 0; i < l.len; i++) {
        put("  ");
        put_n(l.ptr[i].f0.ptr, l.ptr[i].f0.len);
        put(": ");
        put_n(l.ptr[i].f1.ptr, l.ptr[i].f1.len);
        put("\n");
    }
}

static void from_list(const char *n1, const char *v1, const char *n2, const char *v2)
{
    wasi_http_types_tuple2_field_name_field_value_t e[2] = {{text(n1), bytes(v1)},
                                                            {text(n2), bytes(v2)}};
    wasi_http_types_list_tuple2_field_name_field_value_t l = {e, 2};
    wasi_http_types_header_error_t error;
    Fields f;
    put("from-list: ");
    if (wasi_http_types_static_fields_from_list(&l, &f, &error)) {
        put("ok\n");
        entries(f);
        wasi_http_types_fields_drop_own(f);
    } else {
        header_error(&error);
        put("\n");
    }
}

static void try_fields(void)
{
    static const char *const forbidden[] = {"connection",
                                            "keep-alive",
                                            "proxy-authenticate",
                                            "proxy-authorization",
                                            "proxy-connection",
                                            "transfer-encoding",
                                            "upgrade",
                                            "host",
                                            "http2-settings",
                                            "Host",
                                            "CONNECTION",
                                            "te",
                                            "trailer",
                                            "expect"};
    static const char *const bad_names[] = {"", "a b", "a:b", "a\nb", "\xc3\xa9", "a(b"};
    static const char *const bad_values[] = {"a\nb", "a\rb", "\x01", "\x7f",    "a\tb",
                                             " a ",  "",     "\xff", "\xc3\xa9"};
    static const char *const lengths[] = {
        "5", "+5", " 5", "", "5a", "-0", "18446744073709551615", "18446744073709551616", "05"};
    Fields f = wasi_http_types_constructor_fields();
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
        append(f, forbidden[i], "v");
        set(f, forbidden[i], "v", NULL);
        delete (f, forbidden[i]);
    }
    for (size_t i = 0; i < sizeof bad_names / sizeof *bad_names; i++) {
        append(f, bad_names[i], "v");
        set(f, bad_names[i], "v", NULL);
        delete (f, bad_names[i]);
        get(f, bad_names[i]);
    }
    for (size_t i = 0; i < sizeof bad_values / sizeof *bad_values; i++) {
        append(f, "x", bad_values[i]);
        set(f, "y", "good", bad_values[i]);
    }
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        append(f, "Content-Length", lengths[i]);
    set(f, "content-length", "5", "5");
    set(f, "content-length", "5", "6");
    set(f, "content-length", "7", NULL);
    set(f, "content-length", "18446744073709551615", NULL);
    set(f, "content-length", "18446744073709551616", NULL);
    set(f, "content-length", "05", NULL);
    append(f, "content-length", "5");
    from_list("content-length", "1", "content-length", "1");
    from_list("content-length", "1", "Content-Length", "2");
    entries(f);
    wasi_http_types_fields_drop_own(f);

    f = wasi_http_types_constructor_fields();
    append(f, "B", "1");
    append(f, "a", "2");
    append(f, "b", "3");
    append(f, "C", "4");
    entries(f);
    set(f, "A", "5", "6");
    entries(f);
    get(f, "a");
    get(f, "A");
    get(f, "none");
    delete (f, "a");
    delete (f, "none");
    set(f, "c", NULL, NULL);
    entries(f);
    Fields copy = F(clone)(wasi_http_types_borrow_fields(f));
    append(copy, "d", "7");
    entries(copy);
    entries(f);
    wasi_http_types_fields_drop_own(copy);
    from_list("x", "1", "X", "2");
    from_list("x", "1", "host", "2");
    from_list("x", "1", "a b", "2");
    from_list("x", "a\nb", "y", "2");

    wasi_http_types_own_outgoing_response_t r = wasi_http_types_constructor_outgoing_response(f);
    Fields of = H(method_outgoing_response_headers)(wasi_http_types_borrow_outgoing_response(r));
    append(of, "e", "8");
    append(of, "host", "8");
    append(of, "a b", "8");
    set(of, "b", "8", NULL);
    delete (of, "b");
    delete (of, "none");
    entries(of);
    copy = F(clone)(wasi_http_types_borrow_fields(of));
    append(copy, "e", "9");
    entries(copy);
    wasi_http_types_fields_drop_own(copy);
    wasi_http_types_fields_drop_own(of);
    wasi_http_types_outgoing_response_drop_own(r);
}

/* Until the guest ends. */
static void fill_fields(bool distinct)
{
    Fields f = wasi_http_types_constructor_fields();
    char name[8] = "n0000";
    for (unsigned i = 0; i < 1000000; i++) {
        wasi_http_types_header_error_t e;
        guest_string_t n = text(name);
        Value v = bytes("");
        if (!F(append)(wasi_http_types_borrow_fields(f), &n, &v, &e)) {
            put("refused\n");
            return;
        }
        if (i % 500 == 0 || i > 1700) {
            put_number(i);
            put("\n");
        }
        for (int at = 4; distinct && at > 0 && ++name[at] > 'z'; at--)
            name[at] = '0';
        for (int at = 1; at < 5; at++)
            if (name[at] > '9' && name[at] < 'a')
                name[at] = 'a';
    }
    put("done\n");
}

/* --- messages --- */

static void told(const char *what, const char *arg, bool ok)
{
    put(what);
    put(" ");
    put(arg);
    put(ok ? ": ok\n" : ": error\n");
}

static void try_messages(void)
{
    static const char *const methods[] = {"GET", "get", "FOO", "", "a b", "a\nb", "M-SEARCH"};
    static const char *const schemes[] = {"ftp", "http", "HTTPS", "", "1a", "a b", "a:", "h-t.t+p"};
    static const char *const paths[] = {
        "/",         "",  "/a?b=c", "foo",   "?q",    "/a b",     "/a\nb", "/a#b",
        "/\xc3\xa9", "*", "//x",    "/a\"b", "/a{b}", "/a\\b^`|", "/%zz",  "http://a/b"};
    static const char *const authorities[] = {
        "a",   "a:80",      "a:",      "a:99999", "a:65536",  "a:x",        "a:+5", "",
        "a b", "a/b",       "u@a",     "u:p@a",   "[::1]:80", "[::1]",      "::1",  "a\nb",
        "a:0", "1.2.3.4:5", "A.b-c_d", "%41",     "a?b",      "\xc3\xa9.x", "[1]",  "a:80:80"};
    wasi_http_types_own_outgoing_request_t own =
        wasi_http_types_constructor_outgoing_request(wasi_http_types_constructor_fields());
    wasi_http_types_borrow_outgoing_request_t r = wasi_http_types_borrow_outgoing_request(own);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        wasi_http_types_method_t m = {.tag = WASI_HTTP_TYPES_METHOD_OTHER,
                                      .val.other = text(methods[i])};
        told("set-method", methods[i], H(method_outgoing_request_set_method)(r, &m));
        H(method_outgoing_request_method)(r, &m);
        put("  ");
        put_number(m.tag);
        if (m.tag == WASI_HTTP_TYPES_METHOD_OTHER) {
            put(" ");
            put_n(m.val.other.ptr, m.val.other.len);
        }
        put("\n");
    }
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        wasi_http_types_scheme_t s = {.tag = WASI_HTTP_TYPES_SCHEME_OTHER,
                                      .val.other = text(schemes[i])};
        told("set-scheme", schemes[i], H(method_outgoing_request_set_scheme)(r, &s));
        if (!H(method_outgoing_request_scheme)(r, &s)) {
            put("  none\n");
            continue;
        }
        put("  ");
        put_number(s.tag);
        if (s.tag == WASI_HTTP_TYPES_SCHEME_OTHER) {
            put(" ");
            put_n(s.val.other.ptr, s.val.other.len);
        }
        put("\n");
    }
    told("set-scheme", "none", H(method_outgoing_request_set_scheme)(r, NULL));
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        guest_string_t s = text(paths[i]), was;
        told("set-path", paths[i], H(method_outgoing_request_set_path_with_query)(r, &s));
        if (H(method_outgoing_request_path_with_query)(r, &was)) {
            put("  ");
            put_n(was.ptr, was.len);
            put("\n");
        }
    }
    told("set-path", "none", H(method_outgoing_request_set_path_with_query)(r, NULL));
    for (size_t i = 0; i < sizeof authorities / sizeof *authorities; i++) {
        guest_string_t s = text(authorities[i]);
        told("set-authority", authorities[i], H(method_outgoing_request_set_authority)(r, &s));
    }
    told("set-authority", "none", H(method_outgoing_request_set_authority)(r, NULL));
    wasi_http_types_own_outgoing_body_t body;
    told("body", "1", H(method_outgoing_request_body)(r, &body));
    wasi_http_types_own_outgoing_body_t again;
    told("body", "2", H(method_outgoing_request_body)(r, &again));
    Out stream, second;
    told("write", "1",
         H(method_outgoing_body_write)(wasi_http_types_borrow_outgoing_body(body), &stream));
    told("write", "2",
         H(method_outgoing_body_write)(wasi_http_types_borrow_outgoing_body(body), &second));
    wasi_io_streams_output_stream_drop_own(stream);
    told("write", "3",
         H(method_outgoing_body_write)(wasi_http_types_borrow_outgoing_body(body), &second));
    wasi_http_types_outgoing_body_drop_own(body);
    wasi_http_types_outgoing_request_drop_own(own);

    static const uint16_t statuses[] = {0, 99, 100, 101, 199, 200, 599, 600, 999, 1000, 65535};
    wasi_http_types_own_outgoing_response_t response =
        wasi_http_types_constructor_outgoing_response(wasi_http_types_constructor_fields());
    wasi_http_types_borrow_outgoing_response_t b =
        wasi_http_types_borrow_outgoing_response(response);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        put("set-status-code ");
        put_number(statuses[i]);
        put(H(method_outgoing_response_set_status_code)(b, statuses[i]) ? ": ok, " : ": error, ");
        put_number(H(method_outgoing_response_status_code)(b));
        put("\n");
    }
    wasi_http_types_outgoing_response_drop_own(response);
    wasi_http_types_own_request_options_t options = wasi_http_types_constructor_request_options();
    wasi_http_types_borrow_request_options_t o = wasi_http_types_borrow_request_options(options);
    uint64_t ns = 5;
    told("connect-timeout", "", H(method_request_options_connect_timeout)(o, &ns));
    told("set-connect-timeout", "", H(method_request_options_set_connect_timeout)(o, &ns));
    told("connect-timeout", "", H(method_request_options_connect_timeout)(o, &ns));
    told("set-connect-timeout", "none", H(method_request_options_set_connect_timeout)(o, NULL));
    told("connect-timeout", "", H(method_request_options_connect_timeout)(o, &ns));
    wasi_http_types_request_options_drop_own(options);
}

/* --- bodies --- */

static bool wait_permit(Out o, uint64_t *ret_n, wasi_io_streams_stream_error_t *e)
{
    for (;;) {
        if (!OUT(check_write)(wasi_io_streams_borrow_output_stream(o), ret_n, e))
            return false;
        if (*ret_n)
            return true;
        wasi_io_poll_own_pollable_t p = OUT(subscribe)(wasi_io_streams_borrow_output_stream(o));
        wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(p));
        wasi_io_poll_pollable_drop_own(p);
    }
}

static bool write_all(Out o, const uint8_t *p, size_t n, wasi_io_streams_stream_error_t *e)
{
    while (n) {
        uint64_t permit;
        if (!wait_permit(o, &permit, e))
            return false;
        guest_list_u8_t l = {(uint8_t *)p, permit < n ? (size_t)permit : n};
        if (!OUT(write)(wasi_io_streams_borrow_output_stream(o), &l, e))
            return false;
        p += l.len;
        n -= l.len;
    }
    return true;
}

/* A request's body of `length` (NULL: none is said) to which `n` bytes are written. */
static void try_body(bool request, const char *length, size_t n)
{
    static uint8_t data[64];
    Fields f = wasi_http_types_constructor_fields();
    put(request ? "request " : "response ");
    put(length ? length : "-");
    put(" ");
    put_number(n);
    put(": ");
    if (length) {
        guest_string_t name = text("content-length");
        Value v = bytes(length);
        wasi_http_types_header_error_t e;
        F(append)(wasi_http_types_borrow_fields(f), &name, &v, &e);
    }
    wasi_http_types_own_outgoing_body_t body;
    bool ok;
    if (request)
        ok = H(method_outgoing_request_body)(wasi_http_types_borrow_outgoing_request(
                                                 wasi_http_types_constructor_outgoing_request(f)),
                                             &body);
    else
        ok = H(method_outgoing_response_body)(wasi_http_types_borrow_outgoing_response(
                                                  wasi_http_types_constructor_outgoing_response(f)),
                                              &body);
    if (!ok) {
        put("no body\n");
        return;
    }
    Out o;
    wasi_io_streams_stream_error_t e;
    H(method_outgoing_body_write)(wasi_http_types_borrow_outgoing_body(body), &o);
    uint64_t permit = 0;
    if (OUT(check_write)(wasi_io_streams_borrow_output_stream(o), &permit, &e))
        put_number(permit);
    put(", ");
    guest_list_u8_t l = {data, n};
    if (OUT(write)(wasi_io_streams_borrow_output_stream(o), &l, &e))
        put("ok");
    else
        put_stream_error(&e);
    put(", ");
    if (OUT(flush)(wasi_io_streams_borrow_output_stream(o), &e))
        put("ok");
    else
        put_stream_error(&e);
    wasi_io_streams_output_stream_drop_own(o);
    put(", ");
    ErrorCode code;
    if (wasi_http_types_static_outgoing_body_finish(body, NULL, &code))
        put("ok");
    else
        put_code(&code);
    put("\n");
}

/* As many as there may be. */
static void hold_fields(void)
{
    static char value[100001];
    memset(value, 'v', 100000);
    Fields f = wasi_http_types_constructor_fields();
    guest_string_t n = text("n");
    Value v = bytes(value);
    wasi_http_types_header_error_t e;
    F(append)(wasi_http_types_borrow_fields(f), &n, &v, &e);
    for (unsigned i = 0; i < 100000; i++) {
        if (i % 1000 == 0) {
            put_number(i);
            put("\n");
        }
        F(clone)(wasi_http_types_borrow_fields(f));
    }
}

static void hold_bodies(void)
{
    static uint8_t data[1 << 20];
    for (unsigned i = 0; i < 10000; i++) {
        wasi_http_types_own_outgoing_body_t body;
        Out o;
        wasi_io_streams_stream_error_t e;
        H(method_outgoing_response_body)
        (wasi_http_types_borrow_outgoing_response(
             wasi_http_types_constructor_outgoing_response(wasi_http_types_constructor_fields())),
         &body);
        H(method_outgoing_body_write)(wasi_http_types_borrow_outgoing_body(body), &o);
        if (write_all(o, data, sizeof data, &e))
            continue;
        put(i > 200 ? "many: " : "few: ");
        put_stream_error(&e);
        put("\n");
        return;
    }
}

/* --- fetch --- */

/* Streams `from` to what `put` goes to; false if it failed. */
static bool copy_body(wasi_http_types_own_incoming_body_t body)
{
    In in;
    wasi_io_streams_stream_error_t e;
    guest_list_u8_t l;
    H(method_incoming_body_stream)(wasi_http_types_borrow_incoming_body(body), &in);
    for (;;) {
        if (!IN(blocking_read)(wasi_io_streams_borrow_input_stream(in), 65536, &l, &e))
            break;
        put_n(l.ptr, l.len);
        free(l.ptr);
    }
    bool ok = e.tag == WASI_IO_STREAMS_STREAM_ERROR_CLOSED;
    if (!ok) {
        put("\n");
        put_stream_error(&e);
        put("\n");
    }
    wasi_io_streams_input_stream_drop_own(in);
    return ok;
}

static void put_trailers(wasi_http_types_own_incoming_body_t body)
{
    wasi_http_types_own_future_trailers_t t = wasi_http_types_static_incoming_body_finish(body);
    wasi_http_types_borrow_future_trailers_t b = wasi_http_types_borrow_future_trailers(t);
    wasi_io_poll_own_pollable_t p = H(method_future_trailers_subscribe)(b);
    wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(p));
    wasi_io_poll_pollable_drop_own(p);
    wasi_http_types_result_result_option_own_trailers_error_code_void_t r;
    if (!H(method_future_trailers_get)(b, &r))
        put("trailers: not ready\n");
    else if (r.is_err || r.val.ok.is_err)
        put("trailers: error\n");
    else if (r.val.ok.val.ok.is_some) {
        put("trailers:\n");
        entries(r.val.ok.val.ok.val);
        wasi_http_types_fields_drop_own(r.val.ok.val.ok.val);
    }
    if (!H(method_future_trailers_get)(b, &r) || !r.is_err)
        put("trailers: again\n");
    wasi_http_types_future_trailers_drop_own(t);
}

typedef struct Url {
    wasi_http_types_scheme_t scheme;
    guest_string_t authority, path;
    bool has_path, has_authority;
} Url;

/* scheme://authority/path; without an authority or a path if there is none. */
static Url parse_url(char *s)
{
    Url u = {.scheme.tag = WASI_HTTP_TYPES_SCHEME_OTHER};
    char *rest = strstr(s, "://");
    *rest = 0;
    rest += 3;
    u.scheme.val.other = text(s);
    if (strcmp(s, "http") == 0)
        u.scheme.tag = WASI_HTTP_TYPES_SCHEME_HTTP;
    if (strcmp(s, "https") == 0)
        u.scheme.tag = WASI_HTTP_TYPES_SCHEME_HTTPS;
    char *slash = strchr(rest, '/');
    u.has_path = slash != NULL;
    u.has_authority = slash != rest && *rest;
    if (slash)
        u.path = text(strdup(slash));
    if (slash)
        *slash = 0;
    u.authority = text(rest);
    return u;
}

/* Waits for the response; NULL-like false if it failed, which was told. */
static bool await(wasi_http_types_own_future_incoming_response_t future,
                  wasi_http_types_own_incoming_response_t *ret)
{
    wasi_http_types_borrow_future_incoming_response_t b =
        wasi_http_types_borrow_future_incoming_response(future);
    wasi_io_poll_own_pollable_t p = H(method_future_incoming_response_subscribe)(b);
    wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(p));
    wasi_io_poll_pollable_drop_own(p);
    wasi_http_types_result_result_own_incoming_response_error_code_void_t r, again;
    bool ready = H(method_future_incoming_response_get)(b, &r);
    if (!ready || r.is_err)
        put("no response\n");
    if (H(method_future_incoming_response_get)(b, &again) && !again.is_err)
        put("a second response\n");
    wasi_http_types_future_incoming_response_drop_own(future);
    if (!ready || r.is_err)
        return false;
    if (r.val.ok.is_err) {
        put("error: ");
        put_code(&r.val.ok.val.err);
        put("\n");
        return false;
    }
    *ret = r.val.ok.val.ok;
    return true;
}

static bool hold;

static void sleep_ms(uint64_t ms)
{
    wasi_io_poll_own_pollable_t p = wasi_clocks_monotonic_clock_subscribe_duration(ms * 1000000);
    wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(p));
    wasi_io_poll_pollable_drop_own(p);
}

/* fetch URL [METHOD [BODY [LENGTH [MS]]]]; BODY "N*x" is N times the letter; the response's head,
 * if wanted, and body are put out. */
static void fetch(char **args, size_t n, bool head)
{
    Url u = parse_url(args[0]);
    Fields f = wasi_http_types_constructor_fields();
    wasi_http_types_header_error_t he;
    if (n > 3 && *args[3]) {
        guest_string_t name = text("content-length");
        Value v = bytes(args[3]);
        F(append)(wasi_http_types_borrow_fields(f), &name, &v, &he);
    }
    guest_string_t name = text("X-Guest");
    Value v = bytes("yes");
    F(append)(wasi_http_types_borrow_fields(f), &name, &v, &he);
    wasi_http_types_own_outgoing_request_t r = wasi_http_types_constructor_outgoing_request(f);
    wasi_http_types_borrow_outgoing_request_t b = wasi_http_types_borrow_outgoing_request(r);
    if (*args[0] && !H(method_outgoing_request_set_scheme)(b, &u.scheme))
        put("bad scheme\n");
    if (u.has_authority && !H(method_outgoing_request_set_authority)(b, &u.authority))
        put("bad authority\n");
    if (u.has_path && !H(method_outgoing_request_set_path_with_query)(b, &u.path))
        put("bad path\n");
    if (n > 1) {
        wasi_http_types_method_t m = {.tag = WASI_HTTP_TYPES_METHOD_OTHER,
                                      .val.other = text(args[1])};
        if (!H(method_outgoing_request_set_method)(b, &m))
            put("bad method\n");
    }
    wasi_http_types_own_outgoing_body_t body;
    bool has_body = n > 2 && *args[2];
    if (has_body)
        H(method_outgoing_request_body)(b, &body);
    wasi_http_types_own_request_options_t options, *maybe = NULL;
    if (n > 4) {
        uint64_t ns = strtoull(args[4], NULL, 10) * 1000000;
        maybe = &options;
        options = wasi_http_types_constructor_request_options();
        wasi_http_types_borrow_request_options_t o =
            wasi_http_types_borrow_request_options(options);
        H(method_request_options_set_connect_timeout)(o, &ns);
        H(method_request_options_set_first_byte_timeout)(o, &ns);
        H(method_request_options_set_between_bytes_timeout)(o, &ns);
    }
    wasi_http_types_own_future_incoming_response_t future;
    ErrorCode code;
    if (!wasi_http_outgoing_handler_handle(r, maybe, &future, &code)) {
        put("refused: ");
        put_code(&code);
        put("\n");
        return;
    }
    if (has_body) {
        char *star = strchr(args[2], '*');
        size_t count = star ? strtoul(args[2], NULL, 10) : strlen(args[2]);
        uint8_t *p = malloc(count);
        if (star)
            memset(p, star[1], count);
        else
            memcpy(p, args[2], count);
        Out o;
        wasi_io_streams_stream_error_t e;
        H(method_outgoing_body_write)(wasi_http_types_borrow_outgoing_body(body), &o);
        if (!write_all(o, p, count, &e)) {
            put("write: ");
            put_stream_error(&e);
            put("\n");
        }
        free(p);
        wasi_io_streams_output_stream_drop_own(o);
        if (!wasi_http_types_static_outgoing_body_finish(body, NULL, &code)) {
            put("finish: ");
            put_code(&code);
            put("\n");
        }
    }
    wasi_http_types_own_incoming_response_t response;
    if (!await(future, &response))
        return;
    wasi_http_types_borrow_incoming_response_t rb =
        wasi_http_types_borrow_incoming_response(response);
    if (head) {
        put_number(H(method_incoming_response_status)(rb));
        put("\n");
        Fields rf = H(method_incoming_response_headers)(rb);
        entries(rf);
        wasi_http_types_fields_drop_own(rf);
    }
    wasi_http_types_own_incoming_body_t ib;
    if (hold) {
        sleep_ms(300);
        put("held");
    } else if (H(method_incoming_response_consume)(rb, &ib)) {
        if (copy_body(ib))
            put_trailers(ib);
        else
            wasi_http_types_incoming_body_drop_own(ib);
    }
    wasi_http_types_incoming_response_drop_own(response);
}

/* --- run --- */

bool exports_wasi_cli_run_run(void)
{
    guest_list_string_t l;
    wasi_cli_environment_get_arguments(&l);
    char *args[16];
    size_t n = 0;
    for (size_t i = 1; i < l.len && n < 16; i++) {
        args[n] = malloc(l.ptr[i].len + 1);
        memcpy(args[n], l.ptr[i].ptr, l.ptr[i].len);
        args[n++][l.ptr[i].len] = 0;
    }
    const char *what = n ? args[0] : "";
    if (strcmp(what, "fields") == 0)
        try_fields();
    else if (strcmp(what, "distinct") == 0)
        fill_fields(true);
    else if (strcmp(what, "equal") == 0)
        fill_fields(false);
    else if (strcmp(what, "clones") == 0)
        hold_fields();
    else if (strcmp(what, "waiting") == 0)
        hold_bodies();
    else if (strcmp(what, "messages") == 0)
        try_messages();
    else if (strcmp(what, "bodies") == 0) {
        for (int request = 0; request < 2; request++) {
            try_body(request, NULL, 0);
            try_body(request, NULL, 5);
            try_body(request, "5", 5);
            try_body(request, "5", 3);
            try_body(request, "5", 0);
            try_body(request, "5", 6);
            try_body(request, "0", 0);
            try_body(request, "0", 1);
        }
    } else if (strcmp(what, "fetch") == 0 && n > 1)
        fetch(args + 1, n - 1, true);
    else
        return false;
    return true;
}

/* --- serve --- */

/* The number behind the path's next slash; moves on. */
static uint64_t number(const char **at)
{
    *at += **at == '/';
    char *end;
    uint64_t n = strtoull(*at, &end, 10);
    *at = end;
    return n;
}

typedef struct Answer {
    Fields fields;
    wasi_http_types_own_outgoing_body_t body;
    bool has_body;
} Answer;

/* Sets the response and lets `put` go to its body. */
static Answer respond(wasi_http_types_own_response_outparam_t where, uint16_t status, Fields f)
{
    Answer a = {0};
    wasi_http_types_own_outgoing_response_t r = wasi_http_types_constructor_outgoing_response(f);
    wasi_http_types_borrow_outgoing_response_t b = wasi_http_types_borrow_outgoing_response(r);
    H(method_outgoing_response_set_status_code)(b, status);
    a.has_body = H(method_outgoing_response_body)(b, &a.body);
    wasi_http_types_result_own_outgoing_response_error_code_t result = {.is_err = false};
    result.val.ok = r;
    wasi_http_types_static_response_outparam_set(where, &result);
    H(method_outgoing_body_write)(wasi_http_types_borrow_outgoing_body(a.body), &out);
    has_out = true;
    return a;
}

static void finish(Answer a, Fields *trailers)
{
    ErrorCode code;
    wasi_io_streams_output_stream_drop_own(out);
    has_out = false;
    if (!wasi_http_types_static_outgoing_body_finish(a.body, trailers, &code)) {
        put("finish: ");
        put_code(&code);
        put("\n");
    }
}

static Fields fields_with(const char *name, const char *value)
{
    Fields f = wasi_http_types_constructor_fields();
    wasi_http_types_header_error_t e;
    guest_string_t n = text(name);
    Value v = bytes(value);
    if (*name)
        F(append)(wasi_http_types_borrow_fields(f), &n, &v, &e);
    return f;
}

static void show_request(wasi_http_types_borrow_incoming_request_t r)
{
    wasi_http_types_method_t m;
    wasi_http_types_scheme_t s;
    guest_string_t t;
    H(method_incoming_request_method)(r, &m);
    put("method ");
    put_number(m.tag);
    if (m.tag == WASI_HTTP_TYPES_METHOD_OTHER) {
        put(" ");
        put_n(m.val.other.ptr, m.val.other.len);
    }
    put("\nscheme ");
    if (H(method_incoming_request_scheme)(r, &s))
        put_number(s.tag);
    put("\nauthority ");
    if (H(method_incoming_request_authority)(r, &t))
        put_n(t.ptr, t.len);
    put("\npath ");
    if (H(method_incoming_request_path_with_query)(r, &t))
        put_n(t.ptr, t.len);
    put("\n");
    Fields f = H(method_incoming_request_headers)(r);
    entries(f);
    append(f, "x", "y");
    wasi_http_types_fields_drop_own(f);
}

static unsigned counter;

void exports_wasi_http_incoming_handler_handle(
    exports_wasi_http_incoming_handler_own_incoming_request_t request,
    exports_wasi_http_incoming_handler_own_response_outparam_t where)
{
    wasi_http_types_borrow_incoming_request_t r = wasi_http_types_borrow_incoming_request(request);
    guest_string_t path;
    char *p = "/";
    counter++;
    if (H(method_incoming_request_path_with_query)(r, &path)) {
        p = malloc(path.len + 1);
        memcpy(p, path.ptr, path.len);
        p[path.len] = 0;
    }
    size_t n = strcspn(p + 1, "/?");
    const char *rest = p + 1 + n;
    wasi_http_types_own_incoming_body_t body;
#define IS(word) (n == sizeof word - 1 && memcmp(p + 1, word, n) == 0)
    if (IS("trap"))
        __builtin_trap();
    if (IS("none"))
        return;
    if (IS("loop"))
        for (;;)
            counter++;
    if (IS("error")) {
        wasi_http_types_result_own_outgoing_response_error_code_t result = {.is_err = true};
        result.val.err.tag = WASI_HTTP_TYPES_ERROR_CODE_INTERNAL_ERROR;
        result.val.err.val.internal_error.is_some = true;
        result.val.err.val.internal_error.val = text("on purpose");
        wasi_http_types_static_response_outparam_set(where, &result);
        return;
    }
    if (IS("bodiless") || IS("drop")) {
        /* A response whose body nobody asked for, or that is dropped. */
        wasi_http_types_own_outgoing_response_t response =
            wasi_http_types_constructor_outgoing_response(fields_with("x-a", "b"));
        wasi_http_types_result_own_outgoing_response_error_code_t result = {.is_err = false};
        if (IS("drop")) {
            wasi_http_types_outgoing_response_drop_own(response);
            return;
        }
        result.val.ok = response;
        wasi_http_types_static_response_outparam_set(where, &result);
        return;
    }
    if (IS("before")) {
        /* All is written before the response is set. */
        wasi_http_types_own_outgoing_response_t response =
            wasi_http_types_constructor_outgoing_response(fields_with("", ""));
        wasi_http_types_own_outgoing_body_t b;
        H(method_outgoing_response_body)(wasi_http_types_borrow_outgoing_response(response), &b);
        Out o;
        wasi_io_streams_stream_error_t e;
        H(method_outgoing_body_write)(wasi_http_types_borrow_outgoing_body(b), &o);
        write_all(o, (const uint8_t *)"before\n", 7, &e);
        wasi_io_streams_output_stream_drop_own(o);
        Fields trailers = fields_with("x-after", "all");
        ErrorCode code;
        wasi_http_types_static_outgoing_body_finish(b, &trailers, &code);
        wasi_http_types_result_own_outgoing_response_error_code_t result = {.is_err = false};
        result.val.ok = response;
        wasi_http_types_static_response_outparam_set(where, &result);
        return;
    }
    if (IS("length")) {
        /* /length/N/M: a body of N bytes to which M are written. */
        char length[24];
        uint64_t announced = number(&rest), count = number(&rest);
        size_t digits = 0;
        for (uint64_t v = announced; digits == 0 || v; v /= 10)
            digits++;
        length[digits] = 0;
        for (size_t i = digits; i-- > 0; announced /= 10)
            length[i] = (char)('0' + announced % 10);
        Answer a = respond(where, 200, fields_with("content-length", length));
        for (uint64_t i = 0; i < count; i++)
            put("x");
        finish(a, NULL);
        return;
    }
    if (IS("status")) {
        Answer a = respond(where, (uint16_t)number(&rest), fields_with("x-a", "b"));
        put("status\n");
        finish(a, NULL);
        return;
    }
    if (IS("big")) {
        uint64_t count = number(&rest);
        Answer a = respond(where, 200, fields_with("", ""));
        enum { PIECE = 1 << 16 };
        uint8_t *data = malloc(PIECE);
        wasi_io_streams_stream_error_t e;
        memset(data, 'x', PIECE);
        for (uint64_t i = 0; i < count; i += PIECE)
            if (!write_all(out, data, count - i < PIECE ? (size_t)(count - i) : PIECE, &e))
                break;
        finish(a, NULL);
        return;
    }
    if (IS("events")) {
        Answer a = respond(where, 200, fields_with("content-type", "text/event-stream"));
        for (int i = 0; i < 3; i++) {
            put("data: event\n\n");
            sleep_ms(200);
        }
        finish(a, NULL);
        return;
    }
    if (IS("cut")) {
        respond(where, 200, fields_with("", ""));
        put("cut\n");
        return;
    }
    if (IS("cut-trap")) {
        respond(where, 200, fields_with("", ""));
        put("cut\n");
        __builtin_trap();
    }
    if (IS("sleep")) {
        sleep_ms(number(&rest));
    }
    if (IS("fill")) {
        has_out = false;
        fill_fields(true);
        return;
    }
    Answer a = respond(where, 200, fields_with("content-type", "text/plain"));
    if (IS("echo")) {
        H(method_incoming_request_consume)(r, &body);
        if (copy_body(body))
            put_trailers(body);
    } else if (IS("show")) {
        show_request(r);
    } else if (IS("trailers")) {
        put("body\n");
        Fields trailers = fields_with("x-after", "all");
        finish(a, &trailers);
        return;
    } else if (IS("bad-trailers")) {
        put("body\n");
        Fields trailers = fields_with("content-type", "all");
        finish(a, &trailers);
        return;
    } else if (IS("consume")) {
        told("consume", "1", H(method_incoming_request_consume)(r, &body));
        wasi_http_types_own_incoming_body_t again;
        told("consume", "2", H(method_incoming_request_consume)(r, &again));
        In in, second;
        told("stream", "1",
             H(method_incoming_body_stream)(wasi_http_types_borrow_incoming_body(body), &in));
        told("stream", "2",
             H(method_incoming_body_stream)(wasi_http_types_borrow_incoming_body(body), &second));
        wasi_io_streams_input_stream_drop_own(in);
        put_trailers(body);
    } else if (IS("count")) {
        put_number(counter);
        put("\n");
    } else if (IS("fetch")) {
        /* /fetch/http://HOST/PATH */
        char *args[] = {(char *)rest + 1};
        fetch(args, 1, false);
    } else if (IS("hurry")) {
        /* /hurry/MS/http://HOST/PATH, with that timeout. */
        uint64_t ms = number(&rest);
        char text[24] = {(char)('0' + ms / 100 % 10), (char)('0' + ms / 10 % 10),
                         (char)('0' + ms % 10)};
        char *args[] = {(char *)rest + 1, "GET", "", "", text};
        fetch(args, 5, false);
    } else if (IS("hold")) {
        /* /hold/http://HOST/PATH does not read the answer's body for a while. */
        hold = true;
        char *args[] = {(char *)rest + 1};
        fetch(args, 1, false);
    } else if (IS("flood")) {
        wasi_io_streams_stream_error_t e;
        uint64_t permit;
        static uint8_t data[4 << 20];
        guest_list_u8_t l = {data, sizeof data};
        OUT(check_write)(wasi_io_streams_borrow_output_stream(out), &permit, &e);
        OUT(write)(wasi_io_streams_borrow_output_stream(out), &l, &e);
    } else if (IS("post") || IS("post-length")) {
        /* /post/http://HOST/PATH sends 300000 bytes, chunked or not. */
        char *args[] = {(char *)rest + 1, "POST", "300000*x", IS("post") ? "" : "300000"};
        fetch(args, 4, false);
    } else {
        put("hello\n");
    }
    finish(a, NULL);
}
