/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The parser's state, shared by its files and by the reader of scripts: parse.c (cursor, names,
 * numbers), parse_types.c (types and type uses), parse_insn.c (instructions), parse_field.c (module
 * fields), parse_names.c (name section and other custom sections), parse_module.c (order of work,
 * assembly).
 *
 * A module is walked three times: names are bound to indices, then types are read, then everything
 * else is translated in the order of the text. No function calls itself on nested input.
 */
#ifndef WASM_TEXT_PARSER_H
#define WASM_TEXT_PARSER_H

#include "base/map.h"
#include "wasm/insn.h"
#include "wasm/text/lexer.h"
#include "wasm/text/text.h"

/* Index spaces that identifiers name. */
typedef enum Space {
    SPACE_TYPE,
    SPACE_FUNC,
    SPACE_TABLE,
    SPACE_MEMORY,
    SPACE_GLOBAL,
    SPACE_TAG,
    SPACE_ELEM,
    SPACE_DATA,
    SPACE_COUNT
} Space;

/* Sections in the order of the binary; the first and the last only place custom sections. */
typedef enum Sec {
    SEC_FIRST,
    SEC_TYPE,
    SEC_IMPORT,
    SEC_FUNC,
    SEC_TABLE,
    SEC_MEMORY,
    SEC_TAG,
    SEC_GLOBAL,
    SEC_EXPORT,
    SEC_START,
    SEC_ELEM,
    SEC_DATA_COUNT,
    SEC_CODE,
    SEC_DATA,
    SEC_LAST,
    SEC_COUNT
} Sec;

/* Bytes with the places that they come from. */
typedef struct Out {
    Buf b;
    VEC(TextMark) marks;
} Out;

typedef struct Section {
    Out out;
    u32 count; /* entries */
} Section;

/*
 * A value, storage or reference type as it is encoded: the low byte is the (first) byte, which for
 * 0x63 (ref null) and 0x64 (ref) a heap type follows in the bits above. Equal types have equal
 * codes.
 */
typedef u64 TypeCode;
/* A heap type: an index, or HEAP_CODE_ABSTRACT with its byte. */
typedef u64 HeapCode;
#define HEAP_CODE_ABSTRACT ((HeapCode)1 << 32)
enum { CODE_REF_NULL = 0x63, CODE_REF = 0x64, CODE_HEAP_SHIFT = 8, CODE_FUNCREF = 0x70 };

typedef struct NameEntry {
    u32 index;
    Str name;
} NameEntry;
typedef VEC(NameEntry) NameVec;

/* A name in a space of its own for each `outer`: locals and labels of a function, fields. */
typedef struct SubName {
    u32 outer, index;
    Str name;
} SubName;
typedef VEC(SubName) SubNameVec;

typedef struct SpaceNames {
    Map map; /* identifier -> index */
    NameVec names;
    u32 count; /* entries bound by the first walk */
    u32 next;  /* entries translated by the last walk */
} SpaceNames;

typedef struct TypeDef {
    bool is_func;
    u32 nsig;       /* words of sig */
    const u64 *sig; /* arena: number of params, params, results */
    Map fields;     /* of a struct: identifier -> index */
} TypeDef;

/* A type use by an index that no type had yet, with what was written besides it. */
typedef struct LateUse {
    u32 type;
    Token token;
    Str sig; /* arena */
} LateUse;

/* A type use; with `binds` of parse_typeuse the params are bound as locals. */
typedef struct TypeUse {
    u32 type;
    bool is_explicit; /* has (type x) */
} TypeUse;

/* An open block, folded instruction or part of one. */
typedef enum FrameKind {
    FRAME_BLOCK,   /* block ... end, loop, try_table */
    FRAME_IF,      /* if ... */
    FRAME_ELSE,    /* if ... else ... */
    FRAME_FOLDED,  /* (op operands */
    FRAME_FBLOCK,  /* (block ... */
    FRAME_FIF,     /* (if condition */
    FRAME_FTHEN,   /* (if condition (then ... */
    FRAME_FTHENED, /* (if condition (then ...) */
    FRAME_FELSE,   /* (if condition (then ...) (else ... */
    FRAME_FDONE,   /* (if condition (then ...) (else ...) */
} FrameKind;

