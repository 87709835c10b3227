/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the parts of the WAC resolver share. Private to the folder. */
#ifndef COMPOSE_WAC_PRIV_H
#define COMPOSE_WAC_PRIV_H

#include "compose/graph.h"
#include "compose/types_wit.h"
#include "compose/wac_compose.h"
#include "wit/wac.h"

typedef enum WacLocalKind {
    LOCAL_ITEM,      /* import, let */
    LOCAL_TYPE,      /* a value type */
    LOCAL_INTERFACE, /* a type of an instance */
    LOCAL_WORLD
} WacLocalKind;

typedef struct WacLocal {
    AstId id;
    u8 kind;             /* WacLocalKind */
    GraphItem *item;     /* of types: their definition */
    GraphType *type;     /* the others */
    const AstBody *body; /* LOCAL_INTERFACE: for a type with resources of its own */
} WacLocal;

/* A package that the text names: a component, or WIT. */
typedef struct WacLoaded {
    Str name; /* with the version */
    GraphPackage *component;
    WitModel *model;
    WitTypes wit;
} WacLoaded;

typedef struct Wac {
    Graph *g;
    Arena arena;
    const char *path;
    Str text;
    const WacOptions *options;
    WacDocument doc;
    Error *error; /* the first one */
    VEC(WacLocal) locals;
    Map local_names;
    VEC(WacLoaded *) loaded;
    Map loaded_names;
    VEC(GraphType *) homes; /* interfaces that others may use, under their own names */
    Map home_names;
} Wac;

/* Sticky. Shows the place; `cause` (transferred, may be NULL) tells more. */
void wac_fail(Wac *w, u32 at, Error *cause, const char *fmt, ...) PRINTF_LIKE(4, 5);
Str wac_format(Wac *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
const WacLocal *wac_local(Wac *w, Str name); /* NULL if there is none */

/* Is it the package that the text makes? */
bool wac_is_own(const Wac *w, const WacPackage *package);

/* ---- wac_load.c ---- */

/* NULL with an error if the package is not there. */
WacLoaded *wac_load(Wac *w, const WacPackage *package);
void wac_unload(WacLoaded *l);
/* The interface (CT_INSTANCE) or world (CT_COMPONENT) that the path names; NULL with an error. */
GraphType *wac_path_type(Wac *w, const WacPath *path, bool fresh);
/* Others may refer to the interface's types from now on. */
void wac_add_home(Wac *w, GraphType *interface);

/* ---- wac_type.c ---- */

GraphType *wac_func(Wac *w, const AstFunc *f);
/* `name` empty: inline. */
GraphType *wac_interface(Wac *w, Str name, const AstBody *body);
/* CT_COMPONENT: with what `include` and `use` bring. */
GraphType *wac_world(Wac *w, const AstBody *body);
/* The interface or world as a component type that exports it: see graph_define(). */
GraphType *wac_definition(Wac *w, u32 at, Str full, GraphType *type);
/* A type at the top of the text becomes a local. */
GraphType *wac_typedef(Wac *w, const AstTypedef *t);

#endif
