/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What the parts of component_wrap share: wrap.c (the order of it all), wrap_names.c (what the core
 * imports and exports stand for), wrap_live.c (what of the world is used), wrap_core.c (core
 * definitions), wrap_module.c (modules that are generated), wrap_export.c (lifted functions and
 * exported instances), wrap_gc.c (adapters).
 */
#ifndef WIT_WRAP_WRAP_PARTS_H
#define WIT_WRAP_WRAP_PARTS_H

#include "base/map.h"
#include "base/vec.h"
#include "wit/wit_scope.h"
#include "wit/wit_binary.h"
#include "wit/wrap/wrap.h"

enum { NO_INDEX = UINT32_MAX };

typedef enum CoreUse {
    USE_LOWER,   /* func: a function of the world's imports */
    USE_DROP,    /* type: a resource, imported or exported */
    USE_NEW,     /* type: an exported resource */
    USE_REP,     /* the same */
    USE_ADAPTER, /* source, export: a function of an adapter */
    USE_MAIN,    /* export: a function of the main module */
    USE_REALLOC, /* memory from memory.grow, in the place of the main module's cabi_realloc */
    USE_MEMORY,  /* the main module's memory */
} CoreUse;

/* What an import of a core module stands for. */
typedef struct CoreImport {
    u8 use;        /* CoreUse */
    bool exported; /* type: of an exported interface */
    WitId func, type;
    u32 source, export;
    u32 slot; /* in the table of the shim; NO_INDEX: none */
    Str name; /* in the component: see wrap_rename_imports */
} CoreImport;

/* The main module, or an adapter. */
typedef struct CoreSource {
    Str name;  /* empty: main */
    Buf bytes; /* as it goes into the component */
    WasmModule *m;
    StringEncoding encoding;
    CoreImport *imports;                /* m->nimports */
    Map exports;                        /* key (see wrap_export_key) -> index into m->exports */
    u32 instance;                       /* core instance */
    u32 import_realloc, export_realloc; /* core functions, NO_INDEX until they are made */
} CoreSource;

/* A function of the shim's table. */
typedef struct ShimSlot {
    const FuncType *type;
    u32 source, import; /* the first import that it serves; NO_INDEX: a destructor */
    u32 dtor_source, dtor_export;
} ShimSlot;

/* What a value of a type is when it is passed. */
typedef struct TypeShape {
    u32 flat; /* core values, one more than MAX_FLAT_PARAMS for more */
    bool pointers;
} TypeShape;

/* Heap. */
typedef struct Wrap {
    const WrapOptions *options;
    TypeRegistry *registry;
    WitModel *m;
    Map names; /* of interfaces, lower versions included -> WitId */
    const WitWorld *world;
    VEC(CoreSource) sources; /* the first is the main module */
    VEC(ShimSlot) slots;
    IntMap dtors;        /* resource -> slot */
    IntMap export_items; /* exported interface -> index of the item */
    IntMap shell_seen;   /* anonymous type -> interface whose component has its parts */
    u8 *live_types, *live_funcs;
    TypeShape *shapes; /* of the model's types */
    u8 *imported;      /* interfaces: 1 for those that the world imports */
    u8 *exported;      /* the same of exports */
    Map members;       /* of interfaces: types and functions, see wrap_names.c */
    Map tracks[2];     /* of imported and exported interfaces: what is compatible -> WitId */
    Map items[2];      /* plain names of the world's imports and exports -> index of the item */
    Arena arena;
    WitScope s; /* the component */
    u32 shim_instance, memory, generated_realloc;
    Error *error; /* the first */
} Wrap;

void wrap_fail(Wrap *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
Str wrap_format(Wrap *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
static inline CoreSource *wrap_main(Wrap *w)
{
    return &w->sources.p[0];
}
/* How errors call it. */
Str wrap_source_name(const CoreSource *c);
const Export *wrap_core_export(const CoreSource *c, Str name, ExternKind kind);

/* What a module exports for the canonical ABI, by either of its names; NULL if it does not. */
typedef enum StandardExport { CORE_MEMORY_EXPORT, CORE_REALLOC, CORE_INITIALIZE } StandardExport;
const Export *wrap_standard_export(const CoreSource *c, StandardExport which);

/* Decodes what is in c->bytes. */
void wrap_decode_source(Wrap *w, CoreSource *c);

/* ---- wrap_names.c ---- */
void wrap_index_world(Wrap *w);
void wrap_index_exports(Wrap *w, CoreSource *c);
void wrap_classify_imports(Wrap *w, u32 source);
/* The core function that implements an exported function; interface WIT_NONE: of the world. */
bool wrap_find_export(const Wrap *w, const char *prefix, WitId interface, Str name, u32 *ret_source,
                      u32 *ret_export);

/* ---- wrap_live.c ---- */
void wrap_mark_live(Wrap *w);
typedef struct FuncNeeds {
    bool memory, realloc;
} FuncNeeds;
void wrap_shape_types(Wrap *w);
FuncNeeds wrap_needs(const Wrap *w, const WitFunc *f, bool lift);

/* ---- wrap_module.c ---- */
void wrap_shim_module(const Wrap *w, Buf *out);
/* `init`: the main module has a function that must run first; NO_INDEX for none. */
void wrap_fixup_module(const Wrap *w, bool init, Buf *out);
/* `room`: memory is grown once more, for a program that takes all that comes to be for its own. */
void wrap_realloc_module(bool room, Buf *out);

/* ---- wrap_core.c ---- */
u32 wrap_core_module(Wrap *w, const Buf *bytes);
u32 wrap_core_alias(Wrap *w, u8 core_sort, u32 instance, Str name);
void wrap_assign_slots(Wrap *w);
void wrap_put_core(Wrap *w);
/* The options of a canonical definition. */
void wrap_put_options(Wrap *w, u32 source, FuncNeeds needs, bool import, u32 post_return, Buf *def);
void wrap_define_resources(Wrap *w);

/* ---- wrap_export.c ---- */
void wrap_put_exports(Wrap *w);

/* ---- wrap_rename.c ---- */
/*
 * A core module may import one thing several times, but not one that is in a component: the later
 * imports of c->bytes get names of their own. The decoded module is left as it is.
 */
void wrap_rename_imports(Wrap *w, CoreSource *c);

/* ---- wrap_gc.c ---- */
/*
 * Puts the parts of an adapter that the kept exports lead to into c->bytes and decodes that anew.
 * `keep` has a byte for each export.
 */
void wrap_gc(Wrap *w, CoreSource *c, const u8 *keep);

#endif
