/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The engine's own structure. Private to engine/. */
#ifndef ENGINE_ENGINE_PRIV_H
#define ENGINE_ENGINE_PRIV_H

#include "base/map.h"
#include "base/vec.h"
#include "compile/compile.h"
#include "engine/engine.h"
#include "os/thread.h"

struct Engine {
    _Atomic u32 refs; /* the owner's, and one each of modules and stores */
    EngineConfig config;
    TypeRegistry *types;
    _Atomic u64 epoch;
    OsMutex lock; /* of what follows */
    VEC(CompileCtx *) idle;
    Map stubs;  /* shape of a signature -> address */
    Arena keys; /* of stubs */
    VEC(CodeMem *) stub_mems;
};

void engine_ref(Engine *e);
/* Scratch for one compilation at a time. */
CompileCtx *engine_take_ctx(Engine *e);
void engine_give_ctx(Engine *e, CompileCtx *c);
/* An engine without modules and stores, which has chosen between guard regions and checks by
 * itself, goes by what a compiled file has, if that was chosen likewise and can be had. */
bool engine_adopt_memories(Engine *e, u64 reservation, u64 guard);
/* Settings of modules of this engine. */
ModuleConfig engine_module_config(Engine *e);

#endif