typedef struct Frame {
    u8 kind;     /* FrameKind */
    i8 hint;     /* of an annotation, -1 without one */
    u32 pending; /* start of its bytes in Parser.pending */
    u32 text;    /* where it stands */
    Str id;      /* of the label, {NULL,0} without one */
} Frame;

typedef struct Label {
    Str id;
    u64 shadowed; /* what the map said about id before: depth + 1, or 0 */
} Label;

typedef struct Hint {
    u32 func, offset; /* in bytes from the start of the body */
    u8 value;
} Hint;

/* A custom section; `place` is Sec * 2 + 1 if it comes after that section. */
typedef struct CustomText {
    u32 place;
    Buf bytes; /* with the name */
} CustomText;

typedef struct Parser {
    Lexer *l;
    const Token *tokens; /* where `at` points into: the lexer's, or an annotation's */
    u32 at;
    Diag *diag;
    TextOptions options;
    Arena arena;

    SpaceNames spaces[SPACE_COUNT];
    Str module_name;
    Section sections[SEC_COUNT];
    VEC(TypeDef) types;
    VEC(LateUse) late_uses;
    Map inline_types; /* bytes of a sig -> the first type that is it */
    bool needs_data_count;
    Space defined; /* kind of the first definition, once has_definition */
    bool has_definition, has_tag_definition;

    VEC(u64) sig; /* of the type use at hand: number of params, params, results */
    /* The function at hand. */
    bool in_func;
    u32 func;
    u32 nlocals;
    Map locals;
    VEC(u64) local_types;
    Out body;
    u32 nlabels; /* labels so far, for their names */
    VEC(Label) labels;
    Map label_map; /* identifier -> depth + 1 of the innermost, 0 for none */
    VEC(Frame) frames;
    Buf pending; /* folded instructions, each behind the one that it stands in */

    SubNameVec local_names, label_names, field_names;
    VEC(Hint) hints;
    VEC(CustomText) customs;
} Parser;

/* ---- parse.c ---- */
static inline const Token *peek_at(const Parser *p, u32 ahead)
{
    return &p->tokens[p->at + ahead];
}
static inline const Token *peek(const Parser *p)
{
    return &p->tokens[p->at];
}
static inline bool parse_ok(const Parser *p)
{
    return diag_ok(p->diag);
}
static inline bool at_kind(const Parser *p, TokenKind k)
{
    return peek(p)->kind == k;
}
static inline Str tok_text(const Parser *p, const Token *t)
{
    return token_text(p->l, t);
}
void parser_init(Parser *p, Lexer *l, const TextOptions *o, Diag *diag);
void parser_release(Parser *p);
/* Sets the error, with the offset of a token, and moves to the end of the input. */
void parse_fail(Parser *p, const Token *t, const char *fmt, ...)
    __attribute__((format(printf, 3, 4), cold, noinline));
