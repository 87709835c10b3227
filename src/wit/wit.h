/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * WIT, the interface language of the Component Model: text to a resolved model and back.
 *
 * A WitInput collects files; wit_resolve() parses them all, resolves every name, drops what is
 * gated by features that are not enabled, and makes one immutable WitModel of all packages. Items
 * refer to each other by index into the model's arrays. Everything lives in the model's arena.
 *
 * What users may rely on: no cycles; an item's index is above those of all items of the same array
 * that it refers to (types, interfaces), so one pass in order sees definitions before uses; types
 * nest at most WIT_LIMIT_TYPE_DEPTH deep, so recursion over them is bounded; a world's imports and
 * exports are elaborated (what `include` and `use` imply is in them).
 *
 * Source: https://github.com/WebAssembly/component-model/blob/main/design/mvp/WIT.md
 */
#ifndef WIT_WIT_H
#define WIT_WIT_H

#include "base/buf.h"
#include "base/error.h"

typedef enum WitLimit {
#define LIMIT(id, value) WIT_LIMIT_##id = value,
#include "wit/wit_limits.def"
#undef LIMIT
} WitLimit;

/* An index into one of the model's arrays. */
typedef u32 WitId;
enum { WIT_NONE = UINT32_MAX };

typedef enum WitKind {
#define WIT_PRIMITIVE(id, text) WIT_##id,
#define WIT_CONSTRUCTOR(id) WIT_##id,
#include "wit/wit_kinds.def"
#undef WIT_PRIMITIVE
#undef WIT_CONSTRUCTOR
} WitKind;
enum { WIT_PRIMITIVES = WIT_ERROR_CONTEXT + 1 };
static inline bool wit_is_primitive(WitKind k)
{
    return k <= WIT_ERROR_CONTEXT;
}

/* Semantic version; text is empty if there is none. */
typedef struct WitVersion {
    Str text; /* "0.2.12-rc.1+build" */
    u64 major, minor, patch;
    Str pre; /* "rc.1" */
} WitVersion;

/* @since, @unstable, @deprecated. */
typedef struct WitGate {
    WitVersion since, deprecated;
    Str feature; /* of @unstable; empty if there is none */
} WitGate;

/* A field of a record or tuple, a case of a variant or enum, a flag, a parameter. */
typedef struct WitField {
    Str name;   /* empty in tuples */
    WitId type; /* WIT_NONE: no payload */
    Str docs;
} WitField;

typedef enum WitOwnerKind { WIT_OWNER_NONE, WIT_OWNER_INTERFACE, WIT_OWNER_WORLD } WitOwnerKind;
typedef struct WitOwner {
    WitOwnerKind kind;
    WitId id;
} WitOwner;

typedef struct WitType {
    WitKind kind;
    Str name;       /* empty: anonymous */
    WitOwner owner; /* where it is written; nowhere for primitives */
    WitField *fields;
    u32 nfields; /* record, tuple, variant, enum, flags */
    /*
     * alias: elem is the target. list, option, stream, future: elem. map: elem is the key, second
     * the value. result: elem is ok, second is err. own, borrow: elem is the resource or an alias
     * of one. Each may be WIT_NONE where the language allows it.
     */
    WitId elem, second;
    u32 length;      /* of a fixed-length list */
    u32 depth, size; /* see wit_limits.def */
    bool used;       /* an alias that `use` makes: elem is the type of the other interface */
    bool has_borrow; /* there is a borrow in it, through names too */
    Str docs, external_id;
    WitGate gate;
    u32 at; /* place, see wit_error */
} WitType;

typedef enum WitFuncKind {
    WIT_FUNC_FREE,
    WIT_FUNC_METHOD, /* params[0] is `self` */
    WIT_FUNC_STATIC,
    WIT_FUNC_CONSTRUCTOR
} WitFuncKind;

typedef struct WitFunc {
    WitFuncKind kind;
    bool is_async;
    Str name;       /* as in components: "[method]input-stream.read" */
    Str label;      /* as written: "read"; "constructor" for constructors */
    WitId resource; /* the type; WIT_NONE for free functions */
    WitField *params;
    u32 nparams;
    WitId result; /* WIT_NONE: none */
    WitOwner owner;
    Str docs, external_id;
    WitGate gate;
    u32 at;
} WitFunc;

typedef struct WitInterface {
    Str name; /* empty: written inline in a world */
    Str full; /* "wasi:io/streams@0.2.12"; empty if inline */
    WitId package;
    WitId *types; /* named ones, in rising order: definitions before uses */
    WitId *funcs;
    u32 ntypes, nfuncs;
    WitId *uses; /* interfaces that `use` refers to, without repetition */
    u32 nuses;
    /*
     * A copy, for a world that imports or exports `original` under a plain name: that has types of
     * its own. Its name and full name are empty, as of an interface written inline.
     */
    bool is_copy;
    WitId original;
    Str docs;
    WitGate gate;
    u32 at;
} WitInterface;

