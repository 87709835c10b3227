/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Every limit of limits.def: its value is fine, one more is not. */
#include "unit/wasm/wasm_fixture.h"
#include "wasm/read.h"

/* A section of `count` and then `n` times the same bytes. */
static void repeat_section(Buf *b, u8 id, u32 count, const char *hex, u32 n)
{
    Buf item = {0}, payload = {0};
    wasm_hex(&item, hex);
    buf_uleb(&payload, count);
    buf_reserve(&payload, item.n * n);
    for (u32 i = 0; i < n; i++)
        buf_bytes(&payload, item.p, item.n);
    wasm_section(b, id, &payload);
    buf_release(&item);
    buf_release(&payload);
}

/* Header, optional sections in hexadecimal, then a section with `n` items of the same bytes. */
static void make_items(Buf *b, const char *before, u8 id, const char *item, u32 n)
{
    b->n = 0;
    wasm_begin(b);
    wasm_hex(b, before);
    repeat_section(b, id, n, item, n);
}

static void expect_limit(int line, const Buf *b, const char *message)
{
    wasm_expect_error(__FILE__, line, b, wasm_all_features(), DIAG_LIMIT, -1, message);
}

static void check_items(int line, const char *before, u8 id, const char *item, u32 limit)
{
    Buf b = {0};
    make_items(&b, before, id, item, limit);
    wasm_drop(wasm_decode_ok(__FILE__, line, &b, wasm_all_features()));
    make_items(&b, before, id, item, limit + 1);
    expect_limit(line, &b, "too many");
    buf_release(&b);
}

#define CHECK_ITEMS(before, id, item, limit) check_items(__LINE__, before, id, item, limit)

TEST(limits_of_sections)
{
    CHECK_ITEMS("", 1, "60 00 00", LIMIT_TYPES);
    CHECK_ITEMS("01 [01 60 00 00]", 2, "00 00 00 00", LIMIT_IMPORTS);
    CHECK_ITEMS("", 4, "70 00 00", LIMIT_TABLES);
    CHECK_ITEMS("", 5, "00 00", LIMIT_MEMORIES);
    CHECK_ITEMS("01 [01 60 00 00]", 13, "00 00", LIMIT_TAGS);
    CHECK_ITEMS("", 6, "7f 00 41 00 0b", LIMIT_GLOBALS);
    CHECK_ITEMS("", 9, "01 00 00", LIMIT_ELEM_SEGMENTS);
    CHECK_ITEMS("", 11, "01 00", LIMIT_DATA_SEGMENTS);
}

TEST(limits_imports_count_in_their_space)
{
    Buf b = {0};
    for (u32 more = 0; more < 2; more++) {
        b.n = 0;
        wasm_begin(&b);
        wasm_hex(&b, "01 [01 60 00 00] 02 [01 00 00 01 70 00 00]");
        repeat_section(&b, 4, LIMIT_TABLES - 1 + more, "70 00 00", LIMIT_TABLES - 1 + more);
        if (more)
            expect_limit(__LINE__, &b, "too many tables");
        else
            wasm_drop(DECODE_OK(&b));
    }
    buf_release(&b);
}

TEST(limits_functions)
{
    Buf b = {0};
    make_items(&b, "01 [01 60 00 00]", 3, "00", LIMIT_FUNCTIONS);
    repeat_section(&b, 10, LIMIT_FUNCTIONS, "02 00 0b", LIMIT_FUNCTIONS);
    WasmModule *m = DECODE_OK(&b);
    EXPECT_EQ(m->nfuncs, LIMIT_FUNCTIONS);
    wasm_drop(m);
    make_items(&b, "01 [01 60 00 00]", 3, "00", LIMIT_FUNCTIONS + 1);
    expect_limit(__LINE__, &b, "too many functions");
    buf_release(&b);
}

TEST(limits_exports)
{
    Buf b = {0};
    for (u32 more = 0; more < 2; more++) {
        u32 n = LIMIT_EXPORTS + more;
        Buf payload = {0};
        buf_uleb(&payload, n);
        for (u32 i = 0; i < n; i++) {
            buf_u8(&payload, 7);
            buf_printf(&payload, "%07x", i);
            buf_bytes(&payload, "\x02\x00", 2);
        }
        b.n = 0;
        wasm_begin(&b);
        wasm_hex(&b, "05 [01 00 00]");
        wasm_section(&b, 7, &payload);
        if (more)
            expect_limit(__LINE__, &b, "too many exports");
        else
            wasm_drop(DECODE_OK(&b));
        buf_release(&payload);
    }
    buf_release(&b);
}