/* "unexpected token", or what the lexer said about it. */
void parse_unexpected(Parser *p, const char *expected) __attribute__((cold, noinline));
/* The token, which is stepped over (except at the end of the input). */
const Token *parse_next(Parser *p);
bool at_keyword(const Parser *p, Str word);
bool at_paren(const Parser *p, Str word); /* "(" word */
bool take_keyword(Parser *p, Str word);
bool take_paren(Parser *p, Str word);
void expect_paren(Parser *p, Str word);
void expect_lparen(Parser *p);
void expect_rparen(Parser *p);
/* Steps behind the parenthesis that matches the one at hand. */
void skip_paren(Parser *p);
Str parse_string(Parser *p); /* in the arena */
Str parse_name(Parser *p);   /* as above, and UTF-8 */
/* An identifier without `$`, {NULL,0} if there is none. */
Str parse_id(Parser *p);
u32 parse_u32(Parser *p);
u64 parse_u64(Parser *p);
u8 parse_lane(Parser *p);
bool at_index(const Parser *p); /* at a number or an identifier */
u32 parse_index(Parser *p, Space s);
u32 parse_local_index(Parser *p);
u32 parse_label(Parser *p);
u32 parse_field_index(Parser *p, u32 type);
/* Numbers as little-endian bytes. */
void parse_int_bytes(Parser *p, u32 bits, u8 *ret_bytes);
void parse_float_bytes(Parser *p, u32 bits, u8 *ret_bytes);
void parse_v128(Parser *p, u8 ret_bytes[16]); /* shape and lanes */
const char *space_name(Space s);
void out_mark(Out *o, u32 text);
void out_append(Out *to, const Out *from);
void out_reset(Out *o);
void out_release(Out *o);

/* ---- parse_types.c ---- */
bool at_ref_type(const Parser *p);
TypeCode parse_value_type(Parser *p);
TypeCode parse_ref_type(Parser *p);
HeapCode parse_heap_type(Parser *p);
void emit_type(Buf *b, TypeCode t);
void emit_heap_type(Buf *b, HeapCode h);
/* The keyword of a one-byte type or of an abstract heap type, NULL if there is none. */
const char *type_word(u8 code);
const char *heap_word(u8 code);
bool type_nullable(TypeCode t);
HeapCode type_heap(TypeCode t);
void parse_type_field(Parser *p); /* (type ...) or (rec ...), at its parenthesis */
/*
 * (sub final? x* composite) or a composite type. Fields of structures are bound in *d (whose map is
 * to be released). False if it is of the kind that is written with supertypes or as open.
 */
bool parse_sub_type(Parser *p, Buf *b, TypeDef *d);
/* (type x)? (param ...)* (result ...)*; `binds`: ids of params become locals. */
TypeUse parse_typeuse(Parser *p, bool binds);
void check_late_typeuses(Parser *p); /* when all types are known */
void emit_block_type(Parser *p, Buf *b);
void parse_local_decls(Parser *p); /* (local ...)* */

/* ---- parse_insn.c ---- */
/* Instructions up to the parenthesis that closes what they stand in, which is left. */
void parse_instrs(Parser *p, Out *out);
void parse_folded(Parser *p, Out *out); /* one folded instruction */

/* ---- parse_field.c ---- */
void bind_fields(Parser *p, u32 end);              /* the first walk */
void parse_fields(Parser *p, u32 end, bool types); /* second walk: types; third: the others */
/* Which index space the keyword at hand defines something in; SPACE_COUNT for none. */
Space space_at(const Parser *p);
/*
 * The type of an import, behind the identifier, with the byte of its sort before it. Params of
 * functions have names that nobody can use.
 */
void parse_extern_type(Parser *p, Space s, u32 index, Buf *b);

/* ---- parse_names.c ---- */
/* `what` it names is for messages. */
void parse_name_annotation(Parser *p, Str *name, const char *what);
bool take_hint(Parser *p, i8 *ret_hint);
void parse_custom_annotations(Parser *p);
/* The next (@custom ...) before the token at hand, without a placement: appends name and bytes. */
bool take_custom(Parser *p, Buf *out);
void add_name(Parser *p, Space s, u32 index, Str id);
void check_annotations(Parser *p, u32 first, u32 end);
void make_name_section(Parser *p);
void make_hint_section(Parser *p);

/* ---- parse_module.c ---- */
/*
 * Translates the module whose fields are the tokens from `at` up to the token `end` (the closing
 * parenthesis, or the end of the input). Appends to `out` and, rebased, to `map` (may be NULL).
 */
void parse_module_fields(Parser *p, u32 end, Buf *out, TextMap *map);

#endif
