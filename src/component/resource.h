/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Resource types of running components, and the table of handles that each component instance
 * has. Indices of handles start at 1 and are used again, the last freed one first.
 */
#ifndef COMPONENT_RESOURCE_H
#define COMPONENT_RESOURCE_H

#include "base/vec.h"
#include "runtime/store.h"

typedef struct ComponentInstance ComponentInstance;

/* A resource type has an identity: each instantiation of its component makes a new one. */
typedef struct ResourceType {
    ComponentInstance *owner; /* that defines it; NULL: the host does */
    VmFuncRef *dtor;          /* core function of the owner; may be NULL */
    /* The host's destructor; may be NULL. `host`: of the instance that had it; NULL: it has none.
     */
    Error *(*host_drop)(void *env, void *host, u64 rep);
    void *env;
} ResourceType;

/*
 * How an instance tells resource types apart: the place where it keeps one. Resource types are
 * generative, so two imports are two types, though the same one may be given for both.
 */
typedef ResourceType **ResourceKey;

typedef struct HandleTable HandleTable;

/* A handle of type own that was lent for the time of a call. */
typedef struct Lender {
    HandleTable *table;
    u32 index;
} Lender;

/* One call: the borrow handles that the callee got, and the handles that the caller lent. */
typedef struct CallScope {
    u32 borrows; /* alive in the callee's table */
    u32 nfirst;
    Lender first[2]; /* mostly there are no more */
    VEC(Lender) more;
} CallScope;

typedef struct Handle {
    ResourceKey type; /* NULL: free */
    u64 rep;          /* of a free one: the next free index, 0 at the end */
    u32 lends;        /* own */
    CallScope *scope; /* of a borrow handle; NULL: own */
} Handle;

/* What the tables of an instantiation may have together. */
typedef struct HandleBudget {
    u64 alive, max;
} HandleBudget;

struct HandleTable {
    HandleBudget *budget; /* NULL: none */
    VEC(Handle) slots;    /* index 0 is never used */
    u32 free;             /* first free index, 0: none */
};

void handles_release(HandleTable *t);
/* A new handle, owning unless `scope` is given. */
Error *handles_add(HandleTable *t, ResourceKey type, u64 rep, CallScope *scope, u32 *ret_index);
/* The representation behind a handle of either sort. */
Error *handles_rep(HandleTable *t, ResourceKey type, u32 index, u64 *ret_rep);
/* The same for a call that borrows; `scope` notes what it lends. */
Error *handles_lend(HandleTable *t, ResourceKey type, u32 index, CallScope *scope, u64 *ret_rep);
/* The same, if the handle owns it and is not lent. */
Error *handles_look_own(HandleTable *t, ResourceKey type, u32 index, u64 *ret_rep);
/* Takes an own handle out: the caller has the resource now. */
Error *handles_take_own(HandleTable *t, ResourceKey type, u32 index, u64 *ret_rep);
/* Takes any handle out. True in *ret_own if the resource is to be destroyed. */
Error *handles_drop(HandleTable *t, ResourceKey type, u32 index, bool *ret_own, u64 *ret_rep);
/* The end of a call, on the caller's side: what it lent is its own again. */
void scope_end_lends(CallScope *s);
/* The end of a call, on the callee's side. */
Error *scope_check_borrows(const CallScope *s);

#endif
