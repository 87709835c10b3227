/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* wasi:filesystem/types: descriptors of files and directories. */
#include "fs.h"

static void flags_and_type(const char *what, u32 d)
{
    Res1 r;
    say("descriptor", what);
    d_get_flags(d, &r);
    if (ended1(" get-flags", &r))
        say_u64("  flags", r.v);
    d_get_type(d, &r);
    if (ended1(" get-type", &r))
        say_u64("  type", r.v);
}

static void stat_of(const char *what, u32 d)
{
    Res8 r;
    d_stat(d, &r);
    put("stat ");
    if (!ended8(what, &r))
        return;
    say_u64(" type", r.stat.type);
    if (r.stat.type == 6)
        say_u64(" size", r.stat.size);
    say_u64(" links", r.stat.links > 0);
    say_u64(" times", (r.stat.access.some & 1) + (r.stat.modification.some & 1) * 2 +
                          (r.stat.change.some & 1) * 4);
}

static void times(u32 f, u32 a, u64 asec, u32 ans, u32 m, u64 msec, u32 mns)
{
    Res1 r;
    Res8 s;
    d_set_times(f, a, asec, ans, m, msec, mns, &r);
    ended1("set-times", &r);
    d_stat(f, &s);
    if (a == TIMESTAMP) {
        say_u64(" access", s.stat.access.sec);
        say_u64(" ns", s.stat.access.ns);
    }
    if (m == TIMESTAMP) {
        say_u64(" modification", s.stat.modification.sec);
        say_u64(" ns", s.stat.modification.ns);
    }
    if (m == NOW)
        say_bool(" modification is late", s.stat.modification.sec > 1700000000);
}

static void contents(u32 dir)
{
    Res1 r;
    u32 f = open(dir, "new", 0, CREATE, READ | WRITE);
    flags_and_type("read and write", f);
    write_at(f, "hello", 0);
    write_at(f, "end", 8);
    read_at(f, 100, 8);
    read_at(f, 5, 0);
    read_at(f, 5, 20);
    read_at(f, 0, 0);
    stat_of("new", f);
    d_set_size(f, 3, &r);
    ended1("set-size", &r);
    read_at(f, 100, 0);
    d_set_size(f, ~0ull, &r);
    ended1("set-size of too much", &r);
    for (u32 advice = 0; advice < 6; advice++) {
        d_advise(f, 0, 10, advice, &r);
        ended1("advise", &r);
    }
    d_sync(f, &r);
    ended1("sync", &r);
    d_sync_data(f, &r);
    ended1("sync-data", &r);
    times(f, TIMESTAMP, 1000, 5, TIMESTAMP, 2000, 999999999);
    times(f, NO_CHANGE, 0, 0, TIMESTAMP, 3000, 0);
    times(f, TIMESTAMP, 4000, 0, NOW, 0, 0);
    times(f, TIMESTAMP, 4000, 1000000000, NO_CHANGE, 0, 0);
    d_drop(f);
}

static void modes(u32 dir)
{
    Res1 r;
    Res4 s;
    u32 f = open(dir, "file", 0, 0, READ);
    flags_and_type("read", f);
    write_at(f, "x", 0);
    d_write_via_stream(f, 0, &s);
    ended4("write-via-stream", &s);
    d_append_via_stream(f, &s);
    ended4("append-via-stream", &s);
    d_set_size(f, 0, &r);
    ended1("set-size", &r);
    read_at(f, 100, 0);
    d_drop(f);
    f = open(dir, "file", 0, 0, WRITE);
    flags_and_type("write", f);
    read_at(f, 100, 0);
    d_read_via_stream(f, 0, &s);
    ended4("read-via-stream", &s);
    d_drop(f);
    f = open(dir, "file", 0, 0, 0);
    if (f) {
        flags_and_type("neither", f);
        read_at(f, 100, 0);
        d_drop(f);
    }
    open(dir, "file", 0, 0, READ | MUTATE);
    open(dir, "file", 0, 0, WRITE | FILE_SYNC);
    open(dir, "file", 0, 0, WRITE | DATA_SYNC);
    open(dir, "file", 0, 0, WRITE | REQUESTED_SYNC);
}

static void directory(u32 dir)
{
    Res1 r;
    Res4 s;
    flags_and_type("directory", dir);
    stat_of("directory", dir);
    read_at(dir, 10, 0);
    write_at(dir, "x", 0);
    d_read_via_stream(dir, 0, &s);
    ended4("read-via-stream", &s);
    d_write_via_stream(dir, 0, &s);
    ended4("write-via-stream", &s);
    d_append_via_stream(dir, &s);
    ended4("append-via-stream", &s);
    d_set_size(dir, 1, &r);
    ended1("set-size", &r);
    d_advise(dir, 0, 0, 0, &r);
    ended1("advise", &r);
    d_sync(dir, &r);
    ended1("sync", &r);
    d_sync_data(dir, &r);
    ended1("sync-data", &r);
    u32 sub = open(dir, "sub", 0, DIRECTORY, READ);
    flags_and_type("sub", sub);
    u32 mutable = open(dir, "sub", 0, DIRECTORY, READ | MUTATE);
    flags_and_type("sub, to change", mutable);
    make_dir(sub, "made");
    make_dir(mutable, "made");
}

static void sameness(u32 dir)
{
    Res8 h1, h2, h3;
    u32 a = open(dir, "file", 0, 0, READ), b = open(dir, "link", FOLLOW, 0, READ);
    u32 c = open(dir, "new", 0, 0, READ);
    say_bool("same", d_is_same_object(a, b));
    say_bool("same", d_is_same_object(a, c));
    say_bool("same", d_is_same_object(dir, dir));
    d_metadata_hash(a, &h1);
    ended8("metadata-hash", &h1);
    d_metadata_hash_at(dir, FOLLOW, S("link"), &h2);
    ended8("metadata-hash-at", &h2);
    d_metadata_hash_at(dir, 0, S("link"), &h3);
    ended8("metadata-hash-at", &h3);
    say_bool("equal", h1.lower == h2.lower && h1.upper == h2.upper);
    say_bool("equal", h1.lower == h3.lower && h1.upper == h3.upper);
    d_metadata_hash_at(dir, 0, S("none"), &h3);
    ended8("metadata-hash-at", &h3);
}

static void entries(u32 dir)
{
    Res4 r, e;
    d_read_directory(dir, &r);
    if (!ended4("read-directory", &r))
        return;
    u32 n = 0, types = 0, bytes = 0;
    do {
        entries_read(r.v, &e);
        if (e.is_err || !e.entry.some)
            break;
        n++;
        types += (u8)e.entry.type * 100 + 1; /* the order is not said */
        bytes += e.entry.name.n;
    } while (n < 100);
    say_u64(" entries", n);
    say_u64(" types", types);
    say_u64(" bytes", bytes);
    entries_read(r.v, &e);
    ended4(" behind the end", &e);
    entries_drop(r.v);
}

void test(void)
{
    Res4 r;
    u32 dir = preopen(0);
    contents(dir);
    modes(dir);
    directory(dir);
    sameness(dir);
    entries(dir);
    u32 f = open(dir, "file", 0, 0, READ);
    d_read_directory(f, &r);
    ended4("read-directory of a file", &r);
    Span list;
    get_directories(&list);
    say_u64("directories", list.n);
    for (u32 i = 0; i < list.n; i++)
        say_span(" name", (Span){((const u32 *)list.p)[i * 3 + 1] + (const u8 *)0,
                                 ((const u32 *)list.p)[i * 3 + 2]});
}
