/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The interfaces and worlds of WIT packages as types of a composition. */
#ifndef COMPOSE_TYPES_WIT_H
#define COMPOSE_TYPES_WIT_H

#include "compose/types.h"
#include "wit/wit.h"

/* What has been made of a model: each interface once, so that `use` leads to one type. */
typedef struct WitTypes {
    TypeTable *t;
    const WitModel *m;
    GraphType **types;      /* by WitId */
    GraphType **interfaces; /* by WitId */
} WitTypes;

void wit_types_init(WitTypes *w, TypeTable *t, const WitModel *m);
void wit_types_release(WitTypes *w);
/* CT_INSTANCE; its name is that of the interface, where its types are at home. */
GraphType *wit_types_interface(WitTypes *w, WitId interface);
/* The same with resources of its own, at home nowhere yet. */
GraphType *wit_types_fresh_interface(WitTypes *w, WitId interface);
/* CT_COMPONENT with what the world imports and exports. */
GraphType *wit_types_world(WitTypes *w, WitId world);

CTypeKind wit_types_kind(WitKind k); /* of all kinds but aliases */

#endif
