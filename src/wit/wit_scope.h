/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Writing the types of a WIT model into an index space of the binary format: that of an instance
 * type, a component type, or a component. A scope counts what it declares and remembers which index
 * each WIT type has got there. Equal anonymous types are written once.
 *
 * Source: https://github.com/WebAssembly/component-model/blob/main/design/mvp/WIT.md
 */
#ifndef WIT_WIT_SCOPE_H
#define WIT_WIT_SCOPE_H

#include "wit/component.h"
#include "wit/int_map.h"
#include "wit/wit.h"

typedef enum WitScopeKind {
    WIT_SCOPE_INSTANCE,  /* declarations of an instance type */
    WIT_SCOPE_COMPONENT, /* declarations of a component type */
    WIT_SCOPE_SECTIONS,  /* definitions of a component */
} WitScopeKind;

/* Sections of a component. */
enum {
    CSECTION_CORE_MODULE = 1,
    CSECTION_CORE_INSTANCE = 2,
    CSECTION_COMPONENT = 4,
    CSECTION_INSTANCE = 5,
    CSECTION_ALIAS = 6,
    CSECTION_TYPE = 7,
    CSECTION_CANON = 8,
    CSECTION_IMPORT = 10,
    CSECTION_EXPORT = 11,
};

/* The items of a model that are written; NULL: all. */
typedef struct TypeFilter {
    const u8 *types, *funcs; /* a byte for each of the model's */
} TypeFilter;

/* Heap. */
typedef struct WitScope {
    const WitModel *m;
    u8 kind;
    Buf out; /* declarations, or whole sections */
    u32 ndecls;
    Buf pending; /* the definitions of the section that is not in `out` yet */
    u32 npending;
    u8 section;
    u32 counts[SORT_COUNT];
    /* In exporting mode what was noted in that mode is found first: an interface may be imported
     * and exported at once. */
    bool exporting;
    IntMap types[2];     /* WitId of a type -> index; [1] exports */
    IntMap instances[2]; /* WitId of an interface -> index of the instance */
    Map structures;      /* bytes of an anonymous type -> index */
    Arena arena;         /* of their keys */
} WitScope;

void wit_scope_init(WitScope *s, WitScopeKind kind, const WitModel *m);
void wit_scope_release(WitScope *s);
/* Appends a definition with that section's code; `sort` is the space that gets an entry. */
u32 wit_scope_define(WitScope *s, u8 section, Sort sort, const Buf *def);
/* Moves what is pending into `out`. */
void wit_scope_flush(WitScope *s);

void put_extern_name(Buf *b, Str s);
/* The name of an instance of the interface; a copy tells what it implements. */
void put_instance_name(Buf *b, const WitModel *m, WitId interface, Str name);
/* A value type as a reference: a primitive type's code or an index, defined before if need be. */
void wit_scope_value(WitScope *s, WitId type, Buf *out);
/* The index of a type definition; equal ones are shared. */
u32 wit_scope_structure(WitScope *s, const Buf *def);
/* The index of a named type's own structure, not of its name. */
u32 wit_scope_definition(WitScope *s, WitId type);
/* The index of the function's type. */
u32 wit_scope_func(WitScope *s, const WitFunc *f);
/* WIT_NONE: forgets it. */
void wit_scope_note(WitScope *s, WitId type, u32 index);
bool wit_scope_find(const WitScope *s, WitId type, u32 *ret_index);
void wit_scope_note_instance(WitScope *s, WitId interface, u32 index);
/* The index of a named type of an interface that has an instance here: by an alias. */
u32 wit_scope_foreign(WitScope *s, WitId type);
/* (alias export INSTANCE NAME) */
u32 wit_scope_alias(WitScope *s, Sort sort, u32 instance, Str name);

/* The index of the interface's instance type; `types_only` leaves functions out. */
u32 wit_scope_interface(WitScope *s, WitId interface, const TypeFilter *f, bool types_only);
/* Imports an interface, behind those it uses, unless it is there already. */
void wit_scope_import_interface(WitScope *s, WitId interface, Str name, const TypeFilter *f,
                                bool types_only);
/* The imports of a world: interfaces, then types and functions. */
void wit_scope_imports(WitScope *s, const WitWorld *w, const TypeFilter *f);
/* The index of a function that the imports hold. */
u32 wit_scope_imported_func(WitScope *s, WitId func);

#endif
