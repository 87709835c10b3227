/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * WAC, the language of compositions, as written: WIT's declarations, and statements that import,
 * instantiate and export. What it means is told in compose/.
 *
 * Source: https://github.com/bytecodealliance/wac/blob/main/LANGUAGE.md
 */
#ifndef WIT_WAC_H
#define WIT_WAC_H

#include "wit/wit_ast.h"

enum { WAC_MAX_NESTING = 100 }; /* expressions in one another, accesses of one expression */

/* "a:b:c@1.0.0" */
typedef struct WacPackage {
    Str name; /* without the version */
    WitVersion version;
    u32 at;
} WacPackage;

/* "a:b/c@1.0.0" */
typedef struct WacPath {
    WacPackage package;
    AstId name;
    Str full; /* as it stands in a component */
} WacPath;

typedef struct WacExpr WacExpr;

typedef enum WacArgKind {
    WAC_ARG_INFERRED, /* name */
    WAC_ARG_NAMED,    /* name: value, "name": value */
    WAC_ARG_SPREAD,   /* ...name */
} WacArgKind;

typedef struct WacArg {
    WacArgKind kind;
    AstId name;
    bool is_string;
    WacExpr *value;
} WacArg;

typedef enum WacExprKind { WAC_NAME, WAC_NEW, WAC_ACCESS } WacExprKind;
struct WacExpr {
    WacExprKind kind;
    u32 at;
    AstId name; /* WAC_NAME; of the export of WAC_ACCESS */
    bool is_string;
    WacExpr *base;      /* WAC_ACCESS */
    WacPackage package; /* WAC_NEW */
    WacArg *args;
    u32 nargs;
    bool fill; /* `...` at the end */
};

typedef enum WacStatementKind {
    WAC_IMPORT,
    WAC_LET,
    WAC_EXPORT,
    WAC_TOP, /* interface, world */
    WAC_TYPE
} WacStatementKind;
typedef enum WacImportKind {
    WAC_IMPORT_PATH,
    WAC_IMPORT_FUNC,
    WAC_IMPORT_INTERFACE,
    WAC_IMPORT_ID
} WacImportKind;

typedef struct WacStatement {
    WacStatementKind kind;
    u32 at;
    AstId id; /* WAC_IMPORT, WAC_LET */
    bool has_as;
    AstId as; /* WAC_IMPORT, WAC_EXPORT */
    WacImportKind import;
    WacPath path;
    AstFunc func;
    AstBody body;
    AstId type_id; /* WAC_IMPORT_ID */
    WacExpr *expr; /* WAC_LET, WAC_EXPORT */
    bool spread;   /* WAC_EXPORT */
    AstTop top;
    AstTypedef type;
} WacStatement;

typedef struct WacDocument {
    WacPackage package;
    bool has_target;
    WacPath target;
    WacStatement *statements;
    u32 nstatements;
} WacDocument;

/* Everything lives in the arena; names point into the text. False with *diag set on an error. */
bool wac_parse(Str text, Arena *arena, WacDocument *ret_document, Diag *diag);

#endif