/* A type section with one type: bytes, a count, `n` items, bytes. */
static void one_type(Buf *b, const char *before, u32 n, u8 item, u32 item_size, const char *after)
{
    Buf payload = {0};
    wasm_hex(&payload, before);
    buf_uleb(&payload, n);
    for (u32 i = 0; i < n; i++) {
        buf_u8(&payload, item);
        for (u32 k = 1; k < item_size; k++)
            buf_u8(&payload, 0);
    }
    wasm_hex(&payload, after);
    b->n = 0;
    wasm_begin(b);
    wasm_section(b, 1, &payload);
    buf_release(&payload);
}

TEST(limits_of_types)
{
    Buf b = {0};
    one_type(&b, "01 60", LIMIT_PARAMS, 0x7f, 1, "00");
    wasm_drop(DECODE_OK(&b));
    one_type(&b, "01 60", LIMIT_PARAMS + 1, 0x7f, 1, "00");
    expect_limit(__LINE__, &b, "too many parameters");
    one_type(&b, "01 60 00", LIMIT_RESULTS, 0x7e, 1, "");
    wasm_drop(DECODE_OK(&b));
    one_type(&b, "01 60 00", LIMIT_RESULTS + 1, 0x7e, 1, "");
    expect_limit(__LINE__, &b, "too many results");
    one_type(&b, "01 5f", LIMIT_STRUCT_FIELDS, 0x78, 2, "");
    wasm_drop(DECODE_OK(&b));
    one_type(&b, "01 5f", LIMIT_STRUCT_FIELDS + 1, 0x78, 2, "");
    expect_limit(__LINE__, &b, "too many fields");
    buf_release(&b);
}

TEST(limits_depth_of_supertypes)
{
    Buf b = {0};
    for (u32 more = 0; more < 2; more++) {
        u32 n = LIMIT_SUBTYPE_DEPTH + 1 + more; /* the first has no supertype */
        Buf payload = {0};
        buf_uleb(&payload, n);
        wasm_hex(&payload, "50 00 5f 00");
        for (u32 i = 1; i < n; i++) {
            buf_bytes(&payload, "\x50\x01", 2);
            buf_uleb(&payload, i - 1);
            buf_bytes(&payload, "\x5f\x00", 2);
        }
        b.n = 0;
        wasm_begin(&b);
        wasm_section(&b, 1, &payload);
        if (more)
            expect_limit(__LINE__, &b, "sub type hierarchy too deep");
        else
            wasm_drop(DECODE_OK(&b));
        buf_release(&payload);
    }
    buf_release(&b);
}

/* Types are counted over all groups, and the last one is a type like any other. */
TEST(limits_types_in_groups)
{
    Buf b = {0};
    for (u32 more = 0; more < 2; more++) {
        u32 singles = LIMIT_TYPES - 20 + more;
        Buf payload = {0};
        buf_uleb(&payload, singles + 1);
        for (u32 i = 0; i < singles; i++)
            buf_bytes(&payload, "\x5f\x00", 2);
        wasm_hex(&payload, "4e 14");
        for (u32 i = 0; i < 20; i++)
            buf_bytes(&payload, i == 19 ? "\x60\x00\x00" : "\x5f\x00\x00", i == 19 ? 3 : 2);
        b.n = 0;
        wasm_begin(&b);
        wasm_section(&b, 1, &payload);
        /* One function of the last type that tests a reference against it. */
        wasm_hex(&b, "03 [01 bf 84 3d] 0a [01 [00 d0 70 fb 15 bf 84 3d 1a 0b]]");
        if (more) {
            expect_limit(__LINE__, &b, "too many types");
        } else {
            WasmModule *m = DECODE_OK(&b);
            EXPECT_EQ(m->funcs[0].type, m->types[LIMIT_TYPES - 1]);
            EXPECT(m->types[0] != m->types[LIMIT_TYPES - 1]);
            wasm_drop(m);
        }
        buf_release(&payload);
    }
    /* A million empty groups are a million times nothing. */
    make_items(&b, "", 1, "4e 00", LIMIT_TYPES);
    WasmModule *m = DECODE_OK(&b);
    EXPECT_EQ(m->ntypes, 0);
    wasm_drop(m);
    buf_release(&b);
}

static void one_body(Buf *b, const char *type, const Buf *body)
{
    Buf payload = {0};
    b->n = 0;
    wasm_begin(b);
    wasm_hex(b, type);
    wasm_hex(b, "03 [01 00]");
    buf_u8(&payload, 1);
    buf_uleb(&payload, body->n);
    buf_bytes(&payload, body->p, body->n);
    wasm_section(b, 10, &payload);
    buf_release(&payload);
}

