/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the shim's program does by its last word: start a shim, clean up after one. */
#ifndef SHIM_START_H
#define SHIM_START_H

#include "base/error.h"

/* Flags as containerd gives them; borrowed from the command line, which is where they are alone:
 * its words in a row, as the system made it. */
typedef struct ShimFlags {
    char *line;
    usize line_size;
    const char *ns, *id, *address, *bundle, *socket, *publish_binary, *debug_socket, *action;
    bool debug, version, info;
} ShimFlags;

Error *shim_flags_parse(ShimFlags *f, int argc, char **argv) MUST_CHECK;
/* Prints the address of the shim for this container's pod; if there is none, a child of this
 * process becomes it, and returns only if it can not. */
Error *shim_start(const ShimFlags *f) MUST_CHECK;
/* Takes away what a shim left, and prints the answer. */
Error *shim_delete(const ShimFlags *f) MUST_CHECK;

#endif