typedef enum WitWorldItemKind { WIT_ITEM_INTERFACE, WIT_ITEM_FUNC, WIT_ITEM_TYPE } WitWorldItemKind;

typedef struct WitWorldItem {
    WitWorldItemKind kind;
    /* Interfaces imported under their own name have name.n == 0, all else has a plain name. */
    Str name;
    WitId id;     /* interface, function or type */
    bool implied; /* not written: something else uses this interface */
    Str docs, external_id;
    WitGate gate;
    u32 at;
} WitWorldItem;

typedef struct WitWorld {
    Str name, full;
    WitId package;
    WitWorldItem *imports, *exports; /* types are among the imports */
    u32 nimports, nexports;
    Str docs;
    WitGate gate;
    u32 at;
} WitWorld;

typedef struct WitPackage {
    Str ns, name;
    WitVersion version;
    Str full; /* "wasi:io@0.2.12" */
    WitId *interfaces, *worlds;
    u32 ninterfaces, nworlds;
    Str docs;
    u32 at;
} WitPackage;

/* One file. Places are offsets into all files, laid end to end. */
typedef struct WitSource {
    Str path, text;
    u32 start; /* the place of its first byte */
} WitSource;

/* Heap; owns the arena in which everything lives. */
typedef struct WitModel {
    Arena arena;
    WitPackage *packages;
    WitInterface *interfaces;
    WitWorld *worlds;
    WitType *types; /* the first WIT_PRIMITIVES are the primitive types, by WitKind */
    WitFunc *funcs;
    WitSource *sources;
    u32 npackages, ninterfaces, nworlds, ntypes, nfuncs, nsources;
    WitId root; /* package of the first group of files */
} WitModel;

typedef struct WitOptions {
    const Str *features; /* enabled @unstable features */
    u32 nfeatures;
    bool all_features;
} WitOptions;

/* Files to be read together. */
typedef struct WitInput WitInput;
WitInput *wit_input_new(void);
void wit_input_free(WitInput *in);
/*
 * Adds a file. All files of a group make one package (a folder), besides packages nested in them;
 * group 0 is the root. Copies path and text.
 */
Error *wit_input_add(WitInput *in, u32 group, Str path, Str text) MUST_CHECK;
/*
 * The same for a group of one file, which counts only if no earlier one is of the package (its full
 * name).
 */
Error *wit_input_add_spare(WitInput *in, u32 group, Str path, Str text, Str package) MUST_CHECK;
/* Own: wit_free(*ret_model). Errors show the place, and the other place where two are at odds. */
Error *wit_resolve(WitInput *in, const WitOptions *o, WitModel **ret_model) MUST_CHECK;
void wit_free(WitModel *m);

/*
 * Adds a file, or a folder: its *.wit files are the group, and what is in its folder `deps` (files,
 * folders and packages in binary form, *.wasm and *.wat) are further groups. *group is where to
 * begin and becomes the next free number.
 */
Error *wit_input_add_path(WitInput *in, const char *path, u32 *group) MUST_CHECK;

/* The type that a chain of aliases ends in. */
WitId wit_unalias(const WitModel *m, WitId type);
/* The interface that a world's item is of, which is never a copy. */
static inline WitId wit_item_interface(const WitModel *m, const WitWorldItem *i)
{
    return m->interfaces[i->id].is_copy ? m->interfaces[i->id].original : i->id;
}
WitId wit_find_package(const WitModel *m, Str full);
WitId wit_find_interface(const WitModel *m, Str full); /* "wasi:io/streams@0.2.12" */
/* Of the root package, or of any by its full name; with an empty name the only one of the root. */
Error *wit_find_world(const WitModel *m, Str name, WitId *ret_world) MUST_CHECK;
int wit_version_compare(const WitVersion *a, const WitVersion *b);
const char *wit_primitive_name(WitKind k);

typedef struct WitPrintOptions {
    bool no_docs;
} WitPrintOptions;
/*
 * Appends a package as text in canonical form: reads back as the same model. A package that is
 * not the first thing in `out` is printed as a nested one.
 */
void wit_print_package(const WitModel *m, WitId package, const WitPrintOptions *o, Buf *out);
/* A type as it is written where it is used: its name, or "list<u8>". */
void wit_print_type(const WitModel *m, WitId type, Buf *out);

/* A label: words of one case, joined by hyphens. */
bool wit_is_label(Str s);
/* False if it is not a version by Semantic Versioning 2.0. */
bool wit_version_parse(Str text, WitVersion *ret_version);
/* A word that is an identifier only with a percent sign in front. */
bool wit_is_keyword(Str s);

#endif
