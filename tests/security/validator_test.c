/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Attacks on validators that were published against one runtime or another. */
#include "unit/wasm/wasm_fixture.h"

#include <stdio.h>

static void refused(int line, const char *type, const char *body, DiagKind kind,
                    const char *message)
{
    Buf b = {0};
    wasm_one_func(&b, type, body);
    wasm_expect_error(__FILE__, line, &b, wasm_all_features(), kind, -1, message);
    buf_release(&b);
}

#define REFUSED(type, body, kind, message) refused(__LINE__, type, body, kind, message)

static void sections_refused(int line, const char *hex, DiagKind kind, const char *message)
{
    Buf b = {0};
    wasm_begin(&b);
    wasm_hex(&b, hex);
    wasm_expect_error(__FILE__, line, &b, wasm_all_features(), kind, -1, message);
    buf_release(&b);
}

#define SECTIONS_REFUSED(hex, kind, message) sections_refused(__LINE__, hex, kind, message)

static void sections_accepted(const char *hex)
{
    Buf b = {0};
    wasm_begin(&b);
    wasm_hex(&b, hex);
    wasm_drop(DECODE_OK(&b));
    buf_release(&b);
}

/* Block types that are no type: every unassigned code, an index that does not exist, odd LEBs. */
TEST(security_block_types)
{
    static const u8 value_types[] = {0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x75, 0x74, 0x73, 0x72, 0x71,
                                     0x70, 0x6f, 0x6e, 0x6d, 0x6c, 0x6b, 0x6a, 0x69, 0x68};
    for (u32 code = 0x41; code < 0x80; code++) {
        if (memchr(value_types, (int)code, sizeof value_types) || code == 0x63 || code == 0x64)
            continue;
        char body[64];
        snprintf(body, sizeof body, "00 02 %02x 00 0b 0b", code);
        REFUSED("60 00 00", body, DIAG_MALFORMED, "malformed value type");
    }
    REFUSED("60 00 00", "00 02 01 00 0b 0b", DIAG_INVALID, "unknown type 1");
    REFUSED("60 00 00", "00 02 80 80 80 80 08 00 0b 0b", DIAG_INVALID, "unknown type 2147483648");
    REFUSED("60 00 00", "00 02 80 80 80 80 80 00 00 0b 0b", DIAG_MALFORMED,
            "integer representation too long");
    REFUSED("60 00 00", "00 02 80 80 80 80 20 00 0b 0b", DIAG_MALFORMED, "integer too large");
    REFUSED("60 00 00", "00 02 ff 7f 00 0b 0b", DIAG_MALFORMED, "malformed block type");
    REFUSED("5f 00", "00 02 00 00 0b 0b", DIAG_INVALID, "type mismatch");
}

/* Index of the memory one beyond the last, in every instruction that names one. */
TEST(security_memory_index)
{
    u32 tried = 0;
    for (u32 op = 0; op < OP_COUNT; op++) {
        const OpInfo *o = &op_infos[op];
        char imm[32];
        if (o->imm == IMM_MEMARG || o->imm == IMM_MEMARG_LANE)
            snprintf(imm, sizeof imm, "%02x 01 00 00", 0x40 | op_access_log2((OpId)op));
        else if (o->imm == IMM_MEMORY)
            snprintf(imm, sizeof imm, "01 1a");
        else if (o->imm == IMM_MEMORY2)
            snprintf(imm, sizeof imm, "00 01");
        else
            continue;
        Buf body = {0}, b = {0}, section = {0};
        wasm_hex(&body, "00 00"); /* no locals; unreachable */
        if (o->prefix)
            buf_u8(&body, o->prefix);
        if (o->prefix)
            buf_uleb(&body, o->code);
        else
            buf_u8(&body, (u8)o->code);
        wasm_hex(&body, imm);
        wasm_hex(&body, "00 0b");
        wasm_begin(&b);
        wasm_hex(&b, "01 [01 60 00 00] 03 [01 00] 05 [01 00 01]");
        buf_u8(&section, 1);
        buf_uleb(&section, body.n);
        buf_bytes(&section, body.p, body.n);
        wasm_section(&b, 10, &section);
        EXPECT_ERROR(&b, DIAG_INVALID, -1, "unknown memory 1");
        tried++;
        buf_release(&b);
        buf_release(&body);
        buf_release(&section);
    }
    EXPECT_EQ(tried, 115);
    /* A segment of the second memory, the first of which is imported. */
    sections_accepted("02 [01 [65] [6d] 02 00 01] 05 [01 00 01] 0b [01 02 01 41 00 0b 00]");
}