TEST(limits_of_bodies)
{
    Buf b = {0}, body = {0};
    for (u32 more = 0; more < 2; more++) {
        body.n = 0;
        buf_u8(&body, 0);
        for (u32 i = 0; i < LIMIT_BODY_SIZE - 2 + more; i++)
            buf_u8(&body, 0x01);
        buf_u8(&body, 0x0b);
        one_body(&b, "01 [01 60 00 00]", &body);
        if (more)
            expect_limit(__LINE__, &b, "function body too big");
        else
            wasm_drop(DECODE_OK(&b));
    }
    buf_release(&b);
    buf_release(&body);
}

TEST(limits_of_locals)
{
    Buf b = {0};
    /* 50,000 alone; 49,999 and a parameter; one more of each. */
    wasm_one_func(&b, "60 00 00", "02 cf 86 03 7f 01 7e 0b");
    wasm_drop(DECODE_OK(&b));
    b.n = 0;
    wasm_one_func(&b, "60 01 7f 00", "01 cf 86 03 7f 0b");
    wasm_drop(DECODE_OK(&b));
    b.n = 0;
    wasm_one_func(&b, "60 00 00", "02 cf 86 03 7f 02 7e 0b");
    expect_limit(__LINE__, &b, "too many locals");
    b.n = 0;
    wasm_one_func(&b, "60 01 7f 00", "01 d0 86 03 7f 0b");
    expect_limit(__LINE__, &b, "too many locals");
    buf_release(&b);
}

TEST(limits_of_instructions)
{
    Buf b = {0}, body = {0};
    for (u32 more = 0; more < 2; more++) {
        body.n = 0;
        wasm_hex(&body, "00 00 fb 08 01"); /* unreachable array.new_fixed */
        buf_uleb(&body, LIMIT_ARRAY_FIXED + more);
        wasm_hex(&body, "1a 0b");
        one_body(&b, "01 [02 60 00 00 5e 7f 00]", &body);
        if (more)
            expect_limit(__LINE__, &b, "array.new_fixed too long");
        else
            wasm_drop(DECODE_OK(&b));
        body.n = 0;
        wasm_hex(&body, "00 1f 40");
        buf_uleb(&body, LIMIT_CATCHES + more);
        for (u32 i = 0; i < LIMIT_CATCHES + more; i++)
            wasm_hex(&body, "02 00");
        wasm_hex(&body, "0b 0b");
        one_body(&b, "01 [01 60 00 00]", &body);
        if (more)
            expect_limit(__LINE__, &b, "too many catch clauses");
        else
            wasm_drop(DECODE_OK(&b));
    }
    buf_release(&b);
    buf_release(&body);
}

/* Calls with a thousand results pile up operands faster than their bytes. */
TEST(limits_operand_stack)
{
    Buf b = {0}, body = {0};
    for (u32 more = 0; more < 2; more++) {
        body.n = 0;
        buf_u8(&body, 0);
        for (u32 i = 0; i < LIMIT_OPERANDS / LIMIT_RESULTS + more; i++)
            wasm_hex(&body, "10 00");
        wasm_hex(&body, "00 0b");
        Buf type = {0};
        wasm_hex(&type, "01 60 00");
        buf_uleb(&type, LIMIT_RESULTS);
        for (u32 i = 0; i < LIMIT_RESULTS; i++)
            buf_u8(&type, 0x7f);
        b.n = 0;
        wasm_begin(&b);
        wasm_section(&b, 1, &type);
        wasm_hex(&b, "03 [01 00]");
        type.n = 0;
        buf_u8(&type, 1);
        buf_uleb(&type, body.n);
        buf_bytes(&type, body.p, body.n);
        wasm_section(&b, 10, &type);
        if (more) {
            expect_limit(__LINE__, &b, "operand stack too deep");
        } else {
            wasm_drop(DECODE_OK(&b));
        }
        buf_release(&type);
    }
    buf_release(&b);
    buf_release(&body);
}

TEST(limits_of_names_and_sizes)
{
    Buf b = {0};
    for (u32 more = 0; more < 2; more++) {
        Buf payload = {0};
        buf_uleb(&payload, LIMIT_STRING + more);
        for (u32 i = 0; i < LIMIT_STRING + more; i++)
            buf_u8(&payload, 'x');
        b.n = 0;
        wasm_begin(&b);
        wasm_section(&b, 0, &payload);
        if (more)
            expect_limit(__LINE__, &b, "name too long");
        else
            wasm_drop(DECODE_OK(&b));
        buf_release(&payload);
    }
    /* Refused before a byte is read or copied. */
    Diag d;
    DecodeOptions o = {.features = features_default()};
    TypeRegistry *r = types_new();
    EXPECT(!module_decode(r, &o, b.p, (usize)LIMIT_MODULE_SIZE + 1, &d));
    EXPECT_EQ(d.kind, DIAG_LIMIT);
    types_free(r);
    buf_release(&b);
}
