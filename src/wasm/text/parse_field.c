/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Module fields. The first walk (bind_fields) gives every definition its index and name; the others
 * translate, in the order of the text, into one buffer a section.
 *
 * Source: https://webassembly.github.io/spec/core/text/modules.html
 */
#include "wasm/text/parser.h"

enum { LIMIT_MAX = 1, LIMIT_SHARED = 2, LIMIT_64 = 4, LIMIT_PAGE_SIZE = 8, PAGE_LOG2 = 16 };
enum { OPCODE_END = 0x0b, OPCODE_I32_CONST = 0x41, OPCODE_I64_CONST = 0x42 };

/* ---- first walk ---- */

static void bind(Parser *p, Space s)
{
    SpaceNames *n = &p->spaces[s];
    const Token *t = peek(p);
    Str id = parse_id(p);
    u32 index = n->count++;
    if (id.p && !map_add(&n->map, id, index))
        parse_fail(p, t, "duplicate %s $%.*s", space_name(s), (int)MIN(id.n, 64), id.p);
}

/* Behind the identifier of a definition: is it (export ...)* (import ...)? */
static bool has_inline_import(const Parser *p)
{
    const Token *t = peek(p);
    while (t->kind == TOKEN_LPAREN && t[1].kind == TOKEN_KEYWORD) {
        Str word = tok_text(p, t + 1);
        if (str_eq(word, STR("import")))
            return true;
        if (!str_eq(word, STR("export")))
            return false;
        t = &p->tokens[t->len];
        if (t->kind == TOKEN_RPAREN)
            t++;
    }
    return false;
}

/*
 * Imports stand before all definitions, as they come first in their index spaces. Tags are younger
 * than the rule, and only get into the way of each other.
 */
static void bind_import(Parser *p, Space s, const Token *t)
{
    static const char *const words[SPACE_COUNT] = {[SPACE_FUNC] = "function",
                                                   [SPACE_TABLE] = "table",
                                                   [SPACE_MEMORY] = "memory",
                                                   [SPACE_GLOBAL] = "global"};
    bind(p, s);
    if (p->has_definition)
        parse_fail(p, t, "import after %s", words[p->defined]);
    else if (p->has_tag_definition && s == SPACE_TAG)
        parse_fail(p, t, "import after tag");
}

/* Inline segments: the rest of a table or a memory up to its end. */
static void bind_inline_segment(Parser *p, u32 end, Str word, Space segment)
{
    while (p->at < end) {
        if (at_paren(p, word))
            p->spaces[segment].count++;
        if (at_kind(p, TOKEN_LPAREN))
            skip_paren(p);
        else
            p->at++;
    }
}

/* A func, table, memory, global or tag, behind its keyword; `end` is its closing parenthesis. */
static void bind_definition(Parser *p, Space s, u32 end, const Token *t)
{
    const Token *id = peek(p);
    if (id->kind == TOKEN_ID)
        p->at++;
    bool import = has_inline_import(p);
    p->at -= id->kind == TOKEN_ID;
    if (import) {
        bind_import(p, s, t);
        return;
    }
    bind(p, s);
    if (s == SPACE_TAG)
        p->has_tag_definition = true;
    else if (!p->has_definition)
        p->defined = s;
    p->has_definition |= s != SPACE_TAG;
    if (parse_ok(p) && s == SPACE_TABLE)
        bind_inline_segment(p, end, STR("elem"), SPACE_ELEM);
    else if (parse_ok(p) && s == SPACE_MEMORY)
        bind_inline_segment(p, end, STR("data"), SPACE_DATA);
}

Space space_at(const Parser *p)
{
    for (u32 s = 0; s < SPACE_COUNT; s++)
        if (at_keyword(p, str_of(space_name((Space)s))))
            return (Space)s;
    return SPACE_COUNT;
}

static void bind_group(Parser *p, u32 end)
{
    while (p->at < end && at_paren(p, STR("type"))) {
        u32 inner = peek(p)->len;
        p->at += 2;
        bind(p, SPACE_TYPE);
        if (parse_ok(p))
            p->at = MIN(inner + 1, end);
    }
}

