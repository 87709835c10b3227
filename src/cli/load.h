/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Modules from files, whatever form they have; the contents decide, never the file's name. */
#ifndef CLI_LOAD_H
#define CLI_LOAD_H

#include "cli/cmdline.h"
#include "component/instance.h"
#include "engine/engine.h"
#include "wasm/text/text.h"

/*
 * Binary, text or compiled; "-" is standard input. Compiled files are refused unless the command
 * line allows them, components here always.
 */
Error *load_module(Engine *e, const CmdLine *c, const char *path, Module **ret_module) MUST_CHECK;
/* The same for a program to run: one of the two is set. */
Error *load_program(Engine *e, const CmdLine *c, const char *path, Module **ret_module,
                    LoadedComponent **ret_component) MUST_CHECK;
/* The parts of the component model that the options ask for. */
ComponentFeatures load_component_features(const Options *o);
/* A module's text; an empty script's module is one, an empty file is more likely to be a mistake.
 */
bool load_parse_text(Str text, Buf *ret_binary, TextMap *ret_map, Diag *d);
/* The first byte of a WebAssembly text, from `i` on, that is neither blank nor in a comment. */
usize load_skip_text_blanks(Str s, usize i);
/* Does the text begin with `(component`? */
bool load_is_text_component(Str s);

#endif
