/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * WIT as written: what the parser makes and the resolver reads. Everything lives in the arena of
 * the model to be; names point into the texts there. A place (`at`) counts through all files.
 */
#ifndef WIT_WIT_AST_H
#define WIT_WIT_AST_H

#include "base/diag.h"
#include "base/vec.h"
#include "wit/wit.h"

typedef struct AstId {
    Str name; /* without % */
    u32 at;
} AstId;

/* `name` or `ns:pkg/name@version`; a package alone has no name. */
typedef struct AstPath {
    Str ns, pkg; /* ns.n == 0: only a name */
    AstId name;
    WitVersion version;
    u32 at;
} AstPath;

typedef struct AstType AstType;
struct AstType {
    WitKind kind; /* WIT_ALIAS: a name; OWN, BORROW: of a name */
    AstId name;
    AstType *elem, *second; /* as in WitType; NULL if absent */
    AstType **elems;        /* of a tuple */
    u32 nelems, length, at;
};

typedef struct AstField {
    AstId name;
    AstType *type; /* NULL: none */
    Str docs;
} AstField;

typedef struct AstFunc {
    WitFuncKind kind;
    bool is_async;
    AstId name;
    AstId type; /* WAC: a function type by name, in place of what follows */
    AstField *params;
    u32 nparams;
    AstType *result;
    Str docs, external_id;
    WitGate gate;
} AstFunc;

/* A named type: alias, record, variant, enum, flags or resource. */
typedef struct AstTypedef {
    WitKind kind;
    AstId name;
    AstType *target;  /* of an alias; NULL: WAC's alias of a function type, funcs[0] */
    AstField *fields; /* of records, variants, enums and flags */
    u32 nfields;
    AstFunc *funcs; /* of a resource */
    u32 nfuncs;
} AstTypedef;

typedef struct AstRename {
    AstId from, to; /* to is from if there is no `as` */
} AstRename;

typedef struct AstUse {
    AstPath from;
    AstRename *names;
    u32 nnames;
} AstUse;

typedef struct AstItem AstItem;
typedef struct AstBody {
    AstItem *items;
    u32 nitems;
} AstBody;

typedef enum AstExternKind { AST_EXTERN_PATH, AST_EXTERN_FUNC, AST_EXTERN_INLINE } AstExternKind;
typedef struct AstExtern {
    bool is_export;
    AstExternKind kind;
    AstId name; /* name.n == 0: under the interface's own name */
    AstPath path;
    AstFunc func;
    AstBody body;
} AstExtern;

typedef enum AstItemKind {
    AST_TYPEDEF,
    AST_FUNC,
    AST_USE,
    AST_INCLUDE, /* `use` holds the world and the renames */
    AST_EXTERN
} AstItemKind;

struct AstItem {
    AstItemKind kind;
    Str docs, external_id;
    WitGate gate;
    u32 at;
    union {
        AstTypedef type;
        AstFunc func;
        AstUse use;
        AstExtern ext;
    };
};

/* An interface or a world of a package. */
typedef struct AstTop {
    bool is_world;
    AstId name;
    AstBody body;
    Str docs;
    WitGate gate;
    u32 scope; /* index of its AstScope */
} AstTop;

typedef struct AstPackageName {
    AstPath path; /* without a name */
    Str docs;
} AstPackageName;

/* One file, or one nested package: where names given by top-level `use` are known. */
typedef struct AstScope {
    bool has_package, nested;
    AstPackageName package;
    AstRename *renames; /* `use PATH as NAME`: `to`; paths[i] is what it stands for */
    AstPath *paths;
    u32 nrenames;
    u32 group, source;
} AstScope;

typedef struct Ast {
    Arena *arena;
    VEC(AstScope) scopes;
    VEC(AstTop) tops; /* in the order of scopes */
} Ast;

/* Appends what the file holds; `start` is the place of its first byte. */
void wit_parse(Ast *ast, Str text, u32 start, u32 source, u32 group, Diag *diag);

#endif
