/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The file of --config: option groups as TOML tables. */
#ifndef CLI_CONFIG_FILE_H
#define CLI_CONFIG_FILE_H

#include "cli/options.h"

/* Sets what the command line has not set. */
Error *config_file_read(const char *path, Options *o) MUST_CHECK;
/* The same from text; `label` stands in for the path in errors. */
Error *config_text_read(Str text, const char *label, Options *o) MUST_CHECK;

#endif
