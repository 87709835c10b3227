/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tokens of WIT, one at a time. Sticky: after an error the lexer stays at its end. */
#ifndef WIT_WIT_LEX_PRIV_H
#define WIT_WIT_LEX_PRIV_H

#include "base/diag.h"
#include "wit/wit.h"

typedef enum WitTokenKind {
    WIT_TOKEN_EOF,
    WIT_TOKEN_WORD, /* identifier or keyword */
    WIT_TOKEN_ID,   /* %identifier */
    WIT_TOKEN_INT,
    WIT_TOKEN_STRING,
    WIT_TOKEN_ARROW,
    WIT_TOKEN_PUNCT, /* one character */
} WitTokenKind;

typedef struct WitToken {
    WitTokenKind kind;
    u32 at, len; /* offset in the text */
    u8 punct;
} WitToken;

typedef struct WitLexer {
    Str text;
    u32 start; /* place of the text's first byte */
    u32 at;    /* behind `token` */
    WitToken token;
    u32 docs_from, docs_to; /* the blanks and comments in front of the token */
    Diag *diag;
} WitLexer;

/* Checks the characters of the whole text and reads the first token. */
void wit_lex_init(WitLexer *l, Str text, u32 start, Diag *diag);
void wit_lex_next(WitLexer *l);
Str wit_lex_text(const WitLexer *l);
/* The documentation comments in front of the token, without their marks. */
Str wit_lex_docs(const WitLexer *l, Arena *arena);
/* A version begins at the token (an integer): takes it whole. */
Str wit_lex_version(WitLexer *l);
/* The bytes that the string token stands for. */
Str wit_lex_string(WitLexer *l, Arena *arena);
void wit_lex_error(WitLexer *l, u32 at, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
