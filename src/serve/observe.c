/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Counters, the text of the metrics, and the lines of the access log. */
#include "serve/observe.h"

#include "base/utf8.h"
#include "os/time.h"

#include <string.h>
#include <time.h>
#include <uv.h>

#define LATENCY_ONE(us) us,
static const u64 latencies[] = {LATENCY_CLASSES(LATENCY_ONE)};
#undef LATENCY_ONE

/* --- counting --- */

void counters_request(Counters *c, const Outcome *o, u64 now)
{
    u64 ns = now - o->begun;
    u32 at = 0;
    while (at < ARRAY_LEN(latencies) && ns > latencies[at] * 1000)
        at++;
    counter_add(&c->latency[at], 1);
    counter_add(&c->latency_ns, ns);
    counter_add(&c->bytes, o->bytes);
    counter_add(&c->status[MIN(o->status / 100, (int)ARRAY_LEN(c->status) - 1)], 1);
    counter_add(&c->cut, o->cut);
}

void counters_slots(Counters *c, const SlotStats *s)
{
    counter_add(&c->made, s->made - c->made);
    counter_add(&c->reused, s->reused - c->reused);
    counter_add(&c->refused, s->refused - c->refused);
    counter_add(&c->idle, s->idle - c->idle);
}

/* --- metrics --- */

/* All counters are u64. */
static void add_up(const Counters *const *c, u32 n, Counters *ret_sum)
{
    enum { COUNT = sizeof(Counters) / sizeof(u64) };
    u64 *sum = (u64 *)ret_sum;
    memset(sum, 0, sizeof *ret_sum);
    for (u32 i = 0; i < n; i++)
        for (u32 k = 0; k < COUNT; k++)
            sum[k] += __atomic_load_n((const u64 *)c[i] + k, __ATOMIC_RELAXED);
}

static void put(Buf *out, const char *name, const char *type, const char *help, u64 value)
{
    buf_printf(out, "# HELP wasmtime_%s %s\n# TYPE wasmtime_%s %s\nwasmtime_%s %llu\n", name, help,
               name, type, name, (unsigned long long)value);
}

static void put_latencies(const Counters *c, Buf *out)
{
    u64 below = 0;
    buf_str(out, STR("# HELP wasmtime_request_duration_seconds From a request's head to the end "
                     "of its response.\n"
                     "# TYPE wasmtime_request_duration_seconds histogram\n"));
    for (u32 i = 0; i < ARRAY_LEN(latencies); i++) {
        below += c->latency[i];
        buf_printf(out, "wasmtime_request_duration_seconds_bucket{le=\"%g\"} %llu\n",
                   (double)latencies[i] / 1e6, (unsigned long long)below);
    }
    below += c->latency[ARRAY_LEN(latencies)];
    buf_printf(out,
               "wasmtime_request_duration_seconds_bucket{le=\"+Inf\"} %llu\n"
               "wasmtime_request_duration_seconds_sum %.9f\n"
               "wasmtime_request_duration_seconds_count %llu\n",
               (unsigned long long)below, (double)c->latency_ns / 1e9, (unsigned long long)below);
}

