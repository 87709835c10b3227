/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A program that gets a container's output, as `binary://PATH?ARGUMENT=VALUE&...` asks for. The
 * address comes from who makes the container through containerd, never from its image.
 */
#ifndef SHIM_LOGGER_H
#define SHIM_LOGGER_H

#include "shim/child.h"

/* For whom it is: in its environment. */
typedef struct LoggerOwner {
    Children *children; /* borrow, as all */
    const char *id, *ns;
} LoggerOwner;

bool logger_is_meant(const char *address);
/*
 * Starts it, with what is written to *ret_out and *ret_err as its descriptors 3 and 4, and waits
 * until it has closed 5. It ends by itself when nobody writes any more.
 */
Error *logger_start(const LoggerOwner *o, const char *address, int *ret_out,
                    int *ret_err) MUST_CHECK;

/* The path and the arguments, decoded; own, in one block with `*ret_words`. False if it is none. */
bool logger_parse(const char *address, char **ret_block, const char ***ret_words);

#endif
