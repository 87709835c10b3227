/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What the parts of the resolver share. First all files are parsed; then packages and their
 * interfaces and worlds get names; then these are ordered by what they use, and built in that
 * order.
 */
#ifndef WIT_WIT_RESOLVE_PRIV_H
#define WIT_WIT_RESOLVE_PRIV_H

#include "base/map.h"
#include "base/vec.h"
#include "wit/wit_ast.h"

typedef struct InputFile {
    Str path, text; /* in the input's arena */
    u32 group;
    Str spare; /* a package; the file counts only if no other one has that */
} InputFile;

struct WitInput {
    Arena arena;
    VEC(InputFile) files;
    u64 bytes;
};

/* Nodes and what they need, in order: the needs of node i are to[first[i]] to to[first[i + 1]]. */
typedef struct WitGraph {
    VEC(u32) first, to;
} WitGraph;
/*
 * Writes the nodes to ret_order, each behind what it needs, otherwise in the order of `roots`
 * (NULL: by number). False if there is a cycle: *ret_cycle is a node of it.
 */
bool wit_graph_sort(const WitGraph *g, const u32 *roots, u32 n, u32 *ret_order, u32 *ret_cycle);

void res_sort_ids(WitId *ids, u32 n);

typedef struct ResPackage {
    AstPath path;
    Str full;
    Map tops;       /* name -> index of the AstTop */
    VEC(u32) order; /* its tops, as written */
    u32 group;
    bool nested;
    Str docs;
} ResPackage;

enum { TOP_DROPPED = UINT32_MAX - 1 }; /* a TopInfo.id: gated away */

typedef struct TopInfo {
    u32 package;
    WitId id; /* of the interface or the world, once built */
} TopInfo;

typedef struct Resolver {
    const WitInput *in;
    const WitOptions *options;
    WitModel *m;
    Ast ast;
    Error *error; /* the first one */
    VEC(ResPackage) packages;
    Map package_names;
    VEC(TopInfo) tops;
    VEC(u32) scope_package; /* of each AstScope */
    VEC(Map) scope_names;   /* of each AstScope: names by top-level `use`, in lower case */
    VEC(Map) type_names;    /* of each interface: its types by name */
    VEC(WitInterface) interfaces;
    VEC(WitWorld) worlds;
    VEC(WitType) types;
    VEC(WitFunc) funcs;
    u64 elaborated;
} Resolver;

#define ARENA_LIST(arena, vec, ret_array, ret_count)                                               \
    do {                                                                                           \
        *(ret_count) = (vec)->n;                                                                   \
        *(ret_array) = (vec)->n ? arena_dup(arena, (vec)->p, (vec)->n * sizeof *(vec)->p) : NULL;  \
        vec_release(vec);                                                                          \
    } while (0)

/* Errors are sticky. The second form shows two places. */
void res_fail(Resolver *r, u32 at, const char *fmt, ...) PRINTF_LIKE(3, 4);
void res_fail_two(Resolver *r, u32 at, u32 other, const char *other_is, const char *fmt, ...)
    PRINTF_LIKE(5, 6);
/* Is the item there with these features? Checks versions against that of the package. */
bool res_gate(Resolver *r, const WitGate *g, u32 package, u32 at);
/* An interface or world by name; UINT32_MAX with an error if there is none. */
u32 res_find_top(Resolver *r, u32 scope, const AstPath *path);
/* The built interface a path leads to; WIT_NONE with an error if it is not one. */
WitId res_find_interface(Resolver *r, u32 scope, const AstPath *path);
Str res_lower(Resolver *r, Str name); /* names are unique without regard to case */
Str res_format(Resolver *r, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* A name of an interface or of the types of a world. */
typedef struct Local {
    AstId name;
    const AstItem *item;
    bool is_func;
    WitId type;    /* once built */
    WitId foreign; /* of a name that `use` brings: the type of the other interface */
} Local;

typedef struct Locals {
    Map names; /* in lower case -> index */
    VEC(Local) list;
    VEC(WitId) uses; /* interfaces */
    Map used;        /* their numbers */
    WitOwner owner;
    u32 package, scope;
} Locals;

/* Collects names and builds the types of a body; functions are left to the callers. */
void res_build_types(Resolver *r, Locals *l, const AstBody *body);
void res_locals_release(Locals *l);
/* Names of `l` that are used as the type; WIT_NONE after an error. */
WitId res_build_type(Resolver *r, Locals *l, const AstType *t);
/* Appends the function; `resource` is the type of a method, or WIT_NONE. */
WitId res_build_func(Resolver *r, Locals *l, const AstFunc *f, WitId resource);
/* As in components: "[method]input-stream.read". */
Str res_func_name(Resolver *r, WitFuncKind kind, Str label, Str resource);
WitId res_build_interface(Resolver *r, const AstBody *body, u32 package, u32 scope);
void res_build_world(Resolver *r, u32 top);

#endif
