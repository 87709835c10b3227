/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From the options of a command line to an engine. */
#ifndef CLI_ENGINE_SETUP_H
#define CLI_ENGINE_SETUP_H

#include "cli/cmdline.h"
#include "engine/engine.h"

typedef enum EngineUse {
    ENGINE_RUN,     /* compiles functions when they are called */
    ENGINE_SERVE,   /* likewise, for many instances at a time */
    ENGINE_COMPILE, /* compiles whole modules, for files */
} EngineUse;

Error *engine_setup(const CmdLine *c, EngineUse use, Engine **ret_engine) MUST_CHECK;
/* The configuration alone. */
Error *engine_setup_config(const CmdLine *c, EngineUse use, EngineConfig *ret_config) MUST_CHECK;
/* A store with the fuel and the epoch deadline that the options give it. */
Error *engine_setup_store(const CmdLine *c, Engine *engine, Store **ret_store) MUST_CHECK;

#endif
