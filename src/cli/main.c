/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The wasmtime program: parses the command line, runs the command, turns errors into exit codes. */
#include "cli/cmdline.h"
#include "cli/exit.h"

#include <stdio.h>

#include "os/fs.h"

static int finish(Error *e)
{
    Buf text = {0};
    int status = exit_of_error(e, &text);
    fflush(stdout);
    fwrite(text.p, 1, text.n, stderr);
    buf_release(&text);
    error_free(e);
    return status;
}

int main(int argc, char **argv)
{
    CmdLine c;
    Buf text = {0};
    CmdLineEnd end;
    int status = 0;
    os_fill_stdio();
    os_ignore_sigpipe();
    Error *e = cmdline_parse(&c, argc ? argc - 1 : 0, argv + (argc != 0), &text, &end);
    if (!e && end == CMDLINE_TEXT)
        fwrite(text.p, 1, text.n, stdout);
    else if (!e)
        e = options_check(&c.options);
    if (!e && end == CMDLINE_RUN && opt_bool(&c.options, OPT_D_logging))
        log_init(&c.log);
    if (!e && end == CMDLINE_RUN)
        e = command_desc(c.command)->run(&c, &status);
    buf_release(&text);
    cmdline_release(&c);
    if (e)
        return finish(e);
    return fflush(stdout) == 0 ? status : 1;
}
