/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* WIT parser: types, functions and definitions of types. */
#include "wit/wit_parse_priv.h"

static AstType *type_new(WitParser *p, WitKind kind, u32 at)
{
    AstType *t = arena_new(p->ast->arena, AstType);
    t->kind = kind;
    t->at = at;
    return t;
}

static void parse_tuple(WitParser *p, AstType *t)
{
    VEC(AstType *) elems = {0};
    parser_expect_punct(p, '<');
    while (parser_ok(p) && !parser_is_punct(p, '>')) {
        PARSER_PUSH(p, &elems, parser_type(p));
        if (!parser_take_punct(p, ','))
            break;
    }
    parser_expect_punct(p, '>');
    PARSER_KEEP(p, &elems, &t->elems, &t->nelems);
}

/* The length of `list<T, N>`: from 1 on. */
static u32 parse_length(WitParser *p)
{
    Str s = wit_lex_text(&p->lex);
    u64 v = 0;
    for (usize i = 0; i < s.n && v <= UINT32_MAX; i++)
        v = v * 10 + (u64)(s.p[i] - '0');
    if (p->lex.token.kind != WIT_TOKEN_INT) {
        parser_expected(p, "a length");
        return 0;
    }
    if (v == 0 || v > WIT_LIMIT_TYPE_SIZE || s.p[0] == '0') {
        wit_lex_error(&p->lex, p->lex.token.at, "a list has a length from 1 to %u",
                      (u32)WIT_LIMIT_TYPE_SIZE);
        return 0;
    }
    wit_lex_next(&p->lex);
    return (u32)v;
}

static void parse_list(WitParser *p, AstType *t)
{
    parser_expect_punct(p, '<');
    t->elem = parser_type(p);
    if (parser_take_punct(p, ',')) {
        t->kind = WIT_FIXED_LIST;
        t->length = parse_length(p);
    }
    parser_expect_punct(p, '>');
}

static void parse_map(WitParser *p, AstType *t)
{
    parser_expect_punct(p, '<');
    t->elem = parser_type(p);
    if (parser_ok(p) && (t->elem->kind >= WIT_ERROR_CONTEXT || t->elem->kind == WIT_F32 ||
                         t->elem->kind == WIT_F64))
        diag_set(p->lex.diag, DIAG_INVALID, t->elem->at,
                 "keys of a map are integers, char, bool or string");
    parser_expect_punct(p, ',');
    t->second = parser_type(p);
    parser_expect_punct(p, '>');
}

static void parse_result(WitParser *p, AstType *t)
{
    if (!parser_take_punct(p, '<'))
        return;
    if (parser_take_punct(p, '_')) {
        parser_expect_punct(p, ',');
        t->second = parser_type(p);
    } else {
        t->elem = parser_type(p);
        if (parser_take_punct(p, ','))
            t->second = parser_type(p);
    }
    parser_expect_punct(p, '>');
}

static void parse_one(WitParser *p, AstType *t)
{
    parser_expect_punct(p, '<');
    t->elem = parser_type(p);
    parser_expect_punct(p, '>');
}

static void parse_one_or_none(WitParser *p, AstType *t)
{
    if (parser_is_punct(p, '<'))
        parse_one(p, t);
}

static void parse_handle(WitParser *p, AstType *t)
{
    parser_expect_punct(p, '<');
    t->name = parser_id(p);
    parser_expect_punct(p, '>');
}

typedef struct TypeWord {
    const char *word;
    WitKind kind;
    void (*parse)(WitParser *p, AstType *t); /* NULL: only the word */
} TypeWord;

static const TypeWord type_words[] = {
#define WIT_PRIMITIVE(id, text) {text, WIT_##id, NULL},
#define WIT_CONSTRUCTOR(id)
#include "wit/wit_kinds.def"
#undef WIT_PRIMITIVE
#undef WIT_CONSTRUCTOR
    {"tuple", WIT_TUPLE, parse_tuple},
    {"list", WIT_LIST, parse_list},
    {"map", WIT_MAP, parse_map},
    {"option", WIT_OPTION, parse_one},
    {"result", WIT_RESULT, parse_result},
    {"own", WIT_OWN, parse_handle},
    {"borrow", WIT_BORROW, parse_handle},
    {"stream", WIT_STREAM, parse_one_or_none},
    {"future", WIT_FUTURE, parse_one_or_none},
};

AstType *parser_type(WitParser *p)
{
    AstType *t = type_new(p, WIT_BOOL, parser_place(p));
    if (p->nesting >= WIT_LIMIT_NESTING) {
        wit_lex_error(&p->lex, p->lex.token.at, "types nest more than %u deep",
                      (u32)WIT_LIMIT_NESTING);
        return t;
    }
    for (u32 i = 0; i < ARRAY_LEN(type_words); i++) {
        if (!parser_take_word(p, type_words[i].word))
            continue;
        t->kind = type_words[i].kind;
        p->nesting++;
        if (type_words[i].parse)
            type_words[i].parse(p, t);
        p->nesting--;
        return t;
    }
    if (p->lex.token.kind != WIT_TOKEN_WORD && p->lex.token.kind != WIT_TOKEN_ID) {
        parser_expected(p, "a type");
        return t;
    }
    t->kind = WIT_ALIAS;
    t->name = parser_id(p);
    return t;
}

