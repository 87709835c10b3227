/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Reading scripts, with the text format's lexer and cursor. Values and commands live in an arena
 * that every command starts anew.
 */
#include "wasm/wast/wast_priv.h"

struct WastScript {
    Lexer lexer;
    Parser p;
    u32 line, line_at; /* the line of the byte line_at, so that lines are counted once */
    bool bare;         /* no commands, but the fields of a single module */
    WastComponentReader *read_component;
};

static bool is_module_field(const Parser *p)
{
    static const char *const words[] = {"func", "import", "export", "global", "table", "memory",
                                        "data", "elem",   "start",  "tag",    "type",  "rec"};
    for (usize i = 0; i < ARRAY_LEN(words); i++)
        if (at_paren(p, str_of(words[i])))
            return true;
    return false;
}

WastScript *wast_open(Str source)
{
    WastScript *s = mem_alloc(sizeof *s);
    lexer_init(&s->lexer, source, true);
    parser_init(&s->p, &s->lexer, NULL, NULL);
    s->line = 1;
    s->bare = is_module_field(&s->p);
    return s;
}

void wast_close(WastScript *s)
{
    if (!s)
        return;
    parser_release(&s->p);
    lexer_release(&s->lexer);
    mem_free(s);
}

void wast_read_components(WastScript *s, WastComponentReader *reader)
{
    s->read_component = reader;
}

/* ---- values ---- */

static const struct {
    const char *word;
    HeapType heap;
} heap_words[] = {
    {"func", HEAP_FUNC},   {"extern", HEAP_EXTERN},     {"any", HEAP_ANY},
    {"eq", HEAP_EQ},       {"i31", HEAP_I31},           {"struct", HEAP_STRUCT},
    {"array", HEAP_ARRAY}, {"none", HEAP_NONE},         {"nofunc", HEAP_NOFUNC},
    {"exn", HEAP_EXN},     {"noextern", HEAP_NOEXTERN}, {"noexn", HEAP_NOEXN},
    {"cont", HEAP_CONT},   {"nocont", HEAP_NOCONT},
};

/* HEAP_BOT if the word is none. */
static HeapType heap_of_word(Str word)
{
    for (usize i = 0; i < ARRAY_LEN(heap_words); i++)
        if (str_eq(word, str_of(heap_words[i].word)))
            return heap_words[i].heap;
    return HEAP_BOT;
}

static WastNan parse_nan(Parser *p)
{
    if (take_keyword(p, STR("nan:canonical")))
        return WAST_NAN_CANONICAL;
    if (take_keyword(p, STR("nan:arithmetic")))
        return WAST_NAN_ARITHMETIC;
    return WAST_NAN_NONE;
}

static void parse_float(Parser *p, u32 bits, u8 *ret_nan, u8 *ret_bytes)
{
    *ret_nan = (u8)parse_nan(p);
    if (*ret_nan == WAST_NAN_NONE)
        parse_float_bytes(p, bits, ret_bytes);
}

static void parse_vector(Parser *p, WastValue *v)
{
    bool f32 = at_keyword(p, STR("f32x4")), f64 = at_keyword(p, STR("f64x2"));
    v->kind = WAST_VALUE_V128;
    v->is_float = f32 || f64;
    if (v->is_float) {
        v->lane_bits = f32 ? 32 : 64;
        p->at++;
        for (u32 i = 0, bytes = v->lane_bits / 8; i < 16 / bytes; i++)
            parse_float(p, v->lane_bits, &v->nan[i], v->bytes + i * bytes);
        return;
    }
    Str shape = tok_text(p, peek(p));
    v->lane_bits = 8;
    for (u32 bits = 16; bits <= 64; bits *= 2)
        if (shape.n > 2 && shape.p[1] == (bits == 16 ? '1' : bits == 32 ? '3' : '6'))
            v->lane_bits = (u8)bits;
    parse_v128(p, v->bytes);
}