/*
 * Behind `unreachable` each instruction with all its immediates 0: a verdict, and where it is
 * valid, the stack has what the signature says.
 */
TEST(security_every_instruction_behind_unreachable)
{
    u32 valid = 0;
    for (u32 op = 0; op < OP_COUNT; op++) {
        const OpInfo *o = &op_infos[op];
        Buf b = {0}, section = {0}, body = {0};
        wasm_hex(&body, "00 00");
        if (o->prefix) {
            buf_u8(&body, o->prefix);
            buf_uleb(&body, o->code);
        } else {
            buf_u8(&body, (u8)o->code);
        }
        if (o->imm == IMM_MEMARG || o->imm == IMM_MEMARG_LANE)
            buf_u8(&body, (u8)op_access_log2((OpId)op));
        static const u8 zeros[20];
        buf_bytes(&body, zeros,
                  o->imm == IMM_V128 || o->imm == IMM_SHUFFLE ? 16
                  : o->imm == IMM_F64                         ? 8
                  : o->imm == IMM_F32                         ? 4
                                                              : 3);
        wasm_hex(&body, "0b");
        wasm_begin(&b);
        wasm_hex(&b, "01 [01 60 00 00] 03 [01 00] 04 [01 70 00 01] 05 [01 00 01] 0d [01 00 00] "
                     "06 [01 7f 01 41 00 0b] 09 [01 01 00 01 00] 0c [01]");
        buf_u8(&section, 1);
        buf_uleb(&section, body.n);
        buf_bytes(&section, body.p, body.n);
        wasm_section(&b, 10, &section);
        wasm_hex(&b, "0b [01 01 00]");
        Diag d;
        DecodeOptions options = {.features = wasm_all_features()};
        TypeRegistry *r = types_new();
        WasmModule *m = module_decode(r, &options, b.p, b.n, &d);
        valid += m != NULL;
        EXPECT(m || d.msg[0]);
        module_free(m);
        types_free(r);
        buf_release(&b);
        buf_release(&section);
        buf_release(&body);
    }
    EXPECT(valid > 20);
}

TEST(security_typing_behind_unreachable)
{
    /* br_table to labels of unlike arity. */
    REFUSED("60 00 00", "00 02 40 02 7f 00 41 00 0e 01 00 01 0b 1a 0b 0b", DIAG_INVALID,
            "type mismatch");
    /* select of references, select of no type and of two. */
    REFUSED("60 00 00", "00 00 d0 70 d0 70 41 00 1b 1a 0b", DIAG_INVALID, "type mismatch");
    REFUSED("60 00 00", "00 00 1c 00 1a 0b", DIAG_INVALID, "invalid result arity");
    REFUSED("60 00 00", "00 00 1c 02 7f 7f 1a 0b", DIAG_INVALID, "invalid result arity");
    /* a catch clause whose label takes something else; br_on_null of a number. */
    REFUSED("60 00 00", "00 02 7f 1f 40 01 02 00 0b 00 0b 1a 0b", DIAG_INVALID, "type mismatch");
    REFUSED("60 00 00", "00 00 41 00 d5 00 0b", DIAG_INVALID, "type mismatch");
    /* values left over even though nothing is reached. */
    REFUSED("60 00 00", "00 00 41 00 0b", DIAG_INVALID, "type mismatch");
    REFUSED("60 00 00", "00 02 40 00 41 00 0b 0b", DIAG_INVALID, "type mismatch");
    REFUSED("60 00 00", "00 00 42 00 41 00 6a 1a 0b", DIAG_INVALID, "type mismatch");
}

