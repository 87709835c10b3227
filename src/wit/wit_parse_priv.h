/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the parts of the parser share. Sticky: after an error all tokens are the end. */
#ifndef WIT_WIT_PARSE_PRIV_H
#define WIT_WIT_PARSE_PRIV_H

#include "wit/wit_ast.h"
#include "wit/wit_lex_priv.h"

typedef struct WitParser {
    WitLexer lex;
    Ast *ast;
    u32 nesting; /* of the type that is being read */
    bool wac;    /* WAC's rules where they are others */
} WitParser;

/* Documentation, gates and so on in front of an item. */
typedef struct WitHead {
    Str docs, external_id;
    WitGate gate;
    u32 at;
} WitHead;

/* Moves a list from the heap to the arena. */
#define PARSER_KEEP(p, vec, ret_array, ret_count)                                                  \
    do {                                                                                           \
        *(ret_count) = (vec)->n;                                                                   \
        *(ret_array) =                                                                             \
            (vec)->n ? arena_dup((p)->ast->arena, (vec)->p, (vec)->n * sizeof *(vec)->p) : NULL;   \
        vec_release(vec);                                                                          \
    } while (0)
/* Appends unless the list is full, which is an error. */
#define PARSER_PUSH(p, vec, value)                                                                 \
    do {                                                                                           \
        if (parser_room((p), (vec)->n))                                                            \
            vec_push(vec, value);                                                                  \
    } while (0)

bool parser_room(WitParser *p, u32 n);
u32 parser_place(const WitParser *p); /* of the token */
bool parser_ok(const WitParser *p);
/* "expected WHAT, found ..." at the token. */
void parser_expected(WitParser *p, const char *what);
bool parser_is_word(const WitParser *p, const char *word);
bool parser_is_punct(const WitParser *p, char c);
bool parser_take_word(WitParser *p, const char *word);
bool parser_take_punct(WitParser *p, char c);
void parser_expect_punct(WitParser *p, char c);
AstId parser_id(WitParser *p);
WitHead parser_head(WitParser *p);
/* `name` or `ns:pkg/name@version`; with a version only where the path is a full one. */
AstPath parser_path(WitParser *p);
/* As above, behind `first`, which was read already. */
AstPath parser_path_from(WitParser *p, AstId first);

WitVersion parser_version(WitParser *p);
/* An interface or a world, if the token begins one; its scope is the caller's to set. */
bool parser_top(WitParser *p, const WitHead *h, AstTop *ret_top);
/* `{ ... }` of an interface. */
AstBody parser_interface_body(WitParser *p);
AstType *parser_type(WitParser *p);
/* `func(...) -> ...`, with `async` in front perhaps. */
void parser_func_type(WitParser *p, AstFunc *f);
bool parser_at_func(const WitParser *p);
void parser_params(WitParser *p, AstFunc *f);
/* A named type, if the token begins one. */
bool parser_typedef(WitParser *p, AstTypedef *ret_type);

#endif
