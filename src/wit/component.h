/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A decoded and validated component: its definitions in order, as an instantiation carries them out
 * one by one, and the types of everything in its index spaces. A tree of components lives in the
 * arena of the outermost one; names, modules and literals are slices of its bytes.
 *
 * Index spaces. Each definition adds one entry to one space (`space`, see ComponentDef), so
 * whoever walks `defs` and pushes what it makes gets the indices that later definitions name. The
 * type of entry i of a space is at the same place of the arrays of Component.
 *
 * Types are nodes of one table for the tree (ComponentTypes). A node has an identity, since an
 * import or export of a type makes a new name for it; `canon` is the same number for all nodes of
 * equal types. The first nodes are the primitive types, so a value type is a node, always.
 *
 * Resources have numbers of their own. All resource types that occur in the types of a component
 * are from its range [first_resource, end_resource): its definitions, its imports and what
 * instantiations gave out, so a running instance keeps one table for the range. The resources of an
 * imported instance, or of one that was made, are bound by walking the exports of the instance's
 * type (ComponentExtern of sort type whose node is CT_RESOURCE) along those of the real instance.
 *
 * Source: https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
 */
#ifndef WIT_COMPONENT_H
#define WIT_COMPONENT_H

#include "wasm/module.h"

/* Gated parts of the component model as a bit set. */
typedef u32 ComponentFeatures;
enum ComponentFeatureBit {
#define COMPONENT_FEATURE(id, name, on, text) COMPONENT_FEATURE_BIT_##id,
#include "wit/component_features.def"
#undef COMPONENT_FEATURE
    COMPONENT_FEATURE_COUNT
};
#define COMPONENT_FEATURE_MASK(id) ((ComponentFeatures)1 << COMPONENT_FEATURE_BIT_##id)
ComponentFeatures component_features_default(void);
const char *component_feature_name(enum ComponentFeatureBit bit); /* the -W key */

/* ---- names of imports and exports ---- */

typedef enum ExternNameKind {
    NAME_LABEL,       /* label */
    NAME_CONSTRUCTOR, /* [constructor]label */
    NAME_METHOD,      /* [method]label.member */
    NAME_STATIC,      /* [static]label.member */
    NAME_INTERFACE,   /* ns:pkg/interface@version */
} ExternNameKind;

typedef struct SemVer {
    u64 major, minor, patch;
    Str pre, build; /* without the '-' and '+' */
} SemVer;

typedef struct ExternName {
    u8 kind; /* ExternNameKind */
    bool has_version;
    bool canonical_version; /* the version is cut short: "1", "0.2" */
    Str text;               /* all of it, as written */
    Str label;              /* plain names: the label or the resource */
    Str member;             /* methods and static functions */
    Str ns, package;        /* interfaces: before and behind the ':' */
    Str interface;          /* behind the first '/' */
    Str version;            /* text behind the '@' */
    SemVer semver;          /* of a whole or cut version; what was cut is 0 */
    bool has_implements, has_version_suffix, has_external_id;
    Str implements, version_suffix, external_id; /* attributes */
} ExternName;

/* The name's parts; false with *diag set (at `offset`) if it is not in the grammar. */
bool extern_name_parse(Str text, u64 offset, ExternName *ret_name, Diag *diag);
/*
 * What a name is compatible by: an interface's name with its version cut to the part that must be
 * equal ("a:b/c@1" for 1.2.3, "@0.2" for 0.2.1), any other name as it is. Appends.
 */
void extern_name_track(Str name, Buf *out);
bool label_is_kebab(Str s);
/* major[.minor[.patch]] with pre-release and build; `whole`: all three are needed. */
bool semver_parse(Str s, bool whole, SemVer *ret);

/* ---- types ---- */