static void bind_field(Parser *p)
{
    const Token *t = peek(p);
    u32 end = t->len;
    p->at++;
    Space s = space_at(p);
    if (at_keyword(p, STR("rec"))) {
        p->at++;
        bind_group(p, end);
    } else if (at_keyword(p, STR("import")) && peek_at(p, 3)->kind == TOKEN_LPAREN) {
        p->at += 4;
        s = space_at(p);
        p->at++;
        if (s >= SPACE_FUNC && s <= SPACE_TAG)
            bind_import(p, s, t);
    } else if (s != SPACE_COUNT) {
        p->at++;
        if (s >= SPACE_FUNC && s <= SPACE_TAG)
            bind_definition(p, s, end, t);
        else
            bind(p, s);
    }
    if (parse_ok(p))
        p->at = end + (p->tokens[end].kind == TOKEN_RPAREN);
}

void bind_fields(Parser *p, u32 end)
{
    while (parse_ok(p) && p->at < end && at_kind(p, TOKEN_LPAREN))
        bind_field(p);
}

/* ---- names, imports, exports ---- */

/* Index and identifier of a definition, behind its keyword. */
static u32 begin_definition(Parser *p, Space s)
{
    u32 index = p->spaces[s].next++;
    add_name(p, s, index, parse_id(p));
    return index;
}

static u8 extern_code(Space s)
{
    static const u8 codes[SPACE_COUNT] = {[SPACE_FUNC] = 0,
                                          [SPACE_TABLE] = 1,
                                          [SPACE_MEMORY] = 2,
                                          [SPACE_GLOBAL] = 3,
                                          [SPACE_TAG] = 4};
    return codes[s];
}

static Out *begin_entry(Parser *p, Sec sec, u32 text)
{
    Section *s = &p->sections[sec];
    s->count++;
    out_mark(&s->out, text);
    return &s->out;
}

static void emit_export(Parser *p, u32 text, Str name, Space s, u32 index)
{
    Out *o = begin_entry(p, SEC_EXPORT, text);
    buf_name(&o->b, name);
    buf_u8(&o->b, extern_code(s));
    buf_uleb(&o->b, index);
}

static void parse_inline_exports(Parser *p, Space s, u32 index)
{
    while (at_paren(p, STR("export"))) {
        u32 text = peek(p)->at;
        p->at += 2;
        Str name = parse_name(p);
        expect_rparen(p);
        emit_export(p, text, name, s, index);
    }
}

/* The two names of an import, behind the keyword, into the import section. */
static void parse_import_names(Parser *p, u32 text)
{
    Out *o = begin_entry(p, SEC_IMPORT, text);
    Str module = parse_name(p), name = parse_name(p);
    buf_name(&o->b, module);
    buf_name(&o->b, name);
}

/* ---- types of definitions ---- */

typedef struct LimitsText {
    u8 flags;
    u64 min, max;
    u32 page_log2;
} LimitsText;

static void parse_address_type(Parser *p, LimitsText *l)
{
    if (take_keyword(p, STR("i64")))
        l->flags |= LIMIT_64;
    else
        take_keyword(p, STR("i32"));
}

static void parse_limits(Parser *p, LimitsText *l)
{
    l->min = parse_u64(p);
    if (at_kind(p, TOKEN_INT)) {
        l->flags |= LIMIT_MAX;
        l->max = parse_u64(p);
    }
}

static void parse_page_size(Parser *p, LimitsText *l)
{
    const Token *t = peek_at(p, 2);
    if (!take_paren(p, STR("pagesize")))
        return;
    u64 size = parse_u64(p);
    if (size == 0 || (size & (size - 1)) != 0)
        parse_fail(p, t, "invalid custom page size: not a power of two");
    else
        l->page_log2 = (u32)__builtin_ctzll(size);
    l->flags |= LIMIT_PAGE_SIZE;
    expect_rparen(p);
}

static void emit_limits(Buf *b, const LimitsText *l)
{
    buf_u8(b, l->flags);
    buf_uleb(b, l->min);
    if (l->flags & LIMIT_MAX)
        buf_uleb(b, l->max);
    if (l->flags & LIMIT_PAGE_SIZE)
        buf_uleb(b, l->page_log2);
}

