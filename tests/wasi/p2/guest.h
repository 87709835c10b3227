/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * For guests that call WASI 0.2 as it is in the canonical ABI, without a C library: core imports,
 * room for results, output. A guest has `void test(void)`; what it prints is compared.
 */
#ifndef GUEST_H
#define GUEST_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned u32;
typedef unsigned long long u64;
typedef long long i64;
typedef _Bool bool;

#define IO_ERROR "wasi:io/error@0.2.12"
#define IO_POLL "wasi:io/poll@0.2.12"
#define IO_STREAMS "wasi:io/streams@0.2.12"
#define CLI(x) "wasi:cli/" x "@0.2.12"
#define CLOCKS(x) "wasi:clocks/" x "@0.2.12"
#define FS_TYPES "wasi:filesystem/types@0.2.12"
#define FS_PREOPENS "wasi:filesystem/preopens@0.2.12"
#define RANDOM(x) "wasi:random/" x "@0.2.12"
#define CONFIG "wasi:config/store@0.2.0-rc.1"
#define KV(x) "wasi:keyvalue/" x "@0.2.0-draft"

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))

/* A string or a list in memory, as results have it. */
typedef struct Span {
    const void *p;
    u32 n;
} Span;

static inline u32 length(const char *s)
{
    u32 n = 0;
    while (s[n])
        n++;
    return n;
}
/* A string as two core parameters. */
#define S(text) (text), length(text)

IMPORT(CLI("stdout"), "get-stdout") u32 cli_get_stdout(void);
IMPORT(IO_STREAMS, "[method]output-stream.blocking-write-and-flush")
void out_blocking_write_and_flush(u32 self, const void *p, u32 n, u8 *ret);

static u32 guest_stdout;

static inline void put_bytes(const void *p, u32 n)
{
    const u8 *at = p;
    u8 ret[12];
    while (n) {
        u32 some = n < 4096 ? n : 4096;
        out_blocking_write_and_flush(guest_stdout, at, some, ret);
        if (ret[0])
            __builtin_trap();
        at += some;
        n -= some;
    }
}
static inline void put(const char *s)
{
    put_bytes(s, length(s));
}
static inline void put_span(Span s)
{
    put_bytes(s.p, s.n);
}
static inline void put_u64(u64 v)
{
    char text[20];
    u32 i = sizeof text;
    do
        text[--i] = (char)('0' + v % 10);
    while (v /= 10);
    put_bytes(text + i, sizeof text - i);
}
/* "what: text\n", "what: number\n" */
static inline void say(const char *what, const char *text)
{
    put(what);
    put(": ");
    put(text);
    put("\n");
}
static inline void say_u64(const char *what, u64 v)
{
    put(what);
    put(": ");
    put_u64(v);
    put("\n");
}
static inline void say_span(const char *what, Span s)
{
    put(what);
    put(": ");
    put_span(s);
    put("\n");
}
static inline void say_bool(const char *what, bool v)
{
    say(what, v ? "true" : "false");
}

static inline bool span_is(Span s, const char *text)
{
    const char *p = s.p;
    u32 i = 0;
    for (; i < s.n; i++)
        if (text[i] == 0 || text[i] != p[i])
            return 0;
    return text[i] == 0;
}

void test(void);
/* What the wrapper exports as wasi:cli/run: ok. */
__attribute__((export_name("run"))) u32 guest_run(void)
{
    guest_stdout = cli_get_stdout();
    test();
    return 0;
}

#endif
