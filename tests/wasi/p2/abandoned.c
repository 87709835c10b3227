/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A guest that ends while it has streams, files and pollables, in any order. */
/* case: end */
/* case: exit */
/* case: trap */
/* case: drop */
#include "guest.h"

IMPORT(CLI("environment"), "get-arguments") void get_arguments(Span *ret);
IMPORT(CLI("exit"), "exit") void cli_exit(u32 is_err);
IMPORT(CLI("stdin"), "get-stdin") u32 get_stdin(void);
IMPORT(IO_STREAMS, "[method]input-stream.subscribe") u32 in_subscribe(u32 self);
IMPORT(IO_STREAMS, "[method]output-stream.subscribe") u32 out_subscribe(u32 self);
IMPORT(IO_STREAMS, "[resource-drop]input-stream") void in_drop(u32 self);
IMPORT(IO_POLL, "[resource-drop]pollable") void pollable_drop(u32 self);
IMPORT(CLOCKS("monotonic-clock"), "subscribe-duration") u32 subscribe_duration(u64 ns);
IMPORT(FS_PREOPENS, "get-directories") void get_directories(Span *ret);

void test(void)
{
    Span args, dirs;
    get_arguments(&args);
    get_directories(&dirs);
    u32 clock = subscribe_duration(1000000000);
    u32 in = get_stdin();
    in_subscribe(in);
    pollable_drop(clock); /* its number is free: the next child comes before its parent */
    in_subscribe(in);
    out_subscribe(guest_stdout);
    say_u64("directories", dirs.n);
    const Span *arg = args.p;
    if (span_is(arg[1], "exit"))
        cli_exit(1);
    if (span_is(arg[1], "trap"))
        __builtin_trap();
    if (span_is(arg[1], "drop"))
        in_drop(in);
}