void parser_params(WitParser *p, AstFunc *f)
{
    VEC(AstField) params = {0};
    parser_expect_punct(p, '(');
    while (parser_ok(p) && !parser_is_punct(p, ')')) {
        AstField param = {.docs = wit_lex_docs(&p->lex, p->ast->arena)};
        param.name = parser_id(p);
        parser_expect_punct(p, ':');
        param.type = parser_type(p);
        PARSER_PUSH(p, &params, param);
        if (!parser_take_punct(p, ','))
            break;
    }
    parser_expect_punct(p, ')');
    PARSER_KEEP(p, &params, &f->params, &f->nparams);
}

bool parser_at_func(const WitParser *p)
{
    return parser_is_word(p, "func") || parser_is_word(p, "async");
}

void parser_func_type(WitParser *p, AstFunc *f)
{
    f->is_async = parser_take_word(p, "async");
    if (!parser_take_word(p, "func"))
        parser_expected(p, "`func`");
    parser_params(p, f);
    if (p->lex.token.kind == WIT_TOKEN_ARROW) {
        wit_lex_next(&p->lex);
        f->result = parser_type(p);
    }
}

/* The lists of records, variants, enums and flags differ in what follows a name. */
static void parse_fields(WitParser *p, AstTypedef *t)
{
    VEC(AstField) fields = {0};
    parser_expect_punct(p, '{');
    while (parser_ok(p) && !parser_is_punct(p, '}')) {
        AstField f = {.docs = wit_lex_docs(&p->lex, p->ast->arena)};
        f.name = parser_id(p);
        if (t->kind == WIT_RECORD) {
            parser_expect_punct(p, ':');
            f.type = parser_type(p);
        } else if (t->kind == WIT_VARIANT && parser_take_punct(p, '(')) {
            f.type = parser_type(p);
            parser_expect_punct(p, ')');
        }
        PARSER_PUSH(p, &fields, f);
        if (!parser_take_punct(p, ','))
            break;
    }
    parser_expect_punct(p, '}');
    PARSER_KEEP(p, &fields, &t->fields, &t->nfields);
    if (parser_ok(p) && t->nfields == 0)
        diag_set(p->lex.diag, DIAG_INVALID, t->name.at, "`%.*s` is empty: expected at least one %s",
                 STR_ARG(t->name.name),
                 t->kind == WIT_RECORD  ? "field"
                 : t->kind == WIT_FLAGS ? "flag"
                                        : "case");
    if (t->kind == WIT_FLAGS && t->nfields > WIT_LIMIT_FLAGS)
        diag_set(p->lex.diag, DIAG_LIMIT, t->name.at, "flags have %u names at most",
                 (u32)WIT_LIMIT_FLAGS);
}

static AstFunc parse_method(WitParser *p)
{
    WitHead head = parser_head(p);
    AstFunc f = {.docs = head.docs, .gate = head.gate, .external_id = head.external_id};
    if (parser_is_word(p, "constructor")) {
        f.kind = WIT_FUNC_CONSTRUCTOR;
        f.name = (AstId){STR("constructor"), parser_place(p)};
        wit_lex_next(&p->lex);
        parser_params(p, &f);
        if (p->lex.token.kind == WIT_TOKEN_ARROW) {
            wit_lex_next(&p->lex);
            f.result = parser_type(p);
        }
    } else {
        f.name = parser_id(p);
        parser_expect_punct(p, ':');
        f.kind = parser_take_word(p, "static") ? WIT_FUNC_STATIC : WIT_FUNC_METHOD;
        parser_func_type(p, &f);
    }
    parser_expect_punct(p, ';');
    return f;
}

static void parse_resource(WitParser *p, AstTypedef *t)
{
    VEC(AstFunc) funcs = {0};
    if (parser_take_punct(p, ';'))
        return;
    parser_expect_punct(p, '{');
    while (parser_ok(p) && !parser_is_punct(p, '}'))
        PARSER_PUSH(p, &funcs, parse_method(p));
    parser_expect_punct(p, '}');
    PARSER_KEEP(p, &funcs, &t->funcs, &t->nfuncs);
}

static void parse_alias(WitParser *p, AstTypedef *t)
{
    parser_expect_punct(p, '=');
    if (p->wac && parser_at_func(p)) {
        t->funcs = arena_new(p->ast->arena, AstFunc);
        t->nfuncs = 1;
        parser_func_type(p, t->funcs);
    } else {
        t->target = parser_type(p);
    }
    parser_expect_punct(p, ';');
}

typedef struct DefinitionWord {
    const char *word;
    WitKind kind;
    void (*parse)(WitParser *p, AstTypedef *t);
} DefinitionWord;

static const DefinitionWord definition_words[] = {
    {"type", WIT_ALIAS, parse_alias},       {"record", WIT_RECORD, parse_fields},
    {"variant", WIT_VARIANT, parse_fields}, {"enum", WIT_ENUM, parse_fields},
    {"flags", WIT_FLAGS, parse_fields},     {"resource", WIT_RESOURCE, parse_resource},
};

bool parser_typedef(WitParser *p, AstTypedef *ret_type)
{
    for (u32 i = 0; i < ARRAY_LEN(definition_words); i++) {
        if (!parser_take_word(p, definition_words[i].word))
            continue;
        *ret_type = (AstTypedef){.kind = definition_words[i].kind, .name = parser_id(p)};
        definition_words[i].parse(p, ret_type);
        return true;
    }
    return false;
}
