/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Standard input and output of a container's process: FIFOs that containerd or its client made,
 * files, a logger, or nothing; or a terminal whose other side is copied to them.
 */
#ifndef SHIM_STDIO_H
#define SHIM_STDIO_H

#include "base/error.h"
#include "shim/logger.h"

enum { MIN_FD = 10 }; /* ours are above those that a child gets */

typedef struct Stdio {
    char *path[3]; /* own; "": nothing */
    bool terminal;
    LoggerOwner owner; /* of a logger, if the path of the output names one */
    /*
     * What keeps the FIFOs open on both sides: of input a writer, until stdin is closed, so that
     * the guest does not see an end before the client came; of output readers, so that a client
     * that goes away, to come back, does not end the guest. -1: none.
     */
    int keep[3];
    int console; /* master of the terminal, -1: none */
    int listener;
} Stdio;

void stdio_init(Stdio *s, const char *in, const char *out, const char *err, bool terminal,
                const LoggerOwner *owner);
void stdio_release(Stdio *s);
/* What the process gets as 0, 1, 2; the caller closes them. */
Error *stdio_open(Stdio *s, int ret_fds[3]) MUST_CHECK;
void stdio_close_fds(int fds[3]);
void stdio_close_input(Stdio *s);
/* Makes `<dir>/<name>`, to which the runtime sends the terminal. */
Error *stdio_console_listen(Stdio *s, const char *dir, const char *name) MUST_CHECK;
/* Takes the terminal and starts to copy between it and the files, which are transferred. */
Error *stdio_console_start(Stdio *s, int fds[3]) MUST_CHECK;
/* The same with a terminal that is there already, and is transferred. */
void stdio_console_take(Stdio *s, int console, int fds[3]);
Error *stdio_resize(const Stdio *s, u32 width, u32 height) MUST_CHECK;

#endif
