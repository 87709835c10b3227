/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Tokens of the text format. The whole source becomes an array of tokens in one pass, so that the
 * parser can look ahead, skip a parenthesis in one step and walk a module several times.
 *
 * Annotations are not among the tokens: unknown ones are checked and dropped, known ones are kept
 * aside with the token that follows them.
 *
 * Source: https://webassembly.github.io/spec/core/text/lexical.html
 */
#ifndef WASM_TEXT_LEXER_H
#define WASM_TEXT_LEXER_H

#include "base/buf.h"
#include "base/diag.h"
#include "base/vec.h"

typedef enum TokenKind {
    TOKEN_EOF,
    TOKEN_ERROR, /* where the lexer gave up; Lexer.error says why */
    TOKEN_LPAREN,
    TOKEN_RPAREN,
    TOKEN_KEYWORD,
    TOKEN_ID,     /* $name or $"name" */
    TOKEN_STRING, /* with its quotes */
    TOKEN_INT,
    TOKEN_FLOAT,
    TOKEN_RESERVED,
} TokenKind;

typedef struct Token {
    u32 at;  /* bytes from the start of the source */
    u32 len; /* bytes; of TOKEN_LPAREN: the index of the matching parenthesis (or of the end) */
    u8 kind; /* TokenKind */
} Token;

typedef enum AnnotationKind {
    ANNOTATION_CUSTOM,
    ANNOTATION_NAME,
    ANNOTATION_BRANCH_HINT,
    ANNOTATION_KINDS
} AnnotationKind;

typedef struct Annotation {
    u8 kind;    /* AnnotationKind */
    bool used;  /* the parser has taken it */
    u32 at;     /* bytes from the start of the source */
    u32 before; /* index of the token that follows it */
    u32 tokens; /* index in note_tokens of what stands in it; ends with TOKEN_EOF */
} Annotation;

enum {
    LEXER_MAX_SOURCE = 1 << 30, /* bytes */
    LEXER_PADDING = 4           /* TOKEN_EOF at the end of each array, for looking ahead */
};

typedef VEC(Token) TokenVec;

/* Heap; the source is borrowed. */
typedef struct Lexer {
    Str source;
    TokenVec tokens;
    TokenVec note_tokens;
    VEC(Annotation) notes; /* by position */
    Diag error;            /* the first lexical error; the tokens before it are good */
} Lexer;

/* Reads all of it. Unless `any_unicode`, characters that turn the direction of text are refused. */
void lexer_init(Lexer *l, Str source, bool any_unicode);
void lexer_release(Lexer *l);
static inline Str token_text(const Lexer *l, const Token *t)
{
    return (Str){l->source.p + t->at, t->len};
}
/* Printable ASCII but blanks, quotes, commas, semicolons and brackets. */
static inline bool lexer_is_idchar(u8 c)
{
#define CHAR_BIT64(ch) ((u64)1 << ((ch)&63))
    const u64 not_low = CHAR_BIT64('"') | CHAR_BIT64('(') | CHAR_BIT64(')') | CHAR_BIT64(',') |
                        CHAR_BIT64(';') | ((CHAR_BIT64(' ') << 1) - 1);
    const u64 not_high =
        CHAR_BIT64('[') | CHAR_BIT64(']') | CHAR_BIT64('{') | CHAR_BIT64('}') | CHAR_BIT64(0x7f);
    return c < 0x80 && !((c < 64 ? not_low : not_high) & CHAR_BIT64(c));
#undef CHAR_BIT64
}
/* Embeddings, overrides and isolates: what one sees is then not what is there. */
static inline bool lexer_is_confusing(u32 c)
{
    return c == 0x202a || c == 0x202b || c == 0x202d || c == 0x202e ||
           (c >= 0x2066 && c <= 0x2069) || c == 0x206c;
}
/* Appends the bytes that a TOKEN_STRING stands for. */
void token_string(const Lexer *l, const Token *t, Buf *out);
/* Is this name one that the parser knows? For "(@name ...)". */
const char *annotation_name(AnnotationKind k);

#endif
