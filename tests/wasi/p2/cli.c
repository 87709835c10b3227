/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* wasi:cli: arguments, environment, standard streams that are no terminals, exits. */
/* flags: --env A=1 --env B= --env A=x=y --env NOT_SET_ANYWHERE --env =no-name --env == */
/* case: show one two */
/* case: exit-ok */
/* case: exit-error */
/* case: code 0 */
/* case: code 1 */
/* case: code 42 */
/* case: code 255 */
#include "guest.h"

IMPORT(CLI("environment"), "get-arguments") void get_arguments(Span *ret);
IMPORT(CLI("environment"), "get-environment") void get_environment(Span *ret);
IMPORT(CLI("environment"), "initial-cwd") void initial_cwd(u32 *ret);
IMPORT(CLI("exit"), "exit") void cli_exit(u32 is_err);
IMPORT(CLI("exit"), "exit-with-code") void exit_with_code(u32 code);
IMPORT(CLI("stderr"), "get-stderr") u32 get_stderr(void);
IMPORT(CLI("terminal-stdin"), "get-terminal-stdin") void get_terminal_stdin(u32 *ret);
IMPORT(CLI("terminal-stdout"), "get-terminal-stdout") void get_terminal_stdout(u32 *ret);
IMPORT(CLI("terminal-stderr"), "get-terminal-stderr") void get_terminal_stderr(u32 *ret);

static void show(const Span *args, u32 n)
{
    u32 r[4] = {0};
    Span env;
    for (u32 i = 1; i < n; i++)
        say_span("argument", args[i]);
    get_environment(&env);
    const Span(*vars)[2] = env.p;
    for (u32 i = 0; i < env.n; i++) {
        put_span(vars[i][0]);
        say_span("", vars[i][1]);
    }
    initial_cwd(r);
    say_bool("initial-cwd", (u8)r[0]);
    get_terminal_stdin(r);
    say_bool("terminal-stdin", (u8)r[0]);
    get_terminal_stdout(r);
    say_bool("terminal-stdout", (u8)r[0]);
    get_terminal_stderr(r);
    say_bool("terminal-stderr", (u8)r[0]);
    u32 err = get_stderr();
    out_blocking_write_and_flush(err, S("to standard error\n"), (u8 *)r);
    say_bool("stderr", !(u8)r[0]);
}

void test(void)
{
    Span list;
    get_arguments(&list);
    const Span *args = list.p;
    if (span_is(args[1], "show"))
        show(args, list.n);
    if (span_is(args[1], "exit-ok"))
        cli_exit(0);
    if (span_is(args[1], "exit-error"))
        cli_exit(1);
    if (span_is(args[1], "code")) {
        u32 code = 0;
        for (u32 i = 0; i < args[2].n; i++)
            code = code * 10 + ((const u8 *)args[2].p)[i] - '0';
        exit_with_code(code);
    }
    put("returned\n");
}
