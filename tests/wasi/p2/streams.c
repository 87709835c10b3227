/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* wasi:io/streams, poll and error, on files and standard streams. */
/* stdin: standard input */
/* case: files */
/* case: grows */
/* case: modes */
/* case: stdin */
/* case: poll */
/* case: zeroes-unchecked */
/* case: blocking-too-much */
/* case: blocking-zeroes-too-much */
/* case: poll-nothing */
#include "fs.h"

#define IN(name) IMPORT(IO_STREAMS, "[method]input-stream." name)
#define OUT(name) IMPORT(IO_STREAMS, "[method]output-stream." name)
IMPORT(CLI("environment"), "get-arguments") void get_arguments(Span *ret);
IMPORT(CLI("stdin"), "get-stdin") u32 get_stdin(void);
IMPORT(IO_ERROR, "[resource-drop]error") void error_drop(u32 self);
IMPORT(IO_POLL, "poll") void poll(const u32 *p, u32 n, Span *ret);
IMPORT(IO_POLL, "[method]pollable.ready") u32 pollable_ready(u32 self);
IMPORT(IO_POLL, "[method]pollable.block") void pollable_block(u32 self);
IMPORT(IO_POLL, "[resource-drop]pollable") void pollable_drop(u32 self);
IMPORT(IO_STREAMS, "[resource-drop]input-stream") void in_drop(u32 self);
IMPORT(IO_STREAMS, "[resource-drop]output-stream") void out_drop(u32 self);
IMPORT(CLOCKS("monotonic-clock"), "subscribe-duration") u32 subscribe_duration(u64 ns);

/* result<list<u8>, stream-error>, result<_, stream-error>; result<u64, stream-error> */
typedef struct Narrow {
    u8 is_err;
    union {
        Span data;
        struct {
            u8 closed;
            u32 error;
        };
    };
} Narrow;
typedef struct Wide {
    u8 is_err;
    union {
        u64 n;
        struct {
            u8 closed;
            u32 error;
        };
    };
} Wide;

IN("read") void in_read(u32 self, u64 n, Narrow *ret);
IN("blocking-read") void in_blocking_read(u32 self, u64 n, Narrow *ret);
IN("skip") void in_skip(u32 self, u64 n, Wide *ret);
IN("blocking-skip") void in_blocking_skip(u32 self, u64 n, Wide *ret);
IN("subscribe") u32 in_subscribe(u32 self);
OUT("check-write") void out_check_write(u32 self, Wide *ret);
OUT("write") void out_write(u32 self, const char *p, u32 n, Narrow *ret);
OUT("flush") void out_flush(u32 self, Narrow *ret);
OUT("blocking-flush") void out_blocking_flush(u32 self, Narrow *ret);
OUT("subscribe") u32 out_subscribe(u32 self);
OUT("write-zeroes") void out_write_zeroes(u32 self, u64 n, Narrow *ret);
OUT("blocking-write-zeroes-and-flush") void out_blocking_write_zeroes(u32 self, u64 n, Narrow *ret);
OUT("splice") void out_splice(u32 self, u32 src, u64 n, Wide *ret);
OUT("blocking-splice") void out_blocking_splice(u32 self, u32 src, u64 n, Wide *ret);

static char big[5000];

static bool failed(const char *what, u8 is_err, u8 closed, u32 error)
{
    Res1 code;
    put(what);
    if (!is_err)
        return 0;
    if (closed) {
        put(": closed\n");
        return 1;
    }
    filesystem_error_code(error, &code);
    say(": failed", code.is_err ? code_name(code.v) : "no code");
    error_drop(error);
    return 1;
}
static void done(const char *what, const Narrow *r)
{
    if (!failed(what, r->is_err, r->closed, r->error))
        put(": ok\n");
}
static void data(const char *what, const Narrow *r)
{
    if (!failed(what, r->is_err, r->closed, r->error))
        say_span("", r->data);
}
static void count(const char *what, const Wide *r)
{
    if (!failed(what, r->is_err, r->closed, r->error))
        say_u64("", r->n);
}

/* Waits until the stream can be written, and says how much. */
static void permit(u32 out)
{
    Wide w;
    u32 p = out_subscribe(out);
    pollable_block(p);
    pollable_drop(p);
    out_check_write(out, &w);
    say_bool("check-write", !w.is_err && w.n >= 4096);
}
static void readable(u32 in)
{
    u32 p = in_subscribe(in);
    pollable_block(p);
    pollable_drop(p);
}

