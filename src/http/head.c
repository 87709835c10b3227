/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The parser of message heads. A line is looked at when its end has arrived, and lines are judged
 * in their order, so the verdict does not depend on how the input was cut.
 */
#include "http/head.h"

#include "base/utf8.h"
#include "http/chars_priv.h"

void http_head_start(HttpHead *h)
{
    memset(h, 0, offsetof(HttpHead, fields) + offsetof(HttpFields, f));
}

void http_fields_start(HttpFields *f, u32 at)
{
    f->line = f->scanned = at;
    f->n = 0;
}

const HttpField *http_field_find(const HttpFields *f, HttpName id)
{
    for (u32 i = 0; i < f->n; i++)
        if (f->f[i].id == id)
            return &f->f[i];
    return NULL;
}

static HttpStep fail(HttpFault *ret_fault, HttpFault f)
{
    *ret_fault = f;
    return HTTP_FAIL;
}

/*
 * The line at f->line, without its end; f->line is then behind it. A line that would end beyond
 * `limit` is a fault of the kind `too_long`.
 */
static HttpStep next_line(HttpFields *f, const u8 *p, usize n, u32 limit, HttpFault too_long,
                          HttpSpan *ret_line, HttpFault *ret_fault)
{
    usize end = MIN(n, limit);
    const u8 *lf = f->scanned < end ? memchr(p + f->scanned, '\n', end - f->scanned) : NULL;
    if (!lf) {
        f->scanned = (u32)end;
        return n >= limit ? fail(ret_fault, too_long) : HTTP_MORE;
    }
    u32 at = f->line, len = (u32)(lf - p) - at;
    if (len == 0 || lf[-1] != '\r')
        return fail(ret_fault, HTTP_FAULT_LINE_END);
    *ret_line = (HttpSpan){at, len - 1};
    f->line = f->scanned = at + len + 1;
    return HTTP_DONE;
}

static inline bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* What stands where the colon should. */
static HttpFault bad_name(char c)
{
    return is_blank(c) ? HTTP_FAULT_FIELD_SPACE : HTTP_FAULT_FIELD_NAME;
}

static HttpFault parse_field(HttpField *f, const u8 *p, HttpSpan line)
{
    const char *s = (const char *)p + line.at;
    if (is_blank(*s))
        return HTTP_FAULT_FOLDED;
    usize name_n = http_span(s, line.n, HTTP_CHAR_TOKEN);
    if (name_n == line.n || s[name_n] != ':' || name_n == 0)
        return name_n < line.n && name_n > 0 ? bad_name(s[name_n]) : HTTP_FAULT_FIELD_NAME;
    if (name_n > UINT16_MAX)
        return HTTP_FAULT_HEAD_TOO_LARGE;
    const char *v = s + name_n + 1, *end = s + line.n;
    while (v < end && is_blank(*v))
        v++;
    while (end > v && is_blank(end[-1]))
        end--;
    if (!http_value_valid((Str){v, (usize)(end - v)}))
        return HTTP_FAULT_FIELD_VALUE;
    f->name = line.at;
    f->name_n = (u16)name_n;
    f->value = (u32)(v - (const char *)p);
    f->value_n = (u32)(end - v);
    f->id = (u8)http_name_find((Str){s, name_n});
    return HTTP_FAULT_NONE;
}

HttpStep http_fields_parse(HttpFields *f, const u8 *p, usize n, u32 limit, HttpFault *ret_fault)
{
    for (;;) {
        HttpSpan line;
        HttpStep step = next_line(f, p, n, limit, HTTP_FAULT_HEAD_TOO_LARGE, &line, ret_fault);
        if (step != HTTP_DONE || line.n == 0)
            return step;
        if (f->n == HTTP_MAX_FIELDS)
            return fail(ret_fault, HTTP_FAULT_TOO_MANY_FIELDS);
        HttpFault fault = parse_field(&f->f[f->n], p, line);
        if (fault)
            return fail(ret_fault, fault);
        f->n++;
    }
}

/* ---- first lines ---- */