/* Behind the address type. */
static void parse_memory_limits(Parser *p, LimitsText *l)
{
    parse_limits(p, l);
    if (take_keyword(p, STR("shared")))
        l->flags |= LIMIT_SHARED;
    parse_page_size(p, l);
}

static void parse_table_type(Parser *p, Buf *b)
{
    LimitsText l = {0};
    parse_address_type(p, &l);
    parse_limits(p, &l);
    if (take_keyword(p, STR("shared")))
        l.flags |= LIMIT_SHARED;
    emit_type(b, parse_ref_type(p));
    emit_limits(b, &l);
}

static void parse_memory_type(Parser *p, Buf *b)
{
    LimitsText l = {0};
    parse_address_type(p, &l);
    parse_memory_limits(p, &l);
    emit_limits(b, &l);
}

static void parse_global_type(Parser *p, Buf *b)
{
    bool mut = take_paren(p, STR("mut"));
    emit_type(b, parse_value_type(p));
    buf_u8(b, mut);
    if (mut)
        expect_rparen(p);
}

static void begin_func(Parser *p, u32 index)
{
    p->func = index;
    p->nlocals = p->nlabels = 0;
    if (p->locals.n > 0)
        map_release(&p->locals);
}

static void parse_tag_type(Parser *p, Buf *b)
{
    u32 type = parse_typeuse(p, false).type;
    buf_u8(b, 0);
    buf_uleb(b, type);
}

void parse_extern_type(Parser *p, Space s, u32 index, Buf *b)
{
    u32 nnames = p->local_names.n;
    buf_u8(b, extern_code(s));
    if (s == SPACE_FUNC) {
        begin_func(p, index);
        buf_uleb(b, parse_typeuse(p, true).type);
        p->local_names.n = nnames;
    } else if (s == SPACE_TABLE) {
        parse_table_type(p, b);
    } else if (s == SPACE_MEMORY) {
        parse_memory_type(p, b);
    } else if (s == SPACE_GLOBAL) {
        parse_global_type(p, b);
    } else {
        parse_tag_type(p, b);
    }
}

/* Behind name and exports: an inline import, up to the definition's end. */
static bool parse_inline_import(Parser *p, Space s, u32 index, u32 text)
{
    if (!take_paren(p, STR("import")))
        return false;
    parse_import_names(p, text);
    expect_rparen(p);
    parse_extern_type(p, s, index, &p->sections[SEC_IMPORT].out.b);
    expect_rparen(p);
    return true;
}

/* ---- segments ---- */

/* A segment while its parts are read; the order in the binary is another one. */
typedef struct SegmentText {
    u32 text;
    bool active, declared;
    u32 into; /* table or memory */
    Out offset, items;
    bool exprs;
    TypeCode type;
    u32 count;
} SegmentText;

static void segment_release(SegmentText *s)
{
    out_release(&s->offset);
    out_release(&s->items);
}

static void emit_end(Out *o)
{
    buf_u8(&o->b, OPCODE_END);
}

/* (offset ...) or one folded instruction. */
static void parse_offset(Parser *p, Out *o)
{
    if (take_paren(p, STR("offset"))) {
        parse_instrs(p, o);
        expect_rparen(p);
    } else {
        parse_folded(p, o);
    }
    emit_end(o);
}

static void parse_elem_exprs(Parser *p, SegmentText *s)
{
    s->exprs = true;
    for (; parse_ok(p) && !at_kind(p, TOKEN_RPAREN); s->count++) {
        if (take_paren(p, STR("item"))) {
            parse_instrs(p, &s->items);
            expect_rparen(p);
        } else {
            parse_folded(p, &s->items);
        }
        emit_end(&s->items);
    }
}

static void parse_elem_funcs(Parser *p, SegmentText *s)
{
    for (; parse_ok(p) && !at_kind(p, TOKEN_RPAREN); s->count++) {
        out_mark(&s->items, peek(p)->at);
        buf_uleb(&s->items.b, parse_index(p, SPACE_FUNC));
    }
}

