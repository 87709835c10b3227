/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What the parts of the generator share.
 *
 * A type has its C name from the scope that it is named in: an interface, as imported or as
 * exported, or the world. The C types have the layout that the canonical ABI gives their values in
 * memory, so values there are read and written as they are; only what is passed flat is taken
 * apart.
 */
#ifndef BINDGEN_BINDGEN_PRIV_H
#define BINDGEN_BINDGEN_PRIV_H

#include "base/map.h"
#include "bindgen/bindgen.h"
#include "wit/wit_flat.h"

/* As STR_ARG, for texts of any length: expressions are longer than what a message shows. */
#define TEXT_ARG(s) (int)MIN((s).n, INT32_MAX), (s).p

enum { BINDGEN_NAME_LIMIT = 4096 }; /* of a type's name in C */

/* What is known of a type from its structure alone. */
enum {
    TYPE_FREED = 1,  /* has a function NAME_free, possibly an empty one */
    TYPE_MEMORY = 2, /* values may own memory */
    TYPE_PLAIN = 4,  /* anonymous and made of primitive types only: named after the world */
};

typedef struct Bindgen {
    const WitModel *m;
    const WitWorld *w;
    Arena arena;
    Str world;              /* "my_world" */
    Str *imported, *export; /* prefix of each interface; empty where the world has it not */
    Str *module;            /* of each interface: its name as imported */
    u8 *traits;             /* of each type: TYPE_... */
    Map emitted;            /* C names of the types that are written already */
    bool has_strings;
    Error *error; /* the first one; types after it are not written */
    /* The scope that is being written: */
    WitOwner owner;
    bool exporting;  /* resources of the scope are the guest's own */
    Str prefix;      /* of names of types and of imported functions */
    Str func_prefix; /* of exported functions: the prefix, except in the world */
    Str wasm_module; /* what imports come from, what exports are named after; empty: the world */
    /* Of the header: */
    Buf types, funcs, helpers;
    /* Of the source: */
    Buf imports, exports, freeing;
} Bindgen;

/* --- names --- */
Str bindgen_snake(Bindgen *g, Str name);
Str bindgen_format(Bindgen *g, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* As snake; no keyword of C or C++. */
Str bindgen_ident(Bindgen *g, Str name);
Str bindgen_upper(Bindgen *g, Str name);
/* The prefix of the interface's names, seen from the scope. */
Str bindgen_prefix(const Bindgen *g, WitId interface);
/* The name of a type without "_t": "wasi_io_streams_stream_error", "my_world_list_u8". */
Str bindgen_type_name(Bindgen *g, WitId type);
/* The C type of values: "uint32_t", "my_world_list_u8_t". */
Str bindgen_ctype(Bindgen *g, WitId type);
/* "wasi_io_streams_method_input_stream_read" */
Str bindgen_func_name(Bindgen *g, const WitFunc *f, bool export);
/* What a wasm export is named: "wasi:cli/run@0.2.0#run". */
Str bindgen_export_name(Bindgen *g, Str item);

/* --- types --- */
/* Sets g->traits. */
void bindgen_traits(Bindgen *g);
/* What the type is made of: `type t = list<u8>` is a list, an alias of a name is an alias. */
const WitType *bindgen_shape(const WitModel *m, WitId type);
bool bindgen_is_resource(const WitModel *m, WitId type);
/* Passed to C functions by value: numbers, enums, flags, handles. */
bool bindgen_by_value(const WitModel *m, WitId type);
/* Is the handle's resource one that the guest exports, seen from the scope? */
bool bindgen_own_resource(const Bindgen *g, WitId handle);
/* Writes the declaration of the type, and of all in it, unless they are there. */
void bindgen_define(Bindgen *g, WitId type);

/* A text in the middle of the header that comes with strings; functions of strings. */
void bindgen_string_type(const Bindgen *g, Buf *out);
void bindgen_string_helpers(const Bindgen *g, Buf *out);
void bindgen_string_source(const Bindgen *g, Buf *out);

/* --- functions --- */
void bindgen_import(Bindgen *g, const WitFunc *f);
void bindgen_export(Bindgen *g, const WitFunc *f);
/* "bool name(uint32_t a, my_string_t *ret)" */
void bindgen_prototype(Bindgen *g, const WitFunc *f, bool export, Buf *out);
/* Flat parameters; more than WIT_MAX_FLAT_PARAMS: they go through memory. */
WitFlat bindgen_flat_params(const WitModel *m, const WitFunc *f);
WitFlat bindgen_flat_result(const WitModel *m, const WitFunc *f);

/* --- flat values --- */
typedef struct FlatExprs {
    Str e[WIT_MAX_FLAT]; /* C expressions of the core types */
    u32 n;
} FlatExprs;
/*
 * Appends the flat form of `expr` to *ret_flat; what has to be computed first goes to `body`.
 * `names` numbers the local variables.
 */
void bindgen_lower(Bindgen *g, WitId type, Str expr, u32 *names, Buf *body, FlatExprs *ret_flat);
/* Statements that make `dest` of flat values, from *at on. */
void bindgen_lift(Bindgen *g, WitId type, Str dest, const FlatExprs *flat, const WitFlat *have,
                  u32 *at, Buf *body);
Str bindgen_core_type(char letter);

/* "uint8_t" */
const char *bindgen_int_type(u32 bytes);

#endif