/* ref.null, ref.extern and the like, of which `word` is what stands behind the dot. */
static void parse_reference(Parser *p, WastValue *v, Str word)
{
    v->any = at_kind(p, TOKEN_RPAREN);
    v->heap = heap_of_word(word);
    if (str_eq(word, STR("null"))) {
        v->kind = WAST_VALUE_NULL;
        if (!v->any && at_kind(p, TOKEN_KEYWORD))
            v->heap = heap_of_word(tok_text(p, parse_next(p)));
        if (!v->any && v->heap == HEAP_BOT)
            parse_unexpected(p, "a heap type");
    } else if (str_eq(word, STR("extern")) || str_eq(word, STR("host"))) {
        bool host = word.p[0] == 'h';
        v->kind = host ? WAST_VALUE_HOST : WAST_VALUE_EXTERN;
        v->heap = host ? HEAP_ANY : HEAP_EXTERN;
        if (!v->any)
            v->number = parse_u32(p);
    } else {
        v->kind = WAST_VALUE_REF;
        if (v->heap == HEAP_BOT)
            parse_fail(p, peek(p), "unknown operator ref.%.*s", STR_ARG(word));
        if (at_index(p)) /* (ref.func $f): which one does not matter */
            p->at++;
    }
}

static void parse_value(Parser *p, WastValue *v)
{
    expect_lparen(p);
    const Token *t = peek(p);
    Str word = t->kind == TOKEN_KEYWORD ? tok_text(p, t) : (Str){0};
    if (take_keyword(p, STR("i32.const"))) {
        v->kind = WAST_VALUE_I32;
        parse_int_bytes(p, 32, v->bytes);
    } else if (take_keyword(p, STR("i64.const"))) {
        v->kind = WAST_VALUE_I64;
        parse_int_bytes(p, 64, v->bytes);
    } else if (take_keyword(p, STR("f32.const"))) {
        v->kind = WAST_VALUE_F32;
        parse_float(p, 32, &v->nan[0], v->bytes);
    } else if (take_keyword(p, STR("f64.const"))) {
        v->kind = WAST_VALUE_F64;
        parse_float(p, 64, &v->nan[0], v->bytes);
    } else if (take_keyword(p, STR("v128.const"))) {
        parse_vector(p, v);
    } else if (str_starts(word, STR("ref."))) {
        p->at++;
        parse_reference(p, v, (Str){word.p + 4, word.n - 4});
    } else if (wast_at_component_value(p)) {
        v->kind = WAST_VALUE_COMPONENT;
        v->component = wast_component_value(p);
    } else {
        parse_unexpected(p, "a constant");
    }
    expect_rparen(p);
}

u32 wast_count_parens(const Parser *p)
{
    u32 n = 0;
    for (const Token *t = peek(p); t->kind == TOKEN_LPAREN; n++) {
        t = &p->tokens[t->len];
        if (t->kind == TOKEN_RPAREN)
            t++;
    }
    return n;
}

static const WastValue *parse_values(Parser *p, u32 *ret_count)
{
    u32 n = wast_count_parens(p);
    WastValue *v = arena_array(&p->arena, WastValue, n);
    for (u32 i = 0; i < n && parse_ok(p); i++)
        parse_value(p, &v[i]);
    *ret_count = n;
    return v;
}

/* Results may be alternatives; those are plain. */
static const WastValue *parse_results(Parser *p, u32 *ret_count)
{
    u32 n = wast_count_parens(p);
    WastValue *v = arena_array(&p->arena, WastValue, n);
    for (u32 i = 0; i < n && parse_ok(p); i++) {
        if (take_paren(p, STR("either"))) {
            v[i].kind = WAST_VALUE_EITHER;
            v[i].alternatives = parse_values(p, &v[i].nalternatives);
            expect_rparen(p);
        } else {
            parse_value(p, &v[i]);
        }
    }
    *ret_count = n;
    return v;
}

/* ---- parts of commands ---- */

static bool at_action(const Parser *p)
{
    return at_paren(p, STR("invoke")) || at_paren(p, STR("get"));
}

static void parse_action(Parser *p, WastAction *a)
{
    if (!at_action(p)) {
        parse_unexpected(p, "`(invoke` or `(get`");
        return;
    }
    a->kind = at_paren(p, STR("get")) ? WAST_GET : WAST_INVOKE;
    p->at += 2;
    a->module = parse_id(p);
    a->name = parse_name(p);
    if (a->kind == WAST_INVOKE)
        a->args = parse_values(p, &a->nargs);
    expect_rparen(p);
}

static bool at_module(const Parser *p)
{
    return at_paren(p, STR("module")) || at_paren(p, STR("component"));
}

