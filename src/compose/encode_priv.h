/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Writing types. A scope is what has an index space of types: the component that is written, or an
 * instance type or component type in it. Private to the folder.
 */
#ifndef COMPOSE_ENCODE_PRIV_H
#define COMPOSE_ENCODE_PRIV_H

#include "compose/graph.h"

/* A type that can be had from an instance of the component by an alias. */
typedef struct TypeSource {
    u32 instance;
    Str name;
} TypeSource;

typedef struct TypeScope {
    struct TypeScope *outer;
    bool closed; /* a component type: it sees nothing of what is around it */
    Str self;    /* the interface whose type this is, with types of its own */
    bool types_only;
    u32 ntypes, nfuncs, ninstances;
    Map known;   /* id of a type -> its index */
    Map named;   /* ids of types that this scope imports or exports */
    Map sources; /* id of a type -> index into source_list; not in types of instances */
    VEC(TypeSource) source_list;
    /* The component: definitions since the last change of section. Types: declarations. */
    Buf defs;
    u32 ndefs;
    u8 section;
    Buf *out;     /* the component's bytes; NULL in types */
    Error *error; /* the first one; of the component only */
} TypeScope;

void type_scope_release(TypeScope *s);
/* A definition of the component, into its section. */
void scope_section(TypeScope *s, u8 section);
void scope_flush(TypeScope *s);
/* Index of a type, which is defined on the way if it is not there yet. */
u32 scope_type_index(TypeScope *s, GraphType *t);
/* Takes an import or an export of a type into account: the next index stands for it. */
void scope_name_type(TypeScope *s, GraphType *t);
/* Appends a description of the item to `out`, after what it needs has been defined. */
/* The name of an import or export; of an instance with what it implements, unless the name tells.
 */
void put_name(Buf *out, Str name, Str implements);
void scope_extern(TypeScope *s, const GraphExtern *e, Buf *out);
/* The types that this instance exports can be had from it. */
void scope_offer(TypeScope *s, u32 instance, const GraphType *type);

#endif
