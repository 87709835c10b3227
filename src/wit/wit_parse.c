/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* WIT parser: files, packages, interfaces, worlds. */
#include "wit/wit_parse_priv.h"

bool parser_room(WitParser *p, u32 n)
{
    if (n < WIT_LIMIT_ITEMS)
        return true;
    wit_lex_error(&p->lex, p->lex.token.at, "more than %u items in a list", (u32)WIT_LIMIT_ITEMS);
    return false;
}

u32 parser_place(const WitParser *p)
{
    return p->lex.start + p->lex.token.at;
}

bool parser_ok(const WitParser *p)
{
    return diag_ok(p->lex.diag);
}

void parser_expected(WitParser *p, const char *what)
{
    u32 at = p->lex.token.at;
    if (p->lex.token.kind == WIT_TOKEN_EOF) {
        wit_lex_error(&p->lex, at, "expected %s, found the end of the file", what);
        return;
    }
    Str found = wit_lex_text(&p->lex);
    bool keyword = p->lex.token.kind == WIT_TOKEN_WORD && wit_is_keyword(found);
    wit_lex_error(&p->lex, at, "expected %s, found %s`%.*s`", what, keyword ? "keyword " : "",
                  (int)MIN(found.n, 60), found.p);
}

bool parser_is_word(const WitParser *p, const char *word)
{
    return p->lex.token.kind == WIT_TOKEN_WORD && str_eq(wit_lex_text(&p->lex), str_of(word));
}

bool parser_is_punct(const WitParser *p, char c)
{
    return p->lex.token.kind == WIT_TOKEN_PUNCT && p->lex.token.punct == (u8)c;
}

bool parser_take_word(WitParser *p, const char *word)
{
    if (!parser_is_word(p, word))
        return false;
    wit_lex_next(&p->lex);
    return true;
}

bool parser_take_punct(WitParser *p, char c)
{
    if (!parser_is_punct(p, c))
        return false;
    wit_lex_next(&p->lex);
    return true;
}

void parser_expect_punct(WitParser *p, char c)
{
    char what[] = "`?`";
    what[1] = c;
    if (!parser_take_punct(p, c))
        parser_expected(p, what);
}

AstId parser_id(WitParser *p)
{
    AstId id = {wit_lex_text(&p->lex), parser_place(p)};
    bool percent = p->lex.token.kind == WIT_TOKEN_ID;
    if (p->lex.token.kind != WIT_TOKEN_WORD && !percent) {
        parser_expected(p, "an identifier");
        return (AstId){0};
    }
    if (percent) {
        id.name.p++;
        id.name.n--;
    } else if (wit_is_keyword(id.name) && !str_eq(id.name, STR("error-context"))) {
        parser_expected(p, "an identifier");
        return (AstId){0};
    }
    if (!wit_is_label(id.name)) {
        wit_lex_error(&p->lex, p->lex.token.at,
                      "`%.*s` is not a label: words of one case, joined by single hyphens",
                      (int)MIN(id.name.n, 100), id.name.p);
        return (AstId){0};
    }
    wit_lex_next(&p->lex);
    return id;
}

WitVersion parser_version(WitParser *p)
{
    WitVersion v = {0};
    Str text = wit_lex_version(&p->lex);
    if (text.n)
        (void)wit_version_parse(text, &v); /* the lexer has checked it */
    return v;
}

AstPath parser_path_from(WitParser *p, AstId first)
{
    AstPath path = {.name = first, .at = first.at};
    if (!parser_take_punct(p, ':'))
        return path;
    path.ns = first.name;
    path.pkg = parser_id(p).name;
    if (parser_is_punct(p, ':'))
        wit_lex_error(&p->lex, p->lex.token.at, "nested namespaces are not supported");
    parser_expect_punct(p, '/');
    path.name = parser_id(p);
    if (parser_is_punct(p, '/'))
        wit_lex_error(&p->lex, p->lex.token.at, "nested packages in names are not supported");
    if (parser_take_punct(p, '@'))
        path.version = parser_version(p);
    return path;
}

AstPath parser_path(WitParser *p)
{
    return parser_path_from(p, parser_id(p));
}

