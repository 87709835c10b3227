/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A directory in which one name is not UTF-8: that entry is an error, the others are there. */
#include "fs.h"

void test(void)
{
    Res4 r;
    u32 names = 0, errors = 0;
    u32 dir = open(preopen(1), "odd", 0, DIRECTORY, READ);
    d_read_directory(dir, &r);
    if (!ended4("read-directory", &r))
        return;
    u32 entries = r.v;
    for (;;) {
        entries_read(entries, &r);
        if (r.is_err) {
            say("entry", code_name(r.err));
            if (++errors == 4)
                return;
        } else if (!(u8)r.entry.some) {
            break;
        } else {
            names++;
        }
    }
    say_u64("names", names);
}