typedef enum CTypeKind {
    /* The primitive types; their nodes have these numbers, too. */
    CT_BOOL,
    CT_S8,
    CT_U8,
    CT_S16,
    CT_U16,
    CT_S32,
    CT_U32,
    CT_S64,
    CT_U64,
    CT_F32,
    CT_F64,
    CT_CHAR,
    CT_STRING,
    CT_ERROR_CONTEXT,
    /* Constructed value types; what `fields` holds is said here. */
    CT_RECORD,     /* name and type */
    CT_VARIANT,    /* name and type or CTYPE_NONE */
    CT_LIST,       /* the element */
    CT_FIXED_LIST, /* the element; `length` of them */
    CT_MAP,        /* key and value */
    CT_TUPLE,      /* types */
    CT_FLAGS,      /* names */
    CT_ENUM,       /* names */
    CT_OPTION,     /* none (CTYPE_NONE), some */
    CT_RESULT,     /* ok, error; each a type or CTYPE_NONE */
    CT_OWN,        /* nothing; resource, handle */
    CT_BORROW,     /* nothing; resource, handle */
    CT_STREAM,     /* the element or CTYPE_NONE */
    CT_FUTURE,     /* the element or CTYPE_NONE */
    /* Not value types. */
    CT_RESOURCE,  /* resource */
    CT_FUNC,      /* fields: name and type of the parameters; result */
    CT_INSTANCE,  /* exports */
    CT_COMPONENT, /* imports and exports */
    CT_KIND_COUNT
} CTypeKind;

typedef u32 CTypeId; /* a node of ComponentTypes */
#define CTYPE_NONE UINT32_MAX
enum { CT_PRIMITIVES = CT_RECORD, CT_VALUES = CT_RESOURCE }; /* kinds below these */

typedef struct CField {
    Str name;
    CTypeId type;
    u32 offset[2]; /* in memory of a record or tuple; [1] with 64-bit addresses */
} CField;

/* The canonical ABI of a value type, for 32-bit and 64-bit addresses. */
typedef struct CLayout {
    u32 size, align;
    /* Core types when it is passed flat (ValType, of VT_I32 to VT_F64); more than MAX_FLAT: nflat
     * is MAX_FLAT + 1 and flat is NULL. */
    u32 nflat;
    const u8 *flat;
} CLayout;
enum { MAX_FLAT_PARAMS = 16, MAX_FLAT_RESULTS = 1, MAX_FLAT_ASYNC_PARAMS = 4, MAX_FLAT = 16 };

struct ComponentExtern;

typedef struct CType {
    u8 kind; /* CTypeKind */
    bool has_borrow;
    bool has_pointers;  /* strings, lists or maps inside: reading it needs a memory, making it needs
                           realloc, too */
    bool is_async;      /* CT_FUNC */
    u8 tag_size;        /* variants, enums, options, results: bytes of the discriminant */
    u32 canon;          /* equal types have equal numbers */
    u32 weight;         /* nodes when written out as a tree, bounded */
    u32 depth;          /* of the nesting of types, bounded */
    u32 least_resource; /* lowest number of a resource type from outside, UINT32_MAX: none */
    u32 n;              /* fields */
    CField *fields;
    CLayout layout[2];      /* value types */
    u32 payload_offset[2];  /* variants, options, results */
    u32 length;             /* CT_FIXED_LIST */
    u32 resource;           /* CT_RESOURCE, CT_OWN, CT_BORROW: its number */
    CTypeId handle;         /* CT_OWN, CT_BORROW: the node that was named */
    CTypeId origin;         /* of a name with (eq type): the node that it names; or CTYPE_NONE */
    CTypeId result;         /* CT_FUNC: type or CTYPE_NONE */
    u32 nimports, nexports; /* CT_COMPONENT, CT_INSTANCE */
    struct ComponentExtern *imports, *exports;
    Map *export_map; /* name -> index into exports; NULL for few */
    /* CT_COMPONENT: resources that imports bring in, and those made new by each instantiation.
     * CT_INSTANCE: defined are those that each import or export of the type makes new. */
    u32 nimported_resources, ndefined_resources;
    u32 *imported_resources, *defined_resources;
} CType;

typedef struct CResource {
    bool defined; /* by a component; otherwise imported or given out by an instance */
    bool is64;    /* representation */
    bool has_dtor;
    u32 dtor; /* core function index in the component that defines it */
} CResource;

/* Core function and other types as in a module's import or export. */
typedef struct CoreExtern {
    u8 kind; /* ExternKind */
    union {
        u32 func; /* canonical id in the TypeRegistry; of a tag, too */
        TableType table;
        MemoryType memory;
        GlobalType global;
    };
} CoreExtern;

typedef struct CoreNamed {
    Str module, name; /* module: imports only */
    CoreExtern type;
} CoreNamed;

/* The type of a module, or of a core instance (no imports). */
typedef struct CoreModuleType {
    u32 nimports, nexports;
    CoreNamed *imports, *exports;
    Map export_map; /* name -> index into exports */
    Map import_map; /* "module\0name" -> index into imports */
} CoreModuleType;

