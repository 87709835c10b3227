/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The state of the component parser, shared by its files: ctext.c (scopes, names, sections, whole
 * components), ctext_type.c (types), ctext_core.c (core types), ctext_def.c (definitions),
 * ctext_canon.c (canonical definitions).
 *
 * Definitions name what stands before them, so each is translated where it stands. What is written
 * inside a definition but is one of its own comes before it: types and instances that are written
 * where an index could stand, and aliases for `$i "name"` and for names of enclosing components.
 * All of the former come before all of the latter. So a definition is walked twice: the first walk
 * (`dry`) makes the definitions that are written inside and leaves its bytes to be thrown away, the
 * second finds their indices in the same order, and makes the aliases.
 *
 * Nesting in the text is nesting of calls here, to a depth of CTEXT_MAX_DEPTH.
 */
#ifndef WIT_TEXT_CTEXT_PRIV_H
#define WIT_TEXT_CTEXT_PRIV_H

#include "wasm/text/parser.h"
#include "wit/component.h"

enum { CTEXT_MAX_DEPTH = 100 };

/* The kinds of definitions that are gathered in sections. */
typedef enum CTextField {
    FIELD_CORE_INSTANCE,
    FIELD_CORE_TYPE,
    FIELD_INSTANCE,
    FIELD_ALIAS,
    FIELD_TYPE,
    FIELD_CANON,
    FIELD_IMPORT,
    FIELD_EXPORT,
    FIELD_COUNT
} CTextField;

typedef enum ScopeKind { SCOPE_COMPONENT, SCOPE_TYPE, SCOPE_MODULE_TYPE } ScopeKind;

/* (export "name") inside a definition: an export behind all definitions. */
typedef struct LateExport {
    u32 token; /* of its parenthesis */
    u8 sort;   /* Sort */
    u32 index;
} LateExport;

/* A component, or a component, instance or module type. */
typedef struct Scope {
    struct Scope *outer;
    u8 kind; /* ScopeKind */
    Str id;
    u32 counts[SORT_COUNT];
    Map ids[SORT_COUNT];       /* identifier -> index */
    NameVec names[SORT_COUNT]; /* components: for the name section */
    VEC(LateExport) exports;
    u8 section; /* that `entries` are for, 0 for none */
    u32 nentries;
    Out entries;
    u32 ndecls; /* types */
    Out out;
} Scope;

/* A definition that was written inside of another. */
typedef struct Made {
    u32 index;
    u32 end; /* the token behind it */
} Made;

typedef struct CText {
    Parser p;
    Scope *scope;
    u32 depth;
    bool dry;
    VEC(Made) made; /* of the open definitions, the innermost last */
    u32 next_made;
} CText;

/* A definition at work. */
typedef struct CDef {
    u8 field;         /* CTextField */
    u8 sort;          /* Sort: the index space that gets an entry */
    Str id, name;     /* name: by an annotation, or the same */
    u32 id_token;     /* of id, or where it could stand */
    u32 first_export; /* token of the first inline export */
    u32 nexports;
    Out out;
} CDef;
typedef void (*CBody)(CText *c, CDef *d);

/* ---- ctext.c ---- */
static inline bool ctext_more(const CText *c)
{
    return parse_ok(&c->p) && !at_kind(&c->p, TOKEN_RPAREN) && !at_kind(&c->p, TOKEN_EOF);
}
const char *ctext_sort_name(Sort s); /* "core func" */
bool ctext_is_core(Sort s);
/* The sort by its keyword(s), which are stepped over. */
Sort ctext_take_sort(CText *c);
/* The same for the sorts of core definitions, without `core`. */
Sort ctext_take_core_sort(CText *c);
void ctext_emit_sort(Buf *b, Sort s);
bool ctext_enter(CText *c); /* one level deeper; false with the error set if that is too deep */
void ctext_leave(CText *c);
void ctext_push_scope(CText *c, Scope *s, ScopeKind kind, Str id);
void ctext_pop_scope(CText *c, Scope *s);
/* $id and its annotation. */
void ctext_id(CText *c, CDef *d);
u32 ctext_bind(CText *c, Sort s, const CDef *d);
/* Appends the definition to the scope. */
void ctext_commit(CText *c, CTextField field, u32 text, const Out *o);
/* Both walks over a definition; its index. */
u32 ctext_define(CText *c, CDef *d, CBody body);
/* The index of a definition that is written here, inside of another. */
u32 ctext_made(CText *c, CTextField field, Sort sort, CBody body);
u32 ctext_index(CText *c, Sort s);      /* a number or $id */
u32 ctext_item(CText *c, Sort s);       /* an index, or `$i "name"`: of an export of an instance */
u32 ctext_paren_item(CText *c, Sort s); /* (sort item) */
u32 ctext_index_or_item(CText *c, Sort s); /* an index or (sort item) */
/* Depth and index of `alias outer`, of which the two tokens are given. */
void ctext_outer(CText *c, Sort s, u32 token, u32 *ret_depth, u32 *ret_index);
void ctext_component(CText *c, u32 end, Str id, Out *out);
void ctext_section(CText *c, u8 id, const Out *content);

/* ---- ctext_type.c ---- */
void ctext_extern_name(CText *c, Buf *b);
/* (sort $id? type) of an import or export; the identifier goes to `d` unless that is NULL. */
Sort ctext_extern_type(CText *c, CDef *d, Buf *b);
u32 ctext_func_use(CText *c);
u32 ctext_type_use(CText *c, Sort what); /* SORT_CORE_MODULE, _COMPONENT or _INSTANCE */
void ctext_result(CText *c, Buf *b);     /* (result t)? */
void ctext_type(CText *c, CDef *d);      /* the body of (type ...) */
void ctext_import(CText *c, CDef *d);    /* the body of (import ...) */
/* At (import "name") or (export "name") behind an identifier? */
bool ctext_at_inline(const CText *c, Str word);
void ctext_inline_exports(CText *c, CDef *d); /* (export "name")* */

/* ---- ctext_core.c ---- */
void ctext_core_type(CText *c); /* (core type ...) */
void ctext_core_rec(CText *c);  /* (core rec ...) */
void ctext_module_type(CText *c, CDef *d);

/* ---- ctext_def.c ---- */
void ctext_field(CText *c);
void ctext_decl(CText *c, bool is_component);
void ctext_late_exports(CText *c);

/* ---- ctext_canon.c ---- */
/* What follows the keyword; the shapes of the table. */
typedef enum CanonImmediates {
    AFTER_LIFT,
    AFTER_LOWER,
    AFTER_TASK_RETURN,
    AFTER_CONTEXT,
    AFTER_NONE,
    AFTER_TYPE,
    AFTER_TRANSFER,
    AFTER_CANCEL,
    AFTER_ASYNC,
    AFTER_CANCELLABLE,
    AFTER_WAIT,
    AFTER_OPTIONS,
    AFTER_INDIRECT
} CanonImmediates;
CanonImmediates ctext_canon_immediates(CanonKind k);
void ctext_lift(CText *c, Buf *b, u32 type); /* behind `canon`; `type` comes last */
void ctext_canon_core(CText *c, Buf *b);     /* one that makes a core function */

#endif