static void head_version(WitParser *p, WitVersion *v)
{
    if (!parser_take_word(p, "version"))
        parser_expected(p, "`version`");
    parser_expect_punct(p, '=');
    *v = parser_version(p);
}

static void parse_gate(WitParser *p, WitHead *h)
{
    u32 at = p->lex.token.at;
    if (parser_take_word(p, "external-id")) {
        parser_expect_punct(p, '(');
        if (p->lex.token.kind == WIT_TOKEN_STRING)
            h->external_id = wit_lex_string(&p->lex, p->ast->arena);
        else
            parser_expected(p, "a string");
        parser_expect_punct(p, ')');
        return;
    }
    WitGate *g = &h->gate;
    bool twice = false;
    if (parser_take_word(p, "since")) {
        twice = g->since.text.n != 0;
        parser_expect_punct(p, '(');
        head_version(p, &g->since);
    } else if (parser_take_word(p, "deprecated")) {
        twice = g->deprecated.text.n != 0;
        parser_expect_punct(p, '(');
        head_version(p, &g->deprecated);
    } else if (parser_take_word(p, "unstable")) {
        twice = g->feature.n != 0;
        parser_expect_punct(p, '(');
        if (!parser_take_word(p, "feature"))
            parser_expected(p, "`feature`");
        parser_expect_punct(p, '=');
        g->feature = parser_id(p).name;
    } else {
        parser_expected(p, "`since`, `unstable`, `deprecated` or `external-id`");
    }
    parser_expect_punct(p, ')');
    if (parser_ok(p) && twice)
        wit_lex_error(&p->lex, at, "this gate stands here twice");
    if (parser_ok(p) && g->since.text.n && g->feature.n)
        wit_lex_error(&p->lex, at, "an item is @since or @unstable, not both");
}

WitHead parser_head(WitParser *p)
{
    WitHead h = {.docs = wit_lex_docs(&p->lex, p->ast->arena)};
    u32 at = p->lex.token.at;
    while (parser_take_punct(p, '@'))
        parse_gate(p, &h);
    if (parser_ok(p) && h.gate.deprecated.text.n && !h.gate.since.text.n && !h.gate.feature.n)
        wit_lex_error(&p->lex, at, "@deprecated needs a @since or an @unstable beside it");
    h.at = parser_place(p);
    return h;
}

static void parse_use_names(WitParser *p, AstUse *u)
{
    VEC(AstRename) names = {0};
    parser_expect_punct(p, '{');
    while (parser_ok(p) && !parser_is_punct(p, '}')) {
        AstRename r = {.from = parser_id(p)};
        r.to = parser_take_word(p, "as") ? parser_id(p) : r.from;
        PARSER_PUSH(p, &names, r);
        if (!parser_take_punct(p, ','))
            break;
    }
    parser_expect_punct(p, '}');
    PARSER_KEEP(p, &names, &u->names, &u->nnames);
}

static void parse_use(WitParser *p, AstItem *item)
{
    item->kind = AST_USE;
    item->use.from = parser_path(p);
    parser_expect_punct(p, '.');
    parse_use_names(p, &item->use);
    parser_expect_punct(p, ';');
}

/* The last name needs `as`. */
static void parse_include(WitParser *p, AstItem *item)
{
    item->kind = AST_INCLUDE;
    item->use.from = parser_path(p);
    if (!parser_take_word(p, "with")) {
        parser_expect_punct(p, ';');
        return;
    }
    VEC(AstRename) names = {0};
    parser_expect_punct(p, '{');
    while (parser_ok(p) && !parser_is_punct(p, '}')) {
        AstRename r = {.from = parser_id(p)};
        if (!parser_take_word(p, "as"))
            parser_expected(p, "`as`");
        r.to = parser_id(p);
        PARSER_PUSH(p, &names, r);
        if (!parser_take_punct(p, ','))
            break;
    }
    parser_expect_punct(p, '}');
    parser_take_punct(p, ';');
    PARSER_KEEP(p, &names, &item->use.names, &item->use.nnames);
}