static void emit_elem(Parser *p, const SegmentText *s)
{
    Out *o = begin_entry(p, SEC_ELEM, s->text);
    bool typed = s->exprs && s->type != CODE_FUNCREF;
    bool plain = s->active && s->into == 0 && !typed;
    u32 flags = (s->exprs ? 4 : 0) | (s->active ? 0 : 1);
    if (s->declared || (s->active && !plain))
        flags |= 2;
    buf_u8(&o->b, (u8)flags);
    if (s->active && !plain)
        buf_uleb(&o->b, s->into);
    if (s->active)
        out_append(o, &s->offset);
    if (s->exprs && !plain)
        emit_type(&o->b, s->type);
    else if (!plain)
        buf_u8(&o->b, 0);
    buf_uleb(&o->b, s->count);
    out_append(o, &s->items);
}

static void parse_elem(Parser *p, u32 text)
{
    SegmentText s = {.text = text};
    begin_definition(p, SPACE_ELEM);
    s.declared = take_keyword(p, STR("declare"));
    if (!s.declared && take_paren(p, STR("table"))) {
        s.into = parse_index(p, SPACE_TABLE);
        expect_rparen(p);
        s.active = true;
    } else if (!s.declared && at_kind(p, TOKEN_INT) && peek_at(p, 1)->kind == TOKEN_LPAREN) {
        s.into = parse_index(p, SPACE_TABLE);
    }
    if (s.active || (!s.declared && at_kind(p, TOKEN_LPAREN) && !at_ref_type(p))) {
        s.active = true;
        parse_offset(p, &s.offset);
    }
    if (at_ref_type(p)) {
        s.type = parse_ref_type(p);
        parse_elem_exprs(p, &s);
    } else {
        if (!take_keyword(p, STR("func")) && !s.active)
            parse_unexpected(p, "`func` or a reference type");
        parse_elem_funcs(p, &s);
    }
    expect_rparen(p);
    emit_elem(p, &s);
    segment_release(&s);
}

/* i32.const 0 or i64.const 0. */
static void emit_zero_offset(Out *o, bool is64, u32 text)
{
    out_mark(o, text);
    buf_u8(&o->b, is64 ? OPCODE_I64_CONST : OPCODE_I32_CONST);
    buf_u8(&o->b, 0);
    emit_end(o);
}

static void emit_data(Parser *p, const SegmentText *s)
{
    Out *o = begin_entry(p, SEC_DATA, s->text);
    buf_u8(&o->b, !s->active ? 1 : s->into ? 2 : 0);
    if (s->active && s->into)
        buf_uleb(&o->b, s->into);
    out_append(o, &s->offset);
    buf_sized(&o->b, s->items.b.p, s->items.b.n);
}

static void parse_data_strings(Parser *p, Buf *b)
{
    while (at_kind(p, TOKEN_STRING))
        token_string(p->l, parse_next(p), b);
    expect_rparen(p);
}

static void parse_data(Parser *p, u32 text)
{
    SegmentText s = {.text = text};
    begin_definition(p, SPACE_DATA);
    if (take_paren(p, STR("memory"))) {
        s.into = parse_index(p, SPACE_MEMORY);
        expect_rparen(p);
        s.active = true;
    } else if (at_kind(p, TOKEN_INT)) {
        s.into = parse_index(p, SPACE_MEMORY);
        s.active = true;
    }
    if (s.active || at_kind(p, TOKEN_LPAREN)) {
        s.active = true;
        parse_offset(p, &s.offset);
    }
    parse_data_strings(p, &s.items.b);
    emit_data(p, &s);
    segment_release(&s);
}

/* ---- definitions ---- */

/* Locals in runs of equal types. */
static void emit_locals(Parser *p, Buf *b)
{
    u32 runs = 0, n = p->local_types.n;
    const u64 *t = p->local_types.p;
    for (u32 i = 0; i < n; i++)
        runs += i == 0 || t[i] != t[i - 1];
    buf_uleb(b, runs);
    for (u32 i = 0; i < n;) {
        u32 end = i + 1;
        while (end < n && t[end] == t[i])
            end++;
        buf_uleb(b, end - i);
        emit_type(b, t[i]);
        i = end;
    }
}

