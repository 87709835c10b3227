/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A composition: components, instances of them, what goes from one to another, and what is left
 * over as imports of the whole. Its encoding is one component that holds the parts as they are.
 *
 * Items are made in order, each from earlier ones; a graph owns them all.
 */
#ifndef COMPOSE_GRAPH_H
#define COMPOSE_GRAPH_H

#include "base/vec.h"
#include "compose/types.h"

typedef struct GraphPackage {
    Str name; /* as messages name it: "a:b@1.0.0", or a file */
    Buf bytes;
    Component *component; /* of `bytes` */
    GraphType *type;      /* for looking at; instances have types of their own */
    bool used;
    u32 index; /* in the encoding */
} GraphPackage;

typedef enum GraphItemKind {
    ITEM_IMPORT,
    ITEM_INSTANCE,   /* of a package */
    ITEM_ALIAS,      /* export `name` of the instance `from` */
    ITEM_DEFINITION, /* a type that the composition exports as `name` */
} GraphItemKind;

typedef struct GraphItem GraphItem;
struct GraphItem {
    u8 kind;         /* GraphItemKind */
    bool implicit;   /* an import that nobody wrote */
    bool needed;     /* an implicit import for its types alone, so far */
    GraphExtern ext; /* name: of the import, or of the export that it is an alias of */
    GraphItem *from;
    GraphPackage *package; /* ITEM_INSTANCE */
    GraphItem **args;      /* by the package's imports; NULL: not given */
    u32 index;             /* in the encoding */
};

typedef struct GraphExport {
    Str name;
    GraphItem *item;
} GraphExport;

typedef struct Graph {
    TypeTable types;
    TypeRegistry *registry;
    VEC(GraphPackage *) packages;
    VEC(GraphItem *) items;
    VEC(GraphExport) exports;
    Map imports; /* track of the name -> index into items */
    Map aliases; /* instance and name -> index into items */
    Map export_names;
} Graph;

Graph *graph_new(void);
void graph_free(Graph *g);

/* Transfers `bytes`, also on failure. */
Error *graph_add_package(Graph *g, Str name, Buf *bytes, GraphPackage **ret_package) MUST_CHECK;

/* A new instance. Its arguments follow: graph_give() for each, then graph_complete(). */
Error *graph_instantiate(Graph *g, GraphPackage *p, GraphItem **ret_instance) MUST_CHECK;
/* `import`: index into the imports of the instance's type. */
Error *graph_give(GraphItem *instance, u32 import, GraphItem *item) MUST_CHECK;
/*
 * Checks the arguments against the imports. What is not given becomes an import of the
 * composition; without `fill` it is an error.
 */
Error *graph_complete(Graph *g, GraphItem *instance, bool fill) MUST_CHECK;

/* Any item that has exports: an instance made, imported or exported by another one. */
bool graph_is_instance(const GraphItem *item);
/* The same item for the same name; NULL if there is no such export. */
GraphItem *graph_alias(Graph *g, GraphItem *instance, Str name);
/* An import that somebody asks for: its name must be free. */
Error *graph_import(Graph *g, GraphExtern ext, GraphItem **ret_item) MUST_CHECK;
/* An instance must be imported for its types; who asks for it later shares it. */
Error *graph_need(Graph *g, GraphExtern ext) MUST_CHECK;
/* A definition goes by its last name only, but keeps all of them from others. */
Error *graph_export(Graph *g, Str name, GraphItem *item) MUST_CHECK;
/*
 * A type that the composition exports. Interfaces and worlds are, as WIT packages have them, in a
 * component type which exports them under their full names and imports what they use.
 */
Error *graph_define(Graph *g, Str name, GraphType *type, GraphItem **ret_item) MUST_CHECK;
bool graph_has_export(const Graph *g, Str name);

/* Is the type of an instance or a component (a world) one that a component could have? */
Error *graph_check_type(Graph *g, GraphType *type) MUST_CHECK;
/* Appends the composition as a component, which has been validated. */
Error *graph_encode(Graph *g, Buf *out) MUST_CHECK;

#endif