TEST(security_operand_height_of_block_params)
{
    /* 10 20 30 (block (param i32 i32) (result i32) i32.add) drop leaves one operand. */
    Buf b = {0};
    wasm_begin(&b);
    wasm_hex(&b, "01 [02 60 00 01 7f 60 02 7f 7f 01 7f] 03 [01 00] "
                 "0a [01 [00 41 0a 41 14 41 1e 02 01 6a 0b 1a 0b]]");
    wasm_drop(DECODE_OK(&b));
    buf_release(&b);
    /* The block must not reach below its parameters. */
    SECTIONS_REFUSED("01 [02 60 00 01 7f 60 02 7f 7f 01 7f] 03 [01 00] "
                     "0a [01 [00 41 0a 41 14 41 1e 02 01 6a 6a 0b 0b]]",
                     DIAG_INVALID, "type mismatch: expected i32 but nothing on stack");
}

TEST(security_locals_without_default)
{
    REFUSED("60 00 00", "01 01 64 70 20 00 1a 0b", DIAG_INVALID, "uninitialized local");
    /* Set in a block only, then read outside. */
    SECTIONS_REFUSED("01 [01 60 00 00] 03 [01 00] 09 [01 03 00 01 00] "
                     "0a [01 [01 01 64 70 02 40 d2 00 21 00 0b 20 00 1a 0b]]",
                     DIAG_INVALID, "uninitialized local");
    sections_accepted("01 [01 60 00 00] 03 [01 00] 09 [01 03 00 01 00] "
                      "0a [01 [01 01 64 70 d2 00 21 00 20 00 1a 0b]]");
}

TEST(security_constant_expressions)
{
    /* No value, two values, a later global, the global itself, a mutable one, a call. */
    SECTIONS_REFUSED("06 [01 7f 00 0b]", DIAG_INVALID, "type mismatch");
    SECTIONS_REFUSED("06 [01 7f 00 41 00 41 00 0b]", DIAG_INVALID, "type mismatch");
    SECTIONS_REFUSED("06 [02 7f 00 23 01 0b 7f 00 41 00 0b]", DIAG_INVALID, "unknown global 1");
    SECTIONS_REFUSED("06 [01 7f 00 23 00 0b]", DIAG_INVALID, "unknown global 0");
    SECTIONS_REFUSED("06 [02 7f 01 41 00 0b 7f 00 23 00 0b]", DIAG_INVALID,
                     "constant expression required");
    SECTIONS_REFUSED("06 [01 7f 00 41 00 41 00 6e 0b]", DIAG_INVALID,
                     "constant expression required");
    SECTIONS_REFUSED("01 [01 5e 7f 00] 06 [01 63 00 00 41 00 fb 08 00 91 4e 0b]", DIAG_LIMIT,
                     "array.new_fixed too long");
}

/* A long chain of additions in a constant expression. */
TEST(security_deep_constant_expression)
{
    enum { N = 100000 };
    Buf section = {0}, b = {0};
    wasm_hex(&section, "01 7f 00 41 01");
    for (u32 i = 0; i < N; i++)
        wasm_hex(&section, "41 01");
    for (u32 i = 0; i < N; i++)
        buf_u8(&section, 0x6a);
    buf_u8(&section, 0x0b);
    wasm_begin(&b);
    wasm_section(&b, 6, &section);
    wasm_drop(DECODE_OK(&b));
    buf_release(&b);
    buf_release(&section);
}

TEST(security_supertypes)
{
    /* Itself, a later one, a final one, one of another kind, one that does not match. */
    SECTIONS_REFUSED("01 [01 50 01 00 5f 00]", DIAG_INVALID, "unknown type 0");
    SECTIONS_REFUSED("01 [01 4e 02 50 01 01 5f 00 50 00 5f 00]", DIAG_INVALID, "unknown type 1");
    SECTIONS_REFUSED("01 [02 5f 00 50 01 00 5f 00]", DIAG_INVALID, "sub type ");
    SECTIONS_REFUSED("01 [02 50 00 5f 00 50 01 00 5e 7f 00]", DIAG_INVALID, "sub type ");
    SECTIONS_REFUSED("01 [02 50 00 5f 01 7f 00 50 01 00 5f 00]", DIAG_INVALID, "sub type ");
    SECTIONS_REFUSED("01 [01 50 02 00 00 5f 00]", DIAG_MALFORMED, "sub type");
}