static void parse_func(Parser *p, u32 text)
{
    u32 index = begin_definition(p, SPACE_FUNC);
    parse_inline_exports(p, SPACE_FUNC, index);
    if (parse_inline_import(p, SPACE_FUNC, index, text))
        return;
    begin_func(p, index);
    Out *o = begin_entry(p, SEC_FUNC, text);
    buf_uleb(&o->b, parse_typeuse(p, true).type);
    parse_local_decls(p);
    out_reset(&p->body);
    out_mark(&p->body, text);
    emit_locals(p, &p->body.b);
    p->in_func = true;
    parse_instrs(p, &p->body);
    p->in_func = false;
    out_mark(&p->body, peek(p)->at);
    emit_end(&p->body);
    expect_rparen(p);
    o = begin_entry(p, SEC_CODE, text);
    buf_uleb(&o->b, p->body.b.n);
    out_append(o, &p->body);
}

/* reftype (elem ...) behind the address type of a table. */
static void parse_inline_elem(Parser *p, u32 index, u32 text, LimitsText l)
{
    SegmentText s = {.text = peek(p)->at, .active = true, .into = index};
    p->spaces[SPACE_ELEM].next++;
    s.type = parse_ref_type(p);
    expect_paren(p, STR("elem"));
    emit_zero_offset(&s.offset, l.flags & LIMIT_64, s.text);
    if (at_kind(p, TOKEN_LPAREN)) {
        parse_elem_exprs(p, &s);
    } else if (s.type == CODE_FUNCREF) {
        parse_elem_funcs(p, &s);
    } else { /* the items have the table's type, which only expressions can */
        s.exprs = true;
        for (; parse_ok(p) && !at_kind(p, TOKEN_RPAREN); s.count++) {
            out_mark(&s.items, peek(p)->at);
            buf_u8(&s.items.b, 0xd2);
            buf_uleb(&s.items.b, parse_index(p, SPACE_FUNC));
            emit_end(&s.items);
        }
    }
    expect_rparen(p);
    l.flags |= LIMIT_MAX;
    l.min = l.max = s.count;
    Out *o = begin_entry(p, SEC_TABLE, text);
    emit_type(&o->b, s.type);
    emit_limits(&o->b, &l);
    emit_elem(p, &s);
    segment_release(&s);
}

static void parse_table(Parser *p, u32 text)
{
    u32 index = begin_definition(p, SPACE_TABLE);
    parse_inline_exports(p, SPACE_TABLE, index);
    if (parse_inline_import(p, SPACE_TABLE, index, text))
        return;
    LimitsText l = {0};
    u32 back = p->at;
    parse_address_type(p, &l);
    if (at_ref_type(p)) {
        parse_inline_elem(p, index, text, l);
        expect_rparen(p);
        return;
    }
    p->at = back;
    Out *o = begin_entry(p, SEC_TABLE, text);
    u32 at = u32_of(o->b.n);
    parse_table_type(p, &o->b);
    if (!at_kind(p, TOKEN_RPAREN)) {
        static const u8 with_init[] = {0x40, 0x00};
        buf_insert(&o->b, at, with_init, sizeof with_init);
        parse_instrs(p, o);
        emit_end(o);
    }
    expect_rparen(p);
}

/* (data ...) in a memory, which is as large as it takes. */
static void parse_inline_data(Parser *p, u32 index, u32 text, LimitsText l)
{
    SegmentText s = {.text = peek(p)->at, .active = true, .into = index};
    p->spaces[SPACE_DATA].next++;
    emit_zero_offset(&s.offset, l.flags & LIMIT_64, s.text);
    expect_paren(p, STR("data"));
    parse_data_strings(p, &s.items.b);
    u32 page_log2 = l.flags & LIMIT_PAGE_SIZE ? l.page_log2 : PAGE_LOG2;
    u64 n = s.items.b.n, page = (u64)1 << page_log2;
    l.flags |= LIMIT_MAX;
    l.min = l.max = (n >> page_log2) + ((n & (page - 1)) != 0);
    emit_limits(&begin_entry(p, SEC_MEMORY, text)->b, &l);
    emit_data(p, &s);
    segment_release(&s);
}