static void files(u32 dir)
{
    Res4 r;
    Narrow n;
    Wide w;
    u32 f = open(dir, "new", 0, CREATE, READ | WRITE);
    d_write_via_stream(f, 2, &r);
    u32 out = r.v;
    permit(out);
    out_write(out, S("abc"), &n);
    done("write", &n);
    out_blocking_flush(out, &n);
    done("blocking-flush", &n);
    permit(out);
    out_write_zeroes(out, 2, &n);
    done("write-zeroes", &n);
    out_blocking_flush(out, &n);
    done("blocking-flush", &n);
    out_blocking_write_zeroes(out, 4096, &n);
    done("blocking-write-zeroes-and-flush", &n);
    out_flush(out, &n);
    done("flush", &n);
    Res8 s;
    d_stat(f, &s);
    say_u64("size", s.stat.size);
    out_drop(out);
    d_append_via_stream(f, &r);
    out = r.v;
    permit(out);
    out_write(out, S("the end"), &n);
    done("append", &n);
    out_blocking_flush(out, &n);
    done("blocking-flush", &n);
    out_drop(out);
    d_read_via_stream(f, 2, &r);
    u32 in = r.v;
    in_blocking_read(in, 3, &n);
    data("blocking-read", &n);
    in_blocking_skip(in, 4098, &w);
    count("blocking-skip", &w);
    readable(in);
    in_read(in, 4, &n);
    data("read", &n);
    readable(in);
    in_skip(in, 1, &w);
    count("skip", &w);
    in_blocking_read(in, 100, &n);
    data("blocking-read", &n);
    in_blocking_read(in, 100, &n);
    data("blocking-read", &n);
    in_drop(in);
    /* from one file to another */
    u32 to = open(dir, "copy", 0, CREATE, READ | WRITE);
    d_write_via_stream(to, 0, &r);
    out = r.v;
    d_read_via_stream(f, 4100, &r);
    in = r.v;
    in_blocking_read(in, 3, &n);
    u32 p = out_subscribe(out);
    pollable_block(p);
    pollable_drop(p);
    out_blocking_splice(out, in, 4, &w);
    count("blocking-splice", &w);
    out_blocking_flush(out, &n);
    out_blocking_splice(out, in, 100, &w);
    count("blocking-splice", &w);
    out_blocking_flush(out, &n);
    out_blocking_splice(out, in, 100, &w);
    count("blocking-splice", &w);
    read_at(to, 100, 0);
}

static void modes(u32 dir)
{
    Res4 r;
    Narrow n;
    u32 f = open(dir, "file", 0, 0, READ);
    d_write_via_stream(f, 0, &r);
    out_blocking_write_and_flush(r.v, "x", 1, (u8 *)&n);
    done("write to a file opened to be read", &n);
    f = open(dir, "file", 0, 0, WRITE);
    d_read_via_stream(f, 0, &r);
    in_blocking_read(r.v, 10, &n);
    data("read from a file opened to be written", &n);
    in_blocking_read(r.v, 10, &n);
    data("again", &n);
}

static void from_stdin(void)
{
    Narrow n;
    Wide w;
    u32 in = get_stdin();
    in_blocking_read(in, 4, &n);
    data("blocking-read", &n);
    in_blocking_skip(in, 3, &w);
    count("blocking-skip", &w);
    out_blocking_splice(guest_stdout, in, 3, &w);
    count(" blocking-splice", &w);
    in_blocking_read(in, 100, &n);
    data("blocking-read", &n);
    in_blocking_read(in, 100, &n);
    data("blocking-read", &n);
    in_read(in, 100, &n);
    data("read", &n);
    in_blocking_skip(in, 100, &w);
    count("blocking-skip", &w);
    in_read(in, 0, &n); /* of the standard input this says nothing */
    data("read nothing", &n);
}

static void polls(void)
{
    Span ready;
    u32 now = subscribe_duration(0), never = subscribe_duration(1000000000000);
    u32 soon = subscribe_duration(1000000), out = out_subscribe(guest_stdout);
    pollable_block(now);
    say_bool("ready", pollable_ready(now));
    say_bool("ready", pollable_ready(never));
    say_bool("ready", pollable_ready(out));
    u32 list[] = {never, now, never, out, now};
    poll(list, 5, &ready);
    say_u64("ready", ready.n);
    u32 sum = 0; /* the order is not said */
    for (u32 i = 0; i < ready.n; i++)
        sum += 1u << ((const u32 *)ready.p)[i];
    say_u64(" set", sum);
    poll(&soon, 1, &ready);
    say_u64("ready", ready.n);
    pollable_block(soon);
    say_bool("ready", pollable_ready(soon));
    Narrow n;
    u32 in = get_stdin(), p = in_subscribe(in);
    pollable_block(p);
    in_read(in, 8, &n);
    data("read", &n);
}

/* What is closed stays closed, though the file grows. */
static void grows(u32 dir)
{
    Res4 r;
    Narrow n;
    u32 f = open(dir, "new", 0, CREATE, READ | WRITE);
    write_at(f, "abc", 0);
    d_read_via_stream(f, 0, &r);
    u32 in = r.v;
    in_blocking_read(in, 8, &n);
    data("read", &n);
    in_blocking_read(in, 8, &n);
    data("read", &n);
    write_at(f, "def", 3);
    in_blocking_read(in, 8, &n);
    data("read", &n);
    in_blocking_read(in, 0, &n);
    data("read nothing", &n);
    in_drop(in);
}

void test(void)
{
    Span args;
    Narrow n;
    get_arguments(&args);
    Span arg = ((const Span *)args.p)[1];
    if (span_is(arg, "files"))
        files(preopen(0));
    if (span_is(arg, "grows"))
        grows(preopen(0));
    if (span_is(arg, "modes"))
        modes(preopen(0));
    if (span_is(arg, "stdin"))
        from_stdin();
    if (span_is(arg, "poll"))
        polls();
    if (span_is(arg, "zeroes-unchecked"))
        out_write_zeroes(guest_stdout, ~0ull, &n);
    if (span_is(arg, "blocking-too-much"))
        out_blocking_write_and_flush(guest_stdout, big, 4097, (u8 *)&n);
    if (span_is(arg, "blocking-zeroes-too-much"))
        out_blocking_write_zeroes(guest_stdout, 4097, &n);
    if (span_is(arg, "poll-nothing"))
        poll(0, 0, &args);
}
