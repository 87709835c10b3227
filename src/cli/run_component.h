/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* `wasmtime run` on a component. */
#ifndef CLI_RUN_COMPONENT_H
#define CLI_RUN_COMPONENT_H

#include "cli/cmdline.h"
#include "component/instance.h"
#include "wasi/http/http.h"

/*
 * Instantiates and calls --invoke's function, whose result goes to stdout in one line of WAVE, else
 * that of wasi:cli/run. The instance is freed after the store, on failure, too.
 */
Error *run_component(const CmdLine *c, Store *s, LoadedComponent *component,
                     const ComponentLinker *l, ComponentInstance **ret_instance) MUST_CHECK;

/* Errors about missing imports name the options of the command line that provide them. */
void run_component_hints(ComponentLinker *l, const CmdLine *c);

/* wasi:http, if `-S http` asks for it. */
Error *run_component_link_http(const CmdLine *c, ComponentLinker *l, WasiP2 *p) MUST_CHECK;

#endif