/* "HTTP/1.1": true with the minor version, or the fault. */
static HttpFault parse_version(Str s, u8 *ret_minor)
{
    if (s.n != 8 || memcmp(s.p, "HTTP/", 5) != 0 || s.p[6] != '.' || (u8)(s.p[5] - '0') > 9 ||
        (u8)(s.p[7] - '0') > 9)
        return HTTP_FAULT_VERSION;
    if (s.p[5] != '1' || s.p[7] > '1')
        return HTTP_FAULT_OTHER_VERSION;
    *ret_minor = (u8)(s.p[7] - '0');
    return HTTP_FAULT_NONE;
}

/* "http://authority/path?query", with the authority not empty. */
static bool parse_absolute(HttpHead *h, Str t)
{
    static const Str schemes[] = {{"http", 4}, {"https", 5}};
    for (u32 i = 0; i < ARRAY_LEN(schemes); i++) {
        usize n = schemes[i].n;
        if (t.n < n + 3 || memcmp(t.p + n, "://", 3) != 0 ||
            !http_same_text((Str){t.p, n}, schemes[i]))
            continue;
        usize at = n + 3, end = at;
        while (end < t.n && t.p[end] != '/' && t.p[end] != '?')
            end++;
        h->scheme = (HttpSpan){h->target.at, (u32)n};
        h->authority = (HttpSpan){h->target.at + (u32)at, (u32)(end - at)};
        h->path = (HttpSpan){h->target.at + (u32)end, (u32)(t.n - end)};
        return true;
    }
    return false;
}

/* Clients send characters beyond ASCII as they are, though they should escape them. */
static bool target_received(Str t)
{
    if (LIKELY(http_target_valid(t)))
        return true;
    for (usize i = 0; i < t.n; i++)
        if (!(t.p[i] & 0x80) && !(http_chars[(u8)t.p[i]] & HTTP_CHAR_TARGET))
            return false;
    return t.n > 0 && utf8_valid(t.p, t.n);
}

static bool parse_target(HttpHead *h, Str t)
{
    Str host;
    i32 port;
    h->path = h->target;
    if (!target_received(t))
        return false;
    if (h->method == HTTP_METHOD_CONNECT) {
        h->form = HTTP_TARGET_AUTHORITY;
        h->authority = h->target;
        h->path.n = 0;
        return http_authority_split(t, &host, &port) && port >= 0;
    }
    if (t.p[0] == '/')
        return true;
    if (t.n == 1 && t.p[0] == '*') {
        h->form = HTTP_TARGET_ASTERISK;
        return h->method == HTTP_METHOD_OPTIONS;
    }
    h->form = HTTP_TARGET_ABSOLUTE;
    return parse_absolute(h, t) &&
           http_authority_split((Str){t.p + h->authority.at - h->target.at, h->authority.n}, &host,
                                &port);
}

/* method SP target SP version, with single spaces. */
static HttpFault request_line(HttpHead *h, const u8 *p, HttpSpan line)
{
    const char *s = (const char *)p + line.at;
    usize m = http_span(s, line.n, HTTP_CHAR_TOKEN);
    if (m == 0 || m == line.n || s[m] != ' ')
        return m > HTTP_MAX_METHOD ? HTTP_FAULT_METHOD_TOO_LONG : HTTP_FAULT_METHOD;
    if (m > HTTP_MAX_METHOD)
        return HTTP_FAULT_METHOD_TOO_LONG;
    const char *t = s + m + 1, *end = s + line.n;
    const char *space = memchr(t, ' ', (usize)(end - t));
    if (!space)
        return HTTP_FAULT_VERSION;
    HttpFault fault = parse_version((Str){space + 1, (usize)(end - space - 1)}, &h->minor);
    if (fault)
        return fault;
    h->method_text = (HttpSpan){line.at, (u32)m};
    h->method = http_method_find((Str){s, m});
    h->target = (HttpSpan){(u32)(t - (const char *)p), (u32)(space - t)};
    return parse_target(h, (Str){t, h->target.n}) ? HTTP_FAULT_NONE : HTTP_FAULT_TARGET;
}

