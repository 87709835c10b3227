/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What collects a model piece by piece (wit_builder.c) and what reads the pieces (wit_decode.c). */
#ifndef WIT_WIT_BUILDER_PRIV_H
#define WIT_WIT_BUILDER_PRIV_H

#include "base/map.h"
#include "base/vec.h"
#include "wit/wit_binary.h"

typedef struct BuildInterface {
    WitInterface i;
    VEC(WitId) types, funcs, uses;
    Map names; /* of types; of functions with a '(' in front: nothing else has that */
} BuildInterface;

typedef struct BuildWorld {
    WitWorld w;
    VEC(WitWorldItem) imports, exports;
    Map names[2]; /* of imports and exports -> id */
} BuildWorld;

/* Heap; strings are in the model's arena. */
struct WitBuilder {
    WitModel *m;
    Error *error; /* the first one, own until it is returned */
    bool compatible;
    VEC(WitPackage) packages;
    VEC(BuildInterface) interfaces;
    VEC(BuildWorld) worlds;
    VEC(WitType) types;
    VEC(WitFunc) funcs;
    Map package_names, interface_names, world_names;
    Map compatible_names; /* of imported interfaces: name with the version cut short */
    WitId root;
    bool has_root;
};

Str build_str(WitBuilder *b, Str s); /* a copy that lives as long as the model */
Str build_format(WitBuilder *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
WitId build_package(WitBuilder *b, Str ns, Str name, Str version);
WitId build_interface(WitBuilder *b, const ExternName *n, bool import);
/* `original`: what it is a copy of, or WIT_NONE. */
WitId build_inline(WitBuilder *b, WitId package, WitId original);
WitId build_world(WitBuilder *b, Str ns, Str package, Str name, Str version);
/* Unless it is there. */
void build_world_item(WitBuilder *b, WitId world, bool export, WitWorldItem item);
bool build_world_find(const WitBuilder *b, WitId world, bool export, Str name, WitId *ret_id);
WitId build_type(WitBuilder *b, WitType t);

#endif
