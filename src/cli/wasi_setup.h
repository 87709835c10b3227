/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From the options of a command line to what guests have of WASI. */
#ifndef CLI_WASI_SETUP_H
#define CLI_WASI_SETUP_H

#include "cli/cmdline.h"
#include "wasi/p2/p2.h"

/* -S cli, by that name or by its old one. */
bool wasi_setup_wants_cli(const Options *o);
/* Refuses combinations of -S that make no sense; before anything is made. */
Error *wasi_setup_check(const CmdLine *c) MUST_CHECK;
/* Limits, network, environment, directories. */
Error *wasi_setup_context(const CmdLine *c, WasiCtx *w) MUST_CHECK;
/* wasi:config and wasi:keyvalue, as far as they are asked for. */
Error *wasi_setup_link_stores(const CmdLine *c, ComponentLinker *l, WasiP2 *p) MUST_CHECK;

#endif
