/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What the files of the component decoder share. Private to the folder.
 *
 * Decoding and validation are one pass: a definition is checked when it is read, against the index
 * spaces so far. Errors stick in the reader (wasm/read.h); `at` is the place of the item that is
 * checked.
 */
#ifndef WIT_COMPONENT_PRIV_H
#define WIT_COMPONENT_PRIV_H

#include "wasm/decode.h"
#include "wit/component.h"
#include "wit/int_map.h"

enum {
#define LIMIT(id, value) LIMIT_##id = value,
#include "wit/limits.def"
#undef LIMIT
};

/* What the outermost component owns. */
typedef struct ComponentRoot {
    Component component; /* first: a Component * without parent is a ComponentRoot * */
    Arena arena;
    ComponentTypes types;
    u8 *own_bytes; /* NULL if borrowed */
    VEC(WasmModule *) modules;
    VEC(u32) type_ids; /* references of the type registry */
    VEC(Map *) maps;   /* in the arena, their slots on the heap */
} ComponentRoot;

typedef enum ScopeKind { SCOPE_COMPONENT, SCOPE_COMPONENT_TYPE, SCOPE_INSTANCE_TYPE } ScopeKind;

/* Names of the imports or of the exports of a scope. */
typedef struct NameSet {
    Map names;        /* canonical text -> index into texts */
    VEC(Str) texts;   /* as written */
    IntMap resources; /* resource node -> index into texts of the last name it got here */
    Map labels;       /* labels of resources -> 0 */
} NameSet;

/* A component, component type or instance type while it is read; heap. */
typedef struct Scope {
    struct Scope *outer;
    u8 kind; /* ScopeKind */
    Component *component;
    WasmModule core; /* holds the core type space: types, ntypes */
    u32 core_cap;
    VEC(const CoreModuleType *) core_types; /* at the place of module types, otherwise NULL */
    VEC(CTypeId) funcs, values, types, component_types, instances;
    VEC(Component *) components;
    VEC(u32) core_funcs, core_tags;
    VEC(TableType) core_tables;
    VEC(MemoryType) core_memories;
    VEC(GlobalType) core_globals;
    VEC(ComponentModule) core_modules;
    VEC(const CoreModuleType *) core_instances;
    VEC(ComponentExtern) imports, exports;
    VEC(ComponentDef) defs;
    VEC(CustomSection) customs;
    VEC(u32) imported_resources, defined_resources;
    NameSet import_names, export_names;
    IntMap visible[2]; /* type nodes with a name for imports, for exports */
    IntMap checked[2]; /* nodes all of whose parts are known to be named */
    u32 first_resource;
    u8 context_type; /* value type of context.get and .set, 0 for none so far */
} Scope;

typedef struct CDecoder {
    Decoder w; /* w.r is the reader; w.m the core types of the scope */
    ComponentRoot *root;
    const ComponentOptions *options;
    Scope *scope;
    u32 depth;    /* of scopes */
    const u8 *at; /* of the item, for errors */
    /* The table of types; root->types holds the same. */
    u32 types_cap, resources_cap;
    Map canons;      /* key of a type -> canonical number */
    IntMap subtypes; /* pairs of nodes, the first below the second */
    u32 work;        /* see remap_work */
    bool in_module;  /* the error is one of a module inside */
} CDecoder;

static inline Reader *rd(CDecoder *d)
{
    return &d->w.r;
}
static inline bool ok(const CDecoder *d)
{
    return diag_ok(d->w.r.diag);
}
static inline const CType *node(const CDecoder *d, CTypeId id)
{
    return d->root->types.p[id];
}
static inline Arena *arena(CDecoder *d)
{
    return &d->root->arena;
}
/* An error of validation at `at`. */
void cfail(CDecoder *d, const char *fmt, ...) __attribute__((format(printf, 2, 3), cold, noinline));
/* Puts the name of a place in front of the error there is; false. */
bool cfail_within(CDecoder *d, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), cold, noinline));
/* False with an error if the part of the component model is off. */
bool cneed(CDecoder *d, enum ComponentFeatureBit bit, const char *what);
void cbad_code(CDecoder *d, const u8 *at, u8 code, const char *what); /* malformed */
/* The count of a list, at most `limit`. */
u32 cread_count(CDecoder *d, u32 limit, const char *what);
u8 cread_flag(CDecoder *d, const char *what); /* 0 or 1 */

/* ---- ctype.c: nodes ---- */