/* (module ...) or (component ...), whose contents are skipped. */
static void parse_module(Parser *p, WastModule *m)
{
    const Token *open = peek(p);
    if (!at_module(p)) {
        parse_unexpected(p, "`(module`");
        return;
    }
    const Token *close = &p->tokens[open->len];
    m->is_component = at_paren(p, STR("component"));
    m->offset = open->at;
    m->text = (Str){p->l->source.p + open->at, close->at + close->len - open->at};
    m->end = open->len;
    p->at += 2;
    m->is_definition = take_keyword(p, STR("definition"));
    m->name = parse_id(p);
    if (take_keyword(p, STR("binary")))
        m->form = WAST_MODULE_BINARY;
    else if (take_keyword(p, STR("quote")))
        m->form = WAST_MODULE_QUOTE;
    m->first = p->at;
    p->at = m->end;
    expect_rparen(p);
}

static void parse_message(Parser *p, Str *ret_message)
{
    *ret_message = parse_string(p);
}

/* ---- commands ---- */

static void command_module(Parser *p, WastCommand *c)
{
    const Token *t = peek(p);
    if (t[2].kind == TOKEN_KEYWORD && str_eq(tok_text(p, t + 2), STR("instance"))) {
        p->at += 3;
        c->kind = WAST_INSTANCE;
        Str first = parse_id(p), second = parse_id(p);
        c->name = second.p ? first : (Str){0};
        c->of = second.p ? second : first;
        expect_rparen(p);
        return;
    }
    c->has_module = true;
    parse_module(p, &c->module);
    c->name = c->module.name;
}

static void command_register(Parser *p, WastCommand *c)
{
    p->at += 2;
    c->message = parse_name(p);
    c->name = parse_id(p);
    expect_rparen(p);
}

static void command_action(Parser *p, WastCommand *c)
{
    parse_action(p, &c->action);
}

static void command_return(Parser *p, WastCommand *c)
{
    p->at += 2;
    parse_action(p, &c->action);
    c->results = parse_results(p, &c->nresults);
    expect_rparen(p);
}

/* An action or a module, and what must go wrong. */
static void command_failure(Parser *p, WastCommand *c)
{
    p->at += 2;
    c->has_module =
        c->kind >= WAST_ASSERT_MALFORMED || (c->kind == WAST_ASSERT_TRAP && at_module(p));
    if (c->has_module)
        parse_module(p, &c->module);
    else
        parse_action(p, &c->action);
    if (c->kind != WAST_ASSERT_EXCEPTION || at_kind(p, TOKEN_STRING))
        parse_message(p, &c->message);
    expect_rparen(p);
}

/* (thread $name (shared (module $m))* commands) */
static void command_thread(Parser *p, WastCommand *c)
{
    u32 close = peek(p)->len;
    p->at += 2;
    c->name = parse_id(p);
    u32 n = 0, max = wast_count_parens(p);
    Str *shared = arena_array(&p->arena, Str, max);
    while (n < max && take_paren(p, STR("shared"))) {
        expect_paren(p, STR("module"));
        shared[n++] = parse_id(p);
        expect_rparen(p);
        expect_rparen(p);
    }
    c->nshared = n;
    c->shared = shared;
    if (!parse_ok(p))
        return;
    u32 from = peek(p)->at;
    c->body = (Str){p->l->source.p + from, p->tokens[close].at - from};
    p->at = close;
    expect_rparen(p);
}

static void command_wait(Parser *p, WastCommand *c)
{
    p->at += 2;
    c->name = parse_id(p);
    expect_rparen(p);
}

static const struct {
    const char *word;
    WastKind kind;
    void (*parse)(Parser *p, WastCommand *c);
} commands[] = {
    {"module", WAST_MODULE, command_module},
    {"component", WAST_MODULE, command_module},
    {"register", WAST_REGISTER, command_register},
    {"invoke", WAST_ACTION, command_action},
    {"get", WAST_ACTION, command_action},
    {"assert_return", WAST_ASSERT_RETURN, command_return},
    {"assert_trap", WAST_ASSERT_TRAP, command_failure},
    {"assert_exhaustion", WAST_ASSERT_EXHAUSTION, command_failure},
    {"assert_exception", WAST_ASSERT_EXCEPTION, command_failure},
    {"assert_suspension", WAST_ASSERT_SUSPENSION, command_failure},
    {"assert_malformed", WAST_ASSERT_MALFORMED, command_failure},
    {"assert_invalid", WAST_ASSERT_INVALID, command_failure},
    {"assert_unlinkable", WAST_ASSERT_UNLINKABLE, command_failure},
    {"assert_malformed_custom", WAST_ASSERT_MALFORMED_CUSTOM, command_failure},
    {"assert_invalid_custom", WAST_ASSERT_INVALID_CUSTOM, command_failure},
    {"thread", WAST_THREAD, command_thread},
    {"wait", WAST_WAIT, command_wait},
};

