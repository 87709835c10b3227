/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Worlds for those who use a component, made of the component's own. */
#ifndef WIT_WIT_TURN_H
#define WIT_WIT_TURN_H

#include "wit/wit.h"

typedef struct WitTurn {
    bool to_exports; /* imports become exports; otherwise exports become imports */
    Str name;        /* of the world from now on */
    const Str *only; /* names of the imports that are moved; none: all */
    u32 nonly;
} WitTurn;

/*
 * Changes the world: what it exports is imported and nothing exported, or what it imports is
 * exported and its exports go. Types stay; what the rest uses is imported.
 */
Error *wit_turn_world(WitModel *m, WitId world, const WitTurn *o) MUST_CHECK;

#endif
