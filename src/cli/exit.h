/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the process's exit code and last words are when a command failed. */
#ifndef CLI_EXIT_H
#define CLI_EXIT_H

#include "base/error.h"

enum { EXIT_USAGE_ERROR = 2, EXIT_TRAP = 134 };

/* Appends what belongs on stderr. A guest's own exit prints nothing. */
int exit_of_error(const Error *e, Buf *text);

#endif
