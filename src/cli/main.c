/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The wasmtime program: parses the command line, runs the command, turns errors into exit codes. */
#include "cli/cmdline.h"
#include "cli/exit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* What did not reach stdout is an error also where an earlier write failed and the last did not. */
static int finish_stdout(int status)
{
    errno = 0;
    bool lost = ferror(stdout);
    if (fflush(stdout) == 0 && !lost)
        return status;
    Error *e = error_new("%s", errno ? strerror(errno) : "an earlier write failed");
    return finish(error_wrap(e, "failed to write to stdout"));
}

int main(int argc, char **argv)
{
    CmdLine c;
    Buf text = {0};
    CmdLineEnd end;
    int status = 0;
    if (os_fill_stdio() != 0)
        return EXIT_FAILURE; /* there is nowhere to say why */
    os_ignore_write_signals();
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
    return e ? finish(e) : finish_stdout(status);
}
