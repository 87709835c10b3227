/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From an error to an exit code: usage 2, trap 134, the guest's own status, anything else 1. */
#include "cli/exit.h"

#include "cli/options.h"

int exit_of_error(const Error *e, Buf *text)
{
    const Error *guest = error_find(e, ERROR_EXIT);
    if (guest)
        return guest->value;
    const Error *usage = error_find(e, ERROR_USAGE);
    if (usage) {
        buf_printf(text, "error: %s\n%s", usage->message,
                   usage->value == USAGE_PLAIN ? "" : "\nFor more information, try '--help'.\n");
        return EXIT_USAGE_ERROR;
    }
    error_format(e, text);
    return error_find(e, ERROR_TRAP) ? EXIT_TRAP : 1;
}
