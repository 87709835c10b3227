/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Fuzz target of src/cli: configuration files and option lists. */
#include "cli/cache_config.h"
#include "cli/config_file.h"
#include "fuzz/targets.h"

#include <stdlib.h>

/* The first byte chooses the reader, the rest is its text. */
void fuzz_options(const u8 *p, usize n)
{
    if (n == 0)
        return;
    u32 which = p[0] % (GROUP_COUNT + 2);
    Str text = {(const char *)p + 1, n - 1};
    Options o;
    options_init(&o);
    Error *e = which == GROUP_COUNT       ? config_text_read(text, "file", &o)
               : which == GROUP_COUNT + 1 ? cache_config_text_check(text, "file")
                                          : options_parse(&o, (OptGroup)which, text);
    if (!e)
        e = options_check(&o);
    if (e && !*e->message)
        fuzz_finding("an error without a message");
    error_free(e);
    options_release(&o);
}
