/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* wasi:clocks. */
#include "guest.h"

typedef struct Datetime {
    u64 sec;
    u32 ns;
} Datetime;
IMPORT(CLOCKS("wall-clock"), "now") void wall_now(Datetime *ret);
IMPORT(CLOCKS("wall-clock"), "resolution") void wall_resolution(Datetime *ret);
IMPORT(CLOCKS("monotonic-clock"), "now") u64 now(void);
IMPORT(CLOCKS("monotonic-clock"), "resolution") u64 resolution(void);
IMPORT(CLOCKS("monotonic-clock"), "subscribe-instant") u32 subscribe_instant(u64 when);
IMPORT(CLOCKS("monotonic-clock"), "subscribe-duration") u32 subscribe_duration(u64 ns);
IMPORT(IO_POLL, "[method]pollable.ready") u32 pollable_ready(u32 self);
IMPORT(IO_POLL, "[method]pollable.block") void pollable_block(u32 self);

static void waits(u32 p, u64 from, u64 least)
{
    pollable_block(p);
    u64 took = now() - from;
    say_bool("waited", took >= least && took < least + 5000000000);
    say_bool("ready", pollable_ready(p));
}

void test(void)
{
    enum { MS = 1000000 };
    Datetime t, u;
    wall_now(&t);
    say_bool("after 2023", t.sec > 1700000000);
    say_bool("before 2100", t.sec < 4102444800);
    say_bool("nanoseconds", t.ns < 1000000000);
    wall_resolution(&u);
    say_bool("resolution", u.sec == 0 && u.ns > 0 && u.ns < 1000000000);
    u64 a = now(), b = now();
    say_bool("monotonic", b >= a);
    say_bool("starts with the program", a < 60000000000);
    say_bool("resolution", resolution() > 0 && resolution() < 1000000000);
    a = now();
    waits(subscribe_duration(20 * MS), a, 20 * MS);
    a = now();
    waits(subscribe_instant(a + 20 * MS), a, 20 * MS);
    a = now();
    waits(subscribe_instant(0), a, 0);
    waits(subscribe_instant(a), a, 0);
    waits(subscribe_duration(0), a, 0);
    say_bool("ready", pollable_ready(subscribe_instant(~0ull)));
    say_bool("ready", pollable_ready(subscribe_duration(~0ull)));
    wall_now(&u);
    say_bool("later", u.sec > t.sec || (u.sec == t.sec && u.ns > t.ns));
}