void ctypes_init(CDecoder *d);
CType *ctype_new(CDecoder *d, CTypeKind kind, u32 nfields);
/* Works the facts of a new node out and gives it its number. */
CTypeId ctype_add(CDecoder *d, CType *t);
CTypeId ctype_copy(CDecoder *d, CTypeId id); /* the same type with an identity of its own */
u32 resource_new(CDecoder *d, CResource r);
CTypeId resource_node(CDecoder *d, u32 resource);
void ctype_layout(CDecoder *d, CType *t);
void instance_index(CDecoder *d, CType *t); /* export_map */
void core_index(CDecoder *d, CoreModuleType *t);

/* ---- ctype_remap.c ---- */

/* A substitution of resources. */
typedef struct Remap {
    IntMap resources; /* number -> number */
    IntMap nodes;     /* done, or to be replaced from the start */
    bool any;         /* there are such of types without resources, too */
} Remap;
void remap_release(Remap *m);
/* Notes `n` steps; an error, and false, if they are too many. */
bool remap_work(CDecoder *d, u32 n);
CTypeId ctype_remap(CDecoder *d, Remap *m, CTypeId id);
/* As ctype_remap, also where the type's own resources are to be replaced. */
ComponentExtern extern_remap(CDecoder *d, Remap *m, const ComponentExtern *e);
/* An instance type with resources of its own, as it is imported or exported: with new ones, which
 * are added to the list. */
CTypeId instance_freshen(CDecoder *d, CTypeId id, u32 **ret_new, u32 *ret_n);

/* ---- cvalidate_subtype.c: all set an error that begins with `where` ---- */

/* a below b. */
bool extern_match(CDecoder *d, const ComponentExtern *a, const ComponentExtern *b);
/* An item may be exported as of a type: resources that the type leaves open may be any. */
bool ascription_match(CDecoder *d, const ComponentExtern *item, const ComponentExtern *type);
bool core_extern_match(CDecoder *d, const CoreExtern *a, const CoreExtern *b);
/* The instance type of an instantiation; CTYPE_NONE after an error. */
CTypeId component_instantiate(CDecoder *d, CTypeId component, const ComponentExtern *args,
                              u32 nargs);

/* ---- cvalidate_name.c ---- */

/* The name and attributes of an import or export. */
ExternName cread_extern_name(CDecoder *d);
void name_set_release(NameSet *s);
/* Checks the name of an import or export and that its types have names; tells the scope of both.
 * `scope` may be NULL for the parts of an instance. */
void extern_register(CDecoder *d, NameSet *set, const ComponentExtern *e, bool import,
                     Scope *scope);

/* ---- cread_type.c ---- */

CTypeId cread_val_type(CDecoder *d);
CTypeId cread_opt_val_type(CDecoder *d);
CTypeId cread_result(CDecoder *d);
/* A type section's item: pushed onto the scope's types. */
void cread_type(CDecoder *d);
ComponentExtern cread_extern_type(CDecoder *d);
CTypeId cread_type_index(CDecoder *d);

/* ---- cread_core.c ---- */

void cread_core_type(CDecoder *d);
void core_type_alias(CDecoder *d, const Scope *s, u32 index);
void core_space_init(CDecoder *d, WasmModule *m);
void core_space_enter(CDecoder *d, WasmModule *m);
/* The references of a space's types go to the outermost component. */
void core_space_leave(CDecoder *d, WasmModule *m);
const CoreModuleType *module_type_of(CDecoder *d, const WasmModule *m);

/* ---- cscope.c ---- */

Scope *scope_push(CDecoder *d, ScopeKind kind);
void scope_pop(CDecoder *d); /* frees it */
/* Adds an import or export to the scope: new resources, names, and the entry of its space. */
void scope_add_extern(CDecoder *d, ComponentExtern *e, bool import);
CTypeId scope_type(CDecoder *d, CTypeKind kind); /* what its imports and exports make */

/* ---- cread_def.c ---- */

u32 cread_index(CDecoder *d, Sort s); /* checked */
bool index_check(CDecoder *d, const Scope *s, Sort sort, u32 index);
u32 space_count(const Scope *s, Sort sort);
void cread_core_instance(CDecoder *d, ComponentDef *def);
void cread_instance(CDecoder *d, ComponentDef *def);
void cread_alias(CDecoder *d, ComponentDef *def);
void cread_import(CDecoder *d, ComponentDef *def);
void cread_export(CDecoder *d, ComponentDef *def);
/* Gives the item an entry in its space. */
void extern_push(CDecoder *d, const ComponentExtern *e);
CoreExtern core_item(CDecoder *d, SortIndex item);
ComponentExtern extern_item(CDecoder *d, SortIndex item);

/* ---- cvalidate_canon.c ---- */

void cread_canon(CDecoder *d, ComponentDef *def);

#endif