void metrics_text(const Counters *const *counters, u32 n, const Gauges *g, Buf *out)
{
    static const char *const classes[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
    Counters c;
    usize resident = 0;
    add_up(counters, n, &c);
    buf_str(out, STR("# HELP wasmtime_requests_total Requests by the class of their status.\n"
                     "# TYPE wasmtime_requests_total counter\n"));
    for (u32 i = 0; i < ARRAY_LEN(classes); i++)
        buf_printf(out, "wasmtime_requests_total{code=\"%s\"} %llu\n", classes[i],
                   (unsigned long long)c.status[i]);
    put_latencies(&c, out);
    put(out, "response_bytes_total", "counter", "Bytes of bodies that were sent.", c.bytes);
    put(out, "responses_cut_total", "counter", "Responses that did not come to their end.", c.cut);
    put(out, "requests_refused_total", "counter", "Messages that were no requests.", c.malformed);
    put(out, "guest_traps_total", "counter", "Guests that failed.", c.traps);
    put(out, "guest_timeouts_total", "counter", "Guests that took too long.", c.timeouts);
    put(out, "instances_made_total", "counter", "Instances that were made anew.", c.made);
    put(out, "instances_reset_total", "counter", "Instances that were put back to their start.",
        c.reused);
    put(out, "resets_refused_total", "counter", "Instances that could not be put back.", c.refused);
    put(out, "instances_idle", "gauge", "Instances that wait for a request.", c.idle);
    put(out, "requests_running", "gauge", "Requests that a guest works on.", g->running);
    put(out, "connections", "gauge", "Connections that are open.", g->connections);
    if (uv_resident_set_memory(&resident) == 0)
        put(out, "resident_memory_bytes", "gauge", "Memory of the process.", resident);
}

/* --- the access log --- */

static void put_time(Buf *out, bool json)
{
    time_t seconds = (time_t)(os_realtime_ns() / 1000000000);
    struct tm t;
    char text[40] = "";
    if (gmtime_r(&seconds, &t))
        strftime(text, sizeof text, json ? "%Y-%m-%dT%H:%M:%SZ" : "%d/%b/%Y:%H:%M:%S +0000", &t);
    buf_str(out, str_of(text));
}

/* Bytes of a character that JSON may have as it is; 0 if there is none. */
static u32 beyond_ascii(Str s)
{
    u32 c, n = utf8_decode((const u8 *)s.p, s.n, &c);
    return n > 1 && c >= 0xa0 ? n : 0;
}

/* What the peer wrote stays within its quotes and its line. */
static void put_quoted(Str s, bool json, Buf *out)
{
    for (usize i = 0; i < s.n; i++) {
        u8 c = (u8)s.p[i];
        u32 n = json && c >= 0x80 ? beyond_ascii((Str){s.p + i, s.n - i}) : 0;
        if (n > 0) {
            buf_bytes(out, s.p + i, n);
            i += n - 1;
        } else if (c == '"' || c == '\\') {
            buf_printf(out, "\\%c", c);
        } else if (c >= 0x20 && c < 0x7f) {
            buf_u8(out, c);
        } else {
            buf_printf(out, json ? "\\u%04x" : "\\x%02x", c);
        }
    }
}

/* The address without the port. */
static void put_host(const char *address, Buf *out)
{
    const char *colon = strrchr(address, ':');
    Str s = {address, colon ? (usize)(colon - address) : strlen(address)};
    if (s.n > 2 && s.p[0] == '[')
        s = (Str){s.p + 1, s.n - 2};
    buf_str(out, s.n ? s : STR("-"));
}

static void put_field(HttpRequest *r, const char *name, const char *key, Buf *out)
{
    const HttpHead *h = http_request_head(r);
    const u8 *p = http_request_bytes(r);
    for (u32 i = 0; i < h->fields.n; i++) {
        if (!http_same_text(http_field_name(&h->fields.f[i], p), str_of(name)))
            continue;
        buf_printf(out, ",\"%s\":\"", key);
        put_quoted(http_field_value(&h->fields.f[i], p), true, out);
        buf_u8(out, '"');
        return;
    }
}

static void json_line(HttpRequest *r, const Outcome *o, u64 now, const char *address, Buf *out)
{
    const HttpHead *h = http_request_head(r);
    buf_str(out, STR("{\"time\":\""));
    put_time(out, true);
    buf_str(out, STR("\",\"client\":\""));
    put_quoted(str_of(address), true, out);
    buf_str(out, STR("\",\"method\":\""));
    put_quoted(http_request_text(r, h->method_text), true, out);
    buf_str(out, STR("\",\"target\":\""));
    put_quoted(http_request_text(r, h->target), true, out);
    buf_printf(out, "\",\"status\":%u,\"bytes\":%llu,\"seconds\":%.6f,\"cut\":%s", o->status,
               (unsigned long long)o->bytes, (double)(now - o->begun) / 1e9,
               o->cut ? "true" : "false");
    put_field(r, "host", "host", out);
    put_field(r, "user-agent", "user_agent", out);
    put_field(r, "referer", "referer", out);
    buf_str(out, STR("}\n"));
}

static void common_line(HttpRequest *r, const Outcome *o, const char *address, Buf *out)
{
    const HttpHead *h = http_request_head(r);
    put_host(address, out);
    buf_str(out, STR(" - - ["));
    put_time(out, false);
    buf_str(out, STR("] \""));
    put_quoted(http_request_text(r, h->method_text), false, out);
    buf_u8(out, ' ');
    put_quoted(http_request_text(r, h->target), false, out);
    buf_printf(out, " HTTP/1.%u\" %u ", h->minor, o->status);
    if (o->bytes)
        buf_printf(out, "%llu\n", (unsigned long long)o->bytes);
    else
        buf_str(out, STR("-\n"));
}

/* "" if there is none. */
static void peer_text(HttpRequest *r, char text[OS_ADDRESS_TEXT])
{
    OsAddress peer;
    text[0] = 0;
    if (http_request_peer(r, &peer) == 0)
        os_address_format(&peer, text);
}

void access_refused(bool json, HttpRequest *r, HttpFault fault, Buf *out)
{
    char address[OS_ADDRESS_TEXT];
    u16 status = http_fault_status(fault);
    peer_text(r, address);
    if (!json) {
        put_host(address, out);
        buf_str(out, STR(" - - ["));
        put_time(out, false);
        buf_printf(out, "] \"-\" %u -\n", status);
        return;
    }
    buf_str(out, STR("{\"time\":\""));
    put_time(out, true);
    buf_str(out, STR("\",\"client\":\""));
    put_quoted(str_of(address), true, out);
    buf_printf(out, "\",\"status\":%u,\"refused\":\"%s\"}\n", status, http_fault_text(fault));
}

void access_line(bool json, HttpRequest *r, const Outcome *o, u64 now, Buf *out)
{
    char address[OS_ADDRESS_TEXT];
    peer_text(r, address);
    if (json)
        json_line(r, o, now, address, out);
    else
        common_line(r, o, address, out);
}
