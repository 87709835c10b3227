/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A guest that serves, well or badly: the path of a request says what it does. It calls WASI as it
 * is in the canonical ABI, without a C library.
 */
#include "../wasi/p2/guest.h"

#define TYPES "wasi:http/types@0.2.12"
#define HTTP(name) IMPORT(TYPES, name)
#define OUT(name) IMPORT(IO_STREAMS, "[method]output-stream." name)

typedef struct Text {
    u8 some;
    Span s;
} Text;
typedef struct Handle {
    u8 is_err;
    u32 h;
} Handle;
typedef struct Written {
    u8 is_err;
    u8 closed;
    u32 error;
} Written;
typedef struct Read {
    u8 is_err;
    union {
        Span data;
        struct {
            u8 closed;
            u32 error;
        };
    };
} Read;
typedef struct Counted {
    u8 is_err;
    u64 n;
} Counted;

HTTP("[constructor]fields") u32 fields_new(void);
HTTP("[method]fields.append")
void fields_append(u32 self, const char *name, u32 n, const void *p, u32 m, u8 *ret);
HTTP("[method]fields.get") void fields_get(u32 self, const char *name, u32 n, Span *ret);
HTTP("[resource-drop]fields") void fields_drop(u32 self);
HTTP("[method]incoming-request.path-with-query") void request_path(u32 self, Text *ret);
HTTP("[method]incoming-request.authority") void request_authority(u32 self, Text *ret);
HTTP("[resource-drop]incoming-request") void request_drop(u32 self);
HTTP("[method]incoming-request.headers") u32 request_headers(u32 self);
HTTP("[method]incoming-request.consume") void request_consume(u32 self, Handle *ret);
HTTP("[method]incoming-body.stream") void body_stream(u32 self, Handle *ret);
HTTP("[constructor]outgoing-response") u32 response_new(u32 fields);
HTTP("[method]outgoing-response.set-status-code") u32 response_set_status(u32 self, u32 status);
HTTP("[method]outgoing-response.body") void response_body(u32 self, Handle *ret);
HTTP("[method]outgoing-body.write") void body_write(u32 self, Handle *ret);
HTTP("[resource-drop]outgoing-body") void body_drop(u32 self);
HTTP("[static]outgoing-body.finish")
void body_finish(u32 self, u32 some, u32 trailers, u64 *ret);
HTTP("[static]response-outparam.set")
void outparam_set(u32 self, u32 is_err, u32 h, u32 a, u64 b, u32 c, u32 d, u32 e, u32 f);
IMPORT(IO_STREAMS, "[resource-drop]output-stream") void out_drop(u32 self);
IMPORT(IO_STREAMS, "[method]input-stream.blocking-read")
void in_blocking_read(u32 self, u64 n, Read *ret);
OUT("blocking-write-and-flush") void write_and_flush(u32 self, const void *p, u32 n, Written *ret);
OUT("blocking-flush") void out_flush(u32 self, Written *ret);
OUT("check-write") void out_check(u32 self, Counted *ret);
OUT("write") void out_write(u32 self, const void *p, u32 n, Written *ret);
OUT("subscribe") u32 out_subscribe(u32 self);
IMPORT(IO_POLL, "[method]pollable.block") void pollable_block(u32 self);
IMPORT(IO_POLL, "[resource-drop]pollable") void pollable_drop(u32 self);
IMPORT(CLOCKS("monotonic-clock"), "subscribe-duration") u32 subscribe_duration(u64 ns);
IMPORT(CLI("stderr"), "get-stderr") u32 get_stderr(void);
IMPORT(CLI("exit"), "exit") void cli_exit(u32 is_err);
IMPORT(CLI("environment"), "get-environment") void get_environment(Span *ret);
IMPORT(FS_PREOPENS, "get-directories") void get_directories(Span *ret);
IMPORT(FS_TYPES, "[method]descriptor.open-at")
void open_at(u32 self, u32 flags, const char *path, u32 n, u32 open, u32 mode, Handle *ret);
IMPORT("state", "count-global") u32 count_global(void);
IMPORT("state", "count-table") u32 count_table(void);