static AstFunc named_func(WitParser *p, const AstItem *item, AstId name)
{
    AstFunc f = {
        .name = name, .docs = item->docs, .gate = item->gate, .external_id = item->external_id};
    parser_func_type(p, &f);
    parser_expect_punct(p, ';');
    return f;
}

/* What an interface may hold, and a world too. */
static bool parse_common(WitParser *p, AstItem *item)
{
    if (parser_typedef(p, &item->type)) {
        item->kind = AST_TYPEDEF;
        return true;
    }
    if (parser_take_word(p, "use")) {
        parse_use(p, item);
        return true;
    }
    return false;
}

static AstBody parse_body(WitParser *p, bool (*parse_item)(WitParser *p, AstItem *item));

static bool parse_interface_item(WitParser *p, AstItem *item)
{
    if (parse_common(p, item))
        return true;
    bool word = p->lex.token.kind == WIT_TOKEN_WORD && !wit_is_keyword(wit_lex_text(&p->lex));
    if (!word && p->lex.token.kind != WIT_TOKEN_ID) {
        parser_expected(p, "a type, a function, `use` or `}`");
        return false;
    }
    AstId name = parser_id(p);
    parser_expect_punct(p, ':');
    item->kind = AST_FUNC;
    if (p->wac && !parser_at_func(p)) {
        item->func = (AstFunc){.name = name, .type = parser_id(p)};
        parser_expect_punct(p, ';');
    } else {
        item->func = named_func(p, item, name);
    }
    return true;
}

/*
 * After `import` or `export`. "a:b" without a blank is the beginning of a package's name, "a: b" a
 * name for interface b.
 */
static void parse_extern(WitParser *p, AstItem *item, bool is_export)
{
    AstExtern *e = &item->ext;
    item->kind = AST_EXTERN;
    *e = (AstExtern){.is_export = is_export};
    AstId name = parser_id(p);
    if (!parser_is_punct(p, ':')) {
        e->path = (AstPath){.name = name, .at = name.at};
        parser_expect_punct(p, ';');
        return;
    }
    u32 behind = p->lex.at;
    WitLexer colon = p->lex;
    wit_lex_next(&p->lex);
    bool glued = p->lex.token.at == behind;
    if (parser_at_func(p)) {
        e->kind = AST_EXTERN_FUNC;
        e->name = name;
        e->func = named_func(p, item, name);
    } else if (parser_take_word(p, "interface")) {
        e->kind = AST_EXTERN_INLINE;
        e->name = name;
        e->body = parse_body(p, parse_interface_item);
        if (p->wac)
            parser_take_punct(p, ';');
    } else {
        if (glued) {
            p->lex = colon;
            e->path = parser_path_from(p, name);
        } else {
            e->name = name;
            e->path = parser_path(p);
        }
        parser_expect_punct(p, ';');
    }
}

static bool parse_world_item(WitParser *p, AstItem *item)
{
    if (parse_common(p, item))
        return true;
    if (parser_take_word(p, "import"))
        parse_extern(p, item, false);
    else if (parser_take_word(p, "export"))
        parse_extern(p, item, true);
    else if (parser_take_word(p, "include"))
        parse_include(p, item);
    else {
        parser_expected(p, "a type, `import`, `export`, `include`, `use` or `}`");
        return false;
    }
    return true;
}

static AstBody parse_body(WitParser *p, bool (*parse_item)(WitParser *p, AstItem *item))
{
    VEC(AstItem) items = {0};
    AstBody body;
    parser_expect_punct(p, '{');
    while (parser_ok(p) && !parser_is_punct(p, '}')) {
        WitHead h = parser_head(p);
        AstItem item = {.docs = h.docs, .gate = h.gate, .external_id = h.external_id, .at = h.at};
        if (parse_item(p, &item))
            PARSER_PUSH(p, &items, item);
    }
    parser_expect_punct(p, '}');
    PARSER_KEEP(p, &items, &body.items, &body.nitems);
    return body;
}

