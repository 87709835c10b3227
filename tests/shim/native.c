/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The native program of the shim's tests: `exit CODE`, `sleep`, or `tty`, which is there or not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 2)
        return 1;
    printf("native %s%s\n", argv[1], isatty(1) ? " yes" : "");
    fflush(stdout);
    while (strcmp(argv[1], "sleep") == 0)
        pause();
    return argc > 2 ? (int)strtol(argv[2], NULL, 10) : 0;
}