static void parse_command(WastScript *s, WastCommand *c)
{
    Parser *p = &s->p;
    for (usize i = 0; i < ARRAY_LEN(commands); i++) {
        if (at_paren(p, str_of(commands[i].word))) {
            c->kind = (u8)commands[i].kind;
            commands[i].parse(p, c);
            return;
        }
    }
    if (at_kind(p, TOKEN_LPAREN))
        p->at++;
    parse_unexpected(p, "a command");
}

/* All of the text is one module. */
static void bare_module(WastScript *s, WastCommand *c)
{
    c->kind = WAST_MODULE;
    c->has_module = true;
    c->module.text = s->lexer.source;
    c->module.end = s->lexer.tokens.n - LEXER_PADDING;
    s->p.at = c->module.end;
}

static u32 line_of(WastScript *s, u32 at)
{
    for (; s->line_at < at; s->line_at++)
        s->line += s->lexer.source.p[s->line_at] == '\n';
    return s->line;
}

bool wast_next(WastScript *s, WastCommand *ret_command, Diag *diag)
{
    Parser *p = &s->p;
    WastCommand c = {0};
    p->diag = diag;
    arena_reset(&p->arena);
    if (!diag_ok(diag) || at_kind(p, TOKEN_EOF))
        return false;
    c.offset = peek(p)->at;
    c.line = line_of(s, c.offset);
    if (s->bare)
        bare_module(s, &c);
    else
        parse_command(s, &c);
    if (!parse_ok(p))
        return false;
    *ret_command = c;
    return true;
}

/* ---- modules ---- */

static void module_strings(Parser *p, u32 end, Buf *out)
{
    while (p->at < end && at_kind(p, TOKEN_STRING))
        token_string(p->l, parse_next(p), out);
    if (p->at != end)
        parse_unexpected(p, "a string");
}

/* Behind all tokens of a text. */
static u32 text_end(const Lexer *l)
{
    return l->tokens.n - LEXER_PADDING;
}

static bool read_component(const WastScript *s, Lexer *l, u32 first, u32 end, Str name, Buf *out,
                           TextMap *map, Diag *diag)
{
    static const TextOptions options = {.any_unicode = true};
    if (s->read_component)
        return s->read_component(l, first, end, name, &options, out, map, diag);
    diag_set(diag, DIAG_UNSUPPORTED, 0, "components are not read from text here");
    return false;
}

/* The strings are the text of a module, or of what stands in a component. */
static bool quoted_module(const WastScript *s, Parser *p, const WastModule *m, Buf *out)
{
    Buf text = {0};
    bool good = false;
    module_strings(p, m->end, &text);
    Str source = {(const char *)text.p, text.n};
    if (parse_ok(p) && m->is_component) {
        Lexer l;
        lexer_init(&l, source, true);
        good = read_component(s, &l, 0, text_end(&l), m->name, out, NULL, p->diag);
        lexer_release(&l);
    } else if (parse_ok(p)) {
        good = text_parse_module(source, &(TextOptions){.any_unicode = true}, out, NULL, p->diag);
    }
    if (!good)
        p->diag->offset = m->offset;
    buf_release(&text);
    return good;
}

bool wast_module_binary(WastScript *s, const WastModule *m, Buf *ret_binary, TextMap *ret_map,
                        Diag *diag)
{
    Parser p;
    Buf out = {0};
    TextMap map = {0};
    parser_init(&p, &s->lexer, NULL, diag);
    p.at = m->first;
    p.module_name = m->name;
    if (m->form == WAST_MODULE_TEXT && m->is_component)
        read_component(s, &s->lexer, m->first, m->end, m->name, &out, ret_map ? &map : NULL, diag);
    else if (m->form == WAST_MODULE_TEXT)
        parse_module_fields(&p, m->end, &out, ret_map ? &map : NULL);
    else if (m->form == WAST_MODULE_BINARY)
        module_strings(&p, m->end, &out);
    else
        quoted_module(s, &p, m, &out);
    parser_release(&p);
    if (!diag_ok(diag)) {
        buf_release(&out);
        vec_release(&map);
        return false;
    }
    *ret_binary = out;
    if (ret_map)
        *ret_map = map;
    return true;
}
