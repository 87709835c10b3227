/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* stdout-closed: yes */
/* oracle: Wasmtime 48 goes on writing, later versions say that the stream is closed */
#include "guest.h"

IMPORT(CLI("stderr"), "get-stderr") u32 get_stderr(void);

void test(void)
{
    u8 r[12];
    u32 out = guest_stdout;
    guest_stdout = get_stderr();
    r[0] = 0;
    for (u32 i = 0; i < 100000 && !r[0]; i++)
        out_blocking_write_and_flush(out, S("nobody reads this"), r);
    say_bool("failed", r[0]);
    say_bool("closed", r[4]);
    out_blocking_write_and_flush(out, S("nobody reads this"), r);
    say_bool("failed", r[0]);
    say_bool("closed", r[4]);
}
