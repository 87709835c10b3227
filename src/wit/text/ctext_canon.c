/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Canonical definitions, by the table of component_canons.def.
 *
 * Source: https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
 */
#include "wit/text/ctext_priv.h"

#define SHAPE_LIFT AFTER_LIFT
#define SHAPE_LOWER AFTER_LOWER
#define SHAPE_TASK_RETURN AFTER_TASK_RETURN
#define SHAPE_CONTEXT AFTER_CONTEXT
#define SHAPE_RESOURCE AFTER_TYPE
#define SHAPE_PLAIN(sig) AFTER_NONE
#define SHAPE_TYPE(of, sig) AFTER_TYPE
#define SHAPE_TRANSFER(of) AFTER_TRANSFER
#define SHAPE_CANCEL(of) AFTER_CANCEL
#define SHAPE_ASYNC_FLAG(sig) AFTER_ASYNC
#define SHAPE_CANCELLABLE(sig) AFTER_CANCELLABLE
#define SHAPE_WAIT AFTER_WAIT
#define SHAPE_OPTIONS(sig) AFTER_OPTIONS
#define SHAPE_INDIRECT AFTER_INDIRECT

static const struct {
    const char *word;
    u8 code, immediates;
} canons[CANON_COUNT] = {
#define CANON(id, code, text, feature, shape) {text, code, SHAPE_##shape},
#include "wit/component_canons.def"
#undef CANON
};

CanonImmediates ctext_canon_immediates(CanonKind k)
{
    return (CanonImmediates)canons[k].immediates;
}

/* ---- options ---- */

static const struct {
    const char *word;
    u8 code;
} flags[] = {{"string-encoding=utf8", 0},
             {"string-encoding=utf16", 1},
             {"string-encoding=latin1+utf16", 2},
             {"async", 6},
             {"gc", 9}};

static const struct {
    const char *word;
    u8 code, sort;
} references[] = {{"memory", 3, SORT_CORE_MEMORY},
                  {"realloc", 4, SORT_CORE_FUNC},
                  {"post-return", 5, SORT_CORE_FUNC},
                  {"callback", 7, SORT_CORE_FUNC},
                  {"core-type", 8, SORT_CORE_TYPE}};

/* `x`, `x "name"` (memories once were written so) or (core sort item) */
static u32 option_item(CText *c, Sort s)
{
    if (!at_index(&c->p))
        return ctext_paren_item(c, s);
    return s == SORT_CORE_MEMORY ? ctext_item(c, s) : ctext_index(c, s);
}

/* One option if there is one. */
static bool option(CText *c, Buf *b)
{
    Parser *p = &c->p;
    for (usize i = 0; i < ARRAY_LEN(flags); i++) {
        if (take_keyword(p, str_of(flags[i].word))) {
            buf_u8(b, flags[i].code);
            return true;
        }
    }
    for (usize i = 0; i < ARRAY_LEN(references); i++) {
        if (take_paren(p, str_of(references[i].word))) {
            buf_u8(b, references[i].code);
            buf_uleb(b, option_item(c, (Sort)references[i].sort));
            expect_rparen(p);
            return true;
        }
    }
    return false;
}

static void options(CText *c, Buf *out)
{
    Buf b = {0};
    u32 n = 0;
    while (option(c, &b))
        n++;
    buf_uleb(out, n);
    buf_bytes(out, b.p, b.n);
    buf_release(&b);
}

/* ---- definitions ---- */

void ctext_lift(CText *c, Buf *b, u32 type)
{
    if (!take_keyword(&c->p, STR("lift")))
        parse_unexpected(&c->p, "`lift`");
    buf_u8(b, 0);
    buf_u8(b, 0);
    buf_uleb(b, ctext_paren_item(c, SORT_CORE_FUNC));
    options(c, b);
    buf_uleb(b, type);
}

static void flag(CText *c, Buf *b, Str word)
{
    buf_u8(b, take_keyword(&c->p, word));
}

static void immediates(CText *c, CanonImmediates k, Buf *b)
{
    Parser *p = &c->p;
    switch (k) {
    case AFTER_LIFT:
    case AFTER_NONE:
        break;
    case AFTER_LOWER:
        buf_u8(b, 0);
        buf_uleb(b, ctext_paren_item(c, SORT_FUNC));
        options(c, b);
        break;
    case AFTER_TASK_RETURN:
        ctext_result(c, b);
        options(c, b);
        break;
    case AFTER_CONTEXT:
        emit_type(b, parse_value_type(p));
        buf_uleb(b, parse_u32(p));
        break;
    case AFTER_TYPE:
        buf_uleb(b, ctext_index_or_item(c, SORT_TYPE));
        break;
    case AFTER_TRANSFER:
        buf_uleb(b, ctext_index_or_item(c, SORT_TYPE));
        options(c, b);
        break;
    case AFTER_CANCEL:
        buf_uleb(b, ctext_index_or_item(c, SORT_TYPE));
        flag(c, b, STR("async"));
        break;
    case AFTER_ASYNC:
        flag(c, b, STR("async"));
        break;
    case AFTER_CANCELLABLE:
        flag(c, b, STR("cancellable"));
        break;
    case AFTER_WAIT:
        flag(c, b, STR("cancellable"));
        expect_paren(p, STR("memory"));
        buf_uleb(b, option_item(c, SORT_CORE_MEMORY));
        expect_rparen(p);
        break;
    case AFTER_OPTIONS:
        options(c, b);
        break;
    case AFTER_INDIRECT:
        buf_uleb(b, ctext_index_or_item(c, SORT_CORE_TYPE));
        buf_uleb(b, ctext_index_or_item(c, SORT_CORE_TABLE));
        break;
    }
}

void ctext_canon_core(CText *c, Buf *b)
{
    for (u32 i = 0; i < CANON_COUNT; i++) {
        if (i == CANON_lift || !take_keyword(&c->p, str_of(canons[i].word)))
            continue;
        buf_u8(b, canons[i].code);
        immediates(c, (CanonImmediates)canons[i].immediates, b);
        return;
    }
    parse_unexpected(&c->p, "a canonical definition");
}
