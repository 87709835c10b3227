/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What check-write permits, and writes that it does not. */
/* oracle: Wasmtime 48 lets them through and permits 64 KiB, later versions do not and 1 MiB */
/* case: nothing */
/* case: enough */
/* case: more */
/* case: twice */
/* case: how-much */
#include "guest.h"

IMPORT(CLI("environment"), "get-arguments") void get_arguments(Span *ret);
IMPORT(IO_STREAMS, "[method]output-stream.check-write") void out_check_write(u32 self, u64 ret[2]);
IMPORT(IO_STREAMS, "[method]output-stream.write")
void out_write(u32 self, const void *p, u32 n, u8 *ret);

static u32 permitted(void)
{
    u64 r[2];
    out_check_write(guest_stdout, r);
    return (u32)r[1];
}

void test(void)
{
    Span args;
    u8 ret[12];
    get_arguments(&args);
    Span arg = ((const Span *)args.p)[1];
    if (span_is(arg, "nothing")) {
        out_write(guest_stdout, S("x"), ret);
        out_write(guest_stdout, S("x"), ret);
    }
    if (span_is(arg, "enough")) {
        (void)permitted();
        out_write(guest_stdout, S("x"), ret);
    }
    if (span_is(arg, "more"))
        out_write(guest_stdout, (u8 *)0 + 65536, permitted() + 1, ret);
    if (span_is(arg, "twice")) {
        u32 n = permitted();
        out_write(guest_stdout, S("x"), ret);
        out_write(guest_stdout, (u8 *)0 + 65536, n, ret);
    }
    if (span_is(arg, "how-much"))
        say_u64("check-write", permitted());
    put("\ndone\n");
}
