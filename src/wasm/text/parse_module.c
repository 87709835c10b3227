/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A whole module: the order of the walks, and the sections put together. Also what a .wat file can
 * be besides a list of fields: `(module ...)` and `(module binary ...)`.
 */
#include "wasm/text/parser.h"

/* Ids of the binary format; 0 for the places before and after all sections. */
static const u8 section_ids[SEC_COUNT] = {
    [SEC_TYPE] = 1,        [SEC_IMPORT] = 2, [SEC_FUNC] = 3,   [SEC_TABLE] = 4, [SEC_MEMORY] = 5,
    [SEC_TAG] = 13,        [SEC_GLOBAL] = 6, [SEC_EXPORT] = 7, [SEC_START] = 8, [SEC_ELEM] = 9,
    [SEC_DATA_COUNT] = 12, [SEC_CODE] = 10,  [SEC_DATA] = 11,
};

static const u8 header[] = {0, 'a', 's', 'm', 1, 0, 0, 0};

static void put_customs(const Parser *p, u32 place, Buf *out)
{
    for (u32 i = 0; i < p->customs.n; i++) {
        const CustomText *c = &p->customs.p[i];
        if (c->place != place)
            continue;
        buf_section(out, 0, &c->bytes);
    }
}

static void put_section(Parser *p, Sec s, Buf *out, TextMap *map)
{
    Section *sec = &p->sections[s];
    Buf count = {0};
    /* An instruction that names a data segment needs the count even if it is 0. */
    bool needed = sec->count != 0 || (s == SEC_DATA_COUNT && p->needs_data_count);
    if (!needed || section_ids[s] == 0)
        return;
    if (s != SEC_START)
        buf_uleb(&count, sec->count);
    buf_u8(out, section_ids[s]);
    buf_uleb(out, count.n + sec->out.b.n);
    buf_bytes(out, count.p, count.n);
    u32 base = u32_of(out->n);
    for (u32 i = 0; map && i < sec->out.marks.n; i++) {
        TextMark m = sec->out.marks.p[i];
        vec_push(map, ((TextMark){base + m.binary, m.text}));
    }
    buf_bytes(out, sec->out.b.p, sec->out.b.n);
    buf_release(&count);
    out_release(&sec->out); /* early: sections are large */
}

void parse_module_fields(Parser *p, u32 end, Buf *out, TextMap *map)
{
    u32 first = p->at;
    parse_name_annotation(p, &p->module_name, "module");
    bind_fields(p, end);
    for (u32 walk = 0; walk < 2; walk++) {
        if (!parse_ok(p))
            return;
        p->at = first;
        parse_fields(p, end, walk == 0);
    }
    check_late_typeuses(p);
    check_annotations(p, first, end);
    if (!parse_ok(p))
        return;
    make_hint_section(p);
    if (!p->options.no_names)
        make_name_section(p);
    if (p->needs_data_count)
        p->sections[SEC_DATA_COUNT].count = p->sections[SEC_DATA].count;
    if (map)
        vec_push(map, ((TextMark){u32_of(out->n), p->l->tokens.p[first].at}));
    buf_bytes(out, header, sizeof header);
    for (u32 s = 0; s < SEC_COUNT; s++) {
        put_customs(p, s * 2, out);
        put_section(p, (Sec)s, out, map);
        put_customs(p, s * 2 + 1, out);
    }
}

/* `(module $id? ...)` or fields. */
static void parse_file(Parser *p, Buf *out, TextMap *map)
{
    u32 end = p->l->tokens.n - LEXER_PADDING;
    if (!at_paren(p, STR("module"))) {
        parse_module_fields(p, end, out, map);
        return;
    }
    u32 close = peek(p)->len;
    p->at += 2;
    p->module_name = parse_id(p);
    if (take_keyword(p, STR("binary"))) {
        while (at_kind(p, TOKEN_STRING))
            token_string(p->l, parse_next(p), out);
    } else {
        parse_module_fields(p, close, out, map);
    }
    expect_rparen(p);
    if (parse_ok(p) && p->at != end)
        parse_unexpected(p, "the end of the text");
}

bool text_parse_module(Str source, const TextOptions *o, Buf *ret_binary, TextMap *ret_map,
                       Diag *diag)
{
    Lexer l;
    Parser p;
    Buf out = {0};
    TextMap map = {0};
    lexer_init(&l, source, o && o->any_unicode);
    parser_init(&p, &l, o, diag);
    if (at_paren(&p, STR("component")))
        diag_set(diag, DIAG_UNSUPPORTED, peek(&p)->at, "expected a module, not a component");
    else
        parse_file(&p, &out, ret_map ? &map : NULL);
    parser_release(&p);
    lexer_release(&l);
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