/* The sorts of definitions; each has an index space in a component. */
typedef enum Sort {
    SORT_FUNC,
    SORT_VALUE,
    SORT_TYPE,
    SORT_COMPONENT,
    SORT_INSTANCE,
    SORT_CORE_FUNC,
    SORT_CORE_TABLE,
    SORT_CORE_MEMORY,
    SORT_CORE_GLOBAL,
    SORT_CORE_TAG,
    SORT_CORE_TYPE,
    SORT_CORE_MODULE,
    SORT_CORE_INSTANCE,
    SORT_COUNT,
    SORT_NONE = SORT_COUNT
} Sort;
const char *sort_name(Sort s); /* "func", "core module" */

/* An import or an export by its type: of a component, a component type or an instance. */
typedef struct ComponentExtern {
    ExternName name;
    u8 sort;      /* SORT_FUNC, _VALUE, _TYPE, _COMPONENT, _INSTANCE or _CORE_MODULE */
    bool is_sub;  /* SORT_TYPE: (sub resource), otherwise (eq type) */
    CTypeId type; /* of a function, value, component, instance; the type itself of SORT_TYPE */
    const CoreModuleType *module; /* SORT_CORE_MODULE */
} ComponentExtern;

/* ---- definitions ---- */

typedef struct SortIndex {
    u8 sort; /* Sort */
    u32 index;
} SortIndex;

/* name = index: an argument of an instantiation, or an export of an instance made of parts. */
typedef struct ComponentArg {
    Str name;
    ExternName *extern_name; /* exports of component instances */
    SortIndex item;
} ComponentArg;

typedef enum DefKind {
    DEF_CORE_MODULE,
    DEF_CORE_INSTANTIATE, /* target: core module */
    DEF_CORE_EXPORTS,     /* a core instance of parts */
    DEF_CORE_TYPE,
    DEF_COMPONENT,
    DEF_INSTANTIATE, /* target: component */
    DEF_EXPORTS,     /* an instance of parts */
    DEF_ALIAS_EXPORT,
    DEF_ALIAS_CORE_EXPORT,
    DEF_ALIAS_OUTER,
    DEF_TYPE,
    DEF_CANON,
    DEF_IMPORT,
    DEF_EXPORT
} DefKind;

/* The canonical definitions; rows in component_canons.def. */
typedef enum CanonKind {
#define CANON(id, code, text, feature, shape) CANON_##id,
#include "wit/component_canons.def"
#undef CANON
    CANON_COUNT
} CanonKind;
const char *canon_name(CanonKind k); /* "resource.drop" */

typedef enum StringEncoding { STRING_UTF8, STRING_UTF16, STRING_LATIN1_UTF16 } StringEncoding;

typedef struct CanonOptions {
    u8 encoding; /* StringEncoding */
    bool has_encoding, has_memory, has_realloc, has_post_return, has_callback;
    bool async;
    bool memory64; /* the memory's addresses */
    u32 memory;    /* core indices */
    u32 realloc, post_return, callback;
} CanonOptions;

typedef struct Canon {
    u8 kind;          /* CanonKind */
    bool async;       /* subtask.cancel, *.cancel-read, *.cancel-write */
    bool cancellable; /* waitable-set.wait, .poll, thread.* */
    bool has_result;  /* task.return */
    u32 func;         /* lift: core function; lower: function */
    /* lift: function type; resource.*: resource type; stream.*, future.*: the type; task.return:
     * the result's type or CTYPE_NONE. The node, no index. */
    CTypeId type;
    u32 core_type;     /* canonical id of the core function that this makes, or that is lifted */
    u32 spawn_type;    /* thread.*: canonical id of the function type that starts */
    u32 table, memory; /* core indices; memory: waitable-set.wait and .poll */
    u32 slot;          /* context.get, .set */
    CanonOptions options;
} Canon;

typedef struct Component Component;

typedef struct ComponentDef {
    u8 kind;     /* DefKind */
    u8 space;    /* Sort: the index space that gets an entry */
    u32 index;   /* of that entry; of the last one for a recursive group of core types */
    Range bytes; /* the definition as it stands in the binary, without the section's head */
    union {
        struct { /* instantiations and instances of parts */
            u32 target, nargs;
            ComponentArg *args;
        };
        struct {
            SortIndex item; /* outer aliases: in the space of the component `depth` outwards */
            u32 instance;   /* export aliases: (core) instance index */
            u32 depth;
            Str name;
        } alias;
        Component *component;         /* DEF_COMPONENT */
        const CoreModuleType *module; /* DEF_CORE_MODULE */
        struct {                      /* imports and exports */
            ComponentExtern *ext;     /* with its type: of an export the one that others see */
            /* exports: what is exported; with (sub resource) for its type it gets a number of its
             * own, which stands for the resource of `item` */
            SortIndex item;
        } port;
        Canon canon;
    };
} ComponentDef;

