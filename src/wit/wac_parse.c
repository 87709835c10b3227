/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Parser of WAC, on top of WIT's: statements and expressions. */
#include "wit/wac.h"

#include "wit/wit_parse_priv.h"

static AstId take_string(WitParser *p)
{
    AstId s = {.at = parser_place(p)};
    s.name = wit_lex_string(&p->lex, p->ast->arena);
    return s;
}

static bool at_string(const WitParser *p)
{
    return p->lex.token.kind == WIT_TOKEN_STRING;
}

static AstId id_or_string(WitParser *p, bool *ret_string)
{
    *ret_string = at_string(p);
    return *ret_string ? take_string(p) : parser_id(p);
}

/* Of a path or a package: a keyword is as good as any other name. */
static AstId any_word(WitParser *p)
{
    AstId id = {wit_lex_text(&p->lex), parser_place(p)};
    if (p->lex.token.kind != WIT_TOKEN_WORD || !wit_is_label(id.name))
        return parser_id(p);
    wit_lex_next(&p->lex);
    return id;
}

/* The text from `at` to the end of what was read. */
static Str text_since(const WitParser *p, u32 at, u32 end)
{
    return (Str){p->lex.text.p + at, end > at ? end - at : 0};
}

static Str format_full(WitParser *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
static Str format_full(WitParser *p, const char *fmt, ...)
{
    Buf b = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    Str s = {arena_strdup(p->ast->arena, (Str){(const char *)b.p, b.n}), b.n};
    buf_release(&b);
    return s;
}

/* `a:b`, behind its first name; the names in between may be several. */
static WacPackage package_from(WitParser *p, AstId first)
{
    WacPackage k = {.at = first.at, .name = first.name};
    if (!parser_is_punct(p, ':'))
        parser_expected(p, "`:` and the name of the package");
    while (parser_take_punct(p, ':')) {
        AstId next = any_word(p);
        k.name = format_full(p, "%.*s:%.*s", STR_ARG(k.name), STR_ARG(next.name));
        if (k.name.n > 1000)
            wit_lex_error(&p->lex, k.at, "the name of the package is too long");
    }
    return k;
}

static WacPackage parse_package(WitParser *p)
{
    WacPackage k = package_from(p, parser_id(p));
    if (parser_take_punct(p, '@'))
        k.version = parser_version(p);
    return k;
}

static WacPath path_from(WitParser *p, AstId first)
{
    WacPath path = {.package = package_from(p, first)};
    parser_expect_punct(p, '/');
    path.name = any_word(p);
    if (parser_take_punct(p, '@'))
        path.package.version = parser_version(p);
    Str v = path.package.version.text;
    path.full = format_full(p, "%.*s/%.*s%s%.*s", STR_ARG(path.package.name),
                            STR_ARG(path.name.name), v.n ? "@" : "", STR_ARG(v));
    return path;
}

/* ---- expressions ---- */

static WacExpr *parse_expr(WitParser *p);

static bool take_dots(WitParser *p)
{
    if (!parser_is_punct(p, '.'))
        return false;
    u32 at = p->lex.token.at;
    for (u32 i = 0; i < 3; i++) {
        if (!parser_is_punct(p, '.') || p->lex.token.at != at + i) {
            parser_expected(p, "`...`");
            return false;
        }
        wit_lex_next(&p->lex);
    }
    return true;
}

static bool at_dots(const WitParser *p)
{
    u32 at = p->lex.token.at;
    Str rest = text_since(p, at, (u32)p->lex.text.n);
    return str_starts(rest, STR("..."));
}

/* False: it was the `...` that ends the list. */
static bool parse_arg(WitParser *p, WacExpr *e, WacArg *ret_arg)
{
    *ret_arg = (WacArg){0};
    if (take_dots(p)) {
        if (parser_is_punct(p, '}') || parser_is_punct(p, ',')) {
            e->fill = true;
            if (parser_take_punct(p, ',') && !parser_is_punct(p, '}'))
                wit_lex_error(&p->lex, p->lex.token.at,
                              "`...` imports what is left and must be the last argument");
            return false;
        }
        ret_arg->kind = WAC_ARG_SPREAD;
        ret_arg->name = parser_id(p);
        return true;
    }
    ret_arg->name = id_or_string(p, &ret_arg->is_string);
    if (ret_arg->is_string || parser_is_punct(p, ':')) {
        ret_arg->kind = WAC_ARG_NAMED;
        parser_expect_punct(p, ':');
        ret_arg->value = parse_expr(p);
    }
    return true;
}

static WacExpr *new_expr(WitParser *p, WacExprKind kind)
{
    WacExpr *e = arena_new(p->ast->arena, WacExpr);
    e->kind = kind;
    e->at = parser_place(p);
    return e;
}

static WacExpr *parse_new(WitParser *p)
{
    WacExpr *e = new_expr(p, WAC_NEW);
    VEC(WacArg) args = {0};
    wit_lex_next(&p->lex);
    e->package = parse_package(p);
    parser_expect_punct(p, '{');
    while (parser_ok(p) && !parser_is_punct(p, '}')) {
        WacArg arg;
        if (!parse_arg(p, e, &arg))
            break;
        PARSER_PUSH(p, &args, arg);
        if (!parser_take_punct(p, ','))
            break;
    }
    parser_expect_punct(p, '}');
    PARSER_KEEP(p, &args, &e->args, &e->nargs);
    return e;
}

static WacExpr *parse_primary(WitParser *p)
{
    if (parser_is_word(p, "new"))
        return parse_new(p);
    if (parser_take_punct(p, '(')) {
        WacExpr *inner = parse_expr(p);
        parser_expect_punct(p, ')');
        return inner;
    }
    WacExpr *e = new_expr(p, WAC_NAME);
    if (p->lex.token.kind != WIT_TOKEN_WORD && p->lex.token.kind != WIT_TOKEN_ID)
        parser_expected(p, "an expression: a name, `new` or `(`");
    e->name = parser_id(p);
    return e;
}

static WacExpr *parse_access(WitParser *p, WacExpr *base)
{
    WacExpr *e = new_expr(p, WAC_ACCESS);
    e->base = base;
    if (parser_take_punct(p, '[')) {
        e->is_string = true;
        if (!at_string(p))
            parser_expected(p, "a string, the name of an export");
        else
            e->name = take_string(p);
        parser_expect_punct(p, ']');
        return e;
    }
    wit_lex_next(&p->lex);
    e->name = parser_id(p);
    return e;
}

static WacExpr *parse_expr(WitParser *p)
{
    if (p->nesting >= WAC_MAX_NESTING) {
        wit_lex_error(&p->lex, p->lex.token.at, "expressions nest deeper than %u",
                      (u32)WAC_MAX_NESTING);
        return new_expr(p, WAC_NAME);
    }
    u32 outer = p->nesting++;
    WacExpr *e = parse_primary(p);
    while (parser_ok(p) && (parser_is_punct(p, '[') || (parser_is_punct(p, '.') && !at_dots(p)))) {
        if (++p->nesting > WAC_MAX_NESTING)
            wit_lex_error(&p->lex, p->lex.token.at, "expressions nest deeper than %u",
                          (u32)WAC_MAX_NESTING);
        else
            e = parse_access(p, e);
    }
    p->nesting = outer;
    return e;
}

/* ---- statements ---- */

static void parse_import(WitParser *p, WacStatement *s)
{
    bool ignored;
    s->kind = WAC_IMPORT;
    s->id = parser_id(p);
    s->has_as = parser_take_word(p, "as");
    if (s->has_as)
        s->as = id_or_string(p, &ignored);
    parser_expect_punct(p, ':');
    if (parser_at_func(p)) {
        s->import = WAC_IMPORT_FUNC;
        s->func.name = s->id;
        parser_func_type(p, &s->func);
    } else if (parser_take_word(p, "interface")) {
        s->import = WAC_IMPORT_INTERFACE;
        s->body = parser_interface_body(p);
        parser_take_punct(p, ';');
        return;
    } else {
        s->type_id = parser_id(p);
        s->import = parser_is_punct(p, ':') ? WAC_IMPORT_PATH : WAC_IMPORT_ID;
        if (s->import == WAC_IMPORT_PATH)
            s->path = path_from(p, s->type_id);
    }
    parser_expect_punct(p, ';');
}

static void parse_let(WitParser *p, WacStatement *s)
{
    s->kind = WAC_LET;
    s->id = parser_id(p);
    parser_expect_punct(p, '=');
    s->expr = parse_expr(p);
    parser_expect_punct(p, ';');
}

static void parse_export(WitParser *p, WacStatement *s)
{
    bool ignored;
    s->kind = WAC_EXPORT;
    s->expr = parse_expr(p);
    if (parser_is_punct(p, '.'))
        s->spread = take_dots(p);
    else if (parser_take_word(p, "as")) {
        s->has_as = true;
        s->as = id_or_string(p, &ignored);
    }
    parser_expect_punct(p, ';');
}

static void parse_statement(WitParser *p, WacStatement *s)
{
    WitHead head = parser_head(p);
    s->at = head.at;
    if (parser_take_word(p, "import"))
        parse_import(p, s);
    else if (parser_take_word(p, "let"))
        parse_let(p, s);
    else if (parser_take_word(p, "export"))
        parse_export(p, s);
    else if (parser_top(p, &head, &s->top))
        s->kind = WAC_TOP;
    else if (!parser_is_word(p, "resource") && parser_typedef(p, &s->type))
        s->kind = WAC_TYPE;
    else
        parser_expected(p,
                        "a statement: `import`, `let`, `export`, `interface`, `world` or a type");
}

static void parse_directive(WitParser *p, WacDocument *d)
{
    (void)parser_head(p);
    if (!parser_take_word(p, "package")) {
        parser_expected(p, "`package`, which begins a composition");
        return;
    }
    d->package = parse_package(p);
    d->has_target = parser_take_word(p, "targets");
    if (d->has_target)
        d->target = path_from(p, parser_id(p));
    parser_expect_punct(p, ';');
}

bool wac_parse(Str text, Arena *arena, WacDocument *ret_document, Diag *diag)
{
    Ast ast = {.arena = arena};
    WitParser parser = {.ast = &ast, .wac = true}, *p = &parser;
    WacDocument d = {0};
    VEC(WacStatement) statements = {0};
    if (text.n > WIT_LIMIT_SOURCE) {
        diag_set(diag, DIAG_LIMIT, 0, "the text has more than %u bytes", (u32)WIT_LIMIT_SOURCE);
        return false;
    }
    wit_lex_init(&p->lex, text, 0, diag);
    parse_directive(p, &d);
    while (parser_ok(p) && p->lex.token.kind != WIT_TOKEN_EOF) {
        WacStatement s = {0};
        parse_statement(p, &s);
        PARSER_PUSH(p, &statements, s);
    }
    PARSER_KEEP(p, &statements, &d.statements, &d.nstatements);
    if (diag_ok(diag))
        *ret_document = d;
    return diag_ok(diag);
}