/* version SP 3DIGIT [SP reason] */
static HttpFault status_line(HttpHead *h, const u8 *p, HttpSpan line)
{
    const char *s = (const char *)p + line.at;
    if (line.n < 12 || s[8] != ' ' || (line.n > 12 && s[12] != ' '))
        return HTTP_FAULT_STATUS_LINE;
    HttpFault fault = parse_version((Str){s, 8}, &h->minor);
    if (fault)
        return fault;
    for (u32 i = 9; i < 12; i++) {
        if ((u8)(s[i] - '0') > 9)
            return HTTP_FAULT_STATUS_LINE;
        h->status = (u16)(h->status * 10 + (s[i] - '0'));
    }
    if (line.n > 13)
        h->reason = (HttpSpan){line.at + 13, line.n - 13};
    if (h->status < 100 || !http_value_valid(http_span_str(h->reason, p)))
        return HTTP_FAULT_STATUS_LINE;
    return HTTP_FAULT_NONE;
}

/* ---- what the fields mean for the message ---- */

/* Takes the next element of a comma-separated list; false at the end. Empty elements are passed. */
static bool next_element(Str *list, Str *ret_element)
{
    while (list->n > 0) {
        const char *comma = memchr(list->p, ',', list->n);
        Str e = {list->p, comma ? (usize)(comma - list->p) : list->n};
        usize used = e.n + (comma ? 1 : 0);
        list->p += used;
        list->n -= used;
        while (e.n > 0 && is_blank(*e.p))
            e.p++, e.n--;
        while (e.n > 0 && is_blank(e.p[e.n - 1]))
            e.n--;
        if (e.n == 0)
            continue;
        *ret_element = e;
        return true;
    }
    return false;
}

/* What was gathered from the fields. */
typedef struct Meaning {
    u32 hosts, lengths, codings;
    bool close, keep_alive;
    HttpSpan host;
} Meaning;

/* A value with a tab next to it is not read the same by everybody: refused where it frames. */
static bool tab_around(const HttpField *f, const u8 *p)
{
    for (const u8 *at = p + f->name + f->name_n + 1; *at != '\r'; at++)
        if (*at == '\t')
            return true;
    return false;
}

static HttpFault read_coding(const HttpField *f, const u8 *p)
{
    Str list = http_field_value(f, p), e;
    u32 n = 0, chunked = 0;
    bool last = false;
    if (tab_around(f, p))
        return HTTP_FAULT_CODING;
    for (; next_element(&list, &e); n++) {
        last = http_same_text(e, STR("chunked"));
        chunked += last;
        if (!http_token_valid(e))
            return HTTP_FAULT_CODING;
    }
    if (!last || chunked != 1)
        return HTTP_FAULT_CODING;
    return n > 1 ? HTTP_FAULT_UNKNOWN_CODING : HTTP_FAULT_NONE;
}

static void read_connection(Meaning *m, Str list)
{
    Str e;
    while (next_element(&list, &e)) {
        m->close |= http_same_text(e, STR("close"));
        m->keep_alive |= http_same_text(e, STR("keep-alive"));
    }
}

static HttpFault read_field(HttpHead *h, Meaning *m, const HttpField *f, const u8 *p)
{
    Str v = http_field_value(f, p);
    switch ((HttpName)f->id) {
    case HTTP_NAME_HOST:
        m->hosts++;
        m->host = (HttpSpan){f->value, f->value_n};
        break;
    case HTTP_NAME_CONTENT_LENGTH:
        if (m->lengths++ > 0)
            return HTTP_FAULT_LENGTH_REPEATED;
        h->has_length = true;
        return http_length_parse(v, &h->length) && !tab_around(f, p) ? HTTP_FAULT_NONE
                                                                     : HTTP_FAULT_LENGTH;
    case HTTP_NAME_TRANSFER_ENCODING:
        return m->codings++ > 0 ? HTTP_FAULT_CODING : read_coding(f, p);
    case HTTP_NAME_CONNECTION:
        read_connection(m, v);
        break;
    case HTTP_NAME_EXPECT:
        if (h->status == 0 && !http_same_text(v, STR("100-continue")))
            return HTTP_FAULT_EXPECTATION;
        h->expect_continue = h->status == 0 && h->minor > 0;
        break;
    default:
        break;
    }
    return HTTP_FAULT_NONE;
}

