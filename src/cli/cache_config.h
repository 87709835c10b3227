/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The configuration file of the compilation cache: where it is, what may stand in it. */
#ifndef CLI_CACHE_CONFIG_H
#define CLI_CACHE_CONFIG_H

#include "cli/options.h"

/* $XDG_CONFIG_HOME or ~/.config, then wasmtime/config.toml; NULL without a home. Own. */
char *cache_config_default_path(void);
/* Reads and checks the file that the options (or the default place) name, if the cache is on. */
Error *cache_config_check(const Options *o) MUST_CHECK;
Error *cache_config_text_check(Str text, const char *label) MUST_CHECK;

#endif