static u32 counter = 41; /* in an initialised page */
static u32 zeroed;       /* in one that is not */
static u32 request, outparam, body, stream;
static char text[256];
static u32 text_n;

static void add(const char *s)
{
    while (*s)
        text[text_n++] = *s++;
}
static void add_u32(u32 v)
{
    char digits[10];
    u32 i = sizeof digits;
    do
        digits[--i] = (char)('0' + v % 10);
    while (v /= 10);
    while (i < sizeof digits)
        text[text_n++] = digits[i++];
    text[text_n++] = ' ';
}

static void sleep_ms(u64 ms)
{
    u32 p = subscribe_duration(ms * 1000000);
    pollable_block(p);
    pollable_drop(p);
}

/* The head, with a length if it is not 0; the body's stream is open. */
static void start(u32 status, const char *length_text)
{
    u8 ret[4];
    Handle h;
    u32 f = fields_new();
    fields_append(f, S("content-type"), "text/plain", 10, ret);
    if (length_text)
        fields_append(f, S("content-length"), length_text, length(length_text), ret);
    u32 r = response_new(f);
    response_set_status(r, status);
    response_body(r, &h);
    body = h.h;
    outparam_set(outparam, 0, r, 0, 0, 0, 0, 0, 0);
    body_write(body, &h);
    stream = h.h;
}

static u32 write_all(const void *p, u32 n)
{
    Written w;
    for (const u8 *at = p; n;) {
        u32 some = n < 4096 ? n : 4096;
        write_and_flush(stream, at, some, &w);
        if (w.is_err)
            return 0;
        at += some;
        n -= some;
    }
    return 1;
}

static void finish(void)
{
    u64 ret[8];
    out_drop(stream);
    body_finish(body, 0, 0, ret);
}

static void answer(const void *p, u32 n)
{
    start(200, 0);
    write_all(p, n);
    finish();
}

/* --- what paths mean --- */

static void on_count(void)
{
    add_u32(++counter - 41);
    add_u32(++zeroed);
    add_u32(count_global());
    add_u32(count_table());
    add_u32(outparam);
    add_u32(__builtin_wasm_memory_size(0));
    answer(text, text_n);
    request_drop(request);
}

static void on_dirty(void)
{
    on_count();
    __builtin_wasm_memory_grow(0, 100);
    volatile u8 *p = (u8 *)0x200000;
    for (u32 i = 0; i < 0x300000; i += 4096)
        p[i] = 1;
}

static void on_trap(void)
{
    on_dirty();
    __builtin_trap();
}
static void on_early_trap(void)
{
    counter = zeroed = 100;
    count_global();
    count_table();
    __builtin_trap();
}
static void on_loop(void)
{
    for (volatile u32 i = 0;; i++)
        ;
}
/* Half a second or so of arithmetic on memory, floats and calls; the result depends on the path. */
static __attribute__((noinline)) double mixed(double a, u64 b)
{
    return a * 0.999 + (double)(b >> 44);
}
static void on_work(void)
{
    u64 *table = (u64 *)0x200000, h = 88172645463325252u;
    double d = 0;
    Text path;
    request_path(request, &path);
    for (u32 i = 0; i < path.s.n; i++)
        h = (h ^ ((const u8 *)path.s.p)[i]) * 1099511628211u;
    for (u32 i = 0; i < 20000000; i++) {
        h = h * 6364136223846793005u + 1442695040888963407u;
        table[h >> 52] += h;
        d = mixed(d, table[(h >> 40) & 4095]);
    }
    add_u32((u32)(h ^ table[7]) ^ (u32)d);
    answer(text, text_n);
}
static void on_sleep(void)
{
    sleep_ms(3600000);
}
static void on_nap(void)
{
    sleep_ms(300);
    answer("rested", 6);
}
static void on_never(void)
{
}
static void on_error(void)
{
    outparam_set(outparam, 1, 35, 0, 0, 0, 0, 0, 0);
}
static void on_exit(void)
{
    cli_exit(1);
}
static void on_twice(void)
{
    answer("once", 4);
    outparam_set(outparam, 0, 1, 0, 0, 0, 0, 0, 0);
}
static void on_cut(void)
{
    start(200, 0);
    write_all("part", 4);
    out_drop(stream);
    body_drop(body);
}
static void on_cut_trap(void)
{
    start(200, 0);
    write_all("part", 4);
    __builtin_trap();
}
static void on_short(void)
{
    start(200, "10");
    write_all("part", 4);
    finish();
}
static void on_long(void)
{
    start(200, "2");
    write_all("too long", 8);
    finish();
}