static AstPackageName parse_package_name(WitParser *p, Str docs)
{
    AstPackageName n = {.docs = docs};
    AstId ns = parser_id(p);
    n.path.at = ns.at;
    n.path.ns = ns.name;
    parser_expect_punct(p, ':');
    n.path.pkg = parser_id(p).name;
    if (parser_is_punct(p, ':') || parser_is_punct(p, '/'))
        wit_lex_error(&p->lex, p->lex.token.at, "nested namespaces are not supported");
    if (parser_take_punct(p, '@'))
        n.path.version = parser_version(p);
    return n;
}

typedef struct ScopeNames {
    VEC(AstRename) renames;
    VEC(AstPath) paths;
} ScopeNames;

static void parse_toplevel_use(WitParser *p, ScopeNames *names)
{
    AstRename r = {0};
    AstPath path = parser_path(p);
    r.from = path.name;
    r.to = parser_take_word(p, "as") ? parser_id(p) : r.from;
    parser_expect_punct(p, ';');
    PARSER_PUSH(p, &names->renames, r);
    PARSER_PUSH(p, &names->paths, path);
}

static void keep_scope(WitParser *p, u32 scope, ScopeNames *names)
{
    AstScope *s = &p->ast->scopes.p[scope];
    PARSER_KEEP(p, &names->renames, &s->renames, &s->nrenames);
    PARSER_KEEP(p, &names->paths, &s->paths, &s->nrenames);
}

static u32 new_scope(WitParser *p, u32 source, u32 group, bool nested)
{
    AstScope s = {.group = group, .source = source, .nested = nested};
    vec_push(&p->ast->scopes, s);
    return p->ast->scopes.n - 1;
}

bool parser_top(WitParser *p, const WitHead *h, AstTop *ret_top)
{
    bool is_world = parser_take_word(p, "world");
    if (!is_world && !parser_take_word(p, "interface"))
        return false;
    *ret_top = (AstTop){.is_world = is_world, .docs = h->docs, .gate = h->gate};
    ret_top->name = parser_id(p);
    ret_top->body = parse_body(p, is_world ? parse_world_item : parse_interface_item);
    return true;
}

AstBody parser_interface_body(WitParser *p)
{
    return parse_body(p, parse_interface_item);
}

static bool parse_top(WitParser *p, const WitHead *h, u32 scope)
{
    AstTop top;
    if (!parser_top(p, h, &top))
        return false;
    top.scope = scope;
    PARSER_PUSH(p, &p->ast->tops, top);
    return true;
}

/* `package ns:name { ... }`, behind the name. */
static void parse_nested(WitParser *p, AstPackageName name, u32 source, u32 group)
{
    u32 scope = new_scope(p, source, group, true);
    ScopeNames names = {0};
    p->ast->scopes.p[scope].has_package = true;
    p->ast->scopes.p[scope].package = name;
    parser_expect_punct(p, '{');
    while (parser_ok(p) && !parser_is_punct(p, '}')) {
        WitHead h = parser_head(p);
        if (parser_take_word(p, "use"))
            parse_toplevel_use(p, &names);
        else if (!parse_top(p, &h, scope))
            parser_expected(p, "`interface`, `world`, `use` or `}`");
    }
    parser_expect_punct(p, '}');
    keep_scope(p, scope, &names);
}

void wit_parse(Ast *ast, Str text, u32 start, u32 source, u32 group, Diag *diag)
{
    WitParser p = {.ast = ast};
    ScopeNames names = {0};
    wit_lex_init(&p.lex, text, start, diag);
    u32 scope = new_scope(&p, source, group, false);
    bool first = true;
    while (parser_ok(&p) && p.lex.token.kind != WIT_TOKEN_EOF) {
        WitHead h = parser_head(&p);
        if (parser_take_word(&p, "package")) {
            AstPackageName name = parse_package_name(&p, h.docs);
            if (first && parser_take_punct(&p, ';')) {
                ast->scopes.p[scope].has_package = true;
                ast->scopes.p[scope].package = name;
            } else {
                parse_nested(&p, name, source, group);
            }
        } else if (parser_take_word(&p, "use")) {
            parse_toplevel_use(&p, &names);
        } else if (!parse_top(&p, &h, scope)) {
            parser_expected(&p, "`package`, `interface`, `world` or `use`");
        }
        first = false;
    }
    keep_scope(&p, scope, &names);
}
