/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The types of a composition: those of all components in it, of WIT packages and of WAC texts, in
 * one table. Each instantiation has types of its own, so that the resources of two instances of one
 * component are different; what an argument or a shared import makes the same is linked, and
 * gtypes_find() tells who stands for a type then. Everything lives in the table's arena.
 *
 * Fields have the conventions of CType (wit/component.h): an option's type is fields[1], a
 * result's are fields[0] and fields[1]; NULL where there is none.
 */
#ifndef COMPOSE_TYPES_H
#define COMPOSE_TYPES_H

#include "base/error.h"
#include "base/vec.h"
#include "wit/component.h"

typedef struct GraphType GraphType;
struct GraphItem;

typedef struct GraphField {
    Str name;
    GraphType *type;
} GraphField;

typedef struct GraphExtern {
    Str name;
    u8 sort;         /* Sort */
    bool is_sub;     /* SORT_TYPE: (sub resource) */
    GraphType *type; /* NULL: core modules */
    bool types_only; /* SORT_INSTANCE: needed for its types, and written with nothing else */
    Str implements;  /* SORT_INSTANCE under a plain name: of which interface it is one */
} GraphExtern;

struct GraphType {
    u8 kind; /* CTypeKind */
    bool is_async;
    bool made;  /* a resource of an instance of the composition */
    bool fixed; /* a resource that an import of the composition brings */
    u32 id;
    u32 depth;       /* of the nesting of types that a text declares */
    GraphType *same; /* who stands for it, see gtypes_find */
    Str name;        /* under which it was first exported or imported */
    Str home;        /* the import whose instance that is; empty: none, or the import itself */
    struct GraphItem *maker; /* of what an instance gives: that instance, ... */
    Str maker_export;        /* ... and the instance in it whose export `name` this is, or empty */
    u32 n, length;
    GraphField *fields;
    GraphType *result; /* CT_FUNC: may be NULL */
    GraphType *of;     /* CT_OWN, CT_BORROW: the resource */
    u32 nimports, nexports;
    GraphExtern *imports, *exports; /* CT_COMPONENT, CT_INSTANCE */
    Map *names;                     /* of many exports; made when it is needed */
};

typedef struct TypeTable {
    Arena arena;
    GraphType *primitives[CT_PRIMITIVES];
    u32 n;    /* types there are */
    u64 work; /* comparisons done, bounded */
    VEC(Map *) maps;
} TypeTable;

enum { TYPES_MAX = 4000000, TYPES_MAX_WORK = 50000000 };

void gtypes_init(TypeTable *t);
void gtypes_release(TypeTable *t);
GraphType *gtypes_new(TypeTable *t, CTypeKind kind);
/* A type with a name of its own that is a primitive one. */
GraphType *gtypes_alias(TypeTable *t, const GraphType *primitive, Str name);
/* Can it be referred to: is it no mere primitive type? */
bool gtypes_is_named(const GraphType *t);
/* The type that stands for all that it is linked with. */
GraphType *gtypes_find(GraphType *t);
Str gtypes_keep(TypeTable *t, Str s);
GraphExtern *gtypes_export(TypeTable *t, GraphType *of, Str name); /* NULL if there is none */
void gtypes_add_export(TypeTable *t, GraphType *to, GraphExtern e);

/* The imports and exports of a component as a type of its own (CT_COMPONENT). */
Error *gtypes_of_component(TypeTable *t, const Component *c, GraphType **ret_type) MUST_CHECK;

/*
 * May `found` be used where `expected` is asked for? If so, the resources of `expected` are linked
 * with those of `found`.
 */
Error *gtypes_check(TypeTable *t, const GraphExtern *found, const GraphExtern *expected) MUST_CHECK;
/* Makes `to` fit for users of `from` too, and links the types of both. */
Error *gtypes_merge(TypeTable *t, GraphExtern *to, const GraphExtern *from) MUST_CHECK;

/* Appends a type as WIT has it; named types by their names, the outermost with its definition. */
void gtypes_text(GraphType *t, Buf *out);

/* Have both one track (extern_name_track)? */
bool name_compatible(Str a, Str b);
/* Is the version of `a` above that of `b`? Both are names of one track. */
bool name_newer(Str a, Str b);

#endif