static void on_stdout(void)
{
    u32 err = get_stderr();
    Written w;
    put("one\ntwo");
    put(" parts\n\n");
    write_and_flush(err, "problem\n", 8, &w);
    put("no end");
    out_drop(err);
    answer("printed", 7);
}
static void on_after(void)
{
    answer("early", 5);
    sleep_ms(200);
    put("after the response\n");
}
static void on_late(void)
{
    sleep_ms(300);
    put("done all the same\n");
    answer("late", 4);
}
static void on_flood(void)
{
    static char line[4096];
    for (u32 i = 0; i < sizeof line; i++)
        line[i] = 'x';
    for (u32 i = 0; i < 256; i++)
        put_bytes(line, sizeof line);
    answer("flooded", 7);
}

/* Leaves a secret wherever it can: memory of all kinds, and text that the host has copied. */
static const char secret[] = "s3cr3t-7hat-n0b0dy-must-s33";
static void on_hide(void)
{
    u8 ret[4];
    char here[4096];
    u32 pages = __builtin_wasm_memory_grow(0, 16) + 16;
    /* Not as it stands in the data segment: that is there always. */
    for (u32 at = 0x180000; at + 64 < pages << 16; at += 997)
        for (u32 i = 0; i < sizeof secret - 1; i++)
            ((volatile char *)at)[i] = (char)(secret[i] ^ 0x20);
    for (u32 i = 0; i + 32 < sizeof here; i++)
        ((volatile char *)here)[i] = (char)(secret[i % (sizeof secret - 1)] ^ 0x20);
    u32 f = fields_new();
    fields_append(f, S("x-secret"), here, 27, ret);
    start(200, 0);
    write_all(here, 4000);
    finish();
}
/* How often the secret, or a part of it, is in memory; after growing, too. */
static void on_look(void)
{
    u32 found = 0, pages = __builtin_wasm_memory_grow(0, 32) + 32;
    const char *end = (const char *)(pages << 16);
    for (const char *p = (const char *)1024; p < end - 16; p++) {
        u32 i = 0;
        while (i < 8 && p[i] == (secret[i] ^ 0x20))
            i++;
        found += i == 8;
    }
    add("found ");
    add_u32(found);
    answer(text, text_n);
}

