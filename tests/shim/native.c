/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The native program of the shim's tests: its first argument says what it does. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void end(int signal)
{
    (void)signal;
    _exit(0);
}

/* `exit CODE`, `sleep`, `pause` (as the first container of a pod), `stop`, which stops all other
 * processes, or `tty`, which is there or not. */
int main(int argc, char **argv)
{
    if (argc < 2)
        return 1;
    printf("native %s%s\n", argv[1], isatty(1) ? " yes" : "");
    fflush(stdout);
    if (strcmp(argv[1], "pause") == 0)
        signal(SIGTERM, end);
    while (strcmp(argv[1], "stop") == 0)
        kill(-1, SIGSTOP);
    while (strcmp(argv[1], "sleep") == 0 || strcmp(argv[1], "pause") == 0)
        pause();
    return argc > 2 ? (int)strtol(argv[2], NULL, 10) : 0;
}