static HttpFault read_fields(HttpHead *h, Meaning *m, const u8 *p)
{
    for (u32 i = 0; i < h->fields.n; i++) {
        HttpFault fault =
            h->fields.f[i].id ? read_field(h, m, &h->fields.f[i], p) : HTTP_FAULT_NONE;
        if (fault)
            return fault;
    }
    if (m->codings && (m->lengths || h->minor == 0))
        return m->lengths ? HTTP_FAULT_LENGTH_AND_CODING : HTTP_FAULT_CODING;
    h->keep_alive = !m->close && (h->minor > 0 || m->keep_alive);
    h->framing = m->codings ? HTTP_BODY_CHUNKED : m->lengths ? HTTP_BODY_LENGTH : HTTP_BODY_NONE;
    return HTTP_FAULT_NONE;
}

static HttpFault finish_request(HttpHead *h, const u8 *p)
{
    Meaning m = {0};
    Str host;
    i32 port;
    HttpFault fault = read_fields(h, &m, p);
    if (fault)
        return fault;
    if (m.hosts > 1 || (m.hosts == 0 && h->minor > 0))
        return HTTP_FAULT_HOST_COUNT;
    if (m.hosts == 0)
        return HTTP_FAULT_NONE;
    Str text = http_span_str(m.host, p);
    if (!http_authority_split(text, &host, &port))
        return HTTP_FAULT_HOST;
    if (h->authority.n == 0) /* that of the target is what counts, if there is one */
        h->authority = m.host;
    return HTTP_FAULT_NONE;
}

static HttpFault finish_response(HttpHead *h, HttpMethod request, const u8 *p)
{
    Meaning m = {0};
    HttpFault fault = read_fields(h, &m, p);
    if (fault)
        return fault;
    if (request == HTTP_METHOD_HEAD || h->status < 200 || h->status == 204 || h->status == 304)
        h->framing = HTTP_BODY_NONE;
    else if (h->framing == HTTP_BODY_NONE)
        h->framing = HTTP_BODY_CLOSE;
    h->keep_alive = h->keep_alive && h->framing != HTTP_BODY_CLOSE;
    return HTTP_FAULT_NONE;
}

/* A peer that speaks something else (TLS, above all) may never send the end of a line. */
static bool no_request(const HttpHead *h, const u8 *p, usize n)
{
    if (h->fields.line >= n)
        return false;
    u8 c = p[h->fields.line];
    return !(http_chars[c] & HTTP_CHAR_TOKEN) && c != '\r' && c != '\n';
}

/* The first line, behind at most one empty line before a request. */
static HttpStep first_line(HttpHead *h, bool is_request, const u8 *p, usize n)
{
    while (!h->has_line) {
        HttpSpan line;
        if (is_request && no_request(h, p, n))
            return fail(&h->fault, HTTP_FAULT_METHOD);
        u32 limit = h->fields.line + HTTP_MAX_LINE;
        HttpStep step =
            next_line(&h->fields, p, n, limit, HTTP_FAULT_LINE_TOO_LONG, &line, &h->fault);
        if (step != HTTP_DONE)
            return step;
        if (line.n == 0 && is_request && !h->skipped_line) {
            h->skipped_line = true;
            continue;
        }
        h->fault = is_request ? request_line(h, p, line) : status_line(h, p, line);
        if (h->fault)
            return HTTP_FAIL;
        h->has_line = true;
    }
    return HTTP_DONE;
}

static HttpStep parse(HttpHead *h, bool is_request, HttpMethod request, const u8 *p, usize n)
{
    HttpStep step = first_line(h, is_request, p, n);
    if (step == HTTP_DONE)
        step = http_fields_parse(&h->fields, p, n, HTTP_MAX_HEAD, &h->fault);
    if (step != HTTP_DONE)
        return step;
    h->fault = is_request ? finish_request(h, p) : finish_response(h, request, p);
    h->size = h->fields.line;
    return h->fault ? HTTP_FAIL : HTTP_DONE;
}

HttpStep http_request_parse(HttpHead *h, const u8 *p, usize n)
{
    return parse(h, true, HTTP_METHOD_OTHER, p, n);
}

HttpStep http_response_parse(HttpHead *h, HttpMethod request, const u8 *p, usize n)
{
    return parse(h, false, request, p, n);
}