static void on_echo(void)
{
    Handle h;
    Read r;
    request_consume(request, &h);
    body_stream(h.h, &h);
    u32 in = h.h;
    start(200, 0);
    for (;;) {
        in_blocking_read(in, 65536, &r);
        if (r.is_err || !write_all(r.data.p, r.data.n))
            break;
    }
    finish();
}
/* Numbers of handles that are made and never dropped: a directory, a file in it, a timer. */
static void on_handles(void)
{
    Span dirs;
    Handle file;
    get_directories(&dirs);
    u32 dir = *(const u32 *)dirs.p;
    open_at(dir, 0, S("left-open"), 1, 3, &file);
    if (file.is_err)
        __builtin_trap();
    add_u32(dir);
    add_u32(file.h);
    add_u32(subscribe_duration(3600000000000));
    answer(text, text_n);
}
/* The length of the body, once it is at its end. */
static void on_length(void)
{
    Handle h;
    Read r;
    u32 n = 0;
    request_consume(request, &h);
    body_stream(h.h, &h);
    u32 in = h.h;
    for (;;) {
        in_blocking_read(in, 65536, &r);
        if (r.is_err)
            break;
        n += r.data.n;
    }
    add(r.closed ? "length " : "broken ");
    add_u32(n);
    answer(text, text_n);
}
/* Events half a second apart. */
static void on_events(void)
{
    start(200, 0);
    for (u32 i = 0; i < 3; i++) {
        text_n = 0;
        add("data: ");
        add_u32(i);
        add("\n\n");
        if (!write_all(text, text_n))
            break;
        sleep_ms(500);
    }
    finish();
}
/* 64 MiB, as fast as they are taken. */
static void on_big(void)
{
    static u8 block[65536];
    for (u32 i = 0; i < sizeof block; i++)
        block[i] = (u8)i;
    start(200, 0);
    for (u32 i = 0; i < 1024; i++)
        if (!write_all(block, sizeof block))
            break;
    finish();
}
static void on_grow(void)
{
    while (__builtin_wasm_memory_grow(0, 16) != (unsigned long)-1)
        ;
    add("pages ");
    add_u32(__builtin_wasm_memory_size(0));
    answer(text, text_n);
}
static void on_touch(void)
{
    volatile u8 *p = (u8 *)0x200000;
    for (u32 i = 0; i < 32; i++)
        p[i * 4096] = 1;
    answer("touched", 7);
}
static void on_header(void)
{
    Span values;
    u32 f = request_headers(request);
    fields_get(f, S("x-test"), &values);
    fields_drop(f);
    for (u32 i = 0; i < values.n; i++) {
        const Span *s = (const Span *)values.p + i;
        for (u32 n = 0; n < s->n; n++)
            text[text_n++] = ((const char *)s->p)[n];
        add(";");
    }
    answer(text, text_n);
}
static void on_authority(void)
{
    Text t;
    request_authority(request, &t);
    answer(t.s.p, t.some ? t.s.n : 0);
}
static void on_id(void)
{
    Span env;
    get_environment(&env);
    start(200, 0);
    for (u32 i = 0; i < env.n; i++) {
        const Span *pair = (const Span *)env.p + 2 * i;
        write_all(pair[0].p, pair[0].n);
        write_all("=", 1);
        write_all(pair[1].p, pair[1].n);
        write_all("\n", 1);
    }
    finish();
}

/* clang-format off */
static const struct {
    const char *path;
    void (*fn)(void);
} paths[] = {
    {"/count", on_count},
    {"/dirty", on_dirty},
    {"/trap", on_trap},
    {"/early-trap", on_early_trap},
    {"/loop", on_loop},
    {"/work", on_work},
    {"/sleep", on_sleep},
    {"/nap", on_nap},
    {"/never", on_never},
    {"/error", on_error},
    {"/exit", on_exit},
    {"/twice", on_twice},
    {"/cut", on_cut},
    {"/cut-trap", on_cut_trap},
    {"/short", on_short},
    {"/long", on_long},
    {"/stdout", on_stdout},
    {"/after", on_after},
    {"/late", on_late},
    {"/flood", on_flood},
    {"/hide", on_hide},
    {"/look", on_look},
    {"/echo", on_echo},
    {"/length", on_length},
    {"/handles", on_handles},
    {"/events", on_events},
    {"/big", on_big},
    {"/grow", on_grow},
    {"/touch", on_touch},
    {"/header", on_header},
    {"/authority", on_authority},
    {"/id", on_id},
};
/* clang-format on */

void test(void)
{
    Text path;
    request_path(request, &path);
    Span first = {path.s.p, 6};
    if (path.some && path.s.n > 6 && span_is(first, "/work?"))
        path.s.n = 5;
    for (u32 i = 0; i < sizeof paths / sizeof *paths; i++)
        if (path.some && span_is(path.s, paths[i].path)) {
            paths[i].fn();
            return;
        }
    start(404, 0);
    finish();
}

__attribute__((export_name("handle"))) void handle(u32 of_request, u32 of_outparam)
{
    request = of_request;
    outparam = of_outparam;
    text_n = 0;
    guest_stdout = cli_get_stdout();
    test();
}
