/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Standard input that is a directory. */
/* stdin-from: d */
#include "fs.h"

IMPORT(CLI("stdin"), "get-stdin") u32 get_stdin(void);
IMPORT(IO_ERROR, "[method]error.to-debug-string") void error_text(u32 self, Span *ret);
IMPORT(IO_STREAMS, "[method]input-stream.blocking-read")
void in_blocking_read(u32 self, u64 n, u32 *ret);

void test(void)
{
    u32 r[4], in = get_stdin();
    Res1 code;
    Span text;
    in_blocking_read(in, 10, r);
    say_bool("failed", (u8)r[0]);
    say_bool("closed", (u8)r[1]);
    filesystem_error_code(r[2], &code);
    say("code", code.is_err ? code_name(code.v) : "none");
    error_text(r[2], &text);
    say_bool("text", text.n > 0);
    in_blocking_read(in, 10, r);
    say_bool("failed", (u8)r[0]);
    say_bool("closed", (u8)r[1]);
}