static void parse_memory(Parser *p, u32 text)
{
    u32 index = begin_definition(p, SPACE_MEMORY);
    parse_inline_exports(p, SPACE_MEMORY, index);
    if (parse_inline_import(p, SPACE_MEMORY, index, text))
        return;
    LimitsText l = {0};
    parse_address_type(p, &l);
    if (at_kind(p, TOKEN_LPAREN)) {
        parse_page_size(p, &l);
        parse_inline_data(p, index, text, l);
    } else {
        parse_memory_limits(p, &l);
        emit_limits(&begin_entry(p, SEC_MEMORY, text)->b, &l);
    }
    expect_rparen(p);
}

static void parse_global(Parser *p, u32 text)
{
    u32 index = begin_definition(p, SPACE_GLOBAL);
    parse_inline_exports(p, SPACE_GLOBAL, index);
    if (parse_inline_import(p, SPACE_GLOBAL, index, text))
        return;
    Out *o = begin_entry(p, SEC_GLOBAL, text);
    parse_global_type(p, &o->b);
    parse_instrs(p, o);
    emit_end(o);
    expect_rparen(p);
}

static void parse_tag(Parser *p, u32 text)
{
    u32 index = begin_definition(p, SPACE_TAG);
    parse_inline_exports(p, SPACE_TAG, index);
    if (parse_inline_import(p, SPACE_TAG, index, text))
        return;
    parse_tag_type(p, &begin_entry(p, SEC_TAG, text)->b);
    expect_rparen(p);
}

static void parse_import(Parser *p, u32 text)
{
    parse_import_names(p, text);
    expect_lparen(p);
    Space s = space_at(p);
    if (s < SPACE_FUNC || s > SPACE_TAG) {
        parse_unexpected(p, "`func`, `table`, `memory`, `global` or `tag`");
        return;
    }
    p->at++;
    u32 index = begin_definition(p, s);
    parse_extern_type(p, s, index, &p->sections[SEC_IMPORT].out.b);
    expect_rparen(p);
    expect_rparen(p);
}

static void parse_export(Parser *p, u32 text)
{
    Str name = parse_name(p);
    expect_lparen(p);
    Space s = space_at(p);
    if (s < SPACE_FUNC || s > SPACE_TAG) {
        parse_unexpected(p, "`func`, `table`, `memory`, `global` or `tag`");
        return;
    }
    p->at++;
    u32 index = parse_index(p, s);
    expect_rparen(p);
    expect_rparen(p);
    emit_export(p, text, name, s, index);
}

static void parse_start(Parser *p, u32 text)
{
    if (p->sections[SEC_START].count > 0) {
        const Token t = {.at = text};
        parse_fail(p, &t, "multiple start sections");
        return;
    }
    Out *o = begin_entry(p, SEC_START, text);
    buf_uleb(&o->b, parse_index(p, SPACE_FUNC));
    expect_rparen(p);
}

static void parse_field(Parser *p)
{
    static const struct {
        const char *word;
        void (*parse)(Parser *p, u32 text);
    } kinds[] = {
        {"func", parse_func},     {"import", parse_import}, {"export", parse_export},
        {"global", parse_global}, {"table", parse_table},   {"memory", parse_memory},
        {"data", parse_data},     {"elem", parse_elem},     {"start", parse_start},
        {"tag", parse_tag},
    };
    u32 text = peek(p)->at;
    expect_lparen(p);
    for (usize i = 0; i < ARRAY_LEN(kinds); i++)
        if (take_keyword(p, str_of(kinds[i].word))) {
            kinds[i].parse(p, text);
            return;
        }
    parse_unexpected(p, "a module field");
}

void parse_fields(Parser *p, u32 end, bool types)
{
    while (parse_ok(p) && p->at < end) {
        bool is_type = at_paren(p, STR("type")) || at_paren(p, STR("rec"));
        if (!types)
            parse_custom_annotations(p);
        if (is_type == types)
            (types ? parse_type_field : parse_field)(p);
        else if (at_kind(p, TOKEN_LPAREN))
            skip_paren(p);
        else
            parse_unexpected(p, "a module field");
    }
    if (!types && parse_ok(p))
        parse_custom_annotations(p);
}