/* A module inside a component. */
typedef struct ComponentModule {
    Range bytes;                /* size 0: imported, or an alias */
    WasmModule *module;         /* own; validated, bytes borrowed from the component */
    const CoreModuleType *type; /* never NULL */
} ComponentModule;

typedef struct ComponentTypes {
    u32 n;
    CType **p; /* a node never moves */
    u32 nresources;
    CResource *resources;
} ComponentTypes;

struct Component {
    Component *parent; /* NULL: the outermost */
    Arena *arena;      /* of the outermost */
    TypeRegistry *registry;
    const ComponentTypes *types;
    const u8 *bytes; /* of the outermost, too: all ranges and offsets are within these */
    Range range;     /* of this component, preamble included */

    u32 ndefs;
    ComponentDef *defs;
    u32 ncustoms;
    CustomSection *customs;

    /* The index spaces: how many entries, and their types. */
    u32 counts[SORT_COUNT];
    CTypeId *funcs, *values, *ctypes, *instances; /* ctypes: the type index space */
    CTypeId *component_types;
    Component **components; /* NULL: imported, or an alias of an import */
    u32 *core_funcs;        /* canonical ids */
    TableType *core_tables;
    MemoryType *core_memories;
    GlobalType *core_globals;
    u32 *core_tags;
    ComponentModule *core_modules;
    const CoreModuleType **core_instances;

    CTypeId type; /* of the component: imports and exports */
    u32 first_resource, end_resource;
};

/* A node; a value type is one, always. */
static inline const CType *ctype_get(const ComponentTypes *t, CTypeId id)
{
    return t->p[id];
}
static inline bool ctype_equal(const ComponentTypes *t, CTypeId a, CTypeId b)
{
    return a == b || (a != CTYPE_NONE && b != CTYPE_NONE && t->p[a]->canon == t->p[b]->canon);
}
const ComponentExtern *ctype_find_export(const CType *t, Str name);
const CoreNamed *core_find_export(const CoreModuleType *t, Str name);
/* "record", "u32", for messages. */
const char *ctype_kind_name(CTypeKind k);

/* The core signature of a function type under the canonical ABI. */
typedef struct FlatSig {
    u32 nparams, nresults;
    u8 params[MAX_FLAT_PARAMS + 1], results[MAX_FLAT_RESULTS]; /* ValType of VT_I32 to VT_F64 */
    bool params_spilled;  /* one pointer to a tuple of the parameters */
    bool results_spilled; /* lift: returns a pointer; lower: the last parameter is one */
} FlatSig;
typedef enum FlatContext { FLAT_LIFT, FLAT_LOWER } FlatContext;
void ctype_flatten(const ComponentTypes *t, const CType *func, FlatContext context,
                   const CanonOptions *o, FlatSig *ret_sig);

typedef struct ComponentOptions {
    FeatureSet features; /* of the modules inside */
    ComponentFeatures component_features;
    bool skip_bodies; /* as in DecodeOptions */
    bool borrow;      /* no copy of the bytes is made: they outlive the component, unchanged */
} ComponentOptions;

/* Do the bytes begin as a component's, and not as a module's? */
bool component_is(const u8 *p, usize n);
/* Decodes and validates. NULL with *diag set if the bytes are not a valid component. */
Component *component_decode(TypeRegistry *r, const ComponentOptions *o, const u8 *p, usize n,
                            Diag *diag);
void component_free(Component *c); /* the outermost one */
/*
 * Module number `i` inside the tree, in the order of their definitions; now the caller's, who frees
 * it before the component, whose bytes it uses.
 */
WasmModule *component_take_module(Component *c, u32 i);
/* Appends the component as bytes; decoding them gives an equivalent component. Custom sections come
 * last. */
void component_encode(const Component *c, Buf *out);
/* Payload of the first custom section of that name. */
bool component_custom(const Component *c, Str name, Str *ret_payload);

#endif
