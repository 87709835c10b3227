/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* How many resources a guest may have. */
/* flags: -Smax-resources=20 */
/* case: pollables */
/* case: files */
/* case: again */
#include "fs.h"

IMPORT(CLI("environment"), "get-arguments") void get_arguments(Span *ret);
IMPORT(CLOCKS("monotonic-clock"), "subscribe-duration") u32 subscribe_duration(u64 ns);
IMPORT(IO_POLL, "[resource-drop]pollable") void pollable_drop(u32 self);

void test(void)
{
    Span args;
    get_arguments(&args);
    Span arg = ((const Span *)args.p)[1];
    u32 dir = preopen(0);
    Res4 r;
    for (u32 i = 0; i < 200; i++) {
        if (span_is(arg, "pollables"))
            subscribe_duration(1);
        if (span_is(arg, "files"))
            d_open_at(dir, 0, S("file"), 0, READ, &r);
        if (span_is(arg, "again"))
            pollable_drop(subscribe_duration(1));
    }
    put("done\n");
}
