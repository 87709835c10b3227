/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the `component` subcommands share: their inputs and outputs. */
#ifndef CLI_COMPONENT_IO_H
#define CLI_COMPONENT_IO_H

#include "cli/feature_list.h"
#include "cli/cmdline.h"
#include "wit/wit.h"

/* The argument that names the input; "-" if there is none. */
const char *component_input(const CmdLine *c);
/* A module or component in binary or text form, as a binary. Own. */
Error *component_read(const char *path, Buf *ret_bytes) MUST_CHECK;
/* WIT: a folder, a text, a WIT package in binary form, or the world of a binary. Own. */
Error *component_read_wit(const CmdLine *c, const char *path, WitModel **ret_model) MUST_CHECK;
/* The world that `--world` names, or the only one. */
Error *component_world(const CmdLine *c, const WitModel *m, WitId *ret_world) MUST_CHECK;
/* A binary as text; `path`: as messages call it. */
Error *component_text(const char *path, const Buf *bytes, Buf *ret_text) MUST_CHECK;
/* Is the binary valid with these proposals? */
Error *component_check(const char *path, const Buf *bytes, const FeatureList *l) MUST_CHECK;
/* To `--output`, or to standard output if that is not a terminal; as text if `--wat` is given. */
Error *component_write(const CmdLine *c, const Buf *bytes) MUST_CHECK;
/* Text to `--output` or standard output. */
Error *component_write_text(const CmdLine *c, const Buf *text) MUST_CHECK;

#endif
